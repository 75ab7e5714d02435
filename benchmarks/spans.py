"""Sentences with spans that must survive, engines that damage them in every known way, and a judge.

The judge knows what is right because the spans were written into the sentences: it shares no code with what it judges.
Run by itself it sends all sentences through all engines and prints what became of them as JSON.
"""

import asyncio
import json
import random
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.firefox_model import SPANISH, make_model
from translation.apertium import Apertium
from translation.argos import Argos
from translation.chain import Chain, Untranslated
from translation.contract import Engine, Pair, Rendering
from translation.firefox import Firefox
from translation.models import Models
from translation.packages import Packages

COUNT = 5000
TINY = Path(__file__).parent.parent / "tests" / "fixtures" / "argos"

LANGUAGES = ("en", "es", "fr", "de", "pt", "it", "nl", "pl")

SENTENCES: Mapping[str, Sequence[str]] = {
    "en": (
        "Where is my order {code}? I paid {amount}",
        "Hello {emoji} please write to {email} before {date}",
        "I see on {url} that {code} arrives on {date} at {time}",
        "Call {phone} or {phone} when the parcel {code} is there",
        "You took {amount} instead of {amount}, please check",
        "{mention} said that {code} was exchanged for {code}",
        "The discount {code} isn't accepted on {url} {emoji}",
    ),
    "es": (
        "¿Dónde está mi pedido {code}? Pagué {amount}",
        "Hola {emoji} por favor escriba a {email} antes del {date}",
        "Veo en {url} que {code} llega el {date} a las {time}",
        "Llame al {phone} o al {phone} cuando llegue el paquete {code}",
        "Me han cobrado {amount} en vez de {amount}, por favor miren",
        "{mention} dijo que {code} se cambió por {code}",
        "El descuento {code} no funciona en {url} {emoji}",
    ),
    "fr": (
        "Où est ma commande {code} ? J'ai payé {amount}",
        "Bonjour {emoji} écrivez à {email} avant le {date}",
        "Je vois sur {url} que {code} arrive le {date} à {time}",
        "Appelez le {phone} ou le {phone} quand le colis {code} est là",
        "Vous avez pris {amount} au lieu de {amount}, merci de vérifier",
        "{mention} a dit que {code} a été échangé contre {code}",
    ),
    "de": (
        "Wo ist meine Bestellung {code}? Ich habe {amount} bezahlt",
        "Hallo {emoji} bitte schreiben Sie an {email} vor dem {date}",
        "Auf {url} sehe ich, dass {code} am {date} um {time} kommt",
        "Rufen Sie {phone} oder {phone} an, wenn das Paket {code} da ist",
        "Sie haben {amount} statt {amount} abgebucht, bitte prüfen",
        "{mention} sagte, dass {code} gegen {code} getauscht wurde",
    ),
    "pt": (
        "Onde está o meu pedido {code}? Paguei {amount}",
        "Olá {emoji} por favor escreva para {email} antes de {date}",
        "Vejo em {url} que {code} chega em {date} às {time}",
        "Ligue para {phone} ou {phone} quando a encomenda {code} chegar",
        "Cobraram {amount} em vez de {amount}, por favor verifiquem",
    ),
    "it": (
        "Dov'è il mio ordine {code}? Ho pagato {amount}",
        "Ciao {emoji} scrivete a {email} prima del {date}",
        "Vedo su {url} che {code} arriva il {date} alle {time}",
        "Chiamate {phone} o {phone} quando arriva il pacco {code}",
        "Avete preso {amount} invece di {amount}, controllate per favore",
    ),
    "nl": (
        "Waar is mijn bestelling {code}? Ik heb {amount} betaald",
        "Hallo {emoji} schrijf alstublieft naar {email} voor {date}",
        "Op {url} zie ik dat {code} op {date} om {time} komt",
        "Bel {phone} of {phone} als het pakket {code} er is",
        "Er is {amount} in plaats van {amount} afgeschreven, graag nakijken",
    ),
    "pl": (
        "Gdzie jest moje zamówienie {code}? Zapłaciłem {amount}",
        "Cześć {emoji} proszę napisać na {email} przed {date}",
        "Na {url} widzę, że {code} przyjdzie {date} o {time}",
        "Proszę dzwonić na {phone} lub {phone}, kiedy paczka {code} będzie",
        "Pobrano {amount} zamiast {amount}, proszę sprawdzić",
    ),
}
_SLOT = re.compile(r"\{(\w+)\}")
_EMOJI = ("👍", "👍🏽", "👨‍👩‍👧", "🇪🇸", "❤️", "🙏", "😀", "✅", "1️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A text in a language with the spans that stand in it, kind and wording, in order."""

    language: str
    text: str
    spans: tuple[tuple[str, str], ...]

    def damage(self, output: str) -> str:
        """Say what an output did to the spans, "" where each is there once, unchanged, with no other beside it."""
        rest = output
        for _, span in sorted(self.spans, key=lambda each: -len(each[1])):
            whole = re.compile(rf"(?<![\w@#+]){re.escape(span)}(?![\w@])")
            if len(whole.findall(rest)) != 1:
                return f"{span!r} isn't there exactly once"
            rest = whole.sub(" ", rest)
        if re.search(r"[\d@#€$£⟦⟧\u200b\U0001f1e6-\U0001faff]|//|www", rest):
            return "something was made up"
        for kind in {kind for kind, _ in self.spans}:
            places = [output.index(span) for each, span in self.spans if each == kind]
            if places != sorted(places):
                return f"the {kind}s changed places"
        return ""


def sentences(count: int, *, seed: int) -> Iterator[Sentence]:
    """Write sentences in all languages in turn; the same seed gives the same ones."""
    chance = random.Random(seed)  # noqa: S311 - sentences are no secrets
    for number in range(count):
        language = LANGUAGES[number % len(LANGUAGES)]
        pattern = chance.choice(SENTENCES[language])
        found: list[tuple[str, str]] = []
        while True:
            found.clear()

            def fill(slot: re.Match[str], found: list[tuple[str, str]] = found) -> str:
                found.append((slot[1], _value(slot[1], chance)))
                return found[-1][1]

            text = _SLOT.sub(fill, pattern)
            values = [value for _, value in found]
            if not any(one in other for n, one in enumerate(values) for m, other in enumerate(values) if n != m):
                break
        if chance.random() < 0.2:
            text = text.lower() if all(value == value.lower() for value in values) else text
        yield Sentence(language, text, tuple(found))


def _value(kind: str, chance: random.Random) -> str:
    def digits(count: int) -> str:
        return str(chance.randrange(10 ** (count - 1), 10**count))

    def letters(count: int) -> str:
        return "".join(chance.choice("ABCDEFGHJKLMNPQRSTUVWXYZ") for _ in range(count))

    day, month = chance.randrange(1, 29), chance.randrange(1, 13)
    makers: Mapping[str, Sequence[Callable[[], str]]] = {
        "code": (
            lambda: f"{letters(1)}-{digits(4)}",
            lambda: f"#{digits(5)}",
            lambda: f"1Z{digits(3)}AA{digits(8)}",
            lambda: f"{letters(4)}_{digits(2)}",
            lambda: f"{letters(2)}{digits(9)}{letters(2)}",
            lambda: f"INV-2027-{digits(4)}",
        ),
        "amount": (
            lambda: f"{digits(2)},{digits(2)} €",
            lambda: f"€{digits(3)}.{digits(2)}",
            lambda: f"US$ {digits(1)},{digits(3)}.{digits(2)}",
            lambda: f"{digits(1)}.{digits(3)} COP",
            lambda: f"£{digits(2)}",
            lambda: f"{digits(3)} EUR",
        ),
        "date": (
            lambda: f"{day:02}/{month:02}/2027",
            lambda: f"2027-{month:02}-{day:02}",
            lambda: f"{day}.{month}.2027",
            lambda: f"{day}/{month}",
        ),
        "time": (
            lambda: f"{chance.randrange(24)}:{chance.randrange(60):02}",
            lambda: f"{chance.randrange(1, 12)}:{chance.randrange(60):02} pm",
            lambda: f"{chance.randrange(10, 24)}h{chance.randrange(10, 60)}",
        ),
        "phone": (
            lambda: f"+34 {digits(3)} {digits(3)} {digits(3)}",
            lambda: f"+49{digits(10)}",
            lambda: f"{digits(3)}-{digits(3)}-{digits(4)}",
            lambda: f"+1 ({digits(3)}) {digits(3)}-{digits(4)}",
        ),
        "email": (
            lambda: f"{letters(4).lower()}_{letters(3).lower()}@example.com",
            lambda: f"{letters(3).lower()}.{letters(5).lower()}+{digits(2)}@mail.example.org",
        ),
        "url": (
            lambda: f"https://shop.example/t/{letters(2)}{digits(4)}?x={digits(1)}&y={letters(2)}",
            lambda: f"www.example.com/{letters(5).lower()}",
            lambda: f"https://example.net/{letters(4).lower()}_{digits(3)}",
        ),
        "mention": (lambda: f"@{letters(4).lower()}_{letters(2).lower()}",),
        "emoji": (lambda: chance.choice(_EMOJI),),
    }
    return chance.choice(makers[kind])()


_TOKEN = re.compile(r"⟦\d+⟧|\S*[\d@#_]\S*|\S*://\S*|[\U0001f1e6-\U0001faff]+")


def _tokens(text: str, change: Callable[[str], str], *, most: int = 0) -> str:
    return _TOKEN.sub(lambda match: change(match[0]), text, count=most)


def _reorder(text: str) -> str:
    found = [match[0] for match in _TOKEN.finditer(text)]
    if len(found) < 2:
        return text
    turned = iter(found[::-1])
    return _TOKEN.sub(lambda _: next(turned), text)


def _wide(text: str) -> str:
    return "".join(chr(ord(each) + 0xFEE0) if "0" <= each <= "9" else each for each in text)


HOSTILE: Mapping[str, Callable[[str], str]] = {
    "drops one": lambda text: _tokens(text, lambda _: "", most=1),
    "drops all": lambda text: _tokens(text, lambda _: ""),
    "doubles one": lambda text: _tokens(text, lambda each: f"{each} {each}", most=1),
    "doubles the text": lambda text: f"{text} {text}",
    "swaps": _reorder,
    "changes digits": lambda text: re.sub(r"\d", lambda each: str((int(each[0]) + 1) % 10), text),
    "counts one up": lambda text: re.sub(r"\d", lambda each: str((int(each[0]) + 1) % 10), text, count=1),
    "upper case": str.upper,
    "lower case": str.lower,
    "title case": str.title,
    "spaces inside": lambda text: _tokens(text, lambda each: " ".join(re.findall(r"\w+|\W", each))),
    "no spaces": lambda text: re.sub(r"(?<=[\d⟧]) (?=\d|€|COP|EUR|pm|⟦)", "", text),
    "full-width digits": _wide,
    "Arabic digits": lambda text: re.sub("[0-9]", lambda each: chr(0x660 + int(each[0])), text),
    "spells numbers": lambda text: re.sub(r"\d", lambda each: ("one", "two", "three", "four")[int(each[0]) % 4], text),
    "translates units": lambda text: text.replace("€", "euros").replace("EUR", "euros").replace(" pm", " p. m."),
    "decimal comma": lambda text: re.sub(r"(?<=\d)([.,])(?=\d)", lambda each: ",."[each[1] == ","], text),
    "other brackets": lambda text: text.replace("⟦", "[").replace("⟧", "]"),
    "no brackets": lambda text: text.replace("⟦", "").replace("⟧", ""),
    "underscores": lambda text: text.replace("_", " "),
    "unseen characters": lambda text: _tokens(text, lambda each: f"{each[:2]}\u200b{each[2:]}"),
    "invents an address": lambda text: f"{text} https://evil.example/x",
    "invents a number": lambda text: f"{text} 4471",
    "invents a phone": lambda text: f"+34 600 000 000 {text}",
    "breaks off": lambda text: text[: len(text) // 2],
    "only the marks": lambda text: " ".join(_TOKEN.findall(text)),
    "says nothing": lambda text: "",
    "says something else": lambda text: "I have a problem with my order.",
    "loops": lambda text: f"{text[:12]} " * 8,
}
"""What engines were seen to do, and worse; each is given a text and says what it makes of it."""


class Hostile:
    """An engine for every pair that leaves the words alone and damages what must survive in one way."""

    def __init__(self, kind: str) -> None:
        self.name = kind
        self._do = HOSTILE[kind]

    def pairs(self) -> set[Pair]:
        """Give every direction."""
        return {Pair(one, other) for one in LANGUAGES for other in LANGUAGES if one != other}

    async def translate(self, texts: Sequence[str], *, source: str, target: str) -> Sequence[Rendering | None]:
        """Damage texts."""
        return [Rendering(self._do(text), 0.9) for text in texts]

    async def probe(self) -> str:
        """Say what it is."""
        return "damages what must survive"

    async def close(self) -> None:
        """Do nothing."""


async def tried(engine: Engine, written: Sequence[Sentence]) -> dict[str, int]:
    """Send sentences through an engine, those that it has a direction for; say how many came to what."""
    chain = Chain([engine])
    told = {"sentences": 0, "damaged": 0, "untranslated": 0}
    for sentence in written:
        target = "es" if sentence.language == "en" else "en"
        if Pair(sentence.language, target) not in engine.pairs():
            continue
        told["sentences"] += 1
        made = await chain.translate(sentence.text, source=sentence.language, target=target)
        if isinstance(made, Untranslated):
            told["untranslated"] += 1
        elif sentence.damage(made.text):
            told["damaged"] += 1
    await engine.close()
    return told


async def main() -> dict[str, dict[str, int]]:
    """Try the real engines of this machine, with models made by hand, and the hostile ones."""
    written = list(sentences(COUNT, seed=1))
    with tempfile.TemporaryDirectory() as folder:
        packages, models = Packages(Path(folder, "argos")), Models(Path(folder, "firefox"))
        for file in TINY.glob("*.argosmodel"):
            packages.install(file)
        make_model(SPANISH).put(models, Pair("es", "en"))
        real: list[Engine] = [Argos(packages), Firefox(models)]
        if shutil.which("apertium"):
            real.append(Apertium())
        for engine in real:
            await engine.probe()
        return {engine.name: await tried(engine, written) for engine in (*real, *map(Hostile, HOSTILE))}


if __name__ == "__main__":
    json.dump(asyncio.run(main()), sys.stdout)
