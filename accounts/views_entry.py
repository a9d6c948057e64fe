"""Coming in without leaving the page: an address, a code, and a second factor where there is one.

For scripts: each answer is JSON whose `step` says what is asked for next. What was refused is 422 with a sentence at
`detail`. Decides nothing: `accounts.entry` and allauth's forms do.
"""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import ConfirmLoginCodeForm
from allauth.account.internal.stagekit import get_pending_stage
from allauth.account.stages import LoginStageController
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.stages import AuthenticateStage
from django import forms
from django.conf import settings
from django.contrib.messages import get_messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.entry import Entry
from accounts.forms import CodeRequestForm


@never_cache
@require_POST
def begin(request: HttpRequest) -> HttpResponse:
    """Send a code to an address, which need not have an account."""
    if not get_adapter().is_open_for_signup(request):
        raise Http404
    if request.user.is_authenticated:
        return _arrived(request)
    form = CodeRequestForm(request.POST)
    if not form.is_valid():
        return _asked_again("email", form)
    return _code_sent(Entry.begin(request, user=form._user, email=form.cleaned_data["email"]))


@never_cache
@require_POST
def code(request: HttpRequest) -> HttpResponse:
    """Take the code back; too many wrong ones need a new one."""
    if request.user.is_authenticated:
        return _arrived(request)
    entry = Entry.pending(request)
    if entry is None:
        return _over()
    form = ConfirmLoginCodeForm(request.POST, code=entry.code)
    if not form.is_valid():
        return _asked_again("code", form) if entry.record_invalid_attempt() else _over()
    target = request.POST.get("next", "")
    response = entry.finish(target if get_adapter().is_safe_url(target) else None)
    return _outcome(request, response)


@never_cache
@require_POST
def resend(request: HttpRequest) -> HttpResponse:
    """Send another code to the same address, as often as allauth lets one."""
    entry = Entry.pending(request)
    if entry is None:
        return _over()
    if not entry.can_resend:
        return _refused("code", _("We sent you several. Look in the spam folder, too."))
    entry.resend()
    return _code_sent(entry)


@never_cache
@require_POST
def second_factor(request: HttpRequest) -> HttpResponse:
    """Take a code of an authenticator app, or a recovery code."""
    stage = LoginStageController.enter(request, AuthenticateStage.key)
    if stage is None:
        return _arrived(request) if request.user.is_authenticated else _over()
    form = AuthenticateForm(request.POST, user=stage.login.user)
    if not form.is_valid():
        return _asked_again(AuthenticateStage.key, form)
    form.save()
    return _outcome(request, stage.exit())


def _code_sent(entry: Entry) -> JsonResponse:
    answer: dict[str, Any] = {"step": "code", "email": entry.email, "may_resend": entry.can_resend}
    # A demo has no mail server, and who is new in it has nothing yet that the code could open.
    if settings.DEMO and entry.user is None:
        answer["demo_code"] = entry.code
    return JsonResponse(answer)


def _outcome(request: HttpRequest, response: HttpResponse) -> JsonResponse:
    if request.user.is_authenticated:
        return _arrived(request)
    stage = get_pending_stage(request)
    if stage is not None and stage.key == AuthenticateStage.key:
        owner = Authenticator.objects.filter(user=stage.login.user)
        return JsonResponse(
            {
                "step": AuthenticateStage.key,
                "has_app": owner.filter(type=Authenticator.Type.TOTP).exists(),
                "url": reverse("mfa_authenticate"),
            }
        )
    return JsonResponse({"step": "elsewhere", "url": response["Location"]})


def _arrived(request: HttpRequest) -> JsonResponse:
    # The page stays, and would show them only when it is loaded again, long after.
    list(get_messages(request))
    return JsonResponse({"step": "in", "csrf_token": get_token(request)})


def _over() -> JsonResponse:
    return _refused("email", _("That code counts no longer. Ask for a new one."))


def _asked_again(step: str, form: forms.Form) -> JsonResponse:
    return _refused(step, " ".join(str(error) for errors in form.errors.values() for error in errors))


def _refused(step: str, detail: str) -> JsonResponse:
    return JsonResponse({"step": step, "detail": detail}, status=422)
