"""Replaces the key that second factors are sealed with; owns the command line alone."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.sealing import NotOpened, reseal_all


class Command(BaseCommand):
    """Seal every second factor with the first of SECOND_FACTOR_KEYS."""

    help = "Seals every second factor with the first of SECOND_FACTOR_KEYS; then the keys after it can go."

    def handle(self, *args: Any, **options: Any) -> None:
        """Do so, and say how many there were."""
        try:
            count = reseal_all()
        except NotOpened:
            raise CommandError(
                "None of SECOND_FACTOR_KEYS opens some second factor. Put back the key that it was sealed with. "
                "Nothing was changed."
            ) from None
        self.stdout.write(f"{count} sealed with the first key.")
