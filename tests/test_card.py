"""The card: who, since when they wait and until when they may be answered, how it began, and what can be done."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from adapters.desk_view import draw_card
from routing.contents import EPOCH, Facts
from routing.conversation import Conversation, Status, decide
from routing.effects import Card, ShowLens, UpdateCard
from routing.events import AgentPressed, AgentWrote, CustomerWrote, Event, ReplyFailed
from routing.policy import Agent, Policy
from routing.state import card
from translation.chain import Chain

World = Any
NOON = datetime(2026, 11, 24, 12, 34, 56, tzinfo=UTC)
LATER = NOON + timedelta(minutes=5)
POLICY = Policy(agents=(Agent(id="U0ANA", name="Ana"),))
OPEN = Conversation(contact="tg/1", number=7, status=Status.OPEN, language="es", assignee="U0ANA", thread="1.0")
WAITS = replace(OPEN, waiting_since=NOON, heard_at=NOON)


def heard(at: datetime, *, quiet: bool = False) -> CustomerWrote:
    return CustomerWrote(id=f"c{at}", to="tg/1", at=at, message="m", text="Hola", quiet=quiet, facts=Facts())


def said(text: str) -> AgentWrote:
    return AgentWrote(id="a", to="@C1/1.0", at=LATER, agent="U0ANA", message="2.0", text=text)


def failed(reply: str) -> ReplyFailed:
    return ReplyFailed(id="f", to="tg/1", at=LATER, reply=reply, reason="gone")


@pytest.mark.parametrize(
    ("given", "when", "then"),
    [
        pytest.param(OPEN, heard(NOON), NOON, id="a message waits for an answer"),
        pytest.param(WAITS, heard(LATER), NOON, id="since the first that wasn't answered"),
        pytest.param(OPEN, heard(NOON, quiet=True), EPOCH, id="what asks for none doesn't wait"),
        pytest.param(WAITS, said("Hello"), EPOCH, id="an answer ends it"),
        pytest.param(WAITS, said("// Hello"), NOON, id="a note doesn't"),
        pytest.param(WAITS, said("!close"), EPOCH, id="closing ends it"),
        pytest.param(replace(OPEN, heard_at=NOON), failed("2.0"), NOON, id="an answer that failed was none"),
        pytest.param(replace(OPEN, heard_at=NOON), failed(""), EPOCH, id="a notice that failed is no matter"),
        pytest.param(
            replace(OPEN, status=Status.CLOSED, heard_at=NOON), failed("2.0"), EPOCH, id="nobody waits who is done"
        ),
    ],
)
def test_since_when_a_customer_waits(given: Conversation, when: Event, then: datetime) -> None:
    decided = decide(given, when, POLICY)

    assert decided.conversation.waiting_since == then
    shown = [effect.card.waiting_since for effect in decided.effects if isinstance(effect, UpdateCard)]
    assert shown == ([then] if then != given.waiting_since else [])


def test_messages_within_an_hour_change_the_card_once() -> None:
    hour = NOON.replace(minute=0, second=0)

    assert card(WAITS).heard_at == hour
    assert card(replace(WAITS, heard_at=LATER)) == card(WAITS)


def drawn(status: str, **more: Any) -> tuple[str, dict[str, dict[str, Any]], dict[str, Any]]:
    """Draw a card; gives its words, its buttons by action id, and its head."""
    until = more.pop("until", EPOCH)
    _, blocks = draw_card(Card(number=7, name="Lu", channel="wa", status=status, **more), POLICY, until)
    buttons = {each["action_id"]: each for each in blocks[-1]["elements"]}
    parts = [part["text"] for block in blocks for part in (block.get("text"), *block.get("fields", ())) if part]
    return "\n".join(parts), buttons, blocks[0]


def test_a_closed_one_is_visibly_closed() -> None:
    words, buttons, head = drawn("closed", words="Where is my …", until=LATER)

    assert words.startswith("~*#7 · Lu* on wa~ · ✔️ closed")
    assert "Answer" not in words
    assert buttons["reopen"]["style"] == "primary"
    assert "accessory" not in head


def test_an_open_one_says_until_when_it_may_be_answered() -> None:
    words, buttons, head = drawn("open", waiting_since=NOON, until=LATER)

    assert f"*Waiting:* since <!date^{int(NOON.timestamp())}^" in words
    assert f"*Answer:* before <!date^{int(LATER.timestamp())}^" in words
    assert [id_ for id_, each in buttons.items() if "style" in each] == []
    assert 1 <= len(head["accessory"]["options"]) <= 5
    assert all(option["value"].startswith("7:") for option in head["accessory"]["options"])


@pytest.mark.parametrize(
    ("chosen", "shows"),
    [("priority urgent", "*Priority:* urgent"), ("snooze 2h", "snoozed until"), ("snooze 1d", "snoozed until")],
)
async def test_the_menu_does_what_the_command_does(
    world: World, words: Callable[[Any], str], chosen: str, shows: str
) -> None:
    await world.customer().write("¿Dónde está mi pedido?")
    thread = await world.thread()
    assert await world.slack.press("U0ANA", "more", f"1:{chosen}", thread) == 200

    await world.on_card(thread, shows)


def test_the_menu_gives_an_agent_the_lens() -> None:
    pressed = AgentPressed(id="p", to="@C1/1.0", at=NOON, agent="U0ANA", action="more", value="7:lens")

    assert decide(OPEN, pressed, POLICY).effects == (ShowLens(agent="U0ANA"),)


@pytest.mark.parametrize(
    ("written", "begins"),
    [
        ("¿Dónde está mi pedido?", "> Where is my …"),
        ("Hola", None),
        ("Hello <!here> " + "and so on " * 10, "> Hello &lt;!here&gt; and so on and so on and so on and …"),
    ],
)
async def test_the_card_says_how_it_began_and_never_all(
    world: World, words: Callable[[Any], str], written: str, begins: str | None
) -> None:
    await world.customer().write(written)
    thread = await world.thread()
    await world.slack.write("U0ANA", "!priority high", thread=thread)
    await world.on_card(thread, "*Priority:* high")

    quoted = [line for line in words(world.slack.posts[thread]).splitlines() if line.startswith("> ")]
    assert quoted == ([begins] if begins else [])


async def test_a_first_message_is_translated_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    whole = Chain.translate

    async def counted(self: Chain, text: str, **more: Any) -> Any:
        asked.append(text)
        return await whole(self, text, **more)

    monkeypatch.setattr(Chain, "translate", counted)
    customer = world.customer()
    await customer.write("¿Dónde está mi pedido?")
    thread = await world.thread()
    await world.shown(thread, "Where is my order?")
    assert asked == ["¿Dónde está mi pedido?"]
    await customer.write("¿Dónde está mi pedido?")
    await world.settled()

    assert len(asked) == 2
