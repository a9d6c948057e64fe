"""OBS and its kin send by RTMP through a gate that lets the site judge the key; ffmpeg stands for OBS here."""

import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from auction_site.stack import free_port, port_is_free
from auction_site.supervisor import Background, Child
from auctions.models import StreamChannel
from auctions.streaming import provider
from auctions.streaming.base import StreamState
from bidding.tests.conftest import Show
from bidding.tests.relays import screen
from bidding.tests.rooms import RoomServer, eventually

pytestmark = pytest.mark.services


@pytest.fixture
def server(show: Show) -> Iterator[RoomServer]:
    with RoomServer() as running:
        yield running


@pytest.fixture
def channel(show: Show) -> StreamChannel:
    channel = show.auction.stream_channel
    assert channel is not None
    channel.stream_key = "a-key-with-dashes-in-it-1234567890"
    channel.save()
    return channel


@pytest.fixture
def gate(server: RoomServer) -> Iterator[int]:
    """Return the port of a gate to the server."""
    port = free_port()
    argv = [sys.executable, "manage.py", "rtmp_gate", "--port", str(port), "--url", f"http://127.0.0.1:{server.port}"]
    with Background([[Child(name="gate", argv=argv, ready=lambda: not port_is_free(port))]]):
        yield port


def obs_argv(address: str) -> list[str]:
    """Return the command that sends a moving test picture with sound to an address, as OBS would."""
    # Not there for `make test`, which leaves these tests out.
    from imageio_ffmpeg import get_ffmpeg_exe

    argv = [
        get_ffmpeg_exe(),
        "-nostdin",
        "-loglevel",
        "error",
        "-re",
        "-f",
        "lavfi",
        "-i",
        "testsrc=size=320x240:rate=15",
    ]
    argv += ["-f", "lavfi", "-i", "sine=frequency=440", "-c:v", "libx264", "-preset", "ultrafast", "-g", "15"]
    return [*argv, "-pix_fmt", "yuv420p", "-c:a", "aac", "-f", "flv", address]


@pytest.fixture
def obs(gate: int) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    """Return a function that sends with a stream key."""
    started: list[subprocess.Popen[bytes]] = []

    def send(key: str) -> subprocess.Popen[bytes]:
        argv = obs_argv(f"rtmp://127.0.0.1:{gate}/live/{key}")
        started.append(subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE))
        return started[-1]

    yield send
    for process in started:
        process.kill()
        process.communicate()


def test_obs_is_seen_with_pictures_and_sound(server, channel, obs):
    with screen(server, channel.pk) as watching:
        program = obs(f"{channel.pk}-{channel.stream_key}")
        opening = watching.until(content=b"ftyp")[0]
        assert opening["mime"].startswith('video/mp4;codecs="avc1.')
        assert "mp4a.40.2" in opening["mime"]
        marks = [watching.until(content=b"moof") for _ in range(20)]
        times = [head["at_ms"] for head, _ in marks if "at_ms" in head]
        assert times == sorted(set(times))
        assert provider().status(channel).state is StreamState.LIVE
        program.terminate()
        assert watching.until(over=True)


@pytest.mark.parametrize("key", ["{pk}-wrong", "{pk}", "{key}", "999999-{key}"])
def test_a_wrong_key_is_refused_before_anything_is_shown(server, channel, obs, key):
    program = obs(key.format(pk=channel.pk, key=channel.stream_key))
    _, said = program.communicate(timeout=30)
    assert program.returncode != 0
    assert said
    assert provider().status(channel).state is StreamState.OFFLINE


def test_a_cut_off_ends_the_program_too(server, channel, obs):
    program = obs(f"{channel.pk}-{channel.stream_key}")
    eventually(lambda: provider().status(channel).state is StreamState.LIVE)
    provider().cut_off(StreamChannel.objects.get(pk=channel.pk))
    program.communicate(timeout=30)
    assert program.returncode != 0
