"""Fetching files of models: gone on with where a call broke off, made again where another attempt may help."""

import asyncio
import logging
import re
import shutil
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import aiohttp

from translation.models import ModelError

log = logging.getLogger("dragoman.translation")
T = TypeVar("T")

ATTEMPTS = 4
KEPT = "What is there of it is kept for the next attempt."
TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=30)

Tell = Callable[[int, int], None]
"""Is told how many bytes are there, and of how many; 0 where nobody said."""


class Downloads:
    """Reads what is at an address, or at a path; `pause` are the seconds before another attempt, doubled each time."""

    def __init__(self, session: aiohttp.ClientSession, *, pause: float = 1.0) -> None:
        self._session = session
        self._pause = pause

    async def read(self, place: str, *, cure: str) -> bytes:
        """Give what is there; `cure` says what to do where it can't be had.

        Raises:
            ModelError: it can't.
        """
        if is_path(place):
            try:
                return await asyncio.to_thread(Path(place).read_bytes)
            except OSError as error:
                raise ModelError(f"{place} can't be read: {error.strerror}") from error
        return await self._again(place, partial(self._get, place), cure=cure)

    async def fetch(self, place: str, into: Path, tell: Tell, *, size: int = 0) -> None:
        """Get a file of `size` bytes (0: as many as there are), going on with what is there of it.

        Raises:
            ModelError: it can't be had.
            OSError: it can't be written.
        """
        if is_path(place):
            await asyncio.to_thread(_copy, Path(place), into)
            return
        await self._again(place, partial(self._go_on, place, into, tell, size), cure=KEPT)

    async def _get(self, url: str) -> bytes:
        async with self._session.get(url, timeout=TIMEOUT) as response:
            response.raise_for_status()
            return await response.read()

    async def _go_on(self, url: str, into: Path, tell: Tell, size: int) -> None:
        done = await asyncio.to_thread(_size, into)
        if size and done >= size:
            return
        # Packed on the way, what arrives is longer than what the headers say, and a part of it is no part of the file.
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={done}-"} if done else {})
        async with self._session.get(url, headers=headers, timeout=TIMEOUT) as response:
            if response.status == 416:
                if not size and done == _whole(response):
                    return
                # What is there is longer than what the place has: begin again.
                await asyncio.to_thread(into.unlink)
                raise aiohttp.ClientPayloadError(f"it has less than {done} bytes")
            response.raise_for_status()
            goes_on = response.status == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {done}-")
            done = done if goes_on else 0
            size = size or (_whole(response) if goes_on else response.content_length or 0)
            out = await asyncio.to_thread(into.open, "ab" if goes_on else "wb", buffering=0)
            with out:
                async for chunk in response.content.iter_chunked(2**16):
                    done += out.write(chunk)
                    tell(done, size)
                    if size and done > size:
                        break
        if done < size:
            raise aiohttp.ClientPayloadError(f"it ended after {done} of {size} bytes")

    async def _again(self, place: str, call: Callable[[], Awaitable[T]], *, cure: str) -> T:
        """Make a call again where another attempt may help."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await call()
            except (aiohttp.ClientError, TimeoutError) as error:
                status = error.status if isinstance(error, aiohttp.ClientResponseError) else 0
                told = f"{place}: {_why(error)}"
                if 400 <= status < 500 and status != 429:
                    raise ModelError(told) from error
                if attempt == ATTEMPTS:
                    raise ModelError(f"{told}; tried {ATTEMPTS} times. {cure}") from error
                log.warning("models.again", extra={"error": told})
            await asyncio.sleep(self._pause * 2 ** (attempt - 1))
        raise AssertionError("the last attempt returns or raises")


def is_path(place: str) -> bool:
    """Say whether a place is on this machine."""
    return "://" not in place


def _whole(response: aiohttp.ClientResponse) -> int:
    """Give the bytes of the whole file, of which a response has a part; 0 where it doesn't say."""
    found = re.search(r"/(\d+)$", response.headers.get("Content-Range", ""))
    return int(found[1]) if found else 0


def _copy(file: Path, into: Path) -> None:
    try:
        source = file.open("rb")
    except OSError as error:
        raise ModelError(f"{file} can't be read: {error.strerror}") from error
    with source:
        if into.exists() and into.samefile(file):
            return
        with into.open("wb") as out:
            shutil.copyfileobj(source, out)


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _why(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientResponseError):
        return f"answered {error.status} {error.message}"
    return str(error) or "no answer in time"
