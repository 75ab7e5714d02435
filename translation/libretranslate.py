"""A LibreTranslate server, at https://libretranslate.com or one's own. https://docs.libretranslate.com"""

import html
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar

from translation.contract import Pair
from translation.packages import tag
from translation.remote import Call, Codes, Remote

URL = "http://127.0.0.1:5000"


class LibreTranslate(Remote):
    """The source language is always sent: let to guess, the server gives texts back untranslated and says 200."""

    name = "libretranslate"
    cures: ClassVar = {
        400: "it doesn't take this request; is `url` that of LibreTranslate, and are its languages loaded?",
        403: "its `api_key` is missing or wrong",
        404: "is `url` that of LibreTranslate, without a path?",
        429: "it allows no more requests just now: ask its operator for an `api_key`, or run one of your own",
        500: "see its log",
    }

    def __init__(self, url: str, *, api_key: str = "", limit: timedelta = timedelta(seconds=20)) -> None:
        super().__init__(url or URL, secret=api_key, limit=limit)
        self._api_key = api_key

    def _ask_languages(self) -> Sequence[Call]:
        return [Call("GET", "/languages")]

    def _read_languages(self, answers: Sequence[Any]) -> Codes:
        codes = {}
        for language in answers[0]:
            source = str(language["code"])
            for target in map(str, language["targets"]):
                if tag(source) != tag(target):
                    codes[Pair(tag(source), tag(target))] = (source, target)
        return codes

    def _ask(self, texts: Sequence[str], source: str, target: str) -> Call:
        body = {"q": list(texts), "source": source, "target": target, "format": "text"}
        return Call("POST", "/translate", {**body, "api_key": self._api_key} if self._api_key else body)

    def _read(self, answer: Any, texts: Sequence[str]) -> Sequence[str]:
        translated = answer["translatedText"]
        if not isinstance(translated, list):
            raise TypeError(f"a list of texts, not {type(translated).__name__}")
        return translated

    def _takes(self, text: str) -> bool:
        """Refuse HTML entities, which the server would decode."""
        return html.unescape(text) == text
