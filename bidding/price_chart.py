"""The price of a run over time, as the record has it: a step line, its extensions, its end. Changes nothing."""

from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _

from auctions.models import LotRun
from bidding import protocol
from bidding.models import Event

WIDTH: Final = 400
HEIGHT: Final = 120
_MARGIN: Final = 6
_MOMENTS: Final = (
    "LOT_OPENED",
    "LOT_EXTENDED",
    "LOT_PAUSED",
    "LOT_RESUMED",
    "LOT_REOPENED",
    "BID_VOIDED",
    "LOT_CLOSED",
)


@dataclass(frozen=True, slots=True)
class Moment:
    """Something other than a bid that happened to a run, and the price then. `x` is where it is drawn, of WIDTH."""

    kind: str
    at_ms: int
    words: str
    price: int | None
    x: float


@dataclass(frozen=True, slots=True)
class PriceChart:
    """The price over time, drawn within WIDTH by HEIGHT. Amounts are minor units."""

    path: str
    low: int
    high: int
    first_ms: int
    last_ms: int
    bid_count: int
    moments: list[Moment]

    @property
    def extensions(self) -> list[Moment]:
        """When the end moved."""
        return [moment for moment in self.moments if moment.kind == "LOT_EXTENDED"]

    @property
    def seconds(self) -> int:
        """How long it took."""
        return (self.last_ms - self.first_ms) // 1_000


def chart_of(run: LotRun, opening: int) -> PriceChart | None:
    """Return the chart of a run that is over, or None where nobody bid."""
    prices = _prices(run)
    if not prices or run.opened_at_ms is None or run.closed_at_ms is None:
        return None
    first, last = run.opened_at_ms, max(run.closed_at_ms, prices[-1][0])
    low = min(opening, *(amount for _at, amount in prices))
    high = max(amount for _at, amount in prices)

    def across(at_ms: int) -> float:
        # Half a unit is the least that can be seen.
        return round(2 * WIDTH * min(max(at_ms - first, 0) / max(last - first, 1), 1)) / 2

    def up(amount: int) -> float:
        inner = HEIGHT - 2 * _MARGIN
        return round(HEIGHT - _MARGIN - inner * (amount - low) / (high - low), 1) if high > low else HEIGHT / 2

    # At one place across, the last price stands: a bidding war of thousands is still a small picture.
    steps = {across(at_ms): up(amount) for at_ms, amount in prices}
    path = f"M0 {up(low):g}" + "".join(f"H{x:g}V{y:g}" for x, y in steps.items()) + f"H{WIDTH}"
    return PriceChart(path, low, high, first, last, len(prices), _moments(run, prices, across))


def _prices(run: LotRun) -> list[tuple[int, int]]:
    bids = run.bids.filter(voided_at_v=None).order_by("v", "amount", "-automatic")
    return list(bids.values_list("at_ms", "amount"))


def _moments(run: LotRun, prices: list[tuple[int, int]], across: Any) -> list[Moment]:
    events = Event.objects.filter(run=run, kind__in=_MOMENTS, s=0).order_by("v")
    moments = []
    for kind, at_ms, text in events.values_list("kind", "at_ms", "public"):
        words = _words(kind, protocol.decode_event(text))
        price = max((amount for bid_ms, amount in prices if bid_ms <= at_ms), default=None)
        moments.append(Moment(kind, at_ms, words, price, across(at_ms)))
    return moments


def _words(kind: str, event: dict[str, Any]) -> str:
    match kind:
        case "LOT_OPENED":
            return _("Opened")
        case "LOT_EXTENDED":
            reason = event.get("reason")
            if reason == "host":
                return _("Extended by the host")
            return _("Extended by an outage") if reason == "outage" else _("Extended by a late bid")
        case "LOT_PAUSED":
            return _("Paused")
        case "LOT_RESUMED":
            return _("Went on")
        case "LOT_REOPENED":
            return _("Opened again")
        case "BID_VOIDED":
            return _("A bid was voided")
        case _:
            return _("Closed")
