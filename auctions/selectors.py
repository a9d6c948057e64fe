"""Reads of the catalogue for the pages: who sees which auctions, with everything a page shows of them.

Every function has a bounded number of queries, whatever the number of auctions and lots. Changes nothing.
"""

from django.db.models import Count, F, Prefetch, Q, QuerySet

from accounts.models import Organizer, User
from auctions.models import Auction, AuctionStatus, Lot, LotRun, LotStatus, ShippingProfile, TaxRule, Upload
from auctions.permissions import AnyUser, manageable_auctions, viewable_auctions, visible_auctions

UPCOMING_SHOWN = 12
ENDED_SHOWN = 12
PREVIEWS = 4


def with_previews(auctions: QuerySet[Auction]) -> QuerySet[Auction]:
    """Add to auctions what a line about them shows: the house, how many lots, how many sold, the first pictures."""
    lots = Lot.objects.order_by("position", "pk").prefetch_related("images")
    return (
        auctions.select_related("organizer")
        .annotate(
            lot_count=Count("lots", distinct=True),
            sold_count=Count("lots", filter=Q(lots__status=LotStatus.SOLD), distinct=True),
        )
        .prefetch_related(Prefetch("lots", queryset=lots[:PREVIEWS], to_attr="previews"))
    )


def live_auctions(user: AnyUser) -> QuerySet[Auction]:
    """Return the live auctions that lists show to this person, the newest first."""
    return with_previews(visible_auctions(user).filter(status=AuctionStatus.LIVE)).order_by("-went_live_at", "-pk")


def upcoming_auctions(user: AnyUser) -> QuerySet[Auction]:
    """Return the scheduled auctions that lists show to this person, the next first, undated ones last."""
    scheduled = visible_auctions(user).filter(status=AuctionStatus.SCHEDULED)
    return with_previews(scheduled).order_by(F("starts_at").asc(nulls_last=True), "pk")[:UPCOMING_SHOWN]


def ended_auctions(user: AnyUser) -> QuerySet[Auction]:
    """Return the ended auctions that lists show to this person, the latest first."""
    return with_previews(visible_auctions(user).filter(status=AuctionStatus.ENDED)).order_by("-ended_at", "-pk")[
        :ENDED_SHOWN
    ]


def auction_by_slug(user: AnyUser, slug: str) -> Auction | None:
    """Return an auction with its house and terms, or None where it does not exist for this person."""
    return viewable_auctions(user).select_related("organizer", "terms", "stream_channel").filter(slug=slug).first()


def auction_for_host(user: AnyUser, auction_id: int) -> Auction | None:
    """Return an auction that this person may manage, or None."""
    return (
        manageable_auctions(user).select_related("organizer", "terms", "stream_channel").filter(pk=auction_id).first()
    )


def lot_for_host(user: AnyUser, lot_id: int) -> Lot | None:
    """Return a lot of an auction that this person may manage, or None."""
    return Lot.objects.select_related("auction").filter(pk=lot_id, auction__in=manageable_auctions(user)).first()


def upload_for_host(user: User, upload_id: int) -> Upload | None:
    """Return an upload that this person began for a lot that they may still manage, or None."""
    mine = Upload.objects.filter(pk=upload_id, created_by=user, lot__auction__in=manageable_auctions(user))
    return mine.select_related("lot__auction").first()


def auctions_of_host(user: AnyUser) -> QuerySet[Auction]:
    """Return the auctions that this person manages, drafts first, then the newest."""
    return with_previews(manageable_auctions(user).filter(archived_at__isnull=True)).order_by("-created_at")[:100]


def catalogue(auction: Auction) -> list[Lot]:
    """Return the run of show with pictures, fees and delivery of each lot."""
    lots = list(
        auction.lots.order_by("position", "pk")
        .select_related("tax_rule", "shipping", "category")
        .prefetch_related("images")
    )
    for lot in lots:
        # The same object for all, so that nothing asks the database for the auction of each.
        lot.auction = auction
    return lots


def last_runs(auction: Auction) -> dict[int, LotRun]:
    """Return what became of each lot that was offered: its last run by lot."""
    begun = LotRun.objects.filter(auction=auction).exclude(status=LotStatus.PENDING)
    return {run.lot_id: run for run in begun.select_related("winner").order_by("pk")}


def tax_rules(organizer: Organizer) -> QuerySet[TaxRule]:
    """Return the tax rules that an organizer's lots may have."""
    return TaxRule.objects.filter(organizer=organizer).order_by("name")


def shipping_profiles(organizer: Organizer) -> QuerySet[ShippingProfile]:
    """Return the delivery profiles that an organizer's lots may have."""
    return ShippingProfile.objects.filter(organizer=organizer).order_by("name")
