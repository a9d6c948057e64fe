"""Thousands of odd frames from somebody unknown: no socket dies, nothing is raised, nothing changes."""

import json
import logging
import os
from collections.abc import Iterator

import pytest
from django.conf import LazySettings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bidding import protocol
from bidding.selectors import snapshot_now
from bidding.services import lot_open
from bidding.tests.conftest import Show
from bidding.tests.rooms import Page, RoomServer, page

FRAMES = int(os.environ.get("FUZZED_FRAMES", "2000"))
AT_ONCE = 50

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
KINDS = st.sampled_from([str(kind.__struct_config__.tag) for kind in protocol.NAMESPACE_OF]) | st.text(max_size=8)
FIELDS = st.sampled_from(["amount", "lot", "id", "max", "not_after_ms", "confirm", "since", "epoch", "text", "t", "x"])
VALUES = JSON | st.sampled_from(["125.00", "00000000-0000-4000-8000-000000000001", 2**63, 10**400, 1e308, ""])
MESSAGES = st.builds(lambda kind, fields: json.dumps({"type": kind} | fields), KINDS, st.dictionaries(FIELDS, VALUES))
TORN = st.builds(lambda text, at: text[: at % (len(text) + 1)], MESSAGES, st.integers(0, 500))
ANYTHING = MESSAGES | TORN | JSON.map(json.dumps) | st.text(max_size=200) | st.binary(max_size=200)


@pytest.fixture
def server(show: Show, settings: LazySettings) -> Iterator[RoomServer]:
    settings.ROOM_MESSAGES_PER_SECOND = 1_000_000
    lot_open(lot=show.lots[0], actor=show.host)
    # Without pings on either side: their content is drawn from the random numbers that hypothesis watches over.
    with RoomServer(ws_ping_interval=None) as running:
        yield running


@pytest.fixture
def stranger(show: Show, server: RoomServer) -> Iterator[Page]:
    with page(server, show.auction.pk, ping_interval=None) as unknown:
        unknown.next()
        yield unknown


@pytest.mark.timeout(600)
def test_odd_frames_change_nothing(show: Show, stranger: Page, caplog: pytest.LogCaptureFixture) -> None:
    before = snapshot_now(show.auction.pk)

    @settings(
        max_examples=FRAMES // AT_ONCE,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    )
    @given(st.lists(ANYTHING, min_size=AT_ONCE, max_size=AT_ONCE))
    def throw(frames: list[str | bytes]) -> None:
        for frame in frames:
            stranger.socket.send(frame)
        stranger.send("PING", t=-7.25)
        stranger.until("PONG", t=-7.25)

    throw()
    after = snapshot_now(show.auction.pk)
    assert (after.v, after.lot, after.recent_bids) == (before.v, before.lot, before.recent_bids)
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []
