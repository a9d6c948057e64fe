"""What a new or struck account meets when it asks for a paddle and when it bids, on the real floor."""

import pytest
from django.urls import reverse

from accounts.models import Membership, Role, StrikeReason, User
from auctions import standing
from auctions.models import Auction
from bidding.engine import calls
from bidding.engine.outcomes import BidAccepted, BidRejected
from bidding.engine.runner import run
from bidding.services import commands_deliver, lot_open, registration_create


@pytest.fixture
def newcomer(transactional_db):
    return User.objects.create_user("newcomer@example.test", "secret-enough")


def bid(floor, show, registration, amount):
    return run(floor, calls.place_bid(show.auction.pk, calls.BidOffer(registration.pk, amount))).answer


def limited(show, limit):
    Auction.objects.filter(pk=show.auction.pk).update(new_bidder_limit=limit)


def test_the_script_keeps_a_new_account_to_its_limit_until_staff_lifts_it(show, floor, newcomer):
    limited(show, 2_000)
    registration, _created = registration_create(auction=show.auction, user=newcomer, accept_terms=True)
    assert registration.spending_limit == 2_000
    lot_open(lot=show.lots[0], actor=show.host)
    refused = bid(floor, show, registration, 2_500)
    assert isinstance(refused, BidRejected)
    assert refused.code == "over_limit"
    assert isinstance(bid(floor, show, registration, 2_000), BidAccepted)
    standing.spending_limit_set(registration=registration, actor=show.host, limit=None)
    commands_deliver(auction_id=show.auction.pk)
    assert isinstance(bid(floor, show, show.bidders[0], 2_500), BidAccepted)
    assert isinstance(bid(floor, show, registration, 5_000), BidAccepted)


def test_who_has_a_paddle_keeps_it_as_it_was(show):
    limited(show, 2_000)
    registration, created = registration_create(auction=show.auction, user=show.bidders[0].user, accept_terms=True)
    assert (created, registration.spending_limit) == (False, None)


@pytest.fixture
def struck(show, newcomer):
    Auction.objects.filter(pk=show.auction.pk).update(most_strikes=1)
    finance = User.objects.create_user("finance@example.test")
    Membership.objects.create(organizer=show.auction.organizer, user=finance, role=Role.FINANCE)
    standing.strike_add(
        user=newcomer, organizer=show.auction.organizer, actor=finance, reason=StrikeReason.UNPAID, note="never again"
    )
    return newcomer


def test_the_page_and_the_api_say_why_there_is_no_paddle(client, show, struck):
    client.force_login(struck)
    page = client.post(reverse("paddle", args=[show.auction.slug]), {"accept_terms": "on"})
    assert "You have a strike (An order was not paid)" in page.content.decode()
    assert "never again" not in page.content.decode()
    answer = client.post(
        reverse("api-registrations", args=[show.auction.pk]), {"accept_terms": True}, content_type="application/json"
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_strikes")
    assert not show.auction.registrations.filter(user=struck).exists()


def test_the_door_opens_again_when_the_strike_is_lifted(show, struck):
    standing.strike_lift(strike=struck.strikes.get(), actor=show.host)
    _registration, created = registration_create(auction=show.auction, user=struck, accept_terms=True)
    assert created
