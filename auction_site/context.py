"""What every template may use."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from accounts.in_app import app_of


def site(request: HttpRequest) -> dict[str, Any]:
    """Return the site's name, whether it is a demo, and how people sign in."""
    return {
        "site_name": settings.SITE_NAME,
        "demo": settings.DEMO,
        "cognito": settings.AUTH_PROVIDER == "cognito",
        "cognito_google": settings.COGNITO_GOOGLE,
        # Google refuses the browsers inside apps, and no other way to sign in minds them.
        "in_app": app_of(request.headers.get("User-Agent", "")) if settings.COGNITO_GOOGLE else None,
    }
