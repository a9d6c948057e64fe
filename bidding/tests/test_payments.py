"""Paying online by Stripe Checkout, against a server of our own: what it is asked, and what its messages do."""

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from auctions.models import Order, OrderStatus, Payment
from auctions.money import CURRENCIES
from auctions.orders import balance_of, order_cancel, order_paid_by
from auctions.payments.stripe import TOLERANCE_S, from_stripe, stripe_amount
from bidding.tests.evenings import ANNA, BORIS
from bidding.tests.test_orders import play

pytestmark = pytest.mark.django_db(transaction=True)

SECRET, KEY, TOTAL = "whsec_of_the_tests", "sk_test_of_the_tests", 7_549
THERE = "https://checkout.stripe.com/c/pay/cs_1"


@dataclass
class Stripe:
    """What a fake of Stripe was asked, and what it answers."""

    url: str
    asked: list[tuple[str, dict[str, str], dict[str, list[str]]]] = field(default_factory=list)
    status: int = 200
    answer: bytes = json.dumps({"id": "cs_1", "url": THERE}).encode()


@pytest.fixture
def stripe(settings) -> Iterator[Stripe]:
    """Return a server on this machine that stands for Stripe, with the site's keys set."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            fake.asked.append((self.path, dict(self.headers), parse_qs(body)))
            self.send_response(fake.status)
            self.end_headers()
            self.wfile.write(fake.answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    fake = Stripe(f"http://127.0.0.1:{server.server_port}")
    settings.STRIPE_URL, settings.STRIPE_SECRET_KEY, settings.STRIPE_WEBHOOK_SECRET = fake.url, KEY, SECRET
    yield fake
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def after(make_show):
    return play(make_show)


@pytest.fixture
def order(after):
    return Order.objects.get()


@pytest.fixture
def buyer(after, client):
    client.force_login(after.bidders[ANNA].user)
    return client


def message(order, settings, **changes):
    session = {
        "id": "cs_1",
        "payment_intent": "pi_1",
        "payment_status": "paid",
        "amount_total": TOTAL,
        "currency": "eur",
        "metadata": {"order": str(order.pk), "site": settings.PUBLIC_URL},
    }
    kind = changes.pop("type", "checkout.session.completed")
    return json.dumps({"type": kind, "data": {"object": session | changes}}).encode()


def signed(body, *, at=None, secret=SECRET):
    at = int(time.time()) if at is None else at
    return f"t={at},v1={hmac.new(secret.encode(), f'{at}.'.encode() + body, hashlib.sha256).hexdigest()}"


def tell(client, body, signature):
    return client.post(
        reverse("stripe_told"),
        body,
        content_type="application/json",
        headers={"stripe-signature": signature},
    ).status_code


# --- The way there -------------------------------------------------------------------------------------


def test_the_buyer_is_led_to_a_page_for_what_is_open(order, buyer, stripe, settings):
    order_paid_by(order=order, method="cash", reference="1", amount=549, received_at=timezone.now())
    page = buyer.get(reverse("order", args=(order.pk,))).content.decode()
    assert "Pay €70.00 online" in page
    assert "IBAN DE02" in page

    response = buyer.post(reverse("order_checkout", args=(order.pk,)))

    assert (response.status_code, response["Location"]) == (303, THERE)
    path, headers, form = stripe.asked[0]
    assert path == "/v1/checkout/sessions"
    assert headers["Authorization"].startswith("Basic ")
    assert form["line_items[0][price_data][unit_amount]"] == ["7000"]
    assert form["line_items[0][price_data][currency]"] == ["eur"]
    assert form["metadata[order]"] == [str(order.pk)]
    assert form["cancel_url"] == [settings.PUBLIC_URL + reverse("order", args=(order.pk,))]
    assert not Payment.objects.filter(method="stripe").exists(), "to be led there is no payment"


def test_a_second_press_asks_for_the_same_session_and_another_amount_for_another(order, buyer, stripe):
    path = reverse("order_checkout", args=(order.pk,))
    for _ in range(2):
        buyer.post(path)
    order_paid_by(order=order, method="cash", reference="1", amount=549, received_at=timezone.now())
    buyer.post(path)
    keys = [headers["Idempotency-Key"] for _path, headers, _form in stripe.asked]
    assert keys[0] == keys[1] != keys[2]


def test_coming_back_proves_nothing(order, buyer, stripe):
    page = buyer.get(reverse("order", args=(order.pk,)) + "?paid").content.decode()
    assert "If you paid just now" in page
    order.refresh_from_db()
    assert order.status == OrderStatus.AWAITING_PAYMENT


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (400, b'{"error": {}}'),
        (500, b"<html>"),
        (200, b'{"url": "http://elsewhere.test/"}'),
        (200, b"[]"),
        (302, b"{}"),
    ],
)
def test_where_stripe_refuses_the_buyer_reads_how_to_pay_else(order, buyer, stripe, status, answer):
    stripe.status, stripe.answer = status, answer
    response = buyer.post(reverse("order_checkout", args=(order.pk,)), follow=True)
    assert response.redirect_chain == [(reverse("order", args=(order.pk,)), 302)]
    assert "message error" in response.content.decode()


def test_where_stripe_is_away_nothing_breaks(order, buyer, stripe, settings):
    settings.STRIPE_URL = "http://127.0.0.1:9"
    assert "does not answer" in buyer.post(reverse("order_checkout", args=(order.pk,)), follow=True).content.decode()


def test_nobody_but_the_buyer_is_led_anywhere_and_nobody_to_what_is_not_open(after, order, buyer, stripe):
    path = reverse("order_checkout", args=(order.pk,))
    for person in (after.host, after.bidders[BORIS].user):
        other = Client()
        other.force_login(person)
        assert other.post(path).status_code == 404
    order_paid_by(order=order, method="cash", reference="1", amount=TOTAL, received_at=timezone.now())
    assert buyer.post(path)["Location"] == reverse("order", args=(order.pk,))
    assert stripe.asked == []


def test_without_keys_there_is_no_button_and_no_endpoint(order, buyer):
    assert "online" not in buyer.get(reverse("order", args=(order.pk,))).content.decode()
    assert buyer.post(reverse("order_checkout", args=(order.pk,)), follow=True).status_code == 200
    assert tell(buyer, b"{}", signed(b"{}")) == 404


# --- What it tells -------------------------------------------------------------------------------------


def test_a_signed_message_pays_the_order_once(order, client, stripe, settings):
    body = message(order, settings)
    assert [tell(client, body, signed(body)) for _ in range(3)] == [204] * 3
    order.refresh_from_db()
    assert (order.status, balance_of(order).received) == (OrderStatus.PAID, TOTAL)
    payment = Payment.objects.get()
    assert (payment.method, payment.reference) == ("stripe", "pi_1")
    assert list(order.entries.values_list("kind", "actor")) == [("payment", None), ("paid", None)]


def test_messages_at_once_pay_once(order, stripe, settings):
    body = message(order, settings)

    def told(_):
        try:
            return tell(Client(), body, signed(body))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(told, range(4))) == [204] * 4
    assert Payment.objects.count() == 1


def test_what_is_not_signed_or_signed_long_ago_or_for_another_body_is_refused(order, client, stripe, settings):
    body, now = message(order, settings), int(time.time())
    good = signed(body)
    for given in (
        "",
        "t=,v1=",
        f"t={now}",
        f"v1={good.partition('v1=')[2]}",
        f"t={now},v0={good.partition('v1=')[2]}",
        f"t={now + 1},v1={good.partition('v1=')[2]}",
        f"t={now},t={now},v1={good.partition('v1=')[2]}",
        signed(body, secret="whsec_another"),
        signed(body + b" "),
        signed(body, at=now - TOLERANCE_S - 60),
        signed(body, at=now + TOLERANCE_S + 60),
        f"t={now},v1=ünsigned",
    ):
        assert tell(client, body, given.encode().decode("latin-1")) == 400, given
    assert not Payment.objects.exists()
    assert tell(client, body, f"{signed(body)},v1={'0' * 64}") == 204, "two secrets while one is replaced"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"payment_status": "unpaid"}, 204),
        ({"type": "checkout.session.expired"}, 204),
        ({"metadata": {"order": "1", "site": "https://another.test"}}, 204),
        ({"metadata": None}, 204),
        ({"currency": "usd"}, 204),
        ({"amount_total": "7549"}, 400),
        ({"amount_total": None}, 400),
    ],
)
def test_what_is_no_payment_of_this_order_pays_nothing(order, client, stripe, settings, changes, status):
    body = message(order, settings, **changes)
    assert tell(client, body, signed(body)) == status
    assert not Payment.objects.exists()


def test_an_order_of_nobody_is_said_to_the_operator(order, client, stripe, settings):
    body = message(order, settings, metadata={"order": "999", "site": settings.PUBLIC_URL})
    assert tell(client, body, signed(body)) == 204
    assert not Payment.objects.exists()


def test_money_for_what_was_called_off_is_shown_as_to_go_back(after, order, client, stripe, settings):
    order_cancel(order=order, actor=after.host, note="Broken.")
    body = message(order, settings)
    assert tell(client, body, signed(body)) == 204
    order.refresh_from_db()
    assert (order.status, balance_of(order).over) == (OrderStatus.CANCELLED, TOTAL)


# --- Amounts -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "amount", "counted"),
    [("EUR", 1_250, 1_250), ("JPY", 500, 500), ("KRW", 500, 500), ("ISK", 5, 500), ("KWD", 5_120, 5_120)],
)
def test_amounts_are_counted_as_stripe_counts_them(code, amount, counted):
    assert stripe_amount(amount, CURRENCIES[code]) == counted
    assert from_stripe(counted, CURRENCIES[code]) == amount


def test_what_stripe_cannot_charge_is_paid_by_instruction():
    assert stripe_amount(5_124, CURRENCIES["KWD"]) is None
    with pytest.raises(ValueError, match="ISK"):
        from_stripe(550, CURRENCIES["ISK"])


def test_every_currency_comes_back_as_it_went():
    for currency in CURRENCIES.values():
        counted = stripe_amount(12_340, currency)
        assert counted is not None
        assert from_stripe(counted, currency) == 12_340


def test_a_show_in_yen_is_paid_in_yen(make_show, client, stripe):
    show = play(make_show, amounts=("2000", "3500"), currency_code="JPY")
    client.force_login(show.bidders[ANNA].user)
    order = Order.objects.get()
    client.post(reverse("order_checkout", args=(order.pk,)))
    form = stripe.asked[0][2]
    assert form["line_items[0][price_data][currency]"] == ["jpy"]
    assert form["line_items[0][price_data][unit_amount]"] == [str(balance_of(order).total)]
