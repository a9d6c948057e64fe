"""A page in a room over a real socket: STATE, bids, events, chat, time."""

from collections.abc import Iterator

import msgspec
import pytest

from bidding import protocol
from bidding.services import lot_close_due, lot_open
from bidding.tests.conftest import Show
from bidding.tests.rooms import RoomServer, page


@pytest.fixture
def server(show: Show) -> Iterator[RoomServer]:
    with RoomServer() as running:
        yield running


def test_a_page_gets_the_whole_state_first(show: Show, server: RoomServer) -> None:
    lot_open(lot=show.lots[0], actor=show.host)
    with page(server, show.auction.pk) as nobody:
        state = nobody.next()
        decoded = msgspec.convert(state, protocol.State)
    assert decoded.auction.title == "Friday night"
    assert decoded.auction.status == "live"
    assert decoded.lot is not None
    assert (decoded.lot.id, decoded.lot.minimum_amount) == (show.lots[0].pk, "10.00")
    assert (decoded.you.signed_in, decoded.you.can_bid, decoded.you.reason) == (False, False, "sign_in")
    assert decoded.participants.count == 1
    assert decoded.chat == []


def test_a_bid_is_answered_and_everybody_sees_it(show: Show, server: RoomServer) -> None:
    lot_open(lot=show.lots[0], actor=show.host)
    anna, boris = show.bidders[0], show.bidders[1]
    with page(server, show.auction.pk, user=anna.user) as hers, page(server, show.auction.pk) as nobodys:
        assert hers.next()["you"]["can_bid"]
        assert nobodys.next()["type"] == "STATE"
        accepted = hers.ask("BID", "BID_ACCEPTED", amount="10.00", id="00000000-0000-4000-8000-000000000001")
        assert accepted["standing"] == "leading"
        for each in (hers, nobodys):
            event = each.until("HIGHEST_BID")
            assert event["leader"] == {"paddle": anna.paddle}
            assert event["v"] == accepted["v"]
        with page(server, show.auction.pk, user=boris.user) as his:
            assert his.next()["lot"]["leader"] == {"paddle": anna.paddle}
            assert his.ask("BID", "BID_ACCEPTED", amount=15)["v"] == accepted["v"] + 1
        outbid = hers.until("OUTBID")
        assert (outbid["amount"], outbid["minimum_amount"]) == ("15.00", "20.00")
        assert all(message["type"] != "OUTBID" for message in nobodys.quiet())


def test_those_who_may_not_bid_hear_why(show: Show, server: RoomServer) -> None:
    lot_open(lot=show.lots[0], actor=show.host)
    with page(server, show.auction.pk) as nobody:
        assert nobody.ask("BID", "BID_REJECTED", amount="10.00")["code"] == "sign_in"
    with page(server, show.auction.pk, user=show.host) as host:
        assert host.next()["you"]["reason"] == "own_lot"
        assert host.ask("BID", "BID_REJECTED", amount="10.00")["code"] == "not_registered"


def test_chat_reaches_everybody_and_who_comes_later(show: Show, server: RoomServer) -> None:
    anna = show.bidders[0]
    with page(server, show.auction.pk, user=anna.user) as hers, page(server, show.auction.pk) as nobodys:
        hers.send("CHAT", text="  hello\n<b>room</b>\u202e ")
        heard = hers.until("CHAT", "CHAT_REJECTED")
        assert heard["type"] == "CHAT", heard
        line = nobodys.until("CHAT")["line"]
        assert (line["author"], line["text"], line["paddle"]) == (
            f"Paddle {anna.paddle}",
            "hello <b>room</b>",
            anna.paddle,
        )
        assert nobodys.ask("CHAT", "CHAT_REJECTED", text="me too")["code"] == "sign_in"
        with page(server, show.auction.pk, user=show.host) as late:
            assert late.next()["chat"] == [line]
            late.send("CHAT", text="welcome")
            assert nobodys.until("CHAT")["line"]["author"] == "Host"


def test_the_time_is_redis_time(show: Show, server: RoomServer) -> None:
    with page(server, show.auction.pk) as nobody:
        pong = nobody.ask("PING", "PONG", t=12.5)
    assert pong["t"] == 12.5
    assert abs(pong["server_time_ms"] - _redis_ms()) < 5_000


def test_a_lot_opens_and_closes_in_order(show: Show, server: RoomServer) -> None:
    with page(server, show.auction.pk) as nobody:
        before = nobody.next()["v"]
        lot_open(lot=show.lots[0], actor=show.host)
        show.store()
        show.end_lot_now()
        lot_close_due(auction=show.auction, lot_id=show.lots[0].pk)
        assert nobody.until("LOT_NEXT")["next"]["lot"] == show.lots[1].pk
        events = [message for message in nobody.seen if "at_ms" in message]
    assert [event["type"] for event in events] == ["LOT_OPENED", "LOT_CLOSED", "LOT_NEXT"]
    assert [event["v"] for event in events] == [before + 1, before + 2, before + 3]


def _redis_ms() -> int:
    from bidding.floor import floor

    seconds, micros = floor().time()
    return int(seconds) * 1000 + int(micros) // 1000
