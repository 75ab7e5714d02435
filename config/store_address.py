"""Where the store is: SQLite in the data directory, or a Redis server, a server behind Sentinels, or a cluster."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote

from config.credentials import NO_SECRET, Secret

SCHEMES = ("redis", "rediss", "redis+cluster", "redis+sentinel")
TLS_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
"""Files that may be named behind the address, as redis-py names them."""

OPTIONS = (*TLS_FILES, "tls", "prefix", "sentinel_username", "sentinel_password")
NODE = re.compile(r"([^\s:\[\]]+|\[[0-9a-fA-F:]+\])(?::(\d{1,5}))?")
PREFIX = re.compile(r"[A-Za-z0-9_.-]{1,64}")
PORTS = {"redis+sentinel": 26379}
HIGHEST_PORT = 65535


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisAddress:
    """A Redis to keep everything in; `nodes` are Sentinels where a `master` is named, else servers.

    `prefix` begins every key, so that two installations can share a server.
    """

    nodes: tuple[tuple[str, int], ...]
    cluster: bool = False
    master: str = ""
    database: int = 0
    user: str = ""
    password: Secret = NO_SECRET
    sentinel_user: str = ""
    sentinel_password: Secret = NO_SECRET
    tls: bool = False
    files: Mapping[str, str] = field(default_factory=dict)
    prefix: str = "dragoman"

    def __str__(self) -> str:
        """Show it without the password."""
        kind = "redis+cluster" if self.cluster else "redis+sentinel" if self.master else "redis"
        scheme = "rediss" if self.tls and kind == "redis" else kind
        path = f"/{self.master}" if self.master else ""
        nodes = ",".join(f"{host}:{port}" for host, port in self.nodes)
        return f"{scheme}://{nodes}{path}" + (f"/{self.database}" if self.database else "")


def read_address(text: str) -> RedisAddress | None:
    """Read `gateway.store`; None is the embedded store.

    Raises:
        ValueError: it is neither; says what would be right, and shows no password.
    """
    if text == "sqlite":
        return None
    scheme, found, rest = text.partition("://")
    if not found or scheme not in SCHEMES:
        raise ValueError('must be "sqlite" or an address that begins with redis://, rediss://, redis+cluster:// or'
                         " redis+sentinel://")  # fmt: skip
    rest, _, query = rest.partition("?")
    options = _options(query)
    place, _, path = rest.partition("/")
    credentials, _, hosts = place.rpartition("@")
    user, _, password = credentials.partition(":")
    nodes = tuple(_node(host, PORTS.get(scheme, 6379)) for host in hosts.split(","))
    if len(nodes) > 1 and scheme in ("redis", "rediss"):
        raise ValueError("several servers need redis+cluster:// or redis+sentinel:// before them")
    master = ""
    if scheme == "redis+sentinel":
        master, _, path = path.partition("/")
        if not master:
            raise ValueError("must name the master behind the Sentinels: redis+sentinel://host:26379/mymaster")
    if path and not path.isdecimal():
        raise ValueError(f"the database must be a number, not {path!r}")
    if path.strip("0") and scheme == "redis+cluster":
        raise ValueError("a cluster has no numbered databases: leave out what follows the servers, or set ?prefix=")
    return RedisAddress(
        nodes=nodes,
        cluster=scheme == "redis+cluster",
        master=master,
        database=int(path or 0),
        user=unquote(user),
        password=Secret(unquote(password)),
        sentinel_user=options.get("sentinel_username", ""),
        sentinel_password=Secret(options.get("sentinel_password", "")),
        tls=scheme == "rediss" or options.get("tls") == "true",
        files={name: options[name] for name in TLS_FILES if name in options},
        prefix=options.get("prefix", "dragoman"),
    )


def _options(query: str) -> dict[str, str]:
    options = dict(parse_qsl(query, keep_blank_values=True))
    for name in options:
        if name not in OPTIONS:
            raise ValueError(f"there is no option {name!r} of a store's address; known: {', '.join(OPTIONS)}")
    if options.get("tls", "true") not in ("true", "false"):
        raise ValueError("tls must be true or false")
    if not PREFIX.fullmatch(options.get("prefix", "dragoman")):
        raise ValueError("prefix must be made of letters, digits and _ . -")
    return options


def _node(text: str, port: int) -> tuple[str, int]:
    found = NODE.fullmatch(text)
    if not found or int(found[2] or port) > HIGHEST_PORT:
        raise ValueError("must name servers as host:port, with commas between several")
    return found[1].strip("[]"), int(found[2] or port)
