"""An Instagram professional account that customers write to. https://developers.facebook.com/docs/messenger-platform/instagram

`api_base` says how the account is linked: through its Facebook Page (graph.facebook.com), or by Instagram Login
(graph.instagram.com).
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import ClassVar

import aiohttp
from yarl import URL

from adapters.contract import (
    Attachment,
    Capabilities,
    Content,
    Failure,
    Malformed,
    Outbound,
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
from adapters.text import octets
from config.credentials import Field
from config.settings import ChannelSettings
from routing.messages import Event, File

SUBSCRIBED = (
    "messages",
    "message_reactions",
    "messaging_postbacks",
    "messaging_seen",
    "messaging_referral",
    "standby",
    "message_edit",
)
CLOSED = Failure(
    WindowClosed,
    "more than 24 hours have passed since the customer wrote",
    "Instagram allows answers again once they write.",
)
GONE = Failure(Unreachable, "Instagram can't reach this customer", "They may have blocked the account or be gone.")
FAILURES: Failures = {
    (10, 2534022): CLOSED,
    (10, 2018278): CLOSED,
    (551, 0): GONE,
    (1545041, 0): GONE,
    (100, 33): GONE,
    (100, 2534014): GONE,
    (100, 2534001): GONE,
    (100, 2534025): GONE,
}
"""Why Instagram won't deliver, and what to do, for an agent to read."""


TAKES = {
    "image/jpeg": ("image", 8),
    "image/png": ("image", 8),
    "video/mp4": ("video", 25),
    "video/quicktime": ("video", 25),
    "audio/mp4": ("audio", 25),
    "audio/x-m4a": ("audio", 25),
    "audio/aac": ("audio", 25),
    "audio/x-wav": ("audio", 25),
    "application/pdf": ("file", 25),
}
"""What Instagram takes as what, and up to how many MB."""


class Instagram:
    """An Instagram account; `session` carries its calls."""

    kind: ClassVar[str] = "instagram"
    fields: ClassVar[tuple[Field, ...]] = (
        Field(name="account_id", label="Instagram account ID", help="Meta app dashboard: Instagram, API setup"),
        Field(name="app_id", label="App ID", help="Meta app dashboard: App settings, Basic; tells our own echoes"),
        Field(name="access_token", label="Access token", secret=True, help="Instagram, API setup: Generate token"),
        Field(name="app_secret", label="App secret", secret=True, help="Meta app dashboard: App settings, Basic"),
        Field(name="verify_token", label="Verify token", secret=True, help="Any long text; give Meta the same"),
        Field(name="api_base", label="API address", default="https://graph.facebook.com"),
        Field(name="api_version", label="API version", default="v26.0"),
    )
    capabilities: ClassVar[Capabilities] = Capabilities(
        max_text=1000, size=octets, read_until=True, window=timedelta(hours=24), person_window=timedelta(days=7)
    )

    def __init__(self, settings: ChannelSettings, session: aiohttp.ClientSession) -> None:
        values, secrets = settings.values, settings.secrets
        self._id = settings.id
        self._account = values["account_id"]
        self._app_secret = secrets["app_secret"]
        self._verify_token = secrets["verify_token"]
        self._reader = MessagingReader(settings.id, "instagram", self._account, values["app_id"])
        self._session = session
        self._hosts = Hosts(URL(values["api_base"]), media=MEDIA_HOSTS)
        self._graph = Graph(values["api_base"], values["api_version"], secrets["access_token"], session, FAILURES)

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
        if not isinstance(body, dict) or body.get("object") != "instagram":
            raise Malformed("this isn't Instagram's: its object isn't instagram")
        return self._reader.read(body, request.at)

    async def send(self, message: Outbound) -> Sent:
        """Send text."""
        return await self._send(message, {"text": message.text})

    async def attach(self, message: Outbound, attachment: Attachment) -> Sent:
        """Have Instagram fetch a file from us and show it as what it is."""
        kind, most = TAKES.get(attachment.content.mime, ("", 0))
        if not kind or attachment.content.size > most * MEGABYTE or not attachment.link.startswith("https://"):
            raise Unfit("Instagram takes photos, videos, audio and PDFs, and fetches them from a public address")
        return await self._send(message, {"attachment": {"type": kind, "payload": {"url": attachment.link}}})

    def fetch(self, file: File) -> AbstractAsyncContextManager[Content]:
        """Fetch a file from Meta's own hosts, which want no token."""
        return fetch(self._session, file.ref, self._hosts)

    async def _send(self, message: Outbound, content: Mapping[str, object]) -> Sent:
        answer = await self._graph.post(
            "me/messages", {"recipient": {"id": message.peer}, **kind_of(message), "message": content}
        )
        if not isinstance(answer.get("message_id"), str):
            raise Uncertain("Meta's answer can't be read")
        return Sent(answer["message_id"])

    async def name_of(self, peer: str) -> str:
        """Ask what a customer is called."""
        answer = await self._graph.get(peer, fields="name,username")
        return clean(answer.get("name")) or clean(answer.get("username"))

    async def hook(self, url: str) -> None:
        """Have the account's events sent to the app."""
        await self._graph.post("me/subscribed_apps", {"subscribed_fields": ",".join(SUBSCRIBED)})

    async def probe(self) -> str:
        """Ask which account it is."""
        answer = await self._graph.get(self._account, fields="username")
        return f"@{answer.get('username', '?')}"

    async def close(self) -> None:
        """The shared client is closed by who opened it."""
