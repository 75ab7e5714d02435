"""The lens: an agent whose language isn't the desk's reads the conversation in their own."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from routing import texts

World = Any
CAROL = '\n[[agents]]\nslack_user_id = "U0CAROL"\nname = "Carol"\nlanguages = ["de", "en"]\n'
PHRASES = '[translation]\nengines = ["phrasebook"]\n'


@pytest.fixture
async def world(make_world: Callable[..., Awaitable[World]]) -> World:
    """A world with an agent who reads German first."""
    return await make_world(extra=CAROL + PHRASES)


async def test_it_shows_both_sides_in_the_agents_language(world: World) -> None:
    customer = world.customer()
    await customer.write("¿Dónde está mi pedido?")
    thread = await world.thread()
    await world.slack.write("U0BEN", "// She is angry", thread=thread)
    await world.slack.write("U0BEN", "It is on its way.", thread=thread)
    await world.until(lambda: customer.got())
    await world.settled()
    assert await world.slack.press("U0CAROL", "more", "1:lens", thread) == 200
    await world.until(lambda: world.slack.whispers)

    (whisper,) = world.slack.whispers
    assert whisper["user"] == "U0CAROL"
    assert whisper["text"].splitlines() == [
        texts.lens_head("German"),
        "*Lucía:* Wo ist meine Bestellung?",
        "*Ben:* Es ist unterwegs.",
    ]


async def test_what_can_not_be_translated_stands_as_it_was_written(world: World) -> None:
    customer = world.customer()
    await customer.write("La caja vino rota <aquí> y falta el cable negro")
    thread = await world.thread()
    await world.slack.write("U0CAROL", "!lens", thread=thread)
    await world.until(lambda: world.slack.whispers)

    assert (
        "*Lucía:* La caja vino rota &lt;aquí&gt; y falta el cable negro _(Spanish)_" in world.slack.whispers[0]["text"]
    )


async def test_as_it_stands_now(world: World) -> None:
    customer = world.customer()
    message = await customer.write("Hola")
    await customer.edit(message, "Gracias")
    thread = await world.thread()
    await world.settled()
    await world.slack.write("U0CAROL", "!lens", thread=thread)
    await world.until(lambda: world.slack.whispers)

    assert world.slack.whispers[0]["text"].splitlines()[1:] == ["*Lucía:* Danke!"]


async def test_who_reads_the_desks_language_is_told_so(world: World) -> None:
    await world.customer().write("Hola")
    await world.slack.write("U0BEN", "!lens", thread=await world.thread())
    await world.until(lambda: world.slack.whispers)

    assert world.slack.whispers[0]["text"] == texts.lens_is_desk("English")


async def test_they_answer_in_their_language_and_the_customer_reads_their_own(world: World) -> None:
    customer = world.customer()
    await customer.write("¿Dónde está mi pedido?")
    await world.slack.write("U0CAROL", "Es ist unterwegs.", thread=await world.thread())
    await world.until(lambda: customer.got())

    assert customer.got() == ["Está en camino."]
