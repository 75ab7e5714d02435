"""Texts in two languages are cut where the language changes, and nowhere else."""

import pytest

from translation.detect import Detector
from translation.passages import passages

DETECTOR = Detector()


@pytest.mark.parametrize(
    ("text", "language", "cut"),
    [
        ("Mi pedido no ha llegado. Can you help me please?", "es", ["es", "en"]),
        ("Hola.\nMy order has not arrived yet.\n\nGracias por la ayuda, un saludo.", "es", ["es", "en", "es"]),
        ("Where is my order? ¿Dónde está mi pedido? Gracias", "en", ["en", "es"]),
        ("Mein Paket ist nicht da. OK? Thanks!", "de", ["de"]),
        ("mi pedido no ha llegado", "es", ["es"]),
        ("", "es", ["es"]),
        (" \n ", "es", ["es"]),
        ("我的订单在哪里？Where is my order please?", "zh", ["zh", "en"]),
    ],
)
def test_a_text_is_cut_where_its_language_changes(text: str, language: str, cut: list[str]) -> None:
    found = passages(text, language, DETECTOR)

    assert [each.language for each in found] == cut
    assert "".join(each.text for each in found) == text
