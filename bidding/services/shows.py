"""The life of a show: schedule, go live, advance by the clock, end, cancel, finish."""

import secrets

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from auctions.audit import audited
from auctions.errors import Refused
from auctions.models import Auction, AuctionStatus, CommandKind
from auctions.permissions import can_manage
from auctions.readiness import blocking
from bidding.engine import calls
from bidding.engine.keys import AuctionKeys
from bidding.engine.lock import fenced
from bidding.engine.outcomes import FloorMissing, NotDone, Pulse
from bidding.engine.runner import run
from bidding.floor import floor
from bidding.models import LedgerPosition
from bidding.selectors import lot_after, next_lot_info, pulse_now
from bidding.services.chat import chat_close
from bidding.services.commands import command_send, commands_deliver
from bidding.services.lots import floor_command, lot_close_due, lot_open

_FINISHING_MS = 30_000


@audited
def auction_schedule(*, auction: Auction, actor: User) -> Auction:
    """Publish a draft and begin its log in Redis. Raises Refused where something is missing."""
    _check_manager(auction, actor)
    with transaction.atomic():
        auction = Auction.objects.select_for_update().get(pk=auction.pk)
        if auction.status != AuctionStatus.DRAFT:
            raise Refused("not_draft", _("Only a draft can be scheduled."))
        for point in blocking(auction, has_lots=auction.lots.exists()):
            raise Refused(point.code, point.text, field=point.field)
        auction.status = AuctionStatus.SCHEDULED
        auction.save(update_fields=["status", "updated_at"])
        LedgerPosition.objects.create(auction=auction, epoch=secrets.token_hex(4))
        command_send(auction, CommandKind.SCHEDULE)
        for lot in auction.lots.all():
            command_send(auction, CommandKind.LOT, lot=lot)
    return auction


@audited
def auction_go_live(*, auction: Auction, actor: User | None) -> Auction:
    """Begin the show. Raises Refused where it is not scheduled or its channel carries another show."""
    _check_manager(auction, actor)
    try:
        with transaction.atomic():
            auction = Auction.objects.select_for_update().get(pk=auction.pk)
            if auction.status != AuctionStatus.SCHEDULED:
                raise Refused("not_scheduled", _("Only a scheduled auction can go live."))
            auction.status = AuctionStatus.LIVE
            auction.save(update_fields=["status", "updated_at"])
            command_send(auction, CommandKind.GO_LIVE)
    except IntegrityError:
        raise Refused(
            "channel_busy", _("The stream channel carries another live auction. End that one first.")
        ) from None
    return auction


@audited
def auction_end(*, auction: Auction, actor: User | None) -> None:
    """End the show. Raises Refused while a lot is open."""
    _check_manager(auction, actor)
    floor_command(auction.pk, calls.end_auction(auction.pk))


@audited
def auction_cancel(*, auction: Auction, actor: User, reason: str) -> None:
    """Call the show off; an open lot is withdrawn. A draft is cancelled without a trace in any log."""
    _check_manager(auction, actor)
    with transaction.atomic():
        auction = Auction.objects.select_for_update().get(pk=auction.pk)
        if auction.status == AuctionStatus.DRAFT:
            auction.status = AuctionStatus.CANCELLED
            auction.cancel_reason = reason
            auction.archived_at = timezone.now()
            auction.save(update_fields=["status", "cancel_reason", "archived_at", "updated_at"])
            return
    floor_command(auction.pk, calls.cancel_auction(auction.pk, reason=reason))


def auction_advance(*, auction: Auction) -> Pulse | None:
    """Do what the clock asks of an auction now; return its pulse where it is live on the floor.

    Safe to run any number of times at once: the scripts decide what is due.
    """
    commands_deliver(auction_id=auction.pk)
    if auction.status in (AuctionStatus.ENDED, AuctionStatus.CANCELLED):
        auction_finish(auction=auction)
        return None
    pulse = pulse_now(auction.pk)
    if pulse.status == "scheduled":
        if auction.auto_start and auction.starts_at and auction.starts_at <= timezone.now():
            auction_go_live(auction=auction, actor=None)
        return None
    if pulse.status != "live":
        return None
    if pulse.lot_status == "open" and pulse.ends_at_ms is not None and pulse.now_ms >= pulse.ends_at_ms:
        assert pulse.lot_id is not None
        lot_close_due(auction=auction, lot_id=pulse.lot_id)
    elif pulse.lot_status not in ("open", "paused") and auction.auto_advance:
        _advance_between_lots(auction, pulse)
    return pulse


def auction_finish(*, auction: Auction) -> bool:
    """Clean Redis once the database holds the whole log; True when it is done. The stream ends by its own clock."""
    with fenced(floor(), f"finish:{auction.pk}", ttl_ms=_FINISHING_MS) as fence:
        if fence is None:
            return False
        auction = Auction.objects.get(pk=auction.pk)
        if auction.cleaned_at is None:
            position = LedgerPosition.objects.get(auction=auction)
            people = [int(member) for member in floor().hkeys(AuctionKeys(auction.pk).registrations)]
            call = calls.clean_up(
                auction.pk,
                stored_v=position.v,
                registration_ids=people,
                lot_ids=list(auction.lots.values_list("pk", flat=True)),
                tombstone_s=settings.TOMBSTONE_DAYS * 86_400,
            )
            try:
                outcome = run(floor(), call)
            except FloorMissing:
                # Redis was wiped after the end, which the database holds: nothing is left to clean but to say so.
                outcome = run(floor(), calls.bury(auction.pk, tombstone_s=settings.TOMBSTONE_DAYS * 86_400))
            if isinstance(outcome, NotDone):
                return False
            chat_close(auction.pk)
            Auction.objects.filter(pk=auction.pk).update(cleaned_at=timezone.now())
    return True


def _advance_between_lots(auction: Auction, pulse: Pulse) -> None:
    if pulse.next_lot_id is not None:
        if pulse.next_opens_at_ms is not None and pulse.now_ms >= pulse.next_opens_at_ms:
            lot = auction.lots.filter(pk=pulse.next_lot_id).first()
            if lot is not None:
                lot_open(lot=lot, actor=None)
        return
    if lot_after(auction, pulse.lot_id) is not None:
        floor_command(auction.pk, calls.set_next_lot(auction.pk, next_lot=next_lot_info(auction, pulse.lot_id)))
    elif pulse.closed_at_ms is not None and pulse.now_ms >= pulse.closed_at_ms + auction.gap_ms:
        auction_end(auction=auction, actor=None)


def _check_manager(auction: Auction, actor: User | None) -> None:
    if actor is not None and not can_manage(actor, auction):
        raise Refused("forbidden", _("You may not run this auction."))
