"""A desk of several channels: where a conversation opens, how it moves, and that everything works in each."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from msgspec.structs import replace

from adapters import KINDS
from config.settings import parse
from config.tables import ConfigError
from routing import texts
from routing.contents import Facts, Standing
from routing.conversation import Conversation, Status, decide
from routing.effects import OpenThread
from routing.events import AgentWrote, CustomerWrote
from routing.policy import DeskChannel, Policy, Skill

World = Any
DESKS = """
escalation = "Chiefs"
[[desk.channels]]
name = "billing"
channel = "C0BILLING"
skills = ["billing"]
[[desk.channels]]
name = "chiefs"
channel = "C0CHIEFS"
"""
SKILLS = """
[translation]
engines = ["phrasebook"]
[[routing.skills]]
name = "billing"
keywords.es = ["factura"]
"""


@pytest.fixture
async def world(make_world: Callable[..., Awaitable[World]], either_store: str) -> World:
    """A world on either engine with three channels of the desk's."""
    made = await make_world(store=either_store, desk=DESKS, extra=SKILLS)
    made.slack.places |= {"C0BILLING", "C0CHIEFS"}
    return made


async def card_in(world: World, channel: str) -> str:
    """Wait for a card in a channel and give its ts."""
    return str((await world.until(lambda: world.slack.roots(channel)))[0]["ts"])


async def test_a_conversation_opens_where_it_belongs_and_all_works_there(
    world: World, words: Callable[[Any], str]
) -> None:
    customer = world.customer()
    message = await customer.write("Tengo una pregunta sobre mi factura")
    thread = await card_in(world, "C0BILLING")
    assert world.slack.roots() == []

    answer = await world.slack.write("U0BEN", "Hello!", thread=thread, channel="C0BILLING")
    await world.until(lambda: world.slack.reactions.get(answer) == ["white_check_mark"])
    assert customer.got()[1:] == ["¡Hola!"]
    await world.slack.edit(answer, "Thank you!")
    await world.until(lambda: customer.got()[1:] == ["¡Gracias!"])
    await customer.edit(message, "Gracias", at=2_000_000_000)
    shown = await world.shown(thread, "edited")
    assert await world.slack.choose("U0ANA", "passport", shown["ts"]) == 200
    whisper = (await world.until(lambda: world.slack.whispers))[0]
    assert (whisper["channel"], whisper["thread_ts"]) == ("C0BILLING", thread)
    assert "posted to the thread" in whisper["text"]
    assert await world.slack.press("U0BEN", "claim", "1", thread) == 200
    await world.on_card(thread, "<@U0BEN>")
    await world.slack.command("U0BEN", "")
    assert f"archives/C0BILLING/p{thread.replace('.', '')}" in words(world.slack.whispers[-1])


async def test_it_moves_with_a_link_at_both_ends(world: World, words: Callable[[Any], str]) -> None:
    customer = world.customer()
    await customer.write("Hola")
    old = await world.thread()
    await world.slack.write("U0BEN", "!move Billing", thread=old)
    new = await card_in(world, "C0BILLING")
    await world.shown(new, "Moved by Ben")
    await world.settled()

    link = "https://sandbox.slack.com/archives/{}/p{}"
    assert f"↪ Moved to billing: <{link.format('C0BILLING', new.replace('.', ''))}|" in words(world.slack.posts[old])
    assert f"↪ It began <{link.format('C0SUPPORT', old.replace('.', ''))}|" in words(world.slack.posts[new])
    assert await world.shown(old, link.format("C0BILLING", new.replace(".", "")))
    await world.stop()
    await world.start()
    await customer.write("Gracias")
    await world.shown(new, "Gracias")
    await world.slack.write("U0BEN", "Hello!", thread=old)
    await world.until(lambda: customer.got() == ["¡Hola!"])
    await world.shown(new, "Sent in Spanish")
    assert texts.CONTINUES.format(number=1) in [each["text"] for each in world.slack.whispers]


async def test_what_is_escalated_is_urgent_and_where_such_ones_are_seen_to(
    world: World, words: Callable[[Any], str]
) -> None:
    await world.customer().write("Hola")
    await world.slack.write("U0BEN", "!escalate she is &lt;angry&gt;", thread=await world.thread())
    new = await card_in(world, "C0CHIEFS")

    await world.shown(new, "Escalated by Ben: she is &lt;angry&gt;")
    assert "*Priority:* urgent" in words(world.slack.posts[new])


NOWHERE = {
    "!move": texts.which_desk("", ("main", "billing", "chiefs")),
    "!move sales": texts.which_desk("sales", ("main", "billing", "chiefs")),
    "!move main": texts.there_already("main"),
}


async def test_what_the_customer_chose_leads_to_the_channel_it_belongs_in(
    make_world: Callable[..., Awaitable[World]],
) -> None:
    world = await make_world(desk=DESKS, extra=f'{SKILLS}menu.es = "Facturas"\n')
    world.slack.places |= {"C0BILLING", "C0CHIEFS"}
    customer = world.customer()
    await customer.write("Hola")
    await world.thread()
    await world.until(customer.got)
    await customer.write("1")

    thread = await card_in(world, "C0BILLING")
    for told in ("Moved here because it belongs in billing now", "The customer chose: billing"):
        await world.shown(thread, told)
    await customer.write("¿Dónde está mi pedido?")
    assert await world.shown(thread, "Where is my order?")


NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
ROOMS = Policy(
    skills=(Skill(name="billing"),),
    desks=(
        DeskChannel(name="billing", channel="C0BILLING", skills=("billing",)),
        DeskChannel(name="now", channel="C0NOW", priorities=("urgent",)),
        DeskChannel(name="german", channel="C0GERMAN", languages=("de",)),
    ),
)
OPEN = Conversation(
    contact="tg/1", number=7, status=Status.OPEN, language="es", skill="general", assignee="U0ANA", thread="1.0"
)


@pytest.mark.parametrize(
    ("was", "said", "where"),
    [
        pytest.param(OPEN, "!skill billing", "C0BILLING", id="skill"),
        pytest.param(OPEN, "!priority urgent", "C0NOW", id="priority"),
        pytest.param(OPEN, "!lang de", "C0GERMAN", id="language"),
        pytest.param(OPEN, "!priority high", "", id="a priority with no channel of its own"),
        pytest.param(replace(OPEN, desk="C0BILLING"), "!priority high", "C0BILLING", id="moved there by an agent"),
        pytest.param(replace(OPEN, desk="C0NOW"), "!priority urgent", "C0NOW", id="it is there"),
        pytest.param(replace(OPEN, priority="urgent", desk="C0NOW"), "!priority low", "", id="back to the first"),
        pytest.param(replace(OPEN, status=Status.CLOSED), "!priority urgent", "", id="closed"),
    ],
)
def test_what_changes_leads_to_where_it_belongs(was: Conversation, said: str, where: str) -> None:
    wrote = AgentWrote(id="e", to="tg/1", at=NOON, agent="U0ANA", message="2.0", text=said)
    decision = decide(was, wrote, ROOMS)

    opened = [effect.card.desk for effect in decision.effects if isinstance(effect, OpenThread)]
    assert decision.conversation.desk == where
    assert opened == ([where] if where != was.desk else [])


@pytest.mark.parametrize(("was", "where"), [(replace(OPEN, language=""), "C0GERMAN"), (OPEN, "")])
def test_a_language_that_becomes_known_leads_there_and_one_that_changes_does_not(was: Conversation, where: str) -> None:
    heard = Facts(language="de", roster=(Standing(agent="U0ANA"),))
    wrote = CustomerWrote(id="e", to="tg/1", at=NOON, message="m", text="Wo ist mein Paket?", facts=heard)

    assert decide(was, wrote, ROOMS).conversation.desk == where


async def test_a_move_to_nowhere_is_answered(world: World) -> None:
    await world.customer().write("Hola")
    thread = await world.thread()
    for said in NOWHERE:
        await world.slack.write("U0BEN", said, thread=thread)
    await world.until(lambda: len(world.slack.whispers) == len(NOWHERE))

    assert [each["text"] for each in world.slack.whispers] == list(NOWHERE.values())
    assert world.slack.roots("C0BILLING") == []


async def test_with_one_channel_there_is_nowhere_to_move(make_world: Callable[..., Awaitable[World]]) -> None:
    world = await make_world()
    await world.customer().write("Hola")
    thread = await world.thread()
    for count, (said, told) in enumerate(
        [("!move x", texts.which_desk("x", ("main",))), ("!escalate", texts.ESCALATE_HOW)]
    ):
        await world.slack.write("U0BEN", said, thread=thread)
        await world.until(lambda: len(world.slack.whispers) > count)  # noqa: B023 - awaited within the round
        assert world.slack.whispers[count]["text"] == told


async def test_a_channel_that_can_not_be_used_costs_no_conversation(world: World) -> None:
    world.slack.places -= {"C0BILLING"}
    await world.customer().write("Tengo una pregunta sobre mi factura")
    thread = await world.thread()

    assert await world.shown(thread, "factura")


PLACES = ("channel", "channel_id")


def not_there() -> web.Response:
    """Answer as Slack does where a channel is gone."""
    return web.json_response({"ok": False, "error": "channel_not_found"})


async def test_a_channel_that_is_gone_holds_up_nobody_and_loses_nothing(world: World) -> None:
    customer, other = world.customer(), world.customer("Jonas", 1002)
    message = await customer.write("Tengo una pregunta sobre mi factura")
    gone = await card_in(world, "C0BILLING")
    await world.shown(gone, "factura")
    await world.shown(gone, "Sent in Spanish")
    world.slack.places -= {"C0BILLING"}
    world.slack.fault = lambda _, fields: not_there() if "C0BILLING" in map(fields.get, PLACES) else None
    await customer.edit(message, "Gracias", at=2_000_000_000)
    await customer.write("¿Dónde está mi pedido?")
    await customer.send(photo=[{"file_id": world.telegram.add_file(b"\x89PNG picture")}])
    await other.write("Hallo")
    thread = await world.thread(3)
    cards = [each for each in world.slack.roots() if "Jonas" in each["text"]]

    await world.settled()
    assert len(cards) == 1
    loose = [post for post in world.slack.roots() if "actions" not in {each["type"] for each in post.get("blocks", ())}]
    assert sum("Where is my order?" in post["text"] for post in loose) == 1
    assert sum(bool(post.get("files")) for post in loose) == 1
    assert thread


async def test_where_a_channel_is_gone_its_conversations_go_on_in_the_first(
    world: World, words: Callable[[Any], str]
) -> None:
    customer = world.customer()
    await customer.write("Tengo una pregunta sobre mi factura")
    await world.shown(await card_in(world, "C0BILLING"), "factura")
    world.slack.places -= {"C0BILLING"}
    world.slack.fault = lambda _, fields: not_there() if "C0BILLING" in map(fields.get, PLACES) else None
    await customer.write("¿Dónde está mi pedido?")
    await customer.write("Gracias")
    thread = await card_in(world, "C0SUPPORT")
    card = await world.until(lambda: next((post for post in world.slack.roots() if "#1" in post["text"]), None))

    assert "Lucía" in words(card)
    thread = card["ts"]
    await world.shown(thread, "The app can't write in billing any more, so this goes on here")
    await world.slack.write("U0ANA", "Let me check.", thread=thread)
    await world.until(lambda: "Déjeme comprobarlo." in world.telegram.texts(1001))
    await customer.write("¡Perfecto! Muchas gracias por su ayuda.")
    await world.shown(thread, "Perfect!")
    await world.settled()
    assert sum("#1" in post["text"] for post in world.slack.roots()) == 1


async def test_a_post_that_broke_off_in_another_channel_is_not_made_again(world: World) -> None:
    world.slack.drop_after = {"chat.postMessage"}
    await world.customer().write("Tengo una pregunta sobre mi factura")
    thread = await card_in(world, "C0BILLING")
    await world.shown(thread, "factura")

    assert len(world.slack.roots("C0BILLING")) == 1


@pytest.mark.parametrize(
    ("fits", "where"),
    [
        ({"skill": "billing", "language": "es", "channel": "wa", "priority": "normal"}, "C1"),
        ({"skill": "billing", "language": "es-mx", "channel": "wa", "priority": "normal"}, "C1"),
        ({"skill": "billing", "language": "fr", "channel": "wa", "priority": "normal"}, ""),
        ({"skill": "general", "language": "es", "channel": "tg", "priority": "normal"}, "C2"),
        ({"skill": "general", "language": "es", "channel": "wa", "priority": "urgent"}, "C3"),
        ({"skill": "general", "language": "", "channel": "wa", "priority": "normal"}, ""),
    ],
)
def test_where_it_opens(fits: dict[str, str], where: str) -> None:
    desks = (
        DeskChannel(name="a", channel="C1", skills=("billing",), languages=("es",)),
        DeskChannel(name="b", channel="C2", channels=("tg",)),
        DeskChannel(name="c", channel="C3", priorities=("high", "urgent")),
        DeskChannel(name="d", channel="C4"),
    )

    assert Policy(desks=desks).desk_for(**fits) == where


MAIN = '[desk]\nchannel = "C1"\nbot_token = "xoxb-1"\napp_token = "xapp-1"\n'


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ('escalation = "x"\n', "desk.escalation: there is no channel of the desk's called 'x'; known: main"),
        ('[[desk.channels]]\nname = "Main"\nchannel = "C2"\n', "there are two channels of the desk's called 'Main'"),
        ('[[desk.channels]]\nname = "a"\nchannel = "#a"\n', "must be the channel's id"),
        ('[[desk.channels]]\nname = "a"\nchannel = "C2"\nskills = ["x"]\n', "there is no skill 'x'"),
        ('[[desk.channels]]\nname = "a"\nchannel = "C2"\npriorities = ["x"]\n', "must be of low, normal"),
        ('[[desk.channels]]\nname = "a"\n', "channel: is missing"),
    ],
)
def test_what_is_wrong_in_the_configuration_is_told(more: str, told: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse(MAIN + more, Path("dragoman.toml"), KINDS, {})

    assert told in str(error.value)


async def test_agents_may_be_told_directly_what_is_theirs(make_world: Callable[..., Awaitable[World]]) -> None:
    world = await make_world(desk="direct_messages = true")
    world.slack.places |= {"U0ANA", "U0BEN"}
    await world.customer("Lucía <3").write("Hola")
    thread = await world.thread()
    await world.slack.write("U0ANA", "!assign @Ben", thread=thread)
    for agent in ("U0ANA", "U0BEN"):
        (post,) = await world.until(lambda: world.slack.place(agent))  # noqa: B023 - awaited within the round
        link = f"https://sandbox.slack.com/archives/C0SUPPORT/p{thread.replace('.', '')}"
        assert post["text"] == f"<{link}|#1 · Lucía &lt;3 is yours now>"
