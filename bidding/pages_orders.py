"""What the pages of an order and of its invoices show. Changes nothing."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from auctions.billing import Bill, Paper, bill_of, paper_of
from auctions.models import Auction, Invoice, InvoiceKind, Order, OrderStatus
from auctions.orders import balance_of
from auctions.payments import provider
from auctions.permissions import AnyUser, viewable_orders
from auctions.presenting import MoneyStyle
from auctions.sales import CHANGEABLE, order_ships

_PATH = (OrderStatus.AWAITING_PAYMENT, OrderStatus.PAID, OrderStatus.SENT, OrderStatus.DONE)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an order; `state` is done, now, to come or missed."""

    words: str | Promise
    state: str


@dataclass(frozen=True, slots=True)
class OrderPage:
    """An order as its page shows it. Amounts are minor units."""

    order: Order
    bill: Bill
    invoices: list[Invoice]
    paid: int
    is_buyer: bool
    ships: bool
    profile_address: str

    @property
    def auction(self) -> Auction:
        """The auction that it comes from."""
        return self.order.auction

    @property
    def style(self) -> MoneyStyle:
        """How its amounts are written."""
        return MoneyStyle(self.auction.currency, cents=True)

    @property
    def to_pay(self) -> int:
        """What is still to be paid."""
        owes = self.order.status in (OrderStatus.AWAITING_PAYMENT, OrderStatus.UNPAID)
        return max(self.bill.total - self.paid, 0) if owes else 0

    @property
    def is_paid_online(self) -> bool:
        """Whether the person who looks can pay what is open on a provider's page: once it is billed."""
        billed = self.is_buyer and self.order.due_at is not None and self.to_pay > 0
        return billed and provider().takes(self.order, self.to_pay)

    @property
    def steps(self) -> list[Step]:
        """The way of the order: what was, what is now, what comes."""
        pick_up, status = self.order.pick_up, self.order.status
        words = (
            _("Payment"),
            _("Paid"),
            _("Ready for you") if pick_up else _("Sent"),
            _("Picked up") if pick_up else _("Arrived"),
        )
        if status == OrderStatus.CANCELLED:
            return []
        if status == OrderStatus.UNPAID:
            return [Step(_("Not paid in time"), "missed"), *(Step(word, "to come") for word in words[1:])]
        at = _PATH.index(OrderStatus(status))
        # What is awaited is now; whatever else was reached is done.
        states = ["now" if at == 0 else "done", *("done" if at >= place else "to come" for place in (1, 2, 3))]
        return [Step(word, state) for word, state in zip(words, states, strict=True)]

    @property
    def needs_address(self) -> bool:
        """Whether the buyer has to say where the parcel goes."""
        return self.may_choose and not self.order.pick_up and not self.order.delivery_address

    @property
    def may_choose(self) -> bool:
        """Whether the person who looks may change the delivery."""
        return self.is_buyer and self.order.status in CHANGEABLE

    @property
    def may_pick_up(self) -> bool:
        """Whether the choice between parcel and pick-up is still open."""
        return self.order.status == OrderStatus.AWAITING_PAYMENT

    @property
    def invoice(self) -> Invoice | None:
        """The invoice that holds: the last one that was not taken back."""
        taken_back = {invoice.credits_id for invoice in self.invoices}
        valid = [one for one in self.invoices if one.kind == InvoiceKind.INVOICE and one.pk not in taken_back]
        return valid[-1] if valid else None

    @property
    def older_papers(self) -> list[Invoice]:
        """The invoices that were taken back, and what took them back."""
        return [invoice for invoice in self.invoices if invoice != self.invoice]


@dataclass(frozen=True, slots=True)
class InvoicePage:
    """An invoice or a credit note as it was issued."""

    invoice: Invoice
    paper: Paper

    @property
    def is_credit(self) -> bool:
        """Whether it takes an invoice back."""
        return self.invoice.kind == InvoiceKind.CREDIT_NOTE

    @property
    def buyer_name(self) -> str:
        """Who bought, by the paddle where they gave no name."""
        return self.paper.buyer.name or gettext("Paddle %(paddle)s") % {"paddle": self.paper.paddle}

    @property
    def style(self) -> MoneyStyle:
        """How its amounts are written."""
        return MoneyStyle(self.paper.currency, cents=True)


def order_page(user: AnyUser, order_id: int) -> OrderPage | None:
    """Return an order, or None where it does not exist for this person."""
    order = viewable_orders(user).select_related("auction__organizer", "buyer__user").filter(pk=order_id).first()
    if order is None:
        return None
    buyer = order.buyer.user
    is_buyer = buyer is not None and buyer == user
    return OrderPage(
        order=order,
        bill=bill_of(order),
        invoices=list(order.invoices.select_related("credits").order_by("number")),
        paid=balance_of(order).paid,
        is_buyer=is_buyer,
        ships=order_ships(order),
        profile_address=buyer.delivery_address if buyer is not None and is_buyer else "",
    )


def invoice_page(user: AnyUser, order_id: int, number: int) -> InvoicePage | None:
    """Return an invoice of an order, or None where it does not exist for this person."""
    papers = Invoice.objects.filter(order__in=viewable_orders(user), order=order_id, number=number)
    invoice = papers.select_related("credits", "credited_by", "order__auction").first()
    return None if invoice is None else InvoicePage(invoice, paper_of(invoice))
