"""The connection to a Redis: a single server, one behind Sentinels, or a cluster; and what its errors mean."""

from typing import Any

from redis import Redis as PlainRedis
from redis import RedisCluster as PlainCluster
from redis import Sentinel as PlainSentinel
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode as PlainNode
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ClusterError,
    ConnectionError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TimeoutError,
)

from config.store_address import RedisAddress

ANSWER_WITHIN = 3.0
"""Seconds that a server has for an answer."""

Client = Redis | RedisCluster
PlainClient = PlainRedis | PlainCluster


def connect(address: RedisAddress) -> Client:
    """Make a client, which connects when it is first used; what fails isn't tried again behind our back."""
    options = _options(address)
    if address.cluster:
        nodes = [ClusterNode(host, port) for host, port in address.nodes]
        return RedisCluster(startup_nodes=nodes, retry=_once(), **options)
    options |= {"db": address.database, "retry": _once()}
    if address.master:
        sentinels = Sentinel(address.nodes, sentinel_kwargs=_sentinel_options(address), **options)  # type: ignore[no-untyped-call]  # redis-py
        found: Redis = sentinels.master_for(address.master)
        return found
    host, port = address.nodes[0]
    return Redis(host=host, port=port, **options)


async def disconnect(client: Client) -> None:
    """Close a client, and with it the Sentinels' clients, which nobody else closes."""
    await client.aclose()
    if isinstance(client, Redis) and isinstance(client.connection_pool, SentinelConnectionPool):
        for sentinel in client.connection_pool.sentinel_manager.sentinels:
            await sentinel.aclose()


def _options(address: RedisAddress) -> dict[str, Any]:
    return {
        "username": address.user or None,
        "password": address.password.reveal() or None,
        "socket_timeout": ANSWER_WITHIN,
        "socket_connect_timeout": ANSWER_WITHIN,
        "ssl": address.tls,
        **(dict(address.files) if address.tls else {}),
    }


def _sentinel_options(address: RedisAddress) -> dict[str, Any]:
    return _options(address) | {
        "username": address.sentinel_user or None,
        "password": address.sentinel_password.reveal() or None,
    }


def _once() -> Retry:
    return Retry(NoBackoff(), 0)


def connect_plainly(address: RedisAddress) -> PlainClient:
    """Make a client for commands, which wait for each answer."""
    options = _options(address)
    if address.cluster:
        nodes = [PlainNode(host, port) for host, port in address.nodes]  # type: ignore[no-untyped-call]  # redis-py
        return PlainCluster(startup_nodes=nodes, **options)
    options["db"] = address.database
    if address.master:
        sentinels = PlainSentinel(address.nodes, sentinel_kwargs=_sentinel_options(address), **options)  # type: ignore[no-untyped-call]  # redis-py
        found: PlainRedis = sentinels.master_for(address.master)  # type: ignore[no-untyped-call]  # redis-py
        return found
    host, port = address.nodes[0]
    return PlainRedis(host=host, port=port, **options)


def listener(client: Client) -> PubSub:
    """Make what hears the bells."""
    found: PubSub = client.pubsub()
    return found


def passes(error: Exception) -> bool:
    """Say whether an error is of the kind that passes: a server that starts, moves or can't be reached."""
    if isinstance(error, AuthenticationError | NoPermissionError):
        return False
    kinds = (ConnectionError, TimeoutError, BusyLoadingError, ClusterError, ReadOnlyError, OSError)
    return isinstance(error, kinds) or "TRYAGAIN" in str(error) or "MASTERDOWN" in str(error)


def is_full(error: Exception) -> bool:
    """Say whether a server takes no more."""
    return isinstance(error, OutOfMemoryError) or (isinstance(error, ResponseError) and "maxmemory" in str(error))


def lacks_library(error: Exception) -> bool:
    """Say whether a server doesn't know our functions (any more)."""
    return isinstance(error, ResponseError) and "function not found" in str(error).lower()


def explain(error: Exception, address: RedisAddress) -> str:
    """Say for an admin what is wrong and what to do."""
    if is_full(error):
        return f"{address} is full: raise its maxmemory, or give the machine more memory"
    if isinstance(error, AuthenticationError):
        return f"{address} refuses the user or password: {error}"
    if isinstance(error, NoPermissionError):
        return f"{address} doesn't let this user do that: {error}"
    if isinstance(error, RedisError | OSError):
        return f"{address} can't be used: {str(error) or type(error).__name__}"
    return f"{address} broke: {type(error).__name__}: {error}"
