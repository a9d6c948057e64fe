"""Writes to accounts that no sign-up form makes: people whom staff or a command enters; and what people are mailed."""

from collections.abc import Collection
from typing import Final

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core import signing
from django.core.mail import send_mail
from django.db import transaction

from accounts.models import MailKind, User

_UNSUBSCRIBING: Final = "accounts.unsubscribe"


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


def kinds_choose(*, user: User, mails: Collection[str], pushes: Collection[str]) -> None:
    """Keep of which kinds somebody wants to be told by mail, and on their devices."""
    user.unwanted_mails = [kind.value for kind in MailKind if kind.value not in mails]
    user.unwanted_pushes = [kind.value for kind in MailKind if kind.value not in pushes]
    user.save(update_fields=["unwanted_mails", "unwanted_pushes"])


def unsubscribe_token(user: User, kind: MailKind) -> str:
    """Return what lets its holder end the mails of a kind to somebody, for ever and without signing in."""
    return signing.dumps([user.pk, kind.value], salt=_UNSUBSCRIBING)


def unsubscribe_kind(token: str) -> tuple[User, MailKind] | None:
    """Return whose mails of which kind a token ends, or None where it is none of ours or the account is closed."""
    try:
        user_id, kind = signing.loads(token, salt=_UNSUBSCRIBING)
        known = MailKind(kind)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    user = User.objects.filter(pk=user_id, closed_at=None).first()
    return None if user is None else (user, known)


def unsubscribe(*, user: User, kind: MailKind) -> None:
    """End the mails of a kind. Harmless when repeated."""
    with transaction.atomic():
        unwanted = User.objects.select_for_update().get(pk=user.pk).unwanted_mails
        # Two mail programs may end two kinds at once.
        user.unwanted_mails = [*unwanted, *([] if kind.value in unwanted else [kind.value])]
        user.save(update_fields=["unwanted_mails"])


def mail_send(*, user: User, subject: str, text: str) -> None:
    """Send somebody a mail that they must have, once what it tells of is committed.

    Whoever has no address gets none. A mail that cannot be sent is logged and undoes nothing. What people may do
    without is a notification, which sends its own mail.
    """
    if user.email:
        address = user.email

        def send() -> None:
            send_mail(f"[{settings.SITE_NAME}] {subject}", text, None, [address])

        transaction.on_commit(send, robust=True)
