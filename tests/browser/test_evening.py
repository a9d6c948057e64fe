"""A host's whole evening at the Live desk: twenty lots, twenty bidders who bid by themselves, and what goes wrong.

The bidders are outside programs with accounts, on the published client. Each goes as far as their number says, so every
lot finds its price within seconds and the highest number that may still bid leads.
"""

import asyncio
import random
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from auction_site.stack import Stack
from paddle_client import BidUnresolved, PaddleError, RoomClosed
from tests.browser.test_desk import Host
from tests.browser.test_video import PATIENCE_MS, browser, camera_of, go_on_air, open_page, site
from tests.staging import Staged, stage, stored

__all__ = ["browser", "open_page", "site"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(1_500)]

LOTS = 20
BIDDERS = 20
# Long: the host's hammer ends a lot, and no machine is so slow that the clock does.
TIMING: dict[str, Any] = {"duration_ms": 1_200_000, "window_ms": 60_000, "extension_ms": 10_000, "extension_cap": 3}
PAID_AT_ONCE = """
from auctions.models import Auction
house = Auction.objects.get(pk={auction}).organizer
house.payment_days = 0
house.payment_instructions = "IBAN DE02 1203 0000 0000 2020 51"
house.save()
"""


def goes_to(index: int) -> int:
    """Return how far a bidder goes on every lot, in euros: the last ones the farthest, each of them farther."""
    return 11 + 10 * index // (BIDDERS - 1)


class Crowd:
    """Twenty bidders in a thread of their own, until they are told to go."""

    def __init__(self, url: str, staged: Staged) -> None:
        self._url, self._staged = url, staged
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.banned: set[int] = set()
        """Who heard that they were removed."""

    def __enter__(self) -> "Crowd":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # They may have gone home by themselves.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._everybody.cancel)
        self._thread.join(30)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        with suppress(asyncio.CancelledError):
            self._everybody = self._loop.create_task(self._all())
            self._loop.run_until_complete(self._everybody)
        self._loop.close()

    async def _all(self) -> None:
        async with asyncio.TaskGroup() as group:
            for index in range(len(self._staged.paddles)):
                group.create_task(self._one(index))

    async def _one(self, index: int) -> None:
        chance = random.Random(index)
        most = Decimal(goes_to(index))
        while True:
            try:
                async with self._staged.bidder(self._url, index).room(self._staged.auction_id) as room:
                    while not room.state.is_over:
                        lot = room.state.open_lot
                        if lot and not room.state.leads and Decimal(lot.minimum_amount) <= most:
                            with suppress(BidUnresolved):
                                await room.bid(lot.minimum_amount, lot=lot.id)
                        await asyncio.sleep(chance.uniform(0.2, 1.0))
                return
            except RoomClosed as closed:
                if closed.code == 4403:
                    self.banned.add(self._staged.paddles[index])
                    return
            except PaddleError:
                pass
            await asyncio.sleep(1)


@pytest.fixture
def evening(site: Stack) -> Iterator[tuple[Staged, Crowd]]:
    """Return a scheduled show of twenty lots, and the crowd that comes to it."""
    staged = stage(site, bidders=BIDDERS, lots=LOTS, live=False, **TIMING)
    site.manage("shell", "-v", "0", "-c", PAID_AT_ONCE.format(auction=staged.auction_id))
    with Crowd(site.urls[1], staged) as crowd:
        yield staged, crowd


class Desk(Host):
    """The host at the desk, who waits until the bidding is over before the hammer falls."""

    sold = 0
    paddles: tuple[int, ...] = ()

    def opens(self, number: int) -> None:
        """Open a lot, and wait until the desk shows it and no more the one before."""
        self.space(f"Open lot {number}")
        expect(self.part("title")).to_have_text(f"Thing {number}")

    def settle(self, index: int) -> None:
        """Wait until a bidder leads at a price that nobody who is left outbids."""
        prices = re.compile(rf"€({goes_to(index - 1)}|{goes_to(index)})$")
        expect(self.part("price")).to_have_text(prices, timeout=PATIENCE_MS)
        expect(self.part("leader")).to_have_text(f"Paddle {self.paddles[index]}", timeout=PATIENCE_MS)

    def hammer(self, index: int) -> None:
        """Warn and let the hammer fall; the lot goes to a bidder."""
        self.settle(index)
        self.space("Fair warning")
        self.space("Hammer")
        self.sold += 1
        expect(self.part("over").locator("li")).to_have_count(self.sold)
        expect(self.part("over").locator("li").first).to_contain_text(f"· {self.paddles[index]}")


def test_an_evening_of_twenty_lots(
    browser: Browser, site: Stack, open_page: Callable[..., Page], evening: tuple[Staged, Crowd]
) -> None:
    staged, crowd = evening
    top = BIDDERS - 1
    host = Desk(browser, site, staged, "desktop")
    host.paddles = staged.paddles
    host.by_hand()
    host.space("Go live")

    def plain(*numbers: int) -> None:
        for number in numbers:
            host.opens(number)
            host.hammer(top)

    plain(1, 2)

    # Lot 3 is paused in the middle, and nobody can bid meanwhile.
    host.opens(3)
    host.page.keyboard.press("p")
    host.ready("Resume")
    price = host.part("price").inner_text()
    host.page.wait_for_timeout(2_000)
    assert host.part("price").inner_text() == price
    host.space("Resume")
    host.hammer(top)

    # Lot 4: a bid is taken back, and who was second leads.
    host.opens(4)
    host.settle(top)
    host.more("Take a bid back", "Take it back", paddle=str(staged.paddles[top]), reason="mistake")
    host.settle(top)
    host.hammer(top)

    plain(5)
    # Lot 5 was hammered too early: it is opened again, and sold again.
    host.more("Reopen this lot", "Reopen", reason="late_bid")
    host.sold -= 1
    host.hammer(top)

    # Lot 6 breaks: it is withdrawn.
    host.opens(6)
    host.settle(top)
    host.more("Withdraw this lot", "Withdraw", reason="damage")
    host.sold += 1
    plain(7)

    # The one who leads lot 8 is banned: their bids go, their socket ends, and the second leads from now on.
    host.opens(8)
    host.settle(top)
    host.more("Ban a bidder", "Ban", paddle=str(staged.paddles[top]), reason="dispute")
    top -= 1
    host.hammer(top)
    assert crowd.banned == {staged.paddles[top + 1]}
    plain(9)

    # The picture is lost under lot 10: it waits for it, and goes on with its time.
    host.opens(10)
    camera = open_page(camera_of(staged), session=staged.host_session)
    go_on_air(camera)
    camera.get_by_role("button", name="Go off air").click()
    host.ready("Resume")
    expect(host.button.locator(".line2")).to_contain_text("the picture is lost")
    go_on_air(camera)
    host.space("Resume")
    host.hammer(top)
    plain(*range(11, LOTS + 1))
    host.more("End the show", "End the show")
    expect(host.button.locator(".line1")).to_have_text("The show is over")
    assert host.complaints == []

    results = stored(site, staged.auction_id).results
    assert [result["result"] for result in results].count("withdrawn") == 1
    sold = [result for result in results if result["result"] == "sold"]
    assert len(sold) == LOTS - 1
    assert {result["paddle"] for result in sold} == {staged.paddles[-1], staged.paddles[-2]}

    morning_after(host.page, site, staged, open_page, staged.paddles[top], staged.paddles[top - 1])


def morning_after(
    page: Page, site: Stack, staged: Staged, open_page: Callable[..., Page], defaulter: int, underbidder: int
) -> None:
    """The buyer of most lots never pays; who bid next is offered one of them, at the price without the defaulter."""
    page.goto(f"{site.url}/host/auctions/{staged.auction_id}/orders/")
    row = page.locator("tr", has_text=f"Paddle {defaulter}").first
    row.get_by_role("checkbox").check()
    page.get_by_role("button", name="Unpaid: strike").click()
    expect(page.get_by_text("1 order is unpaid.")).to_be_visible()
    page.get_by_role("button", name=f"Offer it to paddle {underbidder}").first.click()

    buyer = open_page("/my/bids/", session=staged.sessions[staged.paddles.index(underbidder)])
    buyer.get_by_role("link", name="See the offer").first.click()
    buyer.get_by_role("button", name="Buy it at").click()
    buyer.wait_for_url("**/orders/*/")
    expect(buyer.locator("main")).to_contain_text("IBAN DE02")
    page.reload()
    expect(page.locator("tr", has_text=f"Paddle {underbidder}").first).to_be_visible()
