"""What a room looks like now: one STATE, and every event and signal applied to it.

Owns the meaning of each message for the state. Does no input or output and reads no clock, so the same messages
always give the same state.
"""

import enum
from dataclasses import dataclass, field
from typing import Final, TypeVar

import msgspec
from msgspec.structs import replace

from paddle_client import messages as m

RECENT_BIDS: Final = 20
RECENT_CHAT: Final = 50


class Applied(enum.Enum):
    """What a message meant for the state."""

    YES = "yes"
    """It was taken, or changes nothing."""
    OLD = "old"
    """It was known already, and was ignored."""
    GAP = "gap"
    """Something before it is missing, so it was ignored: ask with RESUME."""
    BEHIND = "behind"
    """It tells of a version that has not arrived; ask with RESUME if that does not come by itself."""


@dataclass(slots=True)
class RoomState:
    """The state of one room. Everything is None or empty before the first STATE."""

    v: int = 0
    epoch: str = ""
    auction: m.AuctionPart | None = None
    lot: m.LotPart | None = None
    next: m.NextLot | None = None
    recent_bids: tuple[m.BidPart, ...] = ()
    """Newest first. A merged event carries the last three bids only."""
    participants: int = 0
    you: m.You = field(default_factory=m.You)
    own_v: int = field(default=0, compare=False)
    """The version that the own maximum was read at."""
    chat: tuple[m.ChatLine, ...] = ()
    chat_settings: m.ChatSettings = field(default_factory=m.ChatSettings)
    has_holes: bool = False
    """Whether the seat carries no bids: then it is not told of every version, and a hole is no gap."""

    @property
    def known(self) -> bool:
        """Tell whether a STATE has arrived."""
        return bool(self.epoch)

    @property
    def is_over(self) -> bool:
        """Tell whether the auction has ended or was cancelled."""
        return self.auction is not None and self.auction.status in ("ended", "cancelled")

    @property
    def open_lot(self) -> m.LotPart | None:
        """Return the lot that takes bids, if one does."""
        return self.lot if self.lot is not None and self.lot.status == "open" else None

    @property
    def leads(self) -> bool:
        """Tell whether this client's paddle leads on the current lot."""
        leader = self.lot.leader if self.lot is not None else None
        return leader is not None and leader.paddle == self.you.paddle

    def apply(self, message: m.AnyMessage) -> Applied:
        """Take one message, and say what it meant for the state."""
        match message:
            case m.State():
                return self._apply_state(message)
            case m.Resumed():
                return self._apply_resumed(message)
            case m.Event():
                return self._apply_event(message)
            case m.Timer(v=v, epoch=epoch):
                return self._compare(v, epoch)
            case m.YouChanged(you=you, v=v, epoch=epoch):
                if self.known and epoch != self.epoch:
                    return Applied.GAP
                self._take_own(you, v)
            case m.ParticipantsChanged(count=count):
                self.participants = count
            case m.Chat(line=line):
                if all(line.id != known.id for known in self.chat):
                    self.chat = (*self.chat, line)[-RECENT_CHAT:]
            case m.ChatRemoved(id=line_id):
                self.chat = tuple(line for line in self.chat if line.id != line_id)
            case m.ChatSettingsChanged(settings=settings):
                self.chat_settings = settings
            case m.Stream(stream=stream):
                if self.auction is not None:
                    self.auction = replace(self.auction, stream=stream)
            case _:
                pass
        return Applied.YES

    # --- inside --------------------------------------------------------------------------------------

    def _apply_state(self, state: m.State) -> Applied:
        # Two answers may cross: one that is older than what was seen since must not turn back the price.
        if state.epoch == self.epoch and state.v < self.v:
            return Applied.OLD
        if state.epoch != self.epoch:
            self.own_v = 0
        self.v, self.epoch = state.v, state.epoch
        self.auction, self.lot, self.next = state.auction, state.lot, state.next
        self.recent_bids, self.participants = state.recent_bids, state.participants.count
        self._take_own(state.you, state.v)
        self._take_chat(state)
        return Applied.YES

    def _apply_resumed(self, resumed: m.Resumed) -> Applied:
        if resumed.epoch != self.epoch:
            return Applied.GAP
        for event in resumed.messages():
            if self.apply(event) is Applied.GAP:
                return Applied.GAP
        if self.has_holes:
            self.v = max(self.v, resumed.v)
        self._take_own(resumed.you, resumed.v)
        if resumed.participants is not None:
            self.participants = resumed.participants.count
        self._take_chat(resumed)
        return Applied.YES if self.v >= resumed.v else Applied.GAP

    def _take_chat(self, message: m.State | m.Resumed) -> None:
        if message.chat is not None:
            self.chat = message.chat
        if message.chat_settings is not None:
            self.chat_settings = message.chat_settings

    def _compare(self, v: int, epoch: str) -> Applied:
        if epoch != self.epoch:
            return Applied.GAP
        return Applied.BEHIND if v > self.v else Applied.YES

    def _apply_event(self, event: m.Event) -> Applied:
        if not self.known or event.epoch != self.epoch:
            return Applied.GAP
        if event.v <= self.v:
            return Applied.OLD
        first = event.v
        if isinstance(event, m.HighestBid) and event.from_v is not None:
            first = event.from_v
        if first > self.v + 1 and not self.has_holes:
            return Applied.GAP
        self._take(event)
        self.v = event.v
        return Applied.YES

    def _take(self, event: m.Event) -> None:
        match event:
            case m.AuctionLive():
                self._set_auction_status("live")
            case m.AuctionEnded():
                self.next = None
                self._set_auction_status("ended")
            case m.AuctionCancelled():
                self.next = None
                self._set_auction_status("cancelled")
            case m.LotOpened():
                self.lot, self.next, self.recent_bids = event.lot, None, event.recent_bids
                self._forget_maximum(event.v)
                self._set_leading(event.v)
            case m.LotNext():
                self.next = event.next
            case m.HighestBid():
                self._take_bid(event)
            case _:
                self._take_lot_event(event)

    def _take_bid(self, event: m.HighestBid) -> None:
        self._change_lot(
            event.lot,
            current_amount=event.current_amount,
            minimum_amount=event.minimum_amount,
            buy_now_amount=event.buy_now_amount,
            leader=event.leader,
            bid_count=event.bid_count,
            reserve_met=event.reserve_met,
            ends_at_ms=event.ends_at_ms,
        )
        # Of a merged event the first bids may be known already.
        fresh = tuple(bid for bid in event.bids if bid.v > self.v)
        self.recent_bids = (*reversed(fresh), *self.recent_bids)[:RECENT_BIDS]
        self._set_leading(event.v)

    def _take_lot_event(self, event: m.Event) -> None:
        match event:
            case m.LotExtended(lot=lot, ends_at_ms=ends, extensions=extensions):
                self._change_lot(lot, ends_at_ms=ends, extensions=extensions)
            case m.LotPaused(lot=lot, reason=reason, remaining_ms=remaining):
                self._change_lot(lot, status="paused", pause_reason=reason, ends_at_ms=None, remaining_ms=remaining)
            case m.LotResumed(lot=lot, ends_at_ms=ends):
                self._change_lot(lot, status="open", ends_at_ms=ends, remaining_ms=None, pause_reason=None)
            case m.FairWarning(lot=lot, ends_at_ms=ends):
                self._change_lot(lot, ends_at_ms=ends)
            case m.BidVoided():
                self._change_lot(
                    event.lot,
                    current_amount=event.current_amount,
                    minimum_amount=event.minimum_amount,
                    leader=event.leader,
                    bid_count=event.bid_count,
                    reserve_met=event.reserve_met,
                )
                self.recent_bids = event.recent_bids
                if event.paddle in (None, self.you.paddle):
                    # It may have been the one that gave the maximum; of what was never public nobody is named.
                    self._forget_maximum(event.v)
                self._set_leading(event.v)
            case m.LotClosed(lot=lot, result=result, reason=reason, winner=winner):
                self._change_lot(lot, status=result, result=result, reason=reason, winner=winner, pause_reason=None)
            case m.LotReopened(lot=lot, reason=reason, ends_at_ms=ends):
                self._change_lot(
                    lot, status="open", ends_at_ms=ends, remaining_ms=None, result=None, reason=None, winner=None
                )
                if reason == m.RESERVE_WAIVED:
                    self._change_lot(lot, has_reserve=False, reserve_met=True)
            case _:
                pass  # it moves the version alone

    def _change_lot(self, lot_id: int, **changes: object) -> None:
        if self.lot is not None and self.lot.id == lot_id:
            self.lot = _with(self.lot, changes)

    def _set_auction_status(self, status: str) -> None:
        if self.auction is not None:
            self.auction = replace(self.auction, status=status)

    def _take_own(self, you: m.You, v: int) -> None:
        # What is one's own is sent beside the events, so it may have been read before or after the price shown here.
        # Within one version a maximum only rises, and nothing tells the room of it.
        known = self.you.max_amount
        if v < self.own_v or (v == self.own_v and _is_higher(known, you.max_amount)):
            you = replace(you, max_amount=known)
        self.you, self.own_v = you, max(v, self.own_v)
        self._set_leading(self.v)

    def _set_leading(self, v: int) -> None:
        """Compute who leads at a version, and forget a maximum that was read before it and can be right no more."""
        leads = self.leads
        price = self.lot.current_amount if self.lot is not None else None
        # Who leads above a maximum has given a higher one since.
        if (self.you.leading and not leads) or (self.you.max_amount and _is_higher(price, self.you.max_amount)):
            self._forget_maximum(v)
        self.you = replace(self.you, leading=leads)

    def _forget_maximum(self, v: int) -> None:
        if self.own_v < v:
            self.you, self.own_v = replace(self.you, max_amount=None), v


def _is_higher(one: str | None, other: str | None) -> bool:
    """Compare amounts of one currency, which have the same number of decimals; None is lower than any."""
    return one is not None and (other is None or _by_size(one) > _by_size(other))


def _by_size(amount: str) -> tuple[int, str]:
    """Return what amounts of one currency are compared by: they have the same number of decimals."""
    return len(amount), amount


_Struct = TypeVar("_Struct", bound=msgspec.Struct)


def _with(part: _Struct, changes: dict[str, object]) -> _Struct:
    return replace(part, **changes)
