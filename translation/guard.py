"""Whether an engine's output is to be trusted: signals, one risk, and why."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from translation.detect import Detector
from translation.protect import around

RISKY = 0.5
"""From here on a translation isn't sent by itself."""

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
OTHER_THAN_LATIN = frozenset({*SCRIPT_OF, "ja", "zh", "ka", "hy", "ta", "te", "bn", "kk"})


@dataclass(frozen=True, slots=True)
class Verdict:
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

    def assess(self, source: str, output: str, *, pair: tuple[str, str], score: float) -> Verdict:
        """Weigh the signals: each is a chance of being wrong, and they add up."""
        signals = list(self._signals(source, output, pair, score))
        safe = 1.0
        for risk, _ in signals:
            safe *= 1 - risk
        return Verdict(round(1 - safe, 3), tuple(why for _, why in signals))

    def _signals(self, source: str, output: str, pair: tuple[str, str], score: float) -> Iterator[tuple[float, str]]:
        said, made = _words(source), _words(output)
        if said and not made:
            yield 1.0, "the translation is empty"
            return
        if len(said) >= 3 and said == made:
            yield 0.9, "the translation repeats the original"
        if _loops(made) and not _loops(said):
            yield 0.95, "the translation repeats itself"
        if (
            len(said) >= 4
            and not 0.3 <= len(output) / max(len(source), 1) <= 3.3
            and not {"zh", "ja", "ko"} & set(pair)
        ):
            yield 0.6, "the translation is much longer or shorter than the original"
        if script := _wrong_script(output, pair[1]):
            yield 0.9, script
        if score < 0.5:
            yield 0.5, "the engine isn't sure"
        if _negation_lost(said, made, pair):
            yield 0.55, "a negation may be lost or added"
        if len(made) >= 5 and self._other_language(output, pair):
            yield 0.6, "the translation isn't in the customer's language"

    def _other_language(self, output: str, pair: tuple[str, str]) -> bool:
        heard = self._detector.distribution(output)
        if not heard:
            return False
        best, share = max(heard.items(), key=lambda item: item[1])
        return share >= 0.9 and best != _primary(pair[1]) and best == _primary(pair[0])


@lru_cache(maxsize=1024)
def _words(text: str) -> list[str]:
    """The words beside what must survive, in lower case and with one kind of apostrophe."""
    return _WORD.findall(" ".join(around(text)[::2]).casefold().replace("’", "'"))


def _loops(words: list[str]) -> bool:
    """Say whether one to three words come four times in a row."""
    if max(Counter(words).values(), default=0) < 4:
        return False
    for size in (1, 2, 3):
        for start in range(len(words) - 4 * size + 1):
            if all(
                words[start + n : start + n + size] == words[start : start + size] for n in (size, 2 * size, 3 * size)
            ):
                return True
    return False


def _negation_lost(said: list[str], made: list[str], pair: tuple[str, str]) -> bool:
    one, other = NEGATIONS.get(_primary(pair[0])), NEGATIONS.get(_primary(pair[1]))
    if not one or not other or len(said) < 3:
        return False
    return _negates(said, one) != _negates(made, other)


def _negates(lower: list[str], negations: frozenset[str]) -> bool:
    if not negations.isdisjoint(lower):
        return True
    return any(word.endswith("n't") or word.startswith("n'") for word in lower if "'" in word)


def _wrong_script(output: str, target: str) -> str:
    primary = _primary(target)
    wanted = SCRIPT_OF.get(primary) or ("" if primary in OTHER_THAN_LATIN else "LATIN")
    if wanted == "LATIN" and not _BEYOND_LATIN.search(output):
        return ""
    letters = [letter for letter in output if letter.isalpha()]
    if len(letters) < 6:
        return ""
    names = [unicodedata.name(letter, "").partition(" ")[0] for letter in letters]
    if wanted and names.count(wanted) * 2 < len(names):
        return "the translation is in another script"
    return ""


def _primary(tag: str) -> str:
    return tag.partition("-")[0].lower()
