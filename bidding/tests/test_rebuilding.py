"""After a wiped or restored Redis: open lots come back paused, sold ones stay sold, answers stay the same."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
import redis
from django.core.management import CommandError, call_command

from auctions.errors import Refused
from auctions.models import CommandKind, Lot, LotStatus
from bidding import protocol
from bidding.engine import calls
from bidding.engine.keys import AuctionKeys
from bidding.engine.outcomes import NotDone, Snapshot
from bidding.engine.runner import run
from bidding.management.commands import run_ledger
from bidding.models import Bid, DiscardedEntry, Event, LedgerPosition
from bidding.selectors import FloorFault, floor_fault, snapshot_now
from bidding.services import (
    auction_advance,
    auction_go_live,
    auction_rebuild,
    bid_void,
    floor_check,
    lot_open,
    lot_pause,
    lot_resume,
)
from bidding.services.commands import command_send
from bidding.tests.conftest import Show
from bidding.tests.test_a_show import bid


def bid_id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def lot_of(snapshot: Snapshot) -> dict[str, object]:
    assert snapshot.lot is not None
    lot: dict[str, object] = json.loads(snapshot.lot)
    return lot


@pytest.fixture
def running(show: Show) -> Show:
    """Return a show in its second lot, all stored: one sold, with max bids, a pre-bid and a refusal behind it."""
    auction_advance(auction=show.auction)
    bid(show, 0, "10.00", id=bid_id(1))
    bid(show, 1, "40.00", max=True, id=bid_id(2), lot=show.lots[1].pk)
    show.hammer()
    show.store()
    auction_advance(auction=show.auction)
    bid(show, 0, "60.00", max=True, id=bid_id(3))
    bid(show, 2, "5.00", id=bid_id(4))
    bid(show, 2, "50.00", id=bid_id(5))
    show.store()
    return show


def wipe(floor: redis.Redis) -> None:
    floor.flushall()


def test_an_open_lot_comes_back_paused_with_price_leader_and_offers(running: Show, floor: redis.Redis) -> None:
    before = snapshot_now(running.auction.pk, running.bidders[0].pk)
    wipe(floor)
    assert floor_check() == [running.auction]
    epoch = auction_rebuild(auction=running.auction).epoch
    after = snapshot_now(running.auction.pk, running.bidders[0].pk)
    assert after.epoch == epoch != before.epoch
    assert after.v == before.v + 1
    changed = {"status": "paused", "ends_at_ms": None, "remaining_ms": lot_of(after)["remaining_ms"]}
    changed["pause_reason"] = "rebuilt"
    assert lot_of(after) == lot_of(before) | changed
    assert lot_of(after)["status"] == "paused"
    assert after.own == before.own
    assert after.recent_bids == before.recent_bids
    assert floor_check() == []


def test_the_show_goes_on_after_a_rebuild(running: Show, floor: redis.Redis) -> None:
    wipe(floor)
    auction_rebuild(auction=running.auction)
    refused = bid(running, 1, "70.00")
    assert isinstance(refused, protocol.BidRejected)
    assert refused.code == "paused"
    running.store()
    running.lots[1].refresh_from_db()
    assert running.lots[1].status == LotStatus.PAUSED
    lot_resume(lot=running.lots[1], actor=running.host)
    assert isinstance(bid(running, 1, "70.00"), protocol.BidAccepted)
    running.hammer()
    running.store()
    run = running.lots[1].runs.get()
    assert (run.hammer_amount, run.winner) == (7_000, running.bidders[1])


def test_answers_stay_the_same_after_a_rebuild(running: Show, floor: redis.Redis) -> None:
    asked = (
        (0, "10.00", {"id": bid_id(1)}),
        (1, "40.00", {"id": bid_id(2), "max": True, "lot": running.lots[1].pk}),
        (0, "60.00", {"id": bid_id(3), "max": True}),
        (2, "5.00", {"id": bid_id(4)}),
        (2, "50.00", {"id": bid_id(5)}),
    )
    before = [bid(running, who, amount, **fields) for who, amount, fields in asked]
    running.store()
    wipe(floor)
    auction_rebuild(auction=running.auction)
    assert [bid(running, who, amount, **fields) for who, amount, fields in asked] == before


def test_sold_lots_stay_sold_and_cannot_be_opened(running: Show, floor: redis.Redis) -> None:
    wipe(floor)
    auction_rebuild(auction=running.auction)
    running.lots[0].refresh_from_db()
    assert running.lots[0].status == LotStatus.SOLD
    assert floor.hget(AuctionKeys(running.auction.pk).won, str(running.bidders[0].pk)) == b"1000"
    with pytest.raises(Refused):
        lot_open(lot=running.lots[0], actor=running.host)


def test_a_voided_bid_stays_voided(running: Show, floor: redis.Redis) -> None:
    bid_void(bid=Bid.objects.get(bid_id=bid_id(5)), actor=running.host, reason="mistake")
    running.store()
    before = snapshot_now(running.auction.pk)
    wipe(floor)
    auction_rebuild(auction=running.auction)
    after = snapshot_now(running.auction.pk)
    assert lot_of(after)["current_amount"] == lot_of(before)["current_amount"]
    assert after.recent_bids == before.recent_bids


def test_a_pre_bid_survives(running: Show, show: Show, floor: redis.Redis) -> None:
    third = Lot.objects.create(
        auction=show.auction, number="3", position=3, title="Lot 3", opening_amount=1_000, increments=[[0, 500]]
    )
    command_send(show.auction, CommandKind.LOT, lot=third)
    bid(show, 2, "30.00", max=True, lot=third.pk)
    show.store()
    wipe(floor)
    auction_rebuild(auction=show.auction)
    own = snapshot_now(show.auction.pk, show.bidders[2].pk).own
    assert own is not None
    assert own.pre_bids == {third.pk: 3_000}
    lot_resume(lot=show.lots[1], actor=show.host)
    show.hammer()
    lot_open(lot=third, actor=show.host)
    assert lot_of(snapshot_now(show.auction.pk))["leader"] == {"paddle": 103}


def test_redis_that_was_restored_to_an_older_state_is_found_and_rebuilt(running: Show, floor: redis.Redis) -> None:
    keys = AuctionKeys(running.auction.pk)
    floor.hset(keys.state, "v", 2)
    assert floor_check() == [running.auction]
    auction_rebuild(auction=running.auction)
    assert floor_check() == []


def test_what_redis_knows_is_never_overwritten(running: Show) -> None:
    bid(running, 2, "70.00")
    with pytest.raises(Refused) as refused:
        auction_rebuild(auction=running.auction)
    assert refused.value.code == "not_missing"


def test_a_paused_lot_stays_paused(running: Show, floor: redis.Redis) -> None:
    lot_pause(lot=running.lots[1], actor=running.host, reason="camera")
    running.store()
    before = lot_of(snapshot_now(running.auction.pk))
    wipe(floor)
    auction_rebuild(auction=running.auction)
    assert lot_of(snapshot_now(running.auction.pk)) == before


def test_bids_are_refused_openly_while_redis_knows_nothing(running: Show, floor: redis.Redis) -> None:
    wipe(floor)
    refused = bid(running, 2, "70.00")
    assert isinstance(refused, protocol.BidRejected)
    assert refused.code == "unavailable"


def test_the_command_rebuilds_what_needs_it_and_says_so(
    running: Show, floor: redis.Redis, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("rebuild_live")
    assert "Nothing to rebuild" in capsys.readouterr().out
    wipe(floor)
    call_command("rebuild_live")
    assert f"Auction {running.auction.pk} is back" in capsys.readouterr().out


def test_a_scheduled_show_survives_a_wipe(make_show: Callable[..., Show], floor: redis.Redis) -> None:
    show = make_show(live=False)
    wipe(floor)
    assert floor_check() == [show.auction]
    auction_rebuild(auction=show.auction)
    auction_go_live(auction=show.auction, actor=show.host)
    auction_advance(auction=show.auction)
    assert isinstance(bid(show, 0, "10.00"), protocol.BidAccepted)
    show.store()
    assert show.auction.went_live_at is not None


def test_a_wipe_between_going_live_and_its_delivery_loses_nothing(
    make_show: Callable[..., Show], floor: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    import bidding.services.commands as module

    show = make_show(live=False)
    with monkeypatch.context() as context:
        context.setattr(module, "floor", lambda: redis.Redis(port=1, socket_connect_timeout=0.1))
        auction_go_live(auction=show.auction, actor=show.host)
    wipe(floor)
    auction_rebuild(auction=show.auction)
    auction_advance(auction=show.auction)
    show.store()
    assert show.auction.went_live_at is not None
    assert Event.objects.filter(kind="AUCTION_LIVE").count() == 1


# --- A floor that went back to an older state, and went on from there --------------------------------------------


def fault(show: Show) -> FloorFault | None:
    return floor_fault(show.auction, LedgerPosition.objects.get(auction=show.auction))


def backup(floor: redis.Redis) -> dict[bytes, bytes]:
    """Return all that Redis holds."""
    return {key: floor.dump(key) or b"" for key in floor.scan_iter("{auction:*")}


def restore(floor: redis.Redis, dumped: dict[bytes, bytes]) -> None:
    """Bring an older state back, as it comes from a backup."""
    wipe(floor)
    for key, value in dumped.items():
        floor.restore(key, 0, value)


@pytest.fixture
def forked(running: Show, floor: redis.Redis) -> Show:
    """Return a show whose Redis went back behind a stored bid of Clara's, and took other bids since."""
    older = backup(floor)
    bid(running, 2, "70.00", id=bid_id(6))
    running.store()
    restore(floor, older)
    bid(running, 1, "65.00", id=bid_id(7))
    bid(running, 0, "95.00", max=True, id=bid_id(8))
    bid(running, 0, "99.00", max=True, id=bid_id(9))
    return running


def test_a_forked_floor_is_found_and_never_written_over_unasked(forked: Show, floor: redis.Redis) -> None:
    before = backup(floor)
    assert fault(forked) is FloorFault.FORKED
    assert floor_check() == [forked.auction]
    with pytest.raises(Refused) as refused:
        auction_rebuild(auction=forked.auction)
    assert refused.value.code == "forked"
    assert backup(floor).keys() == before.keys()
    assert snapshot_now(forked.auction.pk).status == "live"
    assert not DiscardedEntry.objects.exists()


def test_a_forked_floor_comes_back_as_it_was_stored_and_the_rest_is_kept_aside(
    forked: Show, floor: redis.Redis
) -> None:
    rebuilt = auction_rebuild(auction=forked.auction, discard_forked=True)
    after = snapshot_now(forked.auction.pk)
    lot = lot_of(after)
    assert (after.epoch, lot["status"], lot["current_amount"], lot["leader"]) == (
        rebuilt.epoch,
        "paused",
        "70.00",
        {"paddle": 103},
    )
    v = Event.objects.latest("v", "s").v
    kept = [(entry.v, entry.s, entry.kind) for entry in DiscardedEntry.objects.order_by("v", "s")]
    assert kept == [(v, 0, "HIGHEST_BID"), (v + 1, 0, "HIGHEST_BID"), (v + 1, 1, "MAX_RAISED")]
    assert [entry.v for entry in rebuilt.discarded] == [v, v + 1, v + 1]
    assert json.loads(rebuilt.discarded[0].private)["id"] == bid_id(7)
    forked.store()
    assert (Event.objects.latest("v", "s").kind, fault(forked), floor_check()) == ("REBUILT", None, [])


def test_what_was_accepted_in_the_fork_alone_is_decided_anew(forked: Show) -> None:
    auction_rebuild(auction=forked.auction, discard_forked=True)
    lot_resume(lot=forked.lots[1], actor=forked.host)
    again = bid(forked, 1, "65.00", id=bid_id(7))
    assert isinstance(again, protocol.BidRejected)
    assert again.code == "too_low"
    assert isinstance(bid(forked, 2, "70.00", id=bid_id(6)), protocol.BidAccepted)


def test_a_fork_that_has_not_come_as_far_as_the_database_is_one_too(running: Show, floor: redis.Redis) -> None:
    older = backup(floor)
    for amount in ("70.00", "80.00", "90.00"):
        bid(running, 1 if amount == "80.00" else 2, amount)
    running.store()
    restore(floor, older)
    assert fault(running) is FloorFault.BEHIND
    bid(running, 1, "65.00")
    assert fault(running) is FloorFault.FORKED


def test_a_floor_that_lacks_or_exchanged_a_private_entry_is_found(running: Show, floor: redis.Redis) -> None:
    older = backup(floor)
    bid(running, 0, "80.00", max=True)
    running.store()
    restore(floor, older)
    assert fault(running) is FloorFault.BEHIND
    bid(running, 0, "85.00", max=True)
    assert fault(running) is FloorFault.FORKED
    assert len(auction_rebuild(auction=running.auction, discard_forked=True).discarded) == 1
    own = snapshot_now(running.auction.pk, running.bidders[0].pk).own
    assert own is not None
    assert own.maximum == 8_000


def test_a_floor_that_went_on_while_it_was_looked_at_is_not_written_over(running: Show, floor: redis.Redis) -> None:
    before = snapshot_now(running.auction.pk)
    parts: dict[str, object] = {name: {} for name in ("lot", "registrations", "catalogue", "won")}
    call = calls.rebuild(
        running.auction.pk,
        epoch="e",
        exponent=2,
        v=1,
        s=0,
        status="live",
        latest_ms=0,
        over=(before.v - 1, 0),
        rest=parts | {"frozen": None, "offers": [], "recent": [], "runs": []},
    )
    refused = run(floor, call)
    assert isinstance(refused, NotDone)
    assert refused.code == "not_missing"
    assert replace(snapshot_now(running.auction.pk), now_ms=0) == replace(before, now_ms=0)


def test_the_command_discards_a_fork_only_when_it_is_told_to_and_says_what_it_kept(
    forked: Show, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CommandError, match="--discard-forked"):
        call_command("rebuild_live")
    call_command("rebuild_live", "--discard-forked")
    told = capsys.readouterr().out
    assert f"Auction {forked.auction.pk} is back" in told
    assert "2 HIGHEST_BID, 1 MAX_RAISED" in told


def test_a_ledger_looks_at_the_floor_again_and_again(monkeypatch: pytest.MonkeyPatch, transactional_db: None) -> None:
    command, looks = run_ledger.Command(), []

    def look() -> list[object]:
        looks.append(1)
        command._stopping = len(looks) == 3
        return []

    monkeypatch.setattr(run_ledger, "CHECK_S", 0)
    monkeypatch.setattr(run_ledger, "floor_check", look)
    monkeypatch.setattr(run_ledger, "check_floor", lambda _client: [])
    monkeypatch.setattr("signal.signal", lambda *_handler: None)
    command.handle()
    assert len(looks) == 3
