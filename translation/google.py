"""Google's Cloud Translation, the basic edition. https://cloud.google.com/translate/docs/reference/rest/v2/translate"""

from collections.abc import Sequence
from typing import Any, ClassVar

from translation.markup import as_html, as_text, has_marks
from translation.packages import tag
from translation.remote import Call, Codes, Remote, every_pair

URL = "https://translation.googleapis.com"


class Google(Remote):
    """The key goes into a header: in the address, where Google's examples have it, it would stand in logs."""

    name = "google"
    most_texts = 100
    most_characters = 5_000
    cures: ClassVar = {
        400: "its `api_key` is wrong, or it doesn't take this request",
        403: "Cloud Translation isn't enabled for this key's project, or a quota is used up: see Google's console",
        404: "is `url` that of Cloud Translation, without a path?",
        429: "it allows no more requests just now",
    }

    def __init__(self, api_key: str, *, url: str = "", **options: Any) -> None:
        super().__init__(url or URL, headers={"X-Goog-Api-Key": api_key}, secret=api_key, **options)

    def _ask_languages(self) -> Sequence[Call]:
        return [Call("GET", "/language/translate/v2/languages")]

    def _read_languages(self, answers: Sequence[Any]) -> Codes:
        codes = {tag(each["language"]): str(each["language"]) for each in answers[0]["data"]["languages"]}
        return every_pair(codes, codes)

    def _ask(self, texts: Sequence[str], source: str, target: str) -> Call:
        marked = has_marks(texts)
        body = {
            "q": [as_html(text) for text in texts] if marked else list(texts),
            "source": source,
            "target": target,
            "format": "html" if marked else "text",
        }
        return Call("POST", "/language/translate/v2", body)

    def _read(self, answer: Any, texts: Sequence[str]) -> Sequence[str]:
        read = [each["translatedText"] for each in answer["data"]["translations"]]
        return [as_text(text) for text in read] if has_marks(texts) else read
