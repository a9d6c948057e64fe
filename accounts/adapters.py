"""What our sign-in does otherwise than allauth's defaults."""

from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User


class AccountAdapter(DefaultAccountAdapter):
    """Sign-in by e-mail; addresses are kept in lower case, and `next` never leaves the site."""

    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": _("The address or the password is not right."),
        "incorrect_code": _("That code is not right."),
        "incorrect_password": _("That password is not right."),
        "enter_current_password": _("That is not your current password."),
        # The longest that allauth lets an address wait.
        "too_many_login_attempts": _("Too many attempts. Try again in five minutes."),
        "rate_limited": _("Too many attempts. Try again in a minute."),
    }

    def clean_email(self, email: str) -> str:
        """Return the address as accounts keep it."""
        cleaned: str = super().clean_email(email.strip())
        return cleaned.lower()

    def is_safe_url(self, url: str | None) -> bool:
        """Allow only this very host: other names of ours may serve something else."""
        request = context.request
        return url_has_allowed_host_and_scheme(
            url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
        )

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """Return how this person may confirm that it is them: by the second factor alone where there is one.

        A password would let who stole it add a second factor of their own, or remove the owner's.
        """
        words = {
            "reauthenticate": _("Use my password"),
            "mfa_reauthenticate": _("Use a code from my app, or a recovery code"),
            "mfa_reauthenticate:webauthn": _("Use a passkey"),
        }
        methods = [
            {**method, "description": words[method["id"]]} for method in super().get_reauthentication_methods(user)
        ]
        return [method for method in methods if method["id"] != "reauthenticate"] or methods


class SecondFactorAdapter(DefaultMFAAdapter):
    """Second factors, in the site's name and in our words."""

    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": _("That did not match. Try again."),
        "unverified_email": _("Confirm your e-mail address first; then you can set this up."),
    }

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Return who a passkey is for; its dialogs show the name."""
        entity: dict[str, str] = super().get_public_key_credential_rp_entity()
        return {**entity, "name": settings.SITE_NAME}

    def generate_authenticator_name(self, user: User, type: Any) -> str:
        """Return what a new passkey is called until its owner finds a better name."""
        number = Authenticator.objects.filter(user=user, type=type).count() + 1
        return gettext("Passkey") if number == 1 else gettext("Passkey %(number)d") % {"number": number}
