"""Opening, closing and ending on the bare engine: each once, whatever runs twice."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bidding.engine import calls
from bidding.engine.calls import NextLotInfo
from bidding.engine.outcomes import Done, FloorMissing, NotDone
from bidding.engine.runner import run
from bidding.tests.conftest import ANNA, BORIS, FloorDriver

NEXT = NextLotInfo(8, "13", "A chair", None, 3_000)


def events(outcome: Done | NotDone) -> list[dict[str, Any]]:
    assert isinstance(outcome, Done), outcome
    return [json.loads(entry.text) for entry in outcome.entries]


def code(outcome: Done | NotDone) -> str:
    assert isinstance(outcome, NotDone), outcome
    return outcome.code


def test_going_live_says_what_comes_next(desk: FloorDriver) -> None:
    live, following = events(run(desk.client, calls.go_live(4, next_lot=NEXT)))
    assert (live["type"], following["type"]) == ("AUCTION_LIVE", "LOT_NEXT")
    assert following["next"]["lot"] == 8
    assert events(run(desk.client, calls.go_live(4, next_lot=NEXT))) == []


def test_a_lot_closes_once_whoever_asks_how_often(open_desk: FloorDriver) -> None:
    open_desk.accept(ANNA, 1_000)
    assert code(open_desk.close()) == "not_due"
    open_desk.set_end_in(0)
    closed, _following = events(open_desk.close())
    assert (closed["result"], closed["reason"], closed["amount"], closed["winner"]) == (
        "sold",
        "time",
        "10.00",
        {"paddle": 101},
    )
    again = open_desk.close()
    assert isinstance(again, NotDone)
    assert again.code == "already_closed"
    assert [kind for _, kind in open_desk.log()].count("LOT_CLOSED") == 1


def test_a_lot_without_bids_passes(open_desk: FloorDriver) -> None:
    closed = events(open_desk.hammer())[0]
    assert (closed["result"], closed["reason"], closed["amount"], closed["winner"]) == ("passed", "no_bids", None, None)


def test_a_lot_below_its_reserve_passes_and_names_no_price(desk: FloorDriver) -> None:
    desk.open(reserve=5_000)
    desk.accept(ANNA, 2_000)
    closed = events(desk.hammer())[0]
    assert (closed["result"], closed["reason"], closed["amount"]) == ("passed", "reserve_not_met", None)


def test_closing_names_the_lot_that_it_means(open_desk: FloorDriver) -> None:
    outcome = open_desk.close("withdrawn", lot_id=8)
    assert isinstance(outcome, NotDone)
    assert outcome.code == "wrong_lot"


def test_one_lot_is_open_at_a_time(open_desk: FloorDriver) -> None:
    outcome = open_desk.open_lot(run_id=71, lot_id=8)
    assert isinstance(outcome, NotDone)
    assert outcome.code == "lot_open"


def test_opening_the_same_run_twice_is_harmless_and_after_its_close_refused(open_desk: FloorDriver) -> None:
    assert events(open_desk.open_lot(run_id=70)) == []
    open_desk.hammer()
    outcome = open_desk.open_lot(run_id=70)
    assert isinstance(outcome, NotDone)
    assert outcome.code == "already_closed"


def test_a_new_lot_starts_clean(open_desk: FloorDriver) -> None:
    open_desk.accept(ANNA, 1_000)
    open_desk.hammer()
    open_desk.open_lot(run_id=71, lot_id=8)
    state = run(open_desk.client, calls.snapshot(4, registration_id=ANNA))
    assert state.lot is not None
    lot = json.loads(state.lot)
    assert (lot["id"], lot["current_amount"], lot["leader"], lot["bid_count"]) == (8, None, None, 0)
    assert (state.recent_bids, state.own and state.own.leading) == ((), False)


def test_titles_of_the_host_are_escaped(open_desk: FloorDriver) -> None:
    state = run(open_desk.client, calls.snapshot(4))
    assert state.lot is not None
    assert json.loads(state.lot)["title"] == 'Brass "lamp" <b>é'


def test_the_show_ends_when_no_lot_is_open(open_desk: FloorDriver) -> None:
    refused = run(open_desk.client, calls.end_auction(4))
    assert isinstance(refused, NotDone)
    assert refused.code == "lot_open"
    open_desk.hammer()
    assert [event["type"] for event in events(run(open_desk.client, calls.end_auction(4)))] == ["AUCTION_ENDED"]
    assert events(run(open_desk.client, calls.end_auction(4))) == []


def test_cancelling_withdraws_the_open_lot(open_desk: FloorDriver) -> None:
    open_desk.accept(ANNA, 1_000)
    closed, cancelled = events(run(open_desk.client, calls.cancel_auction(4, reason="host_ill")))
    assert (closed["result"], closed["reason"], closed["amount"]) == ("withdrawn", "cancelled", None)
    assert (cancelled["type"], cancelled["reason"]) == ("AUCTION_CANCELLED", "host_ill")
    assert open_desk.refuse(BORIS, 1_500).code == "not_open"


def test_keys_go_only_when_all_is_stored_and_leave_a_tombstone(open_desk: FloorDriver) -> None:
    def clean(stored_v: int) -> Done | NotDone:
        return run(
            open_desk.client,
            calls.clean_up(4, stored_v=stored_v, registration_ids=[1, 2, 3, 4], lot_ids=[7, 8], tombstone_s=60),
        )

    open_desk.accept(ANNA, 1_000, bid_id="a")
    early = clean(99)
    assert isinstance(early, NotDone)
    assert early.code == "not_over"
    open_desk.hammer()
    ended = run(open_desk.client, calls.end_auction(4))
    for stored in (ended.v - 1, ended.v + 1):
        outcome = clean(stored)
        assert isinstance(outcome, NotDone)
        assert outcome.code == "not_stored"
    assert isinstance(clean(ended.v), Done)
    assert open_desk.client.keys() == [open_desk.keys.tombstone.encode()]
    assert isinstance(clean(ended.v), Done)
    assert open_desk.refuse(BORIS, 1_500).code == "not_open"
    outcome = run(open_desk.client, calls.schedule(4, epoch="e2", exponent=2))
    assert isinstance(outcome, NotDone)
    assert outcome.code == "over"


def test_refusals_that_are_not_stored_keep_the_keys(open_desk: FloorDriver) -> None:
    open_desk.hammer()
    ended = run(open_desk.client, calls.end_auction(4))
    open_desk.refuse(ANNA, 1_000)
    outcome = run(
        open_desk.client, calls.clean_up(4, stored_v=ended.v, registration_ids=[], lot_ids=[], tombstone_s=60)
    )
    assert isinstance(outcome, NotDone)
    assert outcome.code == "not_stored"


@pytest.mark.parametrize(
    "call",
    [
        calls.go_live(5, next_lot=None),
        calls.end_auction(5),
        calls.cancel_auction(5, reason="x"),
        calls.pulse(5),
        calls.snapshot(5),
        calls.close_lot(5, lot_id=1, reason="time", next_lot=None),
    ],
    ids=lambda call: call.script.name,
)
def test_an_unknown_auction_is_never_made_up(desk: FloorDriver, call: calls.Call[object]) -> None:
    with pytest.raises(FloorMissing):
        run(desk.client, call)
    assert not desk.client.keys("*auction:5*")


def test_a_script_survives_an_empty_script_cache(open_desk: FloorDriver) -> None:
    open_desk.client.script_flush()
    open_desk.accept(ANNA, 1_000)


@pytest.mark.parametrize(
    "path", sorted((Path(calls.__file__).parent / "lua").glob("*.lua")), ids=lambda path: path.stem
)
def test_every_script_says_what_it_takes_and_gives(path: Path) -> None:
    header = re.match(r"(--[^\n]*\n)+", path.read_text("utf-8"))
    assert header is not None
    for part in ("-- KEYS:", "-- ARGV:", "-- Returns:", "-- Emits:"):
        assert part in header[0]
