"""Everything that the site keeps about one person, as one document for them to take along.

Reads only. Notes that moderators or staff wrote for each other are not in it, nor who wrote them.
"""

from collections.abc import Iterable
from typing import Any, Final

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Follow, HostRequest, MailKind, Membership, PushSubscription, Strike, Trace, User
from auctions.models import AuditEntry, Invitation, LotWatch, Order, Registration, Reminder, Sale
from auctions.money import format_amount
from bidding.models import Appeal, Bid, ChatMessage, Mute, Notification, Refusal, Report

FORMAT: Final = "personal-data/1"


def personal_data(user: User) -> dict[str, Any]:
    """Return what is kept about somebody: plain values only, amounts as decimal strings."""
    return {
        "format": FORMAT,
        "made_at": timezone.now(),
        "account": _account(user),
        "sign_in": _sign_in(user),
        "roles": [
            {"house": membership.organizer.name, "role": membership.role, "since": membership.created_at}
            for membership in Membership.objects.filter(user=user).select_related("organizer")
        ],
        "host_requests": _rows(
            HostRequest.objects.filter(user=user),
            ("house", "about", "status", "reason", "created_at", "answered_at"),
        ),
        "strikes": [
            {
                "house": strike.organizer.name if strike.organizer else None,
                "reason": strike.reason,
                "given_at": strike.created_at,
                "expires_at": strike.expires_at,
                "lifted_at": strike.lifted_at,
            }
            for strike in Strike.objects.filter(user=user).select_related("organizer")
        ],
        "invitations": _rows(Invitation.objects.filter(user=user), ("auction", "created_at", "revoked_at")),
        "registrations": [_registration(registration) for registration in _registrations(user)],
        "chat": _rows(
            ChatMessage.objects.filter(user=user).order_by("at_ms", "pk"),
            ("auction", "author", "text", "at_ms", "removed_at", "removal_reason"),
        ),
        "mutes": _rows(Mute.objects.filter(user=user), ("auction", "reason", "created_at", "until", "lifted_at")),
        "reports": _rows(Report.objects.filter(reporter=user), ("auction", "reason", "text", "created_at", "decision")),
        "appeals": _rows(
            Appeal.objects.filter(user=user), ("auction", "text", "created_at", "granted", "answer", "answered_at")
        ),
        "notifications": [
            {
                "kind": told.kind,
                "auction": told.auction_id,
                "lot": told.run.lot_id if told.run else None,
                "amount": None if told.amount is None else format_amount(told.amount, told.auction.currency.exponent),
                "at_ms": told.at_ms,
                "read_at": told.read_at,
                "mailed_at": told.mailed_at,
                "pushed_at": told.pushed_at,
            }
            for told in Notification.objects.filter(user=user).select_related("auction", "run")
        ],
        "follows": [
            {"house": follow.organizer.name, "since": follow.created_at}
            for follow in Follow.objects.filter(user=user).select_related("organizer")
        ],
        "watched_lots": _rows(LotWatch.objects.filter(user=user), ("lot", "created_at")),
        "reminders": _rows(Reminder.objects.filter(user=user), ("auction", "created_at", "noted_at")),
        "acts": _rows(
            AuditEntry.objects.filter(actor=user), ("at", "action", "outcome", "auction", "lot", "door", "address")
        ),
        # Where its messages go is the browser's secret, and of use to nobody else.
        "devices": _rows(PushSubscription.objects.filter(user=user), ("device", "created_at", "used_at")),
    }


def _account(user: User) -> dict[str, Any]:
    return {
        "id": user.pk,
        "email": user.email,
        "display_name": user.display_name,
        "picture": user.avatar.url if user.avatar else None,
        "delivery_address": user.delivery_address,
        "language": user.language,
        "mails": [kind.value for kind in MailKind if user.wants(kind)],
        "pushes": [kind.value for kind in MailKind if user.wants_push(kind)],
        "joined_at": user.date_joined,
        "last_sign_in_at": user.last_login,
        "verified_at": user.verified_at,
        "enters_the_admin": user.is_staff,
    }


def _sign_in(user: User) -> dict[str, Any]:
    return {
        "addresses": _rows(EmailAddress.objects.filter(user=user), ("email", "verified", "primary")),
        "accounts": _rows(
            SocialAccount.objects.filter(user=user), ("provider", "uid", "date_joined", "last_login", "extra_data")
        ),
        "second_factors": _rows(Authenticator.objects.filter(user=user), ("type", "created_at", "last_used_at")),
        "sessions": _rows(UserSession.objects.filter(user=user), ("ip", "user_agent", "created_at", "last_seen_at")),
        # What is kept of them is a hash, which tells nobody anything.
        "traces": _rows(Trace.objects.filter(user=user), ("kind", "first_seen_at", "last_seen_at")),
    }


def _registrations(user: User) -> QuerySet[Registration]:
    return Registration.objects.filter(user=user).select_related("auction", "terms").order_by("pk")


def _registration(registration: Registration) -> dict[str, Any]:
    exponent = registration.auction.currency.exponent
    bids = Bid.objects.filter(registration=registration).select_related("run").order_by("v", "pk")
    sales = Sale.objects.filter(buyer=registration).select_related("run").order_by("pk")
    orders = (
        Order.objects.filter(buyer=registration)
        .prefetch_related("lines", "invoices", "payments__refunds", "entries")
        .order_by("pk")
    )
    limit = registration.spending_limit
    return {
        "auction": registration.auction_id,
        "title": registration.auction.title,
        "currency": registration.auction.currency_code,
        "paddle": registration.paddle,
        "alias": registration.alias,
        "status": registration.status,
        "spending_limit": None if limit is None else format_amount(limit, exponent),
        "terms_sha256": registration.terms.sha256 if registration.terms else None,
        "terms_accepted_at": registration.terms_accepted_at,
        "registered_at": registration.created_at,
        "bids": [
            {
                "id": bid.bid_id,
                "lot": bid.run.lot_id,
                "amount": format_amount(bid.amount, exponent),
                "automatic": bid.automatic,
                "v": bid.v,
                "at_ms": bid.at_ms,
                "voided": bid.voided_at_v is not None,
            }
            for bid in bids
        ],
        "refused_bids": [
            {
                "id": refusal.bid_id,
                "code": refusal.code,
                "amount": None if refusal.amount is None else format_amount(refusal.amount, exponent),
                "at_ms": refusal.at_ms,
            }
            for refusal in Refusal.objects.filter(registration=registration).order_by("at_ms", "pk")
        ],
        "sales": [
            {
                "lot": sale.run.lot_id,
                "hammer": format_amount(sale.hammer_amount, exponent),
                "premium": format_amount(sale.premium_amount, exponent),
                "tax": format_amount(sale.tax_amount, exponent),
                "status": sale.status,
                "at": sale.created_at,
            }
            for sale in sales
        ],
        "orders": [_order(order, exponent) for order in orders],
        "offers": [
            {
                "lot": offer.run.lot_id,
                "kind": offer.kind,
                "amount": format_amount(offer.amount, exponent),
                "answer": offer.answer,
                "at": offer.created_at,
                "expires_at": offer.expires_at,
                "answered_at": offer.answered_at,
            }
            for offer in registration.offers.select_related("run").order_by("pk")
        ],
    }


def _order(order: Order, exponent: int) -> dict[str, Any]:
    return {
        "id": order.pk,
        "status": order.status,
        "delivery_address": order.delivery_address,
        "pick_up": order.pick_up,
        "due_at": order.due_at,
        "created_at": order.created_at,
        "lines": [
            {
                "kind": line.kind,
                "description": line.description,
                "amount": format_amount(line.amount, exponent),
                "cancelled_at": line.cancelled_at,
            }
            for line in order.lines.all()
        ],
        "payments": [
            {
                "amount": format_amount(payment.amount, exponent),
                "method": payment.method,
                "reference": payment.reference,
                "at": payment.received_at,
                "refunds": [
                    {"amount": format_amount(refund.amount, exponent), "reason": refund.reason, "at": refund.created_at}
                    for refund in payment.refunds.all()
                ],
            }
            for payment in order.payments.all()
        ],
        "history": [{"kind": entry.kind, "at": entry.created_at} for entry in order.entries.all()],
        "invoices": [
            {"number": invoice.number, "kind": invoice.kind, "snapshot": invoice.snapshot, "at": invoice.created_at}
            for invoice in order.invoices.all()
        ],
    }


def _rows(rows: QuerySet[Any], names: Iterable[str]) -> list[dict[str, Any]]:
    return list(rows.values(*names))
