"""Signs of bids that are not meant: each with its evidence, none of what is harmless, and nothing follows from one."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Organizer, Trace, User
from auctions.models import Auction, Lot, LotRun, Registration
from bidding import shills
from bidding.models import Bid
from bidding.shills import Sign, Signal, signals_now
from bidding.tests.conftest import Show


def share(digest: str, *users: Any, kind: str = "address", **fields: Any) -> None:
    for user in users:
        Trace.objects.create(user=user, kind=kind, digest=digest, **fields)


def runs(show: Show, count: int, auction: Auction | None = None) -> list[LotRun]:
    auction = auction or show.auction
    made = []
    for number in range(count):
        lot = Lot.objects.create(
            auction=auction, number=f"x{number}", position=50 + number, title="x", opening_amount=1, increments=[[0, 1]]
        )
        made.append(
            LotRun.objects.create(
                lot=lot, auction=auction, status="passed", result="passed", reason="no_bids", closed_at_ms=1
            )
        )
    return made


def bid_on(run: LotRun, registration: Registration, amount: int = 100) -> None:
    Bid.objects.create(
        run=run,
        registration=registration,
        amount=amount,
        v=amount,
        offer_v=amount,
        offer_s=0,
        at_ms=round(timezone.now().timestamp() * 1_000),
    )


def found(sign: Sign) -> list[Signal]:
    return [signal for signal in signals_now() if signal.sign == sign]


def test_who_shares_a_device_and_bids_against_the_other_is_seen(show):
    anna, boris, clara = (each.user for each in show.bidders)
    share("d1", anna, boris, kind="device")
    (run, alone) = runs(show, 2)
    bid_on(run, show.bidders[0], 100)
    bid_on(run, show.bidders[1], 200)
    bid_on(run, show.bidders[2], 300)
    bid_on(alone, show.bidders[0])
    (signal,) = signals_now()
    assert (signal.sign, signal.people, signal.organizer) == (Sign.SAME_LOT, [anna, boris], show.auction.organizer)
    assert signal.evidence == ["1 device in common", "1 lot on which they bid against each other"]
    assert signal.lots == [run.lot]
    assert clara not in signal.people


def test_who_shares_and_bids_on_different_lots_alone_is_not(show):
    share("a1", show.bidders[0].user, show.bidders[1].user)
    first, second = runs(show, 2)
    bid_on(first, show.bidders[0])
    bid_on(second, show.bidders[1])
    assert signals_now() == []


def test_a_bidder_who_shares_with_the_house_comes_first(show):
    share("a1", show.host, show.bidders[0].user)
    (run,) = runs(show, 1)
    bid_on(run, show.bidders[0])
    (signal,) = signals_now()
    assert (signal.sign, set(signal.people)) == (Sign.HOUSE, {show.host, show.bidders[0].user})


def test_a_ring_is_found_by_links_over_others(show):
    anna, boris, clara = (each.user for each in show.bidders)
    share("a1", anna, boris)
    share("d1", boris, clara, kind="device")
    for run, bidder in zip(runs(show, 3), show.bidders, strict=True):
        bid_on(run, bidder)
    (signal,) = found(Sign.RING)
    assert signal.people == [anna, boris, clara]
    assert signal.evidence == ["1 address in common", "1 device in common", "3 lots bid on"]


def test_an_address_of_very_many_tells_nothing_nor_one_of_long_ago(show):
    (run,) = runs(show, 1)
    for number, bidder in enumerate(show.bidders[:2], 1):
        bid_on(run, bidder, 100 * number)
    share("carrier", *(each.user for each in show.bidders))
    crowd = [User(email=f"u{number}@example.test") for number in range(shills.MOST_SHARED)]
    share("carrier", *User.objects.bulk_create(crowd))
    share("old", show.bidders[0].user, show.bidders[1].user, last_seen_at=timezone.now() - timedelta(days=4_000))
    assert signals_now() == []


@pytest.mark.parametrize(
    ("lots", "wins", "elsewhere", "seen"), [(8, 0, 0, 1), (7, 0, 0, 0), (8, 1, 0, 0), (8, 0, 1, 0)]
)
def test_who_bids_at_one_house_alone_and_never_wins_is_seen(show, lots, wins, elsewhere, seen):
    bidder = show.bidders[0]
    for run in runs(show, lots):
        bid_on(run, bidder)
    LotRun.objects.filter(pk__in=LotRun.objects.values("pk")[:wins]).update(
        status="sold", result="sold", reason="hammer", hammer_amount=100, winner=bidder
    )
    if elsewhere:
        other = Organizer.objects.create(name="Another", slug="another")
        auction = Auction.objects.create(organizer=other, title="x", slug="x", created_by=show.host)
        (run,) = runs(show, 1, auction)
        bid_on(run, Registration.objects.create(auction=auction, user=bidder.user, paddle=101, status="banned"))
    signals = found(Sign.NEVER_WINS)
    assert [signal.people for signal in signals] == [[bidder.user]] * seen


def test_a_rehearsal_counts_for_nothing(show):
    Auction.objects.filter(pk=show.auction.pk).update(is_rehearsal=True)
    for run in runs(show, 9):
        bid_on(run, show.bidders[0])
    assert signals_now() == []


def test_the_page_is_for_administrators_and_changes_nothing(show, staff):
    share("d1", show.bidders[0].user, show.bidders[1].user, kind="device")
    (run,) = runs(show, 1)
    bid_on(run, show.bidders[0], 100)
    bid_on(run, show.bidders[1], 200)
    before = list(Registration.objects.values()), list(User.objects.exclude(pk=staff.pk).values("is_active"))
    for user, status in ((staff, 200), (show.host, 404)):
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        answer = client.get("/host/site/signs/")
        assert answer.status_code == status
    assert before == (list(Registration.objects.values()), list(User.objects.exclude(pk=staff.pk).values("is_active")))
