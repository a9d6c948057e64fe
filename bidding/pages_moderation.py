"""What the moderators' queue shows: each report in its context, with the history of whom it is about.

A house sees what happened with somebody in its own rooms; site administrators see everywhere. Changes nothing.
"""

from dataclasses import dataclass
from typing import Final

from django.db.models import Q

from accounts.models import Strike, User
from auctions.models import Auction, Registration, RegistrationStatus
from auctions.permissions import can_manage, is_administrator, moderated_auctions, moderated_organizers
from bidding.models import Appeal, ChatMessage, HouseWords, ModeratorNote, Mute, Report, ReportDecision
from bidding.pages_desk import desk_person

AROUND: Final = 4
"""How many lines before and after a reported one are shown."""
SHOWN: Final = 50


@dataclass(frozen=True, slots=True)
class History:
    """What moderators should know of somebody."""

    mutes: list[Mute]
    removed: int
    reports: int
    bans: int
    strikes: int
    notes: list[ModeratorNote]


@dataclass(frozen=True, slots=True)
class Case:
    """One line or bidder that was reported, by so many."""

    report: Report
    also: list[Report]
    paddle: int | None
    context: list[ChatMessage]
    history: History
    may_ban: bool
    may_bar: bool

    @property
    def count(self) -> int:
        """How many people reported it."""
        return 1 + len(self.also)


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits for a moderator."""

    cases: list[Case]
    appeals: list[tuple[Appeal, History]]
    decided: list[Report]
    houses: list[HouseWords]


def queue_of(user: User) -> Queue | None:
    """Return what waits in the rooms that this person moderates; None where there are none."""
    auctions = moderated_auctions(user)
    if not auctions.exists():
        return None
    open_reports = Report.objects.filter(auction__in=auctions, decision=ReportDecision.OPEN)
    grouped: dict[tuple[int, int, int | None], list[Report]] = {}
    related = ("auction__organizer", "subject", "line", "reporter")
    for report in open_reports.select_related(*related).order_by("created_at", "pk")[: 4 * SHOWN]:
        grouped.setdefault((report.auction_id, report.subject_id, report.line_id), []).append(report)
    appeals = Appeal.objects.filter(auction__in=auctions, answered_at=None)
    decided = Report.objects.filter(auction__in=auctions).exclude(decision=ReportDecision.OPEN)
    organizers = moderated_organizers(user).order_by("name", "pk")
    kept = HouseWords.objects.select_related("organizer").in_bulk(organizers.values_list("pk", flat=True)[:SHOWN])
    return Queue(
        cases=[_case(user, reports) for reports in list(grouped.values())[:SHOWN]],
        appeals=[
            (appeal, history_of(user, appeal.user, appeal.auction))
            for appeal in appeals.select_related("auction__organizer", "user").order_by("created_at", "pk")[:SHOWN]
        ],
        decided=list(decided.select_related("auction", "decided_by", "line").order_by("-decided_at", "-pk")[:20]),
        houses=[kept.get(each.pk) or HouseWords(organizer=each) for each in organizers[:SHOWN]],
    )


def history_of(reader: User, user: User, auction: Auction) -> History:
    """Return what was decided about somebody before, as far as this reader may know."""
    here = Q() if is_administrator(reader) else Q(auction__organizer=auction.organizer_id)
    by_house = Q() if is_administrator(reader) else Q(organizer=auction.organizer_id)
    return History(
        mutes=list(Mute.objects.filter(here, user=user).select_related("auction")[:5]),
        removed=ChatMessage.objects.filter(here, user=user, removed_at__isnull=False).count(),
        reports=Report.objects.filter(here, subject=user).exclude(decision=ReportDecision.DISMISSED).count(),
        bans=Registration.objects.filter(here, user=user, status=RegistrationStatus.BANNED).count(),
        strikes=Strike.objects.active().filter(by_house, user=user).count(),
        notes=list(ModeratorNote.objects.filter(by_house, user=user)[:5]),
    )


def consequence_of(report: Report) -> dict[str, object]:
    """Return what the reported person leads now, and what the price becomes without them; nothing where they bid not.

    Amounts as on the wire.
    """
    registration = Registration.objects.filter(auction=report.auction, user=report.subject).first()
    return {} if registration is None else desk_person(report.auction, registration)


def _case(reader: User, reports: list[Report]) -> Case:
    report = reports[0]
    paddles = Registration.objects.filter(auction=report.auction, user=report.subject)
    return Case(
        report=report,
        also=reports[1:],
        paddle=paddles.values_list("paddle", flat=True).first(),
        context=[] if report.line is None else _around(report.line),
        history=history_of(reader, report.subject, report.auction),
        may_ban=can_manage(reader, report.auction),
        may_bar=is_administrator(reader),
    )


def _around(line: ChatMessage) -> list[ChatMessage]:
    said = ChatMessage.objects.filter(auction=line.auction_id)
    place = Q(at_ms__lt=line.at_ms) | Q(at_ms=line.at_ms, pk__lt=line.pk)
    before = said.filter(place).order_by("-at_ms", "-pk")[:AROUND]
    after = said.exclude(place).exclude(pk=line.pk).order_by("at_ms", "pk")[:AROUND]
    return [*reversed(before), line, *after]
