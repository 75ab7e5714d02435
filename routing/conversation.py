"""The one transition function: what follows from an event, and who says so.

`decide` has no clock, no chance and no input but its arguments: the same events give the same conversation.
"""

from typing import assert_never

from msgspec.structs import replace

from routing import texts
from routing.agents import agent_edited, agent_pressed, agent_wrote
from routing.answers import read_until, receipt, reply_failed, reply_held, reply_parked, reply_sent
from routing.contents import EPOCH
from routing.customers import answered_elsewhere, customer_edited, customer_wrote, named, noted, reachability
from routing.effects import Note, ShowEdit, ShowLate, TellAgent
from routing.events import (
    AgentEdited,
    AgentPressed,
    AgentStarted,
    AgentSubmitted,
    AgentWrote,
    AnsweredElsewhere,
    ChangeRefused,
    ContactMoved,
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
    ReplyParked,
    ReplySent,
    ReplyTakenBack,
    SnoozeEnded,
    SurveyDue,
    ThreadLost,
    ThreadOpened,
    TranslationMissed,
    TurnCame,
    UndoEnded,
    Unrecognised,
)
from routing.handover import turn_came
from routing.held import agent_submitted
from routing.moving import thread_lost, thread_opened
from routing.policy import Policy
from routing.proactive import agent_started
from routing.slips import undo_ended
from routing.snooze import snooze_ended
from routing.state import REMEMBERED, Conversation, Decision, Held, Status, card, is_new
from routing.surveys import rating_in, survey_due

__all__ = [
    "Conversation",
    "Decision",
    "Held",
    "Status",
    "card",
    "concerns_nobody",
    "decide",
    "opens_conversation",
    "wants_agent",
    "wants_room",
]


def decide(was: Conversation, event: Event, policy: Policy) -> Decision:
    """Say what follows from `event`; an event that was seen before changes nothing."""
    if event.id in was.seen or concerns_nobody(was, event):
        return Decision(was)
    decision = _decide(was, event, policy)
    seen = (*was.seen, event.id)[-REMEMBERED:]
    return replace(decision, conversation=replace(decision.conversation, seen=seen))


def concerns_nobody(was: Conversation, event: Event) -> bool:
    """Say whether `event` is about a conversation that we don't have: others talk there, and none of it is kept."""
    if was.number:
        return False
    follows = isinstance(event, CustomerWrote | CustomerEdited) and event.follows
    return follows or isinstance(event, AnsweredElsewhere)


def wants_agent(was: Conversation, event: Event) -> bool:
    """Say whether deciding about `event` may choose an agent, so that it needs the roster."""
    match event:
        case CustomerWrote():
            return was.status is not Status.OPEN
        case TurnCame():
            return was.status is Status.QUEUED
        case AgentWrote() | AgentPressed() | AgentSubmitted():
            return True
    return False


def wants_room(event: Event) -> bool:
    """Say whether deciding about `event` needs a room for a call."""
    return isinstance(event, AgentWrote) and event.text.strip().lower().startswith("!call")


def opens_conversation(was: Conversation, event: Event, policy: Policy) -> bool:
    """Say whether `event` begins a new conversation, so that it needs a number."""
    if concerns_nobody(was, event):
        return False
    if isinstance(event, AgentStarted):
        return was.status in (Status.NEW, Status.CLOSED)
    if isinstance(event, CustomerEdited):
        return was.number == 0
    return isinstance(event, CustomerWrote) and is_new(was, event.at, policy) and not rating_in(was, event)


def _decide(was: Conversation, event: Event, policy: Policy) -> Decision:  # noqa: C901 - the one match
    match event:
        case CustomerWrote():
            return customer_wrote(was, event, policy)
        case CustomerEdited():
            return customer_edited(was, event, policy)
        case CustomerDeleted():
            return Decision(was, (ShowEdit(message=event.message, at=event.at, deleted=True),) if was.number else ())
        case ContactMoved():
            return Decision(replace(was, address=event.address))
        case CustomerLeft():
            return reachability(was, unreachable=True)
        case CustomerReturned():
            return reachability(was, unreachable=False)
        case ContactNamed():
            return named(was, event)
        case AnsweredElsewhere():
            return answered_elsewhere(was, event)
        case PlatformNoted():
            return noted(was, event)
        case ReceiptCame():
            return receipt(was, event) if event.until == EPOCH else read_until(was, event)
        case AgentWrote():
            return agent_wrote(was, event, policy)
        case AgentEdited():
            return agent_edited(was, event, policy)
        case AgentPressed():
            return agent_pressed(was, event, policy)
        case AgentSubmitted():
            return agent_submitted(was, event, policy)
        case AgentStarted():
            return agent_started(was, event, policy)
        case ThreadOpened():
            return thread_opened(was, event, policy)
        case ThreadLost():
            return thread_lost(was, event, policy)
        case ReplySent():
            return reply_sent(was, event)
        case ReplyFailed():
            return reply_failed(was, event)
        case ChangeRefused():
            told = texts.unchanged(event.reason, deleted=event.deleted)
            return Decision(was, (TellAgent(agent=event.agent, text=told),))
        case ReplyTakenBack():
            return Decision(was, (Note(text=texts.TAKEN_BACK),))
        case ReplyHeld():
            return reply_held(was, event)
        case ReplyParked():
            return reply_parked(was, event)
        case TurnCame():
            return turn_came(was, event, policy)
        case SnoozeEnded():
            return snooze_ended(was, event)
        case SurveyDue():
            return survey_due(was, event)
        case UndoEnded():
            return undo_ended(was, event)
        case TranslationMissed():
            return Decision(was, (ShowLate(message=event.message),))
        case Unrecognised():
            return Decision(was)
    assert_never(event)
