"""The page from which a host runs a show, and the buttons on it that reach the floor.

A button names the lot and the version that its page showed, so that a second tap, or a page that is out of date, can
open or hammer no other lot. A refusal becomes a message.
"""

from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from auctions.errors import Refused
from auctions.models import Auction
from auctions.selectors import auction_for_host
from bidding import pages, services
from bidding.pages import Shown
from bidding.pages_board import board_path
from bidding.pages_replay import host_recording


@login_required
@require_safe
def host_auction(request: HttpRequest, auction_id: int) -> HttpResponse:
    """Show what is ready, how long the evening takes, and the one step that comes next."""
    auction = _managed(request, auction_id)
    context = {
        "auction": auction,
        "page": pages.host_page(auction),
        "board": board_path(auction),
        "recording": host_recording(auction),
        "keep_days": settings.RECORDINGS_DAYS,
    }
    return render(request, "auctions/host_auction.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def host_step(request: HttpRequest, auction_id: int, step: str) -> HttpResponse:
    """Take one step of a show: schedule, go live, open the next lot, hammer, resume, end, cancel.

    Who had to sign in for it comes by GET, and looks before they press again.
    """
    auction = _managed(request, auction_id)
    if step not in _STEPS:
        raise Http404
    if request.method == "POST":
        assert isinstance(request.user, User)
        try:
            messages.success(request, _STEPS[step](auction, request.user, Shown.of(request.POST)))
        except Refused as refused:
            messages.error(request, refused.message)
    return redirect("host_auction", auction_id=auction.pk)


def _managed(request: HttpRequest, auction_id: int) -> Auction:
    auction = auction_for_host(request.user, auction_id)
    if auction is None:
        raise Http404
    return auction


def _schedule(auction: Auction, actor: User, shown: Shown) -> str:
    services.auction_schedule(auction=auction, actor=actor)
    return _("It is scheduled. Bidders can see the lots and get their paddles.")


def _go_live(auction: Auction, actor: User, shown: Shown) -> str:
    auction = services.auction_go_live(auction=auction, actor=actor)
    warning = services.stream_warning(auction=auction)
    return _("You are live.") if warning is None else _("You are live, without pictures. %(why)s") % {"why": warning}


def _open(auction: Auction, actor: User, shown: Shown) -> str:
    lot = services.lot_open_next(auction=auction, actor=actor, shown_id=shown.lot_id, seen_v=shown.v)
    return _("Lot %(number)s is open.") % {"number": lot.number}


def _hammer(auction: Auction, actor: User, shown: Shown) -> str:
    lot, fell = services.lot_close_current(auction=auction, actor=actor, shown_id=shown.lot_id, seen_v=shown.v)
    if fell:
        return _("The hammer fell on lot %(number)s.") % {"number": lot.number}
    return _("Fair warning for lot %(number)s. The hammer may fall in ten seconds.") % {"number": lot.number}


def _resume(auction: Auction, actor: User, shown: Shown) -> str:
    lot = services.lot_resume_current(auction=auction, actor=actor, shown_id=shown.lot_id, seen_v=shown.v)
    return _("Lot %(number)s goes on.") % {"number": lot.number}


def _end(auction: Auction, actor: User, shown: Shown) -> str:
    services.auction_end(auction=auction, actor=actor)
    return _("The show is over.")


def _cancel(auction: Auction, actor: User, shown: Shown) -> str:
    services.auction_cancel(auction=auction, actor=actor, reason="host")
    return _("The auction is cancelled.")


_STEPS: dict[str, Callable[[Auction, User, Shown], str]] = {
    "schedule": _schedule,
    "live": _go_live,
    "open": _open,
    "hammer": _hammer,
    "resume": _resume,
    "end": _end,
    "cancel": _cancel,
}
