"""Outputs that nobody should read are seen."""

import tracemalloc

import pytest

from benchmarks.guard import by_kind, judged, rows, weights
from translation.detect import Detector
from translation.guard import BASE, WEIGHTS, Guard, alike

GUARD = Guard(Detector())


@pytest.mark.parametrize(
    ("source", "output", "why"),
    [
        ("mi pedido no ha llegado", "", "empty"),
        ("mi pedido no ha llegado", "mi pedido no ha llegado", "repeats the original"),
        ("mi pedido llegó roto", "salad salad salad salad salad", "repeats itself"),
        ("mi pedido llegó roto ayer", "I want to talk to the app. " * 6, "much longer"),
        ("mi pedido no ha llegado", "my order has arrived", "negation"),
        ("mi pedido ha llegado", "my order has not arrived", "negation"),
        ("mi pedido llegó roto", "мой заказ пришёл сломанным", "another script"),
        (
            "Llegó el lunes la caja grande con la máquina. El manual está solo en chino y no entiendo nada. Gracias.",
            "The big box with the machine arrived on Monday. El manual está solo en chino y no entiendo nada. Thanks.",
            "isn't in",
        ),
        (
            "Mi pedido llegó el lunes en la caja grande pero el paquete está roto y quiero devolverlo cuanto antes",
            "My order arrived on Monday in the big box pero el paquete está roto y quiero devolverlo cuanto antes",
            "isn't in",
        ),
        (
            "Me escribieron: the parcel was sent back to us since nobody was home and nobody answered. Eso dijeron. "
            "Quiero que lo manden otra vez a mi casa el lunes.",
            "They wrote to me: the parcel was sent back to us since nobody was home and nobody answered. So they said. "
            "Quiero que lo manden otra vez a mi casa el lunes.",
            "isn't in",
        ),
        (
            "quiero cambiar la dirección de mi pedido por favor",
            "quiero cambiar la dirección del envío ahora",
            "isn't in",
        ),
        (
            "Su pedido llegó pero el paquete está roto y quiero devolverlo cuanto antes",
            "Your order arrived pero el paquete está roto y quiero devolverlo cuanto antes",
            "isn't in",
        ),
    ],
)
def test_a_bad_output_is_risky(source: str, output: str, why: str) -> None:
    verdict = GUARD.assess(source, output, pair=("es", "en"), score=0.9)

    assert verdict.risky
    assert any(why in reason for reason in verdict.reasons)


@pytest.mark.parametrize("loop", ["very", "the app", "to the app"])
@pytest.mark.parametrize("before", range(10))
def test_a_loop_is_seen_wherever_it_begins(loop: str, before: int) -> None:
    source = "quiero saber dónde está mi pedido y cuándo va a llegar porque lo necesito mañana por la mañana sin falta"
    around = ["when", "will", "my", "new", "order", "get", "here", "from", "your", "shop"]

    said = [" ".join([*around[:before], *[loop] * times, *around[before:]]) for times in (3, 4)]
    told = [GUARD.assess(source, text, pair=("es", "en")).reasons for text in said]
    assert ["the translation repeats itself" in reasons for reasons in told] == [False, True]


@pytest.mark.parametrize(
    ("source", "output"),
    [
        ("mi pedido no ha llegado", "my order has not arrived"),
        ("mi pedido no ha llegado", "My order hasn't arrived yet."),
        ("hola", "hello"),
        ("no", "no"),
        ("Madrid", "Madrid"),
        ("¿Dónde está mi pedido A-1042?", "Where is my order A-1042?"),
        ("sí, sí, sí, sí, gracias", "yes, yes, yes, yes, thank you"),
        (
            "Vivo en la Avenida de la Reina Victoria 12, Madrid. ¿Pueden enviarlo allí el lunes por la tarde?",
            "I live at Avenida de la Reina Victoria 12, Madrid. Can you send it there on Monday afternoon?",
        ),
    ],
)
def test_a_good_output_passes(source: str, output: str) -> None:
    assert not GUARD.assess(source, output, pair=("es", "en"), score=0.9).risky


def test_an_engine_that_is_not_sure_is_believed() -> None:
    assert GUARD.assess("mi pedido llegó", "my order arrived", pair=("es", "en"), score=0.3).risky


@pytest.mark.parametrize(
    ("back", "risky"),
    [("mi pedido llegó roto ayer", False), ("quiero cambiar la dirección", True)],
    ids=["like", "unlike"],
)
def test_the_meaning_back_settles_what_is_unclear(back: str, risky: bool) -> None:
    verdict = GUARD.assess("Mi pedido llego roto ayer", "My order broke down", pair=("es", "en"), score=0.85, back=back)

    assert verdict.risky is risky


def test_case_accents_and_punctuation_make_no_difference() -> None:
    assert alike("¿Dónde está mi pedido?", "donde esta mi pedido") == 1.0
    assert alike("Where is my order?", "Thanks a lot!") < 0.1
    assert alike("", "") == 0.0


def test_translations_never_used_for_setting_it_are_told_apart() -> None:
    held = rows("held")
    figures = judged([row for row in held if row.score is not None])
    kinds = by_kind(held)

    assert figures.auc >= 0.95
    assert figures.precision >= 0.95
    assert figures.recall >= 0.95
    assert kinds["right"][1] < 0.05
    assert kinds["written"][1] < 0.05


def test_the_weights_are_those_that_the_rows_give() -> None:
    found = weights()

    assert found == pytest.approx({"base": BASE, **WEIGHTS}, abs=0.1)


def test_long_texts_do_not_fill_the_memory() -> None:
    guard, pair = Guard(Detector()), ("es", "en")
    tracemalloc.start()
    try:
        for number in range(300):
            spanish, english = (f"{number} {words * 1000}" for words in ("hola amigo ", "hello friend "))
            guard.assess(spanish, english, pair=pair)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 50e6
