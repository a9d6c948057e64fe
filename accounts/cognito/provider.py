"""Cognito as allauth's sign-in knows it: stricter than allauth's own about addresses, and about what a link may set."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.socialaccount.providers.amazon_cognito.provider import AmazonCognitoProvider
from django.conf import settings
from django.http import HttpRequest

from accounts.cognito.views import CognitoOAuth2Adapter


class CognitoProvider(AmazonCognitoProvider):
    """Our user pool."""

    name = "Cognito"
    oauth2_adapter_class = CognitoOAuth2Adapter

    def get_scope_from_request(self, request: HttpRequest) -> list[str]:
        """Ask for what the settings say, whatever the address says."""
        scope: list[str] = self.get_scope()
        return scope

    def get_auth_params_from_request(self, request: HttpRequest, action: str) -> dict[str, str]:
        """Send people straight to Google where they chose so, and let an address set nothing else."""
        google = settings.COGNITO_GOOGLE and request.GET.get("with") == "google"
        return {"identity_provider": "Google"} if google else {}

    def extract_email_addresses(self, data: dict[str, Any]) -> list[EmailAddress]:
        """Return their address. Cognito writes "true" and "false"; what is anything else is not verified."""
        email = data.get("email")
        verified = data.get("email_verified") in (True, "true")
        return [EmailAddress(email=email, verified=verified, primary=True)] if email else []

    def extract_extra_data(self, data: dict[str, Any]) -> dict[str, Any]:
        """Keep no second copy of what the pool knows about a person."""
        return {}


provider_classes = [CognitoProvider]
