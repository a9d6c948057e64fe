"""What a show does where its picture is lost: the open lot waits, once for each loss, until somebody lets it go on.

The one rule by which video reaches the floor, stated to bidders before they bid. It acts on what is known alone: a
video service or a side server that does not answer is no loss, and a show that never had a picture cannot lose it.
"""

from datetime import timedelta
from typing import Final

import structlog
from django.db.models import Q
from django.utils import timezone
from redis.exceptions import RedisError

from auctions.errors import Refused
from auctions.models import Auction, Lot, PictureWatch
from auctions.streaming.base import StreamStatus
from bidding.engine.outcomes import EngineError, Pulse
from bidding.protocol import PauseReason
from bidding.selectors import pulse_now
from bidding.services.lots import lot_pause

logger = structlog.get_logger(__name__)

IN_DOUBT: Final = timedelta(seconds=6)
"""For how long nobody may have looked: while a picture is lost that is done every second or two."""
_OPEN: Final = "open"
_PAUSED: Final = "paused"


def pictures_note(*, auction: Auction, status: StreamStatus) -> None:
    """Take what was just learned of the pictures of a live show, and pause its open lot where its rule says so.

    Safe to run any number of times at once, with the same news or with other ones.
    """
    watch = PictureWatch.objects.filter(auction=auction)
    match status.arrives:
        case True:
            PictureWatch.objects.get_or_create(auction=auction)
            watch.filter(lost_at__isnull=False).update(lost_at=None, answered_at=None)
        case None:
            # What happened meanwhile nobody knows, so the time begins anew; what was answered stays answered.
            watch.filter(lost_at__isnull=False, answered_at=None).update(lost_at=None)
        case False:
            now = timezone.now()
            in_doubt = Q(answered_at=None, looked_at__lt=now - IN_DOUBT)
            watch.filter(Q(lost_at=None) | in_doubt).update(lost_at=now)
            watch.update(looked_at=now)
            _answer(auction)


def _answer(auction: Auction) -> None:
    """Pause the open lot where the loss has lasted for as long as the rule says and was not answered yet."""
    if not auction.lost_pause_s or not PictureWatch.objects.filter(auction=auction, answered_at=None).exists():
        return
    try:
        # Read before it is seen that nobody answered: a host who acts in between makes the pause out of date.
        pulse = pulse_now(auction.pk)
    except (RedisError, EngineError, OSError) as error:
        logger.warning("loss_not_answered", auction=auction.pk, error=str(error))
        return
    if pulse.lot_status == _PAUSED:
        # Somebody saw it. When they let the lot go on they mean it.
        _claim(auction, lasting_s=0)
    elif pulse.lot_status == _OPEN and pulse.lot_id is not None and _claim(auction, lasting_s=auction.lost_pause_s):
        _pause(auction, pulse, pulse.lot_id)


def _claim(auction: Auction, *, lasting_s: int) -> bool:
    """Take a loss that lasts so long and was not answered: one worker of all gets it."""
    losses = PictureWatch.objects.filter(auction=auction, answered_at=None)
    now = timezone.now()
    return losses.filter(lost_at__lte=now - timedelta(seconds=lasting_s)).update(answered_at=now) == 1


def _pause(auction: Auction, pulse: Pulse, lot_id: int) -> None:
    try:
        lot_pause(
            lot=Lot.objects.select_related("auction").get(pk=lot_id),
            actor=None,
            reason=PauseReason.STREAM_LOST.value,
            seen_v=pulse.v,
        )
        logger.info("lot_paused_without_picture", auction=auction.pk, lot=lot_id)
    except Refused as refused:
        # The lot ended, the host was faster, or the floor was away: the next look finds what is so then.
        logger.info("lot_not_paused", auction=auction.pk, lot=lot_id, code=refused.code)
        PictureWatch.objects.filter(auction=auction).exclude(lost_at=None).update(answered_at=None)
