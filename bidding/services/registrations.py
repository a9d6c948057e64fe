"""Getting a paddle, and what may happen to it."""

from typing import Final

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from auctions.audit import audited
from auctions.errors import Refused
from auctions.models import (
    Auction,
    AuctionStatus,
    CommandKind,
    EntryRequirement,
    FloorCommand,
    Registration,
    RegistrationKind,
    RegistrationStatus,
)
from auctions.permissions import barred_people, can_enter_bids, can_manage, can_view, is_barred
from auctions.standing import check_entry, first_limit
from bidding.services.commands import command_send
from bidding.services.streams import viewer_revoke

LONGEST_ALIAS: Final = 40
ENTERED: Final = (RegistrationKind.FLOOR, RegistrationKind.PHONE, RegistrationKind.ABSENTEE)
"""Whose bids a clerk enters."""


def registration_create(*, auction: Auction, user: User, accept_terms: bool) -> tuple[Registration, bool]:
    """Register a user for an auction and give them the next paddle; return it and whether it is new.

    Raises Refused where they may not: not visible, not open for registration, own auction, too many strikes, terms not
    accepted.
    """
    if not can_view(user, auction):
        raise Refused("not_found", _("There is no such auction."))
    existing = Registration.objects.filter(auction=auction, user=user).first()
    if existing:
        return existing, False
    if is_barred(user, auction):
        raise Refused("own_lot", _("You work for this auction, so you cannot bid in it."))
    check_entry(auction, user)
    if not accept_terms:
        raise Refused("terms_not_accepted", _("Accept the terms to get your paddle."), field="accept_terms")
    with transaction.atomic():
        auction = _locked_for_registration(auction)
        registration, created = Registration.objects.get_or_create(
            auction=auction,
            user=user,
            defaults={
                "paddle": auction.next_paddle,
                "status": RegistrationStatus.PENDING
                if auction.entry == EntryRequirement.APPROVAL
                else RegistrationStatus.APPROVED,
                "spending_limit": first_limit(auction, user),
                "terms": auction.terms,
                "terms_accepted_at": timezone.now(),
            },
        )
        if created:
            _paddle_taken(auction, registration)
    return registration, created


@audited
def registration_enter(*, auction: Auction, actor: User, kind: RegistrationKind, alias: str = "") -> Registration:
    """Give a paddle to somebody without an account: in the hall, on the phone, or who left a written bid.

    Raises Refused where the actor may not, or where no paddles are given out any more.
    """
    if not can_enter_bids(actor, auction):
        raise Refused("forbidden", _("You may not enter bids for this auction."))
    if kind not in ENTERED:
        raise Refused("invalid", _("Who bids online registers by themselves."), field="kind")
    alias = alias.strip()
    if len(alias) > LONGEST_ALIAS:
        raise Refused("too_long", _("At most %(most)s characters.") % {"most": LONGEST_ALIAS}, field="alias")
    with transaction.atomic():
        auction = _locked_for_registration(auction)
        registration = Registration.objects.create(
            auction=auction,
            paddle=auction.next_paddle,
            kind=kind,
            alias=alias,
            status=RegistrationStatus.APPROVED,
            terms=auction.terms,
        )
        _paddle_taken(auction, registration)
    return registration


def _locked_for_registration(auction: Auction) -> Auction:
    auction = Auction.objects.select_for_update(of=("self",)).select_related("terms").get(pk=auction.pk)
    if auction.status not in (AuctionStatus.SCHEDULED, AuctionStatus.LIVE):
        raise Refused(
            "registration_closed", _("Paddles are given out from when an auction is scheduled until it ends.")
        )
    return auction


def _paddle_taken(auction: Auction, registration: Registration) -> None:
    # Counted up, never computed from the rows: a paddle is not given out twice.
    Auction.objects.filter(pk=auction.pk).update(next_paddle=F("next_paddle") + 1)
    command_send(auction, CommandKind.REGISTRATION, registration=registration)


def registrations_follow_roles(*, auction: Auction) -> int:
    """Tell the floor which bidders began or ceased to work for the auction; return how many.

    Whoever gives a role knows no auction (staff, a group of the user pool, an address that its owner proves), so this
    looks for them. What they bid before stands until somebody voids it.
    """
    working = Q(user__in=barred_people(auction).values("pk"))
    changed = Registration.objects.filter(Q(barred=False) & working | Q(barred=True) & ~working, auction=auction)
    sent = 0
    with transaction.atomic():
        for registration in changed:
            # While the floor is away one command waits for them, and no more.
            waiting = FloorCommand.objects.filter(auction=auction, done_at=None, payload__registration=registration.pk)
            if not waiting.exists():
                command_send(auction, CommandKind.REGISTRATION, registration=registration)
                sent += 1
    return sent


@audited
def registration_set_status(*, registration: Registration, status: RegistrationStatus, actor: User) -> Registration:
    """Approve, decline or ban a bidder. A ban is in force when the floor has it.

    It can change a price, so it takes more than a moderator, who mutes and removes.
    """
    if not can_manage(actor, registration.auction):
        raise Refused("forbidden", _("You may not change who takes part in this auction."))
    with transaction.atomic():
        registration = (
            Registration.objects.select_for_update(of=("self",))
            .select_related("auction", "user")
            .get(pk=registration.pk)
        )
        registration.status = status
        registration.save(update_fields=["status"])
        if status == RegistrationStatus.BANNED:
            viewer_revoke(registration)
        command_send(registration.auction, CommandKind.REGISTRATION, registration=registration)
    return registration
