"""Runs a ledger until it is told to stop: a short loop over methods that say whether they found work."""

import signal
import time
from typing import Any

import structlog
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, close_old_connections

from bidding.durability import check_floor
from bidding.floor import floor
from bidding.ledger import Ledger
from bidding.services import floor_check
from bidding.signing import signing_key_publish

logger = structlog.get_logger(__name__)

CHECK_S = 30
"""How often a ledger looks whether Redis still has the history that is stored, also where nothing happens."""
PAUSE_S = 0.1
"""How long a ledger waits when there is nothing to store; a result is at most so much later in the database."""


class Command(BaseCommand):
    """Store the logs of all live auctions in the database."""

    help = "Stores the logs of all live auctions in the database. Any number may run."

    def handle(self, *args: Any, **options: Any) -> None:
        """Store until SIGTERM or SIGINT, then give the leases back."""
        if fatal := check_floor(floor()):
            raise CommandError(" ".join(fatal))
        self._stopping = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        try:
            signing_key_publish()
        except ImproperlyConfigured as error:
            raise CommandError(f"{error}") from error
        except DatabaseError as error:
            # The key itself is usable; it is published with the first closing.
            logger.warning("ledger_database_away", error=str(error))
            close_old_connections()
        ledger = Ledger()
        logger.info("ledger_started")
        check_at = time.monotonic()
        while not self._stopping:
            if time.monotonic() >= check_at:
                self._check_floor()
                check_at = time.monotonic() + CHECK_S
            try:
                found = ledger.store_all()
            except DatabaseError as error:
                # Bidding goes on; the log waits in Redis until the database is back.
                logger.warning("ledger_database_away", error=str(error))
                close_old_connections()
                found = False
            if not found:
                time.sleep(PAUSE_S)
        ledger.release()

    def _check_floor(self) -> None:
        """Say what must be rebuilt; what cannot be checked now is found the next time."""
        try:
            floor_check()
        except DatabaseError as error:
            logger.warning("floor_not_checked", error=str(error))

    def _stop(self, number: int, frame: object) -> None:
        self._stopping = True
