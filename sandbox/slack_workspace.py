"""A simulated Slack workspace: what stands in it, and how the app that is installed there is told.

https://docs.slack.dev/apis/events-api/
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
from aiohttp import web

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


class SlackWorkspace:
    """One workspace with a channel for agents; an app is installed in it.

    Events go to `events_url` signed with `signing_secret`, or over Socket Mode where an app is connected. `places` are
    the channels and direct messages where the app may write, `visible` are channels by id that it isn't in but sees,
    `names` what people are called, `members` who is in the desk's channel, `programs` those of them who are no people;
    `signing_in` is who signs in with Slack, as a member of `team`.
    """

    def __init__(self, token: str, channel: str, *, signing_secret: str = "", app_token: str = "") -> None:
        self.token = token
        self.channel = channel
        self.places = {channel}
        self.visible: dict[str, str] = {}
        self.names: dict[str, str] = {}
        self.pictures: dict[str, str] = {}
        self.away: set[str] = set()
        self.members: set[str] = set()
        self.programs: set[str] = set()
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
        self.zone_names: dict[str, str] = {}
        self.files: dict[str, dict[str, Any]] = {}
        self.files_token = token
        self.client_id, self.client_secret = "910.110", "slack-client-secret"
        self.signing_in, self.team = "", "T0SANDBOX"
        self._codes: dict[str, dict[str, str]] = {}
        self.fault: Fault | None = None
        self.drop_before: set[str] = set()
        self.drop_after: set[str] = set()
        self.changed = asyncio.Event()
        self._ids = itertools.count(1)
        self._latest_ts = 0
        self._triggers: dict[str, tuple[str, float]] = {}
        self._sockets: set[web.WebSocketResponse] = set()
        self._acked: dict[str, asyncio.Event] = {}
        self._told: dict[str, dict[str, Any]] = {}

    @property
    def connections(self) -> int:
        """Count the sockets that are open."""
        return len(self._sockets)

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

    def _next_ts(self) -> str:
        self._latest_ts = max(self._latest_ts + 1, time.time_ns() // 1000)
        whole, part = divmod(self._latest_ts, 1_000_000)
        return f"{whole}.{part:06}"

    def _ring(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()
