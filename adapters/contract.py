"""What a channel promises, and the errors by which it says what to do next."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import IO, ClassVar, Protocol, runtime_checkable

from msgspec import Struct

from adapters.text import Size, units
from config.credentials import Field
from routing.contents import File, Template
from routing.events import Event

Receive = Callable[[Sequence[Event]], Awaitable[None]]
"""Takes events; when it returns they are durable, and the platform may be told so."""


class Request(Struct, frozen=True):
    """A webhook call as it came, at `at`; headers are asked for in lower case."""

    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    at: datetime


class Outbound(Struct, frozen=True):
    """A message for a customer; `peer` is the platform's id of them, `order` the outbox's id of it, `mailbox` whose.

    `late` says that the platform's window for free answers is over, and a person's answer still may go.
    """

    peer: str
    text: str
    order: str
    mailbox: str
    late: bool = False


class Sent(Struct, frozen=True):
    """What the platform made of a message: its id there."""

    message: str


@dataclass(frozen=True, slots=True)
class Content:
    """A file's bytes on disk (or in memory, while few), `size` of them, and what they are by their beginning.

    `mime` is "" where that can't be told.
    """

    file: IO[bytes]
    size: int
    mime: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file for a customer, its `name` fitting what it is; `link` is where it can be had for a while, "" nowhere."""

    content: Content
    name: str
    link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a channel can do.

    `max_text` is the longest text, as `size` counts; `receipts` says that it tells what became of a message, and by
    our own name for it; `read_until` that it tells by time how far the customer has read. `window` is how long after
    a customer wrote they may be answered, None for ever, and `person_window` how long an answer that a person wrote.
    `remembers` is how long the platform knows a message by our own name for it, and takes it only once.
    """

    max_text: int
    size: Size = units
    receipts: bool = False
    read_until: bool = False
    window: timedelta | None = None
    person_window: timedelta | None = None
    remembers: timedelta = timedelta()


class ChannelError(Exception):
    """Something between a platform and us is wrong; the message is for people."""


class Forged(ChannelError):
    """The call doesn't come from the platform: answer 401, keep nothing."""


class Malformed(ChannelError):
    """The call is authentic but isn't what this platform sends: answer 400."""


class Asked(ChannelError):
    """The call only asks for an answer, with no event in it: answer 200 with `answer` as JSON."""

    def __init__(self, answer: Mapping[str, str]) -> None:
        super().__init__("the platform asks for an answer")
        self.answer = answer


class SendError(ChannelError):
    """A call to a platform failed; `advice` says what an agent or an admin can do.

    `field` names the field of the channel's that is wrong, "" where that can't be told.
    """

    def __init__(self, told: str, advice: str = "", field: str = "") -> None:
        super().__init__(told)
        self.advice = advice
        self.field = field


class Unavailable(SendError):
    """The platform is down or busy, and didn't take it: try again, no sooner than `after`."""

    def __init__(self, told: str, after: timedelta = timedelta()) -> None:
        super().__init__(told)
        self.after = after


class Uncertain(SendError):
    """The call broke off after it was sent: find out before any other."""


class Rejected(SendError):
    """The platform won't take it, now or later: tell the agent, with what to do."""


class Unfit(Rejected):
    """The platform takes no such file: send a link to it."""


class Unreachable(Rejected):
    """Nothing reaches this customer any more: tell the agent, and stop writing."""


class WindowClosed(Rejected):
    """The platform's time for free answers is over: offer a template."""


class Unauthorised(SendError):
    """Our credentials don't work: hold the channel, tell the admin, burn no attempts."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What an error of a platform's own means: which error it is for us, and what to tell people."""

    kind: type[SendError]
    told: str
    advice: str = ""

    def error(self) -> SendError:
        """Make the error."""
        made = self.kind(self.told)
        made.advice = self.advice
        return made


@dataclass(frozen=True, slots=True)
class Found:
    """What a platform says about one thing that was pasted: whether it is right, and in words, what to do too."""

    works: bool
    told: str


@dataclass(frozen=True, slots=True)
class Question:
    """Something to ask a platform about a channel's fields: about which, and which must be there to ask it.

    `ask` gives what was found in a few words, and raises SendError as `Channel.probe` does.
    """

    about: str
    needs: tuple[str, ...]
    ask: Callable[[], Awaitable[str]]


class Channel(Protocol):
    """A place where customers write."""

    kind: ClassVar[str]
    fields: ClassVar[tuple[Field, ...]]
    capabilities: ClassVar[Capabilities]

    @property
    def id(self) -> str:
        """The name it has in the configuration."""

    def verify(self, request: Request) -> None:
        """Hold a call against the platform's proof of origin; pure.

        Raises:
            Forged: it isn't the platform's.
        """

    def parse(self, request: Request) -> Sequence[Event]:
        """Read what a call tells; pure. What isn't understood comes as Unrecognised.

        Raises:
            Malformed: it isn't this platform's at all.
            Asked: it wants an answer.
        """

    async def send(self, message: Outbound) -> Sent:
        """Send one part of a message.

        Raises:
            SendError: it isn't sent, or (Uncertain) may be.
        """

    async def probe(self) -> str:
        """Say in a line whose credentials these are, after asking the platform.

        Raises:
            SendError: they don't work, with what to do.
        """


@runtime_checkable
class Concerned(Protocol):
    """A channel whose platform says what will need somebody, though it works: `concerns` of when it was last asked.

    `ends_at` is when the credentials end, None for never as far as was told.
    """

    ends_at: datetime | None
    concerns: Sequence[str]


@runtime_checkable
class Placing(Protocol):
    """A channel whose customers' addresses say in which country they are."""

    def region(self, peer: str) -> str:
        """Give the ISO 3166 code of a customer's country, "" where it isn't known."""


@runtime_checkable
class Pictured(Protocol):
    """A channel whose customers see a picture of it."""

    def picture(self) -> AbstractAsyncContextManager[Content]:
        """Give the picture; it is gone when the context ends.

        Raises:
            SendError: Rejected where there is none, Unavailable where it may be tried again.
        """


@runtime_checkable
class Portrayed(Protocol):
    """A channel whose customers may have pictures."""

    def portrait(self, peer: str) -> AbstractAsyncContextManager[Content]:
        """Give the picture of a customer, or of an event's author; it is gone when the context ends.

        Raises:
            SendError: Rejected where they have none or show none, Unavailable where it may be tried again.
        """


@runtime_checkable
class Called(Protocol):
    """A channel that hears nothing unless its platform can call us."""

    @property
    def waits_for_calls(self) -> bool:
        """Say whether it is set so."""

    async def reach(self, url: str) -> None:
        """See whether `url`, where the platform calls, leads to us.

        Raises:
            SendError: it doesn't; says what was met instead.
        """


@runtime_checkable
class Questioned(Protocol):
    """A channel about whose fields the platform can be asked one by one, before all of them are there."""

    def questions(self) -> Sequence[Question]:
        """Give what can be asked; `probe` asks all of it."""


@runtime_checkable
class Challenged(Protocol):
    """A channel whose platform asks for a handshake before it calls."""

    def challenge(self, request: Request) -> str:
        """Answer the handshake; pure.

        Raises:
            Forged: it isn't one, or not with our token.
        """


@runtime_checkable
class Listening(Protocol):
    """A channel that fetches what it receives, beside or instead of being called."""

    async def listen(self, receive: Receive) -> None:
        """Receive until cancelled; nothing is confirmed to the platform before `receive` has it."""


@runtime_checkable
class Fetching(Protocol):
    """A channel whose files can be had."""

    def fetch(self, file: File) -> AbstractAsyncContextManager[Content]:
        """Give a file's content; it is gone when the context ends.

        Raises:
            SendError: Rejected where there is nothing to be had, Unavailable where it may be tried again.
        """


@runtime_checkable
class Attaching(Protocol):
    """A channel whose customers can be sent files."""

    async def attach(self, message: Outbound, attachment: Attachment) -> Sent:
        """Send a file by the best kind that the platform has; the message's text stays unsent.

        Raises:
            Unfit: not this file, so that it goes as a link.
            SendError: it isn't sent, or (Uncertain) may be.
        """


@runtime_checkable
class Editing(Protocol):
    """A channel whose platform lets us change what was sent, and take it back."""

    async def edit(self, message: Outbound, sent: str) -> None:
        """Change the text of the message that the platform knows as `sent`; once more does no harm.

        Raises:
            SendError: it stays as it was, or (Uncertain) may be changed.
        """

    async def delete(self, peer: str, sent: str) -> None:
        """Take back the message to `peer` that the platform knows as `sent`; one that is gone is gone.

        Raises:
            SendError: it stays, or (Uncertain) may be gone.
        """


@runtime_checkable
class Templating(Protocol):
    """A channel whose platform lets approved templates go after its window."""

    async def templates(self) -> Sequence[Template]:
        """Give the approved templates.

        Raises:
            SendError: the platform won't tell.
        """

    async def send_template(self, message: Outbound, template: Template) -> Sent:
        """Send a template.

        Raises:
            SendError: as `send`.
        """


@runtime_checkable
class Searching(Protocol):
    """A channel whose platform says whether it has a message, when it is asked by our own name for it."""

    async def find(self, message: Outbound, *, since: datetime) -> str:
        """Give the platform's id of a message that may have been accepted since a moment, "" where it wasn't.

        Raises:
            SendError: the platform won't tell.
        """


@runtime_checkable
class Naming(Protocol):
    """A channel whose messages don't say what their writer is called, but whose platform does when it is asked."""

    async def name_of(self, peer: str) -> str:
        """Give the name of a customer, or of an event's author; "" where they keep it to themselves.

        Raises:
            SendError: the platform won't tell.
        """


@runtime_checkable
class Zoned(Protocol):
    """A channel whose platform says by which clock a customer lives."""

    async def zone_of(self, peer: str) -> str:
        """Give a customer's time zone as the tz database names it, "" where they keep it to themselves.

        Raises:
            SendError: the platform won't tell.
        """


@runtime_checkable
class Hooked(Protocol):
    """A channel that tells its platform where to call."""

    async def hook(self, url: str) -> None:
        """Have the platform call `url`.

        Raises:
            SendError: it won't.
        """
