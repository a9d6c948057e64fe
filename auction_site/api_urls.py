"""The addresses of the API, version 1."""

from django.urls import URLPattern, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from auctions.api import AuctionList
from bidding.api import AuctionDetail, LotBids, RegistrationCreate
from bidding.api_records import LotRecord, OwnBidDetail

urlpatterns: list[URLPattern] = [
    path("auctions/", AuctionList.as_view(), name="api-auctions"),
    path("auctions/<int:pk>/", AuctionDetail.as_view(), name="api-auction"),
    path("auctions/<int:pk>/registrations/", RegistrationCreate.as_view(), name="api-registrations"),
    path("lots/<int:pk>/bids/", LotBids.as_view(), name="api-lot-bids"),
    path("lots/<int:pk>/record/", LotRecord.as_view(), name="api-lot-record"),
    path("bids/<str:bid_id>/", OwnBidDetail.as_view(), name="api-bid"),
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="api-schema"), name="api-docs"),
]
