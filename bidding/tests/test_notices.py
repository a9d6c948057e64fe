"""Who was outbid is told once, and only for as long as it is so."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from auctions.models import Registration, RegistrationKind
from bidding import ledger
from bidding.models import Bid, Notification
from bidding.services import bid_void, lot_open
from bidding.tests.conftest import Show
from bidding.tests.test_a_show import bid

URL = "/api/v1/notifications/"


def user_of(show: Show, who: int) -> User:
    user = show.bidders[who].user
    assert user is not None
    return user


def told(show: Show) -> dict[int, int]:
    """Return who is told of being outbid, by their place in the cast, and at what price."""
    places = {user_of(show, who).pk: who for who in range(3)}
    outbid: Any = Notification.objects.values_list("user", "amount")
    return {places[user_id]: amount for user_id, amount in outbid}


@pytest.fixture(params=["one batch", "a batch for each"])
def store(request: pytest.FixtureRequest, show: Show, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return how the ledger stores: all that waits at once, or entry by entry."""
    if request.param != "one batch":
        monkeypatch.setattr(ledger, "BATCH", 1)
    return show.store


def test_who_lost_the_lead_is_told_at_what_price(show: Show, store: Any) -> None:
    lot_open(lot=show.lots[0], actor=show.host)
    for who, amount in ((0, "10.00"), (1, "15.00"), (2, "20.00")):
        bid(show, who, amount)
    store()
    assert told(show) == {0: 1_500, 1: 2_000}
    bid(show, 0, "25.00")
    bid(show, 1, "30.00")
    store()
    assert told(show) == {0: 3_000, 2: 2_500}, "who leads again is not told that they do not"


def test_a_maximum_that_holds_outbids_only_the_challenger(show: Show, store: Any) -> None:
    lot_open(lot=show.lots[0], actor=show.host)
    bid(show, 0, "50.00", max=True)
    bid(show, 1, "15.00")
    store()
    assert told(show) == {}, "the challenger got the answer at once and never led"


def test_a_voided_bid_gives_the_lead_back_and_outbids_nobody(show: Show, store: Any) -> None:
    lot_open(lot=show.lots[0], actor=show.host)
    bid(show, 0, "10.00")
    bid(show, 1, "15.00")
    store()
    assert told(show) == {0: 1_500}
    bid_void(bid=Bid.objects.get(amount=1_500), actor=show.host, reason="mistake")
    store()
    assert told(show) == {}


def test_a_pre_bid_that_came_to_nothing_is_told_at_the_opening(show: Show, store: Any) -> None:
    for who, amount in ((0, "20.00"), (1, "40.00")):
        bid(show, who, amount, max=True, lot=show.lots[0].pk)
    lot_open(lot=show.lots[0], actor=show.host)
    store()
    assert told(show) == {0: 2_500}


def test_a_bidder_without_an_account_is_told_nothing(show: Show, store: Any) -> None:
    lot_open(lot=show.lots[0], actor=show.host)
    bid(show, 0, "10.00")
    Registration.objects.filter(pk=show.bidders[0].pk).update(user=None, kind=RegistrationKind.FLOOR)
    bid(show, 1, "15.00")
    store()
    assert not Notification.objects.exists()


def test_one_reads_ones_own(show: Show) -> None:
    lot_open(lot=show.lots[0], actor=show.host)
    for who, amount in ((0, "10.00"), (1, "15.00"), (2, "20.00")):
        bid(show, who, amount)
    show.store()
    client = Client()
    assert client.get(URL).status_code == 401
    client.force_login(user_of(show, 0), backend="django.contrib.auth.backends.ModelBackend")
    (only,) = client.get(URL).json()["results"]
    assert {name: only[name] for name in ("kind", "auction", "lot", "title", "amount", "read_at")} == {
        "kind": "outbid",
        "auction": show.auction.pk,
        "lot": show.lots[0].pk,
        "title": "Lot 1",
        "amount": "15.00",
        "read_at": None,
    }
    assert client.post(URL + "read/").status_code == 204
    assert client.get(URL).json()["results"][0]["read_at"] is not None
    assert Notification.objects.filter(read_at=None).count() == 1, "another's stays unread"
    # A newer price is news again.
    bid(show, 0, "25.00")
    bid(show, 1, "30.00")
    show.store()
    assert client.get(URL).json()["results"][0]["read_at"] is None
