"""When each customers' platform was last heard of, and when one was last refused, on whichever replica."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from gateway.store.contract import Store, StoreError
from routing.contents import EPOCH

KIND = "heard"
"""The kind of document that it is kept as, by channel."""

LOOK_EVERY = 1.0
KEEP_EVERY = timedelta(minutes=1)
"""How old what is kept may be: a busy channel costs no more than a write in a while."""


class Contact(msgspec.Struct, frozen=True, omit_defaults=True):
    """When a platform brought events, and when a call of one was refused and why; EPOCH for never."""

    at: datetime = EPOCH
    refused_at: datetime = EPOCH
    refused: str = ""


_decode = msgspec.json.Decoder(Contact).decode
_encode = msgspec.json.Encoder().encode


class Heard:
    """What this replica heard, kept now and then."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._known: dict[str, Contact] = {}
        self._kept: dict[str, Contact] = {}

    def note(self, channel: str) -> None:
        """Note that a channel's platform brought events."""
        self._known[channel] = replace(self._known.get(channel, Contact()), at=self._clock())

    def note_refused(self, channel: str, why: str) -> None:
        """Note that a call was refused."""
        was = self._known.get(channel, Contact())
        self._known[channel] = replace(was, refused_at=self._clock(), refused=why)

    async def all(self, store: Store) -> Mapping[str, Contact]:
        """Give what all replicas heard, by channel.

        Raises:
            StoreError: the store can't be read.
        """
        found = {channel: _decode(body) for channel, body in (await store.docs(KIND)).items()}
        return found | {channel: _later(mine, found.get(channel)) for channel, mine in self._known.items()}

    async def watch(self, store: Store) -> None:
        """Keep what is new, until cancelled: a first sign at once, others once in a while."""
        while True:
            with suppress(StoreError):
                for channel, mine in tuple(self._known.items()):
                    if _is_due(mine, self._kept.get(channel)):
                        await store.put_doc(KIND, channel, _encode(mine))
                        self._kept[channel] = mine
            await asyncio.sleep(LOOK_EVERY)


def _is_due(mine: Contact, kept: Contact | None) -> bool:
    return kept is None or max(mine.at - kept.at, mine.refused_at - kept.refused_at) >= KEEP_EVERY


def _later(mine: Contact, other: Contact | None) -> Contact:
    """Join what two replicas heard."""
    if other is None:
        return mine
    refused = max(mine, other, key=lambda each: each.refused_at)
    return replace(refused, at=max(mine.at, other.at))
