"""The server's clock, as seen from here.

Owns the estimate and nothing else; whoever talks to the server tells it what was seen. Times are milliseconds.
"""

import time
from collections import deque
from typing import Final

SAMPLES: Final = 8


def _now_ms() -> float:
    return time.monotonic() * 1000


class ServerClock:
    """Knows the server's time from answers to PING, the quickest of the last ones counting most.

    Counts on the monotonic clock, so nothing that happens to this machine's date matters.
    """

    def __init__(self) -> None:
        self._samples: deque[tuple[float, float]] = deque(maxlen=SAMPLES)
        self._rough: float | None = None

    @property
    def error_ms(self) -> float | None:
        """Return by how much the time can be wrong, or None while only rough times are known."""
        return min(self._samples)[0] / 2 if self._samples else None

    def heard(self, server_time_ms: int) -> None:
        """Note a time that came without being asked for: it is late by an unknown travelling time."""
        offset = server_time_ms - _now_ms()
        self._rough = offset if self._rough is None else max(self._rough, offset)

    def answered(self, server_time_ms: int, sent_ms: float) -> None:
        """Note an answer to a PING that was sent at `sent_ms` of `stamp()`."""
        now = _now_ms()
        self._samples.append((now - sent_ms, server_time_ms - (now + sent_ms) / 2))

    def stamp(self) -> float:
        """Return what to put into a PING."""
        return _now_ms()

    def now_ms(self) -> int | None:
        """Return the server's time, or None before the first message."""
        offset = min(self._samples)[1] if self._samples else self._rough
        return None if offset is None else round(_now_ms() + offset)
