"""A wrong environment stops the start with one line that names the variable; every variable is documented."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from auction_site.environment import Environment
from tests.video import private_pem

ROOT = Path(__file__).parent.parent
GOOD = {
    "SECRET_KEY": "0123456789" * 5,
    "PUBLIC_URL": "https://auctions.example",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "SIDE_REDIS_URL": "redis://127.0.0.1:2/0",
}


def check(**changes: str | None) -> subprocess.CompletedProcess[str]:
    """Start a management command with the good environment and these changes."""
    environment = {"PATH": os.environ["PATH"], "LOG_LEVEL": "ERROR"} | GOOD
    for name, value in changes.items():
        environment.pop(name, None)
        if value is not None:
            environment[name] = value
    return subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def test_a_good_environment_starts() -> None:
    result = check()
    assert result.returncode == 0, result.stderr


def test_only_a_demo_or_development_site_lets_hosts_in_without_a_second_factor() -> None:
    asking = "from django.conf import settings; print(settings.SECOND_FACTOR_REQUIRED)"
    said = []
    for changes in ({}, {"DEMO": "1", "PUBLIC_URL": "http://127.0.0.1:8000"}, {"DEBUG": "1"}):
        environment = {
            "PATH": os.environ["PATH"],
            "LOG_LEVEL": "ERROR",
            "DJANGO_SETTINGS_MODULE": "auction_site.settings",
        }
        argv = [sys.executable, "-c", asking]
        said.append(subprocess.check_output(argv, cwd=ROOT, env=environment | GOOD | changes, text=True).strip())
    assert said == ["True", "False", "False"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", None),
        ("SECRET_KEY", "short"),
        ("SECOND_FACTOR_KEYS", "short,also-short"),
        ("PUBLIC_URL", None),
        ("PUBLIC_URL", "auctions.example"),
        ("PUBLIC_URL", "http://auctions.example"),
        ("REDIS_URL", None),
        ("REDIS_URL", "http://127.0.0.1"),
        ("REDIS_URL", "redis://127.0.0.1:port"),
        ("SIDE_REDIS_URL", None),
        ("DATABASE_URL", "mysql://localhost/x"),
        ("DEBUG", "ture"),
        ("TRUSTED_PROXIES", "-1"),
        ("DATABASE_POOL_SIZE", "0"),
        ("STREAM_PROVIDER", "youtube"),
        ("EMAIL_URL", "localhost"),
        ("METRICS_TOKEN", "short"),
        ("METRICS_EMF", "cloudwatch"),
        ("LOG_FORMAT", "xml"),
        ("AUTH_PROVIDER", "google"),
        ("DEMO", "1"),
        ("SECRET_KEY", "0123456789" * 4),
        ("PUBLIC_URL", "https:auctions.example"),
        ("PUBLIC_URL", "https://auctions.example/shop"),
        ("PUBLIC_URL", "https://user:word@auctions.example"),
        ("REDIS_URL", "redis:floor"),
        ("REDIS_URL", "redis://127.0.0.1/first"),
        ("SIDE_REDIS_URL", "redis://127.0.0.1/0?socket_timeout=soon"),
        ("DATABASE_URL", "postgres:auctions"),
        ("DATABASE_URL", "postgres://127.0.0.1"),
        ("EMAIL_URL", "smtp://mail.example:port"),
        ("EMAIL_URL", "smtp+tls://user:word@mail.example:99999"),
        ("CSRF_TRUSTED_ORIGINS", "auctions.example"),
        ("CSRF_TRUSTED_ORIGINS", "https://a.example,https://b.example/path"),
        ("ALLOWED_HOSTS", "https://auctions.example"),
        ("ALLOWED_HOSTS", "auctions.example:443"),
        ("TRUSTED_PROXIES", "9" * 5_000),
        ("DATABASE_POOL_SIZE", "9" * 30),
    ],
)
def test_a_wrong_value_is_one_line_with_the_variables_name(name: str, value: str | None) -> None:
    result = check(**{name: value})
    assert result.returncode == 1
    [line] = result.stderr.strip().splitlines()
    assert line.startswith("error: ")
    assert name in line


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://user:s3cr3t@localhost/x"),
        ("REDIS_URL", "redis://:s3cr3t@127.0.0.1:port"),
        ("EMAIL_URL", "smtps://user:s3cr3t@mail.example"),
        ("EMAIL_URL", "smtp://user:s3cr3t@mail.example:port"),
    ],
)
def test_a_wrong_address_is_named_without_its_password(name: str, value: str) -> None:
    result = check(**{name: value})
    assert result.returncode == 1
    assert name in result.stderr
    assert "s3cr3t" not in result.stderr


POOL = {
    "AUTH_PROVIDER": "cognito",
    "COGNITO_REGION": "eu-central-1",
    "COGNITO_USER_POOL_ID": "eu-central-1_AbCdEfGhI",
    "COGNITO_DOMAIN": "https://corner-house.auth.eu-central-1.amazoncognito.com",
    "COGNITO_CLIENT_ID": "4a1b2c3d4e5f6g7h8i9j0k1l2m",
}


def test_a_user_pool_starts() -> None:
    result = check(**POOL, COGNITO_GROUP_ROLES="house=staff, house=corner-house:owner,admins=superuser")
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("COGNITO_REGION", None),
        ("COGNITO_USER_POOL_ID", None),
        ("COGNITO_DOMAIN", None),
        ("COGNITO_CLIENT_ID", None),
        ("COGNITO_REGION", "Frankfurt"),
        ("COGNITO_USER_POOL_ID", "us-east-1_AbCdEfGhI"),
        ("COGNITO_DOMAIN", "corner-house.auth.eu-central-1.amazoncognito.com"),
        ("COGNITO_DOMAIN", "http://corner-house.auth.eu-central-1.amazoncognito.com"),
        ("COGNITO_CLIENT_ID", "two words"),
        ("COGNITO_GOOGLE", "maybe"),
        ("COGNITO_REQUIRES_MFA", "maybe"),
        ("COGNITO_GROUP_ROLES", "house"),
        ("COGNITO_GROUP_ROLES", "=staff"),
        ("COGNITO_GROUP_ROLES", "house=king"),
        ("COGNITO_GROUP_ROLES", "house=corner-house:king"),
    ],
)
def test_what_a_user_pool_lacks_is_named(name: str, value: str | None) -> None:
    result = check(**POOL | {name: value})
    assert result.returncode == 1
    [line] = result.stderr.strip().splitlines()
    assert line.startswith("error: ")
    assert name in line


def test_groups_may_give_every_role_that_there_is() -> None:
    from accounts.models import Role

    result = check(**POOL, COGNITO_GROUP_ROLES=",".join(f"group=corner-house:{role}" for role in Role.values))
    assert result.returncode == 0, result.stderr


S3 = {"MEDIA_STORAGE": "s3", "STATIC_STORAGE": "s3", "S3_BUCKET": "corner-house", "S3_REGION": "eu-central-1"}


def settings_of(expression: str, **changes: str) -> Any:
    environment = {"PATH": os.environ["PATH"], "LOG_LEVEL": "ERROR", "DJANGO_SETTINGS_MODULE": "auction_site.settings"}
    code = f"import json; from django.conf import settings; print(json.dumps({expression}))"
    argv = [sys.executable, "-c", code]
    return json.loads(subprocess.check_output(argv, cwd=ROOT, env=environment | GOOD | changes, text=True))


def test_a_bucket_starts_and_pages_may_send_pictures_to_it_and_nowhere_else() -> None:
    assert check(**S3).returncode == 0
    policy = "settings.CONTENT_SECURITY_POLICY['DIRECTIVES']"
    sources = f"[{policy}['connect-src'][2:], {policy}['img-src'][3:]]"
    assert settings_of(sources) == [[], []]
    assert settings_of(sources, **S3) == [["https://corner-house.s3.eu-central-1.amazonaws.com"], []]
    elsewhere = {"MEDIA_ORIGIN": "https://cdn.example", "S3_ENDPOINT_URL": "https://files.example"}
    assert settings_of(sources, **S3, **elsewhere) == [["https://files.example"], ["https://cdn.example"]]


def test_what_nobody_has_looked_at_is_kept_apart_from_what_is_served() -> None:
    folders = "[storage.get('OPTIONS', {}).get('location', '') for storage in settings.STORAGES.values()]"
    assert settings_of(folders, **S3) == ["media", "uploads", "static"]
    media, uploads = settings_of("[str(settings.MEDIA_ROOT), str(settings.STORAGES['uploads']['OPTIONS']['location'])]")
    assert not uploads.startswith(f"{media}/")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MEDIA_STORAGE", "gcs"),
        ("STATIC_STORAGE", "S3"),
        ("S3_BUCKET", None),
        ("S3_BUCKET", "Corner.House"),
        ("S3_REGION", None),
        ("S3_REGION", "europe"),
        ("S3_ENDPOINT_URL", "files.example"),
        ("MEDIA_ORIGIN", "https://cdn.example/media"),
    ],
)
def test_what_a_bucket_lacks_is_named(name: str, value: str | None) -> None:
    result = check(**{**S3, name: value})
    assert result.returncode == 1
    [line] = result.stderr.strip().splitlines()
    assert line.startswith(f"error: {name} is ")


def test_forms_may_lead_to_the_pool_to_google_and_to_stripe_and_nowhere_else() -> None:
    ask = "from django.conf import settings; print(*settings.CONTENT_SECURITY_POLICY['DIRECTIVES']['form-action'])"
    environment = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "auction_site.settings"} | GOOD
    for more, allowed in (
        ({}, ["'self'"]),
        (POOL, ["'self'", POOL["COGNITO_DOMAIN"], "https://accounts.google.com"]),
        (POOL | {"COGNITO_GOOGLE": "0"}, ["'self'", POOL["COGNITO_DOMAIN"]]),
        ({"STRIPE_SECRET_KEY": "sk", "STRIPE_WEBHOOK_SECRET": "whsec_1"}, ["'self'", "https://checkout.stripe.com"]),
    ):
        argv = [sys.executable, "-c", ask]
        result = subprocess.run(argv, cwd=ROOT, env=environment | more, capture_output=True, text=True, check=True)
        assert result.stdout.split() == allowed


VIDEO = {"STREAM_PROVIDER": "ivs", "IVS_REGION": "eu-central-1", "IVS_PLAYBACK_KEY": private_pem()}


def test_amazon_ivs_starts() -> None:
    more = {
        "IVS_RECORDING_ARN": "arn:aws:ivs:eu-central-1:123456789012:recording-configuration/AbCd",
        "IVS_RECORDINGS_URL": "https://recordings.example",
        "IVS_EVENTS_SECRET": "s" * 32,
        "IVS_PLAYBACK_KEY": private_pem().replace("\n", "\\n"),
    }
    for changes in (VIDEO, VIDEO | more):
        result = check(**changes)
        assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("IVS_REGION", None),
        ("IVS_REGION", "Frankfurt"),
        ("IVS_PLAYBACK_KEY", None),
        ("IVS_PLAYBACK_KEY", "-----BEGIN PRIVATE KEY-----s3cr3t-----END PRIVATE KEY-----"),
        ("IVS_PLAYBACK_KEY", private_pem(ec.generate_private_key(ec.SECP256R1()))),
        ("IVS_RECORDING_ARN", "arn:aws:s3:::recordings"),
        ("IVS_RECORDING_ARN", "arn:aws:ivs:us-east-1:123456789012:recording-configuration/AbCd"),
        ("IVS_RECORDINGS_URL", "recordings.example"),
        ("IVS_RECORDINGS_URL", "https://recordings.example/ivs"),
        ("IVS_EVENTS_SECRET", "s3cr3t"),
    ],
)
def test_what_amazon_ivs_lacks_is_named_and_no_secret_told(name: str, value: str | None) -> None:
    result = check(**VIDEO | {name: value})
    assert result.returncode == 1
    [line] = result.stderr.strip().splitlines()
    assert line.startswith("error: ")
    assert name in line
    assert "s3cr3t" not in line
    assert "PRIVATE" not in line


def test_only_with_amazon_ivs_the_pages_may_run_its_player() -> None:
    ask = (
        "import json; from django.conf import settings;"
        " print(json.dumps(settings.CONTENT_SECURITY_POLICY, default=str))"
    )
    environment = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "auction_site.settings"} | GOOD
    argv = [sys.executable, "-c", ask]
    policies = []
    for more in ({}, VIDEO):
        result = subprocess.run(argv, cwd=ROOT, env=environment | more, capture_output=True, text=True, check=True)
        policies.append(json.loads(result.stdout)["DIRECTIVES"])
    without, with_player = policies
    assert "live-video.net" not in str(without)
    assert "wasm" not in str(without)
    added = {name: [each for each in with_player[name] if each not in without.get(name, [])] for name in with_player}
    assert {name: sources for name, sources in added.items() if sources} == {
        "script-src": ["https://player.live-video.net", "'wasm-unsafe-eval'"],
        "worker-src": ["'self'", "blob:"],
        "connect-src": ["https://*.live-video.net"],
        "media-src": ["https://*.live-video.net"],
    }


def test_an_origin_is_compared_as_browsers_write_it() -> None:
    environment = Environment({"PUBLIC_URL": "https://Auctions.Example:443/", "MORE": "http://a:80, https://b:8443"})
    assert environment.origin("PUBLIC_URL") == "https://auctions.example"
    assert environment.origins("MORE") == ["http://a", "https://b:8443"]


def test_production_settings_pass_the_deployment_check() -> None:
    environment = {"PATH": os.environ["PATH"], "LOG_LEVEL": "ERROR"} | GOOD
    argv = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    result = subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_every_variable_is_documented() -> None:
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z0-9_]+)"', (ROOT / "auction_site/settings.py").read_text("utf-8")))
    documented = set(re.findall(r"^\| `([A-Z0-9_]+)` \|", (ROOT / "docs/settings.md").read_text("utf-8"), re.MULTILINE))
    assert read == documented
