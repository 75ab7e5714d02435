"""Two replicas on one Redis; prints JSON.

`waiting` is how many posts a second one replica and two make of what was written while each call to a platform takes
100 ms. `takeover` is what became of messages while one of two was killed: the longest that one was on its way to Slack
in each trial, in seconds, how many were lost, and how many came twice.
"""

import asyncio
import contextlib
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from benchmarks.mixed import marks, whatsapp
from benchmarks.ports import free_port
from benchmarks.redis_servers import Server, server
from sandbox.slack import SlackSandbox

HERE = Path(__file__).parent
ANSWERS_AFTER = 0.1
CUSTOMERS = 800
"""Each has a conversation, and writes once more while it is measured, so that no two messages share a post."""

PATIENCE = 120.0
TRIALS = 5
RATE = 100
"""Messages a second around the moment in which a replica is killed."""

WRITTEN = 800
KILLED_AT = 200


@contextmanager
def script(name: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Run a script beside this one for a while; what it says first has been said."""
    command = [sys.executable, str(HERE / name), *map(str, arguments)]
    env = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    started = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)
    try:
        yield started
    finally:
        started.kill()
        started.wait()


def first_line(of: subprocess.Popen[str]) -> str:
    assert of.stdout
    return of.stdout.readline().strip()


def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > end:
            raise SystemExit("it took too long")
        time.sleep(0.02)


def shares(redis: Server) -> list[int]:
    """Say how many partitions each replica has."""
    client = redis.client()
    leases = map(client.get, client.scan_iter("*:lease", count=1000))
    return list(Counter(str(lease).partition(":")[0] for lease in leases if lease).values())


@contextmanager
def replicas(count: int, platforms: int, folder: Path) -> Iterator[list[tuple[int, subprocess.Popen[str]]]]:
    """Run replicas on a Redis that syncs each second, until each has its part; gives ports and processes."""
    with ExitStack() as stack:
        redis = stack.enter_context(server(folder / "redis", "--appendonly", "yes"))
        started = []
        for number in range(count):
            where = folder / str(number)
            where.mkdir()
            port = free_port()
            started.append(
                (port, stack.enter_context(script("server.py", "plain", port, platforms, where, redis.address)))
            )
        for _, each in started:
            first_line(each)
        until(lambda: shares(redis) == [64 // count] * count)
        yield started


def posts_a_second(count: int) -> float:
    """Measure how quickly replicas bring messages to a desk that takes its time."""
    with tempfile.TemporaryDirectory() as folder, script("platforms.py", ANSWERS_AFTER) as stage:
        platforms = int(first_line(stage))
        url = f"http://127.0.0.1:{platforms}/stats"

        def come() -> int:
            with urllib.request.urlopen(url) as told:
                return int(json.load(told)["messages"])

        with replicas(count, platforms, Path(folder)) as running:
            ports = [port for port, _ in running]
            write(ports, 0)
            until(lambda: come() == CUSTOMERS)
            time.sleep(1)
            began = time.monotonic()
            write(ports, CUSTOMERS)
            until(lambda: come() == 2 * CUSTOMERS)
            return CUSTOMERS / (time.monotonic() - began)


def write(ports: Sequence[int], first: int) -> None:
    """Have every customer write once, each replica getting its part of the webhooks."""
    each = CUSTOMERS // len(ports)
    for number, port in enumerate(ports):
        more = ("--first", str(first + number * each), "--customers", str(CUSTOMERS))
        command = [sys.executable, str(HERE / "load.py"), "whatsapp", str(port), str(each), *more]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True, timeout=PATIENCE)


async def write_one(session: aiohttp.ClientSession, ports: Sequence[int], number: int) -> None:
    """Have a customer write; what one replica doesn't answer goes to the other."""
    channel, body, headers = whatsapp(number % CUSTOMERS, number, f"Hello, this is mark{number:06}")
    for turn in range(100):
        url = f"http://127.0.0.1:{ports[(number + turn) % 2]}/webhooks/{channel}"
        with contextlib.suppress(aiohttp.ClientError):
            async with session.post(url, data=body, headers=headers) as answer:
                if answer.status == 200:
                    return
        await asyncio.sleep(0.1)
    raise SystemExit("no replica took a message")


async def watch(slack: SlackSandbox, seen: dict[int, float]) -> None:
    """Note when each message came to stand in Slack, until all do."""
    while len(seen) < WRITTEN:
        now = time.monotonic()
        for mark in itertools.chain.from_iterable(marks(slack).values()):
            seen.setdefault(mark, now)
        await asyncio.sleep(0.1)


async def take_over(slack: SlackSandbox, platforms: int) -> dict[str, float]:
    """Kill one of two replicas while customers write."""
    seen: dict[int, float] = {}
    left: dict[int, float] = {}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        running = await asyncio.to_thread(lambda: stack.enter_context(replicas(2, platforms, Path(folder))))
        ports = [port for port, _ in running]

        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
            group.create_task(watch(slack, seen))
            for number in range(WRITTEN):
                left[number] = time.monotonic()
                group.create_task(write_one(session, ports, number))
                if number == KILLED_AT:
                    running[0][1].kill()
                await asyncio.sleep(1 / RATE)
        await asyncio.sleep(2)
    shown = Counter(mark for thread in marks(slack).values() for mark in thread)
    return {
        "longest": max(seen[number] - left[number] for number in seen),
        "lost": WRITTEN - len(shown),
        "doubled": shown.total() - len(shown),
        "out_of_order": sum(thread != sorted(thread) for thread in marks(slack).values()),
    }


async def takeover() -> dict[str, float]:
    """Measure a takeover, with a Slack of its own."""
    slack = SlackSandbox("xoxb-sandbox", "C0SUPPORT", signing_secret="slack-secret")
    runner = web.AppRunner(slack.app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        return await asyncio.wait_for(take_over(slack, runner.addresses[0][1]), PATIENCE)
    finally:
        await runner.cleanup()


def main() -> None:
    told: dict[str, Any] = {
        "waiting": {count: posts_a_second(count) for count in (1, 2)},
        "takeover": [asyncio.run(takeover()) for _ in range(TRIALS)],
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
