"""Fetching what people send: from a platform's own hosts only, bounded, to disk, and told apart by what it is."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import IO

import aiohttp
import filetype
from yarl import URL

from adapters.contract import Content, Rejected, Unauthorised, Unavailable

MAX_FILE = 100 * 1024 * 1024
"""Bytes a file may have; WhatsApp's largest is 100 MB."""

MAX_PICTURE = 512 * 1024
"""Bytes that the picture of a person may have."""

IN_MEMORY = 256 * 1024
CHUNK = 256 * 1024
HOPS = 5
TIMEOUT = aiohttp.ClientTimeout(total=600, sock_connect=10, sock_read=60)
HEAD = 8192
"""Bytes at a file's beginning by which it is known."""


@dataclass(frozen=True, slots=True)
class Hosts:
    """Where a channel's files may come from: its own `base`, and https at hosts that end in one of `media`.

    `headers` carry the token; they go to `base` and to hosts that end in one of `trusted`, and to no other.
    """

    base: URL
    media: tuple[str, ...] = ()
    trusted: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def may(self, url: URL) -> bool:
        """Say whether a file may be fetched from an address."""
        return _is_at(url, self.base) or (url.scheme == "https" and _ends(url.host, (*self.media, *self.trusted)))

    def headers_for(self, url: URL) -> Mapping[str, str]:
        """Give the headers for an address."""
        ours = _is_at(url, self.base) or (url.scheme == "https" and _ends(url.host, self.trusted))
        return self.headers if ours else {}


@asynccontextmanager
async def fetch(
    session: aiohttp.ClientSession, url: str, hosts: Hosts, *, most: int = MAX_FILE
) -> AsyncIterator[Content]:
    """Fetch a file; it is gone when the context ends.

    Raises:
        SendError: Rejected where there is nothing to fetch, Unavailable where it may be tried again.
    """
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as file:
        try:
            size = await _download(session, URL(url), hosts, file, most)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unavailable(f"the file couldn't be fetched: {type(error).__name__}") from error
        except ValueError as error:
            raise Rejected("the file's address isn't one") from error
        file.seek(0)
        head = file.read(HEAD)
        file.seek(0)
        yield Content(file, size, sniff(head))


@asynccontextmanager
async def fetch_picture(session: aiohttp.ClientSession, url: str, hosts: Hosts) -> AsyncIterator[Content]:
    """Fetch somebody's picture as `fetch` does, but smaller; `url` is "" where they have none or show none."""
    if not url:
        raise Rejected("they show no picture")
    async with fetch(session, url, hosts, most=MAX_PICTURE) as content:
        yield content


async def _download(session: aiohttp.ClientSession, url: URL, hosts: Hosts, file: IO[bytes], most: int) -> int:
    for _ in range(HOPS):
        if not hosts.may(url):
            raise Rejected(f"the file isn't at one of the platform's own hosts but at {url.host}")
        headers = hosts.headers_for(url)
        async with session.get(url, headers=headers, allow_redirects=False, timeout=TIMEOUT) as answer:
            if answer.status in (301, 302, 303, 307, 308) and "Location" in answer.headers:
                url = url.join(URL(answer.headers["Location"]))
                continue
            _check(answer, most)
            size = 0
            async for chunk in answer.content.iter_chunked(CHUNK):
                size += len(chunk)
                if size > most:
                    raise _too_large(most)
                await asyncio.to_thread(file.write, chunk)
            return size
    raise Rejected("the file's address leads nowhere")


def _check(answer: aiohttp.ClientResponse, most: int) -> None:
    if answer.status == 429 or answer.status >= 500:
        after = answer.headers.get("Retry-After", "")
        raise Unavailable(
            "the platform's files can't be had now", timedelta(seconds=int(after or 0) if after.isdecimal() else 1)
        )
    if answer.status == 202:
        raise Unavailable("the platform is still preparing the file", timedelta(seconds=1))
    if answer.status == 401:
        raise Unauthorised("the platform refuses our token for the file", "Check the channel's token.")
    if answer.status != 200:
        raise Rejected(f"the platform doesn't have the file any more (status {answer.status})")
    if (answer.content_length or 0) > most:
        raise _too_large(most)


def _too_large(most: int) -> Rejected:
    return Rejected(f"the file is larger than {most // (1024 * 1024)} MB")


def sniff(head: bytes) -> str:
    """Say what a file is by its beginning, "" where that can't be told; its name says nothing."""
    start = head[:1024].lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "text/html"
    guessed = filetype.guess_mime(head)
    return str(guessed) if guessed else ""


def named(name: str, mime: str, kind: str) -> str:
    """Name a file for people: what it is decides the ending, where it can be told."""
    ending = _ENDINGS.get(mime) or ""
    stem = name.replace("\\", "/").rpartition("/")[2].strip() or kind
    if not ending or stem.lower().endswith((f".{ending}", *_SAME.get(ending, ()))):
        return stem[:120]
    return f"{stem[:110]}.{ending}"


_ENDINGS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "image/webp": "webp",
    "video/mp4": "mp4",
    "video/3gpp": "3gp",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/mp4": "m4a",
    "audio/aac": "aac",
    "audio/amr": "amr",
    "application/pdf": "pdf",
    "application/x-executable": "bin",
    "application/x-msdownload": "exe",
    "text/html": "html",
}
_SAME = {"jpg": (".jpeg",), "ogg": (".oga", ".opus"), "mp4": (".m4v",)}


def _is_at(url: URL, base: URL) -> bool:
    return (url.scheme, url.host, url.port) == (base.scheme, base.host, base.port)


def _ends(host: str | None, suffixes: tuple[str, ...]) -> bool:
    return bool(host) and any(host == suffix or str(host).endswith(f".{suffix}") for suffix in suffixes)
