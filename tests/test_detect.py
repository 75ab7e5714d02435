"""Languages of short texts, and a belief that isn't shaken by an "ok"."""

import pytest

from benchmarks.languages import UNDECIDABLE, alone, decided, hinted, messages, twice
from translation.detect import LANGUAGES, Detector
from translation.frequencies import Frequencies

DETECTOR = Detector()


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("hola", "es"),
        ("¿Dónde está mi pedido?", "es"),
        ("mi pedido no ha llegado", "es"),
        ("Bonjour", "fr"),
        ("Où est ma commande ?", "fr"),
        ("Wo ist meine Bestellung?", "de"),
        ("Danke", "de"),
        ("Oi, meu pedido 4471 não chegou", "pt"),
        ("obrigada", "pt"),
        ("Where is my order?", "en"),
        ("thanks", "en"),
        ("Dove è il mio ordine?", "it"),
        ("Привет, где мой заказ?", "ru"),
        ("注文はどこですか", "ja"),
        ("我的订单在哪里", "zh"),
        ("주문이 어디 있나요", "ko"),
        ("Πού είναι η παραγγελία μου;", "el"),
        ("איפה ההזמנה שלי", "he"),
        ("أين طلبي", "ar"),
    ],
)
def test_it_is_told(text: str, language: str) -> None:
    assert DETECTOR.listen(text).language == language


@pytest.mark.parametrize(
    "text", ["ok", "OK!", "no", "si", "12345", "👍", "A-1042", "https://hola.example/gracias", "", "?"]
)
def test_what_says_nothing_decides_nothing(text: str) -> None:
    assert DETECTOR.listen(text).language == ""


def test_what_was_heard_before_counts() -> None:
    belief = DETECTOR.listen("¿Dónde está mi pedido?")
    for text in ("ok", "si", "no", "👍"):
        again = DETECTOR.listen(text, evidence=belief.evidence)
        assert again.language == ""
        assert again.evidence == belief.evidence
    assert DETECTOR.listen("A-1042 por favor", evidence=belief.evidence).language == "es"


def test_somebody_may_change_their_language() -> None:
    evidence = DETECTOR.listen("¿Dónde está mi pedido?").evidence
    for text in ("Sorry, can we please continue in English from here?", "Where is my order?"):
        belief = DETECTOR.listen(text, evidence=evidence)
        evidence = belief.evidence

    assert belief.language == "en"


def test_a_hint_helps_and_does_not_win() -> None:
    assert DETECTOR.listen("Où est ma commande ?", hint="en").language == "fr"
    with_hint = DETECTOR.listen("Let me check", hint="en")
    assert with_hint.confidence > DETECTOR.listen("Let me check").confidence


def test_the_country_of_a_phone_helps_less_than_a_named_language() -> None:
    alone, country, named = (DETECTOR.listen("Hallo", hint=hint) for hint in ("", "und-DE", "de-AT"))
    many, nowhere = (DETECTOR.listen("Hallo", hint=hint) for hint in ("und-CH", "und-XX"))

    assert alone.confidence < country.confidence < named.confidence
    assert many.confidence == country.confidence
    assert nowhere == alone
    assert DETECTOR.listen("¿Dónde está mi pedido?", hint="und-DE").language == "es"


def test_evidence_stays_small() -> None:
    evidence: dict[str, float] = {}
    for text in ("hola", "bonjour", "hello there my friend", "ciao", "hallo zusammen", "olá amigo"):
        evidence = dict(DETECTOR.listen(text, evidence=evidence).evidence)

    assert len(evidence) <= 4


def test_messages_never_used_for_choosing_are_told() -> None:
    held = messages("held")

    assert alone(DETECTOR, held).right >= 0.94
    assert hinted(DETECTOR, held).right >= 0.97
    assert twice(DETECTOR, held).right >= 0.98
    assert alone(DETECTOR, held).wrong <= 0.01
    assert decided(DETECTOR, held) == []


def test_only_words_of_one_language_confirm_it_at_a_glance() -> None:
    told = [each for each in messages("open") if each.language != UNDECIDABLE]

    confirmed = {(each.language, usual) for each in told for usual in LANGUAGES if DETECTOR.plainly(each.text, usual)}
    assert {language for language, usual in confirmed if language == usual} >= {"de", "en", "es", "fr", "pt", "ru"}
    assert [pair for pair in confirmed if pair[0] != pair[1]] == []
    assert DETECTOR.plainly("Good morning, I ordered a coffee machine at your shop on Monday", "en")
    assert not DETECTOR.plainly("Good morning, I ordered a coffee machine en su tienda", "en")


def test_who_is_known_well_is_confirmed_and_may_still_change() -> None:
    known = {"es": 0.98, "pt": 0.02}

    assert DETECTOR.listen("Hola, todavía no llegó mi pedido", evidence=known).evidence == known
    changed = DETECTOR.listen("Olá, a minha encomenda ainda não chegou e já paguei", evidence=known)
    assert changed.language == "pt"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("donde esta mi paquete", "es"),
        ("gdzie moja przesylka", "pl"),
        ("gui lai cho toi", "vi"),
        ("siparisim nerede kaldi", "tr"),
        ("privet gde moya posylka", "ru"),
        ("bhai mera paise kab wapas milega", "hi"),
    ],
)
def test_writing_without_accents_or_in_latin_letters_is_told(text: str, language: str) -> None:
    assert DETECTOR.listen(text).language == language


@pytest.mark.parametrize("text", ["Rosa Flores", "Lisboa", "MacBook Pro", "Carlos", "eBay", "DHL", "返金", "mmm"])
def test_names_and_what_two_languages_share_decide_nothing(text: str) -> None:
    assert DETECTOR.listen(text).language == ""


@pytest.mark.parametrize(
    ("text", "language"), [("Gracias", "es"), ("Guten Morgen", "de"), ("HOLA QUIERO MI PEDIDO", "es")]
)
def test_a_greeting_with_capitals_is_no_name(text: str, language: str) -> None:
    assert DETECTOR.listen(text).language == language


def test_words_that_no_list_has_tell_nothing() -> None:
    assert Frequencies().weigh(["xyzzyplugh"]) == {}


def test_without_the_model_scripts_and_greetings_remain(monkeypatch: pytest.MonkeyPatch) -> None:
    detector = Detector()
    monkeypatch.setattr(detector, "_model", None)

    assert detector.listen("hola gracias").language == "es"
    assert detector.listen("注文はどこですか").language == "ja"
    assert detector.listen("xyzzy plugh").language == ""
