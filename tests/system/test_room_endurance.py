"""What a room must bear: readers that stall, a channel layer that restarts under a full house, storms of arrivals."""

import subprocess
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import redis

from auction_site import embedded
from auction_site.stack import free_port
from auction_site.supervisor import Background
from bidding import protocol
from bidding.metrics import ANNOUNCEMENTS_LOST
from bidding.protocol import Namespace
from bidding.services import lot_open
from bidding.services.announcing import announce_signal_now
from bidding.tests.conftest import Show
from bidding.tests.rooms import Page, page
from bidding.tests.test_room_slow_seats import BIG, deaf
from tests.crowd import Crowd
from tests.system.conftest import StartWeb

pytestmark = pytest.mark.timeout(600)

THOUSAND = 1_000
MEGABYTES = 4
STORMS, VIEWERS_IN_A_STORM = 20, 200
WARM_STORMS = 5
"""How many of them may still fill caches and pools."""
SPARE_MB = 16
NO_LIMIT = {"ROOM_SEATS_PER_ADDRESS": "10000"}
"""A crowd has one address here."""


def notify(show: Show, text: str) -> None:
    """Send a notice, and once more where the side server did not take it in time: a signal may be lost."""
    lost = None
    while lost != ANNOUNCEMENTS_LOST._value.get():
        lost = ANNOUNCEMENTS_LOST._value.get()
        announce_signal_now(show.auction.pk, Namespace.BID, protocol.Notice(text=text))


@pytest.mark.parametrize("kind", ["serve", "daphne"])
def test_three_stalled_readers_delay_none_of_fifty(show: Show, start: StartWeb, kind: str) -> None:
    server = start(kind)
    notices = MEGABYTES * 1_000_000 // len(BIG)
    with Crowd(server.port, show.auction.pk, server.origin) as healthy, ExitStack() as opened:
        healthy.come(50)
        for _ in range(3):
            opened.enter_context(deaf(server, show.auction.pk))
        for number in range(notices):
            notify(show, f"{number}{BIG}")
            if number % 25 == 24:
                # At the pace at which the healthy ones read, so that they are so in fact.
                said = number + 1
                healthy.all_have(lambda viewer, said=said: len(viewer.notices) >= said)  # type: ignore[misc]
        heard = [[int(text.removesuffix(BIG)) for text in dict.fromkeys(viewer.notices)] for viewer in healthy.viewers]
        assert heard == [list(range(notices))] * 50


def test_a_restart_of_the_channel_layer_under_a_thousand_sockets(
    show: Show, start: StartWeb, floor: redis.Redis, tmp_path: Path
) -> None:
    lot_open(lot=show.lots[0], actor=show.host)
    port = free_port()
    with Background([[embedded.side(tmp_path, port)]]) as side:
        server = start("serve", SIDE_REDIS_URL=embedded.address(port), **NO_LIMIT)
        with (
            page(server, show.auction.pk, user=show.bidders[0].user) as hers,
            page(server, show.auction.pk, user=show.bidders[0].user) as also_hers,
            page(server, show.auction.pk, user=show.bidders[1].user) as boris,
            Crowd(server.port, show.auction.pk, server.origin) as crowd,
        ):
            crowd.come(THOUSAND)
            side.kill("side")
            # The floor decides and remembers: bids count and are seen while nothing can be announced.
            v = hers.ask("BID", "BID_ACCEPTED", amount="10.00")["v"]
            crowd.all_have(lambda viewer: viewer.v >= v)
            side.start("side")
            raise_until_announced(hers, also_hers)
            until_all_hear_chat(hers, crowd)
            v = boris.ask("BID", "BID_ACCEPTED", amount="15.00")["v"]
            crowd.all_have(lambda viewer: viewer.v >= v)
            assert not any(viewer.has_gap or viewer.close_code for viewer in crowd.viewers)
            assert {viewer.kinds["STATE"] for viewer in crowd.viewers} == {1}, "nobody had to begin again"


def raise_until_announced(hers: Page, also_hers: Page) -> None:
    """Raise a maximum until the bidder's other page hears of it: that comes by the channel layer and no other way."""
    for amount in range(50, 50 + 60):
        hers.ask("BID", "BID_ACCEPTED", amount=f"{amount}.00", max=True)
        with suppress(TimeoutError):
            while also_hers.next(1)["type"] != "YOU":
                pass
            return
    pytest.fail("the channel layer was never heard again")


def until_all_hear_chat(speaker: Page, crowd: Crowd) -> None:
    """Chat until the room is heard again: what was said while nothing listened may be lost."""
    end = time.monotonic() + 60
    while not all(viewer.kinds["CHAT"] for viewer in crowd.viewers):
        assert time.monotonic() < end, "the room stayed deaf"
        speaker.send("CHAT", text="still there?")
        time.sleep(2.5)


def test_after_twenty_storms_the_process_is_as_before(show: Show, start: StartWeb, floor: redis.Redis) -> None:
    lot_open(lot=show.lots[0], actor=show.host)
    server = start("serve", **NO_LIMIT)
    sizes: list[float] = []
    with Crowd(server.port, show.auction.pk, server.origin) as crowd:
        for storm in range(STORMS):
            crowd.come(VIEWERS_IN_A_STORM)
            # In the middle of what happens to them they go, without a word.
            announce_signal_now(show.auction.pk, None, protocol.Notice(text=f"storm {storm}"))
            crowd.leave()
            sizes.append(resident_mb(server.pid))
        with page(server, show.auction.pk) as last:
            last.next()
            last.until("PARTICIPANTS", count=1)
    assert max(sizes[WARM_STORMS:]) - sizes[WARM_STORMS] < SPARE_MB, f"the process grows: {sizes}"


def resident_mb(pid: int) -> float:
    """Return how much memory a process has."""
    told = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True)
    return int(told.stdout) / 1024
