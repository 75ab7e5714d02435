"""The operator's terms and people's names: kept, or said just so, and never taken for another word."""

from collections.abc import Callable, Sequence

import pytest

from translation.chain import Chain, Untranslated
from translation.contract import Pair, Rendering, Translated
from translation.glossary import Glossary, names
from translation.protect import missing, spans

GLOSSARY = Glossary(
    ["AirFryer X2"],
    [
        {"es": "tarjeta regalo", "en": "gift card", "de": "Geschenkkarte", "pt-br": "vale-presente", "pt": "cheque"},
        {"en": "care plan", "fr": "forfait sérénité"},
    ],
)


class Made:
    """An engine that knows no word of the glossary, and says what it was given."""

    name = "made"

    def __init__(self, do: Callable[[str], str] = lambda text: f"[{text}]") -> None:
        self.asked: list[str] = []
        self._do = do

    def pairs(self) -> set[Pair]:
        return {Pair(one, other) for one in ("en", "es", "de", "pt", "fr") for other in ("en", "es", "de", "pt", "fr")}

    async def translate(self, texts: Sequence[str], *, source: str, target: str) -> Sequence[Rendering | None]:
        self.asked += texts
        return [Rendering(self._do(text), 0.9) for text in texts]

    async def probe(self) -> str:
        return "made for a test"

    async def close(self) -> None:
        self.asked.append("closed")


@pytest.mark.parametrize(
    ("source", "target", "text", "said"),
    [
        ("es", "en", "mi tarjeta regalo no va", "[mi gift card no va]"),
        ("es", "en", "Tarjeta Regalo caducada", "[Gift card caducada]"),
        ("es", "de", "mi tarjeta regalo no va", "[mi Geschenkkarte no va]"),
        ("en", "pt-BR", "my gift card fails", "[my vale-presente fails]"),
        ("en", "pt", "my gift card fails", "[my cheque fails]"),
        ("es", "en", "mis tarjetas regalo", "[mis tarjetas regalo]"),
        ("es", "fr", "mi tarjeta regalo no va", "[mi tarjeta regalo no va]"),
        ("en", "fr", "the care plan of my airfryer x2", "[the forfait sérénité of my airfryer x2]"),
        ("es", "en", "tarjeta regalo", "gift card"),
        ("es", "en", "¿Tarjeta regalo? A-1042", "¿Gift card? A-1042"),
        ("es", "en", "gracias. Tarjeta regalo: A-1042", "[gracias]. Gift card: A-1042"),
    ],
)
async def test_a_term_is_said_just_so(source: str, target: str, text: str, said: str) -> None:
    made = await Chain([Made()], glossary=GLOSSARY).translate(text, source=source, target=target)

    assert isinstance(made, Translated)
    assert made.text.replace("[", "").replace("]", "") == said.replace("[", "").replace("]", "")


async def test_a_term_is_said_just_so_whatever_becomes_of_placeholders() -> None:
    def no_marks(text: str) -> str:
        return "".join(letter for letter in text if letter.isalpha() or letter == " ")

    made = await Chain([Made(no_marks)], glossary=GLOSSARY).translate(
        "mi tarjeta regalo AirFryer X2 no va", source="es", target="en"
    )

    assert made == Translated("mi gift card AirFryer X2 no va", "made", 0.9)


def test_a_translation_without_the_terms_wording_has_lost_it() -> None:
    kept = GLOSSARY.between("es", "en")

    assert missing("mi tarjeta regalo no va", "my gift voucher fails", kept) == ["gift card"]
    assert missing("mi tarjeta regalo no va", "My Gift Card fails", kept) == []
    assert missing("la tarjeta no va", "the gift card fails", kept) == []
    assert missing("no va", "the AirFryer X2 fails", kept) == ["AirFryer X2"]


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("Rosa Flores", "Hola Rosa, soy el técnico", ["Rosa"]),
        ("Rosa Flores", "Buenos días, Rosa", ["Rosa"]),
        ("Rosa Flores", "Rosa, ¿me oye?", ["Rosa"]),
        ("Rosa Flores", "Me llamo Rosa Flores", ["Rosa Flores"]),
        ("Rosa Flores", "quiero la rosa, no las flores", []),
        ("Will", "Will you come?", []),
        ("Will", "Hi Will, will you come?", ["Will"]),
        ("Will", "OK. Will it work", []),
        ("Will", "Thank you Will", ["Will"]),
        ("王小明", "我是王小明", ["王小明"]),
        ("rosa", "hola rosa", []),
        ("👍 42", "hola 👍", ["👍"]),
        ("", "hola", []),
    ],
)
def test_a_name_is_kept_where_it_is_one(name: str, text: str, found: Sequence[str]) -> None:
    kept = Glossary().between("en", "es", name=name)

    assert [span.text for span in spans(text, kept)] == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Escriba a Ana@example.com hoy", ["Ana@example.com"]),
        ("Vea https://shop.example/gift/AirFryer", ["https://shop.example/gift/AirFryer"]),
        ("Mi AirFryer X2 y A-1042, Ana", ["AirFryer X2", "A-1042", "Ana"]),
    ],
)
def test_what_is_part_of_an_address_is_neither_name_nor_term(text: str, found: Sequence[str]) -> None:
    kept = Glossary(["AirFryer", "AirFryer X2"]).between("es", "en", name="Ana López")

    assert [span.text for span in spans(text, kept)] == found


def test_parts_of_a_name_that_are_no_names_are_left_out() -> None:
    assert names("  Ana  M. de la Cruz ") == ("Ana M. de la Cruz", "Ana", "Cruz")
    assert names("+34 600 123 456") == ()


async def test_a_customers_name_is_not_translated_and_its_text_not_remembered_for_others() -> None:
    engine = Made(lambda text: text.replace("Rosa", "Pink"))
    chain = Chain([engine])

    for _ in range(2):
        made = await chain.translate("Hola Rosa, soy el técnico", source="es", target="en", name="Rosa Flores")
        assert isinstance(made, Translated)
        assert made.text == "Hola Rosa, soy el técnico"

    other = await chain.translate("Hola Rosa, soy el técnico", source="es", target="en")
    assert not isinstance(other, Untranslated)
    assert other.text == "Hola Pink, soy el técnico"
    assert len(engine.asked) == 3
