"""What both sides' delivery needs: the store, patience, and the outcome of calls kept until it is stored."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime, timedelta

from adapters.contract import SendError
from gateway.measures import SENT, count
from gateway.retry import Hold, TryAt, judge
from gateway.store.contract import Batch, Result, Store, StoreError

ENDLESS = 10**9
"""The desk's patience."""

STRIKES = 5
"""How often an order may break us before it is set apart, so that it holds up nothing behind it."""

STRIKE_WAIT = 1.0
"""Seconds between strikes."""

PAUSE_LOOK = timedelta(hours=1)
"""How long what is paused waits at most until somebody looks whether it still is."""

log = logging.getLogger("dragoman.deliver")
Clock = Callable[[], datetime]


def utc() -> datetime:
    """Tell the time."""
    return datetime.now(UTC)


class Hands:
    """The store, with patience; `held` are the channels that wait for their admin, `paused` those that one paused."""

    def __init__(self, store: Store, clock: Clock = utc) -> None:
        self.store = store
        self.clock = clock
        self.held: dict[str, Hold] = {}
        self.paused: Collection[str] = ()
        self._strikes: dict[str, int] = {}

    def guard(
        self, deliver: Callable[[Batch], Awaitable[None]], bury: Callable[[Batch, str], Awaitable[None]]
    ) -> Callable[[Batch], Awaitable[None]]:
        """Make delivering let go of its lane whatever happens; what breaks us again and again is buried."""

        async def guarded(batch: Batch) -> None:
            first = batch.orders[0].id
            try:
                await deliver(batch)
                self._strikes.pop(first, None)
            except StoreError as error:
                log.warning("deliver.store_failed", extra={"lane": batch.lane, "error": str(error)})
                await asyncio.sleep(1)
            except Exception as error:
                log.exception("deliver.failed", extra={"lane": batch.lane})
                strikes = self._strikes[first] = self._strikes.get(first, 0) + 1
                if strikes >= STRIKES:
                    del self._strikes[first]
                    await bury(batch, f"Dragoman broke on it ({type(error).__name__})")
                else:
                    await asyncio.sleep(STRIKE_WAIT)
            finally:
                self.store.leave(batch)

        return guarded

    async def keep(self, batch: Batch, result: Result) -> None:
        """Have the store take what a call came to; until it has, the call isn't made again."""
        while True:
            try:
                return await self.store.settle(batch, result)
            except StoreError as error:
                log.error("deliver.outcome_waits", extra={"lane": batch.lane, "error": str(error)})
                await asyncio.sleep(0.5)

    async def postpone(self, batch: Batch, until: datetime, *, open_call: bool = False) -> None:
        """Have the lane wait; as above, until the store knows."""
        while True:
            try:
                return await self.store.postpone(batch, until, open_call=open_call)
            except StoreError as error:
                log.error("deliver.outcome_waits", extra={"lane": batch.lane, "error": str(error)})
                await asyncio.sleep(0.5)

    async def desk_failed(self, name: str, batch: Batch, error: SendError, *, searching: bool = False) -> None:
        """Do as an error of the desk's says, and never give up what a customer wrote.

        Where it was the search that failed, the call before is as open as it was.
        """
        order = batch.orders[0]
        verdict = judge(error, order.begun + 1, now=self.clock(), patience=ENDLESS, repeatable=True)
        log.warning("desk.failed", extra={"order": order.id, "error": str(error), "verdict": type(verdict).__name__})
        count(SENT, name, type(error).__name__)
        match verdict:
            case TryAt():
                await self.postpone(batch, verdict.at, open_call=verdict.open_call or searching)
            case Hold():
                self.hold(name, verdict)
                await self.postpone(batch, verdict.until, open_call=searching)
            case _:
                await self.keep(batch, Result(orders=(order.id,), dead=str(error)))

    async def is_paused(self, name: str, batch: Batch) -> bool:
        """Say whether an admin paused a channel; the lane then waits until it is woken."""
        if name not in self.paused:
            return False
        await self.postpone(batch, self.clock() + PAUSE_LOOK, open_call=True)
        return True

    async def is_held(self, name: str, batch: Batch) -> bool:
        """Say whether a channel waits for its admin; the lane then waits with it."""
        hold = self.held.get(name)
        if hold is None or hold.until <= self.clock():
            return False
        await self.postpone(batch, hold.until, open_call=True)
        return True

    def hold(self, name: str, hold: Hold) -> None:
        """Let a channel wait for its admin."""
        if name not in self.held:
            log.error("channel.held", extra={"channel": name, "error": hold.reason})
        self.held[name] = hold

    def release(self, name: str) -> None:
        """A call went through: the channel works."""
        if self.held.pop(name, None):
            log.info("channel.works_again", extra={"channel": name})
