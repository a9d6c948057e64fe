"""Take the pictures of docs/tour.md from a running demo, as its guests would see it.

Owns what is shown and how large. It clicks what people click, so a picture that cannot be taken any more is a page
that no longer does what the tour says.

    make demo, and beside it: python -m tests.tour [ADDRESS]
"""

import io
import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.request import urlopen

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from auction_site.stack import DEFAULT_PORT

FOLDER: Final = Path(__file__).resolve().parent.parent / "docs" / "tour"
PASSWORD: Final = "demo-demo-demo"
PHONE: Final = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "device_scale_factor": 2}
DESKTOP: Final = {"viewport": {"width": 1440, "height": 900}}
WIDTHS: Final = {"phone": 390, "desktop": 1200}
CAMERA: Final = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
PATIENCE_MS: Final = 120_000
"""As long as the demo's longest lot, and the next one's opening."""


class Tour:
    """One walk through the demo; each method is a chapter of the tour."""

    def __init__(self, browser: Browser, address: str) -> None:
        """Remember where the demo is, and which show is on."""
        self.browser, self.address = browser, address
        self.live = self._read("?status=live")["results"][0]
        self.over = self._read("?status=ended")["results"][-1]

    def _read(self, path: str) -> Any:
        with urlopen(f"{self.address}/api/v1/auctions/{path}") as answer:
            return json.load(answer)

    @contextmanager
    def person(self, account: str | None, device: dict[str, Any], **options: Any) -> Iterator[Page]:
        """Give the page of somebody, signed in unless nobody is named."""
        context = self.browser.new_context(base_url=self.address, **device, **options)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        if account:
            page.goto("/accounts/login/")
            page.locator("[name=login]").fill(f"{account}@example.test")
            page.locator("[name=password]").fill(PASSWORD)
            page.locator("main button[type=submit]").first.click()
            page.wait_for_url(lambda url: "/login/" not in url)
        yield page
        context.close()

    def room(self, page: Page) -> None:
        """Enter the show and wait for a lot that is open."""
        page.goto(f"/auctions/{self.live['slug']}/")
        expect(page.locator("[data-room=timer]")).to_have_text(re.compile(r"0:[1-5]\d"), timeout=PATIENCE_MS)

    def watch(self) -> None:
        """Look around without an account."""
        with self.person(None, DESKTOP) as page:
            page.goto("/")
            shoot(page, "home", "desktop")
            page.goto("/search/?q=lamp")
            shoot(page, "search", "desktop")
            self.room(page)
            page.wait_for_timeout(3_000)
            shoot(page, "room", "desktop")
        with self.person(None, PHONE, color_scheme="dark") as page:
            self.room(page)
            page.wait_for_timeout(3_000)
            shoot(page, "watching", "phone")

    def bid(self) -> None:
        """Get a paddle, bid, be outbid, and see a lot end."""
        with self.person(None, PHONE) as page:
            self.room(page)
            button = page.locator(".bidbutton").first
            button.click()
            sheet = page.locator("#paddle-sheet")
            sheet.get_by_label("Your e-mail address").fill(f"mira{time.time_ns() % 1000}@example.test")
            shoot(page, "sheet", "phone")
            sheet.get_by_role("button", name="Send me a code").click()
            code = sheet.locator("[data-demo] b")
            expect(code).to_have_text(re.compile(r"\d{4}-\d{4}"))
            sheet.get_by_label("Code", exact=True).fill(code.inner_text())
            sheet.get_by_role("button", name="Go on").locator("visible=true").click()
            sheet.get_by_role("button", name="Accept and get my paddle").click()
            start = sheet.get_by_role("button", name="Start bidding")
            expect(start).to_be_visible()
            shoot(page, "paddle", "phone")
            start.click()
            # A press right after a change of the price does not count, and the simulated bidders are quick.
            leads = page.locator(".bidbutton[data-look=leading]")
            while not leads.count():
                page.wait_for_timeout(500)
                if button.get_attribute("data-look") in ("ready", "outbid"):
                    button.click()
                    page.wait_for_timeout(500)
            shoot(page, "leading", "phone")
            expect(button).to_have_attribute("data-look", "outbid", timeout=PATIENCE_MS)
            shoot(page, "outbid", "phone")
            expect(page.locator("[data-room=verdict]")).to_be_visible(timeout=PATIENCE_MS)
            shoot(page, "sold", "phone")
            page.goto("/my/bids/")
            shoot(page, "mine", "phone")

    def lots(self) -> None:
        """Look at a lot before it opens, and at one that is sold."""
        shown = self._read(f"{self.live['id']}/")["lots"]
        with self.person("bidder1", DESKTOP) as page:
            page.goto(f"/lots/{shown[-1]['id']}/")
            shoot(page, "lot", "desktop")
            page.goto(f"/lots/{next(lot for lot in shown if lot['status'] == 'sold')['id']}/")
            shoot(page, "result", "desktop")
            page.goto(f"/auctions/{self.live['slug']}/replay/")
            page.wait_for_timeout(2_000)
            shoot(page, "replay", "desktop")

    def host(self) -> None:
        """Run a show."""
        with self.person("host", DESKTOP, permissions=["camera", "microphone"]) as page:
            page.goto(f"/admin/auctions/auction/{self.live['id']}/desk/")
            expect(page.locator("[data-desk=timer]")).to_have_text(re.compile(r"0:[1-5]\d"), timeout=PATIENCE_MS)
            page.wait_for_timeout(2_000)
            shoot(page, "desk", "desktop")
            page.goto("/host/auctions/new/")
            shoot(page, "prepare", "desktop")
            page.goto(f"/host/auctions/{self.live['id']}/camera/")
            expect(page.get_by_role("button", name="Go on air")).to_be_enabled()
            page.wait_for_timeout(1_000)
            shoot(page, "camera", "desktop")

    def board(self) -> None:
        """Put the show on the wall of a hall."""
        with self.person(None, DESKTOP) as page:
            page.goto(f"/auctions/{self.live['slug']}/board/")
            page.wait_for_timeout(2_000)
            shoot(page, "board", "desktop")


def shoot(page: Page, name: str, device: str) -> None:
    """Keep what the page shows now, in the width that the tour shows it in."""
    page.wait_for_timeout(300)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    width = WIDTHS[device]
    picture.resize((width, round(picture.height * width / picture.width)), Image.Resampling.LANCZOS).save(
        FOLDER / f"{name}.webp", quality=82, method=6
    )
    print(name)


def main() -> None:
    """Walk the whole tour."""
    address = sys.argv[1] if len(sys.argv) > 1 else f"http://127.0.0.1:{DEFAULT_PORT}"
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-dev-shm-usage", *CAMERA]
        )
        tour = Tour(browser, address)
        chapters: list[Callable[[], None]] = [tour.watch, tour.bid, tour.lots, tour.host, tour.board]
        for chapter in chapters:
            chapter()
        browser.close()


if __name__ == "__main__":
    main()
