"""What was translated or corrected before: asked before any engine."""

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from translation.contract import Pair, Translated
from translation.protect import around, missing

CORRECTED = "correction"
"""The engine that a corrected translation is said to be by."""

MOST = 10_000
"""How many texts that engines translated are remembered."""

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


class Memory:
    """Remembers in memory; what is to outlast the process is given back to it by `learn`.

    A correction serves every text that says the same with other numbers, codes or addresses.
    """

    def __init__(self, *, most: int = MOST) -> None:
        self._most = most
        self._computed: OrderedDict[tuple[str, str, str], tuple[Sequence[str], Translated]] = OrderedDict()
        self._corrections: Mapping[tuple[str, str], Mapping[str, str]] = {}

    def learn(self, corrections: Iterable[Correction]) -> None:
        """Know these corrections, and no others."""
        learnt: dict[tuple[str, str], dict[str, str]] = {}
        for each in corrections:
            fix, pattern = _patterns(each)
            learnt.setdefault(_primary(Pair(each.source, each.target)), {})[pattern] = fix
        self._corrections = learnt

    def corrected(self, text: str, pair: Pair) -> Translated | None:
        """Give what was said to be right for a text."""
        known = self._corrections.get(_primary(pair))
        if not known:
            return None
        pieces = around(text)
        if (fix := known.get(_fold(text))) is None:
            fix = known.get(_fold(_with_marks(pieces)), "")
            for number, value in enumerate(pieces[1::2]):
                fix = fix.replace(_mark(number), value)
        return Translated(fix, CORRECTED, 1.0) if fix and not missing(text, fix) else None

    def computed(self, text: str, pair: Pair, engines: Sequence[str]) -> Translated | None:
        """Give what was made of a text when the same engines were there to be asked."""
        if len(text) > LONGEST:
            return None
        key = (text, *pair)
        found = self._computed.get(key)
        if found is None or found[0] != engines:
            return None
        self._computed.move_to_end(key)
        return found[1]

    def keep(self, text: str, pair: Pair, engines: Sequence[str], made: Translated) -> None:
        """Remember what an engine made."""
        if len(text) > LONGEST:
            return
        self._computed[(text, *pair)] = (engines, made)
        if len(self._computed) > self._most:
            self._computed.popitem(last=False)


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


def _primary(pair: Pair) -> tuple[str, str]:
    return pair.source.partition("-")[0].lower(), pair.target.partition("-")[0].lower()
