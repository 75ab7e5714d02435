"""The process is killed in the middle of everything: nothing that was answered 200 is lost, nothing shows twice."""

import asyncio
import os
import signal
import socket
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

ROOT = Path(__file__).parent.parent
World = Any
KILLS = 4
MESSAGES = 24


class Process:
    """A gateway as a process of its own, which may be killed and started again."""

    def __init__(self, file: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._file = file

    async def start(self) -> None:
        command = [sys.executable, "-m", "gateway", "run", "-c", str(self._file)]
        self._process = await asyncio.create_subprocess_exec(
            *command, cwd=ROOT, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        async with aiohttp.ClientSession() as session, asyncio.timeout(30):
            while True:
                try:
                    async with session.get(f"{self.url}/healthz"):
                        return
                except aiohttp.ClientError:
                    await asyncio.sleep(0.05)

    async def end(self, how: signal.Signals) -> None:
        os.kill(self._process.pid, how)
        await self._process.wait()


@pytest.fixture
async def process(world_at_rest: World, tmp_path: Path) -> AsyncIterator[Process]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    file = tmp_path / "dragoman.toml"
    file.write_text(world_at_rest.text(port) + '\n[translation]\nengines = ["phrasebook"]\n')
    world_at_rest.telegram.webhook = f"http://127.0.0.1:{port}/webhooks/tg"
    world_at_rest.telegram.secret = "telegram-secret"
    world_at_rest.slack.events_url = f"http://127.0.0.1:{port}/slack/events"
    made = Process(file, port)
    await made.start()
    yield made
    await made.end(signal.SIGTERM)


async def stubborn(deliver: Callable[[Any], Awaitable[int]], update: dict[str, Any]) -> None:
    """Deliver as a platform does: again until it is taken."""
    while True:
        try:
            assert await deliver(update) == 200
            return
        except aiohttp.ClientError:
            await asyncio.sleep(0.05)


async def test_a_killed_gateway_loses_nothing_and_doubles_nothing(
    world_at_rest: World, process: Process, words: Callable[[dict[str, Any]], str]
) -> None:
    world = world_at_rest
    updates = [
        {
            "update_id": number,
            "message": {
                "message_id": number,
                "date": 1_790_000_000 + number,
                "chat": {"id": number % 3 + 1, "type": "private", "first_name": f"C{number % 3}"},
                "from": {"id": number % 3 + 1, "is_bot": False, "first_name": f"C{number % 3}"},
                "text": f"message {number:02}.",
            },
        }
        for number in range(MESSAGES)
    ]
    for number, update in enumerate(updates):
        await stubborn(world.telegram.deliver, update)
        if number % (MESSAGES // KILLS) == 3:
            await process.end(signal.SIGKILL)
            await process.start()
    for thread in [root["ts"] for root in world.slack.roots()]:
        await world.slack.write("U0ANA", f"answer {thread}", thread=thread)
    await process.end(signal.SIGKILL)
    await process.start()

    def told() -> Counter[str]:
        shown = "\n".join(
            words(post) for post in world.slack.posts.values() if "thread_ts" in post and "bot_id" in post
        )
        return Counter({f"{number:02}": shown.count(f"message {number:02}.") for number in range(MESSAGES)})

    await world.until(lambda: min(told().values()) >= 1 and len(world.telegram.sent) >= 3)
    assert set(told().values()) == {1}
    assert len(world.slack.roots()) == 3
    for thread in [root["ts"] for root in world.slack.roots()]:
        shown = "\n".join(words(post) for post in world.slack.replies(thread) if "bot_id" in post)
        places = [
            shown.index(f"message {number:02}.") for number in range(MESSAGES) if f"message {number:02}." in shown
        ]
        assert places == sorted(places)
    answers = Counter(message["text"] for message in world.telegram.sent)
    assert len(answers) == 3
    assert sum(answers.values()) <= 3 + 1
