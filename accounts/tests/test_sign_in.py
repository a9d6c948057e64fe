"""Signing up and in by e-mail and password, and where one comes out."""

import pytest
from allauth.account.models import EmailAddress
from django.core.cache import cache
from django.urls import reverse

from accounts.models import User
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
    [("", STRONG), ("no-address", STRONG), ("a@example.test", ""), ("a@example.test", "12345678"), ("a@b", STRONG)],
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
        "The email address and/or password you specified are not correct."
    ]


def test_an_inactive_account_does_not_get_in(client, bidder):
    bidder.is_active = False
    bidder.save()
    sign_in(client, bidder.email)
    assert "_auth_user_id" not in client.session


def test_many_wrong_passwords_are_slowed_down(client, bidder):
    answers = [sign_in(client, bidder.email, f"wrong-{attempt}") for attempt in range(12)]
    assert "Too many" in answers[-1].content.decode() or answers[-1].status_code == 429
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


@pytest.mark.parametrize("target", ELSEWHERE)
@pytest.mark.parametrize("where", ["account_login", "account_signup", "account_logout"])
def test_next_never_leaves_the_site(client, bidder, where, target):
    body = {
        "account_login": {"login": bidder.email, "password": PASSWORD},
        "account_signup": {"email": "new@example.test", "password1": STRONG},
        "account_logout": {},
    }[where]
    if where == "account_logout":
        client.force_login(bidder)
    response = client.post(reverse(where), {**body, "next": target})
    assert response.status_code == 302
    assert response["Location"].startswith("/")
    assert not response["Location"].startswith(("//", "/\\"))
    assert "evil" not in response["Location"]


@pytest.mark.parametrize("target", ELSEWHERE)
def test_next_in_the_address_never_leaves_the_site_for_somebody_signed_in(client, bidder, target):
    client.force_login(bidder)
    response = client.get(reverse("account_login"), {"next": target})
    if "\0" in target:  # no address holds a zero byte
        assert response.status_code == 400
        return
    assert response.status_code == 302
    assert response["Location"] == "/"


def test_the_admin_has_no_second_sign_in_and_its_next_stays_here(client, staff):
    login = client.get("/admin/login/", {"next": "https://evil.example/"})["Location"]
    assert login.startswith("/accounts/login/")
    response = client.post(login, {"login": staff.email, "password": PASSWORD}, follow=True)
    assert response.redirect_chain
    assert all(url.startswith("/") and not url.startswith("//") for url, _ in response.redirect_chain)
