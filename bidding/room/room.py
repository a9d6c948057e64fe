"""One room in one process: the order of its events, the window in which they travel, and its seats.

Does no IO but writing to its seats' lines: what must be read is fetched by the hub. The log in Redis is the truth;
what arrives here may come late, twice, out of order or never.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from bidding import protocol
from bidding.engine.outcomes import Snapshot
from bidding.metrics import DELIVERIES, FRAMES, MERGED_EVENTS, ROOMS_BEGUN_ANEW
from bidding.protocol import Namespace, decode_event
from bidding.room.chat import ChatWindow
from bidding.room.conflation import EVERYBODY, MASKS, audience, mask_of, may_merge, merged
from bidding.room.presence import people_in
from bidding.room.seats import Seat
from bidding.room.state import leader_of
from bidding.room.transport import Frame
from bidding.selectors import RoomInfo
from bidding.services.chat import NOT_READ, ChatRules

WINDOW_S: Final = 0.1
"""At most one frame in so long, except the first after a pause and the heartbeat."""
MOST_WAITING: Final = 500
"""More messages than this are not sent one by one: STATE says the same."""

_SIGNAL_MASKS: Final = {
    "TIMER": mask_of(protocol.Timer.namespaces),
    "LOG_HEAD": mask_of(protocol.LogHead.namespaces),
}


class _SignalFacts(msgspec.Struct):
    """What the room itself reads of a signal."""

    type: str
    v: int | None = None
    epoch: str | None = None
    server_time_ms: int | None = None
    id: str | None = None
    line: protocol.ChatLine | None = None
    stream: protocol.StreamPart | None = None


@dataclass(slots=True)
class _Waiting:
    """A message on its way out: an event as values while it may still be merged, or a text as it is."""

    mask: int
    text: str
    event: dict[str, Any] | None = None

    def payload(self) -> bytes:
        return self.text.encode() if self.text else msgspec.json.encode(self.event)


class Room:
    """The seats of one auction in this process."""

    def __init__(self, info: RoomInfo) -> None:
        self.info = info
        self.status = info.status
        self.chat = ChatWindow()
        self.chat_rules: ChatRules = NOT_READ
        self.people = 0
        self.heartbeat_ms: int | None = None
        """The server's time in the last TIMER."""
        self.waiting: set[Seat] = set()
        """Seats that need STATE or RESUMED."""
        self.epoch: str | None = None
        """None until the first snapshot was read, and again when the room began anew."""
        self.v = 0
        """The version up to which events are in order here."""
        self.sent_v = 0
        """The version up to which current seats have been told."""
        self.head_v = 0
        """The highest version that is known to exist."""
        self._seats: dict[int, dict[Seat, None]] = {}
        self._ahead: dict[int, str] = {}
        self._ahead_epoch = ""
        self._outbox: list[_Waiting] = []
        self._last_event: _Waiting | None = None
        self._flushed_at = float("-inf")
        self._lot_id: int | None = None
        self._leader: int | None = None
        self._led: set[int] = set()
        self.concerned: set[int] = set()
        """Paddles whose own part an event changed; the hub tells them."""
        self._price: protocol.Outbid | None = None

    # --- Seats ---------------------------------------------------------------------------------------

    def add(self, seat: Seat) -> None:
        """Take a seat in; it waits for its first STATE."""
        self._seats.setdefault(seat.mask, {})[seat] = None
        self.waiting.add(seat)

    def remove(self, seat: Seat) -> None:
        """Let a seat go."""
        seats = self._seats.get(seat.mask, {})
        seats.pop(seat, None)
        if not seats:
            self._seats.pop(seat.mask, None)
        self.waiting.discard(seat)

    def __iter__(self) -> Iterator[Seat]:
        for seats in tuple(self._seats.values()):
            yield from tuple(seats)

    def __len__(self) -> int:
        return sum(map(len, self._seats.values()))

    def count(self) -> int:
        """Return how many people are in the room, as far as this process knows."""
        return max(self.people, people_in(self))

    def tell(self, seat: Seat, message: protocol.ServerMessage) -> None:
        """Send a message to one seat that is up to date; one that is not learns it from its STATE."""
        if seat.is_current and not seat.send(message):
            self.waiting.add(seat)

    def hold(self, seat: Seat) -> None:
        """Send the seat nothing more until it has got its STATE or RESUMED."""
        seat.is_current = False
        self.waiting.add(seat)

    # --- Order ---------------------------------------------------------------------------------------

    def begin(self, snapshot: Snapshot) -> None:
        """Start from a snapshot; events up to its version are part of it."""
        self.epoch = snapshot.epoch
        self.v = self.sent_v = self.head_v = snapshot.v
        self.status = snapshot.status
        self._lot_id, self._leader = leader_of(snapshot)
        self._led.clear()
        self._last_event = None
        self._outbox = [message for message in self._outbox if message.event is None]
        if self._ahead_epoch != snapshot.epoch:
            self._ahead.clear()
        self.head_v = max(self.head_v, *self._ahead) if self._ahead else self.head_v
        self._advance()

    def begin_anew(self) -> None:
        """Give up what is known: every seat gets STATE."""
        ROOMS_BEGUN_ANEW.inc()
        self.epoch = None
        for seat in self:
            self.hold(seat)

    def take(self, epoch: str, entries: Iterable[tuple[int, str]]) -> None:
        """Take entries of the log, in whatever order and however often they come."""
        if self.epoch is not None and epoch != self.epoch:
            self.begin_anew()
        if epoch != self._ahead_epoch:
            self._ahead.clear()
            self._ahead_epoch = epoch
        for v, text in entries:
            if self.epoch is None or v > self.v:
                self._ahead[v] = text
                self.head_v = max(self.head_v, v)
        if self.epoch is not None:
            self._advance()
        if len(self._ahead) > MOST_WAITING:
            # Only the lowest can be used next; the log has the rest.
            self._ahead = dict(sorted(self._ahead.items())[:MOST_WAITING])

    def learn_head(self, epoch: str, v: int) -> None:
        """Hear of a version that exists, so that one which was never announced is missed."""
        if self.epoch is None:
            return
        if epoch != self.epoch:
            self.begin_anew()
        else:
            self.head_v = max(self.head_v, v)

    @property
    def has_gap(self) -> bool:
        """Whether versions are missing that are known to exist."""
        return self.epoch is not None and self.head_v > self.v

    def _advance(self) -> None:
        for v in [v for v in self._ahead if v <= self.v]:
            del self._ahead[v]
        while (text := self._ahead.pop(self.v + 1, None)) is not None:
            self.v += 1
            self._accept(text)

    def _accept(self, text: str) -> None:
        event = decode_event(text)
        self._follow(event)
        last = self._last_event
        if last is not None and last.event is not None and may_merge(last.event, event):
            last.event, last.text = merged(last.event, event), ""
            MERGED_EVENTS.inc()
        else:
            self._last_event = _Waiting(audience(event["type"]), text, event)
            self._outbox.append(self._last_event)

    def _follow(self, event: dict[str, Any]) -> None:
        """Keep what the room itself must know: the show's status, the lot and who leads it."""
        match event["type"]:
            case "AUCTION_LIVE":
                self.status = "live"
            case "AUCTION_ENDED":
                self.status = "ended"
            case "AUCTION_CANCELLED":
                self.status = "cancelled"
            case "LOT_OPENED":
                self._lot_id, self._leader = event["lot"]["id"], None
                self._led.clear()
            case "HIGHEST_BID":
                if self._leader is not None:
                    self._led.add(self._leader)
                self._leader = event["leader"]["paddle"]
                self._price = protocol.Outbid(
                    lot=event["lot"],
                    amount=event["current_amount"],
                    minimum_amount=event["minimum_amount"],
                    v=event["v"],
                )
            case "BID_VOIDED":
                before, self._leader = self._leader, event["leader"]["paddle"] if event["leader"] else None
                self.concerned |= {paddle for paddle in (event["paddle"], before, self._leader) if paddle is not None}
            case _:
                pass

    @property
    def leader(self) -> int | None:
        """The paddle that leads the current lot."""
        return self._leader

    # --- Signals ---------------------------------------------------------------------------------------

    def signal(self, namespace: Namespace | None, text: str) -> bool:
        """Take a signal for the room; True where it should not wait for the window."""
        facts = msgspec.json.decode(text, type=_SignalFacts)
        mask = EVERYBODY if namespace is None else MASKS[namespace]
        if facts.v is not None and facts.epoch is not None:
            self.learn_head(facts.epoch, facts.v)
        match facts.type:
            case "TIMER":
                self.heartbeat_ms = facts.server_time_ms
            case "CHAT":
                if facts.line is None or not self.chat.add(facts.line):
                    return False
            case "CHAT_REMOVED":
                if not self.chat.remove(facts.id or ""):
                    return False
            case "STREAM" if facts.stream is not None:
                self.info = replace(self.info, stream=facts.stream)
            case _:
                pass
        self._outbox.append(_Waiting(_SIGNAL_MASKS.get(facts.type, mask), text))
        return facts.type == "TIMER"

    def post(self, namespace: Namespace | None, message: protocol.ServerMessage) -> None:
        """Send a signal of this process' own to its seats, in the next window."""
        mask = EVERYBODY if namespace is None else MASKS[namespace]
        self._outbox.append(_Waiting(mask, protocol.encode(message).decode()))

    # --- Sending ---------------------------------------------------------------------------------------

    def flush_delay(self) -> float | None:
        """Return in how many seconds the next frame is due; None where nothing waits."""
        if not self._outbox:
            return None
        return max(0.0, self._flushed_at + WINDOW_S - time.monotonic())

    def flush(self) -> None:
        """Send what waits, encoded once for each audience, to all seats that are up to date."""
        outbox, self._outbox, self._last_event = self._outbox, [], None
        self.sent_v = self.v
        self._flushed_at = time.monotonic()
        if len(outbox) > MOST_WAITING:
            for seat in self:
                self.hold(seat)
            return
        payloads = [(message.mask, message.payload()) for message in outbox]
        for mask, seats in tuple(self._seats.items()):
            chosen = [payload for for_mask, payload in payloads if for_mask & mask]
            if not chosen:
                continue
            frame = Frame(chosen[0] if len(chosen) == 1 else b"[" + b",".join(chosen) + b"]")
            # Counted are those who get nothing: they are few, and this is the hottest loop of the house.
            written = len(seats)
            for seat in tuple(seats):
                if not seat.is_current:
                    written -= 1
                elif not seat.write(frame):
                    written -= 1
                    self.waiting.add(seat)
            FRAMES.inc(written)
            DELIVERIES.inc(written * len(chosen))
        self._tell_outbid()

    def _tell_outbid(self) -> None:
        lost = self._led - {self._leader}
        self._led.clear()
        if not lost or self._price is None:
            return
        for seat in self:
            if seat.visitor.paddle in lost and seat.mask & MASKS[Namespace.BID]:
                self.tell(seat, self._price)
