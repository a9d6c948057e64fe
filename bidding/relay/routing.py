"""The sockets' addresses of the relay."""

from typing import Any, cast

from django.urls import URLPattern, path

from bidding.relay.sockets import publish, watch

websocket_urlpatterns: list[URLPattern] = [
    path("ws/streams/<int:channel_id>/", cast("Any", watch)),
    path("ws/streams/<int:channel_id>/publish/", cast("Any", publish)),
]
