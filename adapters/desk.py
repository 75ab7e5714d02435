"""The agents' side: one Slack channel, a thread each conversation. https://docs.slack.dev/"""

import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import aiohttp
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltRequest
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.signature import Clock, SignatureVerifier
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from adapters.contract import Forged, Malformed, Receive, Request, SendError, Unauthorised
from adapters.desk_events import DeskReader
from adapters.desk_view import Block
from adapters.http import read_json, scrub
from adapters.slack_api import SlackApi, SlackRefusal
from config.settings import Desk as DeskSettings
from routing.messages import Event
from routing.policy import Policy

EMOJI = {"accepted": "white_check_mark", "read": "eyes", "failed": "warning"}
METADATA = "dragoman_order"
CLOCKS_DIFFER = timedelta(minutes=10)
"""How far our clock and Slack's may be apart."""

PAGES = 20
"""How many pages of 200 posts are searched for one that may have been accepted."""

log = logging.getLogger("dragoman.desk")
Answer = tuple[int, dict[str, Any] | str]
"""What an interactive request is answered: status and body."""


class Desk:
    """The desk's channel; `session` carries its calls, `receive` takes what happens there."""

    def __init__(
        self, settings: DeskSettings, policy: Policy, session: aiohttp.ClientSession, receive: Receive
    ) -> None:
        self._settings = settings
        self._api = SlackApi(settings.api_base, settings.bot_token, session)
        self._sockets = SlackApi(settings.api_base, settings.app_token, session)
        self._reader = DeskReader(settings.channel, policy)
        self._receive = receive
        self._socket: SocketModeClient | None = None
        self._known = False
        self._bolt = self._interactive()

    @property
    def channel(self) -> str:
        """The id of the desk's channel."""
        return self._settings.channel

    @property
    def problem(self) -> str:
        """Say why the desk isn't connected, "" where it is."""
        if self._settings.mode == "socket":
            session = self._socket.current_session if self._socket else None
            return "" if session is not None and not session.closed else "Socket Mode isn't connected"
        return "" if self._known else "Slack hasn't confirmed the bot token yet"

    # Receiving

    def verify(self, request: Request) -> None:
        """Hold the signature against the signing secret; five minutes is too old."""
        timestamp = request.headers.get("x-slack-request-timestamp", "")
        if not self._settings.signing_secret:
            raise Forged("the desk: there is no signing_secret to hold a signature against")
        verifier = SignatureVerifier(self._settings.signing_secret.reveal(), _At(request.at))
        try:
            good = timestamp.isdecimal() and verifier.is_valid(
                request.body, timestamp, request.headers.get("x-slack-signature", "")
            )
        except (ValueError, TypeError, UnicodeDecodeError):
            good = False
        if not good:
            raise Forged("the desk: wrong or missing signature")

    def parse(self, request: Request) -> Sequence[Event]:
        """Read an event callback.

        Raises:
            Malformed: it isn't Slack's.
        """
        body = read_json(request.body)
        if not isinstance(body, dict) or body.get("type") not in ("event_callback", "app_rate_limited"):
            raise Malformed("this isn't a Slack event: its type isn't event_callback")
        return self._reader.callback(body, request.at) if body["type"] == "event_callback" else ()

    def challenge(self, request: Request) -> str | None:
        """Give the challenge of a url_verification, None for anything else."""
        body = read_json(request.body)
        if isinstance(body, dict) and body.get("type") == "url_verification":
            return str(body.get("challenge") or "")
        return None

    async def interact(self, form: bytes) -> Answer:
        """Answer a press, a modal, a shortcut or a command that came as a form."""
        fields = {key: values[0] for key, values in parse_qs(form.decode(errors="replace"), True).items()}
        payload = read_json(fields["payload"].encode()) if "payload" in fields else fields
        if not isinstance(payload, dict):
            raise Malformed("the payload isn't an object")
        return await self._dispatch(payload)

    async def listen(self) -> None:
        """Connect Socket Mode; in HTTP mode Slack calls us."""
        if self._settings.mode != "socket":
            return
        client = AsyncWebClient(base_url=self._settings.api_base, retry_handlers=[])
        client.proxy = None
        self._socket = SocketModeClient(
            app_token=self._settings.app_token.reveal(), web_client=client, trace_enabled=False
        )
        self._socket.proxy = None
        self._socket.socket_mode_request_listeners.append(self._on_request)
        await self._socket.connect()  # type: ignore[no-untyped-call]

    async def close(self) -> None:
        """Let go of the socket."""
        if self._socket is not None:
            await self._socket.close()  # type: ignore[no-untyped-call]

    # Speaking

    async def probe(self) -> str:
        """Ask whose tokens these are, and whether the channel is there."""
        me = await self._api.call("auth.test")
        self._known = True
        if self._settings.mode == "socket":
            try:
                await self._sockets.call("apps.connections.open")
            except Unauthorised as error:
                advice = "Make an app-level token with connections:write, and set app_token."
                raise Unauthorised("Slack refuses the desk's app token", advice) from error
        place = await self._api.read("conversations.info", channel=self.channel)
        found = place.get("channel") or {}
        if found.get("is_member") is False:
            raise SendError(
                f"the app isn't in the channel #{found.get('name', self.channel)}", "Invite it: /invite @dragoman"
            )
        return f"{me.get('team', '?')} #{found.get('name', self.channel)} as {me.get('user', '?')}"

    async def post(self, text: str, blocks: Sequence[Block], *, order: str, thread: str = "") -> str:
        """Post, in a thread or as its first message; `order` lets `find` know it again. Gives the post's ts."""
        answer = await self._api.call(
            "chat.postMessage",
            channel=self.channel,
            text=text,
            blocks=blocks,
            thread_ts=thread or None,
            unfurl_links=False,
            unfurl_media=False,
            metadata={"event_type": METADATA, "event_payload": {"order": order}},
        )
        return str(answer["ts"])

    async def update(self, ts: str, text: str, blocks: Sequence[Block]) -> None:
        """Change a post in place; one that is gone stays gone."""
        try:
            await self._api.call("chat.update", channel=self.channel, ts=ts, text=text, blocks=blocks)
        except SlackRefusal as error:
            if error.error != "message_not_found":
                raise

    async def react(self, ts: str, emoji: str) -> None:
        """Put a sign on an agent's message."""
        try:
            await self._api.call("reactions.add", channel=self.channel, timestamp=ts, name=EMOJI[emoji])
        except SlackRefusal as error:
            if error.error not in ("already_reacted", "message_not_found", "no_item_specified"):
                raise

    async def whisper(self, agent: str, text: str, blocks: Sequence[Block], *, thread: str = "") -> None:
        """Tell an agent something that nobody else sees."""
        await self._api.call(
            "chat.postEphemeral",
            channel=self.channel,
            user=agent,
            text=text,
            blocks=blocks,
            thread_ts=thread or None,
        )

    async def find(self, order: str, *, since: datetime, thread: str = "") -> str:
        """Look for a post by its order, among those since a moment; "" where it was never accepted."""
        method = "conversations.replies" if thread else "conversations.history"
        cursor = ""
        for _ in range(PAGES):
            fields: dict[str, str | int] = {"channel": self.channel, "limit": 200, "include_all_metadata": "true"}
            fields["oldest"] = f"{max((since - CLOCKS_DIFFER).timestamp(), 0):.6f}"
            fields |= {"ts": thread} if thread else {}
            fields |= {"cursor": cursor} if cursor else {}
            answer = await self._api.read(method, **fields)
            for message in answer.get("messages") or ():
                metadata = message.get("metadata") or {}
                if (metadata.get("event_payload") or {}).get("order") == order:
                    return str(message["ts"])
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                break
        return ""

    # Bolt: what has to be answered with more than "thank you"

    def _interactive(self) -> AsyncApp:
        client = AsyncWebClient(base_url=self._settings.api_base, retry_handlers=[])
        client.proxy = None
        token = self._settings.bot_token.reveal()

        async def authorize() -> AuthorizeResult:
            return AuthorizeResult(enterprise_id=None, team_id=None, bot_token=token)

        bolt = AsyncApp(
            signing_secret=self._settings.signing_secret.reveal() or "-",
            client=client,
            authorize=authorize,
            process_before_response=True,
            request_verification_enabled=False,
            logger=logging.getLogger("dragoman.bolt"),
        )

        async def press(ack: AsyncAck, body: dict[str, Any]) -> None:
            await self._receive(self._reader.pressed(body, datetime.now(UTC)))
            await ack()

        async def nothing(ack: AsyncAck) -> None:
            await ack()

        anything = re.compile(".*", re.DOTALL)
        bolt.action(anything)(press)
        for other in (bolt.view, bolt.shortcut, bolt.options, bolt.command):
            _register(other(anything), nothing)
        return bolt

    async def _dispatch(self, payload: Mapping[str, Any]) -> Answer:
        request = AsyncBoltRequest(mode="socket_mode", body=dict(payload))
        answer = await self._bolt.async_dispatch(request)
        return answer.status, answer.body

    async def _on_request(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        """Take one envelope; it is confirmed once it is durable, else Slack brings it again."""
        answer: dict[str, Any] | str = ""
        payload = scrub(request.payload)
        try:
            if request.type == "events_api":
                await self._receive(self._reader.callback(payload, datetime.now(UTC)))
            else:
                status, answer = await self._dispatch(payload)
                if status != 200:
                    return
        except Exception:
            log.exception("desk.envelope_failed", extra={"type": request.type})
            return
        said = answer if isinstance(answer, dict) and answer else None
        await client.send_socket_mode_response(SocketModeResponse(request.envelope_id, said))


class _At(Clock):
    """A clock that stands at the moment a request came."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> float:
        return self._at.timestamp()


def _register(register: Callable[..., Any], listener: Callable[..., Awaitable[None]]) -> None:
    register(listener)
