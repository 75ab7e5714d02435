"""Micro-batching: texts of many callers in one piece of work, and each caller's own end."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from translation import batch
from translation.batch import Batcher, replying
from translation.contract import EngineError, Rendering


class Desk:
    """Work that waits until it is let go, and remembers what it was given."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.began = asyncio.Semaphore(0)
        self.go = asyncio.Semaphore(0)

    async def work(self, texts: Sequence[str], *, source: str, target: str) -> Sequence[Rendering | None]:
        self.batches.append(list(texts))
        self.began.release()
        await self.go.acquire()
        if "bad" in texts:
            raise EngineError("no")
        if "bug" in texts:
            raise KeyError("bug")
        return [Rendering(f"{target} {text}", 0.5) for text in texts if text != "short"]


def ask(batcher: Batcher, *texts: str, source: str = "es") -> list[asyncio.Task[Rendering | None]]:
    return [asyncio.create_task(batcher.translate(text, source, "en")) for text in texts]


async def outcome(task: asyncio.Task[Rendering | None]) -> str:
    try:
        rendering = await task
    except EngineError as error:
        return str(error)
    return rendering.text if rendering else ""


async def test_batches_form_while_the_worker_is_busy() -> None:
    desk = Desk()
    batcher = Batcher(desk.work, name="desk", size=4, workers=1)
    first = ask(batcher, "one")
    await desk.began.acquire()
    rest = ask(batcher, *"abcdef")
    for _ in range(3):
        desk.go.release()

    assert [await outcome(task) for task in (*first, *rest)] == ["en one", *(f"en {letter}" for letter in "abcdef")]
    assert desk.batches == [["one"], list("abcd"), list("ef")]


async def test_more_workers_take_more_at_once_and_fewer_less() -> None:
    desk = Desk()
    batcher = Batcher(desk.work, name="desk", size=1, workers=1)
    asked = ask(batcher, *"abcd")
    await desk.began.acquire()
    batcher.employ(3)
    for _ in range(2):
        await desk.began.acquire()
    assert desk.batches == [["a"], ["b"], ["c"]]

    batcher.employ(1)
    for done in range(1, 4):
        desk.go.release()
        await asyncio.wait(asked[done - 1 : done])
    await desk.began.acquire()
    desk.go.release()
    assert [await outcome(each) for each in asked] == ["en a", "en b", "en c", "en d"]


async def test_directions_are_not_mixed() -> None:
    desk = Desk()
    batcher = Batcher(desk.work, name="desk", workers=2)
    asked = [*ask(batcher, "a", "b"), *ask(batcher, "c", source="fr")]
    await desk.began.acquire()
    await desk.began.acquire()
    desk.go.release()
    desk.go.release()

    assert [await outcome(task) for task in asked] == ["en a", "en b", "en c"]
    assert desk.batches == [["a", "b"], ["c"]]


async def test_replies_go_before_what_customers_wrote() -> None:
    desk = Desk()
    batcher = Batcher(desk.work, name="desk", size=2, workers=1)
    first = ask(batcher, "one")
    await desk.began.acquire()
    bulk = [*ask(batcher, "a", "b", "c"), *ask(batcher, "d", source="fr")]
    await asyncio.sleep(0)
    mark = replying.set(True)
    replies = [*ask(batcher, "r1", source="fr"), *ask(batcher, "r2", source="es"), *ask(batcher, "r3", source="fr")]
    replying.reset(mark)
    for _ in range(5):
        desk.go.release()
    await asyncio.gather(*first, *bulk, *replies)

    assert desk.batches == [["one"], ["r1", "r3"], ["r2", "a"], ["b", "c"], ["d"]]


async def test_what_is_too_much_is_refused_and_replies_find_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "MOST", 6)
    desk = Desk()
    batcher = Batcher(desk.work, name="desk", size=2, workers=1)
    first = ask(batcher, "one")
    await desk.began.acquire()
    bulk = ask(batcher, *"abcde")
    await asyncio.sleep(0)
    mark = replying.set(True)
    replies = ask(batcher, *"rstu")
    replying.reset(mark)
    for _ in range(6):
        desk.go.release()

    told = [await outcome(task) for task in (*first, *bulk, *replies)]
    refused = [each for each in told if "texts wait for desk already" in each]
    assert [each for each in told if each not in refused] == [f"en {text}" for text in ("one", *"abcrst")]
    assert len(refused) == 3


@pytest.mark.parametrize(
    ("text", "says"),
    [("bad", "no"), ("bug", "desk broke: KeyError('bug')"), ("short", "desk gave 1 translations for 2 texts")],
)
async def test_an_error_goes_to_its_batch_alone(text: str, says: str) -> None:
    desk = Desk()
    batcher = Batcher(desk.work, name="desk", size=2, workers=1)
    asked = ask(batcher, text, "neighbour", "next", "after")
    desk.go.release()
    desk.go.release()

    assert [await outcome(task) for task in asked] == [says, says, "en next", "en after"]


async def test_who_leaves_the_queue_is_not_translated() -> None:
    desk = Desk()
    batcher = Batcher(desk.work, name="desk", workers=1)
    first = ask(batcher, "one")
    await desk.began.acquire()
    leaving, staying = ask(batcher, "two", "three")
    await asyncio.sleep(0)
    leaving.cancel()
    desk.go.release()
    desk.go.release()

    assert [await outcome(first[0]), await outcome(staying)] == ["en one", "en three"]
    assert desk.batches == [["one"], ["three"]]


async def test_who_leaves_during_the_work_spoils_nothing() -> None:
    desk = Desk()
    batcher = Batcher(desk.work, name="desk", workers=1)
    leaving, staying = ask(batcher, "one", "two")
    await desk.began.acquire()
    leaving.cancel()
    desk.go.release()

    assert await outcome(staying) == "en two"


async def test_patience_ends() -> None:
    desk = Desk()
    batcher = Batcher(desk.work, name="desk", workers=2, limit=timedelta(milliseconds=10))

    with pytest.raises(EngineError, match=r"desk didn't translate es → en within 0\.01 s"):
        await batcher.translate("one", "es", "en")
    await batcher.close()


async def test_closing_tells_everyone_who_waits() -> None:
    desk = Desk()
    batcher = Batcher(desk.work, name="desk", size=1, workers=1)
    asked = ask(batcher, "one", "two")
    await desk.began.acquire()
    await batcher.close()
    await batcher.close()

    assert [await outcome(task) for task in asked] == ["desk was closed: the gateway is stopping"] * 2
    with pytest.raises(EngineError, match="desk is closed"):
        await batcher.translate("three", "es", "en")
