"""Create the demo's accounts, its house and its shows, with one of them live.

Owns the command line; what is created is in `bidding.demo`. Running it again creates only what is missing.
"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from bidding.demo.catalogue import EVENINGS
from bidding.demo.show import NotADemo, house_ensure, live_ensure, surroundings_ensure


class Command(BaseCommand):
    """Create what is missing of the demo."""

    help = "Create demo accounts and shows where DEMO is on; running it again creates only what is missing."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Create the house, the shows around, and a live one."""
        try:
            house = house_ensure()
        except NotADemo as error:
            raise CommandError(f"{error}") from error
        surroundings_ensure(house)
        show = live_ensure(house_ensure(EVENINGS))
        self.stdout.write(f"Live now: {show.title}" if show else "The demo is there already.")
