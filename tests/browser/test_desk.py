"""A host runs a show from the Live desk, by keys and by thumb, while others bid in browsers of their own."""

import re

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from auction_site.stack import Stack
from tests.browser.visitor import Visitor
from tests.staging import Staged, stage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

SIZES = {"phone": (390, 844), "desktop": (1440, 900)}
WARNING_MS = 20_000


@pytest.fixture
def staged(stack: Stack) -> Staged:
    """Return a scheduled auction with four long lots and two bidders."""
    return stage(stack, bidders=2, lots=4, live=False, duration_ms=280_000)


class Host:
    """The host's page at the desk."""

    def __init__(self, browser: Browser, stack: Stack, staged: Staged, size: str) -> None:
        width, height = SIZES[size]
        context = browser.new_context(
            base_url=stack.url, viewport={"width": width, "height": height}, has_touch=size == "phone"
        )
        context.add_cookies([{"name": "sessionid", "value": staged.host_session, "url": stack.url}])
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        self.page.goto(f"/admin/auctions/auction/{staged.auction_id}/desk/")
        self.button = self.page.locator("[data-desk=primary] button")
        self.said = self.page.locator(".desk-bar [data-desk=said]")

    def part(self, name: str) -> Locator:
        return self.page.locator(f"[data-desk={name}]")

    def ready(self, title: str) -> None:
        """Wait until the large button says this, and is past what guards it from a press that meant another."""
        expect(self.button.locator(".line1")).to_have_text(title, timeout=WARNING_MS)
        expect(self.button).to_have_attribute("aria-disabled", "false")
        self.page.wait_for_timeout(350)

    def space(self, title: str) -> None:
        """Press Space for what the large button says."""
        self.ready(title)
        self.page.keyboard.press("Space")

    def tap(self, title: str) -> None:
        """Tap the large button for what it says."""
        self.ready(title)
        self.button.tap()

    def more(self, what: str, button: str, **fields: str) -> None:
        """Open one of the rare things, fill its form in, and mean it."""
        sheet = self.page.locator("#more-sheet")
        if not sheet.is_visible():
            self.page.get_by_role("button", name="More").click()
        self.page.locator("#more-sheet details", has_text=what).locator("summary").first.click()
        form = sheet.locator("details[open] form")
        for name, value in fields.items():
            field = form.locator(f"[name={name}]")
            if name == "reason":
                field.select_option(value)
            else:
                field.fill(value)
        self.before_meant(form)
        form.get_by_role("button", name=button, exact=True).click()
        expect(sheet).not_to_be_visible()

    def before_meant(self, form: Locator) -> None:
        """Look at the form; tests may say at what."""

    def by_hand(self) -> None:
        """Open each lot by hand from now on."""
        self.page.get_by_role("button", name="More").click()
        self.page.locator("#more-sheet summary", has_text="Autopilot").click()
        self.page.locator("#more-sheet [name=on]").uncheck()
        self.page.get_by_role("button", name="Set", exact=True).click()
        expect(self.said).to_have_text("You open each lot.")


def enter(browser: Browser, stack: Stack, staged: Staged, bidder: int) -> Visitor:
    """Let a bidder into the room, where a lot is open."""
    visitor = Visitor(browser, stack, staged, bidder=bidder)
    visitor.enter()
    return visitor


def bids(visitor: Visitor, amount: str) -> None:
    """Bid what the button offers, once it has said so for longer than what guards it."""
    button = visitor.page.locator(".bidbutton").first
    expect(button).to_contain_text(f"Bid {amount}", timeout=15_000)
    visitor.page.wait_for_timeout(350)
    button.click()
    expect(button).to_contain_text(f"You lead at {amount}", timeout=15_000)


def test_an_evening_by_keys(browser: Browser, stack: Stack, staged: Staged) -> None:
    host = Host(browser, stack, staged, "desktop")
    host.by_hand()
    host.space("Go live")
    host.space("Open lot 1")
    anna, boris = (enter(browser, stack, staged, bidder) for bidder in (0, 1))
    bids(anna, "€10")
    expect(host.part("leader")).to_have_text("Paddle 101")
    expect(host.part("line")).to_have_text("nobody next in line")

    host.page.keyboard.press("p")
    expect(anna.page.locator(".bidbutton").first).to_contain_text("Paused by the host")
    host.space("Resume")
    bids(boris, "€11")
    expect(host.part("line")).to_have_text("next in line: 101 at €10")

    foretold: list[str] = []

    def look(form: Locator) -> None:
        expect(form.locator("[data-consequence]")).not_to_be_empty()
        foretold.append(form.locator("[data-consequence]").inner_text())

    host.before_meant = look  # type: ignore[method-assign]
    host.more("Take a bid back", "Take it back", paddle="102", reason="mistake")
    assert foretold == ["Paddle 102 leads at €11. The price becomes €10, and paddle 101 leads."]
    expect(host.part("price")).to_contain_text("€10")
    expect(host.part("leader")).to_have_text("Paddle 101")
    host.before_meant = lambda form: None  # type: ignore[method-assign]

    host.space("Fair warning")
    expect(host.button.locator(".line1")).to_have_text(re.compile(r"Hammer in \d+ s"))
    host.page.keyboard.press("Space")
    host.ready("Hammer")
    expect(host.button.locator(".line2")).to_have_text("sells to paddle 101 at €10")
    host.page.keyboard.press("Space")
    sold = host.part("over").locator("li")
    expect(sold.first).to_contain_text("€10 · 101")

    host.more("Reopen this lot", "Reopen", reason="late_bid")
    bids(boris, "€11")
    host.space("Fair warning")
    host.space("Hammer")
    expect(sold.first).to_contain_text("€11 · 102")
    # The sum is of what is stored, a moment after the hammer.
    expect(host.part("totals")).to_have_text("1 sold · €11", timeout=WARNING_MS)

    host.space("Open lot 2")
    expect(anna.page.locator("[data-room=number]")).to_have_text("Lot 2")
    host.space("Fair warning")
    host.ready("Hammer")
    expect(host.button.locator(".line2")).to_have_text("no bids: it passes")
    host.page.keyboard.press("Space")
    host.ready("Offer again at €5")
    expect(host.part("second")).to_have_text("Open lot 3")
    host.page.keyboard.press("Space")
    host.space("Open lot 2")
    bids(anna, "€5")
    host.more("Withdraw this lot", "Withdraw", reason="damage")
    expect(anna.page.locator("[data-room=verdict]")).to_contain_text("Withdrawn")

    # Lot 4 before lot 3, and one that nobody prepared before both.
    host.page.get_by_role("button", name="Move lot 4 up").click()
    host.ready("Open lot 4")
    host.page.keyboard.press("q")
    host.page.locator("#quick-name").fill("Brass bell")
    host.page.locator("#quick-amount").fill("25")
    host.page.get_by_role("button", name="Open it now").click()
    expect(host.part("title")).to_have_text("Brass bell")
    bids(boris, "€25")
    host.page.keyboard.press("?")
    expect(host.page.locator("#keys-sheet")).to_be_visible()
    host.page.keyboard.press("Escape")
    host.more("Withdraw this lot", "Withdraw", reason="host")
    host.ready("Open lot 4")
    host.more("End the show", "End the show")
    expect(host.button.locator(".line1")).to_have_text("The show is over")
    assert host.complaints == anna.complaints == boris.complaints == []


def test_one_thumb_runs_a_show_and_bans_a_bidder(browser: Browser, stack: Stack, staged: Staged) -> None:
    host = Host(browser, stack, staged, "phone")
    host.by_hand()
    host.tap("Go live")
    host.tap("Open lot 1")
    anna, boris = (enter(browser, stack, staged, bidder) for bidder in (0, 1))
    bids(anna, "€10")
    bids(boris, "€11")
    width, height = SIZES["phone"]
    box = host.button.bounding_box()
    assert box is not None
    assert box["y"] > height * 0.7, "where the thumb is"
    assert box["width"] > width * 0.9

    say = boris.page.locator("#say")
    say.fill("buy my coins")
    say.press("Enter")
    host.page.get_by_role("link", name="Chat").tap()
    host.part("chat").get_by_role("button", name="buy my coins").tap()
    host.page.get_by_role("button", name="Mute for 10 minutes").tap()
    expect(say).to_be_disabled()
    host.part("chat").get_by_role("button", name="buy my coins").tap()
    host.page.get_by_role("button", name="Ban from the auction").tap()
    form = host.page.locator("#more-sheet details[open] form")
    expect(form.locator("[name=paddle]")).to_have_value("102")
    expect(form.locator("[data-consequence]")).to_have_text(
        "Paddle 102 leads at €11. The price becomes €10, and paddle 101 leads."
    )
    form.locator("[name=take_back]").check()
    form.locator("[name=reason]").select_option("dispute")
    form.get_by_role("button", name="Ban", exact=True).tap()
    expect(host.part("leader")).to_have_text("Paddle 101")
    expect(host.part("price")).to_contain_text("€10")
    expect(boris.page.locator("[data-room=banner]")).to_contain_text("You were removed", timeout=15_000)
    expect(anna.page.locator(".bidbutton").first).to_contain_text("You lead at €10")
    assert host.page.evaluate("document.documentElement.scrollWidth") == width
    assert host.complaints == []


def test_two_desks_agree(browser: Browser, stack: Stack, staged: Staged) -> None:
    host = Host(browser, stack, staged, "desktop")
    host.by_hand()
    other = Host(browser, stack, staged, "phone")
    host.space("Go live")
    other.tap("Open lot 1")
    host.ready("Fair warning")
    host.page.keyboard.press("p")
    other.tap("Resume")
    host.space("Fair warning")
    expect(other.button.locator(".line1")).to_have_text(re.compile(r"Hammer in \d+ s"))
    # Who comes later knows it too.
    third = Host(browser, stack, staged, "desktop")
    expect(third.button.locator(".line1")).to_have_text(re.compile(r"Hammer"))
    host.more("Take the rostrum", "Take it")
    expect(other.part("rostrum")).not_to_be_visible()


def test_what_missed_its_reserve_is_sold_after_a_question(browser: Browser, stack: Stack) -> None:
    staged = stage(stack, bidders=1, lots=2, live=False, duration_ms=280_000, window_ms=20_000, reserve_amount=6_000)
    host = Host(browser, stack, staged, "phone")
    host.by_hand()
    host.tap("Go live")
    host.tap("Open lot 1")
    anna = enter(browser, stack, staged, 0)
    bids(anna, "€10")
    expect(host.part("reserve")).to_have_text("reserve €60 not met")
    host.tap("Fair warning")
    host.tap("Hammer")
    host.ready("Sell anyway at €10")
    expect(host.part("second")).to_have_text("Open lot 2")
    host.button.tap()
    sure = host.page.locator("#sure-sheet")
    expect(sure).to_contain_text("opens again for 20 s. Paddle 101 buys at €10, unless somebody bids more.")
    sure.get_by_role("button", name="Not now").tap()
    host.tap("Sell anyway at €10")
    sure.get_by_role("button", name="Sell anyway at €10").tap()
    host.ready("Fair warning")
    expect(host.part("reserve")).to_be_empty()
    host.tap("Fair warning")
    host.tap("Hammer")
    host.page.get_by_role("link", name="Sold").tap()
    expect(host.part("over").locator("li").first).to_contain_text("€10 · 101")
    expect(anna.page.locator("[data-room=verdict]")).to_contain_text("to you, paddle 101")
    assert host.complaints == []
