"""Browsers that show messages to their owner: adding one, taking one away, and sending to them."""

from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from typing import Final

import msgspec
import structlog
from django.conf import settings
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import PushSubscription, User
from accounts.sign_ins import SignIn, ended_sign_ins
from auctions.errors import Refused
from bidding import webpush
from bidding.models import Notification, NotificationKind
from bidding.telling import say

logger = structlog.get_logger(__name__)

MOST: Final = 10
"""Browsers of one person; the one that was added first goes."""
_GONE: Final = (404, 410)
_MOST_FAILURES: Final = 8
"""In a row; whose browser lives adds it again at the next visit of the settings."""
_LASTS: Final = {NotificationKind.OUTBID: timedelta(minutes=1)}
"""How long a push service keeps a message for a device that is off."""


def device_add(
    *, user: User, session_key: str, endpoint: str, public_key: str, secret: str, device: str
) -> PushSubscription:
    """Show messages to somebody in the browser of a session. One that somebody else used before is theirs no longer."""
    if not webpush.is_configured():
        raise Refused("not_configured", _("This site sends no messages to devices."))
    try:
        webpush.check_browser(endpoint, public_key, secret)
    except webpush.NotAllowed:
        raise Refused("bad_device", _("This browser cannot be reached.")) from None
    row, _created = PushSubscription.objects.update_or_create(
        endpoint=endpoint,
        defaults={
            "user": user,
            "public_key": public_key,
            "secret": secret,
            "device": device[:200],
            "session_key": session_key,
            "password_hash": user.get_session_auth_hash(),
            "failures": 0,
        },
    )
    kept = user.push_subscriptions.order_by("-created_at", "-pk").values_list("pk", flat=True)[:MOST]
    user.push_subscriptions.exclude(pk__in=list(kept)).delete()
    return row


def device_remove(*, device: PushSubscription) -> None:
    """Show nothing more in a browser."""
    device.delete()


def push_send(*, user: User, notification: Notification) -> None:
    """Show a notification in all browsers where somebody is signed in. One that is gone is forgotten."""
    if not webpush.is_configured():
        return
    said = say(notification)
    message = msgspec.json.encode(
        {
            "title": said.title,
            "text": said.text,
            "path": said.path,
            "tag": f"notification-{notification.pk}",
            "site": settings.SITE_NAME,
        }
    )
    lasts = _LASTS.get(NotificationKind(notification.kind), timedelta(hours=4))

    def hand(device: PushSubscription) -> int:
        body = webpush.seal(message, browser_key=device.public_key, secret=device.secret)
        return webpush.deliver(device.endpoint, body, topic=f"n{notification.pk}", lasts_s=int(lasts.total_seconds()))

    found = _signed_in(user)
    # At once, so that a service that does not answer costs the time of one and not of all.
    with ThreadPoolExecutor(max_workers=MOST) as hands:
        for device, handed in [(device, hands.submit(hand, device)) for device in found]:
            _note(device, handed)


def _signed_in(user: User) -> list[PushSubscription]:
    """Return the browsers of somebody whose sign-in still holds, and forget the others."""
    found = [(device, _rests_on(device)) for device in user.push_subscriptions.all()]
    ended = ended_sign_ins({sign_in for _device, sign_in in found})
    PushSubscription.objects.filter(pk__in=[device.pk for device, sign_in in found if sign_in in ended]).delete()
    return [device for device, sign_in in found if sign_in not in ended]


def _rests_on(device: PushSubscription) -> SignIn:
    return SignIn(user_id=device.user_id, password_hash=device.password_hash, session_key=device.session_key)


def _note(device: PushSubscription, handed: Future[int]) -> None:
    """Keep what became of a message: a browser that is gone, or fails again and again, is forgotten."""
    same = PushSubscription.objects.filter(pk=device.pk)
    try:
        status = handed.result()
    except webpush.NotAllowed as error:
        logger.warning("device_forgotten", device=device.pk, error=str(error))
        same.delete()
        return
    except webpush.Unreachable as error:
        logger.warning("push_lost", device=device.pk, error=str(error))
    else:
        if status < 300:
            same.update(used_at=timezone.now(), failures=0)
            return
        if status in _GONE:
            same.delete()
            return
        logger.warning("push_refused", device=device.pk, status=status)
    if device.failures + 1 >= _MOST_FAILURES:
        same.delete()
    else:
        same.update(failures=F("failures") + 1)
