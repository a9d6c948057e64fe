"""Pay the house by its own instruction: a bank transfer, cash, whatever it says. Nothing here is led anywhere."""

from collections.abc import Mapping
from typing import ClassVar

from auctions.models import Order
from auctions.payments.base import NotSigned, Paid, PaymentProvider, PaymentTrouble


class ByInstruction(PaymentProvider):
    """What every site has: the house sees the money come in, and notes it."""

    name: ClassVar[str] = "instruction"

    def takes(self, order: Order, amount: int) -> bool:
        """Take nothing here: the order says how to pay."""
        return False

    def begin(self, *, order: Order, amount: int, back: str) -> str:
        """Lead nowhere."""
        raise PaymentTrouble

    def read(self, body: bytes, headers: Mapping[str, str]) -> Paid | None:
        """Believe nobody."""
        raise NotSigned
