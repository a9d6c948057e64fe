"""What a host does from the Live desk beside the life of one lot: sort the queue, add to it,
let lots open by themselves, take a break, ban a bidder.

Each is authorised here; what acts on the open lot names it, and the version that the desk showed.
"""

from dataclasses import fields, replace
from typing import IO, Final

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from auctions import services as catalogue
from auctions.audit import audited
from auctions.errors import Refused
from auctions.models import Auction, AuctionStatus, Lot, LotStatus, Registration, RegistrationStatus
from auctions.permissions import can_manage
from auctions.rules import Timing
from bidding.engine import calls
from bidding.engine.outcomes import Done
from bidding.selectors import next_lot_info
from bidding.services.lots import floor_command, offer_void, pulse_or_refuse
from bidding.services.registrations import registration_set_status

BANNED: Final = "banned"
"""The public reason of bids that are taken back with a ban."""
_AS_BEFORE: Final = ("tax_rule", "shipping", "consignor", "category")
"""What a quick lot takes over from the last one beside its clock and its steps."""


@audited
def lot_move(*, lot: Lot, actor: User, before: Lot | None) -> None:
    """Put a pending lot in front of another one that waits, or at the end; the room is told where the next one changed.

    Raises Refused where either was opened meanwhile.
    """
    _check_manager(lot.auction, actor)
    with transaction.atomic():
        _put(lot, before)
    next_tell(auction=lot.auction)


@audited
def lot_quick(
    *, auction: Auction, actor: User, title: str, opening_amount: int, picture: IO[bytes] | None = None
) -> Lot:
    """Add a lot in front of all that wait, under the rules of the last one; return it.

    `opening_amount` is in minor units. Raises Refused, and adds nothing, where a value or the picture is wrong.
    """
    _check_manager(auction, actor)
    with transaction.atomic():
        model = auction.lots.order_by("-position", "-pk").first()
        spec = catalogue.LotSpec(title=title.strip(), opening_amount=opening_amount)
        if model is not None:
            timing = Timing(**{field.name: getattr(model, field.name) for field in fields(Timing)})
            as_before = {name: getattr(model, name) for name in _AS_BEFORE}
            spec = replace(spec, timing=timing, increments=model.increments, **as_before)
        lot = catalogue.lot_create(actor=actor, auction=auction, spec=spec)
        if picture is not None:
            catalogue.lot_image_add(actor=actor, lot=lot, upload=picture, alt=lot.title)
        first = auction.lots.filter(status=LotStatus.PENDING).order_by("position", "pk").first()
        _put(lot, first)
    next_tell(auction=auction)
    return lot


def _put(lot: Lot, before: Lot | None) -> None:
    auction = Auction.objects.select_for_update().get(pk=lot.auction_id)
    waiting = list(auction.lots.filter(status=LotStatus.PENDING).order_by("position", "pk"))
    if lot not in waiting or (before is not None and before not in waiting):
        raise Refused("lot_not_pending", _("Only lots that wait can be moved."))
    if lot == before:
        return
    places = sorted(each.position for each in waiting)
    waiting.remove(lot)
    waiting.insert(len(waiting) if before is None else waiting.index(before), lot)
    for place, (number, each) in zip(places, enumerate(waiting), strict=True):
        # Places that are taken twice would leave the order to chance.
        each.position = max(place, places[0] + number)
    Lot.objects.bulk_update(waiting, ["position"])


@audited
def autopilot_set(*, auction: Auction, actor: User, on: bool, gap_ms: int | None = None) -> Auction:
    """Let lots open one after another by themselves, so long after each result, or by hand again.

    The clock on the server does it, whether a desk is open or not. An open lot stays as it is.
    """
    _check_manager(auction, actor)
    changes: catalogue.AuctionChanges = {"auto_advance": on}
    if gap_ms is not None:
        changes["gap_ms"] = gap_ms
    auction = catalogue.auction_update(actor=actor, auction=auction, **changes)
    next_tell(auction=auction)
    return auction


@audited
def break_take(*, auction: Auction, actor: User, length_ms: int) -> Done:
    """Take a break between lots of a minute to an hour; on autopilot the next lot opens when it is over."""
    _check_manager(auction, actor)
    if not 60_000 <= length_ms <= 3_600_000:
        raise Refused("bad_length", _("A break takes 1 to 60 minutes."), field="minutes")
    call = calls.take_break(auction.pk, length_ms=length_ms, next_lot=next_lot_info(auction, None), actor=actor.pk)
    return floor_command(auction.pk, call)


def next_tell(*, auction: Auction) -> None:
    """Tell the room which lot comes next, where none is up and that changed."""
    if auction.status != AuctionStatus.LIVE:
        return
    pulse = pulse_or_refuse(auction.pk)
    if pulse.status == "live" and pulse.lot_status not in ("open", "paused"):
        floor_command(auction.pk, calls.set_next_lot(auction.pk, next_lot=next_lot_info(auction, None)))


@audited
def bidder_ban(*, registration: Registration, actor: User, lot: Lot | None = None, seen_v: int | None = None) -> int:
    """Ban a bidder from the auction, and take back all that they offer for an open lot; return how many offers went.

    Without a `lot`, and where it closed, what they bid stands. Raises Refused before anything is changed where the
    picture was old.
    """
    _check_manager(registration.auction, actor)
    if registration.status == RegistrationStatus.BANNED:
        raise Refused("banned", _("Paddle %(paddle)s is banned already.") % {"paddle": registration.paddle})
    voided = 0 if lot is None else _void_all(registration, actor, lot, seen_v)
    registration_set_status(registration=registration, status=RegistrationStatus.BANNED, actor=actor)
    # What came between the two; nothing more can.
    return voided if lot is None else voided + _void_all(registration, actor, lot, None)


def _void_all(registration: Registration, actor: User, lot: Lot, seen_v: int | None) -> int:
    voided = 0
    while True:
        try:
            seen = offer_void(lot=lot, bidder=registration, actor=actor, reason=BANNED, seen_v=seen_v)
        except Refused as refused:
            if refused.code not in ("no_such_bid", "not_open"):
                raise
            return voided
        seen_v, voided = (None if seen_v is None else seen.v), voided + 1


def _check_manager(auction: Auction, actor: User) -> None:
    if not can_manage(actor, auction):
        raise Refused("forbidden", _("You may not run this auction."))
