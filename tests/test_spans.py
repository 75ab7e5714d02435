"""What must survive translation comes through hostile engines: each once, unchanged and in its place, or not at all."""

import pytest

from benchmarks.spans import HOSTILE, Hostile, sentences
from translation.chain import Chain, Untranslated

EACH = 180
"""Sentences a kind of damage; all kinds together see more than 5,000, and `make bench` shows each of them all."""


@pytest.mark.parametrize("kind", HOSTILE)
async def test_what_must_survive_survives_hostile_engines(kind: str) -> None:
    chain = Chain([Hostile(kind)])
    harm: list[str] = []
    for sentence in sentences(EACH, seed=sum(kind.encode())):
        target = "es" if sentence.language == "en" else "en"
        made = await chain.translate(sentence.text, source=sentence.language, target=target)
        if not isinstance(made, Untranslated) and (damage := sentence.damage(made.text)):
            harm.append(f"{damage}: {sentence.text!r} became {made.text!r}")

    assert harm == []


@pytest.mark.parametrize("kind", HOSTILE)
async def test_the_judge_sees_every_kind_of_damage(kind: str) -> None:
    engine = Hostile(kind)
    seen = 0
    for sentence in sentences(EACH, seed=3):
        (made,) = await engine.translate([sentence.text], source=sentence.language, target="en")
        seen += made is not None and made.text != sentence.text and bool(sentence.damage(made.text))

    assert seen or kind in {"other brackets", "no brackets"}, "these damage placeholders alone"


def test_a_sentence_that_nobody_touched_is_whole() -> None:
    assert all(not sentence.damage(sentence.text) for sentence in sentences(EACH, seed=3))
