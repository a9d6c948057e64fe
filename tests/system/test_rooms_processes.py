"""Rooms in web processes of their own, as they run in life: uvicorn by `serve`, and daphne.

The processes share the test's database and floor. Each test may kill its own.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
import redis
from django.conf import settings
from django.db import connection

from auction_site import embedded
from auction_site.stack import free_port, port_is_free
from auction_site.supervisor import Background, Child
from bidding import protocol
from bidding.engine import calls
from bidding.engine.runner import run
from bidding.protocol import Namespace
from bidding.services import lot_open
from bidding.services.announcing import announce_signal_now
from bidding.tests.conftest import Show, make_show, show  # noqa: F401 - fixtures
from bidding.tests.rooms import Page, page
from bidding.tests.test_room_slow_seats import BIG, deaf

ROOT = Path(__file__).resolve().parents[2]
ORIGIN = "http://127.0.0.1:8000"

pytestmark = pytest.mark.timeout(180)


def database_url() -> str:
    """Return the address of the test database for another process."""
    name = str(connection.settings_dict["NAME"])
    given = os.environ.get("TEST_DATABASE_URL")
    return urlunsplit(urlsplit(given)._replace(path=f"/{name}")) if given else f"sqlite:///{name}"


Start = Callable[..., Any]


@pytest.fixture
def start(show: Show) -> Iterator[Start]:  # noqa: F811
    """Return a function that starts a web process and returns it as a server that pages connect to."""
    with ExitStack() as closing:

        def begin(kind: str, **environment: str) -> Any:
            port = free_port()
            commands = {
                "serve": [sys.executable, "manage.py", "serve", "--port", str(port)],
                "daphne": [sys.executable, "-m", "daphne", "-p", str(port), "auction_site.asgi:application"],
            }
            env = {**os.environ, "DATABASE_URL": database_url(), "PUBLIC_URL": ORIGIN, **environment}
            child = Child(
                name=f"{kind}{port}",
                argv=commands[kind],
                env={**env, "PYTHONPATH": str(ROOT)},
                ready=lambda: not port_is_free(port),
            )
            processes = closing.enter_context(Background([[child]]))
            return SimpleNamespace(port=port, origin=ORIGIN, kill=lambda: processes.kill(child.name))

        yield begin


def bid_silently(show: Show, floor: redis.Redis, who: int, amount: int) -> Any:  # noqa: F811
    """Decide a bid and die before announcing it."""
    return run(floor, calls.place_bid(show.auction.pk, calls.BidOffer(show.bidders[who].pk, amount)))


@pytest.mark.parametrize("kind", ["serve", "daphne"])
def test_a_room_on_each_server(show: Show, start: Start, floor: redis.Redis, kind: str) -> None:  # noqa: F811
    lot_open(lot=show.lots[0], actor=show.host)
    server = start(kind)
    with page(server, show.auction.pk, user=show.bidders[0].user) as hers, page(server, show.auction.pk) as nobodys:
        assert hers.next()["you"]["can_bid"]
        state = nobodys.next()
        v = hers.ask("BID", "BID_ACCEPTED", amount="10.00")["v"]
        assert nobodys.until("HIGHEST_BID")["v"] == v
        hers.send("CHAT", text="hello")
        assert nobodys.until("CHAT")["line"]["text"] == "hello"
        bid_silently(show, floor, 1, 1_500)
        assert nobodys.until("HIGHEST_BID")["v"] == v + 1
        assert hers.until("OUTBID")["amount"] == "15.00"
        nobodys.socket.send("x" * 17_000)
        # Daphne lets no application choose this code.
        assert nobodys.close_code() == (protocol.CloseCode.TOO_LARGE if kind == "serve" else 1000)
    with page(server, show.auction.pk, query=f"?since={state['v']}&epoch={state['epoch']}") as back:
        assert [event["v"] for event in back.next()["events"]] == [v + 1]
    with page(server, 999_999) as lost:
        assert lost.close_code() == protocol.CloseCode.NOT_FOUND


def test_two_processes_are_one_room(show: Show, start: Start, floor: redis.Redis) -> None:  # noqa: F811
    lot_open(lot=show.lots[0], actor=show.host)
    first, second = start("serve"), start("daphne")
    with (
        page(first, show.auction.pk, user=show.bidders[0].user) as anna,
        page(second, show.auction.pk, user=show.bidders[1].user) as boris,
    ):
        for each in (anna, boris):
            assert each.next()["type"] == "STATE"
        versions = []
        for turn in range(10):
            bidder, other = (anna, boris) if turn % 2 == 0 else (boris, anna)
            versions.append(bidder.ask("BID", "BID_ACCEPTED", amount=f"{10 + 5 * turn}.00")["v"])
            other.until("HIGHEST_BID", v=versions[-1])
        assert versions == list(range(versions[0], versions[0] + 10))
        boris.until("PARTICIPANTS", count=2)
        first.kill()
        boris.until("PARTICIPANTS", count=1)


def test_who_sat_in_a_killed_process_goes_on_in_another(
    show: Show,  # noqa: F811
    start: Start,
    floor: redis.Redis,
) -> None:
    lot_open(lot=show.lots[0], actor=show.host)
    first, second = start("serve"), start("serve")
    with page(first, show.auction.pk) as nobody:
        state = nobody.next()
        bid_silently(show, floor, 0, 1_000)
        first.kill()
    with page(second, show.auction.pk, query=f"?since={state['v']}&epoch={state['epoch']}") as again:
        assert [event["leader"]["paddle"] for event in again.next()["events"]] == [show.bidders[0].paddle]


@pytest.mark.parametrize("kind", ["serve", "daphne"])
def test_deaf_seats_delay_nobody(show: Show, start: Start, kind: str) -> None:  # noqa: F811
    server = start(kind)
    with ExitStack() as opened:
        healthy = [opened.enter_context(page(server, show.auction.pk)) for _ in range(3)]
        for each in healthy:
            assert each.next()["type"] == "STATE"
        for _ in range(3):
            opened.enter_context(deaf(server, show.auction.pk))
        for number in range(500):
            announce_signal_now(show.auction.pk, Namespace.BID, protocol.Notice(text=f"{number}{BIG}"))
            if number % 25 == 24:
                for each in healthy:
                    while not each.next().get("text", "").startswith(f"{number}x"):
                        pass
        for each in healthy:
            texts = [message["text"][:-8_000] for message in each.seen if message["type"] == "NOTICE"]
            assert texts == [str(number) for number in range(500)]


def test_rooms_outlive_a_restart_of_the_side(
    show: Show,  # noqa: F811
    start: Start,
    floor: redis.Redis,
    tmp_path: Path,
) -> None:
    lot_open(lot=show.lots[0], actor=show.host)
    port = free_port()
    with Background([[embedded.side(tmp_path, port)]]) as side, ExitStack() as opened:
        server = start("serve", SIDE_REDIS_URL=embedded.address(port), ROOM_SEATS_PER_ADDRESS="1000")
        hers = opened.enter_context(page(server, show.auction.pk, user=show.bidders[0].user))
        pages: list[Page] = [opened.enter_context(page(server, show.auction.pk)) for _ in range(100)]
        for each in pages:
            assert each.next()["type"] == "STATE"
        side.kill("side")
        # The floor decides and remembers: bids count and are seen while nothing can be announced.
        v = hers.ask("BID", "BID_ACCEPTED", amount="10.00")["v"]
        for each in pages:
            assert each.until("HIGHEST_BID")["v"] == v
        side.start("side")
        said = None
        while said is None:
            hers.send("CHAT", text="still there?")
            with suppress(TimeoutError):
                said = pages[0].next(1)
            if said is not None and said["type"] != "CHAT":
                said = None
        for each in pages[1:]:
            each.until("CHAT")


def test_settings_name_the_origin() -> None:
    assert settings.PUBLIC_URL == ORIGIN
