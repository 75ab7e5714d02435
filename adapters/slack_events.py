"""Receiving from Slack, for the desk and for customers who write there: signatures, and Socket Mode.

https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from slack_sdk.signature import Clock, SignatureVerifier
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from adapters.contract import Forged, Request
from adapters.http import scrub
from config.credentials import Secret

Answer = Callable[[str, Any], Awaitable[dict[str, Any] | None]]
"""Takes an envelope, its type and its payload, and gives what it is confirmed with; raises where it isn't durable."""

log = logging.getLogger("dragoman.slack")


class Unconfirmed(Exception):
    """An envelope couldn't be taken now: it isn't confirmed, and Slack brings it again."""


def check_signature(request: Request, secret: Secret, where: str) -> None:
    """Hold a call's signature against the signing secret; five minutes is too old.

    Raises:
        Forged: it is missing or wrong.
    """
    timestamp = request.headers.get("x-slack-request-timestamp", "")
    if not secret:
        raise Forged(f"{where}: there is no signing_secret to hold a signature against")
    verifier = SignatureVerifier(secret.reveal(), _At(request.at))
    try:
        good = timestamp.isdecimal() and verifier.is_valid(
            request.body, timestamp, request.headers.get("x-slack-signature", "")
        )
    except (ValueError, TypeError, UnicodeDecodeError):
        good = False
    if not good:
        raise Forged(f"{where}: wrong or missing signature")


def open_client(api_base: str) -> AsyncWebClient:
    """Make a client of the library's that repeats nothing by itself and takes no proxy from around it."""
    client = AsyncWebClient(base_url=api_base, retry_handlers=[])
    client.proxy = None
    return client


class Socket:
    """One app's Socket Mode connection; `answer` takes what comes."""

    def __init__(self, app_token: Secret, api_base: str, answer: Answer) -> None:
        self._app_token = app_token
        self._api_base = api_base
        self._answer = answer
        self._client: SocketModeClient | None = None

    @property
    def connected(self) -> bool:
        """Say whether it is connected just now."""
        session = self._client.current_session if self._client else None
        return session is not None and not session.closed

    async def connect(self) -> None:
        """Connect; the library keeps it up from then on."""
        self._client = SocketModeClient(
            app_token=self._app_token.reveal(), web_client=open_client(self._api_base), trace_enabled=False
        )
        self._client.proxy = None
        self._client.socket_mode_request_listeners.append(self._on_request)
        await self._client.connect()  # type: ignore[no-untyped-call]

    async def close(self) -> None:
        """Let go of it."""
        if self._client is not None:
            await self._client.close()  # type: ignore[no-untyped-call]

    async def _on_request(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        """Take one envelope; it is confirmed once it is durable, else Slack brings it again."""
        try:
            answer = await self._answer(request.type, scrub(request.payload))
        except Unconfirmed:
            return
        except Exception:
            log.exception("slack.envelope_failed", extra={"type": request.type})
            return
        await client.send_socket_mode_response(SocketModeResponse(request.envelope_id, answer))


class _At(Clock):
    """A clock that stands at the moment a request came."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> float:
        return self._at.timestamp()
