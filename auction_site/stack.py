"""The whole site as one supervised set of processes: for the demo, the system tests and the smoke run.

Owns which processes there are, their order and their environment; `auction_site.supervisor` runs them. Production
starts the same commands from its own process manager and does not use this module.
"""

import contextlib
import fcntl
import http.client
import os
import secrets
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from celery import Celery

from auction_site import embedded, supervisor
from auction_site.supervisor import Background, Child

HOST = "127.0.0.1"
DEFAULT_PORT = 8000
LEAST_FREE_BYTES = 200 * 1024 * 1024
DEMO_PASSWORD = "demo-demo-demo"  # noqa: S105 - published, and refused on any public address
_BASE_DIR = Path(__file__).resolve().parent.parent
# What the settings read: a stack sets these itself and takes none of them from its caller by accident.
_OWN_VARIABLES = (
    "ALLOWED_HOSTS",
    "CSRF_TRUSTED_ORIGINS",
    "DATABASE_URL",
    "DEBUG",
    "DEMO",
    "DJANGO_SETTINGS_MODULE",
    "PUBLIC_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "SIDE_REDIS_URL",
    "TRUSTED_PROXIES",
    "VAR_DIR",
)


class CannotStart(Exception):
    """The surroundings do not allow a start; the message is one line that says what to do."""


@dataclass
class Stack:
    """One site with everything that belongs to it; a context manager that runs it in the background.

    Everything it writes is under `var_dir`. Ports left at 0 are chosen free. Inside the `with` block `processes`
    can stop, kill and start single processes by the names that `stages` gives them.
    """

    var_dir: Path
    port: int = 0
    web_workers: int = 1
    web_processes: int = 1
    """Web servers with an address each (`urls`), beside the workers that share one."""
    seed: bool = False
    """Create the demo accounts and the demo auction."""
    bots: bool = False
    """Run the simulated bidders; they need the demo data."""
    redis_url: str | None = None
    """None: an embedded server. The same for the side."""
    side_redis_url: str | None = None
    database_url: str | None = None
    """None: SQLite under `var_dir`."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables for every process, above those of this process and of the stack."""

    urls: list[str] = field(init=False)
    env: dict[str, str] = field(init=False)
    processes: Background = field(init=False, repr=False)
    _open: ExitStack = field(init=False, default_factory=ExitStack, repr=False)

    def __post_init__(self) -> None:
        """Choose ports and write down the environment; nothing starts yet."""
        self.var_dir = self.var_dir.resolve()
        self.var_dir.mkdir(parents=True, exist_ok=True)
        self._ports = [self.port or free_port(), *(free_port() for _ in range(self.web_processes - 1))]
        self.urls = [f"http://{HOST}:{port}" for port in self._ports]
        origins = [f"http://{host}:{port}" for port in self._ports for host in (HOST, "localhost")]
        self._floor_port, self._side_port = free_port(), free_port()
        self.env = {
            **{name: value for name, value in os.environ.items() if name not in _OWN_VARIABLES},
            # A line must reach the log when it is written, also that of a process that is killed next.
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SETTINGS_MODULE": "auction_site.settings",
            "DEBUG": "0",
            "DEMO": "1",
            "LOG_LEVEL": os.environ.get("LOG_LEVEL", "WARNING"),
            "PUBLIC_URL": self.urls[0],
            "ALLOWED_HOSTS": f"{HOST},localhost",
            "CSRF_TRUSTED_ORIGINS": ",".join(origins),
            "SECRET_KEY": _kept_secret(self.var_dir / "secret-key"),
            "VAR_DIR": str(self.var_dir),
            "DATABASE_URL": self.database_url or f"sqlite:///{self.var_dir / 'db.sqlite3'}",
            "REDIS_URL": self.redis_url or embedded.address(self._floor_port),
            "SIDE_REDIS_URL": self.side_redis_url or embedded.address(self._side_port),
            **self.environment,
        }

    @property
    def url(self) -> str:
        """The address of the first web server, without a slash at its end."""
        return self.urls[0]

    def stages(self) -> list[list[Child]]:
        """Return what runs, in order: servers, database, data, the site, the bidders."""
        servers = []
        if self.redis_url is None:
            servers.append(embedded.floor(self.var_dir, self._floor_port))
        if self.side_redis_url is None:
            servers.append(embedded.side(self.var_dir, self._side_port))
        stages = [servers] if servers else []
        stages.append([self._step("migrate", "--no-input", "--verbosity", "0")])
        if self.seed:
            stages.append([self._step("seed_demo")])
        stages.append([*self._web(), *self._workers(), self._command("ledger", "run_ledger")])
        if self.seed:
            # One show after another, for as long as it runs.
            stages[-1].append(self._command("host", "demo_host"))
            # A picture where nobody has a camera.
            stages.append([self._command("camera", "demo_camera", "--url", self.url)])
        if self.bots:
            stages.append([self._command("bidders", "rehearse", "--demo", "--url", self.url)])
        return stages

    def manage(self, *arguments: str, timeout: float = 60) -> str:
        """Run a management command in this stack's environment and return what it printed.

        Raises:
            subprocess.CalledProcessError: it failed; `output` is what it said.
        """
        done = subprocess.run(
            self._argv(*arguments),
            env=self.env,
            text=True,
            timeout=timeout,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=True,
        )
        return done.stdout

    def log(self) -> str:
        """Return what all processes have said so far."""
        return self._log_path.read_text(errors="replace")

    @contextlib.contextmanager
    def reserved(self) -> Iterator[None]:
        """Hold the folder and check the surroundings, as long as the stack runs.

        Raises:
            CannotStart: another stack uses the folder, a port is taken, or the disk is full.
        """
        if shutil.disk_usage(self.var_dir).free < LEAST_FREE_BYTES:
            needed = LEAST_FREE_BYTES // 1024**2
            raise CannotStart(f"the disk is full: {self.var_dir} needs {needed} MB of free space.")
        for port in self._ports:
            if not port_is_free(port):
                raise CannotStart(f"port {port} is in use. Choose another one, for example: PORT={port + 1} make demo")
        with (self.var_dir / "lock").open("w") as lock:
            try:
                # Two floors writing one append-only file would destroy it. The lock goes with the process.
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise CannotStart(f"{self.var_dir} is in use by a demo that already runs.") from None
            self._write_env()
            yield

    def run(self) -> None:
        """Run in the foreground until SIGINT or SIGTERM; raises CannotStart or supervisor.StartError."""
        with self.reserved():
            supervisor.run(self.stages(), when_ready=self._greet)

    def __enter__(self) -> Self:
        """Start everything and wait until it is ready."""
        with ExitStack() as opening:
            opening.enter_context(self.reserved())
            stream = opening.enter_context(self._log_path.open("a"))
            self.processes = opening.enter_context(Background(self.stages(), stream=stream))
            self._open = opening.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything in reverse order."""
        self._open.close()

    # --- inside --------------------------------------------------------------------------------------

    @property
    def _log_path(self) -> Path:
        return self.var_dir / "stack.log"

    def _argv(self, *arguments: str) -> list[str]:
        return [sys.executable, str(_BASE_DIR / "manage.py"), *arguments]

    def _step(self, *arguments: str) -> Child:
        return Child(name=arguments[0], argv=self._argv(*arguments), env=self.env, step=True, quiet=True)

    def _command(self, name: str, *arguments: str) -> Child:
        return Child(name=name, argv=self._argv(*arguments), env=self.env)

    def _web(self) -> list[Child]:
        children = []
        for number, port in enumerate(self._ports, start=1):
            arguments = ["serve", "--host", HOST, "--port", str(port), "--workers", str(self.web_workers)]
            children.append(
                Child(
                    name="web" if number == 1 else f"web{number}",
                    argv=self._argv(*arguments),
                    env=self.env,
                    ready=lambda port=port: _serves(port),  # type: ignore[misc]
                )
            )
        return children

    def _workers(self) -> list[Child]:
        """Return a worker for ticks and closings with the clock in it, one for mail, and one for pictures."""
        queues = {"ticks": ["-c", "4", "-B"], "default": ["-c", "2"], "images": ["-c", "1"]}
        return [self._worker(queue, *options) for queue, options in queues.items()]

    def _worker(self, queue: str, *options: str) -> Child:
        node = f"{queue}@stack"
        broker = self.env["SIDE_REDIS_URL"]
        argv = [sys.executable, "-m", "celery", "--quiet", "-A", "auction_site", "--workdir", str(_BASE_DIR), "worker"]
        if queue == "images":
            # Encoding takes all the processor that it gets, and the clock is on the same machine.
            argv = ["nice", "-n", "10", *argv]
        argv += ["-n", node, "-Q", queue, "-P", "threads", "--without-gossip", "--without-mingle", *options]
        # Celery warns root with a page of text; in a container there is nobody else.
        env = {**self.env, "PYTHONWARNINGS": "ignore:You're running the worker with superuser"}
        return Child(name=queue, argv=argv, env=env, ready=lambda: _works(broker, node))

    def _write_env(self) -> None:
        """Leave the environment in a file, so that a management command can join the running stack."""
        path = self.var_dir / "env"
        own = {name: self.env[name] for name in sorted(self.env) if name in _OWN_VARIABLES}
        path.touch(mode=0o600)
        path.write_text("".join(f"export {name}={shlex.quote(value)}\n" for name, value in own.items()))

    def _greet(self) -> None:
        people = "admin@example.test (staff), host@example.test, moderator@example.test"
        sys.stdout.write(
            f"\n  The show is on:  {self.url}/\n\n"
            f"  Sign in as       {people},\n"
            f"                   bidder1@example.test … bidder5@example.test\n"
            f"  Password         {DEMO_PASSWORD}\n\n"
            "  Ctrl-C stops everything.\n\n"
        )
        sys.stdout.flush()


def free_port() -> int:
    """Return a TCP port that nobody listens on right now."""
    with socket.create_server((HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def port_is_free(port: int) -> bool:
    """Tell whether a server could listen on the port of the loopback address."""
    try:
        socket.create_server((HOST, port)).close()
    except OSError:
        return False
    return True


def _kept_secret(path: Path) -> str:
    """Return the secret key in the file, made at the first call: sessions survive a restart."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(50))
    return path.read_text().strip()


def _serves(port: int) -> bool:
    """Tell whether the site answers its home page; it needs the database for that."""
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status < 500
    finally:
        connection.close()


def _works(broker: str, node: str) -> bool:
    """Tell whether a Celery worker of that name answers."""
    with Celery("readiness", broker=broker, set_as_current=False) as app:
        return bool(app.control.ping(destination=[node], timeout=1))
