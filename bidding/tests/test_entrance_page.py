"""Getting a paddle from the room: what its script is told, and what it sends."""

import pytest
from django.urls import reverse

from accounts.models import User
from auctions.models import Auction, EntryRequirement, Registration
from bidding.tests.conftest import Show

pytestmark = pytest.mark.django_db(transaction=True)

NOBODY = {
    "signed_in": False,
    "barred": False,
    "registered": False,
    "paddle": None,
    "waiting": False,
    "wants_address": False,
}


@pytest.fixture
def newcomer(db) -> User:
    return User.objects.create_user("newcomer@example.test", "secret-enough")


def entrance(show: Show) -> str:
    return reverse("entrance", args=(show.auction.slug,))


def asks_for(show: Show, entry: EntryRequirement) -> None:
    Auction.objects.filter(pk=show.auction.pk).update(entry=entry)


def test_the_room_learns_who_came_in(client, show, newcomer):
    assert client.get(entrance(show)).json() == NOBODY
    client.force_login(newcomer)
    assert client.get(entrance(show)).json() == NOBODY | {"signed_in": True}
    paddle = client.post(entrance(show), {"accept_terms": "on"}).json()["paddle"]
    assert client.get(entrance(show)).json() == NOBODY | {"signed_in": True, "registered": True, "paddle": paddle}
    client.force_login(show.host)
    assert client.get(entrance(show)).json() == NOBODY | {"signed_in": True, "barred": True}


def test_the_page_itself_says_the_same(client, show, newcomer):
    client.force_login(newcomer)
    asks_for(show, EntryRequirement.ADDRESS)
    config = client.get(reverse("room", args=(show.auction.slug,))).context["config"]
    assert config.items() >= client.get(entrance(show)).json().items()
    assert config["wants_address"] is True


def test_terms_are_accepted_or_there_is_no_paddle(client, show, newcomer):
    client.force_login(newcomer)
    refused = client.post(entrance(show))
    assert (refused.status_code, refused.json()["field"]) == (422, "accept_terms")
    assert not Registration.objects.filter(user=newcomer).exists()


def test_who_is_signed_out_gets_none(client, show):
    before = Registration.objects.count()
    assert client.post(entrance(show), {"accept_terms": "on"}).status_code == 401
    assert Registration.objects.count() == before


@pytest.mark.parametrize("page", ["entrance", "paddle"])
def test_an_address_that_the_auction_asks_for_is_given_on_the_way(client, show, newcomer, page):
    asks_for(show, EntryRequirement.ADDRESS)
    client.force_login(newcomer)
    url = reverse(page, args=(show.auction.slug,))
    for address in ("", "x" * 401):
        refused = client.post(url, {"accept_terms": "on", "delivery_address": address})
        assert refused.status_code == 422
        field = refused.json()["field"] if page == "entrance" else refused.context["refused"].field
        assert field == "delivery_address"
    client.post(url, {"accept_terms": "on", "delivery_address": " 1 Lane\r\nTown "})
    newcomer.refresh_from_db()
    assert newcomer.delivery_address == "1 Lane\nTown"
    assert Registration.objects.get(user=newcomer).status == "approved"


def test_a_house_that_approves_is_waited_for(client, show, newcomer):
    asks_for(show, EntryRequirement.APPROVAL)
    client.force_login(newcomer)
    told = client.post(entrance(show), {"accept_terms": "on"}).json()
    assert told == {"paddle": Registration.objects.get(user=newcomer).paddle, "status": "pending"}
    assert client.get(entrance(show)).json()["waiting"] is True
