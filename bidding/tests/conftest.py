"""The floor's cast: one open lot on the bare engine, and one show on the whole of services and ledger."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import redis

from accounts.models import Membership, Organizer, Role, User
from auctions.models import Auction, Lot, Registration, StreamChannel, TermsVersion
from bidding.engine import calls
from bidding.engine.keys import AuctionKeys
from bidding.engine.outcomes import BidAccepted, BidDecision, BidRejected, Done, NotDone, OwnStanding
from bidding.engine.runner import run
from bidding.ledger import Ledger
from bidding.services import auction_go_live, auction_schedule, lot_hammer, lot_warn, registration_create

RULES: dict[str, Any] = {
    "opening": 1_000,
    "reserve": None,
    "buy_now": None,
    "cap": None,
    "increments": [[0, 500], [10_000, 1_000]],
    "duration_ms": 600_000,
    "window_ms": 30_000,
    "extension_ms": 30_000,
    "extension_mode": "add",
    "extension_cap": 20,
}
ANNA, BORIS, CLARA, HOST = 1, 2, 3, 4
"""Registrations of the bare engine; HOST works for the auction."""


@pytest.fixture
def tell_seed(
    capsys: pytest.CaptureFixture[str], record_property: Callable[[str, object], None]
) -> Callable[[str], None]:
    """Return what prints a seed at once where somebody watches, and in the run's summary."""

    def tell(seed: str) -> None:
        record_property("seed", seed)
        with capsys.disabled():
            sys.stdout.write(f"\n{seed} ")
            sys.stdout.flush()

    return tell


@dataclass
class FloorDriver:
    """Drives one auction on the bare engine, and reads back what it wrote."""

    client: redis.Redis
    auction_id: int = 4
    lot_id: int = 7
    keys: AuctionKeys = field(init=False)

    def __post_init__(self) -> None:
        self.keys = AuctionKeys(self.auction_id)

    def schedule(self) -> None:
        """Schedule the auction and register the cast."""
        run(self.client, calls.schedule(self.auction_id, epoch="e1", exponent=2))
        for registration in (ANNA, BORIS, CLARA, HOST):
            self.register(registration)

    def register(self, registration: int, *, status: str = "approved", limit: int | None = None) -> None:
        """Tell the engine of a bidder."""
        run(
            self.client,
            calls.set_registration(
                self.auction_id,
                registration_id=registration,
                paddle=100 + registration,
                status=status,
                spending_limit=limit,
                barred=registration == HOST,
            ),
        )

    def open(self, **rules: Any) -> Done | NotDone:
        """Go live and open the lot under the cast's rules with changes."""
        run(self.client, calls.go_live(self.auction_id, next_lot=None))
        return self.open_lot(run_id=70, **rules)

    def open_lot(self, *, run_id: int, lot_id: int = 7, seen_v: int | None = None, **rules: Any) -> Done | NotDone:
        """Open a lot."""
        return run(
            self.client,
            calls.open_lot(
                self.auction_id,
                lot_id=lot_id,
                run_id=run_id,
                number="12A",
                title='Brass "lamp" <b>é',
                image_url=None,
                rules=RULES | rules,
                seen_v=seen_v,
            ),
        )

    def decide(self, registration: int, amount: int, **options: Any) -> BidDecision:
        """Place a bid and return the whole decision."""
        return run(self.client, calls.place_bid(self.auction_id, calls.BidOffer(registration, amount, **options)))

    def accept(self, registration: int, amount: int, **options: Any) -> BidAccepted:
        """Place a bid that must count."""
        answer = self.decide(registration, amount, **options).answer
        assert isinstance(answer, BidAccepted), answer
        return answer

    def refuse(self, registration: int, amount: int, **options: Any) -> BidRejected:
        """Place a bid that must be refused."""
        answer = self.decide(registration, amount, **options).answer
        assert isinstance(answer, BidRejected), answer
        return answer

    def close(self, reason: str = "time", lot_id: int = 7) -> Done | NotDone:
        """Close the lot."""
        return run(self.client, calls.close_lot(self.auction_id, lot_id=lot_id, reason=reason, next_lot=None))

    def hammer(self) -> Done | NotDone:
        """Warn, let the warning's time pass, and close the lot by the hammer."""
        warned = run(self.client, calls.fair_warning(self.auction_id, lot_id=int(self.lot()["id"])))
        assert isinstance(warned, Done), warned
        self.client.hset(self.keys.lot, "hammer_at", 1)
        return self.close("hammer", lot_id=int(self.lot()["id"]))

    def set_end_in(self, left_ms: int) -> None:
        """Move the end of the open lot to so many milliseconds from the server's now."""
        seconds, micros = self.client.time()
        self.client.hset(self.keys.lot, "ends", seconds * 1000 + micros // 1000 + left_ms)

    def lot(self) -> dict[str, str]:
        """Return the lot's hash as it is stored."""
        stored = self.client.hgetall(self.keys.lot)
        return {key.decode(): value.decode() for key, value in stored.items() if key != b"frozen"}

    def state(self) -> dict[bytes, bytes]:
        """Return the state's hash as it is stored."""
        stored: Any = self.client.hgetall(self.keys.state)
        return dict(stored)

    def log(self) -> list[tuple[str, str]]:
        """Return the ids and kinds of the log's entries."""
        return [(entry.decode(), fields[b"kind"].decode()) for entry, fields in self.client.xrange(self.keys.log)]

    def own(self, registration: int) -> OwnStanding:
        """Return what the floor knows of a bidder."""
        own = run(self.client, calls.snapshot(self.auction_id, registration_id=registration)).own
        assert own is not None
        return own


@pytest.fixture
def desk(floor: redis.Redis) -> FloorDriver:
    """Return the driver of a scheduled auction on the bare engine."""
    driver = FloorDriver(floor)
    driver.schedule()
    return driver


@pytest.fixture
def open_desk(desk: FloorDriver) -> FloorDriver:
    """Return the driver with the lot open."""
    desk.open()
    return desk


@dataclass
class Show:
    """A real auction with its people, on services and ledger."""

    auction: Auction
    host: User
    lots: list[Lot]
    bidders: list[Registration]
    ledger: Ledger

    def store(self) -> None:
        """Let the ledger store all that waits."""
        while self.ledger.store_all():
            pass
        self.auction.refresh_from_db()

    def hammer(self) -> None:
        """Warn, let the warning's time pass, and let the hammer fall on the open lot."""
        from bidding.floor import floor

        lot = AuctionKeys(self.auction.pk).lot
        current = Lot.objects.get(pk=int(floor().hget(lot, "id") or 0))
        lot_warn(lot=current, actor=self.host)
        floor().hset(lot, "hammer_at", 1)
        lot_hammer(lot=current, actor=self.host)

    def end_lot_now(self) -> None:
        """Move the open lot's end into the past."""
        from bidding.floor import floor

        floor().hset(AuctionKeys(self.auction.pk).lot, "ends", 1)


@pytest.fixture
def make_show(transactional_db: None, floor: redis.Redis, side: redis.Redis) -> Callable[..., Show]:
    """Return a factory of shows with two lots and three bidders, scheduled or live."""

    def make(*, live: bool = True, **fields: Any) -> Show:
        host = User.objects.create_user("host@example.test", "secret-enough")
        organizer = Organizer.objects.create(name="Northern Auctions", slug="northern")
        Membership.objects.create(organizer=organizer, user=host, role=Role.OWNER)
        terms = TermsVersion.objects.create(organizer=organizer, number=1, text="Pay what you bid.", sha256="0" * 64)
        channel = StreamChannel.objects.create(organizer=organizer, provider="local", external_id="1")
        auction = Auction.objects.create(
            **{
                "organizer": organizer,
                "title": "Friday night",
                "slug": "friday-night",
                "terms": terms,
                "stream_channel": channel,
                "buyer_premium_bp": 2_000,
                "gap_ms": 0,
                "created_by": host,
            }
            | fields
        )
        lots = [
            Lot.objects.create(
                auction=auction,
                number=str(number),
                position=number,
                title=f"Lot {number}",
                opening_amount=1_000,
                increments=[[0, 500]],
            )
            for number in (1, 2)
        ]
        auction = auction_schedule(auction=auction, actor=host)
        bidders = []
        for name in ("anna", "boris", "clara"):
            user = User.objects.create_user(f"{name}@example.test", "secret-enough")
            bidders.append(registration_create(auction=auction, user=user, accept_terms=True)[0])
        if live:
            auction_go_live(auction=auction, actor=host)
        show = Show(auction, host, lots, bidders, Ledger())
        show.store()
        return show

    return make


@pytest.fixture
def show(make_show: Callable[..., Show]) -> Show:
    """Return a live show whose first lot waits."""
    return make_show()
