"""Run the whole suite on a real PostgreSQL and a real redis-server, and in a real browser; `make test-services`.

Owns the servers of that run: on free ports, in a temporary folder, gone afterwards. It deselects nothing. What is
given on the command line goes to pytest.

    python -m tests.services [PYTEST ARGUMENT …]
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg

from auction_site.stack import free_port
from auction_site.supervisor import Background, Child, StartError

SUPERUSER = "postgres"


def main() -> int:
    """Start PostgreSQL, point the suite at it and at redis-server, and return pytest's exit code."""
    redis_server, binaries = shutil.which("redis-server"), postgres_binaries()
    if redis_server is None or binaries is None:
        missing = "redis-server" if redis_server is None else "PostgreSQL"
        sys.exit(f"error: {missing} is not installed; `make services` installs it on Debian")
    # Not below the user's own temporary folder, which the account `postgres` may not enter.
    folder = Path(tempfile.mkdtemp(prefix="auction-postgres-", dir="/tmp"))
    try:
        port = free_port()
        with Background([[postgres(binaries, folder, port)]]):
            url = f"postgres://{SUPERUSER}@127.0.0.1:{port}/postgres"
            # Left out: pytest-django would read the settings before the conftest has prepared them.
            inherited = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
            environment = {**inherited, "TEST_DATABASE_URL": url, "REDIS_SERVER": redis_server}
            argv = [sys.executable, "-m", "pytest", "--numprocesses=2", "--dist=loadfile", *sys.argv[1:]]
            return subprocess.run(argv, env=environment, check=False).returncode
    except StartError as error:
        sys.exit("\n".join([f"error: {error}", *error.output]))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def postgres_binaries() -> Path | None:
    """Return the folder of the newest installed server; Debian keeps it out of PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("postgres")
    return Path(on_path).resolve().parent if on_path else None


def postgres(binaries: Path, folder: Path, port: int) -> Child:
    """Make an empty database cluster and return the server on it; PostgreSQL refuses to run as root."""
    as_user = ["setpriv", f"--reuid={SUPERUSER}", f"--regid={SUPERUSER}", "--init-groups"] if os.geteuid() == 0 else []
    if as_user:
        shutil.chown(folder, SUPERUSER, SUPERUSER)
    data = folder / "data"
    initdb = [*as_user, str(binaries / "initdb"), "-D", str(data), "-U", SUPERUSER, "--auth=trust", "-E", "UTF8"]
    done = subprocess.run(initdb, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StartError("initdb failed", done.stderr.splitlines())
    options = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": folder, "max_connections": 200}
    argv = [*as_user, str(binaries / "postgres"), "-D", str(data)]
    for name, value in options.items():
        argv += ["-c", f"{name}={value}"]

    def answers() -> bool:
        psycopg.connect(host="127.0.0.1", port=port, user=SUPERUSER, dbname="postgres", connect_timeout=2).close()
        return True

    # SIGINT: a shutdown that does not wait for clients.
    return Child(name="postgres", argv=argv, ready=answers, stop_signal=signal.SIGINT, quiet=True)


if __name__ == "__main__":
    sys.exit(main())
