"""What is counted, and who may read it as Prometheus does."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from django.test import Client, RequestFactory
from prometheus_client.parser import text_string_to_metric_families

from bidding import api_metrics, protocol
from bidding.engine import calls
from bidding.engine.runner import run
from bidding.metrics import CATALOGUE, camel
from bidding.protocol import CloseCode, Namespace, RefusalCode
from bidding.room.conflation import mask_of
from bidding.room.entrance import Visitor
from bidding.room.seats import Seat
from bidding.services import announcing, bids, lot_open
from bidding.services.announcing import announce_signal_now
from bidding.tests.conftest import Show
from bidding.tests.rooms import RoomServer, eventually, page
from bidding.tests.test_hub_order import Tape, bid, new_room, other, seat_in

Gained = Callable[..., float]


def readings() -> dict[tuple[str, str], float]:
    """Return every value of this process by metric and label."""
    return {(metric.name, label): value for metric in CATALOGUE for label, value in metric.values().items()}


@pytest.fixture
def gained() -> Gained:
    """Return a function that tells by how much a metric grew in this test."""
    before = readings()

    def difference(name: str, label: object = "") -> float:
        return readings()[name, str(label)] - before[name, str(label)]

    return difference


@pytest.fixture
def server(show: Show) -> Iterator[RoomServer]:
    with RoomServer() as running:
        yield running


# --- The catalogue ---------------------------------------------------------------------------------


def test_no_two_values_have_one_name() -> None:
    names = [name for metric in CATALOGUE for name in {metric.name, metric.prometheus_name}]
    assert len(names) == len(set(names))
    told = [metric.cloudwatch_name for metric in CATALOGUE]
    told += [metric.cloudwatch_name + camel(label) for metric in CATALOGUE for label in metric.values() if label]
    assert len(told) == len(set(told))


def test_every_code_of_the_protocol_has_its_series() -> None:
    labels = {metric.name: set(metric.values()) for metric in CATALOGUE}
    assert labels["closes"] == {str(code.value) for code in CloseCode}
    assert labels["bids"] == {"accepted", "unknown", "other", *(code.value for code in RefusalCode)}
    assert labels["chat_refusals"] == {code.value for code in protocol.ChatRefusalCode}
    assert labels["errors"] == {code.value for code in protocol.ErrorCode}
    assert labels["messages"] == {"BID", "BID_STATUS", "RESUME", "CHAT", "PING"}


# --- Counting --------------------------------------------------------------------------------------


def test_a_flush_counts_what_each_seat_was_sent(gained: Gained) -> None:
    room = new_room()
    stalled, *_ = [seat_in(room) for _ in range(4)]
    stalled.stalled = True
    seat_in(room, namespaces=[Namespace.CHAT])
    room.take("e1", [bid(1), bid(2), bid(3), other(4)])
    room.flush()
    assert gained("frames") == 3
    assert gained("deliveries") == 6
    assert gained("merged_events") == 2
    assert gained("slow_seats") == 1


def test_a_slow_seat_fell_behind_once(gained: Gained) -> None:
    room = new_room()
    seat_in(room).stalled = True
    (seat,) = room
    for _ in range(3):
        assert not seat.send(protocol.Notice(text="hello"))
    assert gained("slow_seats") == 1
    assert gained("deliveries") == 0


def test_a_seat_is_let_go_once(gained: Gained) -> None:
    tape = Tape()
    seat = Seat(auction_id=4, line=tape, mask=mask_of(Namespace), visitor=Visitor(), address=None)
    seat.close(CloseCode.SIGNED_OUT)
    seat.close(CloseCode.TOO_MANY)
    assert tape.code == CloseCode.SIGNED_OUT
    assert (gained("closes", 4401), gained("closes", 4429)) == (1, 0)


def test_another_epoch_is_counted(gained: Gained) -> None:
    new_room().take("e2", [bid(9, epoch="e2")])
    assert gained("rooms_begun_anew") == 1


def test_what_the_layer_does_not_take_is_counted(gained: Gained, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announcing, "get_channel_layer", lambda: None)
    announce_signal_now(4, None, protocol.Notice(text="hello"))
    assert gained("announcements_lost") == 1


def test_a_room_from_its_first_seat_to_its_last(show: Show, server: RoomServer, gained: Gained) -> None:
    lot_open(lot=show.lots[0], actor=show.host)
    with page(server, show.auction.pk, user=show.bidders[0].user) as hers:
        state = hers.next()
        with page(server, show.auction.pk, path="timer/") as nobodys:
            nobodys.next()
            assert gained("rooms") == 1
            assert gained("seats", "bid+chat+timer") == 1
            assert gained("seats", "timer") == 1
            nobodys.ask("BID", "ERROR", amount="10.00")
        hers.ask("BID", "BID_ACCEPTED", amount="10.00")
        hers.ask("BID", "BID_REJECTED", amount="15.00")
        hers.ask("CHAT", "CHAT", text="hello")
        hers.ask("CHAT", "CHAT_REJECTED", text=" ")
        hers.ask("PING", "PONG", t=1.0)
        sent_ms = server.hub.clock.now_ms() - 7_000
        timer = protocol.Timer(server_time_ms=sent_ms, lot=None, ends_at_ms=None, v=state["v"], epoch=state["epoch"])
        announce_signal_now(show.auction.pk, None, timer)
        hers.until("TIMER")
        eventually(lambda: 7 <= readings()["heartbeat_delay", ""] < 60)
        hers.ask("RESUME", "RESUMED", since=state["v"], epoch=state["epoch"])
    with page(server, 999_999) as lost:
        assert lost.close_code() == CloseCode.NOT_FOUND
    eventually(lambda: gained("rooms") == 0)
    assert gained("seats", "bid+chat+timer") == gained("seats", "timer") == 0
    assert (gained("states", "STATE"), gained("states", "RESUMED")) == (2, 1)
    assert (gained("bids", "accepted"), gained("bids", "already_leading")) == (1, 1)
    assert (gained("chat_lines"), gained("chat_refusals", "empty")) == (1, 1)
    assert (gained("messages", "BID"), gained("messages", "CHAT"), gained("messages", "PING")) == (2, 2, 1)
    assert gained("errors", "wrong_namespace") == 1
    assert gained("closes", 4404) == 1
    assert gained("heartbeats") == 1
    assert readings()["heartbeat_delay", ""] == 0


def test_a_code_that_is_not_known_here_costs_no_answer(gained: Gained) -> None:
    refused = protocol.BidRejected(code="invented_tomorrow", message="No.")
    assert bids._counted(refused) is refused
    assert gained("bids", "other") == 1


def test_versions_that_were_read_from_the_log_are_counted(
    show: Show, server: RoomServer, floor: redis.Redis, gained: Gained
) -> None:
    lot_open(lot=show.lots[0], actor=show.host)
    with page(server, show.auction.pk) as nobodys:
        v = nobodys.next()["v"]
        for bidder, amount in ((0, 1_000), (1, 1_500)):
            offer = calls.BidOffer(show.bidders[bidder].pk, amount)
            run(floor, calls.place_bid(show.auction.pk, offer))
        while nobodys.until("HIGHEST_BID")["v"] < v + 2:
            pass
    assert gained("gaps_filled") == 2


def test_who_is_not_signed_in_is_refused_and_counted(show: Show, server: RoomServer, gained: Gained) -> None:
    with page(server, show.auction.pk) as nobodys:
        nobodys.next()
        nobodys.ask("BID", "BID_REJECTED", amount="10.00")
    assert gained("bids", "sign_in") == 1


def test_a_message_that_the_server_finds_too_large_is_counted(show: Show, server: RoomServer, gained: Gained) -> None:
    with page(server, show.auction.pk) as nobodys:
        nobodys.next()
        nobodys.socket.send("x" * 17_000)
        assert nobodys.close_code() == CloseCode.TOO_LARGE
    eventually(lambda: gained("closes", 1009) == 1)


# --- Prometheus ------------------------------------------------------------------------------------


def test_metrics_are_prometheus_text(client: Client) -> None:
    response = client.get("/metrics")
    assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    found = {family.name: family for family in text_string_to_metric_families(response.content.decode())}
    assert len(found) == len(CATALOGUE)
    for metric in CATALOGUE:
        family = found[metric.prometheus_name.removesuffix("_total")]
        assert (family.type, family.documentation) == (metric.kind, metric.help)
        assert {sample.name for sample in family.samples} == {metric.prometheus_name}
        assert len(family.samples) == len(metric.values())


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("Bearer correct-horse-battery", 200),
        ("bearer correct-horse-battery", 200),
        ("Bearer correct-horse-batterz", 401),
        ("Bearer", 401),
        ("Basic correct-horse-battery", 401),
        ("Bearer ä", 401),
        (None, 401),
    ],
)
def test_with_a_token_set_only_its_bearer_reads(client: Client, settings: Any, header: str | None, status: int) -> None:
    settings.METRICS_TOKEN = "correct-horse-battery"
    response = client.get("/metrics", headers={"Authorization": header} if header else {})
    assert response.status_code == status
    assert (b"auction_seats" in response.content) is (status == 200)
    assert response.headers.get("WWW-Authenticate") == ("Bearer" if status == 401 else None)


@pytest.mark.parametrize(("debug", "demo"), [(True, False), (False, True)])
def test_without_a_token_a_demo_or_development_site_answers(settings: Any, debug: bool, demo: bool) -> None:
    settings.DEBUG, settings.DEMO = debug, demo
    assert api_metrics.metrics(RequestFactory().get("/metrics")).status_code == 200


def test_without_a_token_no_other_site_answers(client: Client, settings: Any) -> None:
    settings.DEMO = False
    assert client.get("/metrics").status_code == 404


def test_a_scraper_behind_the_proxy_is_not_sent_to_https(client: Client, settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics/").status_code == 301
