"""How amounts and spans of time are written for people: sign, grouping, cents only where an auction uses them.

Owns words and separators, never values: digits come from `auctions.money`. The page's `money.js` and `timer.js`
write the same.
"""

import re
import zoneinfo
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from django.utils import timezone
from django.utils.formats import date_format, get_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext, pgettext_lazy

from auctions.models import Auction, Lot
from auctions.money import Currency, format_amount, normal_typed, parse_amount

_NO_BREAK = "\u00a0"
# The patterns that `date_text` takes; written out, so that translators see them.
DATE_PATTERNS: Final = (
    pgettext_lazy("a date in Django's letters", "D j M, H:i"),
    pgettext_lazy("a date in Django's letters", "l j F, H:i"),
    pgettext_lazy("a date in Django's letters", "l H:i"),
    pgettext_lazy("a date in Django's letters", "l, j F Y"),
    pgettext_lazy("a date in Django's letters", "j F Y, H:i"),
    pgettext_lazy("a date in Django's letters", "j F Y"),
    pgettext_lazy("a date in Django's letters", "j M Y"),
    pgettext_lazy("a date in Django's letters", "j F"),
)


@dataclass(frozen=True, slots=True)
class MoneyStyle:
    """How the amounts of one auction are written; `cents` False leaves out a fraction that is zero."""

    currency: Currency
    cents: bool = False


def money_style(currency: Currency, lots: list[Lot]) -> MoneyStyle:
    """Return the style of an auction: with cents as soon as an opening bid or a step has some."""
    unit = 10**currency.exponent
    amounts = (amount for lot in lots for amount in (lot.opening_amount, *(step for _price, step in lot.increments)))
    return MoneyStyle(currency, cents=any(amount % unit for amount in amounts))


def money_pattern(currency: Currency) -> str:
    """Return how the language at hand writes an amount, with # for its digits: $# or #\u00a0€."""
    pattern = pgettext("an amount: $ is the sign, # are the digits", "$#").replace("$", currency.symbol)
    before, digits, after = pattern.partition("#")
    # Letters do not touch digits: CHF 45.
    space = _NO_BREAK if before[-1:].isalpha() or before.endswith(".") else ""
    return f"{before}{space}{digits}{after}"


def decimal_mark() -> str:
    """Return what stands between whole and fraction in the language at hand."""
    return str(get_format("DECIMAL_SEPARATOR"))


def group_mark() -> str:
    """Return what stands between thousands in the language at hand."""
    return str(get_format("THOUSAND_SEPARATOR"))


def money_parts(minor: int, style: MoneyStyle, *, full: bool = False) -> tuple[str, str, str]:
    """Return what stands before the digits, the grouped digits, and what stands after them: sign and space.

    `full` writes the cents in any case.
    """
    whole, _point, fraction = format_amount(minor, style.currency.exponent).partition(".")
    digits = re.sub(r"\B(?=(?:[0-9]{3})+$)", group_mark(), whole)
    if fraction and (full or style.cents or fraction.strip("0")):
        digits += f"{decimal_mark()}{fraction}"
    before, _digits, after = money_pattern(style.currency).partition("#")
    return before, digits, after


def money_text(minor: int, style: MoneyStyle, *, full: bool = False) -> str:
    """Return an amount as people read it, like $1,250 or CHF 45.50; in German 1.250 $ and 45,50 CHF."""
    return "".join(money_parts(minor, style, full=full))


def money_config(style: MoneyStyle) -> dict[str, Any]:
    """Return how a page's script writes and reads amounts: as this module does."""
    return {
        "code": style.currency.code,
        "exponent": style.currency.exponent,
        "cents": style.cents,
        "pattern": money_pattern(style.currency),
        "group": group_mark(),
        "point": decimal_mark(),
    }


def typed_amount(text: str, currency: Currency) -> str:
    """Return what somebody typed as the wire writes it; what is no amount stays none."""
    return normal_typed(text, currency.exponent, decimal_mark())


def field_text(amount: int | str, currency: Currency) -> str:
    """Write minor units, or an amount of the wire, as a field takes them: without groups and a fraction of zero."""
    text = amount if isinstance(amount, str) else format_amount(amount, currency.exponent)
    whole, _point, fraction = text.partition(".")
    return f"{whole}{decimal_mark()}{fraction}" if fraction.strip("0") else whole


def date_text(moment: date, pattern: str) -> str:
    """Write a moment by one of `DATE_PATTERNS`, in the order of the language at hand."""
    return date_format(moment, pgettext("a date in Django's letters", pattern))


def percent_text(basis_points: int) -> str:
    """Return basis points as a percentage, like 12.5 %."""
    whole, rest = divmod(basis_points, 100)
    return f"{whole}{f'{decimal_mark()}{rest:02d}'.rstrip('0') if rest else ''}{_NO_BREAK}%"


def wire_minor(text: str | None, currency: Currency) -> int | None:
    """Return the minor units of an amount as the wire writes it."""
    return None if text is None else parse_amount(text, currency.exponent)


def moment_text(moment: datetime, auction: Auction, pattern: str = "D j M, H:i") -> str:
    """Return a moment in the auction's own zone, with the zone's name where it tells a time of day."""
    zone = zoneinfo.ZoneInfo(auction.time_zone)
    local = timezone.localtime(moment, zone)
    with timezone.override(zone):
        text = date_text(local, pattern)
    # A day needs no zone; a time of day without one would be a guess.
    return f"{text} {local.strftime('%Z')}" if "H" in pattern else text


def span_text(seconds: int) -> str:
    """Return a span of time in its two largest units, like "1 h 20 min"."""
    minutes, rest = divmod(max(seconds, 0), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return ngettext("%(count)d day", "%(count)d days", days) % {"count": days} + (
            " " + _("%(count)d h") % {"count": hours} if hours else ""
        )
    if hours:
        return _("%(count)d h") % {"count": hours} + (" " + _("%(count)d min") % {"count": minutes} if minutes else "")
    if minutes:
        return _("%(count)d min") % {"count": minutes} + (" " + _("%(count)d s") % {"count": rest} if rest else "")
    return _("%(count)d s") % {"count": rest}


def inert_cell(cell: str) -> str:
    """Return a cell of a file that no spreadsheet takes for a formula: names are chosen by their people."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def left_text(ms: int) -> str:
    """Return a countdown: m:ss, with tenths below ten seconds, hours where there are some."""
    if ms < 10_000:
        seconds, tenths = divmod(max(0, ms // 100), 10)
        return f"0:0{seconds}{get_format('DECIMAL_SEPARATOR')}{tenths}"
    minutes, seconds = divmod(ms // 1_000, 60)
    if minutes < 60:
        return f"{minutes}:{seconds:02d}"
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"
