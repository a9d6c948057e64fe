"""The board in a browser: a screen that is not signed in through a lot's life, over a video, back after a loss."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from auction_site.stack import Stack
from tests.staging import Staged, stage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

SCREENS = {"hall": (1920, 1080), "small": (1280, 720), "phone": (390, 844)}
# What lies over the edge of the screen, or has its text cut off.
OUTSIDE = """() => [...document.querySelectorAll("[data-board], .board-qr")].filter((node) => {
  const { left, right, bottom } = node.getBoundingClientRect();
  const isOutside = left < -1 || right > innerWidth + 1 || bottom > document.documentElement.scrollHeight + 1;
  return node.checkVisibility() && isOutside;
}).map((node) => node.outerHTML.slice(0, 80))"""


@pytest.fixture
def browser() -> Iterator[Browser]:
    """Return the system's Chromium."""
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
        running = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=arguments)
        yield running
        running.close()


def screen(browser: Browser, stack: Stack, path: str, size: tuple[int, int] = (1920, 1080)) -> Page:
    """Return a page of a screen where nobody is signed in."""
    context = browser.new_context(base_url=stack.url, viewport={"width": size[0], "height": size[1]})
    page = context.new_page()
    page.goto(path)
    return page


def bidder(browser: Browser, stack: Stack, staged: Staged, index: int = 0) -> Page:
    """Return a bidder's page in the open room."""
    context = browser.new_context(base_url=stack.url)
    context.add_cookies([{"name": "sessionid", "value": staged.sessions[index], "url": stack.url}])
    page = context.new_page()
    page.goto(f"/auctions/{staged.slug}/")
    expect(page.locator(".bidbutton").first).to_contain_text("Bid €", timeout=60_000)
    page.wait_for_timeout(400)
    return page


def test_a_hall_follows_a_lot_from_its_opening_to_its_stamp(browser: Browser, stack: Stack) -> None:
    staged = stage(stack, lots=2, duration_ms=40_000, window_ms=40_000, extension_ms=5_000, extension_cap=1)
    context = browser.new_context(base_url=stack.url)
    context.add_cookies([{"name": "sessionid", "value": staged.host_session, "url": stack.url}])
    host = context.new_page()
    host.goto(f"/host/auctions/{staged.auction_id}/")
    host.get_by_role("button", name="Make a link").click()
    link = host.get_by_label("For a screen").input_value()

    board = screen(browser, stack, link)
    complaints: list[str] = []
    board.on("pageerror", lambda error: complaints.append(str(error)))
    board.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    price, flash = board.locator("[data-board=price]"), board.locator("[data-board=flash]")
    anna = bidder(browser, stack, staged)
    expect(board.locator("[data-board=timer]")).to_have_text(re.compile(r"\d:\d\d"))
    assert price.evaluate("(node) => parseFloat(getComputedStyle(node).fontSize)") >= 160

    anna.locator(".bidbutton").first.click()

    expect(board.locator("[data-board=facts]")).to_have_text(f"Paddle {staged.paddles[0]} · 1 bid")
    expect(flash).to_have_text("+5 s · 1 of 1", timeout=30_000)
    verdict = board.locator("[data-board=verdict]")
    expect(verdict).to_contain_text(re.compile(rf"sold.*€10.*to paddle {staged.paddles[0]}", re.I), timeout=90_000)
    expect(board.locator("[data-board=number]")).to_have_text("Lot 2", timeout=30_000)
    expect(verdict).to_be_hidden()
    assert complaints == []

    host.get_by_role("button", name="End the link").click()

    expect(board.locator("[data-board=trouble]")).to_contain_text("worth nothing any more", timeout=30_000)
    assert board.reload() is not None
    expect(board.locator("body")).not_to_contain_text("Lot 2")


@pytest.mark.parametrize("size", SCREENS)
def test_the_board_fits_its_screen_whatever_is_sold(browser: Browser, stack: Stack, size: str) -> None:
    staged = stage(stack, word="Donaudampfschifffahrt" * 4, opening_amount=1_234_567_800, duration_ms=170_000)
    board = screen(browser, stack, f"/auctions/{staged.slug}/board/", SCREENS[size])
    expect(board.locator("[data-board=timer]")).to_have_text(re.compile(r"\d:\d\d"), timeout=60_000)

    assert board.evaluate("document.documentElement.scrollWidth") <= SCREENS[size][0]
    assert board.evaluate(OUTSIDE) == []


def test_over_a_video_only_a_strip_is_not_transparent(browser: Browser, stack: Stack) -> None:
    staged = stage(stack, duration_ms=170_000)
    board = screen(browser, stack, f"/auctions/{staged.slug}/board/?transparent=1")
    expect(board.locator("[data-board=timer]")).to_have_text(re.compile(r"\d:\d\d"), timeout=60_000)

    for whole in ("html", "body", "main"):
        assert board.locator(whole).evaluate("(node) => getComputedStyle(node).backgroundColor") == "rgba(0, 0, 0, 0)"
    strip = board.locator(".board-lot").bounding_box()
    assert strip is not None
    assert strip["y"] > 1080 / 2
    assert strip["x"] + strip["width"] <= 1920
    expect(board.locator(".board-qr")).to_be_hidden()


def test_a_board_that_lost_the_site_comes_back_by_itself(browser: Browser, stack: Stack) -> None:
    staged = stage(stack, duration_ms=170_000)
    board = screen(browser, stack, f"/auctions/{staged.slug}/board/")
    expect(board.locator("[data-board=timer]")).to_have_text(re.compile(r"\d:\d\d"), timeout=60_000)
    anna = bidder(browser, stack, staged)

    board.context.set_offline(True)
    expect(board.locator("[data-board=trouble]")).to_have_text("Connection lost. Reconnecting…", timeout=60_000)
    anna.locator(".bidbutton").first.click()
    expect(anna.locator(".bidbutton").first).to_contain_text("You lead at €10")
    board.context.set_offline(False)

    expect(board.locator("[data-board=facts]")).to_contain_text("1 bid", timeout=60_000)
    expect(board.locator("[data-board=trouble]")).to_be_hidden()
