"""What a conversation is, and what follows from an event."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from operator import attrgetter
from typing import TypeVar

import msgspec

from routing.contents import EPOCH, File, channel_of
from routing.effects import Card, Effect, TellCustomer
from routing.events import Event
from routing.policy import Policy

REMEMBERED = 64
"""How many of the latest events, replies and receipts a conversation remembers."""

PRIORITIES = ("low", "normal", "high", "urgent")

V = TypeVar("V")


class Status(StrEnum):
    """Where a conversation stands; NEW is before the customer's first message."""

    NEW = "new"
    QUEUED = "queued"
    OPEN = "open"
    SNOOZED = "snoozed"
    CLOSED = "closed"


class Held(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An agent's message that waits for its writer to say whether it goes.

    `rendering` is the translation, if made; `shown` says that it was asked about as the customer would read it,
    `changes` that it would take the place of what was sent before.
    """

    agent: str
    text: str
    source: str = ""
    rendering: str = ""
    back: str = ""
    files: tuple[File, ...] = ()
    shown: bool = False
    changes: bool = False


class Conversation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A customer on a channel, and the conversation that they are having (`number`, 0 before the first).

    `zone` is where they live as the tz database names it, "" where nobody told.
    `evidence` is what was heard of their language, `pinned` that an agent set it. `replies` maps the platform's ids of
    what was sent to the agent's message, `receipts` either id to how far it got, `seen` are the latest events' ids;
    `unread` are the agent's messages accepted and not yet read, with when, on a platform that tells what was read by
    time, and `read_until` is how far that is.
    `heard_at` is when the customer last opened the platform's window for answers, `parked` what waits for that, and
    `undoable` what waits because its writer may still stop it.
    `asked_at` is when the customer was asked what it is about, EPOCH where no answer is waited for.
    `snoozed_until` is when a conversation that was put off comes back, `waiting_since` when the customer wrote who
    waits for an answer, EPOCH where nobody waits. `words` are the first ones, as the desk reads them.
    `surveyed_at` is when the customer was last asked how it was, `rates_until` how long an answer counts as one (EPOCH:
    it doesn't), `ratings` what they answered by a conversation's number, 1 to 5.
    `thread` is the card's place in the desk's channel `desk` ("" is the first), `moved_from` that of an earlier card.
    `address` is where the customer is answered, "" where that is what `contact` names. `accepted` maps what we named a
    call to the platform's id, where a receipt told before the call did.
    """

    contact: str
    address: str = ""
    name: str = ""
    zone: str = ""
    number: int = 0
    status: Status = Status.NEW
    language: str = ""
    evidence: dict[str, float] = {}
    pinned: bool = False
    skill: str = ""
    assignee: str = ""
    why: tuple[str, ...] = ()
    priority: str = "normal"
    thread: str = ""
    desk: str = ""
    moved_from: str = ""
    talked: tuple[str, ...] = ()
    unreachable: bool = False
    told_waiting: bool = False
    opened_at: datetime = EPOCH
    closed_at: datetime = EPOCH
    asked_at: datetime = EPOCH
    snoozed_until: datetime = EPOCH
    waiting_since: datetime = EPOCH
    words: str = ""
    surveyed_at: datetime = EPOCH
    rates_until: datetime = EPOCH
    ratings: dict[str, int] = {}
    heard_at: datetime = EPOCH
    parked: tuple[TellCustomer, ...] = ()
    undoable: tuple[TellCustomer, ...] = ()
    held: dict[str, Held] = {}
    replies: dict[str, str] = {}
    receipts: dict[str, str] = {}
    accepted: dict[str, str] = {}
    unread: dict[str, datetime] = {}
    read_until: datetime = EPOCH
    seen: tuple[str, ...] = ()

    @property
    def channel(self) -> str:
        """The id of the channel that the customer writes on."""
        return channel_of(self.contact)

    @property
    def peer(self) -> str:
        """The platform's id of whom to answer."""
        return self.address or self.contact.partition("/")[2]

    @property
    def load(self) -> str:
        """The agent whose room this takes, "" for none."""
        return self.assignee if self.status is Status.OPEN else ""


class Reminder(msgspec.Struct, frozen=True):
    """Have `event` happen at `due`; a later one of the same `key` takes its place."""

    key: str
    due: datetime
    event: Event


class Decision(msgspec.Struct, frozen=True):
    """What follows from an event: the conversation as it is now, what is to be done, and what is to happen later."""

    conversation: Conversation
    effects: tuple[Effect, ...] = ()
    reminders: tuple[Reminder, ...] = ()


def card(now: Conversation) -> Card:
    """Say what the thread's first message shows.

    When the customer was heard last is told by the hour, so that not each of their messages changes the card.
    """
    return Card(
        number=now.number,
        name=now.name,
        zone=now.zone,
        channel=now.channel,
        status=now.status.value,
        language=now.language,
        skill=now.skill,
        assignee=now.assignee,
        priority=now.priority,
        why=now.why,
        unreachable=now.unreachable,
        snoozed_until=now.snoozed_until if now.status is Status.SNOOZED else EPOCH,
        waiting_since=now.waiting_since,
        heard_at=_hour(now.heard_at),
        words=now.words,
        ratings=tuple(now.ratings.values()),
        desk=now.desk,
        moved_from=now.moved_from,
    )


_SHOWN = attrgetter(*(name for name in Card.__struct_fields__ if name != "heard_at"))


def looks_the_same(was: Conversation, now: Conversation) -> bool:
    """Say that nothing has changed of what a card is made of, as is so for most messages; cards needn't be made."""
    return bool(_SHOWN(was) == _SHOWN(now)) and _hour(was.heard_at) == _hour(now.heard_at)


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def renewed(was: Conversation, number: int, at: datetime) -> Conversation:
    """Begin a contact's next conversation: what is known of them stays, and what was about the last one goes."""
    return Conversation(
        contact=was.contact,
        address=was.address,
        name=was.name,
        zone=was.zone,
        number=number,
        language=was.language,
        evidence=was.evidence,
        pinned=was.pinned,
        talked=was.talked,
        opened_at=at,
        heard_at=was.heard_at,
        waiting_since=was.waiting_since,
        surveyed_at=was.surveyed_at,
        ratings=was.ratings,
        seen=was.seen,
    )


def is_new(was: Conversation, at: datetime, policy: Policy) -> bool:
    """Say whether a customer's message at `at` begins a new conversation."""
    if was.status is Status.CLOSED:
        return at - was.closed_at > policy.reopen_window
    return was.status is Status.NEW


def latest(was: Mapping[str, V], more: Mapping[str, V]) -> dict[str, V]:
    """Add to a map that forgets its oldest entries."""
    merged: Iterable[tuple[str, V]] = [*((key, value) for key, value in was.items() if key not in more), *more.items()]
    return dict(list(merged)[-REMEMBERED:])
