"""Which accounts were used from the same address or device, so that staff can see who may be one person.

Keeps keyed hashes and never an address itself; forgets them after `TRACE_DAYS` without use. A shared address proves
nothing (a family, an office): nothing is decided by it, and nobody but staff is told.
"""

import ipaddress
import secrets
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import structlog
from allauth.account.adapter import get_adapter
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import salted_hmac
from redis.exceptions import RedisError

from accounts.models import Trace, TraceKind, User

logger = structlog.get_logger(__name__)

DEVICE_COOKIE: Final = "device"
_SEEN: Final = "traces"
_AGAIN_S: Final = 86_400


class TracesMiddleware:
    """Note where an account is used: when a session begins, when its address or device changes, and once a day."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, then note it where somebody is signed in by now."""
        response = self.get_response(request)
        # Who has no session is not asked who they are: what is public stays the same for all, and cacheable.
        if request.session.session_key and isinstance(user := request.user, User):
            device = request.COOKIES.get(DEVICE_COOKIE) or secrets.token_urlsafe(24)
            if self._note(request, user, device):
                response.set_cookie(
                    DEVICE_COOKIE,
                    device,
                    max_age=settings.TRACE_DAYS * 86_400,
                    secure=settings.SESSION_COOKIE_SECURE,
                    httponly=True,
                    samesite="Lax",
                )
        return response

    def _note(self, request: HttpRequest, user: User, device: str) -> bool:
        digests = digests_of(client_address(request), device)
        seen: list[Any] = request.session.get(_SEEN, [])
        now = int(timezone.now().timestamp())
        if seen and seen[1:] == [user.pk, *digests.values()] and now - seen[0] < _AGAIN_S:
            return False
        trace_add(user=user, digests=digests)
        request.session[_SEEN] = [now, user.pk, *digests.values()]
        return True


def bearer_note(request: HttpRequest, user: User) -> None:
    """Note from which address a token is used, once a day for each; a program is no device to know again."""
    for kind, digest in digests_of(client_address(request), None).items():
        try:
            is_due = cache.add(f"traced:{user.pk}:{digest}", 1, timeout=_AGAIN_S)
        except RedisError as error:
            logger.warning("trace_not_noted", error=str(error))
        else:
            if is_due:
                trace_add(user=user, digests={kind: digest})


def digests_of(address: str | None, device: str | None) -> dict[TraceKind, str]:
    """Return the keyed hashes of what is known of where a request came from."""
    known: dict[TraceKind, str] = {}
    if address:
        known[TraceKind.ADDRESS] = _digest(TraceKind.ADDRESS, _network(address))
    if device:
        known[TraceKind.DEVICE] = _digest(TraceKind.DEVICE, device)
    return known


def trace_add(*, user: User, digests: dict[TraceKind, str]) -> None:
    """Note that an account was used from an address or device."""
    Trace.objects.bulk_create(
        [Trace(user=user, kind=kind, digest=digest) for kind, digest in digests.items()],
        update_conflicts=True,
        unique_fields=["user", "kind", "digest"],
        update_fields=["last_seen_at"],
    )


def traces_forget() -> int:
    """Forget what was not seen for `TRACE_DAYS`; return how many traces went."""
    gone, _models = Trace.objects.filter(last_seen_at__lte=_oldest()).delete()
    return gone


def linked_accounts(user: User) -> dict[User, set[str]]:
    """Return the other accounts that were used from the same address or device lately, and what they share."""
    shared: dict[User, set[str]] = defaultdict(set)
    own = Trace.objects.filter(user=user, last_seen_at__gt=_oldest())
    others = (
        Trace.objects.filter(digest__in=own.values("digest"), last_seen_at__gt=_oldest())
        .exclude(user=user)
        .select_related("user")
        .order_by("user_id")
    )
    for trace in others:
        shared[trace.user].add(str(trace.get_kind_display()))
    return dict(shared)


def client_address(request: HttpRequest) -> str | None:
    """Return the address that a request came from, behind as many proxies as are ours."""
    try:
        address: str = get_adapter().get_client_ip(request)
    except PermissionDenied:
        return None
    return address


def client_network(request: HttpRequest) -> str:
    """Return what of that address one household has; nothing where there is none."""
    return _network(client_address(request) or "")


def _network(address: str) -> str:
    """Return what one household has: an address of version 4, the first half of one of version 6."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((known, 64), strict=False)) if known.version == 6 else str(known)


def _digest(kind: TraceKind, value: str) -> str:
    return salted_hmac(f"accounts.traces.{kind.value}", value, algorithm="sha256").hexdigest()


def _oldest() -> Any:
    return timezone.now() - timedelta(days=settings.TRACE_DAYS)
