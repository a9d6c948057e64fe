"""The interface that every video provider fulfils. Trouble with video never touches bidding.

Callers hold a StreamChannel row and ask the provider for everything else. No stream key leaves through
`playback` or `status`; `ingest` is for those who may manage the auction. What a page or a room asks
(`assign_channel`, `status`, `playback`) is answered at once, also where a service far away carries the video;
everything else may wait for it.
"""

import enum
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final, TypedDict

from accounts.models import Organizer
from auctions.models import Auction, StreamChannel, StreamRecording


class StreamTrouble(Exception):
    """The provider could not do what was asked; the message is fit for the host."""


class StreamServiceAway(StreamTrouble):
    """The service behind the provider answers nothing now: what waits for it need not be tried one by one."""


class StreamState(enum.StrEnum):
    """Whether pictures arrive."""

    OFFLINE = "offline"
    LIVE = "live"
    UNKNOWN = "unknown"


STARVED: Final = "starved"
"""The health of a stream whose publisher is there and sends nothing."""


class Playback(TypedDict):
    """Where and how a page watches: `kind` is ivs, hls, relay or file."""

    kind: str
    url: str


@dataclass(frozen=True, slots=True)
class Ingest:
    """Where the host sends to, and the secret that allows it: empty where it was shown before and nobody keeps it."""

    url: str
    key: str


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """What the provider knows of a stream now. `viewers` is None where it does not count."""

    state: StreamState
    health: str | None = None
    viewers: int | None = None

    @property
    def arrives(self) -> bool | None:
        """Whether pictures arrive now; None where nobody knows. Somebody may hold a channel and send nothing."""
        if self.state == StreamState.UNKNOWN:
            return None
        return self.state == StreamState.LIVE and self.health != STARVED


def open_channel(organizer: Organizer, provider: str) -> StreamChannel | None:
    """Return the channel that all shows of an organizer use which anybody may see, if it was made."""
    channels = StreamChannel.objects.filter(organizer=organizer, provider=provider, is_private=False, archived_at=None)
    return channels.first()


class StreamProvider(ABC):
    """Assigns channels and carries video. All methods may raise StreamTrouble."""

    name: str
    look_every_s: ClassVar[float] = 2.0
    """How often a web process may ask for the states of the streams of all its rooms."""
    is_remote: ClassVar[bool] = False
    """Whether a service far away carries the video: the clock asks it and tells it, and nobody waits for that."""

    @abstractmethod
    def assign_channel(self, organizer: Organizer, *, private: bool) -> StreamChannel:
        """Return the organizer's channel, made at first use; a private one is made each time, for one auction."""

    @abstractmethod
    def prepare(self, channel: StreamChannel) -> None:
        """Make at the service what a new channel needs there. Harmless when it is there."""

    @abstractmethod
    def ingest(self, channel: StreamChannel) -> Ingest:
        """Return where the host sends to, with the current key."""

    @abstractmethod
    def rotate_key(self, channel: StreamChannel) -> Ingest:
        """Replace the key, so that whoever holds the old one can no longer send."""

    @abstractmethod
    def status(self, channel: StreamChannel) -> StreamStatus:
        """Return what is known of the stream."""

    @abstractmethod
    def look(self, channel: StreamChannel) -> StreamStatus:
        """Ask anew how the stream is; `status` returns the same from then on."""

    @abstractmethod
    def playback(self, channel: StreamChannel, *, viewer: str | None = None) -> Playback:
        """Return where a page watches.

        A private channel may play only from an address of one's own. Without a viewer, known by an id that tells
        nothing of the person, the address is then where each viewer asks for theirs.
        """

    @abstractmethod
    def revoke(self, channel: StreamChannel, viewer: str, *, up_to: datetime) -> None:
        """End what a viewer of a private channel watches by addresses that they got up to then."""

    @abstractmethod
    def send_metadata(self, channel: StreamChannel, payload: Mapping[str, Any]) -> None:
        """Put a note into the stream at this moment, where the provider can."""

    @abstractmethod
    def cut_off(self, channel: StreamChannel) -> None:
        """End the stream and make its key worthless. Harmless when nothing is sent."""

    @abstractmethod
    def end(self, channel: StreamChannel) -> None:
        """End the stream of a finished auction. Harmless when it was ended before."""

    @abstractmethod
    def archive(self, channel: StreamChannel) -> None:
        """Take a channel that nobody needs any more away from the service. Harmless when it is gone."""

    @abstractmethod
    def replay(self, recording: StreamRecording, auction: Auction) -> Playback:
        """Return where a page plays a recording of an auction: `kind` is hls, or file with the site's own table.

        The address of an invite-only auction's recording plays for nobody who may not see the auction.
        """

    @abstractmethod
    def erase(self, recording: StreamRecording) -> None:
        """Erase what was recorded. Harmless where it is gone; raises StreamTrouble or OSError where it stays."""
