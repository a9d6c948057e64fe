"""What travels on the sockets of the relay. docs/video.md describes it for clients that we did not write.

To viewers: binary messages, each a JSON head behind its length in two bytes, and bytes for the player. From and to a
publisher: JSON in text; the video itself in binary, cut wherever the publisher likes.
"""

from typing import Annotated

import msgspec

from bidding.room.transport import Frame

MOST_STILL_BYTES = 64 * 1024
MOST_SOUND_BYTES = 32 * 1024
"""A second and more."""


class Publish(msgspec.Struct, tag="PUBLISH", frozen=True, forbid_unknown_fields=True):
    """The first message of a publisher. Without a key the session must be a manager's."""

    key: Annotated[str, msgspec.Meta(max_length=200)] | None = None


class Ping(msgspec.Struct, tag="PING", frozen=True, forbid_unknown_fields=True):
    """Asks for the time."""

    t: float


class Began(msgspec.Struct, tag="BEGAN", frozen=True, forbid_unknown_fields=True):
    """When the media time 0 of this recording was captured, in the server's time."""

    at_ms: float


class Still(msgspec.Struct, tag="STILL", frozen=True, forbid_unknown_fields=True):
    """A picture for viewers who cannot play the video; a JPEG, in base 64."""

    at_ms: float
    """When it was captured, in the server's time."""
    image: Annotated[bytes, msgspec.Meta(max_length=MOST_STILL_BYTES)]


class Sound(msgspec.Struct, tag="SOUND", frozen=True, forbid_unknown_fields=True):
    """Sound beside the stills: one channel of 8 bits a sample by the law of ITU-T G.711 (μ), in base 64."""

    rate: Annotated[int, msgspec.Meta(ge=8_000, le=32_000)]
    pcmu: Annotated[bytes, msgspec.Meta(max_length=MOST_SOUND_BYTES)]


FromPublisher = Publish | Ping | Began | Still | Sound


class Ready(msgspec.Struct, tag="READY", frozen=True):
    """The channel is the publisher's: send."""


class Pong(msgspec.Struct, tag="PONG", frozen=True):
    """The time."""

    t: float
    server_time_ms: int


class Status(msgspec.Struct, tag="STATUS", frozen=True):
    """Once a second: how the stream arrives, and how many watch."""

    kbps: int
    health: str
    viewers: int | None
    stills: int = 0
    """How many of them need stills, because their browsers cannot play the video."""


_decoder: msgspec.json.Decoder[FromPublisher] = msgspec.json.Decoder(FromPublisher)


def parse(text: str) -> FromPublisher:
    """Return a publisher's message; raises msgspec.MsgspecError."""
    return _decoder.decode(text)


class Head(msgspec.Struct, frozen=True, omit_defaults=True):
    """What stands before the bytes for the player."""

    mime: str | None = None
    """An opening: begin anew, with this media type."""
    at_ms: int | None = None
    """A mark: the media time at which it begins …"""
    captured_ms: int | None = None
    """… and when that was captured, in the server's time."""
    rate: int | None = None
    """Sound beside stills: samples a second."""
    over: bool = False
    """No pictures come any more."""


def frame(head: Head | None, content: bytes = b"") -> Frame:
    """Return a message to viewers."""
    encoded = b"" if head is None else msgspec.json.encode(head)
    return Frame(len(encoded).to_bytes(2, "big") + encoded + content, is_binary=True)
