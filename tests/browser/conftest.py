"""The browser that these tests share; a module whose browser has a camera, or no scripts, has its own."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright


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
