"""Bidding without scripts: what the room says as it was made, what a form offers, and what is said to a refused one."""

import re
import uuid
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from auctions.models import LotStatus
from bidding import services
from bidding.models import Bid
from bidding.tests.conftest import Show

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def open_show(show: Show) -> Show:
    """Return the live show with its first lot open."""
    services.lot_open(lot=show.lots[0], actor=show.host)
    show.store()
    return show


def sign_in(client: Client, show: Show, who: int = 0) -> None:
    user = show.bidders[who].user
    assert user is not None
    client.force_login(user)


def look(client: Client, show: Show) -> Any:
    return client.get(reverse("room", args=(show.auction.slug,)))


def offer(client: Client, show: Show, amount: str, **more: str) -> Any:
    form = {"amount": amount, "lot": str(show.lots[0].pk), "id": str(uuid.uuid4())} | more
    return client.post(reverse("bid", args=(show.auction.slug,)), form, follow=True)


def face(response: Any) -> tuple[str, str]:
    return response.context["still"].face.look, response.context["still"].face.title


def strip(response: Any) -> tuple[str, str]:
    return response.context["still"].strip.look, response.context["still"].strip.text


def test_the_room_says_how_one_stands(client: Client, open_show: Show) -> None:
    stranger = look(client, open_show)
    assert face(stranger) == ("outline", "Get your paddle")
    assert stranger.context["still"].face.note == "€10 · you pay €12.00"
    assert "€10 · you pay €12.00" in stranger.content.decode()
    sign_in(client, open_show)
    mine = look(client, open_show)
    assert (face(mine), strip(mine)) == (("ready", "Bid €10"), ("quiet", "You are paddle 101"))
    assert mine.context["still"].face.note == "you pay €12.00"

    led = offer(client, open_show, "10")
    assert (face(led), strip(led)) == (("leading", "You lead at €10"), ("lead", "You lead at €10"))

    sign_in(client, open_show, 1)
    offer(client, open_show, "20")
    sign_in(client, open_show)
    outbid = look(client, open_show)
    assert (face(outbid), strip(outbid)) == (("outbid", "Bid €25"), ("out", "Outbid at €20"))


def test_the_room_says_what_became_of_the_lot(client: Client, open_show: Show) -> None:
    sign_in(client, open_show)
    offer(client, open_show, "10")
    services.lot_pause(lot=open_show.lots[0], actor=open_show.host, reason="technical")
    assert face(look(client, open_show)) == ("sunk", "Paused by the host")
    services.lot_resume(lot=open_show.lots[0], actor=open_show.host)
    open_show.end_lot_now()
    assert face(look(client, open_show)) == ("sunk", "Closing…"), "nobody has closed it yet"
    services.lot_close_due(auction=open_show.auction, lot_id=open_show.lots[0].pk)

    assert face(look(client, open_show)) == ("won", "Won at €10")
    sign_in(client, open_show, 1)
    assert face(look(client, open_show)) == ("sunk", "Sold at €10")
    client.force_login(open_show.host)
    assert face(look(client, open_show)) == ("sunk", "You run this show")


def test_the_room_says_what_was_left_when_it_was_made(client: Client, open_show: Show) -> None:
    text = look(client, open_show).content.decode()
    assert re.search(r"\b[01]:\d\d <span class=\"made\">left at \d\d:\d\d:\d\d</span>", text)
    assert "every 10 seconds by itself" in text
    assert '<meta http-equiv="refresh"' not in text, "who writes an amount is not interrupted"
    watched = client.get(reverse("room", args=(open_show.auction.slug,)), {"watch": "1"}).content.decode()
    assert '<noscript><meta http-equiv="refresh" content="10"></noscript>' in watched


def test_a_refusal_stands_at_the_form(client: Client, open_show: Show) -> None:
    sign_in(client, open_show)

    refused = offer(client, open_show, "€ 5")

    assert refused.status_code == 422
    assert strip(refused) == ("out", "Bid at least €10.00.")
    text = refused.content.decode()
    assert 'class="strip out wraps" data-room="strip" role="alert"' in text
    assert re.search(r'id="plain-amount"[^>]* value="5" aria-invalid="true"', text)


def test_a_jump_is_confirmed_by_a_second_form(client: Client, open_show: Show) -> None:
    sign_in(client, open_show)

    asked = offer(client, open_show, "500")

    assert face(asked) == ("jump", "Confirm €500")
    assert strip(asked) == ("out", "That is far above the price. Confirm it if you mean it.")
    hidden = dict(re.findall(r'name="(confirm|offered|id|lot)" value="([^"]*)"', bidbox(asked)))
    hidden.pop("offered")
    assert Bid.objects.count() == 0
    another = offer(client, open_show, "600", **hidden)
    assert face(another) == ("jump", "Confirm €600"), "a confirmation is of one amount"

    confirmed = offer(client, open_show, "500", **{**hidden, "id": str(uuid.uuid4())})

    assert face(confirmed) == ("leading", "You lead at €500")


def bidbox(response: Any) -> str:
    """Return the form of the large button."""
    return re.findall(r'<form class="bidbox".*?</form>', response.content.decode(), re.DOTALL)[0]


def test_a_maximum_bids_for_one(client: Client, open_show: Show) -> None:
    sign_in(client, open_show)
    assert face(offer(client, open_show, "50", max="on")) == ("leading", "You lead at €10")
    sign_in(client, open_show, 1)

    beaten = offer(client, open_show, "20")

    assert strip(beaten) == ("out", "Outbid at €25")
    assert [str(message) for message in beaten.context["messages"]] == ["Your bid counted, and was outbid at once."]
    open_show.store()
    assert open_show.lots[0].runs.get().status == LotStatus.OPEN


def test_a_jump_of_a_maximum_stays_one(client: Client, open_show: Show) -> None:
    sign_in(client, open_show)
    asked = offer(client, open_show, "500", max="on")
    assert 'name="max" value="on"' in bidbox(asked)


def test_a_form_that_comes_after_the_show_is_answered(client: Client, open_show: Show) -> None:
    open_show.hammer()
    open_show.store()
    services.auction_end(auction=open_show.auction, actor=open_show.host)
    open_show.store()
    sign_in(client, open_show)

    late = offer(client, open_show, "10")

    assert late.status_code == 200
    assert [str(message) for message in late.context["messages"]] == ["This lot is not open."]
