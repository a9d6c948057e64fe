"""Sign-up, sign-in, e-mail, password and second factors: allauth's pages under /accounts/."""

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [path("", include("allauth.urls"))]
