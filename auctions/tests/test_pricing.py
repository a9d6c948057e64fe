"""Money: reading and writing amounts, shares rounded half up, and what a buyer pays."""

import json
import sys
from decimal import ROUND_HALF_UP, Decimal

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from auctions.models import Auction, Lot, TaxRule
from auctions.money import CURRENCIES, MAX_AMOUNT, format_amount, normal_typed, parse_amount, share_of
from auctions.pricing import Fees, price_of


@pytest.mark.parametrize(
    ("text", "exponent", "minor"),
    [
        ("125.00", 2, 12_500),
        ("125", 2, 12_500),
        ("125.5", 2, 12_550),
        ("0.01", 2, 1),
        ("1250", 0, 1_250),
        ("12.505", 3, 12_505),
        ("12.5", 3, 12_500),
        ("0.001", 3, 1),
        ("100000000000.00", 2, MAX_AMOUNT),
    ],
)
def test_an_amount_is_read_in_its_currency(text, exponent, minor):
    assert parse_amount(text, exponent) == minor


REFUSED = [
    *("", " ", "0", "0.0", "0.00", "-1", "+1", "-0", "1e5", "1E5", "1e-5", "0x10", "0b1", "0o7", "1j"),
    *("NaN", "nan", "Infinity", "inf", "-inf", "true", "null", "None", '"5"', "[5]", "{}", "1/2", "1+1"),
    *(" 1", "1 ", "1\n", "\n1", "1\x00", "1\u200b", "1_0", " 1_0", "1,000", "1.", ".5", "01", "00", "1..0", "1.0.0"),
    *("1.000", "0.001", "100000000000.01", "999999999999.99", "9" * 13, "1" * 5_000, str(2**53), str(10**400)),
    *("\N{ARABIC-INDIC DIGIT THREE}", "\N{FULLWIDTH DIGIT ONE}", "\N{DEVANAGARI DIGIT ONE}", "½", "²"),
    *("€5", "5€", "5 EUR"),
]


@pytest.mark.parametrize("text", REFUSED, ids=ascii)
def test_what_is_no_amount_is_refused(text):
    assert parse_amount(text, 2) is None


@pytest.mark.parametrize("text", ["1.0", "1.00", "0.5"])
def test_a_currency_without_minor_units_has_no_point(text):
    assert parse_amount(text, 0) is None


def test_the_largest_amount_is_the_same_in_every_currency():
    for exponent in (0, 2, 3):
        largest = format_amount(MAX_AMOUNT, exponent)
        whole_digits = len(largest.split(".")[0])
        assert (parse_amount(largest, exponent) == MAX_AMOUNT) is (whole_digits <= 12)
        assert parse_amount(format_amount(MAX_AMOUNT + 1, exponent), exponent) is None


@given(st.integers(1, 10**12 - 1), st.sampled_from([0, 2, 3]))
def test_what_is_written_is_read_back_exactly(minor, exponent):
    assert parse_amount(format_amount(minor, exponent), exponent) == minor


@given(st.text(max_size=30), st.sampled_from([0, 2, 3]))
def test_any_text_is_an_amount_in_range_or_none(text, exponent):
    minor = parse_amount(text, exponent)
    assert minor is None or 0 < minor <= MAX_AMOUNT


@pytest.mark.parametrize(
    ("minor", "basis_points", "share"),
    [
        (1_000, 2_000, 200),
        (1, 5_000, 1),  # 0.5 goes up
        (1, 4_999, 0),
        (3, 5_000, 2),  # 1.5 goes up
        (5, 1_000, 1),  # 0.5 goes up; half to even would give 0
        (25, 1_000, 3),  # 2.5 goes up; half to even would give 2
        (24, 1_000, 2),
        (0, 2_000, 0),
        (999, 0, 0),
        (999, 10_000, 999),
        (MAX_AMOUNT, 10_000, MAX_AMOUNT),
    ],
)
def test_a_share_is_rounded_half_up(minor, basis_points, share):
    assert share_of(minor, basis_points) == share


@given(st.integers(0, MAX_AMOUNT), st.integers(0, 10_000))
def test_a_share_equals_exact_decimal_arithmetic(minor, basis_points):
    exact = (Decimal(minor) * basis_points / 10_000).quantize(Decimal(1), rounding=ROUND_HALF_UP)
    assert share_of(minor, basis_points) == int(exact)


def test_the_premium_of_the_page_is_the_premium_of_the_sale():
    price = Fees(premium_bp=2_000).price(4_500)
    assert (price.hammer, price.premium, price.tax, price.total) == (4_500, 900, 0, 5_400)


@pytest.mark.parametrize(
    ("on_hammer", "on_premium", "taxable", "tax"),
    [(True, True, 1_200, 228), (True, False, 1_000, 190), (False, True, 200, 38), (False, False, 0, 0)],
)
def test_tax_falls_on_what_its_rule_says(on_hammer, on_premium, taxable, tax):
    price = Fees(
        premium_bp=2_000, tax_name="VAT", tax_bp=1_900, tax_on_hammer=on_hammer, tax_on_premium=on_premium
    ).price(1_000)
    assert (price.tax_snapshot["taxable"], price.tax, price.total) == (taxable, tax, 1_200 + tax)
    assert price.tax_snapshot["name"] == "VAT"
    assert price.tax_snapshot["rate_bp"] == 1_900


@pytest.mark.parametrize(
    ("code", "hammer", "total"),
    [("JPY", "1250", "1500"), ("EUR", "12.50", "15.00"), ("EUR", "0.03", "0.04"), ("KWD", "12.505", "15.006")],
)
def test_the_total_is_right_in_currencies_with_any_exponent(code, hammer, total):
    exponent = CURRENCIES[code].exponent
    minor = parse_amount(hammer, exponent)
    assert minor is not None
    assert format_amount(Fees(premium_bp=2_000).price(minor).total, exponent) == total


def test_a_lot_takes_the_premium_of_its_auction_and_its_own_tax():
    auction = Auction(currency_code="EUR", buyer_premium_bp=2_500)
    assert price_of(Lot(auction=auction), 1_000).total == 1_250
    taxed = Lot(auction=auction, tax_rule=TaxRule(name="VAT", rate_bp=2_000, on_hammer=False, on_premium=True))
    assert price_of(taxed, 1_000).total == 1_300


@given(st.integers(1, MAX_AMOUNT), st.integers(0, 10_000), st.integers(0, 10_000))
def test_the_parts_always_sum_to_the_total(hammer, premium_bp, tax_bp):
    price = Fees(premium_bp=premium_bp, tax_bp=tax_bp).price(hammer)
    assert price.total == price.hammer + price.premium + price.tax
    assert price.total < sys.maxsize


def test_every_currency_has_a_known_exponent_and_a_sign():
    assert {currency.exponent for currency in CURRENCIES.values()} == {0, 2, 3}
    assert all(code == currency.code and currency.symbol for code, currency in CURRENCIES.items())


TYPED = json.loads((settings.BASE_DIR / "tests/js/typed.json").read_text())
"""What somebody typed, digits after the mark of the currency, mark of the language, and what it means."""


@pytest.mark.parametrize(("typed", "exponent", "point", "minor"), TYPED)
def test_what_people_type_is_understood_and_what_can_be_read_in_two_ways_is_refused(typed, exponent, point, minor):
    assert parse_amount(normal_typed(typed, exponent, point), exponent) == minor
