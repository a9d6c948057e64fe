"""What each message means for the state of a room, and when something is missing."""

import json
from pathlib import Path

import msgspec
import pytest

from paddle_client import Applied, RoomState
from paddle_client import messages as m

SAMPLES = json.loads((Path(__file__).parents[3] / "bidding/samples.json").read_text("utf-8"))["server"]
"""What the server says, as it documents it; the server's own tests hold them to its types."""


def sample(kind: str) -> dict:
    """Return the first sample of a type."""
    return next(each["payload"] for each in SAMPLES if each["payload"]["type"] == kind)


def decoded(*messages: dict) -> list[m.AnyMessage]:
    """Return the messages as they arrive in one frame."""
    return m.decode(json.dumps(list(messages)))


def lot(**changes) -> dict:
    """Return a lot as the wire has it, without a bid."""
    untouched = {"current_amount": None, "minimum_amount": "100.00", "leader": None, "bid_count": 0}
    return sample("STATE")["lot"] | untouched | {"ends_at_ms": 60_000} | changes


def first_state(v: int = 10, **changes) -> dict:
    """Return a STATE as the wire has it."""
    quiet = {"lot": lot(), "recent_bids": [], "participants": {"count": 3}, "chat": []}
    return sample("STATE") | quiet | {"v": v} | changes


def highest_bid(v: int, amount: str, paddle: int, *, from_v: int | None = None, bids: list | None = None) -> dict:
    """Return a HIGHEST_BID as the wire has it."""
    return sample("HIGHEST_BID") | {
        "v": v,
        "from_v": from_v or v,
        "current_amount": amount,
        "minimum_amount": amount,
        "leader": {"paddle": paddle},
        "bid_count": v - 10,
        "ends_at_ms": 60_000,
        "bids": bids or [{"v": v, "amount": amount, "paddle": paddle, "automatic": False, "at_ms": 2_000}],
    }


def event(kind: str, v: int, **fields) -> dict:
    """Return any other event as the wire has it."""
    return {"type": kind, "v": v, "epoch": "3f9c", "at_ms": 2_000, **fields}


def own(v: int, maximum: str) -> dict:
    """Return a YOU as the wire has it, of a leader who was read at a version."""
    return {"type": "YOU", "v": v, "epoch": "3f9c", "you": {"paddle": 9, "leading": True, "max_amount": maximum}}


@pytest.fixture
def state() -> RoomState:
    """Return a state at version 10 with lot 7 open."""
    room = RoomState()
    assert room.apply(decoded(first_state())[0]) is Applied.YES
    return room


def apply_all(state: RoomState, *messages: dict) -> list[Applied]:
    return [state.apply(message) for message in decoded(*messages)]


def test_a_price_moves_with_its_leader_and_history(state):
    assert apply_all(state, highest_bid(11, "100.00", 12), highest_bid(12, "110.00", 9)) == [Applied.YES] * 2
    assert (state.lot.current_amount, state.lot.leader.paddle, state.v) == ("110.00", 9, 12)
    assert [bid.amount for bid in state.recent_bids] == ["110.00", "100.00"]
    assert state.leads
    assert state.you.leading


def test_the_lead_is_lost_by_the_paddle_and_not_by_a_signal(state):
    apply_all(state, highest_bid(11, "100.00", 9), own(11, "150.00"))
    apply_all(state, highest_bid(12, "160.00", 12))
    assert not state.leads
    assert state.you.max_amount is None


def test_a_maximum_that_was_read_before_the_price_shown_is_not_taken(state):
    apply_all(state, highest_bid(11, "100.00", 9), highest_bid(12, "160.00", 9), own(11, "150.00"))
    assert (state.you.leading, state.you.max_amount) == (True, None)


def test_a_maximum_that_was_read_earlier_than_the_known_one_is_not_taken(state):
    apply_all(state, highest_bid(11, "100.00", 9), highest_bid(12, "110.00", 9))
    for late, shown in ((own(12, "200.00"), "200.00"), (own(11, "150.00"), "200.00"), (own(12, "180.00"), "200.00")):
        apply_all(state, late)
        assert state.you.max_amount == shown


def test_a_maximum_that_was_read_before_its_bid_was_voided_is_not_taken(state):
    voided = event("BID_VOIDED", 12, lot=7, paddle=9, current_amount="90.00", minimum_amount="95.00", bid_count=1)
    voided |= {"leader": {"paddle": 9}, "reserve_met": True, "recent_bids": []}
    apply_all(state, highest_bid(11, "100.00", 9), voided, own(11, "150.00"))
    assert state.you.max_amount is None
    apply_all(state, own(12, "95.00"))
    assert state.you.max_amount == "95.00"


def test_an_own_part_of_another_epoch_is_a_gap(state):
    assert apply_all(state, own(12, "95.00") | {"epoch": "else"}) == [Applied.GAP]


def test_a_missing_version_is_a_gap_and_changes_nothing(state):
    assert apply_all(state, highest_bid(12, "110.00", 9)) == [Applied.GAP]
    assert (state.v, state.lot.current_amount) == (10, None)


def test_a_merged_range_that_follows_is_no_gap(state):
    bids = [{"v": v, "amount": f"{v}0.00", "paddle": 12, "automatic": False, "at_ms": 2_000} for v in (13, 14, 15)]
    assert apply_all(state, highest_bid(15, "150.00", 12, from_v=11, bids=bids)) == [Applied.YES]
    assert (state.v, state.lot.current_amount) == (15, "150.00")
    assert [bid.v for bid in state.recent_bids] == [15, 14, 13]


def test_a_merged_range_that_overlaps_what_is_known_counts_once(state):
    apply_all(state, highest_bid(11, "100.00", 12))
    bids = [{"v": v, "amount": f"{v}0.00", "paddle": 12, "automatic": False, "at_ms": 2_000} for v in (11, 12)]
    assert apply_all(state, highest_bid(12, "120.00", 12, from_v=11, bids=bids)) == [Applied.YES]
    assert [bid.v for bid in state.recent_bids] == [12, 11]


def test_a_merged_range_that_begins_too_late_is_a_gap(state):
    assert apply_all(state, highest_bid(15, "150.00", 12, from_v=12)) == [Applied.GAP]


def test_what_was_known_already_is_old(state):
    apply_all(state, highest_bid(11, "100.00", 12))
    assert apply_all(state, highest_bid(11, "100.00", 12)) == [Applied.OLD]


def test_another_epoch_needs_the_whole_state(state):
    assert apply_all(state, {**highest_bid(11, "100.00", 12), "epoch": "beef"}) == [Applied.GAP]
    assert apply_all(state, {**first_state(2), "epoch": "beef"}) == [Applied.YES]
    assert (state.v, state.epoch) == (2, "beef")


def test_an_older_state_never_turns_the_price_back(state):
    apply_all(state, highest_bid(11, "100.00", 12))
    assert apply_all(state, first_state(10)) == [Applied.OLD]
    assert state.lot.current_amount == "100.00"


def test_a_heartbeat_tells_what_has_not_arrived(state):
    timer = {"type": "TIMER", "server_time_ms": 5_000, "lot": 7, "ends_at_ms": 60_000, "epoch": "3f9c"}
    assert apply_all(state, {**timer, "v": 10}, {**timer, "v": 11}) == [Applied.YES, Applied.BEHIND]
    assert apply_all(state, {**timer, "v": 10, "epoch": "beef"}) == [Applied.GAP]


def test_events_before_any_state_are_a_gap():
    assert apply_all(RoomState(), highest_bid(1, "100.00", 12)) == [Applied.GAP]


def test_a_lot_lives_through_pause_extension_and_its_end(state):
    apply_all(state, event("LOT_PAUSED", 11, lot=7, reason="host", remaining_ms=9_000))
    assert (state.open_lot, state.lot.remaining_ms, state.lot.ends_at_ms) == (None, 9_000, None)
    apply_all(state, event("LOT_RESUMED", 12, lot=7, ends_at_ms=70_000))
    assert (state.open_lot.ends_at_ms, state.open_lot.remaining_ms) == (70_000, None)
    apply_all(
        state,
        highest_bid(13, "100.00", 9),
        event(
            "LOT_EXTENDED",
            14,
            lot=7,
            reason="bid",
            ends_at_ms=90_000,
            added_ms=30_000,
            extensions={"used": 1, "allowed": 20},
        ),
        event("FAIR_WARNING", 15, lot=7, ends_at_ms=95_000),
    )
    assert (state.lot.ends_at_ms, state.lot.extensions.used) == (95_000, 1)
    apply_all(
        state,
        event("LOT_CLOSED", 16, lot=7, result="sold", reason="time", amount="100.00", winner={"paddle": 9}),
        event("LOT_NEXT", 17, next={"lot": 8, "number": "4", "title": "Lamp", "opens_at_ms": 99_000}),
    )
    assert (state.lot.status, state.lot.winner.paddle, state.next.lot) == ("sold", 9, 8)
    apply_all(state, event("LOT_REOPENED", 18, lot=7, reason="staff", ends_at_ms=120_000))
    assert (state.open_lot.result, state.open_lot.winner) == (None, None)


@pytest.mark.parametrize(("reason", "has_reserve"), [("reserve_waived", False), ("staff", True)])
def test_a_lot_that_is_sold_anyway_has_no_reserve_any_more(state, reason, has_reserve):
    apply_all(
        state,
        event("LOT_OPENED", 11, lot=lot(has_reserve=True, reserve_met=False), recent_bids=[]),
        event("LOT_CLOSED", 12, lot=7, result="passed", reason="reserve_not_met"),
        event("LOT_REOPENED", 13, lot=7, reason=reason, ends_at_ms=120_000),
    )
    assert (state.lot.status, state.lot.has_reserve, state.lot.reserve_met) == ("open", has_reserve, not has_reserve)


def test_the_next_lot_begins_without_history_and_lead(state):
    apply_all(state, highest_bid(11, "100.00", 9))
    apply_all(state, event("LOT_OPENED", 12, lot=lot(id=8, number="4"), recent_bids=[]))
    assert (state.lot.id, state.recent_bids, state.next, state.you.leading) == (8, (), None, False)


def test_a_voided_bid_gives_price_and_lead_back(state):
    apply_all(state, highest_bid(11, "100.00", 9), highest_bid(12, "110.00", 12))
    apply_all(
        state,
        event(
            "BID_VOIDED",
            13,
            lot=7,
            reason="mistake",
            voided_v=12,
            current_amount="100.00",
            minimum_amount="110.00",
            leader={"paddle": 9},
            bid_count=1,
            reserve_met=True,
            recent_bids=[{"v": 11, "amount": "100.00", "paddle": 9, "automatic": False, "at_ms": 1}],
        ),
    )
    assert (state.lot.current_amount, state.leads, [bid.v for bid in state.recent_bids]) == ("100.00", True, [11])


@pytest.mark.parametrize(("kind", "fields"), [("AUCTION_ENDED", {}), ("AUCTION_CANCELLED", {"reason": "illness"})])
def test_an_auction_is_over(state, kind, fields):
    assert not state.is_over
    apply_all(state, event(kind, 11, **fields))
    assert state.is_over


def test_events_of_another_lot_move_only_the_version(state):
    apply_all(state, {**highest_bid(11, "100.00", 9), "lot": 99})
    assert (state.v, state.lot.current_amount) == (11, None)


def test_missed_events_arrive_in_one_message(state):
    resumed = {
        "type": "RESUMED",
        "v": 12,
        "epoch": "3f9c",
        "server_time_ms": 5_000,
        "events": [highest_bid(11, "100.00", 12), highest_bid(12, "110.00", 9)],
        "you": {"signed_in": True, "paddle": 9, "leading": True, "can_bid": True},
    }
    assert apply_all(state, resumed) == [Applied.YES]
    assert (state.v, state.lot.current_amount, state.you.leading) == (12, "110.00", True)
    assert apply_all(state, {**resumed, "v": 14, "events": [highest_bid(14, "130.00", 9)]}) == [Applied.GAP]


def test_where_versions_have_holes_a_hole_is_no_gap():
    narrow = RoomState(has_holes=True)
    extended = event("LOT_EXTENDED", 13, lot=7, reason="bid", ends_at_ms=90_000, added_ms=30_000)
    extended["extensions"] = {"used": 1, "allowed": 20}
    assert apply_all(narrow, first_state(), extended) == [Applied.YES] * 2
    assert (narrow.v, narrow.lot.ends_at_ms) == (13, 90_000)
    # Prices moved since, which this seat is not told: it is up to date all the same.
    later = {"v": 17, "epoch": "3f9c", "events": [event("LOT_RESUMED", 15, lot=7, ends_at_ms=80_000)]}
    assert apply_all(narrow, sample("RESUMED") | later) == [Applied.YES]
    assert (narrow.v, narrow.lot.ends_at_ms) == (17, 80_000)
    assert apply_all(narrow, extended) == [Applied.OLD]


def test_chat_comes_and_goes(state):
    line = {"id": "a", "author": "Paddle 12", "paddle": 12, "role": None, "text": "hello", "at_ms": 1}
    apply_all(state, {"type": "CHAT", "line": line}, {"type": "CHAT", "line": line})
    assert [said.text for said in state.chat] == ["hello"]
    apply_all(state, {"type": "CHAT_REMOVED", "id": "a"}, {"type": "PARTICIPANTS", "count": 5})
    assert (state.chat, state.participants) == ((), 5)


def test_what_is_not_known_is_ignored(state):
    apply_all(state, {"type": "FIREWORKS", "color": "green"}, event("CATALOGUE_CHANGED", 11, surprise=True))
    assert state.v == 11


def test_snapshot_plus_events_is_a_later_snapshot(state):
    apply_all(
        state,
        highest_bid(11, "100.00", 12),
        highest_bid(12, "110.00", 9),
        event("LOT_CLOSED", 13, lot=7, result="sold", reason="time", amount="110.00", winner={"paddle": 9}),
    )
    later = RoomState()
    apply_all(
        later,
        first_state(
            13,
            lot=lot(
                status="sold",
                result="sold",
                reason="time",
                winner={"paddle": 9},
                current_amount="110.00",
                minimum_amount="110.00",
                leader={"paddle": 9},
                bid_count=2,
            ),
            recent_bids=[
                {"v": v, "amount": amount, "paddle": paddle, "automatic": False, "at_ms": 2_000}
                for v, amount, paddle in ((12, "110.00", 9), (11, "100.00", 12))
            ],
            you={"signed_in": True, "paddle": 9, "leading": True, "can_bid": True},
        ),
    )
    assert state == later


@pytest.mark.parametrize("message", [each["payload"] for each in SAMPLES], ids=lambda message: message["type"])
def test_every_sample_of_the_server_is_understood(state, message):
    (understood,) = decoded(message)

    assert not isinstance(understood, m.Unknown)
    kept = json.loads(msgspec.json.encode(understood))
    assert message | {name: kept[name] for name in message.keys() & kept.keys() if _is_plain(message[name])} == message
    assert isinstance(state.apply(understood), Applied)


def _is_plain(value: object) -> bool:
    return not isinstance(value, dict | list)
