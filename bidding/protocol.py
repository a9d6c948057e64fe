"""THE wire definition: every message of the live sockets, typed once.

Owns names, fields, refusal and close codes. Decides nothing and connects to nothing; imports no Django and no
app, so that clients, generators and tests can use it alone. Amounts are decimal strings in the auction's
currency; times end in `_ms` and are milliseconds since the epoch on Redis' clock.
"""

import enum
import re
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, UnsetType

SUBPROTOCOL: Final = "auction.v1"
MAX_MESSAGE_BYTES: Final = 16 * 1024
MAX_CHAT_CHARACTERS: Final = 500
_BID_ID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")


class CloseCode(enum.IntEnum):
    """Why the server closed a socket."""

    SIGNED_OUT = 4401
    FORBIDDEN = 4403
    NOT_FOUND = 4404
    TOO_SLOW = 4408
    TOO_MANY = 4429
    TOO_LARGE = 1009


class RefusalCode(enum.StrEnum):
    """Why a bid was refused. `unavailable` is certainly not counted."""

    SIGN_IN = "sign_in"
    NOT_REGISTERED = "not_registered"
    OWN_LOT = "own_lot"
    BANNED = "banned"
    NOT_OPEN = "not_open"
    WRONG_LOT = "wrong_lot"
    EXPIRED = "expired"
    OVER_LIMIT = "over_limit"
    PAUSED = "paused"
    TOO_LATE = "too_late"
    TOO_LOW = "too_low"
    TOO_HIGH = "too_high"
    BAD_AMOUNT = "bad_amount"
    ALREADY_LEADING = "already_leading"
    ID_REUSED = "id_reused"
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"


class ChatRefusalCode(enum.StrEnum):
    """Why a chat message was refused."""

    SIGN_IN = "sign_in"
    MUTED = "muted"
    SLOW_MODE = "slow_mode"
    RATE_LIMITED = "rate_limited"
    EMPTY = "empty"
    TOO_LONG = "too_long"
    BLOCKED = "blocked"
    CLOSED = "closed"
    UNAVAILABLE = "unavailable"


class ErrorCode(enum.StrEnum):
    """Why a frame could not be understood."""

    BAD_JSON = "bad_json"
    BAD_MESSAGE = "bad_message"
    UNKNOWN_TYPE = "unknown_type"
    WRONG_NAMESPACE = "wrong_namespace"
    TOO_MANY = "too_many"


class Namespace(enum.StrEnum):
    """What a socket carries: one of these, or all three."""

    BID = "bid"
    CHAT = "chat"
    TIMER = "timer"


# --- Client to server ------------------------------------------------------------------------------


class ClientMessage(msgspec.Struct, tag_field="type", forbid_unknown_fields=True, frozen=True):
    """What a client may send. Unknown fields and types are errors."""


class PlaceBid(ClientMessage, tag="BID"):
    """Offer `amount` on the open lot, or as a maximum with `max`."""

    amount: Raw
    lot: int | UnsetType = UNSET
    id: str | UnsetType = UNSET
    max: bool = False
    not_after_ms: int | UnsetType = UNSET
    confirm: str | UnsetType = UNSET

    def __post_init__(self) -> None:
        """Refuse an id that is not a UUID."""
        _check_id(self.id)

    @property
    def amount_text(self) -> str:
        """The amount as it was written: a JSON string's content, or a number's digits."""
        raw = bytes(self.amount)
        if not raw.startswith(b'"'):
            return raw.decode()
        try:
            return msgspec.json.decode(raw, type=str)
        except msgspec.DecodeError:
            return ""


class BidStatus(ClientMessage, tag="BID_STATUS"):
    """Ask what became of a bid; answered by its stored answer or BID_UNKNOWN."""

    id: str

    def __post_init__(self) -> None:
        """Refuse an id that is not a UUID."""
        _check_id(self.id)


class Resume(ClientMessage, tag="RESUME"):
    """Ask for the events after version `since` of `epoch`."""

    since: int
    epoch: str


class SayChat(ClientMessage, tag="CHAT"):
    """Say something to the room."""

    text: str
    id: str | UnsetType = UNSET

    def __post_init__(self) -> None:
        """Refuse an id that is not a UUID."""
        _check_id(self.id)


class Ping(ClientMessage, tag="PING"):
    """Ask for the server's time; `t` comes back as it was sent."""

    t: float


AnyClientMessage = PlaceBid | BidStatus | Resume | SayChat | Ping

NAMESPACE_OF: Final[dict[type[ClientMessage], Namespace | None]] = {
    PlaceBid: Namespace.BID,
    BidStatus: Namespace.BID,
    Resume: None,
    SayChat: Namespace.CHAT,
    Ping: None,
}
"""Which namespace a client message needs; None is allowed everywhere."""


def _check_id(value: str | UnsetType) -> None:
    if isinstance(value, str) and not _BID_ID.fullmatch(value):
        raise ValueError("`id` must be a UUID")


# --- Server to client: parts -----------------------------------------------------------------------


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a server message."""


class Leader(Part):
    """Who leads, known by the paddle."""

    paddle: int


class StreamPart(Part):
    """The video: its state and where to watch it."""

    state: str
    kind: str | None = None
    playback_url: str | None = None


class AuctionPart(Part):
    """The show."""

    id: int
    title: str
    status: str
    currency: str
    stream: StreamPart
    starts_at_ms: int | None = None
    is_rehearsal: bool = False


class Extensions(Part):
    """How many times the end was moved by bids, and the cap. `allowed` 0 is sudden death."""

    used: int
    allowed: int


class LotPart(Part):
    """The current lot. While paused `ends_at_ms` is null and `remaining_ms` is given."""

    id: int
    run: int
    number: str
    title: str
    image_url: str | None
    status: str
    opening_amount: str
    current_amount: str | None
    minimum_amount: str
    buy_now_amount: str | None
    leader: Leader | None
    bid_count: int
    reserve_met: bool
    has_reserve: bool
    ends_at_ms: int | None
    remaining_ms: int | None
    extensions: Extensions
    window_ms: int
    extension_ms: int
    extension_mode: str
    result: str | None = None
    reason: str | None = None
    winner: Leader | None = None


class BidPart(Part):
    """One entry of the price history."""

    v: int
    amount: str
    paddle: int
    automatic: bool
    at_ms: int


class Participants(Part):
    """How many people are in the room."""

    count: int


class NextLot(Part):
    """Which lot comes next, and when it opens by itself if it does."""

    lot: int
    number: str
    title: str
    image_url: str | None = None
    opens_at_ms: int | None = None


class You(Part):
    """What concerns the receiver alone. `reason` is a refusal code when bidding is not possible.

    Who is `muted` reads the chat and says nothing, until `muted_until_ms` or, where that is null, to the show's end.
    """

    signed_in: bool
    paddle: int | None = None
    leading: bool = False
    max_amount: str | None = None
    can_bid: bool = False
    reason: str | None = None
    muted: bool = False
    muted_until_ms: int | None = None


class ChatLine(Part):
    """One line of chat: an id, who said it as the room sees it, and plain text."""

    id: str
    author: str
    paddle: int | None
    role: str | None
    text: str
    at_ms: int


class ChatSettings(Part):
    """How people talk here: the pace of slow mode (0: off), and the line that moderators pinned."""

    slow_mode_ms: int
    pinned: ChatLine | None = None


# --- Server to client: messages --------------------------------------------------------------------


class ServerMessage(msgspec.Struct, tag_field="type", frozen=True, kw_only=True):
    """What the server sends. Clients ignore fields and types that they do not know."""


class State(ServerMessage, tag="STATE"):
    """Everything that a page needs, at version `v`."""

    v: int
    epoch: str
    server_time_ms: int
    auction: AuctionPart
    lot: LotPart | None
    next: NextLot | None
    recent_bids: list[BidPart]
    participants: Participants
    you: You
    chat: list[ChatLine] | UnsetType = UNSET
    chat_settings: ChatSettings | UnsetType = UNSET


class Resumed(ServerMessage, tag="RESUMED"):
    """The events after the version that was asked for; `events` are messages as they travel, merged where they may be.

    `chat` are the last lines, as in STATE: lines missed meanwhile are among them.
    """

    v: int
    epoch: str
    server_time_ms: int
    events: list[Raw]
    you: You
    participants: Participants | UnsetType = UNSET
    chat: list[ChatLine] | UnsetType = UNSET
    chat_settings: ChatSettings | UnsetType = UNSET


class BidAccepted(ServerMessage, tag="BID_ACCEPTED"):
    """The bid counted. `standing` was true at the moment of the decision: leading, outbid or pre_bid."""

    lot: int
    amount: str
    standing: str
    v: int
    epoch: str
    ends_at_ms: int | None
    id: str | UnsetType = UNSET
    max_amount: str | UnsetType = UNSET


class BidRejected(ServerMessage, tag="BID_REJECTED"):
    """The bid did not count. `message` is fit to show."""

    code: str
    message: str
    lot: int | None = None
    v: int | None = None
    epoch: str | None = None
    id: str | UnsetType = UNSET
    minimum_amount: str | UnsetType = UNSET
    late_ms: int | UnsetType = UNSET
    confirm: str | UnsetType = UNSET
    retry_after_ms: int | UnsetType = UNSET


class BidUnknown(ServerMessage, tag="BID_UNKNOWN"):
    """It may have counted: the decision could not be read in time. Ask again with the same id."""

    id: str | UnsetType = UNSET


class ChatRejected(ServerMessage, tag="CHAT_REJECTED"):
    """The chat message was not published."""

    code: str
    message: str
    id: str | UnsetType = UNSET
    retry_after_ms: int | UnsetType = UNSET


class Pong(ServerMessage, tag="PONG"):
    """The answer to PING."""

    t: float
    server_time_ms: int


class Error(ServerMessage, tag="ERROR"):
    """A frame that could not be understood; the socket stays open."""

    code: str
    message: str


class YouChanged(ServerMessage, tag="YOU"):
    """One's own part changed."""

    you: You


class Timer(ServerMessage, tag="TIMER"):
    """The heartbeat, every 5 s."""

    server_time_ms: int
    lot: int | None
    ends_at_ms: int | None
    v: int
    epoch: str


class ParticipantsChanged(ServerMessage, tag="PARTICIPANTS"):
    """How many people are in the room now."""

    count: int


class Chat(ServerMessage, tag="CHAT"):
    """A line of chat."""

    line: ChatLine


class ChatRemoved(ServerMessage, tag="CHAT_REMOVED"):
    """A line of chat was taken away by a moderator."""

    id: str


class ChatSettingsChanged(ServerMessage, tag="CHAT_SETTINGS"):
    """Moderators changed the pace of the chat, or what is pinned."""

    settings: ChatSettings


class Outbid(ServerMessage, tag="OUTBID"):
    """The receiver lost the lead."""

    lot: int
    amount: str
    minimum_amount: str
    v: int


class Notice(ServerMessage, tag="NOTICE"):
    """A quick message of the host."""

    text: str


class Stream(ServerMessage, tag="STREAM"):
    """The state of the video changed."""

    stream: StreamPart


class LogHead(ServerMessage, tag="LOG_HEAD"):
    """Version and hash of the log as it is stored; a witness for the record."""

    v: int
    epoch: str
    hash: str


# --- Events: entries of the log, sent to the room in order, each with the next `v` ----------------------


class Event(ServerMessage):
    """A public entry of the log. The engine writes it in exactly this form."""

    v: int
    epoch: str
    at_ms: int


class AuctionLive(Event, tag="AUCTION_LIVE"):
    """The show began."""


class LotOpened(Event, tag="LOT_OPENED"):
    """A lot is open; `lot` is its whole state."""

    lot: LotPart
    recent_bids: list[BidPart]


class HighestBid(Event, tag="HIGHEST_BID"):
    """The price or the leader changed. Merged ones carry `from_v` below `v` and the last 3 bids at most."""

    from_v: int
    lot: int
    current_amount: str
    minimum_amount: str
    buy_now_amount: str | None
    leader: Leader
    bid_count: int
    reserve_met: bool
    ends_at_ms: int
    bids: list[BidPart]


class LotExtended(Event, tag="LOT_EXTENDED"):
    """The end moved. `reason` is bid, host or outage."""

    lot: int
    reason: str
    ends_at_ms: int
    added_ms: int
    extensions: Extensions


class LotPaused(Event, tag="LOT_PAUSED"):
    """The clock of the lot stands still with `remaining_ms` left."""

    lot: int
    reason: str
    remaining_ms: int


class LotResumed(Event, tag="LOT_RESUMED"):
    """The clock runs again."""

    lot: int
    ends_at_ms: int


class FairWarning(Event, tag="FAIR_WARNING"):
    """The host is about to let the hammer fall; the end is at least 10 s away."""

    lot: int
    ends_at_ms: int
    hammer_at_ms: int


class BidVoided(Event, tag="BID_VOIDED"):
    """A bid was taken back by staff; price and leader were recomputed from the rest."""

    lot: int
    reason: str
    voided_v: int
    paddle: int
    current_amount: str | None
    minimum_amount: str
    leader: Leader | None
    bid_count: int
    reserve_met: bool


class RulesChanged(Event, tag="RULES_CHANGED"):
    """The auction's own settings changed (title, gap, visibility); never the rules of an open lot."""


class LotClosed(Event, tag="LOT_CLOSED"):
    """The lot is over. `provisional` until the next lot opens or the auction ends."""

    lot: int
    result: str
    reason: str
    amount: str | None
    winner: Leader | None
    closing_number: int
    provisional: bool = True


class LotReopened(Event, tag="LOT_REOPENED"):
    """The provisional result is withdrawn and the lot runs again."""

    lot: int
    reason: str
    ends_at_ms: int


class LotNext(Event, tag="LOT_NEXT"):
    """Which lot comes next."""

    next: NextLot | None


class CatalogueChanged(Event, tag="CATALOGUE_CHANGED"):
    """The run of show changed; a page that shows it loads it again."""


class Interval(Event, tag="INTERVAL"):
    """The host takes a break."""

    until_ms: int | None


class Rebuilt(Event, tag="REBUILT"):
    """The live state was rebuilt from the database under a new epoch; open lots are paused."""


class AuctionEnded(Event, tag="AUCTION_ENDED"):
    """The show is over."""


class AuctionCancelled(Event, tag="AUCTION_CANCELLED"):
    """The show was called off."""

    reason: str


# --- Parsing and encoding --------------------------------------------------------------------------


class BadMessage(Exception):
    """A frame that is not a message of ours. `error` is what to answer."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.error = Error(code=code.value, message=message)


_decoder: msgspec.json.Decoder[AnyClientMessage] = msgspec.json.Decoder(AnyClientMessage, strict=True)
_encoder = msgspec.json.Encoder()
_KNOWN_TYPES = frozenset(kind.__struct_config__.tag for kind in NAMESPACE_OF)


def parse(text: str | bytes) -> AnyClientMessage:
    """Return the typed message that a text frame holds, or raise BadMessage saying what is wrong."""
    try:
        return _decoder.decode(text)
    except msgspec.ValidationError as error:
        try:
            kind = msgspec.json.decode(text)["type"]
        except (KeyError, TypeError):
            raise BadMessage(ErrorCode.BAD_MESSAGE, "A message is an object with a `type`.") from None
        except (msgspec.DecodeError, RecursionError):  # the first look stopped before the end of the text
            raise BadMessage(ErrorCode.BAD_JSON, "Not JSON.") from None
        if not isinstance(kind, str) or kind not in _KNOWN_TYPES:
            raise BadMessage(ErrorCode.UNKNOWN_TYPE, f"Unknown type {str(kind)[:40]!r}.") from None
        raise BadMessage(ErrorCode.BAD_MESSAGE, str(error)) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise BadMessage(ErrorCode.BAD_JSON, "Not JSON.") from None


def encode(message: ServerMessage) -> bytes:
    """Return the UTF-8 JSON of a server message."""
    return _encoder.encode(message)


def decode_event(text: str | bytes) -> dict[str, Any]:
    """Return a log entry's public part as plain values."""
    event: dict[str, Any] = msgspec.json.decode(text)
    return event
