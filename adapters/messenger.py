"""A Facebook Page that customers write to on Messenger. https://developers.facebook.com/docs/messenger-platform"""

import contextlib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import ClassVar

import aiohttp
import msgspec

from adapters.contract import (
    Attachment,
    Capabilities,
    Failure,
    Outbound,
    Question,
    Rejected,
    Sent,
    Unauthorised,
    Unfit,
    Unreachable,
    WindowClosed,
)
from adapters.http import clean
from adapters.meta import APP_ID, COMMON_FIELDS, MEGABYTE, Failures, NotMeta
from adapters.meta_messaging import MessagingChannel
from config.credentials import Field, token_field
from config.settings import ChannelSettings

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


class Messenger(MessagingChannel):
    """A Facebook Page; `session` carries its calls."""

    kind: ClassVar[str] = "messenger"
    fields: ClassVar[tuple[Field, ...]] = (
        Field(
            name="page_id", label="Page ID", where="The Page: About, Page transparency", pattern=r"\d+", looks="digits"
        ),
        APP_ID,
        token_field(
            "page_access_token",
            "Page access token",
            where="Meta app dashboard: Messenger, API settings, Generate token",
            looks="one word without spaces, such as EAAG…",
        ),
        *COMMON_FIELDS,
    )
    # Meta's limit is 2,000 and doesn't say of what.
    named_by: ClassVar[str] = "page_id"
    capabilities: ClassVar[Capabilities] = Capabilities(
        max_text=1900, receipts=True, read_until=True, window=timedelta(hours=24), person_window=timedelta(days=7)
    )

    def __init__(self, settings: ChannelSettings, session: aiohttp.ClientSession) -> None:
        super().__init__(
            settings, session, object_="page", account="page_id", access="page_access_token", failures=FAILURES
        )
        self.subscriptions = f"{self._account}/subscribed_apps"

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
        uploaded = await self._graph.upload(f"{self._account}/message_attachments", fields, "filedata", attachment)
        return await self._send(message, {"attachment": {"type": kind, "payload": {"attachment_id": uploaded}}})

    async def _send(self, message: Outbound, content: Mapping[str, object]) -> Sent:
        named = {**content, "metadata": f"{message.order}@{message.mailbox}"}
        return await self.deliver(f"{self._account}/messages", message, named)

    async def name_of(self, peer: str) -> str:
        """Ask what a customer is called."""
        answer = await self._graph.get(peer, fields="first_name,last_name")
        return " ".join(filter(None, (clean(answer.get("first_name")), clean(answer.get("last_name")))))

    async def hook(self, url: str) -> None:
        """Have the Page's events sent to the app; Meta takes a Page off after an hour of failures."""
        await self._graph.post(self.subscriptions, {"subscribed_fields": ",".join(SUBSCRIBED)})

    def questions(self) -> Sequence[Question]:
        """Add what Meta can be asked about the Page."""
        access = "page_access_token"
        return (*super().questions(), Question("page_id", (access, "page_id"), self._ask_about_page))

    async def _ask_about_page(self) -> str:
        """Ask which Page it is, and whether the token is that Page's own."""
        answer = await self.ask_about(self._account, "page_id", fields="id,name")
        whose: Mapping[str, object] = {}
        with contextlib.suppress(NotMeta):
            whose = await self.ask_about("me", "page_access_token", fields="id,name")
        if whose.get("id") not in (None, self._account):
            raise Unauthorised(
                f"page_access_token is that of {clean(whose.get('name'))} ({clean(whose.get('id'))}), not the Page's",
                "Make a token for the Page: Meta app dashboard, Messenger, API settings.",
                "page_access_token",
            )
        return f"{answer.get('name', '?')} (Page {answer.get('id', '?')})"
