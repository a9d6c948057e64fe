"""The page that begins a rehearsal of a show, and the button that puts one away."""

from typing import Any, Final

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.models import User
from auctions.errors import Refused
from auctions.models import Auction
from auctions.selectors import auction_for_host
from bidding import services
from bidding.models import Temper
from bidding.services.rehearsals import MOST_BIDDERS

FIRST: Final = {Temper.EAGER: 3, Temper.STEADY: 4, Temper.SNIPER: 2, Temper.MAXIMUM: 3}
"""How many of each are offered at first."""


class RehearsalForm(forms.Form):
    """How many simulated bidders of each temper take part."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for temper in Temper:
            self.fields[temper.value] = forms.IntegerField(
                label=temper.label, min_value=0, max_value=MOST_BIDDERS, initial=FIRST[temper]
            )

    @property
    def tempers(self) -> dict[Temper, int]:
        """What was asked for."""
        return {temper: self.cleaned_data[temper.value] for temper in Temper}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def host_rehearsal(request: HttpRequest, auction_id: int) -> HttpResponse:
    """Ask who shall bid, make the rehearsal and lead to its page."""
    auction = _managed(request, auction_id)
    assert isinstance(request.user, User)
    form = RehearsalForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            rehearsal = services.rehearsal_create(auction=auction, actor=request.user, tempers=form.tempers)
        except Refused as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, _("The rehearsal is ready. Go live as you will on the evening."))
            return redirect("host_auction", auction_id=rehearsal.pk)
    context = {"auction": auction, "form": form, "most": MOST_BIDDERS}
    return render(request, "auctions/host_rehearsal.html", context, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
def rehearsal_put_away(request: HttpRequest, auction_id: int) -> HttpResponse:
    """End a rehearsal and have it erased. Who had to sign in for it comes by GET, and looks before they press again."""
    rehearsal = _managed(request, auction_id)
    if request.method != "POST":
        return redirect("host_auction", auction_id=rehearsal.pk)
    assert isinstance(request.user, User)
    try:
        services.rehearsal_put_away(rehearsal=rehearsal, actor=request.user)
    except Refused as refused:
        messages.error(request, refused.message)
        return redirect("host_auction", auction_id=rehearsal.pk)
    messages.success(request, _("The rehearsal is being erased. Nothing of it stays."))
    if rehearsal.rehearsal_of_id is None:
        return redirect("host_auctions")
    return redirect("host_auction", auction_id=rehearsal.rehearsal_of_id)


def _managed(request: HttpRequest, auction_id: int) -> Auction:
    auction = auction_for_host(request.user, auction_id)
    if auction is None:
        raise Http404
    return auction
