"""Reports of people in a room, what moderators decide about them, appeals, and the words of a house.

A report is a person's own; a decision is a moderator's and carried out by the services that moderate. A ban from the
auction changes prices and takes who runs it, a ban from the site its administrators.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from accounts.models import Organizer, User
from auctions.audit import audited
from auctions.errors import Refused
from auctions.models import Auction, AuctionStatus, Registration, RegistrationStatus
from auctions.permissions import can_manage, can_moderate, can_moderate_house, can_view, is_administrator, works_for
from bidding.engine.runner import run
from bidding.engine.side import report_rate_key, take_token
from bidding.floor import side
from bidding.models import Appeal, ChatMessage, HouseWords, ModerationReason, Mute, Report, ReportDecision
from bidding.services import moderation
from bidding.services.announcing import announce_chat_rules_now
from bidding.services.desk import bidder_ban
from bidding.services.registrations import registration_set_status

logger = structlog.get_logger(__name__)

LONGEST_TEXT: Final = 500
LONGEST_APPEAL: Final = 1_000
_AT_ONCE: Final = 5
_REFILL_MS: Final = 60_000
_ON_FLOOR: Final = (AuctionStatus.SCHEDULED, AuctionStatus.LIVE)


def report_make(
    *,
    auction: Auction,
    reporter: User,
    reason: ModerationReason,
    entry: str | None = None,
    paddle: int | None = None,
    text: str = "",
) -> Report:
    """Report a line by its id, or a bidder by their paddle; again it is the same report.

    Raises Refused where somebody reports too much, themselves, or who works for the auction.
    """
    if not can_view(reporter, auction):
        raise Refused("not_found", _("There is no such auction."))
    _take_token(reporter)
    line = None if entry is None else moderation.line_of(auction, entry)
    subject = line.user if line is not None else moderation.person_behind(auction=auction, paddle=paddle)
    if subject == reporter:
        raise Refused("own", _("That is you."))
    if works_for(subject, auction):
        raise Refused("own_team", _("Who works for the auction cannot be reported here."))
    report, _created = Report.objects.get_or_create(
        reporter=reporter,
        line=line,
        **({} if line is not None else {"subject": subject, "auction": auction}),
        defaults={
            "auction": auction,
            "subject": subject,
            "reason": reason,
            "text": text.strip()[:LONGEST_TEXT],
        },
    )
    return report


def _take_token(reporter: User) -> None:
    try:
        allowance = run(side(), take_token(report_rate_key(reporter.pk), holds=_AT_ONCE, refill_ms=_REFILL_MS))
    except (RedisError, OSError) as error:
        logger.warning("report_not_counted", error=str(error))
        raise Refused("unavailable", _("Reports are not taken right now. Try again.")) from None
    if not allowance.allowed:
        raise Refused("rate_limited", _("That is enough reports for now. Wait a minute."))


@audited
def report_decide(
    *,
    report: Report,
    actor: User,
    decision: ReportDecision,
    reason: ModerationReason,
    minutes: int | None = None,
    note: str = "",
) -> int:
    """Decide a report, and with it all that wait about the same line or bidder; return how many.

    `minutes` is how long a mute lasts, None for the show. Raises Refused where it was decided, or may not be so.
    """
    auction = report.auction
    if not can_moderate(actor, auction):
        raise Refused("forbidden", _("You may not moderate this auction."))
    with transaction.atomic():
        same = Report.objects.select_for_update().filter(decision=ReportDecision.OPEN, auction=auction)
        same = same.filter(line=report.line_id) if report.line_id else same.filter(line=None, subject=report.subject_id)
        waiting = [each.pk for each in same]
        if report.pk not in waiting:
            raise Refused("decided", _("This was decided already."))
        Report.objects.filter(pk__in=waiting).update(
            decision=decision, decided_by=actor, decided_at=timezone.now(), note=note.strip()[:LONGEST_TEXT]
        )
        _CARRIED_OUT[decision](report, actor, reason, minutes, note.strip()[:LONGEST_TEXT])
    return len(waiting)


def _dismiss(report: Report, actor: User, reason: ModerationReason, minutes: int | None, note: str) -> None:
    pass


def _remove(report: Report, actor: User, reason: ModerationReason, minutes: int | None, note: str) -> None:
    if report.line is None:
        raise Refused("no_line", _("No line was reported, so none can be removed."))
    moderation.chat_line_remove(auction=report.auction, entry=report.line.entry, actor=actor, reason=reason)


def _mute(report: Report, actor: User, reason: ModerationReason, minutes: int | None, note: str) -> None:
    moderation.person_mute(
        auction=report.auction, user=report.subject, actor=actor, reason=reason, minutes=minutes, note=note
    )


def _ban(report: Report, actor: User, reason: ModerationReason, minutes: int | None, note: str) -> None:
    registration = Registration.objects.filter(auction=report.auction, user=report.subject).first()
    if registration is None:
        raise Refused("no_paddle", _("They have no paddle here. Mute them instead."))
    bidder_ban(registration=registration, actor=actor)


def _bar(report: Report, actor: User, reason: ModerationReason, minutes: int | None, note: str) -> None:
    person_bar(user=report.subject, actor=actor, reason=reason)


def _refuse(report: Report, actor: User, reason: ModerationReason, minutes: int | None, note: str) -> None:
    raise Refused("invalid", _("Decide something."), field="decision")


_CARRIED_OUT: Final[dict[str, Callable[[Report, User, ModerationReason, int | None, str], None]]] = {
    ReportDecision.OPEN: _refuse,
    ReportDecision.DISMISSED: _dismiss,
    ReportDecision.REMOVED: _remove,
    ReportDecision.MUTED: _mute,
    ReportDecision.BANNED: _ban,
    ReportDecision.BARRED: _bar,
}


@audited
def person_bar(*, user: User, actor: User, reason: ModerationReason) -> None:
    """Ban somebody from the site: their sign-ins, seats and pictures end within seconds, and no bid counts any more.

    What they bid stands until somebody voids it.
    """
    if not is_administrator(actor):
        raise Refused("forbidden", _("Only the site's administrators ban from the site."))
    if user.is_staff or user.is_superuser:
        raise Refused("own_team", _("Take their roles away first."))
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(is_active=False)
        own = Registration.objects.filter(user=user, auction__status__in=_ON_FLOOR)
        for registration in own.exclude(status=RegistrationStatus.BANNED).select_related("auction"):
            registration_set_status(registration=registration, status=RegistrationStatus.BANNED, actor=actor)


# --- Appeals -------------------------------------------------------------------------------------------


def decided_about(user: User, auction: Auction) -> tuple[list[Mute], list[ChatMessage], bool]:
    """Return what was decided about somebody in an auction: mutes, lines taken away, and whether they are banned."""
    return (
        list(Mute.objects.filter(auction=auction, user=user)),
        list(ChatMessage.objects.filter(auction=auction, user=user, removed_at__isnull=False)),
        Registration.objects.filter(auction=auction, user=user, status=RegistrationStatus.BANNED).exists(),
    )


def appeal_make(*, auction: Auction, user: User, text: str) -> Appeal:
    """Say something to what was decided about oneself; one at a time.

    Raises Refused where nothing was decided, or an appeal waits.
    """
    text = text.strip()
    if not any(decided_about(user, auction)):
        raise Refused("not_found", _("Nothing was decided about you here."))
    if not text or len(text) > LONGEST_APPEAL:
        raise Refused("invalid", _("Write at most %(most)d characters.") % {"most": LONGEST_APPEAL}, field="text")
    try:
        with transaction.atomic():
            return Appeal.objects.create(auction=auction, user=user, text=text)
    except IntegrityError:
        raise Refused("asked_already", _("We have your note and will answer it.")) from None


@audited
def appeal_answer(*, appeal: Appeal, actor: User, granted: bool, answer: str) -> Appeal:
    """Answer an appeal, once. Where it is granted, the mute ends, and for who runs the auction also the ban."""
    answer = answer.strip()
    if not can_moderate(actor, appeal.auction):
        raise Refused("forbidden", _("You may not moderate this auction."))
    if not answer or len(answer) > LONGEST_APPEAL:
        raise Refused("invalid", _("Write at most %(most)d characters.") % {"most": LONGEST_APPEAL}, field="answer")
    with transaction.atomic():
        appeal = Appeal.objects.select_for_update(of=("self",)).select_related("auction", "user").get(pk=appeal.pk)
        if appeal.answered_at is not None:
            raise Refused("answered", _("This was answered already."))
        appeal.granted, appeal.answer = granted, answer
        appeal.answered_by, appeal.answered_at = actor, timezone.now()
        appeal.save(update_fields=["granted", "answer", "answered_by", "answered_at"])
        if granted:
            _undo(appeal, actor)
    return appeal


def _undo(appeal: Appeal, actor: User) -> None:
    for mute in Mute.objects.filter(auction=appeal.auction, user=appeal.user, lifted_at=None):
        moderation.mute_lift(mute=mute, actor=actor)
    banned = Registration.objects.filter(
        auction=appeal.auction, user=appeal.user, status=RegistrationStatus.BANNED
    ).first()
    if banned is None:
        return
    if not can_manage(actor, appeal.auction):
        raise Refused("forbidden", _("Only who runs the auction takes a ban back."))
    registration_set_status(registration=banned, status=RegistrationStatus.APPROVED, actor=actor)


# --- The words of a house ------------------------------------------------------------------------------


@audited
def house_words_set(*, organizer: Organizer, actor: User, words: str) -> HouseWords:
    """Set the words that a house wants in none of its rooms, one a line; its live rooms know them at once."""
    if not can_moderate_house(actor, organizer):
        raise Refused("forbidden", _("You may not moderate for this house."))
    if len(words) > moderation.LONGEST_BLOCKED_WORDS:
        raise Refused(
            "invalid",
            _("At most %(most)s characters of blocked words.") % {"most": moderation.LONGEST_BLOCKED_WORDS},
            field="words",
        )
    with transaction.atomic():
        kept, _created = HouseWords.objects.update_or_create(organizer=organizer, defaults={"words": words})
        for auction_id in Auction.objects.filter(organizer=organizer, status__in=_ON_FLOOR).values_list(
            "pk", flat=True
        ):
            transaction.on_commit(partial(announce_chat_rules_now, auction_id))
    return kept
