"""`/dragoman find`: a conversation by its number, its customer's name or phone, or words that were said."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from routing import texts

World = Any


@pytest.fixture
async def world(make_world: Callable[..., Awaitable[World]], either_store: str) -> World:
    """A world on either engine, where three customers have written; the first one's conversation is closed."""
    made = await make_world(store=either_store)
    for count, (name, chat, said) in enumerate(
        (("Lucía Núñez", 46701, "Hello"), ("Jonas", 46702, "Mein Paket ist 100% kaputt"), ("Ann_a", 46703, "Hi"))
    ):
        await made.customer(name, chat).write(said)
        await made.thread(count + 1)
        await made.settled()
    await made.slack.write("U0ANA", "!close", thread=await made.thread())
    await made.on_card(await made.thread(), "✔️ closed")
    await made.settled()
    return made


FOUND = {
    "#2": ["Jonas"],
    "3": ["Ann_a"],
    "lucia nunez": ["Lucía Núñez"],
    "LUCÍA": ["Lucía Núñez"],
    "46702": ["Jonas"],
    "4 67 03": ["Ann_a"],
    "467": [],
    "paket": ["Jonas"],
    "100% k": ["Jonas"],
    "n_a": ["Ann_a"],
    "n%": [],
    "zebra": [],
    "ann": ["Ann_a"],
}


async def test_it_is_found(world: World, words: Callable[[Any], str]) -> None:
    found, none = {}, []
    for wanted in FOUND:
        assert await world.slack.command("U0ANA", f"find {wanted}") == 200
        told = words(world.slack.whispers[-1])
        found[wanted] = [name for name in ("Lucía Núñez", "Jonas", "Ann_a") if name in told]
        none += [wanted] if "Nothing was found." in told else []

    assert found == FOUND
    assert none == [wanted for wanted, names in FOUND.items() if not names]


async def test_an_older_one_of_the_same_customer_is_found_by_its_number(
    make_world: Callable[..., Awaitable[World]], words: Callable[[Any], str], either_store: str
) -> None:
    world = await make_world(store=either_store, extra='[routing]\nreopen_window = "0s"\n')
    await world.customer().write("Hello")
    thread = await world.thread()
    await world.slack.write("U0ANA", "!close", thread=thread)
    await world.on_card(thread, "✔️ closed")
    await world.customer().send(text="Again", date=int(time.time()) + 5)
    await world.thread(2)
    await world.settled()
    await world.slack.command("U0ANA", "find #1")

    told = words(world.slack.whispers[-1])
    assert f"✔️ <https://sandbox.slack.com/archives/C0SUPPORT/p{thread.replace('.', '')}|#1 · Lucía>" in told


async def test_nothing_to_find_is_answered(world: World) -> None:
    await world.slack.command("U0ANA", "find")

    assert world.slack.whispers[-1]["text"] == texts.FIND_HOW


async def test_what_takes_too_long_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.desk_console.FIND_FOR", 0.0)
    await world.slack.command("U0ANA", "find somebody")

    assert world.slack.whispers[-1]["text"] == texts.FIND_LATE
