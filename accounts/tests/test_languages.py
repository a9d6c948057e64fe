"""Which language somebody is spoken to in, and where a choice is kept."""

import gettext
from pathlib import Path

import django.conf
import pytest
from allauth.account.adapter import get_adapter
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import translation

from accounts.languages import script_words, speaking_to
from accounts.models import User

pytestmark = pytest.mark.django_db


def tongue(client: Client, path: str = "/", **headers: str) -> str:
    """Return the language of a page, as each place that names it says."""
    response = client.get(path, headers=headers)
    assert "Accept-Language" in response["Vary"]
    spoken = response["Content-Language"]
    assert f'<html lang="{spoken}"' in response.content.decode()
    return spoken


def choose(client: Client, language: str, **fields: str):
    return client.post(reverse("language"), {"language": language} | fields)


@pytest.mark.parametrize(
    ("asked", "spoken"),
    [("de", "de"), ("de-AT,de;q=0.9,en;q=0.5", "de"), ("en-GB,de;q=0.9", "en"), ("fr", "en"), ("xx;;", "en")],
)
def test_a_page_is_in_the_language_that_the_browser_asks_for(client, asked, spoken):
    assert tongue(client, accept_language=asked) == spoken


def test_the_switch_outweighs_the_browser_and_every_page_has_it(client):
    assert tongue(client) == "en"
    for path in ("/", reverse("account_login"), "/nowhere/"):
        assert f'action="{reverse("language")}"' in client.get(path).content.decode()

    response = choose(client, "de", next="/accounts/login/?next=/")

    assert (response.status_code, response["Location"]) == (302, "/accounts/login/?next=/")
    assert tongue(client) == "de"
    assert tongue(client, accept_language="en") == "de"
    choose(client, "en")
    assert tongue(client, accept_language="de") == "en"


@pytest.mark.parametrize("elsewhere", ["https://evil.test/", "//evil.test/", "javascript:alert(1)", "/\\evil.test"])
def test_the_switch_never_leads_away(client, elsewhere):
    assert choose(client, "de", next=elsewhere)["Location"] == "/"


@pytest.mark.parametrize("unknown", ["fr", "", "de\0", "../de", "x" * 500])
def test_a_language_that_is_not_spoken_changes_nothing(client, bidder, unknown):
    client.force_login(bidder)
    choose(client, "de")
    choose(client, unknown)
    assert tongue(client) == "de"
    assert User.objects.get(pk=bidder.pk).language in {"de", ""}


def test_the_switch_takes_no_order_from_another_site(bidder):
    client = Client(enforce_csrf_checks=True)
    client.force_login(bidder)
    assert choose(client, "de").status_code == 403
    assert User.objects.get(pk=bidder.pk).language == ""


def test_a_choice_is_kept_with_the_account_and_comes_along_to_another_browser(client, bidder):
    client.force_login(bidder)
    choose(client, "de")

    other = Client()
    other.force_login(bidder)

    assert tongue(other, accept_language="en") == "de"
    assert tongue(Client(), accept_language="en") == "en"


def test_the_profile_has_the_choice_and_takes_it_back(client, bidder):
    client.force_login(bidder)
    client.post(reverse("profile"), {"display_name": "Ben", "language": "de"})
    assert tongue(client, reverse("profile")) == "de"
    assert client.post(reverse("profile"), {"display_name": "Ben", "language": "fr"}).status_code == 422

    client.post(reverse("profile"), {"display_name": "Ben", "language": ""})
    assert tongue(client, accept_language="en") == "en"
    assert client.get(reverse("profile_data")).json()["account"]["language"] == ""


def test_what_is_public_stays_the_same_for_all(client):
    assert "Cookie" not in client.get("/.well-known/auction-signing-key.json").headers.get("Vary", "")


# --- Mail ----------------------------------------------------------------------------------------------


def test_others_write_to_somebody_in_that_persons_language(bidder):
    bidder.language = "de"
    with translation.override("en"), speaking_to(bidder):
        assert translation.get_language() == "de"
    for none in ("", "xx"):
        bidder.language = none
        with translation.override("de"), speaking_to(bidder):
            assert translation.get_language() == settings.LANGUAGE_CODE


@pytest.mark.parametrize(("chosen", "on_page", "spoken"), [("de", "en", "de"), ("en", "de", "en"), ("", "de", "de")])
def test_a_mail_about_an_account_is_in_the_language_that_its_owner_chose(
    rf, bidder, monkeypatch, chosen, on_page, spoken
):
    User.objects.filter(pk=bidder.pk).update(language=chosen)
    heard = []
    adapter = get_adapter()
    monkeypatch.setattr(
        "allauth.account.adapter.DefaultAccountAdapter.send_mail",
        lambda *_args: heard.append(translation.get_language()),
    )
    with translation.override(on_page):
        adapter.send_mail("account/email/login_code", bidder.email.upper(), {})
        adapter.send_mail("account/email/unknown_account", "nobody@example.test", {})
    assert heard == [spoken, on_page]


def test_a_new_account_keeps_the_language_in_which_it_was_made(client):
    choose(client, "de")
    client.post(reverse("account_signup"), {"email": "neu@example.test", "password1": "lang-genug-fuer-alle"})
    assert User.objects.get(email="neu@example.test").language == "de"


# --- The words of the page's scripts -------------------------------------------------------------------

_DJANGOS = Path(django.conf.__file__).parent / "locale"


def test_which_form_goes_with_a_number_is_told_rightly_for_every_language():
    """The script reads it for numbers below 200, and takes 100 to 199 again for all above."""
    for folder in sorted(_DJANGOS.glob("*/LC_MESSAGES/django.mo")):
        with folder.open("rb") as file:
            plural = gettext.GNUTranslations(file).plural  # type: ignore[attr-defined]
        told = [plural(number) for number in range(200)]
        assert all(plural(number) == told[100 + number % 100] for number in range(200, 2_000)), (
            folder.parent.parent.name
        )


def test_english_pages_carry_no_catalogue_and_others_theirs(client):
    assert script_words("en") == {}
    assert 'id="js-catalogue"' not in client.get("/").content.decode()
    words = script_words("de")
    assert words[""] == "1" + "0" + "1" * 198
    assert words["%(count)s bid"] == ["%(count)s Gebot", "%(count)s Gebote"]
    assert 'id="js-catalogue"' in client.get("/", headers={"accept-language": "de"}).content.decode()
