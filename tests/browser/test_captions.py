"""Captions on the picture come when the picture comes to their moment: the room itself hears of it earlier."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from auction_site.stack import Stack
from tests.browser.test_video import BARS, PATIENCE_MS, browser, camera_of, go_on_air, open_page, room_of, site
from tests.staging import stage, stored

__all__ = ["browser", "open_page", "site"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

SHORT: dict[str, Any] = {"duration_ms": 15_000, "window_ms": 0, "extension_ms": 0, "extension_cap": 0}
ROOM_CSS = Path(__file__).resolve().parents[2] / "static/css/room.css"
SLACK_MS = 250
"""How exactly a browser says when it began to record, and how long a frame lasts."""

# Notes each caption with the time that the picture under it shows, in the low 20 bits of its camera's clock.
WATCH = """(() => {
  window.captions = [];
  let last = null;
  const read = () => {
    const video = document.querySelector('[data-room="video"]');
    const canvas = new OffscreenCanvas(640, 360), context = canvas.getContext('2d');
    context.drawImage(video, 0, 0, 640, 360);
    const { data } = context.getImageData(0, 180, 640, 1);
    let shown = 0;
    for (let bit = 0; bit < 20; bit += 1) if (data[(bit * 32 + 16) * 4] > 128) shown |= 1 << bit;
    return shown;
  };
  new MutationObserver(() => {
    const caption = document.querySelector('.stage-caption')?.textContent ?? null;
    if (caption && caption !== last) window.captions.push({ caption, shown: read() });
    last = caption;
  }).observe(document, { subtree: true, childList: true, characterData: true });
})();"""


def test_a_caption_comes_with_the_picture_of_its_moment(site: Stack, open_page: Callable[..., Page]):
    show = stage(site, bidders=0, lots=5, **SHORT)
    host = open_page(camera_of(show), session=show.host_session, script=BARS)
    viewer = open_page(room_of(show), process=1, script=WATCH)
    go_on_air(host)
    expect(viewer.locator('[data-room="stage-note"]')).to_contain_text("behind", timeout=PATIENCE_MS)
    viewer.wait_for_function(
        "() => ['Lot', 'Not'].every((word) => captions.filter((each) => each.caption.startsWith(word)).length > 1)",
        timeout=3 * PATIENCE_MS,
    )
    told = viewer.evaluate("() => captions")
    events = [json.loads(text) for _v, _s, _kind, text in stored(site, show.auction_id).events if text]
    opened = {f"Lot {event['lot']['number']}": event["at_ms"] for event in events if event["type"] == "LOT_OPENED"}
    closed = [event["at_ms"] for event in events if event["type"] == "LOT_CLOSED"]
    for caption, shown in [(each["caption"], each["shown"]) for each in told]:
        moments = [opened[caption]] if caption in opened else closed
        # By how much the picture is past the moment, whichever of the closings it was.
        past = min(((shown - at_ms + (1 << 19)) % (1 << 20) - (1 << 19) for at_ms in moments), key=abs)
        print(f"{caption}: the picture is {past} ms past the moment")
        assert -SLACK_MS < past < 5_000
    expect(viewer.locator(".stage-caption")).to_have_count(0, timeout=PATIENCE_MS)


def test_a_caption_gives_way_to_the_stamp_that_says_the_same(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content(
        f"<style>{ROOM_CSS.read_text()}</style><div class='stage-frame'><video></video>"
        "<p class='stage-caption'>Sold to paddle 101</p><div class='verdict' hidden>Sold</div></div>"
    )
    expect(page.locator(".stage-caption")).to_be_visible()
    page.locator(".verdict").evaluate("stamp => { stamp.hidden = false }")
    expect(page.locator(".stage-caption")).to_be_hidden()
