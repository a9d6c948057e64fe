"""A lot's page in a browser: pictures by hand and keyboard, a maximum by the socket, the price while it is open."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from auction_site.stack import Stack
from tests.browser.test_pages_room import LEAST_TARGET, SMALL_TARGETS
from tests.staging import Staged, stage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


@pytest.fixture
def browser() -> Iterator[Browser]:
    """Return the system's Chromium."""
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
        running = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=arguments)
        yield running
        running.close()


def lot_page(browser: Browser, stack: Stack, staged: Staged, lot: int, index: int = 0) -> tuple[Page, list[str]]:
    """Return a bidder's page of a lot, on a phone, and what the browser complained about."""
    context = browser.new_context(base_url=stack.url, viewport={"width": 390, "height": 844})
    context.add_cookies([{"name": "sessionid", "value": staged.sessions[index], "url": stack.url}])
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.goto(f"/lots/{staged.lots[lot]}/")
    return page, complaints


def test_a_maximum_goes_by_the_socket_and_the_page_follows_the_lot(browser: Browser, stack: Stack) -> None:
    staged = stage(stack, lots=2, duration_ms=40_000, window_ms=0, extension_ms=0, extension_cap=0)
    page, complaints = lot_page(browser, stack, staged, 1)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method) if request.method == "POST" else None)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate(SMALL_TARGETS, LEAST_TARGET) == []
    amount, button = page.get_by_label("Your maximum"), page.locator(".pre-bid-form button")
    error, own = page.locator("[data-pre-bid=error]"), page.locator("[data-pre-bid=own]")
    # A press before the socket is there sends the form, which counts too.
    page.wait_for_timeout(1_500)

    amount.fill("five")
    button.click()
    expect(error).to_have_text("Write an amount without thousands separators, like 10.")
    amount.fill("5")
    button.click()
    expect(error).to_have_text("Bid at least €10.")
    amount.fill("€ 500")
    button.click()
    expect(error).to_have_text("That is far above the price. Confirm it if you mean it.")
    expect(button).to_have_text("Confirm €500")
    amount.fill("50")
    expect(button).to_have_text("Bid for me")
    expect(error).to_be_hidden()
    amount.press("Enter")

    expect(own).to_have_text("Your maximum is €50")
    assert sent == []
    page.reload()
    expect(own).to_have_text("Your maximum is €50")
    expect(page.locator("[data-live=facts]")).to_have_text(f"Paddle {staged.paddles[0]} · 1 bid", timeout=90_000)
    expect(page.locator("[data-live=price]")).to_have_text("€10")
    expect(page.locator("[data-live=timer]")).to_have_text(re.compile(r"\d:\d\d"))
    expect(page.locator(".stamp")).to_have_text("Won", timeout=90_000)
    assert complaints == []


def test_pictures_turn_by_keyboard_and_by_their_small_ones(browser: Browser, stack: Stack) -> None:
    staged = stage(stack, pictures=3, duration_ms=170_000)
    page, complaints = lot_page(browser, stack, staged, 0)
    strip, thumbs = page.locator("[data-strip]"), page.locator("[data-thumb]")
    expect(thumbs).to_have_count(3)

    def shown(number: int) -> None:
        expect(page.locator(f"#picture-{number}")).to_be_in_viewport(ratio=0.9)
        expect(thumbs.nth(number - 1)).to_have_attribute("aria-current", "true")

    shown(1)
    strip.focus()
    page.keyboard.press("ArrowRight")
    shown(2)
    page.keyboard.press("End")
    shown(3)
    page.keyboard.press("ArrowRight")
    shown(3)
    thumbs.first.click()
    shown(1)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate(SMALL_TARGETS, LEAST_TARGET) == []
    assert complaints == []
