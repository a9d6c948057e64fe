"""The page of a house for those who prepare its shows: how buyers pay, its conditions, and how many follow it."""

from datetime import timedelta
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts.models import Follow, User
from auctions.errors import Refused
from auctions.forms import Control
from auctions.houses import house_update
from auctions.permissions import managed_organizers
from auctions.services import terms_latest

NEW_DAYS: Final = 30


class HouseForm(Control):
    """What a house tells its buyers."""

    payment_instructions = forms.CharField(
        label=gettext_lazy("How buyers pay"),
        required=False,
        max_length=5_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("Shown on every order and invoice, like an account number and what to write."),
    )
    terms = forms.CharField(
        label=gettext_lazy("Conditions of sale"),
        max_length=50_000,
        widget=forms.Textarea(attrs={"rows": 12}),
        help_text=gettext_lazy("A change is a new version. Drafts take it over; a scheduled show keeps its own."),
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def house(request: HttpRequest, organizer_id: int) -> HttpResponse:
    """Show a house to those who prepare its shows, and change what it tells buyers."""
    assert isinstance(request.user, User)
    organizer = managed_organizers(request.user).filter(pk=organizer_id).first()
    if organizer is None:
        raise Http404
    latest = terms_latest(organizer)
    initial = {"payment_instructions": organizer.payment_instructions, "terms": latest.text if latest else ""}
    form = HouseForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_bound and form.is_valid():
        try:
            house_update(actor=request.user, organizer=organizer, **form.cleaned_data)
        except Refused as refused:
            form.refuse({"text": "terms"}.get(refused.field or "", refused.field or ""), refused.message)
        else:
            messages.success(request, _("Saved."))
            return redirect("host_house", organizer_id=organizer.pk)
    # How many, not who: nobody who follows a house was asked whether it may know.
    followers = Follow.objects.filter(organizer=organizer)
    context: dict[str, Any] = {
        "house": organizer,
        "form": form,
        "terms": latest,
        "follower_count": followers.count(),
        "new_followers": followers.filter(created_at__gt=timezone.now() - timedelta(days=NEW_DAYS)).count(),
        "new_days": NEW_DAYS,
    }
    return render(request, "auctions/host_house.html", context, status=422 if form.errors else 200)
