"""Fetching Firefox's models: resumed, verified file by file, tried in a process of their own, then put into place."""

import asyncio
import hashlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from translation.children import Child, Gone
from translation.contract import Pair
from translation.download import Downloads
from translation.firefox import CHILD, unusable
from translation.models import FILES, Model, ModelError, Models, model_files
from translation.records import Attachment, Offer, offers, read_records

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
STALE = 7 * 86_400.0
"""Seconds after which what was fetched half is no longer gone on with."""

MINUTE = timedelta(minutes=1)
PROBE = "OK."

Offers = Mapping[Pair, Offer]
Tell = Callable[[Pair, str, int, int], None]
"""Is told how far a file is: its direction, what it is, bytes there, bytes in all."""


def tell_nobody(pair: Pair, what: str, done: int, size: int) -> None:
    """Say nothing of how far it is."""


class Source:
    """Where models come from: `mirror` is an address or a folder, "" for Mozilla's own records."""

    def __init__(self, mirror: str, downloads: Downloads) -> None:
        self.index = f"{mirror}/{INDEX}" if mirror else RECORDS
        self.mozilla = not mirror
        self._files = mirror or ATTACHMENTS
        self._downloads = downloads

    async def offers(self) -> dict[Pair, Offer]:
        """Give what there is, the best model of each direction.

        Raises:
            ModelError: the index can't be had or read.
        """
        return offers(read_records(await self._downloads.read(self.index, cure=NO_NETWORK), self.index))

    async def fetch(self, attachment: Attachment, into: Path, tell: Callable[[int, int], None]) -> None:
        """Get a file, going on with what is there of it.

        Raises:
            ModelError: it can't be had, or isn't what its record says.
            OSError: it can't be written.
        """
        place = f"{self._files}/{attachment.location}"
        await self._downloads.fetch(place, into, tell, size=attachment.size)
        if (found := await asyncio.to_thread(_sha256, into)) != attachment.hash:
            await asyncio.to_thread(into.unlink)
            raise ModelError(f"{place} isn't the file that its record names: its SHA-256 is {found}")
        tell(attachment.size, attachment.size)


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
            told = partial(tell, offer.pair, what)
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
                told = partial(tell, offer.pair, what)
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


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
