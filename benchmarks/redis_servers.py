"""Real Redis servers for tests and benchmarks: one, or a cluster of three, on free ports of the loopback."""

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from benchmarks.ports import free_port

START_WITHIN = 20.0


class Server:
    """A Redis server of our own, in a folder of its own; it can be stopped and started again.

    `on` runs in its process before it does: it can choose a core.
    """

    def __init__(self, folder: Path, *options: str, on: Callable[[], None] | None = None) -> None:
        self.port = free_port()
        self.folder = folder
        self._options = options
        self._on = on
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Give what `gateway.store` is set to."""
        return f"redis://127.0.0.1:{self.port}"

    def start(self, *instead: str) -> None:
        """Start it, and wait until it answers; `instead` replaces all our options."""
        program = shutil.which("redis-server")
        assert program, "tests need redis-server"
        self.folder.mkdir(parents=True, exist_ok=True)
        options = ("--port", str(self.port), "--dir", str(self.folder), "--save", "", "--bind", "127.0.0.1")
        self._process = subprocess.Popen(
            [program, *(instead or (*options, *self._options))],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=self._on,
        )
        until(self.answers)

    def answers(self) -> bool:
        """Say whether it answers."""
        try:
            with closing(self.client()) as client:
                return bool(client.ping())
        except (RedisError, OSError):
            return False

    def client(self) -> Redis:
        """Make a client beside the gateway's."""
        return Redis(port=self.port)

    def kill(self) -> None:
        """Kill it."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def signal(self, number: int) -> None:
        """Send it a signal."""
        assert self._process
        self._process.send_signal(number)


def until(holds: Callable[[], object]) -> None:
    """Wait until something holds."""
    give_up = time.monotonic() + START_WITHIN
    while not holds():
        assert time.monotonic() < give_up, "the Redis server doesn't answer"
        time.sleep(0.02)


@contextmanager
def server(folder: Path, *options: str, on: Callable[[], None] | None = None) -> Iterator[Server]:
    """Run a server for a while."""
    running = Server(folder, *options, on=on)
    try:
        running.start()
        yield running
    finally:
        running.kill()


@contextmanager
def sentinel(folder: Path) -> Iterator[tuple[Server, Server, str]]:
    """Run a server, its replica, and a Sentinel that promotes the replica; gives both, and the address."""
    first = Server(folder / "first", "--appendonly", "yes")
    second = Server(folder / "second", "--appendonly", "yes", "--replicaof", "127.0.0.1", str(first.port))
    watcher = Server(folder / "sentinel")
    try:
        first.start()
        second.start()
        until(lambda: _role(second, "master_link_status") == "up")
        (folder / "sentinel").mkdir(parents=True)
        file = folder / "sentinel" / "sentinel.conf"
        file.write_text(
            f"port {watcher.port}\nbind 127.0.0.1\nsentinel monitor main 127.0.0.1 {first.port} 1\n"
            "sentinel down-after-milliseconds main 500\nsentinel failover-timeout main 5000\n"
        )
        watcher.start(str(file), "--sentinel")
        until(lambda: _slaves(watcher) == 1)
        yield first, second, f"redis+sentinel://127.0.0.1:{watcher.port}/main"
    finally:
        for each in (watcher, second, first):
            each.kill()


def _role(server: Server, what: str) -> str:
    with closing(server.client()) as client:
        return str(client.info("replication")[what])


def _slaves(watcher: Server) -> int:
    with closing(watcher.client()) as client:
        told = client.sentinel_master("main")
    return int(told["num-slaves"]) if isinstance(told, dict) else 0


@contextmanager
def cluster(folder: Path, *options: str) -> Iterator[Sequence[Server]]:
    """Run three servers that share the slots for a while."""
    nodes: list[Server] = []
    try:
        for number in range(3):
            bus = ("--cluster-enabled", "yes", "--cluster-port", str(free_port()), "--cluster-node-timeout", "2000")
            nodes.append(Server(folder / str(number), *bus, *options))
            nodes[-1].start()
        program = shutil.which("redis-cli")
        assert program, "tests need redis-cli"
        places = [f"127.0.0.1:{node.port}" for node in nodes]
        subprocess.run([program, "--cluster", "create", *places, "--cluster-yes"], check=True, capture_output=True)
        until(lambda: all(_is_whole(node) for node in nodes))
        yield nodes
    finally:
        for node in nodes:
            node.kill()


def _is_whole(node: Server) -> bool:
    with closing(node.client()) as client:
        told = client.execute_command("CLUSTER INFO")  # type: ignore[no-untyped-call]  # redis-py
    return bool(told["cluster_state"] == "ok")


def move_slot(nodes: Sequence[Server], key: str) -> None:
    """Move the slot of a key to the next node, key by key, as `redis-cli --cluster reshard` does, but slowly."""
    with ExitStack() as stack:
        clients: list[Any] = [stack.enter_context(closing(node.client())) for node in nodes]
        asks = [client.execute_command for client in clients]
        slot = asks[0]("CLUSTER", "KEYSLOT", key)
        source = next(at for at, ask in enumerate(asks) if ask("CLUSTER", "COUNTKEYSINSLOT", slot))
        target = (source + 1) % len(nodes)
        names = [ask("CLUSTER", "MYID") for ask in asks]
        asks[target]("CLUSTER", "SETSLOT", slot, "IMPORTING", names[source])
        asks[source]("CLUSTER", "SETSLOT", slot, "MIGRATING", names[target])
        while keys := asks[source]("CLUSTER", "GETKEYSINSLOT", slot, 1):
            time.sleep(0.05)
            asks[source]("MIGRATE", "127.0.0.1", nodes[target].port, keys[0], 0, 5000)
        for at in (target, source, *({0, 1, 2} - {target, source})):
            asks[at]("CLUSTER", "SETSLOT", slot, "NODE", names[target])
