"""Frames and lines: what reaches a socket, and what a full or closing one does to its writer."""

import asyncio
from collections.abc import Generator
from typing import Any

import pytest
from websockets.frames import Frame as ReadFrame
from websockets.streams import StreamReader

from bidding.room.transport import EagerLine, Frame, whole_frame


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 100_000])
def test_a_frame_is_read_back_whole(size: int) -> None:
    payload = b"x" * size
    reader = StreamReader()
    reader.feed_data(whole_frame(payload))
    parsing: Generator[None, None, ReadFrame] = ReadFrame.parse(reader.read_exact, mask=False, max_size=None)
    with pytest.raises(StopIteration) as done:
        next(parsing)
    frame = done.value.value
    assert (frame.opcode, frame.fin, bytes(frame.data)) == (1, True, payload)


class Server:
    """An ASGI server's `send` that waits while it is `busy`."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.free = asyncio.Event()
        self.free.set()

    async def send(self, message: dict[str, Any]) -> None:
        await self._turn()
        self.sent.append(message)

    async def _turn(self) -> None:
        if not self.free.is_set():
            await self.free.wait()

    @property
    def texts(self) -> list[str]:
        return [message["text"] for message in self.sent if message["type"] == "websocket.send"]


def frame(text: str) -> Frame:
    return Frame(text.encode())


async def test_what_need_not_wait_is_sent_at_once_and_without_a_task() -> None:
    server = Server()
    line = EagerLine(server.send, None)
    tasks = len(asyncio.all_tasks())
    assert all([line.write(frame("a")), line.write(frame("b"))])
    assert server.texts == ["a", "b"]
    assert len(asyncio.all_tasks()) == tasks


async def test_what_waits_is_finished_later_and_the_rest_refused() -> None:
    server = Server()
    line = EagerLine(server.send, None)
    server.free.clear()
    assert line.write(frame("a"))
    assert not line.write(frame("b"))
    assert not line.is_clear()
    server.free.set()
    await asyncio.sleep(0.01)
    assert line.is_clear()
    assert line.write(frame("c"))
    assert server.texts == ["a", "c"]


async def test_a_send_that_fails_is_the_sockets_own_affair() -> None:
    async def broken(message: dict[str, Any]) -> None:
        raise OSError("gone")

    assert EagerLine(broken, None).write(frame("a"))


async def test_a_line_that_does_not_even_close_ends_its_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bidding.room.transport.CLOSING_S", 0.01)
    server = Server()
    owner = asyncio.create_task(asyncio.sleep(60))
    line = EagerLine(server.send, owner)
    server.free.clear()
    line.write(frame("a"))
    line.close(4408)
    await asyncio.wait({owner})
    assert owner.cancelled()
    assert line.write(frame("b"))
    assert server.sent == []


async def test_closing_says_why() -> None:
    server = Server()
    line = EagerLine(server.send, None)
    line.close(4401)
    await asyncio.sleep(0.01)
    assert server.sent == [{"type": "websocket.close", "code": 4401, "reason": ""}]
