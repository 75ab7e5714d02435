"""What is to be done about what happened: orders, in the imperative, to a side and never to an address."""

from datetime import datetime

import msgspec

from routing.contents import EPOCH, Choice, File, Template


class Card(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the first message of a thread shows; `why` says how the assignee was chosen, a line each.

    `waiting_since` is when the customer wrote who waits for an answer, `heard_at` the hour in which they wrote last,
    `words` are their first, `ratings` what they said of each time that they were asked how it was, 1 to 5, the latest
    last. `desk` is the channel that it is in ("" the first), `moved_from` an earlier one's place.
    """

    number: int
    name: str
    zone: str = ""
    channel: str
    status: str
    language: str = ""
    skill: str = ""
    assignee: str = ""
    priority: str = "normal"
    why: tuple[str, ...] = ()
    unreachable: bool = False
    snoozed_until: datetime = EPOCH
    waiting_since: datetime = EPOCH
    heard_at: datetime = EPOCH
    words: str = ""
    ratings: tuple[int, ...] = ()
    desk: str = ""
    moved_from: str = ""


class OpenThread(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """Post the card; what follows for the desk goes into its thread."""

    card: Card


class LeaveThread(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """Say in an earlier thread, which begins at the place `old`, where the conversation goes on."""

    old: str
    card: Card
    told: str


class LeaveCard(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """Say in the place of an earlier card, at `old`, where the conversation goes on."""

    old: str
    card: Card
    told: str


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
    changed: bool = False


class Note(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """Say something about the conversation in the thread; `mention` pings an agent."""

    text: str
    mention: str = ""


class TellAgent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """Answer one agent alone, with buttons where there is something to choose."""

    agent: str
    text: str
    choices: tuple[Choice, ...] = ()


class TellDirectly(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """Tell one agent something in a direct message, with a link to the conversation's thread."""

    agent: str
    text: str


class ShowHistory(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """Show one agent what this customer and the desk said to each other before."""

    agent: str


class ShowPassport(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """Show one agent where the message of the post `about` has been, hop by hop."""

    agent: str
    about: str


class ShowLens(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """Show one agent in their own language what this customer and the desk said to each other."""

    agent: str


class SetAway(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """Note that an agent takes no new conversations, or does again; `until` is when they mean to come back."""

    agent: str
    away: bool
    until: datetime = EPOCH


class AskAgent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """Ask in the thread whether a held message goes out (buttons `send` and `keep`, their value `held`).

    With `changes` it would take the place of what was sent before.
    """

    agent: str
    held: str
    reason: str
    text: str
    rendering: str = ""
    back: str = ""
    changes: bool = False


class AskWords(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """Open a form where an agent writes what a message should say, in answer to the press that `trigger` names.

    `action` is `edit` for a held answer, which then goes as it was written, or `fix` for a translation. `about` names
    the message; of a held one, `text` is its translation into `language` and `original` what the agent wrote.
    """

    agent: str
    trigger: str
    action: str
    about: str
    text: str = ""
    original: str = ""
    language: str = ""


class Fix(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """Put a translation right, for good: `text` is what it should say.

    It is that of the message `about`, or the last one before the agent's `message`. `seen` is what they saw of it.
    """

    agent: str
    message: str = ""
    text: str
    about: str = ""
    seen: str = ""


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
    `ready` text goes as it is; `back` then says what it means, `by` whose words they are where not the writer's.
    `files` are the desk's, and go after the text. A `template` goes in the text's place, and may go after the
    platform's window. `lines` follow the text as they are. With `confirm` its writer is shown it and asked first.
    """

    text: str
    language: str = ""
    source: str = ""
    reply: str = ""
    agent: str = ""
    phrase: str = ""
    ready: bool = False
    back: str = ""
    by: str = ""
    files: tuple[File, ...] = ()
    template: Template | None = None
    lines: tuple[str, ...] = ()
    confirm: bool = False


class ChangeSent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """Put other words, `text`, in the place of what was sent for the agent's message `reply`, or take it back ("").

    `ready`, `back`, `by` and `confirm` are as of TellCustomer.
    """

    reply: str
    agent: str
    text: str
    language: str = ""
    source: str = ""
    ready: bool = False
    back: str = ""
    by: str = ""
    confirm: bool = False


class LearnName(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """Ask the platform what a customer is called, where it tells; comes back as ContactNamed."""


DeskEffect = (
    OpenThread
    | LeaveThread
    | LeaveCard
    | UpdateCard
    | TellDesk
    | ShowFiles
    | ShowEdit
    | ShowLate
    | ShowSent
    | Note
    | TellAgent
    | TellDirectly
    | SetAway
    | AskAgent
    | AskWords
    | SettleAsk
    | Fix
    | React
    | ShowHistory
    | ShowPassport
    | ShowLens
)
Effect = DeskEffect | TellCustomer | ChangeSent | LearnName

encode = msgspec.json.Encoder().encode
decode_effect = msgspec.json.Decoder(Effect).decode
