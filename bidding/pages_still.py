"""What the room says while it stands still: to those without scripts, and to everybody until the socket has spoken.

The script's `bidface.js` says the same of each state, and goes on from it. Amounts are minor units. Changes nothing.
"""

from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from auctions.models import LotStatus
from auctions.presenting import money_text, wire_minor
from auctions.pricing import fees_of
from bidding import protocol
from bidding.bid_forms import RefusedBid
from bidding.pages import Floor, LotLine, Show

_FITS_ON_BUTTON: Final = 24
_FITS_BESIDE_CANCEL: Final = 12
"""How many characters stand on the button in its own size, as `bidbutton.js` has it."""


@dataclass(frozen=True, slots=True)
class Strip:
    """The line above the button: how one stands, or what became of a bid."""

    look: str
    text: str
    icon: str = ""


@dataclass(frozen=True, slots=True)
class Face:
    """The bid button. `amount` is what it bids, as the wire writes it; empty where it bids nothing."""

    look: str
    title: str
    note: str = ""
    icon: str = ""
    amount: str = ""
    confirm: str = ""

    @property
    def is_long(self) -> bool:
        """Whether the title is set smaller: an amount that is cut off would be another amount."""
        return len(self.title) > (_FITS_BESIDE_CANCEL if self.confirm else _FITS_ON_BUTTON)


@dataclass(frozen=True, slots=True)
class Still:
    """The bidding part of a room as the page was made. `takes_bids` says whether an amount may be written too."""

    strip: Strip
    face: Face
    takes_bids: bool


def still_of(show: Show, floor: Floor | None, line: LotLine | None, refused: RefusedBid | None) -> Still:
    """Return what the room says to whoever looks; `line` is the current lot's, `refused` what they just offered."""
    moment = _Moment(show, floor, line, refused)
    return Still(moment.strip(), moment.face(), takes_bids=show.you.paddle is not None and moment.is_open)


@dataclass(frozen=True, slots=True)
class _Moment:
    """What one page was made of."""

    show: Show
    floor: Floor | None
    line: LotLine | None
    refused: RefusedBid | None

    @property
    def lot(self) -> protocol.LotPart | None:
        return self.floor.lot if self.floor else None

    @property
    def is_open(self) -> bool:
        """Whether the lot takes bids; at its end it does not, though nobody has closed it yet."""
        if self.floor is None or self.floor.lot is None or self.floor.lot.ends_at_ms is None:
            return False
        return self.floor.lot.status == LotStatus.OPEN and self.floor.now_ms < self.floor.lot.ends_at_ms

    @property
    def leads(self) -> bool:
        leader = self.lot.leader if self.lot else None
        return leader is not None and leader.paddle == self.show.you.paddle

    @property
    def has_bid(self) -> bool:
        return self.floor is not None and any(bid.paddle == self.show.you.paddle for bid in self.floor.bids)

    def strip(self) -> Strip:
        if self.refused is not None:
            return Strip("out", self.refused.message, "alert")
        if self.show.you.paddle is None:
            return Strip("quiet", "")
        if self.lot is not None and self.lot.current_amount is not None and self.is_open:
            price = {"amount": self.money(self.lot.current_amount)}
            if self.leads:
                return Strip("lead", _("You lead at %(amount)s") % price, "check")
            if self.has_bid:
                return Strip("out", _("Outbid at %(amount)s") % price, "up")
        return Strip("quiet", _("You are paddle %(paddle)s") % {"paddle": self.show.you.paddle})

    def face(self) -> Face:
        lot, you, refused = self.lot, self.show.you, self.refused
        if you.barred:
            return Face("sunk", _("You run this show"))
        if lot is not None and lot.result is not None:
            return self.result(lot)
        if you.registration is None:
            return Face("outline", _("Get your paddle"), note=self.bids_from(lot))
        if you.paddle is None:
            return Face("sunk", you.registration.get_status_display())
        if lot is None:
            return Face("sunk", _("Waiting for the next lot"), icon="clock")
        if lot.status == LotStatus.PAUSED:
            return Face("sunk", _("Paused by the host"), icon="pause")
        if not self.is_open:
            return Face("sunk", _("Closing…"), icon="clock")
        if refused is not None and refused.confirm and refused.lot_id == lot.id:
            title = _("Confirm %(amount)s") % {"amount": self.money(refused.amount)}
            return Face("jump", title, icon="alert", amount=refused.amount, confirm=refused.confirm)
        if self.leads and lot.current_amount is not None:
            return Face(
                "leading", _("You lead at %(amount)s") % {"amount": self.money(lot.current_amount)}, icon="check"
            )
        return Face(
            "outbid" if self.has_bid else "ready",
            _("Bid %(amount)s") % {"amount": self.money(lot.minimum_amount)},
            note=self.pays(lot.minimum_amount),
            amount=lot.minimum_amount,
        )

    def result(self, lot: protocol.LotPart) -> Face:
        if lot.result == "withdrawn":
            return Face("sunk", _("Withdrawn"))
        if lot.result != "sold" or lot.current_amount is None or lot.winner is None:
            return Face("sunk", _("Reserve not met") if lot.reason == "reserve_not_met" else _("No bids"))
        price = {"amount": self.money(lot.current_amount)}
        if lot.winner.paddle == self.show.you.paddle:
            return Face("won", _("Won at %(amount)s") % price, note=self.pays(lot.current_amount), icon="check")
        note = _("to paddle %(paddle)s") % {"paddle": lot.winner.paddle}
        return Face("sunk", _("Sold at %(amount)s") % price, note=note)

    def bids_from(self, lot: protocol.LotPart | None) -> str:
        """Return what the first bid would be and cost, which is told before anybody asks who one is."""
        if lot is None or not self.is_open:
            return ""
        return " · ".join(filter(None, (self.money(lot.minimum_amount), self.pays(lot.minimum_amount))))

    def pays(self, amount: str) -> str:
        minor = wire_minor(amount, self.show.auction.currency)
        if self.line is None or minor is None:
            return ""
        total = money_text(fees_of(self.line.lot).price(minor).total, self.show.style, full=True)
        sentence = _("you pay %(amount)s") % {"amount": total}
        return f"{sentence} {_('+ delivery')}" if self.line.lot.is_delivered else sentence

    def money(self, amount: str) -> str:
        minor = wire_minor(amount, self.show.auction.currency)
        return amount if minor is None else money_text(minor, self.show.style)
