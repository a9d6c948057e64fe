"""What a notification says and where it leads: the same words on the page, in the mail and on a device.

It says what concerns its reader and what everybody in the room sees: no maximum, no reserve, nobody's name.
"""

from dataclasses import dataclass
from typing import assert_never

from django.urls import reverse
from django.utils.translation import gettext as _

from auctions.models import AuctionStatus, LotStatus
from auctions.presenting import MoneyStyle, moment_text, money_text
from bidding.models import Notification, NotificationKind


@dataclass(frozen=True, slots=True)
class Said:
    """A notification in words; `path` is on this site."""

    title: str
    text: str
    path: str
    action: str


def say(notification: Notification) -> Said:
    """Return a notification in the words of the active language. Its auction, house, run and lot are read."""
    auction = notification.auction
    room = reverse("room", args=(auction.slug,))
    kind = NotificationKind(notification.kind)
    match kind:
        case NotificationKind.OUTBID:
            assert notification.run is not None
            assert notification.amount is not None
            lot = notification.run.lot
            is_on = notification.run.status in (LotStatus.OPEN, LotStatus.PAUSED)
            text = _("%(title)s stands at %(amount)s.") if is_on else _("Somebody bid %(amount)s for %(title)s.")
            amount = money_text(notification.amount, MoneyStyle(auction.currency))
            return Said(
                _("Outbid on lot %(number)s") % {"number": lot.number},
                text % {"title": lot.title, "amount": amount},
                room if is_on else reverse("lot", args=(lot.pk,)),
                _("Bid again") if is_on else _("See the lot"),
            )
        case NotificationKind.WON:
            assert notification.amount is not None
            total = money_text(notification.amount, MoneyStyle(auction.currency), full=True)
            return Said(
                _("You won in %(auction)s") % {"auction": auction.title},
                _("%(total)s to pay.") % {"total": total},
                reverse("my_bids"),
                _("See what you won"),
            )
        case NotificationKind.PAYMENT:
            assert notification.amount is not None
            amount = money_text(notification.amount, MoneyStyle(auction.currency), full=True)
            return Said(
                _("Please pay for what you won in %(auction)s") % {"auction": auction.title},
                _("%(amount)s is open.") % {"amount": amount},
                reverse("my_bids"),
                _("Pay"),
            )
        case NotificationKind.OFFER:
            assert notification.run is not None
            assert notification.amount is not None
            lot = notification.run.lot
            amount = money_text(notification.amount, MoneyStyle(auction.currency))
            return Said(
                _("Lot %(number)s can be yours") % {"number": lot.number},
                _("%(house)s offers you %(title)s at %(amount)s.")
                % {"house": auction.organizer.name, "title": lot.title, "amount": amount},
                reverse("lot_offer", args=(lot.pk,)),
                _("See the offer"),
            )
        case NotificationKind.REMINDER:
            if auction.status == AuctionStatus.LIVE:
                title = _("%(auction)s is live")
            elif auction.status == AuctionStatus.SCHEDULED:
                title = _("%(auction)s begins soon")
            else:
                title = _("%(auction)s is over")
            return Said(title % {"auction": auction.title}, _when(notification), room, _("Go there"))
        case NotificationKind.SCHEDULED:
            title = _("%(house)s plans a show") % {"house": auction.organizer.name}
            text = _("%(auction)s. %(when)s") % {"auction": auction.title, "when": _when(notification)}
            return Said(title, text.strip(), room, _("See its lots"))
        case _ as never:
            assert_never(never)


def _when(notification: Notification) -> str:
    auction = notification.auction
    if auction.starts_at is None:
        return _("The time is not set yet.")
    return moment_text(auction.starts_at, auction, "l j F, H:i") + "."
