"""The named lock for what spans systems: one holder, a rising fence, and life after a killed holder."""

import multiprocessing
import os
import signal

import redis
from django.conf import settings

from bidding.engine.lock import FencedLock, fenced


def test_one_holds_and_the_other_waits_its_turn(floor: redis.Redis) -> None:
    mine, theirs = (FencedLock(floor, "finish:4", ttl_ms=60_000) for _ in range(2))
    first = mine.acquire()
    assert first is not None
    assert theirs.acquire() is None
    assert mine.acquire() == first
    assert mine.release()
    second = theirs.acquire()
    assert second is not None
    assert second > first


def test_a_lock_that_ran_out_cannot_be_released_by_its_old_holder(floor: redis.Redis) -> None:
    mine, theirs = (FencedLock(floor, "finish:4", ttl_ms=60_000) for _ in range(2))
    first = mine.acquire()
    floor.delete("{lock:finish:4}:holder")
    second = theirs.acquire()
    assert first is not None
    assert second is not None
    assert second > first
    assert not mine.release()
    assert mine.acquire() is None


def test_after_a_wipe_the_fence_still_rises(floor: redis.Redis) -> None:
    seen = 0
    for _ in range(3):
        with fenced(floor, "x", ttl_ms=60_000) as fence:
            seen = fence or 0
    assert seen == 3
    floor.flushall()
    renewed = FencedLock(floor, "x", ttl_ms=60_000)
    fence = renewed.acquire(above=seen)
    assert fence == seen + 1
    assert renewed.acquire(above=seen) == fence


def test_the_block_form_gives_the_lock_back(floor: redis.Redis) -> None:
    with fenced(floor, "x", ttl_ms=60_000) as fence:
        assert fence == 1
        with fenced(floor, "x", ttl_ms=60_000) as other:
            assert other is None
    with fenced(floor, "x", ttl_ms=60_000) as fence:
        assert fence == 2


def _hold_and_hang(url: str, ready: "multiprocessing.synchronize.Event") -> None:
    FencedLock(redis.Redis.from_url(url), "killed", ttl_ms=400).acquire()
    ready.set()
    signal.pause()


def test_a_killed_holder_blocks_nobody_for_longer_than_its_lease(floor: redis.Redis) -> None:
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    holder = context.Process(target=_hold_and_hang, args=(settings.REDIS_URL, ready))
    holder.start()
    assert ready.wait(60)
    assert holder.pid is not None
    os.kill(holder.pid, signal.SIGKILL)
    holder.join()
    successor = FencedLock(floor, "killed", ttl_ms=400)
    fence = None
    while fence is None:
        fence = successor.acquire()
    assert fence == 2
