"""What a table of the configuration is in a form: each of its values as a line of text, or several."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from config.tables import ConfigError

MORE = "\ue000"
"""Stands for the end of a line within a text while it is read."""

YES = "yes"
"""What a ticked box says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A value of a table: its key, what an admin is told, how a form's text is read and shown; `rows` of text it has.

    `check` says that it is a box to be ticked. What reads as nothing isn't kept, so that its default holds.
    """

    name: str
    label: str
    help: str = ""
    read: Callable[[str], Any] = str
    show: Callable[[Any], str] = str
    rows: int = 1
    required: bool = False
    check: bool = False


def flag(name: str, label: str, told: str = "") -> Entry:
    """Make a value that is on or, where it isn't kept, off."""
    return Entry(
        name=name,
        label=label,
        help=told,
        read=lambda text: True if text == YES else None,
        show=lambda value: YES if value else "",
        check=True,
    )


def read_form(entries: tuple[Entry, ...], form: Mapping[str, str]) -> dict[str, Any]:
    """Read a form into a table.

    Raises:
        ConfigError: a text can't be read; says which, and what would be right.
    """
    table = {}
    for entry in entries:
        text = form.get(f"field.{entry.name}", "").strip()
        if not text and entry.required:
            raise ConfigError(f"{entry.label}: is empty: give a value")
        try:
            value = entry.read(text) if text else None
        except ValueError as error:
            raise ConfigError(f"{entry.label}: {error}") from error
        if value not in (None, "", [], {}):
            table[entry.name] = value
    return table


def show_table(entries: tuple[Entry, ...], table: Mapping[str, Any]) -> dict[str, str]:
    """Show a table as a form does."""
    return {entry.name: entry.show(table[entry.name]) if entry.name in table else "" for entry in entries}


def read_list(text: str) -> list[str]:
    """Read what stands between commas, or on lines of its own."""
    return [part.strip() for line in text.splitlines() for part in line.split(",") if part.strip()]


def read_lines(text: str) -> list[str]:
    """Read what stands on lines of its own."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def show_list(values: Any) -> str:
    """Show a list with commas."""
    return ", ".join(map(str, values))


def show_lines(values: Any) -> str:
    """Show a list on lines."""
    return "\n".join(map(str, values))


def read_number(text: str) -> int:
    """Read a whole number."""
    if not text.isdecimal():
        raise ValueError(f"must be a whole number, not {text!r}")
    return int(text)


def read_by_language(text: str) -> dict[str, str]:
    """Read lines such as `es: Facturas`."""
    found = {}
    for line in read_lines(text):
        tag, colon, said = (part.strip() for part in line.partition(":"))
        if not colon or not tag or not said:
            raise ValueError(f"must have a language and a colon before each line, such as es: Facturas, not {line!r}")
        found[tag] = said
    return found


def show_by_language(values: Any) -> str:
    """Show texts by language, a line each."""
    return "\n".join(f"{tag}: {text}" for tag, text in values.items())


def read_texts(text: str) -> dict[str, str]:
    """Read lines such as `es: Hola`, each with the lines behind it that begin with a space."""
    whole = re.sub(r"\r?\n[ \t]+", MORE, text)
    return {tag: said.replace(MORE, "\n") for tag, said in read_by_language(whole).items()}


def show_texts(values: Any) -> str:
    """Show texts by language, the further lines of each behind a space."""
    return "\n".join(f"{tag}: {text}".replace("\n", "\n ") for tag, text in values.items())


def read_lists_by_language(text: str) -> dict[str, list[str]]:
    """Read lines such as `es: factura, reembolso`."""
    return {tag: read_list(said) for tag, said in read_by_language(text).items()}


def show_lists_by_language(values: Any) -> str:
    """Show lists by language, a line each."""
    return "\n".join(f"{tag}: {show_list(words)}" for tag, words in values.items())


def read_terms(text: str) -> list[dict[str, str]]:
    """Read lines such as `en: gift card; es: tarjeta regalo`."""
    return [read_by_language("\n".join(line.split(";"))) for line in read_lines(text)]


def show_terms(values: Any) -> str:
    """Show terms, a line each."""
    return "\n".join("; ".join(f"{tag}: {text}" for tag, text in term.items()) for term in values)
