"""The run of show: all lots of an auction in one list, each a small form that saves itself.

A row says which contents it saw, so that two people at one list overwrite nothing of each other's. The same forms and
buttons work without scripts; with one, the answers are JSON.
"""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from auctions import run_of_show as catalogue
from auctions.errors import Refused
from auctions.forms import LotForm, field_of
from auctions.models import Auction, Lot, LotStatus
from auctions.rules import PRESETS
from auctions.run_forms import AddForm, RowForm
from auctions.selectors import auction_for_host, lot_for_host, shipping_profiles, tax_rules
from bidding import services
from bidding.pages_run import OVER, Row, order_of, row_of, run_page


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def run_of_show(request: HttpRequest, auction_id: int) -> HttpResponse:
    """Show the list; a POST adds a lot at its end."""
    assert isinstance(request.user, User)
    auction = auction_for_host(request.user, auction_id)
    if auction is None:
        raise Http404
    form = AddForm(request.POST if request.method == "POST" else None, currency=auction.currency)
    if form.is_bound and form.is_valid():
        try:
            lot = catalogue.lot_add(actor=request.user, auction=auction, **form.cleaned_data)
        except Refused as refused:
            form.refuse(refused.field or "title", refused.message)
        else:
            return _done(request, auction, lot, _("Lot %(number)s is added.") % {"number": lot.number})
    if form.errors and _wants_json(request):
        return JsonResponse({"errors": _first(form)}, status=422)
    context = {"page": run_page(auction), "auction": auction, "form": form}
    return render(request, "auctions/host_run.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def row_save(request: HttpRequest, lot_id: int) -> HttpResponse:
    """Save one row as it was typed, or say at each field why not."""
    assert isinstance(request.user, User)
    lot = _managed(request, lot_id)
    form, status = RowForm(request.POST, lot=lot), 422
    if form.is_valid():
        seen = request.POST.get("version", "")
        try:
            lot = catalogue.lot_save_seen(actor=request.user, lot=lot, seen=seen, **form.changes())
        except Refused as refused:
            status = 409 if refused.code in ("stale", "lot_frozen") else 422
            form.refuse(field_of(refused), refused.message)
        else:
            return _done(request, lot.auction, lot, _("Lot %(number)s is saved.") % {"number": lot.number})
    # Read again: what is shown, and named by the next try, is what is stored now.
    stored = row_of(_managed(request, lot_id))
    row = Row(stored.lot, form.texts(), _first(form))
    if _wants_json(request):
        answer: dict[str, Any] = {"errors": row.errors}
        if status == 409:
            answer |= {"version": stored.version, "stored": stored.texts, "is_pending": stored.is_pending}
        return JsonResponse(answer, status=status)
    context = {
        "page": run_page(lot.auction, instead=row),
        "auction": lot.auction,
        "form": AddForm(currency=form.currency),
    }
    return render(request, "auctions/host_run.html", context, status=status)


@login_required
@require_POST
def lot_act(request: HttpRequest, lot_id: int, act: str) -> HttpResponse:
    """Move a lot, copy it, or take it out of a draft."""
    assert isinstance(request.user, User)
    lot = _managed(request, lot_id)
    if act not in _ACTS:
        raise Http404
    try:
        touched, said = _ACTS[act](lot, request.user, request)
    except Refused as refused:
        if _wants_json(request):
            return JsonResponse({"errors": {"": refused.message}, "order": order_of(lot.auction)}, status=422)
        messages.error(request, refused.message)
        return redirect(_at(lot.auction, lot))
    return _done(request, lot.auction, touched, said)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def lot_sheet(request: HttpRequest, lot_id: int) -> HttpResponse:
    """Change everything of one lot that waits."""
    assert isinstance(request.user, User)
    lot = _managed(request, lot_id)
    if lot.status != LotStatus.PENDING or lot.auction.status in OVER:
        messages.info(request, _("The lot was opened; its rules are frozen."))
        return redirect(_at(lot.auction, lot))
    organizer = lot.auction.organizer
    form = LotForm(
        request.POST if request.method == "POST" else None,
        currency=lot.auction.currency,
        offered={"tax_rule": list(tax_rules(organizer)), "shipping": list(shipping_profiles(organizer))},
        initial=LotForm.initial_of(lot),
    )
    for name in ("id", "picture", "alt"):
        del form.fields[name]
    version = request.POST.get("version", "") if form.is_bound else catalogue.lot_version(lot)
    if form.is_bound and form.is_valid():
        try:
            catalogue.lot_save_seen(actor=request.user, lot=lot, seen=version, **form.changes())
        except Refused as refused:
            form.refuse(field_of(refused), refused.message)
            if refused.code == "stale":
                # What is saved next was decided in sight of this.
                version = catalogue.lot_version(_managed(request, lot_id))
        else:
            messages.success(request, _("Saved."))
            return redirect(_at(lot.auction, lot))
    context = {"lot": lot, "auction": lot.auction, "form": form, "version": version, "presets": PRESETS.values()}
    return render(request, "auctions/host_lot.html", context, status=422 if form.errors else 200)


def _managed(request: HttpRequest, lot_id: int) -> Lot:
    lot = lot_for_host(request.user, lot_id)
    if lot is None:
        raise Http404
    return lot


def _wants_json(request: HttpRequest) -> bool:
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def _first(form: Any) -> dict[str, str]:
    """Return what is wrong by field, one sentence each."""
    return {"" if name == "__all__" else name: found[0] for name, found in form.errors.items()}


def _at(auction: Auction, lot: Lot | None) -> str:
    return reverse("host_lots", args=(auction.pk,)) + (f"#lot-{lot.pk}" if lot else "")


def _done(request: HttpRequest, auction: Auction, lot: Lot | None, said: str) -> HttpResponse:
    """Answer what was done: the row as it is now, and the order of all."""
    if not _wants_json(request):
        messages.success(request, said)
        return redirect(_at(auction, lot))
    page = run_page(auction)
    answer: dict[str, Any] = {
        "said": said,
        "order": [row.lot.pk for row in page.rows],
        "span": render_to_string("parts/run_span.html", {"page": page}, request),
    }
    row = next((row for row in page.rows if row.lot == lot), None)
    if row is not None:
        answer |= {"lot": row.lot.pk, "version": row.version, "stored": row.texts}
        answer["row"] = render_to_string("parts/run_row.html", {"row": row, "page": page}, request)
    return JsonResponse(answer)


# --- What the buttons do ---------------------------------------------------------------------------------


def _earlier(lot: Lot, actor: User, request: HttpRequest) -> tuple[Lot | None, str]:
    services.lot_step(lot=lot, actor=actor, by=-1)
    return lot, _("Lot %(number)s is moved.") % {"number": lot.number}


def _later(lot: Lot, actor: User, request: HttpRequest) -> tuple[Lot | None, str]:
    services.lot_step(lot=lot, actor=actor, by=1)
    return lot, _("Lot %(number)s is moved.") % {"number": lot.number}


def _place(lot: Lot, actor: User, request: HttpRequest) -> tuple[Lot | None, str]:
    text = request.POST.get("before", "")
    is_number = text.isascii() and text.isdecimal() and len(text) < 19
    before = lot.auction.lots.filter(pk=int(text)).first() if is_number else None
    if text and before is None:
        raise Refused("lot_gone", _("The lot was taken out meanwhile."))
    services.lot_move(lot=lot, actor=actor, before=before)
    return lot, _("Lot %(number)s is moved.") % {"number": lot.number}


def _duplicate(lot: Lot, actor: User, request: HttpRequest) -> tuple[Lot | None, str]:
    copy = services.lot_duplicate(lot=lot, actor=actor)
    return copy, _("Lot %(number)s is a copy of lot %(other)s.") % {"number": copy.number, "other": lot.number}


def _remove(lot: Lot, actor: User, request: HttpRequest) -> tuple[Lot | None, str]:
    catalogue.lot_take_out(actor=actor, lot=lot)
    return None, _("Lot %(number)s is removed.") % {"number": lot.number}


_ACTS: dict[str, Callable[[Lot, User, HttpRequest], tuple[Lot | None, str]]] = {
    "earlier": _earlier,
    "later": _later,
    "place": _place,
    "duplicate": _duplicate,
    "remove": _remove,
}
