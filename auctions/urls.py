"""Addresses of the host's pages."""

from django.conf import settings
from django.urls import path

from auctions import views, views_csv, views_house, views_pictures

urlpatterns = [
    path("host/auctions/", views.host_auctions, name="host_auctions"),
    path("host/auctions/new/", views.auction_new, name="host_auction_new"),
    path("host/auctions/<int:auction_id>/camera/", views.camera, name="host_camera"),
    path("host/auctions/<int:auction_id>/duplicate/", views.auction_duplicate, name="host_auction_duplicate"),
    path("host/auctions/<int:auction_id>/edit/", views.auction_edit, name="host_auction_edit"),
    path("host/auctions/<int:auction_id>/import/", views_csv.lots_from_file, name="host_import"),
    path("host/auctions/<int:auction_id>/lots.csv", views_csv.lots_to_file, name="host_lots_csv"),
    path("host/houses/<int:organizer_id>/", views_house.house, name="host_house"),
    path("host/lots/<int:lot_id>/pictures/", views_pictures.lot_pictures, name="host_lot_pictures"),
    path("host/lots/<int:lot_id>/uploads/", views_pictures.upload_new, name="host_upload_new"),
    path("host/uploads/<int:upload_id>/", views_pictures.upload_state, name="host_upload"),
]

# Where pictures are kept elsewhere, they are sent there.
if settings.MEDIA_STORAGE == "local":
    urlpatterns.append(path("uploads/", views_pictures.upload_local, name="upload_local"))
