"""What a simulated bidder does with a lot: what it is worth to them, and whether and how they bid in this second.

Pure: owns no clock, no state and no database. The same bidder finds the same lot worth the same whenever it is asked,
so nothing is remembered between two seconds. Money is in minor units.
"""

from dataclasses import dataclass
from random import Random
from typing import Final

from bidding.models.rehearsal import Temper


@dataclass(frozen=True, slots=True)
class OnOffer:
    """An open lot as a bidder sees it; times in milliseconds."""

    lot_id: int
    opening: int
    minimum: int
    estimate_low: int | None
    estimate_high: int | None
    left_ms: int
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Wish:
    """What a bidder offers; with `is_maximum` the site is to bid up to it."""

    amount: int
    is_maximum: bool


@dataclass(frozen=True, slots=True)
class Manner:
    """How often somebody bids in a second in which they could, and from how long before the end."""

    a_second: float
    last_ms: int | None = None


MANNERS: Final = {
    Temper.EAGER: Manner(0.3),
    Temper.STEADY: Manner(0.12),
    Temper.SNIPER: Manner(0.5, last_ms=6_000),
    Temper.MAXIMUM: Manner(0.08),
}
SHOWN_AT_FIRST: Final = 0.25
"""Which share of what a lot is worth to them people show at its opening; the rest comes with the time that runs out."""


def worth_of(bidder: int, lot: OnOffer) -> int:
    """Return what a lot is worth to a bidder: near its estimate, to some far below it. Never the bid of another."""
    low = lot.estimate_low or lot.opening * 2
    high = max(lot.estimate_high or low * 7 // 5, low)
    share = Random(f"{bidder}/{lot.lot_id}").triangular(-0.7, 1.2, 0.3)  # noqa: S311 - behaviour, no secret
    return max(0, low + round((high - low) * share))


def wish_of(bidder: int, temper: Temper, lot: OnOffer, chance: float) -> Wish | None:
    """Return what a bidder who does not lead offers now, or None. `chance` is this second's luck, below 1."""
    manner = MANNERS[temper]
    if chance >= manner.a_second or (manner.last_ms is not None and lot.left_ms > manner.last_ms):
        return None
    worth = worth_of(bidder, lot)
    if temper == Temper.MAXIMUM:
        return Wish(worth, is_maximum=True) if worth >= lot.minimum else None
    gone = 1 - min(lot.left_ms, lot.duration_ms) / max(lot.duration_ms, 1)
    shown = lot.opening + (worth - lot.opening) * min(1.0, SHOWN_AT_FIRST + gone)
    return Wish(lot.minimum, is_maximum=False) if lot.minimum <= shown else None
