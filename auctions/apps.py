"""The catalogue and the outcome: auctions, lots, paddles, sales, orders."""

from typing import Any

from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.db.models.signals import post_save
from django.utils.translation import gettext_lazy as _


class AuctionsConfig(AppConfig):
    """Register the auctions app."""

    name = "auctions"
    verbose_name = _("Auctions")

    def ready(self) -> None:
        """Let the fields be called in other languages too, give SQLite what search needs, and follow the admin."""
        from django.contrib.admin.models import LogEntry

        from accounts.languages import fields_translate
        from auctions.audit import admin_entry_follow

        fields_translate(self)
        # PostgreSQL has it by a migration.
        connection_created.connect(_give_fold, dispatch_uid="search_fold")
        # The admin notes an act in many places; all of them make one of these.
        post_save.connect(admin_entry_follow, sender=LogEntry, dispatch_uid="audit_admin")


def _give_fold(connection: Any, **_more: Any) -> None:
    if connection.vendor == "sqlite":
        from auctions.search import search_fold

        connection.connection.create_function("search_fold", 1, search_fold, deterministic=True)
