"""What the host's desk and the clock do with lots. The script decides; the database learns it from the ledger.

A command of the desk names the lot and, with `seen_v`, the version that the desk showed: so that a second tap
cannot hammer the next lot, and a tap on an old picture changes nothing. `actor` is None where the clock acts.
"""

import msgspec
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from accounts.models import User
from auctions.audit import audited
from auctions.errors import Refused
from auctions.models import Auction, AuctionStatus, CommandKind, Lot, LotRun, LotStatus, Registration
from auctions.permissions import can_manage
from auctions.rules import frozen_rules
from auctions.services import lot_update
from bidding import protocol
from bidding.engine import calls
from bidding.engine.calls import Call
from bidding.engine.keys import AuctionKeys
from bidding.engine.outcomes import Done, EngineError, FloorMissing, NotDone, NotSent, Pulse, Snapshot
from bidding.engine.runner import run
from bidding.floor import floor
from bidding.models import Bid
from bidding.selectors import (
    coming_lot_info,
    lot_after,
    lot_image_url,
    next_lot_info,
    on_rostrum,
    pulse_now,
    snapshot_now,
)
from bidding.services.announcing import announce_entries_now
from bidding.services.commands import command_send


@audited
def lot_open(*, lot: Lot, actor: User | None, seen_v: int | None = None) -> None:
    """Open a lot under rules that are frozen now; its pre-bids are resolved.

    Raises Refused where the lot is not pending, the show is not live or another lot is open.
    """
    _check_desk(lot.auction, actor)
    with transaction.atomic():
        auction = Auction.objects.select_for_update().get(pk=lot.auction_id)
        lot = Lot.objects.get(pk=lot.pk)
        if lot.status != LotStatus.PENDING:
            raise Refused("lot_not_pending", _("Lot %(number)s was offered already.") % {"number": lot.number})
        lot_run = lot.runs.filter(status=LotStatus.PENDING).first()
        # The database may not know yet that the run was opened: its rules are frozen all the same.
        if lot_run is not None and _was_opened(lot_run):
            raise Refused("lot_not_pending", _("Lot %(number)s was offered already.") % {"number": lot.number})
        if lot_run is None:
            attempt = (lot.runs.aggregate(last=Max("attempt"))["last"] or 0) + 1
            lot_run = LotRun(lot=lot, auction=auction, attempt=attempt)
        lot_run.rules = dict(frozen_rules(lot))
        lot_run.save()
    floor_command(
        auction.pk,
        calls.open_lot(
            auction.pk,
            lot_id=lot.pk,
            run_id=lot_run.pk,
            number=lot.number,
            title=lot.title,
            image_url=lot_image_url(lot),
            rules=lot_run.rules,
            seen_v=seen_v,
            actor=actor.pk if actor else None,
        ),
    )


@audited
def lot_offer_again(*, lot: Lot, actor: User, opening_amount: int | None = None) -> Lot:
    """Put a lot that passed or was withdrawn back into the run of show; it comes next, as a new run.

    What the earlier run came to stays as it is. `opening_amount` (minor units) is that of the new run; other rules may
    be changed until the lot opens. Raises Refused where the lot was sold, or its result is not stored yet.
    """
    _check_desk(lot.auction, actor)
    with transaction.atomic():
        auction = Auction.objects.select_for_update().get(pk=lot.auction_id)
        lot = Lot.objects.select_related("auction").get(pk=lot.pk)
        if auction.status != AuctionStatus.LIVE:
            raise Refused("not_live", _refusal("not_live"))
        if lot.status not in (LotStatus.PASSED, LotStatus.WITHDRAWN):
            raise Refused("not_passed", _("Only a lot that passed or was withdrawn can be offered again."))
        lot.status = LotStatus.PENDING
        lot.save(update_fields=["status"])
        if opening_amount is not None:
            lot = lot_update(actor=actor, lot=lot, opening_amount=opening_amount)
        command_send(auction, CommandKind.LOT, lot=lot)
    if pulse_or_refuse(auction.pk).lot_status not in ("open", "paused"):
        floor_command(auction.pk, calls.set_next_lot(auction.pk, next_lot=coming_lot_info(lot)))
    return lot


@audited
def lot_warn(*, lot: Lot, actor: User, seen_v: int | None = None) -> Done:
    """Give fair warning: the hammer may fall ten seconds from now at the earliest."""
    _check_desk(lot.auction, actor)
    return floor_command(
        lot.auction_id, calls.fair_warning(lot.auction_id, lot_id=lot.pk, seen_v=seen_v, actor=actor.pk)
    )


@audited
def lot_hammer(*, lot: Lot, actor: User, seen_v: int | None = None) -> Done:
    """Let the hammer fall on the open lot. Raises Refused before a fair warning has been heard."""
    return _close(lot, "hammer", actor, seen_v)


@audited
def lot_close(*, lot: Lot, actor: User, seen_v: int | None = None) -> bool:
    """Take the next step towards closing the open lot: fair warning, then the hammer; True when the hammer fell."""
    try:
        lot_hammer(lot=lot, actor=actor, seen_v=seen_v)
    except Refused as refused:
        if refused.code != "no_fair_warning":
            raise
        lot_warn(lot=lot, actor=actor, seen_v=seen_v)
        return False
    return True


@audited
def lot_open_next(*, auction: Auction, actor: User, shown_id: int, seen_v: int) -> Lot:
    """Open the first pending lot of the run of show and return it.

    Raises Refused where none is left, or where it is not the one that was shown as next.
    """
    _check_desk(auction, actor)
    lot = lot_after(auction, None)
    if lot is None:
        raise Refused("no_lot_left", _("No lot is left to open."))
    if shown_id != lot.pk:
        raise Refused("stale", _refusal("stale"))
    lot_open(lot=lot, actor=actor, seen_v=seen_v)
    return lot


@audited
def lot_close_current(*, auction: Auction, actor: User, shown_id: int, seen_v: int) -> tuple[Lot, bool]:
    """Take the next step towards closing the lot that is up, as `lot_close` does.

    Which lot that is the floor says: the database learns it a moment later. Raises Refused where another was shown.
    """
    lot = _current(auction, actor, shown_id)
    return lot, lot_close(lot=lot, actor=actor, seen_v=seen_v)


@audited
def lot_resume_current(*, auction: Auction, actor: User, shown_id: int, seen_v: int) -> Lot:
    """Let the lot that is up run again where it is paused, and return it, as `lot_close_current` does."""
    lot = _current(auction, actor, shown_id)
    lot_resume(lot=lot, actor=actor, seen_v=seen_v)
    return lot


@audited
def lot_withdraw(*, lot: Lot, actor: User, seen_v: int | None = None) -> Done:
    """Take the open lot out of the sale."""
    return _close(lot, "withdrawn", actor, seen_v)


@audited
def lot_pause(*, lot: Lot, actor: User | None, reason: str, seen_v: int | None = None) -> Done:
    """Stop the clock of the open lot and keep what was left. `reason` is a code that the room sees."""
    _check_desk(lot.auction, actor)
    call = calls.pause_lot(
        lot.auction_id, lot_id=lot.pk, reason=reason, seen_v=seen_v, actor=actor.pk if actor else None
    )
    return floor_command(lot.auction_id, call)


@audited
def lot_resume(*, lot: Lot, actor: User | None, seen_v: int | None = None) -> Done:
    """Let a paused lot run again, with at least its window left."""
    _check_desk(lot.auction, actor)
    call = calls.resume_lot(lot.auction_id, lot_id=lot.pk, seen_v=seen_v, actor=actor.pk if actor else None)
    return floor_command(lot.auction_id, call)


@audited
def lot_extend(*, lot: Lot, actor: User, added_ms: int, seen_v: int | None = None) -> Done:
    """Move the end of the open lot by 1 s to 10 min; it counts against no cap."""
    _check_desk(lot.auction, actor)
    if not 1_000 <= added_ms <= 600_000:
        raise Refused("bad_extension", _("Add between 1 second and 10 minutes."), field="added_ms")
    return floor_command(
        lot.auction_id,
        calls.extend_lot(lot.auction_id, lot_id=lot.pk, added_ms=added_ms, seen_v=seen_v, actor=actor.pk),
    )


@audited
def lot_reopen(*, lot: Lot, actor: User, reason: str, seen_v: int | None = None) -> Done:
    """Take a provisional result back; possible until the next lot opens, the show ends or the lot is offered again.

    With the reason `reserve_waived` it has no reserve from then on.
    """
    _check_desk(lot.auction, actor)
    if (
        Lot.objects.filter(pk=lot.pk, status=LotStatus.PENDING).exists()
        and lot.runs.exclude(closed_at_ms=None).exists()
    ):
        raise Refused("offered_again", _("This lot is offered again already."))
    return floor_command(
        lot.auction_id,
        calls.reopen_lot(lot.auction_id, lot_id=lot.pk, reason=reason, seen_v=seen_v, actor=actor.pk),
    )


@audited
def lot_sell_anyway(*, lot: Lot, actor: User, seen_v: int | None = None) -> Done:
    """Sell a lot whose reserve was not met: it runs again for its window, without the reserve, and everybody may bid.

    What was bid stands, so that whoever led buys it unless somebody bids more. Raises Refused where it did not pass so.
    """
    _check_desk(lot.auction, actor)
    snapshot = _snapshot_or_refuse(lot.auction_id)
    shown = None if snapshot.lot is None else msgspec.json.decode(snapshot.lot, type=protocol.LotPart)
    if shown is None or shown.id != lot.pk:
        raise Refused("wrong_lot", _refusal("wrong_lot"))
    if shown.reason != "reserve_not_met":
        raise Refused("reserve_met", _("This lot did not pass because of its reserve."))
    return lot_reopen(
        lot=lot, actor=actor, reason=protocol.RESERVE_WAIVED, seen_v=snapshot.v if seen_v is None else seen_v
    )


@audited
def bid_void(*, bid: Bid, actor: User, reason: str, seen_v: int | None = None) -> Done:
    """Take back the offer behind a bid; price and leader are decided anew from the others, and the end stays.

    Behind an automatic bid is the maximum that made it. The bidder's other offers stay, earlier and later.
    """
    return _void(bid.run.lot, bid.registration, (bid.offer_v, bid.offer_s), actor, reason, seen_v)


@audited
def offer_void(*, lot: Lot, bidder: Registration, actor: User, reason: str, seen_v: int | None = None) -> Done:
    """Take back a bidder's latest offer, also a raised maximum that no bid shows; the one before it stands again."""
    return _void(lot, bidder, None, actor, reason, seen_v)


def _void(
    lot: Lot, bidder: Registration, place: tuple[int, int] | None, actor: User, reason: str, seen_v: int | None
) -> Done:
    _check_desk(lot.auction, actor)
    return floor_command(
        lot.auction_id,
        calls.void_bid(
            lot.auction_id,
            lot_id=lot.pk,
            registration_id=bidder.pk,
            place=place,
            reason=reason,
            seen_v=seen_v,
            actor=actor.pk,
        ),
    )


@audited
def rostrum_take(*, auction: Auction, actor: User) -> Done:
    """Take the rostrum: from then on the desk obeys this person alone."""
    _check_desk(auction, actor)
    return floor_command(auction.pk, calls.take_rostrum(auction.pk, actor=actor.pk))


def lot_close_due(*, auction: Auction, lot_id: int) -> bool:
    """Close a lot whose time is over; False where it was not due, closed before, or is no longer current."""
    call = calls.close_lot(auction.pk, lot_id=lot_id, reason="time", next_lot=next_lot_info(auction, lot_id))
    outcome = run(floor(), call)
    if isinstance(outcome, NotDone):
        return False
    announce_entries_now(auction.pk, outcome.epoch, outcome.entries)
    return True


def pulse_or_refuse(auction_id: int) -> Pulse:
    """Return what the floor knows of an auction; raises Refused where it knows nothing or is away."""
    try:
        return pulse_now(auction_id)
    except FloorMissing:
        raise Refused("floor_missing", _floor_missing()) from None
    except (RedisError, EngineError, OSError):
        raise Refused("unavailable", _unavailable()) from None


def _snapshot_or_refuse(auction_id: int) -> Snapshot:
    try:
        return snapshot_now(auction_id)
    except FloorMissing:
        raise Refused("floor_missing", _floor_missing()) from None
    except (RedisError, EngineError, OSError):
        raise Refused("unavailable", _unavailable()) from None


def floor_command(auction_id: int, call: Call[Done | NotDone]) -> Done:
    """Carry out a lifecycle command and announce it; raises Refused where the floor refuses or is away."""
    try:
        outcome = run(floor(), call)
    except FloorMissing:
        raise Refused("floor_missing", _floor_missing()) from None
    except NotSent:
        raise Refused("unavailable", _unavailable()) from None
    except (RedisError, EngineError, OSError):
        raise Refused("unknown", _("The live floor did not answer. It may have taken effect: look.")) from None
    if isinstance(outcome, NotDone):
        is_taken = outcome.code == "not_on_rostrum"
        raise Refused(outcome.code, _on_rostrum(auction_id) if is_taken else _refusal(outcome.code))
    announce_entries_now(auction_id, outcome.epoch, outcome.entries)
    return outcome


def _current(auction: Auction, actor: User, shown_id: int) -> Lot:
    _check_desk(auction, actor)
    lot_id = pulse_or_refuse(auction.pk).lot_id
    lot = None if lot_id is None else auction.lots.filter(pk=lot_id).first()
    if lot is None:
        raise Refused("no_lot_open", _("No lot is open."))
    if shown_id != lot.pk:
        raise Refused("wrong_lot", _refusal("wrong_lot"))
    return lot


def _was_opened(lot_run: LotRun) -> bool:
    try:
        return bool(floor().sismember(AuctionKeys(lot_run.auction_id).runs, str(lot_run.pk)))
    except (RedisError, OSError):
        raise Refused("unavailable", _unavailable()) from None


def _floor_missing() -> str:
    return _("The live floor does not know this auction. It must be rebuilt.")


def _unavailable() -> str:
    return _("The live floor cannot be reached. Nothing was changed; try again.")


def _close(lot: Lot, reason: str, actor: User, seen_v: int | None) -> Done:
    _check_desk(lot.auction, actor)
    call = calls.close_lot(
        lot.auction_id,
        lot_id=lot.pk,
        reason=reason,
        next_lot=next_lot_info(lot.auction, lot.pk),
        seen_v=seen_v,
        actor=actor.pk,
    )
    return floor_command(lot.auction_id, call)


def _on_rostrum(auction_id: int) -> str:
    try:
        holder = on_rostrum(auction_id)
    except (RedisError, EngineError, OSError):
        holder = None
    if holder is None or not holder.display_name:
        return _refusal("not_on_rostrum")
    return _("%(name)s is on the rostrum. Take it first.") % {"name": holder.display_name}


def _refusal(code: str) -> str:
    match code:
        case "not_live":
            return _("The show is not live.")
        case "lot_open":
            return _("Another lot is open. Close it first.")
        case "already_closed":
            return _("This lot is closed already.")
        case "wrong_lot":
            return _("This lot is not the current one.")
        case "not_open":
            return _("This lot is not open.")
        case "not_paused":
            return _("This lot is not paused.")
        case "not_closed":
            return _("This lot still runs.")
        case "not_due":
            return _("This lot still runs.")
        case "too_late":
            return _("This lot has just ended.")
        case "too_early":
            return _("Bidders have ten seconds after the fair warning. Let the hammer fall then.")
        case "no_fair_warning":
            return _("Give fair warning first.")
        case "stale":
            return _("Something changed meanwhile. Look again and repeat it if you still mean it.")
        case "not_on_rostrum":
            return _("Somebody else is on the rostrum. Take it first.")
        case "no_such_bid":
            return _("This bid does not count any more.")
        case "over":
            return _("The show is over.")
        case "not_over":
            return _("The show is not over.")
        case "not_scheduled":
            return _("Only a scheduled auction can go live.")
        case "not_missing":
            return _("The live floor knows this auction.")
        case "not_stored":
            return _("The database does not hold the whole show yet.")
        case "bad_argument":
            return _("The live floor did not understand this.")
        case _:
            return _("Not possible in this state.")


def _check_desk(auction: Auction, actor: User | None) -> None:
    if actor is not None and not can_manage(actor, auction):
        raise Refused("forbidden", _("You may not run this auction."))
