"""The browser that these tests share; a module whose browser has a camera, or no scripts, has its own."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

# Playwright's own five seconds are few where other things run on the machine.
expect.set_options(timeout=15_000)


@pytest.fixture
def browser() -> Iterator[Browser]:
    """Return the system's Chromium, without a window."""
    with sync_playwright() as playwright:
        # In a container there is often neither a sandbox nor shared memory to speak of.
        running = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield running
        running.close()
