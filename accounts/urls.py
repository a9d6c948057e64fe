"""The account's page, and coming in without leaving a page; the rest is allauth's pages under /accounts/."""

from django.urls import URLPattern, URLResolver, include, path

from accounts import views, views_entry
from accounts.cognito.views import sign_out
from accounts.languages import language

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.account, name="account"),
    path("language/", language, name="language"),
    path("second-factor/", views.second_factor, name="second_factor"),
    path("entry/", views_entry.begin, name="entry"),
    path("entry/code/", views_entry.code, name="entry_code"),
    path("entry/resend/", views_entry.resend, name="entry_resend"),
    path("entry/second-factor/", views_entry.second_factor, name="entry_second_factor"),
    path("logout/", sign_out, name="account_logout"),
    path("", include("allauth.urls")),
]
