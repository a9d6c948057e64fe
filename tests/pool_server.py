"""A real OpenID Connect server at the paths of a Cognito user pool, with its habits; a program for the tests.

Codes, PKCE, client secrets and signatures are allauth's own identity provider. Ours are Cognito's paths, claims
(`token_use`, `cognito:groups`, "true" and "false" as text) and /logout. Who sits at the browser is a cookie.

    python -m tests.pool_server FOLDER PORT
"""

import json
import sys
from pathlib import Path
from typing import Any

import django
from django.conf import settings

CLIENT_ID, CLIENT_SECRET = "auctions", "not-a-secret"
SITE = "http://testserver"
CALLBACK = f"{SITE}/accounts/amazon-cognito/login/callback/"
ISSUER = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Test"


def _configure(folder: Path) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    settings.configure(
        ALLOWED_HOSTS=["127.0.0.1"],
        AUTHENTICATION_BACKENDS=["django.contrib.auth.backends.ModelBackend"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "pool.sqlite3")}},
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        IDP_OIDC_ACCESS_TOKEN_FORMAT="jwt",
        IDP_OIDC_ADAPTER="tests.pool_server.Adapter",
        IDP_OIDC_PRIVATE_KEY=key.decode(),
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "allauth",
            "allauth.account",
            "allauth.idp.oidc",
        ],
        LOGIN_URL="/sign-in",
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "allauth.account.middleware.AccountMiddleware",
        ],
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        ROOT_URLCONF="tests.pool_server",
        SECRET_KEY="x" * 50,
        SESSION_COOKIE_NAME="pool-session",
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
        USE_TZ=True,
    )
    django.setup()


if not settings.configured:
    _configure(Path(sys.argv[1]))

# Models can be imported only once Django is set up.
from allauth.idp.oidc import views  # noqa: E402
from allauth.idp.oidc.adapter import DefaultOIDCAdapter  # noqa: E402
from allauth.idp.oidc.models import Client  # noqa: E402
from django.contrib.auth import login, logout  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect  # noqa: E402
from django.urls import path  # noqa: E402

_people: dict[str, dict[str, Any]] = {}


class Adapter(DefaultOIDCAdapter):
    """Writes tokens as Cognito does."""

    def get_issuer(self) -> str:
        """Return the pool's issuer, which is not where it is reached."""
        return ISSUER

    def get_user_sub(self, client: Client, user: Any) -> str:
        """Return the name that the tests know somebody by."""
        return str(user.username)

    def get_user_by_sub(self, client: Client, sub: str) -> Any:
        """Return who has that name."""
        return User.objects.filter(username=sub).first()

    def get_claims(self, purpose: str, user: Any, client: Client, scopes: Any, **kwargs: Any) -> dict[str, Any]:
        """Return what the tests said of somebody; groups are in the ID token alone."""
        claims = {"sub": user.username, **_people[user.username]}
        groups = claims.pop("groups", None)
        if purpose == "id_token" and groups is not None:
            claims["cognito:groups"] = groups
        return claims

    def populate_id_token(self, id_token: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        """Say what it is for; another subject where the tests want a server that mixes people up."""
        id_token["token_use"] = "id"
        id_token["sub"] = _people[id_token["sub"]].get("other_sub", id_token["sub"])


def person(request: HttpRequest) -> HttpResponse:
    """Take in somebody, or what changed about them."""
    told = json.loads(request.body)
    sub = told.pop("sub")
    _people[sub] = told
    User.objects.get_or_create(username=sub)
    return HttpResponse(status=204)


def sign_in(request: HttpRequest) -> HttpResponse:
    """Sign in whoever sits at the browser, without asking."""
    somebody: Any = User.objects.get(username=request.COOKIES["person"])
    login(request, somebody)
    return HttpResponseRedirect(request.GET["next"])


def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session of the pool, as Cognito does: it goes back only to an address that it was told."""
    if request.GET.get("client_id") != CLIENT_ID or request.GET.get("logout_uri") != f"{SITE}/":
        return HttpResponseBadRequest("unknown client_id or logout_uri")
    logout(request)
    return HttpResponseRedirect(f"{SITE}/")


urlpatterns = [
    path("oauth2/authorize", views.authorization),
    path("oauth2/token", views.token),
    path("oauth2/userInfo", views.user_info),
    path("keys", views.jwks),
    path("logout", sign_out),
    path("person", person),
    path("sign-in", sign_in),
]


def main() -> None:
    """Make the database and serve until the end."""
    from django.core.management import call_command
    from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
    from django.core.wsgi import get_wsgi_application

    call_command("migrate", verbosity=0)
    client = Client(
        id=CLIENT_ID,
        name="The auctions",
        redirect_uris=CALLBACK,
        scopes="openid\nemail\nprofile",
        skip_consent=True,
    )
    client.set_secret(CLIENT_SECRET)
    client.save()
    server = ThreadedWSGIServer(("127.0.0.1", int(sys.argv[2])), WSGIRequestHandler)
    server.set_app(get_wsgi_application())
    server.serve_forever()


if __name__ == "__main__":
    main()
