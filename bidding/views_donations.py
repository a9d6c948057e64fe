"""The receipts of donors, for those who handle the money of the house: a page that prints, and each as a PDF file."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from bidding.donation_pdf import donation_file
from bidding.pages_aftermath import auction_for_billing
from bidding.pages_donations import donations_of


@login_required
@never_cache
@require_safe
def donations(request: HttpRequest, auction_id: int) -> HttpResponse:
    """Show what each donor gave and what it brought."""
    auction = auction_for_billing(request.user, auction_id)
    if auction is None:
        raise Http404
    return render(request, "auctions/donations.html", {"auction": auction, "donations": donations_of(auction)})


@login_required
@never_cache
@require_safe
def donation_pdf(request: HttpRequest, auction_id: int, consignor_id: int) -> HttpResponse:
    """Return one donor's receipt as a PDF file; there is none before something of theirs is paid."""
    auction = auction_for_billing(request.user, auction_id)
    if auction is None:
        raise Http404
    found = [one for one in donations_of(auction) if one.donor.pk == consignor_id and one.given]
    if not found:
        raise Http404
    return HttpResponse(
        donation_file(found[0]),
        content_type="application/pdf",
        headers={
            "Content-Disposition": f'inline; filename="donation-{auction.pk}-{consignor_id}.pdf"',
            "X-Content-Type-Options": "nosniff",
        },
    )
