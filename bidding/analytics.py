"""How a show went, for its host: people, bids, lots and money, and the drawings of them. Changes nothing.

Counts are the database's own: no query grows with the number of bids.
"""

import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from django.db.models import Count
from django.utils.translation import gettext as _

from auctions.models import Auction, Lot, LotRun, LotStatus, Registration, RegistrationStatus
from auctions.money import format_amount
from bidding.models import AudienceSample, Bid

WIDTH: Final = 400
HEIGHT: Final = 120
_OVER: Final = (LotStatus.SOLD, LotStatus.PASSED, LotStatus.WITHDRAWN)
_MARKS: Final = 120
"""How wide the little drawing of a price against its estimate is."""


@dataclass(frozen=True, slots=True)
class LotLine:
    """How one lot went, over all of its runs; the last run has the result. Amounts are minor units."""

    lot: Lot
    run: LotRun
    bids: int
    bidders: int
    extensions: int

    @property
    def is_sold(self) -> bool:
        """Whether somebody bought it."""
        return self.run.status == LotStatus.SOLD

    @property
    def seconds(self) -> int:
        """How long the last run took."""
        return ((self.run.closed_at_ms or 0) - (self.run.opened_at_ms or 0)) // 1_000

    @property
    def against_estimate(self) -> int | None:
        """What it brought, in basis points of the middle of its estimate; None without one, or unsold."""
        low, high, hammer = self.lot.estimate_low, self.lot.estimate_high, self.run.hammer_amount
        if not self.is_sold or not low or hammer is None:
            return None
        return _share(2 * hammer, low + (high or low))

    @property
    def marks(self) -> dict[str, float] | None:
        """Where estimate and price stand in a drawing of _MARKS across, which begins at nothing."""
        if self.against_estimate is None:
            return None
        low, high = self.lot.estimate_low or 0, self.lot.estimate_high or self.lot.estimate_low or 0
        most = max(high, self.run.hammer_amount or 0) or 1
        low_x, high_x, price = (
            round((_MARKS - 4) * amount / most + 2, 1) for amount in (low, high, self.run.hammer_amount or 0)
        )
        return {"low": low_x, "width": max(round(high_x - low_x, 1), 2), "price": price}


@dataclass(frozen=True, slots=True)
class Bar:
    """What was sold in one hour of the auction's own zone; `x`, `y`, `height` are where it is drawn."""

    hour: datetime
    lots: int
    amount: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Audience:
    """The people in the room over time: the line, and its samples for a table, thinned to a few."""

    path: str
    peak: int
    peak_at: datetime
    first: datetime
    last: datetime
    samples: list[tuple[datetime, int]]


@dataclass(frozen=True, slots=True)
class Step:
    """One step from looking on to buying: how many took it, and their share of the step before in basis points."""

    name: str
    people: int
    share: int | None


@dataclass(frozen=True, slots=True)
class Analytics:
    """How a show went."""

    lines: list[LotLine]
    audience: Audience | None
    steps: list[Step]
    hours: list[Bar]
    bids: int
    hammer: int
    estimate: int
    """The middles of the estimates of what was sold and had one, together."""
    hammer_of_estimated: int

    @property
    def sold(self) -> int:
        """How many lots were sold."""
        return sum(line.is_sold for line in self.lines)

    @property
    def sell_through(self) -> int | None:
        """How many of the lots that are over were sold, in basis points."""
        return _share(self.sold, len(self.lines))

    @property
    def against_estimate(self) -> int | None:
        """What was sold with an estimate brought, in basis points of it."""
        return _share(self.hammer_of_estimated, self.estimate)

    @property
    def extensions(self) -> int:
        """How often a late bid moved an end."""
        return sum(line.extensions for line in self.lines)

    @property
    def highest_hour(self) -> int:
        """The most that was sold in an hour."""
        return max((bar.amount for bar in self.hours), default=0)


def analytics_of(auction: Auction) -> Analytics:
    """Return how a show went so far."""
    lines = _lines(auction)
    estimated = [line for line in lines if line.against_estimate is not None]
    counted = Bid.objects.filter(run__auction=auction, voided_at_v=None)
    audience = _audience(auction)
    return Analytics(
        lines=lines,
        audience=audience,
        steps=_steps(auction, counted.aggregate(people=Count("registration", distinct=True))["people"], audience),
        hours=_hours(auction, lines),
        bids=counted.count(),
        hammer=sum(line.run.hammer_amount or 0 for line in lines if line.is_sold),
        estimate=sum(
            ((line.lot.estimate_low or 0) + (line.lot.estimate_high or line.lot.estimate_low or 0)) // 2
            for line in estimated
        ),
        hammer_of_estimated=sum(line.run.hammer_amount or 0 for line in estimated),
    )


def analytics_rows(auction: Auction, found: Analytics) -> Iterator[list[str]]:
    """Return the lots as lines of a file: amounts as on the wire, times in UTC."""
    yield [
        "number", "title", "result", "reason", "currency", "opening", "estimate_low", "estimate_high", "hammer",
        "bids", "bidders", "extensions", "opened_at", "closed_at", "seconds",
    ]  # fmt: skip
    exponent = auction.currency.exponent

    def wire(amount: int | None) -> str:
        return "" if amount is None else format_amount(amount, exponent)

    for line in found.lines:
        lot, run = line.lot, line.run
        yield [
            lot.number,
            lot.title,
            run.result,
            run.reason,
            auction.currency_code,
            wire(run.rules.get("opening", lot.opening_amount)),
            wire(lot.estimate_low),
            wire(lot.estimate_high),
            wire(run.hammer_amount),
            str(line.bids),
            str(line.bidders),
            str(line.extensions),
            "" if run.opened_at_ms is None else _moment(run.opened_at_ms).isoformat(),
            "" if run.closed_at_ms is None else _moment(run.closed_at_ms).isoformat(),
            str(line.seconds),
        ]


def _lines(auction: Auction) -> list[LotLine]:
    runs: dict[int, list[LotRun]] = {}
    for run in LotRun.objects.filter(auction=auction, status__in=_OVER).select_related("lot").order_by("attempt"):
        runs.setdefault(run.lot_id, []).append(run)
    people = Bid.objects.filter(run__auction=auction, voided_at_v=None).values("run__lot").order_by()
    bidders = dict(people.annotate(people=Count("registration", distinct=True)).values_list("run__lot", "people"))
    lines = [
        LotLine(
            lot=of_lot[-1].lot,
            run=of_lot[-1],
            bids=sum(run.bid_count for run in of_lot),
            bidders=bidders.get(lot_id, 0),
            extensions=sum(run.extension_count for run in of_lot),
        )
        for lot_id, of_lot in runs.items()
    ]
    return sorted(lines, key=lambda line: (line.run.closed_at_ms or 0, line.run.pk))


def _steps(auction: Auction, bidders: int, audience: Audience | None) -> list[Step]:
    paddles = Registration.objects.filter(auction=auction, status=RegistrationStatus.APPROVED).count()
    sold = LotRun.objects.filter(auction=auction, status=LotStatus.SOLD)
    buyers = sold.aggregate(people=Count("winner", distinct=True))["people"]
    counts = [(_("At once in the room, at most"), audience.peak)] if audience is not None else []
    counts += [(_("Paddles"), paddles), (_("Bidders"), bidders), (_("Buyers"), buyers)]
    steps: list[Step] = []
    for name, people in counts:
        before = steps[-1].people if steps else 0
        steps.append(Step(name, people, _share(people, before)))
    return steps


def _hours(auction: Auction, lines: list[LotLine]) -> list[Bar]:
    zone = zoneinfo.ZoneInfo(auction.time_zone)
    sums: dict[datetime, tuple[int, int]] = {}
    for line in lines:
        if line.is_sold and line.run.closed_at_ms is not None:
            hour = _moment(line.run.closed_at_ms).astimezone(zone).replace(minute=0, second=0, microsecond=0)
            lots, amount = sums.get(hour, (0, 0))
            sums[hour] = lots + 1, amount + (line.run.hammer_amount or 0)
    most = max((amount for _lots, amount in sums.values()), default=0) or 1
    slot = WIDTH / max(len(sums), 8)
    bars = []
    for number, (hour, (lots, amount)) in enumerate(sorted(sums.items())):
        height = round((HEIGHT - 4) * amount / most, 1)
        bars.append(
            Bar(hour, lots, amount, round(slot * number + 2, 1), round(HEIGHT - height, 1), round(slot - 4, 1), height)
        )
    return bars


def _audience(auction: Auction) -> Audience | None:
    samples = list(AudienceSample.objects.filter(auction=auction).order_by("minute").values_list("minute", "people"))
    if not samples:
        return None
    first, last = samples[0][0], samples[-1][0]
    peak_at, peak = max(samples, key=lambda sample: sample[1])

    def across(minute: int) -> float:
        return round(WIDTH * (minute - first) / max(last - first, 1), 1)

    def up(people: int) -> float:
        return round(HEIGHT - (HEIGHT - 4) * people / max(peak, 1), 1)

    path = f"M0 {up(samples[0][1]):g}" + "".join(f"H{across(at):g}V{up(people):g}" for at, people in samples[1:])
    every = max(1, -(-len(samples) // 12))
    zone = zoneinfo.ZoneInfo(auction.time_zone)

    def moment(minute: int) -> datetime:
        return datetime.fromtimestamp(minute * 60, zone)

    return Audience(
        path=f"{path}H{WIDTH}",
        peak=peak,
        peak_at=moment(peak_at),
        first=moment(first),
        last=moment(last),
        samples=[(moment(at), people) for at, people in samples[::every]],
    )


def _share(part: int, whole: int) -> int | None:
    """Return a share in basis points, in whole percent where it is not small; None of nothing."""
    if not whole:
        return None
    points = 10_000 * part // whole
    return points if points < 1_000 else (points + 50) // 100 * 100


def _moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1_000, UTC)
