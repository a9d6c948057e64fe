"""Browsers inside apps are told how to get out, where Google would refuse them."""

import pytest
from django.test import RequestFactory

from accounts.in_app import app_of
from auction_site.context import site

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
ANDROID = "Mozilla/5.0 (Linux; Android 14; Pixel 8{}) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/124.0"
WEB_VIEW = ANDROID.format("; wv")
BROWSERS = {
    f"{IPHONE} Mobile/15E148 Instagram 330.0.3.29.90 (iPhone14,5; iOS 17_4)": "Instagram",
    f"{WEB_VIEW} Mobile Safari/537.36 Instagram 330.0.0.40.92 Android": "Instagram",
    f"{IPHONE} Mobile/15E148 [FBAN/FBIOS;FBAV/460.0.0.35.103;FBBV/59]": "Facebook",
    f"{IPHONE} Mobile/15E148 [FBAN/MessengerForiOS;FBAV/460.0]": "Messenger",
    f"{WEB_VIEW} Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/460.0.0.48.109;]": "Facebook",
    f"{IPHONE} Mobile/21E236 musical_ly_34.1.0 BytedanceWebview/d8a21c6": "TikTok",
    f"{IPHONE} Mobile/15E148 [LinkedInApp]/9.29.8962": "LinkedIn",
    f"{IPHONE} Mobile/15E148 Twitter for iPhone/10.38": "X",
    f"{WEB_VIEW} Mobile Safari/537.36": "",
    f"{ANDROID.format('')} Mobile Safari/537.36": None,
    f"{IPHONE} Version/17.4 Mobile/15E148 Safari/604.1": None,
    f"{IPHONE} CriOS/124.0.6367.88 Mobile/15E148 Safari/604.1": None,
    "Mozilla/5.0 (X11; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0": None,
    "": None,
}
INSTAGRAM = next(iter(BROWSERS))


@pytest.mark.parametrize(("agent", "app"), BROWSERS.items())
def test_an_app_is_known_by_what_its_browser_calls_itself(agent, app):
    assert app_of(agent) == app


def told(settings, *, google: bool, agent: str = INSTAGRAM) -> dict:
    settings.COGNITO_GOOGLE = google
    return site(RequestFactory().get("/", headers={"User-Agent": agent}))


def test_it_is_told_only_where_google_is_offered(settings):
    assert told(settings, google=True)["in_app"] == "Instagram"
    assert told(settings, google=False)["in_app"] is None
    assert told(settings, google=True, agent="Mozilla/5.0")["in_app"] is None


@pytest.mark.django_db
@pytest.mark.parametrize(("agent", "shown"), [(INSTAGRAM, False), (list(BROWSERS)[8], False), ("Mozilla/5.0", True)])
def test_the_sign_in_page_leads_out_instead_of_to_google(client, settings, agent, shown):
    settings.AUTH_PROVIDER, settings.COGNITO_GOOGLE = "cognito", True
    page = client.get("/accounts/login/?next=/my/bids/", headers={"User-Agent": agent}).content.decode()
    assert ("Continue with Google" in page) is shown
    assert ("http://testserver/accounts/login/?next=/my/bids/" in page) is not shown
    assert "Continue with e-mail" in page
