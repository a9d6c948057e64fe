"""What the host's camera page asks of the floor without being left: that a paused lot may go on."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, JsonResponse
from django.views.decorators.http import require_POST

from accounts.models import User
from auctions.errors import Refused
from auctions.selectors import auction_for_host
from bidding import services
from bidding.pages import Shown


@login_required
@require_POST
def resume(request: HttpRequest, auction_id: int) -> JsonResponse:
    """Let the paused lot run again: 200, or 409 with `detail` in words for the host."""
    assert isinstance(request.user, User)
    auction = auction_for_host(request.user, auction_id)
    if auction is None:
        raise Http404
    shown = Shown.of(request.POST)
    try:
        lot = services.lot_resume_current(auction=auction, actor=request.user, shown_id=shown.lot_id, seen_v=shown.v)
    except Refused as refused:
        return JsonResponse({"code": refused.code, "detail": refused.message}, status=409)
    return JsonResponse({"lot": lot.pk})
