"""Decides an auction in plain Python: the rules once more, so that the engine can be compared with them.

Written from the published rules and not from the engine, of which it imports nothing; it knows no Redis, no
Django and no clock. Every time is handed in, in milliseconds; amounts are minor units. `Lot` knows one offering of
a lot, which is enough to replay a stored log; `Auction` adds what spans lots: bidders, limits, pre-bids, versions
and answers. It is meant to be read, not to be fast.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

MOST = 10**13
CONFIRMATION_MS = 60_000
WARNING_MS = 10_000
OUTAGE_MS = 5_000
LEAST_WINDOW_MS = 1_000
"""A lot that is opened again, or runs on after an outage, has this long also under sudden death."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What is frozen for a lot when it opens."""

    opening: int
    increments: tuple[tuple[int, int], ...]
    reserve: int | None = None
    buy_now: int | None = None
    cap: int | None = None
    duration_ms: int = 60_000
    window_ms: int = 30_000
    extension_ms: int = 30_000
    extension_mode: str = "add"
    extension_cap: int = 20

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "Rules":
        """Return the rules of a run as it stores them."""
        return cls(**{**stored, "increments": tuple((price, step) for price, step in stored["increments"])})

    def after(self, price: int) -> int:
        """Return the price one increment above a price."""
        return price + [step for start, step in self.increments if start <= price][-1]


@dataclass(frozen=True, slots=True)
class Offer:
    """What a bidder asks for: to pay the amount now, or up to it (`is_maximum`)."""

    registration: int
    amount: int
    is_maximum: bool = False
    lot: int | None = None
    bid_id: str = ""
    not_after_ms: int | None = None
    confirmed_at_ms: int | None = None
    place: tuple[int, int] = (0, 0)
    """Of a pre-bid: its place in the log."""


@dataclass(frozen=True, slots=True)
class Taken:
    """An accepted offer: `maximum` is what it may cost, `place` its version and sub-number in the log: its name."""

    registration: int
    maximum: int
    is_maximum: bool
    place: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Shown:
    """A bid as the price's history shows it; `place` names the offer that made it."""

    v: int
    registration: int
    amount: int
    automatic: bool
    place: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Decision:
    """An answer: `code` is "ok" or says why not. `events` are the kinds of the public events, in order."""

    code: str
    events: tuple[str, ...] = ()
    v: int = 0
    lot: int | None = None
    amount: int = 0
    maximum: int | None = None
    standing: str = ""
    ends_at_ms: int | None = None
    minimum: int | None = None
    late_ms: int | None = None
    history: tuple[Shown, ...] = ()
    """What the price history gains."""
    repeated: bool = False


class Lot:
    """One offering of a lot. `v` is the auction's version after its opening."""

    def __init__(self, rules: Rules, opened_at_ms: int, *, pre_bids: Iterable[Offer] = (), v: int = 1) -> None:
        """Open the lot and resolve its pre-bids, given in their order. Those below the opening bid are no offers."""
        self.rules = rules
        self.status = "open"
        self.result = self.reason = ""
        self.closing_number = 0
        self.price: int | None = None
        self.leader: int | None = None
        self.maximum: int | None = None
        self.buy_now = rules.buy_now
        self.bid_count = self.extensions_used = 0
        self.ends_at_ms: int | None = opened_at_ms + rules.duration_ms
        self.remaining_ms: int | None = None
        self.hammer_at_ms: int | None = None
        self.seen_at_ms = opened_at_ms
        self.offers: list[Taken] = []
        self.history: list[Shown] = []
        self._best: dict[int, int] = {}
        self._opened = (v, 0)
        valid = [offer for offer in pre_bids if offer.amount >= rules.opening]
        self._decide_anew([Taken(offer.registration, offer.amount, True, offer.place) for offer in valid])
        self._drop_buy_now()
        self._show_outcome(v)

    @property
    def running(self) -> bool:
        """Whether the lot is still on offer, also while paused."""
        return self.status in ("open", "paused")

    @property
    def minimum(self) -> int:
        """Return the least amount that the next bid must have."""
        minimum = self.rules.opening if self.price is None else self.rules.after(self.price)
        return minimum if self.buy_now is None else min(minimum, self.buy_now)

    @property
    def reserve_met(self) -> bool:
        """Whether the price has reached the reserve, if there is one."""
        return self.rules.reserve is None or (self.price is not None and self.price >= self.rules.reserve)

    def refuses(self, at_ms: int) -> Decision | None:
        """Return why the lot takes no bids at this time, or None where it does."""
        if self.status == "paused":
            return Decision("paused")
        over = self.status != "open" and self.reason in ("time", "no_bids", "reserve_not_met")
        if self.ends_at_ms is not None and (over or (self.status == "open" and at_ms >= self.ends_at_ms)):
            return Decision("too_late", late_ms=max(at_ms - self.ends_at_ms, 0))
        return None if self.status == "open" else Decision("not_open")

    def bid(
        self,
        at_ms: int,
        offer: Offer,
        *,
        after: tuple[int, int] = (0, 0),
        confirmed: bool = False,
        spendable: int | None = None,
    ) -> Decision:
        """Decide an offer at a time. `after` is the log's last place before it, `spendable` what a limit leaves."""
        if refusal := self.refuses(at_ms):
            return refusal
        leads = offer.registration == self.leader
        if leads and not offer.is_maximum:
            return Decision("already_leading")
        buys = not offer.is_maximum and self.buy_now is not None and offer.amount >= self.buy_now
        maximum = _below(self.buy_now, offer) if not buys or self.buy_now is None else self.buy_now
        minimum = self.maximum + 1 if leads and self.maximum is not None else self.minimum
        refusal = _refused(offer, maximum, minimum, self.price or self.rules.opening, self.rules.cap, confirmed)
        if refusal or (spendable is not None and maximum > spendable):
            return refusal or Decision("over_limit")

        price, leader, second = self.price, self.leader, self.maximum
        events: list[str] = []
        history: list[Shown] = []
        v, s = after
        if self._take(Taken(offer.registration, maximum, offer.is_maximum, (v, s + 1))):
            events = ["HIGHEST_BID"]
            self._drop_buy_now()
            self.offers[-1] = replace(self.offers[-1], place=(v + 1, 0))
            self.bid_count += 1
            self.hammer_at_ms = None
            history = self._shown(v + 1, offer, maximum, price, leader, second)
            self.history += history
            if not buys and self._extend(at_ms):
                events.append("LOT_EXTENDED")
        if buys:
            self._close(at_ms, "buy_now")
            events.append("LOT_CLOSED")
        return Decision(
            "ok",
            tuple(events),
            v=self.offers[-1].place[0],
            amount=offer.amount if offer.is_maximum else maximum,
            maximum=maximum if offer.is_maximum else None,
            standing="leading" if self.leader == offer.registration else "outbid",
            ends_at_ms=self.ends_at_ms,
            history=tuple(history),
        )

    def pause(self, at_ms: int) -> str:
        """Stop the clock and keep what was left."""
        if refusal := self._not_running(at_ms):
            return refusal
        self.status, self.remaining_ms, self.ends_at_ms = "paused", (self.ends_at_ms or 0) - at_ms, None
        self.hammer_at_ms = None
        return "ok"

    def resume(self, at_ms: int) -> str:
        """Let the clock run again with at least the window left."""
        if self.status != "paused" or self.remaining_ms is None:
            return "not_paused"
        self.status, self.ends_at_ms = "open", at_ms + max(self.remaining_ms, self.rules.window_ms)
        self.remaining_ms, self.seen_at_ms = None, at_ms
        return "ok"

    def extend(self, at_ms: int, added_ms: int) -> str:
        """Move the end by hand, which counts against no cap."""
        if refusal := self._not_running(at_ms):
            return refusal
        self.ends_at_ms, self.hammer_at_ms = (self.ends_at_ms or 0) + added_ms, None
        return "ok"

    def warn(self, at_ms: int) -> str:
        """Warn that the hammer may fall; the end is then some seconds away at least."""
        if refusal := self._not_running(at_ms):
            return refusal
        self.hammer_at_ms = at_ms + WARNING_MS
        self.ends_at_ms = max(self.ends_at_ms or 0, self.hammer_at_ms)
        return "ok"

    def void(self, registration: int, place: tuple[int, int] | None = None, *, v: int = 0) -> str:
        """Take one offer of a bidder back: the one at this place in the log, or the latest that still stands.

        Every other offer stays, also those of the same bidder. So with the latest gone the one before it stands again;
        and a maximum that was raised on top of the one that goes was an offer of its own, and stays. What remains
        decides anew, as if the offer had never been made; the end stays. From the history go the bids that the offer
        made, those that answered it in the same moment, and those above the price that remains; who then leads is in
        it at that price.
        """
        if not self.running:
            return "not_open"
        own = [offer for offer in self.offers if offer.registration == registration and place in (None, offer.place)]
        if not own:
            return "no_such_bid"
        gone = own[-1]
        self.hammer_at_ms = None
        self._decide_anew([offer for offer in self.offers if offer != gone])
        self.history = [
            bid for bid in self.history if gone.place not in (bid.place, (bid.v, 0)) and bid.amount <= (self.price or 0)
        ]
        self._show_outcome(v + 1)
        return "ok"

    def close(self, at_ms: int, reason: str = "time") -> str:
        """Close by `time`, `hammer`, `withdrawn` or `cancelled`; "outage" where nobody saw the end: a window more."""
        if not self.running:
            return "already_closed"
        if reason == "time":
            if self.ends_at_ms is None or at_ms < self.ends_at_ms:
                return "not_due"
            if self.ends_at_ms - self.seen_at_ms > OUTAGE_MS:
                self.ends_at_ms, self.seen_at_ms = at_ms + max(self.rules.window_ms, LEAST_WINDOW_MS), at_ms
                return "outage"
        if reason == "hammer" and (self.hammer_at_ms is None or at_ms < self.hammer_at_ms):
            return "no_fair_warning" if self.hammer_at_ms is None else "too_early"
        self._close(at_ms, reason)
        return "ok"

    def reopen(self, at_ms: int, *, without_reserve: bool = False) -> str:
        """Take the result back and let the lot run again; `without_reserve` drops that for the rest of the run."""
        if self.running:
            return "not_closed"
        if without_reserve:
            self.rules = replace(self.rules, reserve=None)
        self.status, self.result, self.reason = "open", "", ""
        self.ends_at_ms, self.seen_at_ms = at_ms + max(self.rules.window_ms, LEAST_WINDOW_MS), at_ms
        self.remaining_ms = self.hammer_at_ms = None
        return "ok"

    def seen(self, at_ms: int) -> None:
        """Note that somebody was there to see the lot run."""
        if self.status == "open" and self.ends_at_ms is not None and at_ms < self.ends_at_ms:
            self.seen_at_ms = at_ms

    def _take(self, offer: Taken) -> bool:
        """Let an offer decide who leads at what price; return whether either moved.

        The highest maximum leads, of equal ones the earlier. It pays what the second made it, what it bid plainly,
        and the reserve where it reaches that. Raising one's own maximum makes nothing dearer but by the reserve.
        """
        before, leader = self.price, self.leader
        self.offers.append(offer)
        if offer.maximum > self._best.get(offer.registration, 0):
            self._best.pop(offer.registration, None)  # a raised maximum stands behind equal ones that came before
            self._best[offer.registration] = offer.maximum
        self.leader = max(self._best, key=lambda registration: self._best[registration])
        self.maximum = self._best[self.leader]
        others = [maximum for registration, maximum in self._best.items() if registration != self.leader]
        prices = [before or self.rules.opening]
        if others and leader != offer.registration:
            prices.append(min(self.maximum, self.rules.after(max(others))))
        if self.leader == offer.registration and not offer.is_maximum:
            prices.append(offer.maximum)
        if self.rules.reserve is not None and self.maximum >= self.rules.reserve:
            prices.append(self.rules.reserve)
        self.price = max(prices)
        return (self.price, self.leader) != (before, leader)

    def _drop_buy_now(self) -> None:
        """Let the buy-now price go where the price reached the reserve, or with the first bid where there is none."""
        if self.price is not None and self.reserve_met:
            self.buy_now = None

    def _decide_anew(self, offers: list[Taken]) -> None:
        """Decide offers from the start, and count those that moved price or leader; all pre-bids come to one bid."""
        self.price = self.leader = self.maximum = None
        self.offers, self._best = [], {}
        self.bid_count = len({max(offer.place, self._opened) for offer in offers if self._take(offer)})

    def _shown(
        self, v: int, offer: Offer, maximum: int, price: int | None, leader: int | None, second: int | None
    ) -> list[Shown]:
        assert self.price is not None
        assert self.leader is not None
        if self.leader != offer.registration:
            own = self._line(v, offer.registration, maximum, offer.is_maximum)
            return [own, self._line(v, self.leader, self.price, True)]
        pushed = []
        if leader not in (None, offer.registration) and second is not None and second > (price or 0):
            pushed = [self._line(v, leader or 0, second, True)]
        return [*pushed, self._line(v, offer.registration, self.price, offer.is_maximum)]

    def _show_outcome(self, v: int) -> None:
        """Add who leads at what price to the history, where it does not end so."""
        ends = [(bid.registration, bid.amount) for bid in self.history[-1:]]
        if self.leader is not None and self.price is not None and ends != [(self.leader, self.price)]:
            self.history.append(self._line(v, self.leader, self.price, True))

    def _line(self, v: int, registration: int, amount: int, automatic: bool) -> Shown:
        own = [offer for offer in self.offers if offer.registration == registration]
        return Shown(v, registration, amount, automatic, max(own, key=lambda offer: offer.maximum).place)

    def _extend(self, at_ms: int) -> bool:
        before = self.ends_at_ms or 0
        if self.extensions_used < self.rules.extension_cap and at_ms >= before - self.rules.window_ms:
            added = before + self.rules.extension_ms
            reset = max(before, at_ms + self.rules.extension_ms)
            self.ends_at_ms = reset if self.rules.extension_mode == "reset" else added
            self.extensions_used += self.ends_at_ms > before
        return self.ends_at_ms != before

    def _close(self, at_ms: int, reason: str) -> None:
        self.closing_number += 1
        if reason in ("withdrawn", "cancelled"):
            self.result, self.reason = "withdrawn", reason
        elif self.leader is None:
            self.result, self.reason = "passed", "no_bids"
        elif not self.reserve_met:
            self.result, self.reason = "passed", "reserve_not_met"
        else:
            self.result, self.reason = "sold", reason
        self.status = self.result

    def _not_running(self, at_ms: int) -> str | None:
        if self.status != "open" or self.ends_at_ms is None:
            return "not_open"
        return "too_late" if at_ms >= self.ends_at_ms else None


def outcome(rules: Rules, offers: Iterable[Taken]) -> tuple[int | None, int | None]:
    """Return price and leader that these offers, in their order, come to under the rules of a lot."""
    lot = Lot(rules, 0)
    lot._decide_anew(list(offers))
    return lot.price, lot.leader


def _below(buy_now: int | None, offer: Offer) -> int:
    """Return what an offer may cost: a maximum stays below a buy-now price, which only a plain bid takes."""
    return offer.amount if buy_now is None or not offer.is_maximum else min(offer.amount, buy_now - 1)


def _refused(
    offer: Offer, maximum: int, minimum: int, reference: int, cap: int | None, confirmed: bool
) -> Decision | None:
    if maximum < minimum:
        return Decision("too_low", minimum=minimum)
    if not confirmed and (offer.amount > 10 * reference or (cap is not None and offer.amount > cap)):
        return Decision("too_high", minimum=minimum)
    return None


@dataclass(frozen=True, slots=True)
class Bidder:
    """What decides whether somebody may bid. `barred` marks those who work for the auction."""

    status: str = "approved"
    limit: int | None = None
    barred: bool = False


@dataclass(frozen=True, slots=True)
class Pending:
    """A lot that takes pre-bids."""

    opening: int
    buy_now: int | None = None
    cap: int | None = None


@dataclass
class Auction:
    """One show: what spans its lots. Every action returns a decision whose events advanced `v` by one each."""

    status: str = "scheduled"
    v: int = 0
    s: int = 0
    lot: Lot | None = None
    lot_id: int | None = None
    run_id: int | None = None
    bidders: dict[int, Bidder] = field(default_factory=dict)
    pending: dict[int, Pending] = field(default_factory=dict)
    pre_bids: dict[int, dict[int, Offer]] = field(default_factory=dict)
    """By lot and bidder, in the order in which they were given."""
    won: dict[int, int] = field(default_factory=dict)
    answers: dict[tuple[int, str], tuple[Offer, Decision]] = field(default_factory=dict)
    runs: set[int] = field(default_factory=set)
    rostrum: int | None = None
    desk_v: int = 0
    next_lot: int | None = None

    def bid(self, at_ms: int, offer: Offer) -> Decision:
        """Decide a bid, or give again the answer that its id has."""
        known = self.answers.get((offer.registration, offer.bid_id)) if offer.bid_id else None
        if known:
            asked = [(o.amount, o.is_maximum, o.lot) for o in (known[0], offer)]
            return replace(known[1], events=(), repeated=True) if asked[0] == asked[1] else self._said("id_reused")
        if not 0 < offer.amount <= MOST:
            return self._said("bad_amount")
        decision = self._decide(at_ms, offer)
        decision = replace(decision, v=decision.v if decision.code == "ok" else self.v, lot=decision.lot or self.lot_id)
        self._log(decision.events, private=decision.code == "ok" and not decision.events)
        if "LOT_CLOSED" in decision.events:
            self._settle(1)
        if offer.bid_id:
            self.answers[offer.registration, offer.bid_id] = offer, decision
        return decision

    def _decide(self, at_ms: int, offer: Offer) -> Decision:
        if offer.not_after_ms is not None and at_ms > offer.not_after_ms:
            return Decision("expired")
        lot, coming = self.lot, None
        is_current = offer.lot == self.lot_id
        # A lot that is over may be pending again: then a maximum is for its next run.
        is_over = lot is None or not lot.running
        if offer.lot is not None and (not is_current or (is_over and offer.is_maximum)):
            coming = self.pending.get(offer.lot)
        if coming is not None:
            if self.status not in ("live", "scheduled"):
                return Decision("wrong_lot")
            if not offer.is_maximum:
                return Decision("not_open")
        elif offer.lot is not None and not is_current:
            return Decision("wrong_lot")
        elif lot is None or self.status != "live":
            return Decision("not_open")
        elif refusal := lot.refuses(at_ms):
            return refusal
        bidder = self.bidders.get(offer.registration, Bidder("unknown"))
        if bidder.barred or bidder.status != "approved":
            return Decision("own_lot" if bidder.barred else "banned" if bidder.status == "banned" else "not_registered")
        spendable = None if bidder.limit is None else bidder.limit - self._bound(offer, coming is not None)
        confirmed = offer.confirmed_at_ms is not None and at_ms - offer.confirmed_at_ms <= CONFIRMATION_MS
        if coming is not None:
            return self._pre_bid(offer, coming, confirmed, spendable)
        assert lot is not None
        return lot.bid(at_ms, offer, after=(self.v, self.s), confirmed=confirmed, spendable=spendable)

    def _pre_bid(self, offer: Offer, coming: Pending, confirmed: bool, spendable: int | None) -> Decision:
        assert offer.lot is not None
        given = self.pre_bids.setdefault(offer.lot, {})
        before = given[offer.registration].amount if offer.registration in given else 0
        maximum = _below(coming.buy_now, offer)
        minimum = max(coming.opening, before + 1)
        refusal = _refused(offer, maximum, minimum, coming.opening, coming.cap, confirmed)
        if refusal or (spendable is not None and maximum > spendable):
            return refusal or Decision("over_limit")
        given.pop(offer.registration, None)  # a raised pre-bid is a new, later one
        given[offer.registration] = replace(offer, amount=maximum, place=(self.v, self.s + 1))
        return Decision("ok", (), self.v, offer.lot, offer.amount, maximum, "pre_bid")

    def _bound(self, offer: Offer, coming: bool) -> int:
        """Return what a bidder may have to pay elsewhere: lots won, other pre-bids, and the lot led meanwhile."""
        who, lot = offer.registration, self.lot
        bound = self.won.get(who, 0) + sum(
            given[who].amount
            for lot_id, given in self.pre_bids.items()
            if lot_id in self.pending and lot_id != offer.lot and who in given
        )
        return bound + (lot.maximum or 0 if coming and lot and lot.running and lot.leader == who else 0)

    def go_live(self, next_lot: int | None = None) -> Decision:
        """Begin the show."""
        if self.status != "scheduled":
            return self._said("ok" if self.status == "live" else "not_scheduled")
        self.status, self.next_lot = "live", next_lot
        return self._log(("AUCTION_LIVE", "LOT_NEXT"))

    def open(
        self,
        at_ms: int,
        lot_id: int,
        run_id: int,
        rules: Rules,
        actor: int | None = None,
        seen_v: int | None = None,
    ) -> Decision:
        """Open a lot; the one before it becomes final."""
        running = self.lot is not None and self.lot.running
        if running and self.run_id == run_id:
            return self._said("ok")
        if self.status != "live" or running:
            return self._said("lot_open" if self.status == "live" else "not_live")
        if seen_v is not None and seen_v < self.desk_v:
            return self._said("stale")
        if self._wrong_hands(actor) or run_id in self.runs:
            return self._said("not_on_rostrum" if self._wrong_hands(actor) else "already_closed")
        self.runs.add(run_id)
        self.pending.pop(lot_id, None)
        offers = [
            offer
            for who, offer in self.pre_bids.pop(lot_id, {}).items()
            if self.bidders[who].status == "approved" and not self.bidders[who].barred
        ]
        self.lot = Lot(rules, at_ms, pre_bids=offers, v=self.v + 1)
        self.lot_id, self.run_id, self.next_lot, self.desk_v = lot_id, run_id, None, self.v + 1
        return self._log(("LOT_OPENED",))

    def close_by_time(self, at_ms: int, lot_id: int, next_lot: int | None = None) -> Decision:
        """Close the lot whose end has passed; harmless before and after."""
        if self.lot is None or lot_id != self.lot_id:
            return self._said("wrong_lot")
        return self._closed(self.lot.close(at_ms), next_lot)

    def desk(
        self,
        at_ms: int,
        command: str,
        lot_id: int,
        *,
        seen_v: int | None = None,
        actor: int | None = None,
        added_ms: int = 0,
        registration: int = 0,
        place: tuple[int, int] | None = None,
        next_lot: int | None = None,
    ) -> Decision:
        """Carry out a command of the host: pause, resume, extend, warn, void, hammer, withdraw, reopen or waive.

        To waive the reserve is to reopen the lot without it.
        """
        lot, closes = self.lot, command in ("hammer", "withdraw")
        wrong = lot is None or lot_id != self.lot_id
        if closes and (wrong or lot is None or not lot.running):
            return self._said("wrong_lot" if wrong else "already_closed")
        if self.status != "live" or wrong or lot is None:
            return self._said("wrong_lot" if self.status == "live" else "not_live")
        if seen_v is not None and seen_v < self.desk_v:
            return self._said("stale")
        if self._wrong_hands(actor):
            return self._said("not_on_rostrum")
        sold_before = lot.result == "sold"
        match command:
            case "hammer" | "withdraw":
                return self._closed(lot.close(at_ms, "hammer" if command == "hammer" else "withdrawn"), next_lot)
            case "pause":
                code, events = lot.pause(at_ms), ("LOT_PAUSED",)
            case "resume":
                code, events = lot.resume(at_ms), ("LOT_RESUMED",)
            case "extend":
                code, events = lot.extend(at_ms, added_ms), ("LOT_EXTENDED",)
            case "warn":
                code, events = lot.warn(at_ms), ("FAIR_WARNING",)
            case "void":
                code, events = lot.void(registration, place, v=self.v), ("BID_VOIDED",)
            case _:
                code, events = lot.reopen(at_ms, without_reserve=command == "waive"), ("LOT_REOPENED",)
        if code != "ok":
            return self._said(code)
        self.desk_v = self.v + 1
        if command in ("reopen", "waive"):
            self.next_lot = None
            if sold_before:
                self._settle(-1)
            return self._log(("LOT_REOPENED", "LOT_NEXT"))
        return self._log(events)

    def announce_next(self, next_lot: int | None) -> Decision:
        """Say which lot comes next, where that changed."""
        if self.status != "live" or next_lot == self.next_lot:
            return self._said("ok" if self.status == "live" else "not_live")
        self.next_lot = next_lot
        return self._log(("LOT_NEXT",))

    def take_rostrum(self, actor: int) -> Decision:
        """Put one person on the rostrum."""
        if self.status != "live":
            return self._said("not_live")
        self._log((), private=self.rostrum != actor)
        self.rostrum = actor
        return self._said("ok")

    def end(self) -> Decision:
        """End the show."""
        if self.status != "live" or (self.lot and self.lot.running):
            return self._said({"live": "lot_open", "ended": "ok"}.get(self.status, "not_live"))
        self.status, self.next_lot = "ended", None
        return self._log(("AUCTION_ENDED",))

    def cancel(self, at_ms: int) -> Decision:
        """Call the show off; an open lot is withdrawn."""
        if self.status in ("cancelled", "ended"):
            return self._said("ok" if self.status == "cancelled" else "over")
        withdrawn = self.lot is not None and self.lot.close(at_ms, "cancelled") == "ok"
        self.status, self.next_lot = "cancelled", None
        return self._log((*(("LOT_CLOSED",) if withdrawn else ()), "AUCTION_CANCELLED"))

    def _closed(self, code: str, next_lot: int | None) -> Decision:
        if code not in ("ok", "outage"):
            return self._said(code)
        self.desk_v = self.v + 1
        if code == "outage":
            return self._log(("LOT_EXTENDED",))
        self._settle(1)
        self.next_lot = next_lot
        return self._log(("LOT_CLOSED", "LOT_NEXT"))

    def _settle(self, sign: int) -> None:
        lot = self.lot
        if lot and lot.leader is not None and lot.price is not None and (lot.result == "sold" or sign < 0):
            self.won[lot.leader] = self.won.get(lot.leader, 0) + sign * lot.price

    def _wrong_hands(self, actor: int | None) -> bool:
        return actor is not None and self.rostrum is not None and actor != self.rostrum

    def _said(self, code: str) -> Decision:
        return Decision(code, v=self.v)

    def _log(self, events: tuple[str, ...], *, private: bool = False) -> Decision:
        if events:
            self.v, self.s = self.v + len(events), 0
        self.s += private
        return Decision("ok", events, v=self.v)
