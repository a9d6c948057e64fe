"""One show through services, engine and ledger: from the schedule to the cleaned keys."""

import json
from collections.abc import Callable

import pytest
import redis

from accounts.models import Membership, Role, User
from auctions.errors import Refused
from auctions.models import (
    Auction,
    AuctionStatus,
    CommandKind,
    EntryRequirement,
    FloorCommand,
    LotStatus,
    Order,
    OrderLineKind,
    RegistrationStatus,
    Sale,
    SaleStatus,
)
from bidding import protocol
from bidding.engine.keys import AuctionKeys
from bidding.models import Bid, Event, Refusal
from bidding.selectors import RoomInfo, room_info, snapshot_now
from bidding.services import (
    auction_advance,
    auction_cancel,
    auction_end,
    auction_finish,
    auction_go_live,
    auction_schedule,
    bid_place_now,
    commands_deliver,
    floor_check,
    lot_close,
    lot_open,
    lot_pause,
    registration_create,
    registration_set_status,
    streams_attend,
)
from bidding.services.commands import command_send
from bidding.tests.conftest import Show

FIRST_BID = "00000000-0000-4000-8000-00000000000a"


def bid(show: Show, who: int, amount: str, **fields: object) -> protocol.ServerMessage:
    room = room_info(show.auction.pk)
    assert isinstance(room, RoomInfo)
    message = protocol.parse(json.dumps({"type": "BID", "amount": amount, **fields}))
    assert isinstance(message, protocol.PlaceBid)
    return bid_place_now(room=room, registration_id=show.bidders[who].pk, message=message)


def test_a_show_from_the_first_lot_to_the_cleaned_keys(show: Show, floor: redis.Redis) -> None:
    first, second = show.lots
    auction_advance(auction=show.auction)
    assert snapshot_now(show.auction.pk).lot is not None
    first_answer = bid(show, 0, "10.00", id=FIRST_BID)
    assert isinstance(first_answer, protocol.BidAccepted)
    assert isinstance(bid(show, 1, "15.00"), protocol.BidAccepted)
    refused = bid(show, 2, "15.00")
    assert isinstance(refused, protocol.BidRejected)
    assert (refused.code, refused.minimum_amount) == ("too_low", "20.00")

    show.end_lot_now()
    auction_advance(auction=show.auction)
    show.store()
    first.refresh_from_db()
    run = first.runs.get()
    assert (first.status, run.result, run.hammer_amount, run.winner, run.bid_count) == (
        LotStatus.SOLD,
        "sold",
        1_500,
        show.bidders[1],
        2,
    )
    sale = Sale.objects.get()
    assert (sale.status, sale.hammer_amount, sale.premium_amount) == (SaleStatus.PROVISIONAL, 1_500, 300)
    assert not Order.objects.exists()

    auction_advance(auction=show.auction)
    show.store()
    second.refresh_from_db()
    assert second.status == LotStatus.OPEN
    sale.refresh_from_db()
    assert sale.status == SaleStatus.FINAL
    order = Order.objects.get()
    assert order.buyer == show.bidders[1]
    assert {line.kind: line.amount for line in order.lines.all()} == {
        OrderLineKind.HAMMER: 1_500,
        OrderLineKind.PREMIUM: 300,
    }

    show.end_lot_now()
    auction_advance(auction=show.auction)
    show.store()
    auction_advance(auction=show.auction)
    show.store()
    assert show.auction.status == AuctionStatus.ENDED
    auction_advance(auction=show.auction)
    show.auction.refresh_from_db()
    assert show.auction.cleaned_at is not None
    streams_attend()
    show.auction.refresh_from_db()
    assert show.auction.stream_stopped_at is not None
    keys = AuctionKeys(show.auction.pk)
    assert floor.keys("*auction:*") == [keys.tombstone.encode()]
    assert bid(show, 0, "10.00", id=FIRST_BID) == first_answer
    reused = bid(show, 0, "11.00", id=FIRST_BID)
    assert isinstance(reused, protocol.BidRejected)
    assert reused.code == "id_reused"
    late = bid(show, 0, "99.00")
    assert isinstance(late, protocol.BidRejected)
    assert late.code == "not_open"
    assert [entry.v for entry in Event.objects.filter(s=0)] == list(range(1, 1 + Event.objects.filter(s=0).count()))
    assert Refusal.objects.get().code == "too_low"


def test_the_database_holds_what_the_log_said(show: Show, floor: redis.Redis) -> None:
    lot_open(lot=show.lots[0], actor=show.host)
    for turn in range(6):
        bid(show, turn % 3, f"{10 + 5 * turn}.00", max=turn == 2, id=f"00000000-0000-4000-8000-{turn:012d}")
    show.store()
    log = floor.xrange(AuctionKeys(show.auction.pk).log)
    assert [(f"{e.v}-{e.s}", e.kind, e.public, e.private) for e in Event.objects.order_by("v", "s")] == [
        (entry.decode(), fields[b"kind"].decode(), fields[b"public"].decode(), fields[b"private"].decode())
        for entry, fields in log
    ]
    assert list(Bid.objects.values_list("amount", flat=True)) == [1_000, 1_500, 2_000, 2_500, 3_000, 3_500]


def test_registering_twice_keeps_the_paddle(show: Show) -> None:
    anna = show.bidders[0]
    assert anna.user is not None
    assert registration_create(auction=show.auction, user=anna.user, accept_terms=True) == (anna, False)
    assert [bidder.paddle for bidder in show.bidders] == [101, 102, 103]


def test_a_paddle_needs_the_terms_and_is_not_for_the_host(show: Show) -> None:
    newcomer = User.objects.create_user("new@example.test", "secret-enough")
    with pytest.raises(Refused) as refused:
        registration_create(auction=show.auction, user=newcomer, accept_terms=False)
    assert (refused.value.code, refused.value.field) == ("terms_not_accepted", "accept_terms")
    with pytest.raises(Refused) as refused:
        registration_create(auction=show.auction, user=show.host, accept_terms=True)
    assert refused.value.code == "own_lot"


def test_where_approval_is_asked_the_paddle_waits(make_show: Callable[..., Show]) -> None:
    show = make_show(entry=EntryRequirement.APPROVAL)
    auction_advance(auction=show.auction)
    refused = bid(show, 0, "10.00")
    assert isinstance(refused, protocol.BidRejected)
    assert refused.code == "not_registered"
    registration_set_status(registration=show.bidders[0], status=RegistrationStatus.APPROVED, actor=show.host)
    assert isinstance(bid(show, 0, "10.00"), protocol.BidAccepted)


def test_a_ban_is_in_force_when_it_is_reported(show: Show) -> None:
    auction_advance(auction=show.auction)
    registration_set_status(registration=show.bidders[0], status=RegistrationStatus.BANNED, actor=show.host)
    refused = bid(show, 0, "10.00")
    assert isinstance(refused, protocol.BidRejected)
    assert refused.code == "banned"


def test_nobody_but_the_organizers_people_runs_the_show(show: Show) -> None:
    stranger = show.bidders[0].user
    assert stranger is not None
    for command in (
        lambda: lot_open(lot=show.lots[0], actor=stranger),
        lambda: lot_close(lot=show.lots[0], actor=stranger),
        lambda: auction_end(auction=show.auction, actor=stranger),
        lambda: auction_cancel(auction=show.auction, actor=stranger, reason="x"),
        lambda: registration_set_status(registration=show.bidders[1], status=RegistrationStatus.BANNED, actor=stranger),
    ):
        with pytest.raises(Refused) as refused:
            command()
        assert refused.value.code == "forbidden"


@pytest.mark.parametrize("status", [AuctionStatus.SCHEDULED, AuctionStatus.LIVE, AuctionStatus.ENDED])
def test_only_a_draft_can_be_scheduled(show: Show, status: str) -> None:
    Auction.objects.filter(pk=show.auction.pk).update(status=status)
    with pytest.raises(Refused):
        auction_schedule(auction=show.auction, actor=show.host)


def test_one_channel_carries_one_live_show(show: Show, make_show: Callable[..., Show]) -> None:
    second = Auction.objects.create(
        organizer=show.auction.organizer,
        title="Another",
        slug="another",
        terms=show.auction.terms,
        stream_channel=show.auction.stream_channel,
        status=AuctionStatus.SCHEDULED,
    )
    with pytest.raises(Refused) as refused:
        auction_go_live(auction=second, actor=show.host)
    assert refused.value.code == "channel_busy"


def test_a_lot_is_offered_once(show: Show) -> None:
    lot_open(lot=show.lots[0], actor=show.host)
    with pytest.raises(Refused) as refused:
        lot_open(lot=show.lots[1], actor=show.host)
    assert refused.value.code == "lot_open"
    show.hammer()
    with pytest.raises(Refused):
        lot_open(lot=show.lots[0], actor=show.host)
    show.store()
    with pytest.raises(Refused) as refused:
        lot_open(lot=show.lots[0], actor=show.host)
    assert refused.value.code == "lot_not_pending"


def test_a_command_waits_while_redis_is_away(show: Show, settings: object, monkeypatch: pytest.MonkeyPatch) -> None:
    import bidding.services.commands as module

    away = redis.Redis(port=1, socket_connect_timeout=0.1)
    newcomer = User.objects.create_user("new@example.test", "secret-enough")
    with monkeypatch.context() as context:
        context.setattr(module, "floor", lambda: away)
        registration, created = registration_create(auction=show.auction, user=newcomer, accept_terms=True)
    assert created
    assert FloorCommand.objects.filter(done_at=None).count() == 1
    assert commands_deliver(auction_id=show.auction.pk) == 1
    assert commands_deliver(auction_id=show.auction.pk) == 0
    own = snapshot_now(show.auction.pk, registration.pk).own
    assert own is not None
    assert own.paddle == registration.paddle


def test_a_cancelled_show_is_finished_too(show: Show) -> None:
    lot_open(lot=show.lots[0], actor=show.host)
    auction_cancel(auction=show.auction, actor=show.host, reason="host_ill")
    show.store()
    assert show.auction.status == AuctionStatus.CANCELLED
    assert auction_finish(auction=show.auction)


def test_keys_stay_until_the_ledger_has_everything(show: Show, floor: redis.Redis) -> None:
    lot_open(lot=show.lots[0], actor=show.host)
    show.store()
    auction_cancel(auction=show.auction, actor=show.host, reason="host_ill")
    assert not auction_finish(auction=show.auction)
    assert floor.exists(AuctionKeys(show.auction.pk).log)


def test_an_open_lot_keeps_its_rules_although_the_database_does_not_know_yet(show: Show) -> None:
    lot_open(lot=show.lots[0], actor=show.host)
    before = show.lots[0].runs.get().rules
    show.lots[0].reserve_amount = 990_000
    show.lots[0].save()
    with pytest.raises(Refused) as refused:
        lot_open(lot=show.lots[0], actor=show.host)
    assert refused.value.code == "lot_not_pending"
    assert show.lots[0].runs.get().rules == before


def test_the_open_lot_takes_no_pre_bids_however_late_the_database_is(show: Show, floor: redis.Redis) -> None:
    lot_open(lot=show.lots[0], actor=show.host)
    command_send(show.auction, CommandKind.LOT, lot=show.lots[0])
    assert not floor.hexists(AuctionKeys(show.auction.pk).catalogue, str(show.lots[0].pk))


def test_a_confirmation_is_for_its_lot_and_its_kind(show: Show) -> None:
    lot_open(lot=show.lots[0], actor=show.host)
    refused = bid(show, 0, "500.00")
    assert isinstance(refused, protocol.BidRejected)
    assert refused.code == "too_high"
    as_maximum = bid(show, 0, "500.00", max=True, confirm=refused.confirm)
    assert isinstance(as_maximum, protocol.BidRejected)
    assert as_maximum.code == "too_high"
    show.hammer()
    lot_open(lot=show.lots[1], actor=show.host)
    for fields in ({}, {"lot": show.lots[1].pk}):
        other_lot = bid(show, 0, "500.00", confirm=refused.confirm, **fields)
        assert isinstance(other_lot, protocol.BidRejected), other_lot
    again = bid(show, 0, "500.00")
    assert isinstance(again, protocol.BidRejected)
    assert isinstance(bid(show, 0, "500.00", confirm=again.confirm), protocol.BidAccepted)


def test_a_command_that_was_sent_and_not_answered_is_told_and_never_an_error_page(
    show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    import bidding.services.lots as module

    def hang(*args: object, **kwargs: object) -> None:
        raise redis.TimeoutError("Timeout reading")

    lot_open(lot=show.lots[0], actor=show.host)
    monkeypatch.setattr(module, "run", hang)
    with pytest.raises(Refused) as refused:
        lot_pause(lot=show.lots[0], actor=show.host, reason="camera")
    assert refused.value.code == "unknown"


def test_a_moderator_cannot_ban_because_a_ban_can_change_a_price(show: Show) -> None:
    moderator = User.objects.create_user("mod@example.test", "secret-enough")
    Membership.objects.create(organizer=show.auction.organizer, user=moderator, role=Role.MODERATOR)
    with pytest.raises(Refused) as refused:
        registration_set_status(registration=show.bidders[0], status=RegistrationStatus.BANNED, actor=moderator)
    assert refused.value.code == "forbidden"


def test_a_show_that_ended_before_redis_was_wiped_is_finished(show: Show, floor: redis.Redis) -> None:
    auction_cancel(auction=show.auction, actor=show.host, reason="host_ill")
    show.store()
    floor.flushall()
    assert floor_check() == []
    assert auction_finish(auction=show.auction)
    show.auction.refresh_from_db()
    assert show.auction.cleaned_at is not None
    late = bid(show, 0, "10.00")
    assert isinstance(late, protocol.BidRejected)
    assert late.code == "not_open"
