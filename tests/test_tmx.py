"""Corrections go to translators' tools and come back, and what others' tools write is read."""

from pathlib import Path

import pytest

from translation import tmx
from translation.memory import Correction
from translation.tmx import TmxError

CORRECTIONS = [
    Correction(
        source="es", target="en", text="Llegó <roto> & sin ⟦0⟧", fix="It arrived <broken> & without ⟦0⟧", by="Ana"
    ),
    Correction(source="en", target="pt-br", text="Thank you", fix="Obrigada"),
]
OTHERS = """<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE tmx SYSTEM "tmx14.dtd">
<tmx version="1.4"><header creationtool="x" segtype="sentence" o-tmf="x" adminlang="en" srclang="en-US" datatype="xml"/>
<body>
<tu><prop type="x">y</prop>
<tuv xml:lang="de-DE"><seg>Danke</seg></tuv><tuv xml:lang="en-US"><seg> Thank you </seg></tuv>
<tuv xml:lang="fr-FR"><seg>Merci</seg></tuv></tu>
<tu srclang="*all*"><tuv lang="ES"><seg>Hola</seg></tuv><tuv lang="EN"><seg>Hello</seg></tuv></tu>
<tu><tuv xml:lang="en-US"><seg>A <ph>x</ph> b</seg></tuv><tuv xml:lang="de-DE"><seg>c</seg></tuv></tu>
<tu><tuv xml:lang="en-US"><seg>alone</seg></tuv></tu>
<tu><tuv xml:lang="fr-FR"><seg>sans source</seg></tuv><tuv xml:lang="de-DE"><seg/></tuv></tu>
</body></tmx>"""


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    tmx.write(CORRECTIONS, tmp_path / "memory.tmx", version="1.0")

    assert list(tmx.read(tmp_path / "memory.tmx")) == CORRECTIONS


def test_other_tools_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "others.tmx").write_text(OTHERS)

    assert [(each.source, each.target, each.text, each.fix) for each in tmx.read(tmp_path / "others.tmx")] == [
        ("en-us", "de-de", "Thank you", "Danke"),
        ("en-us", "fr-fr", "Thank you", "Merci"),
        ("es", "en", "Hola", "Hello"),
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no element found"),
        ("<html></html>", "it is <html>, not TMX"),
        ("<tmx>", "no element found"),
        (None, "No such file"),
    ],
)
def test_what_is_no_tmx_is_told(tmp_path: Path, text: str | None, told: str) -> None:
    file = tmp_path / "memory.tmx"
    if text is not None:
        file.write_text(text)

    with pytest.raises(TmxError, match=r"memory\.tmx") as error:
        list(tmx.read(file))
    assert told in str(error.value)
