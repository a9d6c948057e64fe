"""Describes the live sockets to machines: an AsyncAPI 3.0 document, made of the message types and their samples.

Owns no message and no code; `bidding/protocol.py` does. The document speaks as the site does: it *receives* what
clients send, and *sends* what they hear. Imports no framework and no app, so that it can be written without a site.
"""

import inspect
from collections.abc import Collection, Iterable
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from bidding import protocol
from bidding.protocol import Namespace
from bidding.samples import Kind, samples

Document = dict[str, Any]

CHANNELS: Final[dict[str, frozenset[Namespace]]] = {
    "room": frozenset(Namespace),
    **{namespace.value: frozenset({namespace}) for namespace in Namespace},
}
"""The paths of an auction's sockets and what each carries; `room` is the path without a namespace."""

_ABOUT: Final = """
The site decides bids and tells every room what happened. A frame is text: one JSON object, or from the site also an
array of objects, each one of these messages. Clients ignore fields and types that they do not know.

The first message is STATE, or RESUMED where `since` and `epoch` were given and could be served. Every event carries
the next version `v` of its `epoch`; `from_v` to `v` is a range of events that travel as one. A gap is asked for with
RESUME. An answer carries the `id` of the message that it answers; PONG carries the `t` of its PING.

Amounts are decimal strings in the auction's currency. Times are milliseconds since the epoch on the site's clock;
their names end in `_ms`.
"""

_SECURITY: Final[Document] = {
    "session": {
        "type": "httpApiKey",
        "in": "cookie",
        "name": "sessionid",
        "description": "A browser's session. Its Origin must be the site's exactly.",
    },
    "ticket": {
        "type": "httpApiKey",
        "in": "query",
        "name": "ticket",
        "description": "A one-use ticket of `POST /api/v1/socket-tickets/`, valid for 60 seconds.",
    },
    "board": {
        "type": "httpApiKey",
        "in": "query",
        "name": "board",
        "description": "The key of an auction's board: watches by `bid` or `timer` until the host replaces it.",
    },
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An access token in the Authorization header, never in an address.",
    },
}
"""The ways to be known; nobody needs one to watch a public auction."""

_HANDSHAKE: Final[Document] = {
    "method": "GET",
    "query": {
        "type": "object",
        "properties": {
            "since": {"type": "integer", "description": "The last version that the client knows."},
            "epoch": {"type": "string", "description": "The epoch of that version."},
        },
    },
    "headers": {
        "type": "object",
        "properties": {
            "Sec-WebSocket-Protocol": {"type": "string", "enum": [protocol.SUBPROTOCOL]},
            "Origin": {"type": "string", "description": "Sent by browsers; must be the site's own."},
        },
    },
}

_FIRST: Final = (protocol.State, protocol.Resumed)
_ANSWERS: Final = frozenset(
    {protocol.Error} | {kind for answers in protocol.ANSWERS.values() for kind in answers} - set(_FIRST)
)
_SENDS: Final[dict[str, tuple[str, Collection[Kind]]]] = {
    "first": ("What a page needs to begin with, or what it missed.", _FIRST),
    "events": ("The entries of the auction's log, in order, each with the next version.", protocol.EVENTS),
    "signals": (
        "What may be lost without harm.",
        [kind for kind in protocol.SERVER_MESSAGES if kind not in {*_FIRST, *_ANSWERS, *protocol.EVENTS}],
    ),
}
"""What the site sends unasked, by kind: a summary and the messages."""


def asyncapi_document(*, title: str, url: str, session_cookie: str = "sessionid") -> Document:
    """Return the document of a site at `url` (`https://auction.example.com`)."""
    site = urlsplit(url)
    kinds: list[Kind] = [*protocol.NAMESPACE_OF, *protocol.SERVER_MESSAGES]
    security = {**_SECURITY, "session": {**_SECURITY["session"], "name": session_cookie}}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": f"{title}: the live sockets",
            "version": protocol.SUBPROTOCOL.removeprefix("auction.v"),
            "description": _ABOUT.strip(),
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "site": {
                "host": site.netloc,
                "protocol": "wss" if site.scheme == "https" else "ws",
                "description": "Watching a public auction needs none of these; what they open is one's own part.",
                "security": [_ref("components", "securitySchemes", name) for name in security],
            }
        },
        "x-max-message-bytes": protocol.MAX_MESSAGE_BYTES,
        "x-close-codes": [
            {"code": code.value, "name": code.name.lower(), "meaning": code.meaning} for code in protocol.CloseCode
        ],
        "channels": {name: _channel(name, carried) for name, carried in CHANNELS.items()},
        "operations": _operations(),
        "components": {
            "messages": {kind.__name__: _message(kind) for kind in kinds},
            "schemas": _schemas(kinds),
            "securitySchemes": security,
            "parameters": {"auction_id": {"description": "The auction's id.", "examples": ["4"]}},
            "channelBindings": {"socket": {"ws": _HANDSHAKE}},
            "correlationIds": {
                "id": {"description": "The id that the client gave.", "location": "$message.payload#/id"},
                "t": {"description": "The client's own time.", "location": "$message.payload#/t"},
            },
        },
    }


def carried_by(kinds: Iterable[Kind], carried: frozenset[Namespace]) -> list[Kind]:
    """Return those messages that travel on a socket of these namespaces."""
    return [kind for kind in kinds if namespaces_of(kind) & carried]


def namespaces_of(kind: Kind) -> frozenset[Namespace]:
    """Return the namespaces whose sockets carry a message."""
    if issubclass(kind, protocol.ServerMessage):
        return kind.namespaces
    needed = protocol.NAMESPACE_OF[kind]
    return frozenset(Namespace) if needed is None else frozenset({needed})


def answers_to(kind: type[protocol.ClientMessage], carried: frozenset[Namespace]) -> list[Kind]:
    """Return what may answer a client's message on a socket of these namespaces."""
    return carried_by([*protocol.ANSWERS[kind], protocol.Error], carried)


def prose(kind: type) -> str:
    """Return a type's documentation as one text, its paragraphs apart."""
    return inspect.cleandoc(kind.__doc__ or "")


def _channel(name: str, carried: frozenset[Namespace]) -> Document:
    heard = carried_by([*protocol.NAMESPACE_OF, *protocol.SERVER_MESSAGES], carried)
    path = "/ws/auctions/{auction_id}/"
    return {
        "address": path if name == "room" else f"{path}{name}/",
        "title": "The whole room" if name == "room" else f"Only {name}",
        "description": "Carries " + ", ".join(sorted(carried)) + ".",
        "parameters": {"auction_id": _ref("components", "parameters", "auction_id")},
        "servers": [_ref("servers", "site")],
        "messages": {kind.__name__: _ref("components", "messages", kind.__name__) for kind in heard},
        "bindings": _ref("components", "channelBindings", "socket"),
    }


def _operations() -> Document:
    operations: Document = {}
    for channel, carried in CHANNELS.items():
        for kind in protocol.NAMESPACE_OF:
            if namespaces_of(kind) & carried:
                operations[f"{channel}_{kind.__struct_config__.tag}"] = {
                    "action": "receive",
                    "channel": _ref("channels", channel),
                    "summary": _summary(kind),
                    "messages": _in_channel(channel, [kind]),
                    "reply": {
                        "channel": _ref("channels", channel),
                        "messages": _in_channel(channel, answers_to(kind, carried)),
                    },
                }
        for name, (summary, kinds) in _SENDS.items():
            operations[f"{channel}_{name}"] = {
                "action": "send",
                "channel": _ref("channels", channel),
                "summary": summary,
                "messages": _in_channel(channel, carried_by(kinds, carried)),
            }
    return operations


def _message(kind: Kind) -> Document:
    message: Document = {
        "name": kind.__struct_config__.tag,
        "summary": _summary(kind),
        "description": prose(kind),
        "tags": [{"name": namespace.value} for namespace in Namespace if namespace in namespaces_of(kind)],
        "payload": _ref("components", "schemas", kind.__name__),
        "examples": [
            {"name": sample.name, "summary": sample.summary, "payload": sample.message} for sample in samples().of(kind)
        ],
    }
    if kind in protocol.ANSWERS or kind in _ANSWERS:
        for name in ("id", "t"):
            if name in kind.__struct_fields__:
                message["correlationId"] = _ref("components", "correlationIds", name)
    return message


def _schemas(kinds: Collection[Kind]) -> Document:
    _, schemas = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    # Raw, because they travel merged; a client reads them as what they are.
    schemas["Resumed"]["properties"]["events"]["items"] = {
        "oneOf": [_ref("components", "schemas", kind.__name__) for kind in protocol.EVENTS]
    }
    for schema in schemas.values():
        schema["description"] = inspect.cleandoc(schema["description"])
    return schemas


def _in_channel(channel: str, kinds: Iterable[Kind]) -> list[Document]:
    return [_ref("channels", channel, "messages", kind.__name__) for kind in kinds]


def _summary(kind: type) -> str:
    """Return the first sentence of a type's documentation."""
    return " ".join(prose(kind).split("\n\n")[0].split()).split(". ")[0].rstrip(".") + "."


def _ref(*path: str) -> Document:
    return {"$ref": "#/" + "/".join(path)}
