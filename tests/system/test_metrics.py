"""Metrics of real web processes: workers behind one port are one answer, and a killed one has no seats."""

import io
import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from django.conf import settings
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.parser import text_string_to_metric_families
from websockets.exceptions import ConnectionClosed

from auction_site.stack import free_port, port_is_free
from auction_site.supervisor import Background, Child
from bidding.services import lot_open
from bidding.tests.conftest import Show
from bidding.tests.rooms import Page, eventually, page
from tests.system.conftest import ROOT, StartWeb

pytestmark = pytest.mark.timeout(180)

MOST_SEATS = 64


def scrape(port: int) -> dict[str, float]:
    """Return what `/metrics` says, each metric's values added up."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as response:
        families = list(text_string_to_metric_families(response.read().decode()))
    return {family.name: sum(sample.value for sample in family.samples) for family in families}


def seats_of_workers(folder: Path) -> dict[int, float]:
    """Return how many seats each worker says to have, by its process id."""
    return {
        int(path.stem.rpartition("_")[2]): sum(
            sample.value
            for metric in MultiProcessCollector.merge([str(path)])
            for sample in metric.samples
            if sample.name == "auction_seats"
        )
        for path in folder.glob("gauge_livesum_*.db")
    }


def is_open(seat: Page) -> bool:
    """Tell whether the server still holds a seat's socket."""
    try:
        seat.ask("PING", "PONG", t=1.0)
    except ConnectionClosed:
        return False
    return True


def test_workers_are_one_answer_and_a_killed_one_is_forgotten(show: Show, start: StartWeb) -> None:
    lot_open(lot=show.lots[0], actor=show.host)
    server = start("two workers", ROOM_SEATS_PER_ADDRESS="1000")
    # The port is taken a moment before the workers begin to count.
    folder = eventually(lambda: next((Path(settings.VAR_DIR) / "metrics").glob(f"*-{server.port}"), None))
    with ExitStack() as opened:
        pages: list[Page] = []

        def one_more() -> bool:
            # The system deals connections out as it likes: open some until both workers have one.
            if len(pages) < MOST_SEATS:
                pages.append(opened.enter_context(page(server, show.auction.pk)))
                assert pages[-1].next()["type"] == "STATE"
            return len([seats for seats in seats_of_workers(folder).values() if seats]) == 2

        eventually(one_more)
        before = scrape(server.port)
        assert before["auction_seats"] == len(pages)
        assert before["auction_rooms"] == 2
        assert before["auction_states"] == len(pages)

        killed, lost = max(seats_of_workers(folder).items(), key=lambda worker: worker[1])
        os.kill(killed, signal.SIGKILL)
        eventually(lambda: scrape(server.port)["auction_seats"] == len(pages) - lost)
        assert sum(map(is_open, pages)) == len(pages) - lost
        assert killed not in seats_of_workers(folder)
        after = scrape(server.port)
        # What a killed worker had counted stays counted: a counter that went back would look like a restart.
        assert after["auction_deliveries"] >= before["auction_deliveries"]
        assert after["auction_states"] >= before["auction_states"]

        for each in pages:
            each.socket.close()
        eventually(lambda: scrape(server.port)["auction_seats"] == 0)


def test_the_files_of_an_earlier_life_are_not_counted(show: Show, start: StartWeb) -> None:
    server = start("two workers")
    with page(server, show.auction.pk) as nobodys:
        assert nobodys.next()["type"] == "STATE"
        assert scrape(server.port)["auction_states"] == 1
    # The port is taken a moment before the workers begin to count.
    folder = eventually(lambda: next((Path(settings.VAR_DIR) / "metrics").glob(f"*-{server.port}"), None))
    server.kill()
    assert list(folder.glob("counter_*.db"))
    again = start("two workers", port=server.port)
    assert scrape(again.port)["auction_states"] == 0


@pytest.mark.parametrize("kind", ["serve", "daphne"])
def test_one_process_counts_alone(show: Show, start: StartWeb, kind: str) -> None:
    server = start(kind)
    with page(server, show.auction.pk) as nobodys:
        assert nobodys.next()["type"] == "STATE"
        assert scrape(server.port)["auction_seats"] == 1
    eventually(lambda: scrape(server.port)["auction_seats"] == 0)


@pytest.fixture
def output(show: Show) -> Iterator[Any]:
    """Return what two workers that tell CloudWatch wrote to stdout and stderr."""
    said, port = io.StringIO(), free_port()
    child = Child(
        name="web",
        argv=[sys.executable, "manage.py", "serve", "--port", str(port), "--workers", "2"],
        env={**os.environ, "METRICS_EMF": "1", "PUBLIC_URL": "http://auctions.example", "PYTHONPATH": str(ROOT)},
        ready=lambda: not port_is_free(port),
    )
    with Background([[child]], stream=said):
        yield said


def test_each_web_process_tells_cloudwatch_in_a_bare_line(output: io.StringIO) -> None:
    def documents() -> list[Any]:
        # The supervisor writes the child's name before each line.
        lines = [line.partition("|")[2].strip() for line in output.getvalue().splitlines()]
        return [json.loads(line) for line in lines if line.startswith("{") and '"_aws"' in line]

    told = eventually(lambda: documents() if len(documents()) == 2 else [])
    for document in told:
        assert document["Site"] == "auctions.example"
        assert document["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Auction"
        assert document["Seats"] == 0
