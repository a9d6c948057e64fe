"""Lets many clients at one lot at the same time, and shows that some order of their operations explains it all.

Each history keeps when every operation was sent and when its answer came. The checker wants that versions respect
real-time order, that every entry of the log comes from exactly one operation, and that the reference model, given
the operations in the log's order, answers each of them as it was answered.
`ENGINE_HISTORIES` says how many (20; a hundred for `make soak-engine`), `ENGINE_SEED` repeats what the clients do,
though not how the operations fall in between each other.
"""

import copy
import json
import os
import random
import secrets
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import redis
from django.conf import settings

from bidding import reference
from bidding.engine import calls
from bidding.engine.keys import AuctionKeys
from bidding.engine.outcomes import BidAccepted, BidDecision, BidRejected, Done, NotDone
from bidding.engine.runner import run
from bidding.reference import Bidder, Decision, Offer, Rules
from bidding.tests.proving import stored, without_sync

HISTORIES = int(os.environ.get("ENGINE_HISTORIES", "20"))
OPERATIONS = int(os.environ.get("ENGINE_OPERATIONS", "5000"))
CLIENTS = 50
BIDDERS = 24
"""Two clients each, as with a phone and a laptop; the last two clients are the host's desk and a clerk's."""
AUCTION, LOT, RUN = 4, 7, 70
RULES = Rules(opening=1_000, increments=((0, 100), (1_000_000, 500)), reserve=50_000, extension_cap=200)


@dataclass(frozen=True, slots=True)
class Operation:
    """One call with when it was sent and when its answer came, in seconds of one monotonic clock."""

    asked: Offer | dict[str, Any]
    outcome: BidDecision | Done | NotDone
    sent: float
    answered: float

    @property
    def v(self) -> int:
        """The version that the answer names."""
        return self.outcome.answer.v if isinstance(self.outcome, BidDecision) else self.outcome.v


class Client(threading.Thread):
    """One socket of a bidder, or one desk: chooses by what it saw last, which is often old."""

    def __init__(
        self, number: int, seed: int, operations: int, ids: dict[int, list[Offer]], taken: list[tuple[int, int]]
    ) -> None:
        super().__init__(daemon=True)
        self._number = number
        self._random = random.Random(f"{seed}-{number}")
        self._operations = operations
        self._ids = ids
        self._taken = taken
        self._least = 1_000
        self._paused = False
        self.done: list[Operation] = []
        self.error: BaseException | None = None

    def run(self) -> None:
        """Carry all operations out, one after another."""
        try:
            with redis.Redis.from_url(settings.REDIS_URL) as connection:
                for turn in range(self._operations):
                    self._act(connection, turn)
        except BaseException as error:
            self.error = error
            raise

    def _act(self, connection: redis.Redis, turn: int) -> None:
        asked = self._command() if self._number >= 2 * BIDDERS else self._offer(turn)
        call: Any = self._call(asked)
        sent = time.monotonic()
        outcome: Any = run(connection, call)
        self.done.append(Operation(asked, outcome, sent, time.monotonic()))
        if isinstance(outcome, BidDecision):
            answer = outcome.answer
            if isinstance(answer, BidRejected):
                self._least = max(self._least, answer.minimum or 0)
            else:
                self._least = max(self._least, answer.amount + 100)
                self._taken.append((answer.v, self._number % BIDDERS + 1))

    def _offer(self, turn: int) -> Offer:
        who, mine = self._number % BIDDERS + 1, self._ids[self._number % BIDDERS + 1]
        chance = self._random.random()
        if mine and chance < 0.15:
            return self._random.choice(mine[-3:])
        maximum = chance < 0.4
        amount = self._least + self._random.choice((-1, 0, 0, 0, 0, 100, 450))
        amount += self._random.randrange(3_000) if maximum else 0
        offer = Offer(who, amount, maximum, bid_id=f"{self._number}-{turn}" if chance < 0.8 else "")
        if offer.bid_id:
            mine.append(offer)
        return offer

    def _command(self) -> dict[str, Any]:
        name = self._random.choice(("extend", "pause", "warn", "void", "void", "void"))
        if self._paused:
            name = "resume"
        self._paused = name == "pause"
        given: dict[str, Any] = {"command": name}
        if name == "extend":
            given["added_ms"] = 1_000
        if name == "void":
            v, given["registration"] = self._random.choice(self._taken[-20:] or [(0, 0)])
            given["place"] = self._random.choice(((v, 0), (v, 0), (v, 1), None))
        return given

    def _call(self, asked: Offer | dict[str, Any]) -> Any:
        if isinstance(asked, Offer):
            return calls.place_bid(
                AUCTION,
                calls.BidOffer(asked.registration, asked.amount, is_maximum=asked.is_maximum, bid_id=asked.bid_id),
            )
        match asked["command"]:
            case "extend":
                return calls.extend_lot(AUCTION, lot_id=LOT, added_ms=1_000)
            case "pause":
                return calls.pause_lot(AUCTION, lot_id=LOT, reason="x")
            case "resume":
                return calls.resume_lot(AUCTION, lot_id=LOT)
            case "warn":
                return calls.fair_warning(AUCTION, lot_id=LOT)
            case _:
                who, place = asked["registration"], asked["place"]
                return calls.void_bid(AUCTION, lot_id=LOT, registration_id=who, place=place, reason="x")


def begin(floor: redis.Redis) -> tuple[reference.Auction, int]:
    """Open the lot on the engine and in the model; return the model and the opening's time."""
    floor.flushall()
    model = reference.Auction(bidders={who: Bidder() for who in range(1, BIDDERS + 1)})
    run(floor, calls.schedule(AUCTION, epoch="e1", exponent=2))
    for who in model.bidders:
        call = calls.set_registration(
            AUCTION, registration_id=who, paddle=100 + who, status="approved", spending_limit=None, barred=False
        )
        run(floor, call)
    run(floor, calls.go_live(AUCTION, next_lot=None))
    opened = run(
        floor,
        calls.open_lot(AUCTION, lot_id=LOT, run_id=RUN, number="1", title="A", image_url=None, rules=stored(RULES)),
    )
    model.go_live()
    model.open(opened.now_ms, LOT, RUN, RULES)
    return model, opened.now_ms


def play(seed: int, operations: int) -> list[Operation]:
    """Let all clients act at once and return what happened."""
    ids: dict[int, list[Offer]] = defaultdict(list)
    taken: list[tuple[int, int]] = []
    clients = [Client(number, seed, operations // CLIENTS, ids, taken) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    for client in clients:
        if client.error is not None:
            raise client.error
    return [operation for client in clients for operation in client.done]


def check_real_time(history: list[Operation]) -> None:
    """An operation that was sent after another's answer had come was decided at no lower a version."""
    fresh = [op for op in history if not (isinstance(op.outcome, BidDecision) and op.outcome.repeated)]
    answered = sorted(fresh, key=lambda op: op.answered)
    highest, index = 0, 0
    for operation in sorted(fresh, key=lambda op: op.sent):
        while answered[index].answered < operation.sent:
            highest = max(highest, answered[index].v)
            index += 1
        assert operation.v >= highest, f"decided at {operation.v} after an answer of version {highest}: {operation}"


def check_repeats(history: list[Operation]) -> None:
    """Every id was decided once, and all its answers are the same."""
    answers: dict[tuple[int, str], list[Operation]] = defaultdict(list)
    for op in history:
        if isinstance(op.asked, Offer) and op.asked.bid_id:
            answers[op.asked.registration, op.asked.bid_id].append(op)
    for operations in answers.values():
        outcomes: list[Any] = [op.outcome for op in operations]
        assert sum(not outcome.repeated for outcome in outcomes) == 1, operations
        assert all(outcome.answer == outcomes[0].answer for outcome in outcomes), operations
        first = next(op for op in operations if not op.outcome.repeated)
        assert all(op.answered >= first.sent for op in operations), operations


def check_replay(model: reference.Auction, history: list[Operation], log: Any) -> None:
    """Give the operations to the model in the log's order; refusals belong to a state of the version they name."""
    by_place: dict[tuple[int, int], Operation] = {}
    by_answer: dict[str, Operation] = {}
    refused: dict[int, list[Operation]] = defaultdict(list)
    for op in history:
        if isinstance(op.outcome, BidDecision):
            if op.outcome.repeated:
                continue
            if isinstance(op.outcome.answer, BidRejected):
                refused[op.v].append(op)
            elif op.outcome.entries:
                by_place[op.outcome.entries[0].v, 0] = op
            else:
                assert isinstance(op.asked, Offer)
                by_answer[f"{op.asked.registration} {op.asked.amount} {op.v}"] = op
        elif isinstance(op.outcome, Done):
            by_place[op.outcome.entries[0].v, 0] = op
        else:
            refused[op.v].append(op)

    explained = 0
    explain(model, refused)
    for entry, fields in log:
        v, s = (int(part) for part in entry.split(b"-"))
        if v <= model.v and s == 0:
            continue  # the second event of a decision comes with its first
        if s:
            private = json.loads(fields[b"private"])
            op = by_answer.pop(f"{private['registration']} {private['amount']} {v}")
        else:
            left = [op for version, ops in refused.items() if version < v for op in ops]
            assert not left, f"no state explains {left[0]}"
            op = by_place.pop((v, 0))
        compare(op, decide(model, op))
        explained += 1
        explain(model, refused)
    assert not by_place
    assert not by_answer
    assert not any(refused.values()), [ops[0] for ops in refused.values() if ops]
    assert explained > OPERATIONS // 50


def explain(model: reference.Auction, refused: dict[int, list[Operation]]) -> None:
    """Strike out the refusals that the model in its present state gives too."""
    refused[model.v] = [op for op in refused[model.v] if not explains(model, op)]


def decide(model: reference.Auction, op: Operation) -> Decision:
    """Ask the model at the time that the engine's answer names."""
    if isinstance(op.outcome, BidDecision):
        assert isinstance(op.asked, Offer)
        return model.bid(op.outcome.answer.at_ms, op.asked)
    assert isinstance(op.asked, dict)
    given = {name: value for name, value in op.asked.items() if name != "command"}
    return model.desk(op.outcome.now_ms, op.asked["command"], LOT, **given)


def explains(model: reference.Auction, op: Operation) -> bool:
    """Tell whether the model in its present state gives this refusal."""
    aside = copy.copy(model)
    aside.lot = copy.copy(model.lot)
    aside.answers = {}
    if aside.lot is not None:
        aside.lot.offers, aside.lot._best = [*aside.lot.offers], {**aside.lot._best}
        aside.lot.history = [*aside.lot.history]
    decision = decide(aside, op)
    if isinstance(op.outcome, BidDecision):
        answer = op.outcome.answer
        assert isinstance(answer, BidRejected)
        return (answer.code, answer.minimum, answer.late_ms) == (decision.code, decision.minimum, decision.late_ms)
    return isinstance(op.outcome, NotDone) and op.outcome.code == decision.code


def compare(op: Operation, expected: Decision) -> None:
    """Compare an answer that changed something with the model's."""
    if isinstance(op.outcome, BidDecision):
        answer = op.outcome.answer
        assert isinstance(answer, BidAccepted)
        seen = (answer.v, answer.amount, answer.maximum, answer.standing.value, answer.ends_at_ms)
        wanted = (expected.v, expected.amount, expected.maximum, expected.standing, expected.ends_at_ms)
        assert ("ok", *seen) == (expected.code, *wanted), (op, expected)
        entries = op.outcome.entries
    else:
        assert isinstance(op.outcome, Done)
        assert expected.code == "ok", (op, expected)
        entries = op.outcome.entries
    assert tuple(json.loads(entry.text)["type"] for entry in entries) == expected.events


@pytest.mark.timeout(120 + 30 * HISTORIES)
def test_some_order_explains_every_answer(floor: redis.Redis, tell_seed: Callable[[str], None]) -> None:
    seed = int(os.environ.get("ENGINE_SEED") or secrets.randbits(32))
    with without_sync(floor):
        for number in range(HISTORIES):
            tell_seed(f"history {number}, ENGINE_SEED={seed + number}")
            model, _ = begin(floor)
            history = play(seed + number, OPERATIONS)
            check_real_time(history)
            check_repeats(history)
            check_replay(model, history, floor.xrange(AuctionKeys(AUCTION).log))
