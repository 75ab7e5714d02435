"""Which language somebody writes: a belief that grows with each message, not a guess at each.

Chat texts are short, so what the person wrote before counts, as do script, greetings and the platform's hint. What is
undecidable ("ok", a number, an emoji) changes nothing.
"""

import math
import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from translation.protect import around

MODEL = Path(__file__).parent / "models" / "lid.176.ftz"
SURE = 0.7
"""From here on a belief is acted on."""

ENOUGH = 120
"""Characters that tell a language as well as any more would."""

FLOOR = 0.02
HINT = 0.5
"""How much a platform's hint counts against a message."""

LANGUAGES = frozenset(
    {
        *(
            "ar",
            "bg",
            "bn",
            "ca",
            "cs",
            "da",
            "de",
            "el",
            "en",
            "es",
            "et",
            "eu",
            "fa",
            "fi",
            "fr",
            "gl",
            "he",
            "hi",
            "hr",
        ),
        *(
            "hu",
            "id",
            "it",
            "ja",
            "ka",
            "ko",
            "lt",
            "lv",
            "ms",
            "nl",
            "no",
            "pl",
            "pt",
            "ro",
            "ru",
            "sk",
            "sl",
            "sq",
            "sr",
        ),
        *("sv", "ta", "th", "tl", "tr", "uk", "ur", "vi", "zh", "hy"),
    }
)
SCRIPTS = {
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "HANGUL": "ko",
    "THAI": "th",
    "GREEK": "el",
    "HEBREW": "he",
    "ARMENIAN": "hy",
    "GEORGIAN": "ka",
    "TAMIL": "ta",
    "BENGALI": "bn",
}
UNDECIDABLE = frozenset(
    {
        *("ok", "okay", "okey", "okk", "oki", "k", "no", "si", "a", "o", "e", "da", "ja", "ya", "va", "oh", "ah", "eh"),
        *(
            "hm",
            "hmm",
            "mm",
            "jaja",
            "jajaja",
            "haha",
            "hahaha",
            "lol",
            "xd",
            "hi",
            "hello",
            "hey",
            "super",
            "perfecto",
        ),
        *("perfect", "email", "mail", "whatsapp", "telegram", "stop", "help", "info", "normal", "total", "final"),
        *("madrid", "paris", "london", "berlin", "amazon", "paypal", "visa"),
    }
)
"""Words that people of many languages write; a text of nothing else says nothing."""

TELLING = {
    "de": "hallo guten danke bitte nicht ich und ist wann wo mein meine",
    "en": "the thanks thank please where when what my is are how",
    "es": "hola gracias buenos buenas días dónde donde pedido quiero está por qué cuándo",
    "fr": "bonjour salut merci où ma mon je est pas quand commande",
    "it": "ciao grazie buongiorno dove il mio sono non quando ordine",
    "nl": "hallo dank goedemorgen waar mijn ik niet wanneer bestelling",
    "pt": "olá oi obrigado obrigada não meu minha onde quando pedido você",
    "pl": "cześć dzień dobry dziękuję gdzie moje nie kiedy zamówienie",
    "ru": "привет здравствуйте спасибо где мой заказ не когда",
    "tr": "merhaba teşekkürler nerede sipariş ne zaman",
    "vi": "chào xin cảm ơn ở đâu đơn hàng",
    "sv": "hej tack var är min inte när",
    "id": "halo terima kasih di mana pesanan saya",
}
_TELLING: dict[str, set[str]] = {}
for _language, _words in TELLING.items():
    for _each in _words.split():
        _TELLING.setdefault(_each, set()).add(_language)
_WORD = re.compile(r"[^\W\d_]+")
_BEYOND_LATIN = re.compile("[\u0370-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Belief:
    """What language somebody writes; "" where that can't be told yet. `evidence` goes into the next `listen`."""

    language: str
    confidence: float
    evidence: Mapping[str, float] = field(default_factory=dict)


class Detector:
    """Tells languages of short texts, offline."""

    def __init__(self, model: Path = MODEL) -> None:
        self._model = _load(model)
        self._heard = lru_cache(maxsize=4096)(self._listen)

    def listen(self, text: str, *, evidence: Mapping[str, float] | None = None, hint: str = "") -> Belief:
        """Add a message to what is believed of its writer; `hint` is a BCP 47 tag that the platform gave."""
        heard = self.distribution(text)
        before = dict(evidence or {})
        if not heard:
            return Belief("", 0.0, before)
        best, share = max(heard.items(), key=lambda pair: pair[1])
        if share >= 0.9 and len(_WORD.findall(text[:ENOUGH])) >= 4:
            before = {}
        now = _pool(before, heard, _primary(hint) if not evidence else "")
        best, share = max(now.items(), key=lambda pair: pair[1])
        kept = dict(sorted(((k, round(v, 4)) for k, v in now.items()), key=lambda pair: -pair[1])[:4])
        return Belief(best if share >= SURE else "", share, kept)

    def distribution(self, text: str) -> dict[str, float]:
        """Say how likely each language is by this text alone; empty where it says nothing."""
        return dict(self._heard(text))

    def _listen(self, text: str) -> dict[str, float]:
        plain = " ".join(piece for piece in around(text)[::2] if piece.strip())[:ENOUGH]
        words = _WORD.findall(plain.casefold())
        if not words or all(word in UNDECIDABLE for word in words):
            return {}
        if script := _script(plain):
            return {script: 0.99}
        telling = _telling(words)
        model = self._ask(plain)
        if not model and not telling:
            return {}
        scores = {
            language: model.get(language, FLOOR) * math.prod([4.0] * telling.get(language, 0))
            for language in model.keys() | telling.keys()
        }
        total = sum(scores.values()) + FLOOR
        return {language: score / total for language, score in scores.items()}

    def _ask(self, text: str) -> dict[str, float]:
        """Ask the model; where it knows no word it says a little of everything, which is nothing."""
        if self._model is None:
            return {}
        # The binding below the model's own `predict`, which costs as much again for an array that nobody needs.
        found = self._model.f.predict(" ".join(text.lower().split()) + "\n", 8, 0.0, "replace")
        said = {_code(label): share for share, label in found}
        known = {language: share for language, share in said.items() if language in LANGUAGES}
        return known if known and max(known.values()) >= 0.3 else {}


def _load(model: Path) -> Any:
    """Load the model; without it, scripts and telling words remain."""
    try:
        import fasttext
    except ImportError:
        return None
    return fasttext.load_model(str(model))


def _code(label: str) -> str:
    code = label.removeprefix("__label__")
    return {"nn": "no", "nb": "no", "sh": "sr", "bs": "hr"}.get(code, code)


def _pool(before: Mapping[str, float], heard: Mapping[str, float], hint: str) -> dict[str, float]:
    languages = before.keys() | heard.keys()
    prior = {language: max(before.get(language, FLOOR), FLOOR) for language in languages} if before else {}
    scores = {language: prior.get(language, 1.0) * max(heard.get(language, FLOOR), FLOOR) for language in languages}
    if hint in scores:
        scores[hint] *= 1 + HINT
    total = sum(scores.values()) + (0 if before else FLOOR)
    return {language: score / total for language, score in scores.items()}


def _telling(words: Collection[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for word in set(words):
        for language in _TELLING.get(word, ()):
            counts[language] = counts.get(language, 0) + 1
    return {language: min(count, 4) for language, count in counts.items()}


def _script(text: str) -> str:
    """Name the language whose script most letters are in, where a script has one language."""
    if not _BEYOND_LATIN.search(text):
        return ""
    letters = [character for character in text if character.isalpha()]
    if all(letter < "\u0370" for letter in letters):
        return ""
    names = [unicodedata.name(letter, "").partition(" ")[0] for letter in letters[:200]]
    if any(name in ("HIRAGANA", "KATAKANA") for name in names):
        return "ja"
    top = max(set(names), key=names.count)
    if top == "CJK":
        return "zh"
    return SCRIPTS.get(top, "") if names.count(top) * 2 > len(names) else ""


def _primary(tag: str) -> str:
    return tag.replace("_", "-").partition("-")[0].lower()
