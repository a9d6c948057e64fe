"""Rooms in web processes of their own: two kinds of server, several processes, killed and restarted parts."""

from typing import Any

import pytest
import redis
from django.conf import settings

from bidding import protocol
from bidding.engine import calls
from bidding.engine.runner import run
from bidding.services import lot_open
from bidding.tests.conftest import Show
from bidding.tests.rooms import page
from tests.system.conftest import ORIGIN, StartWeb

pytestmark = pytest.mark.timeout(180)


def bid_silently(show: Show, floor: redis.Redis, who: int, amount: int) -> Any:
    """Decide a bid and die before announcing it."""
    return run(floor, calls.place_bid(show.auction.pk, calls.BidOffer(show.bidders[who].pk, amount)))


@pytest.mark.parametrize("kind", ["serve", "daphne"])
def test_a_room_on_each_server(show: Show, start: StartWeb, floor: redis.Redis, kind: str) -> None:
    lot_open(lot=show.lots[0], actor=show.host)
    server = start(kind)
    with page(server, show.auction.pk, user=show.bidders[0].user) as hers, page(server, show.auction.pk) as nobodys:
        assert hers.next()["you"]["can_bid"]
        state = nobodys.next()
        v = hers.ask("BID", "BID_ACCEPTED", amount="10.00")["v"]
        assert nobodys.until("HIGHEST_BID")["v"] == v
        hers.send("CHAT", text="hello")
        assert nobodys.until("CHAT")["line"]["text"] == "hello"
        bid_silently(show, floor, 1, 1_500)
        assert nobodys.until("HIGHEST_BID")["v"] == v + 1
        assert hers.until("OUTBID")["amount"] == "15.00"
        nobodys.socket.send("x" * 17_000)
        # Daphne lets no application choose this code.
        assert nobodys.close_code() == (protocol.CloseCode.TOO_LARGE if kind == "serve" else 1000)
    with page(server, show.auction.pk, query=f"?since={state['v']}&epoch={state['epoch']}") as back:
        assert [event["v"] for event in back.next()["events"]] == [v + 1]
    with page(server, 999_999) as lost:
        assert lost.close_code() == protocol.CloseCode.NOT_FOUND


@pytest.mark.parametrize("kind", ["serve", "daphne"])
def test_one_seat_too_many_hears_why(show: Show, start: StartWeb, kind: str) -> None:
    server = start(kind, ROOM_SEATS_PER_ADDRESS="1")
    with page(server, show.auction.pk) as first:
        assert first.next()["type"] == "STATE"
        for _ in range(20):
            with page(server, show.auction.pk) as second:
                assert second.close_code() == protocol.CloseCode.TOO_MANY


def test_two_processes_are_one_room(show: Show, start: StartWeb, floor: redis.Redis) -> None:
    lot_open(lot=show.lots[0], actor=show.host)
    first, second = start("serve"), start("daphne")
    with (
        page(first, show.auction.pk, user=show.bidders[0].user) as anna,
        page(second, show.auction.pk, user=show.bidders[1].user) as boris,
    ):
        for each in (anna, boris):
            assert each.next()["type"] == "STATE"
        versions = []
        for turn in range(10):
            bidder, other = (anna, boris) if turn % 2 == 0 else (boris, anna)
            versions.append(bidder.ask("BID", "BID_ACCEPTED", amount=f"{10 + 5 * turn}.00")["v"])
            other.until("HIGHEST_BID", v=versions[-1])
        assert versions == list(range(versions[0], versions[0] + 10))
        boris.until("PARTICIPANTS", count=2)
        first.kill()
        boris.until("PARTICIPANTS", count=1)


def test_who_sat_in_a_killed_process_goes_on_in_another(
    show: Show,
    start: StartWeb,
    floor: redis.Redis,
) -> None:
    lot_open(lot=show.lots[0], actor=show.host)
    first, second = start("serve"), start("serve")
    with page(first, show.auction.pk) as nobody:
        state = nobody.next()
        bid_silently(show, floor, 0, 1_000)
        first.kill()
    with page(second, show.auction.pk, query=f"?since={state['v']}&epoch={state['epoch']}") as again:
        assert [event["leader"]["paddle"] for event in again.next()["events"]] == [show.bidders[0].paddle]


def test_settings_name_the_origin() -> None:
    assert settings.PUBLIC_URL == ORIGIN
