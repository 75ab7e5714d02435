"""The addresses: what each answers, whatever comes."""

import asyncio
import io
import json
import logging
import re
import sqlite3
import time
from collections import Counter
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from gateway.store.contract import StoreError
from gateway.store.sqlite import rows
from gateway.store.sqlite import store as store_module

World = Any
SIGNING = "slack-secret"
SECRET = {"X-Telegram-Bot-Api-Secret-Token": "telegram-secret"}


def update(number: int, text: str = "Hello there") -> bytes:
    person = {"id": 7, "is_bot": False, "first_name": "Lucía"}
    chat = {"id": 7, "type": "private", "first_name": "Lucía"}
    message = {"message_id": number, "date": 1_790_000_000, "chat": chat, "from": person, "text": text}
    return json.dumps({"update_id": number, "message": message}).encode()


async def call(world: World, path: str, body: bytes = b"", method: str = "POST", **headers: str) -> Any:
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, world.url + path, data=io.BytesIO(body) if body else None, headers=headers) as answer,
    ):
        await answer.read()
        return answer


async def test_a_call_that_breaks_off_is_no_error_of_ours(world: World, caplog: pytest.LogCaptureFixture) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", int(world.url.rpartition(":")[2]))
    writer.write(b"POST /webhooks/tg HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    await writer.drain()
    assert (await call(world, "/healthz", method="GET")).status == 200
    writer.transport.abort()
    assert (await call(world, "/healthz", method="GET")).status == 200
    assert (await call(world, "/webhooks/tg", update(1), **SECRET)).status == 200

    assert caplog.records == []


async def desk(world: World, body: bytes, *, age: int = 0, secret: str = SIGNING, kind: str = "json") -> Any:
    world.slack.signing_secret, before = secret, world.slack.signing_secret
    headers = world.slack.sign(body, int(time.time()) - age)
    world.slack.signing_secret = before
    content = "application/json" if kind == "json" else "application/x-www-form-urlencoded"
    return await call(world, "/slack/events", body, **headers, **{"Content-Type": content})


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        pytest.param("/webhooks/tg", update(1), SECRET, 200, id="an update"),
        pytest.param("/webhooks/tg", update(5), {**SECRET, "Expect": "100-continue"}, 200, id="asks before it is sent"),
        pytest.param("/webhooks/tg", update(1), {}, 401, id="no secret"),
        pytest.param("/webhooks/tg", update(1), {"X-Telegram-Bot-Api-Secret-Token": "x"}, 401, id="wrong secret"),
        pytest.param("/webhooks/tg", b"not json", {}, 401, id="the secret is looked at first"),
        pytest.param("/webhooks/tg", b"not json", SECRET, 400, id="not JSON"),
        pytest.param("/webhooks/tg", b'{"object": "page", "entry": []}', SECRET, 400, id="another platform's"),
        pytest.param("/webhooks/tg", b'{"update_id": 1, "message": "odd"}', SECRET, 200, id="a malformed part"),
        pytest.param("/webhooks/tg", update(3, "half an emoji \ud83d and \x00"), SECRET, 200, id="half an emoji"),
        pytest.param(
            "/webhooks/tg", b'{"update_id": 4, "holo": {"x": "\\ud83d"}}', SECRET, 200, id="half an emoji, odd"
        ),
        pytest.param("/webhooks/tg", b'{"update_id": 2, "holo": {}}', SECRET, 200, id="an unknown kind"),
        pytest.param("/webhooks/tg", b"{" * 100_000, SECRET, 400, id="absurdly nested"),
        pytest.param("/webhooks/nope", update(1), SECRET, 404, id="an unknown channel"),
        pytest.param("/webhooks/tg", b"x" * (3 * 1024 * 1024 + 1), SECRET, 413, id="oversize"),
        pytest.param("/slack/events", b"{}", {}, 401, id="the desk, unsigned"),
        pytest.param("/slack/events", b"x" * (3 * 1024 * 1024 + 1), {}, 413, id="the desk, oversize"),
    ],
)
async def test_what_a_webhook_is_answered(
    world: World, path: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    answer = await call(world, path, body, **headers)

    assert answer.status == status
    if status == 200:
        assert answer.content_length == 0


async def test_a_channel_without_a_handshake_refuses_one(world: World) -> None:
    assert (await call(world, "/webhooks/tg?hub.mode=subscribe", method="GET")).status == 403
    assert (await call(world, "/webhooks/nope", method="GET")).status == 404


async def test_what_slack_is_answered(world: World) -> None:
    event = json.dumps(world.slack.envelope({"type": "reaction_added"})).encode()
    challenge = b'{"type": "url_verification", "challenge": "abc"}'

    assert (await desk(world, event)).status == 200
    assert (await desk(world, event, age=301)).status == 401
    assert (await desk(world, event, secret="wrong")).status == 401
    assert (await desk(world, b"{")).status == 400
    assert (await desk(world, b'{"type": "other"}')).status == 400
    assert (await desk(world, b"payload=%7Bbroken", kind="form")).status == 400
    assert (await desk(world, b"command=%2Fx&text=payload", kind="form")).status == 200
    verified = await desk(world, challenge)
    assert (verified.status, await verified.json()) == (200, {"challenge": "abc"})
    assert (await call(world, "/slack/events", challenge)).status == 401


async def test_the_same_update_many_times_at_once_is_one_message(world: World) -> None:
    answers = await asyncio.gather(*(call(world, "/webhooks/tg", update(5), **SECRET) for _ in range(20)))
    thread = await world.thread()
    await world.shown(thread, "Hello there")
    await world.settled()

    assert {answer.status for answer in answers} == {200}
    assert len(world.slack.replies(thread)) == 1


async def test_when_the_store_cannot_take_it_the_platform_is_told_to_come_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(rows, "write_events", full)
        answer = await call(world, "/webhooks/tg", update(6), **SECRET)
        event = json.dumps(world.slack.envelope({"type": "brand_new"})).encode()
        desks = await desk(world, event)
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        assert desks.status == 503
        world.slack.posts["9.0"] = {"ts": "9.0", "channel": "C0SUPPORT", "thread_ts": "8.0"}
        assert await world.slack.press("U0ANA", "claim", "1", "9.0") == 503
    assert (await call(world, "/webhooks/tg", update(6), **SECRET)).status == 200

    await world.shown(await world.thread(), "Hello there")


async def test_health_readiness_and_metrics(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await call(world, "/webhooks/tg", update(7), **SECRET)
    await call(world, "/webhooks/tg", b"", **SECRET)
    assert (await call(world, "/healthz", method="GET")).status == 200
    ready = await call(world, "/readyz", method="GET")
    assert (ready.status, (await ready.json())["ready"]) == (200, True)
    metrics = await (await call(world, "/metrics", method="GET")).text()
    assert re.search(r'dragoman_events_received_total\{channel="tg",kind="CustomerWrote"\} [1-9]', metrics)
    assert re.search(r'dragoman_calls_refused_total\{channel="tg",status="400"\} [1-9]', metrics)
    assert "dragoman_waiting" in metrics
    assert 'dragoman_oldest_waiting_seconds{side="desk"}' in metrics

    async def full() -> None:
        raise StoreError("the store can't write: database or disk is full")

    monkeypatch.setattr(world.gateway.desk, "_known", False)
    monkeypatch.setattr(world.gateway.store, "probe", full)
    unready = await call(world, "/readyz", method="GET")
    assert unready.status == 503
    assert {"store", "desk"} <= (await unready.json())["problems"].keys()
    monkeypatch.undo()


async def test_the_log_has_neither_words_nor_secrets(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await world.customer("Lucía Secreta").write("my very private words")
    thread = await world.thread()
    await world.slack.write("U0ANA", "an equally private answer", thread=thread)
    await world.until(lambda: world.telegram.sent)
    await call(world, "/webhooks/tg", b"private rubbish", **SECRET)
    world.telegram.fault = lambda method, _: aiohttp.web.Response(status=500)
    await world.slack.write("U0ANA", "a third private thing", thread=thread)
    await world.until(lambda: any(record.getMessage() == "send.failed" for record in caplog.records))
    world.telegram.fault = None

    told = "\n".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records if "dragoman" in record.name)
    for hidden in ("private", "Secreta", "sandbox-token", "xoxb-", "telegram-secret", "slack-secret"):
        assert hidden not in told


async def test_an_overload_is_turned_away_and_passes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    customer = world.customer()
    await customer.write("Hello")
    thread = await world.thread()
    await world.shown(thread, "Hello")
    await world.settled()
    monkeypatch.setattr(store_module, "BACKLOG", 40)
    world.slack.fault = lambda method, fields: web.Response(status=503) if method == "chat.postMessage" else None
    answers: Counter[int] = Counter()
    taken: list[str] = []

    async def flood(session: aiohttp.ClientSession, number: int) -> None:
        text = f"flood {number:03}."
        update = {"update_id": 7000 + number, "message": message(number, text)}
        headers = {"X-Telegram-Bot-Api-Secret-Token": "telegram-secret"}
        async with session.post(world.telegram.webhook, json=update, headers=headers) as answer:
            answers[answer.status] += 1
            if answer.status == 503:
                assert int(answer.headers["Retry-After"]) > 0
            else:
                taken.append(text)

    async with aiohttp.ClientSession() as session:
        for start in range(0, 200, 20):
            await asyncio.gather(*(flood(session, number) for number in range(start, start + 20)))
            await asyncio.sleep(0.05)
        assert set(answers) == {200, 503}
        stats = world.gateway.store.stats()
        assert stats.waiting_events + sum(stats.waiting_orders.values()) < 40 + 60
        assert await world.slack.write("U0ANA", "Still here", thread=thread)
        await world.until(lambda: "Still here" in customer.got())

        world.slack.fault = None
        await world.settled()
        await flood(session, 500)
    assert taken[-1] == "flood 500."
    await world.shown(thread, "flood 500.")
    shown = "\n".join(flat_texts(world, thread))
    assert [shown.count(text) for text in taken] == [1] * len(taken)


def message(number: int, text: str) -> dict[str, Any]:
    person = {"id": 1001, "is_bot": False, "first_name": "Lucía"}
    chat = {"id": 1001, "type": "private", "first_name": "Lucía"}
    return {"message_id": 9000 + number, "date": 1_790_000_000, "chat": chat, "from": person, "text": text}


def flat_texts(world: World, thread: str) -> list[str]:
    return [str(post.get("text")) for post in world.slack.replies(thread) if "bot_id" in post]
