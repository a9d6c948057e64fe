"""The replay of a show: chapters and where they are in the recording, the page, its files, and who gets them."""

import json
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client
from msgspec import Raw

from accounts.models import User
from auctions import recordings
from auctions.models import Auction, AuctionStatus, Lot, RegistrationStatus, StreamChannel, StreamRecording, Visibility
from auctions.streaming import ivs_recordings
from bidding import protocol, views_replay
from bidding.chapters import Beginning, chapter_of_lot, chapters_of, parts_of, place_after, place_before
from bidding.models import Event
from bidding.relay.containers import Piece
from bidding.selectors import room_info
from bidding.services import (
    auction_end,
    auction_rebuild,
    bid_place_now,
    bid_void,
    lot_close_due,
    lot_offer_again,
    lot_open,
    lot_reopen,
    lot_resume,
    registration_set_status,
)
from bidding.tests.conftest import Show

BYTES = b"opening." + b"first..." + b"second.." + b"third..."


@pytest.fixture(autouse=True)
def kept_apart(settings: Any, tmp_path: Any) -> None:
    settings.RECORDINGS_ROOT = tmp_path / "recordings"
    settings.RECORDINGS_SPARE_MB = 0


@pytest.fixture
def show(make_show: Callable[..., Show]) -> Show:
    return make_show(auto_advance=False)


def record(show: Show, begun_ms: int, ended_ms: int, **fields: Any) -> StreamRecording:
    """Add a part between two times; its files hold three pictures, a second apart."""
    name = recordings.new_name(show.auction.pk)
    writer = recordings.PartWriter(name, BYTES[:8])
    writer.write([Piece(BYTES[at : at + 8], is_mark=True, at_ms=at * 125) for at in (8, 16, 24)])
    writer.close()
    show.auction.refresh_from_db()
    begun, ended = (datetime.fromtimestamp(at / 1000, UTC) for at in (begun_ms, ended_ms))
    row = {
        "prefix": name,
        "mime": 'video/webm;codecs="vp8"',
        "started_at": begun,
        "ended_at": ended,
        "size": len(BYTES),
    }
    return StreamRecording.objects.create(
        **{"channel": show.auction.stream_channel, "auction": show.auction} | row | fields
    )


def bid(show: Show, amount: str, bidder: int = 0) -> str:
    room = room_info(show.auction.pk)
    assert room is not None
    message = protocol.PlaceBid(amount=Raw(json.dumps(amount).encode()), id=str(uuid.uuid4()))
    answer = bid_place_now(room=room, registration_id=show.bidders[bidder].pk, message=message)
    assert isinstance(answer, protocol.BidAccepted), answer
    return str(message.id)


def close(show: Show, lot: Lot) -> None:
    show.end_lot_now()
    assert lot_close_due(auction=show.auction, lot_id=lot.pk)
    show.store()


def at(show: Show, kind: str, number: int = -1) -> int:
    """Return when something happened."""
    return list(Event.objects.filter(auction=show.auction, kind=kind).order_by("v"))[number].at_ms


@pytest.fixture
def sold(show: Show) -> Show:
    """A show whose first lot was sold at 15.00, and that is still live."""
    first = show.lots[0]
    lot_open(lot=first, actor=show.host)
    bid(show, "10.00")
    bid(show, "15.00", 1)
    close(show, first)
    return show


@pytest.fixture
def recorded(sold: Show) -> Show:
    """The same, recorded from 2 s before the lot to 2 s after it."""
    record(sold, at(sold, "LOT_OPENED") - 2_000, at(sold, "LOT_CLOSED") + 2_000)
    return sold


# --- Chapters ------------------------------------------------------------------------------------------


def test_a_chapter_is_from_open_to_sold(recorded):
    [chapter] = chapters_of(recorded.auction, parts_of(recorded.auction))
    opened, closed = at(recorded, "LOT_OPENED"), at(recorded, "LOT_CLOSED")
    assert (chapter.lot, chapter.attempt, chapter.beginning) == (recorded.lots[0], 1, Beginning.OPENED)
    assert (chapter.opened_at_ms, chapter.closed_at_ms) == (opened, closed)
    assert (chapter.result, chapter.amount, chapter.paddle) == ("sold", "15.00", recorded.bidders[1].paddle)
    assert chapter.start.second == 2
    assert chapter.stop.second == (closed - opened) / 1000 + 2
    assert chapter.start.clock == "0:02"


def test_a_lot_that_is_reopened_offered_again_or_rebuilt_has_a_chapter_each_time(show, floor):
    first, second = show.lots
    lot_open(lot=first, actor=show.host)
    bid(show, "10.00")
    close(show, first)
    lot_reopen(lot=first, actor=show.host, reason="dispute")
    bid(show, "15.00", 1)
    close(show, first)
    lot_open(lot=second, actor=show.host)
    close(show, second)
    lot_open(lot=lot_offer_again(lot=second, actor=show.host, opening_amount=500), actor=show.host)
    show.store()
    floor.flushall()
    auction_rebuild(auction=show.auction)
    lot_resume(lot=second, actor=show.host)
    bid(show, "6.00", 2)
    close(show, second)
    record(show, at(show, "AUCTION_LIVE"), at(show, "LOT_CLOSED") + 60_000)
    found = chapters_of(show.auction, parts_of(show.auction))
    assert [(each.lot.pk, each.attempt, each.beginning.value, each.result, each.amount) for each in found] == [
        (first.pk, 1, "opened", "sold", "10.00"),
        (first.pk, 1, "reopened", "sold", "15.00"),
        (second.pk, 1, "opened", "passed", None),
        (second.pk, 2, "opened", "", None),
        (second.pk, 2, "rebuilt", "sold", "6.00"),
    ]
    assert [each.words for each in found] == ["", "reopened", "", "offered again", "after an outage"]
    assert [each.opening for each in found] == [1_000, 1_000, 1_000, 500, 500]
    times = [moment for each in found for moment in (each.opened_at_ms, each.closed_at_ms or 0)]
    assert times == sorted(times)
    assert chapter_of_lot(show.auction, second.pk) == found[-1]


def test_times_are_mapped_into_the_parts_and_never_into_the_gaps(show):
    base = at(show, "AUCTION_LIVE")
    for begun, ended in ((10_000, 20_000), (30_000, 45_000)):
        record(show, base + begun, base + ended)
    # Too short to show anything, still running at a service, and of another show.
    record(show, base + 50_000, base + 50_200)
    record(show, base + 60_000, base + 70_000, ended_at=None)
    first, second = parts_of(show.auction)
    assert (first.begins_s, second.begins_s, second.lasts_s) == (0, 10, 15)

    def after(at_ms: int) -> Any:
        place = place_after((first, second), base + at_ms)
        return place and (place.part.recording.pk - first.recording.pk, place.second, place.at_s)

    def before(at_ms: int) -> Any:
        place = place_before((first, second), base + at_ms)
        return place and (place.part.recording.pk - first.recording.pk, place.second, place.at_s)

    assert [after(at_ms) for at_ms in (0, 12_500, 20_000, 25_000, 31_000, 45_000)] == [
        (0, 0, 0),
        (0, 2.5, 2.5),
        (1, 0, 10),
        (1, 0, 10),
        (1, 1, 11),
        None,
    ]
    assert [before(at_ms) for at_ms in (10_000, 12_500, 25_000, 30_000, 31_000, 99_000)] == [
        None,
        (0, 2.5, 2.5),
        (0, 10, 10),
        (0, 10, 10),
        (1, 1, 11),
        (1, 15, 25),
    ]


@pytest.mark.parametrize(
    ("begun", "ended", "is_there"), [(-9_000, -2_000, False), (5_000, 9_000, False), (-9_000, 9_000, True)]
)
def test_a_chapter_that_was_not_recorded_has_no_place(sold, begun, ended, is_there):
    record(sold, at(sold, "LOT_OPENED") + begun, at(sold, "LOT_CLOSED") + ended)
    [chapter] = chapters_of(sold.auction, parts_of(sold.auction))
    assert (chapter.start is not None, chapter.stop is not None) == (is_there, is_there)
    assert (chapter_of_lot(sold.auction, sold.lots[0].pk) is not None) == is_there


def test_what_a_service_recorded_of_its_channel_meanwhile_is_of_the_show(recorded):
    live = recorded.auction.went_live_at
    own = parts_of(recorded.auction)[0].recording
    of_service = {"auction": None, "bucket": "recordings"}
    during = record(
        recorded, round(live.timestamp() * 1000) + 60_000, at(recorded, "LOT_CLOSED") + 90_000, **of_service
    )
    record(recorded, 1_000_000, round(live.timestamp() * 1000) - 1, **of_service)
    Auction.objects.filter(pk=recorded.auction.pk).update(ended_at=live + timedelta(minutes=2))
    recorded.auction.refresh_from_db()
    record(recorded, round(live.timestamp() * 1000) + 121_000, round(live.timestamp() * 1000) + 180_000, **of_service)
    assert [part.recording for part in parts_of(recorded.auction)] == [own, during]


# --- The page ------------------------------------------------------------------------------------------


def config_of(page: Any) -> dict[str, Any]:
    text = page.content.decode().split('id="replay-config" type="application/json">')[1].split("</script>")[0]
    return dict(json.loads(text))


def test_the_page_tells_each_bid_when_it_fell_and_when_it_was_taken_back(show, client):
    first = show.lots[0]
    lot_open(lot=first, actor=show.host)
    bid(show, "10.00")
    taken = bid(show, "99.00", 1)
    show.store()
    bid_void(bid=first.runs.get().bids.get(bid_id=taken), actor=show.host, reason="mistake")
    close(show, first)
    opened = at(show, "LOT_OPENED")
    record(show, opened - 1_000, at(show, "LOT_CLOSED") + 1_000)
    page = client.get(f"/auctions/{show.auction.slug}/replay/")
    [chapter] = config_of(page)["chapters"]
    assert [(each["amount"], each["paddle"]) for each in chapter["bids"]] == [
        (1_000, show.bidders[0].paddle),
        (9_900, show.bidders[1].paddle),
    ]
    kept, gone = chapter["bids"]
    assert kept["gone_s"] is None
    assert gone["gone_s"] == (at(show, "BID_VOIDED") - opened + 1_000) / 1000
    assert chapter["at_s"] == 1 <= kept["at_s"] <= gone["at_s"] <= gone["gone_s"] <= chapter["until_s"]
    text = page.content.decode()
    assert f'href="#chapter-{chapter["v"]}"' in text
    assert "example.test" not in text


def test_a_lots_page_and_the_results_lead_to_the_replay(recorded, client):
    lot, other = recorded.lots
    assert (
        f'/auctions/{recorded.auction.slug}/replay/#lot-{lot.number}"'
        in client.get(f"/lots/{lot.pk}/").content.decode()
    )
    assert "/replay/" not in client.get(f"/lots/{other.pk}/").content.decode()
    auction_end(auction=recorded.auction, actor=recorded.host)
    recorded.store()
    assert (
        f"/auctions/{recorded.auction.slug}/replay/"
        in client.get(f"/auctions/{recorded.auction.slug}/").content.decode()
    )


def test_a_show_without_a_recording_says_so_and_leads_on(sold, client):
    page = client.get(f"/auctions/{sold.auction.slug}/replay/").content.decode()
    assert "Nothing is recorded yet." in page
    assert "Recorded" not in page
    assert "replay.js" not in page
    assert "/replay/" not in client.get(f"/lots/{sold.lots[0].pk}/").content.decode()
    Auction.objects.filter(pk=sold.auction.pk).update(status=AuctionStatus.ENDED)
    page = client.get(f"/auctions/{sold.auction.slug}/replay/").content.decode()
    assert "There is no recording of this show." in page
    assert "Recorded" not in page


def test_the_api_tells_parts_and_chapters(recorded, client):
    told = client.get(f"/api/v1/auctions/{recorded.auction.pk}/recording/").json()
    [part], [chapter] = told["parts"], told["chapters"]
    assert part["kind"] == "file"
    assert part["url"] == f"/auctions/{recorded.auction.slug}/replay/{part['id']}/stream"
    assert part["table_url"].endswith("/table")
    assert part["started_at_ms"] == at(recorded, "LOT_OPENED") - 2_000
    assert chapter["lot"] == recorded.lots[0].pk
    assert (chapter["number"], chapter["result"], chapter["amount"]) == ("1", "sold", "15.00")
    assert chapter["start"] == {"part": part["id"], "second": 2}


# --- Files ---------------------------------------------------------------------------------------------


@pytest.fixture
def address(recorded: Show) -> str:
    return f"/auctions/{recorded.auction.slug}/replay/{StreamRecording.objects.get().pk}/"


def fetched(path: str, span: str | None = None, **options: Any) -> tuple[Any, bytes]:
    """Ask for a file as a browser does, and return the answer with its bytes."""

    async def ask() -> tuple[Any, bytes]:
        client = AsyncClient()
        response: Any = await client.get(path, headers={"Range": span} if span else {}, **options)
        body = b"".join([piece async for piece in response]) if response.streaming else response.content
        return response, body

    answer: tuple[Any, bytes] = async_to_sync(ask)()
    return answer


@pytest.mark.parametrize(
    ("span", "status", "body", "told"),
    [
        (None, 200, BYTES, None),
        ("bytes=8-15", 206, BYTES[8:16], "bytes 8-15/32"),
        ("bytes=16-", 206, BYTES[16:], "bytes 16-31/32"),
        ("bytes=-8", 206, BYTES[-8:], "bytes 24-31/32"),
        ("bytes=-99", 206, BYTES, "bytes 0-31/32"),
        ("bytes=24-999", 206, BYTES[24:], "bytes 24-31/32"),
        ("bytes=32-", 416, b"", "bytes */32"),
        ("bytes=-0", 416, b"", "bytes */32"),
        ("bytes=9-8", 200, BYTES, None),
        ("bytes=0-1,4-5", 200, BYTES, None),
        ("bytes=-", 200, BYTES, None),
        ("pages=1-2", 200, BYTES, None),
    ],
)
def test_a_file_is_given_out_whole_or_by_a_range(recorded, address, span, status, body, told):
    response, content = fetched(f"{address}stream", span)
    assert (response.status_code, content) == (status, body)
    assert response.get("Content-Range") == told
    assert response["Content-Type"] == "video/webm"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "private" in response["Cache-Control"]
    assert "no-store" in response["Cache-Control"]
    if status != 416:
        assert response["Content-Length"] == str(len(body))
        assert response["Accept-Ranges"] == "bytes"


def test_who_asks_for_the_head_alone_lets_nothing_be_read(recorded, address, monkeypatch):
    lengths: list[int] = []
    read = views_replay._read

    def noted(path: Path, start: int, length: int) -> AsyncIterator[bytes]:
        lengths.append(length)
        return read(path, start, length)

    monkeypatch.setattr(views_replay, "_read", noted)
    response = async_to_sync(AsyncClient().head)(f"{address}stream", headers={"Range": "bytes=8-15"})
    assert (response.status_code, response["Content-Length"], response["Accept-Ranges"]) == (206, "8", "bytes")
    assert lengths == [0]


def test_a_range_is_given_out_without_reading_the_whole_table(recorded, address, monkeypatch):
    monkeypatch.setattr(recordings, "read_table", None)
    monkeypatch.setattr(views_replay, "read_table", None)
    _, content = fetched(f"{address}stream", "bytes=8-15")
    assert content == BYTES[8:16]


def test_what_the_table_does_not_tell_of_is_not_given_out(recorded, address):
    with recordings.stream_file(StreamRecording.objects.get().prefix).open("ab") as stream:
        stream.write(b"half a pic")
    response, content = fetched(f"{address}stream", "bytes=24-")
    assert (content, response["Content-Range"]) == (BYTES[24:], "bytes 24-31/32")


def test_the_table_tells_where_a_player_may_begin(recorded, address, client):
    told = client.get(f"{address}table").json()
    assert told == {"opening": 8, "marks": [[1_000, 8], [2_000, 16], [3_000, 24]], "end_ms": 3_000, "end": 32}


def test_files_that_are_gone_are_404(recorded, address, client):
    recordings.remove(StreamRecording.objects.get().prefix)
    assert client.get(f"{address}table").status_code == 404
    assert client.get(f"{address}stream").status_code == 404


# --- Who may watch -------------------------------------------------------------------------------------


def answers(client: Client, address: str, auction: Auction) -> set[int]:
    page = address.rsplit("/", 2)[0] + "/"
    paths = (page, f"{address}table", f"{address}stream", f"/api/v1/auctions/{auction.pk}/recording/")
    return {client.get(path).status_code for path in paths}


def as_user(user: User | None) -> Client:
    client = Client()
    if user is not None:
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_who_may_not_see_the_show_sees_nothing_of_its_recording(recorded, address):
    stranger = User.objects.create_user("stranger@example.test", "secret-enough")
    assert answers(as_user(None), address, recorded.auction) == {200}
    Auction.objects.filter(pk=recorded.auction.pk).update(visibility=Visibility.INVITE_ONLY)
    for user in (None, stranger):
        assert answers(as_user(user), address, recorded.auction) == {404}
    for user in (recorded.host, recorded.bidders[0].user):
        assert answers(as_user(user), address, recorded.auction) == {200}


def test_who_was_banned_watches_neither_live_nor_recorded(recorded, address):
    registration_set_status(registration=recorded.bidders[0], status=RegistrationStatus.BANNED, actor=recorded.host)
    assert answers(as_user(recorded.bidders[0].user), address, recorded.auction) == {404}
    lot = as_user(recorded.bidders[0].user).get(f"/lots/{recorded.lots[0].pk}/").content.decode()
    assert "/replay/" not in lot
    assert answers(as_user(recorded.bidders[1].user), address, recorded.auction) == {200}


def test_a_part_is_found_in_its_own_show_alone(recorded, address):
    other = Auction.objects.create(
        organizer=recorded.auction.organizer,
        title="Another",
        slug="another",
        terms=recorded.auction.terms,
        status=AuctionStatus.ENDED,
        stream_channel=recorded.auction.stream_channel,
    )
    moved = address.replace(recorded.auction.slug, other.slug)
    assert as_user(None).get(f"/auctions/{other.slug}/replay/").status_code == 200
    for name in ("table", "stream"):
        assert as_user(None).get(f"{moved}{name}").status_code == 404


@pytest.mark.parametrize("status", [AuctionStatus.DRAFT, AuctionStatus.SCHEDULED])
def test_a_show_that_was_not_live_has_no_replay(recorded, address, status):
    Auction.objects.filter(pk=recorded.auction.pk).update(status=status)
    assert answers(as_user(recorded.host), address, recorded.auction) == {404}


def test_the_page_may_load_from_the_bucket_of_its_own_recording_and_from_no_other(recorded, settings):
    settings.IVS_REGION = "eu-central-1"
    page = f"/auctions/{recorded.auction.slug}/replay/"
    assert "amazonaws" not in as_user(None).get(page)["Content-Security-Policy"]
    StreamRecording.objects.update(bucket="recordings")
    StreamChannel.objects.update(provider="ivs")
    settings.IVS_RECORDINGS_URL = "https://films.example"
    response = as_user(None).get(page)
    for directive in ("connect-src", "media-src"):
        [sources] = [
            each for each in response["Content-Security-Policy"].split("; ") if each.startswith(f"{directive} ")
        ]
        assert "https://recordings.s3.eu-central-1.amazonaws.com" in sources.split()
        assert "https://films.example" in sources.split()
    assert config_of(response)["parts"][0]["kind"] == "hls"


def test_a_services_playlists_are_given_out_by_the_same_rule(recorded, monkeypatch):
    part = StreamRecording.objects.get()
    StreamRecording.objects.filter(pk=part.pk).update(bucket="recordings")
    asked: list[str] = []

    def playlist(_recording: StreamRecording, name: str) -> str | None:
        asked.append(name)
        return "#EXTM3U\n" if name == "master.m3u8" else None

    monkeypatch.setattr(ivs_recordings, "playlist", playlist)
    page = f"/auctions/{recorded.auction.slug}/replay/{part.pk}/hls/"
    response = as_user(None).get(f"{page}master.m3u8")
    assert (response.status_code, response.content) == (200, b"#EXTM3U\n")
    assert "no-store" in response["Cache-Control"]
    assert as_user(None).get(f"{page}another.m3u8").status_code == 404
    Auction.objects.filter(pk=recorded.auction.pk).update(visibility=Visibility.INVITE_ONLY)
    assert as_user(None).get(f"{page}master.m3u8").status_code == 404
    assert asked == ["master.m3u8", "another.m3u8"]


# --- Erasing -------------------------------------------------------------------------------------------


def test_a_host_erases_a_recording_when_the_show_is_over_and_says_that_they_are_sure(recorded, address):
    host, path = as_user(recorded.host), f"/host/auctions/{recorded.auction.pk}/recording/"

    def said(data: dict[str, str]) -> str:
        return host.post(path, data, follow=True).content.decode()

    assert "Its recording can be erased when it is over." in said({"sure": "on"})
    Auction.objects.filter(pk=recorded.auction.pk).update(status=AuctionStatus.ENDED)
    assert "say first that you are sure" in said({})
    assert StreamRecording.objects.exists()
    assert "The recording is erased." in said({"sure": "on"})
    assert not StreamRecording.objects.exists()
    assert answers(as_user(recorded.host), address, recorded.auction) == {200, 404}


@pytest.mark.parametrize("has_room", [True, False])
def test_the_host_reads_how_long_the_recording_is_and_that_there_is_no_room(recorded, settings, has_room):
    if not has_room:
        settings.RECORDINGS_SPARE_MB = 10**9
    page = as_user(recorded.host).get(f"/host/auctions/{recorded.auction.pk}/").content.decode()
    assert "It is kept for 90 days." in page
    assert ("The show is not recorded" in page) != has_room
