"""Arranges the AsyncAPI document for people: what the page of the live sockets shows, in its order.

Owns no message and no wording of one. Imports no framework and no app.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from bidding import protocol
from bidding.asyncapi import CHANNELS, answers_to, asyncapi_document, namespaces_of, prose
from bidding.protocol import Namespace
from bidding.samples import Kind, Sample, samples


@dataclass(frozen=True, slots=True)
class FieldLine:
    """One field. `part` is the part's name where its type is one; `choices` are all values that it may have."""

    name: str
    required: bool
    type: str
    part: str | None
    choices: Sequence[str]
    description: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One message or part. `carried` is empty where every socket carries it."""

    name: str
    anchor: str
    paragraphs: Sequence[str]
    carried: Sequence[str]
    fields: Sequence[FieldLine]
    samples: Sequence[Sample]
    answers: "Sequence[Link]"


@dataclass(frozen=True, slots=True)
class Link:
    """A place on this page."""

    name: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Section:
    """Messages of one direction, or the parts."""

    title: str
    anchor: str
    lead: str
    entries: Sequence[Entry]


@dataclass(frozen=True, slots=True)
class CodeTable:
    """The codes of one field."""

    title: str
    anchor: str
    codes: Sequence[protocol.Code | protocol.CloseCode]


@dataclass(frozen=True, slots=True)
class ProtocolPage:
    """Everything that the page shows."""

    about: Sequence[str]
    subprotocol: str
    max_bytes: int
    channels: Sequence[tuple[str, Sequence[str]]]
    """Each socket's address, and what it carries."""
    security: Sequence[tuple[str, str]]
    sections: Sequence[Section]
    codes: Sequence[CodeTable]


@cache
def protocol_page(url: str) -> ProtocolPage:
    """Return the page of a site at `url`."""
    document = asyncapi_document(title="", url=url)
    components, server = document["components"], document["servers"]["site"]
    schemas: dict[str, Any] = components["schemas"]
    replies = [kind for kind in protocol.SERVER_MESSAGES if kind not in protocol.EVENTS]
    return ProtocolPage(
        about=document["info"]["description"].split("\n\n"),
        subprotocol=protocol.SUBPROTOCOL,
        max_bytes=protocol.MAX_MESSAGE_BYTES,
        channels=[
            (
                f"{server['protocol']}://{server['host']}{document['channels'][name]['address']}",
                [namespace.value for namespace in Namespace if namespace in carried],
            )
            for name, carried in CHANNELS.items()
        ],
        security=[(name, scheme["description"]) for name, scheme in components["securitySchemes"].items()],
        sections=[
            Section("From clients", "client", "What a client may send.", _entries(protocol.NAMESPACE_OF, schemas)),
            Section(
                "From the site",
                "server",
                "First messages, answers and signals. A signal may be lost without harm.",
                _entries(replies, schemas),
            ),
            Section(
                "Events",
                "events",
                "Entries of the auction's log, in order, each with the next version.",
                _entries(protocol.EVENTS, schemas),
            ),
            Section("Parts", "parts", "What messages are made of.", [_part(kind, schemas) for kind in _PARTS]),
        ],
        codes=[
            CodeTable("Refused bids", "refusals", list(protocol.RefusalCode)),
            CodeTable("Paused by a rule", "pauses", list(protocol.PauseReason)),
            CodeTable("Refused chat", "chat-refusals", list(protocol.ChatRefusalCode)),
            CodeTable("Errors", "errors", list(protocol.ErrorCode)),
            CodeTable("Closed sockets", "closes", list(protocol.CloseCode)),
        ],
    )


_PARTS = protocol.Part.__subclasses__()


def _entries(kinds: Iterable[Kind], schemas: dict[str, Any]) -> list[Entry]:
    return [
        Entry(
            name=str(kind.__struct_config__.tag),
            anchor=kind.__name__,
            paragraphs=prose(kind).split("\n\n"),
            carried=_carried(kind),
            fields=_fields(schemas[kind.__name__]),
            samples=samples().of(kind),
            answers=[
                Link(str(answer.__struct_config__.tag), answer.__name__)
                for answer in (answers_to(kind, frozenset(Namespace)) if kind in protocol.NAMESPACE_OF else ())
            ],
        )
        for kind in kinds
    ]


def _part(kind: type[protocol.Part], schemas: dict[str, Any]) -> Entry:
    return Entry(
        name=kind.__name__,
        anchor=kind.__name__,
        paragraphs=prose(kind).split("\n\n"),
        carried=(),
        fields=_fields(schemas[kind.__name__]),
        samples=(),
        answers=(),
    )


def _carried(kind: Kind) -> list[str]:
    carried = namespaces_of(kind)
    return [] if carried == frozenset(Namespace) else [name.value for name in Namespace if name in carried]


def _fields(schema: dict[str, Any]) -> list[FieldLine]:
    return [
        _field(name, field, required=name in schema.get("required", ()))
        for name, field in schema["properties"].items()
        if name != "type"
    ]


def _field(name: str, schema: dict[str, Any], *, required: bool) -> FieldLine:
    options = [option for option in schema.get("anyOf", [schema]) if option.get("type") != "null"]
    value = options[0]
    nothing = " or null" if len(options) < len(schema.get("anyOf", ())) else ""
    many, inner = ("list of ", value["items"]) if value.get("type") == "array" else ("", value)
    part = inner["$ref"].rpartition("/")[2] if "$ref" in inner else None
    kinds = inner.get("type", ())
    words = part or " or ".join(_WORDS[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds)) or "events"
    return FieldLine(
        name=name,
        required=required,
        type=many + words + nothing,
        part=part,
        choices=inner.get("enum", ()),
        description=inner.get("description", ""),
    )


_WORDS = {"string": "text", "integer": "integer", "number": "number", "boolean": "boolean"}
