"""The addresses of the hosted login, as allauth includes them under /accounts/."""

from allauth.socialaccount.providers.oauth2.urls import default_urlpatterns

from accounts.cognito.provider import CognitoProvider

urlpatterns = default_urlpatterns(CognitoProvider)
