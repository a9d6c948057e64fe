"""How many people are in a room, over all web processes, and which of them are signed in.

Each process says whom it seats, and that runs out by itself: a killed process is forgotten in time. A person with
several sockets on a process counts once there. Who is seated gets no mail of a lost lead (`selectors.is_seated`).
"""

from collections.abc import Collection, Iterable
from typing import Final

from bidding.engine.runner import arun
from bidding.engine.side import RoomKeys, count_people
from bidding.floor import async_side
from bidding.room.seats import Seat

EVERY_S: Final = 2.0
"""How often a process counts, and so the least time between two PARTICIPANTS."""
_TTL_MS: Final = 6_000
"""Together with the next count of the others this is below the promised 10 s."""


class Presence:
    """One process' voice in the count."""

    def __init__(self, process: str) -> None:
        self._process = process

    async def count(self, auction_id: int, seats: Iterable[Seat]) -> int:
        """Tell how many people sit here and return how many sit everywhere; raises a RedisError."""
        seats = list(seats)
        await self._name(auction_id, {user for seat in seats if (user := seat.visitor.user_id) is not None})
        call = count_people(auction_id, process=self._process, people=people_in(seats), ttl_ms=_TTL_MS)
        return await arun(async_side(), call)

    async def _name(self, auction_id: int, users: Collection[int]) -> None:
        key = RoomKeys(auction_id).seated(self._process)
        pipe = async_side().pipeline(transaction=True)
        pipe.delete(key)
        if users:
            pipe.sadd(key, *users)
            pipe.pexpire(key, _TTL_MS)
        await pipe.execute()


def people_in(seats: Iterable[Seat]) -> int:
    """Count the people on these seats: each user once, and each seat of somebody unknown."""
    users: set[int] = set()
    unknown = 0
    for seat in seats:
        if seat.visitor.user_id is None:
            unknown += 1
        else:
            users.add(seat.visitor.user_id)
    return len(users) + unknown
