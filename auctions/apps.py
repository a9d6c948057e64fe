"""The catalogue and the outcome: auctions, lots, paddles, sales, orders."""

from typing import Any

from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.utils.translation import gettext_lazy as _


class AuctionsConfig(AppConfig):
    """Register the auctions app."""

    name = "auctions"
    verbose_name = _("Auctions")

    def ready(self) -> None:
        """Let the fields be called in other languages too, and give SQLite the function that search folds text with."""
        from accounts.languages import fields_translate

        fields_translate(self)
        # PostgreSQL has it by a migration.
        connection_created.connect(_give_fold, dispatch_uid="search_fold")


def _give_fold(connection: Any, **_more: Any) -> None:
    if connection.vendor == "sqlite":
        from auctions.search import search_fold

        connection.connection.create_function("search_fold", 1, search_fold, deterministic=True)
