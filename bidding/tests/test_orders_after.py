"""The way of an order: only legal steps, reminders once, the unpaid, and what is called off."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections, transaction
from django.utils import timezone

from accounts.models import Membership, Role, Strike, User
from auctions import orders
from auctions.billing import bill_of
from auctions.errors import Refused
from auctions.models import Auction, LotRun, Offer, Order, OrderEntry, OrderStatus, Payment, RefundReason, Sale
from auctions.orders import (
    balance_of,
    order_cancel,
    order_cancel_lots,
    order_finish,
    order_give_time,
    order_mark_unpaid,
    order_paid_by,
    order_pay,
    order_refund,
    order_send,
)
from bidding.models import Notification
from bidding.personal_data import personal_data
from bidding.services.leaving import account_close
from bidding.services.reminding import order_remind, payments_remind
from bidding.services.telling import notifications_send
from bidding.tests.test_orders import papers, play

pytestmark = pytest.mark.django_db(transaction=True)

TOTAL = 7_549
STEPS = {
    "awaiting_payment": {"awaiting_payment", "paid", "unpaid", "cancelled"},
    "unpaid": {"awaiting_payment", "paid", "cancelled"},
    "paid": {"sent", "cancelled"},
    "sent": {"done", "cancelled"},
    "done": {"cancelled"},
    "cancelled": set(),
}
"""What each state may become by a step of the house. More time leaves an order awaiting its payment."""


@pytest.fixture
def after(make_show):
    return play(make_show)


@pytest.fixture
def order(after):
    return Order.objects.get()


def steps(actor):
    """Return what brings an order into each state."""
    return {
        OrderStatus.AWAITING_PAYMENT: lambda order: order_give_time(
            order=order, actor=actor, due_at=timezone.now() + timedelta(days=30)
        ),
        OrderStatus.PAID: lambda order: order_pay(order=order, actor=actor),
        OrderStatus.SENT: lambda order: order_send(order=order, actor=actor),
        OrderStatus.DONE: lambda order: order_finish(order=order, actor=actor),
        OrderStatus.UNPAID: lambda order: order_mark_unpaid(order=order, actor=actor),
        OrderStatus.CANCELLED: lambda order: order_cancel(order=order, actor=actor, note="Broken."),
    }


def kinds(order):
    return list(order.entries.values_list("kind", flat=True))


def late(order, **ago):
    Order.objects.filter(pk=order.pk).update(due_at=timezone.now() - timedelta(**ago))
    order.refresh_from_db()


@pytest.mark.parametrize("before", OrderStatus)
def test_only_the_steps_of_the_table_are_taken(after, order, before):
    late(order, days=1)
    Order.objects.update(status=before)
    if before in (OrderStatus.PAID, OrderStatus.SENT, OrderStatus.DONE):
        Payment.objects.create(order=order, amount=TOTAL, method="by hand", received_at=timezone.now())
    for after_it, step in steps(after.host).items():
        with transaction.atomic():
            if after_it in STEPS[before]:
                step(order)
                order.refresh_from_db()
                assert order.status == after_it
                assert order.entries.last().actor == after.host
            else:
                with pytest.raises(Refused):
                    step(order)
                order.refresh_from_db()
                assert (order.status, kinds(order)) == (before, []), after_it
            transaction.set_rollback(True)


def test_who_does_not_handle_the_money_takes_no_step(after, order):
    late(order, days=1)
    person = User.objects.create_user("clerk@example.test", "secret-enough")
    Membership.objects.create(user=person, organizer=after.auction.organizer, role=Role.CLERK)
    for actor in (person, after.bidders[0].user):
        for step in steps(actor).values():
            with pytest.raises(Refused) as refused:
                step(order)
            assert refused.value.code == "forbidden"
        with pytest.raises(Refused):
            order_refund(order=order, actor=actor, amount=1, reason=RefundReason.GOODWILL)
        with pytest.raises(Refused):
            order_remind(order=order, actor=actor)
    assert kinds(order) == []


def test_a_part_of_the_money_leaves_the_rest_open(after, order):
    order_pay(order=order, actor=after.host, amount=549)
    order.refresh_from_db()
    assert (order.status, balance_of(order).open) == (OrderStatus.AWAITING_PAYMENT, 7_000)

    order_pay(order=order, actor=after.host)
    order.refresh_from_db()
    assert (order.status, balance_of(order).open) == (OrderStatus.PAID, 0)
    assert kinds(order) == ["payment", "payment", "paid"]


def test_a_reference_is_noted_once(after, order):
    order_pay(order=order, actor=after.host, amount=500, reference="R7")
    with pytest.raises(Refused) as refused:
        order_pay(order=order, actor=after.host, amount=500, reference=" R7 ")
    assert refused.value.field == "reference"
    assert balance_of(order).received == 500


def test_a_provider_that_tells_twice_pays_once_also_a_cancelled_order(after, order):
    order_cancel(order=order, actor=after.host, note="Broken.")

    def tell():
        return order_paid_by(order=order, method="card", reference="pi_1", amount=TOTAL, received_at=order.created_at)

    assert tell() == tell()

    order.refresh_from_db()
    assert order.status == OrderStatus.CANCELLED
    assert balance_of(order).over == TOTAL


def test_a_parcel_without_an_address_is_not_sent(after, order):
    order_pay(order=order, actor=after.host)
    Order.objects.update(delivery_address="")
    with pytest.raises(Refused, match="where the parcel goes"):
        order_send(order=order, actor=after.host)


# --- Reminders -----------------------------------------------------------------------------------------


def test_each_reminder_goes_out_once(after, order, mailoutbox):
    Notification.objects.all().delete()
    Order.objects.update(created_at=timezone.now() - timedelta(days=5), due_at=timezone.now() + timedelta(days=1))

    def tick():
        payments_remind()
        notifications_send()

    for _ in range(3):
        tick()
    assert kinds(order) == ["reminded_soon"]
    assert len(mailoutbox) == 1
    late(order, days=2)
    for _ in range(3):
        tick()

    assert kinds(order) == ["reminded_soon", "reminded_late"]
    assert ["Please pay" in mail.subject for mail in mailoutbox] == [True, True]
    assert "€75.49 is open" in mailoutbox[0].body


def test_two_clocks_at_once_remind_once(after, order):
    late(order, days=2)

    def remind(_):
        payments_remind()
        connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(remind, range(4)))

    assert kinds(order) == ["reminded_late"]
    assert Notification.objects.filter(kind="payment").count() == 1


def test_nobody_is_reminded_of_what_is_paid_new_or_rehearsed(after, order):
    Order.objects.update(due_at=timezone.now() + timedelta(days=1))
    payments_remind()
    assert kinds(order) == [], "the bill is minutes old"
    late(order, days=2)
    Auction.objects.update(is_rehearsal=True)
    payments_remind()
    assert kinds(order) == []
    Auction.objects.update(is_rehearsal=False)
    order_pay(order=order, actor=after.host)
    payments_remind()
    assert kinds(order) == ["payment", "paid"]


def test_a_mail_that_waits_tells_nobody_of_a_debt_that_is_paid(after, order, mailoutbox):
    late(order, days=2)
    payments_remind()
    order_pay(order=order, actor=after.host)
    Notification.objects.exclude(kind="payment").delete()

    notifications_send()

    assert mailoutbox == []


def test_the_house_reminds_once_a_day(after, order):
    order_remind(order=order, actor=after.host)
    with pytest.raises(Refused) as refused:
        order_remind(order=order, actor=after.host)
    assert refused.value.code == "reminded_already"

    OrderEntry.objects.update(created_at=timezone.now() - orders.BETWEEN_REMINDERS)
    order_remind(order=order, actor=after.host)
    assert kinds(order) == ["reminded"] * 2
    assert Notification.objects.get(kind="payment").amount == TOTAL


# --- Unpaid --------------------------------------------------------------------------------------------


def test_the_unpaid_is_a_strike_once_an_order(after, order):
    with pytest.raises(Refused, match="not due"):
        order_mark_unpaid(order=order, actor=after.host)
    late(order, days=1)

    order_mark_unpaid(order=order, actor=after.host)
    order_give_time(order=order, actor=after.host, due_at=timezone.now() + timedelta(days=3))
    order.refresh_from_db()
    assert order.status == OrderStatus.AWAITING_PAYMENT
    late(order, days=1)
    order_mark_unpaid(order=order, actor=after.host)

    strike = Strike.objects.get()
    assert (strike.user, strike.reason, strike.organizer) == (after.bidders[0].user, "unpaid", after.auction.organizer)


def test_more_time_is_on_the_invoice(after, order):
    late(order, days=1)
    order_give_time(order=order, actor=after.host, due_at=timezone.now() + timedelta(days=3))

    assert [kind for _number, kind, _total in papers(order)] == ["invoice", "credit_note", "invoice"]
    with pytest.raises(Refused):
        order_give_time(order=order, actor=after.host, due_at=timezone.now() + timedelta(days=2))


def test_what_was_said_of_a_buyer_goes_with_their_account_and_what_was_paid_is_theirs_to_take(after, order):
    buyer = after.bidders[0].user
    order_pay(order=order, actor=after.host)
    order_refund(order=order, actor=after.host, amount=500, reason=RefundReason.GOODWILL, note="Anna was patient.")
    order_send(order=order, actor=after.host)
    offer = Offer.objects.create(
        run=LotRun.objects.filter(auction=after.auction).earliest("pk"),
        registration=after.bidders[0],
        kind="second_chance",
        amount=500,
        expires_at=timezone.now() + timedelta(days=2),
    )
    data = personal_data(buyer)["registrations"][0]
    assert data["orders"][0]["payments"][0]["refunds"][0]["amount"] == "5.00"
    assert data["offers"][0]["amount"] == "5.00"
    assert "patient" not in str(data)

    account_close(user=buyer)

    assert set(order.entries.values_list("reason", flat=True)) == {""}
    offer.refresh_from_db()
    assert offer.answer == "declined"


# --- Called off ----------------------------------------------------------------------------------------


def test_a_lot_that_is_called_off_goes_from_the_bill_by_a_credit_note(after, order):
    first = Sale.objects.get(hammer_amount=2_000)
    order_pay(order=order, actor=after.host)

    order_cancel_lots(order=order, sales=[first], actor=after.host, note="Broken in the stock.")

    left = TOTAL - 2_476 - 150
    assert bill_of(order).total == left
    assert papers(order) == [(1, "invoice", TOTAL), (2, "credit_note", TOTAL), (3, "invoice", left)]
    assert balance_of(order).over == 2_476 + 150
    first.refresh_from_db()
    assert first.status == "void"
    assert order.entries.last().reason == "Broken in the stock."

    order_refund(order=order, actor=after.host, amount=2_626, reason=RefundReason.CANCELLED)
    assert (balance_of(order).over, balance_of(order).refunded) == (0, 2_626)
    order.refresh_from_db()
    assert order.status == OrderStatus.PAID


def test_all_lots_called_off_is_an_order_cancelled(after, order):
    order_cancel(order=order, actor=after.host, note="Flood.")

    order.refresh_from_db()
    assert order.status == OrderStatus.CANCELLED
    assert bill_of(order).total == 0
    assert papers(order) == [(1, "invoice", TOTAL), (2, "credit_note", TOTAL)]
    assert set(Sale.objects.values_list("status", flat=True)) == {"void"}


def test_what_is_called_off_has_a_reason_and_is_called_off_once(after, order):
    sale = Sale.objects.earliest("pk")
    with pytest.raises(Refused, match="why"):
        order_cancel_lots(order=order, sales=[sale], actor=after.host, note=" ")
    order_cancel_lots(order=order, sales=[sale], actor=after.host, note="Broken.")
    with pytest.raises(Refused) as refused:
        order_cancel_lots(order=order, sales=[sale], actor=after.host, note="Broken.")
    assert refused.value.code == "no_such_lot"


def test_what_is_called_off_may_leave_all_paid(after, order):
    order_pay(order=order, actor=after.host, amount=5_500)
    order_cancel_lots(order=order, sales=[Sale.objects.get(hammer_amount=2_000)], actor=after.host, note="Broken.")
    order.refresh_from_db()
    assert order.status == OrderStatus.PAID


def test_no_more_goes_back_than_came_in(after, order):
    for amount in (500, 300):
        order_pay(order=order, actor=after.host, amount=amount)
    for amount in (0, -1, 801):
        with pytest.raises(Refused):
            order_refund(order=order, actor=after.host, amount=amount, reason=RefundReason.OVERPAID)

    refunds = order_refund(order=order, actor=after.host, amount=400, reason=RefundReason.OVERPAID)

    assert [(refund.payment.amount, refund.amount) for refund in refunds] == [(300, 300), (500, 100)]
    with pytest.raises(Refused):
        order_refund(order=order, actor=after.host, amount=401, reason=RefundReason.OVERPAID)


def test_money_that_never_came_in_is_open_again(after, order):
    order_pay(order=order, actor=after.host)
    order_refund(order=order, actor=after.host, amount=TOTAL, reason=RefundReason.MISTAKE)
    order.refresh_from_db()
    assert (order.status, balance_of(order).open) == (OrderStatus.AWAITING_PAYMENT, TOTAL)
    assert kinds(order) == ["payment", "paid", "taken_back"]

    order_pay(order=order, actor=after.host)
    order_send(order=order, actor=after.host)
    with pytest.raises(Refused, match="on its way"):
        order_refund(order=order, actor=after.host, amount=TOTAL, reason=RefundReason.MISTAKE)


def test_who_paid_while_the_show_went_on_gets_an_invoice_too(make_show):
    show = make_show()
    from bidding.services import auction_end
    from bidding.tests.evenings import ANNA, Evening

    evening = Evening(show)
    for number in (0, 1):
        evening.open(number)
        evening.bid(ANNA, "20.00")
        evening.close_by_time(number)
        show.store()
    order_pay(order=Order.objects.get(), actor=show.host)
    auction_end(auction=show.auction, actor=show.host)
    show.store()

    assert sorted(order.invoices.count() for order in Order.objects.all()) == [1, 1]
