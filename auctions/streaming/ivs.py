"""Amazon IVS carries the video: channels, keys, states and private addresses, asked for with boto3.

Owns every call to the service. None stands in the way of a bid, of an auction that is created or of a show that
goes live: for those a row is enough, and what the service must know is told to it afterwards, by the clock, until it
took it. `docs/ivs.md` says what each of its errors does. Nobody here keeps a stream key.
"""

import json
import random
import re
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache as once
from typing import Any, Final
from urllib.parse import urlsplit

import boto3
import jwt
import structlog
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError
from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from accounts.models import Organizer
from auctions.models import Auction, StreamChannel, StreamRecording, Visibility
from auctions.streaming import ivs_recordings
from auctions.streaming.base import (
    Ingest,
    Playback,
    StreamProvider,
    StreamServiceAway,
    StreamState,
    StreamStatus,
    StreamTrouble,
    open_channel,
)

logger = structlog.get_logger(__name__)

ACTIONS: Final = {
    "create_channel": "ivs:CreateChannel",
    "delete_channel": "ivs:DeleteChannel",
    "create_stream_key": "ivs:CreateStreamKey",
    "delete_stream_key": "ivs:DeleteStreamKey",
    "get_channel": "ivs:GetChannel",
    "get_stream": "ivs:GetStream",
    "list_channels": "ivs:ListChannels",
    "list_stream_keys": "ivs:ListStreamKeys",
    "put_metadata": "ivs:PutMetadata",
    "start_viewer_session_revocation": "ivs:StartViewerSessionRevocation",
    "stop_stream": "ivs:StopStream",
}
"""Every operation that is called, by its name in boto3, and the permission that it takes. Nothing else is called."""

CALLS_PER_SECOND: Final = 5
"""What IVS allows of each operation, for the whole account; of metadata, for each channel."""
TRIES: Final = 4
LONGEST_PAUSE_S: Final = 4.0
KNOWN_S: Final = 60
"""How long what the service said of a stream counts."""
TOKEN_S: Final = 120
"""How long an address of one's own may be opened; what plays goes on. IVS takes 10 minutes at most."""
LONGEST_METADATA: Final = 1_024
"""Bytes of UTF-8."""

_BUSY: Final = {"ThrottlingException"}
_BROKEN: Final = {"InternalServerException", "ServiceUnavailable", "StreamUnavailable"}
_FULL: Final = {"ServiceQuotaExceededException"}
_CLOSED: Final = {
    "AccessDeniedException",
    "ExpiredTokenException",
    "NoCredentialsError",
    "PendingVerification",
    "UnrecognizedClientException",
}
_ODD: Final = {"ConflictException", "ValidationException"}
_NOT_BROADCASTING, _NOT_THERE, _LOST = "ChannelNotBroadcasting", "ResourceNotFoundException", "connection lost"
_KNOWN: Final = {*_BUSY, *_BROKEN, *_FULL, *_CLOSED, *_ODD, _NOT_BROADCASTING, _NOT_THERE}
_STATES: Final = {"LIVE": StreamState.LIVE, "OFFLINE": StreamState.OFFLINE}

_PAUSE_S: Final = 1.0
"""How long nothing is asked of a side server that did not answer: it may be frozen, and there are many rooms."""
_silent_until: Final = [0.0]
_sleep: Callable[[float], None] = time.sleep


class _NotThere(StreamTrouble):
    """The channel or the key is not there (any more)."""


class _NotBroadcasting(StreamTrouble):
    """Nobody sends: what the service calls an error is a state."""


@once
def client() -> Any:
    """Return this process' client of the service. It never retries by itself: `_ask` paces and says when."""
    config = Config(connect_timeout=2, read_timeout=4, retries={"total_max_attempts": 1})
    return boto3.session.Session().client("ivs", region_name=settings.IVS_REGION, config=config)


class IvsProvider(StreamProvider):
    """One channel an organizer, reused, and one for each invite-only auction."""

    name = "ivs"
    is_remote = True

    # --- At once: no call --------------------------------------------------------------------------------

    def assign_channel(self, organizer: Organizer, *, private: bool) -> StreamChannel:
        """Return the organizer's row, or a private one of its own; `prepare` makes the channel that it stands for."""
        with transaction.atomic():
            # The organizer's row is the lock: two first auctions at once share one channel.
            Organizer.objects.select_for_update().get(pk=organizer.pk)
            channel = None if private else open_channel(organizer, self.name)
            return channel or StreamChannel.objects.create(organizer=organizer, provider=self.name, is_private=private)

    def ingest(self, channel: StreamChannel) -> Ingest:
        """Return the address without the key, which was shown when it was made and is kept by nobody."""
        if not channel.external_id:
            raise StreamTrouble(_("The video channel is being made. Try again in a moment."))
        return Ingest(url=channel.ingest_url, key="")

    def status(self, channel: StreamChannel) -> StreamStatus:
        """Return what the service said last, for as long as that counts; unknown after that."""
        known = None
        if time.monotonic() >= _silent_until[0]:
            try:
                known = cache.get(_status_key(channel))
            except (RedisError, OSError) as error:
                logger.warning("stream_not_read", channel=channel.pk, error=str(error))
                _silent_until[0] = time.monotonic() + _PAUSE_S
        if known is None:
            return StreamStatus(StreamState.UNKNOWN)
        state, health, viewers = known
        return StreamStatus(StreamState(state), health, viewers)

    def playback(self, channel: StreamChannel, *, viewer: str | None = None) -> Playback:
        """Return the public address; of a private channel the viewer's own, or where each viewer gets theirs."""
        if not channel.is_private:
            return Playback(kind=self.name, url=channel.playback_url)
        if viewer is None:
            return Playback(kind=self.name, url=reverse("api-stream-playback", args=(channel.pk,)))
        return Playback(kind=self.name, url=f"{channel.playback_url}?token={_token(channel, viewer)}")

    def replay(self, recording: StreamRecording, auction: Auction) -> Playback:
        """Return the site's own playlist, with signed segments; of a show for all, where the bucket is served from."""
        if settings.IVS_RECORDINGS_URL and auction.visibility != Visibility.INVITE_ONLY:
            served = f"{settings.IVS_RECORDINGS_URL}/{recording.prefix}/media/hls/{ivs_recordings.MASTER}"
            return Playback(kind="hls", url=served)
        names = (auction.slug, recording.pk, ivs_recordings.MASTER)
        return Playback(kind="hls", url=reverse("recording_playlist", args=names))

    def erase(self, recording: StreamRecording) -> None:
        """Delete it from the bucket."""
        ivs_recordings.erase(recording)

    # --- Calls -------------------------------------------------------------------------------------------

    def prepare(self, channel: StreamChannel) -> None:
        """Make the channel, or take the one that an earlier attempt made and could not write down."""
        if channel.external_id:
            return
        name = _channel_name(channel)
        listed = _ask("list_channels", filterByName=name)["channels"]
        arn = next((each["arn"] for each in listed if each.get("name") == name), None)
        if arn is not None:
            made = _ask("get_channel", arn=arn)["channel"]
        else:
            options: dict[str, Any] = {"name": name, "latencyMode": "LOW", "type": "STANDARD"}
            if settings.IVS_RECORDING_ARN:
                options["recordingConfigurationArn"] = settings.IVS_RECORDING_ARN
            made = _ask("create_channel", authorized=channel.is_private, **options)["channel"]
        channel.external_id = made["arn"]
        channel.ingest_url = f"rtmps://{made['ingestEndpoint']}:443/app/"
        channel.playback_url = made["playbackUrl"]
        channel.save(update_fields=["external_id", "ingest_url", "playback_url"])
        logger.info("stream_channel_made", channel=channel.pk, arn=channel.external_id, found=arn is not None)

    def rotate_key(self, channel: StreamChannel) -> Ingest:
        """Replace the key and return the new one, which nobody can ask for again. What is being sent goes on."""
        address = self.ingest(channel)
        try:
            _delete_keys(channel)
            made = _ask("create_stream_key", channelArn=channel.external_id)["streamKey"]
        except _NotThere:
            # Somebody deleted the channel at the service: the clock makes another.
            _forget(channel)
            text = _("The video channel is gone. A new one is being made: try again in a moment.")
            raise StreamTrouble(text) from None
        return Ingest(url=address.url, key=made["value"])

    def look(self, channel: StreamChannel) -> StreamStatus:
        """Ask the service how the stream is, and remember it for `status`."""
        if not channel.external_id:
            return StreamStatus(StreamState.OFFLINE)
        try:
            stream = _ask("get_stream", channelArn=channel.external_id)["stream"]
        except _NotBroadcasting:
            return _remember(channel, StreamStatus(StreamState.OFFLINE))
        except _NotThere:
            _forget(channel)
            return _remember(channel, StreamStatus(StreamState.OFFLINE))
        viewers = stream.get("viewerCount", -1)
        return _remember(
            channel,
            StreamStatus(
                _STATES.get(stream.get("state"), StreamState.UNKNOWN),
                health=stream["health"].lower() if "health" in stream else None,
                # -1: the service did not get round to counting.
                viewers=viewers if viewers >= 0 else None,
            ),
        )

    def send_metadata(self, channel: StreamChannel, payload: Mapping[str, Any]) -> None:
        """Put a note into the stream now or not at all: one that comes later would stand beside other pictures."""
        text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
        if len(text.encode()) > LONGEST_METADATA:
            raise StreamTrouble(_("The note is too long to travel with the pictures."))
        try:
            _ask("put_metadata", once_only=True, channelArn=channel.external_id, metadata=text)
        except (_NotBroadcasting, _NotThere):
            return

    def revoke(self, channel: StreamChannel, viewer: str, *, up_to: datetime) -> None:
        """End the viewer's sessions by their version, the second in which their address was made."""
        if not channel.is_private or not channel.external_id:
            return
        try:
            _ask(
                "start_viewer_session_revocation",
                channelArn=channel.external_id,
                viewerId=viewer,
                viewerSessionVersionsLessThanOrEqualTo=int(up_to.timestamp()),
            )
        except _NotThere:
            return

    def cut_off(self, channel: StreamChannel) -> None:
        """Delete the key first, because an encoder reconnects at once, then stop what is sent."""
        if not channel.external_id:
            return
        try:
            _delete_keys(channel)
            _ask("stop_stream", channelArn=channel.external_id)
        except (_NotBroadcasting, _NotThere):
            pass
        _remember(channel, StreamStatus(StreamState.OFFLINE))

    def end(self, channel: StreamChannel) -> None:
        """Cut it off: each show has a key of its own."""
        self.cut_off(channel)

    def archive(self, channel: StreamChannel) -> None:
        """Delete the channel, so that the account's limit is for shows to come; what was recorded stays."""
        if not channel.external_id:
            return
        try:
            _ask("delete_channel", arn=channel.external_id)
        except _NotThere:
            return


# --- Names, keys, addresses ----------------------------------------------------------------------------


def _channel_name(channel: StreamChannel) -> str:
    """Return the one name that a row's channel ever has, so that it is found again. Other sites share the account."""
    host = re.sub(r"[^A-Za-z0-9]+", "-", urlsplit(settings.PUBLIC_URL).netloc)
    return f"{host[:80]}-{'private' if channel.is_private else 'open'}-{channel.pk}"


def _delete_keys(channel: StreamChannel) -> None:
    for key in _ask("list_stream_keys", channelArn=channel.external_id)["streamKeys"]:
        try:
            _ask("delete_stream_key", arn=key["arn"])
        except _NotThere:
            # Somebody else deleted it a moment ago, which is what was wanted.
            continue


def _token(channel: StreamChannel, viewer: str) -> str:
    now = int(time.time())
    claims = {
        "aws:channel-arn": channel.external_id,
        "aws:access-control-allow-origin": settings.PUBLIC_URL,
        "aws:viewer-id": viewer,
        # Who is let in again later gets a higher version than the one that was revoked.
        "aws:viewer-session-version": now,
        "exp": now + TOKEN_S,
    }
    return jwt.encode(claims, settings.IVS_PLAYBACK_KEY, algorithm="ES384")


def _forget(channel: StreamChannel) -> None:
    logger.error("stream_channel_gone", channel=channel.pk, arn=channel.external_id)
    channel.external_id = channel.ingest_url = channel.playback_url = ""
    channel.save(update_fields=["external_id", "ingest_url", "playback_url"])


def _status_key(channel: StreamChannel) -> str:
    return f"stream:{channel.pk}:status"


def _remember(channel: StreamChannel, status: StreamStatus) -> StreamStatus:
    try:
        cache.set(_status_key(channel), (status.state.value, status.health, status.viewers), timeout=KNOWN_S)
    except (RedisError, OSError) as error:
        logger.warning("stream_not_written", channel=channel.pk, error=str(error))
    return status


# --- Asking --------------------------------------------------------------------------------------------


def _ask(operation: str, *, once_only: bool = False, **arguments: Any) -> dict[str, Any]:
    """Call the service in turn, and again after a growing, random pause where that may help.

    Raises `_NotThere` and `_NotBroadcasting`, which callers know what to do with, `StreamServiceAway` where nothing
    is answered, and else a StreamTrouble for the host.
    """
    assert operation in ACTIONS, operation
    tries = 1 if once_only else TRIES
    for attempt in range(1, tries + 1):
        _take_turn(operation, arguments, wait=not once_only)
        try:
            answer: dict[str, Any] = getattr(client(), operation)(**arguments)
            return answer
        except (ClientError, BotoCoreError) as error:
            code = _code(error)
            trouble = _trouble(code)
            if isinstance(trouble, _NotThere | _NotBroadcasting):
                raise trouble from error
            # What was made although the answer was lost must not be made twice.
            again = code in _BUSY or (code in _BROKEN and not operation.startswith("create_"))
            if not again or attempt == tries:
                passing = code in _BUSY or isinstance(trouble, StreamServiceAway)
                log = logger.warning if passing else logger.error
                log("stream_service_refused", operation=operation, code=code, tries=attempt)
                raise trouble from error
        _sleep(random.uniform(0.1, min(LONGEST_PAUSE_S, 0.5 * 2**attempt)))  # noqa: S311 (a pause, no secret)
    raise AssertionError("the last try returned or raised")


def _code(error: ClientError | BotoCoreError) -> str:
    """Return the service's code of an error; of one that never reached it, the name of the client's exception."""
    if isinstance(error, ConnectionError | HTTPClientError):
        return _LOST
    if isinstance(error, BotoCoreError):
        return type(error).__name__
    code: str = error.response["Error"]["Code"]
    if code in _KNOWN:
        return code
    # A gateway in front of the service has words of its own.
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    return "ThrottlingException" if status == 429 else "ServiceUnavailable" if status >= 500 else code


def _trouble(code: str) -> StreamTrouble:
    """Return what an error of the service means, in words for the host."""
    if code == _NOT_BROADCASTING:
        return _NotBroadcasting()
    if code == _NOT_THERE:
        return _NotThere(_("The video channel is gone."))
    if code in _BUSY:
        return StreamTrouble(_("The video service is busy. Try again in a moment."))
    if code in _BROKEN or code == _LOST:
        return StreamServiceAway(_("The video service does not answer. Bidding goes on without it."))
    if code in _FULL:
        return StreamTrouble(_("The video service takes no more: a limit of its account is reached."))
    if code in _CLOSED:
        return StreamTrouble(_("The video service refuses this site: whoever runs it must look at its account."))
    return StreamTrouble(_("The video service did not take what it was asked."))


def _take_turn(operation: str, arguments: Mapping[str, Any], *, wait: bool) -> None:
    """Wait until the second has room for one more call of this operation by any process of the site.

    While the side server cannot count, nobody waits: the service itself says when it is too much.
    """
    scope = arguments["channelArn"] if operation == "put_metadata" else ""
    while True:
        now = time.time()
        key = f"ivs:{operation}:{scope}:{int(now)}"
        try:
            cache.add(key, 0, timeout=5)
            taken = cache.incr(key)
        except (RedisError, OSError, ValueError):
            return
        if taken <= CALLS_PER_SECOND:
            return
        if not wait:
            raise StreamTrouble(_("The video service is busy. Try again in a moment."))
        _sleep(int(now) + 1 - now + random.uniform(0, 0.1))  # noqa: S311 (a pause, no secret)
