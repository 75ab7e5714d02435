"""Translation in the path: each side reads its own language, or is told why not."""

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from gateway import desk_posts, interpret
from translation import chain
from translation.contract import EngineError, Pair, Rendering
from translation.memory import Correction
from translation.packages import Packages

World = Any
MakeWorld = Callable[..., Awaitable[World]]
Words = Callable[[dict[str, Any]], str]
PACKAGES = Path(__file__).parent / "fixtures" / "argos"
ONLY = '[translation]\nengines = ["phrasebook"]\n'


class Made:
    """An engine that does what it is told."""

    def __init__(self, do: Callable[[str], str | None]) -> None:
        self.name = "made"
        self._do = do

    def pairs(self) -> set[Pair]:
        return {Pair("es", "en"), Pair("en", "es")}

    async def translate(self, texts: Sequence[str], *, source: str, target: str) -> Sequence[Rendering | None]:
        made = [self._do(text) for text in texts]
        return [None if text is None else Rendering(text, 0.9) for text in made]

    async def probe(self) -> str:
        return "made for a test"

    async def close(self) -> None:
        """Nothing is open."""


def use(world: World, engine: Made) -> None:
    """Have an engine asked after the phrasebook."""
    world.gateway.chain._engines = [*world.gateway.chain._engines, engine]


async def test_each_side_reads_its_own_language(make_world: MakeWorld, words: Words) -> None:
    world = await make_world(extra=ONLY)
    customer = world.customer()
    await customer.write("¿Dónde está mi pedido A-1042?")
    thread = await world.thread()
    post = await world.shown(thread, "Where is my order A-1042?")
    card = world.slack.posts[thread]
    await world.slack.write("U0BEN", "It will arrive on Friday.", thread=thread)
    await world.until(lambda: customer.got())

    text = words(post)
    assert text.index("Where is my order A-1042?") < text.index("Spanish · phrasebook: ¿Dónde está mi pedido A-1042?")
    assert "<@U0ANA>" in words(card)
    assert customer.got() == ["Llegará el viernes."]
    await world.shown(thread, "Sent in Spanish · phrasebook: Llegará el viernes.")
    await world.shown(thread, "which means: It will arrive on Friday.")


async def test_what_nobody_can_translate_goes_as_it_is_and_says_so(make_world: MakeWorld) -> None:
    world = await make_world(extra=ONLY)
    customer = world.customer()
    await customer.write("Mi tortuga se comió el paquete y ahora no sé qué hacer con ella")
    thread = await world.thread()
    await world.shown(thread, "Mi tortuga se comió el paquete")
    await world.shown(thread, "Shown as written, in Spanish: no engine could translate it")
    await world.slack.write("U0ANA", "Turtles are remarkable animals", thread=thread)
    await world.until(lambda: customer.got())

    assert customer.got() == ["Turtles are remarkable animals"]
    await world.shown(thread, "Not translated into Spanish")


async def test_an_agent_who_writes_the_customers_language_is_passed_through(make_world: MakeWorld) -> None:
    world = await make_world(extra=ONLY)
    customer = world.customer()
    await customer.write("¿Dónde está mi pedido?")
    thread = await world.thread()
    await world.slack.write("U0ANA", "Hola, lo estoy mirando ahora mismo", thread=thread)
    await world.slack.write("U0ANA", "Gracias", thread=thread)
    await world.until(lambda: len(customer.got()) == 2)

    assert customer.got() == ["Hola, lo estoy mirando ahora mismo", "Gracias"]


async def test_the_desks_language_is_shown_once_and_plain(make_world: MakeWorld, words: Words) -> None:
    world = await make_world(extra=ONLY)
    customer = world.customer()
    await customer.write("Where is my order, please? I am waiting.")
    thread = await world.thread()
    post = await world.shown(thread, "Where is my order")
    await world.slack.write("U0ANA", "On its way", thread=thread)
    await world.until(lambda: customer.got())

    assert words(post).count("Where is my order") == 1
    assert customer.got() == ["On its way"]


async def test_what_is_the_same_in_every_language_is_shown_without_ado(make_world: MakeWorld, words: Words) -> None:
    world = await make_world(extra=ONLY)
    customer = world.customer()
    await customer.write("¿Dónde está mi pedido?")
    thread = await world.thread()
    await customer.write("ok 👍")
    post = await world.shown(thread, "ok 👍")

    assert "Shown as written" not in words(post)


async def test_a_message_in_two_languages_is_translated_passage_by_passage(make_world: MakeWorld, words: Words) -> None:
    world = await make_world(extra=ONLY)
    customer = world.customer()
    await customer.write("Hola, necesito una factura")
    thread = await world.thread()
    await customer.write("Mi pedido no ha llegado.\nI would really like to have it back soon.\nGracias")
    post = await world.shown(thread, "really like")

    assert "My order has not arrived.\nI would really like to have it back soon.\nThank you!" in words(post)
    assert "Mi pedido no ha llegado." in words(post)
    assert "rough" not in words(post)


async def test_one_word_with_a_capital_is_translated_once_the_language_is_known(
    make_world: MakeWorld, words: Words
) -> None:
    world = await make_world(extra=ONLY)
    customer = world.customer()
    await customer.write("¿Dónde está mi pedido?")
    await customer.write("Ayuda")

    assert await world.shown(await world.thread(), "I need help.")


async def test_the_agent_sets_the_language(make_world: MakeWorld) -> None:
    world = await make_world(extra=ONLY)
    customer = world.customer()
    await customer.write("👍")
    thread = await world.thread()
    await world.slack.write("U0ANA", "!lang pt-BR", thread=thread)
    await world.on_card(thread, "Brazilian Portuguese")
    await world.slack.write("U0ANA", "Thank you!", thread=thread)
    await world.until(lambda: customer.got())

    assert customer.got() == ["Obrigado!"]


async def test_with_nobody_free_the_customer_is_told_in_their_language(make_world: MakeWorld) -> None:
    agents = "".join(
        f'\n[[agents]]\nslack_user_id = "U0X{number}"\nname = "X{number}"\ncapacity = 0\n' for number in range(1)
    )
    world = await make_world(extra=agents)
    for agent in ("U0ANA", "U0BEN"):
        for number in range(4):
            await world.customer(chat=int(f"{number + 1}{'1' if agent == 'U0ANA' else '2'}")).write(
                "Where is my order?"
            )
    await world.thread(8)
    customer = world.customer(chat=9001)
    await customer.write("¿Dónde está mi pedido?")
    await world.until(lambda: customer.got())

    assert customer.got() == ["Gracias por su mensaje. Nuestro equipo le responderá lo antes posible."]
    first = await world.thread()
    await world.slack.write("U0ANA", "!close", thread=first)
    ninth = await world.thread(9)
    await world.shown(ninth, "Assigned to")


async def test_a_risky_answer_is_held_with_its_meaning(make_world: MakeWorld, words: Words) -> None:
    world = await make_world(extra=ONLY)
    use(world, Made(lambda text: "ensalada ensalada ensalada ensalada" if "turtles" in text else f"{text}…"))
    customer = world.customer()
    await customer.write("¿Dónde está mi pedido?")
    thread = await world.thread()
    answer = await world.slack.write("U0ANA", "Please keep your turtles away from it", thread=thread)
    question = await world.shown(thread, "This may be a wrong translation: the translation repeats itself.")
    assert customer.got() == []
    await world.slack.write("U0ANA", "Thank you!", thread=thread)
    await world.until(lambda: customer.got() == ["¡Gracias!"])

    assert await world.slack.press("U0ANA", "send_original", answer, question["ts"]) == 200
    await world.until(lambda: customer.got() == ["¡Gracias!", "Please keep your turtles away from it"])
    await world.shown(thread, "Sent as it was written by Ana.")
    await world.settled()
    assert not any("would read" in words(post) for post in world.slack.replies(thread))


async def test_a_risky_answer_is_edited_before_it_goes(make_world: MakeWorld, words: Words) -> None:
    world = await make_world(extra=ONLY)
    use(world, Made(lambda text: "ensalada ensalada ensalada ensalada" if "turtles" in text else f"back: {text}"))
    customer = world.customer()
    await customer.write("¿Dónde está mi pedido?")
    thread = await world.thread()
    answer = await world.slack.write("U0ANA", "Please keep your turtles away from it", thread=thread)
    question = await world.shown(thread, "This may be a wrong translation")
    assert await world.slack.press("U0BEN", "edit", answer, question["ts"]) == 200
    await world.until(lambda: world.slack.forms)
    (form,) = world.slack.forms
    assert form["user"] == "U0BEN"
    assert "Please keep your turtles" in str(form["view"]["blocks"])
    assert form["view"]["blocks"][-1]["element"]["initial_value"] == "ensalada ensalada ensalada ensalada"
    assert await world.slack.submit(form["id"], "Mantenga las tortugas lejos") == 200

    await world.until(lambda: customer.got() == ["Mantenga las tortugas lejos"])
    await world.shown(thread, "Edited and sent by Ben.")
    await world.shown(thread, "which means: back: Mantenga las tortugas lejos")
    assert "in Ben's words" in words(await world.shown(thread, "Sent in Spanish"))


async def test_a_risky_change_is_held_too(make_world: MakeWorld) -> None:
    world = await make_world(extra=ONLY)
    use(world, Made(lambda text: "ensalada ensalada ensalada ensalada" if "turtles" in text else f"back: {text}"))
    customer = world.customer()
    await customer.write("¿Dónde está mi pedido?")
    thread = await world.thread()
    answer = await world.slack.write("U0ANA", "It will arrive on Friday.", thread=thread)
    await world.until(lambda: customer.got() == ["Llegará el viernes."])
    await world.slack.edit(answer, "Please keep your turtles away from it")
    question = await world.shown(thread, "This may be a wrong translation: the translation repeats itself.")
    assert customer.got() == ["Llegará el viernes."]

    await world.slack.press("U0BEN", "send_original", answer, question["ts"])

    await world.until(lambda: customer.got() == ["Please keep your turtles away from it"])
    await world.shown(thread, "Sent as it was written by Ben.")


async def test_what_was_right_for_a_like_answer_is_shown_with_a_held_one(make_world: MakeWorld, words: Words) -> None:
    world = await make_world(extra=ONLY)
    use(world, Made(lambda text: "ensalada ensalada ensalada ensalada" if "turtles" in text else f"{text}…"))
    right = {"text": "Keep your turtle away from it", "fix": "Aleje su tortuga"}
    await world.gateway.bridge.corrections.add(Correction(source="en", target="es", **right))
    await world.customer().write("¿Dónde está mi pedido?")
    thread = await world.thread()
    await world.slack.write("U0ANA", "Keep your turtles away from it", thread=thread)

    question = await world.shown(thread, "This may be a wrong translation: the translation repeats itself.")
    assert "Corrected before: “Keep your turtle away from it” → “Aleje su tortuga”." in words(question)


async def test_a_risky_question_is_shown_marked(make_world: MakeWorld) -> None:
    world = await make_world(extra=ONLY)
    use(world, Made(lambda text: "salad salad salad salad salad"))
    await world.customer().write("Mi tortuga se comió el paquete y no sé qué hacer")
    thread = await world.thread()

    await world.shown(thread, "This translation may be wrong: the translation repeats itself")
    assert await world.shown(thread, "Mi tortuga se comió el paquete") == await world.shown(thread, "salad salad")


async def test_guard_mark_sends_and_says_so(make_world: MakeWorld) -> None:
    world = await make_world(extra=ONLY + 'guard = "mark"\n')
    use(world, Made(lambda text: "ensalada ensalada ensalada ensalada"))
    customer = world.customer()
    await customer.write("¿Dónde está mi pedido?")
    thread = await world.thread()
    await world.slack.write("U0ANA", "Please keep your turtles away from it", thread=thread)
    await world.until(lambda: customer.got())

    await world.shown(thread, "This translation may be wrong")
    assert len(customer.got()) == 1


async def test_an_engine_that_breaks_holds_up_nobody(make_world: MakeWorld) -> None:
    def broken(_: str) -> str:
        raise EngineError("it isn't there")

    world = await make_world(extra=ONLY)
    use(world, Made(broken))
    customer = world.customer()
    await customer.write("Mi tortuga se comió el paquete y no sé qué hacer")
    thread = await world.thread()

    marked = await world.shown(thread, "Shown as written, in Spanish")
    assert marked == await world.shown(thread, "Mi tortuga se comió el paquete")


SAID = {
    "La funda de mi teléfono llegó rota": "The case of my phone arrived broken",
    "Which colour was the case?": "¿De qué color era la funda?",
    "¿De qué color era la funda?": "What color was the case?",
    "La de siempre, la verde": "The usual one, the green one",
}


class Remembering(Made):
    """An engine that is told what was said before."""

    def __init__(self) -> None:
        super().__init__(lambda text: SAID.get(text))
        self.told: list[tuple[str, tuple[str, ...]]] = []

    async def translate_in(
        self, before: Sequence[str], texts: Sequence[str], *, source: str, target: str
    ) -> Sequence[Rendering | None]:
        self.told += [(text, tuple(before)) for text in texts]
        return await self.translate(texts, source=source, target=target)


async def test_an_engine_that_wants_to_know_is_told_what_was_said_before(make_world: MakeWorld) -> None:
    world = await make_world(extra=ONLY)
    engine = Remembering()
    use(world, engine)
    customer = world.customer()
    await customer.write("La funda de mi teléfono llegó rota")
    thread = await world.thread()
    await world.shown(thread, "The case of my phone arrived broken")
    await world.slack.write("U0ANA", "Which colour was the case?", thread=thread)
    await world.until(lambda: customer.got())
    await customer.write("La de siempre, la verde")
    await world.shown(thread, "The usual one, the green one")

    case = "Customer: La funda de mi teléfono llegó rota"
    answered = "Agent: ¿De qué color era la funda?"
    assert ("Which colour was the case?", (case,)) in engine.told
    assert ("La de siempre, la verde", (case, answered)) in engine.told


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have what is late tried again without much waiting."""
    monkeypatch.setattr(desk_posts, "LATE_LEAST", timedelta(milliseconds=20))
    monkeypatch.setattr(interpret, "DESK_WAITS", 0.2)


TURTLE = "Mi tortuga se comió el paquete y no sé qué hacer"


@pytest.mark.usefixtures("at_once")
async def test_a_message_that_no_engine_could_translate_is_translated_where_it_stands(
    make_world: MakeWorld, words: Words
) -> None:
    works = False

    def flaky(text: str) -> str:
        if not works:
            raise EngineError("it isn't there")
        return "My turtle ate the parcel and I do not know what to do"

    world = await make_world(extra=ONLY)
    later = count(0, 1000)
    world.gateway.chain._breaker._clock = lambda: next(later)
    use(world, Made(flaky))
    await world.customer().write(TURTLE)
    thread = await world.thread()
    post = await world.shown(thread, "Shown as written, in Spanish: no engine works just now; its translation follows")
    posts = len(world.slack.replies(thread))

    works = True
    translated = await world.shown(thread, "My turtle ate the parcel")
    await world.settled()

    assert translated["ts"] == post["ts"]
    assert "Spanish · made: " + TURTLE in words(translated)
    assert "follows" not in words(translated)
    assert len(world.slack.replies(thread)) == posts


@pytest.mark.usefixtures("at_once")
async def test_the_translation_of_what_took_several_posts_follows_beneath(make_world: MakeWorld, words: Words) -> None:
    works = False

    def flaky(text: str) -> str:
        if not works:
            raise EngineError("it isn't there")
        return text.replace("Mi tortuga se comió el paquete", "My turtle ate the parcel").replace("y no sé", "and I")

    world = await make_world(extra=ONLY)
    later = count(0, 1000)
    world.gateway.chain._breaker._clock = lambda: next(later)
    use(world, Made(flaky))
    story = "\n".join(f"{TURTLE}, y van {number} paquetes." for number in range(1, 220))
    await world.customer().write(story)
    thread = await world.thread()
    await world.shown(thread, "its translation follows")
    await world.until(lambda: any("219 paquetes" in words(post) for post in world.slack.replies(thread)))
    before = len(world.slack.replies(thread))

    works = True
    await world.shown(thread, "The translation of what was shown as written, above")
    await world.settled()

    after = [words(post) for post in world.slack.replies(thread)[before:]]
    assert sum(text.count("My turtle ate the parcel") for text in after) == 219
    assert not any("Mi tortuga" in text for text in after)
    assert before > 2


@pytest.mark.usefixtures("at_once")
async def test_a_slow_engine_holds_up_no_message_and_its_translation_follows(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = asyncio.Event()

    class Slow(Made):
        async def translate(self, texts: Sequence[str], *, source: str, target: str) -> Sequence[Rendering | None]:
            await go_on.wait()
            return await super().translate(texts, source=source, target=target)

    monkeypatch.setattr(chain, "PATIENCE", 0.5)
    world = await make_world(extra=ONLY)
    use(world, Slow(lambda text: "My turtle ate the parcel and I do not know what to do"))
    await world.customer().write(TURTLE)
    thread = await world.thread()
    post = await world.shown(thread, "its translation follows")

    go_on.set()

    assert (await world.shown(thread, "My turtle ate the parcel"))["ts"] == post["ts"]


@pytest.mark.usefixtures("at_once")
async def test_what_is_corrected_or_taken_back_meanwhile_stays_so(make_world: MakeWorld, words: Words) -> None:
    go_on = asyncio.Event()

    class Slow(Made):
        async def translate(self, texts: Sequence[str], *, source: str, target: str) -> Sequence[Rendering | None]:
            await go_on.wait()
            return await super().translate(texts, source=source, target=target)

    world = await make_world(extra=ONLY)
    use(world, Slow(lambda text: f"{text} in English"))
    customer = world.customer()
    message = await customer.write(TURTLE)
    thread = await world.thread()
    await world.shown(thread, "its translation follows")
    await customer.edit(message, "Todo está bien, gracias por su ayuda de siempre")
    await world.shown(thread, "Todo está bien")

    go_on.set()
    post = await world.shown(thread, "de siempre in English")
    await world.settled()

    assert "tortuga" not in words(post)
    assert (await world.shown(thread, "de siempre in English"))["ts"] == post["ts"]


async def test_real_packages_translate_what_they_learnt(make_world: MakeWorld) -> None:
    world = await make_world(extra='[translation]\nengines = ["argos"]\n')
    packages = Packages(world.folder / "data" / "packages")
    for file in PACKAGES.glob("*.argosmodel"):
        await asyncio.to_thread(packages.install, file)
    customer = world.customer()
    await customer.write("¿Dónde está mi pedido A-1042?")
    thread = await world.thread()

    await world.shown(thread, "Where is my order A-1042?")
    await world.slack.write("U0BEN", "Your order is on its way.", thread=thread)
    await world.until(lambda: customer.got())
    await world.shown(thread, "Sent in Spanish · argos:")


async def test_apertium_gives_the_gist_of_anything(make_world: MakeWorld) -> None:
    if shutil.which("apertium") is None:
        if os.environ.get("CI"):
            pytest.fail("CI installs apertium and apertium-eng-spa")
        pytest.skip("apertium isn't installed: apt install apertium-eng-spa")
    world = await make_world(extra='[translation]\nengines = ["phrasebook", "apertium"]\n')
    customer = world.customer()
    await customer.write("El perro come en la casa con mi hermano")
    thread = await world.thread()
    await world.shown(thread, "rough translation by apertium")
    await world.shown(thread, "dog")
    answer = await world.slack.write("U0ANA", "The dog eats in the house", thread=thread)
    question = await world.shown(thread, "apertium gives only the gist")
    assert customer.got() == []
    await world.slack.press("U0ANA", "send", answer, question["ts"])
    await world.until(lambda: customer.got())

    assert "perro" in customer.got()[0]
