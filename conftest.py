"""Starts what every test needs before Django reads its settings, and offers the shared fixtures.

Owns the two embedded servers of a test run, the test database's place and the running stack. Fixtures of one app
belong to that app.

- `TEST_REDIS_URL`, `TEST_SIDE_REDIS_URL`: servers to use instead of embedded ones. They are flushed!
- `TEST_DATABASE_URL`: a PostgreSQL server to use instead of SQLite.
- `REDIS_SERVER`: the server program to start instead of the wheel's.
"""

import atexit
import itertools
import os
import shutil
import tempfile
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
import redis
from pytest_django import DjangoDbBlocker

from auction_site import embedded
from auction_site.stack import Stack, free_port
from auction_site.supervisor import Background, Child, StartError

pytest_plugins = ["tests.cast", "tests.pools", "tests.video"]

_FOLDER = Path(tempfile.mkdtemp(prefix="auction-tests-"))
_until_exit = ExitStack()
atexit.register(_until_exit.close)
_until_exit.callback(shutil.rmtree, _FOLDER, ignore_errors=True)


def _prepare_environment() -> None:
    """Start the servers and say where they are; the settings read it at their first import."""
    servers: list[Child] = []
    for variable, given, server in (
        ("REDIS_URL", "TEST_REDIS_URL", embedded.floor),
        ("SIDE_REDIS_URL", "TEST_SIDE_REDIS_URL", embedded.side),
    ):
        url = os.environ.get(given)
        if not url:
            port = free_port()
            servers.append(server(_FOLDER, port))
            url = embedded.address(port)
        os.environ[variable] = url
    os.environ["DATABASE_URL"] = os.environ.get("TEST_DATABASE_URL") or f"sqlite:///{_FOLDER / 'development.sqlite3'}"
    os.environ["VAR_DIR"] = str(_FOLDER)
    os.environ["DEMO"] = "1"
    os.environ["SECRET_KEY"] = "not-secret-" + "x" * 50
    os.environ["LOG_LEVEL"] = "WARNING"
    os.environ["DJANGO_SETTINGS_MODULE"] = "auction_site.settings"
    if servers:
        _until_exit.enter_context(Background([servers]))


# At import, and not in a hook: a conftest further down may import models, and pytest-django then reads the settings.
_prepare_environment()

import django  # noqa: E402
from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402
from django.utils import translation  # noqa: E402

if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file: threads and consumers share it as they do in life, which an in-memory database cannot.
    settings.DATABASES["default"]["TEST"] = {"NAME": str(_FOLDER / "test.sqlite3")}
# The password of every fixture user is hashed; nobody attacks these.
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
django.setup()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare `--no-skips`."""
    parser.addoption("--no-skips", action="store_true", help="a skipped test fails the run: what CI wants")


def pytest_configure(config: pytest.Config) -> None:
    """Let each process of a distributed run prepare an environment of its own.

    It inherits this one's. Told which settings to use, pytest-django would read them before our conftest runs there,
    and all processes would share, and empty, one Redis and one database.
    """
    if config.getoption("dist", "no") != "no" and "PYTEST_XDIST_WORKER" not in os.environ:
        del os.environ["DJANGO_SETTINGS_MODULE"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the tests of the running site more time: the first of them waits for its start."""
    for item in items:
        if "stack" in getattr(item, "fixturenames", ()) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(180))


_makes_database = True


@pytest.hookimpl(tryfirst=True, wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Give the first test of a process that needs the database more time: all migrations run before it."""
    global _makes_database
    needs = item.get_closest_marker("django_db") or {"db", "transactional_db"} & set(getattr(item, "fixturenames", ()))
    if _makes_database and needs:
        _makes_database = False
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(180))
    return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run if something was skipped where nothing may be."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if session.config.getoption("--no-skips") and reporter is not None and reporter.stats.get("skipped"):
        reporter.write_line("")
        reporter.write_line("ERROR: tests were skipped, and --no-skips allows none", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the tests told of the run, whichever process they ran in: their seeds, the limits that they raised."""
    told = [
        f"{report.nodeid}: {name} {value}"
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", "") == "call"
        for name, value in report.user_properties
        if name in ("seed", "raised")
    ]
    if told:
        terminalreporter.section("seeds, and limits that were raised")
        terminalreporter.write_line("\n".join(told))


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Let the test database go although threads of async tests still hold connections to it."""
    yield
    if connection.vendor == "postgresql":
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


@pytest.fixture(autouse=True)
def _own_language() -> Iterator[None]:
    """Let no request of one test decide in which language the next one hears."""
    yield
    translation.deactivate()


@pytest.fixture
def floor() -> Iterator[redis.Redis]:
    """Return a client of the empty floor."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.flushall()
        yield client


@pytest.fixture
def side() -> Iterator[redis.Redis]:
    """Return a client of the empty side: channel layer, cache, chat."""
    with redis.Redis.from_url(settings.SIDE_REDIS_URL) as client:
        client.flushall()
        yield client


_stacks = itertools.count(1)


def new_stack(folder: Path, **options: object) -> Stack:
    """Return a stack on free ports with an empty database of its own, on the engine that this run tests."""
    url = os.environ.get("TEST_DATABASE_URL")
    return Stack(folder, database_url=_new_database(url) if url else None, **options)  # type: ignore[arg-type]


def _new_database(url: str) -> str:
    """Create an empty database beside the given one, and return its address."""
    name = f"stack_{os.getpid()}_{next(_stacks)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Return the whole site, running on free ports with a database of its own and no data in it.

    It is shared by all system tests: a test that kills something starts it again.
    """
    try:
        # A key of the tests, so that pages show what messages to devices need.
        key = {"WEB_PUSH_KEY": urlsafe_b64encode(bytes(31) + b"\1").decode()}
        running = new_stack(tmp_path_factory.mktemp("stack"), environment=key).__enter__()
    except StartError as error:
        pytest.fail("\n".join([str(error), *error.output]))
    with ExitStack() as closing:
        closing.push(running)
        yield running
