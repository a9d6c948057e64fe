"""How many people a room has, noted once a minute while its show is live."""

from typing import Any

import structlog
from redis.exceptions import RedisError

from bidding.engine.side import RoomKeys
from bidding.floor import side
from bidding.models import AudienceSample

logger = structlog.get_logger(__name__)


def audience_note(*, auction_id: int, now_ms: int) -> bool:
    """Note how many people are in a room now, once for each minute; return whether it was noted.

    Any number of clocks may call it. Where the side server is away a minute is missing, and no more.
    """
    minute = now_ms // 60_000
    if AudienceSample.objects.filter(auction=auction_id, minute=minute).exists():
        return False
    try:
        counts: Any = side().hvals(RoomKeys(auction_id).people)
    except (RedisError, OSError) as error:
        logger.warning("audience_not_noted", auction=auction_id, error=str(error))
        return False
    # Each process says how many it seats, and until when that counts.
    told = [tuple(int(part) for part in count.split()) for count in counts]
    people = sum(people for people, until_ms in told if until_ms >= now_ms)
    _sample, created = AudienceSample.objects.get_or_create(
        auction_id=auction_id, minute=minute, defaults={"people": people}
    )
    return created
