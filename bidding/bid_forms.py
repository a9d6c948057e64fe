"""Bids that come as a form, from people whose browser runs no scripts: what was meant, and what is shown if refused."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from auctions.money import Currency
from auctions.presenting import typed_amount
from bidding import protocol


@dataclass(frozen=True, slots=True)
class RefusedBid:
    """A bid that did not count, as the page it came from shows it at its place.

    `amount` is as it was sent; `confirm` is the token that lets a jump bid be repeated, else empty.
    """

    lot_id: int
    amount: str
    is_maximum: bool
    message: str
    confirm: str = ""


def bid_of(
    form: Mapping[str, str], currency: Currency, *, lot_id: int | None = None, is_maximum: bool = False
) -> protocol.PlaceBid | None:
    """Return the bid that a form holds, or None where it is none.

    The lot and the kind may be known from the form's address.
    """
    lot = form.get("lot", "")
    if lot_id is None and not (lot.isascii() and lot.isdecimal()):
        return None
    message = {
        "type": "BID",
        # What the page itself offers is written as the wire writes it, in any language.
        "amount": form.get("offered") or typed_amount(form.get("amount", "")[:40], currency),
        "lot": int(lot) if lot_id is None else lot_id,
        "id": form.get("id", ""),
        "max": is_maximum or form.get("max") == "on",
    }
    if confirm := form.get("confirm"):
        message["confirm"] = confirm
    try:
        parsed = protocol.parse(msgspec.json.encode(message))
    except (protocol.BadMessage, ValueError, OverflowError):
        return None
    assert isinstance(parsed, protocol.PlaceBid)
    return parsed


def refused_bid(message: protocol.PlaceBid, reply: protocol.BidRejected) -> RefusedBid:
    """Return a refusal as the page shows it."""
    return RefusedBid(
        lot_id=message.lot if isinstance(message.lot, int) else 0,
        amount=message.amount_text,
        is_maximum=message.max,
        message=reply.message,
        confirm=reply.confirm if isinstance(reply.confirm, str) else "",
    )


def fresh_bid_id() -> str:
    """Return an id for a form's bid, so that a form that is sent twice counts once."""
    return str(uuid.uuid4())
