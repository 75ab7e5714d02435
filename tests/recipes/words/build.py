"""Writes the frequencies of words in languages, for telling them: README.md says how."""

import json
import math
import re
import sys
import unicodedata
import zlib
from array import array
from collections.abc import Iterator
from pathlib import Path

import wordfreq

from translation.detect import TELLING

LISTS = {"no": "nb", "sr": "sh", "tl": "fil"}
"""Where wordfreq has another name than we."""

LISTED = "ar bg ca cs da de en es fa fi fr hi hu id it lt lv mk ms nl no pl pt ro ru sk sl sr sv tl tr uk ur vi"
LANGUAGES = LISTED.split()
STRAY = {"uk": "ыэъё"}
"""Letters that lists have from another language's texts."""

MOST = 8000
BARE = 0.15
"""How many write a word without its accents."""

SPELT = 0.1
"""How many write a word of another script in Latin letters."""

CHAT = 2e-4
"""How often people write to a customer service what no list has often enough."""

CYRILLIC = "а б в г д е ё ж з и й к л м н о п р с т у ф х ц ч ш щ ъ ы ь э ю я і ї є ґ"
SPELLING = "a b v g d e e zh z i y k l m n o p r s t u f kh ts ch sh sch - y - e yu ya i yi ye g"
LATIN = dict(zip(CYRILLIC.split(), SPELLING.replace("-", "").split(" "), strict=True))
_LETTERS = re.compile(r"[^\W\d_]+")


def bare(word: str) -> str:
    """Take the accents off."""
    plain = word.translate(str.maketrans("łđøßıæœ", "ldosiao"))
    return "".join(each for each in unicodedata.normalize("NFD", plain) if not unicodedata.combining(each))


def shares(language: str) -> Iterator[tuple[str, float]]:
    """Give words as they are written, and how often."""
    name = LISTS.get(language, language)
    for text in wordfreq.top_n_list(name, MOST):
        often = wordfreq.word_frequency(text, name)
        for word in _LETTERS.findall(text):
            yield from spellings(language, word, often)
    for word in TELLING.get(language, "").split():
        yield from spellings(language, word, CHAT)


def spellings(language: str, word: str, often: float) -> Iterator[tuple[str, float]]:
    """Give the ways in which people write a word, and how often each."""
    yield word, often
    if language not in ("ar", "fa", "ur", "hi") and (plain := bare(word)) != word:
        yield plain, often * BARE
    if language in ("ru", "uk"):
        yield "".join(LATIN.get(letter, letter) for letter in word), often * SPELT


def letters() -> dict[str, str]:
    """Give the letters that each language writes, beside those of plain Latin."""
    alphabets = {}
    for language in LANGUAGES:
        name = LISTS.get(language, language)
        seen: dict[str, float] = {}
        for text in wordfreq.top_n_list(name, MOST):
            often = wordfreq.word_frequency(text, name)
            for letter in text:
                if letter.isalpha() and not "a" <= letter <= "z":
                    seen[letter] = seen.get(letter, 0.0) + often
        alphabets[language] = "".join(
            sorted(letter for letter, often in seen.items() if often > 3e-4 and letter not in STRAY.get(language, ""))
        )
    return alphabets


def main(target: Path) -> None:
    """Count, add what people write in chats and no list has, and write the table."""
    found: dict[int, dict[int, float]] = {}

    def add(word: str, at: int, often: float) -> None:
        row = found.setdefault(zlib.crc32(word.encode()), {})
        row[at] = row.get(at, 0.0) + often

    for at, language in enumerate(LANGUAGES):
        for word, often in shares(language):
            add(word, at, often)
    hashes, starts, languages, often = array("I"), array("I"), array("B"), array("B")
    for key in sorted(found):
        hashes.append(key)
        starts.append(len(languages))
        for at, share in sorted(found[key].items()):
            languages.append(at)
            often.append(max(0, min(255, round((math.log10(share) + 8) * 32))))
    starts.append(len(languages))
    if sys.byteorder == "big":
        hashes.byteswap()
        starts.byteswap()
    head = {"languages": LANGUAGES, "words": len(hashes), "entries": len(languages), "letters": letters()}
    line = json.dumps(head, ensure_ascii=False).encode()
    line += b" " * (-(len(line) + 1) % 4) + b"\n"
    target.write_bytes(line + b"".join(map(bytes, (hashes, starts, languages, often))))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
