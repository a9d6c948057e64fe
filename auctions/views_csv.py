"""Lots out of a file and into one: a preview that imports nothing, the import of what was shown, and the export."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from auctions.errors import Refused
from auctions.lots_csv import COLUMNS, MAX_BYTES, NEEDED, Reading, decode, read_lots, write_lots
from auctions.models import Auction, AuctionStatus
from auctions.presenting import money_style
from auctions.run_of_show import lots_import
from auctions.selectors import auction_for_host, catalogue

SHOWN = 100
"""So many problems, and so many of the right lots, are shown of a file."""


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def lots_from_file(request: HttpRequest, auction_id: int) -> HttpResponse:
    """Show what a file would add and what is wrong with it; add it once told so in sight of that."""
    assert isinstance(request.user, User)
    auction = _managed(request, auction_id)
    if auction.status in (AuctionStatus.ENDED, AuctionStatus.CANCELLED):
        messages.info(request, _("The auction is over; what it was stays on record."))
        return redirect("host_auction", auction_id=auction.pk)
    context: dict[str, Any] = {
        "auction": auction,
        "columns": list(COLUMNS),
        "needed": ", ".join(NEEDED),
        "most_mb": MAX_BYTES // 1024 // 1024,
        "text": request.POST.get("text", ""),
    }
    if request.method != "POST":
        return render(request, "auctions/host_import.html", context)
    try:
        if file := request.FILES.get("file"):
            context["text"] = decode(file, file.size or 0)
        reading = read_lots(context["text"], auction)
        # What is imported is what was shown: neither another text, nor other lines of it.
        if "import" in request.POST and request.POST.get("shown") == reading.digest and reading.lots:
            return _import(request, auction, reading)
    except Refused as refused:
        return render(request, "auctions/host_import.html", context | {"error": refused.message}, status=422)
    context |= {
        "text": reading.text,
        "reading": reading,
        "problems": reading.problems[:SHOWN],
        "more_problems": len(reading.problems) - SHOWN,
        "lots": reading.lots[:SHOWN],
        "more_lots": len(reading.lots) - SHOWN,
        "style": money_style(auction.currency, reading.lots),
    }
    return render(request, "auctions/host_import.html", context, status=422 if reading.problems else 200)


@login_required
@require_safe
def lots_to_file(request: HttpRequest, auction_id: int) -> HttpResponse:
    """Send all lots of an auction as the import reads them."""
    auction = _managed(request, auction_id)
    # Spreadsheets take a text for UTF-8 by this mark alone.
    response = HttpResponse("\ufeff" + write_lots(catalogue(auction)), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{auction.slug}-lots.csv"'
    return response


def _import(request: HttpRequest, auction: Auction, reading: Reading) -> HttpResponse:
    assert isinstance(request.user, User)
    count = len(lots_import(actor=request.user, auction=auction, lots=reading.lots, shown_among=reading.among))
    messages.success(request, ngettext("%(n)d lot is imported.", "%(n)d lots are imported.", count) % {"n": count})
    return redirect("host_lots", auction_id=auction.pk)


def _managed(request: HttpRequest, auction_id: int) -> Auction:
    auction = auction_for_host(request.user, auction_id)
    if auction is None:
        raise Http404
    return auction
