"""What was translated or corrected before: asked before any engine."""

import hashlib
import re
import time
import unicodedata
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Protocol

import msgspec

from translation.contract import Pair, Translated
from translation.protect import around, missing

CORRECTED = "correction"
"""The engine that a corrected translation is said to be by."""

MOST = 10_000
"""How many texts that engines translated are remembered."""

ALIKE, LOOKED_AT = 0.75, 2000
"""How much alike a text is to one whose correction is worth looking at; and how many corrections are compared."""

_ACCENTS = re.compile(r"[\u0300-\u036f]")
_ASKS = re.compile(r"[?？؟]")
_JOINS = re.compile(r"['’`´-]")
_POINTS = re.compile(r"[^\w\s⟦⟧\u0900-\u109f]")

DAY = 86_400.0
"""Seconds that it is remembered: it is people's words."""

LONGEST = 200
"""Characters of a text that is remembered; nobody writes a longer one twice."""


class Correction(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What somebody said is right: `text` in one language is `fix` in the other."""

    source: str
    target: str
    text: str
    fix: str
    by: str = ""

    @property
    def key(self) -> str:
        """Name it: another correction of the same text has the same key, and replaces it."""
        _, pattern = _patterns(self)
        said = "\0".join((*_primary(Pair(self.source, self.target)), pattern))
        return hashlib.sha256(said.encode()).hexdigest()[:32]


class Shared(Protocol):
    """What other processes made, asked after what this one remembers."""

    async def computed(self, text: str, pair: Pair, engines: Sequence[str]) -> Translated | None:
        """Give what was made of a text when the same engines were there to be asked."""

    async def keep(self, text: str, pair: Pair, engines: Sequence[str], made: Translated) -> None:
        """Remember what an engine made."""


class Memory:
    """Remembers in memory; what is to outlast the process is given back to it by `learn`.

    A correction serves every text that says the same with other numbers, codes or addresses, or in other punctuation.
    """

    def __init__(self, *, most: int = MOST, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._computed: OrderedDict[tuple[str, str, str], tuple[Sequence[str], Translated, float]] = OrderedDict()
        self._corrections: Mapping[tuple[str, str], _Known] = {}

    def learn(self, corrections: Iterable[Correction]) -> None:
        """Know these corrections, and no others."""
        learnt: dict[tuple[str, str], _Known] = {}
        for each in corrections:
            learnt.setdefault(_primary(Pair(each.source, each.target)), _Known()).add(each)
        self._corrections = learnt

    def corrected(self, text: str, pair: Pair) -> Translated | None:
        """Give what was said to be right for a text."""
        known = self._corrections.get(_primary(pair))
        if not known:
            return None
        pieces = around(text)
        if (fix := known.fixes.get(_fold(text))) is None:
            pattern = _with_marks(pieces)
            fix = known.fixes.get(_fold(pattern)) or known.loosely.get(_loosen(pattern), "")
            for number, value in enumerate(pieces[1::2]):
                fix = fix.replace(_mark(number), value)
        return Translated(fix, CORRECTED, 1.0) if fix and not missing(text, fix) else None

    def similar(self, text: str, pair: Pair) -> Correction | None:
        """Give what was corrected in a text much like this one, for a person to look at."""
        known = self._corrections.get(_primary(pair))
        if not known:
            return None
        compare = SequenceMatcher(autojunk=False)
        wanted = _loosen(_with_marks(around(text)))
        compare.set_seq2(wanted)
        best, found = ALIKE, None
        for loose, each in known.all[-LOOKED_AT:]:
            # What differs much in length can't be much alike; most are passed over by that.
            if 2 * min(len(loose), len(wanted)) <= best * (len(loose) + len(wanted)):
                continue
            compare.set_seq1(loose)
            if compare.quick_ratio() > best and (like := compare.ratio()) > best:
                best, found = like, each
        return found

    def computed(self, text: str, pair: Pair, engines: Sequence[str]) -> Translated | None:
        """Give what was made of a text when the same engines were there to be asked."""
        if len(text) > LONGEST:
            return None
        key = (text, *pair)
        found = self._computed.get(key)
        if found is None or found[0] != engines or self._clock() - found[2] > DAY:
            return None
        self._computed.move_to_end(key)
        return found[1]

    def forget(self) -> None:
        """Forget what engines made: somebody who wrote some of it is to be erased."""
        self._computed.clear()

    def keep(self, text: str, pair: Pair, engines: Sequence[str], made: Translated) -> None:
        """Remember what an engine made."""
        if len(text) > LONGEST:
            return
        self._computed[(text, *pair)] = (engines, made, self._clock())
        if len(self._computed) > self._most:
            self._computed.popitem(last=False)


class _Known:
    """The corrections of one direction."""

    def __init__(self) -> None:
        self.all: list[tuple[str, Correction]] = []
        self.fixes: dict[str, str] = {}
        self.loosely: dict[str, str] = {}
        """What is right for a text whatever its accents and punctuation; "" where that isn't one thing."""

    def add(self, each: Correction) -> None:
        fix, pattern = _patterns(each)
        self.fixes[pattern] = fix
        loose = _loosen(pattern)
        self.all.append((loose, each))
        self.loosely[loose] = fix if self.loosely.get(loose, fix) == fix else ""


def _patterns(each: Correction) -> tuple[str, str]:
    """Give the fix and the text with marks for what must survive, where the fix has each of it once."""
    pieces = around(each.text)
    values = pieces[1::2]
    if len(set(values)) != len(values) or any(each.fix.count(value) != 1 for value in values):
        return each.fix, _fold(each.text)
    fix = each.fix
    for number, value in enumerate(values):
        fix = fix.replace(value, _mark(number))
    return fix, _fold(_with_marks(pieces))


def _with_marks(pieces: Sequence[str]) -> str:
    return "".join(_mark(n // 2) if n % 2 else piece for n, piece in enumerate(pieces))


def _mark(number: int) -> str:
    return f"⟦{number}⟧"


def _fold(text: str) -> str:
    return " ".join(text.casefold().split())


def _loosen(text: str) -> str:
    """Leave out what is left out in a hurry: accents, capitals, punctuation; a question stays one."""
    plain = _ACCENTS.sub("", unicodedata.normalize("NFD", text.casefold()))
    asks = "?" if _ASKS.search(plain) else ""
    return " ".join(_POINTS.sub(" ", _JOINS.sub("", plain)).split()) + asks


def _primary(pair: Pair) -> tuple[str, str]:
    return pair.source.partition("-")[0].lower(), pair.target.partition("-")[0].lower()
