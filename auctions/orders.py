"""What happens to an order after the hammer: money, reminders, parcels, and what is called off.

Owns the states `awaiting payment → paid → sent → done`, `unpaid` and `cancelled`, and the history that says who
changed them and why. Every function locks the order, refuses what its state does not allow, and writes an entry. Bills
and their papers are `auctions.billing`'s.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Sum
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from accounts.models import StrikeReason, User
from auctions.audit import audited
from auctions.billing import invoice_credit, invoice_current, invoice_issue
from auctions.errors import Refused
from auctions.models import (
    Invoice,
    Order,
    OrderEntry,
    OrderEntryKind,
    OrderLineKind,
    OrderStatus,
    Payment,
    Refund,
    RefundReason,
    Sale,
    SaleStatus,
)
from auctions.money import MAX_AMOUNT
from auctions.permissions import can_bill
from auctions.sales import order_deliver
from auctions.standing import strike_add

LEGAL: Final[dict[OrderStatus, tuple[OrderStatus, ...]]] = {
    OrderStatus.AWAITING_PAYMENT: (OrderStatus.PAID, OrderStatus.UNPAID, OrderStatus.CANCELLED),
    OrderStatus.UNPAID: (OrderStatus.PAID, OrderStatus.AWAITING_PAYMENT, OrderStatus.CANCELLED),
    OrderStatus.PAID: (OrderStatus.SENT, OrderStatus.AWAITING_PAYMENT, OrderStatus.CANCELLED),
    OrderStatus.SENT: (OrderStatus.DONE, OrderStatus.CANCELLED),
    OrderStatus.DONE: (OrderStatus.CANCELLED,),
    OrderStatus.CANCELLED: (),
}
"""What may follow what. Goods come back after they arrived, too; only what is cancelled stays so."""
OWING: Final = (OrderStatus.AWAITING_PAYMENT, OrderStatus.UNPAID)
BY_HAND: Final = "by hand"
"""The method of money that the house saw come in itself."""
REMINDED_BEFORE: Final = timedelta(days=2)
REMINDED_AFTER: Final = timedelta(days=1)
BETWEEN_REMINDERS: Final = timedelta(hours=20)
"""A house reminds somebody once a day; a day is a little shorter, so that nobody waits for the minute."""
_REMINDERS: Final = (OrderEntryKind.REMINDED, OrderEntryKind.REMINDED_SOON, OrderEntryKind.REMINDED_LATE)


@dataclass(frozen=True, slots=True)
class Balance:
    """What an order comes to, what came in for it and what went back, in minor units."""

    total: int
    received: int
    refunded: int

    @property
    def paid(self) -> int:
        """What is in the house."""
        return self.received - self.refunded

    @property
    def open(self) -> int:
        """What is still to come."""
        return max(self.total - self.paid, 0)

    @property
    def over(self) -> int:
        """What came in and belongs to the buyer."""
        return max(self.paid - self.total, 0)


def balance_of(order: Order) -> Balance:
    """Return what an order comes to and what came in; a cancelled line counts nothing."""
    return Balance(
        order.lines.filter(cancelled_at=None).aggregate(sum=Sum("amount"))["sum"] or 0,
        order.payments.aggregate(sum=Sum("amount"))["sum"] or 0,
        Refund.objects.filter(payment__order=order).aggregate(sum=Sum("amount"))["sum"] or 0,
    )


def order_unchanged(*, order: Order, seen: int) -> None:
    """Refuse where something was done to an order since a page showed its newest entry (0 for none).

    It holds the order until the transaction that it stands in ends, so that a second press, or a second tab, does
    nothing twice.
    """
    Order.objects.select_for_update(of=("self",)).get(pk=order.pk)
    if (order.entries.order_by("-pk").values_list("pk", flat=True).first() or 0) != seen:
        raise Refused("changed", _("Something was done to this order meanwhile. Look again before you go on."))


# --- Money in ------------------------------------------------------------------------------------------


@audited
def order_pay(
    *,
    order: Order,
    actor: User,
    amount: int | None = None,
    reference: str = "",
    received_at: datetime | None = None,
) -> Payment:
    """Note money that the house saw come in, all that is open where no amount is said; all of it makes it paid."""
    with transaction.atomic():
        order = _locked(order, actor)
        if order.status not in OWING:
            raise Refused("not_open", _("Nothing is open on this order."))
        amount = balance_of(order).open if amount is None else amount
        if not 0 < amount <= MAX_AMOUNT:
            raise Refused("bad_amount", _("Say how much came in."), field="amount")
        try:
            with transaction.atomic():
                return _received(order, actor, amount, BY_HAND, reference.strip(), received_at or timezone.now())
        except IntegrityError as error:
            raise Refused(
                "reference_used", _("A payment with this reference is noted already."), field="reference"
            ) from error


def order_paid_by(*, order: Order, method: str, reference: str, amount: int, received_at: datetime) -> Payment:
    """Note money of which a payment provider tells; the same payment when it tells again.

    It is noted whatever became of the order meanwhile: the money is there, and what is too much is shown to the house.
    """
    with transaction.atomic():
        order = Order.objects.select_for_update(of=("self",)).get(pk=order.pk)
        known = Payment.objects.filter(method=method, reference=reference).first()
        return known or _received(order, None, amount, method, reference, received_at)


def _received(
    order: Order, actor: User | None, amount: int, method: str, reference: str, received_at: datetime
) -> Payment:
    payment = Payment.objects.create(
        order=order, amount=amount, method=method, reference=reference, received_at=received_at
    )
    _note(order, OrderEntryKind.PAYMENT, actor, amount=amount)
    _settle(order, actor)
    return payment


def _settle(order: Order, actor: User | None) -> None:
    """Call an order paid when nothing of it is open."""
    if order.status in OWING and not balance_of(order).open:
        _become(order, OrderStatus.PAID)
        _note(order, OrderEntryKind.PAID, actor)


# --- Money back ----------------------------------------------------------------------------------------


@audited
def order_refund(*, order: Order, actor: User, amount: int, reason: RefundReason, note: str = "") -> list[Refund]:
    """Note money that went back to the buyer, off the newest payments first.

    A payment that never came in (`RefundReason.MISTAKE`) leaves the order awaiting it again.
    """
    with transaction.atomic():
        order = _locked(order, actor)
        balance = balance_of(order)
        if not 0 < amount <= balance.paid:
            raise Refused("bad_amount", _("No more goes back than came in."), field="amount")
        mistake = reason == RefundReason.MISTAKE
        reopens = mistake and order.status == OrderStatus.PAID and balance.paid - amount < balance.total
        if mistake and order.status in (OrderStatus.SENT, OrderStatus.DONE):
            raise Refused("sent_already", _("It is on its way already, so it cannot await its payment again."))
        refunds: list[Refund] = []
        for payment in order.payments.order_by("-pk"):
            left = payment.amount - (payment.refunds.aggregate(sum=Sum("amount"))["sum"] or 0)
            part = min(left, amount - sum(refund.amount for refund in refunds))
            if part:
                refunds.append(Refund.objects.create(payment=payment, amount=part, reason=reason))
        _note(
            order,
            OrderEntryKind.TAKEN_BACK if mistake else OrderEntryKind.REFUND,
            actor,
            reason=note or str(reason.label),
            amount=amount,
        )
        if reopens:
            _refuse_second_bill(order)
            _become(order, OrderStatus.AWAITING_PAYMENT)
    return refunds


@audited
def order_cancel_lots(*, order: Order, sales: Collection[Sale], actor: User, note: str) -> Invoice | None:
    """Call sales of an order off, with their delivery; return the paper that holds now, if any lot is left.

    The invoice is taken back by a credit note, and a new one says what remains. With no lot left the whole order is
    cancelled. What was paid too much is then shown as to be sent back.
    """
    with transaction.atomic():
        order = _locked(order, actor)
        reason = _reason(note)
        lines = order.lines.filter(sale__in=list(sales), cancelled_at=None)
        amount = lines.aggregate(sum=Sum("amount"))["sum"] or 0
        called_off = set(lines.values_list("sale", flat=True))
        if not called_off:
            raise Refused("no_such_lot", _("Say which lots are called off."), field="sales")
        lines.update(cancelled_at=timezone.now())
        Sale.objects.filter(pk__in=called_off).update(status=SaleStatus.VOID)
        _note(order, OrderEntryKind.LOTS_CANCELLED, actor, reason=reason, amount=amount)
        if order.lines.filter(kind=OrderLineKind.HAMMER, cancelled_at=None).exists():
            order_deliver(order=order)
            invoice = invoice_issue(order=order) if order.invoices.exists() else None
            _settle(order, actor)
            return invoice
        order.lines.filter(cancelled_at=None).update(cancelled_at=timezone.now())
        _become(order, OrderStatus.CANCELLED)
        _note(order, OrderEntryKind.CANCELLED, actor, reason=reason)
        if (current := invoice_current(order)) is not None:
            invoice_credit(invoice=current)
        return None


@audited
def order_cancel(*, order: Order, actor: User, note: str) -> None:
    """Call a whole order off: every lot of it, its delivery and its invoice."""
    lines = order.lines.filter(kind=OrderLineKind.HAMMER, cancelled_at=None)
    sales = [line.sale for line in lines.select_related("sale") if line.sale is not None]
    order_cancel_lots(order=order, sales=sales, actor=actor, note=note)


# --- Not paid ------------------------------------------------------------------------------------------


@audited
def order_mark_unpaid(*, order: Order, actor: User, note: str = "") -> Order:
    """Say that an order was not paid in time. Its buyer gets a strike for the house, once an order."""
    with transaction.atomic():
        order = _locked(order, actor)
        _check(order, OrderStatus.UNPAID)
        if order.due_at is None or order.due_at > timezone.now():
            raise Refused("not_due", _("It is not due yet."))
        known = order.entries.filter(kind=OrderEntryKind.UNPAID).exists()
        _become(order, OrderStatus.UNPAID)
        _note(order, OrderEntryKind.UNPAID, actor, reason=note, amount=balance_of(order).open)
        buyer = order.buyer.user
        if buyer is not None and buyer.closed_at is None and not known:
            strike_add(
                user=buyer,
                organizer=order.auction.organizer,
                actor=actor,
                reason=StrikeReason.UNPAID,
                note=_("Order %(number)s") % {"number": order.pk},
            )
    return order


@audited
def order_give_time(*, order: Order, actor: User, due_at: datetime, note: str = "") -> Order:
    """Let a buyer pay later; what was called unpaid awaits its payment again, and its invoice says the new day."""
    with transaction.atomic():
        order = _locked(order, actor)
        if order.status not in OWING or order.due_at is None:
            raise Refused("not_open", _("Nothing is open on this order."))
        if due_at <= max(timezone.now(), order.due_at):
            raise Refused("bad_date", _("Choose a later day than the one that it has."), field="due_on")
        if order.status == OrderStatus.UNPAID:
            _refuse_second_bill(order)
            _become(order, OrderStatus.AWAITING_PAYMENT)
        order.due_at = due_at
        order.save(update_fields=["due_at", "updated_at"])
        _note(order, OrderEntryKind.MORE_TIME, actor, reason=note, due_at=due_at)
        if order.invoices.exists():
            invoice_issue(order=order)
    return order


def order_reminded(*, order: Order, by: User) -> int:
    """Note that the house reminds a buyer now, once a day; return what is open. Who tells them is the caller."""
    with transaction.atomic():
        order = _locked(order, by)
        if order.status not in OWING or order.due_at is None:
            raise Refused("not_open", _("Nothing is open on this order."))
        if order.buyer.user is None:
            raise Refused("no_account", _("This buyer has no account; please write or call."))
        last = order.entries.filter(kind__in=_REMINDERS).order_by("-created_at").first()
        if last is not None and last.created_at > timezone.now() - BETWEEN_REMINDERS:
            at = formats.date_format(timezone.localtime(last.created_at), "DATETIME_FORMAT")
            raise Refused("reminded_already", _("This buyer was reminded on %(at)s already.") % {"at": at})
        amount = balance_of(order).open
        _note(order, OrderEntryKind.REMINDED, by, amount=amount)
    return amount


def order_reminded_by_clock(*, order: Order, now: datetime) -> int | None:
    """Note the reminder that is due by an order's day, once for each day; return what is open, or None where none is.

    A bill that is hardly a day old is no news twice, so a short time to pay has the later reminder alone.
    """
    with transaction.atomic():
        order = Order.objects.select_for_update(of=("self",)).get(pk=order.pk)
        if order.status != OrderStatus.AWAITING_PAYMENT or order.due_at is None:
            return None
        if now >= order.due_at + REMINDED_AFTER:
            kind = OrderEntryKind.REMINDED_LATE
        elif order.due_at > now >= order.due_at - REMINDED_BEFORE and now >= order.created_at + timedelta(days=1):
            kind = OrderEntryKind.REMINDED_SOON
        else:
            return None
        amount = balance_of(order).open
        _entry, created = OrderEntry.objects.get_or_create(
            order=order, kind=kind, due_at=order.due_at, defaults={"amount": amount}
        )
    return amount if created else None


# --- On its way ----------------------------------------------------------------------------------------


@audited
def order_send(*, order: Order, actor: User) -> Order:
    """Say that the parcel is on its way, or that the lots lie ready."""
    with transaction.atomic():
        order = _locked(order, actor)
        _check(order, OrderStatus.SENT)
        if not order.pick_up and not order.delivery_address:
            raise Refused("address_missing", _("Nobody said where the parcel goes."))
        _become(order, OrderStatus.SENT)
        _note(order, OrderEntryKind.SENT, actor)
    return order


@audited
def order_finish(*, order: Order, actor: User) -> Order:
    """Say that the buyer has it."""
    with transaction.atomic():
        order = _locked(order, actor)
        _check(order, OrderStatus.DONE)
        _become(order, OrderStatus.DONE)
        _note(order, OrderEntryKind.DONE, actor)
    return order


# --- How ------------------------------------------------------------------------------------------------


def _locked(order: Order, actor: User) -> Order:
    locked = Order.objects.select_for_update(of=("self",)).select_related("auction__organizer", "buyer__user")
    order = locked.get(pk=order.pk)
    if not can_bill(actor, order.auction):
        raise Refused("forbidden", _("You do not handle the money of this auction."))
    return order


def _check(order: Order, status: OrderStatus) -> None:
    before = OrderStatus(order.status)
    if status not in LEGAL[before]:
        raise Refused(
            "wrong_state",
            _("This order is: %(before)s. It cannot become: %(after)s.")
            % {"before": before.label, "after": status.label},
        )


def _become(order: Order, status: OrderStatus) -> None:
    _check(order, status)
    order.status = status
    order.save(update_fields=["status", "updated_at"])


def _refuse_second_bill(order: Order) -> None:
    """A buyer has one bill of an auction to pay; another that waits would be a second."""
    others = Order.objects.filter(auction=order.auction_id, buyer=order.buyer_id, status=OrderStatus.AWAITING_PAYMENT)
    if others.exclude(pk=order.pk).exists():
        raise Refused("another_waits", _("This buyer has another order of this auction to pay first."))


def _reason(note: str) -> str:
    reason = note.strip()
    if not reason:
        raise Refused("no_reason", _("Say why."), field="note")
    return reason[:500]


def _note(
    order: Order,
    kind: OrderEntryKind,
    actor: User | None,
    *,
    reason: str = "",
    amount: int | None = None,
    due_at: datetime | None = None,
) -> OrderEntry:
    return OrderEntry.objects.create(
        order=order, kind=kind, actor=actor, reason=reason.strip()[:500], amount=amount, due_at=due_at
    )
