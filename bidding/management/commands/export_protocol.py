"""Keeps what is written about messages and metrics equal to their definitions; `--check` only looks."""

import json
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from bidding import catalogue, metrics
from bidding.asyncapi import asyncapi_document

EXAMPLE_SITE: Final = "https://auction.example.com"
"""The address in docs/asyncapi.json; a running site writes its own."""


class Command(BaseCommand):
    """Write the generated parts of docs/protocol.md and docs/metrics.md, and docs/asyncapi.json."""

    help = "Writes what docs/ says of messages and metrics, or checks it with --check."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare --check."""
        parser.add_argument("--check", action="store_true", help="fail if a file is not up to date")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the files, or compare them."""
        docs = Path(settings.BASE_DIR) / "docs"
        document = asyncapi_document(title="Flash auction", url=EXAMPLE_SITE)
        wanted = {docs / "asyncapi.json": json.dumps(document, indent=2, ensure_ascii=False) + "\n"}
        for name, parts in (("protocol.md", catalogue.tables()), ("metrics.md", {"metrics": metrics.table()})):
            wanted[docs / name] = catalogue.fill((docs / name).read_text("utf-8"), parts)
        for path, text in wanted.items():
            if not options["check"]:
                path.write_text(text, "utf-8")
            elif not path.exists() or path.read_text("utf-8") != text:
                raise CommandError(f"docs/{path.name} is not up to date: run `manage.py export_protocol`.")
