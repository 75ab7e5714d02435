"""What translating costs, by engine and beside what it is made of; and what comes before any engine. Prints JSON.

The models have the size of real ones and are made by hand; that they translate word for word is beside the point.
"""

import asyncio
import contextlib
import json
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.firefox_model import BASE_MEMORY, SPANISH, Made, make_model
from translation.chain import Chain
from translation.contract import Engine, Pair
from translation.detect import Detector
from translation.firefox import Firefox
from translation.models import Models
from translation.phrasebook import Phrasebook

ES_EN, EN_ES = Pair("es", "en"), Pair("en", "es")
ENGLISH = {english: spanish for spanish, english in SPANISH.items() if english}
AT_ONCE = 32
COUNT = 1200
WORDS = list(SPANISH)
TEXTS = [" ".join(WORDS[(n * 7 + k * (n % 11 + 1)) % len(WORDS)] for k in range(9)).capitalize() for n in range(COUNT)]
CHAT = [
    "hola donde esta mi pedido 1042 porfa",
    "Could you tell me when the parcel will arrive?",
    "Meine Bestellung ist noch nicht angekommen",
    "je voudrais un remboursement s'il vous plaît",
    "o produto chegou quebrado ontem",
]


async def at_once(engine: Engine, texts: Sequence[str], pair: Pair = ES_EN) -> float:
    """Give how many texts a second an engine translates for so many callers."""
    waiting = iter(texts)

    async def caller() -> None:
        for text in waiting:
            (rendering,) = await engine.translate([text], source=pair.source, target=pair.target)
            assert rendering is not None

    began = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(AT_ONCE)))
    return len(texts) / (time.perf_counter() - began)


@contextlib.asynccontextmanager
async def lag() -> AsyncIterator[list[float]]:
    """Note by how much the loop is late, in ms."""
    seen: list[float] = []

    async def watch() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.005)
            seen.append((time.perf_counter() - began - 0.005) * 1000)

    watching = asyncio.create_task(watch())
    yield seen
    watching.cancel()


def bare(made: Made, texts: Sequence[str]) -> None:
    """Translate with the library alone."""
    import fxtranslate

    translator = fxtranslate.Translator(made.model, made.vocab, made.vocab, made.lex)
    translator.translate("OK")
    READY.wait()
    for text in texts:
        translator.translate(text)


READY = multiprocessing.get_context("fork").Barrier(3)


def two_bare(made: Made) -> float:
    """Give how many texts a second two processes translate with the library alone."""
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=bare, args=(made, TEXTS[half::2])) for half in (0, 1)]
    for process in processes:
        process.start()
    READY.wait()
    began = time.perf_counter()
    for process in processes:
        process.join()
    return len(TEXTS) / (time.perf_counter() - began)


def memory(pids: Sequence[int]) -> float:
    """Give the memory of processes, in MB, what they share counted once."""
    total = 0
    for pid in pids:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        total += int(rollup.partition("Pss:")[2].split()[0])
    return total / 1024


def children() -> list[int]:
    """Give the processes that this one has started."""
    return [int(pid) for file in Path("/proc/self/task").glob("*/children") for pid in file.read_text().split()]


async def firefox() -> dict[str, float]:
    """Measure Firefox's models."""
    made, back = make_model(SPANISH, BASE_MEMORY), make_model(ENGLISH, BASE_MEMORY)
    alone = two_bare(made)
    with tempfile.TemporaryDirectory() as folder:
        models = Models(Path(folder))
        made.put(models, ES_EN)
        back.put(models, EN_ES)
        engine = Firefox(models, workers=2)
        for _ in range(3):
            there = engine.translate(["Hola"], source="es", target="en")
            await asyncio.gather(there, engine.translate(["Hello"], source="en", target="es"))
        both = memory(children())
        await at_once(engine, TEXTS[:100])
        async with lag() as late:
            rate = await at_once(engine, TEXTS)
        await engine.close()
    late.sort()
    return {"rate": rate, "bare": alone, "lag_p99": late[int(len(late) * 0.99)], "memory": both}


async def median_us(call: Callable[[str], Awaitable[object]], texts: Sequence[str]) -> float:
    """Give the median time of a call, in µs."""
    for text in texts:
        await call(text)
    times = []
    for _ in range(200):
        for text in texts:
            began = time.perf_counter()
            await call(text)
            times.append((time.perf_counter() - began) * 1e6)
    return statistics.median(times)


async def before_engines() -> dict[str, float]:
    """Measure what is asked before any engine."""
    phrasebook = Phrasebook.load()
    source = {
        text: language
        for language in ("es", "fr", "de", "pt")
        for text in phrasebook.suggestions(language, "customer", 5)
    }

    async def phrase(text: str) -> object:
        return await phrasebook.translate([text], source=source[text], target="en")

    with tempfile.TemporaryDirectory() as folder:
        models = Models(Path(folder))
        make_model(SPANISH).put(models, ES_EN)
        engine = Firefox(models, workers=1)
        chain = Chain([phrasebook, engine])

        async def repeated(text: str) -> object:
            return await chain.translate(text, source="es", target="en")

        remembered = await median_us(repeated, TEXTS[:50])
        await engine.close()
    detector = Detector()
    numbers = iter(range(10**9))

    async def detect(text: str) -> object:
        return detector.distribution(f"{text} {next(numbers)}")

    return {
        "phrasebook_us": await median_us(phrase, list(source)),
        "remembered_us": remembered,
        "detect_us": await median_us(detect, CHAT),
    }


async def main() -> dict[str, Any]:
    """Measure all."""
    return {"firefox": await firefox(), "before": await before_engines()}


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        json.dump(runner.run(main()), sys.stdout)
