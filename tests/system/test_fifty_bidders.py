"""Fifty bidders at once on one lot, through real sockets: rising amounts, one winner, one history everywhere."""

import asyncio
import json
import random
from contextlib import AsyncExitStack
from decimal import Decimal

import pytest
import redis

from auction_site.stack import Stack
from paddle_client import AsyncRoom, BidAccepted, BidRejected
from tests.staging import stage
from tests.system.test_one_show import PATIENCE_S, stored_when

pytestmark = pytest.mark.timeout(300)

BIDDERS = 50
BIDS_EACH = 8


async def bid_often(room: AsyncRoom, number: int) -> list[BidAccepted | BidRejected]:
    """Bid what the room or the last refusal says is enough, more, or too little; return the answers."""
    rng, answers = random.Random(number), []
    refused_below = Decimal(0)
    for _ in range(BIDS_EACH):
        lot = room.state.lot
        assert lot is not None
        # Spread out, and in no order: if all of them offered the same, one would count and the others be too low.
        amount = max(Decimal(lot.minimum_amount), refused_below) + rng.randint(-1, 10)
        answer = await room.bid(max(amount, Decimal("1.00")), timeout=PATIENCE_S, valid_for_ms=60_000)
        if isinstance(answer, BidRejected) and answer.minimum_amount:
            # The room tells of many bids at once a little later than the answer does.
            refused_below = Decimal(answer.minimum_amount)
        answers.append(answer)
    return answers


def redis_log(stack: Stack, auction_id: int) -> list[tuple[int, int, str, str]]:
    """Return the auction's log as Redis holds it."""
    with redis.Redis.from_url(stack.env["REDIS_URL"], decode_responses=True) as floor:
        entries = floor.xrange(f"{{auction:{auction_id}}}:log")
    found = []
    for entry_id, fields in entries:
        v, s = map(int, entry_id.split("-"))
        found.append((v, s, fields["kind"], fields["public"]))
    return found


async def test_fifty_bidders_at_once(stack: Stack):
    show = await asyncio.to_thread(
        stage, stack, bidders=BIDDERS, duration_ms=180_000, window_ms=1_000, extension_ms=1_000, extension_cap=1
    )
    async with AsyncExitStack() as seats:
        rooms = await asyncio.gather(
            *(
                seats.enter_async_context(show.bidder(stack.url, index).room(show.auction_id, connect_timeout=60))
                for index in range(BIDDERS)
            )
        )
        await asyncio.gather(
            *(room.until(lambda state: state.open_lot is not None, timeout=PATIENCE_S) for room in rooms)
        )
        answers = await asyncio.gather(*(bid_often(room, index) for index, room in enumerate(rooms)))
        counted = {
            answer.id: (answer, paddle)
            for paddle, given in zip(show.paddles, answers, strict=True)
            for answer in given
            if isinstance(answer, BidAccepted)
        }
        assert len(counted) > BIDS_EACH, "otherwise nobody contended for anything"
        codes = {answer.code for given in answers for answer in given if isinstance(answer, BidRejected)}
        assert codes <= {"too_low", "already_leading"}

        last = max(answer.v for answer, _ in counted.values())
        await asyncio.gather(*(room.until(lambda state: state.v >= last, timeout=PATIENCE_S) for room in rooms))
        assert len({(room.state.v, room.state.lot) for room in rooms}) == 1, "all rooms show the same"
        assert sum(room.state.leads for room in rooms) == 1, "one of them leads"
        final = rooms[0].state
        assert (final.lot.current_amount, final.lot.leader.paddle) == max(
            ((answer.amount, paddle) for answer, paddle in counted.values()), key=lambda bid: Decimal(bid[0])
        )

        # With the show still on, nothing has been cleaned: the log and the table must tell the same.
        log = redis_log(stack, show.auction_id)
        kept = await asyncio.to_thread(
            stored_when, stack, show, lambda found: bool(found.events) and found.events[-1][0] >= log[-1][0]
        )
    assert kept.events[: len(log)] == log, "the stored log is the log"
    assert [event[0] for event in log if event[3]] == list(range(1, log[-1][0] + 1)), "no version is missing"

    prices = [
        Decimal(event["current_amount"])
        for event in (json.loads(public) for _v, _s, kind, public in log if kind == "HIGHEST_BID")
    ]
    assert prices == sorted(set(prices)), "amounts strictly rise"
    assert {bid_id: (v, amount, paddle) for v, amount, paddle, bid_id in kept.bids} == {
        bid_id: (answer.v, int(Decimal(answer.amount) * 100), paddle) for bid_id, (answer, paddle) in counted.items()
    }, "the stored bids are the answers that the bidders got"
