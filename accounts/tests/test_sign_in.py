"""Signing up and in by e-mail and password, and where one comes out."""

import re

import pytest
from allauth.account.models import EmailAddress
from django.core.cache import cache
from django.urls import reverse

from accounts.models import User
from accounts.tests.conftest import app_code, with_app
from tests.cast import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("side")]

STRONG = "correct-horse-battery"


def sign_in(client, email, password=PASSWORD, **extra):
    return client.post(reverse("account_login"), {"login": email, "password": password, **extra})


def test_signing_up_makes_an_account_and_signs_in_without_a_mail_server(client, mailoutbox):
    response = client.post(reverse("account_signup"), {"email": "New@Example.Test", "password1": STRONG})
    assert response.status_code == 302
    user = User.objects.get()
    assert user.email == "new@example.test"
    assert not user.is_staff
    assert client.session["_auth_user_id"] == str(user.pk)
    assert not EmailAddress.objects.get(user=user).verified


def test_an_address_signs_up_once_whatever_its_case(client, bidder):
    client.post(reverse("account_signup"), {"email": bidder.email.upper(), "password1": STRONG})
    assert User.objects.filter(email__iexact=bidder.email).count() == 1


@pytest.mark.parametrize(
    ("email", "password"),
    [("", STRONG), ("", ""), ("no-address", STRONG), ("a@example.test", "12345678"), ("a@b", STRONG)],
)
def test_a_wrong_sign_up_is_told_at_its_field_and_keeps_the_address(client, email, password):
    response = client.post(reverse("account_signup"), {"email": email, "password1": password})
    assert response.status_code == 200
    assert response.context["form"].errors
    assert response.context["form"]["email"].value() == email
    assert not User.objects.exists()


@pytest.mark.parametrize("email", ["bidder1@example.test", "Bidder1@Example.TEST", "  bidder1@example.test "])
def test_signing_in_takes_the_address_in_any_case(client, bidder, email):
    assert sign_in(client, email).status_code == 302
    assert client.session["_auth_user_id"] == str(bidder.pk)


@pytest.mark.parametrize("email", ["bidder1@example.test", "nobody@example.test"])
def test_a_wrong_password_reads_the_same_whether_the_account_exists(client, bidder, email):
    response = sign_in(client, email, "wrong-wrong-wrong")
    assert response.status_code == 200
    assert "_auth_user_id" not in client.session
    assert [str(error) for error in response.context["form"].non_field_errors()] == [
        "The address or the password is not right."
    ]


def test_signing_in_without_a_password_takes_a_code_from_the_mail(client, bidder, mailoutbox):
    asked = sign_in(client, bidder.email, "", next="/my/bids/")
    assert "_auth_user_id" not in client.session
    code = mailoutbox[0].subject.split()[1]
    assert re.fullmatch(r"\d{4}-\d{4}", code)
    assert code in mailoutbox[0].body
    assert client.post(asked["Location"], {"code": code.replace("-", " ")})["Location"] == "/my/bids/"
    assert client.session["_auth_user_id"] == str(bidder.pk)


def test_a_wrong_code_may_be_tried_three_times(client, bidder, mailoutbox):
    asked = sign_in(client, bidder.email, "")["Location"]
    assert "That code is not right." in client.post(asked, {"code": "0000-0000"}).content.decode()
    client.post(asked, {"code": "0000-0000"})
    assert client.post(asked, {"code": "0000-0000"}).status_code == 302
    client.post(asked, {"code": mailoutbox[0].subject.split()[1]})
    assert "_auth_user_id" not in client.session


@pytest.mark.usefixtures("public_site")
def test_a_new_account_needs_an_address_and_the_code_that_went_there(client, mailoutbox):
    response = client.post(reverse("account_signup"), {"email": "new@example.test", "next": "/auctions/friday/"})
    assert "_auth_user_id" not in client.session
    page = client.get(response["Location"]).content.decode()
    assert "new@example.test" in page
    code = mailoutbox[0].subject.split()[1]
    assert client.post(response["Location"], {"code": code})["Location"] == "/auctions/friday/"
    user = User.objects.get()
    assert client.session["_auth_user_id"] == str(user.pk)
    assert not user.has_usable_password()
    assert EmailAddress.objects.get(user=user).verified


def test_an_inactive_account_does_not_get_in(client, bidder):
    bidder.is_active = False
    bidder.save()
    sign_in(client, bidder.email)
    assert "_auth_user_id" not in client.session


def test_many_wrong_passwords_are_slowed_down(client, bidder):
    answers = [sign_in(client, bidder.email, f"wrong-{attempt}") for attempt in range(12)]
    assert "Too many attempts. Try again in five minutes." in answers[-1].content.decode()
    sign_in(client, bidder.email)
    assert "_auth_user_id" not in client.session
    cache.clear()


def test_signing_out_ends_the_session(client, bidder):
    client.force_login(bidder)
    assert client.get(reverse("account_logout")).status_code == 200
    client.post(reverse("account_logout"))
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize(
    "target", ["/", "/auctions/friday/", "/auctions/friday/?since=3&x=%2F#lot", "http://testserver/my/bids/"]
)
def test_next_brings_one_back_to_where_one_was(client, bidder, target):
    response = client.post(f"{reverse('account_login')}", {"login": bidder.email, "password": PASSWORD, "next": target})
    assert response["Location"] == target


ELSEWHERE = [
    "https://evil.example/",
    "http://evil.example/",
    "//evil.example/",
    "///evil.example/",
    "////evil.example",
    "/\\evil.example/",
    "\\\\evil.example",
    "/\\/evil.example",
    "\t//evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "http:evil.example",
    "http:///evil.example",
    "https:/evil.example",
    "https:evil.example",
    "\r//evil.example",
    "/\r/evil.example",
    "//\tevil.example",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "ftp://testserver/",
    "http://testserver@evil.example/",
    "http://testserver:pw@evil.example/",
    "http://testserver.evil.example/",
    "http://eviltestserver/",
    "http://testserver:8443/",
    "http://localhost/",
    "http://127.0.0.1:8000/",
    "http://[::1]/",
    "//testserver.evil.example",
    "http://\u24d4vil.example/",
    "\x00//evil.example",
    " //evil.example",
    "http://testserver\\@evil.example/",
    "//google.com/%2f..",
]
NASTIEST = ["//evil.example/", "/\\evil.example/", "/\t/evil.example", "https:evil.example", "javascript:alert(1)"]


def by_password(client, user, target):
    return client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD, "next": target})


def by_sign_up(client, user, target):
    return client.post(reverse("account_signup"), {"email": "new@example.test", "password1": STRONG, "next": target})


def by_code(client, user, target):
    asked = client.post(reverse("account_request_login_code"), {"email": user.email, "next": target})
    assert asked["Location"].startswith(reverse("account_confirm_login_code"))
    code = client.session["account_login"]["state"]["stages"]["login_by_code"]["data"]["code"]
    return client.post(reverse("account_confirm_login_code"), {"code": code, "next": target})


def by_empty_password(client, user, target):
    asked = client.post(reverse("account_login"), {"login": user.email, "password": "", "next": target})
    code = client.session["account_login"]["state"]["stages"]["login_by_code"]["data"]["code"]
    return client.post(asked["Location"], {"code": code})


def by_second_factor(client, user, target):
    with_app(user)
    by_password(client, user, target)
    return client.post(reverse("mfa_authenticate"), {"code": app_code(), "next": target})


def by_confirming_the_password(client, user, target):
    client.force_login(user)
    return client.post(reverse("account_reauthenticate"), {"password": PASSWORD, "next": target})


def by_confirming_the_second_factor(client, user, target):
    with_app(user)
    client.force_login(user)
    return client.post(reverse("mfa_reauthenticate"), {"code": app_code(), "next": target})


def by_changing_the_password(client, user, target):
    client.force_login(user)
    body = {"oldpassword": PASSWORD, "password1": STRONG, "password2": STRONG, "next": target}
    return client.post(reverse("account_change_password"), body)


def by_signing_out(client, user, target):
    client.force_login(user)
    return client.post(reverse("account_logout"), {"next": target})


WAYS = [
    by_password,
    by_sign_up,
    by_code,
    by_empty_password,
    by_second_factor,
    by_confirming_the_password,
    by_confirming_the_second_factor,
    by_changing_the_password,
    by_signing_out,
]


@pytest.mark.parametrize("way", WAYS)
def test_every_way_brings_one_back_to_where_one_was(client, bidder, way):
    assert way(client, bidder, "/auctions/friday/?since=3")["Location"] == "/auctions/friday/?since=3"


@pytest.mark.parametrize(
    ("way", "target"),
    [(by_password, target) for target in ELSEWHERE] + [(way, target) for way in WAYS[1:] for target in NASTIEST],
)
def test_next_never_leaves_the_site(client, bidder, way, target):
    response = way(client, bidder, target)
    assert response.status_code == 302
    assert response["Location"].startswith("/")
    assert not response["Location"].startswith(("//", "/\\"))
    assert "evil" not in response["Location"]


@pytest.mark.parametrize("target", NASTIEST)
@pytest.mark.parametrize("where", ["account_login", "account_signup", "account_request_login_code"])
def test_next_in_the_address_never_leaves_the_site_for_somebody_signed_in(client, bidder, where, target):
    client.force_login(bidder)
    response = client.get(reverse(where), {"next": target})
    assert response["Location"] == "/"


def test_the_admin_has_no_second_sign_in_and_its_next_stays_here(client, staff):
    login = client.get("/admin/login/", {"next": "https://evil.example/"})["Location"]
    assert login.startswith("/accounts/login/")
    response = client.post(login, {"login": staff.email, "password": PASSWORD}, follow=True)
    assert response.redirect_chain
    assert all(url.startswith("/") and not url.startswith("//") for url, _ in response.redirect_chain)
