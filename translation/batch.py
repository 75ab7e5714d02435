"""Texts of many conversations, translated together.

Decoding sixteen texts takes hardly longer than one. Nobody waits for a batch to fill: while the workers are busy texts
gather by themselves, and a worker that is free takes what is there.
"""

import asyncio
from collections import deque
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Protocol, TypeVar

from translation.contract import EngineError, Pair, Rendering

Outcome = asyncio.Future[Rendering | None]
T = TypeVar("T")


class Translate(Protocol):
    """What does the work: an engine's `translate`, or a part of it."""

    def __call__(
        self, texts: Sequence[str], *, source: str, target: str
    ) -> Coroutine[Any, Any, Sequence[Rendering | None]]:
        """Translate each text, in order; raises EngineError."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    text: str
    outcome: Outcome


class Batcher:
    """Gives `work` at most `size` texts of one direction at a time, and at most `workers` batches at once.

    A text that isn't translated within `limit` is an EngineError for its caller alone.
    """

    def __init__(
        self,
        work: Translate,
        *,
        name: str,
        size: int = 16,
        workers: int,
        limit: timedelta = timedelta(seconds=30),
    ) -> None:
        self._work = work
        self._name = name
        self._size = size
        self._limit = limit.total_seconds()
        self._free = asyncio.Semaphore(workers)
        self._lanes: dict[Pair, deque[_Waiting]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closed = False

    async def translate(self, text: str, source: str, target: str) -> Rendering | None:
        """Translate one text in whatever company it finds; None where `work` says so.

        Raises:
            EngineError: its batch failed, it took too long, or the batcher was closed.
        """
        if self._closed:
            raise EngineError(f"{self._name} is closed: the gateway is stopping")
        waiting = _Waiting(text, asyncio.get_running_loop().create_future())
        pair = Pair(source, target)
        if pair in self._lanes:
            self._lanes[pair].append(waiting)
        else:
            self._lanes[pair] = deque([waiting])
            self._start(self._drain(pair))
        try:
            async with asyncio.timeout(self._limit):
                return await waiting.outcome
        except TimeoutError as error:
            raise EngineError(
                f"{self._name} didn't translate {source} → {target} within {self._limit:g} s: "
                "the machine is too busy or too slow for this engine"
            ) from error

    async def close(self) -> None:
        """Stop; whoever still waits gets an EngineError."""
        self._closed = True
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for lane in self._lanes.values():
            self._fail(lane, EngineError(f"{self._name} was closed: the gateway is stopping"))
        self._lanes.clear()

    async def _drain(self, pair: Pair) -> None:
        lane = self._lanes[pair]
        while lane:
            await self._free.acquire()
            if batch := self._take(lane):
                texts = [waiting.text for waiting in batch]
                work = self._start(self._work(texts, source=pair.source, target=pair.target))
                work.add_done_callback(partial(self._settle, batch))
            else:
                self._free.release()
        del self._lanes[pair]

    def _take(self, lane: deque[_Waiting]) -> list[_Waiting]:
        batch: list[_Waiting] = []
        while lane and len(batch) < self._size:
            waiting = lane.popleft()
            if not waiting.outcome.done():
                batch.append(waiting)
        return batch

    def _settle(self, batch: Sequence[_Waiting], work: asyncio.Task[Sequence[Rendering | None]]) -> None:
        self._free.release()
        if work.cancelled():
            self._fail(batch, EngineError(f"{self._name} was closed: the gateway is stopping"))
        elif error := work.exception():
            self._fail(batch, error)
        elif len(work.result()) != len(batch):
            self._fail(
                batch, EngineError(f"{self._name} gave {len(work.result())} translations for {len(batch)} texts")
            )
        else:
            for waiting, rendering in zip(batch, work.result(), strict=True):
                if not waiting.outcome.done():
                    waiting.outcome.set_result(rendering)

    def _fail(self, batch: Iterable[_Waiting], error: BaseException) -> None:
        """Give each waiter an error of its own: an exception raised twice mixes their tracebacks."""
        for waiting in batch:
            if not waiting.outcome.done():
                told = EngineError(str(error) if isinstance(error, EngineError) else f"{self._name} broke: {error!r}")
                told.__cause__ = error
                waiting.outcome.set_exception(told)

    def _start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
