"""The timeline of one lot: every decision with its version, refusals included, and what stays private stays private."""

import csv

import pytest

from accounts.models import Membership, Role, User
from auctions.errors import Refused
from bidding.models import DiscardedEntry, Refusal
from bidding.services import bidder_ban, lot_extend, lot_open, lot_pause, lot_resume, offer_void
from bidding.services.moderation import notice_send
from bidding.tests.conftest import Show
from bidding.tests.test_a_show import bid
from bidding.timeline import Group, timeline_of


def evening(show: Show) -> None:
    """Sell the first lot after a dispute's worth of decisions."""
    lot = show.lots[0]
    bid(show, 2, "75.00", max=True, lot=lot.pk)
    lot_open(lot=lot, actor=show.host)
    bid(show, 0, "20.00")
    bid(show, 1, "12.00")
    bid(show, 0, "90.00", max=True)
    bid(show, 0, "95.00", max=True)
    lot_pause(lot=lot, actor=show.host, reason="host")
    bid(show, 1, "120.00")
    lot_resume(lot=lot, actor=show.host)
    lot_extend(lot=lot, actor=show.host, added_ms=30_000)
    with pytest.raises(Refused):
        lot_resume(lot=lot, actor=show.host)
    offer_void(lot=lot, bidder=show.bidders[2], actor=show.host, reason="dispute")
    notice_send(auction=show.auction, actor=show.host, text="Sorry.")
    bidder_ban(registration=show.bidders[1], actor=show.host)
    show.hammer()
    bid(show, 2, "200.00", lot=lot.pk)
    show.store()


@pytest.fixture
def told(show: Show) -> Show:
    """Return a show whose first lot was sold."""
    evening(show)
    return show


def test_everything_is_there_in_the_order_of_the_log(told):
    lines = timeline_of(told.lots[0], sees_all=True)
    log = [(line.v, line.s) for line in lines if line.group in (Group.BIDS, Group.CLOCK) and line.v is not None]
    assert log == sorted(log)
    words = [line.words for line in lines]
    for wanted in ("Left a maximum", "Raised their maximum", "A bid was refused", "Lot paused", "Bidder banned"):
        assert wanted in words, wanted
    assert [line.words for line in lines if line.group == Group.CLOCK][-1] == "Sold by the hammer"
    refused = [line for line in lines if line.group == Group.REFUSALS]
    assert [line.detail.partition(" ")[0] for line in refused] == ["too_low", "paused", "not_open"]
    assert all(line.v for line in refused)
    assert [line.detail for line in lines if "refused: not_paused" in line.detail], "what the host was refused"
    assert [line.group for line in lines if line.words == "Message to the room"] == [Group.CHAT]


def test_a_line_says_exactly_when_and_at_which_version(told):
    closed = next(line for line in timeline_of(told.lots[0], sees_all=False) if line.words == "Sold by the hammer")
    event = told.auction.events.get(kind="LOT_CLOSED")
    assert (closed.at_ms, closed.v, closed.amount) == (event.at_ms, event.v, told.lots[0].runs.get().hammer_amount)
    assert closed.who.startswith("Paddle 101")


def test_the_house_learns_no_maximum_and_not_what_a_refused_bid_asked_for(told):
    DiscardedEntry.objects.create(
        auction=told.auction,
        epoch="e0",
        v=1,
        kind="MAX_RAISED",
        at_ms=1,
        private=f'{{"lot":{told.lots[0].pk},"x":7500}}',
    )
    told_to_house = str([(line.words, line.amount, line.detail) for line in timeline_of(told.lots[0], sees_all=False)])
    for secret in ("9500", "95.00", "12000", "Given up", "Left a maximum", "Raised"):
        assert secret not in told_to_house, secret
    told_to_staff = str([(line.words, line.amount, line.detail) for line in timeline_of(told.lots[0], sees_all=True)])
    for shown in ("9500", "12000", "Given up", "Left a maximum"):
        assert shown in told_to_staff, shown


def test_nothing_of_another_lot_is_in_it(told):
    lot_open(lot=told.lots[1], actor=told.host)
    bid(told, 2, "30.00")
    bid(told, 0, "1.00")
    told.store()
    Refusal.objects.create(
        auction=told.auction,
        registration=told.bidders[0],
        entry="9-9",
        code="too_low",
        answer=f'{{"code":"too_low","lot":{told.lots[0].pk}9}}',
        v=1,
        at_ms=1,
    )
    first, second = (timeline_of(lot, sees_all=True) for lot in told.lots)
    assert not any(line.amount == 3_000 for line in first)
    assert len([line for line in first if line.group == Group.REFUSALS]) == 3
    assert [line.words for line in second if line.group == Group.REFUSALS] == ["A bid was refused"]


def test_the_number_of_queries_does_not_grow_with_the_bids(show, django_assert_max_num_queries):
    lot_open(lot=show.lots[0], actor=show.host)
    for amount in range(10, 50):
        bid(show, amount % 2, f"{amount * 5}.00")
    show.store()
    with django_assert_max_num_queries(14):
        assert len(timeline_of(show.lots[0], sees_all=True)) > 40


def test_the_page_filters_prints_and_gives_a_file(told, client):
    client.force_login(told.host, backend="django.contrib.auth.backends.ModelBackend")
    address = f"/host/lots/{told.lots[0].pk}/timeline/"
    page = client.get(address).content.decode()
    assert "Sold by the hammer" in page
    assert "Sold by the hammer" not in client.get(f"{address}?kind=refusals").content.decode()
    rows = list(csv.DictReader(client.get(f"/host/lots/{told.lots[0].pk}/timeline.csv").content.decode().splitlines()))
    assert {row["kind"] for row in rows} == {"bids", "refusals", "clock", "host", "chat"}
    closed = next(row for row in rows if row["what"] == "Sold by the hammer")
    assert closed["time_utc"].endswith("+00:00")
    assert closed["version"] == str(told.auction.events.get(kind="LOT_CLOSED").v)


def test_no_cell_of_the_file_is_a_formula(told, client):
    User.objects.filter(pk=told.host.pk).update(display_name="=1+1")
    client.force_login(told.host, backend="django.contrib.auth.backends.ModelBackend")
    text = client.get(f"/host/lots/{told.lots[0].pk}/timeline.csv").content.decode()
    assert "'=1+1" in text
    assert ",=1+1" not in text


def test_the_lot_and_the_admin_lead_to_it(told, client):
    client.force_login(told.host, backend="django.contrib.auth.backends.ModelBackend")
    User.objects.filter(pk=told.host.pk).update(is_staff=True)
    for page in (f"/lots/{told.lots[0].pk}/", f"/admin/auctions/lot/{told.lots[0].pk}/change/"):
        assert f"/host/lots/{told.lots[0].pk}/timeline/" in client.get(page).content.decode(), page
    client.force_login(told.bidders[0].user, backend="django.contrib.auth.backends.ModelBackend")
    assert "timeline/" not in client.get(f"/lots/{told.lots[0].pk}/").content.decode()


def test_a_moderator_does_not_see_it(told, client):
    moderator = User.objects.create_user("m@example.test", "secret-enough")
    Membership.objects.create(organizer=told.auction.organizer, user=moderator, role=Role.MODERATOR)
    client.force_login(moderator, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(f"/host/lots/{told.lots[0].pk}/timeline/").status_code == 404
