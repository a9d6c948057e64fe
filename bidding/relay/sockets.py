"""The two kinds of sockets of the relay: whoever watches, and whoever sends. Owns one socket from handshake to end."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
import structlog
from django.conf import settings
from django.db import Error as DatabaseError

from auctions.streaming.base import StreamState
from bidding import protocol
from bidding.metrics import CLOSES, STREAM_PUBLISHERS
from bidding.protocol import CloseCode
from bidding.relay import wire
from bidding.relay.access import Sender, sender_by_key, sender_by_sign_in, show_on, still_sends
from bidding.relay.containers import MOST_BYTES, BadStream, Splitter
from bidding.relay.publishing import LEASE_MS, RENEW_S, TROUBLE, Hold, Publication, believed_ms
from bidding.relay.recording import Recorder
from bidding.relay.stills import Stills
from bidding.relay.watching import Viewer, current_relay, process_name
from bidding.room.entrance import admit, client_address, in_thread
from bidding.room.hub import current_hub
from bidding.room.seats import Patience, Seat
from bidding.room.transport import Frame, Send, line_to
from bidding.selectors import stream_parts
from bidding.services.announcing import announce_signal

logger = structlog.get_logger(__name__)

FIRST_WORD_S: Final = 5.0
"""How long a publisher may take to say who they are."""
CHECK_S: Final = 3.0
SILENCE_S: Final = 10.0
"""How long a publisher may send nothing before the channel is free for another one."""
BURST_S: Final = 4.0
LEAST_BYTES: Final = 200
"""What a message counts for at least: taking one costs too."""

_sender_by_key = in_thread(sender_by_key)
_show_on = in_thread(show_on)
_still_sends = in_thread(still_sends)
_stream_parts = in_thread(stream_parts)


async def watch(scope: dict[str, Any], receive: Any, send: Send) -> None:
    """Serve a viewer: as the show that is live on the channel lets them in."""
    await receive()  # websocket.connect
    relay, channel_id = current_relay(), scope["url_route"]["kwargs"]["channel_id"]
    try:
        auction_id = await relay.show_on(channel_id)
    except DatabaseError as error:
        logger.warning("door_closed", channel=channel_id, error=str(error))
        await _refuse(send, CloseCode.NOT_NOW)
        return
    if auction_id is None:
        await _refuse(send, CloseCode.NOT_FOUND)
        return
    admission = await current_hub().door.admit(auction_id, scope["headers"], _query(scope, "ticket"))
    if isinstance(admission, CloseCode):
        await _refuse(send, admission)
        return
    await send({"type": "websocket.accept"})
    line = line_to(scope, send)
    line.limit(protocol.MAX_MESSAGE_BYTES)
    seat = Seat(auction_id=auction_id, line=line, mask=0, visitor=admission.visitor, address=client_address(scope))
    viewer, patience = Viewer(channel_id, seat, of_stills=_query(scope, "as") == "stills"), Patience()
    # What was needed for the handshake would otherwise live as long as the socket.
    scope = {}
    del admission
    if not relay.enter(viewer):
        await _hang_up(send, CloseCode.TOO_MANY)
        return
    try:
        # A viewer has nothing to say.
        while (await receive())["type"] != "websocket.disconnect":
            if not patience.spend() and patience.is_over:
                seat.close(CloseCode.TOO_MANY)
    except asyncio.CancelledError:
        if not seat.let_go:
            raise
    finally:
        relay.leave(viewer)


async def publish(scope: dict[str, Any], receive: Any, send: Send) -> None:
    """Serve a publisher: one for each channel, and for as long as they may."""
    await receive()  # websocket.connect
    await send({"type": "websocket.accept"})
    line = line_to(scope, send)
    line.limit(protocol.MAX_MESSAGE_BYTES)
    sender = await _identify(scope["url_route"]["kwargs"]["channel_id"], scope, receive)
    if isinstance(sender, CloseCode):
        await _hang_up(send, sender)
        return
    line.limit(MOST_BYTES)
    scope = {}
    await Publisher(sender, receive, send).serve(line.close)


class _Refused(Exception):
    """What a publisher sent ends their stream; the message is fit for them."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Publisher:
    """One publisher from the moment that they may send."""

    def __init__(self, sender: Sender, receive: Any, send: Send) -> None:
        self._sender = sender
        self._receive = receive
        self._send = send
        self._publication = Publication(sender.channel_id)
        self._recorder = Recorder(sender.channel_id)
        self._stills = Stills(sender.channel_id)
        self._splitter = Splitter()
        self._budget = Budget()
        self._announcements: set[asyncio.Task[None]] = set()

    async def serve(self, close: Callable[[int, str], None]) -> None:
        """Hold the channel, take what comes, and free it again."""
        try:
            held = await self._publication.hold()
        except TROUBLE as error:
            logger.warning("stream_not_taken", channel=self._sender.channel_id, error=str(error))
            await _hang_up(self._send, CloseCode.NOT_NOW)
            return
        if held is not Hold.OURS:
            await _hang_up(self._send, CloseCode.TAKEN)
            return
        STREAM_PUBLISHERS.inc()
        await self._follow_show()
        await self._say(wire.Ready())
        keeping = asyncio.create_task(self._keep(close))
        try:
            await self._take_all(close)
        finally:
            keeping.cancel()
            STREAM_PUBLISHERS.dec()
            # Also where the server cancels a closed socket's task: the channel must be free.
            await asyncio.shield(self._leave())

    async def _take_all(self, close: Callable[[int, str], None]) -> None:
        """Take messages up to the end of the socket; after a bad one they are only drained."""
        refused = False
        while (message := await self._receive())["type"] != "websocket.disconnect":
            if refused:
                continue
            try:
                await self._take(message)
            except _Refused as error:
                refused = True
                _let_go(close, error.code, str(error))

    async def _take(self, message: dict[str, Any]) -> None:
        data, text = message.get("bytes"), message.get("text")
        if not self._budget.spend(len(data or text or "")):
            raise _Refused(CloseCode.TOO_MANY, f"More than {settings.STREAM_MAX_KBPS} kbit/s.")
        if data is not None:
            try:
                parts = self._splitter.feed(data)
            except BadStream as error:
                raise _Refused(CloseCode.FORBIDDEN, str(error)) from error
            if parts:
                now_ms = await current_hub().now_ms()
                self._recorder.take(parts, partial(self._publication.captured_ms, now_ms=now_ms))
                if await self._publication.send(parts, now_ms):
                    self._announce()
            return
        try:
            parsed = wire.parse(text or "")
        except msgspec.MsgspecError as error:
            raise _Refused(CloseCode.FORBIDDEN, "That message is not known here.") from error
        if isinstance(parsed, wire.Ping):
            await self._say(wire.Pong(parsed.t, await current_hub().now_ms()))
        elif isinstance(parsed, wire.Began):
            self._publication.began(parsed.at_ms)
        elif isinstance(parsed, wire.Still):
            await self._show(parsed)
        elif isinstance(parsed, wire.Sound):
            await self._stills.sound(parsed.pcmu, parsed.rate)

    async def _show(self, sent: wire.Still) -> None:
        now_ms = await current_hub().now_ms()
        try:
            await self._stills.show(sent.image, believed_ms(round(sent.at_ms), now_ms))
        except BadStream as error:
            raise _Refused(CloseCode.FORBIDDEN, str(error)) from error

    async def _keep(self, close: Callable[[int, str], None]) -> None:
        """Renew the hold and look whether the publisher still may, until they must go."""
        held_at = checked_at = time.monotonic()
        while True:
            await asyncio.sleep(RENEW_S)
            try:
                held = await self._publication.hold()
                if held is not Hold.OURS:
                    _let_go(close, CloseCode.OVER if held is Hold.OVER else CloseCode.TAKEN)
                    return
                held_at = time.monotonic()
                await self._publication.tell(process_name(), current_relay().viewers_of)
            except TROUBLE as error:
                logger.warning("stream_not_renewed", channel=self._sender.channel_id, error=str(error))
            await self._follow_show()
            if time.monotonic() - checked_at > CHECK_S - RENEW_S:
                checked_at = time.monotonic()
                await current_hub().read_time()
                with suppress(DatabaseError):
                    refused = await _still_sends(self._sender)
                    if refused is not None:
                        _let_go(close, refused)
                        return
            if self._publication.silent_s > SILENCE_S:
                _let_go(close, CloseCode.TOO_SLOW, "Nothing was sent.")
                return
            health = self._publication.health if time.monotonic() - held_at < LEASE_MS / 1000 else "unreachable"
            arrives = self._publication
            await self._say(wire.Status(arrives.kbps, health, arrives.viewers, arrives.stills))

    async def _leave(self) -> None:
        try:
            await self._publication.release()
            await self._stills.release()
        except TROUBLE as error:
            # The hold runs out by itself.
            logger.warning("stream_not_freed", channel=self._sender.channel_id, error=str(error))
        if self._publication.is_seen:
            await self._announced()
        await self._recorder.close()

    async def _follow_show(self) -> None:
        """Let the recorder know which show is live; while the database is away it goes on with the one it knew."""
        with suppress(DatabaseError):
            self._recorder.follow(await current_relay().show_on(self._sender.channel_id))

    def _announce(self) -> None:
        task = asyncio.create_task(self._announced())
        self._announcements.add(task)
        task.add_done_callback(self._announcements.discard)

    async def _announced(self) -> None:
        """Tell the room how its video is now; every room also looks by itself."""
        with suppress(DatabaseError):
            auction_id = await _show_on(self._sender.channel_id)
            if auction_id is None:
                return
            part = (await _stream_parts((auction_id,))).get(auction_id)
            if part is not None and part.state != StreamState.UNKNOWN:
                await announce_signal(auction_id, None, protocol.Stream(stream=part))

    async def _say(self, message: msgspec.Struct) -> None:
        with suppress(OSError, RuntimeError):  # the socket is closing; `receive` says so
            await self._send(Frame(msgspec.json.encode(message)).asgi)


class Budget:
    """How much a publisher may send: a rate, and what goes beyond it for a few seconds."""

    def __init__(self) -> None:
        self._rate = settings.STREAM_MAX_KBPS * 125
        self._left = self._rate * BURST_S
        self._at = time.monotonic()

    def spend(self, size: int) -> bool:
        """Count a message of so many bytes; False where it is too much."""
        now = time.monotonic()
        self._left = min(self._rate * BURST_S, self._left + (now - self._at) * self._rate) - max(size, LEAST_BYTES)
        self._at = now
        return self._left >= 0


async def _identify(channel_id: int, scope: dict[str, Any], receive: Any) -> Sender | CloseCode:
    """Read the first message and return who sends."""
    try:
        message = await asyncio.wait_for(receive(), FIRST_WORD_S)
        first = wire.parse(message.get("text") or "")
    except (TimeoutError, msgspec.MsgspecError):
        return CloseCode.FORBIDDEN
    if not isinstance(first, wire.Publish):
        return CloseCode.FORBIDDEN
    if first.key is None:
        return await admit(partial(sender_by_sign_in, channel_id), scope["headers"], _query(scope, "ticket"))
    try:
        found: Sender | CloseCode = await _sender_by_key(channel_id, first.key)
    except DatabaseError:
        return CloseCode.NOT_NOW
    return found


def _query(scope: dict[str, Any], name: str) -> str | None:
    return dict(parse_qsl(scope.get("query_string", b"").decode("latin-1"))).get(name)


def _let_go(close: Callable[[int, str], None], code: CloseCode, reason: str = "") -> None:
    CLOSES[code].inc()
    close(int(code), reason or code.meaning)


async def _refuse(send: Send, code: CloseCode) -> None:
    await send({"type": "websocket.accept"})
    await _hang_up(send, code)


async def _hang_up(send: Send, code: CloseCode) -> None:
    CLOSES[code].inc()
    await send({"type": "websocket.close", "code": code.value, "reason": code.meaning})
