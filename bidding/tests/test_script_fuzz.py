"""Calls the scripts directly with what no caller would send: no script error ever, no change where one is refused.

The typed calls of the engine cannot say most of this; whoever speaks to Redis with the application's credentials can.
"""

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import redis
from hypothesis import strategies as st

from bidding.engine import calls, scripts, side
from bidding.engine.calls import BidOffer, Call, NextLotInfo
from bidding.engine.keys import AuctionKeys
from bidding.engine.runner import run
from bidding.engine.scripts import script
from bidding.protocol import RefusalCode
from bidding.tests.conftest import RULES, FloorDriver
from bidding.tests.proving import without_sync

KEYS = AuctionKeys(4)
FOLDER = Path(scripts.__file__).parent / "lua"
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
        b"none": lambda key: None,  # its time ran out
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
@hypothesis.given(position=st.integers(1, 13), value=anything)
def test_no_argument_breaks_the_script_that_decides_bids(lively: redis.Redis, position: int, value: Any) -> None:
    begin(lively)
    keys, args = call_with(BidOffer(2, 1_500, bid_id="x"))
    args[position] = value
    before = state_of(lively)
    try:
        refused = answer_of(evaluate(lively, "place_bid", keys, args))["code"] != "ok"
    except redis.ResponseError:
        assert position > 10, "what a bidder says broke the script"
        refused = True
    if refused:
        assert state_of(lively) == before
    assert_log_can_be_read(lively)


def assert_log_can_be_read(client: redis.Redis, keys: AuctionKeys = KEYS) -> None:
    """Check that each entry is the JSON that the ledger reads: whatever was given is quoted, or was no part of it."""
    entries: Any = client.xrange(keys.log)
    for _, fields in entries:
        for part in (b"public", b"private"):
            json.loads(fields[part].decode(errors="replace") or "{}")


def commands() -> dict[str, list[Call[Any]]]:
    """Return calls of every script but the one for bids, each to be spoiled on the floor of `begin_for`."""
    following = NextLotInfo(8, "8", "Next", None, 1_000)
    desk: dict[str, Any] = {"lot_id": 7, "seen_v": 9, "actor": 1}
    opening: dict[str, Any] = {"lot_id": 8, "number": "8", "title": "B", "image_url": None, "rules": RULES}
    lost: dict[str, Any] = {"exponent": 2, "v": 0, "s": 0, "status": "live", "latest_ms": 0, "over": None}
    rest: dict[str, Any] = {"registrations": {}, "catalogue": {}, "won": {}, "offers": [], "recent": [], "runs": []}
    return {
        "bid_status": [calls.bid_status(4, registration_id=1, bid_id="a")],
        "bury": [calls.bury(5, tombstone_s=60)],
        "cancel_auction": [calls.cancel_auction(4, reason="x")],
        "clean_up": [calls.clean_up(10, stored_v=3, registration_ids=[1], lot_ids=[7], tombstone_s=60)],
        "close_lot": [
            calls.close_lot(auction, reason=reason, next_lot=following, **desk)
            for auction, reason in ((11, "time"), (11, "hammer"), (4, "withdrawn"))
        ],
        "end_auction": [calls.end_auction(7)],
        "extend_lot": [calls.extend_lot(4, added_ms=1_000, **desk)],
        "fair_warning": [calls.fair_warning(4, **desk)],
        "go_live": [calls.go_live(6, next_lot=following)],
        "open_lot": [calls.open_lot(auction, run_id=71, seen_v=9, actor=1, **opening) for auction in (7, 8)],
        "pause_lot": [calls.pause_lot(4, reason="x", **desk)],
        "pulse": [calls.pulse(4)],
        "rebuild": [calls.rebuild(5, epoch="e9", rest=rest | {"frozen": None, "lot": {}}, **lost)],
        "reopen_lot": [calls.reopen_lot(8, reason="x", **desk)],
        "resume_lot": [calls.resume_lot(9, **desk)],
        "schedule": [calls.schedule(5, epoch="e1", exponent=2)],
        "set_lot": [calls.set_lot(4, lot_id=9, opening=1_000)],
        "set_next_lot": [calls.set_next_lot(4, next_lot=following)],
        "set_registration": [
            calls.set_registration(4, registration_id=5, paddle=9, status="approved", spending_limit=9, barred=False)
        ],
        "snapshot": [calls.snapshot(4, registration_id=1)],
        "take_break": [calls.take_break(7, length_ms=60_000, next_lot=following, actor=1)],
        "take_rostrum": [calls.take_rostrum(4, actor=1)],
        "void_bid": [calls.void_bid(4, registration_id=1, place=(4, 0), reason="x", **desk)],
        "presence": [side.count_people(4, process="p", people=3, ttl_ms=60_000)],
        "token_bucket": [side.take_token("bucket", holds=3, refill_ms=60_000)],
        "lock_acquire": [Call(script("lock_acquire"), "t", ("holder", "fence"), ("t", "me", 60_000, 5), list)],
        "lock_release": [Call(script("lock_release"), "t", ("held",), ("t", "me"), list)],
    }


READS = ("bid_status", "snapshot")
ODD: tuple[Any, ...] = (
    *("nan", "-nan", "inf", "-1", "0", "1e5", "0x10", "1.5", "01", " 7", "7\n", "9" * 400, "10" * 7, "\u0661", "", "x"),
    *("{}", "[]", "7", "null", "[[0,0]]", "[[0,NaN]]", '"', "\\", "a\nb", "%s", b"\x00\xff", b"{\xff"),
)


def begin_for(client: redis.Redis, auction: int) -> None:
    """Start again with the auction in the state that a command needs: 5 is unknown, 6 scheduled."""
    if auction == 4:
        begin(client)
    else:
        client.flushall()
    desk = FloorDriver(client, auction)
    if auction > 5:
        desk.schedule()
    if auction in (7, 10):
        run(client, calls.go_live(auction, next_lot=None))
    if auction in (8, 9, 11):
        desk.open()
        desk.accept(1, 1_000)
    if auction == 8:
        desk.close("withdrawn")
    if auction == 9:
        run(client, calls.pause_lot(auction, lot_id=7, reason="x"))
    if auction == 10:
        run(client, calls.end_auction(auction))
    if auction == 11:  # warned of, and over
        run(client, calls.fair_warning(auction, lot_id=7))
        client.hset(desk.keys.lot, mapping={"hammer_at": 1, "ends": 1})
    client.set("held", "me")


def test_every_script_is_fuzzed() -> None:
    assert commands().keys() | {"place_bid"} == {path.stem for path in FOLDER.glob("*.lua")}


@pytest.mark.parametrize("name", commands())
def test_no_odd_argument_leaves_half_a_change(lively: redis.Redis, name: str) -> None:
    """Spoil each argument of a call that does something: it takes effect, is refused, or fails before it writes."""
    for call in commands()[name]:
        named = re.match(r"{auction:(\d+)}", call.keys[0])
        auction = int(named[1]) if named else 4
        begin_for(lively, auction)
        before = state_of(lively)
        evaluate(lively, name, call.keys, list(call.args))
        assert (state_of(lively) == before) == (name in READS), "nothing to be spoiled"
        begin_for(lively, auction)
        before = state_of(lively)
        for place, odd in itertools.product(range(1, len(call.args)), ODD):
            try:
                code = evaluate(lively, name, call.keys, [*call.args[:place], odd, *call.args[place + 1 :]])[1]
            except redis.ResponseError:
                code = b"error"
            if state_of(lively) != before:
                assert name in SIDE or code == b"ok", (place, odd, code)
                assert_log_can_be_read(lively, AuctionKeys(auction))
                if isinstance(odd, str):  # a title is a text: Redis could not know whether it is one
                    assert_all_goes_on(lively, AuctionKeys(auction))
                begin_for(lively, auction)
                before = state_of(lively)


SIDE = ("presence", "token_bucket", "lock_acquire", "lock_release")
"""Scripts that answer with a number."""


def assert_all_goes_on(client: redis.Redis, keys: AuctionKeys) -> None:
    """Check that what was written can be read by everybody who does, and bid on."""
    if client.exists(keys.state):
        seen = run(client, calls.snapshot(keys.auction_id, registration_id=1))
        json.loads(seen.lot or "{}")
        json.loads(seen.next or "{}")
        ends = run(client, calls.pulse(keys.auction_id)).ends_at_ms
        assert ends is None or ends < 10**16
        for lot, registration in ((None, 2), (8, 3), (9, 3)):
            run(client, calls.place_bid(keys.auction_id, BidOffer(registration, 1_500, is_maximum=True, lot_id=lot)))
    run(client, side.count_people(4, process="q", people=1, ttl_ms=60_000))
    run(client, side.take_token("bucket", holds=3, refill_ms=60_000))


@pytest.mark.parametrize("seen", ["nan", "-nan", "inf", "1e5", "1_0", "\u0661", "x"])
def test_what_is_no_version_has_seen_nothing(lively: redis.Redis, seen: str) -> None:
    begin(lively)
    call = calls.pause_lot(4, lot_id=7, reason="x")
    args: list[Any] = list(call.args)
    args[3] = seen
    assert evaluate(lively, "pause_lot", call.keys, args)[1] == b"stale"
