"""Checks a stored log, or a downloaded record; owns the command line and nothing of the checks.

Exits with 0 where everything is consistent, with 1 at the first version that differs, with 2 where it cannot check.
"""

import base64
import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from auctions.models import Auction
from bidding.replay import verify_auction
from bidding.signing import public_keys
from bidding.verification import Verdict, verify_record


class Command(BaseCommand):
    """Replay an auction's stored log through the rules, or check the record of a lot."""

    help = "Checks an auction's stored log against the rules, or (--file) a downloaded record of a lot."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare what is checked, and against what."""
        parser.add_argument("auction", type=int, nargs="?", help="the auction whose stored log is replayed")
        parser.add_argument("--file", type=Path, help="a downloaded record to check instead")
        parser.add_argument(
            "--keys",
            type=Path,
            help="the site's keys, saved from /.well-known/auction-signing-key.json; else those of this database",
        )
        parser.add_argument("--heads", type=Path, help="LOG_HEAD messages that were witnessed, as a JSON list")

    def handle(
        self,
        *args: Any,
        auction: int | None,
        file: Path | None,
        keys: Path | None,
        heads: Path | None,
        **options: Any,
    ) -> None:
        """Check, say what was found, and exit accordingly."""
        if file is not None and auction is None:
            verdict = verify_record(
                _json(file),
                keys=public_keys() if keys is None else _keys(_json(keys)),
                heads=[] if heads is None else _json(heads),
            )
        elif auction is not None and file is None:
            try:
                verdict = verify_auction(Auction.objects.get(pk=auction))
            except Auction.DoesNotExist:
                raise CommandError(f"There is no auction {auction}.", returncode=2) from None
        else:
            raise CommandError("Name an auction, or a record with --file.", returncode=2)
        self._tell(verdict, heads is not None)

    def _tell(self, verdict: Verdict, with_heads: bool) -> None:
        self.stdout.write(str(verdict))
        if not verdict.consistent:
            sys.exit(1)
        if verdict.key_id:
            self.stdout.write(f"signed by key {verdict.key_id}")
            told = f"{verdict.witnessed} witnessed heads agree" if with_heads else "no witnessed heads were given"
            self.stdout.write(told)


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}", returncode=2) from error
    except ValueError as error:
        raise CommandError(f"{path} is no JSON: {error}", returncode=2) from error


def _keys(published: Any) -> dict[str, str]:
    """Return the keys of a JSON Web Key Set by their ids, hex."""
    try:
        return {key["kid"]: base64.urlsafe_b64decode(key["x"] + "==").hex() for key in published["keys"]}
    except (KeyError, TypeError, ValueError):
        raise CommandError("The file with the keys is not what the site publishes.", returncode=2) from None
