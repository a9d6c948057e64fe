"""The site's addresses: each app brings its own."""

from allauth.account.decorators import secure_admin_login
from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from accounts.views import ProgramSignUpView
from auction_site.media import media

# The admin has no sign-in of its own: limits and second factors are in one place.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

urlpatterns: list[URLPattern | URLResolver] = [
    path("accounts/", include("accounts.urls")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("auction_site.api_urls")),
    path("", include("auctions.urls")),
    path("", include("bidding.urls")),
]

handler400 = "auction_site.requests.bad_request"
handler404 = "auction_site.requests.page_not_found"
handler429 = "auction_site.requests.too_many_requests"  # allauth's limits ask for it

# Where Cognito makes the tokens, nobody gets any here.
if settings.AUTH_PROVIDER == "local":
    urlpatterns += [
        path("api/auth/app/v1/auth/signup", ProgramSignUpView.as_api_view(client="app")),
        path("api/auth/", include("allauth.headless.urls")),
    ]

# Pictures kept on this machine are written by us alone (re-encoded), so they may be served from here.
if settings.MEDIA_STORAGE == "local":
    urlpatterns.append(path("media/<path:path>", media))
