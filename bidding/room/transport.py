"""How bytes get to one socket: a line to it, on uvicorn by frames made once, elsewhere by ASGI's `send`.

Owns framing, the bound of a socket's buffer and the closing of sockets that do not read. Knows nothing of rooms
or messages, and imports no Django.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any, Final, Protocol, cast

import structlog
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import State

logger = structlog.get_logger(__name__)

EXTENSION: Final = "auction.line"
"""The name in `scope["extensions"]` under which a server offers a line."""
BUFFER_BYTES: Final = 64 * 1024
"""What may wait in a socket's buffer before further frames are refused."""
CLOSING_S: Final = 5.0
"""How long a closing handshake may take before the connection is cut."""

NORMAL_CLOSURE: Final = 1000
_TEXT: Final = b"\x81"
_BINARY: Final = b"\x82"

Send = Callable[[dict[str, Any]], Awaitable[None]]


class Frame:
    """One message for many sockets, text or binary; its two forms are made once, when first needed."""

    __slots__ = ("_asgi", "_bytes", "is_binary", "payload")

    def __init__(self, payload: bytes, *, is_binary: bool = False) -> None:
        self.payload = payload
        self.is_binary = is_binary
        self._bytes: bytes | None = None
        self._asgi: dict[str, Any] | None = None

    @property
    def framed(self) -> bytes:
        """The message as a WebSocket frame (RFC 6455, server to client: not masked)."""
        if self._bytes is None:
            self._bytes = whole_frame(self.payload, _BINARY if self.is_binary else _TEXT)
        return self._bytes

    @property
    def asgi(self) -> dict[str, Any]:
        """The message as an ASGI event."""
        if self._asgi is None:
            content = {"bytes": self.payload} if self.is_binary else {"text": self.payload.decode()}
            self._asgi = {"type": "websocket.send", **content}
        return self._asgi


def whole_frame(payload: bytes, kind: bytes = _TEXT) -> bytes:
    """Return a message in one frame; the kind is its first byte."""
    size = len(payload)
    if size < 126:
        return kind + size.to_bytes(1, "big") + payload
    if size < 65_536:
        return kind + b"\x7e" + size.to_bytes(2, "big") + payload
    return kind + b"\x7f" + size.to_bytes(8, "big") + payload


class Line(Protocol):
    """The way to one socket. No method waits."""

    def write(self, frame: Frame) -> bool:
        """Send a frame; False where the socket's buffer is full. A closed line takes everything and drops it."""

    def is_clear(self) -> bool:
        """Tell whether a line that refused has room again."""

    def close(self, code: int, reason: str = "") -> None:
        """Say why and hang up; a socket that does not read is cut off."""

    def limit(self, size: int) -> None:
        """Close with 1009 what sends messages above so many bytes, where the server can."""


class FramedWebSocketProtocol(WebSocketsSansIOProtocol):
    """Uvicorn's protocol, offering the application a line that writes frames straight to the transport."""

    async def run_asgi(self) -> None:
        """Run the application with the line in its scope."""
        extensions = cast("dict[str, Any]", self.scope["extensions"])
        extensions[EXTENSION] = _FramedLine(self)
        try:
            await super().run_asgi()
        finally:
            extensions.pop(EXTENSION, None)

    def keepalive_timeout(self) -> None:
        """Cut a silent peer off: a polite close would wait for its full buffer to drain."""
        super().keepalive_timeout()
        self.loop.call_later(CLOSING_S, self.transport.abort)

    @property
    def is_open(self) -> bool:
        """Whether frames may be written: the closing handshake has not begun on either side."""
        return not self.close_sent and self.conn.state is State.OPEN and not self.transport.is_closing()

    def hang_up(self, code: int, reason: str = "") -> None:
        """Begin the closing handshake without waiting for the buffer, as uvicorn's own `send` would."""
        if not self.is_open:
            return
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(CLOSING_S, self.transport.abort)


class _FramedLine:
    __slots__ = ("_protocol",)

    def __init__(self, protocol: FramedWebSocketProtocol) -> None:
        self._protocol = protocol

    def write(self, frame: Frame) -> bool:
        protocol = self._protocol
        if not protocol.is_open:
            return True
        if protocol.transport.get_write_buffer_size() > BUFFER_BYTES:
            return False
        protocol.transport.write(frame.framed)
        return True

    def is_clear(self) -> bool:
        return self._protocol.transport.get_write_buffer_size() <= BUFFER_BYTES // 4

    def close(self, code: int, reason: str = "") -> None:
        self._protocol.hang_up(code, reason)

    def limit(self, size: int) -> None:
        self._protocol.conn.max_message_size = size


class EagerLine:
    """A line over ASGI's `send`, for servers that offer nothing better.

    `send` is run at once, without a task, for as long as it does not wait; where it waits, a task finishes it and
    the line refuses further frames meanwhile.
    """

    __slots__ = ("_is_closed", "_owner", "_running", "_send")

    def __init__(self, send: Send, owner: "asyncio.Task[Any] | None") -> None:
        self._send = send
        self._owner = owner
        self._running: asyncio.Task[None] | None = None
        self._is_closed = False

    def write(self, frame: Frame) -> bool:
        """Send a frame; False while an earlier one still waits."""
        if self._is_closed:
            return True
        if not self.is_clear():
            return False
        self._running = _begin(self._send(frame.asgi))
        return True

    def is_clear(self) -> bool:
        """Tell whether no frame waits."""
        return self._running is None or self._running.done()

    def close(self, code: int, reason: str = "") -> None:
        """Close by ASGI; where even that waits too long, end the application, so that the server hangs up."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._running is not None:
            self._running.cancel()
        self._running = asyncio.ensure_future(self._hang_up(code, reason))

    def limit(self, size: int) -> None:
        """Leave the size to whoever reads the messages."""

    async def _hang_up(self, code: int, reason: str) -> None:
        # Autobahn, under daphne, lets no application send a code of the protocol's own, such as 1009.
        for number in (code, NORMAL_CLOSURE):
            goodbye = {"type": "websocket.close", "code": number, "reason": reason}
            try:
                await asyncio.wait_for(_awaited(self._send(goodbye)), CLOSING_S)
            except (TimeoutError, OSError):
                break
            except Exception as error:  # noqa: BLE001 - whatever a server raises, the seat must end
                logger.info("close_code_refused", code=number, error=str(error))
            else:
                return
        if self._owner is not None:
            self._owner.cancel()


def line_to(scope: dict[str, Any], send: Send) -> Line:
    """Return the best line to the socket of an ASGI scope."""
    offered = scope.get("extensions", {}).get(EXTENSION)
    return cast("Line", offered) if offered is not None else EagerLine(send, asyncio.current_task())


async def _awaited(work: Awaitable[None]) -> None:
    await work


def _begin(work: Awaitable[None]) -> "asyncio.Task[None] | None":
    """Run the first step of a coroutine here and now; return a task for the rest if it waits."""
    coroutine = cast("Coroutine[Any, Any, None]", work)
    try:
        waits_for = coroutine.send(None)
    except StopIteration:
        return None
    except (OSError, RuntimeError):  # the socket is closing; the consumer hears of it by itself
        return None
    return asyncio.ensure_future(_finish(coroutine, waits_for))


async def _finish(coroutine: "Coroutine[Any, Any, None]", waits_for: Any) -> None:
    try:
        await _Rest(coroutine, waits_for)
    except (OSError, RuntimeError):
        return


class _Rest:
    """What is left of a coroutine that was begun by hand, as something to await."""

    def __init__(self, coroutine: "Coroutine[Any, Any, None]", waits_for: Any) -> None:
        self._coroutine = coroutine
        self._waits_for = waits_for

    def __await__(self) -> Generator[Any, Any, None]:
        waits_for = self._waits_for
        while True:
            try:
                try:
                    sent = yield waits_for
                except BaseException as error:  # noqa: BLE001 - cancellation too belongs to the coroutine
                    waits_for = self._coroutine.throw(error)
                else:
                    waits_for = self._coroutine.send(sent)
            except StopIteration:
                return
