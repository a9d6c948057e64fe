"""Tokens that the site makes itself, where there is no user pool: sign-in for programs, refresh, and every end."""

import time

import jwt
import pytest
from allauth.usersessions.models import UserSession
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.tests.test_bearer_tokens import TICKETS, TOKEN, ask, refusal
from tests.cast import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("side")]

AUTH = "/api/auth/app/v1"


def post(path: str, body: dict, **headers: str):
    return Client(enforce_csrf_checks=True).post(f"{AUTH}{path}", body, "application/json", headers=headers)


def sign_in(user: User, password: str = PASSWORD):
    return post("/auth/login", {"email": user.email, "password": password})


@pytest.fixture
def tokens(bidder):
    """Return what a program gets that signs in."""
    response = sign_in(bidder)
    assert response.status_code == 200, response.content
    return response.json()["meta"]


def test_a_program_signs_in_and_is_known_by_its_token(bidder, tokens):
    assert ask(tokens["access_token"]).status_code == 200
    assert ask(tokens["access_token"], TICKETS, "post").status_code == 201
    claims = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 300
    assert claims["sub"] == str(bidder.pk)
    assert tokens["session_token"] not in str(claims), "the session cannot be taken over with a token"


def test_signing_in_sets_no_cookie_and_a_cookie_signs_nobody_in(bidder):
    assert not sign_in(bidder).cookies
    page = Client()
    page.force_login(bidder, backend="django.contrib.auth.backends.ModelBackend")
    assert page.get(f"{AUTH}/auth/session").status_code == 401


def test_a_wrong_password_reads_the_same_whether_the_account_exists(bidder):
    answers = [sign_in(bidder, "wrong"), post("/auth/login", {"email": "nobody@example.test", "password": "wrong"})]
    assert {answer.status_code for answer in answers} == {400}
    assert answers[0].json() == answers[1].json()


def test_many_wrong_passwords_are_slowed_down(bidder):
    codes = [sign_in(bidder, f"wrong-{attempt}").json()["errors"][0]["code"] for attempt in range(12)]
    assert codes[-1] == "too_many_login_attempts"
    assert sign_in(bidder).status_code == 400


def test_a_refresh_token_counts_once(tokens):
    fresh = post("/tokens/refresh", {"refresh_token": tokens["refresh_token"]}).json()["data"]
    assert ask(fresh["access_token"]).status_code == 200
    assert post("/tokens/refresh", {"refresh_token": tokens["refresh_token"]}).status_code == 400
    assert post("/tokens/refresh", {"refresh_token": fresh["refresh_token"]}).status_code == 200


def revoke(bidder: User, tokens: dict) -> None:
    assert ask(tokens["access_token"], TOKEN, "delete").status_code == 204


def sign_out(bidder: User, tokens: dict) -> None:
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert Client().delete(f"{AUTH}/auth/session", headers=headers).status_code == 401


def sign_out_on_the_sessions_page(bidder: User, tokens: dict) -> None:
    page = Client()
    page.post(reverse("account_login"), {"login": bidder.email, "password": PASSWORD})
    assert UserSession.objects.filter(user=bidder).count() == 2
    page.post(reverse("usersessions_list"))


def change_password(bidder: User, tokens: dict) -> None:
    bidder.set_password("another-horse")
    bidder.save()


def switch_off(bidder: User, tokens: dict) -> None:
    User.objects.filter(pk=bidder.pk).update(is_active=False)


@pytest.mark.parametrize("end", [revoke, sign_out, sign_out_on_the_sessions_page, change_password, switch_off])
def test_the_end_of_the_sign_in_ends_both_tokens_at_once(bidder, tokens, end):
    end(bidder, tokens)
    assert refusal(ask(tokens["access_token"])) == (401, "token_invalid")
    assert post("/tokens/refresh", {"refresh_token": tokens["refresh_token"]}).status_code == 400


def test_a_token_that_ran_out_is_told_so(bidder, settings):
    settings.HEADLESS_JWT_ACCESS_TOKEN_EXPIRES_IN = -1
    assert refusal(ask(sign_in(bidder).json()["meta"]["access_token"])) == (401, "token_expired")


def test_a_refresh_token_is_no_access_token_and_the_other_way_round(tokens):
    assert refusal(ask(tokens["refresh_token"])) == (401, "token_invalid")
    assert post("/tokens/refresh", {"refresh_token": tokens["access_token"]}).status_code == 400


def test_a_session_is_no_token(tokens):
    assert refusal(ask(tokens["session_token"])) == (401, "token_invalid")


def test_nobody_else_writes_our_tokens(bidder, tokens, settings):
    claims = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    keys = {"HS256": "k" * 64, "HS384": settings.HEADLESS_JWT_PRIVATE_KEY, "none": None}
    forged = [jwt.encode(claims, key, algorithm=name) for name, key in keys.items()]
    forged.append(jwt.encode(claims, settings.SECRET_KEY, algorithm="HS256"))
    forged.append(
        jwt.encode(claims | {"sub": "999999"}, settings.HEADLESS_JWT_PRIVATE_KEY, algorithm="HS256")  # not its session
    )
    for token in forged:
        assert refusal(ask(token)) == (401, "token_invalid")
    assert claims["exp"] > time.time()
