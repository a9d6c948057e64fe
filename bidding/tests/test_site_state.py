"""The state of the site: each trouble is seen and says what to do, and a well site has none."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from redis.exceptions import ConnectionError as Away

from accounts.models import User
from auctions.models import FloorCommand, PictureWatch
from bidding import pages_site
from bidding.engine.keys import AuctionKeys
from bidding.models import LedgerPosition
from bidding.pages_site import site_state
from bidding.services import lot_open
from bidding.tests.conftest import Show
from bidding.tests.test_a_show import bid


def troubles(show: Show) -> list[str]:
    (state,) = [each for each in site_state().shows if each.auction == show.auction]
    return [trouble.what for trouble in state.troubles]


def test_a_show_that_runs_has_no_trouble(show):
    lot_open(lot=show.lots[0], actor=show.host)
    bid(show, 0, "20.00")
    show.store()
    state = site_state()
    assert state.is_well
    assert [(each.behind, each.late_ms) for each in state.shows] == [(0, 0)]


def test_a_lot_past_its_end_is_stuck(show):
    lot_open(lot=show.lots[0], actor=show.host)
    show.store()
    show.end_lot_now()
    (what,) = troubles(show)
    assert "past its end and not closed" in what


def test_a_lot_that_no_clock_looks_at_is_seen(show, floor):
    lot_open(lot=show.lots[0], actor=show.host)
    show.store()
    floor.hset(AuctionKeys(show.auction.pk).lot, "beat", 1)
    (what,) = troubles(show)
    assert what.startswith("No clock has looked at lot 1 for")


def test_the_look_itself_is_no_clock(show, floor):
    lot_open(lot=show.lots[0], actor=show.host)
    floor.hset(AuctionKeys(show.auction.pk).lot, "beat", 1)
    site_state()
    assert floor.hget(AuctionKeys(show.auction.pk).lot, "beat") == b"1", "an outage would not be made good"


def test_a_ledger_that_stands_is_seen_after_a_while(show):
    lot_open(lot=show.lots[0], actor=show.host)
    bid(show, 0, "20.00")
    assert troubles(show) == [], "it has a moment"
    LedgerPosition.objects.filter(auction=show.auction).update(updated_at=timezone.now() - timedelta(minutes=1))
    assert troubles(show) == ["2 entries are not stored."]


def test_a_floor_that_forgot_the_show_is_seen(show, floor):
    floor.flushall()
    assert troubles(show) == ["The floor does not know this auction."]


def test_commands_that_wait_and_a_lost_picture_are_seen(show):
    command = FloorCommand.objects.create(auction=show.auction, kind="registration", payload={})
    assert troubles(show) == []
    FloorCommand.objects.filter(pk=command.pk).update(created_at=timezone.now() - timedelta(minutes=1))
    PictureWatch.objects.create(auction=show.auction, lost_at=timezone.now())
    assert troubles(show) == ["1 command waits for the floor.", "The picture is lost."]


@pytest.mark.parametrize(("server", "said"), [("floor", "every bid is refused"), ("side", "no clock, no chat")])
def test_a_server_that_is_away_is_said_and_the_page_stands(show, staff, monkeypatch, server, said):
    def away() -> None:
        raise Away

    monkeypatch.setattr(pages_site, server, away)
    assert [trouble.what for trouble in site_state().troubles if said in trouble.what]
    client = Client()
    client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    assert said in client.get("/host/site/").content.decode()


def test_a_long_queue_is_seen(show, side):
    side.rpush("images", *range(pages_site.WAITING + 1))
    (trouble,) = site_state().troubles
    assert "queue images" in trouble.what


def test_a_host_has_no_such_page(show):
    User.objects.filter(pk=show.host.pk).update(is_staff=True)
    client = Client()
    client.force_login(show.host, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/host/site/").status_code == 404
