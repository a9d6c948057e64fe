"""Money: integers of minor units inside, decimal strings outside. Pure; imports no Django.

Amounts never pass through a binary float or a library's Decimal parser, because those accept "NaN",
"1e5" or " 1_0". The one grammar is in `parse_amount`.
"""

import re
from dataclasses import dataclass
from functools import cache

MAX_AMOUNT = 10**13
"""The largest amount anywhere, in minor units. It has 14 digits, the most that Lua prints exactly."""

BASIS_POINTS = 10_000


@dataclass(frozen=True, slots=True)
class Currency:
    """An ISO 4217 currency: its code, the number of its minor digits and the sign that people write."""

    code: str
    exponent: int
    symbol: str


CURRENCIES = {
    currency.code: currency
    for currency in (
        Currency("AUD", 2, "A$"),
        Currency("BHD", 3, "BD"),
        Currency("BRL", 2, "R$"),
        Currency("CAD", 2, "C$"),
        Currency("CHF", 2, "CHF"),
        Currency("CLP", 0, "CLP$"),
        Currency("CNY", 2, "CN¥"),
        Currency("CZK", 2, "Kč"),
        Currency("DKK", 2, "kr."),
        Currency("EUR", 2, "€"),
        Currency("GBP", 2, "£"),
        Currency("HKD", 2, "HK$"),
        Currency("HUF", 2, "Ft"),
        Currency("ILS", 2, "₪"),
        Currency("INR", 2, "₹"),
        Currency("ISK", 0, "kr"),
        Currency("JOD", 3, "JD"),
        Currency("JPY", 0, "¥"),
        Currency("KRW", 0, "₩"),
        Currency("KWD", 3, "KD"),
        Currency("MXN", 2, "MX$"),
        Currency("NOK", 2, "kr"),
        Currency("NZD", 2, "NZ$"),
        Currency("OMR", 3, "RO"),
        Currency("PLN", 2, "zł"),
        Currency("SEK", 2, "kr"),
        Currency("SGD", 2, "S$"),
        Currency("TND", 3, "DT"),
        Currency("TRY", 2, "₺"),
        Currency("USD", 2, "$"),
        Currency("VND", 0, "₫"),
        Currency("ZAR", 2, "R"),
    )
}


@cache
def _grammar(exponent: int) -> re.Pattern[str]:
    fraction = rf"(?:\.([0-9]{{1,{exponent}}}))?" if exponent else "()"
    return re.compile(rf"(0|[1-9][0-9]{{0,11}}){fraction}")


def parse_amount(text: str, exponent: int) -> int | None:
    """Return the minor units that `text` writes, or None where it is no amount from 1 to MAX_AMOUNT.

    `exponent` is the currency's number of minor digits: "125.00" with 2 is 12500, "1250" with 0 is 1250.
    """
    match = _grammar(exponent).fullmatch(text)
    if match is None:
        return None
    minor = int(match[1] + (match[2] or "").ljust(exponent, "0"))
    return minor if 0 < minor <= MAX_AMOUNT else None


def normal_typed(text: str, exponent: int, point: str = ".") -> str:
    """Return what a person typed as the wire writes it: without sign, spaces and groups, with a point.

    `point` is the decimal mark of the language in which they were asked. What is no amount stays none, and so does
    what may be read in two ways: 1.234 and 1,234 are a thousand to one person and one and a bit to another.
    `normalTyped` in the page's `money.js` is its twin.
    """
    digits = re.sub(r"[\s\u00a0\u202f\u2019']", "", text)
    digits = re.sub(r"^[^\d.,-]+|[^\d.,-]+$", "", digits)
    lone = re.fullmatch(r"([0-9]+)([.,])([0-9]+)", digits)
    if lone and exponent and len(lone[3]) == 3 and (lone[2] != point or exponent != 3):
        return f"{digits}?"
    if lone and len(lone[3]) <= exponent:
        digits = f"{lone[1]}.{lone[3]}"
    elif re.fullmatch(r"[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?", digits):
        digits = digits.replace(",", "")
    elif re.fullmatch(r"[0-9]{1,3}(\.[0-9]{3})+(,[0-9]+)?", digits):
        digits = digits.replace(".", "").replace(",", ".")
    return re.sub(r"^0+(?=[0-9])", "", digits)


def format_amount(minor: int, exponent: int) -> str:
    """Return `minor` units as the decimal string of the wire: 12500 with exponent 2 is "125.00"."""
    if not exponent:
        return str(minor)
    sign, digits = "-" if minor < 0 else "", str(abs(minor)).rjust(exponent + 1, "0")
    return f"{sign}{digits[:-exponent]}.{digits[-exponent:]}"


def share_of(minor: int, basis_points: int) -> int:
    """Return that share of an amount, rounded half up in minor units: 2,000 basis points are 20 %."""
    return (minor * basis_points + BASIS_POINTS // 2) // BASIS_POINTS
