"""Who you are: users, organizers, roles, sign-in."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Register the accounts app."""

    name = "accounts"

    def ready(self) -> None:
        """Listen to what allauth offers no other way to learn."""
        from allauth.mfa.signals import authenticator_added

        from accounts.second_factor import count_first

        authenticator_added.connect(count_first, dispatch_uid="second_factor")
