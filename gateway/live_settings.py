"""Keeps up with what is kept of the configuration: a change is in force within moments, on every replica."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from config.credentials import Unreadable
from config.settings import Settings
from config.tables import ConfigError
from gateway.settings_book import KIND, open_stored
from gateway.store.contract import Store, StoreError

LOOK_EVERY = 1.0
log = logging.getLogger("dragoman.settings")


class LiveSettings:
    """What the file says and what is kept; `problem` says why what is kept can't be used, "" where it can.

    What can't be used changes nothing: what was in force stays.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        key: Callable[[], bytes],
        change: Callable[[Settings], Awaitable[None]],
    ) -> None:
        self.problem = ""
        self._settings = settings
        self._store = store
        self._key = key
        self._change = change
        self._stored: Mapping[str, bytes] = {}
        self._refreshing = asyncio.Lock()

    async def watch(self) -> None:
        """Keep up, until cancelled."""
        while True:
            with suppress(StoreError):
                await self.refresh()
            await asyncio.sleep(LOOK_EVERY)

    async def refresh(self) -> None:
        """Take up what has changed.

        Raises:
            StoreError: the store can't be read.
        """
        async with self._refreshing:
            await self._refresh()

    async def _refresh(self) -> None:
        stored = await self._store.docs(KIND)
        # What couldn't be read is tried again: while the key is renewed, the tables are there before it.
        if stored == self._stored and not self.problem:
            return
        try:
            settings = self._settings.joined(open_stored(stored, self._key()))
        except (ConfigError, Unreadable) as error:
            if not self.problem:
                log.error("settings.unusable", extra={"error": str(error)})
            self.problem = f"what is kept of the configuration can't be used: {error}"
            return
        await self._change(settings)
        self._stored, self.problem = stored, ""
        log.info("settings.changed", extra={"kept": sorted(stored)})
