"""Links to agents' files for customers whose platform takes none: signed, and over after a while.

A link carries what it leads to, so that nothing is stored for it, and any replica with the key can serve it.
"""

import base64
import hmac
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import quote

import msgspec
from aiohttp import web

from adapters.contract import Fetching, SendError, Unavailable
from adapters.media import HEAD, named, sniff
from routing.contents import File

LASTS = timedelta(days=7)
SIGNATURE = 16
"""Bytes of the signature."""

CHUNK = 256 * 1024
SHOWN = ("image/", "video/", "audio/", "application/pdf")
"""What a browser may show in its place; anything else is saved, so that nothing runs under our name."""


class _Token(msgspec.Struct, frozen=True, array_like=True):
    until: int
    ref: str
    name: str


class Links:
    """Makes and serves links; `key` gives what signs them, `public_url` is where we are called, "" for nowhere."""

    def __init__(
        self, key: Callable[[], bytes], public_url: str, desk: Fetching, clock: Callable[[], datetime]
    ) -> None:
        self._key = key
        self._public_url = public_url
        self._desk = desk
        self._clock = clock

    def link(self, file: File, name: str) -> str:
        """Give the address of a file for a while, "" where we can't be called."""
        if not self._public_url:
            return ""
        until = int((self._clock() + LASTS).timestamp())
        body = msgspec.msgpack.encode(_Token(until, file.ref, name))
        token = base64.urlsafe_b64encode(self._sign(body) + body).rstrip(b"=").decode()
        return f"{self._public_url}/files/{token}"

    async def serve(self, http: web.Request) -> web.StreamResponse:
        """Give the file that a link leads to."""
        token = self._read(http.match_info["token"])
        if token is None:
            raise web.HTTPNotFound(text="This link isn't one of ours, or its time is over.")
        try:
            async with self._desk.fetch(File(ref=token.ref, kind="file")) as content:
                head = content.file.read(HEAD)
                content.file.seek(0)
                mime = sniff(head) or "application/octet-stream"
                shown = "inline" if mime.startswith(SHOWN) else "attachment"
                answer = web.StreamResponse(
                    headers={
                        "Content-Type": mime,
                        "Content-Length": str(content.size),
                        "Content-Disposition": f"{shown}; filename*=UTF-8''{quote(named(token.name, mime, 'file'))}",
                        "Content-Security-Policy": "default-src 'none'; sandbox",
                        "X-Content-Type-Options": "nosniff",
                        "Cache-Control": "private, max-age=3600",
                    }
                )
                await answer.prepare(http)
                while chunk := content.file.read(CHUNK):
                    await answer.write(chunk)
                await answer.write_eof()
                return answer
        except Unavailable as error:
            raise web.HTTPServiceUnavailable(headers={"Retry-After": "5"}) from error
        except SendError as error:
            raise web.HTTPNotFound(text="The file isn't there any more.") from error

    def _read(self, text: str) -> _Token | None:
        try:
            raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            signature, body = raw[:SIGNATURE], raw[SIGNATURE:]
            if not hmac.compare_digest(signature, self._sign(body)):
                return None
            token = msgspec.msgpack.decode(body, type=_Token)
        except (ValueError, msgspec.DecodeError):
            return None
        return token if token.until >= self._clock().timestamp() else None

    def _sign(self, body: bytes) -> bytes:
        return hmac.digest(self._key(), b"file link\0" + body, "sha256")[:SIGNATURE]
