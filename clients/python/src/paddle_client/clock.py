"""The server's clock, as seen from here.

Owns the estimate and nothing else; whoever talks to the server tells it what was seen. Times are milliseconds.
"""

import math
import time
from collections.abc import Callable
from typing import Final

SLEW: Final = 0.1
"""How fast a correction comes in: a tenth of the time that passes."""
JUMP_AHEAD_MS: Final = 400.0
"""Behind by more than this the clock is set at once: the machine slept."""
DRIFT: Final = 1e-4
"""How fast two clocks drift apart at most."""
GRAIN_MS: Final = 2.0
"""How exact the server's times are: whole milliseconds, read by several processes."""


def _monotonic_ms() -> float:
    return time.monotonic() * 1000


class ServerClock:
    """Knows the server's time, counted on this machine's monotonic clock: nothing that happens to its date matters.

    An answered PING tells between which two offsets the server's clock is from ours; a message that travelled one way
    tells the lower one. What is known is what all of them have in common, and it gets vaguer with time. The time never
    goes back: what is too much is taken back slowly.
    """

    def __init__(self, monotonic_ms: Callable[[], float] = _monotonic_ms) -> None:
        """Begin without knowing anything; `monotonic_ms` is this machine's clock."""
        self._monotonic_ms = monotonic_ms
        self._known: tuple[float, float, float] | None = None
        """Lowest and highest offset, and when that was so; the highest is infinite while no PING was answered."""
        self._offset: float | None = None
        self._target = -math.inf
        self._at = 0.0
        self._last = -math.inf

    @property
    def error_ms(self) -> float | None:
        """Return by how much the time can be wrong, or None while only rough times are known."""
        known = self._today()
        if known is None or known[1] == math.inf or self._offset is None:
            return None
        low, high = known
        return max(high - self._target, self._target - low) + abs(self._target - self._offset)

    def heard(self, server_time_ms: int) -> None:
        """Note a time that came without being asked for: it is late by an unknown travelling time."""
        self._learn(server_time_ms - self._monotonic_ms(), math.inf)

    def answered(self, server_time_ms: int, sent_ms: float) -> None:
        """Note an answer to a PING that was sent at `sent_ms` of `stamp()`."""
        self._learn(server_time_ms - self._monotonic_ms() - GRAIN_MS, server_time_ms - sent_ms + GRAIN_MS)

    def stamp(self) -> float:
        """Return what to put into a PING."""
        return self._monotonic_ms()

    def now_ms(self) -> int | None:
        """Return the server's time, or None before the first message."""
        if self._offset is None:
            return None
        now = self._monotonic_ms()
        self._last = max(self._last, now + self._slewed(now))
        return round(self._last)

    # --- inside --------------------------------------------------------------------------------------

    def _learn(self, low: float, high: float) -> None:
        before = self._today()
        was_rough = before is None or before[1] == math.inf
        is_answer = high < math.inf
        # Without common ground one of the clocks was set, or ours stood still: then the newest word counts alone.
        if before is not None and before[0] <= high and low <= before[1]:
            low, high = max(low, before[0]), min(high, before[1])
        now = self._monotonic_ms()
        self._known = (low, high, now)
        # A message that travelled one way corrects what cannot be; only an answer says where the middle is.
        target = (low + high) / 2 if is_answer else max(low, min(high, self._target))
        if self._offset is None:
            self._offset, self._at = target, now
        offset = self._slewed(now)
        self._target = target
        if target - offset > (0 if was_rough or high == math.inf else JUMP_AHEAD_MS):
            self._offset = target

    def _today(self) -> tuple[float, float] | None:
        """Return the lowest and the highest offset that are possible now."""
        if self._known is None:
            return None
        low, high, at = self._known
        drift = DRIFT * (self._monotonic_ms() - at)
        return low - drift, high + drift

    def _slewed(self, now: float) -> float:
        """Bring the offset nearer to where it should be, and return it."""
        assert self._offset is not None
        most = max(0.0, now - self._at) * SLEW
        self._offset += max(-most, min(most, self._target - self._offset))
        self._at = now
        return self._offset
