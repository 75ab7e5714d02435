"""What must survive translation survives it, or the translation isn't used."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translation.glossary import Glossary
from translation.protect import _ANY, around, brackets, digits, has_words, mask, missing, spans

SPANS = [
    "https://shop.example/t/A-1042?x=1&y=2",
    "www.example.com/a",
    "ana.lopez+shop@example.com",
    "+34 600 123 456",
    "A-1042",
    "#4471",
    "1Z999AA10123456784",
    "SAVE_10",
    "24,90 €",
    "US$ 1,200.50",
    "4.615 COP",
    "15/03/2027",
    "2027-03-15",
    "10:30",
    "10:30 am",
    "@ben_x",
    "👍🏽",
    "👨‍👩‍👧",
    "🇪🇸",
    "15 %",
    "42",
]
WORDS = st.sampled_from(
    ["Hola", "mi pedido", "no ha llegado,", "gracias.", "¿dónde está?", "über", "\n", "AirFryer X2"]
)


@pytest.mark.parametrize("span", SPANS)
def test_each_kind_is_found_whole(span: str) -> None:
    assert [found.text for found in spans(f"Hola, es {span} gracias")] == [span]


@pytest.mark.parametrize("text", ["Hola", "¿Dónde está mi pedido?", "it's a well-known fact", "", "2nd-hand…"])
def test_plain_words_are_left_alone(text: str) -> None:
    assert [found.text for found in spans(text) if found.kind not in ("code",)] == []


def test_the_glossary_is_kept_in_any_case() -> None:
    found = spans("my airfryer x2 and AirFryer X2", Glossary(["AirFryer X2"]).between("en", "es"))

    assert [span.text for span in found] == ["airfryer x2", "AirFryer X2"]


@settings(deadline=None)
@given(st.lists(st.one_of(WORDS, st.sampled_from(SPANS)), max_size=8), st.sampled_from([brackets, digits]))
def test_taking_out_and_putting_back_gives_the_text(pieces: list[str], mark: object) -> None:
    text = " ".join(pieces)

    masked = mask(text, mark)  # type: ignore[arg-type]

    assert masked.restore(masked.text) == text
    assert "".join(around(text)) == text


@settings(deadline=None)
@given(st.lists(st.one_of(WORDS, st.sampled_from(SPANS)), max_size=8))
def test_a_text_misses_nothing_of_itself(pieces: list[str]) -> None:
    text = " ".join(pieces)

    assert missing(text, text) == []


@pytest.mark.parametrize(
    "output",
    [
        "Where is my order?",
        "Where is my order A-1043?",
        "Where is my order A - 1042?",
        "Where is my order A-1042? A-1042?",
        "Where is my order a-1042?",
        "Where is my order A-1042? Call +34 600 000 000.",
        "Where is my order A-1042? See https://evil.example/x",
    ],
    ids=["lost", "altered", "spaces inside", "doubled", "case", "made up a phone", "made up an address"],
)
def test_a_lost_altered_or_invented_span_is_seen(output: str) -> None:
    assert missing("¿Dónde está mi pedido A-1042?", output)


@pytest.mark.parametrize(
    ("source", "output"),
    [
        ("Order A-1042 of 15/03/2027, write to ana@example.com", "15/03/2027의 주문 A-1042는 ana@example.com으로"),
        (
            "See www.example.com/a or call +34 600 123 456 or @ben_x",
            "请看www.example.com/a或致电+34 600 123 456或@ben_x",
        ),
        ("Use SAVE_10 at 10:30 on https://x.example/y", "10:30にSAVE_10をhttps://x.example/yで"),
        ("my order A-1042", "طلبي بA-1042"),
    ],
    ids=["Korean", "Chinese", "Japanese", "Arabic"],
)
def test_scripts_that_put_no_space_leave_spans_whole(source: str, output: str) -> None:
    assert missing(source, output) == []
    assert missing(output, source) == []


def test_a_span_that_became_part_of_a_word_is_lost() -> None:
    assert missing("mi pedido A-1042 no llega", "my orderA-1042 is late") == ["A-1042", "orderA-1042"]
    assert missing("pagué £36 por esto", "I paid £36for this") == ["£36", "36for"]


def test_spans_of_one_kind_that_changed_places_are_seen() -> None:
    assert missing("pagué 24 € en vez de 36 €", "I paid 36 € instead of 24 €") == ["24 €", "36 €"]
    assert missing("el 15/03/2027 pagué 24 €", "I paid 24 € on 15/03/2027") == []


def test_amounts_whose_parts_moved_are_seen() -> None:
    assert missing("pagué 4.615 COP ayer", "I paid COP 4.615 yesterday")


def test_a_placeholder_that_came_twice_or_not_is_refused() -> None:
    masked = mask("mi pedido A-1042 no llega", brackets)

    assert masked.restore("my order ⟦0⟧ ⟦0⟧ is late") is None
    assert masked.restore("my order is late") is None
    assert masked.restore("my order ⟦0⟧ is late") == "my order A-1042 is late"


def test_what_has_nothing_to_translate_is_known() -> None:
    assert not has_words("👍 42 https://x.example/y")
    assert has_words("ok 👍")


@pytest.mark.parametrize("piece", ["a", "a-", "a.", "A_", "#a", "www.", "1 ", "+1 ", "a@", "."])
def test_a_long_text_of_odd_words_holds_up_nothing(piece: str) -> None:
    """What takes time by the square of a text's length takes minutes for this one, and is cut off."""
    text = "12 " + piece * (500_000 // len(piece))

    assert spans(text)[0].text in text
    assert "".join(around(text)) == text


ODDS = st.sampled_from(
    [
        "EUR",
        "USD",
        "5",
        "a.b",
        "x@",
        "@",
        ".",
        ",",
        "http",
        "No.",
        "and",
        "ÉTÉ",
        "#",
        "-",
        "am",
        "R",
        "€",
        "*️⃣",
        "_",
        "12",
        "+",
        "/",
        "://",
    ]
)


@settings(deadline=None, max_examples=500)
@given(
    st.lists(st.one_of(st.sampled_from(SPANS), WORDS, ODDS)),
    st.sampled_from([" ", "", ", ", ". ", "\n", "\u00a0", "  "]),
)
def test_passing_over_plain_words_finds_what_a_full_search_finds(pieces: list[str], between: str) -> None:
    text = between.join(pieces)

    full = [(match.lastgroup, match[0]) for match in re.finditer(_ANY, text)]
    assert [(span.kind, span.text) for span in spans(text)] == full
