"""Let OBS and its kin send: RTMP in, the relay's public socket out, ffmpeg between to wrap it in another container.

Owns one connection of such a program. It has no rights of its own: the site judges the key before ffmpeg is started,
because ffmpeg would take any. Needs the extra of `requirements-rtmp.txt`; nothing is encoded again.
"""

import asyncio
import json
from argparse import ArgumentParser
from contextlib import suppress
from typing import Any, Final

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from bidding.relay import rtmp
from bidding.relay.rtmp import BadRtmp, Inbound, Message

logger = structlog.get_logger(__name__)

APPLICATION: Final = "live"
INTRODUCTION_S: Final = 10.0
"""How long a program may take until it has named its stream, and the site until it has judged the key."""
INTRODUCTION_BYTES: Final = 64 * 1024
"""What the messages may measure until then: the memory is not for whoever calls."""
SILENCE_S: Final = 10.0
MOST_CONNECTIONS: Final = 50
_READ_BYTES: Final = 64 * 1024


class Command(BaseCommand):
    """Listen until told to stop."""

    help = "Take streams by RTMP from OBS and the like, and send them to the relay. Needs requirements-rtmp.txt."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare where to listen and where the site is."""
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=1935)
        parser.add_argument("--url", default=settings.PUBLIC_URL, help="the site")

    def handle(self, *args: Any, host: str, port: int, url: str, **options: Any) -> None:
        """Serve for ever."""
        try:
            from imageio_ffmpeg import get_ffmpeg_exe
        except ImportError as error:
            raise CommandError("ffmpeg is missing: pip install -r requirements-rtmp.txt") from error
        gate = Gate(url.replace("http", "ws", 1), get_ffmpeg_exe())
        with suppress(KeyboardInterrupt):
            asyncio.run(gate.serve(host, port))


class Gate:
    """All connections of one process."""

    def __init__(self, site: str, ffmpeg: str) -> None:
        self._site = site
        self._ffmpeg = ffmpeg
        self._open = 0

    async def serve(self, host: str, port: int) -> None:
        """Listen for ever."""
        server = await asyncio.start_server(self._welcome, host, port)
        async with server:
            await server.serve_forever()

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            if self._open <= MOST_CONNECTIONS:
                await _Caller(self._site, self._ffmpeg, reader, writer).serve()
        except (BadRtmp, TimeoutError, OSError, EOFError, WebSocketException) as error:
            logger.info("rtmp_ended", error=str(error) or type(error).__name__)
        finally:
            self._open -= 1
            writer.close()


class _Caller:
    """One program that sends."""

    def __init__(self, site: str, ffmpeg: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._site = site
        self._ffmpeg = ffmpeg
        self._reader = reader
        self._writer = writer
        self._inbound = Inbound(INTRODUCTION_BYTES)

    async def serve(self) -> None:
        """Greet, let the site judge the key, and then carry pictures until somebody ends it."""
        async with asyncio.timeout(INTRODUCTION_S):
            self._writer.write(rtmp.greeting(await self._reader.readexactly(1 + rtmp.HANDSHAKE_BYTES)))
            await self._reader.readexactly(rtmp.HANDSHAKE_BYTES)
            channel, _, key = (await self._name()).partition("-")
        if not (channel.isascii() and channel.isdecimal() and len(channel) < 19 and key):
            await self._answer(is_allowed=False, words="The stream key is made of two parts with - between.")
            return
        url = f"{self._site}/ws/streams/{channel}/publish/"
        async with connect(url, compression=None, open_timeout=INTRODUCTION_S, close_timeout=1) as socket:
            await socket.send(json.dumps({"type": "PUBLISH", "key": key}))
            try:
                async with asyncio.timeout(INTRODUCTION_S):
                    await socket.recv()
            except WebSocketException as refused:
                await self._answer(is_allowed=False, words=socket.close_reason or "Not allowed.")
                raise BadRtmp(f"channel {channel}: {socket.close_reason}") from refused
            await self._answer(is_allowed=True, words="On air.")
            self._inbound.most_bytes = rtmp.MOST_BYTES
            await self._carry(socket)

    async def _name(self) -> str:
        """Answer the commands up to `publish` and return the name of the stream."""
        while True:
            for message in await self._messages():
                if not message.is_command:
                    continue
                name, number, values = rtmp.command(message)
                if name == "connect":
                    if not values or not isinstance(values[0], dict) or values[0].get("app") != APPLICATION:
                        raise BadRtmp("another application")
                    self._writer.write(rtmp.accepted_connect(number))
                elif name == "createStream":
                    self._writer.write(rtmp.accepted_stream(number))
                elif name == "publish":
                    stream = values[1] if len(values) > 1 else None
                    return stream if isinstance(stream, str) else ""
                await self._writer.drain()

    async def _messages(self) -> list[Message]:
        data = await self._reader.read(_READ_BYTES)
        if not data:
            raise EOFError("the program hung up")
        return list(self._inbound.feed(data))

    async def _answer(self, *, is_allowed: bool, words: str) -> None:
        self._writer.write(rtmp.answered_publish(is_allowed=is_allowed, words=words))
        await self._writer.drain()

    async def _carry(self, socket: ClientConnection) -> None:
        process = await asyncio.create_subprocess_exec(
            *(self._ffmpeg, "-nostdin", "-loglevel", "error", "-fflags", "nobuffer", "-flags", "low_delay"),
            *("-probesize", "32768", "-analyzeduration", "500000", "-f", "flv", "-i", "pipe:0", "-c", "copy"),
            # A fragment for each key frame, and otherwise ten a second.
            *("-movflags", "empty_moov+default_base_moof+frag_keyframe", "-frag_duration", "100000"),
            *("-flush_packets", "1", "-f", "mp4", "pipe:1"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        ways = [
            asyncio.create_task(self._to_ffmpeg(process.stdin)),
            asyncio.create_task(_to_site(process.stdout, socket)),
            asyncio.create_task(_until_let_go(socket)),
        ]
        try:
            done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in done:
                way.result()
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _to_ffmpeg(self, stdin: asyncio.StreamWriter) -> None:
        stdin.write(rtmp.flv_header())
        while True:
            async with asyncio.timeout(SILENCE_S):
                messages = await self._messages()
            for message in messages:
                if message.kind in (rtmp.AUDIO, rtmp.VIDEO):
                    stdin.write(rtmp.flv_tag(message))
            await stdin.drain()


async def _to_site(stdout: asyncio.StreamReader, socket: ClientConnection) -> None:
    while data := await stdout.read(_READ_BYTES):
        await socket.send(data)


async def _until_let_go(socket: ClientConnection) -> None:
    """Read what the site tells each second; it ends when the site ends it."""
    async for _ in socket:
        pass
