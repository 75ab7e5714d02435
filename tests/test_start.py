"""Conversations that agents begin: `/dragoman start`, and the form on the app's Home."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from routing import texts

World = Any


@pytest.fixture
async def world(make_world: Callable[..., Awaitable[World]], either_store: str) -> World:
    """A world on either engine."""
    return await make_world(store=either_store)


async def test_its_thread_opens_and_what_is_written_there_goes_out(world: World, words: Callable[[Any], str]) -> None:
    customer = world.customer()
    assert await world.slack.command("U0BEN", "start tg 1001 es Lucía Pérez") == 200
    assert world.slack.whispers[-1]["text"] == texts.STARTED_SOON
    thread = await world.thread()
    await world.shown(thread, "<@U0BEN> Write here")
    card = words(world.slack.posts[thread])
    assert "#1 · Lucía Pérez" in card
    assert "<@U0BEN>" in card
    assert "*Language:* Spanish" in card

    answer = await world.slack.write("U0BEN", "It is on its way.", thread=thread)
    await world.until(lambda: "white_check_mark" in world.slack.reactions.get(answer, ()))
    assert customer.got() == ["Está en camino."]
    await customer.write("Gracias")
    await world.shown(thread, "Gracias")
    assert len(world.slack.roots()) == 1


async def test_who_is_in_a_conversation_gets_no_second_one(world: World) -> None:
    await world.customer().write("Hola")
    thread = await world.thread()
    await world.slack.command("U0BEN", "start tg 1001")
    await world.shown(thread, texts.started_already("Ben"))

    assert len(world.slack.roots()) == 1


async def test_after_closing_a_new_one_begins(world: World) -> None:
    await world.customer().write("Hola")
    first = await world.thread()
    await world.slack.write("U0ANA", "!close", thread=first)
    await world.on_card(first, "✔️ closed")
    await world.slack.command("U0BEN", "start tg 1001")
    second = await world.thread(2)

    await world.on_card(second, "#2 · Lucía")
    assert await world.on_card(second, "*Language:* Spanish")


async def test_by_the_form(world: World, words: Callable[[Any], str]) -> None:
    await world.slack.open_home("U0BEN")
    await world.until(lambda: world.slack.homes.get("U0BEN"))
    await world.slack.press_in_view("U0BEN", "start", "start")
    (form,) = await world.until(lambda: world.slack.forms)
    await world.slack.submit(form["id"], channel="tg", address=" ", name="", language="fr")
    assert form["errors"] == {"address": texts.START_ADDRESS}
    await world.slack.submit(form["id"], channel="tg", address="+1 (00) 1", name="", language="fr")
    thread = await world.thread()

    assert world.slack.forms == []
    await world.on_card(thread, "*Language:* French")
    conversation = await world.gateway.store.find(1)
    assert conversation.contact == "tg/1001"


@pytest.mark.parametrize(
    ("said", "address"),
    [("+1 (00) 1-23", "100123"), ("-1001234567", "-1001234567"), ("1001", "1001"), ("Uabc123", "Uabc123")],
)
async def test_a_phone_number_is_one_and_an_id_stays_as_it_is(
    make_world: Callable[..., Awaitable[World]], said: str, address: str
) -> None:
    world = await make_world()
    await world.slack.open_home("U0BEN")
    await world.until(lambda: world.slack.homes.get("U0BEN"))
    await world.slack.press_in_view("U0BEN", "start", "start")
    (form,) = await world.until(lambda: world.slack.forms)
    await world.slack.submit(form["id"], channel="tg", address=said, name="", language="fr")
    await world.thread()

    assert (await world.gateway.store.find(1)).contact == f"tg/{address}"


MISSING = {
    "start": texts.START_HOW,
    "start tg": texts.START_HOW,
    "start tg 1001 Lucía": texts.START_HOW,
    "start wa 1001": texts.no_such_channel("wa", ["tg"]),
}


async def test_what_is_missing_is_told(world: World) -> None:
    told = {}
    for said in MISSING:
        await world.slack.command("U0BEN", said)
        told[said] = world.slack.whispers[-1]["text"]

    assert told == MISSING
    assert world.slack.roots() == []
