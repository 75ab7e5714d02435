"""How often words are written in languages, and which letters: what short texts are told by.

The table is made by `tests/recipes/words`; its first line is JSON, the rest is looked at where it lies in the file.
"""

import json
import math
import mmap
import sys
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

TABLE = Path(__file__).parent / "models" / "words.bin"

RARE = 1e-6
"""How often a word is taken to be written in a language whose list hasn't got it."""

STRAYS = 0.02
"""How many of a text's words are names and words of elsewhere."""

EVERYWHERE, EVERYWHERES_STRAYS = 12, 0.3
"""A longer word that so many languages list is likely a name or a brand, and says less."""

OWN, ENOUGH = 0.3, 3
"""A word is a language's own where it is written so often, as a part of how often it is where it is most; and how many
such words show that a sentence is in it.
"""

SELDOM = 0.1
"""A word is strange to a language where it is written less, as a part of how often it is where it is most."""

COMMON = 4096
"""So many words are kept at hand."""

FOREIGN = math.log(0.1)
"""How likely a word is that has letters which its language doesn't write, as a logarithm."""

NOTHING = math.log(1e-5)
"""So much likelier is a text's language than one that it isn't in, as a logarithm."""

SPEAKERS = {"ca": 0.2, "lt": 0.5, "lv": 0.5, "mk": 0.5, "ms": 0.1, "sl": 0.5}
"""How likely a language is before a word is read, where another that looks like it has many more speakers."""


class Owners(NamedTuple):
    """The languages whose own a word is, and those that it isn't strange to, a bit each."""

    own: int
    written: int


class Frequencies:
    """Weighs languages by the words of a text."""

    def __init__(self, table: Path = TABLE) -> None:
        with table.open("rb") as file:
            mapped = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
            head = json.loads(file.readline())
            body = mapped[file.tell() :]
        self.languages: Sequence[str] = head["languages"]
        self._bits = {language: 1 << at for at, language in enumerate(self.languages)}
        self._letters = _masks(self.languages, head["letters"])
        self._prior = [math.log(SPEAKERS.get(language, 1.0)) for language in self.languages]
        words, entries = head["words"], head["entries"]
        self._hashes, self._starts = _numbers(body[: 4 * words]), _numbers(body[4 * words : 8 * words + 4])
        self._where, self._often = body[8 * words + 4 :][:entries], body[8 * words + 4 + entries :]
        self._share = [10 ** (step / 32 - 8) for step in range(256)]
        at_hand = lru_cache(COMMON)
        self._owners, self._weights = at_hand(self._find_owners), at_hand(self._find_weights)
        self._strangers = at_hand(self._find_strangers)

    def weigh(self, words: Sequence[str]) -> dict[str, float]:
        """Give each language's share of the belief, by words in lower case; empty where none of them is known.

        Languages that have next to nothing are left out.
        """
        scores = self._prior.copy()
        known = False
        for word in words:
            if not word.isascii() and (strangers := self._strangers(word)) is not None:
                known = True
                for at in strangers:
                    scores[at] += FOREIGN
            known |= self._weigh_word(word, scores)
        if not known:
            return {}
        top = max(scores)
        likely = [(at, math.exp(score - top)) for at, score in enumerate(scores) if score > top + NOTHING]
        total = sum(share for _, share in likely)
        return {self.languages[at]: share / total for at, share in likely}

    def at_home(self, words: Iterable[str], language: str) -> bool:
        """Say whether enough of the words, in lower case, are a language's own, looking at no more than it takes."""
        bit, found = self._bits.get(language, 0), 0
        if not bit:
            return False
        for word in words:
            found += bool(self._owners(word).own & bit)
            if found == ENOUGH:
                return True
        return False

    def nowhere_else(self, words: Iterable[str], language: str) -> bool:
        """Say whether enough of the words, in lower case, are a language's alone, and none is strange to it."""
        bit, found = self._bits.get(language, 0), 0
        for word in words:
            owners = self._owners(word)
            if owners.written and not owners.written & bit:
                return False
            found += bool(bit) and owners.own == bit
        return found >= ENOUGH

    def _find_owners(self, word: str) -> Owners:
        shares = {self._where[row]: self._share[self._often[row]] for row in self._rows(word)}
        most = max(shares.values(), default=0.0)
        own, written = (sum(1 << at for at, share in shares.items() if share > part * most) for part in (OWN, SELDOM))
        return Owners(own, written)

    def _find_weights(self, word: str) -> Sequence[tuple[int, float]]:
        """Give what a word adds to languages' scores."""
        rows = self._rows(word)
        shares = [self._share[self._often[row]] for row in rows]
        strays = EVERYWHERES_STRAYS if len(shares) >= EVERYWHERE and len(word) > 3 else STRAYS
        elsewhere = strays * sum(shares) / len(self.languages) + RARE
        return [
            (self._where[row], math.log(((1 - strays) * share + elsewhere) / elsewhere))
            for row, share in zip(rows, shares, strict=True)
        ]

    def _rows(self, word: str) -> range:
        key = zlib.crc32(word.encode())
        at = bisect_left(self._hashes, key)
        if at == len(self._hashes) or self._hashes[at] != key:
            return range(0)
        return range(self._starts[at], self._starts[at + 1])

    def _weigh_word(self, word: str, scores: list[float]) -> bool:
        weights = self._weights(word)
        for at, weight in weights:
            scores[at] += weight
        return bool(weights)

    def _find_strangers(self, word: str) -> Sequence[int] | None:
        """Give the languages that don't write a word's letters; None where none writes them all."""
        fits = -1
        for letter in word:
            fits &= self._letters.get(letter, -1 if letter.isascii() else 0)
        return [at for at in range(len(self.languages)) if not fits >> at & 1] if fits else None


def _masks(languages: Sequence[str], letters: Mapping[str, str]) -> Mapping[str, int]:
    """Give for each letter the languages that write it, a bit each."""
    masks: dict[str, int] = {}
    for at, language in enumerate(languages):
        for letter in letters[language]:
            masks[letter] = masks.get(letter, 0) | 1 << at
    return masks


def _numbers(packed: memoryview) -> Sequence[int]:
    """Read numbers of four bytes, the least significant first."""
    if sys.byteorder == "little":
        return packed.cast("I")
    numbers = array("I", packed.tobytes())
    numbers.byteswap()
    return numbers
