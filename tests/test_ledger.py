"""What the platforms saw is held against what was sent, while the gateway's process is killed, stopped and starved.

Each trial is a world of its own: real `dragoman run` processes, the sandbox's platforms over real HTTP, customers and
agents who write all the time, and one kind of fault. All trials of a test run side by side. `make soak` runs hundreds.
"""

import asyncio
import contextlib
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from benchmarks import redis_servers
from benchmarks.ports import free_port
from gateway.deliver import TWICE
from sandbox.meta import refuse
from sandbox.slack import SlackSandbox, rate_limited
from sandbox.telegram import TelegramSandbox, too_many
from sandbox.whatsapp import WhatsAppSandbox

ROOT = Path(__file__).parent.parent
POWERCUT = Path(__file__).parent / "recipes" / "powercut" / "powercut.c"
COMPILER = shutil.which("cc") or shutil.which("tcc")
SOAK = int(os.environ.get("DRAGOMAN_SOAK", "1"))
"""How many trials of each kind are run; `make soak` says how many."""

ONLY = os.environ.get("DRAGOMAN_SOAK_ONLY", "")
"""The kinds to run, separated by commas; all where it is empty."""

TOGETHER = 12
"""How many trials run side by side."""

TROUBLE = 6.0
"""Seconds of load and faults in a trial."""

PATIENCE = 60.0
"""Seconds after which everything must have arrived."""

SOON = 8.0
"""The same where something is broken on purpose."""

QUIET = 1.5
"""Seconds of watching whether anything comes twice."""

CONFIGURATION = """
[gateway]
data_dir = "data"
port = {port}
store = "{store}"
[channels.tg]
kind = "telegram"
token = "42:sandbox-token"
mode = "webhook"
webhook_secret = "telegram-secret"
api_base = "{telegram}"
[channels.wa]
kind = "whatsapp"
phone_number_id = "301"
business_account_id = "201"
access_token = "EAAsandbox"
app_secret = "meta-secret"
verify_token = "verify-me"
api_base = "{whatsapp}"
[desk]
channel = "C0SUPPORT"
bot_token = "xoxb-sandbox"
signing_secret = "slack-secret"
mode = "http"
api_base = "{slack}/api/"
[[agents]]
slack_user_id = "U0ANA"
name = "Ana"
[translation]
engines = ["phrasebook"]
"""


class Broken(AssertionError):
    """A promise that didn't hold."""


@dataclass
class Wrote:
    """What somebody wrote in a conversation, and when a call for it began and was answered 200 first."""

    who: str
    mark: str
    sent_at: float = 0.0
    taken_at: float = 0.0


class Trial:
    """One world under one kind of fault."""

    def __init__(self, fault: str, seed: int, folder: Path, *, patch: str = "", preload: Path | None = None) -> None:
        self.name = f"{fault}-{seed}"
        self.fault = fault
        self.folder = folder / self.name
        self.folder.mkdir(parents=True)
        self.chance = random.Random(f"{fault} {seed}")  # noqa: S311 - the same chance each time
        self.patch = patch
        self.patience = SOON if patch else PATIENCE
        self.preload = preload
        self.telegram = TelegramSandbox("42:sandbox-token")
        self.whatsapp = WhatsAppSandbox(
            number="301", account="201", access_token="EAAsandbox", app_secret="meta-secret"
        )
        self.slack = SlackSandbox("xoxb-sandbox", "C0SUPPORT", signing_secret="slack-secret")
        self.customers: list[Wrote] = []
        self.agents: list[Wrote] = []
        self.interrupted = 0
        self.ends_at = 0.0
        self._seen: set[str] = set()
        self._writing: set[asyncio.Task[Any]] = set()

    async def run(self) -> None:
        """Go through the trouble, then hold the ledger."""
        async with contextlib.AsyncExitStack() as stack:
            bases = {
                name: await stack.enter_async_context(served(box.app))
                for name, box in (("telegram", self.telegram), ("slack", self.slack), ("whatsapp", self.whatsapp))
            }
            await self.open(stack, bases)
            self.ends_at = time.monotonic() + TROUBLE
            answering = asyncio.create_task(self._answer())
            stack.callback(answering.cancel)
            receipts = asyncio.create_task(self._tell_receipts())
            stack.callback(receipts.cancel)
            await asyncio.gather(
                getattr(self, f"_{self.fault.replace(' ', '_').replace(',', '_')}")(),
                *(self._write("tg", str(chat)) for chat in (1, 2)),
                self._write("wa", "46701740605"),
            )
            await self._arrive()
            self._judge()

    async def open(self, stack: contextlib.AsyncExitStack, bases: dict[str, str]) -> None:
        """Configure the gateway and start it."""
        port = free_port()
        self.file = self.folder / "dragoman.toml"
        self.file.write_text(CONFIGURATION.format(port=port, store="sqlite", **bases))
        self.url = f"http://127.0.0.1:{port}"
        self.aim(self.url)
        if self.fault == "tiny disk":
            stack.enter_context(tiny_disk(self.folder / "data"))
        await self.start()
        stack.push_async_callback(self.stop, signal.SIGKILL)

    def aim(self, url: str) -> None:
        """Have the platforms call the gateway there."""
        self.whatsapp.webhook = f"{url}/webhooks/wa"
        self.telegram.webhook, self.telegram.secret = f"{url}/webhooks/tg", "telegram-secret"
        self.slack.events_url = f"{url}/slack/events"

    def choose(self) -> None:
        """Choose whom the next call goes to."""

    # The people

    async def _write(self, channel: str, who: str) -> None:
        """Write as a customer, a message after the other, or at once where things get mixed up."""
        number = 0
        while time.monotonic() < self.ends_at:
            number += 1
            wrote = Wrote(f"{channel}/{who}", f"c{channel}{who}n{number}x")
            self.customers.append(wrote)
            update = self._message(channel, who, wrote.mark, number)
            work = self._deliver(wrote, update)
            if self.fault == "mixed up":
                self._spawn(work)
            else:
                await work
            await asyncio.sleep(self.chance.random() * 0.4)

    def _message(self, channel: str, who: str, mark: str, number: int) -> Callable[[], Awaitable[int]]:
        text = f"Where is my parcel {mark} please"
        if channel == "wa":
            message = {"from": who, "id": f"wamid.{mark}", "timestamp": str(int(time.time())), "type": "text"}
            value = {
                "contacts": [{"profile": {"name": "W"}, "wa_id": who}],
                "messages": [{**message, "text": {"body": text}}],
            }
            return lambda: self.whatsapp.deliver(value)
        chat = {"id": int(who), "type": "private", "first_name": "T"}
        person = {"id": int(who), "is_bot": False, "first_name": "T"}
        body = {"message_id": number, "date": 1_790_000_000 + number, "chat": chat, "from": person, "text": text}
        update = {"update_id": int(who) * 100_000 + number, "message": body}
        return lambda: self.telegram.deliver(update)

    async def _answer(self) -> None:
        """Answer as an agent whatever the desk shows, while there is trouble."""
        while True:
            for ts, post in list(self.slack.posts.items()):
                root = post.get("thread_ts", "")
                if ts in self._seen or "bot_id" not in post:
                    continue
                self._seen.add(ts)
                if root and time.monotonic() < self.ends_at:
                    mark = f"a{len(self.agents)}x"
                    wrote = Wrote(root, mark)
                    self.agents.append(wrote)
                    self._spawn(self._reply(wrote, root))
            await asyncio.sleep(0.05)

    async def _reply(self, wrote: Wrote, root: str) -> None:
        ts = self.slack._next_ts()
        message = {"type": "message", "channel": "C0SUPPORT", "user": "U0ANA", "ts": ts, "thread_ts": root}
        self.slack.posts[ts] = message = {**message, "text": f"We look for {wrote.mark} today"}
        envelope = self.slack.envelope(message)
        await self._deliver(wrote, lambda: self.slack.deliver(envelope))

    async def _tell_receipts(self) -> None:
        """Tell what WhatsApp accepted, as it does, whether its own answer arrived or not."""
        told = 0
        while True:
            for sent in self.whatsapp.sent[told:]:
                self._spawn(self._until_taken(lambda sent=sent: self.whatsapp.status(sent, "sent")))  # type: ignore[misc]
            told = len(self.whatsapp.sent)
            await asyncio.sleep(0.05)

    async def _deliver(self, wrote: Wrote, deliver: Callable[[], Awaitable[Any]]) -> None:
        """Deliver until it is taken, and now and then once more."""
        wrote.sent_at = time.monotonic()
        await self._until_taken(deliver)
        wrote.taken_at = time.monotonic()
        if self.chance.random() < 0.3:
            self._spawn(self._until_taken(deliver))

    async def _until_taken(self, deliver: Callable[[], Awaitable[Any]]) -> None:
        while True:
            with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
                self.choose()
                async with asyncio.timeout(2):
                    status = await deliver()
                if status in (None, 200):
                    return
            await asyncio.sleep(0.05 + self.chance.random() * 0.2)

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    # The process

    async def start(self) -> None:
        """Start the gateway."""
        self.process = await self.start_one(self.file, self.url)

    async def start_one(self, file: Path, url: str) -> asyncio.subprocess.Process:
        """Start a process of the gateway, and wait until it serves."""
        command = [sys.executable, "-m", "gateway", "run", "-c", str(file)]
        if self.patch:
            code = f"{self.patch}\nfrom gateway.__main__ import main\nmain(['run', '-c', {str(file)!r}])"
            command = [sys.executable, "-c", code]
        env = {**os.environ}
        if self.preload:
            env |= {"LD_PRELOAD": str(self.preload), "POWERCUT_DIR": str(self.folder / "data")}
        log = (self.folder / "log").open("ab")
        process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=env, stdout=log, stderr=log)
        log.close()
        async with aiohttp.ClientSession() as session, asyncio.timeout(60):
            while True:
                try:
                    async with session.get(f"{url}/healthz"):
                        hold(process.returncode is None, "something else listens on its port")
                        return process
                except aiohttp.ClientError:
                    if process.returncode is not None:
                        raise Broken(f"it ended: {(self.folder / 'log').read_text()[-1000:]}") from None
                    await asyncio.sleep(0.05)

    async def stop(self, how: signal.Signals) -> None:
        """End the process."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(how)
        await self.process.wait()

    async def _moments(self, count: int) -> AsyncIterator[None]:
        """Wait for moments that nobody could guess."""
        gaps = [self.chance.random() for _ in range(count + 1)]
        for gap in gaps[:-1]:
            await asyncio.sleep(TROUBLE * gap / sum(gaps))
            yield

    async def _taken_more(self) -> None:
        """Wait until there is something new to be lost, while anybody writes."""
        now = time.monotonic()
        while time.monotonic() < self.ends_at:
            if any(wrote.taken_at > now for wrote in self.customers):
                break
            await asyncio.sleep(0.01)

    # The faults

    async def _killed(self) -> None:
        async for _ in self._moments(4):
            self.interrupted += 1
            await self.stop(signal.SIGKILL)
            await self.start()

    async def _power_cut(self) -> None:
        async for _ in self._moments(3):
            await self._taken_more()
            self.interrupted += 1
            await self.stop(signal.SIGKILL)
            cut_power(self.folder / "data")
            await self.start()

    async def _frozen(self) -> None:
        async for _ in self._moments(3):
            self.process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(0.5 + self.chance.random() * 2)
            self.process.send_signal(signal.SIGCONT)

    async def _stopped(self) -> None:
        async for _ in self._moments(3):
            await self.stop(signal.SIGTERM)
            await self.start()

    async def _full_disk(self) -> None:
        database = self.folder / "data" / "dragoman.db-wal"
        async for _ in self._moments(3):
            soft, hard = resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE)
            size = database.stat().st_size if database.exists() else 0
            resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (size, hard))
            await asyncio.sleep(0.3 + self.chance.random())
            resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (soft, hard))

    async def _tiny_disk(self) -> None:
        ballast = self.folder / "data" / "ballast"
        async for _ in self._moments(3):
            with contextlib.suppress(OSError), ballast.open("wb") as file:
                while True:
                    file.write(bytes(4096))
                    file.flush()
            await asyncio.sleep(0.3 + self.chance.random())
            ballast.unlink()

    async def _down(self) -> None:
        def busy(*_: Any) -> web.Response | None:
            return self.chance.choice((web.Response(status=503), web.Response(status=500), web.Response(status=502)))

        await self._platforms(busy, busy, busy)

    async def _limited(self) -> None:
        await self._platforms(
            lambda *_: too_many(1), lambda *_: rate_limited(1), lambda *_: refuse(131056, "Pair rate limit hit")
        )

    async def _platforms(self, telegram: Any, slack: Any, whatsapp: Any) -> None:
        async for _ in self._moments(3):
            self.telegram.fault, self.slack.fault, self.whatsapp.fault = telegram, slack, whatsapp
            await asyncio.sleep(0.3 + self.chance.random())
            self.telegram.fault = self.slack.fault = self.whatsapp.fault = None

    async def _broken_calls(self) -> None:
        before = True
        async for _ in self._moments(3):
            self.interrupted += 1
            before = not before
            for calls, method in (
                (self.telegram.drop_before if before else self.telegram.drop_after, "sendMessage"),
                (self.slack.drop_before if before else self.slack.drop_after, "chat.postMessage"),
            ):
                calls.add(method)
            self.whatsapp.drop_after += 1

    async def _mixed_up(self) -> None:
        await asyncio.sleep(TROUBLE)

    # The ledger

    async def _arrive(self) -> None:
        """Wait until everything arrived, and then whether anything comes again."""
        end = time.monotonic() + self.patience
        while self._writing or (missing := self._missing()):
            if time.monotonic() > end:
                raise Broken(f"{len(self._writing)} still being delivered; missing: {missing}")
            await asyncio.sleep(0.1)
        await asyncio.sleep(QUIET)

    def _missing(self) -> list[str]:
        shown, said = "\n".join(self._shown()), "\n".join(self._said())
        signed = {self.slack.posts[ts]["text"] for ts, signs in self.slack.reactions.items() if signs}
        return [
            *(wrote.mark for wrote in self.customers if wrote.mark not in shown),
            *(wrote.mark for wrote in self.agents if wrote.mark not in said),
            *(f"a sign for {wrote.mark}" for wrote in self.agents if not any(wrote.mark in text for text in signed)),
        ]

    def _shown(self) -> list[str]:
        return [flat(post) for post in self.slack.posts.values() if "thread_ts" in post and "bot_id" in post]

    def _said(self) -> list[str]:
        return [message["text"] for message in self.telegram.sent] + [
            str(message["text"]["body"]) for message in self.whatsapp.sent
        ]

    def _judge(self) -> None:
        shown, said = self._shown(), self._said()
        cards = [root for root in self.slack.roots() if root.get("blocks")]
        hold(len(cards) == 3, f"{len(cards)} cards for 3 customers: {[(each['ts'], each['text']) for each in cards]}")
        for wrote in self.customers:
            times = sum(text.count(wrote.mark) for text in shown)
            hold(times == 1, f"{wrote.mark} shows {times} times at the desk")
        over_whatsapp = Counter(str(message["text"]["body"]) for message in self.whatsapp.sent)
        hold(max(over_whatsapp.values(), default=1) == 1, f"went twice: {over_whatsapp.most_common(1)}")
        again = {text: times - 1 for text, times in Counter(said).items() if times > 1 and "We look" in text}
        hold(sum(again.values()) <= self.interrupted, f"again with {self.interrupted} broken calls: {again}")
        told = sum(TWICE[:30] in text for text in shown)
        hold(told >= len(again), f"{len(again)} answers went twice, {told} were told")
        self._judge_order(self.customers, shown)
        self._judge_order(self.agents, said)

    def _judge_order(self, messages: Sequence[Wrote], shown: Sequence[str]) -> None:
        """What was answered 200 before another was first sent stands before it."""
        whole = "\n".join(shown)
        place = {wrote.mark: whole.index(wrote.mark) for wrote in messages}
        for one in messages:
            for other in messages:
                if one.who == other.who and one.taken_at < other.sent_at:
                    hold(place[one.mark] < place[other.mark], f"{other.mark} stands before {one.mark}")


class ReplicaTrial(Trial):
    """A world with two replicas on one Redis, or cluster; the platforms call either."""

    async def open(self, stack: contextlib.AsyncExitStack, bases: dict[str, str]) -> None:
        """Start Redis and both replicas."""
        folder = self.folder / "redis"
        if self.fault == "cluster, killed":
            nodes = stack.enter_context(redis_servers.cluster(folder, "--appendonly", "yes"))
            store = "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in nodes)
        else:
            self.redis = stack.enter_context(redis_servers.server(folder, "--appendonly", "yes"))
            store = self.redis.address
        self.replicas: list[asyncio.subprocess.Process | None] = [None, None]
        self.files = [self.folder / f"{number}.toml" for number in range(2)]
        self.ports = [free_port(), free_port()]
        for file, port in zip(self.files, self.ports, strict=True):
            file.write_text(CONFIGURATION.format(port=port, store=store, **bases))
        stack.push_async_callback(self.end_all)
        await asyncio.gather(self.begin(0), self.begin(1))

    def choose(self) -> None:
        """Call either replica, as a proxy does that sees which ones are there."""
        there = [port for port, replica in zip(self.ports, self.replicas, strict=True) if replica]
        self.aim(f"http://127.0.0.1:{self.chance.choice(there or self.ports)}")

    async def begin(self, number: int) -> None:
        """Start a replica."""
        url = f"http://127.0.0.1:{self.ports[number]}"
        self.replicas[number] = await self.start_one(self.files[number], url)

    async def end(self, number: int, how: signal.Signals) -> None:
        """End a replica."""
        replica, self.replicas[number] = self.replicas[number], None
        if replica is not None:
            with contextlib.suppress(ProcessLookupError):
                replica.send_signal(how)
            await replica.wait()

    async def end_all(self) -> None:
        """End both replicas."""
        for number in range(2):
            await self.end(number, signal.SIGKILL)

    def interrupt(self) -> None:
        """Count what a fault may break off: a call to each of the two who are on Telegram."""
        self.interrupted += 2

    async def _killed(self) -> None:
        number = self.chance.randrange(2)
        async for _ in self._moments(3):
            number = 1 - number
            self.interrupt()
            await self.end(number, signal.SIGKILL)
            await asyncio.sleep(self.chance.random() * 2)
            await self.begin(number)

    _cluster__killed = _killed

    async def _both_killed(self) -> None:
        """Kill the replicas together, so that nobody is there to take over until they are back."""
        async for _ in self._moments(2):
            self.interrupt()
            await self.end_all()
            await asyncio.gather(self.begin(0), self.begin(1))

    async def _frozen(self) -> None:
        """Stop a replica for longer than its leases last, and let it wake up among what others did."""
        for number in range(2):
            replica = self.replicas[number]
            assert replica
            self.interrupt()
            replica.send_signal(signal.SIGSTOP)
            await asyncio.sleep(5 + self.chance.random() * 2)
            replica.send_signal(signal.SIGCONT)
            await asyncio.sleep(self.chance.random() * 2)

    async def _rolling(self) -> None:
        """Stop and start one after the other, as a new version is rolled out."""
        for number in (0, 1, 0):
            await asyncio.sleep(self.chance.random())
            await self.end(number, signal.SIGTERM)
            await asyncio.sleep(self.chance.random())
            await self.begin(number)

    async def _redis_killed(self) -> None:
        async for _ in self._moments(2):
            self.interrupt()
            await asyncio.to_thread(self.redis.kill)
            await asyncio.sleep(self.chance.random() * 3)
            await asyncio.to_thread(self.redis.start)

    async def _redis_frozen(self) -> None:
        async for _ in self._moments(2):
            self.interrupt()
            self.redis.signal(signal.SIGSTOP)
            await asyncio.sleep(self.chance.random() * 6)
            self.redis.signal(signal.SIGCONT)


def hold(holds: bool, told: str) -> None:
    if not holds:
        raise Broken(told)


def flat(part: Any) -> str:
    """Give all the words of a post's blocks."""
    if isinstance(part, dict):
        own = [part["text"]] if isinstance(part.get("text"), str) and "blocks" not in part else []
        return "\n".join(own + [flat(value) for value in part.values()])
    return "\n".join(map(flat, part)) if isinstance(part, list) else ""


@asynccontextmanager
async def served(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def cut_power(folder: Path) -> None:
    """Leave of the database what its last syncs wrote."""
    for file in [*folder.glob("dragoman.db*")]:
        if file.suffix == ".fresh":
            file.unlink()
        elif file.suffix != ".synced":
            kept = file.with_name(f"{file.name}.synced")
            if kept.exists():
                shutil.copyfile(kept, file)
            else:
                file.unlink()


@contextlib.contextmanager
def tiny_disk(folder: Path) -> Any:
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "dragoman", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def can_mount(folder: Path) -> bool:
    if os.geteuid() or not shutil.which("mount"):
        return False
    with contextlib.suppress(subprocess.CalledProcessError), tiny_disk(folder):
        return True
    return False


@pytest.fixture
def preload(tmp_path: Path) -> Path:
    """Build what keeps files as they were synced."""
    if COMPILER is None:
        pytest.skip("no C compiler")
    library = tmp_path / "powercut.so"
    subprocess.run([COMPILER, "-shared", "-fPIC", "-o", library, POWERCUT, "-ldl"], check=True)
    return library


async def run_all(trials: Sequence[Trial]) -> dict[str, BaseException]:
    """Run trials side by side; give what went wrong."""
    gate = asyncio.Semaphore(TOGETHER)

    async def one(trial: Trial) -> None:
        async with gate:
            await trial.run()

    ended = await asyncio.gather(*(one(trial) for trial in trials), return_exceptions=True)
    return {trial.name: error for trial, error in zip(trials, ended, strict=True) if error is not None}


FAULTS = ("killed", "frozen", "stopped", "full disk", "down", "limited", "broken calls", "mixed up")


async def test_the_ledger_holds_whatever_is_done_to_the_process(tmp_path: Path) -> None:
    assert (
        await run_all([Trial(fault, seed, tmp_path) for seed in range(SOAK) for fault in FAULTS if wanted(fault)]) == {}
    )


async def test_the_ledger_holds_when_the_power_fails(tmp_path: Path, preload: Path) -> None:
    trials = [Trial("power cut", seed, tmp_path, preload=preload) for seed in range(SOAK) if wanted("power cut")]

    assert await run_all(trials) == {}


async def test_the_ledger_holds_when_the_disk_has_no_room(tmp_path: Path) -> None:
    if not can_mount(tmp_path / "probe"):
        pytest.skip("no small disk can be mounted here: only root may")

    assert await run_all([Trial("tiny disk", seed, tmp_path) for seed in range(SOAK) if wanted("tiny disk")]) == {}


REPLICA_FAULTS = ("killed", "both killed", "frozen", "rolling", "redis killed", "redis frozen", "cluster, killed")


async def test_the_ledger_holds_with_two_replicas_whatever_is_done_to_them_or_to_redis(tmp_path: Path) -> None:
    trials = [ReplicaTrial(f, seed, tmp_path) for seed in range(SOAK) for f in REPLICA_FAULTS if wanted(f)]

    assert await run_all(trials) == {}


def wanted(fault: str) -> bool:
    return not ONLY or fault in ONLY.split(",")


BREAKS = {
    "killed": """
import asyncio
from gateway.store.sqlite import SqliteStore
whole = SqliteStore.append
async def late(self, events):
    async def later():
        await asyncio.sleep(2)
        await whole(self, events)
    self.later = asyncio.create_task(later())
    return [True for _ in events]
SqliteStore.append = late
""",
    "broken calls": """
from adapters.desk import Desk
async def blind(self, order, **more):
    return ""
Desk.find = blind
""",
    "mixed up": """
import random
from msgspec.structs import replace
from gateway.store.sqlite import rows
whole = rows._write_event
def forgetful(db, event, at):
    return whole(db, replace(event, id=f"{event.id}+{random.random()}"), at)
rows._write_event = forgetful
""",
    "power cut": """
from gateway.store.sqlite import database
whole = database.connect
def unsynced(file, **more):
    db = whole(file, **more)
    db.execute("PRAGMA synchronous = NORMAL")
    return db
database.connect = unsynced
""",
}


REPLICA_BREAKS = {
    BREAKS["killed"].replace("SqliteStore", "RedisStore").replace("store.sqlite", "store.redis"): "killed",
    """
from gateway.store.redis import holding
holding.LEASE = 3600
""": "both killed",
    """
import random
from msgspec.structs import replace
from gateway.store.redis import RedisStore
whole = RedisStore.append
async def forgetful(self, events):
    return await whole(self, [replace(event, id=f"{event.id}+{random.random()}") for event in events])
RedisStore.append = forgetful
""": "killed",
}
"""What a killed replica then loses, what nobody takes over, and what comes twice."""


async def test_the_ledger_of_replicas_notices_what_is_broken_on_purpose(tmp_path: Path) -> None:
    trials = [ReplicaTrial(fault, n, tmp_path, patch=patch) for n, (patch, fault) in enumerate(REPLICA_BREAKS.items())]
    wrong = await run_all(trials)

    assert {name: type(error) for name, error in wrong.items()} == {trial.name: Broken for trial in trials}


async def test_the_ledger_notices_what_is_broken_on_purpose(tmp_path: Path, preload: Path) -> None:
    trials = [
        Trial(fault, 0, tmp_path, patch=patch, preload=preload if fault == "power cut" else None)
        for fault, patch in BREAKS.items()
    ]
    wrong = await run_all(trials)

    assert {name: type(error) for name, error in wrong.items()} == {trial.name: Broken for trial in trials}
