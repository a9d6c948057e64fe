"""Sockets that do not read: they cost bounded memory, delay nobody, and are let go."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from bidding import protocol
from bidding.protocol import Namespace
from bidding.room import seats as seats_module
from bidding.room.transport import BUFFER_BYTES, FramedWebSocketProtocol
from bidding.services.announcing import announce_signal_now
from bidding.tests.conftest import Show
from bidding.tests.rooms import PATIENCE_S, RoomServer, Site, eventually, page

BIG = "x" * 8_000
MEGABYTES = 6


@pytest.fixture(params=[FramedWebSocketProtocol, "websockets-sansio"], ids=["framed", "eager"])
def server(request: pytest.FixtureRequest, show: Show, monkeypatch: pytest.MonkeyPatch) -> Iterator[RoomServer]:
    monkeypatch.setattr(seats_module, "SLOW_S", 1.0)
    with RoomServer(request.param) as running:
        yield running


@contextmanager
def deaf(server: Site, auction_id: int) -> Iterator[socket.socket]:
    """Open a socket whose owner never reads, with the smallest buffer that the kernel grants."""
    with socket.socket() as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
        raw.connect(("127.0.0.1", server.port))
        raw.sendall(
            f"GET /ws/auctions/{auction_id}/ HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        yield raw


def seats(server: RoomServer) -> list[Any]:
    return [seat for room in tuple(server.hub._rooms.values()) for seat in room]


def buffered(server: RoomServer) -> int:
    """Return the largest buffer of all connections."""
    transports = [connection.transport for connection in tuple(server.server_state.connections)]
    return max((transport.get_write_buffer_size() for transport in transports), default=0)


def test_three_deaf_seats_among_healthy_ones(show: Show, server: RoomServer) -> None:
    lines = MEGABYTES * 1_000_000 // len(BIG)
    with ExitStack() as opened:
        healthy = [opened.enter_context(page(server, show.auction.pk)) for _ in range(5)]
        for each in healthy:
            assert each.next()["type"] == "STATE"
        for _ in range(3):
            opened.enter_context(deaf(server, show.auction.pk))
        eventually(lambda: sum(seat.is_current for seat in seats(server)) == 8)
        largest = 0
        for number in range(lines):
            announce_signal_now(show.auction.pk, Namespace.BID, protocol.Notice(text=f"{number}{BIG}"))
            if number % 25 == 24:
                # Read what was sent, so that the healthy ones are so in fact.
                for each in healthy:
                    while not each.next().get("text", "").startswith(f"{number}x"):
                        pass
                largest = max(largest, buffered(server))
        for each in healthy:
            texts = [message["text"][:-8_000] for message in each.seen if message["type"] == "NOTICE"]
            assert texts == [str(number) for number in range(lines)][: len(texts)]
            assert len(texts) >= lines - lines % 25
        eventually(lambda: len(seats(server)) == 5)
        assert largest < BUFFER_BYTES + 30 * len(BIG)


def test_who_reads_again_in_time_gets_the_newest_state(
    show: Show, server: RoomServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seats_module, "SLOW_S", 60.0)
    with deaf(server, show.auction.pk) as raw:
        eventually(lambda: any(seat.is_current for seat in seats(server)))
        for _ in range(1_000):
            announce_signal_now(show.auction.pk, Namespace.BID, protocol.Notice(text=BIG))
        eventually(lambda: any(seat.slow_since is not None for seat in seats(server)))
        raw.settimeout(PATIENCE_S)
        # Of all that it was sent only the end of each piece is kept: a word may go on in the next one.
        state, states, end = b'"type":"STATE"', 0, b""
        while states < 2:
            heard = end + raw.recv(1 << 20)
            states, end = states + heard.count(state), heard[1 - len(state) :]
        eventually(lambda: all(seat.is_current for seat in seats(server)))
