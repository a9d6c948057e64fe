"""Promise 14 with a real floor that is killed, frozen, silent or full, and bidders on real sockets.

Each check passes as things are, and fails on a planted bug, as in `test_planted_bugs`. How long an answer takes is
compared with the configured time-out, which is long here: a slow machine is no broken promise.
"""

import os
import signal
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import redis
from django.conf import settings as configured

from auction_site import embedded
from auction_site.stack import free_port
from auction_site.supervisor import Background
from bidding import floor as connections
from bidding import protocol
from bidding.engine.keys import AuctionKeys
from bidding.services import lot_open
from bidding.tests.conftest import Show
from bidding.tests.rooms import PATIENCE_S, Page, RoomServer, page
from bidding.tests.test_a_show import bid
from bidding.tests.test_planted_bugs import Bug, PromiseBroken, Stage, promise
from bidding.tests.test_script_fuzz import state_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]

TIMEOUT_S = 4.0
AT_ONCE = 50
BYTES_PER_BID = 2_000
"""What `docs/architecture.md` counts with."""
ANSWERS = ("BID_ACCEPTED", "BID_REJECTED", "BID_UNKNOWN")


@dataclass
class OwnFloor:
    """A floor that only this test uses, and that may be lost."""

    port: int
    servers: Background
    client: redis.Redis

    @contextmanager
    def killed(self) -> Iterator[None]:
        """Kill it for a block: connections are refused."""
        self.servers.kill("floor")
        try:
            yield
        finally:
            self.servers.start("floor")

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop it for a block: the system accepts connections, and what was sent is read at the end."""
        pid = self.servers.pid("floor")
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Put something in its place for a block that accepts connections and never says a word."""
        self.servers.kill("floor")
        try:
            with closing(socket.create_server(("127.0.0.1", self.port), backlog=1_000)):
                yield
        finally:
            self.servers.start("floor")


@pytest.fixture
def own_floor(tmp_path: Any, settings: Any) -> Iterator[OwnFloor]:
    """Return a floor of its own, in use by everything that starts now; more bid at once than there are connections."""
    port = free_port()
    with Background([[embedded.floor(tmp_path, port)]]) as servers, redis.Redis(port=port) as client:
        settings.REDIS_URL = embedded.address(port)
        settings.FLOOR_TIMEOUT_S = TIMEOUT_S
        yield OwnFloor(port, servers, client)
        connections.floor().close()


@dataclass
class Room:
    """A show on a floor of its own, and a seat for each bid."""

    floor: OwnFloor
    show: Show
    seats: list[Page]

    def ask_all(self, ids: list[str]) -> list[dict[str, Any]]:
        """Send a bid with its id from each seat at once, and return the answers."""
        for number, (seat, bid_id) in enumerate(zip(self.seats, ids, strict=True)):
            seat.send("BID", id=bid_id, amount=f"{10 + 5 * number}.00")
        return [self.answer(seat, bid_id) for seat, bid_id in zip(self.seats, ids, strict=True)]

    def answer(self, seat: Page, bid_id: str) -> dict[str, Any]:
        """Return the answer to a bid."""
        try:
            return seat.until(*ANSWERS, id=bid_id)
        except TimeoutError:
            raise PromiseBroken(f"a bid has no answer after {PATIENCE_S} s") from None


@contextmanager
def room_of(stage: Stage, seats: int) -> Iterator[Room]:
    """Open a lot in a room with so many seats, each of which has bid before, so that connections are open."""
    floor: OwnFloor = stage.request.getfixturevalue("own_floor")
    stage.patch.setattr(connections, "_CONNECTIONS", 10)
    show = stage.show
    lot_open(lot=show.lots[0], actor=show.host)
    with RoomServer() as server, ExitStack() as pages:
        sat = [
            pages.enter_context(page(server, show.auction.pk, user=show.bidders[number % 3].user))
            for number in range(seats)
        ]
        room = Room(floor, show, sat)
        for seat in sat:
            seat.until("STATE")
        for seat in sat:
            seat.send("BID", id=(bid_id := str(uuid.uuid4())), amount="1.00")
            promise(room.answer(seat, bid_id)["code"] == "too_low", "a bid of a floor that is well was not decided")
        yield room


Away = Callable[[OwnFloor], Any]


def is_answered_in_time_and_decided_once(stage: Stage, away: Away) -> None:
    """Let everybody bid at once while the floor is away, and again with the same ids when it is back."""
    ids = [str(uuid.uuid4()) for _ in range(AT_ONCE)]
    with room_of(stage, AT_ONCE) as room:
        with away(room.floor):
            began = time.monotonic()
            answers = room.ask_all(ids)
            took = time.monotonic() - began
        said = {answer.get("code", answer["type"]) for answer in answers}
        # Unknown is what was sent on a connection that was open, or of which nobody had seen yet that it was cut.
        promise(said <= {"unavailable", "BID_UNKNOWN"}, f"decided without the floor: {said}")
        promise("unavailable" in said, "nobody heard that nothing was sent")
        promise(took < 1.75 * TIMEOUT_S, f"bids waited for each other: {took:.1f} s at a time-out of {TIMEOUT_S} s")
        # A repeat may come before the floor has read all that was sent to it before.
        final = room.ask_all(ids)
        promise(not {"BID_UNKNOWN"} & {answer["type"] for answer in final}, "a repeat is still unknown")
        promise(room.ask_all(ids) == final, "another answer to the same id")
        log: Any = room.floor.client.xrange(AuctionKeys(room.show.auction.pk).log)
        counted = [bid_id for bid_id in ids for _, fields in log if bid_id.encode() in fields[b"private"]]
        accepted = [answer["id"] for answer in final if answer["type"] == "BID_ACCEPTED"]
        promise(counted == accepted, "counted twice, or without an answer")
        promise(accepted, "nobody could bid when the floor was back")


def a_killed_floor_refuses(stage: Stage) -> None:
    is_answered_in_time_and_decided_once(stage, OwnFloor.killed)


def a_frozen_floor_leaves_nobody_waiting(stage: Stage) -> None:
    is_answered_in_time_and_decided_once(stage, OwnFloor.frozen)


def a_silent_floor_leaves_nobody_waiting(stage: Stage) -> None:
    is_answered_in_time_and_decided_once(stage, OwnFloor.silent)


def more_bids_than_connections_are_decided(stage: Stage) -> None:
    with room_of(stage, AT_ONCE) as room:
        answers = room.ask_all([str(uuid.uuid4()) for _ in range(AT_ONCE)])
        told = {answer.get("code", "ok") for answer in answers}
        promise("unavailable" not in told, "refused although the floor is well")


def a_full_floor_refuses_and_goes_on(stage: Stage) -> None:
    """Bid until the floor has no memory left, for as many bids as the documentation promises, then make room."""
    with room_of(stage, 2) as room:
        client, keys = room.floor.client, AuctionKeys(room.show.auction.pk)
        client.config_set("maxmemory", client.info("memory")["used_memory"] + 200 * BYTES_PER_BID)
        number, reply = 0, bid(room.show, 0, "10.00")
        while isinstance(reply, protocol.BidAccepted) and number < 5_000:
            number += 1
            reply = bid(room.show, number % 2, f"{10 + 5 * number}.00")
        promise(number >= 200, f"a floor with room for 200 bids took {number}")
        promise(isinstance(reply, protocol.BidRejected) and reply.code == "unavailable", f"a full floor said {reply}")
        before, length = state_of(client), client.xlen(keys.refusals)
        ids = [str(uuid.uuid4()), str(uuid.uuid4())]
        amounts = [f"{15 + 5 * number + 5 * turn}.00" for turn in range(2)]

        def ask() -> list[dict[str, Any]]:
            told = []
            for seat, bid_id, amount in zip(room.seats, ids, amounts, strict=True):
                seat.send("BID", id=bid_id, amount=amount)
                told.append(room.answer(seat, bid_id))
            return told

        codes = [answer.get("code", answer["type"]) for answer in ask()]
        promise(codes == ["unavailable"] * 2, f"a full floor said {codes}")
        promise((state_of(client), client.xlen(keys.refusals)) == (before, length), "half a bid was written")
        client.config_set("maxmemory", "512mb")
        promise("BID_ACCEPTED" in {answer["type"] for answer in ask()}, "bidding does not go on")


AWAY = [a_killed_floor_refuses, a_frozen_floor_leaves_nobody_waiting, a_silent_floor_leaves_nobody_waiting]
LOCALLY = (
    "    if isinstance(error, NotSent | FloorMissing):\n",
    "    if isinstance(error, NotSent | FloorMissing):\n"
    "        return protocol.BidAccepted(\n"
    "            id=bid_id, lot=1, amount='1', standing='leading', v=1, epoch='', ends_at_ms=0\n"
    "        )\n",
    "bidding.services.bids:_failure",
)
ENDLESSLY = ('"socket_timeout": settings.FLOOR_TIMEOUT_S', '"socket_timeout": None', "bidding.floor:_options")
IN_TURN = (
    "    attempt = _Attempt()\n",
    "    client.connection_pool.timeout = None\n    return await _arun(client, call, replicas, _Attempt())\n",
    "bidding.engine.runner:arun",
)
NO_WAITING = (
    "BlockingConnectionPool.from_url(url, retry=AsyncRetry(NoBackoff(), 0), **_options())",
    "ConnectionPool.from_url(url, max_connections=10, socket_timeout=settings.FLOOR_TIMEOUT_S)",
    "bidding.floor:_async_client",
)
FULL_IS_UNKNOWN = ("except _NOTHING_WRITTEN as error:", "except () as error:", "bidding.engine.runner:_arun")
BUGS = [
    *(Bug(14, check, *LOCALLY) for check in AWAY),
    Bug(14, a_frozen_floor_leaves_nobody_waiting, *ENDLESSLY),
    Bug(14, a_frozen_floor_leaves_nobody_waiting, *IN_TURN),
    Bug(14, more_bids_than_connections_are_decided, *NO_WAITING),
    Bug(14, a_full_floor_refuses_and_goes_on, *FULL_IS_UNKNOWN),
]


@pytest.mark.parametrize("check", {bug.check.__name__: bug.check for bug in BUGS}.values())
def test_the_promise_holds(check: Callable[[Stage], None], request: pytest.FixtureRequest) -> None:
    check(Stage(request))


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.check.__name__)
def test_its_check_fails_on_the_bug(bug: Bug, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(request)
    with monkeypatch.context() as patch:
        bug.plant(patch)
        with pytest.raises(PromiseBroken):
            bug.check(stage)


def test_a_bidder_hears_within_two_seconds() -> None:
    assert configured.FLOOR_TIMEOUT_S < 2
