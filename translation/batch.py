"""Texts of many conversations, translated together.

Decoding sixteen texts takes hardly longer than one. Nobody waits for a batch to fill: while the workers are busy texts
gather by themselves, and a worker that is free takes what is there.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Coroutine, Iterable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import chain, count
from typing import Any, Protocol

from translation.contract import EngineError, Pair, Rendering

Outcome = asyncio.Future[Rendering | None]


class Translate(Protocol):
    """What does the work: an engine's `translate`, or a part of it."""

    def __call__(
        self, texts: Sequence[str], *, source: str, target: str
    ) -> Coroutine[Any, Any, Sequence[Rendering | None]]:
        """Translate each text, in order; raises EngineError."""


MOST = 2000
"""How many texts may wait; half as many while none of them is a reply's, so that replies find room."""

replying: ContextVar[bool] = ContextVar("replying", default=False)
"""Set while an agent's reply is translated: it goes before what customers wrote."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    text: str
    outcome: Outcome
    turn: int


@dataclass(frozen=True, slots=True)
class _Lane:
    """What waits in one direction, in order; replies go first."""

    replies: deque[_Waiting] = field(default_factory=deque)
    others: deque[_Waiting] = field(default_factory=deque)

    def __len__(self) -> int:
        return len(self.replies) + len(self.others)

    def __iter__(self) -> Iterator[_Waiting]:
        return chain(self.replies, self.others)

    @property
    def turn(self) -> tuple[bool, int]:
        """Say when it is this one's turn: before those with more."""
        return not self.replies, (self.replies or self.others)[0].turn

    def take(self, most: int) -> list[_Waiting]:
        """Take what is to go next; who has left isn't translated."""
        batch: list[_Waiting] = []
        for queue in (self.replies, self.others):
            while queue and len(batch) < most:
                waiting = queue.popleft()
                if not waiting.outcome.done():
                    batch.append(waiting)
        return batch


class Batcher:
    """Gives `work` at most `size` texts of one direction at a time, and at most `workers` batches at once.

    A text that isn't translated within `limit` is an EngineError for its caller alone, and so is one too many.
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
        self._workers = self._free = workers
        self._lanes: defaultdict[Pair, _Lane] = defaultdict(_Lane)
        self._turns = count()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closed = False

    async def translate(self, text: str, source: str, target: str) -> Rendering | None:
        """Translate one text in whatever company it finds; None where `work` says so.

        Raises:
            EngineError: its batch failed, it took too long, too much waits, or the batcher was closed.
        """
        if self._closed:
            raise EngineError(f"{self._name} is closed: the gateway is stopping")
        urgent = replying.get()
        if (waits := sum(map(len, self._lanes.values()))) >= (MOST if urgent else MOST // 2):
            raise EngineError(f"{waits} texts wait for {self._name} already: it is too slow for what comes")
        loop = asyncio.get_running_loop()
        waiting = _Waiting(text, loop.create_future(), next(self._turns))
        lane = self._lanes[Pair(source, target)]
        (lane.replies if urgent else lane.others).append(waiting)
        # In a moment, so that what is asked for at once goes together.
        loop.call_soon(self._go_on)
        try:
            async with asyncio.timeout(self._limit):
                return await waiting.outcome
        except TimeoutError as error:
            raise EngineError(
                f"{self._name} didn't translate {source} → {target} within {self._limit:g} s: "
                "the machine is too busy or too slow for this engine"
            ) from error

    def employ(self, workers: int) -> None:
        """Have so many batches at once from now on."""
        self._free += workers - self._workers
        self._workers = workers
        self._go_on()

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

    def _go_on(self) -> None:
        """Give each free worker what is to go next."""
        while self._free > 0 and self._lanes and not self._closed:
            pair = min(self._lanes, key=lambda pair: self._lanes[pair].turn)
            lane = self._lanes[pair]
            batch = lane.take(self._size)
            if not lane:
                del self._lanes[pair]
            if batch:
                self._free -= 1
                texts = [waiting.text for waiting in batch]
                work = asyncio.create_task(self._do(texts, pair))
                self._tasks.add(work)
                work.add_done_callback(partial(self._settle, batch))

    async def _do(self, texts: Sequence[str], pair: Pair) -> Sequence[Rendering | None]:
        return await self._work(texts, source=pair.source, target=pair.target)

    def _settle(self, batch: Sequence[_Waiting], work: asyncio.Task[Sequence[Rendering | None]]) -> None:
        self._tasks.discard(work)
        self._free += 1
        self._go_on()
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
