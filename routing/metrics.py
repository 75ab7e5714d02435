"""What became of conversations, told from their events: the same events give the same figures."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from math import sqrt
from statistics import median

import msgspec

from routing.contents import EPOCH
from routing.conversation import decide
from routing.events import CustomerWrote, Event, ReplySent
from routing.policy import Policy
from routing.state import Conversation, Status
from routing.surveys import SATISFIED

GROUPS = ("channel", "language", "skill", "agent")
"""What figures are told by."""


class Ticket(msgspec.Struct, kw_only=True):
    """One conversation from its beginning to its end; EPOCH is a moment that hasn't come.

    `asked` says that the customer was asked how it was, `rating` is what they answered, 1 to 5, 0 for nothing.
    """

    number: int
    channel: str
    opened_at: datetime
    language: str = ""
    skill: str = ""
    agent: str = ""
    answered_at: datetime = EPOCH
    closed_at: datetime = EPOCH
    received: int = 0
    sent: int = 0
    asked: bool = False
    rating: int = 0


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of some tickets; durations in seconds, None where there is nothing to tell from.

    `satisfied` is the share of those who answered how it was, with the bounds of what so few say about all (Wilson's
    interval, 95 %).
    """

    group: str
    name: str
    conversations: int
    answered: int
    closed: int
    received: int
    sent: int
    first_response_median: float | None
    first_response_p90: float | None
    resolution_median: float | None
    asked: int
    rated: int
    satisfied: float | None
    satisfied_low: float | None
    satisfied_high: float | None


def tickets(contact: str, events: Iterable[Event], policy: Policy) -> Iterator[Ticket]:
    """Tell a contact's conversations from their events."""
    was = Conversation(contact=contact)
    ticket: Ticket | None = None
    for event in events:
        now = decide(was, event, policy).conversation
        if now.number != was.number:
            if ticket:
                yield ticket
            ticket = Ticket(number=now.number, channel=now.channel, opened_at=now.opened_at)
        if ticket:
            _follow(ticket, event, was, now)
        was = now
    if ticket:
        yield ticket


def _follow(ticket: Ticket, event: Event, was: Conversation, now: Conversation) -> None:
    ticket.language, ticket.skill = now.language, now.skill
    ticket.agent = now.assignee or ticket.agent
    ticket.asked |= now.surveyed_at > was.surveyed_at
    ticket.rating = now.ratings.get(str(now.number), 0)
    if isinstance(event, CustomerWrote):
        ticket.received += 1
    if isinstance(event, ReplySent) and event.reply and event.final and not event.changed:
        ticket.sent += 1
        ticket.answered_at = ticket.answered_at if ticket.answered_at > EPOCH else event.at
    if now.status is not was.status:
        ticket.closed_at = now.closed_at if now.status is Status.CLOSED else EPOCH


def figures(found: Sequence[Ticket]) -> list[Figures]:
    """Tell the figures of all tickets, then by each of GROUPS, the largest first."""
    told = [_told("all", "", found)]
    for group in GROUPS:
        names = {getattr(ticket, group) for ticket in found}
        parts = [_told(group, name, [each for each in found if getattr(each, group) == name]) for name in names]
        told += sorted(parts, key=lambda part: (-part.conversations, part.name))
    return told


def _told(group: str, name: str, found: Sequence[Ticket]) -> Figures:
    first = sorted((each.answered_at - each.opened_at).total_seconds() for each in found if each.answered_at > EPOCH)
    ratings = [each.rating for each in found if each.rating]
    satisfied = sum(rating >= SATISFIED for rating in ratings)
    low, high = wilson(satisfied, len(ratings))
    whole = [(each.closed_at - each.opened_at).total_seconds() for each in found if each.closed_at > EPOCH]
    return Figures(
        group=group,
        name=name,
        conversations=len(found),
        answered=len(first),
        closed=len(whole),
        received=sum(each.received for each in found),
        sent=sum(each.sent for each in found),
        first_response_median=median(first) if first else None,
        first_response_p90=first[min(len(first) - 1, int(len(first) * 0.9))] if first else None,
        resolution_median=median(whole) if whole else None,
        asked=sum(each.asked for each in found),
        rated=len(ratings),
        satisfied=satisfied / len(ratings) if ratings else None,
        satisfied_low=low,
        satisfied_high=high,
    )


def wilson(count: int, of: int) -> tuple[float | None, float | None]:
    """Give the bounds between which a share lies, 95 % sure, of which `count` of `of` were seen; None where none were.

    https://www.itl.nist.gov/div898/handbook/prc/section2/prc241.htm
    """
    if not of:
        return None, None
    share, z = count / of, 1.96
    middle = share + z * z / (2 * of)
    wide = z * sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return (middle - wide) / (1 + z * z / of), (middle + wide) / (1 + z * z / of)
