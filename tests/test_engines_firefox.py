"""Firefox's models: what ones made by hand say, and the faults of their processes that must not reach a customer."""

import asyncio
import importlib.util
import os
import signal
import struct
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from benchmarks.firefox_model import SPANISH, Made, make_model
from translation import firefox as engine
from translation.contract import EngineError, Pair
from translation.firefox import Firefox
from translation.models import Models

ES_EN, EN_FR = Pair("es", "en"), Pair("en", "fr")
FRENCH = {"hello": "bonjour", "my": "ma", "order": "commande", "thanks": "merci"}
SOON = timedelta(seconds=1)

Open = Callable[..., Firefox]


@pytest.fixture
def models(tmp_path: Path) -> Models:
    models = Models(tmp_path / "models")
    make_model(SPANISH).put(models, ES_EN)
    return models


@pytest.fixture
async def open_engine(models: Models) -> AsyncIterator[Open]:
    opened: list[Firefox] = []

    def make(**options: Any) -> Firefox:
        opened.append(Firefox(models, **{"workers": 2, **options}))
        return opened[-1]

    yield make
    for each in opened:
        await each.close()


async def say(firefox: Firefox, text: str, source: str = "es", target: str = "en") -> str | None:
    (rendering,) = await firefox.translate([text], source=source, target=target)
    return rendering.text if rendering else None


def processes() -> set[int]:
    """The engine's processes that this one has started and that still live; other tests have servers of their own."""
    listed = (file.read_text().split() for file in Path("/proc/self/task").glob("*/children"))
    return {pid for pids in listed for pid in map(int, pids) if is_engine(pid) and not ended(pid)}


def is_engine(pid: int) -> bool:
    try:
        return engine.CHILD.name in Path(f"/proc/{pid}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110  # other processes set no Event
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("spanish", "english"),
    [
        ("¡Hola! ¿Dónde está mi pedido #AB-123?", "Hello! Where is my order #AB-123?"),
        ("MI PEDIDO NO HA LLEGADO", "My order not has arrived"),
        ("Hola.\n\n  Gracias ⟦3⟧ AB_12.\n", "Hello.\n\n  Thanks ⟦3⟧ AB_12.\n"),
        ("Hola 😀 nº 5", "Hello 😀 nº 5"),
    ],
)
async def test_translates_word_for_word(open_engine: Open, spanish: str, english: str) -> None:
    assert await say(open_engine(), spanish) == english


async def test_translates_through_english_where_there_is_no_direct_way(open_engine: Open, models: Models) -> None:
    make_model(FRENCH).put(models, EN_FR)
    firefox = open_engine()

    assert set(firefox.pairs()) == {ES_EN, EN_FR, Pair("es", "fr")}
    inventory = firefox._models.inventory().models
    assert firefox.version("es", "fr") == f"{inventory[ES_EN].version}, {inventory[EN_FR].version}"
    assert await say(firefox, "Hola, gracias", target="fr") == "Bonjour, merci"


async def test_a_process_that_is_killed_is_replaced(open_engine: Open) -> None:
    firefox = open_engine()
    for _ in range(3):
        assert await say(firefox, "Hola") == "Hello"
        for pid in processes():
            os.kill(pid, signal.SIGKILL)

    answers = await asyncio.gather(*(say(firefox, "Hola") for _ in range(40)))

    assert answers == ["Hello"] * 40


async def test_a_process_that_hangs_is_killed_and_replaced(open_engine: Open) -> None:
    firefox = open_engine(limit=SOON, workers=1)
    before = processes()
    await say(firefox, "Hola")
    (hung,) = processes() - before
    os.kill(hung, signal.SIGSTOP)

    with pytest.raises(EngineError, match=r"es → en .* couldn't translate a text: no answer within 1 s"):
        await say(firefox, "Hola")

    assert hung not in processes()
    assert await say(firefox, "Hola") == "Hello"


async def test_a_text_that_ends_its_process_harms_no_other(open_engine: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    firefox = open_engine(workers=1)
    await say(firefox, "Hola")
    asked = firefox._children.ask

    async def fatal(name: str, files: Any, size: int, texts: list[str], **options: Any) -> dict[str, Any]:
        if "Poison" in texts:
            for pid in processes():
                os.kill(pid, signal.SIGKILL)
        return await asked(name, files, size, texts, **options)

    monkeypatch.setattr(firefox._children, "ask", fatal)
    answers = await firefox.translate(["Hola", "Poison", "Gracias"], source="es", target="en")

    assert [answer and answer.text for answer in answers] == ["Hello", None, "Thanks"]


HUGE = struct.pack("<2Q", 1, 2**40)


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"garbage" * 100, id="garbage"),
        pytest.param(HUGE, id="a header that aborts whoever reads it"),
        pytest.param(make_model(SPANISH).model[:5000], id="cut short"),
    ],
)
async def test_a_model_that_cannot_be_loaded_is_left_alone(open_engine: Open, models: Models, model: bytes) -> None:
    good = make_model(FRENCH)
    Made(model, good.vocab, good.lex).put(models, EN_FR)
    firefox = open_engine()

    with pytest.raises(EngineError, match=r"en → fr .* of firefox doesn't work, `dragoman languages install` it again"):
        await say(firefox, "Hello", "en", "fr")

    assert set(firefox.pairs()) == {ES_EN}
    assert await say(firefox, "Hola") == "Hello"


async def test_a_model_that_is_replaced_is_used_at_once_and_a_removed_one_no_more(
    open_engine: Open, models: Models
) -> None:
    firefox = open_engine()
    assert await say(firefox, "Hola") == "Hello"

    make_model({"hola": "hi"}).put(models, ES_EN)
    assert await say(firefox, "Hola") == "Hi"

    models.remove(ES_EN)
    with pytest.raises(EngineError, match="firefox has no model es → en: `dragoman languages install`"):
        await say(firefox, "Hola")


async def test_one_process_has_a_model_until_several_wait_for_it(open_engine: Open) -> None:
    firefox = open_engine()
    before = processes()
    for _ in range(5):
        await say(firefox, "Hola")
    assert len(processes() - before) == 1

    await asyncio.gather(*(say(firefox, "Hola") for _ in range(40)))
    assert len(processes() - before) == 2


async def test_two_models_take_a_process_each_and_stay_there(open_engine: Open, models: Models) -> None:
    make_model(FRENCH).put(models, EN_FR)
    firefox = open_engine()
    for _ in range(5):
        await asyncio.gather(say(firefox, "Hola"), say(firefox, "Hello", "en", "fr"))

    assert [len(child.holds) for child in firefox._children._children] == [1, 1]


async def test_a_process_holds_no_more_models_than_it_may(open_engine: Open, models: Models) -> None:
    make_model(FRENCH).put(models, EN_FR)
    firefox = open_engine(workers=1, memory=1)
    for _ in range(2):
        assert await say(firefox, "Hola, gracias", target="fr") == "Bonjour, merci"

    (child,) = firefox._children._children
    assert len(child.holds) == 1


async def test_processes_end_when_nobody_asks_and_come_back(open_engine: Open) -> None:
    firefox = open_engine(idle=timedelta(milliseconds=50))
    before = processes()
    await say(firefox, "Hola")
    assert processes() - before

    await until(lambda: processes() == before)
    assert await say(firefox, "Hola") == "Hello"


async def test_a_machine_that_cannot_run_it_is_told_and_offered_no_pair(
    open_engine: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    engine.unusable.cache_clear()
    firefox = open_engine()

    assert not firefox.pairs()
    with pytest.raises(EngineError, match="no wheel for this platform; take argos instead"):
        await firefox.probe()
    engine.unusable.cache_clear()


async def test_without_a_model_the_probe_says_how_to_get_one(tmp_path: Path) -> None:
    firefox = Firefox(Models(tmp_path))

    with pytest.raises(EngineError, match=f"no model in {tmp_path}: `dragoman languages install es`"):
        await firefox.probe()


async def test_a_manifest_without_its_files_or_unreadable_is_a_fault(open_engine: Open, models: Models) -> None:
    (models.folder / "xx-en.json").write_text("{")
    (model,) = models.inventory().models.values()
    models.files(model)[3].unlink()
    found = Models(models.folder).inventory()

    assert not found.models
    assert [fault.partition(", `dragoman")[0] for fault in found.faults] == [
        f"{model} lacks lex.bin",
        f"{models.folder}/xx-en.json can't be read",
    ]


async def test_its_processes_end_with_the_gateway_however_it_ends(models: Models) -> None:
    code = f"""
import asyncio
from pathlib import Path
from translation.firefox import Firefox
from translation.models import Models

async def main():
    firefox = Firefox(Models(Path({str(models.folder)!r})))
    await firefox.translate(["Hola"], source="es", target="en")
    print(firefox._children._children[0]._process.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""
    gateway = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=subprocess.PIPE)
    assert gateway.stdout is not None
    child = int(await gateway.stdout.readline())
    assert not ended(child)

    gateway.kill()
    await gateway.wait()
    await until(lambda: ended(child))


async def test_closing_ends_every_process(open_engine: Open) -> None:
    before = processes()
    firefox = open_engine()
    await asyncio.gather(*(say(firefox, "Hola") for _ in range(40)))

    await firefox.close()

    assert processes() == before


def test_importing_it_loads_no_model_library() -> None:
    code = "import sys, translation.firefox; print('fxtranslate' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"
