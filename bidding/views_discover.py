"""The pages by which people find shows: search, a category, all shows, the page of a house.

Each view is one selector. What lists do not show to this person is 404, or is not there. Searching too much is refused.
"""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from accounts.traces import client_network
from auctions.models import Category
from bidding import pages_discover
from bidding.pages_discover import wanted_of
from bidding.services.searching import search_allow


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Show the lots, shows and houses that match; without a word all lots."""
    return _found(request)


@require_safe
def category(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the lots of a category."""
    return _found(request, get_object_or_404(Category, slug=slug))


@require_safe
def auctions(request: HttpRequest) -> HttpResponse:
    """Show all listed shows: live, soon or over."""
    wanted = wanted_of(request.GET.dict())
    page = pages_discover.auctions_page(request.user, wanted)
    return render(request, "bidding/auctions.html", {"page": page, "wanted": wanted})


@require_safe
def house(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a house and its shows."""
    page = pages_discover.house_page(request.user, slug)
    if page is None:
        raise Http404
    return render(request, "bidding/house.html", {"house": page})


def _found(request: HttpRequest, category: Category | None = None) -> HttpResponse:
    wanted = wanted_of(request.GET.dict(), category)
    if wanted.is_search and not search_allow(network=client_network(request)):
        response = render(request, "429.html", status=429)
        response["Retry-After"] = "30"
        return response
    return render(request, "bidding/search.html", {"found": pages_discover.found_page(request.user, wanted)})
