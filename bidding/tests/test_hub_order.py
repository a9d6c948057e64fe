"""What a room makes of announcements that come late, twice, out of order or in a crowd. No Redis, no sockets."""

import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auctions.money import CURRENCIES
from bidding import protocol
from bidding.engine.outcomes import Snapshot
from bidding.protocol import Namespace
from bidding.room.conflation import EVERYBODY, conflated, mask_of
from bidding.room.entrance import Visitor
from bidding.room.room import MOST_WAITING, Room
from bidding.room.seats import Seat
from bidding.room.transport import Frame
from bidding.selectors import RoomInfo

ANNA, BORIS, CLARA = 101, 102, 103


class Tape:
    """A line that keeps what was sent, and can be made to stall."""

    def __init__(self) -> None:
        self.frames: list[Any] = []
        self.stalled = False
        self.code: int | None = None

    def write(self, frame: Frame) -> bool:
        if not self.stalled:
            self.frames.append(json.loads(frame.payload))
        return not self.stalled

    def is_clear(self) -> bool:
        return not self.stalled

    def close(self, code: int, reason: str = "") -> None:
        self.code = code

    def limit(self, size: int) -> None:
        pass

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [message for frame in self.frames for message in (frame if isinstance(frame, list) else [frame])]


def new_room(v: int = 0) -> Room:
    stream = protocol.StreamPart(state="none")
    room = Room(RoomInfo(4, 1, "Friday night", "live", CURRENCIES["EUR"], False, None, stream))
    room.begin(Snapshot("e1", v, 0, "live", None, None))
    return room


def seat_in(room: Room, *, paddle: int | None = None, namespaces: Iterable[Namespace] = Namespace) -> Tape:
    tape = Tape()
    visitor = Visitor(user_id=paddle, paddle=paddle, status="approved")
    seat = Seat(auction_id=4, line=tape, mask=mask_of(namespaces), visitor=visitor, address=None)
    room.add(seat)
    seat.is_current = True
    room.waiting.discard(seat)
    return tape


def bid(v: int, paddle: int = ANNA, *, lot: int = 7, epoch: str = "e1") -> tuple[int, str]:
    amount = f"{v}.00"
    event = {
        "type": "HIGHEST_BID",
        "v": v,
        "epoch": epoch,
        "at_ms": v,
        "from_v": v,
        "lot": lot,
        "current_amount": amount,
        "minimum_amount": f"{v + 5}.00",
        "leader": {"paddle": paddle},
        "bids": [{"v": v, "amount": amount, "paddle": paddle, "automatic": False, "at_ms": v}],
    }
    return v, json.dumps(event)


def other(v: int, kind: str = "LOT_EXTENDED", **fields: Any) -> tuple[int, str]:
    return v, json.dumps({"type": kind, "v": v, "epoch": "e1", "at_ms": v, "lot": 7, **fields})


def covered(messages: Iterable[dict[str, Any]]) -> list[int]:
    """Return every version that the messages stand for, in the order in which they came."""
    return [v for message in messages for v in range(message.get("from_v", message["v"]), message["v"] + 1)]


@given(st.permutations(range(1, 13)), st.lists(st.integers(1, 12)), st.sets(st.integers(1, 12)), st.integers(1, 5))
def test_each_version_arrives_once_and_in_order(
    order: list[int], repeats: list[int], extensions: set[int], at_once: int
) -> None:
    room = new_room()
    tape = seat_in(room)
    arriving = [*order, *repeats]
    for start in range(0, len(arriving), at_once):
        room.take("e1", [other(v) if v in extensions else bid(v) for v in arriving[start : start + at_once]])
        room.flush()
    assert covered(tape.messages) == list(range(1, 13))


def test_a_late_version_is_waited_for() -> None:
    room = new_room()
    tape = seat_in(room)
    room.take("e1", [bid(2), bid(3)])
    room.flush()
    assert (tape.messages, room.has_gap) == ([], True)
    room.take("e1", [bid(1)])
    room.flush()
    assert covered(tape.messages) == [1, 2, 3]
    assert not room.has_gap


def test_bids_of_a_window_travel_as_one_with_the_last_three() -> None:
    room = new_room()
    tape = seat_in(room)
    room.take("e1", [bid(v, ANNA + v % 2) for v in range(1, 8)])
    room.flush()
    (frame,) = tape.frames
    assert (frame["from_v"], frame["v"], frame["current_amount"]) == (1, 7, "7.00")
    assert [entry["v"] for entry in frame["bids"]] == [5, 6, 7]


def test_nothing_but_bids_of_one_lot_is_merged() -> None:
    texts = [bid(1), bid(2), other(3), bid(4), bid(5, lot=8), other(6), other(7)]
    events = [json.loads(event) for event in conflated(text for _, text in texts)]
    assert [(event["type"], event.get("from_v", event["v"]), event["v"]) for event in events] == [
        ("HIGHEST_BID", 1, 2),
        ("LOT_EXTENDED", 3, 3),
        ("HIGHEST_BID", 4, 4),
        ("HIGHEST_BID", 5, 5),
        ("LOT_EXTENDED", 6, 6),
        ("LOT_EXTENDED", 7, 7),
    ]


def test_who_led_for_a_moment_hears_that_they_were_outbid() -> None:
    room = new_room()
    anna, boris, clara = (seat_in(room, paddle=paddle) for paddle in (ANNA, BORIS, CLARA))
    room.take("e1", [bid(1, ANNA)])
    room.flush()
    room.take("e1", [bid(2, BORIS), bid(3, CLARA)])
    room.flush()
    for tape, outbid in ((anna, True), (boris, True), (clara, False)):
        kinds = [message["type"] for message in tape.messages]
        assert ("OUTBID" in kinds) is outbid
    assert anna.messages[-1] == {"type": "OUTBID", "lot": 7, "amount": "3.00", "minimum_amount": "8.00", "v": 3}


def test_who_took_the_lead_back_in_time_hears_nothing() -> None:
    room = new_room()
    anna = seat_in(room, paddle=ANNA)
    room.take("e1", [bid(1, ANNA)])
    room.flush()
    room.take("e1", [bid(2, BORIS), bid(3, ANNA)])
    room.flush()
    assert [message["type"] for message in anna.messages] == ["HIGHEST_BID", "HIGHEST_BID"]


@pytest.mark.parametrize(
    ("namespace", "kinds"),
    [
        (Namespace.BID, ["LOT_OPENED", "HIGHEST_BID", "LOT_EXTENDED", "AUCTION_ENDED", "TIMER"]),
        (Namespace.TIMER, ["LOT_OPENED", "LOT_EXTENDED", "AUCTION_ENDED", "TIMER"]),
        (Namespace.CHAT, ["AUCTION_ENDED", "CHAT"]),
    ],
)
def test_a_namespace_gets_its_own(namespace: Namespace, kinds: list[str]) -> None:
    room = new_room()
    tape = seat_in(room, namespaces=[namespace])
    opened = (1, json.dumps({"type": "LOT_OPENED", "v": 1, "epoch": "e1", "at_ms": 1, "lot": {"id": 7}}))
    room.take("e1", [opened, bid(2), other(3), other(4, "AUCTION_ENDED")])
    timer = protocol.Timer(server_time_ms=1, lot=7, ends_at_ms=2, v=4, epoch="e1")
    line = protocol.ChatLine(id="1-0", author="Guest", paddle=None, role=None, text="hi", at_ms=1)
    room.signal(None, protocol.encode(timer).decode())
    room.signal(Namespace.CHAT, protocol.encode(protocol.Chat(line=line)).decode())
    room.flush()
    assert [message["type"] for message in tape.messages] == kinds


def test_another_epoch_begins_the_room_anew() -> None:
    room = new_room()
    seat_in(room)
    room.take("e2", [bid(9, epoch="e2")])
    assert room.epoch is None
    assert [seat.is_current for seat in room] == [False]
    room.begin(Snapshot("e2", 8, 0, "live", None, None))
    assert (room.v, room.has_gap) == (9, False)


def test_a_heartbeat_tells_of_what_was_missed() -> None:
    room = new_room()
    timer = protocol.Timer(server_time_ms=1, lot=7, ends_at_ms=2, v=3, epoch="e1")
    assert room.signal(None, protocol.encode(timer).decode())
    assert room.has_gap


def test_a_stalled_seat_is_sent_nothing_until_it_has_its_state() -> None:
    room = new_room()
    stalled, healthy = seat_in(room), seat_in(room)
    stalled.stalled = True
    room.take("e1", [bid(1)])
    room.flush()
    stalled.stalled = False
    room.take("e1", [bid(2)])
    room.flush()
    assert covered(healthy.messages) == [1, 2]
    assert stalled.messages == []
    assert len(room.waiting) == 1


def test_what_piles_up_is_bounded() -> None:
    room = new_room()
    seat_in(room)
    room.take("e1", [other(v) for v in range(1, MOST_WAITING + 100)])
    room.flush()
    assert [seat.is_current for seat in room] == [False]
    room.take("e1", [other(v) for v in range(10_000, 20_000)])
    assert len(room._ahead) <= MOST_WAITING


def test_masks_cover_every_namespace() -> None:
    assert mask_of(Namespace) == EVERYBODY
