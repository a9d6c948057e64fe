"""Two web processes: what happens in one is seen in the other, whether they have an address each or share one."""

import asyncio
from collections.abc import Iterator
from functools import partial

import pytest

from auction_site.stack import Stack
from conftest import new_stack
from paddle_client import AsyncClient, BidAccepted, RoomState
from tests.staging import stage
from tests.system.test_one_show import PATIENCE_S

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def two_addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Return a site with two web servers."""
    with new_stack(tmp_path_factory.mktemp("two-addresses"), web_processes=2) as stack:
        yield stack


@pytest.fixture(scope="module")
def one_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Return a site with two processes behind one port."""
    with new_stack(tmp_path_factory.mktemp("one-port"), web_workers=2) as stack:
        yield stack


def has_heard(v: int, state: RoomState) -> bool:
    """Tell whether a room has come to a version."""
    return state.v >= v


async def test_a_bid_in_one_process_is_seen_in_the_other(two_addresses: Stack):
    stack = two_addresses
    show = await asyncio.to_thread(stage, stack, bidders=2, duration_ms=60_000)
    here, there = show.bidder(stack.urls[0], 0), show.bidder(stack.urls[1], 1)
    async with here.room(show.auction_id) as first, there.room(show.auction_id) as second:
        for room in (first, second):
            await room.until(lambda state: state.open_lot is not None, timeout=PATIENCE_S)
        for bidder, other, amount in ((first, second, "10.00"), (second, first, "11.00")):
            answer = await bidder.bid(amount)
            assert isinstance(answer, BidAccepted)
            for room in (bidder, other):
                await room.until(partial(has_heard, answer.v), timeout=PATIENCE_S)
            assert other.state.lot == bidder.state.lot
            assert other.state.lot.current_amount == amount
        await first.say("Can you hear me over there?")
        await second.until(lambda state: any("over there" in line.text for line in state.chat), timeout=PATIENCE_S)
        await first.until(lambda state: state.participants == 2, timeout=PATIENCE_S)
        await second.until(lambda state: state.participants == 2, timeout=PATIENCE_S)


async def test_many_seats_behind_one_port_see_every_bid(one_port: Stack):
    stack = one_port
    show = await asyncio.to_thread(stage, stack, bidders=1, duration_ms=60_000)
    # The system deals connections out, so with sixteen of them it is as good as certain that both processes have some.
    audience = [AsyncClient(stack.url).room(show.auction_id) for _ in range(16)]
    await asyncio.gather(*(seat.__aenter__() for seat in audience))
    try:
        async with show.bidder(stack.url, 0).room(show.auction_id) as room:
            await room.until(lambda state: state.open_lot is not None, timeout=PATIENCE_S)
            answer = await room.bid("10.00")
            assert isinstance(answer, BidAccepted)
            await asyncio.gather(
                *(seat.until(lambda state: state.v >= answer.v, timeout=PATIENCE_S) for seat in audience)
            )
            assert {seat.state.lot.current_amount for seat in audience} == {"10.00"}
    finally:
        await asyncio.gather(*(seat.close() for seat in audience))
