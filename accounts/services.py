"""Writes to accounts that no sign-up form makes: people whom staff or a command enters."""

from allauth.account.models import EmailAddress
from django.db import transaction

from accounts.models import User


def user_create(
    *,
    email: str,
    password: str | None = None,
    display_name: str = "",
    is_staff: bool = False,
    is_superuser: bool = False,
) -> User:
    """Create a user whose address counts as verified, because somebody we trust entered it."""
    with transaction.atomic():
        user = User.objects.create_user(
            email, password, display_name=display_name, is_staff=is_staff, is_superuser=is_superuser
        )
        email_confirm(user=user)
    return user


def email_confirm(*, user: User) -> None:
    """Count the account's address as verified, where it has one."""
    if user.email:
        EmailAddress.objects.update_or_create(user=user, email=user.email, defaults={"verified": True, "primary": True})
