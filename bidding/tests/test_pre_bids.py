"""Pre-bids: maxima given before a lot opens, kept secret, resolved when it opens."""

import json

from bidding.engine import calls
from bidding.engine.outcomes import Done, Standing
from bidding.engine.runner import run
from bidding.tests.conftest import ANNA, BORIS, CLARA, HOST, FloorDriver
from bidding.tests.test_lot_lifecycle import events


def pre_bid(desk: FloorDriver, registration: int, amount: int) -> None:
    answer = desk.accept(registration, amount, is_maximum=True, lot_id=7)
    assert (answer.standing, answer.lot_id, answer.maximum) == (Standing.PRE_BID, 7, amount)


def announce(desk: FloorDriver, lot_id: int = 7, opening: int | None = 1_000, buy_now: int | None = None) -> None:
    run(desk.client, calls.set_lot(4, lot_id=lot_id, opening=opening, buy_now=buy_now))


def test_a_pre_bid_is_secret_and_moves_no_version(desk: FloorDriver) -> None:
    announce(desk)
    decision = desk.decide(ANNA, 5_000, is_maximum=True, lot_id=7)
    assert decision.entries == ()
    assert desk.state()[b"v"] == b"0"
    assert desk.log() == [("0-1", "PRE_BID")]
    assert desk.own(ANNA).pre_bids == {7: 5_000}
    assert desk.own(BORIS).pre_bids == {}


def test_opening_resolves_them_at_the_second_price(desk: FloorDriver) -> None:
    announce(desk)
    pre_bid(desk, ANNA, 5_000)
    pre_bid(desk, BORIS, 8_000)
    pre_bid(desk, CLARA, 2_000)
    opened = events(desk.open())[0]
    assert (opened["lot"]["current_amount"], opened["lot"]["leader"], opened["lot"]["bid_count"]) == (
        "55.00",
        {"paddle": 102},
        1,
    )
    assert [(bid["amount"], bid["paddle"], bid["automatic"]) for bid in opened["recent_bids"]] == [("55.00", 102, True)]
    assert desk.own(BORIS).maximum == 8_000
    assert desk.own(BORIS).pre_bids == {}
    assert desk.accept(CLARA, 6_000).standing is Standing.OUTBID


def test_of_equal_pre_bids_the_earlier_wins_and_a_raised_one_is_later(desk: FloorDriver) -> None:
    announce(desk)
    pre_bid(desk, ANNA, 3_000)
    pre_bid(desk, BORIS, 5_000)
    pre_bid(desk, ANNA, 5_000)
    assert events(desk.open())[0]["lot"]["leader"] == {"paddle": 102}


def test_pre_bids_of_the_banned_are_dropped(desk: FloorDriver) -> None:
    announce(desk)
    pre_bid(desk, ANNA, 5_000)
    pre_bid(desk, BORIS, 8_000)
    desk.register(BORIS, status="banned")
    opened = events(desk.open())[0]
    assert (opened["lot"]["current_amount"], opened["lot"]["leader"]) == ("10.00", {"paddle": 101})


def test_a_lot_that_nobody_pre_bid_on_opens_clean(desk: FloorDriver) -> None:
    announce(desk)
    opened = events(desk.open())[0]
    assert (opened["lot"]["current_amount"], opened["lot"]["leader"], opened["lot"]["bid_count"]) == (None, None, 0)


def test_the_reserve_is_met_by_a_pre_bid_at_the_opening(desk: FloorDriver) -> None:
    announce(desk)
    pre_bid(desk, ANNA, 5_000)
    assert events(desk.open(reserve=3_000))[0]["lot"]["current_amount"] == "30.00"


def test_a_pre_bid_is_a_maximum_on_a_lot_that_is_to_come(desk: FloorDriver) -> None:
    assert desk.refuse(ANNA, 5_000, is_maximum=True, lot_id=7).code == "wrong_lot"
    announce(desk)
    assert desk.refuse(ANNA, 5_000, lot_id=7).code == "not_open"
    assert desk.refuse(ANNA, 999, is_maximum=True, lot_id=7).minimum == 1_000
    assert desk.refuse(ANNA, 10_001, is_maximum=True, lot_id=7).code == "too_high"
    assert desk.refuse(HOST, 1_000, is_maximum=True, lot_id=7).code == "own_lot"
    pre_bid(desk, ANNA, 5_000)
    assert desk.refuse(ANNA, 5_000, is_maximum=True, lot_id=7).minimum == 5_001
    announce(desk, opening=None)
    assert desk.refuse(ANNA, 6_000, is_maximum=True, lot_id=7).code == "wrong_lot"


def test_a_pre_bid_stays_below_the_buy_now_price(desk: FloorDriver) -> None:
    announce(desk, buy_now=4_000)
    assert desk.accept(ANNA, 5_000, is_maximum=True, lot_id=7).maximum == 3_999


def test_pre_bids_count_against_the_spending_limit(desk: FloorDriver) -> None:
    announce(desk, 7)
    announce(desk, 8)
    desk.register(ANNA, limit=6_000)
    pre_bid(desk, ANNA, 4_000)
    assert desk.refuse(ANNA, 2_001, is_maximum=True, lot_id=8).code == "over_limit"
    pre_bid(desk, ANNA, 5_000)
    assert desk.accept(ANNA, 1_000, is_maximum=True, lot_id=8).standing is Standing.PRE_BID
    desk.open()
    assert desk.refuse(ANNA, 5_001, is_maximum=True).code == "over_limit"


def test_voiding_reaches_a_pre_bid_too(desk: FloorDriver) -> None:
    announce(desk)
    pre_bid(desk, ANNA, 5_000)
    pre_bid(desk, BORIS, 8_000)
    desk.open()
    voided = events(
        run(desk.client, calls.void_bid(4, lot_id=7, registration_id=BORIS, place=(0, 2), reason="mistake"))
    )[0]
    assert (voided["current_amount"], voided["leader"]) == ("10.00", {"paddle": 101})
    assert (voided["voided_v"], voided["paddle"]) == (None, None)
    assert [(bid["amount"], bid["paddle"]) for bid in voided["recent_bids"]] == [("10.00", 101)]


def test_the_log_tells_privately_what_was_resolved(desk: FloorDriver) -> None:
    announce(desk)
    pre_bid(desk, ANNA, 5_000)
    outcome = desk.open()
    assert isinstance(outcome, Done)
    assert "50.00" not in outcome.entries[0].text
    [(_, fields)] = desk.client.xrange(desk.keys.log, min=f"{outcome.v}-0", max=f"{outcome.v}-0")  # type: ignore[misc]
    private = json.loads(fields[b"private"])
    assert [(offer["registration"], offer["maximum"]) for offer in private["pre_bids"]] == [(ANNA, 5_000)]
