"""The host's pages: their auctions, the sheet that creates or changes one, and the page that leads to going live.

Each view is one form or one selector. The buttons that reach the live floor are the bidding app's.
"""

import zoneinfo
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from auctions.errors import Refused
from auctions.forms import MAX_LOTS_A_FORM, AuctionSheet
from auctions.models import Auction, AuctionStatus, Lot
from auctions.presenting import money_style, span_text
from auctions.rules import PRESETS, rules_in_words
from auctions.selectors import auction_for_host, auctions_of_host, catalogue, last_runs
from auctions.services import organizer_for


@login_required
@require_safe
def host_auctions(request: HttpRequest) -> HttpResponse:
    """List the auctions that this person prepares and runs."""
    return render(request, "auctions/host_auctions.html", {"auctions": auctions_of_host(request.user)})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def auction_new(request: HttpRequest) -> HttpResponse:
    """Create a draft with its lots."""
    assert isinstance(request.user, User)
    try:
        organizer = organizer_for(request.user)
    except Refused as refused:
        return render(request, "auctions/host_refused.html", {"refused": refused}, status=403)
    return _edit(request, AuctionSheet(request, actor=request.user, organizer=organizer))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def auction_edit(request: HttpRequest, auction_id: int) -> HttpResponse:
    """Change an auction and its lots."""
    assert isinstance(request.user, User)
    auction = _managed(request, auction_id)
    if auction.status in (AuctionStatus.ENDED, AuctionStatus.CANCELLED):
        messages.info(request, _("The auction is over; what it was stays on record."))
        return redirect("host_auction", auction_id=auction.pk)
    lots = catalogue(auction)
    if len(lots) > MAX_LOTS_A_FORM:
        text = _("A show of more than %(count)d lots is changed in the admin, where they come in pages.")
        messages.info(request, text % {"count": MAX_LOTS_A_FORM})
        return redirect("host_auction", auction_id=auction.pk)
    sheet = AuctionSheet(request, actor=request.user, organizer=auction.organizer, auction=auction, lots=lots)
    return _edit(request, sheet)


@login_required
@require_safe
def host_auction(request: HttpRequest, auction_id: int) -> HttpResponse:
    """Show what is ready, how long the evening takes, and the one step that comes next."""
    auction = _managed(request, auction_id)
    lots = catalogue(auction)
    runs = last_runs(auction)
    least, most = _evening(auction, lots)
    context = {
        "auction": auction,
        "lots": lots,
        "lots_and_runs": [(lot, runs.get(lot.pk)) for lot in lots],
        "rules": rules_in_words(lots[0]) if lots else [],
        "least": span_text(least),
        "most": span_text(most),
        "style": money_style(auction.currency, lots),
        "opening_total": sum(lot.opening_amount for lot in lots),
        "upcoming": next((lot for lot in lots if lot.status == "pending"), None),
        "running": next((lot for lot in lots if lot.status in ("open", "paused")), None),
    }
    return render(request, "auctions/host_auction.html", context)


def _edit(request: HttpRequest, sheet: AuctionSheet) -> HttpResponse:
    status = 200
    if request.method == "POST" and not sheet.is_being_arranged:
        saved = sheet.save() if sheet.is_valid() else None
        if saved is not None:
            messages.success(request, _("Saved."))
            return redirect("host_auction", auction_id=saved.pk)
        status = 422
    context: dict[str, Any] = {
        "sheet": sheet,
        "auction": sheet.auction,
        "presets": PRESETS.values(),
        "time_zones": sorted(zoneinfo.available_timezones()),
    }
    return render(request, "auctions/auction_form.html", context, status=status)


def _evening(auction: Auction, lots: list[Lot]) -> tuple[int, int]:
    # Without a bid each lot runs its duration; at most every extension is used up.
    gaps = auction.gap_ms * max(len(lots) - 1, 0) if auction.auto_advance else 0
    least = sum(lot.duration_ms for lot in lots) + gaps
    most = least + sum(lot.extension_ms * lot.extension_cap for lot in lots)
    return least // 1_000, most // 1_000


def _managed(request: HttpRequest, auction_id: int) -> Auction:
    auction = auction_for_host(request.user, auction_id)
    if auction is None:
        raise Http404
    return auction
