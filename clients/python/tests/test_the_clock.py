"""The server's time as a client knows it, from answers and heartbeats that take their time."""

import random

import pytest

from paddle_client.clock import ServerClock

START = 1_795_300_000_000


class Machine:
    """This machine and a server: real time, a monotonic clock that drifts, and messages between the two."""

    def __init__(self, drift: float = 5e-5, seed: int = 1) -> None:
        self.real = 0.0
        self.monotonic = 5_000.0
        self.drift = drift
        self.random = random.Random(seed)
        self.clock = ServerClock(lambda: self.monotonic)

    def wait(self, ms: float) -> None:
        """Let time pass here and there."""
        self.real += ms
        self.monotonic += ms * (1 + self.drift)

    def ping(self, up: float, down: float) -> None:
        """Ask, and take the answer in."""
        sent = self.clock.stamp()
        self.wait(up)
        told = round(START + self.real)
        self.wait(down)
        self.clock.answered(told, sent)

    def heartbeat(self, down: float) -> None:
        """Hear of the time without having asked."""
        told = round(START + self.real)
        self.wait(down)
        self.clock.heard(told)

    @property
    def now_ms(self) -> int:
        """The server's time as it is known."""
        now = self.clock.now_ms()
        assert now is not None
        return now

    @property
    def wrong_ms(self) -> float:
        """By how much it is wrong."""
        return abs(self.now_ms - START - self.real)


def test_nothing_is_known_before_the_server_spoke():
    clock = ServerClock()
    assert (clock.now_ms(), clock.error_ms) == (None, None)


def test_a_heartbeat_gives_a_rough_time_and_an_answer_a_good_one():
    machine = Machine()
    machine.heartbeat(80)
    assert machine.wrong_ms <= 81
    rough = machine.clock.error_ms
    machine.ping(10, 10)
    good = machine.clock.error_ms
    assert machine.wrong_ms <= 3
    assert rough is None
    assert good is not None
    assert good <= 14


def test_the_quickest_of_many_answers_counts_and_the_figure_holds():
    machine = Machine(seed=3)
    for _ in range(200):
        machine.ping(10 + 300 * machine.random.random() ** 2, 10 + 300 * machine.random.random() ** 2)
        assert machine.clock.error_ms is not None
        assert machine.wrong_ms <= machine.clock.error_ms + 1
        machine.wait(5_000)
    assert machine.wrong_ms < 30


def test_an_early_good_answer_is_not_believed_for_ever():
    machine = Machine(drift=1e-4)
    machine.ping(0.5, 0.5)
    for _ in range(240):
        machine.wait(15_000)
        machine.ping(8, 8)
        assert machine.wrong_ms < 15


@pytest.mark.parametrize("heard", ["answer", "heartbeat"])
def test_one_word_of_the_server_is_enough_after_a_sleep(heard):
    machine = Machine()
    for _ in range(5):
        machine.ping(5, 5)
    # The monotonic clock of many systems stands still meanwhile.
    machine.real += 3_600_000
    if heard == "answer":
        machine.ping(40, 40)
    else:
        machine.heartbeat(40)
    assert machine.wrong_ms <= 45


def test_the_time_never_goes_back():
    machine = Machine()
    machine.ping(5, 5)
    before = machine.now_ms
    machine.real -= 3_000
    machine.ping(5, 5)
    for _ in range(5_000):
        now = machine.now_ms
        assert now >= before
        before = now
        machine.wait(10)
    assert machine.wrong_ms < 30
