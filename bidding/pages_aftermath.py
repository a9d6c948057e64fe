"""The morning after: what the house's page of an auction's orders shows, and whether it equals the log.

Changes nothing. Sums are read from the lines of the orders. The hammer prices are held against the log twice: what was
sold in the show must be what the log says, and what the orders hold must be that, less what was called off, plus what
was sold since.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from django.db.models import Exists, OuterRef, Q, Sum
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from auctions.billing import invoice_current
from auctions.models import (
    Auction,
    AuctionStatus,
    Invoice,
    LotRun,
    LotStatus,
    Offer,
    OfferAnswer,
    OfferKind,
    Order,
    OrderEntry,
    OrderLine,
    OrderLineKind,
    OrderStatus,
    Payment,
    Refund,
    RefundReason,
    Sale,
    SaleStatus,
)
from auctions.orders import LEGAL, OWING, Balance, balance_of
from auctions.permissions import AnyUser, billable_auctions, viewable_orders
from auctions.presenting import MoneyStyle, wire_minor
from bidding.models import Event
from bidding.replay import verify_auction
from bidding.services.offers import highest_bidder_of, second_chance_of
from bidding.underbidder import Standing
from bidding.verification import Verdict

CHECKED_AT_ONCE: Final = 2_000
"""Of so many events the log is verified whenever the page is shown; of more, when somebody asks."""


@dataclass(frozen=True, slots=True)
class Sums:
    """What orders are made of, in minor units."""

    hammer: int = 0
    premium: int = 0
    tax: int = 0
    fee: int = 0
    delivery: int = 0

    @property
    def due(self) -> int:
        """Everything together."""
        return self.hammer + self.premium + self.tax + self.fee + self.delivery


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One order as the list shows it."""

    order: Order
    lots: int
    sums: Sums
    balance: Balance
    reminded: int

    @property
    def is_late(self) -> bool:
        """Whether it should have been paid by now."""
        order = self.order
        return (
            order.status == OrderStatus.AWAITING_PAYMENT and order.due_at is not None and order.due_at < timezone.now()
        )

    @property
    def move(self) -> str | Promise:
        """What the house does about it next, in words; nothing where somebody else is to act, or nobody."""
        match self.order.status:
            case _ if self.balance.over:
                return _("Send money back")
            case OrderStatus.UNPAID:
                return _("Offer its lots to others")
            case OrderStatus.AWAITING_PAYMENT if self.is_late:
                return _("Remind, or call it unpaid")
            case OrderStatus.PAID:
                return _("Have it ready") if self.order.pick_up else _("Pack and send")
        return ""

    @property
    def rank(self) -> tuple[int, int]:
        """The place in the list: who is to be chased first, then what is to be packed, then what waits or is over."""
        places = {
            OrderStatus.UNPAID: 1,
            OrderStatus.AWAITING_PAYMENT: 0 if self.is_late else 4,
            OrderStatus.PAID: 3,
            OrderStatus.SENT: 5,
            OrderStatus.DONE: 6,
            OrderStatus.CANCELLED: 7,
        }
        return 2 if self.balance.over else places[OrderStatus(self.order.status)], self.order.pk


@dataclass(frozen=True, slots=True)
class Record:
    """The hammer prices of the log against those of the orders, in minor units."""

    in_show: int
    called_off: int
    since: int
    in_orders: int
    differences: list[str]
    """Numbers of the lots whose sale is not what the log says."""
    events: int
    verdict: Verdict | None
    """What a replay of the whole log found; None where nobody asked for it yet."""

    @property
    def is_equal(self) -> bool:
        """Whether the sums agree, lot by lot, and nothing is wrong with the log as far as it was looked at."""
        consistent = self.verdict is None or self.verdict.consistent
        return consistent and not self.differences and self.in_orders == self.in_show - self.called_off + self.since


@dataclass(frozen=True, slots=True)
class LaterLot:
    """A lot that nobody has at the moment: its last run, what can be offered, and what was, the newest first."""

    run: LotRun
    kind: OfferKind
    offers: list[Offer]
    next: Standing | None
    next_paddle: int | None

    @property
    def open(self) -> Offer | None:
        """The offer that waits for its answer."""
        return next((offer for offer in self.offers if offer.answer == OfferAnswer.OPEN), None)


@dataclass(frozen=True, slots=True)
class AftermathPage:
    """The orders of an auction, what they come to, and what is still without a buyer."""

    auction: Auction
    rows: list[OrderRow]
    sums: Sums
    balance: Balance
    open: int
    over: int
    record: Record
    later: list[LaterLot]
    has_donors: bool

    @property
    def style(self) -> MoneyStyle:
        """How its amounts are written."""
        return MoneyStyle(self.auction.currency, cents=True)

    @property
    def chase(self) -> list[OrderRow]:
        """Who owes what should be there by now."""
        return [row for row in self.rows if row.is_late or row.order.status == OrderStatus.UNPAID]

    @property
    def to_pack(self) -> int:
        """How many orders are paid and not sent."""
        return sum(row.order.status == OrderStatus.PAID for row in self.rows)


def aftermath_page(auction: Auction, *, check: bool = False) -> AftermathPage:
    """Return the page of an auction's orders; `check` replays the log however long it is."""
    rows = order_rows(auction)
    held = [row for row in rows if row.order.status != OrderStatus.CANCELLED]
    return AftermathPage(
        auction=auction,
        rows=rows,
        sums=Sums(*(sum(getattr(row.sums, kind) for row in held) for kind in OrderLineKind.values)),
        balance=Balance(
            sum(row.balance.total for row in rows),
            sum(row.balance.received for row in rows),
            sum(row.balance.refunded for row in rows),
        ),
        open=sum(row.balance.open for row in rows),
        over=sum(row.balance.over for row in rows),
        record=_record(auction, check=check),
        later=_later(auction),
        has_donors=auction.lots.filter(consignor__is_donor=True).exists(),
    )


def order_rows(auction: Auction) -> list[OrderRow]:
    """Return the orders of an auction, first those that the house must chase; a few queries, however many they are."""
    orders = Order.objects.filter(auction=auction).select_related("buyer__user").prefetch_related("entries")
    amounts: dict[int, dict[str, int]] = defaultdict(dict)
    lots: dict[int, int] = defaultdict(int)
    lines = OrderLine.objects.filter(order__auction=auction, cancelled_at=None)
    for order_id, kind, amount in lines.values_list("order", "kind", "amount"):
        amounts[order_id][kind] = amounts[order_id].get(kind, 0) + amount
        lots[order_id] += kind == OrderLineKind.HAMMER
    received = _by_order(Payment.objects.filter(order__auction=auction), "order")
    refunded = _by_order(Refund.objects.filter(payment__order__auction=auction), "payment__order")
    rows = []
    for order in orders:
        order.auction = auction
        sums = Sums(**amounts[order.pk])
        balance = Balance(sums.due, received.get(order.pk, 0), refunded.get(order.pk, 0))
        reminded = sum(entry.kind.startswith("reminded") for entry in order.entries.all())
        rows.append(OrderRow(order, lots[order.pk], sums, balance, reminded))
    return sorted(rows, key=lambda row: row.rank)


def auction_for_billing(user: AnyUser, auction_id: int) -> Auction | None:
    """Return an auction whose money this person handles, or None."""
    return billable_auctions(user).select_related("organizer").filter(pk=auction_id).first()


@dataclass(frozen=True, slots=True)
class HouseOrderPage:
    """One order as the house works on it."""

    order: Order
    balance: Balance
    sales: list[Sale]
    payments: list[Payment]
    entries: list[OrderEntry]
    invoice: Invoice | None

    @property
    def auction(self) -> Auction:
        """The auction that it comes from."""
        return self.order.auction

    @property
    def style(self) -> MoneyStyle:
        """How its amounts are written."""
        return MoneyStyle(self.auction.currency, cents=True)

    @property
    def seen(self) -> int:
        """What a button names, so that it does nothing to an order that changed meanwhile."""
        return max((entry.pk for entry in self.entries), default=0)

    @property
    def owes(self) -> bool:
        """Whether money is awaited."""
        return self.order.status in OWING

    @property
    def may(self) -> dict[str, bool]:
        """Which steps its state allows."""
        return {status.value: status in LEGAL[OrderStatus(self.order.status)] for status in OrderStatus}

    @property
    def is_due(self) -> bool:
        """Whether its day has passed."""
        return self.order.due_at is not None and self.order.due_at <= timezone.now()

    @property
    def refund_reasons(self) -> list[tuple[str, str | Promise]]:
        """Why money may go back; that it never came in undoes a payment, which is possible until it is sent."""
        sent = self.order.status in (OrderStatus.SENT, OrderStatus.DONE)
        return [
            (reason.value, reason.label) for reason in RefundReason if not (sent and reason == RefundReason.MISTAKE)
        ]


def house_order_page(user: AnyUser, order_id: int) -> HouseOrderPage | None:
    """Return an order for those who handle its money, or None where it does not exist for this person."""
    orders = viewable_orders(user).filter(auction__in=billable_auctions(user))
    order = orders.select_related("auction__organizer", "buyer__user").filter(pk=order_id).first()
    if order is None:
        return None
    held = order.lines.filter(kind=OrderLineKind.HAMMER, cancelled_at=None).order_by("pk")
    return HouseOrderPage(
        order=order,
        balance=balance_of(order),
        sales=[line.sale for line in held.select_related("sale__run__lot") if line.sale is not None],
        payments=list(order.payments.annotate(returned=Sum("refunds__amount")).order_by("pk")),
        entries=list(order.entries.select_related("actor").order_by("-pk")),
        invoice=invoice_current(order),
    )


def _by_order(queryset: Any, key: str) -> dict[int, int]:
    return {row[key]: row["sum"] for row in queryset.values(key).annotate(sum=Sum("amount")).order_by()}


def _record(auction: Auction, *, check: bool) -> Record:
    sold = _sold_by_log(auction)
    sales = list(Sale.objects.filter(run__auction=auction).select_related("run__lot", "buyer", "offer"))
    differences = set()
    called_off = since = 0
    by_run = {(sale.run_id, sale.closing_number): sale for sale in sales if not hasattr(sale, "offer")}
    for run_id, (closing, paddle, amount) in sold.items():
        sale = by_run.pop((run_id, closing), None)
        if sale is None or (sale.buyer.paddle, sale.hammer_amount) != (paddle, amount):
            differences.add(sale.run.lot.number if sale else LotRun.objects.get(pk=run_id).lot.number)
        elif sale.status == SaleStatus.VOID:
            called_off += amount
    # What the log took back is void; any other sale beside the log is a difference, unless an offer explains it.
    differences |= {sale.run.lot.number for sale in by_run.values() if sale.status != SaleStatus.VOID}
    in_lines = dict(
        OrderLine.objects.filter(order__auction=auction, kind=OrderLineKind.HAMMER, cancelled_at=None).values_list(
            "sale", "amount"
        )
    )
    for sale in sales:
        if sale.status == SaleStatus.FINAL:
            since += sale.hammer_amount if hasattr(sale, "offer") else 0
            if in_lines.get(sale.pk) != sale.hammer_amount:
                differences.add(sale.run.lot.number)
        elif sale.status == SaleStatus.PROVISIONAL:
            # Not yet in an order, and no difference: the show goes on.
            in_lines[sale.pk] = sale.hammer_amount
    events = Event.objects.filter(auction=auction).count()
    is_over = auction.status in (AuctionStatus.ENDED, AuctionStatus.CANCELLED)
    return Record(
        in_show=sum(amount for _closing, _paddle, amount in sold.values()),
        called_off=called_off,
        since=since,
        in_orders=sum(in_lines.values()),
        differences=sorted(differences),
        events=events,
        verdict=verify_auction(auction) if check or (is_over and events <= CHECKED_AT_ONCE) else None,
    )


def _sold_by_log(auction: Auction) -> dict[int, tuple[int, int, int]]:
    """Return closing number, paddle and hammer price of each run that the log leaves sold."""
    sold: dict[int, tuple[int, int, int]] = {}
    told = Event.objects.filter(auction=auction, kind__in=("LOT_CLOSED", "LOT_REOPENED"), run__isnull=False)
    for run_id, text in told.order_by("v").values_list("run", "public"):
        event = msgspec.json.decode(text)
        sold.pop(run_id, None)
        if event.get("result") == "sold":
            amount = wire_minor(event["amount"], auction.currency)
            sold[run_id] = event["closing_number"], event["winner"]["paddle"], amount or 0
    return sold


def _later(auction: Auction) -> list[LaterLot]:
    """Return the lots that may be offered after the show: those of the unpaid, and those below their reserve."""
    if auction.is_rehearsal or auction.status not in (AuctionStatus.ENDED, AuctionStatus.CANCELLED):
        return []
    lines = OrderLine.objects.filter(order__auction=auction, cancelled_at=None, sale__isnull=False)
    unpaid = Q(pk__in=lines.filter(order__status=OrderStatus.UNPAID).values("sale__run"))
    free = ~Q(pk__in=Sale.objects.exclude(status=SaleStatus.VOID).values("run"))
    sold = Q(result=LotStatus.SOLD) & (free | unpaid)
    passed = Q(result=LotStatus.PASSED, reason="reserve_not_met") & (free | unpaid)
    newer = LotRun.objects.filter(lot=OuterRef("lot"), attempt__gt=OuterRef("attempt"))
    runs = LotRun.objects.filter(sold | passed, ~Exists(newer), auction=auction).select_related(
        "lot", "winner", "auction"
    )
    paddles = dict(auction.registrations.values_list("pk", "paddle"))
    later = []
    for run in runs.prefetch_related("offers__registration").order_by("lot__position", "pk"):
        offered = sorted(run.offers.all(), key=lambda offer: -offer.pk)
        negotiable = run.result == LotStatus.PASSED and not run.sales.exists()
        is_open = any(offer.answer == OfferAnswer.OPEN for offer in offered)
        following = None if is_open else highest_bidder_of(run) if negotiable else second_chance_of(run)
        kind = OfferKind.NEGOTIATION if negotiable else OfferKind.SECOND_CHANCE
        paddle = paddles[following.registration] if following else None
        later.append(LaterLot(run, kind, offered, following, paddle))
    return later
