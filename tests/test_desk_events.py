"""What the desk's Slack sends, and what is made of it."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from adapters.contract import Forged, Malformed, Request
from adapters.desk import Desk
from adapters.desk_events import DeskReader
from adapters.http import read_json
from adapters.places import Places
from adapters.slack_text import escape, read_message
from config.credentials import Secret
from config.settings import Desk as DeskSettings
from routing.events import AgentWrote, Event
from routing.policy import Agent, Policy
from sandbox.slack import SlackSandbox

Plain = Callable[[Event], dict[str, Any]]
Damaged = Callable[[Any], Iterator[Any]]
FIXTURES = Path(__file__).parent / "fixtures" / "desk"
POLICY = Policy(agents=(Agent(id="U0AGENT01", name="Kari"),))
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
READER = DeskReader(Places("C0AGENTS1"), POLICY, lambda body, at: ())


def cases(kind: str) -> list[Any]:
    return [
        pytest.param(json.loads(file.read_text()), id=file.stem) for file in sorted((FIXTURES / kind).glob("*.json"))
    ]


@pytest.fixture
async def received() -> list[Event]:
    return []


@pytest.fixture
async def desk(received: list[Event]) -> Any:
    async def receive(events: Sequence[Event]) -> None:
        received.extend(events)

    settings = DeskSettings(
        channel="C0AGENTS1", bot_token=Secret("xoxb-1"), signing_secret=Secret("s3cret"), mode="http"
    )
    async with aiohttp.ClientSession() as session:
        yield Desk(settings, POLICY, session, receive)


@pytest.mark.parametrize("case", cases("receive"))
def test_reads_what_slack_sends(case: dict[str, Any], plain: Plain) -> None:
    assert [plain(event) for event in READER.callback(case["body"], NOON)] == case["events"]


@pytest.mark.parametrize("case", cases("receive"))
def test_whatever_is_left_out_it_answers(case: dict[str, Any], plain: Plain, damaged: Damaged) -> None:
    for body in damaged(case["body"]):
        for event in READER.callback(read_json(json.dumps(body).encode()), NOON):
            assert event.to or plain(event)["type"] == "Unrecognised"


@pytest.mark.parametrize("case", cases("interact"))
async def test_whatever_is_pressed_or_typed_is_taken(case: dict[str, Any], desk: Desk, received: list[Event]) -> None:
    status, _ = await desk.interact(case["form"].encode())

    assert status == 200


def test_our_own_posts_and_other_machines_say_nothing() -> None:
    message = {
        "type": "message",
        "channel": "C0AGENTS1",
        "user": "U0AGENT01",
        "text": "x",
        "ts": "2.0",
        "thread_ts": "1.0",
    }
    for mark in ({"bot_id": "B1"}, {"app_id": "A1"}, {"user": "USLACKBOT"}, {"user": None}, {"subtype": "bot_message"}):
        assert READER.callback({"type": "event_callback", "event": {**message, **mark}}, NOON) == ()
    assert len(READER.callback({"type": "event_callback", "event": message}, NOON)) == 1


@pytest.mark.parametrize(
    ("text", "addressed"),
    [
        ("<@U0AGENT01> look", True),
        ("<@U0NOBODY> look", True),
        ("<!subteam^S1|@billing> look", True),
        ("@kari look", True),
        ("@somebody else, look", True),
        ("ask @kari", False),
        ("@ 5 o'clock", False),
        ("mail a@b.example", False),
    ],
)
def test_what_begins_by_addressing_a_colleague_is_known(text: str, addressed: bool) -> None:
    message = {"type": "message", "channel": "C0AGENTS1", "user": "U1", "text": text, "ts": "2.0", "thread_ts": "1.0"}
    (event,) = READER.callback({"type": "event_callback", "event": message}, NOON)

    assert isinstance(event, AgentWrote)
    assert event.addressed is addressed


def test_one_post_told_twice_is_one_event() -> None:
    message = {
        "type": "message",
        "channel": "C0AGENTS1",
        "user": "U0AGENT01",
        "text": "x",
        "ts": "2.0",
        "thread_ts": "1.0",
    }
    one, other = ({"type": "event_callback", "event_id": id_, "event": message} for id_ in ("Ev1", "Ev2"))

    assert READER.callback(one, NOON)[0].id == READER.callback(other, NOON)[0].id


@pytest.mark.parametrize(
    ("age", "secret", "drop"),
    [
        (301, "s3cret", ""),
        (-301, "s3cret", ""),
        (0, "other", ""),
        (0, "s3cret", "x-slack-signature"),
        (0, "s3cret", "x-slack-request-timestamp"),
    ],
    ids=["stale", "from the future", "wrong secret", "no signature", "no timestamp"],
)
async def test_a_forged_call_is_refused(desk: Desk, age: int, secret: str, drop: str) -> None:
    sandbox = SlackSandbox("xoxb-1", "C0AGENTS1", signing_secret=secret)
    signed = {name.lower(): value for name, value in sandbox.sign(b"{}", int(NOON.timestamp()) - age).items()}
    signed.pop(drop, None)

    with pytest.raises(Forged):
        desk.verify(Request(headers=signed, query={}, body=b"{}", at=NOON))


async def test_a_signed_call_is_taken(desk: Desk) -> None:
    sandbox = SlackSandbox("xoxb-1", "C0AGENTS1", signing_secret="s3cret")
    signed = {name.lower(): value for name, value in sandbox.sign(b"{}", int(NOON.timestamp()) - 299).items()}
    desk.verify(Request(headers=signed, query={}, body=b"{}", at=NOON))
    signed["x-slack-request-timestamp"] = "soon"

    with pytest.raises(Forged):
        desk.verify(Request(headers=signed, query={}, body=b"{}", at=NOON))


def test_the_simulated_slack_numbers_posts_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter((5, 5, 4, 1205))
    monkeypatch.setattr("time.time_ns", lambda: next(seconds) * 10**9)
    sandbox = SlackSandbox("xoxb-1", "C0AGENTS1")

    assert [sandbox._next_ts() for _ in range(4)] == ["5.000000", "5.000001", "5.000002", "1205.000000"]


async def test_without_a_secret_nothing_is_taken() -> None:
    async def receive(events: Sequence[Event]) -> None:
        raise AssertionError

    sandbox = SlackSandbox("xoxb-1", "C0AGENTS1", signing_secret="")
    signed = {name.lower(): value for name, value in sandbox.sign(b"{}", int(NOON.timestamp())).items()}
    async with aiohttp.ClientSession() as session:
        desk = Desk(DeskSettings(channel="C0AGENTS1", bot_token=Secret("xoxb-1")), POLICY, session, receive)
        with pytest.raises(Forged):
            desk.verify(Request(headers=signed, query={}, body=b"{}", at=NOON))


PRESS = {
    "type": "block_actions",
    "user": {"id": "U1"},
    "container": {"channel_id": "C0AGENTS1", "message_ts": "2.0"},
    "message": {"thread_ts": "1.0"},
    "actions": [{"action_id": "claim", "value": "7", "action_ts": "3.0"}],
}
MENU = {
    "type": "message_action",
    "callback_id": "fix",
    "trigger_id": "1.t",
    "user": {"id": "U1"},
    "channel": {"id": "C0AGENTS1"},
    "message": {"ts": "2.0", "thread_ts": "1.0", "user": "U1"},
}
FORM = {
    "type": "view_submission",
    "user": {"id": "U1"},
    "view": {
        "id": "V1",
        "callback_id": "fix",
        "private_metadata": '{"thread":"1.0","about":"7001"}',
        "state": {"values": {"words": {"words": {"type": "plain_text_input", "value": "Right"}}}},
    },
}


@pytest.mark.parametrize(
    ("body", "kind"), [(PRESS, "AgentPressed"), (MENU, "AgentPressed"), (FORM, "AgentSubmitted")], ids=str
)
def test_what_agents_do_is_read_and_kept_for_inspection_where_it_is_damaged(
    body: dict[str, Any], kind: str, plain: Plain, damaged: Damaged
) -> None:
    (event,) = READER.interacted(body, NOON)
    assert (plain(event)["type"], event.to) == (kind, "@C0AGENTS1/1.0")
    for each in damaged(body):
        for event in READER.interacted(read_json(json.dumps(each).encode()), NOON):
            assert event.to or plain(event)["type"] == "Unrecognised"


@pytest.mark.parametrize(
    "body",
    [
        {**MENU, "message": {"ts": "2.0", "user": "U1"}},
        {**MENU, "channel": {"id": "C0OTHER"}},
        {**FORM, "view": {**FORM["view"], "callback_id": "somebody's"}},  # type: ignore[dict-item]  # a dict it is
        {"type": "view_closed"},
    ],
    ids=["outside threads", "elsewhere", "another app's form", "a form that was closed"],
)
def test_what_is_not_about_a_conversation_is_nothing(body: dict[str, Any]) -> None:
    assert READER.interacted(body, NOON) == ()


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"type": "other"}', b'{"object": "page"}'])
async def test_what_is_not_slacks_is_malformed(desk: Desk, body: bytes) -> None:
    with pytest.raises(Malformed):
        desk.parse(Request(headers={}, query={}, body=body, at=NOON))


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("plain", "plain"),
        ("*bold* _it_ ~gone~ `code`", "bold it gone code"),
        ("```\nblock\n```", "block"),
        ("2*3*4 and snake_case_name", "2*3*4 and snake_case_name"),
        ("&lt;b&gt; &amp;amp;", "<b> &amp;"),
        ("<https://a.example/x?y=1&amp;z=2>", "https://a.example/x?y=1&z=2"),
        ("<https://a.example|a.example>", "https://a.example"),
        ("<https://a.example/x|our page>", "our page (https://a.example/x)"),
        ("<mailto:a@b.example|a@b.example>", "a@b.example"),
        ("<tel:+34600|+34600>", "+34600"),
        ("<#C1|general> <!here> <!date^1^{date}|Friday>", "#general @here Friday"),
        ("<@U0AGENT01> and <@U0NOBODY>", "@Kari and @colleague"),
        (":wave: :+1::skin-tone-3: :no_such_thing:", "👋 👍🏼 :no_such_thing:"),
        ("", ""),
    ],
)
def test_slack_notation_becomes_reading_text(text: str, reads: str) -> None:
    assert read_message({"text": text}, READER.names)[0] == reads


def test_escaping_is_undone_by_reading() -> None:
    for text in ("<!channel> & <@U1>", "a < b > c", "&amp;", "<https://x.example|y>"):
        assert read_message({"text": escape(text)}, READER.names)[0] == text
