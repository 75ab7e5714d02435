"""A burst of customers' messages against a desk that takes one post a second; prints JSON.

500 messages come at once in 100 open conversations. Until the desk shows them all, an agent answers in one thread after
another, and presses buttons: `reply_p95` is how long an answer takes to reach the customer's platform, `click_p99` how
long a press waits to be acknowledged, in seconds. `posts` is how many posts all that took, `refused` how many Slack
would have refused.
"""

import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from benchmarks.mixed import MARK, PORT, send, telegram
from sandbox.slack import SlackSandbox, rate_limited

HERE = Path(__file__).parent
CUSTOMERS = 100
MESSAGES = 500
REPLIES = 40
CLICKS = 400
BURST = 5
"""Posts that Slack takes at once after a quiet time."""

PATIENCE = 400.0


class Stage:
    """The platforms: a Slack that enforces its pace once asked to, and a Telegram that notes when an answer came."""

    def __init__(self) -> None:
        self.slack = SlackSandbox("xoxb-sandbox", "C0SUPPORT", signing_secret="slack-secret")
        self.slack.events_url = f"http://127.0.0.1:{PORT}/slack/events"
        self.slack.app.router.add_route("*", "/bot{token}/{method}", self._telegram)
        self.slack.fault = self._pace
        self.enforced = False
        self.refused = self.posts = 0
        self.came: dict[int, float] = {}
        self._left, self._at = float(BURST), time.monotonic()

    def _pace(self, method: str, fields: dict[str, Any]) -> web.Response | None:
        if method not in ("chat.postMessage", "files.completeUploadExternal") or not self.enforced:
            return None
        now = time.monotonic()
        self._left = min(BURST, self._left + now - self._at)
        self._at = now
        if self._left < 1:
            self.refused += 1
            return rate_limited(1)
        self._left -= 1
        self.posts += 1
        return None

    async def _telegram(self, http: web.Request) -> web.Response:
        fields = await http.post()
        result: object = True
        if http.match_info["method"] == "sendMessage":
            chat = int(str(fields["chat_id"]))
            self.came[chat] = time.monotonic()
            who = {"id": chat, "type": "private", "first_name": "P"}
            result = {"message_id": 1_000_000 + len(self.came), "date": int(time.time()), "chat": who, "text": "-"}
        return web.json_response({"ok": True, "result": result})

    def shown(self) -> Counter[int]:
        """Count how often the desk shows each mark."""
        return Counter(mark for thread in self.threads().values() for mark in thread)

    def threads(self) -> dict[str, list[int]]:
        """Give the marks that each thread shows, in order; an original stands beneath its translation."""
        threads: dict[str, list[int]] = {}
        for post in self.slack.posts.values():
            said = [block for block in post.get("blocks", ()) if block["type"] == "section"]
            root = post.get("thread_ts", post["ts"])
            threads.setdefault(root, []).extend(int(mark) for mark in MARK.findall(json.dumps(said)))
        return threads


@asynccontextmanager
async def gateway(mode: str, port: str, folder: str) -> AsyncIterator[None]:
    """Run a gateway for a while."""
    command = [sys.executable, str(HERE / "server.py"), mode, str(PORT), port, folder]
    env = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)
    try:
        assert running.stdout
        await asyncio.to_thread(running.stdout.readline)
        yield
    finally:
        running.terminate()
        await asyncio.to_thread(running.wait)


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0.1)


async def write(first: int, count: int) -> None:
    """Have customers write in turn, each in order."""
    statuses: Counter[int] = Counter()

    async def customer(session: aiohttp.ClientSession, person: int) -> None:
        for number in range(first + person, first + count, CUSTOMERS):
            call = telegram(person, number, f"Hola, este es el mensaje con la mark{number:06}")
            await send(session, call, statuses)

    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
        for person in range(CUSTOMERS):
            group.create_task(customer(session, person))
    if statuses != {200: count}:
        raise SystemExit(f"the gateway answered {statuses}")


async def answer(stage: Stage, roots: dict[int, str]) -> list[float]:
    """Answer in some threads, one a second; gives how long each answer took."""
    took = []
    for person in random.Random(0).sample(range(CUSTOMERS), REPLIES):  # noqa: S311 - a load, no secret
        chat, began = person + 1, time.monotonic()
        await stage.slack.write("U0ANA", "It is on its way.", thread=roots[person])
        await until(lambda: chat in stage.came)  # noqa: B023 - awaited within the round
        took.append(stage.came[chat] - began)
        await asyncio.sleep(max(0.0, began + 1 - time.monotonic()))
    return took


async def click(stage: Stage, roots: dict[int, str]) -> list[float]:
    """Press buttons; gives how long each press waited."""
    took = []
    for number in range(CLICKS):
        root = roots[number % CUSTOMERS]
        buttons = next(block for block in stage.slack.posts[root]["blocks"] if block["type"] == "actions")
        began = time.monotonic()
        status = await stage.slack.press("U0ANA", "history", buttons["elements"][0]["value"], root)
        took.append(time.monotonic() - began)
        if status != 200:
            raise SystemExit(f"a press was answered {status}")
        await asyncio.sleep(0.05)
    return took


async def measure() -> dict[str, float]:
    """Measure one burst."""
    stage = Stage()
    runner = web.AppRunner(stage.slack.app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = str(runner.addresses[0][1])
    with tempfile.TemporaryDirectory() as folder:
        async with gateway("full", port, folder):
            await write(0, CUSTOMERS)
            await until(lambda: stage.shown().total() == CUSTOMERS)
        roots = {marks[0]: root for root, marks in stage.threads().items() if marks}
        async with gateway("paced", port, folder):
            stage.enforced = True
            began = time.monotonic()
            async with asyncio.TaskGroup() as group:
                group.create_task(write(CUSTOMERS, MESSAGES))
                replies = group.create_task(answer(stage, roots))
                clicks = group.create_task(click(stage, roots))
                group.create_task(until(lambda: len(stage.shown()) == CUSTOMERS + MESSAGES))
            seconds = time.monotonic() - began
            await asyncio.sleep(2)
        await runner.cleanup()
    shown, threads = stage.shown(), stage.threads().values()
    return {
        "seconds": seconds,
        "posts": stage.posts,
        "refused": stage.refused,
        "lost": CUSTOMERS + MESSAGES - len(shown),
        "doubled": shown.total() - len(shown),
        "out_of_order": sum(thread != sorted(thread) for thread in threads),
        "reply_p95": statistics.quantiles(replies.result(), n=20)[-1],
        "click_p99": statistics.quantiles(clicks.result(), n=100)[-1],
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure())))
