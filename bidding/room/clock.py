"""The one clock of a room: Redis' time, known to this process without asking for each message.

Decides nothing about a lot's end: the scripts do.
"""

import time
from typing import Final

_DRIFT: Final = 1e-4
"""How fast the two clocks drift apart at most: so a reading loses its worth."""
_GRAIN_MS: Final = 1.0
"""How exact a reading is at best."""


class RedisClock:
    """Redis' time in milliseconds, kept by the offset of its clock from this process' monotonic one."""

    def __init__(self) -> None:
        self._offset_ms: float | None = None
        self._error_ms = 0.0
        self._taken_at = 0.0

    @property
    def is_set(self) -> bool:
        """Whether Redis' time was read at all."""
        return self._offset_ms is not None

    def observe(self, redis_ms: float, asked_at: float, answered_at: float) -> None:
        """Take a reading: Redis' time, and `time.monotonic()` before and after it.

        The shorter the round trip the better. A worse reading counts only where the better one is too old, or cannot
        be right any more because one of the clocks was set.
        """
        offset = redis_ms - (asked_at + answered_at) / 2 * 1000
        error = (answered_at - asked_at) / 2 * 1000 + _GRAIN_MS
        known = self._error_ms + max(0.0, answered_at - self._taken_at) * 1000 * _DRIFT
        if self._offset_ms is None or error <= known or abs(offset - self._offset_ms) > error + known:
            self._offset_ms, self._error_ms, self._taken_at = offset, error, answered_at

    def now_ms(self) -> int:
        """Return Redis' time; this machine's own until the first reading."""
        if self._offset_ms is None:
            return round(time.time() * 1000)
        return round(time.monotonic() * 1000 + self._offset_ms)
