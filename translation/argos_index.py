"""Argos's index of language packages: what there is, and fetching it.

The index has no hashes and no sizes: what a package is worth is found out by unpacking and trying it.
https://github.com/argosopentech/argospm-index
"""

import asyncio
import hashlib
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from urllib.parse import urljoin

import msgspec

from translation.contract import Pair
from translation.download import Downloads, Tell, is_path
from translation.models import ModelError
from translation.packages import PACKED, Package, PackageError, Packages, tag

INDEX = "https://raw.githubusercontent.com/argosopentech/argospm-index/main/index.json"
NO_NETWORK = "A machine without a network imports files: `dragoman languages import FILE.argosmodel`."


class Listed(msgspec.Struct, frozen=True):
    """A package as the index has it; `links` are places of the same file."""

    from_code: str
    to_code: str
    package_version: str
    links: tuple[str, ...]
    type: str = "translate"

    @property
    def pair(self) -> Pair:
        """Its direction."""
        return Pair(tag(self.from_code), tag(self.to_code))


class ArgosIndex:
    """The index at `place`, an address or a path; "" for Argos's own. Its links may be relative to it."""

    def __init__(self, place: str, downloads: Downloads) -> None:
        self.place = place or INDEX
        self._downloads = downloads

    async def offers(self) -> Mapping[Pair, Listed]:
        """Give the newest package of each direction; entries that can't be read are passed over.

        Raises:
            ModelError: the index can't be had or read.
        """
        body = await self._downloads.read(self.place, cure=NO_NETWORK)
        try:
            listed = msgspec.json.decode(body, type=list[msgspec.Raw])
        except msgspec.DecodeError as error:
            raise ModelError(f"{self.place} is no index of Argos packages: it should be a JSON list") from error
        best: dict[Pair, Listed] = {}
        for raw in listed:
            try:
                one = msgspec.json.decode(raw, type=Listed)
            except msgspec.DecodeError:
                continue
            rival = best.get(one.pair)
            if one.type == "translate" and one.links and (rival is None or _version(one) > _version(rival)):
                best[one.pair] = one
        return best

    async def install(
        self, packages: Packages, listed: Listed, tell: Tell, check: Callable[[Package], None]
    ) -> Package:
        """Fetch a package, `check` it, and put it in place of what is there for its direction.

        Raises:
            ModelError: it can't be fetched from any of its places.
            PackageError: it isn't whole, isn't safe, or doesn't work here; what was there stays.
        """
        packed = packages.folder / PACKED
        failed: ModelError | None = None
        for link in listed.links:
            place = self._where(link)
            file = packed / f"{hashlib.sha256(place.encode()).hexdigest()[:16]}.argosmodel"
            try:
                await asyncio.to_thread(packed.mkdir, parents=True, exist_ok=True)
                await self._downloads.fetch(place, file, tell)
            except ModelError as error:
                failed = error
                continue
            except OSError as error:
                raise ModelError(f"{packed} can't be written: {error.strerror}; nothing was changed") from error
            try:
                return await asyncio.to_thread(
                    partial(packages.install, file, replace=True, expect=listed.pair, check=check)
                )
            except PackageError as error:
                raise PackageError(f"{place}: {error}") from error
            finally:
                await asyncio.to_thread(partial(file.unlink, missing_ok=True))
        raise failed or ModelError(f"{self.place} says no place of the package {listed.from_code} → {listed.to_code}")

    def _where(self, link: str) -> str:
        if "://" in link:
            return link
        return str(Path(self.place).parent / link) if is_path(self.place) else urljoin(self.place, link)


def _version(listed: Listed) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", listed.package_version)]
