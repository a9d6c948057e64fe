"""Fifty people watch one picture: everybody gets all of it, and what a viewer costs the server is measured."""

import asyncio
import json
import os
import secrets
import time
from collections.abc import Callable

import pytest
from websockets.asyncio.client import connect

from auctions.models import StreamChannel
from bidding.demo import testcard
from bidding.tests.conftest import Show
from tests.system.conftest import StartWeb, WebProcess

pytestmark = pytest.mark.timeout(120)

VIEWERS = 50
PIECES_A_SECOND = 10
PIECE_BYTES = 31_000
"""With ten a second this is 2.5 Mbit/s, what a browser's camera sends at most."""
SECONDS = 6


def processor_s(web: WebProcess) -> float:
    """Return how much processor time a process has used."""
    with open(f"/proc/{web.pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def send(web: WebProcess, channel: StreamChannel, seconds: float) -> int:
    """Publish for so long and return how many pieces were sent."""
    url = f"ws://127.0.0.1:{web.port}/ws/streams/{channel.pk}/publish/"
    async with connect(url, compression=None) as socket:
        await socket.send(json.dumps({"type": "PUBLISH", "key": channel.stream_key}))
        assert json.loads(await socket.recv())["type"] == "READY"
        await socket.send(testcard.opening())
        began = time.monotonic()
        total = round(seconds * PIECES_A_SECOND)
        for number in range(total):
            await asyncio.sleep(max(0.0, began + number / PIECES_A_SECOND - time.monotonic()))
            await socket.send(testcard.cluster(number * 100, secrets.token_bytes(PIECE_BYTES)))
        await asyncio.sleep(0.5)
        return total


async def watch(web: WebProcess, channel: StreamChannel, ready: asyncio.Semaphore) -> int:
    """Watch until the picture is over and return how many pieces came."""
    pieces = 0
    url = f"ws://127.0.0.1:{web.port}/ws/streams/{channel.pk}/"
    async with connect(url, compression=None, max_size=None) as socket:
        await socket.recv()  # nothing is on air yet
        ready.release()
        async for message in socket:
            assert isinstance(message, bytes)
            size = int.from_bytes(message[:2], "big")
            head = json.loads(message[2 : 2 + size] or b"{}")
            if head.get("over"):
                break
            pieces += "at_ms" in head
    return pieces


async def an_evening(
    sender: WebProcess, relay: WebProcess, channel: StreamChannel, viewers: int
) -> tuple[int, list[int], float]:
    """Return what was sent, what each viewer got, and the processor time of the process that they watch by."""
    ready = asyncio.Semaphore(0)
    watching = [asyncio.create_task(watch(relay, channel, ready)) for _ in range(viewers)]
    for _ in range(viewers):
        await ready.acquire()
    before = processor_s(relay)
    sent = await send(sender, channel, SECONDS)
    used = processor_s(relay) - before
    return sent, list(await asyncio.gather(*watching)), used


def test_fifty_viewers_of_one_stream(show: Show, start: StartWeb, record_property: Callable[[str, object], None]):
    channel = show.auction.stream_channel
    assert channel is not None
    channel.stream_key = secrets.token_urlsafe(24)
    channel.save()
    sender, relay = start("serve"), start("serve")

    _, _, alone = asyncio.run(an_evening(sender, relay, channel, 1))
    sent, got, crowd = asyncio.run(an_evening(sender, relay, channel, VIEWERS))

    each = (crowd - alone) / (VIEWERS - 1) / SECONDS
    told = (
        f"{each:.2%} of a core, {each / PIECES_A_SECOND * 1e6:.0f} µs a piece; one viewer alone {alone / SECONDS:.1%}"
    )
    print(f"a viewer of 2.5 Mbit/s costs {told}")
    record_property("a viewer costs", told)
    # The first piece may be sent before the other process began to read; from then on nothing is missing.
    assert min(got) >= sent - 1
    assert max(got) == sent
