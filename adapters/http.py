"""The one HTTP client that all outgoing calls share, and reading JSON that anybody may have sent."""

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import aiohttp
import msgspec

from adapters.contract import Malformed, Unavailable, Uncertain

TIMEOUT = aiohttp.ClientTimeout(total=30, sock_connect=10)

_SURROGATES = re.compile("[\ud800-\udfff]")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u2028\u2029]")
_ODD = re.compile("[\x00-\x08\x0b-\x1f\x7f\u2028\u2029\ud800-\udfff]")


def open_session() -> aiohttp.ClientSession:
    """Open the client; it takes neither proxies nor cookies from around it."""
    return aiohttp.ClientSession(
        timeout=TIMEOUT,
        trust_env=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        connector=aiohttp.TCPConnector(limit=100),
    )


def not_sent(error: BaseException | None) -> bool:
    """Say whether a failed call certainly never left: only where no connection came about."""
    return isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)


class Answer(NamedTuple):
    """What a platform answered; `told` is its JSON, None where that is no object."""

    status: int
    headers: Mapping[str, str]
    told: dict[str, Any] | None


async def exchange(call: Any, whose: str, what: str = "") -> Answer:
    """Make a call of the shared client; `whose` names the platform to people, `what` the call.

    Raises:
        Unavailable: it never left.
        Uncertain: no answer came.
    """
    try:
        async with call as response:
            status, headers, body = response.status, response.headers, await response.read()
    except (aiohttp.ClientError, OSError) as error:
        if not_sent(error):
            raise Unavailable(f"{whose} can't be reached") from error
        asked = f"{whose} didn't answer {what}".rstrip()
        raise Uncertain(f"{asked}: {type(error).__name__}") from error
    try:
        told = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        told = None
    return Answer(status, headers, told if isinstance(told, dict) else None)


def read_json(body: bytes) -> Any:
    """Read JSON, also with half an emoji in it.

    Raises:
        Malformed: it isn't JSON.
    """
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    try:
        return scrub(json.loads(body))
    except (ValueError, RecursionError) as error:
        raise Malformed("the body isn't JSON") from error


def scrub(value: Any) -> Any:
    """Replace halves of emoji in every text of a JSON value: nothing that is written as UTF-8 takes them."""
    if isinstance(value, str):
        return _SURROGATES.sub("\ufffd", value)
    if isinstance(value, dict):
        return {scrub(key): scrub(each) for key, each in value.items()}
    return [scrub(each) for each in value] if isinstance(value, list) else value


def an_id(value: object) -> str:
    """Take an id as a platform gives it.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(value, str) or not clean(value):
        raise ValueError("an id is missing")
    return clean(value)


def clean(text: object) -> str:
    """Make a text that every store, engine and platform takes; what isn't a text becomes none."""
    if not isinstance(text, str):
        return ""
    if text.isprintable() or not _ODD.search(text):
        return text
    return _CONTROLS.sub("", _SURROGATES.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n")))
