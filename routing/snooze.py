"""Conversations that are put off, and how they come back."""

from datetime import datetime

from msgspec.structs import replace

from routing import texts
from routing.commands import read_duration
from routing.contents import EPOCH
from routing.effects import Effect, Note, TellAgent, UpdateCard
from routing.events import SnoozeEnded
from routing.policy import Policy
from routing.state import Conversation, Decision, Reminder, Status, card


def snooze(was: Conversation, agent: str, asked: str, at: datetime, policy: Policy) -> Decision:
    """Put a conversation off for as long as an agent says, or bring it back."""
    if was.status is Status.CLOSED:
        return Decision(was, (TellAgent(agent=agent, text=texts.SNOOZE_CLOSED),))
    if asked.lower() == "off" and was.status is Status.SNOOZED:
        return wake(was, texts.woken_by(policy.name_of(agent)), mention=False)
    how_long = read_duration(asked)
    if how_long is None:
        said = texts.bad_snooze(asked) if asked and asked.lower() != "off" else texts.SNOOZE_HOW
        return Decision(was, (TellAgent(agent=agent, text=said),))
    until = at + how_long
    now = replace(was, status=Status.SNOOZED, snoozed_until=until, asked_at=EPOCH)
    event = SnoozeEnded(
        id=f"snooze:{was.contact}:{was.number}:{until.isoformat()}", to=was.contact, at=until, until=until
    )
    note = Note(text=texts.snoozed(policy.name_of(agent), asked))
    effects = (UpdateCard(card=card(now)), note)
    return Decision(now, effects, (Reminder(f"snooze:{was.contact}", until, event),))


def snooze_ended(was: Conversation, event: SnoozeEnded) -> Decision:
    """Bring a conversation back when its time has come."""
    if was.status is not Status.SNOOZED or was.snoozed_until != event.until:
        return Decision(was)
    return wake(was, texts.SNOOZE_OVER)


def wake(was: Conversation, why: str, also: tuple[Effect, ...] = (), *, mention: bool = True) -> Decision:
    """Give a conversation back to whoever had it, else to the queue, which finds somebody."""
    status = Status.OPEN if was.assignee else Status.QUEUED
    now = replace(was, status=status, snoozed_until=EPOCH)
    note = Note(text=why, mention=now.assignee if mention else "")
    return Decision(now, (UpdateCard(card=card(now)), note, *also))
