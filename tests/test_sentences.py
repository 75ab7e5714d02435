"""Texts cut into sentences that join to them again, and pairs that have a way."""

import pytest

from translation.contract import Pair
from translation.sentences import calm, reachable, route, split, whole_bytes


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Hola. ¿Qué tal? ¡Bien!", ["Hola.", " ", "¿Qué tal?", " ", "¡Bien!"]),
        ("Sr. López, a las 5 p. m. viene.", ["Sr. López, a las 5 p. m. viene."]),
        ("Pago 3.50 en example.com hoy.", ["Pago 3.50 en example.com hoy."]),
        ("1. Uno\n\n2. Dos", ["1. Uno", "\n\n", "2. Dos"]),
        ("中文。你好！再见", ["中文。", "你好！", "再见"]),
        ("  x  ", ["  ", "x", "  "]),
        ("", []),
    ],
)
def test_splits_where_sentences_end(text: str, sentences: list[str]) -> None:
    assert split(text) == sentences


@pytest.mark.parametrize("text", ["palabra " * 100, "a" * 1000, "uno, dos; " * 60, "x. Y\n" * 50])
def test_no_sentence_is_too_long_and_nothing_is_lost(text: str) -> None:
    parts = split(text)

    assert "".join(parts) == text
    assert max(map(len, parts)) <= 240


@pytest.mark.parametrize(
    ("text", "calmed"),
    [("HOLA, AMIGO", "Hola, amigo"), ("¿MI AB_12?", "¿Mi AB_12?"), ("OK", "OK"), ("Hola AMIGO", "Hola AMIGO")],
)
def test_shouting_is_calmed(text: str, calmed: str) -> None:
    assert calm(text) == calmed


def test_every_pair_that_meets_in_english_has_a_way() -> None:
    models = {Pair("es", "en"), Pair("en", "fr"), Pair("en", "es")}

    assert reachable(models) == models | {Pair("es", "fr")}
    assert route(Pair("es", "fr"), models) == (Pair("es", "en"), Pair("en", "fr"))
    assert route(Pair("es", "en"), models) == (Pair("es", "en"),)


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        pytest.param("<0xF0><0x9F><0x98><0x80> hi", "😀 hi", id="emoji"),
        pytest.param("n<0xC2><0xBA> 5", "nº 5", id="sign"),
        pytest.param("a <0xF0><0x9F> b", "a  b", id="half a character"),
        pytest.param("a <0x> b", "a <0x> b", id="none at all"),
    ],
)
def test_what_a_model_spells_as_bytes_is_put_together(text: str, whole: str) -> None:
    assert whole_bytes(text) == whole
