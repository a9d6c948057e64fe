"""The host's pages of the catalogue: their auctions, and the sheet that creates or changes one.

Each view is one form or one selector. The page that runs a show is the bidding app's.
"""

import zoneinfo
from typing import Any, Final

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from auctions.errors import Refused
from auctions.forms import AuctionSheet
from auctions.media import MAX_UPLOAD_BYTES
from auctions.models import Auction, AuctionStatus
from auctions.permissions import managed_organizers
from auctions.rules import PRESETS
from auctions.run_of_show import auction_copy
from auctions.selectors import auction_for_host, auctions_of_host, catalogue
from auctions.services import organizer_for, stream_cut_off, stream_key_rotate
from auctions.streaming import provider
from auctions.streaming.base import StreamTrouble

HOUSES_SHOWN: Final = 12
IVS_BROADCAST_POLICY: Final = {
    "script-src": ["https://web-broadcast.live-video.net"],
    "connect-src": ["wss://*.live-video.net"],
}
"""What IVS' broadcast SDK needs beyond what its player does, on the camera's page alone."""


@login_required
@require_safe
def host_auctions(request: HttpRequest) -> HttpResponse:
    """List the auctions that this person prepares and runs."""
    houses = managed_organizers(request.user).filter(archived_at=None).order_by("name")[:HOUSES_SHOWN]
    return render(
        request, "auctions/host_auctions.html", {"auctions": auctions_of_host(request.user), "houses": houses}
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def auction_new(request: HttpRequest) -> HttpResponse:
    """Create a draft with its lots."""
    assert isinstance(request.user, User)
    try:
        organizer = organizer_for(request.user)
    except Refused as refused:
        return render(request, "auctions/host_refused.html", {"refused": refused}, status=403)
    return _edit(request, AuctionSheet(request, actor=request.user, organizer=organizer))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def auction_edit(request: HttpRequest, auction_id: int) -> HttpResponse:
    """Change an auction and its lots."""
    assert isinstance(request.user, User)
    auction = _managed(request, auction_id)
    if auction.status in (AuctionStatus.ENDED, AuctionStatus.CANCELLED):
        messages.info(request, _("The auction is over; what it was stays on record."))
        return redirect("host_auction", auction_id=auction.pk)
    lots = catalogue(auction)
    sheet = AuctionSheet(request, actor=request.user, organizer=auction.organizer, auction=auction, lots=lots)
    return _edit(request, sheet)


@login_required
@require_POST
def auction_duplicate(request: HttpRequest, auction_id: int) -> HttpResponse:
    """Make a draft like an auction, and go to it."""
    assert isinstance(request.user, User)
    auction = _managed(request, auction_id)
    try:
        copy = auction_copy(actor=request.user, auction=auction)
    except (Refused, StreamTrouble) as trouble:
        messages.error(request, str(trouble))
        return redirect("host_auction", auction_id=auction.pk)
    messages.success(request, _("This is a copy. Give it a title and a start of its own."))
    return redirect("host_auction_edit", auction_id=copy.pk)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def camera(request: HttpRequest, auction_id: int) -> HttpResponse:
    """Show the host their own picture to send, and the key of the channel; rotate it, or cut off who sends."""
    assert isinstance(request.user, User)
    auction = _managed(request, auction_id)
    channel = auction.stream_channel
    if channel is None or auction.status in (AuctionStatus.ENDED, AuctionStatus.CANCELLED):
        messages.info(request, _("There is nothing to send to: the auction is over or has no channel."))
        return redirect("host_auction", auction_id=auction.pk)
    # A video service tells a key once, in answer to the wish for it.
    told_once = provider().is_remote
    try:
        ingest = provider().ingest(channel)
        if request.method == "POST":
            if request.POST.get("action") == "cut_off":
                stream_cut_off(auction=auction, actor=request.user)
                messages.success(request, _("Whoever was sending is cut off, and the key is worth nothing any more."))
            else:
                ingest = stream_key_rotate(auction=auction, actor=request.user)
                messages.success(request, _("The channel has a new key. The old one is worth nothing."))
            if not ingest.key or not told_once:
                return redirect("host_camera", auction_id=auction.pk)
        sends_here = provider().playback(channel)["kind"] == "relay"
    except StreamTrouble as trouble:
        messages.error(request, str(trouble))
        return redirect("host_auction", auction_id=auction.pk)
    context = {
        "auction": auction,
        "ingest": ingest,
        "address": _socket_address(request, ingest.url) if sends_here else ingest.url,
        "sends_here": sends_here,
        "told_once": told_once,
        "obs": (settings.STREAM_RTMP_URL, f"{channel.pk}-{ingest.key}") if sends_here else None,
        "config": {"socket": ingest.url} if sends_here else {"key": reverse("host_camera_key", args=(auction.pk,))},
        "paused": {
            "socket": f"/ws/auctions/{auction.pk}/",
            "resume": reverse("host_camera_resume", args=(auction.pk,)),
        },
        "keep_days": settings.RECORDINGS_DAYS if sends_here else 0,
    }
    response = render(request, "auctions/host_camera.html", context)
    if provider().name == "ivs":
        response._csp_update = IVS_BROADCAST_POLICY  # type: ignore[attr-defined]
    return response


def _socket_address(request: HttpRequest, path: str) -> str:
    return request.build_absolute_uri(path).replace("http", "ws", 1)


def _edit(request: HttpRequest, sheet: AuctionSheet) -> HttpResponse:
    status = 200
    if request.method == "POST" and not sheet.is_being_arranged:
        saved = sheet.save() if sheet.is_valid() else None
        if saved is not None:
            messages.success(request, _("Saved."))
            if request.get_preferred_type(["text/html", "application/json"]) == "application/json":
                # A script would follow a redirect and read the words that are meant for the person.
                return JsonResponse({"next": reverse("host_auction", args=(saved.pk,))})
            return redirect("host_auction", auction_id=saved.pk)
        status = 422
    context: dict[str, Any] = {
        "sheet": sheet,
        "auction": sheet.auction,
        "presets": PRESETS.values(),
        "most_bytes": MAX_UPLOAD_BYTES,
        "time_zones": sorted(zoneinfo.available_timezones()),
    }
    return render(request, "auctions/auction_form.html", context, status=status)


def _managed(request: HttpRequest, auction_id: int) -> Auction:
    auction = auction_for_host(request.user, auction_id)
    if auction is None:
        raise Http404
    return auction
