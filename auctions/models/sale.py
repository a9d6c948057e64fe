"""After the hammer: sales, offers, orders, invoices, payments. One buyer's sales share an order."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Organizer
from auctions.models.auction import Auction
from auctions.models.fields import AmountField, amounts_in_range, one_of
from auctions.models.lot import LotRun
from auctions.models.registration import Registration


class SaleStatus(models.TextChoices):
    """A sale is provisional until the next lot opens or the auction ends."""

    PROVISIONAL = "provisional", _("Provisional")
    FINAL = "final", _("Final")
    VOID = "void", _("Void")


class Sale(models.Model):
    """That a run was sold to a buyer at a price, with the tax as it was computed then."""

    run = models.ForeignKey(LotRun, on_delete=models.PROTECT, related_name="sales")
    closing_number = models.PositiveIntegerField()
    buyer = models.ForeignKey(Registration, on_delete=models.PROTECT, related_name="sales")
    hammer_amount = AmountField()
    premium_amount = AmountField(default=0)
    tax_amount = AmountField(default=0)
    tax_snapshot = models.JSONField(default=dict)
    status = models.CharField(max_length=11, choices=SaleStatus, default=SaleStatus.PROVISIONAL)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("sale")
        verbose_name_plural = _("sales")
        constraints = (
            models.UniqueConstraint(
                fields=("run",), condition=models.Q(status__in=("provisional", "final")), name="sale_one_active_a_run"
            ),
            models.UniqueConstraint(fields=("run", "closing_number", "buyer"), name="sale_once_a_closing"),
            one_of("sale", "status", SaleStatus),
            models.CheckConstraint(condition=models.Q(hammer_amount__gt=0), name="sale_above_zero"),
            amounts_in_range("sale", "hammer_amount", "premium_amount", "tax_amount"),
        )

    def __str__(self) -> str:
        return _("%(run)s to %(buyer)s") % {"run": self.run, "buyer": self.buyer}

    @property
    def total_amount(self) -> int:
        """What the buyer pays before delivery, in minor units."""
        return int(self.hammer_amount + self.premium_amount + self.tax_amount)


class OfferKind(models.TextChoices):
    """Why an offer is made after the hammer."""

    SECOND_CHANCE = "second_chance", _("Second chance")
    NEGOTIATION = "negotiation", _("Negotiation after an unmet reserve")


class OfferAnswer(models.TextChoices):
    """What became of an offer."""

    OPEN = "open", _("Open")
    ACCEPTED = "accepted", _("Accepted")
    DECLINED = "declined", _("Declined")
    EXPIRED = "expired", _("Expired")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class Offer(models.Model):
    """An offer to one bidder after the hammer: a second chance, or a price below the reserve."""

    run = models.ForeignKey(LotRun, on_delete=models.PROTECT, related_name="offers")
    registration = models.ForeignKey(Registration, on_delete=models.PROTECT, related_name="offers")
    kind = models.CharField(max_length=13, choices=OfferKind)
    amount = AmountField()
    expires_at = models.DateTimeField()
    answer = models.CharField(max_length=9, choices=OfferAnswer, default=OfferAnswer.OPEN)
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    sale = models.OneToOneField(Sale, on_delete=models.PROTECT, null=True, blank=True, related_name="offer")
    """What became of it once it was accepted; one sale an offer, whoever pressed how often."""
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("offer")
        verbose_name_plural = _("offers")
        constraints = (
            models.UniqueConstraint(fields=("run",), condition=models.Q(answer="open"), name="offer_one_open_a_run"),
            one_of("offer", "kind", OfferKind),
            one_of("offer", "answer", OfferAnswer),
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="offer_above_zero"),
            models.CheckConstraint(
                condition=models.Q(answer="accepted", sale__isnull=False)
                | (~models.Q(answer="accepted") & models.Q(sale=None)),
                name="offer_accepted_is_a_sale",
            ),
            amounts_in_range("offer", "amount"),
        )

    def __str__(self) -> str:
        return _("%(kind)s: %(run)s to %(buyer)s") % {
            "kind": self.get_kind_display(),
            "run": self.run,
            "buyer": self.registration,
        }


class OrderStatus(models.TextChoices):
    """`awaiting payment → paid → sent → done`, `unpaid`, or `cancelled`."""

    AWAITING_PAYMENT = "awaiting_payment", _("Awaiting payment")
    PAID = "paid", _("Paid")
    SENT = "sent", _("Sent")
    DONE = "done", _("Done")
    UNPAID = "unpaid", _("Unpaid")
    CANCELLED = "cancelled", _("Cancelled")


class Order(models.Model):
    """Everything that one buyer pays for in one auction: many sales, fees and one delivery."""

    auction = models.ForeignKey(Auction, on_delete=models.PROTECT, related_name="orders")
    buyer = models.ForeignKey(Registration, on_delete=models.PROTECT, related_name="orders")
    status = models.CharField(max_length=16, choices=OrderStatus, default=OrderStatus.AWAITING_PAYMENT)
    pick_up = models.BooleanField(default=False)
    delivery_address = models.TextField(blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        constraints = (
            models.UniqueConstraint(
                fields=("auction", "buyer"),
                condition=models.Q(status="awaiting_payment"),
                name="order_one_awaiting_a_buyer",
            ),
            one_of("order", "status", OrderStatus),
        )

    def __str__(self) -> str:
        return _("Order %(number)s of %(buyer)s") % {"number": self.pk, "buyer": self.buyer}


class OrderLineKind(models.TextChoices):
    """What a line of an order is for."""

    HAMMER = "hammer", _("Hammer price")
    PREMIUM = "premium", _("Buyer's premium")
    TAX = "tax", _("Tax")
    FEE = "fee", _("Fee")
    DELIVERY = "delivery", _("Delivery")


class OrderLine(models.Model):
    """One amount of an order. A cancelled line stays and counts nothing."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="lines")
    kind = models.CharField(max_length=8, choices=OrderLineKind)
    sale = models.ForeignKey(Sale, on_delete=models.PROTECT, null=True, blank=True, related_name="order_lines")
    description = models.CharField(max_length=200)
    amount = AmountField()
    cancelled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("order line")
        verbose_name_plural = _("order lines")
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                fields=("sale", "kind"), condition=models.Q(cancelled_at__isnull=True), name="orderline_once_a_sale"
            ),
            models.UniqueConstraint(
                fields=("order",),
                condition=models.Q(kind="delivery", cancelled_at__isnull=True),
                name="orderline_one_delivery",
            ),
            models.CheckConstraint(
                condition=~models.Q(kind__in=("hammer", "premium", "tax")) | models.Q(sale__isnull=False),
                name="orderline_of_a_sale_names_it",
            ),
            one_of("orderline", "kind", OrderLineKind),
            amounts_in_range("orderline", "amount"),
        )

    def __str__(self) -> str:
        return self.description


class OrderEntryKind(models.TextChoices):
    """What was done to an order, or about it."""

    PAYMENT = "payment", _("Money came in")
    PAID = "paid", _("Paid")
    SENT = "sent", _("Sent")
    DONE = "done", _("Done")
    REMINDED_SOON = "reminded_soon", _("Reminded before the day")
    REMINDED_LATE = "reminded_late", _("Reminded after the day")
    REMINDED = "reminded", _("Reminded by the house")
    UNPAID = "unpaid", _("Not paid in time")
    MORE_TIME = "more_time", _("More time to pay")
    TAKEN_BACK = "taken_back", _("A payment was a mistake")
    REFUND = "refund", _("Money went back")
    LOTS_CANCELLED = "lots_cancelled", _("Lots cancelled")
    CANCELLED = "cancelled", _("Cancelled")


class OrderEntry(models.Model):
    """One line of an order's history: who did what, when and why. Nothing of it is changed.

    `actor` is empty where the clock or a payment provider did it. An automatic reminder stands for one due date, so
    that each goes out once, whatever runs twice.
    """

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="entries")
    kind = models.CharField(max_length=14, choices=OrderEntryKind)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    reason = models.TextField(max_length=500, blank=True, help_text=_("Private: the buyer never sees it."))
    amount = AmountField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("order entry")
        verbose_name_plural = _("order entries")
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                fields=("order", "kind", "due_at"),
                condition=models.Q(kind__in=("reminded_soon", "reminded_late")),
                name="orderentry_reminded_once_a_date",
            ),
            models.CheckConstraint(
                condition=~models.Q(kind__in=("reminded_soon", "reminded_late")) | models.Q(due_at__isnull=False),
                name="orderentry_reminder_has_a_date",
            ),
            one_of("orderentry", "kind", OrderEntryKind),
            amounts_in_range("orderentry", "amount"),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.order}"


class InvoiceKind(models.TextChoices):
    """An invoice is never edited; a credit note takes it back."""

    INVOICE = "invoice", _("Invoice")
    CREDIT_NOTE = "credit_note", _("Credit note")


class Invoice(models.Model):
    """An immutable snapshot of what was invoiced, with a gap-free number per organizer."""

    organizer = models.ForeignKey(Organizer, on_delete=models.PROTECT, related_name="invoices")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=11, choices=InvoiceKind, default=InvoiceKind.INVOICE)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="invoices")
    credits = models.OneToOneField("self", on_delete=models.PROTECT, null=True, blank=True, related_name="credited_by")
    snapshot = models.JSONField()
    total_amount = AmountField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("invoice")
        verbose_name_plural = _("invoices")
        constraints = (
            models.UniqueConstraint(fields=("organizer", "number"), name="invoice_number_once"),
            models.CheckConstraint(
                condition=models.Q(kind="invoice", credits__isnull=True)
                | models.Q(kind="credit_note", credits__isnull=False),
                name="invoice_credit_note_names_invoice",
            ),
            amounts_in_range("invoice", "total_amount"),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.number}"


class Payment(models.Model):
    """Money that came in for an order."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="payments")
    amount = AmountField()
    method = models.CharField(max_length=40)
    reference = models.CharField(max_length=120, blank=True)
    received_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        constraints = (
            models.UniqueConstraint(
                fields=("method", "reference"), condition=~models.Q(reference=""), name="payment_reference_once"
            ),
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="payment_above_zero"),
            amounts_in_range("payment", "amount"),
        )

    def __str__(self) -> str:
        return _("Payment %(number)s for: %(order)s") % {"number": self.pk, "order": self.order}


class RefundReason(models.TextChoices):
    """Why money went back; the public part of it."""

    CANCELLED = "cancelled", _("A lot was cancelled")
    OVERPAID = "overpaid", _("Too much came in")
    GOODWILL = "goodwill", _("Goodwill")
    MISTAKE = "mistake", _("It never came in")


class Refund(models.Model):
    """Money that went back."""

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    amount = AmountField()
    reason = models.CharField(max_length=9, choices=RefundReason)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        constraints = (
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="refund_above_zero"),
            one_of("refund", "reason", RefundReason),
            amounts_in_range("refund", "amount"),
        )

    def __str__(self) -> str:
        return _("Refund %(number)s of: %(payment)s") % {"number": self.pk, "payment": self.payment}
