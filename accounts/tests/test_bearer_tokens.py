"""Access tokens in the API: those of a user pool, whichever are refused, and how seldom the pool's keys are read."""

import hmac
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import SimpleNamespace

import boto3
import jwt
import pytest
from allauth.socialaccount.models import SocialAccount
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.cognito import tokens
from accounts.cognito.models import RevokedToken
from accounts.cognito.services import user_of_sub
from accounts.models import User
from tests.pools import CLIENT_ID, ISSUER, Signer, access_claims, moto_server, trust, written

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("side")]

OWN = "/api/v1/notifications/"
TICKETS = "/api/v1/socket-tickets/"
TOKEN = "/api/v1/token/"


def ask(token: str, url: str = OWN, method: str = "get", **extra):
    client = Client(enforce_csrf_checks=True)
    return getattr(client, method)(url, headers={"Authorization": f"Bearer {token}"}, **extra)


def refusal(response):
    assert response["Content-Type"] == "application/problem+json"
    return response.status_code, response.json()["code"]


@pytest.fixture
def clock(monkeypatch):
    """Return a clock for the reading of keys that goes on only when told."""
    now = SimpleNamespace(s=1_000.0)
    monkeypatch.setattr(tokens, "time", SimpleNamespace(monotonic=lambda: now.s, time=time.time))
    return now


# --- Good ones -----------------------------------------------------------------------------------------


def test_a_token_of_the_pool_is_somebody_from_the_first_time_on(key_server, signer):
    assert ask(signer.token()).status_code == 200
    account = SocialAccount.objects.get()
    assert (account.provider, account.uid, account.user.email) == ("amazon_cognito", "f3a1-somebody", None)
    assert not account.user.has_usable_password()
    assert ask(signer.token(jti="another")).status_code == 200
    assert User.objects.get() == account.user
    assert key_server.asked == 1


def test_a_program_writes_without_a_csrf_token_and_a_page_does_not(key_server, signer, bidder):
    assert ask(signer.token(), TICKETS, "post").status_code == 201
    page = Client(enforce_csrf_checks=True)
    page.force_login(bidder, backend="django.contrib.auth.backends.ModelBackend")
    assert refusal(page.post(TICKETS)) == (403, "csrf_failed")


def test_the_word_bearer_is_read_in_any_case(key_server, signer):
    response = Client().get(OWN, headers={"Authorization": f"bEARER  {signer.token()}"})
    assert response.status_code == 200


def test_a_token_counts_before_a_session(key_server, signer, bidder):
    page = Client()
    page.force_login(bidder, backend="django.contrib.auth.backends.ModelBackend")
    assert refusal(page.get(OWN, headers={"Authorization": "Bearer nonsense"})) == (401, "token_invalid")
    assert page.get(OWN, headers={"Authorization": "Basic YTpi"}).status_code == 200


def test_further_app_clients_count_where_the_settings_name_them(key_server, signer, settings):
    token = signer.token(client_id="phone-app")
    assert refusal(ask(token)) == (401, "token_invalid")
    settings.COGNITO_API_CLIENT_IDS = ["phone-app"]
    assert ask(token).status_code == 200


def test_the_pools_clock_may_be_a_little_ahead(key_server, signer):
    assert ask(signer.token(iat=int(time.time()) + 5)).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_who_comes_several_times_at_once_is_one_person():
    def come(_turn: int) -> int:
        try:
            return user_of_sub("sub-hasty").pk
        finally:
            # A thread that ends takes its connection with it, and the pool of this process is bounded.
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        people = list(threads.map(come, range(8)))
    assert len(set(people)) == 1
    assert User.objects.count() == 1


# --- Bad ones ------------------------------------------------------------------------------------------


STRANGER = Signer()
"""A key of somebody else under the name of the pool's."""


def rs256(signer: Signer) -> Callable[[bytes], bytes]:
    return lambda signed: signer.key.sign(signed, padding.PKCS1v15(), hashes.SHA256())


def tampered(signer: Signer) -> str:
    header, _payload, signature = signer.token().split(".")
    payload = written({}, access_claims(sub="somebody-else"), lambda _: b"").split(".")[1]
    return f"{header}.{payload}.{signature}"


def cut_off(signer: Signer) -> str:
    return signer.token().rpartition(".")[0] + "."


def without(claim: str) -> Callable[[Signer], str]:
    return lambda signer: signer.token(**{claim: None})


BAD: dict[str, Callable[[Signer], str]] = {
    "empty": lambda _: "",
    "no token": lambda _: "nonsense",
    "dots": lambda _: "..",
    "not base64": lambda _: "ä.ö.ü",
    "not json": lambda _: "bm9uZQ.bm9uZQ.bm9uZQ",
    "two at once": lambda s: f"{s.token()}, {s.token()}",
    "huge": lambda s: s.token(padding="x" * 10_000),
    "huge and signed by nobody": lambda _: "e30." + "A" * 60_000 + ".x",
    "claims are a list": lambda s: written({"alg": "RS256", "kid": s.kid}, ["sub"], rs256(s)),
    "claims nested without end": lambda s: written({"alg": "RS256", "kid": s.kid}, {}, rs256(s)) + "[" * 5_000,
    "alg none": lambda s: written({"alg": "none", "kid": s.kid}, access_claims(), lambda _: b""),
    "alg None, with a signature": lambda s: written({"alg": "None", "kid": s.kid}, access_claims(), rs256(s)),
    "HS256 with the public key": lambda s: written(
        {"alg": "HS256", "kid": s.kid}, access_claims(), lambda signed: hmac.digest(s.public_pem, signed, "sha256")
    ),
    "HS256 with the client's id": lambda s: written(
        {"alg": "HS256", "kid": s.kid}, access_claims(), lambda signed: hmac.digest(b"auctions", signed, "sha256")
    ),
    "RS512 by the right key": lambda s: jwt.encode(access_claims(), s.key, algorithm="RS512", headers={"kid": s.kid}),
    "PS256 by the right key": lambda s: jwt.encode(access_claims(), s.key, algorithm="PS256", headers={"kid": s.kid}),
    "no kid": lambda s: jwt.encode(access_claims(), s.key, algorithm="RS256"),
    "kid is a number": lambda s: written({"alg": "RS256", "kid": 1}, access_claims(), rs256(s)),
    "kid is a list": lambda s: written({"alg": "RS256", "kid": [s.kid]}, access_claims(), rs256(s)),
    "an extension that must be understood": lambda s: written(
        {"alg": "RS256", "kid": s.kid, "crit": ["mine"], "mine": 1}, access_claims(), rs256(s)
    ),
    "signed by somebody else": lambda _: STRANGER.token(),
    "a key of its own in the header": lambda _: STRANGER.token(headers={"jwk": STRANGER.jwk}),
    "a key of its own by address": lambda _: STRANGER.token(headers={"jku": "http://127.0.0.1:1/keys", "kid": "mine"}),
    "a certificate by address": lambda _: STRANGER.token(headers={"x5u": "http://127.0.0.1:1/cert"}),
    "a certificate in the header": lambda _: STRANGER.token(headers={"x5c": ["MIIB"]}),
    "another payload": tampered,
    "signature cut off": cut_off,
    "another pool of the same region": lambda s: s.token(
        iss="https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Other"
    ),
    "another issuer": lambda s: s.token(iss="https://evil.example"),
    "issuers in a list": lambda s: written(
        {"alg": "RS256", "kid": s.kid}, access_claims() | {"iss": [ISSUER]}, rs256(s)
    ),
    "an ID token": lambda s: s.token(token_use="id", aud=CLIENT_ID, client_id=None),
    "an ID token that names the client too": lambda s: s.token(token_use="id", aud=CLIENT_ID),
    "another client": lambda s: s.token(client_id="somebody-else"),
    "a client in a list": lambda s: s.token(client_id=[CLIENT_ID]),
    "the right client as audience only": lambda s: s.token(client_id=None, aud=CLIENT_ID),
    "a client for itself": lambda s: s.token(sub=CLIENT_ID),
    "made in the future": lambda s: s.token(iat=int(time.time()) + 600),
    "not valid yet": lambda s: s.token(nbf=int(time.time()) + 600),
    "exp is no number": lambda s: s.token(exp="soon"),
    "iat is no number": lambda s: s.token(iat="now"),
    "sub is a number": lambda s: s.token(sub=7),
    "sub is empty": lambda s: s.token(sub=""),
    **{f"without {claim}": without(claim) for claim in ("exp", "iat", "iss", "sub", "jti", "token_use", "client_id")},
}
EXPIRED: dict[str, Callable[[Signer], str]] = {
    "expired": lambda s: s.token(exp=int(time.time()) - 1),
    "expired long ago": lambda s: s.token(iat=1, exp=2),
    "expired this second": lambda s: s.token(exp=int(time.time())),
}


@pytest.mark.parametrize("which", BAD)
def test_what_does_not_count_is_refused_and_costs_at_most_one_look_at_the_keys(key_server, signer, which):
    token = BAD[which](signer)
    for _ in range(3):
        response = ask(token)
        assert refusal(response) == (401, "token_invalid")
        assert response["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert key_server.asked <= 1
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "which", [name for name in BAD if name.startswith(("alg", "HS256", "PS256", "RS512", "no kid"))]
)
def test_what_could_never_count_costs_no_look_at_the_keys(key_server, signer, which):
    assert refusal(ask(BAD[which](signer))) == (401, "token_invalid")
    assert key_server.asked == 0


@pytest.mark.parametrize("which", EXPIRED)
def test_what_ran_out_is_told_so(key_server, signer, which):
    assert refusal(ask(EXPIRED[which](signer))) == (401, "token_expired")
    assert not User.objects.exists()


def test_a_refused_token_is_nobody_in_public_either(key_server):
    assert refusal(ask("nonsense", "/api/v1/auctions/")) == (401, "token_invalid")


def test_who_sends_nothing_is_told_what_to_send(client):
    response = client.get(OWN)
    assert refusal(response) == (401, "sign_in")
    assert response["WWW-Authenticate"] == "Bearer"


def test_a_token_for_somebody_switched_off_is_refused(key_server, signer):
    ask(signer.token())
    User.objects.update(is_active=False)
    assert refusal(ask(signer.token())) == (401, "account_inactive")


def test_a_token_of_this_site_does_not_count_beside_a_pool(key_server, bidder):
    key_of_site = jwt.encode(access_claims(sid="x"), "k" * 64, algorithm="HS256")
    assert refusal(ask(key_of_site)) == (401, "token_invalid")


def test_without_a_pool_its_tokens_do_not_count(key_server, signer, settings):
    settings.AUTH_PROVIDER = "local"
    assert refusal(ask(signer.token())) == (401, "token_invalid")
    assert key_server.asked == 0


# --- Ending one early ----------------------------------------------------------------------------------


def test_a_revoked_token_is_refused_and_the_others_are_not(key_server, signer):
    token = signer.token()
    assert ask(token, TOKEN, "delete").status_code == 204
    assert refusal(ask(token)) == (401, "token_invalid")
    assert refusal(ask(token, TOKEN, "delete")) == (401, "token_invalid")
    assert ask(signer.token(jti="another")).status_code == 200


def test_what_ran_out_is_not_remembered(key_server, signer):
    RevokedToken.objects.create(token_id="old", expires_at=timezone.now() - timedelta(seconds=1))
    ask(signer.token(), TOKEN, "delete")
    assert RevokedToken.objects.get().token_id != "old"


def test_a_session_is_no_token_to_revoke(client, bidder):
    client.force_login(bidder, backend="django.contrib.auth.backends.ModelBackend")
    assert refusal(client.delete(TOKEN)) == (401, "sign_in")


# --- How often the keys are read -----------------------------------------------------------------------


def test_a_flood_of_unknown_keys_over_many_threads_is_one_look_a_minute(key_server, signer, clock):
    keys = tokens.key_set(key_server.url)
    assert keys.key(signer.kid)

    def flood(number: int) -> int:
        refused = 0
        for each in range(50):
            with pytest.raises(tokens.BadToken):
                keys.key(f"unknown-{number}-{each}")
            refused += 1
        return refused

    for minute in range(1, 4):
        clock.s += 60
        with ThreadPoolExecutor(8) as threads:
            assert sum(threads.map(flood, range(8))) == 400
        assert key_server.asked == 1 + minute


def test_many_threads_with_a_first_token_are_one_look(key_server, signer):
    key_server.gate = threading.Event()
    with ThreadPoolExecutor(8) as threads:
        found = [threads.submit(tokens.key_set(key_server.url).key, signer.kid) for _ in range(8)]
        key_server.gate.set()
        assert len({id(each.result(30)) for each in found}) == 1
    assert key_server.asked == 1


def test_a_new_key_counts_within_a_minute_and_a_withdrawn_one_no_longer(key_server, signer, clock):
    assert ask(signer.token()).status_code == 200
    fresh = Signer("key-2")
    key_server.keys = [fresh.jwk]
    assert refusal(ask(fresh.token())) == (401, "token_invalid")
    assert key_server.asked == 1
    clock.s += 60
    assert ask(fresh.token()).status_code == 200
    assert refusal(ask(signer.token())) == (401, "token_invalid")
    assert key_server.asked == 2


def test_a_withdrawn_key_is_forgotten_within_an_hour_also_where_no_new_one_comes(key_server, signer, clock):
    ask(signer.token())
    key_server.keys = []
    assert ask(signer.token()).status_code == 200
    clock.s += 3_600
    assert refusal(ask(signer.token())) == (401, "token_invalid")
    assert key_server.asked == 2


def test_who_has_a_known_key_does_not_wait_for_a_slow_pool(key_server, signer, clock):
    keys = tokens.key_set(key_server.url)
    keys.key(signer.kid)
    clock.s += 3_600
    key_server.gate = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(keys.key, "unknown")
        while key_server.asked < 2:
            time.sleep(0.01)
        assert keys.key(signer.kid)
        assert not waiting.done()
        key_server.gate.set()
        with pytest.raises(tokens.BadToken):
            waiting.result(30)


@pytest.mark.parametrize(
    "broken", [b"", b"<html>", b"[]", b"{}", b'{"keys": 7}', b'{"keys": ["x"]}', b'{"keys": [{"kty": "RSA"}]}']
)
def test_keys_that_cannot_be_read_are_no_reason_to_throw_a_token_away(key_server, signer, clock, broken):
    key_server.broken = broken
    for _ in range(3):
        assert refusal(ask(signer.token())) == (503, "unavailable")
    assert key_server.asked == 1
    key_server.broken = None
    clock.s += 60
    assert ask(signer.token()).status_code == 200
    key_server.broken = broken
    clock.s += 3_600
    assert ask(signer.token()).status_code == 200, "what was known stays known"


def test_a_pool_that_is_not_there_is_asked_once_a_minute_too(key_server, signer, clock, settings):
    settings.COGNITO_KEYS_URL = "http://127.0.0.1:1/keys"
    assert refusal(ask(signer.token())) == (503, "unavailable")
    assert refusal(ask("nonsense")) == (401, "token_invalid")


def test_keys_of_other_kinds_are_passed_over(key_server, signer):
    key_server.keys = [{"kty": "EC", "kid": "curve", "crv": "P-256", "x": "x", "y": "y"}, signer.jwk]
    assert ask(signer.token()).status_code == 200


# --- Against a pool of moto ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def moto():
    with moto_server() as url:
        yield url


@pytest.mark.timeout(120)
def test_a_pool_of_moto(moto, settings):
    """Tokens and keys that we did not make ourselves."""
    cognito = boto3.client(
        "cognito-idp", "eu-central-1", endpoint_url=moto, aws_access_key_id="x", aws_secret_access_key="x"
    )
    pool = cognito.create_user_pool(PoolName="auctions")["UserPool"]["Id"]
    client_id = cognito.create_user_pool_client(UserPoolId=pool, ClientName="site")["UserPoolClient"]["ClientId"]
    other_client = cognito.create_user_pool_client(UserPoolId=pool, ClientName="else")["UserPoolClient"]["ClientId"]
    other_pool = cognito.create_user_pool(PoolName="elsewhere")["UserPool"]["Id"]
    trust(
        settings,
        keys_url=f"{moto}/{pool}/.well-known/jwks.json",
        issuer=f"https://cognito-idp.eu-central-1.amazonaws.com/{pool}",
        client_id=client_id,
    )

    def signed_in(user_pool: str, client: str) -> dict[str, str]:
        cognito.admin_create_user(UserPoolId=user_pool, Username=f"ada-{client}", MessageAction="SUPPRESS")
        cognito.admin_set_user_password(
            UserPoolId=user_pool, Username=f"ada-{client}", Password="Correct-horse-1", Permanent=True
        )
        answer = cognito.admin_initiate_auth(
            UserPoolId=user_pool,
            ClientId=client,
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": f"ada-{client}", "PASSWORD": "Correct-horse-1"},
        )
        return answer["AuthenticationResult"]

    own = signed_in(pool, client_id)
    assert ask(own["AccessToken"]).status_code == 200
    sub = jwt.decode(own["AccessToken"], options={"verify_signature": False})["sub"]
    assert SocialAccount.objects.get().uid == sub
    assert tokens.claims_of(own["IdToken"], "id").sub == sub
    refused = [own["IdToken"], own["RefreshToken"], signed_in(pool, other_client)["AccessToken"]]
    other = cognito.create_user_pool_client(UserPoolId=other_pool, ClientName="site")["UserPoolClient"]["ClientId"]
    for token in (*refused, signed_in(other_pool, other)["AccessToken"]):
        assert refusal(ask(token)) == (401, "token_invalid")
    with pytest.raises(tokens.BadToken):
        tokens.claims_of(own["AccessToken"], "id")
