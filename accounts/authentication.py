"""How the API knows who is asking: an access token, or the session of the pages with CSRF."""

from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from drf_spectacular.authentication import SessionScheme
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import authentication, exceptions
from rest_framework.request import Request

from accounts import second_factor
from accounts.bearer import BearerRefused, BearerUnavailable, bearer_sign_in, bearer_token
from accounts.models import User
from accounts.sign_ins import SignIn, sign_in_of
from accounts.traces import bearer_note


class KeysUnavailable(exceptions.APIException):
    """Nothing can be said about a token; it may be good, so its sender keeps it."""

    status_code = 503
    default_code = "unavailable"
    default_detail = _("Tokens cannot be checked right now. Try again.")


class SecondFactorNeeded(exceptions.PermissionDenied):
    """Somebody may do it, but has only shown half of who they are."""

    default_code = "second_factor"
    default_detail = _("This needs your second step. Take it at %(way)s, then try again.")

    def __init__(self) -> None:
        way = f"{settings.PUBLIC_URL}{reverse('second_factor')}"
        super().__init__(self.default_detail % {"way": way})


class BearerAuthentication(authentication.BaseAuthentication):
    """An access token in the Authorization header. It counts before a session, and needs no CSRF token."""

    def authenticate(self, request: Request) -> tuple[User, SignIn] | None:
        """Return who sends the token; a token that does not count is refused, never passed over."""
        token = bearer_token(request.META.get("HTTP_AUTHORIZATION"))
        if token is None:
            return None
        try:
            user, sign_in = bearer_sign_in(token)
        except BearerRefused as refused:
            raise exceptions.AuthenticationFailed(str(refused), code=refused.code) from None
        except BearerUnavailable:
            raise KeysUnavailable from None
        bearer_note(request._request, user)
        return user, sign_in

    def authenticate_header(self, request: Request) -> str:
        """Name the scheme, and that a token was the reason where one came (RFC 6750)."""
        sent = bearer_token(request.META.get("HTTP_AUTHORIZATION")) is not None
        return 'Bearer error="invalid_token"' if sent else "Bearer"


class SessionAuthentication(authentication.SessionAuthentication):
    """The session cookie. A missing CSRF token has a code of its own."""

    def enforce_csrf(self, request: Any) -> None:
        """Check the CSRF token as the pages do."""
        try:
            super().enforce_csrf(request)
        except exceptions.PermissionDenied as error:
            raise exceptions.PermissionDenied(str(error.detail), code="csrf_failed") from None


def request_sign_in(request: Request) -> SignIn:
    """Return the sign-in that a request of somebody known rests on."""
    if isinstance(request.auth, SignIn):
        return request.auth
    assert isinstance(request.user, User)
    return sign_in_of(request.user, session_key=request.session.session_key or "")


def check_second_factor(request: Request) -> None:
    """Refuse work for a house by a sign-in without the second factor that the site asks for.

    Ask only after it is clear that the caller may do it: who may not is told nothing else.
    """
    assert isinstance(request.user, User)
    if second_factor.is_missing(request_sign_in(request), request.user):
        raise SecondFactorNeeded


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the schema names it."""

    target_class = "accounts.authentication.BearerAuthentication"
    name = "bearer"
    priority = 1

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the scheme."""
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An access token: of the site's user pool, or of this site itself. See docs/sign-in.md.",
        }


class SessionAuthenticationScheme(SessionScheme):  # type: ignore[no-untyped-call]
    """How the schema names it."""

    target_class = "accounts.authentication.SessionAuthentication"
    priority = 1
