"""The count of what somebody has not read yet, for the head of every page, and how long ago something was."""

from datetime import UTC, datetime

from django import template
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from auctions.presenting import span_text
from bidding.models import Notification

register = template.Library()

_MOST = 99


@register.simple_tag
def unread(user: User | AnonymousUser) -> int:
    """Return how many notifications somebody has not read, up to 99."""
    if not isinstance(user, User):
        return 0
    return Notification.objects.filter(user=user, read_at=None)[:_MOST].count()


@register.simple_tag
def ago(at_ms: int) -> str:
    """Say how long ago something was, in its two largest units."""
    passed = (timezone.now() - datetime.fromtimestamp(at_ms / 1000, UTC)).total_seconds()
    return _("%(span)s ago") % {"span": span_text(int(passed) if passed < 60 else int(passed) // 60 * 60)}
