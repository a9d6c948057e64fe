"""The samples: at least one of every message of `bidding/protocol.py`, as it travels.

Owns reading `samples.json`, the one set that the documentation, the AsyncAPI document, the tests of the page's modules
and those of the Python client all use. A new message is two entries: its type there, its sample here. Imports no
framework and no app.
"""

from functools import cache
from pathlib import Path
from textwrap import dedent
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from bidding import protocol

PATH: Final = Path(__file__).with_name("samples.json")
Kind = type[protocol.ClientMessage] | type[protocol.ServerMessage]


class Sample(Struct, frozen=True, forbid_unknown_fields=True):
    """One message; `name` is unique among those of its type."""

    name: str
    summary: str
    payload: Raw

    @property
    def type(self) -> str:
        """The message's `type`."""
        return str(self.message["type"])

    @property
    def message(self) -> dict[str, Any]:
        """The message as plain values."""
        values: dict[str, Any] = msgspec.json.decode(self.payload)
        return values

    @property
    def text(self) -> str:
        """The message as the file has it, line by line."""
        first, newline, rest = bytes(self.payload).decode().partition("\n")
        return first + newline + dedent(rest)


class Samples(Struct, frozen=True, forbid_unknown_fields=True):
    """Those of clients and those of the server: CHAT is a type of both."""

    client: list[Sample]
    server: list[Sample]

    def of(self, kind: Kind) -> list[Sample]:
        """Return the samples of one message type."""
        side = self.client if issubclass(kind, protocol.ClientMessage) else self.server
        return [sample for sample in side if sample.type == kind.__struct_config__.tag]


@cache
def samples() -> Samples:
    """Return all samples, in the order of the file."""
    return msgspec.json.decode(PATH.read_bytes(), type=Samples)
