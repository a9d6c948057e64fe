"""What Celery runs for the live floor. Every task is idempotent: the scripts decide what is due."""

import structlog
from celery import shared_task
from django.core.cache import cache
from redis.exceptions import RedisError

from auctions.errors import Refused
from auctions.models import Auction, AuctionStatus
from bidding.engine.outcomes import EngineError, FloorMissing, Pulse
from bidding.selectors import auctions_on_floor
from bidding.services import (
    auction_advance,
    lot_close_due,
    recordings_sweep,
    registrations_follow_roles,
    rehearsals_attend,
    streams_attend,
)
from bidding.services.audience import audience_note
from bidding.services.heartbeat import heartbeat
from bidding.services.offers import offers_expire
from bidding.services.reminding import payments_remind
from bidding.services.telling import followers_note, notifications_send, reminders_note

logger = structlog.get_logger(__name__)

TICK_MS = 1_000
HEARTBEAT_S = 5


@shared_task
def tick() -> None:
    """Do what is due in every auction on the floor, arm closings before the next tick, send heartbeats."""
    for auction in auctions_on_floor():
        try:
            pulse = auction_advance(auction=auction)
            if pulse is not None:
                _arm_closing(pulse, auction.pk)
                _beat(pulse, auction.pk)
        except Refused as refused:
            # Another tick or the host was faster; the next tick looks again.
            logger.info("tick_refused", auction=auction.pk, code=refused.code)
        except FloorMissing:
            logger.error("floor_missing", auction=auction.pk, do="rebuild_live")
        except (RedisError, EngineError, OSError) as error:
            logger.warning("tick_failed", auction=auction.pk, error=str(error))
        except Exception:
            # One auction in trouble must not stop the clock of the others.
            logger.exception("tick_failed", auction=auction.pk)


@shared_task
def close_due(auction_id: int, lot_id: int) -> None:
    """Close one lot at its end. Harmless when it was extended, paused or closed meanwhile."""
    lot_close_due(auction=Auction.objects.get(pk=auction_id), lot_id=lot_id)


@shared_task
def follow_roles() -> None:
    """Let nobody bid where they work by now, and let those bid who no longer do."""
    for auction in auctions_on_floor().exclude(status__in=(AuctionStatus.ENDED, AuctionStatus.CANCELLED)):
        registrations_follow_roles(auction=auction)


@shared_task
def video() -> None:
    """Do what the video asks for; on the queue of mail and images, so that no service can hold up the floor."""
    try:
        streams_attend()
    except (RedisError, EngineError, OSError) as error:
        logger.warning("video_waits", error=str(error))


@shared_task
def rehearsals() -> None:
    """Let simulated bidders bid, and erase what was put away; beside the floor's queue, which is for real shows."""
    rehearsals_attend()


@shared_task
def recordings() -> None:
    """Erase recordings that were kept long enough, and look after those that were cut short."""
    recordings_sweep()


@shared_task
def tell() -> None:
    """Write what the clock has to tell and send what is due; on the queue of mail."""
    followers_note()
    reminders_note()
    offers_expire()
    payments_remind()
    notifications_send()


def _arm_closing(pulse: Pulse, auction_id: int) -> None:
    """Let a lot that is due before the next tick be closed within tens of milliseconds of its end."""
    if pulse.lot_status != "open" or pulse.ends_at_ms is None or pulse.lot_id is None:
        return
    left_ms = pulse.ends_at_ms - pulse.now_ms
    if 0 < left_ms <= TICK_MS + 100:
        close_due.apply_async((auction_id, pulse.lot_id), countdown=left_ms / 1000, expires=left_ms / 1000 + 5)


def _beat(pulse: Pulse, auction_id: int) -> None:
    """Send the heartbeat once every 5 s, however many beats and workers run."""
    if cache.add(f"heartbeat:{auction_id}:{pulse.now_ms // (HEARTBEAT_S * 1000)}", 1, timeout=2 * HEARTBEAT_S):
        heartbeat(auction_id, pulse)
        audience_note(auction_id=auction_id, now_ms=pulse.now_ms)
