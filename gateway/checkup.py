"""Trying everything by itself: once a day, and what has just failed; the latest results are kept in memory."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from adapters.contract import Channel, SendError
from adapters.desk import Desk
from gateway.checks import Check, try_channel, try_desk, try_engine, try_scopes
from gateway.heard import Contact, Heard
from gateway.retry import Hold
from gateway.store.contract import Store, StoreError
from routing.contents import EPOCH
from translation.chain import Chain

WARNED = "warned"
"""The kind of document that says on which day the desk was last warned of something."""

AGAIN = timedelta(days=1)
LOOK_EVERY, FIRST_AFTER = 5.0, 30.0
"""Seconds between looks at what has just failed, and from the start to the first round."""

log = logging.getLogger("dragoman.check")


class Checkup:
    """Tries the desk, the channels and the engines; `results` are by what was tried, each with its moment.

    `held` are the channels that wait for their admin, `unhooked` those whose platform couldn't be told where we are.
    """

    def __init__(
        self,
        store: Store,
        desk: Desk,
        channels: Mapping[str, Channel],
        chain: Chain,
        held: Mapping[str, Hold],
        clock: Callable[[], datetime],
        heard: Heard,
        *,
        unhooked: Mapping[str, str],
        public_url: str,
        needed: bool,
    ) -> None:
        self.results: dict[str, tuple[Check, datetime]] = {}
        self._store = store
        self._desk = desk
        self._channels = channels
        self._chain = chain
        self._held = held
        self._clock = clock
        self._heard = heard
        self._unhooked = unhooked
        self._public_url = public_url
        self._needed = needed

    async def watch(self) -> None:
        """Try everything once a day, and what is held at once, until cancelled."""
        await asyncio.sleep(FIRST_AFTER)
        known: set[str] = set()
        round_at: datetime | None = None
        while True:
            if round_at is None or self._clock() - round_at >= AGAIN:
                round_at = self._clock()
                await self.try_all()
                await self.warn()
            for name in self._held.keys() - known:
                await (self.try_desk() if name == "desk" else self.try_channel(name))
            known = set(self._held)
            await asyncio.sleep(LOOK_EVERY)

    async def try_all(self) -> None:
        """Try everything."""
        engines = [try_engine(name, each, needed=self._needed) for name, each in self._chain.engines.items()]
        channels = [self._tried(name, each) for name, each in self._channels.items()]
        for check in await asyncio.gather(try_desk(self._desk), try_scopes(self._desk), *channels, *engines):
            self._note(check)
        gone = {f"channels.{name}" for name in self._channels}
        for what in [what for what in self.results if what.startswith("channels.") and what not in gone]:
            del self.results[what]

    async def try_channel(self, name: str) -> None:
        """Try one channel."""
        if channel := self._channels.get(name):
            self._note(await self._tried(name, channel))

    async def _tried(self, name: str, channel: Channel) -> Check:
        heard = (await self._heard.all(self._store)).get(name, Contact()).at > EPOCH
        check = await try_channel(name, channel, self._clock(), self._public_url, heard=heard)
        if check.works and (why := self._unhooked.get(name)):
            told = f"its platform couldn't be told where to call us: {why}"
            return replace(check, warning="; ".join(filter(None, (told, check.warning))))
        return check

    async def try_desk(self) -> None:
        """Try the desk."""
        self._note(await try_desk(self._desk))
        self._note(await try_scopes(self._desk))

    async def warn(self) -> None:
        """Tell the desk, once a day and from one replica, what will go wrong unless somebody acts."""
        if not self._store.leads("checkup"):
            return
        today = f"{self._clock():%Y-%m-%d}"
        for what, (check, _) in tuple(self.results.items()):
            if not check.warning or await self._store.get_doc(WARNED, what) == today.encode():
                continue
            try:
                text = f"⚠️ {what}: {check.warning}."
                await self._desk.post(text, (), order=f"warning:{what}:{today}")
                await self._store.put_doc(WARNED, what, today.encode())
            except (SendError, StoreError) as error:
                log.warning("check.not_told", extra={"what": what, "error": str(error)})

    def forget(self, what: str) -> None:
        """Forget a result: what it was about has changed."""
        self.results.pop(what, None)

    def _note(self, check: Check) -> None:
        self.results[check.what] = check, self._clock()
        if not check.works and check.needed:
            log.error("check.failed", extra={"what": check.what, "error": check.said})
        elif check.warning:
            log.warning("check.warning", extra={"what": check.what, "error": check.warning})
