"""The site in German, on a telephone: no English word is left, nothing is wider than the screen, no button moves."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from auction_site.stack import Stack
from tests.browser.test_axe import PAGES, address
from tests.browser.test_room_everywhere import WATCH_BUTTON
from tests.browser.visitor import Visitor
from tests.staging import Past, Staged, past, stage
from tests.test_in_german import is_english

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

PATIENCE_MS = 60_000
PHONE: ViewportSize = {"width": 390, "height": 844}
LONG: dict[str, Any] = {"duration_ms": 170_000, "window_ms": 0, "extension_ms": 0, "extension_cap": 0}
READ = """() => {
  const texts = [document.title];
  const walk = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode;
    if (!node.parentElement.closest("script, style, template, noscript, code, [lang]:not(html)")) texts.push(node.data);
  }
  for (const node of document.querySelectorAll("*")) {
    for (const name of ["title", "aria-label", "placeholder", "alt", "aria-roledescription"]) {
      if (node.hasAttribute(name)) texts.push(node.getAttribute(name));
    }
  }
  return texts.map((text) => text.replace(/\\s+/g, " ").trim()).filter((text) => /\\p{L}{2}/u.test(text));
}"""
WRITTEN_BY_PEOPLE = re.compile(
    r"Staged show|A bid is binding\.|Stage \d|Clocks and lamps|Clocks of the north|Brass lamp|Wall clock"
    r"|nothing of that name|@example\.test|Thing|clock · Paddle$"
)


def leaks(page: Page) -> list[str]:
    """Return the texts of a page that are English."""
    texts = [text for text in page.evaluate(READ) if not WRITTEN_BY_PEOPLE.search(text)]
    return [text for text in texts if is_english(text)]


@pytest.fixture(scope="module")
def shows(stack: Stack) -> tuple[Staged, Past]:
    """Return a live show with a long lot, and one that is over."""
    staged = stage(stack, bidders=2, lots=2, duration_ms=3_000_000)
    return staged, past(stack, staged)


@pytest.mark.parametrize(("person", "path"), [(person, path) for person, paths in PAGES.items() for path in paths])
def test_a_page_has_no_english_word_and_fits_the_telephone(browser: Browser, stack: Stack, shows, person, path):
    staged, gone = shows
    context = browser.new_context(base_url=stack.url, locale="de-DE", viewport=PHONE)
    session = {"bidder": staged.sessions[0], "host": staged.host_session}.get(person)
    if session:
        context.add_cookies([{"name": "sessionid", "value": session, "url": stack.url}])
    page = context.new_page()
    page.goto(address(path, staged, gone), wait_until="load")

    expect(page.locator("html")).to_have_attribute("lang", "de")
    assert leaks(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_what_is_english_is_found(browser: Browser):
    page = browser.new_page(locale="de-DE")
    page.set_content(
        "<title>Ende</title><p>You lead at €10</p><button aria-label='Sign in'>Los 1</button><p lang=en>Bid</p>"
    )
    assert leaks(page) == ["You lead at €10", "Sign in"]


def test_a_german_telephone_bids_is_outbid_and_bids_again(browser: Browser, stack: Stack):
    staged = stage(stack, bidders=2, lots=2, **LONG)
    visitor = Visitor(browser, stack, staged, bidder=0, locale="de-DE", viewport=PHONE)
    page = visitor.enter()
    rival = Visitor(browser, stack, staged, bidder=1).enter()
    button, strip = page.locator(".bidbutton").first, page.locator("[data-room=strip]")

    def says(text: str) -> None:
        expect(button).to_contain_text(text, timeout=PATIENCE_MS)
        assert leaks(page) == []

    says("10\u00a0€ bieten")
    expect(page.locator("[data-room=price]")).to_contain_text("10\u00a0€")
    page.evaluate(WATCH_BUTTON)
    page.wait_for_timeout(500)
    button.click()
    says("Sie führen mit 10\u00a0€")

    expect(rival.locator(".bidbutton").first).to_contain_text("Bid €11", timeout=PATIENCE_MS)
    rival.wait_for_timeout(500)
    rival.locator(".bidbutton").first.click()
    says("12\u00a0€ bieten")
    expect(strip).to_have_text("Überboten bei 11\u00a0€")

    # The German comma, and what could be a thousand or one and a bit.
    page.locator("[data-room=steps] button").last.click()
    amount, error = page.locator("#amount-sheet [name=amount]"), page.locator("#amount-error")
    amount.fill("1.234")
    page.locator("#amount-sheet button[type=submit]").click()
    expect(error).to_have_text("Schreiben Sie einen Betrag ohne Tausendertrennzeichen, etwa 12.")
    amount.fill("12,50")
    page.locator("#amount-sheet [name=kind][value=bid]").check()
    expect(page.locator("#amount-sheet button[type=submit]")).to_have_text("12,50\u00a0€ bieten")
    page.locator("#amount-sheet button[type=submit]").click()
    says("Sie führen mit 12,50\u00a0€")

    places = page.evaluate("window.places")
    assert {"ready", "leading", "outbid"} <= set(places)
    assert len(set(places.values())) == 1, places
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert visitor.complaints == []


def test_the_switch_works_without_javascript(browser: Browser, stack: Stack):
    context = browser.new_context(base_url=stack.url, java_script_enabled=False, viewport=PHONE)
    page = context.new_page()
    page.goto("/accounts/login/?next=/")
    page.get_by_role("button", name="Deutsch").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Anmelden")
    assert page.url.endswith("/accounts/login/?next=/")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
