"""A show that was recorded is watched again in a browser: a jump to a chapter shows the pictures of that very moment.

The host's camera is a canvas that shows the time of day as bars, so a decoded frame says when it was captured.
"""

import json
import re
import time
import urllib.request
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

# What the picture of the replay says of its capture, and where on the line of time it is. While it plays the frame
# itself tells that: on a busy machine the player's clock is ahead of it.
READ = """async () => {
  const video = document.querySelector('[data-replay="video"]');
  if (video.readyState < 2 || video.seeking) return null;
  const canvas = new OffscreenCanvas(640, 360), context = canvas.getContext('2d');
  const next = new Promise((resolve) => video.requestVideoFrameCallback((_now, { mediaTime }) => resolve(mediaTime)));
  const at = video.paused ? video.currentTime : await next;
  context.drawImage(video, 0, 0, 640, 360);
  const { data } = context.getImageData(0, 180, 640, 1);
  let shown = 0;
  for (let bit = 0; bit < 20; bit += 1) if (data[(bit * 32 + 16) * 4] > 128) shown |= 1 << bit;
  return { shown, at };
}"""
# The picture has come to a second, or a little later where it plays.
ARRIVED = """second => {
  const video = document.querySelector('[data-replay="video"]');
  return !video.seeking && Math.abs(video.currentTime - second) < 3;
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
                # With it the sound of the painted camera begins without a touch.
                "--autoplay-policy=user-gesture-required",
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
    """Sell lots before a camera up to the end of the show, and return what happened when."""
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
        # A press right after the amount changed is none.
        bidder.wait_for_timeout(500)
        bidder.get_by_role("button", name=re.compile("Bid €")).first.click()
        expect(bidder.get_by_role("button", name=re.compile("You lead"))).to_be_visible(timeout=PATIENCE_MS)
    wait_until(lambda: len(openings(site, show)) == lots and all(each.closed_ms for each in openings(site, show)))
    # The show ends by itself behind its last lot.
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


def off_by_ms(seen: dict[str, float], started_ms: int) -> float:
    """Return how far a frame's own time is from that of the moment on the line of time where it is shown."""
    return (seen["shown"] - started_ms - seen["at"] * 1000 + WRAP_MS / 2) % WRAP_MS - WRAP_MS / 2


def recording_of(site: Stack, show: Staged) -> dict[str, Any]:
    """Return what the API tells of a recording."""
    with urllib.request.urlopen(f"{site.url}/api/v1/auctions/{show.auction_id}/recording/") as answer:
        return dict(json.load(answer))


@pytest.mark.parametrize("form", ["WebM", "MP4"])
def test_a_jump_to_a_chapter_shows_the_pictures_of_that_moment(site: Stack, open_page: Callable[..., Page], form: str):
    show, lots = record(site, open_page, form)
    recording = recording_of(site, show)
    started_ms = recording["parts"][0]["started_at_ms"]
    starts = [chapter["start"]["second"] for chapter in recording["chapters"]]
    # The show was live for a moment before it was recorded; the second lot was recorded from its opening.
    assert starts == [max(0, lot.opened_ms - started_ms) / 1000 for lot in lots]
    assert starts[1] > 5

    replay = open_page(f"/auctions/{show.slug}/replay/")
    errors: list[str] = []
    replay.on("pageerror", lambda error: errors.append(str(error)))
    replay.on("console", lambda told: errors.append(told.text) if told.type == "error" else None)
    # Forward, back, and once more to what was left behind.
    for index in (1, 0, 1):
        replay.locator(f'[data-chapter="{lots[index].v}"]').click()
        replay.wait_for_function(ARRIVED, arg=starts[index])
        seen = picture(replay)
        off = off_by_ms(seen, started_ms)
        print(f"{form}, lot {lots[index].number}: shown at {seen['at']:.2f} s, off by {off:.0f} ms")
        assert abs(off) < NEAR_MS
        expect(replay.locator("[data-chapter][aria-current]")).to_have_attribute(
            "data-chapter", str(lots[index].v), timeout=PATIENCE_MS
        )
        expect(replay.locator('[data-board="number"]')).to_have_text(f"Lot {index + 1}", timeout=PATIENCE_MS)
    # It plays on, its pictures stay true, and the bid falls as it fell.
    before = picture(replay)
    replay.wait_for_function("from => document.querySelector('video').currentTime > from + 2", arg=before["at"])
    assert abs(off_by_ms(picture(replay), started_ms)) < NEAR_MS
    expect(replay.locator('[data-board="bids"] > li')).to_have_count(1, timeout=PATIENCE_MS)
    assert errors == []


def test_a_lots_page_leads_to_how_it_sold(site: Stack, open_page: Callable[..., Page]):
    show, lots = record(site, open_page, "WebM", lots=2)
    started_ms = recording_of(site, show)["parts"][0]["started_at_ms"]
    page = open_page(f"/lots/{show.lots[1]}/")
    page.get_by_role("link", name="Watch how it sold").click()
    page.wait_for_function(ARRIVED, arg=(lots[1].opened_ms - started_ms) / 1000)
    seen = picture(page)
    assert abs(off_by_ms(seen, started_ms)) < NEAR_MS
    assert seen["at"] * 1000 >= lots[1].opened_ms - started_ms - NEAR_MS
    expect(page.locator('[data-board="number"]')).to_have_text("Lot 2", timeout=PATIENCE_MS)


def test_what_a_killed_process_recorded_is_watched_and_the_parts_are_one_line(
    site: Stack, open_page: Callable[..., Page]
):
    show = stage(site, bidders=0, lots=1, **TIMING | {"duration_ms": 600_000})
    host = open_page(camera_of(show), session=show.host_session, script=BARS)
    go_on_air(host)

    def lasts(part: int) -> Callable[[], bool]:
        def does() -> bool:
            parts = recording_of(site, show)["parts"]
            return len(parts) > part and parts[part]["lasts_ms"] > 4_000

        return does

    wait_until(lasts(0))
    site.processes.kill("web")
    site.processes.start("web")
    # The camera comes back by itself.
    wait_until(lasts(1))
    first, second = recording_of(site, show)["parts"]
    seam = first["lasts_ms"] / 1000
    replay = open_page(f"/auctions/{show.slug}/replay/")
    picture(replay)

    def shows(at: float, started_ms: int, begins: float) -> None:
        replay.evaluate("at => { document.querySelector('video').currentTime = at; }", at)
        replay.wait_for_function(ARRIVED, arg=at)
        assert abs(off_by_ms(picture(replay), started_ms - round(begins * 1000))) < NEAR_MS

    shows(seam + 2, second["started_at_ms"], seam)
    shows(2, first["started_at_ms"], 0)
    # Over the seam it plays on by itself.
    shows(seam - 1, first["started_at_ms"], 0)
    replay.evaluate("document.querySelector('video').muted = true; document.querySelector('video').play()")
    replay.wait_for_function("at => document.querySelector('video').currentTime > at", arg=seam + 1)
    assert abs(off_by_ms(picture(replay), second["started_at_ms"] - round(seam * 1000))) < NEAR_MS
