"""Engines in order: what one refuses, breaks on or damages, the next is asked; nothing is lost."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

import translation.chain
from translation.chain import Chain, Untranslated
from translation.contract import EngineError, Pair, Rendering, Translated
from translation.phrasebook import Phrasebook

ES_EN = Pair("es", "en")
TEXT = "mi pedido A-1042 de 24,90 € no llega, escriba a ana@example.com hoy"


class Made:
    """An engine that does what it is told."""

    def __init__(self, name: str, do: Callable[[str], str | None], pair: Pair = ES_EN) -> None:
        self.name = name
        self.asked: list[str] = []
        self._do = do
        self._pair = pair

    def pairs(self) -> set[Pair]:
        return {self._pair}

    async def translate(self, texts: Sequence[str], *, source: str, target: str) -> Sequence[Rendering | None]:
        self.asked += texts
        made = [self._do(text) for text in texts]
        return [None if text is None else Rendering(text, 0.9) for text in made]

    async def probe(self) -> str:
        return "made for a test"

    async def close(self) -> None:
        self.asked.append("closed")


async def run(*engines: Made, text: str = TEXT) -> Translated | Untranslated:
    return await Chain(engines).translate(text, source="es", target="en")


def broken(_: str) -> str:
    raise EngineError("it isn't there")


def odd(_: str) -> str:
    raise ZeroDivisionError


class Short(Made):
    """An engine that gives fewer answers than it was asked for."""

    async def translate(self, texts: Sequence[str], *, source: str, target: str) -> Sequence[Rendering | None]:
        return []


@pytest.mark.parametrize(
    ("name", "do"),
    [
        ("keeps the placeholders", lambda text: f"EN {text}"),
        ("knows numbers only", lambda text: "EN " + text.replace("⟦", "").replace("⟧", "")),
        ("loses all placeholders", lambda text: "EN " + "".join(c for c in text if c.isalpha() or c == " ")),
        ("doubles them", lambda text: f"{text} {text}"),
        ("upper case", str.upper),
    ],
)
async def test_spans_survive_every_engine(name: str, do: Callable[[str], str]) -> None:
    made = await run(Made("made", do))

    assert isinstance(made, Translated), name
    for span in ("A-1042", "24,90 €", "ana@example.com"):
        assert made.text.count(span) == 1, name


async def test_the_next_engine_is_asked_when_one_fails_refuses_or_damages() -> None:
    inventive = Made("inventive", lambda text: text + " https://evil.example/x")
    bad = [Made("broken", broken), Made("odd", odd), Short("short", str), Made("refusing", lambda _: None), inventive]
    made = await run(*bad, Made("good", str.title))

    assert isinstance(made, Translated)
    assert made.engine == "good"


async def test_when_all_damage_it_the_loss_is_named() -> None:
    made = await run(Made("inventive", lambda text: text + " +34 600 000 000"))

    assert isinstance(made, Untranslated)
    assert "+34 600 000 000" in made.why


async def test_what_nobody_can_is_told() -> None:
    nobody = await run(Made("other", str, Pair("de", "en")))
    refused = await run(Made("refusing", lambda _: None))

    assert isinstance(nobody, Untranslated)
    assert "no engine is installed" in nobody.why
    assert isinstance(refused, Untranslated)


async def test_what_has_no_words_is_not_translated() -> None:
    engine = Made("made", str.upper)
    made = await run(engine, text="👍 42")

    assert made == Translated("👍 42", "", 1.0)
    assert not engine.asked


async def test_a_slow_engine_is_left_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(translation.chain, "PATIENCE", 0.01)

    class Slow(Made):
        async def translate(self, texts: Sequence[str], *, source: str, target: str) -> Sequence[Rendering | None]:
            await asyncio.sleep(60)
            return []

    made = await run(Slow("slow", str), Made("good", str.title))

    assert isinstance(made, Translated)
    assert made.engine == "good"


async def test_the_phrasebook_comes_first_and_exactly() -> None:
    chain = Chain([Phrasebook.load(), Made("other", lambda _: "nonsense")])

    made = await chain.translate("¿Dónde está mi pedido A-1042? 🙏", source="es", target="en")

    assert made == Translated("Where is my order A-1042? 🙏", "phrasebook", 1.0)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


async def test_an_engine_that_fails_again_and_again_is_left_alone_and_tried_later() -> None:
    clock = Clock()
    works = False

    def flaky(text: str) -> str:
        if not works:
            raise EngineError("it isn't there")
        return text.upper()

    first, second = Made("first", flaky), Made("second", str.upper)
    outcomes: list[tuple[str, str]] = []
    chain = Chain([first, second], clock=clock, note=lambda name, _, outcome, took: outcomes.append((name, outcome)))

    async def engine(text: str = "hola amigo") -> str:
        made = await chain.translate(text, source="es", target="en")
        assert isinstance(made, Translated)
        return made.engine

    assert [await engine() for _ in range(5)] == ["second"] * 5
    assert len(first.asked) == 3
    assert outcomes.count(("first", "rested")) == 2

    clock.now += 10
    await engine()
    await engine()
    assert len(first.asked) == 4

    works = True
    clock.now += 19
    await engine()
    assert len(first.asked) == 4
    clock.now += 1
    assert [await engine() for _ in range(2)] == ["first"] * 2


async def test_while_one_text_tries_a_resting_engine_others_go_past_it() -> None:
    clock = Clock()
    tried: asyncio.Event = asyncio.Event()
    go_on: asyncio.Event = asyncio.Event()

    class Slow(Made):
        async def translate(self, texts: Sequence[str], *, source: str, target: str) -> Sequence[Rendering | None]:
            self.asked += texts
            if len(self.asked) > 3:
                tried.set()
                await go_on.wait()
            raise EngineError("it isn't there")

    first, second = Slow("first", broken), Made("second", str.upper)
    chain = Chain([first, second], clock=clock)
    for _ in range(3):
        await chain.translate("hola amigo", source="es", target="en")
    clock.now += 10
    trying = asyncio.create_task(chain.translate("hola amigo", source="es", target="en"))
    await tried.wait()

    await chain.translate("hola amigo", source="es", target="en")

    assert len(first.asked) == 4
    go_on.set()
    await trying


@pytest.mark.parametrize(
    ("do", "outcomes"),
    [
        (str.upper, ["translated"]),
        (lambda text: text.replace("⟦", "").replace("⟧", ""), ["retried", "translated"]),
        (lambda text: f"{text} https://evil.example/x", ["retried", "lost"]),
        (lambda text: None, ["refused"]),
        (broken, ["failed"]),
        (odd, ["failed"]),
    ],
    ids=["translated", "retried", "lost", "refused", "failed", "broke"],
)
async def test_what_came_of_asking_an_engine_is_noted(do: Callable[[str], str | None], outcomes: list[str]) -> None:
    noted: list[tuple[str, Pair, str]] = []
    chain = Chain([Made("made", do)], note=lambda name, pair, outcome, took: noted.append((name, pair, outcome)))

    await chain.translate(TEXT, source="es", target="en")

    assert noted == [("made", ES_EN, outcome) for outcome in outcomes]


async def test_how_long_a_translation_took_is_noted() -> None:
    clock = Clock()
    took: list[float] = []

    def slow(text: str) -> str:
        clock.now += 2.5
        return text.upper()

    chain = Chain([Made("made", slow)], clock=clock, note=lambda name, pair, outcome, seconds: took.append(seconds))
    await chain.translate("hola amigo", source="es", target="en")

    assert took == [2.5]


async def test_what_an_engine_was_given_is_counted() -> None:
    spent: list[tuple[str, int]] = []
    chain = Chain([Made("first", str.upper)], spend=lambda *each: spent.append(each))

    await chain.translate("hola amigo", source="es", target="en")

    assert spent == [("first", 10)]


async def test_an_engine_for_which_no_time_was_left_has_not_failed() -> None:
    class Slow(Made):
        async def translate(self, texts: Sequence[str], *, source: str, target: str) -> Sequence[Rendering | None]:
            await asyncio.get_running_loop().create_future()
            return []

    outcomes: list[tuple[str, str]] = []
    slow, quick = Slow("slow", str.upper), Made("quick", str.upper)
    chain = Chain([slow, quick], note=lambda name, _, outcome, took: outcomes.append((name, outcome)))

    made = await chain.translate("hola amigo", source="es", target="en", within=0.05)

    assert made == Untranslated("no engine works just now", passing=True)
    assert outcomes == [("slow", "failed")]
    assert quick.asked == []


async def test_an_engine_that_does_not_know_its_languages_yet_may_work_later() -> None:
    class Asking(Made):
        learning = True

        def pairs(self) -> set[Pair]:
            return set() if self.learning else super().pairs()

    engine = Asking("asking", str.upper)

    assert await run(engine, text="hola amigo") == Untranslated("no engine works just now", passing=True)
    engine.learning = False
    assert await run(engine, text="hola amigo") == Translated("HOLA AMIGO", "asking", 0.9)


class Remembering(Made):
    """An engine that is told what was said before."""

    async def translate_in(
        self, before: Sequence[str], texts: Sequence[str], *, source: str, target: str
    ) -> Sequence[Rendering | None]:
        return [Rendering(f"{text} after {' '.join(before)}", 0.9) for text in texts]


async def test_what_a_short_text_means_is_asked_anew_where_something_else_was_said() -> None:
    chain = Chain([Remembering("made", str.upper)])

    async def made(text: str, before: str) -> str:
        given = await chain.translate(text, source="es", target="en", before=[before])
        return given.text if isinstance(given, Translated) else ""

    assert await made("el banco", "río") == "el banco after río"
    assert await made("el banco", "crédito") == "el banco after crédito"
    long = "ayer estuve en el banco y me dijeron que vuelva mañana por la tarde"
    assert await made(long, "río") == await made(long, "crédito")


async def test_an_engine_that_cannot_know_what_was_said_computes_nothing_twice() -> None:
    engine = Made("made", str.upper)
    chain = Chain([engine])
    for before in (["río"], ["crédito"]):
        await chain.translate("el banco", source="es", target="en", before=before)

    assert engine.asked == ["el banco"]
