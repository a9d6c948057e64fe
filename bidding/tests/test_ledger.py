"""The ledger stores the log once, in order, under a fence, and chains what it stores."""

import hashlib
from typing import Any

import pytest
import redis

from auctions.models import Auction, AuctionStatus, Sale
from bidding import ledger as module
from bidding.chain import private_part
from bidding.engine.keys import AuctionKeys
from bidding.engine.outcomes import EngineError
from bidding.ledger import LeaseLost, Ledger
from bidding.models import Bid, Event, LedgerPosition
from bidding.services import bid_void, lot_open, offer_void
from bidding.services.rebuilding import floor_check
from bidding.tests.conftest import Show
from bidding.tests.test_a_show import bid


@pytest.fixture
def sold(show: Show) -> Show:
    """Return a show whose first lot was sold and of which nothing is stored yet beyond the start."""
    lot_open(lot=show.lots[0], actor=show.host)
    for turn in range(4):
        bid(show, turn % 3, f"{10 + 5 * turn}.00")
    show.hammer()
    return show


def test_each_hash_covers_the_one_before_and_commits_to_the_private_part(sold: Show) -> None:
    sold.store()
    head = "0" * 64
    for event in Event.objects.order_by("v", "s"):
        private = private_part(
            v=event.v,
            s=event.s,
            kind=event.kind,
            run_id=event.run_id,
            at_ms=event.at_ms,
            epoch=event.epoch,
            private=event.private,
            salt=event.salt,
        )
        commitments = b""
        for half in (private.offer, private.rest):
            commitments += hashlib.sha256(bytes.fromhex(half.salt) + half.text.encode()).digest()
        public = hashlib.sha256(event.public.encode()).digest()
        head = hashlib.sha256(bytes.fromhex(head) + public + commitments).hexdigest()
        assert event.hash == head
    assert LedgerPosition.objects.get().head == head
    assert len(set(Event.objects.values_list("salt", flat=True))) == Event.objects.count()


def test_other_content_under_the_same_version_is_an_alarm_and_stays(
    sold: Show, caplog: pytest.LogCaptureFixture
) -> None:
    position = LedgerPosition.objects.get()
    Event.objects.create(
        auction=sold.auction,
        epoch="e",
        v=position.v + 1,
        kind="FORGED",
        at_ms=1,
        public="{}",
        private="{}",
        salt="",
        hash="",
    )
    assert not sold.ledger.store_all()
    assert "ledger_conflict" in caplog.text
    assert Event.objects.get(kind="FORGED")
    assert LedgerPosition.objects.get().v == position.v


def test_two_ledgers_store_everything_once(sold: Show) -> None:
    other = Ledger()
    while sold.ledger.store_all() | other.store_all():
        pass
    assert Event.objects.filter(kind="HIGHEST_BID").count() == Bid.objects.count() == 4
    assert Sale.objects.count() == 1


def test_an_auction_that_nobody_scheduled_properly_keeps_no_other_from_being_stored(sold: Show) -> None:
    house, terms = sold.auction.organizer, sold.auction.terms
    Auction.objects.create(
        organizer=house, terms=terms, title="By hand", slug="by-hand", status=AuctionStatus.SCHEDULED
    )
    floor_check()
    while sold.ledger.store_all():
        pass
    assert Bid.objects.count() == 4


def test_a_ledger_that_dies_before_its_commit_loses_nothing(sold: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = Event.objects.count()

    def die(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(module, "sale_record", die)
        with pytest.raises(KeyboardInterrupt):
            sold.ledger.store_all()
    assert Event.objects.count() == stored
    sold.ledger.release()
    sold.ledger = Ledger()
    sold.store()
    assert Sale.objects.count() == 1


def test_a_frozen_ledger_that_wakes_up_late_stores_nothing(sold: Show, floor: redis.Redis) -> None:
    floor.delete(f"{{lock:ledger:{sold.auction.pk}}}:holder")
    successor = Ledger()
    assert successor.store(sold.auction)
    stored = Event.objects.count()
    lot_open(lot=sold.lots[1], actor=sold.host)
    frozen_fence = 1
    assert LedgerPosition.objects.get().fence > frozen_fence
    with pytest.raises(LeaseLost):
        sold.ledger._store_log(sold.auction, frozen_fence)
    assert Event.objects.count() == stored


def test_a_gap_in_the_log_is_never_stored_over(sold: Show, floor: redis.Redis) -> None:
    log = AuctionKeys(sold.auction.pk).log
    entries: Any = floor.xrange(log)
    floor.xdel(log, entries[-3][0])
    before = Event.objects.count()
    with pytest.raises(EngineError, match="the log goes from"):
        sold.ledger.store(sold.auction)
    assert Event.objects.count() == before


def test_the_position_and_the_events_are_one_transaction(sold: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    position = LedgerPosition.objects.get().v

    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError("disk full")

    with monkeypatch.context() as context:
        context.setattr(Bid.objects, "bulk_create", fail)
        with pytest.raises(RuntimeError):
            sold.ledger.store(sold.auction)
    assert LedgerPosition.objects.get().v == position == Event.objects.filter(s=0).count()


def counted(show: Show) -> list[tuple[int, int]]:
    """Return the bids that are not voided: paddle and amount."""
    show.store()
    bids = Bid.objects.filter(voided_at_v=None).order_by("v", "amount", "pk")
    return list(bids.values_list("registration__paddle", "amount"))


def test_voiding_a_raised_maximum_leaves_the_bid_that_it_had_answered(show: Show) -> None:
    lot_open(lot=show.lots[0], actor=show.host)
    bid(show, 0, "50.00", max=True)
    bid(show, 0, "90.00", max=True)
    bid(show, 1, "60.00")
    assert counted(show) == [(101, 1_000), (102, 6_000), (101, 6_500)]
    answer = Bid.objects.get(amount=6_500)
    assert (answer.offer_v, answer.offer_s) == (Bid.objects.get(amount=1_000).v, 1)
    bid_void(bid=answer, actor=show.host, reason="mistake")
    assert counted(show) == [(101, 1_000), (102, 6_000)]
    run = show.lots[0].runs.get()
    assert run.bid_count == 2


def test_who_is_left_leads_in_the_stored_history_too(show: Show) -> None:
    bid(show, 1, "30.00", max=True, lot=show.lots[0].pk)
    lot_open(lot=show.lots[0], actor=show.host)
    bid(show, 0, "60.00", max=True)
    assert counted(show) == [(102, 1_000), (102, 3_000), (101, 3_500)]
    offer_void(lot=show.lots[0], bidder=show.bidders[1], actor=show.host, reason="mistake")
    assert counted(show) == [(101, 1_000)]
    outcome = Bid.objects.get(voided_at_v=None)
    assert (outcome.automatic, outcome.offer_s) == (True, 0)
