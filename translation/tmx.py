"""Translation memories as TMX 1.4b, the format that translators' tools exchange.

https://www.gala-global.org/tmx-14b
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from pathlib import Path

from translation.memory import Correction

LANG = "{http://www.w3.org/XML/1998/namespace}lang"
ANY = "*all*"


class TmxError(Exception):
    """A file isn't TMX, or can't be read or written; says which and why, for people to read."""


def write(corrections: Iterable[Correction], file: Path, *, version: str) -> None:
    """Write corrections, each as a unit whose source language is named.

    Raises:
        TmxError: the file can't be written.
    """
    tmx = ET.Element("tmx", version="1.4")
    about = {
        "creationtool": "dragoman",
        "creationtoolversion": version,
        "segtype": "block",
        "o-tmf": "dragoman",
        "adminlang": "en",
        "srclang": ANY,
        "datatype": "plaintext",
    }
    ET.SubElement(tmx, "header", about)
    body = ET.SubElement(tmx, "body")
    for each in corrections:
        unit = ET.SubElement(body, "tu", {"srclang": each.source, **({"changeid": each.by} if each.by else {})})
        for language, text in ((each.source, each.text), (each.target, each.fix)):
            variant = ET.SubElement(unit, "tuv", {LANG: language})
            ET.SubElement(variant, "seg").text = text
    tree = ET.ElementTree(tmx)
    ET.indent(tree)
    try:
        tree.write(file, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise TmxError(f"{file}: {error.strerror}") from None


def read(file: Path) -> Iterator[Correction]:
    """Read units: from their source language, or the first where none is named, into each other one.

    What has marks of a format within is left out: they would be lost.

    Raises:
        TmxError: it can't be read, or isn't TMX.
    """
    try:
        tmx = ET.parse(file).getroot()  # noqa: S314 - an admin's own file; expat bounds how entities grow
    except (OSError, ET.ParseError) as error:
        raise TmxError(f"{file}: {error}") from None
    if tmx.tag != "tmx":
        raise TmxError(f"{file}: it is <{tmx.tag}>, not TMX")
    header = tmx.find("header")
    usual = (header.get("srclang") if header is not None else None) or ANY
    for unit in tmx.iter("tu"):
        yield from _corrections(unit, (unit.get("srclang") or usual).lower())


def _corrections(unit: ET.Element, source: str) -> Iterator[Correction]:
    texts: dict[str, str] = {}
    for variant in unit.iter("tuv"):
        segment = variant.find("seg")
        language = (variant.get(LANG) or variant.get("lang") or "").lower()
        if language and segment is not None and not len(segment) and (segment.text or "").strip():
            texts[language] = (segment.text or "").strip()
    said = next((each for each in texts if source in (ANY, each)), "")
    for language, text in texts.items():
        if said and language != said:
            yield Correction(source=said, target=language, text=texts[said], fix=text, by=unit.get("changeid", ""))
