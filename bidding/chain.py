"""The hash chain of an auction's log: what an entry commits to, and how each hash covers the one before.

Owns the exact bytes that are hashed and nothing else: no Django, no database, so that whoever checks a record can
read this one file. Every hash is 32 bytes, written as hex. The private part of an entry is committed to in two
halves with salts of their own: the bidder's own offer, which its bidder may open, and the rest (the leader, their
maximum, the reserve), which opening the first half does not touch.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Final

GENESIS: Final = "0" * 64
"""What the first entry of a log has before it."""

_OFFER_FIELDS: Final = frozenset(
    {"registration", "paddle", "kind", "amount", "maximum", "id", "channel", "lot", "asked", "answer"}
)
"""What a bidder knows of their own offer. Who entered it for them, and everybody else, is in the rest."""
_OFFERS: Final = frozenset({"HIGHEST_BID", "MAX_RAISED", "PRE_BID"})
"""The kinds of entries that one bidder's offer made."""


@dataclass(frozen=True, slots=True)
class Half:
    """One half of a private part: its text, its salt (hex), and the commitment that the chain covers (hex)."""

    text: str
    salt: str

    @property
    def commitment(self) -> str:
        """SHA-256(salt ‖ text)."""
        return hashlib.sha256(bytes.fromhex(self.salt) + self.text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class PrivatePart:
    """The private part of an entry in its two halves."""

    offer: Half
    rest: Half
    bid_id: str
    """The client's id of the offer; empty where there is none."""


def private_part(
    *, v: int, s: int, kind: str, run_id: int | None, at_ms: int, epoch: str, private: str, salt: str
) -> PrivatePart:
    """Return the halves of an entry's private part; `private` is its JSON text, `salt` the entry's own (hex).

    The rest also names the entry's place, kind and time: a private entry has no public text that would.
    """
    values: dict[str, Any] = json.loads(private)
    offer = {name: values[name] for name in _OFFER_FIELDS & values.keys()} if kind in _OFFERS else {}
    rest = {name: value for name, value in values.items() if name not in offer}
    rest["entry"] = [v, s, kind, run_id, at_ms, epoch]
    return PrivatePart(
        offer=Half(_canonical(offer) if offer else "", half_salt("offer", salt)),
        rest=Half(_canonical(rest), half_salt("rest", salt)),
        bid_id=offer.get("id", ""),
    )


def half_salt(half: str, salt: str) -> str:
    """Return the salt of one half: knowing it tells nothing of the entry's salt or of the other half's."""
    return hashlib.sha256(f"{half}:{salt}".encode()).hexdigest()


def public_digest(public: str) -> str:
    """Return SHA-256 of a public text; a private entry has the empty one."""
    return hashlib.sha256(public.encode()).hexdigest()


NO_PUBLIC: Final = public_digest("")


def chain_hash(previous: str, digest: str, offer: str, rest: str) -> str:
    """Return SHA-256(previous ‖ SHA-256(public) ‖ offer's commitment ‖ rest's commitment).

    All four have 32 bytes, so that nothing can move from one to the next unseen.
    """
    parts = [bytes.fromhex(part) for part in (previous, digest, offer, rest)]
    if any(len(part) != 32 for part in parts):
        raise ValueError("a hash of the chain has 32 bytes")
    return hashlib.sha256(b"".join(parts)).hexdigest()


def follows(before: tuple[int, int], place: tuple[int, int]) -> bool:
    """Say whether an entry at `place` (version, sub-number) comes directly after the one at `before`."""
    v, s = before
    return place in ((v + 1, 0), (v, s + 1))


def head_message(auction_id: int, v: int, epoch: str, head: str) -> bytes:
    """Return the bytes that a signature of a head covers."""
    return f"auction-head/1:{auction_id}:{v}:{epoch}:{head}".encode()


def key_id_of(public_key: bytes) -> str:
    """Return the name of a public key (its 32 bytes): the first 8 bytes of its SHA-256, hex."""
    return hashlib.sha256(public_key).hexdigest()[:16]


def _canonical(values: dict[str, Any]) -> str:
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
