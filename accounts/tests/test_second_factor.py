"""The admin and the host's pages need a second factor that was used in this session, and lead there."""

import json
import re

import pytest
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.test import Client
from django.urls import reverse

from accounts.cognito.services import user_of_sub
from accounts.models import Membership, Role
from accounts.tests.conftest import SECRET, Passkey, app_code, sign_in, with_app
from tests.cast import PASSWORD

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("public_site")]

GUARDED = ["/admin/", "/admin/auctions/auction/?q=1", "/host/auctions/", "/host/auctions/new/"]


def confirm_by_password(client, target):
    """Go through the page that asks for the password once more."""
    return client.post(reverse("account_reauthenticate"), {"password": PASSWORD, "next": target})


def add_passkey(client, passkey):
    """Add a passkey as its page does, and return the answer."""
    page = client.get(reverse("mfa_add_webauthn"))
    credential = passkey.create(json.loads(json.dumps(page.context["js_data"]["creation_options"])))
    return client.post(
        reverse("mfa_add_webauthn"), {"name": "Phone", "passwordless": "on", "credential": json.dumps(credential)}
    )


@pytest.mark.parametrize("path", GUARDED)
def test_a_password_alone_leads_to_setting_a_second_factor_up_and_then_back(client, host, path):
    sign_in(client, host, PASSWORD)
    assert client.get(path)["Location"] == reverse("mfa_index")
    assert "Set one up here" in client.get(reverse("mfa_index")).content.decode()

    set_up = reverse("mfa_activate_totp")
    asked = client.get(set_up)
    assert asked["Location"].startswith(reverse("account_reauthenticate"))
    assert confirm_by_password(client, set_up)["Location"] == set_up
    secret = client.get(set_up).context["form"].secret
    done = client.post(set_up, {"code": app_code(secret)})
    assert done["Location"] == reverse("mfa_view_recovery_codes")
    on = f'<a class="button" href="{path}">'
    assert on in client.get(done["Location"]).content.decode()
    assert on in client.get(reverse("mfa_index")).content.decode()

    assert client.get(path).status_code == 200
    assert on not in client.get(reverse("mfa_index")).content.decode()


def test_a_passkey_is_a_second_factor_as_well(client, host):
    sign_in(client, host, PASSWORD)
    client.get("/host/auctions/")
    confirm_by_password(client, reverse("mfa_add_webauthn"))
    assert add_passkey(client, Passkey())["Location"] == reverse("mfa_view_recovery_codes")
    assert client.get("/host/auctions/").status_code == 200


@pytest.mark.parametrize("path", GUARDED)
def test_to_have_a_second_factor_is_not_enough(client, host, path):
    with_app(host)
    client.force_login(host)
    way = client.get(path)["Location"]
    assert way.startswith(reverse("mfa_reauthenticate"))
    assert client.get(way).status_code == 200
    target = client.get(way).context["redirect_field_value"]
    assert client.post(way, {"code": app_code(), "next": target})["Location"] == path
    assert client.get(path).status_code == 200


def test_a_form_that_is_sent_without_it_changes_nothing(client, host, draft_auction):
    with_app(host)
    client.force_login(host)
    response = client.post(f"/host/auctions/{draft_auction.pk}/cancel/")
    assert response["Location"].startswith(reverse("mfa_reauthenticate"))
    draft_auction.refresh_from_db()
    assert draft_auction.status == "draft"


def test_signing_in_asks_for_the_code_and_opens_the_admin(client, staff):
    with_app(staff)
    assert sign_in(client, staff, PASSWORD, next="/admin/")["Location"] == reverse("mfa_authenticate")
    assert client.get("/admin/")["Location"].startswith("/admin/login/"), "the password alone signs nobody in"
    wrong = client.post(reverse("mfa_authenticate"), {"code": "000000"})
    assert "That did not match." in wrong.content.decode()
    assert client.post(reverse("mfa_authenticate"), {"code": app_code()})["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_a_code_of_the_app_signs_in_once(client, staff):
    with_app(staff)
    code = app_code()
    sign_in(client, staff, PASSWORD)
    assert client.post(reverse("mfa_authenticate"), {"code": code}).status_code == 302
    again = Client()
    sign_in(again, staff, PASSWORD)
    assert again.post(reverse("mfa_authenticate"), {"code": code}).status_code == 200


def test_a_recovery_code_opens_the_account_once(client, staff):
    with_app(staff)
    code = RecoveryCodes.activate(staff).get_unused_codes()[0]
    for browser, status in ((client, 302), (Client(), 200)):
        sign_in(browser, staff, PASSWORD)
        assert browser.post(reverse("mfa_authenticate"), {"code": code}).status_code == status
    assert client.get("/admin/").status_code == 200


def test_guessing_codes_comes_to_an_end(client, staff):
    with_app(staff)
    sign_in(client, staff, PASSWORD)
    said = [client.post(reverse("mfa_authenticate"), {"code": f"00000{n}"}).content.decode() for n in range(6)]
    said.append(client.post(reverse("mfa_authenticate"), {"code": app_code()}).content.decode())
    assert all("Try again in five minutes." in text for text in said[-2:])


def test_who_took_the_second_factor_off_is_asked_to_set_one_up_again(client, staff):
    authenticator = with_app(staff)
    sign_in(client, staff, PASSWORD)
    client.post(reverse("mfa_authenticate"), {"code": app_code()})
    authenticator.delete()
    assert client.get("/admin/")["Location"] == reverse("mfa_index")


def test_the_second_factor_of_one_account_opens_nothing_for_another_in_the_same_browser(client, staff, host):
    with_app(staff)
    sign_in(client, staff, PASSWORD)
    client.post(reverse("mfa_authenticate"), {"code": app_code()})
    records = client.session[AUTHENTICATION_METHODS_SESSION_KEY]
    with_app(host)
    client.force_login(host)
    session = client.session
    session[AUTHENTICATION_METHODS_SESSION_KEY] = records
    session.save()
    assert client.get("/host/auctions/").status_code == 302


@pytest.mark.parametrize(
    "change", ["mfa_add_webauthn", "mfa_deactivate_totp", "mfa_generate_recovery_codes", "mfa_view_recovery_codes"]
)
def test_a_stolen_password_changes_no_second_factor(client, staff, change):
    """A session that began before the second factor did, or was made without it."""
    with_app(staff)
    RecoveryCodes.activate(staff)
    client.force_login(staff)
    assert confirm_by_password(client, reverse(change))["Location"].startswith(reverse("mfa_reauthenticate"))
    assert client.get(reverse(change))["Location"].startswith(reverse("mfa_reauthenticate"))
    assert client.post(reverse(change)).status_code in (302, 405)
    assert Authenticator.objects.filter(user=staff).count() == 2


def test_a_further_second_factor_does_not_count_as_used(client, staff):
    with_app(staff)
    client.force_login(staff)
    client.post(reverse("mfa_reauthenticate"), {"code": app_code()})
    session = client.session
    session[AUTHENTICATION_METHODS_SESSION_KEY][-1]["method"] = "password"
    session.save()
    add_passkey(client, Passkey())
    assert Authenticator.objects.filter(user=staff, type=Authenticator.Type.WEBAUTHN).exists()
    assert client.get("/admin/").status_code == 302


def test_who_does_not_work_here_is_not_asked(client, bidder):
    client.force_login(bidder)
    assert client.get("/host/auctions/").status_code == 200
    assert client.get("/host/auctions/new/").status_code == 403
    assert client.get("/admin/")["Location"].startswith("/admin/login/")
    assert client.get("/my/bids/").status_code == 200


@pytest.mark.parametrize("path", GUARDED)
def test_who_is_not_signed_in_signs_in_first(client, db, path):
    assert "login" in client.get(path)["Location"]


def test_a_demo_asks_nobody(client, host, settings):
    settings.SECOND_FACTOR_REQUIRED = False
    client.force_login(host)
    assert client.get("/host/auctions/").status_code == 200
    assert client.get("/admin/").status_code == 200


# --- Work for a house outside its pages ------------------------------------------------------------------


@pytest.fixture
def chat(live_auction):
    """Return an address of the API that is for moderators of the auction."""
    return f"/api/v1/auctions/{live_auction.pk}/chat/"


def named(auction, user):
    """Let somebody moderate this one auction."""
    auction.moderators.create(email=user.email, created_by=auction.created_by)


def refusal(response):
    return response.status_code, response.json()["code"]


def test_the_api_says_where_the_second_step_is_taken_and_then_works(client, stranger, live_auction, chat):
    """Also for who moderates one auction and has no role of a house."""
    named(live_auction, stranger)
    with_app(stranger)
    client.force_login(stranger)
    refused = client.get(chat)
    assert refusal(refused) == (403, "second_factor")
    assert reverse("second_factor") in refused.json()["detail"]
    here = f"/auctions/{live_auction.slug}/"
    way = client.get(reverse("second_factor"), {"next": here})["Location"]
    confirmed = client.post(way, {"code": app_code(), "next": client.get(way).context["redirect_field_value"]})
    assert client.get(confirmed["Location"])["Location"] == here
    assert client.get(chat).status_code == 200


def test_the_room_leads_a_moderator_to_the_second_step_instead_of_refusing(client, moderator, live_auction):
    with_app(moderator)
    client.force_login(moderator)
    room = f"/auctions/{live_auction.slug}/"
    way = f'href="{reverse("second_factor")}?next={room}"'
    shown = client.get(room).content.decode()
    assert way in shown
    assert "Mute for the show" not in shown
    client.post(reverse("mfa_reauthenticate"), {"code": app_code()})
    shown = client.get(room).content.decode()
    assert way not in shown
    assert "Mute for the show" in shown


def test_who_has_no_second_factor_sets_one_up_and_comes_back_to_the_room(client, moderator, live_auction, chat):
    sign_in(client, moderator, PASSWORD)
    assert refusal(client.get(chat)) == (403, "second_factor")
    here = f"{reverse('second_factor')}?next=/auctions/{live_auction.slug}/"
    assert client.get(here)["Location"] == reverse("mfa_index")
    set_up = reverse("mfa_activate_totp")
    confirm_by_password(client, set_up)
    done = client.post(set_up, {"code": app_code(client.get(set_up).context["form"].secret)})
    on = re.search(r'<a class="button" href="([^"]+)">', client.get(done["Location"]).content.decode())
    assert client.get(on[1])["Location"] == f"/auctions/{live_auction.slug}/"
    assert client.get(chat).status_code == 200


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "/\\evil.example", ""])
def test_the_way_back_from_the_second_step_stays_here(client, moderator, target):
    with_app(moderator)
    sign_in(client, moderator, PASSWORD)
    client.post(reverse("mfa_authenticate"), {"code": app_code()})
    assert client.get(reverse("second_factor"), {"next": target})["Location"] == reverse("account")


def by_token(token):
    return {"headers": {"Authorization": f"Bearer {token}"}}


def test_a_token_of_this_site_works_for_a_house_where_its_sign_in_took_the_second_step(moderator, live_auction, chat):
    program, auth = Client(), "/api/auth/app/v1/auth"
    body = {"email": moderator.email, "password": PASSWORD}
    early = program.post(f"{auth}/login", body, "application/json").json()["meta"]["access_token"]
    assert refusal(program.get(chat, **by_token(early))) == (403, "second_factor")
    with_app(moderator)
    assert refusal(program.get(chat, **by_token(early))) == (403, "second_factor")
    begun = program.post(f"{auth}/login", body, "application/json")
    session = {"X-Session-Token": begun.json()["meta"]["session_token"]}
    code = {"code": app_code()}
    done = program.post(f"{auth}/2fa/authenticate", code, "application/json", headers=session)
    assert program.get(chat, **by_token(done.json()["meta"]["access_token"])).status_code == 200
    assert refusal(program.get(chat, **by_token(early))) == (403, "second_factor")


def test_a_token_of_the_pool_works_for_a_house_only_where_the_pool_asks_everybody(
    key_server, signer, settings, live_auction, chat
):
    settings.COGNITO_REQUIRES_MFA = False
    somebody = user_of_sub("f3a1-somebody")
    Membership.objects.create(organizer=live_auction.organizer, user=somebody, role=Role.MODERATOR)
    with_app(somebody)
    program = Client()
    assert refusal(program.get(chat, **by_token(signer.token()))) == (403, "second_factor")
    settings.COGNITO_REQUIRES_MFA = True
    assert program.get(chat, **by_token(signer.token())).status_code == 200


def test_to_bid_and_to_watch_needs_none(client, moderator, live_auction):
    client.force_login(moderator)
    assert client.get(f"/api/v1/auctions/{live_auction.pk}/").status_code == 200
    assert client.post("/api/v1/socket-tickets/").status_code == 201


# --- Passkeys ------------------------------------------------------------------------------------------


@pytest.fixture
def passkey(client, host):
    """Return a passkey of the host, who then signed out."""
    made = Passkey()
    sign_in(client, host, PASSWORD)
    confirm_by_password(client, reverse("mfa_add_webauthn"))
    add_passkey(client, made)
    client.post(reverse("account_logout"))
    return made


def sign_in_by_passkey(client, passkey, **how):
    """Sign in as the page does: ask for the challenge, answer it."""
    way = reverse("mfa_login_webauthn")
    options = client.get(way, headers={"accept": "application/json"}).json()["request_options"]
    return client.post(way, {"credential": json.dumps(passkey.get(options, **how)), "next": "/host/auctions/"})


def test_a_passkey_signs_in_alone_and_counts_as_second_factor(client, passkey):
    assert sign_in_by_passkey(client, passkey)["Location"] == "/host/auctions/"
    assert client.get("/host/auctions/").status_code == 200


def test_a_passkey_that_did_not_ask_who_holds_it_signs_nobody_in(client, passkey):
    assert sign_in_by_passkey(client, passkey, verified=False)["Location"] == reverse("account_login")
    assert "_auth_user_id" not in client.session


def test_nor_does_one_whose_challenge_was_made_for_a_second_step(client, host, passkey):
    """A challenge for somebody whose password was right must not ask for less than one for nobody."""
    sign_in(client, host, PASSWORD)
    options = client.get(reverse("mfa_authenticate")).context["js_data"]["request_options"]
    answer = passkey.get(json.loads(json.dumps(options)), verified=False)
    client.post(reverse("mfa_login_webauthn"), {"credential": json.dumps(answer)})
    assert "_auth_user_id" not in client.session
    assert client.post(reverse("mfa_authenticate"), {"credential": json.dumps(answer)}).status_code == 200


def test_a_passkeys_answer_signs_in_once(client, passkey):
    way = reverse("mfa_login_webauthn")
    options = client.get(way, headers={"accept": "application/json"}).json()["request_options"]
    answer = {"credential": json.dumps(passkey.get(options))}
    assert client.post(way, answer)["Location"] == "/"
    assert Client().post(way, answer)["Location"] == reverse("account_login")


def test_a_passkey_of_nobody_signs_nobody_in(client, passkey):
    passkey.handle = b"12345"
    assert sign_in_by_passkey(client, passkey)["Location"] == reverse("account_login")
    passkey.handle = b""
    assert sign_in_by_passkey(client, passkey)["Location"] == reverse("account_login")
    assert "_auth_user_id" not in client.session


# --- Lost devices --------------------------------------------------------------------------------------


def test_a_host_cannot_take_the_second_factor_of_others_off(client, host, staff):
    theirs = with_app(staff)
    with_app(host)
    sign_in(client, host, PASSWORD)
    client.post(reverse("mfa_authenticate"), {"code": app_code()})
    assert client.get("/admin/").status_code == 200
    assert client.get("/admin/mfa/authenticator/").status_code == 403
    assert client.post(f"/admin/mfa/authenticator/{theirs.pk}/delete/", {"post": "yes"}).status_code == 403


def test_staff_can_take_a_lost_second_factor_off_and_never_see_its_secret(client, staff, bidder):
    authenticator = with_app(bidder)
    with_app(staff)
    sign_in(client, staff, PASSWORD)
    client.post(reverse("mfa_authenticate"), {"code": app_code()})
    shown = client.get(f"/admin/mfa/authenticator/{authenticator.pk}/change/")
    assert shown.status_code == 200
    assert SECRET not in shown.content.decode()
    assert client.get("/admin/mfa/authenticator/add/").status_code == 403
    client.post(f"/admin/mfa/authenticator/{authenticator.pk}/delete/", {"post": "yes"})
    assert not Authenticator.objects.filter(user=bidder).exists()
