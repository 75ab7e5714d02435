"""Which partitions this process works on: leases that say so, and in memory what waits in them."""

import asyncio
import contextlib
import logging
import random
import secrets
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import msgspec
from redis.exceptions import RedisError

from gateway.store.contract import Order, StoreError, side_of
from gateway.store.redis.calls import Answer, Calls
from gateway.store.redis.kept import decode_order
from gateway.store.redis.keys import PARTITIONS, REPLICAS, TAGS, tag_of
from gateway.store.redis.link import listener
from gateway.store.redis.seats import Seats
from gateway.store.shape import mailbox_of, moment
from gateway.store.waiting import Clock, Lanes, Mailboxes, come
from routing.events import Event, decode_event

LEASE = 4.0
"""Seconds that a partition stays with a replica that says nothing."""

TEND_EVERY = 1.0
"""Seconds between renewals, and between looks at what others left."""

IDLE_LOOK = 0.02
"""Seconds between looks at whether what is in hand of a partition that goes is finished."""

log = logging.getLogger("dragoman.store")


@dataclass(slots=True, eq=False)
class Part:
    """A partition in our hands, with how far its journal and its outbox are in memory."""

    tag: str
    token: str
    epoch: int
    last: int = 0
    owed: int = 0
    due: datetime | None = None
    counts: dict[str, int] = field(default_factory=dict)
    leaving: bool = False
    stale: bool = False
    reading: bool = False


class Holding:
    """The partitions of this process, and what waits in them."""

    def __init__(
        self,
        calls: Calls,
        seats: Seats,
        clock: Clock,
        *,
        longest_wait: Callable[[], datetime],
        dropped: Callable[[str], None],
        freed: Callable[[str], Awaitable[None]],
    ) -> None:
        self.mailboxes = Mailboxes()
        self.lanes = Lanes(clock)
        self.replica = secrets.token_hex(6)
        self.elsewhere = 0
        self.share = 1.0
        self._calls = calls
        self._seats = seats
        self._clock = clock
        self._longest_wait = longest_wait
        self._dropped = dropped
        self._freed = freed
        self._held: dict[str, Part] = {}
        self._closing = False
        self._bell = asyncio.Event()
        self._timer_bell = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self, hear: Callable[[str], None], silence: Callable[[], None]) -> None:
        """Take what is free, and go on looking after it; `hear` is told what others ring for.

        After a `silence` something may have been missed.
        """
        await self._tend()
        for work in (self._go_on_tending(), self._fire(), self._listen(hear, silence)):
            self._spawn(work)

    async def close(self) -> None:
        """Let everything go, so that others have it at once."""
        self._closing = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        goings = [self._calls.submit("let_go", part.tag, part.token) for part in self._held.values()]
        goings.append(self._calls.submit("bow_out", REPLICAS, self.replica, self.bell))
        await asyncio.gather(*goings, return_exceptions=True)
        self._held.clear()

    @property
    def bell(self) -> str:
        """Name the channel that replicas call each other on."""
        return f"{self._calls.address.prefix}:bell"

    def part_of(self, mailbox: str) -> Part | None:
        """Give the partition of a mailbox, if it is in our hands."""
        return self._held.get(tag_of(mailbox))

    def parts(self) -> list[Part]:
        """Give the partitions in our hands."""
        return list(self._held.values())

    def is_mine(self, mailbox: str) -> bool:
        """Say whether what comes into a mailbox is worked on here."""
        part = self.part_of(mailbox)
        return part is not None and not part.leaving

    def counts(self) -> dict[str, int]:
        """Add up what is kept in our partitions."""
        total = dict.fromkeys(("parked", "aside", "dead"), 0)
        for part in self._held.values():
            for what, count in part.counts.items():
                total[what] += count
        return total

    def count(self, tag: str, what: str, change: int) -> None:
        """Note that more or less is kept in a partition."""
        if tag in self._held:
            counts = self._held[tag].counts
            counts[what] = counts.get(what, 0) + change

    # What comes in

    def entered(self, mailbox: str, seq: int, event: Event) -> None:
        """Note what was written to the journal; where others wrote before it, all of it is read."""
        part = self.part_of(mailbox)
        if part is None or part.leaving or seq <= part.last:
            return
        if seq == part.last + 1:
            part.last = seq
            self.mailboxes.add(mailbox, seq, event)
        else:
            self.read_news(part)

    def owes(self, part: Part, orders: list[Order]) -> None:
        """Note what a step put into the outbox."""
        if not self._is_live(part):
            return
        part.owed += len(orders)
        if not part.leaving:
            for order in orders:
                self.lanes.add(order, side_of(order.effect))

    def read_news(self, part: Part) -> None:
        """Read what others wrote to the journal of a partition of ours."""
        if not part.reading:
            part.reading = True
            self._calls.submit("news", part.tag, part.token, part.last, after=partial(self._heard, part))

    def _heard(self, part: Part, answer: Answer) -> None:
        part.reading = False
        if not self._is_live(part):
            return
        if answer[0] != b"ok":
            self.lose(part)
            return
        if part.leaving:
            return
        self._take_in(part, answer[1])

    def _take_in(self, part: Part, entries: list[list[bytes]]) -> None:
        """Put what is new of a journal into memory; what can't be read stays where it is, and holds up nothing."""
        for entry, mailbox, body in entries:
            seq = int(entry.partition(b"-")[0])
            if seq <= part.last:
                continue
            part.last = seq
            try:
                self.mailboxes.add(mailbox.decode(), seq, decode_event(body))
            except msgspec.DecodeError as error:
                log.error("event.unreadable", extra={"partition": part.tag, "seq": seq, "error": str(error)})

    def note_timer(self, part: Part, due: datetime) -> None:
        """Note when something is due."""
        if part.due is None or due < part.due:
            part.due = due
            self._timer_bell.set()

    # Leases

    def lose(self, part: Part) -> None:
        """Note that a partition is another's: whoever still works on something of it is told by the store."""
        if self._is_live(part):
            del self._held[part.tag]
            self._forget(part.tag)
            log.warning("partition.lost", extra={"partition": part.tag})

    def reload(self, tags: set[str]) -> None:
        """Read partitions anew, as it isn't known what happened in them."""
        for tag in tags & self._held.keys():
            self._held[tag].stale = True
        self._bell.set()

    def hear(self, said: str) -> None:
        """Act on what another replica rang for."""
        if (part := self._held.get(said)) is not None:
            self.read_news(part)
        elif said == "free":
            self._bell.set()

    def _is_live(self, part: Part) -> bool:
        return self._held.get(part.tag) is part

    def _forget(self, tag: str) -> None:
        self.mailboxes.drop(lambda mailbox: tag_of(mailbox) == tag)
        self.lanes.drop(lambda lane: tag_of(mailbox_of(lane)) == tag)
        self._dropped(tag)

    async def _go_on_tending(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TEND_EVERY):
                    await self._bell.wait()
            self._bell.clear()
            try:
                await self._tend()
            except StoreError as error:
                log.error("store.unreachable", extra={"error": str(error)})
                await asyncio.sleep(TEND_EVERY / 2)

    async def _tend(self) -> None:
        """Renew, read anew what is doubtful, and share out: every replica has as many partitions as the others."""
        backlog = self.mailboxes.size + self.lanes.size
        _, alive, backlogs = await self._calls.submit("beat", REPLICAS, self.replica, round(LEASE * 1000), backlog)
        self.elsewhere = max(sum(map(int, backlogs)) - backlog, 0)
        self.share = (backlog + 1) / (backlog + self.elsewhere + len(alive))
        await self._seats.refresh()
        await asyncio.gather(*map(self._tend_one, list(self._held.values())))
        fair = -(-PARTITIONS // max(len(alive), 1))
        mine = [part for part in self._held.values() if not part.leaving]
        for part in mine[fair:]:
            part.leaving = True
            self._forget(part.tag)
            self._spawn(self._hand_over(part))
        await self._take_free(fair - len(mine))

    async def _tend_one(self, part: Part) -> None:
        told = await self._calls.submit(
            "tend", part.tag, part.token, round(LEASE * 1000), part.last, after=partial(self._tended, part)
        )
        if told[0] != b"ok" or not self._is_live(part):
            return
        if part.stale:
            await self._load(part)
        if told[3]:
            await self._freed(part.tag)

    def _tended(self, part: Part, answer: Answer) -> None:
        self._heard(part, answer)
        if answer[0] == b"ok":
            part.counts = dict(zip(("parked", "aside", "dead"), map(int, answer[2]), strict=True))
            part.stale = part.stale or int(answer[4]) != part.owed

    async def _take_free(self, wanted: int) -> None:
        tags = [tag for tag in TAGS if tag not in self._held]
        random.shuffle(tags)
        while wanted > 0 and tags:
            some, tags = tags[:wanted], tags[wanted:]
            wanted -= sum(await asyncio.gather(*map(self._take_over, some)))

    async def _take_over(self, tag: str) -> bool:
        token = f"{self.replica}:{secrets.token_hex(8)}"
        told = await self._calls.submit("lease", tag, token, round(LEASE * 1000))
        if told[0] != b"ok":
            return False
        await self._load(Part(tag, token, told[1]))
        return True

    async def _load(self, part: Part) -> None:
        part.stale = False
        await self._calls.submit("load", part.tag, part.token, after=partial(self._loaded, part))

    def _loaded(self, part: Part, answer: Answer) -> None:
        if answer[0] != b"ok":
            self.lose(part)
            return
        if part.leaving:
            return
        _, entries, orders, lanes, loads, due, counts, last, owed = answer
        self._held[part.tag] = part
        self._forget(part.tag)
        part.last, part.owed = 0, int(owed)
        part.counts = dict(zip(("parked", "aside", "dead"), map(int, counts), strict=True))
        self._take_in(part, entries)
        part.last = int(last)
        for body in orders:
            try:
                order = decode_order(body)
            except msgspec.DecodeError as error:
                log.error("order.unreadable", extra={"partition": part.tag, "error": str(error)})
            else:
                self.lanes.add(order, side_of(order.effect))
        latest = self._longest_wait()
        for name, not_before in zip(lanes[::2], lanes[1::2], strict=True):
            self.lanes.hold(name.decode(), min(moment(int(not_before)), latest))
        self._seats.count(part.tag, part.epoch, loads)
        part.due = None
        if due:
            self.note_timer(part, moment(float(due)))

    async def _hand_over(self, part: Part) -> None:
        """Finish what is in hand of a partition, then let it go."""
        while self._is_live(part):
            busy = [*self.mailboxes.busy(), *map(mailbox_of, self.lanes.busy())]
            if not any(tag_of(mailbox) == part.tag for mailbox in busy):
                del self._held[part.tag]
                self._dropped(part.tag)
                with contextlib.suppress(StoreError):
                    await self._calls.submit("let_go", part.tag, part.token)
                return
            await asyncio.sleep(IDLE_LOOK)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # Timers and bells

    async def _fire(self) -> None:
        """Turn timers into events when they are due, never before."""
        while True:
            await come(self._next_due, self._clock, self._timer_bell)
            try:
                await asyncio.gather(*map(self._fire_one, list(self._held.values())))
            except StoreError:
                await asyncio.sleep(TEND_EVERY)

    def _next_due(self) -> datetime | None:
        return min((part.due for part in self._held.values() if part.due and not part.leaving), default=None)

    async def _fire_one(self, part: Part) -> None:
        now = self._clock()
        if part.due is None or part.due > now or part.leaving:
            return
        told = await self._calls.submit("fire", part.tag, part.token, round(now.timestamp() * 1000))
        if told[0] != b"ok":
            self.lose(part)
            return
        part.due = moment(float(told[1])) if told[1] else None
        self.read_news(part)

    async def _listen(self, hear: Callable[[str], None], silence: Callable[[], None]) -> None:
        """Hear the bells; redis-py may swallow a cancellation that meets its own timeout, so the end is looked for."""
        while not self._closing:
            heard = listener(self._calls.client)
            try:
                await heard.subscribe(self.bell)
                silence()
                while not self._closing:
                    said = await heard.get_message(ignore_subscribe_messages=True, timeout=TEND_EVERY)
                    if said is not None:
                        hear(said["data"].decode())
            except (RedisError, OSError) as error:
                log.warning("bell.silent", extra={"error": str(error)})
                await asyncio.sleep(TEND_EVERY)
            finally:
                with contextlib.suppress(Exception):
                    await heard.aclose()  # type: ignore[no-untyped-call]  # redis-py
