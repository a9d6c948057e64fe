"""Somebody who visits a room in a browser."""

import re
from typing import Any

from playwright.sync_api import Browser, Page, expect

from auction_site.stack import Stack
from tests.staging import Staged


class Visitor:
    """One person's page, and everything that the browser complained about."""

    def __init__(self, browser: Browser, stack: Stack, staged: Staged, *, bidder: int | None = None, **options: Any):
        context = browser.new_context(base_url=stack.url, **options)
        if bidder is not None:
            context.add_cookies([{"name": "sessionid", "value": staged.sessions[bidder], "url": stack.url}])
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        self.room = f"/auctions/{staged.slug}/"

    def enter(self) -> Page:
        """Go to the room and wait until it is live."""
        self.page.goto(self.room)
        expect(self.page.locator("[data-room=timer]")).to_contain_text(re.compile(r"\d:\d\d"), timeout=30_000)
        return self.page
