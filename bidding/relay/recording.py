"""Records what one publisher sends while a show is live on the channel: the process that has the bytes writes them.

Owns when a part begins and ends. It is never waited for: what comes is held in memory up to a bound, one thread of its
own writes it, and where the disk is slower, full or gone, pictures are missing in the recording and nowhere else.
What a killed process had written stays; the row then ends where it last said, and the sweep reads on from the files.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

import structlog
from django.conf import settings
from django.db import Error as DatabaseError

from auctions.recordings import NoRoom, PartWriter, new_name
from bidding.metrics import STREAM_PIECES_UNRECORDED
from bidding.relay.containers import Opening, Piece
from bidding.room.entrance import in_thread
from bidding.services.recordings import recording_begin, recording_grow

logger = structlog.get_logger(__name__)

WRITE_EVERY_S: Final = 0.5
"""What a killed process loses at most, beside what its disk loses."""
TELL_EVERY_S: Final = 5.0
"""How often the database hears how long a part is by now."""
MOST_WAITING: Final = 16 * 1024 * 1024
"""Bytes that wait for the disk; 20 s of the richest stream."""
AGAIN_S: Final = 60.0
"""After how long a recording that had to stop is tried again."""
PART_EVERY_S: Final = 1.0
"""How soon after the beginning of a part another one may begin: each is a folder and a row."""
LAST_WORD_S: Final = 5.0
"""How long the end of a publisher's socket waits for the disk."""

_recording_begin = in_thread(recording_begin)
_recording_grow = in_thread(recording_grow)


@dataclass(slots=True, eq=False)
class Part:
    """A part from its first picture on. Its files belong to the writing thread, the rest to the event loop."""

    channel_id: int
    auction_id: int
    opening: Opening
    started_ms: int
    name: str
    writer: PartWriter | None = None
    is_over: bool = False
    row_id: int | None = None
    told_at: float = 0.0
    told_all: bool = False


class Recorder:
    """The recording of one publisher's stream."""

    def __init__(self, channel_id: int) -> None:
        self._channel_id = channel_id
        self._auction_id: int | None = None
        self._opening: Opening | None = None
        self._part: Part | None = None
        self._untold: list[Part] = []
        self._waiting: list[tuple[Part, Piece | None]] = []
        """Pieces in their order; None ends a part."""
        self._bytes_waiting = 0
        self._not_before = 0.0
        self._closing = asyncio.Event()
        self._threads: ThreadPoolExecutor | None = None
        self._writing: asyncio.Task[None] | None = None
        self._telling: asyncio.Task[None] | None = None

    # --- What the publisher's socket calls ---------------------------------------------------------------

    def follow(self, auction_id: int | None) -> None:
        """Learn which show is live on the channel now; None: nothing is recorded."""
        if settings.RECORDINGS_DAYS == 0:
            auction_id = None
        if auction_id != self._auction_id:
            self._end_part()
            self._auction_id, self._not_before = auction_id, 0.0
        if auction_id is not None and self._writing is None:
            self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="recorder")
            self._writing = asyncio.create_task(self._write_all())

    def take(self, parts: Sequence[Opening | Piece], captured_ms: Callable[[Piece], int]) -> None:
        """Take what arrived; `captured_ms` says when a piece was captured, on the site's clock."""
        for part in parts:
            if isinstance(part, Opening):
                self._end_part()
                self._opening = part
            elif self._auction_id is not None and self._opening is not None:
                self._take_piece(self._auction_id, self._opening, part, captured_ms)

    async def close(self) -> None:
        """Write what waits and let everything go; a disk that hangs is not waited for."""
        self._end_part()
        if self._writing is None or self._threads is None:
            return
        self._closing.set()
        try:
            await asyncio.wait_for(self._writing, LAST_WORD_S)
        except TimeoutError:
            logger.warning("recording_not_finished", channel=self._channel_id)
        finally:
            self._threads.shutdown(wait=False)

    # --- Parts -------------------------------------------------------------------------------------------

    def _take_piece(self, auction_id: int, opening: Opening, piece: Piece, captured_ms: Callable[[Piece], int]) -> None:
        if self._part is None:
            if not piece.is_mark or time.monotonic() < self._not_before:
                return
            if self._bytes_waiting > MOST_WAITING // 2:
                STREAM_PIECES_UNRECORDED.inc()
                return  # a disk that hangs would only get beginnings
            self._not_before = time.monotonic() + PART_EVERY_S
            started_ms = captured_ms(piece)
            self._part = Part(self._channel_id, auction_id, opening, started_ms, new_name(auction_id))
            self._untold.append(self._part)
        if self._bytes_waiting + len(piece.data) > MOST_WAITING:
            # The disk does not follow. What waited is no longer one stream: another part begins where it does again.
            logger.warning("recording_lost", auction=auction_id, pieces=len(self._waiting))
            STREAM_PIECES_UNRECORDED.inc(len(self._waiting) + 1)
            self._bytes_waiting -= sum(len(lost.data) for _, lost in self._waiting if lost is not None)
            ends = {of: None for of, lost in self._waiting if lost is None}
            self._waiting = [(of, None) for of in ends]
            self._end_part()
            return
        self._waiting.append((self._part, piece))
        self._bytes_waiting += len(piece.data)

    def _end_part(self) -> None:
        if self._part is not None:
            self._waiting.append((self._part, None))
            self._part = None

    # --- Files -------------------------------------------------------------------------------------------

    async def _write_all(self) -> None:
        while not self._closing.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), WRITE_EVERY_S)
            await self._write()
            if self._telling is None or self._telling.done():
                self._telling = asyncio.create_task(self._tell())
        assert self._telling is not None
        await self._telling
        await self._tell()

    async def _write(self) -> None:
        """Write what waits, part by part, in the thread."""
        waiting, self._waiting = self._waiting, []
        for part in dict.fromkeys(part for part, _ in waiting):
            pieces = [piece for of, piece in waiting if of is part and piece is not None]
            is_last = any(of is part and piece is None for of, piece in waiting)
            try:
                if part.is_over:
                    STREAM_PIECES_UNRECORDED.inc(len(pieces))
                else:
                    await self._in_thread(partial(_write_part, part, pieces, is_last))
                    part.is_over = is_last
            except (OSError, NoRoom) as error:
                logger.error("recording_stopped", auction=part.auction_id, why=str(error))
                self._give_up(part, len(pieces))
            except Exception:  # what nobody thought of must not end the recording for good
                logger.exception("recording_stopped", auction=part.auction_id)
                self._give_up(part, len(pieces))
            # Counted as waiting until the disk has them: a disk that hangs must not fill the memory.
            self._bytes_waiting -= sum(len(piece.data) for piece in pieces)

    def _give_up(self, part: Part, pieces: int) -> None:
        """Leave a part as it is and try another one later."""
        STREAM_PIECES_UNRECORDED.inc(pieces)
        part.is_over = True
        self._not_before = time.monotonic() + AGAIN_S
        if self._part is part:
            self._part = None

    async def _in_thread(self, job: Callable[[], None]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._threads, job)

    # --- The database ------------------------------------------------------------------------------------

    async def _tell(self) -> None:
        """Write down new parts, and from time to time how long they are; a database that is away hears it later."""
        for part in tuple(self._untold):
            with suppress(DatabaseError):
                await self._tell_of(part)
            if part.is_over and (part.told_all or part.writer is None):
                self._untold.remove(part)

    async def _tell_of(self, part: Part) -> None:
        is_over, writer = part.is_over, part.writer
        if writer is None or (not is_over and time.monotonic() - part.told_at < TELL_EVERY_S):
            return
        started_at = datetime.fromtimestamp(part.started_ms / 1000, UTC)
        ended_at, size = started_at + timedelta(milliseconds=writer.lasts_ms), writer.size
        if part.row_id is None:
            part.row_id = await _recording_begin(
                channel_id=part.channel_id,
                auction_id=part.auction_id,
                name=part.name,
                mime=part.opening.mime,
                started_at=started_at,
                ended_at=ended_at,
                size=size,
            )
        elif not await _recording_grow(recording_id=part.row_id, ended_at=ended_at, size=size) and self._part is part:
            # It was erased meanwhile: nothing more of it is wanted.
            self._end_part()
        part.told_at, part.told_all = time.monotonic(), is_over


def _write_part(part: Part, pieces: list[Piece], is_last: bool) -> None:
    if part.writer is None and not pieces:
        return  # all of it was lost
    try:
        if part.writer is None:
            part.writer = PartWriter(part.name, part.opening.data)
        part.writer.write(pieces)
    except BaseException:
        is_last = True
        raise
    finally:
        if is_last and part.writer is not None:
            part.writer.close()
