"""How often one network may search: a search reads through texts, and nobody has to sign in for it."""

from typing import Final

import structlog
from redis.exceptions import RedisError

from bidding.engine.runner import run
from bidding.engine.side import search_rate_key, take_token
from bidding.floor import side

logger = structlog.get_logger(__name__)

AT_ONCE: Final = 60
"""So that a hall behind one address can look for things together."""
_REFILL_MS: Final = 500


def search_allow(*, network: str) -> bool:
    """Say whether a network may search now. Where the side server is away nobody is kept from it."""
    try:
        return run(side(), take_token(search_rate_key(network), holds=AT_ONCE, refill_ms=_REFILL_MS)).allowed
    except (RedisError, OSError) as error:
        logger.warning("search_not_counted", error=str(error))
        return True
