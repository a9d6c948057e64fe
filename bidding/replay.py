"""Replays a stored log, private parts included, through the plain rules and compares it with all that was stored.

Owns the comparison: versions, hash chain and signatures, each decision against `bidding.reference`, then bid rows,
results and sales. Reads only, and stops at the first version that differs. What the log does not hold cannot be
compared: spending limits, bans and confirmations are taken as they were decided.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from auctions.models import Auction, AuctionStatus, LotRun, LotStatus, Registration, Sale
from auctions.money import format_amount
from bidding import reference
from bidding.chain import GENESIS, chain_hash, follows, private_part, public_digest
from bidding.models import Bid, Event, LedgerPosition, SignedHead
from bidding.reference import OUTAGE_MS, Offer, Rules, Shown
from bidding.signing import SIGNED_KINDS, is_signature_of
from bidding.verification import RESERVE_WAIVED, Mismatch, Verdict

_BidRow = tuple[int, int, bool, str, tuple[int, int]]
"""Registration, amount, automatic, client's id, place of the offer behind it."""
_Line = tuple[int, int, int, int]
"""What names a bid of the history: run, version, registration, amount."""
_RECENT: Final = 20
"""How many bids of the history the room is told when one is voided."""


def verify_auction(auction: Auction) -> Verdict:
    """Replay an auction's stored log and return what was found first; changes nothing."""
    replay = _Replay(auction)
    try:
        replay.run()
    except Mismatch as problem:
        return Verdict(replay.count, problem)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        return Verdict(replay.count, Mismatch(replay.place, f"the entry is malformed ({error!r})"))
    return Verdict(replay.count)


class _Replay:
    """One pass over the log of an auction."""

    def __init__(self, auction: Auction) -> None:
        self.count = 0
        self.place = (0, 0)
        self._auction = auction
        self._exponent = auction.currency.exponent
        self._head, self._epoch, self._at_ms = GENESIS, "", 0
        self._status = "scheduled"
        self._lot: reference.Lot | None = None
        self._run: LotRun | None = None
        self._paddles = dict(Registration.objects.filter(auction=auction).values_list("pk", "paddle"))
        self._runs = {run.pk: run for run in LotRun.objects.filter(auction=auction)}
        self._outcomes: dict[int, dict[str, Any]] = {}
        self._pre_bids: dict[int, dict[int, dict[str, Any]]] = defaultdict(dict)
        self._announced: list[str] = []
        """Kinds that the last decision still has to write, in order."""
        self._signed = {head.v: head for head in SignedHead.objects.filter(auction=auction).select_related("key")}
        self._bids: dict[tuple[int, int], list[Bid]] = defaultdict(list)
        for bid in Bid.objects.filter(run__auction=auction):
            self._bids[bid.run_id, bid.v].append(bid)
        self._voided: dict[_Line, int] = {}
        self._times: dict[int, int] = {}
        """When the bids of a version were shown."""
        self._sales = {(sale.run_id, sale.closing_number, sale.buyer_id): sale for sale in _sales(auction)}

    def run(self) -> None:
        """Replay every entry, then compare what was stored beside the log."""
        for event in Event.objects.filter(auction=self._auction).order_by("v", "s").iterator():
            self._link(event)
            self._decide(event)
            self.count += 1
        self._compare_position()
        self._compare_runs()
        self._compare_voided()
        for (run_id, v), bids in self._bids.items():
            if bids:
                raise Mismatch((v, 0), f"bid rows of run {run_id} without an event", [], _rows(bids))
        stray = sorted(self._signed)
        if stray:
            raise Mismatch((stray[0], 0), "a head was signed where nothing was closed")

    def _link(self, event: Event) -> None:
        """Check an entry's place, its hash, and that its columns say what the hashed texts say."""
        before, self.place = self.place, (event.v, event.s)
        if not follows(before, self.place):
            expected = f"{before[0] + 1}.0 or {before[0]}.{before[1] + 1}"
            raise Mismatch(self.place, "the order of versions is broken", expected, f"{event.v}.{event.s}")
        private = private_part(
            v=event.v,
            s=event.s,
            kind=event.kind,
            run_id=event.run_id,
            at_ms=event.at_ms,
            epoch=event.epoch,
            private=event.private,
            salt=event.salt,
        )
        computed = chain_hash(
            self._head, public_digest(event.public), private.offer.commitment, private.rest.commitment
        )
        self._same("hash", computed, event.hash)
        self._same("bid id", private.bid_id, event.bid_id)
        self._head = computed
        if event.s == 0:
            public = json.loads(event.public)
            self._same("type", public["type"], event.kind)
            self._same("version", public["v"], event.v)
            self._same("epoch", public["epoch"], event.epoch)
            self._same("time", public["at_ms"], event.at_ms)
        else:
            self._same("public text", "", event.public)
        if self._epoch and event.epoch != self._epoch and event.kind != "REBUILT":
            self._same("epoch", self._epoch, event.epoch)
        if event.at_ms < self._at_ms:
            raise Mismatch(self.place, "time goes backwards", self._at_ms, event.at_ms)
        if event.kind in SIGNED_KINDS:
            head = self._signed.pop(event.v, None)
            self._same("signed head", computed, head.hash if head else None)
            if head is None or not is_signature_of(head):
                raise Mismatch(self.place, "the signature of the head is not its key's")

    def _decide(self, event: Event) -> None:
        """Take one entry as a command and compare what the rules make of it with what the log says."""
        announced = self._announced.pop(0) if self._announced and event.s == 0 else None
        if announced is not None and announced != event.kind:
            raise Mismatch(self.place, "the decision before tells something else", announced, event.kind)
        if self._status in ("ended", "cancelled"):
            raise Mismatch(self.place, "an entry after the end of the show", None, event.kind)
        handler = self._HANDLERS.get(event.kind)
        if handler is None:
            raise Mismatch(self.place, "the kind is not known", None, event.kind)
        public = json.loads(event.public) if event.public else {}
        handler(self, event, public, json.loads(event.private), announced is not None)
        self._epoch, self._at_ms = event.epoch, event.at_ms

    # --- The show -----------------------------------------------------------------------------------

    def _nothing(self, event: Event, public: dict[str, Any], private: dict[str, Any], announced: bool) -> None:
        """Pass over what changes nothing that is compared."""

    def _live(self, event: Event, public: dict[str, Any], private: dict[str, Any], announced: bool) -> None:
        self._same("status of the show", "scheduled", self._status)
        self._status = "live"

    def _over(self, event: Event, public: dict[str, Any], private: dict[str, Any], announced: bool) -> None:
        if self._lot is not None and self._lot.running:
            raise Mismatch(self.place, "the show ended while a lot was open")
        self._status = "ended" if event.kind == "AUCTION_ENDED" else "cancelled"

    def _rebuilt(self, event: Event, public: dict[str, Any], private: dict[str, Any], announced: bool) -> None:
        """Follow a rebuild: what ran is paused, with what was left when the log was last written."""
        lot = self._lot
        if lot is not None and lot.status == "open":
            left = (lot.ends_at_ms or 0) - self._at_ms
            lot.status, lot.ends_at_ms, lot.hammer_at_ms = "paused", None, None
            lot.remaining_ms = max(left, lot.rules.window_ms, reference.LEAST_WINDOW_MS)

    def _pre_bid(self, event: Event, public: dict[str, Any], private: dict[str, Any], announced: bool) -> None:
        given = self._pre_bids[private["lot"]]
        before = given.pop(private["registration"], None)
        if before is not None and private["maximum"] <= before["maximum"]:
            raise Mismatch(self.place, "a pre-bid that does not rise", before["maximum"], private["maximum"])
        offer = {name: value for name, value in private.items() if name != "answer"}
        given[private["registration"]] = offer | {"place": [event.v, event.s]}
        self._compare_paddle(private)

    # --- The lot ------------------------------------------------------------------------------------

    def _opened(self, event: Event, public: dict[str, Any], private: dict[str, Any], announced: bool) -> None:
        self._same("status of the show", "live", self._status)
        if self._lot is not None and self._lot.running:
            raise Mismatch(self.place, "another lot was open")
        run = self._runs.get(event.run_id or 0)
        if run is None or run.pk in self._outcomes:
            raise Mismatch(self.place, "a run that does not exist, or was over", None, event.run_id)
        rules, shown = Rules.of(run.rules), public["lot"]
        self._same("lot", run.lot_id, shown["id"])
        for name, told, ruled in (
            ("reserve", private["reserve"], rules.reserve),
            ("cap", private["cap"], rules.cap),
            ("buy-now price", private["buy_now"], rules.buy_now),
            ("increments", private["increments"], [list(step) for step in rules.increments]),
            ("duration", private["duration"], rules.duration_ms),
            ("window", shown["window_ms"], rules.window_ms),
            ("extension", shown["extension_ms"], rules.extension_ms),
            ("extension mode", shown["extension_mode"], rules.extension_mode),
            ("extensions", shown["extensions"], {"used": 0, "allowed": rules.extension_cap}),
            ("opening bid", shown["opening_amount"], self._money(rules.opening)),
        ):
            self._same(f"rule: {name}", ruled, told)
        # Who was banned meanwhile is left out; nobody may be added, changed or moved.
        taken = {offer["registration"] for offer in private["pre_bids"]}
        given = self._pre_bids.pop(run.lot_id, {})
        self._same("pre-bids", [offer for who, offer in given.items() if who in taken], private["pre_bids"])
        offers = [
            Offer(offer["registration"], offer["maximum"], is_maximum=True, place=tuple(offer["place"]))
            for offer in private["pre_bids"]
        ]
        self._run, self._outcomes[run.pk] = run, {}
        lot = self._lot = reference.Lot(rules, event.at_ms, pre_bids=offers, v=event.v)
        self._compare_standing(lot, shown, private)
        self._same("end", lot.ends_at_ms, shown["ends_at_ms"])
        self._compare_history(event, lot.history, private)
        self._same("price history", self._shown(lot.history), public["recent_bids"])

    def _bid(self, event: Event, public: dict[str, Any], private: dict[str, Any], announced: bool) -> None:
        lot = self._current(event, public)
        offer = Offer(private["registration"], private["amount"], private["kind"] == "max", bid_id=private["id"])
        # The place before: a decision without a public event stays at its version.
        before = (event.v - 1, 0) if event.kind == "HIGHEST_BID" else (event.v, event.s - 1)
        decision = lot.bid(event.at_ms, offer, after=before, confirmed=True)
        if decision.code != "ok":
            raise Mismatch(self.place, "the rules refuse this bid", decision.code, "accepted")
        kinds = list(decision.events) or ["MAX_RAISED"]
        self._same("decision", kinds[0], event.kind)
        self._announced = kinds[1:]
        self._same("maximum of the offer", lot.offers[-1].maximum, private["maximum"])
        self._same("leader", lot.leader, private["leader"])
        self._same("highest maximum", lot.maximum, private["max"])
        self._compare_paddle(private)
        answer = private["answer"]
        for name, expected in (
            ("code", "ok"),
            ("amount", decision.amount),
            ("v", decision.v),
            ("epoch", event.epoch),
            ("standing", decision.standing),
            ("ends", decision.ends_at_ms),
            ("at", event.at_ms),
        ):
            self._same(f"answer: {name}", expected, answer[name])
        self._same("answer: max", decision.maximum, answer.get("max"))
        if event.kind == "HIGHEST_BID":
            self._compare_standing(lot, public, private)
            self._same("end", lot.ends_at_ms, public["ends_at_ms"])
            self._compare_history(event, decision.history, private, offer)
            self._same("price history", self._shown(decision.history), public["bids"])

    def _extended(self, event: Event, public: dict[str, Any], private: dict[str, Any], announced: bool) -> None:
        lot, reason = self._current(event, public), public["reason"]
        if reason == "bid":
            self._same("an extension by a bid follows that bid", True, announced)
        elif reason == "host":
            self._done(lot.extend(event.at_ms, public["added_ms"]))
        else:
            # Heartbeats are not in the log: that nobody saw the end is taken as it was decided.
            lot.seen_at_ms = (lot.ends_at_ms or 0) - OUTAGE_MS - 1
            self._same("reason", lot.close(event.at_ms, "time"), reason)
        self._same("end", lot.ends_at_ms, public["ends_at_ms"])
        expected = {"used": lot.extensions_used, "allowed": lot.rules.extension_cap}
        self._same("extensions", expected, public["extensions"])

    def _paused(self, event: Event, public: dict[str, Any], private: dict[str, Any], announced: bool) -> None:
        lot = self._current(event, public)
        self._done(lot.pause(event.at_ms))
        self._same("time left", lot.remaining_ms, public["remaining_ms"])

    def _resumed(self, event: Event, public: dict[str, Any], private: dict[str, Any], announced: bool) -> None:
        lot = self._current(event, public)
        self._done(lot.resume(event.at_ms))
        self._same("end", lot.ends_at_ms, public["ends_at_ms"])

    def _warned(self, event: Event, public: dict[str, Any], private: dict[str, Any], announced: bool) -> None:
        lot = self._current(event, public)
        self._done(lot.warn(event.at_ms))
        self._same("end", lot.ends_at_ms, public["ends_at_ms"])
        self._same("earliest hammer", lot.hammer_at_ms, public["hammer_at_ms"])

    def _bid_voided(self, event: Event, public: dict[str, Any], private: dict[str, Any], announced: bool) -> None:
        lot = self._current(event, public)
        before, (v, s) = lot.history, private["place"]
        self._done(lot.void(private["registration"], (v, s), v=event.v - 1))
        named = (None, None) if s else (v, self._paddles.get(private["registration"]))
        self._same("who is named", named, (public["voided_v"], public["paddle"]))
        self._compare_standing(lot, public, private)
        self._compare_history(event, [bid for bid in lot.history if bid.v == event.v], private)
        newest = lot.history[: -_RECENT - 1 : -1]
        self._same("price history", self._shown(newest), public["recent_bids"])
        for bid in set(before) - set(lot.history):
            self._voided[event.run_id or 0, bid.v, bid.registration, bid.amount] = event.v

    def _closed(self, event: Event, public: dict[str, Any], private: dict[str, Any], announced: bool) -> None:
        lot, reason = self._current(event, public), public["reason"]
        if not announced:
            lot.seen_at_ms = lot.ends_at_ms or event.at_ms
            if reason in ("no_bids", "reserve_not_met"):
                # Neither tells whether time or the hammer closed it.
                done = lot.close(event.at_ms, "time") == "ok" or lot.close(event.at_ms, "hammer") == "ok"
                self._same("closed when it was due", True, done)
            else:
                self._done(lot.close(event.at_ms, reason))
        sold = lot.result == "sold"
        amount = self._money(lot.price) if sold else None
        winner = {"paddle": self._paddles.get(lot.leader or 0)} if sold else None
        self._same("result", (lot.result, lot.reason), (public["result"], reason))
        self._same("hammer price", amount, public["amount"])
        self._same("winner", winner, public["winner"])
        self._same("closing", lot.closing_number, public["closing_number"])
        told = (private["winner"], private["hammer"], private["bids"], private["extensions"])
        price = lot.price if sold else None
        self._same("outcome", (lot.leader if sold else None, price, lot.bid_count, lot.extensions_used), told)
        if sold:
            sale = self._sales.pop((event.run_id or 0, lot.closing_number, lot.leader or 0), None)
            self._same("sale", price, sale.hammer_amount if sale else None)
        self._outcomes[event.run_id or 0] = {
            "status": lot.result,
            "result": lot.result,
            "reason": lot.reason,
            "hammer_amount": price,
            "winner_id": lot.leader if sold else None,
            "closed_at_ms": event.at_ms,
            "closing_number": lot.closing_number,
            "place": self.place,
        }

    def _reopened(self, event: Event, public: dict[str, Any], private: dict[str, Any], announced: bool) -> None:
        lot = self._current(event, public)
        self._done(lot.reopen(event.at_ms, without_reserve=public["reason"] == RESERVE_WAIVED))
        self._same("end", lot.ends_at_ms, public["ends_at_ms"])
        self._outcomes[event.run_id or 0] = {}

    # --- Comparisons --------------------------------------------------------------------------------

    def _current(self, event: Event, public: Mapping[str, Any]) -> reference.Lot:
        if self._lot is None or self._run is None:
            raise Mismatch(self.place, f"{event.kind} before a lot was opened")
        self._same("run", self._run.pk, event.run_id)
        if public:
            self._same("lot", self._run.lot_id, public["lot"])
        return self._lot

    def _compare_standing(self, lot: reference.Lot, public: Mapping[str, Any], private: Mapping[str, Any]) -> None:
        paddle = None if lot.leader is None else {"paddle": self._paddles.get(lot.leader)}
        self._same("price", self._money(lot.price), public["current_amount"])
        self._same("leader", (lot.leader, paddle), (private["leader"], public["leader"]))
        self._same("highest maximum", lot.maximum, private["max"])
        self._same("minimum", self._money(lot.minimum), public["minimum_amount"])
        self._same("bid count", lot.bid_count, public["bid_count"])
        self._same("reserve met", lot.reserve_met, public["reserve_met"])
        if "buy_now_amount" in public:
            # A bid that buys leaves the price shown at which it bought.
            bought = "LOT_CLOSED" in self._announced
            if not bought:
                self._same("buy-now price", self._money(lot.buy_now), public["buy_now_amount"])

    def _compare_paddle(self, private: Mapping[str, Any]) -> None:
        self._same("paddle", self._paddles.get(private["registration"]), private["paddle"])

    def _compare_history(
        self, event: Event, added: Sequence[Shown], private: Mapping[str, Any], offer: Offer | None = None
    ) -> None:
        """Compare what an entry adds to the price's history with its private part and with the stored rows."""
        for bid in added:
            self._times[bid.v] = event.at_ms
        bids = [[bid.registration, bid.amount, bid.automatic, *bid.place] for bid in added]
        self._same("bids", bids, private["bids"])
        own = {offer.registration: offer.bid_id} if offer else {}
        rows = [
            (bid.registration, bid.amount, bid.automatic, own.get(bid.registration, ""), bid.place) for bid in added
        ]
        self._same("bid rows", sorted(rows), _rows(self._bids.pop((event.run_id or 0, event.v), [])))

    def _shown(self, bids: Iterable[Shown]) -> list[dict[str, Any]]:
        """Return bids as the room sees them."""
        return [
            {
                "v": bid.v,
                "amount": self._money(bid.amount),
                "paddle": self._paddles.get(bid.registration),
                "automatic": bid.automatic,
                "at_ms": self._times[bid.v],
            }
            for bid in bids
        ]

    def _compare_position(self) -> None:
        if self._announced:
            raise Mismatch(self.place, "the decision is not told whole", self._announced[0], None)
        position = LedgerPosition.objects.filter(auction=self._auction).first()
        found = (position.v, position.s, position.head) if position else (0, 0, GENESIS)
        self._same("stored position", (*self.place, self._head), found)
        status = {"ended": AuctionStatus.ENDED, "cancelled": AuctionStatus.CANCELLED}.get(self._status)
        if status is not None:
            self._same("status of the auction", status.value, self._auction.status)

    def _compare_runs(self) -> None:
        for run in self._runs.values():
            outcome = self._outcomes.get(run.pk)
            if outcome is None:
                if run.status != LotStatus.PENDING:
                    raise Mismatch(self.place, f"run {run.pk} has a status without an event", "pending", run.status)
            elif outcome:
                place = outcome.pop("place")
                for name, expected in outcome.items():
                    found = getattr(run, name)
                    if expected != found:
                        raise Mismatch(place, f"stored result: {name}", expected, found)
            else:
                self._same("stored result", "", run.result)
        for (run_id, number, buyer), sale in self._sales.items():
            closing = self._outcomes.get(run_id, {}).get("closing_number", 0)
            if number > closing:
                raise Mismatch(
                    self.place, f"sale {sale.pk} to {buyer} of a closing that there was not", closing, number
                )

    def _compare_voided(self) -> None:
        for bid in Bid.objects.filter(run__auction=self._auction).order_by("v"):
            expected = self._voided.get((bid.run_id, bid.v, bid.registration_id, bid.amount))
            if bid.voided_at_v != expected:
                raise Mismatch((bid.v, 0), "bid row voided at", expected, bid.voided_at_v)

    def _done(self, code: str) -> None:
        self._same("the rules allow it", "ok", code)

    def _same(self, what: str, expected: object, found: object) -> None:
        if expected != found:
            raise Mismatch(self.place, what, expected, found)

    def _money(self, minor: int | None) -> str | None:
        return None if minor is None else format_amount(minor, self._exponent)

    _HANDLERS: Final[dict[str, Callable[["_Replay", Event, dict[str, Any], dict[str, Any], bool], None]]] = {
        "AUCTION_LIVE": _live,
        "AUCTION_ENDED": _over,
        "AUCTION_CANCELLED": _over,
        "LOT_OPENED": _opened,
        "HIGHEST_BID": _bid,
        "MAX_RAISED": _bid,
        "PRE_BID": _pre_bid,
        "LOT_EXTENDED": _extended,
        "LOT_PAUSED": _paused,
        "LOT_RESUMED": _resumed,
        "FAIR_WARNING": _warned,
        "BID_VOIDED": _bid_voided,
        "LOT_CLOSED": _closed,
        "LOT_REOPENED": _reopened,
        "REBUILT": _rebuilt,
        "LOT_NEXT": _nothing,
        "ROSTRUM": _nothing,
        "RULES_CHANGED": _nothing,
        "CATALOGUE_CHANGED": _nothing,
        "INTERVAL": _nothing,
    }


def _rows(bids: list[Bid]) -> list[_BidRow]:
    return sorted(
        (bid.registration_id, bid.amount, bid.automatic, bid.bid_id, (bid.offer_v, bid.offer_s)) for bid in bids
    )


def _sales(auction: Auction) -> list[Sale]:
    return list(Sale.objects.filter(run__auction=auction))
