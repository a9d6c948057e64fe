"""The state of the site for its staff: what is wrong with the shows on the floor and what they stand on; what to do.

Reads alone: unlike the clock's look at an auction it leaves no sign that somebody was there. Decides nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from redis.exceptions import RedisError

from auctions.models import Auction, AuctionStatus, FloorCommand, Lot, PictureWatch
from bidding.engine.keys import AuctionKeys
from bidding.floor import floor, side
from bidding.models import LedgerPosition, Report, ReportDecision
from bidding.selectors import FloorFault, auctions_on_floor, floor_fault

LATE_MS: Final = 3_000
"""So long after its end a lot that is still open is stuck."""
UNSEEN_MS: Final = 10_000
"""So long without a clock's look an open lot has none."""
BEHIND: Final = timedelta(seconds=10)
"""For so long the ledger, or a command for the floor, may wait."""
WAITING: Final = 200
"""So many tasks in a queue are too many."""
SHOWN: Final = 50
_QUEUES: Final = ("ticks", "default", "images")


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that is wrong, and what to do about it: a sentence each."""

    what: str
    do: str


@dataclass(frozen=True, slots=True)
class ShowState:
    """One auction on the floor."""

    auction: Auction
    v: int | None
    stored_v: int
    late_ms: int | None
    """How long an open lot is past its end; None where none is."""
    troubles: list[Trouble]

    @property
    def behind(self) -> int:
        """How many versions are decided and not stored."""
        return max((self.v or 0) - self.stored_v, 0)


@dataclass(frozen=True, slots=True)
class SiteState:
    """The site as it is now."""

    troubles: list[Trouble]
    """Of what all shows stand on."""
    shows: list[ShowState]
    queues: dict[str, int]
    reports: int
    """How many reports of people wait."""

    @property
    def is_well(self) -> bool:
        """Whether there is nothing to do."""
        return not self.troubles and not any(show.troubles for show in self.shows)


def site_state() -> SiteState:
    """Return how the site is now."""
    troubles: list[Trouble] = []
    queues: dict[str, int] = {}
    try:
        floor().ping()
    except (RedisError, OSError):
        troubles.append(
            Trouble(
                _("The floor cannot be reached: every bid is refused openly."),
                _("Start Redis at REDIS_URL again. If it lost its data, run `manage.py rebuild_live`."),
            )
        )
    try:
        pipe = side().pipeline(transaction=False)
        for name in _QUEUES:
            pipe.llen(name)
        queues = dict(zip(_QUEUES, pipe.execute(), strict=True))
    except (RedisError, OSError):
        troubles.append(
            Trouble(
                _("The side server cannot be reached: no clock, no chat, no live pages."),
                _("Start Redis at SIDE_REDIS_URL again. It holds nothing that lasts."),
            )
        )
    for name, waiting in queues.items():
        if waiting > WAITING:
            what = _("%(count)d tasks wait in the queue %(name)s.") % {"count": waiting, "name": name}
            troubles.append(Trouble(what, _("Start another worker of this queue, or see why the one there stands.")))
    auctions = auctions_on_floor().select_related("organizer")[:SHOWN]
    positions = LedgerPosition.objects.in_bulk([auction.pk for auction in auctions])
    return SiteState(
        troubles=troubles,
        shows=[_show(auction, positions.get(auction.pk)) for auction in auctions],
        queues=queues,
        reports=Report.objects.filter(decision=ReportDecision.OPEN).count(),
    )


def _show(auction: Auction, position: LedgerPosition | None) -> ShowState:
    stored_v = position.v if position is not None else 0
    try:
        pipe = floor().pipeline(transaction=False)
        keys = AuctionKeys(auction.pk)
        pipe.hmget(keys.state, "v")
        pipe.hmget(keys.lot, "id", "status", "ends", "beat")
        pipe.time()
        (v,), lot, (seconds, micros) = pipe.execute()
        fault = floor_fault(auction, position) if position is not None else None
    except (RedisError, OSError):
        return ShowState(auction, None, stored_v, None, [])
    now_ms = seconds * 1_000 + micros // 1_000
    lot_id, status, ends, beat = (each.decode() if each is not None else "" for each in lot)
    is_open = status == "open" and auction.status == AuctionStatus.LIVE
    late_ms = max(now_ms - int(ends), 0) if is_open and ends else None
    seen_ms = int(beat) if is_open and beat else None
    version = None if v is None else int(v)
    troubles = [
        *_faults(fault),
        *_clock(lot_id, late_ms, None if seen_ms is None else now_ms - seen_ms),
        *_ledger(position, version),
        *_waiting(auction),
    ]
    return ShowState(auction, version, stored_v, late_ms, troubles)


def _faults(fault: FloorFault | None) -> Iterator[Trouble]:
    if fault == FloorFault.MISSING:
        yield Trouble(
            _("The floor does not know this auction."),
            _("Run `manage.py rebuild_live`: its lots come back paused."),
        )
    elif fault is not None:
        yield Trouble(
            _("The floor went back to an older state than what is stored."),
            _("Run `manage.py rebuild_live --discard-forked`, then settle what was discarded."),
        )


def _clock(lot_id: str, late_ms: int | None, unseen_ms: int | None) -> Iterator[Trouble]:
    number = Lot.objects.filter(pk=lot_id or 0).values_list("number", flat=True).first() or lot_id
    if late_ms is not None and late_ms > LATE_MS:
        yield Trouble(
            _("Lot %(number)s is %(seconds)d s past its end and not closed. Bids for it are refused.")
            % {"number": number, "seconds": late_ms // 1_000},
            _("See that the beat and a worker of the queue ticks run."),
        )
    elif late_ms == 0 and unseen_ms is not None and unseen_ms > UNSEEN_MS:
        yield Trouble(
            _("No clock has looked at lot %(number)s for %(seconds)d s.")
            % {"number": number, "seconds": unseen_ms // 1_000},
            _("See that the beat and a worker of the queue ticks run."),
        )


def _ledger(position: LedgerPosition | None, v: int | None) -> Iterator[Trouble]:
    if position is None or v is None or v <= position.v or timezone.now() - position.updated_at < BEHIND:
        return
    count = v - position.v
    yield Trouble(
        ngettext("%(count)d entry is not stored.", "%(count)d entries are not stored.", count) % {"count": count},
        _("See that `manage.py run_ledger` runs and the database takes writes. Bidding goes on meanwhile."),
    )


def _waiting(auction: Auction) -> Iterator[Trouble]:
    since = timezone.now() - BEHIND
    count = FloorCommand.objects.filter(auction=auction, done_at=None, created_at__lt=since).count()
    if count:
        yield Trouble(
            ngettext("%(count)d command waits for the floor.", "%(count)d commands wait for the floor.", count)
            % {"count": count},
            _("A ban or a new paddle is not in force yet: see that a worker of the queue ticks runs."),
        )
    if PictureWatch.objects.filter(auction=auction, lost_at__isnull=False).exists():
        yield Trouble(_("The picture is lost."), _("Tell the host to look at the camera or OBS."))
