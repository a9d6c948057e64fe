"""Stills beside a video, for browsers that cannot play it: who gets them, and what is none."""

import asyncio
import io
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from PIL import Image

from accounts.models import User
from auctions.models import Auction, RegistrationStatus, StreamChannel, Visibility
from auctions.streaming.local import RelayKeys
from bidding.demo import testcard
from bidding.metrics import STREAM_STILLS_DROPPED
from bidding.protocol import CloseCode
from bidding.relay import publishing, stills
from bidding.relay.stills import NO_PICTURE, TOO_LARGE, TOO_OFTEN, Judge, jpeg_size
from bidding.relay.watching import current_relay
from bidding.services import registration_set_status
from bidding.tests.conftest import Show
from bidding.tests.relays import Camera, Screen, camera, screen
from bidding.tests.rooms import RoomServer, eventually

PICTURE = 'video/webm;codecs="vp8"'


def jpeg(width: int = 480, height: int = 270, *, grey: int = 90, mode: str = "RGB", **options: object) -> bytes:
    """Return a still of one colour."""
    file = io.BytesIO()
    Image.new("RGB", (width, height), (grey, grey, grey)).convert(mode).save(file, "JPEG", **options)
    return file.getvalue()


def noise(width: int, height: int) -> bytes:
    """Return a still that needs many bytes."""
    file = io.BytesIO()
    Image.frombytes("RGB", (width, height), secrets.token_bytes(width * height * 3)).save(file, "JPEG", quality=95)
    return file.getvalue()


# --- What a still is -----------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"mode": "L"}, {"comment": b"\xff\xda" * 40}])
def test_a_jpeg_is_measured_as_its_writer_made_it(options):
    assert jpeg_size(jpeg(480, 270, **options)) == (480, 270)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8\xff\xd9",
        b"GIF89a" + b"x" * 100,
        b"\xff\xd8<script>\xff\xd9",
        jpeg()[:-40],
        jpeg() + b"PK\x03\x04",
        jpeg()[: jpeg().index(b"\xff\xda")] + b"\xff\xd9",
        jpeg(mode="CMYK"),
        jpeg().replace(b"\xff\xc0", b"\xff\xc9"),
        b"\xff\xd8" + b"\xff\xe0\x00\x00" * 2_000 + b"\xff\xd9",
    ],
    ids=["nothing", "empty", "gif", "words", "cut", "tail", "no scan", "print colours", "arithmetic", "no lengths"],
)
def test_what_is_no_jpeg_for_a_page_has_no_size(data):
    assert jpeg_size(data) is None


def test_a_still_is_judged_by_its_rate_its_bytes_and_its_sides(monkeypatch):
    judge = Judge()
    assert judge.fault(jpeg()) is None
    assert judge.fault(jpeg()) == TOO_OFTEN
    monkeypatch.setattr(stills, "EVERY_S", 0.0)
    large = noise(480, 270)
    assert len(large) > stills.MOST_BYTES
    assert judge.fault(large) == TOO_LARGE
    # Few bytes, but a hundred million points in the browser.
    assert judge.fault(jpeg(12_000, 9_000)[: stills.MOST_BYTES - 2] + b"\xff\xd9") == TOO_LARGE
    assert judge.fault(jpeg(8, 270)) == TOO_LARGE
    assert judge.fault(b"\xff\xd8 no picture \xff\xd9") == NO_PICTURE
    assert judge.fault(jpeg(1_280, 720)) is None


def test_the_test_pattern_sends_stills_that_are_shown_and_differ():
    card = testcard.TestCard()
    one, other = (testcard.still(card.at(datetime(2026, 11, 25, 12, 0, second, tzinfo=UTC))) for second in (1, 2))
    assert one != other
    assert jpeg_size(one) == (480, 270)
    assert Judge().fault(one) is None


# --- Who gets them -------------------------------------------------------------------------------------


@pytest.fixture
def server(show: Show) -> Iterator[RoomServer]:
    with RoomServer() as running:
        yield running


@pytest.fixture
def channel(show: Show) -> StreamChannel:
    channel = show.auction.stream_channel
    assert channel is not None
    channel.stream_key = secrets.token_urlsafe(24)
    channel.playback_url = f"/ws/streams/{channel.pk}/"
    channel.save()
    return channel


@contextmanager
def on_air(server: RoomServer, channel: StreamChannel) -> Iterator[Camera]:
    """A publisher who sends pictures."""
    with camera(server, channel, key=channel.stream_key) as sending:
        sending.hear("READY")
        sending.begin()
        sending.picture(b"first")
        yield sending


def by_stills(server: RoomServer, channel: StreamChannel, user: User | None = None):
    return screen(server, channel.pk, user=user, query="?stills=1")


def until_shown(sending: Camera, watching: Screen, still: bytes) -> dict[str, object]:
    """Send a still, and read up to it."""
    sending.still(still)
    return watching.until(still=True, content=still)[0]


def test_who_asks_for_stills_gets_the_kind_of_video_and_the_newest_still_and_no_video(server, channel, monkeypatch):
    monkeypatch.setattr(stills, "EVERY_S", 0.0)
    with by_stills(server, channel) as early, screen(server, channel.pk) as ordinary:
        assert early.next() == ({"over": True}, b"")
        with on_air(server, channel) as sending:
            assert early.until(mime=PICTURE)[1] == b""
            for grey in (10, 200):
                until_shown(sending, early, jpeg(grey=grey))
                sending.picture(b"moving")
            ordinary.until(content=b"moving")
            # The second one here begins with what is known.
            with by_stills(server, channel) as late:
                assert late.next() == ({"mime": PICTURE}, b"")
                head, shown = late.next()
                assert (head["still"], shown) == (True, jpeg(grey=200))
        early.until(over=True)
        assert all(set(head) <= {"mime", "still", "captured_ms", "over"} for head, _ in early.received)
        assert all("still" not in head for head, _ in ordinary.received)


def test_a_still_says_when_it_was_captured_as_far_as_that_can_be(server, channel, monkeypatch):
    monkeypatch.setattr(stills, "EVERY_S", 0.0)
    with on_air(server, channel) as sending, by_stills(server, channel) as watching:
        sending.socket.send('{"type":"PING","t":1}')
        now_ms = sending.hear("PONG")["server_time_ms"]
        sending.still(jpeg(), now_ms - 300)
        assert watching.until(still=True)[0]["captured_ms"] == now_ms - 300
        sending.still(jpeg(grey=1), now_ms + 3_600_000)
        odd = watching.until(still=True, content=jpeg(grey=1))[0]["captured_ms"]
        assert abs(odd - now_ms) < 60_000


def test_a_bad_still_is_dropped_and_counted_and_ends_nothing(server, channel, monkeypatch):
    monkeypatch.setattr(stills, "EVERY_S", 0.0)

    def dropped(fault: str) -> float:
        return float(STREAM_STILLS_DROPPED[fault]._value.get())

    before = {fault: dropped(fault) for fault in (TOO_LARGE, NO_PICTURE, TOO_OFTEN)}
    with on_air(server, channel) as sending, by_stills(server, channel) as watching:
        sending.still(b"\xff\xd8 no picture")
        sending.still(noise(480, 270))
        sending.still(b"x" * 500_000)
        until_shown(sending, watching, jpeg(grey=33))
        assert [data for head, data in watching.received if "still" in head] == [jpeg(grey=33)]
        assert dropped(NO_PICTURE) == before[NO_PICTURE] + 1
        assert dropped(TOO_LARGE) == before[TOO_LARGE] + 2
        monkeypatch.setattr(stills, "EVERY_S", 3_600.0)
        sending.still(jpeg(grey=99))
        eventually(lambda: dropped(TOO_OFTEN) == before[TOO_OFTEN] + 1)
        assert sending.hear("STATUS")["health"] == "good"


def test_only_the_newest_still_is_kept_and_not_for_long(server, channel, side, monkeypatch):
    monkeypatch.setattr(stills, "EVERY_S", 0.0)
    keys = RelayKeys(channel.pk)
    with on_air(server, channel) as sending:
        for grey in range(5):
            sending.still(jpeg(grey=grey))
        eventually(lambda: side.hget(keys.still, "d") == jpeg(grey=4))
        assert 0 < side.pttl(keys.still) <= publishing.STILL_MS
        assert side.hlen(keys.still) == 2
    eventually(lambda: not side.exists(keys.still))


def test_who_may_not_watch_gets_no_still(show, server, channel):
    Auction.objects.filter(pk=show.auction.pk).update(visibility=Visibility.INVITE_ONLY)
    stranger = User.objects.create_user("stranger@example.test", "secret-enough")
    for user in (None, stranger):
        with by_stills(server, channel, user) as watching:
            assert watching.close_code() == CloseCode.NOT_FOUND
    with by_stills(server, channel, show.bidders[0].user) as watching:
        assert watching.next()[0] == {"over": True}


def test_a_banned_viewer_gets_no_still_after_five_seconds(show, server, channel, monkeypatch):
    monkeypatch.setattr(stills, "EVERY_S", 0.0)
    with (
        on_air(server, channel) as sending,
        by_stills(server, channel, show.bidders[0].user) as theirs,
        by_stills(server, channel, show.bidders[1].user) as other,
    ):
        for watching in (theirs, other):
            until_shown(sending, watching, jpeg())
        banned_at = time.monotonic()
        registration_set_status(registration=show.bidders[0], status=RegistrationStatus.BANNED, actor=show.host)
        assert theirs.close_code() == CloseCode.FORBIDDEN
        assert time.monotonic() - banned_at < 5
        until_shown(sending, other, jpeg(grey=7))


def test_who_gets_stills_is_counted_and_forgotten(server, channel):
    with on_air(server, channel) as sending:
        with by_stills(server, channel), screen(server, channel.pk):
            while sending.hear("STATUS")["viewers"] != 2:
                sending.picture()
        eventually(lambda: not current_albums(server))


def current_albums(server: RoomServer) -> int:
    async def count() -> int:
        return len(current_relay()._albums)

    return asyncio.run_coroutine_threadsafe(count(), server.loop).result(5)
