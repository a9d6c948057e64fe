"""What a seat does on a real socket: it comes back, catches up, and gets one answer for every bid."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from paddle_client import AsyncClient, BidAccepted, BidRejected, BidUnresolved, CannotConnect, Client, RoomClosed
from paddle_client.messages import Chat, HighestBid
from paddle_client.room import AsyncRoom, Backoff

PATIENCE_S = 20
QUICK = Backoff(first_s=0.02, most_s=0.1)
EPOCH = "3f9c"


class Site:
    """A small server that plays a room: each visit is played by the next of its scripts, the last one for ever."""

    def __init__(self, *scripts: Callable[["Visit"], Awaitable[None]]) -> None:
        self.scripts = list(scripts)
        self.visits: list[Visit] = []
        self.url = ""

    async def take(self, connection: ServerConnection) -> None:
        """Play one visit."""
        visit = Visit(connection)
        self.visits.append(visit)
        script = self.scripts[min(len(self.visits), len(self.scripts)) - 1]
        await script(visit)

    @asynccontextmanager
    async def open(self):
        """Listen on a free port."""
        async with serve(self.take, "127.0.0.1", 0, subprotocols=[Subprotocol("auction.v1")]) as server:
            self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            yield self


class Visit:
    """One connection, as the server sees it."""

    def __init__(self, connection: ServerConnection) -> None:
        self.connection = connection
        self.heard: list[dict] = []

    @property
    def query(self) -> dict:
        """Return what the address asked for."""
        return {name: values[0] for name, values in parse_qs(urlsplit(self.connection.request.path).query).items()}

    async def say(self, *messages: dict) -> None:
        """Send one frame: an object, or an array of several."""
        await self.connection.send(json.dumps(messages[0] if len(messages) == 1 else messages))

    async def hear(self, kind: str) -> dict:
        """Wait for a message of that type; PINGs are answered meanwhile."""
        async for frame in self.connection:
            message = json.loads(frame)
            if message["type"] == "PING":
                await self.say({"type": "PONG", "t": message["t"], "server_time_ms": 1_000_000})
                if kind != "PING":
                    continue
            self.heard.append(message)
            if message["type"] == kind:
                return message
        raise AssertionError(f"the client left without saying {kind}")

    async def stay(self) -> None:
        """Listen until the client leaves."""
        async for frame in self.connection:
            message = json.loads(frame)
            if message["type"] == "PING":
                await self.say({"type": "PONG", "t": message["t"], "server_time_ms": 1_000_000})
            else:
                self.heard.append(message)

    async def drop(self) -> None:
        """Lose the connection without a word."""
        self.connection.transport.abort()


def state(v: int = 10, amount: str | None = None) -> dict:
    """Return a STATE with lot 7 open."""
    return {
        "type": "STATE",
        "v": v,
        "epoch": EPOCH,
        "server_time_ms": 1_000_000,
        "auction": {"id": 4, "title": "Watches", "status": "live", "currency": "EUR"},
        "lot": {
            "id": 7,
            "number": "3",
            "title": "Chronograph",
            "status": "open",
            "opening_amount": "100.00",
            "current_amount": amount,
            "minimum_amount": "125.00",
            "ends_at_ms": 1_060_000,
        },
        "participants": {"count": 1},
        "you": {"signed_in": True, "paddle": 9, "can_bid": True},
    }


def highest_bid(v: int, amount: str) -> dict:
    """Return a HIGHEST_BID of somebody else."""
    return {
        "type": "HIGHEST_BID",
        "v": v,
        "from_v": v,
        "epoch": EPOCH,
        "at_ms": 1,
        "lot": 7,
        "current_amount": amount,
        "minimum_amount": amount,
        "leader": {"paddle": 12},
        "bid_count": v,
        "ends_at_ms": 1_060_000,
        "bids": [{"v": v, "amount": amount, "paddle": 12}],
    }


def accepted(bid: dict, v: int = 11) -> dict:
    """Return the answer to a bid that counted."""
    return {
        "type": "BID_ACCEPTED",
        "id": bid["id"],
        "lot": 7,
        "amount": bid.get("amount", "125.00"),
        "standing": "leading",
        "v": v,
        "epoch": EPOCH,
        "ends_at_ms": 1_060_000,
    }


async def test_a_seat_follows_the_room():
    async def script(visit: Visit) -> None:
        await visit.say(state())
        await visit.hear("CHAT")
        await visit.say(highest_bid(11, "130.00"), highest_bid(12, "140.00"))
        await visit.stay()

    async with Site(script).open() as site, AsyncClient(site.url).room(4, backoff=QUICK) as room:
        assert room.connected
        messages = room.messages()
        await room.say("hello")
        async with asyncio.timeout(PATIENCE_S):
            seen = [message async for message, _ in _some(messages, 2, HighestBid)]
        assert [message.current_amount for message in seen] == ["130.00", "140.00"]
        assert (room.state.v, room.state.lot.current_amount) == (12, "140.00")


async def _some(messages, count: int, kind: type):
    """Yield the next messages of one kind."""
    async for message in messages:
        if isinstance(message, kind):
            yield message, count
            count -= 1
            if not count:
                return


async def test_a_cancellation_is_obeyed_although_the_answer_comes_at_the_same_moment(monkeypatch):
    room = object.__new__(AsyncRoom)
    room._bids = {}

    async def sent(frame):
        return True

    monkeypatch.setattr(room, "_send_bytes", sent)
    bidding = asyncio.create_task(room._resolve("b1", b"{}", 60))
    await asyncio.sleep(0)
    room._bids["b1"].answer.set_result(BidRejected(code="too_low", message="x"))
    bidding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await bidding


async def test_the_handshake_names_session_origin_and_protocol():
    async def script(visit: Visit) -> None:
        await visit.say(state())
        await visit.stay()

    async with Site(script).open() as site:
        client = AsyncClient(site.url)
        client.session.set_cookie("sessionid", "abc")
        async with client.room(4, backoff=QUICK) as room:
            assert room.connected
        headers = site.visits[0].connection.request.headers
        assert (headers["Cookie"], headers["Origin"]) == ("sessionid=abc", site.url)
        assert site.visits[0].connection.subprotocol == "auction.v1"
        assert site.visits[0].connection.request.path == "/ws/auctions/4/"


async def test_a_lost_connection_comes_back_with_what_was_missed():
    async def first(visit: Visit) -> None:
        await visit.say(state())
        await visit.say(highest_bid(11, "130.00"))
        await visit.hear("CHAT")
        await visit.drop()

    async def second(visit: Visit) -> None:
        await visit.say(
            {
                "type": "RESUMED",
                "v": 13,
                "epoch": EPOCH,
                "server_time_ms": 1_000_000,
                "events": [highest_bid(12, "140.00"), highest_bid(13, "150.00")],
                "you": {"paddle": 9},
            }
        )
        await visit.stay()

    async with Site(first, second).open() as site, AsyncClient(site.url).room(4, backoff=QUICK) as room:
        await room.until(lambda now: now.v == 11, timeout=PATIENCE_S)
        await room.say("bye")
        await room.until(lambda now: now.v == 13, timeout=PATIENCE_S)
        assert site.visits[1].query == {"since": "11", "epoch": EPOCH}
        assert room.state.lot.current_amount == "150.00"
        assert room.connections == 2


async def test_a_gap_is_asked_for_once():
    async def script(visit: Visit) -> None:
        await visit.say(state())
        await visit.say(highest_bid(13, "150.00"))
        await visit.say(highest_bid(14, "160.00"))
        asked = await visit.hear("RESUME")
        assert (asked["since"], asked["epoch"]) == (10, EPOCH)
        await visit.say(state(14, "160.00"))
        await visit.stay()

    async with Site(script).open() as site, AsyncClient(site.url).room(4, backoff=QUICK) as room:
        await room.until(lambda now: now.v == 14, timeout=PATIENCE_S)
        assert [message["type"] for message in site.visits[0].heard].count("RESUME") == 1


async def test_a_resume_that_leaves_a_gap_asks_for_the_whole_state():
    async def script(visit: Visit) -> None:
        await visit.say(state())
        await visit.say(highest_bid(13, "150.00"))
        await visit.hear("RESUME")
        await visit.say(
            {"type": "RESUMED", "v": 13, "epoch": EPOCH, "server_time_ms": 1, "events": [highest_bid(13, "150.00")]}
        )
        asked = await visit.hear("RESUME")
        assert asked["epoch"] != EPOCH
        await visit.say(state(13, "150.00"))
        await visit.stay()

    async with Site(script).open() as site, AsyncClient(site.url).room(4, backoff=QUICK) as room:
        await room.until(lambda now: now.v == 13, timeout=PATIENCE_S)


async def test_a_heartbeat_ahead_of_us_is_asked_about():
    async def script(visit: Visit) -> None:
        await visit.say(state())
        await visit.say({"type": "TIMER", "server_time_ms": 1, "lot": 7, "ends_at_ms": 1, "v": 12, "epoch": EPOCH})
        await visit.hear("RESUME")
        await visit.say(state(12, "140.00"))
        await visit.stay()

    async with Site(script).open() as site, AsyncClient(site.url).room(4, backoff=QUICK) as room:
        await room.until(lambda now: now.v == 12, timeout=PATIENCE_S)


async def test_a_bid_is_answered():
    async def script(visit: Visit) -> None:
        await visit.say(state())
        bid = await visit.hear("BID")
        await visit.say(accepted(bid))
        bid = await visit.hear("BID")
        await visit.say({"type": "BID_REJECTED", "id": bid["id"], "code": "too_low", "minimum_amount": "135.00"})
        await visit.stay()

    async with Site(script).open() as site, AsyncClient(site.url).room(4, backoff=QUICK) as room:
        answer = await room.bid("125.00")
        assert isinstance(answer, BidAccepted)
        assert answer.standing == "leading"
        refusal = await room.bid("125.00", maximum=True)
        assert isinstance(refusal, BidRejected)
        assert refusal.minimum_amount == "135.00"
        first, second = (message for message in site.visits[0].heard if message["type"] == "BID")
        assert first["lot"] == 7
        assert first["id"] != second["id"]
        assert first["not_after_ms"] > 1_000_000
        assert second["max"] is True


async def test_a_bid_that_counted_before_the_connection_was_lost_is_not_sent_again():
    async def first(visit: Visit) -> None:
        await visit.say(state())
        await visit.hear("BID")
        await visit.drop()

    async def second(visit: Visit) -> None:
        await visit.say(state(11, "125.00"))
        asked = await visit.hear("BID_STATUS")
        await visit.say(accepted(asked))
        await visit.stay()

    async with Site(first, second).open() as site, AsyncClient(site.url).room(4, backoff=QUICK) as room:
        answer = await room.bid("125.00")
        assert isinstance(answer, BidAccepted)
        assert [message["type"] for message in site.visits[1].heard] == ["BID_STATUS"]
        assert site.visits[1].heard[0]["id"] == site.visits[0].heard[0]["id"]


async def test_a_bid_that_never_arrived_is_repeated_as_it_was():
    async def first(visit: Visit) -> None:
        await visit.say(state())
        await visit.hear("BID")
        await visit.drop()

    async def second(visit: Visit) -> None:
        await visit.say(state())
        asked = await visit.hear("BID_STATUS")
        await visit.say({"type": "BID_UNKNOWN", "id": asked["id"]})
        bid = await visit.hear("BID")
        await visit.say({"type": "BID_UNKNOWN", "id": bid["id"]})
        bid = await visit.hear("BID")
        await visit.say(accepted(bid))
        await visit.stay()

    async with Site(first, second).open() as site, AsyncClient(site.url).room(4, backoff=QUICK) as room:
        answer = await room.bid("125.00")
        assert isinstance(answer, BidAccepted)
        original = site.visits[0].heard[0]
        assert site.visits[1].heard[1:] == [original, original]


async def test_a_bid_without_an_answer_says_its_id():
    async def script(visit: Visit) -> None:
        await visit.say(state())
        await visit.stay()

    async with Site(script).open() as site, AsyncClient(site.url).room(4, backoff=QUICK) as room:
        with pytest.raises(BidUnresolved) as caught:
            await room.bid("125.00", timeout=0.05, bid_id="6f1d3f0e-5a4e-4b55-9a39-3f6f4c3a0b11")
        assert caught.value.bid_id == "6f1d3f0e-5a4e-4b55-9a39-3f6f4c3a0b11"


async def test_the_status_of_a_bid_can_be_asked():
    async def script(visit: Visit) -> None:
        await visit.say(state())
        asked = await visit.hear("BID_STATUS")
        await visit.say(accepted(asked))
        asked = await visit.hear("BID_STATUS")
        await visit.say({"type": "BID_UNKNOWN", "id": asked["id"]})
        await visit.stay()

    async with Site(script).open() as site, AsyncClient(site.url).room(4, backoff=QUICK) as room:
        assert isinstance(await room.bid_status("6f1d3f0e-5a4e-4b55-9a39-3f6f4c3a0b11"), BidAccepted)
        assert await room.bid_status("6f1d3f0e-5a4e-4b55-9a39-3f6f4c3a0b12") is None


@pytest.mark.parametrize("code", [4401, 4403, 4404])
async def test_a_room_that_lets_nobody_in_is_not_asked_again(code):
    async def script(visit: Visit) -> None:
        await visit.connection.close(code)

    async with Site(script).open() as site:
        with pytest.raises(RoomClosed) as caught:
            async with AsyncClient(site.url).room(4, backoff=QUICK):
                pass
        assert caught.value.code == code
        assert len(site.visits) == 1


async def test_a_seat_that_was_too_slow_comes_back():
    async def first(visit: Visit) -> None:
        await visit.say(state())
        await visit.connection.close(4408)

    async def second(visit: Visit) -> None:
        await visit.say(state(12, "140.00"))
        await visit.stay()

    async with Site(first, second).open() as site, AsyncClient(site.url).room(4, backoff=QUICK) as room:
        await room.until(lambda now: now.v == 12, timeout=PATIENCE_S)


async def test_being_let_go_ends_iteration_and_bids():
    async def script(visit: Visit) -> None:
        await visit.say(state())
        await visit.hear("BID")
        await visit.connection.close(4403)

    async with Site(script).open() as site, AsyncClient(site.url).room(4, backoff=QUICK) as room:
        messages = room.messages()
        with pytest.raises(BidUnresolved):
            await room.bid("125.00")
        with pytest.raises(RoomClosed):
            async for _ in messages:
                pass
        with pytest.raises(RoomClosed):
            await room.bid("125.00")


async def test_nobody_there_is_said_in_time():
    async with Site().open() as site:
        url = site.url
    with pytest.raises(CannotConnect):
        async with AsyncClient(url).room(4, backoff=QUICK, connect_timeout=0.3):
            pass


async def test_a_frame_that_cannot_be_read_does_no_harm():
    async def script(visit: Visit) -> None:
        await visit.connection.send("{")
        await visit.connection.send('{"type":"HIGHEST_BID","v":"what"}')
        await visit.say(state())
        await visit.stay()

    async with Site(script).open() as site, AsyncClient(site.url).room(4, backoff=QUICK) as room:
        assert room.connections == 1


async def test_the_servers_clock_is_measured():
    async def script(visit: Visit) -> None:
        await visit.say(state())
        await visit.stay()

    async with Site(script).open() as site, AsyncClient(site.url).room(4, backoff=QUICK) as room:
        async with asyncio.timeout(PATIENCE_S):
            async for _ in room.messages():
                if room.clock.error_ms is not None:
                    break
        now = room.clock.now_ms()
        assert now is not None
        assert 1_000_000 <= now < 1_000_000 + PATIENCE_S * 1_000


async def test_without_await_it_is_the_same():
    async def script(visit: Visit) -> None:
        await visit.say(state())
        bid = await visit.hear("BID")
        await visit.say(accepted(bid), highest_bid(11, "125.00"))
        await visit.say(
            {"type": "CHAT", "line": {"id": "1", "author": "Host", "paddle": None, "text": "Sold!", "at_ms": 1}}
        )
        await visit.stay()

    def visit_blocking(url: str) -> tuple[str, str]:
        with Client(url) as client, client.room(4, backoff=QUICK) as room:
            messages = room.messages()
            answer = room.bid(room.state.lot.minimum_amount)
            line = next(message for message in messages if isinstance(message, Chat))
            room.until(lambda now: now.v == 11, timeout=PATIENCE_S)
            return answer.standing, line.line.text

    async with Site(script).open() as site:
        assert await asyncio.to_thread(visit_blocking, site.url) == ("leading", "Sold!")


async def test_a_question_about_a_bid_outlives_its_connection():
    async def deaf(visit: Visit) -> None:
        await visit.say(state())
        await visit.hear("BID_STATUS")
        await visit.drop()

    async def remembers(visit: Visit) -> None:
        await visit.say(state())
        asked = await visit.hear("BID_STATUS")
        await visit.say({"type": "BID_REJECTED", "id": asked["id"], "code": "too_low", "v": 9, "epoch": EPOCH})
        await visit.stay()

    async with Site(deaf, remembers).open() as site, AsyncClient(site.url).room(4, backoff=QUICK) as room:
        answer = await room.bid_status("00000000-0000-4000-8000-000000000001", timeout=PATIENCE_S)
    assert isinstance(answer, BidRejected)
    assert answer.code == "too_low"
