"""Closing an account: what stands in the way, what goes everywhere, what stays; and one's data to take along."""

import json
from pathlib import Path

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import HostRequest, Membership, Role, Strike, User
from auctions import services as catalogue
from auctions.errors import Refused
from auctions.models import AuctionModerator, AuctionStatus, Invitation, Order, Sale
from bidding.engine import calls
from bidding.engine.outcomes import BidAccepted
from bidding.engine.runner import run
from bidding.models import Bid, ChatMessage, ModeratorNote, Mute
from bidding.personal_data import personal_data
from bidding.protocol import CloseCode
from bidding.services import auction_end, lot_open
from bidding.services.leaving import account_close, closing_hindrances
from bidding.tests.rooms import RoomServer, page

NAME, EMAIL, SECOND, ADDRESS = "Annabel Unmistakable", "anna@example.test", "second@example.test", "7 Telltale Lane"


@pytest.fixture
def anna(show, settings, tmp_path):
    """Return a bidder about whom everything is known that can be."""
    settings.MEDIA_ROOT = tmp_path
    user = show.bidders[0].user
    user.display_name, user.delivery_address = NAME, ADDRESS
    user.avatar.save("x.webp", ContentFile(b"picture"), save=False)
    user.save()
    show.bidders[0].alias = NAME
    show.bidders[0].save()
    for email in (EMAIL, SECOND):
        EmailAddress.objects.create(user=user, email=email, verified=True, primary=email == EMAIL)
    SocialAccount.objects.create(user=user, provider="amazon_cognito", uid="s-u-b", extra_data={"name": NAME})
    Authenticator.objects.create(user=user, type="totp", data={})
    HostRequest.objects.create(user=user, house=NAME, about=f"Lamps of {NAME}")
    Strike.objects.create(
        user=user, reason="unpaid", note=f"{NAME} again", expires_at="2099-01-01T00:00Z", created_by=show.host
    )
    Mute.objects.create(auction=show.auction, user=user, reason="spam", note=f"{NAME} again", created_by=show.host)
    ModeratorNote.objects.create(
        organizer=show.auction.organizer, user=user, text=f"{NAME} is loud", created_by=show.host
    )
    Invitation.objects.create(auction=show.auction, email=SECOND)
    other = catalogue.auction_create(actor=show.host, organizer=show.auction.organizer, title="Another night")
    AuctionModerator.objects.create(auction=other, email=EMAIL, created_by=show.host)
    Membership.objects.create(organizer=show.auction.organizer, user=user, role=Role.CLERK)
    ChatMessage.objects.create(
        auction=show.auction, user=user, entry="1-1", author=NAME, paddle=101, text="A fine lamp.", at_ms=1
    )
    return user


def bid(floor, show, who, amount):
    answer = run(floor, calls.place_bid(show.auction.pk, calls.BidOffer(show.bidders[who].pk, amount))).answer
    assert isinstance(answer, BidAccepted)


def everything():
    """Return every value of every row of the database as one text."""
    texts = []
    with connection.cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            cursor.execute(f'SELECT * FROM "{model._meta.db_table}"')
            texts += [str(row) for row in cursor.fetchall()]
    return "\n".join(texts)


def test_the_name_the_addresses_and_every_way_in_are_gone_from_the_whole_database(show, floor, anna, client, staff):
    client.force_login(staff)
    form = client.get(reverse("admin:accounts_user_change", args=[anna.pk])).context["adminform"].form.initial
    data = {name: value for name, value in form.items() if isinstance(value, str)} | {"is_active": "on"}
    rows = {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}
    client.post(reverse("admin:accounts_user_change", args=[anna.pk]), data | rows | {"display_name": NAME})
    browser = Client()
    browser.force_login(anna)
    browser.get("/")
    assert UserSession.objects.filter(user=anna).exists()
    lot_open(lot=show.lots[0], actor=show.host)
    bid(floor, show, 0, 1_000)
    bid(floor, show, 1, 1_500)
    show.store()
    picture = anna.avatar.path

    account_close(user=anna)

    left = everything()
    for told in (NAME, EMAIL, SECOND, ADDRESS, "s-u-b", "is loud"):
        assert told not in left, told
    anna.refresh_from_db()
    assert (anna.email, anna.is_active, anna.has_usable_password()) == (None, False, False)
    assert str(anna) == f"#{anna.pk}"
    assert not Session.objects.filter(session_key=browser.session.session_key).exists()
    assert not Path(picture).exists()
    assert browser.get(reverse("profile")).status_code == 302
    # What others rely on stays, under the paddle.
    assert Bid.objects.filter(registration=show.bidders[0]).count() == 1
    show.bidders[0].refresh_from_db()
    assert (show.bidders[0].paddle, show.bidders[0].user_id) == (101, anna.pk)
    said = ChatMessage.objects.get(entry="1-1")
    assert (said.author, said.text) == ("Paddle 101", "A fine lamp.")
    assert Strike.objects.filter(user=anna, reason="unpaid").exists()
    assert Mute.objects.filter(user=anna).exists()


def test_closing_twice_is_fine_and_the_address_is_free_again(show, anna):
    account_close(user=anna)
    account_close(user=User.objects.get(pk=anna.pk))
    assert User.objects.create_user(EMAIL).pk != anna.pk


def test_the_floor_takes_no_bid_of_a_closed_account(show, floor, anna):
    lot_open(lot=show.lots[0], actor=show.host)
    account_close(user=anna)
    answer = run(floor, calls.place_bid(show.auction.pk, calls.BidOffer(show.bidders[0].pk, 1_000))).answer
    assert answer.code == "not_registered"


def test_a_seat_ends_and_its_name_leaves_the_chat_of_other_pages(show):
    boris = show.bidders[1]
    boris.alias = NAME
    boris.save()
    with RoomServer() as server, page(server, show.auction.pk) as other:
        other.until("STATE")
        with page(server, show.auction.pk, user=boris.user) as seat:
            seat.until("STATE")
            seat.send("CHAT", text="It is me.")
            line = other.until("CHAT")["line"]
            assert line["author"] == NAME
            account_close(user=boris.user)
            assert seat.close_code() == CloseCode.SIGNED_OUT
        other.until("CHAT_REMOVED", id=line["id"])
        with page(server, show.auction.pk) as later:
            assert NAME not in json.dumps(later.until("STATE"))
    assert ChatMessage.objects.get().author == "Paddle 102"


# --- What stands in the way ------------------------------------------------------------------------------


def refused(user):
    with pytest.raises(Refused) as refusal:
        account_close(user=user)
    user.refresh_from_db()
    assert user.is_active
    assert user.email
    return refusal.value.message


def test_not_while_one_leads_a_lot(show, floor):
    user = show.bidders[0].user
    lot_open(lot=show.lots[0], actor=show.host)
    bid(floor, show, 0, 1_000)
    assert "You lead a lot in “Friday night”." in refused(user)
    bid(floor, show, 1, 1_500)
    assert closing_hindrances(user) == []


def test_not_while_pre_bids_wait(make_show, floor):
    show = make_show(live=False)
    offer = calls.BidOffer(show.bidders[0].pk, 5_000, lot_id=show.lots[0].pk, is_maximum=True)
    assert isinstance(run(floor, calls.place_bid(show.auction.pk, offer)).answer, BidAccepted)
    assert "lots that come" in refused(show.bidders[0].user)


def test_not_while_a_lot_won_or_an_order_waits(show, floor):
    user = show.bidders[0].user
    lot_open(lot=show.lots[0], actor=show.host)
    bid(floor, show, 0, 1_000)
    show.hammer()
    show.store()
    assert Sale.objects.filter(buyer=show.bidders[0], status="provisional").exists()
    refused(user)
    auction_end(auction=show.auction, actor=show.host)
    show.store()
    assert show.auction.status == AuctionStatus.ENDED
    order = Order.objects.get(buyer=show.bidders[0])
    for status, word in (("awaiting_payment", "not paid"), ("unpaid", "not paid"), ("paid", "not sent yet")):
        Order.objects.filter(pk=order.pk).update(status=status)
        assert word in refused(user)
    Order.objects.filter(pk=order.pk).update(status="done", delivery_address=ADDRESS)
    account_close(user=user)
    order.refresh_from_db()
    assert (order.buyer, order.delivery_address) == (show.bidders[0], "")


def test_not_while_one_is_the_last_owner_of_a_house(show):
    assert "last owner of “House”" in refused(show.host).replace(str(show.auction.organizer), "House")
    heir = User.objects.create_user("heir@example.test")
    Membership.objects.create(organizer=show.auction.organizer, user=heir, role=Role.OWNER)
    account_close(user=show.host)
    assert not Membership.objects.filter(user=show.host).exists()


def test_not_while_the_floor_cannot_be_asked(show, floor):
    floor.flushall()
    assert "cannot see right now" in refused(show.bidders[0].user)


# --- The pages -------------------------------------------------------------------------------------------


@pytest.fixture
def signed_in(client, anna):
    Authenticator.objects.all().delete()
    client.force_login(anna)
    client.post(reverse("account_reauthenticate"), {"password": "secret-enough"})
    return client


def test_the_page_asks_for_the_password_first(client, anna):
    client.force_login(anna)
    session = client.session
    session["account_authentication_methods"] = []
    session.save()
    response = client.post(reverse("profile_close"), {"understood": "on"})
    assert response.status_code == 302
    assert "/reauthenticate/" in response["Location"]
    anna.refresh_from_db()
    assert anna.closed_at is None


def test_the_page_closes_the_account_once_that_is_understood(signed_in, anna):
    url = reverse("profile_close")
    assert signed_in.get(url).status_code == 200
    assert signed_in.post(url).status_code == 422
    response = signed_in.post(url, {"understood": "on"}, follow=True)
    assert "Your account is closed." in response.content.decode()
    assert not response.context["user"].is_authenticated
    anna.refresh_from_db()
    assert anna.closed_at is not None


def test_the_page_says_what_stands_in_the_way(signed_in, floor, show):
    lot_open(lot=show.lots[0], actor=show.host)
    bid(floor, show, 0, 1_000)
    for response in (
        signed_in.get(reverse("profile_close")),
        signed_in.post(reverse("profile_close"), {"understood": "on"}),
    ):
        assert "You lead a lot" in response.content.decode()


def test_the_data_holds_everything_of_the_person_and_nothing_of_others(signed_in, floor, show, anna):
    lot_open(lot=show.lots[0], actor=show.host)
    bid(floor, show, 0, 1_000)
    bid(floor, show, 1, 1_500)
    show.store()
    response = signed_in.get(reverse("profile_data"))
    assert response["Content-Disposition"] == 'attachment; filename="personal-data.json"'
    assert "no-store" in response["Cache-Control"]
    text = response.content.decode()
    data = response.json()
    assert data["account"]["email"] == EMAIL
    assert data["account"]["delivery_address"] == ADDRESS
    assert {row["email"] for row in data["sign_in"]["addresses"]} == {EMAIL, SECOND}
    assert [row["uid"] for row in data["sign_in"]["accounts"]] == ["s-u-b"]
    (registration,) = data["registrations"]
    assert [row["amount"] for row in registration["bids"]] == ["10.00"]
    assert [row["text"] for row in data["chat"]] == ["A fine lamp."]
    assert [(row["reason"], set(row)) for row in data["mutes"]] == [
        ("spam", {"auction", "reason", "created_at", "until", "lifted_at"})
    ]
    assert [row["reason"] for row in data["strikes"]] == ["unpaid"]
    assert [row["kind"] for row in data["notifications"]] == ["outbid"]
    for hidden in ("again", "is loud", "boris", show.host.email, '15.00",\n          "automatic'):
        assert hidden not in text, hidden


def test_nobody_takes_anothers_data_along(show, anna):
    assert EMAIL not in json.dumps(personal_data(show.bidders[1].user), default=str)
