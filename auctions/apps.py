"""The catalogue and the outcome: auctions, lots, paddles, sales, orders."""

from django.apps import AppConfig


class AuctionsConfig(AppConfig):
    """Register the auctions app."""

    name = "auctions"
