"""A room's server inside the test process, and a client that reads its messages one by one.

The server has a thread and an event loop of its own, as a web process does; sockets are real ones on the loopback.
"""

import asyncio
import json
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, Self

import uvicorn
from channels.layers import get_channel_layer
from channels.routing import get_default_application
from django.conf import settings
from django.test import Client as Browser
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from accounts.models import User
from bidding.floor import async_floor, async_side
from bidding.relay.watching import current_relay
from bidding.room.hub import Hub, current_hub
from bidding.room.transport import FramedWebSocketProtocol

PATIENCE_S = 15.0
"""How long a test waits for what must happen; nothing is asserted about how fast it does."""


class Site(Protocol):
    """Where pages connect to."""

    @property
    def port(self) -> int:
        """Its port on the loopback."""

    @property
    def origin(self) -> str:
        """An Origin that the site takes for its own."""


class RoomServer(uvicorn.Server):
    """The site on a free port of the loopback, in a thread."""

    def __init__(self, protocol: Any = FramedWebSocketProtocol, **options: Any) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        super().__init__(
            uvicorn.Config(
                get_default_application(),
                ws=protocol,
                log_config=None,
                lifespan="off",
                proxy_headers=False,
                timeout_graceful_shutdown=1,
                **{"ws_per_message_deflate": False} | options,
            )
        )
        self.hub: Hub
        self.loop: asyncio.AbstractEventLoop
        self._thread = threading.Thread(target=self.run, args=([self._listener],), daemon=True)

    async def startup(self, sockets: Any = None) -> None:
        """Remember the hub of the server's loop, then listen."""
        self.hub, self.loop = current_hub(), asyncio.get_running_loop()
        await super().startup(sockets)

    async def shutdown(self, sockets: Any = None) -> None:
        """Stop the hub with the server, and leave no connection open behind its loop."""
        await super().shutdown(sockets)
        await current_relay().close()
        await self.hub.close()
        for client in (async_floor(), async_side()):
            await client.aclose()
        await get_channel_layer().flush()

    def __enter__(self) -> Self:
        self._thread.start()
        eventually(lambda: self.started)
        return self

    def __exit__(self, *_: object) -> None:
        self.should_exit = True
        self._thread.join(PATIENCE_S)
        self._listener.close()
        assert not self._thread.is_alive(), "the server did not stop"

    @property
    def origin(self) -> str:
        """An Origin that the site takes for its own."""
        return str(settings.PUBLIC_URL)


class Page:
    """One client of a room. Frames that hold several messages are taken apart."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.frames: list[Any] = []
        """Every frame as it came."""
        self._waiting: deque[dict[str, Any]] = deque()

    def send(self, kind: str, **fields: Any) -> None:
        """Send a message."""
        self.socket.send(json.dumps({"type": kind, **fields}))

    def next(self, timeout: float = PATIENCE_S) -> dict[str, Any]:
        """Return the next message; raises TimeoutError or ConnectionClosed."""
        while not self._waiting:
            frame = json.loads(self.socket.recv(timeout))
            self.frames.append(frame)
            self._waiting.extend(frame if isinstance(frame, list) else [frame])
        return self._waiting.popleft()

    def until(self, *kinds: str, **fields: Any) -> dict[str, Any]:
        """Skip messages up to one of these types with these fields, and return it."""
        end = time.monotonic() + PATIENCE_S
        while (left := end - time.monotonic()) > 0:
            message = self.next(left)
            if message["type"] in kinds and all(message.get(name) == value for name, value in fields.items()):
                return message
        raise TimeoutError(f"no {kinds} with {fields}")

    def ask(self, kind: str, answer: str, **fields: Any) -> dict[str, Any]:
        """Send a message and return its answer."""
        self.send(kind, **fields)
        return self.until(answer)

    def quiet(self, seconds: float = 0.3) -> list[dict[str, Any]]:
        """Return what else arrives within a while."""
        messages = []
        try:
            while True:
                messages.append(self.next(seconds))
        except TimeoutError:
            return messages

    @property
    def seen(self) -> list[dict[str, Any]]:
        """All messages that were read so far."""
        return [message for frame in self.frames for message in (frame if isinstance(frame, list) else [frame])]

    def close_code(self) -> int | None:
        """Read up to the end and return the code that the server closed with."""
        try:
            while True:
                self.next()
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None


@contextmanager
def page(
    server: Site, auction_id: int, *, user: User | None = None, path: str = "", query: str = "", **options: Any
) -> Iterator[Page]:
    """Open a page of a room, signed in as a user."""
    headers = {"Cookie": cookie_of(user)} if user else {}
    url = f"ws://127.0.0.1:{server.port}/ws/auctions/{auction_id}/{path}{query}"
    options = {"origin": server.origin, "additional_headers": headers, "max_size": None, "compression": None} | options
    with connect(url, open_timeout=PATIENCE_S, close_timeout=1, **options) as connection:
        yield Page(connection)


def cookie_of(user: User) -> str:
    """Return the Cookie header of a fresh session of the user."""
    browser = Browser()
    browser.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])
    return f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}"


def eventually(condition: Callable[[], Any]) -> Any:
    """Wait until a condition holds and return its value."""
    end = time.monotonic() + PATIENCE_S
    while not (value := condition()):
        if time.monotonic() > end:
            raise AssertionError("it never happened")
        time.sleep(0.01)
    return value
