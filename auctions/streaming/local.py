"""The provider that needs nothing installed: web processes relay what a publisher sends over a socket.

Owns channels and keys, and the names of what the relay keeps of a channel on the side server. The relay itself, in
`bidding.relay`, holds the channel there for as long as somebody sends.
"""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, ClassVar, Final

import redis
import structlog
from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from accounts.models import Organizer
from auctions import recordings
from auctions.models import Auction, StreamChannel, StreamRecording
from auctions.streaming.base import (
    Ingest,
    Playback,
    StreamProvider,
    StreamState,
    StreamStatus,
    StreamTrouble,
    open_channel,
)

logger = structlog.get_logger(__name__)

_OVER_MS: Final = 10_000
_PAUSE_S: Final = 1.0
"""How long nothing is asked of a side server that did not answer: it may be frozen, and there are many rooms."""


@dataclass(frozen=True, slots=True)
class RelayKeys:
    """The keys of one channel on the side; all of them run out by themselves."""

    channel_id: int
    of_stills: bool = False
    """Whether opening, pieces and viewers are those of the stills, which run beside the video."""

    @property
    def publisher(self) -> str:
        """String: who sends, for as long as they renew it."""
        return f"{{stream:{self.channel_id}}}:publisher"

    @property
    def over(self) -> str:
        """String: who must not renew any more."""
        return f"{{stream:{self.channel_id}}}:over"

    @property
    def facts(self) -> str:
        """Hash: what the publisher's process tells since pictures arrive: health, viewers."""
        return f"{{stream:{self.channel_id}}}:facts"

    @property
    def opening(self) -> str:
        """Hash: what a player needs before the pieces of this publisher: epoch, media type, first bytes."""
        return f"{self._of_these}:opening"

    @property
    def pieces(self) -> str:
        """Stream: the last seconds of pictures and sound."""
        return f"{self._of_these}:pieces"

    @property
    def viewers(self) -> str:
        """Hash: how many watch on each web process."""
        return f"{self._of_these}:viewers"

    @property
    def _of_these(self) -> str:
        return f"{{stream:{self.channel_id}}}{':stills' if self.of_stills else ''}"


class LocalProvider(StreamProvider):
    """One relay channel an organizer, and one for each invite-only auction."""

    name = "local"
    _silent_until: ClassVar[float] = 0.0
    """Until when, in `time.monotonic()`, the side server is not asked."""

    def assign_channel(self, organizer: Organizer, *, private: bool) -> StreamChannel:
        """Return the organizer's relay channel, made at first use, or a private one that nobody has yet."""
        with transaction.atomic():
            # The organizer's row is the lock: two first auctions at once share one channel.
            Organizer.objects.select_for_update().get(pk=organizer.pk)
            channel = None if private else open_channel(organizer, self.name)
            if channel is None:
                channel = StreamChannel.objects.create(
                    organizer=organizer, provider=self.name, is_private=private, stream_key=_new_key()
                )
                channel.external_id = str(channel.pk)
                channel.playback_url = f"/ws/streams/{channel.pk}/"
                channel.ingest_url = f"{channel.playback_url}publish/"
                channel.save(update_fields=["external_id", "ingest_url", "playback_url"])
        return channel

    def prepare(self, channel: StreamChannel) -> None:
        """Do nothing: the row is the channel."""

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
        keys = RelayKeys(channel.pk)
        if time.monotonic() < self._silent_until:
            return StreamStatus(StreamState.UNKNOWN)
        try:
            pipeline = _side().pipeline(transaction=False)
            pipeline.get(keys.publisher)
            pipeline.hmget(keys.facts, "health", "viewers")
            publisher, (health, viewers) = pipeline.execute()
        except (RedisError, OSError) as error:
            # Nobody is kept out of a room because of its pictures.
            logger.warning("stream_not_read", channel=channel.pk, error=str(error))
            LocalProvider._silent_until = time.monotonic() + _PAUSE_S
            return StreamStatus(StreamState.UNKNOWN)
        if publisher is None or health is None:
            return StreamStatus(StreamState.OFFLINE)
        return StreamStatus(StreamState.LIVE, health=health, viewers=None if viewers is None else int(viewers))

    def look(self, channel: StreamChannel) -> StreamStatus:
        """Return the same as `status`: nobody else knows more."""
        return self.status(channel)

    def playback(self, channel: StreamChannel, *, viewer: str | None = None) -> Playback:
        """Return the relay's address, which is one for all: the relay itself asks who comes."""
        return Playback(kind="relay", url=channel.playback_url)

    def revoke(self, channel: StreamChannel, viewer: str, *, up_to: datetime) -> None:
        """Do nothing: the relay itself lets go who may not watch any more."""

    def send_metadata(self, channel: StreamChannel, payload: Mapping[str, Any]) -> None:
        """Do nothing: the room's own messages run beside the relay."""

    def cut_off(self, channel: StreamChannel) -> None:
        """Replace the key first, so that an encoder which reconnects at once is refused."""
        self.rotate_key(channel)
        self.end(channel)

    def end(self, channel: StreamChannel) -> None:
        """Let the publisher go; their process sees it within a second."""
        try:
            keys = RelayKeys(channel.pk)
            publisher = _side().get(keys.publisher)
            if publisher is not None:
                _side().set(keys.over, publisher, px=_OVER_MS)
                _side().delete(keys.publisher)
        except (RedisError, OSError) as error:
            raise StreamTrouble(_("The video server does not answer. Try again.")) from error

    def archive(self, channel: StreamChannel) -> None:
        """Do nothing: the relay keeps no channel."""

    def replay(self, recording: StreamRecording, auction: Auction) -> Playback:
        """Return the view that gives out the file to whoever may see the auction."""
        return Playback(kind="file", url=reverse("recording_file", args=(auction.slug, recording.pk)))

    def erase(self, recording: StreamRecording) -> None:
        """Remove the files; who still writes them is told by the missing row."""
        recordings.remove(recording.prefix)


@cache
def _side() -> "redis.Redis":
    # The client's own 5 s and ten retries would hold a room's thread for a minute.
    return redis.Redis.from_url(
        settings.SIDE_REDIS_URL,
        decode_responses=True,
        socket_timeout=1.5,
        socket_connect_timeout=1.5,
        retry=Retry(NoBackoff(), 1),
    )


def _new_key() -> str:
    return secrets.token_urlsafe(24)
