"""Answers whose translation is unclear are looked at once more before they are sent; clear ones don't wait for it."""

from collections.abc import Sequence
from typing import ClassVar

import pytest
from msgspec.structs import replace

from adapters.contract import Capabilities
from adapters.desk_view import Said
from gateway.interpret import Held, Interpreter
from gateway.rules import Rules
from gateway.store.contract import Progress
from routing.contents import EPOCH
from routing.effects import TellCustomer, TellDesk
from routing.policy import Policy
from translation.batch import replying
from translation.chain import Chain
from translation.contract import Pair, Rendering
from translation.detect import Detector
from translation.phrasebook import Phrasebook

CHANNEL = Capabilities(max_text=1000)
ANSWER = TellCustomer(text="Your parcel broke on the way", source="en", language="es", reply="1.0", agent="U0ANA")
RIGHT = "Su paquete se rompió en el camino"


class Sure:
    """An engine that says how sure it is, and what its words mean back."""

    name = "argos"

    def __init__(self, said: str, back: str, score: float) -> None:
        self.asked: list[str] = []
        self._said = {"es": said, "en": back}
        self._score = score

    def pairs(self) -> set[Pair]:
        return {Pair("en", "es"), Pair("es", "en")}

    async def translate(self, texts: Sequence[str], *, source: str, target: str) -> Sequence[Rendering | None]:
        self.asked += [target] * len(texts)
        return [Rendering(self._said[target], self._score)]

    async def probe(self) -> str:
        return "made for a test"

    async def close(self) -> None:
        self.asked.append("closed")


async def answer(engine: Sure) -> Progress | Held:
    interpreter = Interpreter(Chain([engine]), Phrasebook.load(), Detector(), Rules(Policy()), guard="hold")
    return await interpreter.for_customer(ANSWER, CHANNEL)


async def test_an_unclear_answer_that_means_the_same_goes() -> None:
    engine = Sure(RIGHT, "Your parcel broke on the way", 0.85)
    words = await answer(engine)

    assert isinstance(words, Progress)
    assert words.parts == (RIGHT,)
    assert words.back == "Your parcel broke on the way"
    assert engine.asked == ["es", "en"]


async def test_a_reply_goes_before_what_customers_wrote() -> None:
    class Queue(Sure):
        urgent: ClassVar[list[tuple[str, bool]]] = []

        async def translate(self, texts: Sequence[str], *, source: str, target: str) -> Sequence[Rendering | None]:
            self.urgent.append((target, replying.get()))
            return await super().translate(texts, source=source, target=target)

    engine = Queue(RIGHT, "Your parcel broke on the way", 0.97)
    interpreter = Interpreter(Chain([engine]), Phrasebook.load(), Detector(), Rules(Policy()), guard="hold")
    await interpreter.for_customer(ANSWER, CHANNEL)
    told = TellDesk(message="1", name="Lucía", at=EPOCH, text=RIGHT, language="es")
    await interpreter.for_desk(told)

    assert engine.urgent == [("es", True), ("en", False)]


async def test_an_unclear_answer_that_means_something_else_is_held() -> None:
    words = await answer(Sure("Quiero cambiar la dirección hoy", "I want to change the address today", 0.85))

    assert isinstance(words, Held)
    assert words.back == "I want to change the address today"
    assert "its meaning back differs" in words.reason


async def test_a_notice_of_ours_goes_as_it_was_written_where_its_translation_is_unclear() -> None:
    notice = replace(ANSWER, reply="", agent="", phrase="notice_that_nobody_translated")
    interpreters = [
        Interpreter(Chain([engine]), Phrasebook.load(), Detector(), Rules(Policy()), guard=guard)
        for engine, guard in (
            (Sure("Quiero cambiar la dirección hoy", "I want to change the address today", 0.85), "hold"),
            (Sure(RIGHT, "", 0.97), "hold"),
            (Sure("Quiero cambiar la dirección hoy", "I want to change the address today", 0.85), "mark"),
        )
    ]
    doubtful, clear, marked = [await each.for_customer(notice, CHANNEL) for each in interpreters]

    assert isinstance(doubtful, Progress)
    assert (doubtful.parts, doubtful.language, doubtful.engine) == ((notice.text,), "en", "")
    assert doubtful.warning.startswith("Sent as written: in Spanish it may be wrong: ")
    assert isinstance(clear, Progress)
    assert clear.parts == (RIGHT,)
    assert isinstance(marked, Progress)
    assert marked.parts == ("Quiero cambiar la dirección hoy",)


async def test_a_clear_answer_waits_for_nothing() -> None:
    engine = Sure(RIGHT, "", 0.97)
    words = await answer(engine)

    assert isinstance(words, Progress)
    assert engine.asked == ["es"]


class Plain:
    """An engine from Spanish alone."""

    name = "firefox"

    def pairs(self) -> set[Pair]:
        return {Pair("es", "en")}

    async def translate(self, texts: Sequence[str], *, source: str, target: str) -> Sequence[Rendering | None]:
        return [Rendering("My parcel arrived completely broken yesterday.", 0.9) for _ in texts]

    async def probe(self) -> str:
        return "made for a test"

    async def close(self) -> None:
        return None


async def shown(text: str, language: str) -> Said:
    interpreter = Interpreter(Chain([Plain()]), Phrasebook.load(), Detector(), Rules(Policy()), guard="hold")
    return await interpreter.for_desk(TellDesk(message="1", name="Lucía", at=EPOCH, text=text, language=language))


@pytest.mark.parametrize("language", ["es", "en"])
async def test_a_message_in_two_languages_is_judged_by_what_was_translated(language: str) -> None:
    english = "Can you please have a look at this for me and tell me what I should do now?"
    said = await shown(f"{english} Ayer mi paquete llegó completamente roto.", language)

    assert said.text == f"{english} My parcel arrived completely broken yesterday."
    assert (said.language, said.mark) == ("es", "")


async def test_a_passage_that_nobody_can_translate_is_told_with_its_own_language() -> None:
    said = await shown("Where is my order please? Ich habe meine Bestellung noch nicht erhalten.", "en")

    assert said.mark.startswith("Shown as written, in German")
