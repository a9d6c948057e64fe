"""Whole stories in a browser that runs no scripts: read, sign in, get a paddle, watch, bid, be refused, win."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from auction_site.stack import Stack
from tests.staging import Staged, stage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

PHONE: ViewportSize = {"width": 390, "height": 844}
LEFT = re.compile(r"\d:\d\d(\.\d)?\s+left at \d\d:\d\d:\d\d")


@pytest.fixture
def browser() -> Iterator[Browser]:
    """Return the system's Chromium with scripts switched off in its settings, so that `noscript` is shown too."""
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-dev-shm-usage", "--blink-settings=scriptEnabled=false"]
        running = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=arguments)
        yield running
        running.close()


def person(browser: Browser, stack: Stack, staged: Staged | None = None, index: int = 0) -> Page:
    """Return the page of somebody with a phone: of a bidder where a show is given, else of a stranger."""
    context = browser.new_context(base_url=stack.url, viewport=PHONE)
    if staged is not None:
        context.add_cookies([{"name": "sessionid", "value": staged.sessions[index], "url": stack.url}])
    return context.new_page()


def room_of(staged: Staged) -> str:
    return f"/auctions/{staged.slug}/"


def enter(page: Page, staged: Staged) -> None:
    """Go to the room and load it again until its lot is open, as somebody without scripts does."""
    page.goto(room_of(staged))
    for _again in range(60):
        if LEFT.search(page.locator("[data-room=timer]").inner_text()):
            return
        page.wait_for_timeout(500)
        page.reload()
    pytest.fail("no lot opened")


def offer(page: Page, amount: str, *, maximum: bool = False) -> None:
    """Write an amount and send it."""
    page.get_by_role("textbox", name="Amount").fill(amount)
    if maximum:
        page.get_by_label("maximum").check()
    page.get_by_role("button", name="Offer").click()


def strip(page: Page) -> str:
    return page.locator("[data-room=strip]").inner_text().strip()


def test_a_stranger_reads_signs_in_gets_a_paddle_and_bids(browser: Browser, stack: Stack) -> None:
    staged = stage(stack, word="Lantern", duration_ms=170_000)
    page = person(browser, stack)
    enter(page, staged)
    page.goto("/")
    page.get_by_role("link", name=re.compile("Staged show .* Lantern")).first.click()
    expect(page.locator("[data-room=timer]")).to_have_text(LEFT)
    # Texts inside `noscript` are found by selector alone.
    expect(page.locator("noscript .message")).to_contain_text("Without JavaScript this page stands still")
    expect(page.locator("noscript .message")).to_be_visible()

    page.get_by_role("link", name=re.compile("1 Lantern 1")).click()
    expect(page.get_by_role("heading", name="The rules of this lot")).to_be_visible()
    expect(page.get_by_text("A bid in the last 30 s adds 30 s, at most 20 times.")).to_be_visible()
    # A thousand to one person is one and a bit to another.
    page.get_by_label("If you win at").fill("1,200")
    page.get_by_role("button", name="Work it out").click()
    expect(page.locator("#costs-error")).to_contain_text("Write it without thousands separators.")
    page.get_by_label("If you win at").fill("1,200.00")
    page.get_by_role("button", name="Work it out").click()
    expect(page.locator(".costs .total")).to_contain_text("€1,200.00")

    page.get_by_role("link", name="Bid in the room").click()
    page.get_by_role("link", name="Get your paddle").click()
    page.get_by_role("link", name="Create an account").click()
    page.locator("[name=email]").fill(f"still{staged.auction_id}@example.test")
    page.locator("[name=password1]").fill("a-long-enough-secret")
    page.get_by_role("button", name="Create an account").click()
    page.get_by_label("I accept the conditions of sale").check()
    page.get_by_role("button", name="Get my paddle").click()
    expect(page.get_by_text("You are 103.")).to_be_visible()

    page.get_by_role("button", name=re.compile("^Bid €10")).click()

    expect(page.get_by_text("Your bid counts: you lead.")).to_be_visible()
    assert strip(page) == "You lead at €10"
    assert page.url.endswith(room_of(staged))


def test_two_people_bid_by_form_and_watch_by_loading_again(browser: Browser, stack: Stack) -> None:
    staged = stage(stack, duration_ms=170_000)
    anna, boris = person(browser, stack, staged, 0), person(browser, stack, staged, 1)
    enter(anna, staged)
    anna.get_by_role("button", name=re.compile("^Bid €10")).click()
    boris.goto(room_of(staged))
    offer(boris, "€ 25")
    assert strip(boris) == "You lead at €25"

    anna.get_by_role("link", name="Load it again").click()

    assert strip(anna) == "Outbid at €25"
    expect(anna.get_by_role("button", name=re.compile("^Bid €26"))).to_be_visible()
    expect(anna.locator("[data-room=timer]")).to_have_text(LEFT)
    offer(anna, "60", maximum=True)
    assert strip(anna) == "You lead at €26"
    boris.get_by_role("link", name="Load it again").click()
    offer(boris, "40")
    assert strip(boris) == "Outbid at €41"
    expect(boris.get_by_text("Your bid counted, and was outbid at once.")).to_be_visible()


def test_a_page_that_is_asked_to_watch_loads_itself_again(browser: Browser, stack: Stack) -> None:
    staged = stage(stack, duration_ms=170_000)
    page = person(browser, stack, staged)
    enter(page, staged)
    before = page.locator("[data-room=timer]").inner_text()
    page.get_by_role("link", name="every 10 seconds by itself").click()

    made = page.locator(".made")
    first = made.inner_text()
    expect(made).not_to_have_text(first, timeout=60_000)

    assert page.locator("[data-room=timer]").inner_text() != before
    page.get_by_role("link", name="Stop that").click()
    assert "watch" not in page.url


def test_a_refusal_stands_where_the_amount_was_written(browser: Browser, stack: Stack) -> None:
    staged = stage(stack, duration_ms=170_000)
    page = person(browser, stack, staged)
    enter(page, staged)
    for written, sentence in (
        ("5", "Bid at least €10.00."),
        ("five", "That is not an amount in EUR. Write it without thousands separators."),
    ):
        offer(page, written)
        alert = page.get_by_role("alert")
        expect(alert).to_have_text(sentence)
        expect(alert).to_be_in_viewport(ratio=1)
    offer(page, "10")
    offer(page, "20")
    expect(page.get_by_role("alert")).to_have_text("You lead already.")


def test_a_jump_is_asked_for_twice(browser: Browser, stack: Stack) -> None:
    staged = stage(stack, duration_ms=170_000)
    page = person(browser, stack, staged)
    enter(page, staged)
    offer(page, "12345")
    expect(page.get_by_role("alert")).to_have_text("That is far above the price. Confirm it if you mean it.")
    button = page.get_by_role("button", name="Confirm €12,345")
    text = button.locator(".line1 span")
    box, inside = text.bounding_box(), button.bounding_box()
    assert box is not None
    assert inside is not None
    assert inside["x"] <= box["x"], "an amount that is cut off would be another amount"
    assert box["x"] + box["width"] <= inside["x"] + inside["width"]

    page.get_by_role("link", name="Cancel").click()
    assert strip(page) == f"You are paddle {staged.paddles[0]}"
    offer(page, "12345")
    button.click()

    assert strip(page) == "You lead at €12,345"


def test_a_maximum_left_before_the_lot_opens_wins_it(browser: Browser, stack: Stack) -> None:
    staged = stage(stack, lots=2, duration_ms=20_000, window_ms=0, extension_ms=0, extension_cap=0)
    page = person(browser, stack, staged)
    page.goto(f"/lots/{staged.lots[1]}/")
    page.get_by_label("Your maximum").fill("50")
    page.get_by_role("button", name="Bid for me").click()
    expect(page.get_by_text("Your maximum is €50")).to_be_visible()

    # Both lots run their time; the second opens with the maximum and nobody else's.
    for _again in range(100):
        page.goto(f"/lots/{staged.lots[1]}/")
        if page.locator(".stamp").count():
            break
        page.wait_for_timeout(1_000)

    expect(page.locator(".stamp")).to_have_text("Won")
    expect(page.locator(".price")).to_have_text("€10")
    page.goto("/my/bids/")
    expect(page.get_by_role("link", name=re.compile("Thing 2")).first).to_be_visible()
