"""The time that a room tells is Redis', from the first message on, whatever this machine's own clock says."""

import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest
import redis

from bidding.room import clock as module
from bidding.room.clock import RedisClock
from bidding.tests.conftest import Show
from bidding.tests.rooms import RoomServer, page

HOURS_MS = 3 * 3_600_000
SLOW_MS = 2_000
"""How wrong a reading may be where the machine is busy: half of its round trip. The clock beside it is hours off."""
START = 1_795_300_000_000.0


class Reader:
    """A process that reads Redis' time; both clocks are the test's."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.real = 0.0
        self.drift = 0.0
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=self.monotonic, time=lambda: 0.0))
        self.clock = RedisClock()

    def monotonic(self) -> float:
        """Return this process' time in seconds."""
        return 100 + self.real * (1 + self.drift)

    def read(self, there_ms: float, back_ms: float) -> None:
        """Read Redis' time over ways that take so long."""
        asked = self.monotonic()
        self.real += there_ms / 1000
        told = START + self.real * 1000
        self.real += back_ms / 1000
        self.clock.observe(told, asked, self.monotonic())

    @property
    def wrong_ms(self) -> float:
        """By how much the clock is wrong."""
        return abs(self.clock.now_ms() - START - self.real * 1000)


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Reader:
    """Return a reader that has read once, quickly."""
    reader = Reader(monkeypatch)
    reader.read(0.3, 0.3)
    return reader


def test_a_slow_reading_never_spoils_a_good_one(reader: Reader) -> None:
    for _ in range(120):
        reader.real += 1
        reader.read(1, 180)
        assert reader.wrong_ms < 2


def test_clocks_that_drift_apart_are_followed(reader: Reader) -> None:
    reader.drift = 9e-5
    for _ in range(1_000):
        reader.real += 1
        reader.read(4, 4)
        assert reader.wrong_ms < 10


@pytest.mark.parametrize("by_ms", [-5_000, 5_000])
def test_a_clock_that_was_set_is_believed_at_once(reader: Reader, monkeypatch: pytest.MonkeyPatch, by_ms: int) -> None:
    monkeypatch.setattr(f"{__name__}.START", START + by_ms)
    reader.read(20, 20)
    assert reader.wrong_ms < 2


def test_the_first_messages_of_a_process_tell_the_time_of_redis(
    show: Show, floor: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = SimpleNamespace(monotonic=time.monotonic, time=lambda: time.time() + HOURS_MS / 1000)
    monkeypatch.setattr(module, "time", wrong)

    def redis_ms() -> float:
        seconds, micros = floor.time()
        return seconds * 1000 + micros / 1000

    def within(told: Callable[[], int]) -> bool:
        earliest, now_ms, latest = redis_ms(), told(), redis_ms()
        return earliest - SLOW_MS <= now_ms <= latest + SLOW_MS

    with RoomServer() as server, page(server, show.auction.pk) as nobody:
        assert within(lambda: nobody.ask("PING", "PONG", t=1.0)["server_time_ms"])
    # A process of its own again: here STATE comes before anybody asked.
    with RoomServer() as server:
        before = redis_ms()
        with page(server, show.auction.pk) as nobody:
            assert before - SLOW_MS <= nobody.next()["server_time_ms"] <= redis_ms() + SLOW_MS
