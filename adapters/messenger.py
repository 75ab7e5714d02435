"""A Facebook Page that customers write to on Messenger. https://developers.facebook.com/docs/messenger-platform"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import ClassVar

import aiohttp
import msgspec
from yarl import URL

from adapters.contract import (
    Attachment,
    Capabilities,
    Content,
    Failure,
    Malformed,
    Outbound,
    Rejected,
    Request,
    Sent,
    Uncertain,
    Unfit,
    Unreachable,
    WindowClosed,
)
from adapters.http import clean, read_json
from adapters.media import Hosts, fetch
from adapters.meta import MEDIA_HOSTS, MEGABYTE, Failures, Graph, answer_challenge, check_signature, kind_of
from adapters.meta_messaging import MessagingReader
from config.credentials import Field
from config.settings import ChannelSettings
from routing.messages import Event, File

SUBSCRIBED = (
    "messages",
    "messaging_postbacks",
    "messaging_optins",
    "message_deliveries",
    "message_reads",
    "message_echoes",
    "message_edits",
    "message_reactions",
    "messaging_referrals",
    "messaging_handovers",
    "standby",
    "messaging_policy_enforcement",
    "messaging_feedback",
)
"""What Meta is asked to tell; `response_feedback` would show thumbs to customers."""

CLOSED = Failure(
    WindowClosed,
    "more than 24 hours have passed since the customer wrote",
    "Messenger allows answers again once they write.",
)
GONE = Failure(Unreachable, "Messenger can't reach this customer", "They may have blocked the Page or be gone.")
FAILURES: Failures = {
    (10, 2018278): CLOSED,
    (10, 2018065): CLOSED,
    (10, 2018108): CLOSED,
    (10, 2018300): Failure(
        Rejected, "another app answers this customer now", "Take the conversation back in Meta's inbox."
    ),
    (551, 0): GONE,
    (1545041, 0): GONE,
    (100, 33): GONE,
    (100, 2018001): GONE,
}
"""Why Messenger won't deliver, and what to do, for an agent to read."""


KINDS = {"image": "image", "video": "video", "audio": "audio"}
LARGEST = 25
"""Megabytes that Messenger takes."""


class Messenger:
    """A Facebook Page; `session` carries its calls."""

    kind: ClassVar[str] = "messenger"
    fields: ClassVar[tuple[Field, ...]] = (
        Field(name="page_id", label="Page ID", help="The Page's own page: About, Page transparency"),
        Field(name="app_id", label="App ID", help="Meta app dashboard: App settings, Basic; tells our own echoes"),
        Field(name="page_access_token", label="Page access token", secret=True, help="Messenger, API settings"),
        Field(name="app_secret", label="App secret", secret=True, help="Meta app dashboard: App settings, Basic"),
        Field(name="verify_token", label="Verify token", secret=True, help="Any long text; give Meta the same"),
        Field(name="api_base", label="API address", default="https://graph.facebook.com"),
        Field(name="api_version", label="API version", default="v26.0"),
    )
    # Meta's limit is 2,000 and doesn't say of what.
    capabilities: ClassVar[Capabilities] = Capabilities(
        max_text=1900, receipts=True, read_until=True, window=timedelta(hours=24), person_window=timedelta(days=7)
    )

    def __init__(self, settings: ChannelSettings, session: aiohttp.ClientSession) -> None:
        values, secrets = settings.values, settings.secrets
        self._id = settings.id
        self._page = values["page_id"]
        self._app_secret = secrets["app_secret"]
        self._verify_token = secrets["verify_token"]
        self._reader = MessagingReader(settings.id, "messenger", self._page, values["app_id"])
        self._session = session
        self._hosts = Hosts(URL(values["api_base"]), media=MEDIA_HOSTS)
        self._graph = Graph(values["api_base"], values["api_version"], secrets["page_access_token"], session, FAILURES)

    @property
    def id(self) -> str:
        """The name it has in the configuration."""
        return self._id

    def challenge(self, request: Request) -> str:
        """Answer Meta's handshake."""
        return answer_challenge(request, self._verify_token)

    def verify(self, request: Request) -> None:
        """Hold Meta's signature against the body."""
        check_signature(request, self._app_secret)

    def parse(self, request: Request) -> Sequence[Event]:
        """Read what people and other programs did."""
        body = read_json(request.body)
        if not isinstance(body, dict) or body.get("object") != "page":
            raise Malformed("this isn't Messenger's: its object isn't page")
        return self._reader.read(body, request.at)

    async def send(self, message: Outbound) -> Sent:
        """Send text; the order comes back with its echo."""
        return await self._send(message, {"text": message.text})

    async def attach(self, message: Outbound, attachment: Attachment) -> Sent:
        """Upload a file and send it as what it is."""
        kind = KINDS.get(attachment.content.mime.partition("/")[0], "file")
        if attachment.content.size > LARGEST * MEGABYTE:
            raise Unfit(f"Messenger takes files of at most {LARGEST} MB")
        said = {"attachment": {"type": kind, "payload": {"is_reusable": False}}}
        fields = {"message": msgspec.json.encode(said).decode()}
        uploaded = await self._graph.upload(f"{self._page}/message_attachments", fields, "filedata", attachment)
        return await self._send(message, {"attachment": {"type": kind, "payload": {"attachment_id": uploaded}}})

    def fetch(self, file: File) -> AbstractAsyncContextManager[Content]:
        """Fetch a file from Meta's own hosts, which want no token."""
        return fetch(self._session, file.ref, self._hosts)

    async def _send(self, message: Outbound, content: Mapping[str, object]) -> Sent:
        answer = await self._graph.post(
            f"{self._page}/messages",
            {
                "recipient": {"id": message.peer},
                **kind_of(message),
                "message": {**content, "metadata": f"{message.order}@{message.mailbox}"},
            },
        )
        if not isinstance(answer.get("message_id"), str):
            raise Uncertain("Meta's answer can't be read")
        return Sent(answer["message_id"])

    async def name_of(self, peer: str) -> str:
        """Ask what a customer is called."""
        answer = await self._graph.get(peer, fields="first_name,last_name")
        return " ".join(filter(None, (clean(answer.get("first_name")), clean(answer.get("last_name")))))

    async def hook(self, url: str) -> None:
        """Have the Page's events sent to the app; Meta takes a Page off after an hour of failures."""
        await self._graph.post(f"{self._page}/subscribed_apps", {"subscribed_fields": ",".join(SUBSCRIBED)})

    async def probe(self) -> str:
        """Ask which Page it is."""
        answer = await self._graph.get(self._page, fields="id,name")
        return f"{answer.get('name', '?')} (Page {answer.get('id', '?')})"

    async def close(self) -> None:
        """The shared client is closed by who opened it."""
