"""The moderators' queue of reports and appeals, the words of a house, and the page of whom a decision concerns.

Who moderates nothing gets 404, and so does who asks about an auction in which nothing was decided about them.
"""

from collections.abc import Callable
from typing import TypeVar

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import TextChoices
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from auctions.errors import Refused
from auctions.models import Auction
from auctions.permissions import moderated_auctions, moderated_organizers, viewable_auctions
from auctions.presenting import MoneyStyle
from bidding.models import Appeal, ModerationReason, Report, ReportDecision
from bidding.pages_moderation import consequence_of, queue_of
from bidding.services import reports

_Choices = TypeVar("_Choices", bound=TextChoices)
MUTES = (10, 60, 24 * 60)
"""For how many minutes somebody is muted from the queue, beside the whole show."""


@login_required
@never_cache
@require_safe
def queue(request: HttpRequest) -> HttpResponse:
    """Show what waits."""
    found = queue_of(_user(request))
    if found is None:
        raise Http404
    return render(
        request, "bidding/moderation.html", {"queue": found, "reasons": ModerationReason.choices, "mutes": MUTES}
    )


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def report(request: HttpRequest, report_id: int) -> HttpResponse:
    """Show what a ban comes to before it is done; decide a report."""
    user = _user(request)
    found = get_object_or_404(
        Report.objects.select_related("auction__organizer", "subject", "line"),
        pk=report_id,
        auction__in=moderated_auctions(user),
    )
    if request.method == "GET":
        context = {
            "report": found,
            "auction": found.auction,
            "style": MoneyStyle(found.auction.currency),
            "person": consequence_of(found),
            "reasons": ModerationReason.choices,
        }
        return render(request, "bidding/moderation_ban.html", context)

    def decide() -> str:
        decided = reports.report_decide(
            report=found,
            actor=user,
            decision=_choice(ReportDecision, request.POST.get("decision")),
            reason=_choice(ModerationReason, request.POST.get("reason")),
            minutes=_minutes(request.POST.get("minutes", "")),
            note=request.POST.get("note", ""),
        )
        return ngettext("Decided.", "Decided, with all %(count)d reports of it.", decided) % {"count": decided}

    return _done(request, decide)


@login_required
@require_http_methods(["GET", "POST"])
def appeal(request: HttpRequest, appeal_id: int) -> HttpResponse:
    """Answer an appeal; who had to sign in for it comes by GET."""
    user = _user(request)
    found = get_object_or_404(
        Appeal.objects.select_related("auction"), pk=appeal_id, auction__in=moderated_auctions(user)
    )

    def answer() -> str:
        granted = request.POST.get("granted") == "on"
        reports.appeal_answer(appeal=found, actor=user, granted=granted, answer=request.POST.get("answer", ""))
        return _("Answered.")

    return _done(request, answer)


@login_required
@require_http_methods(["GET", "POST"])
def words(request: HttpRequest, organizer_id: int) -> HttpResponse:
    """Set the words that a house wants in none of its rooms."""
    user = _user(request)
    organizer = get_object_or_404(moderated_organizers(user), pk=organizer_id)

    def change() -> str:
        reports.house_words_set(organizer=organizer, actor=user, words=request.POST.get("words", ""))
        return _("Saved.")

    return _done(request, change)


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def decided(request: HttpRequest, slug: str) -> HttpResponse:
    """Show somebody what was decided about them in an auction, and take what they say to it."""
    user = _user(request)
    # A show that somebody is banned from is still theirs to ask about.
    auction = get_object_or_404(
        Auction.objects.select_related("organizer"), slug=slug, pk__in=viewable_auctions(user).values("pk")
    )
    mutes, removed, is_banned = reports.decided_about(user, auction)
    if not (mutes or removed or is_banned):
        raise Http404
    refused = None
    if request.method == "POST":
        try:
            reports.appeal_make(auction=auction, user=user, text=request.POST.get("text", ""))
        except Refused as error:
            refused = error
        else:
            messages.success(request, _("We have your note and will answer it."))
            return redirect("decided", slug=slug)
    appeals = list(Appeal.objects.filter(auction=auction, user=user))
    context = {
        "auction": auction,
        "mutes": mutes,
        "removed": removed,
        "is_banned": is_banned,
        "appeals": appeals,
        "waits": any(each.answered_at is None for each in appeals),
        "refused": refused,
        "typed": request.POST.get("text", ""),
    }
    return render(request, "bidding/decided.html", context, status=200 if refused is None else 422)


def _done(request: HttpRequest, act: Callable[[], str]) -> HttpResponse:
    if request.method == "POST":
        try:
            messages.success(request, act())
        except Refused as refused:
            messages.error(request, refused.message)
    return redirect("moderation")


def _choice(choices: type[_Choices], text: str | None) -> _Choices:
    if text not in choices.values:
        raise Refused("invalid", _("Say what, and why."), field="decision")
    return choices(text)


def _minutes(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else None


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
