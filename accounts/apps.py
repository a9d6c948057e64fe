"""Who you are: users, organizers, roles, sign-in."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    """Register the accounts app."""

    name = "accounts"
    verbose_name = _("People")

    def ready(self) -> None:
        """Listen to what allauth offers no other way to learn."""
        from allauth.account.signals import authentication_step_completed, user_signed_up
        from allauth.mfa.signals import authenticator_added

        from accounts.entry import password_forget
        from accounts.languages import fields_translate, language_keep
        from accounts.second_factor import count_first

        authenticator_added.connect(count_first, dispatch_uid="second_factor")
        authentication_step_completed.connect(password_forget, dispatch_uid="password_forget")
        user_signed_up.connect(language_keep, dispatch_uid="language_keep")
        fields_translate(self)
