"""The Live desk: the one page from which a show is run, what it asks for after each event, and its commands.

A command names the lot and the version that its page showed, so that a second tap, or a page that is out of date, does
nothing. A refusal is a sentence. Whatever takes effect stands in the auction's history in the admin, with its reason.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import structlog
from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from auctions.audit import saying_why
from auctions.errors import Refused
from auctions.models import Auction, Lot, Registration
from auctions.money import parse_amount
from auctions.presenting import typed_amount
from bidding import services
from bidding.pages import Shown
from bidding.pages_desk import DeskRights, desk_auction, desk_facts, desk_page, desk_person, moderation_reasons

logger = structlog.get_logger(__name__)

LONGEST_REASON: Final = 300
REASONS: Final = {
    "mistake": gettext_lazy("A mistake"),
    "late_bid": gettext_lazy("A bid that was made in time"),
    "damage": gettext_lazy("The lot is damaged, or not as described"),
    "dispute": gettext_lazy("Somebody disputes it"),
    "technical": gettext_lazy("A technical fault"),
    "host": gettext_lazy("Another reason"),
}
"""Why a host takes something back: the codes are public, what else there is to say is not."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A command as it came from a desk."""

    auction: Auction
    actor: User
    shown: Shown
    form: QueryDict
    files: Mapping[str, Any]

    @property
    def lot(self) -> Lot:
        """The lot that it names."""
        lot = Lot.objects.select_related("auction").filter(pk=self.shown.lot_id, auction=self.auction).first()
        if lot is None:
            raise Refused("wrong_lot", _("Name the lot that is meant."), field="lot")
        return lot

    @property
    def reason(self) -> str:
        """The code of its reason."""
        self.check_reason()
        return self.form.get("reason", "")

    def check_reason(self) -> None:
        """Refuse what takes something back without a reason."""
        if self.form.get("reason", "") not in REASONS:
            raise Refused("no_reason", _("Say why."), field="reason")

    @property
    def bidder(self) -> Registration:
        """The paddle that it names."""
        text = self.form.get("paddle", "")
        paddle = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
        registration = Registration.objects.select_related("user").filter(auction=self.auction, paddle=paddle).first()
        if registration is None:
            raise Refused("no_such_paddle", _("Nobody holds this paddle."), field="paddle")
        return registration

    @property
    def amount(self) -> int | None:
        """The amount that it names, if it does."""
        currency = self.auction.currency
        # What the large button offers is written as the wire writes it, what somebody typed as their language does.
        offered, typed = self.form.get("offered", ""), self.form.get("amount", "").strip()
        if not offered and not typed:
            return None
        amount = parse_amount(offered or typed_amount(typed[:40], currency), currency.exponent)
        if amount is None:
            raise Refused(
                "bad_amount",
                _("That is not an amount in %(currency)s.") % {"currency": self.auction.currency_code},
                field="amount",
            )
        return amount

    def whole(self, name: str, default: int) -> int:
        """Return a whole number that it names."""
        text = self.form.get(name, "")
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else default


@require_safe
def desk(request: HttpRequest, auction_id: int) -> HttpResponse:
    """Show the desk, under the site's own policy: nothing here needs what unfold does."""
    auction, rights, user = _at_desk(request, auction_id)
    context = {
        "auction": auction,
        "page": desk_page(auction, rights, user),
        "reasons": REASONS.items(),
        "moderation_reasons": moderation_reasons(),
    }
    response = render(request, "admin/bidding/desk.html", context)
    response._csp_replace = {}  # type: ignore[attr-defined]
    return response


@require_safe
def facts(request: HttpRequest, auction_id: int) -> JsonResponse:
    """Tell what only the desk is told; its page asks again after each event."""
    auction, rights, user = _at_desk(request, auction_id)
    return JsonResponse(desk_facts(auction, rights, user))


@require_safe
def person(request: HttpRequest, auction_id: int, paddle: int) -> JsonResponse:
    """Tell what somebody holds of the lot that is up, and what it comes to without them."""
    auction, rights, _user = _at_desk(request, auction_id)
    registration = Registration.objects.filter(auction=auction, paddle=paddle).first()
    if registration is None or not rights.runs:
        raise Http404
    return JsonResponse(desk_person(auction, registration))


@require_http_methods(["GET", "POST"])
def command(request: HttpRequest, auction_id: int, step: str) -> HttpResponse:
    """Carry out one command: 200 or 409 with `detail` in words to a script, else back to the desk with a message.

    Who had to sign in for it comes by GET, and looks before they press again.
    """
    auction, rights, user = _at_desk(request, auction_id)
    if step not in _COMMANDS or not rights.runs:
        raise Http404
    is_script = "application/json" in request.headers.get("Accept", "")
    if request.method == "POST":
        asked = Asked(auction, user, Shown.of(request.POST), request.POST, request.FILES)
        try:
            with saying_why(reason=request.POST.get("reason", ""), note=request.POST.get("note", "")):
                said = _COMMANDS[step](asked)
        except Refused as refused:
            _note(asked, step, refused.code)
            if is_script:
                return JsonResponse(
                    {"code": refused.code, "field": refused.field, "detail": refused.message}, status=409
                )
            messages.error(request, refused.message)
        else:
            _note(asked, step, "done")
            _write_down(asked, step, said)
            if is_script:
                return JsonResponse({"detail": said})
            messages.success(request, said)
    return redirect("admin:auctions_auction_desk", auction_id=auction.pk)


def _at_desk(request: HttpRequest, auction_id: int) -> tuple[Auction, DeskRights, User]:
    assert isinstance(request.user, User)
    found = desk_auction(request.user, auction_id)
    if found is None:
        raise Http404
    return (*found, request.user)


# --- What is kept of a command -------------------------------------------------------------------------


def _note(asked: Asked, name: str, outcome: str) -> None:
    logger.info(
        "desk_command",
        command=name,
        auction=asked.auction.pk,
        lot=asked.shown.lot_id,
        seen_v=asked.shown.v,
        actor=asked.actor.pk,
        outcome=outcome,
    )


def _write_down(asked: Asked, name: str, said: str) -> None:
    """Write a command that took effect into the auction's history, with its reason and what else was said of it."""
    why = [asked.form.get(field, "").strip()[:LONGEST_REASON] for field in ("reason", "note")]
    LogEntry.objects.create(
        user_id=asked.actor.pk,
        content_type=ContentType.objects.get_for_model(Auction),
        object_id=str(asked.auction.pk),
        object_repr=str(asked.auction)[:200],
        action_flag=CHANGE,
        change_message=f"{name}: {said}" + (f" ({'; '.join(filter(None, why))})" if any(why) else ""),
    )


# --- The commands --------------------------------------------------------------------------------------


def _schedule(asked: Asked) -> str:
    services.auction_schedule(auction=asked.auction, actor=asked.actor)
    return _("It is scheduled. Bidders can see the lots and get their paddles.")


def _go_live(asked: Asked) -> str:
    auction = services.auction_go_live(auction=asked.auction, actor=asked.actor)
    warning = services.stream_warning(auction=auction)
    return _("You are live.") if warning is None else _("You are live, without pictures. %(why)s") % {"why": warning}


def _open(asked: Asked) -> str:
    lot = services.lot_open_next(
        auction=asked.auction, actor=asked.actor, shown_id=asked.shown.lot_id, seen_v=asked.shown.v
    )
    return _("Lot %(number)s is open.") % {"number": lot.number}


def _warn(asked: Asked) -> str:
    services.lot_warn(lot=asked.lot, actor=asked.actor, seen_v=asked.shown.v)
    return _("Fair warning for lot %(number)s. The hammer may fall in ten seconds.") % {"number": asked.lot.number}


def _hammer(asked: Asked) -> str:
    services.lot_hammer(lot=asked.lot, actor=asked.actor, seen_v=asked.shown.v)
    return _("The hammer fell on lot %(number)s.") % {"number": asked.lot.number}


def _close(asked: Asked) -> str:
    lot, fell = services.lot_close_current(
        auction=asked.auction, actor=asked.actor, shown_id=asked.shown.lot_id, seen_v=asked.shown.v
    )
    if fell:
        return _("The hammer fell on lot %(number)s.") % {"number": lot.number}
    return _("Fair warning for lot %(number)s. The hammer may fall in ten seconds.") % {"number": lot.number}


def _pause(asked: Asked) -> str:
    services.lot_pause(lot=asked.lot, actor=asked.actor, reason="host", seen_v=asked.shown.v)
    return _("Lot %(number)s is paused.") % {"number": asked.lot.number}


def _resume(asked: Asked) -> str:
    services.lot_resume(lot=asked.lot, actor=asked.actor, seen_v=asked.shown.v)
    return _("Lot %(number)s goes on.") % {"number": asked.lot.number}


def _extend(asked: Asked) -> str:
    seconds = asked.whole("seconds", 30)
    services.lot_extend(lot=asked.lot, actor=asked.actor, added_ms=seconds * 1_000, seen_v=asked.shown.v)
    return _("Lot %(number)s runs %(seconds)s seconds longer.") % {"number": asked.lot.number, "seconds": seconds}


def _void(asked: Asked) -> str:
    services.offer_void(
        lot=asked.lot, bidder=asked.bidder, actor=asked.actor, reason=asked.reason, seen_v=asked.shown.v
    )
    return _("The latest bid of paddle %(paddle)s was taken back.") % {"paddle": asked.bidder.paddle}


def _withdraw(asked: Asked) -> str:
    asked.check_reason()
    services.lot_withdraw(lot=asked.lot, actor=asked.actor, seen_v=asked.shown.v)
    return _("Lot %(number)s is withdrawn.") % {"number": asked.lot.number}


def _reopen(asked: Asked) -> str:
    services.lot_reopen(lot=asked.lot, actor=asked.actor, reason=asked.reason, seen_v=asked.shown.v)
    return _("Lot %(number)s is open again.") % {"number": asked.lot.number}


def _again(asked: Asked) -> str:
    lot = services.lot_offer_again(lot=asked.lot, actor=asked.actor, opening_amount=asked.amount)
    return _("Lot %(number)s comes next, as a new run.") % {"number": lot.number}


def _sell(asked: Asked) -> str:
    services.lot_sell_anyway(lot=asked.lot, actor=asked.actor, seen_v=asked.shown.v)
    return _("Lot %(number)s sells: it runs again without its reserve.") % {"number": asked.lot.number}


def _move(asked: Asked) -> str:
    before = asked.whole("before", 0)
    target = asked.auction.lots.filter(pk=before).first() if before else None
    if before and target is None:
        raise Refused("wrong_lot", _("Name the lot that is meant."), field="before")
    services.lot_move(lot=asked.lot, actor=asked.actor, before=target)
    return _("Lot %(number)s was moved.") % {"number": asked.lot.number}


def _quick(asked: Asked) -> str:
    """Add a lot that comes next, and open it where none is up and the host means it."""
    amount = asked.amount
    if amount is None:
        raise Refused("bad_amount", _("Write the opening bid."), field="amount")
    lot = services.lot_quick(
        auction=asked.auction,
        actor=asked.actor,
        title=asked.form.get("title", ""),
        opening_amount=amount,
        picture=asked.files.get("picture"),
    )
    if asked.form.get("go") == "on":
        try:
            services.lot_open(lot=lot, actor=asked.actor, seen_v=asked.shown.v)
        except Refused as refused:
            return _("Lot %(number)s comes next. It is not open: %(why)s") % {
                "number": lot.number,
                "why": refused.message,
            }
        return _("Lot %(number)s is open.") % {"number": lot.number}
    return _("Lot %(number)s comes next.") % {"number": lot.number}


def _autopilot(asked: Asked) -> str:
    auction = services.autopilot_set(
        auction=asked.auction,
        actor=asked.actor,
        on=asked.form.get("on") == "on",
        gap_ms=None if asked.form.get("gap") is None else asked.whole("gap", 0) * 1_000,
    )
    if not auction.auto_advance:
        return _("You open each lot.")
    return _("Lots open by themselves, %(seconds)s seconds after each result.") % {"seconds": auction.gap_ms // 1_000}


def _break(asked: Asked) -> str:
    minutes = asked.whole("minutes", 0)
    services.break_take(auction=asked.auction, actor=asked.actor, length_ms=minutes * 60_000)
    return _("A break of %(minutes)s minutes.") % {"minutes": minutes}


def _ban(asked: Asked) -> str:
    asked.check_reason()
    takes_back = asked.form.get("take_back") == "on" and asked.shown.lot_id != 0
    voided = services.bidder_ban(
        registration=asked.bidder,
        actor=asked.actor,
        lot=asked.lot if takes_back else None,
        seen_v=asked.shown.v if takes_back else None,
    )
    if voided:
        return _("Paddle %(paddle)s is banned, and their bids for the open lot were taken back.") % {
            "paddle": asked.bidder.paddle
        }
    return _("Paddle %(paddle)s is banned.") % {"paddle": asked.bidder.paddle}


def _rostrum(asked: Asked) -> str:
    services.rostrum_take(auction=asked.auction, actor=asked.actor)
    return _("You have the rostrum: the desk obeys you alone.")


def _end(asked: Asked) -> str:
    services.auction_end(auction=asked.auction, actor=asked.actor)
    return _("The show is over.")


def _cancel(asked: Asked) -> str:
    services.auction_cancel(auction=asked.auction, actor=asked.actor, reason=asked.reason)
    return _("The auction is cancelled.")


_COMMANDS: Final[dict[str, Callable[[Asked], str]]] = {
    "schedule": _schedule,
    "live": _go_live,
    "open": _open,
    "warn": _warn,
    "hammer": _hammer,
    "close": _close,
    "pause": _pause,
    "resume": _resume,
    "extend": _extend,
    "void": _void,
    "withdraw": _withdraw,
    "reopen": _reopen,
    "again": _again,
    "sell": _sell,
    "move": _move,
    "quick": _quick,
    "autopilot": _autopilot,
    "break": _break,
    "ban": _ban,
    "rostrum": _rostrum,
    "end": _end,
    "cancel": _cancel,
}
