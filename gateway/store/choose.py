"""Which engine an installation's store runs on."""

from config.settings import Gateway
from gateway.store.contract import Beside, Store
from gateway.store.redis import RedisStore
from gateway.store.redis.peek import RedisBeside
from gateway.store.sqlite import SqliteStore
from gateway.store.sqlite.peek import SqliteBeside


def make_store(gateway: Gateway) -> Store:
    """Make the store that the configuration names; it is opened by whoever uses it."""
    return RedisStore(gateway.redis) if gateway.redis else SqliteStore(gateway.data_dir)


def beside(gateway: Gateway) -> Beside:
    """Give what commands read and write, whether gateways run on the store or none does."""
    return RedisBeside(gateway.redis) if gateway.redis else SqliteBeside(gateway.data_dir)
