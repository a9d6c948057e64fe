"""What a lot's page offers before it is over: a maximum left for its opening, its price now, what one would pay.

Changes nothing. Where the floor is away, it is shown that nothing can be left there.
"""

from dataclasses import dataclass
from typing import Any

import structlog
from redis.exceptions import RedisError

from auctions.models import AuctionStatus, Lot, LotStatus, Registration
from auctions.presenting import money_config, typed_amount, wire_minor
from auctions.pricing import Price, price_of
from bidding.bid_forms import fresh_bid_id
from bidding.engine.outcomes import EngineError
from bidding.pages import Floor, LotPage, floor_now, lot_config
from bidding.selectors import snapshot_now

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Costs:
    """What winning a lot at some price costs, in minor units. `delivery` is None where it is not known."""

    price: Price
    delivery: int | None
    typed: str
    is_wrong: bool

    @property
    def total(self) -> int:
        """The sum of all that is known."""
        return self.price.total + (self.delivery or 0)


@dataclass(frozen=True, slots=True)
class PreBid:
    """A maximum that is left for a lot before it opens. `own` is the one that stands; None for none yet."""

    is_away: bool
    own: int | None
    least: int
    """The least that it may be now."""
    bid_id: str


@dataclass(frozen=True, slots=True)
class LotOffer:
    """A lot that is to come or open. `floor` is there while it is open, `pre_bid` for those who may leave one now."""

    floor: Floor | None
    takes_pre_bids: bool
    pre_bid: PreBid | None
    config: dict[str, Any] | None


def costs_of(lot: Lot, shown: int, written: str | None) -> Costs:
    """Return what a lot would cost at the price that was written, or at the one that is shown where none was."""
    currency = lot.auction.currency
    typed = None if written is None else wire_minor(typed_amount(written[:40], currency), currency)
    hammer = shown if typed is None else typed
    shipping = lot.shipping
    return Costs(
        price=price_of(lot, hammer),
        delivery=None if shipping is None else 0 if shipping.pick_up_only else shipping.first_item,
        typed=written[:40] if written and typed is None else "",
        is_wrong=bool(written) and typed is None,
    )


def offer_of(page: LotPage) -> LotOffer:
    """Return what may be done with a lot now."""
    auction, lot, you = page.show_auction, page.lot, page.you
    is_on_floor = auction.status in (AuctionStatus.SCHEDULED, AuctionStatus.LIVE)
    takes_pre_bids = is_on_floor and lot.status == LotStatus.PENDING and not you.barred
    is_open = auction.status == AuctionStatus.LIVE and lot.status in (LotStatus.OPEN, LotStatus.PAUSED)
    floor = floor_now(auction) if is_open else None
    return LotOffer(
        floor=floor if floor and floor.lot and floor.lot.id == lot.pk else None,
        takes_pre_bids=takes_pre_bids,
        pre_bid=_pre_bid(lot, you.registration) if takes_pre_bids and you.registration and you.paddle else None,
        config=_config(page) if takes_pre_bids or is_open else None,
    )


def _pre_bid(lot: Lot, registration: Registration) -> PreBid:
    own, is_away = None, False
    try:
        standing = snapshot_now(lot.auction_id, registration.pk).own
        own = standing.pre_bids.get(lot.pk) if standing else None
    except (RedisError, EngineError, OSError) as error:
        logger.warning("pre_bid_not_shown", auction=lot.auction_id, error=str(error))
        is_away = True
    return PreBid(is_away, own, max(lot.opening_amount, (own or 0) + 1), fresh_bid_id())


def _config(page: LotPage) -> dict[str, Any]:
    """Return what the page's script needs to follow the lot."""
    return {
        "socket": f"/ws/auctions/{page.show_auction.pk}/bid/",
        "currency": money_config(page.style),
        "lot": lot_config(page.lot),
        "state": page.lot.status,
    }
