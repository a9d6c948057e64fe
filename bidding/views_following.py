"""The buttons by which somebody follows a house, watches a lot or is reminded of a show, and the file for calendars.

Each is a form that says what shall be, so it works without scripts and twice; a script asks for JSON and is answered
in it. Who had to sign in for it comes by GET and is shown where the button was.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from auctions import following
from auctions.calendar import CalendarEntry, calendar_file
from auctions.errors import Refused
from auctions.models import Auction, AuctionStatus, Lot
from auctions.permissions import viewable_auctions, visible_organizers
from auctions.selectors import auction_by_slug, catalogue
from bidding.pages import show_span

_SHORTEST: Final = timedelta(minutes=30)
"""What a show takes in a calendar at least."""
_CALENDAR: Final = (AuctionStatus.SCHEDULED, AuctionStatus.LIVE, AuctionStatus.CANCELLED)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def house_follow(request: HttpRequest, slug: str) -> HttpResponse:
    """Follow a house, or no longer."""
    organizer = get_object_or_404(visible_organizers(request.user), slug=slug)
    return _set(request, reverse("house", args=(slug,)), following.organizer_follow, organizer=organizer)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def lot_watch(request: HttpRequest, lot_id: int) -> HttpResponse:
    """Watch a lot, or no longer."""
    lot = get_object_or_404(Lot.objects.filter(auction__in=viewable_auctions(request.user)), pk=lot_id)
    return _set(request, reverse("lot", args=(lot_id,)), following.lot_watch, lot=lot)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def reminder(request: HttpRequest, slug: str) -> HttpResponse:
    """Be reminded of a show, or no longer."""
    auction = _visible(request, slug)
    return _set(request, reverse("room", args=(slug,)), following.reminder_set, auction=auction)


@require_safe
def calendar(request: HttpRequest, slug: str) -> HttpResponse:
    """Download a show as a file for calendars."""
    auction = _visible(request, slug)
    if auction.starts_at is None or auction.status not in _CALENDAR:
        raise Http404
    least, _most = show_span(auction, catalogue(auction))
    url = settings.PUBLIC_URL + reverse("room", args=(slug,))
    entry = CalendarEntry(
        uid=f"auction-{auction.pk}@{urlsplit(settings.PUBLIC_URL).hostname}",
        title=auction.title,
        text=f"{auction.organizer.name}\n{url}",
        url=url,
        starts_at=auction.starts_at,
        lasts=max(_SHORTEST, timedelta(milliseconds=least)),
        changed_at=auction.updated_at,
        cancelled=auction.status == AuctionStatus.CANCELLED,
    )
    return HttpResponse(
        calendar_file(entry, made_by=settings.SITE_NAME),
        content_type="text/calendar; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{slug}.ics"'},
    )


def _set(request: HttpRequest, place: str, change: Callable[..., None], **what: Any) -> HttpResponse:
    """Do what the form says, and go back to where it stood."""
    if request.method != "POST":
        return redirect(place)
    assert isinstance(request.user, User)
    wanted = request.POST.get("wanted") == "on"
    in_json = request.headers.get("Accept") == "application/json"
    try:
        change(user=User.objects.get(pk=request.user.pk), wanted=wanted, **what)
    except Refused as refused:
        if in_json:
            return JsonResponse({"code": refused.code, "message": refused.message}, status=409)
        messages.error(request, refused.message)
    else:
        if in_json:
            return JsonResponse({"wanted": wanted})
    back = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
    return redirect(back if is_ours else place)


def _visible(request: HttpRequest, slug: str) -> Auction:
    auction = auction_by_slug(request.user, slug)
    if auction is None:
        raise Http404
    return auction
