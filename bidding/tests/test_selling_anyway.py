"""A lot that passed because of its reserve and is sold all the same: it runs once more, without the reserve."""

import json
import subprocess
from typing import Any

import pytest
from django.conf import settings

from auctions.errors import Refused
from auctions.models import Lot, LotRun, Sale, SaleStatus
from bidding.engine import calls
from bidding.engine.runner import run
from bidding.floor import floor
from bidding.records import lot_record
from bidding.replay import verify_auction
from bidding.selectors import snapshot_now
from bidding.services import auction_rebuild, lot_open, lot_sell_anyway
from bidding.signing import public_keys
from bidding.tests.conftest import ANNA, BORIS, FloorDriver, Show
from bidding.tests.test_a_show import bid
from bidding.tests.test_desk import do
from bidding.tests.test_the_house import by_hand, run_out
from bidding.verification import verify_record


@pytest.fixture
def unmet(show: Show) -> Show:
    """Return a show whose first lot passed at 45.00, below its reserve of 60.00."""
    by_hand(show)
    # Long enough for two bids on a busy machine.
    short = {"duration_ms": 5_000, "window_ms": 0, "extension_cap": 0}
    Lot.objects.filter(pk=show.lots[0].pk).update(reserve_amount=6_000, **short)
    show.lots[0].refresh_from_db()
    lot_open(lot=show.lots[0], actor=show.host)
    bid(show, 0, "30.00")
    bid(show, 1, "45.00")
    run_out(show, show.lots[0])
    assert LotRun.objects.get().reason == "reserve_not_met"
    return show


def problem_in_the_browser(record: dict[str, Any]) -> str:
    """Return what the check of a record in the page's own script finds."""
    script = """
        import { readFileSync } from "node:fs";
        const { verifyRecord } = await import(process.argv[1]);
        const { record, keys } = JSON.parse(readFileSync(0, "utf8"));
        console.log(String((await verifyRecord(record, { keys })).problem));
    """
    done = subprocess.run(
        ["node", "--input-type=module", "-e", script, str(settings.BASE_DIR / "static/js/record.js")],
        input=json.dumps({"record": record, "keys": public_keys()}),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def shown(show: Show) -> Any:
    return json.loads(snapshot_now(show.auction.pk).lot or "")


def test_it_runs_again_without_the_reserve_and_who_led_buys_it(unmet: Show) -> None:
    lot_sell_anyway(lot=unmet.lots[0], actor=unmet.host)
    lot = shown(unmet)
    assert (lot["status"], lot["has_reserve"], lot["reserve_met"]) == ("open", False, True)
    assert (lot["current_amount"], lot["leader"]) == ("45.00", {"paddle": 102})
    run_out(unmet, unmet.lots[0])
    sale = Sale.objects.get(status=SaleStatus.PROVISIONAL)
    assert (sale.hammer_amount, sale.buyer.paddle) == (4_500, 102)
    assert verify_auction(unmet.auction).problem is None
    record = lot_record(unmet.lots[0])
    assert record is not None
    assert verify_record(record, keys=public_keys()).problem is None
    assert problem_in_the_browser(record) == "null"


def test_everybody_may_bid_more_meanwhile(unmet: Show) -> None:
    lot_sell_anyway(lot=unmet.lots[0], actor=unmet.host)
    bid(unmet, 2, "50.00")
    run_out(unmet, unmet.lots[0])
    assert Sale.objects.get(status=SaleStatus.PROVISIONAL).buyer.paddle == 103
    assert verify_auction(unmet.auction).problem is None


def test_only_what_passed_because_of_its_reserve_is_sold_so(unmet: Show) -> None:
    lot_sell_anyway(lot=unmet.lots[0], actor=unmet.host)
    for _twice in range(2):
        with pytest.raises(Refused) as refused:
            lot_sell_anyway(lot=unmet.lots[0], actor=unmet.host)
        assert refused.value.code == "reserve_met"
    with pytest.raises(Refused) as refused:
        lot_sell_anyway(lot=unmet.lots[1], actor=unmet.host)
    assert refused.value.code == "wrong_lot"
    with pytest.raises(Refused) as refused:
        lot_sell_anyway(lot=unmet.lots[0], actor=unmet.bidders[0].user or unmet.host)
    assert refused.value.code == "forbidden"


def test_a_rebuilt_floor_knows_that_there_is_no_reserve_any_more(unmet: Show) -> None:
    lot_sell_anyway(lot=unmet.lots[0], actor=unmet.host)
    unmet.store()
    floor().flushall()
    auction_rebuild(auction=unmet.auction)
    lot = shown(unmet)
    assert (lot["status"], lot["has_reserve"], lot["reserve_met"]) == ("paused", False, True)


def test_another_reopening_keeps_the_reserve(open_desk: FloorDriver) -> None:
    open_desk.close("withdrawn")
    open_desk.open_lot(run_id=71, lot_id=8, reserve=6_000)
    open_desk.accept(ANNA, 1_000)
    open_desk.close("withdrawn", lot_id=8)
    do(open_desk, calls.reopen_lot(4, lot_id=8, reason="mistake"))
    assert b'"reserve_met":false' in (run(open_desk.client, calls.snapshot(4)).lot or "").encode()
    open_desk.close("withdrawn", lot_id=8)
    do(open_desk, calls.reopen_lot(4, lot_id=8, reason="reserve_waived"))
    open_desk.accept(BORIS, 1_500)
    assert b'"has_reserve":false' in (run(open_desk.client, calls.snapshot(4)).lot or "").encode()


def test_what_the_room_cannot_see_takes_no_buy_now_price_away(open_desk: FloorDriver) -> None:
    def on_offer() -> object:
        return json.loads(run(open_desk.client, calls.snapshot(4)).lot or "")["buy_now_amount"]

    open_desk.close("withdrawn")
    open_desk.open_lot(run_id=71, lot_id=8, reserve=6_000, buy_now=8_000)
    open_desk.accept(ANNA, 1_000, is_maximum=True)
    open_desk.close("withdrawn", lot_id=8)
    do(open_desk, calls.reopen_lot(4, lot_id=8, reason="reserve_waived"))
    open_desk.accept(ANNA, 2_000, is_maximum=True)
    assert on_offer() == "80.00"
    open_desk.accept(BORIS, 1_500)
    assert on_offer() is None
