"""What people keep an eye on: houses that they follow, lots that they watch, shows that they are reminded of.

Each is said anew as it shall be (`wanted`), so that a form sent twice means the same. What does not exist for somebody
is the caller's to answer; here are the limits.
"""

from typing import Final

from django.db.models import Model
from django.utils.translation import gettext as _

from accounts.models import Follow, Organizer, User
from auctions.errors import Refused
from auctions.models import Auction, AuctionStatus, Lot, LotWatch, Reminder

MOST: Final = 500
"""How many of each kind somebody may have."""


def organizer_follow(*, user: User, organizer: Organizer, wanted: bool) -> None:
    """Follow a house, or no longer."""
    _set(Follow, user, wanted, organizer=organizer)


def lot_watch(*, user: User, lot: Lot, wanted: bool) -> None:
    """Watch a lot, or no longer."""
    _set(LotWatch, user, wanted, lot=lot)


def reminder_set(*, user: User, auction: Auction, wanted: bool) -> None:
    """Ask to be reminded of a show before it begins, or no longer."""
    if wanted and auction.status != AuctionStatus.SCHEDULED:
        raise Refused("not_scheduled", _("Only of a show that has not begun can we remind you."))
    _set(Reminder, user, wanted, auction=auction)


def _set(model: type[Model], user: User, wanted: bool, **what: Model) -> None:
    rows = model._default_manager.filter(user=user)
    if not wanted:
        rows.filter(**what).delete()
        return
    if not rows.filter(**what).exists() and rows.count() >= MOST:
        raise Refused("too_many", _("You keep an eye on very much already. Take something off first."))
    # Two tabs may ask at once; the constraint lets one row be.
    model._default_manager.bulk_create([model(user=user, **what)], ignore_conflicts=True)
