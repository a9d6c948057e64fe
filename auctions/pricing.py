"""What a buyer pays for a hammer price: premium, tax, total. Whole minor units, rounded half up.

The sale keeps what was computed here when the lot closed; the room's "you pay" shows the same figures before.
Writes nothing.
"""

from dataclasses import dataclass
from typing import TypedDict

from auctions.models import Lot
from auctions.money import share_of


class TaxSnapshot(TypedDict):
    """The tax as it was computed: the rule's words and what it fell on."""

    name: str
    rate_bp: int
    on_hammer: bool
    on_premium: bool
    taxable: int


@dataclass(frozen=True, slots=True)
class Price:
    """A hammer price with everything that comes on top before delivery, in minor units."""

    hammer: int
    premium: int
    tax: int
    tax_snapshot: TaxSnapshot

    @property
    def total(self) -> int:
        """What the buyer pays before delivery."""
        return self.hammer + self.premium + self.tax


@dataclass(frozen=True, slots=True)
class Fees:
    """What a lot adds to its hammer price. Read once, it prices any number of amounts without a query."""

    premium_bp: int
    tax_name: str = ""
    tax_bp: int = 0
    tax_on_hammer: bool = True
    tax_on_premium: bool = True

    def price(self, hammer: int) -> Price:
        """Return the whole price of a hammer price in minor units."""
        premium = share_of(hammer, self.premium_bp)
        taxable = (hammer if self.tax_on_hammer else 0) + (premium if self.tax_on_premium else 0)
        return Price(
            hammer=hammer,
            premium=premium,
            tax=share_of(taxable, self.tax_bp),
            tax_snapshot=TaxSnapshot(
                name=self.tax_name,
                rate_bp=self.tax_bp,
                on_hammer=self.tax_on_hammer,
                on_premium=self.tax_on_premium,
                taxable=taxable,
            ),
        )


def fees_of(lot: Lot) -> Fees:
    """Return the fees of a lot, from its auction and its tax rule."""
    rule = lot.tax_rule
    premium = lot.auction.buyer_premium_bp
    if rule is None:
        return Fees(premium_bp=premium)
    return Fees(
        premium_bp=premium,
        tax_name=rule.name,
        tax_bp=rule.rate_bp,
        tax_on_hammer=rule.on_hammer,
        tax_on_premium=rule.on_premium,
    )


def price_of(lot: Lot, hammer: int) -> Price:
    """Return what the buyer of a lot pays for a hammer price, in minor units."""
    return fees_of(lot).price(hammer)
