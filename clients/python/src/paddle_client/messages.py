"""The messages of a room as this client understands them, and their decoding.

Owns the client's side of the wire. Everything that a server may add is ignored, and what this version does not
know at all becomes `Unknown`. Amounts are decimal strings in the auction's currency, times are milliseconds since
the epoch on the server's clock, and their names end in `_ms`.
"""

from typing import Any, Final

import msgspec
from msgspec import Raw

SUBPROTOCOL: Final = "auction.v1"
RESERVE_WAIVED: Final = "reserve_waived"
"""The reason of a lot that was reopened to be sold without its reserve."""


class _Part(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a message."""


class Leader(_Part, frozen=True, kw_only=True):
    """Who leads or won, known by the paddle."""

    paddle: int


class StreamPart(_Part, frozen=True, kw_only=True):
    """The video: its state and where to watch it."""

    state: str
    kind: str | None = None
    playback_url: str | None = None


class AuctionPart(_Part, frozen=True, kw_only=True):
    """The show."""

    id: int
    title: str
    status: str
    currency: str
    stream: StreamPart | None = None
    starts_at_ms: int | None = None
    is_rehearsal: bool = False


class Extensions(_Part, frozen=True, kw_only=True):
    """How many times bids moved the end, and the most that are allowed (0: sudden death)."""

    used: int
    allowed: int


class LotPart(_Part, frozen=True, kw_only=True):
    """The current lot. While it is paused `ends_at_ms` is None and `remaining_ms` is given."""

    id: int
    number: str
    title: str
    status: str
    opening_amount: str
    minimum_amount: str
    run: int | None = None
    image_url: str | None = None
    current_amount: str | None = None
    buy_now_amount: str | None = None
    leader: Leader | None = None
    bid_count: int = 0
    reserve_met: bool = True
    has_reserve: bool = False
    ends_at_ms: int | None = None
    remaining_ms: int | None = None
    pause_reason: str | None = None
    extensions: Extensions = Extensions(used=0, allowed=0)
    window_ms: int = 0
    extension_ms: int = 0
    extension_mode: str = "add"
    result: str | None = None
    reason: str | None = None
    winner: Leader | None = None


class BidPart(_Part, frozen=True, kw_only=True):
    """One entry of the price history."""

    v: int
    amount: str
    paddle: int
    automatic: bool = False
    at_ms: int = 0


class Participants(_Part, frozen=True, kw_only=True):
    """How many people are in the room."""

    count: int


class NextLot(_Part, frozen=True, kw_only=True):
    """Which lot comes next, and when it opens by itself if it does."""

    lot: int
    number: str
    title: str
    image_url: str | None = None
    opens_at_ms: int | None = None


class You(_Part, frozen=True, kw_only=True):
    """What concerns this client alone. `reason` is a refusal code where it may not bid."""

    signed_in: bool = False
    paddle: int | None = None
    leading: bool = False
    max_amount: str | None = None
    can_bid: bool = False
    reason: str | None = None
    muted: bool = False
    muted_until_ms: int | None = None


class ChatLine(_Part, frozen=True, kw_only=True):
    """One line of chat."""

    id: str
    author: str
    text: str
    at_ms: int
    paddle: int | None = None
    role: str | None = None


class ChatSettings(_Part, frozen=True, kw_only=True):
    """How people talk in the room: the pace of slow mode (0: off), and the line that is pinned."""

    slow_mode_ms: int = 0
    pinned: ChatLine | None = None


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """Something that the room said."""


class Unknown(msgspec.Struct, frozen=True, kw_only=True):
    """A message of a type that this client does not know, as plain values. It is safe to ignore."""

    type: str
    fields: dict[str, Any]


class State(Message, tag="STATE", frozen=True, kw_only=True):
    """Everything about the room, at version `v`."""

    v: int
    epoch: str
    server_time_ms: int
    auction: AuctionPart
    lot: LotPart | None = None
    next: NextLot | None = None
    recent_bids: tuple[BidPart, ...] = ()
    participants: Participants = Participants(count=0)
    you: You = You()
    chat: tuple[ChatLine, ...] | None = None
    chat_settings: ChatSettings | None = None


class Resumed(Message, tag="RESUMED", frozen=True, kw_only=True):
    """The events since the version that was asked for."""

    v: int
    epoch: str
    server_time_ms: int
    events: tuple[Raw, ...] = ()
    you: You = You()
    participants: Participants | None = None
    chat: tuple[ChatLine, ...] | None = None
    """The last lines, as in STATE."""
    chat_settings: ChatSettings | None = None

    def messages(self) -> "list[Message | Unknown]":
        """Return the events as messages."""
        return [_one(event) for event in self.events]


class BidAccepted(Message, tag="BID_ACCEPTED", frozen=True, kw_only=True):
    """The bid counted. `standing` is `leading` or `outbid` at the moment of the decision, and never means "won"."""

    lot: int
    amount: str
    standing: str
    v: int
    epoch: str
    ends_at_ms: int | None = None
    id: str | None = None
    max_amount: str | None = None


class BidRejected(Message, tag="BID_REJECTED", frozen=True, kw_only=True):
    """The bid did not count; `code` says why, and `message` is fit to show.

    With `too_high` comes a token in `confirm`: the same amount under a new id with it is accepted.
    """

    code: str
    message: str = ""
    lot: int | None = None
    v: int | None = None
    epoch: str | None = None
    id: str | None = None
    minimum_amount: str | None = None
    late_ms: int | None = None
    confirm: str | None = None
    retry_after_ms: int | None = None


class BidUnknown(Message, tag="BID_UNKNOWN", frozen=True, kw_only=True):
    """It may have counted: the decision could not be read in time."""

    id: str | None = None


class ChatRejected(Message, tag="CHAT_REJECTED", frozen=True, kw_only=True):
    """The chat message was not published."""

    code: str
    message: str = ""
    id: str | None = None
    retry_after_ms: int | None = None


class Pong(Message, tag="PONG", frozen=True, kw_only=True):
    """The answer to PING; `t` is what was sent."""

    t: float
    server_time_ms: int


class Error(Message, tag="ERROR", frozen=True, kw_only=True):
    """A frame of ours that the server could not understand."""

    code: str
    message: str = ""


class YouChanged(Message, tag="YOU", frozen=True, kw_only=True):
    """One's own part changed. It was read at version `v`, which may be before or after what was heard so far."""

    you: You
    v: int
    epoch: str


class Timer(Message, tag="TIMER", frozen=True, kw_only=True):
    """The heartbeat."""

    server_time_ms: int
    v: int
    epoch: str
    lot: int | None = None
    ends_at_ms: int | None = None


class ParticipantsChanged(Message, tag="PARTICIPANTS", frozen=True, kw_only=True):
    """How many people are in the room now."""

    count: int


class Chat(Message, tag="CHAT", frozen=True, kw_only=True):
    """A line of chat."""

    line: ChatLine


class ChatRemoved(Message, tag="CHAT_REMOVED", frozen=True, kw_only=True):
    """A moderator took a line away."""

    id: str


class ChatSettingsChanged(Message, tag="CHAT_SETTINGS", frozen=True, kw_only=True):
    """Moderators changed the pace of the chat, or what is pinned."""

    settings: ChatSettings


class Outbid(Message, tag="OUTBID", frozen=True, kw_only=True):
    """This client lost the lead."""

    lot: int
    amount: str
    minimum_amount: str
    v: int


class Notice(Message, tag="NOTICE", frozen=True, kw_only=True):
    """A quick message of the host."""

    text: str


class Stream(Message, tag="STREAM", frozen=True, kw_only=True):
    """The state of the video changed."""

    stream: StreamPart


class LogHead(Message, tag="LOG_HEAD", frozen=True, kw_only=True):
    """Version and hash of the auction's log as it is stored: a witness for its record."""

    v: int
    epoch: str
    hash: str


class Event(Message, frozen=True, kw_only=True):
    """An entry of the auction's public log: each has the next version `v`."""

    v: int
    epoch: str
    at_ms: int = 0


class AuctionLive(Event, tag="AUCTION_LIVE", frozen=True, kw_only=True):
    """The show began."""


class LotOpened(Event, tag="LOT_OPENED", frozen=True, kw_only=True):
    """A lot is open."""

    lot: LotPart
    recent_bids: tuple[BidPart, ...] = ()


class HighestBid(Event, tag="HIGHEST_BID", frozen=True, kw_only=True):
    """The price or the leader changed. `from_v` below `v`: several changes travelled as one."""

    lot: int
    current_amount: str
    minimum_amount: str
    leader: Leader
    bid_count: int
    ends_at_ms: int
    from_v: int | None = None
    buy_now_amount: str | None = None
    reserve_met: bool = True
    bids: tuple[BidPart, ...] = ()


class LotExtended(Event, tag="LOT_EXTENDED", frozen=True, kw_only=True):
    """The end moved; `reason` is bid, host or outage."""

    lot: int
    reason: str
    ends_at_ms: int
    added_ms: int
    extensions: Extensions


class LotPaused(Event, tag="LOT_PAUSED", frozen=True, kw_only=True):
    """The lot's clock stands still with `remaining_ms` left."""

    lot: int
    remaining_ms: int
    reason: str = ""


class LotResumed(Event, tag="LOT_RESUMED", frozen=True, kw_only=True):
    """The lot's clock runs again."""

    lot: int
    ends_at_ms: int


class FairWarning(Event, tag="FAIR_WARNING", frozen=True, kw_only=True):
    """The host is about to let the hammer fall."""

    lot: int
    ends_at_ms: int


class BidVoided(Event, tag="BID_VOIDED", frozen=True, kw_only=True):
    """Staff took an offer back; `voided_v` and `paddle` are None where it was a raised maximum or a pre-bid."""

    lot: int
    minimum_amount: str
    voided_v: int | None = None
    paddle: int | None = None
    recent_bids: tuple[BidPart, ...] = ()
    reason: str = ""
    current_amount: str | None = None
    leader: Leader | None = None
    bid_count: int = 0
    reserve_met: bool = True


class RulesChanged(Event, tag="RULES_CHANGED", frozen=True, kw_only=True):
    """The auction's settings changed; never the rules of an open lot."""


class LotClosed(Event, tag="LOT_CLOSED", frozen=True, kw_only=True):
    """The lot is over. The result is `provisional` until the next lot opens or the auction ends."""

    lot: int
    result: str
    reason: str
    amount: str | None = None
    winner: Leader | None = None
    closing_number: int = 1
    provisional: bool = True


class LotReopened(Event, tag="LOT_REOPENED", frozen=True, kw_only=True):
    """The provisional result is withdrawn and the lot runs again; with `reserve_waived` without its reserve."""

    lot: int
    ends_at_ms: int
    reason: str = ""


class LotNext(Event, tag="LOT_NEXT", frozen=True, kw_only=True):
    """Which lot comes next."""

    next: NextLot | None = None


class CatalogueChanged(Event, tag="CATALOGUE_CHANGED", frozen=True, kw_only=True):
    """The run of show changed; read the auction again where it matters."""


class Interval(Event, tag="INTERVAL", frozen=True, kw_only=True):
    """The host takes a break."""

    until_ms: int | None = None


class Rebuilt(Event, tag="REBUILT", frozen=True, kw_only=True):
    """The live state was rebuilt under a new epoch; open lots are paused."""


class AuctionEnded(Event, tag="AUCTION_ENDED", frozen=True, kw_only=True):
    """The show is over."""


class AuctionCancelled(Event, tag="AUCTION_CANCELLED", frozen=True, kw_only=True):
    """The show was called off."""

    reason: str = ""


AnyMessage = Message | Unknown


class _Type(msgspec.Struct):
    type: str = ""


def _leaves(kind: type[Message]) -> list[type[Message]]:
    below = [leaf for child in kind.__subclasses__() for leaf in _leaves(child)]
    return below or [kind]


_DECODERS: Final = {
    str(kind.__struct_config__.tag): msgspec.json.Decoder(kind, strict=False) for kind in _leaves(Message)
}
_type_of = msgspec.json.Decoder(_Type)
_raw_list = msgspec.json.Decoder(list[Raw])


def decode(frame: str | bytes) -> list[AnyMessage]:
    """Return the messages of one frame, which is an object or an array of objects, in order.

    Raises:
        ValueError: the frame is not JSON, or a known message lacks what it must have.
    """
    raw = frame.encode() if isinstance(frame, str) else frame
    if raw.lstrip()[:1] == b"[":
        return [_one(item) for item in _raw_list.decode(raw)]
    return [_one(raw)]


def _one(raw: Raw | bytes) -> AnyMessage:
    kind = _type_of.decode(raw).type
    decoder = _DECODERS.get(kind)
    if decoder is None:
        return Unknown(type=kind, fields=msgspec.json.decode(raw))
    return decoder.decode(raw)
