"""What agents change after it was sent is changed at the customer's, or they are told that it stays."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from msgspec.structs import replace

from gateway.changes import LONGER, WORDLESS
from routing import texts
from routing.contents import Facts
from routing.conversation import Conversation, Held, Status, decide
from routing.effects import ChangeSent, Effect, Note, SettleAsk, ShowSent, TellAgent, TellCustomer
from routing.events import AgentEdited, AgentPressed, AgentSubmitted, ChangeRefused, Event, ReplySent, ReplyTakenBack
from routing.policy import Agent, Policy

World = Any
Words = Callable[[Any], str]
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
POLICY = Policy(agents=(Agent(id="U0ANA", name="Ana"),))
SENT = Conversation(
    contact="tg/1",
    name="Lucía",
    number=7,
    status=Status.OPEN,
    language="es",
    assignee="U0ANA",
    thread="1.0",
    replies={"9": "2.0"},
    receipts={"2.0": "read"},
)
WAITS = TellCustomer(text="Old", language="es", source="en", reply="2.0", agent="U0ANA")
PARKED = replace(SENT, replies={}, receipts={}, parked=(WAITS,))


def edited(text: str, *, deleted: bool = False, **facts: Any) -> AgentEdited:
    return AgentEdited(
        id="e", to="@C1/1.0", at=NOON, agent="U0ANA", message="2.0", text=text, deleted=deleted, facts=Facts(**facts)
    )


def told(text: str) -> list[Effect]:
    return [TellAgent(agent="U0ANA", text=text)]


CHANGE = ChangeSent(reply="2.0", agent="U0ANA", text="New", language="es", source="en")


@pytest.mark.parametrize(
    ("given", "when", "then"),
    [
        pytest.param(SENT, edited(" New "), [CHANGE], id="other words"),
        pytest.param(SENT, edited("New", language="es"), [replace(CHANGE, source="es")], id="in another language"),
        pytest.param(replace(SENT, receipts={}), edited("New"), [CHANGE], id="before it is known that it went"),
        pytest.param(replace(SENT, receipts={"2.0": "failed"}), edited("New"), told(texts.EDITED_FAILED), id="failed"),
        pytest.param(SENT, edited("", deleted=True), [replace(CHANGE, text="")], id="deleted"),
        pytest.param(SENT, edited("// New"), [replace(CHANGE, text="")], id="made a note"),
        pytest.param(replace(SENT, receipts={"2.0": "failed"}), edited("", deleted=True), [], id="failed and deleted"),
        pytest.param(
            SENT,
            ReplyTakenBack(id="e", to="tg/1", at=NOON, reply="2.0"),
            [Note(text=texts.TAKEN_BACK)],
            id="taken back",
        ),
        pytest.param(
            SENT,
            ChangeRefused(id="e", to="tg/1", at=NOON, agent="U0ANA", reason="too old", deleted=True),
            told(texts.unchanged("too old", deleted=True)),
            id="not taken back",
        ),
        pytest.param(replace(SENT, receipts={}), edited("// New"), [], id="a note that was changed"),
        pytest.param(Conversation(contact="tg/1"), edited("New"), [], id="nobody's thread"),
        pytest.param(
            SENT,
            ReplySent(id="e", to="tg/1", at=NOON, message="9", reply="2.0", sent="Nuevo", language="es", changed=True),
            [ShowSent(text="Nuevo", language="es", name="Lucía", changed=True)],
            id="changed: what was read stays read",
        ),
        pytest.param(
            SENT,
            ChangeRefused(id="e", to="tg/1", at=NOON, agent="U0ANA", reason="too old"),
            told(texts.unchanged("too old")),
            id="refused",
        ),
    ],
)
def test_decide(given: Conversation, when: Event, then: list[Effect]) -> None:
    decision = decide(given, when, POLICY)

    assert list(decision.effects) == then
    assert decision.conversation == replace(given, seen=(when.id,))


@pytest.mark.parametrize(
    ("when", "waits"),
    [
        (edited("New"), (replace(WAITS, text="New"),)),
        (edited("", deleted=True), ()),
        (edited("// never mind"), ()),
    ],
    ids=["other words", "deleted", "made a note"],
)
def test_what_waits_for_the_customer_says_what_it_says_now(when: AgentEdited, waits: tuple[TellCustomer, ...]) -> None:
    decision = decide(PARKED, when, POLICY)

    assert (decision.conversation.parked, decision.effects) == (waits, ())


@pytest.fixture
async def world(make_world: Callable[..., Awaitable[World]], either_store: str) -> World:
    """A world on either engine."""
    return await make_world(store=either_store)


async def answered(world: World) -> tuple[Any, str, str]:
    customer = world.customer()
    await customer.write("¿Dónde está mi pedido?")
    thread = await world.thread()
    answer = await world.slack.write("U0BEN", "It will arrive on Friday.", thread=thread)
    await world.until(lambda: customer.got() == ["Llegará el viernes."])
    return customer, thread, answer


async def test_other_words_reach_the_customer_translated(world: World, words: Words) -> None:
    customer, thread, answer = await answered(world)
    await world.slack.edit(answer, "It will arrive tomorrow.")

    await world.until(lambda: customer.got() == ["Llegará mañana."])
    line = words(await world.shown(thread, "Changed in Spanish · phrasebook: Llegará mañana."))
    assert "which means: It will arrive tomorrow." in line
    await world.slack.write("U0ANA", "!fix Lo tendrá mañana.", thread=thread)
    await world.until(lambda: customer.got() == ["Lo tendrá mañana."])


async def test_an_answer_that_took_several_messages_is_changed_in_each_of_them(world: World) -> None:
    customer = world.customer()
    await customer.write("Where is my order?")
    thread = await world.thread()
    long = [f"{sign}{' word' * 1200}." for sign in "abcd"]
    answer = await world.slack.write("U0BEN", "\n".join(long[:2]), thread=thread)
    await world.until(lambda: len(customer.got()) > 2)
    sent = len(customer.got())
    await world.slack.edit(answer, long[2])
    await world.until(lambda: "".join(customer.got()).startswith("c"))
    await world.settled()
    assert " ".join(customer.got()).split() == long[2].split()
    assert len(customer.got()) < sent

    await world.slack.edit(answer, "\n".join(long))
    await world.until(lambda: world.slack.whispers)
    assert LONGER in world.slack.whispers[0]["text"]


async def test_the_words_that_came_with_a_file_are_changed(world: World, words: Words) -> None:
    customer = world.customer()
    await customer.write("¿Dónde está mi pedido?")
    thread = await world.thread()
    picture = b"\x89PNG\r\n\x1a\n" + bytes(64)
    answer = await world.slack.write_file("U0BEN", "map.png", picture, thread=thread, text="It will arrive on Friday.")
    await world.until(lambda: "white_check_mark" in world.slack.reactions.get(answer, ()))
    got = customer.got()
    await world.slack.edit(answer, "It will arrive tomorrow.")

    await world.until(lambda: customer.got() == ["Llegará mañana.", *got[1:]])
    assert await world.shown(thread, "Changed in Spanish · phrasebook: Llegará mañana.")
    mute = await world.slack.write_file("U0BEN", "map.png", picture, thread=thread)
    await world.until(lambda: "white_check_mark" in world.slack.reactions.get(mute, ()))
    await world.settled()
    await world.slack.edit(mute, "It will arrive tomorrow.")
    await world.until(lambda: world.slack.whispers)
    assert WORDLESS in world.slack.whispers[0]["text"]


async def test_what_the_platform_will_not_change_is_told(world: World) -> None:
    customer, _, answer = await answered(world)
    world.telegram.fault = lambda method, _: (
        web.json_response({"ok": False, "description": "Bad Request: message can't be edited"}, status=400)
        if method == "editMessageText"
        else None
    )
    await world.slack.edit(answer, "It will arrive tomorrow.")
    await world.until(lambda: world.slack.whispers)

    assert texts.EDITED in world.slack.whispers[0]["text"]
    assert "Telegram doesn't let us change this message any more" in world.slack.whispers[0]["text"]
    assert customer.got() == ["Llegará el viernes."]


SHOWN = Held(agent="U0ANA", text="New", source="en", rendering="Nuevo", back="New one", shown=True, changes=True)
HELD = replace(SENT, held={"2.0": SHOWN})
REPLACED = SettleAsk(held="2.0", text=texts.HELD_REPLACED)


def pressed(action: str) -> AgentPressed:
    return AgentPressed(id="e", to="@C1/1.0", at=NOON, agent="U0ANA", action=action, value="2.0")


def settled(action: str) -> SettleAsk:
    return SettleAsk(held="2.0", text=texts.held_settled(action, "Ana", changes=True))


@pytest.mark.parametrize(
    ("when", "then"),
    [
        pytest.param(
            pressed("send"),
            [settled("send"), replace(CHANGE, text="Nuevo", ready=True, back="New one")],
            id="as it was shown",
        ),
        pytest.param(
            pressed("send_original"), [settled("send_original"), replace(CHANGE, ready=True)], id="untranslated"
        ),
        pytest.param(pressed("keep"), [settled("keep")], id="not at all"),
        pytest.param(
            AgentSubmitted(id="e", to="@C1/1.0", at=NOON, agent="U0ANA", action="edit", value="2.0", text="Otro"),
            [settled("edit"), replace(CHANGE, text="Otro", ready=True, by=texts.edited_by("Ana"))],
            id="in the agent's words",
        ),
        pytest.param(edited("Newer"), [REPLACED, replace(CHANGE, text="Newer")], id="edited again"),
        pytest.param(
            edited("", deleted=True),
            [SettleAsk(held="2.0", text=texts.HELD_GONE), replace(CHANGE, text="")],
            id="deleted after all",
        ),
        pytest.param(
            ReplySent(id="e", to="tg/1", at=NOON, message="9", reply="2.0", sent="Otro", language="es", changed=True),
            [REPLACED, ShowSent(text="Otro", language="es", name="Lucía", changed=True)],
            id="edited again before it was asked about",
        ),
    ],
)
def test_a_change_that_is_in_doubt_goes_as_its_writer_says(when: Event, then: list[Effect]) -> None:
    decision = decide(HELD, when, POLICY)

    assert list(decision.effects) == then
    assert decision.conversation == replace(SENT, seen=(when.id,))


async def test_a_change_is_shown_before_it_goes_where_every_answer_is(
    make_world: Callable[..., Awaitable[World]], words: Words
) -> None:
    world = await make_world(desk="confirm = true", extra='[translation]\nengines = ["phrasebook"]\n')
    customer = world.customer()
    await customer.write("¿Dónde está mi pedido?")
    thread = await world.thread()
    answer = await world.slack.write("U0BEN", "It will arrive on Friday.", thread=thread)
    question = await world.shown(thread, "Llegará el viernes.")
    await world.slack.press("U0BEN", "send", answer, question["ts"])
    await world.until(lambda: customer.got() == ["Llegará el viernes."])

    await world.slack.edit(answer, "It will arrive tomorrow.")
    again = await world.shown(thread, "Llegará mañana.")
    assert "Not changed yet." in words(again)
    assert "Leave it as it is" in words(again)
    assert customer.got() == ["Llegará el viernes."]
    await world.slack.press("U0BEN", "send", answer, again["ts"])

    await world.until(lambda: customer.got() == ["Llegará mañana."])
    assert await world.shown(thread, "Changed in Spanish")


async def test_what_an_agent_deletes_is_gone_at_the_customers_too(world: World) -> None:
    customer, thread, answer = await answered(world)
    await world.slack.remove(answer)

    await world.until(lambda: customer.got() == [])
    assert await world.shown(thread, texts.TAKEN_BACK)


async def test_what_the_platform_will_not_take_back_is_told(world: World) -> None:
    customer, _, answer = await answered(world)
    world.telegram.fault = lambda method, _: (
        web.json_response({"ok": False, "description": "Bad Request: message can't be deleted"}, status=400)
        if method == "deleteMessage"
        else None
    )
    await world.slack.remove(answer)
    await world.until(lambda: world.slack.whispers)

    assert texts.DELETED in world.slack.whispers[0]["text"]
    assert "Telegram doesn't let us take this message back any more" in world.slack.whispers[0]["text"]
    assert customer.got() == ["Llegará el viernes."]


async def test_a_busy_platform_is_asked_again(world: World) -> None:
    customer, _, answer = await answered(world)
    refused = iter([True])
    world.telegram.fault = lambda method, _: (
        web.json_response(
            {"ok": False, "description": "Too Many Requests", "parameters": {"retry_after": 1}}, status=429
        )
        if method == "editMessageText" and next(refused, False)
        else None
    )
    await world.slack.edit(answer, "It will arrive tomorrow.")

    await world.until(lambda: customer.got() == ["Llegará mañana."])
    assert world.slack.whispers == []


async def test_an_edited_note_changes_nothing_and_holds_nothing_up(world: World) -> None:
    customer, thread, _ = await answered(world)
    note = await world.slack.write("U0BEN", "// he is angry", thread=thread)
    await world.slack.edit(note, "// he is very angry")
    await world.slack.write("U0BEN", "Thank you!", thread=thread)

    await world.until(lambda: customer.got() == ["Llegará el viernes.", "¡Gracias!"])
    assert world.slack.whispers == []
