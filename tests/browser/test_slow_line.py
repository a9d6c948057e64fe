"""A host on a slow line: the picture is made smaller until the line carries it, and larger when that is quick again."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from auction_site.stack import Stack
from tests.browser.test_video import LONG, PATIENCE_MS, browser, camera_of, go_on_air, open_page, room_of, site
from tests.staging import stage

__all__ = ["browser", "open_page", "site"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

# A line of `lineKbps` under the publisher's socket, and a camera whose noise takes what it may.
SLOW = """(() => {
  window.lineKbps = 1e6;
  const Native = WebSocket;
  const sizeOf = (data) => data.size ?? data.length;
  window.WebSocket = class extends Native {
    #queue = [];
    #waiting = 0;
    #free = 0;
    constructor(...given) {
      super(...given);
      const pump = setInterval(() => this.#pump(), 50);
      this.addEventListener('close', () => clearInterval(pump));
    }
    get bufferedAmount() { return this.#waiting; }
    send(data) {
      if (!this.url.includes('/publish/')) return super.send(data);
      this.#queue.push(data);
      this.#waiting += sizeOf(data);
    }
    #pump() {
      this.#free += window.lineKbps * 6.25;
      while (this.readyState === 1 && this.#queue.length && this.#free > 0) {
        const data = this.#queue.shift();
        this.#free -= sizeOf(data);
        this.#waiting -= sizeOf(data);
        super.send(data);
      }
      this.#free = Math.min(this.#free, 0);
    }
  };
  navigator.mediaDevices.getUserMedia = async () => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 160, height: 90 });
    const context = canvas.getContext('2d');
    const noise = context.createImageData(160, 90);
    setInterval(() => {
      for (let at = 0; at < noise.data.length; at += 4) {
        noise.data[at] = noise.data[at + 1] = noise.data[at + 2] = Math.random() * 256;
        noise.data[at + 3] = 255;
      }
      context.putImageData(noise, 0, 0);
    }, 50);
    const stream = canvas.captureStream(20);
    const sound = new AudioContext(), tone = sound.createOscillator(), out = sound.createMediaStreamDestination();
    tone.connect(out);
    tone.start();
    stream.addTrack(out.stream.getAudioTracks()[0]);
    return stream;
  };
})();"""


def limit(host: Page) -> int:
    return int(host.locator('[data-camera="kbps"]').inner_text().split(" of ")[1].split()[0])


def wait_for_limit(host: Page, condition: str) -> int:
    """Wait until what the picture may take fulfils a condition on `limit`, and return it."""
    host.wait_for_function(
        f"""() => {{
          const told = document.querySelector('[data-camera="kbps"]').textContent;
          const limit = Number(told.split(' of ')[1]?.split(' ')[0]);
          return {condition};
        }}""",
        timeout=3 * PATIENCE_MS,
    )
    return limit(host)


def test_the_picture_follows_the_line_down_and_up_again(site: Stack, open_page: Callable[..., Page]):
    show = stage(site, bidders=0, **LONG)
    host = open_page(camera_of(show), session=show.host_session, script=SLOW)
    viewer = open_page(room_of(show), process=1)
    go_on_air(host)
    assert wait_for_limit(host, "limit > 0") == 2_500

    host.evaluate("window.lineKbps = 800")
    slow = wait_for_limit(host, "limit < 2500")
    expect(viewer.locator('[data-room="video"].is-on')).to_be_visible(timeout=PATIENCE_MS)

    host.evaluate("window.lineKbps = 1e6")
    wait_for_limit(host, f"limit > {slow}")
    # The larger picture comes on the same socket, and viewers go on.
    expect(host.locator('[data-camera="note"]')).to_have_text("On air")
    expect(viewer.locator('[data-room="video"].is-on')).to_be_visible(timeout=PATIENCE_MS)
