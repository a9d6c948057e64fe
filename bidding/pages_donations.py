"""What donors are thanked for: the lots that they gave, and what each brought once it was paid. Changes nothing."""

from dataclasses import dataclass

from auctions.models import Auction, Consignor, OrderLine, OrderLineKind, OrderStatus
from auctions.presenting import MoneyStyle


@dataclass(frozen=True, slots=True)
class Given:
    """One lot that somebody gave, and its hammer price in minor units."""

    number: str
    title: str
    amount: int


@dataclass(frozen=True, slots=True)
class Donation:
    """What one donor gave to a show, as their receipt says it."""

    auction: Auction
    donor: Consignor
    given: list[Given]
    waiting: int
    """How many of their lots are sold and not paid yet: those are on no receipt."""

    @property
    def style(self) -> MoneyStyle:
        """How its amounts are written."""
        return MoneyStyle(self.auction.currency, cents=True)

    @property
    def total(self) -> int:
        """What all of it brought."""
        return sum(lot.amount for lot in self.given)


def donations_of(auction: Auction) -> list[Donation]:
    """Return what each donor gave that was sold, by name; two queries, however many there are."""
    lines = OrderLine.objects.filter(
        order__auction=auction,
        kind=OrderLineKind.HAMMER,
        cancelled_at=None,
        sale__run__lot__consignor__is_donor=True,
    )
    found: dict[int, Donation] = {}
    waiting: dict[int, int] = {}
    for line in lines.select_related("order", "sale__run__lot__consignor").order_by("sale__run__lot__position", "pk"):
        lot = line.sale.run.lot if line.sale else None
        if lot is None or lot.consignor is None:
            continue
        donation = found.setdefault(lot.consignor.pk, Donation(auction, lot.consignor, [], 0))
        if line.order.status in (OrderStatus.PAID, OrderStatus.SENT, OrderStatus.DONE):
            donation.given.append(Given(lot.number, lot.title, line.amount))
        else:
            waiting[lot.consignor.pk] = waiting.get(lot.consignor.pk, 0) + 1
    donations = [
        Donation(auction, donation.donor, donation.given, waiting.get(donor_id, 0))
        for donor_id, donation in found.items()
    ]
    return sorted(donations, key=lambda donation: (donation.donor.name, donation.donor.pk))
