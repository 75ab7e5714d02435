"""A simulated Slack workspace: the Web API's own addresses over real HTTP, and agents who write in a channel.

https://docs.slack.dev/apis/web-api/
"""

import asyncio
import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import WSMsgType, web

Fault = Callable[[str, dict[str, Any]], web.Response | None]
"""Answers a call in Slack's place: given the method and its fields, None lets it through."""


SCOPES = (
    "chat:write",
    "chat:write.customize",
    "channels:history",
    "channels:read",
    "commands",
    "files:read",
    "files:write",
    "groups:history",
    "groups:read",
    "reactions:write",
    "users:read",
)


class SlackSandbox:
    """One workspace with a channel for agents; an app is installed in it.

    Events go to `events_url` signed with `signing_secret`, or over Socket Mode where an app is connected. `places` are
    the channels and direct messages where the app may write, `names` what people are called.
    """

    def __init__(self, token: str, channel: str, *, signing_secret: str = "", app_token: str = "") -> None:
        self.token = token
        self.channel = channel
        self.places = {channel}
        self.names: dict[str, str] = {}
        self.away: set[str] = set()
        self.scopes = list(SCOPES)
        self.signing_secret = signing_secret
        self.app_token = app_token
        self.events_url = ""
        self.base = ""
        self.posts: dict[str, dict[str, Any]] = {}
        self.reactions: dict[str, list[str]] = {}
        self.whispers: list[dict[str, Any]] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.forms: list[dict[str, Any]] = []
        self.homes: dict[str, dict[str, Any]] = {}
        self.zones: dict[str, int] = {}
        self.files: dict[str, dict[str, Any]] = {}
        self.files_token = token
        self.fault: Fault | None = None
        self.drop_before: set[str] = set()
        self.drop_after: set[str] = set()
        self.changed = asyncio.Event()
        self._ids = itertools.count(1)
        self._ts = itertools.count(int(time.time()) * 1_000_000)
        self._triggers: dict[str, tuple[str, float]] = {}
        self._sockets: set[web.WebSocketResponse] = set()
        self._acked: dict[str, asyncio.Event] = {}
        self._told: dict[str, dict[str, Any]] = {}
        self.app = web.Application(client_max_size=200 * 1024 * 1024)
        self.app.router.add_route("*", "/api/{method}", self._call)
        self.app.router.add_post("/upload/{file}", self._upload)
        self.app.router.add_get("/files/{file}/{name}", self._download)
        self.app.router.add_get("/link", self._link)
        self.app.router.add_post("/respond/{whisper}", self._respond)

    # What agents see

    def roots(self, channel: str = "") -> list[dict[str, Any]]:
        """Give a channel's posts that begin a thread, or could."""
        return [post for post in self.place(channel or self.channel) if "thread_ts" not in post]

    def place(self, channel: str) -> list[dict[str, Any]]:
        """Give all that was written in one place, in order."""
        return [post for post in self.posts.values() if post["channel"] == channel]

    def replies(self, root: str) -> list[dict[str, Any]]:
        """Give a thread's posts after its first, in order."""
        return [post for post in self.posts.values() if post.get("thread_ts") == root]

    # What agents do

    async def write(self, user: str, text: str, *, thread: str = "", **more: Any) -> str:
        """Have an agent write; gives the message's ts."""
        ts = self._next_ts()
        message = {"type": "message", "channel": self.channel, "user": user, "text": text, "ts": ts, **more}
        if thread:
            message["thread_ts"] = thread
        self.posts[ts] = message
        self._ring()
        await self.event(message)
        return ts

    async def guest_writes(self, user: str, text: str, *, place: str, **more: Any) -> str:
        """Have a customer write: directly to the app (`D…`), or in a channel; gives the message's ts."""
        self.places.add(place)
        kind = "im" if place.startswith("D") else "channel"
        return await self.write(user, text, channel=place, channel_type=kind, **more)

    async def write_file(
        self, user: str, name: str, content: bytes, *, thread: str, text: str = "", **more: Any
    ) -> str:
        """Have an agent put a file into a thread; gives the message's ts."""
        id_ = f"F{next(self._ids)}"
        self.files[id_] = {"id": id_, "name": name, "content": content}
        said = {"id": id_, "name": name, "mode": "hosted", "size": len(content), "mimetype": more.pop("mimetype", "")}
        url = f"{self.base}/files/{id_}/{name}"
        shown = {**said, "url_private": url, "url_private_download": url}
        return await self.write(user, text, thread=thread, subtype="file_share", files=[shown], **more)

    async def edit(self, ts: str, text: str) -> None:
        """Have an agent change a message."""
        old = self.posts[ts]
        new = {**old, "text": text, "edited": {"user": old["user"], "ts": self._next_ts()}}
        self.posts[ts] = new
        body = {"subtype": "message_changed", "message": new, "previous_message": old}
        await self.event({"type": "message", "channel": old["channel"], "ts": self._next_ts(), "hidden": True, **body})

    async def remove(self, ts: str) -> None:
        """Have an agent delete a message."""
        old = self.posts.pop(ts)
        body = {"subtype": "message_deleted", "deleted_ts": ts, "previous_message": old}
        await self.event({"type": "message", "channel": old["channel"], "ts": self._next_ts(), "hidden": True, **body})

    async def press(self, user: str, action: str, value: str, message: str) -> int:
        """Have an agent press a button; gives the status that Slack would see."""
        post = self.posts[message]
        body = {
            "type": "block_actions",
            "team": {"id": "T0SANDBOX"},
            "api_app_id": "A0SANDBOX",
            "user": {"id": user, "team_id": "T0SANDBOX"},
            "trigger_id": self._trigger(user),
            "container": {
                "type": "message",
                "message_ts": message,
                "channel_id": post["channel"],
                "is_ephemeral": False,
            },
            "channel": {"id": post["channel"]},
            "message": post,
            "actions": [
                {"type": "button", "action_id": action, "block_id": "b", "value": value, "action_ts": self._next_ts()}
            ],
        }
        return await self._interact(body)

    async def command(self, user: str, text: str) -> int:
        """Have an agent write `/dragoman` and a text; what they are answered is a whisper. Gives the status."""
        body = {
            "command": "/dragoman",
            "text": text,
            "user_id": user,
            "team_id": "T0SANDBOX",
            "channel_id": self.channel,
            "api_app_id": "A0SANDBOX",
            "trigger_id": self._trigger(user),
            "response_url": f"{self.base}/respond/{len(self.whispers)}",
        }
        if self._sockets:
            status, told = await self._send_envelope("slash_commands", body)
        else:
            status, told = await self._post(urlencode(body).encode(), "application/x-www-form-urlencoded")
        if told:
            self.whispers.append({"user": user, **told})
            self._ring()
        return status

    async def open_home(self, user: str) -> None:
        """Have an agent open the app's Home."""
        await self.event({"type": "app_home_opened", "user": user, "channel": f"D{user}", "tab": "home"})

    async def press_in_view(self, user: str, action: str, value: str, *, whisper: int | None = None) -> int:
        """Have an agent press a button of the app's Home, or of a whisper; gives the status that Slack would see."""
        body: dict[str, Any] = {
            "type": "block_actions",
            "team": {"id": "T0SANDBOX"},
            "api_app_id": "A0SANDBOX",
            "user": {"id": user, "team_id": "T0SANDBOX"},
            "trigger_id": self._trigger(user),
            "actions": [
                {"type": "button", "action_id": action, "block_id": "b", "value": value, "action_ts": self._next_ts()}
            ],
        }
        if whisper is None:
            body |= {"container": {"type": "view", "view_id": "V0HOME"}, "view": {"id": "V0HOME", "type": "home"}}
        else:
            place = {"message_ts": self._next_ts(), "channel_id": self.channel, "is_ephemeral": True}
            body |= {
                "container": {"type": "message", **place},
                "channel": {"id": self.channel},
                "response_url": f"{self.base}/respond/{whisper}",
            }
        return await self._interact(body)

    async def choose(self, user: str, callback: str, message: str) -> int:
        """Have an agent choose from a message's menu; gives the status that Slack would see."""
        body = {
            "type": "message_action",
            "callback_id": callback,
            "action_ts": self._next_ts(),
            "team": {"id": "T0SANDBOX"},
            "user": {"id": user},
            "trigger_id": self._trigger(user),
            "channel": {"id": self.posts[message]["channel"], "name": "support"},
            "message_ts": message,
            "message": self.posts[message],
        }
        return await self._interact(body)

    async def submit(self, form: str, words: str = "", **fields: str) -> int:
        """Have an agent fill in an open form, by the fields' names or its one field; gives the status.

        Where Slack is told that something is wrong with it, the form stays open and says so under `errors`.
        """
        (opened,) = [each for each in self.forms if each["id"] == form]
        inputs = [block for block in opened["view"]["blocks"] if block["type"] == "input"]
        values = {}
        for block in inputs:
            said = fields.get(block["block_id"], words if len(inputs) == 1 else None)
            values[block["block_id"]] = {block["element"]["action_id"]: _filled(block["element"], said)}
        body = {
            "type": "view_submission",
            "team": {"id": "T0SANDBOX"},
            "user": {"id": opened["user"]},
            "view": {**opened["view"], "id": form, "state": {"values": values}},
        }
        status, told = await self._interact_for(body)
        opened["errors"] = told.get("errors", {})
        if status == 200 and not opened["errors"]:
            self.dismiss(form)
        self._ring()
        return status

    def dismiss(self, form: str) -> None:
        """Have an agent close a form."""
        self.forms = [each for each in self.forms if each["id"] != form]
        self._ring()

    async def event(self, event: dict[str, Any]) -> int:
        """Deliver an event; gives the status that Slack would see."""
        return await self.deliver(self.envelope(event))

    def envelope(self, event: dict[str, Any]) -> dict[str, Any]:
        """Wrap an event as the Events API does."""
        return {
            "type": "event_callback",
            "team_id": "T0SANDBOX",
            "api_app_id": "A0SANDBOX",
            "event_id": f"Ev{next(self._ids):08}",
            "event_time": int(time.time()),
            "event": event,
            "authorizations": [{"team_id": "T0SANDBOX", "user_id": "U0BOT", "is_bot": True}],
        }

    async def deliver(self, body: dict[str, Any]) -> int:
        """Deliver an envelope, again until it is taken as Slack does; gives the status at last."""
        for _ in range(50):
            if self._sockets:
                status, _ = await self._send_envelope("events_api", body)
            elif self.events_url:
                status, _ = await self._post(json.dumps(body).encode(), "application/json")
            else:
                status = 503
            if status < 500:
                return status
            await asyncio.sleep(0.1)
        return 503

    def sign(self, body: bytes, at: int) -> dict[str, str]:
        """Sign a body as Slack does."""
        digest = hmac.new(self.signing_secret.encode(), b"v0:%d:%s" % (at, body), hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": str(at), "X-Slack-Signature": f"v0={digest}"}

    # Within

    def _trigger(self, user: str) -> str:
        trigger = f"{next(self._ids)}.sandbox"
        self._triggers[trigger] = (user, time.monotonic())
        return trigger

    async def _interact(self, body: dict[str, Any]) -> int:
        return (await self._interact_for(body))[0]

    async def _interact_for(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if self._sockets:
            return await self._send_envelope("interactive", body)
        form = urlencode({"payload": json.dumps(body)}).encode()
        return await self._post(form, "application/x-www-form-urlencoded")

    async def _post(self, body: bytes, content_type: str) -> tuple[int, dict[str, Any]]:
        headers = {"Content-Type": content_type, **self.sign(body, int(time.time()))}
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.post(self.events_url, data=body, headers=headers) as answer,
            ):
                told = await answer.json() if answer.content_type == "application/json" else {}
                return answer.status, told
        except aiohttp.ClientError:
            return 503, {}

    async def _send_envelope(self, kind: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        id_ = f"envelope-{next(self._ids)}"
        acked = self._acked[id_] = asyncio.Event()
        socket = next(iter(self._sockets))
        try:
            await socket.send_json(
                {"envelope_id": id_, "type": kind, "payload": body, "accepts_response_payload": False}
            )
            async with asyncio.timeout(3):
                await acked.wait()
        except (TimeoutError, ConnectionError):
            return 503, {}
        finally:
            del self._acked[id_]
        return 200, self._told.pop(id_, {})

    async def _link(self, http: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(http)
        await socket.send_json({"type": "hello", "num_connections": 1, "connection_info": {"app_id": "A0SANDBOX"}})
        self._sockets.add(socket)
        self._ring()
        try:
            async for message in socket:
                known = message.type is WSMsgType.TEXT and message.data.startswith("{")
                told = json.loads(message.data) if known else {}
                if acked := self._acked.get(told.get("envelope_id", "")):
                    self._told[told["envelope_id"]] = told.get("payload") or {}
                    acked.set()
        finally:
            self._sockets.discard(socket)
        return socket

    async def _call(self, http: web.Request) -> web.StreamResponse:
        method = http.match_info["method"]
        fields: dict[str, Any] = dict(http.query)
        if http.content_type == "application/json":
            fields |= await http.json()
        self.calls.append((method, fields))
        bearer = http.headers.get("Authorization", "").removeprefix("Bearer ")
        if bearer != (self.app_token if method == "apps.connections.open" else self.token):
            return web.json_response({"ok": False, "error": "invalid_auth"})
        if self.fault and (answer := self.fault(method, fields)) is not None:
            return answer
        if method in self.drop_before:
            self.drop_before.discard(method)
            if http.transport:
                http.transport.close()
            return web.Response()
        result = self._do(method, fields, http)
        if method in self.drop_after:
            self.drop_after.discard(method)
            if http.transport:
                http.transport.close()
        return web.json_response(result, headers={"X-OAuth-Scopes": ",".join(self.scopes)})

    def _do(self, method: str, fields: dict[str, Any], http: web.Request) -> dict[str, Any]:
        do: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "auth.test": self._who,
            "apps.connections.open": lambda _: {"ok": True, "url": f"ws://{http.host}/link"},
            "conversations.info": self._about,
            "users.info": self._person,
            "users.getPresence": self._presence,
            "chat.postMessage": self._store,
            "chat.update": self._update,
            "chat.delete": self._delete,
            "chat.postEphemeral": self._whisper,
            "views.open": self._open_form,
            "views.publish": self._publish_home,
            "reactions.add": self._react,
            "conversations.replies": self._read,
            "conversations.history": self._read,
            "files.getUploadURLExternal": lambda fields: self._promise(fields, http),
            "files.completeUploadExternal": self._complete,
        }
        return do[method](fields) if method in do else {"ok": False, "error": "unknown_method"}

    def _who(self, fields: dict[str, Any]) -> dict[str, Any]:
        return {
            "ok": True,
            "url": "https://sandbox.slack.com/",
            "team": "Sandbox",
            "team_id": "T0SANDBOX",
            "user": "dragoman",
            "user_id": "U0BOT",
            "bot_id": "B0BOT",
        }

    def _person(self, fields: dict[str, Any]) -> dict[str, Any]:
        profile = {"display_name": self.names.get(str(fields.get("user")), "")}
        person = {"id": fields.get("user"), "profile": profile, "tz_offset": self.zones.get(str(fields.get("user")), 0)}
        return {"ok": True, "user": person}

    def _presence(self, fields: dict[str, Any]) -> dict[str, Any]:
        return {"ok": True, "presence": "away" if fields.get("user") in self.away else "active"}

    def _whisper(self, fields: dict[str, Any]) -> dict[str, Any]:
        self.whispers.append(fields)
        self._ring()
        return {"ok": True, "message_ts": self._next_ts()}

    def _open_form(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Open a form for whoever pressed: once, and within three seconds."""
        user, at = self._triggers.pop(fields.get("trigger_id", ""), ("", 0.0))
        if not user or time.monotonic() - at > 3:
            return {"ok": False, "error": "expired_trigger_id"}
        view = fields.get("view") or {}
        longest = max((len(view.get(part, {}).get("text", "")) for part in ("title", "submit", "close")), default=0)
        texts = [block.get("text", {}).get("text", "") for block in view.get("blocks", ())]
        if longest > 24 or any(len(text) > 3000 for text in texts) or len(view.get("private_metadata", "")) > 3000:
            return {"ok": False, "error": "invalid_arguments"}
        form = f"V{next(self._ids)}"
        self.forms.append({"id": form, "user": user, "view": view})
        self._ring()
        return {"ok": True, "view": {**view, "id": form}}

    def _publish_home(self, fields: dict[str, Any]) -> dict[str, Any]:
        view = fields.get("view") or {}
        if view.get("type") != "home" or len(view.get("blocks", ())) > 100:
            return {"ok": False, "error": "invalid_arguments"}
        self.homes[str(fields.get("user_id"))] = view
        self._ring()
        return {"ok": True, "view": view}

    async def _respond(self, http: web.Request) -> web.Response:
        """Put something in the place of what one person sees."""
        told = await http.json()
        self.whispers[int(http.match_info["whisper"])] |= {"text": told["text"], "blocks": told["blocks"]}
        self._ring()
        return web.Response(text="ok")

    def _about(self, fields: dict[str, Any]) -> dict[str, Any]:
        place = fields.get("channel")
        if place not in self.places:
            return {"ok": False, "error": "channel_not_found"}
        if str(place).startswith("D"):
            user = next((post["user"] for post in self.posts.values() if post["channel"] == place), "")
            return {"ok": True, "channel": {"id": place, "is_im": True, "user": user}}
        return {"ok": True, "channel": {"id": place, "name": "support", "is_member": True}}

    def _store(self, fields: dict[str, Any]) -> dict[str, Any]:
        if fields.get("channel") not in self.places:
            return {"ok": False, "error": "channel_not_found"}
        if not fields.get("text") and not fields.get("blocks"):
            return {"ok": False, "error": "no_text"}
        if len(fields.get("blocks") or ()) > 50:
            return {"ok": False, "error": "invalid_blocks"}
        if len(json.dumps(fields.get("blocks") or (), ensure_ascii=False)) > 13_000:
            return {"ok": False, "error": "msg_blocks_too_long"}
        ts = self._next_ts()
        kept: dict[str, Any] = {
            key: fields[key] for key in ("text", "blocks", "thread_ts", "metadata", "username") if key in fields
        }
        message: dict[str, Any] = {
            "type": "message",
            "channel": fields["channel"],
            "ts": ts,
            "bot_id": "B0BOT",
            "app_id": "A0SANDBOX",
            **kept,
        }
        self.posts[ts] = message
        self._ring()
        return {"ok": True, "channel": fields["channel"], "ts": ts, "message": message}

    def _promise(self, fields: dict[str, Any], http: web.Request) -> dict[str, Any]:
        if int(fields.get("length") or 0) < 1 or not fields.get("filename"):
            return {"ok": False, "error": "missing_argument"}
        id_ = f"F{next(self._ids)}"
        self.files[id_] = {"id": id_, "name": fields["filename"], "length": int(fields["length"])}
        return {"ok": True, "upload_url": f"http://{http.host}/upload/{id_}", "file_id": id_}

    async def _upload(self, http: web.Request) -> web.Response:
        file = self.files[http.match_info["file"]]
        content = await http.read()
        if len(content) != file["length"]:
            return web.Response(status=400, text="the length isn't the one that was told")
        file["content"] = content
        return web.Response(text=f"OK - {len(content)}")

    async def _download(self, http: web.Request) -> web.Response:
        file = self.files.get(http.match_info["file"])
        if http.headers.get("Authorization") != f"Bearer {self.files_token}" or file is None:
            return web.Response(text="<!DOCTYPE html><html>Sign in to Slack</html>", content_type="text/html")
        return web.Response(body=file["content"])

    def _complete(self, fields: dict[str, Any]) -> dict[str, Any]:
        if fields.get("channel_id") not in self.places:
            return {"ok": False, "error": "channel_not_found"}
        wanted = [self.files.get(each["id"]) for each in fields["files"]]
        if any(file is None or "content" not in file for file in wanted):
            return {"ok": False, "error": "file_not_found"}
        ts = self._next_ts()
        message: dict[str, Any] = {
            "type": "message",
            "subtype": "file_share",
            "channel": fields["channel_id"],
            "ts": ts,
            "bot_id": "B0BOT",
            "app_id": "A0SANDBOX",
            "text": fields.get("initial_comment", ""),
            "files": [{"id": file["id"], "name": file["name"]} for file in wanted if file],
        }
        if fields.get("thread_ts"):
            message["thread_ts"] = fields["thread_ts"]
        self.posts[ts] = message
        self._ring()
        return {"ok": True, "files": [{"id": file["id"]} for file in wanted if file]}

    def _update(self, fields: dict[str, Any]) -> dict[str, Any]:
        post = self.posts.get(fields.get("ts", ""))
        if post is None:
            return {"ok": False, "error": "message_not_found"}
        if len(fields.get("text", "")) > 4000:
            return {"ok": False, "error": "msg_too_long"}
        self.posts[post["ts"]] = {**post, "text": fields.get("text", ""), "blocks": fields.get("blocks", [])}
        self._ring()
        return {"ok": True, "channel": self.channel, "ts": post["ts"]}

    def _delete(self, fields: dict[str, Any]) -> dict[str, Any]:
        if self.posts.pop(fields.get("ts", ""), None) is None:
            return {"ok": False, "error": "message_not_found"}
        self._ring()
        return {"ok": True, "channel": fields.get("channel"), "ts": fields["ts"]}

    def _react(self, fields: dict[str, Any]) -> dict[str, Any]:
        names = self.reactions.setdefault(fields["timestamp"], [])
        if fields["timestamp"] not in self.posts:
            return {"ok": False, "error": "message_not_found"}
        if fields["name"] in names:
            return {"ok": False, "error": "already_reacted"}
        names.append(fields["name"])
        self._ring()
        return {"ok": True}

    def _read(self, fields: dict[str, Any]) -> dict[str, Any]:
        root, oldest = fields.get("ts"), fields.get("oldest", "")
        here = self.place(str(fields.get("channel")))
        found = [post for post in here if not root or root in (post["ts"], post.get("thread_ts"))]
        found = [post for post in found if post["ts"] >= oldest or post["ts"] == root]
        if not root:
            found = [post for post in found[::-1] if "thread_ts" not in post]
        at, limit = int(fields.get("cursor") or 0), int(fields.get("limit") or 100)
        rest = str(at + limit) if at + limit < len(found) else ""
        return {"ok": True, "messages": found[at : at + limit], "response_metadata": {"next_cursor": rest}}

    def _next_ts(self) -> str:
        whole, part = divmod(next(self._ts), 1_000_000)
        return f"{whole}.{part:06}"

    def _ring(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()


def _filled(element: dict[str, Any], said: str | None) -> dict[str, Any]:
    """Give a field's state: what an agent said, else what stood there."""
    if element["type"] == "static_select":
        chosen = next((each for each in element["options"] if each["value"] == said), element.get("initial_option"))
        return {"type": "static_select", "selected_option": chosen}
    value = element.get("initial_value") if said is None else said
    return {"type": element["type"], "value": value or None}


def rate_limited(seconds: int) -> web.Response:
    """Answer as Slack does when it is called too often."""
    return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": str(seconds)})
