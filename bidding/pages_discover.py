"""What the pages show by which people find shows: search, a category, all shows, the page of a house.

Changes nothing, and shows what lists may show to somebody: an unlisted auction is in none of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.core.paginator import Page, Paginator

from accounts.models import Organizer
from auctions.models import Auction, AuctionStatus, Category, Lot, LotRun, LotStatus
from auctions.permissions import AnyUser, visible_organizers
from auctions.presenting import MoneyStyle, money_style
from auctions.search import (
    LONGEST,
    SHOWS,
    auctions_found,
    categories,
    lots_found,
    organizers_found,
    shows_of,
    words_of,
)

LOTS_A_PAGE: Final = 24
AUCTIONS_A_PAGE: Final = 20
_BESIDE: Final = 6
"""How many shows and houses stand above the lots that were found."""


@dataclass(frozen=True, slots=True)
class LotFound:
    """A lot that was found, with its last run."""

    lot: Lot
    run: LotRun | None
    style: MoneyStyle

    @property
    def state(self) -> str:
        """The lot's state as the record knows it."""
        return self.run.status if self.run else self.lot.status


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody looks for, as the address of the page says it."""

    text: str = ""
    shows: str = ""
    page: str = ""
    category: Category | None = None

    @property
    def is_search(self) -> bool:
        """Whether there is a word to look for."""
        return bool(words_of(self.text))


@dataclass(frozen=True, slots=True)
class Found:
    """The page of what was found."""

    wanted: Wanted
    categories: list[Category]
    houses: list[Organizer]
    auctions: list[Auction]
    lots: list[LotFound]
    page: Page[Lot]


@dataclass(frozen=True, slots=True)
class House:
    """The page of a house."""

    organizer: Organizer
    live: list[Auction]
    upcoming: list[Auction]
    ended: list[Auction]
    followers: int

    @property
    def is_empty(self) -> bool:
        """Whether there is no show to tell of."""
        return not (self.live or self.upcoming or self.ended)


def wanted_of(form: dict[str, str], category: Category | None = None) -> Wanted:
    """Read what is looked for from the query of an address; what it does not know counts as not said."""
    shows = form.get("shows", "")
    return Wanted(
        text=" ".join(form.get("q", "").replace("\0", " ").split())[:LONGEST],
        shows=shows if shows in SHOWS else "",
        page=form.get("page", ""),
        category=category,
    )


def found_page(user: AnyUser, wanted: Wanted) -> Found:
    """Return a page of lots, and above the first one the houses and shows of that name."""
    lots = lots_found(user, text=wanted.text, category=wanted.category, shows=wanted.shows)
    page = Paginator(lots, LOTS_A_PAGE).get_page(wanted.page)
    beside = wanted.is_search and page.number == 1 and wanted.category is None
    return Found(
        wanted=wanted,
        categories=list(categories(user)),
        houses=list(organizers_found(user, wanted.text)[:_BESIDE]) if beside else [],
        auctions=list(auctions_found(user, text=wanted.text, shows=wanted.shows)[:_BESIDE]) if beside else [],
        lots=with_runs(page.object_list),
        page=page,
    )


def auctions_page(user: AnyUser, wanted: Wanted) -> Page[Auction]:
    """Return a page of the listed shows."""
    return Paginator(auctions_found(user, shows=wanted.shows), AUCTIONS_A_PAGE).get_page(wanted.page)


def house_page(user: AnyUser, slug: str) -> House | None:
    """Return the page of a house, or None where it does not exist for this person."""
    organizer = visible_organizers(user).filter(slug=slug).first()
    if organizer is None:
        return None
    shows = list(shows_of(user, organizer)[: 3 * AUCTIONS_A_PAGE])

    def of(status: AuctionStatus) -> list[Auction]:
        return [show for show in shows if show.status == status][:AUCTIONS_A_PAGE]

    return House(
        organizer=organizer,
        live=of(AuctionStatus.LIVE),
        upcoming=of(AuctionStatus.SCHEDULED),
        ended=of(AuctionStatus.ENDED),
        followers=organizer.follows.count(),
    )


def with_runs(lots: Iterable[Lot]) -> list[LotFound]:
    """Return lots with their last runs; asks once for all."""
    lots = list(lots)
    begun = LotRun.objects.filter(lot__in=lots).exclude(status=LotStatus.PENDING).order_by("pk")
    runs = {run.lot_id: run for run in begun}
    return [LotFound(lot, runs.get(lot.pk), money_style(lot.auction.currency, [lot])) for lot in lots]
