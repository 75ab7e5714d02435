"""The passport of a message says every hop that it made."""

from collections.abc import Callable
from typing import Any

from gateway.passport import NOWHERE

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
    assert told.count("{time_secs}|") == 3


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


async def test_of_a_note_of_ours_there_is_none(world: World) -> None:
    await world.customer().write("¿Dónde está mi pedido?")
    thread = await world.thread()
    await world.slack.write("U0BEN", "!claim", thread=thread)
    note = await world.shown(thread, "Claimed by Ben")
    await world.slack.choose("U0ANA", "passport", note["ts"])
    (told,) = await world.until(lambda: [each["text"] for each in world.slack.whispers])

    assert told == NOWHERE
