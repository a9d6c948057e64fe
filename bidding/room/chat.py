"""The last lines of a room's chat, as a page that comes in sees them.

Kept in step by the signals that the room gets anyway, so that a join costs no read. Says nothing itself.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

from bidding.protocol import ChatLine
from bidding.services.chat import LINES_IN_STATE

_REMOVED_KEPT: Final = 200


class ChatWindow:
    """The newest lines, oldest first."""

    def __init__(self) -> None:
        self._lines: deque[ChatLine] = deque(maxlen=LINES_IN_STATE)
        self._removed: deque[str] = deque(maxlen=_REMOVED_KEPT)
        """Lines that must not come back: a read of the stream may have begun before they were taken away."""
        self.is_loaded = False

    def load(self, lines: Iterable[ChatLine]) -> None:
        """Take what was said before; lines that came meanwhile stay behind it."""
        known = {*self._removed, *(line.id for line in self._lines)}
        earlier = [line for line in lines if line.id not in known]
        self._lines = deque([*earlier, *self._lines], maxlen=LINES_IN_STATE)
        self.is_loaded = True

    def add(self, line: ChatLine) -> bool:
        """Take a new line; False where it is known, or was taken away."""
        if line.id in self._removed or any(line.id == known.id for known in self._lines):
            return False
        self._lines.append(line)
        return True

    def remove(self, line_id: str) -> bool:
        """Forget a line that was taken away; False where that is known."""
        if line_id in self._removed:
            return False
        self._removed.append(line_id)
        self._lines = deque((line for line in self._lines if line.id != line_id), maxlen=LINES_IN_STATE)
        return True

    @property
    def ids(self) -> Sequence[str]:
        """The ids of the lines."""
        return tuple(line.id for line in self._lines)

    @property
    def last_id(self) -> str | None:
        """The id of the newest line."""
        return self._lines[-1].id if self._lines else None

    @property
    def lines(self) -> Sequence[ChatLine]:
        """The lines, oldest first."""
        return tuple(self._lines)
