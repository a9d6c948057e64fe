"""What the pages of bidders and hosts show of the live floor and of its record. Changes nothing.

The floor may be away: then a page shows what the database holds, and the socket brings the rest when it can.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import structlog
from django.db.models import Max, Q
from django.urls import reverse
from django.utils.translation import ngettext
from redis.exceptions import RedisError

from accounts.models import User
from auctions import rules
from auctions.models import (
    Auction,
    AuctionStatus,
    Category,
    Lot,
    LotRun,
    LotStatus,
    Registration,
    RegistrationStatus,
)
from auctions.permissions import AnyUser, can_moderate, is_barred, viewable_auctions
from auctions.presenting import MoneyStyle, money_config, money_style, span_text
from auctions.pricing import fees_of, price_of
from auctions.readiness import Point, Weight, missing
from auctions.search import categories
from auctions.selectors import catalogue, ended_auctions, last_runs, live_auctions, upcoming_auctions
from auctions.standing import wants_address
from bidding import protocol
from bidding.chapters import chapter_of_lot
from bidding.engine.outcomes import EngineError
from bidding.models import Bid, SimulatedBidder
from bidding.selectors import lot_after, picture_is_lost, snapshot_now

logger = structlog.get_logger(__name__)

HISTORY_SHOWN = 200
BIDS_AT_ONCE = 8
DESCRIBED = 100

# A bid that was voided is no price.
_PRICE = Max("bids__amount", filter=Q(bids__voided_at_v=None))

_lot_decoder = msgspec.json.Decoder(protocol.LotPart)
_next_decoder = msgspec.json.Decoder(protocol.NextLot)
_bid_decoder = msgspec.json.Decoder(protocol.BidPart)


@dataclass(frozen=True, slots=True)
class OnTheBlock:
    """What is offered in a live show now, as the record knows it."""

    lot: Lot
    price: int | None
    bid_count: int


@dataclass(frozen=True, slots=True)
class LiveShow:
    """A live auction on the home page. `now` is None between lots."""

    auction: Auction
    now: OnTheBlock | None


@dataclass(frozen=True, slots=True)
class Home:
    """The home page."""

    live: list[LiveShow]
    upcoming: list[Auction]
    ended: list[Auction]
    categories: list[Category]


@dataclass(frozen=True, slots=True)
class LotLine:
    """One line of a run of show: the lot, its last run and whether this person won it."""

    lot: Lot
    run: LotRun | None
    is_mine: bool

    @property
    def state(self) -> str:
        """The lot's state as the record knows it."""
        return self.run.status if self.run else self.lot.status

    @property
    def rules(self) -> list[str]:
        """The rules of the lot in sentences."""
        return rules.rules_in_words(self.lot)


@dataclass(frozen=True, slots=True)
class You:
    """The person who looks: their registration, and whether they may have one at all."""

    registration: Registration | None
    barred: bool

    @property
    def paddle(self) -> int | None:
        """The paddle that may be raised, or None."""
        registration = self.registration
        return registration.paddle if registration and registration.status == "approved" else None


@dataclass(frozen=True, slots=True)
class Floor:
    """The live state at one version, as the wire has it."""

    lot: protocol.LotPart | None
    next: protocol.NextLot | None
    bids: list[protocol.BidPart]
    now_ms: int
    v: int


@dataclass(frozen=True, slots=True)
class Show:
    """Everything that the pages of one auction show."""

    auction: Auction
    lines: list[LotLine]
    you: You
    style: MoneyStyle

    @property
    def sold(self) -> list[LotLine]:
        """The lines that were sold."""
        return [line for line in self.lines if line.state == LotStatus.SOLD]

    @property
    def described(self) -> list[LotLine]:
        """The lines that the room's page describes in full; a longer run of show leads to the lots' own pages."""
        return self.lines[:DESCRIBED]

    @property
    def mine(self) -> list[LotLine]:
        """The lines that this person won."""
        return [line for line in self.lines if line.is_mine]

    def line_of(self, lot_id: int | None) -> LotLine | None:
        """Return the line of a lot, or None where no lot is meant."""
        return next((line for line in self.lines if line.lot.pk == lot_id), None)

    @property
    def hammer_total(self) -> int:
        """The sum of all hammer prices."""
        return sum(line.run.hammer_amount or 0 for line in self.sold if line.run)


@dataclass(frozen=True, slots=True)
class Desk:
    """What a desk acts on: the lot that is up, the one that comes next, and the version at which they were shown.

    Version 0 says that the floor could not be asked: no command of such a page is obeyed.
    """

    running: Lot | None
    upcoming: Lot | None
    v: int
    is_paused: bool = False
    is_without_picture: bool = False
    """Whether the show had a picture, and lost it."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The lot and the version that a desk showed when its button was pressed; 0 where it named none."""

    lot_id: int
    v: int

    @classmethod
    def of(cls, form: Mapping[str, str], lot_field: str = "lot") -> "Shown":
        """Read them from the form that was sent."""
        return cls(_whole(form.get(lot_field, "")), _whole(form.get("v", "")))


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


@dataclass(frozen=True, slots=True)
class HostPage:
    """The page from which a host prepares and runs a show. Spans are in words."""

    auction: Auction
    lots: list[Lot]
    runs: dict[int, LotRun]
    desk: Desk
    style: MoneyStyle
    least: str
    most: str
    missing: list[Point]
    """What a draft lacks before it is scheduled, what stops it first."""

    @property
    def lots_and_runs(self) -> list[tuple[Lot, LotRun | None]]:
        """The run of show."""
        return [(lot, self.runs.get(lot.pk)) for lot in self.lots]

    @property
    def rehearsal(self) -> Auction | None:
        """The rehearsal of this show, while there is one."""
        return self.auction.rehearsals.filter(archived_at=None).first()

    @property
    def bidders(self) -> str:
        """How many bidders of this rehearsal the site plays."""
        count = SimulatedBidder.objects.filter(registration__auction=self.auction).count()
        return ngettext("%(count)d simulated bidder", "%(count)d simulated bidders", count) % {"count": count}

    @property
    def rules(self) -> list[str]:
        """The rules of the first lot in sentences."""
        return rules.rules_in_words(self.lots[0]) if self.lots else []

    @property
    def is_blocked(self) -> bool:
        """Whether it cannot be scheduled as it is."""
        return any(point.weight == Weight.BLOCKING for point in self.missing)

    @property
    def opening_total(self) -> int:
        """The sum of all opening bids."""
        return sum(lot.opening_amount for lot in self.lots)


def home_page(user: AnyUser) -> Home:
    """Return what is live, what comes and what is over, as far as this person may see it."""
    live = list(live_auctions(user))
    runs = (
        LotRun.objects.filter(auction__in=live, status__in=(LotStatus.OPEN, LotStatus.PAUSED))
        .select_related("lot")
        .prefetch_related("lot__images")
        .annotate(price=_PRICE)
    )
    now = {run.auction_id: run for run in runs}
    shows = []
    for auction in live:
        run: Any = now.get(auction.pk)
        shows.append(LiveShow(auction, OnTheBlock(run.lot, run.price, run.bid_count) if run else None))
    return Home(shows, list(upcoming_auctions(user)), list(ended_auctions(user)), list(categories(user)))


def show_page(auction: Auction, user: AnyUser) -> Show:
    """Return an auction with its run of show and what concerns this person."""
    lots = catalogue(auction)
    you = you_in(auction, user)
    runs = last_runs(auction)
    mine = you.registration.pk if you.registration else None
    lines = []
    for lot in lots:
        last = runs.get(lot.pk)
        won = last is not None and last.status == LotStatus.SOLD and mine is not None and last.winner_id == mine
        lines.append(LotLine(lot, last, won))
    return Show(auction, lines, you, money_style(auction.currency, lots))


def you_in(auction: Auction, user: AnyUser) -> You:
    """Return what this person is in an auction."""
    if not isinstance(user, User):
        return You(None, False)
    registration = Registration.objects.filter(auction=auction, user=user).first()
    return You(registration, is_barred(user, auction))


def floor_now(auction: Auction) -> Floor | None:
    """Return the live state, or None where the floor cannot be asked."""
    try:
        snapshot = snapshot_now(auction.pk)
    except (RedisError, EngineError, OSError) as error:
        logger.warning("floor_not_shown", auction=auction.pk, error=str(error))
        return None
    return Floor(
        lot=_lot_decoder.decode(snapshot.lot) if snapshot.lot else None,
        next=_next_decoder.decode(snapshot.next) if snapshot.next else None,
        bids=[_bid_decoder.decode(text) for text in snapshot.recent_bids],
        now_ms=snapshot.now_ms,
        v=snapshot.v,
    )


def show_span(auction: Auction, lots: list[Lot]) -> tuple[int, int]:
    """Return how long a show takes at least and at most, in milliseconds."""
    # Without a bid each lot runs its duration; at most every extension is used up.
    gaps = auction.gap_ms * max(len(lots) - 1, 0) if auction.auto_advance else 0
    least = sum(lot.duration_ms for lot in lots) + gaps
    return least, least + sum(lot.extension_ms * lot.extension_cap for lot in lots)


def host_page(auction: Auction) -> HostPage:
    """Return what the host's page of an auction shows."""
    lots = catalogue(auction)
    least, most = show_span(auction, lots)
    return HostPage(
        auction=auction,
        lots=lots,
        runs=last_runs(auction),
        desk=desk_now(auction),
        style=money_style(auction.currency, lots),
        least=span_text(least // 1_000),
        most=span_text(most // 1_000),
        missing=missing(auction, lots) if auction.status == AuctionStatus.DRAFT else [],
    )


def desk_now(auction: Auction) -> Desk:
    """Return which lots a desk acts on now."""
    upcoming = lot_after(auction, None)
    if auction.status != AuctionStatus.LIVE:
        return Desk(None, upcoming, 0)
    # The floor knows first which lot is up; the database learns it a moment later.
    floor = floor_now(auction)
    if floor is None:
        running = auction.lots.filter(status__in=(LotStatus.OPEN, LotStatus.PAUSED)).first()
        return Desk(running, upcoming, 0)
    is_up = floor.lot is not None and floor.lot.status in (LotStatus.OPEN, LotStatus.PAUSED)
    running = auction.lots.filter(pk=floor.lot.id).first() if floor.lot is not None and is_up else None
    is_paused = running is not None and floor.lot is not None and floor.lot.status == LotStatus.PAUSED
    return Desk(running, upcoming, floor.v, is_paused, picture_is_lost(auction))


def room_config(show: Show, user: AnyUser) -> dict[str, Any]:
    """Return what the room's script needs and no socket message carries."""
    auction = show.auction
    here = reverse("room", args=(auction.slug,))
    return {
        "auction": auction.pk,
        "socket": f"/ws/auctions/{auction.pk}/",
        "currency": money_config(show.style),
        **person_config(auction, show.you, user),
        "moderates": show.you.barred and can_moderate(user, auction),
        "urls": {
            "room": here,
            "back": f"{here}?paddle=1",
            "sign_in": f"{reverse('account_login')}?next={here}%3Fpaddle%3D1",
            "entrance": reverse("entrance", args=(auction.slug,)),
            **{name: reverse(name) for name in ("entry", "entry_code", "entry_resend", "entry_second_factor")},
            "api": f"/api/v1/auctions/{auction.pk}/",
            "my_bids": reverse("my_bids"),
        },
        "lots": [lot_config(line.lot) for line in show.lines],
    }


def person_config(auction: Auction, you: You, user: AnyUser) -> dict[str, Any]:
    """Return what the room's script needs to know of who looks, and asks anew when they have signed in."""
    return {
        "signed_in": isinstance(user, User),
        "barred": you.barred,
        "registered": you.registration is not None,
        "paddle": you.paddle,
        "waiting": you.registration is not None and you.registration.status == "pending",
        "wants_address": isinstance(user, User) and wants_address(auction, user),
    }


def lot_config(lot: Lot) -> dict[str, Any]:
    """Return what a page's script needs of a lot and no socket message carries."""
    fees = fees_of(lot)
    return {
        "id": lot.pk,
        "opening": lot.opening_amount,
        "duration_ms": lot.duration_ms,
        "increments": lot.increments,
        "fees": [fees.premium_bp, fees.tax_bp, fees.tax_on_hammer, fees.tax_on_premium],
        "delivery": lot.is_delivered,
    }


@dataclass(frozen=True, slots=True)
class LotPage:
    """A lot with its result, price history and rules. Amounts are minor units."""

    show_auction: Auction
    lot: Lot
    run: LotRun | None
    bids: list[Bid]
    you: You
    style: MoneyStyle
    rules: list[str]
    previous: Lot | None
    following: Lot | None
    is_recorded: bool
    """Whether this person can watch how it went."""

    @property
    def state(self) -> str:
        """The lot's state as the record knows it."""
        return self.run.status if self.run else self.lot.status

    @property
    def won(self) -> bool:
        """Whether the person who looks bought it."""
        mine = self.you.registration
        return bool(self.run and mine and self.run.status == LotStatus.SOLD and self.run.winner_id == mine.pk)

    @property
    def mine(self) -> list[Bid]:
        """The accepted bids of the person who looks, the newest first."""
        mine = self.you.registration
        return [bid for bid in self.bids if mine and bid.registration_id == mine.pk]

    @property
    def first_bids(self) -> list[Bid]:
        """The newest bids, which the page shows at once."""
        return self.bids[:BIDS_AT_ONCE]

    @property
    def more_bids(self) -> list[Bid]:
        """The older bids, which the page folds away."""
        return self.bids[BIDS_AT_ONCE:]

    @property
    def total(self) -> int | None:
        """What the buyer pays for the hammer price, before delivery."""
        hammer = self.run.hammer_amount if self.run else None
        return price_of(self.lot, hammer).total if hammer else None


def lot_page(user: AnyUser, lot_id: int) -> LotPage | None:
    """Return a lot's page, or None where it does not exist for this person."""
    lot = (
        Lot.objects.filter(pk=lot_id, auction__in=viewable_auctions(user))
        .select_related("auction__organizer", "tax_rule", "shipping", "category")
        .prefetch_related("images")
        .first()
    )
    if lot is None:
        return None
    run = lot.runs.exclude(status=LotStatus.PENDING).select_related("winner").order_by("-pk").first()
    bids = list(run.bids.select_related("registration").order_by("-v", "-amount")[:HISTORY_SHOWN]) if run else []
    siblings = list(lot.auction.lots.order_by("position", "pk").only("pk", "number", "title"))
    you = you_in(lot.auction, user)
    at = next(index for index, other in enumerate(siblings) if other.pk == lot.pk)
    return LotPage(
        show_auction=lot.auction,
        lot=lot,
        run=run,
        bids=bids,
        you=you,
        style=money_style(lot.auction.currency, [lot]),
        rules=rules.rules_in_words(lot),
        previous=siblings[at - 1] if at else None,
        following=siblings[at + 1] if at + 1 < len(siblings) else None,
        is_recorded=_is_recorded(lot, run, you),
    )


def _is_recorded(lot: Lot, run: LotRun | None, you: You) -> bool:
    is_banned = you.registration is not None and you.registration.status == RegistrationStatus.BANNED
    is_over = run is not None and run.result != ""
    return is_over and not is_banned and chapter_of_lot(lot.auction, lot.pk) is not None
