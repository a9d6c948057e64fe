"""Web processes of their own for the tests of rooms, as they run in life: uvicorn by `serve`, and daphne.

They share the test's database and floor.
"""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection

from auction_site.stack import free_port, port_is_free
from auction_site.supervisor import Background, Child
from bidding.tests.conftest import Show, make_show, show  # noqa: F401 - fixtures

ROOT = Path(__file__).resolve().parents[2]
ORIGIN = "http://127.0.0.1:8000"


@dataclass
class WebProcess:
    """A web process that pages connect to as to a `RoomServer`."""

    port: int
    name: str
    processes: Background
    origin: str = ORIGIN

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.processes.pid(self.name)

    def kill(self) -> None:
        """End it by SIGKILL."""
        self.processes.kill(self.name)


StartWeb = Callable[..., WebProcess]


def database_url() -> str:
    """Return the address of the test database for another process."""
    name = str(connection.settings_dict["NAME"])
    given = os.environ.get("TEST_DATABASE_URL")
    return urlunsplit(urlsplit(given)._replace(path=f"/{name}")) if given else f"sqlite:///{name}"


@pytest.fixture
def start(show: Show, record_property: Callable[[str, object], None]) -> Iterator[StartWeb]:  # noqa: F811
    """Return a function that starts a web process: its kind, a port if it matters, arguments and environment."""
    with ExitStack() as closing:

        def begin(
            kind: str, port: int | None = None, *, arguments: Sequence[str] = (), **environment: str
        ) -> WebProcess:
            port = port or free_port()
            for name, value in environment.items():
                if name.startswith("ROOM_"):
                    record_property("raised", f"{name}={value}")
            commands = {
                "serve": [sys.executable, "manage.py", "serve", "--port", str(port)],
                "two workers": [sys.executable, "manage.py", "serve", "--port", str(port), "--workers", "2"],
                "daphne": [sys.executable, "-m", "daphne", "-p", str(port), "auction_site.asgi:application"],
            }
            env = {**os.environ, "DATABASE_URL": database_url(), "PUBLIC_URL": ORIGIN, **environment}
            child = Child(
                name=f"{kind}{port}",
                argv=[*commands[kind], *arguments],
                env={**env, "PYTHONPATH": str(ROOT)},
                ready=lambda: not port_is_free(port),
            )
            return WebProcess(port, child.name, closing.enter_context(Background([[child]])))

        yield begin
