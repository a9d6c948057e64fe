"""A rehearsal: a copy of a show before bidders that the site plays, seen by its house alone, and gone without trace."""

from random import Random
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from accounts.models import User
from auctions.errors import Refused
from auctions.models import (
    Auction,
    AuctionStatus,
    Invoice,
    Lot,
    LotImage,
    LotRun,
    LotStatus,
    LotWatch,
    Order,
    RegistrationKind,
    RegistrationStatus,
    Sale,
)
from bidding.engine.keys import AuctionKeys
from bidding.models import Bid, Event, Notification, SimulatedBidder, Temper
from bidding.replay import verify_auction
from bidding.services import (
    auction_advance,
    auction_end,
    auction_finish,
    auction_go_live,
    lot_open,
    registration_enter,
    registration_set_status,
    rehearsal_create,
    rehearsal_play,
    rehearsal_put_away,
    rehearsals_attend,
)
from bidding.services.rehearsals import LEAVES_FIRST, MOST_BIDDERS
from bidding.services.simulating import MANNERS, OnOffer, wish_of, worth_of
from bidding.tests.conftest import Show

pytestmark = pytest.mark.django_db(transaction=True)

MIX = {Temper.EAGER: 3, Temper.STEADY: 2, Temper.SNIPER: 1, Temper.MAXIMUM: 2}


@pytest.fixture
def before(make_show: Any) -> Show:
    """Return a scheduled show whose lots are all there is to know of."""
    show: Show = make_show(live=False)
    Lot.objects.filter(auction=show.auction).update(
        estimate_low=20_000, estimate_high=60_000, description="Cast in 1890."
    )
    LotImage.objects.create(lot=show.lots[0], file="lots/a.jpg", width=40, height=30, alt="A lamp")
    return show


@pytest.fixture
def played(before: Show) -> Show:
    """Return a live rehearsal whose first lot is open."""
    rehearsal = rehearsal_create(auction=before.auction, actor=before.host, tempers=MIX)
    auction_go_live(auction=rehearsal, actor=before.host)
    show = Show(rehearsal, before.host, list(rehearsal.lots.order_by("position")), [], before.ledger)
    show.store()
    lot_open(lot=show.lots[0], actor=show.host)
    return show


def play(show: Show, seconds: int = 60, seed: int = 7) -> int:
    rng = Random(seed)
    return sum(rehearsal_play(auction=show.auction, rng=rng) for _second in range(seconds))


# --- Making one ----------------------------------------------------------------------------------------


def test_it_is_a_copy_with_bidders_of_the_tempers_asked_for(before: Show) -> None:
    rehearsal = rehearsal_create(auction=before.auction, actor=before.host, tempers=MIX)

    assert (rehearsal.is_rehearsal, rehearsal.status) == (True, AuctionStatus.SCHEDULED)
    assert (rehearsal.title, rehearsal.rehearsal_of) == ("Rehearsal: Friday night", before.auction)
    same = ["number", "title", "description", "opening_amount", "estimate_low", "estimate_high", "increments"]
    same += ("duration_ms", "window_ms", "extension_ms", "extension_mode", "extension_cap", "reserve_amount")
    assert list(rehearsal.lots.values_list(*same)) == list(before.auction.lots.values_list(*same))
    assert LotImage.objects.get(lot__auction=rehearsal).file.name == "lots/a.jpg"
    tempers = list(SimulatedBidder.objects.filter(registration__auction=rehearsal).values_list("temper", flat=True))
    assert {temper: tempers.count(temper) for temper in Temper} == MIX
    paddles = rehearsal.registrations.order_by("paddle").values_list("paddle", "kind").filter(user=None)
    assert list(paddles) == [(101 + at, "simulated") for at in range(8)]
    entered = registration_enter(auction=rehearsal, actor=before.host, kind=RegistrationKind.FLOOR)
    assert entered.paddle == 109


def test_what_cannot_be_rehearsed_is_refused(before: Show) -> None:
    def code(actor: User = before.host, auction: Auction = before.auction, **tempers: int) -> str:
        with pytest.raises(Refused) as refused:
            rehearsal_create(auction=auction, actor=actor, tempers={Temper(name): n for name, n in tempers.items()})
        return refused.value.code

    assert before.bidders[0].user is not None
    assert code(before.bidders[0].user, eager=1) == "forbidden"
    assert code() == "out_of_range"
    assert code(eager=-1, steady=2) == "out_of_range"
    assert code(eager=MOST_BIDDERS, steady=1) == "out_of_range"
    rehearsal = rehearsal_create(auction=before.auction, actor=before.host, tempers={Temper.EAGER: MOST_BIDDERS})
    assert code(eager=1) == "rehearsal_exists"
    assert code(auction=rehearsal, eager=1) == "is_rehearsal"
    auction_go_live(auction=before.auction, actor=before.host)
    assert code(auction=Auction.objects.get(pk=before.auction.pk), eager=1) == "too_late"
    with pytest.raises(Refused) as refused:
        registration_enter(auction=rehearsal, actor=before.host, kind=RegistrationKind.SIMULATED)
    assert refused.value.code == "invalid"


def test_nobody_but_the_house_sees_it(before: Show, client: Client) -> None:
    rehearsal = rehearsal_create(auction=before.auction, actor=before.host, tempers=MIX)
    room, lot = reverse("room", args=(rehearsal.slug,)), reverse("lot", args=(rehearsal.lots.all()[0].pk,))
    assert before.bidders[0].user is not None
    for user in (None, before.bidders[0].user):
        if user:
            client.force_login(user)
        assert client.get(room).status_code == client.get(lot).status_code == 404
        assert client.get(f"/api/v1/auctions/{rehearsal.pk}/").status_code == 404
        for page in ("/", "/auctions/", "/search/?q=Lot"):
            assert "Rehearsal" not in client.get(page).content.decode()
    client.force_login(before.host)
    for path in (room, lot, reverse("host_auction", args=(rehearsal.pk,))):
        page = client.get(path).content.decode()
        assert 'class="rehearsal"' in page
        assert "Rehearsal: Friday night" in page


# --- Playing -------------------------------------------------------------------------------------------


def test_the_bidders_bid_on_the_real_engine_and_nothing_counts(played: Show) -> None:
    show = played
    assert play(show) > 2
    show.store()
    bids = Bid.objects.filter(run__auction=show.auction)
    assert {bid.registration.kind for bid in bids} == {"simulated"}
    assert bids.values("registration").distinct().count() > 1
    assert verify_auction(show.auction).consistent
    show.hammer()
    show.store()
    auction_end(auction=show.auction, actor=show.host)
    show.store()
    sale = Sale.objects.get(run__auction=show.auction)
    assert sale.hammer_amount >= 1_000
    assert not Invoice.objects.exists()
    assert not Notification.objects.exists()


def test_who_is_banned_bids_no_more(played: Show) -> None:
    for registration in played.auction.registrations.exclude(paddle=101):
        registration_set_status(registration=registration, status=RegistrationStatus.BANNED, actor=played.host)
    auction_advance(auction=played.auction)
    play(played)
    played.store()
    assert set(Bid.objects.values_list("registration__paddle", flat=True)) <= {101}


def test_many_clocks_play_no_faster_than_one(played: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr("bidding.services.rehearsals.rehearsal_play", lambda **given: asked.append(given["auction"].pk))
    monkeypatch.setattr("bidding.services.rehearsals.timezone.now", lambda: played.auction.created_at)
    for _beat in range(3):
        rehearsals_attend()
    assert asked == [played.auction.pk]
    cache.clear()
    Auction.objects.filter(pk=played.auction.pk).update(is_rehearsal=False)
    rehearsals_attend()
    assert asked == [played.auction.pk]


def lot_at(left_ms: int, minimum: int = 1_000) -> OnOffer:
    return OnOffer(1, 1_000, minimum, 2_000, 6_000, left_ms, 60_000)


def test_a_temper_is_what_it_says() -> None:
    # Somebody to whom the lot is worth something.
    bidder = next(number for number in range(100) if worth_of(number, lot_at(0)) > 4_000)
    worth = worth_of(bidder, lot_at(60_000))
    assert worth == worth_of(bidder, lot_at(1))
    early, late = lot_at(50_000, 1_500), lot_at(3_000, 1_500)
    assert wish_of(bidder, Temper.SNIPER, early, 0.0) is None
    assert (wish := wish_of(bidder, Temper.SNIPER, late, 0.0)) is not None
    assert (wish.amount, wish.is_maximum) == (1_500, False)
    assert (wish := wish_of(bidder, Temper.MAXIMUM, early, 0.0)) is not None
    assert (wish.amount, wish.is_maximum) == (worth, True)
    for temper, manner in MANNERS.items():
        assert wish_of(bidder, temper, late, manner.a_second) is None
        assert wish_of(bidder, temper, lot_at(3_000, worth + 1), 0.0) is None
    # Nobody shows at once how far they would go.
    most_early = max(m for m in range(1_000, worth) if wish_of(bidder, Temper.EAGER, lot_at(60_000, m), 0.0))
    most_late = max(m for m in range(1_000, worth + 1) if wish_of(bidder, Temper.EAGER, lot_at(0, m), 0.0))
    assert most_early < most_late == worth


# --- Putting it away -----------------------------------------------------------------------------------


def hanging_on(model: type[Model]) -> dict[type[Model], set[str]]:
    """Return every model that hangs on a model, through whatever lies between, and the names of its keys to it."""
    found: dict[type[Model], set[str]] = {}
    waiting = [model]
    while waiting:
        for relation in waiting.pop()._meta.related_objects:
            if relation.related_model not in found and relation.related_model is not model:
                waiting.append(relation.related_model)
            found.setdefault(relation.related_model, set()).add(relation.field.name)
    return found


def test_all_that_can_hang_on_a_show_is_known_to_what_erases_it() -> None:
    assert set(hanging_on(Auction)) - {Auction} == {model for model, _path in LEAVES_FIRST}
    seen: set[type[Model]] = set()
    for model, _path in LEAVES_FIRST:
        hangs = set(hanging_on(model)) - {model}
        assert hangs <= seen, f"{model.__name__} goes before what hangs on it"
        seen.add(model)


def test_it_goes_without_a_trace_and_takes_nothing_else(played: Show, before: Show, client: Client) -> None:
    show = played
    play(show)
    lot = ContentType.objects.get_for_model(Lot)
    LogEntry.objects.create(user=show.host, content_type=lot, object_id=str(show.lots[0].pk), action_flag=CHANGE)
    LotWatch.objects.create(user=show.host, lot=show.lots[1])
    kept = {model: set(model.objects.exclude(auction=show.auction)) for model in (Event, Lot, LotRun, Order)}
    client.force_login(show.host)
    answer = client.post(reverse("rehearsal_put_away", args=(show.auction.pk,)))
    assert answer["Location"] == reverse("host_auction", args=(before.auction.pk,))
    rehearsal_put_away(rehearsal=Auction.objects.get(pk=show.auction.pk), actor=show.host)
    rehearsals_attend()
    assert Auction.objects.filter(pk=show.auction.pk).exists(), "its log is not stored yet"

    show.store()
    assert auction_finish(auction=show.auction)
    rehearsals_attend()
    assert Auction.objects.get() == before.auction
    for model, path in LEAVES_FIRST:
        assert not model._default_manager.filter(**{path: show.auction.pk}).exists(), model
    assert not LogEntry.objects.filter(content_type=lot).exists()
    for model, rows in kept.items():
        assert set(model.objects.all()) == rows
    assert LotImage.objects.get().lot == before.lots[0]
    from bidding.floor import floor

    assert not list(floor().scan_iter(AuctionKeys(show.auction.pk).state.replace("state", "*")))
    assert client.get(reverse("host_auction", args=(show.auction.pk,))).status_code == 404


def test_what_was_no_rehearsal_cannot_be_put_away(before: Show) -> None:
    with pytest.raises(Refused) as refused:
        rehearsal_put_away(rehearsal=before.auction, actor=before.host)
    assert refused.value.code == "not_a_rehearsal"
    rehearsal = rehearsal_create(auction=before.auction, actor=before.host, tempers=MIX)
    assert before.bidders[0].user is not None
    with pytest.raises(Refused) as refused:
        rehearsal_put_away(rehearsal=rehearsal, actor=before.bidders[0].user)
    assert refused.value.code == "forbidden"
    Auction.objects.filter(pk=before.auction.pk).update(archived_at=before.auction.created_at)
    rehearsals_attend()
    assert Auction.objects.filter(pk=before.auction.pk).exists()


# --- The page ------------------------------------------------------------------------------------------


def test_the_page_makes_one_and_says_what_is_wrong(before: Show, client: Client) -> None:
    path = reverse("host_rehearsal", args=(before.auction.pk,))
    form = {"eager": "1", "steady": "1", "sniper": "0", "maximum": "0"}
    assert client.get(path).status_code == 302
    client.force_login(before.host)
    assert client.get(path).status_code == 200
    for wrong in ({"eager": "x"}, {"eager": "-1"}, {"eager": "0", "steady": "0"}, {"eager": "40"}):
        answer = client.post(path, form | wrong)
        assert answer.status_code == 422
        assert 'class="error"' in answer.content.decode()
    answer = client.post(path, form, follow=True)
    rehearsal = Auction.objects.get(is_rehearsal=True)
    assert answer.redirect_chain[-1][0] == reverse("host_auction", args=(rehearsal.pk,))
    page = answer.content.decode()
    assert "2 simulated bidders" in page
    assert reverse("rehearsal_put_away", args=(rehearsal.pk,)) in page
    assert (
        reverse("host_auction", args=(rehearsal.pk,))
        in client.get(reverse("host_auction", args=(before.auction.pk,))).content.decode()
    )
    assert rehearsal.lots.filter(status=LotStatus.PENDING).count() == 2
