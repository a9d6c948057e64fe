"""The simulated bidders: outside programs with accounts, who know nothing but the public interface.

Owns how they behave. Imports the published client and nothing of the site: they sign in by the site's form, get a
paddle over REST, and bid and chat through the sockets, like everybody.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from paddle_client import (
    AsyncClient,
    AsyncRoom,
    Auction,
    BidAccepted,
    BidUnresolved,
    CannotConnect,
    Lot,
    NotAllowed,
    PaddleError,
    RateLimited,
    RoomClosed,
    SignInFailed,
    SiteError,
)
from paddle_client.messages import HighestBid, LotClosed, LotOpened, LotPart

LOOK_EVERY_S: Final = 3.0
"""How often a bidder looks for a live show when there is none."""
SIGN_IN_EVERY_S: Final = 2.5
"""Sites limit sign-ins by address, and people who try the demo must get in too."""
TROUBLE_PAUSE_S: Final = 5.0
SAID_LATELY: Final = 12
"""After how many lines somebody may say the same again."""

LINES: Final = {
    "opened": (
        "Oh, this one is lovely.",
        "Been waiting for this.",
        "Does it come with the original case?",
        "Is delivery to Denmark possible?",
        "That would look good in the hall.",
        "Good estimate on this, I think.",
        "Evening everybody!",
    ),
    "price": (
        "Going quickly tonight.",
        "Still a fair price.",
        "One more and I am out.",
        "Somebody really wants it.",
        "Worth every cent.",
        "Hm, let me think.",
    ),
    "sold": (
        "Well bought!",
        "Congratulations, paddle {paddle}.",
        "A bit too much for me.",
        "I should have gone one higher.",
        "Next one is mine.",
    ),
    "passed": ("What a pity.", "The reserve was too high.", "I hope it comes back."),
}


@dataclass(frozen=True)
class Temper:
    """How somebody bids: how long they think, when in a lot's life, and how they offer."""

    name: str
    think_s: tuple[float, float]
    last_s: float | None = None
    """Bids only while so many seconds are left."""
    maximum: bool = False
    """Gives their limit as one maximum and then only watches."""
    jumps: float = 0.0
    """How often they offer more than the minimum."""
    talks: float = 0.07


TEMPERS: Final = (
    Temper("eager", (2.0, 8.0), jumps=0.15, talks=0.12),
    Temper("steady", (4.0, 11.0)),
    Temper("sniper", (0.4, 2.5), last_s=6.0, talks=0.03),
    Temper("patient", (7.0, 16.0), jumps=0.1, talks=0.1),
    Temper("maximum", (5.0, 24.0), maximum=True, talks=0.04),
    Temper("late", (1.0, 5.0), last_s=16.0),
)


@dataclass(frozen=True)
class Account:
    """Who signs in."""

    email: str
    password: str


class Bidder:
    """One simulated bidder, who follows one show after another for ever."""

    def __init__(self, url: str, account: Account, number: int, tell: Callable[[str], None]) -> None:
        self._client = AsyncClient(url)
        self._account = account
        self._number = number
        self._temper = TEMPERS[number % len(TEMPERS)]
        self._name = f"bidder {number + 1}"
        self._tell = tell
        self._rng = random.Random()  # noqa: S311 - behaviour
        self._limits: dict[int, Decimal] = {}
        """What each lot is worth to them."""
        self._spans: dict[int, int] = {}
        """How many milliseconds were left when they first saw a lot."""

    async def run(self, ready_at: float) -> None:
        """Sign in at that time of the loop, then join every live show; whatever goes wrong, try again later."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, ready_at - loop.time()))
        while True:
            try:
                if not self._client.session.is_signed_in:
                    await self._client.sign_in(self._account.email, self._account.password)
                show = await self._find_show()
                if show is None:
                    await asyncio.sleep(LOOK_EVERY_S)
                    continue
                await self._attend(show)
            except SignInFailed:
                self._tell(f"{self._name} has no account here; is the demo data there?")
                await asyncio.sleep(4 * TROUBLE_PAUSE_S)
            except RateLimited as limited:
                await asyncio.sleep((limited.retry_after or 30) + self._rng.uniform(0, 10))
            except NotAllowed:
                # The session is over, for example because the site was made anew.
                self._client = AsyncClient(self._client.session.origin)
                await asyncio.sleep(TROUBLE_PAUSE_S)
            except RoomClosed as closed:
                if closed.code == 4401:
                    self._client = AsyncClient(self._client.session.origin)
                await asyncio.sleep(TROUBLE_PAUSE_S)
            except (SiteError, CannotConnect) as error:
                self._tell(f"{self._name}: {error}")
                await asyncio.sleep(TROUBLE_PAUSE_S)
            except PaddleError:
                await asyncio.sleep(TROUBLE_PAUSE_S)

    async def _find_show(self) -> Auction | None:
        # Whoever opens a show of their own beside the demo's gets their share of the bidders.
        live = await self._client.auctions(status="live")
        return await self._client.auction(live[self._number % len(live)].id) if live else None

    async def _attend(self, show: Auction) -> None:
        """Bid in one show until it is over."""
        paddle = await self._client.register(show.id)
        self._tell(f"{self._name} ({self._temper.name}) has paddle {paddle.paddle} in “{show.title}”")
        lots = {lot.id: lot for lot in show.lots}
        async with self._client.room(show.id) as room:
            talking = asyncio.create_task(self._talk(room))
            try:
                while not room.state.is_over:
                    await self._consider(room, lots)
            finally:
                talking.cancel()
                await asyncio.gather(talking, return_exceptions=True)

    # --- bidding -------------------------------------------------------------------------------------

    async def _consider(self, room: AsyncRoom, lots: dict[int, Lot]) -> None:
        """Wait for a reason to bid, think, and bid if it is still worth it."""
        try:
            await room.until(
                lambda state: state.is_over or self._is_tempted(room, lots), timeout=self._rng.uniform(1.0, 2.5)
            )
        except TimeoutError:
            # Patience wears off with the time that is left, which no message tells.
            return
        lot = room.state.open_lot
        if lot is None:
            return
        await self._think(room, lot)
        # Everything may have changed meanwhile; the button on a page would say so too.
        lot = room.state.open_lot
        if lot is None or not room.connected or not self._is_tempted(room, lots):
            return
        amount = self._offer(lot)
        try:
            answer = await room.bid(
                self._limit(lot, lots) if self._temper.maximum else amount,
                lot=lot.id,
                maximum=self._temper.maximum,
                valid_for_ms=4_000,
            )
        except BidUnresolved:
            return
        if self._temper.maximum and isinstance(answer, BidAccepted):
            # Whatever happens now, they gave their limit.
            self._limits[lot.id] = Decimal(0)
        elif not isinstance(answer, BidAccepted) and answer.code not in ("too_low", "too_late", "already_leading"):
            await asyncio.sleep(2.0)

    def _is_tempted(self, room: AsyncRoom, lots: dict[int, Lot]) -> bool:
        lot = room.state.open_lot
        if lot is None or room.state.leads or not room.state.you.can_bid:
            return False
        minimum, limit = Decimal(lot.minimum_amount), self._limit(lot, lots)
        if self._temper.maximum:
            return minimum <= limit
        # Nobody shows at once how far they would go.
        opening = Decimal(lot.opening_amount)
        return minimum <= opening + (limit - opening) * self._openness(room, lot)

    def _openness(self, room: AsyncRoom, lot: LotPart) -> Decimal:
        """Return how much of what a lot is worth to them they would bid by now, from a quarter to all."""
        now = room.clock.now_ms()
        if now is None or lot.ends_at_ms is None:
            return Decimal(1)
        left = max(0, lot.ends_at_ms - now)
        span = max(self._spans.get(lot.id, 0), left, 1)
        self._spans[lot.id] = span
        return min(Decimal(1), Decimal("0.25") + Decimal("1.05") * (1 - Decimal(left) / Decimal(span)))

    async def _think(self, room: AsyncRoom, lot: LotPart) -> None:
        shortest, longest = self._temper.think_s
        pause = self._rng.uniform(shortest, longest)
        now = room.clock.now_ms()
        if lot.ends_at_ms is not None and now is not None:
            left = (lot.ends_at_ms - now) / 1000
            if left <= 0:
                # It only has not been said yet.
                await self._sleep_in(room, lot.id, 2.0)
                return
            if self._temper.last_s is not None and left > self._temper.last_s:
                # They wait for the end, but wake up when the lot is over before.
                await self._sleep_in(room, lot.id, left - self._temper.last_s)
                return
            pause = min(pause, max(0.2, left - self._rng.uniform(0.5, 4.0)))
        await self._sleep_in(room, lot.id, pause)

    async def _sleep_in(self, room: AsyncRoom, lot_id: int, pause: float) -> None:
        try:
            await room.until(
                lambda state: state.is_over or state.open_lot is None or state.open_lot.id != lot_id, timeout=pause
            )
        except TimeoutError:
            return

    def _offer(self, lot: LotPart) -> Decimal:
        minimum = Decimal(lot.minimum_amount)
        if lot.current_amount is None or self._rng.random() > self._temper.jumps:
            return minimum
        step = minimum - Decimal(lot.current_amount)
        return min(minimum + step * self._rng.randint(1, 2), self._limits.get(lot.id, minimum))

    def _limit(self, lot: LotPart, lots: dict[int, Lot]) -> Decimal:
        """Return what the lot is worth to this bidder: near the estimate, for some far below it."""
        if lot.id not in self._limits:
            opening = Decimal(lot.opening_amount)
            known = lots.get(lot.id)
            low = Decimal((known.estimate_low if known else None) or opening * 2)
            high = Decimal((known.estimate_high if known else None) or low * Decimal("1.4"))
            # Maxima stay below the estimate, and not everybody gives one: two high ones would end the bidding at once.
            shares = (-1.2, 0.1, -0.4) if self._temper.maximum else (-0.7, 1.2, 0.3)
            share = Decimal(repr(self._rng.triangular(*shares)))
            worth = low + (high - low) * share
            # Whole units: nobody thinks in cents. The exponent of a currency without them stays 0.
            limit = worth.quantize(Decimal(1)).quantize(opening) if worth > 0 else Decimal(0)
            self._limits[lot.id] = max(limit, Decimal(0))
        return self._limits[lot.id]

    # --- chatting ------------------------------------------------------------------------------------

    async def _talk(self, room: AsyncRoom) -> None:
        async for message in room.messages():
            match message:
                case LotOpened():
                    kind, chance = "opened", self._temper.talks
                case HighestBid():
                    kind, chance = "price", self._temper.talks / 5
                case LotClosed(result="sold"):
                    kind, chance = "sold", self._temper.talks * 1.5
                case LotClosed():
                    kind, chance = "passed", self._temper.talks * 2
                case _:
                    continue
            if self._rng.random() > chance:
                continue
            await asyncio.sleep(self._rng.uniform(1.0, 4.0))
            winner = message.winner if isinstance(message, LotClosed) else None
            lines = {line.format(paddle=winner.paddle if winner else "") for line in LINES[kind]}
            # Nobody repeats what stands there already.
            fresh = sorted(lines - {line.text for line in room.state.chat[-SAID_LATELY:]})
            if not fresh:
                continue
            line = self._rng.choice(fresh)
            try:
                await room.say(line)
            except ConnectionError:
                continue


async def rehearse(url: str, accounts: list[Account], tell: Callable[[str], None]) -> None:
    """Let all of them bid until this is cancelled."""
    start = asyncio.get_running_loop().time()
    async with asyncio.TaskGroup() as group:
        for number, account in enumerate(accounts):
            bidder = Bidder(url, account, number, tell)
            # The first few at once, so that something moves; the others when sign-ins allow it.
            group.create_task(bidder.run(start + max(0, number - 3) * SIGN_IN_EVERY_S))
