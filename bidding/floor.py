"""The process' connections to the two Redis servers: the floor, which decides, and the side, which may be lost.

Owns nothing but clients. They never retry by themselves (`bidding/engine/runner.py` says why) and give up in
time for the promise that a bidder hears within 2 s. Calls beyond so many at once wait their turn for a connection: a
pool that refuses them would refuse bids while Redis is well.
"""

import asyncio
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import redis
import redis.asyncio
from django.conf import settings
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

_CONNECTIONS = 50
"""To each server, for each process and event loop. Redis does one thing after the other; more would not be faster."""

_LOOPS: "WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, redis.asyncio.Redis]]" = WeakKeyDictionary()


def floor() -> "redis.Redis":
    """Return the process' synchronous client of the floor."""
    return _client(settings.REDIS_URL)


def side() -> "redis.Redis":
    """Return the process' synchronous client of the side."""
    return _client(settings.SIDE_REDIS_URL)


def async_floor() -> "redis.asyncio.Redis":
    """Return the running event loop's client of the floor."""
    return _async_client(settings.REDIS_URL)


def async_side() -> "redis.asyncio.Redis":
    """Return the running event loop's client of the side."""
    return _async_client(settings.SIDE_REDIS_URL)


@cache
def _client(url: str) -> "redis.Redis":
    pool = redis.BlockingConnectionPool.from_url(url, retry=Retry(NoBackoff(), 0), **_options())
    return redis.Redis.from_pool(pool)


def _async_client(url: str) -> "redis.asyncio.Redis":
    clients = _LOOPS.setdefault(asyncio.get_running_loop(), {})
    if url not in clients:
        pool = redis.asyncio.BlockingConnectionPool.from_url(url, retry=AsyncRetry(NoBackoff(), 0), **_options())
        clients[url] = redis.asyncio.Redis.from_pool(pool)
    return clients[url]


def _options() -> dict[str, Any]:
    return {
        "max_connections": _CONNECTIONS,
        "timeout": settings.FLOOR_TIMEOUT_S,
        "socket_timeout": settings.FLOOR_TIMEOUT_S,
        "socket_connect_timeout": settings.FLOOR_TIMEOUT_S,
        "health_check_interval": 0,
    }
