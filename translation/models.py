"""Models of Firefox Translations on disk: what is installed, putting one in its place, removing it.

A direction is a file `<from>-<to>.json`, which says what its model is and which folder beside it holds the files. It is
written last and replaced at once, so a model is there wholly or not at all, and a running engine sees it.
"""

import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from translation.contract import Pair

FILES = {"model": "model.bin", "source": "source.spm", "target": "target.spm", "lex": "lex.bin"}
"""What a model is made of, and what the files are called."""

LICENCE = "MPL-2.0"


class ModelError(Exception):
    """A model can't be read, fetched, installed or removed; says which, why, and what to do, for people to read."""


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """An installed model; `files` are their SHA-256 by what they are, `size` is what they take together, in bytes."""

    source: str
    target: str
    version: str
    architecture: str
    folder: str
    files: Mapping[str, str]
    size: int
    origin: str
    licence: str = LICENCE

    @property
    def pair(self) -> Pair:
        """Its direction."""
        return Pair(self.source, self.target)

    def __str__(self) -> str:
        size = f"{self.size / 1e6:.0f} MB" if self.size >= 1e6 else f"{self.size / 1e3:.0f} kB"
        return f"{self.source} → {self.target} ({self.architecture}, version {self.version}, {size})"


@dataclass(frozen=True, slots=True)
class Inventory:
    """The models that can be used, and what is wrong with those that can't."""

    models: Mapping[Pair, Model]
    faults: tuple[str, ...]


class Models:
    """The models in `folder`, which need not exist."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._seen = -1
        self._inventory = Inventory({}, ())

    def inventory(self) -> Inventory:
        """Say what is installed; reads the disk only when the folder has changed."""
        seen = self._changed()
        if seen != self._seen:
            self._inventory = self._read()
            self._seen = seen
        return self._inventory

    def files(self, model: Model) -> tuple[Path, Path, Path, Path]:
        """Give the paths of a model's files: the model, its two vocabularies, its shortlist."""
        return model_files(self.folder / model.folder, model.files)

    def place(self, model: Model, incoming: Path) -> None:
        """Take in a folder with the files of a model, in place of what is there for its direction.

        Raises:
            OSError: there is no room, or no right to write.
        """
        before = self.inventory().models.get(model.pair)
        home = self.folder / model.folder
        if home.exists():
            shutil.rmtree(incoming)
        else:
            incoming.rename(home)
        written = self.folder / f".{model.source}-{model.target}.json"
        with written.open("wb") as out:
            out.write(msgspec.json.format(msgspec.json.encode(model), indent=2) + b"\n")
            out.flush()
            os.fsync(out.fileno())
        written.rename(self._manifest(model.pair))
        _sync(self.folder)
        self._seen = -1
        if before is not None:
            self._let_go(before)

    def remove(self, pair: Pair) -> Model:
        """Delete the model of a pair.

        Raises:
            ModelError: there is none, or it can't be deleted.
        """
        model = self.inventory().models.get(pair)
        if model is None:
            raise ModelError(f"no model {pair.source} → {pair.target} is installed: see `dragoman languages list`")
        try:
            self._manifest(pair).unlink()
            self._seen = -1
            self._let_go(model)
        except OSError as error:
            raise ModelError(f"{model} can't be removed from {self.folder}: {error.strerror}") from error
        return model

    def _let_go(self, model: Model) -> None:
        if all(other.folder != model.folder for other in self.inventory().models.values()):
            shutil.rmtree(self.folder / model.folder)

    def _manifest(self, pair: Pair) -> Path:
        return self.folder / f"{pair.source}-{pair.target}.json"

    def _changed(self) -> int:
        try:
            return self.folder.stat().st_mtime_ns
        except OSError:
            return 0

    def _read(self) -> Inventory:
        models: dict[Pair, Model] = {}
        faults: list[str] = []
        for found in self._look():
            if isinstance(found, Model):
                models[found.pair] = found
            else:
                faults.append(found)
        return Inventory(models, tuple(faults))

    def _look(self) -> Iterator[Model | str]:
        try:
            files = sorted(file for file in self.folder.glob("*.json") if not file.name.startswith("."))
        except OSError as error:
            yield f"models in {self.folder} can't be read: {error.strerror}"
            return
        for file in files:
            cure = "`dragoman languages install` it again"
            try:
                model = msgspec.json.decode(file.read_bytes(), type=Model)
            except (OSError, msgspec.DecodeError) as error:
                yield f"{file} can't be read, {cure}: {error}"
                continue
            missing = [path.name for path in self.files(model) if not path.is_file()]
            yield f"{model} lacks {', '.join(missing)}, {cure}" if missing else model


def model_files(folder: Path, parts: Collection[str]) -> tuple[Path, Path, Path, Path]:
    """Give the paths of a model's files; one without a vocabulary for its target shares that of its source."""
    vocabularies = ("source", "target" if "target" in parts else "source")
    model, source, target, lex = (folder / FILES[part] for part in ("model", *vocabularies, "lex"))
    return model, source, target, lex


def _sync(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
