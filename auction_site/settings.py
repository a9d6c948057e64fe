"""All settings of the site, read from the environment. The one place that knows variable names.

`docs/settings.md` lists every variable with its meaning and default. Nothing here connects to anything,
so that management commands which need no server run without one.
"""

import hmac
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONCE, NONE, SELF, WASM_UNSAFE_EVAL
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy
from redis.backoff import NoBackoff
from redis.retry import Retry

from auction_site.environment import Environment

env = Environment(os.environ)
BASE_DIR = Path(__file__).resolve().parent.parent

# --- What kind of installation this is -------------------------------------------------------------

DEBUG = env.flag("DEBUG")
DEMO = env.flag("DEMO")
"""Demo accounts exist and are shown only where this is on."""
_RELAXED = DEBUG or DEMO

VAR_DIR = Path(env.text("VAR_DIR", str(BASE_DIR / "var")))
SECRET_KEY = env.text("SECRET_KEY", "development-only-" + "x" * 50 if DEBUG else None)
if len(SECRET_KEY) < 50:
    raise ImproperlyConfigured("SECRET_KEY is too short: expected at least 50 random characters.")
PUBLIC_URL = env.origin("PUBLIC_URL", "http://127.0.0.1:8000" if _RELAXED else None)
_PUBLIC = urlsplit(PUBLIC_URL)
SECURE = _PUBLIC.scheme == "https"
if DEMO and SECURE:
    raise ImproperlyConfigured("DEMO is on for a public https address: demo accounts have known passwords.")
if not SECURE and not _RELAXED:
    raise ImproperlyConfigured(f"PUBLIC_URL is {PUBLIC_URL!r}: expected https:// unless DEBUG or DEMO is on.")

ALLOWED_HOSTS = env.hosts(
    "ALLOWED_HOSTS", f"{_PUBLIC.hostname},127.0.0.1,localhost" if _RELAXED else str(_PUBLIC.hostname)
)
CSRF_TRUSTED_ORIGINS = env.origins("CSRF_TRUSTED_ORIGINS", PUBLIC_URL)
TRUSTED_PROXIES = env.number("TRUSTED_PROXIES", 0)
"""How many reverse proxies of our own stand in front; only so many X-Forwarded-For entries are believed."""
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- Applications ----------------------------------------------------------------------------------

INSTALLED_APPS = [
    "daphne",  # first: it replaces runserver with one that speaks ASGI
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.headless",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.usersessions",
    "channels",
    "csp",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
    "accounts",
    "accounts.cognito",
    "auctions",
    "bidding",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "auction_site.requests.ReadableRequestMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.languages.LanguageMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.activity.LastSeenMiddleware",
    "accounts.second_factor.SecondFactorMiddleware",
    "accounts.traces.TracesMiddleware",
    "auctions.audit.OriginMiddleware",
    "auction_site.csp.AdminPolicyMiddleware",
]

ROOT_URLCONF = "auction_site.urls"
ASGI_APPLICATION = "auction_site.asgi.application"
SITE_NAME = env.text("SITE_NAME", "Paddle")

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "auction_site.context.site",
            ],
        },
    },
]

# --- Database --------------------------------------------------------------------------------------

_pool_size = env.number("DATABASE_POOL_SIZE", 8, minimum=1)
_database = env.database("DATABASE_URL", f"sqlite:///{VAR_DIR / 'db.sqlite3'}")
if _database["ENGINE"] == "django.db.backends.sqlite3":
    # FULL: the log in Redis is trimmed below what was committed here, so a commit must survive power loss.
    _database["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
else:
    # Persistent connections leak under ASGI; psycopg's pool is bounded for the whole process.
    _database["CONN_MAX_AGE"] = 0
    _database.setdefault("OPTIONS", {})["pool"] = {
        "min_size": 1,
        "max_size": _pool_size,
        "timeout": 10,
    }
DATABASES = {"default": _database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Redis: the floor decides bids, the side carries what may be lost --------------------------------

REDIS_URL = env.redis("REDIS_URL", "redis://127.0.0.1:6379/0" if DEBUG else None)
SIDE_REDIS_URL = env.redis("SIDE_REDIS_URL", "redis://127.0.0.1:6380/0" if DEBUG else None)

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [SIDE_REDIS_URL]},
    }
}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": SIDE_REDIS_URL,
        # The client's own 5 s and ten retries would hold a page or a socket for a minute. One retry stays: a server
        # that was restarted has dropped the connections.
        "OPTIONS": {"socket_timeout": 1.5, "socket_connect_timeout": 1.5, "retry": Retry(NoBackoff(), 1)},
    }
}

BID_DURABILITY = env.choice("BID_DURABILITY", "aof", ("aof", "replica"))
"""What an acknowledged bid is safe in: the floor's append-only file, or a replica."""
FLOOR_TIMEOUT_S = 1.5
"""How long a bid waits for Redis before the bidder is told that it is unknown (under the promised 2 s)."""
TOMBSTONE_DAYS = 7
"""How long Redis remembers that an auction is over after its keys were cleaned."""

# --- The record of a show -----------------------------------------------------------------------------

SIGNING_KEY = env.text("SIGNING_KEY", "")
"""The private Ed25519 key that the ledger signs closings with; only the ledger needs it."""
SIGNING_KEY_FILE = VAR_DIR / "signing-key" if _RELAXED else None
"""Where a demo or development site keeps a key that it makes for itself; nowhere else is one made."""

# --- The live room ---------------------------------------------------------------------------------

ROOM_SEATS_PER_USER = env.number("ROOM_SEATS_PER_USER", 20, minimum=1)
"""Sockets that one person may hold on one web process."""
ROOM_SEATS_PER_ADDRESS = env.number("ROOM_SEATS_PER_ADDRESS", 500, minimum=1)
"""Sockets that one address may hold on one web process; a whole office may share an address."""
ROOM_MESSAGES_PER_SECOND = env.number("ROOM_MESSAGES_PER_SECOND", 10, minimum=1)
"""Messages that a socket may send steadily; three times as many in a burst, and further ones are refused."""
CHAT_BURST = env.number("CHAT_BURST", 5, minimum=1)
"""Lines of chat that one person may say at once."""
CHAT_REFILL_MS = env.number("CHAT_REFILL_MS", 2_000, minimum=1)
"""How long it then takes until one more may be said."""

# --- Celery ----------------------------------------------------------------------------------------

CELERY_BROKER_URL = SIDE_REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "default"
# Ticks and closings have a queue and a worker of their own, so that mail and pictures never delay them, and pictures
# have one, so that they never delay mail.
CELERY_TASK_ROUTES = {
    **{f"bidding.tasks.{name}": {"queue": "ticks"} for name in ("tick", "close_due", "follow_roles")},
    "auctions.tasks.*": {"queue": "images"},
}
CELERY_BEAT_SCHEDULE = {
    "tick": {"task": "bidding.tasks.tick", "schedule": 1.0, "options": {"expires": 1.0}},
    "follow_roles": {"task": "bidding.tasks.follow_roles", "schedule": 2.0, "options": {"expires": 2.0}},
    "sweep": {"task": "auctions.tasks.uploads_sweep", "schedule": 60.0, "options": {"expires": 60.0}},
    "rehearsals": {"task": "bidding.tasks.rehearsals", "schedule": 1.0, "options": {"expires": 1.0}},
    "video": {"task": "bidding.tasks.video", "schedule": 1.0, "options": {"expires": 1.0}},
    "recordings": {"task": "bidding.tasks.recordings", "schedule": 600.0, "options": {"expires": 600.0}},
    "tell": {"task": "bidding.tasks.tell", "schedule": 5.0, "options": {"expires": 5.0}},
    "forget": {"task": "accounts.tasks.forget", "schedule": 3_600.0, "options": {"expires": 3_600.0}},
    "addresses": {"task": "auctions.tasks.addresses_forget", "schedule": 3_600.0, "options": {"expires": 3_600.0}},
}
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "celerybeat-schedule")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"

# --- People ----------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
LOGIN_URL = reverse_lazy("account_login")
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "accounts.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1"]  # who sets no password signs in by a code
ACCOUNT_FORMS = {
    "add_email": "accounts.forms.AddAddressForm",
    "change_password": "accounts.forms.ChangePasswordForm",
    "login": "accounts.forms.SignInForm",
    "request_login_code": "accounts.forms.CodeRequestForm",
    "reset_password": "accounts.forms.PasswordResetForm",
    "reset_password_from_key": "accounts.forms.NewPasswordForm",
    "set_password": "accounts.forms.SetPasswordForm",
    "signup": "accounts.forms.SignUpForm",
}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "optional" if DEMO else "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = not DEMO  # a code makes sense only where verification is mandatory
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
# Allauth offers the change to new accounts only, which would tell that an address has one already.
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_CHANGE = False
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_BY_CODE_SUPPORTS_RESEND = True
ACCOUNT_LOGIN_BY_CODE_TIMEOUT = 15 * 60  # mail may take its time
# Digits, for the keyboard of a phone; eight, so that nobody has to be locked out to keep them from being guessed.
ALLAUTH_USER_CODE_FORMAT = {"numeric": True, "length": 8}
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False  # it ends every other session, because they carry the old password's hash
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = f"[{SITE_NAME}] "
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = True
USERSESSIONS_TRACK_ACTIVITY = True
MFA_ADAPTER = "accounts.adapters.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
# A passkey always proves who holds it, by finger, face or PIN: one that is lost opens nothing.
MFA_WEBAUTHN_USER_VERIFICATION = "required"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not SECURE
MFA_TOTP_ISSUER = SITE_NAME
SECOND_FACTOR_KEYS = env.words("SECOND_FACTOR_KEYS") or [SECRET_KEY]
"""What secrets of authenticator apps and recovery codes are sealed with: the first seals, each of them opens."""
if any(len(key) < 32 for key in SECOND_FACTOR_KEYS):
    raise ImproperlyConfigured(
        "SECOND_FACTOR_KEYS has a key that is too short: expected at least 32 random characters."
    )
SECOND_FACTOR_REQUIRED = not _RELAXED
"""Whether work for a house, in its pages or by the API, takes a second factor that was used in that sign-in."""
NEW_ACCOUNT_DAYS = env.number("NEW_ACCOUNT_DAYS", 30)
"""How long an account is new: where an auction limits new bidders, they get that limit."""
INVOICE_FONTS = env.words("INVOICE_FONTS")
TRACE_DAYS = env.number("TRACE_DAYS", 90, minimum=1)
"""How long it is kept, as keyed hashes, from which address and device an account was used."""
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

SOCIALACCOUNT_ADAPTER = "accounts.adapters.SocialAccountAdapter"
SOCIALACCOUNT_PROVIDERS: dict[str, Any] = {}

# Programs sign in without a browser: a short access token that ends with its session, and a refresh token used once.
HEADLESS_CLIENTS = ("app",)
HEADLESS_TOKEN_STRATEGY = "allauth.headless.tokens.strategies.jwt.JWTTokenStrategy"  # noqa: S105
HEADLESS_JWT_ALGORITHM = "HS256"  # only this site reads them, so nobody needs a public key
HEADLESS_JWT_PRIVATE_KEY = hmac.digest(SECRET_KEY.encode(), b"access tokens", "sha256").hex()
HEADLESS_JWT_STATEFUL_VALIDATION_ENABLED = True
HEADLESS_JWT_ACCESS_TOKEN_EXPIRES_IN = 5 * 60
HEADLESS_JWT_REFRESH_TOKEN_EXPIRES_IN = 14 * 24 * 60 * 60

AUTH_PROVIDER = env.choice("AUTH_PROVIDER", "local", ("local", "cognito"))
"""Who knows people and makes tokens: this site itself, or a user pool of Amazon Cognito."""
COGNITO_DOMAIN = COGNITO_CLIENT_ID = COGNITO_ISSUER = COGNITO_KEYS_URL = ""
COGNITO_API_CLIENT_IDS: list[str] = []
"""Further app clients of the pool whose access tokens the API takes: programs, telephone apps."""
COGNITO_GOOGLE = COGNITO_REQUIRES_MFA = False
COGNITO_GROUP_ROLES: list[tuple[str, str]] = []
"""Which group of the pool gives which role: `staff`, `superuser`, or a role for an organizer as `slug:role`."""
if AUTH_PROVIDER == "cognito":
    _region = env.matching("COGNITO_REGION", r"[a-z]{2}(-[a-z]+)+-\d", "a region like eu-central-1")
    _pool = env.matching(
        "COGNITO_USER_POOL_ID", rf"{_region}_[0-9A-Za-z]+", f"the id of a pool in that region, like {_region}_AbCdEfGhI"
    )
    COGNITO_DOMAIN = env.origin("COGNITO_DOMAIN")
    if not COGNITO_DOMAIN.startswith("https://"):
        raise ImproperlyConfigured(f"COGNITO_DOMAIN is {COGNITO_DOMAIN!r}: expected https://.")
    COGNITO_CLIENT_ID = env.matching("COGNITO_CLIENT_ID", r"[\w+]+", "the id of an app client")
    COGNITO_API_CLIENT_IDS = env.words("COGNITO_API_CLIENT_IDS")
    COGNITO_GOOGLE = env.flag("COGNITO_GOOGLE", default=True)
    COGNITO_REQUIRES_MFA = env.flag("COGNITO_REQUIRES_MFA")
    COGNITO_GROUP_ROLES = env.pairs(
        "COGNITO_GROUP_ROLES",
        r"staff|superuser|[-\w]+:(owner|auctioneer|clerk|moderator|finance)",
        "group=role with a role like staff, superuser or corner-house:moderator",
    )
    COGNITO_ISSUER = f"https://cognito-idp.{_region}.amazonaws.com/{_pool}"
    COGNITO_KEYS_URL = f"{COGNITO_ISSUER}/.well-known/jwks.json"
    SOCIALACCOUNT_PROVIDERS["amazon_cognito"] = {
        "DOMAIN": COGNITO_DOMAIN,
        "OAUTH_PKCE_ENABLED": True,
        "SCOPE": ["openid", "email", "profile"],
        "APPS": [{"client_id": COGNITO_CLIENT_ID, "secret": env.text("COGNITO_CLIENT_SECRET", "")}],
    }

_mail = env.mail("EMAIL_URL", "consolemail://")
EMAIL_BACKEND = _mail["EMAIL_BACKEND"]
EMAIL_HOST, EMAIL_PORT = _mail.get("EMAIL_HOST") or "localhost", _mail.get("EMAIL_PORT") or 25
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail.get("EMAIL_HOST_USER") or "", _mail.get("EMAIL_HOST_PASSWORD") or ""
EMAIL_USE_TLS, EMAIL_USE_SSL = bool(_mail.get("EMAIL_USE_TLS")), bool(_mail.get("EMAIL_USE_SSL"))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", f"{SITE_NAME} <no-reply@{_PUBLIC.hostname}>")

WEB_PUSH_KEY = env.push_key("WEB_PUSH_KEY")
"""The private key that messages to devices are signed with, in base64url; without one none are sent."""

STRIPE_SECRET_KEY = env.text("STRIPE_SECRET_KEY", "")
"""The key of the account that buyers pay into by Stripe Checkout; without one they pay by the house's instruction."""
STRIPE_WEBHOOK_SECRET = env.matching("STRIPE_WEBHOOK_SECRET", r"whsec_\w+", "whsec_…") if STRIPE_SECRET_KEY else ""
STRIPE_URL = "https://api.stripe.com"

# --- Video -----------------------------------------------------------------------------------------

STREAM_PROVIDER = env.choice("STREAM_PROVIDER", "local", ("local", "ivs"))
"""Who carries video: this site itself, or Amazon IVS."""
STREAM_MAX_KBPS = env.number("STREAM_MAX_KBPS", 6_000, minimum=100)
"""What a publisher may send to the relay; the side server keeps ten seconds of it."""
STREAM_LOST_S = env.number("STREAM_LOST_S", 10, minimum=0)
"""After how long without pictures a new auction pauses its open lot; 0: never."""
if STREAM_LOST_S and not 5 <= STREAM_LOST_S <= 120:
    raise ImproperlyConfigured("STREAM_LOST_S is out of range: expected 0, or 5 to 120 seconds.")
STREAM_RTMP_URL = env.text("STREAM_RTMP_URL", "")
"""Where hosts find the gate for OBS, told on the camera's page; empty where no gate runs."""
RECORDINGS_DAYS = env.number("RECORDINGS_DAYS", 90)
"""How long recordings of shows are kept; 0 records nothing here."""
RECORDINGS_ROOT = Path(env.text("RECORDINGS_ROOT", str(VAR_DIR / "recordings")))
"""Where the relay's recordings are. Nothing in it is served but by the views that ask who may see it."""
RECORDINGS_MAX_MB = env.number("RECORDINGS_MAX_MB", 20_000, minimum=1)
"""What the recording of one show may measure."""
RECORDINGS_SPARE_MB = env.number("RECORDINGS_SPARE_MB", 1_000)
"""How much of the disk recordings leave free."""
IVS_REGION = IVS_PLAYBACK_KEY = IVS_RECORDING_ARN = IVS_RECORDINGS_URL = IVS_EVENTS_SECRET = ""
if STREAM_PROVIDER == "ivs":
    IVS_REGION = env.matching("IVS_REGION", r"[a-z]{2}(-[a-z]+)+-\d", "a region like eu-central-1")
    IVS_PLAYBACK_KEY = env.private_key("IVS_PLAYBACK_KEY")
    if env.text("IVS_RECORDING_ARN", ""):
        IVS_RECORDING_ARN = env.matching(
            "IVS_RECORDING_ARN",
            rf"arn:aws:ivs:{IVS_REGION}:\d+:recording-configuration/[A-Za-z0-9-]+",
            f"the ARN of a recording configuration in {IVS_REGION}",
        )
    if env.text("IVS_RECORDINGS_URL", ""):
        IVS_RECORDINGS_URL = env.origin("IVS_RECORDINGS_URL")
    IVS_EVENTS_SECRET = env.text("IVS_EVENTS_SECRET", "")
    if IVS_EVENTS_SECRET and len(IVS_EVENTS_SECRET) < 32:
        raise ImproperlyConfigured("IVS_EVENTS_SECRET is too short: expected at least 32 random characters.")

# --- Words, times, files ---------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LANGUAGE_COOKIE_AGE = 365 * 86_400
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = SECURE
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True
LOCALE_PATHS = [BASE_DIR / "locale"]

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_URL = "media/"
MEDIA_ROOT = VAR_DIR / "media"
# A demo or development site serves the sources as they are, without a collect step.
SERVESTATIC_USE_FINDERS = _RELAXED
SERVESTATIC_AUTOREFRESH = _RELAXED

MEDIA_STORAGE = env.choice("MEDIA_STORAGE", "local", ("local", "s3"))
"""Where pictures are: `VAR_DIR`, or a bucket of S3."""
STATIC_STORAGE = env.choice("STATIC_STORAGE", "local", ("local", "s3"))
"""Where `collectstatic` puts scripts and styles: `STATIC_ROOT`, or a bucket of S3."""
MEDIA_ORIGIN = PUBLIC_URL
_upload_origins: list[str] = []
_s3: dict[str, Any] = {}
if "s3" in (MEDIA_STORAGE, STATIC_STORAGE):
    # No points: the certificate of S3 does not cover them.
    _bucket = env.matching("S3_BUCKET", r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", "the name of a bucket, without points")
    _region = env.matching("S3_REGION", r"[a-z]{2}(-[a-z]+)+-\d", "a region like eu-central-1")
    _endpoint = env.origin("S3_ENDPOINT_URL", f"https://s3.{_region}.amazonaws.com")
    _is_amazon = _endpoint.endswith(".amazonaws.com")
    _s3 = {
        "bucket_name": _bucket,
        "region_name": _region,
        # Named, because the one without a region answers new buckets by a redirect, which no browser follows here.
        "endpoint_url": _endpoint,
        "addressing_style": "virtual" if _is_amazon else "path",
        "signature_version": "s3v4",
        "querystring_auth": False,
    }
    if MEDIA_STORAGE == "s3":
        MEDIA_ORIGIN = env.origin("MEDIA_ORIGIN", PUBLIC_URL)
        _upload_origins = [_endpoint.replace("://", f"://{_bucket}.", 1) if _is_amazon else _endpoint]


def _in_bucket(backend: str, folder: str, origin: str = PUBLIC_URL, **options: Any) -> dict[str, Any]:
    address = urlsplit(origin)
    served = {"custom_domain": address.netloc, "url_protocol": f"{address.scheme}:"}
    return {"BACKEND": backend, "OPTIONS": {**_s3, **served, "location": folder, **options}}


_FILES = "django.core.files.storage.FileSystemStorage"
STORAGES: dict[str, Any] = {
    "default": {"BACKEND": _FILES},
    # Apart from what is served: nobody has looked at these files yet.
    "uploads": {
        "BACKEND": _FILES,
        "OPTIONS": {"location": VAR_DIR / "uploads", "base_url": None, "allow_overwrite": True},
    },
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if _RELAXED
        else "auction_site.static.HashedStaticFilesStorage"
    },
}
if MEDIA_STORAGE == "s3":
    # Their names are random and a changed picture gets another one.
    _for_ever = {"CacheControl": "public, max-age=31536000, immutable"}
    STORAGES["default"] = _in_bucket(
        "storages.backends.s3.S3Storage", "media", MEDIA_ORIGIN, object_parameters=_for_ever
    )
    STORAGES["uploads"] = _in_bucket("storages.backends.s3.S3Storage", "uploads")
if STATIC_STORAGE == "s3":
    STORAGES["staticfiles"] = _in_bucket("auction_site.static_s3.S3HashedStaticFilesStorage", "static")
    MIDDLEWARE.remove("servestatic.middleware.ServeStaticMiddleware")

# --- Safety ----------------------------------------------------------------------------------------

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = SECURE
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_HSTS_SECONDS = 31_536_000 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE
# Prometheus asks each web server by its own address, behind the proxy that speaks TLS.
SECURE_REDIRECT_EXEMPT = [r"^metrics$"]
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

_SOCKETS = f"{'wss' if SECURE else 'ws'}://{_PUBLIC.netloc}"  # Safari does not count it as 'self'
CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:", *([MEDIA_ORIGIN] if MEDIA_ORIGIN != PUBLIC_URL else [])],
        "media-src": [SELF, "blob:"],
        "connect-src": [SELF, _SOCKETS, *_upload_origins],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        # Chromium holds the whole chain of redirects after a form against this: to the pool, and from there to Google;
        # and to the page where an order is paid.
        "form-action": [
            SELF,
            *([COGNITO_DOMAIN] if COGNITO_DOMAIN else []),
            *(["https://accounts.google.com"] if COGNITO_GOOGLE else []),
            *(["https://checkout.stripe.com"] if STRIPE_SECRET_KEY else []),
        ],
    }
}

if STREAM_PROVIDER == "ivs":
    # Its player comes from its own servers, decodes in WebAssembly, and works in a worker that it writes itself.
    for _directive, _sources in {
        "script-src": ["https://player.live-video.net", WASM_UNSAFE_EVAL],
        "worker-src": [SELF, "blob:"],
        "connect-src": ["https://*.live-video.net"],
        "media-src": ["https://*.live-video.net"],
    }.items():
        CONTENT_SECURITY_POLICY["DIRECTIVES"].setdefault(_directive, []).extend(_sources)

# A host's sheet of 200 lots has twenty fields and a picture for each; the form itself says where it ends.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5_000
DATA_UPLOAD_MAX_NUMBER_FILES = 250

# --- API -------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    # The first one names itself in a 401.
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.BearerAuthentication",
        "accounts.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticatedOrReadOnly"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["auctions.parsers.ShallowJSONParser"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "auctions.problems.handle",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": f"{SITE_NAME} API",
    "DESCRIPTION": "Live flash auctions: catalogue, registration and bid history.",
    "VERSION": "1",
    "EXTERNAL_DOCS": {"url": "/api/v1/asyncapi/", "description": "The live sockets: bids, events, chat and the clock"},
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {
        "AuctionStatus": "auctions.models.AuctionStatus",
        "LotStatus": "auctions.models.LotStatus",
        "RegistrationStatus": "auctions.models.RegistrationStatus",
    },
}

# --- Admin: base from ink and paper, primary from lead ------------------------------------------------

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": SITE_NAME,
    "SITE_HEADER": SITE_NAME,
    "SITE_SUBHEADER": gettext_lazy("Auctions, lots and the floor"),
    "SITE_URL": "/",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda _request: static("img/paddle.svg")}],
    "BORDER_RADIUS": "2px",
    "SHOW_VIEW_ON_SITE": False,
    "SIDEBAR": {"show_search": True, "show_all_applications": False},
    "COLORS": {
        "base": {
            "50": "#F2F5F2",
            "100": "#E3E9E4",
            "200": "#C9D3CC",
            "300": "#B7C3BB",
            "400": "#A5B5AC",
            "500": "#5A6B62",
            "600": "#47574F",
            "700": "#2B3932",
            "800": "#16211C",
            "900": "#10201A",
            "950": "#0D1512",
        },
        "primary": {
            "50": "#EFF9F3",
            "100": "#DDF1E6",
            "200": "#BBE3CE",
            "300": "#86DDB4",
            "400": "#52D79C",
            "500": "#1C8A60",
            "600": "#0A6844",
            "700": "#085539",
            "800": "#07442E",
            "900": "#063726",
            "950": "#041F15",
        },
    },
}

# --- Metrics ---------------------------------------------------------------------------------------

METRICS_TOKEN = env.text("METRICS_TOKEN", "")
"""What a reader of `/metrics` must present; without one only a demo or development site answers."""
if METRICS_TOKEN and len(METRICS_TOKEN) < 16:
    raise ImproperlyConfigured("METRICS_TOKEN is too short: expected at least 16 random characters.")
METRICS_EMF = env.flag("METRICS_EMF")
"""Whether each web process also writes its metrics to stdout for CloudWatch, once a minute."""

# --- Logging ---------------------------------------------------------------------------------------

LOG_FORMAT = env.choice("LOG_FORMAT", "text" if _RELAXED else "json", ("text", "json"))
LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
LOGGING_CONFIG = "auction_site.logging.configure"
LOGGING: dict[str, Any] = {"format": LOG_FORMAT, "level": LOG_LEVEL}
