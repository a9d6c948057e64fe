"""Amazon IVS for the tests: the site told to use it, and the service as a script of calls and answers."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from auctions.models import StreamChannel
from auctions.streaming import ivs as ivs_module
from tests.aws import REGION, Script, stubbed

ACCOUNT = f"arn:aws:ivs:{REGION}:123456789012"
CHANNEL_ARN = f"{ACCOUNT}:channel/AbCdEfGhIjKl"
KEY_ARN = f"{ACCOUNT}:stream-key/KeYkEyKeYkEy"
RECORDING_ARN = f"{ACCOUNT}:recording-configuration/ReCoRdInG"
PLAYBACK_URL = f"https://a1b2c3.{REGION}.playback.live-video.net/api/video/v1/{REGION}.channel.AbCdEfGhIjKl.m3u8"
INGEST = "a1b2c3.global-contribute.live-video.net"
EVENTS_SECRET = "events-" + "s" * 32
PLAYBACK_KEY = ec.generate_private_key(ec.SECP384R1())


def private_pem(key: ec.EllipticCurvePrivateKey = PLAYBACK_KEY) -> str:
    """Return a private key as the setting takes it."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def channel_at_service(arn: str = CHANNEL_ARN, **fields: Any) -> dict[str, Any]:
    """Return a channel as the service describes it."""
    return {"arn": arn, "ingestEndpoint": INGEST, "playbackUrl": PLAYBACK_URL, **fields}


def stream_at_service(**fields: Any) -> dict[str, Any]:
    """Return a stream as the service describes it."""
    return {"channelArn": CHANNEL_ARN, "state": "LIVE", "health": "HEALTHY", "viewerCount": 12, **fields}


@dataclass
class Service:
    """What the service will be asked, in order, and what it answers; a pause of ours is noted and cut short."""

    stubber: Script
    pauses: list[float] = field(default_factory=list)

    def answers(self, operation: str, answer: dict[str, Any] | None = None, **asked: Any) -> None:
        """Expect a call and answer it."""
        self.stubber.add_response(operation, answer or {}, asked)

    def fails(self, operation: str, code: str, *, status: int = 400, times: int = 1) -> None:
        """Expect calls and refuse them."""
        for _ in range(times):
            self.stubber.add_client_error(operation, code, "private words of the service", http_status_code=status)

    def pause(self, seconds: float) -> None:
        """Note a pause instead of making it."""
        self.pauses.append(seconds)
        time.sleep(0.002)


def use_ivs(settings: Any) -> None:
    """Let the site use Amazon IVS."""
    settings.STREAM_PROVIDER = "ivs"
    settings.IVS_REGION = REGION
    settings.IVS_PLAYBACK_KEY = private_pem()
    settings.IVS_RECORDING_ARN = ""
    settings.IVS_RECORDINGS_URL = ""
    settings.IVS_EVENTS_SECRET = EVENTS_SECRET


def made(channel: StreamChannel) -> StreamChannel:
    """Return a channel as it is once the service made it."""
    channel.external_id, channel.playback_url = CHANNEL_ARN, PLAYBACK_URL
    channel.ingest_url = f"rtmps://{INGEST}:443/app/"
    channel.save()
    return channel


@pytest.fixture
def ivs(settings: Any, monkeypatch: pytest.MonkeyPatch, side: Any) -> Iterator[Service]:
    """Return the service that the site uses."""
    use_ivs(settings)
    with stubbed("ivs") as (client, stubber):
        service = Service(stubber)
        monkeypatch.setattr(ivs_module, "client", lambda: client)
        monkeypatch.setattr(ivs_module, "_sleep", service.pause)
        monkeypatch.setattr(ivs_module, "_silent_until", [0.0])
        yield service
