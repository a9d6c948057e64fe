"""A lot's page verifies its record in a real browser, and says so where it does not hold."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from bidding.records import lot_record
from bidding.tests.conftest import Show, make_show  # noqa: F401 - a fixture
from bidding.tests.evenings import whole_evening

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


@pytest.fixture
def page_of_a_lot(
    make_show: Callable[..., Show],  # noqa: F811 - the fixture
    live_server: Any,
) -> Iterator[tuple[Page, dict[str, Any]]]:
    """Return the page of a lot that was sold, and its record."""
    lot = whole_evening(make_show).show.lots[1]
    record = lot_record(lot)
    assert record is not None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        page = browser.new_page()
        page.goto(f"{live_server.url}/lots/{lot.pk}/")
        yield page, record
        browser.close()


def verify(page: Page) -> str:
    page.get_by_role("button", name="Verify in this browser").click()
    verdict = page.locator("[data-verdict]")
    expect(verdict).to_contain_text(re.compile("Verified|does not hold|could not"), timeout=30_000)
    return verdict.text_content() or ""


def test_the_page_of_a_lot_verifies_its_record(page_of_a_lot: tuple[Page, dict[str, Any]]) -> None:
    page, record = page_of_a_lot
    said = verify(page)
    assert f"Verified: all {len(record['entries'])} entries are consistent." in said
    assert f"with key {record['signature']['key_id']}" in said or "cannot check the signature" in said
    assert "did not watch" in said

    # Somebody who watched has heads; then it says that they agree, or that they do not.
    entry = record["entries"][5]
    for head, told in ((entry["hash"], "agrees with 1 head"), ("0" * 64, "history was rewritten")):
        heads = json.dumps([{"v": entry["v"], "epoch": record["head"]["epoch"], "hash": head}])
        page.evaluate("([key, value]) => localStorage.setItem(key, value)", [f"heads:{record['auction']['id']}", heads])
        assert told in verify(page)

    # And a record that was edited on its way does not hold.
    page.evaluate("() => localStorage.clear()")
    body = json.dumps(record).replace("60.00", "61.00")
    page.route("**/record/", lambda route: route.fulfill(body=body, content_type="application/json"))
    assert "the hash chain is broken" in verify(page)
