"""The live floor in the admin: what acts on a show, and what the ledger stored of it.

Commands go through the services, after the page's own changes were committed; a refusal is a message. Events, bids
and refusals can only be seen. Bidders' maxima and the private parts of events are for site administrators alone.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, ClassVar, cast

import structlog
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.db.models.constants import LOOKUP_SEP
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from redis.exceptions import RedisError
from unfold.dataclasses import UnfoldAction

from accounts.models import User
from auctions import admin_audit  # noqa: F401 - it registers its page
from auctions.admin import AuctionAdmin, LotAdmin, OrganizerScoped, money, show_refusal
from auctions.errors import Refused
from auctions.models import Auction, AuctionStatus, Lot
from auctions.permissions import is_administrator
from bidding import services, views_desk
from bidding.engine.outcomes import Done, EngineError
from bidding.models import Bid, DiscardedEntry, Event, LedgerPosition, Notification, Refusal
from bidding.pages import Shown, desk_now

logger = structlog.get_logger(__name__)

CANCELLED_BY_HOST = "host"
"""The public reason of a show that its host called off in the admin."""
VOIDED_AS_MISTAKE = "mistake"
"""The public reason of a bid that was voided in the admin."""


def _attempt(request: HttpRequest, what: object, done: object, command: Callable[[], object]) -> None:
    try:
        answer = command()
    except Refused as refused:
        show_refusal(request, refused, what)
    except (EngineError, RedisError):
        logger.exception("floor_command_failed", what=str(what))
        messages.error(
            request, f"{what}: " + gettext("The live floor did not answer. Look at the state, then try again.")
        )
    else:
        messages.success(request, f"{what}: {done or answer}")


def _actor(request: HttpRequest) -> User:
    return cast(User, request.user)


def _go_live(auction: Auction, actor: User) -> str:
    auction = services.auction_go_live(auction=auction, actor=actor)
    warning = services.stream_warning(auction=auction)
    return gettext("live") if warning is None else gettext("live, without pictures. %(why)s") % {"why": warning}


@admin.register(Auction)
class LiveAuctionAdmin(AuctionAdmin):
    """Auctions, with the steps of a show as buttons and as actions on the list."""

    actions = ("schedule_selected", "go_live_selected", "end_selected", "cancel_selected")
    # It leads to the Live desk, from where a show is run.
    change_form_before_template = "admin/bidding/desk_link.html"
    actions_submit_line = ("schedule", "go_live")
    _steps: ClassVar[dict[str, tuple[str, ...]]] = {
        AuctionStatus.DRAFT.value: ("schedule",),
        AuctionStatus.SCHEDULED.value: ("go_live",),
    }

    @admin.action(description=_("Save and schedule"))
    def schedule(self, request: HttpRequest, auction: Auction) -> None:
        """Publish the draft."""
        _attempt(
            request, auction, _("scheduled"), partial(services.auction_schedule, auction=auction, actor=_actor(request))
        )

    @admin.action(description=_("Save and go live"))
    def go_live(self, request: HttpRequest, auction: Auction) -> None:
        """Begin the show."""
        _attempt(request, auction, None, partial(_go_live, auction, _actor(request)))

    def end(self, request: HttpRequest, auction: Auction) -> None:
        """End the show."""
        _attempt(request, auction, _("ended"), partial(services.auction_end, auction=auction, actor=_actor(request)))

    @admin.action(description=_("Schedule"))
    def schedule_selected(self, request: HttpRequest, auctions: QuerySet[Auction]) -> None:
        """Publish the selected drafts."""
        self._each(request, auctions, self.schedule)

    @admin.action(description=_("Go live"))
    def go_live_selected(self, request: HttpRequest, auctions: QuerySet[Auction]) -> None:
        """Begin the selected shows."""
        self._each(request, auctions, self.go_live)

    @admin.action(description=_("End"))
    def end_selected(self, request: HttpRequest, auctions: QuerySet[Auction]) -> None:
        """End the selected shows."""
        self._each(request, auctions, self.end)

    @admin.action(description=_("Cancel: call the show off for good"))
    def cancel_selected(self, request: HttpRequest, auctions: QuerySet[Auction]) -> None:
        """Call the selected shows off."""
        for auction in auctions:
            cancel = partial(services.auction_cancel, auction=auction, actor=_actor(request), reason=CANCELLED_BY_HOST)
            _attempt(request, auction, _("cancelled"), cancel)

    def _each(
        self, request: HttpRequest, auctions: Iterable[Auction], step: Callable[[HttpRequest, Auction], None]
    ) -> None:
        for auction in auctions:
            step(request, auction)

    def get_actions_submit_line(self, request: HttpRequest, object_id: Any) -> list[UnfoldAction]:
        """Offer the steps that the auction's state allows."""
        auction = self.get_object(request, str(object_id))
        allowed = self._steps.get(auction.status, ()) if auction else ()
        return [self.get_unfold_action(name) for name in allowed]

    def get_urls(self) -> list[Any]:
        """Add the Live desk, which has a template, a policy and rights of its own."""
        desk = [
            ("desk/", views_desk.desk, "desk"),
            ("desk/facts/", views_desk.facts, "desk_facts"),
            ("desk/paddles/<int:paddle>/", views_desk.person, "desk_person"),
            ("desk/<slug:step>/", views_desk.command, "desk_command"),
        ]
        door = self.admin_site.admin_view
        return [
            *(
                path(f"<int:auction_id>/{rest}", door(view), name=f"auctions_auction_{name}")
                for rest, view, name in desk
            ),
            *super().get_urls(),
        ]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Save, and once that is committed take the step whose button was pressed."""
        response: HttpResponse = super().changeform_view(request, object_id, form_url, extra_context)
        saved = request.method == "POST" and object_id is not None and isinstance(response, HttpResponseRedirect)
        if not saved:
            return response
        auction = self.get_object(request, cast(str, object_id))
        # Any button is obeyed, also one of an outdated page: the service refuses what is not possible now.
        for name in self.actions_submit_line:
            step = self.get_unfold_action(name)
            if auction is not None and step.action_name in request.POST:
                step.method(request, auction)
                return HttpResponseRedirect(request.path)
        return response


@admin.register(Lot)
class LiveLotAdmin(LotAdmin):
    """Lots, which can be offered again from the list. They are opened and closed on the page of their auction."""

    change_form_before_template = "admin/bidding/lot_link.html"
    actions = ("offer_again_selected",)

    @admin.action(description=_("Offer again: what passed or was withdrawn comes next, as a new run"))
    def offer_again_selected(self, request: HttpRequest, lots: QuerySet[Lot]) -> None:
        """Put the selected lots back into the run of show."""
        for lot in lots:
            again = partial(services.lot_offer_again, lot=lot, actor=_actor(request))
            _attempt(request, lot, _("offered again"), again)


class AdministratorsOnly(OrganizerScoped):
    """Only seen, and only by site administrators."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Let site administrators in."""
        return is_administrator(_actor(request))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let site administrators see it."""
        return self.has_module_permission(request)


class KeepsPrivate(OrganizerScoped):
    """Hides from hosts what stays private: the fields, and filters by them, whose number of rows would tell a value."""

    _private: ClassVar[tuple[str, ...]] = ()

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Leave the private fields to site administrators."""
        return (*(self.exclude or ()), *(() if is_administrator(_actor(request)) else self._private))

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Refuse a host's filter by what is hidden."""
        if lookup.partition(LOOKUP_SEP)[0] in self._private and not is_administrator(_actor(request)):
            return False
        allowed: bool = super().lookup_allowed(lookup, value, request)
        return allowed


@admin.register(Bid)
class BidAdmin(KeepsPrivate):
    """Accepted bids as the ledger stored them. The offer behind one can be taken back while its lot is open."""

    # Whether a bid was made by a raised maximum would tell that there is one.
    _private = ("offer_v", "offer_s")
    actions = ("void_selected", "void_latest")
    organizer_path = "run__auction__organizer"
    list_display = ("v", "run", "registration", "sum", "automatic", "channel", "voided_at_v")
    list_filter = ("channel", "automatic")
    search_fields = ("run__lot__title", "run__auction__title")
    list_select_related = ("run__lot", "run__auction", "registration")
    ordering = ("-pk",)
    exclude = ("amount",)
    readonly_fields = ("sum",)

    @admin.display(description=_("amount"))
    def sum(self, bid: Bid) -> str:
        """Show the amount."""
        return money(bid.amount, bid.run.auction.currency)

    @admin.action(description=_("Void: take back the offer behind the bid"))
    def void_selected(self, request: HttpRequest, bids: QuerySet[Bid]) -> HttpResponse | None:
        """Take back the offers behind the selected bids."""

        def void(bid: Bid, seen_v: int) -> Done:
            return services.bid_void(bid=bid, actor=_actor(request), reason=VOIDED_AS_MISTAKE, seen_v=seen_v)

        return self._void(request, list(bids), "void_selected", void)

    @admin.action(description=_("Void the bidder's latest offer, also a raised maximum"))
    def void_latest(self, request: HttpRequest, bids: QuerySet[Bid]) -> HttpResponse | None:
        """Take back the latest offer of those who gave the selected bids, once for each bidder and lot."""

        def void(bid: Bid, seen_v: int) -> Done:
            return services.offer_void(
                lot=bid.run.lot,
                bidder=bid.registration,
                actor=_actor(request),
                reason=VOIDED_AS_MISTAKE,
                seen_v=seen_v,
            )

        once = {(bid.run.lot_id, bid.registration_id): bid for bid in bids}
        return self._void(request, list(once.values()), "void_latest", void)

    def _void(
        self, request: HttpRequest, bids: list[Bid], action: str, void: Callable[[Bid, int], Done]
    ) -> HttpResponse | None:
        """Ask first; then void what was shown, for the versions that were shown."""
        if not bids:
            return None
        auctions = {bid.run.auction_id: bid.run.auction for bid in bids}
        if "confirmed" not in request.POST:
            context = {
                **self.admin_site.each_context(request),
                "title": _("Void bids"),
                "opts": self.model._meta,
                "action": action,
                "bids": bids,
                "versions": {pk: desk_now(auction).v for pk, auction in auctions.items()},
            }
            return TemplateResponse(request, "admin/bidding/void.html", context)
        seen = {pk: Shown.of({"v": request.POST.get(f"v-{pk}", "")}).v for pk in auctions}

        def void_and_go_on(bid: Bid) -> None:
            # Of several that are voided together each moves the version on.
            seen[bid.run.auction_id] = void(bid, seen[bid.run.auction_id]).v

        for bid in bids:
            _attempt(request, bid, _("voided"), partial(void_and_go_on, bid))
        return None


@admin.register(Event)
class EventAdmin(KeepsPrivate):
    """The log of each auction with its chain of hashes."""

    _private = ("private", "salt")
    list_display = ("auction", "v", "s", "kind", "at_ms", "run")
    list_filter = ("kind",)
    search_fields = ("auction__title",)
    list_select_related = ("auction", "run__lot")
    ordering = ("-pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        """Keep what stays private from hosts: raised maxima are entries of their own."""
        queryset: QuerySet[Event] = super().get_queryset(request)
        return queryset if is_administrator(_actor(request)) else queryset.filter(s=0)


@admin.register(Refusal)
class RefusalAdmin(AdministratorsOnly):
    """Refused bids, to settle a dispute. They may tell what somebody was ready to pay."""

    list_display = ("auction", "registration", "code", "v", "at_ms")
    list_filter = ("code",)
    list_select_related = ("auction", "registration")
    ordering = ("-pk",)


@admin.register(DiscardedEntry)
class DiscardedEntryAdmin(AdministratorsOnly):
    """What Redis decided on a history that was given up, to settle with those who were told of it."""

    list_display = ("auction", "v", "s", "kind", "at_ms", "discarded_at")
    list_filter = ("kind",)
    list_select_related = ("auction",)
    ordering = ("-pk",)


@admin.register(Notification)
class NotificationAdmin(AdministratorsOnly):
    """What people were told, and whether it was sent: for who says that no mail came."""

    list_display = ("user", "kind", "auction", "run", "due_at", "attempts", "mailed_at", "pushed_at", "read_at")
    list_filter = ("kind",)
    search_fields = ("user__email", "user__display_name", "auction__title")
    list_select_related = ("user", "auction", "run__lot")
    ordering = ("-pk",)


@admin.register(LedgerPosition)
class LedgerPositionAdmin(AdministratorsOnly):
    """How far the log of each auction is stored."""

    list_display = ("auction", "epoch", "v", "s", "updated_at")
    list_select_related = ("auction",)
