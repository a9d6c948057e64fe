"""Writes that follow what the pool says: people, their address, their roles, and tokens that end early."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Final

import structlog
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.cognito.models import GroupGrant, RevokedToken
from accounts.models import Membership, Organizer, User

logger = structlog.get_logger(__name__)

PROVIDER: Final = "amazon_cognito"
_FLAGS: Final = {"staff": "is_staff", "superuser": "is_superuser"}


def user_of_sub(sub: str) -> User:
    """Return the account of somebody in the pool, made at first sight; the hosted login finds the same one.

    An access token carries no address, so there is none until they come by the hosted login.
    """
    known = SocialAccount.objects.select_related("user").filter(provider=PROVIDER, uid=sub)
    account = known.first()
    if account is None:
        try:
            with transaction.atomic():
                account = SocialAccount.objects.create(user=User.objects.create_user(), provider=PROVIDER, uid=sub)
        except IntegrityError:
            # They came twice at once.
            account = known.get()
    user: User = account.user
    return user


def address_take_over(*, user: User, address: EmailAddress) -> None:
    """Give an account without an address the one that the pool knows, unless another account has it."""
    email = address.email.strip().lower()
    if user.email or EmailAddress.objects.filter(email=email).exists():
        return
    try:
        with transaction.atomic():
            User.objects.filter(pk=user.pk, email=None).update(email=email)
            EmailAddress.objects.create(user=user, email=email, verified=address.verified, primary=True)
    except IntegrityError:
        return
    user.email = email


def roles_follow_groups(*, account: SocialAccount, groups: Collection[str]) -> None:
    """Give what the groups grant by the settings, and take back what they granted before and no longer do."""
    wanted = {role for group, role in settings.COGNITO_GROUP_ROLES if group in groups}
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=account.user_id)
        granted = {grant.role: grant for grant in GroupGrant.objects.filter(account=account)}
        for role in granted.keys() - wanted:
            _take(user, role)
            granted[role].delete()
        for role in sorted(wanted):
            if _give(user, role) and role not in granted:
                GroupGrant.objects.create(account=account, role=role)


def token_revoke(*, token_id: str, expires_at: int) -> None:
    """Refuse an access token from now on, and forget those that ran out."""
    RevokedToken.objects.filter(expires_at__lte=timezone.now()).delete()
    RevokedToken.objects.get_or_create(
        token_id=token_id, defaults={"expires_at": datetime.fromtimestamp(expires_at, tz=UTC)}
    )


def _give(user: User, role: str) -> bool:
    """Give a role; False where they have it already, or it is for an organizer that does not exist."""
    if role in _FLAGS:
        if getattr(user, _FLAGS[role]):
            return False
        setattr(user, _FLAGS[role], True)
        user.save(update_fields=[_FLAGS[role]])
        return True
    slug, _, name = role.partition(":")
    organizer = Organizer.objects.filter(slug=slug).first()
    if organizer is None:
        logger.warning("group_role_without_organizer", role=role)
        return False
    return Membership.objects.get_or_create(organizer=organizer, user=user, role=name)[1]


def _take(user: User, role: str) -> None:
    if role in _FLAGS:
        setattr(user, _FLAGS[role], False)
        user.save(update_fields=[_FLAGS[role]])
        return
    slug, _, name = role.partition(":")
    Membership.objects.filter(organizer__slug=slug, user=user, role=name).delete()
