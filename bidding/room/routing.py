"""The sockets' addresses of this app."""

from django.urls import URLPattern, path

from bidding.protocol import Namespace
from bidding.room.consumers import RoomConsumer

websocket_urlpatterns: list[URLPattern] = [
    path("ws/auctions/<int:auction_id>/", RoomConsumer.as_asgi()),
    *(
        path(f"ws/auctions/<int:auction_id>/{namespace.value}/", RoomConsumer.as_asgi(namespaces=(namespace,)))
        for namespace in Namespace
    ),
]
