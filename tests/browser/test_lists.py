"""The lists of shows and lots: on every screen their words stay whole, and nothing lies upon something else."""

import pytest
from playwright.sync_api import Browser, expect

from auction_site.stack import Stack
from tests.browser.test_pages_room import SIZES
from tests.browser.visitor import Visitor
from tests.staging import past, stage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

# The words of an element that a line's end cuts in two.
BROKEN_WORDS = """(node) => {
  const text = document.createTreeWalker(node, NodeFilter.SHOW_TEXT).nextNode();
  const word = document.createRange();
  return [...text.data.matchAll(/\\S+/g)].filter((found) => {
    word.setStart(text, found.index);
    word.setEnd(text, found.index + found[0].length);
    return word.getClientRects().length > 1;
  }).map(([found]) => found);
}"""


@pytest.mark.parametrize("size", SIZES)
def test_the_title_of_a_show_to_come_is_never_crushed(browser: Browser, stack: Stack, size: str) -> None:
    width, height = SIZES[size]
    staged = stage(stack, lots=4, live=False, word="Photographic instruments")
    page = browser.new_page(base_url=stack.url, viewport={"width": width, "height": height})
    page.goto("/search/?q=photographic&shows=soon")
    row = page.locator(".board-row", has=page.locator(f"[href='/auctions/{staged.slug}/']"))

    expect(row.get_by_text("Remind me")).to_be_visible()
    assert row.locator("h3 a").evaluate(BROKEN_WORDS) == []


@pytest.mark.parametrize("size", SIZES)
def test_no_heart_lies_upon_what_a_lot_came_to(browser: Browser, stack: Stack, size: str) -> None:
    width, height = SIZES[size]
    staged = stage(stack, duration_ms=170_000)
    page = Visitor(browser, stack, staged, bidder=0, viewport={"width": width, "height": height}).page
    page.goto(f"/auctions/{past(stack, staged).slug}/")
    result, heart = page.get_by_text("You won", exact=True).last.bounding_box(), page.locator(".heart").bounding_box()

    assert result is not None
    assert heart is not None
    beside = result["x"] + result["width"] <= heart["x"]
    assert beside or result["y"] + result["height"] <= heart["y"] or heart["y"] + heart["height"] <= result["y"]
