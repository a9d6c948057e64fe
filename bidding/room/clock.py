"""The one clock of a room: Redis' time, known to this process without asking for each message.

Decides nothing about a lot's end: the scripts do.
"""

import time
from typing import Final

_SAMPLE_LIFE_S: Final = 30.0
"""After so long a sample is replaced even by a worse one: the two clocks drift apart."""


class RedisClock:
    """Redis' time in milliseconds, kept by the offset of its clock from this process' monotonic one."""

    def __init__(self) -> None:
        self._offset_ms: float | None = None
        self._round_trip_s = 0.0
        self._taken_at = 0.0

    def observe(self, redis_ms: float, asked_at: float, answered_at: float) -> None:
        """Take a reading: Redis' time, and `time.monotonic()` before and after it. Short round trips win."""
        round_trip = answered_at - asked_at
        is_old = answered_at - self._taken_at > _SAMPLE_LIFE_S
        if self._offset_ms is None or is_old or round_trip <= self._round_trip_s * 1.5:
            self._offset_ms = redis_ms - (asked_at + answered_at) / 2 * 1000
            self._round_trip_s, self._taken_at = round_trip, answered_at

    def now_ms(self) -> int:
        """Return Redis' time; this machine's own until the first reading."""
        if self._offset_ms is None:
            return round(time.time() * 1000)
        return round(time.monotonic() * 1000 + self._offset_ms)
