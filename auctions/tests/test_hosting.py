"""Asking to host, being answered, and the house that follows; moderators of one auction; the verified badge."""

import pytest
from django.core import mail
from django.urls import reverse

from accounts.models import HostRequest
from auctions import people, permissions, services
from auctions.errors import Refused
from auctions.models import AuctionModerator, Registration

pytestmark = pytest.mark.django_db

ASKED = {"house": "Lamp House", "about": "Old lamps from the flea market, once a month."}


@pytest.fixture
def asked(stranger):
    return people.host_request_make(user=stranger, **ASKED)


@pytest.fixture
def answer(client, staff, django_capture_on_commit_callbacks):
    """Return a function that answers a request in the admin."""

    def answer(request, **fields):
        client.force_login(staff)
        url = reverse("admin:accounts_hostrequest_change", args=[request.pk])
        with django_capture_on_commit_callbacks(execute=True):
            return client.post(url, {"answer": "grant", "reason": ""} | fields)

    return answer


def test_somebody_asks_on_a_page_and_sees_that_they_did(client, stranger):
    client.force_login(stranger)
    url = reverse("host_request")
    assert "What would you like to sell?" in client.get(url).content.decode()
    page = client.post(url, ASKED, follow=True).content.decode()
    assert "Lamp House" in page
    assert HostRequest.objects.get().status == "open"
    assert client.post(url, ASKED).status_code == 422
    assert HostRequest.objects.count() == 1


@pytest.mark.parametrize("field", ["house", "about"])
def test_what_is_missing_is_told_at_its_field(client, stranger, field):
    client.force_login(stranger)
    response = client.post(reverse("host_request"), ASKED | {field: "  "})
    assert response.status_code == 422
    assert response.context["form"].errors[field]
    assert not HostRequest.objects.exists()


def test_who_may_host_does_not_ask(host):
    with pytest.raises(Refused) as refused:
        people.host_request_make(user=host, **ASKED)
    assert refused.value.code == "host_already"


def test_whom_staff_lets_in_hosts_under_the_name_of_their_house(stranger, asked, answer):
    assert not permissions.can_host(stranger)
    assert answer(asked, reason="Welcome!").status_code == 302
    stranger.refresh_from_db()
    assert permissions.can_host(stranger)
    assert services.organizer_for(stranger).name == "Lamp House"
    (letter,) = mail.outbox
    assert letter.to == [stranger.email]
    assert "Welcome!" in letter.body


def test_a_refusal_needs_a_reason_which_the_person_reads(client, stranger, asked, answer):
    response = answer(asked, answer="decline", reason=" ")
    assert response.status_code == 200
    assert response.context["adminform"].form.errors["reason"]
    assert HostRequest.objects.get().status == "open"
    assert answer(asked, answer="decline", reason="We sell no lamps.").status_code == 302
    assert "We sell no lamps." in mail.outbox[-1].body
    assert not permissions.can_host(stranger)
    client.force_login(stranger)
    assert "We sell no lamps." in client.get(reverse("host_request")).content.decode()
    assert client.post(reverse("host_request"), ASKED).status_code == 302


def test_an_answer_is_given_once(asked, staff, answer):
    answer(asked)
    assert answer(asked, answer="decline", reason="No.").status_code == 403
    with pytest.raises(Refused):
        people.host_request_answer(request=asked, actor=staff, granted=False, reason="No.")
    assert HostRequest.objects.get().status == "granted"


def test_only_the_sites_staff_answers(client, host, moderator, stranger, asked):
    for user in (host, moderator, stranger):
        with pytest.raises(Refused):
            people.host_request_answer(request=asked, actor=user, granted=True, reason="")
    client.force_login(host)
    assert client.get(reverse("admin:accounts_hostrequest_changelist")).status_code == 403


# --- Moderators of one auction ------------------------------------------------------------------------


def test_a_moderator_of_an_auction_moderates_it_and_nothing_else(host, stranger, live_auction, organizer):
    other = services.auction_create(actor=host, organizer=organizer, title="Another night")
    services.moderator_name(actor=host, auction=live_auction, email=" Stranger@Example.Test ")
    assert permissions.can_moderate(stranger, live_auction)
    assert permissions.is_barred(stranger, live_auction)
    assert not permissions.can_manage(stranger, live_auction)
    assert not permissions.can_see_private(stranger, live_auction)
    assert not permissions.can_moderate(stranger, other)
    assert permissions.room_rights(live_auction, [stranger.pk])[stranger.pk].role == "moderator"
    assert permissions.room_rights(other, [stranger.pk])[stranger.pk].role is None


def test_it_can_be_taken_back_and_given_again(host, stranger, live_auction):
    moderator = services.moderator_name(actor=host, auction=live_auction, email=stranger.email)
    services.moderator_revoke(actor=host, moderator=moderator)
    assert not permissions.can_moderate(stranger, live_auction)
    services.moderator_name(actor=host, auction=live_auction, email=stranger.email)
    assert permissions.can_moderate(stranger, live_auction)
    assert AuctionModerator.objects.count() == 1


def test_an_address_that_is_not_proved_gives_nothing(host, stranger, live_auction):
    services.moderator_name(actor=host, auction=live_auction, email=stranger.email)
    stranger.emailaddress_set.update(verified=False)
    assert not permissions.can_moderate(stranger, live_auction)


def test_who_bids_here_cannot_moderate_here(host, bidder, registration, live_auction):
    with pytest.raises(Refused) as refused:
        services.moderator_name(actor=host, auction=live_auction, email=bidder.email)
    assert refused.value.code == "bids_here"


def test_only_who_runs_the_auction_names_somebody(moderator, other_host, live_auction):
    for user in (moderator, other_host):
        with pytest.raises(Refused):
            services.moderator_name(actor=user, auction=live_auction, email="x@example.test")


def test_a_host_names_one_in_the_admin_and_takes_it_back(client, host, stranger, live_auction):
    client.force_login(host)
    url = reverse("admin:auctions_auctionmoderator_add")
    client.post(url, {"auction": live_auction.pk, "email": stranger.email})
    assert permissions.can_moderate(stranger, live_auction)
    named = AuctionModerator.objects.get()
    changelist = reverse("admin:auctions_auctionmoderator_changelist")
    client.post(changelist, {"action": "revoke_selected", "_selected_action": [named.pk]})
    assert not permissions.can_moderate(stranger, live_auction)
    client.post(url, {"auction": live_auction.pk, "email": stranger.email})
    assert permissions.can_moderate(stranger, live_auction)
    response = client.post(url, {"auction": live_auction.pk, "email": "nonsense"})
    assert response.status_code == 200


# --- The verified badge -------------------------------------------------------------------------------


def test_staff_gives_the_badge_and_hosts_see_it_at_the_paddle(client, staff, host, bidder, registration):
    client.force_login(staff)
    users = reverse("admin:accounts_user_changelist")
    client.post(users, {"action": "verify_selected", "_selected_action": [bidder.pk]})
    bidder.refresh_from_db()
    assert bidder.verified_at is not None
    client.force_login(host)
    page = client.get(reverse("admin:auctions_registration_change", args=[registration.pk]))
    assert page.status_code == 200
    assert Registration.objects.get().user.verified_at is not None
    client.force_login(staff)
    client.post(users, {"action": "doubt_selected", "_selected_action": [bidder.pk]})
    bidder.refresh_from_db()
    assert bidder.verified_at is None


def test_nobody_else_gives_it(host, bidder):
    with pytest.raises(Refused):
        people.verified_set(user=bidder, actor=host, verified=True)
