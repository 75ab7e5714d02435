"""The gateway as one thing that starts, serves and stops."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import Any

import msgspec
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from adapters.contract import Channel, SendError
from adapters.desk import Desk
from adapters.http import open_session
from config.settings import Settings
from gateway import webhooks
from gateway.admin.console import console_routes
from gateway.admin.running import Running
from gateway.bridge import Bridge
from gateway.budget import Budget
from gateway.checkup import Checkup
from gateway.conversation_commands import FORGET, FORGOTTEN
from gateway.desk_console import Console
from gateway.engines import make_chain
from gateway.faces import Faces
from gateway.hands import utc
from gateway.heard import Heard
from gateway.interpret import Interpreter
from gateway.keys import load_key
from gateway.links import Links
from gateway.live_channels import KIND as CHANNEL
from gateway.live_channels import LiveChannels
from gateway.live_settings import LiveSettings
from gateway.measures import KEPT, OLDEST, WAITING
from gateway.pauses import Pause, Pauses
from gateway.presence import watch_presence
from gateway.record import Recorder
from gateway.rules import Rules
from gateway.shared_translations import Remembering, SharedTranslations
from gateway.store.choose import beside, make_store
from gateway.store.contract import Store, StoreError
from gateway.tally import Tally
from routing.events import Event
from translation.detect import Detector
from translation.phrasebook import Phrasebook

REMEMBER = timedelta(days=30)
"""How long event ids and the places of posts are kept."""

REST = 5.0
"""Seconds before something in the background that broke begins again."""

log = logging.getLogger("dragoman")


class Gateway:
    """Everything between the platforms and the desk, made from settings."""

    def __init__(self, settings: Settings, *, budget: Callable[[], Budget] = Budget) -> None:
        self.settings = settings
        self._make_budget = budget
        self.app = web.Application(client_max_size=webhooks.MAX_BODY)
        self.app.add_routes(webhooks.routes())
        self.app.add_routes(
            [web.get("/healthz", _healthz), web.get("/readyz", self._readyz), web.get("/metrics", self._metrics)]
        )
        self.app.add_routes([web.get("/files/{token}", self._file), web.get("/faces/{token}", self._face)])
        self._rules = Rules(settings.policy)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Open the store and start working; the web application is ready to be served then.

        Raises:
            StoreError: the data directory isn't usable.
        """
        settings = self.settings
        self.store: Store = make_store(settings.gateway)
        await self.store.open()
        self._session = open_session()
        key = partial(load_key, settings.gateway.key, settings.gateway.data_dir)
        self.heard = Heard(utc)
        self._live = LiveChannels(
            settings, self.store, self._session, key, keep_going, self._channel_changed, self.heard
        )
        self.channels: Mapping[str, Channel] = self._live.channels
        self.desk = Desk(settings.desk, settings.policy, self._session, self._from_desk, self._live.guests)
        self.app[webhooks.CHANNELS] = self.channels
        self.app[webhooks.DESK] = self.desk
        self.app[webhooks.STORE] = self.store
        self.app[webhooks.HEARD] = self.heard
        self.pauses = Pauses(self._pause_changed)
        known = cache(key)
        self._links = Links(known, settings.gateway.public_url, self.desk, utc)
        self._faces = Faces(known, settings.gateway.public_url, self.channels, self.store)
        self.bridge = self._make_bridge()
        self.desk.console = self._make_console()
        self._checkup = self._make_checkup()
        self._kept = LiveSettings(settings, self.store, key, self._change_settings)
        with contextlib.suppress(StoreError):
            await self.bridge.corrections.refresh()
            await self.bridge.replies.refresh()
            await self._kept.refresh()
            await self.pauses.refresh(self.store, quietly=True)
        self.bridge.hands.paused = self.pauses.now
        self.bridge.start()
        self.app.add_routes(console_routes(self._running(key)))
        self._tasks = [asyncio.create_task(keep_going(each)) for each in self._always()]
        await self._live.start()

    def _make_bridge(self) -> Bridge:
        settings = self.settings
        phrasebook = Phrasebook.load()
        self._tally = Tally()
        self.chain = make_chain(settings, phrasebook, self._tally)
        if isinstance(self.store, Remembering):
            self.chain.shared = SharedTranslations(self.store)
        guard = settings.translation.guard
        interpreter = Interpreter(self.chain, phrasebook, Detector(), self._rules, guard=guard, tally=self._tally)
        self._recorder = Recorder(settings.gateway.record) if settings.gateway.record else None
        return Bridge(
            self.store,
            self.desk,
            self.channels,
            interpreter,
            self._rules,
            self._make_budget(),
            self._links,
            self._faces,
            recorder=self._recorder,
        )

    def _make_console(self) -> Console:
        return Console(
            self.store,
            beside(self.settings.gateway),
            self.desk,
            self._rules,
            utc,
            self.bridge.worker.offer_quietly,
            self.bridge.replies,
            self.channels,
        )

    def _make_checkup(self) -> Checkup:
        return Checkup(
            self.store,
            self.desk,
            self.channels,
            self.chain,
            self.bridge.hands.held,
            utc,
            self.heard,
            unhooked=self._live.unhooked,
            public_url=self.settings.gateway.public_url,
            needed=self.settings.translation.chosen,
        )

    async def _take_up(self) -> None:
        await self._kept.refresh()
        await self._live.refresh()
        await self.pauses.refresh(self.store)

    def _wants_presence(self) -> bool:
        return self.settings.desk.slack_presence

    async def _change_settings(self, settings: Settings) -> None:
        """Go on by other settings: what waited for the desk, or for an agent, may go now."""
        self.settings = settings
        self._rules.policy = settings.policy
        if self.chain.glossary.become(settings.translation.keep, settings.translation.terms):
            self.chain.memory.forget()
        await self.desk.become(settings.desk, settings.policy)
        await self._live.share_desk(settings.desk.bot_token)
        self._checkup.forget("desk")
        self._checkup.forget("desk scopes")
        self.bridge.hands.release("desk")
        self.store.wake("")
        await self.bridge.worker.offer_quietly(f"settings:{utc().isoformat()}")

    def _running(self, key: Callable[[], bytes]) -> Running:
        return Running(
            current=lambda: self.settings,
            key=key,
            store=self.store,
            beside=beside(self.settings.gateway),
            clock=utc,
            problems=self._problems,
            desk=self.desk,
            chain=self.chain,
            channels=self.channels,
            unreadable=self._live.problems,
            held=self.bridge.hands.held,
            take_up=self._take_up,
            spawn=self._spawn,
            freed=self.bridge.worker.offer_quietly,
            checkup=self._checkup,
            heard=self.heard,
            paused=self.pauses.now,
        )

    def _always(self) -> Iterator[Callable[[], Awaitable[None]]]:
        """Name what goes on in the background."""
        worker = self.bridge.worker
        yield from (self.desk.listen, self._ask_desk, self._look_after, self._forget_the_asked, self._live.watch)
        yield from (worker.watch_queue, worker.watch_breaks, self._checkup.watch, self._kept.watch)
        yield partial(self.heard.watch, self.store)
        yield partial(self.pauses.watch, self.store)
        yield from (self.bridge.corrections.watch, self.bridge.replies.watch, partial(self._tally.watch, self.store))
        yield partial(watch_presence, self.desk, self.store, self._rules, worker.offer_quietly, self._wants_presence)

    async def stop(self) -> None:
        """Stop receiving, finish what was begun, and let go of everything."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.desk.close()
        await self.bridge.stop()
        if self._recorder:
            self._recorder.close()
        await self._live.close()
        await self.chain.close()
        await self._session.close()
        with contextlib.suppress(StoreError):
            await self._tally.flush(self.store)
        await self.store.close()

    def _channel_changed(self, name: str) -> None:
        """Try again at once what waited for a channel's credentials."""
        self.bridge.hands.release(name)
        self.store.wake(name)

    async def _pause_changed(self, name: str, pause: Pause | None) -> None:
        """Tell the desk, from one replica, and let go what waited."""
        if pause is None:
            self.store.wake(name)
        gone = pause is None and name not in self.settings.channels and name not in await self.store.docs(CHANNEL)
        if self.store.leads("checkup") and not gone:
            waits = "What is answered there waits, what customers write still comes."
            told = (
                f"⏸️ {name} was paused by {pause.who}. {waits}" if pause else f"▶️ {name} goes on: what waited goes now."
            )
            # Beside: an admin who pauses a channel needn't wait for Slack.
            self._spawn(self._tell_desk(told, f"pause:{name}:{utc().isoformat()}"))

    async def _tell_desk(self, text: str, order: str) -> None:
        with contextlib.suppress(SendError):
            await self.desk.post(text, (), order=order)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin what ends with the gateway."""
        self._tasks.append(asyncio.create_task(work))

    async def _from_desk(self, events: Sequence[Event]) -> None:
        await webhooks.keep_desk(self.store, self.heard, events)

    async def _ask_desk(self) -> None:
        """Ask Slack whether the desk works, until it does; meanwhile the log says what is wrong."""
        told = ""
        while True:
            try:
                log.info("desk.works", extra={"desk": await self.desk.probe()})
                return
            except SendError as error:
                if (said := f"{error}. {error.advice}") != told:
                    log.error("desk.fails", extra={"error": said})
                told = said
                await asyncio.sleep(1 if not self.settings.desk.bot_token else 10)

    async def _look_after(self) -> None:
        """Forget what is old, once an hour."""
        while True:
            with contextlib.suppress(StoreError):
                await self.store.prune(datetime.now(UTC) - REMEMBER)
            await asyncio.sleep(3600)

    async def _forget_the_asked(self) -> None:
        """Erase whom a command asked to erase, and say what that was; what others erased goes from memory, too."""
        known = b""
        while True:
            with contextlib.suppress(StoreError):
                if (last := await self.store.get_doc(FORGOTTEN, "last") or b"") != known:
                    known = last
                    self.chain.memory.forget()
                for contact in [contact for contact, done in (await self.store.docs(FORGET)).items() if not done]:
                    await self._forget(contact)
            await asyncio.sleep(1)

    async def _forget(self, contact: str) -> None:
        """Erase a contact, unless another replica has it: that one does it then."""
        with contextlib.suppress(StoreError):
            erased = await self.store.forget(contact)
            self.chain.memory.forget()
            await self.store.put_doc(FORGOTTEN, "last", utc().isoformat().encode())
            await self.store.put_doc(FORGET, contact, msgspec.json.encode(erased))
            log.info("contact.forgotten", extra={"erased": erased})

    async def _readyz(self, _: web.Request) -> web.Response:
        """Say whether the store answers and the desk is connected, and name what isn't."""
        problems = await self._problems()
        return web.json_response({"ready": not problems, "problems": problems}, status=503 if problems else 200)

    async def _problems(self) -> Mapping[str, str]:
        problems = {}
        try:
            await self.store.probe()
        except StoreError as error:
            problems["store"] = str(error)
        if self.desk.problem:
            problems["desk"] = self.desk.problem
        if self._kept.problem:
            problems["settings"] = self._kept.problem
        problems |= self._live.problems
        return problems | {name: hold.reason for name, hold in self.bridge.hands.held.items()}

    async def _file(self, http: web.Request) -> web.StreamResponse:
        return await self._links.serve(http)

    async def _face(self, http: web.Request) -> web.StreamResponse:
        return await self._faces.serve(http)

    async def _metrics(self, _: web.Request) -> web.Response:
        stats = self.store.stats()
        waiting = {"events": stats.waiting_events, "parked": stats.parked, **stats.waiting_orders}
        for what, count in waiting.items():
            WAITING.labels(what).set(count)
        for side, seconds in self.store.oldest().items():
            OLDEST.labels(side).set(seconds)
        KEPT.labels("aside").set(stats.aside)
        KEPT.labels("dead").set(stats.dead)
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})


async def keep_going(work: Callable[[], Awaitable[None]]) -> None:
    """Do what goes on in the background until it is done; what breaks it is logged, and it begins again."""
    while True:
        try:
            return await work()
        except Exception:
            log.exception("background.failed")
            await asyncio.sleep(REST)


async def _healthz(_: web.Request) -> web.Response:
    return web.Response(text="ok")
