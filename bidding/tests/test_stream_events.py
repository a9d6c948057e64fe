"""Events of the video service at their address: who may send them, what is taken, and how often."""

from typing import Any

import pytest

from auctions.models import StreamRecording
from auctions.streaming import ivs as ivs_module
from bidding.tests.conftest import Show
from bidding.tests.test_api import check_problem
from bidding.tests.test_streams import channel_of, on_ivs, told
from tests.video import CHANNEL_ARN, EVENTS_SECRET, Service, stream_at_service

__all__ = ["on_ivs", "told"]
pytestmark = pytest.mark.django_db(transaction=True)

URL = "/api/v1/streams/events/"


def event(**changes: Any) -> dict[str, Any]:
    """Return the event that a stream began, with changes."""
    return {
        "version": "0",
        "id": "01234567-0123-0123-0123-012345678901",
        "detail-type": "IVS Stream State Change",
        "source": "aws.ivs",
        "account": "123456789012",
        "time": "2026-11-25T10:00:00Z",
        "region": "eu-central-1",
        "resources": [CHANNEL_ARN],
        "detail": {"event_name": "Stream Start", "channel_name": "a", "stream_id": "st-1"},
    } | changes


def recording(status: str, at: str, **changes: Any) -> dict[str, Any]:
    """Return the event of a recording."""
    detail = {
        "recording_status": status,
        "recording_s3_bucket_name": "recordings",
        "recording_s3_key_prefix": "ivs/v1/123456789012/AbCd/2026/11/25/10/0/xYz",
        "recording_duration_ms": 0,
    }
    kind = "IVS Recording State Change"
    return event(**{"id": f"{status}-1".replace(" ", "-"), "detail-type": kind, "time": at, "detail": detail | changes})


@pytest.fixture
def send(client):
    """Return a way to send an event, with the site's secret or another one."""

    def send(body: Any, *, secret: str | None = EVENTS_SECRET, content_type: str = "application/json") -> Any:
        headers = {} if secret is None else {"X-Stream-Secret": secret}
        return client.post(URL, body, content_type=content_type, headers=headers)

    return send


def live(ivs: Service) -> None:
    ivs.answers("get_stream", {"stream": stream_at_service()}, channelArn=CHANNEL_ARN)


def offline(ivs: Service) -> None:
    ivs.fails("get_stream", "ChannelNotBroadcasting", status=404)


def test_an_event_lets_the_site_ask_and_the_room_hear(ivs: Service, on_ivs: Show, told, send) -> None:
    live(ivs)
    assert send(event()).status_code == 204
    [(auction, message)] = told
    assert (auction, message.stream.state, message.stream.kind) == (on_ivs.auction.pk, "live", "ivs")


def test_an_event_that_comes_again_is_taken_once(ivs: Service, on_ivs: Show, told, send) -> None:
    live(ivs)
    assert [send(event()).status_code for _ in range(3)] == [204, 204, 204]
    assert len(told) == 1


def test_events_out_of_order_leave_what_the_service_says(ivs: Service, on_ivs: Show, told, send) -> None:
    live(ivs)
    ended = event(id="ended", detail={"event_name": "Stream End"}, time="2026-11-25T09:00:00Z")
    assert send(ended).status_code == 204
    live(ivs)
    assert send(event(id="began", time="2026-11-25T08:00:00Z")).status_code == 204
    assert [message.stream.state for _, message in told] == ["live"]
    offline(ivs)
    assert send(event(id="began-again")).status_code == 204
    assert [message.stream.state for _, message in told] == ["live", "offline"]


def test_an_event_of_health_lets_the_site_ask_too(ivs: Service, on_ivs: Show, told, send) -> None:
    live(ivs)
    assert send(event(**{"detail-type": "IVS Stream Health Change"})).status_code == 204


def test_what_could_not_be_taken_is_taken_when_it_comes_again(ivs: Service, on_ivs: Show, told, send) -> None:
    ivs.fails("get_stream", "InternalServerException", status=500, times=ivs_module.TRIES)
    check_problem(send(event()), 503, "unavailable")
    live(ivs)
    assert send(event()).status_code == 204
    assert len(told) == 1


def test_an_event_while_the_side_server_is_away_is_asked_for_again(on_ivs: Show, told, send, settings) -> None:
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}}
    check_problem(send(event()), 503, "unavailable")


@pytest.mark.parametrize(
    "secret", [None, "", "wrong", EVENTS_SECRET[:-1], EVENTS_SECRET + "x", "ü", EVENTS_SECRET.upper()]
)
def test_without_the_secret_nothing_is_read(ivs: Service, on_ivs: Show, told, send, secret) -> None:
    check_problem(send(event(), secret=secret), 401, "wrong_secret")
    check_problem(send("{", secret=secret), 401, "wrong_secret")
    assert told == []


def test_secrets_are_compared_in_constant_time(ivs: Service, on_ivs: Show, send, monkeypatch) -> None:
    compared: list[tuple[str, str]] = []

    def compare(given: str, wanted: str) -> bool:
        compared.append((given, wanted))
        return False

    monkeypatch.setattr("bidding.api_streams.constant_time_compare", compare)
    assert send(event(), secret="guess").status_code == 401
    assert compared == [("guess", EVENTS_SECRET)]


def test_a_site_without_a_secret_takes_no_events(ivs: Service, on_ivs: Show, send, settings) -> None:
    settings.IVS_EVENTS_SECRET = ""
    for secret in ("", None):
        check_problem(send(event(), secret=secret), 404, "not_found")


def test_a_channel_of_somebody_else_is_unknown(ivs: Service, on_ivs: Show, told, send) -> None:
    check_problem(send(event(resources=[f"{CHANNEL_ARN}x"])), 404, "not_found")
    on_ivs.auction.refresh_from_db()
    channel = channel_of(on_ivs)
    channel.provider = "local"
    channel.save()
    check_problem(send(event()), 404, "not_found")
    assert told == []


@pytest.mark.parametrize(
    "changes",
    [
        {"id": None},
        {"id": "a b"},
        {"id": "x" * 65},
        {"id": ["x"]},
        {"source": "aws.s3"},
        {"time": "yesterday"},
        {"resources": []},
        {"resources": "arn"},
        {"resources": [CHANNEL_ARN] * 11},
        {"resources": [{"a": 1}]},
        {"detail": "text"},
        {"detail-type": None},
        {"detail-type": 7 * "long" * 20},
    ],
)
def test_what_is_no_event_is_refused_in_words(ivs: Service, on_ivs: Show, told, send, changes) -> None:
    body = check_problem(send(event(**changes)), 400, "invalid")
    assert body["errors"][0]["field"].split(".")[0] in changes
    assert told == []


@pytest.mark.parametrize(
    ("body", "status", "code"), [("{", 400, "bad_json"), ("[]", 400, "invalid"), ("7", 400, "invalid")]
)
def test_what_cannot_be_read_is_a_problem(ivs: Service, on_ivs: Show, send, body, status, code) -> None:
    check_problem(send(body), status, code)


def test_another_kind_of_event_means_nothing_here(ivs: Service, on_ivs: Show, told, send) -> None:
    assert send(event(**{"detail-type": "IVS Limit Breach"})).status_code == 204
    assert told == []


# --- Recordings ----------------------------------------------------------------------------------------

BEGUN, ENDED = "2026-11-25T10:00:00Z", "2026-11-25T11:00:00Z"


@pytest.mark.parametrize("order", [("began", "ended"), ("ended", "began"), ("ended",), ("began", "ended", "began")])
def test_a_recording_is_found_in_whatever_order_it_is_told(ivs: Service, on_ivs: Show, send, order) -> None:
    bodies = {
        "began": recording("Recording Start", BEGUN),
        "ended": recording("Recording End", ENDED, recording_duration_ms=3_600_000),
    }
    for number, which in enumerate(order):
        assert send(bodies[which] | {"id": f"e-{number}"}).status_code == 204
    found = StreamRecording.objects.get()
    assert (found.channel, found.bucket) == (channel_of(on_ivs), "recordings")
    assert found.prefix == "ivs/v1/123456789012/AbCd/2026/11/25/10/0/xYz"
    assert found.ended_at is not None
    assert (found.started_at.hour, found.ended_at.hour) == (10, 11)


def test_a_recording_that_runs_has_no_end(ivs: Service, on_ivs: Show, send) -> None:
    assert send(recording("Recording Start", BEGUN)).status_code == 204
    assert StreamRecording.objects.get().ended_at is None


def test_a_recording_that_failed_is_none_and_the_stream_is_looked_at(ivs: Service, on_ivs: Show, told, send) -> None:
    offline(ivs)
    assert send(recording("Recording Start Failure", BEGUN)).status_code == 204
    assert not StreamRecording.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"recording_s3_key_prefix": "../../etc"},
        {"recording_s3_key_prefix": "a?b=c"},
        {"recording_s3_bucket_name": "B"},
        {"recording_duration_ms": -1},
        {"recording_duration_ms": 10**30},
    ],
)
def test_a_place_that_is_none_is_not_written_down(ivs: Service, on_ivs: Show, send, changes) -> None:
    check_problem(send(recording("Recording End", ENDED, **changes)), 400, "invalid")
    assert not StreamRecording.objects.exists()
