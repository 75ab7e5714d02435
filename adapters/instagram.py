"""An Instagram professional account that customers write to. https://developers.facebook.com/docs/messenger-platform/instagram

`api_base` says how the account is linked: through its Facebook Page (graph.facebook.com), or by Instagram Login
(graph.instagram.com).
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar

import aiohttp

from adapters.contract import (
    Attachment,
    Capabilities,
    Failure,
    Outbound,
    Question,
    Sent,
    Unfit,
    Unreachable,
    WindowClosed,
)
from adapters.http import clean
from adapters.meta import APP_ID, COMMON_FIELDS, MEGABYTE, Failures
from adapters.meta_messaging import MessagingChannel
from adapters.text import octets
from config.credentials import Field, token_field
from config.settings import ChannelSettings

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


class Instagram(MessagingChannel):
    """An Instagram account; `session` carries its calls."""

    kind: ClassVar[str] = "instagram"
    subscriptions = "me/subscribed_apps"
    fields: ClassVar[tuple[Field, ...]] = (
        Field(
            name="account_id",
            label="Instagram account ID",
            where="Meta app dashboard: Instagram, API setup",
            pattern=r"\d+",
            looks="digits",
        ),
        APP_ID,
        token_field(
            "access_token",
            "Access token",
            where="Meta app dashboard: Instagram, API setup, Generate token",
            looks="one word without spaces, such as EAAG… or IGAA…",
        ),
        *COMMON_FIELDS,
    )
    named_by: ClassVar[str] = "account_id"
    capabilities: ClassVar[Capabilities] = Capabilities(
        max_text=1000, size=octets, read_until=True, window=timedelta(hours=24), person_window=timedelta(days=7)
    )

    def __init__(self, settings: ChannelSettings, session: aiohttp.ClientSession) -> None:
        super().__init__(
            settings, session, object_="instagram", account="account_id", access="access_token", failures=FAILURES
        )

    async def send(self, message: Outbound) -> Sent:
        """Send text."""
        return await self.deliver("me/messages", message, {"text": message.text})

    async def attach(self, message: Outbound, attachment: Attachment) -> Sent:
        """Have Instagram fetch a file from us and show it as what it is."""
        kind, most = TAKES.get(attachment.content.mime, ("", 0))
        if not kind or attachment.content.size > most * MEGABYTE or not attachment.link.startswith("https://"):
            raise Unfit("Instagram takes photos, videos, audio and PDFs, and fetches them from a public address")
        content = {"attachment": {"type": kind, "payload": {"url": attachment.link}}}
        return await self.deliver("me/messages", message, content)

    async def name_of(self, peer: str) -> str:
        """Ask what a customer is called."""
        answer = await self._graph.get(peer, fields="name,username")
        return clean(answer.get("name")) or clean(answer.get("username"))

    async def hook(self, url: str) -> None:
        """Have the account's events sent to the app."""
        await self._graph.post(self.subscriptions, {"subscribed_fields": ",".join(SUBSCRIBED)})

    def questions(self) -> Sequence[Question]:
        """Add what Meta can be asked about the account."""
        about = Question("account_id", ("access_token", "account_id"), self._ask_about_account)
        return (*super().questions(), about)

    async def _ask_about_account(self) -> str:
        """Ask which account it is."""
        answer = await self.ask_about(self._account, "account_id", fields="username")
        return f"@{answer.get('username', '?')}"
