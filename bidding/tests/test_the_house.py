"""What the people of the house do beside the desk: bids of the hall and the phone, lots offered again, the rostrum."""

import json
from typing import Any

import pytest
import redis
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.test import Client

from accounts.cognito.services import roles_follow_groups
from accounts.models import Membership, Role, User
from auctions.errors import Refused
from auctions.models import Auction, AuctionModerator, Lot, Registration, RegistrationKind, Sale, SaleStatus
from bidding import protocol
from bidding.models import Bid, BidChannel, Event, Notification
from bidding.replay import verify_auction
from bidding.selectors import on_rostrum, pulse_now, snapshot_now
from bidding.services import (
    bid_enter,
    commands,
    commands_deliver,
    lot_close,
    lot_close_due,
    lot_offer_again,
    lot_open,
    registration_enter,
    registrations_follow_roles,
    rostrum_take,
)
from bidding.tasks import follow_roles
from bidding.tests.conftest import Show
from bidding.tests.rooms import eventually
from bidding.tests.test_a_show import bid


def member(show: Show, role: Role, name: str) -> User:
    """Return somebody of the house."""
    user = User.objects.create_user(f"{name}@example.test", "secret-enough", display_name=name.title())
    Membership.objects.create(organizer=show.auction.organizer, user=user, role=role)
    return user


def enter(show: Show, clerk: User, paddle: int, amount: str, **fields: Any) -> protocol.ServerMessage:
    """Bid for somebody."""
    message = protocol.parse(json.dumps({"type": "BID", "amount": amount, **fields}))
    assert isinstance(message, protocol.PlaceBid)
    return bid_enter(auction=show.auction, paddle=paddle, actor=clerk, message=message)


def by_hand(show: Show) -> None:
    """Let nothing open by itself."""
    Auction.objects.filter(pk=show.auction.pk).update(auto_advance=False)
    show.auction.refresh_from_db()


def run_out(show: Show, lot: Lot) -> None:
    """Let a short lot run to its end, and store what came of it."""
    eventually(lambda: lot_close_due(auction=show.auction, lot_id=lot.pk))
    show.store()


# --- Bids of others ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["floor", "phone", "absentee"])
def test_a_clerk_bids_for_somebody_in_the_hall(show: Show, kind: str) -> None:
    clerk = member(show, Role.CLERK, "carl")
    somebody = registration_enter(auction=show.auction, actor=clerk, kind=RegistrationKind(kind), alias="Row 3")
    assert (somebody.paddle, somebody.user) == (104, None)
    lot_open(lot=show.lots[0], actor=show.host)
    bid(show, 0, "10.00")
    answer = enter(show, clerk, 104, "15.00", id="00000000-0000-4000-8000-00000000000f")
    assert isinstance(answer, protocol.BidAccepted)
    assert answer.standing == "leading"
    assert enter(show, clerk, 104, "15.00", id="00000000-0000-4000-8000-00000000000f") == answer, "once, as any bid"
    show.store()
    stored = Bid.objects.get(amount=1_500)
    assert (stored.channel, stored.entered_by, stored.registration) == (BidChannel(kind), clerk, somebody)
    assert Notification.objects.get().user == show.bidders[0].user
    assert verify_auction(show.auction).problem is None


def test_a_written_bid_is_a_pre_bid_for_the_paddle(show: Show) -> None:
    clerk = member(show, Role.CLERK, "carl")
    registration_enter(auction=show.auction, actor=clerk, kind=RegistrationKind.ABSENTEE)
    left = enter(show, clerk, 104, "80.00", max=True, lot=show.lots[0].pk)
    assert isinstance(left, protocol.BidAccepted)
    lot_open(lot=show.lots[0], actor=show.host)
    assert isinstance(answer := bid(show, 0, "20.00"), protocol.BidAccepted)
    assert answer.standing == "outbid"


def test_a_far_too_high_bid_of_a_clerk_is_asked_after_too(show: Show) -> None:
    clerk = member(show, Role.CLERK, "carl")
    registration_enter(auction=show.auction, actor=clerk, kind=RegistrationKind.PHONE)
    lot_open(lot=show.lots[0], actor=show.host)
    refused = enter(show, clerk, 104, "500.00")
    assert isinstance(refused, protocol.BidRejected)
    assert refused.code == "too_high"
    assert isinstance(enter(show, clerk, 104, "500.00", confirm=refused.confirm), protocol.BidAccepted)


def test_nobody_bids_for_those_who_bid_online_or_are_not_there(show: Show) -> None:
    lot_open(lot=show.lots[0], actor=show.host)
    for paddle, code in ((101, "bids_online"), (999, "no_such_paddle")):
        with pytest.raises(Refused) as refused:
            enter(show, show.host, paddle, "10.00")
        assert refused.value.code == code


@pytest.mark.parametrize("role", [Role.MODERATOR, Role.FINANCE, None])
def test_only_some_of_the_house_enter_bids(show: Show, role: Role | None) -> None:
    clerk = member(show, Role.CLERK, "carl")
    registration_enter(auction=show.auction, actor=clerk, kind=RegistrationKind.FLOOR)
    lot_open(lot=show.lots[0], actor=show.host)
    somebody = member(show, role, "somebody") if role else User.objects.create_user("x@example.test", "secret-enough")
    for attempt in (
        lambda: enter(show, somebody, 104, "10.00"),
        lambda: registration_enter(auction=show.auction, actor=somebody, kind=RegistrationKind.FLOOR),
    ):
        with pytest.raises(Refused) as refused:
            attempt()
        assert refused.value.code == "forbidden"
    assert Registration.objects.filter(user=None).count() == 1


# --- Roles that come and go ------------------------------------------------------------------------------


def joins_the_house(show: Show, user: User) -> None:
    Membership.objects.create(organizer=show.auction.organizer, user=user, role=Role.FINANCE)


def joins_by_a_group_of_the_pool(show: Show, user: User) -> None:
    account = SocialAccount.objects.create(user=user, provider="amazon_cognito", uid="sub")
    roles_follow_groups(account=account, groups=["house"])


def is_named_and_proves_the_address(show: Show, user: User) -> None:
    AuctionModerator.objects.create(auction=show.auction, email="second@example.test", created_by=show.host)
    EmailAddress.objects.create(user=user, email="second@example.test", verified=True)


def runs_the_site(show: Show, user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_superuser=True)


def leaves(show: Show, user: User) -> None:
    Membership.objects.filter(user=user).delete()
    AuctionModerator.objects.all().delete()
    User.objects.filter(pk=user.pk).update(is_superuser=False)


@pytest.mark.parametrize(
    "joins", [joins_the_house, joins_by_a_group_of_the_pool, is_named_and_proves_the_address, runs_the_site]
)
def test_who_begins_to_work_for_the_auction_stops_bidding_in_it(show: Show, settings: Any, joins: Any) -> None:
    settings.COGNITO_GROUP_ROLES = [("house", "northern:clerk")]
    anna = show.bidders[0].user
    assert anna is not None
    assert isinstance(bid(show, 0, "20.00", max=True, lot=show.lots[0].pk), protocol.BidAccepted)
    joins(show, anna)
    follow_roles()
    lot_open(lot=show.lots[0], actor=show.host)
    pulse = snapshot_now(show.auction.pk, show.bidders[0].pk)
    assert pulse.own is not None
    assert (pulse.own.barred, pulse.own.leading) == (True, False), "what they left before the lot opened counts no more"
    refused = bid(show, 0, "10.00")
    assert isinstance(refused, protocol.BidRejected)
    assert refused.code == "own_lot"
    assert isinstance(bid(show, 1, "10.00"), protocol.BidAccepted)
    assert registrations_follow_roles(auction=show.auction) == 0, "once"
    leaves(show, anna)
    follow_roles()
    assert isinstance(bid(show, 0, "15.00"), protocol.BidAccepted)
    show.store()
    assert verify_auction(show.auction).problem is None


def test_while_the_floor_is_away_one_command_waits_for_each(show: Show, floor: redis.Redis, monkeypatch: Any) -> None:
    def gone(*_: Any) -> Any:
        raise redis.ConnectionError("gone")

    for registration in show.bidders[:2]:
        assert registration.user is not None
        joins_the_house(show, registration.user)
    with monkeypatch.context() as patched:
        patched.setattr(commands, "run", gone)
        assert [registrations_follow_roles(auction=show.auction) for _ in range(3)] == [2, 0, 0]
    commands_deliver(auction_id=show.auction.pk)
    standings = [snapshot_now(show.auction.pk, registration.pk).own for registration in show.bidders]
    assert [own is not None and own.barred for own in standings] == [True, True, False]
    assert registrations_follow_roles(auction=show.auction) == 0


def test_the_clock_looks_for_them_often_enough_for_five_seconds() -> None:
    looking: dict[str, Any] = settings.CELERY_BEAT_SCHEDULE["follow_roles"]
    assert looking["task"] == follow_roles.name
    assert looking["schedule"] <= 3
    assert settings.CELERY_TASK_ROUTES[follow_roles.name]["queue"] == "ticks", "mail and images must not delay it"


# --- Again -----------------------------------------------------------------------------------------------


def test_a_lot_that_passed_is_offered_again_as_a_new_run(show: Show) -> None:
    by_hand(show)
    Lot.objects.update(duration_ms=1_000, window_ms=500, extension_ms=500, extension_cap=0)
    first, second = Lot.objects.order_by("position")
    lot_open(lot=first, actor=show.host)
    with pytest.raises(Refused) as refused:
        lot_offer_again(lot=first, actor=show.host)
    assert refused.value.code == "not_passed", "it is up"
    run_out(show, first)
    again = lot_offer_again(lot=first, actor=show.host, opening_amount=500)
    assert pulse_now(show.auction.pk).next_lot_id == first.pk, "it comes next, before the other one"
    assert isinstance(bid(show, 2, "6.00", max=True, lot=first.pk), protocol.BidAccepted), "it takes pre-bids again"
    lot_open(lot=again, actor=show.host)
    with pytest.raises(Refused) as refused:
        lot_open(lot=again, actor=show.host)
    assert refused.value.code == "lot_not_pending", "a second tap opens nothing"
    assert isinstance(bid(show, 0, "12.00"), protocol.BidAccepted)
    run_out(show, first)
    runs = first.runs.order_by("attempt").values_list("attempt", "result", "hammer_amount", "rules__opening")
    assert list(runs) == [(1, "passed", None, 1_000), (2, "sold", 1_200, 500)]
    with pytest.raises(Refused) as refused:
        lot_offer_again(lot=first, actor=show.host)
    assert refused.value.code == "not_passed", "it is sold"
    lot_open(lot=second, actor=show.host)
    show.store()
    assert Sale.objects.get().status == SaleStatus.FINAL
    assert verify_auction(show.auction).problem is None


def test_an_opening_that_failed_can_be_tried_again(show: Show) -> None:
    other = member(show, Role.AUCTIONEER, "olga")
    rostrum_take(auction=show.auction, actor=other)
    with pytest.raises(Refused) as refused:
        lot_open(lot=show.lots[0], actor=show.host)
    assert refused.value.code == "not_on_rostrum"
    lot_open(lot=show.lots[0], actor=other)
    assert pulse_now(show.auction.pk).lot_id == show.lots[0].pk


def test_a_run_that_the_ledger_has_not_stored_keeps_its_rules(show: Show, floor: redis.Redis) -> None:
    by_hand(show)
    first, second = show.lots
    lot_open(lot=first, actor=show.host)
    show.hammer()
    lot_open(lot=second, actor=show.host)
    # The database still believes that the first lot waits.
    first.opening_amount = 9_900
    first.save()
    with pytest.raises(Refused) as refused:
        lot_open(lot=first, actor=show.host)
    assert refused.value.code == "lot_not_pending"
    assert first.runs.get().rules["opening"] == 1_000


# --- The rostrum -----------------------------------------------------------------------------------------


def test_one_person_holds_the_rostrum_and_taking_over_is_visible(show: Show) -> None:
    assert on_rostrum(show.auction.pk) is None
    other = member(show, Role.AUCTIONEER, "olga")
    rostrum_take(auction=show.auction, actor=show.host)
    assert on_rostrum(show.auction.pk) == show.host
    lot_open(lot=show.lots[0], actor=show.host)
    with pytest.raises(Refused) as refused:
        lot_close(lot=show.lots[0], actor=other)
    assert refused.value.code == "not_on_rostrum"
    rostrum_take(auction=show.auction, actor=other)
    with pytest.raises(Refused) as refused:
        lot_close(lot=show.lots[0], actor=show.host)
    assert refused.value.message == "Olga is on the rostrum. Take it first."
    assert on_rostrum(show.auction.pk) == other
    lot_close(lot=show.lots[0], actor=other)
    show.store()
    taken = Event.objects.filter(kind="ROSTRUM").order_by("v", "s").values_list("private", flat=True)
    assert [(entry["actor"], entry["from"]) for entry in map(json.loads, taken)] == [
        (show.host.pk, None),
        (other.pk, show.host.pk),
    ]


# --- By API --------------------------------------------------------------------------------------------


def client_of(user: User) -> Client:
    """Return somebody's browser."""
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_the_house_works_by_api_too(show: Show) -> None:
    by_hand(show)
    clerk = client_of(member(show, Role.CLERK, "carl"))
    house = f"/api/v1/auctions/{show.auction.pk}/house/"
    given = clerk.post(f"{house}paddles/", {"kind": "phone", "alias": "Line 2"}, content_type="application/json")
    assert (given.status_code, given.json()) == (201, {"paddle": 104, "kind": "phone", "alias": "Line 2"})
    lot_open(lot=show.lots[0], actor=show.host)
    body = {"paddle": 104, "amount": "15.00", "id": "00000000-0000-4000-8000-00000000000f"}
    counted = clerk.post(f"{house}bids/", body, content_type="application/json")
    assert (counted.status_code, counted.json()["type"], counted.json()["amount"]) == (200, "BID_ACCEPTED", "15.00")
    low = clerk.post(f"{house}bids/", {"paddle": 104, "amount": "1.00"}, content_type="application/json")
    assert (low.status_code, low.json()["code"]) == (409, "already_leading")
    for wrong, field in (({"amount": "15.00"}, "paddle"), ({"paddle": 104}, "amount"), ({**body, "id": "x"}, "id")):
        refused = clerk.post(f"{house}bids/", wrong, content_type="application/json")
        assert refused.status_code == 400
        assert [error["field"] for error in refused.json()["errors"]] == [field]
    nonsense = clerk.post(f"{house}bids/", {"paddle": 104, "amount": "1e5"}, content_type="application/json")
    assert (nonsense.status_code, nonsense.json()["code"]) == (409, "bad_amount")


def test_offering_again_by_api(show: Show) -> None:
    by_hand(show)
    lot_open(lot=show.lots[0], actor=show.host)
    show.hammer()
    show.store()
    host, url = client_of(show.host), f"/api/v1/lots/{show.lots[0].pk}/offer-again/"
    wrong = host.post(url, {"opening_amount": "five"}, content_type="application/json")
    assert [error["field"] for error in wrong.json()["errors"]] == ["opening_amount"]
    assert host.post(url, {"opening_amount": "5.00"}, content_type="application/json").status_code == 204
    assert Lot.objects.get(pk=show.lots[0].pk).opening_amount == 500
    assert host.post(url, content_type="application/json").status_code == 409
    assert client_of(member(show, Role.CLERK, "carl")).post(url).status_code == 404
    bidder = show.bidders[0].user
    assert bidder is not None
    for path in ("paddles/", "bids/"):
        assert client_of(bidder).post(f"/api/v1/auctions/{show.auction.pk}/house/{path}").status_code == 404
