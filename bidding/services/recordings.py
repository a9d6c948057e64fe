"""Recordings of shows: noted while they grow, erased by the host or when their time is over.

A row goes after what it names is gone, so that what could not be erased is tried again.
"""

import time
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from auctions import recordings as files
from auctions.audit import audited
from auctions.errors import Refused
from auctions.models import Auction, AuctionStatus, StreamRecording
from auctions.permissions import can_manage
from auctions.streaming import provider_of
from auctions.streaming.base import StreamTrouble
from bidding.selectors import recordings_of

logger = structlog.get_logger(__name__)

UNKNOWN_FOR_S: Final = 24 * 60 * 60
"""For how long files are left alone that no row names: the database may have been away when they began."""


def recording_begin(
    *,
    channel_id: int,
    auction_id: int,
    name: str,
    mime: str,
    started_at: datetime,
    ended_at: datetime,
    size: int,
) -> int:
    """Note a part that this site records, and return its id."""
    recording = StreamRecording.objects.create(
        channel_id=channel_id,
        auction_id=auction_id,
        prefix=name,
        mime=mime,
        started_at=started_at,
        ended_at=ended_at,
        size=size,
    )
    return recording.pk


def recording_grow(*, recording_id: int, ended_at: datetime, size: int) -> bool:
    """Note how long a part is by now; False where it was erased."""
    rows = StreamRecording.objects.filter(pk=recording_id)
    return rows.update(ended_at=ended_at, size=size) > 0


@audited
def recordings_erase(*, auction: Auction, actor: User | None) -> int:
    """Erase the recordings of a show that is over, and return how many. Raises Refused where they cannot be now."""
    if actor is not None and not can_manage(actor, auction):
        raise Refused("forbidden", _("You may not run this auction."))
    if auction.status == AuctionStatus.LIVE:
        raise Refused("still_live", _("The show is live. Its recording can be erased when it is over."))
    found = list(recordings_of(auction))
    try:
        for recording in found:
            _erase(recording)
    except (OSError, StreamTrouble) as error:
        logger.error("recording_not_erased", auction=auction.pk, error=str(error))
        raise Refused("not_erased", _("Not everything could be erased. Try again.")) from error
    if found:
        logger.info("recordings_erased", auction=auction.pk, actor=actor and actor.pk, parts=len(found))
    return len(found)


def recordings_sweep() -> None:
    """Erase what was kept long enough and files that nobody knows, and read how long parts are that were cut short."""
    if settings.RECORDINGS_DAYS:
        _erase_old(timezone.now() - timedelta(days=settings.RECORDINGS_DAYS))
    here = StreamRecording.objects.filter(bucket="")
    known = {recording.prefix: recording for recording in here}
    for name, written_at in list(files.names()):
        if name in known:
            _measure(known[name])
        elif time.time() - written_at > UNKNOWN_FOR_S:
            logger.warning("recording_unknown", name=name)
            files.remove(name)


def _erase_old(before: datetime) -> None:
    over = ~Q(auction__status=AuctionStatus.LIVE)
    for recording in StreamRecording.objects.filter(over, started_at__lt=before).select_related("channel"):
        try:
            _erase(recording)
        except (OSError, StreamTrouble) as error:
            logger.error("recording_not_erased", recording=recording.pk, error=str(error))


def _erase(recording: StreamRecording) -> None:
    provider_of(recording.channel).erase(recording)
    recording.delete()


def _measure(recording: StreamRecording) -> None:
    """Write down a part's length as its files have it: of one whose process was killed the row knows less."""
    if files.stream_file(recording.prefix).stat().st_size == recording.size:
        return
    table = files.read_table(recording.prefix)
    if table is None:
        return
    ended_at = recording.started_at + timedelta(milliseconds=table.lasts_ms)
    if recording.ended_at is None or ended_at > recording.ended_at:
        recording_grow(recording_id=recording.pk, ended_at=ended_at, size=table.end)
