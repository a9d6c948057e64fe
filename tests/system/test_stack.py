"""The whole site as it really runs: it answers, shares its port, survives a kill, and goes without a trace."""

import os
import signal
import subprocess
import sys
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest

from auction_site.stack import Stack, free_port
from tests.system.test_supervisor import ROOT, is_gone, within_patience

pytestmark = pytest.mark.timeout(180)


def status_of(url: str) -> int:
    """Return the status of a page."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.status


def test_the_site_answers(stack: Stack):
    assert status_of(stack.url) == 200


def test_a_killed_web_process_comes_back(stack: Stack):
    killed = stack.processes.pid("web")
    os.kill(killed, signal.SIGKILL)

    def is_back():
        with suppress(OSError):
            return status_of(stack.url) == 200 and stack.processes.pid("web") != killed
        return False

    assert within_patience(is_back)


def test_a_management_command_joins_the_running_stack(stack: Stack):
    assert "no issues" in stack.manage("check")


def test_what_runs_is_written_down_for_its_owner_only(stack: Stack):
    path = stack.var_dir / "env"
    assert f"export REDIS_URL={stack.env['REDIS_URL']}\n" in path.read_text()
    assert path.stat().st_mode & 0o077 == 0


def descendants_of(pid: int) -> list[int]:
    """Return every process below the given one."""
    listed = subprocess.run(["ps", "-axo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = [tuple(map(int, line.split())) for line in listed.splitlines()]
    found = [pid]
    for parent in found:
        found += [child for child, its_parent in pairs if its_parent == parent]
    return found[1:]


class Demo:
    """`manage.py demo` in a process of its own, as `make demo` starts it."""

    def __init__(self, folder: Path, port: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "demo", "--workers", "2"],
            cwd=ROOT,
            env={**clean_environment(), "DEBUG": "1", "VAR_DIR": str(folder), "PORT": str(port)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.said: list[str] = []

    def until_it_greets(self) -> None:
        """Read what it says until it shows the last of the accounts' lines."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)
            if "Ctrl-C stops everything" in line:
                return
        pytest.fail("".join(self.said))


def clean_environment() -> dict[str, str]:
    """Return this process's environment without the addresses of the test run's servers."""
    own = {"DATABASE_URL", "REDIS_URL", "SIDE_REDIS_URL", "DEMO", "SECRET_KEY", "DJANGO_SETTINGS_MODULE"}
    return {name: value for name, value in os.environ.items() if name not in own}


def test_the_demo_leaves_nothing_when_killed_starts_again_and_stops_on_ctrl_c(tmp_path):
    port = free_port()
    first = Demo(tmp_path, port)
    with first.process:
        first.until_it_greets()
        greeting = "".join(first.said)
        assert f"http://127.0.0.1:{port}/" in greeting
        assert "demo-demo-demo" in greeting
        family = descendants_of(first.process.pid)
        # Two servers, web and its workers, two Celery workers and the clock, ledger, bidders, warden.
        assert len(family) >= 11
        first.process.kill()
    assert within_patience(lambda: all(map(is_gone, family)))

    second = Demo(tmp_path, port)
    with second.process:
        second.until_it_greets()
        family = descendants_of(second.process.pid)
        second.process.send_signal(signal.SIGINT)
        rest = second.process.stdout.read() if second.process.stdout else ""
    assert second.process.returncode == 0
    assert "Traceback" not in rest
    assert all(map(is_gone, family))
