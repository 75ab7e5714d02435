"""Makes `guard.tsv`: translations that are right and wrong, for the guard to be set and judged by.

The right ones are what the tiny trained models made of sentences that they know, where that is what people wrote; the
wrong ones what they made of sentences that they don't know, and right ones broken in the ways that engines were seen to
break them. The meaning back is the other model's. Beside them stand the phrasebook's sentences in all its languages, as
`written` and broken, without a score and a meaning back. Sentences of one pattern, or phrase, are all `fit` or all
`held`. What Apertium makes of the phrasebook's sentences is told apart.
"""

import asyncio
import importlib.util
import random
import re
import sys
import tempfile
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from translation.apertium import Apertium
from translation.argos import Argos
from translation.packages import Packages
from translation.phrasebook import Phrasebook

HERE = Path(__file__).parent
TINY = HERE.parent / "tests" / "fixtures" / "argos"
RECIPE = HERE.parent / "tests" / "recipes" / "tiny_argos"
ROWS = HERE / "guard.tsv"
EACH = 12
"""Sentences made of a pattern, in each direction."""

CYRILLIC = str.maketrans("abcdefghijklmnoprstuvyz", "абцдефгхийклмнопрстувуз")


class Row(NamedTuple):
    """A translation: whether it is right, what made it, and its meaning back."""

    split: str
    right: str
    kind: str
    source: str
    target: str
    score: str
    text: str
    output: str
    back: str


class Known(NamedTuple):
    """A sentence that the models were trained on, and what it is in the other language."""

    split: str
    source: str
    target: str
    text: str
    meant: str


def corpus() -> Any:
    """Load the recipe's module."""
    spec = importlib.util.spec_from_file_location("corpus", RECIPE / "corpus.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["corpus"] = module
    spec.loader.exec_module(module)
    return module


def known(chance: random.Random) -> Iterator[Known]:
    """Give sentences of every pattern, both ways."""
    recipe = corpus()
    all_of_it = recipe.read(RECIPE / "corpus.txt")
    for template in all_of_it.templates:
        one = all_of_it._replace(templates=[template])
        for source, target in (("es", "en"), ("en", "es")):
            seen = {recipe.pair(one, chance, source) for _ in range(EACH * 3)}
            for text, meant in sorted(seen)[:EACH]:
                if "⟦" not in text:
                    yield Known(split_of(template.es), source, target, text, meant)


def written(book: Phrasebook, chance: random.Random) -> Iterator[Known]:
    """Give the phrasebook's sentences, between any two languages."""
    languages = sorted({pair.source for pair in book.pairs()})
    for key in sorted(book.keys()):
        for source in languages:
            target = chance.choice([each for each in languages if each != source])
            text = chance.choice(book.wordings(key, source)).rstrip()
            meant = chance.choice(book.wordings(key, target))
            if "{" not in text + meant and len(text.split()) > 1:
                yield Known(split_of(key), source, target, text, meant)


def split_of(name: str) -> str:
    """Say whether what is called so is for setting or for judging."""
    return "held" if zlib.crc32(name.encode()) % 3 == 0 else "fit"


def plain(text: str) -> str:
    """Give a text without case and punctuation."""
    return " ".join(re.findall(r"\w+", text.casefold()))


def negated(text: str, target: str) -> str:
    """Take a negation away, or put one in."""
    words = text.split()
    nots = {"en": ("not", "no", "never"), "es": ("no", "nunca")}[target]
    without = [word for word in words if word.casefold() not in nots]
    if len(without) < len(words):
        return " ".join(without)
    if target == "en":
        changed = re.sub(r"\b(is|are|has|have|will|can|do|does|was)\b", r"\1 not", text, count=1)
        return changed if changed != text else f"I do not {text[0].lower()}{text[1:]}"
    return f"No {text[0].lower()}{text[1:]}"


def ways(
    chance: random.Random, others: Sequence[Known], foreign: Sequence[str]
) -> Mapping[str, Callable[[Known], str]]:
    """Give the ways in which translations break."""

    def other(row: Known) -> str:
        return chance.choice([each.meant for each in others if each.target == row.target and each.meant != row.meant])

    def gone(row: Known) -> str:
        words = row.meant.split()
        kept = sorted(chance.sample(range(len(words)), max(1, len(words) // 2)))
        return " ".join(words[place] for place in kept)

    return {
        "unchanged": lambda row: row.text,
        "loops": lambda row: " ".join([*row.meant.split()[:2]] * chance.randrange(4, 9)),
        "another sentence": other,
        "negation": lambda row: negated(row.meant, row.target),
        "words gone": gone,
        "cut": lambda row: " ".join(row.meant.split()[: max(1, len(row.meant.split()) // 3)]),
        "more": lambda row: f"{row.meant} {other(row)} {other(row)}",
        "half": lambda row: " ".join((*row.meant.split()[: len(row.meant.split()) // 2], *row.text.split()[-4:])),
        "another language": lambda row: chance.choice(foreign),
        "another script": lambda row: row.meant.translate(CYRILLIC),
        "empty": lambda row: "…",
    }


class Model:
    """The tiny trained models, and the meaning back that they give."""

    def __init__(self, argos: Argos) -> None:
        self._argos = argos

    async def say(self, text: str, source: str, target: str) -> tuple[str, float]:
        """Translate a text; "" where the model refuses."""
        (made,) = await self._argos.translate([text], source=source, target=target)
        return (made.text, made.score) if made else ("", 0.0)

    async def row(self, kind: str, known: Known, output: str, score: float, *, right: bool) -> Row:
        """Make a row of a translation."""
        back, _ = await self.say(output, known.target, known.source)
        pair = known.source, known.target
        return Row(known.split, str(int(right)), kind, *pair, f"{score:.3f}", known.text, output, back)


async def trained(model: Model, sentences: Sequence[Known]) -> AsyncIterator[Row]:
    """Give what the models made of sentences that they know."""
    for each in sentences:
        output, score = await model.say(each.text, each.source, each.target)
        right = plain(output) == plain(each.meant)
        if output:
            yield await model.row("right" if right else "trained", each, output, score, right=right)


async def unseen(model: Model, sentences: Sequence[Known], book: Phrasebook) -> AsyncIterator[Row]:
    """Give what the models made of sentences that they don't know: right where people write it so."""
    taught = {plain(each.text) for each in sentences}
    for key, source, target in product(sorted(book.keys()), ("es", "en"), ("es", "en")):
        meant = {plain(each) for each in book.wordings(key, target)}
        for wording in book.wordings(key, source):
            if source == target or "{" in wording or plain(wording) in taught or len(wording.split()) < 3:
                continue
            output, score = await model.say(wording, source, target)
            right = plain(output) in meant
            if output:
                row = Known(split_of(key), source, target, wording, "")
                yield await model.row("right" if right else "unseen", row, output, score, right=right)


async def broken(
    model: Model, sentences: Sequence[Known], foreign: Sequence[str], scores: Sequence[str], chance: random.Random
) -> AsyncIterator[Row]:
    """Give right translations broken, with scores as right ones have them."""
    how = ways(chance, sentences, foreign)
    for each in sentences:
        kind = chance.choice(sorted(how))
        output = how[kind](each)
        if plain(output) != plain(each.meant) and len(each.text.split()) > 1:
            yield await model.row(kind, each, output, float(chance.choice(scores)), right=False)


def by_people(book: Phrasebook, foreign: Sequence[str], chance: random.Random) -> Iterator[Row]:
    """Give what people wrote, and the same broken."""
    people = list(written(book, chance))
    how = ways(chance, people, foreign)
    for each in people:
        yield Row(each.split, "1", "written", each.source, each.target, "", each.text, each.meant, "")
        kind = chance.choice([way for way in sorted(how) if way != "negation"])
        output = how[kind](each)
        if plain(output) != plain(each.meant):
            yield Row(each.split, "0", f"written, {kind}", each.source, each.target, "", each.text, output, "")


async def apertiums(apertium: Apertium, book: Phrasebook) -> AsyncIterator[Row]:
    """Give what Apertium makes of the phrasebook's sentences, with its meaning back."""
    for key in sorted(book.keys()):
        meant = {plain(each) for each in book.wordings(key, "en")}
        for wording in book.wordings(key, "es"):
            if "{" in wording or len(wording.split()) < 3:
                continue
            (made,) = await apertium.translate([wording], source="es", target="en")
            output = made.text if made else ""
            (back,) = await apertium.translate([output], source="en", target="es")
            right = str(int(plain(output) in meant))
            yield Row("apertium", right, "apertium", "es", "en", "", wording, output, back.text if back else "")


async def main() -> None:
    """Make the rows."""
    chance = random.Random(5)  # noqa: S311 - sentences are no secrets
    book = Phrasebook.load()
    firsts = [book.wordings(key, language)[0] for key in sorted(book.keys()) for language in ("de", "fr", "pl")]
    foreign = [wording for wording in firsts if "{" not in wording and len(wording.split()) > 2]
    sentences = list(known(chance))
    with tempfile.TemporaryDirectory() as folder:
        packages = Packages(Path(folder))
        for file in TINY.glob("*.argosmodel"):
            packages.install(file)
        argos = Argos(packages)
        model = Model(argos)
        rows = [row async for row in trained(model, sentences)]
        scores = [row.score for row in rows if row.right == "1"]
        rows += [row async for row in unseen(model, sentences, book)]
        rows += [row async for row in broken(model, sentences, foreign, scores, chance)]
        await argos.close()
    rows += by_people(book, foreign, chance)
    apertium = Apertium()
    rows += [row async for row in apertiums(apertium, book)]
    await apertium.close()
    ROWS.write_text("".join("\t".join(each) + "\n" for each in rows))


if __name__ == "__main__":
    asyncio.run(main())
