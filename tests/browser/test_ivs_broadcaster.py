"""A host goes live from the browser by Amazon IVS' broadcast SDK, under the policy of the camera's page alone.

The SDK here is a small one of our own at IVS' address, with the names of the real one; it notes what it is asked.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect, sync_playwright

from auctions.views import IVS_BROADCAST_POLICY
from tests.browser.test_ivs_player import ROOT, SITE, policy
from tests.test_settings import VIDEO

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

SDK = "https://web-broadcast.live-video.net/1.41.0/amazon-ivs-web-broadcast.js"
KEY = "/host/auctions/1/camera/key/"
PAGE = """<!doctype html><body><p id="state"></p><p id="reason"></p><script type="module" src="/start.js"></script>"""
START = """
import { IvsBroadcaster } from "/static/js/video/ivsbroadcast.js";
const changed = () => {
  document.getElementById("state").textContent = broadcaster.view.state;
  document.getElementById("reason").textContent = broadcaster.view.reason;
};
const broadcaster = new IvsBroadcaster({ key: "/host/auctions/1/camera/key/", csrf: "token", changed });
globalThis.camera = () => {
  const sound = new AudioContext().createMediaStreamDestination().stream.getAudioTracks();
  return new MediaStream([...document.createElement("canvas").captureStream(1).getVideoTracks(), ...sound]);
};
globalThis.broadcaster = broadcaster;
"""
FAKE = """
globalThis.calls = [];
globalThis.IVSBroadcastClient = {
  isSupported: () => true,
  STANDARD_LANDSCAPE: "standard landscape",
  BroadcastClientEvents: { CONNECTION_STATE_CHANGE: "connectionStateChange" },
  create(config) {
    calls.push(["create", config.streamConfig, config.ingestEndpoint]);
    const heard = {}, sounds = new Set();
    globalThis.emit = (state) => heard.connectionStateChange(state);
    return {
      on: (event, hear) => (heard[event] = hear),
      addVideoInputDevice: async (stream, name, { index }) => {
        calls.push(["video", name, index, stream.getVideoTracks().length]);
      },
      addAudioInputDevice: async (stream, name) => { sounds.add(name); calls.push(["audio", name]); },
      getAudioInputDevice: (name) => (sounds.has(name) ? {} : undefined),
      removeVideoInputDevice: (name) => calls.push(["remove video", name]),
      removeAudioInputDevice: (name) => { sounds.delete(name); calls.push(["remove audio", name]); },
      startBroadcast: async (key) => { calls.push(["start", key]); return globalThis.refusal; },
      stopBroadcast: () => calls.push(["stop"]),
      delete: () => calls.push(["delete"]),
    };
  },
};
"""


@pytest.fixture
def answers() -> dict[str, Any]:
    """Return how the site answers who asks for a key, and what it was asked."""
    return {"status": 200, "json": {"endpoint": "a1b2c3.global-contribute.live-video.net", "key": "sk_1"}, "asked": []}


@pytest.fixture
def open_page(answers: dict[str, Any]) -> Iterator[Any]:
    """Return a function that opens a page with a broadcaster under a policy."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-dev-shm-usage"]
        )

        def opened(sent: str) -> Page:
            page = browser.new_page()

            def serve(route: Route) -> None:
                path = route.request.url.removeprefix(SITE)
                if path == KEY:
                    answers["asked"].append((route.request.method, route.request.headers["x-csrftoken"]))
                    route.fulfill(status=answers["status"], json=answers["json"])
                elif path.startswith("/static/"):
                    route.fulfill(path=ROOT / path[1:])
                elif path == "/start.js":
                    route.fulfill(body=START, content_type="text/javascript")
                else:
                    route.fulfill(body=PAGE, content_type="text/html", headers={"Content-Security-Policy": sent})

            def sdk(route: Route) -> None:
                answers["asked"].append(route.request.url)
                route.fulfill(body=FAKE, content_type="text/javascript")

            page.route(f"{SITE}/**", serve)
            page.route("https://web-broadcast.live-video.net/**", sdk)
            page.goto(f"{SITE}/")
            page.wait_for_function("() => globalThis.broadcaster")
            return page

        yield opened
        browser.close()


@pytest.fixture
def page(open_page: Any) -> Page:
    """Return a page under the policy of the camera's page."""
    sent = policy(**VIDEO)
    for directive, sources in IVS_BROADCAST_POLICY.items():
        sent = sent.replace(f"{directive} ", f"{directive} {' '.join(sources)} ")
    found: Page = open_page(sent)
    return found


def state(page: Page, wanted: str) -> None:
    expect(page.locator("#state")).to_have_text(wanted, timeout=20_000)


def calls(page: Page) -> list[list[Any]]:
    found: list[list[Any]] = page.evaluate("() => calls.splice(0)")
    return found


def go_live(page: Page) -> None:
    page.evaluate("() => broadcaster.start(camera())")
    page.wait_for_function("() => globalThis.calls?.some(([name]) => name === 'start')")


def test_a_camera_goes_live_with_a_key_that_was_asked_for_then(page: Page, answers: dict[str, Any]) -> None:
    assert answers["asked"] == []
    go_live(page)
    assert answers["asked"] == [SDK, ("POST", "token")]
    assert calls(page) == [
        ["create", "standard landscape", "a1b2c3.global-contribute.live-video.net"],
        ["video", "camera", 0, 1],
        ["audio", "microphone"],
        ["start", "sk_1"],
    ]
    state(page, "connecting")
    page.evaluate("() => emit('connected')")
    state(page, "on")
    page.evaluate("() => emit('disconnected')")
    state(page, "connecting")
    page.evaluate("() => emit('connected')")
    state(page, "on")


def test_another_camera_is_carried_by_the_same_broadcast(page: Page, answers: dict[str, Any]) -> None:
    go_live(page)
    page.evaluate("() => emit('connected')")
    calls(page)
    page.evaluate("() => broadcaster.start(camera())")
    page.wait_for_function("() => calls.length === 4")
    assert calls(page) == [
        ["remove video", "camera"],
        ["remove audio", "microphone"],
        ["video", "camera", 0, 1],
        ["audio", "microphone"],
    ]
    assert len(answers["asked"]) == 2


def test_who_goes_off_air_leaves_nothing_behind_and_comes_back_with_a_fresh_key(
    page: Page, answers: dict[str, Any]
) -> None:
    go_live(page)
    page.evaluate("() => emit('connected')")
    calls(page)
    page.evaluate("() => broadcaster.stop()")
    state(page, "off")
    assert calls(page) == [["stop"], ["delete"]]
    # What the SDK says of it afterwards means nothing.
    page.evaluate("() => emit('closed')")
    state(page, "off")
    answers["json"] |= {"key": "sk_2"}
    go_live(page)
    assert calls(page)[-1] == ["start", "sk_2"]
    assert answers["asked"].count(SDK) == 1


@pytest.mark.parametrize("ended", ["failed", "closed"])
def test_a_broadcast_that_the_service_ends_is_said(page: Page, ended: str) -> None:
    go_live(page)
    page.evaluate("(state) => emit(state)", ended)
    state(page, "refused")
    expect(page.locator("#reason")).to_contain_text("cannot be reached")
    assert calls(page)[-2:] == [["stop"], ["delete"]]


def test_why_there_is_no_key_the_host_reads_in_the_sites_words(page: Page, answers: dict[str, Any]) -> None:
    answers |= {"status": 409, "json": {"code": "unavailable", "detail": "The video service is busy."}}
    page.evaluate("() => broadcaster.start(camera())")
    state(page, "refused")
    expect(page.locator("#reason")).to_have_text("The video service is busy.")
    assert calls(page) == []


def test_an_error_of_the_sdk_ends_it(page: Page) -> None:
    page.evaluate("() => (globalThis.refusal = { name: 'InvalidStreamKey', code: 10003 })")
    page.evaluate("() => broadcaster.start(camera())")
    state(page, "refused")


def test_who_goes_off_air_before_the_key_came_sends_nothing(page: Page) -> None:
    page.evaluate("() => { broadcaster.start(camera()); broadcaster.stop(); }")
    state(page, "off")
    page.wait_for_timeout(500)
    assert page.evaluate("() => globalThis.calls ?? []") == []
    state(page, "off")


def test_elsewhere_the_policy_refuses_the_sdk(open_page: Any, answers: dict[str, Any]) -> None:
    bare: Page = open_page(policy(**VIDEO))
    bare.evaluate("() => broadcaster.start(camera())")
    state(bare, "refused")
    assert SDK not in answers["asked"]
