"""What a publisher's stills may be: small pictures beside the video, for browsers that cannot play it.

Owns the judgement alone. It is cheap, because it is made on the event loop: a picture is measured, and never decoded.
A still that is refused is dropped and counted; the stream goes on.
"""

import time
from typing import Final

MOST_BYTES: Final = 40_000
SIDES: Final = range(16, 1_281)
"""How many points wide and high a still may be: a browser needs four bytes for each of them."""
EVERY_S: Final = 0.5
"""How far apart stills are at least; a publisher sends one a second."""

TOO_OFTEN: Final = "too_often"
TOO_LARGE: Final = "too_large"
NO_PICTURE: Final = "no_picture"

_SCAN: Final = 0xDA
_FRAMES: Final = frozenset({0xC0, 0xC1, 0xC2})
_SEGMENTS: Final = frozenset({0xC4, 0xDB, 0xDD, 0xFE, *range(0xE0, 0xF0)})
"""Tables, comments and application data, which may stand before the pixels beside the frame's own header."""


class Judge:
    """Judges the stills of one publisher."""

    def __init__(self) -> None:
        self._taken_at = float("-inf")

    def fault(self, still: bytes) -> str | None:
        """Return why a still is not shown; None where it is."""
        now = time.monotonic()
        if now - self._taken_at < EVERY_S:
            return TOO_OFTEN
        self._taken_at = now
        if len(still) > MOST_BYTES:
            return TOO_LARGE
        size = jpeg_size(still)
        if size is None:
            return NO_PICTURE
        return None if all(side in SIDES for side in size) else TOO_LARGE


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Return width and height of a JPEG as browsers show it: 8 bits, grey or three colours. None: it is none."""
    if not (data.startswith(b"\xff\xd8") and data.endswith(b"\xff\xd9")):
        return None
    size, at = None, 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        kind, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if kind == _SCAN:
            return size
        if kind in _FRAMES:
            frame = data[at + 4 : at + 2 + length]
            # Precision, height, width, and three bytes for each colour.
            if size is not None or len(frame) < 6 or frame[0] != 8 or frame[5] not in (1, 3):
                return None
            size = int.from_bytes(frame[3:5], "big"), int.from_bytes(frame[1:3], "big")
        elif kind not in _SEGMENTS:
            return None
        at += 2 + max(length, 2)
    return None
