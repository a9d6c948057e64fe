"""A hundred thousand odd frames from somebody unknown: no socket dies, nothing is raised, nothing changes.

They are made from the messages' fields and from raw text and bytes; each is sent as it is, and spoilt in several ways.
"""

import json
import logging
import os
from collections.abc import Callable, Iterator
from random import Random

import pytest
from django.conf import LazySettings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bidding import protocol
from bidding.selectors import snapshot_now
from bidding.services import lot_open
from bidding.tests.conftest import Show
from bidding.tests.rooms import Page, RoomServer, page

FRAMES = int(os.environ.get("FUZZED_FRAMES", "100000"))
AT_ONCE = 50
FORMS = 10
"""A frame as it is, and the ways in which it is spoilt."""
ODD = '"{}[]:,\\\x00\u202e\ufffd\U0001f600-0.9eE\n'

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
def server(show: Show, settings: LazySettings, record_property: Callable[[str, object], None]) -> Iterator[RoomServer]:
    settings.ROOM_MESSAGES_PER_SECOND = 1_000_000
    record_property("raised", f"ROOM_MESSAGES_PER_SECOND={settings.ROOM_MESSAGES_PER_SECOND}")
    lot_open(lot=show.lots[0], actor=show.host)
    # Without pings on either side: their content is drawn from the random numbers that hypothesis watches over.
    with RoomServer(ws_ping_interval=None) as running:
        yield running


@pytest.fixture
def stranger(show: Show, server: RoomServer) -> Iterator[Page]:
    with page(server, show.auction.pk, ping_interval=None) as unknown:
        unknown.next()
        yield unknown


def spoilt(frame: str | bytes, chance: Random) -> str | bytes:
    """Return a frame with a piece of it cut out, doubled, moved or made odd."""
    at = chance.randrange(len(frame) + 1)
    to = min(len(frame), at + chance.randrange(1, 12))
    match chance.randrange(4):
        case 0:
            return frame[:at] + frame[to:]  # type: ignore[operator]
        case 1:
            return frame[:to] + frame[at:]  # type: ignore[operator]
        case 2:
            return frame[to:] + frame[:at]  # type: ignore[operator]
        case _:
            odd = chance.choice(ODD)
            return frame[:at] + (odd.encode() if isinstance(frame, bytes) else odd) + frame[to:]  # type: ignore[operator]


@pytest.mark.timeout(1_200)
def test_odd_frames_change_nothing(show: Show, stranger: Page, caplog: pytest.LogCaptureFixture) -> None:
    before = snapshot_now(show.auction.pk)

    @settings(
        max_examples=FRAMES // (AT_ONCE * FORMS),
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    )
    @given(st.lists(ANYTHING, min_size=AT_ONCE, max_size=AT_ONCE), st.integers(0, 2**32))
    def throw(frames: list[str | bytes], seed: int) -> None:
        chance = Random(seed)
        for frame in frames:
            stranger.socket.send(frame)
            for _ in range(FORMS - 1):
                stranger.socket.send(spoilt(frame, chance))
            # In portions that both sides have room for, however slowly either reads.
            stranger.send("PING", t=-7.25)
            stranger.until("PONG", t=-7.25)

    throw()
    after = snapshot_now(show.auction.pk)
    assert (after.v, after.lot, after.recent_bids) == (before.v, before.lot, before.recent_bids)
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []
