"""Texts cut into sentences, and each carried from one model to the next: what engines with models have in common."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Collection, Sequence
from itertools import pairwise

from translation.contract import Pair, Rendering

PIVOT = "en"
"""What most models translate from or into; a pair without a model of its own goes through it."""

LONGEST_SENTENCE = 240  # characters

_ENDS = re.compile(r"(?<=[.!?…؟।])([\"'»”’)\]]*)(\s+)(?=[^\s\W]|[¿¡\"'«“‘(\[])|(?<=[。！？])([」』”）]*)(\s*)(?=\S)")
_ABBREVIATION = re.compile(r"(?:^|\s)(?:Sra?s?|Dra?|Mrs?|Ms|St|Ud|Vd|Prof|z\.B|p\.ej|e\.g|i\.e|\d{1,3})\.$")
_SPACES = re.compile(r"(\s*\n\s*|^\s+|\s+$)")
_BYTES = re.compile(r"(?:<0x[0-9A-F]{2}>)+")

Translate = Callable[[str, str, str], Awaitable[Rendering | None]]
"""Translates a sentence from one language into another."""


def reachable(models: Collection[Pair]) -> frozenset[Pair]:
    """Give every pair that has a model, or two that meet in English."""
    into = {pair.source for pair in models if pair.target == PIVOT}
    out_of = {pair.target for pair in models if pair.source == PIVOT}
    return frozenset(models) | {Pair(a, b) for a in into for b in out_of if a != b}


def route(pair: Pair, models: Collection[Pair]) -> tuple[Pair, ...]:
    """Give the models for a pair that is reachable, in order."""
    return (pair,) if pair in models else (Pair(pair.source, PIVOT), Pair(PIVOT, pair.target))


async def by_sentence(text: str, hops: Sequence[Pair], translate: Translate) -> Rendering | None:
    """Translate a text sentence by sentence; its score is that of its worst one. None where one can't be done."""
    parts = split(text.encode(errors="replace").decode())
    answers = await asyncio.gather(*(_sentence(part, hops, translate) for part in parts))
    renderings = [answer for answer in answers if answer is not None]
    if len(renderings) < len(answers):
        return None
    return Rendering("".join(r.text for r in renderings), min((r.score for r in renderings), default=1.0))


async def _sentence(sentence: str, hops: Sequence[Pair], translate: Translate) -> Rendering | None:
    if not any(character.isalpha() for character in sentence):
        return Rendering(sentence, 1.0)
    text, score = calm(sentence), 1.0
    for hop in hops:
        rendering = await translate(text, hop.source, hop.target)
        if rendering is None:
            return None
        text, score = rendering.text, score * rendering.score
    return Rendering(text, score)


def split(text: str) -> list[str]:
    """Cut a text into sentences and the space between them; joined again they are the text."""
    parts: list[str] = []
    for line in _SPACES.split(text):
        if line.isspace() or not line:
            parts.append(line)
            continue
        for sentence in _sentences(line):
            parts.extend(_shorten(sentence))
    return [part for part in parts if part]


def _sentences(line: str) -> list[str]:
    cuts = [0]
    spaces: list[tuple[int, int]] = []
    for end in _ENDS.finditer(line):
        start, stop = end.span(2) if end[2] is not None else end.span(4)
        if not (_ABBREVIATION.search(line[cuts[-1] : start]) or line[stop].islower()):
            spaces.append((start, stop))
            cuts.append(stop)
    bounds = [0, *(place for space in spaces for place in space), len(line)]
    return [line[a:b] for a, b in pairwise(bounds)]


def _shorten(sentence: str) -> list[str]:
    """Cut what is too long for a model where it pauses, or else at a space, or else anywhere."""
    parts: list[str] = []
    while len(sentence) > LONGEST_SENTENCE:
        head = sentence[:LONGEST_SENTENCE]
        pause = max(head.rfind(mark) + 1 for mark in ",;:，、؛")
        cut = pause if pause > LONGEST_SENTENCE // 3 else head.rfind(" ")
        cut = cut if cut > 0 else LONGEST_SENTENCE
        rest = sentence[cut:]
        parts += [sentence[:cut], rest[: len(rest) - len(rest.lstrip())]]
        sentence = rest.lstrip()
    return [*parts, sentence]


def calm(sentence: str) -> str:
    """Put a sentence in capitals into ordinary ones: models take capitals for names and leave them alone."""
    if sum(c.isalpha() for c in sentence) < 4 or not sentence.isupper():
        return sentence
    words = [word if re.search(r"[\d_@/]", word) else word.lower() for word in re.split(r"(\s+)", sentence)]
    lowered = "".join(words)
    first = next(n for n, c in enumerate(lowered) if c.isalpha())
    return lowered[:first] + lowered[first].upper() + lowered[first + 1 :]


def whole_bytes(text: str) -> str:
    """Put together what a model spells as bytes: `<0xF0><0x9F><0x98><0x80>` is 😀."""
    return _BYTES.sub(lambda found: bytes.fromhex(re.sub("<0x|>", "", found[0])).decode(errors="ignore"), text)
