"""The relay of one process: reads the channels that somebody watches here, once, and hands each piece to its viewers.

Owns who watches, the one reading task, and the checks that make a viewer leave. A slow viewer costs the references of
a few seconds and is then taken on to the latest mark; one that does not read at all is let go.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, Final, NamedTuple
from weakref import WeakKeyDictionary

import structlog
from django.db import Error as DatabaseError

from auctions.streaming.local import RelayKeys
from bidding.engine.runner import arun
from bidding.engine.side import count_at
from bidding.floor import async_side
from bidding.metrics import STREAM_DELIVERIES, STREAM_SKIPS, STREAM_VIEWERS
from bidding.protocol import CloseCode, RefusalCode
from bidding.relay import wire
from bidding.relay.access import show_on, shows_on
from bidding.relay.publishing import KEEP_MS, LEASE_MS, TROUBLE
from bidding.room.entrance import OnceASecond, Visitor, as_now, changed_people, in_thread, renewed, signed_out
from bidding.room.hub import current_hub
from bidding.room.seats import Places, Seat
from bidding.room.transport import Frame

logger = structlog.get_logger(__name__)

LATE_S: Final = 1.0
"""How long a piece may wait for a slow viewer before the next mark replaces it."""
MOST_WAITING: Final = 400
"""Pieces that wait for one viewer at most, where no mark comes."""
CHECK_S: Final = 3.0
COUNT_S: Final = 2.0
SWEEP_S: Final = 0.05
_BLOCK_MS: Final = 200
"""How long a read waits: a channel that somebody begins to watch joins the next one."""
_AT_ONCE: Final = 100
_RETRY_S: Final = 0.5

_as_now = in_thread(as_now)
_changed_people = in_thread(changed_people)
_show_on = in_thread(show_on)
_shows_on = in_thread(shows_on)
_signed_out = in_thread(signed_out)

_relays: "WeakKeyDictionary[asyncio.AbstractEventLoop, Relay]" = WeakKeyDictionary()


def current_relay() -> "Relay":
    """Return the relay of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _relays:
        _relays[loop] = Relay()
    return _relays[loop]


class Item(NamedTuple):
    """One message to viewers, shared by all of them."""

    frame: Frame
    at: float
    is_opening: bool = False
    is_mark: bool = False


class Viewer:
    """One socket that watches a channel."""

    __slots__ = ("_needs_mark", "_waiting", "keys", "seat")

    def __init__(self, channel_id: int, seat: Seat, *, of_stills: bool = False) -> None:
        self.keys = RelayKeys(channel_id, of_stills)
        self.seat = seat
        self._waiting: deque[Item] = deque()
        self._needs_mark = True

    @property
    def channel_id(self) -> int:
        """Which channel it watches, by its video or its stills."""
        return self.keys.channel_id

    @property
    def is_behind(self) -> bool:
        """Whether something waits for this viewer."""
        return bool(self._waiting)

    def begin(self, opening: Item, tail: Sequence[Item]) -> None:
        """Show a stream from its latest mark; what waits of another one is worth nothing."""
        self._waiting.clear()
        self._waiting.append(opening)
        self._waiting.extend(tail)
        self._needs_mark = not tail
        self.drain()

    def offer(self, item: Item) -> None:
        """Send the next piece, after what waits."""
        if item.is_mark:
            if self._waiting and item.at - self._waiting[0].at > LATE_S:
                self._skip()
            self._needs_mark = False
        elif self._needs_mark:
            return
        elif len(self._waiting) >= MOST_WAITING:
            self._skip()
            self._needs_mark = True
            return
        self._waiting.append(item)
        self.drain()

    def lose_track(self) -> None:
        """Go on with the next mark: some pieces were not seen."""
        self._needs_mark = True

    def finish(self, over: Item) -> None:
        """Say that no pictures come, in the place of those that wait."""
        self._waiting.clear()
        self._waiting.append(over)
        self._needs_mark = True
        self.drain()

    def drain(self) -> None:
        """Write what waits, as far as the socket takes it."""
        written = 0
        while self._waiting and self.seat.write(self._waiting[0].frame):
            self._waiting.popleft()
            written += 1
        if written:
            STREAM_DELIVERIES.inc(written)
            # Slow is who takes nothing; who takes a little is only taken on from mark to mark.
            self.seat.slow_since = time.monotonic() if self._waiting else None

    def _skip(self) -> None:
        openings = [item for item in self._waiting if item.is_opening]
        self._waiting.clear()
        self._waiting.extend(openings)
        STREAM_SKIPS.inc()


class Channel:
    """A channel's video, or its stills, that somebody watches here."""

    def __init__(self, keys: RelayKeys) -> None:
        self.keys = keys
        self.viewers: set[Viewer] = set()
        self.last_id: bytes | None = None
        """After which entry to read; None: not read yet, or not to be relied on."""
        self._epoch: bytes | None = None
        self._opening: Item | None = None
        self._tail: list[Item] = []

    def seat(self, viewer: Viewer) -> None:
        """Let somebody watch from the latest mark on."""
        self.viewers.add(viewer)
        if self._opening is not None:
            viewer.begin(self._opening, self._tail)
        elif self.last_id is not None:
            viewer.finish(_over())

    def open(self, epoch: bytes, mime: str, data: bytes) -> None:
        """Begin the stream of another publisher, or the same one anew."""
        self._epoch, self._tail = epoch, []
        self._opening = Item(wire.frame(wire.Head(mime=mime), data), time.monotonic(), is_opening=True)
        for viewer in self.viewers:
            viewer.begin(self._opening, ())

    def is_of(self, epoch: bytes) -> bool:
        """Whether the stream that is shown has this epoch."""
        return self._epoch == epoch

    def take(self, fields: dict[bytes, bytes]) -> None:
        """Hand a piece to everybody."""
        mark = fields.get(b"k")
        head = None
        if mark is not None:
            head = wire.Head(at_ms=int(mark), captured_ms=int(fields[b"c"]))
        elif b"r" in fields:
            head = wire.Head(rate=int(fields[b"r"]))
        item = Item(wire.frame(head, fields[b"d"]), time.monotonic(), is_mark=mark is not None)
        if item.is_mark:
            self._tail = []
        if item.is_mark or self._tail:
            self._tail.append(item)
        if len(self._tail) > MOST_WAITING:
            self._tail = []  # who comes now waits for the next mark
        for viewer in self.viewers:
            viewer.offer(item)

    def finish(self) -> None:
        """Show nothing any more."""
        self._epoch, self._opening, self._tail = None, None, []
        for viewer in self.viewers:
            viewer.finish(_over())

    def lose_track(self) -> None:
        """Begin again with what the side server holds, after it was away."""
        self.last_id = None
        self.skip()

    def skip(self) -> None:
        """Go on with the next mark: something could not be shown."""
        self._tail = []
        for viewer in self.viewers:
            viewer.lose_track()


class Relay:
    """All channels of one process."""

    def __init__(self) -> None:
        self.show_on: OnceASecond[int, int | None] = OnceASecond(lambda channel_id: _show_on(channel_id))
        """The auction that is shown on a channel."""
        self._channels: dict[RelayKeys, Channel] = {}
        self._places = Places()
        self._loops: list[asyncio.Task[None]] = []
        self._wanted = asyncio.Event()
        self._sweep: asyncio.TimerHandle | None = None

    # --- Coming and going ------------------------------------------------------------------------------

    def enter(self, viewer: Viewer) -> bool:
        """Let somebody watch; False where there are too many."""
        if not self._places.take(viewer.seat):
            return False
        channel = self._channels.get(viewer.keys)
        if channel is None:
            channel = self._channels[viewer.keys] = Channel(viewer.keys)
        channel.seat(viewer)
        STREAM_VIEWERS.inc()
        self._wanted.set()
        if not self._loops:
            self._loops = [
                asyncio.create_task(self._read_all()),
                asyncio.create_task(_every(COUNT_S, self._count)),
                asyncio.create_task(_every(CHECK_S, self.check)),
            ]
        self._look_after_slow()
        return True

    def leave(self, viewer: Viewer) -> None:
        """Forget a viewer; the last one of a channel ends its reading here."""
        self._places.free(viewer.seat)
        STREAM_VIEWERS.dec()
        channel = self._channels[viewer.keys]
        channel.viewers.discard(viewer)
        if not channel.viewers:
            del self._channels[viewer.keys]

    def viewers_of(self, keys: RelayKeys) -> int:
        """Return how many watch a channel here, by its video or its stills."""
        channel = self._channels.get(keys)
        return len(channel.viewers) if channel else 0

    async def close(self) -> None:
        """Stop everything; viewers are not told."""
        loops, self._loops = self._loops, []
        if self._sweep is not None:
            self._sweep.cancel()
        for task in loops:
            task.cancel()
        await asyncio.gather(*loops, return_exceptions=True)

    # --- Reading ---------------------------------------------------------------------------------------

    async def _read_all(self) -> None:
        """Read all channels for ever."""
        while True:
            if not self._channels:
                self._wanted.clear()
                await self._wanted.wait()
            try:
                for channel in tuple(self._channels.values()):
                    if channel.last_id is None:
                        await self._begin(channel)
                await self._read()
            except TROUBLE as error:
                logger.warning("streams_not_relayed", error=str(error))
                for channel in self._channels.values():
                    channel.lose_track()
                await asyncio.sleep(_RETRY_S)
            except Exception:  # what nobody thought of must not blind the process
                logger.exception("streams_not_relayed")
                await asyncio.sleep(_RETRY_S)

    async def _begin(self, channel: Channel) -> None:
        """Read what the side server holds of a channel, and show it from its latest mark if somebody still sends."""
        pipeline = async_side().pipeline(transaction=True)
        pipeline.get(channel.keys.publisher)
        pipeline.xrevrange(channel.keys.pieces, count=MOST_WAITING)
        pipeline.time()
        publisher, entries, (seconds, _) = await asyncio.shield(pipeline.execute())
        oldest = (seconds * 1000) - KEEP_MS
        if publisher is None or not entries or int(entries[0][0].partition(b"-")[0]) < oldest:
            channel.finish()
        else:
            # From the latest mark, and no further back than the newest publisher goes.
            kept: list[Any] = []
            for entry in entries:
                if entry[1].get(b"e") != entries[0][1].get(b"e"):
                    break
                kept.append(entry)
                if b"k" in entry[1]:
                    break
            for entry in reversed(kept):
                await self._take(channel, entry[1])
        channel.last_id = entries[0][0] if entries else b"0-0"

    async def _read(self) -> None:
        """Wait for what comes next on any channel and hand it on."""
        channels = {channel.keys.pieces.encode(): channel for channel in self._channels.values()}
        places: dict[Any, Any] = {
            key: channel.last_id for key, channel in channels.items() if channel.last_id is not None
        }
        if not places:
            return
        found: Any = await async_side().xread(places, count=_AT_ONCE, block=_BLOCK_MS)
        for key, entries in found.items() if isinstance(found, dict) else found or ():
            channel = channels[key]
            for entry_id, fields in entries:
                await self._take(channel, fields)
                channel.last_id = entry_id
        self._look_after_slow()

    async def _take(self, channel: Channel, fields: dict[bytes, bytes]) -> None:
        """Hand one entry on; an odd one is left out, and blinds neither its channel nor any other."""
        try:
            await self._understand(channel, fields)
        except TROUBLE:
            raise
        except Exception:
            logger.exception("stream_not_understood", channel=channel.keys.channel_id)
            channel.skip()

    async def _understand(self, channel: Channel, fields: dict[bytes, bytes]) -> None:
        epoch = fields[b"e"]
        if b"x" in fields:
            if channel.is_of(epoch):
                channel.finish()
            return
        if not channel.is_of(epoch):
            opening: Any = await asyncio.shield(async_side().hgetall(channel.keys.opening))
            if opening.get(b"e") != epoch:
                return  # of a publisher who is gone
            channel.open(epoch, opening[b"m"].decode(), opening[b"d"])
        channel.take(fields)

    # --- Slow viewers ----------------------------------------------------------------------------------

    def _look_after_slow(self) -> None:
        if self._sweep is None and any(
            viewer.is_behind for channel in self._channels.values() for viewer in channel.viewers
        ):
            self._sweep = asyncio.get_running_loop().call_later(SWEEP_S, self._sweep_slow)

    def _sweep_slow(self) -> None:
        """Send slow viewers that read again what waits, and let those go that do not."""
        self._sweep = None
        for channel in self._channels.values():
            for viewer in channel.viewers:
                if not viewer.is_behind:
                    continue
                if viewer.seat.line.is_clear():
                    viewer.drain()
                elif viewer.seat.is_lost():
                    logger.info("slow_viewer_let_go", channel=viewer.channel_id)
                    viewer.seat.close(CloseCode.TOO_SLOW)
        self._look_after_slow()

    # --- What makes a viewer leave ---------------------------------------------------------------------

    async def check(self) -> None:
        """Let those go whose sign-in is over, who may not watch any more, and whose show is over."""
        viewers = [viewer for channel in self._channels.values() for viewer in channel.viewers]
        if not viewers:
            return
        shown = await _shows_on({viewer.channel_id for viewer in viewers})
        for viewer in viewers:
            if shown.get(viewer.channel_id) != viewer.seat.auction_id:
                viewer.seat.close(CloseCode.OVER)
        known = [viewer for viewer in viewers if viewer.seat.visitor.user_id is not None]
        ended = await _signed_out({viewer.seat.visitor for viewer in known})
        for viewer in known:
            if viewer.seat.visitor in ended:
                viewer.seat.close(CloseCode.SIGNED_OUT)
        await self._check_people(viewers)

    async def _check_people(self, viewers: Collection[Viewer]) -> None:
        """Let those go who were banned, and those for whom the auction is not there any more."""
        seated: dict[int, set[Visitor]] = {}
        for viewer in viewers:
            seated.setdefault(viewer.seat.auction_id, set()).add(viewer.seat.visitor)
        for auction_id, user_id in await _changed_people(seated):
            fresh = None if user_id is None else await _as_now(auction_id, user_id)
            for viewer in viewers:
                if (viewer.seat.auction_id, viewer.seat.visitor.user_id) != (auction_id, user_id):
                    continue
                if fresh is None:
                    viewer.seat.close(CloseCode.NOT_FOUND)
                elif fresh.reason is RefusalCode.BANNED:
                    viewer.seat.close(CloseCode.FORBIDDEN)
                else:
                    viewer.seat.visitor = renewed(viewer.seat.visitor, fresh)

    # --- Counting --------------------------------------------------------------------------------------

    async def _count(self) -> None:
        for channel in tuple(self._channels.values()):
            await arun(
                async_side(),
                count_at(channel.keys.viewers, process=process_name(), people=len(channel.viewers), ttl_ms=LEASE_MS),
            )


def process_name() -> str:
    """Return how this process is called where viewers are counted."""
    return current_hub().name


def _over() -> Item:
    return Item(wire.frame(wire.Head(over=True)), time.monotonic(), is_opening=True)


async def _every(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await work()
        except (*TROUBLE, DatabaseError) as error:
            logger.warning("relay_work_failed", work=work.__name__, error=str(error))
        except Exception:
            logger.exception("relay_work_failed", work=work.__name__)
