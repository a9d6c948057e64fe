"""Accounts, organizers and roles: what the database refuses, and what the admin never does."""

import pytest
from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.urls import reverse

from accounts.models import Membership, Organizer, Role, User
from accounts.services import user_create
from tests.cast import PASSWORD

pytestmark = pytest.mark.django_db


def refused(function):
    with pytest.raises(IntegrityError), transaction.atomic():
        function()


def test_an_address_is_kept_in_lower_case_and_verified_when_staff_enters_it():
    user = user_create(email=" Some.One@Example.Test ", password=PASSWORD)
    assert user.email == "some.one@example.test"
    assert EmailAddress.objects.get(user=user).verified


def test_an_account_may_have_no_address_but_not_an_empty_one():
    User.objects.create_user(None)
    User.objects.create_user(None)
    refused(lambda: User.objects.create(email=""))


def test_an_address_belongs_to_one_account_whatever_its_case():
    User.objects.create(email="one@example.test")
    refused(lambda: User.objects.create(email="one@example.test"))
    refused(lambda: User.objects.create(email="ONE@example.test"))


def test_a_role_is_given_once_and_must_be_known(organizer, stranger):
    Membership.objects.create(organizer=organizer, user=stranger, role=Role.CLERK)
    refused(lambda: Membership.objects.create(organizer=organizer, user=stranger, role=Role.CLERK))
    refused(lambda: Membership.objects.create(organizer=organizer, user=stranger, role="king"))


def test_an_organizer_has_a_slug_of_its_own(organizer):
    refused(lambda: Organizer.objects.create(name="Copy", slug=organizer.slug))


def test_who_has_a_paddle_or_made_an_auction_cannot_be_deleted(registration, bidder, host):
    for user in (bidder, host):
        with pytest.raises(ProtectedError):
            user.delete()


def test_the_admin_offers_no_deletion_of_people_and_organizers(client, staff, stranger, organizer):
    client.force_login(staff)
    for obj in (stranger, organizer):
        name = f"admin:accounts_{obj._meta.model_name}"
        assert client.post(reverse(f"{name}_delete", args=[obj.pk]), {"post": "yes"}).status_code == 403
        assert type(obj).objects.filter(pk=obj.pk).exists()


def test_staff_add_an_account_that_can_sign_in_at_once(client, staff):
    client.force_login(staff)
    url = reverse("admin:accounts_user_add")
    rows = {f"memberships-{name}_FORMS": "0" for name in ("TOTAL", "INITIAL", "MIN_NUM", "MAX_NUM")}
    body = {"email": "Fresh@Example.Test", "display_name": "F", "usable_password": "true", **rows}
    response = client.post(url, {**body, "password1": "correct-horse-battery", "password2": "correct-horse-battery"})
    assert response.status_code == 302, response.context["adminform"].form.errors
    fresh = User.objects.get(email="fresh@example.test")
    assert fresh.check_password("correct-horse-battery")
    assert EmailAddress.objects.get(user=fresh).verified
    page = client.get(reverse("admin:accounts_user_change", args=[fresh.pk]))
    assert page.status_code == 200


@pytest.mark.parametrize("email", ["bidder1@example.test", "BIDDER1@EXAMPLE.TEST", " Bidder1@example.test "])
def test_a_taken_address_is_told_at_its_field(client, staff, bidder, email):
    client.force_login(staff)
    rows = {f"memberships-{name}_FORMS": "0" for name in ("TOTAL", "INITIAL", "MIN_NUM", "MAX_NUM")}
    body = {"email": email, "password1": "correct-horse-battery", "password2": "correct-horse-battery"}
    response = client.post(reverse("admin:accounts_user_add"), {**body, "usable_password": "true", **rows})
    assert response.status_code == 200
    errors = response.context["adminform"].form.errors
    assert "email" in errors
    assert "Constraint" not in str(errors)


def test_public_names_never_show_the_address(bidder, stranger):
    assert str(bidder) == "Ben Bidder"
    assert bidder.get_full_name() == "Ben Bidder"
    assert stranger.get_full_name() == ""
