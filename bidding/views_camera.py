"""What the host's camera page asks without being left: a key to send with, and that a paused lot may go on."""

from urllib.parse import urlsplit

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.models import User
from auctions.errors import Refused
from auctions.selectors import auction_for_host
from auctions.services import stream_key_rotate
from auctions.streaming import provider
from auctions.streaming.base import StreamTrouble
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


@login_required
@never_cache
@require_POST
def key(request: HttpRequest, auction_id: int) -> JsonResponse:
    """Give a fresh key of the auction's channel to the page that sends by a video service, and to nobody else.

    200 with `endpoint` and `key`, or 409 with `detail` in words for the host. The last key is worth nothing then.
    """
    assert isinstance(request.user, User)
    auction = auction_for_host(request.user, auction_id)
    if auction is None or not provider().is_remote:
        raise Http404
    try:
        ingest = stream_key_rotate(auction=auction, actor=request.user)
    except Refused as refused:
        return JsonResponse({"code": refused.code, "detail": refused.message}, status=409)
    except StreamTrouble as trouble:
        return JsonResponse({"code": "unavailable", "detail": str(trouble)}, status=409)
    return JsonResponse({"endpoint": urlsplit(ingest.url).hostname, "key": ingest.key})
