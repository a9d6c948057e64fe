"""A lot's page before it is over: a maximum left for its opening, what one would pay, its price while it is open."""

import re
import uuid
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from auctions.models import Auction, AuctionStatus, Lot, LotStatus, LotWatch, ShippingProfile, TaxRule
from bidding import services
from bidding.tests.conftest import Show
from bidding.tests.test_a_show import bid

pytestmark = pytest.mark.django_db(transaction=True)


def sign_in(client: Client, show: Show, who: int = 0) -> None:
    user = show.bidders[who].user
    assert user is not None
    client.force_login(user)


def look(client: Client, lot: Lot, **query: str) -> Any:
    return client.get(reverse("lot", args=(lot.pk,)), query)


def leave(client: Client, lot: Lot, amount: str, **more: str) -> Any:
    form = {"amount": amount, "id": str(uuid.uuid4())} | more
    return client.post(reverse("pre_bid", args=(lot.pk,)), form, follow=True)


def said(response: Any) -> list[str]:
    return [str(message) for message in response.context["messages"]]


# --- A maximum for later -------------------------------------------------------------------------------


def test_a_maximum_is_left_raised_and_bids_at_the_opening(client: Client, show: Show) -> None:
    lot = show.lots[1]
    sign_in(client, show)
    assert look(client, lot).context["offer"].pre_bid.own is None

    left = leave(client, lot, "50")

    assert said(left) == ["Your maximum of €50 is set. It bids for you as soon as the lot opens."]
    assert "Your maximum is €50" in left.content.decode()
    refused = leave(client, lot, "€ 40")
    assert (refused.status_code, refused.context["refused"].message) == (422, "Bid at least €50.01.")
    assert re.search(r'id="pre-bid-amount"[^>]* value="40" aria-invalid="true"', refused.content.decode())
    leave(client, lot, "80")
    assert look(client, lot).context["offer"].pre_bid.own == 8_000
    sign_in(client, show, 1)
    assert look(client, lot).context["offer"].pre_bid.own is None
    leave(client, lot, "60")

    services.lot_open(lot=lot, actor=show.host)
    show.store()

    opened = look(client, lot).context["offer"]
    assert (opened.takes_pre_bids, opened.floor.lot.current_amount) == (False, "65.00")
    assert opened.floor.lot.leader.paddle == show.bidders[0].paddle


def test_it_can_be_left_before_the_show(client: Client, make_show: Any) -> None:
    show = make_show(live=False)
    sign_in(client, show)
    assert said(leave(client, show.lots[0], "50")) == [
        "Your maximum of €50 is set. It bids for you as soon as the lot opens."
    ]


def test_a_maximum_far_above_is_confirmed_at_the_form(client: Client, show: Show) -> None:
    sign_in(client, show)

    asked = leave(client, show.lots[1], "500")

    assert asked.status_code == 422
    text = asked.content.decode()
    assert "That is far above the price. Confirm it if you mean it." in text
    assert "Confirm it</button>" in text
    confirm = re.findall(r'name="confirm" value="([^"]+)"', text)[0]
    assert look(client, show.lots[1]).context["offer"].pre_bid.own is None
    leave(client, show.lots[1], "500", confirm=confirm)
    assert look(client, show.lots[1]).context["offer"].pre_bid.own == 50_000


def test_it_needs_a_paddle_and_says_how_to_get_one(client: Client, show: Show) -> None:
    paddle = reverse("paddle", args=(show.auction.slug,))
    for user in (None, User.objects.create_user("stranger@example.test", "secret-enough")):
        if user is not None:
            client.force_login(user)
        page = look(client, show.lots[1])
        assert page.context["offer"].pre_bid is None
        assert f'href="{paddle}">Get your paddle' in page.content.decode()
    assert client.post(reverse("pre_bid", args=(show.lots[1].pk,)), {"amount": "50"}).headers["Location"] == paddle


def test_who_runs_the_show_is_offered_none(client: Client, show: Show) -> None:
    client.force_login(show.host)
    page = look(client, show.lots[1])
    assert page.context["offer"].takes_pre_bids is False
    assert "Bid before it opens" not in page.content.decode()


@pytest.mark.parametrize("status", [AuctionStatus.ENDED, AuctionStatus.CANCELLED])
def test_a_show_that_is_over_takes_none(client: Client, show: Show, status: str) -> None:
    Auction.objects.filter(pk=show.auction.pk).update(status=status)
    sign_in(client, show)
    assert look(client, show.lots[1]).context["offer"].takes_pre_bids is False


@pytest.mark.parametrize("form", [{}, {"amount": "50", "id": "nope"}, {"amount": '"', "id": ""}])
def test_nonsense_is_a_sentence(client: Client, show: Show, form: dict[str, str]) -> None:
    sign_in(client, show)
    response = client.post(reverse("pre_bid", args=(show.lots[1].pk,)), form, follow=True)
    assert response.status_code == 200
    assert said(response) == ["That was no bid. Please try again from the page as it is now."]


def test_nobody_is_shown_anothers_maximum(client: Client, show: Show) -> None:
    sign_in(client, show)
    leave(client, show.lots[1], "77.77")
    client.logout()
    for path in (reverse("lot", args=(show.lots[1].pk,)), reverse("room", args=(show.auction.slug,))):
        assert "77.77" not in client.get(path).content.decode()


def test_a_lot_that_is_gone_can_be_let_go_of_but_not_watched_any_more(client: Client, show: Show) -> None:
    sold, withdrawn = show.lots
    services.lot_open(lot=sold, actor=show.host)
    bid(show, 0, "20.00")
    show.hammer()
    show.store()
    assert show.bidders[1].user is not None
    client.force_login(show.bidders[1].user)

    def is_offered(lot: Lot) -> bool:
        page = client.get(reverse("lot", args=(lot.pk,))).content.decode()
        return f'action="{reverse("lot_watch", args=(lot.pk,))}"' in page

    assert is_offered(withdrawn)
    Lot.objects.filter(pk=withdrawn.pk).update(status=LotStatus.WITHDRAWN)
    for lot in (sold, withdrawn):
        assert not is_offered(lot)
        LotWatch.objects.create(user=show.bidders[1].user, lot=lot)
        assert is_offered(lot)


def test_the_page_holds_while_the_floor_is_away(client: Client, show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any) -> None:
        raise OSError("away")

    monkeypatch.setattr("bidding.pages_lot.snapshot_now", away)
    sign_in(client, show)
    page = look(client, show.lots[1])
    assert page.status_code == 200
    assert "Bids cannot be taken right now." in page.content.decode()


# --- What one would pay --------------------------------------------------------------------------------


def test_the_costs_are_worked_out(client: Client, show: Show) -> None:
    organizer = show.auction.organizer
    Lot.objects.filter(pk=show.lots[1].pk).update(
        tax_rule=TaxRule.objects.create(organizer=organizer, name="VAT", rate_bp=1_900),
        shipping=ShippingProfile.objects.create(organizer=organizer, name="Parcel", first_item=650),
        estimate_low=5_000,
    )

    def costs(**query: str) -> tuple[int, int, int, int | None, int]:
        found = look(client, show.lots[1], **query).context["costs"]
        return found.price.hammer, found.price.premium, found.price.tax, found.delivery, found.total

    assert costs() == (5_000, 1_000, 1_140, 650, 7_790)
    assert costs(at="1,000.00") == (100_000, 20_000, 22_800, 650, 143_450)
    wrong = look(client, show.lots[1], at="<b>")
    assert wrong.context["costs"].is_wrong
    assert "That is not an amount in EUR. Write it" in wrong.content.decode()
    assert "<b>" not in wrong.content.decode().split('id="costs"')[1].split("</form>")[0]


def test_where_delivery_is_arranged_it_is_said(client: Client, show: Show) -> None:
    page = look(client, show.lots[1])
    assert page.context["costs"].delivery is None
    assert "By arrangement with the host" in page.content.decode()


# --- While it is open ----------------------------------------------------------------------------------


def test_the_price_and_the_clock_are_as_the_page_was_made(client: Client, show: Show) -> None:
    services.lot_open(lot=show.lots[0], actor=show.host)
    show.store()
    text = look(client, show.lots[0]).content.decode()
    assert re.search(r"\b[01]:\d\d <span class=\"made\">left at \d\d:\d\d:\d\d</span>", text)
    assert "Bid in the room" in text
    assert "style=" not in text
