"""What the board of an auction shows: the lot on the block for a whole hall, or over a video. Changes nothing."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.urls import reverse

from auctions.boards import board_key
from auctions.models import Auction, AuctionStatus
from auctions.presenting import money_config
from bidding.pages import Floor, Show, floor_now, show_page
from bidding.qr import QrShape, qr_shape


@dataclass(frozen=True, slots=True)
class BoardPage:
    """A board: the show as everybody sees it, its live state, and where people come in."""

    show: Show
    floor: Floor | None
    room_address: str
    """Where people come in, as it is typed."""
    qr: QrShape
    config: dict[str, Any]


def board_page(auction: Auction, key: str | None) -> BoardPage:
    """Return the board of an auction; `key` is what its screen watches by, None where it is signed in or anybody."""
    show = show_page(auction, AnonymousUser())
    is_on_floor = auction.status in (AuctionStatus.SCHEDULED, AuctionStatus.LIVE)
    room_url = settings.PUBLIC_URL + reverse("room", args=(auction.slug,))
    return BoardPage(
        show=show,
        floor=floor_now(auction) if is_on_floor else None,
        room_address=room_url.partition("://")[2],
        qr=qr_shape(room_url),
        config={
            # The socket that carries prices and the clock, and no chat.
            "socket": f"/ws/auctions/{auction.pk}/bid/" + (f"?{urlencode({'board': key})}" if key else ""),
            "currency": money_config(show.style),
            "lots": len(show.lines),
            "durations": {line.lot.pk: line.lot.duration_ms for line in show.lines},
        },
    )


def board_path(auction: Auction) -> str | None:
    """Return the path that opens an auction's board without signing in, or None where it has no key."""
    key = board_key(auction)
    return None if key is None else f"{reverse('board', args=(auction.slug,))}?{urlencode({'key': key})}"
