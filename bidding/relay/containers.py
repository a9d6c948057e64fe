"""Takes a live WebM or fragmented MP4 apart, as it arrives: the opening that every player needs, and pieces after it.

Pure. A piece holds whole frames only, so that a viewer may begin or go on at any *mark*: a piece that begins with a
picture that needs none before it. However the bytes are cut on their way, the same pieces come out, merged or not.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Protocol

MOST_BYTES: Final = 8 * 1024 * 1024
"""What one frame or box may measure, and so what is ever held back."""
MOST_TRACKS: Final = 16
MOST_MS: Final = 10**13
"""How far from 0 a media time may be: further than any clock goes, and a number that every client reads."""


class BadStream(Exception):
    """What arrived is no live video that browsers play; the message is fit for the host."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What a player needs before the first piece: the media type with its codecs, and the first bytes."""

    mime: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Piece:
    """Some frames. `at_ms` is the media time of the first."""

    data: bytes
    is_mark: bool
    at_ms: int


class Container(Protocol):
    """One kind of file, cut while it grows."""

    def feed(self, data: bytes) -> Iterator[Opening | Piece]:
        """Take further bytes and return what is whole now; raises BadStream."""


class Splitter:
    """Cuts whatever kind arrives."""

    def __init__(self) -> None:
        self._first = b""
        self._container: Container | None = None

    def feed(self, data: bytes) -> list[Opening | Piece]:
        """Take further bytes and return what is whole now; raises BadStream."""
        if self._container is None:
            self._first += data
            if len(self._first) < 8:
                return []
            if self._first[:4] == _EBML.to_bytes(4, "big"):
                self._container = WebM()
            elif self._first[4:8] == b"ftyp":
                self._container = Mp4()
            else:
                raise BadStream("Send WebM or fragmented MP4.")
            data, self._first = self._first, b""
        parts = list(self._container.feed(data))
        if any(isinstance(part, Piece) and abs(part.at_ms) > MOST_MS for part in parts):
            raise BadStream("The stream has a time that cannot be.")
        return parts


# --- WebM ----------------------------------------------------------------------------------------------

_EBML: Final = 0x1A45DFA3
_SEGMENT: Final = 0x18538067
_INFO: Final = 0x1549A966
_TIMECODE_SCALE: Final = 0x2AD7B1
_TRACKS: Final = 0x1654AE6B
_TRACK_ENTRY: Final = 0xAE
_TRACK_NUMBER: Final = 0xD7
_TRACK_TYPE: Final = 0x83
_CODEC: Final = 0x86
_CLUSTER: Final = 0x1F43B675
_TIMECODE: Final = 0xE7
_SIMPLE_BLOCK: Final = 0xA3
_BLOCK_GROUP: Final = 0xA0
_BLOCK: Final = 0xA1
_REFERENCE: Final = 0xFB
_IN_CLUSTER: Final = frozenset({_TIMECODE, _SIMPLE_BLOCK, _BLOCK_GROUP, 0xAB, 0xA7, 0xEC, 0xBF})
_AFTER_CLUSTERS: Final = frozenset({0x1C53BB6B, 0x1254C367, 0x114D9B74, 0x1043A770, 0x1941A469})
"""Cues, tags and the like: of use in a finished file only."""
_VIDEO: Final = 1
_WEBM_CODECS: Final = {b"V_VP8": "vp8", b"V_VP9": "vp9", b"A_OPUS": "opus", b"A_VORBIS": "vorbis"}


@dataclass(slots=True)
class _Cut:
    """A piece in the making."""

    data: bytearray = field(default_factory=bytearray)
    at_ms: int | None = None
    is_mark: bool = False


class WebM:
    """WebM as MediaRecorder writes it: clusters of unknown size, a new one with each key frame."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._begin()

    def _begin(self) -> None:
        self._opening: bytearray | None = bytearray()
        self._tracks: list[tuple[int, int, str]] = []
        """Number, type and codec."""
        self._scale = 1_000_000
        self._cluster_ms = 0
        self._cut = _Cut()
        self._is_undecided = False
        """Whether the cluster has shown no picture yet: only its first one says whether it is a mark."""

    def feed(self, data: bytes) -> Iterator[Opening | Piece]:
        """Take further bytes and return what is whole now; raises BadStream."""
        self._rest += data
        position = 0
        while (header := _element(self._rest, position)) is not None:
            kind, size, start = header
            if kind in (_SEGMENT, _CLUSTER):
                end = start  # their content is taken apart itself
            elif size is None or size > MOST_BYTES:
                raise BadStream("A part of the stream is larger than a frame can be.")
            else:
                end = start + size
            if end > len(self._rest):
                break
            yield from self._take(kind, bytes(self._rest[position:end]), start - position)
            position = end
        del self._rest[:position]
        if not self._is_undecided:
            yield from self._finish()

    def _take(self, kind: int, element: bytes, header: int) -> Iterator[Opening | Piece]:
        if kind == _EBML and self._opening is None:
            yield from self._finish()
            self._begin()  # the publisher began a new recording
        if self._opening is not None:
            if kind != _CLUSTER:
                self._open(kind, element, header)
                return
            yield Opening(_mime("webm", [codec for _, _, codec in self._tracks]), bytes(self._opening))
            self._opening = None
        if kind == _CLUSTER:
            yield from self._finish()
            self._is_undecided = True
        elif kind in _AFTER_CLUSTERS:
            return
        elif kind not in _IN_CLUSTER:
            raise BadStream("This is no live WebM.")
        elif kind == _TIMECODE:
            self._cluster_ms = _number(element[header:]) * self._scale // 1_000_000
        elif kind in (_SIMPLE_BLOCK, _BLOCK_GROUP):
            self._frame(kind, element[header:])
        self._cut.data += element
        if len(self._cut.data) > MOST_BYTES:
            raise BadStream("The stream has no pictures.")

    def _open(self, kind: int, element: bytes, header: int) -> None:
        assert self._opening is not None
        self._opening += element
        if len(self._opening) > MOST_BYTES:
            raise BadStream("The stream does not begin.")
        if kind == _INFO:
            for name, value in _children(element[header:]):
                if name == _TIMECODE_SCALE:
                    self._scale = _number(value)
        elif kind == _TRACKS:
            for name, track in _children(element[header:]):
                if name == _TRACK_ENTRY:
                    facts = dict(_children(track))
                    codec = _WEBM_CODECS.get(facts.get(_CODEC, b"").rstrip(b"\0"))
                    if codec is None:
                        raise BadStream("Send VP8 or VP9 with Opus in WebM; H.264 goes in MP4.")
                    number, sort = (_number(facts.get(name, b"")) for name in (_TRACK_NUMBER, _TRACK_TYPE))
                    self._tracks.append((number, sort, codec))

    def _frame(self, kind: int, content: bytes) -> None:
        """Note where a frame belongs, and whether it needs none before it."""
        if kind == _BLOCK_GROUP:
            group = dict(_children(content))
            block, is_key = group.get(_BLOCK, b""), _REFERENCE not in group
        else:
            block, is_key = content, True
        track, at = _vint(block, 0)
        if track is None or len(block) < at + 3:
            raise BadStream("A frame of the stream cannot be read.")
        if kind == _SIMPLE_BLOCK:
            is_key = bool(block[at + 2] & 0x80)
        if self._cut.at_ms is None:
            relative = int.from_bytes(block[at : at + 2], "big", signed=True)
            self._cut.at_ms = self._cluster_ms + relative * self._scale // 1_000_000
        pictures = {number for number, sort, _ in self._tracks if sort == _VIDEO}
        if self._is_undecided and (track in pictures or not pictures):
            self._is_undecided, self._cut.is_mark = False, is_key

    def _finish(self) -> Iterator[Piece]:
        self._is_undecided = False
        if self._cut.data:
            at_ms = self._cluster_ms if self._cut.at_ms is None else self._cut.at_ms
            yield Piece(bytes(self._cut.data), self._cut.is_mark, at_ms)
            self._cut = _Cut()


def _element(data: bytes | bytearray, position: int) -> tuple[int, int | None, int] | None:
    """Return kind, size (None: unknown) and start of the content of an element; None where more bytes are needed."""
    if position >= len(data):
        return None
    length = 9 - data[position].bit_length()
    if length > 4:
        raise BadStream("This is no WebM.")
    if position + length >= len(data):
        return None
    kind = int.from_bytes(data[position : position + length], "big")
    size, start = _vint(data, position + length)
    if size is None:
        return None
    is_unknown = size == (1 << (7 * (start - position - length))) - 1
    return kind, None if is_unknown else size, start


def _vint(data: bytes | bytearray, position: int) -> tuple[int | None, int]:
    """Return a number of variable length and where it ends; None where more bytes are needed."""
    if position >= len(data):
        return None, position
    length = 9 - data[position].bit_length()
    if length > 8:
        raise BadStream("This is no WebM.")
    end = position + length
    if end > len(data):
        return None, position
    return int.from_bytes(data[position:end], "big") & ((1 << (7 * length)) - 1), end


def _number(content: bytes) -> int:
    # Longer ones would keep the process counting.
    if len(content) > 8:
        raise BadStream("A number of the stream is longer than one can be.")
    return int.from_bytes(content, "big")


def _children(content: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position < len(content):
        header = _element(content, position)
        if header is None or header[1] is None or header[2] + header[1] > len(content):
            raise BadStream("This is no WebM.")
        kind, size, start = header
        assert size is not None
        yield kind, content[start : start + size]
        position = start + size


# --- MP4 -----------------------------------------------------------------------------------------------

_PICTURES, _SOUND = b"vide", b"soun"
_NOT_SYNC: Final = 0x00010000
"""The flag of a sample that needs others before it."""


@dataclass(slots=True)
class _Track:
    sort: bytes = b""
    timescale: int = 1
    codec: str = ""
    flags: int = 0
    """Those of its samples, where a fragment says nothing else."""


class Mp4:
    """Fragmented MP4: a fragment (`moof` and its `mdat`) is a piece."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._begin()

    def _begin(self) -> None:
        self._opening = bytearray()
        self._is_open = False
        self._tracks: dict[int, _Track] = {}
        self._held = bytearray()
        self._fragment: tuple[bool, int] | None = None

    def feed(self, data: bytes) -> Iterator[Opening | Piece]:
        """Take further bytes and return what is whole now; raises BadStream."""
        self._rest += data
        position = 0
        while len(self._rest) - position >= 16:
            head = bytes(self._rest[position : position + 16])
            size, kind, start = int.from_bytes(head[:4], "big"), head[4:8], 8
            if size == 1:
                size, start = int.from_bytes(head[8:], "big"), 16
            if not start <= size <= MOST_BYTES:
                raise BadStream("A part of the stream is larger than a frame can be.")
            if position + size > len(self._rest):
                break
            yield from self._take(kind, bytes(self._rest[position : position + size]), start)
            position += size
        del self._rest[:position]

    def _take(self, kind: bytes, box: bytes, start: int) -> Iterator[Opening | Piece]:
        if kind == b"ftyp" and self._is_open:
            self._begin()  # the publisher began a new recording
        if not self._is_open:
            if kind != b"moof":
                self._opening += box
                if kind == b"moov":
                    self._tracks = _tracks(box[start:])
                if len(self._opening) > MOST_BYTES:
                    raise BadStream("The stream does not begin.")
                return
            if not self._tracks:
                raise BadStream("Send fragmented MP4.")
            self._is_open = True
            yield Opening(_mime("mp4", [track.codec for track in self._tracks.values()]), bytes(self._opening))
        self._held += box
        if len(self._held) > MOST_BYTES:
            raise BadStream("The stream has no pictures.")
        if kind == b"moof":
            self._fragment = self._facts(box[start:])
        elif kind == b"mdat" and self._fragment is not None:
            is_mark, at_ms = self._fragment
            yield Piece(bytes(self._held), is_mark, at_ms)
            self._held.clear()
            self._fragment = None

    def _facts(self, moof: bytes) -> tuple[bool, int]:
        """Return whether a fragment begins with a whole picture, and its media time in ms."""
        has_pictures = any(track.sort == _PICTURES for track in self._tracks.values())
        is_mark, at_ms = not has_pictures, None
        for kind, traf in _boxes(moof):
            if kind != b"traf":
                continue
            parts = dict(reversed(list(_boxes(traf))))  # of several runs the first
            header = parts.get(b"tfhd", b"")
            track = self._tracks.get(int.from_bytes(header[4:8], "big"))
            if track is None:
                raise BadStream("A fragment of the stream belongs to no track.")
            decode = parts.get(b"tfdt", b"\0" * 8)
            time = int.from_bytes(decode[4:12], "big") * 1000 // track.timescale
            at_ms = time if at_ms is None else min(at_ms, time)
            if track.sort == _PICTURES and b"trun" in parts:
                is_mark = not _first_flags(header, parts[b"trun"], track.flags) & _NOT_SYNC
        return is_mark, at_ms or 0


def _first_flags(tfhd: bytes, trun: bytes, default: int) -> int:
    """Return the flags of a run's first sample: its own, else the run's, the fragment's, the track's."""
    given = int.from_bytes(trun[1:4], "big")
    place = 8 + (4 if given & 0x1 else 0)
    if given & 0x4:
        return int.from_bytes(trun[place : place + 4], "big")
    if given & 0x400:
        place += (4 if given & 0x100 else 0) + (4 if given & 0x200 else 0)
        return int.from_bytes(trun[place : place + 4], "big")
    has = int.from_bytes(tfhd[1:4], "big")
    if has & 0x20:
        place = 8 + sum(size for flag, size in ((0x1, 8), (0x2, 4), (0x8, 4), (0x10, 4)) if has & flag)
        return int.from_bytes(tfhd[place : place + 4], "big")
    return default


def _tracks(moov: bytes) -> dict[int, _Track]:
    tracks: dict[int, _Track] = {}
    for kind, trak in _boxes(moov):
        if kind != b"trak":
            continue
        parts = dict(_boxes(trak))
        tkhd, media = parts.get(b"tkhd", b""), dict(_boxes(parts.get(b"mdia", b"")))
        mdhd, sort = media.get(b"mdhd", b""), media.get(b"hdlr", b"")[8:12]
        wide = 8 if tkhd[:1] == b"\1" else 4
        number = int.from_bytes(tkhd[4 + 2 * wide : 8 + 2 * wide], "big")
        wide = 8 if mdhd[:1] == b"\1" else 4
        timescale = int.from_bytes(mdhd[4 + 2 * wide : 8 + 2 * wide], "big") or 1
        table = dict(_boxes(dict(_boxes(media.get(b"minf", b""))).get(b"stbl", b"")))
        tracks[number] = _Track(sort, timescale, _mp4_codec(table.get(b"stsd", b"")[8:]))
    for kind, extends in _boxes(dict(_boxes(moov)).get(b"mvex", b"")):
        track = tracks.get(int.from_bytes(extends[4:8], "big"))
        if kind == b"trex" and track is not None:
            track.flags = int.from_bytes(extends[20:24], "big")
    return tracks


def _mp4_codec(entries: bytes) -> str:
    for kind, entry in _boxes(entries):
        if kind in (b"avc1", b"avc3"):
            config = dict(_boxes(entry[78:])).get(b"avcC", b"")
            if len(config) >= 4:
                return f"{kind.decode()}.{config[1:4].hex().upper()}"
        if kind == b"vp09":
            config = dict(_boxes(entry[78:])).get(b"vpcC", b"")
            if len(config) >= 7:
                return f"vp09.{config[4]:02d}.{config[5]:02d}.{config[6] >> 4:02d}"
        if kind == b"mp4a":
            return "mp4a.40.2"
        if kind == b"Opus":
            return "opus"
    raise BadStream("Send H.264 or VP9 with AAC or Opus in MP4.")


def _boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = 0
    while len(content) - position >= 8:
        size = int.from_bytes(content[position : position + 4], "big")
        if size < 8 or position + size > len(content):
            raise BadStream("This is no MP4.")
        yield content[position + 4 : position + 8], content[position + 8 : position + size]
        position += size


def _mime(container: str, codecs: list[str]) -> str:
    if not codecs:
        raise BadStream("The stream has neither pictures nor sound.")
    if len(codecs) > MOST_TRACKS:
        raise BadStream(f"A stream has {MOST_TRACKS} tracks at most.")
    pictures = any(not codec.startswith(("opus", "vorbis", "mp4a")) for codec in codecs)
    return f'{"video" if pictures else "audio"}/{container};codecs="{",".join(codecs)}"'
