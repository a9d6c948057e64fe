"""Let simulated bidders take part in a live show, as outside programs with accounts.

Owns the command line; how they behave is in `bidding.demo.bidders`. Opens no database and no Redis: all it knows of
the site is its address.
"""

import asyncio
import contextlib
import signal
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from bidding.demo.bidders import Account, rehearse


class Command(BaseCommand):
    """Bid until told to stop."""

    help = "Let simulated bidders take part in whatever show is live, through the public interface."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare where the site is and who bids."""
        parser.add_argument("--url", default="http://127.0.0.1:8000", help="the site's address")
        parser.add_argument("--demo", action="store_true", help="use the accounts of the demo")
        parser.add_argument("--bidders", type=int, default=12, help="how many of them bid (default: 12)")
        parser.add_argument("--email", default="sim{number}@example.test", help="their addresses; {number} from 1")
        parser.add_argument("--password", help="their password, where it is not the demo's")

    def handle(
        self, *args: Any, url: str, demo: bool, bidders: int, email: str, password: str | None, **options: Any
    ) -> None:
        """Sign in, and bid until SIGINT or SIGTERM."""
        if demo:
            # Not from the demo's own module: that one needs the database.
            password = "demo-demo-demo"  # noqa: S105 - published, and refused on any public address
        if password is None:
            raise CommandError("Say --demo for the demo's accounts, or give --email and --password.")
        if bidders < 1:
            raise CommandError("--bidders must be 1 or more.")
        accounts = [Account(email.format(number=number), password) for number in range(1, bidders + 1)]
        asyncio.run(self._run(url, accounts))

    async def _run(self, url: str, accounts: list[Account]) -> None:
        bidding = asyncio.create_task(rehearse(url, accounts, self._tell))
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, bidding.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await bidding

    def _tell(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
