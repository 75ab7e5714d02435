"""Years of bad luck in seconds: the real core, worker, delivery and SQLite in a simulated world.

A seed decides everything: crashes at any moment, duplicates, reordering, lost answers, slow and failing platforms, full
disks, clocks that jump. After each run the ledger is held against the promises.
`.venv/bin/python tests/test_simulation.py SEED` replays one and prints its story.
"""

import asyncio
import contextlib
import logging
import random
import re
import selectors
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from aiohttp import web
from msgspec.structs import replace

from adapters.contract import Capabilities, Outbound, SendError, Sent, Unavailable, Uncertain
from adapters.places import Places
from gateway import deliver
from gateway.bridge import Bridge
from gateway.budget import Budget
from gateway.deliver import TWICE
from gateway.desk_posts import DeskPosts
from gateway.faces import Faces
from gateway.hands import Hands
from gateway.interpret import Interpreter
from gateway.links import Links
from gateway.rules import Rules
from gateway.store.contract import Batch, Claim, Order, Result, Side, Step, StoreError
from gateway.store.roster import Roster
from gateway.store.sqlite import SqliteStore, rows
from gateway.store.sqlite import store as sqlite_store
from gateway.store.sqlite.database import Database, explain
from gateway.store.sqlite.schema import migrate
from gateway.store.waiting import Lanes
from gateway.webhooks import keep
from gateway.worker import Worker
from routing import conversation
from routing.agents import agent_wrote
from routing.contents import EPOCH, contact
from routing.events import AgentWrote, CustomerWrote, Event, ReceiptCame, decode_event
from routing.policy import Agent, DeskChannel, Policy
from routing.state import Conversation, Decision
from translation.chain import Chain
from translation.contract import EngineError, Pair, Rendering
from translation.detect import Detector
from translation.phrasebook import Phrasebook

SEEDS = 1000
CHUNKS = 8
DAY = datetime(2026, 11, 24, 9, tzinfo=UTC)
TROUBLE = 120.0
"""Seconds in which things go wrong; then everything works, and what is owed must arrive."""

PATIENCE = 6 * 3600.0
"""Seconds after the trouble within which all must be settled."""

CHANNEL, OTHER = "C0DESK", "C0OTHER"
POLICY = Policy(
    agents=(Agent(id="U0ANA", name="Ana", capacity=1), Agent(id="U0BEN", name="Ben", capacity=1)),
    desks=(DeskChannel(name="other", channel=OTHER),),
)
TEXTS = ("Where is my parcel {} please", "¿Dónde está mi paquete {} por favor?")
NOTICE = ("Thank you", "Gracias")


class Broken(AssertionError):
    """A promise that didn't hold."""


# Time


class Jump(selectors.DefaultSelector):
    """A selector that waits for nothing: where no callback is ready, the time is simply later."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.turn: Callable[[], None] = lambda: None

    def select(self, timeout: float | None = None) -> list[Any]:
        self.turn()
        if timeout is None:
            raise Broken("everything waits, and nothing will happen")
        self.now += max(timeout, 0)
        return []


class Loop(asyncio.SelectorEventLoop):
    """An event loop on simulated time."""

    def __init__(self) -> None:
        self.jump = Jump()
        super().__init__(self.jump)

    def time(self) -> float:
        return self.jump.now


# The machine


class Disk(Database):
    """The real database on a disk that outlives the process; when it commits is up to the seed."""

    def __init__(self, sim: "Simulation") -> None:
        super().__init__(Path())
        self._sim = sim
        self._told_at = 0.0
        self._committing = False

    async def open(self, recover: Callable[[sqlite3.Connection], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._db = self._sim.disk
        recover(self._db)

    async def close(self) -> None:
        """A process here is killed, never closed."""

    async def read(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        await asyncio.sleep(self._sim.chance.random() * 0.002)
        return self._db.execute(query, values).fetchall()

    def _wake(self) -> None:
        if not self._committing:
            self._committing = True
            self._loop.call_later(self._sim.chance.random() * 0.01, self._turn, self._sim.life)

    def _turn(self, life: int) -> None:
        if life != self._sim.life:
            return
        jobs = list(self._jobs)
        self._jobs.clear()
        self._committing = False
        if self._sim.full or (not self._sim.calm and self._sim.chance.random() < 0.02):
            for job in jobs:
                job.error = explain(sqlite3.OperationalError("database or disk is full"))
        elif not self._commit(jobs):
            for job in jobs:
                job.error = None
                self._commit([job])
        # The disk has it; the process may be killed before it knows.
        self._told_at = max(self._told_at, self._loop.time() + self._sim.chance.random() * 0.005)
        self._loop.call_at(self._told_at, self._tell, jobs, life)

    def _tell(self, jobs: Sequence[Any], life: int) -> None:
        if life == self._sim.life:
            for job in jobs:
                job.settle()


# The platforms


@dataclass
class Message:
    """What a customer or an agent wrote, where it came in its call, when that was sent and answered 200 first."""

    mark: str
    event: Event
    call: int = 0
    sent_at: float = -1.0
    taken_at: float = -1.0
    attempts: int = 0


class Chats:
    """A customers' platform; some can tell by our own name for a call whether they accepted it, or take it once."""

    def __init__(self, sim: "Simulation", name: str, *, receipts: bool = False, remembers: bool = False) -> None:
        self.id = name
        self.capabilities = Capabilities(
            max_text=200, receipts=receipts, remembers=timedelta(days=1) if remembers else timedelta()
        )
        self.accepted: list[tuple[str, str, str]] = []
        self.doubtful: Counter[str] = Counter()
        self._told: Counter[str] = Counter()
        self._sim = sim

    def killed(self, owed: set[str]) -> None:
        """What we answered and the process didn't keep before it was killed is as much in doubt as a broken call."""
        for order, times in self._told.items():
            if order.rpartition(".")[0] in owed:
                self.doubtful[order] += times
        self._told.clear()

    async def send(self, message: Outbound) -> Sent:
        """Accept a message, or not, and tell, or not."""
        sim = self._sim
        fate = await sim.fate(f"{self.id} send {message.order} {message.text!r}", uncertain=True)
        if fate == "before":
            raise Uncertain("the connection broke")
        id_ = f"{self.id}-{len(self.accepted)}"
        if self.capabilities.remembers:
            id_ = f"{self.id}-{message.order}"
            if any(order == message.order for _, order, _ in self.accepted):
                return Sent(id_)
        self.accepted.append((message.peer, message.order, message.text))
        self._told[message.order] += 1
        if self.capabilities.receipts:
            told = ReceiptCame(
                id=f"receipt:{id_}",
                to=contact(self.id, message.peer),
                at=sim.wall(),
                message=id_,
                state="delivered",
                outbox=message.order,
            )
            sim.spawn(sim.deliver([Message("", told)]))
        await asyncio.sleep(sim.chance.random() * 0.05)
        if fate == "after":
            self._told[message.order] -= 1
            self.doubtful[message.order] += 1
            raise Uncertain("the connection broke")
        return Sent(id_)


class Place:
    """The desk's channels: posts, and two agents who answer what they see, and move it from one to the other."""

    places = Places(CHANNEL, [OTHER])
    may_customize = True

    def __init__(self, sim: "Simulation") -> None:
        self.posts: dict[str, tuple[str, str, str]] = {}
        self.signs: dict[str, list[str]] = {}
        self._sim = sim

    async def post(
        self, text: str, blocks: Sequence[Any], *, order: str, thread: str = "", channel: str = "", **shown: str
    ) -> str:
        """Take a post."""
        where, root = self.places.find(thread or f"{channel}/")
        thread = self.places.name(where, root) if root else ""
        fate = await self._sim.fate(f"desk post {order} {text!r}", uncertain=True)
        if fate == "before":
            raise Uncertain("the connection broke")
        ts = self.places.name(where, f"{len(self.posts) + 1:06}")
        self.posts[ts] = (order, thread, text)
        self._sim.seen(ts, thread, text)
        await asyncio.sleep(self._sim.chance.random() * 0.05)
        if fate == "after":
            raise Uncertain("the connection broke")
        return ts

    async def update(self, ts: str, text: str, blocks: Sequence[Any]) -> None:
        """Change a post."""
        await self._sim.fate(f"desk update {ts}")
        ts = self.places.name(*self.places.find(ts))
        order, root, _ = self.posts[ts]
        self.posts[ts] = (order, root, text)

    async def react(self, ts: str, emoji: str) -> None:
        """Put a sign on a message."""
        await self._sim.fate(f"desk react {ts} {emoji}")
        self.signs.setdefault(ts, []).append(emoji)

    async def whisper(self, agent: str, text: str, blocks: Sequence[Any], *, thread: str = "") -> None:
        """Tell one agent."""
        await self._sim.fate(f"desk whisper {agent}")

    def link(self, place: str) -> str:
        """Give a post's address."""
        return place and f"https://sandbox.slack.com/{place}"

    async def find(self, order: str, *, since: datetime, thread: str = "", channel: str = "") -> str:
        """Look for a post."""
        where, root = self.places.find(thread or f"{channel}/")
        thread = self.places.name(where, root) if root else ""
        await self._sim.fate(f"desk find {order}")
        return next((ts for ts, post in self.posts.items() if post[:2] == (order, thread)), "")


class Toy:
    """An engine that takes its time, and sometimes fails."""

    name = "toy"

    def __init__(self, sim: "Simulation") -> None:
        self._sim = sim

    def pairs(self) -> Sequence[Pair]:
        """Both ways."""
        return (Pair("es", "en"), Pair("en", "es"))

    async def translate(self, texts: Sequence[str], *, source: str, target: str) -> Sequence[Rendering | None]:
        """Say it in the other language, so to speak."""
        await asyncio.sleep(self._sim.chance.random())
        if not self._sim.calm and self._sim.chance.random() < 0.2:
            raise EngineError("the toy is broken")
        return [Rendering(f"{text} ({target})", 0.9) for text in texts]

    async def probe(self) -> str:
        """Say nothing."""
        return ""

    async def close(self) -> None:
        """Let go of nothing."""


# One run


@dataclass
class Simulation:
    """One run, all of it decided by `seed`."""

    seed: int
    story: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)  # noqa: S311 - the same chance each time
        self.loop = Loop()
        self.loop.jump.turn = self._turn
        self.disk = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self.disk.deserialize(_new_file())
        self.chats = {
            "tg": Chats(self, "tg"),
            "wa": Chats(self, "wa", receipts=True),
            "ln": Chats(self, "ln", remembers=True),
        }
        self.place = Place(self)
        self.customers: list[Message] = []
        self.agents: list[Message] = []
        self.notes: list[str] = []
        self.full = False
        self.down = ""
        self.calm = False
        self.life = 0
        self.jumped = timedelta()
        self._turns = 0
        self._killed_at: set[int] = set()
        self._dying = asyncio.Event()
        self._own: set[asyncio.Task[Any]] = set()
        self._open = 0
        self.store: SqliteStore | None = None
        self.bridge: Bridge | None = None

    def run(self) -> None:
        """Go through trouble, then calm, and hold the ledger."""
        try:
            # Nobody writes to these disks beside the gateway: to look for that each second is most of a run's work.
            with patch.object(sqlite_store, "LOOK_EVERY", 60.0):
                self.loop.run_until_complete(self._main())
        finally:
            with contextlib.suppress(Exception):
                self.loop.run_until_complete(self._kill())
            self.loop.close()
            self.disk.close()

    def tell(self, what: str) -> None:
        """Note what happened."""
        self.story.append(f"{self.loop.time():12.4f}  {what}")

    def wall(self) -> datetime:
        """Tell the time as the machine believes it to be."""
        return DAY + timedelta(seconds=self.loop.time()) + self.jumped

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Start something that isn't the gateway's, and outlives it."""
        task = self.loop.create_task(work)
        self._own.add(task)
        self._open += 1

        def done(ended: asyncio.Task[Any]) -> None:
            self._open -= 1
            if not ended.cancelled() and (error := ended.exception()):
                raise error

        task.add_done_callback(done)

    async def fate(self, what: str, *, uncertain: bool = False) -> str:
        """Let a call travel, and decide what becomes of it."""
        await asyncio.sleep(self.chance.random() * 0.05)
        roll = self.chance.random()
        if self.calm or roll < 0.7:
            self.tell(f"{what}: goes")
            return ""
        if self.down and what.startswith(self.down):
            self.tell(f"{what}: down")
            raise Unavailable("down")
        if roll < 0.76:
            self.tell(f"{what}: busy")
            raise Unavailable("busy", timedelta(seconds=self.chance.choice((0, 1, 30))))
        if roll < 0.82:
            self.tell(f"{what}: slow")
            await asyncio.sleep(self.chance.random() * 20)
            return ""
        if roll < 0.91:
            self.tell(f"{what}: breaks before")
            if uncertain:
                return "before"
            raise Uncertain("the connection broke")
        if not uncertain:
            return ""
        self.tell(f"{what}: breaks after")
        return "after"

    # The people

    def seen(self, ts: str, root: str, text: str) -> None:
        """Let an agent see a post, and answer now and then."""
        root = root or ts
        if self.calm or self.chance.random() < 0.4:
            return
        kind = self.chance.choice(("answer", "answer", "answer", "note", "close", "claim", "move"))
        number = len(self.agents) + len(self.notes)
        mark = f"{kind[0]}{number}x"
        words = {"note": f"// not for them {mark}", "answer": f"We will look at {mark} today"}.get(kind, f"!{kind}")
        words = f"!move {self.chance.choice(('main', 'other'))}" if kind == "move" else words
        agent = self.chance.choice(("U0ANA", "U0BEN"))
        id_ = f"{900_000 + number}"
        event = AgentWrote(
            id=f"desk:{id_}", to=self.place.places.thread(root), at=self.wall(), agent=agent, message=id_, text=words
        )
        message = Message(mark, event)
        if kind == "answer":
            self.agents.append(message)
        else:
            self.notes.append(mark if kind == "note" else words)
        self.spawn(self.deliver([message], wait=self.chance.choice((0, 3)) * self.chance.random()))

    async def _customer(self, channel: str, peer: str) -> None:
        """Write some messages, in calls one after the other where the platform delivers so."""
        number = 0
        for call in range(self.chance.randint(2, 5)):
            await asyncio.sleep(self.chance.choice((0.01, 0.5, 20)) * self.chance.random())
            messages = []
            for _ in range(self.chance.choice((1, 1, 3))):
                number += 1
                mark = f"c{channel}{peer}n{number}x"
                text = TEXTS[int(peer) % 2].format(mark)
                to = contact(channel, peer)
                event = CustomerWrote(id=f"{to}:{mark}", to=to, at=self.wall(), message=mark, text=text, name="Lucía")
                messages.append(Message(mark, event, call + 1))
            self.customers += messages
            work = self.deliver(messages)
            if channel == "tg":
                await work
            else:
                self.spawn(work)

    async def deliver(self, messages: Sequence[Message], *, wait: float = 0.0) -> None:
        """Deliver as a platform does: again until it reads 200, and now and then once more."""
        await asyncio.sleep(wait)
        more = 2 if not self.calm and self.chance.random() < 0.3 else 1
        at = self.loop.time()
        for message in messages:
            message.sent_at = at
        while more:
            good = await self._call([message.event for message in messages])
            if good and (self.calm or self.chance.random() > 0.05):
                for message in messages:
                    message.taken_at = self.loop.time() if message.taken_at < 0 else message.taken_at
                more -= 1
                await asyncio.sleep(self.chance.random() * 2 if more else 0)
            else:
                await asyncio.sleep(0.2 + self.chance.random())

    async def _call(self, events: Sequence[Event]) -> bool:
        """Call the webhook, and say whether the answer was 200."""
        await asyncio.sleep(self.chance.random() * 0.02)
        if self.store is None:
            return False
        store = self.store

        async def receive() -> None:
            with contextlib.suppress(web.HTTPServiceUnavailable):
                await keep(store, "sim", events)
                taken.append(True)

        taken: list[bool] = []
        await asyncio.wait([self.loop.create_task(receive())])
        return bool(taken)

    # The gateway's life

    async def _main(self) -> None:
        self._own.add(asyncio.current_task())  # type: ignore[arg-type]  # it runs as one
        await self._start()
        for channel, peer in (("tg", "1"), ("ln", "2"), ("wa", "3"), ("tg", "4"), ("wa", "5"))[
            : self.chance.randint(2, 5)
        ]:
            self.spawn(self._customer(channel, peer))
        self.spawn(self._misfortune())
        while self.loop.time() < TROUBLE or self._open:
            await self._sleep_or_die(0.5)
        await self._settle()
        self._judge()

    async def _misfortune(self) -> None:
        """Decide when the process is killed, the disk full, a platform down, the clock wrong."""
        for _ in range(self.chance.randint(0, 4)):
            self._killed_at.add(self.chance.randint(20, 3000))
        while self.loop.time() < TROUBLE:
            await asyncio.sleep(self.chance.random() * 20)
            what = self.chance.choice(("full", "down", "clock", "kill", "nothing"))
            self.tell(f"— {what} —")
            if what == "full":
                self.full = True
                await asyncio.sleep(self.chance.random() * 5)
                self.full = False
            elif what == "down":
                self.down = self.chance.choice(("desk", "tg", "wa", "ln"))
                await asyncio.sleep(self.chance.random() * 20)
                self.down = ""
            elif what == "clock":
                self.jumped += timedelta(seconds=self.chance.choice((-3600, -5, 5, 3600)))
            elif what == "kill":
                self._killed_at.add(self._turns + self.chance.randint(1, 30))
        self.calm = True
        self.tell("— calm —")

    def _turn(self) -> None:
        """Count the loop's turns; at some of them the process dies."""
        self._turns += 1
        if self._turns in self._killed_at:
            self._dying.set()
            self._forget()

    def _forget(self) -> None:
        """From here on, nothing that the process does is kept."""
        self.life += 1
        self.store = None
        owed = {id_ for (id_,) in self.disk.execute("SELECT id FROM outbox")}
        for chats in self.chats.values():
            chats.killed(owed)

    async def _sleep_or_die(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._dying.wait()
        if self._dying.is_set():
            self._dying.clear()
            await self._kill()
            await asyncio.sleep(self.chance.random() * 3)
            await self._start()

    async def _start(self) -> None:
        self.tell("the gateway starts")
        store = SqliteStore(Path(), clock=self.wall, database=lambda _: Disk(self))
        await store.open()
        phrasebook, detector = _words()
        interpreter = Interpreter(
            Chain([Toy(self)], clock=self.loop.time),
            phrasebook,
            detector,
            Rules(POLICY),
            guard="off",
            clock=self.wall,
        )
        desk: Any = self.place
        channels: Any = self.chats
        budget = Budget(rate=1, burst=5, clock=self.loop.time)
        links = Links(lambda: b"key", "", desk, self.wall)
        faces = Faces(lambda: b"key", "", channels, store)
        self.bridge = Bridge(store, desk, channels, interpreter, Rules(POLICY), budget, links, faces, clock=self.wall)
        self.bridge.start()
        self._queue = self.loop.create_task(self.bridge.worker.watch_queue())
        self.store = store

    async def _kill(self) -> None:
        """End the process: nothing of it runs on, its memory is gone."""
        self.tell("the gateway is killed")
        self._forget()
        others = asyncio.all_tasks() - self._own - {asyncio.current_task()}
        mine = sorted(others, key=lambda task: int(task.get_name().partition("-")[2]))
        for task in mine:
            task.cancel()
        if mine:
            await asyncio.wait(mine, timeout=1)

    async def _settle(self) -> None:
        """Wait until nothing is owed."""
        end = self.loop.time() + PATIENCE
        while True:
            await self._sleep_or_die(5)
            stats = self.store.stats() if self.store else None
            if stats and not self._open and not stats.waiting_events and not any(stats.waiting_orders.values()):
                return
            if self.loop.time() > end:
                raise Broken(f"still waiting after {PATIENCE:.0f} s: {stats}")

    # The ledger

    def _judge(self) -> None:
        kept = [row[0] for row in self.disk.execute("SELECT event FROM history ORDER BY seq")]
        apart = [row[0] for row in self.disk.execute("SELECT event FROM aside")]
        for table in ("journal", "parked", "outbox", "dead", "aside"):
            (left,) = self.disk.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 - our names
            _hold(left == 0, f"{left} left in {table}: {apart}")
        ids = Counter(decode_event(body).id for body in kept)
        for message in (*self.customers, *self.agents):
            _hold(ids[message.event.id] == 1, f"{message.mark} is worked on {ids[message.event.id]} times")
        _hold(max(ids.values(), default=1) == 1, f"worked on twice: {[id_ for id_, n in ids.items() if n > 1]}")
        self._judge_desk()
        self._judge_customers()
        self._judge_memory()

    def _judge_desk(self) -> None:
        shown = [text for _, _, text in self.place.posts.values()]
        roots = [ts for ts, (_, root, text) in self.place.posts.items() if not root and not text.startswith("~")]
        people = {message.event.to for message in self.customers}
        _hold(len(roots) == len(people), f"{len(roots)} cards for {len(people)} customers")
        cards = {text for _, root, text in self.place.posts.values() if not root}
        for number, status in self.disk.execute("SELECT number, status FROM conversation"):
            mine = [text for text in cards if text.startswith(f"#{number} ")]
            _hold(mine == [f"#{number} Lucía on {mine[0].split()[3]} {status}"], f"{status}, and the card says {mine}")
        orders = Counter(order for order, _, _ in self.place.posts.values())
        _hold(max(orders.values(), default=1) == 1, f"posted twice: {orders.most_common(2)}")
        for message in self.customers:
            times = sum(text.count(message.mark) for text in shown)
            _hold(times == 1, f"{message.mark} shows {times} times at the desk")
            lines = [line for text in shown for line in text.splitlines() if message.mark in line]
            foreign = "Dónde" in message.event.text  # type: ignore[union-attr]  # a customer's
            _hold(not foreign or lines[0].endswith("(en)"), f"{message.mark} was never translated: {lines}")
        self._judge_order(self.customers, shown)

    def _judge_customers(self) -> None:
        for chats in self.chats.values():
            sent = Counter(text for _, _, text in chats.accepted)
            for _, order, text in chats.accepted:
                _hold(not any(note in text for note in self.notes), f"a note went out: {text}")
                again = sent[text] - 1
                allowed = 0 if chats.capabilities.receipts or chats.capabilities.remembers else chats.doubtful[order]
                _hold(
                    again <= allowed or text.startswith(NOTICE), f"{text!r} went {sent[text]} times, {allowed} in doubt"
                )
                if again and not text.startswith(NOTICE):
                    told = sum(TWICE[:30] in post for _, _, post in self.place.posts.values())
                    _hold(told > 0, f"{text!r} went {sent[text]} times and nobody was told")
        said = [text for chats in self.chats.values() for _, _, text in chats.accepted]
        for message in self.agents:
            _hold(any(message.mark in text for text in said), f"{message.mark} never went")
            signs = self.place.signs.get(message.event.message, [])  # type: ignore[union-attr]  # an agent's
            _hold("accepted" in signs or "read" in signs, f"{message.mark} has the signs {signs}")
        self._judge_order(self.agents, said)

    def _judge_order(self, messages: Sequence[Message], shown: Sequence[str]) -> None:
        """What was answered 200 before another was first sent stands before it, and what came before it in one call."""
        place = {
            message.mark: (at, text.index(message.mark))
            for message in messages
            for at, text in reversed(list(enumerate(shown)))
            if message.mark in text
        }
        for at, one in enumerate(messages):
            for after, other in enumerate(messages):
                follows = one.taken_at < other.sent_at or (one.call == other.call > 0 and at < after)
                if one.event.to == other.event.to and follows:
                    _hold(place[one.mark] < place[other.mark], f"{other.mark} stands before {one.mark}")

    def _judge_memory(self) -> None:
        store, bridge = self.store, self.bridge
        if store is None or bridge is None:
            raise Broken("no gateway at the end")
        left = {
            "mailboxes": store._mailboxes._waiting,
            "taken": store._mailboxes._taken,
            "lanes": store._lanes._lanes,
            "strikes": bridge.hands._strikes,
            "held": bridge.hands.held,
            "waited": bridge.customers._waited,
            "worker": bridge.worker._strikes,
        }
        for what, things in left.items():
            _hold(not things, f"{what} keeps {things}")
        loads = dict(self.disk.execute("SELECT agent, count(*) FROM conversation WHERE agent <> '' GROUP BY agent"))
        roster = {each.agent: each.load for each in store.roster() if each.load}
        _hold(roster == loads, f"the roster says {roster}, the conversations {loads}")


def _hold(holds: bool, told: str) -> None:
    if not holds:
        raise Broken(told)


@cache
def _new_file() -> bytes:
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        migrate(db)
        return db.serialize()


@cache
def _words() -> tuple[Phrasebook, Detector]:
    return Phrasebook.load(), Detector()


def simulate(seed: int) -> list[str]:
    """Run a seed; give its story, or raise Broken with it."""
    sim = Simulation(seed)
    try:
        sim.run()
    except Exception as error:
        story = "\n".join(sim.story)
        raise Broken(f"seed {seed}: {error!r}\n{story}\nseed {seed}: {error!r}") from error
    return sim.story


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """A run logs thousands of faults that are all on purpose."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_whatever_happens_the_promises_hold(chunk: int) -> None:
    run_all(range(chunk, SEEDS, CHUNKS))


class Busy(Simulation):
    """A desk that is offered more messages than Slack lets it post: bursts of three, about five turns a customer."""

    rate = 1.5
    minutes = 30

    async def _main(self) -> None:
        self.calm = True
        self.delays: dict[str, float] = {}
        self.offered = 0
        self._own.add(asyncio.current_task())  # type: ignore[arg-type]  # it runs as one
        await self._start()
        while self.loop.time() < self.minutes * 60:
            self.spawn(self._turns_of(str(100 + self.offered)))
            await asyncio.sleep(2 * self.chance.random() * 15 / self.rate)
        await self._settle()

    async def _turns_of(self, peer: str) -> None:
        for turn in range(5):
            for part in range(3):
                self.offered += 1
                to = contact("tg", peer)
                mark = f"t{peer}n{turn}p{part}x"
                event = CustomerWrote(
                    id=f"{to}:{mark}", to=to, at=self.wall(), message=mark, text=f"My parcel {mark} please", name="L"
                )
                self.delays[mark] = -self.loop.time()
                self.spawn(self.deliver([Message(mark, event)]))
                await asyncio.sleep(self.chance.expovariate(1 / 2.5))
            await asyncio.sleep(self.chance.expovariate(1 / 40))

    def seen(self, ts: str, root: str, text: str) -> None:
        """Note how long what a post shows has waited."""
        for mark in MARK.findall(text):
            self.delays[mark] += self.loop.time()


MARK = re.compile(r"t\d+n\dp\dx")


def test_a_desk_offered_one_and_a_half_times_its_posts_is_seconds_behind_not_hours() -> None:
    sim = Busy(1)
    sim.run()

    delays = sorted(sim.delays.values())
    assert len(delays) > Busy.rate * Busy.minutes * 60 * 0.8
    assert len(sim.place.posts) < sim.loop.time() + 5
    assert delays[len(delays) * 95 // 100] <= 10


def test_a_seed_replays_exactly() -> None:
    def story(hashing: str) -> str:
        command = [sys.executable, str(Path(__file__)), "7"]
        env = {"PYTHONPATH": str(Path(__file__).parent.parent), "PYTHONHASHSEED": hashing}
        return subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout

    first = story("1")
    assert first.count("\n") > 20
    assert story("2") == first


# The promises, broken on purpose: the simulation must notice each

Patch = pytest.MonkeyPatch


def early(patch: Patch) -> None:
    whole = SqliteStore.append

    async def append(self: SqliteStore, events: Sequence[Event]) -> Sequence[bool]:
        background = asyncio.ensure_future(whole(self, events))
        background.add_done_callback(lambda done: done.cancelled() or done.exception())
        return [True for _ in events]

    patch.setattr(SqliteStore, "append", append)


def forgetful(patch: Patch) -> None:
    whole = rows._write_event

    def write(db: sqlite3.Connection, event: Event, at: datetime) -> Any:
        db.execute("DELETE FROM seen")
        return whole(db, replace(event, id=f"{event.id}+{random.random()}"), at)  # noqa: S311 - no secret

    patch.setattr(rows, "_write_event", write)


def unnoted(patch: Patch) -> None:
    async def begin(self: SqliteStore, orders: Sequence[Order]) -> tuple[Order, ...]:
        return tuple(replace(order, begun=order.begun + 1) for order in orders)

    patch.setattr(SqliteStore, "begin", begin)


def blind(patch: Patch) -> None:
    async def find(self: Place, order: str, *, since: datetime, thread: str = "") -> str:
        return ""

    patch.setattr(Place, "find", find)


def impatient(patch: Patch) -> None:
    whole = Place.find

    async def find(self: Place, order: str, *, since: datetime, thread: str = "") -> str:
        with contextlib.suppress(SendError):
            return await whole(self, order, since=since, thread=thread)
        return ""

    patch.setattr(Place, "find", find)


def backwards(patch: Patch) -> None:
    whole = Lanes.take

    async def take(self: Lanes, side: Side) -> Batch:
        batch = await whole(self, side)
        return Batch(batch.lane, batch.orders[::-1])

    patch.setattr(Lanes, "take", take)


def jumbled(patch: Patch) -> None:
    whole = Worker.step

    async def step(self: Worker, claim: Claim) -> bool:
        return await whole(
            self, Claim(claim.mailbox, claim.version, claim.conversation, claim.events[::-1], claim.seqs)
        )

    patch.setattr(Worker, "step", step)


def loose(patch: Patch) -> None:
    def agent(was: Conversation, event: AgentWrote, policy: Policy) -> Decision:
        return agent_wrote(was, replace(event, text=event.text.lstrip("/")), policy)

    patch.setattr(conversation, "agent_wrote", agent)


def silent(patch: Patch) -> None:
    patch.setattr(deliver, "TWICE", "")


def careless(patch: Patch) -> None:
    async def keep_once(self: Hands, batch: Batch, result: Result) -> None:
        with contextlib.suppress(StoreError):
            await self.store.settle(batch, result)

    patch.setattr(Hands, "keep", keep_once)


def parked(patch: Patch) -> None:
    whole = rows._name_thread

    def name(db: sqlite3.Connection, thread: str, order: Order) -> Any:
        whole(db, thread, order)
        return []

    patch.setattr(rows, "_name_thread", name)


def deaf(patch: Patch) -> None:
    patch.setattr(conversation, "receipt", lambda was, event: Decision(was))


def greedy(patch: Patch) -> None:
    whole = Lanes.leave

    def leave(self: Lanes, batch: Batch, until: datetime = EPOCH) -> None:
        if until > EPOCH or self._lanes[batch.lane].orders:
            whole(self, batch, until)

    patch.setattr(Lanes, "leave", leave)


def miscounting(patch: Patch) -> None:
    whole = Roster.move

    def move(self: Roster, was: str, now: str, at: datetime) -> None:
        whole(self, "", now, at)

    patch.setattr(Roster, "move", move)


def hasty(patch: Patch) -> None:
    async def work(self: Worker, claim: Claim) -> None:
        try:
            await self.step(claim)
        except StoreError:
            await self._store.set_aside(claim, "the store failed")

    patch.setattr(Worker, "work", work)


def torn(patch: Patch) -> None:
    whole = rows.write_step

    def write(db: sqlite3.Connection, claim: Claim, step: Step, *more: Any) -> Any:
        return whole(db, claim, replace(step, effects=step.effects[:1]), *more)

    patch.setattr(rows, "write_step", write)


def untranslated(patch: Patch) -> None:
    patch.setattr(DeskPosts, "_missed", lambda self, order, entries: ())


BREAKS = (
    untranslated,
    early,
    forgetful,
    unnoted,
    blind,
    impatient,
    backwards,
    jumbled,
    loose,
    silent,
    careless,
    parked,
    deaf,
    greedy,
    miscounting,
    hasty,
    torn,
)


@pytest.mark.parametrize("broken", BREAKS, ids=lambda broken: broken.__name__)
def test_a_promise_that_is_broken_on_purpose_is_noticed(broken: Callable[[Patch], None], monkeypatch: Patch) -> None:
    broken(monkeypatch)

    with pytest.raises(Broken):
        run_all(range(200))


def run_all(seeds: Sequence[int]) -> None:
    for seed in seeds:
        simulate(seed)


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    run = simulate(int(sys.argv[1]))
    sys.stdout.write("\n".join((*run, "")))
