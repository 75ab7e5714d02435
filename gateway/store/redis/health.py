"""Whether a Redis is fit to keep messages: it must answer, be new enough, write to disk, and throw nothing away."""

from collections.abc import Iterator, Mapping
from typing import Any

from redis.exceptions import RedisError

from config.store_address import RedisAddress
from gateway.store.contract import StoreError
from gateway.store.redis.link import PlainClient, connect_plainly, explain

OLDEST = (7, 0)
"""The first version with functions."""


def examine(address: RedisAddress) -> tuple[str, Mapping[str, str]]:
    """Say which servers there are, and what is wrong with them: each fault with its cure.

    Raises:
        StoreError: it can't be asked.
    """
    client: PlainClient | None = None
    try:
        client = connect_plainly(address)
        nodes = _ask(client, address)
        found = f"{address}, Redis {', '.join(sorted({str(node['redis_version']) for node in nodes.values()}))}"
        return found, dict(fault for name, node in nodes.items() for fault in _faults(name, node))
    except (RedisError, OSError) as error:
        raise StoreError(explain(error, address)) from error
    finally:
        if client is not None:
            client.close()


def _ask(client: PlainClient, address: RedisAddress) -> Mapping[str, Mapping[str, Any]]:
    """Ask each server that takes writes for what it says of itself, and how it syncs, where it lets us see."""
    everywhere = {"target_nodes": "primaries"} if address.cluster else {}
    said = client.execute_command("INFO", **everywhere)  # type: ignore[no-untyped-call]  # redis-py
    nodes: dict[str, dict[str, Any]] = said if address.cluster else {str(address): said}
    try:
        synced = client.execute_command("CONFIG GET", "appendfsync", **everywhere)  # type: ignore[no-untyped-call]  # redis-py
    except RedisError:
        return nodes
    for name, node in nodes.items():
        answer = synced.get(name, {}) if address.cluster else synced
        node["appendfsync"] = str(answer.get("appendfsync") or answer.get(b"appendfsync", b"").decode())
    return nodes


def _faults(name: str, node: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    version = tuple(int(part) for part in str(node["redis_version"]).split(".")[:2])
    if version < OLDEST:
        yield f"{name} is Redis {node['redis_version']}", "Run Redis 7.0 or later."
    if not int(node.get("aof_enabled", 0)):
        yield f"{name} writes no log, so a restart loses messages", "Set appendonly yes."
    elif node.get("appendfsync") == "no":
        yield (
            f"{name} doesn't sync its log, so a power failure loses messages",
            "Set appendfsync everysec, or always to lose none at all.",
        )
    policy = str(node.get("maxmemory_policy", "noeviction"))
    if int(node.get("maxmemory", 0)) and policy != "noeviction":
        yield f"{name} throws away messages when it is full ({policy})", "Set maxmemory-policy noeviction."
