"""The core, as given, when, then."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from routing import texts
from routing.contents import Facts, File, Standing
from routing.conversation import Conversation, Decision, Held, Status, card, decide, opens_conversation
from routing.effects import (
    AskAgent,
    AskWords,
    Effect,
    Fix,
    LearnName,
    Note,
    OpenThread,
    React,
    SetAway,
    SettleAsk,
    ShowEdit,
    ShowHistory,
    ShowSent,
    TellAgent,
    TellCustomer,
    TellDesk,
    UpdateCard,
)
from routing.events import (
    AgentEdited,
    AgentPressed,
    AgentSubmitted,
    AgentWrote,
    AnsweredElsewhere,
    ContactNamed,
    CustomerDeleted,
    CustomerEdited,
    CustomerLeft,
    CustomerReturned,
    CustomerWrote,
    Event,
    PlatformNoted,
    ReceiptCame,
    ReplyFailed,
    ReplyHeld,
    ReplySent,
    ThreadLost,
    ThreadOpened,
    TurnCame,
)
from routing.policy import Agent, Policy, Skill

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
ANA = Agent(id="U0ANA", name="Ana", languages=("en", "es"), skills=("billing",), capacity=2)
BEN = Agent(id="U0BEN", name="Ben", languages=("en",))
POLICY = Policy(
    agents=(ANA, BEN),
    skills=(Skill(name="billing", keywords={"en": ("invoice",), "es": ("factura",)}),),
)
FREE = (Standing(agent="U0ANA"), Standing(agent="U0BEN"))
FULL = (Standing(agent="U0ANA", load=2), Standing(agent="U0BEN", away=True))
NEW = Conversation(contact="tg/1")
OPEN = Conversation(
    contact="tg/1",
    name="Lucía",
    number=7,
    status=Status.OPEN,
    language="es",
    skill="general",
    assignee="U0ANA",
    why=("Ana: speaks es",),
    talked=("U0ANA",),
    thread="1.0",
    opened_at=NOON,
)
QUEUED = replace(OPEN, status=Status.QUEUED, assignee="", talked=(), told_waiting=True, why=())
CLOSED = replace(OPEN, status=Status.CLOSED, closed_at=NOON)


def wrote(text: str = "Hola", *, at: datetime = NOON, **facts: Any) -> CustomerWrote:
    known = Facts(**{"language": "es", "number": 8, "roster": FREE, **facts})
    return CustomerWrote(id="e", to="tg/1", at=at, message="m", text=text, name="Lucía", facts=known)


def said(text: str, *, agent: str = "U0ANA", to: str = "@C1/1.0", **more: Any) -> AgentWrote:
    return AgentWrote(id="e", to=to, at=NOON, agent=agent, message="2.0", text=text, **more)


def pressed(action: str, value: str = "7", agent: str = "U0BEN", trigger: str = "") -> AgentPressed:
    return AgentPressed(id="e", to="@C1/1.0", at=NOON, agent=agent, action=action, value=value, trigger=trigger)


def submitted(action: str, text: str, value: str = "2.0") -> AgentSubmitted:
    return AgentSubmitted(id="e", to="@C1/1.0", at=NOON, agent="U0BEN", action=action, value=value, text=text)


def edited(text: str, *, deleted: bool = False) -> AgentEdited:
    return AgentEdited(id="e", to="@C1/1.0", at=NOON, agent="U0ANA", message="2.0", text=text, deleted=deleted)


def kinds(decision: Decision) -> list[str]:
    return [type(effect).__name__ for effect in decision.effects]


def names(*types: type) -> list[str]:
    return [each.__name__ for each in types]


ANSWER = TellCustomer(text="On its way", language="es", source="en", reply="2.0", agent="U0ANA")
PHOTO = File(ref="https://files.slack.com/1", kind="photo", name="label.jpg")
HELD = Held(agent="U0ANA", text="@ben can you look?", source="en")
RISKY = Held(agent="U0ANA", text="Hi", rendering="Hola", back="Hello")


@pytest.mark.parametrize(
    ("given", "when", "then"),
    [
        pytest.param(OPEN, said("On its way"), [ANSWER], id="an answer goes to the customer"),
        pytest.param(OPEN, said("// he is angry"), [], id="a note never leaves"),
        pytest.param(OPEN, said("  // indented"), [], id="nor does an indented one"),
        pytest.param(
            OPEN, said("!fix To here"), [Fix(agent="U0ANA", message=said("").message, text="To here")], id="a fix"
        ),
        pytest.param(
            OPEN,
            said("!fix\nTo\nhere"),
            [Fix(agent="U0ANA", message=said("").message, text="To\nhere")],
            id="a fix in lines",
        ),
        pytest.param(OPEN, said("!fix"), [TellAgent(agent="U0ANA", text=texts.FIX_HOW)], id="a fix of nothing"),
        pytest.param(
            OPEN, said("! close"), [TellAgent(agent="U0ANA", text=texts.unknown_command(""))], id="no command"
        ),
        pytest.param(OPEN, said("!help"), [TellAgent(agent="U0ANA", text=texts.HELP)], id="help is for its writer"),
        pytest.param(
            OPEN,
            said("!clsoe now"),
            [TellAgent(agent="U0ANA", text=texts.unknown_command("clsoe"))],
            id="an unknown command is answered, not sent",
        ),
        pytest.param(
            OPEN,
            said("@ben can you look?", addressed=True, mentions=("U0BEN",)),
            [AskAgent(agent="U0ANA", held="2.0", reason=texts.ADDRESSED, text="@ben can you look?")],
            id="what addresses a colleague is held and asked about",
        ),
        pytest.param(
            OPEN,
            said("", attached=(PHOTO,)),
            [replace(ANSWER, text="", files=(PHOTO,))],
            id="a file alone goes too",
        ),
        pytest.param(
            replace(OPEN, held={"2.0": HELD}),
            pressed("send", "2.0"),
            [
                SettleAsk(held="2.0", text="Sent by Ben."),
                TellCustomer(text=HELD.text, language="es", source="en", reply="2.0", agent="U0ANA"),
            ],
            id="a held message goes when its writer says so",
        ),
        pytest.param(
            replace(OPEN, held={"2.0": RISKY}),
            pressed("send", "2.0"),
            [
                SettleAsk(held="2.0", text="Sent by Ben."),
                TellCustomer(
                    text="Hola", language="es", source="", reply="2.0", agent="U0ANA", ready=True, back="Hello"
                ),
            ],
            id="a risky translation goes as it was shown",
        ),
        pytest.param(
            replace(OPEN, held={"2.0": RISKY}),
            pressed("send_original", "2.0"),
            [
                SettleAsk(held="2.0", text="Sent as it was written by Ben."),
                TellCustomer(text="Hi", language="es", reply="2.0", agent="U0ANA", ready=True),
            ],
            id="or in the agent's own words",
        ),
        pytest.param(
            replace(OPEN, held={"2.0": RISKY}),
            pressed("edit", "2.0", trigger="t1"),
            [
                AskWords(
                    agent="U0BEN",
                    trigger="t1",
                    action="edit",
                    about="2.0",
                    text="Hola",
                    original="Hi",
                    language="es",
                )
            ],
            id="who wants to edit a risky translation gets a form with it",
        ),
        pytest.param(
            OPEN,
            pressed("edit", "2.0", trigger="t1"),
            [TellAgent(agent="U0BEN", text=texts.NOT_HELD)],
            id="what isn't held any more isn't edited",
        ),
        pytest.param(
            replace(OPEN, held={"2.0": RISKY}),
            submitted("edit", " Buenas \n"),
            [
                SettleAsk(held="2.0", text="Edited and sent by Ben."),
                TellCustomer(text="Buenas", language="es", reply="2.0", agent="U0ANA", ready=True, by="in Ben's words"),
            ],
            id="edited words go as they are",
        ),
        pytest.param(
            OPEN,
            submitted("edit", "Buenas"),
            [TellAgent(agent="U0BEN", text=texts.not_held("Buenas"))],
            id="edited words of what has gone meanwhile go nowhere",
        ),
        pytest.param(replace(OPEN, held={"2.0": RISKY}), submitted("edit", "  "), [], id="no words go nowhere"),
        pytest.param(
            OPEN,
            pressed("fix", "7001", trigger="t1"),
            [AskWords(agent="U0BEN", trigger="t1", action="fix", about="7001")],
            id="a Fix button asks for better words",
        ),
        pytest.param(
            OPEN,
            submitted("fix", "To here", value="7001"),
            [Fix(agent="U0BEN", text="To here", about="7001")],
            id="and they are the right ones from then on",
        ),
        pytest.param(
            replace(OPEN, held={"2.0": HELD}),
            pressed("keep", "2.0"),
            [SettleAsk(held="2.0", text="Kept as a note by Ben; the customer doesn't get it.")],
            id="a held message kept as a note stays",
        ),
        pytest.param(
            replace(OPEN, held={"2.0": RISKY}),
            edited("Good morning"),
            [
                SettleAsk(held="2.0", text=texts.HELD_REPLACED),
                TellCustomer(text="Good morning", language="es", source="en", reply="2.0", agent="U0ANA"),
            ],
            id="new words replace those in doubt",
        ),
        pytest.param(
            replace(OPEN, held={"2.0": replace(RISKY, source="en")}),
            replace(edited("Buenos días"), facts=Facts(language="es")),
            [
                SettleAsk(held="2.0", text=texts.HELD_REPLACED),
                TellCustomer(text="Buenos días", language="es", source="es", reply="2.0", agent="U0ANA"),
            ],
            id="new words may be in another language",
        ),
        pytest.param(
            replace(OPEN, held={"2.0": HELD}),
            edited("@ben could you look?"),
            [
                SettleAsk(held="2.0", text=texts.HELD_EDITED),
                AskAgent(agent="U0ANA", held="2.0", reason=texts.ADDRESSED, text="@ben could you look?"),
            ],
            id="new words for a colleague are asked about again",
        ),
        pytest.param(
            replace(OPEN, held={"2.0": HELD}),
            edited("", deleted=True),
            [SettleAsk(held="2.0", text=texts.HELD_DELETED)],
            id="a held message that is deleted never goes",
        ),
        pytest.param(
            OPEN,
            pressed("send", "2.0"),
            [TellAgent(agent="U0BEN", text=texts.NOT_HELD)],
            id="a second press does nothing",
        ),
        pytest.param(
            OPEN,
            pressed("close", "6"),
            [TellAgent(agent="U0BEN", text=texts.STALE.format(number=7))],
            id="a button of an older conversation closes nothing",
        ),
        pytest.param(
            OPEN,
            said("Hi", to="@C1/0.5"),
            [
                TellCustomer(text="Hi", language="es", source="en", reply="2.0", agent="U0ANA"),
                TellAgent(agent="U0ANA", text=texts.CONTINUES.format(number=7)),
            ],
            id="an answer in an older thread goes, and its writer is told",
        ),
        pytest.param(
            OPEN,
            CustomerEdited(id="e", to="tg/1", at=NOON, message="m", text="Adiós"),
            [ShowEdit(message="m", at=NOON, text="Adiós", language="es")],
            id="an edit shows",
        ),
        pytest.param(
            OPEN,
            CustomerDeleted(id="e", to="tg/1", at=NOON, message="m"),
            [ShowEdit(message="m", at=NOON, deleted=True)],
            id="a deletion shows",
        ),
        pytest.param(
            OPEN,
            ReplySent(id="e", to="tg/1", at=NOON, message="9", reply="2.0", sent="Va", language="es", back="It goes"),
            [React(message="2.0", emoji="accepted"), ShowSent(text="Va", language="es", back="It goes", name="Lucía")],
            id="an accepted answer gets its tick and shows what was sent",
        ),
        pytest.param(
            replace(OPEN, receipts={"9": "read"}),
            ReplySent(id="e", to="tg/1", at=NOON, message="9", reply="2.0", sent="Va"),
            [React(message="2.0", emoji="read"), ShowSent(text="Va", language="", name="Lucía")],
            id="a receipt that overtook the answer isn't lost",
        ),
        pytest.param(
            replace(OPEN, replies={"9": "2.0"}, receipts={"2.0": "accepted"}),
            ReceiptCame(id="e", to="tg/1", at=NOON, message="9", state="read"),
            [React(message="2.0", emoji="read")],
            id="read",
        ),
        pytest.param(
            replace(OPEN, replies={"9": "2.0"}, receipts={"2.0": "accepted"}),
            ReceiptCame(id="e", to="tg/1", at=NOON, message="9", state="delivered"),
            [],
            id="delivered changes nothing to see",
        ),
        pytest.param(
            replace(OPEN, replies={"9": "2.0"}, receipts={"2.0": "accepted"}),
            ReceiptCame(
                id="e", to="tg/1", at=NOON, message="9", state="failed", reason="no such number", advice="Ask."
            ),
            [React(message="2.0", emoji="failed"), Note(text=texts.failed("no such number", "Ask."))],
            id="a late failure is told",
        ),
        pytest.param(
            OPEN,
            ReplyFailed(id="e", to="tg/1", at=NOON, reply="2.0", reason="too long", advice="Shorten it."),
            [React(message="2.0", emoji="failed"), Note(text="⚠️ Not delivered: too long. Shorten it.")],
            id="a refusal is told with what to do",
        ),
        pytest.param(
            OPEN,
            ReplyHeld(
                id="e", to="tg/1", at=NOON, reply="2.0", agent="U0ANA", text="Hi", rendering="Ho", reason="short"
            ),
            [AskAgent(agent="U0ANA", held="2.0", reason="short", text="Hi", rendering="Ho")],
            id="a risky translation is asked about",
        ),
        pytest.param(
            OPEN, TurnCame(id="e", to="tg/1", at=NOON, facts=Facts(roster=FREE)), [], id="a turn for whom nobody waits"
        ),
        pytest.param(
            QUEUED, TurnCame(id="e", to="tg/1", at=NOON, facts=Facts(roster=FULL)), [], id="a turn with nobody free"
        ),
    ],
)
def test_what_follows(given: Conversation, when: Event, then: Sequence[Effect]) -> None:
    assert list(decide(given, when, POLICY).effects) == then


def test_the_first_message_opens_a_thread_with_its_card_and_an_agent() -> None:
    decision = decide(NEW, wrote("¿Dónde está mi factura?"), POLICY)

    now = decision.conversation
    assert (now.number, now.status, now.assignee, now.language) == (8, Status.OPEN, "U0ANA", "es")
    assert now.skill == "billing"
    assert kinds(decision) == names(OpenThread, TellDesk)
    assert "speaks es" in card(now).why[0]
    assert "lacks the skill billing" in card(now).why[1]


def test_nobody_free_queues_and_tells_the_customer_once() -> None:
    first = decide(NEW, wrote(roster=FULL), POLICY)
    second = decide(first.conversation, replace(wrote(roster=FULL), id="e2", message="m2"), POLICY)

    assert kinds(first) == names(OpenThread, TellDesk, TellCustomer)
    assert first.conversation.status is Status.QUEUED
    assert kinds(second) == names(TellDesk)


def test_a_turn_takes_the_conversation_from_the_queue_and_pings_the_agent() -> None:
    decision = decide(QUEUED, TurnCame(id="e", to="tg/1", at=NOON, facts=Facts(roster=FREE)), POLICY)

    assert decision.conversation.assignee == "U0ANA"
    assert kinds(decision) == names(UpdateCard, Note)
    assert [effect.mention for effect in decision.effects if isinstance(effect, Note)] == ["U0ANA"]


def test_a_message_within_the_window_reopens_with_the_agent_who_knows_the_customer() -> None:
    given = replace(CLOSED, talked=("U0BEN",), language="fr")
    decision = decide(given, wrote("Encore moi", at=NOON + timedelta(hours=23), language="fr"), POLICY)

    assert (decision.conversation.number, decision.conversation.assignee) == (7, "U0BEN")
    assert kinds(decision) == names(UpdateCard, Note, Note, TellDesk)


def test_a_message_after_the_window_starts_a_new_conversation() -> None:
    event = wrote(at=NOON + timedelta(hours=25))

    assert opens_conversation(CLOSED, event, POLICY)
    decision = decide(CLOSED, event, POLICY)
    assert (decision.conversation.number, decision.conversation.thread) == (8, "")
    assert kinds(decision) == names(OpenThread, TellDesk)


def test_an_answer_in_a_closed_conversation_reopens_it() -> None:
    decision = decide(CLOSED, said("One more thing", agent="U0BEN"), POLICY)

    assert (decision.conversation.status, decision.conversation.assignee) == (Status.OPEN, "U0BEN")
    assert kinds(decision) == names(TellCustomer, UpdateCard, Note)


MENU = replace(
    POLICY,
    skills=(
        Skill(name="billing", keywords={"es": ("factura",)}, menu={"en": "Invoices", "es": "Facturas"}),
        Skill(name="repairs", menu={"en": "Repairs", "es": "Reparaciones"}),
        Skill(name="secret"),
    ),
)


def test_a_customer_whose_words_say_nothing_is_asked_in_their_language_and_routed_by_the_answer() -> None:
    asked = decide(NEW, wrote("Hola"), MENU)
    answered = decide(asked.conversation, replace(wrote("1."), id="e2"), MENU)

    assert kinds(asked) == names(OpenThread, TellDesk, TellCustomer)
    assert asked.conversation.status is Status.QUEUED
    (menu,) = (effect for effect in asked.effects if isinstance(effect, TellCustomer))
    assert (menu.phrase, menu.lines) == (texts.MENU, ("1. Facturas", "2. Reparaciones"))
    assert (answered.conversation.skill, answered.conversation.assignee) == ("billing", "U0ANA")
    assert Note(text=texts.menu_answered("billing")) in answered.effects


@pytest.mark.parametrize(
    ("answer", "skill"),
    [
        ("reparaciones", "repairs"),
        (" 2 ", "repairs"),
        ("9", "general"),
        ("una factura mala", "billing"),
        ("?", "general"),
    ],
)
def test_what_an_answer_to_the_menu_means(answer: str, skill: str) -> None:
    asked = decide(NEW, wrote("Hola"), MENU).conversation

    assert decide(asked, replace(wrote(answer), id="e2"), MENU).conversation.skill == skill


def test_a_menu_that_nobody_answers_holds_up_nobody_for_long() -> None:
    asked = decide(NEW, wrote("Hola"), MENU).conversation
    soon = TurnCame(id="t1", to="tg/1", at=NOON + timedelta(seconds=119), facts=Facts(roster=FREE))
    later = TurnCame(id="t2", to="tg/1", at=NOON + timedelta(seconds=121), facts=Facts(roster=FREE))

    assert decide(asked, soon, MENU).conversation.status is Status.QUEUED
    assert decide(asked, later, MENU).conversation.status is Status.OPEN


def test_a_menu_is_over_when_an_agent_takes_the_conversation() -> None:
    asked = decide(NEW, wrote("Hola"), MENU).conversation
    claimed = decide(asked, replace(said("!claim", agent="U0BEN"), id="e1"), MENU).conversation
    closed = decide(claimed, replace(said("!close"), id="e2"), MENU).conversation

    again = decide(closed, replace(wrote("1"), id="e3"), MENU)

    assert Note(text=texts.REOPENED) in again.effects
    assert again.conversation.skill == "general"


def test_who_says_what_it_is_about_is_not_asked() -> None:
    assert TellCustomer not in [type(each) for each in decide(NEW, wrote("mi factura"), MENU).effects]


@pytest.mark.parametrize(("text", "away"), [("!away", True), ("!back", False)])
def test_agents_say_when_they_are_away(text: str, away: bool) -> None:
    decision = decide(OPEN, said(text), POLICY)

    assert decision.effects[0] == SetAway(agent="U0ANA", away=away)
    assert kinds(decision) == names(SetAway, TellAgent)


def test_what_was_accepted_until_a_moment_is_read() -> None:
    sent = [
        ReplySent(id=f"s{n}", to="fb/1", at=NOON + timedelta(minutes=n), message=f"m{n}", reply=f"{n}.0", unread=True)
        for n in (1, 2, 3)
    ]
    now = OPEN
    for event in sent:
        now = decide(now, event, POLICY).conversation
    first = decide(
        now, ReceiptCame(id="r1", to="fb/1", at=NOON, state="read", until=NOON + timedelta(minutes=1)), POLICY
    )
    again = decide(first.conversation, ReceiptCame(id="r2", to="fb/1", at=NOON, state="read", until=NOON), POLICY)
    named = decide(
        first.conversation, ReceiptCame(id="r3", to="fb/1", at=NOON, state="read", message="m3", until=NOON), POLICY
    )

    assert first.effects == (React(message="1.0", emoji="read"),)
    assert again.effects == ()
    assert named.effects == (React(message="2.0", emoji="read"), React(message="3.0", emoji="read"))
    assert not named.conversation.unread


def test_a_read_that_was_told_before_the_send_was_known_counts() -> None:
    told = decide(OPEN, ReceiptCame(id="r", to="fb/1", at=NOON, state="read", until=NOON), POLICY).conversation
    sent = ReplySent(id="s", to="fb/1", at=NOON, message="m", reply="2.0", unread=True)

    assert decide(told, sent, POLICY).effects[0] == React(message="2.0", emoji="read")


def test_what_is_answered_elsewhere_is_shown_and_our_own_is_no_news() -> None:
    event = AnsweredElsewhere(id="e", to="fb/1", at=NOON, message="m9", text="Ya va")
    ours = replace(OPEN, replies={"m9": "2.0"})

    assert kinds(decide(OPEN, event, POLICY)) == names(TellDesk)
    assert kinds(decide(ours, event, POLICY)) == []
    assert kinds(decide(NEW, event, POLICY)) == []


def test_a_customer_without_a_name_is_asked_for_and_then_named_on_the_card() -> None:
    first = decide(NEW, replace(wrote(), name=""), POLICY)
    named = decide(first.conversation, ContactNamed(id="n", to="tg/1", at=NOON, name="Lucía"), POLICY)

    assert kinds(first) == names(OpenThread, TellDesk, LearnName)
    assert kinds(named) == names(UpdateCard)
    assert named.conversation.name == "Lucía"
    assert kinds(decide(OPEN, ContactNamed(id="n", to="tg/1", at=NOON, name="Other"), POLICY)) == []


def test_what_the_platform_notes_is_told_where_there_is_a_conversation() -> None:
    noted = PlatformNoted(id="p", to="fb/1", at=NOON, text="Another app answers")

    assert decide(OPEN, noted, POLICY).effects == (Note(text="Another app answers"),)
    assert decide(NEW, noted, POLICY).effects == ()


def test_a_blocked_customer_is_not_written_to() -> None:
    left = decide(OPEN, CustomerLeft(id="e1", to="tg/1", at=NOON), POLICY)
    answer = decide(left.conversation, said("Hello?"), POLICY)
    back = decide(left.conversation, CustomerReturned(id="e2", to="tg/1", at=NOON), POLICY)

    assert kinds(left) == names(UpdateCard, Note)
    assert kinds(answer) == names(React, Note)
    assert not back.conversation.unreachable


def test_commands_change_what_they_say() -> None:
    claimed = decide(OPEN, said("!claim", agent="U0BEN"), POLICY).conversation
    assigned = decide(OPEN, said("!assign @Ben", mentions=("U0BEN",)), POLICY).conversation
    language = decide(OPEN, said("!lang pt-BR"), POLICY).conversation
    billing = decide(claimed, replace(said("!skill billing", facts=Facts(roster=FREE)), id="e2"), POLICY).conversation
    closed = decide(OPEN, said("!close"), POLICY).conversation

    assert (claimed.assignee, assigned.assignee) == ("U0BEN", "U0BEN")
    assert (language.language, language.pinned) == ("pt-br", True)
    assert (billing.skill, billing.assignee) == ("billing", "U0ANA")
    assert (closed.status, closed.closed_at) == (Status.CLOSED, NOON)


@pytest.mark.parametrize("text", ["!lang", "!lang español", "!skill cooking", "!skill", "!assign", "!assign nobody"])
def test_a_command_that_makes_no_sense_changes_nothing_and_says_why(text: str) -> None:
    decision = decide(OPEN, said(text), POLICY)

    assert replace(decision.conversation, seen=()) == OPEN
    assert kinds(decision) == names(TellAgent)


def test_buttons_do_what_the_commands_do() -> None:
    assert decide(OPEN, pressed("claim"), POLICY).conversation.assignee == "U0BEN"
    closed = decide(OPEN, pressed("close"), POLICY).conversation
    assert closed.status is Status.CLOSED
    assert decide(closed, replace(pressed("reopen"), id="e2"), POLICY).conversation.status is Status.OPEN


def test_what_a_button_offers_is_done_when_it_is_chosen() -> None:
    for action, value in (("assign", "assign_to"), ("language", "set_language")):
        (told,) = decide(OPEN, pressed(action), POLICY).effects
        assert isinstance(told, TellAgent)
        assert {choice.action for choice in told.choices} == {value}
    assert decide(OPEN, pressed("assign_to", "7:U0BEN"), POLICY).conversation.assignee == "U0BEN"
    assert decide(OPEN, pressed("set_language", "7:fr"), POLICY).conversation.language == "fr"
    assert kinds(decide(OPEN, pressed("assign_to", "6:U0BEN"), POLICY)) == names(TellAgent)
    assert kinds(decide(OPEN, pressed("history"), POLICY)) == names(ShowHistory)
    assert kinds(decide(OPEN, said("!history"), POLICY)) == names(ShowHistory)


def test_a_pinned_language_stays() -> None:
    pinned = replace(OPEN, language="pt", pinned=True)

    assert decide(pinned, wrote("Hello there", language="en"), POLICY).conversation.language == "pt"


@pytest.mark.parametrize(("channel", "number", "moves"), [("C9", 7, True), ("C8", 7, False), ("C9", 6, False)])
def test_a_thread_that_is_lost_opens_again_in_the_first_channel(channel: str, number: int, moves: bool) -> None:
    was = replace(OPEN, desk="C9", thread="C9/1.0")
    lost = ThreadLost(id="e", to="tg/1", at=NOON, channel=channel, number=number)
    decision = decide(was, lost, POLICY)

    assert kinds(decision) == (names(OpenThread, Note) if moves else [])
    assert decision.conversation.desk == ("" if moves else "C9")
    assert not moves or decide(decision.conversation, lost, POLICY).effects == ()


def test_a_thread_that_opened_is_remembered() -> None:
    opened = decide(replace(OPEN, thread=""), ThreadOpened(id="e", to="tg/1", at=NOON, thread="3.0"), POLICY)

    assert opened.conversation.thread == "3.0"
