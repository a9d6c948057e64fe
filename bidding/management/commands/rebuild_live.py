"""Brings live auctions back after Redis was wiped or replaced."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from auctions.errors import Refused
from auctions.models import Auction
from bidding.services import auction_rebuild, floor_check


class Command(BaseCommand):
    """Rebuild the live state of auctions from the database, paused and under a new epoch."""

    help = "Rebuilds the live state of auctions whose keys Redis lost. Without an id: all that need it."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the auctions."""
        parser.add_argument("auction", nargs="*", type=int, help="ids of auctions")

    def handle(self, *args: Any, **options: Any) -> None:
        """Rebuild and say what was done."""
        chosen = options["auction"]
        auctions = list(Auction.objects.filter(pk__in=chosen)) if chosen else floor_check()
        if missing := set(chosen) - {auction.pk for auction in auctions}:
            raise CommandError(f"There is no auction {', '.join(map(str, sorted(missing)))}.")
        if not auctions:
            self.stdout.write("Nothing to rebuild: Redis knows every live auction.")
        for auction in auctions:
            try:
                epoch = auction_rebuild(auction=auction)
            except Refused as refused:
                raise CommandError(f"Auction {auction.pk} was not rebuilt: {refused.message}") from None
            self.stdout.write(f"Auction {auction.pk} is back under epoch {epoch}. An open lot is paused: resume it.")
