"""Updates of all platforms at full speed, one in five again; prints JSON: how many came, were lost, doubled, refused.

What a person writes goes in order, and has to stand in their thread in that order, once.
"""

import asyncio
import hashlib
import hmac
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from sandbox.slack import SlackSandbox

HERE = Path(__file__).parent
PORT = 18_797
PEOPLE = 500
CONNECTIONS = 64
AGAIN = 0.2
PATIENCE = 120.0
MARK = re.compile(r"mark(\d{6})")
Call = tuple[str, bytes, dict[str, str]]


def signed(channel: str, body: dict[str, Any]) -> Call:
    raw = json.dumps(body).encode()
    digest = hmac.new(b"meta-secret", raw, hashlib.sha256).hexdigest()
    return channel, raw, {"X-Hub-Signature-256": f"sha256={digest}"}


def whatsapp(person: int, number: int, text: str) -> Call:
    message = {"from": f"4670{person:07}", "id": f"wamid.{number}", "timestamp": str(int(time.time())), "type": "text"}
    value = {
        "metadata": {"phone_number_id": "301"},
        "contacts": [{"profile": {"name": f"P{person}"}, "wa_id": f"4670{person:07}"}],
        "messages": [{**message, "text": {"body": text}}],
    }
    change = {"field": "messages", "value": value}
    return signed("wa", {"object": "whatsapp_business_account", "entry": [{"id": "201", "changes": [change]}]})


def messaging(channel: str, object_: str, account: str) -> Callable[[int, int, str], Call]:
    def call(person: int, number: int, text: str) -> Call:
        item = {
            "sender": {"id": str(7_000_000 + person)},
            "recipient": {"id": account},
            "timestamp": int(time.time() * 1000),
            "message": {"mid": f"m_{number}", "text": text},
        }
        return signed(channel, {"object": object_, "entry": [{"id": account, "messaging": [item]}]})

    return call


def telegram(person: int, number: int, text: str) -> Call:
    who = {"id": person + 1, "is_bot": False, "first_name": f"P{person}"}
    chat = {"id": person + 1, "type": "private", "first_name": f"P{person}"}
    message = {"message_id": number, "date": int(time.time()), "chat": chat, "from": who, "text": text}
    body = json.dumps({"update_id": number, "message": message}).encode()
    return "tg", body, {"X-Telegram-Bot-Api-Secret-Token": "telegram-secret"}


def guest(person: int, number: int, text: str) -> Call:
    event = {
        "type": "message",
        "channel": f"D{person:06}",
        "channel_type": "im",
        "user": f"U{person:06}",
        "text": text,
        "ts": f"{int(time.time())}.{number:06}",
    }
    body = json.dumps({"type": "event_callback", "event_id": f"Ev{number}", "team_id": "T1", "event": event}).encode()
    at = int(time.time())
    digest = hmac.new(b"guests-secret", b"v0:%d:%s" % (at, body), hashlib.sha256).hexdigest()
    return "partners", body, {"X-Slack-Signature": f"v0={digest}", "X-Slack-Request-Timestamp": str(at)}


KINDS = (whatsapp, messaging("fb", "page", "401"), messaging("ig", "instagram", "501"), telegram, guest)


async def send(session: aiohttp.ClientSession, call: Call, statuses: Counter[int]) -> None:
    channel, body, headers = call
    url = f"http://127.0.0.1:{PORT}/webhooks/{channel}"
    async with session.post(url, data=body, headers=headers) as answer:
        await answer.read()
        statuses[answer.status] += 1


async def write_all(count: int) -> Counter[int]:
    """Have every person write in order, over some connections; one message in five comes again later."""
    chance = random.Random(0)  # noqa: S311 - a load, no secret
    statuses: Counter[int] = Counter()
    persons = [range(person, count, PEOPLE) for person in range(PEOPLE)]
    waiting = iter(persons)

    async def work() -> None:
        for numbers in waiting:
            sent: list[Call] = []
            for number in numbers:
                person = number % PEOPLE
                call = KINDS[person % len(KINDS)](person, number, f"Hello, this is mark{number:06}")
                await send(session, call, statuses)
                sent.append(call)
                if chance.random() < AGAIN:
                    await send(session, chance.choice(sent), statuses)

    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector) as session, asyncio.TaskGroup() as group:
        for _ in range(CONNECTIONS):
            group.create_task(work())
    return statuses


def marks(slack: SlackSandbox) -> dict[str, list[int]]:
    """Give the marks that each thread shows, in order; a post has its words in blocks, and beside them again."""
    shown: dict[str, list[int]] = {}
    for post in slack.posts.values():
        root = post.get("thread_ts", post["ts"])
        shown.setdefault(root, []).extend(int(mark) for mark in MARK.findall(json.dumps(post.get("blocks", ()))))
    return shown


async def measure(count: int) -> dict[str, float]:
    slack = SlackSandbox("xoxb-sandbox", "C0SUPPORT", signing_secret="slack-secret")
    runner = web.AppRunner(slack.app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = str(runner.addresses[0][1])
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(HERE / "server.py"), "plain", str(PORT), port, folder]
        env = {**os.environ, "PYTHONPATH": str(HERE.parent)}
        gateway = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)
        try:
            assert gateway.stdout
            await asyncio.to_thread(gateway.stdout.readline)
            began = time.monotonic()
            statuses = await write_all(count)
            async with asyncio.timeout(PATIENCE):
                while sum(map(len, marks(slack).values())) < count:
                    await asyncio.sleep(0.5)
            took = time.monotonic() - began
            await asyncio.sleep(2)
        finally:
            gateway.kill()
            gateway.wait()
            await runner.cleanup()
    shown = marks(slack)
    seen = Counter(mark for thread in shown.values() for mark in thread)
    return {
        "sent": statuses.total(),
        "refused": statuses.total() - statuses[200],
        "lost": count - len(seen),
        "doubled": sum(seen.values()) - len(seen),
        "out_of_order": sum(thread != sorted(thread) for thread in shown.values()),
        "seconds": took,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))))
