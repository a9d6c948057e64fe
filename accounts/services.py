"""Writes to accounts that no sign-up form makes: people whom staff or a command enters; and mail to people."""

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction

from accounts.models import MailKind, User


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


def mail_send(*, user: User, subject: str, text: str, kind: MailKind | None = None) -> None:
    """Send somebody a mail once what it tells of is committed; of a kind that they do not want, none.

    Whoever has no address gets none either. A mail that cannot be sent is logged and undoes nothing.
    """
    if user.email and (kind is None or user.wants(kind)):
        address = user.email

        def send() -> None:
            send_mail(f"[{settings.SITE_NAME}] {subject}", text, None, [address])

        transaction.on_commit(send, robust=True)
