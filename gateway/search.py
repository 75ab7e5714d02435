"""Finding a conversation: by its number, the customer's name, phone or address, or words that were said."""

import unicodedata
from collections.abc import Iterator, Sequence

from gateway.store.contract import Beside
from routing.conversation import Conversation
from routing.events import AgentEdited, AgentWrote, CustomerEdited, CustomerWrote, Event, ReplySent

FEWEST_DIGITS = 4
"""How many digits are a part of a phone number, and no mere number."""


def search(beside: Beside, wanted: str, limit: int) -> Sequence[tuple[Conversation, int]]:
    """Find contacts' conversations, the best match first, each with the number that was looked for or the latest.

    It reads much: call it beside the event loop.

    Raises:
        StoreError: the store can't be read.
    """
    found: dict[str, tuple[Conversation, int]] = {}
    for mailbox, number in _matches(beside, wanted.strip()):
        if mailbox not in found and (conversation := beside.conversation(mailbox)) and conversation.number:
            found[mailbox] = conversation, number or conversation.number
            if len(found) == limit:
                break
    return list(found.values())


def _matches(beside: Beside, wanted: str) -> Iterator[tuple[str, int]]:
    number = wanted.removeprefix("#")
    if number.isascii() and number.isdecimal() and len(number) < 10 and (mailbox := beside.numbered(int(number))):
        yield mailbox, int(number)
        if wanted.startswith("#"):
            return
    name = plain(wanted)
    digits = "".join(each for each in wanted if each.isdecimal())
    if len(digits) >= FEWEST_DIGITS and not any(map(str.isalpha, wanted)):
        # What is no word is seldom said: where a phone has it, nothing else is meant.
        reached = list(beside.reached_at(digits))
        yield from ((mailbox, 0) for mailbox in reached)
        if reached:
            return
    for mailbox, called in beside.named(max(name.split(), key=len, default="")):
        if name in plain(called) or wanted == mailbox.partition("/")[2]:
            yield mailbox, 0
    for mailbox, event in beside.saying(wanted):
        if any(name in plain(said) for said in _said(event)):
            yield mailbox, 0


def _said(event: Event) -> tuple[str, ...]:
    match event:
        case CustomerWrote() | CustomerEdited() | AgentWrote() | AgentEdited():
            return (event.text,)
        case ReplySent():
            return (event.sent, event.back)
    return ()


def plain(text: str) -> str:
    """Leave out capitals and accents."""
    apart = unicodedata.normalize("NFD", text.casefold())
    return " ".join("".join(each for each in apart if not unicodedata.combining(each)).split())
