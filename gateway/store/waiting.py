"""What is due, in memory: mailboxes with events, lanes with orders, and the clock that wakes what was postponed."""

import asyncio
import contextlib
import heapq
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from msgspec import structs

from gateway.store.contract import LANE_BATCH, LEAST_URGENT, MAILBOX_BATCH, Batch, Order, Side, urgency
from routing.contents import EPOCH, THREAD_MARK
from routing.events import AgentPressed, AgentWrote, Event

URGENT = (AgentWrote, AgentPressed)
"""What an agent did, and waits for."""

Clock = Callable[[], datetime]

URGENT_IN_A_ROW = 4
"""How many mailboxes that agents wrote to are taken before one of the others."""

PATIENCE = 64
"""How many later lanes of one urgency more may overtake a lane."""


async def come(due: Callable[[], datetime | None], clock: Clock, bell: asyncio.Event) -> None:
    """Wait until the moment that `due` gives has come, never less; the bell says that it may be sooner now."""
    while True:
        bell.clear()
        moment = due()
        wait = (moment - clock()).total_seconds() if moment else None
        if wait is not None and wait <= 0:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await bell.wait()


class Takers:
    """Those who wait for something to take: each ring wakes one of them, and is passed on where that one is gone."""

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()

    def ring(self) -> None:
        """Wake whoever has waited longest."""
        while self._waiting:
            taker = self._waiting.popleft()
            if not taker.done():
                taker.set_result(None)
                return

    async def wait(self) -> None:
        """Wait for a ring."""
        taker = asyncio.get_running_loop().create_future()
        self._waiting.append(taker)
        try:
            await taker
        except asyncio.CancelledError:
            if taker.done() and not taker.cancelled():
                self.ring()
            raise


@dataclass(slots=True)
class _Box:
    """What waits in one mailbox, with their places; `urgent` is how many of those an agent did."""

    events: deque[tuple[int, Event]] = field(default_factory=deque)
    urgent: int = 0


class Mailboxes:
    """Events by mailbox, in order; a mailbox is in one pair of hands at a time, what agents do soonest."""

    def __init__(self) -> None:
        self._waiting: dict[str, _Box] = {}
        self._taken: set[str] = set()
        self._ready: deque[str] = deque()
        self._urgent: deque[str] = deque()
        self._hurried: set[str] = set()
        self._in_a_row = 0
        self._takers = Takers()
        self.size = 0

    def add(self, mailbox: str, seq: int, event: Event) -> None:
        """Put an event behind those that wait."""
        box = self._waiting.get(mailbox)
        if box is None:
            box = self._waiting[mailbox] = _Box()
            if mailbox not in self._taken:
                self._ready.append(mailbox)
                self._takers.ring()
        if isinstance(event, URGENT):
            box.urgent += 1
            if mailbox not in self._hurried:
                self._hurry(mailbox)
        box.events.append((seq, event))
        self.size += 1

    def _hurry(self, mailbox: str) -> None:
        self._hurried.add(mailbox)
        self._urgent.append(mailbox)

    async def take(self) -> tuple[str, tuple[tuple[int, Event], ...]]:
        """Wait for a free mailbox and take it; its events stay until `done`."""
        while (mailbox := self._next()) is None:
            await self._takers.wait()
        self._taken.add(mailbox)
        self._hurried.discard(mailbox)
        return mailbox, tuple(islice(self._waiting[mailbox].events, MAILBOX_BATCH))

    def _next(self) -> str | None:
        """Choose a mailbox: one that an agent wrote to, but not for ever before the others."""
        urgent, ready = self._urgent, self._ready
        while urgent or ready:
            hurry = urgent and (self._in_a_row < URGENT_IN_A_ROW or not ready)
            mailbox = (urgent if hurry else ready).popleft()
            self._in_a_row = self._in_a_row + 1 if hurry else 0
            if mailbox in self._waiting and mailbox not in self._taken and (not hurry or mailbox in self._hurried):
                return mailbox
        return None

    def erase(self, mailbox: str) -> list[int] | None:
        """Forget a mailbox's events, and give their places; None where somebody works on it."""
        if mailbox in self._taken:
            return None
        erased = [seq for seq, _ in self._waiting.pop(mailbox, _Box()).events]
        self.size -= len(erased)
        self._hurried.discard(mailbox)
        return erased

    def done(self, mailbox: str, seqs: Collection[int] = ()) -> None:
        """Forget the events at these places, its first ones, and let go of the mailbox."""
        self._taken.discard(mailbox)
        box = self._waiting.get(mailbox)
        if box is None:
            return
        events = box.events
        while events and events[0][0] in seqs:
            _, event = events.popleft()
            box.urgent -= isinstance(event, URGENT)
            self.size -= 1
        if events:
            if box.urgent:
                # It may have been passed over in its turn while it was taken.
                self._hurry(mailbox)
            self._ready.append(mailbox)
            self._takers.ring()
        else:
            self._hurried.discard(mailbox)
            del self._waiting[mailbox]

    def drop(self, whose: Callable[[str], bool]) -> None:
        """Forget what waits in some mailboxes, which is another's to work on; who works on one may finish."""
        for mailbox in [mailbox for mailbox in self._waiting if whose(mailbox)]:
            self.size -= len(self._waiting.pop(mailbox).events)
            self._hurried.discard(mailbox)

    def busy(self) -> Collection[str]:
        """Name the mailboxes that are being worked on."""
        return self._taken


@dataclass(slots=True)
class _Lane:
    side: Side
    orders: deque[Order] = field(default_factory=deque)
    not_before: datetime = EPOCH
    hold: int = 0
    urgency: int = LEAST_URGENT + 1


class Lanes:
    """Orders by lane, in order; a lane is in one pair of hands at a time and may have to wait for a moment."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lanes: dict[str, _Lane] = {}
        self._ready: dict[Side, list[tuple[int, int, str]]] = {side: [] for side in Side}
        self._later: list[tuple[datetime, str]] = []
        self._takers = {side: Takers() for side in Side}
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = EPOCH
        self._counter = 0
        self._holds = 0
        self._seen = EPOCH
        self.sizes = dict.fromkeys((side.value for side in Side), 0)

    @property
    def size(self) -> int:
        """How many orders wait, for all sides."""
        return sum(self.sizes.values())

    def add(self, order: Order, side: Side) -> None:
        """Put an order behind those that wait in its lane."""
        lane = self._lanes.setdefault(order.lane, _Lane(side))
        lane.orders.append(order)
        self.sizes[side.value] += 1
        if urgency(order.effect) < lane.urgency:
            lane.urgency = urgency(order.effect)
            self._offer(order.lane, lane)

    def waits(self, name: str) -> bool:
        """Say whether anything is in a lane."""
        return name in self._lanes

    def has_waited(self, name: str) -> bool:
        """Say whether a lane was to wait at some time."""
        return name in self._lanes and self._lanes[name].not_before > EPOCH

    def ages(self) -> dict[str, float]:
        """Say for how many seconds the oldest order of each side has waited."""
        now = self._clock()
        oldest = dict.fromkeys(self.sizes, 0.0)
        for lane in self._lanes.values():
            if lane.orders:
                age = (now - lane.orders[0].at).total_seconds()
                oldest[lane.side.value] = max(oldest[lane.side.value], age)
        return oldest

    async def take(self, side: Side) -> Batch:
        """Wait for a lane that is due, and take it."""
        while True:
            self._wake_the_due()
            if (name := self._next(side)) is not None:
                lane = self._lanes[name]
                self._holds += 1
                lane.hold = self._holds
                return Batch(name, tuple(islice(lane.orders, LANE_BATCH)), lane.hold)
            self._set_timer()
            await self._takers[side].wait()

    def replace(self, order: Order) -> None:
        """Put a changed order in its place."""
        lane = self._lanes.get(order.lane)
        if lane is None:
            return
        for at, each in enumerate(lane.orders):
            if each.id == order.id:
                lane.orders[at] = order
                return

    def waiting(self, name: str) -> Sequence[Order]:
        """Give what is in a lane, in order."""
        return tuple(self._lanes[name].orders) if name in self._lanes else ()

    def close_calls(self, name: str) -> None:
        """Note that no call of a lane is open."""
        lane = self._lanes.get(name)
        if lane is not None:
            lane.orders = deque(structs.replace(order, open_call="") for order in lane.orders)

    def remove(self, name: str, ids: Iterable[str]) -> None:
        """Forget orders that are settled; the lane stays taken."""
        lane = self._lanes.get(name)
        if lane is None:
            return
        gone = set(ids)
        before = len(lane.orders)
        while lane.orders and lane.orders[0].id in gone:
            gone.discard(lane.orders.popleft().id)
        if gone:
            lane.orders = deque(order for order in lane.orders if order.id not in gone)
        self.sizes[lane.side.value] -= before - len(lane.orders)

    def leave(self, batch: Batch, until: datetime = EPOCH) -> None:
        """Let go of a lane, unless that was done before; what is left in it is due at `until`."""
        name = batch.lane
        lane = self._lanes.get(name)
        if lane is None or lane.hold != batch.hold:
            return
        lane.hold = 0
        if not lane.orders:
            del self._lanes[name]
            return
        lane.not_before = max(until, lane.not_before)
        lane.urgency = min(urgency(order.effect) for order in lane.orders)
        self._offer(name, lane)

    def hold(self, name: str, until: datetime) -> None:
        """Let a lane wait that nobody has taken."""
        if name in self._lanes:
            self._lanes[name].not_before = until
            heapq.heappush(self._later, (until, name))

    def erase(self, names: Collection[str]) -> bool:
        """Forget lanes; False where one of them is taken."""
        lanes = [self._lanes[name] for name in names if name in self._lanes]
        if any(lane.hold for lane in lanes):
            return False
        for lane in lanes:
            self.sizes[lane.side.value] -= len(lane.orders)
        for name in names:
            self._lanes.pop(name, None)
        return True

    def drop(self, whose: Callable[[str], bool]) -> None:
        """Forget what waits in some lanes, which is another's to deliver; who has one in hand may finish."""
        for name in [name for name in self._lanes if whose(name)]:
            lane = self._lanes[name]
            self.sizes[lane.side.value] -= len(lane.orders)
            lane.orders.clear()
            if not lane.hold:
                del self._lanes[name]

    def busy(self) -> Collection[str]:
        """Name the lanes that are in somebody's hands."""
        return [name for name, lane in self._lanes.items() if lane.hold]

    def wake(self, channel: str) -> None:
        """Make what waits for a channel's customers, or with "" for the desk, due now."""
        prefix = f"{channel}/" if channel else THREAD_MARK
        for name, lane in self._lanes.items():
            if name.startswith(prefix) and not lane.hold and lane.not_before > EPOCH:
                lane.not_before = EPOCH
                self._offer(name, lane)

    def _offer(self, name: str, lane: _Lane) -> None:
        if lane.hold:
            return
        if lane.not_before > self._now():
            heapq.heappush(self._later, (lane.not_before, name))
            self._set_timer()
            return
        self._counter += 1
        heapq.heappush(self._ready[lane.side], (self._counter + PATIENCE * lane.urgency, self._counter, name))
        self._takers[lane.side].ring()

    def _set_timer(self) -> None:
        """See that the next lane that is to wait is offered when it is due; one timer does for all takers."""
        if not self._later or (self._timer and self._timer_at <= self._later[0][0]):
            return
        if self._timer:
            self._timer.cancel()
        self._timer_at = self._later[0][0]
        wait = (self._timer_at - self._now()).total_seconds()
        self._timer = asyncio.get_running_loop().call_later(max(wait, 0), self._when_due)

    def _when_due(self) -> None:
        self._timer = None
        self._wake_the_due()
        self._set_timer()

    def _now(self) -> datetime:
        """Tell the time; where the clock was set back, what waits is moved with it and doesn't wait longer."""
        now = self._clock()
        if now < self._seen:
            back = now - self._seen
            for lane in self._lanes.values():
                if lane.not_before > EPOCH:
                    lane.not_before += back
            self._later = [(due + back, name) for due, name in self._later]
            self._timer_at += back
        self._seen = now
        return now

    def _wake_the_due(self) -> None:
        now = self._now()
        while self._later and self._later[0][0] <= now:
            _, name = heapq.heappop(self._later)
            lane = self._lanes.get(name)
            if lane is not None and not lane.hold and lane.not_before <= now:
                self._offer(name, lane)

    def _next(self, side: Side) -> str | None:
        ready = self._ready[side]
        now = self._now()
        while ready:
            _, _, name = heapq.heappop(ready)
            lane = self._lanes.get(name)
            if lane is not None and not lane.hold and lane.not_before <= now:
                return name
        return None
