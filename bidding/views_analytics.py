"""How a show went, for who may see the house's figures: as a page, and as a file. Others get 404."""

import csv

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from auctions.models import Auction
from auctions.permissions import can_see_private, viewable_auctions
from auctions.presenting import MoneyStyle, inert_cell
from bidding.analytics import analytics_of, analytics_rows


@login_required
@never_cache
@require_safe
def analytics(request: HttpRequest, auction_id: int) -> HttpResponse:
    """Show people, bids, lots and money, drawn and as tables."""
    auction = _auction(request, auction_id)
    context = {"auction": auction, "found": analytics_of(auction), "style": MoneyStyle(auction.currency)}
    return render(request, "bidding/analytics.html", context)


@login_required
@never_cache
@require_safe
def analytics_file(request: HttpRequest, auction_id: int) -> HttpResponse:
    """Give the lots as CSV."""
    auction = _auction(request, auction_id)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="auction-{auction.pk}-lots.csv"'
    rows = analytics_rows(auction, analytics_of(auction))
    csv.writer(response).writerows([inert_cell(cell) for cell in row] for row in rows)
    return response


def _auction(request: HttpRequest, auction_id: int) -> Auction:
    auction = viewable_auctions(request.user).select_related("organizer").filter(pk=auction_id).first()
    if auction is None or not can_see_private(request.user, auction):
        raise Http404
    return auction
