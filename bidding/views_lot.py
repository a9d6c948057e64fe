"""The page of one lot, and the form that leaves a maximum for a lot that is to come."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from auctions.money import parse_amount
from auctions.permissions import can_see_private
from auctions.presenting import money_text
from bidding import pages, protocol, services
from bidding.bid_forms import RefusedBid, bid_of, refused_bid
from bidding.pages_lot import costs_of, offer_of
from bidding.pages_result import result_of
from bidding.selectors import room_info


@require_safe
def lot(request: HttpRequest, lot_id: int) -> HttpResponse:
    """Show one lot: what it is, its rules and costs, and its price, result and history."""
    return _show(request, _page(request, lot_id))


@login_required
@require_http_methods(["GET", "POST"])
def pre_bid(request: HttpRequest, lot_id: int) -> HttpResponse:
    """Leave a maximum for a lot that is to come, or show at the form why that is refused.

    Who had to sign in for it comes by GET.
    """
    page = _page(request, lot_id)
    if request.method == "GET":
        return redirect("lot", lot_id=lot_id)
    registration = page.you.registration
    if registration is None:
        return redirect("paddle", slug=page.show_auction.slug)
    currency = page.show_auction.currency
    message = bid_of(request.POST, currency, lot_id=lot_id, is_maximum=True)
    if message is None:
        messages.error(request, _("That was no bid. Please try again from the page as it is now."))
        return redirect("lot", lot_id=lot_id)
    info = room_info(page.show_auction.pk)
    assert info is not None
    reply = services.bid_place_now(room=info, registration_id=registration.pk, message=message)
    match reply:
        case protocol.BidAccepted(standing="pre_bid"):
            amount = parse_amount(str(reply.max_amount or reply.amount), currency.exponent) or 0
            text = _("Your maximum of %(amount)s is set. It bids for you as soon as the lot opens.")
            messages.success(request, text % {"amount": money_text(amount, page.style)})
        case protocol.BidAccepted():
            messages.success(request, _("The lot is open already, and your maximum bids for you."))
        case protocol.BidRejected():
            return _show(request, page, refused_bid(message, reply))
        case _:
            messages.warning(request, _("We could not confirm your maximum yet. Load the page again to see it."))
    return redirect("lot", lot_id=lot_id)


def _page(request: HttpRequest, lot_id: int) -> pages.LotPage:
    page = pages.lot_page(request.user, lot_id)
    if page is None:
        raise Http404
    return page


def _show(request: HttpRequest, page: pages.LotPage, refused: RefusedBid | None = None) -> HttpResponse:
    offer = offer_of(page)
    shown = page.run.hammer_amount if page.run and page.run.hammer_amount else page.lot.estimate_low
    context = {
        "page": page,
        "auction": page.show_auction,
        "offer": offer,
        "result": result_of(page),
        "costs": costs_of(page.lot, shown or page.lot.opening_amount, request.GET.get("at")),
        "refused": refused,
        "sees_timeline": can_see_private(request.user, page.show_auction),
    }
    return render(request, "bidding/lot.html", context, status=200 if refused is None else 422)
