"""The ledger: reads each auction's log in Redis and stores it, its outcome and its hash chain.

One at a time per auction: a fenced lease in Redis names the writer, and the database refuses a writer whose
fencing number is lower than the highest it has seen. Events, outcomes and the position are one transaction, so
a ledger may die anywhere and the next one goes on where the database stands.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import structlog
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from redis.exceptions import RedisError

from auctions.billing import auction_invoice
from auctions.models import Auction, AuctionStatus, Lot, LotRun, LotStatus, Registration, Sale, SaleStatus
from auctions.money import parse_amount
from auctions.sales import sale_finalize, sale_record
from bidding import protocol
from bidding.chain import chain_hash, private_part, public_digest
from bidding.engine.keys import AuctionKeys
from bidding.engine.lock import FencedLock
from bidding.engine.outcomes import EngineError, LogEntry, NotSent
from bidding.floor import floor
from bidding.models import Bid, Event, LedgerPosition, Refusal
from bidding.notices import Outbids, wins_tell
from bidding.selectors import auctions_on_floor, log_continues
from bidding.services.announcing import announce_signal_now
from bidding.services.chat import chat_heads, chat_store
from bidding.signing import heads_sign

logger = structlog.get_logger(__name__)

BATCH: Final = 500
LEASE_MS: Final = 10_000
KEPT_IN_REDIS: Final = 5_000
"""How many versions stay in the log in Redis after they are stored, for pages that come back."""


class LeaseLost(Exception):
    """Another ledger took over this auction; nothing of the batch was stored."""


class Ledger:
    """Stores the logs of all auctions on the floor. Any number may run beside each other."""

    def __init__(self) -> None:
        self._leases: dict[int, FencedLock] = {}
        self._chat_stored: dict[int, str] = {}

    def store_all(self) -> bool:
        """Store one batch of every auction that this ledger may write; return whether anything was found."""
        found = False
        for auction in self._waiting():
            try:
                found |= self.store(auction)
            except LeaseLost:
                self._leases.pop(auction.pk, None)
                logger.warning("ledger_lease_lost", auction=auction.pk)
            except IntegrityError as error:
                # The database holds other content for the same version: nothing is overwritten, somebody must look.
                logger.error("ledger_conflict", auction=auction.pk, error=str(error))
            except (RedisError, NotSent, OSError) as error:
                logger.warning("ledger_waits", auction=auction.pk, error=str(error))
            except EngineError as error:
                # A gap in the log: nothing is stored past it.
                logger.error("ledger_stopped", auction=auction.pk, error=str(error))
        return found

    def _waiting(self) -> list[Auction]:
        """Return the auctions of which Redis holds more than the database, in one look at each server."""
        auctions = list(auctions_on_floor().filter(ledger__isnull=False).select_related("ledger"))
        pipe = floor().pipeline(transaction=False)
        for auction in auctions:
            keys = AuctionKeys(auction.pk)
            pipe.hmget(keys.state, "v", "s")
            pipe.xlen(keys.refusals)
        try:
            looks: list[Any] = pipe.execute() if auctions else []
            chat = chat_heads([auction.pk for auction in auctions])
        except (RedisError, OSError) as error:
            logger.warning("ledger_waits", error=str(error))
            return []
        waiting = []
        for auction, (v, s), refusals in zip(auctions, looks[::2], looks[1::2], strict=True):
            stored = (auction.ledger.v, auction.ledger.s)
            if (
                (v is not None and (int(v), int(s)) != stored)
                or refusals
                or chat[auction.pk] not in (None, self._chat_stored.get(auction.pk))
            ):
                waiting.append(auction)
        return waiting

    def store(self, auction: Auction) -> bool:
        """Store the next batch of one auction; return whether there was anything."""
        lease = self._leases.setdefault(auction.pk, FencedLock(floor(), f"ledger:{auction.pk}", ttl_ms=LEASE_MS))
        position = LedgerPosition.objects.get(auction=auction)
        fence = lease.acquire(above=position.fence)
        if fence is None:
            return False
        stored = self._store_log(auction, fence)
        return self._store_refusals(auction) | self._store_chat(auction) | stored

    def release(self) -> None:
        """Give all leases back, so that the next ledger need not wait for them to run out."""
        for lease in self._leases.values():
            lease.release()
        self._leases.clear()

    def _store_log(self, auction: Auction, fence: int) -> bool:
        position = LedgerPosition.objects.get(auction=auction)
        log = AuctionKeys(auction.pk).log
        # From the last stored entry on: it shows that this log is still the one of which the database holds a part.
        raw: Any = floor().xrange(log, min=f"{position.v}-{position.s}", count=BATCH + 1)
        entries = [LogEntry.read(entry_id, fields) for entry_id, fields in raw]
        if (position.v, position.s) != (0, 0) and (entries or floor().exists(log)):
            _expect_stored(auction, position, entries[0] if entries else None)
        entries = [entry for entry in entries if (entry.v, entry.s) != (position.v, position.s)]
        if not entries:
            return False
        with transaction.atomic():
            position = LedgerPosition.objects.select_for_update().get(auction=auction)
            if position.fence > fence:
                raise LeaseLost
            head = position.head
            for entry in entries:
                _expect_next(auction, position, entry)
                position.v, position.s, position.epoch = entry.v, entry.s, entry.epoch
            events = []
            for entry in entries:
                events.append(_event(auction, entry, head))
                head = events[-1].hash
            Event.objects.bulk_create(events)
            heads_sign(auction, events)
            outcome = _Outcome(auction)
            for entry in entries:
                outcome.apply(entry)
            outcome.save()
            position.head, position.fence = head, fence
            position.save()
        floor().xtrim(log, minid=f"{max(position.v - KEPT_IN_REDIS, 0)}-0", approximate=True)
        _announce_head(auction, events)
        return True

    def _store_refusals(self, auction: Auction) -> bool:
        stream = AuctionKeys(auction.pk).refusals
        raw: Any = floor().xrange(stream, count=BATCH)
        if not raw:
            return False
        people = Registration.objects.filter(auction=auction).values_list("pk", flat=True)
        # Compared as text: whatever else was refused under another name must not stop the ledger.
        known = {str(registration_id).encode() for registration_id in people}
        refusals = [_refusal(auction, entry_id, fields) for entry_id, fields in raw if fields[b"registration"] in known]
        Refusal.objects.bulk_create(refusals, ignore_conflicts=True)
        floor().xdel(stream, *[entry_id for entry_id, _ in raw])
        return True

    def _store_chat(self, auction: Auction) -> bool:
        before = self._chat_stored.get(auction.pk)
        try:
            newest = chat_store(auction_id=auction.pk, after=before, count=BATCH)
        except (RedisError, OSError) as error:
            logger.warning("chat_not_stored", auction=auction.pk, error=str(error))
            return False
        if newest is not None:
            self._chat_stored[auction.pk] = newest
        return newest != before


def _expect_stored(auction: Auction, position: LedgerPosition, first: LogEntry | None) -> None:
    """Raise where Redis has another history than the database: it was restored to an older state and went on."""
    if not log_continues(position, first):
        raise EngineError(
            f"auction {auction.pk}: the log does not hold what was stored at {position.v}.{position.s}: "
            "Redis went back to an older state, and nothing more of it is stored"
        )


def _expect_next(auction: Auction, position: LedgerPosition, entry: LogEntry) -> None:
    """Raise where the log has a gap: storing past it would hide a lost decision."""
    follows = (entry.v, entry.s) in ((position.v + 1, 0), (position.v, position.s + 1))
    if not follows:
        raise EngineError(f"auction {auction.pk}: the log goes from {position.v}.{position.s} to {entry.v}.{entry.s}")


def _announce_head(auction: Auction, events: list[Event]) -> None:
    """Publish the head at the last public entry; a head of a private one would tell that there was one."""
    last = next((event for event in reversed(events) if event.s == 0), None)
    if last is not None:
        announce_signal_now(auction.pk, None, protocol.LogHead(v=last.v, epoch=last.epoch, hash=last.hash))


def _refusal(auction: Auction, entry_id: bytes, fields: dict[bytes, bytes]) -> Refusal:
    asked, _, answer = fields[b"answer"].decode().partition("\n")
    told: dict[str, Any] = msgspec.json.decode(answer)
    return Refusal(
        auction=auction,
        registration_id=int(fields[b"registration"]),
        entry=entry_id.decode(),
        bid_id=fields[b"id"].decode(),
        fingerprint=asked,
        answer=answer,
        code=told["code"],
        amount=told["amount"],
        v=told["v"],
        at_ms=told["at"],
    )


def _event(auction: Auction, entry: LogEntry, head: str) -> Event:
    private = private_part(
        v=entry.v,
        s=entry.s,
        kind=entry.kind,
        run_id=entry.run_id,
        at_ms=entry.at_ms,
        epoch=entry.epoch,
        private=entry.private,
        salt=entry.own_salt,
    )
    return Event(
        auction=auction,
        run_id=entry.run_id,
        epoch=entry.epoch,
        v=entry.v,
        s=entry.s,
        kind=entry.kind,
        at_ms=entry.at_ms,
        public=entry.public,
        private=entry.private,
        salt=entry.own_salt,
        hash=chain_hash(head, public_digest(entry.public), private.offer.commitment, private.rest.commitment),
        bid_id=private.bid_id,
    )


def _bids(entry: LogEntry, private: dict[str, Any]) -> list[Bid]:
    """Return the bids that an entry adds to the history of the price."""
    return [
        Bid(
            run_id=entry.lot_run_id,
            registration_id=registration_id,
            amount=amount,
            automatic=automatic,
            v=entry.v,
            offer_v=offer_v,
            offer_s=offer_s,
            at_ms=entry.at_ms,
        )
        for registration_id, amount, automatic, offer_v, offer_s in private["bids"]
    ]


def _at(entry: LogEntry) -> datetime:
    return datetime.fromtimestamp(entry.at_ms / 1000, UTC)


class _Outcome:
    """What the entries of one batch mean for the catalogue: statuses, bids, results, sales."""

    def __init__(self, auction: Auction) -> None:
        self._auction = auction
        self._bids: list[Bid] = []
        self._outbids = Outbids(auction)

    def apply(self, entry: LogEntry) -> None:
        """Carry one entry over into the models; kinds that change nothing there are passed over."""
        handler = self._HANDLERS.get(entry.kind)
        if handler is not None:
            public = protocol.decode_event(entry.public)
            handler(self, entry, public, msgspec.json.decode(entry.private))

    def save(self) -> None:
        """Write what was collected."""
        self.save_bids()
        self._outbids.save()

    def save_bids(self) -> None:
        """Write the bids that were collected."""
        Bid.objects.bulk_create(self._bids)
        self._bids = []

    def _live(self, entry: LogEntry, public: dict[str, Any], private: dict[str, Any]) -> None:
        self._auction_set(status=AuctionStatus.LIVE, went_live_at=_at(entry))

    def _opened(self, entry: LogEntry, public: dict[str, Any], private: dict[str, Any]) -> None:
        self._finalize()
        LotRun.objects.filter(pk=entry.lot_run_id).update(status=LotStatus.OPEN, opened_at_ms=entry.at_ms)
        Lot.objects.filter(pk=public["lot"]["id"]).update(status=LotStatus.OPEN)
        if private["leader"] is not None:
            # What the pre-bids came to; it was decided by the opening itself.
            self._bids += _bids(entry, private)
            LotRun.objects.filter(pk=entry.lot_run_id).update(bid_count=1)
            self._outbids.opened(
                run_id=entry.lot_run_id,
                leader=private["leader"],
                bidders={offer["registration"] for offer in private["pre_bids"]},
                amount=self._bids[-1].amount,
                v=entry.v,
                at_ms=entry.at_ms,
            )

    def _highest_bid(self, entry: LogEntry, public: dict[str, Any], private: dict[str, Any]) -> None:
        bids = _bids(entry, private)
        for bid in bids:
            bid.channel = private["channel"]
            if bid.registration_id == private["registration"]:
                bid.entered_by_id, bid.bid_id = private["entered_by"], private["id"]
        self._bids += bids
        LotRun.objects.filter(pk=entry.lot_run_id).update(bid_count=public["bid_count"])
        self._outbids.bid(
            run_id=entry.lot_run_id,
            leader=private["leader"],
            amount=max(bid.amount for bid in bids),
            v=entry.v,
            at_ms=entry.at_ms,
        )

    def _paused(self, entry: LogEntry, public: dict[str, Any], private: dict[str, Any]) -> None:
        self._set_run(entry, public, LotStatus.PAUSED)

    def _resumed(self, entry: LogEntry, public: dict[str, Any], private: dict[str, Any]) -> None:
        self._set_run(entry, public, LotStatus.OPEN)

    def _rebuilt(self, entry: LogEntry, public: dict[str, Any], private: dict[str, Any]) -> None:
        """Follow the rebuilt floor: what was open is paused."""
        LotRun.objects.filter(auction=self._auction, status=LotStatus.OPEN).update(status=LotStatus.PAUSED)
        Lot.objects.filter(auction=self._auction, status=LotStatus.OPEN).update(status=LotStatus.PAUSED)

    def _voided(self, entry: LogEntry, public: dict[str, Any], private: dict[str, Any]) -> None:
        """Void what the offer bid, what answered it in the same moment, and what is above the price that remains."""
        self.save_bids()
        v, s = private["place"]
        gone = Q(offer_v=v, offer_s=s) | Q(v=public["voided_v"])
        if public["current_amount"] is not None:
            gone |= Q(amount__gt=parse_amount(public["current_amount"], self._auction.currency.exponent))
        Bid.objects.filter(gone, run=entry.lot_run_id, voided_at_v=None).update(voided_at_v=entry.v)
        self._bids = _bids(entry, private)
        LotRun.objects.filter(pk=entry.lot_run_id).update(bid_count=public["bid_count"])
        self._outbids.voided(run_id=entry.lot_run_id, leader=private["leader"], v=entry.v)

    def _reopened(self, entry: LogEntry, public: dict[str, Any], private: dict[str, Any]) -> None:
        """Take the provisional result back; the closing number stays, so that the next closing is another one."""
        LotRun.objects.filter(pk=entry.lot_run_id).update(
            status=LotStatus.OPEN, result="", reason="", closed_at_ms=None, hammer_amount=None, winner=None
        )
        Lot.objects.filter(pk=public["lot"]).update(status=LotStatus.OPEN)
        Sale.objects.filter(run=entry.lot_run_id, status=SaleStatus.PROVISIONAL).update(status=SaleStatus.VOID)

    def _set_run(self, entry: LogEntry, public: dict[str, Any], status: LotStatus) -> None:
        LotRun.objects.filter(pk=entry.lot_run_id).update(status=status)
        Lot.objects.filter(pk=public["lot"]).update(status=status)

    def _extended(self, entry: LogEntry, public: dict[str, Any], private: dict[str, Any]) -> None:
        LotRun.objects.filter(pk=entry.lot_run_id).update(extension_count=public["extensions"]["used"])

    def _closed(self, entry: LogEntry, public: dict[str, Any], private: dict[str, Any]) -> None:
        run = LotRun.objects.select_related("lot__auction", "lot__tax_rule").get(pk=entry.lot_run_id)
        hammer = parse_amount(public["amount"], self._auction.currency.exponent) if public["amount"] else None
        run.status = run.result = public["result"]
        run.reason = public["reason"]
        run.closed_at_ms = entry.at_ms
        run.closing_number = public["closing_number"]
        run.hammer_amount = hammer
        run.winner_id = private["winner"]
        run.save()
        Lot.objects.filter(pk=run.lot_id).update(status=public["result"])
        if hammer is not None and run.winner is not None:
            sale_record(run=run, buyer=run.winner, hammer=hammer, closing_number=run.closing_number)

    def _ended(self, entry: LogEntry, public: dict[str, Any], private: dict[str, Any]) -> None:
        self._finalize()
        wins_tell(self._auction, v=entry.v, at_ms=entry.at_ms)
        self._auction_set(status=AuctionStatus.ENDED, ended_at=_at(entry))
        auction_invoice(auction=self._auction, ended_at=_at(entry))

    def _cancelled(self, entry: LogEntry, public: dict[str, Any], private: dict[str, Any]) -> None:
        self._finalize()
        wins_tell(self._auction, v=entry.v, at_ms=entry.at_ms)
        self._auction_set(status=AuctionStatus.CANCELLED, ended_at=_at(entry), cancel_reason=public["reason"][:40])
        auction_invoice(auction=self._auction, ended_at=_at(entry))

    def _finalize(self) -> None:
        """Make every provisional result of the auction final."""
        self.save_bids()
        LotRun.objects.filter(
            auction=self._auction, finalized_at=None, status__in=(LotStatus.SOLD, LotStatus.PASSED, LotStatus.WITHDRAWN)
        ).update(finalized_at=timezone.now())
        provisional = Sale.objects.filter(run__auction=self._auction, status=SaleStatus.PROVISIONAL)
        for sale in provisional.select_related("run__auction", "run__lot", "buyer"):
            sale_finalize(sale=sale)

    def _auction_set(self, **values: Any) -> None:
        Auction.objects.filter(pk=self._auction.pk).update(updated_at=timezone.now(), **values)

    _HANDLERS: Final[dict[str, Callable[["_Outcome", LogEntry, dict[str, Any], dict[str, Any]], None]]] = {
        "AUCTION_LIVE": _live,
        "LOT_OPENED": _opened,
        "HIGHEST_BID": _highest_bid,
        "LOT_EXTENDED": _extended,
        "LOT_PAUSED": _paused,
        "LOT_RESUMED": _resumed,
        "BID_VOIDED": _voided,
        "LOT_CLOSED": _closed,
        "LOT_REOPENED": _reopened,
        "REBUILT": _rebuilt,
        "AUCTION_ENDED": _ended,
        "AUCTION_CANCELLED": _cancelled,
    }
