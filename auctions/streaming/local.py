"""The provider that needs nothing installed: web processes relay what a publisher sends over a socket.

Owns channels and keys. The relay itself marks a channel as live in the side Redis while it has a publisher.
"""

import secrets
from collections.abc import Mapping
from typing import Any

import structlog
from django.core.cache import cache
from django.db import transaction
from redis.exceptions import RedisError

from accounts.models import Organizer
from auctions.models import StreamChannel
from auctions.streaming.base import Ingest, Playback, StreamProvider, StreamState, StreamStatus

logger = structlog.get_logger(__name__)


def publisher_key(channel_id: int) -> str:
    """Return the cache key that stands while a channel has a publisher; its value is the viewer count or None."""
    return f"stream:{channel_id}:publisher"


class LocalProvider(StreamProvider):
    """One relay channel an organizer, and a private one for invite-only auctions."""

    name = "local"

    def assign_channel(self, organizer: Organizer, *, private: bool) -> StreamChannel:
        """Return the organizer's relay channel, made at first use."""
        with transaction.atomic():
            # The organizer's row is the lock: two first auctions at once share one channel.
            Organizer.objects.select_for_update().get(pk=organizer.pk)
            channel = StreamChannel.objects.filter(
                organizer=organizer, provider=self.name, is_private=private, archived_at__isnull=True
            ).first()
            if channel is None:
                channel = StreamChannel.objects.create(
                    organizer=organizer, provider=self.name, is_private=private, stream_key=_new_key()
                )
                channel.external_id = str(channel.pk)
                channel.ingest_url = channel.playback_url = f"/ws/streams/{channel.pk}/"
                channel.save(update_fields=["external_id", "ingest_url", "playback_url"])
        return channel

    def ingest(self, channel: StreamChannel) -> Ingest:
        """Return the relay's address and the current key."""
        return Ingest(url=channel.ingest_url, key=channel.stream_key)

    def rotate_key(self, channel: StreamChannel) -> Ingest:
        """Replace the key."""
        channel.stream_key = _new_key()
        channel.save(update_fields=["stream_key"])
        return self.ingest(channel)

    def status(self, channel: StreamChannel) -> StreamStatus:
        """Return offline until a publisher sends; unknown while the side server cannot be asked."""
        absent = object()
        try:
            viewers = cache.get(publisher_key(channel.pk), absent)
        except (RedisError, OSError) as error:
            # Nobody is kept out of a room because of its pictures.
            logger.warning("stream_not_read", channel=channel.pk, error=str(error))
            return StreamStatus(StreamState.UNKNOWN)
        if viewers is absent:
            return StreamStatus(StreamState.OFFLINE)
        return StreamStatus(StreamState.LIVE, viewers=viewers if isinstance(viewers, int) else None)

    def playback(self, channel: StreamChannel) -> Playback:
        """Return the relay's address for viewers."""
        return Playback(kind="relay", url=channel.playback_url)

    def send_metadata(self, channel: StreamChannel, payload: Mapping[str, Any]) -> None:
        """Do nothing: the room's own messages run beside the relay."""

    def cut_off(self, channel: StreamChannel) -> None:
        """Replace the key first, so that an encoder which reconnects at once is refused."""
        self.rotate_key(channel)
        self.end(channel)

    def end(self, channel: StreamChannel) -> None:
        """Forget the publisher; the relay lets it go when it next looks."""
        cache.delete(publisher_key(channel.pk))

    def recording_url(self, channel: StreamChannel) -> str | None:
        """Return None: the relay keeps a few seconds in memory and records nothing."""
        return None


def _new_key() -> str:
    return secrets.token_urlsafe(24)
