"""A lot's page verifies its record in a real browser, and says so where it does not hold."""

import base64
import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from playwright.sync_api import Page, expect, sync_playwright

from auctions.models import LotRun
from bidding.models import Event
from bidding.records import lot_record
from bidding.signing import published_keys
from bidding.tests.conftest import Show, make_show  # noqa: F401 - a fixture
from bidding.tests.evenings import Evening, whole_evening
from bidding.tests.test_verification import SEED, command, heads_of, rechain

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


@pytest.fixture
def evening(
    make_show: Callable[..., Show],  # noqa: F811 - the fixture
    settings: Any,
) -> Evening:
    """Return a show that was played to its end, signed with a key that the tests know."""
    settings.SIGNING_KEY = base64.b64encode(SEED).decode()
    return whole_evening(make_show)


@pytest.fixture
def page_of_a_lot(evening: Evening, live_server: Any) -> Iterator[tuple[Page, dict[str, Any]]]:
    """Return the page of a lot that was sold, and its record."""
    lot = evening.show.lots[1]
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


def elsewhere(function: Callable[..., Any], *args: Any) -> Any:
    """Call a function on a thread of its own: Playwright has an event loop on this one, where Django reads nothing."""

    def call() -> Any:
        try:
            return function(*args)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call).result()


REMEMBER = """async ([auction, heads]) => {
  const check = document.querySelector("script[src*=recordcheck]").src;
  const { rememberHead } = await import(check.replace("recordcheck", "record"));
  for (const head of heads) rememberHead(localStorage, auction, head);
}"""


def rewrite(evening: Evening) -> None:
    """Let the last bid have been higher, consistently, and chain and sign everything again with the site's key."""
    lot = evening.show.lots[1]
    highest = Event.objects.filter(kind="HIGHEST_BID", run__lot=lot).latest("v")
    closed = Event.objects.filter(kind="LOT_CLOSED", run__lot=lot).latest("v")
    for event in (highest, closed):
        # The least of the next bid first: the other way round it would change twice.
        public = event.public.replace('"65.00"', '"66.00"').replace('"60.00"', '"61.00"')
        assert public != event.public
        Event.objects.filter(pk=event.pk).update(public=public)
    LotRun.objects.filter(lot=lot).update(hammer_amount=6_100)
    rechain(evening)


def test_a_history_that_the_site_rewrote_and_signed_again_is_caught_by_who_watched(
    evening: Evening, page_of_a_lot: tuple[Page, dict[str, Any]], tmp_path: Path
) -> None:
    page, record = page_of_a_lot
    heads = heads_of(record)
    page.evaluate(REMEMBER, [record["auction"]["id"], heads])
    assert f"agrees with {len(heads)} heads" in verify(page)

    elsewhere(rewrite, evening)
    served = page.request.get(f"{page.url.split('/lots/')[0]}/api/v1/lots/{evening.show.lots[1].pk}/record/").json()
    assert served["runs"][-1]["amount"] == "61.00"
    caught = verify(page)
    assert "history was rewritten" in caught
    assert "Verified" not in caught
    for name, content in (("record", served), ("keys", elsewhere(published_keys)), ("heads", heads)):
        (tmp_path / name).write_text(json.dumps(content))
    given = ["--file", str(tmp_path / "record"), "--keys", str(tmp_path / "keys")]
    code, told = elsewhere(command, *given, "--heads", str(tmp_path / "heads"))
    assert (code, "history was rewritten" in told) == (1, True)

    # Nothing else could: it keeps every rule, and the signature is the site's own.
    assert elsewhere(command, *given)[0] == 0
    page.evaluate("() => localStorage.clear()")
    assert "Verified" in verify(page)
