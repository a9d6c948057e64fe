"""Whole stories of a room, as several people live through them at once."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, WebSocketRoute, expect

from auction_site.stack import Stack
from tests.browser.visitor import Visitor
from tests.staging import stage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

PATIENCE_MS = 60_000
LONG: dict[str, Any] = {"duration_ms": 170_000, "window_ms": 0, "extension_ms": 0, "extension_cap": 0}
QUICK: dict[str, Any] = LONG | {"duration_ms": 20_000}
HOST = """
from time import sleep
from auctions.models import Lot
from bidding import services
from bidding.models import Bid
lot = Lot.objects.get(pk={lot})
actor = lot.auction.created_by

def stored(**wanted):
    while (bid := Bid.objects.filter(**wanted).first()) is None:
        sleep(0.1)
    return bid

services.{command}
"""
LISTEN_TO_FLASH = """() => {
  window.flashes = [];
  const box = document.querySelector("[data-room=flash]");
  const note = () => window.flashes.push(box.textContent);
  new MutationObserver(note).observe(box, { childList: true, characterData: true, subtree: true });
}"""
SIZES = {"phone": (390, 844), "tablet": (820, 1180), "desktop": (1440, 900)}
BAN = """
from auctions.models import Registration
from bidding.services import registration_set_status
theirs = Registration.objects.get(auction={auction}, paddle={paddle})
registration_set_status(registration=theirs, status="banned", actor=theirs.auction.created_by)
"""


def says(page: Page, text: str) -> None:
    """Wait until the bid button says something."""
    expect(page.locator(".bidbutton").first).to_contain_text(text, timeout=PATIENCE_MS)


def bid(page: Page, amount: str) -> None:
    """Press the bid button once it offers an amount, as late after its change as a person would."""
    says(page, f"Bid {amount}")
    page.wait_for_timeout(500)
    page.locator(".bidbutton").first.click()


class Tunnel:
    """The way of a page to the room, through which for a while nothing comes back."""

    def __init__(self, page: Page) -> None:
        self.is_dark = False
        self._ways: list[WebSocketRoute] = []
        page.route_web_socket(re.compile("/ws/auctions/"), self._begin)

    def cut(self) -> None:
        """Lose the connection, as both sides notice."""
        self._ways[-1].close(code=1001)

    def _begin(self, way: WebSocketRoute) -> None:
        if self.is_dark:
            way.close(code=1013)
            return
        server = way.connect_to_server()
        server.on_message(lambda text: None if self.is_dark else way.send(text))
        self._ways.append(way)


def test_a_bid_whose_answer_was_lost_with_the_connection_is_told_on_return(browser: Browser, stack: Stack) -> None:
    staged = stage(stack, bidders=2, **LONG)
    visitor = Visitor(browser, stack, staged, bidder=0)
    tunnel = Tunnel(visitor.page)
    page, rival = visitor.enter(), Visitor(browser, stack, staged, bidder=1).enter()

    says(page, "Bid €10")
    page.wait_for_timeout(500)
    tunnel.is_dark = True
    page.locator(".bidbutton").first.click()
    bid(rival, "€11")
    says(rival, "You lead at €11")
    tunnel.cut()
    says(page, "Checking €10…")
    page.wait_for_timeout(2_000)
    tunnel.is_dark = False

    told = re.compile(rf"Away \d+ s: your €10 counted, then paddle {staged.paddles[1]} bid €11; \d:\d\d left\.")
    expect(page.locator("[data-room=banner]")).to_have_text(told, timeout=PATIENCE_MS)
    expect(page.locator("[data-room=strip]")).to_have_text("Outbid at €11")
    bid(page, "€12")
    says(page, "You lead at €12")


def test_three_tabs_of_one_person_agree(browser: Browser, stack: Stack) -> None:
    staged = stage(stack, bidders=2, **LONG)
    tabs = [Visitor(browser, stack, staged, bidder=0).enter() for _ in range(3)]
    rival = Visitor(browser, stack, staged, bidder=1).enter()

    bid(tabs[1], "€10")
    for tab in tabs:
        says(tab, "You lead at €10")
    bid(rival, "€11")
    for tab in tabs:
        says(tab, "Bid €12")
        expect(tab.locator("[data-room=strip]")).to_have_text("Outbid at €11")


def test_who_is_banned_while_watching_is_told_and_offered_nothing(browser: Browser, stack: Stack) -> None:
    staged = stage(stack, bidders=2, **LONG)
    page, other = (Visitor(browser, stack, staged, bidder=index).enter() for index in (0, 1))
    says(page, "Bid €10")

    stack.manage("shell", "-v", "0", "-c", BAN.format(auction=staged.auction_id, paddle=staged.paddles[0]))

    says(page, "You were removed from this auction")
    expect(page.locator("[data-room=banner]")).to_contain_text("removed")
    expect(page.locator("[data-room=steps] button:enabled")).to_have_count(0)
    bid(other, "€10")
    says(other, "You lead at €10")


@pytest.mark.parametrize("size", SIZES)
def test_a_bid_in_the_last_seconds_gives_everybody_time_to_answer(browser: Browser, stack: Stack, size: str) -> None:
    timing: dict[str, Any] = {"duration_ms": 20_000, "window_ms": 8_000, "extension_ms": 8_000, "extension_cap": 2}
    staged = stage(stack, bidders=2, **timing)
    width, height = SIZES[size]
    screen: dict[str, Any] = {"viewport": {"width": width, "height": height}}
    page = Visitor(browser, stack, staged, bidder=0, color_scheme="light", **screen).enter()
    rival = Visitor(browser, stack, staged, bidder=1, color_scheme="dark", **screen).enter()
    for seat in (page, rival):
        seat.evaluate(LISTEN_TO_FLASH)

    expect(page.locator("[data-room=timer]")).to_contain_text(re.compile(r"0:0[1-6]\.\d"), timeout=PATIENCE_MS)
    bid(page, "€10")
    says(page, "You lead at €10")
    bid(rival, "€11")
    says(page, "Bid €12")
    expect(page.locator("[data-room=strip]")).to_have_text("Outbid at €11")
    bid(page, "€12")
    says(page, "You lead at €12")

    says(page, "Won at €12")
    says(rival, "Sold at €12")
    expect(page.locator("[data-room=verdict]")).to_contain_text("Won")
    expect(rival.locator("[data-room=verdict]")).to_contain_text(f"to paddle {staged.paddles[0]}")
    expect(rival.locator("[data-room=verdict]")).to_contain_text("You were €1 below")
    for seat in (page, rival):
        assert "+8 s · 1 of 2" in seat.evaluate("window.flashes")


def test_a_lot_without_a_bid_is_told_as_that(browser: Browser, stack: Stack) -> None:
    page = Visitor(browser, stack, stage(stack, bidders=1, **QUICK), bidder=0).enter()

    expect(page.locator("[data-room=verdict]")).to_contain_text("No bids", timeout=PATIENCE_MS)
    expect(page.locator("[data-room=verdict]")).to_contain_text("offer it again")


def test_a_bid_below_the_reserve_leads_and_buys_nothing(browser: Browser, stack: Stack) -> None:
    page = Visitor(browser, stack, stage(stack, bidders=1, reserve_amount=5_000, **QUICK), bidder=0).enter()

    bid(page, "€10")
    says(page, "You lead at €10")
    expect(page.locator("[data-room=facts]")).to_contain_text("reserve not met")

    verdict = page.locator("[data-room=verdict]")
    expect(verdict).to_contain_text("Reserve not met", timeout=PATIENCE_MS)
    assert "50" not in verdict.inner_text()


def test_a_bid_that_the_host_takes_back_leaves_the_one_before_it_in_the_lead(browser: Browser, stack: Stack) -> None:
    staged = stage(stack, bidders=2, **LONG)
    page, rival = (Visitor(browser, stack, staged, bidder=index).enter() for index in (0, 1))
    bid(page, "€10")
    bid(rival, "€11")
    says(rival, "You lead at €11")

    # The database hears of a bid a moment after the room.
    command = "bid_void(bid=stored(run__lot=lot, amount=1_100), actor=actor, reason='mistake')"
    stack.manage("shell", "-v", "0", "-c", HOST.format(lot=staged.lots[0], command=command))

    says(page, "You lead at €10")
    says(rival, "Bid €11")
    expect(rival.locator("[data-room=strip]")).to_contain_text("taken back")


def test_a_lot_that_is_withdrawn_is_over_for_everybody(browser: Browser, stack: Stack) -> None:
    staged = stage(stack, bidders=1, **LONG)
    page = Visitor(browser, stack, staged, bidder=0).enter()
    bid(page, "€10")
    says(page, "You lead at €10")

    stack.manage(
        "shell", "-v", "0", "-c", HOST.format(lot=staged.lots[0], command="lot_withdraw(lot=lot, actor=actor)")
    )

    expect(page.locator("[data-room=verdict]")).to_contain_text("Withdrawn", timeout=PATIENCE_MS)
    expect(page.locator("[data-room=steps] button:enabled")).to_have_count(0)
