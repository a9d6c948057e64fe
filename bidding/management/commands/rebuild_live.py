"""Brings live auctions back after Redis was wiped, replaced or restored to an older state."""

from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from auctions.errors import Refused
from auctions.models import Auction
from bidding.services import auction_rebuild, floor_check


class Command(BaseCommand):
    """Rebuild the live state of auctions from the database, paused and under a new epoch."""

    help = "Rebuilds the live state of auctions that Redis lost, or went back with. Without an id: all that need it."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the auctions."""
        parser.add_argument("auction", nargs="*", type=int, help="ids of auctions")
        parser.add_argument(
            "--discard-forked",
            action="store_true",
            help="where Redis went back to an older state and went on from there: give up what it decided since, which "
            "was never stored. It is kept among the discarded entries, to be settled with those who were told of it.",
        )

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
                epoch, discarded = auction_rebuild(auction=auction, discard_forked=options["discard_forked"])
            except Refused as refused:
                how = " Look, then give them up with --discard-forked." if refused.code == "forked" else ""
                raise CommandError(f"Auction {auction.pk} was not rebuilt: {refused.message}{how}") from None
            self.stdout.write(f"Auction {auction.pk} is back under epoch {epoch}. An open lot is paused: resume it.")
            if discarded:
                kinds = ", ".join(
                    f"{count} {kind}" for kind, count in sorted(Counter(e.kind for e in discarded).items())
                )
                self.stdout.write(
                    f"Not part of it, and kept among the discarded entries to be settled: {kinds}, "
                    f"from version {discarded[0].v} to {discarded[-1].v}."
                )
