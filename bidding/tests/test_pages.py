"""The bidder's pages: who sees what, what a form does without scripts, and how many queries a page may make."""

import re
import uuid
from functools import partial

import pytest
from django.urls import reverse

from accounts.models import User
from auctions.models import Auction, AuctionStatus, Invitation, Lot, Visibility
from bidding import services
from bidding.engine.keys import AuctionKeys
from bidding.models import Bid

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def open_show(show):
    """Return the live show with its first lot open."""
    services.lot_open(lot=show.lots[0], actor=show.host)
    show.store()
    return show


def room(show):
    return reverse("room", args=(show.auction.slug,))


def bid_form(show, amount="10.00", **changes):
    return {"amount": amount, "lot": str(show.lots[0].pk), "id": str(uuid.uuid4())} | changes


def said(response):
    refused = response.context.get("refused")
    return [str(message) for message in response.context["messages"]] + ([refused.message] if refused else [])


@pytest.mark.parametrize("visibility", [Visibility.UNLISTED, Visibility.INVITE_ONLY])
def test_what_is_not_public_is_not_listed(client, make_show, visibility):
    show = make_show()
    assert len(client.get("/").context["home"].live) == 1
    Auction.objects.filter(pk=show.auction.pk).update(visibility=visibility)

    home = client.get("/").context["home"]

    assert not home.live


def test_an_invite_only_show_exists_only_for_the_invited(client, make_show):
    show = make_show()
    Auction.objects.filter(pk=show.auction.pk).update(visibility=Visibility.INVITE_ONLY)
    stranger = User.objects.create_user("stranger@example.test", "secret-enough")
    lot = reverse("lot", args=(show.lots[0].pk,))
    for user in (None, stranger):
        if user:
            client.force_login(user)
        for path in (room(show), lot):
            assert client.get(path).status_code == 404
        for path in (reverse("paddle", args=(show.auction.slug,)), reverse("bid", args=(show.auction.slug,))):
            assert client.post(path, {"accept_terms": "on"}).status_code == (404 if user else 302)

    Invitation.objects.create(auction=show.auction, user=stranger)

    assert client.get(room(show)).status_code == 200
    assert client.get(lot).status_code == 200


def test_a_draft_is_the_hosts_alone(client, show):
    Auction.objects.filter(pk=show.auction.pk).update(status=AuctionStatus.DRAFT)
    assert client.get(room(show)).status_code == 404
    client.force_login(show.bidders[0].user)
    client.force_login(show.host)
    assert client.get(room(show)).status_code == 200


def test_the_room_shows_price_and_rules_without_scripts(client, open_show):
    page = client.get(room(open_show)).content.decode()

    assert "A bid in the last 30 s adds 30 s, at most 20 times." in page
    assert "opening bid" in page
    assert "Get your paddle" in page
    assert "style=" not in page
    assert "<script>" not in page


def test_the_room_tells_about_the_next_lot_before_any_was_open(client, show):
    first, second = show.lots
    first.description = "Cast in 1890."
    first.save()
    page = client.get(room(show)).content.decode()
    about = page[page.index('id="about"') : page.index('class="history"')]
    assert first.title in about
    assert "Cast in 1890." in about
    assert second.title not in about
    assert "No lot is open" not in about


def test_a_page_without_scripts_names_no_end_of_a_lot_that_is_over(client, open_show):
    assert "at the earliest" in client.get(room(open_show)).content.decode()
    open_show.end_lot_now()
    services.lot_close_due(auction=open_show.auction, lot_id=open_show.lots[0].pk)

    page = client.get(room(open_show)).content.decode()

    assert "Without JavaScript" in page
    assert "at the earliest" not in page


def test_a_paddle_is_given_once_the_terms_are_accepted(client, show):
    user = User.objects.create_user("dora@example.test", "secret-enough")
    client.force_login(user)
    path = reverse("paddle", args=(show.auction.slug,))

    refused = client.post(path)
    assert refused.status_code == 422
    assert refused.context["refused"].field == "accept_terms"

    given = client.post(path, {"accept_terms": "on"}, follow=True)
    assert said(given) == ["You are 104."]
    assert client.get(path).url == room(show)


def test_a_bid_by_form_counts(client, open_show):
    client.force_login(open_show.bidders[0].user)

    response = client.post(reverse("bid", args=("friday-night",)), bid_form(open_show, "10.00"), follow=True)

    assert said(response) == ["Your bid counts: you lead."]
    open_show.store()
    assert Bid.objects.get().amount == 1_000


def test_a_form_that_is_sent_twice_counts_once(client, open_show):
    client.force_login(open_show.bidders[0].user)
    form = bid_form(open_show, "10.00")

    for _time in range(2):
        response = client.post(reverse("bid", args=("friday-night",)), form, follow=True)
        assert said(response) == ["Your bid counts: you lead."]

    open_show.store()
    assert Bid.objects.count() == 1


def test_a_refused_form_says_why(client, open_show):
    client.force_login(open_show.bidders[0].user)

    response = client.post(reverse("bid", args=("friday-night",)), bid_form(open_show, "1.00"), follow=True)

    assert said(response) == ["Bid at least €10.00."]


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": "NaN"},
        {"amount": '"'},
        {"amount": "1e5"},
        {"amount": ""},
        {"lot": "x"},
        {"lot": ""},
        {"lot": "9" * 40},
        {"id": "nope"},
        {"id": ""},
    ],
)
def test_nonsense_in_a_form_is_a_sentence_and_never_an_error(client, open_show, changes):
    client.force_login(open_show.bidders[0].user)

    response = client.post(reverse("bid", args=("friday-night",)), bid_form(open_show, **changes), follow=True)

    assert response.status_code in (200, 422)
    assert len(said(response)) == 1
    assert "Your bid counts" not in said(response)[0]


def test_my_bids_tell_how_each_stands(client, open_show):
    first, second = open_show.bidders[0].user, open_show.bidders[1].user
    for user, amount in ((first, "10.00"), (second, "15.00")):
        client.force_login(user)
        client.post(reverse("bid", args=("friday-night",)), bid_form(open_show, amount))
    open_show.store()

    def standing(user):
        client.force_login(user)
        (entry,) = client.get("/my/bids/").context["mine"].auctions
        return [(run.standing, run.best, run.price, run.total) for run in entry.runs]

    assert standing(first) == [("outbid", 1_000, 1_500, None)]
    assert standing(second) == [("leading", 1_500, 1_500, None)]

    open_show.end_lot_now()
    services.lot_close_due(auction=open_show.auction, lot_id=open_show.lots[0].pk)
    open_show.store()

    assert standing(first) == [("lost", 1_000, 1_500, None)]
    assert standing(second) == [("won", 1_500, 1_500, 1_800)]


def test_a_voided_bid_is_no_price(client, open_show):
    first, second = open_show.bidders[0].user, open_show.bidders[1].user
    for user, amount in ((first, "10.00"), (second, "15.00")):
        client.force_login(user)
        client.post(reverse("bid", args=("friday-night",)), bid_form(open_show, amount))
    open_show.store()
    services.bid_void(bid=Bid.objects.get(amount=1_500), actor=open_show.host, reason="mistake")
    open_show.store()

    assert client.get("/").context["home"].live[0].now.price == 1_000
    client.force_login(first)
    (entry,) = client.get("/my/bids/").context["mine"].auctions
    assert [(run.standing, run.price) for run in entry.runs] == [("leading", 1_000)]


def test_the_host_sees_what_a_lot_brought(client, open_show):
    bidder = open_show.bidders[0]
    client.force_login(bidder.user)
    client.post(reverse("bid", args=("friday-night",)), bid_form(open_show, "15.00"))
    open_show.end_lot_now()
    services.lot_close_due(auction=open_show.auction, lot_id=open_show.lots[0].pk)
    open_show.store()
    client.force_login(open_show.host)

    page = client.get(reverse("host_auction", args=(open_show.auction.pk,))).content.decode()

    assert f"Sold · paddle {bidder.paddle}" in page
    assert '<span class="sign">€</span>15</span>' in page


def test_the_result_names_price_and_paddle_and_nobodys_address(client, open_show):
    client.force_login(open_show.bidders[0].user)
    client.post(reverse("bid", args=("friday-night",)), bid_form(open_show, "10.00"))
    open_show.end_lot_now()
    services.lot_close_due(auction=open_show.auction, lot_id=open_show.lots[0].pk)
    open_show.store()
    path = reverse("lot", args=(open_show.lots[0].pk,))

    mine = client.get(path)
    assert (mine.context["page"].won, mine.context["page"].total) == (True, 1_200)
    client.logout()
    page = client.get(path).content.decode()
    assert "to paddle 101" in page
    assert "example.test" not in page


def test_the_floor_may_be_away(client, open_show, monkeypatch):
    def away(_auction_id):
        raise OSError("away")

    monkeypatch.setattr("bidding.pages.snapshot_now", away)

    assert client.get(room(open_show)).status_code == 200


def test_the_host_walks_through_a_show(client, make_show):
    show = make_show(live=False)
    client.force_login(show.host)

    def step(name):
        page = client.get(reverse("host_auction", args=(show.auction.pk,))).content.decode()
        shown = dict(re.findall(r'name="(lot|v)" value="(\d+)"', page))
        return said(client.post(reverse("host_step", args=(show.auction.pk, name)), shown, follow=True))

    assert step("schedule") == ["Only a draft can be scheduled."]
    assert step("live") == ["You are live."]
    show.store()
    assert step("open") == ["Lot 1 is open."]
    assert step("end") != ["The show is over."]
    show.store()
    assert step("hammer") == ["Fair warning for lot 1. The hammer may fall in ten seconds."]
    assert client.post(reverse("host_step", args=(show.auction.pk, "nonsense"))).status_code == 404
    client.force_login(show.bidders[0].user)
    assert client.post(reverse("host_step", args=(show.auction.pk, "end"))).status_code == 404


def test_a_second_tap_of_the_host_reaches_no_other_lot(client, show, floor):
    """The page names the lot and version that it showed: after something changed its buttons do nothing."""
    client.force_login(show.host)
    page = reverse("host_auction", args=(show.auction.pk,))

    def form(name):
        action = re.escape(reverse("host_step", args=(show.auction.pk, name)))
        shown = rf'action="{action}".*?name="lot" value="(\d+)".*?name="v" value="(\d+)"'
        return partial(said_by_tap, name, *re.search(shown, client.get(page).content.decode()).groups())

    def said_by_tap(name, lot, v="9999"):
        shown = {"lot": lot, "v": v}
        return said(client.post(reverse("host_step", args=(show.auction.pk, name)), shown, follow=True))

    stale = ["Something changed meanwhile. Look again and repeat it if you still mean it."]

    open_it = form("open")
    assert open_it() == ["Lot 1 is open."]
    show.store()
    close_it = form("hammer")
    assert close_it() == ["Fair warning for lot 1. The hammer may fall in ten seconds."]
    floor.hset(AuctionKeys(show.auction.pk).lot, "hammer_at", 1)
    assert close_it() == stale, "it said fair warning, and is not the hammer"
    assert form("hammer")() == ["The hammer fell on lot 1."]
    show.store()

    assert open_it() == stale
    assert form("open")() == ["Lot 2 is open."]
    assert close_it() == ["This lot is not the current one."]
    assert said_by_tap("hammer", "x") == ["This lot is not the current one."]
    assert floor.hget(AuctionKeys(show.auction.pk).lot, "hammer_at") is None


def test_home_makes_as_many_queries_for_many_shows_as_for_one(client, show, django_assert_max_num_queries):
    for number in range(5):
        Auction.objects.create(
            organizer=show.auction.organizer,
            title=f"Past {number}",
            slug=f"past-{number}",
            status=AuctionStatus.ENDED,
            terms=show.auction.terms,
        )

    with django_assert_max_num_queries(12):
        assert client.get("/").status_code == 200


def test_the_room_makes_as_many_queries_for_many_lots_as_for_two(client, open_show, django_assert_max_num_queries):
    for number in range(3, 40):
        Lot.objects.create(
            auction=open_show.auction,
            number=str(number),
            position=number,
            title=f"Lot {number}",
            opening_amount=1_000,
            increments=[[0, 500]],
        )
    client.force_login(open_show.bidders[0].user)
    client.get(reverse("my_bids"))  # the first page of a session notes where it is used

    with django_assert_max_num_queries(18):
        assert client.get(room(open_show)).status_code == 200
