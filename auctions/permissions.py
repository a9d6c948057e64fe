"""The one place that says who may see and do what with an auction.

Pages, API, sockets and admin ask here and decide nothing themselves. A site administrator is a superuser;
`is_staff` alone only opens the door of the admin, because hosts work there too. Roles are memberships of the
organizer. Nothing here changes anything.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final

from allauth.account.models import EmailAddress
from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Lower

from accounts.models import Membership, Organizer, Role, User
from auctions.models import (
    Auction,
    AuctionModerator,
    AuctionStatus,
    Invitation,
    Offer,
    OfferAnswer,
    Order,
    Registration,
    Visibility,
)

AnyUser = User | AnonymousUser

MANAGING: Final = (Role.OWNER, Role.AUCTIONEER)
"""Roles that prepare and run auctions."""
MODERATING: Final = (*MANAGING, Role.MODERATOR)
"""Roles that mute and remove people in a room."""
ENTERING: Final = (*MANAGING, Role.CLERK)
"""Roles that enter bids of the hall, the phone and the book."""
KNOWING: Final = (*MANAGING, Role.CLERK, Role.FINANCE)
"""Roles that see who is behind a paddle, and reserves. Nobody sees a bidder's maximum."""
STRIKING: Final = (*MANAGING, Role.FINANCE)
"""Roles that give strikes to people and lift them."""

BILLING: Final = (*MANAGING, Role.FINANCE)
"""Roles that see orders and invoices of a house's buyers."""


def visible_auctions(user: AnyUser) -> QuerySet[Auction]:
    """Return the auctions that lists show to this person: published public ones, and those they are invited to."""
    listed = Q(visibility=Visibility.PUBLIC)
    if (known := _known(user)) is not None:
        listed |= Q(visibility=Visibility.INVITE_ONLY) & _let_in(known)
    return Auction.objects.filter(_published() & listed)


def viewable_auctions(user: AnyUser) -> QuerySet[Auction]:
    """Return the auctions that exist for this person; every other one is 404 to them, everywhere."""
    known = _known(user)
    open_to_all = _open_to_all()
    if known is None:
        return Auction.objects.filter(open_to_all)
    if known.is_superuser:
        return Auction.objects.all()
    # Who took part finds the auction again after it was archived.
    took_part = Exists(Registration.objects.filter(auction=OuterRef("pk"), user=known))
    return Auction.objects.filter(
        open_to_all
        | (_published() & _let_in(known))
        | (_published(archived=True) & took_part)
        | Q(organizer__in=_organizer_ids(known, Role))
        | Q(pk__in=_moderated(known))
    )


def manageable_auctions(user: AnyUser) -> QuerySet[Auction]:
    """Return the auctions that this person may prepare and run."""
    known = _known(user)
    if known is None:
        return Auction.objects.none()
    if known.is_superuser:
        return Auction.objects.all()
    return Auction.objects.filter(organizer__in=_organizer_ids(known, MANAGING))


def moderated_auctions(user: AnyUser) -> QuerySet[Auction]:
    """Return the auctions in whose rooms this person may mute and remove people."""
    known = _known(user)
    if known is None:
        return Auction.objects.none()
    if known.is_superuser:
        return Auction.objects.all()
    return Auction.objects.filter(Q(organizer__in=_organizer_ids(known, MODERATING)) | Q(pk__in=_moderated(known)))


def moderated_organizers(user: AnyUser) -> QuerySet[Organizer]:
    """Return the houses for which this person moderates in all rooms."""
    return _organizers(user, MODERATING)


def managed_organizers(user: AnyUser) -> QuerySet[Organizer]:
    """Return the organizers for which this person may prepare and run auctions."""
    return _organizers(user, MANAGING)


def visible_organizers(user: AnyUser) -> QuerySet[Organizer]:
    """Return the houses that exist for this person: with a show that lists show to them, or that they work for."""
    shown = Q(pk__in=visible_auctions(user).values("organizer"))
    if (known := _known(user)) is not None:
        shown |= Q(pk__in=_organizer_ids(known, Role))
    return Organizer.objects.filter(shown, archived_at=None)


def striking_organizers(user: AnyUser) -> QuerySet[Organizer]:
    """Return the organizers for which this person may give strikes and lift them."""
    return _organizers(user, STRIKING)


def viewable_orders(user: AnyUser) -> QuerySet[Order]:
    """Return the orders that exist for this person: what they bought, and those of houses whose money they handle."""
    known = _known(user)
    if known is None:
        return Order.objects.none()
    if known.is_superuser:
        return Order.objects.all()
    return Order.objects.filter(Q(buyer__user=known) | Q(auction__organizer__in=_organizer_ids(known, BILLING)))


def billable_auctions(user: AnyUser) -> QuerySet[Auction]:
    """Return the auctions whose money this person handles."""
    return Auction.objects.filter(organizer__in=_organizers(user, BILLING))


def viewable_offers(user: AnyUser) -> QuerySet[Offer]:
    """Return the offers after a show that exist for this person: those made to them. A withdrawn one is none."""
    known = _known(user)
    if known is None:
        return Offer.objects.none()
    return Offer.objects.filter(registration__user=known).exclude(answer=OfferAnswer.WITHDRAWN)


def can_view(user: AnyUser, auction: Auction) -> bool:
    """Say whether the auction exists for this person."""
    return viewable_auctions(user).filter(pk=auction.pk).exists()


def is_administrator(user: AnyUser) -> bool:
    """Say whether this person runs the site: accounts, houses, host requests, private parts of the log."""
    known = _known(user)
    return known is not None and known.is_superuser


def can_host(user: AnyUser) -> bool:
    """Say whether this person may create auctions at all."""
    known = _known(user)
    return known is not None and (known.is_staff or _organizer_ids(known, MANAGING).exists())


def can_manage_organizer(user: AnyUser, organizer: Organizer) -> bool:
    """Say whether this person may prepare auctions for this organizer."""
    return _has_role(user, organizer.pk, MANAGING)


def can_manage(user: AnyUser, auction: Auction) -> bool:
    """Say whether this person may prepare and run the auction: its catalogue, its lots, its end."""
    return _has_role(user, auction.organizer_id, MANAGING)


def can_moderate(user: AnyUser, auction: Auction) -> bool:
    """Say whether this person may mute and remove people in the auction's room: by a role, or named for it alone."""
    return _has_role(user, auction.organizer_id, MODERATING) or _is_named(user, auction)


def can_moderate_house(user: AnyUser, organizer: Organizer) -> bool:
    """Say whether this person moderates for a house, in all of its rooms."""
    return _has_role(user, organizer.pk, MODERATING)


def can_enter_bids(user: AnyUser, auction: Auction) -> bool:
    """Say whether this person may give paddles to people in the hall or on the phone, and bid for them."""
    return _has_role(user, auction.organizer_id, ENTERING)


def can_bill(user: AnyUser, auction: Auction) -> bool:
    """Say whether this person handles the money of an auction: its orders, payments, refunds and later offers."""
    return _has_role(user, auction.organizer_id, BILLING)


def can_see_private(user: AnyUser, auction: Auction) -> bool:
    """Say whether this person may see who is behind a paddle, and reserves."""
    return _has_role(user, auction.organizer_id, KNOWING)


def can_strike(user: AnyUser, organizer: Organizer | None) -> bool:
    """Say whether this person may give strikes for an organizer and lift them; those of the site are for its staff."""
    return is_administrator(user) if organizer is None else _has_role(user, organizer.pk, STRIKING)


def works_for(user: AnyUser, auction: Auction) -> bool:
    """Say whether this person has any part in running the auction."""
    return _has_role(user, auction.organizer_id, Role) or _is_named(user, auction)


def is_barred(user: AnyUser, auction: Auction) -> bool:
    """Say whether this person may not bid because they work for the auction: `own_lot` to the engine."""
    known = _known(user)
    return known is not None and barred_people(auction).filter(pk=known.pk).exists()


def barred_people(auction: Auction) -> QuerySet[User]:
    """Return everybody who may not bid because they work for the auction, or run the site."""
    works = Q(pk=auction.created_by_id) | Q(pk__in=_members(auction)) | Q(pk__in=_named(auction))
    return User.objects.filter(works | Q(is_superuser=True), is_active=True)


# --- Many people at once -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RoomRights:
    """What somebody may in an auction's room by roles and invitations; these can change while they are there."""

    sees: bool
    """Whether the auction exists for them."""
    role: str | None
    """`host` for the house, `moderator` where named for the auction alone."""
    barred: bool
    """Whether they may not bid because they work for the auction."""


def room_rights(auction: Auction, people: Collection[int]) -> dict[int, RoomRights]:
    """Return the rights of accounts by their ids, in a few queries however many they are (at most 1,000)."""

    def among(queryset: QuerySet[Any, Any]) -> set[int]:
        known = User.objects.filter(pk__in=people, is_active=True)
        return set(known.filter(pk__in=queryset).values_list("pk", flat=True))

    see, members = among(_viewers(auction).values("pk")), among(_members(auction))
    named, barred = among(_named(auction)), among(barred_people(auction).values("pk"))
    return {
        person: RoomRights(
            sees=person in see,
            role="host" if person in members else "moderator" if person in named else None,
            barred=person in barred,
        )
        for person in people
    }


def _viewers(auction: Auction) -> QuerySet[User]:
    """Return for whom the auction exists: what `viewable_auctions` says, asked from the other side."""
    known = User.objects.filter(is_active=True)
    row = Auction.objects.filter(pk=auction.pk)
    if row.filter(_open_to_all()).exists():
        return known
    let_in = Q(is_superuser=True) | Q(pk__in=_members(auction)) | Q(pk__in=_named(auction))
    if row.filter(_published(archived=True)).exists():
        let_in |= Q(pk__in=Registration.objects.filter(auction=auction, user__isnull=False).values("user"))
    if row.filter(_published()).exists():
        invited = Invitation.objects.filter(auction=auction, revoked_at__isnull=True)
        let_in |= Q(pk__in=invited.filter(user__isnull=False).values("user"))
        let_in |= Q(pk__in=_owners_of(invited.annotate(lower=Lower("email")).values("lower")))
    return known.filter(let_in)


def _members(auction: Auction) -> QuerySet[Membership, Any]:
    return Membership.objects.filter(organizer=auction.organizer_id).values("user")


def _named(auction: Auction) -> QuerySet[User, Any]:
    return _owners_of(AuctionModerator.objects.filter(auction=auction, revoked_at__isnull=True).values("email"))


def _owners_of(addresses: QuerySet[Any, Any]) -> QuerySet[User, Any]:
    """Return whose the addresses, in lower case, are proved to be; `_addresses` says what counts as proof."""
    claimed = EmailAddress.objects.annotate(lower=Lower("email"))
    proved = Q(pk__in=claimed.filter(verified=True, lower__in=addresses).values("user"))
    unclaimed = ~Q(Exists(claimed.filter(user=OuterRef("pk"), lower=OuterRef("email"))))
    return User.objects.filter(proved | Q(email__in=addresses) & unclaimed).values("pk")


def _known(user: AnyUser) -> User | None:
    return user if isinstance(user, User) and user.is_active else None


def _has_role(user: AnyUser, organizer_id: int, roles: Iterable[Role]) -> bool:
    known = _known(user)
    if known is None:
        return False
    return known.is_superuser or _organizer_ids(known, roles).filter(organizer=organizer_id).exists()


def _is_named(user: AnyUser, auction: Auction) -> bool:
    known = _known(user)
    return known is not None and _named(auction).filter(pk=known.pk).exists()


def _moderated(user: User) -> QuerySet[AuctionModerator, int]:
    # The same proof as for an invitation, as one query: this is asked for every page.
    claimed = EmailAddress.objects.filter(user=user).annotate(lower=Lower("email"))
    proved = Q(email__in=claimed.filter(verified=True).values("lower"))
    if user.email:
        proved |= Q(email=user.email) & ~Q(Exists(claimed.filter(lower=user.email)))
    return AuctionModerator.objects.filter(proved, revoked_at__isnull=True).values_list("auction", flat=True)


def _organizers(user: AnyUser, roles: Iterable[Role]) -> QuerySet[Organizer]:
    known = _known(user)
    if known is None:
        return Organizer.objects.none()
    if known.is_superuser:
        return Organizer.objects.all()
    return Organizer.objects.filter(pk__in=_organizer_ids(known, roles))


def _organizer_ids(user: User, roles: Iterable[Role]) -> QuerySet[Membership, int]:
    return Membership.objects.filter(user=user, role__in=tuple(roles)).values_list("organizer", flat=True)


def _open_to_all() -> Q:
    return _published() & Q(visibility__in=(Visibility.PUBLIC, Visibility.UNLISTED))


def _published(*, archived: bool = False) -> Q:
    # A cancelled auction without terms was never scheduled, so it was never public.
    published = Q(is_rehearsal=False) & ~Q(status=AuctionStatus.DRAFT)
    published &= ~Q(status=AuctionStatus.CANCELLED, terms__isnull=True)
    return published if archived else published & Q(archived_at__isnull=True)


def _let_in(user: User) -> Q:
    invited = Q(user=user)
    for email in sorted(_addresses(user)):
        invited |= Q(email__iexact=email)
    invitations = Invitation.objects.filter(invited, auction=OuterRef("pk"), revoked_at__isnull=True)
    registrations = Registration.objects.filter(auction=OuterRef("pk"), user=user)
    return Q(Exists(invitations)) | Q(Exists(registrations))


def _addresses(user: User) -> set[str]:
    """Return the addresses, in lower case, that are proved to be this person's.

    An address that somebody typed at sign-up proves nothing until it is verified. An address without a row at allauth
    was set by staff or a provider.
    """
    addresses = EmailAddress.objects.filter(user=user)
    verified = {address.email.lower() for address in addresses if address.verified}
    claimed = {address.email.lower() for address in addresses}
    return verified | ({user.email} if user.email and user.email not in claimed else set())
