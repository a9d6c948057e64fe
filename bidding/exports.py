"""An auction's orders as tables for a spreadsheet: each line of each order, and each paper with its number.

Amounts are decimal numbers with a point, times are ISO 8601 in the auction's zone. A text that a spreadsheet would take
for a formula gets an apostrophe before it, because buyers write some of these texts themselves.
"""

import csv
import io
import zoneinfo
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Final

from django.utils.translation import gettext as _

from auctions.billing import paper_of
from auctions.models import Auction, Invoice, InvoiceKind, OrderLine
from auctions.money import format_amount

Cell = str | int | None
_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What makes a cell a formula in one spreadsheet or another."""


class Amount(str):
    """A number as we wrote it ourselves: a minus at its beginning is one."""

    __slots__ = ()


def csv_file(rows: Iterable[Iterable[Cell]]) -> bytes:
    """Return rows as a CSV file, with the mark by which spreadsheets know UTF-8."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerows([_safe(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def lines_of(auction: Auction) -> Iterator[list[Cell]]:
    """Yield every line of every order, those that were cancelled marked."""
    yield [
        _("Order"),
        _("Status"),
        _("Paddle"),
        _("Buyer"),
        _("E-mail"),
        _("Lot"),
        _("Kind"),
        _("Description"),
        _("Amount"),
        _("Currency"),
        _("Cancelled"),
        _("Due"),
    ]
    lines = OrderLine.objects.filter(order__auction=auction).select_related("order__buyer__user", "sale__run__lot")
    for line in lines.order_by("order", "pk"):
        order, buyer = line.order, line.order.buyer
        yield [
            order.pk,
            order.get_status_display(),
            buyer.paddle,
            buyer.user.display_name if buyer.user else buyer.alias,
            buyer.user.email if buyer.user else None,
            line.sale.run.lot.number if line.sale else None,
            line.get_kind_display(),
            line.description,
            _number(line.amount, auction),
            auction.currency_code,
            _time(line.cancelled_at, auction),
            _time(order.due_at, auction),
        ]


def invoices_of(auction: Auction) -> Iterator[list[Cell]]:
    """Yield every invoice and credit note as it was issued; what a credit note takes back is negative."""
    yield [
        _("Number"),
        _("Kind"),
        _("Takes back"),
        _("Issued"),
        _("Pay by"),
        _("Order"),
        _("Status"),
        _("Paddle"),
        _("Buyer"),
        _("Hammer price"),
        _("Premium"),
        _("Tax"),
        _("Other"),
        _("Total"),
        _("Currency"),
    ]
    papers = Invoice.objects.filter(order__auction=auction).select_related("order", "credits").order_by("number")
    for invoice in papers:
        paper = paper_of(invoice)
        bill, sign = paper.bill, -1 if invoice.kind == InvoiceKind.CREDIT_NOTE else 1
        amounts = (
            sum(lot.hammer for lot in bill.lots),
            sum(lot.premium for lot in bill.lots),
            sum(lot.tax for lot in bill.lots),
            sum(extra.amount for extra in bill.extras),
            bill.total,
        )
        yield [
            invoice.number,
            invoice.get_kind_display(),
            invoice.credits.number if invoice.credits else None,
            paper.issued_on,
            paper.due_on,
            invoice.order_id,
            invoice.order.get_status_display(),
            paper.paddle,
            paper.buyer.name,
            *(_number(sign * amount, auction) for amount in amounts),
            paper.currency_code,
        ]


EXPORTS: Final[dict[str, Callable[[Auction], Iterator[list[Cell]]]]] = {"lines": lines_of, "invoices": invoices_of}


def _safe(cell: Cell) -> Cell:
    if isinstance(cell, str) and not isinstance(cell, Amount) and cell.lstrip(" ").startswith(_STARTS):
        return f"'{cell}"
    return cell


def _number(amount: int, auction: Auction) -> Amount:
    sign = "-" if amount < 0 else ""
    return Amount(sign + format_amount(abs(amount), auction.currency.exponent))


def _time(moment: datetime | None, auction: Auction) -> str | None:
    zone = zoneinfo.ZoneInfo(auction.time_zone)
    return None if moment is None else moment.astimezone(zone).isoformat(timespec="minutes")
