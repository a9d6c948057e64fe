"""Signs that bids may not be meant, for the site's staff: each with its evidence. Nothing follows from them by itself.

A family or an office shares an address too: a sign is a reason to look, and no proof. Reads alone; what accounts share
is known by keyed hashes (`accounts.traces`), and an address of very many tells nothing and is left out.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from django.conf import settings
from django.db.models import Count
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import Membership, Organizer, Trace, TraceKind, User
from auctions.models import Lot, LotRun, LotStatus
from bidding.models import Bid

MOST_SHARED: Final = 10
"""What more accounts have in common is a company's or a carrier's address."""
LOTS_NEVER_WON: Final = 8
"""On so many lots of one house somebody bid who won none, and bid nowhere else."""
RING: Final = 3
MOST_DIGESTS: Final = 2_000
SHOWN: Final = 100
_LOTS_SHOWN: Final = 5


class Sign(StrEnum):
    """What was noticed; the first is the gravest."""

    HOUSE = "house"
    RING = "ring"
    SAME_LOT = "same_lot"
    NEVER_WINS = "never_wins"


SIGNS: Final = {
    Sign.HOUSE: gettext_lazy("A bidder shares an address or device with who works for the house"),
    Sign.RING: gettext_lazy("A ring of accounts bids at one house"),
    Sign.SAME_LOT: gettext_lazy("Accounts with something in common bid against each other"),
    Sign.NEVER_WINS: gettext_lazy("Bids at one house alone and never wins"),
}


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing to look at: who, at which house, and what it rests on."""

    sign: Sign
    people: list[User]
    organizer: Organizer
    evidence: list[str]
    lots: list[Lot]
    """Lots at which it can be seen, the latest first."""

    @property
    def title(self) -> str:
        """What was noticed, in words."""
        return str(SIGNS[self.sign])


def signals_now() -> list[Signal]:
    """Return what is to be looked at, the gravest first, of the time for which traces are kept."""
    found = [*_of_groups(), *_never_winning()]
    order = list(Sign)
    found.sort(key=lambda signal: (order.index(signal.sign), -len(signal.people), -len(signal.lots)))
    return found[:SHOWN]


def _since_ms() -> int:
    return round((timezone.now() - timedelta(days=settings.TRACE_DAYS)).timestamp() * 1_000)


# --- Accounts that have something in common ----------------------------------------------------------------


@dataclass(slots=True)
class _Group:
    """Accounts that are linked, directly or by others, and by what."""

    people: set[int]
    shared: dict[TraceKind, int]


def _groups() -> list[_Group]:
    fresh = Trace.objects.filter(
        last_seen_at__gt=timezone.now() - timedelta(days=settings.TRACE_DAYS), user__closed_at=None
    )
    counted = fresh.values("digest").annotate(people=Count("user", distinct=True)).order_by("-people", "digest")
    digests = counted.filter(people__gte=2, people__lte=MOST_SHARED).values_list("digest", flat=True)[:MOST_DIGESTS]
    by_digest: dict[str, tuple[TraceKind, set[int]]] = {}
    for digest, kind, user_id in fresh.filter(digest__in=list(digests)).values_list("digest", "kind", "user"):
        by_digest.setdefault(digest, (TraceKind(kind), set()))[1].add(user_id)
    groups: list[_Group] = []
    for kind, people in by_digest.values():
        touched = [group for group in groups if group.people & people]
        merged = _Group(set(people), {kind: 1})
        for group in touched:
            groups.remove(group)
            merged.people |= group.people
            for name, count in group.shared.items():
                merged.shared[name] = merged.shared.get(name, 0) + count
        groups.append(merged)
    return groups


def _of_groups() -> Iterator[Signal]:
    groups = _groups()
    everybody = {person for group in groups for person in group.people}
    people = User.objects.in_bulk(everybody)
    working: dict[int, set[int]] = defaultdict(set)
    for user_id, organizer_id in Membership.objects.filter(user__in=everybody).values_list("user", "organizer"):
        working[organizer_id].add(user_id)
    # For each house: who of them bid at which runs. Distinct, so it grows with lots and not with bids.
    bids = Bid.objects.filter(
        registration__user__in=everybody, at_ms__gte=_since_ms(), run__auction__is_rehearsal=False
    )
    at: dict[int, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
    for user_id, run_id, organizer_id in (
        bids.order_by().values_list("registration__user", "run", "run__auction__organizer").distinct()
    ):
        at[organizer_id][user_id].add(run_id)
    houses = Organizer.objects.in_bulk(at)
    for group in groups:
        for organizer_id, runs_of in at.items():
            bidders = {person: runs_of[person] for person in group.people if person in runs_of}
            if bidders:
                yield from _signs(group, bidders, working[organizer_id], houses[organizer_id], people)


def _signs(
    group: _Group, bidders: dict[int, set[int]], working: set[int], house: Organizer, people: dict[int, User]
) -> Iterator[Signal]:
    insiders = group.people & working
    if insiders - set(bidders) or (insiders and len(bidders) > 1):
        runs = set().union(*bidders.values())
        yield _signal(Sign.HOUSE, group, {*bidders, *insiders}, house, people, runs)
    if len(bidders) >= RING:
        yield _signal(Sign.RING, group, set(bidders), house, people, set().union(*bidders.values()))
    seen: set[int] = set()
    together: set[int] = set()
    for runs in bidders.values():
        together |= seen & runs
        seen |= runs
    if together:
        who = {person for person, runs in bidders.items() if runs & together}
        yield _signal(Sign.SAME_LOT, group, who, house, people, together)


def _signal(
    sign: Sign, group: _Group, who: set[int], house: Organizer, people: dict[int, User], runs: set[int]
) -> Signal:
    evidence = [
        ngettext("%(count)d address in common", "%(count)d addresses in common", count) % {"count": count}
        if kind == TraceKind.ADDRESS
        else ngettext("%(count)d device in common", "%(count)d devices in common", count) % {"count": count}
        for kind, count in sorted(group.shared.items())
    ]
    evidence.append(ngettext("%(count)d lot bid on", "%(count)d lots bid on", len(runs)) % {"count": len(runs)})
    if sign == Sign.SAME_LOT:
        evidence[-1] = ngettext(
            "%(count)d lot on which they bid against each other",
            "%(count)d lots on which they bid against each other",
            len(runs),
        ) % {"count": len(runs)}
    return Signal(sign, [people[person] for person in sorted(who)], house, evidence, _lots(runs))


# --- Who never wins --------------------------------------------------------------------------------------


def _never_winning() -> Iterator[Signal]:
    counted = (
        Bid.objects.filter(
            registration__user__isnull=False,
            registration__user__closed_at=None,
            at_ms__gte=_since_ms(),
            run__auction__is_rehearsal=False,
            run__closed_at_ms__isnull=False,
        )
        .order_by()
        .values("registration__user")
        .annotate(
            houses=Count("run__auction__organizer", distinct=True),
            runs=Count("run", distinct=True),
            bids=Count("pk"),
        )
        .filter(houses=1, runs__gte=LOTS_NEVER_WON)
    )
    rows = {row["registration__user"]: row for row in counted.order_by("-runs", "registration__user")[:SHOWN]}
    winners = LotRun.objects.filter(status=LotStatus.SOLD, winner__user__in=rows)
    won = set(winners.values_list("winner__user", flat=True))
    people = User.objects.in_bulk(rows)
    for user_id, row in rows.items():
        if user_id in won:
            continue
        own = Bid.objects.filter(registration__user=user_id, at_ms__gte=_since_ms())
        runs = set(own.order_by("-run").values_list("run", flat=True).distinct()[: 10 * _LOTS_SHOWN])
        house = Organizer.objects.filter(auctions__lots__runs__in=runs).distinct().first()
        if house is None:
            continue
        evidence = [
            _("%(lots)d lots bid on, %(bids)d bids, nothing won") % {"lots": row["runs"], "bids": row["bids"]},
            _("no bid at another house"),
        ]
        yield Signal(Sign.NEVER_WINS, [people[user_id]], house, evidence, _lots(runs))


def _lots(runs: set[int]) -> list[Lot]:
    return list(Lot.objects.filter(runs__in=runs).distinct().order_by("-pk")[:_LOTS_SHOWN])
