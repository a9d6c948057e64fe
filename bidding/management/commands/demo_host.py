"""Keep the demo's show on: when the last lot is sold and the show has ended, begin the next one.

Owns the pace; lots open and close by the clock of the site, and bids come from outside. It is the host's part of
the demo and so runs inside the site, as a host's own program with the host's rights would.
"""

import time
from typing import Any

import structlog
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, close_old_connections
from redis.exceptions import RedisError

from auctions.errors import Refused
from bidding.demo.catalogue import EVENINGS
from bidding.demo.show import NotADemo, house_ensure, live_ensure
from bidding.engine.outcomes import EngineError

logger = structlog.get_logger(__name__)

PAUSE_S = 3.0


class Command(BaseCommand):
    """Begin a new show whenever none is live, until told to stop."""

    help = "Begin a new demo show whenever the last one is over, until it is stopped."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Look, begin, wait, for ever."""
        try:
            house = house_ensure(EVENINGS)
        except NotADemo as error:
            raise CommandError(f"{error}") from error
        while True:
            try:
                show = live_ensure(house)
                if show is not None:
                    logger.info("demo_show_began", auction=show.pk, title=show.title)
            except (Refused, RedisError, EngineError, OperationalError, OSError) as error:
                # Something restarts; the next look finds out.
                logger.warning("demo_show_not_begun", error=str(error))
            close_old_connections()
            time.sleep(PAUSE_S)
