"""A WhatsApp number on Meta's Cloud API. https://developers.facebook.com/docs/whatsapp/cloud-api"""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import ClassVar

import aiohttp
from yarl import URL

from adapters.contract import (
    Attachment,
    Capabilities,
    Content,
    Malformed,
    Outbound,
    Question,
    Request,
    SendError,
    Sent,
    Unauthorised,
    Unavailable,
    Uncertain,
    Unfit,
)
from adapters.http import clean, read_json
from adapters.media import Hosts, fetch
from adapters.meta import COMMON_FIELDS, MEGABYTE, OCTETS, MetaChannel, NotMeta
from adapters.whatsapp_updates import FAILURES, WhatsAppReader, region_of
from config.credentials import NO_SECRET, Field, token_field
from config.settings import ChannelSettings
from routing.contents import File, Template
from routing.events import Event

TAKES = {
    "image/jpeg": ("image", 5),
    "image/png": ("image", 5),
    "video/mp4": ("video", 16),
    "video/3gpp": ("video", 16),
    "audio/aac": ("audio", 16),
    "audio/amr": ("audio", 16),
    "audio/mpeg": ("audio", 16),
    "audio/mp4": ("audio", 16),
    "audio/x-m4a": ("audio", 16),
    "audio/ogg": ("audio", 16),
}
"""What WhatsApp shows as what, and up to how many MB; anything else, and what is larger, is a document."""

DOCUMENT = ("document", 100)


LOW = ("YELLOW", "RED")
LIMIT = "whatsapp_business_manager_messaging_limit"
"""The field of how many people the business may write to first within 24 hours."""

TROUBLED = ("BANNED", "RESTRICTED", "RATE_LIMITED", "FLAGGED", "DISCONNECTED", "DELETED")
"""What Meta may think of a number, of which an admin should know."""


class WhatsApp(MetaChannel):
    """A WhatsApp business number; `session` carries its calls."""

    kind: ClassVar[str] = "whatsapp"
    fields: ClassVar[tuple[Field, ...]] = (
        Field(
            name="phone_number_id",
            label="Phone number ID",
            where="Meta app dashboard: WhatsApp, API setup",
            pattern=r"\d+",
            looks="digits, and not the phone number itself",
        ),
        Field(
            name="business_account_id",
            label="WhatsApp Business Account ID",
            where="Meta app dashboard: WhatsApp, API setup",
            pattern=r"\d+",
            looks="digits",
        ),
        token_field(
            "access_token",
            "Access token",
            where="Meta business settings: System users, Generate token",
            help="A system user's, which doesn't end",
            looks="one word without spaces, such as EAAG…",
        ),
        *COMMON_FIELDS,
        Field(
            name="pin",
            label="Two-step PIN",
            secret=True,
            default="",
            where="WhatsApp Manager: the number, Two-step verification",
            help="For a number that isn't registered yet, which the gateway does; any six digits where it has none",
            pattern=r"\d{6}",
            looks="six digits",
        ),
    )
    named_by: ClassVar[str] = "phone_number_id"
    needed_scopes: ClassVar[tuple[str, ...]] = ("whatsapp_business_messaging", "whatsapp_business_management")
    capabilities: ClassVar[Capabilities] = Capabilities(max_text=4096, receipts=True, window=timedelta(hours=24))

    def __init__(self, settings: ChannelSettings, session: aiohttp.ClientSession) -> None:
        super().__init__(settings, session, access="access_token", failures=FAILURES)
        self._number = settings.values["phone_number_id"]
        self._account = settings.values["business_account_id"]
        self.subscriptions = f"{self._account}/subscribed_apps"
        self._reader = WhatsAppReader(settings.id, self._number, self._account)
        self._unregistered = "the number isn't registered, so nothing goes or comes: give the channel its pin"
        self._pin = settings.secrets.get("pin", NO_SECRET).reveal()
        token = settings.secrets["access_token"].reveal()
        self._hosts = Hosts(
            URL(settings.values["api_base"]),
            media=("fbcdn.net",),
            trusted=("graph.facebook.com", "fbsbx.com"),
            headers={"Authorization": f"Bearer {token}"},
        )

    def parse(self, request: Request) -> Sequence[Event]:
        """Read messages and statuses."""
        body = read_json(request.body)
        if not isinstance(body, dict) or body.get("object") != "whatsapp_business_account":
            raise Malformed("this isn't WhatsApp's: its object isn't whatsapp_business_account")
        return self._reader.read(body, request.at)

    def region(self, peer: str) -> str:
        """Read it from a phone number, or from a business-scoped id."""
        return region_of(peer)

    async def send(self, message: Outbound) -> Sent:
        """Send text; the order comes back with each status of it."""
        return await self._send(message, "text", {"body": message.text, "preview_url": False})

    async def attach(self, message: Outbound, attachment: Attachment) -> Sent:
        """Upload a file and send it as what it is."""
        kind, most = TAKES.get(attachment.content.mime, DOCUMENT)
        if attachment.content.size > most * MEGABYTE:
            kind, most = DOCUMENT
        if attachment.content.size > most * MEGABYTE:
            raise Unfit(f"WhatsApp takes files of at most {most} MB")
        mime = attachment.content.mime or OCTETS
        fields = {"messaging_product": "whatsapp", "type": mime}
        media = await self._graph.upload(f"{self._number}/media", fields, "file", attachment)
        named = {"filename": attachment.name} if kind == "document" else {}
        return await self._send(message, kind, {"id": media, **named})

    async def templates(self) -> Sequence[Template]:
        """Give the approved templates that need nothing but text."""
        fields = "name,language,status,components"
        answer = await self._graph.get(f"{self._account}/message_templates", fields=fields, limit="100")
        found = [_template(each) for each in answer.get("data") or () if isinstance(each, dict)]
        return [each for each in found if each is not None]

    async def send_template(self, message: Outbound, template: Template) -> Sent:
        """Send a template with its values."""
        parameters = [{"type": "text", "text": value} for value in template.values]
        components = [{"type": "body", "parameters": parameters}] if parameters else []
        content = {"name": template.name, "language": {"code": template.language}, "components": components}
        return await self._send(message, "template", content)

    @asynccontextmanager
    async def fetch(self, file: File) -> AsyncIterator[Content]:
        """Ask where a file is, which holds for five minutes, and fetch it with the token."""
        try:
            answer = await self._graph.get(file.ref, phone_number_id=self._number)
        except Uncertain as error:
            raise Unavailable(str(error)) from error
        async with fetch(self._session, clean(answer.get("url")), self._hosts) as content:
            yield content

    async def _send(self, message: Outbound, kind: str, content: Mapping[str, object]) -> Sent:
        digits = message.peer.isdecimal()
        body = {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            ("to" if digits else "recipient"): f"+{message.peer}" if digits else message.peer,
            "type": kind,
            kind: content,
            "biz_opaque_callback_data": f"{message.order}@{message.mailbox}"[:512],
        }
        answer = await self._graph.post(f"{self._number}/messages", body)
        try:
            return Sent(str(answer["messages"][0]["id"]))
        except (KeyError, IndexError, TypeError) as error:
            raise Uncertain("Meta's answer can't be read") from error

    async def hook(self, url: str) -> None:
        """Have the account's events sent to the app; which address it calls is set in Meta's dashboard."""
        await self._graph.post(self.subscriptions, {})
        if self._pin and not await self._is_registered():
            await self._register()

    async def _register(self) -> None:
        """Register the number: once, as after ten wrong PINs Meta takes none for three days."""
        pin, self._pin = self._pin, ""
        try:
            await self._graph.post(f"{self._number}/register", {"messaging_product": "whatsapp", "pin": pin})
        except Unavailable:
            self._pin = pin
            raise
        except SendError as error:
            self._unregistered = f"the number isn't registered: {error}. {error.advice}".rstrip(". ")
            raise

    async def _is_registered(self) -> bool:
        told = await self._graph.get(self._number, fields="platform_type")
        return told.get("platform_type") != "NOT_APPLICABLE"

    async def _numbers(self) -> Sequence[str]:
        with contextlib.suppress(NotMeta):
            told = await self.ask_about(
                self._account, "business_account_id", "/phone_numbers", fields="id", limit="1000"
            )
            return [str(each.get("id")) for each in told.get("data") or () if isinstance(each, dict)]
        return []

    def questions(self) -> Sequence[Question]:
        """Add what Meta can be asked about the account and the number."""
        access, number, account = "access_token", "phone_number_id", "business_account_id"
        return (
            *super().questions(),
            Question(number, (access, number), self._ask_about_number),
            Question(account, (access, account, number), self._ask_about_account),
        )

    async def _ask_about_account(self) -> str:
        """Ask whether the number is the account's: what comes for another's isn't ours."""
        numbers = await self._numbers()
        if numbers and self._number not in numbers:
            raise Unauthorised(
                f"the account {self._account} has no number {self._number}",
                f"Check phone_number_id and business_account_id: the account has {', '.join(numbers[:5])}.",
                "phone_number_id",
            )
        return f"an account with {len(numbers)} number{'' if len(numbers) == 1 else 's'}"

    async def _ask_about_number(self) -> str:
        about = "display_phone_number,verified_name"
        answer = await self.ask_about(self._number, "phone_number_id", fields=about)
        stands = await self._see_how_it_stands()
        return f"{answer.get('display_phone_number', '?')} ({answer.get('verified_name', '?')}){stands}"

    async def _see_how_it_stands(self) -> str:
        """Note what Meta thinks of the number, and say what it allows.

        Asked apart from what names the number, as a field that a version doesn't know fails a call.
        """
        told: Mapping[str, object] = {}
        for fields in (f"quality_rating,status,{LIMIT}", "quality_rating,status"):
            with contextlib.suppress(SendError):
                told = await self._graph.get(self._number, fields=fields)
                break
        quality, status = clean(told.get("quality_rating")), clean(told.get("status"))
        concerns = [f"Meta rates the number's quality {quality}: fewer messages may be sent"] if quality in LOW else []
        if status in TROUBLED:
            concerns.append(f"the number is {status}: look at it in Meta's WhatsApp manager")
        with contextlib.suppress(SendError):
            if not await self._is_registered():
                concerns.append(self._unregistered)
        self.concerns = concerns
        tier = clean(told.get(LIMIT)).removeprefix("TIER_")
        limit = "any number of" if tier == "UNLIMITED" else tier
        return f", quality {quality}, may begin with {limit} people a day" if quality and limit else ""


def _template(it: Mapping[str, object]) -> Template | None:
    """Read a template; one with a picture, or a link that wants a value, can't be sent from a thread."""
    parts = it.get("components")
    if it.get("status") != "APPROVED" or not isinstance(parts, list):
        return None
    components = [part for part in parts if isinstance(part, dict)]
    body = next((clean(part.get("text")) for part in components if part.get("type") == "BODY"), "")
    others = [part for part in components if part.get("type") != "BODY"]
    if not body or "{{" in str(others) or any(part.get("format", "TEXT") != "TEXT" for part in others):
        return None
    return Template(name=clean(it.get("name")), language=clean(it.get("language")), text=body)
