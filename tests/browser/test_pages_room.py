"""The room as one person has it: from a stranger to a bid, on any screen, with a wrong clock."""

import re

import pytest
from playwright.sync_api import expect

from auction_site.stack import Stack
from tests.browser.visitor import Visitor
from tests.staging import Staged, stage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

SIZES = {"phone": (390, 844), "small": (320, 640), "tablet": (820, 1180), "desktop": (1440, 900)}
LEAST_TARGET = 44

# Whatever can be pressed and is smaller than a finger; links inside sentences are text.
SMALL_TARGETS = """(least) => [...document.querySelectorAll("button, a, input, summary, select")]
  .filter((node) => node.checkVisibility() && !node.closest("dialog:not([open])") && !node.classList.contains("skip"))
  .filter((node) => getComputedStyle(node).display !== "inline")
  .map((node) => [node.outerHTML.slice(0, 80), node.getBoundingClientRect()])
  .filter(([, box]) => box.width > 1 && (box.height < least - 0.5 || box.width < least - 0.5))
  .map(([html, box]) => `${Math.round(box.width)} by ${Math.round(box.height)}: ${html}`)"""

# Whether an element's text reaches beyond itself or beyond the button that it stands in.
CUT_OFF = """(node) => {
  const text = document.createRange();
  text.selectNodeContents(node);
  const box = (node.closest("button") ?? node).getBoundingClientRect();
  const drawn = text.getBoundingClientRect();
  return drawn.left < box.left || drawn.right > box.right || drawn.top < box.top || drawn.bottom > box.bottom;
}"""

WRONG_CLOCK = """(() => {
  const off = 3 * 60 * 60 * 1000, Real = Date;
  globalThis.Date = class extends Real {
    constructor(...given) { super(...(given.length ? given : [Real.now() + off])); }
    static now() { return Real.now() + off; }
  };
})()"""


@pytest.fixture
def staged(stack: Stack) -> Staged:
    """Return a live auction with one long lot."""
    return stage(stack, bidders=2, duration_ms=170_000, window_ms=10_000, extension_ms=10_000)


def test_a_stranger_gets_from_the_first_tap_to_a_bid_without_leaving_the_room(browser, stack, staged):
    visitor = Visitor(browser, stack, staged, viewport={"width": 390, "height": 844})
    page = visitor.enter()
    button = page.locator(".bidbutton").first
    sheet = page.get_by_role("dialog", name="Get your paddle")
    # Whoever leaves the page, or loads it again, loses this mark.
    page.evaluate("window.here = true")
    chosen = page.locator("[data-room=steps] button:visible").nth(1)
    amount = chosen.inner_text()
    chosen.click()
    expect(button).to_contain_text("Get your paddle")
    expect(button).to_contain_text(amount)

    button.click()
    expect(sheet.get_by_label("Your e-mail address")).to_be_focused()
    sheet.get_by_role("button", name="Send me a code").click()
    expect(sheet.get_by_role("alert")).to_contain_text("address")
    sheet.get_by_label("Your e-mail address").fill(f"stranger{staged.auction_id}@example.test")
    page.keyboard.press("Enter")
    code = sheet.get_by_role("textbox", name="Code", exact=True)
    expect(code).to_be_focused()
    right = sheet.locator("[data-demo] b").inner_text()
    code.fill(right[::-1] if right != right[::-1] else "1234-5678")
    expect(sheet.get_by_role("alert")).to_be_visible()

    # Somebody looks something up, and comes back to the same step.
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    button.click()
    code.fill(right)
    expect(sheet.get_by_text("A bid is binding. Tax")).to_be_visible()
    expect(sheet.locator("[data-lot-line]")).to_contain_text("Lot 1")
    sheet.get_by_role("button", name="Accept and get my paddle").click()
    expect(sheet.locator("[data-number]")).to_have_text("103")
    expect(sheet.locator("[data-waits]")).to_contain_text(amount)
    sheet.get_by_role("button", name="Start bidding").click()

    # Nothing was bid for them; what they had chosen waits.
    expect(page.locator("[data-room=price]")).to_contain_text("10")
    expect(button).to_contain_text(f"Bid {amount}")
    page.wait_for_timeout(400)
    button.click()
    expect(button).to_contain_text(f"You lead at {amount}")
    assert page.evaluate("window.here")
    refused = [text for text in visitor.complaints if "422" not in text]
    assert refused == []


def test_who_is_signed_in_has_one_step_to_a_paddle_also_by_keyboard_alone(browser, stack):
    staged = stage(stack, bidders=1, duration_ms=170_000)
    visitor = Visitor(browser, stack, staged, bidder=0, viewport={"width": 1440, "height": 900})
    other = stage(stack, bidders=0, duration_ms=170_000)
    visitor.room = f"/auctions/{other.slug}/"
    page = visitor.enter()
    button = page.locator(".bidbutton").first
    expect(button).to_contain_text("Get your paddle")
    button.focus()
    page.keyboard.press("Enter")
    sheet = page.get_by_role("dialog", name="Get your paddle")
    expect(sheet.get_by_text("A bid is binding. Tax")).to_be_visible()
    accept = sheet.get_by_role("button", name="Accept and get my paddle")
    for _ in range(8):
        if accept.evaluate("element => element === document.activeElement"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(sheet.locator("[data-number]")).to_have_text("101")
    page.keyboard.press("Enter")
    expect(sheet).to_be_hidden()
    expect(button).to_contain_text("Bid ")
    expect(button).to_be_focused()
    assert visitor.complaints == []


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_room_fits_every_screen(browser, stack, staged, size, scheme):
    width, height = SIZES[size]
    visitor = Visitor(
        browser, stack, staged, bidder=0, viewport={"width": width, "height": height}, color_scheme=scheme
    )
    page = visitor.enter()

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    box = page.locator(".bidbutton").first.bounding_box()
    assert box is not None
    assert box["height"] == 64
    assert box["y"] + box["height"] <= height
    assert page.evaluate(SMALL_TARGETS, LEAST_TARGET) == []
    assert visitor.complaints == []


@pytest.mark.parametrize("size", SIZES)
def test_what_people_write_never_widens_a_page(browser, stack, size):
    width, height = SIZES[size]
    staged = stage(stack, word="Donaudampfschifffahrt" * 4, opening_amount=1_234_567_800, duration_ms=170_000)
    visitor = Visitor(browser, stack, staged, bidder=0, viewport={"width": width, "height": height})
    page = visitor.enter()

    for path in (visitor.room, f"/lots/{staged.lots[0]}/", "/", "/my/bids/"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    assert visitor.complaints == []


def test_no_amount_is_ever_cut_off(browser, stack):
    staged = stage(stack, opening_amount=1_234_567_800, duration_ms=170_000)
    page = Visitor(browser, stack, staged, bidder=0, viewport={"width": 360, "height": 740}).enter()
    steps = page.locator("[data-room=steps] button:visible")
    expect(steps.first).to_have_text("€12,345,678")
    expect(steps).to_have_count(3)

    steps.last.click()
    # The sheet lies over the price and the clock, and so says both.
    expect(page.locator("#amount-sheet [data-lot-line]")).to_have_text(re.compile(r"Lot 1 · .+ · \d:\d\d"))
    page.get_by_text("Bid exactly this").click()
    page.get_by_role("textbox", name="Amount").fill("5000000000")
    page.get_by_role("button", name="Bid €5,000,000,000").click()
    expect(page.locator(".bidbutton").first).to_contain_text("Confirm €5,000,000,000")

    for shown in (*steps.all(), page.locator(".bidbutton .words").first, page.locator("[data-room=price]")):
        assert shown.evaluate(CUT_OFF) is False, shown.text_content()


@pytest.mark.parametrize("size", ["small", "phone"])
def test_the_way_out_of_a_jump_is_whole_in_a_longer_language(browser, stack, staged, size):
    width, height = SIZES[size]
    visitor = Visitor(browser, stack, staged, bidder=0, locale="de-DE", viewport={"width": width, "height": height})
    page = visitor.enter()
    page.locator("[data-room=steps] button").last.click()
    page.locator("#amount-sheet [name=kind][value=bid]").check()
    page.locator("#amount-sheet [name=amount]").fill("50000")
    page.locator("#amount-sheet button[type=submit]").click()

    for part in ("Abbrechen", "50.000\u00a0€ bestätigen"):
        line = page.locator(".bidbutton .line1", has_text=part)
        assert line.evaluate("node => node.scrollWidth <= node.clientWidth"), part


def test_the_strip_says_one_thing_at_a_time(browser, stack, staged):
    page = Visitor(browser, stack, staged, bidder=0).enter()

    expect(page.locator("[data-room=strip]")).to_have_text(f"You are paddle {staged.paddles[0]}")


def test_what_was_won_is_still_told_after_a_reload(browser, stack):
    staged = stage(stack, lots=2, duration_ms=25_000, window_ms=0, extension_ms=0, extension_cap=0)
    page = Visitor(browser, stack, staged, bidder=0).enter()
    page.wait_for_timeout(400)
    page.locator(".bidbutton").first.click()
    won = page.locator("[data-room=won]")
    expect(won).to_have_text("You: 1 lot won, €10.00", timeout=60_000)
    expect(page.locator(f".run-row[data-lot='{staged.lots[0]}'] .state")).to_have_text("€10 ✓ won")
    expect(page.locator("[data-room=number]")).to_have_text("Lot 2", timeout=30_000)
    # The database hears of it a moment after the room.
    for _again in range(20):
        page.wait_for_timeout(1_500)
        page.reload()
        if won.inner_text():
            break

    expect(won).to_have_text("You: 1 lot won, €10.00")


def test_the_menu_of_a_phone_leads_out_of_the_room(browser, stack, staged):
    page = Visitor(browser, stack, staged, bidder=0, viewport={"width": 390, "height": 844}).enter()
    expect(page.get_by_role("link", name="My bids")).to_be_hidden()

    page.get_by_role("button", name="Menu").click()
    page.get_by_role("link", name="My bids").click()

    expect(page.get_by_role("heading", name="My bids")).to_be_visible()


def test_on_a_desktop_only_the_panels_scroll(browser, stack, staged):
    page = Visitor(browser, stack, staged, bidder=0, viewport={"width": 1440, "height": 700}).enter()

    page.get_by_role("link", name="About this lot").click()

    assert page.evaluate("document.scrollingElement.scrollHeight") <= 700
    expect(page.get_by_role("heading", name="This lot")).to_be_in_viewport()
    expect(page.locator("[data-room=timer]")).to_be_in_viewport(ratio=1)


def test_the_button_never_moves(browser, stack, staged):
    visitor = Visitor(browser, stack, staged, bidder=0, viewport={"width": 390, "height": 844})
    rival = Visitor(browser, stack, staged, bidder=1).enter()
    page = visitor.enter()
    button, other = page.locator(".bidbutton").first, rival.locator(".bidbutton").first
    places = [button.bounding_box()]

    for mine, theirs in (("You lead at", "Bid"), ("Bid", "You lead at")):
        page.wait_for_timeout(400)
        (button if theirs == "Bid" else other).click()
        expect(button).to_contain_text(mine)
        expect(other).to_contain_text(theirs)
        places.append(button.bounding_box())

    expect(page.locator("[data-room=strip]")).to_contain_text("Outbid at")
    assert places[1:] == places[:-1]


def test_a_clock_that_is_hours_wrong_changes_nothing(browser, stack, staged):
    wrong = Visitor(browser, stack, staged)
    wrong.page.add_init_script(WRONG_CLOCK)
    right = Visitor(browser, stack, staged)
    for visitor in (wrong, right):
        visitor.enter()
    right.page.wait_for_timeout(2_000)
    shown = [visitor.page.locator("[data-room=timer] span").last.text_content() or "" for visitor in (wrong, right)]

    seconds = [int(text.split(":")[0]) * 60 + float(text.split(":")[1]) for text in shown]
    assert abs(seconds[0] - seconds[1]) <= 1
