"""Sentence pairs out of `corpus.txt`, with the untidiness of chat on the source side."""

import random
import re
import unicodedata
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

SLOT = re.compile(r"\{(\w+)\}")
PREFIXES = ("AB_", "ES_", "MX_", "PQ_", "RT_", "XZ_")
PLACEHOLDERS = tuple(f"⟦{n}⟧" for n in range(10))


class Phrase(NamedTuple):
    """The same words in both languages."""

    es: str
    en: str


class Corpus(NamedTuple):
    """What may stand in each slot, and the sentences."""

    slots: dict[str, list[Phrase]]
    templates: list[Phrase]


def read(path: Path) -> Corpus:
    """Read the corpus; a line without ` = ` is a ValueError."""
    corpus = Corpus(defaultdict(list), [])
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        es, en = line.split(" = ")
        if slot := re.match(r"\{(\w+)\} (?=\S+$)", es):
            corpus.slots[slot[1]].append(Phrase(es[slot.end() :], en))
        else:
            corpus.templates.append(Phrase(es, en))
    return corpus


def pair(corpus: Corpus, rng: random.Random, source: str) -> tuple[str, str]:
    """One sentence pair, source language first."""
    template = rng.choice(corpus.templates)
    fillers = [_filler(corpus, name, rng) for name in SLOT.findall(template.es)]
    words = Phrase(_fill(template.es, [f.es for f in fillers]), _fill(template.en, [f.en for f in fillers]))
    said, meant = (words.es, words.en) if source == "es" else (words.en, words.es)
    return _untidy(said, rng), meant


def _filler(corpus: Corpus, name: str, rng: random.Random) -> Phrase:
    if name != "ref":
        return rng.choice(corpus.slots[name])
    digits = "".join(rng.choices("0123456789", k=rng.choice((4, 4, 5))))
    ref = rng.choice((digits, digits, rng.choice(PREFIXES) + digits[:4], rng.choice(PLACEHOLDERS)))
    return Phrase(ref, ref)


def _fill(template: str, fillers: list[str]) -> str:
    rest = iter(fillers)
    return SLOT.sub(lambda _: next(rest), template)


def _untidy(text: str, rng: random.Random) -> str:
    if rng.random() < 0.15 and "_" not in text:
        text = text.lower()
    if rng.random() < 0.1:
        text = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    if rng.random() < 0.1:
        text = text.lstrip("¿¡")
    return text.rstrip(".") if rng.random() < 0.1 else text
