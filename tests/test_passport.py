"""The passport of a message says every hop that it made."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from gateway.passport import NOWHERE
from translation.contract import Pair, Rendering

World = Any


async def test_of_a_customers_message(world: World, words: Callable[[Any], str]) -> None:
    await world.customer().write("¿Dónde está mi pedido?")
    thread = await world.thread()
    post = await world.shown(thread, "Where is my order?")
    assert await world.slack.choose("U0ANA", "passport", post["ts"]) == 200
    (told,) = await world.until(lambda: [each["text"] for each in world.slack.whispers])

    hops = [line.rpartition("> ")[2].removeprefix("• ") for line in told.splitlines()]
    assert hops == [
        "written by Lucía: on tg",
        "verified, stored, and taken up: heard as Spanish",
        "translated by phrasebook",
        "routed: Ana: speaks es, has 0 of 4; Ben: through translation, has 0 of 4",
        "posted to the thread",
    ]
    assert told.count("{time_secs}|") == 4


async def test_of_an_answer(world: World) -> None:
    customer = world.customer()
    await customer.write("¿Dónde está mi pedido?")
    thread = await world.thread()
    answer = await world.slack.write("U0BEN", "It is on its way.", thread=thread)
    await world.until(lambda: "white_check_mark" in world.slack.reactions.get(answer, ()))
    await world.slack.edit(answer, "Thank you for your patience.")
    await world.until(lambda: customer.got() == ["Gracias por su paciencia."])
    await world.settled()
    assert await world.slack.choose("U0ANA", "passport", answer) == 200
    (told,) = await world.until(lambda: [each["text"] for each in world.slack.whispers])

    hops = [line.rpartition("> ")[2].removeprefix("• ") for line in told.splitlines()]
    (sent,) = [hop for hop in hops if hop.startswith("accepted")]
    assert hops == [
        "written by Ben",
        "taken up",
        "translated into Spanish by phrasebook",
        sent,
        "edited",
        "translated into Spanish by phrasebook",
        "changed at the platform",
    ]
    assert told.count("{time_secs}|") == len(hops)


class Modelled:
    """An engine whose models have versions."""

    name = "modelled"

    def pairs(self) -> set[Pair]:
        return {Pair("es", "en"), Pair("en", "es")}

    def version(self, source: str, target: str) -> str:
        return f"{source}-{target} 2.1"

    async def translate(self, texts: Sequence[str], *, source: str, target: str) -> Sequence[Rendering]:
        return [Rendering(f"{text}…", 1.0) for text in texts]

    async def probe(self) -> str:
        return "made for a test"

    async def close(self) -> None:
        """Nothing is open."""


async def test_it_names_the_version_of_the_model(make_world: Callable[..., Awaitable[World]]) -> None:
    world = await make_world(extra='[translation]\nengines = ["phrasebook"]\nguard = "off"\n')
    world.gateway.chain._engines = [Modelled()]
    await world.customer().write("¿Dónde está mi pedido?")
    thread = await world.thread()
    post = await world.shown(thread, "¿Dónde está mi pedido?…")
    answer = await world.slack.write("U0BEN", "It is on its way.", thread=thread)
    await world.until(lambda: "white_check_mark" in world.slack.reactions.get(answer, ()))
    await world.settled()

    for about in (post["ts"], answer):
        await world.slack.choose("U0BEN", "passport", about)
    said, sent = await world.until(lambda: [each["text"] for each in world.slack.whispers][1:] and world.slack.whispers)
    assert "translated by modelled (version es-en 2.1)" in said["text"]
    assert "translated into Spanish by modelled (version en-es 2.1)" in sent["text"]


async def test_of_a_note_of_ours_there_is_none(world: World) -> None:
    await world.customer().write("¿Dónde está mi pedido?")
    thread = await world.thread()
    await world.slack.write("U0BEN", "!claim", thread=thread)
    note = await world.shown(thread, "Claimed by Ben")
    await world.slack.choose("U0ANA", "passport", note["ts"])
    (told,) = await world.until(lambda: [each["text"] for each in world.slack.whispers])

    assert told == NOWHERE
