"""Keeps what is written about the protocol equal to the message types; `--check` only looks."""

import json
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from bidding.asyncapi import asyncapi_document
from bidding.catalogue import fill

EXAMPLE_SITE: Final = "https://auction.example.com"
"""The address in docs/asyncapi.json; a running site writes its own."""


class Command(BaseCommand):
    """Write the generated parts of docs/protocol.md, and docs/asyncapi.json."""

    help = "Writes the generated parts of docs/protocol.md and docs/asyncapi.json, or checks them with --check."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare --check."""
        parser.add_argument("--check", action="store_true", help="fail if a file is not up to date")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write both files, or compare them."""
        docs = Path(settings.BASE_DIR) / "docs"
        page, machine = docs / "protocol.md", docs / "asyncapi.json"
        document = asyncapi_document(title="Flash auction", url=EXAMPLE_SITE)
        wanted = {
            page: fill(page.read_text("utf-8")),
            machine: json.dumps(document, indent=2, ensure_ascii=False) + "\n",
        }
        for path, text in wanted.items():
            if not options["check"]:
                path.write_text(text, "utf-8")
            elif not path.exists() or path.read_text("utf-8") != text:
                raise CommandError(f"docs/{path.name} is not up to date: run `manage.py export_protocol`.")
