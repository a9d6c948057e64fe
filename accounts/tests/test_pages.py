"""Every page of sign-in and of the account is one of ours, and holds under the policy that allows no inline script."""

import re
from html.parser import HTMLParser

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.urls import URLResolver, get_resolver, reverse

from accounts.tests.conftest import app_code, sign_in, with_app
from tests.cast import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("public_site")]


def names(patterns):
    """Yield the names of all pages that need nothing in their address."""
    for pattern in patterns:
        if "<" in str(pattern.pattern):
            continue
        if isinstance(pattern, URLResolver):
            yield from names(pattern.url_patterns)
        elif pattern.name:
            yield pattern.name


# A provider's own addresses lead to the provider; `entry` and its steps answer the room's script alone, and `language`
# a form on each page.
ELSEWHERE = ("amazon", "entry", "language")
PAGES = sorted(name for name in names(get_resolver("accounts.urls").url_patterns) if not name.startswith(ELSEWHERE))


class Inline(HTMLParser):
    """Collects what the policy would not run or show."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        self.found += [name for name in named if name == "style" or name.startswith("on")]
        if tag == "style" or (tag == "script" and "src" not in named and named.get("type") != "application/json"):
            self.found.append(tag)


def assert_ours(response):
    text = response.content.decode()
    assert 'class="site-head"' in text
    assert re.search(r"<title>[^<]+ · Paddle</title>", text)
    assert text.count("<h1") == 1
    assert Inline(text).found == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_ours_for_whoever_comes(client, bidder, name):
    response = client.get(reverse(name), follow=True)
    assert response.status_code in (200, 401)
    assert_ours(response)

    with_app(bidder)
    RecoveryCodes.activate(bidder)
    sign_in(client, bidder, PASSWORD)
    assert_ours(client.get(reverse("mfa_authenticate")))
    client.post(reverse("mfa_authenticate"), {"code": app_code()})
    session = client.session
    session["account_authentication_methods"][-1]["reauthenticated"] = True
    session.save()
    response = client.get(reverse(name), follow=True)
    assert response.status_code in (200, 401)
    if response["Content-Type"].startswith("text/html"):
        assert_ours(response)


def test_the_account_page_tells_how_things_are(client, bidder):
    client.force_login(bidder)
    text = client.get(reverse("account")).content.decode()
    assert bidder.email in text
    assert "Off" in text
    assert "1 browser<" in text
    EmailAddress.objects.create(user=bidder, email="second@example.test")
    with_app(bidder)
    bidder.set_unusable_password()
    bidder.save()
    client.force_login(bidder)
    text = client.get(reverse("account")).content.decode()
    assert "second@example.test (not confirmed)" in text
    assert "On, with an authenticator app" in text
    assert reverse("account_set_password") in text
