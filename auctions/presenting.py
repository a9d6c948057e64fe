"""How amounts and spans of time are written for people: sign, grouping, cents only where an auction uses them.

Owns words and separators, never values: digits come from `auctions.money`. The page's `money.js` and `timer.js`
write the same.
"""

import zoneinfo
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format, get_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from auctions.models import Auction, Lot
from auctions.money import Currency, format_amount, parse_amount

_NO_BREAK = "\u00a0"


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


def money_parts(minor: int, style: MoneyStyle, *, full: bool = False) -> tuple[str, str]:
    """Return the sign with its space, and the grouped digits; `full` writes the cents in any case."""
    currency = style.currency
    whole, _point, fraction = format_amount(minor, currency.exponent).partition(".")
    digits = number_format(int(whole), use_l10n=True, force_grouping=True)
    if fraction and (full or style.cents or fraction.strip("0")):
        digits += f"{get_format('DECIMAL_SEPARATOR')}{fraction}"
    space = _NO_BREAK if currency.symbol[-1].isalpha() or currency.symbol.endswith(".") else ""
    return f"{currency.symbol}{space}", digits


def money_text(minor: int, style: MoneyStyle, *, full: bool = False) -> str:
    """Return an amount as people read it, like $1,250 or CHF 45.50."""
    sign, digits = money_parts(minor, style, full=full)
    return sign + digits


def percent_text(basis_points: int) -> str:
    """Return basis points as a percentage, like 12.5 %."""
    whole, rest = divmod(basis_points, 100)
    return f"{whole}{f'.{rest:02d}'.rstrip('0') if rest else ''}{_NO_BREAK}%"


def wire_minor(text: str | None, currency: Currency) -> int | None:
    """Return the minor units of an amount as the wire writes it."""
    return None if text is None else parse_amount(text, currency.exponent)


def moment_text(moment: datetime, auction: Auction, pattern: str = "D j M, H:i") -> str:
    """Return a moment in the auction's own zone, with the zone's name where it tells a time of day."""
    zone = zoneinfo.ZoneInfo(auction.time_zone)
    local = timezone.localtime(moment, zone)
    with timezone.override(zone):
        text = date_format(local, pattern)
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


def left_text(ms: int) -> str:
    """Return a countdown: m:ss, with tenths below ten seconds, hours where there are some."""
    if ms < 10_000:
        seconds, tenths = divmod(max(0, ms // 100), 10)
        return f"0:0{seconds}.{tenths}"
    minutes, seconds = divmod(ms // 1_000, 60)
    if minutes < 60:
        return f"{minutes}:{seconds:02d}"
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"
