"""Stripe Checkout: a buyer is led to Stripe's page for one order, and Stripe tells the site by a signed message.

Owns how Stripe writes amounts and signs. It asks by plain HTTPS and keeps nothing; the key goes nowhere but into its
requests. A page that a buyer came back to proves nothing: only the message does.
"""

import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import Any, ClassVar, Final

import msgspec
import requests
import structlog
from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from auctions.models import Order
from auctions.money import Currency
from auctions.payments.base import NotSigned, Paid, PaymentProvider, PaymentTrouble

logger = structlog.get_logger(__name__)

TOLERANCE_S: Final = 300
"""How old a message may be; Stripe sends an old one again with a new signature."""
_TIMEOUT_S: Final = 10
_TWO_DIGITS: Final = frozenset({"ISK"})
"""Currencies without minor units of which Stripe still counts hundredths."""
_PAID_KINDS: Final = ("checkout.session.completed", "checkout.session.async_payment_succeeded")


def stripe_amount(amount: int, currency: Currency) -> int | None:
    """Return minor units as Stripe counts them, or None where it cannot charge them.

    It counts the minor units of a currency, also where there are none or three digits; of three the last must be 0.
    """
    if currency.code in _TWO_DIGITS:
        return amount * 100
    return None if currency.exponent == 3 and amount % 10 else amount


def from_stripe(amount: int, currency: Currency) -> int:
    """Return what Stripe counted in our minor units. Raises ValueError where those cannot hold it."""
    if currency.code not in _TWO_DIGITS:
        return amount
    whole, rest = divmod(amount, 100)
    if rest:
        raise ValueError(f"{amount} is no whole amount of {currency.code}")
    return whole


class StripeCheckout(PaymentProvider):
    """Payments on Stripe's own page, on one account of the site."""

    name: ClassVar[str] = "stripe"

    def takes(self, order: Order, amount: int) -> bool:
        """Say whether Stripe can charge the amount."""
        return amount > 0 and stripe_amount(amount, order.auction.currency) is not None

    def begin(self, *, order: Order, amount: int, back: str) -> str:
        """Return the address of a session for one amount; asked twice for the same, Stripe gives the same."""
        currency = order.auction.currency
        counted = stripe_amount(amount, currency)
        if counted is None:
            raise PaymentTrouble(_("This cannot be paid online. Please pay as the house says."))
        # A session runs out after a day. What came in meanwhile changes what is open, and so does another invoice.
        key = (
            f"order-{order.pk}-{amount}-{order.payments.count()}-{order.invoices.count()}-{int(time.time()) // 43_200}"
        )
        form = {
            "mode": "payment",
            "client_reference_id": str(order.pk),
            "metadata[order]": str(order.pk),
            "metadata[site]": settings.PUBLIC_URL,
            "line_items[0][quantity]": "1",
            "line_items[0][price_data][currency]": currency.code.lower(),
            "line_items[0][price_data][unit_amount]": str(counted),
            "line_items[0][price_data][product_data][name]": _("Order %(number)s, %(auction)s")
            % {"number": order.pk, "auction": order.auction.title},
            "success_url": f"{back}?paid",
            "cancel_url": back,
            "locale": get_language() or "auto",
        }
        # The words are in the buyer's language: another language asks for another session.
        headers = {"Idempotency-Key": f"{settings.PUBLIC_URL}-{key}-{form['locale']}"}
        try:
            answer = requests.post(
                f"{settings.STRIPE_URL}/v1/checkout/sessions",
                data=form,
                headers=headers,
                auth=(settings.STRIPE_SECRET_KEY, ""),
                timeout=_TIMEOUT_S,
                allow_redirects=False,
            )
            told = answer.json()
        except (requests.RequestException, ValueError) as error:
            logger.warning("payment_provider_away", provider=self.name, error=type(error).__name__)
            raise PaymentTrouble(_("The payment service does not answer. Please try again.")) from error
        address = told.get("url") if isinstance(told, dict) else None
        if answer.status_code != 200 or not isinstance(address, str) or not address.startswith("https://"):
            logger.error("payment_not_begun", provider=self.name, order=order.pk, status=answer.status_code)
            raise PaymentTrouble(_("This cannot be paid online. Please pay as the house says."))
        return address

    def read(self, body: bytes, headers: Mapping[str, str]) -> Paid | None:
        """Return the payment that a signed message tells of, where it is one of this site."""
        _check_signature(body, headers.get("Stripe-Signature", ""))
        try:
            event = msgspec.json.decode(body)
            session: dict[str, Any] = event["data"]["object"]
            if event["type"] not in _PAID_KINDS or session["payment_status"] != "paid":
                return None
            metadata = session.get("metadata") or {}
            if metadata.get("site") != settings.PUBLIC_URL:
                return None
            reference = session.get("payment_intent") or session["id"]
            amount, code = session["amount_total"], session["currency"].upper()
            if type(amount) is not int or not isinstance(reference, str):
                raise TypeError("an amount or a reference that is none")
            return Paid(int(metadata["order"]), amount, code, reference)
        except (msgspec.DecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
            logger.exception("payment_message_not_understood", provider=self.name)
            raise NotSigned from error


def _check_signature(body: bytes, header: str) -> None:
    """Refuse what was not signed with the endpoint's secret within the last minutes."""
    parts = [part.strip().partition("=") for part in header.split(",")]
    times = [value for name, _equals, value in parts if name == "t"]
    signatures = [value for name, _equals, value in parts if name == "v1"]
    if len(times) != 1 or not times[0].isascii() or not times[0].isdecimal():
        raise NotSigned
    expected = hmac.new(settings.STRIPE_WEBHOOK_SECRET.encode(), f"{times[0]}.".encode() + body, hashlib.sha256)
    wanted = expected.hexdigest().encode()
    # While a secret is replaced there are two signatures.
    if not any(hmac.compare_digest(wanted, given.encode()) for given in signatures):
        raise NotSigned
    if abs(time.time() - int(times[0])) > TOLERANCE_S:
        raise NotSigned
