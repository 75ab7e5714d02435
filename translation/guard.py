"""Whether an engine's output is to be trusted: signals, one risk, and why.

The weights are what `benchmarks/guard.py` finds by translations that are known to be right or wrong; it also says how
well those that it never saw are told apart.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from operator import eq, mul
from typing import NamedTuple

from msgspec import Struct

from translation.detect import Detector
from translation.protect import AT_HAND, around

RISKY = 0.5
"""From here on a translation isn't sent by itself."""

MANY = 8
"""So many words in a row that an engine left as they were are no longer a name or an address."""

_RUN = re.compile(rb"\x01{%d,}" % MANY)

QUESTION_MARKS = "?？؟\u037e"
"""The last is how Greek asks."""

SHORTEST, USUAL_RATIO = 0.6, 0.35
"""What part of the original's words a translation usually has, and how far their lengths differ (a logarithm)."""

_PLAIN = re.compile(r"\w+")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_BEYOND_LATIN = re.compile("[\u0250-\U0010ffff]")
NEGATIONS: Mapping[str, frozenset[str]] = {
    "de": frozenset({"nicht", "kein", "keine", "keinen", "keinem", "keiner", "nie", "nein", "nichts", "ohne"}),
    "en": frozenset({"not", "no", "never", "nothing", "nobody", "none", "cannot", "without", "neither", "nor"}),
    "es": frozenset({"no", "nunca", "nada", "nadie", "ninguno", "ninguna", "ningún", "sin", "jamás", "tampoco"}),
    "fr": frozenset({"ne", "n", "pas", "jamais", "rien", "aucun", "aucune", "sans", "non"}),
    "it": frozenset({"non", "no", "mai", "niente", "nulla", "nessuno", "senza"}),
    "nl": frozenset({"niet", "geen", "nooit", "niets", "niemand", "nee", "zonder", "nergens"}),
    "pl": frozenset({"nie", "nigdy", "nic", "nikt", "bez", "żaden", "żadna", "żadne", "ani"}),
    "pt": frozenset({"não", "nao", "nunca", "nada", "ninguém", "nenhum", "nenhuma", "sem", "jamais", "nem"}),
}
SCRIPT_OF = {
    **dict.fromkeys(("ru", "uk", "bg", "mk", "sr"), "CYRILLIC"),
    **dict.fromkeys(("ar", "fa", "ur"), "ARABIC"),
    "el": "GREEK",
    "he": "HEBREW",
    "hi": "DEVANAGARI",
    "ko": "HANGUL",
    "th": "THAI",
}
NO_SPACES = frozenset({"zh", "ja", "ko", "th"})
"""Languages whose texts have other lengths and, but for Korean's, no spaces: neither tells anything."""

OTHER_THAN_LATIN = frozenset({*SCRIPT_OF, "ja", "zh", "ka", "hy", "ta", "te", "bn", "kk"})


GOOD_SCORE = 0.96
"""What an engine that tells how sure it is says of what it knows."""

BASE = -3.19
WEIGHTS: Mapping[str, float] = {
    "unchanged": 2.07,
    "loops": 4.90,
    "length": 6.40,
    "short": 0.42,
    "script": 3.96,
    "language": 5.82,
    "negation": 3.38,
    "question": 1.85,
    "doubt": 6.44,
    "unlike": 4.39,
}
"""What each signal adds to the logarithm of the odds that a translation is wrong, and what they are without any."""

DAMNING: Mapping[str, float] = {"loops": 0.95, "script": 0.9, "unchanged": 0.9}
"""The risk of a translation that has one of these signals wholly, whatever the others say."""


class Signals(NamedTuple):
    """What speaks against a translation, each from 0.0, nothing, to 1.0."""

    unchanged: float = 0.0
    loops: float = 0.0
    length: float = 0.0
    short: float = 0.0
    script: float = 0.0
    language: float = 0.0
    negation: float = 0.0
    question: float = 0.0
    doubt: float = 0.0
    unlike: float = 0.0


SIGNALS = Signals._fields
_WEIGHTS = tuple(WEIGHTS[name] for name in SIGNALS)
WHY = {
    "unchanged": "the translation repeats the original",
    "loops": "the translation repeats itself",
    "length": "the translation is much longer or shorter than the original",
    "short": "words may be missing",
    "script": "the translation is in another script",
    "language": "the translation isn't in the right language",
    "negation": "a negation may be lost or added",
    "question": "it may be a question in one language only",
    "doubt": "the engine isn't sure",
    "unlike": "its meaning back differs",
}
_WHY = tuple(WHY[name] for name in SIGNALS)
_DAMNING = tuple(DAMNING.get(name, 0.0) for name in SIGNALS)

TELLING = 0.4
"""From here on a signal is told as a reason."""


class Verdict(Struct, frozen=True):
    """How risky a translation is, 0.0 to 1.0, and what speaks against it, for an agent to read."""

    risk: float
    reasons: tuple[str, ...]

    @property
    def risky(self) -> bool:
        """Say whether it needs somebody's eyes."""
        return self.risk >= RISKY


class Guard:
    """Looks at what engines made; pure but for the detector's model."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector

    def assess(
        self, source: str, output: str, *, pair: tuple[str, str], score: float | None = None, back: str | None = None
    ) -> Verdict:
        """Weigh the signals; `score` is how sure the engine says it is, `back` what it makes of its output."""
        if _words(source) and not _words(output):
            return Verdict(1.0, ("the translation is empty",))
        signals = self.signals(source, output, pair=pair, score=score, back=back)
        weighed = tuple(map(mul, _WEIGHTS, signals))
        risk = 1 / (1 + math.exp(-BASE - sum(weighed)))
        if max(signals) < TELLING:
            return Verdict(round(risk, 3), (_WHY[weighed.index(max(weighed))],) if risk >= RISKY else ())
        risk = max(risk, *(least for least, value in zip(_DAMNING, signals, strict=True) if value >= 1), 0.0)
        return Verdict(round(risk, 3), tuple(why for why, value in zip(_WHY, signals, strict=True) if value >= TELLING))

    def signals(
        self, source: str, output: str, *, pair: tuple[str, str], score: float | None, back: str | None
    ) -> Signals:
        """Take the signals of a translation."""
        said, made = _words(source), _words(output)
        copied = bytes(map(set(said).__contains__, made))
        lengths_tell = len(said) >= 3 and NO_SPACES.isdisjoint(map(_primary, pair))
        ratio = math.log(max(len(output), 1) / max(len(source), 1))
        missing = SHORTEST - len(made) / max(len(said), 1)
        return Signals(
            unchanged=sum(copied) / len(made) if len(said) >= 2 and made else 0.0,
            loops=float(_loops(made) and not _loops(said)),
            length=min(1.0, max(0.0, abs(ratio) - USUAL_RATIO)) if lengths_tell else 0.0,
            short=min(1.0, max(0.0, missing) / SHORTEST) if lengths_tell else 0.0,
            script=float(_wrong_script(output, pair[1])),
            language=self._strange(output, _left(made, copied), _primary(pair[1])) if len(made) >= 3 else 0.0,
            negation=float(len(said) >= 3 and _negation_lost(source, output, pair)),
            question=float(_asks(source) != _asks(output)),
            doubt=0.0 if score is None else min(1.0, max(0.0, GOOD_SCORE - score) * 2),
            unlike=0.0 if back is None else 1.0 - alike(source, back),
        )

    def _strange(self, output: str, left: list[str], language: str) -> float:
        """Say how likely an output, or a part that was left as it was, is in another language than it should be."""
        doubtful = left if self._detector.plainly(output, language) else [output, *left]
        heard = map(self._detector.distribution, doubtful)
        return max((1.0 - shares.get(language, 0.0) for shares in heard if shares), default=0.0)


def alike(one: str, other: str) -> float:
    """Say how many runs of three letters two texts share, 0.0 to 1.0, whatever their case, accents and punctuation."""
    ones, others = _runs(one), _runs(other)
    return 2 * sum((ones & others).values()) / max(1, sum(ones.values()) + sum(others.values()))


def _runs(text: str) -> Counter[str]:
    plain = "".join(each for each in unicodedata.normalize("NFD", text.casefold()) if not unicodedata.combining(each))
    spaced = f" {' '.join(_PLAIN.findall(plain))} "
    return Counter(spaced[at : at + 3] for at in range(len(spaced) - 2))


def _asks(text: str) -> bool:
    return any(mark in text for mark in QUESTION_MARKS)


@lru_cache(AT_HAND)
def _words(text: str) -> list[str]:
    """The words beside what must survive, in lower case and with one kind of apostrophe."""
    plain = " ".join(around(text)[::2]).casefold().replace("’", "'")
    # Between words is mostly a space, and a point or comma: to part them there is quicker than to search.
    for sign in ',.;:!?¿¡()"':
        plain = plain.replace(sign, " ")
    pieces = plain.split()
    if all(map(str.isalpha, pieces)):
        return pieces
    return [word for piece in pieces for word in ((piece,) if piece.isalpha() else _WORD.findall(piece))]


def _left(made: list[str], copied: bytes) -> list[str]:
    """Give the parts of an output whose words are the original's, wherever those are many in a row."""
    return [" ".join(made[run.start() : run.end()]) for run in _RUN.finditer(copied)]


def _loops(words: list[str]) -> bool:
    """Say whether one to three words come four times in a row."""
    return any(_comes_again(words, size) for size in (1, 2, 3))


def _comes_again(words: list[str], size: int) -> bool:
    """Say whether somewhere `size` words come four times in a row: three times as many have their like ahead."""
    run = 3 * size
    # Of so many in a row one stands at a multiple of their number: mostly none of those has its like ahead.
    if not any(map(eq, words[::run], words[size::run])):
        return False
    return b"\1" * run in bytes(map(eq, words, words[size:]))


def _negation_lost(source: str, output: str, pair: tuple[str, str]) -> bool:
    one, other = NEGATIONS.get(_primary(pair[0])), NEGATIONS.get(_primary(pair[1]))
    if not one or not other:
        return False
    return _negates(source, one) != _negates(output, other)


def _negates(text: str, negations: frozenset[str]) -> bool:
    words = _words(text)
    if not negations.isdisjoint(words):
        return True
    if "'" not in text and "’" not in text:
        return False
    return any(word.endswith("n't") or word.startswith("n'") for word in words)


def _wrong_script(output: str, target: str) -> bool:
    primary = _primary(target)
    wanted = SCRIPT_OF.get(primary) or ("" if primary in OTHER_THAN_LATIN else "LATIN")
    if wanted == "LATIN" and not _BEYOND_LATIN.search(output):
        return False
    letters = [letter for letter in output if letter.isalpha()]
    if len(letters) < 6:
        return False
    names = [unicodedata.name(letter, "").partition(" ")[0] for letter in letters]
    return bool(wanted) and names.count(wanted) * 2 < len(names)


def _primary(tag: str) -> str:
    return tag.partition("-")[0].lower()
