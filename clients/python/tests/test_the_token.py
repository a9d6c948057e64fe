"""Being known by an access token: to the REST interface, to rooms, and to nobody else."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from paddle_client import AsyncClient, Client, RoomClosed
from paddle_client.http import Session
from paddle_client.room import Backoff

QUICK = Backoff(first_s=0.02, most_s=0.1)
STATE = (
    '{"type":"STATE","v":1,"epoch":"e","server_time_ms":1,"auction":{"id":4,"title":"Watches","status":"live",'
    '"currency":"EUR"},"lot":null,"participants":{"count":1},"you":{"signed_in":true}}'
)


@contextmanager
def site(redirect: str | None = None) -> Iterator[tuple[str, list[Any]]]:
    """Serve a site that remembers what it is asked, and may send its visitors elsewhere."""
    asked: list[Any] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.headers)
            self.send_response(302 if redirect else 200)
            if redirect:
                self.send_header("Location", redirect)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"[]")

        do_POST = do_GET

        def log_message(self, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_token_goes_with_every_request():
    tokens = iter(["one", "two"])
    with site() as (url, asked), Client(url, token=lambda: next(tokens)) as client:
        assert client.session.is_signed_in
        client.auctions()
        client.session.post_json("/api/v1/socket-tickets/", {})
    assert [headers["Authorization"] for headers in asked] == ["Bearer one", "Bearer two"]


def test_a_redirect_to_another_site_does_not_take_the_token_along():
    with site() as (elsewhere, stolen), site(f"{elsewhere}/api/") as (url, asked):
        Session(url, token="secret").get("/api/v1/auctions/")
    assert asked[0]["Authorization"] == "Bearer secret"
    assert stolen[0]["Authorization"] is None


def test_without_a_token_there_is_no_such_header():
    with site() as (url, asked), Client(url) as client:
        assert not client.session.is_signed_in
        client.auctions()
    assert asked[0]["Authorization"] is None


@contextmanager
def closing_at_first() -> Iterator[tuple[list[str], Any]]:
    """Return a room that shows itself, and to the first who comes says at once that their sign-in is over."""
    seen: list[str] = []

    async def room(connection: ServerConnection) -> None:
        assert connection.request is not None
        seen.append(connection.request.headers["Authorization"])
        await connection.send(STATE)
        if len(seen) == 1:
            await connection.close(4401)
        else:
            await connection.wait_closed()

    yield seen, room


async def test_a_room_is_entered_again_with_the_next_token_when_one_ran_out():
    tokens = iter(["one", "two"])
    with closing_at_first() as (seen, room):
        async with serve(room, "127.0.0.1", 0) as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            async with AsyncClient(url, token=lambda: next(tokens)).room(4, backoff=QUICK) as seat:
                await seat.until(lambda _: seat.connections == 2, timeout=20)
    assert seen == ["Bearer one", "Bearer two"]


async def test_a_token_that_cannot_be_renewed_is_the_end():
    with closing_at_first() as (seen, room):
        async with serve(room, "127.0.0.1", 0) as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            async with AsyncClient(url, token="one").room(4, backoff=QUICK) as seat:
                with pytest.raises(RoomClosed) as closed:
                    await seat.until(lambda _: False, timeout=20)
    assert closed.value.code == 4401
    assert seen == ["Bearer one"]
