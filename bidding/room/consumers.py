"""What a client's messages do: parse, see that they are allowed, hand on, answer.

Owns one socket from its handshake to its end. Decides nothing about a bid and broadcasts nothing: the answer to a
message goes to its sender alone, and the room hears of the rest through the hub.
"""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, Final, assert_never
from urllib.parse import parse_qsl

from channels.consumer import AsyncConsumer

from bidding import protocol
from bidding.metrics import BIDS, CLOSES, DELIVERIES, ERRORS, FRAMES, MESSAGES
from bidding.protocol import CloseCode, ErrorCode, Namespace, RefusalCode
from bidding.room.conflation import mask_of
from bidding.room.entrance import Admission, client_address
from bidding.room.hub import Hub, current_hub
from bidding.room.room import Room
from bidding.room.seats import Patience, Seat
from bidding.room.transport import Frame, Send, line_to
from bidding.services import bid_place, bid_status
from bidding.services.chat import chat_say
from bidding.services.wording import refusal_message

_RETRY_S: Final = 0.05


class RoomConsumer(AsyncConsumer):
    """One socket in one room, for one or more namespaces."""

    def __init__(self, namespaces: Iterable[Namespace] = tuple(Namespace)) -> None:
        self._namespaces = frozenset(namespaces)
        self._patience = Patience()
        self._seat: Seat
        self._room: Room
        self._hub: Hub

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Send) -> None:
        """Serve one socket.

        Channels' own loop would give each socket a channel in the layer and each message a hop to a thread.
        """
        await receive()  # websocket.connect
        self._hub = current_hub()
        query = dict(parse_qsl(scope.get("query_string", b"").decode("latin-1")))
        admission = await self._hub.door.admit(
            scope["url_route"]["kwargs"]["auction_id"],
            scope["headers"],
            query.get("ticket"),
            board_key=query.get("board"),
        )
        if isinstance(admission, Admission) and admission.visitor.board and Namespace.CHAT in self._namespaces:
            admission = CloseCode.FORBIDDEN
        offers = protocol.SUBPROTOCOL in scope.get("subprotocols", ())
        await send({"type": "websocket.accept", "subprotocol": protocol.SUBPROTOCOL if offers else None})
        if isinstance(admission, CloseCode):
            CLOSES[admission].inc()
            await send({"type": "websocket.close", "code": admission.value})
            return
        line = line_to(scope, send)
        line.limit(protocol.MAX_MESSAGE_BYTES)
        self._seat = Seat(
            auction_id=admission.info.auction_id,
            line=line,
            mask=mask_of(self._namespaces),
            visitor=admission.visitor,
            address=client_address(scope),
        )
        self._seat.resume_from = _resume_from(query)
        # What was needed for the handshake would otherwise live as long as the seat.
        scope = {}
        entered = self._hub.enter(self._seat, admission.info)
        if isinstance(entered, CloseCode):
            self._seat.close(entered)
            return
        self._room = entered
        del admission, entered, offers, query
        try:
            while (message := await receive())["type"] != "websocket.disconnect":
                await self._take(message)
            if message.get("code") == CloseCode.TOO_LARGE and not self._seat.let_go:
                CLOSES[CloseCode.TOO_LARGE].inc()  # the server kept the limit by itself
        except asyncio.CancelledError:
            if not self._seat.left:
                raise
        finally:
            self._hub.leave(self._seat)

    async def _take(self, message: dict[str, Any]) -> None:
        text = message.get("text")
        if not self._patience.spend():
            if self._patience.is_over:
                self._seat.close(CloseCode.TOO_MANY)
            else:
                await self._answer(self._too_many(text))
            return
        if text is None:
            await self._answer(protocol.Error(code=ErrorCode.BAD_MESSAGE.value, message="Send text frames."))
            return
        if len(text) > protocol.MAX_MESSAGE_BYTES or len(text.encode()) > protocol.MAX_MESSAGE_BYTES:
            self._seat.close(CloseCode.TOO_LARGE)
            return
        try:
            parsed = protocol.parse(text)
        except protocol.BadMessage as bad:
            await self._answer(bad.error)
            return
        needed = protocol.NAMESPACE_OF[type(parsed)]
        if needed is not None and needed not in self._namespaces:
            error = protocol.Error(
                code=ErrorCode.WRONG_NAMESPACE.value, message=f"This socket does not carry {needed.value}."
            )
            await self._answer(error)
            return
        await self._obey(parsed)

    def _too_many(self, text: str | None) -> protocol.ServerMessage:
        """Return the answer to a message that came too fast; a bid is told under its id that it did not count."""
        with suppress(protocol.BadMessage):
            message = protocol.parse(text or "")
            if isinstance(message, protocol.PlaceBid):
                code = RefusalCode.RATE_LIMITED
                return protocol.BidRejected(
                    id=message.id,
                    code=code.value,
                    message=refusal_message(code, self._room.info.currency),
                    retry_after_ms=self._patience.retry_after_ms,
                )
        return protocol.Error(code=ErrorCode.TOO_MANY.value, message="Too many messages.")

    async def _obey(self, message: protocol.AnyClientMessage) -> None:
        MESSAGES[str(message.__struct_config__.tag)].inc()
        match message:
            case protocol.PlaceBid():
                await self._bid(message)
            case protocol.BidStatus():
                registration_id = self._seat.visitor.registration_id
                await self._answer(
                    await bid_status(room=self._room.info, registration_id=registration_id, message=message)
                )
            case protocol.Resume():
                self._seat.resume_from = (message.since, message.epoch)
                self._hub.refresh(self._room, self._seat)
            case protocol.SayChat():
                refused = await chat_say(
                    auction_id=self._seat.auction_id,
                    speaker=self._seat.visitor.speaker,
                    is_open=self._room.status in ("scheduled", "live"),
                    message=message,
                    rules=await self._hub.rules_of(self._room),
                    now_ms=self._hub.clock.now_ms(),
                )
                if refused is not None:
                    await self._answer(refused)
            case protocol.Ping():
                await self._answer(protocol.Pong(t=message.t, server_time_ms=await self._hub.now_ms()))
            case _:
                assert_never(message)

    async def _bid(self, message: protocol.PlaceBid) -> None:
        visitor, info = self._seat.visitor, self._room.info
        if visitor.user_id is None:
            code = RefusalCode.SIGN_IN
            BIDS[code].inc()
            refused = protocol.BidRejected(id=message.id, code=code.value, message=refusal_message(code, info.currency))
            await self._answer(refused)
            return
        await self._answer(await bid_place(room=info, registration_id=visitor.registration_id, message=message))

    async def _answer(self, message: protocol.ServerMessage) -> None:
        """Send an answer; a client that does not read its answers is not listened to either."""
        frame = Frame(protocol.encode(message))
        while not self._seat.line.write(frame):  # noqa: ASYNC110 - a line knows no event, and this is rare
            await asyncio.sleep(_RETRY_S)
        FRAMES.inc()
        DELIVERIES.inc()
        if isinstance(message, protocol.Error):
            ERRORS[message.code].inc()


async def no_such_room(scope: dict[str, Any], receive: Any, send: Send) -> None:
    """Close a socket on an unknown path so that a browser can see why."""
    await receive()
    CLOSES[CloseCode.NOT_FOUND].inc()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.close", "code": CloseCode.NOT_FOUND.value})


def _resume_from(query: Mapping[str, str]) -> tuple[int, str] | None:
    """Return `since` and `epoch` of a query string; None where they are not there or make no sense."""
    since, epoch = query.get("since", ""), query.get("epoch", "")
    if not (since.isascii() and since.isdecimal() and len(since) < 16 and epoch):
        return None
    return int(since), epoch
