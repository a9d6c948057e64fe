"""One socket's place in a room: who sits there, what they may hear, and how patient the room is with them.

Owns a seat's own state. Does no IO but writing to the seat's line.
"""

import math
import time
from collections import Counter
from collections.abc import Hashable
from typing import Any, Final

from django.conf import settings

from bidding import protocol
from bidding.metrics import CLOSES, DELIVERIES, FRAMES, SLOW_SEATS
from bidding.protocol import CloseCode
from bidding.room.entrance import Visitor
from bidding.room.transport import Frame, Line

SLOW_S: Final = 10.0
"""How long a seat may leave its buffer full before it is let go (4408)."""


class Seat:
    """One socket in one room.

    A seat that is not `is_current` waits for STATE or RESUMED and is sent no event until it has got one: at first,
    after it asked to resume, after it was slow, and when the room began anew.
    """

    __slots__ = (
        "address",
        "auction_id",
        "is_current",
        "left",
        "let_go",
        "line",
        "mask",
        "resume_from",
        "slow_since",
        "visitor",
    )

    def __init__(self, *, auction_id: int, line: Line, mask: int, visitor: Visitor, address: str | None) -> None:
        self.auction_id = auction_id
        self.line = line
        self.mask = mask
        self.visitor = visitor
        self.address = address
        self.is_current = False
        self.left = False
        self.let_go = False
        """Whether it was the site that closed it."""
        self.resume_from: tuple[int, str] | None = None
        """The version and epoch after which the seat wants the events, if it asked for them."""
        self.slow_since: float | None = None

    def write(self, frame: Frame) -> bool:
        """Send a frame; where the buffer is full the seat falls behind, and False is returned."""
        if self.line.write(frame):
            return True
        self.is_current = False
        self.resume_from = None
        if self.slow_since is None:
            self.slow_since = time.monotonic()
            SLOW_SEATS.inc()
        return False

    def send(self, message: protocol.ServerMessage) -> bool:
        """Send a message to this seat alone, as `write` does."""
        if not self.write(Frame(protocol.encode(message))):
            return False
        FRAMES.inc()
        DELIVERIES.inc()
        return True

    def is_lost(self) -> bool:
        """Tell whether the seat has been slow for too long."""
        return self.slow_since is not None and time.monotonic() - self.slow_since > SLOW_S

    def close(self, code: CloseCode, reason: str = "") -> None:
        """Hang up and say why."""
        if self.let_go:
            return
        self.let_go = True
        CLOSES[code].inc()
        self.line.close(int(code), reason)


class Places:
    """How many sockets of one kind one person and one address hold on this process, and may hold."""

    def __init__(self) -> None:
        self.of_user: Counter[int] = Counter()
        self.of_address: Counter[str] = Counter()

    def take(self, seat: Seat) -> bool:
        """Count a seat; False where it is one too many."""
        user_id, address = seat.visitor.user_id, seat.address
        if user_id is not None and self.of_user[user_id] >= settings.ROOM_SEATS_PER_USER:
            return False
        if address is not None and self.of_address[address] >= settings.ROOM_SEATS_PER_ADDRESS:
            return False
        if user_id is not None:
            self.of_user[user_id] += 1
        if address is not None:
            self.of_address[address] += 1
        return True

    def free(self, seat: Seat) -> None:
        """Forget a seat that was counted."""
        _count_down(self.of_user, seat.visitor.user_id)
        _count_down(self.of_address, seat.address)


class Patience:
    """How many messages a seat may send: so many a second, three times as many at once.

    Above that each is refused, and who goes on for as long again is a flood.
    """

    __slots__ = ("_at", "_burst", "_left", "_rate")

    def __init__(self) -> None:
        self._rate = float(settings.ROOM_MESSAGES_PER_SECOND)
        self._burst = self._rate * 3
        self._left = self._burst
        self._at = time.monotonic()

    def spend(self) -> bool:
        """Count a message; False where it is one too many."""
        now = time.monotonic()
        self._left = min(self._burst, self._left + (now - self._at) * self._rate) - 1
        self._at = now
        return self._left >= 0

    @property
    def retry_after_ms(self) -> int:
        """How long it takes until a message is taken again."""
        return math.ceil(max(0.0, 1 - self._left) / self._rate * 1000)

    @property
    def is_over(self) -> bool:
        """Whether so many messages were refused that the seat is better closed."""
        return self._left < -self._burst


def _count_down(counter: Counter[Any], key: Hashable) -> None:
    if key is None:
        return
    counter[key] -= 1
    if counter[key] <= 0:
        del counter[key]
