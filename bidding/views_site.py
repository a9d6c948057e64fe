"""The state of the site, and signs of bids that are not meant, for its administrators. Others get 404."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from auctions.permissions import is_administrator
from bidding.pages_site import site_state
from bidding.shills import signals_now


@login_required
@never_cache
@require_safe
def site(request: HttpRequest) -> HttpResponse:
    """Show what is wrong, and what to do."""
    if not is_administrator(request.user):
        raise Http404
    response = render(request, "bidding/site.html", {"state": site_state()})
    # Who keeps it open sees it as it is.
    response["Refresh"] = "10"
    return response


@login_required
@never_cache
@require_safe
def signs(request: HttpRequest) -> HttpResponse:
    """Show what to look at, with its evidence."""
    if not is_administrator(request.user):
        raise Http404
    return render(request, "bidding/shills.html", {"signals": signals_now()})
