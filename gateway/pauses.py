"""Channels that an admin paused: nothing is sent there meanwhile, and what comes is kept and shown as ever."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime

import msgspec

from gateway.audit import Audited
from gateway.store.contract import Beside, Store, StoreError

KIND = "paused"
"""The kind of document that says so, by channel."""

LOOK_EVERY = 1.0


class Pause(msgspec.Struct, frozen=True):
    """Who paused a channel, and when."""

    who: str
    at: datetime


_decode = msgspec.json.Decoder(Pause).decode


def write_pause(beside: Beside, channel: str, *, paused: bool, who: str, at: datetime) -> bool:
    """Pause a channel, or go on with it; False where it is so already.

    Raises:
        StoreError: it can't be kept.
    """
    if (channel in beside.docs(KIND)) == paused:
        return False
    body = msgspec.json.encode(Pause(who, at)) if paused else None
    Audited(beside).write(KIND, channel, body, who=who, did="paused" if paused else "resumed", fields=(), at=at)
    return True


class Pauses:
    """The pauses there are just now, by channel; `changed` is told of each that begins or ends."""

    def __init__(self, changed: Callable[[str, Pause | None], Awaitable[None]]) -> None:
        self.now: dict[str, Pause] = {}
        self._changed = changed

    async def refresh(self, store: Store, *, quietly: bool = False) -> None:
        """Know what is stored.

        Raises:
            StoreError: the store can't be read.
        """
        now = {name: _decode(body) for name, body in (await store.docs(KIND)).items()}
        # Looked at only now: somebody else may have seen the same change while the store was read.
        was = dict(self.now)
        self.now.clear()
        self.now.update(now)
        for name in () if quietly else was.keys() ^ now.keys():
            await self._changed(name, now.get(name))

    async def watch(self, store: Store) -> None:
        """Keep up with what is stored, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            with suppress(StoreError):
                await self.refresh(store)
