"""The agents' side: one Slack channel or more, a thread each conversation. https://docs.slack.dev/"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any, TypeVar
from urllib.parse import parse_qs

import aiohttp

from adapters import slack_files
from adapters.contract import Content, Failure, Malformed, Receive, Request, SendError, Unauthorised
from adapters.desk_answers import Answer, Answers, Console
from adapters.desk_events import DeskReader
from adapters.desk_forms import Form, draw_form
from adapters.desk_view import Block
from adapters.http import clean, read_json
from adapters.media import fetch
from adapters.places import Place, Places
from adapters.slack import Slack
from adapters.slack_api import METADATA, SlackApi, SlackRefusal, find_order
from adapters.slack_events import Socket, Unconfirmed, check_signature
from adapters.slack_text import escape
from config.settings import Desk as DeskSettings
from routing import texts
from routing.contents import File
from routing.events import Event
from routing.policy import Policy

EMOJI = {"accepted": "white_check_mark", "read": "eyes", "failed": "warning", "waits": "hourglass_flowing_sand"}
NOT_THERE = Failure(
    Unauthorised,
    "Slack refuses the desk's channel",
    "Check [desk] channel, and invite the app into that channel: /invite @dragoman",
)
NOT_SET_UP = Failure(
    Unauthorised, "The desk isn't set up", "`dragoman admin link` opens the console, where that is done"
)
SCOPES = {
    "chat:write": "no conversation can be shown",
    "commands": "there is no /dragoman, and no menu at a message",
    "channels:history": "what may have been posted before a break can't be looked for",
    "channels:read": "the channel can't be checked",
    "files:read": "agents' files don't reach customers",
    "files:write": "customers' files don't reach the thread",
    "reactions:write": "agents don't see what became of their answers",
}
"""What the app must be allowed, and what goes wrong without."""

LATE = ("expired_trigger_id", "exchanged_trigger_id", "invalid_trigger_id")
"""What Slack says where a form is opened three seconds after the press, or a second time."""

MEMBERS = 999
"""How many members of a channel are asked for at a time; Slack gives at most 1,000."""

CUSTOMIZE, NAME_LENGTH = "chat:write.customize", 80
"""What an app may be allowed beside: to post under other names, of so many characters."""

PRESENCE_SCOPE = ("users:read", "who is away in Slack isn't known")
FAILURES = {
    **dict.fromkeys(("channel_not_found", "not_in_channel", "is_archived"), NOT_THERE),
    "not_authed": NOT_SET_UP,
}

log = logging.getLogger("dragoman.desk")
T = TypeVar("T")


class Desk:
    """The desk's channels; `session` carries its calls, `receive` takes what happens there.

    `guests` are the channels of customers who write to the desk's own app.
    """

    def __init__(
        self,
        settings: DeskSettings,
        policy: Policy,
        session: aiohttp.ClientSession,
        receive: Receive,
        guests: Sequence[Slack] = (),
    ) -> None:
        self._session = session
        self._guests = guests
        self._receive = receive
        self._shown: set[asyncio.Task[None]] = set()
        self.console: Console | None = None
        self._changed = asyncio.Event()
        self._connect_as(settings)
        self._listen_to(settings, policy)

    def _connect_as(self, settings: DeskSettings) -> None:
        """Be the app that the settings name."""
        self._settings = settings
        self._hosts = slack_files.hosts(settings.api_base, settings.bot_token)
        self._api = SlackApi(settings.api_base, settings.bot_token, self._session, FAILURES)
        self._sockets = SlackApi(settings.api_base, settings.app_token, self._session)
        self._socket = Socket(settings.app_token, settings.api_base, self._take)
        self._known = False
        self._workspace = ""
        self._answers = Answers(
            settings,
            self._api,
            read=lambda body, at: self._reader.interacted(body, at),
            receive=self._receive,
            console=lambda: self.console,
        )

    def _listen_to(self, settings: DeskSettings, policy: Policy) -> None:
        """Know the agents, and the channels that they work in."""
        self._settings = settings
        self._colleagues = frozenset(agent.id for agent in policy.agents)
        self.places = Places(settings.channel, [each.channel for each in policy.desks])
        self._reader = DeskReader(self.places, policy, self._overhear)

    async def become(self, settings: DeskSettings, policy: Policy) -> None:
        """Go on with other settings, at once; a connection that they don't concern stays."""
        was, old = self._settings, self._socket
        if settings.app != was.app:
            self._connect_as(settings)
        self._listen_to(settings, policy)
        if self._socket is not old:
            self._changed.set()
            await old.close()

    @property
    def problem(self) -> str:
        """Say why the desk isn't connected, "" where it is."""
        if not self._settings.bot_token:
            return f"{NOT_SET_UP.told}. {NOT_SET_UP.advice}"
        if self._settings.mode == "socket":
            return "" if self._socket.connected else "Socket Mode isn't connected"
        return "" if self._known else "Slack hasn't confirmed the bot token yet"

    # Receiving

    def verify(self, request: Request) -> None:
        """Hold the signature against the signing secret."""
        check_signature(request, self._settings.signing_secret, "the desk")

    def parse(self, request: Request) -> Sequence[Event]:
        """Read an event callback.

        Raises:
            Malformed: it isn't Slack's.
        """
        body = read_json(request.body)
        if not isinstance(body, dict) or body.get("type") not in ("event_callback", "app_rate_limited"):
            raise Malformed("this isn't a Slack event: its type isn't event_callback")
        return self._heard(body, request.at) if body["type"] == "event_callback" else ()

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
        return await self._answers.to(payload)

    def _heard(self, body: Mapping[str, Any], at: datetime) -> Sequence[Event]:
        """Read an event; whoever opens the app's Home is shown it."""
        event = body.get("event")
        if isinstance(event, dict) and event.get("type") == "app_home_opened" and event.get("tab") == "home":
            task = asyncio.create_task(self._answers.show_home(clean(event.get("user"))))
            self._shown.add(task)
            task.add_done_callback(self._shown.discard)
        return self._reader.callback(body, at)

    async def listen(self) -> None:
        """Keep Socket Mode connected as the app that the desk is, until cancelled; in HTTP mode Slack calls us."""
        while True:
            self._changed.clear()
            socket = self._socket
            if self._settings.mode == "socket" and self._settings.bot_token:
                await socket.connect()
            if socket is not self._socket:
                await socket.close()
            else:
                await self._changed.wait()

    async def close(self) -> None:
        """Let go of the socket."""
        for task in self._shown:
            task.cancel()
        await asyncio.gather(*self._shown, return_exceptions=True)
        await self._socket.close()

    def _overhear(self, body: Mapping[str, Any], at: datetime) -> Sequence[Event]:
        return tuple(event for guest in self._guests for event in guest.overhear(body, at, colleagues=self._colleagues))

    # Speaking

    async def probe(self) -> str:
        """Ask whose tokens these are, and whether the channel is there."""
        if not self._settings.bot_token:
            raise NOT_SET_UP.error()
        me = await self._api.call("auth.test")
        self._known = True
        self._workspace = str(me.get("url") or "")
        if self._settings.mode == "socket":
            try:
                await self._sockets.call("apps.connections.open")
            except Unauthorised as error:
                advice = "Make an app-level token with connections:write, and set app_token."
                raise Unauthorised("Slack refuses the desk's app token", advice) from error
        names = " ".join([await self._name_of(channel) for channel in self.places.ordered])
        return f"{me.get('team', '?')} {names} as {me.get('user', '?')}"

    async def _name_of(self, channel: str) -> str:
        found = (await self._api.read("conversations.info", channel=channel)).get("channel") or {}
        name = f"#{found.get('name', channel)}"
        if found.get("is_member") is False:
            raise SendError(f"the app isn't in the channel {name}", "Invite it: /invite @dragoman")
        return name

    async def lacking(self) -> dict[str, str]:
        """Say which scopes the app lacks, and what goes wrong without each."""
        if not self._settings.bot_token:
            raise NOT_SET_UP.error()
        await self._api.call("auth.test")
        wanted = SCOPES | (dict((PRESENCE_SCOPE,)) if self._settings.slack_presence else {})
        return {scope: why for scope, why in wanted.items() if self._api.scopes and scope not in self._api.scopes}

    @property
    def may_customize(self) -> bool:
        """Say whether the app may post under other names than its own, as far as is known by now."""
        return CUSTOMIZE in self._api.scopes

    async def post(
        self,
        text: str,
        blocks: Sequence[Block],
        *,
        order: str,
        thread: str = "",
        channel: str = "",
        name: str = "",
        face: str = "",
    ) -> str:
        """Post, in a thread or as a first message in a channel ("" the desk's first); gives the post's place.

        `order` lets `find` know it again, `name` and `face`, the address of a picture, are whose it shows under where
        the app may use others than its own.
        """

        async def post(at: Place) -> str:
            answer = await self._api.call(
                "chat.postMessage",
                channel=at.channel,
                text=text,
                blocks=blocks,
                thread_ts=at.ts or None,
                username=name[:NAME_LENGTH] if name and self.may_customize else None,
                icon_url=face if face and self.may_customize else None,
                unfurl_links=False,
                unfurl_media=False,
                metadata={"event_type": METADATA, "event_payload": {"order": order}},
            )
            return self.places.name(at.channel, str(answer["ts"]))

        return await self._in_sight(self.places.find(thread or f"{channel}/"), post)

    async def upload(self, name: str, content: Content) -> str:
        """Upload a file that nobody sees before it is published; gives its id."""
        return await slack_files.upload(self._api, self._session, name, content)

    async def publish(self, files: Sequence[tuple[str, str]], *, thread: str, comment: str) -> None:
        """Post uploaded files, each an id and a title, as one message."""

        async def publish(at: Place) -> None:
            await slack_files.publish(self._api, files, at.channel, thread=at.ts, comment=comment)

        await self._in_sight(self.places.find(thread), publish)

    async def published(self, file: str, *, since: datetime, thread: str) -> str:
        """Give the ts of the post that shows a file since a moment, "" where none does."""

        async def look(at: Place) -> str:
            return await slack_files.published(self._api, file, at.channel, since=since, thread=at.ts)

        return await self._look(self.places.find(thread), look)

    def fetch(self, file: File) -> AbstractAsyncContextManager[Content]:
        """Fetch a file that an agent put into a thread."""
        return fetch(self._session, file.ref, self._hosts)

    async def update(self, place: str, text: str, blocks: Sequence[Block]) -> None:
        """Change a post where it is; one that is gone stays gone."""
        at = self.places.find(place)
        try:
            change = self._api.call("chat.update", channel=at.channel, ts=at.ts, text=text, blocks=blocks)
            await self._leave_be(at, change)
        except SlackRefusal as error:
            if error.error != "message_not_found":
                raise

    async def react(self, place: str, emoji: str) -> None:
        """Put a sign on an agent's message."""
        at = self.places.find(place)
        try:
            sign = self._api.call("reactions.add", channel=at.channel, timestamp=at.ts, name=EMOJI[emoji])
            await self._leave_be(at, sign)
        except SlackRefusal as error:
            if error.error not in ("already_reacted", "message_not_found", "no_item_specified"):
                raise

    async def is_present(self, agent: str) -> bool:
        """Ask whether Slack shows an agent as there."""
        return (await self._api.read("users.getPresence", user=agent)).get("presence") == "active"

    async def has_member(self, person: str) -> bool:
        """Ask whether somebody is in one of the desk's channels; where Slack doesn't tell, nobody is."""
        try:
            for channel in self.places.ordered:
                async for page in self._api.pages("conversations.members", channel=channel, limit=MEMBERS):
                    if person in (page.get("members") or ()):
                        return True
        except SendError as error:
            log.warning("desk.members_unknown", extra={"error": str(error)})
        return False

    async def zone(self, agent: str) -> tzinfo:
        """Ask in which time zone an agent is; UTC where Slack doesn't tell."""
        try:
            found = await self._api.read("users.info", user=agent)
            return timezone(timedelta(seconds=int(found["user"]["tz_offset"])))
        except (SendError, KeyError, TypeError, ValueError):
            return UTC

    def link(self, place: str) -> str:
        """Give the address of a post, "" while it isn't known whose workspace this is."""
        channel, ts = self.places.find(place)
        return f"{self._workspace}archives/{channel}/p{ts.replace('.', '')}" if self._workspace and ts else ""

    async def whisper(self, agent: str, text: str, blocks: Sequence[Block], *, thread: str = "") -> None:
        """Tell an agent something that nobody else sees."""
        at = self.places.find(thread)
        said = self._api.call(
            "chat.postEphemeral",
            channel=at.channel,
            user=agent,
            text=text,
            blocks=blocks,
            thread_ts=at.ts or None,
        )
        await self._leave_be(at, said)

    async def tell_directly(self, agent: str, text: str, place: str) -> None:
        """Write to an agent alone, with a link to a post."""
        said = f"<{self.link(place)}|{escape(text)}>" if self.link(place) else escape(text)
        await self._api.call("chat.postMessage", channel=agent, text=said, unfurl_links=False)

    async def open_form(self, trigger: str, form: Form, *, thread: str) -> str:
        """Open a form of a thread's for whoever pressed; gives what they are to be told where Slack won't."""
        return await self.open_view(trigger, draw_form(form, thread))

    async def open_view(self, trigger: str, view: Mapping[str, Any]) -> str:
        """Open a modal for whoever pressed; gives what they are to be told where Slack won't, else ""."""
        try:
            await self._api.call("views.open", trigger_id=trigger, view=view)
        except SlackRefusal as error:
            log.warning("desk.form_refused", extra={"error": error.error})
            return texts.FORM_EXPIRED if error.error in LATE else texts.form_refused(error.error)
        return ""

    async def find(self, order: str, *, since: datetime, thread: str = "", channel: str = "") -> str:
        """Look for a post by its order, among those since a moment; "" where it was never accepted."""

        async def look(at: Place) -> str:
            ts = await find_order(self._api, at.channel, order, since=since, thread=at.ts)
            return self.places.name(at.channel, ts) if ts else ""

        return await self._look(self.places.find(thread or f"{channel}/"), look)

    # A further channel that can't be used any more mustn't hold up what is for the others.

    async def _in_sight(self, at: Place, post: Callable[[Place], Awaitable[T]]) -> T:
        """Post something; where a further channel can't be used, in the first, so that it is seen."""
        try:
            return await post(at)
        except Unauthorised as error:
            self._give_up(at, error)
        return await post(Place(self.places.first, ""))

    async def _look(self, at: Place, look: Callable[[Place], Awaitable[str]]) -> str:
        """Look for something where it was posted, or stands in its channel's stead."""
        found = ""
        try:
            found = await look(at)
        except Unauthorised as error:
            self._give_up(at, error)
        if found or at.channel == self.places.first:
            return found
        return await look(Place(self.places.first, ""))

    async def _leave_be(self, at: Place, change: Awaitable[object]) -> None:
        """Change what is there already; in a further channel that can't be used any more it stays as it is."""
        try:
            await change
        except Unauthorised as error:
            self._give_up(at, error)

    def _give_up(self, at: Place, error: Unauthorised) -> None:
        """Say why a further channel isn't used; of the first it is a fault of the desk's."""
        if at.channel == self.places.first:
            raise error
        log.error("desk.channel_refused", extra={"channel": at.channel, "error": f"{error}. {error.advice}"})

    # Socket Mode

    async def _take(self, kind: str, payload: Any) -> dict[str, Any] | None:
        """Take one envelope of Socket Mode."""
        if kind == "events_api":
            await self._receive(self._heard(payload, datetime.now(UTC)))
            return None
        status, answer = await self._answers.to(payload)
        if status != 200:
            raise Unconfirmed
        return answer if isinstance(answer, dict) and answer else None
