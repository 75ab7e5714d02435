"""A simulated Slack workspace: the Web API's own addresses over real HTTP, and agents who write in a channel.

https://docs.slack.dev/apis/web-api/
"""

import base64
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import WSMsgType, web
from yarl import URL

from sandbox.slack_people import SlackPeople

NEEDS = {
    "chat.postMessage": "chat:write",
    "reactions.add": "reactions:write",
    "users.info": "users:read",
    "files.getUploadURLExternal": "files:write",
}
"""The scopes that methods want, of those that a set-up may lack."""


class SlackSandbox(SlackPeople):
    """A workspace with the Web API that the installed app calls."""

    def __init__(self, token: str, channel: str, *, signing_secret: str = "", app_token: str = "") -> None:
        super().__init__(token, channel, signing_secret=signing_secret, app_token=app_token)
        self.app = web.Application(client_max_size=200 * 1024 * 1024)
        self.app.router.add_route("*", "/api/{method}", self._call)
        self.app.router.add_post("/upload/{file}", self._upload)
        self.app.router.add_get("/files/{file}/{name}", self._download)
        self.app.router.add_get("/link", self._link)
        self.app.router.add_post("/respond/{whisper}", self._respond)
        self.app.router.add_get("/openid/connect/authorize", self._agree)

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
        if method == "openid.connect.token":
            return web.json_response(self._tell_who(await http.post()))
        fields: dict[str, Any] = dict(http.query)
        if http.content_type == "application/json":
            fields |= await http.json()
        self.calls.append((method, fields))
        bearer = http.headers.get("Authorization", "").removeprefix("Bearer ")
        if bearer != (self.app_token if method == "apps.connections.open" else self.token):
            return web.json_response({"ok": False, "error": "invalid_auth"})
        if (scope := NEEDS.get(method)) and scope not in self.scopes:
            return web.json_response({"ok": False, "error": "missing_scope", "needed": scope})
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

    async def _agree(self, http: web.Request) -> web.Response:
        """Send whoever signs in back, as if they had agreed on Slack's page."""
        asked = http.query
        if asked.get("client_id") != self.client_id or "openid" not in asked.get("scope", "").split():
            return web.Response(status=400, text="invalid_client_id")
        code = f"code{next(self._ids)}"
        self._codes[code] = {"nonce": asked.get("nonce", ""), "redirect_uri": asked["redirect_uri"]}
        back = URL(asked["redirect_uri"]) % {"code": code, "state": asked.get("state", "")}
        return web.Response(status=302, headers={"Location": str(back)})

    def _tell_who(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Say who agreed, once, as a JSON Web Token."""
        if (fields.get("client_id"), fields.get("client_secret")) != (self.client_id, self.client_secret):
            return {"ok": False, "error": "bad_client_secret"}
        begun = self._codes.pop(str(fields.get("code")), None)
        if begun is None or begun["redirect_uri"] != fields.get("redirect_uri"):
            return {"ok": False, "error": "invalid_code"}
        who = {"https://slack.com/user_id": self.signing_in, "https://slack.com/team_id": self.team}
        claims = {"iss": "https://slack.com", "aud": self.client_id, "nonce": begun["nonce"], **who}
        parts = (
            base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=") for each in ({"alg": "RS256"}, claims)
        )
        return {"ok": True, "access_token": "xoxp-who", "id_token": b".".join((*parts, b"unsigned")).decode()}

    def _do(self, method: str, fields: dict[str, Any], http: web.Request) -> dict[str, Any]:
        do: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "auth.test": self._who,
            "apps.connections.open": lambda _: {"ok": True, "url": f"ws://{http.host}/link"},
            "conversations.info": self._about,
            "conversations.list": self._list,
            "conversations.join": self._join,
            "users.info": self._person,
            "conversations.members": self._members,
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
        user = str(fields.get("user"))
        profile = {"display_name": self.names.get(user, ""), "image_192": self.pictures.get(user, "")}
        offset = self.zones.get(user, 0)
        about = {
            "profile": profile,
            "tz": self.zone_names.get(user, ""),
            "tz_offset": offset,
            "is_bot": user in self.programs,
        }
        return {"ok": True, "user": {"id": user, **about}}

    def _members(self, fields: dict[str, Any]) -> dict[str, Any]:
        at, limit = int(fields.get("cursor") or 0), int(fields.get("limit") or 100)
        everybody = sorted(self.members)
        rest = str(at + limit) if at + limit < len(everybody) else ""
        return {"ok": True, "members": everybody[at : at + limit], "response_metadata": {"next_cursor": rest}}

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

    def _list(self, fields: dict[str, Any]) -> dict[str, Any]:
        joined = [(place, "support") for place in sorted(self.places) if place.startswith("C")]
        found = [{"id": id_, "name": name, "is_member": True} for id_, name in joined]
        found += [{"id": id_, "name": name, "is_member": False} for id_, name in self.visible.items()]
        return {"ok": True, "channels": found, "response_metadata": {"next_cursor": ""}}

    def _join(self, fields: dict[str, Any]) -> dict[str, Any]:
        if "channels:join" not in self.scopes:
            return {"ok": False, "error": "missing_scope"}
        channel = str(fields.get("channel"))
        if channel not in self.visible and channel not in self.places:
            return {"ok": False, "error": "channel_not_found"}
        self.visible.pop(channel, None)
        self.places.add(channel)
        return {"ok": True, "channel": {"id": channel}}

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
        if "icon_url" in fields:
            kept["icons"] = {"image_48": fields["icon_url"]}
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


def rate_limited(seconds: int) -> web.Response:
    """Answer as Slack does when it is called too often."""
    return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": str(seconds)})
