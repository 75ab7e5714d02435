"""Customers' faces, as the desk's posts show them: Slack has each from us, by an address that nobody can guess.

A platform's own address is given to nobody: Telegram's holds the bot's token, Meta's is over after some days. Who has
no picture, or shows none, gets a pattern of their own, so that agents still tell one from the other at a glance.
"""

import asyncio
import base64
import hmac
import logging
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple, Protocol

import msgspec
from aiohttp import web
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from adapters.contract import Channel, Portrayed, SendError
from adapters.media import MAX_PICTURE
from gateway.pattern import pattern
from gateway.store.contract import StoreError
from routing.contents import channel_of
from routing.conversation import Conversation

PATIENCE = 5
"""Seconds that a platform may take; Slack waits no longer for us."""

KEPT = 100
"""How many pictures are kept at most, those asked for first go first."""

KNOWN = 10_000
"""How many addresses are kept at most."""

KINDS = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif"})
DAY, SOON = 86_400, 600
"""Seconds for which one is good: a picture, and a pattern, as the platform may just be down."""

log = logging.getLogger("dragoman.faces")


class Conversations(Protocol):
    """Where conversations are read."""

    async def conversation(self, mailbox: str) -> Conversation | None:
        """Read a contact's latest one."""


class _Face(NamedTuple):
    body: bytes
    mime: str
    lasts: int
    until: float


class _Whose(msgspec.Struct, frozen=True, array_like=True):
    mailbox: str
    peer: str


class Faces:
    """Makes and serves the addresses; `key` gives what they are encrypted with, `public_url` is where we are called."""

    def __init__(
        self,
        key: Callable[[], bytes],
        public_url: str,
        channels: Mapping[str, Channel],
        store: Conversations,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._key = key
        self._public_url = public_url
        self._channels = channels
        self._store = store
        self._clock = clock
        self._kept: dict[str, _Face] = {}
        self._address = lru_cache(KNOWN)(self._encrypt)

    def address(self, mailbox: str, author: str = "") -> str:
        """Give where a customer's face is, or an author's in their conversation; "" where we can't be called."""
        return self._address(mailbox, author) if self._public_url else ""

    def _encrypt(self, mailbox: str, author: str) -> str:
        whose = msgspec.msgpack.encode(_Whose(mailbox, author))
        token = base64.urlsafe_b64encode(self._cipher().encrypt(whose, None)).rstrip(b"=").decode()
        return f"{self._public_url}/faces/{token}"

    async def serve(self, http: web.Request) -> web.Response:
        """Give the picture that an address leads to."""
        token = http.match_info["token"]
        whose = self._read(token)
        try:
            conversation = await self._store.conversation(whose.mailbox) if whose else None
        except StoreError as error:
            raise web.HTTPServiceUnavailable(headers={"Retry-After": "5"}) from error
        if whose is None or conversation is None:
            self._kept.pop(token, None)
            raise web.HTTPNotFound(text="This address isn't one of ours, or whose face it was is forgotten.")
        face = self._kept.get(token)
        if face is None or face.until < self._clock():
            face = self._keep(token, await self._fetch(whose.mailbox, whose.peer or conversation.peer), whose)
        return web.Response(
            body=face.body,
            content_type=face.mime,
            headers={
                "Cache-Control": f"private, max-age={face.lasts}",
                "Content-Security-Policy": "default-src 'none'; sandbox",
                "X-Content-Type-Options": "nosniff",
            },
        )

    def _keep(self, token: str, found: tuple[bytes, str] | None, whose: _Whose) -> _Face:
        body, mime = found or (pattern(f"{whose.mailbox} {whose.peer}"), "image/png")
        lasts = DAY if found else SOON
        self._kept.pop(token, None)
        if len(self._kept) >= KEPT:
            del self._kept[next(iter(self._kept))]
        face = self._kept[token] = _Face(body, mime, lasts, self._clock() + lasts)
        return face

    async def _fetch(self, mailbox: str, peer: str) -> tuple[bytes, str] | None:
        """Have the platform's picture; None where there is none, or none now."""
        channel: object = self._channels.get(channel_of(mailbox))
        if not isinstance(channel, Portrayed):
            return None
        try:
            async with asyncio.timeout(PATIENCE), channel.portrait(peer) as content:
                if content.mime in KINDS and content.size <= MAX_PICTURE:
                    return content.file.read(), content.mime
        except (SendError, TimeoutError) as error:
            log.info("faces.none", extra={"channel": channel_of(mailbox), "error": str(error)})
        return None

    def _read(self, token: str) -> _Whose | None:
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
            return msgspec.msgpack.decode(self._cipher().decrypt(raw, None), type=_Whose)
        except (ValueError, InvalidTag, msgspec.DecodeError):
            return None

    def _cipher(self) -> AESSIV:
        """Give what encrypts: the same for the same, so that Slack asks for a face once."""
        return AESSIV(hmac.digest(self._key(), b"faces\0", "sha256"))
