"""Argos language packages on disk: what is installed, safe installing and removing, and the names of languages.

A package is a folder with `metadata.json`, `model/` for CTranslate2, and `sentencepiece.model` or `bpe.model`; an
`.argosmodel` file is such a folder in a zip. argostranslate's own installer takes any zip, and one without metadata
breaks every other package, so we read and write the layout ourselves.
"""

import hashlib
import json
import os
import re
import shutil
import stat
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from translation.contract import Pair

LARGEST = 4 * 2**30
MOST_FILES = 2000
CHUNK = 2**20
STALE = 86_400.0  # seconds
PACKED = ".packed"  # the folder of what is being fetched
TOKENIZERS = ("sentencepiece.model", "bpe.model")

# What engines call a language, where it isn't its BCP 47 tag: Argos and LibreTranslate's pb and zt, and old spellings.
ALIASES = {
    "pb": "pt-br",
    "zt": "zh-hant",
    "zh-tw": "zh-hant",
    "zh-hk": "zh-hant",
    "zh-mo": "zh-hant",
    "zh-hans": "zh",
    "zh-cn": "zh",
    "zh-sg": "zh",
    "no": "nb",
    "fil": "tl",
    "iw": "he",
    "in": "id",
}


class PackageError(Exception):
    """A language package can't be read, installed or removed; says which, why, and what to do, for people to read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """An installed package; `ours` is false where argostranslate installed it."""

    folder: Path
    pair: Pair
    version: str
    target_prefix: str = ""
    test_only: bool = False
    ours: bool = True

    def __str__(self) -> str:
        only = ", for tests only" if self.test_only else ""
        return f"{self.pair.source} → {self.pair.target} (version {self.version or 'unknown'}{only})"


@dataclass(frozen=True, slots=True)
class Inventory:
    """The packages that can be used, one for a pair, and what is wrong with those that can't."""

    packages: dict[Pair, Package]
    faults: tuple[str, ...]


class Packages:
    """The packages in `folder`, and those in `others`, which are only read; files and folders need not exist."""

    def __init__(self, folder: Path, *, others: Sequence[Path] = ()) -> None:
        self.folder = folder
        self._others = tuple(others)
        self._seen: tuple[int, ...] = ()
        self._inventory = Inventory({}, ())

    def inventory(self) -> Inventory:
        """Say what is installed; reads the disk only when a folder has changed."""
        seen = tuple(_changed(folder) for folder in (self.folder, *self._others))
        if seen != self._seen:
            self._inventory = self._read()
            self._seen = seen
        return self._inventory

    def install(
        self,
        file: Path,
        *,
        sha256: str = "",
        replace: bool = False,
        expect: Pair | None = None,
        check: Callable[[Package], None] = lambda package: None,
    ) -> Package:
        """Check an `.argosmodel` file and add it, wholly or not at all.

        Raises:
            PackageError: it isn't what `sha256` says, no safe zip, no whole package, of another direction than
                `expect`, the pair is there already, or `check` raises it.
        """
        if sha256:
            _compare(file, sha256)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            _sweep(self.folder)
            with tempfile.TemporaryDirectory(dir=self.folder, prefix=".incoming-") as incoming:
                package = read_package(_unpack(file, Path(incoming)), ours=True)
                if expect is not None and package.pair != expect:
                    raise PackageError(f"{file} is for {package}, not {expect.source} → {expect.target}")
                check(package)
                return self._adopt(package, replace=replace)
        except OSError as error:
            raise PackageError(f"{file} can't be installed in {self.folder}: {error}") from error

    def remove(self, pair: Pair) -> None:
        """Delete the package of a pair.

        Raises:
            PackageError: there is none, or it belongs to argostranslate.
        """
        mine = [package for package in self._own() if package.pair == pair]
        if not mine:
            foreign = self.inventory().packages.get(pair)
            where = f"it belongs to argostranslate, in {foreign.folder}" if foreign else "see `dragoman languages list`"
            raise PackageError(f"no package {pair.source} → {pair.target} of ours to remove: {where}")
        try:
            for package in mine:
                self._delete(package.folder)
        except OSError as error:
            raise PackageError(f"{mine[0]} can't be removed from {self.folder}: {error}") from error

    def _read(self) -> Inventory:
        packages: dict[Pair, Package] = {}
        faults: list[str] = []
        for folder in (self.folder, *self._others):
            for found in _look(folder, ours=folder == self.folder):
                if isinstance(found, PackageError):
                    faults.append(str(found))
                    continue
                rival = packages.get(found.pair)
                if rival is None or (rival.ours == found.ours and _newer(found, rival)):
                    packages[found.pair] = found
        return Inventory(packages, tuple(faults))

    def _own(self) -> list[Package]:
        return [found for found in _look(self.folder, ours=True) if isinstance(found, Package)]

    def _adopt(self, package: Package, *, replace: bool) -> Package:
        before = [old for old in self._own() if old.pair == package.pair]
        if before and not replace:
            raise PackageError(f"{before[0]} is installed already: remove it first, or replace it")
        version = re.sub(r"[^0-9A-Za-z.]", "", package.version)[:20]
        # The name is new each time, so the rename can't meet a folder and a model in use stays whole.
        home = self.folder / f"{package.pair.source}_{package.pair.target}-{version}-{os.urandom(4).hex()}"
        package.folder.rename(home)
        for old in before:
            self._delete(old.folder)
        self._seen = ()
        return read_package(home, ours=True)

    def _delete(self, folder: Path) -> None:
        with tempfile.TemporaryDirectory(dir=self.folder, prefix=".outgoing-") as outgoing:
            folder.rename(Path(outgoing) / folder.name)
        self._seen = ()


def argostranslate_folder() -> Path:
    """Where argostranslate keeps its packages, without importing it: importing it makes folders."""
    if explicit := os.environ.get("ARGOS_PACKAGES_DIR"):
        return Path(explicit)
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / "argos-translate" / "packages"


def tag(code: str) -> str:
    """The tag we use for what an engine or a platform calls a language: `pt-br` for `pb`, `zh-hant` for `zh_TW`."""
    plain = code.strip().replace("_", "-").lower()
    return ALIASES.get(plain, plain)


def serving(pair: Pair, pairs: Collection[Pair]) -> Pair | None:
    """The direction of `pairs` that does for `pair`, `es → en` for `es-mx → en`; None if none does."""
    if pair in pairs:
        return pair
    sources, targets = {p.source for p in pairs}, {p.target for p in pairs}
    for source in _candidates(pair.source, sources):
        for target in _candidates(pair.target, targets):
            if Pair(source, target) in pairs:
                return Pair(source, target)
    return None


def _candidates(code: str, offered: Collection[str]) -> Iterator[str]:
    """First the language itself, then without its region, then its other regions; a script is never dropped."""
    wanted = tag(code)
    yield wanted
    shorter = wanted
    while "-" in shorter:
        shorter, _, last = shorter.rpartition("-")
        if len(last) == 4 and last.isalpha():
            return
        yield tag(shorter)
    yield from sorted(o for o in offered if o.startswith(f"{shorter}-") and not re.search(r"-[a-z]{4}\b", o))


def _sweep(folder: Path) -> None:
    """Delete what an install or removal left behind when it was killed, a day ago or more."""
    for left in (*folder.glob(".incoming-*"), *folder.glob(".outgoing-*"), *folder.glob(f"{PACKED}/*")):
        if time.time() - left.stat().st_mtime > STALE:
            shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)


def _look(folder: Path, *, ours: bool) -> Iterator[Package | PackageError]:
    try:
        found = sorted(folder.iterdir())
    except FileNotFoundError:
        return
    except OSError as error:
        yield PackageError(f"language packages in {folder} can't be read: {error}")
        return
    for place in found:
        if place.is_dir() and not place.name.startswith((".", "__")):
            try:
                yield read_package(place, ours=ours)
            except PackageError as error:
                yield error


def read_package(folder: Path, *, ours: bool) -> Package:
    """Read what is in a package's folder.

    Raises:
        PackageError: it isn't a whole package.
    """
    try:
        metadata = json.loads((folder / "metadata.json").read_bytes())
    except FileNotFoundError as error:
        raise PackageError(f"{folder.name} isn't a language package: it has no metadata.json") from error
    except (OSError, ValueError) as error:
        raise PackageError(f"metadata.json of language package {folder.name} can't be read: {error}") from error
    if not isinstance(metadata, dict) or metadata.get("type", "translate") != "translate":
        raise PackageError(f"{folder.name} isn't a translation package, says its metadata.json")
    pair = Pair(*(_code(metadata, key, folder) for key in ("from_code", "to_code")))
    if not (folder / "model" / "model.bin").is_file():
        raise PackageError(f"language package {folder.name} is incomplete: it has no model/model.bin")
    if not any((folder / name).is_file() for name in TOKENIZERS):
        raise PackageError(f"language package {folder.name} is incomplete: it has none of {', '.join(TOKENIZERS)}")
    return Package(
        folder=folder,
        pair=pair,
        version=str(metadata.get("package_version", "")),
        target_prefix=str(metadata.get("target_prefix", "")),
        test_only=metadata.get("test_only") is True,
        ours=ours,
    )


def _code(metadata: dict[str, object], key: str, folder: Path) -> str:
    code = metadata.get(key)
    if not isinstance(code, str) or not re.fullmatch(r"[A-Za-z]{2,3}([_-][A-Za-z0-9]{2,8})*", code):
        raise PackageError(f"metadata.json of language package {folder.name} has no valid {key}")
    return tag(code)


def _unpack(file: Path, into: Path) -> Path:
    """Unpack `file` below `into`; returns the one folder of it that has the package."""
    try:
        with zipfile.ZipFile(file) as pack:
            members = [m for m in pack.infolist() if not m.filename.startswith("__MACOSX/") and not m.is_dir()]
            _check(members, file)
            for member in members:
                _extract(pack, member, into)
    except FileNotFoundError as error:
        raise PackageError(f"{file} isn't there") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError) as error:
        raise PackageError(f"{file} isn't a whole zip archive, fetch it again: {error}") from error
    roots = [place.parent for place in (into / "metadata.json", *into.glob("*/metadata.json")) if place.is_file()]
    if len(roots) != 1:
        raise PackageError(f"{file} isn't a language package: it has {len(roots) or 'no'} metadata.json, not one")
    return roots[0] if roots[0] != into else _nest(into)


def _nest(folder: Path) -> Path:
    inner = folder / ".package"
    names = list(folder.iterdir())
    inner.mkdir()
    for name in names:
        name.rename(inner / name.name)
    return inner


def _check(members: Sequence[zipfile.ZipInfo], file: Path) -> None:
    if len(members) > MOST_FILES or sum(m.file_size for m in members) > LARGEST:
        raise PackageError(f"{file} is too large: over {MOST_FILES} files or {LARGEST // 2**30} GB unpacked")
    names: set[str] = set()
    for member in members:
        path = PurePosixPath(member.filename)
        if path.is_absolute() or ".." in path.parts or re.search(r"[\\:\x00-\x1f]", member.filename):
            raise PackageError(f"{file} isn't safe: it wants to write {member.filename!r} outside of its folder")
        if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
            raise PackageError(f"{file} isn't safe: {member.filename!r} is a link or a device, not a file")
        if str(path) in names:
            raise PackageError(f"{file} isn't safe: it has {member.filename!r} twice")
        names.add(str(path))


def _extract(pack: zipfile.ZipFile, member: zipfile.ZipInfo, into: Path) -> None:
    place = into / PurePosixPath(member.filename)
    place.parent.mkdir(parents=True, exist_ok=True)
    with pack.open(member) as packed, place.open("xb") as out:
        shutil.copyfileobj(packed, out, CHUNK)
        out.flush()
        os.fsync(out.fileno())


def _compare(file: Path, sha256: str) -> None:
    try:
        with file.open("rb") as opened:
            found = hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise PackageError(f"{file} can't be read: {error}") from error
    if found != sha256.lower():
        raise PackageError(
            f"{file} isn't the file that was meant: its SHA-256 is {found}, not {sha256}; fetch it again"
        )


def _newer(one: Package, other: Package) -> bool:
    return [int(n) for n in re.findall(r"\d+", one.version)] > [int(n) for n in re.findall(r"\d+", other.version)]


def _changed(folder: Path) -> int:
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return 0
