"""How one bid is decided: who leads, at what price, and what a refusal leaves untouched."""

import json
import re

import pytest

from bidding.engine import calls
from bidding.engine.calls import ANSWERS_REMEMBERED
from bidding.engine.outcomes import BidAccepted, BidRejected, FloorMissing, Standing
from bidding.engine.runner import run
from bidding.protocol import RefusalCode
from bidding.tests.conftest import ANNA, BORIS, CLARA, HOST, FloorDriver


def test_the_first_bid_needs_the_opening_amount(open_desk: FloorDriver) -> None:
    assert open_desk.refuse(ANNA, 999).minimum == 1_000
    assert open_desk.accept(ANNA, 1_000).standing is Standing.LEADING


def test_the_next_bid_needs_one_increment_more(open_desk: FloorDriver) -> None:
    open_desk.accept(ANNA, 1_000)
    refused = open_desk.refuse(BORIS, 1_499)
    assert (refused.code, refused.minimum, refused.price) == (RefusalCode.TOO_LOW, 1_500, 1_000)
    assert open_desk.accept(BORIS, 1_500).standing is Standing.LEADING


def test_an_equal_amount_never_takes_the_lead(open_desk: FloorDriver) -> None:
    open_desk.accept(ANNA, 1_000)
    assert open_desk.refuse(BORIS, 1_000).code == RefusalCode.TOO_LOW


def test_any_amount_above_the_minimum_counts_and_there_is_no_grid(open_desk: FloorDriver) -> None:
    open_desk.accept(ANNA, 1_000)
    open_desk.accept(BORIS, 1_777)
    assert open_desk.refuse(ANNA, 2_276).minimum == 2_277


def test_increments_follow_the_table_by_price(open_desk: FloorDriver) -> None:
    open_desk.accept(ANNA, 10_000)
    assert open_desk.refuse(BORIS, 10_999).minimum == 11_000


def test_the_leader_cannot_bid_against_themselves(open_desk: FloorDriver) -> None:
    open_desk.accept(ANNA, 1_000)
    assert open_desk.refuse(ANNA, 5_000).code == RefusalCode.ALREADY_LEADING


def test_a_maximum_stays_secret_and_buys_at_the_opening(open_desk: FloorDriver) -> None:
    decision = open_desk.decide(ANNA, 9_000, is_maximum=True)
    assert open_desk.lot()["price"] == "1000"
    assert all("9000" not in entry.text and "90.00" not in entry.text for entry in decision.entries)


def test_a_maximum_answers_one_increment_above_the_challenger(open_desk: FloorDriver) -> None:
    open_desk.accept(ANNA, 9_000, is_maximum=True)
    assert open_desk.accept(BORIS, 5_000).standing is Standing.OUTBID
    assert (open_desk.lot()["price"], open_desk.lot()["leader"]) == ("5500", str(ANNA))


def test_of_equal_maxima_the_earlier_wins(open_desk: FloorDriver) -> None:
    open_desk.accept(ANNA, 9_000, is_maximum=True)
    assert open_desk.accept(BORIS, 9_000, is_maximum=True).standing is Standing.OUTBID
    assert (open_desk.lot()["price"], open_desk.lot()["leader"]) == ("9000", str(ANNA))


def test_a_higher_maximum_pays_one_increment_above_the_second(open_desk: FloorDriver) -> None:
    open_desk.accept(ANNA, 5_000, is_maximum=True)
    open_desk.accept(BORIS, 9_000, is_maximum=True)
    assert (open_desk.lot()["price"], open_desk.lot()["leader"]) == ("5500", str(BORIS))


def test_raising_ones_own_maximum_moves_no_price_and_is_private(open_desk: FloorDriver) -> None:
    open_desk.accept(ANNA, 2_000, is_maximum=True)
    before = open_desk.state()[b"v"]
    decision = open_desk.decide(ANNA, 9_000, is_maximum=True)
    assert decision.entries == ()
    assert open_desk.state()[b"v"] == before
    assert (open_desk.lot()["price"], open_desk.lot()["max"], open_desk.lot()["bids"]) == ("1000", "9000", "1")
    assert open_desk.log()[-1] == (f"{before.decode()}-1", "MAX_RAISED")


def test_lowering_ones_own_maximum_is_refused(open_desk: FloorDriver) -> None:
    open_desk.accept(ANNA, 9_000, is_maximum=True)
    assert open_desk.refuse(ANNA, 9_000, is_maximum=True).minimum == 9_001


def test_the_first_maximum_at_the_reserve_lifts_the_price_to_it(desk: FloorDriver) -> None:
    desk.open(reserve=3_000)
    desk.accept(ANNA, 2_000, is_maximum=True)
    assert desk.lot()["price"] == "1000"
    desk.accept(ANNA, 4_000, is_maximum=True)
    assert desk.lot()["price"] == "3000"


def test_a_bid_at_the_buy_now_price_ends_the_lot_there(desk: FloorDriver) -> None:
    desk.open(buy_now=8_000, reserve=6_000)
    decision = desk.decide(ANNA, 9_000)
    assert isinstance(decision.answer, BidAccepted)
    assert decision.answer.amount == 8_000
    closed = json.loads(decision.entries[-1].text)
    assert (closed["type"], closed["result"], closed["reason"], closed["amount"]) == (
        "LOT_CLOSED",
        "sold",
        "buy_now",
        "80.00",
    )


def test_a_spending_limit_counts_what_buying_now_costs_not_what_was_offered(desk: FloorDriver) -> None:
    desk.open(buy_now=8_000, reserve=6_000)
    desk.register(ANNA, limit=8_000)
    assert desk.accept(ANNA, 9_999).amount == 8_000


def test_buy_now_goes_with_the_first_bid_where_there_is_no_reserve(desk: FloorDriver) -> None:
    desk.open(buy_now=8_000)
    desk.accept(ANNA, 1_000)
    desk.accept(BORIS, 8_000)
    assert desk.lot()["status"] == "open"


def test_a_maximum_is_limited_to_below_the_buy_now_price(desk: FloorDriver) -> None:
    desk.open(buy_now=8_000, reserve=6_000)
    assert desk.accept(ANNA, 9_000, is_maximum=True).maximum == 7_999
    assert desk.lot()["status"] == "open"


def test_a_jump_bid_needs_a_confirmation_that_is_fresh(open_desk: FloorDriver) -> None:
    refused = open_desk.refuse(ANNA, 10_001)
    assert refused.code == RefusalCode.TOO_HIGH
    assert open_desk.refuse(ANNA, 10_001, confirmed_at_ms=refused.at_ms - 60_001).code == RefusalCode.TOO_HIGH
    assert open_desk.accept(ANNA, 10_001, confirmed_at_ms=refused.at_ms).standing is Standing.LEADING


def test_a_bid_above_the_cap_needs_a_confirmation(desk: FloorDriver) -> None:
    desk.open(cap=5_000)
    assert desk.refuse(ANNA, 5_001).code == RefusalCode.TOO_HIGH


def test_a_spending_limit_counts_what_was_won(desk: FloorDriver) -> None:
    desk.open()
    desk.register(ANNA, limit=5_000)
    desk.accept(ANNA, 4_000)
    desk.hammer()
    desk.open_lot(run_id=71, lot_id=8)
    assert desk.refuse(ANNA, 1_001).code == RefusalCode.OVER_LIMIT
    assert desk.accept(ANNA, 1_000).standing is Standing.LEADING


@pytest.mark.parametrize(
    ("status", "code"),
    [("banned", RefusalCode.BANNED), ("pending", RefusalCode.NOT_REGISTERED), ("declined", RefusalCode.NOT_REGISTERED)],
)
def test_only_an_approved_paddle_may_be_raised(open_desk: FloorDriver, status: str, code: str) -> None:
    open_desk.register(ANNA, status=status)
    assert open_desk.refuse(ANNA, 1_000).code == code


def test_a_stranger_and_the_host_cannot_bid(open_desk: FloorDriver) -> None:
    assert open_desk.refuse(99, 1_000).code == RefusalCode.NOT_REGISTERED
    assert open_desk.refuse(HOST, 1_000).code == RefusalCode.OWN_LOT


def test_a_bid_names_its_lot_or_means_the_open_one(open_desk: FloorDriver) -> None:
    assert open_desk.refuse(ANNA, 1_000, lot_id=8).code == RefusalCode.WRONG_LOT
    assert open_desk.accept(ANNA, 1_000, lot_id=7).lot_id == 7


def test_a_bid_that_arrives_after_its_own_deadline_is_refused(open_desk: FloorDriver) -> None:
    now = run(open_desk.client, calls.pulse(4)).now_ms
    assert open_desk.refuse(ANNA, 1_000, not_after_ms=now - 1).code == RefusalCode.EXPIRED
    assert open_desk.accept(ANNA, 1_000, not_after_ms=now + 60_000)


def test_before_the_lot_opens_nothing_can_be_bid(desk: FloorDriver) -> None:
    assert desk.refuse(ANNA, 1_000).code == RefusalCode.NOT_OPEN


def test_nothing_is_accepted_at_or_after_the_end_even_if_nobody_closed(open_desk: FloorDriver) -> None:
    open_desk.set_end_in(0)
    refused = open_desk.refuse(ANNA, 1_000)
    assert refused.code == RefusalCode.TOO_LATE
    assert refused.late_ms is not None
    assert refused.late_ms >= 0


def test_time_never_goes_backwards(open_desk: FloorDriver) -> None:
    end = int(open_desk.lot()["ends"])
    open_desk.client.hset(open_desk.keys.state, "time", end)
    assert open_desk.refuse(ANNA, 1_000).code == RefusalCode.TOO_LATE


def test_a_repeat_gets_the_same_answer_and_takes_effect_once(open_desk: FloorDriver) -> None:
    first = open_desk.decide(ANNA, 1_000, bid_id="a")
    open_desk.accept(BORIS, 1_500)
    again = open_desk.decide(ANNA, 1_000, bid_id="a")
    assert again.repeated
    assert (again.answer, again.entries) == (first.answer, ())
    assert open_desk.lot()["bids"] == "2"


def test_a_refusal_is_final_for_its_id_too(open_desk: FloorDriver) -> None:
    refused = open_desk.refuse(ANNA, 900, bid_id="a")
    again = open_desk.decide(ANNA, 900, bid_id="a")
    assert (again.repeated, again.answer) == (True, refused)


@pytest.mark.parametrize("change", [{"amount": 1_500}, {"is_maximum": True}, {"lot_id": 7}])
def test_an_id_cannot_be_used_for_another_bid(open_desk: FloorDriver, change: dict[str, int]) -> None:
    open_desk.accept(ANNA, 1_000, bid_id="a")
    amount = change.pop("amount", 1_000)
    assert open_desk.refuse(ANNA, amount, bid_id="a", **change).code == RefusalCode.ID_REUSED


def test_two_bidders_may_use_the_same_id(open_desk: FloorDriver) -> None:
    open_desk.accept(ANNA, 1_000, bid_id="a")
    assert not open_desk.decide(BORIS, 1_500, bid_id="a").repeated


def test_so_many_answers_are_remembered_and_no_more(open_desk: FloorDriver) -> None:
    open_desk.refuse(CLARA, 1, bid_id="first")
    for number in range(ANSWERS_REMEMBERED):
        open_desk.refuse(CLARA, 1, bid_id=str(number))
    assert open_desk.client.hlen(open_desk.keys.answers(CLARA)) == ANSWERS_REMEMBERED
    assert run(open_desk.client, calls.bid_status(4, registration_id=CLARA, bid_id="first")) is None
    assert run(open_desk.client, calls.bid_status(4, registration_id=CLARA, bid_id="0")) is not None


def test_a_refusal_changes_nothing_but_its_own_memory(open_desk: FloorDriver) -> None:
    open_desk.accept(ANNA, 1_000)
    before = (open_desk.state(), open_desk.lot(), open_desk.log())
    for registration, amount, options in (
        (BORIS, 1_000, {}),
        (ANNA, 2_000, {}),
        (BORIS, 2_000, {"lot_id": 9}),
        (BORIS, 10**12, {}),
        (HOST, 2_000, {}),
        (BORIS, 2_000, {"not_after_ms": 1}),
    ):
        open_desk.refuse(registration, amount, bid_id=f"r{amount}{registration}{options}", **options)
    assert (open_desk.state(), open_desk.lot(), open_desk.log()) == before


def test_refusals_are_kept_for_disputes(open_desk: FloorDriver) -> None:
    open_desk.refuse(ANNA, 900, bid_id="a")
    [(_, fields)] = open_desk.client.xrange(open_desk.keys.refusals)  # type: ignore[misc]
    asked, _, answer = fields[b"answer"].decode().partition("\n")
    told = json.loads(answer)
    assert (fields[b"registration"], fields[b"id"], asked) == (str(ANNA).encode(), b"a", "bid 900 ")
    assert (told["code"], told["amount"], told["v"]) == ("too_low", 900, int(open_desk.state()[b"v"]))


@pytest.mark.parametrize(
    "amount",
    ["nan", "inf", "-inf", "1e5", "0x10", "-1", "0", "01", "1.5", "", " 1", "1 ", "\u0661", "9" * 15, "10000000000001"],
)
def test_what_is_no_amount_is_refused_by_the_script_itself(open_desk: FloorDriver, amount: str) -> None:
    before = (open_desk.state(), open_desk.lot(), open_desk.log())
    assert open_desk.refuse(ANNA, amount).code == RefusalCode.BAD_AMOUNT  # type: ignore[arg-type]
    assert (open_desk.state(), open_desk.lot(), open_desk.log()) == before


def test_amounts_of_fourteen_digits_are_exact(desk: FloorDriver) -> None:
    desk.open(opening=9_999_999_999_001, increments=[[0, 1]])
    decision = desk.decide(ANNA, 9_999_999_999_999)
    assert isinstance(decision.answer, BidAccepted)
    assert json.loads(decision.entries[0].text)["current_amount"] == "99999999999.99"


@pytest.mark.parametrize(("exponent", "written"), [(0, "1500"), (2, "15.00"), (3, "1.500")])
def test_amounts_are_written_in_the_auctions_currency(desk: FloorDriver, exponent: int, written: str) -> None:
    desk.client.hset(desk.keys.state, "exponent", exponent)
    desk.open()
    event = json.loads(desk.decide(ANNA, 1_500).entries[0].text)
    assert event["current_amount"] == written


def test_versions_are_gap_free_and_amounts_rise(open_desk: FloorDriver) -> None:
    amounts = []
    for turn in range(30):
        decision = open_desk.decide((ANNA, BORIS)[turn % 2], 1_000 + turn * 600)
        amounts += [json.loads(entry.text).get("current_amount") for entry in decision.entries]
    assert amounts == sorted(amounts, key=float)
    versions = [entry.partition("-")[0] for entry, _ in open_desk.log()]
    assert versions == [str(v) for v in range(1, len(versions) + 1)]


def test_a_bid_in_the_window_extends_and_one_before_it_does_not(desk: FloorDriver) -> None:
    desk.open()
    end = int(desk.lot()["ends"])
    desk.accept(ANNA, 1_000)
    assert int(desk.lot()["ends"]) == end
    desk.set_end_in(20_000)
    end = int(desk.lot()["ends"])
    decision = desk.decide(BORIS, 1_500)
    assert int(desk.lot()["ends"]) == end + 30_000
    extended = json.loads(decision.entries[1].text)
    assert (extended["type"], extended["reason"], extended["extensions"]) == (
        "LOT_EXTENDED",
        "bid",
        {"used": 1, "allowed": 20},
    )


def test_a_refused_bid_never_extends(open_desk: FloorDriver) -> None:
    open_desk.set_end_in(20_000)
    end = open_desk.lot()["ends"]
    open_desk.refuse(ANNA, 1)
    assert open_desk.lot()["ends"] == end


def test_raising_ones_own_maximum_never_extends(open_desk: FloorDriver) -> None:
    open_desk.accept(ANNA, 2_000, is_maximum=True)
    open_desk.set_end_in(20_000)
    end = open_desk.lot()["ends"]
    open_desk.accept(ANNA, 3_000, is_maximum=True)
    assert open_desk.lot()["ends"] == end


def test_extensions_end_at_their_cap(desk: FloorDriver) -> None:
    desk.open(extension_cap=2)
    for turn in range(4):
        desk.set_end_in(20_000)
        desk.accept((ANNA, BORIS)[turn % 2], 1_000 + 500 * turn)
    assert desk.lot()["extensions_used"] == "2"


def test_sudden_death_never_extends(desk: FloorDriver) -> None:
    desk.open(extension_cap=0)
    desk.set_end_in(20_000)
    end = desk.lot()["ends"]
    desk.accept(ANNA, 1_000)
    assert desk.lot()["ends"] == end


def test_reset_gives_the_full_time_again_and_never_shortens(desk: FloorDriver) -> None:
    desk.open(extension_mode="reset", extension_ms=10_000, window_ms=30_000)
    desk.set_end_in(5_000)
    answer = desk.accept(ANNA, 1_000)
    assert answer.ends_at_ms == answer.at_ms + 10_000
    desk.set_end_in(25_000)
    end = int(desk.lot()["ends"])
    assert desk.accept(BORIS, 1_500).ends_at_ms == end


def test_redis_that_knows_nothing_decides_nothing(floor: object, desk: FloorDriver) -> None:
    desk.client.flushall()
    with pytest.raises(FloorMissing):
        desk.decide(ANNA, 1_000)
    assert desk.client.keys() == []


def test_the_catalogue_of_refusal_codes_is_the_scripts_own(open_desk: FloorDriver) -> None:
    from bidding.engine.scripts import script

    source = script("place_bid").source
    written = set(re.findall(r"refuse\('(\w+)'", source)) | set(re.findall(r'"code":"(\w+)"', source)) - {"ok"}
    outside = {RefusalCode.SIGN_IN, RefusalCode.RATE_LIMITED, RefusalCode.UNAVAILABLE}
    assert written | {code.value for code in outside} == {code.value for code in RefusalCode}


def test_every_decision_says_at_which_version(open_desk: FloorDriver) -> None:
    accepted = open_desk.accept(ANNA, 1_000)
    refused = open_desk.refuse(BORIS, 1)
    assert isinstance(refused, BidRejected)
    assert refused.v == accepted.v == int(open_desk.state()[b"v"])
