"""The index of Firefox's models: what Mozilla's records say there is, and which of it a direction should have.

Records are those of Remote Settings' collection `translations-models-v2`; fxtranslate's own reading of them ignores
which are for Firefox's tests alone, and takes files of different models together.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from translation.contract import Pair
from translation.models import ModelError
from translation.packages import tag
from translation.sentences import PIVOT, route

PARTS = {"model": "model", "lex": "lex", "vocab": "source", "srcvocab": "source", "trgvocab": "target"}
"""What the types of files are to us."""

BEST_FIRST = ("base-memory", "base", "tiny")
FORMAT = 3
"""The major version of models that the library reads."""

LARGEST = 300 * 10**6
"""Bytes of a file; the largest known is a third of this."""


class Attachment(msgspec.Struct, frozen=True):
    """A file as it is fetched: compressed, with its SHA-256 and its size in bytes."""

    hash: str
    size: int
    location: str


class Record(msgspec.Struct, frozen=True, rename="camel"):
    """One file of one model."""

    file_type: str
    source_language: str
    target_language: str
    version: str
    attachment: Attachment
    decompressed_hash: str
    decompressed_size: int = 0
    architecture: str = ""
    filter_expression: str = msgspec.field(default="", name="filter_expression")

    @property
    def pair(self) -> Pair:
        """Its direction."""
        return Pair(tag(self.source_language), tag(self.target_language))

    @property
    def usable(self) -> bool:
        """Say whether it is for everybody, and safe to fetch."""
        return (
            not self.filter_expression
            and self.file_type in PARTS
            and re.fullmatch(rf"{FORMAT}(\.\d+)*", self.version) is not None
            and re.fullmatch(r"[0-9a-f]{64}", self.attachment.hash) is not None
            and re.fullmatch(r"[0-9a-f]{64}", self.decompressed_hash) is not None
            and re.fullmatch(r"[\w-][\w.-]*(/[\w-][\w.-]*)*", self.attachment.location) is not None
            and 0 < self.attachment.size <= LARGEST
            and self.decompressed_size <= LARGEST
        )


@dataclass(frozen=True, slots=True)
class Offer:
    """A whole model that can be had: its files by what they are."""

    pair: Pair
    version: str
    architecture: str
    records: Mapping[str, Record]

    @property
    def size(self) -> int:
        """Bytes to fetch."""
        return sum(record.attachment.size for record in self.records.values())


def read_records(body: bytes, where: str) -> list[dict[str, object]]:
    """Read the body of an index.

    Raises:
        ModelError: it is none.
    """
    try:
        return msgspec.json.decode(body, type=dict[str, list[dict[str, object]]])["data"]
    except (msgspec.DecodeError, KeyError) as error:
        raise ModelError(f"{where} is no index of models: it should be a JSON object with a list `data`") from error


def offers(listed: Iterable[Mapping[str, object]]) -> dict[Pair, Offer]:
    """Give the best whole model of each direction; what can't be read or is for tests alone is passed over."""
    models: dict[tuple[Pair, str, str], dict[str, Record]] = defaultdict(dict)
    for each in listed:
        try:
            record = msgspec.convert(each, Record)
        except msgspec.ValidationError:
            continue
        if record.usable:
            models[record.pair, record.version, record.architecture][PARTS[record.file_type]] = record
    best: dict[Pair, Offer] = {}
    for (pair, version, architecture), records in models.items():
        offer = Offer(pair, version, architecture, records)
        if {"model", "lex", "source"} <= records.keys() and (pair not in best or _rank(offer) > _rank(best[pair])):
            best[pair] = offer
    return best


def needed(language: str, desk: str, there: Collection[Pair]) -> Sequence[Pair]:
    """Name the models that translate between a language and the desk's, through English where they must.

    Raises:
        ModelError: there are none.
    """
    both = (Pair(language, desk), Pair(desk, language))
    pairs = [hop for pair in both for hop in ((pair,) if PIVOT in pair else route(pair, there))]
    if missing := [f"{pair.source} → {pair.target}" for pair in pairs if pair not in there]:
        known = " ".join(sorted({pair.source for pair in there} & {pair.target for pair in there}))
        raise ModelError(f"there is no model {', '.join(missing)}; languages with models: {known or 'none'}")
    return list(dict.fromkeys(pairs))


def _rank(offer: Offer) -> tuple[int, list[int]]:
    place = BEST_FIRST.index(offer.architecture) if offer.architecture in BEST_FIRST else len(BEST_FIRST)
    return -place, [int(number) for number in offer.version.split(".")]
