"""A client of the live flash auction platform: its pages' sign-in, its REST interface and its live rooms.

Owns what a program outside the site needs, and imports nothing of the site. `AsyncClient` is the client; `Client`
is the same without `await`.
"""

from paddle_client.asynchronous import AsyncClient
from paddle_client.errors import (
    BidUnresolved,
    CannotConnect,
    FellBehind,
    NotAllowed,
    NotFound,
    PaddleError,
    RateLimited,
    RoomClosed,
    SignInFailed,
    SiteError,
    SiteUnreachable,
    UnexpectedAnswer,
)
from paddle_client.messages import BidAccepted, BidRejected, Message, Unknown
from paddle_client.models import Auction, Lot, Registration
from paddle_client.room import AsyncRoom
from paddle_client.state import Applied, RoomState
from paddle_client.synchronous import Client, Room

__all__ = [
    "Applied",
    "AsyncClient",
    "AsyncRoom",
    "Auction",
    "BidAccepted",
    "BidRejected",
    "BidUnresolved",
    "CannotConnect",
    "Client",
    "FellBehind",
    "Lot",
    "Message",
    "NotAllowed",
    "NotFound",
    "PaddleError",
    "RateLimited",
    "Registration",
    "Room",
    "RoomClosed",
    "RoomState",
    "SignInFailed",
    "SiteError",
    "SiteUnreachable",
    "UnexpectedAnswer",
    "Unknown",
]
