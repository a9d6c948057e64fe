"""A person's own pages: profile, their data to take along, closing the account, and the wish to host.

Each view is one form and one service. Passwords, addresses, second factors and sessions are allauth's pages.
"""

from typing import Any

from allauth.account.decorators import reauthentication_required
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.languages import language_set
from accounts.models import HostRequest, Strike, User
from auctions import people
from auctions.errors import Refused
from auctions.media import ACCEPTED_WORDS
from auctions.permissions import can_host
from bidding.personal_data import personal_data
from bidding.services.leaving import account_close, closing_hindrances


class ProfileForm(forms.Form):
    """What somebody says of themselves."""

    display_name = forms.CharField(
        label=gettext_lazy("Display name"),
        required=False,
        max_length=people.LONGEST_NAME,
        help_text=gettext_lazy("How chat names you where you have no paddle, and houses that you buy from know you."),
        widget=forms.TextInput(attrs={"autocomplete": "nickname"}),
    )
    avatar = forms.FileField(
        label=gettext_lazy("Picture"),
        required=False,
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp"}),
    )
    remove_avatar = forms.BooleanField(label=gettext_lazy("Take my picture away"), required=False)
    delivery_address = forms.CharField(
        label=gettext_lazy("Address for orders"),
        required=False,
        max_length=people.LONGEST_ADDRESS,
        help_text=gettext_lazy("Only a house that you buy from sees it."),
        widget=forms.Textarea(attrs={"rows": 4, "autocomplete": "street-address"}),
    )
    language = forms.ChoiceField(
        label=gettext_lazy("Language"),
        required=False,
        help_text=gettext_lazy("Of the pages while you are signed in, and of mail."),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        self.user = user
        text = _("%(formats)s, up to 15 MB. Its middle is kept, and nothing of its metadata.")
        self.fields["avatar"].help_text = text % {"formats": ACCEPTED_WORDS}
        self.fields["language"].choices = [("", _("As my browser asks")), *settings.LANGUAGES]  # type: ignore[attr-defined]
        if not user.avatar:
            del self.fields["remove_avatar"]

    def save(self) -> bool:
        """Change the profile; False where a service refused, which is then shown at its field."""
        values = self.cleaned_data
        try:
            if values["avatar"]:
                people.avatar_set(user=self.user, upload=values["avatar"])
            elif values.get("remove_avatar"):
                people.avatar_remove(user=self.user)
            people.profile_update(
                user=self.user,
                display_name=values["display_name"],
                delivery_address=values["delivery_address"],
            )
            language_set(user=self.user, language=values["language"])
        except Refused as refused:
            self.add_error(refused.field, refused.message)
            return False
        return True


class HostRequestForm(forms.Form):
    """Asking to host."""

    house = forms.CharField(
        label=gettext_lazy("Name of your house"),
        max_length=120,
        help_text=gettext_lazy("Everybody sees it beside your auctions."),
    )
    about = forms.CharField(
        label=gettext_lazy("What would you like to sell?"),
        max_length=people.LONGEST_ABOUT,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=gettext_lazy("A few sentences: what, where from, how often. Staff reads it."),
    )


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """Show and change one's profile."""
    user = _user(request)
    status = 200
    if request.method == "POST":
        form = ProfileForm(request.POST, request.FILES, user=user)
        if form.is_valid() and form.save():
            messages.success(request, _("Saved."))
            return redirect("profile")
        status = 422
        # What was refused is not shown as if it were so.
        user = User.objects.get(pk=user.pk)
    else:
        initial = {
            "display_name": user.display_name,
            "delivery_address": user.delivery_address,
            "language": user.language,
        }
        form = ProfileForm(initial=initial, user=user)
    context = {
        "form": form,
        "person": user,
        "strikes": Strike.objects.active().filter(user=user).select_related("organizer"),
        "may_host": can_host(user),
        "host_request": HostRequest.objects.filter(user=user).first(),
    }
    return render(request, "bidding/profile.html", context, status=status)


@login_required
@never_cache
@require_safe
def profile_data(request: HttpRequest) -> HttpResponse:
    """Download everything that is kept about oneself."""
    return JsonResponse(
        personal_data(_user(request)),
        json_dumps_params={"indent": 2, "ensure_ascii": False},
        headers={"Content-Disposition": 'attachment; filename="personal-data.json"'},
    )


@login_required
@never_cache
@reauthentication_required  # type: ignore[untyped-decorator]
@require_http_methods(["GET", "HEAD", "POST"])
def profile_close(request: HttpRequest) -> HttpResponse:
    """Say what closing the account means, and close it."""
    user = _user(request)
    error = None
    if request.method == "POST":
        try:
            if request.POST.get("understood") != "on":
                raise Refused("not_confirmed", _("Say that you understand first."), field="understood")
            account_close(user=user)
        except Refused as refused:
            error = refused
        else:
            logout(request)
            messages.success(request, _("Your account is closed."))
            return redirect("home")
    context = {"hindrances": closing_hindrances(user), "error": error}
    return render(request, "bidding/profile_close.html", context, status=422 if error else 200)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def host_request(request: HttpRequest) -> HttpResponse:
    """Ask to host auctions, or show what became of it."""
    user = _user(request)
    form = HostRequestForm(request.POST if request.method == "POST" else None, label_suffix="")
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                people.host_request_make(user=user, **form.cleaned_data)
            except Refused as refused:
                form.add_error(refused.field, refused.message)
            else:
                messages.success(request, _("Thank you. We answer by mail."))
                return redirect("host_request")
    asked = HostRequest.objects.filter(user=user).first()
    context = {"form": form, "asked": asked, "may_host": can_host(user)}
    return render(request, "bidding/host_request.html", context, status=status)


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    # A lazy object would not do where a service locks and returns it.
    return User.objects.get(pk=request.user.pk)
