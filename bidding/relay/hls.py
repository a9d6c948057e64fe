"""What the side server holds of a channel as HLS, for browsers that have no MediaSource: read once a process.

Nothing is encoded again, and nothing is kept twice: the opening of an MP4 stream is its map, and the fragments from
one numbered mark to the next are a segment. WebM has no HLS.
"""

import math
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from auctions.streaming.local import RelayKeys
from bidding.floor import side
from bidding.relay.publishing import KEEP_MS

FRESH_S: Final = 0.2
"""For how long what was read is new enough for everybody who asks."""
FORGET_S: Final = KEEP_MS / 2_000
"""After how long without a reader the shelf begins anew: pieces may be gone by then that it has not seen."""
LISTED: Final = 6
"""How many segments a playlist names."""
_SHELVES: Final = 16
"""Channels that a process has at hand: one that nobody watches any more costs nothing for ever."""
MOST_SEGMENT_BYTES: Final = 16 * 1024 * 1024
"""What a segment may measure. Where no whole picture comes nothing is held for ever."""
_KEPT: Final = 2 * LISTED
"""Who read the playlist a moment ago may still fetch what it named."""


class NoHls(Exception):
    """The stream is in a container that HLS has not."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Whole pictures and sound from one numbered mark to the next."""

    number: int
    captured_ms: int
    lasts_ms: int
    data: bytes


@dataclass(slots=True)
class _Growing:
    number: int
    at_ms: int
    captured_ms: int
    pieces: list[bytes] = field(default_factory=list)
    size: int = 0


class Shelf:
    """The newest segments of one channel."""

    def __init__(self, channel_id: int) -> None:
        self._keys = RelayKeys(channel_id)
        self._lock = threading.Lock()
        self._read_at = -math.inf
        self._begin()

    def playlist(self) -> str | None:
        """Return what to play now; None where nothing comes. Raises NoHls, or a RedisError."""
        with self._lock:
            self._read()
            if not self._is_mp4:
                raise NoHls
            return _playlist(self.epoch, self._first, list(self._segments)[-LISTED:]) if self._segments else None

    def opening(self, epoch: str) -> bytes | None:
        """Return the map of a stream, or None where another one or none is sent."""
        with self._lock:
            self._read()
            return self._opening if self.epoch == epoch else None

    def segment(self, epoch: str, number: int) -> bytes | None:
        """Return a segment, or None where it is not there any more, or not yet."""
        with self._lock:
            self._read()
            found = (each.data for each in self._segments if each.number == number)
            return next(found, None) if self.epoch == epoch else None

    def _begin(self) -> None:
        self._last: Any = b"0-0"
        self.epoch = ""
        self._forget()

    def _forget(self) -> None:
        self._is_mp4 = True
        self._opening = b""
        self._first = 0
        self._growing: _Growing | None = None
        self._segments: deque[Segment] = deque(maxlen=_KEPT)

    def _read(self) -> None:
        now = time.monotonic()
        if now - self._read_at < FRESH_S:
            return
        if now - self._read_at > FORGET_S:
            self._begin()
        pipeline = side().pipeline(transaction=True)
        pipeline.get(self._keys.publisher)
        pipeline.xrange(self._keys.pieces, min=b"(" + self._last)
        publisher, entries = pipeline.execute()
        self._read_at = now
        if publisher is None:
            # Whoever vanished says no goodbye. What they sent is over, and not shown to anybody who comes now.
            self.epoch = ""
            self._forget()
        for entry_id, fields in entries:
            self._last = entry_id
            if publisher is not None:
                self._take(fields)

    def _take(self, fields: dict[bytes, bytes]) -> None:
        epoch = fields[b"e"].decode()
        if b"x" in fields:
            if epoch == self.epoch:
                self.epoch = ""
                self._forget()
            return
        if epoch != self.epoch and not self._open(epoch):
            return
        if b"n" in fields and self._is_mp4:
            at_ms = int(fields[b"k"])
            self._shelve(at_ms)
            self._growing = _Growing(int(fields[b"n"]), at_ms, int(fields[b"c"]))
        if self._growing is not None:
            self._growing.pieces.append(fields[b"d"])
            self._growing.size += len(fields[b"d"])
            if self._growing.size > MOST_SEGMENT_BYTES:
                # A list has no gaps: it begins anew behind this one.
                self._growing = None
                self._segments.clear()

    def _open(self, epoch: str) -> bool:
        """Begin another stream; False for one whose opening is not there any more."""
        opening: Any = side().hgetall(self._keys.opening)
        if opening.get(b"e") != epoch.encode():
            return False
        self.epoch = epoch
        self._forget()
        self._is_mp4 = opening[b"m"].startswith(b"video/mp4")
        self._opening, self._first = opening[b"d"], int(opening[b"n"])
        return True

    def _shelve(self, end_ms: int) -> None:
        growing = self._growing
        if growing is not None and growing.pieces:
            lasts_ms = end_ms - growing.at_ms
            self._segments.append(Segment(growing.number, growing.captured_ms, lasts_ms, b"".join(growing.pieces)))


def _playlist(epoch: str, first: int, segments: list[Segment]) -> str:
    # Each stream is a timeline of its own, told apart by the number of its first segment.
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        f"#EXT-X-TARGETDURATION:{max(math.ceil(each.lasts_ms / 1_000) for each in segments)}",
        f"#EXT-X-MEDIA-SEQUENCE:{segments[0].number}",
        f"#EXT-X-DISCONTINUITY-SEQUENCE:{first}",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        f'#EXT-X-MAP:URI="{epoch}.mp4"',
    ]
    for each in segments:
        captured = datetime.fromtimestamp(each.captured_ms / 1_000, UTC).isoformat(timespec="milliseconds")
        lines += [f"#EXT-X-PROGRAM-DATE-TIME:{captured}", f"#EXTINF:{each.lasts_ms / 1_000:.3f},"]
        lines.append(f"{epoch}-{each.number}.m4s")
    return "\n".join(lines) + "\n"


@lru_cache(maxsize=_SHELVES)
def shelf_of(channel_id: int) -> Shelf:
    """Return the process' shelf of a channel."""
    return Shelf(channel_id)
