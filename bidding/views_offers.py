"""The page of an offer after a show, where its bidder accepts or declines. To everybody else it does not exist."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.models import User
from auctions.errors import Refused
from bidding.pages_offers import offer_page
from bidding.services.offers import offer_answer


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def lot_offer(request: HttpRequest, lot_id: int) -> HttpResponse:
    """Show what is offered and what it costs; take the answer, which names the offer that the page showed."""
    assert isinstance(request.user, User)
    page = offer_page(request.user, lot_id)
    if page is None:
        raise Http404
    if request.method != "POST":
        return render(request, "bidding/offer.html", {"page": page})
    accept = request.POST.get("answer") == "accept"
    total = request.POST.get("total", "")
    try:
        if request.POST.get("offer") != str(page.offer.pk) or request.POST.get("answer") not in ("accept", "decline"):
            raise Refused("changed", _("This offer changed meanwhile. Look again before you answer."))
        offer = offer_answer(
            offer=page.offer, actor=request.user, accept=accept, total=int(total) if total.isdecimal() else -1
        )
    except Refused as refused:
        context = {"page": offer_page(request.user, lot_id), "refused": refused}
        return render(request, "bidding/offer.html", context, status=409)
    if offer.sale is None:
        messages.success(request, _("You declined. The house sees it."))
        return redirect("lot_offer", lot_id=lot_id)
    messages.success(request, _("It is yours. This is what is to be paid."))
    line = offer.sale.order_lines.filter(cancelled_at=None).first()
    return redirect("order", order_id=line.order_id) if line else redirect("my_bids")
