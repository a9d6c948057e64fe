"""Paying an order online: the button that leads its buyer away, and the message by which the provider says it is paid.

Whoever may not see an order gets 404. The message is believed for its signature alone.
"""

import structlog
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from auctions.models import Order
from auctions.orders import order_paid_by
from auctions.payments import provider
from auctions.payments.base import NotSigned, PaymentTrouble
from auctions.payments.stripe import StripeCheckout, from_stripe
from bidding.pages_orders import order_page

logger = structlog.get_logger(__name__)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def order_checkout(request: HttpRequest, order_id: int) -> HttpResponse:
    """Lead the buyer of an order to the provider's page for what is open; who signed in for it comes by GET."""
    assert isinstance(request.user, User)
    page = order_page(request.user, order_id)
    if page is None or not page.is_buyer:
        raise Http404
    if request.method == "POST":
        try:
            if not page.is_paid_online:
                raise PaymentTrouble(_("This cannot be paid online. Please pay as the house says."))
            back = settings.PUBLIC_URL + reverse("order", args=(order_id,))
            return HttpResponse(
                status=303, headers={"Location": provider().begin(order=page.order, amount=page.to_pay, back=back)}
            )
        except PaymentTrouble as trouble:
            messages.error(request, str(trouble))
    return redirect("order", order_id=order_id)


@csrf_exempt
@never_cache
@require_POST
def stripe_told(request: HttpRequest) -> HttpResponse:
    """Note what Stripe says was paid, once however often it says so; 400 where nothing proves that it says it."""
    chosen = provider()
    if not isinstance(chosen, StripeCheckout):
        raise Http404
    try:
        paid = chosen.read(request.body, request.headers)
    except NotSigned:
        return HttpResponse(status=400)
    if paid is None:
        return HttpResponse(status=204)
    order = Order.objects.select_related("auction").filter(pk=paid.order).first()
    if order is None or paid.currency_code != order.auction.currency_code:
        # The money is there and nobody's: somebody has to look.
        logger.error("payment_without_order", provider=chosen.name, order=paid.order, reference=paid.reference)
        return HttpResponse(status=204)
    amount = from_stripe(paid.amount, order.auction.currency)
    order_paid_by(order=order, method=chosen.name, reference=paid.reference, amount=amount, received_at=timezone.now())
    return HttpResponse(status=204)
