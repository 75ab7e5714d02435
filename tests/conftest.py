"""A world to test in: simulated platforms over real HTTP, and a gateway between them."""

import asyncio
import copy
import gc
import logging
import re
import secrets
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters import KINDS
from benchmarks import redis_servers
from benchmarks.ports import free_port
from config.settings import Settings, parse
from gateway import webhooks
from gateway.admin.door import make_link
from gateway.app import Gateway
from gateway.budget import Budget
from gateway.store.choose import beside
from routing.events import Event
from sandbox.slack import SlackSandbox
from sandbox.telegram import TelegramCustomer, TelegramSandbox

T = TypeVar("T")
Serve = Callable[..., Awaitable[TestServer]]
"""Starts a server for an application, and stops it at the end of the test: pytest-aiohttp's `aiohttp_server`."""

PATIENCE = 20.0

CONFIGURATION = """
[gateway]
data_dir = "data"
store = "{store}"
port = {port}
public_url = "http://127.0.0.1:{port}"
record = "{record}"

[channels.tg]
kind = "telegram"
token = "42:sandbox-token"
mode = "{telegram_mode}"
webhook_secret = "telegram-secret"
api_base = "{telegram}"

[desk]
channel = "C0SUPPORT"
bot_token = "xoxb-sandbox"
signing_secret = "slack-secret"
app_token = "xapp-sandbox"
mode = "{desk_mode}"
api_base = "{slack}/api/"
{presence}

[[agents]]
slack_user_id = "U0ANA"
name = "Ana"
languages = ["en", "es"]

[[agents]]
slack_user_id = "U0BEN"
name = "Ben"
languages = ["en"]
"""


# What tests make is mostly gone before it is old: looking for rings of it less often saves one second in fifteen.
gc.set_threshold(100_000, 50, 100)

LONG = ("test_ledger.py", "test_simulation.py", "test_demo.py", "test_redis.py")
"""Files whose tests take long, most of the time waiting: they begin first, so that none is waited for at the end."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deal the tests out so that each worker, which begins with a stretch of them, begins with long ones."""
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    first = [item for item in items if item.path.name in LONG]
    rest = [item for item in items if item.path.name not in LONG]
    items[:] = [item for worker in range(workers) for item in (*first[worker::workers], *rest[worker::workers])]


class World:
    """The platforms, and a gateway that can be started, stopped and started again."""

    def __init__(self, folder: Path, telegram_mode: str, desk_mode: str, serve: Serve) -> None:
        self.folder = folder
        self._serve = serve
        self.modes = {"telegram_mode": telegram_mode, "desk_mode": desk_mode, "record": "", "store": "sqlite"}
        self.telegram = TelegramSandbox("42:sandbox-token")
        self.slack = SlackSandbox("xoxb-sandbox", "C0SUPPORT", signing_secret="slack-secret", app_token="xapp-sandbox")
        self.extra = self.presence = ""
        self._port = 0

    async def open(self) -> None:
        """Start the platforms."""
        self.telegram_url = str((await self._serve(self.telegram.app)).make_url("")).rstrip("/")
        self.slack_url = self.slack.base = str((await self._serve(self.slack.app)).make_url("")).rstrip("/")

    async def start(self, *, ready: bool = True) -> None:
        """Start the gateway, where it was before, and wait until it is ready."""
        self._port = self._port or free_port()
        self.gateway = Gateway(self.settings(), budget=lambda: Budget(rate=100, burst=50))
        await self.gateway.start()
        self.server = web.AppRunner(self.gateway.app, access_log=None, shutdown_timeout=2)
        await self.server.setup()
        webhooks.shorten(self.server, self.gateway.app)
        await web.TCPSite(self.server, "127.0.0.1", self._port).start()
        self.url = f"http://127.0.0.1:{self._port}"
        if self.modes["desk_mode"] == "http":
            self.slack.events_url = f"{self.url}/slack/events"
        await self.until(lambda: not (ready and self.gateway.desk.problem))

    async def stop(self) -> None:
        """Stop the gateway."""
        await self.server.cleanup()
        await self.gateway.stop()

    def settings(self) -> Settings:
        """Read the configuration for this world."""
        return parse(self.text(self._port) + self.extra, self.folder / "dragoman.toml", KINDS, {})

    def text(self, port: int) -> str:
        """Write the configuration for this world."""
        return CONFIGURATION.format(
            port=port, telegram=self.telegram_url, slack=self.slack_url, presence=self.presence, **self.modes
        )

    def customer(self, name: str = "Lucía", chat: int = 1001, **more: Any) -> TelegramCustomer:
        """Give a customer on Telegram."""
        return self.telegram.customer(chat, name, **more)

    async def until(self, holds: Callable[[], T]) -> T:
        """Wait until something holds, and give it."""
        async with asyncio.timeout(PATIENCE):
            while not (found := holds()):  # noqa: ASYNC110 - the platforms have no one event for it
                await asyncio.sleep(0.01)
        return found

    async def thread(self, count: int = 1) -> str:
        """Wait for the `count`-th conversation's card and give its ts."""
        cards = await self.until(lambda: cards if len(cards := self.slack.roots()) >= count else [])
        return str(cards[count - 1]["ts"])

    async def shown(self, thread: str, text: str) -> dict[str, Any]:
        """Wait for a post of the gateway's in a thread, beneath the card, that shows a text."""

        def find() -> dict[str, Any] | None:
            posts = self.slack.replies(thread)
            return next((post for post in posts if "bot_id" in post and text in flat(post)), None)

        return await self.until(find) or {}

    async def on_card(self, thread: str, text: str) -> dict[str, Any]:
        """Wait until a conversation's card shows a text."""
        return await self.until(lambda: card if text in flat(card := self.slack.posts[thread]) else None) or {}

    async def settled(self) -> None:
        """Wait until nothing waits."""

        def idle() -> bool:
            stats = self.gateway.store.stats()
            return not stats.waiting_events and not any(stats.waiting_orders.values())

        await self.until(idle)


def flat(post: dict[str, Any]) -> str:
    """Give all the words of a post's blocks, or its text where it has none."""

    def words(part: Any) -> list[str]:
        if isinstance(part, dict):
            own = [part["text"]] if isinstance(part.get("text"), str) else []
            return own + [word for value in part.values() for word in words(value)]
        return [word for value in part for word in words(value)] if isinstance(part, list) else []

    return "\n".join(words(post.get("blocks"))) or str(post.get("text", ""))


@pytest.fixture(autouse=True)
def own_logging() -> Iterator[None]:
    """A command sets up logging for its process; here the process is ours."""
    names = (None, "dragoman", "dragoman.bolt")
    handlers = logging.getLogger().handlers[:]
    levels = {name: logging.getLogger(name).level for name in names}
    yield
    logging.getLogger().handlers[:] = handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a server of our own."""
    with redis_servers.server(tmp_path_factory.mktemp("redis")) as server:
        yield server.address


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a cluster of our own."""
    with redis_servers.cluster(tmp_path_factory.mktemp("cluster")) as nodes:
        yield "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in nodes)


@pytest.fixture
def words() -> Callable[[dict[str, Any]], str]:
    """Give all the words of a post."""
    return flat


@pytest.fixture(params=["sqlite", "redis"])
def either_store(request: pytest.FixtureRequest) -> str:
    """Name a store of either engine, for a world of its own."""
    if request.param == "sqlite":
        return "sqlite"
    return f"{request.getfixturevalue('redis')}?prefix={secrets.token_hex(8)}"


@pytest.fixture
async def make_world(tmp_path: Path, aiohttp_server: Serve) -> AsyncIterator[Callable[..., Awaitable[World]]]:
    """Make worlds; each is closed at the end."""
    worlds: list[World] = []

    async def make(
        telegram_mode: str = "webhook",
        desk_mode: str = "http",
        extra: str = "",
        record: str = "",
        store: str = "sqlite",
        desk: str = "",
    ) -> World:
        world = World(tmp_path / f"world{len(worlds)}", telegram_mode, desk_mode, aiohttp_server)
        world.modes |= {"record": record, "store": store}
        world.extra = extra
        world.presence = desk
        await world.open()
        await world.start()
        worlds.append(world)
        return world

    yield make
    for world in worlds:
        await world.stop()


@pytest.fixture
async def world_at_rest(tmp_path: Path, aiohttp_server: Serve) -> World:
    """Platforms without a gateway."""
    world = World(tmp_path / "world", "webhook", "http", aiohttp_server)
    await world.open()
    return world


@pytest.fixture
async def world(make_world: Callable[..., Awaitable[World]]) -> World:
    """A world with webhooks on both sides."""
    return await make_world()


class Console:
    """A browser that is signed in to a world's console; `seen` is all that it was shown."""

    def __init__(self, world: World, browser: aiohttp.ClientSession, proof: str) -> None:
        self.world = world
        self.browser = browser
        self._proof = proof
        self.seen = ""

    async def get(self, path: str) -> tuple[int, str]:
        """Ask for a page."""
        async with self.browser.get(self.world.url + path) as answer:
            return answer.status, self._read(await answer.text())

    async def send(self, path: str, **form: str) -> tuple[int, str]:
        """Send a form; `__` in a field's name stands for a dot."""
        fields = {name.replace("__", "."): value for name, value in form.items()}
        async with self.browser.post(self.world.url + path, data={"proof": self._proof, **fields}) as answer:
            return answer.status, self._read(await answer.text())

    async def upload(self, path: str, field: str, text: str) -> tuple[int, str]:
        """Send a form with a file."""
        form = aiohttp.FormData({"proof": self._proof})
        form.add_field(field, text.encode(), filename=f"{field}.txt")
        async with self.browser.post(self.world.url + path, data=form) as answer:
            return answer.status, self._read(await answer.text())

    def _read(self, text: str) -> str:
        self.seen += text
        return text


class SignIn:
    """Signs browsers in to a world's console."""

    def link(self, world: World) -> str:
        """Make a link that lets in once."""
        return world.url + make_link(beside(world.settings().gateway), "ines", datetime.now(UTC))

    async def console(self, world: World, browser: aiohttp.ClientSession) -> Console:
        """Sign in."""
        return Console(world, browser, await self(world, browser))

    async def __call__(self, world: World, browser: aiohttp.ClientSession) -> str:
        """Sign in, and give the proof that forms need."""
        async with browser.post(self.link(world)) as answer:
            found = re.search(r'name="proof" value="([^"]+)"', await answer.text())
        assert found
        return found[1]


@pytest.fixture
def sign_in() -> SignIn:
    """Sign a browser in to a world's console."""
    return SignIn()


@pytest.fixture
async def browser() -> AsyncIterator[aiohttp.ClientSession]:
    """Ask for pages as a browser does, cookies and all."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        yield session


@pytest.fixture
async def console(sign_in: SignIn, world: World, browser: aiohttp.ClientSession) -> Console:
    """Sign in to a world's console."""
    return await sign_in.console(world, browser)


def everything_in(file: Path) -> str:
    """Give all that a store's tables hold, as text."""
    with closing(sqlite3.connect(file)) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        values = [value for table in tables for row in db.execute(f"SELECT * FROM {table}") for value in row]  # noqa: S608 - ours
    return "\n".join(value.decode(errors="replace") if isinstance(value, bytes) else str(value) for value in values)


@pytest.fixture
def kept() -> Callable[[Path], str]:
    """Read all that a store keeps."""
    return everything_in


def spoilt(body: Any) -> Iterator[Any]:
    """Give a body again and again, each key at any depth once left out, once null and once of another type."""
    for path in _paths(body):
        damages: tuple[Any, ...] = ("out", None, [], {"odd": 1}, "odd", "\ud800\x00", -1, 10**30)
        for damage in damages:
            copied = copy.deepcopy(body)
            inner = copied
            for step in path[:-1]:
                inner = inner[step]
            if damage == "out":
                del inner[path[-1]]
            else:
                inner[path[-1]] = damage
            yield copied


def _paths(body: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from _paths(value, (*path, key))


def told(event: Event) -> dict[str, Any]:
    """Give an event without what the clock or the store gives it."""
    said: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(event))
    hidden = {"id", "at", "facts"} | ({"body"} if said["type"] == "Unrecognised" else set())
    return {key: value for key, value in said.items() if key not in hidden}


@pytest.fixture
def damaged() -> Callable[[Any], Iterator[Any]]:
    """Spoil a body in every way."""
    return spoilt


@pytest.fixture
def plain() -> Callable[[Event], dict[str, Any]]:
    """Show an event as a fixture holds it."""
    return told
