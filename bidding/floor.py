"""The process' connections to the two Redis servers: the floor, which decides, and the side, which may be lost.

Owns nothing but clients. They never retry by themselves (`bidding/engine/runner.py` says why) and give up in
time for the promise that a bidder hears within 2 s.
"""

import asyncio
from functools import cache
from weakref import WeakKeyDictionary

import redis
import redis.asyncio
from django.conf import settings
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

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
    return redis.Redis.from_url(
        url,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=settings.FLOOR_TIMEOUT_S,
        socket_connect_timeout=settings.FLOOR_TIMEOUT_S,
        health_check_interval=0,
    )


def _async_client(url: str) -> "redis.asyncio.Redis":
    clients = _LOOPS.setdefault(asyncio.get_running_loop(), {})
    if url not in clients:
        clients[url] = redis.asyncio.Redis.from_url(
            url,
            retry=AsyncRetry(NoBackoff(), 0),
            socket_timeout=settings.FLOOR_TIMEOUT_S,
            socket_connect_timeout=settings.FLOOR_TIMEOUT_S,
            health_check_interval=0,
        )
    return clients[url]
