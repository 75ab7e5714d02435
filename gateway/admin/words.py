"""The console's languages: English stands in the templates, the others in files of their own, by the English."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

LANGUAGES: Mapping[str, str] = {
    "en": "English",
    "es": "Español",
    "fr": "Français",
    "de": "Deutsch",
    "pt": "Português",
}
"""The languages, by their tags, as those who speak them call them."""

_ASKED = re.compile(r"\s*([a-zA-Z]{1,8})(?:-[\w-]*)?\s*(?:;\s*q\s*=\s*([^\s;]+))?\s*")


def words(language: str) -> Mapping[str, str]:
    """Give a language's words of the pages by the English ones."""
    return _read("words", language)


def sentences(language: str) -> Mapping[str, str]:
    """Give a language's sentences about what is wrong by the English ones, with `{}` for what is put in."""
    return _read("sentences", language)


@cache
def _read(folder: str, language: str) -> Mapping[str, str]:
    if language == "en":
        return {}
    return tomllib.loads((files("gateway.admin") / folder / f"{language}.toml").read_text(encoding="utf-8"))


def pick(chosen: str, accepted: str) -> str:
    """Choose a language: the chosen one, else the best of the browser's (`Accept-Language`), else English."""
    if chosen in LANGUAGES:
        return chosen
    asked = [found for part in accepted.split(",")[:20] if (found := _ASKED.fullmatch(part))]
    ranked = sorted(asked, key=lambda found: -_weight(found[2]))
    return next((found[1].lower() for found in ranked if found[1].lower() in LANGUAGES), "en")


def _weight(text: str | None) -> float:
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0
