"""Rehearsals: a show as it will be, on the real engine, before simulated bidders, seen by nobody but its house.

A rehearsal is a copy of the auction, so nothing that happens in it touches the auction itself. It is run from the desk
like every show. The clock lets its bidders bid; whoever puts it away has it erased, in Redis, in the database and among
the files: it sold nothing, so there is nothing to keep.
"""

import json
import uuid
from collections.abc import Mapping
from random import Random
from typing import Any, Final

import structlog
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from msgspec import Raw
from redis.exceptions import RedisError

from accounts.models import User
from auctions.audit import audited
from auctions.errors import Refused
from auctions.models import (
    Auction,
    AuctionModerator,
    AuctionStatus,
    AuditEntry,
    CommandKind,
    FloorCommand,
    Invitation,
    Invoice,
    Lot,
    LotImage,
    LotRun,
    LotStatus,
    LotWatch,
    Offer,
    Order,
    OrderEntry,
    OrderLine,
    Payment,
    PictureWatch,
    Refund,
    Registration,
    RegistrationKind,
    RegistrationStatus,
    Reminder,
    Sale,
    StreamRecording,
    Upload,
    ViewerAddress,
    ViewerRevocation,
)
from auctions.money import format_amount, parse_amount
from auctions.permissions import can_manage
from auctions.run_of_show import pictures_for, spec_of
from auctions.services import auction_create
from bidding import protocol
from bidding.engine.keys import AuctionKeys
from bidding.engine.outcomes import EngineError, FloorMissing
from bidding.floor import floor
from bidding.models import (
    Appeal,
    AudienceSample,
    Bid,
    ChatMessage,
    ChatRoom,
    DiscardedEntry,
    Event,
    LedgerPosition,
    Mute,
    Notification,
    Refusal,
    Report,
    SignedHead,
    SimulatedBidder,
    Temper,
)
from bidding.selectors import room_info, snapshot_now
from bidding.services.bids import bid_place_now
from bidding.services.commands import command_send
from bidding.services.recordings import recordings_erase
from bidding.services.shows import auction_cancel, auction_schedule
from bidding.services.simulating import OnOffer, wish_of

logger = structlog.get_logger(__name__)

MOST_BIDDERS: Final = 40
LONGEST_TITLE: Final = 120
BIDS_A_SECOND: Final = 4
"""How many simulated bids one rehearsal takes in a second: livelier than most evenings."""
VALID_MS: Final = 3_000
LEAVES_FIRST: Final[tuple[tuple[type[models.Model], str], ...]] = (
    (Notification, "auction"),
    (AuditEntry, "auction"),
    (Appeal, "auction"),
    (Report, "auction"),
    (AudienceSample, "auction"),
    (Refund, "payment__order__auction"),
    (Payment, "order__auction"),
    (Invoice, "order__auction"),
    (OrderLine, "order__auction"),
    (OrderEntry, "order__auction"),
    (Order, "auction"),
    (Offer, "run__auction"),
    (Sale, "run__auction"),
    (Bid, "run__auction"),
    (Refusal, "auction"),
    (Event, "auction"),
    (DiscardedEntry, "auction"),
    (SignedHead, "auction"),
    (LedgerPosition, "auction"),
    (LotRun, "auction"),
    (SimulatedBidder, "registration__auction"),
    (LotWatch, "lot__auction"),
    (LotImage, "lot__auction"),
    (Upload, "lot__auction"),
    (ChatMessage, "auction"),
    (ChatRoom, "auction"),
    (Mute, "auction"),
    (Registration, "auction"),
    (Lot, "auction"),
    (Invitation, "auction"),
    (AuctionModerator, "auction"),
    (Reminder, "auction"),
    (FloorCommand, "auction"),
    (StreamRecording, "auction"),
    (PictureWatch, "auction"),
    (ViewerAddress, "auction"),
    (ViewerRevocation, "auction"),
)
"""Everything that hangs on an auction, and by what; each before what it hangs on."""


@audited
def rehearsal_create(*, auction: Auction, actor: User, tempers: Mapping[Temper, int]) -> Auction:
    """Make and schedule a rehearsal of an auction, with so many bidders of each temper, and return it.

    Raises Refused where the actor may not, where there is nothing to rehearse, or with the field of a bad number.
    """
    if not can_manage(actor, auction):
        raise Refused("forbidden", _("You may not run this auction."))
    if auction.is_rehearsal:
        raise Refused("is_rehearsal", _("This is a rehearsal already."))
    if auction.status not in (AuctionStatus.DRAFT, AuctionStatus.SCHEDULED):
        raise Refused("too_late", _("A show is rehearsed before it goes live."))
    if auction.rehearsals.filter(archived_at=None).exists():
        raise Refused("rehearsal_exists", _("There is a rehearsal of this show. Put that one away first."))
    wanted = [temper for temper, count in tempers.items() for _each in range(max(0, count))]
    if any(count < 0 for count in tempers.values()) or not 1 <= len(wanted) <= MOST_BIDDERS:
        most = {"most": MOST_BIDDERS}
        raise Refused("out_of_range", _("Between 1 and %(most)s bidders take part.") % most, field="bidders")
    lots = list(auction.lots.filter(status=LotStatus.PENDING).order_by("position"))
    if not lots:
        raise Refused("no_lots", _("Add a lot first."))
    with transaction.atomic():
        copy = auction_create(
            actor=actor,
            organizer=auction.organizer,
            # In the title, because that is on every page, record and message.
            title=(_("Rehearsal: %(title)s") % {"title": auction.title})[:LONGEST_TITLE],
            description=auction.description,
            visibility=auction.visibility,
            time_zone=auction.time_zone,
            currency_code=auction.currency_code,
            auto_advance=auction.auto_advance,
            gap_ms=auction.gap_ms,
            lost_pause_s=auction.lost_pause_s,
            buyer_premium_bp=auction.buyer_premium_bp,
            terms=auction.terms,
            is_rehearsal=True,
            lots=[spec_of(lot) for lot in lots],
        )
        Auction.objects.filter(pk=copy.pk).update(rehearsal_of=auction, cover=auction.cover.name)
        for lot, copied in zip(lots, copy.lots.order_by("position"), strict=True):
            # The same files: a rehearsal that is erased takes its rows alone.
            LotImage.objects.bulk_create(pictures_for(copied, lot))
        copy = auction_schedule(auction=copy, actor=actor)
        for number, temper in enumerate(wanted):
            _seat(copy, copy.next_paddle + number, temper)
        Auction.objects.filter(pk=copy.pk).update(next_paddle=F("next_paddle") + len(wanted))
    copy.refresh_from_db()
    return copy


@audited
def rehearsal_put_away(*, rehearsal: Auction, actor: User) -> None:
    """End a rehearsal where it is still to end, and let the clock erase it. Harmless when repeated."""
    if not can_manage(actor, rehearsal):
        raise Refused("forbidden", _("You may not run this auction."))
    if not rehearsal.is_rehearsal:
        raise Refused("not_a_rehearsal", _("This is no rehearsal: what happened in it stays on record."))
    if rehearsal.status in (AuctionStatus.SCHEDULED, AuctionStatus.LIVE):
        auction_cancel(auction=rehearsal, actor=actor, reason="rehearsal")
    Auction.objects.filter(pk=rehearsal.pk, archived_at=None).update(archived_at=timezone.now())


def rehearsals_attend() -> None:
    """Let simulated bidders bid where a rehearsal is live, and erase what was put away; idempotent within a second."""
    live = Q(status=AuctionStatus.LIVE, archived_at=None)
    gone = Q(archived_at__isnull=False, cleaned_at__isnull=False)
    for auction in Auction.objects.filter(live | gone, is_rehearsal=True):
        try:
            if auction.archived_at is not None:
                _erase(auction)
            elif cache.add(f"rehearsal:{auction.pk}:{int(timezone.now().timestamp())}", 1, timeout=10):
                rehearsal_play(auction=auction, rng=Random())  # noqa: S311 - behaviour, no secret
        except FloorMissing:
            logger.warning("rehearsal_waits", auction=auction.pk, do="rebuild_live")
        except (RedisError, EngineError, OSError, Refused) as error:
            logger.warning("rehearsal_waits", auction=auction.pk, error=str(error))


def rehearsal_play(*, auction: Auction, rng: Random) -> int:
    """Let each simulated bidder of a live rehearsal look at the open lot once; return how many bids they placed."""
    room = room_info(auction.pk)
    assert room is not None, "the auction is there"
    bidders = list(
        SimulatedBidder.objects.filter(
            registration__auction=auction, registration__status=RegistrationStatus.APPROVED
        ).select_related("registration")
    )
    rng.shuffle(bidders)
    placed = 0
    seen = _on_offer(auction)
    for bidder in bidders:
        if seen is None or placed == BIDS_A_SECOND:
            break
        lot, leader = seen
        if leader == bidder.registration.paddle:
            continue
        wish = wish_of(bidder.pk, Temper(bidder.temper), lot, rng.random())
        if wish is None:
            continue
        amount = format_amount(wish.amount, auction.currency.exponent)
        message = protocol.PlaceBid(
            amount=Raw(f'"{amount}"'.encode()), lot=lot.lot_id, id=str(uuid.uuid4()), max=wish.is_maximum
        )
        bid_place_now(room=room, registration_id=bidder.pk, message=message)
        placed += 1
        seen = _on_offer(auction)
    return placed


def _seat(rehearsal: Auction, paddle: int, temper: Temper) -> None:
    registration = Registration.objects.create(
        auction=rehearsal,
        paddle=paddle,
        kind=RegistrationKind.SIMULATED,
        status=RegistrationStatus.APPROVED,
        terms=rehearsal.terms,
    )
    SimulatedBidder.objects.create(registration=registration, temper=temper)
    command_send(rehearsal, CommandKind.REGISTRATION, registration=registration)


def _on_offer(auction: Auction) -> tuple[OnOffer, int | None] | None:
    """Return the lot that takes bids now and the paddle that leads, or None."""
    snapshot = snapshot_now(auction.pk)
    lot: dict[str, Any] | None = json.loads(snapshot.lot) if snapshot.lot else None
    if lot is None or lot["status"] != "open" or lot["ends_at_ms"] <= snapshot.now_ms:
        return None
    row = Lot.objects.get(pk=lot["id"])
    minimum = parse_amount(lot["minimum_amount"], auction.currency.exponent)
    assert minimum is not None, "the floor wrote it"
    offer = OnOffer(
        lot_id=row.pk,
        opening=row.opening_amount,
        minimum=minimum,
        estimate_low=row.estimate_low,
        estimate_high=row.estimate_high,
        left_ms=lot["ends_at_ms"] - snapshot.now_ms,
        duration_ms=row.duration_ms,
    )
    return offer, lot["leader"]["paddle"] if lot["leader"] else None


def _erase(rehearsal: Auction) -> None:
    """Erase a rehearsal whose log is stored and whose keys are gone."""
    recordings_erase(auction=rehearsal, actor=None)
    with transaction.atomic():
        everything: tuple[tuple[type[models.Model], str], ...] = (*LEAVES_FIRST, (Auction, "pk"))
        for model, path in everything:
            rows = model._default_manager.filter(**{path: rehearsal.pk})
            keys = [str(key) for key in rows.values_list("pk", flat=True)]
            content_type = ContentType.objects.get_for_model(model)
            LogEntry.objects.filter(content_type=content_type, object_id__in=keys).delete()
            rows.delete()
    floor().delete(AuctionKeys(rehearsal.pk).tombstone)
