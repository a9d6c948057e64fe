"""Writes the protocol down for people: the tables of docs/protocol.md, generated from the message types.

Owns no message; `bidding/protocol.py` does.
"""

import types
import typing
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from bidding import protocol

BEGIN: Final = "<!-- generated: {name} -->"
END: Final = "<!-- end -->"


def tables() -> dict[str, str]:
    """Return every generated part of docs/protocol.md by its name."""
    return {
        "client": _messages(protocol.NAMESPACE_OF),
        "replies": _messages(_direct(protocol.ServerMessage)),
        "events": _messages(_direct(protocol.Event)),
        "parts": _messages(_direct(protocol.Part)),
        "refusals": _codes(protocol.RefusalCode),
        "chat-refusals": _codes(protocol.ChatRefusalCode),
        "errors": _codes(protocol.ErrorCode),
        "closes": "\n".join(
            ["| code | meaning |", "|---|---|"]
            + [f"| {code.value} | {code.name.lower().replace('_', ' ')} |" for code in protocol.CloseCode]
        ),
    }


def fill(page: str) -> str:
    """Return the page with every generated part replaced by what the types say now."""
    for name, table in tables().items():
        begin = BEGIN.format(name=name)
        before, found, rest = page.partition(begin)
        if not found:
            raise ValueError(f"docs/protocol.md has no {begin}")
        _, found, after = rest.partition(END)
        if not found:
            raise ValueError(f"docs/protocol.md: {begin} is not closed by {END}")
        page = f"{before}{begin}\n{table}\n{END}{after}"
    return page


def _direct(base: type[msgspec.Struct]) -> list[type[msgspec.Struct]]:
    return [kind for kind in base.__subclasses__() if kind is not protocol.Event]


def _messages(kinds: Iterable[type[msgspec.Struct]]) -> str:
    rows = ["| message | fields | meaning |", "|---|---|---|"]
    for kind in kinds:
        name = kind.__struct_config__.tag or kind.__name__
        meaning = " ".join((kind.__doc__ or "").split())
        rows.append(f"| `{name}` | {_fields(kind)} | {meaning} |")
    return "\n".join(rows)


def _fields(kind: type[msgspec.Struct]) -> str:
    hints = typing.get_type_hints(kind)
    described = []
    for info in msgspec.structs.fields(kind):
        optional = "" if info.required else "?"
        described.append(f"`{info.encode_name}`{optional}: {_type(hints[info.name])}")
    return ", ".join(described) or "none"


def _type(hint: Any) -> str:
    origin = typing.get_origin(hint)
    if origin in (types.UnionType, typing.Union):
        parts = [_type(part) for part in typing.get_args(hint) if part is not msgspec.UnsetType]
        return " or ".join(parts)
    if origin is list:
        return f"list of {_type(typing.get_args(hint)[0])}"
    if hint is type(None):
        return "null"
    if hint is msgspec.Raw:
        return "JSON"
    names = {str: "text", int: "integer", float: "number", bool: "boolean"}
    return names.get(hint) or f"{hint.__name__}"


def _codes(codes: Iterable[protocol.RefusalCode | protocol.ChatRefusalCode | protocol.ErrorCode]) -> str:
    return ", ".join(f"`{code.value}`" for code in codes)
