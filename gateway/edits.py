"""Other words in the place of an answer's that was sent: message by message, the files that came after them left be."""

from collections.abc import Sequence

from adapters.contract import Editing, Outbound
from gateway.store.contract import Order


def wordy(messages: Sequence[str], files: int) -> Sequence[str]:
    """Give those of an answer's messages that are its words: its files went after them."""
    return messages[: max(0, len(messages) - files)]


async def put_instead(channel: Editing, peer: str, parts: Sequence[str], messages: Sequence[str], order: Order) -> bool:
    """Put `parts` in the place of messages, and take those back that are left over; False where there are too few.

    Raises:
        SendError: a message can't be changed; those before it are.
    """
    if len(parts) > len(messages):
        return False
    for index, (part, message) in enumerate(zip(parts, messages, strict=False)):
        await channel.edit(Outbound(peer, part, f"{order.id}.{index}", order.mailbox), message)
    for message in messages[len(parts) :]:
        await channel.delete(peer, message)
    return True
