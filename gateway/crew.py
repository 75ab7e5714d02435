"""Loops that take work and do it, and stop without dropping what they hold."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
PAUSE = 1.0
"""Seconds that a loop rests after an error."""

log = logging.getLogger("dragoman.crew")


class Crew:
    """Takes and does, side by side; on `stop` what was taken is finished and nothing more is taken."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._busy: set[asyncio.Task[None]] = set()
        self._stopping = False

    def hire(self, take: Callable[[], Awaitable[T]], do: Callable[[T], Awaitable[None]], count: int = 1) -> None:
        """Start `count` loops; an error of either is logged, and the loop goes on."""
        for _ in range(count):
            self._tasks.add(asyncio.create_task(self._loop(take, do)))

    async def stop(self, within: float) -> None:
        """Finish what was taken, but no longer than `within` seconds."""
        self._stopping = True
        for task in self._tasks - self._busy:
            task.cancel()
        if self._busy:
            await asyncio.wait(set(self._busy), timeout=within)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _loop(self, take: Callable[[], Awaitable[T]], do: Callable[[T], Awaitable[None]]) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - it runs as one
        while not self._stopping:
            try:
                taken = await take()
                self._busy.add(task)
                await do(taken)
            except Exception:
                log.exception("crew.failed")
                await asyncio.sleep(PAUSE)
            finally:
                self._busy.discard(task)
