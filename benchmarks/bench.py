"""Measure what Dragoman promises beside what others do, in one run, and write the table into benchmarks/README.md.

`make bench` runs it. The server measured has one core for itself; load and simulated platforms share the other. Peers
are installed from requirements-bench.lock into an environment of their own (PEERS names its python).
"""

import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.redis_servers import server

HERE = Path(__file__).parent
PEERS = os.environ.get("PEERS", "")
PORT = 18_790
REPEATS = int(os.environ.get("REPEATS", "3"))
COUNT = 8000
WARM = 1000
PATIENCE = 60.0
OURS = {"whatsapp": "server.py"}


class Row(NamedTuple):
    """One line of the table."""

    what: str
    seen: str
    goal: str
    reached: bool


class Run(NamedTuple):
    """What a server did: answers and deliveries a second, CPU µs a message, delays in ms, memory in MB."""

    answered: float
    delivered: float
    cpu: float
    p50: float
    p99: float
    memory: float


def pinned(core: int) -> Callable[[], None]:
    """Keep a process on one core, where there are two."""
    cores = sorted(os.sched_getaffinity(0))
    return lambda: os.sched_setaffinity(0, {cores[core % len(cores)]})


@contextmanager
def process(command: list[str], core: int, **env: str) -> Iterator[subprocess.Popen[str]]:
    """Run a process until we are done with it."""
    started = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": str(HERE.parent), **env},
        preexec_fn=pinned(core),
    )
    try:
        yield started
    finally:
        started.kill()
        started.wait()


def cpu_of(pid: int) -> float:
    """Say how many seconds of CPU a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_of(pid: int) -> float:
    """Say how many MB of memory a process has."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def fetch(url: str) -> Any:
    """Read JSON."""
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own server
        return json.load(answer)


def load(kind: str, count: int, *more: object) -> dict[str, Any]:
    """Send messages from a process of its own."""
    command = [sys.executable, str(HERE / "load.py"), kind, str(PORT), str(count), *map(str, more)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=PATIENCE, preexec_fn=pinned(1))
    told: dict[str, Any] = json.loads(done.stdout)
    if set(told["statuses"]) != {"200"}:
        raise SystemExit(f"{kind} was answered {told['statuses']}")
    return told


def wait_for(platforms: int, messages: int) -> None:
    """Wait until so many messages were delivered."""
    end = time.monotonic() + PATIENCE
    while fetch(f"http://127.0.0.1:{platforms}/stats")["messages"] < messages:
        if time.monotonic() > end:
            raise SystemExit("what was sent never arrived")
        time.sleep(0.02)


def ready() -> None:
    """Wait until the server listens."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{PORT}/healthz", timeout=1)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise SystemExit("the server didn't start")


def measure(
    command: list[str],
    kind: str,
    *,
    whole: bool,
    count: int = COUNT,
    language: str = "en",
    more: tuple[object, ...] = (),
    after: Sequence[str] = (),
    **env: str,
) -> Run:
    """Start platforms and a server, send messages, and say what it did."""
    folder = tempfile.mkdtemp()
    with process([sys.executable, str(HERE / "platforms.py")], 1) as stage:
        assert stage.stdout
        platforms = int(stage.stdout.readline())
        where = [str(PORT), str(platforms), folder, *after]
        with process([*command, *where], 0, **env) as server:
            ready()
            stats = f"http://127.0.0.1:{platforms}/stats"
            spoken = ("--language", language)
            load(kind, WARM, *spoken)
            if whole:
                wait_for(platforms, WARM)
                time.sleep(0.5)
            fetch(f"{stats}?forget")
            used, began = cpu_of(server.pid), time.perf_counter()
            told = load(kind, count, "--first", WARM, *spoken, *more)
            if whole:
                wait_for(platforms, count)
            seconds = time.perf_counter() - began
            seen = fetch(stats)
            cpu = (cpu_of(server.pid) - used) / count * 1e6
            memory = memory_of(server.pid)
    shutil.rmtree(folder)
    return Run(told["rate"], count / seconds, cpu, seen["p50"], seen["p99"], memory)


def ours(mode: str, **more: Any) -> Run:
    """Measure Dragoman."""
    return measure([sys.executable, str(HERE / "server.py"), mode], "whatsapp", whole=mode in ("plain", "full"), **more)


def peer(name: str, mode: str, kind: str, count: int = COUNT) -> Run:
    """Measure a peer."""
    return measure([PEERS, str(HERE / "peers" / f"{name}.py"), mode], kind, whole=mode != "held", count=count)


def median(runs: list[Run]) -> Run:
    """Take the middle of each figure."""
    return Run(*(statistics.median(values) for values in zip(*runs, strict=True)))


def engine(what: str) -> Any:
    """Measure the store by itself."""
    command = [sys.executable, str(HERE / "engine.py"), what]
    env = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=300, env=env).stdout)


def ratio(what: str, mine: float, other: float, goal: float, unit: str = "") -> Row:
    """Compare, the more the better."""
    times = mine / other
    return Row(what, f"{mine:,.0f}{unit} to {other:,.0f}: {times:.2f} ×", f"{goal:g} ×", times >= goal)


def at_most(what: str, seen: float, goal: float, unit: str) -> Row:
    """Hold against a limit."""
    return Row(what, f"{seen:,.1f} {unit}", f"at most {goal:g} {unit}", seen <= goal)


def webhooks() -> Iterator[Row]:
    """Measure taking webhooks, and the whole path."""
    names: dict[str, Callable[[], Run]] = {
        "ceiling": lambda: ours("ceiling"),
        "held": lambda: ours("held"),
        "plain": lambda: ours("plain"),
        "full": lambda: ours("full", language="es"),
    }
    if PEERS:
        names |= {
            "bolt held": lambda: peer("bolt", "held", "slack"),
            "ptb held": lambda: peer("ptb", "held", "telegram"),
            "opsdroid held": lambda: peer("opsdroids", "held", "messenger"),
            "bolt": lambda: peer("bolt", "say", "slack", 4000),
            "ptb": lambda: peer("ptb", "reply", "telegram", 2000),
        }
    runs: dict[str, list[Run]] = {name: [] for name in names}
    for _ in range(REPEATS):
        for name, run in names.items():
            runs[name].append(run())
            print(name, runs[name][-1], flush=True)
    seen = {name: median(each) for name, each in runs.items()}
    held, plain, full = seen["held"], seen["plain"], seen["full"]
    yield ratio("webhooks/s, durable, to the same server with no store", held.answered, seen["ceiling"].answered, 0.55)
    if PEERS:
        yield ratio("… to slack-bolt's endpoint (not durable)", held.answered, seen["bolt held"].answered, 1.4)
        yield ratio("… to python-telegram-bot's (not durable)", held.answered, seen["ptb held"].answered, 2)
        yield ratio("… to opsdroid's (not durable)", held.answered, seen["opsdroid held"].answered, 1)
        yield ratio("whole path, messages/s, to slack-bolt in → say()", plain.delivered, seen["bolt"].delivered, 2)
        yield ratio("… to python-telegram-bot in → reply", plain.delivered, seen["ptb"].delivered, 6)
        yield ratio("with detection and translation, to slack-bolt", full.delivered, seen["bolt"].delivered, 1.5)
        yield ratio("… to python-telegram-bot", full.delivered, seen["ptb"].delivered, 4.5)
    yield at_most("CPU a message, whole path, no detection, no translation", plain.cpu, 300, "µs")
    yield at_most("… with both", full.cpu, 450, "µs")
    paced = ours("full", language="es", count=2000, more=("--rate", 100))
    yield at_most("webhook in → desk call out at 100 messages/s, p50", paced.p50, 10, "ms")
    yield at_most("… p99", paced.p99, 50, "ms")


def slow_disk() -> Iterator[Row]:
    """Measure taking webhooks where each sync of the disk takes longer."""
    compiler = shutil.which("cc") or shutil.which("tcc")
    if not compiler:
        return
    with tempfile.TemporaryDirectory() as folder:
        library = f"{folder}/slowsync.so"
        subprocess.run([compiler, "-shared", "-fPIC", "-o", library, str(HERE / "slowsync.c"), "-ldl"], check=True)
        more = ("--connections", 256)
        ceiling = ours("ceiling", more=more)
        for extra, goal in ((2, 0.5), (10, 0.3)):
            slow = ours("held", more=more, LD_PRELOAD=library, SLOWSYNC_US=str(extra * 1000))
            what = f"durable webhooks/s, syncs {extra} ms longer, 256 connections, to no store"
            yield ratio(what, slow.answered, ceiling.answered, goal)


def store() -> Iterator[Row]:
    """Measure the store by itself."""
    hot = engine("hot")
    yield ratio("one hot conversation, steps/s, to one commit a step", hot["grouped"]["rate"], hot["alone"]["rate"], 20)
    many = engine("thousand")
    yield ratio(
        "1,000 conversations, full steps/s, to one commit a step", many["grouped"]["rate"], many["alone"]["rate"], 15
    )
    growth = engine("growth")
    for size in ("100000", "1000000"):
        times = growth[size] / growth["1000"]
        what = f"cost of a step with {int(size):,} conversations stored, to 1,000"
        yield Row(
            what, f"{growth[size]:.0f} to {growth['1000']:.0f} µs: {times:.2f} ×", "at most 1.15 ×", times <= 1.15
        )
    commits = engine("commits")
    times = commits["p99.9"] / commits["p50"]
    what = "commit p99.9 to p50 while checkpointing"
    yield Row(what, f"{commits['p99.9']:.1f} to {commits['p50']:.1f} ms: {times:.1f} ×", "at most 6 ×", times <= 6)
    timers = engine("timers")
    yield at_most("100,000 pending timers, CPU a poll", timers["poll_us"], 5, "µs")
    fired = timers["fired_per_second"]
    yield Row("… fired a second", f"{fired:,.0f}", "at least 10,000", fired >= 10_000)


def process_itself() -> Iterator[Row]:
    """Measure starting, and memory."""
    folder = tempfile.mkdtemp()
    with process([sys.executable, str(HERE / "platforms.py")], 1) as stage:
        assert stage.stdout
        platforms = stage.stdout.readline().strip()
        began = time.perf_counter()
        with process([sys.executable, str(HERE / "server.py"), "full", str(PORT), platforms, folder], 0) as server:
            while True:
                try:
                    if fetch(f"http://127.0.0.1:{PORT}/readyz")["ready"]:
                        break
                except OSError:
                    time.sleep(0.01)
            started = time.perf_counter() - began
            time.sleep(2)
            idle = memory_of(server.pid)
            grown = []
            for round_ in range(GROWTH_ROUNDS):
                load("whatsapp", 20_000, "--first", round_ * 20_000, "--language", "es")
                wait_for(int(platforms), 20_000)
                fetch(f"http://127.0.0.1:{platforms}/stats?forget")
                time.sleep(1)
                grown.append(memory_of(server.pid))
    shutil.rmtree(folder)
    yield at_most("from process start to /readyz", started, 1.5, "s")
    yield at_most("memory idle", idle, 90, "MB")
    if len(grown) > 1:
        messages = (len(grown) - 1) * 20_000
        yield at_most(
            f"memory growth over {messages:,} messages, after the first 20,000", grown[-1] - grown[0], 10, "MB"
        )


def redis() -> Iterator[Row]:
    """Measure taking webhooks into Redis, which shares its core with the load; and two replicas."""
    if not shutil.which("redis-server"):
        return
    syncs = {"everysec": 0.75, "always": 0.5}
    rates: dict[str, list[float]] = {name: [] for name in ("no store", *syncs)}
    for _ in range(REPEATS):
        rates["no store"].append(ours("ceiling").answered)
        for sync in syncs:
            options = ("--appendonly", "yes", "--appendfsync", sync)
            with ExitStack() as stack:
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
                running = stack.enter_context(server(folder / "redis", *options, on=pinned(1)))
                rates[sync].append(ours("held", after=[running.address]).answered)
    seen = {name: statistics.median(each) for name, each in rates.items()}
    for sync, goal in syncs.items():
        what = f"webhooks/s into Redis, appendfsync {sync}, to the same server with no store"
        yield ratio(what, seen[sync], seen["no store"], goal)
    told = script("replicas.py", patience=300)
    one, two = told["waiting"]["1"], told["waiting"]["2"]
    yield ratio("two replicas, posts/s where each call takes 100 ms, to one", two, one, 1.9)
    trials = told["takeover"]
    wrong = [f"{sum(trial[what] for trial in trials)} {what}" for what in ("lost", "doubled")]
    yield Row(
        f"a replica killed at 100 messages/s, {len(trials)} times: the longest that one was on its way",
        f"{max(trial['longest'] for trial in trials):.1f} s, {', '.join(wrong)}",
        "at most 10 s, 0 of each",
        all(trial["longest"] <= 10 and not trial["lost"] and not trial["doubled"] for trial in trials),
    )


def script(name: str, patience: float = 3 * PATIENCE, arguments: Sequence[str] = ()) -> dict[str, Any]:
    """Run a measurement that is a script, in a process of its own."""
    done = subprocess.run(
        [sys.executable, str(HERE / name), *arguments],
        stdout=subprocess.PIPE,
        check=True,
        timeout=patience,
        env={**os.environ, "PYTHONPATH": str(HERE.parent)},
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def parsing() -> Iterator[Row]:
    """Measure how long what platforms send takes to be read."""
    for kind, took in script("parsing.py").items():
        yield at_most(f"proving and reading a message of {kind}, median of its recorded cases", took, 100, "µs")


def files() -> Iterator[Row]:
    """Measure what a large file does to memory."""
    told = script("files.py")
    yield at_most("memory growth while a file of 50 MB comes in", told["in"], 10, "MB")
    yield at_most("… while one goes out", told["out"], 10, "MB")


def mixed() -> Iterator[Row]:
    """Have updates of all platforms come at full speed."""
    told = script("mixed.py")
    wrong = {what: int(told[what]) for what in ("lost", "doubled", "out_of_order", "refused")}
    seen = f"{int(told['sent']):,} in {told['seconds']:.0f} s: {', '.join(f'{n} {what}' for what, n in wrong.items())}"
    yield Row(
        "10,000 updates of all platforms, one in five again, at full speed",
        seen.replace("_", " "),
        "0 of each",
        not any(wrong.values()),
    )


def burst() -> Iterator[Row]:
    """Have many customers write at once to a desk that takes one post a second."""
    told = script("burst.py", patience=900)
    wrong = {what: int(told[what]) for what in ("lost", "doubled", "out_of_order")}
    seen = ", ".join(f"{count} {what.replace('_', ' ')}" for what, count in wrong.items())
    what = "500 messages at once in 100 conversations, to a desk that takes a post a second"
    yield Row(what, f"shown within {told['seconds']:.0f} s: {seen}", "0 of each", not any(wrong.values()))
    yield at_most("… posts for all that", told["posts"], 500 / 3, "posts")
    yield at_most("… an answer meanwhile, until it reaches the customer's platform, p95", told["reply_p95"], 2, "s")
    yield at_most("… a press, until it is acknowledged, p99", told["click_p99"] * 1000, 500, "ms")


def beside_argos(firefox: float) -> Iterator[Row]:
    """Measure the engines beside what else translates with a package of the size of Argos's."""
    argos = script("argos.py", patience=600)
    rate, many = argos["rate"], "sentences/s for 32 callers, a package of Argos's size,"
    yield ratio(f"argos, {many} to the best batches of CTranslate2", rate, argos["raw"], 0.7)
    yield at_most("… by how much the event loop is late meanwhile, p99", argos["lag_p99"], 5, "ms")
    yield at_most("… memory with two directions", argos["memory"], 350, "MB")
    if not PEERS:
        return
    yield ratio("… to argostranslate, one at a time, as installed", rate, argos["alone"], 15)
    yield ratio("… to LibreTranslate as installed", rate, argos["installed"], 15)
    yield ratio("… to LibreTranslate with its threads tuned", rate, argos["tuned"], 2)
    yield ratio("firefox, to LibreTranslate as installed", firefox, argos["installed"], 25)
    yield ratio("… to LibreTranslate with its threads tuned", firefox, argos["tuned"], 5)


def translating() -> Iterator[Row]:
    """Measure engines beside what they are made of, and what is asked before any."""
    runs = [script("translating.py", patience=300) for _ in range(REPEATS)]

    def seen(group: str, what: str) -> float:
        return float(statistics.median(run[group][what] for run in runs))

    what = "firefox, sentences/s for 32 callers, a model of base-memory's size, to two bare processes"
    yield ratio(what, seen("firefox", "rate"), seen("firefox", "bare"), 0.9)
    yield at_most("… by how much the event loop is late meanwhile, p99", seen("firefox", "lag_p99"), 5, "ms")
    yield at_most("… memory of its processes with two directions", seen("firefox", "memory"), 200, "MB")
    yield from beside_argos(seen("firefox", "rate"))
    yield at_most("a sentence that was translated before, median", seen("before", "remembered_us"), 200, "µs")
    yield at_most("a sentence of the phrasebook, median", seen("before", "phrasebook_us"), 60, "µs")
    yield at_most("detecting the language of a chat message, median", seen("before", "detect_us"), 100, "µs")
    for name, figure in script("guard.py", arguments=("--json",)).items():
        goal = 0.0 if name.startswith("Apertium") else 0.95 if "with score" in name else None
        seen_so = f"{figure['auc']:.3f}; {figure['precision']:.1%}, {figure['recall']:.1%}"
        what = f"guard, {figure['rows']} translations never fitted, {name}: AUC; precision, recall"
        yield Row(what, seen_so, f"{goal or 'no goal'}", figure["auc"] >= (goal or 0))
    heard = script("languages.py", arguments=("--json",))
    for what, figure, goal in (
        ("one message", "single", 0.94),
        ("one message with a hint that is right 80 % of the time", "hinted", 0.97),
        ("two messages", "two", 0.98),
    ):
        right = heard[figure]
        yield Row(
            f"language of {what}, never used for choosing, 20 languages", f"{right:.1%}", f"{goal:.0%}", right >= goal
        )
    wrong, no_one = heard["wrong"], heard["decided"]
    yield Row(
        "… decided wrongly; undecidable ones decided", f"{wrong:.1%}; {no_one}", "1%; 0", wrong <= 0.01 and not no_one
    )
    told = script("spans.py", patience=600).values()
    tried, damaged, none = (sum(each[what] for each in told) for what in ("sentences", "damaged", "untranslated"))
    what = f"spans intact in {tried:,} translations of 5,000 sentences by {len(told)} engines, {len(told) - 3} hostile"
    yield Row(what, f"{1 - damaged / tried:.3%} ({none:,} not translated)", "100.000%", not damaged)


def console() -> Iterator[Row]:
    """Measure the console's pages with 100,000 conversations stored."""
    told = script("console.py", patience=300)
    slowest = max(told, key=lambda page: told[page]["ms"])
    what = f"the console's slowest page of {len(told)} ({slowest}), 100,000 conversations stored, median"
    yield at_most(what, told[slowest]["ms"], 100, "ms")
    yield at_most("… the largest page", max(each["kb"] for each in told.values()), 100, "KB")


GROWTH_ROUNDS = int(os.environ.get("GROWTH_ROUNDS", "4"))
GROUPS = {
    "webhooks": webhooks,
    "slow_disk": slow_disk,
    "store": store,
    "process": process_itself,
    "parsing": parsing,
    "files": files,
    "mixed": mixed,
    "burst": burst,
    "console": console,
    "translating": translating,
    "redis": redis,
}


def main() -> None:
    """Measure everything, or the groups named, and write the table."""
    table = ["| what | seen | goal | |", "| --- | --- | --- | --- |"]
    print("\n".join(table))
    for name in sys.argv[1:] or GROUPS:
        for row in GROUPS[name]():
            table.append(f"| {row.what} | {row.seen} | {row.goal} | {'✓' if row.reached else 'not reached'} |")
            # At once: what was seen isn't lost where a later measurement fails.
            print(table[-1], flush=True)
    if sys.argv[1:]:
        return
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Linux {platform.release().split('-')[0]}"
    python = platform.python_version()
    head = f"{datetime.now(UTC):%Y-%m-%d}, {machine}, Python {python}, medians of {REPEATS}."
    readme = HERE / "README.md"
    text = readme.read_text()
    before, _, rest = text.partition("<!-- table -->")
    after = rest.partition("<!-- end -->")[2]
    readme.write_text(f"{before}<!-- table -->\n{head}\n\n" + "\n".join(table) + f"\n<!-- end -->{after}")


if __name__ == "__main__":
    main()
