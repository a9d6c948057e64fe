"""Amazon IVS as a provider: what it is asked, held against its own model, and what each of its errors does."""

import ast
import http.server
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import jwt
import pytest
from botocore.response import StreamingBody
from django.core.cache import cache
from django.utils import timezone
from redis.exceptions import RedisError

from accounts.models import Organizer
from auctions.models import Auction, StreamChannel, StreamRecording, Visibility
from auctions.services import auction_create
from auctions.streaming import ivs as module
from auctions.streaming import ivs_recordings, provider, provider_of
from auctions.streaming.base import StreamServiceAway, StreamState, StreamStatus, StreamTrouble
from tests.aws import REGION, LooseCall, Script, hold_to_model, stubbed
from tests.pools import moto_server
from tests.video import (
    CHANNEL_ARN,
    INGEST,
    KEY_ARN,
    PLAYBACK_KEY,
    PLAYBACK_URL,
    RECORDING_ARN,
    Service,
    channel_at_service,
    made,
    stream_at_service,
    use_ivs,
)

pytestmark = pytest.mark.django_db

KEY = {"arn": KEY_ARN, "channelArn": CHANNEL_ARN}
NAME = "127-0-0-1-8000-{kind}-{pk}"


@pytest.fixture
def row(ivs: Service, organizer: Organizer) -> StreamChannel:
    """Return a channel of which the service knows nothing yet."""
    return provider().assign_channel(organizer, private=False)


@pytest.fixture
def channel(row: StreamChannel) -> StreamChannel:
    """Return a channel that is there."""
    return made(row)


@pytest.fixture
def private(ivs: Service, organizer: Organizer) -> StreamChannel:
    """Return a private channel that is there."""
    return made(provider().assign_channel(organizer, private=True))


# --- Channels ------------------------------------------------------------------------------------------


def test_a_channel_is_assigned_without_a_call_and_used_again(ivs, organizer):
    first = provider().assign_channel(organizer, private=False)
    assert provider().assign_channel(organizer, private=False) == first
    private = provider().assign_channel(organizer, private=True)
    assert (private != first, private.is_private, first.external_id) == (True, True, "")
    assert provider().assign_channel(organizer, private=True) != private
    assert provider().status(first).state == StreamState.UNKNOWN
    with pytest.raises(StreamTrouble, match="being made"):
        provider().ingest(first)


@pytest.mark.parametrize("kind", ["open", "private"])
def test_a_channel_is_made_once_with_its_recording(ivs, organizer, settings, kind):
    settings.IVS_RECORDING_ARN = RECORDING_ARN
    row = provider().assign_channel(organizer, private=kind == "private")
    name = NAME.format(kind=kind, pk=row.pk)
    ivs.answers("list_channels", {"channels": []}, filterByName=name)
    ivs.answers(
        "create_channel",
        {"channel": channel_at_service(name=name), "streamKey": {**KEY, "value": "sk_first"}},
        name=name,
        latencyMode="LOW",
        type="STANDARD",
        authorized=kind == "private",
        recordingConfigurationArn=RECORDING_ARN,
    )
    provider().prepare(row)
    provider().prepare(row)
    row.refresh_from_db()
    assert (row.external_id, row.playback_url) == (CHANNEL_ARN, PLAYBACK_URL)
    assert row.ingest_url == f"rtmps://{INGEST}:443/app/"
    assert row.stream_key == ""


def test_a_channel_that_an_earlier_attempt_made_is_found_by_its_whole_name(ivs, row):
    name = NAME.format(kind="open", pk=row.pk)
    others = {"arn": f"{CHANNEL_ARN}other", "name": f"{name}1"}
    ivs.answers("list_channels", {"channels": [others, {"arn": CHANNEL_ARN, "name": name}]}, filterByName=name)
    ivs.answers("get_channel", {"channel": channel_at_service()}, arn=CHANNEL_ARN)
    provider().prepare(row)
    assert row.external_id == CHANNEL_ARN


# --- Keys ----------------------------------------------------------------------------------------------


def test_a_key_is_shown_once_and_kept_by_nobody(ivs, channel):
    ivs.answers("list_stream_keys", {"streamKeys": [KEY]}, channelArn=CHANNEL_ARN)
    ivs.answers("delete_stream_key", arn=KEY_ARN)
    ivs.answers("create_stream_key", {"streamKey": {**KEY, "value": "sk_new"}}, channelArn=CHANNEL_ARN)
    given = provider().rotate_key(channel)
    assert (given.url, given.key) == (f"rtmps://{INGEST}:443/app/", "sk_new")
    channel.refresh_from_db()
    assert provider().ingest(channel).key == ""
    assert "sk_new" not in str(vars(channel))


def test_the_camera_page_shows_a_key_once(ivs, host, organizer, client):
    auction = auction_create(actor=host, organizer=organizer, title="Lamps")
    address = f"/host/auctions/{auction.pk}/camera/"
    client.force_login(host)
    assert "The video channel is being made" in client.get(address, follow=True).content.decode()
    made(StreamChannel.objects.get())
    page = client.get(address).content.decode()
    assert f"rtmps://{INGEST}:443/app/" in page
    assert 'id="key"' not in page
    ivs.answers("list_stream_keys", {"streamKeys": [KEY]}, channelArn=CHANNEL_ARN)
    ivs.answers("delete_stream_key", arn=KEY_ARN)
    ivs.answers("create_stream_key", {"streamKey": {**KEY, "value": "sk_new"}}, channelArn=CHANNEL_ARN)
    shown = client.post(address, {"action": "rotate"})
    assert 'value="sk_new"' in shown.content.decode()
    assert "no-store" in shown["Cache-Control"]
    assert "sk_new" not in client.get(address).content.decode()


def test_a_browser_that_sends_gets_a_key_on_demand_and_no_page_holds_it(ivs, host, organizer, client, stranger):
    auction = auction_create(actor=host, organizer=organizer, title="Lamps")
    address = f"/host/auctions/{auction.pk}/camera/key/"
    client.force_login(host)
    answer = client.post(address)
    assert (answer.status_code, answer.json()["code"]) == (409, "unavailable")
    assert "being made" in answer.json()["detail"]
    made(StreamChannel.objects.get())
    ivs.answers("list_stream_keys", {"streamKeys": [KEY]}, channelArn=CHANNEL_ARN)
    ivs.answers("delete_stream_key", arn=KEY_ARN)
    ivs.answers("create_stream_key", {"streamKey": {**KEY, "value": "sk_new"}}, channelArn=CHANNEL_ARN)
    answer = client.post(address)
    assert answer.json() == {"endpoint": INGEST, "key": "sk_new"}
    assert "no-store" in answer["Cache-Control"]
    for page in (f"/host/auctions/{auction.pk}/camera/", f"/host/auctions/{auction.pk}/"):
        assert "sk_new" not in client.get(page).content.decode()
    assert client.get(address).status_code == 405
    client.force_login(stranger)
    assert client.post(address).status_code == 404


def test_the_policy_lets_in_the_broadcast_sdk_on_the_cameras_page_alone(ivs, host, organizer, client):
    auction = auction_create(actor=host, organizer=organizer, title="Lamps")
    made(StreamChannel.objects.get())
    client.force_login(host)
    camera, other = (client.get(f"/host/auctions/{auction.pk}/{page}") for page in ("camera/", ""))
    for page, is_let_in in ((camera, True), (other, False)):
        assert ("https://web-broadcast.live-video.net" in page["Content-Security-Policy"]) is is_let_in
        assert ("wss://*.live-video.net" in page["Content-Security-Policy"]) is is_let_in


def test_the_relay_needs_no_sdk_and_gives_no_key_on_demand(side, host, organizer, client):
    auction = auction_create(actor=host, organizer=organizer, title="Lamps")
    client.force_login(host)
    page = client.get(f"/host/auctions/{auction.pk}/camera/")
    assert "live-video.net" not in page["Content-Security-Policy"]
    assert client.post(f"/host/auctions/{auction.pk}/camera/key/").status_code == 404


def test_a_key_that_somebody_deleted_meanwhile_is_no_trouble(ivs, channel):
    ivs.answers("list_stream_keys", {"streamKeys": [KEY]}, channelArn=CHANNEL_ARN)
    ivs.fails("delete_stream_key", "ResourceNotFoundException", status=404)
    ivs.answers("stop_stream", channelArn=CHANNEL_ARN)
    provider().cut_off(channel)


def test_a_channel_that_was_deleted_at_the_service_is_made_again(ivs, channel):
    ivs.fails("list_stream_keys", "ResourceNotFoundException", status=404)
    with pytest.raises(StreamTrouble, match="A new one is being made"):
        provider().rotate_key(channel)
    channel.refresh_from_db()
    assert channel.external_id == ""


@pytest.mark.parametrize("way", ["cut_off", "end"])
def test_the_key_goes_before_the_stream_is_stopped(ivs, channel, way):
    # The stub takes calls in this order alone: an encoder reconnects at once.
    ivs.answers("list_stream_keys", {"streamKeys": [KEY]}, channelArn=CHANNEL_ARN)
    ivs.answers("delete_stream_key", arn=KEY_ARN)
    ivs.answers("stop_stream", channelArn=CHANNEL_ARN)
    getattr(provider(), way)(channel)
    assert provider().status(channel).state == StreamState.OFFLINE


@pytest.mark.parametrize("code", ["ChannelNotBroadcasting", "ResourceNotFoundException"])
def test_stopping_what_is_not_sent_is_harmless(ivs, channel, code):
    ivs.answers("list_stream_keys", {"streamKeys": []}, channelArn=CHANNEL_ARN)
    ivs.fails("stop_stream", code, status=404)
    provider().end(channel)
    assert provider().status(channel).state == StreamState.OFFLINE


def test_the_end_of_a_channel_that_is_gone_is_harmless(ivs, channel):
    ivs.fails("list_stream_keys", "ResourceNotFoundException", status=404)
    provider().end(channel)


def test_what_was_never_made_needs_no_call_to_end(row):
    provider().end(row)
    provider().archive(row)
    provider().revoke(row, "viewer", up_to=timezone.now())
    assert provider().look(row).state == StreamState.OFFLINE


# --- State ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "known"),
    [
        ({}, StreamStatus(StreamState.LIVE, "healthy", 12)),
        ({"viewerCount": 0, "health": "STARVING"}, StreamStatus(StreamState.LIVE, "starving", 0)),
        ({"viewerCount": -1, "health": "UNKNOWN"}, StreamStatus(StreamState.LIVE, "unknown", None)),
        ({"state": "OFFLINE"}, StreamStatus(StreamState.OFFLINE, "healthy", 12)),
    ],
)
def test_what_the_service_says_is_known_until_it_is_old(ivs, channel, answer, known):
    ivs.answers("get_stream", {"stream": stream_at_service(**answer)}, channelArn=CHANNEL_ARN)
    assert provider().look(channel) == known
    assert provider().status(channel) == known
    cache.delete(f"stream:{channel.pk}:status")
    assert provider().status(channel) == StreamStatus(StreamState.UNKNOWN)


def test_that_nobody_sends_is_a_state_and_no_trouble(ivs, channel):
    ivs.fails("get_stream", "ChannelNotBroadcasting", status=404)
    assert provider().look(channel) == StreamStatus(StreamState.OFFLINE)
    assert provider().status(channel) == StreamStatus(StreamState.OFFLINE)


def test_what_is_known_stays_when_the_service_does_not_answer(ivs, channel):
    ivs.answers("get_stream", {"stream": stream_at_service()}, channelArn=CHANNEL_ARN)
    provider().look(channel)
    ivs.fails("get_stream", "InternalServerException", status=500, times=module.TRIES)
    with pytest.raises(StreamServiceAway):
        provider().look(channel)
    assert provider().status(channel).state == StreamState.LIVE


# --- Watching ------------------------------------------------------------------------------------------


def test_a_public_channel_has_one_address(channel):
    assert provider().playback(channel) == {"kind": "ivs", "url": PLAYBACK_URL}
    assert provider().playback(channel, viewer="v") == {"kind": "ivs", "url": PLAYBACK_URL}


def test_a_private_channel_tells_its_room_where_each_asks_for_their_own(private):
    assert provider().playback(private) == {"kind": "ivs", "url": f"/api/v1/streams/{private.pk}/playback/"}


def test_an_address_of_ones_own_is_signed_short_and_tells_nothing_of_the_person(private, settings):
    before = int(time.time())
    address = provider().playback(private, viewer="0123456789abcdef")["url"]
    url, _, token = address.partition("?token=")
    assert url == PLAYBACK_URL
    assert jwt.get_unverified_header(token) == {"alg": "ES384", "typ": "JWT"}
    claims = jwt.decode(token, PLAYBACK_KEY.public_key(), algorithms=["ES384"])
    made_at = claims.pop("aws:viewer-session-version")
    expires = claims.pop("exp")
    assert claims == {
        "aws:channel-arn": CHANNEL_ARN,
        "aws:access-control-allow-origin": settings.PUBLIC_URL,
        "aws:viewer-id": "0123456789abcdef",
    }
    assert before <= made_at <= time.time()
    assert isinstance(expires, int)
    # Seconds, and within the ten minutes that the service takes.
    assert 0 < expires - made_at <= 600


def test_a_viewer_is_revoked_up_to_a_second(ivs, private):
    at = timezone.now()
    ivs.answers(
        "start_viewer_session_revocation",
        channelArn=CHANNEL_ARN,
        viewerId="v" * 32,
        viewerSessionVersionsLessThanOrEqualTo=int(at.timestamp()),
    )
    provider().revoke(private, "v" * 32, up_to=at)


def test_a_public_channel_has_nobody_to_revoke(channel):
    provider().revoke(channel, "v", up_to=timezone.now())


# --- Notes beside the pictures ---------------------------------------------------------------------------


def test_a_note_is_short_text_in_utf_8(ivs, channel):
    ivs.answers("put_metadata", channelArn=CHANNEL_ARN, metadata='{"v":17,"number":"12é"}')
    provider().send_metadata(channel, {"v": 17, "number": "12é"})


def test_a_note_above_a_kilobyte_is_never_sent(channel):
    overhead = len('{"t":""}')
    with pytest.raises(StreamTrouble, match="too long"):
        provider().send_metadata(channel, {"t": "é" * ((1_024 - overhead) // 2 + 1)})


def test_a_note_of_a_kilobyte_is_sent(ivs, channel):
    text = "é" * ((1_024 - len('{"t":""}')) // 2)
    ivs.answers("put_metadata", channelArn=CHANNEL_ARN, metadata=f'{{"t":"{text}"}}')
    provider().send_metadata(channel, {"t": text})


def test_a_note_never_waits_and_is_never_sent_later(ivs, channel):
    ivs.fails("put_metadata", "ThrottlingException", status=429)
    with pytest.raises(StreamTrouble, match="busy"):
        provider().send_metadata(channel, {"v": 1})
    now = int(time.time())
    for second in range(now, now + 5):
        cache.set(f"ivs:put_metadata:{CHANNEL_ARN}:{second}", module.CALLS_PER_SECOND, timeout=30)
    with pytest.raises(StreamTrouble, match="busy"):
        provider().send_metadata(channel, {"v": 2})
    assert ivs.pauses == []


@pytest.mark.parametrize("code", ["ChannelNotBroadcasting", "ResourceNotFoundException"])
def test_a_note_without_pictures_is_no_trouble(ivs, channel, code):
    ivs.fails("put_metadata", code, status=404)
    provider().send_metadata(channel, {"v": 1})


# --- Recordings ----------------------------------------------------------------------------------------


def recording(channel: StreamChannel, auction: Auction | None = None, **fields: Any) -> StreamRecording:
    now = timezone.now()
    place = {"bucket": "recordings", "prefix": "ivs/v1/show", "started_at": now, "ended_at": now}
    return StreamRecording(channel=channel, auction=auction, **place | fields)


def test_the_replay_of_an_invite_only_show_is_never_where_everybody_is_served(channel, draft_auction, settings):
    ours = f"/auctions/{draft_auction.slug}/replay/7/hls/master.m3u8"
    settings.IVS_RECORDINGS_URL = ""
    assert provider_of(channel).replay(recording(channel, pk=7), draft_auction) == {"kind": "hls", "url": ours}
    settings.IVS_RECORDINGS_URL = "https://recordings.example"
    served = provider_of(channel).replay(recording(channel, pk=7), draft_auction)
    assert served == {"kind": "hls", "url": "https://recordings.example/ivs/v1/show/media/hls/master.m3u8"}
    draft_auction.visibility = Visibility.INVITE_ONLY
    assert provider_of(channel).replay(recording(channel, pk=7), draft_auction) == {"kind": "hls", "url": ours}


@pytest.fixture
def bucket(settings, monkeypatch) -> Iterator[Script]:
    """Return the bucket of the recordings as a script of calls and answers."""
    settings.IVS_REGION = REGION
    with stubbed("s3") as (client, stubber):
        monkeypatch.setattr(ivs_recordings, "client", lambda: client)
        yield stubber


def playlist_in(bucket: Script, name: str, text: str) -> None:
    body = StreamingBody(BytesIO(text.encode()), len(text))
    asked = {"Bucket": "recordings", "Key": f"ivs/v1/show/media/hls/{name}"}
    bucket.add_response("get_object", {"Body": body}, asked)


def test_playlists_stay_here_and_segments_are_signed_one_by_one(channel, bucket):
    playlist_in(bucket, "master.m3u8", '#EXTM3U\n#EXT-X-MEDIA:URI="sound/playlist.m3u8"\n720p30/playlist.m3u8\n')
    assert ivs_recordings.playlist(recording(channel), "master.m3u8") == (
        '#EXTM3U\n#EXT-X-MEDIA:URI="sound/playlist.m3u8"\n720p30/playlist.m3u8\n'
    )
    playlist_in(
        bucket, "720p30/playlist.m3u8", '#EXTM3U\n#EXT-X-MAP:URI="init.mp4"\n#EXTINF:6.0,\n1.ts\n\n#EXT-X-ENDLIST'
    )
    # Signing calls nobody, but the client's model sees it as a call.
    bucket.expected += ["get_object"] * 2
    told = ivs_recordings.playlist(recording(channel), "720p30/playlist.m3u8")
    assert told is not None
    lines = told.splitlines()
    assert (lines[0], lines[2], lines[4], lines[5]) == ("#EXTM3U", "#EXTINF:6.0,", "", "#EXT-X-ENDLIST")
    for line, name in ((lines[1].split('"')[1], "init.mp4"), (lines[3], "1.ts")):
        address = urlsplit(line)
        assert address.path.endswith(f"/ivs/v1/show/media/hls/720p30/{name}")
        assert "Signature" in address.query


@pytest.mark.parametrize(
    "name", ["../../../secret.m3u8", "1.ts", "a/b/c.m3u8", "/master.m3u8", "master.m3u8/", "x/../../y.m3u8", ""]
)
def test_nothing_but_a_playlist_is_ever_asked_of_the_bucket(channel, bucket, name):
    assert ivs_recordings.playlist(recording(channel), name) is None


def test_a_bucket_without_the_playlist_has_none_and_one_that_refuses_is_trouble(channel, bucket):
    bucket.add_client_error("get_object", "NoSuchKey", http_status_code=404)
    assert ivs_recordings.playlist(recording(channel), "master.m3u8") is None
    bucket.add_client_error("get_object", "AccessDenied", http_status_code=403)
    with pytest.raises(StreamTrouble):
        ivs_recordings.playlist(recording(channel), "master.m3u8")


def test_everything_of_a_recording_is_erased_however_much_it_is(channel, bucket):
    asked = {"Bucket": "recordings", "Prefix": "ivs/v1/show/"}
    for keys in (["ivs/v1/show/a", "ivs/v1/show/b"], ["ivs/v1/show/c"], []):
        bucket.add_response("list_objects_v2", {"Contents": [{"Key": key} for key in keys]}, asked)
        if keys:
            objects = {"Objects": [{"Key": key} for key in keys], "Quiet": True}
            bucket.add_response("delete_objects", {}, {"Bucket": "recordings", "Delete": objects})
    provider_of(channel).erase(recording(channel))


def test_nothing_is_called_of_the_bucket_that_is_not_named():
    source = Path(ivs_recordings.__file__).read_text()
    called = set(re.findall(r"client\(\)\.(\w+)\(", source)) - {"generate_presigned_url"}
    assert called == set(ivs_recordings.ACTIONS)
    page = (Path(__file__).parents[2] / "docs" / "ivs.md").read_text()
    assert [action for action in ivs_recordings.ACTIONS.values() if f"`{action}`" not in page] == []


def test_what_cannot_be_erased_is_trouble(channel, bucket):
    bucket.add_response("list_objects_v2", {"Contents": [{"Key": "ivs/v1/show/a"}]})
    bucket.add_response("delete_objects", {"Errors": [{"Key": "ivs/v1/show/a", "Code": "AccessDenied"}]})
    with pytest.raises(StreamTrouble):
        provider_of(channel).erase(recording(channel))


# --- Errors --------------------------------------------------------------------------------------------

ANSWERS: dict[str, dict[str, Any]] = {
    "list_channels": {"channels": []},
    "create_channel": {"channel": channel_at_service()},
    "list_stream_keys": {"streamKeys": [KEY]},
    "create_stream_key": {"streamKey": {**KEY, "value": "sk_new"}},
    "get_stream": {"stream": stream_at_service()},
}
WAYS: dict[str, list[str]] = {
    "prepare": ["list_channels", "create_channel"],
    "find": ["list_channels", "get_channel"],
    "rotate_key": ["list_stream_keys", "delete_stream_key", "create_stream_key"],
    "look": ["get_stream"],
    "send_metadata": ["put_metadata"],
    "revoke": ["start_viewer_session_revocation"],
    "cut_off": ["list_stream_keys", "delete_stream_key", "stop_stream"],
    "archive": ["delete_channel"],
}
"""What each way asks, in order."""
HARMLESS = "harmless"
GROUPS: dict[str, tuple[set[str], type[StreamTrouble], str]] = {
    "busy": ({"ThrottlingException"}, StreamTrouble, "busy"),
    "away": (
        {"InternalServerException", "ServiceUnavailable", "StreamUnavailable"},
        StreamServiceAway,
        "does not answer",
    ),
    "full": ({"ServiceQuotaExceededException"}, StreamTrouble, "a limit of its account"),
    "closed": (
        {"AccessDeniedException", "PendingVerification", "UnrecognizedClientException", "ExpiredTokenException"},
        StreamTrouble,
        "refuses this site",
    ),
    "odd": ({"ValidationException", "ConflictException", "WhatIsThis"}, StreamTrouble, "did not take"),
}
STATUS = {"ThrottlingException": 429, "InternalServerException": 500, "ServiceUnavailable": 503}
STATUS |= {"StreamUnavailable": 503}
HARMLESS_AT = {
    ("get_stream", "ChannelNotBroadcasting"),
    ("get_stream", "ResourceNotFoundException"),
    ("stop_stream", "ChannelNotBroadcasting"),
    ("stop_stream", "ResourceNotFoundException"),
    ("put_metadata", "ChannelNotBroadcasting"),
    ("put_metadata", "ResourceNotFoundException"),
    ("delete_stream_key", "ResourceNotFoundException"),
    ("delete_channel", "ResourceNotFoundException"),
    ("start_viewer_session_revocation", "ResourceNotFoundException"),
}
RETRIED = {"ThrottlingException", "InternalServerException", "ServiceUnavailable", "StreamUnavailable"}


def errors_of(operation: str) -> set[str]:
    """Return the errors that the model names for an operation, and those that any call may meet."""
    with stubbed("ivs") as (client, _):
        model = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation])
    named = {shape.name for shape in model.error_shapes}
    return named | set().union(*(codes for codes, _, _ in GROUPS.values()))


def do(way: str, channel: StreamChannel) -> None:
    actions: dict[str, Callable[[], object]] = {
        "prepare": lambda: provider().prepare(channel),
        "find": lambda: provider().prepare(channel),
        "rotate_key": lambda: provider().rotate_key(channel),
        "look": lambda: provider().look(channel),
        "send_metadata": lambda: provider().send_metadata(channel, {"v": 1}),
        "revoke": lambda: provider().revoke(channel, "v", up_to=timezone.now()),
        "cut_off": lambda: provider().cut_off(channel),
        "archive": lambda: provider().archive(channel),
    }
    actions[way]()


@pytest.mark.parametrize(
    ("way", "operation", "code"),
    [
        (way, operation, code)
        for way, operations in WAYS.items()
        for operation in operations
        for code in sorted(errors_of(operation))
        # Said above: the channel is gone, and the host is told that another is made.
        if not (way in ("rotate_key", "cut_off") and operation in ("list_stream_keys", "create_stream_key"))
        or code != "ResourceNotFoundException"
    ],
)
def test_every_error_of_every_operation_has_a_behaviour(ivs, organizer, monkeypatch, way, operation, code):
    monkeypatch.setattr(module, "CALLS_PER_SECOND", 1_000)
    channel = provider().assign_channel(organizer, private=way == "revoke")
    if way not in ("prepare", "find"):
        made(channel)
    name = NAME.format(kind="open", pk=channel.pk)
    for earlier in WAYS[way][: WAYS[way].index(operation)]:
        found = {"channels": [{"arn": CHANNEL_ARN, "name": name}]} if way == "find" else ANSWERS.get(earlier, {})
        ivs.stubber.add_response(earlier, found)
    again = code in RETRIED and operation != "put_metadata"
    if code in RETRIED - {"ThrottlingException"} and operation.startswith("create_"):
        again = False
    ivs.fails(operation, code, status=STATUS.get(code, 400), times=module.TRIES if again else 1)
    if (operation, code) in HARMLESS_AT:
        for later in WAYS[way][WAYS[way].index(operation) + 1 :]:
            ivs.stubber.add_response(later, ANSWERS.get(later, {}))
        do(way, channel)
        return
    group = next((group for group in GROUPS.values() if code in group[0]), (set(), StreamTrouble, "is gone"))
    with pytest.raises(StreamTrouble) as trouble:
        do(way, channel)
    assert type(trouble.value) is group[1] or code == "ResourceNotFoundException"
    assert group[2] in str(trouble.value)
    assert "private words" not in str(trouble.value)
    assert len(ivs.pauses) == (module.TRIES - 1 if again else 0)


def test_the_list_of_permissions_is_what_is_called_and_what_the_tests_call():
    calls = [
        node for node in ast.walk(ast.parse(Path(module.__file__).read_text("utf-8"))) if isinstance(node, ast.Call)
    ]
    asked = [node.args[0] for node in calls if isinstance(node.func, ast.Name) and node.func.id == "_ask"]
    called = {ast.literal_eval(operation) for operation in asked}
    assert called == set(module.ACTIONS)
    with stubbed("ivs") as (client, _):
        names = client.meta.method_to_api_mapping
    assert {operation: f"ivs:{names[operation]}" for operation in called} == module.ACTIONS
    assert set(module.ACTIONS) == {operation for operations in WAYS.values() for operation in operations}


def test_every_error_of_the_service_is_in_the_documentation():
    page = (Path(__file__).parents[2] / "docs/ivs.md").read_text("utf-8")
    assert {code for operation in module.ACTIONS for code in errors_of(operation) if f"`{code}`" not in page} == {
        "WhatIsThis"
    }


def test_a_gateway_with_words_of_its_own_is_understood_by_its_status(ivs, channel):
    ivs.fails("get_stream", "TooManyRequestsException", status=429)
    ivs.fails("get_stream", "502", status=502)
    ivs.answers("get_stream", {"stream": stream_at_service()}, channelArn=CHANNEL_ARN)
    assert provider().look(channel).state == StreamState.LIVE
    assert len(ivs.pauses) == 2


def test_pauses_grow_are_random_and_have_an_end(ivs, channel, monkeypatch):
    asked: list[tuple[float, float]] = []

    def draw(low: float, high: float) -> float:
        asked.append((low, high))
        return high

    monkeypatch.setattr("random.uniform", draw)
    monkeypatch.setattr(module, "TRIES", 6)
    ivs.fails("get_stream", "ThrottlingException", status=429, times=6)
    with pytest.raises(StreamTrouble):
        provider().look(channel)
    longest = [high for low, high in asked if low == 0.1]
    assert longest == [1.0, 2.0, 4.0, 4.0, 4.0]


def test_calls_of_all_processes_take_turns(ivs, channel):
    start = int(time.time())
    for second in (start, start + 1):
        cache.set(f"ivs:get_stream::{second}", module.CALLS_PER_SECOND, timeout=30)
    ivs.answers("get_stream", {"stream": stream_at_service()}, channelArn=CHANNEL_ARN)
    provider().look(channel)
    assert time.time() >= start + 2


def test_without_the_side_server_calls_are_made_at_once(ivs, channel, settings):
    settings.CACHES = {
        "default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"},
    }
    ivs.answers("get_stream", {"stream": stream_at_service()}, channelArn=CHANNEL_ARN)
    assert provider().look(channel).state == StreamState.LIVE
    assert provider().status(channel).state == StreamState.UNKNOWN


def test_a_side_server_that_does_not_answer_is_not_asked_for_every_room(ivs, channel, monkeypatch):
    asked: list[str] = []

    def frozen(key: str) -> None:
        asked.append(key)
        raise RedisError("frozen")

    monkeypatch.setattr(cache, "get", frozen)
    assert {provider().status(channel).state for _ in range(50)} == {StreamState.UNKNOWN}
    assert len(asked) < 10


# --- What botocore lets through --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("create_channel", {"name": "two words"}),
        ("create_channel", {"latencyMode": "ULTRA_LOW"}),
        ("create_channel", {"name": "n" * 129}),
        ("create_channel", {"recordingConfigurationArn": "arn:aws:s3:::bucket"}),
        ("get_stream", {"channelArn": "AbCdEfGh"}),
        ("start_viewer_session_revocation", {"channelArn": CHANNEL_ARN, "viewerId": "v" * 41}),
        (
            "start_viewer_session_revocation",
            {"channelArn": CHANNEL_ARN, "viewerId": "v", "viewerSessionVersionsLessThanOrEqualTo": 2**31},
        ),
    ],
)
def test_the_tests_refuse_calls_that_the_service_would(operation, arguments):
    with stubbed("ivs") as (client, _), pytest.raises(LooseCall):
        getattr(client, operation)(**arguments)


# --- Over the wire -------------------------------------------------------------------------------------


@pytest.fixture
def real_client(settings, side, monkeypatch) -> Iterator[Callable[[str], None]]:
    """Let the site's own client reach an address of this machine."""
    use_ivs(settings)
    for name, value in {"ACCESS_KEY_ID": "x", "SECRET_ACCESS_KEY": "x", "EC2_METADATA_DISABLED": "true"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setattr(module, "_sleep", lambda seconds: None)

    def reach(url: str) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL_IVS", url)
        module.client.cache_clear()

    yield reach
    module.client.cache_clear()


@contextmanager
def answering(status: int) -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_client_itself_repeats_nothing(real_client, organizer):
    channel = made(provider().assign_channel(organizer, private=False))
    with answering(503) as (url, asked):
        real_client(url)
        with pytest.raises(StreamServiceAway):
            provider().look(channel)
    assert asked == ["/GetStream"] * module.TRIES


def test_a_service_that_cannot_be_reached_is_away_at_once(real_client, organizer):
    channel = made(provider().assign_channel(organizer, private=False))
    real_client("http://127.0.0.1:1")
    with pytest.raises(StreamServiceAway):
        provider().look(channel)


def test_without_credentials_the_host_hears_that_the_site_is_refused(real_client, organizer, monkeypatch, tmp_path):
    channel = made(provider().assign_channel(organizer, private=False))
    real_client("http://127.0.0.1:1")
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.delenv(f"AWS_{name}")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(StreamTrouble, match="refuses this site"):
        provider().look(channel)


@pytest.mark.timeout(120)
def test_channels_at_moto(real_client, organizer):
    with moto_server() as url:
        real_client(url)
        hold_to_model(module.client())
        row, private = (provider().assign_channel(organizer, private=private) for private in (False, True))
        provider().prepare(row)
        provider().prepare(private)
        service = boto3.client("ivs", REGION, endpoint_url=url, aws_access_key_id="x", aws_secret_access_key="x")
        at_service = {each["arn"]: each for each in service.list_channels()["channels"]}
        assert set(at_service) == {row.external_id, private.external_id}
        assert at_service[row.external_id]["authorized"] is False
        assert at_service[private.external_id]["authorized"] is True
        first = (row.external_id, row.playback_url, row.ingest_url)
        # The answer was lost before it was written down.
        row.external_id = row.playback_url = row.ingest_url = ""
        provider().prepare(row)
        assert (row.external_id, row.playback_url, row.ingest_url) == first
        assert len(service.list_channels()["channels"]) == 2
        for _ in range(2):
            provider().archive(private)
        assert [each["arn"] for each in service.list_channels()["channels"]] == [row.external_id]
