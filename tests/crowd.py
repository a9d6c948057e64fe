"""Thousands of sockets in one room, on one thread: for tests that need a crowd. Tests nothing by itself.

The sockets read whatever comes and remember what it was; they say nothing.
"""

import asyncio
import contextlib
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, TypeVar

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

T = TypeVar("T")

PATIENCE_S = 90.0
"""How long a crowd waits for what must happen; nothing is asserted about how fast it does."""
_AT_ONCE = 100


@dataclass(slots=True, eq=False)
class Viewer:
    """One socket, and what it heard."""

    connection: ClientConnection
    kinds: Counter[str] = field(default_factory=Counter)
    v: int = 0
    """The version up to which it has been told everything."""
    has_gap: bool = False
    notices: list[str] = field(default_factory=list)
    close_code: int | None = None

    def hear(self, message: dict[str, Any]) -> None:
        """Take one message."""
        kind = message["type"]
        self.kinds[kind] += 1
        if kind == "STATE":
            self.v = message["v"]
        elif kind == "NOTICE":
            self.notices.append(message["text"])
        elif kind != "LOG_HEAD" and "at_ms" in message and "v" in message:
            self.has_gap |= message.get("from_v", message["v"]) > self.v + 1
            self.v = max(self.v, message["v"])


class Crowd:
    """Viewers on one event loop in a thread of its own."""

    def __init__(self, port: int, auction_id: int, origin: str) -> None:
        self.viewers: list[Viewer] = []
        self._url = f"ws://127.0.0.1:{port}/ws/auctions/{auction_id}/"
        self._origin = origin
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="crowd", daemon=True)
        self._reading: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def come(self, number: int) -> None:
        """Let so many more viewers in, and wait until each has its STATE."""
        self._do(self._come(number))
        self.all_have(lambda viewer: viewer.kinds["STATE"] > 0)

    def leave(self) -> None:
        """Let all viewers go, without a word as a lost network would."""
        self._do(self._leave())

    def all_have(self, holds: Callable[[Viewer], bool]) -> None:
        """Wait until something holds for each viewer."""
        end = time.monotonic() + PATIENCE_S
        while late := sum(not holds(viewer) for viewer in tuple(self.viewers)):
            assert time.monotonic() < end, f"{late} of {len(self.viewers)} viewers never got there"
            time.sleep(0.02)

    async def _come(self, number: int) -> None:
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one() -> None:
            async with gate:
                connection = await connect(
                    self._url,
                    origin=self._origin,  # type: ignore[arg-type]
                    compression=None,
                    max_size=None,
                    open_timeout=PATIENCE_S,
                    ping_interval=None,
                )
            viewer = Viewer(connection)
            self.viewers.append(viewer)
            reading = asyncio.create_task(self._read(viewer))
            self._reading.add(reading)
            reading.add_done_callback(self._reading.discard)

        await asyncio.gather(*(one() for _ in range(number)))

    async def _read(self, viewer: Viewer) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for frame in viewer.connection:
                heard = json.loads(frame)
                for message in heard if isinstance(heard, list) else [heard]:
                    viewer.hear(message)
        viewer.close_code = viewer.connection.close_code

    async def _leave(self) -> None:
        for viewer in self.viewers:
            viewer.connection.transport.abort()
        self.viewers.clear()
        await asyncio.gather(*self._reading, return_exceptions=True)

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()
