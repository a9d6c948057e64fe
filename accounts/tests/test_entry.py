"""Coming in by a code without leaving the page, with an account and without one."""

import time

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.services import user_create
from accounts.tests.conftest import app_code, with_app

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("public_site")]

NEW = "newcomer@example.test"


def say(client, step, **values):
    response = client.post(reverse(step), values)
    return response.status_code, response.json()


def code_in(mail):
    return mail.subject.split()[1]


def signed_in(client):
    return client.session.get("_auth_user_id")


def test_a_newcomer_is_in_with_an_address_and_a_code(client, mailoutbox):
    status, told = say(client, "entry", email="  NewComer@Example.Test ")
    assert (status, told) == (200, {"step": "code", "email": NEW, "may_resend": True})
    assert not User.objects.exists(), "an address that was only typed leaves nothing behind"

    status, told = say(client, "entry_code", code=code_in(mailoutbox[0]).replace("-", " "))

    user = User.objects.get(email=NEW)
    assert (status, told["step"], signed_in(client)) == (200, "in", str(user.pk))
    assert not user.has_usable_password()
    assert EmailAddress.objects.get(user=user, email=NEW).verified


def test_the_page_goes_on_with_the_new_token(mailoutbox):
    client = Client(enforce_csrf_checks=True)
    client.get(reverse("account_login"))
    before = client.cookies["csrftoken"].value
    client.post(reverse("entry"), {"email": NEW}, headers={"X-CSRFToken": before})
    code = code_in(mailoutbox[0])
    told = client.post(reverse("entry_code"), {"code": code}, headers={"X-CSRFToken": before}).json()
    for token, status in ((before, 403), (told["csrf_token"], 200)):
        assert client.post(reverse("entry"), {"email": NEW}, headers={"X-CSRFToken": token}).status_code == status


def test_who_has_an_account_comes_into_that_one(client, bidder, mailoutbox):
    say(client, "entry", email=bidder.email)
    assert say(client, "entry_code", code=code_in(mailoutbox[0]))[1]["step"] == "in"
    assert signed_in(client) == str(bidder.pk)
    assert bidder.has_usable_password()


def test_nobody_learns_whether_an_address_has_an_account(bidder, mailoutbox):
    user_create(email="closed@example.test")
    User.objects.filter(email="closed@example.test").update(is_active=False)
    answers = []
    for email in (bidder.email, NEW, "closed@example.test"):
        client, seen = Client(), []
        mailoutbox.clear()
        seen.append(say(client, "entry", email=email))
        seen.append(say(client, "entry_resend"))
        seen += [say(client, "entry_code", code="0000-0000") for _ in range(4)]
        seen.append(say(client, "entry_resend"))
        for mail in mailoutbox:
            assert mail.to == [email]
            code = code_in(mail)
            seen += [mail.subject.replace(code, "CODE"), mail.body.replace(code, "CODE")]
        answers.append(str(seen).replace(email, "ADDRESS"))
    assert answers[0] == answers[1] == answers[2]


def test_a_closed_account_stays_closed_and_is_told_so_to_its_owner(client, bidder, mailoutbox):
    User.objects.update(is_active=False)
    say(client, "entry", email=bidder.email)
    told = say(client, "entry_code", code=code_in(mailoutbox[0]))
    assert told == (200, {"step": "elsewhere", "url": reverse("account_inactive")})
    assert signed_in(client) is None
    assert User.objects.count() == 1


def test_three_wrong_codes_end_it_and_a_new_one_begins_it_again(client, mailoutbox):
    say(client, "entry", email=NEW)
    wrong = [say(client, "entry_code", code="0000-0000") for _ in range(3)]
    assert [told["step"] for _status, told in wrong] == ["code", "code", "email"]
    assert {status for status, _told in wrong} == {422}
    assert wrong[0][1]["detail"] == "That code is not right."
    assert say(client, "entry_code", code=code_in(mailoutbox[0]))[1]["step"] == "email"
    say(client, "entry", email=NEW)
    assert say(client, "entry_code", code=code_in(mailoutbox[1]))[1]["step"] == "in"


def test_a_code_is_over_after_its_time(client, mailoutbox, monkeypatch):
    say(client, "entry", email=NEW)
    later = time.time() + 15 * 60 + 1
    monkeypatch.setattr(time, "time", lambda: later)
    status, told = say(client, "entry_code", code=code_in(mailoutbox[0]))
    assert (status, told["step"]) == (422, "email")
    assert signed_in(client) is None
    assert not User.objects.exists()


def test_another_code_takes_the_place_of_the_first_and_there_are_not_many(client, mailoutbox):
    say(client, "entry", email=NEW)
    assert [say(client, "entry_resend")[0] for _ in range(3)] == [200, 200, 422]
    first, *_others, last = (code_in(mail) for mail in mailoutbox)
    assert say(client, "entry_code", code=first)[0] == 422
    assert say(client, "entry_code", code=last)[1]["step"] == "in"


def test_asking_over_and_over_is_limited_by_address(client):
    asked = [say(Client(), "entry", email=NEW) for _ in range(4)]
    assert [status for status, _told in asked] == [200, 200, 200, 422]
    assert asked[3][1] == {"step": "email", "detail": "Too many attempts. Try again in five minutes."}


@pytest.mark.parametrize("email", ["", "nobody", "a@b", "x" * 300 + "@example.test"])
def test_what_is_no_address_gets_no_code(client, mailoutbox, email):
    status, told = say(client, "entry", email=email)
    assert (status, told["step"]) == (422, "email")
    assert told["detail"]
    assert not mailoutbox


def test_a_second_factor_is_asked_for_and_taken(client, bidder, mailoutbox):
    with_app(bidder)
    say(client, "entry", email=bidder.email)
    told = say(client, "entry_code", code=code_in(mailoutbox[0]))[1]
    assert told == {"step": "mfa_authenticate", "has_app": True, "url": reverse("mfa_authenticate")}
    assert signed_in(client) is None
    status, told = say(client, "entry_second_factor", code="000000")
    assert (status, told["step"], told["detail"]) == (422, "mfa_authenticate", "That did not match. Try again.")
    assert say(client, "entry_second_factor", code=app_code())[1]["step"] == "in"
    assert signed_in(client) == str(bidder.pk)


def test_the_page_of_the_second_factor_leads_back_to_where_the_sheet_was(client, bidder, mailoutbox):
    with_app(bidder)
    say(client, "entry", email=bidder.email)
    say(client, "entry_code", code=code_in(mailoutbox[0]), next="/auctions/evening/?paddle=1")
    response = client.post(reverse("mfa_authenticate"), {"code": app_code()})
    assert response["Location"] == "/auctions/evening/?paddle=1"


def test_the_way_back_never_leaves_the_site(client, bidder, mailoutbox):
    with_app(bidder)
    say(client, "entry", email=bidder.email)
    say(client, "entry_code", code=code_in(mailoutbox[0]), next="https://elsewhere.example/")
    assert client.post(reverse("mfa_authenticate"), {"code": app_code()})["Location"] == "/"


def test_nothing_is_taken_that_was_not_asked_for(client):
    for step in ("entry_code", "entry_resend", "entry_second_factor"):
        assert say(client, step, code="0000-0000") == (
            422,
            {"step": "email", "detail": "That code counts no longer. Ask for a new one."},
        )


def test_the_page_that_asks_for_codes_does_not_take_these(client, mailoutbox):
    say(client, "entry", email=NEW)
    page = reverse("account_confirm_login_code")
    assert client.post(page, {"code": code_in(mailoutbox[0])}).status_code == 200
    assert client.post(page, {"code": ""}).status_code == 200
    assert signed_in(client) is None


def test_who_is_signed_in_already_is_told_so(client, bidder, mailoutbox):
    client.force_login(bidder)
    assert [say(client, step)[1]["step"] for step in ("entry", "entry_code", "entry_second_factor")] == ["in"] * 3
    assert not mailoutbox


@pytest.mark.parametrize("way", ["entry", "account_request_login_code"])
def test_a_password_that_somebody_set_for_an_address_of_others_opens_nothing(client, mailoutbox, way):
    Client().post(reverse("account_signup"), {"email": NEW, "password1": "chosen-by-a-thief"})
    mailoutbox.clear()

    asked = client.post(reverse(way), {"email": NEW})
    client.post(reverse("entry_code") if way == "entry" else asked["Location"], {"code": code_in(mailoutbox[-1])})

    assert signed_in(client) == str(User.objects.get(email=NEW).pk)
    thief = Client()
    thief.post(reverse("account_login"), {"login": NEW, "password": "chosen-by-a-thief"})
    assert signed_in(thief) is None


def test_a_demo_tells_the_code_to_newcomers_alone(client, bidder, settings, mailoutbox):
    settings.DEMO = True
    told = say(client, "entry", email=NEW)[1]
    assert told["demo_code"] == code_in(mailoutbox[0])
    assert "demo_code" not in say(Client(), "entry", email=bidder.email)[1]


def test_where_a_user_pool_knows_people_nobody_is_made_here(client, settings):
    settings.AUTH_PROVIDER = "cognito"
    assert client.post(reverse("entry"), {"email": NEW}).status_code == 404
