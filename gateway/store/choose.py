"""Which engine an installation's store runs on; the others are never read into memory (Redis takes 20 MB)."""

from config.settings import Gateway
from gateway.store.contract import Beside, Store


def make_store(gateway: Gateway) -> Store:
    """Make the store that the configuration names; it is opened by whoever uses it."""
    if gateway.redis:
        from gateway.store.redis import RedisStore

        return RedisStore(gateway.redis)
    from gateway.store.sqlite import SqliteStore

    return SqliteStore(gateway.data_dir)


def beside(gateway: Gateway) -> Beside:
    """Give what commands read and write, whether gateways run on the store or none does."""
    if gateway.redis:
        from gateway.store.redis.peek import RedisBeside

        return RedisBeside(gateway.redis)
    from gateway.store.sqlite.peek import SqliteBeside

    return SqliteBeside(gateway.data_dir)
