"""The pages of what was bought: an order with its delivery, and its invoices on paper.

Whoever may not see an order gets 404, as if there were none. Nothing of it is kept by a cache.
"""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from auctions.errors import Refused
from auctions.sales import order_set_delivery
from bidding.invoice_pdf import invoice_file
from bidding.pages_orders import InvoicePage, invoice_page, order_page


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def order(request: HttpRequest, order_id: int) -> HttpResponse:
    """Show an order; let its buyer say how it reaches them."""
    assert isinstance(request.user, User)
    page = order_page(request.user, order_id)
    if page is None:
        raise Http404
    if request.method != "POST":
        return render(request, "bidding/order.html", {"page": page, "paid_just_now": "paid" in request.GET})
    choice = request.POST.get("delivery", "")
    typed = request.POST.get("delivery_address", "")
    try:
        order_set_delivery(
            order=page.order,
            actor=request.user,
            pick_up=choice == "pick_up",
            address=page.profile_address if choice == "profile" else "" if choice == "pick_up" else typed,
        )
    except Refused as refused:
        context = {"page": page, "refused": refused, "choice": choice, "typed": typed}
        return render(request, "bidding/order.html", context, status=422)
    messages.success(request, _("Saved."))
    return redirect("order", order_id=order_id)


@login_required
@never_cache
@require_safe
def invoice(request: HttpRequest, order_id: int, number: int) -> HttpResponse:
    """Show an invoice as a page that prints well."""
    page = _invoice(request, order_id, number)
    return render(request, "bidding/invoice.html", {"page": page})


@login_required
@never_cache
@require_safe
def invoice_pdf(request: HttpRequest, order_id: int, number: int) -> HttpResponse:
    """Return an invoice as a PDF file."""
    page = _invoice(request, order_id, number)
    name = f"credit-note-{number}.pdf" if page.is_credit else f"invoice-{number}.pdf"
    return HttpResponse(
        invoice_file(page),
        content_type="application/pdf",
        headers={"Content-Disposition": f'inline; filename="{name}"', "X-Content-Type-Options": "nosniff"},
    )


def _invoice(request: HttpRequest, order_id: int, number: int) -> InvoicePage:
    assert isinstance(request.user, User)
    page = invoice_page(request.user, order_id, number)
    if page is None:
        raise Http404
    return page
