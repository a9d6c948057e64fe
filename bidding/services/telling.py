"""Telling people who may be away: writes what the clock has to tell, and sends what is due, by mail and to devices.

A notification is the outbox of its own mail. It is claimed by moving its due time on, so that of several workers one
sends it; what fails waits longer each time and holds up nothing. A worker that dies between sending and saying so sends
again, with the same Message-ID; written each notification is exactly once.
"""

from collections.abc import Collection, Iterator
from datetime import timedelta
from itertools import groupby
from smtplib import SMTPException
from time import monotonic
from typing import Final

import structlog
from django.core.cache import cache
from django.core.mail import get_connection
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from redis.exceptions import RedisError

from accounts.languages import speaking_to
from accounts.models import Follow, MailKind, User
from auctions.models import (
    Auction,
    AuctionStatus,
    LotStatus,
    Offer,
    OfferAnswer,
    Order,
    RegistrationStatus,
    Reminder,
    Visibility,
)
from auctions.orders import OWING
from auctions.permissions import viewable_auctions
from bidding import letters
from bidding.models import Notification, NotificationKind
from bidding.selectors import is_seated
from bidding.services.devices import push_send

logger = structlog.get_logger(__name__)

REMINDED_BEFORE: Final = timedelta(minutes=15)
OUTBID_GAP: Final = timedelta(minutes=2)
"""Between two mails that somebody was outbid; what comes meanwhile is in one."""
BACKOFF: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 180, 360, 720))
"""After so many failures it is given up: news of yesterday are none."""
_AT_ONCE: Final = 500
_LONGEST_S: Final = 20.0


def followers_note() -> None:
    """Tell those who follow a house, once, of each public show that it plans."""
    planned = Auction.objects.filter(
        status=AuctionStatus.SCHEDULED,
        visibility=Visibility.PUBLIC,
        is_rehearsal=False,
        archived_at=None,
        followers_told_at=None,
    )
    for auction in planned:
        now = timezone.now()
        users = Follow.objects.filter(organizer=auction.organizer_id).values_list("user", flat=True)
        with transaction.atomic():
            _note(NotificationKind.SCHEDULED, [(user, auction.pk) for user in users.iterator()])
            Auction.objects.filter(pk=auction.pk).update(followers_told_at=now)


def reminders_note() -> None:
    """Remind people of the shows that begin in a quarter of an hour, or that began without a time, once."""
    soon = Q(auction__status=AuctionStatus.SCHEDULED, auction__starts_at__lte=timezone.now() + REMINDED_BEFORE)
    waiting = Reminder.objects.filter(soon | Q(auction__status=AuctionStatus.LIVE), noted_at=None).order_by("pk")
    while rows := list(waiting.values_list("pk", "user", "auction")[:_AT_ONCE]):
        with transaction.atomic():
            for auction_id in {auction for _pk, _user, auction in rows}:
                # What was told of a show that was moved since then is no more so.
                users = [user for _pk, user, auction in rows if auction == auction_id]
                Notification.objects.filter(kind=NotificationKind.REMINDER, auction=auction_id, user__in=users).delete()
            _note(NotificationKind.REMINDER, [(user, auction) for _pk, user, auction in rows])
            Reminder.objects.filter(pk__in=[pk for pk, _user, _auction in rows]).update(noted_at=timezone.now())


def payment_note(*, order: Order, amount: int) -> None:
    """Tell a buyer what is open on an order; what they were told of it before goes."""
    if order.buyer.user_id is not None:
        told = (order.buyer.user_id, order.auction_id)
        Notification.objects.filter(kind=NotificationKind.PAYMENT, user=told[0], auction=told[1]).delete()
        _note(NotificationKind.PAYMENT, [told], amount=amount)


def offer_note(*, offer: Offer) -> None:
    """Tell a bidder what is offered to them; an older offer of the same lot goes."""
    user, run = offer.registration.user_id, offer.run
    if user is not None:
        Notification.objects.filter(kind=NotificationKind.OFFER, user=user, run=run).delete()
        _note(NotificationKind.OFFER, [(user, run.auction_id)], run=run.pk, amount=offer.amount)


def notifications_send() -> None:
    """Send what is due, for some seconds at most. A mail server that cannot be reached ends it: all of that waits."""
    began = monotonic()
    with letters.Postman(get_connection()) as postman:
        for batch in _due():
            if postman.is_away or monotonic() - began > _LONGEST_S:
                return
            try:
                _send(batch, postman)
            except RedisError as error:
                # Who sits in a room cannot be seen now; the claim moved it on by a minute.
                logger.warning("notification_waits", error=str(error))


def _note(
    kind: NotificationKind, told: Collection[tuple[int, int]], *, run: int | None = None, amount: int | None = None
) -> None:
    """Write notifications of auctions for people; those that were written before stay as they are."""
    now = timezone.now()
    rows = [
        Notification(
            user_id=user,
            auction_id=auction,
            run_id=run,
            kind=kind,
            amount=amount,
            at_ms=round(now.timestamp() * 1000),
            due_at=now,
        )
        for user, auction in told
    ]
    Notification.objects.bulk_create(rows, batch_size=_AT_ONCE, ignore_conflicts=True)


def _due() -> Iterator[list[Notification]]:
    """Yield what is sent together: the outbids of a person, and each other notification alone."""
    due = Notification.objects.filter(due_at__lte=timezone.now()).select_related(
        "user", "auction__organizer", "run__lot"
    )
    found = list(due.order_by("due_at", "pk")[:_AT_ONCE])
    outbid = [row for row in found if row.kind == NotificationKind.OUTBID]
    # What tells of seconds comes first.
    for _user, rows in groupby(sorted(outbid, key=lambda row: row.user_id), key=lambda row: row.user_id):
        yield list(rows)
    for row in found:
        if row.kind != NotificationKind.OUTBID:
            yield [row]


def _send(batch: list[Notification], postman: letters.Postman) -> None:
    batch = [row for row in batch if _claim(row)]
    if not batch:
        return
    user, kind = batch[0].user, MailKind(batch[0].kind)
    old = [row for row in batch if not _is_news(row, user)]
    for row in old:
        _settle(row)
    batch = [row for row in batch if row not in old]
    for row in batch:
        if row.pushed_at is None and user.wants_push(kind):
            with speaking_to(user):
                push_send(user=user, notification=row)
            Notification.objects.filter(pk=row.pk).update(pushed_at=timezone.now())
    letter = [row for row in batch if row.mailed_at is None] if user.email and user.wants(kind) else []
    if letter and kind == MailKind.OUTBID and not _may_mail_outbid(user):
        later = timezone.now() + OUTBID_GAP
        Notification.objects.filter(pk__in=[row.pk for row in letter]).update(due_at=later, attempts=0)
        return
    if letter:
        try:
            with speaking_to(user):
                mail = letters.letter(user, letter)
            postman.send(mail)
        except (SMTPException, OSError) as error:
            logger.warning("mail_waits", user=user.pk, kind=kind.value, attempts=batch[0].attempts, error=str(error))
            return
    for row in batch:
        _settle(row, mailed=row in letter)


def _claim(row: Notification) -> bool:
    """Move the due time on, so that nobody else sends it; False where somebody was faster or it is given up."""
    if row.attempts >= len(BACKOFF):
        logger.error("notification_given_up", notification=row.pk, kind=row.kind)
        _settle(row)
        return False
    same = Notification.objects.filter(pk=row.pk, due_at=row.due_at, attempts=row.attempts)
    return bool(same.update(due_at=timezone.now() + BACKOFF[row.attempts], attempts=row.attempts + 1))


def _is_news(row: Notification, user: User) -> bool:
    """Say whether somebody still should be told, and may."""
    if not user.is_active or not viewable_auctions(user).filter(pk=row.auction_id).exists():
        return False
    if row.kind == NotificationKind.WON:
        return True
    if row.kind == NotificationKind.PAYMENT:
        return Order.objects.filter(auction=row.auction_id, buyer__user=user, status__in=OWING).exists()
    if row.kind == NotificationKind.OFFER:
        open_now = Offer.objects.filter(answer=OfferAnswer.OPEN, expires_at__gt=timezone.now())
        return open_now.filter(run=row.run_id, registration__user=user).exists()
    if user.registrations.filter(auction=row.auction_id, status=RegistrationStatus.BANNED).exists():
        return False
    if row.kind == NotificationKind.OUTBID:
        assert row.run is not None
        is_on = row.run.status in (LotStatus.OPEN, LotStatus.PAUSED)
        return is_on and row.read_at is None and not is_seated(row.auction_id, user.pk)
    if row.kind == NotificationKind.REMINDER:
        return row.auction.status in (AuctionStatus.SCHEDULED, AuctionStatus.LIVE)
    return row.auction.status == AuctionStatus.SCHEDULED


def _may_mail_outbid(user: User) -> bool:
    return bool(cache.add(f"outbid-mail:{user.pk}", 1, timeout=OUTBID_GAP.total_seconds()))


def _settle(row: Notification, *, mailed: bool = False) -> None:
    """Say that there is nothing more to send."""
    values = {"mailed_at": timezone.now()} if mailed else {}
    Notification.objects.filter(pk=row.pk).update(due_at=None, **values)
