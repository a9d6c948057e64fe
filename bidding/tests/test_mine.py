"""A person's own page: what they lead, what waits, what they won and owe; from the floor, which knows first."""

import pytest
from django.urls import reverse

from auctions.models import Auction, Lot, LotRun, LotWatch, Order, OrderStatus, Visibility
from bidding import services
from bidding.models import Bid
from bidding.tests.evenings import ANNA, BORIS, CLARA, Evening

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def evening(make_show):
    """Return a live show with its first lot open."""
    evening = Evening(make_show())
    evening.open(0)
    evening.show.store()
    return evening


def mine(client, evening, who):
    client.force_login(evening.show.bidders[who].user)
    response = client.get(reverse("my_bids"))
    return response.context["mine"], response.content.decode()


def standings(found):
    return [(run.run.lot.number, run.standing, run.best, run.price, run.maximum) for run in found.open]


def test_who_has_nothing_is_shown_the_way_to_a_show(client, bidder):
    client.force_login(bidder)
    page = client.get(reverse("my_bids")).content.decode()
    assert "You have not bid yet." in page
    assert "Find a show" in page


def test_what_one_watches_is_there_with_its_state_and_goes_by_the_same_button(client, bidder, live_auction):
    watched = list(live_auction.lots.order_by("position"))
    LotWatch.objects.bulk_create(LotWatch(user=bidder, lot=lot) for lot in reversed(watched))
    LotRun.objects.create(lot=watched[0], auction=live_auction, status="open")
    client.force_login(bidder)

    response = client.get(reverse("my_bids"))

    found = response.context["mine"].watched
    assert [one.lot for one in found] == watched, "in the order of sale"
    assert [one.state for one in found] == ["open", "pending"]
    page = response.content.decode()
    assert "You have not bid yet." not in page
    assert page.count('name="wanted" value="off" aria-pressed="true"') == 2
    client.post(reverse("lot_watch", args=(watched[0].pk,)), {"wanted": "off"})
    assert [one.lot for one in client.get(reverse("my_bids")).context["mine"].watched] == watched[1:]


def test_what_somebody_watched_and_may_not_see_any_more_is_not_shown(client, bidder, scheduled_auction):
    LotWatch.objects.create(user=bidder, lot=scheduled_auction.lots.first())
    Auction.objects.filter(pk=scheduled_auction.pk).update(visibility=Visibility.INVITE_ONLY)
    client.force_login(bidder)
    response = client.get(reverse("my_bids"))
    assert response.context["mine"].watched == []
    assert "You have not bid yet." in response.content.decode()


def test_the_floor_knows_first_who_leads(evening, client):
    evening.bid(ANNA, "10.00")
    evening.show.store()
    evening.bid(BORIS, "15.00")

    assert Bid.objects.count() == 1, "the record does not know the second bid yet"
    assert standings(mine(client, evening, ANNA)[0]) == [("1", "outbid", 1_000, 1_500, None)]
    found, page = mine(client, evening, BORIS)
    assert standings(found) == [("1", "leading", None, 1_500, None)]
    assert "You lead" in page


def test_a_maximum_is_shown_to_its_owner_alone(evening, client):
    evening.bid(ANNA, "80.00", max=True)
    evening.bid(BORIS, "15.00")
    evening.show.store()

    found, page = mine(client, evening, ANNA)
    assert standings(found)[0][4] == 8_000
    assert "your maximum €80" in page
    assert "€80" not in mine(client, evening, BORIS)[1]


def test_a_lot_that_closed_on_the_floor_is_not_open_any_more(evening, client):
    evening.bid(ANNA, "10.00")
    evening.show.store()
    evening.close_by_time(0)

    found, page = mine(client, evening, ANNA)

    assert [run.standing for run in found.won] == ["won"]
    assert not found.open
    assert "you pay €12.00" in page


def test_what_waits_for_its_lot_is_shown_with_its_maximum(evening, client):
    evening.bid(CLARA, "30.00", max=True, lot=evening.show.lots[1].pk)

    found, page = mine(client, evening, CLARA)

    assert [(bid.lot.number, bid.maximum) for bid in found.pre_bids] == [("2", 3_000)]
    assert "Raise it" in page
    assert not mine(client, evening, ANNA)[0].pre_bids


def test_what_is_to_be_paid_is_there_until_it_is(evening, client):
    evening.bid(ANNA, "10.00")
    evening.close_by_time(0)
    services.auction_end(auction=evening.show.auction, actor=evening.show.host)
    evening.show.store()
    order = Order.objects.get()

    found, page = mine(client, evening, ANNA)
    assert [(one.order, one.lots, one.total) for one in found.to_pay] == [(order, 1, 1_200)]
    assert reverse("order", args=(order.pk,)) in page
    assert not mine(client, evening, BORIS)[0].to_pay

    for status, to_pay, orders in (
        (OrderStatus.UNPAID, 1, 0),
        (OrderStatus.PAID, 0, 1),
        (OrderStatus.SENT, 0, 1),
        (OrderStatus.DONE, 0, 0),
    ):
        Order.objects.update(status=status)
        found, _page = mine(client, evening, ANNA)
        assert (len(found.to_pay), len(found.orders)) == (to_pay, orders), status


def test_the_record_stands_in_for_a_floor_that_is_away_and_says_so(evening, client, monkeypatch):
    evening.bid(ANNA, "10.00")
    evening.show.store()

    def away(*_args):
        raise OSError("away")

    monkeypatch.setattr("bidding.pages_mine.snapshot_now", away)
    found, page = mine(client, evening, ANNA)

    assert standings(found) == [("1", "leading", 1_000, 1_000, None)]
    assert "This is what the record says." in page


def test_many_lots_take_as_many_queries_as_one(evening, client, django_assert_num_queries):
    def asked():
        with django_assert_num_queries(expected):
            client.get(reverse("my_bids"))

    def play(number):
        evening.open(number)
        evening.bid(ANNA, "10.00")
        evening.close_by_time(number)
        evening.show.store()

    evening.bid(ANNA, "10.00")
    evening.close_by_time(0)
    evening.show.store()
    mine(client, evening, ANNA)  # the first page of a session notes where it is used
    expected = 13
    asked()
    for number in (3, 4):
        lot = Lot.objects.create(
            auction=evening.show.auction,
            number=str(number),
            position=number,
            title="More",
            opening_amount=1_000,
            increments=[[0, 500]],
        )
        evening.show.lots.append(lot)
    for number in (1, 2, 3):
        play(number)

    asked()
