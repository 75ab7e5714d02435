"""Azure's Translator, version 3.0. https://learn.microsoft.com/azure/ai-services/translator/text-translation/reference/v3/translate"""

from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import urlencode

from translation.markup import as_html, as_text, has_marks
from translation.packages import tag
from translation.remote import Call, Codes, Remote, every_pair

URL = "https://api.cognitive.microsofttranslator.com"
VERSION = "3.0"


class Azure(Remote):
    """`region` is that of the resource; a global one has none."""

    name = "azure"
    most_texts = 100
    most_characters = 10_000
    cures: ClassVar = {
        400: "it doesn't take this request",
        401: "its `api_key` is wrong, or `region` isn't that of the resource (see Keys and Endpoint in Azure's portal)",
        403: "the month's free characters are used up, or the resource allows no calls from here",
        404: "is `url` that of Translator, without a path?",
        429: "it allows no more characters this hour",
    }

    def __init__(self, api_key: str, *, region: str = "", url: str = "", **options: Any) -> None:
        headers = {"Ocp-Apim-Subscription-Key": api_key}
        if region:
            headers["Ocp-Apim-Subscription-Region"] = region
        super().__init__(url or URL, headers=headers, secret=api_key, **options)

    def _ask_languages(self) -> Sequence[Call]:
        return [Call("GET", f"/languages?{urlencode({'api-version': VERSION, 'scope': 'translation'})}")]

    def _read_languages(self, answers: Sequence[Any]) -> Codes:
        codes = {tag(code): str(code) for code in answers[0]["translation"]}
        return every_pair(codes, codes)

    def _ask(self, texts: Sequence[str], source: str, target: str) -> Call:
        marked = has_marks(texts)
        asked = {"api-version": VERSION, "from": source, "to": target, "textType": "html" if marked else "plain"}
        body = [{"Text": as_html(text) if marked else text} for text in texts]
        return Call("POST", f"/translate?{urlencode(asked)}", body)

    def _read(self, answer: Any, texts: Sequence[str]) -> Sequence[str]:
        read = [each["translations"][0]["text"] for each in answer]
        return [as_text(text) for text in read] if has_marks(texts) else read
