"""A host edits the run of show in a real browser: it saves itself, two agree, and keys and buttons move lots."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from auction_site.stack import Stack
from tests.browser.axe import barriers_everywhere
from tests.staging import Staged, stage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

OPENED = "from auctions.models import Lot; Lot.objects.filter(pk={lot}).update(status='open')"
DRAFT = "from auctions.models import Auction; Auction.objects.filter(pk={auction}).update(status='draft')"
SHOTS = os.environ.get("PICTURES_OF_PAGES")
"""A folder to leave pictures of the pages in, for people to look at."""


@pytest.fixture
def staged(stack: Stack) -> Staged:
    """Return a scheduled auction with four lots."""
    return stage(stack, bidders=0, lots=4, live=False)


def at_list(browser: Browser, stack: Stack, staged: Staged, width: int = 1440, height: int = 900) -> Page:
    context = browser.new_context(base_url=stack.url, viewport={"width": width, "height": height})
    context.add_cookies([{"name": "sessionid", "value": staged.host_session, "url": stack.url}])
    page = context.new_page()
    page.goto(f"/host/auctions/{staged.auction_id}/lots/")
    expect(page.get_by_text("All saved")).to_be_visible()
    return page


def look(page: Page, name: str) -> None:
    """Leave pictures of the page, light and dark, where people asked for them."""
    if SHOTS:
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            page.screenshot(path=Path(SHOTS) / f"{name}-{theme}.png")


def field(page: Page, index: int, name: str):
    return page.locator(".run-row").nth(index).locator(f"[name={name}]")


def titles(page: Page) -> list[str]:
    return [page.locator("[name=title]").nth(index).input_value() for index in range(page.locator(".run-row").count())]


def test_rows_save_themselves_and_say_so_on_a_phone(browser, stack, staged):
    page = at_list(browser, stack, staged, 390, 844)
    first = page.locator(".run-row").first
    field(page, 0, "title").fill("A brass lamp")
    field(page, 0, "reserve_amount").fill("60")
    expect(first.locator("[data-state]")).to_have_text("Saved")
    field(page, 1, "opening_amount").fill("dear")
    second = page.locator(".run-row").nth(1)
    expect(second.locator("[data-error=opening_amount]")).to_contain_text("Write an amount in EUR")
    expect(page.get_by_role("status").filter(has_text="1 lot is not saved")).to_be_visible()
    look(page, "run-phone")
    assert barriers_everywhere(page) == []

    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    assert field(page, 0, "title").input_value() == "A brass lamp"
    assert field(page, 0, "reserve_amount").input_value() == "60.00"
    assert field(page, 1, "opening_amount").input_value() == "10.00"


def test_two_hosts_touch_one_lot_and_nothing_is_lost_silently(browser, stack, staged):
    one, two = at_list(browser, stack, staged), at_list(browser, stack, staged)
    field(one, 0, "title").fill("From the first")
    expect(one.locator("[data-state]").first).to_have_text("Saved")

    # Another field of the same lot: both stand.
    field(two, 0, "opening_amount").fill("25")
    expect(two.locator("[data-state]").first).to_have_text("Saved")
    expect(field(two, 0, "title")).to_have_value("From the first")

    # The same field: the second is asked.
    field(one, 0, "opening_amount").fill("30")
    row = one.locator(".run-row").first
    expect(row.locator("[data-error=opening_amount]")).to_have_text("Somebody else wrote: 25.00")
    look(one, "run-conflict")
    row.get_by_role("button", name="Keep mine").click()
    expect(row.locator("[data-state]")).to_have_text("Saved")
    two.reload()
    expect(field(two, 0, "opening_amount")).to_have_value("30.00")


def test_lots_move_by_button_key_and_mouse_and_are_copied_added_and_removed(browser, stack, staged):
    stack.manage("shell", "-v", "0", "-c", DRAFT.format(auction=staged.auction_id))
    page = at_list(browser, stack, staged)
    a, b, c, d = titles(page)
    page.get_by_role("button", name="Move lot 2 up").click()
    expect(field(page, 0, "title")).to_have_value(b)
    # The button that was pressed can be pressed again.
    expect(page.get_by_role("button", name="Move lot 2 down")).to_be_visible()
    field(page, 0, "title").focus()
    page.keyboard.press("Alt+ArrowDown")
    expect(field(page, 0, "title")).to_have_value(a)
    assert page.evaluate("document.activeElement.value") == b

    page.locator(".run-row").nth(3).locator("[data-grip]").drag_to(page.locator(".run-row").nth(1))
    expect(field(page, 1, "title")).to_have_value(d)

    page.locator(".run-row").first.locator("summary").click()
    look(page, "run-menu")
    page.get_by_role("button", name="Duplicate").click()
    expect(page.locator(".run-row")).to_have_count(5)
    expect(field(page, 1, "number")).to_have_value("5")
    field(page, 1, "title").fill("The copy")
    expect(page.locator(".run-row").nth(1).locator("[data-state]")).to_have_text("Saved")

    page.get_by_label("Title").last.fill("The last")
    page.get_by_label("Opening bid").last.fill("7.50")
    page.get_by_role("button", name="Add the lot").click()
    expect(page.locator(".run-row")).to_have_count(6)

    page.locator(".run-row").nth(2).locator("summary").click()
    page.locator(".run-row").nth(2).get_by_role("button", name="Remove").click()
    expect(page.locator(".run-row")).to_have_count(5)
    page.reload()
    assert titles(page) == [a, "The copy", b, c, "The last"]


def test_what_was_typed_waits_for_the_connection(browser, stack, staged):
    page = at_list(browser, stack, staged)
    page.context.set_offline(True)
    field(page, 0, "title").fill("Typed in a tunnel")
    expect(page.locator("[data-state]").first).to_contain_text("no connection")
    page.context.set_offline(False)
    expect(page.locator("[data-state]").first).to_have_text("Saved")
    page.reload()
    assert field(page, 0, "title").input_value() == "Typed in a tunnel"


@pytest.mark.parametrize("size", [(390, 844), (1440, 900)])
def test_a_file_is_shown_mended_and_imported(browser, stack, staged, size):
    page = at_list(browser, stack, staged, *size)
    page.get_by_role("link", name="Lots from a file").click()
    look(page, f"import-empty-{size[0]}")
    rows = "20,Brass lamp,45.00\n21,Vase,dear\n4,Clock of the old house,12.50\n"
    file: FilePayload = {
        "name": "lots.csv",
        "mimeType": "text/csv",
        "buffer": f"number,title,opening_bid\n{rows}".encode(),
    }
    page.get_by_label("File", exact=True).set_input_files([file])
    page.get_by_role("button", name="Check the file").click()
    expect(page.get_by_role("heading", name="1 lot is right, 2 lines are not")).to_be_visible()
    expect(page.get_by_role("row", name="3 opening_bid dear Write an amount in EUR")).to_be_visible()
    look(page, f"import-{size[0]}")
    if size[0] == 390:
        assert barriers_everywhere(page) == []
    text = page.get_by_label("Mend it here")
    text.fill(text.input_value().replace("dear", "9.00").replace("4,Clock", "22,Clock"))
    page.get_by_role("button", name="Check again").click()
    page.get_by_role("button", name="Import 3 lots").click()
    expect(page.get_by_text("3 lots are imported.")).to_be_visible()
    assert titles(page)[-3:] == ["Brass lamp", "Vase", "Clock of the old house"]


def test_what_was_typed_into_a_lot_that_opened_meanwhile_is_refused_and_stays_to_be_read(browser, stack, staged):
    page = at_list(browser, stack, staged)
    stack.manage("shell", "-v", "0", "-c", OPENED.format(lot=staged.lots[0]))
    field(page, 0, "title").fill("Too late")
    row = page.locator(".run-row").first
    expect(row.get_by_text("The lot was opened; its rules are frozen.")).to_be_visible()
    expect(field(page, 0, "title")).to_be_disabled()
    assert field(page, 0, "title").input_value() == "Too late"
    expect(page.get_by_text("All saved")).to_be_visible()
