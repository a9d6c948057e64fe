"""The two steps of the hosted login, and leaving it: allauth's flow with the ID token checked and its groups read."""

from typing import Any
from urllib.parse import urlencode

from allauth.account.authentication import get_authentication_records
from allauth.account.views import LogoutView
from allauth.socialaccount.models import SocialApp, SocialLogin, SocialToken
from allauth.socialaccount.providers.amazon_cognito.views import AmazonCognitoOAuth2Adapter
from allauth.socialaccount.providers.base import ProviderException
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from django.conf import settings
from django.http import Http404, HttpRequest

from accounts.cognito.services import PROVIDER
from accounts.cognito.tokens import BadToken, KeysUnavailable, claims_of


class CognitoOAuth2Adapter(AmazonCognitoOAuth2Adapter):
    """Reads who came back from the pool."""

    def get_provider(self) -> Any:
        """Return our provider; there is no such page where no pool is configured."""
        try:
            return super().get_provider()
        except SocialApp.DoesNotExist:
            raise Http404 from None

    def complete_login(self, request: HttpRequest, app: SocialApp, token: SocialToken, **kwargs: Any) -> SocialLogin:
        """Return who signs in; their groups come from the ID token, which must be about the same person."""
        login = super().complete_login(request, app, token, **kwargs)
        try:
            claims = claims_of(str(kwargs["response"].get("id_token", "")), "id")
        except (BadToken, KeysUnavailable) as error:
            raise ProviderException("The ID token was refused.") from error
        if claims.sub != login.account.uid:
            raise ProviderException("The ID token is about somebody else.")
        login.account.extra_data["groups"] = sorted(claims.groups)
        return login


class SignOutView(LogoutView):
    """Signs out here, and at the pool too where the hosted login let them in: it would let the next one in unasked."""

    def get_redirect_url(self) -> str:
        """Return where to go; the pool sends people back to our own front page only."""
        records = get_authentication_records(self.request, self.request.user)
        if any(record.get("provider") == PROVIDER for record in records):
            query = urlencode({"client_id": settings.COGNITO_CLIENT_ID, "logout_uri": f"{settings.PUBLIC_URL}/"})
            return f"{settings.COGNITO_DOMAIN}/logout?{query}"
        url: str = super().get_redirect_url()
        return url


oauth2_login = OAuth2LoginView.adapter_view(CognitoOAuth2Adapter)
oauth2_callback = OAuth2CallbackView.adapter_view(CognitoOAuth2Adapter)
sign_out = SignOutView.as_view()
