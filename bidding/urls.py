"""Addresses of the pages of bidders, hosts and everybody, of the keys that verify records, and of the metrics."""

from django.urls import path

from bidding import (
    api_metrics,
    api_records,
    views,
    views_board,
    views_camera,
    views_entrance,
    views_host,
    views_lot,
    views_orders,
    views_profile,
    views_replay,
)
from bidding.relay import views as relay_views

urlpatterns = [
    path("", views.home, name="home"),
    path("auctions/<slug:slug>/", views.room, name="room"),
    path("auctions/<slug:slug>/paddle/", views.paddle, name="paddle"),
    path("auctions/<slug:slug>/entrance/", views_entrance.entrance, name="entrance"),
    path("auctions/<slug:slug>/bid/", views.bid, name="bid"),
    path("auctions/<slug:slug>/board/", views_board.board, name="board"),
    path("auctions/<slug:slug>/replay/", views_replay.replay, name="replay"),
    path("auctions/<slug:slug>/replay/<int:recording_id>/stream", views_replay.recording_file, name="recording_file"),
    path("auctions/<slug:slug>/replay/<int:recording_id>/table", views_replay.recording_table, name="recording_table"),
    path(
        "auctions/<slug:slug>/replay/<int:recording_id>/hls/<path:name>",
        views_replay.recording_playlist,
        name="recording_playlist",
    ),
    path("streams/<int:channel_id>/live.m3u8", relay_views.playlist, name="stream_playlist"),
    path("streams/<int:channel_id>/<slug:epoch>-<int:number>.m4s", relay_views.segment, name="stream_segment"),
    path("streams/<int:channel_id>/<slug:epoch>.mp4", relay_views.opening, name="stream_opening"),
    path("lots/<int:lot_id>/", views_lot.lot, name="lot"),
    path("lots/<int:lot_id>/pre-bid/", views_lot.pre_bid, name="pre_bid"),
    path(".well-known/auction-signing-key.json", api_records.signing_keys, name="signing_keys"),
    path("metrics", api_metrics.metrics, name="metrics"),
    path("my/bids/", views.my_bids, name="my_bids"),
    path("orders/<int:order_id>/", views_orders.order, name="order"),
    path("orders/<int:order_id>/invoices/<int:number>/", views_orders.invoice, name="invoice"),
    path("orders/<int:order_id>/invoices/<int:number>/pdf/", views_orders.invoice_pdf, name="invoice_pdf"),
    path("accounts/profile/", views_profile.profile, name="profile"),
    path("accounts/profile/data/", views_profile.profile_data, name="profile_data"),
    path("accounts/profile/close/", views_profile.profile_close, name="profile_close"),
    path("host/request/", views_profile.host_request, name="host_request"),
    path("host/auctions/<int:auction_id>/", views_host.host_auction, name="host_auction"),
    path("host/auctions/<int:auction_id>/board/", views_board.host_board, name="host_board"),
    path("host/auctions/<int:auction_id>/camera/key/", views_camera.key, name="host_camera_key"),
    path("host/auctions/<int:auction_id>/camera/resume/", views_camera.resume, name="host_camera_resume"),
    path("host/auctions/<int:auction_id>/recording/", views_replay.recording_erase, name="recording_erase"),
    path("host/auctions/<int:auction_id>/<slug:step>/", views_host.host_step, name="host_step"),
]
