"""How a lot that is over went for everybody, and for the one who looks. Changes nothing."""

from dataclasses import dataclass

from django.db.models import Max

from auctions.models import LotRun, LotStatus, Order
from bidding.pages import LotPage
from bidding.price_chart import PriceChart, chart_of

_OVER = (LotStatus.SOLD, LotStatus.PASSED, LotStatus.WITHDRAWN)


@dataclass(frozen=True, slots=True)
class Result:
    """How a lot went. Amounts are minor units."""

    chart: PriceChart | None
    best: int | None
    """The best bid of the person who looks."""
    outbid_by: int | None
    """How much more the winner gave, where somebody else won."""
    was_next: bool
    """Whether only the winner bid more."""
    order: Order | None
    """The order that the lot became part of, for its buyer."""


def result_of(page: LotPage) -> Result | None:
    """Return how a lot went, or None while it is to come or open."""
    run, you = page.run, page.you.registration
    if run is None or run.status not in _OVER:
        return None
    best, was_next = _own(run, you.pk) if you else (None, False)
    lost = best is not None and run.status == LotStatus.SOLD and not page.won
    return Result(
        chart=chart_of(run, page.lot.opening_amount),
        best=best,
        outbid_by=(run.hammer_amount or 0) - best if lost and best is not None else None,
        was_next=lost and was_next,
        order=_order(run) if page.won else None,
    )


def _own(run: LotRun, registration_id: int) -> tuple[int | None, bool]:
    """Return one's best bid, and whether only the winner has a better one."""
    bids = run.bids.filter(voided_at_v=None).values("registration").annotate(best=Max("amount"), first=Max("v"))
    ranked = [row["registration"] for row in bids.order_by("-best", "first")]
    best = next((row["best"] for row in bids if row["registration"] == registration_id), None)
    return best, ranked[1:2] == [registration_id]


def _order(run: LotRun) -> Order | None:
    return Order.objects.filter(lines__sale__run=run, lines__cancelled_at=None, buyer=run.winner).distinct().first()
