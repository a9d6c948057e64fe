"""What our sign-in does otherwise than allauth's defaults."""

from contextlib import nullcontext
from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialLogin
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.cognito.services import address_take_over, roles_follow_groups
from accounts.languages import speaking_to
from accounts.models import User
from accounts.sealing import seal, unseal


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

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Make accounts here only where no user pool does."""
        return bool(settings.AUTH_PROVIDER == "local")

    def is_safe_url(self, url: str | None) -> bool:
        """Allow only this very host: other names of ours may serve something else."""
        request = context.request
        return url_has_allowed_host_and_scheme(
            url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
        )

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Write in the language of whose address it is; to others in that of the page that causes it."""
        chosen = User.objects.filter(email=email.lower()).exclude(language="").first()
        with speaking_to(chosen) if chosen else nullcontext():
            super().send_mail(template_prefix, email, context)

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
    """Second factors, in the site's name and in our words, with sealed secrets."""

    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": _("That did not match. Try again."),
        "unverified_email": _("Confirm your e-mail address first; then you can set this up."),
    }

    def encrypt(self, text: str) -> str:
        """Return a secret as it is stored."""
        return seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        """Return a secret as it was."""
        return unseal(encrypted_text)

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Return who a passkey is for; its dialogs show the name."""
        entity: dict[str, str] = super().get_public_key_credential_rp_entity()
        return {**entity, "name": settings.SITE_NAME}

    def generate_authenticator_name(self, user: User, type: Any) -> str:
        """Return what a new passkey is called until its owner finds a better name."""
        number = Authenticator.objects.filter(user=user, type=type).count() + 1
        return gettext("Passkey") if number == 1 else gettext("Passkey %(number)d") % {"number": number}


class SocialAccountAdapter(DefaultSocialAccountAdapter):
    """Sign-in by the user pool: who is let into which account, and what their groups give them."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """Make an account for everybody whom the pool knows."""
        return True

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: dict[str, Any]) -> User:
        """Begin an account with the address alone: a name from the pool may be one that they do not show in a room."""
        user: User = sociallogin.user
        user.email = data["email"].strip().lower() if data.get("email") else None
        return user

    def authenticate_by_email(self, sociallogin: SocialLogin) -> tuple[User, str] | None:
        """Let them into an account that has the same address, where both sides have verified it.

        One that only claims the address may have been made by somebody else, who could still hold a key to it.
        """
        for address in sociallogin.email_addresses:
            if address.verified:
                known = EmailAddress.objects.filter(email=address.email.lower(), verified=True).first()
                if known is not None:
                    return known.user, known.email
        return None

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Connect the pool's account with the one here that has the same address, and bring that up to date."""
        if sociallogin.account.pk is None and sociallogin.user.pk and sociallogin.state.get("process") == "login":
            sociallogin.connect(request, sociallogin.user)
        if sociallogin.account.pk is not None:
            for address in sociallogin.email_addresses[:1]:
                address_take_over(user=sociallogin.user, address=address)
            self._follow_groups(sociallogin)
            if not sociallogin.user.email:
                # It would have to be verified, and allauth would send them in a circle.
                messages.error(
                    request,
                    gettext(
                        "Your account has no e-mail address: you have none, or another account has it. Ask the staff."
                    ),
                )
                raise ImmediateHttpResponse(redirect("account_login"))

    def save_user(self, request: HttpRequest, sociallogin: SocialLogin, form: Any = None) -> User:
        """Make an account at the first sign-in, with what its groups give it."""
        user: User = super().save_user(request, sociallogin, form)
        self._follow_groups(sociallogin)
        return user

    def validate_disconnect(self, account: SocialAccount, accounts: Any) -> None:
        """Keep an account connected whose roles come from groups: nothing would take them back."""
        super().validate_disconnect(account, accounts)
        if account.grants.exists():
            raise ValidationError(_("Your roles come with this sign-in, so it stays."), code="has_roles")

    def _follow_groups(self, sociallogin: SocialLogin) -> None:
        groups = sociallogin.account.extra_data.get("groups", [])
        roles_follow_groups(account=sociallogin.account, groups=groups)
