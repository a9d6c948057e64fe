"""What anybody may take away of a show, and what a bidder may of their own bids. Reads the database alone.

Owns the form of a lot's record and the opening of a commitment. Never names a person, never opens the private part
of anybody else, and tells nothing of a lot before it is closed; who may ask at all is decided by the caller.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from auctions.models import Lot, LotRun, LotStatus, Registration
from auctions.money import format_amount
from bidding.chain import PrivatePart, private_part, public_digest
from bidding.engine.calls import BidOffer, read_answer
from bidding.engine.outcomes import BidDecision, BidRejected
from bidding.models import Event, LedgerPosition, Refusal, SignedHead
from bidding.verification import FORMAT

_CLOSED: Final = (LotStatus.SOLD, LotStatus.PASSED, LotStatus.WITHDRAWN)


@dataclass(frozen=True, slots=True)
class OwnBid:
    """A bidder's own offer as it was decided: the stored entry and both halves of what it committed to."""

    event: Event
    private: PrivatePart
    registration: Registration
    voided: bool

    @property
    def offer(self) -> dict[str, Any]:
        """The offer as the engine took it; amounts are minor units."""
        offer: dict[str, Any] = json.loads(self.private.offer.text)
        return offer


def lot_record(lot: Lot) -> dict[str, Any] | None:
    """Return the record of a lot, or None while it runs, was never opened, or its closing is not signed.

    It has every entry of the auction's log from the first to the signed head. Entries of this lot and of the show have
    their public texts; private ones and those of other lots are there as hashes alone.
    """
    runs = list(
        LotRun.objects.filter(lot=lot).exclude(status=LotStatus.PENDING).select_related("winner").order_by("attempt")
    )
    if not runs or any(run.status not in _CLOSED for run in runs):
        return None
    own = {run.pk for run in runs}
    events = Event.objects.filter(auction=lot.auction_id)
    last = events.filter(run__in=own, kind="LOT_CLOSED").order_by("-v").values_list("v", flat=True).first()
    head = SignedHead.objects.filter(auction=lot.auction_id, v=last).first() if last is not None else None
    if head is None:
        return None
    auction = lot.auction
    upto = events.filter(v__lt=head.v) | events.filter(v=head.v, s=0)
    return {
        "format": FORMAT,
        "auction": {
            "id": auction.pk,
            "title": auction.title,
            "currency": auction.currency.code,
            "exponent": auction.currency.exponent,
        },
        "lot": {"id": lot.pk, "number": lot.number, "title": lot.title},
        "runs": [_run(run, auction.currency.exponent) for run in runs],
        "head": {"v": head.v, "epoch": head.epoch, "hash": head.hash},
        "signature": {"key_id": head.key_id, "signature": head.signature, "algorithm": "Ed25519"},
        "entries": [_entry(event, own) for event in upto.order_by("v", "s").iterator()],
    }


def own_bid(registrations: Iterable[Registration], bid_id: str) -> OwnBid | None:
    """Return the accepted offer that one of these registrations gave under its own id, the latest if several."""
    by_auction = {registration.auction_id: registration for registration in registrations}
    found = Event.objects.filter(bid_id=bid_id, auction__in=by_auction).exclude(bid_id="")
    for event in found.select_related("auction").order_by("-pk"):
        private = _private(event)
        registration = by_auction[event.auction_id]
        if json.loads(private.offer.text)["registration"] != registration.pk:
            # Ids are chosen by clients: somebody else may have used the same one.
            continue
        return OwnBid(event, private, registration, _is_voided(event))
    return None


def own_refusal(registrations: Iterable[Registration], bid_id: str) -> Refusal | None:
    """Return the refusal that one of these registrations got under its own id, the latest if several."""
    refusals = Refusal.objects.filter(registration__in=list(registrations), bid_id=bid_id).exclude(bid_id="")
    return refusals.select_related("auction").order_by("-pk").first()


def stored_head(auction_id: int) -> dict[str, Any] | None:
    """Return the stored chain at its last public entry: a receipt that a record can be compared with later.

    None before there is one. Private entries after it are left out: a hash that changes would tell of them.
    """
    last = Event.objects.filter(auction=auction_id, s=0).order_by("-v").first()
    return None if last is None else {"v": last.v, "epoch": last.epoch, "hash": last.hash}


def stored_answer(registration_id: int, bid_id: str, offer: BidOffer | None = None) -> BidDecision | None:
    """Return the answer that a bid got, from the database: what a repeat gets when Redis remembers nothing of it.

    None where nothing is stored under this id. With `offer`, another one under the same id is `id_reused`, as in Redis.
    """
    if not bid_id:
        return None
    registration = Registration.objects.filter(pk=registration_id).first()
    if registration is None:
        return None
    own = own_bid([registration], bid_id)
    if own is not None:
        asked, answer, epoch = own.offer["asked"], json.dumps(own.offer["answer"]), own.event.epoch
    else:
        refusal = own_refusal([registration], bid_id)
        if refusal is None:
            return None
        asked, answer, epoch = refusal.fingerprint, refusal.answer, ""
    if offer is not None and asked != _fingerprint(offer):
        position = LedgerPosition.objects.get(auction=registration.auction_id)
        return BidDecision(
            BidRejected(
                code="id_reused",
                amount=offer.amount,
                is_maximum=offer.is_maximum,
                lot_id=None,
                v=position.v,
                epoch=position.epoch,
                minimum=None,
                price=None,
                late_ms=None,
                at_ms=0,
            ),
            repeated=True,
        )
    return BidDecision(read_answer(answer, epoch), repeated=True)


def _fingerprint(offer: BidOffer) -> str:
    kind = "max" if offer.is_maximum else "bid"
    return f"{kind} {offer.amount} {'' if offer.lot_id is None else offer.lot_id}"


def _is_voided(offer: Event) -> bool:
    """Say whether staff took back the offer that an entry decided."""
    later = Event.objects.filter(auction=offer.auction_id, kind="BID_VOIDED", v__gt=offer.v)
    return any(json.loads(text)["place"] == [offer.v, offer.s] for text in later.values_list("private", flat=True))


def _run(run: LotRun, exponent: int) -> dict[str, Any]:
    return {
        "run": run.pk,
        "attempt": run.attempt,
        "result": run.result,
        "reason": run.reason,
        "amount": None if run.hammer_amount is None else format_amount(run.hammer_amount, exponent),
        "winner": None if run.winner is None else {"paddle": run.winner.paddle},
        "closed_at_ms": run.closed_at_ms,
        "bid_count": run.bid_count,
        "extensions": run.extension_count,
    }


def _entry(event: Event, own: set[int]) -> dict[str, Any]:
    private = _private(event)
    shown = event.s == 0 and (event.run_id is None or event.run_id in own or event.kind == "REBUILT")
    return {
        "v": event.v,
        "s": event.s,
        **({"public": event.public} if shown else {"public_sha256": public_digest(event.public)}),
        "offer": private.offer.commitment,
        "rest": private.rest.commitment,
        "hash": event.hash,
    }


def _private(event: Event) -> PrivatePart:
    return private_part(
        v=event.v,
        s=event.s,
        kind=event.kind,
        run_id=event.run_id,
        at_ms=event.at_ms,
        epoch=event.epoch,
        private=event.private,
        salt=event.salt,
    )
