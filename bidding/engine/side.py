"""Keys and calls of the side server: chat, presence, rates. All of it may be lost without harm to a bid.

Sans-IO like `bidding.engine.calls`; the same runner carries the calls out.
"""

import secrets
from dataclasses import dataclass

from bidding.engine.calls import Call
from bidding.engine.scripts import script


@dataclass(frozen=True, slots=True)
class RoomKeys:
    """The keys of one room on the side; they share a hash tag, as the floor's do."""

    auction_id: int

    @property
    def chat(self) -> str:
        """Stream: what was said, bounded; an entry's id is the line's id."""
        return f"{{room:{self.auction_id}}}:chat"

    @property
    def people(self) -> str:
        """Hash: how many people each process seats."""
        return f"{{room:{self.auction_id}}}:people"

    def seated(self, process: str) -> str:
        """Set: the signed-in people whom one process seats. It runs out with the process' count."""
        return f"{{room:{self.auction_id}}}:seated:{process}"

    def chat_rate(self, user_id: int) -> str:
        """Hash: one person's bucket of chat tokens."""
        return f"{{room:{self.auction_id}}}:chat-rate:{user_id}"

    def chat_pace(self, user_id: int) -> str:
        """Hash: one person's bucket of slow mode."""
        return f"{{room:{self.auction_id}}}:chat-pace:{user_id}"

    def chat_said(self, user_id: int, message_id: str) -> str:
        """String: left by a chat message with an id, so that a repeat is not said twice."""
        return f"{{room:{self.auction_id}}}:chat-said:{user_id}:{message_id}"


def ticket_key(digest: str) -> str:
    """Return the key of a socket ticket: a string, gone once it was used. Named by a digest: the ticket is a secret."""
    return f"ticket:{digest}"


def ticket_rate_key(user_id: int) -> str:
    """Return the key of one person's bucket of socket tickets: a hash."""
    return f"ticket-rate:{user_id}"


def search_rate_key(network: str) -> str:
    """Return the key of the bucket of searches that come from one network: a hash."""
    return f"search-rate:{network}"


@dataclass(frozen=True, slots=True)
class Allowance:
    """Whether a token was taken, and if not, when to ask again."""

    allowed: bool
    retry_after_ms: int


def report_rate_key(user_id: int) -> str:
    """Return the key of one person's bucket of reports: a hash."""
    return f"report-rate:{user_id}"


def take_token(key: str, *, holds: int, refill_ms: int) -> Call[Allowance]:
    """Take a token from a bucket that holds so many and gets one back every `refill_ms`."""
    token = secrets.token_hex(8)
    return Call(
        script("token_bucket"),
        token,
        (key,),
        (token, holds, refill_ms, 1),
        lambda reply: Allowance(int(reply[0]) == 1, int(reply[1])),
    )


def count_people(auction_id: int, *, process: str, people: int, ttl_ms: int) -> Call[int]:
    """Say how many people this process seats in a room; return how many all processes do. 0 takes it out."""
    return count_at(RoomKeys(auction_id).people, process=process, people=people, ttl_ms=ttl_ms)


def count_at(key: str, *, process: str, people: int, ttl_ms: int) -> Call[int]:
    """Count people under a key as `count_people` does."""
    token = secrets.token_hex(8)
    return Call(script("presence"), token, (key,), (token, process, people, ttl_ms), lambda reply: int(reply[0]))


def let_go(key: str, *, holder: str) -> Call[bool]:
    """Take away a key that says who holds something, where it is still this holder; False where it is not."""
    token = secrets.token_hex(8)
    return Call(script("lock_release"), token, (key,), (token, holder), lambda reply: reply[0] in (b"1", "1"))
