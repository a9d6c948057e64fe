"""What the run of show does beside the catalogue: it places lots, and the room learns which one is next."""

from accounts.models import User
from auctions import run_of_show
from auctions.audit import audited
from auctions.models import Lot, LotStatus
from bidding.services.desk import lot_move


@audited
def lot_duplicate(*, lot: Lot, actor: User) -> Lot:
    """Put a second lot like this one right behind it, or at the end where this one does not wait any more."""
    copy = run_of_show.lot_copy(actor=actor, lot=lot)
    waiting = _waiting(copy)
    if lot in waiting and (after := waiting[waiting.index(lot) + 1]) != copy:
        lot_move(lot=copy, actor=actor, before=after)
    return copy


@audited
def lot_step(*, lot: Lot, actor: User, by: int) -> None:
    """Move a pending lot one place later (1) or earlier (-1) among those that wait; at either end it stays.

    Raises Refused where it does not wait.
    """
    others = _waiting(lot)
    place = max(0, others.index(lot) + by) if lot in others else 0
    others = [other for other in others if other != lot]
    lot_move(lot=lot, actor=actor, before=others[place] if place < len(others) else None)


def _waiting(lot: Lot) -> list[Lot]:
    return list(lot.auction.lots.filter(status=LotStatus.PENDING).order_by("position", "pk"))
