"""Writes down what people of a house and the site's staff do: each service that acts for somebody is `audited`.

A service that another one calls is part of that one's entry. The clock acts for nobody and is not written down here:
what it does stands in the log. Values that stay private, like a reserve or a note about somebody, are never copied.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import Enum
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar

from django.conf import settings
from django.contrib.admin.models import ADDITION, DELETION, LogEntry
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.models import Organizer, User
from accounts.traces import client_address
from auctions.errors import Refused
from auctions.models import Auction, AuditAction, AuditDoor, AuditEntry, Lot, Registration

DONE: Final = "done"
_P = ParamSpec("_P")
_R = TypeVar("_R")
_LONGEST: Final = 300
_TOLD: Final = (
    "added_ms",
    "amount",
    "days",
    "decision",
    "gap_ms",
    "granted",
    "kind",
    "length_ms",
    "minutes",
    "on",
    "opening_amount",
    "paddle",
    "pick_up",
    "shown_id",
    "slow_mode_s",
    "status",
    "title",
    "verified",
)
"""What is copied from what a service was given; of everything else only the name."""
_KINDS: Final[dict[type[Model], str]] = {
    Auction: "auction",
    Lot: "lot",
    Organizer: "organizer",
    Registration: "registration",
    User: "subject",
}
_TOWARDS: Final = ("lot", "run", "auction", "organizer", "registration", "buyer", "user", "subject")


@dataclass(slots=True)
class Origin:
    """Where an act comes from, and why, as far as the service is not told itself."""

    door: AuditDoor = AuditDoor.PROGRAM
    address: str = ""
    reason: str = ""
    note: str = ""
    written: list[AuditEntry] = field(default_factory=list)
    """The entries of this request."""


_origin: ContextVar[Origin | None] = ContextVar("audit_origin", default=None)
_is_inside: ContextVar[bool] = ContextVar("audit_is_inside", default=False)


class OriginMiddleware:
    """Keep in mind where a request comes from while it is answered."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer."""
        token = _origin.set(Origin(_door(request.path), (client_address(request) or "")[:45]))
        try:
            return self.get_response(request)
        finally:
            _origin.reset(token)


def _door(path: str) -> AuditDoor:
    if path.startswith("/api/"):
        return AuditDoor.API
    if path.startswith("/admin/"):
        return AuditDoor.DESK if "/desk/" in path else AuditDoor.ADMIN
    return AuditDoor.PAGE


@contextmanager
def saying_why(*, reason: str = "", note: str = "") -> Iterator[None]:
    """Keep a reason for what is done within, where its services take none."""
    token = _origin.set(replace(_origin.get() or Origin(), reason=reason, note=note))
    try:
        yield
    finally:
        _origin.reset(token)


def audited(service: Callable[_P, _R]) -> Callable[_P, _R]:
    """Let what a service does for an `actor` be written down, and what it refuses them."""
    action = AuditAction(service.__name__)

    @wraps(service)
    def acting(*args: _P.args, **given: _P.kwargs) -> _R:
        actor = given.get("actor")
        if not isinstance(actor, User) or _is_inside.get():
            return service(*args, **given)
        token = _is_inside.set(True)
        try:
            result = service(*args, **given)
        except Refused as refused:
            refused.entry = _entry(action, actor, given, None, refused.code)
            _keep(refused.entry)
            raise
        finally:
            _is_inside.reset(token)
        # A refused bid is a value with a code.
        entry = _entry(action, actor, given, result, getattr(result, "code", None) or DONE)
        _keep(entry)
        if (origin := _origin.get()) is not None:
            origin.written.append(entry)
        return result

    acting.is_audited = True  # type: ignore[attr-defined]
    return acting


def refusal_keep(refused: Refused) -> None:
    """Write a refusal down again after the transaction that it was written in was rolled back."""
    if refused.entry is not None:
        refused.entry.pk = None
        _keep(refused.entry)


def admin_entry_follow(instance: LogEntry, created: bool, **_more: Any) -> None:
    """Write down what was done in the admin without a service: what Django notes of it, and from where."""
    origin = _origin.get()
    if not created or origin is None or origin.door != AuditDoor.ADMIN or origin.written:
        return
    kinds = {ADDITION: AuditAction.ADMIN_ADDITION, DELETION: AuditAction.ADMIN_DELETION}
    organizer = (
        Organizer.objects.filter(pk=int(instance.object_id or 0)) if instance.content_type == _type(Organizer) else None
    )
    entry = AuditEntry.objects.create(
        actor_id=instance.user_id,
        action=kinds.get(instance.action_flag, AuditAction.ADMIN_CHANGE),
        outcome=DONE,
        organizer=organizer.first() if organizer is not None else None,
        # What a thing is called may name a person.
        given={"model": str(instance.content_type), "id": instance.object_id},
        door=origin.door,
        address=origin.address,
    )
    origin.written.append(entry)


def addresses_forget() -> int:
    """Forget from where somebody acted after `TRACE_DAYS`; return of how many acts."""
    oldest = timezone.now() - timedelta(days=settings.TRACE_DAYS)
    return AuditEntry.objects.filter(at__lte=oldest).exclude(address="").update(address="")


def _entry(action: AuditAction, actor: User, given: Any, result: object, outcome: str) -> AuditEntry:
    origin = _origin.get() or Origin()
    about = _about([value for name, value in given.items() if name != "actor"], result)
    registration = about.get("registration")
    subject = about.get("subject") or (registration.user if registration else None)
    return AuditEntry(
        actor=actor,
        action=action,
        outcome=outcome[:24],
        organizer=about.get("organizer"),
        auction=about.get("auction"),
        lot=about.get("lot"),
        subject=subject,
        paddle=registration.paddle if registration else None,
        seen_v=given.get("seen_v"),
        v=getattr(result, "v", None),
        reason=str(given.get("reason") or origin.reason)[:40],
        note=str(given.get("note") or origin.note)[:_LONGEST],
        given=_plain(given),
        door=origin.door,
        address=origin.address,
    )


def _keep(entry: AuditEntry) -> None:
    """Store an entry, without what its own act took away, or what was rolled back with it."""
    for name, model in (("auction", Auction), ("lot", Lot), ("organizer", Organizer)):
        key = getattr(entry, f"{name}_id")
        if key is not None and not model._default_manager.filter(pk=key).exists():
            setattr(entry, name, None)
    entry.save(force_insert=True)


def _about(values: list[object], result: object) -> dict[str, Any]:
    """Return the auction, lot, house, paddle and person that what was given, or made of it, leads to."""
    queue = [*values, *(result if isinstance(result, tuple) else (result,))]
    found: dict[str, Any] = {}
    for value in queue:
        if not isinstance(value, Model) or value.pk is None:
            continue
        if (kind := _KINDS.get(type(value))) is not None:
            found.setdefault(kind, value)
        for name in _TOWARDS:
            if (key := getattr(value, f"{name}_id", None)) is not None:
                relation: Any = value._meta.get_field(name)
                # The admin's own form may hold a key alone.
                queue.append(
                    relation.get_cached_value(value, default=None)
                    or relation.related_model.objects.filter(pk=key).first()
                )
    return found


def _plain(given: dict[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    hidden = []
    for name, value in given.items():
        value = value.value if isinstance(value, Enum) else value
        if name in _TOLD and isinstance(value, str | int):
            plain[name] = value[:_LONGEST] if isinstance(value, str) else value
        elif name not in ("actor", "reason", "note", "seen_v") and value is not None and not isinstance(value, Model):
            hidden.append(name)
    return plain | ({"also": sorted(hidden)} if hidden else {})


def _type(model: type[Model]) -> Any:
    from django.contrib.contenttypes.models import ContentType

    return ContentType.objects.get_for_model(model)
