"""What happens (events, in the past tense) and what is to be done about it (effects, imperative).

An event's `to` names the mailbox that it belongs to: a contact (`contact()`), or a desk thread (`thread()`), which is
another name for the mailbox of the contact whose conversation it shows.
"""

from datetime import UTC, datetime

import msgspec

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
THREAD_MARK = "@"
KINDS_OF_FILE = ("photo", "video", "audio", "voice", "sticker", "file")


def contact(channel: str, peer: str) -> str:
    """Name the mailbox of a customer: the channel's id and the platform's id of the person."""
    return f"{channel}/{peer}"


def thread(desk_channel: str, ts: str) -> str:
    """Name a desk thread; the store knows which mailbox it stands for once the thread is open."""
    return f"{THREAD_MARK}{desk_channel}/{ts}"


class Standing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How an agent stands just now: `load` open conversations; `idle_since` the last assignment."""

    agent: str
    load: int = 0
    away: bool = False
    idle_since: datetime = EPOCH


class Facts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the shell found out before the decision, kept with the event so that it can be replayed.

    `language` is "" when it could not be told; `evidence` pools what was heard so far; `number` is for a new
    conversation; `roster` is None where nobody had to be chosen.
    """

    language: str = ""
    evidence: dict[str, float] = {}
    number: int = 0
    roster: tuple[Standing, ...] | None = None


class File(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file at a platform: `ref` is what its channel fetches it by, `kind` one of KINDS_OF_FILE.

    `name`, `mime` and `size` (bytes, 0 where it isn't told) are the platform's word and no more.
    """

    ref: str
    kind: str
    name: str = ""
    mime: str = ""
    size: int = 0


class Template(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A message that the platform has approved for after its window: `text` is its words, with `{{1}}` for values."""

    name: str
    language: str
    text: str = ""
    values: tuple[str, ...] = ()

    @property
    def filled(self) -> str:
        """The text with its values."""
        text = self.text
        for number, value in enumerate(self.values, 1):
            text = text.replace(f"{{{{{number}}}}}", value)
        return text

    @property
    def wants(self) -> int:
        """How many values it needs."""
        return len(
            {found for found in self.text.split("{{")[1:] if "}}" in found and found.partition("}}")[0].isdecimal()}
        )


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
    """The platform told a customer's name when asked for it."""

    name: str


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


class AgentPressed(_Fact, frozen=True, kw_only=True, tag=True):
    """An agent pressed a button: `claim`, `close`, … on the card; `send`, `keep` on a held message named by `value`."""

    agent: str
    action: str
    value: str = ""
    message: str = ""
    facts: Facts = Facts()


class ThreadOpened(_Fact, frozen=True, kw_only=True, tag=True):
    """The card is posted; `thread` is the desk's id of it."""

    thread: str


class ReplySent(_Fact, frozen=True, kw_only=True, tag=True):
    """The platform accepted a message for the customer.

    `reply` is the agent's message that it came from ("" for a notice), `sent` what the customer reads, `engine` who
    translated it ("" where nobody did), `back` its meaning in the agent's language, `warning` why it went untranslated
    or may have gone twice; `unread` that the platform will tell by time how far the customer has read.
    """

    message: str
    reply: str = ""
    sent: str = ""
    engine: str = ""
    language: str = ""
    back: str = ""
    warning: str = ""
    final: bool = True
    unread: bool = False


class ReplyFailed(_Fact, frozen=True, kw_only=True, tag=True):
    """A message for the customer won't go; `reason` and `advice` are for an agent; `unreachable`: stop writing."""

    reply: str = ""
    reason: str
    advice: str = ""
    unreachable: bool = False


class ReplyHeld(_Fact, frozen=True, kw_only=True, tag=True):
    """A translation for the customer is risky and waits for the agent: `rendering` would be sent, meaning `back`."""

    reply: str
    agent: str
    text: str
    source: str = ""
    rendering: str
    back: str = ""
    reason: str
    files: tuple[File, ...] = ()


class ReplyParked(_Fact, frozen=True, kw_only=True, tag=True):
    """An answer came after the platform's window for it, and waits; `templates` are what may go meanwhile."""

    parked: "TellCustomer"
    reason: str
    templates: tuple[Template, ...] = ()


class TurnCame(_Fact, frozen=True, kw_only=True, tag=True):
    """Somebody may have room for a conversation that waits in the queue."""

    facts: Facts = Facts()


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
    | ThreadOpened
    | ReplySent
    | ReplyFailed
    | ReplyHeld
    | ReplyParked
    | TurnCame
    | TranslationMissed
    | Unrecognised
)


class Card(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the first message of a thread shows; `why` says how the assignee was chosen, a line each."""

    number: int
    name: str
    channel: str
    status: str
    language: str = ""
    skill: str = ""
    assignee: str = ""
    priority: str = "normal"
    why: tuple[str, ...] = ()
    unreachable: bool = False


class OpenThread(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """Post the card; what follows for the desk goes into its thread."""

    card: Card


class UpdateCard(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """Change the card in place."""

    card: Card


class TellDesk(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """Show a customer's message in the thread, in the desk's language with the original beneath.

    An `author` is to be asked for their name.
    """

    message: str
    name: str
    at: datetime
    text: str = ""
    attachment: str = ""
    language: str = ""
    reply_to: str = ""
    author: str = ""


class ShowFiles(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """Put a customer's files into the thread; those of one `album` that wait together as one post.

    `attachment` names them where nothing else does.
    """

    message: str
    name: str
    files: tuple[File, ...]
    attachment: str = ""
    album: str = ""
    author: str = ""


class ShowEdit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """Show on the posted message that the customer changed it at `at`, or with `deleted` took it back."""

    message: str
    at: datetime = EPOCH
    text: str = ""
    attachment: str = ""
    language: str = ""
    deleted: bool = False


class ShowLate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """Translate a customer's message where it stands, once an engine works."""

    message: str


class ShowSent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """Show in the thread what the customer, `name`, really got, and its meaning back in the agent's language."""

    text: str
    language: str
    engine: str = ""
    back: str = ""
    warning: str = ""
    name: str = ""


class Note(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """Say something about the conversation in the thread; `mention` pings an agent."""

    text: str
    mention: str = ""


class Choice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A button beneath what an agent is told."""

    action: str
    label: str
    value: str


class TellAgent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """Answer one agent alone, with buttons where there is something to choose."""

    agent: str
    text: str
    choices: tuple[Choice, ...] = ()


class ShowHistory(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """Show one agent what this customer and the desk said to each other before."""

    agent: str


class SetAway(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """Note that an agent takes no new conversations, or does again."""

    agent: str
    away: bool


class AskAgent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """Ask in the thread whether a held message goes out (buttons `send` and `keep`, their value `held`)."""

    agent: str
    held: str
    reason: str
    text: str
    rendering: str = ""
    back: str = ""


class Fix(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """Put right, for good, the last translation before the agent's `message`: `text` is what it should say."""

    agent: str
    message: str
    text: str


class SettleAsk(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """Put what was decided in the place of a question, so that nobody is asked any more."""

    held: str
    text: str


class React(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """Put `emoji` (accepted, read, failed) on an agent's message."""

    message: str
    emoji: str


class TellCustomer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """Send a message to the customer, translated from `source` into `language`.

    `reply` is the agent's message that it came from, `phrase` a key of the phrasebook for the gateway's own notices.
    `ready` text goes as it is; `back` then says what it means. `files` are the desk's, and go after the text.
    A `template` goes in the text's place, and may go after the platform's window. `lines` follow the text as they are.
    """

    text: str
    language: str = ""
    source: str = ""
    reply: str = ""
    agent: str = ""
    phrase: str = ""
    ready: bool = False
    back: str = ""
    files: tuple[File, ...] = ()
    template: Template | None = None
    lines: tuple[str, ...] = ()


class LearnName(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """Ask the platform what a customer is called, where it tells; comes back as ContactNamed."""


DeskEffect = (
    OpenThread
    | UpdateCard
    | TellDesk
    | ShowFiles
    | ShowEdit
    | ShowLate
    | ShowSent
    | Note
    | TellAgent
    | SetAway
    | AskAgent
    | SettleAsk
    | Fix
    | React
    | ShowHistory
)
Effect = DeskEffect | TellCustomer | LearnName

encode = msgspec.json.Encoder().encode
decode_event = msgspec.json.Decoder(Event).decode
decode_effect = msgspec.json.Decoder(Effect).decode
