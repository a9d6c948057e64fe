"""Reads for the live floor: what a room needs to know of an auction, and what comes next. Changes nothing."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from msgspec import structs

from accounts.models import User
from auctions.models import (
    Auction,
    AuctionStatus,
    CommandKind,
    FloorCommand,
    Lot,
    LotImage,
    LotRun,
    LotStatus,
    PictureWatch,
    StreamRecording,
)
from auctions.money import Currency
from auctions.streaming import provider
from auctions.streaming.base import StreamState
from bidding import protocol
from bidding.engine import calls
from bidding.engine.calls import NextLotInfo
from bidding.engine.keys import AuctionKeys
from bidding.engine.outcomes import FloorMissing, LogEntry, Pulse, Snapshot
from bidding.engine.runner import arun, run
from bidding.engine.side import RoomKeys
from bidding.floor import async_floor, floor, side
from bidding.models import Event, LedgerPosition
from bidding.reference import Rules, Taken, outcome


@dataclass(frozen=True, slots=True)
class RoomInfo:
    """What a room knows of its auction beside the live state; read once when the room is entered."""

    auction_id: int
    organizer_id: int
    title: str
    status: str
    currency: Currency
    is_rehearsal: bool
    starts_at_ms: int | None
    stream: protocol.StreamPart


def room_info(auction_id: int) -> RoomInfo | None:
    """Return what the room of an auction needs, or None where there is none. The caller checks visibility."""
    auction = Auction.objects.select_related("stream_channel").filter(pk=auction_id).first()
    if auction is None:
        return None
    return RoomInfo(
        auction_id=auction.pk,
        organizer_id=auction.organizer_id,
        title=auction.title,
        status=auction.status,
        currency=auction.currency,
        is_rehearsal=auction.is_rehearsal,
        starts_at_ms=round(auction.starts_at.timestamp() * 1000) if auction.starts_at else None,
        stream=stream_place(auction),
    )


def stream_place(auction: Auction) -> protocol.StreamPart:
    """Return where a room watches. Whether pictures arrive is not asked: nobody waits at the door for that."""
    channel = auction.stream_channel
    if channel is None or channel.provider != provider().name:
        return protocol.StreamPart(state="none")
    if auction.status in (AuctionStatus.ENDED, AuctionStatus.CANCELLED):
        return protocol.StreamPart(state="ended")
    playback = provider().playback(channel)
    return protocol.StreamPart(state=StreamState.UNKNOWN.value, kind=playback["kind"], playback_url=playback["url"])


def stream_part(auction: Auction) -> protocol.StreamPart:
    """Return the video as the room sees it: its state and where to watch."""
    place, channel = stream_place(auction), auction.stream_channel
    if channel is None or place.playback_url is None:
        return place
    return structs.replace(place, state=provider().status(channel).state.value)


def recordings_of(auction: Auction) -> QuerySet[StreamRecording]:
    """Return the recordings of a show, the first one first: its own, and a service's of its channel meanwhile."""
    own = Q(auction=auction)
    if auction.went_live_at is not None and auction.stream_channel_id is not None:
        until = auction.ended_at or timezone.now()
        of_channel = Q(auction=None, channel=auction.stream_channel_id)
        own |= of_channel & Q(ended_at__gt=auction.went_live_at, started_at__lt=until)
    return StreamRecording.objects.filter(own).select_related("channel").order_by("started_at", "pk")


def stream_parts(auction_ids: Collection[int]) -> dict[int, protocol.StreamPart]:
    """Return the video of several auctions as `stream_part` does."""
    auctions = Auction.objects.select_related("stream_channel").filter(pk__in=auction_ids)
    return {auction.pk: stream_part(auction) for auction in auctions}


def picture_is_lost(auction: Auction) -> bool:
    """Say whether a show had a picture and is known to have none now."""
    return PictureWatch.objects.filter(auction=auction, lost_at__isnull=False).exists()


class FloorFault(StrEnum):
    """What may be wrong with what Redis knows of an auction."""

    MISSING = "missing"
    """Nothing: it was wiped, or is another server."""
    BEHIND = "behind"
    """An older state of what is stored."""
    FORKED = "forked"
    """It went back to an older state and went on: it holds entries that are not stored, and lacks some that are."""


def floor_fault(auction: Auction, position: LedgerPosition) -> FloorFault | None:
    """Say what is wrong with the floor of an auction; None where its log goes on from what is stored.

    Two short reads. Raises a RedisError.
    """
    log, stored = AuctionKeys(auction.pk).log, (position.v, position.s)
    place = floor_place(auction.pk)
    if place is None:
        # A schedule that has not been delivered yet is no loss: nothing was decided.
        scheduled = FloorCommand.objects.filter(auction=auction, kind=CommandKind.SCHEDULE).exclude(done_at=None)
        return FloorFault.MISSING if stored > (0, 0) or scheduled.exists() else None
    if stored == (0, 0):
        return None
    if place < stored:
        newest: Any = floor().xrevrange(log, count=1)
        is_part = not newest or _is_stored(position, LogEntry.read(*newest[0]))
        return FloorFault.BEHIND if is_part else FloorFault.FORKED
    first: Any = floor().xrange(log, min=f"{position.v}-{position.s}", count=1)
    goes_on = log_continues(position, LogEntry.read(*first[0]) if first else None)
    return None if goes_on else FloorFault.FORKED


def floor_place(auction_id: int) -> tuple[int, int] | None:
    """Return the version and sub-number at which the floor is, None where it knows nothing; raises a RedisError."""
    stored: Any = floor().hmget(AuctionKeys(auction_id).state, "v", "s")
    return None if stored[0] is None else (int(stored[0]), int(stored[1]))


def log_continues(position: LedgerPosition, first: LogEntry | None) -> bool:
    """Say whether a log goes on from what is stored; `first` is its first entry that is not before the position.

    It holds the last stored entry. Or it begins behind it, as a rebuilt floor's does, and says so.
    """
    stored = (position.v, position.s)
    if stored == (0, 0):
        return True
    if first is None:
        return False
    if (first.v, first.s) == stored:
        return _is_stored(position, first)
    return (first.v, first.kind) == (position.v + 1, "REBUILT")


def _is_stored(position: LedgerPosition, entry: LogEntry) -> bool:
    return Event.objects.filter(auction=position.auction_id, v=entry.v, s=entry.s, salt=entry.own_salt).exists()


async def room_snapshot(auction_id: int, registration_id: int | None = None) -> Snapshot:
    """Read the live state from the floor; raises FloorMissing or a RedisError."""
    return await arun(async_floor(), calls.snapshot(auction_id, registration_id=registration_id))


def snapshot_now(auction_id: int, registration_id: int | None = None) -> Snapshot:
    """Read the live state as `room_snapshot` does, from synchronous code."""
    return run(floor(), calls.snapshot(auction_id, registration_id=registration_id))


def pulse_now(auction_id: int) -> Pulse:
    """Read what the clock needs of an auction; raises FloorMissing or a RedisError."""
    return run(floor(), calls.pulse(auction_id))


@dataclass(frozen=True, slots=True)
class DeskFloor:
    """What the floor knows of an auction and tells nobody but its desk, at one version."""

    v: int
    run_id: int | None
    hammer_at_ms: int | None
    """From when the hammer may fall; None where no warning stands."""
    rostrum: int | None
    offers: tuple[Taken, ...]
    """The standing offers for the lot that is up, in their order, with their maxima: never shown to anybody."""
    paddles: Mapping[int, int]
    """The paddles of those who made them, by registration."""
    pre_bids: Mapping[int, int]
    """How many wait for each lot that was asked after."""


def desk_floor(auction_id: int, waiting: Collection[int] = ()) -> DeskFloor:
    """Read what a desk shows and a room must not know; `waiting` are lots whose pre-bids are counted.

    Raises FloorMissing or a RedisError.
    """
    keys = AuctionKeys(auction_id)
    pipe = floor().pipeline(transaction=True)
    pipe.hmget(keys.state, "v", "rostrum")
    pipe.hmget(keys.lot, "run", "hammer_at")
    pipe.lrange(keys.offers, 0, -1)
    for lot_id in waiting:
        pipe.hlen(keys.pre_bids(lot_id))
    (v, rostrum), (run_id, hammer_at), stored, *counts = pipe.execute()
    if v is None:
        raise FloorMissing
    offers = [json.loads(each) for each in stored]
    return DeskFloor(
        v=int(v),
        run_id=int(run_id) if run_id else None,
        hammer_at_ms=int(hammer_at) if hammer_at else None,
        rostrum=int(rostrum) if rostrum else None,
        offers=tuple(
            Taken(each["registration"], each["maximum"], each["kind"] == "max", (each["place"][0], each["place"][1]))
            for each in offers
        ),
        paddles={each["registration"]: each["paddle"] for each in offers},
        pre_bids=dict(zip(waiting, counts, strict=True)),
    )


def price_without(desk: DeskFloor, registration_id: int, *, latest_only: bool = False) -> tuple[int | None, int | None]:
    """Return the price and the leader (a registration) that the lot would have without somebody's offers.

    `latest_only` leaves those that they made before the last one.
    """
    own = [offer for offer in desk.offers if offer.registration == registration_id]
    gone = own[-1:] if latest_only else own
    stored = None if desk.run_id is None else LotRun.objects.filter(pk=desk.run_id).values_list("rules", flat=True)
    rules = stored.first() if stored is not None else None
    if rules is None:
        return None, None
    return outcome(Rules.of(rules), [offer for offer in desk.offers if offer not in gone])


def auctions_on_floor() -> QuerySet[Auction]:
    """Return the auctions that have keys in Redis: scheduled, live, or over and not yet cleaned."""
    over = Q(status__in=(AuctionStatus.ENDED, AuctionStatus.CANCELLED), cleaned_at=None, ledger__isnull=False)
    return Auction.objects.filter(Q(status__in=(AuctionStatus.SCHEDULED, AuctionStatus.LIVE)) | over).order_by("pk")


def on_rostrum(auction_id: int) -> User | None:
    """Return who alone may run the show from the desk; raises FloorMissing or a RedisError."""
    holder = pulse_now(auction_id).rostrum
    return None if holder is None else User.objects.filter(pk=holder).first()


def is_seated(auction_id: int, user_id: int) -> bool:
    """Say whether somebody has a socket in a room on any process; a few seconds old. Raises a RedisError."""
    keys = RoomKeys(auction_id)
    processes: Any = side().hkeys(keys.people)
    pipe = side().pipeline(transaction=False)
    for process in processes:
        pipe.sismember(keys.seated(process.decode()), str(user_id))
    return any(pipe.execute())


def lot_after(auction: Auction, current_lot_id: int | None) -> Lot | None:
    """Return the pending lot that is sold next: the first in the run of show that is not the current one."""
    pending = auction.lots.filter(status=LotStatus.PENDING).exclude(pk=current_lot_id or 0)
    return pending.order_by("position", "pk").first()


def next_lot_info(auction: Auction, current_lot_id: int | None) -> NextLotInfo | None:
    """Return the next lot as the engine announces it; `gap_ms` is None where the host opens lots by hand."""
    lot = lot_after(auction, current_lot_id)
    return None if lot is None else coming_lot_info(lot)


def coming_lot_info(lot: Lot) -> NextLotInfo:
    """Return a lot as the engine announces the one that comes."""
    auction = lot.auction
    return NextLotInfo(
        lot_id=lot.pk,
        number=lot.number,
        title=lot.title,
        image_url=lot_image_url(lot),
        gap_ms=auction.gap_ms if auction.auto_advance else None,
    )


def lot_image_url(lot: Lot) -> str | None:
    """Return the address of the picture that stands for a lot."""
    image: LotImage | None = lot.images.order_by("position", "pk").first()
    return image.file.url if image else None
