"""Who was outbid and who won, told to people who may be away: what the ledger notes while it stores a batch.

Owns the rows of `Notification` that come from the log. A batch may change the lead of a run many times; only what is so
at its end is told.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

import msgspec
from django.db.models import Q, Sum
from django.utils import timezone

from auctions.models import Auction, Order, OrderStatus, Registration
from bidding.models import Event, Notification, NotificationKind

_LEAD_CHANGES = ("LOT_OPENED", "HIGHEST_BID", "BID_VOIDED")


@dataclass(frozen=True, slots=True)
class _Loss:
    """The moment at which somebody was outbid."""

    amount: int
    v: int
    at_ms: int


@dataclass(slots=True)
class _Race:
    """The lead of one run within one batch: who has it, and who lost it when."""

    leader: int | None
    lost: dict[int, _Loss] = field(default_factory=dict)

    def pass_on(self, leader: int | None, loss: _Loss | None = None) -> None:
        if self.leader is not None and self.leader != leader and loss is not None:
            self.lost[self.leader] = loss
        self.leader = leader
        if leader is not None:
            self.lost.pop(leader, None)


class Outbids:
    """The leads of the runs of one batch."""

    def __init__(self, auction: Auction) -> None:
        self._auction = auction
        self._races: dict[int, _Race] = {}

    def opened(self, *, run_id: int, leader: int, bidders: Collection[int], amount: int, v: int, at_ms: int) -> None:
        """Take a lot that opened with a leader: whose pre-bids came to nothing was outbid."""
        race = self._races[run_id] = _Race(None, dict.fromkeys(bidders, _Loss(amount, v, at_ms)))
        race.pass_on(leader)

    def bid(self, *, run_id: int, leader: int, amount: int, v: int, at_ms: int) -> None:
        """Take a bid that counted."""
        self._race(run_id, v).pass_on(leader, _Loss(amount, v, at_ms))

    def voided(self, *, run_id: int, leader: int | None, v: int) -> None:
        """Take a voided bid: who lost the lead by it was not outbid, and who got it back no longer is."""
        self._race(run_id, v).pass_on(leader)

    def save(self) -> None:
        """Tell those who lost a lead and do not have it again; take back what is no longer so."""
        concerned = {who for race in self._races.values() for who in (*race.lost, race.leader) if who is not None}
        if not concerned:
            return
        now = timezone.now()
        users = dict(Registration.objects.filter(pk__in=concerned, user__isnull=False).values_list("pk", "user"))
        told = []
        for run_id, race in self._races.items():
            if race.leader in users:
                Notification.objects.filter(kind=NotificationKind.OUTBID, run=run_id, user=users[race.leader]).delete()
            losers = [who for who in sorted(race.lost) if who in users]
            # What was read is told as something new; what was not is brought up to date, and was sent already.
            Notification.objects.filter(
                kind=NotificationKind.OUTBID, run=run_id, user__in=[users[who] for who in losers], read_at__isnull=False
            ).delete()
            told += [
                Notification(
                    user_id=users[who],
                    auction=self._auction,
                    run_id=run_id,
                    kind=NotificationKind.OUTBID,
                    amount=race.lost[who].amount,
                    v=race.lost[who].v,
                    at_ms=race.lost[who].at_ms,
                    due_at=now,
                )
                for who in losers
            ]
        Notification.objects.bulk_create(
            told,
            update_conflicts=True,
            unique_fields=["user", "run", "kind"],
            update_fields=["amount", "v", "at_ms"],
        )
        self._races.clear()

    def _race(self, run_id: int, before_v: int) -> _Race:
        race = self._races.get(run_id)
        if race is None:
            race = self._races[run_id] = _Race(self._leader_before(run_id, before_v))
        return race

    def _leader_before(self, run_id: int, before_v: int) -> int | None:
        """Return who led the run before a version, as the log tells."""
        changes = Event.objects.filter(auction=self._auction, run=run_id, v__lt=before_v, kind__in=_LEAD_CHANGES)
        private = changes.order_by("-v").values_list("private", flat=True).first()
        leader: int | None = None if private is None else msgspec.json.decode(private)["leader"]
        return leader


def wins_tell(auction: Auction, *, v: int, at_ms: int) -> None:
    """Tell each buyer once what the show, which is over, comes to for them. Harmless when repeated."""
    now = timezone.now()
    orders = (
        Order.objects.filter(auction=auction, buyer__user__isnull=False)
        .exclude(status=OrderStatus.CANCELLED)
        .values("buyer__user")
        .annotate(total=Sum("lines__amount", filter=Q(lines__cancelled_at=None)))
        .order_by("buyer__user")
    )
    told = [
        Notification(
            user_id=order["buyer__user"],
            auction=auction,
            kind=NotificationKind.WON,
            amount=order["total"] or 0,
            v=v,
            at_ms=at_ms,
            due_at=now,
        )
        for order in orders
    ]
    Notification.objects.bulk_create(told, ignore_conflicts=True)
