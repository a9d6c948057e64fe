"""What a show still lacks before it is scheduled: what stops it, and what its host may want to know.

Reads only. Scheduling asks here for what stops it, so that the list and the refusal are one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from auctions.models import Auction, Lot


class Weight(StrEnum):
    """How much a point matters."""

    BLOCKING = "blocking"
    ADVICE = "advice"


@dataclass(frozen=True, slots=True)
class Point:
    """One thing that a show lacks, and where it is mended."""

    weight: Weight
    code: str
    text: str
    where: str
    """The address of the page that mends it."""
    field: str | None = None


def missing(auction: Auction, lots: Sequence[Lot]) -> list[Point]:
    """Return what a draft lacks, what stops it first; its lots come with their pictures."""
    return [*blocking(auction, has_lots=bool(lots)), *_advice(auction, lots)]


def blocking(auction: Auction, *, has_lots: bool) -> list[Point]:
    """Return what a draft cannot be scheduled without."""

    def point(code: str, text: str, where: str, field: str | None = None) -> Point:
        return Point(Weight.BLOCKING, code, text, where, field)

    points = []
    if not has_lots:
        points.append(point("no_lots", _("Add a lot first."), _lots(auction)))
    if auction.terms_id is None:
        points.append(point("no_terms", _("Add the conditions of sale first."), _house(auction), "terms"))
    if auction.auto_start and _is_past(auction):
        text = _("Its start is in the past: it would go live at once.")
        points.append(point("start_past", text, _sheet(auction), "starts_at"))
    return points


def _advice(auction: Auction, lots: Sequence[Lot]) -> list[Point]:
    def point(code: str, text: str, where: str) -> Point:
        return Point(Weight.ADVICE, code, text, where)

    points = []
    if auction.starts_at is None:
        points.append(point("no_start", _("It has no start time: nobody can plan for it."), _sheet(auction)))
    elif _is_past(auction) and not auction.auto_start:
        points.append(point("start_past", _("Its start is in the past."), _sheet(auction)))
    if auction.stream_channel_id is None:
        points.append(point("no_channel", _("It has no video channel."), _sheet(auction)))
    if not auction.organizer.payment_instructions.strip():
        points.append(point("no_payment", _("Buyers are not told how to pay."), _house(auction)))
    if not auction.description.strip():
        points.append(point("no_description", _("Nothing tells people what the show is about."), _sheet(auction)))
    if bare := [lot for lot in lots if not lot.images.all()]:
        text = ngettext("%(n)d lot has no picture: %(lots)s", "%(n)d lots have no picture: %(lots)s", len(bare))
        where = reverse("host_lot_pictures", args=(bare[0].pk,)) if len(bare) == 1 else _lots(auction, bare[0])
        points.append(point("no_pictures", text % {"n": len(bare), "lots": _named(bare)}, where))
    if low := [lot for lot in lots if lot.reserve_amount is not None and lot.reserve_amount <= lot.opening_amount]:
        text = ngettext(
            "The reserve is not above the opening bid, so it changes nothing: lot %(lots)s",
            "The reserve is not above the opening bid, so it changes nothing: lots %(lots)s",
            len(low),
        )
        points.append(point("low_reserve", text % {"lots": _named(low)}, _lots(auction, low[0])))
    undelivered = [lot for lot in lots if lot.shipping is None]
    if undelivered and len(undelivered) < len(lots):
        text = ngettext(
            "%(n)d lot has no delivery while others have one: %(lots)s",
            "%(n)d lots have no delivery while others have one: %(lots)s",
            len(undelivered),
        )
        where = reverse("host_lot", args=(undelivered[0].pk,))
        points.append(point("no_delivery", text % {"n": len(undelivered), "lots": _named(undelivered)}, where))
    return points


def _is_past(auction: Auction) -> bool:
    return auction.starts_at is not None and auction.starts_at <= timezone.now()


def _named(lots: Sequence[Lot]) -> str:
    few = ", ".join(lot.number for lot in lots[:5])
    return few if len(lots) <= 5 else f"{few} …"


def _lots(auction: Auction, lot: Lot | None = None) -> str:
    return reverse("host_lots", args=(auction.pk,)) + (f"#lot-{lot.pk}" if lot else "")


def _sheet(auction: Auction) -> str:
    return reverse("host_auction_edit", args=(auction.pk,))


def _house(auction: Auction) -> str:
    return reverse("host_house", args=(auction.organizer_id,))
