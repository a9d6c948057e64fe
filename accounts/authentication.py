"""How the API knows who is asking: the session of the pages, with CSRF."""

from typing import Any

from drf_spectacular.authentication import SessionScheme
from rest_framework import authentication, exceptions
from rest_framework.request import Request


class SessionAuthentication(authentication.SessionAuthentication):
    """The session cookie. Who is not signed in gets 401, and a missing CSRF token a code of its own."""

    def authenticate_header(self, request: Request) -> str:
        """Name the scheme, so that DRF answers 401 and not 403."""
        return "Session"

    def enforce_csrf(self, request: Any) -> None:
        """Check the CSRF token as the pages do."""
        try:
            super().enforce_csrf(request)
        except exceptions.PermissionDenied as error:
            raise exceptions.PermissionDenied(str(error.detail), code="csrf_failed") from None


class SessionAuthenticationScheme(SessionScheme):  # type: ignore[no-untyped-call]
    """How the schema names it."""

    target_class = "accounts.authentication.SessionAuthentication"
    priority = 1
