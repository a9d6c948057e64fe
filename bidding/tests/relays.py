"""A publisher and a viewer of the relay for the tests, on real sockets."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from accounts.models import User
from auctions.models import StreamChannel
from bidding.demo import testcard
from bidding.tests.rooms import PATIENCE_S, Site, cookie_of


@dataclass
class Camera:
    """A publisher whose pictures are made of bytes that no player must understand."""

    socket: ClientConnection
    heard: list[dict[str, Any]] = field(default_factory=list)
    at_ms: int = 0

    def begin(self, size: tuple[int, int] = (320, 240)) -> None:
        """Send an opening."""
        self.socket.send(testcard.opening(*size))

    def picture(self, content: bytes = b"picture") -> None:
        """Send a whole picture in a cluster of its own."""
        self.socket.send(testcard.cluster(self.at_ms, content))
        self.at_ms += 100

    def hear(self, kind: str) -> dict[str, Any]:
        """Return the next message of a type."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            message: dict[str, Any] = json.loads(self.socket.recv(PATIENCE_S))
            self.heard.append(message)
            if message["type"] == kind:
                return message
        raise TimeoutError(f"no {kind}")

    def let_go(self) -> tuple[int, str]:
        """Read up to the end and return code and reason."""
        return ended(self.socket)


@contextmanager
def camera(
    site: Site, channel: StreamChannel, *, key: str | None = None, user: User | None = None, **options: Any
) -> Iterator[Camera]:
    """Open a publisher's socket by the channel's key, or as a user."""
    origin = {"origin": site.origin, "additional_headers": {"Cookie": cookie_of(user)}} if user else {}
    url = f"ws://127.0.0.1:{site.port}/ws/streams/{channel.pk}/publish/"
    with connect(url, open_timeout=PATIENCE_S, close_timeout=1, compression=None, **origin | options) as socket:
        socket.send(json.dumps({"type": "PUBLISH"} | ({} if key is None else {"key": key})))
        yield Camera(socket)


@dataclass
class Screen:
    """A viewer: what was received, as heads and bytes."""

    socket: ClientConnection
    received: list[tuple[dict[str, Any], bytes]] = field(default_factory=list)

    def next(self, timeout: float = PATIENCE_S) -> tuple[dict[str, Any], bytes]:
        """Return the next message."""
        message = self.socket.recv(timeout)
        assert isinstance(message, bytes)
        size = int.from_bytes(message[:2], "big")
        head = json.loads(message[2 : 2 + size] or b"{}")
        self.received.append((head, message[2 + size :]))
        return self.received[-1]

    def until(self, *, content: bytes | None = None, **head: Any) -> tuple[dict[str, Any], bytes]:
        """Skip up to a message with these bytes and these fields in its head."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            found, data = self.next()
            if (content is None or content in data) and all(found.get(name) == value for name, value in head.items()):
                return found, data
        raise TimeoutError(f"nothing with {content!r} and {head}")

    def close_code(self) -> int:
        """Read up to the end and return the code."""
        return ended(self.socket)[0]


@contextmanager
def screen(
    site: Site, channel_id: int, *, user: User | None = None, query: str = "", **options: Any
) -> Iterator[Screen]:
    """Open a viewer's socket."""
    headers = {"Cookie": cookie_of(user)} if user else {}
    url = f"ws://127.0.0.1:{site.port}/ws/streams/{channel_id}/{query}"
    options = {"origin": site.origin, "additional_headers": headers, "max_size": None, "compression": None} | options
    with connect(url, open_timeout=PATIENCE_S, close_timeout=1, **options) as socket:
        yield Screen(socket)


def ended(socket: ClientConnection) -> tuple[int, str]:
    """Read up to the end and return what the server closed with."""
    try:
        while True:
            socket.recv(PATIENCE_S)
    except ConnectionClosed as closed:
        return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (0, "")
