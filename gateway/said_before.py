"""What was said in a conversation before a message: it helps an engine to understand what a short text means."""

from itertools import takewhile

from gateway.store.contract import Order, Store
from routing.events import AgentWrote, CustomerWrote, ReplySent

LOOK_BACK = 24
"""Events."""

MESSAGES = 6
LONGEST = 300
"""Characters of each message."""


async def said_before(store: Store, order: Order, message: str) -> tuple[str, ...]:
    """Give the last messages before `message`, in the customer's language as far as it is theirs, oldest first."""
    events = await store.history(order.mailbox, LOOK_BACK)
    earlier = takewhile(
        lambda each: not (isinstance(each, CustomerWrote | AgentWrote) and each.message == message), events
    )
    said = []
    for event in earlier:
        if isinstance(event, CustomerWrote) and event.text:
            said.append(f"Customer: {event.text[:LONGEST]}")
        elif isinstance(event, ReplySent) and event.sent and event.final:
            said.append(f"Agent: {event.sent[:LONGEST]}")
    return tuple(said[-MESSAGES:])
