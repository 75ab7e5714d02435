"""Customers are asked once how it was, in their language; what they answer stands on the card and in the report."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from adapters.desk_view import draw_card
from routing import texts
from routing.contents import EPOCH, Facts, Standing
from routing.conversation import Conversation, Decision, Status, card, decide, opens_conversation
from routing.effects import Note, TellCustomer, TellDesk
from routing.events import AgentWrote, CustomerLeft, CustomerWrote, Event, ReplySent, SurveyDue
from routing.metrics import figures, tickets, wilson
from routing.policy import Agent, Policy
from routing.surveys import read_rating

World = Any
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
POLICY = Policy(agents=(Agent(id="U0ANA", name="Ana", languages=("en", "es")),), survey_after=timedelta(minutes=15))
FREE = (Standing(agent="U0ANA"),)


def after(**how_long: float) -> datetime:
    return NOON + timedelta(**how_long)


def wrote(text: str, at: datetime, number: int = 8) -> CustomerWrote:
    facts = Facts(language="es", number=number, roster=FREE)
    return CustomerWrote(id=f"c:{at}:{text}", to="tg/1", at=at, message=f"m{at}", text=text, facts=facts)


def said(text: str, at: datetime) -> AgentWrote:
    return AgentWrote(id=f"a:{at}:{text}", to="@C1/1.0", at=at, agent="U0ANA", message=f"{at.timestamp()}", text=text)


def sent(at: datetime) -> ReplySent:
    return ReplySent(id=f"s:{at}", to="tg/1", at=at, message=f"p{at}", reply="r", sent="Hola")


def play(*events: Event, policy: Policy = POLICY) -> tuple[Conversation, list[Decision]]:
    now, told = Conversation(contact="tg/1"), []
    for event in events:
        told.append(decide(now, event, policy))
        now = told[-1].conversation
    return now, told


ASKED_FOR = (wrote("Hola", NOON), said("Hello", after(minutes=1)), sent(after(minutes=1)))
CLOSING = (*ASKED_FOR, said("!close", after(minutes=5)))
DUE = SurveyDue(id="due", to="tg/1", at=after(minutes=20), closed_at=after(minutes=5))
ASKED = (*CLOSING, DUE)


def to_customer(decision: Decision) -> list[str]:
    return [each.phrase for each in decision.effects if isinstance(each, TellCustomer)]


def test_closing_has_the_customer_asked_in_a_while() -> None:
    _, told = play(*ASKED)

    (reminder,) = told[3].reminders
    assert (reminder.due, reminder.event) == (DUE.at, replace(DUE, id=reminder.event.id))
    assert told[4].effects == (TellCustomer(text=texts.SURVEY_TEXT, source="en", language="es", phrase=texts.SURVEY),)


def test_nobody_is_asked_unless_an_admin_wants_it() -> None:
    assert play(*CLOSING, policy=replace(POLICY, survey_after=timedelta()))[1][3].reminders == ()


AGAIN = (wrote("Hola", after(hours=30)), said("Hello", after(hours=31)), sent(after(hours=31)))


@pytest.mark.parametrize(
    ("before", "closed_at"),
    [
        pytest.param((*ASKED_FOR[:2], CLOSING[-1]), after(minutes=5), id="nobody answered them"),
        pytest.param((*CLOSING, wrote("Otra cosa", after(minutes=6))), after(minutes=5), id="they wrote again"),
        pytest.param(
            (*CLOSING, said("Hello?", after(minutes=6)), said("!close", after(minutes=7))),
            after(minutes=5),
            id="closed again since",
        ),
        pytest.param(
            (*CLOSING, CustomerLeft(id="left", to="tg/1", at=after(minutes=6))), after(minutes=5), id="they blocked us"
        ),
        pytest.param((*ASKED_FOR, said("!close", after(hours=23))), after(hours=23), id="they wrote too long ago"),
        pytest.param((*ASKED, *AGAIN, said("!close", after(hours=32))), after(hours=32), id="asked a day ago"),
    ],
)
def test_nobody_is_asked_in_vain(before: tuple[Event, ...], closed_at: datetime) -> None:
    now, _ = play(*before)
    due = SurveyDue(id="later", to="tg/1", at=closed_at + POLICY.survey_after, closed_at=closed_at)

    assert to_customer(decide(now, due, POLICY)) == []


@pytest.mark.parametrize(
    ("taken_up", "asked"),
    [(after(hours=20), [texts.SURVEY]), (after(days=2), [])],
    ids=["some hours later", "days later"],
)
def test_what_was_due_while_nothing_ran_is_asked_only_as_long_as_it_may_be(
    taken_up: datetime, asked: list[str]
) -> None:
    now, _ = play(*CLOSING)
    decision = decide(now, replace(DUE, facts=Facts(at=taken_up)), POLICY)

    assert to_customer(decision) == asked
    assert decision.conversation.surveyed_at == (taken_up if asked else EPOCH)


def test_who_was_asked_a_week_ago_is_asked_again() -> None:
    later = (
        wrote("Hola", after(days=8)),
        said("Hello", after(days=8)),
        sent(after(days=8)),
        said("!close", after(days=8)),
    )
    now, _ = play(*ASKED, *later)
    due = SurveyDue(id="later", to="tg/1", at=after(days=8, minutes=15), closed_at=after(days=8))

    assert to_customer(decide(now, due, POLICY)) == [texts.SURVEY]


@pytest.mark.parametrize(
    ("answer", "rating"),
    [
        ("5", 5),
        (" 4. ", 4),
        ("4/5", 4),
        ("3 de 5", 3),
        ("2 out of 5", 2),
        ("2von5", 2),
        ("*1*", 1),
        ("5️⃣", 5),
        ("٤", 4),
        ("★★★★☆", 4),
        ("⭐️⭐️⭐️", 3),
        ("⭐ ⭐", 2),
        ("👍", 5),
        ("👍🏽", 5),
        ("👎", 1),
        ("0", 0),
        ("7", 0),
        ("☆☆☆", 0),
        ("★★★★★★", 0),
        ("4 pedidos", 0),
        ("15", 0),
        ("1255", 0),
        ("12345", 0),
        ("5 " * 40_000, 0),
        ("5" + " " * 65_000 + "x", 0),
        ("A-5", 0),
        ("5 stars for you, but where is my order?", 0),
        ("", 0),
        ("Gracias", 0),
    ],
)
def test_what_an_answer_means(answer: str, rating: int) -> None:
    assert read_rating(answer) == rating


@pytest.mark.parametrize(("answer", "phrase", "pinged"), [("5", texts.THANKS, ""), ("3", texts.SORRY, "U0ANA")])
def test_an_answer_is_shown_kept_and_thanked_for_and_opens_nothing(answer: str, phrase: str, pinged: str) -> None:
    before, _ = play(*ASKED)
    answered = wrote(answer, after(days=3))
    decision = decide(before, answered, POLICY)

    assert not opens_conversation(before, answered, POLICY)
    assert (decision.conversation.status, decision.conversation.number) == (Status.CLOSED, 8)
    assert decision.conversation.waiting_since == EPOCH
    assert [each.text for each in decision.effects if isinstance(each, TellDesk)] == [answer]
    assert Note(text=texts.rated(int(answer)), mention=pinged) in decision.effects
    assert to_customer(decision) == [phrase]
    assert card(decision.conversation).ratings == (int(answer),)


def test_second_thoughts_count_for_some_minutes_and_are_thanked_for_once() -> None:
    first, second, third = (wrote("1", after(hours=1)), wrote("5", after(minutes=69)), wrote("2", after(minutes=71)))
    now, told = play(*ASKED, first, second, third)

    assert to_customer(told[6]) == []
    assert now.ratings == {"8": 5}
    assert Note(text=texts.REOPENED) in told[7].effects


@pytest.mark.parametrize(
    ("between", "at"),
    [
        pytest.param((), after(days=8), id="a week later"),
        pytest.param(
            (wrote("Hola", after(minutes=30)), said("How many?", after(minutes=31))), after(minutes=32), id="asked"
        ),
        pytest.param((wrote("Hola", after(days=2)),), after(days=2, minutes=1), id="in the next conversation"),
    ],
)
def test_a_number_that_answers_something_else_is_no_rating(between: tuple[Event, ...], at: datetime) -> None:
    assert play(*ASKED, *between, wrote("5", at, number=9))[0].ratings == {}


def test_what_went_wrong_reaches_an_agent_as_any_message_does() -> None:
    now, _ = play(*ASKED, wrote("2", after(hours=1)), wrote("Nadie me ayudó", after(hours=2)))

    assert (now.status, now.assignee, now.ratings) == (Status.OPEN, "U0ANA", {"8": 2})


def test_the_next_conversations_card_shows_the_ratings_so_far() -> None:
    now, _ = play(*ASKED, wrote("2", after(hours=1)), wrote("Hola", after(days=3), number=9))
    both = replace(now, ratings={**now.ratings, "9": 5})

    assert "*Satisfaction:* ★★☆☆☆" in str(draw_card(card(now), POLICY))
    assert "*Satisfaction:* ★★★★★ · 3.5 of 5 on average of 2" in str(draw_card(card(both), POLICY))
    assert "Satisfaction" not in str(draw_card(card(play(*ASKED)[0]), POLICY))


def test_the_report_says_how_many_are_satisfied_and_how_sure_that_is() -> None:
    happened = (*ASKED, wrote("4", after(hours=1)), wrote("Hola", after(days=3), number=9))
    all_, *_ = figures(list(tickets("tg/1", happened, POLICY)))

    assert (all_.conversations, all_.asked, all_.rated, all_.satisfied) == (2, 1, 1, 1.0)
    assert wilson(0, 0) == (None, None)


@pytest.mark.parametrize(
    ("count", "of", "low", "high"), [(4, 5, 38, 96), (9, 10, 60, 98), (45, 50, 79, 96), (0, 9, 0, 30)]
)
def test_few_answers_say_little(count: int, of: int, low: int, high: int) -> None:
    assert [round(100 * bound) for bound in wilson(count, of) if bound is not None] == [low, high]


async def test_a_customer_answers_in_their_language_and_the_card_shows_it(
    make_world: Callable[..., Awaitable[World]],
) -> None:
    world = await make_world(extra="[routing]\nsurvey_after = 0.1\n")
    customer = world.customer()
    await customer.write("¿Dónde está mi pedido?")
    thread = await world.thread()
    await world.slack.write("U0ANA", "It will arrive today.", thread=thread)
    await world.until(lambda: customer.got() == ["Llegará hoy."])
    await world.slack.write("U0ANA", "!close", thread=thread)
    question = "Por favor, indique con un número del 1 al 5 cómo le hemos atendido; el 5 es lo mejor."
    await world.until(lambda: customer.got()[1:] == [question])

    await customer.write("★★★★★")

    assert await world.shown(thread, "The customer's rating: ★★★★★ (5 of 5)")
    assert await world.on_card(thread, "*Satisfaction:* ★★★★★")
    assert await world.until(lambda: customer.got()[2:] == ["¡Gracias por su valoración!"])
