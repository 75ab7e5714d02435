"""Calls into the function library: all that waits goes as one, is repeated where its answer got lost, and in order."""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Sequence
from hashlib import sha256
from importlib.resources import files
from typing import Any

import msgspec

from config.store_address import RedisAddress
from gateway.store.contract import StoreError
from gateway.store.redis.keys import find_by
from gateway.store.redis.link import Client, connect, disconnect, explain, is_full, lacks_library, passes

MOST_AT_ONCE = 128
"""Operations in one call at most: a server does nothing else meanwhile, for about 2 ms."""

BUSY, LINGER = 8, 0.001
"""After so many operations in one call the next one waits for so many seconds: more come meanwhile, and share it."""

TRY_FOR = 2.0
"""Seconds in which a call is repeated before those who wait are told; platforms wait for three."""

PAUSE = 0.05
"""Seconds between two tries, at first."""

TAKING_IN = frozenset({"append", "park", "keep_aside", "put", "remember"})
"""What a full server refuses; all else makes room sooner or later."""

log = logging.getLogger("dragoman.store")
Argument = str | bytes | int
Answer = list[Any]
"""What an operation says: first why, or "ok"; texts as bytes."""


def source() -> tuple[str, str]:
    """Give the library's name and text; another text has another name, so that versions live side by side."""
    text = (files("gateway.store.redis") / "library.lua").read_text(encoding="utf-8")
    name = f"dragoman_{sha256(text.encode()).hexdigest()[:12]}"
    return name, f"#!lua name={name}\n" + text.replace("NAME", name)


def packed(operations: Sequence[tuple[Argument, ...]]) -> tuple[bytes, bytes]:
    """Make two of the library's arguments of what each operation is told: its name, its tag, and more.

    First how long each is, as MessagePack, then all in a row: redis-py takes long over a thousand arguments.
    """
    sent: list[bytes] = []
    for name, tag, *more in operations:
        told = (name, tag, len(more), *more)
        sent += [each if isinstance(each, bytes) else str(each).encode() for each in told]
    return msgspec.msgpack.encode(list(map(len, sent))), b"".join(sent)


class Operation:
    """One operation in a hash tag, its arguments, and who waits for it; `after` runs in the order of the answers."""

    __slots__ = ("after", "arguments", "future", "name", "tag")

    def __init__(
        self, name: str, tag: str, arguments: Sequence[Argument], after: Callable[[Answer], None] | None
    ) -> None:
        self.name = name
        self.tag = tag
        self.arguments = arguments
        self.after = after
        self.future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

    def settle(self, answer: Answer) -> None:
        """Tell whoever waits; memory follows the server even where nobody waits any more."""
        if answer[0] == b"broke":
            self.fail(StoreError(f"the store can't {self.name}: {answer[1].decode(errors='replace')}"))
            return
        if self.after is not None:
            try:
                self.after(answer)
            except Exception as error:
                log.exception("store.answer_broke_us", extra={"operation": self.name, "partition": self.tag})
                self.fail(
                    StoreError(f"the store's answer to {self.name} can't be used: {type(error).__name__}: {error}")
                )
                return
        if not self.future.done():
            self.future.set_result(answer)

    def fail(self, error: Exception) -> None:
        """Tell whoever waits that nothing is known of it."""
        if not self.future.done():
            self.future.set_exception(error)
            # Where nobody waits any more, the failure is `failed`'s to act on.
            self.future.exception()


class Calls:
    """One process's calls to a Redis; `failed` hears of the tags whose operations may or may not have happened."""

    def __init__(self, address: RedisAddress, failed: Callable[[set[str]], None]) -> None:
        self.address = address
        self._failed = failed
        self._name, self._text = source()
        self._waiting: deque[Operation] = deque()
        self._bell = asyncio.Event()
        self._closing = False

    async def open(self) -> None:
        """Connect, bring the library, and begin.

        Raises:
            StoreError: the server can't be used.
        """
        self.client: Client = connect(self.address)
        try:
            await self._bring_library()
        except Exception as error:
            with contextlib.suppress(Exception):
                await disconnect(self.client)
            raise StoreError(explain(error, self.address)) from error
        self._task = asyncio.create_task(self._send())

    async def close(self) -> None:
        """Finish what waits, and let go."""
        self._closing = True
        self._bell.set()
        await self._task
        await disconnect(self.client)

    def submit(
        self, name: str, tag: str, *arguments: Argument, after: Callable[[Answer], None] | None = None
    ) -> "asyncio.Future[Answer]":
        """Put an operation behind those that wait.

        The future has its answer, or StoreError where it isn't known to have happened.
        """
        operation = Operation(name, tag, arguments, after)
        if self._closing:
            operation.fail(StoreError("the store is closed: the gateway is stopping"))
            return operation.future
        self._waiting.append(operation)
        self._bell.set()
        return operation.future

    async def ring(self, bell: str, said: str) -> None:
        """Call to the other replicas; it is a pity where that fails, and nothing more."""
        with contextlib.suppress(Exception):
            await self.client.execute_command("PUBLISH", bell, said)

    async def _send(self) -> None:
        while True:
            while self._waiting:
                some = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_AT_ONCE))]
                await self._send_some(some)
                if len(some) >= BUSY:
                    await asyncio.sleep(LINGER)
            if self._closing:
                return
            self._bell.clear()
            await self._bell.wait()

    async def _send_some(self, operations: list[Operation]) -> None:
        """Send one call, or in a cluster one for each tag."""
        if not self.address.cluster:
            await self._call(operations)
            return
        by_tag: dict[str, list[Operation]] = {}
        for operation in operations:
            by_tag.setdefault(operation.tag, []).append(operation)
        await asyncio.gather(*map(self._call, by_tag.values()))

    async def _call(self, operations: list[Operation]) -> None:
        """Call, and tell those who wait; what breaks is theirs to hear, and never ends the sending."""
        try:
            answers = await self._try(operations, "")
        except Exception as error:  # noqa: BLE001 - whatever breaks a call is its callers' to hear
            if is_full(error):
                await self._call_full(operations, StoreError(explain(error, self.address)))
            else:
                self._give_up(operations, StoreError(explain(error, self.address)))
            return
        for operation, answer in zip(operations, answers, strict=True):
            operation.settle(answer)

    async def _call_full(self, operations: list[Operation], refused: StoreError) -> None:
        """Do what a full server still does, and refuse the rest: nothing of the call has happened."""
        rest = []
        for operation in operations:
            if operation.name in TAKING_IN:
                operation.fail(refused)
            else:
                rest.append(operation)
        if not rest:
            return
        try:
            answers = await self._try(rest, "_full")
        except Exception as error:  # noqa: BLE001 - as above
            self._give_up(rest, StoreError(explain(error, self.address)))
            return
        for operation, answer in zip(rest, answers, strict=True):
            operation.settle(answer)

    def _give_up(self, operations: Sequence[Operation], error: StoreError) -> None:
        self._failed({operation.tag for operation in operations})
        for operation in operations:
            operation.fail(error)

    async def _try(self, operations: Sequence[Operation], kind: str) -> list[Answer]:
        """Call until an answer comes: every operation may be repeated."""
        prefix = self.address.prefix
        told = [(operation.name, operation.tag, *operation.arguments) for operation in operations]
        keys = find_by(prefix, operations[0].tag)
        command = ("FCALL", f"{self._name}{kind}", len(keys), *keys, prefix, *packed(told))
        loop = asyncio.get_running_loop()
        give_up, pause = loop.time() + TRY_FOR, PAUSE
        while True:
            try:
                return list(await self.client.execute_command(*command))
            except Exception as error:
                if loop.time() > give_up or self._closing:
                    raise
                if lacks_library(error):
                    await self._bring_library()
                elif passes(error):
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, 0.5)
                else:
                    raise

    async def _bring_library(self) -> None:
        """Load the library where it isn't there: in a cluster on each master."""
        nodes = {"target_nodes": "primaries"} if self.address.cluster else {}
        await self.client.execute_command("FUNCTION", "LOAD", "REPLACE", self._text, **nodes)
