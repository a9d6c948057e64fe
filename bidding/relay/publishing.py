"""Holds a channel for one publisher and puts what they send on the side server.

Owns the lease that makes a second publisher wait, and how much of a stream is kept. Everything it keeps runs out by
itself: a process that was killed leaves a channel that is free again within LEASE_MS.
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import Any, Final

import structlog
from redis.exceptions import RedisError

from auctions.streaming.base import STARVED
from auctions.streaming.local import RelayKeys
from bidding.engine.runner import arun
from bidding.engine.side import count_at, let_go
from bidding.floor import async_side
from bidding.metrics import STREAM_PIECES, STREAM_PIECES_LOST
from bidding.relay.containers import Opening, Piece

logger = structlog.get_logger(__name__)

LEASE_MS: Final = 4_000
RENEW_S: Final = 1.0
KEEP_MS: Final = 10_000
"""How much of a stream is kept: more than the longest way between two marks, and than a viewer may be behind."""
FORGET_MS: Final = 30_000
SEGMENT_MS: Final = 1_000
"""How long the pictures between two places are at least at which somebody may begin who reads them as files."""
_STARVED_S: Final = 1.5
_MARKS_S: Final = 5.0

TROUBLE: Final = (RedisError, OSError, TimeoutError)


class Hold(Enum):
    """Whether a channel is the publisher's."""

    OURS = auto()
    TAKEN = auto()
    OVER = auto()


class Publication:
    """One publisher's stream on its way to the side server."""

    def __init__(self, channel_id: int) -> None:
        self._keys = RelayKeys(channel_id)
        self._me = secrets.token_hex(8)
        self._epoch = ""
        self._opening: Opening | None = None
        self._must_open = True
        self._needs_mark = True
        self._began_ms: float | None = None
        self._segment = 0
        self._segment_at_ms: int | None = None
        self._arrived_at = self._marked_at = time.monotonic()
        self._oldest = 0
        """Before which time of the side server's clock nothing is kept."""
        self._bytes = 0
        self._measured_at = time.monotonic()
        self.kbps = 0
        self.viewers: int | None = None
        self.stills = 0
        """How many of the viewers need stills."""
        self.is_seen = False
        """Whether pictures arrived."""

    # --- The channel -----------------------------------------------------------------------------------

    async def hold(self) -> Hold:
        """Take the channel or keep it; raises a RedisError."""
        pipeline = async_side().pipeline(transaction=True)
        pipeline.set(self._keys.publisher, self._me, nx=True, px=LEASE_MS)
        pipeline.get(self._keys.publisher)
        pipeline.get(self._keys.over)
        _, holder, over = await asyncio.shield(pipeline.execute())
        if over == self._me.encode():
            return Hold.OVER
        if holder != self._me.encode():
            return Hold.TAKEN
        await asyncio.shield(async_side().pexpire(self._keys.publisher, LEASE_MS))
        return Hold.OURS

    async def tell(self, process: str, viewers_of: Callable[[RelayKeys], int]) -> None:
        """Renew what is kept, and tell how the stream is; raises a RedisError."""
        self._measure()
        counts = [
            await arun(async_side(), count_at(keys.viewers, process=process, people=viewers_of(keys), ttl_ms=LEASE_MS))
            for keys in (self._keys, RelayKeys(self._keys.channel_id, of_stills=True))
        ]
        self.viewers, self.stills = sum(counts), counts[1]
        pipeline = async_side().pipeline(transaction=False)
        if self.is_seen:
            pipeline.hset(self._keys.facts, mapping={"health": self.health, "viewers": self.viewers})
            pipeline.pexpire(self._keys.facts, LEASE_MS)
        pipeline.pexpire(self._keys.pieces, FORGET_MS)
        pipeline.pexpire(self._keys.opening, FORGET_MS)
        answers = await asyncio.shield(pipeline.execute())
        if not answers[-1]:
            self._must_open = True  # the server was emptied, or short of memory

    async def release(self) -> bool:
        """Say that no more comes and free the channel; False where it was somebody else's already."""
        held = await arun(async_side(), let_go(self._keys.publisher, holder=self._me))
        if held or await self.hold() is Hold.OVER:
            pipeline = async_side().pipeline(transaction=False)
            pipeline.xadd(self._keys.pieces, {"e": self._epoch, "x": "1"})
            pipeline.pexpire(self._keys.pieces, FORGET_MS)
            pipeline.delete(self._keys.facts)
            await asyncio.shield(pipeline.execute())
        return held

    # --- What is sent ----------------------------------------------------------------------------------

    def began(self, at_ms: float) -> None:
        """Learn when the recording's media time 0 was captured."""
        self._began_ms = at_ms

    async def send(self, parts: Sequence[Opening | Piece], now_ms: int) -> bool:
        """Put what arrived on the side server; True where these are the first pictures.

        What it does not take is lost, up to the next mark: viewers then go on from there.
        """
        before, self.is_seen = (
            self.is_seen,
            self.is_seen or any(isinstance(part, Piece) and part.is_mark for part in parts),
        )
        pipeline = async_side().pipeline(transaction=False)
        pieces = 0
        for part in parts:
            if isinstance(part, Opening):
                self._opening, self._epoch, self._must_open = part, secrets.token_hex(4), True
                self._needs_mark = True
                # Higher than whatever was sent on this channel before: no segment lasts less than a second.
                self._segment, self._segment_at_ms = max(self._segment, now_ms // SEGMENT_MS) + 1, None
                continue
            self._arrived_at = time.monotonic()
            self._bytes += len(part.data)
            if part.is_mark:
                self._marked_at, self._needs_mark = self._arrived_at, False
            if self._needs_mark:
                continue
            self._open(pipeline)
            pipeline.xadd(self._keys.pieces, self._fields(part, now_ms), minid=self._oldest, approximate=False)
            pieces += 1
        if not pieces:
            return False
        STREAM_PIECES.inc(pieces)
        if not before:
            pipeline.hset(self._keys.facts, mapping={"health": self.health})
            pipeline.pexpire(self._keys.facts, LEASE_MS)
        try:
            answers = await asyncio.shield(pipeline.execute())
            newest = max(int(answer.partition(b"-")[0]) for answer in answers if isinstance(answer, bytes))
            self._oldest = max(0, newest - KEEP_MS)
        except TROUBLE as error:
            logger.warning("stream_pieces_lost", channel=self._keys.channel_id, pieces=pieces, error=str(error))
            STREAM_PIECES_LOST.inc(pieces)
            self._needs_mark = self._must_open = True
        return not before

    def _open(self, pipeline: Any) -> None:
        if self._must_open and self._opening is not None:
            facts = {"e": self._epoch, "m": self._opening.mime, "d": self._opening.data, "n": self._segment}
            pipeline.hset(self._keys.opening, mapping=facts)
            pipeline.pexpire(self._keys.opening, FORGET_MS)
            self._must_open = False

    def _fields(self, piece: Piece, now_ms: int) -> dict[Any, Any]:
        fields: dict[Any, Any] = {"e": self._epoch, "d": piece.data}
        if piece.is_mark:
            fields |= {"k": piece.at_ms, "c": self.captured_ms(piece, now_ms)}
            if self._segment_at_ms is None or piece.at_ms - self._segment_at_ms >= SEGMENT_MS:
                if self._segment_at_ms is not None:
                    self._segment += 1
                self._segment_at_ms = piece.at_ms
                fields["n"] = self._segment
        return fields

    def captured_ms(self, piece: Piece, now_ms: int) -> int:
        """Return when a piece that arrived now was captured."""
        return now_ms if self._began_ms is None else believed_ms(round(self._began_ms) + piece.at_ms, now_ms)

    # --- How it is -------------------------------------------------------------------------------------

    @property
    def silent_s(self) -> float:
        """For how long nothing arrived."""
        return time.monotonic() - self._arrived_at

    @property
    def health(self) -> str:
        """How the stream arrives, in a word for the host."""
        if self.silent_s > _STARVED_S:
            return STARVED
        return "no_key_frames" if time.monotonic() - self._marked_at > _MARKS_S else "good"

    def _measure(self) -> None:
        now = time.monotonic()
        self.kbps = round(self._bytes * 8 / 1000 / max(now - self._measured_at, 0.001))
        self._bytes, self._measured_at = 0, now


def believed_ms(captured_ms: int, now_ms: int) -> int:
    """Return when what arrived now was captured; what cannot be is not believed: then it is now."""
    return captured_ms if now_ms - KEEP_MS <= captured_ms <= now_ms else now_ms
