"""The recording of what the relay carries: what is written, when parts begin and end, and what never waits for it."""

import errno
import json
import os
import secrets
import shutil
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from auctions import recordings
from auctions.errors import Refused
from auctions.models import Auction, AuctionStatus, StreamChannel, StreamRecording
from auctions.recordings import read_table, stream_file
from bidding.demo import testcard
from bidding.metrics import STREAM_PIECES_UNRECORDED
from bidding.relay import recording as recording_module
from bidding.services import recordings_erase, recordings_sweep
from bidding.tests.conftest import Show
from bidding.tests.relays import Camera, camera, screen
from bidding.tests.rooms import RoomServer, eventually

OPENING = testcard.opening(320, 240)


@pytest.fixture(autouse=True)
def kept_apart(settings: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.RECORDINGS_ROOT = tmp_path / "recordings"
    settings.RECORDINGS_SPARE_MB = 0
    monkeypatch.setattr(recording_module, "WRITE_EVERY_S", 0.02)
    monkeypatch.setattr(recording_module, "TELL_EVERY_S", 0.05)
    monkeypatch.setattr(recording_module, "PART_EVERY_S", 0.0)


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


def on_air(server: RoomServer, channel: StreamChannel) -> Any:
    return camera(server, channel, key=channel.stream_key)


def begin(sending: Camera, *pictures: bytes) -> None:
    """Go on the air and send pictures."""
    if not sending.heard:
        sending.hear("READY")
    sending.begin()
    sending.at_ms = 0
    for picture in pictures:
        sending.picture(picture)


def parts() -> list[StreamRecording]:
    return list(StreamRecording.objects.order_by("pk"))


def recorded(part: StreamRecording) -> bytes:
    table = read_table(part.prefix)
    assert table is not None
    return stream_file(part.prefix).read_bytes()[: table.end]


def lasts(part: StreamRecording) -> timedelta:
    assert part.ended_at is not None
    return part.ended_at - part.started_at


def written(number: int = 1, *, ending: bytes = b"") -> StreamRecording:
    """Wait for a part whose file ends with a picture, and return it."""
    eventually(lambda: len(parts()) >= number and recorded(parts()[number - 1]).endswith(ending))
    return parts()[number - 1]


def test_what_is_sent_during_a_show_is_recorded_as_it_came(show, server, channel):
    with on_air(server, channel) as sending:
        begin(sending, *(b"picture %d" % number for number in range(30)))
        part = written(ending=b"picture 29")
    pictures = b"".join(testcard.cluster(100 * number, b"picture %d" % number) for number in range(30))
    assert recorded(part) == OPENING + pictures
    assert (part.auction, part.channel, part.mime) == (show.auction, channel, 'video/webm;codecs="vp8"')
    table = read_table(part.prefix)
    # A player may begin once a second, at whole pictures.
    assert [at_ms for at_ms, _ in table.marks] == [0, 1_000, 2_000]
    assert [recorded(part)[place : place + 4] for _, place in table.marks] == [bytes.fromhex("1F43B675")] * 3
    assert table.opening == len(OPENING)

    def told() -> bool:
        part.refresh_from_db()
        return lasts(part) == timedelta(milliseconds=2_900) and part.size == table.end

    eventually(told)


def test_the_time_of_a_part_is_that_of_the_capture(server, channel):
    with on_air(server, channel) as sending:
        sending.hear("READY")
        sending.socket.send(json.dumps({"type": "PING", "t": 1}))
        now_ms = sending.hear("PONG")["server_time_ms"]
        sending.socket.send(json.dumps({"type": "BEGAN", "at_ms": now_ms - 3_000}))
        sending.at_ms = 2_000
        sending.begin()
        sending.picture(b"two seconds in")
        part = written(ending=b"two seconds in")
    assert round(part.started_at.timestamp() * 1000) == now_ms - 1_000


def test_nothing_is_recorded_before_the_show_nor_after_it(make_show, server, channel, show):
    Auction.objects.filter(pk=show.auction.pk).update(status=AuctionStatus.SCHEDULED)
    with on_air(server, channel) as sending:
        begin(sending, b"before")
        Auction.objects.filter(pk=show.auction.pk).update(status=AuctionStatus.LIVE)

        def goes_on() -> bool:
            sending.picture(b"during")
            return bool(parts())

        eventually(goes_on)
        part = written(ending=b"during")
        Auction.objects.filter(pk=show.auction.pk).update(status=AuctionStatus.ENDED)
        for _ in range(3):
            sending.hear("STATUS")
        length = stream_file(part.prefix).stat().st_size
        sending.picture(b"after")
        time.sleep(0.3)
        assert stream_file(part.prefix).stat().st_size == length
    assert b"before" not in recorded(part)
    assert b"after" not in recorded(part)
    assert recorded(part).startswith(OPENING)
    assert len(parts()) == 1


def test_a_publisher_who_comes_back_begins_another_part(server, channel):
    for name in (b"first", b"second"):
        with on_air(server, channel) as sending:
            begin(sending, name)
            sending.picture()
            written(1 if name == b"first" else 2, ending=b"picture")
        eventually(lambda: not threads())
    assert [name in recorded(part) for part, name in zip(parts(), (b"first", b"second"), strict=True)] == [True, True]
    assert all(recorded(part).startswith(OPENING) for part in parts())


def test_another_camera_on_the_same_socket_begins_another_part(server, channel):
    with on_air(server, channel) as sending:
        begin(sending, b"first")
        written(ending=b"first")
        begin(sending, b"second")
        assert b"first" not in recorded(written(2, ending=b"second"))


def test_a_publisher_who_begins_anew_all_the_time_fills_no_disk_with_parts(server, channel, monkeypatch):
    monkeypatch.setattr(recording_module, "PART_EVERY_S", 60.0)
    with on_air(server, channel) as sending:
        begin(sending, b"first")
        written(ending=b"first")
        for _ in range(20):
            begin(sending, b"again")
        written(ending=b"first")
        sending.hear("STATUS")
    eventually(lambda: not threads())
    assert len(parts()) == 1


def threads() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name.startswith("recorder")]


# --- Trouble -------------------------------------------------------------------------------------------


def test_a_disk_that_hangs_delays_neither_viewers_nor_the_end_and_its_memory_is_bounded(server, channel, monkeypatch):
    hangs, writes = threading.Event(), recordings.PartWriter.write
    monkeypatch.setattr(recordings.PartWriter, "write", lambda self, frames: hangs.wait(30) and writes(self, frames))
    monkeypatch.setattr(recording_module, "MOST_WAITING", 100_000)
    monkeypatch.setattr(recording_module, "LAST_WORD_S", 0.2)
    try:
        with screen(server, channel.pk) as watching, on_air(server, channel) as sending:
            begin(sending, *(secrets.token_bytes(20_000) for _ in range(20)), b"the last one")
            watching.until(content=b"the last one")
            unrecorded = STREAM_PIECES_UNRECORDED._value.get()
            assert unrecorded > 0
        # The channel is free although the disk still hangs.
        with on_air(server, channel) as again:
            again.hear("READY")
    finally:
        hangs.set()
    eventually(lambda: not threads())
    # Nothing is kept of what was lost whole.
    tables = [read_table(name) for name, _ in recordings.names()]
    assert [table for table in tables if table is None or not table.marks] == []


@pytest.mark.parametrize("limit", ["show", "disk"])
def test_a_recording_stops_at_its_limit_and_the_show_goes_on(server, channel, settings, limit, monkeypatch):
    settings.RECORDINGS_MAX_MB = 1
    if limit == "disk":
        settings.RECORDINGS_MAX_MB = 1_000
        usage = shutil.disk_usage
        left = 1_000_000

        def nearly_full(path: Any) -> Any:
            used = sum(each.stat().st_size for each in settings.RECORDINGS_ROOT.glob("*/*/stream"))
            return usage(path)._replace(free=left - used)

        monkeypatch.setattr(shutil, "disk_usage", nearly_full)
    with screen(server, channel.pk) as watching, on_air(server, channel) as sending:
        begin(sending)
        for number in range(12):
            sending.picture(secrets.token_bytes(100_000) + b"picture %d." % number)
            watching.until(content=b"picture %d." % number)
            time.sleep(0.05)
        eventually(lambda: not parts() or len(recorded(parts()[0])) > 500_000)
        assert 500_000 < len(recorded(parts()[0])) <= 1_000_000
        assert b"picture 0." in recorded(parts()[0])
        sending.picture(b"more")
        watching.until(content=b"more")
    assert len(parts()) == 1


def test_a_disk_that_refuses_is_tried_again(server, channel, settings, monkeypatch):
    monkeypatch.setattr(recording_module, "AGAIN_S", 0.2)
    settings.RECORDINGS_ROOT.write_bytes(b"in the way")
    with screen(server, channel.pk) as watching, on_air(server, channel) as sending:
        begin(sending, b"lost")
        watching.until(content=b"lost")
        time.sleep(0.3)
        assert parts() == []
        settings.RECORDINGS_ROOT.unlink()

        def goes_on() -> bool:
            sending.picture(b"kept")
            return bool(parts())

        eventually(goes_on)
        assert b"lost" not in recorded(written(ending=b"kept"))


def test_nothing_is_recorded_where_nothing_is_kept(server, channel, settings):
    settings.RECORDINGS_DAYS = 0
    with screen(server, channel.pk) as watching, on_air(server, channel) as sending:
        begin(sending, b"shown")
        watching.until(content=b"shown")
        sending.hear("STATUS")
        sending.hear("STATUS")
    assert parts() == []
    assert not settings.RECORDINGS_ROOT.exists()


def test_what_was_written_before_a_kill_is_whole_up_to_the_last_line_of_the_table(show, channel):
    name = recordings.new_name(show.auction.pk)
    writer = recordings.PartWriter(name, b"opening")
    writer.write([Frame(b"one", 0), Frame(b"two", 1_000)])
    # Killed in the middle of the next write: bytes without a line, and half a line.
    with stream_file(name).open("ab") as stream:
        stream.write(b"thr")
    with stream_file(name).with_name("table").open("ab") as table:
        table.write(b"end 2000 1")
    found = read_table(name)
    assert found is not None
    assert (found.end, found.end_ms, found.lasts_ms) == (13, 1_000, 1_000)
    assert found.marks == [(0, 7), (1_000, 10)]
    begun = timezone.now()
    part = StreamRecording.objects.create(
        channel=channel, auction=show.auction, prefix=name, started_at=begun, ended_at=begun, size=1
    )
    recordings_sweep()
    part.refresh_from_db()
    assert lasts(part) == timedelta(seconds=1)
    assert part.size == 13


class Frame:
    """A whole picture at a media time."""

    is_mark = True

    def __init__(self, data: bytes, at_ms: int) -> None:
        self.data, self.at_ms = data, at_ms


# --- Erasing -------------------------------------------------------------------------------------------


@pytest.fixture
def kept(show: Show, channel: StreamChannel) -> StreamRecording:
    """A part of the show that is over."""
    Auction.objects.filter(pk=show.auction.pk).update(status=AuctionStatus.ENDED)
    show.auction.refresh_from_db()
    name = recordings.new_name(show.auction.pk)
    writer = recordings.PartWriter(name, b"opening")
    writer.write([Frame(b"one", 0), Frame(b"two", 1_000)])
    writer.close()
    now = timezone.now()
    return StreamRecording.objects.create(
        channel=channel, auction=show.auction, prefix=name, started_at=now - timedelta(days=2), ended_at=now, size=13
    )


def test_a_recording_is_erased_with_its_files(show, kept, settings):
    assert recordings_erase(auction=show.auction, actor=show.host) == 1
    assert parts() == []
    assert list(settings.RECORDINGS_ROOT.iterdir()) == []
    assert recordings_erase(auction=show.auction, actor=show.host) == 0


def test_recordings_are_kept_as_long_as_the_setting_says(show, kept, settings):
    settings.RECORDINGS_DAYS = 3
    recordings_sweep()
    assert parts() == [kept]
    settings.RECORDINGS_DAYS = 1
    Auction.objects.filter(pk=show.auction.pk).update(status=AuctionStatus.LIVE)
    recordings_sweep()
    assert parts() == [kept]
    Auction.objects.filter(pk=show.auction.pk).update(status=AuctionStatus.ENDED)
    recordings_sweep()
    assert parts() == []
    assert list(settings.RECORDINGS_ROOT.iterdir()) == []


def test_files_that_cannot_be_removed_keep_their_row(show, kept, monkeypatch):
    def fails(*_: Any) -> None:
        raise PermissionError

    monkeypatch.setattr(shutil, "rmtree", fails)
    with pytest.raises(Refused) as refused:
        recordings_erase(auction=show.auction, actor=show.host)
    assert refused.value.code == "not_erased"
    assert parts() == [kept]


def test_files_that_no_row_knows_go_after_a_day(kept, monkeypatch):
    prefix = kept.prefix
    kept.delete()
    recordings_sweep()
    assert stream_file(prefix).exists()
    monkeypatch.setattr("bidding.services.recordings.UNKNOWN_FOR_S", -1)
    recordings_sweep()
    assert not stream_file(prefix).exists()


def test_a_recording_that_is_erased_while_it_is_written_ends(server, channel, show):
    with on_air(server, channel) as sending:
        begin(sending, b"first")
        part = written(ending=b"first")
        recordings.remove(part.prefix)
        part.delete()

        def goes_on() -> bool:
            sending.picture(b"next")
            return bool(parts())

        eventually(goes_on)
        assert parts()[0].prefix != part.prefix


@pytest.mark.parametrize("name", ["../7/" + "a" * 32, "7/../x", "", "7/" + "a" * 31, "7/" + "A" * 32])
def test_a_name_that_was_not_made_here_is_no_file(name):
    with pytest.raises(ValueError, match="no name"):
        stream_file(name)


def test_the_table_tells_of_nothing_that_the_disk_did_not_take(show, monkeypatch):
    name = recordings.new_name(show.auction.pk)
    writer = recordings.PartWriter(name, b"opening")
    writer.write([Frame(b"one", 0)])
    writes = os.write

    def refuses(to: int, data: Any) -> int:
        if bytes(data).startswith(b"two"):
            raise OSError(errno.ENOSPC, "no space left")
        return writes(to, data)

    monkeypatch.setattr(os, "write", refuses)
    with pytest.raises(OSError, match="no space"):
        writer.write([Frame(b"two", 1_000)])
    found = read_table(name)
    assert found is not None
    assert (found.end, found.marks) == (10, [(0, 7)])


@pytest.mark.parametrize(
    "lines",
    [
        ["opening 0 500"],
        ["opening 0 500", "mark 0 500", "end 990 7000"],
        ["opening 0 500", *(f"end {at} {500 + at}" for at in range(200))],
        # The disk took marks and not the line that tells of their bytes.
        ["opening 0 500", "end 990 7000", "mark 1000 7000"],
        ["opening 0 500", "end 990 7000", *(f"mark {at}000 7000" for at in range(1, 100))],
        [],
    ],
)
@pytest.mark.parametrize("torn", ["", "end 99", "mark"])
def test_how_much_is_written_is_what_the_whole_table_says(settings, lines, torn):
    name = f"7/{'a' * 32}"
    folder = settings.RECORDINGS_ROOT / name
    folder.mkdir(parents=True)
    (folder / "table").write_text("".join(f"{line}\n" for line in lines) + torn)
    table = read_table(name)
    assert table is not None
    assert recordings.bytes_written(name) == table.end


def test_of_what_is_not_there_nothing_is_written(settings):
    assert recordings.bytes_written(f"7/{'b' * 32}") is None
