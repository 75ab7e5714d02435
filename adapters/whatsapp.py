"""A WhatsApp number on Meta's Cloud API. https://developers.facebook.com/docs/whatsapp/cloud-api"""

from collections.abc import Sequence
from typing import ClassVar

import aiohttp

from adapters.contract import (
    Capabilities,
    Malformed,
    Outbound,
    Request,
    Sent,
    Uncertain,
)
from adapters.http import read_json
from adapters.meta import Graph, answer_challenge, check_signature
from adapters.whatsapp_updates import FAILURES, WhatsAppReader
from config.credentials import Field
from config.settings import ChannelSettings
from routing.messages import Event


class WhatsApp:
    """A WhatsApp business number; `session` carries its calls."""

    kind: ClassVar[str] = "whatsapp"
    fields: ClassVar[tuple[Field, ...]] = (
        Field(name="phone_number_id", label="Phone number ID", help="Meta app dashboard: WhatsApp, API setup"),
        Field(name="business_account_id", label="WhatsApp Business Account ID", help="On the same page"),
        Field(name="access_token", label="Access token", secret=True, help="A system user's permanent token"),
        Field(name="app_secret", label="App secret", secret=True, help="Meta app dashboard: App settings, Basic"),
        Field(name="verify_token", label="Verify token", secret=True, help="Any long text; give Meta the same"),
        Field(name="api_base", label="API address", default="https://graph.facebook.com"),
        Field(name="api_version", label="API version", default="v26.0"),
    )
    capabilities: ClassVar[Capabilities] = Capabilities(max_text=4096, receipts=True)

    def __init__(self, settings: ChannelSettings, session: aiohttp.ClientSession) -> None:
        self._id = settings.id
        self._number = settings.values["phone_number_id"]
        self._app_secret = settings.secrets["app_secret"]
        self._verify_token = settings.secrets["verify_token"]
        self._reader = WhatsAppReader(settings.id, self._number, settings.values["business_account_id"])
        self._graph = Graph(
            settings.values["api_base"],
            settings.values["api_version"],
            settings.secrets["access_token"],
            session,
            FAILURES,
        )

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
        """Read messages and statuses."""
        body = read_json(request.body)
        if not isinstance(body, dict) or body.get("object") != "whatsapp_business_account":
            raise Malformed("this isn't WhatsApp's: its object isn't whatsapp_business_account")
        return self._reader.read(body, request.at)

    async def send(self, message: Outbound) -> Sent:
        """Send text; the order comes back with each status of it."""
        digits = message.peer.isdecimal()
        body = {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            ("to" if digits else "recipient"): f"+{message.peer}" if digits else message.peer,
            "type": "text",
            "text": {"body": message.text, "preview_url": False},
            "biz_opaque_callback_data": f"{message.order}@{message.mailbox}"[:512],
        }
        answer = await self._graph.post(f"{self._number}/messages", body)
        try:
            return Sent(str(answer["messages"][0]["id"]))
        except (KeyError, IndexError, TypeError) as error:
            raise Uncertain("Meta's answer can't be read") from error

    async def probe(self) -> str:
        """Ask which number it is."""
        answer = await self._graph.get(self._number, fields="display_phone_number,verified_name")
        return f"{answer.get('display_phone_number', '?')} ({answer.get('verified_name', '?')})"

    async def close(self) -> None:
        """The shared client is closed by who opened it."""
