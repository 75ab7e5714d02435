"""A simulated WhatsApp Cloud API: the Graph API's own addresses over real HTTP, and customers who write to a number.

https://developers.facebook.com/docs/whatsapp/cloud-api
"""

import asyncio
import itertools
import time
from collections.abc import Callable
from typing import Any

from aiohttp import web

from sandbox.meta import post_signed, refuse, refused_proof, refused_token, write

Fault = Callable[[dict[str, Any]], web.Response | None]
"""Answers a call to send in Meta's place: given its body, None lets it through."""


LIMIT = "whatsapp_business_manager_messaging_limit"
MEGABYTE = 1024 * 1024
LARGEST = {"image": 5, "video": 16, "audio": 16, "document": 100, "sticker": 1}


class WhatsAppSandbox:
    """One business number; webhooks go to `webhook`, signed with `app_secret`.

    `closed` are the phones whose 24 hours are over, `templates` what Meta has approved (or not), `token_told` what it
    tells of the token, `expired` says that it has ended, and `cut_off` that Meta tells the app of nothing, whatever it
    asks for. With a `pin` the number isn't registered, until the app does it with that.
    """

    def __init__(self, *, number: str, account: str, access_token: str, app_secret: str) -> None:
        self.number = number
        self.numbers = [number]
        self.account = account
        self.access_token = access_token
        self.app_secret = app_secret
        self.webhook = ""
        self.standing = {"quality_rating": "GREEN", "status": "CONNECTED", LIMIT: "TIER_2K"}
        self.pin, self.tries = "", 0
        self.token_told: dict[str, Any] = {"is_valid": True, "expires_at": 0}
        self.sent: list[dict[str, Any]] = []
        self.expired = False
        self.cut_off = False
        self.fault: Fault | None = None
        self.drop_after = 0
        self.changed = asyncio.Event()
        self._ids = itertools.count(1)
        self.closed: set[str] = set()
        self.subscribed = False
        self.templates: list[dict[str, Any]] = []
        self.media: dict[str, tuple[str, bytes]] = {}
        self.app = web.Application(client_max_size=200 * MEGABYTE)
        self.app.router.add_post("/{version}/{number}/messages", self._send)
        self.app.router.add_post("/{version}/{number}/media", self._upload)
        self.app.router.add_post("/{version}/{number}/register", self._register)
        self.app.router.add_get("/{version}/{id}/message_templates", self._templates)
        self.app.router.add_post("/{version}/{id}/subscribed_apps", self._subscribe)
        self.app.router.add_get("/{version}/{id}/subscribed_apps", self._subscriptions)
        self.app.router.add_get("/{version}/{id}/phone_numbers", self._numbers)
        self.app.router.add_get("/{version}/{id}", self._get)
        self.app.router.add_get("/{version}/media/{id}", self._download)

    async def write(self, phone: str, name: str, text: str) -> str:
        """Have a customer write; gives the message's id."""
        return await self.send(phone, name, type="text", text={"body": text})

    async def send(self, phone: str, name: str, **content: Any) -> str:
        """Have a customer send a message of any kind; gives its id."""
        id_ = f"wamid.IN{next(self._ids)}"
        message: dict[str, Any] = {"from": phone, "id": id_, "timestamp": str(int(time.time())), **content}
        self.closed.discard(phone)
        contacts = [{"profile": {"name": name}, "wa_id": phone}]
        await self.deliver({"contacts": contacts, "messages": [message]})
        return id_

    async def status(self, sent: dict[str, Any], state: str, **more: Any) -> None:
        """Have the platform tell what became of a message of ours."""
        status = {
            "id": sent["id"],
            "status": state,
            "timestamp": str(int(time.time())),
            "recipient_id": str(sent.get("to", "")).lstrip("+"),
            "biz_opaque_callback_data": sent.get("biz_opaque_callback_data", ""),
            **more,
        }
        await self.deliver({"statuses": [status]})

    async def deliver(self, value: dict[str, Any]) -> int:
        """Deliver a webhook; gives its status, 0 where Meta tells nobody."""
        if self.cut_off:
            return 0
        metadata = {"display_phone_number": "46313900600", "phone_number_id": self.number}
        change = {"field": "messages", "value": {"messaging_product": "whatsapp", "metadata": metadata, **value}}
        body = {"object": "whatsapp_business_account", "entry": [{"id": self.account, "changes": [change]}]}
        return await post_signed(self.webhook, write(body), self.app_secret)

    def texts(self, phone: str) -> list[str]:
        """Say what a customer got, in order."""
        ours = [message for message in self.sent if message.get("to") == f"+{phone}"]
        return [str(message["text"]["body"]) for message in ours if "text" in message]

    def add_media(self, mime: str, content: bytes) -> str:
        """Keep a file; gives its id."""
        id_ = f"media{next(self._ids)}"
        self.media[id_] = (mime, content)
        return id_

    def attachments(self, phone: str) -> list[tuple[str, str, bytes]]:
        """Give the files that a customer got, in order: as what, by which name, and the content."""
        found = []
        for message in self.sent:
            kind = message["type"]
            if message.get("to") == f"+{phone}" and kind in LARGEST:
                found.append((kind, message[kind].get("filename", ""), self.media[message[kind]["id"]][1]))
        return found

    async def _upload(self, http: web.Request) -> web.Response:
        if (refused := self._refused(http)) is not None:
            return refused
        form = await http.post()
        file = form["file"]
        if form.get("messaging_product") != "whatsapp" or not isinstance(file, web.FileField):
            return refuse(100, "(#100) Invalid parameter")
        return web.json_response({"id": self.add_media(str(form["type"]), file.file.read())})

    async def _download(self, http: web.Request) -> web.Response:
        if refused_token(http, self.access_token, expired=self.expired) is not None:
            return web.Response(status=401)
        mime, content = self.media[http.match_info["id"]]
        return web.Response(body=content, content_type=mime)

    def add_template(self, name: str, language: str, text: str, *, status: str = "APPROVED") -> None:
        """Have a template, approved or not."""
        components = [{"type": "BODY", "text": text}]
        self.templates.append({"name": name, "language": language, "status": status, "components": components})

    async def _subscribe(self, http: web.Request) -> web.Response:
        if (refused := refused_token(http, self.access_token, expired=self.expired)) is not None:
            return refused
        if self.cut_off:
            return refuse(
                200, "(#200) Requires whatsapp_business_management permission to manage the object", status=403
            )
        self.subscribed = http.match_info["id"] == self.account
        return web.json_response({"success": self.subscribed})

    async def _subscriptions(self, http: web.Request) -> web.Response:
        if (refused := refused_token(http, self.access_token, expired=self.expired)) is not None:
            return refused
        app = {"whatsapp_business_api_data": {"id": "601", "name": "Gateway", "link": "https://example.com/"}}
        return web.json_response({"data": [app] if self.subscribed and not self.cut_off else []})

    async def _templates(self, http: web.Request) -> web.Response:
        if (refused := refused_token(http, self.access_token, expired=self.expired)) is not None:
            return refused
        if http.match_info["id"] != self.account:
            return refuse(100, "Unsupported get request", subcode=33)
        return web.json_response({"data": self.templates})

    async def _numbers(self, http: web.Request) -> web.Response:
        if (refused := refused_token(http, self.access_token, expired=self.expired)) is not None:
            return refused
        if http.match_info["id"] != self.account:
            return refuse(100, "Unsupported get request", subcode=33)
        return web.json_response({"data": [{"id": number} for number in self.numbers]})

    async def _get(self, http: web.Request) -> web.Response:
        if (refused := refused_token(http, self.access_token, expired=self.expired)) is not None:
            return refused
        if (refused := refused_proof(http, self.access_token, self.app_secret)) is not None:
            return refused
        id_ = http.match_info["id"]
        if id_ in self.media:
            url = f"http://{http.host}/{http.match_info['version']}/media/{id_}"
            return web.json_response({"id": id_, "url": url, "mime_type": self.media[id_][0]})
        if id_ == "debug_token":
            return web.json_response({"data": self.token_told})
        if id_ == "me":
            return web.json_response({"id": "901", "name": "Gateway"})
        if id_ != self.number:
            return refuse(100, "Unsupported get request", subcode=33)
        about = {"id": self.number, "display_phone_number": "+46 31 390 06 00", "verified_name": "Shop"}
        if LIMIT in http.query.get("fields", "") and LIMIT not in self.standing:
            return refuse(100, f"(#100) Tried accessing nonexisting field ({LIMIT})")
        registered = {"platform_type": "NOT_APPLICABLE" if self.pin else "CLOUD_API"}
        return web.json_response(about | self.standing | registered)

    async def _register(self, http: web.Request) -> web.Response:
        if (refused := self._refused(http)) is not None:
            return refused
        self.tries += 1
        if (await http.json()).get("pin") != self.pin:
            return refuse(133005, "Two step verification PIN mismatch")
        self.pin = ""
        return web.json_response({"success": True})

    async def _send(self, http: web.Request) -> web.Response:
        if (refused := self._refused(http)) is not None:
            return refused
        if self.pin:
            return refuse(133010, "The account is not registered")
        body = await http.json()
        if self.fault and (answer := self.fault(body)) is not None:
            return answer
        if (refused := self._limits(body)) is not None:
            return refused
        id_ = f"wamid.OUT{next(self._ids)}"
        self.sent.append({**body, "id": id_})
        self.changed.set()
        self.changed = asyncio.Event()
        if self.drop_after:
            self.drop_after -= 1
            if http.transport:
                http.transport.close()
        return web.json_response({"messaging_product": "whatsapp", "messages": [{"id": id_}]})

    def _limits(self, body: dict[str, Any]) -> web.Response | None:
        kind = body["type"]
        if kind == "template":
            wanted = (body["template"]["name"], body["template"]["language"]["code"])
            known = any((each["name"], each["language"]) == wanted for each in self.templates)
            return None if known else refuse(132001, "(#132001) Template name does not exist", status=404)
        if body.get("to", "").lstrip("+") in self.closed:
            return refuse(131047, "(#131047) Re-engagement message")
        if kind == "text" and len(body["text"]["body"]) > 4096:
            return refuse(100, "(#100) Param text['body'] must be at most 4096 characters long.")
        if kind in LARGEST and body[kind].get("id") not in self.media:
            return refuse(131009, "(#131009) Parameter value is not valid")
        if kind in LARGEST and len(self.media[body[kind]["id"]][1]) > LARGEST[kind] * MEGABYTE:
            return refuse(131053, "(#131053) Media upload error")
        return None

    def _refused(self, http: web.Request) -> web.Response | None:
        if (refused := refused_token(http, self.access_token, expired=self.expired)) is not None:
            return refused
        if http.match_info["number"] != self.number:
            return refuse(100, "Unsupported post request", subcode=33)
        return None
