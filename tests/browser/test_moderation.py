"""A moderator's tools in the room, and what they do to the page of the person whom they concern."""

import re

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from auction_site.stack import Stack
from tests.staging import Staged, stage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


@pytest.fixture
def staged(stack: Stack) -> Staged:
    """Return a live auction with one long lot."""
    return stage(stack, bidders=1, duration_ms=170_000)


def enter(browser: Browser, stack: Stack, staged: Staged, session: str, width: int) -> Page:
    """Return somebody's page of the room, live."""
    context: BrowserContext = browser.new_context(base_url=stack.url, viewport={"width": width, "height": 844})
    context.add_cookies([{"name": "sessionid", "value": session, "url": stack.url}])
    page = context.new_page()
    page.goto(f"/auctions/{staged.slug}/")
    expect(page.locator("[data-room=timer]")).to_contain_text(re.compile(r"\d:\d\d"), timeout=30_000)
    return page


@pytest.mark.parametrize("width", [390, 1440])
def test_a_moderator_removes_pins_and_mutes(browser: Browser, stack: Stack, staged: Staged, width: int) -> None:
    hers = enter(browser, stack, staged, staged.sessions[0], width)
    desk = enter(browser, stack, staged, staged.host_session, width)
    say = hers.locator("#say")
    lines = hers.locator("[data-room=chat] .chat-line")
    for text in ("Lovely <b>lamp</b>", "buy my coins"):
        say.fill(text)
        say.press("Enter")
        expect(lines.filter(has_text=text)).to_be_visible()
    assert hers.locator("[data-room=chat] button").count() == 0, "only moderators have tools"

    def act(text: str, button: str) -> None:
        desk.locator("[data-room=chat] button", has_text=text).click()
        sheet = desk.locator("#moderation-sheet")
        expect(sheet.locator("blockquote")).to_contain_text(text)
        sheet.get_by_role("button", name=button).click()
        expect(sheet).not_to_be_visible()

    act("Lovely", "Pin it on top")
    expect(hers.locator("[data-room=pinned]")).to_have_text("Paddle 101: Lovely <b>lamp</b>")
    act("coins", "Remove the line")
    expect(lines.filter(has_text="coins")).to_have_count(0)
    act("Lovely", "Mute for 10 minutes")
    expect(say).to_be_disabled()
    expect(say).to_have_attribute("placeholder", re.compile(r"A moderator muted you until \d\d:\d\d\."))
    hers.reload()
    expect(say).to_be_disabled()
    expect(hers.locator("[data-room=pinned]")).to_contain_text("Lovely")
