"""Allauth's forms in our words, and where sign-up and sign-in differ from them."""

from typing import Any, Protocol

from allauth.account import forms
from django.contrib.auth.hashers import make_password
from django.forms import Field
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

_WORDS = {
    "login": _("E-mail address"),
    "email": _("E-mail address"),
    "oldpassword": _("Current password"),
    "password1": _("New password"),
    "password2": _("New password again"),
}


class _HasFields(Protocol):
    fields: dict[str, Field]


class OurWords:
    """Labels like the rest of the site's."""

    def __init__(self: _HasFields, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.fields.keys() & _WORDS.keys():
            self.fields[name].label = _WORDS[name]
        if "password1" in self.fields:
            self.fields["password1"].help_text = _("At least eight characters, not only digits, and no common word.")


class SignInForm(OurWords, forms.LoginForm):
    """Address and password, or the address alone: then a code goes there."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        password = self.fields["password"]
        password.required = password.widget.is_required = False
        password.help_text = _("Leave it empty, and we e-mail you a code.")


class SignUpForm(OurWords, forms.SignupForm):
    """An address, and a password for who wants one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        password = self.fields["password1"]
        password.label = _("Password")
        password.help_text = _("At least eight characters. Without one, we e-mail you a code each time.")

    def try_save(self, request: HttpRequest) -> Any:
        """Make the account, or pretend to where there is one already."""
        if self.account_already_exists and self.cleaned_data.get("password1"):
            # A new account's password is hashed. Without this, the quicker answer would say that there is one.
            make_password(self.cleaned_data["password1"])
        return super().try_save(request)


class AddAddressForm(OurWords, forms.AddEmailForm):
    """A further address of an account."""


class CodeRequestForm(OurWords, forms.RequestLoginCodeForm):
    """Where a code to sign in goes."""


class PasswordResetForm(OurWords, forms.ResetPasswordForm):
    """Where a link to set a new password goes."""


class NewPasswordForm(OurWords, forms.ResetPasswordKeyForm):
    """A new password for who came by that link."""


class ChangePasswordForm(OurWords, forms.ChangePasswordForm):
    """A new password for who knows the old one."""


class SetPasswordForm(OurWords, forms.SetPasswordForm):
    """A first password."""
