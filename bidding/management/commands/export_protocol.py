"""Keeps docs/protocol.md equal to the message types; `--check` only looks."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from bidding.catalogue import fill


class Command(BaseCommand):
    """Write the generated parts of docs/protocol.md."""

    help = "Writes the generated tables of docs/protocol.md, or checks them with --check."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare --check."""
        parser.add_argument("--check", action="store_true", help="fail if the page is not up to date")

    def handle(self, *args: Any, **options: Any) -> None:
        """Fill the page in, or compare it."""
        path = Path(settings.BASE_DIR) / "docs" / "protocol.md"
        page = path.read_text("utf-8")
        filled = fill(page)
        if options["check"]:
            if page != filled:
                raise CommandError("docs/protocol.md is not up to date: run `manage.py export_protocol`.")
            return
        path.write_text(filled, "utf-8")
