"""A show that was recorded is watched again in a browser: a jump to a chapter shows the pictures of that very moment.

The host's camera is a canvas that shows the time of day as bars, so a decoded frame says when it was captured.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from auction_site.stack import Stack
from auction_site.supervisor import StartError
from conftest import new_stack
from tests.browser.test_video import BARS, PATIENCE_MS, camera_of, go_on_air
from tests.staging import Staged, stage, stored

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

TIMING: dict[str, Any] = {"duration_ms": 9_000, "window_ms": 0, "extension_ms": 0, "extension_cap": 0}
WRAP_MS = 1 << 20
NEAR_MS = 700
"""A frame is one of thirty a second, and the camera's clock is compared with the site's over a socket."""

# What the picture of the replay says of its capture, and where on the line of time it is.
READ = """() => {
  const video = document.querySelector('[data-replay="video"]');
  if (video.readyState < 2 || video.seeking) return null;
  const canvas = new OffscreenCanvas(640, 360), context = canvas.getContext('2d');
  context.drawImage(video, 0, 0, 640, 360);
  const { data } = context.getImageData(0, 180, 640, 1);
  let shown = 0;
  for (let bit = 0; bit < 20; bit += 1) if (data[(bit * 32 + 16) * 4] > 128) shown |= 1 << bit;
  return { shown, at: video.currentTime };
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return the system's Chromium with a camera that is none."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=[
                "--no-sandbox",
                "--disable-dev-shm-usage",
                "--use-fake-device-for-media-stream",
                "--use-fake-ui-for-media-stream",
            ],
        )
        yield running
        running.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Return a site."""
    try:
        running = new_stack(tmp_path_factory.mktemp("replay")).__enter__()
    except StartError as error:
        pytest.fail("\n".join([str(error), *error.output]))
    with ExitStack() as closing:
        closing.push(running)
        yield running


@pytest.fixture
def open_page(browser: Browser, site: Stack) -> Iterator[Callable[..., Page]]:
    """Return a function that opens a page in a browser of its own."""
    with ExitStack() as closing:

        def opened(path: str, *, session: str = "", script: str = "", **options: Any) -> Page:
            size = {"width": 1440, "height": 900}
            context = closing.enter_context(browser.new_context(**{"viewport": size} | options))
            if session:
                context.add_cookies([{"name": "sessionid", "value": session, "url": site.url}])
            if script:
                context.add_init_script(script)
            page = context.new_page()
            page.set_default_timeout(PATIENCE_MS)
            page.goto(site.url + path)
            return page

        yield opened


@dataclass
class Opening:
    """When a lot opened and ended, on the clock that decides, and its number."""

    v: int
    number: str
    opened_ms: int
    closed_ms: int = 0


def record(site: Stack, open_page: Callable[..., Page], form: str, *, lots: int = 2) -> tuple[Staged, list[Opening]]:
    """Sell lots before a camera, end the show, and return what happened when."""
    show = stage(site, bidders=1, lots=lots, live=False, **TIMING)
    host = open_page(camera_of(show), session=show.host_session, script=BARS)
    formats = host.locator('[data-camera="formats"] option', has_text=form)
    expect(formats).to_have_count(1, timeout=PATIENCE_MS)
    host.locator('[data-camera="formats"]').select_option(formats.get_attribute("value"))
    go_on_air(host)
    desk = open_page(f"/host/auctions/{show.auction_id}/", session=show.host_session)
    desk.get_by_role("button", name="Go live").click()
    bidder = open_page(f"/auctions/{show.slug}/", session=show.sessions[0])
    for number in range(lots):
        expect(bidder.locator('[data-room="number"]')).to_have_text(f"Lot {number + 1}", timeout=PATIENCE_MS)
        bidder.locator('[data-room="bid"]').click()
    wait_until(lambda: len(openings(site, show)) == lots and all(each.closed_ms for each in openings(site, show)))
    desk.reload()
    desk.get_by_role("button", name="End the show").click()
    expect(desk.get_by_text("The show is over").first).to_be_visible(timeout=PATIENCE_MS)
    wait_until(lambda: stored(site, show.auction_id).status == "ended")
    host.close()
    return show, openings(site, show)


def openings(site: Stack, show: Staged) -> list[Opening]:
    found: list[Opening] = []
    for v, _s, kind, text in stored(site, show.auction_id).events:
        public = json.loads(text)
        if kind == "LOT_OPENED":
            found.append(Opening(v, public["lot"]["number"], public["at_ms"]))
        elif kind == "LOT_CLOSED":
            found[-1].closed_ms = public["at_ms"]
    return found


def wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_MS / 1000
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.2)


def picture(replay: Page) -> dict[str, float]:
    """Return what the frame that is shown says of itself, once there is one."""
    end = time.monotonic() + PATIENCE_MS / 1000
    while (seen := replay.evaluate(READ)) is None:
        assert time.monotonic() < end, "no picture"
        replay.wait_for_timeout(100)
    return dict(seen)


def off_by_ms(seen: dict[str, float], chapter_at: float, opened_ms: int) -> float:
    """Return how far a frame's own time is from that of the moment on the line where it is shown."""
    expected = opened_ms + (seen["at"] - chapter_at) * 1000
    return (seen["shown"] - expected + WRAP_MS / 2) % WRAP_MS - WRAP_MS / 2


def config_of(replay: Page) -> dict[str, Any]:
    return dict(replay.evaluate("JSON.parse(document.getElementById('replay-config').textContent)"))


@pytest.mark.parametrize("form", ["WebM", "MP4"])
def test_a_jump_to_a_chapter_shows_the_pictures_of_that_moment(
    site: Stack, open_page: Callable[..., Page], form: str, record_property: Callable[[str, object], None]
):
    show, lots = record(site, open_page, form)
    replay = open_page(f"/auctions/{show.slug}/replay/")
    errors: list[str] = []
    replay.on("pageerror", lambda error: errors.append(str(error)))
    replay.on("console", lambda told: errors.append(told.text) if told.type == "error" else None)
    chapters = config_of(replay)["chapters"]
    assert [chapter["v"] for chapter in chapters] == [lot.v for lot in lots]
    # Backwards, so that each jump goes where nothing was fetched yet, and once more to what was left behind.
    for index in (1, 0, 1):
        replay.locator(f'[data-chapter="{lots[index].v}"]').click()
        replay.wait_for_function(
            "at => !document.querySelector('video').seeking"
            " && Math.abs(document.querySelector('video').currentTime - at) < 3",
            arg=chapters[index]["at_s"],
        )
        seen = picture(replay)
        off = off_by_ms(seen, chapters[index]["at_s"], lots[index].opened_ms)
        print(f"{form}, chapter {index}: shown at {seen['at']:.2f} s, off by {off:.0f} ms")
        record_property("raised", f"{form} off by {off:.0f} ms")
        assert abs(off) < NEAR_MS
        expect(replay.locator("[data-chapter][aria-current]")).to_have_attribute(
            "data-chapter", str(lots[index].v), timeout=PATIENCE_MS
        )
        expect(replay.locator('[data-board="number"]')).to_have_text(f"Lot {index + 1}", timeout=PATIENCE_MS)
    # It plays on, and its pictures stay true.
    before = picture(replay)
    replay.wait_for_function("from => document.querySelector('video').currentTime > from + 2", arg=before["at"])
    assert abs(off_by_ms(picture(replay), chapters[1]["at_s"], lots[1].opened_ms)) < NEAR_MS
    assert errors == []
