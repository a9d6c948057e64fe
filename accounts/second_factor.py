"""Where a second factor must have been used, and the way there for who has none yet.

Owns the one rule: allauth writes into the session how its owner proved who they are, and that must have been by an
authenticator app, a passkey or a recovery code in this very session. To have one set up is not enough. Who may do
what behind it is not decided here.
"""

from collections.abc import Callable
from importlib import import_module
from types import SimpleNamespace
from typing import Any, Final, cast
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.models import User
from accounts.sign_ins import SignIn

GUARDED: Final = ("/admin/", "/host/")
"""The pages from which shows are run. What the API does for a house asks for itself, by `is_missing`."""
WANTED: Final = "second_factor_wanted"
"""The key of the session that says where somebody was going when they were asked for a second factor."""


class SecondFactorMiddleware:
    """Let staff and hosts into the guarded pages only with a second factor.

    Everybody else goes on to the view, which refuses them or asks them to sign in.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on, or lead its sender to a second factor."""
        if settings.SECOND_FACTOR_REQUIRED and request.path_info.startswith(GUARDED):
            user = request.user
            if isinstance(user, User) and _works_here(user):
                return way_there(request, user) or self.get_response(request)
        return self.get_response(request)


def way_there(request: HttpRequest, user: User) -> HttpResponse | None:
    """Return where somebody must go before they may see this address; None where they used their second factor."""
    if is_mfa_enabled(user) and _was_used(request.session, user):
        request.session.pop(WANTED, None)
        return None
    return _lead_to_using(request, user) if is_mfa_enabled(user) else _lead_to_setting_up(request)


def is_missing(sign_in: SignIn, user: User) -> bool:
    """Say whether this sign-in may not work for a house because it used no second factor.

    A token of this site rests on a session, which counts as that of a page does. What the user pool asked for before it
    gave a token is not written into the token: the setting says whether it asks everybody.
    """
    if not settings.SECOND_FACTOR_REQUIRED:
        return False
    if sign_in.session_key is None:
        return not settings.COGNITO_REQUIRES_MFA
    session = import_module(settings.SESSION_ENGINE).SessionStore(sign_in.session_key)
    return not (is_mfa_enabled(user) and _was_used(session, user))


def count_first(
    sender: type[Authenticator], *, request: HttpRequest, user: User, authenticator: Authenticator, **_: Any
) -> None:
    """Count the first second factor that somebody sets up as used: setting it up proved that they hold it.

    A further one proves nothing about the first.
    """
    own = Authenticator.objects.filter(user=user).exclude(type=Authenticator.Type.RECOVERY_CODES)
    if authenticator.type != Authenticator.Type.RECOVERY_CODES and own.count() == 1:
        record_authentication(request, user, "mfa", id=authenticator.pk, type=authenticator.type)


def _was_used(session: Any, user: User) -> bool:
    # It looks at nothing but the session.
    records = get_authentication_records(cast("HttpRequest", SimpleNamespace(session=session)), user)
    return any(record.get("method") == "mfa" for record in records)


def _works_here(user: User) -> bool:
    return user.is_staff or user.memberships.exists()


def _lead_to_setting_up(request: HttpRequest) -> HttpResponse:
    # Several pages lie between; the last of them offers the way back.
    request.session[WANTED] = request.get_full_path()
    return redirect("mfa_index")


def _lead_to_using(request: HttpRequest, user: User) -> HttpResponse:
    way = get_adapter().get_reauthentication_methods(user)[0]["url"]
    return redirect(f"{way}?{urlencode({'next': request.get_full_path()})}")
