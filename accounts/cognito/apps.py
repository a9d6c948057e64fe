"""Who you are, where a user pool of Amazon Cognito says so."""

from django.apps import AppConfig


class CognitoConfig(AppConfig):
    """Register the app; its provider takes the place of allauth's own."""

    name = "accounts.cognito"
    label = "cognito"
