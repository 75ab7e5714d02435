"""The engine for several replicas: one Redis, a Sentinel's, or a cluster."""

from gateway.store.redis.store import RedisStore

__all__ = ["RedisStore"]
