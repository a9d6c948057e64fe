"""Stills with sound, for viewers whose browsers cannot play what is sent: a picture a second and sound without a codec.

Owns what such a picture may be, and how it gets to the side server: a stream of its own, which the relay hands on like
any other. Each picture is a mark, and what is no mark is sound. Of what a publisher sends nobody sees a byte: the
picture is decoded here and written anew.
"""

import asyncio
import secrets
import time
from io import BytesIO
from typing import Any, Final

import structlog
from PIL import Image

from auctions.streaming.local import RelayKeys
from bidding.floor import async_side
from bidding.relay.containers import BadStream
from bidding.relay.publishing import FORGET_MS, KEEP_MS, TROUBLE

logger = structlog.get_logger(__name__)

MIME: Final = "image/jpeg"
MOST_SIDE: Final = 640
"""Pixels."""
LEAST_PAUSE_S: Final = 0.4
"""What comes sooner after the last picture is not shown."""
_QUALITY: Final = 60
_NO_PICTURE: Final = (
    *(OSError, ValueError, SyntaxError, OverflowError, EOFError, KeyError, IndexError, TypeError),
    *(Image.DecompressionBombError, Image.DecompressionBombWarning),
)
"""What Pillow raises for what it cannot read."""


def still(sent: bytes) -> bytes:
    """Return a picture as we write it ourselves; raises BadStream where it is none, or a large one."""
    try:
        with Image.open(BytesIO(sent), formats=("JPEG",)) as picture:
            # The header's word: nothing is decoded before.
            if max(picture.size) > MOST_SIDE:
                raise BadStream(f"A still is {MOST_SIDE} pixels wide and high at most.")
            plain, out = picture.convert("RGB"), BytesIO()
            plain.info.clear()  # a comment would be written again
            plain.save(out, "JPEG", quality=_QUALITY)
    except _NO_PICTURE as error:
        raise BadStream("Send stills as JPEG.") from error
    return out.getvalue()


class Stills:
    """One publisher's stills and their sound on the way to the side server."""

    def __init__(self, channel_id: int) -> None:
        self._keys = RelayKeys(channel_id, of_stills=True)
        self._epoch = secrets.token_hex(4)
        self._shown_at = -LEAST_PAUSE_S
        self._oldest = 0
        self._is_open = False

    async def show(self, sent: bytes, captured_ms: int) -> None:
        """Put a picture on the side server; raises BadStream."""
        if time.monotonic() - self._shown_at < LEAST_PAUSE_S:
            return
        picture = await asyncio.to_thread(still, sent)
        self._shown_at = time.monotonic()
        self._is_open = await self._add({"d": picture, "k": captured_ms, "c": captured_ms})

    async def sound(self, data: bytes, rate: int) -> None:
        """Put sound on the side server, once there is a picture."""
        if self._is_open:
            await self._add({"d": data, "r": rate})

    async def release(self) -> None:
        """Say that no more comes; raises a RedisError."""
        if self._is_open:
            await self._put({"x": "1"})

    async def _add(self, fields: dict[Any, Any]) -> bool:
        """Put something on the side server; False where it does not take it: then it is lost."""
        try:
            await self._put(fields)
        except TROUBLE as error:
            logger.warning("still_lost", channel=self._keys.channel_id, error=str(error))
            return False
        return True

    async def _put(self, fields: dict[Any, Any]) -> None:
        pipeline = async_side().pipeline(transaction=False)
        # With each of them: a server that was emptied knows it again at once.
        pipeline.hset(self._keys.opening, mapping={"e": self._epoch, "m": MIME, "d": b""})
        pipeline.pexpire(self._keys.opening, FORGET_MS)
        pipeline.xadd(self._keys.pieces, {"e": self._epoch} | fields, minid=self._oldest, approximate=False)
        pipeline.pexpire(self._keys.pieces, FORGET_MS)
        _, _, entry, _ = await asyncio.shield(pipeline.execute())
        self._oldest = max(0, int(entry.partition(b"-")[0]) - KEEP_MS)
