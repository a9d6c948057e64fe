"""Signing in at the user pool and back, against a real OpenID Connect server in a process of its own."""

import base64
import hashlib
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.urls import reverse

from accounts.cognito.models import GroupGrant
from accounts.cognito.services import user_of_sub
from accounts.models import Membership, Role, User
from accounts.services import user_create
from tests.cast import PASSWORD
from tests.pools import CALLBACK, CLIENT_ID, CLIENT_SECRET, Browser, Pool, trust

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("side"), pytest.mark.timeout(120)]

ADA = {"email": "Ada@Example.Test", "email_verified": "true"}


@pytest.fixture(scope="module")
def running_pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    with Pool(tmp_path_factory.mktemp("pool")).running() as pool:
        yield pool


@pytest.fixture
def pool(running_pool, settings):
    """Return the pool; the site is configured for it as in production."""
    trust(settings, keys_url=f"{running_pool.url}/keys")
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    settings.ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
    settings.PUBLIC_URL = "http://testserver"
    settings.COGNITO_DOMAIN = running_pool.url
    settings.COGNITO_GOOGLE = True
    settings.COGNITO_GROUP_ROLES = [
        ("house", "staff"),
        ("house", "corner-house:owner"),
        ("helpers", "corner-house:moderator"),
        ("lost", "no-such-house:clerk"),
    ]
    settings.SOCIALACCOUNT_PROVIDERS = {
        "amazon_cognito": {
            "DOMAIN": running_pool.url,
            "OAUTH_PKCE_ENABLED": True,
            "SCOPE": ["openid", "email", "profile"],
            "APPS": [{"client_id": CLIENT_ID, "secret": CLIENT_SECRET}],
        }
    }
    return running_pool


@pytest.fixture
def ada(pool):
    """Return the browser of somebody whom the pool knows."""
    pool.knows("sub-ada", **ADA)
    return Browser(pool, "sub-ada")


def signed_in(browser: Browser) -> Any:
    """Return who is signed in on our site; None for nobody."""
    return User.objects.filter(pk=browser.site.session.get("_auth_user_id", 0)).first()


# --- Coming in -----------------------------------------------------------------------------------------


def test_who_comes_back_from_the_pool_has_an_account_and_is_where_they_were(ada):
    response = ada.sign_in(next="/auctions/friday/?lot=3")
    assert response["Location"] == "/auctions/friday/?lot=3"
    user = signed_in(ada)
    account = SocialAccount.objects.get()
    assert (account.provider, account.uid, account.user) == ("amazon_cognito", "sub-ada", user)
    assert (user.email, user.display_name, user.is_staff) == ("ada@example.test", "", False)
    assert EmailAddress.objects.get(user=user).verified
    assert not user.has_usable_password()
    assert account.extra_data == {"groups": []}, "no second copy of a person"
    assert not SocialToken.objects.exists(), "the pool's tokens are not kept"


def test_the_second_time_it_is_the_same_account(ada, pool):
    ada.sign_in()
    again = Browser(pool, "sub-ada")
    again.sign_in()
    assert signed_in(again) == signed_in(ada)
    assert User.objects.count() == 1


def test_the_pool_is_asked_with_pkce_and_only_for_what_the_site_needs(ada):
    ada.sign_in()
    asked = ada.authorize
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["code_challenge"][0]) == 43
    assert set(asked["scope"][0].split()) == {"openid", "email", "profile"}
    assert asked["redirect_uri"] == [CALLBACK]
    assert "identity_provider" not in asked


def test_google_is_one_press_away(ada):
    ada.sign_in("?with=google")
    assert ada.authorize["identity_provider"] == ["Google"]
    assert signed_in(ada)


def test_a_link_sets_nothing_of_what_the_pool_is_asked(ada, settings):
    forged = "auth_params=redirect_uri%3Dhttps%3A%2F%2Fevil.example%26state%3Dx%26prompt%3Dnone&scope=admin"
    ada.leave(f"?{forged}&identity_provider=Evil")
    assert ada.authorize["redirect_uri"] == [CALLBACK]
    assert "admin" not in ada.authorize["scope"][0]
    assert not {"prompt", "identity_provider"} & ada.authorize.keys()
    settings.COGNITO_GOOGLE = False
    ada.leave("?with=google")
    assert "identity_provider" not in ada.authorize


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "/\\evil.example"])
def test_next_never_leaves_the_site(ada, target):
    assert ada.sign_in(next=target)["Location"] == "/"


def test_a_look_at_the_address_alone_signs_nobody_in(ada):
    assert ada.site.get("/accounts/amazon-cognito/login/").status_code == 200


# --- What is refused -----------------------------------------------------------------------------------


def test_a_code_counts_once(ada, pool):
    back = ada.leave()
    code = parse_qs(urlsplit(back).query)["code"][0]
    assert ada.site.get(back).status_code == 302
    other = Browser(pool, "sub-eve")
    pool.knows("sub-eve", email="eve@example.test", email_verified="true")
    fresh_state = parse_qs(urlsplit(other.leave()).query)["state"][0]
    for url in (back, f"{CALLBACK}?code={code}&state={fresh_state}"):
        assert other.site.get(url).status_code == 401
        assert signed_in(other) is None
    assert User.objects.count() == 1


def test_the_answer_of_another_browser_is_refused(ada, pool):
    """Somebody sends the address that they came back to, to let another person into their own account."""
    back = ada.leave()
    victim = Browser(pool, "sub-eve")
    assert victim.site.get(back).status_code == 401
    assert signed_in(victim) is None


def test_the_pool_itself_refuses_what_is_wrong(ada, pool):
    """That it is a real one: what must fail there does fail."""
    verifier = "v" * 64
    digest = hashlib.sha256(verifier.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def code() -> str:
        query = f"client_id={CLIENT_ID}&redirect_uri={CALLBACK}&response_type=code&scope=openid&state=s"
        url = f"{pool.url}/oauth2/authorize?{query}&code_challenge={challenge}&code_challenge_method=S256"
        return parse_qs(urlsplit(ada.at_pool(url)).query)["code"][0]

    assert pool.token(code=code(), code_verifier=verifier)[0] == 200
    for wrong in (
        {"code_verifier": "w" * 64},
        {"code_verifier": ""},
        {"code_verifier": verifier, "client_secret": "wrong"},
        {"code_verifier": verifier, "redirect_uri": "http://testserver/elsewhere/"},
        {"code_verifier": verifier, "client_id": "somebody-else"},
    ):
        status, answer = pool.token(code=code(), **wrong)
        assert status in (400, 401), wrong
        assert "access_token" not in answer


def test_a_wrong_verifier_lets_nobody_in(ada, monkeypatch):
    back = ada.leave()
    session = ada.site.session
    states = session["socialaccount_states"]
    for entry in states.values():
        entry[0]["pkce_code_verifier"] = "w" * 64
    session.save()
    assert ada.site.get(back).status_code == 401
    assert signed_in(ada) is None


def test_a_wrong_secret_lets_nobody_in(ada, settings):
    providers = settings.SOCIALACCOUNT_PROVIDERS["amazon_cognito"]
    settings.SOCIALACCOUNT_PROVIDERS = {
        "amazon_cognito": providers | {"APPS": [{"client_id": CLIENT_ID, "secret": "wrong"}]}
    }
    assert ada.sign_in().status_code == 401
    assert signed_in(ada) is None


def test_a_pool_that_does_not_know_the_sites_address_is_not_followed(ada, pool):
    sent = ada.site.post("/accounts/amazon-cognito/login/", SERVER_NAME="localhost")
    assert "localhost" in sent["Location"]
    with pytest.raises(AssertionError, match="redirect_uri"):
        ada.at_pool(sent["Location"])


@pytest.mark.parametrize("query", ["", "?error=access_denied", "?code=x", "?code=x&state=y", "?state=%00"])
def test_coming_back_with_nothing_is_a_page_and_no_error(ada, query):
    assert ada.site.get(f"/accounts/amazon-cognito/login/callback/{query}", follow=True).status_code in (400, 401)
    assert signed_in(ada) is None


def test_an_id_token_about_somebody_else_is_refused(ada, pool):
    pool.knows("sub-ada", **ADA, other_sub="sub-eve")
    assert ada.sign_in().status_code == 401
    assert signed_in(ada) is None


def test_an_id_token_of_a_key_that_the_pool_does_not_publish_is_refused(ada, settings, pool):
    settings.COGNITO_KEYS_URL = f"{pool.url}/person"
    assert ada.sign_in().status_code == 401
    assert signed_in(ada) is None


def test_an_account_that_was_switched_off_stays_out(ada, pool):
    ada.sign_in()
    User.objects.update(is_active=False)
    again = Browser(pool, "sub-ada")
    again.sign_in()
    assert signed_in(again) is None


def test_without_a_pool_there_is_no_such_page(client, settings):
    for path in ("login/", "login/callback/?code=x"):
        assert client.get(f"/accounts/amazon-cognito/{path}").status_code == 404


# --- Addresses and linking -----------------------------------------------------------------------------


def test_a_verified_address_is_let_into_the_account_that_has_verified_it_too(ada, pool):
    known = user_create(email="ada@example.test", password=PASSWORD, display_name="Ada")
    ada.sign_in()
    assert signed_in(ada) == known
    assert SocialAccount.objects.get().user == known
    known.refresh_from_db()
    assert known.check_password(PASSWORD)
    pool.knows("sub-ada", email="new@example.test", email_verified="true")
    again = Browser(pool, "sub-ada")
    again.sign_in()
    assert signed_in(again) == known, "the connection stays, whatever the address becomes"


@pytest.mark.parametrize("verified", ["false", False, "TRUE", "1", 1.5, None])
def test_an_address_that_the_pool_did_not_verify_opens_nobodys_account(pool, verified, mailoutbox):
    known = user_create(email="ada@example.test", password=PASSWORD)
    pool.knows("sub-mallory", email="ada@example.test", email_verified=verified)
    mallory = Browser(pool, "sub-mallory")
    mallory.sign_in()
    assert signed_in(mallory) is None
    assert not SocialAccount.objects.exists()
    assert [mail.to for mail in mailoutbox] == [[known.email]], "the owner is told, and nobody else"


def test_an_address_that_the_account_did_not_verify_is_no_proof_either(ada):
    """Somebody may have claimed the address here and waits for its owner."""
    squatter = User.objects.create_user("squatter@example.test", PASSWORD)
    EmailAddress.objects.create(user=squatter, email="ada@example.test", verified=False, primary=False)
    ada.sign_in()
    assert signed_in(ada) != squatter
    assert not SocialAccount.objects.filter(user=squatter).exists()


def test_an_unverified_newcomer_proves_the_address_by_a_code_first(pool, mailoutbox):
    pool.knows("sub-new", email="new@example.test", email_verified="false")
    new = Browser(pool, "sub-new")
    response = new.sign_in()
    assert response["Location"] == reverse("account_email_verification_sent")
    assert signed_in(new) is None
    [mail] = mailoutbox
    code = re.search(r"^\s*([A-Z0-9-]{6,9})\s*$", mail.body, re.MULTILINE)[1]
    new.site.post(response["Location"], {"code": code})
    assert signed_in(new).email == "new@example.test"


def test_who_came_by_token_first_is_the_same_person_at_the_hosted_login(ada, pool):
    by_token = user_of_sub("sub-ada")
    ada.sign_in()
    assert signed_in(ada) == by_token
    by_token.refresh_from_db()
    assert by_token.email == "ada@example.test"
    assert EmailAddress.objects.get(user=by_token).verified
    assert User.objects.count() == 1


def test_who_came_by_token_first_does_not_take_over_the_address_of_another_account(ada):
    by_token = user_of_sub("sub-ada")
    other = user_create(email="ada@example.test", password=PASSWORD)
    response = ada.sign_in()
    assert "another account has it" in ada.site.get(response["Location"]).content.decode()
    assert signed_in(ada) is None
    by_token.refresh_from_db()
    assert by_token.email is None
    assert SocialAccount.objects.get().user == by_token
    assert EmailAddress.objects.get().user == other


def test_who_came_by_the_hosted_login_first_is_the_same_person_by_token(ada):
    ada.sign_in()
    assert user_of_sub("sub-ada") == signed_in(ada)
    assert User.objects.count() == 1


# --- Groups --------------------------------------------------------------------------------------------


def roles(user: User) -> set[str]:
    return set(Membership.objects.filter(user=user).values_list("role", flat=True))


def test_groups_give_what_the_settings_say_and_nothing_else(ada, pool, organizer):
    pool.knows("sub-ada", **ADA, groups=["house", "admins", "staff", "superuser", "lost"])
    ada.sign_in()
    user = signed_in(ada)
    assert (user.is_staff, user.is_superuser, roles(user)) == (True, False, {Role.OWNER})


def test_what_a_group_gave_goes_with_it_and_what_staff_gave_stays(ada, pool, organizer):
    user = user_of_sub("sub-ada")
    Membership.objects.create(organizer=organizer, user=user, role=Role.MODERATOR)
    pool.knows("sub-ada", **ADA, groups=["house", "helpers"])
    ada.sign_in()
    assert roles(user) == {Role.OWNER, Role.MODERATOR}
    pool.knows("sub-ada", **ADA, groups=["helpers"])
    Browser(pool, "sub-ada").sign_in()
    user.refresh_from_db()
    assert (user.is_staff, roles(user)) == (False, {Role.MODERATOR})
    pool.knows("sub-ada", **ADA)
    Browser(pool, "sub-ada").sign_in()
    assert roles(user) == {Role.MODERATOR}, "that one was given by hand"
    assert not GroupGrant.objects.exists()


def test_a_role_that_the_settings_no_longer_name_is_taken_back(ada, pool, organizer, settings):
    pool.knows("sub-ada", **ADA, groups=["house"])
    ada.sign_in()
    settings.COGNITO_GROUP_ROLES = []
    Browser(pool, "sub-ada").sign_in()
    user = signed_in(ada)
    assert (user.is_staff, roles(user)) == (False, set())


def test_groups_count_for_an_account_that_is_connected_by_its_address(ada, pool, organizer):
    known = user_create(email="ada@example.test", password=PASSWORD)
    pool.knows("sub-ada", **ADA, groups=["helpers"])
    ada.sign_in()
    assert roles(known) == {Role.MODERATOR}


def test_roles_from_groups_cannot_be_kept_by_disconnecting(ada, pool, organizer):
    known = user_create(email="ada@example.test", password=PASSWORD)
    pool.knows("sub-ada", **ADA, groups=["helpers"])
    ada.sign_in()
    response = ada.site.post(reverse("socialaccount_connections"), {"account": SocialAccount.objects.get().pk})
    assert response.status_code == 200
    assert SocialAccount.objects.filter(user=known).exists()


# --- Going ---------------------------------------------------------------------------------------------


def test_signing_out_ends_the_session_at_the_pool_too(ada, pool):
    ada.sign_in()
    response = ada.site.post(reverse("account_logout"), {"next": "/my/bids/"})
    assert response["Location"].startswith(f"{pool.url}/logout?")
    assert signed_in(ada) is None
    assert ada.at_pool(response["Location"]) == "http://testserver/"
    pool.knows("sub-next", email="next@example.test", email_verified="true")
    ada.becomes("sub-next")
    ada.sign_in()
    assert signed_in(ada).email == "next@example.test", "the pool asked again who it is"


def test_who_signed_in_with_a_password_does_not_go_to_the_pool(client, pool, bidder):
    client.post(reverse("account_login"), {"login": bidder.email, "password": PASSWORD})
    assert client.post(reverse("account_logout"))["Location"] == "/"


# --- The pages -----------------------------------------------------------------------------------------


def test_the_sign_in_page_offers_google_and_the_hosted_login(client, pool, settings):
    page = client.get(reverse("account_login"), {"next": "/auctions/friday/"}).content.decode()
    assert "Continue with Google" in page
    assert "Continue with e-mail" in page
    assert page.count('value="/auctions/friday/"') == 4, "every way in comes back: two buttons, a password, a passkey"
    assert "Create an account" not in page
    settings.COGNITO_GOOGLE = False
    page = client.get(reverse("account_login")).content.decode()
    assert "Google" not in page
    assert "Continue with e-mail" in page


def test_nobody_makes_an_account_past_the_pool(client, pool):
    page = client.get(reverse("account_signup"))
    assert "Continue with Google" in page.content.decode()
    client.post(reverse("account_signup"), {"email": "new@example.test", "password1": "correct-horse-battery"})
    assert not User.objects.exists()


def test_without_a_pool_the_sign_in_page_speaks_of_none(client):
    page = client.get(reverse("account_login")).content.decode()
    assert "Continue with" not in page
    assert "Create an account" in page
