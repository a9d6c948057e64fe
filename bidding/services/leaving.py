"""Closing an account: the person goes, the record of the auctions stays.

What names somebody is removed everywhere: address, name, picture, ways to sign in, chat names, notes about them.
Paddles, bids, sales, orders, invoices, strikes and what was said stay, under the paddle: they belong to a result that
others rely on. The check whether somebody still leads a lot and the closing are not one step; who bids in another
window meanwhile still owes what they win.
"""

import contextlib
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Final

import structlog
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import CharField, Exists, OuterRef, Q, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from accounts.models import Follow, HostRequest, Membership, Organizer, PushSubscription, Role, Strike, Trace, User
from auctions.errors import Refused
from auctions.models import (
    Auction,
    AuctionModerator,
    AuctionStatus,
    AuditEntry,
    CommandKind,
    Invitation,
    LotWatch,
    Offer,
    OfferAnswer,
    Order,
    OrderEntry,
    OrderStatus,
    Registration,
    RegistrationStatus,
    Reminder,
    Sale,
    SaleStatus,
)
from bidding.engine.outcomes import EngineError
from bidding.models import Appeal, ChatMessage, ModeratorNote, Mute, Notification, Report
from bidding.selectors import snapshot_now
from bidding.services.chat import chat_store
from bidding.services.commands import command_send
from bidding.services.moderation import line_forget

logger = structlog.get_logger(__name__)

_CHAT_STREAM: Final = timedelta(days=2)
"""For so long after a show its chat may still be in Redis."""


def closing_hindrances(user: User) -> list[str]:
    """Return, in words, what somebody must settle before their account can be closed."""
    return [*_lots(user), *_orders(user), *_houses(user)]


def account_close(*, user: User) -> None:
    """Empty and close an account for good. Its sessions end at once, its seats in the rooms within five seconds.

    Raises Refused with the first thing that stands in the way.
    """
    if user.closed_at is not None:
        return
    for hindrance in closing_hindrances(user):
        raise Refused("not_settled", hindrance)
    _store_chat()
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user.pk)
        addresses = {
            address.lower() for address in EmailAddress.objects.filter(user=user).values_list("email", flat=True)
        }
        addresses |= {user.email} if user.email else set()
        _forget_names(user, addresses)
        _forget_sign_in(user)
        _take_paddles_down(user)
        _empty(user)
    logger.info("account_closed", user=user.pk)


# --- What stands in the way ------------------------------------------------------------------------------


def _lots(user: User) -> Iterator[str]:
    on_floor = Q(auction__status__in=(AuctionStatus.SCHEDULED, AuctionStatus.LIVE))
    for registration in Registration.objects.filter(on_floor, user=user).select_related("auction"):
        try:
            own = snapshot_now(registration.auction_id, registration.pk).own
        except (EngineError, RedisError, OSError):
            yield _("We cannot see right now whether you lead a lot. Try again in a minute.")
            return
        if own is not None and own.leading:
            yield _("You lead a lot in “%(auction)s”. Wait until it is over.") % {"auction": registration.auction}
        if own is not None and own.pre_bids:
            yield _("You have bids on lots that come in “%(auction)s”. Wait until it is over.") % {
                "auction": registration.auction
            }
    won = Sale.objects.filter(buyer__user=user, status=SaleStatus.PROVISIONAL).select_related("run__auction")
    for sale in won:
        yield _("You won a lot in “%(auction)s” just now. Wait until its order is made.") % {
            "auction": sale.run.auction
        }


def _orders(user: User) -> Iterator[str]:
    orders = Order.objects.filter(buyer__user=user).select_related("auction").order_by("pk")
    for order in orders.filter(status__in=(OrderStatus.AWAITING_PAYMENT, OrderStatus.UNPAID)):
        yield _("Your order from “%(auction)s” is not paid.") % {"auction": order.auction}
    for order in orders.filter(status=OrderStatus.PAID):
        yield _("Your order from “%(auction)s” is not sent yet; the house needs your address.") % {
            "auction": order.auction
        }


def _houses(user: User) -> Iterator[str]:
    owners = Membership.objects.filter(organizer=OuterRef("pk"), role=Role.OWNER, user__is_active=True)
    own = Organizer.objects.filter(archived_at=None, memberships__user=user, memberships__role=Role.OWNER)
    for organizer in own.filter(~Exists(owners.exclude(user=user))):
        yield _("You are the last owner of “%(house)s”. Ask the site's staff to name another one.") % {
            "house": organizer
        }


# --- What goes -----------------------------------------------------------------------------------------


def _forget_names(user: User, addresses: set[str]) -> None:
    Invitation.objects.filter(Q(user=user) | Q(email__in=addresses)).delete()
    AuctionModerator.objects.filter(email__in=addresses).delete()
    Membership.objects.filter(user=user).delete()
    HostRequest.objects.filter(user=user).delete()
    for model in (Notification, Follow, LotWatch, Reminder, PushSubscription):
        model._default_manager.filter(user=user).delete()
    ModeratorNote.objects.filter(user=user).delete()
    Mute.objects.filter(user=user).update(note="")
    Strike.objects.filter(user=user).update(note="")
    Order.objects.filter(buyer__user=user).update(delivery_address="")
    OrderEntry.objects.filter(order__buyer__user=user).update(reason="")
    Offer.objects.filter(registration__user=user, answer=OfferAnswer.OPEN).update(
        answer=OfferAnswer.DECLINED, answered_at=timezone.now()
    )
    said = ChatMessage.objects.filter(user=user, role="")
    for auction_id, entry in said.exclude(author__startswith="Paddle ").values_list("auction", "entry"):
        # It may still be in Redis, and on pages, under the name.
        transaction.on_commit(partial(_forget_line, auction_id, entry))
    said.filter(paddle=None).update(author="Guest")
    said.exclude(paddle=None).update(author=Concat(Value("Paddle "), Cast("paddle", CharField())))
    # The admin's history keeps what things were called.
    about = Q(content_type=ContentType.objects.get_for_model(User), object_id=str(user.pk))
    for address in addresses:
        about |= Q(object_repr__icontains=address) | Q(change_message__icontains=address)
    LogEntry.objects.filter(about).update(object_repr=f"#{user.pk}", change_message="")
    AuditEntry.objects.filter(actor=user).update(address="")
    AuditEntry.objects.filter(subject=user).update(note="")
    Report.objects.filter(subject=user).update(note="")
    Report.objects.filter(reporter=user).update(text="")
    Appeal.objects.filter(user=user).update(text="", answer="")


def _forget_sign_in(user: User) -> None:
    keys = UserSession.objects.filter(user=user).values_list("session_key", flat=True)
    Session.objects.filter(session_key__in=list(keys)).delete()
    for model in (UserSession, EmailAddress, SocialAccount, Authenticator, Trace):
        model.objects.filter(user=user).delete()


def _take_paddles_down(user: User) -> None:
    own = Registration.objects.filter(user=user).select_related("auction")
    own.update(alias="")
    for registration in own.filter(auction__status__in=(AuctionStatus.SCHEDULED, AuctionStatus.LIVE)):
        if registration.status != RegistrationStatus.BANNED:
            registration.status = RegistrationStatus.DECLINED
            registration.save(update_fields=["status"])
            command_send(registration.auction, CommandKind.REGISTRATION, registration=registration)


def _empty(user: User) -> None:
    storage, picture = user.avatar.storage, user.avatar.name
    if picture:
        transaction.on_commit(lambda: storage.delete(picture))
    user.email, user.display_name, user.delivery_address, user.avatar = None, "", "", ""
    user.language, user.unwanted_mails, user.unwanted_pushes = "", [], []
    user.verified_at, user.last_login = None, None
    user.is_active = user.is_staff = user.is_superuser = False
    user.closed_at = timezone.now()
    user.set_unusable_password()
    user.save()


def _store_chat() -> None:
    """Store what was said and is only in Redis yet, so that no line is stored under the old name later."""
    recent = Q(status__in=(AuctionStatus.SCHEDULED, AuctionStatus.LIVE)) | Q(ended_at__gt=timezone.now() - _CHAT_STREAM)
    for auction_id in Auction.objects.filter(recent).values_list("pk", flat=True):
        newest: str | None = None
        try:
            while (stored := chat_store(auction_id=auction_id, after=newest)) != newest:
                newest = stored
        except (RedisError, OSError):
            raise Refused("unavailable", _("The chat cannot be read right now. Try again in a minute.")) from None


def _forget_line(auction_id: int, entry: str) -> None:
    with contextlib.suppress(RedisError, OSError):
        line_forget(auction_id, entry)
