"""Every page, on every screen and in both themes: axe-core finds nothing, and nothing is wider than the screen."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, sync_playwright

from auction_site.stack import Stack
from tests.browser.axe import barriers, barriers_everywhere
from tests.staging import Past, Staged, past, stage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

PAGES = {
    "anonymous": [
        "/",
        "/auctions/{live}/",
        "/auctions/{live}/board/",
        "/auctions/{past}/",
        "/auctions/{live}/replay/",
        "/auctions/{past}/replay/",
        "/lots/{open}/",
        "/lots/{sold}/",
        "/accounts/login/",
        "/accounts/login/code/",
        "/accounts/signup/",
        "/accounts/password/reset/",
        "/search/",
        "/search/?q=clock",
        "/search/?q=nothing+of+that+name",
        "/categories/{category}/",
        "/auctions/",
        "/auctions/{coming}/",
        "/hosts/{house}/",
        "/unsubscribe/{unsubscribe}/",
        "/nowhere/",
    ],
    "bidder": [
        "/auctions/{live}/",
        "/lots/{sold}/",
        "/",
        "/search/?q=clock",
        "/auctions/{coming}/",
        "/hosts/{house}/",
        "/my/bids/",
        "/my/notifications/",
        "/my/notifications/settings/",
        "/orders/{order}/",
        "/orders/{order}/invoices/1/",
        "/orders/{order}/invoices/2/",
        "/accounts/",
        "/accounts/profile/",
        "/accounts/email/",
        "/accounts/sessions/",
        "/accounts/2fa/",
        "/host/request/",
    ],
    "host": [
        "/host/auctions/",
        "/host/auctions/new/",
        "/host/auctions/{auction}/",
        "/host/auctions/{auction}/edit/",
        "/host/auctions/{auction}/rehearsal/",
        "/host/auctions/{auction}/import/",
        "/host/auctions/{auction}/lots/",
        "/host/auctions/{auction}/camera/",
        "/admin/auctions/auction/{auction}/desk/",
        "/host/lots/{open}/pictures/",
        "/orders/{order}/",
        "/host/auctions/{over}/orders/",
        "/host/auctions/{over}/packing/",
        "/host/auctions/{over}/donations/",
        "/host/orders/{order}/",
    ],
}


@dataclass(frozen=True)
class World:
    """A live show, one that is over, and a browser to look at them."""

    stack: Stack
    staged: Staged
    past: Past
    browser: Browser


def address(path: str, staged: Staged, gone: Past) -> str:
    """Return a path of PAGES with the ids of a live show and one that is over."""
    return path.format(
        live=staged.slug,
        auction=staged.auction_id,
        open=staged.lots[0],
        past=gone.slug,
        sold=gone.lot,
        order=gone.order,
        over=gone.auction,
        house=gone.house,
        category=gone.category,
        coming=gone.coming,
        unsubscribe=gone.unsubscribe,
    )


@pytest.fixture(scope="module")
def world(stack: Stack) -> Iterator[World]:
    """Return both shows; the live one has a long lot."""
    staged = stage(stack, bidders=2, lots=2, duration_ms=3_000_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield World(stack, staged, past(stack, staged), browser)
        browser.close()


@pytest.mark.parametrize(("person", "path"), [(person, path) for person, paths in PAGES.items() for path in paths])
def test_a_page_keeps_nobody_out(world, person, path):
    context = world.browser.new_context(base_url=world.stack.url)
    session = {"bidder": world.staged.sessions[0], "host": world.staged.host_session}.get(person)
    if session:
        context.add_cookies([{"name": "sessionid", "value": session, "url": world.stack.url}])
    page = context.new_page()
    page.goto(address(path, world.staged, world.past), wait_until="load")

    assert barriers_everywhere(page) == []
    context.close()


def test_it_finds_what_keeps_people_out(world):
    page = world.browser.new_page()
    page.set_content("<!doctype html><title>t</title><img src='x.png'><p style='color:#bbb'>pale</p><input>")

    found = " ".join(barriers(page))

    for rule in ("image-alt", "color-contrast", "label", "html-has-lang"):
        assert f"{rule}: " in found
    page.close()
