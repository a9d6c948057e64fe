"""A seat that loses its connection a hundred times while others bid and talk misses nothing and is sure of every bid.

Its socket goes through a wire of the test's own that is cut at random moments; in between the web server is killed and
the floor is lost and rebuilt.
"""

import asyncio
import contextlib
import os
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from decimal import Decimal
from urllib.parse import urlsplit

import pytest
import redis

from auction_site.stack import Stack
from paddle_client import AsyncClient, AsyncRoom, BidAccepted, BidRejected
from paddle_client import messages as m
from paddle_client.http import Session
from paddle_client.room import Backoff
from tests.staging import Staged, resume, stage
from tests.system.test_fifty_bidders import redis_log
from tests.system.test_one_show import PATIENCE_S, stored_when

pytestmark = pytest.mark.timeout(420)

LOSSES = 100
RIVALS = 4
SEED = int(os.environ.get("LOSSES_SEED", "0")) or random.randrange(2**32)
NOT_STORED = {"rate_limited", "unavailable"}
"""Refusals that the floor never decided, so a bid under the same id would be decided anew."""


class Wire:
    """A way to the site on a port of its own that can be cut, or fall silent."""

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        self._ends: set[asyncio.StreamWriter] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        self.port = 0

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator["Wire"]:
        """Listen."""
        server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self.cut()

    def cut(self) -> bool:
        """Break every connection; False where there was none."""
        self._flows.set()
        ends, self._ends = self._ends, set()
        for end in ends:
            end.transport.abort()
        return bool(ends)

    def fall_silent(self) -> None:
        """Carry nothing any more, and tell neither side."""
        self._flows.clear()

    def recover(self) -> None:
        """Carry new connections; those from before stay as they are for their ends to find out."""
        self._flows, self._ends = asyncio.Event(), set()
        self._flows.set()

    async def _join(self, here: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        try:
            there, forth = await asyncio.open_connection(self._target.hostname, self._target.port)
        except OSError:
            back.transport.abort()
            return
        self._ends |= {back, forth}
        flows = self._flows
        await asyncio.gather(self._carry(here, forth, flows), self._carry(there, back, flows))

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, flows: asyncio.Event) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65_536):
                await flows.wait()
                sink.write(data)
                await sink.drain()
        sink.transport.abort()
        self._ends.discard(sink)


class SessionOverWire(Session):
    """A session whose sockets go over the wire."""

    wire: Wire

    @property
    def socket_origin(self) -> str:
        """Return where sockets are opened."""
        return f"ws://127.0.0.1:{self.wire.port}"


@dataclass
class Diary:
    """What a seat was told, in order."""

    epochs: list[str] = field(default_factory=list)
    v: int = 0
    missed: list[str] = field(default_factory=list)
    answers: dict[str, set[BidAccepted | BidRejected]] = field(default_factory=dict)
    resumed: int = 0

    async def keep(self, messages: AsyncIterator[m.AnyMessage]) -> None:
        """Write down all messages."""
        async for message in messages:
            self.note(message)

    def note(self, message: m.AnyMessage) -> None:
        """Write down a message."""
        match message:
            case m.State(v=v, epoch=epoch):
                if self.epochs and self.epochs[-1] == epoch and v > self.v:
                    self.missed.append(f"STATE leapt from {self.v} to {v}")
                if not self.epochs or self.epochs[-1] != epoch:
                    self.epochs.append(epoch)
                    self.v = v
                self.v = max(self.v, v)
            case m.Resumed(epoch=epoch):
                self.resumed += 1
                for event in message.messages():
                    self.note(event)
            case m.Event(v=v, epoch=epoch) if self.epochs and epoch == self.epochs[-1]:
                first = (message.from_v or v) if isinstance(message, m.HighestBid) else v
                if first > self.v + 1:
                    self.missed.append(f"event {first} after {self.v}")
                self.v = max(self.v, v)
            case m.BidAccepted() | m.BidRejected():
                self.answers.setdefault(message.id or "", set()).add(message)
            case _:
                pass


class House:
    """Those who bid and talk; all of them can be asked to hold still."""

    def __init__(self) -> None:
        self.may_bid = asyncio.Event()
        self.may_bid.set()
        self.given: dict[str, BidAccepted | BidRejected] = {}
        self._busy = 0
        self._quiet = asyncio.Event()
        self._quiet.set()

    async def bid(
        self, room: AsyncRoom, number: int, given: dict[str, BidAccepted | BidRejected], pause_s: float
    ) -> None:
        """Bid a little more than enough, again and again, and talk now and then."""
        chance = random.Random(SEED + number)
        for turn in range(1_000_000):
            await self.may_bid.wait()
            self._busy += 1
            self._quiet.clear()
            try:
                lot = room.state.lot
                assert lot is not None
                amount = Decimal(lot.minimum_amount) + chance.randint(-1, 2)
                answer = await room.bid(max(amount, Decimal(1)), valid_for_ms=50_000, timeout=PATIENCE_S)
                assert answer.id is not None
                given[answer.id] = answer
            finally:
                self._busy -= 1
                if not self._busy:
                    self._quiet.set()
            if turn % 30 == 29:
                with contextlib.suppress(ConnectionError):
                    await room.say(f"{number} is still here after {turn + 1} bids")
            await asyncio.sleep(chance.uniform(0, 2 * pause_s))

    async def hold_still(self) -> None:
        """Let nobody begin a bid, and wait for the answers to those that were begun."""
        self.may_bid.clear()
        await self._quiet.wait()


async def lose_floor(stack: Stack, show: Staged) -> None:
    """Lose the auction's keys when the ledger has stored everything, bring it back, and let the lot run on."""
    head = redis_log(stack, show.auction_id)[-1][0]
    await asyncio.to_thread(stored_when, stack, show, lambda found: bool(found.events) and found.events[-1][0] >= head)
    with redis.Redis.from_url(stack.env["REDIS_URL"]) as floor:
        floor.delete(*floor.scan_iter(f"{{auction:{show.auction_id}}}:*"))
    await asyncio.to_thread(stack.manage, "rebuild_live", str(show.auction_id))
    await asyncio.to_thread(resume, stack, show.lots[0])


async def test_a_seat_that_is_lost_a_hundred_times_ends_up_with_everything(stack: Stack):
    chance = random.Random(SEED)
    print(f"LOSSES_SEED={SEED}")
    show = await asyncio.to_thread(
        stage, stack, bidders=1 + RIVALS, duration_ms=3_600_000, window_ms=0, extension_ms=0, extension_cap=0
    )
    house, diary, wire = House(), Diary(), Wire(stack.url)
    session = SessionOverWire(stack.url)
    session.wire = wire
    session.set_cookie("sessionid", show.sessions[0])
    client = AsyncClient(stack.url, session=session)
    async with contextlib.AsyncExitStack() as closing:
        await closing.enter_async_context(wire.open())
        backoff = Backoff(first_s=0.02, most_s=0.3)
        seat = await closing.enter_async_context(client.room(show.auction_id, backoff=backoff))
        rivals = [
            await closing.enter_async_context(show.bidder(stack.url, index + 1).room(show.auction_id, backoff=backoff))
            for index in range(RIVALS)
        ]
        for room in (seat, *rivals):
            await room.until(lambda state: state.open_lot is not None, timeout=PATIENCE_S)
        diary.epochs, diary.v = [seat.state.epoch], seat.state.v
        keeping = asyncio.create_task(diary.keep(seat.messages()))
        closing.callback(keeping.cancel)
        others: dict[str, BidAccepted | BidRejected] = {}
        bidding = [asyncio.create_task(house.bid(seat, 0, house.given, 0.05))]
        bidding += [asyncio.create_task(house.bid(room, index + 1, others, 0.1)) for index, room in enumerate(rivals)]

        losses = 0
        while losses < LOSSES:
            await asyncio.sleep(chance.uniform(0, 0.3))
            if losses == LOSSES // 3:
                await asyncio.to_thread(stack.processes.kill, "web")
                await asyncio.to_thread(stack.processes.start, "web")
            if losses == LOSSES // 2 and len(diary.epochs) == 1:
                await house.hold_still()
                await lose_floor(stack, show)
                await seat.until(lambda state: state.epoch != diary.epochs[0], timeout=PATIENCE_S)
                house.may_bid.set()
            way = chance.choice(("cut", "cut", "cut", "silence"))
            if way == "silence":
                wire.fall_silent()
                await asyncio.sleep(chance.uniform(0, 0.6))
            losses += wire.cut()
        # Once nobody tells it: the seat itself must find that nothing comes any more.
        before = seat.connections
        wire.fall_silent()
        wire.recover()
        await seat.until(lambda _: seat.connections > before, timeout=PATIENCE_S)

        await house.hold_still()
        for task in bidding:
            task.cancel()
        assert [task for task in bidding if task.done() and not task.cancelled()] == []

        async with show.bidder(stack.url, 0).room(show.auction_id) as fresh:
            await seat.until(lambda state: state.v >= fresh.state.v, timeout=PATIENCE_S)
            await seat.until(lambda state: state.chat == fresh.state.chat, timeout=PATIENCE_S)
            await fresh.until(lambda state: state.v >= seat.state.v, timeout=PATIENCE_S)
            ours, theirs = seat.state, fresh.state
            assert (ours.v, ours.epoch, ours.auction, ours.lot, ours.next) == (
                theirs.v,
                theirs.epoch,
                theirs.auction,
                theirs.lot,
                theirs.next,
            )
            assert ours.recent_bids[:3] == theirs.recent_bids[:3]
            assert (ours.you.leading, ours.you.paddle, ours.you.can_bid) == (
                theirs.you.leading,
                theirs.you.paddle,
                theirs.you.can_bid,
            )
        assert diary.missed == []
        assert diary.v == ours.v
        assert len(diary.epochs) == 2, "the rebuilt floor came with STATE"
        assert diary.resumed > LOSSES // 4, "a seat that comes back resumes"

        # Every bid has one answer: the one that was given, however often it came, and that is remembered.
        assert len(house.given) > LOSSES // 4
        for bid_id, answer in house.given.items():
            assert diary.answers[bid_id] == {answer}
        stored = [answer for answer in house.given.values() if getattr(answer, "code", "") not in NOT_STORED]
        for answer in chance.sample(stored, 30):
            await asyncio.sleep(0.15)
            assert await seat.bid_status(answer.id or "") == answer
        head = redis_log(stack, show.auction_id)[-1][0]
        kept = await asyncio.to_thread(stored_when, stack, show, lambda found: found.events[-1][0] >= head)
    counted = {bid_id: v for v, _amount, paddle, bid_id in kept.bids if paddle == show.paddles[0]}
    assert counted == {bid_id: given.v for bid_id, given in house.given.items() if isinstance(given, BidAccepted)}
