"""The replay's page plays what a video service recorded as HLS, where the browser itself can, as one line of time.

The films are made here: how bright they are says which second it is.
"""

import json
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

ROOT = Path(__file__).parents[2]
PATIENCE_MS = 30_000
BRIGHTER, DARKER = "20+T*20", "240-T*20"
LASTS_S = 10
PAGE = """<!doctype html><html lang="en"><body>
<div class="replay"><video data-replay="video" muted controls></video><p data-replay="note" hidden></p>
<div data-replay="board"><p data-board="none"></p><div data-board="lot">
<p data-board="number"></p><p data-board="title"></p><p data-board="price"></p><p data-board="about"></p>
<svg><path data-board="line"/></svg><ol data-board="bids"></ol></div></div></div>
<a href="#chapter-3" data-chapter="3">Lot 1</a> <a href="#chapter-9" data-chapter="9">Lot 2</a>
<script id="replay-config" type="application/json">{config}</script>
<script type="module" src="/static/js/replay.js"></script>"""
BRIGHTNESS = """() => {
  const video = document.querySelector('video');
  if (video.readyState < 2 || video.seeking) return null;
  const context = new OffscreenCanvas(8, 8).getContext('2d');
  context.drawImage(video, 0, 0, 8, 8);
  return [video.currentTime, context.getImageData(4, 4, 1, 1).data[1]];
}"""


def chapter(v: int, number: str, at: float, until: float) -> dict[str, Any]:
    facts = {"v": v, "number": number, "title": "Lamp", "opening": 100, "at_s": at, "until_s": until}
    return facts | {
        "is_over": True,
        "result": "passed",
        "reason": "no_bids",
        "amount": None,
        "paddle": None,
        "bids": [],
    }


def film(folder: Path, brightness: str) -> None:
    """Make a film as HLS."""
    from imageio_ffmpeg import get_ffmpeg_exe

    folder.mkdir()
    source = f"nullsrc=size=64x64:rate=10:duration={LASTS_S},geq=lum='{brightness}':cb=128:cr=128"
    coded = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "10", "-crf", "10"]
    cut = ["-f", "hls", "-hls_time", "2", "-hls_playlist_type", "vod", str(folder / "master.m3u8")]
    argv = [get_ffmpeg_exe(), "-nostdin", "-loglevel", "error", "-f", "lavfi", "-i", source, *coded, *cut]
    subprocess.run(argv, check=True, timeout=60)


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing of it."""

    def log_message(self, format: str, *args: Any) -> None:
        """Be quiet."""


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    """Return the replay of two films."""
    for name, brightness in (("one", BRIGHTER), ("two", DARKER)):
        film(tmp_path / name, brightness)
    parts = [
        {
            "kind": "hls",
            "url": f"/{name}/master.m3u8",
            "table": None,
            "mime": "",
            "begins_s": begins,
            "lasts_s": LASTS_S,
        }
        for name, begins in (("one", 0), ("two", LASTS_S))
    ]
    chapters = [chapter(3, "1", 3, 6), chapter(9, "2", LASTS_S + 4, LASTS_S + 8)]
    money = {"exponent": 2, "cents": False, "pattern": "€#", "group": ",", "point": "."}
    config = {"parts": parts, "chapters": chapters, "currency": money}
    (tmp_path / "index.html").write_text(PAGE.replace("{config}", json.dumps(config)))
    (tmp_path / "static").symlink_to(ROOT / "static")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-dev-shm-usage"]
            )
            page = browser.new_page()
            page.set_default_timeout(PATIENCE_MS)
            page.goto(f"http://127.0.0.1:{server.server_port}/")
            yield page
            browser.close()
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def shown_second(page: Page, brightness: str) -> float:
    """Return the second that the picture tells, once there is one."""
    page.wait_for_function(f"() => ({BRIGHTNESS})() !== null")
    _at, seen = page.evaluate(BRIGHTNESS)
    # Television's black is 16 and its white 235.
    lum = 16 + seen * 219 / 255
    return (lum - 20) / 20 if brightness == BRIGHTER else (240 - lum) / 20


@pytest.mark.parametrize("first", [0, 1])
def test_chapters_in_either_part_are_jumped_to(page, first):
    jumps = [("Lot 1", 3, BRIGHTER, "one"), ("Lot 2", 4, DARKER, "two")]
    for name, second, brightness, part in (jumps[first], jumps[1 - first], jumps[first]):
        page.get_by_role("link", name=name).click()
        page.wait_for_function(
            """([part, second]) => {
              const video = document.querySelector('video');
              return video.src.includes(`/${part}/`) && !video.seeking && Math.abs(video.currentTime - second) < 2;
            }""",
            arg=[part, second],
        )
        assert abs(shown_second(page, brightness) - second) < 2
        page.wait_for_function(f"document.querySelector('[data-board=number]').textContent === '{name}'")


def test_the_second_part_follows_the_first(page):
    page.wait_for_function("document.querySelector('video').readyState >= 2")
    page.evaluate(
        f"document.querySelector('video').currentTime = {LASTS_S} - 1; document.querySelector('video').play()"
    )
    page.wait_for_function(
        "document.querySelector('video').src.includes('/two/') && document.querySelector('video').currentTime > 0.3"
    )
    assert shown_second(page, DARKER) < 4
