"""The store's verbs on SQLite: what is in use lives in memory, and follows each commit in its order."""

import asyncio
import contextlib
import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from gateway.store.contract import (
    Batch,
    Claim,
    Order,
    Outcome,
    Result,
    Side,
    Stats,
    Step,
    StoreError,
    side_of,
)
from gateway.store.roster import Roster
from gateway.store.shape import lane_of, millis, moment
from gateway.store.sqlite import rows
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.posts import prune_posts
from gateway.store.sqlite.reads import Reads
from gateway.store.waiting import Clock, Lanes, Mailboxes, come
from routing.contents import EPOCH, THREAD_MARK, Standing
from routing.conversation import Conversation
from routing.effects import encode
from routing.events import CustomerWrote, Event, decode_event

CACHED = 20_000
"""How many conversations stay in memory."""

AT_ONCE = 1000
"""With fewer posts waiting than this, the next one's call is noted with the step it comes from; after a crash each of
them is looked for before it is posted.
"""

LONGEST_WAIT = timedelta(hours=1)
"""How long a lane waits at most after a start: the clock may have been wrong when it was told to wait."""

FORGET_TRIES = 200
LOOK_EVERY = 1.0
"""Seconds between looks at whether a command changed something beside us."""

BACKLOG = 50_000
"""How many events and orders may wait before the journal takes no more of customers: about 100 MB of memory."""

RESERVE = 10_000
"""How many more it takes of what isn't a customer's message, so that agents' answers go on."""


Found = tuple[list[rows.Placed], list[Order], dict[str, int]]
"""What a look beside us brought: events and orders that are wanted again, and how much is kept."""


def _utc() -> datetime:
    return datetime.now(UTC)


class SqliteStore(Reads):
    """The embedded engine; `folder` is the data directory."""

    def __init__(self, folder: Path, *, clock: Clock = _utc, database: Callable[[Path], Database] = Database) -> None:
        self._db = database(folder)
        self._clock = clock
        self._mailboxes = Mailboxes()
        self._lanes = Lanes(clock)
        self._cache: OrderedDict[str, tuple[int, Conversation]] = OrderedDict()
        self._roster = Roster({}, {})
        self._counts = {"parked": 0, "aside": 0, "dead": 0}
        self._noted: set[str] = set()
        self._threads: dict[tuple[str, int], str] = {}
        self._number = 0
        self._next_timer: datetime | None = None
        self._timer_bell = asyncio.Event()

    async def open(self) -> None:
        """Migrate, lock and recover."""
        await self._db.open(self._recover)
        self._data_version = 0
        self._tasks = [asyncio.create_task(self._fire()), asyncio.create_task(self._look())]

    async def close(self) -> None:
        """Finish what was begun and let go."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._db.close()

    async def probe(self) -> None:
        """Raise StoreError unless a commit goes through."""
        await self._db.submit(lambda db: db.execute("INSERT OR REPLACE INTO counter VALUES ('probe', 0)").rowcount)

    # The journal

    async def append(self, events: Sequence[Event]) -> Sequence[bool]:
        """Write events to the journal, durably."""
        waiting = self._mailboxes.size + self._lanes.size
        room = BACKLOG if any(isinstance(event, CustomerWrote) for event in events) else BACKLOG + RESERVE
        if waiting >= room:
            raise StoreError(f"{waiting} events and orders wait already: try again later")
        now = self._clock()
        places = await self._db.submit(lambda db: rows.write_events(db, events, now), self._place)
        return [place != "known" for place in places]

    async def claim(self) -> Claim:
        """Wait for a free mailbox and take it."""
        mailbox, waiting = await self._mailboxes.take()
        try:
            version, conversation = await self._load(mailbox)
        except BaseException:
            self._mailboxes.done(mailbox)
            raise
        seqs, events = tuple([seq for seq, _ in waiting]), tuple([event for _, event in waiting])
        return Claim(mailbox, version, conversation, events, seqs)

    async def commit(self, claim: Claim, step: Step) -> Outcome:
        """Keep the step; agents' room is taken at once, so that two steps can't give the same place away."""
        now = self._clock()
        noted = self._may_note(claim.mailbox)
        was, new = claim.conversation.load, step.conversation.load
        rested = self._roster.rested(new)
        self._roster.move(was, new, now)
        try:
            outcome, _ = await self._db.submit(
                lambda db: rows.write_step(db, claim, step, now, set(noted)),
                lambda wrote: self._keep(claim, step, noted, wrote),
            )
        except Exception:
            self._roster.move(new, was, rested)
            raise
        if outcome is not Outcome.OK:
            self._roster.move(new, was, rested)
        return outcome

    async def release(self, claim: Claim) -> None:
        """Let go of a mailbox; its events come again."""
        self._cache.pop(claim.mailbox, None)
        self._mailboxes.done(claim.mailbox)

    async def set_aside(self, claim: Claim, reason: str) -> None:
        """Keep the claim's first event apart."""
        now = millis(self._clock())

        def work(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM journal WHERE seq = ?", (claim.seqs[0],))
            db.execute(
                "INSERT INTO aside (mailbox, event, reason, at) VALUES (?, ?, ?, ?)",
                (claim.mailbox, encode(claim.events[0]), reason, now),
            )

        def after(_: None) -> None:
            self._counts["aside"] += 1
            self._mailboxes.done(claim.mailbox, claim.seqs[:1])

        await self._db.submit(work, after)

    async def number(self) -> int:
        """Give the next conversation's number."""

        self._number += 1
        return self._number

    # The outbox

    async def take(self, side: Side) -> Batch:
        """Wait for a lane of `side` that is due."""
        return await self._lanes.take(side)

    async def begin(self, orders: Sequence[Order]) -> tuple[Order, ...]:
        """Note that one call for these begins; what the step noted already takes no commit."""
        begun = tuple(replace(order, begun=order.begun + 1, open_call=orders[0].id) for order in orders)
        noted = orders[0].id in self._noted and len(orders) == 1
        self._noted.discard(orders[0].id)
        if noted:
            self._lanes.replace(begun[0])
        else:
            await self._rewrite(begun)
        return begun

    async def advance(self, order: Order) -> Order:
        """Note an order's progress; its call is no longer open."""
        advanced = replace(order, open_call="")
        await self._rewrite((advanced,))
        return advanced

    async def settle(self, batch: Batch, result: Result) -> None:
        """Keep what a call came to."""
        now = self._clock()
        waited = self._lanes.has_waited(batch.lane)

        def after(wrote: tuple[list[rows.Placed], list[rows.Placed]]) -> None:
            placed, freed = wrote
            self._counts["dead"] += len(result.orders) if result.dead else 0
            self._counts["parked"] -= len(freed)
            self._lanes.remove(batch.lane, result.orders)
            self._noted.difference_update(result.orders)
            if result.thread:
                self._threads[batch.orders[0].mailbox, batch.orders[0].number] = result.thread.removeprefix(THREAD_MARK)
            self._place([*placed, *freed])

        await self._db.submit(lambda db: rows.write_result(db, batch.orders, result, now, waited=waited), after)

    async def postpone(self, batch: Batch, until: datetime, *, open_call: bool) -> None:
        """Let go of the lane and let it wait."""

        def work(db: sqlite3.Connection) -> None:
            db.execute("INSERT OR REPLACE INTO lane VALUES (?, ?)", (batch.lane, millis(until)))
            if not open_call:
                db.executemany(
                    "UPDATE outbox SET open_call = '' WHERE seq = ?", ((order.place,) for order in batch.orders)
                )

        def after(_: None) -> None:
            if not open_call:
                self._lanes.close_calls(batch.lane)
                self._noted.difference_update(order.id for order in batch.orders)
            self._lanes.leave(batch, until)

        await self._db.submit(work, after)

    def wake(self, channel: str) -> None:
        """Make what waits for a channel's customers, or with "" for the desk, due now."""
        self._lanes.wake(channel)

    def leave(self, batch: Batch) -> None:
        """Let go of a lane; what is left in it is due again."""
        self._lanes.leave(batch)

    # Reading

    async def conversation(self, mailbox: str) -> Conversation | None:
        """Read a conversation."""
        version, conversation = await self._load(mailbox)
        return conversation if version else None

    def leads(self, role: str) -> bool:
        """Say that this process does what only one may do: there is no other."""
        return True

    def share(self) -> float:
        """Say that all is this process's: there is no other."""
        return 1.0

    def roster(self) -> Sequence[Standing]:
        """Say how many open conversations each agent has."""
        return self._roster.standings()

    async def set_away(self, agent: str, *, away: bool, until: datetime = EPOCH) -> None:
        """Keep that an agent is away, or isn't any more."""
        if away:
            await self.put_doc(rows.AWAY, agent, until.isoformat().encode())
        else:
            await self.drop_doc(rows.AWAY, agent)
        self._roster.set_away(agent, away=away)

    def set_present(self, agent: str, *, present: bool) -> bool:
        """Note whether the desk's platform shows an agent as there."""
        return self._roster.set_present(agent, present=present)

    def stats(self) -> Stats:
        """Say how much waits."""
        return Stats(waiting_events=self._mailboxes.size, waiting_orders=dict(self._lanes.sizes), **self._counts)

    def oldest(self) -> Mapping[str, float]:
        """Say by side for how many seconds the oldest order has waited."""
        return self._lanes.ages()

    # Documents and housekeeping

    async def put_doc(self, kind: str, key: str, body: bytes) -> None:
        """Keep a document."""
        await self._db.submit(
            lambda db: db.execute("INSERT OR REPLACE INTO doc VALUES (?, ?, ?)", (kind, key, body)).rowcount
        )

    async def drop_doc(self, kind: str, key: str) -> bool:
        """Forget a document; says whether it was there."""
        sql = "DELETE FROM doc WHERE kind = ? AND key = ?"
        return bool(await self._db.submit(lambda db: db.execute(sql, (kind, key)).rowcount))

    async def forget(self, mailbox: str) -> dict[str, int]:
        """Erase a contact everywhere: when nobody works on it, from memory and from the file in one go."""
        mailbox = await self._db.submit(partial(rows.canonical, mailbox=mailbox))
        lanes = [lane_of(side, mailbox) for side in Side]
        waiting: list[int] = []
        for _ in range(FORGET_TRIES):
            _, conversation = await self._load(mailbox)
            erased_now = self._mailboxes.erase(mailbox)
            waiting += erased_now or ()
            if erased_now is not None and self._lanes.erase(lanes):
                break
            await asyncio.sleep(0.05)
        else:
            raise StoreError(f"{mailbox} is being worked on all the time: try again")
        _, latest = self._cache.pop(mailbox, (0, conversation))
        self._roster.move(latest.load, "", self._clock())
        for place in [place for place in self._threads if place[0] == mailbox]:
            del self._threads[place]
        erased = await self._db.submit(lambda db: rows.erase(db, mailbox, waiting))
        # Another look counts what is kept anew.
        self._data_version = 0
        return erased

    async def prune(self, before: datetime) -> None:
        """Forget dedupe keys, parked replies and posts older than `before`."""
        cut = millis(before)

        def work(db: sqlite3.Connection) -> int:
            db.execute("DELETE FROM seen WHERE at < ?", (cut,))
            prune_posts(db, cut)
            return db.execute("DELETE FROM parked WHERE at < ?", (cut,)).rowcount

        def after(gone: int) -> None:
            self._counts["parked"] -= gone

        await self._db.submit(work, after)

    # Within

    def _recover(self, db: sqlite3.Connection) -> None:
        for seq, mailbox, event in db.execute("SELECT seq, mailbox, event FROM journal ORDER BY seq"):
            self._mailboxes.add(mailbox, seq, decode_event(event))
        for order in rows.read_orders(db):
            self._lanes.add(order, side_of(order.effect))
        latest = self._clock() + LONGEST_WAIT
        for name, not_before in db.execute("SELECT name, not_before FROM lane"):
            self._lanes.hold(name, min(moment(not_before), latest))
        self._roster = Roster(*rows.read_roster(db))
        self._counts = _count(db)
        (self._number,) = db.execute("SELECT ifnull(max(value), 0) FROM counter WHERE name = 'number'").fetchone()
        (due,) = db.execute("SELECT min(due) FROM timer").fetchone()
        self._next_timer = moment(due) if due is not None else None

    async def _load(self, mailbox: str) -> tuple[int, Conversation]:
        if mailbox in self._cache:
            self._cache.move_to_end(mailbox)
            return self._cache[mailbox]
        found = await self._db.read("SELECT version, body FROM conversation WHERE mailbox = ?", mailbox)
        if not found:
            return 0, Conversation(contact=mailbox)
        return found[0][0], rows.decode_conversation(found[0][1])

    async def _rewrite(self, orders: Sequence[Order]) -> None:
        values = [(order.begun, order.open_call, encode(order.progress), order.place) for order in orders]

        def after(_: int) -> None:
            for order in orders:
                self._lanes.replace(order)

        await self._db.submit(
            lambda db: (
                db.executemany(
                    "UPDATE outbox SET begun = ?, open_call = ?, progress = ? WHERE seq = ?", values
                ).rowcount
            ),
            after,
        )

    def _place(self, placed: Sequence[rows.Placed | rows.Fate]) -> None:
        for place in placed:
            if isinstance(place, tuple):
                self._mailboxes.add(*place)
            elif place in self._counts:
                self._counts[place] += 1

    def _may_note(self, mailbox: str) -> set[str]:
        """Name the lane whose next post goes at once: its call may be noted with the step, in one commit."""
        lane = lane_of(Side.DESK, mailbox)
        return {lane} if self._lanes.sizes[Side.DESK.value] < AT_ONCE and not self._lanes.waits(lane) else set()

    def _keep(self, claim: Claim, step: Step, noted: set[str], wrote: tuple[Outcome, list[Order]]) -> None:
        outcome, orders = wrote
        if outcome is Outcome.OK:
            self._remember(claim.mailbox, claim.version + 1, step.conversation)
            for order in orders:
                if order.lane in noted:
                    noted.discard(order.lane)
                    self._noted.add(order.id)
                self._lanes.add(order, side_of(order.effect))
            for timer in step.timers:
                self._note_timer(timer.due)
        else:
            self._cache.pop(claim.mailbox, None)
        self._mailboxes.done(claim.mailbox, () if outcome is Outcome.CONFLICT else claim.seqs)

    def _remember(self, mailbox: str, version: int, conversation: Conversation) -> None:
        self._cache[mailbox] = (version, conversation)
        self._cache.move_to_end(mailbox)
        if len(self._cache) > CACHED:
            self._cache.popitem(last=False)

    def _note_timer(self, due: datetime) -> None:
        if self._next_timer is None or due < self._next_timer:
            self._next_timer = due
            self._timer_bell.set()

    async def _fire(self) -> None:
        """Turn timers into events when they are due, never before."""
        while True:
            await come(lambda: self._next_timer, self._clock, self._timer_bell)
            try:
                await self._db.submit(partial(_fire_due, now=self._clock()), self._fired)
            except StoreError:
                await asyncio.sleep(1)

    async def _look(self) -> None:
        """Take up what commands wished for beside us."""
        while True:
            with contextlib.suppress(StoreError):
                await self._db.submit(self._look_beside, self._found)
            await asyncio.sleep(LOOK_EVERY)

    def _look_beside(self, db: sqlite3.Connection) -> Found | None:
        (version,) = db.execute("PRAGMA data_version").fetchone()
        if version == self._data_version:
            return None
        self._data_version = version
        return *rows.revive(db, self._clock()), _count(db)

    def _found(self, found: Found | None) -> None:
        if found is not None:
            placed, orders, self._counts = found
            self._place(placed)
            for order in orders:
                self._lanes.add(order, side_of(order.effect))

    def _fired(self, wrote: tuple[list[rows.Placed], int | None]) -> None:
        placed, due = wrote
        self._next_timer = moment(due) if due is not None else None
        self._place(placed)


def _fire_due(db: sqlite3.Connection, *, now: datetime) -> tuple[list[rows.Placed], int | None]:
    placed = rows.fire_timers(db, now)
    return placed, db.execute("SELECT min(due) FROM timer").fetchone()[0]


def _count(db: sqlite3.Connection) -> dict[str, int]:
    tables = ("parked", "aside", "dead")
    return {table: db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}  # noqa: S608 - ours
