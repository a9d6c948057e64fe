"""What the engine's calls return: typed, immutable values. A refused bid is a value, not an exception."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class EngineError(Exception):
    """Something is wrong with the floor itself, not with what was asked of it."""


class ReplyMismatch(EngineError):
    """Redis answered with another call's reply; the connection must not be used again."""


class NotSent(EngineError):
    """Redis could not be reached, so the call was certainly not carried out."""


class NotTaken(NotSent):
    """Redis answered that it takes no change now (full, loading, read-only): nothing was written."""


class NotReplicated(EngineError):
    """The call was carried out, but no replica confirmed it in time: a failover could still lose it."""


class FloorMissing(EngineError):
    """Redis knows nothing of this auction: not scheduled, wiped, or another server. Nothing was decided."""


class Standing(StrEnum):
    """What an accepted bid was at the moment of its decision."""

    LEADING = "leading"
    OUTBID = "outbid"
    PRE_BID = "pre_bid"


@dataclass(frozen=True, slots=True)
class Entry:
    """One public entry of the log as the script wrote it: its version and its JSON text."""

    v: int
    text: str


@dataclass(frozen=True, slots=True)
class BidAccepted:
    """The bid counted. Amounts are minor units."""

    lot_id: int
    amount: int
    v: int
    epoch: str
    standing: Standing
    ends_at_ms: int | None
    maximum: int | None
    at_ms: int


@dataclass(frozen=True, slots=True)
class BidRejected:
    """The bid did not count; `code` is one of the wire's refusal codes. Amounts are minor units."""

    code: str
    amount: int
    is_maximum: bool
    lot_id: int | None
    v: int
    epoch: str
    minimum: int | None
    price: int | None
    late_ms: int | None
    at_ms: int


@dataclass(frozen=True, slots=True)
class BidDecision:
    """The answer to a bid, whether it was given before, and the log entries that the decision wrote."""

    answer: BidAccepted | BidRejected
    repeated: bool
    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Done:
    """A lifecycle command took effect and wrote these entries (none where it had nothing to do)."""

    v: int
    epoch: str
    now_ms: int
    entries: tuple[Entry, ...] = ()


class CommandCode(StrEnum):
    """Why a lifecycle command was refused."""

    ALREADY_CLOSED = "already_closed"
    BAD_ARGUMENT = "bad_argument"
    LOT_OPEN = "lot_open"
    NOT_CLOSED = "not_closed"
    NOT_DUE = "not_due"
    NOT_LIVE = "not_live"
    NOT_MISSING = "not_missing"
    NOT_ON_ROSTRUM = "not_on_rostrum"
    NOT_OPEN = "not_open"
    NOT_OVER = "not_over"
    NOT_PAUSED = "not_paused"
    NOT_SCHEDULED = "not_scheduled"
    NOT_STORED = "not_stored"
    NO_FAIR_WARNING = "no_fair_warning"
    NO_SUCH_BID = "no_such_bid"
    OVER = "over"
    STALE = "stale"
    TOO_EARLY = "too_early"
    TOO_LATE = "too_late"
    WRONG_LOT = "wrong_lot"


@dataclass(frozen=True, slots=True)
class NotDone:
    """A lifecycle command was refused in this state; nothing was changed. `code` is a `CommandCode`.

    It stays text: the script may be newer than this process.
    """

    code: str
    v: int
    epoch: str
    now_ms: int


@dataclass(frozen=True, slots=True)
class Pulse:
    """The few facts that the clock needs of an auction."""

    epoch: str
    v: int
    now_ms: int
    status: str
    lot_id: int | None
    lot_status: str
    ends_at_ms: int | None
    closed_at_ms: int | None
    next_lot_id: int | None
    next_opens_at_ms: int | None
    rostrum: int | None
    """The user whom alone the desk obeys; None while it obeys everybody who runs the show."""


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One entry of the log as Redis holds it."""

    v: int
    s: int
    kind: str
    run_id: int | None
    at_ms: int
    epoch: str
    public: str
    private: str
    salt: str

    @classmethod
    def read(cls, entry_id: bytes, fields: dict[bytes, bytes]) -> "LogEntry":
        """Return the typed form of a stream entry."""
        v, _, s = entry_id.decode().partition("-")
        run = fields[b"run"].decode()
        return cls(
            v=int(v),
            s=int(s),
            kind=fields[b"kind"].decode(),
            run_id=int(run) if run else None,
            at_ms=int(fields[b"at"]),
            epoch=fields[b"epoch"].decode(),
            public=fields[b"public"].decode(),
            private=fields[b"private"].decode(),
            salt=fields[b"salt"].decode(),
        )

    @property
    def lot_run_id(self) -> int:
        """The run of a lot's event; such an event always has one."""
        if self.run_id is None:
            raise EngineError(f"{self.kind} at {self.v}.{self.s} names no run")
        return self.run_id

    @property
    def own_salt(self) -> str:
        """The salt of this entry alone: entries of one decision share the one that the script was given."""
        return hashlib.sha256(f"{self.salt}:{self.v}:{self.s}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class OwnStanding:
    """What the floor knows of one bidder. Amounts are minor units."""

    registration_id: int
    paddle: int
    status: str
    barred: bool
    leading: bool
    maximum: int | None
    pre_bids: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An auction's live state at one version. `lot`, `next` and `recent_bids` are JSON texts of the wire."""

    epoch: str
    v: int
    now_ms: int
    status: str
    lot: str | None
    next: str | None
    recent_bids: tuple[str, ...] = ()
    own: OwnStanding | None = field(default=None)
