"""Recordings that this site keeps itself: where the files of a part are, how they are written, read and removed.

A part is two files: the stream as it arrived, behind its opening, and a table of the places at which a player may
begin. A line of the table is written after the bytes that it tells of, so what is there is of use wherever the writer
stopped. Knows no show and no person; who may read is decided by the callers.
"""

import os
import re
import secrets
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from django.conf import settings

MARK_EVERY_MS: Final = 1_000
"""How close the places are at which a player may begin: a test picture would have ten in a second."""
_MB: Final = 1_000_000
_TAIL_BYTES: Final = 512
"""More than the last lines of a table measure, but where the disk took none but marks."""
_NAME: Final = re.compile(r"\d+/[0-9a-f]{32}")


class NoRoom(Exception):
    """A recording may not go on."""

    def __init__(self) -> None:
        super().__init__("the show has its share of the disk, or the disk is nearly full")


class Frames(Protocol):
    """Some whole frames of a stream, as the relay cuts them."""

    @property
    def data(self) -> bytes:
        """Their bytes."""

    @property
    def is_mark(self) -> bool:
        """Whether a player may begin here."""

    @property
    def at_ms(self) -> int:
        """The media time of the first."""


@dataclass(slots=True)
class Table:
    """What is known of a part's stream: its opening's bytes, where a player may begin, and how far it goes."""

    opening: int = 0
    marks: list[tuple[int, int]] = field(default_factory=list)
    """Media time in ms, and the byte at which it begins."""
    end_ms: int = 0
    end: int = 0

    @property
    def lasts_ms(self) -> int:
        """How long it is."""
        return self.end_ms - self.marks[0][0] if self.marks else 0


def new_name(auction_id: int) -> str:
    """Return the name of a part that nobody can guess."""
    return f"{auction_id}/{secrets.token_hex(16)}"


def stream_file(name: str) -> Path:
    """Return where the stream of a part is."""
    return _folder(name) / "stream"


def read_table(name: str) -> Table | None:
    """Return the table of a part, up to the last line that was written whole; None where there is none."""
    try:
        text = (_folder(name) / "table").read_text("ascii")
    except FileNotFoundError:
        return None
    table = Table()
    for line in text.split("\n")[:-1]:
        kind, at_ms, place = line.split(" ")
        if kind == "opening":
            table.opening = table.end = int(place)
        elif kind == "mark":
            table.marks.append((int(at_ms), int(place)))
        else:
            table.end_ms, table.end = int(at_ms), int(place)
    return table


def bytes_written(name: str) -> int | None:
    """Return how many bytes of a part are of use, as its table has it; None where there is none.

    Asked with every range, so the end of the table is read: of a long show all of it is a megabyte of lines.
    """
    try:
        with (_folder(name) / "table").open("rb") as file:
            file.seek(-min(_TAIL_BYTES, file.seek(0, os.SEEK_END)), os.SEEK_END)
            lines = file.read().split(b"\n")[:-1]
    except FileNotFoundError:
        return None
    # The first of them may have lost its beginning; a mark tells of nothing that is written.
    for line in reversed(lines[1:]):
        kind, _at_ms, place = line.split(b" ")
        if kind != b"mark":
            return int(place)
    table = read_table(name)
    return None if table is None else table.end


def room_left(auction_id: int) -> int:
    """Return how many bytes of a show may still be recorded; raises OSError."""
    settings.RECORDINGS_ROOT.mkdir(parents=True, exist_ok=True)
    used = sum(stream.stat().st_size for stream in settings.RECORDINGS_ROOT.glob(f"{auction_id}/*/stream"))
    free = shutil.disk_usage(settings.RECORDINGS_ROOT).free - settings.RECORDINGS_SPARE_MB * _MB
    return min(settings.RECORDINGS_MAX_MB * _MB - used, free)


def remove(name: str) -> None:
    """Remove the files of a part. Harmless where they are gone; raises OSError where they cannot be removed."""
    with suppress(FileNotFoundError):
        shutil.rmtree(_folder(name))
    # The folder of the show goes with its last part.
    with suppress(OSError):
        _folder(name).parent.rmdir()


def names() -> Iterable[tuple[str, float]]:
    """Return the parts that there are files of, and when each was last written to."""
    for table in settings.RECORDINGS_ROOT.glob("*/*/table"):
        name = f"{table.parent.parent.name}/{table.parent.name}"
        if _NAME.fullmatch(name):
            with suppress(FileNotFoundError):
                yield name, table.stat().st_mtime


class PartWriter:
    """Writes one part. May wait for the disk: belongs into a thread. Every method may raise OSError."""

    def __init__(self, name: str, opening: bytes) -> None:
        """Begin the files; raises NoRoom."""
        self.auction_id = int(name.partition("/")[0])
        if room_left(self.auction_id) <= len(opening):
            raise NoRoom
        folder = _folder(name)
        folder.mkdir(parents=True)
        # Whoever else uses this machine has no part in a private show.
        folder.chmod(0o700)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        self._stream = os.open(folder / "stream", flags, 0o600)
        self._table = os.open(folder / "table", flags, 0o600)
        self.first_ms: int | None = None
        self.end_ms = self.size = 0
        self._marked_ms = -MARK_EVERY_MS
        self._write([opening], [], f"opening 0 {len(opening)}")

    def write(self, frames: Iterable[Frames]) -> None:
        """Add frames in their order; raises NoRoom when the part may not become longer."""
        chunks, lines, size = [], [], self.size
        for piece in frames:
            if self.first_ms is None:
                self.first_ms = piece.at_ms
            if piece.is_mark and piece.at_ms - self._marked_ms >= MARK_EVERY_MS:
                lines.append(f"mark {piece.at_ms} {size}")
                self._marked_ms = piece.at_ms
            chunks.append(piece.data)
            size += len(piece.data)
            self.end_ms = max(self.end_ms, piece.at_ms)
        if not chunks:
            return
        if room_left(self.auction_id) < size - self.size:
            raise NoRoom
        self._write(chunks, lines, f"end {self.end_ms} {size}")

    def close(self) -> None:
        """Let the files go."""
        os.close(self._stream)
        os.close(self._table)

    @property
    def lasts_ms(self) -> int:
        """How long the part is."""
        return 0 if self.first_ms is None else self.end_ms - self.first_ms

    def _write(self, chunks: Iterable[bytes], lines: list[str], end: str) -> None:
        content = memoryview(b"".join(chunks))
        self.size += len(content)
        while content:
            content = content[os.write(self._stream, content) :]
        os.write(self._table, "".join(f"{line}\n" for line in (*lines, end)).encode())


def _folder(name: str) -> Path:
    """Return the folder of a part. Names are made here and kept in the database; none comes from a request."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"no name of a recording: {name!r}")
    return Path(settings.RECORDINGS_ROOT) / name
