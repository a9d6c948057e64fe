"""The pages by which people find shows: search, a category, all shows, the page of a house.

Each view is one selector. What lists do not show to this person is 404, or is not there.
"""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from auctions.models import Category
from bidding import pages_discover
from bidding.pages_discover import wanted_of


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Show the lots, shows and houses that match; without a word all lots."""
    found = pages_discover.found_page(request.user, wanted_of(request.GET.dict()))
    return render(request, "bidding/search.html", {"found": found})


@require_safe
def category(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the lots of a category."""
    wanted = wanted_of(request.GET.dict(), get_object_or_404(Category, slug=slug))
    return render(request, "bidding/search.html", {"found": pages_discover.found_page(request.user, wanted)})


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
