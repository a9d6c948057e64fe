"""One process after another is killed while people bid: what was acknowledged is in the database, and counted once."""

import asyncio
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from auction_site.stack import Stack, free_port
from auction_site.supervisor import Background
from paddle_client import AsyncRoom, BidAccepted
from tests.services import SUPERUSER, postgres, postgres_binaries
from tests.staging import Staged, stage
from tests.system.test_one_show import PATIENCE_S, stored_when

pytestmark = pytest.mark.timeout(300)

BIDDERS = 4
MORE = 8
"""So many bids must count before a process is killed, and as many again afterwards."""

Counted = dict[str, tuple[int, int, int]]
"""What was acknowledged: version, amount in minor units and paddle, by the bid's id."""


async def bid_on(room: AsyncRoom, paddle: int, counted: Counted) -> None:
    """Bid what is enough, again and again; who is refused looks and tries once more."""
    while True:
        lot = room.state.lot
        assert lot is not None
        answer = await room.bid(Decimal(lot.minimum_amount), timeout=PATIENCE_S, valid_for_ms=60_000)
        if isinstance(answer, BidAccepted):
            counted[answer.id] = (answer.v, int(Decimal(answer.amount) * 100), paddle)
        # A seat that sends more than some messages a second is not listened to.
        await asyncio.sleep(0.3)


@asynccontextmanager
async def bidding(stack: Stack, show: Staged) -> AsyncIterator[Counted]:
    """Let everybody bid on the open lot for a block; yields what is acknowledged."""
    counted: Counted = {}
    async with AsyncExitStack() as seats:
        rooms = [
            await seats.enter_async_context(show.bidder(stack.url, index).room(show.auction_id, connect_timeout=60))
            for index in range(BIDDERS)
        ]
        for room in rooms:
            await room.until(lambda state: state.open_lot is not None, timeout=PATIENCE_S)
        tasks = [
            asyncio.create_task(bid_on(room, paddle, counted)) for room, paddle in zip(rooms, show.paddles, strict=True)
        ]
        try:
            yield counted
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(end, asyncio.CancelledError) for end in ended), ended


async def more_count(counted: Counted) -> None:
    """Wait until some more bids were acknowledged."""
    enough = len(counted) + MORE
    async with asyncio.timeout(PATIENCE_S):
        while len(counted) < enough:  # noqa: ASYNC110 - several bidders count into one dict
            await asyncio.sleep(0.05)


async def assert_all_is_kept(stack: Stack, show: Staged, counted: Counted) -> None:
    """Compare the database with what was acknowledged."""
    last = max(v for v, _, _ in counted.values())
    kept = await asyncio.to_thread(
        stored_when, stack, show, lambda found: bool(found.events) and found.events[-1][0] >= last
    )
    rows = {bid_id: (v, amount, paddle) for v, amount, paddle, bid_id in kept.bids}
    assert counted.items() <= rows.items(), "acknowledged and lost"
    assert max(Counter(bid_id for *_, bid_id in kept.bids).values()) == 1, "counted twice"
    public = [v for v, _s, _kind, text in kept.events if text]
    assert public == list(range(1, len(public) + 1)), "no version is missing"


TIMING: dict[str, Any] = {"duration_ms": 240_000, "window_ms": 0, "extension_ms": 0, "extension_cap": 0}


@pytest.mark.parametrize("name", ["floor", "side", "web", "ticks", "default", "ledger"])
async def test_no_acknowledged_bid_is_lost_with_a_process(stack: Stack, name: str):
    show = await asyncio.to_thread(stage, stack, bidders=BIDDERS, **TIMING)
    async with bidding(stack, show) as counted:
        await more_count(counted)
        await asyncio.to_thread(stack.processes.kill, name)
        await asyncio.to_thread(stack.processes.start, name)
        await more_count(counted)
    await assert_all_is_kept(stack, show, counted)


@pytest.fixture
def on_postgres() -> Iterator[tuple[Stack, Background]]:
    """Return a site on a PostgreSQL server of its own, and that server to be killed."""
    binaries = postgres_binaries()
    assert binaries is not None
    with tempfile.TemporaryDirectory(prefix="auction-killed-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        port = free_port()
        with (
            Background([[postgres(binaries, Path(folder), port)]]) as server,
            Stack(Path(folder) / "site", database_url=f"postgres://{SUPERUSER}@127.0.0.1:{port}/postgres") as site,
        ):
            yield site, server


@pytest.mark.services
async def test_bidding_goes_on_while_postgres_is_dead(on_postgres: tuple[Stack, Background]):
    site, server = on_postgres
    show = await asyncio.to_thread(stage, site, bidders=BIDDERS, **TIMING)
    async with bidding(site, show) as counted:
        await more_count(counted)
        await asyncio.to_thread(server.kill, "postgres")
        await more_count(counted)
        await asyncio.to_thread(server.start, "postgres")
        await more_count(counted)
    await assert_all_is_kept(site, show, counted)
