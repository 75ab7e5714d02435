"""A contact's conversations as both sides read them: what was said, in the desk's language and in the customer's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from adapters.desk_view import Said, decode_entries
from gateway.store.contract import Store
from routing.events import AgentWrote, CustomerEdited, CustomerWrote, Event, ReplyFailed, ReplySent
from routing.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Something that was said: `ours` as the desk read it, `theirs` as the customer did, "" where one of them didn't.

    `kind` is `customer`, `agent`, `note` or `failed`; `engine` who translated it, "" where nobody did.
    """

    at: datetime
    who: str
    kind: str
    ours: str = ""
    theirs: str = ""
    engine: str = ""


async def read_transcript(store: Store, mailbox: str, policy: Policy, limit: int) -> Sequence[Turn]:
    """Give what was said by the latest events, in order.

    Raises:
        StoreError: the store can't be read.
    """
    edited: dict[str, CustomerEdited] = {}
    events = await store.history(mailbox, limit)
    for event in events:
        if isinstance(event, CustomerEdited):
            edited[event.message] = event
    sent = {each.reply: each for each in events if isinstance(each, ReplySent) and each.reply and each.final}
    turns = []
    for event in events:
        if isinstance(event, CustomerWrote):
            turns.append(await _of_customer(store, mailbox, event, edited.get(event.message, event)))
        elif (turn := _of_ours(event, sent, policy)) is not None:
            turns.append(turn)
    return turns


def _of_ours(event: Event, sent: dict[str, ReplySent], policy: Policy) -> Turn | None:
    match event:
        case AgentWrote() if event.text.startswith("//"):
            return Turn(at=event.at, who=policy.name_of(event.agent), kind="note", ours=event.text)
        case AgentWrote() if not event.text.startswith("!"):
            reply = sent.get(event.message)
            theirs, engine = (reply.sent, reply.engine) if reply else ("", "")
            who = policy.name_of(event.agent)
            return Turn(at=event.at, who=who, kind="agent", ours=event.text, theirs=theirs, engine=engine)
        case ReplySent() if event.final and not event.reply:
            return Turn(at=event.at, who="Dragoman", kind="agent", ours=event.back, theirs=event.sent)
        case ReplyFailed():
            return Turn(at=event.at, who="Dragoman", kind="failed", ours=f"{event.reason}. {event.advice}".strip())
    return None


async def _of_customer(store: Store, mailbox: str, event: CustomerWrote, now: CustomerWrote | CustomerEdited) -> Turn:
    """Give what a customer wrote, as it says now, and as the desk was shown it where that is still known."""
    post = await store.post(mailbox, event.message)
    try:
        entries = decode_entries(post.body) if post else ()
    except msgspec.DecodeError:
        entries = ()
    said = next((each for each in entries if isinstance(each, Said) and each.message == event.message), None)
    theirs = " ".join(filter(None, (now.attachment, now.text)))
    ours = " ".join(filter(None, (now.attachment, said.text))) if said else ""
    engine = said.engine if said else ""
    return Turn(at=event.at, who=event.name, kind="customer", ours=ours, theirs=theirs, engine=engine)
