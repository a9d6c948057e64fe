"""What an order comes to, and the invoices that say so for good.

A bill is read from the lines of an order; an invoice keeps one as a snapshot, with a number that has no gap in its
house. Nothing that was issued is changed: a credit note takes it back, and a new invoice follows.
"""

import zoneinfo
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Organizer
from auctions.errors import Refused
from auctions.models import Auction, Invoice, InvoiceKind, Order, OrderLineKind, OrderStatus, Sale
from auctions.money import CURRENCIES, Currency

MOST_INVOICES: Final = 5
"""How often a buyer has one order invoiced anew, so that nobody uses up a house's numbers."""


@dataclass(frozen=True, slots=True)
class BillLot:
    """One lot of a bill. Amounts are minor units."""

    pk: int
    number: str
    title: str
    hammer: int = 0
    premium: int = 0
    tax: int = 0
    tax_name: str = ""
    tax_bp: int = 0
    taxable: int = 0

    @property
    def total(self) -> int:
        """What the lot costs before delivery."""
        return self.hammer + self.premium + self.tax


@dataclass(frozen=True, slots=True)
class BillExtra:
    """What comes on top of the lots: a fee, or the delivery of all."""

    kind: str
    description: str
    amount: int

    @property
    def words(self) -> str:
        """What it is for: delivery in the language at hand, a fee as it was written."""
        return str(OrderLineKind.DELIVERY.label) if self.kind == OrderLineKind.DELIVERY else self.description


@dataclass(frozen=True, slots=True)
class BillTax:
    """All that is taxed at one rate, and the tax on it as the sales computed it."""

    name: str
    rate_bp: int
    taxable: int
    tax: int


@dataclass(frozen=True, slots=True)
class Bill:
    """What an order comes to."""

    lots: list[BillLot]
    extras: list[BillExtra]

    @property
    def total(self) -> int:
        """Everything together."""
        return sum(lot.total for lot in self.lots) + sum(extra.amount for extra in self.extras)

    @property
    def taxes(self) -> list[BillTax]:
        """The tax by rule and rate, the highest rate first."""
        found: dict[tuple[str, int], BillTax] = {}
        for lot in self.lots:
            if lot.tax_bp:
                key = (lot.tax_name, lot.tax_bp)
                before = found.get(key, BillTax(*key, 0, 0))
                found[key] = replace(before, taxable=before.taxable + lot.taxable, tax=before.tax + lot.tax)
        return sorted(found.values(), key=lambda tax: (-tax.rate_bp, tax.name))

    @property
    def untaxed(self) -> int:
        """What no tax falls on."""
        return self.total - sum(tax.taxable + tax.tax for tax in self.taxes)


@dataclass(frozen=True, slots=True)
class Party:
    """A seller or a buyer as an invoice names them."""

    name: str
    address: str
    tax_id: str = ""


@dataclass(frozen=True, slots=True)
class Paper:
    """What stands on an invoice beside its number: the snapshot. Days are written as 2026-11-25."""

    currency_code: str
    order: int
    auction: str
    paddle: int
    issued_on: str
    due_on: str | None
    seller: Party
    payment: str
    buyer: Party
    pick_up: bool
    bill: Bill

    @property
    def currency(self) -> Currency:
        """The currency with its exponent and sign."""
        return CURRENCIES[self.currency_code]


def bill_of(order: Order) -> Bill:
    """Return what an order comes to; a cancelled line counts nothing."""
    lots: dict[int, BillLot] = {}
    extras = []
    for line in order.lines.filter(cancelled_at=None).select_related("sale__run__lot").order_by("pk"):
        if line.sale is None:
            extras.append(BillExtra(line.kind, line.description, line.amount))
            continue
        lot = lots.get(line.sale.pk) or _bill_lot(line.sale)
        match line.kind:
            case OrderLineKind.HAMMER:
                lot = replace(lot, hammer=line.amount)
            case OrderLineKind.PREMIUM:
                lot = replace(lot, premium=line.amount)
            case OrderLineKind.TAX:
                lot = replace(lot, tax=line.amount)
            case _:
                extras.append(BillExtra(line.kind, line.description, line.amount))
        lots[line.sale.pk] = lot
    return Bill(list(lots.values()), [extra for extra in extras if extra.amount])


def _bill_lot(sale: Sale) -> BillLot:
    tax, lot = sale.tax_snapshot, sale.run.lot
    return BillLot(
        pk=lot.pk,
        number=lot.number,
        title=lot.title,
        tax_name=tax.get("name", ""),
        tax_bp=tax.get("rate_bp", 0),
        taxable=tax.get("taxable", 0),
    )


def paper_of(invoice: Invoice) -> Paper:
    """Return what stands on an invoice, as it was issued."""
    return msgspec.convert(invoice.snapshot, Paper)


def auction_invoice(*, auction: Auction, ended_at: datetime) -> None:
    """Say when the orders of an auction are to be paid, and invoice each. Harmless when repeated.

    A rehearsal sells nothing, so it uses up no number.
    """
    if auction.is_rehearsal:
        return
    due_at = ended_at + timedelta(days=auction.organizer.payment_days)
    # Somebody may have paid at the desk while the show went on.
    orders = Order.objects.filter(auction=auction, invoices=None).exclude(status=OrderStatus.CANCELLED)
    for order in orders.select_related("auction__organizer", "buyer__user").order_by("pk"):
        order.due_at = due_at
        order.save(update_fields=["due_at", "updated_at"])
        invoice_issue(order=order)


def invoice_issue(*, order: Order, most: int | None = None) -> Invoice:
    """Return the invoice that says what an order comes to now; one that says something else is taken back first.

    Beyond `most` invoices of one order it refuses.
    """
    with transaction.atomic():
        # Numbers are given one after another: what is rolled back uses none up.
        organizer = Organizer.objects.select_for_update().get(pk=order.auction.organizer_id)
        paper = _paper(order, organizer)
        current = invoice_current(order)
        if current is not None:
            if replace(paper_of(current), issued_on=paper.issued_on) == paper:
                return current
            if most is not None and order.invoices.filter(kind=InvoiceKind.INVOICE).count() >= most:
                raise Refused("too_often", _("This was changed often already. Please write to the house."))
            _issue(organizer, order, replace(paper_of(current), issued_on=paper.issued_on), credits=current)
        return _issue(organizer, order, paper)


def invoice_current(order: Order) -> Invoice | None:
    """Return the invoice of an order that holds: the one that no credit note took back."""
    return order.invoices.filter(kind=InvoiceKind.INVOICE, credited_by=None).first()


def invoice_credit(*, invoice: Invoice) -> Invoice:
    """Take an invoice back; return its credit note, the same one when repeated."""
    with transaction.atomic():
        organizer = Organizer.objects.select_for_update().get(pk=invoice.organizer_id)
        note = Invoice.objects.filter(credits=invoice).first()
        if note is not None:
            return note
        if invoice.kind == InvoiceKind.CREDIT_NOTE:
            raise Refused("not_an_invoice", _("A credit note is not taken back; issue a new invoice."))
        paper = replace(paper_of(invoice), issued_on=_today(invoice.order.auction))
        return _issue(organizer, invoice.order, paper, credits=invoice)


def _issue(organizer: Organizer, order: Order, paper: Paper, *, credits: Invoice | None = None) -> Invoice:
    number = organizer.next_invoice_number
    organizer.next_invoice_number = number + 1
    organizer.save(update_fields=["next_invoice_number"])
    snapshot: dict[str, Any] = msgspec.to_builtins(paper)
    return Invoice.objects.create(
        organizer=organizer,
        number=number,
        kind=InvoiceKind.CREDIT_NOTE if credits else InvoiceKind.INVOICE,
        order=order,
        credits=credits,
        snapshot=snapshot,
        total_amount=paper.bill.total,
    )


def _paper(order: Order, organizer: Organizer) -> Paper:
    auction, user = order.auction, order.buyer.user
    zone = zoneinfo.ZoneInfo(auction.time_zone)
    name = user.display_name if user else order.buyer.alias
    return Paper(
        currency_code=auction.currency_code,
        order=order.pk,
        auction=auction.title,
        paddle=order.buyer.paddle,
        issued_on=_today(auction),
        due_on=order.due_at.astimezone(zone).date().isoformat() if order.due_at else None,
        seller=Party(organizer.name, organizer.address, organizer.tax_id),
        payment=organizer.payment_instructions,
        # An address mostly begins with the name.
        buyer=Party(name, order.delivery_address.removeprefix(f"{name}\n")),
        pick_up=order.pick_up,
        bill=bill_of(order),
    )


def _today(auction: Auction) -> str:
    return timezone.localdate(timezone=zoneinfo.ZoneInfo(auction.time_zone)).isoformat()
