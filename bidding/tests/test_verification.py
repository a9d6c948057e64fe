"""Whoever checks a stored log or a downloaded record finds the first thing that is not as it should be."""

import base64
import copy
import json
import os
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import redis
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.management import CommandError, call_command
from pytest_django import Settings

from auctions.models import Sale
from bidding.chain import GENESIS, chain_hash, head_message, public_digest
from bidding.models import Bid, Event, LedgerPosition, SignedHead
from bidding.records import lot_record
from bidding.replay import verify_auction
from bidding.services import auction_cancel, auction_rebuild, lot_close_due, lot_resume
from bidding.signing import public_keys, published_keys
from bidding.tests.conftest import Show
from bidding.tests.evenings import ANNA, BORIS, Evening, random_evening, whole_evening
from bidding.verification import Verdict, verify_record

SEED = b"\x07" * 32
SAMPLE = Path(__file__).parents[2] / "tests/js/record-sample.json"
"""What the tests of the browser's check read; `UPDATE_SAMPLES=1` writes it anew."""
Record = dict[str, Any]


@pytest.fixture
def evening(make_show: Callable[..., Show], settings: Settings) -> Evening:
    """Return a show that was played to its end and stored, signed with a key that the tests know."""
    settings.SIGNING_KEY = base64.b64encode(SEED).decode()
    return whole_evening(make_show)


@pytest.fixture
def records(evening: Evening) -> tuple[Record, Record]:
    """Return the records of the evening's two lots, as they are downloaded."""
    return tuple(json.loads(json.dumps(lot_record(lot))) for lot in evening.show.lots)


def refresh(evening: Evening) -> Verdict:
    evening.show.auction.refresh_from_db()
    return verify_auction(evening.show.auction)


def event(kind: str, last: bool = True) -> Event:
    found = Event.objects.filter(kind=kind).order_by("-v" if last else "v").first()
    assert found is not None
    return found


def check(record: Record, heads: list[Record] | None = None, keys: dict[str, str] | None = None) -> Verdict:
    return verify_record(record, keys=public_keys() if keys is None else keys, heads=heads or [])


def heads_of(record: Record) -> list[Record]:
    return [{"v": entry["v"], "epoch": record["head"]["epoch"], "hash": entry["hash"]} for entry in record["entries"]]


def forge(record: Record, *changes: tuple[int, str, Any], seed: bytes = SEED) -> Record:
    """Return the record with fields of public texts changed, chained anew and signed again: what an owner could do."""
    forged = copy.deepcopy(record)
    for v, name, value in changes:
        entry = place(forged, v)
        text = json.loads(entry["public"])
        part = text
        *path, leaf = name.split(".")
        for step in path:
            part = part[int(step)] if isinstance(part, list) else part[step]
        part[leaf] = value
        entry["public"] = json.dumps(text)
    return sign(chain(forged), seed)


def chain(record: Record) -> Record:
    head = GENESIS
    for entry in record["entries"]:
        digest = public_digest(entry["public"]) if "public" in entry else entry["public_sha256"]
        head = entry["hash"] = chain_hash(head, digest, entry["offer"], entry["rest"])
    record["head"]["hash"] = head
    return record


def sign(record: Record, seed: bytes = SEED) -> Record:
    head = record["head"]
    message = head_message(record["auction"]["id"], head["v"], head["epoch"], head["hash"])
    record["signature"]["signature"] = Ed25519PrivateKey.from_private_bytes(seed).sign(message).hex()
    return record


def place(record: Record, v: int) -> Record:
    return next(entry for entry in record["entries"] if (entry["v"], entry["s"]) == (v, 0))


def texts(record: Record, kind: str) -> list[Record]:
    public = [json.loads(entry["public"]) for entry in record["entries"] if "public" in entry]
    return [text for text in public if text["type"] == kind]


# --- The stored log -----------------------------------------------------------------------------------


def test_a_whole_evening_is_consistent(evening: Evening) -> None:
    verdict = refresh(evening)
    assert verdict.problem is None
    assert str(verdict) == f"consistent: {Event.objects.count()} events"
    kinds = set(Event.objects.values_list("kind", flat=True))
    assert {"MAX_RAISED", "PRE_BID", "LOT_EXTENDED", "LOT_PAUSED", "BID_VOIDED", "LOT_REOPENED", "ROSTRUM"} <= kinds


@pytest.mark.parametrize("seed", range(3))
def test_random_evenings_are_consistent(make_show: Callable[..., Show], seed: int) -> None:
    """Show that the checks refuse nothing that the engine decides; the seed is in the name of the test."""
    evening = random_evening(make_show, seed)
    assert refresh(evening).problem is None
    for lot in evening.show.lots:
        record = lot_record(lot)
        assert record is not None
        assert check(record, heads_of(record)).problem is None


def test_a_show_that_was_rebuilt_and_cancelled_is_consistent(show: Show, floor: redis.Redis) -> None:
    evening = Evening(show)
    evening.open(0)
    evening.bid(ANNA, "10.00")
    evening.wait(35_000)
    evening.bid(BORIS, "20.00", max=True)
    show.store()
    floor.flushall()
    auction_rebuild(auction=show.auction)
    lot_resume(lot=show.lots[0], actor=show.host)
    evening.bid(ANNA, "30.00")
    evening.close_by_time(0)
    evening.open(1)
    evening.bid(ANNA, "10.00")
    auction_cancel(auction=show.auction, actor=show.host, reason="weather")
    show.store()
    assert refresh(evening).problem is None
    for lot in show.lots:
        record = json.loads(json.dumps(lot_record(lot)))
        assert check(record, heads_of(record)).problem is None
        assert len({text["epoch"] for text in texts(record, "HIGHEST_BID")}) == (2 if lot == show.lots[0] else 1)


def test_a_window_more_after_an_outage_is_consistent(show: Show, floor: redis.Redis) -> None:
    evening = Evening(show)
    evening.open(0)
    evening.bid(ANNA, "10.00")
    # Nobody is there to see the end.
    floor.hset(evening.keys.state, "time", evening.now_ms + 61_000)
    assert lot_close_due(auction=show.auction, lot_id=show.lots[0].pk)
    show.store()
    assert json.loads(event("LOT_EXTENDED").public)["reason"] == "outage"
    evening.close_by_time(0)
    show.store()
    assert refresh(evening).problem is None
    assert check(json.loads(json.dumps(lot_record(show.lots[0])))).problem is None


def test_an_edited_row_is_found_at_its_version(evening: Evening) -> None:
    """Edit one row of each kind, see it found, and put it back."""
    closed, highest, raised = event("LOT_CLOSED"), event("HIGHEST_BID"), event("MAX_RAISED")
    position = LedgerPosition.objects.get()
    assert closed.run is not None
    run = closed.run
    sale = Sale.objects.get(run=run)
    bid = Bid.objects.filter(v=highest.v).order_by("pk").first()
    voided = Bid.objects.exclude(voided_at_v=None).get()
    signed = SignedHead.objects.get(v=closed.v)
    assert bid is not None
    edits: list[tuple[Any, str, Any, str, int]] = [
        (closed, "public", closed.public.replace('"60.00"', '"61.00"'), "hash", closed.v),
        (highest, "private", highest.private.replace('"kind":"bid"', '"kind":"max"'), "hash", highest.v),
        (raised, "private", raised.private.replace("2800", "2900"), "hash", raised.v),
        (raised, "kind", "ROSTRUM", "hash", raised.v),
        (raised, "at_ms", raised.at_ms + 1, "hash", raised.v),
        (highest, "salt", "0" * 64, "hash", highest.v),
        (highest, "hash", "0" * 64, "hash", highest.v),
        (highest, "bid_id", "another", "bid id", highest.v),
        (bid, "amount", bid.amount + 1, "bid rows", bid.v),
        (bid, "registration_id", evening.show.bidders[2].pk, "bid rows", bid.v),
        (bid, "voided_at_v", closed.v, "bid row voided", bid.v),
        (bid, "offer_s", 9, "bid rows", bid.v),
        (voided, "voided_at_v", None, "bid row voided", voided.v),
        (run, "hammer_amount", 5_999, "hammer_amount", closed.v),
        (run, "winner_id", evening.show.bidders[2].pk, "winner_id", closed.v),
        (run, "reason", "hammer", "reason", closed.v),
        (run, "closing_number", 9, "closing_number", closed.v),
        (run, "closed_at_ms", 1, "closed_at_ms", closed.v),
        (run, "rules", run.rules | {"opening": 1}, "opening bid", event("LOT_OPENED").v),
        (sale, "hammer_amount", 5_999, "sale", closed.v),
        (signed, "signature", "0" * 128, "signature", closed.v),
        (position, "head", "0" * 64, "stored position", event("AUCTION_ENDED").v),
    ]
    for row, name, wrong, told, v in edits:
        rows = type(row).objects.filter(pk=row.pk)
        assert getattr(row, name) != wrong
        rows.update(**{name: wrong})
        problem = refresh(evening).problem
        assert problem is not None, name
        assert told in str(problem), (name, str(problem))
        assert problem.place[0] == v, (name, str(problem))
        rows.update(**{name: getattr(row, name)})
    assert refresh(evening).consistent


def test_a_removed_event_is_found(evening: Evening) -> None:
    gone = event("HIGHEST_BID", last=False)
    Event.objects.filter(pk=gone.pk).delete()
    assert "the order of versions is broken" in str(refresh(evening).problem)


def test_an_event_that_is_missing_at_the_end_is_found(evening: Evening) -> None:
    SignedHead.objects.filter(v=event("AUCTION_ENDED").v).delete()
    Event.objects.filter(kind="AUCTION_ENDED").delete()
    assert "stored position" in str(refresh(evening).problem)


def test_two_swapped_events_are_found(evening: Evening) -> None:
    one, two = Event.objects.filter(kind="HIGHEST_BID").order_by("v")[:2]
    for row, other in ((one, two), (two, one)):
        Event.objects.filter(pk=row.pk).update(public=other.public, private=other.private, hash=other.hash)
    problem = refresh(evening).problem
    assert problem is not None
    assert problem.place == (one.v, 0)


def test_a_log_that_breaks_a_rule_is_found_although_its_chain_is_whole(
    evening: Evening, monkeypatch: pytest.MonkeyPatch
) -> None:
    highest = event("HIGHEST_BID")
    told = json.loads(highest.public)
    Event.objects.filter(pk=highest.pk).update(public=json.dumps(told | {"ends_at_ms": told["ends_at_ms"] + 1}))
    rechain(evening)
    problem = refresh(evening).problem
    assert problem is not None
    assert (problem.place, problem.what) == ((highest.v, 0), "end")


def rechain(evening: Evening) -> None:
    """Chain and sign the stored log anew, as whoever owns the database and the key could."""
    from bidding.records import _private

    head = GENESIS
    key = Ed25519PrivateKey.from_private_bytes(SEED)
    for row in Event.objects.order_by("v", "s"):
        private = _private(row)
        head = chain_hash(head, public_digest(row.public), private.offer.commitment, private.rest.commitment)
        Event.objects.filter(pk=row.pk).update(hash=head)
        signature = key.sign(head_message(evening.show.auction.pk, row.v, row.epoch, head)).hex()
        SignedHead.objects.filter(v=row.v, epoch=row.epoch).exclude(hash=head).update(hash=head, signature=signature)
    LedgerPosition.objects.update(head=head)


# --- The downloaded record ------------------------------------------------------------------------------


def test_the_records_of_a_whole_evening_are_consistent(records: tuple[Record, Record]) -> None:
    for record in records:
        verdict = check(record, heads_of(record))
        assert verdict.problem is None
        assert verdict.entries == verdict.witnessed == len(record["entries"])
        assert verdict.key_id == published_keys()["keys"][0]["kid"]


def test_one_edited_entry_is_found(records: tuple[Record, Record]) -> None:
    record = records[1]
    v = texts(record, "HIGHEST_BID")[-1]["v"]
    entry = place(record, v)
    entry["public"] = entry["public"].replace('"60.00"', '"61.00"')
    problem = check(record).problem
    assert problem is not None
    assert (problem.place, problem.what) == ((v, 0), "the hash chain is broken")


def test_one_removed_entry_is_found(records: tuple[Record, Record]) -> None:
    record = records[0]
    record["entries"].remove(place(record, texts(record, "HIGHEST_BID")[1]["v"]))
    assert "the order of versions is broken" in str(check(sign(chain(record))).problem)


def test_a_removed_entry_is_found_although_the_rest_moved_up(records: tuple[Record, Record]) -> None:
    record = records[0]
    gone = place(record, texts(record, "HIGHEST_BID")[-1]["v"])
    record["entries"].remove(gone)
    for entry in record["entries"]:
        entry["v"] -= entry["v"] > gone["v"]
    record["head"]["v"] -= 1
    assert "version: expected" in str(check(sign(chain(record))).problem)


def test_two_swapped_entries_are_found(records: tuple[Record, Record]) -> None:
    record = records[0]
    one, two = (place(record, text["v"]) for text in texts(record, "HIGHEST_BID")[:2])
    one["public"], two["public"] = two["public"], one["public"]
    assert "the hash chain is broken" in str(check(record).problem)
    assert "version: expected" in str(check(sign(chain(record))).problem)


def test_a_history_that_was_rewritten_and_signed_again_is_caught_by_its_witnesses(
    records: tuple[Record, Record],
) -> None:
    """Show that nothing else could: the rewritten history keeps every rule, and the signature is true."""
    true = records[1]
    witnessed = heads_of(true)
    v = texts(true, "HIGHEST_BID")[-1]["v"]
    closed = texts(true, "LOT_CLOSED")[-1]["v"]
    forged = forge(
        true,
        (v, "current_amount", "61.00"),
        (v, "minimum_amount", "66.00"),
        (v, "bids.1.amount", "61.00"),
        (closed, "amount", "61.00"),
    )
    forged["runs"][0]["amount"] = "61.00"
    assert check(forged).problem is None
    problem = check(forged, witnessed).problem
    assert problem is not None
    assert problem.place == (v, 0)
    assert "history was rewritten" in problem.what
    # Heads from before the change agree, and one of a later time says nothing yet.
    before = [head for head in witnessed if head["v"] < v]
    later = [{"v": 10_000, "epoch": "x", "hash": "0" * 64}]
    assert check(forged, before + later).witnessed == len(before)


def test_the_signature_of_another_key_is_found(records: tuple[Record, Record]) -> None:
    record = records[0]
    assert "the signature is not that of key" in str(check(sign(copy.deepcopy(record), b"\x08" * 32)).problem)
    assert "a key that is not known" in str(check(record, keys={}).problem)
    other = Ed25519PrivateKey.from_private_bytes(b"\x08" * 32).public_key().public_bytes_raw().hex()
    key_id = record["signature"]["key_id"]
    assert "the signature is not that of key" in str(check(record, keys={key_id: other}).problem)


def test_a_signature_of_another_auction_or_version_is_found(records: tuple[Record, Record]) -> None:
    for part, name in (("auction", "id"), ("head", "epoch"), ("head", "v")):
        record = copy.deepcopy(records[0])
        value = record[part][name]
        record[part][name] = value + 1 if isinstance(value, int) else "other"
        assert not check(record).consistent


def test_a_true_signature_under_another_history_is_found(records: tuple[Record, Record]) -> None:
    true = records[1]
    v = texts(true, "HIGHEST_BID")[-1]["v"]
    forged = forge(true, (v, "minimum_amount", "99.00"))
    assert check(forged).consistent
    forged |= {"head": true["head"], "signature": true["signature"]}
    assert "the signed head is not the last entry" in str(check(forged).problem)


def test_an_entry_that_is_withheld_while_the_lot_was_open_is_found(records: tuple[Record, Record]) -> None:
    record = records[0]
    entry = place(record, texts(record, "HIGHEST_BID")[1]["v"])
    entry["public_sha256"] = public_digest(entry.pop("public"))
    assert "withheld while the lot was open" in str(check(record).problem)


def test_a_private_entry_cannot_stand_for_a_public_one(records: tuple[Record, Record]) -> None:
    record = records[0]
    private = next(entry for entry in record["entries"] if entry["s"])
    private["public_sha256"] = public_digest("{}")
    assert "private entry" in str(check(sign(chain(record))).problem)


def test_every_rule_that_the_public_part_shows_is_checked(records: tuple[Record, Record]) -> None:
    """Forge one field at a time, with a whole chain and a true signature."""
    record = records[0]
    bids, closings = texts(record, "HIGHEST_BID"), texts(record, "LOT_CLOSED")
    opened, extended = texts(record, "LOT_OPENED")[0], texts(record, "LOT_EXTENDED")
    paused, resumed = texts(record, "LOT_PAUSED")[0], texts(record, "LOT_RESUMED")[0]
    warned, voided, reopened = (texts(record, kind)[0] for kind in ("FAIR_WARNING", "BID_VOIDED", "LOT_REOPENED"))
    by_bid = next(text for text in extended if text["reason"] == "bid")
    answered = next(text for text in bids if len(text["bids"]) == 2)
    by_host = next(text for text in extended if text["reason"] == "host")
    forgeries: list[tuple[Record, str, Any, str]] = [
        (opened, "lot.bid_count", 1, "bids"),
        (opened, "lot.id", 999_999, "lot"),
        (opened, "lot.ends_at_ms", 1, "ends before it opens"),
        (opened, "lot.extensions.allowed", 0, "end"),
        (bids[1], "current_amount", bids[0]["current_amount"], "the price does not rise"),
        (bids[0], "current_amount", "0.01", "the price does not rise"),
        (bids[1], "bid_count", 1, "bids"),
        (bids[1], "leader.paddle", 999, "paddle of the last bid"),
        (bids[2], "ends_at_ms", bids[2]["ends_at_ms"] + 30_000, "end"),
        (bids[1], "at_ms", opened["at_ms"] - 1, "time goes backwards"),
        (bids[1], "epoch", "other", "epoch changed"),
        (bids[1], "v", 1, "version"),
        (bids[-1], "reserve_met", False, "a reserve that was met"),
        (answered, "bids.0.amount", "99.00", "out of order"),
        (by_bid, "extensions.used", 2, "extensions"),
        (by_bid, "ends_at_ms", by_bid["ends_at_ms"] + 1, "end"),
        (by_bid, "reason", "host", "the extension is not told"),
        (by_host, "reason", "bid", "no bid caused"),
        (by_host, "added_ms", 1, "end"),
        (paused, "remaining_ms", 1, "time left"),
        (resumed, "ends_at_ms", resumed["at_ms"] + 1, "end"),
        (warned, "hammer_at_ms", warned["at_ms"], "warning is too short"),
        (voided, "current_amount", "99.00", "cannot raise the price"),
        (voided, "bid_count", 9, "that there was not"),
        (voided, "recent_bids.0.amount", "99.00", "newest bid"),
        (reopened, "ends_at_ms", reopened["ends_at_ms"] + 1, "end"),
        (closings[0], "reason", "time", "before its time"),
        (closings[0], "winner.paddle", 999, "winner"),
        (closings[0], "amount", "1.00", "hammer price"),
        (closings[0], "result", "passed", "result"),
        (closings[1], "closing_number", 1, "closing"),
    ]
    found = []
    for text, name, value, told in forgeries:
        problem = check(forge(record, (text["v"], name, value))).problem
        assert problem is not None, (text["type"], name)
        assert told in problem.what, (text["type"], name, str(problem))
        found.append({"v": text["v"], "name": name, "value": value, "at": problem.place, "what": problem.what})
    if os.environ.get("UPDATE_SAMPLES"):
        sample = {"keys": published_keys(), "seed": SEED.hex(), "records": records, "forgeries": found}
        SAMPLE.write_text(json.dumps(sample, indent=1) + "\n", "utf-8")


def test_the_sample_that_the_browsers_check_reads_says_the_same_here() -> None:
    sample = json.loads(SAMPLE.read_text("utf-8"))
    keys = {key["kid"]: base64.urlsafe_b64decode(key["x"] + "==").hex() for key in sample["keys"]["keys"]}
    for record in sample["records"]:
        assert check(record, heads_of(record), keys).problem is None
    for forgery in sample["forgeries"]:
        forged = forge(sample["records"][0], (forgery["v"], forgery["name"], forgery["value"]))
        problem = check(forged, keys=keys).problem
        assert problem is not None
        assert (list(problem.place), problem.what) == (forgery["at"], forgery["what"])


def test_a_bid_at_or_after_the_end_is_found(records: tuple[Record, Record]) -> None:
    record = records[1]
    bid, closed = texts(record, "HIGHEST_BID")[-1], texts(record, "LOT_CLOSED")[-1]
    late = texts(record, "LOT_OPENED")[0]["lot"]["ends_at_ms"]
    problem = check(forge(record, (bid["v"], "at_ms", late), (closed["v"], "at_ms", closed["at_ms"]))).problem
    assert "accepted at or after the end" in str(problem)


def test_what_a_record_says_of_its_runs_is_compared(records: tuple[Record, Record]) -> None:
    for name, wrong in (
        ("result", "passed"),
        ("amount", "1.00"),
        ("winner", {"paddle": 1}),
        ("bid_count", 99),
        ("extensions", 9),
    ):
        record = copy.deepcopy(records[0])
        record["runs"][0][name] = wrong
        assert name in str(check(record).problem)
    assert "runs" in str(check({**records[0], "runs": []}).problem)


def test_anything_else_is_malformed_and_no_error(records: tuple[Record, Record]) -> None:
    for broken in ({}, {"format": "auction-record/1"}, {**records[0], "entries": [1]}, {**records[0], "head": None}):
        assert not check(broken).consistent


# --- The command ------------------------------------------------------------------------------------------


def command(*args: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("verify_auction", *args, stdout=out)
    except SystemExit as stopped:
        return int(stopped.code or 0), out.getvalue()
    return 0, out.getvalue()


def test_the_command_says_what_it_found_and_exits_accordingly(evening: Evening, tmp_path: Path) -> None:
    auction = str(evening.show.auction.pk)
    code, said = command(auction)
    assert (code, said.strip()) == (0, f"consistent: {Event.objects.count()} events")

    record = lot_record(evening.show.lots[1])
    assert record is not None
    files = {"record": record, "keys": published_keys(), "heads": heads_of(record)}
    for name, content in files.items():
        (tmp_path / name).write_text(json.dumps(content))
    record_file, keys, heads = (str(tmp_path / name) for name in files)
    code, said = command("--file", record_file, "--keys", keys, "--heads", heads)
    assert code == 0
    assert said.startswith(f"consistent: {len(record['entries'])} events\nsigned by key ")
    assert f"{len(record['entries'])} witnessed heads agree" in said

    Bid.objects.filter(v=event("HIGHEST_BID").v).update(amount=1)
    code, said = command(auction)
    assert code == 1
    assert said.startswith(f"inconsistent: version {event('HIGHEST_BID').v}: bid rows")
    (tmp_path / "record").write_text(json.dumps(forge(record, (event("LOT_CLOSED").v, "amount", "1.00"))))
    assert command("--file", record_file)[0] == 1


def test_the_command_tells_what_it_cannot_check(evening: Evening, tmp_path: Path) -> None:
    for args in ([], ["999"], ["--file", str(tmp_path / "absent")], ["1", "--file", "x"]):
        with pytest.raises(CommandError) as raised:
            call_command("verify_auction", *args)
        assert raised.value.returncode == 2
