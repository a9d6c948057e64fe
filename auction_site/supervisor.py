"""Runs a set of processes as one: started in order, each waited for, kept alive, stopped in reverse order.

Owns processes and their output, and knows nothing of what they do: what to run is in `auction_site.stack`.
Imports no Django, so that it can start things before any setting can be read.

Nothing that it started outlives it, not even after `kill -9`:

- every child leads a session of its own, so a whole family (workers, a scheduler) can be ended by one signal,
  and Ctrl-C in a terminal reaches the supervisor alone, which then stops them in order;
- Linux sends a child SIGTERM when the supervisor dies (`auction_site.leash`);
- one *warden* a supervisor holds the other end of a pipe. When the pipe breaks it ends every family, and after a
  while those that do not want to. This also serves systems that have no such signal.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO, cast

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0
STEADY_AFTER_S = 30.0
"""A child that ran for so long is restarted with the first pause again."""
READINESS_INTERVAL_S = 0.1
LAST_WORDS_S = 2.0
WARDEN_GRACE_S = 5.0
LONGEST_LINE = 64 * 1024
_LEASH = str(Path(__file__).with_name("leash.py"))


@dataclass(frozen=True, kw_only=True)
class Child:
    """One process to run, and how to tell that it is ready."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] | None = None
    ready: Callable[[], bool] | None = None
    """Answers whether it is ready; called in a thread. None: ready as soon as it runs."""
    ready_timeout: float = 60.0
    stop_signal: signal.Signals = signal.SIGTERM
    grace: float = 10.0
    """Seconds between the stop signal and SIGKILL."""
    fatal: bool = False
    """Its unexpected exit ends everything, instead of a restart."""
    step: bool = False
    """Runs to its end before the next stage starts, for example a migration."""
    quiet: bool = False
    """Its lines are shown only in a StartError."""


class StartError(Exception):
    """A child did not become ready; the message is one line fit to show, `output` what the child said last."""

    def __init__(self, message: str, output: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.output = list(output)


class Output:
    """Writes the lines of all children, each behind its child's name, to one stream."""

    def __init__(self, stream: TextIO, width: int) -> None:
        self._stream = stream
        self._width = width

    def write(self, name: str, line: str) -> None:
        """Write one line; a reader that went away must not end the show."""
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(f"{name:<{self._width}} | {line}\n")
            self._stream.flush()


class _Process(asyncio.SubprocessProtocol):
    """One run of a child: its lines, and its end.

    The end is told apart from the end of the output: a worker that a killed child left behind holds the pipe open,
    and asyncio's own `Process.wait` would wait for that worker.
    """

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self._on_line = on_line
        self._rest = b""
        self._ended = asyncio.Event()
        self._silent = asyncio.Event()
        self.last: deque[str] = deque(maxlen=200)
        self.pid = 0
        self.returncode: int | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the process id."""
        self._transport = cast(asyncio.SubprocessTransport, transport)
        self.pid = self._transport.get_pid()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Pass on every whole line, and an endless one in pieces."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LONGEST_LINE:
            lines.append(self._rest)
            self._rest = b""
        for line in lines:
            self._say(line)

    def pipe_connection_lost(self, fd: int, error: Exception | None) -> None:
        """Pass on what was said last without an end of line."""
        if self._rest:
            self._say(self._rest)
        self._silent.set()

    def process_exited(self) -> None:
        """Wake up whoever waits for the end."""
        self.returncode = self._transport.get_returncode()
        self._ended.set()

    async def ended(self) -> int:
        """Wait until the process itself has ended, and return its exit code (negative: a signal)."""
        await self._ended.wait()
        assert self.returncode is not None
        return self.returncode

    async def close(self) -> None:
        """Collect what the family said last, and let the pipe go even if a stranger holds it open."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._silent.wait(), LAST_WORDS_S)
        self._transport.close()

    def last_word(self) -> str:
        """Return the last line with something in it: of a traceback that is the error itself."""
        return next((line.strip() for line in reversed(self.last) if line.strip()), "it said nothing")

    def _say(self, line: bytes) -> None:
        text = line.decode(errors="replace").rstrip()
        self.last.append(text)
        self._on_line(text)


@dataclass
class _Running:
    """What the supervisor knows of one child."""

    child: Child
    process: _Process | None = None
    keeper: asyncio.Task[None] | None = None
    wanted: bool = False


class Supervisor:
    """Runs stages of children; those of one stage start together, the next stage when all of them are ready."""

    def __init__(self, stages: Iterable[Sequence[Child]], *, stream: TextIO | None = None) -> None:
        self._stages = [[_Running(child) for child in stage] for stage in stages]
        self._by_name = {running.child.name: running for stage in self._stages for running in stage}
        width = max(len(name) for name in self._by_name)
        self._output = Output(stream if stream is not None else sys.stdout, width)
        self._warden: asyncio.subprocess.Process | None = None
        self._end: asyncio.Future[str | None] | None = None

    # --- all of them ---------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start every stage in order.

        Raises:
            StartError: a child ended or was not ready in time; what had started is stopped again.
        """
        self._end = asyncio.get_running_loop().create_future()
        self._warden = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", __file__),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            for stage in self._stages:
                await self._launch_together(stage)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop every stage in reverse order, then let the warden go."""
        for stage in reversed(self._stages):
            await asyncio.gather(*(self._retire(running) for running in stage))
        if self._warden is not None and self._warden.stdin is not None:
            self._warden.stdin.close()
            await self._warden.wait()
            self._warden = None

    async def ended(self) -> str | None:
        """Wait until a fatal child ended, and return the reason; or None after `finish`."""
        assert self._end is not None, "start() comes first"
        return await self._end

    def kill(self) -> None:
        """End every family by SIGKILL at once; `stop` still has to be awaited."""
        for running in self._by_name.values():
            running.wanted = False
            if running.process is not None and running.process.returncode is None:
                _signal_family(running.process.pid, signal.SIGKILL)

    def finish(self, reason: str | None = None) -> None:
        """Make `ended` return. Call it in the loop's thread."""
        if self._end is not None and not self._end.done():
            self._end.set_result(reason)

    # --- one of them ---------------------------------------------------------------------------------

    def pid(self, name: str) -> int:
        """Return the process id of a running child."""
        process = self._by_name[name].process
        if process is None or process.returncode is not None:
            raise ProcessLookupError(f"{name} is not running")
        return process.pid

    async def start_child(self, name: str) -> None:
        """Start one child that was stopped, and wait until it is ready."""
        await self._launch(self._by_name[name])

    async def stop_child(self, name: str, *, now: bool = False) -> None:
        """Stop one child and leave it stopped; `now` uses SIGKILL on its whole family at once."""
        await self._retire(self._by_name[name], now=now)

    # --- inside --------------------------------------------------------------------------------------

    async def _launch_together(self, stage: Sequence[_Running]) -> None:
        """Launch a stage; the first failure is raised at once, as itself and not in a group."""
        launches = [asyncio.create_task(self._launch(running)) for running in stage]
        try:
            done, _ = await asyncio.wait(launches, return_when=asyncio.FIRST_EXCEPTION)
            for launch in done:
                launch.result()
        finally:
            for launch in launches:
                launch.cancel()
            await asyncio.gather(*launches, return_exceptions=True)

    async def _launch(self, running: _Running) -> None:
        """Start a child and wait until it is ready, or has ended if it is a step."""
        child = running.child
        running.wanted = True
        process = await self._spawn(running)
        if child.step:
            if await self._gone(running, process):
                raise StartError(f"{child.name} failed: {process.last_word()}", process.last)
            return
        await self._until_ready(running, process)
        running.keeper = asyncio.create_task(self._keep(running, process))

    async def _spawn(self, running: _Running) -> _Process:
        child = running.child

        def show(line: str) -> None:
            if not child.quiet:
                self._output.write(child.name, line)

        # The loop's thread must do this: Linux counts the end of the thread that forked as the parent's death.
        _, process = await asyncio.get_running_loop().subprocess_exec(
            lambda: _Process(show),
            *(sys.executable, "-I", "-S", _LEASH, str(os.getpid()), *child.argv),
            env=child.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        running.process = process
        self._tell_warden(f"+{process.pid}")
        return process

    async def _gone(self, running: _Running, process: _Process) -> int:
        """Wait for the child's end, then end what is left of its family, and return its exit code."""
        code = await process.ended()
        # Workers and schedulers of a killed parent would hold its port and its files.
        _signal_family(process.pid, signal.SIGKILL)
        self._tell_warden(f"-{process.pid}")
        await process.close()
        running.process = None
        return code

    async def _keep(self, running: _Running, process: _Process) -> None:
        """Restart the child whenever it ends although it is wanted, with longer and longer pauses."""
        child, pause = running.child, FIRST_PAUSE_S
        while True:
            began = time.monotonic()
            code = await self._gone(running, process)
            if not running.wanted:
                return
            how = f"ended by signal {-code}" if code < 0 else f"ended with code {code}"
            if child.fatal:
                self.finish(f"{child.name} {how}: {process.last_word()}")
                return
            if time.monotonic() - began > STEADY_AFTER_S:
                pause = FIRST_PAUSE_S
            self._output.write(child.name, f"{how}; starting it again in {pause:g} s")
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)
            try:
                process = await self._spawn(running)
            except OSError as error:  # no process or no memory is left
                self.finish(f"{child.name} could not be started again: {error.strerror}")
                return

    async def _until_ready(self, running: _Running, process: _Process) -> None:
        """Wait for the first readiness; an exit before it is an error and no reason for a restart."""
        child = running.child
        deadline = time.monotonic() + child.ready_timeout
        while child.ready is not None and not await asyncio.to_thread(_quietly, child.ready):
            if process.returncode is not None:
                await self._gone(running, process)
                raise StartError(f"{child.name} did not start: {process.last_word()}", process.last)
            if time.monotonic() > deadline:
                raise StartError(f"{child.name} was not ready after {child.ready_timeout:g} s", process.last)
            await asyncio.sleep(READINESS_INTERVAL_S)

    async def _retire(self, running: _Running, *, now: bool = False) -> None:
        """Stop the child and wait until it is gone; a child that does not run is fine."""
        running.wanted = False
        process, keeper = running.process, running.keeper
        if process is not None and process.returncode is None:
            if now:
                _signal_family(process.pid, signal.SIGKILL)
            else:
                # To the child alone: it stops its own family in its own order.
                os.kill(process.pid, running.child.stop_signal)
            try:
                await asyncio.wait_for(process.ended(), running.child.grace)
            except TimeoutError:
                self._output.write(running.child.name, "did not stop in time; killed")
                _signal_family(process.pid, signal.SIGKILL)
        elif keeper is not None:
            # It sleeps before a restart that nobody wants any more.
            keeper.cancel()
        if keeper is not None:
            await asyncio.gather(keeper, return_exceptions=True)
            running.keeper = None
        if running.process is not None:
            await self._gone(running, running.process)

    def _tell_warden(self, line: str) -> None:
        if self._warden is not None and self._warden.stdin is not None and not self._warden.stdin.is_closing():
            self._warden.stdin.write(f"{line}\n".encode())


def run(
    stages: Iterable[Sequence[Child]], *, stream: TextIO | None = None, when_ready: Callable[[], None] | None = None
) -> None:
    """Run the stages in the foreground until SIGINT or SIGTERM, then stop them in reverse order.

    Raises:
        StartError: a child did not start, or a fatal one ended.
    """
    asyncio.run(_run(Supervisor(stages, stream=stream), when_ready))


async def _run(supervisor: Supervisor, when_ready: Callable[[], None] | None) -> None:
    loop = asyncio.get_running_loop()
    starting = asyncio.create_task(supervisor.start())
    asked = False

    def leave() -> None:
        nonlocal asked
        if asked:  # a second Ctrl-C: no more patience
            supervisor.kill()
            return
        asked = True
        starting.cancel()
        supervisor.finish()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, leave)
    try:
        await starting
    except asyncio.CancelledError:
        return
    try:
        if when_ready is not None:
            when_ready()
        reason = await supervisor.ended()
    finally:
        await supervisor.stop()
    if reason is not None:
        raise StartError(reason)


class Background:
    """A supervisor on a thread of its own, for tests and scripts: a context manager with plain functions."""

    def __init__(self, stages: Iterable[Sequence[Child]], *, stream: TextIO | None = None) -> None:
        self._supervisor = Supervisor(stages, stream=stream)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="supervisor", daemon=True)

    def __enter__(self) -> Self:
        """Start everything; raises StartError."""
        self._thread.start()
        try:
            self._do(self._supervisor.start())
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything in reverse order."""
        try:
            self._do(self._supervisor.stop())
        finally:
            self._leave()

    def pid(self, name: str) -> int:
        """Return the process id of a running child; raises ProcessLookupError."""
        return self._supervisor.pid(name)

    def start(self, name: str) -> None:
        """Start a child that was stopped, and wait until it is ready."""
        self._do(self._supervisor.start_child(name))

    def stop(self, name: str) -> None:
        """Stop a child in order and leave it stopped."""
        self._do(self._supervisor.stop_child(name))

    def kill(self, name: str) -> None:
        """End a child and its family by SIGKILL and leave it stopped; to see it restarted, kill its `pid` instead."""
        self._do(self._supervisor.stop_child(name, now=True))

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _leave(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def _quietly(ready: Callable[[], bool]) -> bool:
    """Ask a readiness check; whatever it raises means: not yet."""
    try:
        return ready()
    except Exception:  # noqa: BLE001 - a refused connection, half an answer, a loading server
        return False


def _signal_family(family: int, number: int) -> bool:
    """Send a signal to a child's whole process group; answer whether anybody is left in it."""
    try:
        os.killpg(family, number)
    except ProcessLookupError:
        return False
    except PermissionError:  # macOS says so where only a zombie is left
        return False
    return True


def _warden() -> None:
    """Remember the families named on standard input; when it closes, end those that are still there."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    families: set[int] = set()
    for line in sys.stdin:
        (families.add if line.startswith("+") else families.discard)(int(line[1:]))
    for family in families:
        _signal_family(family, signal.SIGTERM)
    deadline = time.monotonic() + WARDEN_GRACE_S
    # Signal 0 only asks whether somebody is there.
    while time.monotonic() < deadline and any(_signal_family(family, 0) for family in families):
        time.sleep(0.05)
    for family in families:
        _signal_family(family, signal.SIGKILL)


if __name__ == "__main__":
    _warden()
