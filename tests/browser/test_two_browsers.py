"""Two people in one room, each in a browser of their own: the same bids, the same countdown, the same result."""

import re
import statistics
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Page, expect

from auction_site.stack import Stack
from tests.staging import Staged, stage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PATIENCE_MS = 60_000
SAME_WITHIN_MS = 100
THREE_HOURS_OFF = "(() => { const real = Date.now; Date.now = () => real() + 3 * 3600 * 1000; })()"
# When each text of the countdown appeared. `performance` counts the same for all pages of a machine; `Date` may not.
WATCH_THE_COUNTDOWN = """
() => {
  const shown = document.querySelector('[data-room="timer"]');
  window.countdown = {};
  const note = () => {
    const text = shown.textContent.trim();
    if (!(text in window.countdown)) window.countdown[text] = performance.timeOrigin + performance.now();
  };
  new MutationObserver(note).observe(shown, { childList: true, characterData: true, subtree: true });
}
"""


def enter(context_of: Browser, closing: ExitStack, stack: Stack, show: Staged, index: int, script: str = "") -> Page:
    """Return the room as a bidder sees it in a browser of their own."""
    context = closing.enter_context(context_of.new_context(viewport={"width": 1280, "height": 900}))
    context.add_cookies([{"name": "sessionid", "value": show.sessions[index], "url": stack.url}])
    if script:
        context.add_init_script(script)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    return page


def whole(text: str) -> str:
    """Return a text with every kind of space as one space."""
    return re.sub(r"\s+", " ", text).strip()


def test_two_browsers_see_the_same(stack: Stack, browser: Browser):
    show = stage(stack, bidders=2, live=True, duration_ms=45_000, window_ms=0, extension_ms=0, extension_cap=0)
    with ExitStack() as closing:
        anna = enter(browser, closing, stack, show, 0)
        boris = enter(browser, closing, stack, show, 1, THREE_HOURS_OFF)
        errors: list[str] = []
        for page in (anna, boris):
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.goto(f"{stack.url}/auctions/{show.slug}/")
            page.evaluate(WATCH_THE_COUNTDOWN)

        # One bids, both see it; then the other way round.
        for bidder, other, amount in ((anna, boris, "10"), (boris, anna, "11")):
            button = bidder.get_by_role("button", name=re.compile(rf"Bid €\s?{amount}\b"))
            # A press right after the amount changed does not bid; one from a person comes later anyway.
            expect(button).to_be_enabled(timeout=PATIENCE_MS)
            bidder.wait_for_timeout(600)
            button.click()
            for page in (bidder, other):
                expect(page.locator('[data-room="price"]')).to_contain_text(amount, timeout=PATIENCE_MS)
            expect(bidder.get_by_role("button", name=re.compile("You lead"))).to_be_visible(timeout=PATIENCE_MS)
        expect(anna.locator('[data-room="strip"]')).to_contain_text("Outbid", timeout=PATIENCE_MS)
        for page, leader in ((anna, f"Paddle {show.paddles[1]}"), (boris, "You")):
            expect(page.locator('[data-room="facts"]')).to_contain_text(f"{leader} · 2 bids", timeout=PATIENCE_MS)

        # The show ends with its only lot, so the verdict is read while it is shown.
        verdicts = []
        for page in (anna, boris):
            expect(page.locator('[data-room="verdict"]')).to_contain_text(
                re.compile("sold|won", re.I), timeout=PATIENCE_MS
            )
            verdicts.append(whole(page.locator('[data-room="verdict"]').inner_text()))
        assert all("11" in verdict for verdict in verdicts), verdicts

        shown = [page.evaluate("window.countdown") for page in (anna, boris)]
        tenths = [text for text in shown[0] if re.search(r"0:0\d\.\d", text) and text in shown[1]]
        assert len(tenths) >= 20, (len(shown[0]), len(shown[1]))
        apart = [abs(shown[0][text] - shown[1][text]) for text in tenths]
        # The median: a machine that stalls one page for a moment says nothing about its clock.
        assert statistics.median(apart) <= SAME_WITHIN_MS, sorted(apart)
        assert errors == []
