"""The addresses of the API, version 1."""

from django.urls import URLPattern, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from accounts.api import OwnToken
from auctions.api import AuctionList
from bidding.api import AuctionDetail, LotBids, RegistrationCreate
from bidding.api_house import EnteredBidCreate, HousePaddleCreate, LotOfferAgain
from bidding.api_records import LotRecord, OwnBidDetail
from bidding.api_replay import AuctionRecording
from bidding.api_reports import ReportCreate
from bidding.api_room import (
    ChatLineRemove,
    ChatPin,
    ChatRoomDetail,
    ModeratorNotes,
    MuteDetail,
    Mutes,
    NoticeCreate,
    NotificationList,
    NotificationsRead,
    SocketTicketCreate,
)
from bidding.api_sockets import asyncapi, asyncapi_page
from bidding.api_streams import StreamEvents, StreamPlayback

urlpatterns: list[URLPattern] = [
    path("auctions/", AuctionList.as_view(), name="api-auctions"),
    path("auctions/<int:pk>/", AuctionDetail.as_view(), name="api-auction"),
    path("auctions/<int:pk>/registrations/", RegistrationCreate.as_view(), name="api-registrations"),
    path("auctions/<int:pk>/house/paddles/", HousePaddleCreate.as_view(), name="api-house-paddles"),
    path("auctions/<int:pk>/house/bids/", EnteredBidCreate.as_view(), name="api-house-bids"),
    path("auctions/<int:pk>/chat/", ChatRoomDetail.as_view(), name="api-chat"),
    path("auctions/<int:pk>/chat/pin/", ChatPin.as_view(), name="api-chat-pin"),
    path("auctions/<int:pk>/chat/lines/<str:entry>/remove/", ChatLineRemove.as_view(), name="api-chat-line-remove"),
    path("auctions/<int:pk>/reports/", ReportCreate.as_view(), name="api-reports"),
    path("auctions/<int:pk>/mutes/", Mutes.as_view(), name="api-mutes"),
    path("auctions/<int:pk>/mutes/<int:mute_id>/", MuteDetail.as_view(), name="api-mute"),
    path("auctions/<int:pk>/moderator-notes/", ModeratorNotes.as_view(), name="api-moderator-notes"),
    path("auctions/<int:pk>/recording/", AuctionRecording.as_view(), name="api-recording"),
    path("auctions/<int:pk>/notices/", NoticeCreate.as_view(), name="api-notices"),
    path("lots/<int:pk>/bids/", LotBids.as_view(), name="api-lot-bids"),
    path("lots/<int:pk>/offer-again/", LotOfferAgain.as_view(), name="api-lot-offer-again"),
    path("lots/<int:pk>/record/", LotRecord.as_view(), name="api-lot-record"),
    path("bids/<str:bid_id>/", OwnBidDetail.as_view(), name="api-bid"),
    path("notifications/", NotificationList.as_view(), name="api-notifications"),
    path("notifications/read/", NotificationsRead.as_view(), name="api-notifications-read"),
    path("streams/<int:pk>/playback/", StreamPlayback.as_view(), name="api-stream-playback"),
    path("streams/events/", StreamEvents.as_view(), name="api-stream-events"),
    path("socket-tickets/", SocketTicketCreate.as_view(), name="api-socket-tickets"),
    path("token/", OwnToken.as_view(), name="api-token"),
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="api-schema"), name="api-docs"),
    path("asyncapi.json", asyncapi, name="api-asyncapi"),
    path("asyncapi/", asyncapi_page, name="api-asyncapi-page"),
]
