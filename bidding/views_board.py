"""The board of an auction for a hall's screen or OBS, and the host's buttons that give it a key and end it.

Who may see the auction sees its board; a screen that is not signed in brings the key in its address.
"""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from auctions.boards import auction_by_board_key, board_key_end, board_key_renew
from auctions.selectors import auction_by_slug, auction_for_host
from bidding.pages_board import board_page


@never_cache
@require_safe
def board(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the lot on the block, large; `?transparent=1` is for laying it over a video."""
    key = request.GET.get("key")
    auction = auction_by_slug(request.user, slug) if key is None else auction_by_board_key(slug, key)
    if auction is None:
        raise Http404
    context = {
        "auction": auction,
        "page": board_page(auction, key),
        "transparent": request.GET.get("transparent") == "1",
    }
    response = render(request, "bidding/board.html", context)
    # The key is in the address: no other page is told it.
    response["Referrer-Policy"] = "no-referrer"
    return response


@login_required
@require_http_methods(["GET", "POST"])
def host_board(request: HttpRequest, auction_id: int) -> HttpResponse:
    """Give the board a new key, or end the one it has; who had to sign in for it comes by GET."""
    auction = auction_for_host(request.user, auction_id)
    if auction is None:
        raise Http404
    if request.method == "POST":
        assert isinstance(request.user, User)
        if request.POST.get("action") == "end":
            board_key_end(auction=auction, actor=request.user)
            messages.success(request, _("The link is worth nothing any more; screens that watched by it stop."))
        else:
            board_key_renew(auction=auction, actor=request.user)
            messages.success(request, _("The board has a new link. One that it had before is worth nothing."))
    return redirect("host_auction", auction_id=auction.pk)
