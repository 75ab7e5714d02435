"""Fetching Firefox's models: resumed, verified file by file, tried in a process of their own, then put into place."""

import asyncio
import hashlib
import logging
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import msgspec

from translation.children import Child, Gone
from translation.contract import Pair
from translation.firefox import CHILD, unusable
from translation.models import FILES, Model, ModelError, Models, model_files
from translation.records import Attachment, Offer, offers, read_records

log = logging.getLogger("dragoman.translation")
T = TypeVar("T")

RECORDS = "https://firefox.settings.services.mozilla.com/v1/buckets/main/collections/translations-models-v2/records"
ATTACHMENTS = "https://firefox-settings-attachments.cdn.mozilla.net"
TERMS = (
    "Models are Mozilla's, under the Mozilla Public License 2.0. Mozilla asks whoever needs them for more than a few "
    "machines to host them: `dragoman languages mirror DIR`, and translation.firefox.mirror"
)
NO_NETWORK = (
    "A machine without a network installs from a folder that `dragoman languages mirror` made on another: "
    "translation.firefox.mirror."
)
INDEX = "records.json"
PACKED = ".packed"
ATTEMPTS = 4
STALE = 7 * 86_400.0
"""Seconds after which what was fetched half is no longer gone on with."""

TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=30)
MINUTE = timedelta(minutes=1)
PROBE = "OK."

Offers = Mapping[Pair, Offer]
Tell = Callable[[Pair, str, int, int], None]
"""Is told how far a file is: its direction, what it is, bytes there, bytes in all."""


def tell_nobody(pair: Pair, what: str, done: int, size: int) -> None:
    """Say nothing of how far it is."""


class Source:
    """Where models come from: `mirror` is an address or a folder, "" for Mozilla's own records.

    `pause` are the seconds before a call that failed is made again; it doubles each time.
    """

    def __init__(self, mirror: str, session: aiohttp.ClientSession, *, pause: float = 1.0) -> None:
        self.index = f"{mirror}/{INDEX}" if mirror else RECORDS
        self.mozilla = not mirror
        self._files = mirror or ATTACHMENTS
        self._session = session
        self._pause = pause

    async def offers(self) -> dict[Pair, Offer]:
        """Give what there is, the best model of each direction.

        Raises:
            ModelError: the index can't be had or read.
        """
        return offers(read_records(await self._read(self.index), self.index))

    async def fetch(self, attachment: Attachment, into: Path, tell: Callable[[int], None]) -> None:
        """Get a file, going on with what is there of it.

        Raises:
            ModelError: it can't be had, or isn't what its record says.
            OSError: it can't be written.
        """
        place = f"{self._files}/{attachment.location}"
        if _is_folder(self._files):
            await asyncio.to_thread(_copy, Path(place), into)
        else:
            call = partial(self._go_on, place, attachment, into, tell)
            await self._again(place, call, cure="What is there of it is kept for the next attempt.")
        if (found := await asyncio.to_thread(_sha256, into)) != attachment.hash:
            await asyncio.to_thread(into.unlink)
            raise ModelError(f"{place} isn't the file that its record names: its SHA-256 is {found}")
        tell(attachment.size)

    async def _read(self, place: str) -> bytes:
        if _is_folder(place):
            try:
                return await asyncio.to_thread(Path(place).read_bytes)
            except OSError as error:
                raise ModelError(f"{place} can't be read: {error.strerror}") from error
        return await self._again(place, partial(self._get, place), cure=NO_NETWORK)

    async def _get(self, url: str) -> bytes:
        async with self._session.get(url, timeout=TIMEOUT) as response:
            response.raise_for_status()
            return await response.read()

    async def _go_on(self, url: str, attachment: Attachment, into: Path, tell: Callable[[int], None]) -> None:
        done = await asyncio.to_thread(_size, into)
        if done >= attachment.size:
            return
        headers = {"Range": f"bytes={done}-"} if done else {}
        async with self._session.get(url, headers=headers, timeout=TIMEOUT) as response:
            if response.status == 416:
                # What is there is longer than what the place has: begin again.
                await asyncio.to_thread(into.unlink)
                raise aiohttp.ClientPayloadError(f"it has less than {done} bytes")
            response.raise_for_status()
            goes_on = response.status == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {done}-")
            done = done if goes_on else 0
            out = await asyncio.to_thread(into.open, "ab" if goes_on else "wb", buffering=0)
            with out:
                async for chunk in response.content.iter_chunked(2**16):
                    done += out.write(chunk)
                    tell(done)
                    if done > attachment.size:
                        break
        if done < attachment.size:
            raise aiohttp.ClientPayloadError(f"it ended after {done} of {attachment.size} bytes")

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


async def install(models: Models, source: Source, offer: Offer, tell: Tell = tell_nobody) -> Model:
    """Fetch a model, try it, and put it in place of what is there for its direction.

    Raises:
        ModelError: it can't be fetched, isn't what its record says, or doesn't work here; what was there stays.
    """
    if fault := unusable():
        raise ModelError(fault)
    try:
        packed = models.folder / PACKED
        await asyncio.to_thread(_make_room, packed)
        for what, record in offer.records.items():
            told = partial(_tell_of, tell, offer.pair, what, record.attachment.size)
            await source.fetch(record.attachment, packed / record.attachment.hash, told)
        incoming = Path(await asyncio.to_thread(tempfile.mkdtemp, dir=models.folder, prefix=".incoming-"))
        try:
            size = await _unpack_and_try(offer, packed, incoming)
            model = _model(offer, source.index, size)
            await asyncio.to_thread(models.place, model, incoming)
        finally:
            await asyncio.to_thread(shutil.rmtree, incoming, ignore_errors=True)
        for record in offer.records.values():
            (packed / record.attachment.hash).unlink(missing_ok=True)
    except OSError as error:
        raise ModelError(f"{models.folder} can't be written: {error.strerror}; nothing was changed") from error
    return model


def installed(models: Models, offer: Offer) -> bool:
    """Say whether what is offered is there already."""
    there = models.inventory().models.get(offer.pair)
    return there is not None and there.files == _hashes(offer)


async def mirror(source: Source, into: Path, chosen: Iterable[Offer], tell: Tell = tell_nobody) -> None:
    """Make a folder that other machines install from, or add to one.

    Raises:
        ModelError: a file can't be had or written.
    """
    try:
        for offer in chosen:
            for what, record in offer.records.items():
                file = into / record.attachment.location
                file.parent.mkdir(parents=True, exist_ok=True)
                told = partial(_tell_of, tell, offer.pair, what, record.attachment.size)
                await source.fetch(record.attachment, file, told)
            await asyncio.to_thread(_add_to_index, into / INDEX, offer)
    except OSError as error:
        raise ModelError(f"{into} can't be written: {error.strerror}") from error


async def _unpack_and_try(offer: Offer, packed: Path, incoming: Path) -> int:
    """Unpack the files in a process that may fall over them, and translate a word; gives their size, in bytes."""
    child = Child(CHILD)
    size = 0
    try:
        for what, record in offer.records.items():
            file = {"unpack": str(packed / record.attachment.hash), "into": str(incoming / FILES[what])}
            answer = await child.ask({**file, "sha256": record.decompressed_hash}, within=MINUTE)
            size += _good(answer, offer, f"its file {what} can't be unpacked")["size"]
        paths = [str(path) for path in model_files(incoming, offer.records)]
        _good(await child.ask({"load": "new", "files": paths, "drop": []}, within=MINUTE), offer, "it can't be loaded")
        answer = await child.ask({"ask": "new", "texts": [PROBE]}, within=MINUTE)
        if not answer["texts"][0]:
            raise ModelError(f"{_named(offer)} translates nothing; nothing was changed")
    except Gone as gone:
        raise ModelError(f"{_named(offer)} doesn't work here: {gone}; nothing was changed") from gone
    finally:
        await child.kill()
    return size


def _good(answer: Mapping[str, Any], offer: Offer, what: str) -> Mapping[str, Any]:
    if "error" in answer:
        raise ModelError(f"{_named(offer)}: {what}: {answer['error']}; nothing was changed")
    return answer


def _named(offer: Offer) -> str:
    return f"the model {offer.pair.source} → {offer.pair.target} ({offer.architecture}, version {offer.version})"


def _model(offer: Offer, origin: str, size: int) -> Model:
    hashes = _hashes(offer)
    return Model(
        source=offer.pair.source,
        target=offer.pair.target,
        version=offer.version,
        architecture=offer.architecture,
        folder=hashlib.sha256("".join(sorted(hashes.values())).encode()).hexdigest()[:16],
        files=hashes,
        size=size,
        origin=origin,
    )


def _hashes(offer: Offer) -> dict[str, str]:
    return {what: record.decompressed_hash for what, record in offer.records.items()}


def _tell_of(tell: Tell, pair: Pair, what: str, size: int, done: int) -> None:
    tell(pair, what, done, size)


def _make_room(packed: Path) -> None:
    """Make the folder for what is fetched, and delete what installs that were killed have left."""
    packed.mkdir(parents=True, exist_ok=True)
    old = time.time() - STALE
    for left in (*packed.iterdir(), *packed.parent.glob(".incoming-*")):
        if left.stat().st_mtime < old:
            shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)


def _add_to_index(index: Path, offer: Offer) -> None:
    there = read_records(index.read_bytes(), str(index)) if index.exists() else []
    new = [msgspec.to_builtins(record) for record in offer.records.values()]
    kept = [each for each in there if each not in new]
    written = index.with_suffix(".new")
    written.write_bytes(msgspec.json.format(msgspec.json.encode({"data": kept + new}), indent=1))
    written.replace(index)


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


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _is_folder(place: str) -> bool:
    return "://" not in place


def _why(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientResponseError):
        return f"answered {error.status} {error.message}"
    return str(error) or "no answer in time"
