"""What the page of an offer after a show tells its bidder: which lot, what it costs in all, until when.

Changes nothing.
"""

from dataclasses import dataclass

from django.utils import timezone

from auctions.models import Auction, Lot, Offer, OfferAnswer, OfferKind, Order
from auctions.permissions import AnyUser, viewable_offers
from auctions.presenting import MoneyStyle
from auctions.pricing import Price, price_of


@dataclass(frozen=True, slots=True)
class OfferPage:
    """An offer as its bidder sees it. Amounts are minor units."""

    offer: Offer
    price: Price
    order: Order | None

    @property
    def lot(self) -> Lot:
        """What is offered."""
        return self.offer.run.lot

    @property
    def auction(self) -> Auction:
        """The show in which they bid on it."""
        return self.lot.auction

    @property
    def style(self) -> MoneyStyle:
        """How its amounts are written."""
        return MoneyStyle(self.auction.currency, cents=True)

    @property
    def is_second_chance(self) -> bool:
        """Whether somebody else bought it first; else its reserve was not met."""
        return self.offer.kind == OfferKind.SECOND_CHANCE

    @property
    def state(self) -> str:
        """What may be done: open, or how it ended. Its time may be over before anybody wrote that down."""
        if self.offer.answer == OfferAnswer.OPEN and self.offer.expires_at <= timezone.now():
            return OfferAnswer.EXPIRED.value
        return self.offer.answer

    @property
    def delivery(self) -> int | None:
        """What a parcel of it alone costs; None where the house arranges that."""
        shipping = self.lot.shipping
        return None if shipping is None else 0 if shipping.pick_up_only else int(shipping.first_item)

    @property
    def total(self) -> int:
        """What it costs with everything that is known."""
        return self.price.total + (self.delivery or 0)


def offer_page(user: AnyUser, lot_id: int) -> OfferPage | None:
    """Return the newest offer of a lot to this person, or None where none exists for them."""
    offers = viewable_offers(user).filter(run__lot=lot_id).order_by("-pk")
    offer = offers.select_related(
        "run__lot__auction__organizer", "run__lot__tax_rule", "run__lot__shipping", "registration", "sale"
    ).first()
    if offer is None:
        return None
    order = Order.objects.filter(lines__sale=offer.sale).first() if offer.sale else None
    return OfferPage(offer, price_of(offer.run.lot, offer.amount), order)


def offers_open(user: AnyUser) -> list[OfferPage]:
    """Return what is offered to somebody now, what ends first in front."""
    offers = viewable_offers(user).filter(answer=OfferAnswer.OPEN, expires_at__gt=timezone.now())
    found = offers.select_related("run__lot__auction__organizer", "run__lot__tax_rule", "run__lot__shipping")
    return [
        OfferPage(offer, price_of(offer.run.lot, offer.amount), None)
        for offer in found.prefetch_related("run__lot__images").order_by("expires_at", "pk")
    ]
