"""A room converges on the log, whatever was not announced; and a page that comes back gets what it missed."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from django.conf import LazySettings

from bidding.engine import calls
from bidding.engine.keys import AuctionKeys
from bidding.engine.runner import run
from bidding.room import hub as hub_module
from bidding.selectors import snapshot_now
from bidding.services import lot_open
from bidding.services.announcing import announce_entries_now
from bidding.tests.conftest import Show
from bidding.tests.rooms import RoomServer, page


@pytest.fixture
def open_show(show: Show) -> Show:
    lot_open(lot=show.lots[0], actor=show.host)
    return show


@pytest.fixture
def server(open_show: Show) -> Iterator[RoomServer]:
    with RoomServer() as running:
        yield running


def decide(show: Show, floor: redis.Redis, amount: int, who: int = 0) -> Any:
    """Place a bid as a process does that dies before it can announce it."""
    return run(floor, calls.place_bid(show.auction.pk, calls.BidOffer(show.bidders[who].pk, amount)))


def test_an_event_that_was_never_announced_arrives(open_show: Show, server: RoomServer, floor: redis.Redis) -> None:
    with page(server, open_show.auction.pk) as nobody:
        v = nobody.next()["v"]
        decide(open_show, floor, 1_000)
        event = nobody.until("HIGHEST_BID")
    assert (event["v"], event["current_amount"]) == (v + 1, "10.00")


def test_a_hole_between_announcements_is_filled(open_show: Show, server: RoomServer, floor: redis.Redis) -> None:
    with page(server, open_show.auction.pk) as nobody:
        first = nobody.next()["v"] + 1
        decisions = [decide(open_show, floor, 1_000 + 500 * turn, turn % 2) for turn in range(9)]
        for number in (8, 0, 4, 4, 2):
            entries = decisions[number].entries
            announce_entries_now(open_show.auction.pk, decisions[number].answer.epoch, entries)
        last = decisions[-1].answer.v
        nobody.until("HIGHEST_BID", v=last)
        told = [event for event in nobody.seen if event["type"] == "HIGHEST_BID"]
    assert [v for event in told for v in range(event["from_v"], event["v"] + 1)] == list(range(first, last + 1))


def test_a_new_epoch_gives_everybody_a_new_state(open_show: Show, server: RoomServer, floor: redis.Redis) -> None:
    with page(server, open_show.auction.pk) as nobody:
        v = nobody.next()["v"]
        # The same version: only the epoch tells that this is another history.
        floor.hset(AuctionKeys(open_show.auction.pk).state, "epoch", "rebuilt")
        assert nobody.until("STATE")["epoch"] == "rebuilt"
        decide(open_show, floor, 1_000)
        assert nobody.until("HIGHEST_BID")["v"] == v + 1


def test_a_log_that_was_trimmed_gives_state(open_show: Show, server: RoomServer, floor: redis.Redis) -> None:
    with page(server, open_show.auction.pk) as nobody:
        nobody.next()
        decide(open_show, floor, 1_000)
        floor.delete(AuctionKeys(open_show.auction.pk).log)
        assert nobody.until("STATE")["lot"]["current_amount"] == "10.00"


def test_a_page_that_comes_back_gets_what_it_missed(open_show: Show, server: RoomServer, floor: redis.Redis) -> None:
    with page(server, open_show.auction.pk) as nobody:
        state = nobody.next()
    for turn in range(5):
        decide(open_show, floor, 1_000 + 500 * turn, turn % 2)
    with page(server, open_show.auction.pk, query=f"?since={state['v']}&epoch={state['epoch']}") as back:
        resumed = back.next()
        assert resumed["type"] == "RESUMED"
        assert [(event["from_v"], event["v"]) for event in resumed["events"]] == [(state["v"] + 1, state["v"] + 5)]
        assert resumed["v"] == state["v"] + 5
        decide(open_show, floor, 5_000, who=2)
        assert back.until("HIGHEST_BID")["v"] == resumed["v"] + 1


def test_resume_on_an_open_socket(open_show: Show, server: RoomServer, floor: redis.Redis) -> None:
    with page(server, open_show.auction.pk) as nobody:
        state = nobody.next()
        current = nobody.ask("RESUME", "RESUMED", since=state["v"], epoch=state["epoch"])
        assert current["events"] == []
        kinds = [event["type"] for event in nobody.ask("RESUME", "RESUMED", since=0, epoch=state["epoch"])["events"]]
        assert kinds == ["AUCTION_LIVE", "LOT_NEXT", "LOT_OPENED"]
        for since, epoch in ((state["v"], "other"), (state["v"] + 1, state["epoch"]), (-1, state["epoch"])):
            assert nobody.ask("RESUME", "STATE", since=since, epoch=epoch)["v"] == state["v"]


def test_who_missed_too_much_gets_state(
    open_show: Show, server: RoomServer, floor: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "RESUMABLE", 3)
    for turn in range(4):
        decide(open_show, floor, 1_000 + 500 * turn, turn % 2)
    with page(server, open_show.auction.pk) as nobody:
        state = nobody.next()
        assert nobody.ask("RESUME", "RESUMED", since=state["v"] - 3, epoch=state["epoch"])["v"] == state["v"]
        assert nobody.ask("RESUME", "STATE", since=state["v"] - 4, epoch=state["epoch"])["v"] == state["v"]


def test_state_and_events_give_the_state_that_comes_later(
    open_show: Show, server: RoomServer, floor: redis.Redis
) -> None:
    with page(server, open_show.auction.pk) as early:
        lot = early.next()["lot"]
        decisions = [decide(open_show, floor, 1_000 + 500 * turn, turn % 3) for turn in range(30)]
        for decision in decisions:
            announce_entries_now(open_show.auction.pk, decision.answer.epoch, decision.entries)
        early.until("HIGHEST_BID", v=decisions[-1].answer.v)
        with page(server, open_show.auction.pk) as late:
            expected = late.next()["lot"]
    for event in early.seen:
        if event["type"] == "HIGHEST_BID":
            lot |= {name: event[name] for name in lot.keys() & event.keys() - {"id"}}
    assert lot == expected


def test_an_auction_without_live_state_is_shown_from_the_database(
    show: Show, server: RoomServer, floor: redis.Redis
) -> None:
    from auctions.models import Auction, AuctionStatus

    Auction.objects.filter(pk=show.auction.pk).update(status=AuctionStatus.ENDED)
    floor.flushall()
    with page(server, show.auction.pk) as nobody:
        state = nobody.next()
    assert (state["auction"]["status"], state["lot"], state["recent_bids"]) == ("ended", None, [])


def test_a_live_auction_that_redis_lost_is_not_shown_as_something_else(
    open_show: Show, server: RoomServer, floor: redis.Redis
) -> None:
    keys = AuctionKeys(open_show.auction.pk)
    snapshot = snapshot_now(open_show.auction.pk)
    kept: Any = floor.hgetall(keys.state)
    floor.delete(keys.state)
    with page(server, open_show.auction.pk) as nobody:
        assert [message["type"] for message in nobody.quiet() if message["type"] == "STATE"] == []
        floor.hset(keys.state, mapping=kept)
        assert nobody.until("STATE")["v"] == snapshot.v


def test_a_hundred_lost_connections_lose_nothing(
    open_show: Show, server: RoomServer, floor: redis.Redis, settings: LazySettings
) -> None:
    settings.ROOM_SEATS_PER_ADDRESS = 10_000
    # However slow the machine is, no bid here comes in the last seconds.
    floor.hincrby(AuctionKeys(open_show.auction.pk).lot, "ends", 3_600_000)
    with page(server, open_show.auction.pk) as first:
        state = first.next()
    v, epoch, lot = state["v"], state["epoch"], state["lot"]
    for turn in range(100):
        decisions = [decide(open_show, floor, 1_000 + 500 * (3 * turn + part), part) for part in range(3)]
        with page(server, open_show.auction.pk, query=f"?since={v}&epoch={epoch}") as back:
            late = decide(open_show, floor, 1_000 + 500 * (3 * turn + 2), 1)
            for decision in decisions[turn % 3 :]:
                announce_entries_now(open_show.auction.pk, epoch, decision.entries)
            assert late.entries == ()
            message = back.next()
            assert message["type"] == "RESUMED"
            for event in message["events"]:
                assert event["from_v"] == v + 1
                v = event["v"]
                lot |= {name: event[name] for name in lot.keys() & event.keys() - {"id"}}
            assert v == message["v"] == decisions[-1].answer.v
    with page(server, open_show.auction.pk) as fresh:
        assert fresh.next()["lot"] == lot
