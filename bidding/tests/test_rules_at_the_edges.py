"""What the rules say where two of them meet: voids and counts, pre-bids and changed lots, buy-now and reopening."""

from bidding.engine import calls
from bidding.engine.runner import run
from bidding.tests.conftest import ANNA, BORIS, CLARA, FloorDriver
from bidding.tests.test_lot_lifecycle import events


def void(desk: FloorDriver, registration: int, place: tuple[int, int] | None = None) -> dict[str, object]:
    """Take an offer back, the bidder's latest if none is named, and return what the room hears."""
    call = calls.void_bid(4, lot_id=7, registration_id=registration, place=place, reason="x")
    return events(run(desk.client, call))[0]


def announce(desk: FloorDriver, opening: int = 1_000) -> None:
    """Let the lot take pre-bids."""
    run(desk.client, calls.set_lot(4, lot_id=7, opening=opening))


def test_voiding_a_raised_maximum_leaves_the_count_of_bids(open_desk: FloorDriver) -> None:
    open_desk.accept(ANNA, 2_000, is_maximum=True)
    open_desk.accept(BORIS, 1_500)
    open_desk.accept(ANNA, 9_000, is_maximum=True)
    assert void(open_desk, ANNA)["bid_count"] == 2


def test_a_raise_is_no_bid_until_what_it_was_raised_from_is_gone(open_desk: FloorDriver) -> None:
    first = open_desk.accept(ANNA, 2_000, is_maximum=True)
    open_desk.accept(ANNA, 9_000, is_maximum=True)
    open_desk.accept(BORIS, 1_500)
    assert void(open_desk, BORIS)["bid_count"] == 1
    assert void(open_desk, ANNA, (first.v, 0))["bid_count"] == 1
    assert void(open_desk, ANNA)["bid_count"] == 0


def test_voiding_one_pre_bid_leaves_the_opening_counted_while_another_leads(desk: FloorDriver) -> None:
    announce(desk)
    desk.accept(ANNA, 5_000, is_maximum=True, lot_id=7)
    desk.accept(BORIS, 8_000, is_maximum=True, lot_id=7)
    desk.open()
    voided = void(desk, BORIS)
    assert (voided["leader"], voided["bid_count"]) == ({"paddle": 101}, 1)
    assert void(desk, ANNA)["bid_count"] == 0


def test_a_pre_bid_below_an_opening_amount_that_was_raised_is_dropped(desk: FloorDriver) -> None:
    announce(desk)
    desk.accept(ANNA, 1_500, is_maximum=True, lot_id=7)
    opened = events(desk.open(opening=2_000))[0]
    assert (opened["lot"]["current_amount"], opened["lot"]["leader"]) == (None, None)


def test_a_lot_that_is_offered_again_takes_new_pre_bids(desk: FloorDriver) -> None:
    announce(desk)
    desk.accept(ANNA, 5_000, is_maximum=True, lot_id=7)
    desk.open()
    run(desk.client, calls.close_lot(4, lot_id=7, reason="withdrawn", next_lot=None))
    desk.open_lot(run_id=71, lot_id=8)
    announce(desk)
    assert desk.own(ANNA).pre_bids == {}
    assert desk.accept(ANNA, 1_000, is_maximum=True, lot_id=7).maximum == 1_000


def test_a_lot_that_was_bought_is_not_for_sale_at_once_when_it_reopens(desk: FloorDriver) -> None:
    desk.open(buy_now=8_000, reserve=6_000)
    desk.accept(ANNA, 8_000)
    run(desk.client, calls.reopen_lot(4, lot_id=7, reason="x"))
    assert desk.refuse(BORIS, 8_000).minimum == 8_500
    assert desk.accept(CLARA, 8_500).lot_id == 7
