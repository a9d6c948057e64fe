"""What the replay of a show shows: its recording, its chapters, and how the price went in each. Changes nothing."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import structlog
from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse

from accounts.models import User
from auctions.models import Auction, AuctionStatus, Registration, RegistrationStatus, StreamRecording
from auctions.permissions import AnyUser, viewable_auctions
from auctions.presenting import MoneyStyle, money_config, money_style, span_text
from auctions.recordings import room_left
from auctions.streaming import provider, provider_of
from bidding.chapters import Chapter, Part, chapters_of, parts_of, place_after
from bidding.models import Bid, Event
from bidding.selectors import recordings_of

logger = structlog.get_logger(__name__)

_HAS_BEEN_LIVE = (AuctionStatus.LIVE, AuctionStatus.ENDED, AuctionStatus.CANCELLED)


@dataclass(frozen=True)
class ReplayPage:
    """The replay of one show, or of what there is of it so far."""

    auction: Auction
    parts: list[Part]
    chapters: list[Chapter]
    style: MoneyStyle

    @property
    def is_whole(self) -> bool:
        """Whether the show is over."""
        return self.auction.status != AuctionStatus.LIVE

    @cached_property
    def config(self) -> dict[str, Any]:
        """What the page's script needs: parts, chapters with their bids, and how amounts are written."""
        shown = [chapter for chapter in self.chapters if chapter.start is not None]
        bids = _bids(self.auction)
        return {
            "parts": [self._part(part) for part in self.parts],
            "chapters": [self._chapter(chapter, bids.get(chapter.run_id, [])) for chapter in shown],
            "currency": money_config(self.style),
        }

    def _part(self, part: Part) -> dict[str, Any]:
        recording = part.recording
        playback = provider_of(recording.channel).replay(recording, self.auction)
        table = reverse("recording_table", args=(self.auction.slug, recording.pk))
        return {
            "kind": playback["kind"],
            "url": playback["url"],
            "table": table if playback["kind"] == "file" else None,
            "mime": recording.mime,
            "begins_s": part.begins_s,
            "lasts_s": part.lasts_s,
        }

    def _chapter(self, chapter: Chapter, bids: list[dict[str, Any]]) -> dict[str, Any]:
        assert chapter.start is not None
        assert chapter.stop is not None
        closed = chapter.closed_at_ms
        here = [
            {**bid, "at_s": self._second(bid["at_ms"]), "gone_s": bid["gone_ms"] and self._second(bid["gone_ms"])}
            for bid in bids
            if chapter.opened_at_ms <= bid["at_ms"] and (closed is None or bid["at_ms"] <= closed)
        ]
        return {
            "v": chapter.v,
            "number": chapter.lot.number,
            "title": chapter.lot.title,
            "opening": chapter.opening,
            "at_s": chapter.start.at_s,
            "until_s": chapter.stop.at_s,
            "is_over": closed is not None,
            "result": chapter.result,
            "reason": chapter.reason,
            "amount": chapter.amount,
            "paddle": chapter.paddle,
            "bids": here,
        }

    def _second(self, at_ms: int) -> float:
        place = place_after(self.parts, at_ms)
        return place.at_s if place else self.parts[-1].begins_s + self.parts[-1].lasts_s


@dataclass(frozen=True, slots=True)
class HostRecording:
    """What a host sees of a show's recording: how long and large it is, and whether there is room for more."""

    length: str
    """In words; empty where there is none."""
    size: int
    has_room: bool


def host_recording(auction: Auction) -> HostRecording:
    """Return what a host sees of a show's recording."""
    parts = parts_of(auction)
    has_room = True
    if auction.status == AuctionStatus.LIVE and not provider().is_remote and settings.RECORDINGS_DAYS:
        try:
            has_room = room_left(auction.pk) > 0
        except OSError as error:
            logger.error("recordings_not_there", error=str(error))
            has_room = False
    length = span_text(round(parts[-1].begins_s + parts[-1].lasts_s)) if parts else ""
    return HostRecording(length, sum(part.recording.size for part in parts), has_room)


def replayable_auctions(user: AnyUser) -> QuerySet[Auction]:
    """Return the shows whose recording this person may see: those they may see, but for who was banned from them."""
    shows = viewable_auctions(user).filter(status__in=_HAS_BEEN_LIVE)
    if isinstance(user, User):
        theirs = Registration.objects.filter(auction=OuterRef("pk"), user=user, status=RegistrationStatus.BANNED)
        shows = shows.exclude(Exists(theirs))
    return shows.select_related("organizer", "stream_channel")


def replay_page(auction: Auction) -> ReplayPage:
    """Return the replay of a show."""
    parts = parts_of(auction)
    chapters = chapters_of(auction, parts)
    return ReplayPage(auction, parts, chapters, money_style(auction.currency, [chapter.lot for chapter in chapters]))


def recording_to_play(user: AnyUser, slug: str, recording_id: int) -> StreamRecording | None:
    """Return a recording of a show, or None where there is none that this person may see."""
    auction = replayable_auctions(user).filter(slug=slug).first()
    return None if auction is None else recordings_of(auction).filter(pk=recording_id).first()


def _bids(auction: Auction) -> dict[int, list[dict[str, Any]]]:
    """Return the bids of each run as they fell, and when one that was voided went."""
    bids = Bid.objects.filter(run__auction=auction).select_related("registration").order_by("run", "v", "amount")
    voidings = Event.objects.filter(auction=auction, s=0, kind="BID_VOIDED").values_list("v", "at_ms")
    went = dict(voidings)
    found: dict[int, list[dict[str, Any]]] = {}
    for bid in bids:
        found.setdefault(bid.run_id, []).append(
            {
                "at_ms": bid.at_ms,
                "gone_ms": went.get(bid.voided_at_v) if bid.voided_at_v is not None else None,
                "amount": bid.amount,
                "paddle": bid.registration.paddle,
                "automatic": bid.automatic,
            }
        )
    return found
