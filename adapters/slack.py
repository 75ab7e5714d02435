"""Customers who write from Slack: in direct messages to the app, by mentioning it, and in channels that two
workspaces share. https://docs.slack.dev/apis/events-api/

A direct message is a contact (`D024…`), and so is a thread in a channel (`C024…:1790000000.000100`).
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from typing import Any, ClassVar

import aiohttp
from yarl import URL

from adapters import slack_files
from adapters.contract import (
    Asked,
    Attachment,
    Capabilities,
    Content,
    Failure,
    Malformed,
    Outbound,
    Question,
    Receive,
    Rejected,
    Request,
    Sent,
    Unauthorised,
    Uncertain,
    Unreachable,
)
from adapters.http import clean, read_json
from adapters.media import Hosts, fetch, fetch_picture
from adapters.slack_api import METADATA, SlackApi, SlackRefusal, find_order
from adapters.slack_events import Socket, check_signature
from adapters.slack_guests import GuestReader
from adapters.slack_text import escape
from config.credentials import Field, Secret
from config.settings import ChannelSettings
from routing.contents import File
from routing.events import Event

FACES = ("slack-edge.com", "gravatar.com")
"""Where people's pictures are, for everybody to see."""

FAILURES: Mapping[str, Failure] = {
    "channel_not_found": Failure(Unreachable, "the app can't see this customer's channel", "Have it invited again."),
    "not_in_channel": Failure(
        Unreachable, "the app isn't in this customer's channel any more", "Have it invited again."
    ),
    "is_archived": Failure(Unreachable, "this customer's channel is archived", "Reach them another way."),
    "messages_tab_disabled": Failure(
        Unreachable, "the app takes no direct messages", "An admin turns on its Messages tab."
    ),
    "msg_too_long": Failure(Rejected, "it is too long for Slack", "Send it in shorter messages."),
    "restricted_action": Failure(Rejected, "this workspace doesn't let the app write there", "Ask its admin."),
}
"""Why Slack won't deliver, and what to do, for an agent to read."""


class Slack:
    """An app in a workspace whose people are customers; `session` carries its calls."""

    kind: ClassVar[str] = "slack"
    fields: ClassVar[tuple[Field, ...]] = (
        Field(
            name="bot_token",
            label="Bot token",
            secret=True,
            where="Slack app: OAuth & Permissions",
            help="The desk's own, or another app's",
            pattern=r"xoxb-\S+",
            looks="xoxb- and letters",
        ),
        Field(
            name="signing_secret",
            label="Signing secret",
            secret=True,
            default="",
            where="Slack app: Basic Information",
            help='For mode "http"',
        ),
        Field(
            name="app_token",
            label="App token",
            secret=True,
            default="",
            where="Slack app: Basic Information, App-Level Tokens",
            help='For mode "socket"',
            pattern=r"xapp-\S+",
            looks="xapp- and letters",
        ),
        Field(name="mode", label="How events come", default="http", choices=("http", "socket")),
        Field(name="api_base", label="API address", default="https://slack.com/api/"),
    )
    capabilities: ClassVar[Capabilities] = Capabilities(max_text=3900)

    def __init__(self, settings: ChannelSettings, session: aiohttp.ClientSession) -> None:
        values, self._secrets = settings.values, settings.secrets
        self.id = settings.id
        self._mode = values["mode"]
        base = values["api_base"].rstrip("/") + "/"
        self._session = session
        self._hosts = slack_files.hosts(base, self._secrets["bot_token"])
        self._faces = Hosts(URL(base), FACES)
        self._api = SlackApi(base, self._secrets["bot_token"], session, FAILURES)
        self._sockets = SlackApi(base, self._secrets["app_token"], session)
        self._reader = GuestReader(settings.id)
        self._socket = Socket(self._secrets["app_token"], base, self._take)
        self._receive: Receive | None = None

    def verify(self, request: Request) -> None:
        """Hold Slack's signature against the body."""
        check_signature(request, self._secrets["signing_secret"], self.id)

    def parse(self, request: Request) -> Sequence[Event]:
        """Read an event callback."""
        body = read_json(request.body)
        kind = body.get("type") if isinstance(body, dict) else None
        if kind == "url_verification":
            raise Asked({"challenge": clean(body.get("challenge"))})
        if kind not in ("event_callback", "app_rate_limited"):
            raise Malformed("this isn't a Slack event: its type isn't event_callback")
        return self._reader.callback(body, request.at) if kind == "event_callback" else ()

    def shares(self, bot_token: Secret) -> bool:
        """Say whether this is the app of a token, so that its events come by that one's connection."""
        return self._secrets["bot_token"] == bot_token

    def overhear(self, body: Mapping[str, Any], at: datetime, *, colleagues: Collection[str]) -> Sequence[Event]:
        """Read an event callback that came by the desk's connection; agents are no customers."""
        return self._reader.callback(body, at, colleagues=colleagues)

    async def listen(self, receive: Receive) -> None:
        """Keep Socket Mode connected; in HTTP mode Slack calls us."""
        if self._mode != "socket":
            return
        self._receive = receive
        try:
            await self._socket.connect()
            await asyncio.Event().wait()
        finally:
            await self._socket.close()

    async def send(self, message: Outbound) -> Sent:
        """Send text; the order goes with it as metadata, so that `find` knows it again."""
        where, _, thread = message.peer.partition(":")
        answer = await self._api.call(
            "chat.postMessage",
            channel=where,
            text=escape(message.text),
            thread_ts=thread or None,
            mrkdwn=False,
            metadata={"event_type": METADATA, "event_payload": {"order": message.order}},
        )
        return Sent(clean(answer.get("ts")))

    async def edit(self, message: Outbound, sent: str) -> None:
        """Change the text of a message of ours."""
        where = message.peer.partition(":")[0]
        await self._api.call("chat.update", channel=where, ts=sent, text=escape(message.text))

    async def delete(self, peer: str, sent: str) -> None:
        """Take back a message of ours."""
        try:
            await self._api.call("chat.delete", channel=peer.partition(":")[0], ts=sent)
        except SlackRefusal as error:
            if error.error != "message_not_found":
                raise

    async def attach(self, message: Outbound, attachment: Attachment) -> Sent:
        """Upload a file, then post it; where the call broke off, the file itself tells whether it was posted."""
        where, _, thread = message.peer.partition(":")
        began = datetime.now(UTC)
        id_ = await slack_files.upload(self._api, self._session, attachment.name, attachment.content)
        try:
            await slack_files.publish(self._api, [(id_, attachment.name)], where, thread=thread)
        except Uncertain as error:
            if not await slack_files.published(self._api, id_, where, since=began, thread=thread):
                raise Uncertain(str(error)) from error
        return Sent(id_)

    def fetch(self, file: File) -> AbstractAsyncContextManager[Content]:
        """Fetch a file with the token."""
        return fetch(self._session, file.ref, self._hosts)

    async def find(self, message: Outbound, *, since: datetime) -> str:
        """Look for a message among those since a moment."""
        where, _, thread = message.peer.partition(":")
        return await find_order(self._api, where, message.order, since=since, thread=thread)

    async def name_of(self, peer: str) -> str:
        """Ask what an author is called, or whom a direct message is with, or who began a thread."""
        person = await self._person(peer)
        profile = person.get("profile") or {}
        return clean(profile.get("display_name")) or clean(profile.get("real_name")) or clean(person.get("name"))

    async def zone_of(self, peer: str) -> str:
        """Ask by which clock whom `name_of` names lives."""
        return clean((await self._person(peer)).get("tz"))

    @asynccontextmanager
    async def portrait(self, peer: str) -> AsyncIterator[Content]:
        """Fetch the picture of whom `name_of` names, which is where everybody may see it."""
        url = clean(((await self._person(peer)).get("profile") or {}).get("image_192"))
        async with fetch_picture(self._session, url, self._faces) as content:
            yield content

    async def _person(self, peer: str) -> Mapping[str, Any]:
        where, _, thread = peer.partition(":")
        if where.startswith(("U", "W")):
            about: dict[str, Any] = {"user": where}
        elif thread:
            answer = await self._api.read("conversations.replies", channel=where, ts=thread, limit=1)
            about = next(iter(answer.get("messages") or ()), {})
        else:
            about = (await self._api.read("conversations.info", channel=where)).get("channel") or {}
        if not about.get("user"):
            return {}
        return (await self._api.read("users.info", user=str(about["user"]))).get("user") or {}

    def questions(self) -> Sequence[Question]:
        """Give what Slack can be asked: whose bot token it is, and whether the app token connects."""
        bot = Question("bot_token", ("bot_token",), self._ask_who)
        return (bot, Question("app_token", ("app_token",), self._ask_to_connect)) if self._mode == "socket" else (bot,)

    async def probe(self) -> str:
        """Ask whose tokens these are."""
        found, *_ = [await question.ask() for question in self.questions()]
        return found

    async def _ask_who(self) -> str:
        me = await self._api.call("auth.test")
        return f"{me.get('team', '?')} as {me.get('user', '?')}"

    async def _ask_to_connect(self) -> str:
        try:
            await self._sockets.call("apps.connections.open")
        except Unauthorised as error:
            advice = "Make an app-level token with connections:write, and set app_token."
            raise Unauthorised("Slack refuses the app token", advice, "app_token") from error
        return "Socket Mode may be connected"

    async def _take(self, kind: str, payload: Any) -> dict[str, Any] | None:
        if kind == "events_api" and self._receive:
            await self._receive(self._reader.callback(payload, datetime.now(UTC)))
        return None
