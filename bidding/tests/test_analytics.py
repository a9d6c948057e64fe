"""How a show went: every figure against what was done, drawn and as a table; few queries for many bids."""

import csv
from datetime import UTC, datetime

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Membership, Role, User
from auctions.models import Lot, LotRun
from bidding.analytics import Analytics, analytics_of
from bidding.engine.outcomes import Pulse
from bidding.engine.side import RoomKeys
from bidding.models import AudienceSample
from bidding.selectors import pulse_now
from bidding.services import lot_open
from bidding.services.audience import audience_note
from bidding.tasks import _beat
from bidding.tests.conftest import Show
from bidding.tests.test_a_show import bid


def evening(show: Show) -> Analytics:
    """Sell one of two lots between two of three bidders."""
    Lot.objects.filter(pk=show.lots[0].pk).update(estimate_low=4_000, estimate_high=6_000)
    lot_open(lot=show.lots[0], actor=show.host)
    bid(show, 0, "20.00")
    bid(show, 1, "40.00")
    show.hammer()
    show.store()
    lot_open(lot=show.lots[1], actor=show.host)
    show.hammer()
    show.store()
    return analytics_of(show.auction)


def test_the_figures_are_what_was_done(show):
    AudienceSample.objects.create(auction=show.auction, minute=1, people=6)
    found = evening(show)
    assert (found.sold, len(found.lines), found.sell_through) == (1, 2, 5_000)
    assert (found.hammer, found.bids, found.extensions) == (4_000, 2, 0)
    assert (found.estimate, found.against_estimate) == (5_000, 8_000)
    assert [(step.people, step.share) for step in found.steps] == [(6, None), (3, 5_000), (2, 6_700), (1, 5_000)]
    assert [(bar.lots, bar.amount) for bar in found.hours] == [(1, 4_000)]
    assert [(line.bids, line.bidders, line.against_estimate) for line in found.lines] == [(2, 2, 8_000), (0, 0, None)]


def test_a_bid_that_was_taken_back_counts_no_more(show):
    evening(show)
    show.lots[0].runs.get().bids.filter(amount=2_000).update(voided_at_v=9)
    found = analytics_of(show.auction)
    assert (found.bids, found.steps[1].people) == (1, 1)


def test_an_hour_is_that_of_the_auctions_own_zone(show):
    show.auction.time_zone = "Asia/Kathmandu"
    show.auction.save()
    evening(show)
    # 18:40 UTC is 00:25 of the next day there.
    closed = datetime(2026, 11, 21, 18, 40, tzinfo=UTC)
    LotRun.objects.filter(status="sold").update(closed_at_ms=round(closed.timestamp() * 1_000))
    (bar,) = analytics_of(show.auction).hours
    assert (bar.hour.hour, bar.hour.minute, str(bar.hour.tzinfo)) == (0, 0, "Asia/Kathmandu")


def test_the_number_of_queries_does_not_grow_with_bids_and_lots(show, django_assert_num_queries):
    evening(show)
    with django_assert_num_queries(7):
        analytics_of(show.auction)
    for number in range(3, 6):
        lot = Lot.objects.create(
            auction=show.auction,
            number=str(number),
            position=number,
            title="x",
            opening_amount=1_000,
            increments=[[0, 500]],
        )
        lot_open(lot=lot, actor=show.host)
        for amount in range(20, 30):
            bid(show, amount % 2, f"{amount * 5}.00")
        show.hammer()
        show.store()
    with django_assert_num_queries(7):
        assert analytics_of(show.auction).bids == 32


# --- People in the room ----------------------------------------------------------------------------------


def test_a_minute_is_noted_once_and_counts_every_process_that_lives(show, side):
    now_ms = 60_000 * 1_000 + 5
    side.hset(RoomKeys(show.auction.pk).people, mapping={"a": f"3 {now_ms + 1}", "b": f"4 {now_ms}", "dead": "9 1"})
    assert audience_note(auction_id=show.auction.pk, now_ms=now_ms)
    assert not audience_note(auction_id=show.auction.pk, now_ms=now_ms + 54_000)
    assert audience_note(auction_id=show.auction.pk, now_ms=now_ms + 60_000)
    assert list(AudienceSample.objects.values_list("minute", "people")) == [(1_000, 7), (1_001, 0)]


def test_the_heartbeat_of_a_show_notes_it(show, side):
    pulse: Pulse = pulse_now(show.auction.pk)
    _beat(pulse, show.auction.pk)
    assert AudienceSample.objects.get().minute == pulse.now_ms // 60_000


def test_the_line_is_drawn_within_its_frame_and_its_table_is_short(show):
    for minute in range(300):
        AudienceSample.objects.create(auction=show.auction, minute=minute, people=minute % 50)
    audience = analytics_of(show.auction).audience
    assert audience is not None
    assert audience.peak == 49
    assert len(audience.samples) <= 12
    numbers = [float(part) for part in audience.path.replace("M", " ").replace("H", " ").replace("V", " ").split()]
    assert min(numbers) >= 0
    assert max(numbers) <= 400


# --- The page ------------------------------------------------------------------------------------------


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_the_page_draws_and_tells_and_gives_a_file(show):
    AudienceSample.objects.create(auction=show.auction, minute=timezone.now().timestamp() // 60, people=6)
    evening(show)
    client = signed_in(show.host)
    text = client.get(f"/host/auctions/{show.auction.pk}/analytics/").content.decode()
    for shown in ("50\u00a0%", "80\u00a0%", "The same as a table", "<svg", "no bids"):
        assert shown in text, shown
    rows = list(
        csv.DictReader(client.get(f"/host/auctions/{show.auction.pk}/analytics.csv").content.decode().splitlines())
    )
    assert [(row["number"], row["result"], row["hammer"], row["bids"]) for row in rows] == [
        ("1", "sold", "40.00", "2"),
        ("2", "passed", "", "0"),
    ]


def test_a_show_in_which_nothing_happened_has_a_page(show):
    assert signed_in(show.host).get(f"/host/auctions/{show.auction.pk}/analytics/").status_code == 200


@pytest.mark.parametrize(("role", "status"), [(Role.FINANCE, 200), (Role.MODERATOR, 404), (None, 404)])
def test_who_may_see_it(show, role, status):
    user = User.objects.create_user("f@example.test", "secret-enough")
    if role is not None:
        Membership.objects.create(organizer=show.auction.organizer, user=user, role=role)
    assert signed_in(user).get(f"/host/auctions/{show.auction.pk}/analytics/").status_code == status
