"""Signing in, up and back in is limited by address; the page that says so says when to come back."""

import pytest
from allauth.account import app_settings as account
from allauth.core.internal.ratelimit import parse_rates
from allauth.mfa import app_settings as mfa
from django.test import Client
from django.urls import reverse

from tests.cast import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("public_site")]


def attempts(client, how_many, url="account_login", **extra):
    """Send so many sign-ins, each for another account, and return the answers."""
    body = {"login": "{}@example.test", "password": "wrong-wrong", "email": "{}@example.test"}
    return [
        client.post(reverse(url), {key: value.format(n) for key, value in body.items()}, **extra)
        for n in range(how_many)
    ]


@pytest.mark.parametrize(("url", "limit"), [("account_login", 30), ("account_reset_password", 20)])
def test_one_address_may_not_try_everybody(client, url, limit):
    answers = attempts(client, limit + 1, url)
    assert 429 not in [answer.status_code for answer in answers[:limit]]
    assert answers[limit].status_code == 429
    assert answers[limit]["Retry-After"] == "60"
    assert "Come back in a minute" in answers[limit].content.decode()


def test_one_address_may_not_send_codes_to_everybody(db):
    said = [
        Client().post(reverse("account_request_login_code"), {"email": f"{n}@example.test"}).content.decode()
        for n in range(21)
    ]
    assert not any("Too many attempts" in text for text in said[:20])
    assert "Too many attempts" in said[20]


def test_the_page_tells_the_truth_about_when():
    """Whatever allauth answers with 429 is limited by the minute; the rest is said at the form, and takes five."""
    rates = [rate for text in (account.RATE_LIMITS | mfa.RATE_LIMITS).values() for rate in parse_rates(text)]
    assert {rate.duration for rate in rates} <= {10, 30, 60, 300}
    assert {rate.duration for rate in parse_rates(account.RATE_LIMITS["login_failed"])} == {60, 300}
    del (others := dict(account.RATE_LIMITS))["login_failed"]
    assert max(rate.duration for text in others.values() for rate in parse_rates(text)) == 60


def test_guessing_one_password_is_limited_whoever_guesses(client, bidder):
    for n in range(5):
        body = {"login": bidder.email, "password": f"wrong-{n}"}
        client.post(reverse("account_login"), body, REMOTE_ADDR=f"10.0.0.{n}")
    body = {"login": bidder.email.upper(), "password": PASSWORD}
    response = client.post(reverse("account_login"), body, REMOTE_ADDR="10.0.0.9")
    assert "Too many attempts. Try again in five minutes." in response.content.decode()


def limited(answers):
    """Tell whether the last one was refused."""
    return answers[-1].status_code == 429


def test_a_forged_address_gains_nothing_where_no_proxy_is_trusted(client):
    answers = [attempts(client, 1, headers={"x-forwarded-for": f"10.1.1.{n}"})[0] for n in range(31)]
    assert limited(answers)


def test_behind_a_proxy_the_address_is_what_the_proxy_saw(client, settings):
    settings.TRUSTED_PROXIES = settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    forged = [attempts(client, 1, headers={"x-forwarded-for": f"10.1.1.{n}, 9.9.9.9"})[0] for n in range(31)]
    assert limited(forged)
    assert not limited(attempts(client, 1, headers={"x-forwarded-for": "9.9.9.9, 8.8.8.8"}))


def test_a_network_of_ipv6_is_one_address(client):
    answers = [attempts(client, 1, REMOTE_ADDR=f"2001:db8:1:2::{n:x}")[0] for n in range(31)]
    assert limited(answers)
    assert not limited(attempts(client, 1, REMOTE_ADDR="2001:db8:1:3::1"))
