"""The run of show as a host edits it: one lot at a time, seen as it was, copied, and added like the one before.

Owns what a page saw of a lot, so that two people at one list do not overwrite each other. What a lot may be, and who
may change it, the catalogue's services say.
"""

import hashlib
import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from typing import Any, Final, Unpack

from django.db import models, transaction
from django.utils.translation import gettext as _

from accounts.models import User
from auctions import services
from auctions.audit import audited
from auctions.errors import Refused
from auctions.models import Auction, AuctionStatus, Lot, LotImage
from auctions.permissions import can_manage
from auctions.rules import Timing
from auctions.services import LotChanges, LotSpec

_SEEN: Final = tuple(
    # A foreign key by its number: a list has hundreds.
    field.attname
    for field in Lot._meta.concrete_fields
    if field.name in LotChanges.__annotations__ and field.name != "position"
)
_OF_ONE: Final[dict[str, Any]] = {
    "number": "",
    "description": "",
    "condition": "",
    "quantity": 1,
    "estimate_low": None,
    "estimate_high": None,
    "reserve_amount": None,
    "buy_now_amount": None,
    "cap_amount": None,
}
"""What is one lot's own, and the next one does not take over."""


_ALIKE: Final = (
    "description",
    "visibility",
    "entry",
    "new_bidder_limit",
    "most_strikes",
    "time_zone",
    "currency_code",
    "auto_advance",
    "gap_ms",
    "lost_pause_s",
    "buyer_premium_bp",
    "is_rehearsal",
)
"""What a copy of an auction takes over."""
_TITLE_LENGTH: Final = 120


def lot_version(lot: Lot) -> str:
    """Return what a page names that changes this lot: the same for the same contents, wherever the lot stands."""
    seen = [str(getattr(lot, name)) for name in _SEEN]
    return hashlib.sha256(json.dumps(seen).encode()).hexdigest()[:16]


@audited
def lot_save_seen(*, actor: User, lot: Lot, seen: str, **changes: Unpack[LotChanges]) -> Lot:
    """Change a lot that is still as its page showed it, and return it as it is now.

    Raises Refused with the code `stale` where it was changed meanwhile, unless what is wanted is what it is.
    """
    with transaction.atomic():
        stored = _locked(lot)
        changed = sorted(name for name, value in changes.items() if getattr(stored, name) != value)
        if changed and lot_version(stored) != seen:
            raise Refused("stale", _("Somebody else changed this lot meanwhile."))
        stored = services.lot_update(actor=actor, lot=stored, **changes)
    return stored


def spec_of(lot: Lot) -> LotSpec:
    """Return a lot as the services take a new one."""
    timing = Timing(**{field.name: getattr(lot, field.name) for field in fields(Timing)})
    same = {field.name: getattr(lot, field.name) for field in fields(LotSpec) if field.name not in {"timing"}}
    return LotSpec(**same, timing=timing)


@audited
def lot_add(*, actor: User, auction: Auction, title: str, opening_amount: int) -> Lot:
    """Add a lot at the end under the rules of the last one; return it. `opening_amount` is in minor units."""
    last = auction.lots.order_by("position", "pk").last()
    spec = LotSpec(title=title.strip(), opening_amount=opening_amount)
    if last is not None:
        spec = replace(spec_of(last), title=spec.title, opening_amount=opening_amount, **_OF_ONE)
    with transaction.atomic():
        return services.lot_create(actor=actor, auction=auction, spec=spec)


@audited
def lots_import(*, actor: User, auction: Auction, lots: Sequence[Lot], shown_among: int) -> list[Lot]:
    """Add unsaved lots that were read and checked, at the end and all or none; return them.

    Empty numbers become the next free ones. Raises Refused where there are not as many lots any more as there were when
    these were read: a second press imports nothing twice.
    """
    with transaction.atomic():
        stored = Auction.objects.select_for_update(of=("self",)).get(pk=auction.pk)
        if not can_manage(actor, stored):
            raise Refused("forbidden", _("You may not change this auction."))
        if stored.status in (AuctionStatus.ENDED, AuctionStatus.CANCELLED):
            raise Refused("auction_over", _("The auction is over."))
        taken = set(stored.lots.values_list("number", flat=True))
        if len(taken) != shown_among:
            raise Refused("stale", _("Lots came or went meanwhile. Look at the file again."))
        if len(taken) + len(lots) > services.MAX_LOTS:
            raise Refused("too_many_lots", _("An auction has at most %(most)s lots.") % {"most": services.MAX_LOTS})
        last = stored.lots.aggregate(last=models.Max("position"))["last"] or 0
        numbers = _free_numbers(taken | {lot.number for lot in lots})
        for place, lot in enumerate(lots, last + 1):
            if lot.number in taken:
                raise Refused("number_taken", _("Lot number %(number)s is taken.") % {"number": lot.number})
            services.check_lot(lot)
            lot.auction, lot.position, lot.number = stored, place, lot.number or next(numbers)
        added = Lot.objects.bulk_create(lots)
        for lot in added:
            services.tell_floor(lot)
    return added


def _free_numbers(taken: set[str]) -> Iterator[str]:
    """Yield whole numbers beyond the largest one that is taken."""
    largest = max((int(text) for text in taken if text.isascii() and text.isdigit()), default=0)
    return map(str, itertools.count(largest + 1))


@audited
def lot_copy(*, actor: User, lot: Lot) -> Lot:
    """Add a second lot like this one, with its pictures and the next free number, at the end; return it."""
    with transaction.atomic():
        stored = _locked(lot)
        copy = services.lot_create(actor=actor, auction=stored.auction, spec=replace(spec_of(stored), number=""))
        # A file goes only with the last picture that it is.
        LotImage.objects.bulk_create(pictures_for(copy, stored))
    return copy


@audited
def auction_copy(*, actor: User, auction: Auction) -> Auction:
    """Make a draft like this auction: its settings, and all its lots with their pictures; no start, no invitations.

    It goes by the house's latest conditions of sale. Raises Refused or StreamTrouble.
    """
    if not can_manage(actor, auction):
        raise Refused("forbidden", _("You may not change this auction."))
    title = _("%(title)s (copy)") % {"title": auction.title[: _TITLE_LENGTH - 20]}
    with transaction.atomic():
        # Nobody takes a picture's file away while another picture is made of it.
        auction = Auction.objects.select_for_update(of=("self",)).select_related("organizer").get(pk=auction.pk)
        same = {name: getattr(auction, name) for name in _ALIKE}
        copy = services.auction_create(actor=actor, organizer=auction.organizer, title=title, **same)
        if auction.cover:
            Auction.objects.filter(pk=copy.pk).update(cover=auction.cover.name)
        lots = list(auction.lots.order_by("position", "pk").prefetch_related("images"))
        new = [services.lot_of(copy, spec_of(lot), position=0) for lot in lots]
        copies = lots_import(actor=actor, auction=copy, lots=new, shown_among=0)
        pictures = [pictures_for(each, lot) for each, lot in zip(copies, lots, strict=True)]
        LotImage.objects.bulk_create(itertools.chain.from_iterable(pictures))
    return copy


@audited
def lot_take_out(*, actor: User, lot: Lot) -> None:
    """Take a lot out of a draft."""
    services.lot_remove(actor=actor, lot=lot)


def _locked(lot: Lot) -> Lot:
    """Lock a lot as the services do, the auction first; refuse where another page took it out."""
    auction = Auction.objects.select_for_update(of=("self",)).select_related("organizer").get(pk=lot.auction_id)
    stored = auction.lots.select_for_update(of=("self",)).filter(pk=lot.pk).first()
    if stored is None:
        raise Refused("lot_gone", _("The lot was taken out meanwhile."))
    stored.auction = auction
    return stored


def pictures_for(copy: Lot, lot: Lot) -> list[LotImage]:
    """Return unsaved pictures of a copy that show the same files as those of a lot."""
    own: set[Any] = {"id", "lot"}
    names = [field.name for field in LotImage._meta.concrete_fields if field.name not in own]
    return [LotImage(lot=copy, **{name: getattr(image, name) for name in names}) for image in lot.images.all()]
