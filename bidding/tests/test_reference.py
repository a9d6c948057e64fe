"""The reference model does what the rules say in their own examples, with figures worked out by hand."""

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from bidding import reference
from bidding.reference import Auction, Bidder, Lot, Offer, Pending, Rules, Shown

RULES = Rules(opening=1_000, increments=((0, 500), (10_000, 1_000)))
ANNA, BORIS, CLARA = 1, 2, 3


def lot(**changes: object) -> Lot:
    """Return a lot opened at 0 that ends at 60,000."""
    return Lot(replace(RULES, **changes), 0)  # type: ignore[arg-type]


def bid(
    lot: Lot, who: int, amount: int, at_ms: int = 0, *, maximum: bool = False, after: tuple[int, int] = (0, 0)
) -> str:
    """Place a bid on a lot and return the answer's code, or the standing of an accepted one."""
    decision = lot.bid(at_ms, Offer(who, amount, maximum), after=after, confirmed=True)
    return decision.standing or decision.code


def test_the_model_knows_nothing_of_the_engine() -> None:
    tree = ast.parse(Path(reference.__file__).read_text("utf-8"))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    assert imported == {"collections.abc", "dataclasses", "typing"}


@pytest.mark.parametrize(
    ("offers", "price", "leader", "minimum"),
    [
        ([], None, None, 1_000),
        ([(ANNA, 1_000, False)], 1_000, ANNA, 1_500),
        ([(ANNA, 9_000, True)], 1_000, ANNA, 1_500),
        ([(ANNA, 9_000, True), (BORIS, 5_000, False)], 5_500, ANNA, 6_000),
        ([(ANNA, 9_000, True), (BORIS, 9_000, True)], 9_000, ANNA, 9_500),
        ([(ANNA, 5_000, True), (BORIS, 9_000, True)], 5_500, BORIS, 6_000),
        ([(ANNA, 5_000, True), (BORIS, 5_200, True)], 5_200, BORIS, 5_700),
        ([(ANNA, 5_000, True), (BORIS, 9_000, False)], 9_000, BORIS, 9_500),
        ([(ANNA, 2_000, False), (ANNA, 9_000, True)], 2_000, ANNA, 2_500),
        ([(ANNA, 10_000, False)], 10_000, ANNA, 11_000),
    ],
)
def test_price_and_leader(
    offers: list[tuple[int, int, bool]], price: int | None, leader: int | None, minimum: int
) -> None:
    running = lot()
    for who, amount, maximum in offers:
        bid(running, who, amount, maximum=maximum)
    assert (running.price, running.leader, running.minimum) == (price, leader, minimum)


def test_the_first_maximum_at_the_reserve_lifts_the_price_to_it() -> None:
    running = lot(reserve=3_000)
    bid(running, ANNA, 2_000, maximum=True)
    assert (running.price, running.reserve_met) == (1_000, False)
    bid(running, ANNA, 4_000, maximum=True)
    assert (running.price, running.reserve_met, running.bid_count) == (3_000, True, 2)


def test_buy_now_ends_the_lot_and_a_maximum_stays_below_it() -> None:
    running = lot(buy_now=8_000, reserve=6_000)
    assert bid(running, ANNA, 9_000, maximum=True) == "leading"
    assert (running.maximum, running.price, running.buy_now) == (7_999, 6_000, None)
    running = lot(buy_now=8_000, reserve=6_000)
    assert bid(running, BORIS, 9_000) == "leading"
    assert (running.price, running.status, running.reason) == (8_000, "sold", "buy_now")


def test_a_bid_in_the_window_extends_up_to_the_cap() -> None:
    running = lot(extension_cap=1)
    bid(running, ANNA, 1_000, 29_999)
    assert running.ends_at_ms == 60_000
    bid(running, BORIS, 1_500, 30_000)
    assert (running.ends_at_ms, running.extensions_used) == (90_000, 1)
    bid(running, ANNA, 2_000, 89_999)
    assert (running.ends_at_ms, running.extensions_used) == (90_000, 1)
    assert bid(running, BORIS, 2_500, 90_000) == "too_late"


def test_reset_never_shortens() -> None:
    running = lot(extension_mode="reset", extension_ms=10_000)
    bid(running, ANNA, 1_000, 35_000)
    assert (running.ends_at_ms, running.extensions_used) == (60_000, 0)
    bid(running, BORIS, 1_500, 55_000)
    assert (running.ends_at_ms, running.extensions_used) == (65_000, 1)


def test_a_pause_keeps_what_was_left_and_resuming_gives_the_window() -> None:
    running = lot()
    assert running.pause(10_000) == "ok"
    assert (running.ends_at_ms, running.remaining_ms) == (None, 50_000)
    assert running.resume(100_000) == "ok"
    assert running.ends_at_ms == 150_000
    assert running.pause(149_000) == "ok"
    running.resume(200_000)
    assert running.ends_at_ms == 230_000


def test_the_hammer_falls_ten_seconds_after_a_warning_that_nobody_answered() -> None:
    running = lot()
    bid(running, ANNA, 1_000)
    assert running.close(0, "hammer") == "no_fair_warning"
    running.warn(55_000)
    assert running.ends_at_ms == 65_000
    assert running.close(64_999, "hammer") == "too_early"
    bid(running, BORIS, 1_500, 64_999)
    assert running.close(65_000, "hammer") == "no_fair_warning"


def test_voiding_decides_anew_and_moves_no_end() -> None:
    running = lot()
    bid(running, ANNA, 9_000, maximum=True, after=(1, 0))
    bid(running, BORIS, 5_000, 40_000, after=(2, 0))
    end = running.ends_at_ms
    assert running.void(ANNA, (3, 0)) == "no_such_bid"
    assert running.void(BORIS, (3, 0)) == "ok"
    assert (running.price, running.leader, running.bid_count, running.ends_at_ms) == (1_000, ANNA, 1, end)


def raised_over_boris() -> Lot:
    """Return a lot on which Anna leads with a maximum of 50.00 raised to 90.00, and has answered Boris's 60.00."""
    running = lot()
    bid(running, ANNA, 5_000, maximum=True, after=(3, 0))
    bid(running, ANNA, 9_000, maximum=True, after=(4, 0))
    bid(running, BORIS, 6_000, after=(4, 1))
    assert [offer.place for offer in running.offers] == [(4, 0), (4, 1), (5, 0)]
    return running


@pytest.mark.parametrize(
    ("who", "place", "price", "leader", "maximum", "history"),
    [
        # The raise goes: the 50.00 stand again, and Boris's bid, which it had answered, leads.
        (ANNA, (4, 1), 6_000, BORIS, 6_000, [(ANNA, 1_000), (BORIS, 6_000)]),
        (ANNA, None, 6_000, BORIS, 6_000, [(ANNA, 1_000), (BORIS, 6_000)]),
        # What it was raised from goes: the raise was an offer of its own.
        (ANNA, (4, 0), 6_500, ANNA, 9_000, [(BORIS, 6_000), (ANNA, 6_500)]),
        # With Boris's bid goes the answer to it.
        (BORIS, (5, 0), 1_000, ANNA, 9_000, [(ANNA, 1_000)]),
    ],
)
def test_voiding_takes_one_offer_back_and_what_it_made_of_the_history(
    who: int, place: tuple[int, int] | None, price: int, leader: int, maximum: int, history: list[tuple[int, int]]
) -> None:
    running = raised_over_boris()
    assert running.void(who, place, v=5) == "ok"
    assert (running.price, running.leader, running.maximum) == (price, leader, maximum)
    assert [(bid.registration, bid.amount) for bid in running.history] == history


def test_who_is_left_leads_in_the_history_too() -> None:
    running = lot()
    bid(running, ANNA, 9_000, maximum=True, after=(3, 0))
    bid(running, BORIS, 6_000, maximum=True, after=(4, 0))
    running.void(ANNA, v=5)
    assert running.history == [Shown(6, BORIS, 1_000, True, (5, 0))]


def test_an_end_that_nobody_saw_gives_one_window_more() -> None:
    running = lot()
    running.seen(54_999)
    assert running.close(60_000) == "outage"
    assert running.ends_at_ms == 90_000
    running.seen(89_000)
    assert running.close(90_000) == "ok"
    assert (running.result, running.reason) == ("passed", "no_bids")


def test_pre_bids_resolve_in_their_order_and_a_raised_one_is_later() -> None:
    show = Auction(bidders={who: Bidder() for who in (ANNA, BORIS, CLARA)}, pending={7: Pending(1_000)})
    for who, amount in ((ANNA, 3_000), (BORIS, 5_000), (ANNA, 5_000), (CLARA, 9_000)):
        assert show.bid(0, Offer(who, amount, is_maximum=True, lot=7)).code == "ok"
    show.bidders[CLARA] = Bidder("banned")
    show.go_live()
    show.open(0, 7, 70, RULES)
    assert show.lot is not None
    assert (show.lot.leader, show.lot.price, show.lot.bid_count, show.v, show.s) == (BORIS, 5_000, 1, 3, 0)


def test_a_limit_binds_what_is_won_led_and_pre_bid() -> None:
    show = Auction(bidders={ANNA: Bidder(limit=10_000)}, pending={7: Pending(1_000), 8: Pending(1_000)})
    show.go_live()
    show.open(0, 7, 70, RULES)
    assert show.bid(0, Offer(ANNA, 4_000, is_maximum=True)).code == "ok"
    assert show.bid(0, Offer(ANNA, 6_001, is_maximum=True, lot=8)).code == "over_limit"
    assert show.bid(0, Offer(ANNA, 6_000, is_maximum=True, lot=8)).code == "ok"
    assert show.bid(0, Offer(ANNA, 4_001, is_maximum=True)).code == "over_limit"
    assert show.lot is not None
    show.lot.seen(59_000)
    show.close_by_time(60_000, 7)
    assert show.won == {ANNA: 1_000}


def test_an_answer_never_changes() -> None:
    show = Auction(bidders={ANNA: Bidder()})
    show.go_live()
    show.open(0, 7, 70, RULES)
    first = show.bid(0, Offer(ANNA, 1_000, bid_id="a"))
    assert show.bid(99_000, Offer(ANNA, 1_000, bid_id="a")) == replace(first, events=(), repeated=True)
    assert show.bid(0, Offer(ANNA, 1_500, bid_id="a")).code == "id_reused"


def test_a_command_for_another_lot_picture_or_person_changes_nothing() -> None:
    show = Auction()
    show.go_live()
    show.open(0, 7, 70, RULES)
    show.take_rostrum(50)
    assert show.desk(0, "pause", 8).code == "wrong_lot"
    assert show.desk(0, "pause", 7, seen_v=2).code == "stale"
    assert show.desk(0, "pause", 7, actor=51).code == "not_on_rostrum"
    assert show.desk(0, "pause", 7, seen_v=3, actor=50).code == "ok"
