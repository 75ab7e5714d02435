"""What `argos` costs beside what it is made of, and beside LibreTranslate and argostranslate. Prints JSON.

All translate the same texts with the same package, of the size of real ones (`argos_model.py`).
"""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import aiohttp
import ctranslate2
import sentencepiece

from benchmarks.argos_model import make_package
from benchmarks.firefox_model import SPANISH
from benchmarks.ports import free_port
from benchmarks.translating import AT_ONCE, EN_ES, ENGLISH, ES_EN, TEXTS, at_once, lag, memory
from translation.argos import Argos
from translation.packages import Packages

PEER = Path(__file__).parent / "peers" / "argostranslates.py"
TUNED = {"ARGOS_INTER_THREADS": "2", "ARGOS_INTRA_THREADS": "1"}
BATCH = 16


async def ours(folder: Path) -> dict[str, float]:
    """Measure our engine: rate, how late the loop is meanwhile, memory with both directions."""
    before = memory([os.getpid()])
    engine = Argos(Packages(folder))
    await engine.translate(["Hola"], source="es", target="en")
    await engine.translate(["Hello"], source="en", target="es")
    await at_once(engine, TEXTS[:200])
    async with lag() as late:
        rate = await at_once(engine, TEXTS)
    await at_once(engine, TEXTS[:200], EN_ES)
    used = memory([os.getpid()]) - before
    await engine.close()
    late.sort()
    return {"rate": rate, "lag_p99": late[int(len(late) * 0.99)], "memory": used}


def raw(package: Path) -> float:
    """Give how many texts a second CTranslate2 translates in full batches, a feeder for each core."""
    cores = os.cpu_count() or 1
    translator = ctranslate2.Translator(str(package / "model"), inter_threads=cores, intra_threads=1)
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(package / "sentencepiece.model"))
    batches = [pieces.encode(TEXTS[at : at + BATCH], out_type=str) for at in range(0, len(TEXTS), BATCH)]

    def run(batch: Any) -> None:
        translator.translate_batch(batch, beam_size=2, return_scores=True)

    with ThreadPoolExecutor(cores) as feeders:
        list(feeders.map(run, batches[:8]))
        began = time.perf_counter()
        list(feeders.map(run, batches))
    return len(TEXTS) / (time.perf_counter() - began)


def alone(peers: str, environment: dict[str, str]) -> float:
    """Give how many texts a second argostranslate translates, one after the other, as it is set."""
    command = [peers, str(PEER), "alone"]
    done = subprocess.run(
        command, input=json.dumps(TEXTS[:40]), capture_output=True, text=True, check=True, timeout=200, env=environment
    )
    told: dict[str, float] = json.loads(done.stdout)
    return told["rate"]


@contextlib.asynccontextmanager
async def served(peers: str, environment: dict[str, str]) -> AsyncIterator[str]:
    """Run LibreTranslate."""
    port = free_port()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen([peers, str(PEER), "serve", str(port)], env=environment, **quiet)  # type: ignore[call-overload]  # its options by name
    url = f"http://127.0.0.1:{port}"
    try:
        async with aiohttp.ClientSession() as session, asyncio.timeout(90):
            while True:
                with contextlib.suppress(aiohttp.ClientError):
                    async with session.get(f"{url}/languages"):
                        break
                await asyncio.sleep(0.2)
        yield url
    finally:
        server.kill()
        server.wait()


async def libretranslate(url: str, texts: Sequence[str]) -> float:
    """Give how many texts a second it translates for so many callers."""
    waiting = iter(texts)

    async def caller(session: aiohttp.ClientSession) -> None:
        for text in waiting:
            body = {"q": text, "source": "es", "target": "en", "format": "text"}
            async with session.post(f"{url}/translate", json=body) as answer:
                answer.raise_for_status()
                assert (await answer.json())["translatedText"]

    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(120)) as session:
        waiting = iter(texts[:8])
        await caller(session)
        waiting = iter(texts)
        began = time.perf_counter()
        await asyncio.gather(*(caller(session) for _ in range(AT_ONCE)))
        return len(texts) / (time.perf_counter() - began)


async def main() -> dict[str, float]:
    """Measure all; without PEERS only what needs no other project."""
    with tempfile.TemporaryDirectory() as name, tempfile.TemporaryDirectory() as home:
        folder = Path(name)
        package = make_package(SPANISH, ES_EN, folder)
        make_package(ENGLISH, EN_ES, folder)
        told = {**await ours(folder), "raw": raw(package)}
        if peers := os.environ.get("PEERS"):
            environment = {**os.environ, "ARGOS_PACKAGES_DIR": name, "HOME": home}
            told["alone"] = alone(peers, environment)
            async with served(peers, environment) as url:
                told["installed"] = await libretranslate(url, TEXTS[:128])
            async with served(peers, {**environment, **TUNED}) as url:
                told["tuned"] = await libretranslate(url, TEXTS[:384])
        return told


if __name__ == "__main__":
    json.dump(asyncio.run(main()), sys.stdout)
