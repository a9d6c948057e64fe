"""The relay: who may send and watch, what viewers get, and what happens when somebody goes."""

import asyncio
import json
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
import redis
from django.conf import LazySettings
from django.contrib.sessions.models import Session
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from accounts.models import Membership, Role, User
from auctions.models import Auction, AuctionStatus, RegistrationStatus, StreamChannel, Visibility
from auctions.streaming import local, provider
from auctions.streaming.base import StreamState, StreamTrouble
from auctions.streaming.local import RelayKeys
from bidding.demo import testcard
from bidding.protocol import CloseCode
from bidding.relay import publishing, sockets, watching
from bidding.relay.watching import MOST_WAITING, Item, Viewer, current_relay
from bidding.room import seats as seats_module
from bidding.room.entrance import Visitor
from bidding.room.seats import Seat
from bidding.room.transport import BUFFER_BYTES, Frame, FramedWebSocketProtocol
from bidding.services import registration_set_status
from bidding.services.streams import stream_stop
from bidding.tests.conftest import Show
from bidding.tests.relays import Camera, camera, ended, screen
from bidding.tests.rooms import RoomServer, eventually, page

PICTURE = 'video/webm;codecs="vp8"'


@pytest.fixture(params=[FramedWebSocketProtocol, "websockets-sansio"], ids=["framed", "eager"])
def server(request: pytest.FixtureRequest, show: Show) -> Iterator[RoomServer]:
    with RoomServer(request.param) as running:
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
        eventually(lambda: provider().status(channel).state is StreamState.LIVE)
        yield sending


# --- What viewers get ----------------------------------------------------------------------------------


def newest(side: Any, channel: StreamChannel) -> bytes:
    """Return the newest piece that the side server holds."""
    entries = side.xrevrange(RelayKeys(channel.pk).pieces, count=1)
    return entries[0][1].get(b"d", b"") if entries else b""


def test_viewers_get_the_opening_and_every_picture_in_order(server, channel):
    with screen(server, channel.pk) as early:
        assert early.next() == ({"over": True}, b"")
        with on_air(server, channel) as sending:
            assert early.until(mime=PICTURE)[1] == testcard.opening(320, 240)
            for number in range(30):
                sending.picture(b"picture %d" % number)
            early.until(content=b"picture 29")
        pictures = [data for head, data in early.received if "at_ms" in head]
        assert pictures == [testcard.cluster(0, b"first")] + [
            testcard.cluster(100 * (number + 1), b"picture %d" % number) for number in range(30)
        ]
        assert early.until(over=True)


def test_who_comes_later_begins_with_the_latest_whole_picture(server, channel, side):
    with on_air(server, channel) as sending:
        for number in range(20):
            sending.picture(b"picture %d." % number)
        # Not counted: a publisher of before may still have been writing when this one began.
        eventually(lambda: b"picture 19." in newest(side, channel))
        with screen(server, channel.pk) as first:
            first.until(content=b"picture 19.")
            # The first viewer of a process reads what the side server holds, the second what the process knows.
            with screen(server, channel.pk) as late:
                assert late.next()[0] == {"mime": PICTURE}
                head, data = late.next()
                assert b"picture 19." in data
                assert head["at_ms"] == 2_000
                sending.picture(b"next")
                assert b"next" in late.next()[1]
        assert len(first.received) == 2


def test_a_mark_says_when_it_was_captured(server, channel):
    with screen(server, channel.pk) as watching_, on_air(server, channel) as sending:
        sending.socket.send(json.dumps({"type": "PING", "t": 7}))
        now = sending.hear("PONG")
        assert now["t"] == 7
        sending.socket.send(json.dumps({"type": "BEGAN", "at_ms": now["server_time_ms"] - 500}))
        sending.picture(b"dated")
        assert watching_.until(content=b"dated")[0]["captured_ms"] == now["server_time_ms"] - 400
        # What cannot be, such as a capture in an hour, is not believed: it counts from its arrival.
        sending.socket.send(json.dumps({"type": "BEGAN", "at_ms": now["server_time_ms"] + 3_600_000}))
        sending.picture(b"odd")
        assert abs(watching_.until(content=b"odd")[0]["captured_ms"] - now["server_time_ms"]) < 60_000


def test_another_recording_on_the_same_socket_is_shown(server, channel):
    with screen(server, channel.pk) as watching_, on_air(server, channel) as sending:
        watching_.until(content=b"first")
        sending.at_ms = 0
        sending.begin((640, 360))
        sending.picture(b"the other camera")
        assert watching_.until(mime=PICTURE)[1] == testcard.opening(640, 360)
        watching_.until(content=b"the other camera")


def test_what_cannot_be_understood_on_one_channel_blinds_nobody(show, server, channel, side):
    other = StreamChannel.objects.create(organizer=channel.organizer, provider="local", external_id="2", stream_key="k")
    Auction.objects.create(
        organizer=other.organizer,
        title="Next door",
        slug="next-door",
        terms=show.auction.terms,
        stream_channel=other,
        status=AuctionStatus.LIVE,
    )
    with on_air(server, other) as odd, screen(server, other.pk) as odd_screen:
        odd_screen.until(content=b"first")
        with on_air(server, channel) as sending, screen(server, channel.pk) as watching_:
            watching_.until(content=b"first")
            epoch = side.hget(RelayKeys(other.pk).opening, "e")
            side.xadd(RelayKeys(other.pk).pieces, {"e": epoch, "k": "odd", "c": 0, "d": b"odd"})
            sending.picture(b"here")
            assert watching_.until(content=b"here")
            odd.picture(b"there")
            assert odd_screen.until(content=b"there")
            # Who comes now finds it among what is held.
            with screen(server, other.pk) as late, screen(server, channel.pk) as late_here:
                assert late.until(content=b"there")
                assert late_here.until(content=b"here")


def test_no_more_than_some_seconds_are_kept_and_nothing_for_ever(server, channel, side, monkeypatch):
    monkeypatch.setattr(publishing, "KEEP_MS", 300)
    keys = RelayKeys(channel.pk)
    with on_air(server, channel) as sending:
        for _ in range(12):
            sending.picture()
            time.sleep(0.1)
        eventually(lambda: side.xlen(keys.pieces) > 0)
        assert side.xlen(keys.pieces) < 10
        assert all(side.pttl(key) > 0 for key in (keys.publisher, keys.pieces, keys.opening, keys.facts))
    eventually(lambda: side.get(keys.publisher) is None)


# --- Who may watch -------------------------------------------------------------------------------------


def test_who_may_not_see_the_show_sees_no_picture_of_it(show, server, channel):
    Auction.objects.filter(pk=show.auction.pk).update(visibility=Visibility.INVITE_ONLY)
    stranger = User.objects.create_user("stranger@example.test", "secret-enough")
    for user in (None, stranger):
        with screen(server, channel.pk, user=user) as watching_:
            assert watching_.close_code() == CloseCode.NOT_FOUND
    for user in (show.host, show.bidders[0].user):
        with screen(server, channel.pk, user=user) as watching_:
            assert watching_.next()[0] == {"over": True}


def test_nobody_watches_a_channel_without_a_live_show(show, server, channel):
    Auction.objects.filter(pk=show.auction.pk).update(status=AuctionStatus.SCHEDULED)
    for channel_id in (channel.pk, 987_654):
        with screen(server, channel_id, user=show.host) as watching_:
            assert watching_.close_code() == CloseCode.NOT_FOUND


def test_a_number_beyond_all_channels_is_no_channel(server, channel):
    with screen(server, 10**30) as watching_:
        assert watching_.close_code() == CloseCode.NOT_FOUND
    channel.pk = 10**30
    with camera(server, channel, key=channel.stream_key) as sending:
        assert sending.let_go()[0] == CloseCode.FORBIDDEN


def test_a_foreign_page_opens_neither_socket(show, server, channel):
    for open_one in (
        screen(server, channel.pk, origin="https://evil.test"),
        camera(server, channel, user=show.host, origin="https://evil.test"),
    ):
        with pytest.raises(InvalidStatus), open_one:
            pass


def test_a_banned_viewer_is_cut_off_within_five_seconds(show, server, channel):
    with on_air(server, channel), screen(server, channel.pk, user=show.bidders[0].user) as theirs:
        with screen(server, channel.pk, user=show.bidders[1].user) as other:
            theirs.until(content=b"first")
            other.until(content=b"first")
            banned_at = time.monotonic()
            registration_set_status(registration=show.bidders[0], status=RegistrationStatus.BANNED, actor=show.host)
            assert theirs.close_code() == CloseCode.FORBIDDEN
            assert time.monotonic() - banned_at < 5
            with pytest.raises(TimeoutError):
                other.next(0.2)
        with screen(server, channel.pk, user=show.bidders[0].user) as again:
            assert again.close_code() == CloseCode.FORBIDDEN


def test_a_show_that_becomes_private_is_watched_by_nobody_who_may_not(show, server, channel):
    stranger = User.objects.create_user("stranger@example.test", "secret-enough")
    with (
        screen(server, channel.pk) as anybody,
        screen(server, channel.pk, user=stranger) as somebody,
        screen(server, channel.pk, user=show.bidders[0].user) as bidder,
    ):
        for each in (anybody, somebody, bidder):
            each.next()
        Auction.objects.filter(pk=show.auction.pk).update(visibility=Visibility.INVITE_ONLY)
        assert anybody.close_code() == CloseCode.NOT_FOUND
        assert somebody.close_code() == CloseCode.NOT_FOUND
        with pytest.raises(TimeoutError):
            bidder.next(0.2)


def test_who_signs_out_and_whose_show_ends_is_let_go(show, server, channel):
    with screen(server, channel.pk, user=show.bidders[0].user) as theirs, screen(server, channel.pk) as anybody:
        theirs.next()
        anybody.next()
        Session.objects.all().delete()
        assert theirs.close_code() == CloseCode.SIGNED_OUT
        Auction.objects.filter(pk=show.auction.pk).update(status=AuctionStatus.ENDED)
        assert anybody.close_code() == CloseCode.OVER


def test_one_address_watches_so_often(server, channel, settings: LazySettings):
    settings.ROOM_SEATS_PER_ADDRESS = 1
    with screen(server, channel.pk) as first:
        first.next()
        with screen(server, channel.pk) as second:
            assert second.close_code() == CloseCode.TOO_MANY
    # Who left has no place any more.
    eventually(lambda: _opens(server, channel))


def _opens(server: RoomServer, channel: StreamChannel) -> bool:
    with screen(server, channel.pk) as again:
        try:
            return again.next()[0] == {"over": True}
        except ConnectionClosed:
            return False


def test_a_viewer_who_talks_on_and_on_is_let_go(server, channel, settings: LazySettings):
    settings.ROOM_MESSAGES_PER_SECOND = 1
    with screen(server, channel.pk) as talking:
        for _ in range(20):
            try:
                talking.socket.send("hello")
            except ConnectionClosed:
                break
        assert talking.close_code() == CloseCode.TOO_MANY


# --- Who may send --------------------------------------------------------------------------------------


def test_only_managers_and_the_key_send(show, server, channel):
    clerk = User.objects.create_user("clerk@example.test", "secret-enough")
    Membership.objects.create(organizer=show.auction.organizer, user=clerk, role=Role.CLERK)
    for who, code in (
        ({"key": "wrong"}, CloseCode.FORBIDDEN),
        ({"key": ""}, CloseCode.FORBIDDEN),
        ({}, CloseCode.SIGNED_OUT),
        ({"user": show.bidders[0].user}, CloseCode.NOT_FOUND),
        ({"user": clerk}, CloseCode.NOT_FOUND),
    ):
        with camera(server, channel, **who) as refused:
            assert refused.let_go()[0] == code, who
    with camera(server, channel, user=show.host) as allowed:
        allowed.hear("READY")


def test_a_channel_without_a_key_takes_no_key(server, channel):
    StreamChannel.objects.filter(pk=channel.pk).update(stream_key="")
    with camera(server, channel, key="") as refused:
        assert refused.let_go()[0] == CloseCode.FORBIDDEN


def test_a_second_publisher_is_refused_with_a_reason(show, server, channel):
    with on_air(server, channel) as sending:
        with camera(server, channel, user=show.host) as second:
            assert second.let_go() == (CloseCode.TAKEN, CloseCode.TAKEN.meaning)
        sending.picture(b"undisturbed")
        assert sending.hear("STATUS")["health"] == "good"
    with camera(server, channel, user=show.host) as next_one:
        next_one.hear("READY")


@pytest.mark.parametrize("by", ["key", "session"])
def test_a_cut_off_publisher_goes_and_their_key_is_worthless(show, server, channel, by):
    who = {"key": channel.stream_key} if by == "key" else {"user": show.host}
    with screen(server, channel.pk) as watching_, camera(server, channel, **who) as sending:
        sending.hear("READY")
        sending.begin()
        sending.picture(b"first")
        watching_.until(content=b"first")
        provider().cut_off(StreamChannel.objects.get(pk=channel.pk))
        assert sending.let_go()[0] in (CloseCode.OVER, CloseCode.FORBIDDEN)
        assert watching_.until(over=True)
        assert provider().status(channel).state is StreamState.OFFLINE
    with camera(server, channel, key=channel.stream_key) as again:
        assert again.let_go()[0] == CloseCode.FORBIDDEN
    with camera(server, channel, key=StreamChannel.objects.get(pk=channel.pk).stream_key) as other:
        other.hear("READY")


def test_a_rotated_key_lets_its_holder_go(server, channel):
    with on_air(server, channel) as sending:
        provider().rotate_key(StreamChannel.objects.get(pk=channel.pk))
        assert sending.let_go()[0] == CloseCode.FORBIDDEN


def test_who_may_not_manage_any_more_stops_sending(show, server, channel):
    with camera(server, channel, user=show.host) as sending:
        sending.hear("READY")
        Membership.objects.filter(user=show.host).delete()
        assert sending.let_go()[0] == CloseCode.NOT_FOUND


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (b"GIF89a is no video", "WebM or fragmented MP4"),
        ('{"type":"PUBLISH","key":"x","extra":1}', "not known"),
        ("no json", "not known"),
    ],
)
def test_what_is_no_video_ends_the_publisher_with_a_reason(server, channel, sent, words):
    with on_air(server, channel):
        pass
    with camera(server, channel, key=channel.stream_key) as odd:
        odd.hear("READY")
        odd.socket.send(sent)
        code, reason = odd.let_go()
        assert code == CloseCode.FORBIDDEN
        assert words in reason


def test_who_sends_too_much_is_let_go(server, channel, settings: LazySettings):
    settings.STREAM_MAX_KBPS = 100
    with on_air(server, channel) as sending:
        try:
            for _ in range(10):
                sending.picture(b"x" * 30_000)
        except ConnectionClosed:
            pass
        code, reason = sending.let_go()
        assert code == CloseCode.TOO_MANY
        assert "100 kbit/s" in reason


def test_who_sends_very_many_small_messages_is_let_go(server, channel, settings: LazySettings):
    settings.STREAM_MAX_KBPS = 100
    with on_air(server, channel) as sending:
        with suppress(ConnectionClosed):
            for _ in range(1_000):
                sending.socket.send('{"type":"PING","t":1}')
        assert sending.let_go()[0] == CloseCode.TOO_MANY


def test_who_sends_nothing_frees_the_channel(server, channel, monkeypatch):
    monkeypatch.setattr(sockets, "SILENCE_S", 0.5)
    with on_air(server, channel) as silent:
        assert silent.let_go()[0] == CloseCode.TOO_SLOW
    eventually(lambda: provider().status(channel).state is StreamState.OFFLINE)


def test_who_says_nothing_at_first_is_let_go(server, channel, monkeypatch):
    monkeypatch.setattr(sockets, "FIRST_WORD_S", 0.3)
    with connect(f"ws://127.0.0.1:{server.port}/ws/streams/{channel.pk}/publish/", close_timeout=1) as mute:
        assert ended(mute)[0] == CloseCode.FORBIDDEN


# --- What the room and the provider know ---------------------------------------------------------------


def test_the_room_hears_when_pictures_come_and_go(show, server, channel):
    with page(server, show.auction.pk) as seated:
        assert seated.next()["auction"]["stream"]["state"] == "offline"
        with on_air(server, channel):
            heard = seated.until("STREAM")["stream"]
            assert heard == {"state": "live", "kind": "relay", "playback_url": channel.playback_url}
            with page(server, show.auction.pk) as newcomer:
                assert newcomer.next()["auction"]["stream"]["state"] == "live"
        assert seated.until("STREAM")["stream"]["state"] == "offline"


def test_a_room_finds_out_by_itself_where_nobody_tells_it(show, server, channel, side):
    with page(server, show.auction.pk) as seated:
        seated.next()
        keys = RelayKeys(channel.pk)
        side.set(keys.publisher, "somebody", px=60_000)
        side.hset(keys.facts, mapping={"health": "good"})
        assert seated.until("STREAM")["stream"]["state"] == "live"


def test_the_provider_counts_viewers_and_tells_the_health(server, channel, monkeypatch):
    with on_air(server, channel) as sending, screen(server, channel.pk), screen(server, channel.pk):

        def counted():
            sending.picture()
            status = provider().status(channel)
            return (status.state, status.health, status.viewers) == (StreamState.LIVE, "good", 2)

        eventually(counted)
        told = sending.hear("STATUS")
        assert told["kbps"] >= 0


def test_a_stream_whose_process_died_is_off_the_air_soon(server, channel, side):
    keys = RelayKeys(channel.pk)
    side.set(keys.publisher, "of a process that was killed", px=300)
    side.hset(keys.facts, mapping={"health": "good"})
    assert provider().status(channel).state is StreamState.LIVE
    eventually(lambda: provider().status(channel).state is StreamState.OFFLINE)
    with camera(server, channel, key=channel.stream_key) as next_one:
        next_one.hear("READY")


def test_ending_what_is_not_there_harms_no_later_publisher(server, channel):
    provider().end(channel)
    with on_air(server, channel) as sending:
        sending.hear("STATUS")
        sending.hear("STATUS")


def test_the_end_of_a_show_leaves_the_next_one_on_the_channel_on_air(show, server, channel):
    over = Auction.objects.get(pk=show.auction.pk)
    over.status = AuctionStatus.ENDED
    over.save()
    Auction.objects.create(
        organizer=over.organizer,
        title="Next",
        slug="next",
        terms=over.terms,
        stream_channel=channel,
        status=AuctionStatus.LIVE,
    )
    with on_air(server, channel) as sending:
        stream_stop(auction=over)
        sending.hear("STATUS")
        sending.hear("STATUS")
        Auction.objects.filter(slug="next").update(status=AuctionStatus.ENDED)
        Auction.objects.filter(pk=over.pk).update(stream_stopped_at=None)
        stream_stop(auction=over)
        assert sending.let_go()[0] == CloseCode.OVER


def test_a_side_server_that_does_not_answer_is_trouble_and_no_crash(channel, monkeypatch):
    def gone() -> Any:
        raise redis.ConnectionError("gone")

    monkeypatch.setattr(local, "_side", gone)
    monkeypatch.setattr(local.LocalProvider, "_silent_until", 0.0)
    assert provider().status(channel).state is StreamState.UNKNOWN
    with pytest.raises(StreamTrouble, match="does not answer"):
        provider().end(channel)


def test_an_emptied_side_server_interrupts_a_stream_and_does_not_end_it(server, channel, side):
    with on_air(server, channel) as sending:
        with screen(server, channel.pk) as watching_:
            watching_.until(content=b"first")
            side.flushall()

            def shown_again():
                sending.picture(b"after the flood")
                return any(b"after the flood" in data for _, data in [watching_.next()])

            eventually(shown_again)
        # Nobody on this process knows the opening any more: who comes now finds it, because it was sent again.
        eventually(lambda: _viewers(server) == 0)

        def sent_again():
            sending.picture(b"later")
            return side.exists(RelayKeys(channel.pk).opening)

        eventually(sent_again)
        with screen(server, channel.pk) as late:
            assert late.next()[0] == {"mime": PICTURE}


def test_a_side_server_that_stands_still_for_a_while_ends_nothing(server, channel, side):
    with on_air(server, channel) as sending, screen(server, channel.pk) as watching_:
        watching_.until(content=b"first")
        side.client_pause(2_500, all=True)
        for number in range(40):
            sending.picture(b"meanwhile %d" % number)
            time.sleep(0.1)
        sending.picture(b"afterwards")
        assert watching_.until(content=b"afterwards")
        assert sending.hear("STATUS")["health"] == "good"


# --- Slow viewers --------------------------------------------------------------------------------------


@contextmanager
def deaf(server: RoomServer, channel_id: int) -> Iterator[socket.socket]:
    """Open a viewer's socket whose owner does not read, with the smallest buffer that the kernel grants."""
    with socket.socket() as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
        raw.connect(("127.0.0.1", server.port))
        raw.sendall(
            f"GET /ws/streams/{channel_id}/ HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        yield raw


def test_a_viewer_who_does_not_read_costs_bounded_memory_and_is_let_go(server, channel, monkeypatch, settings):
    settings.STREAM_MAX_KBPS = 1_000_000
    monkeypatch.setattr(seats_module, "SLOW_S", 2.0)
    monkeypatch.setattr(watching, "LATE_S", 0.3)
    with on_air(server, channel) as sending, screen(server, channel.pk) as healthy, deaf(server, channel.pk):
        eventually(lambda: _viewers(server) == 2)
        most = 0
        for number in range(60):
            sending.picture(b"%d " % number + b"x" * 100_000)
            healthy.until(content=b"%d x" % number)
            transports = [connection.transport for connection in tuple(server.server_state.connections)]
            most = max(most, *(transport.get_write_buffer_size() for transport in transports))
            time.sleep(0.05)
        assert most < BUFFER_BYTES + 250_000
        eventually(lambda: _viewers(server) == 1)
        assert _waiting(server) == 0


class Tape:
    """A line that takes what it is told to, and keeps it."""

    def __init__(self) -> None:
        self.takes = 0
        self.frames: list[bytes] = []

    def write(self, frame: Any) -> bool:
        if self.takes <= 0:
            return False
        self.takes -= 1
        self.frames.append(frame.payload)
        return True


def viewer_on(tape: Tape) -> Viewer:
    seat = Seat(auction_id=1, line=tape, mask=0, visitor=Visitor(), address=None)  # type: ignore[arg-type]
    return Viewer(1, seat)


def item(content: bytes, at: float, **kind: bool) -> Item:
    return Item(Frame(content, is_binary=True), at, **kind)


def test_a_viewer_who_is_late_goes_on_with_the_next_whole_picture_and_misses_no_opening():
    tape = Tape()
    viewer = viewer_on(tape)
    viewer.begin(item(b"opening", 0, is_opening=True), [item(b"mark 0", 0, is_mark=True)])
    for number in range(1, 10):
        viewer.offer(item(b"part %d" % number, number / 10))
    # Late, but not by a second: nothing is left out.
    viewer.offer(item(b"mark 1", 0.9, is_mark=True))
    tape.takes = 100
    viewer.drain()
    assert tape.frames == [b"opening", b"mark 0", *(b"part %d" % number for number in range(1, 10)), b"mark 1"]

    tape.takes, tape.frames = 0, []
    viewer.begin(item(b"opening", 1, is_opening=True), [item(b"mark 2", 1, is_mark=True)])
    viewer.offer(item(b"part", 1.5))
    viewer.offer(item(b"mark 3", 2.5, is_mark=True))
    viewer.offer(item(b"part of 3", 2.6))
    tape.takes = 100
    viewer.drain()
    assert tape.frames == [b"opening", b"mark 3", b"part of 3"]
    assert not viewer.is_behind


def test_what_waits_for_a_viewer_is_bounded_where_no_whole_picture_comes():
    tape = Tape()
    viewer = viewer_on(tape)
    viewer.begin(item(b"opening", 0, is_opening=True), [item(b"mark", 0, is_mark=True)])
    for number in range(3 * MOST_WAITING):
        viewer.offer(item(b"part", number / 100))
    assert len(viewer._waiting) <= MOST_WAITING
    viewer.offer(item(b"next mark", 60, is_mark=True))
    tape.takes = MOST_WAITING
    viewer.drain()
    assert tape.frames == [b"opening", b"next mark"]


def test_a_viewer_begins_with_no_half_picture():
    tape = Tape()
    tape.takes = 100
    viewer = viewer_on(tape)
    viewer.begin(item(b"opening", 0, is_opening=True), [])
    viewer.offer(item(b"half", 0.1))
    viewer.offer(item(b"mark", 0.2, is_mark=True))
    viewer.offer(item(b"more", 0.3))
    viewer.lose_track()
    viewer.offer(item(b"half", 0.4))
    assert tape.frames == [b"opening", b"mark", b"more"]


def _viewers(server: RoomServer) -> int:
    async def count() -> int:
        return sum(len(channel.viewers) for channel in current_relay()._channels.values())

    return asyncio.run_coroutine_threadsafe(count(), server.loop).result(5)


def _waiting(server: RoomServer) -> int:
    async def count() -> int:
        channels = current_relay()._channels.values()
        return sum(len(viewer._waiting) for channel in channels for viewer in channel.viewers)

    return asyncio.run_coroutine_threadsafe(count(), server.loop).result(5)
