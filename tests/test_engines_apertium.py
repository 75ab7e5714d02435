"""Apertium: its marks, its stream, and processes that die, hang or talk nonsense."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from translation.apertium import Apertium
from translation.contract import EngineError, Pair

Install = Callable[[str], Apertium]


@pytest.fixture
async def apertium() -> AsyncIterator[Apertium]:
    if shutil.which("apertium") is None:
        if os.environ.get("CI"):
            pytest.fail("CI installs apertium and apertium-eng-spa")
        pytest.skip("apertium isn't installed: apt install apertium-eng-spa")
    apertium = Apertium()
    yield apertium
    await apertium.close()


@pytest.fixture
async def install(tmp_path: Path) -> AsyncIterator[Install]:
    """Install a pipeline of ours, a shell script, as spa-eng."""
    opened: list[Apertium] = []

    def make(script: str) -> Apertium:
        modes = tmp_path / "modes"
        modes.mkdir()
        (modes / "spa-eng.mode").write_text(script)
        program = tmp_path / "apertium"
        (tmp_path / "apertium-wblank-mode").write_text('#!/bin/sh\nshift\nexec cat "$1"\n')
        (tmp_path / "apertium-wblank-mode").chmod(0o755)
        opened.append(Apertium(program=program, modes=modes, limit=timedelta(milliseconds=500)))
        return opened[-1]

    yield make
    for engine in opened:
        await engine.close()


async def say(apertium: Apertium, text: str) -> tuple[str, float] | None:
    (rendering,) = await apertium.translate([text], source="es", target="en")
    return (rendering.text, round(rendering.score, 2)) if rendering else None


@pytest.mark.parametrize(
    ("spanish", "english", "score"),
    [
        ("Hola", "Hello", 0.6),
        ("Hola xyzzyplugh", "Hello xyzzyplugh", 0.3),
        ("La casa es *roja*", "The house is *red*", 0.6),
        ("  casa\r\n\n- [casa] AB_1234\n", "  House\r\n\n- [House] AB_1234\n", 0.6),
        ("casa ana_b@x.es https://a.b/c?d=[1]^$", "House ana_b@x.es https://a.b/c?d=[1]^$", 0.6),
        ("123 👍", "123 👍", 1.0),
    ],
)
async def test_says(apertium: Apertium, spanish: str, english: str, score: float) -> None:
    assert await say(apertium, spanish) == (english, score)


async def test_killed_processes_are_replaced(apertium: Apertium) -> None:
    await say(apertium, "Hola")
    for process in apertium.processes():
        os.killpg(process, signal.SIGKILL)

    assert await say(apertium, "Hola") == ("Hello", 0.6)


async def test_modes_have_the_names_people_use(tmp_path: Path) -> None:
    for name in ("eng-spa", "spa-eng_US", "por_BR-spa", "hbs_HR-eng", "cat_valencia-spa", "spa-eng-tagger", "x-y"):
        (tmp_path / f"{name}.mode").touch()

    assert set(Apertium(program=tmp_path / "apertium", modes=tmp_path).pairs()) == {
        Pair("en", "es"),
        Pair("es", "en-us"),
        Pair("pt-br", "es"),
        Pair("hr", "en"),
        Pair("ca-valencia", "es"),
    }


async def test_a_program_without_pairs_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="apt install apertium-eng-spa"):
        await Apertium(program=tmp_path / "apertium", modes=tmp_path / "none").probe()


@pytest.mark.parametrize(
    ("script", "says"),
    [
        pytest.param("exit 3", "apertium stops at once in mode spa-eng", id="stops"),
        pytest.param("sleep 60", r"apertium gave no answer within 0\.5 s", id="hangs"),
        pytest.param(r"while true; do printf 'x\0'; done", "apertium answered nonsense", id="another's answers"),
        pytest.param(r"printf '\377.[1]\0'; cat", "apertium answered nonsense", id="not UTF-8"),
        pytest.param("yes | tr -d '\\n'", "apertium answered nonsense", id="endless"),
    ],
)
async def test_faults_are_errors(install: Install, script: str, says: str) -> None:
    apertium = install(script)

    for _ in range(2):
        with pytest.raises(EngineError, match=says):
            await say(apertium, "Hola")


async def test_an_answer_that_lost_something_is_none(install: Install) -> None:
    assert await say(install("sed -uz 's/.0. //'"), "Hola 👍 amigo") is None


async def test_a_late_answer_reaches_nobody(install: Install) -> None:
    late = install("sed -uz 's/slow/slow/;/slow/{s/.*/late/;q}'")

    with pytest.raises(EngineError):
        await say(late, "slow")
    assert await say(late, "fast") == ("fast", 0.6)


async def test_a_cancelled_question_takes_its_answer_along(install: Install) -> None:
    echo = install("cat")
    await say(echo, "uno")
    leaving = asyncio.create_task(say(echo, "dos"))
    await asyncio.sleep(0)
    leaving.cancel()

    assert await say(echo, "tres") == ("tres", 0.6)
