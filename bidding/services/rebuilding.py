"""Brings live auctions back from the database after Redis was wiped, replaced or restored to an older state.

Open lots come back paused, under a new epoch: nobody is surprised by a clock that ran while nothing could be bid.
Sold lots stay sold. What the ledger had not stored when Redis was lost is gone; the host is told to look. Where Redis
went back and then went on, what it decided since is kept aside for staff, and the stored history goes on.
"""

import json
import secrets
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import structlog
from django.db.models import Sum
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from auctions.errors import Refused
from auctions.models import (
    Auction,
    AuctionStatus,
    Lot,
    LotResult,
    LotRun,
    LotStatus,
    Registration,
)
from auctions.money import format_amount
from auctions.permissions import barred_people
from bidding import protocol
from bidding.engine import calls
from bidding.engine.keys import AuctionKeys
from bidding.engine.lock import fenced
from bidding.engine.outcomes import EngineError, LogEntry
from bidding.floor import floor
from bidding.models import Bid, DiscardedEntry, Event, LedgerPosition, Refusal
from bidding.selectors import FloorFault, auctions_on_floor, floor_fault, floor_place
from bidding.services.lots import floor_command

logger = structlog.get_logger(__name__)

_REBUILDING_MS = 60_000


class Rebuilt(NamedTuple):
    """The epoch under which an auction came back, and what Redis had decided that is not part of it any more."""

    epoch: str
    discarded: list[DiscardedEntry]


def floor_check() -> list[Auction]:
    """Return the auctions that must be rebuilt, and say so in the log."""
    behind = []
    running = (AuctionStatus.SCHEDULED, AuctionStatus.LIVE)
    for auction in auctions_on_floor().filter(status__in=running, ledger__isnull=False).select_related("ledger"):
        try:
            fault = floor_fault(auction, auction.ledger)
            if fault is not None:
                do = "rebuild_live --discard-forked" if fault is FloorFault.FORKED else "rebuild_live"
                logger.error(
                    "floor_differs",
                    fault=fault.value,
                    auction=auction.pk,
                    v=auction.ledger.v,
                    s=auction.ledger.s,
                    do=do,
                )
                behind.append(auction)
        except (RedisError, EngineError, OSError) as error:
            logger.warning("floor_not_checked", auction=auction.pk, error=str(error))
    return behind


def auction_rebuild(*, auction: Auction, discard_forked: bool = False) -> Rebuilt:
    """Write the auction's live state anew from what is stored, under a new epoch.

    Raises Refused where Redis knows the auction well enough, or where it is over. A floor that went on from an older
    state is written over only with `discard_forked`; what it decided since is then kept as `DiscardedEntry`.
    """
    with fenced(floor(), f"rebuild:{auction.pk}", ttl_ms=_REBUILDING_MS) as fence:
        if fence is None:
            raise Refused("busy", _("Somebody else is rebuilding this auction."))
        auction = Auction.objects.get(pk=auction.pk)
        position = LedgerPosition.objects.get(auction=auction)
        if auction.status not in (AuctionStatus.SCHEDULED, AuctionStatus.LIVE):
            raise Refused("over", _("This auction is over; nothing is rebuilt."))
        over = floor_place(auction.pk)
        fault = floor_fault(auction, position)
        if fault is None:
            raise Refused("not_missing", _("The live floor knows this auction."))
        if fault is FloorFault.FORKED and not discard_forked:
            raise Refused(
                "forked",
                _("The live floor went back to an older state and went on: what it decided since is not stored."),
            )
        discarded = _keep_aside(auction) if fault is FloorFault.FORKED else []
        epoch = secrets.token_hex(4)
        past = _Past(auction)
        _write_personal(auction, past)
        latest = Event.objects.filter(auction=auction).order_by("-at_ms").values_list("at_ms", flat=True).first()
        done = floor_command(
            auction.pk,
            calls.rebuild(
                auction.pk,
                epoch=epoch,
                exponent=auction.currency.exponent,
                v=position.v,
                s=position.s,
                status=past.status,
                latest_ms=latest or 0,
                over=over,
                rest=past.shared(),
            ),
        )
        logger.warning("floor_rebuilt", auction=auction.pk, epoch=done.epoch, v=done.v, discarded=len(discarded))
        return Rebuilt(done.epoch, discarded)


def _keep_aside(auction: Auction) -> list[DiscardedEntry]:
    """Keep what the log in Redis holds and the database does not, and return it."""
    raw: Any = floor().xrange(AuctionKeys(auction.pk).log)
    entries = [LogEntry.read(*each) for each in raw]
    stored = set(Event.objects.filter(auction=auction).values_list("v", "s", "salt")) if entries else set()
    unstored = [entry for entry in entries if (entry.v, entry.s, entry.own_salt) not in stored]
    kept = [
        DiscardedEntry(
            auction=auction,
            v=entry.v,
            s=entry.s,
            kind=entry.kind,
            at_ms=entry.at_ms,
            epoch=entry.epoch,
            public=entry.public,
            private=entry.private,
            salt=entry.own_salt,
        )
        for entry in unstored
    ]
    # A rebuild that was refused because Redis went on meanwhile has kept some of them already.
    DiscardedEntry.objects.bulk_create(kept, ignore_conflicts=True)
    return kept


@dataclass
class _Past:
    """What the stored log says of the present: the current lot, its offers, and the answers that were given."""

    auction: Auction
    status: str = AuctionStatus.SCHEDULED.value
    frozen: dict[str, Any] | None = None
    lot: dict[str, str] = field(default_factory=dict)
    offers: list[dict[str, Any]] = field(default_factory=list)
    pre_bids: dict[int, dict[int, str]] = field(default_factory=dict)
    answers: dict[int, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for event in Event.objects.filter(auction=self.auction).order_by("v", "s").iterator():
            self._apply(event)
        for refusal in Refusal.objects.filter(auction=self.auction).exclude(bid_id="").order_by("pk").iterator():
            self._remember(refusal.registration_id, refusal.bid_id, refusal.fingerprint, refusal.answer)
        self._pause()
        self.lot.pop("seen", None)
        # A bidder's maxima only rise, so the leader's latest offer is the one that leads.
        leading = [offer["place"] for offer in self.offers if str(offer["registration"]) == self.lot.get("leader")]
        self.lot |= {"place": ",".join(map(str, leading[-1]))} if leading else {}

    def shared(self) -> dict[str, Any]:
        """Return what the script writes: everything but what belongs to single bidders."""
        registrations = Registration.objects.filter(auction=self.auction)
        barred = set(barred_people(self.auction).values_list("pk", flat=True))
        pending = Lot.objects.filter(auction=self.auction, status=LotStatus.PENDING)
        runs = LotRun.objects.filter(auction=self.auction)
        sold = runs.filter(result=LotResult.SOLD).values_list("winner").annotate(Sum("hammer_amount"))
        return {
            "frozen": self.frozen,
            "lot": self.lot,
            "registrations": {
                str(bidder.pk): "|".join(
                    (
                        str(bidder.paddle),
                        bidder.status,
                        "" if bidder.spending_limit is None else str(bidder.spending_limit),
                        "1" if bidder.user_id in barred else "0",
                    )
                )
                for bidder in registrations
            },
            "catalogue": {
                str(lot.pk): json.dumps(
                    {"opening": lot.opening_amount, "buy_now": lot.buy_now_amount, "cap": lot.cap_amount}
                )
                for lot in pending
            },
            "won": {str(winner): str(total) for winner, total in sold},
            "offers": [json.dumps(offer, separators=(",", ":")) for offer in self.offers],
            "recent": self._history(),
            "runs": [str(run) for run in runs.exclude(opened_at_ms=None).values_list("pk", flat=True)],
        }

    def _history(self) -> list[str]:
        """Return the price's history of the current lot as the room has it, newest first."""
        bids = Bid.objects.filter(run=int(self.lot.get("run", 0)), voided_at_v=None).select_related("registration")
        exponent = self.auction.currency.exponent
        return [
            json.dumps(
                {
                    "v": bid.v,
                    "amount": format_amount(bid.amount, exponent),
                    "paddle": bid.registration.paddle,
                    "automatic": bid.automatic,
                    "at_ms": bid.at_ms,
                },
                separators=(",", ":"),
            )
            for bid in bids.order_by("-v", "-pk")
        ]

    def _apply(self, event: Event) -> None:
        public: dict[str, Any] = json.loads(event.public) if event.public else {}
        private: dict[str, Any] = json.loads(event.private)
        match event.kind:
            case "AUCTION_LIVE":
                self.status = AuctionStatus.LIVE.value
            case "LOT_OPENED":
                self._open(event, public, private)
            case "HIGHEST_BID" | "MAX_RAISED":
                self._take(event, public, private)
            case "PRE_BID":
                answer = private.pop("answer")
                self._remember(private["registration"], private["id"], private["asked"], json.dumps(answer))
                stored = f"{event.v}-{event.s} {json.dumps(private, separators=(',', ':'))}"
                self.pre_bids.setdefault(private["lot"], {})[private["registration"]] = stored
            case "LOT_EXTENDED":
                self.lot |= {
                    "ends": str(public["ends_at_ms"]),
                    "extensions_used": str(public["extensions"]["used"]),
                }
            case "LOT_PAUSED":
                self.lot |= {
                    "status": "paused",
                    "ends": "",
                    "remaining": str(public["remaining_ms"]),
                    "pause_reason": public["reason"],
                }
            case "LOT_RESUMED":
                self.lot |= {"status": "open", "ends": str(public["ends_at_ms"]), "remaining": ""}
            case "FAIR_WARNING":
                self.lot["ends"] = str(public["ends_at_ms"])
            case "BID_VOIDED":
                self._void(public, private)
            case "LOT_CLOSED":
                self.lot |= {
                    "status": public["result"],
                    "result": public["result"],
                    "reason": public["reason"],
                    "closing": str(public["closing_number"]),
                    "closed": str(event.at_ms),
                }
            case "LOT_REOPENED":
                self.lot |= {
                    "status": "open",
                    "result": "",
                    "reason": "",
                    "closed": "",
                    "ends": str(public["ends_at_ms"]),
                    "remaining": "",
                }
                if public["reason"] == protocol.RESERVE_WAIVED and self.frozen is not None:
                    self.frozen.pop("reserve", None)
            case "REBUILT":
                self._pause()
        if self.lot:
            self.lot["seen"] = str(event.at_ms)

    def _pause(self) -> None:
        """Stop an open lot's clock with what was left of it, and at least its window: what a rebuild does."""
        if self.frozen is None or self.lot.get("status") != LotStatus.OPEN:
            return
        left = int(self.lot["ends"]) - int(self.lot["seen"])
        self.lot |= {
            "status": LotStatus.PAUSED.value,
            "remaining": str(max(left, self.frozen["window"], 1_000)),
            "ends": "",
            "hammer_at": "",
            "pause_reason": protocol.PauseReason.REBUILT.value,
        }

    def _open(self, event: Event, public: dict[str, Any], private: dict[str, Any]) -> None:
        run = LotRun.objects.get(events=event)
        shown, rules = public["lot"], run.rules
        self.frozen = {
            "id": shown["id"],
            "run": str(run.pk),
            "number": shown["number"],
            "title": shown["title"],
            "image": shown["image_url"] or "",
            "opening": rules["opening"],
            "increments": rules["increments"],
            "window": rules["window_ms"],
            "extension": rules["extension_ms"],
            "mode": rules["extension_mode"],
            "extensions_allowed": rules["extension_cap"],
        } | {name: rules[name] for name in ("reserve", "cap") if rules[name] is not None}
        self.lot = {
            "id": str(shown["id"]),
            "run": str(run.pk),
            "status": "open",
            "buy_now": _text(rules["buy_now"]) if shown["buy_now_amount"] else "",
            "ends": str(shown["ends_at_ms"]),
            "extensions_used": "0",
            "bids": str(shown["bid_count"]),
            "closing": "0",
            "opened": str(event.at_ms),
            "beat": str(event.at_ms),
            "price": "",
            "leader": _text(private["leader"]),
            "max": _text(private["max"]),
            "paddle": _text(shown["leader"] and shown["leader"]["paddle"]),
        }
        if private["bids"]:
            self.lot["price"] = str(private["bids"][-1][1])
        self.offers = list(private["pre_bids"])
        self.pre_bids.pop(shown["id"], None)

    def _take(self, event: Event, public: dict[str, Any], private: dict[str, Any]) -> None:
        answer = private.pop("answer")
        self._remember(private["registration"], private["id"], private["asked"], json.dumps(answer))
        self.lot |= {"leader": str(private["leader"]), "max": str(private["max"]), "hammer_at": ""}
        if public:
            self.lot |= {
                "price": str(private["bids"][-1][1]),
                "paddle": str(public["leader"]["paddle"]),
                "bids": str(public["bid_count"]),
                "ends": str(public["ends_at_ms"]),
                "buy_now": self.lot["buy_now"] if public["buy_now_amount"] else "",
            }
        kept = ("registration", "paddle", "kind", "amount", "maximum", "id", "channel", "entered_by", "asked")
        self.offers.append({name: private[name] for name in kept} | {"place": [event.v, event.s]})

    def _void(self, public: dict[str, Any], private: dict[str, Any]) -> None:
        self.offers = [offer for offer in self.offers if offer["place"] != private["place"]]
        exponent = self.auction.currency.exponent
        price = public["current_amount"]
        self.lot |= {
            "price": "" if price is None else str(int(price.replace(".", "")) if exponent else int(price)),
            "leader": _text(private["leader"]),
            "max": _text(private["max"]),
            "paddle": _text(public["leader"] and public["leader"]["paddle"]),
            "bids": str(public["bid_count"]),
        }

    def _remember(self, registration_id: int, bid_id: str, asked: str, answer: str) -> None:
        if bid_id:
            self.answers.setdefault(registration_id, {})[bid_id] = f"{asked}\n{answer}"


def _write_personal(auction: Auction, past: _Past) -> None:
    """Write what belongs to single bidders first: the script that follows makes the auction known."""
    keys = AuctionKeys(auction.pk)
    pipe = floor().pipeline(transaction=False)
    # An older state, or one that is discarded, may have left answers that are not true.
    for lot_id in Lot.objects.filter(auction=auction).values_list("pk", flat=True):
        pipe.delete(keys.pre_bids(lot_id))
    for bidder in Registration.objects.filter(auction=auction).values_list("pk", flat=True):
        pipe.delete(keys.own_pre_bids(bidder), keys.answers(bidder), keys.answer_ids(bidder))
    own: dict[int, dict[int, int]] = {}
    for lot_id, bids in past.pre_bids.items():
        for registration_id, stored in bids.items():
            pipe.hset(keys.pre_bids(lot_id), str(registration_id), stored)
            own.setdefault(registration_id, {})[lot_id] = json.loads(stored.partition(" ")[2])["maximum"]
    for registration_id, lots in own.items():
        for lot_id, maximum in lots.items():
            pipe.hset(keys.own_pre_bids(registration_id), str(lot_id), maximum)
    for registration_id, answers in past.answers.items():
        latest = dict(list(answers.items())[-calls.ANSWERS_REMEMBERED :])
        for bid_id, answer in latest.items():
            pipe.hset(keys.answers(registration_id), bid_id, answer)
        pipe.rpush(keys.answer_ids(registration_id), *latest)
    pipe.execute()


def _text(value: int | None) -> str:
    return "" if value is None else str(value)
