"""A seat in a live room: it connects, comes back by itself, catches up, and gets an answer for every bid.

Owns one socket at a time and the conversation on it; what messages mean is in `state`. After a lost connection it
asks for what it missed, and asks what became of each bid before it repeats that bid under the same id, so a bid
counts once at most and never later than its caller allowed.
"""

import asyncio
import contextlib
import random
import urllib.parse
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from types import TracebackType
from typing import Any, Final, Self
from weakref import WeakSet

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.typing import Origin, Subprotocol

from paddle_client import messages as m
from paddle_client.clock import ServerClock
from paddle_client.errors import BidUnresolved, CannotConnect, FellBehind, RoomClosed, SiteUnreachable
from paddle_client.http import Session
from paddle_client.state import Applied, RoomState

CONNECT_TIMEOUT_S: Final = 30.0
ANSWER_TIMEOUT_S: Final = 20.0
BID_VALID_MS: Final = 10_000
"""How much later than now a bid may still count, where the caller does not say."""
KEEPALIVE_S: Final = 10.0
PING_INTERVAL_S: Final = 15.0
PATIENCE_S: Final = 1.0
"""How long a version that a heartbeat told of may take to arrive by itself."""
UNKNOWN_PAUSE_S: Final = 0.3
ASK_AGAIN_S: Final = 2.0
"""How long a question about a bid may go without an answer before it is asked again."""
MOST_WAITING: Final = 10_000

_SIGNED_OUT: Final = 4401
_FINAL: Final = {
    _SIGNED_OUT: "The session is over: sign in again.",
    4403: "This account may not be in this room.",
    4404: "There is no such auction.",
}
_TOO_SLOW: Final = 4408
_TOO_MANY: Final = 4429


@dataclass(frozen=True)
class Backoff:
    """Pauses between attempts: random below a limit that doubles, so that a whole room does not return at once."""

    first_s: float = 0.5
    most_s: float = 15.0

    def delay(self, attempt: int) -> float:
        """Return the seconds to wait before that attempt; the first is 0."""
        limit = min(self.most_s, self.first_s * 2 ** min(attempt, 16))
        # Not from zero: a server that refuses at once must not be asked in a tight loop.
        return random.uniform(limit / 4, limit)  # noqa: S311 - spreads load, guards nothing


@dataclass(eq=False)
class _PendingBid:
    """A bid without an answer yet."""

    frame: bytes
    answer: asyncio.Future[m.BidAccepted | m.BidRejected]
    unknowns: int = 0


@dataclass(eq=False)
class _Condition:
    """Somebody who waits for the state to become something."""

    holds: Callable[[RoomState], bool]
    reached: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Messages:
    """An iteration over what the room says from now on: `async for message in room.messages()`.

    Ends when the room is closed on this side; raises RoomClosed where the server let the seat go for good, and
    FellBehind where it was not advanced in time.
    """

    def __init__(self) -> None:
        self._queue: asyncio.Queue[m.AnyMessage | RoomClosed] = asyncio.Queue(MOST_WAITING)
        self._dropped = False

    def __aiter__(self) -> Self:
        """Return itself."""
        return self

    async def __anext__(self) -> m.AnyMessage:
        """Wait for the next message."""
        if self._queue.empty() and self._dropped:
            self._dropped = False
            raise FellBehind(f"More than {MOST_WAITING} messages were waiting.")
        item = await self._queue.get()
        if isinstance(item, RoomClosed):
            self._put(item)
            if item.code is None:
                raise StopAsyncIteration
            raise item
        return item

    def _put(self, item: m.AnyMessage | RoomClosed) -> None:
        if self._queue.full():
            if not isinstance(item, RoomClosed):
                self._dropped = True
                return
            self._queue.get_nowait()
        self._queue.put_nowait(item)


class AsyncRoom:
    """One auction's room, as one visitor sees it. A context manager: inside it the seat keeps itself connected.

    `state` is always the newest known state. `connected` tells whether it can be trusted to be current.
    """

    def __init__(
        self,
        session: Session,
        auction_id: int,
        *,
        namespace: str | None = None,
        backoff: Backoff | None = None,
        connect_timeout: float = CONNECT_TIMEOUT_S,
    ) -> None:
        """Prepare a seat; `namespace` (`bid`, `chat`, `timer`) restricts what it carries. Nothing is sent yet."""
        self.auction_id = auction_id
        self.state = RoomState(has_holes=namespace in ("chat", "timer"))
        self.clock = ServerClock()
        self.connections = 0
        """How many times the room has let this seat in."""
        self._session = session
        self._path = f"/ws/auctions/{auction_id}/" + (f"{namespace}/" if namespace else "")
        self._backoff = backoff or Backoff()
        self._connect_timeout = connect_timeout
        self._socket: ClientConnection | None = None
        self._caught_up = False
        self._resuming = False
        self._bids: dict[str, _PendingBid] = {}
        self._conditions: list[_Condition] = []
        self._subscribers: WeakSet[Messages] = WeakSet()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._keeper: asyncio.Task[None] | None = None
        self._closed: RoomClosed | None = None

    async def __aenter__(self) -> Self:
        """Connect, and wait for the first state.

        Raises:
            RoomClosed: the room does not let this visitor in.
            CannotConnect: there was no state within the time.
        """
        self._keeper = asyncio.create_task(self._keep())
        try:
            await self.until(lambda state: state.known, timeout=self._connect_timeout)
        except TimeoutError:
            await self.close()
            raise CannotConnect(f"No answer from room {self.auction_id} in {self._connect_timeout:g} s.") from None
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the room."""
        await self.close()

    @property
    def connected(self) -> bool:
        """Tell whether there is a connection on which the state has caught up."""
        return self._socket is not None and self._caught_up

    async def close(self) -> None:
        """Leave the room; iterations over its messages end."""
        self._end(RoomClosed("The room was left."))
        tasks = [task for task in (self._keeper, *self._tasks) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # --- listening -----------------------------------------------------------------------------------

    def messages(self) -> Messages:
        """Return an iteration over the messages that arrive from now on."""
        subscriber = Messages()
        if self._closed is not None:
            subscriber._put(self._closed)
        self._subscribers.add(subscriber)
        return subscriber

    def __aiter__(self) -> Messages:
        """Iterate over the messages that arrive from now on."""
        return self.messages()

    async def until(self, holds: Callable[[RoomState], bool], *, timeout: float | None = None) -> None:
        """Wait until the state is such that `holds(state)` is true; it is asked after every message.

        Raises:
            TimeoutError: that did not happen in `timeout` seconds.
            RoomClosed: it cannot happen any more.
        """
        if holds(self.state):
            return
        if self._closed is not None:
            raise self._closed
        condition = _Condition(holds)
        self._conditions.append(condition)
        try:
            async with asyncio.timeout(timeout):
                await condition.reached
        finally:
            self._conditions.remove(condition)

    # --- speaking ------------------------------------------------------------------------------------

    async def bid(
        self,
        amount: str | int | Decimal,
        *,
        lot: int | None = None,
        maximum: bool = False,
        confirm: str | None = None,
        bid_id: str | None = None,
        valid_for_ms: int = BID_VALID_MS,
        timeout: float = ANSWER_TIMEOUT_S,
    ) -> m.BidAccepted | m.BidRejected:
        """Bid on a lot (the current one, unless told) and return the answer, however often the connection is lost.

        `amount` is in the auction's currency: "125.00". With `maximum` it is the most that may be bid for this
        bidder. `confirm` is the token of a refusal with code `too_high`. Each call is a bid of its own, unless it
        is given the id of an earlier one: then the answer is the earlier bid's.

        Raises:
            BidUnresolved: no answer came in `timeout` seconds.
            RoomClosed: the room had let this seat go before anything was sent.
        """
        if self._closed is not None:
            raise self._closed
        bid_id = bid_id or str(uuid.uuid4())
        if lot is None and self.state.lot is not None:
            lot = self.state.lot.id
        message: dict[str, Any] = {"type": "BID", "id": bid_id, "amount": _amount_text(amount)}
        if lot is not None:
            message["lot"] = lot
        if maximum:
            message["max"] = True
        if confirm is not None:
            message["confirm"] = confirm
        now = self.clock.now_ms()
        if now is not None:
            message["not_after_ms"] = now + valid_for_ms
        return await self._resolve(bid_id, msgspec.json.encode(message), timeout)

    async def bid_status(
        self,
        bid_id: str,
        *,
        timeout: float = ANSWER_TIMEOUT_S,
    ) -> m.BidAccepted | m.BidRejected | None:
        """Return what became of a bid, or None where the room never decided it."""
        if self._closed is not None:
            raise self._closed
        listening = self.messages()
        deadline = asyncio.get_running_loop().time() + timeout
        while (left := deadline - asyncio.get_running_loop().time()) > 0:
            # Asked again: the connection may be lost, or the room may have too many questions at once.
            await self._send({"type": "BID_STATUS", "id": bid_id})
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(left, ASK_AGAIN_S)):
                    async for message in listening:
                        match message:
                            case m.BidAccepted(id=answered) | m.BidRejected(id=answered) if answered == bid_id:
                                return message
                            case m.BidUnknown(id=answered) if answered == bid_id:
                                return None
                raise self._closed or RoomClosed("The room was left.")
        raise BidUnresolved(f"No answer about bid {bid_id} in {timeout:g} s.", bid_id=bid_id)

    async def say(self, text: str) -> str:
        """Say something in the chat and return its id; a refusal comes as a ChatRejected message with that id.

        Raises:
            ConnectionError: there is no connection at the moment, so nothing was said.
        """
        if self._closed is not None:
            raise self._closed
        line_id = str(uuid.uuid4())
        if not await self._send({"type": "CHAT", "id": line_id, "text": text}):
            raise ConnectionError("The room cannot be reached at the moment.")
        return line_id

    # --- the bid conversation ------------------------------------------------------------------------

    async def _resolve(self, bid_id: str, frame: bytes, patience_s: float) -> m.BidAccepted | m.BidRejected:
        pending = _PendingBid(frame, asyncio.get_running_loop().create_future())
        self._bids[bid_id] = pending
        try:
            await self._send_bytes(frame)
            # Not `wait_for`: on Python 3.11 it loses a cancellation that comes together with the answer.
            async with asyncio.timeout(patience_s):
                return await pending.answer
        except TimeoutError:
            raise BidUnresolved(f"No answer to bid {bid_id} in {patience_s:g} s.", bid_id=bid_id) from None
        finally:
            self._bids.pop(bid_id, None)

    def _take_answer(self, answer: m.BidAccepted | m.BidRejected) -> None:
        pending = self._bids.get(answer.id or "")
        if pending is not None and not pending.answer.done():
            pending.answer.set_result(answer)

    def _take_unknown(self, bid_id: str | None) -> None:
        """Repeat a bid that may not have been decided; the same id cannot count twice."""
        pending = self._bids.get(bid_id or "")
        if pending is None:
            return
        # The first one may be the answer to BID_STATUS: then it simply never arrived.
        pause = UNKNOWN_PAUSE_S * pending.unknowns
        pending.unknowns += 1
        self._later(pause, lambda: self._repeat(pending))

    async def _repeat(self, pending: _PendingBid) -> None:
        if not pending.answer.done():
            await self._send_bytes(pending.frame)

    async def _ask_after_bids(self) -> None:
        for bid_id, pending in list(self._bids.items()):
            if not pending.answer.done():
                pending.unknowns = 0
                await self._send({"type": "BID_STATUS", "id": bid_id})

    # --- the connection ------------------------------------------------------------------------------

    async def _keep(self) -> None:
        """Connect again and again until the room is closed for good."""
        attempt = 0
        while self._closed is None:
            before = self.connections
            pause = 0.0
            try:
                await self._visit()
            except InvalidStatus as refusal:
                if refusal.response.status_code in (401, 403, 404):
                    message = f"The handshake was refused with {refusal.response.status_code}."
                    self._end(RoomClosed(message, code=4404 if refusal.response.status_code == 404 else 4403))
                    return
            except ConnectionClosed as closed:
                code = closed.rcvd.code if closed.rcvd is not None else None
                # A token that ran out in the middle is not the end, where there is a next one.
                ran_out = code == _SIGNED_OUT and self._session.renews_itself and self.connections > before
                if code in _FINAL and not ran_out:
                    self._end(RoomClosed(_FINAL[code], code=code))
                    return
                if code == _TOO_MANY:
                    pause = self._backoff.most_s / 3
            except (OSError, WebSocketException, TimeoutError, EOFError, SiteUnreachable):
                pass  # nobody there, or not yet able to speak
            finally:
                self._socket, self._caught_up, self._resuming = None, False, False
            attempt = 0 if self.connections > before else attempt + 1
            await asyncio.sleep(pause + self._backoff.delay(attempt))

    async def _visit(self) -> None:
        """Live through one connection; returns or raises when it is over."""
        async with connect(
            self._address(),
            origin=Origin(self._session.origin),
            subprotocols=[Subprotocol(m.SUBPROTOCOL)],
            additional_headers=await asyncio.to_thread(self._session.socket_headers),
            proxy=None if self._session.is_local else True,
            compression=None,
            ping_interval=KEEPALIVE_S,
            ping_timeout=KEEPALIVE_S,
            close_timeout=2,
        ) as socket:
            self._socket = socket
            pinging = asyncio.create_task(self._ping(socket))
            try:
                while True:
                    await self._take_frame(await socket.recv())
            finally:
                pinging.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await pinging

    def _address(self) -> str:
        query = ""
        if self.state.known:
            query = "?" + urllib.parse.urlencode({"since": self.state.v, "epoch": self.state.epoch})
        return self._session.socket_origin + self._path + query

    async def _ping(self, socket: ClientConnection) -> None:
        """Measure the server's clock: often at first, then now and then."""
        pause = PING_INTERVAL_S / 60
        with contextlib.suppress(ConnectionClosed):
            while True:
                await socket.send(msgspec.json.encode({"type": "PING", "t": self.clock.stamp()}).decode())
                await asyncio.sleep(pause)
                pause = min(pause * 3, PING_INTERVAL_S)

    async def _take_frame(self, frame: str | bytes) -> None:
        try:
            taken = m.decode(frame)
        except ValueError:
            # A frame that cannot be read may have held an event: the gap shows at the next one.
            return
        for message in taken:
            await self._take(message)
        for condition in self._conditions:
            if not condition.reached.done() and condition.holds(self.state):
                condition.reached.set_result(None)

    async def _take(self, message: m.AnyMessage) -> None:
        applied = self.state.apply(message)
        match message:
            case m.State(server_time_ms=time) | m.Resumed(server_time_ms=time):
                self.clock.heard(time)
                self._resuming = False
                await self._arrived(applied)
            case m.Timer(server_time_ms=time):
                self.clock.heard(time)
            case m.Pong(t=sent, server_time_ms=time):
                self.clock.answered(time, sent)
            case m.BidAccepted() | m.BidRejected():
                self._take_answer(message)
            case m.BidUnknown(id=bid_id):
                self._take_unknown(bid_id)
            case _:
                pass
        if applied is Applied.GAP:
            # Where the events did not close the gap, an epoch that nobody has asks for the whole state.
            await self._resume(whole=isinstance(message, m.Resumed))
        elif applied is Applied.BEHIND:
            v = message.v if isinstance(message, m.Timer) else 0
            self._later(PATIENCE_S, lambda: self._resume_if_behind(v))
        for subscriber in self._subscribers:
            subscriber._put(message)

    async def _arrived(self, applied: Applied) -> None:
        if applied is Applied.GAP or self._caught_up:
            return
        self._caught_up = True
        self.connections += 1
        await self._ask_after_bids()

    async def _resume_if_behind(self, v: int) -> None:
        if self.state.v < v:
            await self._resume()

    async def _resume(self, *, whole: bool = False) -> None:
        """Ask for what is missing, once until it comes."""
        if self._resuming:
            return
        since, epoch = (0, "-") if whole or not self.state.known else (self.state.v, self.state.epoch)
        self._resuming = await self._send({"type": "RESUME", "since": since, "epoch": epoch})

    async def _send(self, message: dict[str, Any]) -> bool:
        return await self._send_bytes(msgspec.json.encode(message))

    async def _send_bytes(self, frame: bytes) -> bool:
        """Send a text frame if there is a connection; whoever needs an answer asks again after a reconnect."""
        if self._socket is None:
            return False
        try:
            await self._socket.send(frame.decode())
        except ConnectionClosed:
            return False
        return True

    def _later(self, pause: float, work: Callable[[], Any]) -> None:
        async def run() -> None:
            await asyncio.sleep(pause)
            await work()

        task = asyncio.create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _end(self, reason: RoomClosed) -> None:
        if self._closed is not None:
            return
        self._closed = reason
        for condition in self._conditions:
            if not condition.reached.done():
                condition.reached.set_exception(reason)
        for bid_id, pending in self._bids.items():
            if not pending.answer.done():
                pending.answer.set_exception(BidUnresolved(f"{reason}", bid_id=bid_id))
        for subscriber in self._subscribers:
            subscriber._put(reason)


def _amount_text(amount: str | int | Decimal) -> str:
    return f"{amount:f}" if isinstance(amount, Decimal) else str(amount)
