"""Allauth's forms in our words, and where sign-up and sign-in differ from them."""

from typing import Any, ClassVar, Protocol

from allauth.account import forms
from allauth.account.fields import EmailField
from allauth.headless.account.inputs import SignupInput
from django.contrib.auth.hashers import make_password
from django.forms import Field
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import User

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


class SameWork:
    """A sign-up that takes as long where the address has an account already."""

    account_already_exists: bool
    cleaned_data: dict[str, Any]
    password_field: ClassVar[str]

    def try_save(self, request: HttpRequest) -> Any:
        """Make the account, or pretend to where there is one already."""
        if self.account_already_exists and self.cleaned_data.get(self.password_field):
            # A new account's password is hashed. Without this, the quicker answer would say that there is one.
            make_password(self.cleaned_data[self.password_field])
        return super().try_save(request)  # type: ignore[misc]


class SignUpForm(SameWork, OurWords, forms.SignupForm):
    """An address, and a password for who wants one."""

    password_field = "password1"  # noqa: S105

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        password = self.fields["password1"]
        password.label = _("Password")
        password.help_text = _("At least eight characters. Without one, we e-mail you a code each time.")


class ProgramSignUp(SameWork, SignupInput):
    """An address and a password, as a program sends them."""

    password_field = "password"  # noqa: S105


class AddAddressForm(OurWords, forms.AddEmailForm):
    """A further address of an account."""


class CodeRequestForm(OurWords, forms.RequestLoginCodeForm):
    """Where a code to sign in goes: to an address that an account could have."""

    email = EmailField(max_length=User._meta.get_field("email").max_length)


class PasswordResetForm(OurWords, forms.ResetPasswordForm):
    """Where a link to set a new password goes."""


class NewPasswordForm(OurWords, forms.ResetPasswordKeyForm):
    """A new password for who came by that link."""


class ChangePasswordForm(OurWords, forms.ChangePasswordForm):
    """A new password for who knows the old one."""


class SetPasswordForm(OurWords, forms.SetPasswordForm):
    """A first password."""
