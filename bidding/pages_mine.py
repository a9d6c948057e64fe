"""What somebody has going: what they lead, owe, won, bid on and watch. Changes nothing.

What is open now is asked of the floor, which knows first; where it is away the record stands in, and the page says so.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import structlog
from django.db.models import Count, Max, Prefetch, Q, QuerySet, Sum
from redis.exceptions import RedisError

from accounts.models import User
from auctions.models import (
    Auction,
    AuctionStatus,
    Lot,
    LotRun,
    LotStatus,
    Order,
    OrderLineKind,
    OrderStatus,
    Registration,
    RegistrationStatus,
    Sale,
    SaleStatus,
)
from auctions.presenting import MoneyStyle, money_style, wire_minor
from auctions.pricing import price_of
from auctions.search import lots_watched
from bidding import protocol
from bidding.engine.outcomes import EngineError, Snapshot
from bidding.models import Bid
from bidding.pages_discover import LotFound, with_runs
from bidding.pages_offers import OfferPage, offers_open
from bidding.selectors import snapshot_now

logger = structlog.get_logger(__name__)

AUCTIONS_SHOWN: Final = 50
WATCHED_SHOWN: Final = 100
_ON_FLOOR: Final = (AuctionStatus.SCHEDULED, AuctionStatus.LIVE)
_OPEN: Final = (LotStatus.OPEN, LotStatus.PAUSED)
_PRICE: Final = Max("bids__amount", filter=Q(bids__voided_at_v=None))
_lot_decoder = msgspec.json.Decoder(protocol.LotPart)


@dataclass(frozen=True, slots=True)
class MyRun:
    """One run that somebody bid in: their highest bid, the price, and how it stands. Amounts are minor units."""

    auction: Auction
    run: LotRun
    best: int | None
    """None where a bid counts already, and is not in the record yet."""
    price: int | None
    standing: str
    total: int | None
    maximum: int | None
    style: MoneyStyle


@dataclass(frozen=True, slots=True)
class MyPreBid:
    """A maximum that waits for its lot to open."""

    lot: Lot
    maximum: int
    style: MoneyStyle


@dataclass(frozen=True, slots=True)
class MyOrder:
    """An order and what it comes to."""

    order: Order
    lots: int
    total: int

    @property
    def style(self) -> MoneyStyle:
        """How its amounts are written."""
        return MoneyStyle(self.order.auction.currency, cents=True)


@dataclass(frozen=True, slots=True)
class MyAuction:
    """One auction that somebody has a paddle in, with what they bid on there."""

    registration: Registration
    runs: list[MyRun]

    @property
    def over(self) -> list[MyRun]:
        """The runs that are not open."""
        return [run for run in self.runs if run.standing not in ("leading", "outbid")]


@dataclass(frozen=True, slots=True)
class Mine:
    """Everything that somebody has going, and what they watch."""

    is_away: bool
    """Whether the floor of a show could not be asked."""
    offers: list[OfferPage]
    """What houses offer after their shows."""
    to_pay: list[MyOrder]
    open: list[MyRun]
    pre_bids: list[MyPreBid]
    won: list[MyRun]
    """What was won in shows that are not over: its order is still being made."""
    orders: list[MyOrder]
    watched: list[LotFound]
    auctions: list[MyAuction]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing at all."""
        return not (self.auctions or self.watched)


def mine_of(user: User) -> Mine:
    """Return what a person has going, the newest first."""
    registrations = list(
        Registration.objects.filter(user=user).select_related("auction__organizer").order_by("-pk")[:AUCTIONS_SHOWN]
    )
    floors, is_away = _floors(registrations)
    best = _best(registrations)
    runs = _runs({run for _registration, run in best} | _runs_on(floors))
    leaders = _leaders([run.pk for run in runs if run.status in _OPEN])
    auctions = []
    for registration in registrations:
        own = []
        for run in runs:
            amount, snapshot = best.get((registration.pk, run.pk)), floors.get(registration.pk)
            leads = snapshot is not None and snapshot.own is not None and snapshot.own.leading
            if run.auction_id == registration.auction_id and (amount is not None or (leads and _is_on(run, snapshot))):
                own.append(_my_run(registration, run, amount, leaders.get(run.pk), snapshot))
        auctions.append(MyAuction(registration, own))
    every = [run for auction in auctions for run in auction.runs]
    orders = _orders(user)
    return Mine(
        is_away=is_away,
        offers=offers_open(user),
        to_pay=[one for one in orders if one.order.status in (OrderStatus.AWAITING_PAYMENT, OrderStatus.UNPAID)],
        open=[run for run in every if run.standing in ("leading", "outbid")],
        pre_bids=_pre_bids(floors),
        won=[run for run in every if run.standing == "won" and run.auction.status == AuctionStatus.LIVE],
        orders=[one for one in orders if one.order.status in (OrderStatus.PAID, OrderStatus.SENT)],
        watched=with_runs(lots_watched(user)[:WATCHED_SHOWN]),
        auctions=auctions,
    )


def _floors(registrations: Iterable[Registration]) -> tuple[dict[int, Snapshot], bool]:
    """Return the live state of the shows that have one, by registration, and whether one could not be read."""
    floors, is_away = {}, False
    for registration in registrations:
        if registration.auction.status not in _ON_FLOOR or registration.status != RegistrationStatus.APPROVED:
            continue
        try:
            floors[registration.pk] = snapshot_now(registration.auction_id, registration.pk)
        except (RedisError, EngineError, OSError) as error:
            logger.warning("standing_not_shown", auction=registration.auction_id, error=str(error))
            is_away = True
    return floors, is_away


def _lot_on(snapshot: Snapshot | None) -> protocol.LotPart | None:
    return _lot_decoder.decode(snapshot.lot) if snapshot is not None and snapshot.lot else None


def _runs_on(floors: dict[int, Snapshot]) -> set[int]:
    on = (_lot_on(snapshot) for snapshot in floors.values() if snapshot.own and snapshot.own.leading)
    return {lot.run for lot in on if lot is not None}


def _is_on(run: LotRun, snapshot: Snapshot | None) -> bool:
    lot = _lot_on(snapshot)
    return lot is not None and lot.run == run.pk


def _best(registrations: list[Registration]) -> dict[tuple[int, int], int]:
    own = Bid.objects.filter(registration__in=registrations, voided_at_v=None)
    rows = own.values("registration", "run").annotate(best=Max("amount")).order_by()
    return {(row["registration"], row["run"]): row["best"] for row in rows}


def _runs(run_ids: set[int]) -> list[Any]:
    active = Sale.objects.filter(status__in=(SaleStatus.PROVISIONAL, SaleStatus.FINAL))
    runs: QuerySet[Any] = (
        LotRun.objects.filter(pk__in=run_ids)
        .select_related("lot", "lot__tax_rule", "lot__shipping", "lot__auction", "winner")
        .prefetch_related("lot__images", Prefetch("sales", queryset=active, to_attr="active"))
        .annotate(price=_PRICE)
        .order_by("-opened_at_ms", "-pk")
    )
    return list(runs)


def _my_run(
    registration: Registration, run: Any, best: int | None, leader: int | None, snapshot: Snapshot | None
) -> MyRun:
    price, maximum, style = run.hammer_amount or run.price, None, money_style(registration.auction.currency, [run.lot])
    standing = _standing(run, registration, leader)
    lot = _lot_on(snapshot)
    if lot is not None and snapshot is not None and snapshot.own is not None and lot.run == run.pk:
        # The floor knows first; the record follows a moment later.
        price = wire_minor(lot.current_amount, registration.auction.currency)
        standing = _standing_on(lot, registration, leads=snapshot.own.leading)
        own = snapshot.own.maximum
        maximum = own if standing == "leading" and own is not None and own > (price or 0) else None
    total = None
    if standing == "won" and price is not None:
        total = run.active[0].total_amount if run.active else price_of(run.lot, price).total
    return MyRun(registration.auction, run, best, price, standing, total, maximum, style)


def _standing_on(lot: protocol.LotPart, registration: Registration, *, leads: bool) -> str:
    if lot.status in _OPEN:
        return "leading" if leads else "outbid"
    if lot.status == LotStatus.SOLD:
        return "won" if lot.winner is not None and lot.winner.paddle == registration.paddle else "lost"
    if lot.status == LotStatus.WITHDRAWN:
        return "withdrawn"
    return "reserve" if lot.reason == "reserve_not_met" else "passed"


def _standing(run: LotRun, registration: Registration, leader: int | None) -> str:
    if run.status in _OPEN:
        return "leading" if leader == registration.pk else "outbid"
    if run.status == LotStatus.SOLD:
        return "won" if run.winner_id == registration.pk else "lost"
    if run.status == LotStatus.WITHDRAWN:
        return "withdrawn"
    return "reserve" if run.reason == "reserve_not_met" else "passed"


def _leaders(run_ids: list[int]) -> dict[int, int]:
    bids = Bid.objects.filter(run__in=run_ids, voided_at_v=None).order_by("v", "amount", "-automatic")
    return dict(bids.values_list("run", "registration"))


def _pre_bids(floors: dict[int, Snapshot]) -> list[MyPreBid]:
    waiting: dict[int, int] = {}
    for snapshot in floors.values():
        waiting |= snapshot.own.pre_bids if snapshot.own else {}
    lots = Lot.objects.filter(pk__in=waiting, status=LotStatus.PENDING).select_related("auction")
    return [
        MyPreBid(lot, waiting[lot.pk], money_style(lot.auction.currency, [lot]))
        for lot in lots.prefetch_related("images").order_by("auction", "position")
    ]


def _orders(user: User) -> list[MyOrder]:
    counted = Q(lines__cancelled_at=None)
    orders: QuerySet[Any] = (
        Order.objects.filter(buyer__user=user)
        .exclude(status__in=(OrderStatus.CANCELLED, OrderStatus.DONE))
        .select_related("auction__organizer")
        .annotate(
            total=Sum("lines__amount", filter=counted),
            won=Count("lines", filter=counted & Q(lines__kind=OrderLineKind.HAMMER)),
        )
        .order_by("-pk")
    )
    return [MyOrder(order, order.won, order.total or 0) for order in orders]
