"""A named lock in Redis with a fencing number, for what spans systems: finishing, rebuilding, a ledger's lease.

It is not the lock around bids; that one is the script `place_bid.lua` itself. A holder that was frozen and
wakes up late still believes that it holds: so whoever writes elsewhere under the lock must hand its fencing
number along, and the other side must refuse a number below the highest it has seen.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bidding.engine.calls import Call
from bidding.engine.runner import run
from bidding.engine.scripts import script

if TYPE_CHECKING:
    from redis import Redis


class FencedLock:
    """One holder's view of a named lock. Acquiring again renews it and keeps the fencing number."""

    def __init__(self, client: "Redis", name: str, *, ttl_ms: int) -> None:
        self._client = client
        self._ttl_ms = ttl_ms
        self._me = secrets.token_hex(8)
        self._holder = f"{{lock:{name}}}:holder"
        self._fence = f"{{lock:{name}}}:fence"

    def acquire(self, *, above: int = 0) -> int | None:
        """Take or renew the lock for its time to live; return the fencing number, or None where it is taken.

        A new number exceeds `above`, the highest that the other side of the fence has seen.
        """
        token = secrets.token_hex(8)
        call = Call(
            script("lock_acquire"),
            token,
            (self._holder, self._fence),
            (token, self._me, self._ttl_ms, above),
            lambda reply: int(reply[0]) or None,
        )
        return run(self._client, call)

    def release(self) -> bool:
        """Give the lock back; False where it had run out before."""
        token = secrets.token_hex(8)
        call = Call(
            script("lock_release"), token, (self._holder,), (token, self._me), lambda reply: reply[0] in (b"1", "1")
        )
        return run(self._client, call)


@contextmanager
def fenced(client: "Redis", name: str, *, ttl_ms: int) -> Iterator[int | None]:
    """Hold a named lock for a block; yields the fencing number, or None where somebody else holds it."""
    lock = FencedLock(client, name, ttl_ms=ttl_ms)
    fence = lock.acquire()
    try:
        yield fence
    finally:
        if fence is not None:
            lock.release()
