"""THE wire definition: every message of the live sockets, typed once.

Owns names, fields, refusal and close codes. Decides nothing and connects to nothing; imports no Django and no
app, so that clients, generators and tests can use it alone. Amounts are decimal strings in the auction's
currency; times end in `_ms` and are milliseconds since the epoch on Redis' clock.
"""

import enum
import re
from typing import Annotated, Any, ClassVar, Final, Self

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

SUBPROTOCOL: Final = "auction.v1"
MAX_MESSAGE_BYTES: Final = 16 * 1024
MAX_CHAT_CHARACTERS: Final = 500
_BID_ID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")


class CloseCode(enum.IntEnum):
    """Why the server closed a socket."""

    _value_: int
    meaning: str

    def __new__(cls, value: int, meaning: str) -> Self:
        """Make the code of a number and what it means."""
        code = int.__new__(cls, value)
        code._value_, code.meaning = value, meaning
        return code

    SIGNED_OUT = 4401, "Signed out, or the session is over. Sign in and connect again."
    FORBIDDEN = 4403, "Not allowed here, or removed from this auction. Do not come back."
    NOT_FOUND = 4404, "No such auction, or not for you."
    TOO_SLOW = 4408, "The messages were not read fast enough. Come back with `since`."
    TAKEN = 4409, "Somebody else sends on this channel already."
    OVER = 4410, "The show or the stream is over."
    TOO_MANY = 4429, "Too many sockets or messages. Wait before you come back."
    NOT_NOW = 4503, "Nobody can be let in right now. Try again in a moment, and again."
    TOO_LARGE = 1009, f"A message was larger than {MAX_MESSAGE_BYTES // 1024} KiB."


class Code(enum.StrEnum):
    """A code on the wire, and what it means."""

    _value_: str
    meaning: str

    def __new__(cls, value: str, meaning: str) -> Self:
        """Make the code of its text and what it means."""
        code = str.__new__(cls, value)
        code._value_, code.meaning = value, meaning
        return code


class RefusalCode(Code):
    """Why a bid was refused. `unavailable` is certainly not counted."""

    SIGN_IN = "sign_in", "Nobody is signed in on this socket."
    NOT_REGISTERED = "not_registered", "The bidder has no paddle for this auction, or it is not approved yet."
    OWN_LOT = "own_lot", "The bidder works for this auction."
    BANNED = "banned", "The bidder was removed from this auction."
    NOT_OPEN = "not_open", "No lot is open for this bid."
    WRONG_LOT = "wrong_lot", "Another lot is open than the one that the bid names."
    EXPIRED = "expired", "The bid arrived after its `not_after_ms`."
    OVER_LIMIT = "over_limit", "The bid would take the bidder above their spending limit."
    PAUSED = "paused", "The lot is paused."
    TOO_LATE = "too_late", "The bid arrived `late_ms` after the end."
    TOO_LOW = "too_low", "The amount is below `minimum_amount`."
    TOO_HIGH = (
        "too_high",
        "The amount is far above the price. Send it again with the `confirm` of this answer and a new `id`.",
    )
    BAD_AMOUNT = "bad_amount", "That is not an amount in the auction's currency."
    ALREADY_LEADING = "already_leading", "The bidder leads already and would only outbid themselves."
    ID_REUSED = "id_reused", "The same `id` came before with another bid."
    RATE_LIMITED = "rate_limited", "Too many bids at once. Wait `retry_after_ms` where it is given."
    UNAVAILABLE = (
        "unavailable",
        "The bid could not be decided and certainly does not count. Send it again with the same `id`.",
    )


class ChatRefusalCode(Code):
    """Why a chat message was refused."""

    SIGN_IN = "sign_in", "Nobody is signed in on this socket."
    MUTED = "muted", "A moderator muted the speaker."
    SLOW_MODE = "slow_mode", "The room is in slow mode. Wait `retry_after_ms`."
    RATE_LIMITED = "rate_limited", "Too many lines at once. Wait `retry_after_ms`."
    EMPTY = "empty", "Nothing is left of the text that could be shown."
    TOO_LONG = "too_long", f"The text is longer than {MAX_CHAT_CHARACTERS} characters."
    BLOCKED = "blocked", "The text has words that this auction does not allow."
    CLOSED = "closed", "The chat of this auction is closed."
    UNAVAILABLE = "unavailable", "The line could not be published. Try again."


class ErrorCode(Code):
    """Why a frame could not be understood."""

    BAD_JSON = "bad_json", "The frame is not JSON."
    BAD_MESSAGE = "bad_message", "The message lacks a field, or has one that is unknown or of the wrong type."
    UNKNOWN_TYPE = "unknown_type", "There is no message of this `type`."
    WRONG_NAMESPACE = "wrong_namespace", "This socket does not carry such messages."
    TOO_MANY = (
        "too_many",
        "Messages come too fast; this one was left out. Of a BID, BID_REJECTED says so.",
    )


class PauseReason(Code):
    """Why a lot was paused, where nobody at the desk did it. The desk has codes of its own."""

    STREAM_LOST = "stream_lost", "The picture was lost, and the auction's rule says to wait for it."
    REBUILT = "rebuilt", "The live state was rebuilt."


RESERVE_WAIVED: Final = "reserve_waived"
"""The reason of a lot that was reopened to be sold without its reserve."""


class Namespace(enum.StrEnum):
    """What a socket carries: one of these, or all three."""

    BID = "bid"
    CHAT = "chat"
    TIMER = "timer"


_BIDDING: Final = frozenset({Namespace.BID})
_CHATTING: Final = frozenset({Namespace.CHAT})
_CLOCKED: Final = frozenset({Namespace.BID, Namespace.TIMER})
_EVERYWHERE: Final = frozenset(Namespace)


# --- What fields hold: said once, for the schema; nothing here changes what is accepted -----------------


def _one_of(*values: str) -> Meta:
    return Meta(extra_json_schema={"enum": list(values)})


Amount = Annotated[
    str,
    Meta(
        description="A decimal string in the auction's currency.",
        extra_json_schema={"pattern": r"^[0-9]+(\.[0-9]+)?$"},
    ),
]
TimeMs = Annotated[int, Meta(description="Milliseconds since the epoch on the server's clock.")]
SpanMs = Annotated[int, Meta(description="Milliseconds.")]
Version = Annotated[int, Meta(description="A version of the auction's log.")]
Epoch = Annotated[str, Meta(description="Which life of the log a version belongs to.")]
LotId = Annotated[int, Meta(description="The lot's id, not its number.")]
Paddle = Annotated[int, Meta(description="The number that a bidder is known by.")]
CorrelationId = Annotated[
    str,
    Meta(
        description="A UUID that the client chose; the answer carries it.",
        extra_json_schema={"pattern": f"^{_BID_ID.pattern}$"},
    ),
]
Confirmation = Annotated[str, Meta(description="The token that confirms a jump bid; it comes with `too_high`.")]
ClosingReason = Annotated[
    str, _one_of("time", "hammer", "buy_now", "no_bids", "reserve_not_met", "withdrawn", "cancelled")
]
Result = Annotated[str, _one_of("sold", "passed", "withdrawn")]
Refused = Annotated[str, _one_of(*RefusalCode)]


# --- Client to server ------------------------------------------------------------------------------


class ClientMessage(msgspec.Struct, tag_field="type", forbid_unknown_fields=True, omit_defaults=True, frozen=True):
    """What a client may send. Unknown fields and types are errors."""


class PlaceBid(ClientMessage, tag="BID"):
    """Offer `amount` on the open lot, or as a maximum with `max`."""

    amount: Annotated[
        Raw,
        Meta(
            description="A decimal string in the auction's currency, or a JSON number, which is read digit by digit.",
            extra_json_schema={"type": ["string", "number"]},
        ),
    ]
    lot: LotId | UnsetType = UNSET
    id: CorrelationId | UnsetType = UNSET
    max: Annotated[bool, Meta(description="Whether `amount` is a maximum that the site bids up to.")] = False
    not_after_ms: Annotated[int, Meta(description="Refused as `expired` after this time.")] | UnsetType = UNSET
    confirm: Confirmation | UnsetType = UNSET

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

    id: CorrelationId

    def __post_init__(self) -> None:
        """Refuse an id that is not a UUID."""
        _check_id(self.id)


class Resume(ClientMessage, tag="RESUME"):
    """Ask for the events after version `since` of `epoch`."""

    since: Version
    epoch: Epoch


class SayChat(ClientMessage, tag="CHAT"):
    """Say something to the room."""

    text: str
    id: CorrelationId | UnsetType = UNSET

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

    paddle: Paddle


class StreamPart(Part):
    """The video: its state and where to watch it."""

    state: Annotated[str, _one_of("none", "offline", "live", "unknown", "ended")]
    kind: str | None = None
    playback_url: str | None = None


class AuctionPart(Part):
    """The show."""

    id: int
    title: str
    status: Annotated[str, _one_of("draft", "scheduled", "live", "ended", "cancelled")]
    currency: str
    stream: StreamPart
    starts_at_ms: TimeMs | None = None
    is_rehearsal: bool = False


class Extensions(Part):
    """How many times the end was moved by bids, and the cap. `allowed` 0 is sudden death."""

    used: int
    allowed: int


class LotPart(Part):
    """The current lot. While paused `ends_at_ms` is null, `remaining_ms` is given, and `pause_reason` says why."""

    id: int
    run: int
    number: str
    title: str
    image_url: str | None
    status: Annotated[str, _one_of("open", "paused", "sold", "passed", "withdrawn")]
    opening_amount: Amount
    current_amount: Amount | None
    minimum_amount: Amount
    buy_now_amount: Amount | None
    leader: Leader | None
    bid_count: int
    reserve_met: bool
    has_reserve: bool
    ends_at_ms: TimeMs | None
    remaining_ms: SpanMs | None
    extensions: Extensions
    window_ms: SpanMs
    extension_ms: SpanMs
    extension_mode: Annotated[str, _one_of("add", "reset")]
    pause_reason: str | None
    result: Result | None = None
    reason: ClosingReason | None = None
    winner: Leader | None = None


class BidPart(Part):
    """One entry of the price history."""

    v: Version
    amount: Amount
    paddle: Paddle
    automatic: bool
    at_ms: TimeMs


class Participants(Part):
    """How many people are in the room."""

    count: int


class NextLot(Part):
    """Which lot comes next, and when it opens by itself if it does."""

    lot: LotId
    number: str
    title: str
    image_url: str | None = None
    opens_at_ms: TimeMs | None = None


class You(Part):
    """What concerns the receiver alone. `reason` is a refusal code when bidding is not possible.

    Who is `muted` reads the chat and says nothing, until `muted_until_ms` or, where that is null, to the show's end.
    """

    signed_in: bool
    paddle: Paddle | None = None
    leading: bool = False
    max_amount: Amount | None = None
    can_bid: bool = False
    reason: Refused | None = None
    muted: bool = False
    muted_until_ms: TimeMs | None = None


class ChatLine(Part):
    """One line of chat: an id, who said it as the room sees it, and plain text."""

    id: str
    author: str
    paddle: Paddle | None
    role: str | None
    text: str
    at_ms: TimeMs


class ChatSettings(Part):
    """How people talk here: the pace of slow mode (0: off), and the line that moderators pinned."""

    slow_mode_ms: int
    pinned: ChatLine | None = None


# --- Server to client: messages --------------------------------------------------------------------


class ServerMessage(msgspec.Struct, tag_field="type", frozen=True, kw_only=True):
    """What the server sends. Clients ignore fields and types that they do not know."""

    namespaces: ClassVar[frozenset[Namespace]] = _EVERYWHERE
    """Which sockets carry it: those of any of these namespaces."""


class State(ServerMessage, tag="STATE"):
    """Everything that a page needs, at version `v`. The chat is in it where the socket carries chat."""

    v: Version
    epoch: Epoch
    server_time_ms: TimeMs
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

    v: Version
    epoch: Epoch
    server_time_ms: TimeMs
    events: list[Raw]
    you: You
    participants: Participants | UnsetType = UNSET
    chat: list[ChatLine] | UnsetType = UNSET
    chat_settings: ChatSettings | UnsetType = UNSET


class BidAccepted(ServerMessage, tag="BID_ACCEPTED"):
    """The bid counted. `standing` was true at the moment of the decision: leading, outbid or pre_bid."""

    namespaces = _BIDDING

    lot: LotId
    amount: Amount
    standing: Annotated[str, _one_of("leading", "outbid", "pre_bid")]
    v: Version
    epoch: Epoch
    ends_at_ms: TimeMs | None
    id: CorrelationId | UnsetType = UNSET
    max_amount: Amount | UnsetType = UNSET


class BidRejected(ServerMessage, tag="BID_REJECTED"):
    """The bid did not count. `message` is fit to show."""

    namespaces = _BIDDING

    code: Refused
    message: str
    lot: LotId | None = None
    v: Version | None = None
    epoch: Epoch | None = None
    id: CorrelationId | UnsetType = UNSET
    minimum_amount: Amount | UnsetType = UNSET
    late_ms: SpanMs | UnsetType = UNSET
    confirm: Confirmation | UnsetType = UNSET
    retry_after_ms: SpanMs | UnsetType = UNSET


class BidUnknown(ServerMessage, tag="BID_UNKNOWN"):
    """It may have counted: the decision could not be read in time. Ask again with the same id."""

    namespaces = _BIDDING

    id: CorrelationId | UnsetType = UNSET


class ChatRejected(ServerMessage, tag="CHAT_REJECTED"):
    """The chat message was not published."""

    namespaces = _CHATTING

    code: Annotated[str, _one_of(*ChatRefusalCode)]
    message: str
    id: CorrelationId | UnsetType = UNSET
    retry_after_ms: SpanMs | UnsetType = UNSET


class Pong(ServerMessage, tag="PONG"):
    """The answer to PING."""

    t: float
    server_time_ms: TimeMs


class Error(ServerMessage, tag="ERROR"):
    """A frame that could not be understood; the socket stays open."""

    code: Annotated[str, _one_of(*ErrorCode)]
    message: str


class YouChanged(ServerMessage, tag="YOU"):
    """One's own part changed. It was read at version `v`, which the receiver may not have heard of, or have passed."""

    you: You
    v: Version
    epoch: Epoch


class Timer(ServerMessage, tag="TIMER"):
    """The heartbeat, every 5 s."""

    namespaces = _CLOCKED

    server_time_ms: TimeMs
    lot: LotId | None
    ends_at_ms: TimeMs | None
    v: Version
    epoch: Epoch


class ParticipantsChanged(ServerMessage, tag="PARTICIPANTS"):
    """How many people are in the room now."""

    count: int


class Chat(ServerMessage, tag="CHAT"):
    """A line of chat."""

    namespaces = _CHATTING

    line: ChatLine


class ChatRemoved(ServerMessage, tag="CHAT_REMOVED"):
    """A line of chat was taken away by a moderator."""

    namespaces = _CHATTING

    id: str


class ChatSettingsChanged(ServerMessage, tag="CHAT_SETTINGS"):
    """Moderators changed the pace of the chat, or what is pinned."""

    namespaces = _CHATTING

    settings: ChatSettings


class Outbid(ServerMessage, tag="OUTBID"):
    """The receiver lost the lead."""

    namespaces = _BIDDING

    lot: LotId
    amount: Amount
    minimum_amount: Amount
    v: Version


class Notice(ServerMessage, tag="NOTICE"):
    """A quick message of the host."""

    text: str


class Stream(ServerMessage, tag="STREAM"):
    """The state of the video changed."""

    stream: StreamPart


class LogHead(ServerMessage, tag="LOG_HEAD"):
    """Version and hash of the log as it is stored; a witness for the record."""

    namespaces = _BIDDING

    v: Version
    epoch: Epoch
    hash: str


# --- Events: entries of the log, sent to the room in order, each with the next `v` ----------------------


class Event(ServerMessage):
    """A public entry of the log. The engine writes it in exactly this form.

    `bid` sockets carry every event, so that versions have no holes there. `timer` sockets carry what moves a clock:
    all but prices and the catalogue. `chat` sockets carry the life of the show alone.
    """

    namespaces = _CLOCKED

    v: Version
    epoch: Epoch
    at_ms: TimeMs


class AuctionLive(Event, tag="AUCTION_LIVE"):
    """The show began."""

    namespaces = _EVERYWHERE


class LotOpened(Event, tag="LOT_OPENED"):
    """A lot is open; `lot` is its whole state."""

    lot: LotPart
    recent_bids: list[BidPart]


class HighestBid(Event, tag="HIGHEST_BID"):
    """The price or the leader changed. Merged ones carry `from_v` below `v` and the last 3 bids at most."""

    namespaces = _BIDDING

    from_v: Version
    lot: LotId
    current_amount: Amount
    minimum_amount: Amount
    buy_now_amount: Amount | None
    leader: Leader
    bid_count: int
    reserve_met: bool
    ends_at_ms: TimeMs
    bids: list[BidPart]


class LotExtended(Event, tag="LOT_EXTENDED"):
    """The end moved. `reason` is bid, host or outage."""

    lot: LotId
    reason: Annotated[str, _one_of("bid", "host", "outage")]
    ends_at_ms: TimeMs
    added_ms: SpanMs
    extensions: Extensions


class LotPaused(Event, tag="LOT_PAUSED"):
    """The clock of the lot stands still with `remaining_ms` left.

    `reason` is a code of the desk's, or `stream_lost`: the auction's rule for a picture that is lost.
    """

    lot: LotId
    reason: str
    remaining_ms: SpanMs


class LotResumed(Event, tag="LOT_RESUMED"):
    """The clock runs again."""

    lot: LotId
    ends_at_ms: TimeMs


class FairWarning(Event, tag="FAIR_WARNING"):
    """The host is about to let the hammer fall; the end is at least 10 s away."""

    lot: LotId
    ends_at_ms: TimeMs
    hammer_at_ms: TimeMs


class BidVoided(Event, tag="BID_VOIDED"):
    """An offer was taken back by staff; price and leader were decided anew from the others.

    `recent_bids` are the newest that remain. `voided_v` and `paddle` are null where it never was public: a raised
    maximum, or a pre-bid.
    """

    namespaces = _BIDDING

    lot: LotId
    reason: str
    voided_v: Version | None
    paddle: Paddle | None
    current_amount: Amount | None
    minimum_amount: Amount
    leader: Leader | None
    bid_count: int
    reserve_met: bool
    recent_bids: list[BidPart]


class RulesChanged(Event, tag="RULES_CHANGED"):
    """The auction's own settings changed (title, gap, visibility); never the rules of an open lot."""

    namespaces = _BIDDING


class LotClosed(Event, tag="LOT_CLOSED"):
    """The lot is over. `provisional` until the next lot opens or the auction ends."""

    lot: LotId
    result: Result
    reason: ClosingReason
    amount: Amount | None
    winner: Leader | None
    closing_number: int
    provisional: bool = True


class LotReopened(Event, tag="LOT_REOPENED"):
    """The provisional result is withdrawn and the lot runs again.

    `reason` is a code of the desk's; with `reserve_waived` the lot has no reserve from then on.
    """

    lot: LotId
    reason: str
    ends_at_ms: TimeMs


class LotNext(Event, tag="LOT_NEXT"):
    """Which lot comes next."""

    next: NextLot | None


class CatalogueChanged(Event, tag="CATALOGUE_CHANGED"):
    """The run of show changed; a page that shows it loads it again."""

    namespaces = _BIDDING


class Interval(Event, tag="INTERVAL"):
    """The host takes a break."""

    until_ms: TimeMs | None


class Rebuilt(Event, tag="REBUILT"):
    """The live state was rebuilt from the database under a new epoch; open lots are paused."""

    namespaces = _EVERYWHERE


class AuctionEnded(Event, tag="AUCTION_ENDED"):
    """The show is over."""

    namespaces = _EVERYWHERE


class AuctionCancelled(Event, tag="AUCTION_CANCELLED"):
    """The show was called off."""

    namespaces = _EVERYWHERE

    reason: str


EVENTS: Final = tuple(Event.__subclasses__())
SERVER_MESSAGES: Final = (*(kind for kind in ServerMessage.__subclasses__() if kind is not Event), *EVENTS)
"""Every type that the server sends, in the order of their definition."""

ANSWERS: Final[dict[type[ClientMessage], tuple[type[ServerMessage], ...]]] = {
    PlaceBid: (BidAccepted, BidRejected, BidUnknown),
    BidStatus: (BidAccepted, BidRejected, BidUnknown),
    Resume: (Resumed, State),
    SayChat: (ChatRejected,),
    Ping: (Pong,),
}
"""What may answer a client's message, besides ERROR. A line of chat that was taken comes back as everybody's CHAT."""


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
