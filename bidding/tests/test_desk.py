"""What the host may do with an open lot: pause, warn, hammer, extend, void, withdraw, reopen."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bidding.engine import calls, scripts
from bidding.engine.calls import Call
from bidding.engine.outcomes import CommandCode, Done, NotDone
from bidding.engine.runner import run
from bidding.services import lots
from bidding.tests.conftest import ANNA, BORIS, CLARA, FloorDriver
from bidding.tests.test_lot_lifecycle import code, events

LOT = 7


def do(desk: FloorDriver, call: Call[Done | NotDone]) -> dict[str, Any]:
    """Carry out a command that must take effect, and return its first event."""
    return events(run(desk.client, call))[0]


def test_a_pause_stops_the_clock_and_keeps_what_was_left(open_desk: FloorDriver) -> None:
    open_desk.set_end_in(200_000)
    paused = do(open_desk, calls.pause_lot(4, lot_id=LOT, reason="camera"))
    assert (paused["type"], paused["reason"]) == ("LOT_PAUSED", "camera")
    assert 190_000 < paused["remaining_ms"] <= 200_000
    assert open_desk.refuse(ANNA, 1_000).code == "paused"
    state = run(open_desk.client, calls.snapshot(4))
    lot = json.loads(state.lot or "")
    assert (lot["status"], lot["ends_at_ms"], lot["remaining_ms"]) == ("paused", None, paused["remaining_ms"])
    assert code(open_desk.close()) == "not_due"

    resumed = do(open_desk, calls.resume_lot(4, lot_id=LOT))
    assert resumed["ends_at_ms"] - resumed["at_ms"] == paused["remaining_ms"]
    open_desk.accept(ANNA, 1_000)


def test_resuming_gives_at_least_the_window(open_desk: FloorDriver) -> None:
    open_desk.set_end_in(5_000)
    do(open_desk, calls.pause_lot(4, lot_id=LOT, reason="camera"))
    resumed = do(open_desk, calls.resume_lot(4, lot_id=LOT))
    assert resumed["ends_at_ms"] - resumed["at_ms"] == 30_000
    assert open_desk.lot()["extensions_used"] == "0"


def test_a_pause_at_or_after_the_end_is_too_late(open_desk: FloorDriver) -> None:
    open_desk.set_end_in(0)
    assert code(run(open_desk.client, calls.pause_lot(4, lot_id=LOT, reason="camera"))) == "too_late"


def test_pausing_twice_and_resuming_what_runs_are_refused(open_desk: FloorDriver) -> None:
    assert code(run(open_desk.client, calls.resume_lot(4, lot_id=LOT))) == "not_paused"
    do(open_desk, calls.pause_lot(4, lot_id=LOT, reason="camera"))
    assert code(run(open_desk.client, calls.pause_lot(4, lot_id=LOT, reason="camera"))) == "not_open"


def test_the_hammer_needs_a_fair_warning_ten_seconds_ago(open_desk: FloorDriver) -> None:
    open_desk.accept(ANNA, 1_000)
    assert code(open_desk.close("hammer")) == "no_fair_warning"
    open_desk.set_end_in(3_000)
    warned = do(open_desk, calls.fair_warning(4, lot_id=LOT))
    assert warned["ends_at_ms"] == warned["hammer_at_ms"] == warned["at_ms"] + 10_000
    assert code(open_desk.close("hammer")) == "too_early"
    open_desk.client.hset(open_desk.keys.lot, "hammer_at", 1)
    assert events(open_desk.close("hammer"))[0]["reason"] == "hammer"


def test_a_fair_warning_never_brings_the_end_nearer(open_desk: FloorDriver) -> None:
    end = int(open_desk.lot()["ends"])
    assert do(open_desk, calls.fair_warning(4, lot_id=LOT))["ends_at_ms"] == end


def test_a_bid_after_the_warning_asks_for_a_new_one(open_desk: FloorDriver) -> None:
    do(open_desk, calls.fair_warning(4, lot_id=LOT))
    open_desk.accept(ANNA, 1_000)
    assert code(open_desk.close("hammer")) == "no_fair_warning"


def test_the_host_may_extend_and_it_counts_against_no_cap(desk: FloorDriver) -> None:
    desk.open(extension_cap=0)
    end = int(desk.lot()["ends"])
    extended = do(desk, calls.extend_lot(4, lot_id=LOT, added_ms=15_000))
    assert (extended["reason"], extended["ends_at_ms"], extended["extensions"]) == (
        "host",
        end + 15_000,
        {"used": 0, "allowed": 0},
    )


def void(v: int, registration: int, s: int = 0) -> Call[Done | NotDone]:
    return calls.void_bid(4, lot_id=LOT, registration_id=registration, place=(v, s), reason="mistake")


def test_a_voided_bid_gives_price_and_lead_back(open_desk: FloorDriver) -> None:
    open_desk.accept(ANNA, 1_000)
    wrong = open_desk.accept(BORIS, 9_000)
    end = open_desk.lot()["ends"]
    voided = do(open_desk, void(wrong.v, BORIS))
    assert (voided["voided_v"], voided["paddle"], voided["current_amount"], voided["leader"], voided["bid_count"]) == (
        wrong.v,
        102,
        "10.00",
        {"paddle": 101},
        1,
    )
    assert open_desk.lot()["ends"] == end
    open_desk.accept(CLARA, 1_500)


def test_voiding_restores_the_bidders_earlier_offer(open_desk: FloorDriver) -> None:
    open_desk.accept(ANNA, 1_000)
    open_desk.accept(BORIS, 1_500)
    wrong = open_desk.accept(ANNA, 9_000)
    voided = do(open_desk, void(wrong.v, ANNA))
    assert (voided["current_amount"], voided["leader"]) == ("15.00", {"paddle": 102})


def test_voiding_never_touches_later_bids(open_desk: FloorDriver) -> None:
    open_desk.accept(ANNA, 1_000)
    wrong = open_desk.accept(BORIS, 5_000)
    open_desk.accept(CLARA, 6_000)
    voided = do(open_desk, void(wrong.v, BORIS))
    assert (voided["current_amount"], voided["leader"]) == ("60.00", {"paddle": 103})


def test_voiding_a_maximum_lowers_the_price_that_it_drove_up(open_desk: FloorDriver) -> None:
    open_desk.accept(ANNA, 9_000, is_maximum=True)
    driver = open_desk.accept(BORIS, 5_000)
    assert open_desk.lot()["price"] == "5500"
    voided = do(open_desk, void(driver.v, BORIS))
    assert (voided["current_amount"], voided["leader"]) == ("10.00", {"paddle": 101})


def history(voided: dict[str, Any]) -> list[tuple[int, str]]:
    return [(bid["paddle"], bid["amount"]) for bid in voided["recent_bids"]]


def test_voiding_what_a_maximum_was_raised_from_leaves_the_raise(open_desk: FloorDriver) -> None:
    first = open_desk.accept(ANNA, 5_000, is_maximum=True)
    assert open_desk.accept(ANNA, 9_000, is_maximum=True).v == first.v
    voided = do(open_desk, void(first.v, ANNA))
    assert (voided["voided_v"], voided["paddle"], voided["leader"], voided["current_amount"]) == (
        first.v,
        101,
        {"paddle": 101},
        "10.00",
    )
    assert open_desk.own(ANNA).maximum == 9_000


def test_voiding_a_raise_restores_the_maximum_before_and_names_nobody(open_desk: FloorDriver) -> None:
    first = open_desk.accept(ANNA, 5_000, is_maximum=True)
    open_desk.accept(ANNA, 9_000, is_maximum=True)
    voided = do(open_desk, void(first.v, ANNA, 1))
    assert (voided["voided_v"], voided["paddle"], voided["leader"], voided["bid_count"]) == (
        None,
        None,
        {"paddle": 101},
        1,
    )
    assert history(voided) == [(101, "10.00")]
    assert open_desk.own(ANNA).maximum == 5_000


def test_voiding_a_raise_that_answered_a_bid_leaves_that_bid_and_its_place_in_the_history(
    open_desk: FloorDriver,
) -> None:
    first = open_desk.accept(ANNA, 5_000, is_maximum=True)
    open_desk.accept(ANNA, 9_000, is_maximum=True)
    open_desk.accept(BORIS, 6_000)
    voided = do(open_desk, void(first.v, ANNA, 1))
    assert (voided["current_amount"], voided["leader"]) == ("60.00", {"paddle": 102})
    assert history(voided) == [(102, "60.00"), (101, "10.00")]


def test_a_bidders_latest_offer_is_voided_without_a_name(open_desk: FloorDriver) -> None:
    open_desk.accept(ANNA, 5_000, is_maximum=True)
    open_desk.accept(ANNA, 9_000, is_maximum=True)
    latest = calls.void_bid(4, lot_id=LOT, registration_id=ANNA, place=None, reason="mistake")
    do(open_desk, latest)
    assert open_desk.own(ANNA).maximum == 5_000
    assert do(open_desk, latest)["leader"] is None
    assert code(run(open_desk.client, latest)) == "no_such_bid"


def test_who_is_left_is_shown_to_lead_at_the_price_that_is_left(open_desk: FloorDriver) -> None:
    wrong = open_desk.accept(ANNA, 9_000, is_maximum=True)
    open_desk.accept(BORIS, 6_000, is_maximum=True)
    voided = do(open_desk, void(wrong.v, ANNA))
    assert history(voided) == [(102, "10.00")]
    assert voided["recent_bids"][0]["v"] == voided["v"]


def test_voiding_the_only_bid_leaves_none(open_desk: FloorDriver) -> None:
    only = open_desk.accept(ANNA, 1_000)
    voided = do(open_desk, void(only.v, ANNA))
    assert (voided["current_amount"], voided["leader"], voided["minimum_amount"], voided["bid_count"]) == (
        None,
        None,
        "10.00",
        0,
    )
    assert run(open_desk.client, calls.snapshot(4)).recent_bids == ()
    open_desk.accept(ANNA, 1_000)


def test_only_a_bid_that_counts_can_be_voided(open_desk: FloorDriver) -> None:
    bid = open_desk.accept(ANNA, 1_000)
    assert code(run(open_desk.client, void(bid.v, BORIS))) == "no_such_bid"
    do(open_desk, void(bid.v, ANNA))
    assert code(run(open_desk.client, void(bid.v, ANNA))) == "no_such_bid"


def test_after_the_close_a_bid_is_voided_by_reopening_first(open_desk: FloorDriver) -> None:
    bid = open_desk.accept(ANNA, 1_000)
    open_desk.set_end_in(0)
    open_desk.close()
    assert code(run(open_desk.client, void(bid.v, ANNA))) == "not_open"
    reopened = do(open_desk, calls.reopen_lot(4, lot_id=LOT, reason="late_bid"))
    assert (reopened["type"], reopened["ends_at_ms"] - reopened["at_ms"]) == ("LOT_REOPENED", 30_000)
    do(open_desk, void(bid.v, ANNA))
    open_desk.set_end_in(0)
    closed = events(open_desk.close())[0]
    assert (closed["reason"], closed["closing_number"]) == ("no_bids", 2)


def test_reopening_takes_back_what_was_won(desk: FloorDriver) -> None:
    desk.open()
    desk.register(ANNA, limit=1_000)
    desk.accept(ANNA, 1_000)
    desk.hammer()
    do(desk, calls.reopen_lot(4, lot_id=LOT, reason="late_bid"))
    assert desk.client.hget(desk.keys.won, ANNA) == b"0"


def test_a_lot_reopens_only_until_the_next_one_opens(open_desk: FloorDriver) -> None:
    assert code(run(open_desk.client, calls.reopen_lot(4, lot_id=LOT, reason="x"))) == "not_closed"
    open_desk.hammer()
    open_desk.open_lot(run_id=71, lot_id=8)
    assert code(run(open_desk.client, calls.reopen_lot(4, lot_id=LOT, reason="x"))) == "wrong_lot"


def test_a_lot_can_be_withdrawn_also_while_paused(open_desk: FloorDriver) -> None:
    open_desk.accept(ANNA, 1_000)
    do(open_desk, calls.pause_lot(4, lot_id=LOT, reason="damage"))
    closed = events(open_desk.close("withdrawn"))[0]
    assert (closed["result"], closed["reason"], closed["winner"]) == ("withdrawn", "withdrawn", None)


COMMANDS = {
    "pause": lambda **desk: calls.pause_lot(4, reason="x", **desk),
    "extend": lambda **desk: calls.extend_lot(4, added_ms=1_000, **desk),
    "warn": lambda **desk: calls.fair_warning(4, **desk),
    "void": lambda **desk: calls.void_bid(4, registration_id=1, place=(1, 0), reason="x", **desk),
    "hammer": lambda **desk: calls.close_lot(4, reason="hammer", next_lot=None, **desk),
    "withdraw": lambda **desk: calls.close_lot(4, reason="withdrawn", next_lot=None, **desk),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_second_tap_cannot_change_the_next_lot(open_desk: FloorDriver, name: str) -> None:
    before = (open_desk.state(), open_desk.lot())
    assert code(run(open_desk.client, COMMANDS[name](lot_id=6))) == "wrong_lot"
    assert (open_desk.state(), open_desk.lot()) == before


@pytest.mark.parametrize("name", COMMANDS)
def test_a_tap_on_an_old_picture_changes_nothing(open_desk: FloorDriver, name: str) -> None:
    seen = int(open_desk.state()[b"v"])
    do(open_desk, calls.extend_lot(4, lot_id=LOT, added_ms=1_000))
    before = (open_desk.state(), open_desk.lot())
    assert code(run(open_desk.client, COMMANDS[name](lot_id=LOT, seen_v=seen))) == "stale"
    assert (open_desk.state(), open_desk.lot()) == before


def test_a_lot_opens_only_from_a_picture_of_the_last_close(open_desk: FloorDriver) -> None:
    """A second tap on "open next" finds the lot closed that the first one opened, and must open no other."""
    open_desk.hammer()
    seen = int(open_desk.state()[b"v"])
    assert isinstance(open_desk.open_lot(run_id=71, lot_id=8, seen_v=seen), Done)
    assert code(open_desk.open_lot(run_id=72, lot_id=9, seen_v=seen)) == "lot_open"
    open_desk.close("withdrawn", lot_id=8)
    before = (open_desk.state(), open_desk.lot())
    assert code(open_desk.open_lot(run_id=72, lot_id=9, seen_v=seen)) == "stale"
    assert (open_desk.state(), open_desk.lot()) == before
    assert isinstance(open_desk.open_lot(run_id=72, lot_id=9, seen_v=int(open_desk.state()[b"v"])), Done)


def test_the_first_lot_opens_from_no_picture_that_cannot_be(desk: FloorDriver) -> None:
    do(desk, calls.go_live(4, next_lot=None))
    assert code(desk.open_lot(run_id=71, seen_v=-1)) == "stale"
    assert isinstance(desk.open_lot(run_id=71, seen_v=0), Done)


def test_bids_do_not_make_the_desks_picture_old(open_desk: FloorDriver) -> None:
    seen = int(open_desk.state()[b"v"])
    open_desk.accept(ANNA, 1_000)
    do(open_desk, calls.extend_lot(4, lot_id=LOT, added_ms=1_000, seen_v=seen))


@pytest.mark.parametrize("name", COMMANDS)
def test_one_person_holds_the_rostrum(open_desk: FloorDriver, name: str) -> None:
    run(open_desk.client, calls.take_rostrum(4, actor=50))
    assert code(run(open_desk.client, COMMANDS[name](lot_id=LOT, actor=51))) == "not_on_rostrum"
    run(open_desk.client, calls.take_rostrum(4, actor=51))
    do(open_desk, calls.extend_lot(4, lot_id=LOT, added_ms=1_000, actor=51))
    assert [kind for _, kind in open_desk.log()].count("ROSTRUM") == 2


def test_every_code_of_the_scripts_is_known_and_has_its_words() -> None:
    folder = Path(scripts.__file__).parent / "lua"
    names = {path.stem for path in folder.glob("*.lua")} - {"place_bid", "lock_acquire", "presence", "token_bucket"}
    said = r"reply\('(\w+)'\)|\{ token, '(\w+)'|then return '(\w+)' end"
    found = {code for name in names for each in re.findall(said, scripts.script(name).source) for code in each if code}
    assert found - {"ok", "missing", "repeat"} == set(CommandCode)
    words = [lots._refusal(code) for code in CommandCode]
    assert lots._refusal("another") not in words
    assert len(words) - len(set(words)) == 1, "only not_closed and not_due say the same"


def test_a_lot_whose_end_nobody_saw_runs_one_window_more(open_desk: FloorDriver) -> None:
    open_desk.set_end_in(0)
    open_desk.client.hset(open_desk.keys.lot, "beat", int(open_desk.lot()["ends"]) - 5_001)
    extended = events(open_desk.close())[0]
    assert (extended["type"], extended["reason"], extended["extensions"]["used"]) == ("LOT_EXTENDED", "outage", 0)
    assert extended["ends_at_ms"] - extended["at_ms"] == 30_000
    open_desk.set_end_in(0)
    assert events(open_desk.close())[0]["type"] == "LOT_CLOSED"


def test_the_clocks_pulse_is_what_is_seen_of_a_lot(open_desk: FloorDriver) -> None:
    open_desk.client.hset(open_desk.keys.lot, "beat", 1)
    run(open_desk.client, calls.pulse(4))
    assert int(open_desk.lot()["beat"]) > 1
    open_desk.set_end_in(0)
    seen = open_desk.lot()["beat"]
    run(open_desk.client, calls.pulse(4))
    assert open_desk.lot()["beat"] == seen
