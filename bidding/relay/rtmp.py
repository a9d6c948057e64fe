"""As much of RTMP as a program like OBS needs to send: chunks into messages, the few commands, and FLV out of it.

Sans-IO. Knows no key and no channel: whoever drives it says whether the name of a stream is allowed.
"""

import secrets
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

MOST_BYTES: Final = 8 * 1024 * 1024
"""What one message may measure, and all together that are not whole yet."""
MOST_STREAMS: Final = 32
"""Streams of chunks; programs use four or five."""
HANDSHAKE_BYTES: Final = 1536
STREAM_ID: Final = 1
_CHUNK_BYTES: Final = 128
_SET_CHUNK, _WINDOW, _BANDWIDTH, _COMMAND = 1, 5, 6, 20
AUDIO: Final = 8
VIDEO: Final = 9
DATA: Final = 18
_EXTENDED: Final = 0xFFFFFF
_FLV_HEADER: Final = b"FLV\x01\x05\x00\x00\x00\x09\x00\x00\x00\x00"
"""Sound and pictures."""


class BadRtmp(Exception):
    """What arrived is no RTMP that we speak."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `at_ms` is its media time."""

    kind: int
    at_ms: int
    content: bytes

    @property
    def is_command(self) -> bool:
        """Whether it is a command in AMF0."""
        return self.kind == _COMMAND


@dataclass(slots=True)
class _Chunks:
    """What is known of one chunk stream."""

    at_ms: int = 0
    delta: int = 0
    size: int = 0
    kind: int = 0
    is_extended: bool = False
    content: bytearray = field(default_factory=bytearray)


class Inbound:
    """Puts messages together from the chunks of a client, after the handshake."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.most_bytes = most_bytes
        self._rest = bytearray()
        self._unfinished = 0
        """Bytes of messages that are not whole yet."""
        self._chunk_bytes = _CHUNK_BYTES
        self._streams: dict[int, _Chunks] = {}

    def feed(self, data: bytes) -> Iterator[Message]:
        """Take further bytes and return what is whole now; raises BadRtmp."""
        self._rest += data
        at = 0
        while (end := self._chunk(self._rest, at)) is not None:
            at, message = end
            if message is None:
                continue
            if message.kind == _SET_CHUNK:
                self._chunk_bytes = int.from_bytes(message.content[:4], "big") & 0x7FFFFFFF
                if not 1 <= self._chunk_bytes <= MOST_BYTES:
                    raise BadRtmp("no such size of chunks")
            else:
                yield message
        del self._rest[:at]

    def _chunk(self, data: bytearray, at: int) -> tuple[int, Message | None] | None:
        """Read one chunk; return where it ends and the message that it completes, or None where bytes are missing."""
        if at >= len(data):
            return None
        form, number, at = data[at] >> 6, data[at] & 0x3F, at + 1
        if number < 2:
            wide, at = 1 + number, at + 1 + number
            if len(data) < at:
                return None
            number = 64 + int.from_bytes(data[at - wide : at], "little")
        header = data[at : at + (11, 7, 3, 0)[form]]
        if len(header) < (11, 7, 3, 0)[form]:
            return None
        at += len(header)
        known = self._streams.get(number)
        if known is None:
            if form != 0:
                raise BadRtmp("a stream of chunks begins in its middle")
            if len(self._streams) >= MOST_STREAMS:
                raise BadRtmp("too many streams of chunks")
            known = _Chunks()
        extended = known.is_extended if form == 3 else int.from_bytes(header[:3], "big") == _EXTENDED
        time = int.from_bytes(header[:3], "big") if form < 3 else known.delta
        if extended:
            if len(data) < at + 4:
                return None
            time = int.from_bytes(data[at : at + 4], "big")
            at += 4
        size = int.from_bytes(header[3:6], "big") if form < 2 else known.size
        if size > self.most_bytes:
            raise BadRtmp("a message is too large")
        end = at + min(self._chunk_bytes, size - len(known.content))
        if len(data) < end:
            return None
        part = data[at:end]
        self._streams[number] = known
        if not known.content:
            known.at_ms = time if form == 0 else known.at_ms + time
            known.delta = 0 if form == 0 else time
            known.size, known.is_extended = size, extended
            known.kind = header[6] if form < 2 else known.kind
        known.content += part
        self._unfinished += len(part)
        if self._unfinished > self.most_bytes:
            raise BadRtmp("too much is not whole")
        if len(known.content) < size:
            return at + len(part), None
        message = Message(known.kind, known.at_ms & 0xFFFFFFFF, bytes(known.content))
        self._unfinished -= len(known.content)
        known.content = bytearray()
        return at + len(part), message


# --- The handshake and the answers -----------------------------------------------------------------------


def greeting(first: bytes) -> bytes:
    """Return our side of the handshake to a client's first 1537 bytes; raises BadRtmp."""
    if first[0] != 3:
        raise BadRtmp("another version")
    return b"\x03" + bytes(8) + secrets.token_bytes(HANDSHAKE_BYTES - 8) + first[1 : 1 + HANDSHAKE_BYTES]


def command(message: Message) -> tuple[str, float, list[Any]]:
    """Return a command's name, its number and what else it says; raises BadRtmp."""
    values = list(_amf(message.content))
    if len(values) < 2 or not isinstance(values[0], str) or not isinstance(values[1], float):
        raise BadRtmp("a command cannot be read")
    return values[0], values[1], values[2:]


def accepted_connect(number: float) -> bytes:
    """Return the answer to `connect`."""
    window = struct.pack(">I", 2_500_000)
    facts = _object(level="status", code="NetConnection.Connect.Success", description="Send.")
    answer = _string("_result") + _double(number) + _object(fmsVer="FMS/3,0,1,123") + facts
    return _chunked(_WINDOW, window) + _chunked(_BANDWIDTH, window + b"\x02") + _chunked(_COMMAND, answer)


def accepted_stream(number: float) -> bytes:
    """Return the answer to `createStream`."""
    return _chunked(_COMMAND, _string("_result") + _double(number) + b"\x05" + _double(STREAM_ID))


def answered_publish(*, is_allowed: bool, words: str) -> bytes:
    """Return the answer to `publish`."""
    facts = (
        _object(level="status", code="NetStream.Publish.Start", description=words)
        if is_allowed
        else _object(level="error", code="NetStream.Publish.BadName", description=words)
    )
    return _chunked(_COMMAND, _string("onStatus") + _double(0) + b"\x05" + facts, stream=STREAM_ID)


# --- FLV -------------------------------------------------------------------------------------------------


def flv_header() -> bytes:
    """Return the beginning of an FLV with pictures and sound."""
    return _FLV_HEADER


def flv_tag(message: Message) -> bytes:
    """Return a message as FLV has it."""
    size = len(message.content).to_bytes(3, "big")
    time = message.at_ms.to_bytes(4, "big")
    tag = bytes([message.kind]) + size + time[1:] + time[:1] + bytes(3) + message.content
    return tag + len(tag).to_bytes(4, "big")


# --- AMF0 ------------------------------------------------------------------------------------------------


def _amf(data: bytes) -> Iterator[Any]:
    at = 0
    while at < len(data):
        value, at = _value(data, at)
        yield value


def _value(data: bytes, at: int, depth: int = 0) -> tuple[Any, int]:
    kind, at = data[at], at + 1
    if depth > 8:
        raise BadRtmp("a command is too deep")
    try:
        if kind == 0:
            return struct.unpack_from(">d", data, at)[0], at + 8
        if kind == 1:
            return bool(data[at]), at + 1
        if kind == 2:
            return _text(data, at)
        if kind in (3, 8):
            at += 4 if kind == 8 else 0
            found: dict[str, Any] = {}
            while data[at : at + 3] != b"\0\0\x09":
                name, at = _text(data, at)
                found[name], at = _value(data, at, depth + 1)
            return found, at + 3
    except (IndexError, struct.error, UnicodeDecodeError) as error:
        raise BadRtmp("a command cannot be read") from error
    if kind in (5, 6):
        return None, at
    raise BadRtmp("a command holds what we do not know")


def _text(data: bytes, at: int) -> tuple[str, int]:
    size = int.from_bytes(data[at : at + 2], "big")
    if at + 2 + size > len(data) or at + 2 > len(data):
        raise BadRtmp("a command cannot be read")
    return data[at + 2 : at + 2 + size].decode(), at + 2 + size


def _string(text: str) -> bytes:
    return b"\x02" + len(text).to_bytes(2, "big") + text.encode()


def _double(value: float) -> bytes:
    return b"\0" + struct.pack(">d", value)


def _object(**fields: str) -> bytes:
    return b"\x03" + b"".join(_string(name)[1:] + _string(value) for name, value in fields.items()) + b"\0\0\x09"


def _chunked(kind: int, content: bytes, *, stream: int = 0) -> bytes:
    """Return a message of ours in chunks of the size that holds before anybody says another one."""
    parts = [content[at : at + _CHUNK_BYTES] for at in range(0, len(content), _CHUNK_BYTES)]
    header = b"\x03" + bytes(3) + len(content).to_bytes(3, "big") + bytes([kind]) + stream.to_bytes(4, "little")
    return header + b"\xc3".join(parts)
