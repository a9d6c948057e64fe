"""Second factors in a real browser, under the policy of the pages: a passkey, codes of an app, a recovery code."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from accounts.models import User
from accounts.tests.conftest import app_clock, app_code, public_site  # noqa: F401 - fixtures
from tests.cast import PASSWORD

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(180),
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("public_site"),
]

WANTED = re.compile(r"^http://localhost:\d+/host/auctions/$")


@pytest.fixture
def page(host: User, live_server: Any) -> Iterator[Page]:
    """Return a page of the site, on whose console nothing may have been complained of."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        page = browser.new_page(base_url=live_server.url)
        complaints: list[str] = []
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page
        browser.close()
        assert complaints == []


def sign_in(page: Page, user: User) -> None:
    """Send address and password, on the way to the host's pages."""
    page.goto("/host/auctions/")
    page.get_by_label("E-mail address").fill(user.email or "")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def confirm(page: Page) -> None:
    """Enter the password once more."""
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()


def sign_out(page: Page) -> None:
    """Sign out on the account's page."""
    page.get_by_role("navigation").get_by_role("link", name="Account").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()


def test_a_passkey_is_added_on_the_way_to_the_hosts_pages_and_then_signs_in_alone(page: Page, host: User) -> None:
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    device = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    authenticator = session.send("WebAuthn.addVirtualAuthenticator", {"options": device})["authenticatorId"]

    sign_in(page, host)
    expect(page.get_by_text("What changes shows needs a second step")).to_be_visible()
    page.get_by_role("link", name="Add one").click()
    confirm(page)
    page.get_by_label("Its name").fill("My phone")
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_text("10 of 10 left")).to_be_visible()
    page.get_by_role("link", name="Go on").click()
    expect(page).to_have_url(WANTED)
    sign_out(page)

    page.goto("/host/auctions/")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page).to_have_url(WANTED)

    page.goto("/accounts/2fa/webauthn/")
    expect(page.get_by_text("My phone")).to_be_visible()
    sign_out(page)

    # A device that does not know who holds it, and one that was never asked to, sign nobody in and say so.
    for verified in (False, None):
        if verified is None:
            session.send("WebAuthn.clearCredentials", {"authenticatorId": authenticator})
        session.send("WebAuthn.setUserVerified", {"authenticatorId": authenticator, "isUserVerified": bool(verified)})
        page.goto("/accounts/login/")
        page.get_by_role("button", name="Use a passkey").click()
        expect(page.get_by_text("The passkey was not used.")).to_be_visible()


def test_an_app_is_set_up_on_the_way_and_a_recovery_code_stands_in_for_it(page: Page, host: User) -> None:
    sign_in(page, host)
    page.get_by_role("link", name="Set it up").click()
    confirm(page)
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    secret = page.get_by_label("Or type this key").input_value()
    page.get_by_label("Code", exact=True).fill(app_code(secret))
    page.get_by_role("button", name="Turn it on").click()
    codes = page.get_by_label("10 of 10 left").input_value().split()
    assert len(codes) == 10
    page.get_by_role("link", name="Go on").click()
    expect(page).to_have_url(WANTED)
    sign_out(page)

    sign_in(page, host)
    page.get_by_label("Code").fill(codes[3])
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(WANTED)
    page.goto("/accounts/2fa/")
    expect(page.get_by_text("9 are left.")).to_be_visible()
