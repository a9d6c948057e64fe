"""The one place that says who may see and do what with an auction.

Pages, API, sockets and admin ask here and decide nothing themselves. A site administrator is a superuser;
`is_staff` alone only opens the door of the admin, because hosts work there too. Roles are memberships of the
organizer. Nothing here changes anything.
"""

from collections.abc import Iterable
from typing import Final

from allauth.account.models import EmailAddress
from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import Membership, Organizer, Role, User
from auctions.models import Auction, AuctionStatus, Invitation, Registration, Visibility

AnyUser = User | AnonymousUser

MANAGING: Final = (Role.OWNER, Role.AUCTIONEER)
"""Roles that prepare and run auctions."""
MODERATING: Final = (*MANAGING, Role.MODERATOR)
"""Roles that mute and remove people in a room."""
ENTERING: Final = (*MANAGING, Role.CLERK)
"""Roles that enter bids of the hall, the phone and the book."""
KNOWING: Final = (*MANAGING, Role.CLERK, Role.FINANCE)
"""Roles that see who is behind a paddle, and reserves. Nobody sees a bidder's maximum."""


def visible_auctions(user: AnyUser) -> QuerySet[Auction]:
    """Return the auctions that lists show to this person: published public ones, and those they are invited to."""
    listed = Q(visibility=Visibility.PUBLIC)
    if (known := _known(user)) is not None:
        listed |= Q(visibility=Visibility.INVITE_ONLY) & _let_in(known)
    return Auction.objects.filter(_published() & listed)


def viewable_auctions(user: AnyUser) -> QuerySet[Auction]:
    """Return the auctions that exist for this person; every other one is 404 to them, everywhere."""
    known = _known(user)
    open_to_all = _published() & Q(visibility__in=(Visibility.PUBLIC, Visibility.UNLISTED))
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
    )


def manageable_auctions(user: AnyUser) -> QuerySet[Auction]:
    """Return the auctions that this person may prepare and run."""
    known = _known(user)
    if known is None:
        return Auction.objects.none()
    if known.is_superuser:
        return Auction.objects.all()
    return Auction.objects.filter(organizer__in=_organizer_ids(known, MANAGING))


def managed_organizers(user: AnyUser) -> QuerySet[Organizer]:
    """Return the organizers for which this person may prepare and run auctions."""
    known = _known(user)
    if known is None:
        return Organizer.objects.none()
    if known.is_superuser:
        return Organizer.objects.all()
    return Organizer.objects.filter(pk__in=_organizer_ids(known, MANAGING))


def can_view(user: AnyUser, auction: Auction) -> bool:
    """Say whether the auction exists for this person."""
    return viewable_auctions(user).filter(pk=auction.pk).exists()


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
    """Say whether this person may mute and remove people in the auction's room."""
    return _has_role(user, auction.organizer_id, MODERATING)


def can_enter_bids(user: AnyUser, auction: Auction) -> bool:
    """Say whether this person may give paddles to people in the hall or on the phone, and bid for them."""
    return _has_role(user, auction.organizer_id, ENTERING)


def can_see_private(user: AnyUser, auction: Auction) -> bool:
    """Say whether this person may see who is behind a paddle, and reserves."""
    return _has_role(user, auction.organizer_id, KNOWING)


def is_barred(user: AnyUser, auction: Auction) -> bool:
    """Say whether this person may not bid because they work for the auction: `own_lot` to the engine."""
    known = _known(user)
    if known is None:
        return False
    return auction.created_by_id == known.pk or _has_role(known, auction.organizer_id, Role)


def _known(user: AnyUser) -> User | None:
    return user if isinstance(user, User) and user.is_active else None


def _has_role(user: AnyUser, organizer_id: int, roles: Iterable[Role]) -> bool:
    known = _known(user)
    if known is None:
        return False
    return known.is_superuser or _organizer_ids(known, roles).filter(organizer=organizer_id).exists()


def _organizer_ids(user: User, roles: Iterable[Role]) -> QuerySet[Membership, int]:
    return Membership.objects.filter(user=user, role__in=tuple(roles)).values_list("organizer", flat=True)


def _published(*, archived: bool = False) -> Q:
    # A cancelled auction without terms was never scheduled, so it was never public.
    published = Q(is_rehearsal=False) & ~Q(status=AuctionStatus.DRAFT)
    published &= ~Q(status=AuctionStatus.CANCELLED, terms__isnull=True)
    return published if archived else published & Q(archived_at__isnull=True)


def _let_in(user: User) -> Q:
    # An address that somebody typed at sign-up proves nothing until it is verified. An address without a row at
    # allauth was set by staff or a provider.
    addresses = EmailAddress.objects.filter(user=user)
    verified = {address.email.lower() for address in addresses if address.verified}
    claimed = {address.email.lower() for address in addresses}
    own = {user.email} if user.email and user.email not in claimed else set()
    invited = Q(user=user)
    for email in sorted(verified | own):
        invited |= Q(email__iexact=email)
    invitations = Invitation.objects.filter(invited, auction=OuterRef("pk"), revoked_at__isnull=True)
    registrations = Registration.objects.filter(auction=OuterRef("pk"), user=user)
    return Q(Exists(invitations)) | Q(Exists(registrations))
