"""Keeping an eye on things and being told, in a browser: hearts without a new page, messages by the service worker."""

import json
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from auction_site.stack import Stack
from tests.browser.test_pages_room import LEAST_TARGET, SMALL_TARGETS
from tests.staging import Staged, past, stage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


def visit(browser: Browser, stack: Stack, staged: Staged, path: str) -> tuple[Page, list[str]]:
    """Return a page of the first bidder, on a phone, and what the browser complained about."""
    context = browser.new_context(base_url=stack.url, viewport={"width": 390, "height": 844})
    context.grant_permissions(["notifications"], origin=stack.url)
    context.add_cookies([{"name": "sessionid", "value": staged.sessions[0], "url": stack.url}])
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.goto(path)
    return page, complaints


def test_a_heart_fills_where_it_is_and_stays_so(browser: Browser, stack: Stack) -> None:
    # A word of its own: the same people watch lots of other tests.
    staged = stage(stack, lots=2, live=False, word="Heartwood")
    page, complaints = visit(browser, stack, staged, f"/auctions/{staged.slug}/")
    loads: list[str] = []
    page.on("load", lambda loaded: loads.append(loaded.url))
    heart = page.get_by_role("button", name="Watch lot 1, Heartwood 1")
    bell = page.get_by_role("button", name="Remind me")
    expect(heart).to_have_attribute("aria-pressed", "false")
    assert page.evaluate(SMALL_TARGETS, LEAST_TARGET) == []

    heart.click()
    expect(heart).to_have_attribute("aria-pressed", "true")
    bell.click()
    expect(page.get_by_role("button", name="We will remind you")).to_have_attribute("aria-pressed", "true")
    assert loads == [], "no new page for it"

    page.goto("/my/bids/")
    heart = page.get_by_role("button", name="Watch lot 1, Heartwood 1")
    expect(heart).to_have_attribute("aria-pressed", "true")
    heart.click()
    expect(heart).to_have_attribute("aria-pressed", "false")
    page.reload()
    expect(page.locator("main")).to_be_visible()
    expect(heart).to_have_count(0)
    assert complaints == []


def test_a_message_is_shown_with_what_it_says_and_where_it_leads(browser: Browser, stack: Stack) -> None:
    staged = stage(stack)
    past(stack, staged)
    page, complaints = visit(browser, stack, staged, "/my/notifications/settings/")
    expect(page.get_by_role("button", name="Show messages on this device")).to_be_visible()
    page.evaluate(
        "navigator.serviceWorker.register('/sw.js', { scope: '/' }).then(() => navigator.serviceWorker.ready)"
    )
    registrations: list[dict[str, Any]] = []
    devtools = page.context.new_cdp_session(page)
    devtools.on("ServiceWorker.workerRegistrationUpdated", lambda told: registrations.extend(told["registrations"]))
    devtools.send("ServiceWorker.enable")
    while not registrations:
        page.wait_for_timeout(50)
    message = {"title": "Outbid on lot 1", "text": "Thing 1 stands at €15.", "path": "/my/bids/", "tag": "n1"}
    push = {"origin": stack.url, "registrationId": registrations[0]["registrationId"], "data": json.dumps(message)}
    devtools.send("ServiceWorker.deliverPushMessage", push)

    shown = """async () => {
      const { ready } = navigator.serviceWorker;
      for (;;) {
        const [one] = await (await ready).getNotifications();
        if (one) return [one.title, one.body, one.data.path];
        await new Promise((go) => setTimeout(go, 50));
      }
    }"""
    assert page.evaluate(shown) == ["Outbid on lot 1", "Thing 1 stands at €15.", "/my/bids/"]
    assert complaints == []
