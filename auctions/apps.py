"""The catalogue and the outcome: auctions, lots, paddles, sales, orders."""

from typing import Any

from django.apps import AppConfig
from django.db.backends.signals import connection_created


class AuctionsConfig(AppConfig):
    """Register the auctions app."""

    name = "auctions"

    def ready(self) -> None:
        """Give SQLite the function that search folds text with; PostgreSQL has it by a migration."""
        connection_created.connect(_give_fold, dispatch_uid="search_fold")


def _give_fold(connection: Any, **_more: Any) -> None:
    if connection.vendor == "sqlite":
        from auctions.search import search_fold

        connection.connection.create_function("search_fold", 1, search_fold, deterministic=True)
