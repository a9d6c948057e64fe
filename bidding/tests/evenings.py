"""A whole evening on services, engine and ledger with a clock that tests move: what records and replays are made of."""

import contextlib
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from auctions.errors import Refused
from auctions.models import Lot
from bidding import protocol
from bidding.engine import calls
from bidding.engine.keys import AuctionKeys
from bidding.engine.runner import run
from bidding.floor import floor
from bidding.models import Bid
from bidding.services import (
    auction_end,
    bid_void,
    lot_close_due,
    lot_extend,
    lot_hammer,
    lot_open,
    lot_pause,
    lot_reopen,
    lot_resume,
    lot_sell_anyway,
    lot_warn,
    lot_withdraw,
    offer_void,
    rostrum_take,
)
from bidding.tests.conftest import Show
from bidding.tests.test_a_show import bid

ANNA, BORIS, CLARA = 0, 1, 2


@dataclass
class Evening:
    """Drives a show by the clock of its log: what happened at what time is true of the log that it leaves."""

    show: Show
    ids: dict[str, str] = field(default_factory=dict)
    """Ids of bids by the names that tests give them."""

    def __post_init__(self) -> None:
        self.keys = AuctionKeys(self.show.auction.pk)

    @property
    def now_ms(self) -> int:
        """Return the log's time."""
        return run(floor(), calls.pulse(self.show.auction.pk)).now_ms

    def wait(self, ms: int) -> None:
        """Let time pass in steps, with somebody there to see it."""
        until = self.now_ms + ms
        while (now := self.now_ms) < until:
            floor().hset(self.keys.state, "time", min(now + 1_000, until))

    def wait_until_left(self, ms: int) -> None:
        """Let time pass until so much is left of the open lot."""
        ends = run(floor(), calls.pulse(self.show.auction.pk)).ends_at_ms
        assert ends is not None
        self.wait(ends - ms - self.now_ms)

    def bid(self, who: int, amount: str, *, name: str = "", accepted: bool = True, **fields: Any) -> Any:
        """Place a bid with an id, and check that it counts or does not."""
        bid_id = self.ids.setdefault(name, str(uuid.uuid4())) if name else str(uuid.uuid4())
        reply = bid(self.show, who, amount, id=bid_id, **fields)
        assert isinstance(reply, protocol.BidAccepted) is accepted, reply
        return reply

    def open(self, number: int) -> Lot:
        """Open a lot."""
        lot = self.show.lots[number]
        lot_open(lot=lot, actor=self.show.host)
        return lot

    def close_by_time(self, number: int) -> None:
        """Let the lot run out and close it."""
        self.wait_until_left(0)
        assert lot_close_due(auction=self.show.auction, lot_id=self.show.lots[number].pk)


def whole_evening(make_show: Callable[..., Show], **fields: Any) -> Evening:
    """Play a show with every rule in it to its end, and store it."""
    evening = Evening(make_show(**fields))
    show, host = evening.show, evening.show.host
    Lot.objects.filter(pk=show.lots[0].pk).update(reserve_amount=3_000, extension_cap=2)
    show.lots[0].refresh_from_db()
    rostrum_take(auction=show.auction, actor=host)

    first, second = show.lots
    evening.open(0)
    evening.bid(ANNA, "10.00")
    evening.bid(CLARA, "30.00", max=True, lot=second.pk, name="clara's pre-bid")
    evening.bid(BORIS, "40.00", max=True, lot=second.pk)
    evening.bid(BORIS, "25.00", max=True, name="boris's maximum")
    evening.bid(BORIS, "50.00", max=True, lot=second.pk)
    evening.bid(BORIS, "28.00", max=True, name="boris raises")
    evening.bid(CLARA, "20.00", name="clara is outbid")
    evening.bid(CLARA, "22.00", accepted=False, name="clara is refused")
    evening.wait_until_left(10_000)
    evening.bid(CLARA, "33.00")
    evening.wait(1_000)
    lot_pause(lot=first, actor=host, reason="camera")
    evening.wait(7_000)
    lot_resume(lot=first, actor=host)
    evening.bid(ANNA, "50.00", name="anna is voided")
    show.store()
    bid_void(bid=Bid.objects.get(bid_id=evening.ids["anna is voided"]), actor=host, reason="mistake")
    lot_extend(lot=first, actor=host, added_ms=5_000)
    lot_warn(lot=first, actor=host)
    evening.wait(10_000)
    lot_hammer(lot=first, actor=host)
    show.store()
    lot_reopen(lot=first, actor=host, reason="dispute")
    evening.bid(BORIS, "40.00")
    evening.close_by_time(0)
    show.store()

    evening.wait(8_000)
    evening.open(1)
    evening.wait_until_left(500)
    evening.bid(ANNA, "60.00", name="anna wins")
    evening.close_by_time(1)
    auction_end(auction=show.auction, actor=host)
    show.store()
    return evening


def random_evening(make_show: Callable[..., Show], seed: int, steps: int = 60) -> Evening:
    """Play two lots with random rules, bids and commands, whatever is refused; close both, end, and store."""
    chance = random.Random(seed)
    evening = Evening(make_show())
    show = evening.show
    for lot in show.lots:
        lot.reserve_amount = chance.choice([None, 2_000, 4_000])
        lot.buy_now_amount = chance.choice([None, 6_000])
        lot.increments = chance.choice([[[0, 500]], [[0, 100], [2_000, 700]]])
        lot.extension_mode = chance.choice(["add", "reset"])
        lot.extension_cap = chance.choice([0, 1, 20])
        lot.save()
    for number, lot in enumerate(show.lots):
        evening.open(number)
        _play(evening, lot, chance, steps // 2)
        with contextlib.suppress(Refused):
            lot_withdraw(lot=lot, actor=show.host)
    auction_end(auction=show.auction, actor=show.host)
    show.store()
    return evening


def _play(evening: Evening, lot: Lot, chance: random.Random, steps: int) -> None:
    show, host = evening.show, evening.show.host

    def bid_something() -> None:
        given = chance.choice([None, *show.lots])
        more: dict[str, Any] = {} if given is None else {"lot": given.pk}
        amount = f"{chance.randint(10, 75)}.{chance.choice(['00', '50'])}"
        bid(show, chance.randrange(3), amount, id=str(uuid.uuid4()), max=chance.random() < 0.5, **more)

    def void_something() -> None:
        show.store()
        known = list(Bid.objects.filter(run__lot=lot, voided_at_v=None))
        if known and chance.random() < 0.7:
            bid_void(bid=chance.choice(known), actor=host, reason="mistake")
        else:
            offer_void(lot=lot, bidder=chance.choice(show.bidders), actor=host, reason="mistake")

    commands: list[Callable[[], Any]] = [
        *[bid_something] * 12,
        *[lambda: evening.wait(chance.choice([500, 5_000, 20_000]))] * 4,
        void_something,
        lambda: lot_pause(lot=lot, actor=host, reason="camera"),
        *[lambda: lot_resume(lot=lot, actor=host)] * 2,
        lambda: lot_extend(lot=lot, actor=host, added_ms=7_000),
        *[lambda: lot_warn(lot=lot, actor=host)] * 2,
        lambda: lot_hammer(lot=lot, actor=host),
        lambda: lot_close_due(auction=show.auction, lot_id=lot.pk),
        lambda: lot_reopen(lot=lot, actor=host, reason="dispute"),
        lambda: lot_sell_anyway(lot=lot, actor=host),
    ]
    for _ in range(steps):
        with contextlib.suppress(Refused):
            chance.choice(commands)()
