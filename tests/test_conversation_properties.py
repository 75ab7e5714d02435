"""What holds for every sequence of events."""

from datetime import UTC, datetime, timedelta
from typing import get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.worker import HAVE_FACTS
from routing.contents import Facts, Standing
from routing.conversation import Conversation, decide
from routing.effects import Effect, TellCustomer, TellDesk
from routing.events import (
    AgentPressed,
    AgentWrote,
    CustomerLeft,
    CustomerWrote,
    Event,
    ReceiptCame,
    ReplyFailed,
    ReplySent,
    SurveyDue,
    ThreadLost,
    ThreadOpened,
    TurnCame,
)
from routing.policy import Agent, Policy

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
POLICY = Policy(
    agents=(Agent(id="U1", name="Ana", languages=("es",), capacity=1), Agent(id="U2", name="Ben")),
    survey_after=timedelta(hours=1),
)
COMMANDS = ["!close", "!claim", "!nonsense", "!lang de", "!snooze 2h", "!snooze off", "!priority high"]
TEXTS = st.sampled_from(["Hola", "// note", "On it", "", "  //x", "@ben", "5", *COMMANDS])
AGENTS = st.sampled_from(["U1", "U2", "U9"])
REPLIES = st.sampled_from(["1.1", "1.2"])


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    roster = tuple(Standing(agent=agent, load=draw(st.integers(0, 5))) for agent in ("U1", "U2"))
    return Facts(language=draw(st.sampled_from(["", "es", "en"])), number=draw(st.integers(1, 99)), roster=roster)


@st.composite
def events(draw: st.DrawFn) -> list[Event]:
    out: list[Event] = []
    for index in range(draw(st.integers(0, 25))):
        at = NOON + timedelta(hours=draw(st.integers(0, 72)))
        one = {"id": f"e{index}", "to": "tg/1", "at": at}
        event: Event = draw(
            st.one_of(
                st.builds(
                    CustomerWrote,
                    **{key: st.just(value) for key, value in one.items()},
                    message=st.just(f"m{index}"),
                    text=TEXTS,
                    facts=facts(),
                ),
                st.builds(
                    AgentWrote,
                    **{key: st.just(value) for key, value in one.items()},
                    agent=AGENTS,
                    message=st.just(f"2.{index}"),
                    text=TEXTS,
                    addressed=st.booleans(),
                    facts=facts(),
                ),
                st.builds(
                    AgentPressed,
                    **{key: st.just(value) for key, value in one.items()},
                    agent=AGENTS,
                    action=st.sampled_from(["claim", "close", "reopen", "send", "keep", "unheard_of"]),
                    value=st.sampled_from(["1", "2.1", "2.2"]),
                    facts=facts(),
                ),
                st.builds(TurnCame, **{key: st.just(value) for key, value in one.items()}, facts=facts()),
                st.builds(ThreadOpened, **{key: st.just(value) for key, value in one.items()}, thread=st.just("1.0")),
                st.builds(
                    ThreadLost,
                    **{key: st.just(value) for key, value in one.items()},
                    channel=st.just(""),
                    number=st.just(1),
                ),
                st.builds(
                    SurveyDue,
                    **{key: st.just(value) for key, value in one.items()},
                    closed_at=st.integers(0, 72).map(lambda hours: NOON + timedelta(hours=hours)),
                ),
                st.builds(CustomerLeft, **{key: st.just(value) for key, value in one.items()}),
                st.builds(
                    ReplySent, **{key: st.just(value) for key, value in one.items()}, message=REPLIES, reply=REPLIES
                ),
                st.builds(
                    ReplyFailed, **{key: st.just(value) for key, value in one.items()}, reply=REPLIES, reason=TEXTS
                ),
                st.builds(
                    ReceiptCame,
                    **{key: st.just(value) for key, value in one.items()},
                    message=REPLIES,
                    state=st.sampled_from(["sent", "delivered", "read", "failed", "unheard_of"]),
                ),
            )
        )
        out.append(event)
    return out


def run(happened: list[Event]) -> tuple[Conversation, list[tuple[Event, tuple[Effect, ...]]]]:
    now = Conversation(contact="tg/1")
    out = []
    for event in happened:
        decision = decide(now, event, POLICY)
        now = decision.conversation
        out.append((event, decision.effects))
    return now, out


@settings(max_examples=30, deadline=None)
@given(events())
def test_replaying_gives_the_same(happened: list[Event]) -> None:
    assert run(happened) == run(happened)


@settings(max_examples=30, deadline=None)
@given(events(), st.data())
def test_a_duplicate_changes_nothing(happened: list[Event], data: st.DataObject) -> None:
    now, _ = run(happened)
    if happened:
        again = decide(now, data.draw(st.sampled_from(happened)), POLICY)

        assert (again.conversation, again.effects) == (now, ())


@settings(max_examples=30, deadline=None)
@given(events())
def test_every_customer_message_reaches_the_desk_exactly_once(happened: list[Event]) -> None:
    for event, effects in run(happened)[1]:
        told = [effect.message for effect in effects if isinstance(effect, TellDesk)]

        assert told == ([event.message] if isinstance(event, CustomerWrote) else [])


@settings(max_examples=30, deadline=None)
@given(events())
def test_a_note_or_a_command_never_reaches_the_customer(happened: list[Event]) -> None:
    for event, effects in run(happened)[1]:
        if isinstance(event, AgentWrote) and event.text.strip().startswith(("//", "!")):
            assert not [effect for effect in effects if isinstance(effect, TellCustomer)]


@settings(max_examples=30, deadline=None)
@given(events())
def test_what_is_open_has_somebody_and_what_is_queued_has_nobody(happened: list[Event]) -> None:
    now, _ = run(happened)

    assert (now.status != "open") or now.assignee
    assert (now.status != "queued") or not now.assignee


@settings(max_examples=30, deadline=None)
@given(events())
def test_what_a_conversation_remembers_is_bounded(happened: list[Event]) -> None:
    now, _ = run(happened)

    assert max(len(now.seen), len(now.replies), len(now.receipts)) <= 64


def test_each_event_that_has_room_for_facts_is_given_them() -> None:
    assert {kind for kind in get_args(Event) if "facts" in kind.__struct_fields__} == set(HAVE_FACTS)
