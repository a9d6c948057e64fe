"""Getting a paddle without leaving the room: for its script, in JSON. Refusals are 422 with a sentence at `detail`."""

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.models import User
from auctions import people
from auctions.errors import Refused
from auctions.models import Auction, Registration
from auctions.selectors import auction_by_slug
from bidding import pages, services


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def entrance(request: HttpRequest, slug: str) -> HttpResponse:
    """Say what this person is here, or give them a paddle."""
    auction = auction_by_slug(request.user, slug)
    if auction is None:
        raise Http404
    if request.method != "POST":
        return JsonResponse(pages.person_config(auction, pages.you_in(auction, request.user), request.user))
    if not isinstance(request.user, User):
        return JsonResponse({"detail": _("Sign in first.")}, status=401)
    try:
        registration, _created = paddle_ask(auction, request.user, request.POST)
    except Refused as refused:
        return JsonResponse({"detail": refused.message, "code": refused.code, "field": refused.field}, status=422)
    return JsonResponse({"paddle": registration.paddle, "status": registration.status})


def paddle_ask(auction: Auction, user: User, form: QueryDict) -> tuple[Registration, bool]:
    """Give a paddle to whoever sent the form; return it and whether it is new. Raises Refused.

    Where the auction asks for a postal address, the form brings one.
    """
    if "delivery_address" in form:
        people.address_set(user=user, delivery_address=form.get("delivery_address", ""))
    return services.registration_create(auction=auction, user=user, accept_terms=form.get("accept_terms") == "on")
