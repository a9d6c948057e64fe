"""All that happened to one lot, in order, to settle a dispute: bids, refusals, the clock, the host, the chat.

Reads what the ledger and the audit stored and changes nothing. Who may ask at all is decided by the caller; what stays
private (maxima, what a refused bid asked for, what was given up) is here only for `sees_all`.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from django.db.models import Max, Min
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from auctions.audit import DONE
from auctions.models import AuditEntry, Lot, LotRun, Registration
from auctions.money import format_amount
from auctions.presenting import MoneyStyle, money_text, wire_minor
from bidding import protocol
from bidding.models import Bid, DiscardedEntry, Event, Refusal

_AFTER: Final = timedelta(minutes=10)
"""For so long after a lot what was done in its show, and not to it, may still belong to it."""


class Group(StrEnum):
    """What a line tells of."""

    BIDS = "bids"
    REFUSALS = "refusals"
    CLOCK = "clock"
    HOST = "host"
    CHAT = "chat"


GROUPS: Final = {
    Group.BIDS: gettext_lazy("Bids"),
    Group.REFUSALS: gettext_lazy("Refusals"),
    Group.CLOCK: gettext_lazy("Clock and result"),
    Group.HOST: gettext_lazy("What the house did"),
    Group.CHAT: gettext_lazy("Moderation"),
}
_MODERATION: Final = frozenset(
    {
        "chat_line_remove",
        "chat_line_pin",
        "chat_room_change",
        "person_mute",
        "mute_lift",
        "moderator_note_add",
        "notice_send",
        "report_decide",
    }
)


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened. `place` is its version in the log, or the version that it was decided at."""

    at_ms: int
    v: int | None
    s: int
    group: Group
    words: str
    who: str = ""
    amount: int | None = None
    detail: str = ""

    @property
    def at(self) -> datetime:
        """When, on Redis' clock for what the floor decided."""
        return datetime.fromtimestamp(self.at_ms / 1_000, UTC)

    @property
    def place(self) -> str:
        """Where in the log: a version, with its sub-number where it is a private entry."""
        return "" if self.v is None else f"{self.v}.{self.s}" if self.s else str(self.v)


def timeline_of(lot: Lot, *, sees_all: bool, group: Group | None = None) -> list[Line]:
    """Return what happened to a lot, the first first; with `group`, what is of that kind alone.

    The number of queries does not grow with the number of bids.
    """
    book = _Book(lot, sees_all)
    lines = [*book.events(), *book.refusals(), *book.acts(), *(book.discarded() if sees_all else ())]
    lines.sort(key=lambda line: (line.at_ms, line.v is None, line.v or 0, line.s))
    return [line for line in lines if group is None or line.group == group]


class _Book:
    """Reads the sources of one lot, and knows the people of its show."""

    def __init__(self, lot: Lot, sees_all: bool) -> None:
        self._lot, self._auction, self._sees_all = lot, lot.auction, sees_all
        self._style = MoneyStyle(self._auction.currency)
        self._runs = {run.pk: run for run in LotRun.objects.filter(lot=lot)}
        people = Registration.objects.filter(auction=self._auction).select_related("user")
        self._people = {registration.pk: registration for registration in people}
        self._paddles = {registration.paddle: registration for registration in self._people.values()}
        self._staff: dict[int, str] = {}

    # --- What the floor decided ---

    def events(self) -> Iterator[Line]:
        """Return the entries of the log: public ones, and for who sees all of it those beside them."""
        own = Event.objects.filter(auction=self._auction, run__in=self._runs)
        if self._sees_all:
            # A maximum that was left before the lot opened belongs to no run.
            own |= Event.objects.filter(
                auction=self._auction, kind="PRE_BID", private__contains=f'"lot":{self._lot.pk}'
            )
        else:
            own = own.filter(s=0)
        bids: dict[int, list[Bid]] = {}
        for bid in Bid.objects.filter(run__in=self._runs).order_by("amount", "-automatic"):
            bids.setdefault(bid.v, []).append(bid)
        events = list(own.order_by("v", "s"))
        self._name_staff(json.loads(event.private).get("actor") for event in events)
        for event in events:
            private = json.loads(event.private)
            if event.kind == "PRE_BID" and private.get("lot") != self._lot.pk:
                continue
            yield from self._of_event(event, private, bids.get(event.v, []) if event.s == 0 else [])

    def _of_event(self, event: Event, private: dict[str, Any], bids: list[Bid]) -> Iterator[Line]:
        public = protocol.decode_event(event.public) if event.public else {}
        actor = private.get("actor")

        def line(group: Group, words: str, **more: Any) -> Line:
            who = self._staff.get(actor, "") if actor else ""
            return Line(event.at_ms, event.v, event.s, group, words, **({"who": who} | more))

        match event.kind:
            case "LOT_OPENED":
                run = self._runs[event.run_id or 0]
                seconds = run.rules["duration_ms"] // 1_000
                words = _("Opened for %(seconds)s s at %(amount)s") % {
                    "seconds": seconds,
                    "amount": self._money(run.rules["opening"]),
                }
                reserve = run.rules.get("reserve")
                detail = _("Reserve %(amount)s") % {"amount": self._money(reserve)} if reserve else ""
                yield line(Group.CLOCK, words, detail=detail)
            case "HIGHEST_BID":
                pass
            case "MAX_RAISED":
                yield self._private_offer(event, private, _("Raised their maximum"))
            case "PRE_BID":
                yield self._private_offer(event, private, _("Left a maximum"))
            case "LOT_EXTENDED":
                yield line(Group.CLOCK, _extended(public), detail=self._end(public))
            case "FAIR_WARNING":
                yield line(Group.HOST, _("Fair warning"), detail=self._end(public))
            case "LOT_PAUSED":
                words = _("Paused with %(seconds)s s left") % {"seconds": public["remaining_ms"] // 1_000}
                yield line(Group.HOST if actor else Group.CLOCK, words, detail=public["reason"])
            case "LOT_RESUMED":
                yield line(Group.HOST if actor else Group.CLOCK, _("Went on"), detail=self._end(public))
            case "LOT_REOPENED":
                yield line(Group.HOST, _("Opened again"), detail=f"{public['reason']} · {self._end(public)}")
            case "BID_VOIDED":
                registration = self._people.get(private.get("registration", 0))
                words = _("The bid of %(who)s was taken back") % {"who": self._name(registration)}
                yield line(Group.HOST, words, amount=self._wire(public["current_amount"]), detail=public["reason"])
            case "LOT_CLOSED":
                winner = self._paddles.get(public["winner"]["paddle"]) if public.get("winner") else None
                amount = self._wire(public.get("amount"))
                yield line(Group.CLOCK, _closed(public), who=self._name(winner), amount=amount)
            case _:
                yield line(Group.CLOCK, event.kind)
        for bid in bids:
            yield self._bid(event, bid, private)

    def _bid(self, event: Event, bid: Bid, offer: dict[str, Any]) -> Line:
        words = _("Bid by itself, from a maximum") if bid.automatic else _("Bid")
        told = [str(bid.get_channel_display())]
        if bid.entered_by_id:
            self._name_staff([bid.entered_by_id])
            told.append(_("entered by %(who)s") % {"who": self._staff[bid.entered_by_id]})
        if self._sees_all and offer.get("kind") == "max" and offer.get("registration") == bid.registration_id:
            told.append(_("maximum %(amount)s") % {"amount": self._money(offer["maximum"])})
        if bid.voided_at_v is not None:
            told.append(_("taken back at version %(v)s") % {"v": bid.voided_at_v})
        who = self._name(self._people.get(bid.registration_id))
        return Line(event.at_ms, event.v, event.s, Group.BIDS, words, who, bid.amount, " · ".join(told))

    def _private_offer(self, event: Event, private: dict[str, Any], words: str) -> Line:
        who = self._name(self._people.get(private["registration"]))
        return Line(event.at_ms, event.v, event.s, Group.BIDS, words, who, private["maximum"], private["channel"])

    def refusals(self) -> Iterator[Line]:
        """Return the bids that were refused for this lot."""
        named = Refusal.objects.filter(auction=self._auction, answer__contains=f'"lot":{self._lot.pk}')
        for refusal in named.order_by("at_ms", "pk"):
            answer = json.loads(refusal.answer)
            if answer.get("lot") != self._lot.pk:
                continue
            told = [refusal.code]
            if (late := answer.get("late")) is not None:
                told.append(_("%(late)s ms after the end") % {"late": late})
            if (minimum := answer.get("minimum")) is not None and self._sees_all:
                told.append(_("at least %(amount)s was needed") % {"amount": self._money(minimum)})
            words = _("A maximum was refused") if answer.get("kind") == "max" else _("A bid was refused")
            yield Line(
                refusal.at_ms,
                refusal.v,
                0,
                Group.REFUSALS,
                words,
                self._name(self._people.get(refusal.registration_id)),
                # It may tell what somebody was ready to pay.
                refusal.amount if self._sees_all else None,
                " · ".join(told),
            )

    def discarded(self) -> Iterator[Line]:
        """Return what Redis decided on a history that was given up."""
        own = f'"lot":{self._lot.pk},'
        for entry in DiscardedEntry.objects.filter(auction=self._auction).order_by("v", "s"):
            if own in entry.public or own in entry.private:
                words = _("Given up: %(kind)s") % {"kind": entry.kind}
                yield Line(entry.at_ms, entry.v, entry.s, Group.CLOCK, words, detail=entry.epoch)

    # --- What people did ---

    def acts(self) -> Iterator[Line]:
        """Return what the audit has of the lot, and of its show while the lot was up, refusals included."""
        acts = AuditEntry.objects.filter(lot=self._lot)
        span = LotRun.objects.filter(lot=self._lot).aggregate(first=Min("opened_at_ms"), last=Max("closed_at_ms"))
        if span["first"] is not None:
            is_over = all(run.closed_at_ms is not None for run in self._runs.values())
            until = _moment(span["last"]) + _AFTER if is_over and span["last"] else timezone.now()
            acts |= AuditEntry.objects.filter(
                auction=self._auction, lot=None, at__gte=_moment(span["first"]), at__lte=until
            )
        for entry in acts.select_related("actor").order_by("at", "pk"):
            yield self._act(entry)

    def _act(self, entry: AuditEntry) -> Line:
        told = [str(entry.get_door_display())]
        if entry.outcome != DONE:
            told.append(_("refused: %(code)s") % {"code": entry.outcome})
        if entry.paddle is not None:
            told.append(_("Paddle %(paddle)s") % {"paddle": entry.paddle})
        if entry.seen_v is not None:
            told.append(_("saw version %(v)s") % {"v": entry.seen_v})
        told += [text for text in (entry.reason, entry.note) if text]
        if self._sees_all and entry.address:
            told.append(entry.address)
        group = Group.CHAT if entry.action in _MODERATION else Group.HOST
        at_ms = round(entry.at.timestamp() * 1_000)
        who = _staff_name(entry.actor)
        return Line(at_ms, entry.v, 0, group, entry.words, who, None, " · ".join(told))

    # --- Names and sums ---

    def _name(self, registration: Registration | None) -> str:
        if registration is None:
            return ""
        paddle = _("Paddle %(paddle)s") % {"paddle": registration.paddle}
        person = registration.alias if registration.user is None else _person(registration.user)
        return f"{paddle} · {person}" if person else paddle

    def _name_staff(self, people: Any) -> None:
        missing = {person for person in people if person} - set(self._staff)
        for user in User.objects.filter(pk__in=missing) if missing else ():
            self._staff[user.pk] = _staff_name(user)

    def _end(self, public: dict[str, Any]) -> str:
        return _("end %(time)s") % {"time": exact_time(public["ends_at_ms"])}

    def _money(self, minor: int) -> str:
        return money_text(minor, self._style, full=True)

    def _wire(self, text: str | None) -> int | None:
        return wire_minor(text, self._auction.currency)


def exact_time(at_ms: int) -> str:
    """Write a moment to the millisecond, in UTC: a dispute needs no zone."""
    moment = datetime.fromtimestamp(at_ms / 1_000, UTC)
    return f"{moment:%H:%M:%S}.{at_ms % 1_000:03d}"


def timeline_rows(lot: Lot, lines: list[Line]) -> Iterator[list[str]]:
    """Return the timeline as the lines of a table for a file; times in UTC, amounts as on the wire."""
    yield ["time_utc", "at_ms", "version", "kind", "what", "who", "amount", "currency", "detail"]
    exponent = lot.auction.currency.exponent
    for line in lines:
        amount = "" if line.amount is None else format_amount(line.amount, exponent)
        yield [
            line.at.isoformat(timespec="milliseconds"),
            str(line.at_ms),
            line.place,
            line.group.value,
            line.words,
            line.who,
            amount,
            lot.auction.currency_code if amount else "",
            line.detail,
        ]


def _moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1_000, UTC)


def _person(user: User) -> str:
    return user.display_name or user.email or f"#{user.pk}"


def _staff_name(user: User) -> str:
    return user.display_name or f"#{user.pk}"


def _extended(public: dict[str, Any]) -> str:
    seconds = {"seconds": public["added_ms"] // 1_000}
    match public["reason"]:
        case "bid":
            used = public["extensions"]
            return _("Extended by %(seconds)s s after a late bid: %(used)s of %(allowed)s") % {
                **seconds,
                "used": used["used"],
                "allowed": used["allowed"],
            }
        case "outage":
            return _("Extended by %(seconds)s s: the floor was away across the end") % seconds
        case _:
            return _("Extended by %(seconds)s s by the host") % seconds


def _closed(public: dict[str, Any]) -> str:
    match public["result"], public["reason"]:
        case "sold", "hammer":
            return _("Sold by the hammer")
        case "sold", "buy_now":
            return _("Sold at the buy-now price")
        case "sold", _reason:
            return _("Sold as the time ran out")
        case "withdrawn", _reason:
            return _("Withdrawn")
        case _, "reserve_not_met":
            return _("Not sold: the reserve was not met")
        case _:
            return _("Not sold: no bids")
