"""Saved replies that agents make at the desk: searched, made and changed in a form, sent with `!reply`."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from adapters.desk_replies import draw_replies, draw_reply_form
from routing import texts
from routing.policy import SavedReply

World = Any
FIXED = '[translation]\nengines = ["phrasebook"]\n[[replies]]\nname = "returns"\ntext.en = "Returns are free."\n'


@pytest.fixture
async def world(make_world: Callable[..., Awaitable[World]], either_store: str) -> World:
    """A world on either engine, with a saved reply in the configuration."""
    return await make_world(store=either_store, extra=FIXED)


async def make(world: World, **fields: str) -> None:
    """Make a saved reply in the form."""
    await world.slack.command("U0ANA", "replies")
    assert await world.slack.press_in_view("U0ANA", "reply_new", "new", whisper=len(world.slack.whispers) - 1) == 200
    (form,) = await world.until(lambda: world.slack.forms)
    assert await world.slack.submit(form["id"], **fields) == 200


async def change(world: World, name: str, **fields: str) -> None:
    """Change one in its form."""
    whisper = len(world.slack.whispers) - 1
    assert await world.slack.press_in_view("U0ANA", f"reply_edit:{name}", name, whisper=whisper) == 200
    (form,) = await world.until(lambda: world.slack.forms)
    assert await world.slack.submit(form["id"], **fields) == 200


async def test_a_form_that_slack_does_not_open_is_told(world: World, words: Callable[[Any], str]) -> None:
    world.slack.fault = lambda method, _: (
        web.json_response({"ok": False, "error": "view_too_large"}) if method == "views.open" else None
    )
    await world.slack.command("U0ANA", "replies")

    assert await world.slack.press_in_view("U0ANA", "reply_new", "new", whisper=len(world.slack.whispers) - 1) == 200
    assert "(view_too_large): tell your admin" in words(world.slack.whispers[-1])


async def test_one_is_made_sent_changed_and_taken_away(world: World, words: Callable[[Any], str]) -> None:
    await make(world, name="thanks", text="Thank you {name}, we will write to you.", language="en")
    assert world.slack.forms == []
    await world.slack.command("U0ANA", "replies thank")
    told = words(world.slack.whispers[-1])
    assert "`!reply thanks` · English" in told
    assert "returns" not in told

    customer = world.customer()
    await customer.write("¿Dónde está mi pedido?")
    thread = await world.thread()
    await change(world, "thanks", language="es", text="Gracias, {name}.")
    await world.slack.write("U0ANA", "!reply Thanks", thread=thread)
    await world.until(lambda: customer.got())
    assert customer.got() == ["Gracias, Lucía."]

    await change(world, "thanks", language="es", text="")
    await change(world, "thanks", text="")
    await world.slack.write("U0ANA", "!reply thanks", thread=thread)
    await world.until(lambda: texts.which_reply("thanks", ("returns",)) in [it["text"] for it in world.slack.whispers])
    await world.slack.command("U0ANA", "replies thank")
    assert "There are none." in words(world.slack.whispers[-1])


async def test_another_replica_knows_it_after_a_moment(world: World) -> None:
    await make(world, name="hours", text="We are here from 9 to 17.", language="en")
    await world.stop()
    await world.start()

    assert world.gateway.bridge.replies.find("HOURS").text == {"en": "We are here from 9 to 17."}


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"name": "Returns", "text": "No", "language": "en"}, {"name": texts.REPLY_FIXED}),
        ({"name": " hello ", "text": "No", "language": "de"}, {"name": texts.REPLY_TAKEN}),
        (
            {"name": "new", "text": "Hi {nam}", "language": "en"},
            {"text": "There is no {nam}; known: {name}, {number}, {agent}"},
        ),
    ],
)
async def test_what_is_wrong_is_said_at_its_field(world: World, fields: dict[str, str], wrong: dict[str, str]) -> None:
    await make(world, name="hello", text="Hello", language="en")
    await make(world, **fields)

    (form,) = world.slack.forms
    assert form["errors"] == wrong
    assert [each.name for each in world.gateway.bridge.replies.search("")] == ["hello", "returns"]


async def test_one_that_is_gone_meanwhile_opens_no_form(world: World) -> None:
    await world.slack.command("U0ANA", "replies")
    await world.slack.press_in_view("U0ANA", "reply_edit:old", "old", whisper=0)

    assert world.slack.whispers[0]["text"] == texts.REPLY_GONE
    assert world.slack.forms == []


def test_those_of_the_configuration_are_an_admins() -> None:
    mine, theirs = SavedReply(name="mine", text={"en": "<!here>\nHi"}), SavedReply(name="theirs", text={"en": "Hi"})
    head, first, second, actions = draw_replies([mine, theirs], ["theirs"], "<hi>")

    assert "&lt;hi&gt;" in head["text"]["text"]
    assert first["accessory"]["value"] == "mine"
    assert first["text"]["text"].endswith("> &lt;!here&gt;\n> Hi")
    assert "accessory" not in second
    assert actions["elements"][0]["action_id"] == "reply_new"


def test_a_form_stays_within_slacks_limits() -> None:
    long = SavedReply(name="n" * 60, text={tag: "&" * 3_000 for tag in ("en", "de", "es", "fr")})
    view = draw_reply_form(long, "de")

    sections = [block["text"]["text"] for block in view["blocks"] if block["type"] == "section"]
    assert max(map(len, sections)) <= 3_000
    (chosen,) = [block["element"]["initial_option"] for block in view["blocks"] if block.get("block_id") == "language"]
    assert chosen["value"] == "de"
