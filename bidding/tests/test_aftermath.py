"""The morning after: sums that equal the log, a loud word where they do not, and work on many orders at once."""

import csv
import io
from datetime import timedelta
from io import BytesIO

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pypdf import PdfReader

from accounts.models import Membership, Role, Strike, User
from auctions.billing import bill_of
from auctions.models import Consignor, Lot, Order, OrderLine, OrderStatus, Payment, Sale
from auctions.orders import order_cancel_lots, order_pay
from bidding.exports import csv_file
from bidding.models import Event
from bidding.pages_aftermath import aftermath_page
from bidding.services import auction_end
from bidding.services.offers import offer_answer, offer_second_chance
from bidding.tests.evenings import ANNA, BORIS, CLARA, Evening
from bidding.tests.test_offers import THREE, default, sold

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def show(make_show):
    """Return a show that is over: Anna owes 84.00 for lot 1, and Boris 24.00 for lot 2."""
    show = make_show()
    evening = Evening(show)
    for number, bids in enumerate([THREE, [(BORIS, "20.00", False)]]):
        evening.open(number)
        for who, amount, is_maximum in bids:
            evening.bid(who, amount, max=is_maximum)
        evening.close_by_time(number)
        show.store()
    auction_end(auction=show.auction, actor=show.host)
    show.store()
    User.objects.update(delivery_address="1 Mill Lane")
    Order.objects.update(delivery_address="1 Mill Lane")
    return show


@pytest.fixture
def orders(show):
    return {who: Order.objects.get(buyer=show.bidders[who]) for who in (ANNA, BORIS)}


@pytest.fixture
def house(client, show):
    client.force_login(show.host)
    return client


def path(show, name="auction_orders", *more):
    return reverse(name, args=(show.auction.pk, *more))


def test_the_sums_are_those_of_the_orders_and_equal_the_verified_log(show, orders, house):
    order_pay(order=orders[BORIS], actor=show.host)
    page = house.get(path(show)).context["page"]

    assert (page.sums.hammer, page.sums.premium, page.sums.due) == (9_000, 1_800, 10_800)
    assert sum(bill_of(order).total for order in orders.values()) == page.sums.due
    assert (page.balance.received, page.open, page.balance.refunded) == (2_400, 8_400, 0)
    record = page.record
    assert record.is_equal
    assert record.verdict.consistent
    assert (record.in_show, record.called_off, record.since, record.in_orders) == (9_000, 0, 0, 9_000)
    assert 'data-record="equal"' in house.get(path(show)).content.decode()


def test_what_was_called_off_and_sold_since_is_explained(show, orders):
    order_cancel_lots(
        order=orders[BORIS], sales=[Sale.objects.get(hammer_amount=2_000)], actor=show.host, note="Broken."
    )
    default(show)
    offer = offer_second_chance(run=show.lots[0].runs.get(), actor=show.host)
    offer_answer(offer=offer, actor=show.bidders[CLARA].user, accept=True)

    record = aftermath_page(show.auction).record

    assert (record.in_show, record.called_off, record.since, record.in_orders) == (9_000, 9_000, 4_000, 4_000)
    assert record.is_equal


@pytest.mark.parametrize(
    "change",
    [
        lambda: Sale.objects.filter(hammer_amount=2_000).update(hammer_amount=1_900),
        lambda: OrderLine.objects.filter(kind="hammer", amount=2_000).update(amount=1_900),
        lambda: OrderLine.objects.filter(kind="hammer", amount=2_000).update(cancelled_at=timezone.now()),
        lambda: Sale.objects.filter(hammer_amount=2_000).update(buyer=Sale.objects.get(hammer_amount=7_000).buyer),
        lambda: Event.objects.filter(kind="HIGHEST_BID").order_by("v")[:1].get().delete(),
    ],
    ids=["sale", "line", "line gone", "buyer", "log"],
)
def test_a_difference_is_loud(show, house, change):
    change()
    response = house.get(path(show))
    assert not response.context["page"].record.is_equal
    text = response.content.decode()
    assert "This does not equal the log" in text
    assert 'data-record="equal"' not in text


def test_prices_that_were_exchanged_are_found_lot_by_lot(show, house, monkeypatch):
    monkeypatch.setattr("bidding.pages_aftermath.CHECKED_AT_ONCE", 1)
    for before, after in ((7_000, 1), (2_000, 7_000), (1, 2_000)):
        Sale.objects.filter(hammer_amount=before).update(hammer_amount=after)
        OrderLine.objects.filter(kind="hammer", amount=before).update(amount=after)

    record = house.get(path(show)).context["page"].record

    assert record.verdict is None
    assert record.in_orders == record.in_show
    assert (record.differences, record.is_equal) == (["1", "2"], False)


def test_the_log_of_a_long_show_is_replayed_when_somebody_asks(show, house, monkeypatch):
    monkeypatch.setattr("bidding.pages_aftermath.CHECKED_AT_ONCE", 1)
    assert house.get(path(show)).context["page"].record.verdict is None
    assert house.get(path(show) + "?check").context["page"].record.verdict.consistent


def test_who_is_late_comes_first(show, orders, house):
    assert [row.order for row in house.get(path(show)).context["page"].rows] == [orders[ANNA], orders[BORIS]]
    Order.objects.filter(pk=orders[BORIS].pk).update(due_at=timezone.now() - timedelta(hours=1))

    page = house.get(path(show)).context["page"]

    assert [row.order for row in page.rows] == [orders[BORIS], orders[ANNA]]
    assert [row.order for row in page.chase] == [orders[BORIS]]


def test_the_number_of_orders_changes_no_number_of_queries(show):
    def queries():
        with CaptureQueriesContext(
            connection,
        ) as seen:
            aftermath_page(show.auction)
        return len(seen)

    before = queries()
    for number in range(5):
        other = Order.objects.create(auction=show.auction, buyer=show.bidders[CLARA], status=OrderStatus.PAID)
        Payment.objects.create(order=other, amount=1 + number, method="by hand", received_at=timezone.now())
    assert queries() == before


# --- Many at once --------------------------------------------------------------------------------------


def test_many_orders_are_paid_and_sent_at_once_and_what_is_refused_is_said(show, orders, house):
    order_pay(order=orders[BORIS], actor=show.host)
    everything = {"order": [order.pk for order in orders.values()]}

    said = house.post(path(show), everything | {"action": "paid"}, follow=True).content.decode()
    assert "1 order is paid." in said
    assert f"Order {orders[BORIS].pk}: Nothing is open on this order." in said
    said = house.post(path(show), everything | {"action": "sent"}, follow=True).content.decode()
    assert "2 orders are sent." in said
    assert set(Order.objects.values_list("status", flat=True)) == {"sent"}

    assert "Orders" in house.post(path(show), everything | {"action": "unpaid"}, follow=True).content.decode()
    assert not Strike.objects.exists()


def test_the_unpaid_and_the_reminded_are_many_too(show, orders, house):
    Order.objects.update(due_at=timezone.now() - timedelta(days=1))
    everything = {"order": [order.pk for order in orders.values()]}
    assert (
        "2 buyers are reminded."
        in house.post(path(show), everything | {"action": "remind"}, follow=True).content.decode()
    )
    assert (
        "2 orders are unpaid."
        in house.post(path(show), everything | {"action": "unpaid"}, follow=True).content.decode()
    )
    assert Strike.objects.count() == 2


def test_no_order_of_another_auction_is_touched(show, orders, house, other_host, organizer):
    house.force_login(other_host)
    assert house.post(path(show), {"order": [orders[ANNA].pk], "action": "paid"}).status_code == 404
    assert not Payment.objects.exists()
    house.force_login(show.host)
    for form in ({"action": "paid"}, {"order": ["x", "999"], "action": "paid"}, {"order": [1], "action": "fly"}):
        assert "Choose orders" in house.post(path(show), form, follow=True).content.decode()


@pytest.mark.parametrize(("role", "status"), [(Role.FINANCE, 200), (Role.CLERK, 404), (Role.MODERATOR, 404)])
def test_the_pages_exist_for_those_who_handle_the_money(show, orders, client, role, status):
    person = User.objects.create_user("somebody@example.test", "secret-enough")
    Membership.objects.create(user=person, organizer=show.auction.organizer, role=role)
    client.force_login(person)
    paths = [
        path(show),
        path(show, "packing_list"),
        path(show, "orders_csv", "lines"),
        path(show, "donations"),
        reverse("house_order", args=(orders[ANNA].pk,)),
    ]
    assert [client.get(one).status_code for one in paths] == [status] * len(paths)


# --- One order -----------------------------------------------------------------------------------------


def step(house, order, **form):
    page = house.get(reverse("house_order", args=(order.pk,)))
    return house.post(reverse("house_order", args=(order.pk,)), {"seen": page.context["page"].seen} | form)


def test_one_order_goes_its_way_on_its_page(show, orders, house):
    order = orders[ANNA]
    assert step(house, order, action="pay", amount="50").status_code == 302
    assert step(house, order, action="pay", amount="34.00", reference="R1").status_code == 302
    assert step(house, order, action="send").status_code == 302
    assert step(house, order, action="finish").status_code == 302
    sale = Sale.objects.get(hammer_amount=7_000)
    assert step(house, order, action="cancel", sale=sale.pk, note="Came back.").status_code == 302
    assert step(house, order, action="refund", amount="84", reason="cancelled").status_code == 302

    order.refresh_from_db()
    assert order.status == OrderStatus.CANCELLED
    page = house.get(reverse("house_order", args=(order.pk,)))
    assert (page.context["page"].balance.refunded, page.context["page"].balance.over) == (8_400, 0)
    assert "Came back." in page.content.decode()
    house.force_login(show.bidders[ANNA].user)
    assert "Came back." not in house.get(reverse("order", args=(order.pk,))).content.decode()


def test_a_second_press_notes_nothing_twice(show, orders, house):
    form = {"seen": 0, "action": "pay", "amount": "10"}
    where = reverse("house_order", args=(orders[ANNA].pk,))
    assert [house.post(where, form).status_code for _ in range(2)] == [302, 409]
    assert Payment.objects.count() == 1


@pytest.mark.parametrize(
    "form",
    [
        {"action": "pay", "amount": "much"},
        {"action": "pay", "amount": "-5"},
        {"action": "refund", "amount": "1", "reason": "overpaid"},
        {"action": "refund", "amount": "1", "reason": "because"},
        {"action": "cancel", "note": "No lot."},
        {"action": "cancel", "sale": "1"},
        {"action": "time", "due_on": "soon"},
        {"action": "time", "due_on": "2020-01-01"},
        {"action": "unpaid"},
        {"action": "send"},
        {"action": "fly"},
    ],
)
def test_what_is_refused_is_said_on_the_page_and_changes_nothing(show, orders, house, form):
    response = step(house, orders[ANNA], **form)
    assert response.status_code == 409
    assert response.context["refused"].message in response.content.decode().replace("&#x27;", "'")
    assert not orders[ANNA].entries.exists()


# --- Offers --------------------------------------------------------------------------------------------


def test_the_house_offers_answers_and_takes_back(show, orders, house):
    default(show)
    run = show.lots[0].runs.get()
    assert "as if those before had never bid" in house.get(path(show)).content.decode()
    where = reverse("run_offer", args=(run.pk,))

    house.post(where, {"action": "second_chance", "hours": "48"})
    offer = run.offers.get()
    assert (offer.registration, offer.amount) == (show.bidders[CLARA], 4_000)
    assert "Offered to paddle" in house.get(path(show)).content.decode()
    house.post(where, {"action": "withdraw", "offer": offer.pk})
    offer.refresh_from_db()
    assert offer.answer == "withdrawn"

    # A bidder in the hall has no account: the house answers for them.
    type(show.bidders[CLARA]).objects.filter(pk=show.bidders[CLARA].pk).update(user=None, kind="floor")
    house.post(where, {"action": "second_chance", "hours": "48"})
    house.post(where, {"action": "accept", "offer": run.offers.get(answer="open").pk})
    assert Sale.objects.get(run=run, status="final").hammer_amount == 4_000
    house.post(where, {"action": "fly"})
    assert house.get(where).status_code == 302


def test_below_the_reserve_the_house_asks_for_a_price(make_show, client):
    show = sold(make_show, THREE[:2], reserve=6_000)
    client.force_login(show.host)
    run = show.lots[0].runs.get()
    where = reverse("run_offer", args=(run.pk,))
    said = client.post(where, {"action": "negotiation", "hours": "48", "amount": "70"}, follow=True).content.decode()
    assert "between the bid and the reserve" in said
    client.post(where, {"action": "negotiation", "hours": "48", "amount": "55"})
    assert run.offers.get().amount == 5_500


def test_no_other_house_offers_anything(show, house, other_host):
    default(show)
    run = show.lots[0].runs.get()
    house.force_login(other_host)
    assert house.post(reverse("run_offer", args=(run.pk,)), {"action": "second_chance"}).status_code == 404
    assert not run.offers.exists()


# --- To print and to load ------------------------------------------------------------------------------


def rows_of(response):
    return list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))


def test_the_files_add_up_to_the_page(show, orders, house):
    order_cancel_lots(
        order=orders[BORIS], sales=[Sale.objects.get(hammer_amount=2_000)], actor=show.host, note="Broken."
    )
    lines = rows_of(house.get(path(show, "orders_csv", "lines")))
    kept = [row for row in lines[1:] if not row[10]]
    assert sum(round(float(row[8]) * 100) for row in kept) == 8_400
    assert len(lines) == 5, "what was cancelled stands there too"
    invoices = rows_of(house.get(path(show, "orders_csv", "invoices")))
    assert sum(round(float(row[13]) * 100) for row in invoices[1:]) == 8_400
    assert [row[0] for row in invoices[1:]] == ["1", "2", "3"]
    assert invoices[3][13] == "-24.00"
    assert house.get(path(show, "orders_csv", "secrets")).status_code == 404


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1"])
def test_no_text_is_a_formula(show, house, text):
    User.objects.filter(pk=show.bidders[ANNA].user_id).update(display_name=text)
    buyers = {row[3] for row in rows_of(house.get(path(show, "orders_csv", "lines")))}
    assert f"'{text}" in buyers or f"'{text}".replace("\r", "\n") in buyers
    assert csv_file([[text]]).decode("utf-8-sig").lstrip('"').startswith("'")


def test_what_is_paid_is_packed_and_what_is_sent_no_more(show, orders, house):
    where = path(show, "packing_list")
    assert "Nothing that is paid" in house.get(where).content.decode()
    order_pay(order=orders[ANNA], actor=show.host)
    text = house.get(where).content.decode()
    assert "1 Mill Lane" in text
    assert "Lot 1" in text
    assert f"Order {orders[BORIS].pk}," not in text
    house.post(path(show), {"order": [orders[ANNA].pk], "action": "sent"})
    assert "Nothing that is paid" in house.get(where).content.decode()


def test_a_donor_is_thanked_for_what_was_paid(show, orders, house):
    donor = Consignor.objects.create(organizer=show.auction.organizer, name="Ada Giver", is_donor=True)
    Lot.objects.filter(auction=show.auction).update(consignor=donor)
    order_pay(order=orders[ANNA], actor=show.host)

    text = house.get(path(show, "donations")).content.decode()
    assert "Ada Giver" in text
    assert "€70.00" in text
    assert "1 lot is sold and not paid yet" in text
    response = house.get(path(show, "donation_pdf", donor.pk))
    words = "\n".join(page.extract_text() for page in PdfReader(BytesIO(response.content)).pages)
    assert "Ada Giver" in words
    assert "€70.00" in words
    assert "€20.00" not in words

    Consignor.objects.update(is_donor=False)
    assert house.get(path(show, "donation_pdf", donor.pk)).status_code == 404
