"""A host sends pictures in a real browser: progress, what became of each, and the same without scripts."""

import io
import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from PIL import Image
from playwright.sync_api import Browser, FilePayload, Page, Route, expect

from auction_site.stack import Stack
from conftest import new_stack
from tests.pools import moto_server
from tests.staging import Staged, stage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

SIZES = {"phone": (390, 844), "desktop": (1440, 900)}
BUCKET, REGION = "corner-house", "eu-central-1"
BROKEN = "img => img.complete && img.naturalWidth === 0"
# Every value that the bar of the first file has shown.
WATCH_THE_BAR = """() => {
  window.seen = [];
  const list = document.querySelector(".sending");
  new MutationObserver(() => {
    const bar = list.querySelector("li:first-child progress");
    if (bar?.hasAttribute("value")) window.seen.push(bar.value);
  }).observe(list, { subtree: true, childList: true, attributes: true });
}"""
PICTURES_AND_LIVE = """
from io import BytesIO
from PIL import Image
from auctions.models import Auction
from auctions.services import lot_image_add, lot_image_sizes_make
from bidding.services import auction_go_live
show = Auction.objects.get(pk={auction})
for lot in show.lots.order_by("position"):
    drawn = BytesIO()
    Image.effect_noise((1600, 1200), 60).convert("RGB").save(drawn, "PNG")
    drawn.seek(0)
    image = lot_image_add(actor=show.created_by, lot=lot, upload=drawn, alt="")
    lot_image_sizes_make(image=image)
    image.refresh_from_db()
    print(bool(image.widths))
print(auction_go_live(auction=show, actor=show.created_by).status)
"""
NEXT_LOT = """
from auctions.models import Auction
from bidding.services import lot_withdraw
show = Auction.objects.get(pk={auction})
lot_withdraw(lot=show.lots.order_by("position")[0], actor=show.created_by)
"""
WATCH_THE_SHEET = """() => {
  window.seen = [];
  new MutationObserver(() => {
    const bar = document.querySelector("[data-lot-form] progress");
    if (bar?.hasAttribute("value")) window.seen.push(bar.value);
  }).observe(document.body, { subtree: true, childList: true, attributes: true });
}"""
WATCH_WHAT_MOVES_ON_STAGE = """
  window.moved = [];
  const named = ({ node }) => node?.nodeName === "#text" ? node.parentNode?.outerHTML : node?.outerHTML;
  const note = (list) => window.moved.push(...list.getEntries().flatMap((entry) => entry.sources.map(named)));
  new PerformanceObserver(note).observe({ type: "layout-shift", buffered: true });"""
WATCH_WHAT_MOVES = """
  window.moved = [];
  const note = (list) => window.moved.push(...list.getEntries().map((entry) => entry.value));
  new PerformanceObserver(note).observe({ type: "layout-shift", buffered: true });"""
SHOTS = os.environ.get("PICTURES_OF_PAGES")
"""A folder to leave pictures of the pages in, for people to look at."""


@pytest.fixture
def staged(stack: Stack) -> Staged:
    """Return a scheduled auction with one lot."""
    return stage(stack, bidders=1, live=False)


def photo(name: str, size: tuple[int, int] = (1_600, 1_200)) -> FilePayload:
    """Return a photo as a host chooses it: light with grain, so that there is something to see and to send."""
    out = io.BytesIO()
    light, grain = Image.radial_gradient("L").resize(size), Image.effect_noise(size, 90)
    Image.blend(light, grain, 0.5).convert("RGB").save(out, "JPEG", quality=85)
    return {"name": name, "mimeType": "image/jpeg", "buffer": out.getvalue()}


def desk(browser: Browser, stack: Stack, staged: Staged, **options: Any) -> tuple[Page, list[str]]:
    """Return the host's page of the lot's pictures, and what the browser complains about."""
    context = browser.new_context(base_url=stack.url, **options)
    context.add_cookies([{"name": "sessionid", "value": staged.host_session, "url": stack.url}])
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.goto(f"/host/lots/{staged.lots[0]}/pictures/")
    return page, complaints


def look(page: Page, name: str) -> None:
    """Leave a picture of the page where people asked for it."""
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


def send_one(page: Page, name: str) -> None:
    """Add a picture and wait until the worker has made its sizes, which it does after the picture is there."""
    page.locator("#file").set_input_files([photo(name)])
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator(".sending > li")).to_contain_text("Added", timeout=60_000)
    # The time-out of the test ends this.
    while not page.locator(".pictures source").count():
        page.wait_for_timeout(300)
        page.reload()


@pytest.mark.parametrize("size", SIZES)
def test_pictures_are_sent_with_their_progress_and_each_says_what_became_of_it(browser, stack, staged, size):
    width, height = SIZES[size]
    page, complaints = desk(browser, stack, staged, viewport={"width": width, "height": height})
    # So that the bar is seen to move: a line as slow as in a tent.
    session = page.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 150_000}
    session.send("Network.emulateNetworkConditions", slow)
    page.evaluate(WATCH_THE_BAR)
    hidden = photo("with-a-page.jpg", (300, 200))
    hidden["buffer"] += b"<html>"
    drawing: FilePayload = {"name": "drawing.svg", "mimeType": "image/svg+xml", "buffer": b"<svg/>"}
    page.locator("#file").set_input_files([photo("front.jpg"), hidden, drawing])
    page.get_by_label("What they show").fill("A round light")
    page.get_by_role("button", name="Add", exact=True).click()

    rows = page.locator(".sending > li")
    expect(rows).to_have_count(3)
    expect(rows.nth(0)).to_contain_text("Sending…")
    look(page, f"sending-{size}")
    expect(rows.nth(0)).to_contain_text("Added", timeout=60_000)
    expect(rows.nth(1)).to_contain_text("hidden in the file", timeout=60_000)
    expect(rows.nth(2)).to_contain_text("no picture that we take")
    expect(page.locator(".pictures > li")).to_have_count(1)
    expect(page.locator(".pictures input")).to_have_value("A round light")
    seen = page.evaluate("window.seen")
    assert seen == sorted(seen)
    assert len({value for value in seen if 0 < value < 100}) >= 2
    look(page, f"sent-{size}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # The browser itself writes down that a request was answered 422.
    assert [said for said in complaints if "422" not in said] == []


def test_what_is_shown_is_of_the_size_that_fits_and_nothing_moves_when_it_comes(browser, stack, staged):
    page, complaints = desk(browser, stack, staged, viewport={"width": 390, "height": 844}, device_scale_factor=1)
    send_one(page, "front.jpg")
    page.add_init_script(WATCH_WHAT_MOVES)
    page.goto(f"/lots/{staged.lots[0]}/")
    shown = page.locator(".gallery picture img")
    expect(shown).to_have_js_property("complete", True)
    assert shown.evaluate("img => img.currentSrc").endswith("-640.avif")
    assert shown.evaluate("img => [img.width, img.height].every(Boolean)")
    assert not any(page.locator("img").evaluate_all(f"all => all.map({BROKEN})"))
    assert sum(page.evaluate("window.moved")) < 0.01, json.dumps(page.evaluate("window.moved"))
    look(page, "lot-phone")
    assert complaints == []


def test_the_room_shows_sizes_that_fit_also_of_the_lot_that_opens_next(browser, stack):
    show = stage(stack, bidders=0, lots=2, live=False, duration_ms=600_000)
    told = stack.manage("shell", "-v", "0", "-c", PICTURES_AND_LIVE.format(auction=show.auction_id))
    assert told.split() == ["True", "True", "live"]
    context = browser.new_context(base_url=stack.url, viewport={"width": 390, "height": 844})
    room = context.new_page()
    fetched: list[str] = []
    room.on("request", lambda request: fetched.append(request.url) if "/media/" in request.url else None)
    room.add_init_script(WATCH_WHAT_MOVES_ON_STAGE)
    stage_is = room.locator('[data-room="stage"]')
    shown = stage_is.locator("picture img")
    room.goto(f"/auctions/{show.slug}/")
    expect(room.locator('[data-room="number"]')).to_have_text("Lot 1", timeout=60_000)
    expect(shown).to_have_js_property("complete", True)
    first = shown.evaluate("img => img.currentSrc")
    assert first.endswith(("-640.avif", "-1280.avif")), first
    expect(stage_is.locator(".haze")).to_have_count(1)

    stack.manage("shell", "-v", "0", "-c", NEXT_LOT.format(auction=show.auction_id))
    expect(room.locator('[data-room="number"]')).to_have_text("Lot 2", timeout=60_000)
    expect(shown).to_have_js_property("complete", True)
    second = shown.evaluate("img => img.currentSrc")
    assert second.endswith(("-640.avif", "-1280.avif")), second
    assert second.rpartition("-")[0] != first.rpartition("-")[0]
    assert not any(room.locator("img").evaluate_all(f"all => all.map({BROKEN})"))
    # Of each picture one size for the stage and one for the run of show, and never the whole of it.
    assert all(url.endswith((".avif", ".jpg")) and "-" in url.rpartition("/")[2] for url in fetched), fetched
    moved = [str(each)[:80] for each in room.evaluate("window.moved")]
    assert not any("stage" in each or "<img" in each or "<picture" in each for each in moved), moved
    look(room, "room-phone")


@pytest.mark.parametrize("size", SIZES)
def test_a_sheet_sends_its_pictures_with_their_progress_and_keeps_them_where_something_is_missing(
    browser, stack, staged, size
):
    width, height = SIZES[size]
    page, complaints = desk(browser, stack, staged, viewport={"width": width, "height": height})
    page.goto(f"/host/auctions/{staged.auction_id}/edit/")
    page.get_by_role("button", name="Add a lot").click()
    lots = page.locator("[data-lot-form]")
    expect(lots).to_have_count(2)
    files = page.locator("[data-lot-form] input[type=file]")
    files.nth(0).set_input_files([photo("front.jpg")])
    files.nth(1).set_input_files({"name": "drawing.svg", "mimeType": "image/svg+xml", "buffer": b"<svg/>"})
    lots.nth(1).get_by_label("Title").fill("A second thing")
    lots.nth(1).get_by_label("Opening bid").fill("10")
    session = page.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 150_000}
    session.send("Network.emulateNetworkConditions", slow)
    page.evaluate(WATCH_THE_SHEET)
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(lots.nth(0).locator("[data-said]")).to_have_text("Sending…", timeout=30_000)
    look(page, f"sheet-sending-{size}")

    # The second is none, and says so at its place; the first stays chosen.
    error = lots.nth(1).locator(".error", has_text="SVG")
    expect(error).to_be_visible(timeout=60_000)
    expect(files.nth(1)).to_be_focused()
    assert files.nth(0).evaluate("input => input.files[0].name") == "front.jpg"
    expect(page.get_by_text("Choose pictures again.")).to_have_count(0)
    seen = page.evaluate("window.seen")
    assert len({value for value in seen if 0 < value < 100}) >= 2
    assert seen == sorted(seen)
    look(page, f"sheet-refused-{size}")

    files.nth(1).set_input_files([photo("second.jpg", (300, 200))])
    page.get_by_role("button", name="Save", exact=True).last.click()
    page.wait_for_url(f"**/host/auctions/{staged.auction_id}/", timeout=60_000)
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.locator(".lot-row .shot img:not(.haze)")).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert [said for said in complaints if "422" not in said] == []


def test_without_scripts_the_same_form_adds_orders_and_removes(browser, stack, staged):
    page, _complaints = desk(browser, stack, staged, java_script_enabled=False, viewport={"width": 390, "height": 844})
    for name in ("first", "second"):
        page.locator("#file").set_input_files([photo(f"{name}.jpg", (300, 200))])
        page.get_by_label("What they show").fill(name)
        page.get_by_role("button", name="Add", exact=True).click()
        expect(page.locator(f".pictures input[value={name}]")).to_be_visible()
    page.locator(".pictures > li").nth(1).get_by_role("button", name="Earlier").click()
    expect(page.locator(".pictures input").first).to_have_value("second")
    page.locator(".pictures > li").nth(0).get_by_role("button", name="Remove").click()
    expect(page.locator(".pictures > li")).to_have_count(1)
    moving: FilePayload = {"name": "x.gif", "mimeType": "image/gif", "buffer": b"GIF89a"}
    page.locator("#file").set_input_files([moving])
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#file-error")).to_contain_text("x.gif: GIF is not taken")
    look(page, "refused-phone")


def test_a_picture_goes_straight_to_a_bucket(browser, tmp_path):
    keys = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "not-a-secret"}
    with moto_server() as endpoint:
        options: dict[str, Any] = {name.lower(): value for name, value in keys.items()}
        s3 = boto3.client("s3", endpoint_url=endpoint, region_name=REGION, **options)
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        bucket = {"MEDIA_STORAGE": "s3", "S3_BUCKET": BUCKET, "S3_REGION": REGION, "S3_ENDPOINT_URL": endpoint}
        with new_stack(tmp_path, environment={**bucket, **keys}) as running:
            page, complaints = desk(browser, running, stage(running, bidders=1, live=False))

            def serve(route: Route) -> None:
                # What a content network does in front of the bucket.
                found = s3.get_object(Bucket=BUCKET, Key=urlsplit(route.request.url).path.removeprefix("/"))
                route.fulfill(body=found["Body"].read(), content_type=found["ContentType"])

            page.route("**/media/**", serve)
            asked: list[str] = []
            page.on("request", lambda request: asked.append(f"{request.method} {request.url}"))
            page.locator("#file").set_input_files([photo("front.jpg", (300, 200))])
            page.get_by_role("button", name="Add", exact=True).click()
            expect(page.locator(".sending > li")).to_contain_text("Added", timeout=60_000)
            shown = page.locator(".pictures picture img")
            expect(shown).to_have_count(1)
            expect(shown).not_to_have_js_property("naturalWidth", 0)
            assert f"POST {endpoint}/{BUCKET}" in asked
            # The policy of the pages let it through, and nothing else went wrong.
            assert complaints == []
