"""Who may watch a channel and who may send on it. Reads the database; runs in the room's threads.

A channel is watched as the auction that is live on it: who may not see that one sees no picture of it either.
"""

import secrets
from collections.abc import Collection
from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet

from accounts.models import User
from accounts.sign_ins import SignIn, ended_sign_ins
from auctions.models import Auction, AuctionStatus, StreamChannel
from auctions.permissions import can_manage_organizer
from auctions.streaming.local import LocalProvider
from bidding.protocol import CloseCode


@dataclass(frozen=True, slots=True)
class Sender:
    """Somebody who may send on a channel: a manager by their sign-in, or whoever has the key."""

    channel_id: int
    sign_in: SignIn | None = None
    key: str | None = None


def shows_on(channel_ids: Collection[int]) -> dict[int, int]:
    """Return the auction that is live on each of these channels of the relay."""
    return dict(_live_shows().filter(stream_channel__in=channel_ids).values_list("stream_channel", "pk"))


def show_on(channel_id: int) -> int | None:
    """Return the auction that is live on a channel."""
    # By the key of the channel itself: whoever asks may name a number that no database holds.
    return _live_shows().filter(stream_channel__pk=channel_id).values_list("pk", flat=True).first()


def sender_by_sign_in(channel_id: int, user: User | AnonymousUser, sign_in: SignIn | None) -> Sender | CloseCode:
    """Return a manager as sender, or the code to close with."""
    channel = _channel(channel_id)
    if channel is None:
        return CloseCode.NOT_FOUND
    if not isinstance(user, User):
        return CloseCode.SIGNED_OUT
    if not can_manage_organizer(user, channel.organizer):
        return CloseCode.NOT_FOUND
    return Sender(channel_id, sign_in=sign_in)


def sender_by_key(channel_id: int, key: str) -> Sender | CloseCode:
    """Return whoever has the channel's key as sender, or the code to close with."""
    channel = _channel(channel_id)
    if channel is None or not channel.stream_key:
        return CloseCode.FORBIDDEN
    if not secrets.compare_digest(channel.stream_key.encode(), key.encode()):
        return CloseCode.FORBIDDEN
    return Sender(channel_id, key=key)


def still_sends(sender: Sender) -> CloseCode | None:
    """Return why somebody may not send any more; None where they may."""
    if sender.key is not None:
        allowed = sender_by_key(sender.channel_id, sender.key)
        return allowed if isinstance(allowed, CloseCode) else None
    if sender.sign_in is None or ended_sign_ins([sender.sign_in]):
        return CloseCode.SIGNED_OUT
    user = User.objects.filter(pk=sender.sign_in.user_id).first()
    allowed = sender_by_sign_in(sender.channel_id, user or AnonymousUser(), sender.sign_in)
    return allowed if isinstance(allowed, CloseCode) else None


def _live_shows() -> QuerySet[Auction]:
    return Auction.objects.filter(
        stream_channel__provider=LocalProvider.name, status=AuctionStatus.LIVE, stream_stopped_at=None
    )


def _channel(channel_id: int) -> StreamChannel | None:
    channels = StreamChannel.objects.select_related("organizer")
    return channels.filter(pk=channel_id, provider=LocalProvider.name, archived_at=None).first()
