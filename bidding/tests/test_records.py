"""What anybody may take away of a show: records that name nobody, and one's own bids with what opens them."""

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import redis
from django.test import Client

from accounts.models import User
from auctions.models import AuctionStatus, Visibility
from bidding import protocol
from bidding.chain import chain_hash
from bidding.engine.calls import BidOffer
from bidding.engine.outcomes import BidAccepted, BidRejected
from bidding.models import Event
from bidding.records import lot_record, stored_answer
from bidding.selectors import room_info
from bidding.services import auction_finish, lot_open, offer_void
from bidding.services.bids import _reply
from bidding.tests.conftest import Show
from bidding.tests.evenings import ANNA, BORIS, CLARA, Evening, whole_evening


@pytest.fixture
def evening(make_show: Callable[..., Show]) -> Evening:
    """Return a show that was played to its end and stored."""
    return whole_evening(make_show)


def as_bidder(client: Client, evening: Evening, who: int) -> Client:
    user = evening.show.bidders[who].user
    assert user is not None
    client.force_login(user)
    return client


def record_of(client: Client, evening: Evening, number: int) -> Any:
    return client.get(f"/api/v1/lots/{evening.show.lots[number].pk}/record/")


# --- Records ------------------------------------------------------------------------------------------------


def test_anybody_downloads_the_record_of_a_closed_lot(client: Client, evening: Evening) -> None:
    record = record_of(client, evening, 0).json()
    assert record == json.loads(json.dumps(lot_record(evening.show.lots[0])))
    [run] = record["runs"]
    assert (run["result"], run["reason"], run["amount"]) == ("sold", "time", "40.00")
    assert run["winner"] == {"paddle": evening.show.bidders[BORIS].paddle}
    assert (record["entries"][0]["v"], record["head"]["v"]) == (1, record["entries"][-1]["v"])


def test_other_lots_and_private_entries_are_hashes_alone(client: Client, evening: Evening) -> None:
    record = record_of(client, evening, 1).json()
    events = {(event.v, event.s): event for event in Event.objects.all()}
    run_id = record["runs"][0]["run"]
    for entry in record["entries"]:
        event = events[entry["v"], entry["s"]]
        shown = event.s == 0 and event.run_id in (None, run_id)
        assert ("public" in entry) is shown
        assert set(entry) == {"v", "s", "offer", "rest", "hash", "public" if shown else "public_sha256"}
        assert entry["hash"] == event.hash
        if shown:
            assert entry["public"] == event.public


def test_a_record_has_paddles_and_no_person_maximum_or_reserve(client: Client, evening: Evening) -> None:
    for number in (0, 1):
        text = record_of(client, evening, number).content.decode()
        for user in User.objects.all():
            assert user.email not in text
        for secret in ("registration", "reserve_amount", '"max"', '"maximum"', '"salt"', '"private"', "entered_by"):
            assert secret not in text
    # The winner's maximum and the reserve of the first lot were never a price.
    text = record_of(client, evening, 1).content.decode()
    assert "28.00" not in text
    assert not re.search(r"(?<![0-9a-f])2800(?![0-9a-f])", text)  # a hash may hold these digits by chance


def test_there_is_no_record_while_a_lot_runs(client: Client, show: Show) -> None:
    url = f"/api/v1/lots/{show.lots[0].pk}/record/"
    assert client.get(url).status_code == 409
    lot_open(lot=show.lots[0], actor=show.host)
    show.store()
    response = client.get(url)
    assert (response.status_code, response.json()["code"]) == (409, "not_closed")


def test_the_record_of_an_auction_that_one_may_not_see_does_not_exist(client: Client, evening: Evening) -> None:
    show = evening.show
    show.auction.visibility = Visibility.INVITE_ONLY
    show.auction.save()
    assert record_of(client, evening, 0).status_code == 404
    assert record_of(as_bidder(client, evening, ANNA), evening, 0).status_code == 200
    stranger = User.objects.create_user("stranger@example.test", "secret-enough")
    client.force_login(stranger)
    assert record_of(client, evening, 0).status_code == 404


# --- One's own bids -------------------------------------------------------------------------------------------


def own(client: Client, evening: Evening, who: int, name: str) -> Any:
    return as_bidder(client, evening, who).get(f"/api/v1/bids/{evening.ids[name]}/")


@pytest.mark.parametrize(
    ("who", "name", "lot", "amount", "maximum"),
    [
        (ANNA, "anna wins", 1, "60.00", None),
        (BORIS, "boris's maximum", 0, "25.00", "25.00"),
        (BORIS, "boris raises", 0, "28.00", "28.00"),
        (CLARA, "clara is outbid", 0, "20.00", None),
        (CLARA, "clara's pre-bid", 1, "30.00", "30.00"),
    ],
)
def test_a_bidder_opens_the_commitment_of_their_own_bid(
    client: Client, evening: Evening, who: int, name: str, lot: int, amount: str, maximum: str | None
) -> None:
    body = own(client, evening, who, name).json()
    assert (body["status"], body["amount"], body["max_amount"]) == ("accepted", amount, maximum)
    assert body["lot"] == evening.show.lots[lot].pk
    opening = body["opening"]
    opened = hashlib.sha256(bytes.fromhex(opening["salt"]) + opening["text"].encode()).hexdigest()
    assert opened == opening["offer"]

    # And the record has the same commitment at the same place.
    entries = record_of(client, evening, 1).json()["entries"]
    index = next(index for index, entry in enumerate(entries) if (entry["v"], entry["s"]) == (body["v"], body["s"]))
    assert entries[index]["offer"] == opened
    previous = entries[index - 1]["hash"]
    assert chain_hash(previous, opening["public_sha256"], opened, opening["rest"]) == entries[index]["hash"]


def test_opening_ones_own_bid_does_not_open_the_leaders_maximum(client: Client, evening: Evening) -> None:
    """The entry of an outbid challenger holds the leader's maximum in its other half."""
    body = own(client, evening, CLARA, "clara is outbid").json()
    event = Event.objects.get(v=body["v"], s=body["s"])
    private = json.loads(event.private)
    assert (private["leader"], private["max"]) == (evening.show.bidders[BORIS].pk, 2_800)
    text = json.dumps(body)
    assert not re.search(r"(?<![0-9a-f])2800(?![0-9a-f])", text)
    assert "28.00" not in text
    opening = body["opening"]
    for guess in range(1, 10_000):
        # Whoever has the salt of the one half cannot try amounts on the other.
        rest = json.loads(event.private)
        for name in json.loads(opening["text"]):
            rest.pop(name)
        rest |= {"max": guess, "entry": [event.v, event.s, event.kind, event.run_id, event.at_ms, event.epoch]}
        tried = json.dumps(rest, sort_keys=True, separators=(",", ":"))
        assert hashlib.sha256(bytes.fromhex(opening["salt"]) + tried.encode()).hexdigest() != opening["rest"]


def test_nobody_else_opens_a_bid(client: Client, evening: Evening) -> None:
    assert own(client, evening, BORIS, "anna wins").status_code == 404
    client.logout()
    assert client.get(f"/api/v1/bids/{evening.ids['anna wins']}/").status_code in (401, 403)
    client.force_login(evening.show.host)
    assert client.get(f"/api/v1/bids/{evening.ids['anna wins']}/").status_code == 404


def test_somebody_elses_bid_under_the_same_id_is_not_mine(client: Client, show: Show) -> None:
    evening = Evening(show)
    evening.open(0)
    evening.bid(ANNA, "10.00", name="shared")
    evening.bid(BORIS, "15.00", name="shared")
    show.store()
    for who, amount in ((ANNA, "10.00"), (BORIS, "15.00")):
        assert own(client, evening, who, "shared").json()["amount"] == amount
    assert own(client, evening, CLARA, "shared").status_code == 404


def test_a_voided_and_a_refused_bid_say_so(client: Client, evening: Evening) -> None:
    assert own(client, evening, ANNA, "anna is voided").json()["status"] == "voided"
    refused = own(client, evening, CLARA, "clara is refused").json()
    assert (refused["status"], refused["code"], refused["opening"]) == ("refused", "too_low", None)


def test_a_voided_raise_and_a_voided_pre_bid_say_so_and_what_stands_again_does_not(client: Client, show: Show) -> None:
    evening = Evening(show)
    evening.bid(CLARA, "10.00", max=True, lot=show.lots[0].pk, name="pre-bid")
    evening.open(0)
    evening.bid(ANNA, "50.00", max=True, name="maximum")
    evening.bid(ANNA, "90.00", max=True, name="raised")
    show.store()
    for who in (CLARA, ANNA):
        offer_void(lot=show.lots[0], bidder=show.bidders[who], actor=show.host, reason="mistake")
    show.store()
    status = {
        name: own(client, evening, who, name).json()["status"]
        for who, name in ((CLARA, "pre-bid"), (ANNA, "maximum"), (ANNA, "raised"))
    }
    assert status == {"pre-bid": "voided", "maximum": "accepted", "raised": "voided"}


# --- Answers from the database ----------------------------------------------------------------------------------


def test_after_the_clean_up_every_answer_is_the_same_from_the_database(
    make_show: Callable[..., Show], floor: redis.Redis
) -> None:
    show = make_show()
    evening = Evening(show)
    evening.open(0)
    said = {
        "pre-bid": (CLARA, evening.bid(CLARA, "30.00", max=True, lot=show.lots[1].pk, name="pre-bid")),
        "plain": (ANNA, evening.bid(ANNA, "10.00", name="plain")),
        "maximum": (BORIS, evening.bid(BORIS, "50.00", max=True, lot=show.lots[0].pk, name="maximum")),
        "raised": (BORIS, evening.bid(BORIS, "60.00", max=True, name="raised")),
        "outbid": (ANNA, evening.bid(ANNA, "20.00", name="outbid")),
        "too low": (CLARA, evening.bid(CLARA, "20.00", name="too low", accepted=False)),
        "too high": (CLARA, evening.bid(CLARA, "9000.00", name="too high", accepted=False)),
        "leading": (BORIS, evening.bid(BORIS, "70.00", name="leading", accepted=False)),
    }
    evening.close_by_time(0)
    late = evening.bid(CLARA, "90.00", name="late", accepted=False)
    assert late.code in ("too_late", "not_open")
    said["late"] = (CLARA, late)
    show.store()
    room = room_info(show.auction.pk)
    assert room is not None
    floor.flushall()

    for name, (who, reply) in said.items():
        decision = stored_answer(show.bidders[who].pk, evening.ids[name])
        assert decision is not None, name
        assert decision.repeated
        assert _reply(room, show.bidders[who].pk, evening.ids[name], decision) == reply


def test_another_bid_under_a_stored_id_is_a_reused_id(evening: Evening) -> None:
    anna, clara = (evening.show.bidders[who].pk for who in (ANNA, CLARA))
    won, refused = evening.ids["anna wins"], evening.ids["clara is refused"]
    for registration, bid_id, offer, code in (
        (anna, won, BidOffer(anna, 6_000), "ok"),
        (anna, won, BidOffer(anna, 6_100), "id_reused"),
        (anna, won, BidOffer(anna, 6_000, is_maximum=True), "id_reused"),
        (anna, won, BidOffer(anna, 6_000, lot_id=evening.show.lots[1].pk), "id_reused"),
        (clara, refused, BidOffer(clara, 2_200), "too_low"),
        (clara, refused, BidOffer(clara, 2_300), "id_reused"),
    ):
        decision = stored_answer(registration, bid_id, offer)
        assert decision is not None
        answer = decision.answer
        assert (answer.code if isinstance(answer, BidRejected) else "ok") == code
    assert isinstance(stored_answer(anna, won).answer, BidAccepted)
    assert stored_answer(anna, "unheard-of") is None
    assert stored_answer(anna, "") is None
    assert stored_answer(clara, won) is None
    assert stored_answer(0, won) is None


def test_a_record_outlives_the_keys_in_redis(client: Client, evening: Evening, floor: redis.Redis) -> None:
    before = record_of(client, evening, 0).json()
    assert evening.show.auction.status == AuctionStatus.ENDED
    assert auction_finish(auction=evening.show.auction)
    floor.flushall()
    assert record_of(client, evening, 0).json() == before
    assert isinstance(own(client, evening, ANNA, "anna wins").json()["opening"]["salt"], str)


def test_a_bid_is_a_receipt_that_names_the_head_of_the_chain(client: Client, evening: Evening) -> None:
    head = own(client, evening, ANNA, "anna wins").json()["head"]
    last = Event.objects.order_by("v", "s").last()
    assert last is not None
    assert (head["v"], head["hash"]) == (last.v, last.hash)
    assert protocol.LogHead(**head)


def test_neither_heads_nor_receipts_tell_of_a_private_decision(
    client: Client, show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    heads: list[protocol.LogHead] = []
    monkeypatch.setattr("bidding.ledger.announce_signal_now", lambda auction, room, head: heads.append(head))
    evening = Evening(show)
    evening.open(0)
    evening.bid(ANNA, "20.00", max=True, name="maximum")
    show.store()
    receipt = own(client, evening, ANNA, "maximum").json()["head"]
    assert heads[-1] == protocol.LogHead(**receipt)
    before = len(heads)
    evening.bid(ANNA, "30.00", max=True)
    evening.bid(CLARA, "40.00", max=True, lot=show.lots[1].pk)
    show.store()
    assert set(Event.objects.filter(s__gt=0).values_list("kind", flat=True)) == {"MAX_RAISED", "PRE_BID"}
    assert len(heads) == before
    assert own(client, evening, ANNA, "maximum").json()["head"] == receipt
