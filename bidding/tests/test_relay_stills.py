"""Stills with sound: what becomes of a picture that somebody sends, who gets it, and what a bad one costs."""

import base64
import io
import json
import secrets
import time
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from auctions.models import StreamChannel
from auctions.streaming.local import RelayKeys
from bidding.protocol import CloseCode
from bidding.relay import publishing
from bidding.relay.containers import BadStream
from bidding.relay.stills import LEAST_PAUSE_S, MIME, MOST_SIDE, still
from bidding.relay.wire import MOST_STILL_BYTES
from bidding.tests.conftest import Show
from bidding.tests.relays import Camera, camera, screen
from bidding.tests.rooms import RoomServer, eventually


@pytest.fixture
def server(show: Show) -> Iterator[RoomServer]:
    with RoomServer() as running:
        yield running


@pytest.fixture
def channel(show: Show) -> StreamChannel:
    channel = show.auction.stream_channel
    assert channel is not None
    channel.stream_key = secrets.token_urlsafe(24)
    channel.save()
    return channel


def photo(size: tuple[int, int] = (64, 36), form: str = "JPEG", colour: str = "red", **options: Any) -> bytes:
    """Return a picture as a browser makes it."""
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, form, **options)
    return out.getvalue()


def send(sending: Camera, kind: str, **fields: Any) -> None:
    """Send what goes beside the video."""
    encoded = {
        name: base64.b64encode(value).decode() if isinstance(value, bytes) else value for name, value in fields.items()
    }
    sending.socket.send(json.dumps({"type": kind} | encoded))


def test_who_asks_for_stills_gets_them_with_sound_and_nothing_of_the_video(server, channel, show):
    with (
        screen(server, channel.pk, query="?as=stills") as poor,
        screen(server, channel.pk) as rich,
        camera(server, channel, key=channel.stream_key) as sending,
    ):
        sending.hear("READY")
        sending.begin()
        sending.picture(b"video")
        send(sending, "SOUND", rate=16_000, pcmu=b"too early")
        send(sending, "STILL", at_ms=time.time() * 1000, image=photo())
        send(sending, "SOUND", rate=16_000, pcmu=b"\xff\x7f" * 10)
        sending.picture(b"more video")
        assert poor.until(mime=MIME)[1] == b""
        head, picture = poor.next()
        assert head["captured_ms"] == head["at_ms"]
        with Image.open(io.BytesIO(picture)) as shown:
            assert (shown.format, shown.size) == ("JPEG", (64, 36))
            red, green, _blue = shown.convert("RGB").split()
            assert min(red.tobytes()) > 240
            assert max(green.tobytes()) < 16
        assert poor.next() == ({"rate": 16_000}, b"\xff\x7f" * 10)
        rich.until(content=b"more video")
        assert all("rate" not in head and head.get("mime") != MIME for head, _ in rich.received)
    with screen(server, channel.pk, query="?as=stills") as late:
        assert late.until(over=True)


def test_a_publisher_hears_whether_somebody_needs_stills(server, channel, show):
    with camera(server, channel, key=channel.stream_key) as sending:
        sending.hear("READY")
        sending.begin()
        sending.picture()
        assert sending.hear("STATUS")["stills"] == 0
        with screen(server, channel.pk, query="?as=stills"), screen(server, channel.pk):
            eventually(lambda: sending.hear("STATUS")["stills"] == 1)
            eventually(lambda: sending.hear("STATUS")["viewers"] == 2)
        eventually(lambda: sending.hear("STATUS")["stills"] == 0)


def test_what_is_sent_is_written_anew_without_what_hides_in_it():
    hidden = photo(comment=b"<script>alert(1)</script>") + b"<html><script>alert(2)</script>"
    written = still(hidden)
    assert b"script" in hidden
    assert b"script" not in written
    assert written.startswith(b"\xff\xd8")


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        photo(form="PNG"),
        photo(form="GIF"),
        photo(form="WEBP"),
        photo((MOST_SIDE + 1, 8)),
        photo((200, 200), colour="blue")[:-400],
        b"\xff\xd8\xff\xc0\x00\x11\x08\xff\xff\xff\xff\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01",
    ],
    ids=["empty", "svg", "png", "gif", "webp", "large", "cut short", "bomb"],
)
def test_what_is_no_small_jpeg_is_none(sent):
    with pytest.raises(BadStream):
        still(sent)


@pytest.mark.parametrize(
    "image", [b"no picture", b"\xff" * (MOST_STILL_BYTES + 1)], ids=["no picture", "too many bytes"]
)
def test_a_publisher_who_sends_no_stills_as_stills_is_let_go(server, channel, image, side):
    with camera(server, channel, key=channel.stream_key) as sending:
        sending.hear("READY")
        send(sending, "STILL", at_ms=0, image=image)
        assert sending.let_go()[0] == CloseCode.FORBIDDEN
    assert side.xlen(RelayKeys(channel.pk, of_stills=True).pieces) == 0


def test_stills_come_so_often_and_are_kept_for_seconds(server, channel, side, monkeypatch):
    monkeypatch.setattr("bidding.relay.stills.KEEP_MS", 1_000)
    keys = RelayKeys(channel.pk, of_stills=True)
    with camera(server, channel, key=channel.stream_key) as sending:
        sending.hear("READY")
        began = time.monotonic()
        for _ in range(60):
            send(sending, "STILL", at_ms=0, image=photo())
            time.sleep(0.04)
        eventually(lambda: side.xlen(keys.pieces) > 0)
        took = time.monotonic() - began
        # What is older than a second goes with the next one.
        assert 0 < side.xlen(keys.pieces) <= 2 + 1 / LEAST_PAUSE_S
        assert side.xinfo_stream(keys.pieces)["entries-added"] <= 1 + took / LEAST_PAUSE_S
        assert 0 < side.pttl(keys.pieces) <= publishing.FORGET_MS
        assert 0 < side.pttl(keys.opening) <= publishing.FORGET_MS
