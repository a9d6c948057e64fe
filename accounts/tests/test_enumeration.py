"""Nobody learns from a page, a status, a limit or its time whether an address has an account."""

import re

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.services import user_create
from tests.cast import PASSWORD

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("public_site")]

KNOWN, UNKNOWN = "bidder1@example.test", "newcomer@example.test"
STRONG = "correct-horse-battery"
ASKING = {
    "wrong password": ("account_login", {"login": "{}", "password": "wrong-wrong-wrong"}),
    "code by the sign-in form": ("account_login", {"login": "{}", "password": ""}),
    "code": ("account_request_login_code", {"email": "{}"}),
    "password reset": ("account_reset_password", {"email": "{}"}),
    "sign-up": ("account_signup", {"email": "{}", "password1": STRONG}),
    "sign-up without a password": ("account_signup", {"email": "{}"}),
}


class CountingHasher(MD5PasswordHasher):
    """Counts its hashes: what takes long about a password."""

    hashes = 0

    def encode(self, password, salt):
        CountingHasher.hashes += 1
        return super().encode(password, salt)


def seen(response, email):
    """Return an answer as somebody without the mail sees it."""
    text = re.sub(r'(name="csrfmiddlewaretoken" value|nonce)="[^"]*"', "", response.content.decode())
    way = getattr(response, "redirect_chain", response.get("Location"))
    return response.status_code, way, text.replace(email, "ADDRESS")


def asked(name, email):
    """Ask in a fresh browser, and try what the page that follows offers; return every answer."""
    url, body = ASKING[name]
    client = Client()
    response = client.post(reverse(url), {key: value.format(email) for key, value in body.items()})
    answers = [seen(response, email)]
    while response.status_code == 302:
        response = client.get(response["Location"])
        answers.append(seen(response, email))
    page = response.request["PATH_INFO"]
    if "confirm" in page:
        change, wrong = {"action": "change", "email": "another@example.test"}, {"code": "0000-0000"}
        for attempt in (change, wrong, {"action": "resend"}, wrong, wrong):
            answers.append(seen(client.post(page, attempt, follow=True), email))
    return answers


@pytest.mark.parametrize("name", ASKING)
def test_a_known_and_an_unknown_address_are_answered_alike(bidder, mailoutbox, settings, name):
    assert bidder.email == KNOWN
    settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]
    bidder.set_password(PASSWORD)
    bidder.save()
    work = []
    for email in (KNOWN, UNKNOWN):
        CountingHasher.hashes = 0
        mailoutbox.clear()
        work.append((asked(name, email), CountingHasher.hashes, bool(mailoutbox)))
        assert {address for mail in mailoutbox for address in mail.to} <= {email}
    assert work[0] == work[1]


PROGRAMS_ASK = {
    "wrong password": ("auth/login", {"email": "{}", "password": "wrong-wrong-wrong"}),
    "code": ("auth/code/request", {"email": "{}"}),
    "password reset": ("auth/password/request", {"email": "{}"}),
    "sign-up": ("auth/signup", {"email": "{}", "password": STRONG}),
}


@pytest.mark.parametrize("name", PROGRAMS_ASK)
def test_a_program_is_answered_alike_as_well(bidder, mailoutbox, settings, side, name):
    settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]
    bidder.set_password(PASSWORD)
    bidder.save()
    url, body = PROGRAMS_ASK[name]
    work = []
    for email in (KNOWN, UNKNOWN):
        CountingHasher.hashes = 0
        mailoutbox.clear()
        values = {key: value.format(email) for key, value in body.items()}
        response = Client().post(f"/api/auth/app/v1/{url}", values, "application/json")
        text = re.sub(r'"session_token": "[^"]+"', "", response.content.decode()).replace(email, "ADDRESS")
        work.append((response.status_code, text, CountingHasher.hashes, bool(mailoutbox)))
    assert work[0] == work[1]
    assert work[0][0] in (200, 400, 401)


@pytest.mark.parametrize("name", ASKING)
def test_asking_over_and_over_reaches_the_same_limit_at_the_same_time(bidder, side, name):
    both = []
    for email in (KNOWN, UNKNOWN):
        side.flushall()
        both.append([asked(name, email)[0] for _ in range(7)])
    assert both[0] == both[1]


@pytest.mark.parametrize("name", ["code", "password reset", "wrong password"])
def test_an_account_that_is_closed_or_has_no_password_is_answered_like_none(bidder, name):
    user_create(email="closed@example.test", password=PASSWORD)
    User.objects.filter(email="closed@example.test").update(is_active=False)
    user_create(email="codes@example.test")
    closed, codes, unknown = (asked(name, f"{who}@example.test") for who in ("closed", "codes", "nobody"))
    assert closed == unknown == codes


def test_an_address_of_somebody_else_is_added_like_any_other(client, bidder, bidder2, mailoutbox):
    said = []
    for email in (bidder2.email, UNKNOWN):
        client.force_login(bidder)
        client.post(reverse("account_reauthenticate"), {"password": PASSWORD, "next": reverse("account_email")})
        response = client.post(reverse("account_email"), {"action_add": "", "email": email}, follow=True)
        said.append(seen(response, email))
        client.logout()
    assert said[0] == said[1]
    assert not EmailAddress.objects.filter(user=bidder, email__in=(bidder2.email, UNKNOWN)).exists()


def test_the_mail_says_what_the_page_does_not(bidder, mailoutbox):
    asked("sign-up", KNOWN)
    asked("password reset", UNKNOWN)
    assert [mail.subject for mail in mailoutbox] == [
        "[Paddle] You have an account already",
        "[Paddle] There is no account with this address",
    ]
