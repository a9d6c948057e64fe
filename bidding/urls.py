"""Addresses of the bidder's pages, of the keys that records are verified with, and of the metrics."""

from django.urls import path

from bidding import api_metrics, api_records, views

urlpatterns = [
    path("", views.home, name="home"),
    path("auctions/<slug:slug>/", views.room, name="room"),
    path("auctions/<slug:slug>/paddle/", views.paddle, name="paddle"),
    path("auctions/<slug:slug>/bid/", views.bid, name="bid"),
    path("lots/<int:lot_id>/", views.lot, name="lot"),
    path(".well-known/auction-signing-key.json", api_records.signing_keys, name="signing_keys"),
    path("metrics", api_metrics.metrics, name="metrics"),
    path("my/bids/", views.my_bids, name="my_bids"),
    path("host/auctions/<int:auction_id>/<slug:step>/", views.host_step, name="host_step"),
]
