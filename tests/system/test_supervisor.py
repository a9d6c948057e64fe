"""What the supervisor promises: order, restarts, one clear line, and nothing left behind."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import redis

from auction_site import embedded, stack, supervisor
from auction_site.stack import CannotStart, Stack, free_port
from auction_site.supervisor import Background, Child, StartError

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 20
"""How long a test waits before it calls something lost; no test takes this long where things work."""

# Says when it starts and stops. With `family` it has a child of its own that does not listen to SIGTERM.
PLAYER = textwrap.dedent(
    """
    import os, signal, sys, time
    from pathlib import Path

    name, diary = sys.argv[1], Path(sys.argv[2])

    def note(word, pid=0):
        with diary.open("a") as file:
            file.write(f"{name} {word} {pid or os.getpid()}\\n")

    def leave(number, frame):
        note("stops")
        sys.exit(0)

    if "family" in sys.argv and (pid := os.fork()) == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        name = "grandchild"
        note("starts")
        time.sleep(600)

    signal.signal(signal.SIGTERM, leave)
    note("starts")
    time.sleep(600)
    """
)


class Diary:
    """What the players wrote down."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()

    def lines(self) -> list[str]:
        """Return "name word", in order."""
        return [" ".join(line.split()[:2]) for line in self.path.read_text().splitlines()]

    def pids(self, name: str) -> list[int]:
        """Return the process ids under which it started, in order."""
        found = [line.split() for line in self.path.read_text().splitlines()]
        return [int(pid) for who, word, pid in found if (who, word) == (name, "starts")]

    def player(self, name: str, *options: str, **fields: object) -> Child:
        """Return a child that is ready when it (and its family) wrote that it started."""
        expected = [name, "grandchild"] if "family" in options else [name]
        return Child(
            name=name,
            argv=[sys.executable, "-I", "-S", "-c", PLAYER, name, str(self.path), *options],
            ready=lambda: all(self.pids(who) for who in expected),
            **fields,  # type: ignore[arg-type]
        )


@pytest.fixture
def diary(tmp_path):
    return Diary(tmp_path / "diary")


def within_patience(condition: Callable[[], bool]) -> bool:
    """Wait until the condition holds; False when patience ran out."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def is_gone(pid: int) -> bool:
    """Tell whether the process ended; one that only waits to be collected has ended too."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return not state.strip() or state.strip().startswith("Z")


def quits(name: str, code: int = 1, says: str = "no luck") -> Child:
    """Return a child that ends at once and never is ready."""
    return Child(name=name, argv=["sh", "-c", f"echo {says}; exit {code}"], ready=lambda: False)


def test_stages_start_in_order_and_stop_in_reverse(diary):
    with Background([[diary.player("first")], [diary.player("second")], [diary.player("third")]]):
        assert diary.lines() == ["first starts", "second starts", "third starts"]
    assert diary.lines()[3:] == ["third stops", "second stops", "first stops"]


def test_a_step_ends_before_the_next_stage_starts(diary):
    step = Child(name="step", argv=["sh", "-c", f"sleep 0.2; echo step done 0 >> {diary.path}"], step=True)
    with Background([[step], [diary.player("next")]]):
        assert diary.lines() == ["step done", "next starts"]


def test_a_failed_step_gives_one_line_and_stops_the_others(diary):
    step = Child(name="migrate", argv=["sh", "-c", "echo Traceback; echo; echo 'the disk is full'; exit 1"], step=True)
    with (
        pytest.raises(StartError, match=r"^migrate failed: the disk is full$"),
        Background([[diary.player("a")], [step]]),
    ):
        pytest.fail("it started")
    assert diary.lines() == ["a starts", "a stops"]


def test_a_child_that_ends_before_it_is_ready_gives_its_last_words(diary):
    with (
        pytest.raises(StartError, match=r"^web did not start: no luck$"),
        Background([[diary.player("slow"), quits("web")]]),
    ):
        pytest.fail("it started")
    assert diary.lines() in ([], ["slow starts", "slow stops"])


def test_a_child_that_never_becomes_ready_is_given_up():
    child = Child(name="web", argv=["sleep", "600"], ready=lambda: False, ready_timeout=0.3)
    with pytest.raises(StartError, match=r"^web was not ready after 0\.3 s$"), Background([[child]]):
        pytest.fail("it started")


def test_a_missing_program_gives_one_line():
    child = Child(name="floor", argv=["/nowhere/redis-server"], ready=lambda: False)
    with (
        pytest.raises(StartError, match=r"^floor did not start: cannot start /nowhere/redis-server: No such file"),
        Background([[child]]),
    ):
        pytest.fail("it started")


def test_a_killed_child_is_started_again_and_its_family_is_ended(diary):
    with Background([[diary.player("web", "family")]]) as processes:
        (killed,), (grandchild,) = diary.pids("web"), diary.pids("grandchild")
        os.kill(processes.pid("web"), signal.SIGKILL)
        assert within_patience(lambda: len(diary.pids("web")) == 2)
        assert diary.pids("web")[1] != killed
        assert is_gone(grandchild)


def test_one_child_can_be_killed_held_down_and_started_again(diary):
    with Background([[diary.player("web", "family")]]) as processes:
        processes.kill("web")
        assert all(map(is_gone, diary.pids("web") + diary.pids("grandchild")))
        with pytest.raises(ProcessLookupError):
            processes.pid("web")
        processes.start("web")
        assert within_patience(lambda: len(diary.pids("web")) == 2)


# The parent that the next tests kill: it runs the supervisor in the foreground, as the demo does.
PARENT = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from tests.system.test_supervisor import Diary
    from auction_site import supervisor

    diary = Diary(Path(sys.argv[1]))
    stages = [[diary.player("first")], [diary.player("web", *sys.argv[2:])]]
    try:
        supervisor.run(stages, when_ready=lambda: print("ready", flush=True))
    except supervisor.StartError as error:
        sys.exit(f"error: {error}")
    """
)


@pytest.fixture
def parent(diary):
    """Return a function that starts a process with the supervisor in it, and clean up whatever it leaves."""
    started = []

    def start(*options):
        process = subprocess.Popen(
            [sys.executable, "-c", PARENT, str(diary.path), *options],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in started:
        with process:  # closes its pipe and waits
            process.kill()
    for name in ("first", "web", "grandchild"):
        for pid in diary.pids(name):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def children_of(pid: int) -> list[int]:
    """Return the direct children of a process."""
    listed = subprocess.run(["ps", "-axo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    return [int(child) for child, parent in (line.split() for line in listed.splitlines()) if int(parent) == pid]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_stops_in_order(parent, diary, number):
    process = parent()
    process.send_signal(number)
    assert process.wait(PATIENCE_S) == 0
    assert diary.lines()[-2:] == ["web stops", "first stops"]


def test_a_killed_parent_leaves_no_orphan_not_even_a_stubborn_grandchild(parent, diary):
    process = parent("family")
    process.kill()
    everybody = diary.pids("first") + diary.pids("web") + diary.pids("grandchild")
    assert len(everybody) == 3
    assert within_patience(lambda: all(map(is_gone, everybody)))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_on_linux_children_end_even_where_the_warden_was_killed_first(parent, diary):
    process = parent()
    players = diary.pids("first") + diary.pids("web")
    (warden,) = set(children_of(process.pid)) - set(players)
    os.kill(warden, signal.SIGKILL)
    process.kill()
    assert within_patience(lambda: all(map(is_gone, players)))


def test_a_fatal_child_ends_everything(diary, capfd):
    step = Child(name="ledger", argv=["sh", "-c", "sleep 0.2; echo gave up; exit 3"], fatal=True)
    with pytest.raises(StartError, match=r"^ledger ended with code 3: gave up$"):
        supervisor.run([[diary.player("web")], [step]])
    assert diary.lines() == ["web starts", "web stops"]


def manage(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a management command as a person would."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**os.environ, "DEBUG": "1", **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


@pytest.fixture
def taken_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield str(listener.getsockname()[1])


def test_serve_on_a_port_in_use_is_one_line(taken_port):
    done = manage("serve", "--port", taken_port)
    assert done.returncode == 1
    assert done.stderr == f"CommandError: cannot listen on 127.0.0.1:{taken_port}: Address already in use.\n"


def test_demo_on_a_port_in_use_is_one_line_that_says_how_to_move_it(taken_port, tmp_path):
    done = manage("demo", PORT=taken_port, VAR_DIR=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.startswith(f"CommandError: port {taken_port} is in use. Choose another one, for example: PORT=")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("port", ["eighty", "0", "65536"])
def test_demo_refuses_what_is_no_port(port, tmp_path):
    done = manage("demo", PORT=port, VAR_DIR=str(tmp_path))
    assert done.stderr == f"CommandError: PORT is {port!r}: expected a number from 1 to 65535.\n"


def test_a_full_disk_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(stack, "LEAST_FREE_BYTES", 2**60)
    with pytest.raises(CannotStart, match=r"^the disk is full: .* MB of free space\.$"), Stack(tmp_path).reserved():
        pytest.fail("it started")


def test_two_stacks_never_share_a_folder(tmp_path):
    with (
        Stack(tmp_path).reserved(),
        pytest.raises(CannotStart, match="is in use by a demo that already runs"),
        Stack(tmp_path).reserved(),
    ):
        pytest.fail("it started")


def names(running: Stack) -> list[list[str]]:
    """Return the names of a stack's processes, stage by stage."""
    return [[child.name for child in stage] for stage in running.stages()]


def test_a_configured_redis_replaces_the_embedded_one(tmp_path):
    assert names(Stack(tmp_path))[0] == ["floor", "side"]
    url = "redis://10.0.0.1:6379/0"
    assert names(Stack(tmp_path, redis_url=url))[0] == ["side"]
    assert names(Stack(tmp_path, redis_url=url, side_redis_url=url))[0] == ["migrate"]
    assert Stack(tmp_path, redis_url=url).env["REDIS_URL"] == url
    assert Stack(tmp_path, side_redis_url=url).env["SIDE_REDIS_URL"] == url


def test_every_queue_has_one_worker_of_its_own_and_pictures_step_back(tmp_path):
    argv = {child.name: child.argv for stage in Stack(tmp_path).stages() for child in stage}
    workers = {name: parts[parts.index("-Q") + 1] for name, parts in argv.items() if "-Q" in parts}
    assert workers == {"ticks": "ticks", "default": "default", "images": "images"}
    assert [name for name, parts in argv.items() if parts[0] == "nice"] == ["images"]


def test_a_stack_takes_no_address_from_its_surroundings_by_accident(tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://production/auctions")
    monkeypatch.setenv("REDIS_URL", "redis://production")
    env = Stack(tmp_path).env
    assert env["DATABASE_URL"].startswith("sqlite:///")
    assert env["REDIS_URL"].startswith("redis://127.0.0.1:")


def test_the_secret_key_is_made_once_and_readable_only_by_its_owner(tmp_path):
    key = Stack(tmp_path).env["SECRET_KEY"]
    assert Stack(tmp_path).env["SECRET_KEY"] == key
    assert (tmp_path / "secret-key").stat().st_mode & 0o077 == 0


def test_the_floor_is_durable_and_the_side_is_bounded(tmp_path, floor, side):
    assert floor.config_get("append*") | {"appendonly": "yes", "appendfsync": "always"} == floor.config_get("append*")
    assert floor.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    assert side.config_get("appendonly") == {"appendonly": "no"}
    assert int(side.config_get("maxmemory")["maxmemory"]) > 0


def test_the_floor_keeps_what_it_acknowledged_when_it_is_killed(tmp_path):
    port = free_port()
    with Background([[embedded.floor(tmp_path, port)]]) as processes, redis.Redis(port=port) as client:
        client.set("bid", "45.00")
        processes.kill("floor")
        processes.start("floor")
        assert client.get("bid") == b"45.00"
