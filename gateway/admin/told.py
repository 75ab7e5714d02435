"""What is found wrong, told in the console's language.

Sentences are made in English wherever something goes wrong, with what they are about put in; here each is known by its
pattern, where `{}` stands for what was put in. What isn't known stays as it is: a platform's own words, above all.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from gateway.admin.words import sentences, words

LONGEST, MOST_BREAKS = 1000, 50
"""What is longer, or of more parts, is no sentence of ours, and isn't looked through."""

_BREAKS = (". ", "; ", ": ", ", ")
_BRACKETED = re.compile(r"(.+?) \((.+)\)", re.DOTALL)
_PUT_IN = r"((?:(?!\. |; ).)*?)"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence with gaps: how it is recognised, and how another language says it."""

    pattern: re.Pattern[str]
    parts: Sequence[str]
    said: str


@lru_cache(maxsize=4096)
def tell(language: str, text: str) -> str:
    """Say a text of ours in a language, as far as it is known there."""
    if language == "en" or len(text) > LONGEST or sum(map(text.count, _BREAKS)) > MOST_BREAKS:
        return text
    return _say(language, text) or _say_parts(language, text)


def _say(language: str, text: str) -> str:
    """Say it as one sentence; "" where it isn't one that is known."""
    if known := sentences(language).get(text) or words(language).get(text):
        return known
    for sentence in _with_gaps(language):
        if all(part in text for part in sentence.parts) and (found := sentence.pattern.fullmatch(text)):
            return _fill(sentence.said, [tell(language, part) for part in found.groups()])
    return ""


def _fill(said: str, gaps: Sequence[str]) -> str:
    first, *rest = said.split("{}")
    return first + "".join(gap + part for gap, part in zip(gaps, rest, strict=True))


def _say_parts(language: str, text: str) -> str:
    """Say what is known of a text that was put together from several."""
    for left, between, right in _cuts(text):
        said, followed = _say(language, left), _say(language, right)
        if said or followed:
            return f"{said or tell(language, left)}{between}{followed or tell(language, right)}"
    if found := _BRACKETED.fullmatch(text):
        return f"{tell(language, found[1])} ({tell(language, found[2])})"
    return text


def _cuts(text: str) -> Iterator[tuple[str, str, str]]:
    """Cut a text in two wherever it may have been put together, at the strongest breaks first."""
    for between in _BREAKS:
        for found in re.finditer(re.escape(between), text):
            yield text[: found.start()], between, text[found.end() :]


@cache
def _with_gaps(language: str) -> Sequence[Sentence]:
    """Give the sentences with gaps, those with the most words of their own first."""
    made = []
    for english, said in sentences(language).items():
        parts = english.split("{}")
        if len(parts) > 1:
            pattern = re.compile(_PUT_IN.join(map(re.escape, parts)), re.DOTALL)
            made.append(Sentence(pattern, tuple(filter(None, parts)), said))
    return sorted(made, key=lambda sentence: -sum(map(len, sentence.parts)))
