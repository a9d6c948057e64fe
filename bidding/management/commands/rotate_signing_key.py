"""Makes a new key that signs results; owns nothing but the words around it."""

from typing import Any

from django.core.management.base import BaseCommand

from bidding.signing import signing_key_rotate


class Command(BaseCommand):
    """Make a new signing key, and say what is to be done with it."""

    help = "Makes a new key that signs results. What the keys before it signed stays verifiable."

    def handle(self, *args: Any, **options: Any) -> None:
        """Rotate where the site keeps its own key; else print a new one for SIGNING_KEY."""
        row, secret = signing_key_rotate()
        if row is not None:
            self.stdout.write(f"The new key is {row.key_id}; it signs from the next closing on.")
            return
        self.stdout.write(f"SIGNING_KEY={secret}")
        self.stderr.write("Set this for the ledgers and restart them: they publish the new key and keep the old one.")
