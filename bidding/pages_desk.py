"""What the Live desk shows: the page as it is made, and what its script asks for again after each event.

What the room must not know (a reserve, who is next in line, pre-bids) is here alone, told to whom it concerns by
`auctions.permissions`, and never broadcast. A bidder's maximum is told to nobody. Changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import structlog
from django.db.models import Count, Max
from django.urls import reverse
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from accounts.models import User
from auctions.models import Auction, AuctionStatus, Lot, LotRun, LotStatus, LotWatch, Registration, RegistrationStatus
from auctions.money import format_amount
from auctions.permissions import can_enter_bids, can_manage, can_moderate, can_see_private, viewable_auctions
from auctions.presenting import MoneyStyle, money_config, money_style, money_text
from auctions.selectors import catalogue, last_runs
from auctions.streaming import provider
from auctions.streaming.base import StreamState
from bidding.engine.outcomes import EngineError
from bidding.models import ModerationReason
from bidding.pages import Floor, floor_now, lot_config
from bidding.selectors import DeskFloor, desk_floor, price_without

logger = structlog.get_logger(__name__)

PRE_BIDS_COUNTED: Final = 50
"""For how many lots that come next the pre-bids are counted."""
SHOWN: Final = 100
"""How many lots of the queue, and of those that are over, are shown."""
PACE_KNOWN_AFTER: Final = 3
"""After how many lots the evening's own pace says when it ends; before, the rules do."""
OVER: Final = (LotStatus.SOLD, LotStatus.PASSED, LotStatus.WITHDRAWN)


@dataclass(frozen=True, slots=True)
class DeskRights:
    """What somebody may do at the desk of an auction."""

    runs: bool
    moderates: bool
    enters: bool
    knows: bool
    """Whether they may see reserves, and who is next in line."""

    @property
    def any(self) -> bool:
        """Whether there is anything for them to do here."""
        return self.runs or self.moderates or self.enters


def desk_auction(user: User, auction_id: int) -> tuple[Auction, DeskRights] | None:
    """Return an auction and what this person may do at its desk; None where that is nothing."""
    viewable = viewable_auctions(user).select_related("organizer", "terms", "stream_channel")
    auction = viewable.filter(pk=auction_id).first()
    if auction is None:
        return None
    rights = DeskRights(
        runs=can_manage(user, auction),
        moderates=can_moderate(user, auction),
        enters=can_enter_bids(user, auction),
        knows=can_see_private(user, auction),
    )
    return (auction, rights) if rights.any else None


@dataclass(frozen=True, slots=True)
class Step:
    """The one thing to do next: the command, what its button says, and the lot that it is meant for."""

    command: str
    title: str
    lot: int = 0
    amount: str = ""


@dataclass(frozen=True, slots=True)
class DeskPage:
    """The desk as the page comes with it; its script goes on from there."""

    rights: DeskRights
    floor: Floor | None
    step: Step | None
    lots: list[Lot]
    waiting: list[Lot]
    over: list[tuple[Lot, LotRun]]
    style: MoneyStyle
    reserve: int | None
    config: dict[str, Any]

    @property
    def hammer_total(self) -> int:
        """The sum of the hammer prices."""
        return sum(run.hammer_amount or 0 for _lot, run in self.over if run.result == "sold")

    @property
    def sold_count(self) -> int:
        """How many lots were sold."""
        return sum(run.result == "sold" for _lot, run in self.over)


def desk_page(auction: Auction, rights: DeskRights, user: User) -> DeskPage:
    """Return the desk of an auction for this person."""
    lots, runs = catalogue(auction), last_runs(auction)
    style = money_style(auction.currency, lots)
    floor = floor_now(auction) if auction.status in (AuctionStatus.SCHEDULED, AuctionStatus.LIVE) else None
    up = None if floor is None or floor.lot is None else floor.lot.id
    # The floor knows first that a lot was opened; the database learns it a moment later.
    is_running = floor is not None and floor.lot is not None and floor.lot.result is None
    waiting = [lot for lot in lots if lot.status == LotStatus.PENDING and not (is_running and lot.pk == up)]
    here = reverse("admin:auctions_auction_desk", args=(auction.pk,))
    return DeskPage(
        rights=rights,
        floor=floor,
        step=desk_step(auction, floor, waiting, lots, style) if rights.runs else None,
        lots=lots,
        waiting=waiting,
        over=[(lot, runs[lot.pk]) for lot in lots if lot.pk in runs and runs[lot.pk].status in OVER],
        style=style,
        reserve=next((lot.reserve_amount for lot in lots if lot.pk == up), None) if rights.knows else None,
        config={
            "auction": auction.pk,
            "status": auction.status,
            "currency": money_config(style),
            "socket": f"/ws/auctions/{auction.pk}/",
            "may": {"run": rights.runs, "moderate": rights.moderates, "enter": rights.enters, "know": rights.knows},
            "lots": [lot_config(lot) for lot in lots],
            "urls": {
                "desk": here,
                "facts": f"{here}facts/",
                "api": f"/api/v1/auctions/{auction.pk}/",
                "room": reverse("room", args=(auction.slug,)),
                "sign_in": f"{reverse('account_login')}?next={here}",
            },
        },
    )


def desk_step(
    auction: Auction, floor: Floor | None, waiting: list[Lot], lots: list[Lot], style: MoneyStyle
) -> Step | None:
    """Return what the large button does without scripts; `deskFace` in the page's `desk/face.js` is its twin."""
    if auction.status == AuctionStatus.DRAFT:
        return Step("schedule", _("Schedule"))
    if auction.status == AuctionStatus.SCHEDULED:
        return Step("live", _("Go live"))
    if auction.status != AuctionStatus.LIVE or floor is None:
        return None
    up, names = floor.lot, {"number": floor.lot.number if floor.lot else ""}
    if up is not None and up.status == LotStatus.PAUSED:
        return Step("resume", _("Resume lot %(number)s") % names, up.id)
    if up is not None and up.status == LotStatus.OPEN:
        return Step("close", _("Fair warning, then hammer"), up.id)
    if up is not None and up.reason == "no_bids" and up.id not in {lot.pk for lot in waiting}:
        lot = next((each for each in lots if each.pk == up.id), None)
        if lot is not None and lot.status == LotStatus.PASSED:
            amount = again_amount(lot)
            title = _("Offer again at %(amount)s") % {"amount": money_text(amount, style)}
            return Step("again", title, lot.pk, format_amount(amount, auction.currency.exponent))
    if up is not None and up.reason == "reserve_not_met" and up.id not in {lot.pk for lot in waiting}:
        return Step("sell", _("Sell without the reserve"), up.id)
    if waiting:
        return Step("open", _("Open lot %(number)s") % {"number": waiting[0].number}, waiting[0].pk)
    return Step("end", _("End the show"))


def again_amount(lot: Lot) -> int:
    """Return at what a lot that nobody wanted is offered again: half, in whole steps; the page's `face.js` agrees."""
    step, opening = int(lot.increments[0][1]), int(lot.opening_amount)
    return max(min(step, opening), opening // 2 // step * step)


def desk_facts(auction: Auction, rights: DeskRights, user: User) -> dict[str, Any]:
    """Return what only the desk is told, as far as this person may know it. Amounts as on the wire."""
    lots, runs = catalogue(auction), last_runs(auction)
    waiting = [lot for lot in lots if lot.status == LotStatus.PENDING]
    floor = _desk_floor(auction, waiting)
    over = [(lot, runs[lot.pk]) for lot in lots if lot.pk in runs and runs[lot.pk].status in OVER]
    watched = LotWatch.objects.filter(lot__auction=auction).values("lot").annotate(count=Count("pk"))
    watchers = dict(watched.values_list("lot", "count"))
    return {
        "status": auction.status,
        "v": None if floor is None else floor.v,
        "autopilot": auction.gap_ms if auction.auto_advance else None,
        "rostrum": _rostrum(floor, user),
        "stream": _stream(auction),
        "lot": _lot(auction, floor, rights, watchers),
        "queue": [_waiting(auction, lot, floor, rights, watchers) for lot in waiting[:SHOWN]],
        "waiting": len(waiting),
        "count": len(lots),
        "over": [_over(auction, lot, run) for lot, run in over[-SHOWN:]],
        "sold": sum(run.result == "sold" for _lot, run in over),
        "unsold": sum(run.result != "sold" for _lot, run in over),
        "hammer": _sum(auction, [run.hammer_amount or 0 for _lot, run in over if run.result == "sold"]),
        "rest_ms": _rest_ms(auction, waiting),
    }


def desk_person(auction: Auction, registration: Registration) -> dict[str, Any]:
    """Return what somebody holds of the lot that is up, and what it comes to without them, before it is done."""
    floor = _desk_floor(auction, [])
    offers = [] if floor is None else [each for each in floor.offers if each.registration == registration.pk]
    told: dict[str, Any] = {
        "paddle": registration.paddle,
        "banned": registration.status == RegistrationStatus.BANNED,
        "offers": len(offers),
        "v": None if floor is None else floor.v,
    }
    if floor is not None and offers:
        told["without_latest"] = _outcome(auction, floor, registration.pk, latest_only=True)
        told["without"] = _outcome(auction, floor, registration.pk)
    return told


def moderation_reasons() -> list[tuple[str, str]]:
    """Return why somebody is muted or a line is taken away."""
    return [(value, str(label)) for value, label in ModerationReason.choices]


def _desk_floor(auction: Auction, waiting: list[Lot]) -> DeskFloor | None:
    if auction.status not in (AuctionStatus.SCHEDULED, AuctionStatus.LIVE):
        return None
    try:
        return desk_floor(auction.pk, [lot.pk for lot in waiting[:PRE_BIDS_COUNTED]])
    except (RedisError, EngineError, OSError) as error:
        logger.warning("desk_not_told", auction=auction.pk, error=str(error))
        return None


def _rostrum(floor: DeskFloor | None, user: User) -> dict[str, Any] | None:
    holder = None if floor is None or floor.rostrum is None else User.objects.filter(pk=floor.rostrum).first()
    return None if holder is None else {"mine": holder.pk == user.pk, "name": holder.display_name}


def _stream(auction: Auction) -> dict[str, Any]:
    channel = auction.stream_channel
    if channel is None or channel.provider != provider().name:
        return {"state": "none", "health": None, "viewers": None}
    status = provider().status(channel)
    arrives = status.arrives
    state = StreamState.LIVE if arrives else status.state
    return {"state": state.value, "health": status.health, "viewers": status.viewers}


def _lot(
    auction: Auction, floor: DeskFloor | None, rights: DeskRights, watchers: Mapping[int, int]
) -> dict[str, Any] | None:
    if floor is None or floor.run_id is None:
        return None
    run = LotRun.objects.filter(pk=floor.run_id, auction=auction).first()
    if run is None:
        return None
    told: dict[str, Any] = {
        "id": run.lot_id,
        "hammer_at_ms": floor.hammer_at_ms,
        "watchers": watchers.get(run.lot_id, 0),
        # Of a quick lot the page does not know them yet.
        "duration_ms": run.rules["duration_ms"],
        "increments": run.rules["increments"],
    }
    if rights.knows:
        reserve = run.rules.get("reserve")
        told["reserve"] = None if reserve is None else _wire(auction, reserve)
        leader = price_without(floor, 0)[1]
        told["next_in_line"] = None if leader is None else _outcome(auction, floor, leader)
    return told


def _outcome(
    auction: Auction, floor: DeskFloor, registration_id: int, *, latest_only: bool = False
) -> dict[str, Any] | None:
    price, leader = price_without(floor, registration_id, latest_only=latest_only)
    if price is None or leader is None:
        return None
    return {"paddle": floor.paddles[leader], "amount": _wire(auction, price)}


def _waiting(
    auction: Auction, lot: Lot, floor: DeskFloor | None, rights: DeskRights, watchers: Mapping[int, int]
) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": lot.pk,
        "number": lot.number,
        "title": lot.title,
        "image_url": next((image.file.url for image in lot.images.all()), None),
        "opening": _wire(auction, lot.opening_amount),
        "watchers": watchers.get(lot.pk, 0),
        "pre_bids": None if floor is None else floor.pre_bids.get(lot.pk),
    }
    if rights.knows:
        told["reserve"] = None if lot.reserve_amount is None else _wire(auction, lot.reserve_amount)
    return told


def _over(auction: Auction, lot: Lot, run: LotRun) -> dict[str, Any]:
    return {
        "id": lot.pk,
        "number": lot.number,
        "title": lot.title,
        "result": run.result,
        "reason": run.reason,
        "amount": None if run.hammer_amount is None else _wire(auction, run.hammer_amount),
        "paddle": run.winner.paddle if run.winner else None,
        # What was sold stays sold once the next lot is open.
        "again": lot.status in (LotStatus.PASSED, LotStatus.WITHDRAWN),
    }


def _rest_ms(auction: Auction, waiting: list[Lot]) -> int:
    """Return how long the lots that wait will take: at the evening's own pace, once it is known."""
    over = LotRun.objects.filter(auction=auction, closed_at_ms__isnull=False, opened_at_ms__isnull=False)
    count, last = over.count(), over.aggregate(last=Max("closed_at_ms"))["last"]
    if count >= PACE_KNOWN_AFTER:
        first = over.order_by("opened_at_ms").values_list("opened_at_ms", flat=True).first()
        assert first is not None
        return int((last - first) / count * len(waiting))
    return sum(lot.duration_ms + auction.gap_ms for lot in waiting)


def _sum(auction: Auction, amounts: list[int]) -> str | None:
    return _wire(auction, sum(amounts)) if amounts else None


def _wire(auction: Auction, minor: int) -> str:
    return format_amount(minor, auction.currency.exponent)
