"""The chapters of a recorded show: each offering of a lot from "open" to its end, and where in the recording it is.

What was offered when is read from the stored log; what was recorded when, from the rows of the parts. All parts
together are one line of time without the gaps between them, in seconds from the first picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from django.utils.translation import gettext as _

from auctions.models import Auction, Lot, LotResult, StreamRecording
from bidding import protocol
from bidding.models import Event
from bidding.selectors import recordings_of

_KINDS: Final = ("LOT_OPENED", "LOT_CLOSED", "LOT_REOPENED", "REBUILT")
_LEAST_S: Final = 0.5
"""A part that is shorter shows nothing of a lot."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the recording; times in ms since the epoch, `begins_s` on the line of all parts."""

    recording: StreamRecording
    started_ms: int
    ended_ms: int
    begins_s: float

    @property
    def lasts_s(self) -> float:
        """How long it is."""
        return (self.ended_ms - self.started_ms) / 1000


@dataclass(frozen=True, slots=True)
class Place:
    """A moment of the recording: the part and the second in it."""

    part: Part
    second: float

    @property
    def at_s(self) -> float:
        """The second on the line of all parts."""
        return self.part.begins_s + self.second

    @property
    def clock(self) -> str:
        """The same as a player shows it, like 4:05 or 1:04:05."""
        minutes, seconds = divmod(int(self.at_s), 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


class Beginning(StrEnum):
    """How a chapter begins."""

    OPENED = "opened"
    REOPENED = "reopened"
    REBUILT = "rebuilt"
    """The floor was lost and came back while the lot was open."""


@dataclass(frozen=True, slots=True)
class Chapter:
    """One stretch in which a lot was offered. `amount` is as the wire writes it; times are Redis' clock.

    A lot that was reopened, or was open when the floor was rebuilt, has several; so has one that was offered again.
    """

    v: int
    """The version with which it begins."""
    lot: Lot
    run_id: int
    attempt: int
    beginning: Beginning
    opening: int
    """The opening bid in minor units, which another run of the lot may have lower."""
    opened_at_ms: int
    closed_at_ms: int | None = None
    result: str = ""
    """Empty while it is offered, and where the floor was lost."""
    reason: str = ""
    amount: str | None = None
    paddle: int | None = None
    start: Place | None = None
    """None, as the stop, where nothing was recorded meanwhile."""
    stop: Place | None = None

    @property
    def words(self) -> str:
        """What tells it from the other chapters of its lot."""
        return {
            Beginning.REOPENED: _("reopened"),
            Beginning.REBUILT: _("after an outage"),
            Beginning.OPENED: _("offered again") if self.attempt > 1 else "",
        }[self.beginning]

    @property
    def is_sold(self) -> bool:
        """Whether it ended with a sale."""
        return self.result == LotResult.SOLD


def parts_of(auction: Auction) -> list[Part]:
    """Return the parts of a show's recording that have a length, in their order."""
    parts: list[Part] = []
    begins_s = 0.0
    for recording in recordings_of(auction):
        if recording.ended_at is None:
            continue
        started_ms, ended_ms = (
            round(moment.timestamp() * 1000) for moment in (recording.started_at, recording.ended_at)
        )
        if ended_ms - started_ms < _LEAST_S * 1000:
            continue
        parts.append(Part(recording, started_ms, ended_ms, begins_s))
        begins_s += parts[-1].lasts_s
    return parts


def place_after(parts: Sequence[Part], at_ms: int) -> Place | None:
    """Return the first recorded moment that is not before a time; None where nothing was recorded after it."""
    for part in parts:
        if at_ms < part.ended_ms:
            return Place(part, max(0, at_ms - part.started_ms) / 1000)
    return None


def place_before(parts: Sequence[Part], at_ms: int) -> Place | None:
    """Return the last recorded moment that is not after a time; None where nothing was recorded before it."""
    for part in reversed(parts):
        if at_ms > part.started_ms:
            return Place(part, (min(at_ms, part.ended_ms) - part.started_ms) / 1000)
    return None


def chapters_of(auction: Auction, parts: Sequence[Part]) -> list[Chapter]:
    """Return all that was offered in a show, also what is offered now, in its order."""
    lots = {lot.pk: lot for lot in auction.lots.all()}
    stored = Event.objects.filter(auction=auction, s=0, kind__in=_KINDS).select_related("run").order_by("v")
    found: list[Chapter] = []
    for event in stored:
        running = found[-1] if found and found[-1].closed_at_ms is None else None
        public = protocol.decode_event(event.public)
        match event.kind:
            case "LOT_CLOSED" if running is not None:
                winner = public["winner"]
                found[-1] = replace(
                    running,
                    closed_at_ms=event.at_ms,
                    result=public["result"],
                    reason=public["reason"],
                    amount=public["amount"],
                    paddle=winner and winner["paddle"],
                )
            case "REBUILT" if running is not None:
                found[-1] = replace(running, closed_at_ms=event.at_ms)
                found.append(replace(running, v=event.v, beginning=Beginning.REBUILT, opened_at_ms=event.at_ms))
            case "LOT_OPENED" | "LOT_REOPENED" if event.run is not None:
                found.append(
                    Chapter(
                        v=event.v,
                        lot=lots[event.run.lot_id],
                        run_id=event.run.pk,
                        attempt=event.run.attempt,
                        beginning=Beginning.OPENED if event.kind == "LOT_OPENED" else Beginning.REOPENED,
                        opening=event.run.rules["opening"],
                        opened_at_ms=event.at_ms,
                    )
                )
    return [_placed(chapter, parts) for chapter in found]


def chapter_of_lot(auction: Auction, lot_id: int) -> Chapter | None:
    """Return the chapter that shows how a lot ended, as far as it was recorded: the last one."""
    parts = parts_of(auction)
    if not parts:
        return None
    of_lot = [chapter for chapter in chapters_of(auction, parts) if chapter.lot.pk == lot_id]
    return of_lot[-1] if of_lot and of_lot[-1].start is not None else None


def _placed(chapter: Chapter, parts: Sequence[Part]) -> Chapter:
    start = place_after(parts, chapter.opened_at_ms)
    until = chapter.closed_at_ms
    stop = place_before(parts, until) if until is not None else (_end(parts) if parts else None)
    if start is None or stop is None or stop.at_s <= start.at_s:
        return chapter
    return replace(chapter, start=start, stop=stop)


def _end(parts: Sequence[Part]) -> Place:
    return Place(parts[-1], parts[-1].lasts_s)
