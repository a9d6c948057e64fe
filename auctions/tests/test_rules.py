"""The rules of a lot: ladders, presets, sentences, and what a run keeps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auctions import rules
from auctions.errors import Refused
from auctions.models import Auction, Lot
from auctions.money import CURRENCIES, MAX_AMOUNT

EUR, JPY, KWD = CURRENCIES["EUR"], CURRENCIES["JPY"], CURRENCIES["KWD"]
LADDER = [[0, 500], [10_000, 1_000], [50_000, 2_500]]


@pytest.mark.parametrize(
    ("price", "minimum"),
    [
        (0, 500),
        (9_999, 10_499),
        (10_000, 11_000),
        (10_001, 11_001),
        (49_999, 50_999),
        (50_000, 52_500),
        (10**9, 10**9 + 2_500),
    ],
)
def test_the_step_is_that_of_the_price_reached(price, minimum):
    assert rules.minimum_after(price, LADDER) == minimum


@given(st.integers(0, MAX_AMOUNT))
def test_the_next_bid_is_always_higher(price):
    assert rules.minimum_after(price, LADDER) > price


@pytest.mark.parametrize("currency", CURRENCIES.values(), ids=lambda currency: currency.code)
@pytest.mark.parametrize("key", rules.INCREMENT_PRESETS)
def test_every_preset_is_a_valid_ladder_in_every_currency(key, currency):
    table = rules.preset_increments(key, currency)
    assert rules.check_increments(table) == table
    assert rules.parse_increments(rules.write_increments(table, currency), currency) == table


@pytest.mark.parametrize(
    "table",
    [
        None,
        [],
        {},
        "0: 5",
        [[0]],
        [[0, 0]],
        [[0, -5]],
        [[1, 5]],
        [[0, 5], [0, 6]],
        [[0, 5], [100, 6], [50, 7]],
        [[0, 5.0]],
        [[0, "5"]],
        [[0, True]],
        [[False, 5]],
        [[0, MAX_AMOUNT + 1]],
        [[0, 5], [MAX_AMOUNT + 1, 5]],
        [[0, 5, 6]],
        [[index, 5] for index in range(31)],
    ],
)
def test_a_table_that_is_none_is_refused_at_its_field(table):
    with pytest.raises(Refused) as refused:
        rules.check_increments(table)
    assert refused.value.field == "increments"
    assert refused.value.message


@pytest.mark.parametrize(
    ("text", "currency", "table"),
    [
        ("0: 5, 100: 10", EUR, [[0, 500], [10_000, 1_000]]),
        ("0:5;100:10", EUR, [[0, 500], [10_000, 1_000]]),
        ("0.00: 0.50\n10: 1", EUR, [[0, 50], [1_000, 100]]),
        ("0: 500, 10000: 1000", JPY, [[0, 500], [10_000, 1_000]]),
        ("0: 0.250", KWD, [[0, 250]]),
    ],
)
def test_a_host_writes_steps_in_the_currency(text, currency, table):
    assert rules.parse_increments(text, currency) == table


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "0: five",
        "0: 1e3",
        "0: -5",
        "0; 5",
        "0: 5: 6",
        "0: 0",
        "0: 0.005",
        "a: 5",
        "0: \N{ARABIC-INDIC DIGIT FIVE}",
    ],
)
def test_steps_that_cannot_be_read_are_refused_in_words(text):
    with pytest.raises(Refused) as refused:
        rules.parse_increments(text, EUR)
    assert refused.value.field == "increments"


def lot(**changes):
    values = {
        "auction": Auction(currency_code="EUR"),
        "number": "1",
        "title": "Lamp",
        "opening_amount": 10_000,
        "increments": LADDER,
        "duration_ms": 60_000,
        "window_ms": 30_000,
        "extension_ms": 30_000,
        "extension_mode": "add",
        "extension_cap": 20,
    }
    return Lot(**(values | changes))


def test_a_run_keeps_exactly_the_rules_that_the_engine_takes():
    assert rules.frozen_rules(lot(reserve_amount=15_000)) == {
        "opening": 10_000,
        "reserve": 15_000,
        "buy_now": None,
        "cap": None,
        "increments": LADDER,
        "duration_ms": 60_000,
        "window_ms": 30_000,
        "extension_ms": 30_000,
        "extension_mode": "add",
        "extension_cap": 20,
    }


def test_the_rules_are_told_in_sentences():
    assert rules.rules_in_words(lot()) == [
        "Bidding opens at €100 and runs 60 s.",
        "Each bid is at least €5 higher, €10 from €100 on, €25 from €500 on.",
        "A bid in the last 30 s adds 30 s, at most 20 times.",
        "There is no reserve: the highest bid buys it.",
        "A bid above ten times the price has to be confirmed.",
        "Where the picture is lost for 10 s the lot is paused.",
    ]
    silent = lot()
    silent.auction.lost_pause_s = 0
    assert not any("picture" in sentence for sentence in rules.rules_in_words(silent))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"extension_cap": 1}, "A bid in the last 30 s adds 30 s, at most once."),
        (
            {"extension_mode": "reset", "window_ms": 10_000, "extension_ms": 7_500},
            "A bid in the last 10 s resets the clock to 7.5 s, at most 20 times.",
        ),
        ({"window_ms": 300_000, "extension_ms": 150_000}, "A bid in the last 5 min adds 2 min 30 s, at most 20 times."),
        ({"duration_ms": 5_400_000}, "Bidding opens at €100 and runs 1 h 30 min."),
        ({"cap_amount": 90_000}, "A bid above €900, or above ten times the price, has to be confirmed."),
        ({"reserve_amount": 20_000}, "There is a reserve: below it the lot is not sold."),
    ],
)
def test_each_rule_has_its_sentence(changes, sentence):
    assert sentence in rules.rules_in_words(lot(**changes))


def test_the_rules_write_amounts_as_the_pages_do():
    words = " ".join(rules.rules_in_words(lot(opening_amount=1_234_550, increments=[[0, 500]])))
    assert "opens at €12,345.50 " in words
    assert "at least €5.00 higher." in words


def test_sudden_death_and_buy_now_are_told_too():
    words = " ".join(rules.rules_in_words(lot(extension_cap=0, buy_now_amount=99_900, increments=[[0, 100]])))
    assert "Sudden death" in words
    assert "€999 buys it at once" in words
    assert "at least €1 higher." in words


def test_a_reserve_is_told_and_its_amount_never():
    words = " ".join(rules.rules_in_words(lot(reserve_amount=77_777)))
    assert "reserve" in words
    assert "777" not in words


@pytest.mark.parametrize("key", rules.PRESETS)
def test_every_preset_is_in_range(key):
    rules.check_timing(rules.PRESETS[key].timing)


def test_the_presets_are_those_of_the_trade():
    classic, flash, sudden = (rules.PRESETS[key].timing for key in ("classic", "flash", "sudden_death"))
    assert (classic.window_ms, classic.extension_ms, classic.extension_mode, classic.extension_cap) == (
        30_000,
        30_000,
        "add",
        20,
    )
    assert (flash.duration_ms, flash.window_ms, flash.extension_ms, flash.extension_mode) == (
        60_000,
        10_000,
        10_000,
        "reset",
    )
    assert sudden.extension_cap == 0


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"duration_ms": 999}, "duration_ms"),
        ({"duration_ms": 86_400_000 * 30 + 1}, "duration_ms"),
        ({"window_ms": -1}, "window_ms"),
        ({"window_ms": 3_600_001}, "window_ms"),
        ({"extension_ms": 3_600_001}, "extension_ms"),
        ({"extension_cap": 1_001}, "extension_cap"),
        ({"extension_mode": "double"}, "extension_mode"),
        ({"window_ms": 0}, "extension_cap"),
        ({"extension_ms": 0}, "extension_cap"),
    ],
)
def test_a_clock_out_of_range_is_refused_at_its_field(changes, field):
    with pytest.raises(Refused) as refused:
        rules.check_timing(rules.Timing(**changes))
    assert refused.value.field == field
