"""Conversations in the console: found, read in both languages, given away, and erased."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from gateway.conversation_commands import FORGOTTEN
from translation.contract import Pair, Translated

CONVERSATIONS = "/admin/conversations"


@pytest.fixture
async def console(make_world: Callable[..., Awaitable[Any]], either_store: str, sign_in: Any, browser: Any) -> Any:
    """Sign in to the console of a world where something was said."""
    world = await make_world(store=either_store)
    await world.customer().write("Hola, ¿dónde está mi pedido A-1042?")
    thread = await world.thread()
    await world.slack.write("U0BEN", "// ask the warehouse &lt;b&gt;", thread=thread)
    await world.slack.write("U0BEN", "It will arrive on Friday.", thread=thread)
    await world.shown(thread, "Sent in Spanish")
    await world.settled()
    return await sign_in.console(world, browser)


async def test_it_is_read_in_both_languages(console: Any) -> None:
    status, page = await console.get(f"{CONVERSATIONS}/show?contact=tg/1001")

    assert status == 200
    for said in (
        "is my order A-1042?",
        "¿dónde está mi pedido A-1042?",
        "It will arrive on Friday.",
        "Llegará el viernes.",
    ):
        assert said in page
    assert "// ask the warehouse &lt;b&gt;" in page
    assert "Open in Slack" in page
    assert (await console.get(f"{CONVERSATIONS}/show?contact=tg/9"))[0] == 404


async def test_it_shows_how_it_was(make_world: Callable[..., Awaitable[Any]], sign_in: Any, browser: Any) -> None:
    world = await make_world(extra="[routing]\nsurvey_after = 0.1\n")
    customer = world.customer()
    await customer.write("¿Dónde está mi pedido?")
    thread = await world.thread()
    await world.slack.write("U0ANA", "It will arrive today.", thread=thread)
    await world.until(customer.got)
    await world.slack.write("U0ANA", "!close", thread=thread)
    await world.until(lambda: len(customer.got()) == 2)
    await customer.write("2/5")
    await world.on_card(thread, "*Satisfaction:* ★★☆☆☆")
    console = await sign_in.console(world, browser)

    _, page = await console.get(f"{CONVERSATIONS}/show?contact=tg/1001")

    assert 'aria-label="Satisfaction: 2 of 5">★★☆☆☆</span>' in page


async def test_it_is_found(console: Any) -> None:
    await console.world.customer("Émile", 1002).write("Bonjour")
    await console.world.thread(2)
    for query, there, away in (
        ("", "Lucía", ""),
        ("?find=emile", "Émile", "Lucía"),
        ("?find=1", "Lucía", "Émile"),
        ("?find=pedido", "Lucía", "Émile"),
        ("?status=closed", "There is none.", "Lucía"),
        ("?before=2", "Lucía", "Émile"),
        ("?before=oops", "Émile", ""),
    ):
        status, page = await console.get(CONVERSATIONS + query)
        assert (status, there in page, bool(away) and away in page) == (200, True, False), query


async def test_all_of_a_customer_is_given_away(console: Any) -> None:
    _, text = await console.get(f"{CONVERSATIONS}/export?contact=tg/1001")

    lines = [json.loads(line) for line in text.splitlines()]
    assert lines[0]["kind"] == "conversation"
    assert {"CustomerWrote", "AgentWrote", "ReplySent"} <= {line.get("type") for line in lines[1:]}


async def test_a_customer_is_erased_when_that_is_sure(console: Any) -> None:
    _, page = await console.send(f"{CONVERSATIONS}/forget", contact="tg/1001", sure="7")
    assert "Nothing was erased" in page
    status, page = await console.send(f"{CONVERSATIONS}/forget", contact="tg/1001", sure="#1")
    assert (status, "The customer is erased" in page) == (200, True)
    assert (await console.get(f"{CONVERSATIONS}/show?contact=tg/1001"))[0] == 404
    assert await console.world.gateway.store.docs("forget") == {}


async def test_an_edit_and_a_failure_are_shown(console: Any) -> None:
    world = console.world
    customer = world.customer("Rosa", 1003)
    message = await customer.write("Hola")
    thread = await world.thread(2)
    await customer.edit(message, "¿Dónde está mi pedido?")
    await world.shown(thread, "Where is my order?")
    await world.settled()

    _, page = await console.get(f"{CONVERSATIONS}/show?contact=tg/1003")

    assert "¿Dónde está mi pedido?" in page
    assert "Where is my order?" in page
    assert "Hola" not in page


async def test_what_engines_made_is_forgotten_where_another_replica_erased_somebody(console: Any) -> None:
    gateway = console.world.gateway
    said, pair, made = "hola amigo", Pair("es", "en"), Translated("hello friend", "firefox", 1.0)
    gateway.chain.memory.keep(said, pair, ("firefox",), made)
    assert gateway.chain.memory.computed(said, pair, ("firefox",)) == made

    await gateway.store.put_doc(FORGOTTEN, "last", b"just now")

    await console.world.until(lambda: gateway.chain.memory.computed(said, pair, ("firefox",)) is None)
