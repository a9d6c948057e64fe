"""After the hammer: the second chance at the price as if the defaulter had never bid, and offers below a reserve."""

import contextlib
import random
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import msgspec
import pytest
from django.db import IntegrityError, connections, transaction
from django.urls import reverse
from django.utils import timezone

from auctions.billing import bill_of
from auctions.errors import Refused
from auctions.models import Invoice, Lot, LotRun, Offer, Order, OrderStatus, Registration, Sale
from auctions.orders import order_cancel, order_mark_unpaid, order_pay
from bidding.engine.outcomes import EngineError
from bidding.models import Event, Notification
from bidding.replay import verify_auction
from bidding.services import auction_end, offer_void
from bidding.services.offers import (
    highest_bidder_of,
    offer_answer,
    offer_negotiation,
    offer_second_chance,
    offer_withdraw,
    offers_expire,
    second_chance_of,
)
from bidding.services.telling import notifications_send
from bidding.tests.evenings import ANNA, BORIS, CLARA, Evening
from bidding.tests.test_a_show import bid
from bidding.underbidder import standing_without

pytestmark = pytest.mark.django_db(transaction=True)


def sold(make_show, bids, reserve=None, **fields):
    """Return a show that is over; its first lot took these bids, each of (who, amount, is it a maximum)."""
    show = make_show(**fields)
    Lot.objects.filter(pk=show.lots[0].pk).update(reserve_amount=reserve)
    show.lots[0].refresh_from_db()
    evening = Evening(show)
    evening.open(0)
    for who, amount, is_maximum in bids:
        evening.bid(who, amount, max=is_maximum)
    evening.close_by_time(0)
    show.store()
    auction_end(auction=show.auction, actor=show.host)
    show.store()
    return show


def default(show):
    """Let the buyer of the show's first lot not pay."""
    order = Order.objects.filter(buyer__sales__run__lot=show.lots[0]).latest("pk")
    Order.objects.filter(pk=order.pk).update(due_at=timezone.now() - timedelta(days=1))
    order_mark_unpaid(order=order, actor=show.host)
    return order


THREE = ((BORIS, "30.00", False), (CLARA, "40.00", False), (ANNA, "70.00", False))


@pytest.fixture
def over(make_show):
    """Return a show whose first lot went to Anna at 70.00; Clara bid 40.00, Boris 30.00. Anna does not pay."""
    show = sold(make_show, THREE)
    default(show)
    return show


@pytest.fixture
def run_of(over):
    return over.lots[0].runs.get()


# --- The price -----------------------------------------------------------------------------------------


def test_the_underbidder_pays_what_the_others_made_it_and_nothing_of_the_defaulter(make_show):
    # Clara's maximum answered Boris at 35.00; only Anna drove it further.
    show = sold(make_show, [(BORIS, "30.00", False), (CLARA, "60.00", True), (ANNA, "80.00", False)])
    standing = second_chance_of(show.lots[0].runs.get())
    assert standing is not None
    assert (standing.registration, standing.amount) == (show.bidders[CLARA].pk, 3_500)


def test_all_offers_of_the_defaulter_are_out_also_those_before_and_their_raised_maxima(make_show):
    bids = [(ANNA, "20.00", False), (BORIS, "30.00", True), (ANNA, "50.00", True), (ANNA, "90.00", True)]
    show = sold(make_show, bids)
    standing = second_chance_of(show.lots[0].runs.get())
    # Alone, Boris' maximum bids no more than the opening bid.
    assert standing is not None
    assert (standing.registration, standing.amount) == (show.bidders[BORIS].pk, 1_000)


def test_the_reserve_lifts_the_underbidder_where_their_maximum_reaches_it(make_show):
    show = sold(make_show, [(BORIS, "60.00", True), (ANNA, "90.00", False)], reserve=5_000)
    standing = second_chance_of(show.lots[0].runs.get())
    assert standing is not None
    assert (standing.amount, standing.meets_reserve) == (5_000, True)


def test_an_underbidder_below_the_reserve_is_shown_as_that(make_show):
    show = sold(make_show, [(BORIS, "30.00", False), (ANNA, "90.00", False)], reserve=5_000)
    standing = second_chance_of(show.lots[0].runs.get())
    assert standing is not None
    assert (standing.amount, standing.meets_reserve) == (3_000, False)


def test_nobody_is_next_where_nobody_else_bid(make_show):
    show = sold(make_show, [(ANNA, "30.00", False)])
    assert second_chance_of(show.lots[0].runs.get()) is None
    default(show)
    with pytest.raises(Refused) as refused:
        offer_second_chance(run=show.lots[0].runs.get(), actor=show.host)
    assert refused.value.code == "nobody"
    assert set(Sale.objects.values_list("status", flat=True)) == {"final"}, "the refusal took nothing back"


@pytest.mark.parametrize("seed", range(6))
def test_the_price_without_somebody_is_what_the_engine_makes_of_voiding_all_of_theirs(make_show, seed):
    chance = random.Random(seed)
    show = make_show()
    Lot.objects.filter(pk=show.lots[0].pk).update(reserve_amount=chance.choice([None, 3_000]))
    show.lots[0].refresh_from_db()
    lot = show.lots[0]
    evening = Evening(show)
    for who in (ANNA, BORIS, CLARA):
        if chance.random() < 0.5:
            evening.bid(who, f"{chance.randint(8, 40)}.00", max=True, lot=lot.pk)
    evening.open(0)
    for _ in range(15):
        more = {"id": str(uuid.uuid4()), "max": chance.random() < 0.5}
        bid(show, chance.choice((ANNA, BORIS, CLARA)), f"{chance.randint(10, 90)}.00", **more)
    show.store()
    if chance.random() < 0.5:
        with contextlib.suppress(Refused, EngineError):
            offer_void(lot=lot, bidder=show.bidders[chance.randrange(3)], actor=show.host, reason="mistake")
            show.store()
    run = lot.runs.get()
    leader = standing_without(run)
    assert leader is not None
    expected = standing_without(run, {leader.registration})

    defaulter = Registration.objects.get(pk=leader.registration)
    # Until it is refused, because no offer of theirs is left.
    with contextlib.suppress(Refused):
        while True:
            offer_void(lot=lot, bidder=defaulter, actor=show.host, reason="mistake")
    show.store()

    last = Event.objects.filter(run=run, kind="BID_VOIDED").latest("v")
    found = told_by(last, run)
    assert found == (None if expected is None else (expected.registration, expected.amount))


def told_by(event, run):
    """Return leader and price as the log says them after an event."""
    public, private = msgspec.json.decode(event.public), msgspec.json.decode(event.private)
    if private["leader"] is None:
        return None
    return private["leader"], int(public["current_amount"].replace(".", ""))


# --- Second chance -------------------------------------------------------------------------------------


def test_the_sale_that_was_not_paid_is_called_off_when_its_lot_is_offered_on(over, run_of, mailoutbox):
    offer = offer_second_chance(run=run_of, actor=over.host)

    assert (offer.registration, offer.amount, offer.answer) == (over.bidders[CLARA], 4_000, "open")
    assert Sale.objects.get().status == "void"
    order = Order.objects.get()
    assert order.status == OrderStatus.CANCELLED
    assert [paper.kind for paper in order.invoices.order_by("number")] == ["invoice", "credit_note"]
    notifications_send()
    told = [mail for mail in mailoutbox if "can be yours" in mail.subject]
    assert [mail.to for mail in told] == [[over.bidders[CLARA].user.email]]
    assert "€40" in told[0].body


def test_accepting_makes_one_sale_one_order_and_one_invoice(over, run_of):
    offer = offer_second_chance(run=run_of, actor=over.host)
    clara = over.bidders[CLARA]

    for _ in range(2):
        offer_answer(offer=offer, actor=clara.user, accept=True)

    offer.refresh_from_db()
    sale = Sale.objects.get(status="final")
    assert (offer.answer, offer.sale) == ("accepted", sale)
    # The same premium as in the show: 20 %.
    assert (sale.buyer, sale.hammer_amount, sale.premium_amount) == (clara, 4_000, 800)
    order = Order.objects.get(buyer=clara)
    assert (order.status, bill_of(order).total) == (OrderStatus.AWAITING_PAYMENT, 4_800)
    assert order.invoices.get().total_amount == 4_800
    assert order.due_at is not None
    assert verify_auction(over.auction).consistent


def test_what_is_accepted_joins_the_bill_that_waits(make_show):
    show = make_show()
    evening = Evening(show)
    for number, bids in enumerate([THREE, [(CLARA, "20.00", False)]]):
        evening.open(number)
        for who, amount, is_maximum in bids:
            evening.bid(who, amount, max=is_maximum)
        evening.close_by_time(number)
        show.store()
    auction_end(auction=show.auction, actor=show.host)
    show.store()
    default(show)

    offer = offer_second_chance(run=show.lots[0].runs.get(), actor=show.host)
    offer_answer(offer=offer, actor=show.bidders[CLARA].user, accept=True)

    order = Order.objects.get(buyer=show.bidders[CLARA])
    assert [lot.hammer for lot in bill_of(order).lots] == [2_000, 4_000]
    kinds = list(order.invoices.order_by("number").values_list("kind", "total_amount"))
    assert kinds == [("invoice", 2_400), ("credit_note", 2_400), ("invoice", 7_200)]


def test_many_presses_at_once_buy_once(over, run_of):
    offer = offer_second_chance(run=run_of, actor=over.host)

    def accept(_):
        try:
            return offer_answer(offer=offer, actor=over.bidders[CLARA].user, accept=True).answer
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(accept, range(4)))

    assert answers == ["accepted"] * 4
    assert Sale.objects.filter(status="final").count() == 1
    assert Invoice.objects.filter(order__buyer=over.bidders[CLARA]).count() == 1


@pytest.mark.parametrize("accept", [True, False])
def test_an_answer_and_the_end_of_its_time_at_once_are_one_of_both(over, run_of, accept):
    offer = offer_second_chance(run=run_of, actor=over.host)

    def answer():
        try:
            offer_answer(offer=offer, actor=over.bidders[CLARA].user, accept=accept)
            return "accepted" if accept else "declined"
        except Refused as refused:
            return refused.code
        finally:
            connections.close_all()

    def expire():
        try:
            Offer.objects.filter(pk=offer.pk, answer="open").update(expires_at=timezone.now())
            offers_expire()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        answered, _expired = pool.submit(answer), pool.submit(expire)
    said = answered.result()

    offer.refresh_from_db()
    assert offer.answer == ("expired" if said in ("expired", "answered") else said)
    assert Sale.objects.filter(status="final").count() == (offer.answer == "accepted")


def test_after_a_no_or_silence_the_next_is_asked(over, run_of):
    first = offer_second_chance(run=run_of, actor=over.host)
    offer_answer(offer=first, actor=over.bidders[CLARA].user, accept=False)

    second = offer_second_chance(run=run_of, actor=over.host, hours=1)
    assert (second.registration, second.amount) == (over.bidders[BORIS], 3_000)
    assert offers_expire() == 0
    Offer.objects.filter(pk=second.pk).update(expires_at=timezone.now())
    with pytest.raises(Refused) as refused:
        offer_answer(offer=second, actor=over.bidders[BORIS].user, accept=True)
    assert refused.value.code == "expired"
    assert offers_expire() == 1

    with pytest.raises(Refused) as refused:
        offer_second_chance(run=run_of, actor=over.host)
    assert refused.value.code == "nobody"


def test_who_does_not_pay_either_is_out_too(over, run_of):
    offer = offer_second_chance(run=run_of, actor=over.host)
    offer_answer(offer=offer, actor=over.bidders[CLARA].user, accept=True)
    default(over)

    offer = offer_second_chance(run=run_of, actor=over.host)

    assert (offer.registration, offer.amount) == (over.bidders[BORIS], 3_000)


def test_who_was_banned_is_asked_nothing_and_may_accept_nothing(over, run_of):
    offer = offer_second_chance(run=run_of, actor=over.host)
    Registration.objects.filter(pk=over.bidders[CLARA].pk).update(status="banned")
    with pytest.raises(Refused) as refused:
        offer_answer(offer=offer, actor=over.bidders[CLARA].user, accept=True)
    assert refused.value.code == "banned"
    offer_withdraw(offer=offer, actor=over.host)

    assert offer_second_chance(run=run_of, actor=over.host).registration == over.bidders[BORIS]


def test_a_price_that_is_not_the_one_shown_is_not_accepted(over, run_of):
    offer = offer_second_chance(run=run_of, actor=over.host)
    with pytest.raises(Refused) as refused:
        offer_answer(offer=offer, actor=over.bidders[CLARA].user, accept=True, total=4_799)
    assert refused.value.code == "changed"
    offer_answer(offer=offer, actor=over.bidders[CLARA].user, accept=True, total=4_800)


def test_only_what_is_unpaid_or_called_off_is_offered_on(make_show):
    show = sold(make_show, THREE)
    run, order = show.lots[0].runs.get(), Order.objects.get()
    for _ in range(2):
        with pytest.raises(Refused) as refused:
            offer_second_chance(run=run, actor=show.host)
        assert refused.value.code == "sold"
        if order.status == OrderStatus.AWAITING_PAYMENT:
            order_pay(order=order, actor=show.host)
            order.refresh_from_db()
    order_cancel(order=order, actor=show.host, note="Came back.")
    assert offer_second_chance(run=run, actor=show.host).registration == show.bidders[CLARA]


def test_one_lot_is_offered_to_one_person_at_a_time(over, run_of):
    offer = offer_second_chance(run=run_of, actor=over.host)
    with pytest.raises(Refused) as refused:
        offer_second_chance(run=run_of, actor=over.host)
    assert refused.value.code == "open_already"
    with pytest.raises(IntegrityError), transaction.atomic():
        Offer.objects.filter(pk=offer.pk).update(answer="accepted")


def test_a_withdrawn_offer_is_over_and_its_bidder_can_be_asked_again(over, run_of):
    offer = offer_second_chance(run=run_of, actor=over.host)
    for _ in range(2):
        offer_withdraw(offer=offer, actor=over.host)
    with pytest.raises(Refused):
        offer_answer(offer=offer, actor=over.bidders[CLARA].user, accept=True)
    assert offer_second_chance(run=run_of, actor=over.host).registration == over.bidders[CLARA]


def test_strangers_make_answer_and_withdraw_nothing(over, run_of):
    offer = offer_second_chance(run=run_of, actor=over.host)
    boris = over.bidders[BORIS].user
    for attempt in (
        lambda: offer_answer(offer=offer, actor=boris, accept=True),
        lambda: offer_answer(offer=offer, actor=over.host, accept=True),
        lambda: offer_withdraw(offer=offer, actor=boris),
        lambda: offer_second_chance(run=run_of, actor=boris),
        lambda: offer_negotiation(run=run_of, actor=boris, amount=1),
    ):
        with pytest.raises(Refused) as refused:
            attempt()
        assert refused.value.code in ("forbidden", "not_yours")


def test_nothing_is_offered_while_the_show_goes_on_or_of_a_rehearsal(over, run_of):
    for fields in ({"status": "live", "ended_at": None}, {"status": "ended", "is_rehearsal": True}):
        type(over.auction).objects.update(**fields)
        with pytest.raises(Refused) as refused:
            offer_second_chance(run=LotRun.objects.get(pk=run_of.pk), actor=over.host)
        assert refused.value.code == "not_over"


# --- Below the reserve ---------------------------------------------------------------------------------


@pytest.fixture
def unmet(make_show):
    """Return a show whose first lot passed at 40.00, Clara's, below its reserve of 60.00."""
    return sold(make_show, THREE[:2], reserve=6_000)


def test_who_led_below_the_reserve_is_offered_the_lot_at_a_price_between(unmet):
    run = unmet.lots[0].runs.get()
    standing = highest_bidder_of(run)
    assert standing is not None
    assert (standing.registration, standing.amount, standing.meets_reserve) == (unmet.bidders[CLARA].pk, 4_000, False)
    for amount in (3_999, 6_001):
        with pytest.raises(Refused) as refused:
            offer_negotiation(run=run, actor=unmet.host, amount=amount)
        assert refused.value.field == "amount"

    offer = offer_negotiation(run=run, actor=unmet.host, amount=5_000)
    offer_answer(offer=offer, actor=unmet.bidders[CLARA].user, accept=True)

    sale = Sale.objects.get()
    assert (sale.buyer, sale.hammer_amount, sale.status) == (unmet.bidders[CLARA], 5_000, "final")
    run.refresh_from_db()
    assert (run.result, run.hammer_amount) == ("passed", None), "what the log says stays"
    assert verify_auction(unmet.auction).consistent


def test_after_a_no_the_same_bidder_is_offered_another_price(unmet):
    run = unmet.lots[0].runs.get()
    offer_answer(
        offer=offer_negotiation(run=run, actor=unmet.host, amount=6_000),
        actor=unmet.bidders[CLARA].user,
        accept=False,
    )
    again = offer_negotiation(run=run, actor=unmet.host, amount=4_500)
    assert again.registration == unmet.bidders[CLARA]
    assert Notification.objects.get(kind="offer").amount == 4_500


def test_what_passed_and_was_never_sold_has_no_second_chance(unmet):
    with pytest.raises(Refused) as refused:
        offer_second_chance(run=unmet.lots[0].runs.get(), actor=unmet.host)
    assert refused.value.code == "not_sold"


def test_what_was_sold_is_not_negotiated(over, run_of):
    with pytest.raises(Refused) as refused:
        offer_negotiation(run=run_of, actor=over.host, amount=4_000)
    assert refused.value.code == "not_passed"


# --- The bidder's page ---------------------------------------------------------------------------------


def test_the_page_says_what_it_costs_and_takes_the_answer_once(over, run_of, client):
    offer = offer_second_chance(run=run_of, actor=over.host)
    path = reverse("lot_offer", args=(over.lots[0].pk,))
    client.force_login(over.bidders[CLARA].user)

    page = client.get(path)
    assert "no-store" in page["Cache-Control"]
    assert "$48.00" in page.content.decode() or "€48.00" in page.content.decode()
    assert path in client.get(reverse("my_bids")).content.decode()

    form = {"offer": offer.pk, "total": 4_800, "answer": "accept"}
    bought = client.post(path, form)
    assert client.post(path, form).status_code == bought.status_code == 302
    order = Order.objects.get(buyer=over.bidders[CLARA])
    assert bought["Location"] == reverse("order", args=(order.pk,))
    assert "Yours" in client.get(path).content.decode()
    assert client.post(path, form | {"answer": "decline"}).status_code == 409


def test_an_answer_to_another_offer_or_price_counts_nothing(over, run_of, client):
    offer = offer_second_chance(run=run_of, actor=over.host)
    path = reverse("lot_offer", args=(over.lots[0].pk,))
    client.force_login(over.bidders[CLARA].user)
    for form in (
        {"offer": offer.pk + 1, "total": 4_800, "answer": "accept"},
        {"offer": offer.pk, "total": 4_700, "answer": "accept"},
        {"offer": offer.pk, "answer": "accept"},
        {"offer": offer.pk, "total": 4_800, "answer": "perhaps"},
    ):
        assert client.post(path, form).status_code == 409
    offer.refresh_from_db()
    assert offer.answer == "open"


def test_an_offer_exists_for_its_bidder_alone(over, run_of, client):
    offer = offer_second_chance(run=run_of, actor=over.host)
    path = reverse("lot_offer", args=(over.lots[0].pk,))
    for person in (over.host, over.bidders[BORIS].user, over.bidders[ANNA].user):
        client.force_login(person)
        assert client.get(path).status_code == 404
        assert client.post(path, {"offer": offer.pk, "total": 4_800, "answer": "accept"}).status_code == 404
    client.force_login(over.bidders[CLARA].user)
    assert client.get(path).status_code == 200
    offer_withdraw(offer=offer, actor=over.host)
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("answer", ["declined", "expired"])
def test_the_page_of_an_offer_that_is_over_sells_nothing(over, run_of, client, answer):
    offer = offer_second_chance(run=run_of, actor=over.host)
    if answer == "declined":
        offer_answer(offer=offer, actor=over.bidders[CLARA].user, accept=False)
    else:
        Offer.objects.filter(pk=offer.pk).update(expires_at=timezone.now())
    client.force_login(over.bidders[CLARA].user)
    assert 'value="accept"' not in client.get(reverse("lot_offer", args=(over.lots[0].pk,))).content.decode()
