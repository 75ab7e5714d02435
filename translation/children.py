"""Processes that own models: asked by lines of JSON, killed past their deadline, started anew when they are gone."""

import asyncio
import json
import sys
from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

LONGEST_LINE = 2**20
GOODBYE = 1.0
"""Seconds that a process may take to end by itself."""


class Gone(Exception):
    """The process ended; what became of the request isn't known."""


class Hung(Gone):
    """It was killed because it didn't answer in time."""


class Unloadable(Exception):
    """A process couldn't load a model; says why."""


class Child:
    """One process, started when first asked. `holds` are the models it has, with their sizes, the least used first."""

    def __init__(self, script: Path) -> None:
        self._script = script
        self._process: asyncio.subprocess.Process | None = None
        self.holds: OrderedDict[str, int] = OrderedDict()
        self.busy = False

    async def ask(self, request: Mapping[str, Any], *, within: timedelta) -> dict[str, Any]:
        """Put one request, and wait for its answer.

        Raises:
            Hung: it didn't answer within `within`, and was killed.
            Gone: it ended.
            OSError: it can't be started.
        """
        process = self._process or await self._start()
        try:
            async with asyncio.timeout(within.total_seconds()):
                stdin, stdout = _pipes(process)
                stdin.write(json.dumps(request, ensure_ascii=False).encode() + b"\n")
                await stdin.drain()
                line = await stdout.readline()
        except TimeoutError as error:
            await self.kill()
            raise Hung(f"no answer within {within.total_seconds():g} s") from error
        except ConnectionError as error:
            raise Gone(await self._ended(process)) from error
        except BaseException:
            # Whoever waited is gone: the answer would be read as the next one's.
            await self.kill()
            raise
        if not line.endswith(b"\n"):
            raise Gone(await self._ended(process))
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def stop(self) -> None:
        """Let the process end, and with it everything it holds."""
        process, self._process = self._process, None
        self.holds.clear()
        if process is None:
            return
        _pipes(process)[0].close()
        try:
            async with asyncio.timeout(GOODBYE):
                await process.wait()
        except TimeoutError:
            await _kill(process)

    async def kill(self) -> None:
        """End the process at once."""
        process, self._process = self._process, None
        self.holds.clear()
        if process is not None:
            await _kill(process)

    async def _start(self) -> asyncio.subprocess.Process:
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", str(self._script)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=LONGEST_LINE,
        )
        return self._process

    async def _ended(self, process: asyncio.subprocess.Process) -> str:
        self._process = None
        self.holds.clear()
        await _kill(process)
        status = process.returncode or 0
        return f"its process ended with {f'signal {-status}' if status < 0 else f'status {status}'}"


class Children:
    """`count` processes that share the models.

    A model is asked where it is; a second process loads it only when several wait for it, so that memory holds most
    models once. Each process holds at most `memory` bytes of models, and all end when nobody asked for `idle`.
    """

    def __init__(self, script: Path, *, count: int, memory: int, idle: timedelta) -> None:
        self._children = [Child(script) for _ in range(count)]
        self._memory = memory
        self._idle = idle.total_seconds()
        self._free = asyncio.Condition()
        self._waiting: Counter[str] = Counter()
        self._rest: asyncio.TimerHandle | None = None
        self._resting: asyncio.Task[None] | None = None

    async def ask(
        self, name: str, files: Sequence[Path], size: int, texts: Sequence[str], *, within: timedelta
    ) -> dict[str, Any]:
        """Ask a process that has the model `name`, or has one load it; `size` is what it takes, in bytes.

        Raises:
            Unloadable: a process couldn't load it, or ended over it.
            Hung: it didn't answer within `within`, and was killed.
            Gone: it ended.
            OSError: it can't be started.
        """
        child = await self._borrow(name)
        try:
            if name not in child.holds:
                await self._load(child, name, files, size, within=within)
            child.holds.move_to_end(name)
            return await child.ask({"ask": name, "texts": texts}, within=within)
        finally:
            child.busy = False
            self._rest_later()
            async with self._free:
                self._free.notify_all()

    async def close(self) -> None:
        """End the processes."""
        if self._rest is not None:
            self._rest.cancel()
        await asyncio.gather(*(child.stop() for child in self._children))

    async def _borrow(self, name: str) -> Child:
        async with self._free:
            while (child := self._choose(name)) is None:
                self._waiting[name] += 1
                try:
                    await self._free.wait()
                finally:
                    self._waiting[name] -= 1
            child.busy = True
            return child

    def _choose(self, name: str) -> Child | None:
        free = [child for child in self._children if not child.busy]
        having = [child for child in free if name in child.holds]
        if having or not free:
            return having[0] if having else None
        somewhere = any(name in child.holds for child in self._children)
        if somewhere and not self._waiting[name]:
            return None
        return min(free, key=lambda child: sum(child.holds.values()))

    async def _load(self, child: Child, name: str, files: Sequence[Path], size: int, *, within: timedelta) -> None:
        drop: list[str] = []
        while child.holds and sum(child.holds.values()) + size > self._memory:
            drop.append(child.holds.popitem(last=False)[0])
        child.holds[name] = size
        try:
            answer = await child.ask(
                {"load": name, "files": [str(file) for file in files], "drop": drop}, within=within
            )
        except Gone as gone:
            raise Unloadable(str(gone)) from gone
        if "error" in answer:
            child.holds.pop(name, None)
            raise Unloadable(answer["error"])

    def _rest_later(self) -> None:
        if self._rest is not None:
            self._rest.cancel()
        self._rest = asyncio.get_running_loop().call_later(self._idle, self._let_rest)

    def _let_rest(self) -> None:
        self._resting = asyncio.create_task(self._stop_idle())

    async def _stop_idle(self) -> None:
        for child in self._children:
            if not child.busy:
                child.busy = True
                try:
                    await child.stop()
                finally:
                    child.busy = False
        async with self._free:
            self._free.notify_all()


def _pipes(process: asyncio.subprocess.Process) -> tuple[asyncio.StreamWriter, asyncio.StreamReader]:
    if process.stdin is None or process.stdout is None:
        raise AssertionError("a child is started with pipes")
    return process.stdin, process.stdout


async def _kill(process: asyncio.subprocess.Process) -> None:
    # Waited for first: killing one that has just died would swallow what it ended with.
    with suppress(TimeoutError):
        async with asyncio.timeout(0.05):
            await process.wait()
    if process.returncode is None:
        process.kill()
        await process.wait()
