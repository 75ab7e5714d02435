"""A simulated Messenger or Instagram: the Graph API's own addresses over real HTTP, and people who write to an account.

https://developers.facebook.com/docs/messenger-platform
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

LONGEST = {"page": lambda text: len(text) <= 2000, "instagram": lambda text: len(text.encode()) <= 1000}
CLOSED = {"page": 2018278, "instagram": 2534022}


class MessagingSandbox:
    """One Page (`page`) or Instagram account (`instagram`); webhooks go to `webhook`, signed with `app_secret`.

    `names` are what people are called, `closed` those whose window is over: only a person's answer goes to them, with
    the tag HUMAN_AGENT. `echoes` says that the platform tells what was sent.
    """

    def __init__(self, object_: str, *, account: str, app: str, access_token: str, app_secret: str) -> None:
        self.object = object_
        self.account = account
        self.app_id = app
        self.access_token = access_token
        self.app_secret = app_secret
        self.webhook = ""
        self.base = ""
        self.sent: list[dict[str, Any]] = []
        self.subscribed: list[str] = []
        self.names: dict[str, str] = {}
        self.pictures: dict[str, str] = {}
        self.closed: set[str] = set()
        self.echoes = True
        self.expired = False
        self.cut_off = False
        self.fault: Fault | None = None
        self.drop_after = 0
        self.changed = asyncio.Event()
        self._ids = itertools.count(1)
        self.media: dict[str, bytes] = {}
        self.app = web.Application(client_max_size=200 * 1024 * 1024)
        self.app.router.add_get("/cdn/{id}", self._download)
        for account in (self.account, "me"):
            self.app.router.add_post(f"/{{version}}/{account}/messages", self._send)
            self.app.router.add_post(f"/{{version}}/{account}/subscribed_apps", self._subscribe)
            self.app.router.add_get(f"/{{version}}/{account}/subscribed_apps", self._subscriptions)
            self.app.router.add_post(f"/{{version}}/{account}/message_attachments", self._upload)
        self.app.router.add_get("/{version}/{id}", self._get)

    async def write(self, person: str, text: str = "", **content: Any) -> str:
        """Have a person write; gives the message's id."""
        mid = f"m_in{next(self._ids)}"
        message = {"mid": mid, **({"text": text} if text else {}), **content}
        self.closed.discard(person)
        await self.tell(person, message=message)
        return mid

    async def tell(self, person: str, **item: Any) -> int:
        """Deliver what a person did; gives the status."""
        return await self.deliver({"sender": {"id": person}, "recipient": {"id": self.account}, **item})

    async def deliver(self, *items: dict[str, Any]) -> int:
        """Deliver items in one webhook; gives its status, 0 where Meta tells nobody."""
        if self.cut_off:
            return 0
        now = int(time.time() * 1000)
        entry = {"id": self.account, "time": now, "messaging": [{"timestamp": now, **item} for item in items]}
        return await post_signed(self.webhook, write({"object": self.object, "entry": [entry]}), self.app_secret)

    async def read(self, person: str) -> None:
        """Have a person read all that was sent to them."""
        if self.object == "page":
            await self.tell(person, read={"watermark": int(time.time() * 1000)})
        else:
            last = next(each for each in reversed(self.sent) if each["recipient"]["id"] == person)
            await self.tell(person, read={"mid": last["mid"]})

    async def answer_elsewhere(self, person: str, text: str) -> None:
        """Have somebody answer in Meta's own inbox."""
        message = {"mid": f"m_else{next(self._ids)}", "is_echo": True, "app_id": 263902037430900, "text": text}
        await self.deliver({"sender": {"id": self.account}, "recipient": {"id": person}, "message": message})

    def add_media(self, content: bytes) -> str:
        """Keep a file; gives its id, and it is at `/cdn/<id>`."""
        id_ = f"media{next(self._ids)}"
        self.media[id_] = content
        return id_

    def attachments(self, person: str) -> list[tuple[str, Any]]:
        """Give the files that a person got, in order: as what, and the content, or the address it is fetched from."""
        ours = [each["message"] for each in self.sent if each["recipient"]["id"] == person]
        found = [each["attachment"] for each in ours if "attachment" in each]
        return [
            (each["type"], self.media.get(each["payload"].get("attachment_id"), each["payload"].get("url")))
            for each in found
        ]

    async def _upload(self, http: web.Request) -> web.Response:
        if (refused := refused_token(http, self.access_token, expired=self.expired)) is not None:
            return refused
        form = await http.post()
        file = form["filedata"]
        if not isinstance(file, web.FileField):
            return refuse(100, "(#100) Incorrect number of files uploaded. Must upload exactly one file.")
        content = file.file.read()
        if len(content) > 25 * 1024 * 1024:
            return refuse(100, "(#100) File is too large", subcode=2018047)
        return web.json_response({"attachment_id": self.add_media(content)})

    async def _download(self, http: web.Request) -> web.Response:
        if "Authorization" in http.headers:
            return web.Response(status=400, text="a token was sent where none belongs")
        return web.Response(body=self.media[http.match_info["id"]])

    def texts(self, person: str) -> list[str]:
        """Say what a person got, in order."""
        ours = [each["message"] for each in self.sent if each["recipient"]["id"] == person]
        return [str(each["text"]) for each in ours if "text" in each]

    async def _send(self, http: web.Request) -> web.Response:
        if (refused := refused_token(http, self.access_token, expired=self.expired)) is not None:
            return refused
        body = await http.json()
        if self.fault and (answer := self.fault(body)) is not None:
            return answer
        if (refused := self._limits(body)) is not None:
            return refused
        mid = f"m_out{next(self._ids)}"
        self.sent.append({**body, "mid": mid})
        self.changed.set()
        self.changed = asyncio.Event()
        if self.echoes:
            await self._echo(body, mid)
        if self.drop_after:
            self.drop_after -= 1
            if http.transport:
                http.transport.close()
        return web.json_response({"recipient_id": body["recipient"]["id"], "message_id": mid})

    def _limits(self, body: dict[str, Any]) -> web.Response | None:
        message = body["message"]
        if not LONGEST[self.object](message.get("text", "")):
            return refuse(100, "(#100) Length of param message[text] must be less than or equal to the limit")
        person = body["recipient"]["id"]
        if person in self.closed and body.get("tag") != "HUMAN_AGENT":
            return refuse(10, "(#10) This message is sent outside of allowed window.", subcode=CLOSED[self.object])
        return None

    async def _echo(self, body: dict[str, Any], mid: str) -> None:
        """Tell what was sent, before the call is answered: Meta may."""
        person = body["recipient"]["id"]
        message = {**body["message"], "mid": mid, "is_echo": True, "app_id": int(self.app_id)}
        await self.deliver({"sender": {"id": self.account}, "recipient": {"id": person}, "message": message})

    async def _subscribe(self, http: web.Request) -> web.Response:
        if (refused := refused_token(http, self.access_token, expired=self.expired)) is not None:
            return refused
        if self.cut_off:
            return refuse(200, "(#200) Requires pages_manage_metadata permission to manage the object", status=403)
        self.subscribed = str((await http.json())["subscribed_fields"]).split(",")
        return web.json_response({"success": True})

    async def _subscriptions(self, http: web.Request) -> web.Response:
        if (refused := refused_token(http, self.access_token, expired=self.expired)) is not None:
            return refused
        app = {"id": self.app_id, "name": "Gateway", "subscribed_fields": self.subscribed}
        return web.json_response({"data": [app] if self.subscribed and not self.cut_off else []})

    async def _get(self, http: web.Request) -> web.Response:
        if (refused := refused_token(http, self.access_token, expired=self.expired)) is not None:
            return refused
        if (refused := refused_proof(http, self.access_token, self.app_secret)) is not None:
            return refused
        asked = http.match_info["id"]
        if asked in (self.account, "me"):
            return web.json_response({"id": self.account, "name": "Shop", "username": "shop"})
        name = self.names.get(asked)
        if name is None:
            return refuse(100, "Unsupported get request. Object does not exist", subcode=33)
        first, _, last = name.partition(" ")
        about = {"name": name, "first_name": first, "last_name": last, "profile_pic": self.pictures.get(asked, "")}
        wanted = http.query.get("fields", "").split(",")
        return web.json_response(
            {"id": asked} | {field: told for field, told in about.items() if field in wanted and told}
        )
