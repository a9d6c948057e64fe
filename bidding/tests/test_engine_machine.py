"""Drives the real engine on the real Redis beside the reference model, step by step, with every rule.

`ENGINE_STEPS` says how many steps (20,000; a million for `make soak-engine`), `ENGINE_SEED` repeats a failed batch.
The auction's clock is its state's own `time`, which never goes backwards: the machine sets it to a time that is to
come, so every decision has a time that is known beforehand and a failing run is the same when it is run again.
"""

import copy
import json
import os
import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import hypothesis
import pytest
import redis
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from bidding import reference
from bidding.engine import calls
from bidding.engine.keys import AuctionKeys
from bidding.engine.outcomes import BidAccepted, BidRejected, Done, Entry, NotDone
from bidding.engine.runner import run
from bidding.reference import Bidder, Decision, Offer, Pending, Rules
from bidding.tests.proving import stored, without_sync

STEPS = int(os.environ.get("ENGINE_STEPS", "20000"))
SEED = os.environ.get("ENGINE_SEED")
WANTED_STEPS = 20_000
"""From so many steps on, every situation of `WANTED` must have come up."""
STEPS_A_RUN = 250
RUNS_A_SEED = 30
AUCTION = 4
LOTS = (7, 8, 9)
PEOPLE = (1, 2, 3, 4)
HOSTS = (50, 51)
STRANGER = 99
LATER_MS = 30 * 86_400_000

people = st.sampled_from(PEOPLE)
lots = st.sampled_from(LOTS)
actors = st.sampled_from((None, None, *HOSTS))
mostly = st.integers(0, 3)
deltas = st.sampled_from((-1, 0, 0, 1, 499, 500, 700, 3_000))
rules = st.builds(
    Rules,
    opening=st.sampled_from((1, 1_000, 2_000)),
    increments=st.sampled_from((((0, 500), (10_000, 1_000)), ((0, 1),), ((0, 50), (1_000, 100), (3_000, 2_000)))),
    reserve=st.sampled_from((None, None, 3_000, 6_000)),
    buy_now=st.sampled_from((None, 8_000, 20_000)),
    cap=st.sampled_from((None, None, 7_000, 30_000)),
    duration_ms=st.sampled_from((20_000, 60_000)),
    window_ms=st.sampled_from((0, 10_000, 30_000)),
    extension_ms=st.sampled_from((5_000, 10_000, 30_000)),
    extension_mode=st.sampled_from(("add", "reset")),
    extension_cap=st.sampled_from((0, 1, 2, 20)),
)


WANTED = frozenset(
    f"{act}: {what}"
    for act, situations in {
        "bid": """leading, outbid, pre_bid, repeated, id_reused, bad_amount, expired, in its time, wrong_lot, not_open,
            paused, too_late, own_lot, banned, not_registered, already_leading, too_low, too_high, over_limit,
            within the limit, a jump is confirmed, the confirmation is too old, a maximum stays below buy-now,
            buy-now goes, buys now, a raise stays private, a raise lifts the price to the reserve,
            a maximum lifts the price to the reserve, of equal maxima the earlier leads, a maximum is beaten,
            answers the warning, extends by add, extends by reset, a reset never shortens, after the last extension,
            sudden death""",
        "open": """ok, lot_open, stale, already_closed, not_live, not_on_rostrum, resolves pre-bids,
            of equal pre-bids the earlier leads, a pre-bid lifts the price to the reserve,
            drops who may not bid any more, drops what is below the opening""",
        "desk": "wrong_lot, stale, not_on_rostrum, not_live",
        "pause": "ok, too_late, not_open, takes the warning back",
        "resume": "ok, not_paused, with what was left, with the window",
        "extend": "ok, too_late, not_open, takes the warning back",
        "warn": "ok, too_late, moves the end, leaves the end",
        "hammer": "ok, no_fair_warning, too_early, already_closed",
        "withdraw": "ok",
        "void": """ok, not_open, no_such_bid, another leads, the leader's earlier offer, of one that was outbid,
            nobody is left, while paused, takes the warning back, a pre-bid, a raised maximum, unseen,
            price and leader stay, what a maximum was raised from, with answers to later bids,
            who leads is shown at a price that nobody had bid""",
        "reopen": "ok, not_closed, time, hammer, no_bids, reserve_not_met, buy_now, withdrawn",
        "waive": "ok, not_closed, of a reserve",
        "time": "ok, not_due, already_closed, wrong_lot, outage",
        "closed": "time, no_bids, reserve_not_met",
        "rostrum": "ok, not_live",
        "again": "ok, refused, pre_bid",
        "end": "ok, lot_open",
        "cancel": "ok, LOT_CLOSED",
    }.items()
    for what in " ".join(situations.split()).split(", ")
)
"""The situations that the rules speak of. A machine that never gets into one proves nothing of it."""


class View:
    """What a page knows of the lot from the events alone."""

    def __init__(self) -> None:
        self.v = 0
        self.status = "scheduled"
        self.lot: dict[str, Any] | None = None
        self.next: Any = None
        self.recent: list[Any] = []

    def hear(self, event: dict[str, Any]) -> None:
        """Take in the next event of the room."""
        assert event["v"] == self.v + 1, f"a gap after {self.v}: {event}"
        self.v = event["v"]
        lot: dict[str, Any] = self.lot or {}
        match event["type"]:
            case "AUCTION_LIVE":
                self.status = "live"
            case "AUCTION_ENDED" | "AUCTION_CANCELLED":
                self.status, self.next = event["type"].removeprefix("AUCTION_").lower(), None
            case "LOT_NEXT":
                self.next = event["next"]
            case "LOT_OPENED":
                self.lot, self.recent, self.next = event["lot"], event["recent_bids"], None
            case "HIGHEST_BID":
                changed = ("current_amount", "minimum_amount", "buy_now_amount", "leader", "bid_count", "reserve_met")
                lot.update({name: event[name] for name in (*changed, "ends_at_ms")})
                self.recent = [*reversed(event["bids"]), *self.recent]
            case "LOT_EXTENDED":
                lot.update(ends_at_ms=event["ends_at_ms"], extensions=event["extensions"])
            case "LOT_PAUSED":
                lot.update(status="paused", ends_at_ms=None, remaining_ms=event["remaining_ms"])
                lot.update(pause_reason=event["reason"])
            case "LOT_RESUMED":
                lot.update(status="open", ends_at_ms=event["ends_at_ms"], remaining_ms=None, pause_reason=None)
            case "FAIR_WARNING":
                lot.update(ends_at_ms=event["ends_at_ms"])
            case "BID_VOIDED":
                shown = ("current_amount", "minimum_amount", "leader", "bid_count", "reserve_met")
                before = dict(lot)
                lot.update({name: event[name] for name in shown})
                stays = event["leader"] is not None and event["leader"] == before["leader"]
                stays = stays and event["paddle"] in (None, event["leader"]["paddle"])
                assert event["bid_count"] <= before["bid_count"] + stays
                assert stays or float(event["current_amount"] or 0) <= float(before["current_amount"])
                self.recent = event["recent_bids"]
            case "LOT_CLOSED":
                lot.update(status=event["result"], **{name: event[name] for name in ("result", "reason", "winner")})
                lot.update(pause_reason=None)
            case "LOT_REOPENED":
                lot.update(status="open", result=None, reason=None, winner=None, remaining_ms=None)
                lot.update(ends_at_ms=event["ends_at_ms"])
                if event["reason"] == "reserve_waived":
                    lot.update(has_reserve=False, reserve_met=True)
            case kind:
                raise AssertionError(f"an event that no page knows: {kind}")


class EngineMachine(RuleBasedStateMachine):
    """One show on the engine and in the model; every rule acts on both and compares all that can be seen."""

    client: redis.Redis
    steps = 0
    met: Counter[str] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.keys = AuctionKeys(AUCTION)
        self.model = reference.Auction()
        self.view = View()
        self.runs = 100
        self.ids = 0
        self.logged: list[tuple[int, int]] = []
        self.asked: list[tuple[Offer, Any]] = []
        self.agreed = True
        self.client.flushall()
        seconds, _ = self.client.time()
        self.now = seconds * 1000 + LATER_MS
        run(self.client, calls.schedule(AUCTION, epoch="e1", exponent=2))
        self.client.hset(self.keys.state, "time", self.now)

    # --- Beginning -------------------------------------------------------------------------------

    @initialize(
        live=st.sampled_from((True, True, True, False)), rules=rules, spare=st.lists(rules, min_size=3, max_size=3)
    )
    def begin(self, live: bool, rules: Rules, spare: list[Rules]) -> None:
        """Register everybody, announce two lots and open one."""
        self.spare = spare
        for who in PEOPLE:
            self._register(who, Bidder())
        self._register(HOSTS[0], Bidder(barred=True))
        for lot in LOTS[1:]:
            self._announce(lot, Pending(1_000))
        if live:
            self._live()
            self._open(LOTS[0], rules, None)

    def _live(self) -> None:
        done = run(self.client, calls.go_live(AUCTION, next_lot=None))
        self._agree(done, self.model.go_live())

    def _make_room(self) -> None:
        """Withdraw the lot that runs, so that another can open."""
        if self.model.lot is not None and self.model.lot.running:
            self._desk("withdraw", self.model.lot_id or 0, None, self.model.rostrum)

    def _keep_going(self, anyway: int) -> None:
        """Mostly see to it that a lot takes bids: close what has run out, resume what waits, open the next."""
        lot = self.model.lot
        if not anyway or lot is None or self.model.status != "live":
            return
        if lot.status == "paused":
            self._desk("resume", self.model.lot_id or 0, None, self.model.rostrum)
        if lot.status == "open" and lot.ends_at_ms is not None and self.now >= lot.ends_at_ms:
            self._close(self.model.lot_id or 0)
        if not lot.running:
            waiting = max(LOTS, key=lambda lot_id: len(self.model.pre_bids.get(lot_id, {})))
            self._open(waiting, self.spare[self.runs % len(self.spare)], self.model.rostrum)

    # --- Bids ------------------------------------------------------------------------------------

    @rule(who=people, anchor=st.sampled_from(("minimum", "minimum", "maximum", "price")), delta=deltas, go_on=mostly)
    def bid(self, who: int, anchor: str, delta: int, go_on: int) -> None:
        """Bid near the minimum, the leader's maximum or the price."""
        self._keep_going(go_on)
        self._bid(Offer(who, self._amount(anchor, delta)))

    @rule(who=people, anchor=st.sampled_from(("minimum", "maximum", "reserve", "buy_now")), delta=deltas, go_on=mostly)
    def bid_up_to(self, who: int, anchor: str, delta: int, go_on: int) -> None:
        """Give a maximum."""
        self._keep_going(go_on)
        self._bid(Offer(who, self._amount(anchor, delta), is_maximum=True))

    @rule(who=st.permutations(PEOPLE), above=st.sampled_from((0, 500, 2_000)), maximum=st.booleans(), go_on=mostly)
    def tie(self, who: list[int], above: int, maximum: bool, go_on: int) -> None:
        """Let two offer the same."""
        self._keep_going(go_on)
        amount = self._amount("minimum", above)
        self._bid(Offer(who[0], amount, is_maximum=True))
        self._bid(Offer(who[1], amount, is_maximum=maximum))

    @rule(who=people, maximum=st.booleans(), go_on=mostly)
    def bid_twice(self, who: int, maximum: bool, go_on: int) -> None:
        """Send the same bid twice, and a moment later once more."""
        self._keep_going(go_on)
        self.ids += 1
        # Beyond the greatest amount nothing is decided, so nothing is remembered.
        amount = min(self._amount("minimum", 0), 10**13)
        offer = Offer(who, amount, maximum, bid_id=f"t{self.ids}")
        first = self._bid(offer)
        assert self._bid(offer) == first
        self._set_time(self.now + 1)
        assert self._bid(offer) == first

    @rule(
        who=st.permutations(PEOPLE),
        amounts=st.lists(st.sampled_from((1_000, 3_000, 4_000, 5_000)), min_size=3, max_size=5),
        banned=st.booleans(),
        over=mostly,
    )
    def gather_pre_bids(self, who: list[int], amounts: list[int], banned: bool, over: int) -> None:
        """Let several pre-bid on one lot, ban one of them perhaps, and open it."""
        if not self.model.pending:
            return
        lot = min(self.model.pending)
        for turn, amount in enumerate(amounts):
            self._bid(Offer(who[turn % 3], amount, is_maximum=True, lot=lot))
        if banned:
            self._register(who[0], Bidder("banned"))
        if over:
            self._make_room()
        self._open(lot, self.spare[self.runs % len(self.spare)], self.model.rostrum)

    @rule(
        who=st.permutations(PEOPLE),
        rules=rules,
        reserve=st.sampled_from((None, 6_000)),
        delta=st.sampled_from((-1, 0, 0, 500)),
        maximum=st.sampled_from((False, False, True)),
        after=st.sampled_from((None, None, 1_000, 6_000)),
        back=st.booleans(),
    )
    def buy_now(
        self,
        who: list[int],
        rules: Rules,
        reserve: int | None,
        delta: int,
        maximum: bool,
        after: int | None,
        back: bool,
    ) -> None:
        """Open a lot that can be bought at once, and offer that; perhaps somebody bid before, and it is taken back."""
        self._make_room()
        self._open(LOTS[0], replace(rules, buy_now=8_000, reserve=reserve), self.model.rostrum)
        if after is not None:
            self._bid(Offer(who[1], after, confirmed_at_ms=self.now))
        self._bid(Offer(who[0], 8_000 + delta, maximum, confirmed_at_ms=self.now))
        if back:
            self._desk("reopen", LOTS[0], None, self.model.rostrum)

    @rule(who=people, used=st.sampled_from((0, 1)), maximum=st.booleans(), lot=st.sampled_from((None, None, *LOTS)))
    def bid_to_the_limit(self, who: int, used: int, maximum: bool, lot: int | None) -> None:
        """Offer the last cent that a limit leaves, or one more."""
        spendable = 5_000
        offer = Offer(who, 1, maximum or lot is not None, lot=lot, confirmed_at_ms=self.now)
        bound = self.model._bound(offer, lot not in (None, self.model.lot_id))
        self._register(who, Bidder("approved", bound + spendable))
        self._bid(replace(offer, amount=spendable + used))

    @precondition(lambda self: self.model.lot is not None and self.model.lot.leader is not None)
    @rule(delta=deltas, maximum=st.sampled_from((True, True, False)), anchor=st.sampled_from(("maximum", "reserve")))
    def leader_bids_again(self, delta: int, maximum: bool, anchor: str) -> None:
        """Raise one's own maximum, or bid against oneself."""
        assert self.model.lot is not None
        assert self.model.lot.leader is not None
        self._bid(Offer(self.model.lot.leader, self._amount(anchor, delta), maximum))

    @rule(
        who=st.sampled_from((*PEOPLE, HOSTS[0], STRANGER)),
        anchor=st.sampled_from(("buy_now", "cap", "jump", "limit", "any")),
        delta=deltas,
        amount=st.sampled_from((0, 1, 10**13, 10**13 + 1, 12_345_678)),
        maximum=st.booleans(),
        waited=st.sampled_from((None, 0, 60_000, 60_001)),
    )
    def bid_far(self, who: int, anchor: str, delta: int, amount: int, maximum: bool, waited: int | None) -> None:
        """Bid at an edge: buy-now, cap, ten times the price, one's limit; confirmed in time, too late or not."""
        amount = amount if anchor == "any" else self._amount(anchor, delta, who)
        self._bid(Offer(who, amount, maximum, confirmed_at_ms=None if waited is None else self.now - waited))

    @rule(who=people, lot=lots, maximum=st.booleans(), left=st.sampled_from((None, -1, 0, 1_000)), delta=deltas)
    def bid_on_a_named_lot(self, who: int, lot: int, maximum: bool, left: int | None, delta: int) -> None:
        """Name the lot, and say until when the bid may count."""
        until = None if left is None else self.now + left
        self._bid(Offer(who, self._amount("minimum", delta), maximum, lot=lot, not_after_ms=until))

    @precondition(lambda self: self.model.pending)
    @rule(who=people, lot=lots, anchor=st.sampled_from(("own", "opening", "any", "buy_now")), delta=deltas)
    def pre_bid(self, who: int, lot: int, anchor: str, delta: int) -> None:
        """Give a maximum on a lot that is to come."""
        pending = self.model.pending.get(lot, Pending(1_000))
        own = self.model.pre_bids.get(lot, {}).get(who)
        base = {
            "own": own.amount if own else 1_000,
            "opening": pending.opening,
            "any": 4_000,
            "buy_now": pending.buy_now or 8_000,
        }[anchor]
        self._bid(Offer(who, max(base + delta, 1), is_maximum=True, lot=lot))

    @precondition(lambda self: self.asked)
    @rule(data=st.data(), change=st.sampled_from(("", "", "amount", "kind", "lot", "who")))
    def repeat(self, data: st.DataObject, change: str) -> None:
        """Send an earlier bid again: as it was, or with something else under the same id."""
        offer, answer = self.asked[-1 - data.draw(st.integers(0, min(len(self.asked) - 1, 8)))]
        other = replace(
            offer,
            amount=offer.amount + (change == "amount"),
            is_maximum=offer.is_maximum != (change == "kind"),
            lot=LOTS[0] if change == "lot" and offer.lot is None else offer.lot,
            registration=offer.registration % 4 + 1 if change == "who" else offer.registration,
        )
        repeated = self._bid(other)
        if other == offer:
            assert repeated == answer

    def _bid(self, offer: Offer) -> Any:
        if not offer.bid_id:
            self.ids += 1
            offer = replace(offer, bid_id=f"b{self.ids}" if self.ids % 4 else "")
        amount = offer.amount if offer.amount else 0
        self.agreed = False
        decided = run(
            self.client,
            calls.place_bid(
                AUCTION,
                calls.BidOffer(
                    offer.registration,
                    amount,
                    offer.is_maximum,
                    offer.lot,
                    offer.bid_id,
                    offer.not_after_ms,
                    offer.confirmed_at_ms,
                ),
            ),
        )
        before = copy.copy(self.model.lot)
        expected = self.model.bid(self.now, offer)
        self._note(*self._met_by_a_bid(before, offer, expected))
        if expected.standing == "pre_bid" and offer.lot == self.model.lot_id and not expected.repeated:
            self._note("again: pre_bid")
        answer = decided.answer
        assert decided.repeated == (expected.repeated or expected.code == "id_reused"), (answer, expected)
        if isinstance(answer, BidRejected):
            assert (answer.code, answer.v, answer.minimum, answer.late_ms) == (
                expected.code,
                expected.v,
                expected.minimum,
                expected.late_ms,
            ), (offer, answer, expected)
        else:
            assert isinstance(answer, BidAccepted)
            seen = (answer.v, answer.lot_id, answer.amount, answer.maximum, answer.standing.value, answer.ends_at_ms)
            assert (expected.code, *seen) == (
                "ok",
                expected.v,
                expected.lot,
                expected.amount,
                expected.maximum,
                expected.standing,
                expected.ends_at_ms,
            ), (offer, answer, expected)
        if not decided.repeated:
            assert answer.at_ms == self.now
            if offer.bid_id and answer.code != "bad_amount" if isinstance(answer, BidRejected) else offer.bid_id:
                self.asked.append((offer, answer))
        self._hear(decided.entries, expected)
        if expected.history and not expected.repeated:
            shown = json.loads(decided.entries[0].text)["bids"]
            assert [(bid["paddle"] - 100, bid["amount"], bid["automatic"]) for bid in shown] == [
                (bid.registration, money(bid.amount), bid.automatic) for bid in expected.history
            ]
        if offer.bid_id:
            known = self.model.answers.get((offer.registration, offer.bid_id))
            status = run(
                self.client, calls.bid_status(AUCTION, registration_id=offer.registration, bid_id=offer.bid_id)
            )
            assert (status is None) == (known is None), (offer, status, known)
            assert status is None or expected.code == "id_reused" or status.answer == answer, (status, answer)
        self._look(offer.registration)
        return answer

    def _amount(self, anchor: str, delta: int, who: int = 0) -> int:
        lot = self.model.lot
        if lot is None:
            return 1_000 + delta
        limit = self.model.bidders[who].limit if who in self.model.bidders else None
        anchors = {
            "minimum": lot.minimum,
            "price": lot.price or lot.rules.opening,
            "maximum": lot.maximum or lot.minimum,
            "reserve": lot.rules.reserve or lot.minimum,
            "buy_now": lot.buy_now or lot.rules.buy_now or 5_000,
            "cap": lot.rules.cap or lot.minimum,
            "jump": 10 * (lot.price or lot.rules.opening),
            "limit": limit or lot.minimum,
        }
        return max(anchors[anchor] + delta, 0)

    # --- The host --------------------------------------------------------------------------------

    @precondition(lambda self: self.model.lot is not None)
    @rule(
        command=st.sampled_from(("pause", "extend", "warn", "resume", "hammer", "withdraw", "reopen")),
        lot=st.sampled_from((None, None, None, *LOTS)),
        behind=st.sampled_from((None, 0, 1)),
        actor=actors,
        rarely=st.integers(0, 7),
    )
    def desk(self, command: str, lot: int | None, behind: int | None, actor: int | None, rarely: int) -> None:
        """Command what may be out of place: wrong lot, old picture, not on the rostrum, wrong state."""
        if command == "withdraw" and rarely:
            command = "pause"
        seen = None if behind is None else self.model.desk_v - behind
        self._desk(command, lot or self.model.lot_id or 0, seen, actor)

    @precondition(lambda self: self.model.lot is not None and self.model.lot.status == "paused")
    @rule()
    def resume(self) -> None:
        """Let a paused lot run on."""
        self._desk("resume", self.model.lot_id or 0, None, None)

    @precondition(lambda self: self.model.lot is not None and self.model.lot.status == "open")
    @rule(who=st.permutations(PEOPLE), waits=st.sampled_from((9_999, 10_000)), answered=st.booleans())
    def warn_and_hammer(self, who: list[int], waits: int, answered: bool) -> None:
        """Warn, let somebody answer perhaps, and let the hammer fall."""
        self._desk("warn", self.model.lot_id or 0, None, self.model.rostrum)
        if answered:
            self._bid(Offer(who[0], self._amount("minimum", 0)))
            self._bid(Offer(who[1], self._amount("minimum", 0)))
        self._set_time(self.now + waits)
        self._desk("hammer", self.model.lot_id or 0, None, self.model.rostrum)

    @precondition(lambda self: self.model.lot is not None and self.model.lot.status == "open")
    @rule(command=st.sampled_from(("pause", "warn", "warn", "extend")))
    def command(self, command: str) -> None:
        """Command what is in place."""
        self._desk(command, self.model.lot_id or 0, None, self.model.rostrum)

    @precondition(lambda self: self.model.lot is not None and self.model.lot.hammer_at_ms is not None)
    @rule(early=st.sampled_from((0, 1)))
    def hammer(self, early: int) -> None:
        """Let the hammer fall when the warning has been heard, or a millisecond before."""
        assert self.model.lot is not None
        self._set_time((self.model.lot.hammer_at_ms or 0) - early)
        self._desk("hammer", self.model.lot_id or 0, None, None)

    @precondition(lambda self: self.model.lot is not None)
    @rule(running=st.booleans(), command=st.sampled_from(("reopen", "reopen", "waive")))
    def reopen(self, running: bool, command: str) -> None:
        """Take a result back, also that of a lot that was only just withdrawn, or waive its reserve."""
        if not running:
            self._make_room()
        self._desk(command, self.model.lot_id or 0, None, None)

    @precondition(lambda self: self.model.lot is not None and self.model.lot.offers)
    @rule(
        back=st.integers(0, 5),
        named=st.sampled_from((True, True, False)),
        whose=st.sampled_from(("own", "own", "own", "another's", "gone")),
    )
    def void(self, back: int, named: bool, whose: str) -> None:
        """Take one of the offers back, or the latest of its bidder; also one that was taken back already."""
        assert self.model.lot is not None
        offers = self.model.lot.offers
        offer = offers[-1 - back % len(offers)]
        given = {
            "registration": STRANGER if whose == "another's" else offer.registration,
            "place": offer.place if named else None,
        }
        self._desk("void", self.model.lot_id or 0, None, None, **given)
        if whose == "gone" and named:
            self._desk("void", self.model.lot_id or 0, None, None, **given)

    @precondition(lambda self: self.model.lot is not None and self.model.lot.leader is not None)
    @rule(
        who=st.permutations(PEOPLE),
        above=st.sampled_from((500, 2_000)),
        answered=st.sampled_from((None, False, True)),
        back=st.integers(1, 3),
    )
    def raise_and_void(self, who: list[int], above: int, answered: bool | None, back: int) -> None:
        """Let the leader raise their maximum, somebody perhaps bid at the version that it shares, and take one back."""
        lot = self.model.lot
        assert lot is not None
        assert lot.leader is not None
        self._bid(Offer(lot.leader, self._amount("maximum", above), is_maximum=True))
        if answered is not None:
            self._bid(Offer(who[0], self._amount("minimum", 0), is_maximum=answered))
        offer = lot.offers[-min(back, len(lot.offers))]
        self._desk("void", self.model.lot_id or 0, None, None, registration=offer.registration, place=offer.place)

    def _desk(self, command: str, lot: int, seen_v: int | None, actor: int | None, **given: Any) -> None:
        guard: dict[str, Any] = {"lot_id": lot, "seen_v": seen_v, "actor": actor}
        builders: dict[str, Callable[[], Any]] = {
            "pause": lambda: calls.pause_lot(AUCTION, reason="camera", **guard),
            "resume": lambda: calls.resume_lot(AUCTION, **guard),
            "extend": lambda: calls.extend_lot(AUCTION, added_ms=15_000, **guard),
            "warn": lambda: calls.fair_warning(AUCTION, **guard),
            "hammer": lambda: calls.close_lot(AUCTION, reason="hammer", next_lot=None, **guard),
            "withdraw": lambda: calls.close_lot(AUCTION, reason="withdrawn", next_lot=None, **guard),
            "reopen": lambda: calls.reopen_lot(AUCTION, reason="mistake", **guard),
            "waive": lambda: calls.reopen_lot(AUCTION, reason="reserve_waived", **guard),
            "void": lambda: calls.void_bid(
                AUCTION, reason="mistake", registration_id=given["registration"], place=given["place"], **guard
            ),
        }
        if command == "extend":
            given = {"added_ms": 15_000}
        done = run(self.client, builders[command]())
        before = copy.copy(self.model.lot)
        expected = self.model.desk(self.now, command, lot, seen_v=seen_v, actor=actor, **given)
        self._note(f"desk: {expected.code}", f"{command}: {expected.code}")
        self._note(*self._met_by_a_command(before, command, expected, **given))
        self._agree(done, expected)

    @rule(actor=st.sampled_from(HOSTS), rarely=st.integers(0, 5))
    def take_rostrum(self, actor: int, rarely: int) -> None:
        """Take the rostrum over."""
        if rarely:
            return
        expected = self.model.take_rostrum(actor)
        self._note(f"rostrum: {expected.code}")
        self._agree(run(self.client, calls.take_rostrum(AUCTION, actor=actor)), expected)

    @rule(lot=st.sampled_from((None, *LOTS)))
    def announce_next(self, lot: int | None) -> None:
        """Say which lot comes next."""
        info = None if lot is None else calls.NextLotInfo(lot, str(lot), "A chair", None, None)
        done = run(self.client, calls.set_next_lot(AUCTION, next_lot=info))
        self._agree(done, self.model.announce_next(lot))

    # --- What the database tells the floor -------------------------------------------------------

    @rule(
        who=people,
        status=st.sampled_from(("approved", "approved", "approved", "banned", "pending")),
        limit=st.sampled_from((None, None, 5_000, 9_000)),
    )
    def register(self, who: int, status: str, limit: int | None) -> None:
        """Change a bidder's status or limit."""
        self._register(who, Bidder(status, limit))

    def _register(self, who: int, bidder: Bidder) -> None:
        self.model.bidders[who] = bidder
        call = calls.set_registration(
            AUCTION,
            registration_id=who,
            paddle=100 + who,
            status=bidder.status,
            spending_limit=bidder.limit,
            barred=bidder.barred,
        )
        assert isinstance(run(self.client, call), Done)

    @rule(
        lot=lots,
        opening=st.sampled_from((1, 1_000, 2_000)),
        buy_now=st.sampled_from((None, 8_000)),
        cap=st.sampled_from((None, 7_000)),
        gone=st.sampled_from((False, False, False, True)),
    )
    def announce(self, lot: int, opening: int, buy_now: int | None, cap: int | None, gone: bool) -> None:
        """Offer a lot for pre-bids, change it, or take it out."""
        self._announce(lot, None if gone else Pending(opening, buy_now, cap))

    @precondition(lambda self: self.model.lot is not None and not self.model.lot.running)
    @rule(opening=st.sampled_from((500, 1_000)), stale=st.sampled_from((False, False, True)))
    def offer_again(self, opening: int, stale: bool) -> None:
        """Offer the lot again that is over, or one whose run is another than its caller knows."""
        assert self.model.lot_id is not None
        assert self.model.run_id is not None
        self._announce(self.model.lot_id, Pending(opening), over_run_id=self.model.run_id - stale)
        self._note(f"again: {'refused' if stale else 'ok'}")

    def _announce(self, lot: int, pending: Pending | None, over_run_id: int | None = None) -> None:
        self.model.pending.pop(lot, None)
        if pending:
            is_over = self.model.lot is not None and not self.model.lot.running and over_run_id == self.model.run_id
            if lot != self.model.lot_id or is_over:  # the current lot takes no pre-bids, unless it is offered again
                self.model.pending[lot] = pending
            call = calls.set_lot(
                AUCTION,
                lot_id=lot,
                opening=pending.opening,
                buy_now=pending.buy_now,
                cap=pending.cap,
                over_run_id=over_run_id,
            )
        else:
            call = calls.set_lot(AUCTION, lot_id=lot, opening=None)
        assert isinstance(run(self.client, call), Done)

    # --- Lots and time ---------------------------------------------------------------------------

    @precondition(lambda self: self.model.lot is None or not self.model.lot.running)
    @rule(
        lot=lots,
        rules=rules,
        actor=actors,
        again=st.sampled_from((False, False, True)),
        behind=st.sampled_from((None, None, 0, 1)),
    )
    def open_next(self, lot: int, rules: Rules, actor: int | None, again: bool, behind: int | None) -> None:
        """Open the next lot, or a run that was opened before."""
        if again:
            self.runs -= 1
        self._open(lot, rules, actor, None if behind is None else self.model.desk_v - behind)

    @rule(lot=lots, rules=rules, actor=actors, again=st.booleans(), rarely=st.integers(0, 5))
    def open_out_of_place(self, lot: int, rules: Rules, actor: int | None, again: bool, rarely: int) -> None:
        """Open while a lot may be open, or a run that was opened before."""
        if rarely:
            return
        if again:
            self.runs -= 1
        self._open(lot, rules, actor)

    def _open(self, lot: int, rules: Rules, actor: int | None, seen_v: int | None = None) -> None:
        self.runs += 1
        done = run(
            self.client,
            calls.open_lot(
                AUCTION,
                lot_id=lot,
                run_id=self.runs,
                number="12A",
                title='Brass "lamp" é',
                image_url=None,
                rules=stored(rules),
                seen_v=seen_v,
                actor=actor,
            ),
        )
        waiting = self.model.pre_bids.get(lot, {})
        expected = self.model.open(self.now, lot, self.runs, rules, actor, seen_v)
        self._note(f"open: {expected.code}", *self._met_by_an_opening(waiting, expected))
        self._agree(done, expected)

    @precondition(lambda self: self.model.lot is not None)
    @rule(lot=st.sampled_from((None, None, None, None, *LOTS)))
    def close(self, lot: int | None) -> None:
        """Close by time, whether it is due or not."""
        self._close(lot or self.model.lot_id or 0)

    @precondition(lambda self: self.model.lot is not None and self.model.lot.status == "open")
    @rule(seen=st.sampled_from((True, True, True, False)), late=st.sampled_from((-1, 0, 5)))
    def run_out(self, seen: bool, late: int) -> None:
        """Let the lot run out before somebody's eyes, or unseen, and close it."""
        assert self.model.lot is not None
        ends = self.model.lot.ends_at_ms or 0
        if seen:
            self._set_time(ends - 5_000)
            self.pulse()
        self._set_time(ends + late)
        self._close(self.model.lot_id or 0)

    def _close(self, lot: int) -> None:
        done = run(self.client, calls.close_lot(AUCTION, lot_id=lot, reason="time", next_lot=None))
        expected = self.model.close_by_time(self.now, lot)
        told = "outage" if "LOT_EXTENDED" in expected.events else expected.code
        self._note(
            f"time: {told}",
            *([f"closed: {self.model.lot.reason}"] if "LOT_CLOSED" in expected.events and self.model.lot else []),
        )
        self._agree(done, expected)

    @rule()
    def pulse(self) -> None:
        """Let the clock look at the lot."""
        seen = run(self.client, calls.pulse(AUCTION))
        assert (seen.v, seen.now_ms, seen.status) == (self.model.v, self.now, self.model.status)
        if self.model.lot is not None:
            self.model.lot.seen(self.now)

    @rule(passed=st.sampled_from((1, 100, 3_000, 9_999, 10_000)))
    def wait(self, passed: int) -> None:
        """Let time go by."""
        self._set_time(self.now + passed)

    @precondition(lambda self: self.model.lot is not None and self.model.lot.status == "open")
    @rule(edge=st.sampled_from(("window", "end")), by=st.sampled_from((-1, 0, 1)))
    def wait_until(self, edge: str, by: int) -> None:
        """Go to the edge of the window, or of the lot."""
        assert self.model.lot is not None
        ends = self.model.lot.ends_at_ms or 0
        self._set_time((ends - self.model.lot.rules.window_ms if edge == "window" else ends) + by)

    def _set_time(self, now: int) -> None:
        if now > self.now:
            self.now = now
            self.client.hset(self.keys.state, "time", now)

    @rule(rarely=st.integers(0, 20), how=st.sampled_from(("end", "cancel", "live")), over=st.booleans())
    def end(self, rarely: int, how: str, over: bool) -> None:
        """Begin the show if it waits; now and then end it or call it off."""
        if self.model.status == "scheduled" or how == "live":
            self._live()
        elif how == "end" and (rarely == 20 or (self.model.lot and self.model.lot.running and not over)):
            if over:
                self._make_room()
            expected = self.model.end()
            self._note(f"end: {expected.code}")
            self._agree(run(self.client, calls.end_auction(AUCTION)), expected)
        elif rarely == 20:
            expected = self.model.cancel(self.now)
            self._note(f"cancel: {expected.code}", *(f"cancel: {kind}" for kind in expected.events))
            self._agree(run(self.client, calls.cancel_auction(AUCTION, reason="x")), expected)

    # --- What was met ----------------------------------------------------------------------------

    def _note(self, *situations: str) -> None:
        EngineMachine.met.update(situations)

    def _met_by_a_bid(self, before: reference.Lot | None, offer: Offer, decided: Decision) -> Iterator[str]:
        """Name what a bid met: its answer, and which rules had a say in it."""
        lot, maximum = self.model.lot, offer.is_maximum
        if decided.code != "ok" or decided.repeated:
            yield "bid: repeated" if decided.repeated else f"bid: {decided.code}"
            if decided.code == "too_high" and offer.confirmed_at_ms is not None:
                yield "bid: the confirmation is too old"
            return
        if offer.confirmed_at_ms is None and offer.not_after_ms is not None:
            yield "bid: in its time"
        if self.model.bidders[offer.registration].limit is not None:
            yield "bid: within the limit"
        yield f"bid: {decided.standing}"
        if decided.standing == "pre_bid" or before is None or lot is None:
            return
        rules, taken = lot.rules, lot.offers[-1].maximum
        if offer.amount > 10 * (before.price or rules.opening) or (rules.cap is not None and offer.amount > rules.cap):
            yield "bid: a jump is confirmed"
        if maximum and taken < offer.amount:
            yield "bid: a maximum stays below buy-now"
        if before.buy_now is not None and lot.buy_now is None:
            yield "bid: buy-now goes" if lot.running else "bid: buys now"
        if not decided.events:
            yield "bid: a raise stays private"
            return
        if before.leader == offer.registration:
            yield "bid: a raise lifts the price to the reserve"
        elif maximum and not before.reserve_met and lot.price == rules.reserve:
            yield "bid: a maximum lifts the price to the reserve"
        if lot.leader != offer.registration and taken == before.maximum:
            yield "bid: of equal maxima the earlier leads"
        if lot.leader == offer.registration and len(decided.history) == 2:
            yield "bid: a maximum is beaten"
        if before.hammer_at_ms is not None:
            yield "bid: answers the warning"
        if "LOT_EXTENDED" in decided.events:
            yield f"bid: extends by {rules.extension_mode}"
        elif self.now >= (before.ends_at_ms or 0) - rules.window_ms and lot.running:
            capped = before.extensions_used >= rules.extension_cap
            yield (
                ("bid: after the last extension" if rules.extension_cap else "bid: sudden death")
                if capped
                else ("bid: a reset never shortens")
            )

    def _met_by_a_command(
        self, before: reference.Lot | None, command: str, decided: Decision, **given: Any
    ) -> Iterator[str]:
        """Name what a command of the host met beyond its answer."""
        lot = self.model.lot
        if decided.code != "ok" or before is None or lot is None:
            return
        match command:
            case "void":
                if before.status == "paused":
                    yield "void: while paused"
                if lot.leader is None:
                    yield "void: nobody is left"
                elif before.leader == given["registration"]:
                    yield "void: the leader's earlier offer" if lot.leader == before.leader else "void: another leads"
                else:
                    yield "void: of one that was outbid"
                if before.hammer_at_ms is not None:
                    yield "void: takes the warning back"
                yield from self._met_by_a_void(before, lot)
            case "warn":
                yield "warn: moves the end" if lot.ends_at_ms != before.ends_at_ms else "warn: leaves the end"
            case "resume":
                left = (lot.ends_at_ms or 0) - self.now
                yield "resume: with what was left" if left == before.remaining_ms else "resume: with the window"
            case "pause" | "extend" if before.hammer_at_ms is not None:
                yield f"{command}: takes the warning back"
            case "reopen":
                yield f"reopen: {before.reason}"
            case "waive" if before.rules.reserve is not None:
                yield "waive: of a reserve"

    def _met_by_a_void(self, before: reference.Lot, lot: reference.Lot) -> Iterator[str]:
        """Name what kind of offer went, and what it did to the history."""
        [gone] = set(before.offers) - set(lot.offers)
        if gone.place[1]:
            yield "void: a pre-bid" if gone.place < before._opened else "void: a raised maximum"
        if (lot.price, lot.leader) == (before.price, before.leader):
            yield "void: unseen" if gone.place[1] else "void: price and leader stay"
        if any(offer.place == (gone.place[0], 1) and offer.registration == gone.registration for offer in lot.offers):
            yield "void: what a maximum was raised from"
        if any(bid.v == self.model.v and bid.amount == lot.price for bid in lot.history):
            yield "void: who leads is shown at a price that nobody had bid"
        if any(bid.place == gone.place and (bid.v, 0) != gone.place for bid in before.history):
            yield "void: with answers to later bids"

    def _met_by_an_opening(self, waiting: dict[int, Offer], decided: Decision) -> Iterator[str]:
        """Name what became of the pre-bids."""
        lot = self.model.lot
        if decided.code != "ok" or not decided.events or lot is None:
            return
        may_bid = [offer for who, offer in waiting.items() if self.model.bidders[who].status == "approved"]
        if len(may_bid) < len(waiting):
            yield "open: drops who may not bid any more"
        if any(offer.amount < lot.rules.opening for offer in may_bid):
            yield "open: drops what is below the opening"
        if len(lot.offers) > 1:
            yield "open: resolves pre-bids"
        if len({offer.maximum for offer in lot.offers}) < len(lot.offers):
            yield "open: of equal pre-bids the earlier leads"
        if lot.rules.reserve is not None and lot.price == lot.rules.reserve:
            yield "open: a pre-bid lifts the price to the reserve"

    # --- What is compared ------------------------------------------------------------------------

    def _agree(self, done: Done | NotDone, expected: Decision) -> None:
        self.agreed = False
        code = done.code if isinstance(done, NotDone) else "ok"
        assert (code, done.v, done.now_ms) == (expected.code, expected.v, self.now), (done, expected)
        self._hear(done.entries if isinstance(done, Done) else (), expected)
        if {"LOT_CLOSED", "LOT_REOPENED"} & set(expected.events):
            won: Any = self.client.hgetall(self.keys.won)
            assert {int(who): int(amount) for who, amount in won.items()} == self.model.won
        self._look(self.model.lot.leader if self.model.lot else None)

    def _hear(self, entries: tuple[Entry, ...], expected: Decision) -> None:
        EngineMachine.steps += 1
        heard = [json.loads(entry.text) for entry in entries]
        assert tuple(event["type"] for event in heard) == expected.events, (heard, expected)
        for event in heard:
            self.view.hear(event)
            if event["type"] == "LOT_CLOSED" and self.model.lot is not None:
                assert event["closing_number"] == self.model.lot.closing_number
                sold = self.model.lot.result == "sold"
                assert event["amount"] == (money(self.model.lot.price or 0) if sold else None)
            self.logged.append((event["v"], 0))
        assert self.view.v == self.model.v
        if self.model.s:
            last = (self.model.v, self.model.s)
            if self.logged[-1:] != [last]:
                self.logged.append(last)

    def _look(self, who: int | None) -> None:
        """Compare a fresh snapshot with the model, and with what the events have told."""
        snapshot = run(self.client, calls.snapshot(AUCTION, registration_id=who))
        assert (snapshot.v, snapshot.status, snapshot.now_ms) == (self.model.v, self.model.status, self.now)
        assert self.view.status == snapshot.status
        assert (json.loads(snapshot.next) if snapshot.next else None) == self.view.next
        model = self.model.lot
        if model is None or snapshot.lot is None:
            assert model is None
            assert snapshot.lot is None
            self.agreed = True
            return
        lot = json.loads(snapshot.lot)
        assert lot == self.view.lot
        recent = [json.loads(bid) for bid in snapshot.recent_bids]
        assert recent == self.view.recent[:20]
        assert [(bid["v"], bid["paddle"] - 100, bid["amount"], bid["automatic"]) for bid in recent] == [
            (bid.v, bid.registration, money(bid.amount), bid.automatic) for bid in model.history[:-21:-1]
        ]
        expected = {
            "id": self.model.lot_id,
            "status": model.status,
            "current_amount": None if model.price is None else money(model.price),
            "minimum_amount": money(model.minimum),
            "buy_now_amount": None if model.buy_now is None else money(model.buy_now),
            "leader": None if model.leader is None else {"paddle": 100 + model.leader},
            "bid_count": model.bid_count,
            "reserve_met": model.reserve_met,
            "ends_at_ms": model.ends_at_ms,
            "remaining_ms": model.remaining_ms,
            "extensions": {"used": model.extensions_used, "allowed": model.rules.extension_cap},
            "result": model.result or None,
            "reason": model.reason or None,
        }
        told = {name: lot[name] for name in expected if lot[name] != expected[name]}
        assert not told, (told, {name: expected[name] for name in told}, vars(model))
        if snapshot.own is not None:
            leading = model.leader == who
            assert (snapshot.own.leading, snapshot.own.maximum) == (leading, model.maximum if leading else None)
            pre_bids = {
                lot_id: given[who].amount
                for lot_id, given in self.model.pre_bids.items()
                if who in given and lot_id in self.model.pending
            }
            assert snapshot.own.pre_bids == pre_bids
        self.agreed = True

    def teardown(self) -> None:
        """Compare the log: every entry in its place, none missing, none too many."""
        if not self.agreed:  # what failed says more
            return
        found: Any = self.client.xrange(self.keys.log)
        assert [tuple(map(int, entry.split(b"-"))) for entry, _ in found] == self.logged


def money(minor: int) -> str:
    """Return an amount as the room sees it."""
    return f"{minor // 100}.{minor % 100:02}"


@pytest.mark.timeout(300 + STEPS // 20)
def test_the_engine_decides_as_the_rules_do(floor: redis.Redis, tell_seed: Callable[[str], None]) -> None:
    with without_sync(floor):
        EngineMachine.client, EngineMachine.steps, EngineMachine.met = floor, 0, Counter()
        seed = int(SEED) if SEED else secrets.randbits(32)
        # What is rare may need a few steps more; what never comes up is not compared, however many steps there are.
        while EngineMachine.steps < STEPS or (
            EngineMachine.steps < 3 * STEPS and not EngineMachine.met.keys() >= WANTED
        ):
            tell_seed(f"ENGINE_SEED={seed} from step {EngineMachine.steps}")
            hypothesis.seed(seed)(EngineMachine)
            run_state_machine_as_test(
                EngineMachine,
                settings=hypothesis.settings(
                    max_examples=RUNS_A_SEED,
                    stateful_step_count=STEPS_A_RUN,
                    database=None,
                    deadline=None,
                    suppress_health_check=list(hypothesis.HealthCheck),
                    print_blob=True,
                    report_multiple_bugs=False,
                ),
            )
            seed += 1
    missing = sorted(WANTED - set(EngineMachine.met))
    assert STEPS < WANTED_STEPS or not missing, f"never met in {EngineMachine.steps} steps: {missing}"
