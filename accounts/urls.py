"""The account's page, and sign-up, sign-in, e-mail, password and second factors: allauth's pages under /accounts/."""

from django.urls import URLPattern, URLResolver, include, path

from accounts import views
from accounts.cognito.views import sign_out

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.account, name="account"),
    path("second-factor/", views.second_factor, name="second_factor"),
    path("logout/", sign_out, name="account_logout"),
    path("", include("allauth.urls")),
]
