"""A test picture with a running clock, as a live WebM, by Pillow alone: no camera, no codec but WebP's.

Owns how it is drawn and how it is wrapped. The picture of a lossy WebP *is* a key frame of VP8, so a stream of them is
a video in which every frame is whole.
"""

import math
from datetime import datetime
from io import BytesIO
from typing import Final

from PIL import Image, ImageDraw, ImageFont

WIDTH: Final = 854
HEIGHT: Final = 480
_QUALITY: Final = 60
_BOARD, _SUNK, _CHALK, _LINE, _QUIET = "#16211C", "#0D1512", "#EFF5F0", "#47574F", "#A5B5AC"
_CENTER: Final = (WIDTH / 2, 148)
_RADIUS: Final = 64
_UNKNOWN: Final = b"\x01\xff\xff\xff\xff\xff\xff\xff"


class TestCard:
    """The picture: what stands still is drawn once."""

    __test__ = False  # pytest takes the name for a test's

    def __init__(self) -> None:
        self._still = Image.new("RGB", (WIDTH, HEIGHT), _BOARD)
        draw = ImageDraw.Draw(self._still)
        for step in range(8):  # greys, to judge a screen by
            light = 24 + step * 26
            draw.rectangle((step * WIDTH / 8, HEIGHT - 40, (step + 1) * WIDTH / 8, HEIGHT), fill=(light, light, light))
        (x, y), outer = _CENTER, _RADIUS + 10
        draw.ellipse((x - outer, y - outer, x + outer, y + outer), fill=_SUNK, outline=_LINE, width=3)
        for hour in range(12):
            draw.line((_on_ring(hour / 12, _RADIUS - 4), _on_ring(hour / 12, _RADIUS + 4)), fill=_QUIET, width=3)
        draw.text((WIDTH / 2, 336), "Test picture", font=ImageFont.load_default(24), fill=_QUIET, anchor="mm")
        self._figures = ImageFont.load_default(60)

    def at(self, moment: datetime) -> Image.Image:
        """Return the picture with the clock at a moment; the hand goes round in two seconds."""
        picture = self._still.copy()
        draw = ImageDraw.Draw(picture)
        turn = (moment.second % 2 + moment.microsecond / 1_000_000) / 2
        draw.line((_CENTER, _on_ring(turn, _RADIUS - 10)), fill=_CHALK, width=7)
        text = f"{moment:%H:%M:%S}.{moment.microsecond // 100_000}"
        draw.text((WIDTH / 2, 272), text, font=self._figures, fill=_CHALK, anchor="mm")
        return picture


def vp8(picture: Image.Image) -> bytes:
    """Return a picture as a key frame of VP8."""
    file = BytesIO()
    picture.save(file, "WEBP", quality=_QUALITY, method=0)
    content = file.getvalue()
    if content[12:16] != b"VP8 ":
        raise ValueError("the picture was not written as plain lossy WebP")
    size = int.from_bytes(content[16:20], "little")
    return content[20 : 20 + size]


def opening(width: int = WIDTH, height: int = HEIGHT) -> bytes:
    """Return the beginning of a live WebM with one track of VP8."""
    header = _element(
        0x1A45DFA3,
        _number(0x4286, 1)
        + _number(0x42F7, 1)
        + _number(0x42F2, 4)
        + _number(0x42F3, 8)
        + _element(0x4282, b"webm")
        + _number(0x4287, 4)
        + _number(0x4285, 2),
    )
    info = _number(0x2AD7B1, 1_000_000) + _element(0x4D80, b"testcard") + _element(0x5741, b"testcard")
    video = _element(0xE0, _number(0xB0, width) + _number(0xBA, height))
    track = _number(0xD7, 1) + _number(0x73C5, 1) + _number(0x83, 1) + _element(0x86, b"V_VP8") + video
    parts = _element(0x1549A966, info) + _element(0x1654AE6B, _element(0xAE, track))
    return header + bytes.fromhex("18538067") + _UNKNOWN + parts


def cluster(at_ms: int, frame: bytes) -> bytes:
    """Return a cluster with one key frame at a media time."""
    block = _element(0xA3, b"\x81\x00\x00\x80" + frame)
    return bytes.fromhex("1F43B675") + _UNKNOWN + _number(0xE7, at_ms) + block


def _element(kind: int, content: bytes) -> bytes:
    name = kind.to_bytes((kind.bit_length() + 7) // 8, "big")
    return name + (len(content) | 1 << 28).to_bytes(4, "big") + content


def _number(kind: int, value: int) -> bytes:
    return _element(kind, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))


def _on_ring(turn: float, radius: float) -> tuple[float, float]:
    angle = math.tau * (turn - 0.25)
    return _CENTER[0] + radius * math.cos(angle), _CENTER[1] + radius * math.sin(angle)
