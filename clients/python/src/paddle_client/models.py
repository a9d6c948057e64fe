"""What the REST interface tells, typed. Fields that a server adds are ignored; `raw` keeps everything."""

from typing import Any, Self

import msgspec


class _Model(msgspec.Struct, frozen=True, kw_only=True):
    """A thing of the REST interface."""

    raw: dict[str, Any] = {}

    @classmethod
    def parse(cls, value: dict[str, Any]) -> Self:
        """Return the thing that plain values describe; raises msgspec.ValidationError where one does not fit."""
        return msgspec.convert({**value, "raw": value}, cls, strict=False)


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """How a lot ended. The amount is None unless it was sold; `provisional` until the next lot opens."""

    result: str
    reason: str = ""
    amount: str | None = None
    paddle: int | None = None
    provisional: bool = False


class Lot(_Model, frozen=True, kw_only=True):
    """A lot of the catalogue."""

    id: int
    number: str
    title: str
    status: str
    opening_amount: str
    estimate_low: str | None = None
    estimate_high: str | None = None
    has_reserve: bool = False
    result: Result | None = None


class Auction(_Model, frozen=True, kw_only=True):
    """An auction. A list may leave out its lots."""

    id: int
    title: str
    status: str
    currency: str
    slug: str = ""
    lots: tuple[Lot, ...] = ()

    @classmethod
    def parse(cls, value: dict[str, Any]) -> Self:
        """Return the auction that plain values describe, its lots with their own `raw`."""
        auction = super().parse({**value, "lots": ()})
        lots = tuple(Lot.parse(lot) for lot in value.get("lots") or ())
        return msgspec.structs.replace(auction, lots=lots, raw=value)


class Registration(_Model, frozen=True, kw_only=True):
    """The right to bid in one auction, under a public paddle number."""

    paddle: int
    status: str
