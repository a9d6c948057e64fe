"""What people read when a bid or a command is refused. Says what to do next where there is something to do."""

from django.utils.translation import gettext as _

from auctions.money import Currency
from auctions.presenting import MoneyStyle, money_text
from bidding.engine.outcomes import BidRejected
from bidding.protocol import RefusalCode


def money(minor: int, currency: Currency) -> str:
    """Return an amount as people read it, with its cents."""
    return money_text(minor, MoneyStyle(currency), full=True)


def refusal_message(code: str, currency: Currency, rejected: BidRejected | None = None) -> str:
    """Return the sentence for a refusal code."""
    price = rejected.price if rejected else None
    minimum = rejected.minimum if rejected else None
    late = rejected.late_ms if rejected else None
    match code:
        case RefusalCode.SIGN_IN:
            return _("Sign in to bid.")
        case RefusalCode.NOT_REGISTERED:
            return _("Get your paddle first.")
        case RefusalCode.OWN_LOT:
            return _("You work for this auction, so you cannot bid in it.")
        case RefusalCode.BANNED:
            return _("You were removed from this auction.")
        case RefusalCode.NOT_OPEN:
            return _("This lot is not open.")
        case RefusalCode.WRONG_LOT:
            return _("That lot is over; another one is open.")
        case RefusalCode.EXPIRED:
            return _("Your bid arrived too late to be placed again.")
        case RefusalCode.OVER_LIMIT:
            return _("This is above your spending limit.")
        case RefusalCode.PAUSED:
            return _("Paused by the host.")
        case RefusalCode.TOO_LATE:
            sentence = _("Too late by %(late)s ms.") % {"late": late or 0}
            return (
                sentence
                if price is None
                else f"{sentence} " + _("It ended at %(price)s.") % {"price": money(price, currency)}
            )
        case RefusalCode.TOO_LOW:
            if price is not None and minimum is not None:
                return _("The price is %(price)s; bid at least %(minimum)s.") % {
                    "price": money(price, currency),
                    "minimum": money(minimum, currency),
                }
            if minimum is not None:
                return _("Bid at least %(minimum)s.") % {"minimum": money(minimum, currency)}
            return _("That is too low.")
        case RefusalCode.TOO_HIGH:
            return _("That is far above the price. Confirm it if you mean it.")
        case RefusalCode.BAD_AMOUNT:
            return _("That is not an amount in %(currency)s. Write it without thousands separators.") % {
                "currency": currency.code
            }
        case RefusalCode.ALREADY_LEADING:
            return _("You lead already.")
        case RefusalCode.ID_REUSED:
            return _("This bid id was used for another bid.")
        case RefusalCode.RATE_LIMITED:
            return _("Too many bids at once. Wait a moment.")
        case _:
            return _("Bids cannot be taken right now. Your bid did not count; try again.")
