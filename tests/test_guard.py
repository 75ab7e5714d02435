"""Outputs that nobody should read are seen."""

import pytest

from translation.detect import Detector
from translation.guard import Guard

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
            "quiero cambiar la dirección de mi pedido por favor",
            "quiero cambiar la dirección del envío ahora",
            "isn't in",
        ),
    ],
)
def test_a_bad_output_is_risky(source: str, output: str, why: str) -> None:
    verdict = GUARD.assess(source, output, pair=("es", "en"), score=0.9)

    assert verdict.risky
    assert any(why in reason for reason in verdict.reasons)


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
    ],
)
def test_a_good_output_passes(source: str, output: str) -> None:
    assert not GUARD.assess(source, output, pair=("es", "en"), score=0.9).risky


def test_an_engine_that_is_not_sure_is_believed() -> None:
    assert GUARD.assess("mi pedido llegó", "my order arrived", pair=("es", "en"), score=0.3).risky
