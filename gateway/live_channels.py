"""The channels of a running gateway: those of the file, and those of the store, which come, change and go."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial

import aiohttp

from adapters import CHANNELS, KINDS
from adapters.contract import Channel, Hooked, Listening, SendError
from adapters.slack import Slack
from config.credentials import Secret, Unreadable, Vault
from config.settings import ChannelSettings, Settings, channel_from
from config.tables import ConfigError
from gateway import webhooks
from gateway.heard import Heard
from gateway.store.contract import Store, StoreError
from routing.events import Event

KIND = "channel"
"""The kind of document that a channel is kept as."""

LOOK_EVERY = 1.0
"""Seconds between looks at whether a channel was added, changed or removed."""

HOOK_AGAIN = timedelta(hours=1)
"""How often a platform is told again where to call us: it may have forgotten."""

REST = 10.0
log = logging.getLogger("dragoman.channels")
Keep = Callable[[Callable[[], Awaitable[None]]], Coroutine[None, None, None]]


class LiveChannels:
    """Makes channels, has them receive, and keeps up with what is stored; `channels` is what there is just now."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        session: aiohttp.ClientSession,
        key: Callable[[], bytes],
        keep_going: Keep,
        changed: Callable[[str], None],
        heard: Heard,
    ) -> None:
        self._heard = heard
        self._changed = changed
        self.channels: dict[str, Channel] = {}
        self.guests: list[Slack] = []
        self._overheard: set[str] = set()
        self.problems: dict[str, str] = {}
        self.unhooked: dict[str, str] = {}
        self._settings = settings
        self._bot_token = settings.desk.bot_token
        self._store = store
        self._session = session
        self._key = key
        self._keep_going = keep_going
        self._sealed: dict[str, bytes] = {}
        self._refreshing = asyncio.Lock()
        self._receiving: dict[str, list[asyncio.Task[None]]] = {}
        for channel in settings.channels.values():
            self._make(channel)

    async def start(self) -> None:
        """Take up the stored channels, and have all receive."""
        for name in tuple(self.channels):
            self._receive(name)
        with suppress(StoreError):
            await self.refresh()

    async def watch(self) -> None:
        """Keep up with what is stored, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            with suppress(StoreError):
                await self.refresh()

    async def refresh(self) -> None:
        """Take up channels that were added or changed, and let go of those that were removed.

        Raises:
            StoreError: the store can't be read.
        """
        async with self._refreshing:
            await self._refresh()

    async def _refresh(self) -> None:
        stored = await self._store.docs(KIND)
        for name in [name for name in self._sealed if stored.get(name) != self._sealed[name]]:
            del self._sealed[name]
            await self._drop(name)
        for name, sealed in stored.items():
            # What couldn't be read is tried again: while the key is renewed, the fields are there before it.
            known = name in self._sealed and name not in self.problems
            if not known and name not in self._settings.channels:
                self._sealed[name] = sealed
                self._open(name, sealed)

    async def share_desk(self, bot_token: Secret) -> None:
        """Know whose customers write to the desk's own app, now that it is another: their events come with its own."""
        self._bot_token = bot_token
        for name, channel in tuple(self.channels.items()):
            if isinstance(channel, Slack) and channel.shares(bot_token) != (name in self._overheard):
                await self._rest(name)
                if channel.shares(bot_token):
                    self.guests.append(channel)
                    self._overheard.add(name)
                else:
                    self.guests.remove(channel)
                    self._overheard.discard(name)
                self._receive(name)

    async def close(self) -> None:
        """Let go of all."""
        for name in tuple(self.channels):
            await self._drop(name)

    def _open(self, name: str, sealed: bytes) -> None:
        try:
            opened = open_channel(name, sealed, self._key())
        except (ConfigError, Unreadable) as error:
            if name not in self.problems:
                log.error("channel.unreadable", extra={"channel": name, "error": str(error)})
            self.problems[name] = f"its stored fields can't be used: {error}"
            return
        self.problems.pop(name, None)
        self._make(opened)
        self._receive(name)
        self._changed(name)
        log.info("channel.taken_up", extra={"channel": name, "kind": opened.kind})

    def _make(self, settings: ChannelSettings) -> None:
        channel = CHANNELS[settings.kind](settings, self._session)
        self.channels[settings.id] = channel
        if isinstance(channel, Slack) and channel.shares(self._bot_token):
            self.guests.append(channel)
            self._overheard.add(settings.id)

    async def _drop(self, name: str) -> None:
        self.problems.pop(name, None)
        self.unhooked.pop(name, None)
        await self._rest(name)
        channel = self.channels.pop(name, None)
        self._overheard.discard(name)
        self.guests[:] = [guest for guest in self.guests if guest is not channel]

    async def _rest(self, name: str) -> None:
        """Have a channel receive nothing for now."""
        for task in (tasks := self._receiving.pop(name, [])):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _receive(self, name: str) -> None:
        """Have a channel's platform call us, or poll it."""
        channel = self.channels[name]
        work: list[Callable[[], Awaitable[None]]] = []
        public = self._settings.gateway.public_url
        if isinstance(channel, Hooked) and public:
            work.append(partial(self._hook, channel, name, f"{public}/webhooks/{name}"))
        if isinstance(channel, Listening) and name not in self._overheard:
            work.append(partial(self._listen, channel, name))
        self._receiving[name] = [asyncio.create_task(self._keep_going(each)) for each in work]

    async def _take_in(self, name: str, events: Sequence[Event]) -> None:
        await webhooks.keep_trying(self._store, name, events)
        self._heard.note(name)

    async def _hook(self, channel: Hooked, name: str, url: str) -> None:
        """Tell a platform where to call us, and tell it again now and then."""
        while True:
            try:
                await channel.hook(url)
                self.unhooked.pop(name, None)
                await asyncio.sleep(HOOK_AGAIN.total_seconds())
            except SendError as error:
                self.unhooked[name] = f"{error}. {error.advice}".rstrip(". ")
                log.warning("channel.hook_failed", extra={"channel": name, "error": self.unhooked[name]})
                await asyncio.sleep(REST)

    async def _listen(self, channel: Listening, name: str) -> None:
        """Have a channel listen while this process is the one that does: platforms take no second poller."""
        while True:
            while not self._store.leads(name):  # noqa: ASYNC110 - leadership comes and goes beside us
                await asyncio.sleep(LOOK_EVERY)
            listening = asyncio.ensure_future(channel.listen(partial(self._take_in, name)))
            try:
                while self._store.leads(name) and not listening.done():
                    await asyncio.wait([listening], timeout=LOOK_EVERY)
                if listening.done():
                    return listening.result()
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)


def seal_channel(name: str, fields: Mapping[str, str], key: bytes) -> bytes:
    """Encrypt a channel's fields, its kind among them."""
    return Vault(key).seal(name, fields)


def open_channel(name: str, sealed: bytes, key: bytes) -> ChannelSettings:
    """Decrypt and check a channel's fields.

    Raises:
        Unreadable: it isn't for this key.
        ConfigError: this version wants other fields.
    """
    return channel_from(name, Vault(key).open(name, sealed), KINDS)
