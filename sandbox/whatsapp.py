"""A simulated WhatsApp Cloud API: the Graph API's own addresses over real HTTP, and customers who write to a number.

https://developers.facebook.com/docs/whatsapp/cloud-api
"""

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

from aiohttp import web

from sandbox.meta import post_signed, refuse, refused_token, write

Fault = Callable[[dict[str, Any]], web.Response | None]
"""Answers a call to send in Meta's place: given its body, None lets it through."""


class WhatsAppSandbox:
    """One business number; webhooks go to `webhook`, signed with `app_secret`."""

    def __init__(self, *, number: str, account: str, access_token: str, app_secret: str) -> None:
        self.number = number
        self.account = account
        self.access_token = access_token
        self.app_secret = app_secret
        self.webhook = ""
        self.sent: list[dict[str, Any]] = []
        self.fault: Fault | None = None
        self.drop_after = 0
        self.changed = asyncio.Event()
        self._ids = itertools.count(1)
        self.app = web.Application()
        self.app.router.add_post("/{version}/{number}/messages", self._send)
        self.app.router.add_get("/{version}/{number}", self._number)

    async def write(self, phone: str, name: str, text: str) -> str:
        """Have a customer write; gives the message's id."""
        return await self.send(phone, name, type="text", text={"body": text})

    async def send(self, phone: str, name: str, **content: Any) -> str:
        """Have a customer send a message of any kind; gives its id."""
        id_ = f"wamid.IN{next(self._ids)}"
        message = {"from": phone, "id": id_, "timestamp": str(1_794_268_000 + next(self._ids)), **content}
        contacts = [{"profile": {"name": name}, "wa_id": phone}]
        await self.deliver({"contacts": contacts, "messages": [message]})
        return id_

    async def status(self, sent: dict[str, Any], state: str, **more: Any) -> None:
        """Have the platform tell what became of a message of ours."""
        status = {
            "id": sent["id"],
            "status": state,
            "timestamp": "1794270000",
            "recipient_id": str(sent.get("to", "")).lstrip("+"),
            "biz_opaque_callback_data": sent.get("biz_opaque_callback_data", ""),
            **more,
        }
        await self.deliver({"statuses": [status]})

    async def deliver(self, value: dict[str, Any]) -> int:
        """Deliver a webhook; gives its status."""
        metadata = {"display_phone_number": "46313900600", "phone_number_id": self.number}
        change = {"field": "messages", "value": {"messaging_product": "whatsapp", "metadata": metadata, **value}}
        body = {"object": "whatsapp_business_account", "entry": [{"id": self.account, "changes": [change]}]}
        return await post_signed(self.webhook, write(body), self.app_secret)

    def texts(self, phone: str) -> list[str]:
        """Say what a customer got, in order."""
        return [str(message["text"]["body"]) for message in self.sent if message.get("to") == f"+{phone}"]

    async def _number(self, http: web.Request) -> web.Response:
        if (refused := self._refused(http)) is not None:
            return refused
        return web.json_response(
            {"id": self.number, "display_phone_number": "+46 31 390 06 00", "verified_name": "Shop"}
        )

    async def _send(self, http: web.Request) -> web.Response:
        if (refused := self._refused(http)) is not None:
            return refused
        body = await http.json()
        if self.fault and (answer := self.fault(body)) is not None:
            return answer
        id_ = f"wamid.OUT{next(self._ids)}"
        self.sent.append({**body, "id": id_})
        self.changed.set()
        self.changed = asyncio.Event()
        if self.drop_after:
            self.drop_after -= 1
            if http.transport:
                http.transport.close()
        return web.json_response({"messaging_product": "whatsapp", "messages": [{"id": id_}]})

    def _refused(self, http: web.Request) -> web.Response | None:
        if (refused := refused_token(http, self.access_token)) is not None:
            return refused
        if http.match_info["number"] != self.number:
            return refuse(100, "Unsupported post request", subcode=33)
        return None
