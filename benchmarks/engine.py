"""What the store does by itself, without HTTP: steps, growth, commits while checkpointing, timers. Prints JSON."""

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import uvloop
from msgspec.structs import replace

from gateway.store.contract import Step
from gateway.store.shape import millis
from gateway.store.sqlite import SqliteStore
from gateway.store.sqlite import store as store_module
from gateway.store.sqlite.database import Database
from routing.conversation import Conversation, Status
from routing.effects import TellDesk, encode
from routing.events import CustomerWrote, TurnCame

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
BODY = {f"key{number}": "v" * 20 for number in range(40)}
"""Makes a conversation's state about as large as a busy one's."""


class OneByOne(Database):
    """One commit for each operation, as it would be without grouping."""

    linger = 0.0

    def _commit(self, jobs: Sequence[Any]) -> bool:
        return len(jobs) == 1 and super()._commit(jobs)


def wrote(number: int, customer: int) -> CustomerWrote:
    """Make an event."""
    return CustomerWrote(id=f"e{number}", to=f"wa/{customer}", at=NOW, message=str(number), text="x" * 380)


async def steps(
    conversations: int, count: int, database: type[Database] = Database, *, stored: int = 0, mailbox: int = 64
) -> dict[str, float]:
    """Carry events through full steps: taken, decided on trivially, committed with one post each, posted."""
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder), database=database)
        await store.open()
        if stored:
            await fill(store, stored)
        for at in range(0, count, 1000):
            await store.append([wrote(number, number % conversations) for number in range(at, min(at + 1000, count))])
        done = 0
        finished = asyncio.Event()

        async def work() -> None:
            nonlocal done
            while True:
                claim = await store.claim()
                first = replace(claim.conversation, number=1, status=Status.OPEN, replies=BODY)
                events = claim.events[:mailbox]
                told = tuple((1, TellDesk(message=each.id, name="L", at=NOW, text="x" * 380)) for each in events)
                part = type(claim)(claim.mailbox, claim.version, claim.conversation, events, claim.seqs[:mailbox])
                await store.commit(part, Step(conversation=first, events=events, effects=told))
                done += len(events)
                if done >= count:
                    finished.set()

        began, cpu = time.perf_counter(), time.process_time()
        workers = [asyncio.create_task(work()) for _ in range(256 if conversations > 1 else 1)]
        await finished.wait()
        seconds, used = time.perf_counter() - began, time.process_time() - cpu
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        await store.close()
        return {"rate": count / seconds, "cpu_us": used / count * 1e6}


async def fill(store: SqliteStore, stored: int) -> None:
    """Put conversations into the table that nobody writes in."""
    body = encode(Conversation(contact="wa/old", number=1, status=Status.CLOSED, replies=BODY))
    for at in range(0, stored, 10_000):
        values = [(f"old/{n}", 1, n + 2, "closed", "", 2, 0, body) for n in range(at, min(at + 10_000, stored))]
        await store._db.submit(
            lambda db, values=values: (
                db.executemany(  # type: ignore[misc]  # a loop's value, bound now
                    "INSERT INTO conversation VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values
                ).rowcount
            )
        )
    await asyncio.to_thread(store._db._checkpointer.execute, "PRAGMA wal_checkpoint(TRUNCATE)")
    await asyncio.to_thread(os.sync)


async def commits(seconds: float) -> dict[str, float]:
    """Time commits of 16 events while checkpoints go on beside them."""
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder))
        await store.open()
        times = []
        number = 0
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            events = [wrote(number + n, n) for n in range(16)]
            number += 16
            began = time.perf_counter()
            await store.append(events)
            times.append((time.perf_counter() - began) * 1000)
        await store.close()
        times.sort()
        at = {name: times[min(int(len(times) * share), len(times) - 1)] for name, share in QUANTILES.items()}
        return {**at, "commits": len(times)}


QUANTILES = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}


async def timers(count: int) -> dict[str, float]:
    """Set timers, look whether any is due, and let them all fire."""
    with tempfile.TemporaryDirectory() as folder:
        now = NOW
        store = SqliteStore(Path(folder), clock=lambda: now)
        await store.open()
        due = NOW + timedelta(hours=1)
        event = TurnCame(id="t", to="wa/1", at=NOW)
        values = [(f"wa/{n}", "k", millis(due), encode(replace(event, id=f"t{n}", to=f"wa/{n}"))) for n in range(count)]
        await store._db.submit(lambda db: db.executemany("INSERT INTO timer VALUES (?, ?, ?, ?)", values).rowcount)
        db = store._db._reader
        began = time.process_time()
        for _ in range(2000):
            db.execute("SELECT mailbox FROM timer WHERE due <= ? ORDER BY due LIMIT 1", (0,)).fetchone()
        poll = (time.process_time() - began) / 2000 * 1e6
        began = time.perf_counter()
        now = due + timedelta(seconds=1)
        store._note_timer(due)
        while store.stats().waiting_events < count:
            await asyncio.sleep(0.01)
        seconds = time.perf_counter() - began
        await store.close()
        return {"poll_us": poll, "fired_per_second": count / seconds}


store_module.BACKLOG = 10**9
"""What is measured is the store, not its limit."""


async def main(what: str) -> dict[str, Any]:
    """Measure one thing."""
    match what:
        case "hot":
            alone = await steps(1, 300, OneByOne, mailbox=1)
            return {"grouped": await steps(1, 20_000), "alone": alone}
        case "thousand":
            return {
                "grouped": await steps(1000, 20_000, mailbox=1),
                "alone": await steps(1000, 1500, OneByOne, mailbox=1),
            }
        case "growth":
            ran: dict[int, list[float]] = {1000: [], 100_000: [], 1_000_000: []}
            for _ in range(3):
                for size, costs in ran.items():
                    costs.append((await steps(1000, 10_000, stored=size, mailbox=1))["cpu_us"])
            return {str(size): statistics.median(costs) for size, costs in ran.items()}
        case "commits":
            return await commits(10)
        case "timers":
            return await timers(100_000)
    raise SystemExit(f"nothing to measure called {what}")


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        json.dump(runner.run(main(sys.argv[1])), sys.stdout)
