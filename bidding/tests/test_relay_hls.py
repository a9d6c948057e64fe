"""The relay's MP4 streams as HLS: what the playlist names, who gets it, and what happens as publishers come and go."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from auctions.models import Auction, AuctionStatus, RegistrationStatus, StreamChannel, Visibility
from bidding.relay import hls
from bidding.relay.hls import shelf_of
from bidding.services import registration_set_status
from bidding.tests.conftest import Show
from bidding.tests.relays import Camera, camera
from bidding.tests.rooms import RoomServer, eventually
from bidding.tests.test_relay_containers import fragment, mp4

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fresh")]

SECOND = 30_000
"""A second in the timescale of these streams."""


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let every request read anew, from shelves of this test alone."""
    monkeypatch.setattr(hls, "FRESH_S", 0)
    shelf_of.cache_clear()
    yield
    shelf_of.cache_clear()


@pytest.fixture
def server(show: Show) -> Iterator[RoomServer]:
    with RoomServer() as running:
        yield running


@pytest.fixture
def channel(show: Show) -> StreamChannel:
    channel = show.auction.stream_channel
    assert channel is not None
    channel.stream_key = "k" * 40
    channel.save()
    return channel


@contextmanager
def on_air(server: RoomServer, channel: StreamChannel) -> Iterator[Camera]:
    with camera(server, channel, key=channel.stream_key) as sending:
        sending.hear("READY")
        sending.socket.send(mp4())
        yield sending


def fetch(channel: StreamChannel, name: str = "live.m3u8", client: Client | None = None) -> HttpResponse:
    response = (client or Client()).get(f"/streams/{channel.pk}/{name}")
    assert isinstance(response, HttpResponse)
    assert response["Cache-Control"] == "private, no-store"
    assert response["X-Content-Type-Options"] == "nosniff"
    return response


def named(channel: StreamChannel) -> list[str]:
    """Return the segments that the playlist names."""
    return re.findall(r"^[\w-]+\.m4s$", fetch(channel).content.decode(), re.MULTILINE)


def value(playlist: str, tag: str) -> str:
    found = re.search(rf"^#EXT-X-{tag}:(.+)$", playlist, re.MULTILINE)
    assert found, playlist
    return found[1]


def test_a_segment_goes_from_one_whole_picture_to_the_next_after_a_second(server, channel):
    with on_air(server, channel) as sending:
        pieces = [
            fragment(0, key=True),
            fragment(SECOND // 2, key=True),  # so soon nothing new begins
            fragment(SECOND, key=False),
            fragment(SECOND * 3 // 2, key=True),
            fragment(SECOND * 5 // 2, key=True),
        ]
        for piece in pieces:
            sending.socket.send(piece)
        eventually(lambda: len(named(channel)) == 2)
        playlist = fetch(channel)
        assert playlist["Content-Type"] == "application/vnd.apple.mpegurl"
        text = playlist.content.decode()
        assert re.findall(r"#EXTINF:([\d.]+),", text) == ["1.500", "1.000"]
        assert value(text, "TARGETDURATION") == "2"
        first, second = named(channel)
        assert value(text, "MEDIA-SEQUENCE") == re.findall(r"-(\d+)\.m4s", first)[0]
        assert int(re.findall(r"-(\d+)\.", second)[0]) == int(value(text, "MEDIA-SEQUENCE")) + 1
        opening = fetch(channel, value(text, "MAP").removeprefix('URI="').removesuffix('"'))
        assert (opening["Content-Type"], opening.content) == ("video/mp4", mp4())
        assert fetch(channel, first).content == b"".join(pieces[:3])
        assert fetch(channel, second).content == pieces[3]
        assert fetch(channel, first.replace("-", "-9")).status_code == 404


def test_what_goes_on_and_on_without_a_whole_picture_is_not_held(server, channel, monkeypatch):
    monkeypatch.setattr(hls, "MOST_SEGMENT_BYTES", 1_000)
    with on_air(server, channel) as sending:
        sending.socket.send(fragment(0, key=True))
        for number in range(1, 9):
            sending.socket.send(fragment(number, key=False))
        sending.socket.send(fragment(SECOND, key=True))
        sending.socket.send(fragment(SECOND * 2, key=True))
        eventually(lambda: named(channel))
        (name,) = named(channel)
        assert fetch(channel, name).content == fragment(SECOND, key=True)


def test_it_says_when_a_segment_was_captured(server, channel):
    began = time.time() - 5
    with on_air(server, channel) as sending:
        sending.socket.send(f'{{"type":"BEGAN","at_ms":{began * 1_000}}}')
        for number in range(3):
            sending.socket.send(fragment(number * SECOND, key=True))
        eventually(lambda: len(named(channel)) == 2)
        told = re.findall(r"PROGRAM-DATE-TIME:.*:(\d\d\.\d{3})\+00:00$", fetch(channel).content.decode(), re.MULTILINE)
        seconds = [float(each) for each in told]
        assert seconds == pytest.approx([(began + number) % 60 for number in range(2)], abs=0.01)


def test_the_list_goes_on_where_another_publisher_begins(server, channel):
    last = 0
    for _ in range(2):
        with on_air(server, channel) as sending:
            for number in range(4):
                sending.socket.send(fragment(number * SECOND, key=True))
            eventually(lambda: len(named(channel)) == 3)
            text = fetch(channel).content.decode()
            assert int(value(text, "MEDIA-SEQUENCE")) > last
            assert value(text, "DISCONTINUITY-SEQUENCE") == value(text, "MEDIA-SEQUENCE"), "a timeline of its own"
            older, last = named(channel), int(re.findall(r"-(\d+)\.m4s", named(channel)[-1])[0])
            # Another camera on the same socket.
            sending.socket.send(mp4() + b"".join(fragment(number * SECOND, key=True) for number in range(2)))
            eventually(lambda: len(named(channel)) == 1)
            assert int(value(fetch(channel).content.decode(), "MEDIA-SEQUENCE")) > last
            assert not set(named(channel)) & set(older)
            assert fetch(channel, older[0]).status_code == 404
            last += 1
        eventually(lambda: fetch(channel).status_code == 404)
        time.sleep(6)  # as long as was sent: a stream of seconds takes seconds


def test_webm_has_no_hls_and_says_so(server, channel):
    with camera(server, channel, key=channel.stream_key) as sending:
        sending.hear("READY")
        sending.begin()
        for _ in range(30):
            sending.picture()
        eventually(lambda: b"WebM" in fetch(channel).content)
        assert fetch(channel).status_code == 404


def test_where_nothing_is_sent_there_is_nothing(show, channel):
    for name in ("live.m3u8", "abc.mp4", "abc-1.m4s"):
        assert fetch(channel, name).status_code == 404


def test_a_number_beyond_all_channels_is_no_channel(show, client):
    for address in (f"/streams/{10**30}/live.m3u8", f"/api/v1/streams/{10**30}/playback/"):
        assert client.get(address).status_code == 404


def test_who_may_not_see_the_show_gets_no_file_of_it(show, server, channel):
    stranger, bidder, banned = Client(), Client(), Client()
    stranger.force_login(User.objects.create_user("stranger@example.test", "secret-enough"))
    bidder.force_login(show.bidders[0].user)
    banned.force_login(show.bidders[1].user)
    with on_air(server, channel) as sending:
        for number in range(3):
            sending.socket.send(fragment(number * SECOND, key=True))
        eventually(lambda: len(named(channel)) == 2)
        files = ["live.m3u8", named(channel)[0], named(channel)[0].split("-")[0] + ".mp4"]

        def statuses(client: Client) -> set[int]:
            return {fetch(channel, name, client).status_code for name in files}

        assert statuses(banned) == {200}
        registration_set_status(registration=show.bidders[1], status=RegistrationStatus.BANNED, actor=show.host)
        assert statuses(banned) == {404}
        Auction.objects.filter(pk=show.auction.pk).update(visibility=Visibility.INVITE_ONLY)
        assert statuses(stranger) == statuses(Client()) == {404}
        assert statuses(bidder) == {200}
        Auction.objects.filter(pk=show.auction.pk).update(status=AuctionStatus.ENDED)
        assert statuses(bidder) == {404}


def test_a_shelf_that_nobody_read_for_a_while_begins_anew(server, channel, monkeypatch):
    monkeypatch.setattr(hls, "FORGET_S", 0.1)
    with on_air(server, channel) as sending:
        for number in range(3):
            sending.socket.send(fragment(number * SECOND, key=True))
        eventually(lambda: len(named(channel)) == 2)
        before = named(channel)
        time.sleep(0.2)
        sending.socket.send(fragment(3 * SECOND, key=True))
        eventually(lambda: len(named(channel)) == 3)
        assert named(channel)[:2] == before
