"""Bids that staff enter for somebody else: raised in the hall, spoken on the phone, or left in writing.

They go through the same script as every other bid, marked with their channel and with who entered them.
"""

from django.utils.translation import gettext as _

from accounts.models import User
from auctions.audit import audited
from auctions.errors import Refused
from auctions.models import Auction, Registration, RegistrationKind
from auctions.permissions import can_enter_bids
from bidding import protocol
from bidding.models import BidChannel
from bidding.selectors import room_info
from bidding.services.bids import Reply, bid_place_now

_CHANNELS = {
    RegistrationKind.FLOOR: BidChannel.FLOOR,
    RegistrationKind.PHONE: BidChannel.PHONE,
    RegistrationKind.ABSENTEE: BidChannel.ABSENTEE,
}


@audited
def bid_enter(*, auction: Auction, paddle: int, actor: User, message: protocol.PlaceBid) -> Reply:
    """Place a bid for a paddle whose bidder does not bid by themselves, and return the reply as a bidder gets it.

    Raises Refused where the actor may not, or where nobody such holds the paddle.
    """
    if not can_enter_bids(actor, auction):
        raise Refused("forbidden", _("You may not enter bids for this auction."))
    registration = Registration.objects.filter(auction=auction, paddle=paddle).first()
    if registration is None:
        raise Refused("no_such_paddle", _("Nobody holds this paddle."), field="paddle")
    channel = _CHANNELS.get(RegistrationKind(registration.kind))
    if channel is None:
        raise Refused("bids_online", _("Who holds this paddle bids online, and alone."), field="paddle")
    room = room_info(auction.pk)
    assert room is not None, "the auction is there"
    return bid_place_now(
        room=room, registration_id=registration.pk, message=message, channel=channel, entered_by=actor.pk
    )
