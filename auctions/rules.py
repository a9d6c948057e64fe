"""The rules of a lot: increments, presets, their form in a run, and in words.

Owns what a valid rule is and what it means for the next bid. Amounts are minor units, times milliseconds. Writes
nothing; the engine enforces these rules and never asks here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypedDict

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from auctions.errors import Refused
from auctions.models import ExtensionMode, Lot
from auctions.money import MAX_AMOUNT, Currency, format_amount, parse_amount
from auctions.presenting import money_style, money_text, span_text

Increments = list[list[int]]
"""Steps by price: [[0, 500], [10000, 1000]] is 5.00 below 100.00, then 10.00."""

MAX_STEPS: Final = 30
MIN_DURATION_MS: Final = 1_000
MAX_DURATION_MS: Final = 86_400_000 * 30
MAX_WINDOW_MS: Final = 3_600_000
MAX_EXTENSIONS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a lot runs and what a late bid does to its end."""

    duration_ms: int = 60_000
    window_ms: int = 30_000
    extension_ms: int = 30_000
    extension_mode: str = ExtensionMode.ADD.value
    extension_cap: int = 20


@dataclass(frozen=True, slots=True)
class Preset:
    """Timing under a name that a host can choose."""

    key: str
    label: str | Promise
    help: str | Promise
    timing: Timing


PRESETS: Final = {
    preset.key: preset
    for preset in (
        Preset(
            "classic",
            gettext_lazy("Classic"),
            gettext_lazy("60 s; a bid in the last 30 s adds 30 s, at most 20 times."),
            Timing(),
        ),
        Preset(
            "flash",
            gettext_lazy("Flash"),
            gettext_lazy("60 s; a bid in the last 10 s resets the clock to 10 s, at most 20 times."),
            Timing(window_ms=10_000, extension_ms=10_000, extension_mode=ExtensionMode.RESET.value),
        ),
        Preset(
            "sudden_death",
            gettext_lazy("Sudden death"),
            gettext_lazy("60 s; nothing moves the end."),
            Timing(window_ms=0, extension_ms=0, extension_cap=0),
        ),
    )
}

# In whole units of the currency, from a price on: (price, step).
_LADDERS: Final[dict[str, tuple[tuple[int, int], ...]]] = {
    "auction_house": (
        (0, 5),
        (100, 10),
        (500, 25),
        (1_000, 50),
        (2_000, 100),
        (5_000, 250),
        (10_000, 500),
        (20_000, 1_000),
        (50_000, 2_500),
        (100_000, 5_000),
    ),
    "small_lots": ((0, 1), (20, 2), (50, 5), (200, 10), (500, 25), (1_000, 50)),
    "flat": ((0, 1),),
}
INCREMENT_PRESETS: Final = {
    "auction_house": gettext_lazy("Auction house: 5 below 100, then 10, 25, 50 …"),
    "small_lots": gettext_lazy("Small lots: 1 below 20, then 2, 5, 10 …"),
    "flat": gettext_lazy("One unit of the currency at any price"),
}
# What one euro or dollar is worth, roughly, where the currency's unit is much smaller.
_UNIT_SCALE: Final = {
    "CLP": 1_000,
    "CZK": 20,
    "HUF": 400,
    "INR": 100,
    "ISK": 100,
    "JPY": 100,
    "KRW": 1_000,
    "VND": 20_000,
}


class FrozenRules(TypedDict):
    """The rules as a run keeps them and the engine takes them."""

    opening: int
    reserve: int | None
    buy_now: int | None
    cap: int | None
    increments: Increments
    duration_ms: int
    window_ms: int
    extension_ms: int
    extension_mode: str
    extension_cap: int


def preset_increments(key: str, currency: Currency) -> Increments:
    """Return a ladder of the trade in the currency's minor units, scaled where its unit is worth little."""
    unit = 10**currency.exponent * _UNIT_SCALE.get(currency.code, 1)
    return [[price * unit, step * unit] for price, step in _LADDERS[key]]


def check_increments(increments: Any) -> Increments:
    """Return a table of increments, or raise Refused at field `increments` saying what is wrong with it."""
    if not isinstance(increments, list) or not increments:
        raise _bad_increments(_("Give at least one step, from price 0 on."))
    if len(increments) > MAX_STEPS:
        raise _bad_increments(_("Give at most %(most)s steps.") % {"most": MAX_STEPS})
    before = -1
    for index, step in enumerate(increments):
        if (
            not isinstance(step, (list, tuple))
            or len(step) != 2
            or any(isinstance(part, bool) or not isinstance(part, int) for part in step)
        ):
            raise _bad_increments(_("A step is a price and an increment, both whole minor units."))
        price, increment = step
        if index == 0 and price != 0:
            raise _bad_increments(_("The first step begins at price 0."))
        if price <= before:
            raise _bad_increments(_("The prices of the steps must rise."))
        if not 0 <= price <= MAX_AMOUNT or not 0 < increment <= MAX_AMOUNT:
            raise _bad_increments(_("A step is out of range: its increment must be above 0."))
        before = price
    return [list(step) for step in increments]


def parse_increments(text: str, currency: Currency) -> Increments:
    """Read increments as a host writes them, like `0: 5, 100: 10` in the currency, or raise Refused."""
    increments: Increments = []
    for part in text.replace("\n", ",").replace(";", ",").split(","):
        if not part.strip():
            continue
        price_text, colon, step_text = part.partition(":")
        price_text, step_text = price_text.strip(), step_text.strip()
        price = _parse_price(price_text, currency)
        step = parse_amount(step_text, currency.exponent)
        if not colon or price is None or step is None:
            raise _bad_increments(
                _("“%(step)s” is no step. Write price: increment, like 100: 10.") % {"step": part.strip()[:40]}
            )
        increments.append([price, step])
    return check_increments(increments)


def write_increments(increments: Increments, currency: Currency) -> str:
    """Write increments as `parse_increments` reads them."""
    exponent = currency.exponent
    return ", ".join(f"{format_amount(price, exponent)}: {format_amount(step, exponent)}" for price, step in increments)


def minimum_after(price: int, increments: Increments) -> int:
    """Return the least amount that a bid must have when the price is `price`."""
    step = increments[0][1]
    for start, increment in increments:
        if price < start:
            break
        step = increment
    return price + step


def check_timing(timing: Timing) -> None:
    """Raise Refused at the field that is out of range."""
    if not MIN_DURATION_MS <= timing.duration_ms <= MAX_DURATION_MS:
        raise Refused("out_of_range", _("A lot runs from 1 second to 30 days."), field="duration_ms")
    if not 0 <= timing.window_ms <= MAX_WINDOW_MS:
        raise Refused("out_of_range", _("The extension window is at most one hour."), field="window_ms")
    if not 0 <= timing.extension_ms <= MAX_WINDOW_MS:
        raise Refused("out_of_range", _("An extension is at most one hour."), field="extension_ms")
    if not 0 <= timing.extension_cap <= MAX_EXTENSIONS:
        raise Refused("out_of_range", _("At most 1,000 extensions are allowed."), field="extension_cap")
    if timing.extension_mode not in ExtensionMode.values:
        raise Refused("unknown_choice", _("An extension adds to the end or resets it."), field="extension_mode")
    if timing.extension_cap and not (timing.window_ms and timing.extension_ms):
        raise Refused(
            "out_of_range", _("Extensions need a window and a length; for sudden death allow 0."), field="extension_cap"
        )


def frozen_rules(lot: Lot) -> FrozenRules:
    """Return the rules of a lot as its run keeps them: amounts in minor units or None."""
    return FrozenRules(
        opening=lot.opening_amount,
        reserve=lot.reserve_amount,
        buy_now=lot.buy_now_amount,
        cap=lot.cap_amount,
        increments=lot.increments,
        duration_ms=lot.duration_ms,
        window_ms=lot.window_ms,
        extension_ms=lot.extension_ms,
        extension_mode=lot.extension_mode,
        extension_cap=lot.extension_cap,
    )


def rules_in_words(lot: Lot) -> list[str]:
    """Return sentences that tell everybody the rules before they bid. A reserve is named, never its amount."""
    style = money_style(lot.auction.currency, [lot])

    def money(minor: int) -> str:
        return money_text(minor, style)

    sentences = [
        _("Bidding opens at %(amount)s and runs %(span)s.")
        % {"amount": money(lot.opening_amount), "span": _span(lot.duration_ms)},
        _steps_in_words(lot.increments, money),
        _extension_in_words(lot),
        _("There is a reserve: below it the lot is not sold.")
        if lot.reserve_amount
        else _("There is no reserve: the highest bid buys it."),
    ]
    if lot.buy_now_amount:
        sentences.append(_("A bid of %(amount)s buys it at once.") % {"amount": money(lot.buy_now_amount)})
    if lot.cap_amount:
        sentences.append(
            _("A bid above %(amount)s, or above ten times the price, has to be confirmed.")
            % {"amount": money(lot.cap_amount)}
        )
    else:
        sentences.append(_("A bid above ten times the price has to be confirmed."))
    if lot.auction.lost_pause_s:
        sentences.append(
            _("Where the picture is lost for %(span)s the lot is paused.")
            % {"span": _span(lot.auction.lost_pause_s * 1_000)}
        )
    return sentences


def _steps_in_words(increments: Increments, money: Callable[[int], str]) -> str:
    (_from, first), *further = increments
    if not further:
        return _("Each bid is at least %(step)s higher.") % {"step": money(first)}
    changes = [
        _("%(step)s from %(price)s on") % {"step": money(step), "price": money(price)} for price, step in further
    ]
    return _("Each bid is at least %(step)s higher, %(changes)s.") % {
        "step": money(first),
        "changes": ", ".join(changes),
    }


def _extension_in_words(lot: Lot) -> str:
    if not lot.extension_cap:
        return _("Sudden death: nothing moves the end.")
    values = {"window": _span(lot.window_ms), "length": _span(lot.extension_ms), "n": lot.extension_cap}
    if lot.extension_mode == ExtensionMode.ADD:
        return (
            ngettext(
                "A bid in the last %(window)s adds %(length)s, at most once.",
                "A bid in the last %(window)s adds %(length)s, at most %(n)d times.",
                lot.extension_cap,
            )
            % values
        )
    return (
        ngettext(
            "A bid in the last %(window)s resets the clock to %(length)s, at most once.",
            "A bid in the last %(window)s resets the clock to %(length)s, at most %(n)d times.",
            lot.extension_cap,
        )
        % values
    )


def _bad_increments(message: str) -> Refused:
    return Refused("bad_increments", message, field="increments")


def _parse_price(text: str, currency: Currency) -> int | None:
    zeros = {"0"} | ({f"0.{'0' * digits}" for digits in range(1, currency.exponent + 1)})
    return 0 if text in zeros else parse_amount(text, currency.exponent)


def _span(ms: int) -> str:
    seconds = ms / 1000
    if seconds < 120:
        return _("%(count)s s") % {"count": f"{seconds:g}"}
    return span_text(round(seconds))
