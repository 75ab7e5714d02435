"""Which engine an installation's store runs on."""

from config.settings import Gateway
from gateway.store.contract import Store
from gateway.store.redis import RedisStore
from gateway.store.sqlite import SqliteStore


def make_store(gateway: Gateway) -> Store:
    """Make the store that the configuration names; it is opened by whoever uses it."""
    return RedisStore(gateway.redis) if gateway.redis else SqliteStore(gateway.data_dir)
