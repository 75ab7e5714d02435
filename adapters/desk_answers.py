"""What agents press, submit and command, answered with more than "thank you"; read and dispatched by Bolt."""

import json
import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltRequest
from slack_bolt.authorization import AuthorizeResult

from adapters.contract import Receive, SendError
from adapters.desk_home import draw_home
from adapters.desk_replies import CALLBACK
from adapters.desk_start import CALLBACK as START
from adapters.desk_view import Block
from adapters.http import clean
from adapters.slack_api import SlackApi
from adapters.slack_events import open_client
from adapters.slack_text import unescape
from config.settings import Desk as DeskSettings
from routing.events import Event

CONSOLE_ACTIONS = ("away", "back", "reply_new", "reply_edit", "start")
CONSOLE_FORMS = (CALLBACK, START)
"""The buttons, and the forms, that are about no conversation."""

ANYTHING = re.compile(".*", re.DOTALL)

log = logging.getLogger("dragoman.desk")
Body = Mapping[str, Any]
Answer = tuple[int, dict[str, Any] | str]
"""What an interactive request is answered: status and body."""


class Console(Protocol):
    """Answers what agents ask the app itself, each time with a text for notifications and blocks."""

    async def command(self, agent: str, text: str) -> tuple[str, list[Block]]:
        """Answer `/dragoman` and the text after it."""

    async def press(self, agent: str, action: str, value: str, trigger: str) -> tuple[str, list[Block]] | None:
        """Do what a button of an answer says; gives what stands in the answer's place then, None for the same."""

    async def submit(self, agent: str, view: Mapping[str, Any]) -> Mapping[str, str]:
        """Take what an agent put into a form; gives by field what is wrong with it."""

    async def home(self, agent: str) -> list[Block]:
        """Draw the app's Home."""


class Answers:
    """Answers as the app of the settings' token.

    What is about a conversation is `read` into events, which `receive` takes; the rest goes to the `console`, None
    before there is one.
    """

    def __init__(
        self,
        settings: DeskSettings,
        api: SlackApi,
        *,
        read: Callable[[Body, datetime], Sequence[Event]],
        receive: Receive,
        console: Callable[[], Console | None],
    ) -> None:
        self._api = api
        self._read = read
        self._receive = receive
        self._console = console
        self._bolt = self._make_bolt(settings)

    async def to(self, payload: Body) -> Answer:
        """Answer a press, a form that was filled in, a shortcut or a command."""
        answer = await self._bolt.async_dispatch(AsyncBoltRequest(mode="socket_mode", body=dict(payload)))
        is_json = "json" in "".join(answer.headers.get("content-type", ()))
        return answer.status, json.loads(answer.body) if is_json else answer.body

    async def show_home(self, agent: str) -> None:
        """Show an agent the app's Home; one that can't be shown is shown when they open it again."""
        console = self._console()
        if console is None:
            return
        try:
            await self._api.call("views.publish", user_id=agent, view=draw_home(await console.home(agent)))
        except Exception:
            log.exception("home.failed", extra={"agent": agent})

    def _make_bolt(self, settings: DeskSettings) -> AsyncApp:
        token = settings.bot_token.reveal()

        async def authorize() -> AuthorizeResult:
            return AuthorizeResult(enterprise_id=None, team_id=None, bot_token=token)

        bolt = AsyncApp(
            name="dragoman",  # else it looks through the whole stack for one
            signing_secret=settings.signing_secret.reveal() or "-",
            client=open_client(settings.api_base),
            authorize=authorize,
            process_before_response=True,
            request_verification_enabled=False,
            logger=logging.getLogger("dragoman.bolt"),
        )
        for known in (bolt.action, bolt.view, bolt.shortcut):
            _register(known(ANYTHING), self._take)
        _register(bolt.command(ANYTHING), self._command)
        _register(bolt.options(ANYTHING), _nothing)
        return bolt

    async def _take(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        console = self._console()
        if console is not None and _is_form(body):
            errors = await console.submit(clean(body["user"]["id"]), body["view"])
            await (ack(response_action="errors", errors=dict(errors)) if errors else ack())
            return
        pressed = _console_actions(body)
        if console is not None and pressed:
            await self._press(console, body, pressed)
        else:
            await self._receive(self._read(body, datetime.now(UTC)))
        await ack()

    async def _press(self, console: Console, body: Body, pressed: Sequence[Body]) -> None:
        """Do what buttons say that are about the agent and no conversation."""
        agent = clean(body["user"]["id"])
        for each in pressed:
            value, trigger = clean(each.get("value")), clean(body.get("trigger_id"))
            shown = await console.press(agent, _action(each), value, trigger)
            if shown and (url := body.get("response_url")):
                await self._show_instead(str(url), *shown)
        if (body.get("view") or {}).get("type") == "home":
            await self.show_home(agent)

    async def _show_instead(self, address: str, text: str, blocks: list[Block]) -> None:
        """Put something in the place of an answer; what was pressed is done, whether or not that can be."""
        try:
            await self._api.respond(address, text, blocks)
        except SendError as error:
            log.warning("desk.answer_stays", extra={"error": str(error)})

    async def _command(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        console = self._console()
        if console is None:
            await ack()
            return
        text, blocks = await console.command(clean(body.get("user_id")), unescape(clean(body.get("text"))))
        await ack(text=text, blocks=blocks)


async def _nothing(ack: AsyncAck) -> None:
    await ack()


def _is_form(body: Body) -> bool:
    """Say whether this is a form that is about no conversation, filled in."""
    return body.get("type") == "view_submission" and (body.get("view") or {}).get("callback_id") in CONSOLE_FORMS


def _console_actions(body: Body) -> list[Body]:
    actions = [each for each in body.get("actions") or () if isinstance(each, dict)]
    return [each for each in actions if _action(each) in CONSOLE_ACTIONS]


def _action(pressed: Body) -> str:
    return str(pressed.get("action_id")).partition(":")[0]


def _register(register: Callable[..., Any], listener: Callable[..., Awaitable[None]]) -> None:
    register(listener)
