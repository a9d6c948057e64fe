"""Send the test picture with its running clock to the demo's shows, for as long as nobody else does.

Owns the pace. It is a publisher like any other: it knows the channel's address and key, as a host's own program would,
and sends by the public socket.
"""

import json
import time
from argparse import ArgumentParser
from contextlib import suppress
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, close_old_connections
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from auctions.streaming import provider
from auctions.streaming.base import Ingest
from bidding.demo.catalogue import EVENINGS
from bidding.demo.show import ZONE, NotADemo, house_ensure
from bidding.demo.testcard import TestCard, cluster, opening, vp8
from bidding.protocol import CloseCode

logger = structlog.get_logger(__name__)

FRAMES_A_SECOND = 10
PAUSE_S = 3.0
ANSWER_S = 5.0
EXPECTED = (CloseCode.TAKEN, CloseCode.OVER, CloseCode.NOT_NOW)
"""Ends that are part of the demo: the host went live, or a show ended and the next one comes."""


class Command(BaseCommand):
    """Publish whenever the channel is free, until told to stop."""

    help = "Send a test picture with a running clock to the demo's shows, until it is stopped."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare where the site answers."""
        parser.add_argument("--url", default=settings.PUBLIC_URL)

    def handle(self, *args: Any, url: str, **options: Any) -> None:
        """Send, and begin again whenever it ended."""
        try:
            house = house_ensure(EVENINGS)
        except NotADemo as error:
            raise CommandError(f"{error}") from error
        card = TestCard()
        while True:
            try:
                ingest = provider().ingest(provider().assign_channel(house.organizer, private=False))
                close_old_connections()
                _publish(url.replace("http", "ws", 1) + ingest.url, ingest, card)
            except WebSocketException as error:
                ended = getattr(error, "rcvd", None)
                if ended is None or ended.code not in EXPECTED:
                    logger.warning("demo_camera_stopped", error=str(error))
            except (OperationalError, OSError, TimeoutError) as error:
                # Something restarts; the next try finds out.
                logger.warning("demo_camera_not_on_air", error=str(error))
            time.sleep(PAUSE_S)


def _publish(url: str, ingest: Ingest, card: TestCard) -> None:
    """Send until the site or something else ends it; raises a WebSocketException or an OSError."""
    with connect(url, open_timeout=ANSWER_S, close_timeout=1, compression=None) as socket:
        socket.send(json.dumps({"type": "PUBLISH", "key": ingest.key}))
        _answer(socket, "READY")
        began, ahead_ms = time.monotonic(), _clock(socket)
        socket.send(json.dumps({"type": "BEGAN", "at_ms": began * 1000 + ahead_ms}))
        socket.send(opening())
        for frame in range(2**31):
            time.sleep(max(0.0, began + frame / FRAMES_A_SECOND - time.monotonic()))
            at_ms = round((time.monotonic() - began) * 1000)
            socket.send(cluster(at_ms, vp8(card.at(datetime.now(ZoneInfo(ZONE))))))
            _read_all(socket)


def _clock(socket: ClientConnection) -> float:
    """Return how far the site's clock is ahead of the monotonic one here, in ms."""
    asked = time.monotonic() * 1000
    socket.send(json.dumps({"type": "PING", "t": asked}))
    told = _answer(socket, "PONG")["server_time_ms"]
    return float(told - (asked + time.monotonic() * 1000) / 2)


def _answer(socket: ClientConnection, kind: str) -> dict[str, Any]:
    while True:
        message: dict[str, Any] = json.loads(socket.recv(ANSWER_S))
        if message["type"] == kind:
            return message


def _read_all(socket: ClientConnection) -> None:
    """Take what the site says of the stream, so that it does not wait to be read."""
    with suppress(TimeoutError):
        while True:
            socket.recv(0)
