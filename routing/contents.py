"""What events and effects are made of: mailboxes' names, files, templates, facts, buttons."""

from datetime import UTC, datetime

import msgspec

from routing.policy import SavedReply

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
THREAD_MARK = "@"
KINDS_OF_FILE = ("photo", "video", "audio", "voice", "sticker", "file")


def contact(channel: str, peer: str) -> str:
    """Name the mailbox of a customer: the channel's id and the platform's id of the person."""
    return f"{channel}/{peer}"


def channel_of(mailbox: str) -> str:
    """Name the channel of a customer's mailbox."""
    return mailbox.partition("/")[0]


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
    conversation; `roster` is None where nobody had to be chosen; `room` is a name for a call that nobody can guess.
    `at` is when the event was taken up. `replies` are the saved replies made at the desk: the one that an agent named,
    else the names of all.
    """

    at: datetime = EPOCH

    language: str = ""
    evidence: dict[str, float] = {}
    number: int = 0
    roster: tuple[Standing, ...] | None = None
    room: str = ""
    replies: tuple[SavedReply, ...] = ()


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


class Choice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A button beneath what an agent is told."""

    action: str
    label: str
    value: str
