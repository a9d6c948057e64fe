"""The page that leads to everything about one's account. What it leads to is allauth's."""

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import User


@login_required
@require_safe
def account(request: HttpRequest) -> HttpResponse:
    """Show how somebody signs in and where they are signed in, with a way to change each."""
    assert isinstance(request.user, User)
    kinds = list(Authenticator.objects.filter(user=request.user).values_list("type", flat=True))
    context = {
        "addresses": EmailAddress.objects.filter(user=request.user).order_by("-primary", "email"),
        "has_app": Authenticator.Type.TOTP in kinds,
        "passkeys": kinds.count(Authenticator.Type.WEBAUTHN),
        "sessions": len(UserSession.objects.purge_and_list(request.user)),
    }
    return render(request, "account/overview.html", context)
