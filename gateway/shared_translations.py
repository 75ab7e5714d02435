"""What engines made, for all replicas on one store: a sentence that one has translated isn't computed by another."""

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import msgspec

from gateway.store.contract import StoreError
from translation.contract import Pair, Translated

PATIENCE = 0.3
"""Seconds that the store may take: an engine takes about as long."""

log = logging.getLogger("dragoman.translation")
_decode = msgspec.json.Decoder(Translated).decode
_encode = msgspec.json.Encoder().encode


@runtime_checkable
class Remembering(Protocol):
    """A store of several replicas, which keeps for a while what was costly to make."""

    async def remember(self, key: str, body: bytes) -> None:
        """Keep something for a day at most, and until anybody is forgotten."""

    async def recall(self, key: str) -> bytes | None:
        """Give what is kept, None where nothing is."""


class SharedTranslations:
    """Keeps translations in a store under digests; where it doesn't answer in time it has none."""

    def __init__(self, store: Remembering) -> None:
        self._store = store

    async def computed(self, text: str, pair: Pair, engines: Sequence[str]) -> Translated | None:
        """Give what was made of a text when the same engines were there to be asked."""
        try:
            async with asyncio.timeout(PATIENCE):
                body = await self._store.recall(_key(text, pair, engines))
            return _decode(body) if body else None
        except (StoreError, TimeoutError, msgspec.DecodeError) as error:
            log.warning("translation.not_recalled", extra={"error": str(error) or "too slow"})
            return None

    async def keep(self, text: str, pair: Pair, engines: Sequence[str], made: Translated) -> None:
        """Remember what an engine made."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self._store.remember(_key(text, pair, engines), _encode(made))
        except (StoreError, TimeoutError) as error:
            log.warning("translation.not_remembered", extra={"error": str(error) or "too slow"})


def _key(text: str, pair: Pair, engines: Sequence[str]) -> str:
    return hashlib.sha256("\0".join((*pair, *engines, text)).encode()).hexdigest()
