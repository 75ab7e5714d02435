"""DeepL, by its API. https://developers.deepl.com/docs/api-reference/translate"""

from collections.abc import Sequence
from typing import Any, ClassVar

from translation.contract import Rendering
from translation.markup import as_text, as_xml, has_marks
from translation.packages import tag
from translation.remote import Call, Codes, Remote, every_pair

FREE, PRO = "https://api-free.deepl.com", "https://api.deepl.com"
PREFERRED = {"en": "en-us", "pt": "pt-br"}
"""Which region stands for a language that DeepL translates into by region alone."""


class DeepL(Remote):
    """Free keys, which end in `:fx`, have an address of their own."""

    name = "deepl"
    most_texts = 50
    cures: ClassVar = {
        400: "it doesn't take this request",
        403: "its `api_key` is wrong, or of the other plan: keys ending in :fx belong to api-free.deepl.com",
        404: "is `url` that of DeepL, without a path?",
        429: "it allows no more requests just now",
        456: "the month's characters are used up: raise the limit in DeepL's account, or name another engine",
        529: "it is overloaded just now",
    }

    def __init__(self, api_key: str, *, url: str = "", **options: Any) -> None:
        url = url or (FREE if api_key.endswith(":fx") else PRO)
        headers = {"Authorization": f"DeepL-Auth-Key {api_key}"}
        super().__init__(url, headers=headers, secret=api_key, **options)

    def _ask_languages(self) -> Sequence[Call]:
        return [Call("GET", f"/v2/languages?type={side}") for side in ("source", "target")]

    def _read_languages(self, answers: Sequence[Any]) -> Codes:
        sources, targets = ({tag(each["language"]): str(each["language"]) for each in answer} for answer in answers)
        for language, region in PREFERRED.items():
            if language not in targets and region in targets:
                targets[language] = targets[region]
        return every_pair(sources, targets)

    def _ask(self, texts: Sequence[str], source: str, target: str) -> Call:
        body = {"text": list(texts), "source_lang": source, "target_lang": target, "preserve_formatting": True}
        if has_marks(texts):
            body |= {"text": [as_xml(text) for text in texts], "tag_handling": "xml", "ignore_tags": ["x"]}
        return Call("POST", "/v2/translate", body)

    async def translate_in(
        self, before: Sequence[str], texts: Sequence[str], *, source: str, target: str
    ) -> Sequence[Rendering | None]:
        """Translate each text, knowing what was said before."""
        return await self._translate(texts, source, target, before)

    def _remind(self, call: Call, before: Sequence[str]) -> Call:
        return Call(call.method, call.path, {**call.body, "context": "\n".join(before)})

    def _read(self, answer: Any, texts: Sequence[str]) -> Sequence[str]:
        read = [each["text"] for each in answer["translations"]]
        return [as_text(text) for text in read] if has_marks(texts) else read
