"""Addresses of the host's pages."""

from django.urls import path

from auctions import views

urlpatterns = [
    path("host/auctions/", views.host_auctions, name="host_auctions"),
    path("host/auctions/new/", views.auction_new, name="host_auction_new"),
    path("host/auctions/<int:auction_id>/edit/", views.auction_edit, name="host_auction_edit"),
]
