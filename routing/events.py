"""What happened, in the past tense.

An event's `to` names the mailbox that it belongs to: a contact (`contact()`), or a desk thread (`thread()`), which is
another name for the mailbox of the contact whose conversation it shows.
"""

from datetime import datetime

import msgspec

from routing.contents import EPOCH, Facts, File, Template
from routing.effects import TellCustomer


class _Fact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """What all events have: an `id` that stays the same when it is delivered again, a mailbox, a time."""

    id: str
    to: str
    at: datetime


class CustomerWrote(_Fact, frozen=True, kw_only=True, tag=True):
    """A customer sent a message.

    `message` is the platform's id for it, `attachment` names what isn't text (`[voice message 0:12]`), `hint` is a
    language tag that the platform gave, or `und-` and the country of their phone, `also` are other names of the same
    contact (mailboxes, as by `contact()`), `address` is where to answer them, the platform's id, "" where that is
    what `to` names. `follows` says that it counts only as part of a conversation that there is already. `files` came
    with it; files of one `album` belong together, "" where it belongs to none. `entry` is what the link or button
    said by which they came. `quiet` says that it doesn't open the platform's window for answers. `author` is who of
    several wrote it, the platform's id, where nobody said their name.
    """

    message: str
    text: str = ""
    attachment: str = ""
    files: tuple[File, ...] = ()
    album: str = ""
    name: str = ""
    hint: str = ""
    reply_to: str = ""
    also: tuple[str, ...] = ()
    address: str = ""
    follows: bool = False
    quiet: bool = False
    entry: str = ""
    author: str = ""
    facts: Facts = Facts()


class CustomerEdited(_Fact, frozen=True, kw_only=True, tag=True):
    """A customer changed a message; `text` is what it says now, `follows` is as of CustomerWrote."""

    message: str
    text: str = ""
    attachment: str = ""
    follows: bool = False
    facts: Facts = Facts()


class CustomerDeleted(_Fact, frozen=True, kw_only=True, tag=True):
    """A customer took a message back."""

    message: str


class ContactMoved(_Fact, frozen=True, kw_only=True, tag=True):
    """A customer got other names on their platform: `also` are all of them, `address` is where to answer now."""

    also: tuple[str, ...]
    address: str


class CustomerLeft(_Fact, frozen=True, kw_only=True, tag=True):
    """A customer blocked us: nothing reaches them."""


class CustomerReturned(_Fact, frozen=True, kw_only=True, tag=True):
    """A customer unblocked us."""


class ContactNamed(_Fact, frozen=True, kw_only=True, tag=True):
    """The platform told a customer's name when asked for it, and their `zone`, as the tz database names it."""

    name: str = ""
    zone: str = ""


class AnsweredElsewhere(_Fact, frozen=True, kw_only=True, tag=True):
    """Somebody answered a customer with another program than ours, such as the platform's own."""

    message: str
    text: str = ""
    attachment: str = ""


class PlatformNoted(_Fact, frozen=True, kw_only=True, tag=True):
    """The platform told something about a conversation that agents should know; `text` says it to them."""

    text: str


class ReceiptCame(_Fact, frozen=True, kw_only=True, tag=True):
    """The platform told what became of a message of ours, or (`until`) of all that it accepted until a moment.

    `state` is sent, delivered, read or failed; `outbox` is the row that we named when sending, where the platform
    repeats it; `reason` and `advice` are for an agent to read.
    """

    message: str = ""
    state: str
    until: datetime = EPOCH
    outbox: str = ""
    reason: str = ""
    advice: str = ""


class AgentWrote(_Fact, frozen=True, kw_only=True, tag=True):
    """An agent wrote in a conversation's thread: a reply, a note (`//`) or a command (`!`).

    `text` is plain reading text, `message` the desk's id of it, `mentions` the agents it names in order, `addressed`
    says that it begins with one, `attached` are the files that came with it.
    """

    agent: str
    message: str
    text: str
    attached: tuple[File, ...] = ()
    mentions: tuple[str, ...] = ()
    addressed: bool = False
    facts: Facts = Facts()


class AgentEdited(_Fact, frozen=True, kw_only=True, tag=True):
    """An agent changed (or, with `deleted`, removed) a message in the thread."""

    agent: str
    message: str
    text: str = ""
    deleted: bool = False
    facts: Facts = Facts()


class AgentPressed(_Fact, frozen=True, kw_only=True, tag=True):
    """An agent pressed a button: `claim`, `close`, … on the card; `send`, `keep` on a held message named by `value`.

    `message` is the post that the button is on, `trigger` lets a form be opened in answer, for some seconds.
    """

    agent: str
    action: str
    value: str = ""
    message: str = ""
    trigger: str = ""
    facts: Facts = Facts()


class AgentSubmitted(_Fact, frozen=True, kw_only=True, tag=True):
    """An agent filled in a form: `action` as of AskWords, `value` the message that `text` is about.

    `seen` is what they saw of it, as the shell names it.
    """

    agent: str
    action: str
    value: str
    text: str
    seen: str = ""


class AgentStarted(_Fact, frozen=True, kw_only=True, tag=True):
    """An agent wants to write to a customer who didn't ask; `language` is theirs, `name` what they are called."""

    agent: str
    language: str = ""
    name: str = ""
    facts: Facts = Facts()


class ThreadOpened(_Fact, frozen=True, kw_only=True, tag=True):
    """The card of the conversation `number` is posted; `thread` is its place.

    `words` are the customer's first, as the desk reads them; number 0 is of a version that didn't tell.
    """

    thread: str
    words: str = ""
    number: int = 0


class ThreadLost(_Fact, frozen=True, kw_only=True, tag=True):
    """The desk's `channel`, where the conversation `number` has its thread, can't be used any more."""

    channel: str
    number: int


class ReplySent(_Fact, frozen=True, kw_only=True, tag=True):
    """The platform accepted a message for the customer.

    `reply` is the agent's message that it came from ("" for a notice), `sent` what the customer reads, `engine` who
    translated it ("" where nobody did), at `made_at` with a model of `version`, `back` its meaning in the agent's
    language, `warning` why it went untranslated or may have gone twice; `unread` that the platform will tell by time
    how far the customer has read; `changed` that it is in the place of what was sent first.
    """

    message: str
    reply: str = ""
    sent: str = ""
    engine: str = ""
    version: str = ""
    made_at: datetime = EPOCH
    language: str = ""
    back: str = ""
    warning: str = ""
    final: bool = True
    unread: bool = False
    changed: bool = False


class ReplyFailed(_Fact, frozen=True, kw_only=True, tag=True):
    """A message for the customer won't go; `reason` and `advice` are for an agent; `unreachable`: stop writing."""

    reply: str = ""
    reason: str
    advice: str = ""
    unreachable: bool = False


class ChangeRefused(_Fact, frozen=True, kw_only=True, tag=True):
    """What an agent changed, or `deleted`, afterwards stays as it was sent; `reason` is for them to read."""

    agent: str
    reason: str = ""
    deleted: bool = False


class ReplyTakenBack(_Fact, frozen=True, kw_only=True, tag=True):
    """What was sent for an agent's message, which they deleted, is gone at the customer's too."""

    reply: str


class ReplyHeld(_Fact, frozen=True, kw_only=True, tag=True):
    """A translation for the customer is risky and waits for the agent: `rendering` would be sent, meaning `back`.

    With `changes` it would take the place of what was sent before.
    """

    reply: str
    agent: str
    text: str
    source: str = ""
    rendering: str
    back: str = ""
    reason: str
    files: tuple[File, ...] = ()
    changes: bool = False


class ReplyParked(_Fact, frozen=True, kw_only=True, tag=True):
    """An answer came after the platform's window for it, and waits; `templates` are what may go meanwhile."""

    parked: TellCustomer
    reason: str
    templates: tuple[Template, ...] = ()


class TurnCame(_Fact, frozen=True, kw_only=True, tag=True):
    """Somebody may have room for a conversation that waits in the queue."""

    facts: Facts = Facts()


class SnoozeEnded(_Fact, frozen=True, kw_only=True, tag=True):
    """The time until which an agent put a conversation off has come; another one may have been set since."""

    until: datetime


class SurveyDue(_Fact, frozen=True, kw_only=True, tag=True):
    """It is time to ask a customer how it was, in the conversation that was closed at `closed_at`."""

    closed_at: datetime
    facts: Facts = Facts()


class UndoEnded(_Fact, frozen=True, kw_only=True, tag=True):
    """The time in which deleting the agent's message `reply` stops it is over."""

    reply: str


class TranslationMissed(_Fact, frozen=True, kw_only=True, tag=True):
    """A customer's message stands at the desk as written, because no engine worked just then."""

    message: str


class Unrecognised(_Fact, frozen=True, kw_only=True, tag=True):
    """An authentic event of a kind that we don't know; kept for inspection (`to` is ""), never worked on."""

    kind: str
    body: str = ""


Event = (
    CustomerWrote
    | CustomerEdited
    | CustomerDeleted
    | ContactMoved
    | CustomerLeft
    | CustomerReturned
    | ContactNamed
    | AnsweredElsewhere
    | PlatformNoted
    | ReceiptCame
    | AgentWrote
    | AgentEdited
    | AgentPressed
    | AgentSubmitted
    | AgentStarted
    | ThreadOpened
    | ThreadLost
    | ReplySent
    | ReplyFailed
    | ChangeRefused
    | ReplyTakenBack
    | ReplyHeld
    | ReplyParked
    | TurnCame
    | SnoozeEnded
    | SurveyDue
    | UndoEnded
    | TranslationMissed
    | Unrecognised
)

decode_event = msgspec.json.Decoder(Event).decode
