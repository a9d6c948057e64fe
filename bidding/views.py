"""The bidder's pages: home, room, catalogue, results, my bids.

Each view is one selector or one service. What this person may not see is 404. A refusal becomes a message or stands
at its field; it is never an error page.
"""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from accounts.second_factor import is_missing
from accounts.sign_ins import sign_in_of
from auctions.errors import Refused
from auctions.models import Auction, AuctionStatus
from auctions.selectors import auction_by_slug
from auctions.standing import wants_address
from bidding import pages, protocol, services
from bidding.bid_forms import RefusedBid, bid_of, fresh_bid_id, refused_bid
from bidding.chapters import parts_of
from bidding.models import ModerationReason
from bidding.pages_mine import mine_of
from bidding.pages_still import still_of
from bidding.selectors import room_info
from bidding.views_entrance import paddle_ask


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show what is live, what comes, and what is over."""
    return render(request, "bidding/home.html", {"home": pages.home_page(request.user)})


@require_safe
def room(request: HttpRequest, slug: str) -> HttpResponse:
    """Show an auction in the form that its status asks for: catalogue, room or results."""
    return _show(request, _visible(request, slug))


def _show(request: HttpRequest, auction: Auction, refused: RefusedBid | None = None) -> HttpResponse:
    show = pages.show_page(auction, request.user)
    context: dict[str, Any] = {"show": show, "auction": auction}
    if auction.status == AuctionStatus.LIVE:
        floor = pages.floor_now(auction)
        current = floor.lot.id if floor and floor.lot else None
        line = show.line_of(current)
        upcoming = floor.next.lot if floor and floor.next else None
        config = pages.room_config(show, request.user)
        context |= {
            "floor": floor,
            "line": line,
            # What opens next is told about before it does, so that nothing moves when it does.
            "told": line or show.line_of(upcoming),
            "still": still_of(show, floor, line, refused),
            "refused": refused,
            "config": config,
            "moderation_reasons": ModerationReason.choices if config["moderates"] else (),
            "report_reasons": ModerationReason.choices
            if request.user.is_authenticated and not config["moderates"]
            else (),
            "second_step_missing": config["moderates"] and _second_step_missing(request),
            "bid_ids": (fresh_bid_id(), fresh_bid_id()),
        }
        return render(request, "bidding/room.html", context, status=200 if refused is None else 422)
    if auction.status == AuctionStatus.ENDED:
        context["is_recorded"] = bool(parts_of(auction))
        return render(request, "bidding/results.html", context)
    context["config"] = pages.room_config(show, request.user)
    return render(request, "bidding/catalogue.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def paddle(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask for acceptance of the terms and give out a paddle, for those who have no JavaScript."""
    auction = _visible(request, slug)
    assert isinstance(request.user, User)
    you = pages.you_in(auction, request.user)
    refused = None
    if request.method == "POST":
        try:
            registration, created = paddle_ask(auction, request.user, request.POST)
        except Refused as error:
            refused = error
        else:
            if created and registration.status == "approved":
                messages.success(request, _("You are %(paddle)s.") % {"paddle": registration.paddle})
            return redirect("room", slug=slug)
    elif you.registration is not None:
        return redirect("room", slug=slug)
    asks = "delivery_address" in request.POST or wants_address(auction, request.user)
    context = {"auction": auction, "you": you, "refused": refused, "asks_address": asks}
    return render(request, "bidding/paddle.html", context, status=200 if refused is None else 422)


@login_required
@require_http_methods(["GET", "POST"])
def bid(request: HttpRequest, slug: str) -> HttpResponse:
    """Place a bid that came as a form: say that it counts, or show at the form why not.

    Who had to sign in for it comes by GET.
    """
    auction = _visible(request, slug)
    if request.method == "GET":
        return redirect("room", slug=slug)
    assert isinstance(request.user, User)
    registration = pages.you_in(auction, request.user).registration
    if registration is None:
        return redirect("paddle", slug=slug)
    message = bid_of(request.POST, auction.currency)
    if message is None:
        messages.error(request, _("That was no bid. Please try again from the page as it is now."))
        return redirect("room", slug=slug)
    info = room_info(auction.pk)
    assert info is not None
    reply = services.bid_place_now(room=info, registration_id=registration.pk, message=message)
    match reply:
        case protocol.BidAccepted(standing="leading"):
            messages.success(request, _("Your bid counts: you lead."))
        case protocol.BidAccepted():
            messages.warning(request, _("Your bid counted, and was outbid at once."))
        case protocol.BidRejected() if auction.status == AuctionStatus.LIVE:
            return _show(request, auction, refused_bid(message, reply))
        case protocol.BidRejected():
            messages.error(request, reply.message)
        case _:
            messages.warning(request, _("We could not confirm your bid yet. Look at the price."))
    return redirect("room", slug=slug)


@login_required
@require_safe
def my_bids(request: HttpRequest) -> HttpResponse:
    """Show what this person has going: what they lead, owe and won, and how every bid stands."""
    assert isinstance(request.user, User)
    return render(request, "bidding/my_bids.html", {"mine": mine_of(request.user)})


def _second_step_missing(request: HttpRequest) -> bool:
    assert isinstance(request.user, User)
    return is_missing(sign_in_of(request.user, session_key=request.session.session_key or ""), request.user)


def _visible(request: HttpRequest, slug: str) -> Auction:
    auction = auction_by_slug(request.user, slug)
    if auction is None:
        raise Http404
    return auction
