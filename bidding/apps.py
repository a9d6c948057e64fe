"""The live floor: bids, rooms, the log, the ledger."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BiddingConfig(AppConfig):
    """Register the bidding app."""

    name = "bidding"
    verbose_name = _("Bidding")

    def ready(self) -> None:
        """Let the fields be called in other languages too."""
        from accounts.languages import fields_translate

        fields_translate(self)
