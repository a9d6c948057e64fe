"""The page that leads to everything about one's account, and the way to the second factor. The rest is allauth's."""

from typing import ClassVar

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.headless.account.views import SignupView
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.forms import ProgramSignUp
from accounts.models import User
from accounts.second_factor import way_there


class ProgramSignUpView(SignupView):
    """Signs a program's user up; the rest of that interface is allauth's as it is."""

    input_class: ClassVar[dict[str, type[ProgramSignUp]]] = {"POST": ProgramSignUp}


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


@login_required
@never_cache
@require_safe
def second_factor(request: HttpRequest) -> HttpResponse:
    """Lead to the second factor, and then back to where work for a house asked for it."""
    assert isinstance(request.user, User)
    target = request.GET.get("next", "")
    back = target if get_adapter().is_safe_url(target) else "account"
    return way_there(request, request.user) or redirect(back)
