"""Placeholders in a service's own mark-up, where it has one: what it is told to leave alone it does leave alone."""

import html
import re
from collections.abc import Sequence

_MARK = re.compile(r"⟦\d+⟧")
_BREAK = re.compile(r" ?<br ?/?> ?")
_TAG = re.compile(r"</?(?:x|span)\b[^<>]*>")


def has_marks(texts: Sequence[str]) -> bool:
    """Say whether a text has a placeholder such as `⟦0⟧`."""
    return any("⟦" in text for text in texts)


def as_xml(text: str) -> str:
    """Write a text as XML, with each placeholder in an element `x`."""
    return _MARK.sub(r"<x>\g<0></x>", html.escape(text, quote=False))


def as_html(text: str) -> str:
    """Write a text as HTML, with each placeholder in an element that isn't to be translated."""
    escaped = html.escape(text, quote=False).replace("\n", "<br>")
    return _MARK.sub(r'<span class="notranslate" translate="no">\g<0></span>', escaped)


def as_text(marked: str) -> str:
    """Read a text of either kind."""
    return html.unescape(_TAG.sub("", _BREAK.sub("\n", marked)))
