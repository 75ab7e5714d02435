"""`!priority` and `!snooze`: what is urgent comes first, and what was put off comes back."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from routing import texts
from routing.commands import read_duration
from routing.contents import Facts, Standing
from routing.conversation import Conversation, Status, decide
from routing.effects import Note, TellAgent, TellDesk, UpdateCard
from routing.events import AgentPressed, AgentWrote, CustomerWrote, Event, SnoozeEnded
from routing.policy import Agent, Policy
from routing.state import Decision, Reminder, card

World = Any
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
TWO = NOON + timedelta(hours=2)
POLICY = Policy(agents=(Agent(id="U0ANA", name="Ana"), Agent(id="U0BEN", name="Ben")))
FREE = (Standing(agent="U0ANA"), Standing(agent="U0BEN"))
OPEN = Conversation(
    contact="tg/1", name="Lucía", number=7, status=Status.OPEN, language="es", assignee="U0ANA", thread="1.0"
)
ASLEEP = replace(OPEN, status=Status.SNOOZED, snoozed_until=TWO)
CLOSED = replace(OPEN, status=Status.CLOSED, closed_at=NOON)
ENDED = SnoozeEnded(id=f"snooze:tg/1:7:{TWO.isoformat()}", to="tg/1", at=TWO, until=TWO)


def said(text: str, at: datetime = NOON) -> AgentWrote:
    return AgentWrote(id="e", to="@C1/1.0", at=at, agent="U0BEN", message="2.0", text=text)


def told(text: str) -> tuple[TellAgent]:
    return (TellAgent(agent="U0BEN", text=text),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30m", timedelta(minutes=30)),
        ("2h", timedelta(hours=2)),
        (" 1D 12h ", timedelta(days=1, hours=12)),
        ("1w", timedelta(weeks=1)),
        ("45 min", timedelta(minutes=45)),
        ("", None),
        ("soon", None),
        ("2", None),
        ("0h", None),
        ("-2h", None),
        ("2h later", None),
        ("366d", None),
        ("99999d", None),
    ],
)
def test_a_time_is_read_or_it_is_none(text: str, expected: timedelta | None) -> None:
    assert read_duration(text) == expected


def drawn(now: Conversation) -> UpdateCard:
    return UpdateCard(card=card(now))


URGENT = replace(OPEN, priority="urgent")
AWAKE = replace(ASLEEP, status=Status.OPEN, snoozed_until=datetime(1970, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("given", "when", "then"),
    [
        pytest.param(
            OPEN,
            said("!priority Urgent"),
            Decision(URGENT, (drawn(URGENT), Note(text="Ben set the priority to urgent"))),
            id="a priority",
        ),
        pytest.param(URGENT, said("!priority urgent"), Decision(URGENT), id="the same priority"),
        pytest.param(OPEN, said("!priority"), Decision(OPEN, told(texts.bad_priority(""))), id="no priority"),
        pytest.param(
            OPEN, said("!priority asap"), Decision(OPEN, told(texts.bad_priority("asap"))), id="an unknown one"
        ),
        pytest.param(
            OPEN,
            said("!snooze 2h"),
            Decision(
                ASLEEP, (drawn(ASLEEP), Note(text="Put off by Ben for 2h")), (Reminder("snooze:tg/1", TWO, ENDED),)
            ),
            id="put off",
        ),
        pytest.param(OPEN, said("!snooze"), Decision(OPEN, told(texts.SNOOZE_HOW)), id="no time"),
        pytest.param(OPEN, said("!snooze off"), Decision(OPEN, told(texts.SNOOZE_HOW)), id="off where it isn't"),
        pytest.param(OPEN, said("!snooze soon"), Decision(OPEN, told(texts.bad_snooze("soon"))), id="not a time"),
        pytest.param(CLOSED, said("!snooze 2h"), Decision(CLOSED, told(texts.SNOOZE_CLOSED)), id="closed"),
        pytest.param(
            ASLEEP,
            said("!snooze off"),
            Decision(AWAKE, (drawn(AWAKE), Note(text="Brought back by Ben"))),
            id="brought back",
        ),
        pytest.param(
            ASLEEP,
            ENDED,
            Decision(AWAKE, (drawn(AWAKE), Note(text=texts.SNOOZE_OVER, mention="U0ANA"))),
            id="it is time",
        ),
        pytest.param(
            replace(ASLEEP, snoozed_until=TWO + timedelta(hours=1)),
            ENDED,
            Decision(replace(ASLEEP, snoozed_until=TWO + timedelta(hours=1))),
            id="put off again meanwhile",
        ),
        pytest.param(CLOSED, ENDED, Decision(CLOSED), id="closed meanwhile"),
        pytest.param(OPEN, ENDED, Decision(OPEN), id="taken up meanwhile"),
    ],
)
def test_decide(given: Conversation, when: Event, then: Decision) -> None:
    expected = replace(then, conversation=replace(then.conversation, seen=(when.id,)))

    assert decide(given, when, POLICY) == expected


def test_a_customer_who_writes_brings_it_back_to_whoever_had_it() -> None:
    event = CustomerWrote(id="e", to="tg/1", at=NOON, message="m", text="Hola", facts=Facts(language="es", roster=FREE))
    decision = decide(ASLEEP, event, POLICY)

    assert (decision.conversation.status, decision.conversation.assignee) == (Status.OPEN, "U0ANA")
    assert [type(effect) for effect in decision.effects] == [UpdateCard, Note, TellDesk]
    assert decision.effects[1] == Note(text=texts.WOKEN, mention="U0ANA")


@pytest.mark.parametrize("action", ["close", "reopen", "claim"])
def test_what_was_put_off_may_be_closed_or_taken_up(action: str) -> None:
    event = AgentPressed(id="e", to="@C1/1.0", at=NOON, agent="U0BEN", action=action, value="7")
    now = decide(ASLEEP, event, POLICY).conversation

    assert now.status is (Status.CLOSED if action == "close" else Status.OPEN)
    assert now.snoozed_until < NOON


def test_who_put_it_off_has_room_meanwhile() -> None:
    assert OPEN.load == "U0ANA"
    assert ASLEEP.load == ""


@pytest.fixture
async def world(make_world: Callable[..., Awaitable[World]], either_store: str) -> World:
    """A world on either engine."""
    return await make_world(store=either_store)


async def test_the_card_says_until_when(world: World, words: Callable[[Any], str]) -> None:
    await world.customer().write("¿Dónde está mi pedido?")
    thread = await world.thread()
    await world.slack.write("U0ANA", "!snooze 2h", thread=thread)

    await world.shown(thread, "Put off by Ana for 2h")
    assert await world.until(lambda: "snoozed until <!date^" in words(world.slack.posts[thread]))


async def test_what_was_put_off_comes_back_by_itself_after_a_restart(
    world: World, words: Callable[[Any], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("routing.snooze.read_duration", lambda text: timedelta(seconds=1))
    customer = world.customer()
    await customer.write("¿Dónde está mi pedido?")
    thread = await world.thread()
    await world.slack.write("U0ANA", "!snooze 2h", thread=thread)
    await world.shown(thread, "Put off by Ana for 2h")
    await world.stop()
    await world.start()

    await world.shown(thread, texts.SNOOZE_OVER)
    await world.until(lambda: "snoozed" not in words(world.slack.posts[thread]))
    assert customer.got() == []
