"""Shows that the tests of the promises see: each promise's check passes as things are, and fails on a planted bug.

A bug is a small textual patch of a script or of a Python function. It counts only where its text was found, the
check passed without it, and the check failed in its own assertion: `PromiseBroken`, never an incidental error.
"""

import hashlib
import inspect
import json
import pkgutil
import socket
import subprocess
import textwrap
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis
from django.db import connection
from django.test.utils import CaptureQueriesContext

from auction_site import embedded
from auctions.errors import Refused
from bidding import ledger, protocol
from bidding.engine import calls, lock, scripts
from bidding.engine.keys import AuctionKeys
from bidding.engine.outcomes import BidAccepted, BidRejected, Done, EngineError, FloorMissing, NotDone
from bidding.engine.runner import run
from bidding.engine.scripts import Script
from bidding.ledger import LeaseLost, Ledger
from bidding.models import Bid, DiscardedEntry, Event, LedgerPosition
from bidding.replay import verify_auction
from bidding.selectors import RoomInfo, room_info
from bidding.services import auction_end, auction_rebuild, bid_void, bids, floor_check, lot_hammer, lot_open, lot_warn
from bidding.tests.conftest import ANNA, BORIS, CLARA, HOST, FloorDriver, Show
from bidding.tests.test_a_show import bid

LUA = Path(scripts.__file__).parent / "lua"


class PromiseBroken(AssertionError):
    """A promise's own assertion failed."""


def promise(kept: object, what: str) -> None:
    """Assert what is promised."""
    if not kept:
        raise PromiseBroken(what)


@dataclass
class Stage:
    """Where a check plays: the bare engine, or a whole show, each made when it is first used."""

    request: pytest.FixtureRequest

    @property
    def desk(self) -> FloorDriver:
        """The engine with an auction that is scheduled."""
        driver: FloorDriver = self.request.getfixturevalue("desk")
        return driver

    @property
    def show(self) -> Show:
        """A live show on services and ledger."""
        show: Show = self.request.getfixturevalue("show")
        return show

    @property
    def folder(self) -> Path:
        """An empty folder."""
        folder: Path = self.request.getfixturevalue("tmp_path")
        return folder

    @property
    def patch(self) -> pytest.MonkeyPatch:
        """What undoes itself after the test."""
        patch: pytest.MonkeyPatch = self.request.getfixturevalue("monkeypatch")
        return patch


# --- The checks: each is one promise ---------------------------------------------------------------


def acknowledged_bids_outlive_the_server(stage: Stage) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def start() -> tuple[subprocess.Popen[bytes], redis.Redis]:
        server = embedded.floor(stage.folder, port)
        process = subprocess.Popen(server.argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        stage.request.addfinalizer(process.wait)
        stage.request.addfinalizer(process.kill)
        while not answers(port):
            assert process.poll() is None
            time.sleep(0.01)
        client = redis.Redis(port=port)
        stage.request.addfinalizer(client.close)
        return process, client

    process, client = start()
    desk = FloorDriver(client)
    desk.schedule()
    desk.open()
    given = [desk.accept((ANNA, BORIS)[turn % 2], 1_000 + 500 * turn).v for turn in range(10)]
    process.kill()
    process.wait()
    process, client = start()
    found: Any = client.xrange(desk.keys.log)
    kept = {int(entry.partition(b"-")[0]) for entry, _ in found}
    promise(set(given) <= kept, f"acknowledged and lost: {set(given) - kept}")


def answers(port: int) -> bool:
    """Tell whether a server answers; a connection that is refused is an answer too."""
    try:
        return embedded.answers(embedded.address(port))
    except redis.exceptions.RedisError:
        return False


def what_is_acknowledged_is_in_the_log(stage: Stage) -> None:
    stage.desk.open()
    answer = stage.desk.decide(ANNA, 1_000, bid_id="a").answer
    logged = [json.loads(fields[b"private"]) for _, fields in stage.desk.client.xrange(stage.desk.keys.log)]
    promise(not isinstance(answer, BidAccepted) or any(p.get("id") == "a" for p in logged), "acknowledged, not logged")


def amounts_rise_with_the_version(stage: Stage) -> None:
    desk = stage.desk
    desk.open()
    for who, amount in ((ANNA, 1_000), (BORIS, 1_000), (CLARA, 1_499), (BORIS, 1_500), (ANNA, 1_500), (CLARA, 2_000)):
        desk.decide(who, amount)
    log: Any = desk.client.xrange(desk.keys.log)
    found = [json.loads(fields[b"public"]) for _, fields in log if fields[b"public"]]
    prices = [float(event["current_amount"]) for event in found if event["type"] == "HIGHEST_BID"]
    promise(prices == [10.0, 15.0, 20.0], f"prices: {prices}")


def versions_have_no_gap(stage: Stage) -> None:
    desk = stage.desk
    desk.open(extension_cap=1)
    desk.set_end_in(20_000)
    decisions = [desk.decide(who, amount) for who, amount in ((ANNA, 1_000), (BORIS, 1_500), (CLARA, 2_000))]
    versions = [entry.v for decision in decisions for entry in decision.entries]
    first = versions[0]
    promise(versions == list(range(first, first + 4)), f"versions: {versions}")


def of_equal_maxima_the_earlier_wins(stage: Stage) -> None:
    stage.desk.open()
    stage.desk.accept(ANNA, 9_000, is_maximum=True)
    stage.desk.decide(BORIS, 9_000, is_maximum=True)
    promise(stage.desk.lot()["leader"] == str(ANNA), "the later of two equal maxima leads")


def a_bid_takes_effect_once(stage: Stage) -> None:
    desk = stage.desk
    desk.open()
    first = desk.decide(ANNA, 1_000, bid_id="a").answer
    refused = desk.decide(BORIS, 900, bid_id="b").answer
    desk.accept(BORIS, 1_500)
    promise(desk.decide(ANNA, 1_000, bid_id="a").answer == first, "another answer to the same bid")
    promise(desk.decide(BORIS, 900, bid_id="b").answer == refused, "another answer to the same refused bid")
    promise(desk.lot()["bids"] == "2", "counted twice")
    other = desk.decide(ANNA, 9_000, bid_id="a").answer
    promise(isinstance(other, BidRejected) and other.code == "id_reused", "an id was used for two bids")


def a_max_bid_takes_effect_once(stage: Stage) -> None:
    desk = stage.desk
    desk.open()
    first = desk.decide(ANNA, 5_000, is_maximum=True, bid_id="a").answer
    promise(desk.decide(ANNA, 5_000, is_maximum=True, bid_id="a").answer == first, "another answer to the same bid")


def the_latest_answers_are_remembered(stage: Stage) -> None:
    desk = stage.desk
    stage.patch.setattr(calls, "ANSWERS_REMEMBERED", 3)
    desk.open()
    for number in range(5):
        desk.refuse(ANNA, 1, bid_id=str(number))
    known = [run(desk.client, calls.bid_status(4, registration_id=ANNA, bid_id=str(n))) is not None for n in range(5)]
    promise(known == [False, False, True, True, True], f"remembered: {known}")


def every_answer_names_its_version(stage: Stage) -> None:
    desk = stage.desk
    desk.open()
    desk.accept(ANNA, 1_000)
    head = int(desk.state()[b"v"])
    refused = desk.decide(BORIS, 1).answer
    promise(refused.v == head, f"a refusal at {head} names version {refused.v}")
    promise(int(desk.state()[b"v"]) == head, "a refusal advanced the version")
    [(_, kept)] = desk.client.xrange(desk.keys.refusals)  # type: ignore[misc]
    told = json.loads(kept[b"answer"].decode().partition("\n")[2])
    promise(told["v"] == head, "the refusal that is kept names no version")


def refusals_are_kept_and_bounded(stage: Stage) -> None:
    stage.patch.setattr(calls, "REFUSALS_KEPT", 100)
    stage.desk.open()
    for _ in range(400):
        stage.desk.refuse(ANNA, 1)
    kept: Any = stage.desk.client.xlen(stage.desk.keys.refusals)
    promise(100 <= kept < 400, f"{kept} refusals kept")


def nothing_is_accepted_at_or_after_the_end(stage: Stage) -> None:
    desk = stage.desk
    desk.open()
    end = int(desk.lot()["ends"])
    desk.client.hset(desk.keys.state, "time", end)
    late = desk.decide(ANNA, 1_000).answer
    promise(isinstance(late, BidRejected) and late.code == "too_late", "accepted at the very end, or after")


def no_time_but_the_servers_counts(stage: Stage) -> None:
    desk = stage.desk
    desk.open()
    desk.set_end_in(-1_000)
    late = desk.decide(ANNA, 1_000, not_after_ms=4_000_000_000_000).answer
    promise(isinstance(late, BidRejected) and late.code == "too_late", "accepted by another clock")
    promise(
        int(desk.state()[b"time"]) >= late.at_ms, "a clock that steps back could take a bid after one that was late"
    )
    desk.set_end_in(60_000)
    desk.client.hset(desk.keys.state, "time", int(desk.lot()["ends"]) + 1)
    promise(isinstance(desk.decide(ANNA, 1_000).answer, BidRejected), "time went backwards")


def a_refused_bid_never_extends(stage: Stage) -> None:
    desk = stage.desk
    desk.open()
    desk.accept(ANNA, 2_000)
    desk.set_end_in(20_000)
    end = desk.lot()["ends"]
    desk.refuse(BORIS, 1)
    desk.refuse(BORIS, 50_000_000)
    desk.refuse(ANNA, 9_000)
    promise(desk.lot()["ends"] == end, "a refused bid moved the end")


def only_a_change_of_price_or_leader_in_the_window_extends(stage: Stage) -> None:
    desk = stage.desk
    desk.open()
    end = desk.lot()["ends"]
    desk.accept(ANNA, 2_000, is_maximum=True)
    promise(desk.lot()["ends"] == end, "a bid before the window moved the end")
    desk.set_end_in(20_000)
    end = desk.lot()["ends"]
    desk.accept(ANNA, 9_000, is_maximum=True)
    promise(desk.lot()["ends"] == end, "raising one's own maximum moved the end")


def extension_ends_at_its_cap(stage: Stage) -> None:
    desk = stage.desk
    desk.open(extension_cap=1)
    end = ""
    for turn in range(3):
        desk.set_end_in(20_000)
        end = desk.lot()["ends"]
        desk.accept((ANNA, BORIS)[turn % 2], 1_000 + 500 * turn)
    promise(desk.lot()["ends"] == end, "extended beyond the cap")
    promise(desk.lot()["extensions_used"] == "1", "counted beyond the cap")


def a_lot_closes_once(stage: Stage) -> None:
    desk = stage.desk
    desk.open()
    desk.accept(ANNA, 1_000)
    desk.set_end_in(0)
    outcomes = [desk.close(), desk.close()]
    kinds = [kind for _, kind in desk.log()]
    promise(kinds.count("LOT_CLOSED") == 1, "closed twice")
    promise(isinstance(outcomes[1], NotDone), "the second closer was told that it closed")
    promise(desk.client.hget(desk.keys.won, ANNA) == b"1000", "what was won is not the price")
    promise(isinstance(desk.open_lot(run_id=70), NotDone), "a sold lot was opened again")


def a_lot_closes_only_when_it_is_due(stage: Stage) -> None:
    desk = stage.desk
    desk.open()
    promise(isinstance(desk.close(), NotDone), "closed before its end")
    promise(isinstance(desk.close("hammer"), NotDone), "hammered without a warning")
    run(desk.client, calls.fair_warning(4, lot_id=7))
    promise(isinstance(desk.close("hammer"), NotDone), "hammered before the warning was heard")


def reopening_supersedes_the_result(stage: Stage) -> None:
    desk = stage.desk
    desk.open()
    desk.accept(ANNA, 1_000)
    desk.hammer()
    run(desk.client, calls.reopen_lot(4, lot_id=7, reason="x"))
    promise(desk.client.hget(desk.keys.won, ANNA) == b"0", "what was won was not taken back")
    closed = desk.hammer()
    assert isinstance(closed, Done)
    promise(json.loads(closed.entries[0].text)["closing_number"] == 2, "two closings have one number")


def keys_go_only_when_all_is_stored(stage: Stage) -> None:
    desk = stage.desk
    desk.open()
    desk.hammer()
    ended = run(desk.client, calls.end_auction(4))

    def clean(stored_v: int) -> Done | NotDone:
        call = calls.clean_up(4, stored_v=stored_v, registration_ids=[1, 2, 3, 4], lot_ids=[7], tombstone_s=60)
        return run(desk.client, call)

    clean(ended.v - 1)
    promise(desk.client.exists(desk.keys.log), "the log went before it was stored")
    clean(ended.v)
    promise(desk.client.keys() == [desk.keys.tombstone.encode()], "no tombstone, or more than it")
    late = desk.decide(ANNA, 1_000).answer
    promise(isinstance(late, BidRejected) and late.code == "not_open", "a late bid found no tombstone")
    run(desk.client, calls.schedule(4, epoch="e2", exponent=2))
    promise(not desk.client.exists(desk.keys.state), "a fresh auction over the tombstone")


def refusals_are_stored_before_the_keys_go(stage: Stage) -> None:
    desk = stage.desk
    desk.open()
    desk.refuse(ANNA, 1)
    desk.hammer()
    ended = run(desk.client, calls.end_auction(4))
    run(desk.client, calls.clean_up(4, stored_v=ended.v, registration_ids=[], lot_ids=[], tombstone_s=60))
    promise(desk.client.exists(desk.keys.refusals), "refusals went before they were stored")


def the_database_holds_the_log_without_a_gap(stage: Stage) -> None:
    show = stage.show
    stage.patch.setattr(ledger, "BATCH", 5)
    lot_open(lot=show.lots[0], actor=show.host)
    for turn in range(40):
        bid(show, turn % 3, f"{10 + 5 * turn}.00")
    log = stage.request.getfixturevalue("floor").xrange(AuctionKeys(show.auction.pk).log)
    written = [entry.decode() for entry, _ in log if int(entry.partition(b"-")[0]) > LedgerPosition.objects.get().v]
    promise(len(written) == 41, f"{len(written)} of 41 entries are still in the log")
    before = Event.objects.count()

    def die(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    with stage.patch.context() as dying:
        dying.setattr(ledger._Outcome, "save_bids", die)
        with pytest.raises(KeyboardInterrupt):
            show.ledger.store(show.auction)
    promise(LedgerPosition.objects.get().v == before - Event.objects.filter(s__gt=0).count(), "stored past its events")
    promise(Event.objects.count() == before, "events without their outcome")
    show.ledger.release()
    show.store()
    stored = [f"{event.v}-{event.s}" for event in Event.objects.order_by("v", "s")]
    promise(stored[-41:] == written, "the database differs from the log")
    promise(Bid.objects.count() == 40, "bids were lost or stored twice")


def a_gap_is_never_stored_over(stage: Stage) -> None:
    show = stage.show
    lot_open(lot=show.lots[0], actor=show.host)
    bid(show, 0, "10.00")
    bid(show, 1, "15.00")
    floor = stage.request.getfixturevalue("floor")
    log = AuctionKeys(show.auction.pk).log
    entries = floor.xrange(log)
    floor.xdel(log, entries[-2][0])
    try:
        show.ledger.store(show.auction)
    except EngineError:
        return
    promise(False, "a lost decision was stored over")


def a_log_that_is_another_one_is_never_stored(stage: Stage) -> None:
    """Restore Redis to an older state, as a backup or an everysec file does, and let it go on from there."""
    show = stage.show
    lot_open(lot=show.lots[0], actor=show.host)
    floor = stage.request.getfixturevalue("floor")
    keys = AuctionKeys(show.auction.pk)
    show.store()
    older = {key: floor.dump(key) for key in (keys.state, keys.log, keys.lot, keys.offers) if floor.exists(key)}
    bid(show, 0, "10.00")
    bid(show, 1, "15.00")
    show.store()
    floor.delete(keys.offers)
    for key, dumped in older.items():
        floor.restore(key, 0, dumped, replace=True)
    stored = Event.objects.count()
    for who, amount in ((2, "20.00"), (0, "25.00"), (1, "30.00")):
        try:
            show.ledger.store(show.auction)
        except EngineError:
            pass
        else:
            promise(False, "a floor that knows less than the database was no alarm")
        bid(show, who, amount)
    try:
        show.ledger.store(show.auction)
    except EngineError:
        return
    promise(Event.objects.count() == stored, "two histories were stored as one")


def a_fork_is_given_up_openly(stage: Stage) -> None:
    """Let Redis go back behind a stored bid and take another; nothing of it is lost or passes for what is stored."""
    show = stage.show
    lot_open(lot=show.lots[0], actor=show.host)
    floor = stage.request.getfixturevalue("floor")
    show.store()
    older = {key: floor.dump(key) for key in floor.scan_iter("{auction:*")}
    bid(show, 0, "10.00")
    show.store()
    floor.flushall()
    for key, dumped in older.items():
        floor.restore(key, 0, dumped)
    other = "00000000-0000-4000-8000-000000000001"
    bid(show, 1, "20.00", id=other)
    promise(floor_check() == [show.auction], "the fork was not found")
    try:
        auction_rebuild(auction=show.auction)
    except Refused:
        pass
    else:
        promise(False, "a live state was discarded unasked")
    auction_rebuild(auction=show.auction, discard_forked=True)
    kept = [json.loads(entry.private)["id"] for entry in DiscardedEntry.objects.all()]
    promise(kept == [other], "what bidders were told is gone")
    again = bid(show, 1, "20.00", id=other)
    promise(getattr(again, "code", "") == "paused", "a bid of the discarded history counts")


def a_frozen_ledger_stores_nothing(stage: Stage) -> None:
    show = stage.show
    lot_open(lot=show.lots[0], actor=show.host)
    floor = stage.request.getfixturevalue("floor")
    floor.delete(f"{{lock:ledger:{show.auction.pk}}}:holder")
    Ledger().store(show.auction)
    fence = LedgerPosition.objects.get().fence
    bid(show, 0, "10.00")
    stored = Event.objects.count()
    try:
        show.ledger._store_log(show.auction, fence - 1)
    except LeaseLost:
        return
    promise(Event.objects.count() == stored, "a ledger whose lease was over stored events")


def a_wiped_floor_comes_back_paused(stage: Stage) -> None:
    show = stage.show
    lot_open(lot=show.lots[0], actor=show.host)
    bid(show, 0, "10.00")
    show.hammer()
    show.store()
    lot_open(lot=show.lots[1], actor=show.host)
    bid(show, 1, "20.00")
    show.store()
    floor = stage.request.getfixturevalue("floor")
    keys = AuctionKeys(show.auction.pk)
    epoch = floor.hget(keys.state, "epoch")
    floor.flushall()
    auction_rebuild(auction=show.auction)
    price, leader, status = floor.hmget(keys.lot, "price", "leader", "status")
    promise((price, int(leader)) == (b"2000", show.bidders[1].pk), "price or leader changed")
    promise(status == b"paused", "a rebuilt lot runs without a word")
    promise(floor.hget(keys.state, "epoch") != epoch, "the epoch is the old one")
    reply = bid(show, 2, "30.00")
    promise(isinstance(reply, protocol.BidRejected) and reply.code == "paused", "a rebuilt lot takes bids at once")
    promise(floor.sismember(keys.runs, str(show.lots[0].runs.get().pk)), "a sold lot may be opened again")


def a_floor_that_is_gone_decides_nothing(stage: Stage) -> None:
    show = stage.show
    lot_open(lot=show.lots[0], actor=show.host)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        gone = redis.Redis(port=probe.getsockname()[1], socket_connect_timeout=1)
    with stage.patch.context() as patch:
        patch.setattr(bids, "floor", lambda: gone)
        reply = bid(show, 0, "10.00")
    promise(isinstance(reply, protocol.BidRejected) and reply.code == "unavailable", "decided without the floor")


def a_floor_that_knows_nothing_decides_nothing(stage: Stage) -> None:
    desk = stage.desk
    desk.client.flushall()
    try:
        desk.decide(ANNA, 1_000)
    except FloorMissing:
        return
    promise(False, "an auction that the floor does not know was decided")


def bidding_asks_no_database(stage: Stage) -> None:
    show = stage.show
    lot_open(lot=show.lots[0], actor=show.host)
    bid(show, 0, "10.00")
    room = room_info(show.auction.pk)
    assert isinstance(room, RoomInfo)
    message = protocol.parse('{"type":"BID","amount":"15.00"}')
    assert isinstance(message, protocol.PlaceBid)
    with CaptureQueriesContext(connection) as queries:
        bids.bid_place_now(room=room, registration_id=show.bidders[1].pk, message=message)
    promise(not queries.captured_queries, "a bid asked the database")


def a_replay_gives_the_stored_result(stage: Stage) -> None:
    show = stage.show
    floor = stage.request.getfixturevalue("floor")
    lot = show.lots[0]
    lot.reserve_amount = 3_500
    lot.buy_now_amount = 20_000
    lot.save()
    lot_open(lot=lot, actor=show.host)
    for who, amount, maximum in ((0, "10.00", False), (1, "25.00", True), (2, "25.00", True), (0, "40.00", True)):
        bid(show, who, amount, max=maximum)
    bid(show, 2, "60.00")
    show.store()
    for price in (6_000, 2_500):
        wrong = Bid.objects.get(amount=price, registration=show.bidders[2])
        bid_void(bid=wrong, actor=show.host, reason="x")
    lot_warn(lot=lot, actor=show.host)
    keys = AuctionKeys(show.auction.pk)
    floor.hset(keys.state, "time", int(floor.hget(keys.lot, "hammer_at")))
    lot_hammer(lot=lot, actor=show.host)
    auction_end(auction=show.auction, actor=show.host)
    show.store()
    verdict = verify_auction(show.auction)
    promise(verdict.consistent, f"the replay differs: {verdict.problem}")


# Rules whose loss is robbery too.


def the_reserve_lifts_the_price(stage: Stage) -> None:
    stage.desk.open(reserve=3_000)
    stage.desk.accept(ANNA, 4_000, is_maximum=True)
    promise(stage.desk.lot()["price"] == "3000", "a maximum above the reserve did not lift the price to it")


def buy_now_goes_with_the_first_bid(stage: Stage) -> None:
    stage.desk.open(buy_now=8_000)
    stage.desk.accept(ANNA, 1_000)
    stage.desk.accept(BORIS, 8_000)
    promise(stage.desk.lot()["status"] == "open", "bought at a price that was gone")


def a_maximum_never_buys(stage: Stage) -> None:
    stage.desk.open(buy_now=8_000, reserve=6_000)
    answer = stage.desk.accept(ANNA, 9_000, is_maximum=True)
    promise(answer.maximum == 7_999, "a maximum reached the buy-now price")


def a_maximum_pays_one_step_above_the_second(stage: Stage) -> None:
    stage.desk.open()
    stage.desk.accept(ANNA, 9_000, is_maximum=True)
    stage.desk.accept(BORIS, 5_000)
    promise(stage.desk.lot()["price"] == "5500", "not one step above the second")


def voiding_restores_and_moves_no_end(stage: Stage) -> None:
    desk = stage.desk
    desk.open()
    desk.accept(ANNA, 1_000)
    wrong = desk.accept(BORIS, 5_000)
    desk.accept(CLARA, 6_000)
    desk.set_end_in(20_000)
    end = desk.lot()["ends"]
    run(desk.client, calls.void_bid(4, lot_id=7, registration_id=BORIS, place=(wrong.v, 0), reason="x"))
    promise(desk.lot()["ends"] == end, "voiding moved the end")
    promise((desk.lot()["price"], desk.lot()["leader"]) == ("6000", str(CLARA)), "voiding touched a later bid")
    promise(desk.lot()["bids"] == "2", "the count is not that of what remains")


def voiding_takes_back_the_offer_that_is_named(stage: Stage) -> None:
    desk = stage.desk
    desk.open()
    first = desk.accept(ANNA, 5_000, is_maximum=True)
    desk.accept(ANNA, 9_000, is_maximum=True)
    run(desk.client, calls.void_bid(4, lot_id=7, registration_id=ANNA, place=(first.v, 0), reason="x"))
    promise(desk.own(ANNA).maximum == 9_000, "the raise went, not what it was raised from")


def a_voided_raise_takes_nobody_elses_bid_along_and_names_nobody(stage: Stage) -> None:
    desk = stage.desk
    desk.open()
    desk.accept(ANNA, 9_000, is_maximum=True)
    shared = desk.accept(BORIS, 6_000)
    desk.accept(ANNA, 9_500, is_maximum=True)
    history = run(desk.client, calls.snapshot(4)).recent_bids
    done = run(desk.client, calls.void_bid(4, lot_id=7, registration_id=ANNA, place=(shared.v, 1), reason="x"))
    assert isinstance(done, Done)
    promise(run(desk.client, calls.snapshot(4)).recent_bids == history, "the history lost a bid that stands")
    told = json.loads(done.entries[0].text)
    promise((told["voided_v"], told["paddle"]) == (None, None), "the room heard who had raised")


def the_history_ends_with_who_leads_after_a_void(stage: Stage) -> None:
    desk = stage.desk
    desk.open()
    wrong = desk.accept(ANNA, 9_000, is_maximum=True)
    desk.accept(BORIS, 3_000)
    desk.accept(CLARA, 6_000, is_maximum=True)
    run(desk.client, calls.void_bid(4, lot_id=7, registration_id=ANNA, place=(wrong.v, 0), reason="x"))
    history = [json.loads(text) for text in run(desk.client, calls.snapshot(4)).recent_bids]
    shown = [(bid["paddle"], bid["amount"]) for bid in history]
    promise(shown == [(103, "35.00"), (102, "30.00")], f"the history is {shown}")


def pre_bids_keep_their_order(stage: Stage) -> None:
    desk = stage.desk
    run(desk.client, calls.set_lot(4, lot_id=7, opening=1_000))
    for who, amount in ((CLARA, 3_000), (BORIS, 5_000), (CLARA, 5_000), (ANNA, 9_000)):
        desk.accept(who, amount, is_maximum=True, lot_id=7)
    desk.register(ANNA, status="banned")
    desk.open()
    promise(desk.lot()["leader"] == str(BORIS), "a banned or later pre-bid leads")


def a_limit_binds(stage: Stage) -> None:
    desk = stage.desk
    desk.open()
    desk.register(ANNA, limit=5_000)
    desk.accept(ANNA, 4_000)
    desk.hammer()
    run(desk.client, calls.set_lot(4, lot_id=9, opening=100))
    desk.open_lot(run_id=71, lot_id=8, opening=100)
    promise(isinstance(desk.decide(ANNA, 1_001, confirmed_at_ms=9**15).answer, BidRejected), "over what was won")
    desk.accept(ANNA, 600, is_maximum=True)
    reply = desk.decide(ANNA, 401, is_maximum=True, lot_id=9).answer
    promise(isinstance(reply, BidRejected) and reply.code == "over_limit", "over what is led")
    desk.accept(ANNA, 400, is_maximum=True, lot_id=9)
    reply = desk.decide(ANNA, 601, is_maximum=True).answer
    promise(isinstance(reply, BidRejected) and reply.code == "over_limit", "over what was pre-bid")


def a_jump_needs_a_fresh_confirmation(stage: Stage) -> None:
    desk = stage.desk
    desk.open(cap=5_000)
    first = desk.decide(ANNA, 5_001).answer
    promise(isinstance(first, BidRejected) and first.code == "too_high", "above the cap without a question")
    stale = desk.decide(ANNA, 5_001, confirmed_at_ms=first.at_ms - 60_001).answer
    promise(isinstance(stale, BidRejected), "confirmed by a question of long ago")


def a_pause_keeps_what_was_left(stage: Stage) -> None:
    desk = stage.desk
    desk.open()
    desk.client.hset(desk.keys.state, "time", int(desk.lot()["ends"]) - 5_000)
    run(desk.client, calls.pause_lot(4, lot_id=7, reason="x"))
    promise(desk.lot()["remaining"] == "5000", "a pause lost time")
    resumed = run(desk.client, calls.resume_lot(4, lot_id=7))
    promise(int(desk.lot()["ends"]) == resumed.now_ms + 30_000, "resumed with less than the window")


def a_command_means_one_lot_picture_and_person(stage: Stage) -> None:
    desk = stage.desk
    desk.open()
    seen = int(desk.state()[b"v"])
    run(desk.client, calls.extend_lot(4, lot_id=7, added_ms=1_000))
    old = run(desk.client, calls.pause_lot(4, lot_id=7, reason="x", seen_v=seen))
    promise(isinstance(old, NotDone), "a tap on an old picture counted")
    run(desk.client, calls.take_rostrum(4, actor=50))
    other = run(desk.client, calls.pause_lot(4, lot_id=7, reason="x", actor=51))
    promise(isinstance(other, NotDone), "two people on the rostrum")
    wrong = run(desk.client, calls.pause_lot(4, lot_id=8, reason="x"))
    promise(isinstance(wrong, NotDone), "a tap that was meant for another lot counted")


def a_second_tap_opens_no_second_lot(stage: Stage) -> None:
    desk = stage.desk
    desk.open()
    seen = int(desk.state()[b"v"])
    desk.close("withdrawn")
    promise(isinstance(desk.open_lot(run_id=71, lot_id=8, seen_v=seen), NotDone), "opened from an old picture")


def a_bid_after_the_warning_needs_a_new_one(stage: Stage) -> None:
    desk = stage.desk
    desk.open()
    run(desk.client, calls.fair_warning(4, lot_id=7))
    desk.accept(ANNA, 1_000)
    desk.client.hset(desk.keys.state, "time", run(desk.client, calls.pulse(4)).now_ms + 20_000)
    promise(isinstance(desk.close("hammer"), NotDone), "the hammer fell on a bid that was not answered")


def an_end_that_nobody_saw_is_given_again(stage: Stage) -> None:
    desk = stage.desk
    desk.open()
    desk.client.hset(desk.keys.state, "time", int(desk.lot()["ends"]))
    desk.close()
    promise(desk.lot()["status"] == "open", "lost to an outage")


def who_may_not_bid_does_not(stage: Stage) -> None:
    desk = stage.desk
    desk.open()
    desk.register(BORIS, status="banned")
    desk.register(CLARA, status="pending")
    codes = [getattr(desk.decide(who, 1_000).answer, "code", "") for who in (BORIS, CLARA, HOST, 99)]
    promise(codes == ["banned", "not_registered", "own_lot", "not_registered"], f"who may not bid heard {codes}")


def an_expired_bid_never_counts(stage: Stage) -> None:
    stage.desk.open()
    now = run(stage.desk.client, calls.pulse(4)).now_ms
    late = stage.desk.decide(ANNA, 1_000, not_after_ms=now - 1).answer
    promise(isinstance(late, BidRejected) and late.code == "expired", "an unwanted late bid")


# --- The bugs --------------------------------------------------------------------------------------

Check = Callable[[Stage], None]


@dataclass(frozen=True)
class Bug:
    """A patch: `old` becomes `new` in every script that has it, or in one Python function."""

    promise: int
    check: Check
    old: str
    new: str
    function: str = ""
    """Module and name, `package.module:Class.method`."""

    def plant(self, patch: pytest.MonkeyPatch) -> None:
        """Plant the bug until the test is over; raise LookupError where its place is gone."""
        if self.function:
            function = pkgutil.resolve_name(self.function)
            source = textwrap.dedent(inspect.getsource(function))
            space: dict[str, Any] = {}
            exec(compile(self._applied(source), "planted", "exec"), function.__globals__, space)
            patch.setattr(function, "__code__", space[function.__name__].__code__)
            return
        sources = {path.stem: scripts.script(path.stem).source for path in LUA.glob("*.lua")}
        patched = {
            name: Script(name, text, hashlib.sha1(text.encode()).hexdigest())
            for name, source in sources.items()
            if self.old in source
            for text in [self._applied(source)]
        }
        if not patched:
            raise LookupError(f"no script has the text any more: {self.old}")
        for module in (calls, lock):
            patch.setattr(module, "script", lambda name: patched.get(name) or scripts.script(name))

    def _applied(self, source: str) -> str:
        if self.old not in source:
            raise LookupError(f"the text is gone: {self.old}")
        return source.replace(self.old, self.new)


def lua(promise: int, check: Check, old: str, new: str) -> Bug:
    """Name a bug of a script."""
    return Bug(promise, check, old, new)


EMBEDDED = "auction_site.embedded:floor"
REBUILD = "bidding.services.rebuilding:auction_rebuild"
FAULT = "bidding.selectors:floor_fault"
EXPECT_NEXT = "bidding.ledger:_expect_next"
EXPECT_STORED = "bidding.ledger:_expect_stored"
ATOMIC = (
    "    with transaction.atomic():\n"
    "        position = LedgerPosition.objects.select_for_update().get(auction=auction)\n"
)
STORE_LOG = "bidding.ledger:Ledger._store_log"
BUGS = [
    Bug(
        1,
        acknowledged_bids_outlive_the_server,
        '"appendonly": "yes"',
        '"appendonly": "no"',
        EMBEDDED,
    ),
    Bug(
        1,
        what_is_acknowledged_is_in_the_log,
        "    pool = client.connection_pool\n",
        "    if call.script.name == 'place_bid':\n"
        '        answer = b\'{"code":"ok","lot":7,"amount":1,"v":1,"standing":"leading","ends":1,"at":1}\'\n'
        "        return call.parse([b'new', b'e1', answer])\n"
        "    pool = client.connection_pool\n",
        "bidding.engine.runner:run",
    ),
    lua(
        1,
        what_is_acknowledged_is_in_the_log,
        "redis.call('XADD', log_key, v .. '-0'",
        "type('XADD', log_key, v .. '-0'",
    ),
    lua(2, amounts_rise_with_the_version, "if offered < minimum then", "if offered <= minimum then"),
    lua(2, amounts_rise_with_the_version, "(lot.price + step_at(lot, lot.price))", "lot.price"),
    lua(2, of_equal_maxima_the_earlier_wins, "offer.maximum <= lot.max", "offer.maximum < lot.max"),
    lua(
        2,
        versions_have_no_gap,
        "version, private_version = version + 1, 0",
        "version, private_version = version + 2, 0",
    ),
    lua(3, a_bid_takes_effect_once, "  if stored then\n    local before", "  if false then\n    local before"),
    lua(
        3,
        a_max_bid_takes_effect_once,
        "local function accept(answer)\n  remember(fingerprint .. '\\n' .. answer)",
        "local function accept(answer)",
    ),
    lua(3, a_bid_takes_effect_once, "if before == fingerprint then", "if true then"),
    lua(
        3,
        a_bid_takes_effect_once,
        "  remember(asked_and_answer)\n  -- Once a bid",
        "  -- Once a bid",
    ),
    lua(3, the_latest_answers_are_remembered, "redis.call('LPOP', KEYS[10])", "redis.call('RPOP', KEYS[10])"),
    lua(4, every_answer_names_its_version, '\'","v":\' .. whole(version) .. \',"epoch":"\'', '\'","v":0,"epoch":"\''),
    lua(
        4,
        every_answer_names_its_version,
        "local function refuse(code, least, late)\n",
        "local function refuse(code, least, late)\n  redis.call('HINCRBY', state_key, 'v', 1)\n",
    ),
    lua(4, refusals_are_kept_and_bounded, "KEYS[6], 'MAXLEN', '~', ARGV[13], '*'", "KEYS[6], '*'"),
    lua(
        5,
        nothing_is_accepted_at_or_after_the_end,
        "if now >= ends then return refuse",
        "if now > ends then return refuse",
    ),
    lua(
        5,
        nothing_is_accepted_at_or_after_the_end,
        "if now >= ends then return refuse",
        "if false then return refuse",
    ),
    lua(
        5,
        no_time_but_the_servers_counts,
        "if now >= ends then return refuse",
        "if (tonumber(ARGV[8]) and 0 or now) >= ends then return refuse",
    ),
    lua(5, no_time_but_the_servers_counts, ", tonumber(stored[4]) or 0)", ", 0)"),
    lua(
        5,
        no_time_but_the_servers_counts,
        "if late then redis.call('HSET', state_key",
        "if false then redis.call('HSET', state_key",
    ),
    lua(
        6,
        a_refused_bid_never_extends,
        "local leads, offered, buys = leader",
        "redis.call('HINCRBY', lot_key, 'ends', 30000)\nlocal leads, offered, buys = leader",
    ),
    lua(6, extension_ends_at_its_cap, "lot.extensions_used < lot.extensions_allowed and now", "now"),
    lua(6, only_a_change_of_price_or_leader_in_the_window_extends, "now >= lot.ends - lot.window then", "true then"),
    lua(
        6,
        only_a_change_of_price_or_leader_in_the_window_extends,
        "if lot.price ~= price_before or lot.leader ~= leader_before then",
        "if true then",
    ),
    lua(7, a_lot_closes_once, "then return reply('already_closed') end\n\nif by_time", "then end\n\nif by_time"),
    lua(7, a_lot_closes_once, "if redis.call('SADD', KEYS[6], ARGV[4]) == 0 then", "if false then"),
    lua(
        7,
        a_lot_closes_only_when_it_is_due,
        "or now < lot.ends then return reply('not_due')",
        "then return reply('not_due')",
    ),
    lua(
        7,
        a_lot_closes_only_when_it_is_due,
        "if not lot.hammer_at then return reply('no_fair_warning') end\n    if now < lot.hammer_at then",
        "if lot.hammer_at and now < lot.hammer_at then",
    ),
    lua(7, a_lot_closes_only_when_it_is_due, "if now < lot.hammer_at then", "if false then"),
    lua(7, reopening_supersedes_the_result, "redis.call('HINCRBY', lot_key, 'closing', 1)", "1"),
    lua(7, reopening_supersedes_the_result, "if lot.result == 'sold' then redis.call", "if false then redis.call"),
    lua(
        8,
        keys_go_only_when_all_is_stored,
        "if version ~= tonumber(ARGV[2]) or redis.call('XLEN', KEYS[3]) > 0 then",
        "if false then",
    ),
    lua(8, keys_go_only_when_all_is_stored, "redis.call('SET', KEYS[2], show_status, 'EX', ARGV[3])", ""),
    lua(
        8,
        keys_go_only_when_all_is_stored,
        "if redis.call('EXISTS', KEYS[2]) == 1 then return { token, 'over'",
        "if false then return { token, 'over'",
    ),
    lua(8, refusals_are_stored_before_the_keys_go, " or redis.call('XLEN', KEYS[3]) > 0 then", " then"),
    lua(
        9,
        the_database_holds_the_log_without_a_gap,
        "redis.call('XADD', log_key, v .. '-0'",
        "redis.call('XADD', log_key, 'MAXLEN', '20', v .. '-0'",
    ),
    Bug(
        9,
        the_database_holds_the_log_without_a_gap,
        ATOMIC,
        "    if True:\n        position = LedgerPosition.objects.get(auction=auction)\n",
        STORE_LOG,
    ),
    Bug(
        9,
        the_database_holds_the_log_without_a_gap,
        ATOMIC,
        "    LedgerPosition.objects.filter(auction=auction).update(v=entries[-1].v, s=entries[-1].s)\n    if True:\n",
        STORE_LOG,
    ),
    Bug(
        9,
        a_gap_is_never_stored_over,
        "    if not follows",
        "    if False and not follows",
        EXPECT_NEXT,
    ),
    Bug(
        9,
        a_log_that_is_another_one_is_never_stored,
        "if not log_continues",
        "if False and not log_continues",
        EXPECT_STORED,
    ),
    Bug(10, a_fork_is_given_up_openly, "    if place < stored:", "    return None\n    if place < stored:", FAULT),
    Bug(10, a_fork_is_given_up_openly, "if fault is FloorFault.FORKED and not discard_forked:", "if False:", REBUILD),
    Bug(10, a_fork_is_given_up_openly, "_keep_aside(auction) if", "[] if", REBUILD),
    Bug(
        10,
        a_fork_is_given_up_openly,
        ", keys.answers(bidder)",
        "",
        "bidding.services.rebuilding:_write_personal",
    ),
    Bug(9, a_frozen_ledger_stores_nothing, "if position.fence > fence:", "if False:", STORE_LOG),
    Bug(
        10,
        a_wiped_floor_comes_back_paused,
        "    self._pause()\n    self.lot.pop",
        "    self.lot.pop",
        "bidding.services.rebuilding:_Past.__post_init__",
    ),
    Bug(
        10,
        a_wiped_floor_comes_back_paused,
        "secrets.token_hex(4)",
        "Event.objects.first().epoch",
        REBUILD,
    ),
    lua(10, a_wiped_floor_comes_back_paused, "redis.call('SADD', KEYS[6], run)", "type(run)"),
    Bug(
        14,
        a_floor_that_is_gone_decides_nothing,
        "    if isinstance(error, NotSent | FloorMissing):\n",
        "    if isinstance(error, NotSent | FloorMissing):\n"
        "        return protocol.BidAccepted(\n"
        "            id=bid_id, lot=1, amount='1', standing='leading', v=1, epoch='', ends_at_ms=0\n"
        "        )\n",
        "bidding.services.bids:_failure",
    ),
    lua(
        14,
        a_floor_that_knows_nothing_decides_nothing,
        "  return { token, 'missing' }\nend\n\n-- `tonumber`",
        '  return { token, \'new\', \'\', \'{"code":"not_open","v":0,"at":1}\' }\nend\n\n-- `tonumber`',
    ),
    Bug(
        14,
        bidding_asks_no_database,
        "    offer = _offer(",
        "    from bidding.models import Event\n    Event.objects.exists()\n    offer = _offer(",
        "bidding.services.bids:bid_place_now",
    ),
    lua(15, a_replay_gives_the_stored_result, "offer.maximum <= lot.max", "offer.maximum < lot.max"),
    lua(15, a_replay_gives_the_stored_result, "lot.max >= lot.reserve then", "false then"),
    lua(15, a_replay_gives_the_stored_result, "second + step_at(lot, second)", "second"),
    lua(15, a_replay_gives_the_stored_result, "lot.buy_now = nil end", "end"),
    lua(15, a_replay_gives_the_stored_result, "table.remove(offers, at)", "table.remove(offers, 1)"),
    lua(15, a_replay_gives_the_stored_result, "  if not made and not answers", "  if not made"),
    Bug(15, a_replay_gives_the_stored_result, ' | Q(v=public["voided_v"])', "", "bidding.ledger:_Outcome._voided"),
    lua(2, the_reserve_lifts_the_price, "lot.max >= lot.reserve then", "false then"),
    lua(2, buy_now_goes_with_the_first_bid, "lot.buy_now = nil end", "end"),
    lua(2, a_maximum_never_buys, "offered = buys and buy_now or buy_now - 1", "offered = buys and buy_now or amount"),
    lua(2, a_maximum_pays_one_step_above_the_second, "offer.maximum + step_at(lot, offer.maximum)", "offer.maximum"),
    lua(
        2,
        voiding_restores_and_moves_no_end,
        "desk_commit('hammer_at', '', price",
        "desk_commit('ends', whole(now + 30000), 'hammer_at', '', price",
    ),
    lua(2, voiding_restores_and_moves_no_end, "table.remove(offers, at)", "table.remove(offers)"),
    lua(
        2,
        voiding_takes_back_the_offer_that_is_named,
        "ARGV[7] == offer.place",
        "ARGV[7]:match('^%d+') == whole(offer.v)",
    ),
    lua(
        2,
        a_voided_raise_takes_nobody_elses_bid_along_and_names_nobody,
        "voided.s == 0 and bid.v == voided.v",
        "bid.v == voided.v",
    ),
    lua(
        2,
        a_voided_raise_takes_nobody_elses_bid_along_and_names_nobody,
        "(seen and whole(voided.paddle) or 'null')",
        "whole(voided.paddle)",
    ),
    lua(2, the_history_ends_with_who_leads_after_a_void, " and lot.price and amount <= lot.price then", " then"),
    lua(2, the_history_ends_with_who_leads_after_a_void, "  if not made and", "  if"),
    lua(
        2,
        pre_bids_keep_their_order,
        "table.sort(waiting, function(a, b) return a[1] < b[1] or (a[1] == b[1] and a[2] < b[2])",
        "table.sort(waiting, function(a, b) return a[1] > b[1] or (a[1] == b[1] and a[2] > b[2])",
    ),
    lua(2, pre_bids_keep_their_order, "if status == 'approved' and not barred", "if true"),
    lua(2, a_limit_binds, "tonumber(redis.call('HGET', won_key, ARGV[3]) or 0)", "0"),
    lua(2, a_limit_binds, "    sum = sum + lot.max\n", ""),
    lua(2, a_limit_binds, "then sum = sum + tonumber(own[i + 1]) end", "then end"),
    lua(2, a_jump_needs_a_fresh_confirmation, " or (cap and amount > cap)", ""),
    lua(
        2,
        a_jump_needs_a_fresh_confirmation,
        "confirmed_at and now - confirmed_at <= tonumber(ARGV[14])",
        "confirmed_at",
    ),
    lua(7, a_pause_keeps_what_was_left, "local remaining = lot.ends - now", "local remaining = 0"),
    lua(7, a_pause_keeps_what_was_left, "math.max(lot.remaining, lot.window)", "lot.remaining"),
    lua(7, a_command_means_one_lot_picture_and_person, "tonumber(seen_v) >= (lot.desk_v or 0)) then", "true) then"),
    lua(7, a_command_means_one_lot_picture_and_person, "and holder ~= actor then", "and false then"),
    lua(
        7,
        a_command_means_one_lot_picture_and_person,
        "if not lot or lot.id ~= tonumber(lot_given) then return 'wrong_lot'",
        "if not lot then return 'wrong_lot'",
    ),
    lua(
        7,
        a_second_tap_opens_no_second_lot,
        "tonumber(seen_v) >= (current and current.desk_v or 0)) then",
        "true) then",
    ),
    lua(7, a_bid_after_the_warning_needs_a_new_one, "  if lot.hammer_at then redis.call", "  if false then redis.call"),
    lua(7, an_end_that_nobody_saw_is_given_again, "if lot.ends - lot.beat > tonumber(ARGV[12]) then", "if false then"),
    lua(5, who_may_not_bid_does_not, "if status == 'banned' then", "if false then"),
    lua(5, who_may_not_bid_does_not, "if barred then return refuse('own_lot') end", ""),
    lua(5, an_expired_bid_never_counts, "if not_after and now > not_after then", "if false then"),
]


def _case(check: Check, what: object, name: str) -> Any:
    """Return a test case that has the database where its check plays on a whole show."""
    marks = [pytest.mark.django_db(transaction=True)] if "stage.show" in inspect.getsource(check) else []
    return pytest.param(what, id=name, marks=marks)


def _name(check: Check) -> str:
    return str(getattr(check, "__name__", ""))


CHECKS = {_name(bug.check): bug.check for bug in BUGS}
CASES = [
    _case(bug.check, bug, f"{number}-promise-{bug.promise}-{_name(bug.check)}") for number, bug in enumerate(BUGS, 1)
]


@pytest.mark.parametrize("check", [_case(check, check, name) for name, check in CHECKS.items()])
def test_the_promise_holds(check: Check, request: pytest.FixtureRequest) -> None:
    check(Stage(request))


@pytest.mark.parametrize("bug", CASES)
def test_its_check_fails_on_the_bug(bug: Bug, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(request)
    with monkeypatch.context() as patch:
        bug.plant(patch)
        with pytest.raises(PromiseBroken):
            bug.check(stage)
