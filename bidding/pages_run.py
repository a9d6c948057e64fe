"""What the run of show tells of an auction and of each of its lots, for its page and for its script.

Reads only. The words of a refusal are the services'.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from django.utils.translation import gettext as _

from auctions.forms import OWN
from auctions.models import Auction, AuctionStatus, Lot, LotStatus
from auctions.presenting import span_text
from auctions.rules import PRESETS
from auctions.run_forms import texts_of
from auctions.run_of_show import lot_version
from auctions.selectors import catalogue
from bidding.pages import show_span

OVER: Final = (AuctionStatus.ENDED, AuctionStatus.CANCELLED)


@dataclass
class Row:
    """One lot of the list: what its fields show, and why what was typed into them was refused."""

    lot: Lot
    texts: dict[str, str]
    errors: dict[str, str] = field(default_factory=dict)
    """By field; the empty name is for the row as a whole."""

    @property
    def is_pending(self) -> bool:
        """Whether the lot waits, so that its rules may change."""
        return self.lot.status == LotStatus.PENDING

    @property
    def version(self) -> str:
        """What the row says that it saw."""
        return lot_version(self.lot)

    @property
    def refusal(self) -> str | None:
        """What is wrong with the row as a whole."""
        return self.errors.get("")

    @property
    def endings(self) -> list[tuple[str, Any]]:
        """How a lot may end; own rules only where it has them, for they are written on its own page."""
        presets = [(preset.key, preset.label) for preset in PRESETS.values()]
        return [*presets, (OWN, _("Own rules"))] if self.texts["preset"] == OWN else presets


@dataclass
class RunPage:
    """The whole list."""

    auction: Auction
    rows: list[Row]
    least: str
    most: str

    @property
    def is_draft(self) -> bool:
        """Whether lots may be taken out."""
        return self.auction.status == AuctionStatus.DRAFT

    @property
    def is_over(self) -> bool:
        """Whether nothing may change any more."""
        return self.auction.status in OVER


def run_page(auction: Auction, *, instead: Row | None = None) -> RunPage:
    """Return the list; `instead` is a row that was refused, with what was typed into it."""
    lots = catalogue(auction)
    rows = [row_of(lot) for lot in lots]
    if instead is not None:
        rows = [instead if row.lot == instead.lot else row for row in rows]
    least, most = show_span(auction, lots)
    return RunPage(auction, rows, span_text(least // 1_000), span_text(most // 1_000))


def row_of(lot: Lot) -> Row:
    """Return the row of a lot as it is stored."""
    return Row(lot, texts_of(lot))


def order_of(auction: Auction) -> list[int]:
    """Return the lots in the order of sale."""
    return list(auction.lots.order_by("position", "pk").values_list("pk", flat=True))
