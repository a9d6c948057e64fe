"""What a house says of itself to buyers: how to pay, and its conditions of sale."""

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Organizer, User
from auctions import services
from auctions.audit import audited
from auctions.errors import Refused
from auctions.models import Auction, AuctionStatus
from auctions.permissions import can_manage_organizer


@audited
def house_update(*, actor: User, organizer: Organizer, payment_instructions: str, terms: str) -> Organizer:
    """Change how buyers pay, and publish conditions of sale where they changed; drafts take those over.

    A show that is scheduled keeps the version that people accept.
    """
    if not can_manage_organizer(actor, organizer):
        raise Refused("forbidden", _("You may not change this house."))
    with transaction.atomic():
        organizer = Organizer.objects.select_for_update().get(pk=organizer.pk)
        if payment_instructions.strip() != organizer.payment_instructions:
            organizer.payment_instructions = payment_instructions.strip()
            organizer.save(update_fields=["payment_instructions"])
        published = services.terms_publish(organizer=organizer, text=terms)
        for auction in Auction.objects.filter(organizer=organizer, status=AuctionStatus.DRAFT):
            services.auction_update(actor=actor, auction=auction, terms=published)
    return organizer
