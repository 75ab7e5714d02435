"""A simulated Telegram: the Bot API's own addresses over real HTTP, and customers who write to a bot.

https://core.telegram.org/bots/api
"""

import asyncio
import itertools
import json
import time
from collections.abc import Callable
from typing import Any

import aiohttp
from aiohttp import web

Fault = Callable[[str, dict[str, str]], web.Response | None]
"""Answers a call in the platform's place: given the method and its fields, None lets it through."""


MEGABYTE = 1024 * 1024
SENDS = {
    "sendPhoto": "photo",
    "sendVideo": "video",
    "sendAudio": "audio",
    "sendVoice": "voice",
    "sendAnimation": "animation",
    "sendDocument": "document",
}


class TelegramSandbox:
    """One bot, its chats, and what was sent to them."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.sent: list[dict[str, Any]] = []
        self.chats: dict[int, list[dict[str, Any]]] = {}
        self.calls: list[tuple[str, dict[str, str]]] = []
        self.fault: Fault | None = None
        self.drop_before: set[str] = set()
        self.drop_after: set[str] = set()
        self.picture = ""
        self.pictures: dict[str, str] = {}
        self.webhook: str = ""
        self.secret: str = ""
        self.changed = asyncio.Event()
        self._updates: list[dict[str, Any]] = []
        self._rival = False
        self._update_ids = itertools.count(1000)
        self._message_ids = itertools.count(1)
        self.files: dict[str, bytes] = {}
        self.app = web.Application(client_max_size=200 * MEGABYTE)
        self.cut_uploads = 0
        self.app.router.add_route("*", "/bot{token}/{method}", self._call)
        self.app.router.add_get("/file/bot{token}/{path:.+}", self._download)

    def customer(self, chat: int, name: str, *, language: str = "") -> "TelegramCustomer":
        """Give a person who writes to the bot."""
        return TelegramCustomer(self, chat, name, language)

    async def update(self, kind: str, body: dict[str, Any]) -> int:
        """Have something happen; it is delivered by the webhook, or waits for the next poll. Gives the update's id."""
        id_ = next(self._update_ids)
        await self.deliver({"update_id": id_, kind: body})
        return id_

    async def deliver(self, update: dict[str, Any]) -> int:
        """Deliver an update; gives the webhook's status, 0 where it waits for a poll."""
        if not self.webhook:
            self._updates.append(update)
            self._ring()
            return 0
        headers = {"X-Telegram-Bot-Api-Secret-Token": self.secret} if self.secret else {}
        while True:
            async with (
                aiohttp.ClientSession() as session,
                session.post(self.webhook, json=update, headers=headers) as answer,
            ):
                if answer.status < 500:
                    return answer.status
            await asyncio.sleep(0.1)

    def message_id(self) -> int:
        """Give the next message's id."""
        return next(self._message_ids)

    def texts(self, chat: int) -> list[str]:
        """Say what a chat got, in order."""
        return [message["text"] for message in self.sent if message["chat"]["id"] == chat and "text" in message]

    def attachments(self, chat: int) -> list[tuple[str, str, bytes]]:
        """Give the files that a chat got, in order: as what, by which name, and the content."""
        return [message["file"] for message in self.sent if message["chat"]["id"] == chat and "file" in message]

    def record(self, chat: int, message: dict[str, Any]) -> None:
        """Put a message into what a chat's phone shows."""
        self.chats.setdefault(chat, []).append(message)
        self._ring()

    def _ring(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()

    async def _call(self, http: web.Request) -> web.StreamResponse:
        method = http.match_info["method"]
        fields: dict[str, str] = {key: str(value) for key, value in http.query.items()}
        if method in SENDS and self.cut_uploads:
            self.cut_uploads -= 1
            await http.content.readexactly(1000)
            if http.transport:
                http.transport.abort()
            return web.Response()
        form = await http.post() if http.method == "POST" else {}
        uploads = {key: value for key, value in form.items() if isinstance(value, web.FileField)}
        fields |= {key: str(value) for key, value in form.items() if key not in uploads}
        self.calls.append((method, fields))
        if http.match_info["token"] != self.token:
            return _refuse(401, "Unauthorized")
        if self.fault and (answer := self.fault(method, fields)) is not None:
            return answer
        if method in self.drop_before:
            self.drop_before.discard(method)
            if http.transport:
                http.transport.close()
            return web.Response()
        result = self._attach(method, fields, uploads) if method in SENDS else await self._do(method, fields)
        if method in self.drop_after:
            self.drop_after.discard(method)
            if http.transport:
                http.transport.close()
        return result

    async def _do(self, method: str, fields: dict[str, str]) -> web.Response:
        match method:
            case "getMe" | "getWebhookInfo" | "getUserProfilePhotos":
                return _ok(self._about(method, fields))
            case "setWebhook":
                self.webhook, self.secret = fields.get("url", ""), fields.get("secret_token", "")
                return _ok(True)
            case "deleteWebhook":
                self.webhook = self.secret = ""
                return _ok(True)
            case "getUpdates":
                return await self._poll(int(fields.get("offset", 0)), float(fields.get("timeout", 0)))
            case "sendMessage":
                return self._send(fields)
            case "editMessageText":
                return self._edit(fields)
            case "deleteMessage":
                return self._delete(fields)
            case "getFile":
                return self._get_file(fields.get("file_id", ""))
        return _refuse(404, "Not Found")

    def _about(self, method: str, fields: dict[str, str]) -> dict[str, Any]:
        """Tell about the bot and what it is called by, and what anybody looks like."""
        bot = self.token.partition(":")[0]
        if method == "getMe":
            return {"id": int(bot), "is_bot": True, "first_name": "Shop", "username": "shop_bot"}
        if method == "getWebhookInfo":
            return {"url": self.webhook, "has_custom_certificate": False, "pending_update_count": len(self._updates)}
        picture = self.picture if fields.get("user_id") == bot else self.pictures.get(fields.get("user_id", ""), "")
        sizes = [{"file_id": picture, "width": 160, "height": 160}] if picture else []
        return {"total_count": len(sizes), "photos": [sizes] if sizes else []}

    async def _poll(self, offset: int, wait: float) -> web.Response:
        if self.webhook:
            return _refuse(409, "Conflict: can't use getUpdates method while webhook is active")
        self._updates = [update for update in self._updates if update["update_id"] >= offset]
        if not self._updates and wait and not self._rival:
            changed = self.changed
            try:
                async with asyncio.timeout(wait):
                    await changed.wait()
            except TimeoutError:
                pass
        if self._rival:
            told = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
            return _refuse(409, told)
        return _ok(self._updates[:100])

    def poll_elsewhere(self, on: bool) -> None:
        """Have another program poll the same bot: whoever else does is told so at once."""
        self._rival = on
        self._ring()

    def _send(self, fields: dict[str, str]) -> web.Response:
        text = fields.get("text", "").strip()
        if not text:
            return _refuse(400, "Bad Request: message text is empty")
        if len(text) > 4096:
            return _refuse(400, "Bad Request: message is too long")
        return self._keep(int(fields["chat_id"]), {"text": text})

    def _keep(self, chat: int, content: dict[str, Any]) -> web.Response:
        message = {
            "message_id": self.message_id(),
            "date": int(time.time()),
            "chat": {"id": chat, "type": "private", "first_name": "Customer"},
            "from": {"id": int(self.token.partition(":")[0]), "is_bot": True, "first_name": "Shop"},
            **content,
        }
        self.sent.append(message)
        shown = {key: value for key, value in message.items() if key != "file"}
        self.record(chat, shown)
        return _ok(shown)

    def _edit(self, fields: dict[str, str]) -> web.Response:
        ours = [each for each in self.sent if str(each["message_id"]) == fields.get("message_id")]
        if not ours or str(ours[0]["chat"]["id"]) != fields.get("chat_id"):
            return _refuse(400, "Bad Request: message to edit not found")
        if ours[0].get("text") == fields.get("text"):
            return _refuse(400, "Bad Request: message is not modified")
        for message in (ours[0], *self.chats[ours[0]["chat"]["id"]]):
            if message["message_id"] == ours[0]["message_id"]:
                message |= {"text": fields["text"], "edit_date": message["date"]}
        self._ring()
        return _ok({key: value for key, value in ours[0].items() if key != "file"})

    def _delete(self, fields: dict[str, str]) -> web.Response:
        ours = [each for each in self.sent if str(each["message_id"]) == fields.get("message_id")]
        if not ours or str(ours[0]["chat"]["id"]) != fields.get("chat_id"):
            return _refuse(400, "Bad Request: message to delete not found")
        chat = self.chats[ours[0]["chat"]["id"]]
        chat[:] = [each for each in chat if each["message_id"] != ours[0]["message_id"]]
        self.sent.remove(ours[0])
        self._ring()
        return _ok(True)

    def _attach(self, method: str, fields: dict[str, str], uploads: dict[str, web.FileField]) -> web.Response:
        kind = SENDS[method]
        if kind not in uploads:
            return _refuse(400, f"Bad Request: there is no {kind} in the request")
        file = uploads[kind]
        content = file.file.read()
        if len(content) > (10 if kind == "photo" else 50) * MEGABYTE:
            return _refuse(413, "Request Entity Too Large")
        shown = {kind: {"file_id": f"sent-{len(self.sent)}", "file_name": file.filename}}
        return self._keep(int(fields["chat_id"]), {**shown, "file": (kind, file.filename, content)})

    def add_file(self, content: bytes) -> str:
        """Keep a file that a customer sends; gives its id."""
        id_ = f"file-{len(self.files)}"
        self.files[id_] = content
        return id_

    def _get_file(self, id_: str) -> web.Response:
        if id_ not in self.files:
            return _refuse(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        if len(self.files[id_]) > 20 * MEGABYTE:
            return _refuse(400, "Bad Request: file is too big")
        return _ok({"file_id": id_, "file_size": len(self.files[id_]), "file_path": f"documents/{id_}"})

    async def _download(self, http: web.Request) -> web.Response:
        id_ = http.match_info["path"].removeprefix("documents/")
        if http.match_info["token"] != self.token or id_ not in self.files:
            return web.Response(status=404)
        return web.Response(body=self.files[id_])


class TelegramCustomer:
    """A person with a chat."""

    def __init__(self, sandbox: TelegramSandbox, chat: int, name: str, language: str) -> None:
        self._sandbox = sandbox
        self.chat = chat
        self._name = name
        self._language = language

    async def write(self, text: str) -> int:
        """Write a message; gives its id."""
        return await self.send(text=text)

    async def send(self, **content: Any) -> int:
        """Send a message of any kind; gives its id."""
        body = self._message(self._sandbox.message_id(), content)
        self._sandbox.record(self.chat, body)
        await self._sandbox.update("message", body)
        return int(body["message_id"])

    async def edit(self, message: int, text: str, *, at: int = 1_790_000_001) -> None:
        """Change a message, at a moment in Unix seconds."""
        await self._sandbox.update("edited_message", {**self._message(message, {"text": text}), "edit_date": at})

    async def block(self) -> None:
        """Block the bot."""
        await self._member("kicked")

    async def unblock(self) -> None:
        """Unblock the bot."""
        await self._member("member")

    def got(self) -> list[str]:
        """Say what came, in order."""
        return self._sandbox.texts(self.chat)

    async def _member(self, status: str) -> None:
        me = {"id": int(self._sandbox.token.partition(":")[0]), "is_bot": True, "first_name": "Shop"}
        body = {
            "chat": self._chat(),
            "from": self._person(),
            "date": 1_790_000_000,
            "old_chat_member": {"user": me, "status": "member" if status == "kicked" else "kicked"},
            "new_chat_member": {"user": me, "status": status},
        }
        await self._sandbox.update("my_chat_member", body)

    def _message(self, id_: int, content: dict[str, Any]) -> dict[str, Any]:
        return {"message_id": id_, "date": int(time.time()), "chat": self._chat(), "from": self._person(), **content}

    def _person(self) -> dict[str, Any]:
        person = {"id": self.chat, "is_bot": False, "first_name": self._name}
        return {**person, "language_code": self._language} if self._language else person

    def _chat(self) -> dict[str, Any]:
        return {"id": self.chat, "type": "private", "first_name": self._name}


def _ok(result: object) -> web.Response:
    return web.json_response({"ok": True, "result": result})


def _refuse(status: int, description: str, **parameters: int) -> web.Response:
    body: dict[str, Any] = {"ok": False, "error_code": status, "description": description}
    return web.Response(
        status=status,
        text=json.dumps({**body, "parameters": parameters} if parameters else body),
        content_type="application/json",
    )


def too_many(seconds: int) -> web.Response:
    """Answer as Telegram does when it is called too often."""
    return _refuse(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)
