"""The phrasebook: what people wrote in every language is exact, and everything else is refused."""

import re
from itertools import permutations

import pytest

from translation.phrasebook import LONG, Phrasebook

LANGUAGES = ("de", "en", "es", "fr", "it", "nl", "pl", "pt")
SILENT = {"please"}
"""Courtesies that are heard and not written: no language puts them in the same place."""

BOOK = Phrasebook.load()


async def one(text: str, source: str, target: str) -> str | None:
    (rendering,) = await BOOK.translate([text], source=source, target=target)
    return rendering.text if rendering else None


def test_it_has_some_380_phrases_in_eight_languages() -> None:
    assert len(BOOK.keys()) >= 380
    assert set(BOOK.pairs()) == set(permutations(LANGUAGES, 2))


@pytest.mark.parametrize(("source", "target"), list(permutations(LANGUAGES, 2)))
async def test_each_sentence_that_it_suggests_goes_there_and_back(source: str, target: str) -> None:
    for side in ("customer", "agent"):
        for sentence in BOOK.suggestions(source, side, limit=1000):
            there = await one(sentence, source, target)
            assert there is not None, sentence
            assert await one(there, target, source) == sentence


@pytest.mark.parametrize("language", LANGUAGES)
async def test_each_wording_means_its_phrase(language: str) -> None:
    other = "en" if language != "en" else "es"
    for key in set(BOOK.keys()) - SILENT:
        for wording in BOOK.wordings(key, language):
            if "{" not in wording:
                assert await one(wording, language, other) == BOOK.phrase(key, other), wording


@pytest.mark.parametrize(
    ("text", "source", "target", "expected"),
    [
        ("¿Dónde está mi pedido A-1042?", "es", "en", "Where is my order A-1042?"),
        ("donde esta mi pedido A-1042??", "es", "en", "Where is my order A-1042?"),
        ("hola, dónde está mi pedido", "es", "en", "Hello! Where is my order?"),
        ("Hola! Quiero un reembolso xfa", "es", "en", "Hello! I want a refund."),
        ("It will arrive on Friday.", "en", "de", "Es kommt am Freitag an."),
        ("We have refunded 24,90 €. Have a nice day!", "en", "fr", "Nous avons remboursé 24,90 €. Bonne journée !"),
        (
            "You can track your order here: https://example.com/t/A-1042?x=1",
            "en",
            "pt",
            "Você pode acompanhar seu pedido aqui: https://example.com/t/A-1042?x=1",
        ),
        ("Gdzie jest moja przesylka?", "pl", "en", "Where is my order?"),
        (
            "Salve, il mio ordine A-1042 non è arrivato, grazie",
            "it",
            "en",
            "Hello! My order A-1042 has not arrived. Thank you!",
        ),
        ("We will call you at 10:30.", "en", "nl", "We bellen u om 10:30."),
        ("MI PEDIDO NO HA LLEGADO", "es", "en", "My order has not arrived."),
        ("Mi tortuga quiere un reembolso", "es", "en", None),
        ("I will eat your order", "en", "es", None),
        ("", "es", "en", None),
        ("👍", "es", "en", None),
    ],
)
async def test_a_text_is_known_exactly_or_not_at_all(text: str, source: str, target: str, expected: str | None) -> None:
    assert await one(text, source, target) == expected


async def test_a_language_it_does_not_have_is_refused() -> None:
    assert await one("Hello!", "en", "ja") is None
    assert await one("Hello!", "en", "en") is None


async def test_a_region_makes_no_difference() -> None:
    assert await one("Hello!", "en", "es-MX") == "¡Hola!"


def test_the_gateways_notices_are_in_every_language() -> None:
    notices = [key for key in sorted(BOOK.keys()) if key.startswith("notice_")]

    assert notices
    assert all(BOOK.phrase(key, language) for key in notices for language in LANGUAGES)


def test_no_language_writes_a_placeholder() -> None:
    for language in LANGUAGES:
        for key in sorted(BOOK.keys()):
            assert not re.search(r"[\[\]()|]", BOOK.wordings(key, language)[0])


@pytest.mark.parametrize("language", LANGUAGES)
async def test_what_is_known_is_known_in_a_long_text_too(language: str) -> None:
    """A long text is only glanced at where a word isn't known: never where it is."""
    other = "en" if language != "en" else "es"
    suggested = [each for side in ("customer", "agent") for each in BOOK.suggestions(language, side, limit=1000)]
    keys = BOOK.keys()
    wordings = [each for key in keys for each in BOOK.wordings(key, language) if "{" not in each]
    for sentence in (*suggested[::4], *wordings[::20]):
        if (alone := await one(sentence, language, other)) is not None:
            times = LONG // len(sentence) + 2
            assert await one("\n".join([sentence] * times), language, other) == "\n".join([alone] * times), sentence
