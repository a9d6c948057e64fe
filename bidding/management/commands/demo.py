"""Run the whole demo on this machine: servers, site, workers, ledger and simulated bidders.

Owns the command line and the one line that a failed start prints; what runs is in `auction_site.stack`. It is an
entry point, and so the one place in this app that may look upward at the wiring.
"""

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from auction_site.stack import DEFAULT_PORT, CannotStart, Stack
from auction_site.supervisor import StartError


class Command(BaseCommand):
    """Run everything until Ctrl-C."""

    help = "Run the whole demo: everything that the site needs, with a live auction and simulated bidders."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare where the site answers and whether anybody bids."""
        parser.add_argument("--port", default=os.environ.get("PORT") or str(DEFAULT_PORT))
        parser.add_argument("--workers", type=int, default=1, help="web processes that share the port")
        parser.add_argument("--no-bidders", action="store_true", help="without simulated bidders")

    def handle(self, *args: Any, port: str, workers: int, no_bidders: bool, **options: Any) -> None:
        """Start, greet, and stop in order; whatever prevents it is one line."""
        if not (port.isascii() and port.isdecimal() and 0 < int(port) < 65536):
            raise CommandError(f"PORT is {port!r}: expected a number from 1 to 65535.")
        self.stdout.write("Starting the demo; Ctrl-C stops it.")
        try:
            stack = Stack(
                Path(settings.VAR_DIR),
                port=int(port),
                web_workers=workers,
                seed=True,
                bots=not no_bidders,
                redis_url=os.environ.get("REDIS_URL") or None,
                side_redis_url=os.environ.get("SIDE_REDIS_URL") or None,
                database_url=os.environ.get("DATABASE_URL") or None,
            )
            stack.run()
        except (CannotStart, StartError) as error:
            raise CommandError(f"{error}") from error
        except OSError as error:
            raise CommandError(f"{error.filename or 'the system'}: {error.strerror}") from error
