"""The room's page plays a stream of Amazon IVS under the policy that such a site sends, and only then fetches a player.

The player here is a small one of our own at IVS' address. It does what the real one needs the policy for.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect, sync_playwright

from tests.test_settings import GOOD, VIDEO

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

ROOT = Path(__file__).parents[2]
SITE = "https://auctions.example"
PLAYER = "https://player.live-video.net/1.56.1/amazon-ivs-player.min.js"
OWN = "/api/v1/streams/9/playback/"
PAGE = """<!doctype html><body>
<div><div id="stage"></div><video id="video" class="stage-video" playsinline muted></video>
<p id="note"><span></span></p><div id="verdict"></div></div>
<script type="module" src="/start.js"></script>"""
START = """
import { Stage } from "/static/js/room/stage.js";
import { initialState } from "/static/js/room/reducer.js";
const [frame, video, note, verdict] = ["stage", "video", "note", "verdict"].map((id) => document.getElementById(id));
let shown = null;
const redraw = () => stage.draw({ ...initialState, auction: { stream: shown } });
const stage = new Stage({ frame, video, note, verdict, money: null, now: () => null, changed: redraw });
globalThis.draw = (stream) => {
  shown = stream;
  redraw();
};
"""
FAKE = """
const PlayerState = { PLAYING: "Playing", ENDED: "Ended" };
const PlayerEventType = { ERROR: "PlayerError", TEXT_METADATA_CUE: "PlayerTextMetadataCue" };
globalThis.loaded = [];
globalThis.needs = {};
globalThis.IVSPlayer = { isPlayerSupported: true, PlayerState, PlayerEventType, create() {
  const heard = {};
  globalThis.emit = (name, value) => heard[name](value);
  const empty = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]);
  WebAssembly.instantiate(empty).then(() => (needs.wasm = true), (error) => (needs.wasm = String(error)));
  try {
    const code = URL.createObjectURL(new Blob(["postMessage(1)"], { type: "text/javascript" }));
    new Worker(code).onmessage = () => (needs.worker = true);
  } catch (error) { needs.worker = String(error); }
  const list = fetch("https://a.playback.live-video.net/list");
  list.then(() => (needs.connect = true), (error) => (needs.connect = String(error)));
  return {
    attachHTMLVideoElement: (video) => (globalThis.video = video),
    addEventListener: (name, hear) => (heard[name] = hear),
    load: (url) => loaded.push(url), play: () => {}, delete: () => loaded.push("deleted"),
    getLiveLatency: () => 3.21,
  };
} };
"""


def policy(**environment: str) -> str:
    """Return the policy that a site with these settings sends."""
    ask = "import django; django.setup(); from csp.utils import build_policy; print(build_policy(nonce='n'))"
    variables = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "auction_site.settings"} | GOOD | environment
    return subprocess.check_output([sys.executable, "-c", ask], cwd=ROOT, env=variables, text=True).strip()


@pytest.fixture
def asked() -> list[str]:
    """Return what the page asked for elsewhere, and for addresses of its own."""
    return []


@pytest.fixture
def page(asked: list[str]) -> Iterator[Page]:
    """Return a page with a stage and nothing else, of a site that uses Amazon IVS."""
    sent = policy(**VIDEO)

    def serve(route: Route) -> None:
        path = route.request.url.removeprefix(SITE)
        if path == OWN:
            asked.append(path)
            url = f"https://a.playback.live-video.net/list?token={len(asked)}"
            route.fulfill(json={"kind": "ivs", "url": url})
        elif path.startswith("/static/"):
            route.fulfill(path=ROOT / path[1:])
        elif path == "/start.js":
            route.fulfill(body=START, content_type="text/javascript")
        else:
            route.fulfill(body=PAGE, content_type="text/html", headers={"Content-Security-Policy": sent})

    def player(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(body=FAKE, content_type="text/javascript")

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        page = browser.new_page()
        page.route(f"{SITE}/**", serve)
        page.route(
            "https://*.live-video.net/**", lambda route: route.fulfill(headers={"Access-Control-Allow-Origin": "*"})
        )
        page.route("https://player.live-video.net/**", player)
        page.goto(f"{SITE}/")
        page.wait_for_function("() => globalThis.draw")
        yield page
        browser.close()


def draw(page: Page, **stream: Any) -> None:
    page.evaluate("(stream) => draw(stream)", {"kind": "ivs", "state": "live", "playback_url": OWN, **stream})


def loaded(page: Page, count: int) -> list[str]:
    page.wait_for_function("(count) => globalThis.loaded?.length >= count", arg=count, timeout=20_000)
    found: list[str] = page.evaluate("() => loaded")
    return found


def test_other_kinds_of_video_fetch_no_player(page: Page, asked: list[str]) -> None:
    draw(page, kind="relay", state="offline", playback_url="/ws/streams/9/")
    draw(page, kind=None, state="none", playback_url=None)
    draw(page, state="offline")
    page.wait_for_timeout(500)
    assert PLAYER not in asked


def test_a_private_stream_plays_under_the_policy_from_an_address_of_ones_own(page: Page, asked: list[str]) -> None:
    draw(page)
    draw(page)
    assert loaded(page, 1) == ["https://a.playback.live-video.net/list?token=" + str(asked.index(OWN) + 1)]
    assert sorted(asked) == sorted([OWN, PLAYER])
    page.wait_for_function("() => Object.keys(needs).length === 3")
    assert page.evaluate("() => needs") == {"wasm": True, "worker": True, "connect": True}
    video = page.locator("video.stage-video")
    assert video.evaluate("(video) => [video.muted, video.playsInline, video === globalThis.video]") == [
        True,
        True,
        True,
    ]


def test_without_ivs_the_policy_refuses_its_player(page: Page, asked: list[str]) -> None:
    page.route(
        f"{SITE}/bare",
        lambda route: route.fulfill(body=PAGE, content_type="text/html", headers={"Content-Security-Policy": policy()}),
    )
    page.goto(f"{SITE}/bare")
    page.wait_for_function("() => globalThis.draw")
    draw(page, playback_url="https://a.playback.live-video.net/list")
    page.wait_for_timeout(500)
    assert PLAYER not in asked


def test_a_public_stream_plays_from_its_address(page: Page, asked: list[str]) -> None:
    draw(page, state="unknown", playback_url="https://a.playback.live-video.net/list")
    assert loaded(page, 1) == ["https://a.playback.live-video.net/list"]
    assert asked == [PLAYER]


@pytest.mark.parametrize("event", ["PlayerError", "Ended"])
def test_what_breaks_is_tried_again_with_a_fresh_address(page: Page, asked: list[str], event: str) -> None:
    draw(page)
    loaded(page, 1)
    page.evaluate("() => emit('Playing')")
    expect(page.locator("video.is-on")).to_have_count(1)
    expect(page.locator("#note")).to_contain_text("3")
    page.evaluate("(event) => emit(event)", event)
    expect(page.locator("video.is-on")).to_have_count(0)
    first, second = loaded(page, 2)
    assert first != second
    assert asked.count(OWN) == 2


def test_a_stream_that_is_over_leaves_nothing_behind(page: Page) -> None:
    draw(page)
    loaded(page, 1)
    page.evaluate("() => emit('Playing')")
    expect(page.locator("video.is-on")).to_have_count(1)
    # Who is off the air may be back in a second; what is over is over.
    draw(page, state="offline")
    draw(page, state="ended")
    assert loaded(page, 2)[1] == "deleted"
    expect(page.locator("video.is-on")).to_have_count(0)
    expect(page.locator(".stage-caption")).to_have_count(0)
    draw(page)
    assert len(loaded(page, 3)) == 3


def test_notes_in_the_pictures_become_captions_and_old_ones_none(page: Page) -> None:
    draw(page)
    loaded(page, 1)
    caption = page.locator(".stage-caption")
    expect(caption).to_be_hidden()

    def note(value: Any) -> None:
        text = value if isinstance(value, str) else json.dumps(value)
        page.evaluate("(text) => emit('PlayerTextMetadataCue', { text })", text)

    note({"v": 7, "type": "LOT_OPENED", "lot": 3, "number": "12A"})
    expect(caption).to_have_text("Lot 12A")
    note({"v": 9, "type": "LOT_CLOSED", "lot": 3, "result": "sold", "amount": "10.00", "winner": {"paddle": 214}})
    expect(caption).to_have_text("Sold to paddle 214")
    for odd in ({"v": 8, "type": "LOT_OPENED", "number": "13"}, "no JSON", "null", {"v": 10, "type": "ADVERT"}):
        note(odd)
    expect(caption).to_have_text("Sold to paddle 214")
    note({"v": 11, "type": "LOT_CLOSED", "lot": 4, "result": "passed", "amount": None, "winner": None})
    expect(caption).to_have_text("Not sold")
    expect(caption).to_be_hidden(timeout=10_000)
