"""The mails of notifications: text and HTML, a way to end them, and the connection that they go by.

Owns no rows. What they say is in `bidding.telling` and in the templates of `mail/`.
"""

from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import ngettext

from accounts.models import MailKind, User
from accounts.services import unsubscribe_token
from auctions.models import OrderLine
from auctions.presenting import MoneyStyle, money_text
from bidding.models import Notification, NotificationKind
from bidding.telling import say


def letter(user: User, notifications: list[Notification]) -> EmailMultiAlternatives:
    """Return the mail that tells somebody of notifications of one kind."""
    kind = MailKind(notifications[0].kind)
    said = [say(notification) for notification in notifications]
    end = settings.PUBLIC_URL + reverse("unsubscribe", args=(unsubscribe_token(user, kind),))
    context: dict[str, Any] = {
        "site_name": settings.SITE_NAME,
        "site": settings.PUBLIC_URL,
        "title": _subject(said[0].title, len(said)),
        "said": said,
        "lines": _order_lines(notifications[0]) if kind == MailKind.WON else [],
        "kind": kind,
        "unsubscribe": end,
    }
    mail = EmailMultiAlternatives(
        f"[{settings.SITE_NAME}] {' '.join(context['title'].split())}",
        render_to_string("mail/notification.txt", context),
        None,
        [user.email or ""],
        headers={
            "List-Unsubscribe": f"<{end}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "Auto-Submitted": "auto-generated",
            "Message-ID": _message_id(notifications),
        },
    )
    mail.attach_alternative(render_to_string("mail/notification.html", context), "text/html")
    return mail


class Postman:
    """A connection to the mail server, opened for the first letter and closed after the last."""

    def __init__(self, connection: BaseEmailBackend) -> None:
        self._connection = connection
        self._is_open = False
        self.is_away = False
        """Whether the server could not be reached: then there is no sense in trying the next letter."""

    def send(self, mail: EmailMultiAlternatives) -> None:
        """Send a letter. Raises an SMTPException or an OSError."""
        if not self._is_open:
            try:
                self._connection.open()
            except Exception:
                self.is_away = True
                raise
            self._is_open = True
        mail.connection = self._connection
        mail.send()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._connection.close()


def _subject(first: str, count: int) -> str:
    return (
        first
        if count == 1
        else ngettext("Outbid on %(count)d lot", "Outbid on %(count)d lots", count) % {"count": count}
    )


def _order_lines(notification: Notification) -> list[tuple[str, str]]:
    """Return what an order is made of, in words, where somebody won."""
    style = MoneyStyle(notification.auction.currency)
    lines = OrderLine.objects.filter(
        order__auction=notification.auction_id, order__buyer__user=notification.user_id, cancelled_at=None
    )
    return [(line.description, money_text(line.amount, style, full=True)) for line in lines.order_by("pk")]


def _message_id(notifications: list[Notification]) -> str:
    """Return the same for the same news, so that a mail that is sent twice is one."""
    newest = max(notifications, key=lambda notification: notification.pk)
    at_ms = newest.at_ms if newest.kind == NotificationKind.OUTBID else 0
    return f"<notification-{newest.pk}-{at_ms}@{urlsplit(settings.PUBLIC_URL).hostname}>"
