"""Writes the protocol down for people: the tables and samples of docs/protocol.md, generated from the message types.

Owns no message; `bidding/protocol.py` does. Imports no framework and no app.
"""

import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from bidding import protocol
from bidding.samples import Kind, samples

BEGIN: Final = "<!-- generated: {name} -->"
END: Final = "<!-- end -->"


def tables() -> dict[str, str]:
    """Return every generated part of docs/protocol.md by its name."""
    return {
        "client": _messages(protocol.NAMESPACE_OF),
        "replies": _messages(kind for kind in protocol.SERVER_MESSAGES if kind not in protocol.EVENTS),
        "events": _messages(protocol.EVENTS),
        "parts": _messages(protocol.Part.__subclasses__()),
        "refusals": _codes(protocol.RefusalCode),
        "pauses": _codes(protocol.PauseReason),
        "chat-refusals": _codes(protocol.ChatRefusalCode),
        "errors": _codes(protocol.ErrorCode),
        "closes": _codes(protocol.CloseCode),
        "client-samples": _samples(protocol.NAMESPACE_OF),
        "server-samples": _samples(protocol.SERVER_MESSAGES),
    }


def fill(page: str, parts: Mapping[str, str]) -> str:
    """Return the page with every generated part, by its name, replaced by what the types say now."""
    for name, table in parts.items():
        begin = BEGIN.format(name=name)
        before, found, rest = page.partition(begin)
        if not found:
            raise ValueError(f"the page has no {begin}")
        _, found, after = rest.partition(END)
        if not found:
            raise ValueError(f"{begin} is not closed by {END}")
        page = f"{before}{begin}\n{table}\n{END}{after}"
    return page


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


def _codes(codes: Iterable[protocol.Code | protocol.CloseCode]) -> str:
    rows = ["| code | meaning |", "|---|---|"]
    return "\n".join(rows + [f"| `{code.value}` | {code.meaning} |" for code in codes])


def _samples(kinds: Iterable[Kind]) -> str:
    """Return the first sample of each type."""
    firsts = [samples().of(kind)[0] for kind in kinds]
    return "\n\n".join(f"{sample.summary}\n\n```json\n{sample.text}\n```" for sample in firsts)
