"""Calls the scripts directly with what no caller would send: no script error ever, no change where one is refused.

The typed calls of the engine cannot say most of this; whoever speaks to Redis with the application's credentials can.
"""

import json
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import redis
from hypothesis import strategies as st

from bidding.engine import calls
from bidding.engine.calls import BidOffer
from bidding.engine.keys import AuctionKeys
from bidding.engine.scripts import script
from bidding.protocol import RefusalCode
from bidding.tests.conftest import FloorDriver
from bidding.tests.proving import without_sync

KEYS = AuctionKeys(4)
AMOUNT, KIND, LOT, BID_ID = 5, 6, 4, 3
"""Places among the arguments of `place_bid`."""

numbers = st.one_of(
    st.integers(-(10**30), 10**30).map(str),
    st.integers(1, 20_000).map(str),
    st.floats().map(str),
    st.sampled_from(("nan", "inf", "-0", "1e5", "0x10", "01", "1_0", " 1", "1 ", "1\n", "\u0661", "9" * 400, "10" * 7)),
)
anything = st.one_of(numbers, st.text(max_size=60), st.binary(max_size=60), st.sampled_from(("", "bid", "max", "7")))
texts = st.one_of(
    st.text(max_size=300),
    st.binary(max_size=300),
    st.sampled_from(('"', "\\", "\n", "a\nb", "\x00", "</script>", "%s%d%f", "x" * 70_000)),
)
FUZZ = hypothesis.settings(
    max_examples=300,
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture, hypothesis.HealthCheck.too_slow],
)


def state_of(client: redis.Redis) -> dict[bytes, Any]:
    """Return all that a refusal must leave as it is: everything but refusals and remembered answers.

    Values are read and not dumped: a hash keeps its fields in no order, and a server may move them while it only reads.
    """
    read: dict[bytes, Any] = {
        b"hash": client.hgetall,
        b"list": lambda key: client.lrange(key, 0, -1),
        b"set": client.smembers,
        b"stream": client.xrange,
        b"string": client.get,
        b"zset": lambda key: client.zrange(key, 0, -1, withscores=True),
    }
    return {
        key: (client.pttl(key) > 0, read[client.type(key)](key))
        for key in client.scan_iter(count=1_000)
        if b"answer" not in key and not key.endswith(b":refusals")
    }


def evaluate(client: redis.Redis, name: str, keys: tuple[str, ...], args: list[Any]) -> Any:
    """Run a script as it stands."""
    return client.eval(script(name).source, len(keys), *keys, *args)


def answer_of(reply: Any) -> dict[str, Any]:
    """Return the answer in a reply of `place_bid`."""
    answer: dict[str, Any] = json.loads(reply[3])
    return answer


def call_with(offer: BidOffer) -> tuple[tuple[str, ...], list[Any]]:
    """Return keys and arguments of a bid, to be spoiled."""
    call = calls.place_bid(4, offer)
    return call.keys, list(call.args)


def begin(client: redis.Redis) -> None:
    """Start again with an open lot that has a leader, and a lot that takes pre-bids."""
    client.flushall()
    desk = FloorDriver(client)
    desk.schedule()
    desk.open(reserve=5_000, buy_now=90_000)
    client.hset(KEYS.catalogue, "8", '{"opening":1000,"buy_now":null,"cap":null}')
    desk.accept(1, 1_000)


@pytest.fixture
def lively(floor: redis.Redis) -> Iterator[redis.Redis]:
    """Return the client of a floor that every example begins anew."""
    with without_sync(floor):
        yield floor


@FUZZ
@hypothesis.given(amount=st.one_of(numbers, texts), maximum=st.booleans())
def test_an_amount_is_a_whole_number_in_range_or_refused(lively: redis.Redis, amount: Any, maximum: bool) -> None:
    begin(lively)
    keys, args = call_with(BidOffer(2, 1, is_maximum=maximum))
    args[AMOUNT] = amount
    before = state_of(lively)
    answer = answer_of(evaluate(lively, "place_bid", keys, args))
    text = amount.decode("latin-1") if isinstance(amount, bytes) else amount
    valid = text.isascii() and text.isdigit() and not text.startswith("0") and int(text) <= 10**13
    assert (answer["code"] != RefusalCode.BAD_AMOUNT) == valid
    if answer["code"] != "ok":
        assert answer["code"] in set(RefusalCode)
        assert state_of(lively) == before


@FUZZ
@hypothesis.given(bid_id=texts, amount=st.sampled_from((1, 1_500, 2_000, 10**13)), channel=texts)
def test_any_id_is_remembered_as_it_is(lively: redis.Redis, bid_id: Any, amount: int, channel: Any) -> None:
    begin(lively)
    keys, args = call_with(BidOffer(3, amount))
    args[BID_ID], args[9] = bid_id, channel
    first = evaluate(lively, "place_bid", keys, args)
    again = evaluate(lively, "place_bid", keys, args)
    if bid_id:
        assert (again[2], again[3]) == (first[2], first[3])
        assert again[1] == b"repeat"


@FUZZ
@hypothesis.given(
    registration=st.integers(0, 10),
    lot=st.sampled_from(("", "7", "8", "9", "07", "7.0", "7 ", "nan", "0x7", "-7", "7\n", "\u0667")),
    amount=st.integers(0, 200_000),
    kind=st.sampled_from(("bid", "max")),
    until=st.one_of(st.just(""), st.integers(-(10**15), 10**15).map(str)),
    confirmed=st.one_of(st.just(""), st.integers(-(10**15), 10**15).map(str)),
)
def test_whatever_is_named_is_decided_or_refused(
    lively: redis.Redis, registration: int, lot: str, amount: int, kind: str, until: str, confirmed: str
) -> None:
    begin(lively)
    keys, args = call_with(BidOffer(registration, amount))
    args[LOT], args[KIND], args[7], args[8] = lot, kind, until, confirmed
    before = state_of(lively)
    answer = answer_of(evaluate(lively, "place_bid", keys, args))
    if answer["code"] != "ok":
        assert answer["code"] in set(RefusalCode)
        assert state_of(lively) == before
    else:
        assert answer["lot"] in (7, 8)


@FUZZ
@hypothesis.given(position=st.integers(2, 10), value=anything)
def test_no_argument_breaks_the_script_that_decides_bids(lively: redis.Redis, position: int, value: Any) -> None:
    begin(lively)
    keys, args = call_with(BidOffer(2, 1_500, bid_id="x"))
    args[position] = value
    before = state_of(lively)
    reply = evaluate(lively, "place_bid", keys, args)
    if answer_of(reply)["code"] != "ok":
        assert state_of(lively) == before
    assert_log_can_be_read(lively)


def assert_log_can_be_read(client: redis.Redis) -> None:
    """Check that each entry is the JSON that the ledger reads: whatever was given is quoted, or was no part of it."""
    entries: Any = client.xrange(KEYS.log)
    for _, fields in entries:
        for part in (b"public", b"private"):
            json.loads(fields[part].decode(errors="replace") or "{}")


DESK = {
    "extend_lot": calls.extend_lot(4, lot_id=7, added_ms=1_000),
    "pause_lot": calls.pause_lot(4, lot_id=7, reason="x"),
    "resume_lot": calls.resume_lot(4, lot_id=7),
    "fair_warning": calls.fair_warning(4, lot_id=7),
    "void_bid": calls.void_bid(4, lot_id=7, registration_id=1, place=(1, 0), reason="x"),
    "reopen_lot": calls.reopen_lot(4, lot_id=7, reason="x"),
    "close_lot": calls.close_lot(4, lot_id=7, reason="time", next_lot=None),
}


@pytest.mark.parametrize("name", DESK)
@hypothesis.settings(FUZZ, max_examples=60)
@hypothesis.given(lot=st.one_of(st.just("7"), anything), seen=st.one_of(st.just(""), numbers))
def test_the_desks_guards_take_anything(lively: redis.Redis, name: str, lot: Any, seen: str) -> None:
    begin(lively)
    call = DESK[name]
    args: list[Any] = list(call.args)
    args[2] = lot
    args[9 if name == "close_lot" else 3] = seen
    before = state_of(lively)
    reply = evaluate(lively, name, call.keys, args)
    if reply[1] != b"ok":
        assert state_of(lively) == before


@pytest.mark.parametrize("seen", ["nan", "-nan", "1_0", "\u0661", "x"])
def test_what_is_no_version_has_seen_nothing(lively: redis.Redis, seen: str) -> None:
    begin(lively)
    call = DESK["pause_lot"]
    args: list[Any] = list(call.args)
    args[3] = seen
    assert evaluate(lively, "pause_lot", call.keys, args)[1] == b"stale"
