"""What a store promises: whatever is killed, a step happened wholly or not at all, and the outbox knows what is owed.

All verbs that write return once the change is durable, and raise StoreError when it isn't. Times are aware UTC.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from enum import Enum, StrEnum
from typing import Protocol

import msgspec

from routing.contents import EPOCH, Standing
from routing.conversation import Conversation
from routing.effects import Effect
from routing.events import Event

MAILBOX_BATCH = 64
"""How many events of one mailbox a step gets at most."""

LANE_BATCH = 64
"""How many orders of one lane are taken at a time at most."""


class StoreError(Exception):
    """The store can't take or give it just now; says why, for an admin. Nothing was changed."""


class Outcome(Enum):
    """What became of a commit: CONFLICT changed nothing, ALREADY had happened before."""

    OK = "ok"
    ALREADY = "already"
    CONFLICT = "conflict"


class Side(StrEnum):
    """Where an order goes: to the desk as a post, a change of a card or of what it couldn't read, or a sign; or out."""

    DESK = "desk"
    CARD = "card"
    LATE = "late"
    MARK = "mark"
    CUSTOMER = "customer"


class Claim(msgspec.Struct, frozen=True):
    """A mailbox that nobody else works on, with what waits in it in order; `seqs` are the events' places."""

    mailbox: str
    version: int
    conversation: Conversation
    events: tuple[Event, ...]
    seqs: tuple[int, ...]


class Timer(msgspec.Struct, frozen=True):
    """An event that is to happen at `due`; `key` names it within its mailbox."""

    key: str
    due: datetime
    event: Event


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a step changes: the conversation, what is to be done, the events with the facts gathered for them.

    `events` are those to be kept; the claim says which are done.

    `effects` come with the conversation's number; `clear` are keys of timers.
    """

    conversation: Conversation
    effects: tuple[tuple[int, Effect], ...] = ()
    events: tuple[Event, ...] = ()
    timers: tuple[Timer, ...] = ()
    clear: tuple[str, ...] = ()


class Progress(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far an order came, so that a retry goes on with the same words.

    `parts` is what is sent part by part, `sent` the platform's ids of those that went; `engine`, `version`, `made_at`,
    `back` and `warning` say how the words came about.
    """

    parts: tuple[str, ...] = ()
    sent: tuple[str, ...] = ()
    language: str = ""
    engine: str = ""
    version: str = ""
    made_at: datetime = EPOCH
    back: str = ""
    warning: str = ""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the outbox, there since `at`; `id` is unique for ever, `begun` counts the calls begun for it.

    `place` is the store's own name for the row.
    `open_call` is "" or the id of a call that began and whose outcome isn't known: that of the first order in it.
    """

    id: str
    mailbox: str
    number: int
    lane: str
    effect: Effect
    at: datetime
    place: int = 0
    begun: int = 0
    open_call: str = ""
    progress: Progress = Progress()


class Batch(msgspec.Struct, frozen=True):
    """What waits in a lane that nobody else works on, in order, at most LANE_BATCH; each taking has its own `hold`."""

    lane: str
    orders: tuple[Order, ...]
    hold: int = 0


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """A post at the desk, which `body` (JSON) can draw anew, with the messages that it shows.

    Of one that was read, `messages` has only the message that it was read by.
    """

    messages: tuple[str, ...]
    ts: str
    body: bytes


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a call came to: the orders it settles, and what was learnt.

    `events` go into the journal, `thread` becomes another name of the orders' mailbox, `dead` says why they never went.
    """

    orders: tuple[str, ...]
    events: tuple[Event, ...] = ()
    thread: str = ""
    posts: tuple[Post, ...] = ()
    dead: str = ""


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """What was set apart, and why: an order that went nowhere (`id` d…) or an event that broke us (a…)."""

    id: str
    at: datetime
    mailbox: str
    number: int
    what: Effect | Event
    reason: str
    again: bool = False


class Stats(msgspec.Struct, frozen=True, kw_only=True):
    """Counters and backlogs, none of which took a scan."""

    waiting_events: int
    waiting_orders: Mapping[str, int]
    parked: int
    aside: int
    dead: int


class Store(Protocol):
    """Journal, conversations, outbox and timers in one place, changed in one commit."""

    async def open(self) -> None:
        """Migrate, lock and recover: what was unfinished comes again.

        Raises:
            StoreError: the place isn't usable, or another process has it.
        """

    async def close(self) -> None:
        """Finish what was begun and let go."""

    async def probe(self) -> None:
        """Raise StoreError unless it answers."""

    async def append(self, events: Sequence[Event]) -> Sequence[bool]:
        """Write events to the journal; False for each that is there, or was.

        What is for a thread that nobody knows yet is parked until it is; what has no mailbox is kept aside.
        """

    async def claim(self) -> Claim:
        """Wait for a mailbox with events that nobody works on, and take it with up to MAILBOX_BATCH of them."""

    async def commit(self, claim: Claim, step: Step) -> Outcome:
        """Keep the step and let go of the mailbox: all or none."""

    async def release(self, claim: Claim) -> None:
        """Let go of a mailbox; its events come again."""

    async def set_aside(self, claim: Claim, reason: str) -> None:
        """Keep the claim's first event apart, for inspection, and let go: it holds up nobody."""

    async def number(self) -> int:
        """Give the next conversation's number; no two committed steps ever get the same."""

    async def take(self, side: Side) -> Batch:
        """Wait for a lane of `side` that is due and nobody works on; the most urgent one, and what waits in it."""

    async def begin(self, orders: Sequence[Order]) -> tuple[Order, ...]:
        """Note that one call for these begins, directly before it, with their progress: its outcome is now unknown."""

    async def advance(self, order: Order) -> Order:
        """Note an order's progress; its call is no longer open."""

    async def settle(self, batch: Batch, result: Result) -> None:
        """Keep what a call came to; the lane stays taken until `leave`."""

    async def postpone(self, batch: Batch, until: datetime, *, open_call: bool) -> None:
        """Let go of the lane and let it wait; `open_call` says whether the last call may have been accepted."""

    def leave(self, batch: Batch) -> None:
        """Let go of a lane; what is left in it is due again."""

    def wake(self, channel: str) -> None:
        """Make what waits for a channel's customers, or with "" for the desk, due now: what held it up has changed."""

    async def conversation(self, mailbox: str) -> Conversation | None:
        """Read a conversation."""

    async def find(self, number: int) -> Conversation | None:
        """Read the conversation with a number, if it is its customer's present one."""

    async def thread(self, mailbox: str, number: int) -> str:
        """Say in which thread a conversation stands, `channel/ts` or what was kept of it, "" if in none yet."""

    async def post(self, mailbox: str, message: str) -> Post | None:
        """Say where a customer's message stands at the desk."""

    async def history(self, mailbox: str, limit: int = 200) -> Sequence[Event]:
        """Read the latest events of a mailbox, in order, with the facts that were gathered."""

    def leads(self, role: str) -> bool:
        """Say whether this process is the one that does what only one may do, such as polling a bot's updates."""

    def share(self) -> float:
        """Say how much of what all processes may do together is this one's, from 0 to 1, by how much waits in it."""

    def roster(self) -> Sequence[Standing]:
        """Say how many open conversations each agent has, and when they last got one."""

    async def set_away(self, agent: str, *, away: bool, until: datetime = EPOCH) -> None:
        """Keep that an agent is away, or isn't any more; `until` is when they mean to come back, EPOCH for never."""

    async def breaks(self) -> Mapping[str, datetime]:
        """Read until when each agent is away who said that they are."""

    def set_present(self, agent: str, *, present: bool) -> bool:
        """Note whether the desk's platform shows an agent as there; says whether that is news. Nothing is kept."""

    async def theirs(self, agent: str, limit: int) -> Sequence[Conversation]:
        """Read the open conversations that take an agent's room, the oldest first."""

    async def queued(self, limit: int) -> Sequence[Conversation]:
        """Read the conversations that wait for an agent, most urgent first."""

    async def put_doc(self, kind: str, key: str, body: bytes) -> None:
        """Keep a document."""

    async def get_doc(self, kind: str, key: str) -> bytes | None:
        """Read a document."""

    async def drop_doc(self, kind: str, key: str) -> bool:
        """Forget a document; of several who forget the same, at most one is told True: that it was there."""

    async def docs(self, kind: str) -> Mapping[str, bytes]:
        """Read all documents of a kind."""

    async def forget(self, mailbox: str) -> dict[str, int]:
        """Erase a contact everywhere, under all its names; says how much of what was erased.

        Raises:
            StoreError: it is being worked on all the time.
        """

    async def prune(self, before: datetime) -> None:
        """Forget dedupe keys, parked replies and posts older than `before`."""

    def stats(self) -> Stats:
        """Say how much waits."""

    def oldest(self) -> Mapping[str, float]:
        """Say by side for how many seconds the oldest order has waited; takes a look at every lane that waits."""


class Beside(Protocol):
    """What commands read and write of an installation, whether gateways run on it or none does.

    All raise StoreError where the store can't be used.
    """

    def runs(self) -> bool:
        """Say whether a gateway runs on it just now."""

    def roster(self) -> Sequence[Standing]:
        """Say how many open conversations each agent has; nobody has any where there is no store yet."""

    def letters(self) -> Sequence[Letter]:
        """Read what was set apart, oldest first."""

    def want_again(self, letter: str) -> bool:
        """Ask the gateway to work on a letter again; False where there is none of the name, or nothing can be done."""

    def drop_letter(self, letter: str) -> bool:
        """Forget a letter for good; False where there is none of the name."""

    def conversations(self) -> Sequence[Conversation]:
        """Read every contact's latest conversation, newest first."""

    def latest(self, limit: int, before: int = 0, status: str = "") -> Sequence[Conversation]:
        """Read contacts' latest conversations, newest first: those with a number below `before`, 0 for any."""

    def reached_at(self, digits: str) -> Iterator[str]:
        """Read the mailboxes of contacts whose address has these digits in it."""

    def named(self, word: str) -> Iterator[tuple[str, str]]:
        """Read the mailbox and name of each contact whose name or address may have a word in it, the newest first.

        `word` has neither capitals nor accents; one whose name has letters beyond ASCII may have any.
        """

    def numbered(self, number: int) -> str:
        """Say whose conversation has, or had, a number, "" where nobody's."""

    def saying(self, words: str) -> Iterator[tuple[str, Event]]:
        """Read the latest events in which these words stand somewhere, whatever their ASCII capitals, and whose."""

    def conversation(self, mailbox: str) -> Conversation | None:
        """Read a contact's latest conversation."""

    def history(self, mailbox: str) -> Sequence[Event]:
        """Read all events of a contact, in order."""

    def histories(self) -> Iterator[tuple[str, Iterator[Event]]]:
        """Read all events contact by contact, each in order; a contact's must be read before the next one's."""

    def docs(self, kind: str) -> Mapping[str, bytes]:
        """Read the documents of a kind; there are none where there is no store yet."""

    def write_docs(self, kind: str, docs: Mapping[str, bytes | None]) -> None:
        """Keep documents, or with None forget them, all at once; makes the store where there is none yet."""


URGENCY: Mapping[str, int] = {
    "OpenThread": 0,
    "TellDesk": 0,
    "ShowFiles": 0,
    "AskAgent": 0,
    "LeaveThread": 1,
    "Note": 1,
    "ShowEdit": 1,
    "Fix": 1,
}
"""How soon a lane gets its turn, by what waits in it: what customers say comes before what we say ourselves."""

LEAST_URGENT = 2


def side_of(effect: Effect) -> Side:
    """Say where an effect goes."""
    name = type(effect).__name__
    if name in ("TellCustomer", "ChangeSent", "LearnName"):
        return Side.CUSTOMER
    if name in ("UpdateCard", "LeaveCard"):
        return Side.CARD
    if name == "ShowLate":
        return Side.LATE
    return (
        Side.MARK
        if name
        in ("React", "TellAgent", "TellDirectly", "AskWords", "ShowHistory", "ShowPassport", "ShowLens", "SetAway")
        else Side.DESK
    )


def urgency(effect: Effect) -> int:
    """Rank an effect, 0 the most urgent."""
    return URGENCY.get(type(effect).__name__, LEAST_URGENT)
