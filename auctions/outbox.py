"""Writes floor commands beside the changes that they tell of. Who delivers them is none of its business."""

from auctions.models import Auction, CommandKind, FloorCommand, Lot, Registration


def command_add(
    auction: Auction, kind: CommandKind, *, registration: Registration | None = None, lot: Lot | None = None
) -> FloorCommand:
    """Write a command in the transaction of the change; the clock delivers it within a second of the commit."""
    payload = {"registration": registration.pk} if registration else {}
    if lot:
        payload["lot"] = lot.pk
    return FloorCommand.objects.create(auction=auction, kind=kind.value, payload=payload)
