"""Who you are: users, organizers, roles, sign-in."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Register the accounts app."""

    name = "accounts"
