"""Posts within Slack's pace, texts within a platform's length, and loops that stop with nothing dropped."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.text import Size, octets, split, units
from gateway.budget import Budget
from gateway.crew import Crew


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_goes_at_once_and_then_one_a_second() -> None:
    clock = Clock()
    budget = Budget(rate=1, burst=3, clock=clock)
    sent = []
    for _ in range(100):
        while budget.wait() == 0:
            budget.spend()
            sent.append(clock.now)
        clock.now += 0.25

    assert sent[:3] == [0, 0, 0]
    assert sent[3:6] == [1, 2, 3]
    assert len(sent) <= 3 + clock.now


def test_when_slack_says_wait_nothing_goes() -> None:
    clock = Clock()
    budget = Budget(rate=1, burst=3, clock=clock)
    budget.block(30)
    clock.now += 29

    assert budget.wait() == pytest.approx(1)
    clock.now += 1
    assert budget.wait() == 0
    budget.spend()
    assert budget.wait() > 0


@settings(deadline=None)
@given(st.text(alphabet="ab .!\n👍🏽é\u0301", max_size=300), st.integers(20, 60), st.sampled_from([units, octets]))
def test_parts_fit_and_lose_nothing_but_space(text: str, limit: int, size: Size) -> None:
    parts = split(text, limit, size)

    assert all(part and size(part) <= limit for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


def test_a_text_is_cut_where_people_would() -> None:
    assert split("One. Two is here.\n\nThree comes last.", 25) == ["One. Two is here.", "Three comes last."]
    assert split("a" * 50, 20) == ["a" * 20, "a" * 20, "a" * 10]
    assert split("👍🏽" * 10, 12) == ["👍🏽" * 3] * 3 + ["👍🏽"]
    assert split(" \n ", 10) == []


async def test_what_was_taken_is_finished_and_nothing_more_is_taken() -> None:
    waiting: asyncio.Queue[int] = asyncio.Queue()
    done: list[int] = []
    go = asyncio.Event()

    async def do(number: int) -> None:
        await go.wait()
        done.append(number)

    crew = Crew()
    crew.hire(waiting.get, do, 2)
    for number in range(5):
        waiting.put_nowait(number)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    stopping = asyncio.create_task(crew.stop(5))
    await asyncio.sleep(0)
    go.set()
    await stopping

    assert sorted(done) == [0, 1]
    assert waiting.qsize() == 3


async def test_a_loop_outlives_what_breaks_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.crew.PAUSE", 0)
    waiting: asyncio.Queue[int] = asyncio.Queue()
    done = asyncio.Event()
    taken: list[int] = []

    async def take() -> int:
        number = await waiting.get()
        if number == 0:
            raise ZeroDivisionError
        return number

    async def do(number: int) -> None:
        taken.append(number)
        if number == 1:
            raise ZeroDivisionError
        done.set()

    crew = Crew()
    crew.hire(take, do)
    for number in range(3):
        waiting.put_nowait(number)
    async with asyncio.timeout(5):
        await done.wait()
    await crew.stop(1)

    assert taken == [1, 2]


async def test_what_never_ends_is_cut_off() -> None:
    started = asyncio.Event()

    async def take() -> int:
        return 1

    async def do(_: int) -> None:
        started.set()
        await asyncio.sleep(3600)

    crew = Crew()
    crew.hire(take, do)
    await started.wait()
    before = asyncio.get_running_loop().time()
    await crew.stop(0.01)

    assert asyncio.get_running_loop().time() - before < 5
