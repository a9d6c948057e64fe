"""The house's pages of the morning after: all orders of an auction, one order, its offers, lists to print and to load.

They exist for those who handle the money of the house. Actions on many orders take each on its own: what is refused is
said by its order, and holds up none of the others. Nothing of it is kept by a cache.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from auctions.audit import refusal_keep
from auctions.errors import Refused
from auctions.models import Auction, LotRun, Offer, OfferKind, Order, RefundReason, Sale
from auctions.orders import (
    order_cancel_lots,
    order_finish,
    order_give_time,
    order_mark_unpaid,
    order_pay,
    order_refund,
    order_send,
    order_unchanged,
)
from auctions.presenting import typed_amount, wire_minor
from bidding.exports import EXPORTS, csv_file
from bidding.pages_aftermath import HouseOrderPage, aftermath_page, auction_for_billing, house_order_page
from bidding.pages_packing import packing_page
from bidding.services.offers import HOURS, offer_answer_for, offer_negotiation, offer_second_chance, offer_withdraw
from bidding.services.reminding import order_remind


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def auction_orders(request: HttpRequest, auction_id: int) -> HttpResponse:
    """Show every order of an auction, whom to chase first; do one thing with many of them."""
    auction = _auction(request, auction_id)
    if request.method == "POST":
        _do_with_many(request, auction)
        return redirect("auction_orders", auction_id=auction.pk)
    page = aftermath_page(auction, check="check" in request.GET)
    return render(request, "auctions/orders.html", {"page": page, "auction": auction, "hours": HOURS})


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def house_order(request: HttpRequest, order_id: int) -> HttpResponse:
    """Show one order with its history; take one step with it."""
    page = house_order_page(request.user, order_id)
    if page is None:
        raise Http404
    if request.method != "POST":
        return render(request, "auctions/order.html", {"page": page})
    action = request.POST.get("action", "")
    try:
        if action not in _STEPS:
            raise Refused("unknown", _("Choose what to do."))
        with transaction.atomic():
            order_unchanged(order=page.order, seen=_number(request, "seen"))
            said = _STEPS[action](request, page)
    except Refused as refused:
        refusal_keep(refused)
        again = house_order_page(request.user, order_id)
        context = {"page": again, "refused": refused, "action": action, "typed": request.POST}
        return render(request, "auctions/order.html", context, status=409)
    messages.success(request, said)
    return redirect("house_order", order_id=order_id)


@login_required
@require_http_methods(["GET", "POST"])
def run_offer(request: HttpRequest, run_id: int) -> HttpResponse:
    """Offer a lot to its next bidder, answer for one without an account, or take an offer back.

    Who had to sign in for it comes by GET, and looks before they press again.
    """
    run = LotRun.objects.select_related("auction", "lot").filter(pk=run_id).first()
    if run is None or auction_for_billing(request.user, run.auction_id) is None:
        raise Http404
    if request.method == "POST":
        try:
            messages.success(request, _offer(request, run))
        except Refused as refused:
            messages.error(request, refused.message)
    return redirect("auction_orders", auction_id=run.auction_id)


@login_required
@never_cache
@require_safe
def orders_csv(request: HttpRequest, auction_id: int, name: str) -> HttpResponse:
    """Return the orders of an auction by line, or its papers by number, as a CSV file."""
    auction = _auction(request, auction_id)
    if name not in EXPORTS:
        raise Http404
    return HttpResponse(
        csv_file(EXPORTS[name](auction)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{auction.slug}-{name}.csv"'},
    )


@login_required
@never_cache
@require_safe
def packing_list(request: HttpRequest, auction_id: int) -> HttpResponse:
    """Show what is paid and to be packed or laid ready, to print."""
    auction = _auction(request, auction_id)
    return render(request, "auctions/packing.html", {"page": packing_page(auction), "auction": auction})


# --- Many orders -----------------------------------------------------------------------------------------


def _do_with_many(request: HttpRequest, auction: Auction) -> None:
    actor, action = _actor(request), request.POST.get("action", "")
    known = Order.objects.filter(auction=auction, pk__in=[pk for pk in request.POST.getlist("order") if pk.isdecimal()])
    orders = list(known.order_by("pk"))
    if action not in _MANY or not orders:
        messages.error(request, _("Choose orders, and what to do with them."))
        return
    done, refusals = 0, defaultdict[str, list[int]](list)
    for order in orders:
        try:
            _MANY[action](order, actor)
            done += 1
        except Refused as refused:
            refusals[refused.message].append(order.pk)
    if done:
        messages.success(request, _said(action, done))
    for message, numbers in refusals.items():
        text = ngettext("Order %(numbers)s: %(why)s", "Orders %(numbers)s: %(why)s", len(numbers))
        messages.error(request, text % {"numbers": _listed(numbers), "why": message})


def _said(action: str, count: int) -> str:
    match action:
        case "paid":
            text = ngettext("%(count)d order is paid.", "%(count)d orders are paid.", count)
        case "remind":
            text = ngettext("%(count)d buyer is reminded.", "%(count)d buyers are reminded.", count)
        case "sent":
            text = ngettext("%(count)d order is sent.", "%(count)d orders are sent.", count)
        case "done":
            text = ngettext("%(count)d order is done.", "%(count)d orders are done.", count)
        case _:
            text = ngettext("%(count)d order is unpaid.", "%(count)d orders are unpaid.", count)
    return text % {"count": count}


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))


_MANY: dict[str, Callable[[Order, User], object]] = {
    "paid": lambda order, actor: order_pay(order=order, actor=actor),
    "remind": lambda order, actor: order_remind(order=order, actor=actor),
    "sent": lambda order, actor: order_send(order=order, actor=actor),
    "done": lambda order, actor: order_finish(order=order, actor=actor),
    "unpaid": lambda order, actor: order_mark_unpaid(order=order, actor=actor),
}


# --- One order -------------------------------------------------------------------------------------------


def _pay(request: HttpRequest, page: HouseOrderPage) -> str:
    order_pay(
        order=page.order,
        actor=_actor(request),
        amount=_amount(request, page.auction),
        reference=request.POST.get("reference", "")[:120],
    )
    return _("The payment is noted.")


def _refund(request: HttpRequest, page: HouseOrderPage) -> str:
    reason = request.POST.get("reason", "")
    if reason not in RefundReason.values:
        raise Refused("no_reason", _("Say why."), field="reason")
    order_refund(
        order=page.order,
        actor=_actor(request),
        amount=_amount(request, page.auction),
        reason=RefundReason(reason),
        note=request.POST.get("note", ""),
    )
    return _("It is noted.")


def _cancel(request: HttpRequest, page: HouseOrderPage) -> str:
    chosen = {pk for pk in request.POST.getlist("sale") if pk.isdecimal()}
    sales: list[Sale] = [sale for sale in page.sales if str(sale.pk) in chosen]
    order_cancel_lots(order=page.order, sales=sales, actor=_actor(request), note=request.POST.get("note", ""))
    return ngettext("%(count)d lot is called off.", "%(count)d lots are called off.", len(sales)) % {
        "count": len(sales)
    }


def _unpaid(request: HttpRequest, page: HouseOrderPage) -> str:
    order_mark_unpaid(order=page.order, actor=_actor(request), note=request.POST.get("note", ""))
    return _said("unpaid", 1)


def _time(request: HttpRequest, page: HouseOrderPage) -> str:
    try:
        day = date.fromisoformat(request.POST.get("due_on", ""))
    except ValueError as error:
        raise Refused("bad_date", _("Choose a day."), field="due_on") from error
    # The day counts to its end, where the auction is.
    due_at = datetime.combine(day, time(23, 59), ZoneInfo(page.auction.time_zone))
    order_give_time(order=page.order, actor=_actor(request), due_at=due_at, note=request.POST.get("note", ""))
    return _("The buyer has until then.")


def _remind(request: HttpRequest, page: HouseOrderPage) -> str:
    order_remind(order=page.order, actor=_actor(request))
    return _said("remind", 1)


def _send(request: HttpRequest, page: HouseOrderPage) -> str:
    order_send(order=page.order, actor=_actor(request))
    return _said("sent", 1)


def _finish(request: HttpRequest, page: HouseOrderPage) -> str:
    order_finish(order=page.order, actor=_actor(request))
    return _said("done", 1)


_STEPS: dict[str, Callable[[HttpRequest, HouseOrderPage], str]] = {
    "pay": _pay,
    "refund": _refund,
    "cancel": _cancel,
    "unpaid": _unpaid,
    "time": _time,
    "remind": _remind,
    "send": _send,
    "finish": _finish,
}


# --- Offers ----------------------------------------------------------------------------------------------


def _offer(request: HttpRequest, run: LotRun) -> str:
    actor, action = _actor(request), request.POST.get("action", "")
    if action == OfferKind.SECOND_CHANCE:
        offer = offer_second_chance(run=run, actor=actor, hours=_number(request, "hours"))
    elif action == OfferKind.NEGOTIATION:
        amount = _amount(request, run.auction)
        offer = offer_negotiation(run=run, actor=actor, amount=amount, hours=_number(request, "hours"))
    else:
        found = Offer.objects.filter(run=run, pk=_number(request, "offer")).first()
        if found is None or action not in ("withdraw", "accept", "decline"):
            raise Refused("unknown", _("Choose what to do."))
        if action == "withdraw":
            offer_withdraw(offer=found, actor=actor)
            return _("The offer is taken back.")
        offer_answer_for(offer=found, actor=actor, accept=action == "accept")
        return _("The answer is noted.")
    return _("Lot %(number)s is offered to paddle %(paddle)s.") % {
        "number": run.lot.number,
        "paddle": offer.registration.paddle,
    }


# --- What was sent ---------------------------------------------------------------------------------------


def _auction(request: HttpRequest, auction_id: int) -> Auction:
    auction = auction_for_billing(request.user, auction_id)
    if auction is None:
        raise Http404
    return auction


def _actor(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def _number(request: HttpRequest, name: str) -> int:
    text = request.POST.get(name, "")[:12]
    return int(text) if text.isdecimal() else -1


def _amount(request: HttpRequest, auction: Auction) -> int:
    currency = auction.currency
    amount = wire_minor(typed_amount(request.POST.get("amount", "")[:40], currency), currency)
    if amount is None:
        raise Refused(
            "bad_amount",
            _("That is not an amount in %(currency)s.") % {"currency": currency.code},
            field="amount",
        )
    return amount
