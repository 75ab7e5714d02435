"""What every channel promises, held against each, with what the platforms send."""

import base64
import hmac
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from adapters import CHANNELS, KINDS
from adapters.contract import (
    Asked,
    Channel,
    Forged,
    Malformed,
    Outbound,
    Portrayed,
    Rejected,
    Request,
    SendError,
    Unavailable,
)
from config.credentials import Secret
from config.settings import ChannelSettings
from routing.events import Event

Plain = Callable[[Event], dict[str, Any]]
Damaged = Callable[[Any], Iterator[Any]]
FIXTURES = Path(__file__).parent / "fixtures"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
SECRET = b"s3cret"
"""What the fixtures' channels sign with."""

SET_UP: dict[str, dict[str, Any]] = {
    kind: json.loads((FIXTURES / kind / "channel.json").read_text()) for kind in CHANNELS
}
"""A channel of each kind: its id, the values of its fields, and by which headers its platform proves who calls."""


def proof(kind: str, body: bytes) -> dict[str, str]:
    """Sign a body as the platform does: over `signed_after` and the body, with the secret of all fixtures."""
    at = int(NOON.timestamp())
    digest = hmac.digest(SECRET, SET_UP[kind].get("signed_after", "").format(at=at).encode() + body, "sha256")
    made = {"at": at, "hex": digest.hex(), "base64": base64.b64encode(digest).decode()}
    return {name: value.format(**made) for name, value in SET_UP[kind]["proof"].items()}


@pytest.fixture
async def session() -> Any:
    async with aiohttp.ClientSession() as opened:
        yield opened


def make(kind: str, session: aiohttp.ClientSession, **other: str) -> Channel:
    values, secrets = {}, {}
    for each in KINDS[kind]:
        value = {**SET_UP[kind]["values"], **other}.get(each.name, each.default or "")
        if each.secret:
            secrets[each.name] = Secret(value)
        else:
            values[each.name] = value
    return CHANNELS[kind](ChannelSettings(SET_UP[kind]["id"], kind, values, secrets), session)


def request(kind: str, body: bytes, **headers: str) -> Request:
    return Request(headers={**proof(kind, body), **headers}, query={}, body=body, at=NOON)


def cases(way: str = "receive") -> list[Any]:
    return [
        pytest.param(kind, json.loads(file.read_text()), id=f"{kind}-{file.stem}")
        for kind in CHANNELS
        for file in sorted((FIXTURES / kind / way).glob("*.json"))
    ]


def wire(case: dict[str, Any]) -> bytes:
    return str(case["raw"]).encode() if "raw" in case else json.dumps(case["body"]).encode()


def test_every_channel_has_fixtures() -> None:
    for way in ("receive", "send"):
        assert {kind for kind in CHANNELS if (FIXTURES / kind / way).is_dir()} == set(CHANNELS)


@pytest.mark.parametrize(("kind", "case"), cases())
async def test_reads_what_the_platform_sends(
    kind: str, case: dict[str, Any], session: aiohttp.ClientSession, plain: Plain
) -> None:
    channel = make(kind, session)
    call = request(kind, wire(case))
    channel.verify(call)
    if "raises" in case:
        with pytest.raises({"Malformed": Malformed, "Asked": Asked}[case["raises"]]):
            channel.parse(call)
        return
    events = channel.parse(call)

    assert [plain(event) for event in events] == case["events"]
    assert len({event.id for event in events}) == len(events)
    assert [event.id for event in events] == [event.id for event in channel.parse(call)]


@pytest.mark.parametrize(("kind", "case"), cases())
async def test_whatever_is_left_out_it_answers(
    kind: str, case: dict[str, Any], session: aiohttp.ClientSession, plain: Plain, damaged: Damaged
) -> None:
    """Each key, at any depth, is once left out, once null and once of another type."""
    channel = make(kind, session)
    for body in damaged(case.get("body")):
        call = request(kind, json.dumps(body).encode())
        try:
            events = channel.parse(call)
        except (Malformed, Asked):
            continue
        assert all(event.to or plain(event)["type"] == "Unrecognised" for event in events)


@pytest.mark.parametrize(("kind", "case"), cases("send"))
async def test_sends_what_the_platform_takes_and_understands_its_answers(
    kind: str, case: dict[str, Any], session: aiohttp.ClientSession, aiohttp_server: Any
) -> None:
    answers = iter(case["answers"])
    asked: list[dict[str, Any]] = []

    async def answer(http: web.Request) -> web.Response:
        body = await http.json() if http.content_type == "application/json" else dict(await http.post())
        asked.append({"path": http.path, "fields": body})
        told = next(answers)
        text = told["body"] if isinstance(told["body"], str) else json.dumps(told["body"])
        headers = {"Content-Type": "application/json", **told.get("headers", {})}
        return web.Response(status=told["status"], text=text, headers=headers)

    app = web.Application()
    app.router.add_post("/{path:.*}", answer)
    base = str((await aiohttp_server(app)).make_url("")).rstrip("/")
    channel = make(kind, session, api_base=base)
    message = Outbound(case["to"], case["text"], "o-1.0", "mailbox", case.get("late", False))
    outcome = case["outcome"]
    if "sent" in outcome:
        assert (await channel.send(message)).message == outcome["sent"]
    else:
        with pytest.raises(SendError) as raised:
            await channel.send(message)
        assert type(raised.value).__name__ == outcome["raises"]
        if "after" in outcome:
            assert getattr(raised.value, "after", None) == timedelta(seconds=outcome["after"])
    assert [call["path"] for call in asked] == [call["path"] for call in case["requests"]]
    for call, wanted in zip(asked, case["requests"], strict=True):
        assert {key: call["fields"].get(key) for key in wanted["fields"]} == wanted["fields"]


@pytest.mark.parametrize("kind", CHANNELS)
async def test_a_forged_call_is_refused(kind: str, session: aiohttp.ClientSession) -> None:
    channel = make(kind, session)
    header = next(iter(proof(kind, b"{}")))
    for call in (
        Request(headers={}, query={}, body=b"{}", at=NOON),
        request(kind, b"{}", **{header: ""}),
        request(kind, b"{}", **{header: "sha256=" + "0" * 64}),
        request(kind, b"{}", **{header: "sécrét"}),
    ):
        with pytest.raises(Forged):
            channel.verify(call)


@pytest.mark.parametrize("kind", CHANNELS)
@pytest.mark.parametrize(
    "body", [b"", b"not json", b"[]", b"null", b"1", b'"text"', b"{}", b"\xff\xfe", b'{"object": "user"}']
)
async def test_what_is_not_the_platforms_is_malformed(kind: str, body: bytes, session: aiohttp.ClientSession) -> None:
    with pytest.raises(Malformed):
        make(kind, session).parse(request(kind, body))


@pytest.mark.parametrize("kind", CHANNELS)
async def test_a_platform_that_cannot_be_reached_took_nothing(kind: str, session: aiohttp.ClientSession) -> None:
    channel = make(kind, session, api_base="http://127.0.0.1:9")

    with pytest.raises(Unavailable):
        await channel.send(Outbound("1001", "Hi", "o-1.0", f"{channel.id}/1001"))
    with pytest.raises(SendError):
        await channel.probe()


@pytest.mark.parametrize("kind", CHANNELS)
async def test_no_secret_shows(kind: str, session: aiohttp.ClientSession) -> None:
    channel = make(kind, session)
    secrets = [SET_UP[kind]["values"][field.name] for field in KINDS[kind] if field.secret]

    assert not any(secret in f"{channel!r} {channel}" for secret in secrets)


def test_every_field_is_explained() -> None:
    for fields in KINDS.values():
        assert all(field.label for field in fields)


async def test_the_table_of_capabilities_is_true(session: aiohttp.ClientSession) -> None:
    text = (Path(__file__).parent.parent / "adapters" / "README.md").read_text()
    rows = {
        kind: (int(most), counted, told == "yes", read == "yes")
        for kind, most, counted, told, read in re.findall(
            r"\| (\w+) \| (\d+) \| (\w+) \| (yes|no) \| (yes|no) \|", text
        )
    }
    made = {kind: make(kind, session).capabilities for kind in CHANNELS}

    assert rows == {
        kind: (each.max_text, each.size.__name__, each.receipts, each.read_until) for kind, each in made.items()
    }


PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(100)
FOUND = {"ok": True, "result": {"total_count": 1, "photos": [[{"file_id": "AgAC"}, {"file_id": "AgBD"}]]}}
SHOWN: dict[str, tuple[str, dict[str, Any]]] = {
    "telegram": ("1001", {"getUserProfilePhotos": FOUND, "getFile": {"ok": True, "result": {"file_path": "picture"}}}),
    "messenger": ("7001", {"7001": {"id": "7001", "profile_pic": "BASE/picture"}}),
    "instagram": ("7001", {"7001": {"id": "7001", "profile_pic": "BASE/picture"}}),
    "slack": ("U0GUEST", {"users.info": {"ok": True, "user": {"profile": {"image_192": "BASE/picture"}}}}),
    "line": ("U7001", {"U7001": {"displayName": "Mika", "pictureUrl": "BASE/picture"}}),
}
"""A customer of each kind that shows pictures, and what its platform answers by the last part of what it is asked."""

HIDDEN: dict[str, dict[str, Any]] = {
    "telegram": {"getUserProfilePhotos": {"ok": True, "result": {"total_count": 0, "photos": []}}},
    "messenger": {"7001": {"id": "7001"}},
    "instagram": {"7001": {"id": "7001"}},
    "slack": {"users.info": {"ok": True, "user": {}}},
    "line": {"U7001": {"displayName": "Mika"}},
}


@pytest.mark.parametrize("kind", CHANNELS)
async def test_a_picture_of_a_customer_is_had_if_they_show_one(
    kind: str, session: aiohttp.ClientSession, aiohttp_server: Any
) -> None:
    answers: dict[str, Any] = {}

    async def answer(http: web.Request) -> web.Response:
        last = http.path.rpartition("/")[2]
        if last == "picture":
            return web.Response(body=PICTURE)
        told = json.dumps(answers[last]).replace("BASE", f"http://{http.host}")
        return web.Response(text=told, content_type="application/json")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    base = str((await aiohttp_server(app)).make_url("")).rstrip("/")
    bases = {each.name: base for each in KINDS[kind] if each.name in ("api_base", "data_base")}
    channel: object = make(kind, session, **bases)
    if kind not in SHOWN:
        assert not isinstance(channel, Portrayed)
        return
    assert isinstance(channel, Portrayed)
    peer, shown = SHOWN[kind]
    answers |= shown
    async with channel.portrait(peer) as content:
        assert (content.mime, content.file.read()) == ("image/png", PICTURE)
    answers |= HIDDEN[kind]
    with pytest.raises(Rejected):
        async with channel.portrait(peer):
            pass
    elsewhere = json.loads(json.dumps(shown).replace("BASE", "https://intranet.example"))
    if elsewhere != shown:
        answers |= elsewhere
        with pytest.raises(Rejected, match="isn't at one of the platform's own hosts"):
            async with channel.portrait(peer):
                pass
