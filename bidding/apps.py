"""The live floor: bids, rooms, the log, the ledger."""

from django.apps import AppConfig


class BiddingConfig(AppConfig):
    """Register the bidding app."""

    name = "bidding"
