"""Where the picture of a live show is lost the open lot waits: once for each loss, on what is known alone."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import timezone

from auctions.models import Auction, PictureWatch, StreamChannel
from auctions.streaming.base import StreamState, StreamStatus
from auctions.streaming.local import LocalProvider, RelayKeys
from bidding import protocol
from bidding.models import Event
from bidding.selectors import pulse_now, snapshot_now
from bidding.services import auction_advance, lot_open, lot_pause, lot_resume, streams_attend
from bidding.services import pictures as module
from bidding.services.pictures import pictures_note
from bidding.tests.conftest import Show
from bidding.tests.relays import camera
from bidding.tests.rooms import RoomServer, eventually
from bidding.tests.test_a_show import bid
from bidding.tests.test_streams import channel_of, on_ivs
from tests.video import CHANNEL_ARN, Service, stream_at_service

__all__ = ["on_ivs"]
pytestmark = pytest.mark.django_db(transaction=True)

ON, OFF, UNKNOWN = (StreamStatus(state) for state in (StreamState.LIVE, StreamState.OFFLINE, StreamState.UNKNOWN))
STARVED = StreamStatus(StreamState.LIVE, health="starved")


@pytest.fixture
def running(show: Show) -> Show:
    """Return a show whose first lot is open, and whose picture was there."""
    lot_open(lot=show.lots[0], actor=show.host)
    pictures_note(auction=show.auction, status=ON)
    return show


def later(seconds: float = 11) -> None:
    """Let a loss have begun so much earlier."""
    PictureWatch.objects.exclude(lost_at=None).update(lost_at=timezone.now() - timedelta(seconds=seconds))


def note(show: Show, *news: StreamStatus) -> None:
    for status in news:
        show.auction.refresh_from_db()
        pictures_note(auction=show.auction, status=status)


def lose(show: Show, status: StreamStatus = OFF) -> None:
    """Lose the picture for longer than the rule says."""
    note(show, status)
    later()
    note(show, status)


def pauses(show: Show) -> list[str]:
    """Return the reasons of all pauses so far."""
    show.store()
    events = Event.objects.filter(auction=show.auction, kind="LOT_PAUSED").order_by("v")
    return [protocol.decode_event(event.public)["reason"] for event in events]


def status(show: Show) -> str:
    return pulse_now(show.auction.pk).lot_status


# --- What pauses ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("lost", [OFF, STARVED])
def test_a_lot_is_paused_when_the_picture_is_lost_for_the_stated_time(running: Show, lost: StreamStatus) -> None:
    note(running, lost)
    later(9)
    note(running, lost)
    assert status(running) == "open"
    later(10)
    before = pulse_now(running.auction.pk)
    note(running, lost)
    assert status(running) == "paused"
    assert pauses(running) == ["stream_lost"]
    event = Event.objects.get(auction=running.auction, kind="LOT_PAUSED")
    assert before.ends_at_ms is not None
    told = protocol.decode_event(event.public)
    assert told["remaining_ms"] == before.ends_at_ms - event.at_ms
    assert event.private == '{"actor":null}'
    lot = snapshot_now(running.auction.pk, None).lot
    assert lot is not None
    assert '"pause_reason":"stream_lost"' in lot


def test_nobody_bids_meanwhile_and_the_time_is_restored(running: Show) -> None:
    lose(running)
    refused = bid(running, 0, "10.00")
    assert isinstance(refused, protocol.BidRejected)
    assert refused.code == "paused"
    running.store()
    remaining = protocol.decode_event(Event.objects.get(kind="LOT_PAUSED").public)["remaining_ms"]
    lot_resume(lot=running.lots[0], actor=running.host)
    pulse = pulse_now(running.auction.pk)
    assert pulse.ends_at_ms is not None
    assert 0 <= remaining - (pulse.ends_at_ms - pulse.now_ms) < 5_000
    assert isinstance(bid(running, 0, "10.00"), protocol.BidAccepted)


def test_a_lot_that_opens_while_the_picture_is_lost_waits_too(show: Show) -> None:
    pictures_note(auction=show.auction, status=ON)
    lose(show)
    assert pauses(show) == []
    lot_open(lot=show.lots[0], actor=None)
    note(show, OFF)
    assert pauses(show) == ["stream_lost"]


def test_each_show_has_a_time_of_its_own(running: Show) -> None:
    Auction.objects.update(lost_pause_s=60)
    lose(running)
    assert status(running) == "open"
    later(61)
    note(running, OFF)
    assert status(running) == "paused"


# --- What does not ----------------------------------------------------------------------------------------


def test_a_show_that_never_had_a_picture_cannot_lose_it(show: Show) -> None:
    lot_open(lot=show.lots[0], actor=show.host)
    note(show, OFF, UNKNOWN, OFF)
    lose(show)
    assert status(show) == "open"
    assert not PictureWatch.objects.exists()


def test_a_show_may_do_without_the_rule(running: Show) -> None:
    Auction.objects.update(lost_pause_s=0)
    lose(running)
    assert status(running) == "open"


def test_what_nobody_knows_is_no_loss_and_lets_the_time_begin_anew(running: Show) -> None:
    note(running, UNKNOWN)
    later()
    note(running, UNKNOWN)
    assert status(running) == "open"
    note(running, OFF)
    later()
    note(running, UNKNOWN, OFF)
    assert status(running) == "open"
    later()
    note(running, OFF)
    assert status(running) == "paused"


def test_a_loss_that_nobody_looked_at_for_a_while_begins_anew(running: Show) -> None:
    note(running, OFF)
    later()
    PictureWatch.objects.update(looked_at=timezone.now() - module.IN_DOUBT - timedelta(seconds=1))
    note(running, OFF)
    assert status(running) == "open"
    later()
    note(running, OFF)
    assert status(running) == "paused"


def test_a_picture_that_comes_back_in_time_was_not_lost(running: Show) -> None:
    note(running, OFF)
    later()
    note(running, ON, OFF)
    assert status(running) == "open"


def test_a_lot_is_not_resumed_by_itself(running: Show) -> None:
    lose(running)
    note(running, ON)
    streams_attend()
    assert auction_advance(auction=running.auction) is not None
    assert status(running) == "paused"


# --- Once for each loss -----------------------------------------------------------------------------------


def test_who_resumes_without_the_picture_is_not_paused_again(running: Show) -> None:
    lose(running)
    lot_resume(lot=running.lots[0], actor=running.host)
    for _ in range(3):
        note(running, UNKNOWN, OFF)
        later(600)
    note(running, OFF)
    assert status(running) == "open"
    running.end_lot_now()
    auction_advance(auction=running.auction)
    lot_open(lot=running.lots[1], actor=running.host)
    note(running, OFF)
    assert pauses(running) == ["stream_lost"]


def test_the_next_loss_counts_again(running: Show) -> None:
    lose(running)
    lot_resume(lot=running.lots[0], actor=running.host)
    note(running, ON)
    lose(running)
    assert pauses(running) == ["stream_lost", "stream_lost"]


def test_a_host_who_paused_and_went_on_meanwhile_is_not_paused_by_the_rule(running: Show) -> None:
    note(running, OFF)
    lot_pause(lot=running.lots[0], actor=running.host, reason="camera")
    note(running, OFF)
    lot_resume(lot=running.lots[0], actor=running.host)
    later()
    note(running, OFF)
    assert pauses(running) == ["camera"]


def test_a_loss_that_met_no_lot_waits_for_one_that_can_be_paused(running: Show) -> None:
    note(running, OFF)
    later()
    running.end_lot_now()
    note(running, OFF)
    assert pauses(running) == []
    assert PictureWatch.objects.get().answered_at is None
    auction_advance(auction=running.auction)
    lot_open(lot=running.lots[1], actor=None)
    note(running, OFF)
    assert pauses(running) == ["stream_lost"]


def test_many_clocks_at_once_pause_once_and_never_what_the_host_let_go_on(running: Show, monkeypatch) -> None:
    note(running, OFF)
    later()
    workers = 6
    read, go = threading.Barrier(workers), threading.Event()
    first = threading.Event()

    def pulse(auction_id: int):
        found = pulse_now(auction_id)
        # All have seen the open lot; one decides, the host lets the lot go on, then come the others.
        if read.wait() != 0:
            first.wait(20)
        return found

    monkeypatch.setattr(module, "pulse_now", pulse)

    def work() -> None:
        try:
            pictures_note(auction=running.auction, status=OFF)
            go.set()
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    assert go.wait(20)
    lot_resume(lot=running.lots[0], actor=running.host)
    first.set()
    for thread in threads:
        thread.join()
    assert status(running) == "open"
    assert pauses(running) == ["stream_lost"]


def test_a_pause_that_is_out_of_date_touches_nothing(running: Show, monkeypatch) -> None:
    note(running, OFF)
    later()

    def pulse(auction_id: int):
        found = pulse_now(auction_id)
        # The host pauses and goes on between the look and the rule.
        lot_pause(lot=running.lots[0], actor=running.host, reason="camera")
        lot_resume(lot=running.lots[0], actor=running.host)
        return found

    monkeypatch.setattr(module, "pulse_now", pulse)
    note(running, OFF)
    assert status(running) == "open"
    assert pauses(running) == ["camera"]


def test_a_floor_that_is_away_is_asked_again(running: Show, settings, monkeypatch) -> None:
    note(running, OFF)
    later()

    def away(auction_id: int):
        raise ConnectionError

    monkeypatch.setattr(module, "pulse_now", away)
    note(running, OFF)
    monkeypatch.undo()
    assert status(running) == "open"
    note(running, OFF)
    assert status(running) == "paused"


# --- The host ---------------------------------------------------------------------------------------------


def host_page(show: Show) -> str:
    browser = Client()
    browser.force_login(show.host)
    return browser.get(f"/host/auctions/{show.auction.pk}/").content.decode()


def press(show: Show, address: str, *, lot: int, v: int) -> Any:
    browser = Client()
    browser.force_login(show.host)
    return browser.post(f"/host/auctions/{show.auction.pk}/{address}/", {"lot": lot, "v": v})


def test_the_host_reads_it_and_has_one_button(running: Show) -> None:
    assert "The picture is lost" not in host_page(running)
    lose(running)
    text = host_page(running)
    assert "Lot 1, Lot 1, is paused" in text
    assert "The picture is lost" in text
    assert "Resume without the picture" in text
    note(running, ON)
    text = host_page(running)
    assert "The picture is lost" not in text
    assert ">Resume</button>" in text
    assert press(running, "resume", lot=running.lots[0].pk, v=pulse_now(running.auction.pk).v).status_code == 302
    assert status(running) == "open"


def test_the_cameras_page_lets_the_lot_go_on_without_being_left(running: Show) -> None:
    browser = Client()
    browser.force_login(running.host)
    assert "data-paused" in browser.get(f"/host/auctions/{running.auction.pk}/camera/").content.decode()
    lose(running)
    seen = pulse_now(running.auction.pk).v
    first, second = running.lots
    for lot, v, code in ((second.pk, seen, "wrong_lot"), (first.pk, seen - 1, "stale")):
        answer = press(running, "camera/resume", lot=lot, v=v)
        assert (answer.status_code, json.loads(answer.content)["code"]) == (409, code)
    assert status(running) == "paused"
    assert press(running, "camera/resume", lot=first.pk, v=seen).status_code == 200
    assert status(running) == "open"
    again = press(running, "camera/resume", lot=first.pk, v=pulse_now(running.auction.pk).v)
    assert json.loads(again.content)["code"] == "not_paused"


# --- The relay --------------------------------------------------------------------------------------------


@pytest.fixture
def server(running: Show) -> Iterator[RoomServer]:
    """Serve rooms and relay."""
    with RoomServer() as site:
        yield site


@pytest.fixture
def channel(running: Show) -> StreamChannel:
    """Return the show's channel as the relay makes it, with a key."""
    PictureWatch.objects.all().delete()
    found = channel_of(running)
    found.stream_key = "key"
    found.save()
    return found


def look(show: Show) -> PictureWatch | None:
    """Let the clock of the video tick once."""
    cache.delete("stream:attending")
    streams_attend()
    return PictureWatch.objects.filter(auction=show.auction).first()


def arriving(channel: StreamChannel) -> bool | None:
    return LocalProvider().status(channel).arrives


def test_a_publisher_who_dies_pauses_the_lot(running: Show, server: RoomServer, channel: StreamChannel) -> None:
    look(running)
    assert not PictureWatch.objects.exists()
    with camera(server, channel, key="key") as host:
        host.hear("READY")
        host.begin()
        host.picture()
        eventually(lambda: arriving(channel))
        watch = look(running)
        assert watch is not None
        assert watch.lost_at is None
        # The line is cut: no word of goodbye.
        host.socket.socket.close()
    eventually(lambda: arriving(channel) is False)
    watch = look(running)
    assert watch is not None
    assert watch.lost_at is not None
    assert status(running) == "open"
    later()
    look(running)
    assert (status(running), pauses(running)) == ("paused", ["stream_lost"])
    with camera(server, channel, key="key") as host:
        host.hear("READY")
        host.begin()
        host.picture()
        eventually(lambda: arriving(channel))
        watch = look(running)
        assert watch is not None
        assert (watch.lost_at, watch.answered_at, status(running)) == (None, None, "paused")


def test_a_publisher_who_sends_nothing_any_more_has_lost_the_picture(
    running: Show, server: RoomServer, channel: StreamChannel
) -> None:
    with camera(server, channel, key="key") as host:
        host.hear("READY")
        host.begin()
        host.picture()
        eventually(lambda: arriving(channel))
        look(running)
        eventually(lambda: arriving(channel) is False)
        assert LocalProvider().status(channel).state == StreamState.LIVE
        watch = look(running)
        assert watch is not None
        assert watch.lost_at is not None


def test_a_side_server_that_is_away_pauses_nothing(running: Show, channel: StreamChannel, side, monkeypatch) -> None:
    side.set(RelayKeys(channel.pk).publisher, "me")
    side.hset(RelayKeys(channel.pk).facts, "health", "good")
    assert look(running) is not None
    monkeypatch.setattr("auctions.streaming.local._side", lambda: (_ for _ in ()).throw(ConnectionError))
    watch = look(running)
    assert watch is not None
    assert watch.lost_at is None
    monkeypatch.setattr(LocalProvider, "_silent_until", 0.0)


# --- Amazon IVS -------------------------------------------------------------------------------------------


def look_at(show: Show) -> None:
    for name in ("look", "look_again"):
        cache.delete(f"stream:{channel_of(show).pk}:{name}")
    cache.delete("stream:attending")
    streams_attend()


@pytest.fixture
def on_ivs_running(ivs: Service, on_ivs: Show, monkeypatch: pytest.MonkeyPatch) -> Show:
    """Return a show on IVS with its first lot open; what is noted in the pictures is no matter here."""
    monkeypatch.setattr("bidding.services.streams._cue", lambda: None)
    lot_open(lot=on_ivs.lots[0], actor=on_ivs.host)
    ivs.answers("get_stream", {"stream": stream_at_service()}, channelArn=CHANNEL_ARN)
    look_at(on_ivs)
    return on_ivs


def test_a_stream_of_ivs_that_ends_pauses_the_lot(ivs: Service, on_ivs_running: Show) -> None:
    show = on_ivs_running
    ivs.fails("get_stream", "ChannelNotBroadcasting", status=404)
    look_at(show)
    assert status(show) == "open"
    later()
    ivs.fails("get_stream", "ChannelNotBroadcasting", status=404)
    look_at(show)
    assert (status(show), pauses(show)) == ("paused", ["stream_lost"])


def test_while_a_picture_is_lost_ivs_is_asked_more_often(ivs: Service, on_ivs_running: Show) -> None:
    ivs.fails("get_stream", "ChannelNotBroadcasting", status=404)
    look_at(on_ivs_running)
    cache.delete("stream:attending")
    # The look of every ten seconds has just been; this is the one of every two.
    ivs.answers("get_stream", {"stream": stream_at_service()}, channelArn=CHANNEL_ARN)
    streams_attend()
    assert PictureWatch.objects.get().lost_at is None


def test_a_service_that_does_not_answer_is_no_loss(ivs: Service, on_ivs_running: Show) -> None:
    show = on_ivs_running
    ivs.fails("get_stream", "ChannelNotBroadcasting", status=404)
    look_at(show)
    later()
    for code, http in (("ThrottlingException", 429), ("InternalServerException", 500)):
        ivs.fails("get_stream", code, status=http, times=4)
        look_at(show)
        assert PictureWatch.objects.get().lost_at is None
    ivs.fails("get_stream", "ChannelNotBroadcasting", status=404)
    look_at(show)
    assert status(show) == "open"


def test_a_stream_that_ivs_calls_starving_still_arrives(ivs: Service, on_ivs_running: Show) -> None:
    ivs.answers("get_stream", {"stream": stream_at_service(health="STARVING")}, channelArn=CHANNEL_ARN)
    look_at(on_ivs_running)
    assert PictureWatch.objects.get().lost_at is None
