"""Calling Slack's Web API, and what its errors ask us to do. https://docs.slack.dev/apis/web-api/"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import msgspec
from yarl import URL

from adapters.contract import Failure, Rejected, SendError, Unauthorised, Unavailable, Uncertain
from adapters.http import Answer, exchange
from config.credentials import Secret

TOKEN_ERRORS = frozenset(
    {
        "invalid_auth",
        "not_authed",
        "account_inactive",
        "token_revoked",
        "token_expired",
        "team_access_not_granted",
        "missing_scope",
        "no_permission",
        "org_login_required",
    }
)
BUSY_ERRORS = frozenset({"ratelimited", "rate_limited", "service_unavailable", "team_added_to_org"})
UNKNOWN_OUTCOME = frozenset({"fatal_error", "internal_error", "request_timeout"})


METADATA = "dragoman_order"
"""The type of the metadata by which a message of ours is known again."""

CLOCKS_DIFFER = timedelta(minutes=10)
"""How far our clock and Slack's may be apart."""

PAGES = 20
"""How many pages of 200 messages are searched for one that may have been accepted."""


NO_TOKEN = Failure(Unauthorised, "Slack wants a token", "Set it.")
NONE: Mapping[str, Failure] = {}


class SlackApi:
    """One token's calls through the shared client; no call is ever repeated here.

    `failures` are the errors, by Slack's word, that mean something else than what is common to all; `scopes` are what
    Slack last said that the token may do, empty before the first call.
    """

    def __init__(
        self, base: str, token: Secret, session: aiohttp.ClientSession, failures: Mapping[str, Failure] = NONE
    ) -> None:
        self._failures = failures
        self._is_there = bool(token)
        self.scopes: frozenset[str] = frozenset()
        self._base = URL(base)
        self._addresses: dict[str, URL] = {}
        self._session = session
        self._headers = {
            "Authorization": f"Bearer {token.reveal()}",
            "Content-Type": "application/json; charset=utf-8",
        }

    async def call(self, method: str, **fields: Any) -> dict[str, Any]:
        """Make one call with JSON.

        Raises:
            SendError: what to do next.
        """
        body = msgspec.json.encode({key: value for key, value in fields.items() if value is not None})
        address = self._address(method)
        return await self._make(lambda: self._session.post(address, data=body, headers=self._headers), method)

    async def read(self, method: str, **fields: str | int) -> dict[str, Any]:
        """Make one call that reads: its fields go in the address."""
        headers = {"Authorization": self._headers["Authorization"]}
        address = self._address(method)
        return await self._make(lambda: self._session.get(address, params=fields, headers=headers), method)

    async def pages(self, method: str, **fields: str | int) -> AsyncIterator[dict[str, Any]]:
        """Make calls that read, page after page, as many as we read at most."""
        for _ in range(PAGES):
            answer = await self.read(method, **fields)
            yield answer
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return
            fields["cursor"] = cursor

    async def respond(self, address: str, text: str, blocks: Sequence[Mapping[str, Any]]) -> None:
        """Put something in the place of what only one agent sees, at the address that came with their press.

        https://docs.slack.dev/interactivity/handling-user-interaction/#message_responses
        """
        said = msgspec.json.encode({"replace_original": True, "text": text, "blocks": blocks})
        headers = {"Content-Type": "application/json"}
        await exchange(self._session.post(address, data=said, headers=headers), "Slack", "response_url")

    def _address(self, method: str) -> URL:
        """Give a method's address; reading one costs more than keeping the few there are."""
        if method not in self._addresses:
            self._addresses[method] = self._base / method
        return self._addresses[method]

    async def _make(self, make: Callable[[], Any], method: str) -> dict[str, Any]:
        if not self._is_there:
            raise self._failures.get("not_authed", NO_TOKEN).error()
        call = make()
        answer = await exchange(call, "Slack", method)
        if (scopes := answer.headers.get("X-OAuth-Scopes")) is not None:
            self.scopes = frozenset(scope.strip() for scope in scopes.split(","))
        return _answer(answer, method, self._failures)


async def call_with_form(base: str, method: str, session: aiohttp.ClientSession, **fields: str) -> dict[str, Any]:
    """Make a call that goes with no token, and takes a form alone.

    Raises:
        SendError: what to do next.
    """
    return _answer(await exchange(session.post(URL(base) / method, data=fields), "Slack", method), method, NONE)


async def find_order(api: SlackApi, channel: str, order: str, *, since: datetime, thread: str = "") -> str:
    """Look for a message by its order, among those since a moment; "" where it was never accepted."""

    def is_it(message: Mapping[str, Any]) -> bool:
        metadata = message.get("metadata") or {}
        return (metadata.get("event_payload") or {}).get("order") == order

    return await find_message(api, channel, is_it, since=since, thread=thread)


async def find_message(
    api: SlackApi, channel: str, is_it: Callable[[Mapping[str, Any]], bool], *, since: datetime, thread: str = ""
) -> str:
    """Look for a message among those since a moment, in a thread or in the channel; gives its ts, "" for none."""
    method = "conversations.replies" if thread else "conversations.history"
    fields: dict[str, str | int] = {"channel": channel, "limit": 200, "include_all_metadata": "true"}
    fields["oldest"] = f"{max((since - CLOCKS_DIFFER).timestamp(), 0):.6f}"
    fields |= {"ts": thread} if thread else {}
    async for page in api.pages(method, **fields):
        for message in page.get("messages") or ():
            if is_it(message):
                return str(message["ts"])
    return ""


def _answer(answer: Answer, method: str, failures: Mapping[str, Failure]) -> dict[str, Any]:
    status, headers, told = answer
    if status == 429:
        raise Unavailable("Slack asks us to slow down", _retry_after(headers))
    if told is None:
        raise Uncertain(f"Slack answered {method} with {status} and no JSON")
    if told.get("ok") is True and status < 400:
        return told
    error = str(told.get("error") or f"status {status}")
    known = failures.get(error)
    raise known.error() if known else explain(error, status, headers, method)


def explain(error: str, status: int, headers: Mapping[str, str], method: str) -> SendError:
    """Say what an error of Slack's asks us to do."""
    if error in BUSY_ERRORS:
        return Unavailable("Slack asks us to slow down", _retry_after(headers))
    if error in UNKNOWN_OUTCOME or status >= 500:
        return Uncertain(f"Slack answered {method} with {error}")
    if error in TOKEN_ERRORS:
        return Unauthorised(
            f"Slack refuses the bot token for {method}: {error}",
            "Install the app again with the scopes of its manifest, and set its bot token anew.",
        )
    return SlackRefusal(error, method)


class SlackRefusal(Rejected):
    """Slack won't do it; `error` is its word for why."""

    def __init__(self, error: str, method: str) -> None:
        super().__init__(f"Slack refuses {method}: {error}")
        self.error = error


def _retry_after(headers: Mapping[str, str]) -> timedelta:
    value = headers.get("Retry-After", "")
    return timedelta(seconds=int(value) if value.isdecimal() else 1)
