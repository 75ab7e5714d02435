"""Texts in more than one language: which passage is in which."""

import re
from collections.abc import Collection, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

from translation.detect import Detector

_MAY_END = re.compile(r"[.!?…؟।。！？\n]")
_END = re.compile(r"[.!?…؟।][\"'»”’)\]]*\s+|[。！？][」』”）]*\s*|\n\s*")

WORDS = 3
"""A shorter sentence is in the language of its writer, or in one that a longer one is in."""

SURE, RULED_OUT = 0.95, 0.01
"""A sentence is in another language where that is sure, and its writer's language next to nothing."""


class Passage(NamedTuple):
    """A part of a text, with the space around it, and its language."""

    text: str
    language: str


def passages(text: str, language: str, detector: Detector) -> Sequence[Passage]:
    """Cut a text where its language changes; joined the passages are the text. `language` is what its writer writes."""
    parts = _sentences(text)
    if len(parts) < 2:
        return [Passage(text, language)]
    strange = [not detector.at_home(part, language) for part in parts]
    if not any(strange):
        return [Passage(text, language)]
    heard = [detector.distribution(part) if odd else {} for part, odd in zip(parts, strange, strict=True)]
    long = [_surely(shares, language) for part, shares in zip(parts, heard, strict=True) if len(part.split()) >= WORDS]
    others = {tag for tag in long if tag}
    if not others:
        return [Passage(text, language)]
    tags = [_among(others, _surely(shares, language)) or language for shares in heard]
    together = groupby(zip(tags, parts, strict=True), key=lambda pair: pair[0])
    return [Passage("".join(part for _, part in group), tag) for tag, group in together]


def _sentences(text: str) -> Sequence[str]:
    """Cut a text after its sentences, roughly: a cut too many does no harm."""
    ends = (_END.match(text, sign.start()) for sign in _MAY_END.finditer(text))
    cuts = [0, *(end.end() for end in ends if end), len(text)]
    return [text[start:stop] for start, stop in pairwise(cuts) if start < stop]


def _surely(shares: dict[str, float], usual: str) -> str:
    """Name the language that a sentence surely has instead of its writer's; "" for one that wasn't looked at."""
    if shares.get(usual.partition("-")[0].lower(), 0.0) > RULED_OUT:
        return ""
    best, share = max(shares.items(), key=lambda pair: pair[1], default=("", 0.0))
    return best if share >= SURE else ""


def _among(languages: Collection[str], language: str) -> str:
    return language if language in languages else ""
