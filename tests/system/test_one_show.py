"""One show on the running site, followed by outside clients: from the first bid to what the database keeps of it."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from auction_site.stack import Stack
from paddle_client import AsyncClient, BidAccepted, BidRejected
from paddle_client import messages as m
from tests.staging import Staged, Stored, stage, stored

pytestmark = pytest.mark.timeout(240)

PATIENCE_S = 60
TIMING: dict[str, Any] = {"duration_ms": 12_000, "window_ms": 6_000, "extension_ms": 3_000, "extension_cap": 2}


def stored_when(stack: Stack, show: Staged, holds: Callable[[Stored], bool]) -> Stored:
    """Return what is stored as soon as that is so."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds(found := stored(stack, show.auction_id)):
        assert time.monotonic() < deadline, found
    return found


async def test_a_show_runs_by_itself_to_its_results(stack: Stack):
    show = await asyncio.to_thread(stage, stack, bidders=2, lots=2, **TIMING)
    anna, boris = show.bidder(stack.url, 0), show.bidder(stack.url, 1)
    events: list[m.Event] = []

    async def follow(messages) -> None:
        async for message in messages:
            if isinstance(message, m.Event):
                events.append(message)

    async with (
        AsyncClient(stack.url).room(show.auction_id) as gallery,
        anna.room(show.auction_id) as first,
        boris.room(show.auction_id) as second,
    ):
        following = asyncio.create_task(follow(gallery.messages()))
        # Who comes before the lot opens hears of it; who comes after has it in STATE.
        await first.until(lambda state: state.open_lot is not None, timeout=PATIENCE_S)
        await second.until(lambda state: state.open_lot is not None, timeout=PATIENCE_S)
        assert (first.state.you.paddle, second.state.you.paddle) == show.paddles
        assert first.state.open_lot.id == show.lots[0]

        counted = [await first.bid("10.00"), await second.bid("11.00"), await first.bid("12.50")]
        assert all(isinstance(answer, BidAccepted) and answer.standing == "leading" for answer in counted)
        raised = await first.bid("15.00", maximum=True)
        assert isinstance(raised, BidAccepted), "a leader may raise their maximum"
        beaten = await second.bid("14.00")
        assert isinstance(beaten, BidAccepted)
        assert beaten.standing == "outbid", "the maximum answers at once"
        for amount, code in (("14.50", "too_low"), ("0", "bad_amount"), ("9999.00", "too_high")):
            refused = await second.bid(amount)
            assert isinstance(refused, BidRejected)
            assert refused.code == code

        await gallery.until(lambda state: state.is_over, timeout=PATIENCE_S)
        late = await second.bid("99.00", lot=show.lots[0])
        assert isinstance(late, BidRejected)
        following.cancel()
        # The page's view and the room's are one: who was there from the start equals who comes now.
        assert first.state.lot == gallery.state.lot

    sold, passed = (event for event in events if isinstance(event, m.LotClosed))
    assert (sold.result, sold.amount, sold.winner.paddle) == ("sold", "15.00", show.paddles[0])
    assert (passed.result, passed.reason) == ("passed", "no_bids")
    versions = [event.v for event in events]
    assert versions == sorted(set(versions))

    kept = await asyncio.to_thread(stored_when, stack, show, lambda found: found.is_final)
    assert kept.status == "ended"
    assert kept.results == [
        {"lot": show.lots[0], "result": "sold", "amount": 1_500, "paddle": show.paddles[0]},
        {"lot": show.lots[1], "result": "passed", "amount": None, "paddle": None},
    ]
    public = [v for v, _s, _kind, text in kept.events if text]
    assert public == list(range(1, len(public) + 1)), "stored versions have no gap"
    assert {answer.id for answer in (*counted, beaten)} <= {bid_id for *_, bid_id in kept.bids}


async def test_who_comes_back_has_missed_nothing(stack: Stack):
    show = await asyncio.to_thread(stage, stack, bidders=2, lots=1, duration_ms=60_000)
    anna, boris = show.bidder(stack.url, 0), show.bidder(stack.url, 1)
    async with anna.room(show.auction_id) as staying, boris.room(show.auction_id) as leaving:
        await staying.until(lambda state: state.open_lot is not None, timeout=PATIENCE_S)
        await leaving.until(lambda state: state.open_lot is not None, timeout=PATIENCE_S)
        before = leaving.connections
        await asyncio.to_thread(stack.processes.kill, "web")
        try:
            unanswered = asyncio.create_task(leaving.bid("10.00", valid_for_ms=50_000, timeout=PATIENCE_S))
        finally:
            await asyncio.to_thread(stack.processes.start, "web")
        answer = await unanswered
        assert isinstance(answer, BidAccepted), "the bid was repeated under its id once the site was back"
        await staying.until(lambda state: state.v >= answer.v, timeout=PATIENCE_S)
        await leaving.until(lambda state: state.v >= answer.v, timeout=PATIENCE_S)
        assert leaving.connections > before
        assert staying.state.lot == leaving.state.lot
    kept = await asyncio.to_thread(stored_when, stack, show, lambda found: bool(found.bids))
    assert [bid[3] for bid in kept.bids] == [answer.id], "it counted once"
