"""A show as a file for calendars (RFC 5545). Pure: it is given what it says."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

_WIDTH: Final = 75
"""Octets of a line, without its end."""
_ESCAPES: Final = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"})


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """One show. `uid` stays the same for ever, so that a later file replaces an earlier one."""

    uid: str
    title: str
    text: str
    url: str
    starts_at: datetime
    lasts: timedelta
    changed_at: datetime
    cancelled: bool = False


def calendar_file(entry: CalendarEntry, *, made_by: str) -> str:
    """Return the file: times in UTC, an alarm a quarter of an hour before."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:-//{_text(made_by)}//EN",
        "METHOD:PUBLISH",
        "BEGIN:VEVENT",
        f"UID:{entry.uid}",
        f"DTSTAMP:{_moment(entry.changed_at)}",
        f"LAST-MODIFIED:{_moment(entry.changed_at)}",
        # It only has to grow with each change, and a calendar reads 31 bits.
        f"SEQUENCE:{int(entry.changed_at.timestamp()) % 2**31}",
        f"DTSTART:{_moment(entry.starts_at)}",
        f"DTEND:{_moment(entry.starts_at + entry.lasts)}",
        f"SUMMARY:{_text(entry.title)}",
        f"DESCRIPTION:{_text(entry.text)}",
        f"URL:{entry.url}",
        f"STATUS:{'CANCELLED' if entry.cancelled else 'CONFIRMED'}",
        "BEGIN:VALARM",
        "ACTION:DISPLAY",
        f"DESCRIPTION:{_text(entry.title)}",
        "TRIGGER:-PT15M",
        "END:VALARM",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return "".join(f"{_folded(line)}\r\n" for line in lines)


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _text(text: str) -> str:
    """Escape a text; control characters, which could end a line, go."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(char for char in plain if char >= " " or char == "\n").translate(_ESCAPES)


def _folded(line: str) -> str:
    """Break a line that is too long, never within a character; what follows begins with a space."""
    parts, part, width = [], "", 0
    for char in line:
        size = len(char.encode())
        if width + size > _WIDTH:
            parts.append(part)
            part, width = " ", 1
        part, width = part + char, width + size
    return "\r\n".join([*parts, part])
