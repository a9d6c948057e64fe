"""The interface that every way to pay fulfils. None of them decides what is paid: `auctions.orders` notes money.

By instruction is always possible: what the house says of itself stands on the order and on its invoice. A provider adds
a place to which a buyer is led, and tells the site afterwards, by a message that it signs.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from auctions.models import Order


class PaymentTrouble(Exception):
    """The provider could not do what was asked; the message is fit for the buyer."""


class NotSigned(Exception):
    """What claims to come from the provider does not prove it."""


@dataclass(frozen=True, slots=True)
class Paid:
    """That money came in, as a provider tells it: for which order, in minor units, and its own name for the payment."""

    order: int
    amount: int
    currency_code: str
    reference: str


class PaymentProvider(ABC):
    """One way to pay."""

    name: ClassVar[str]

    @abstractmethod
    def takes(self, order: Order, amount: int) -> bool:
        """Say whether an amount of an order, in minor units, can be paid this way."""

    @abstractmethod
    def begin(self, *, order: Order, amount: int, back: str) -> str:
        """Return the address where a buyer pays an amount; they come back to `back`. Raises PaymentTrouble."""

    @abstractmethod
    def read(self, body: bytes, headers: Mapping[str, str]) -> Paid | None:
        """Return what a message of the provider tells, None where it is of no payment. Raises NotSigned."""
