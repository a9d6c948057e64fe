"""A camera goes off in the middle of a lot: the room reads why, and the host lets it go on from the page that sends."""

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from auction_site.stack import Stack
from tests.browser.test_video import LONG, PATIENCE_MS, browser, camera_of, go_on_air, open_page, room_of, site
from tests.staging import stage, stored

__all__ = ["browser", "open_page", "site"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]


def test_a_lot_waits_for_its_picture_and_goes_on_when_the_host_says_so(site: Stack, open_page: Callable[..., Page]):
    show = stage(site, bidders=1, **LONG)
    bidder = open_page(room_of(show), session=show.sessions[0], process=1)
    button = bidder.locator('[data-room="bidbox"] button').first
    expect(button).to_contain_text("Bid", timeout=PATIENCE_MS)
    host = open_page(camera_of(show), session=show.host_session)
    strip = host.locator("[data-paused]")
    go_on_air(host)
    expect(bidder.locator('[data-room="video"].is-on')).to_be_visible(timeout=PATIENCE_MS)
    expect(strip).to_be_hidden()

    host.get_by_role("button", name="Go off air").click()
    expect(button).to_contain_text("Paused: the picture is lost", timeout=PATIENCE_MS)
    expect(strip).to_contain_text("Paused: the picture is lost.", timeout=PATIENCE_MS)
    go_on = strip.get_by_role("button")
    expect(go_on).to_have_text("Resume without the picture")

    go_on_air(host)
    expect(bidder.locator('[data-room="video"].is-on')).to_be_visible(timeout=PATIENCE_MS)
    # It does not go on by itself, and the page that sends is not left.
    expect(go_on).to_have_text("Resume", timeout=PATIENCE_MS)
    expect(button).to_contain_text("Paused: the picture is lost")
    go_on.click()
    expect(button).to_contain_text("Bid", timeout=PATIENCE_MS)
    expect(strip).to_be_hidden(timeout=PATIENCE_MS)
    expect(host.locator('[data-camera="health"]')).to_have_text("Good")
    pauses = [json.loads(text) for _v, _s, kind, text in stored(site, show.auction_id).events if kind == "LOT_PAUSED"]
    assert [pause["reason"] for pause in pauses] == ["stream_lost"]
