"""What keeps an agent's slip from the customer: the assignee alone, a preview, a time to undo."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from adapters import KINDS
from config.settings import parse
from config.tables import ConfigError
from routing import texts
from routing.conversation import Conversation, Held, Status, decide
from routing.effects import AskAgent, Note, TellAgent, TellCustomer, UpdateCard
from routing.events import AgentEdited, AgentPressed, AgentWrote, Event, UndoEnded
from routing.policy import Agent, Policy, SavedReply
from routing.state import Decision, Reminder, card

World = Any
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
LATER = NOON + timedelta(seconds=10)
AGENTS = (Agent(id="U0ANA", name="Ana"), Agent(id="U0BEN", name="Ben"))
REPLIES = (SavedReply(name="hi", text={"en": "Hello"}),)
UNDO = Policy(agents=AGENTS, replies=REPLIES, undo=timedelta(seconds=10))
ALONE = Policy(agents=AGENTS, replies=REPLIES, only_assignee=True)
ASKS = Policy(agents=AGENTS, replies=REPLIES, confirm=True)
OPEN = Conversation(contact="tg/1", number=7, status=Status.OPEN, language="es", assignee="U0ANA", thread="1.0")


def said(text: str, message: str = "2.0", agent: str = "U0ANA") -> AgentWrote:
    return AgentWrote(id=message, to="@C1/1.0", at=NOON, agent=agent, message=message, text=text)


def changed(text: str = "", *, deleted: bool = False) -> AgentEdited:
    return AgentEdited(id="e", to="@C1/1.0", at=NOON, agent="U0ANA", message="2.0", text=text, deleted=deleted)


def order(text: str, message: str = "2.0", agent: str = "U0ANA", **more: Any) -> TellCustomer:
    return TellCustomer(text=text, language="es", source="en", reply=message, agent=agent, **more)


def ended(message: str = "2.0") -> UndoEnded:
    return UndoEnded(id=f"undo:tg/1:{message}", to="tg/1", at=LATER, reply=message)


def told(text: str, agent: str = "U0ANA") -> tuple[TellAgent]:
    return (TellAgent(agent=agent, text=text),)


WAITS = replace(OPEN, undoable=(order("Hello"),))
TWO = replace(OPEN, undoable=(order("Hello"), order("Bye", "3.0")))
CLOSED = replace(OPEN, status=Status.CLOSED, closed_at=NOON)
BENS = Held(agent="U0BEN", text="Hello", source="en")
HELD = replace(OPEN, held={"2.0": BENS})
TAKEN = replace(OPEN, assignee="U0BEN", talked=("U0BEN",), why=("Ben: took it over with an answer",))
SEND = AgentPressed(id="p", to="@C1/1.0", at=NOON, agent="U0BEN", action="send", value="2.0")


@pytest.mark.parametrize(
    ("policy", "given", "when", "then"),
    [
        pytest.param(
            UNDO,
            OPEN,
            said("Hello"),
            Decision(WAITS, (), (Reminder("undo:2.0", LATER, ended()),)),
            id="an answer waits for its undo to end",
        ),
        pytest.param(
            UNDO,
            OPEN,
            said("!reply hi"),
            Decision(WAITS, (), (Reminder("undo:2.0", LATER, ended()),)),
            id="so does a saved reply",
        ),
        pytest.param(UNDO, WAITS, ended(), Decision(OPEN, (order("Hello"),)), id="it goes when the time is over"),
        pytest.param(UNDO, OPEN, ended(), Decision(OPEN), id="but not twice"),
        pytest.param(
            UNDO,
            TWO,
            ended("3.0"),
            Decision(OPEN, (order("Hello"), order("Bye", "3.0"))),
            id="never before what was written before it",
        ),
        pytest.param(
            UNDO, WAITS, changed(deleted=True), Decision(OPEN, told(texts.UNDONE)), id="deleted, it doesn't go"
        ),
        pytest.param(UNDO, WAITS, changed("// Hello"), Decision(OPEN, told(texts.UNDONE)), id="nor made a note"),
        pytest.param(
            UNDO,
            WAITS,
            changed("Good day"),
            Decision(replace(OPEN, undoable=(order("Good day"),))),
            id="edited, it goes as it is by then",
        ),
        pytest.param(
            UNDO,
            replace(OPEN, undoable=(order("Hola", ready=True, by="saved reply hi"),)),
            changed("Good day"),
            Decision(replace(OPEN, undoable=(order("Good day"),))),
            id="a saved reply that is edited is an answer like any other",
        ),
        pytest.param(
            ASKS,
            replace(OPEN, parked=(order("Hola", ready=True, back="Hello"),)),
            changed("Good day"),
            Decision(replace(OPEN, parked=(order("Good day", confirm=True),))),
            id="what was agreed to and is edited while it waits is translated and shown again",
        ),
        pytest.param(
            UNDO,
            WAITS,
            said("!close", "4.0"),
            Decision(CLOSED, (order("Hello"), UpdateCard(card=card(CLOSED)), Note(text="Closed by Ana"))),
            id="closing sends it before its time",
        ),
        pytest.param(
            ALONE,
            OPEN,
            said("Hello", agent="U0BEN"),
            Decision(HELD, (AskAgent(agent="U0BEN", held="2.0", reason=texts.not_yours("Ana"), text="Hello"),)),
            id="what another agent writes is asked about",
        ),
        pytest.param(
            ALONE,
            OPEN,
            said("!reply hi", agent="U0BEN"),
            Decision(OPEN, told(texts.claim_first("Ana"), "U0BEN")),
            id="what another agent has sent is refused",
        ),
        pytest.param(ALONE, OPEN, said("Hello"), Decision(OPEN, (order("Hello"),)), id="the assignee just answers"),
        pytest.param(
            ASKS, OPEN, said("Hello"), Decision(OPEN, (order("Hello", confirm=True),)), id="shown before it goes"
        ),
        pytest.param(
            ASKS,
            replace(OPEN, held={"2.0": replace(BENS, shown=True)}),
            SEND,
            Decision(OPEN, (order("Hello", agent="U0BEN"),)),
            id="shown once, and not for ever",
        ),
        pytest.param(
            ASKS,
            HELD,
            SEND,
            Decision(OPEN, (order("Hello", agent="U0BEN", confirm=True),)),
            id="held for another reason, it is shown still",
        ),
    ],
)
def test_decide(policy: Policy, given: Conversation, when: Event, then: Decision) -> None:
    decided = decide(given, when, policy)

    expected = replace(then, conversation=replace(then.conversation, seen=(when.id,)))
    settled = tuple(effect for effect in decided.effects if type(effect).__name__ != "SettleAsk")
    assert replace(decided, effects=settled) == expected


def test_who_sends_in_somebody_elses_conversation_takes_it_over() -> None:
    decided = decide(HELD, SEND, ALONE)

    assert decided.conversation == replace(TAKEN, seen=("p",))
    assert order("Hello", agent="U0BEN") in decided.effects
    assert UpdateCard(card=card(TAKEN)) in decided.effects


async def test_deleting_it_in_time_keeps_it_from_the_customer(make_world: Callable[..., Awaitable[World]]) -> None:
    world = await make_world(desk="undo = 3600")
    customer = world.customer()
    await customer.write("¿Dónde está mi pedido?")
    thread = await world.thread()
    slip = await world.slack.write("U0ANA", "Where is my lunch?", thread=thread)
    await world.slack.remove(slip)
    await world.until(lambda: world.slack.whispers)
    await world.slack.write("U0ANA", "Hello!", thread=thread)
    await world.slack.write("U0ANA", "!close", thread=thread)
    await world.until(lambda: customer.got())

    assert world.slack.whispers[0]["text"] == texts.UNDONE
    assert customer.got() == ["¡Hola!"]


async def test_it_goes_by_itself_when_the_time_is_over(make_world: Callable[..., Awaitable[World]]) -> None:
    world = await make_world(desk="undo = 0.2")
    customer = world.customer()
    await customer.write("¿Dónde está mi pedido?")
    await world.slack.write("U0ANA", "Hello!", thread=await world.thread())
    await world.until(lambda: customer.got())

    assert customer.got() == ["¡Hola!"]


async def test_a_preview_shows_what_would_be_read_and_what_it_means(
    make_world: Callable[..., Awaitable[World]], words: Callable[[Any], str]
) -> None:
    world = await make_world(desk="confirm = true", extra='[translation]\nengines = ["phrasebook"]\n')
    customer = world.customer()
    await customer.write("¿Dónde está mi pedido?")
    thread = await world.thread()
    answer = await world.slack.write("U0ANA", "It is on its way.", thread=thread)
    asked = await world.shown(thread, texts.PREVIEW)

    assert "Está en camino." in words(asked)
    assert customer.got() == []
    await world.slack.press("U0ANA", "send", answer, asked["ts"])
    await world.until(lambda: customer.got())
    assert customer.got() == ["Está en camino."]


async def test_a_preview_that_takes_several_posts_is_settled_where_its_buttons_are(
    make_world: Callable[..., Awaitable[World]], words: Callable[[Any], str]
) -> None:
    world = await make_world(desk="confirm = true", extra='[translation]\nengines = ["phrasebook"]\n')
    customer = world.customer()
    await customer.write("¿Dónde está mi pedido?")
    thread = await world.thread()
    answer = await world.slack.write("U0ANA", "It is on its way. " * 600, thread=thread)
    asked = await world.shown(thread, texts.PREVIEW)
    before = [words(post) for post in world.slack.replies(thread) if post["ts"] != asked["ts"]]
    await world.slack.press("U0ANA", "send", answer, asked["ts"])
    await world.until(lambda: customer.got())
    await world.settled()

    assert sum("Está en camino." in text for text in before) > 2
    after = {post["ts"]: words(post) for post in world.slack.replies(thread)}
    assert "Sent by Ana" in after.pop(asked["ts"])
    assert set(before) <= set(after.values())


async def test_a_preview_of_what_needs_no_translation(make_world: Callable[..., Awaitable[World]]) -> None:
    world = await make_world(desk="confirm = true")
    customer = world.customer()
    await customer.write("Where is my order?")
    thread = await world.thread()
    answer = await world.slack.write("U0ANA", "It is on its way.", thread=thread)
    asked = await world.shown(thread, texts.PREVIEW)
    await world.slack.press("U0ANA", "send", answer, asked["ts"])
    await world.until(lambda: customer.got())

    assert customer.got() == ["It is on its way."]


@pytest.mark.parametrize("undo", ["-1", "true", '"soon"', "1e9", "nan"])
def test_a_time_to_undo_that_is_none_is_refused(undo: str) -> None:
    desk = f'[desk]\nchannel = "C1"\nbot_token = "xoxb-1"\napp_token = "xapp-1"\nundo = {undo}\n'
    with pytest.raises(ConfigError, match=r"desk\.undo"):
        parse(desk, Path("dragoman.toml"), KINDS, {})
