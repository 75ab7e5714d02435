"""Which language somebody writes: a belief that grows with each message, not a guess at each.

Chat texts are short, so what the person wrote before counts, as do script, greetings and the platform's hint. What is
undecidable ("ok", a number, an emoji) changes nothing.
"""

import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from translation.frequencies import Frequencies
from translation.protect import AT_HAND, around

MODEL = Path(__file__).parent / "models" / "lid.176.ftz"
SURE = 0.7
"""From here on a belief is acted on."""

ENOUGH = 120
"""Characters that tell a language as well as any more would."""

CLEAR = 0.9
"""From here on words alone tell a language, and the model isn't asked; nor are they weighed where so much is known."""

FIRST, SURELY = 8, 0.999
"""So many words are enough where they leave so little doubt."""

LONGEST_WORD = 60
"""Letters."""

UNLISTED, DOUBT = 0.03, 0.05
"""What a language is worth that the words' table hasn't got, and one that the model doesn't name."""

LEAST = 0.02
"""Shares below are nothing."""

KANJI = 4
"""So many signs may be Japanese without kana."""

FLOOR = 0.02
HINT, COUNTRY = 0.5, 0.3
"""How much likelier a language is that a platform names, and one that is spoken where the phone is from."""

SPOKEN = {
    "ar": "AE BH DZ EG IQ JO KW LB LY MA OM PS QA SA SY TN YE",
    "bg": "BG",
    "cs": "CZ",
    "da": "DK",
    "de": "AT CH DE LU",
    "el": "CY GR",
    "en": "AU GB IE IN KE NG NZ PH SG US ZA",
    "es": "AR BO CL CO CR CU EC ES GT HN MX NI PA PE PY SV US UY VE",
    "et": "EE",
    "fa": "IR",
    "fi": "FI",
    "fr": "BE CH CI DZ FR LU MA SN TN",
    "he": "IL",
    "hi": "IN",
    "hr": "BA HR",
    "hu": "HU",
    "id": "ID",
    "it": "CH IT",
    "ja": "JP",
    "ko": "KR",
    "lt": "LT",
    "lv": "LV",
    "mk": "MK",
    "ms": "MY",
    "nl": "BE NL",
    "no": "NO",
    "pl": "PL",
    "pt": "AO BR MZ PT",
    "ro": "MD RO",
    "ru": "BY KZ MD RU",
    "sk": "SK",
    "sl": "SI",
    "sq": "AL",
    "sr": "BA ME RS",
    "sv": "FI SE",
    "th": "TH",
    "tl": "PH",
    "tr": "TR",
    "uk": "UA",
    "ur": "PK",
    "vi": "VN",
    "zh": "CN HK MO MY SG TW",
}
"""Where languages are spoken, by ISO 3166 code."""

_SPOKEN: dict[str, list[str]] = {}
for _language, _regions in SPOKEN.items():
    for _region in _regions.split():
        _SPOKEN.setdefault(_region, []).append(_language)

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
    "DEVANAGARI": "hi",
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
    "ar": "مرحبا أهلا شكرا تمام طلبي الطرد",
    "de": "hallo moin servus hi danke bitte guten morgen bestellung lieferung rechnung paket rückerstattung kaputt",
    "en": "hi hey hello thanks thank cheers please order parcel refund shipping charged invoice anyone",
    "es": "hola buenas gracias porfa porfi vale pedido envío envio reembolso paquete factura",
    "fr": "bonjour salut coucou merci svp stp commande colis remboursement livraison facture appli",
    "hi": "mera meri mere kahan kaha hai nahi nahin kya kab aap mujhe chahiye paise wapas kaise bhai abhi tak "
    "aaya gaya kar raha rahi karo kripya shukriya dhanyavaad",
    "id": "halo kak min gan makasih terimakasih terima kasih pesanan paket ongkir barangnya ukurannya pengiriman",
    "it": "ciao salve buongiorno grazie ordine pacco rimborso spedizione fattura",
    "nl": "hoi hallo dag bedankt dank graag bestelling pakje pakket factuur terugbetaling",
    "no": "hei takk bestilling pakke regning refusjon",
    "pl": "cześć witam dzień dobry dzięki dziękuję proszę zamówienie paczka zwrot faktura",
    "pt": "oi olá beleza valeu obrigado obrigada pedido encomenda reembolso fatura",
    "ru": "привет здравствуйте спасибо заказ посылка",
    "sv": "hej hejsan tjena tack beställning paket faktura återbetalning trasig",
    "tr": "merhaba selam tamam teşekkürler sağol sipariş siparişim kargo kargom iade fatura",
    "uk": "привіт дякую гаразд замовлення посилка",
    "vi": "chào xin cảm ơn dạ vâng ạ ơi shop đơn hàng",
}
"""What customers write that lists of words have too seldom: greetings, thanks and the trade's own words."""

_TELLING = frozenset(word for words in TELLING.values() for word in words.split())
_CHINESE = frozenset(
    "你您我他她们們的吗嗎呢吧在是没沒这這那谢謝么麼请還还到个個可以好几开门发问时间订单货钱换质错为电话号费给让说对买卖"
)
"""Signs that Japanese without kana hardly writes."""

_WORD = re.compile(r"[^\W\d_]+")
_BEYOND_LATIN = re.compile("[\u0370-\U0010ffff]")


class Belief(Struct, frozen=True):
    """What language somebody writes; "" where that can't be told yet. `evidence` goes into the next `listen`."""

    language: str
    confidence: float
    evidence: Mapping[str, float] = field(default_factory=dict)


class Detector:
    """Tells languages of short texts, offline."""

    def __init__(self, model: Path = MODEL) -> None:
        self._model = _load(model)
        self._frequencies = Frequencies()
        self._heard = lru_cache(AT_HAND)(self._listen)

    def listen(self, text: str, *, evidence: Mapping[str, float] | None = None, hint: str = "") -> Belief:
        """Add a message to what is believed of its writer; `hint` is a BCP 47 tag that is known of them.

        A tag such as `und-CH` names the country alone: any language of it is then somewhat likelier.
        """
        before = dict(evidence or {})
        usual, share = max(before.items(), key=lambda pair: pair[1], default=("", 0.0))
        if share >= CLEAR and self.plainly(text, usual):
            return Belief(usual, share, before)
        heard, words = self._heard(text)
        if not heard:
            return Belief("", 0.0, before)
        if words >= 4 and max(heard.values()) >= CLEAR:
            before = {}
        now = _pool(before, heard, _hinted(hint) if not evidence else {})
        best, share = max(now.items(), key=lambda pair: pair[1])
        kept = dict(sorted(((k, round(v, 4)) for k, v in now.items()), key=lambda pair: -pair[1])[:4])
        return Belief(best if share >= SURE else "", share, kept)

    def plainly(self, text: str, language: str) -> bool:
        """Say whether a text begins with a language's words alone; False where that takes a closer look."""
        return self._frequencies.nowhere_else(islice(_in_lists(text), FIRST), language)

    def at_home(self, text: str, language: str) -> bool:
        """Say whether a text is plainly in a language; False where that takes a closer look."""
        return self._frequencies.at_home(_in_lists(text), _primary(language))

    def distribution(self, text: str) -> dict[str, float]:
        """Say how likely each language is by this text alone; empty where it says nothing."""
        return dict(self._heard(text)[0])

    def _listen(self, text: str) -> tuple[Mapping[str, float], int]:
        """Weigh a text's languages; says also of how many words it is."""
        plain = _plain(text)
        written = _WORD.findall(plain)
        if _international(written) or _only_names(written):
            return {}, 0
        return _script(plain) or self._weigh(plain, [word.casefold() for word in written]), len(written)

    def _weigh(self, plain: str, words: Sequence[str]) -> Mapping[str, float]:
        shares = self._frequencies.weigh(words[:FIRST])
        if len(words) > FIRST and max(shares.values(), default=0.0) < SURELY:
            shares = self._frequencies.weigh(words)
        if max(shares.values(), default=0.0) < CLEAR and (model := self._ask(plain)):
            others = dict.fromkeys(self._frequencies.languages, 0.0) if shares else {}
            shares = {
                language: shares.get(language, others.get(language, UNLISTED))
                * math.sqrt(model.get(language, 0.0) + DOUBT)
                for language in shares.keys() | model.keys()
            }
            total = sum(shares.values())
            shares = {language: share / total for language, share in shares.items()}
        return {language: share for language, share in shares.items() if share > LEAST}

    def _ask(self, text: str) -> dict[str, float]:
        """Ask the model; where it knows no word it says a little of everything, which is nothing."""
        if self._model is None:
            return {}
        # The binding below the model's own `predict`, which costs as much again for an array that nobody needs.
        found = self._model.f.predict(" ".join(text.lower().split()) + "\n", 8, 0.0, "replace")
        said = {_code(label): share for share, label in found}
        known = {language: share for language, share in said.items() if language in LANGUAGES}
        return known if known and max(known.values()) >= 0.3 else {}


def international(text: str) -> bool:
    """Say whether a text is nothing but words that people of many languages write, such as "ok"."""
    return _international(word[0] for piece in around(text)[::2] for word in _WORD.finditer(piece))


def _international(written: Iterable[str]) -> bool:
    return all(word.casefold() in UNDECIDABLE for word in written)


def _in_lists(text: str) -> Iterator[str]:
    """Give a text's words, in lower case, but for those that are too long for any list, and for memory."""
    for found in _WORD.finditer(text):
        if len(word := found[0]) <= LONGEST_WORD:
            yield word.casefold()


def _plain(text: str) -> str:
    return " ".join(piece for piece in around(text)[::2] if piece.strip())[:ENOUGH]


@cache
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


def _hinted(hint: str) -> Mapping[str, float]:
    """Say by how much a hint makes languages likelier."""
    language, _, region = hint.replace("_", "-").partition("-")
    if language.lower() != "und":
        return {language.lower(): 1 + HINT}
    return dict.fromkeys(_SPOKEN.get(region.upper(), ()), 1 + COUNTRY)


def _pool(before: Mapping[str, float], heard: Mapping[str, float], hints: Mapping[str, float]) -> dict[str, float]:
    languages = before.keys() | heard.keys()
    prior = {language: max(before.get(language, FLOOR), FLOOR) for language in languages} if before else {}
    scores = {language: prior.get(language, 1.0) * max(heard.get(language, FLOOR), FLOOR) for language in languages}
    for language in hints.keys() & scores.keys():
        scores[language] *= hints[language]
    total = sum(scores.values()) + (0 if before else FLOOR)
    return {language: score / total for language, score in scores.items()}


def _only_names(written: Sequence[str]) -> bool:
    """Say whether all words have a capital, as names and brands do; a greeting among them says that they are none."""
    if all(word != word.lower() and not (word.isupper() and len(written) > 2) for word in written):
        return not any(word.casefold() in _TELLING for word in written)
    return False


def _script(text: str) -> dict[str, float]:
    """Give the language whose script most letters are in, where a script has one language."""
    if not _BEYOND_LATIN.search(text):
        return {}
    letters = [character for character in text if character.isalpha()]
    if all(letter < "\u0370" for letter in letters):
        return {}
    names = [unicodedata.name(letter, "").partition(" ")[0] for letter in letters[:200]]
    if any(name in ("HIRAGANA", "KATAKANA") for name in names):
        return {"ja": 0.99}
    top = max(set(names), key=names.count)
    if top == "CJK":
        unclear = len(letters) <= KANJI and _CHINESE.isdisjoint(letters)
        return {"zh": 0.65, "ja": 0.35} if unclear else {"zh": 0.99}
    language = SCRIPTS.get(top, "") if names.count(top) * 2 > len(names) else ""
    return {language: 0.99} if language else {}


def _primary(tag: str) -> str:
    return tag.replace("_", "-").partition("-")[0].lower()
