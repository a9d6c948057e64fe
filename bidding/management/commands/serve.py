"""Serve the site: pages, API and sockets, by uvicorn with the settings that a busy room needs.

Owns how the web server is configured; what it serves is `auction_site.asgi`.
"""

import contextlib
import os
import resource
import socket
import ssl
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import uvicorn
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from uvicorn.supervisors import Multiprocess

from bidding.durability import check_floor
from bidding.floor import floor
from bidding.metrics import shared_in

BACKLOG = 4096
"""A room that reconnects at once must find a place in the queue."""
OPEN_FILES = 65_536
GOODBYE_S = 5
"""How long a stopping server waits for open requests and sockets."""


class Command(BaseCommand):
    """Run uvicorn until it is told to stop."""

    help = "Serve pages, API and sockets by uvicorn."
    requires_system_checks: list[str] = []  # `make check` runs them; a start should not wait for them

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare where to listen and with how many processes."""
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--workers", type=int, default=1, help="processes that share the port")
        parser.add_argument("--certificate", type=Path, help="PEM file with the chain, to serve https without a proxy")
        parser.add_argument("--key", type=Path, help="PEM file with the certificate's key")

    def handle(
        self,
        *args: Any,
        host: str,
        port: int,
        workers: int,
        certificate: Path | None,
        key: Path | None,
        **options: Any,
    ) -> None:
        """Listen, then serve; a port in use or a wrong certificate is one line and exit code 1."""
        allow_many_files()
        check_certificate(certificate, key)
        if fatal := check_floor(floor()):
            raise CommandError(" ".join(fatal))
        with listen(host, port) as listener:
            # Imported late: it is needed by nothing but a running server.
            from bidding.room.transport import FramedWebSocketProtocol

            config = uvicorn.Config(
                "auction_site.asgi:application",
                workers=workers,
                backlog=BACKLOG,
                loop="uvloop",
                ws=FramedWebSocketProtocol,
                ws_per_message_deflate=False,  # memory for every seat, and frames could not be shared
                proxy_headers=False,  # TRUSTED_PROXIES says whom to believe; a forged header must gain nothing
                server_header=False,
                access_log=False,
                log_config=None,  # Django has configured logging
                timeout_graceful_shutdown=GOODBYE_S,
                ssl_certfile=certificate,
                ssl_keyfile=key,
            )
            if workers > 1:
                with shared_in(metrics_folder(listener)):
                    Multiprocess(config, sockets=[listener]).run()
            else:
                uvicorn.Server(config).run(sockets=[listener])


def check_certificate(certificate: Path | None, key: Path | None) -> None:
    """Raise CommandError where a certificate and its key cannot be served with."""
    if certificate is None and key is None:
        return
    if certificate is None or key is None:
        raise CommandError("--certificate and --key go together: give both, or neither.", returncode=1)
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise CommandError(f"cannot serve with {certificate} and {key}: {error}.", returncode=1) from error


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; raises CommandError where the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        # Python appends the address to the system's own words.
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else error
        raise CommandError(f"cannot listen on {host}:{port}: {reason}.", returncode=1) from error


def metrics_folder(listener: socket.socket) -> Path:
    """Return where the workers behind this socket count together: nobody else on this host has its address."""
    host, port = listener.getsockname()[:2]
    return Path(settings.VAR_DIR) / "metrics" / f"{socket.gethostname()}-{host}-{port}"


def allow_many_files() -> None:
    """Raise this process's limit of open files: every seat is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        # macOS refuses more than its own per-process maximum, which no call tells.
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
