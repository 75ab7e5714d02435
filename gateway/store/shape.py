"""What every engine makes of a step in the same way: orders' names and lanes, ranks, moments as numbers."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b

from gateway.store.contract import Claim, Order, Side, side_of
from routing.contents import EPOCH, THREAD_MARK
from routing.conversation import Conversation
from routing.effects import Effect
from routing.events import Event

PRIORITIES = {"urgent": 0, "high": 1, "normal": 2, "low": 3}


def millis(at: datetime) -> int:
    """Turn a moment into milliseconds since 1970, UTC."""
    return round(at.timestamp() * 1000)


def moment(at: float) -> datetime:
    """Turn milliseconds since 1970 into a moment."""
    return datetime.fromtimestamp(at / 1000, UTC)


def urgency_of(conversation: Conversation) -> int:
    """Rank a conversation's priority, 0 the most urgent."""
    return PRIORITIES.get(conversation.priority, 2)


def event_key(event: Event) -> bytes:
    """Name an event for good: what it is known by when it comes again."""
    return blake2b(event.id.encode(), digest_size=16).digest()


def lane_of(side: Side, mailbox: str) -> str:
    """Name the lane that keeps what goes to a side in order."""
    return mailbox if side is Side.CUSTOMER else f"{THREAD_MARK}{side.value}/{mailbox}"


def mailbox_of(lane: str) -> str:
    """Give the mailbox whose lane it is."""
    return lane.partition("/")[2] if lane.startswith(THREAD_MARK) else lane


def orders_of(claim: Claim, at: datetime, effects: Sequence[tuple[int, Effect]]) -> list[Order]:
    """Make an order of each of a step's effects; the same step gives the same names."""
    if not effects:
        return []
    first = claim.events[0].id if claim.events else f"{claim.mailbox}:{claim.version}"
    name = blake2b(first.encode(), digest_size=9).hexdigest()
    return [
        Order(
            id=f"{name}-{index}",
            mailbox=claim.mailbox,
            number=number,
            lane=lane_of(side_of(effect), claim.mailbox),
            effect=effect,
            at=at,
        )
        for index, (number, effect) in enumerate(effects)
    ]


def read_breaks(kept: Mapping[str, bytes]) -> dict[str, datetime]:
    """Read until when agents are away; "" is what was kept before there was an end to it."""
    return {agent: datetime.fromisoformat(body.decode()) if body else EPOCH for agent, body in kept.items()}
