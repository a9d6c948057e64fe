"""Lots as a table of text (CSV): one format that is read, checked line by line, and written.

Owns the columns and how a value is written in them. Reading saves nothing: it returns lots as the services take them,
and for each line that is wrong where and why. Amounts are decimals with a point in the auction's currency, whatever
language the reader speaks, so that one file means one thing; where a file is parted by semicolons, as spreadsheets with
a decimal comma write it, the comma is the mark.
"""

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import IO, Any, Final, cast

from django import forms
from django.utils.translation import gettext as _

from auctions.errors import Refused
from auctions.form_fields import AmountField
from auctions.forms import OWN, LotForm, field_of
from auctions.models import Auction, Category, Consignor, Lot
from auctions.money import format_amount, parse_amount
from auctions.rules import INCREMENT_PRESETS
from auctions.selectors import shipping_profiles, tax_rules
from auctions.services import MAX_LOTS, check_lot, lot_of

MAX_BYTES: Final = 1024 * 1024
"""Two thousand lots with a paragraph each."""

COLUMNS: Final = {
    "number": "number",
    "title": "title",
    "description": "description",
    "condition": "condition",
    "category": "category",
    "quantity": "quantity",
    "opening_bid": "opening_amount",
    "reserve": "reserve_amount",
    "buy_now": "buy_now_amount",
    "cap": "cap_amount",
    "estimate_low": "estimate_low",
    "estimate_high": "estimate_high",
    "steps": "steps",
    "ends": "preset",
    "seconds": "duration",
    "window": "window",
    "extension": "extension",
    "extension_mode": "extension_mode",
    "extensions": "extension_cap",
    "tax": "tax_rule",
    "delivery": "shipping",
    "consignor": "consignor",
}
"""The columns by name, and the field of the form that reads each. Only these two are needed:"""
NEEDED: Final = ("title", "opening_bid")
_COLUMN_OF: Final = {name: column for column, name in COLUMNS.items()} | {
    "increments": "steps",
    "own_increments": "steps",
}
_OWN_RULES: Final = ("window", "extension", "extension_mode", "extensions")
# What a spreadsheet takes for a formula, also in its wide form; it leaves out an apostrophe in front.
_FORMULA: Final = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")  # noqa: RUF001


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in one line; `column` is empty where it is the line as a whole."""

    line: int
    column: str
    value: str
    why: str


@dataclass(slots=True)
class Reading:
    """What a file says: the lots of its right lines, and what is wrong with the others."""

    text: str
    among: int
    """How many lots the auction had when the file was read."""
    lots: list[Lot] = field(default_factory=list)
    """Unsaved; a number that was left empty is given when they are."""
    problems: list[Problem] = field(default_factory=list)

    @property
    def wrong_lines(self) -> int:
        """How many lines have something wrong."""
        return len({problem.line for problem in self.problems})

    @property
    def digest(self) -> str:
        """Names what was shown of the file, so that nothing else is imported."""
        return hashlib.sha256(repr((self.text, self.among, self.problems)).encode()).hexdigest()


class _PlainAmount(AmountField):
    """An amount by the one grammar of `auctions.money`."""

    def to_python(self, value: Any) -> int | None:
        text = str(value or "")
        if not text:
            return None
        minor = parse_amount(text, self.currency.exponent)
        if minor is None:
            example = format_amount(125 * 10**self.currency.exponent, self.currency.exponent)
            raise forms.ValidationError(
                _("Write an amount in %(currency)s above 0, like %(example)s, without thousands separators."),
                params={"currency": self.currency.code, "example": example},
                code="bad_amount",
            )
        return minor


class _Named(forms.Field):
    """A row that the house has, by its name."""

    def __init__(self) -> None:
        super().__init__(required=False)
        self.rows: dict[str, Any] = {}

    def to_python(self, value: Any) -> Any:
        text = str(value or "")
        if text and text not in self.rows:
            raise forms.ValidationError(_("There is none of this name."), code="unknown_choice")
        return self.rows.get(text)


class _Line(LotForm):
    """One line of a file."""

    AMOUNTS = (*LotForm.AMOUNTS, "cap_amount")

    opening_amount = _PlainAmount()
    reserve_amount = _PlainAmount(required=False)
    buy_now_amount = _PlainAmount(required=False)
    cap_amount = _PlainAmount(required=False)
    estimate_low = _PlainAmount(required=False)
    estimate_high = _PlainAmount(required=False)
    quantity = forms.IntegerField(required=False, min_value=1, max_value=1_000_000)
    tax_rule = _Named()  # type: ignore[assignment]
    shipping = _Named()  # type: ignore[assignment]
    category = _Named()
    consignor = _Named()

    def __init__(self, data: dict[str, str], *, auction: Auction, named: dict[str, dict[str, Any]]) -> None:
        super().__init__(data, currency=auction.currency, offered={})
        for name, rows in named.items():
            cast(_Named, self.fields[name]).rows = rows

    def values(self) -> dict[str, Any]:
        names = ("quantity", "category", "consignor")
        return super().values() | {name: self.cleaned_data[name] for name in names}


def decode(upload: IO[bytes], size: int) -> str:
    """Return a file's text, or raise Refused where it is too long or no text in UTF-8."""
    if size > MAX_BYTES:
        text = _("The file is larger than %(most)d MB. Import it in several parts.")
        raise Refused("too_large", text % {"most": MAX_BYTES // 1024 // 1024}, field="file")
    try:
        return upload.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused("not_utf8", _("The file is not in UTF-8. Save it as “CSV UTF-8”."), field="file") from None


def read_lots(text: str, auction: Auction) -> Reading:
    """Read a file for an auction, and check every line as if it were saved.

    Raises Refused where it is no such table at all.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if len(text.encode()) > MAX_BYTES:
        raise Refused("too_large", _("This is too long. Import it in several parts."), field="file")
    if "\0" in text:
        raise Refused("not_utf8", _("The file is not in UTF-8. Save it as “CSV UTF-8”."), field="file")
    reading = Reading(text, auction.lots.count())
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    rows = _rows(text, delimiter)
    header = _header(next(rows, (1, []))[1])
    taken = dict.fromkeys(auction.lots.values_list("number", flat=True), 0)
    room = MAX_LOTS - reading.among
    named = _named(auction)
    for line, cells in rows:
        if not any(cells):
            continue
        problems = list(_problems(line, cells, header))
        if not problems:
            values = dict(zip(header, cells, strict=False))
            if delimiter == ";":
                values |= {name: values[name].replace(",", ".") for name in values.keys() & _MONEY}
            problems = list(_read(reading, line, values, auction, named, taken))
        reading.problems += problems
    if len(reading.lots) > room:
        text = _("An auction has at most %(most)s lots; there is room for %(room)d more.")
        raise Refused("too_many_lots", text % {"most": MAX_LOTS, "room": max(room, 0)}, field="file")
    if not reading.lots and not reading.problems:
        raise Refused("empty", _("There is no lot in the file."), field="file")
    return reading


def write_lots(lots: Iterable[Lot]) -> str:
    """Write lots as `read_lots` reads them; no cell is a formula to a spreadsheet."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for lot in lots:
        values = _written(lot)
        writer.writerow([_safe(values[column]) for column in COLUMNS])
    return out.getvalue()


_MONEY: Final = {column for column, name in COLUMNS.items() if name in _Line.AMOUNTS}


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the cells of each line under the number of the line that it begins in."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begins = 1
    try:
        for cells in reader:
            yield begins, [_unsafe(cell.strip()) for cell in cells]
            begins = reader.line_num + 1
    except csv.Error:
        why = _("From line %(line)d on this is no table: look for a quotation mark that is not closed.")
        raise Refused("bad_csv", why % {"line": begins}, field="file") from None


def _header(cells: list[str]) -> list[str]:
    names = [cell.lower() for cell in cells]
    while names and not names[-1]:
        names.pop()
    missing = [name for name in NEEDED if name not in names]
    if missing:
        why = _("The first line names the columns. It lacks: %(names)s.")
        raise Refused("bad_header", why % {"names": ", ".join(missing)}, field="file")
    unknown = [cell[:40] for cell, name in zip(cells, names, strict=False) if name not in COLUMNS]
    if unknown:
        why = _("The first line names columns that do not exist: %(names)s.")
        raise Refused("bad_header", why % {"names": ", ".join(unknown)}, field="file")
    if len(set(names)) < len(names):
        raise Refused("bad_header", _("The first line names a column twice."), field="file")
    return names


def _named(auction: Auction) -> dict[str, dict[str, Any]]:
    house = auction.organizer
    return {
        "tax_rule": {row.name: row for row in tax_rules(house)},
        "shipping": {row.name: row for row in shipping_profiles(house)},
        "consignor": {row.name: row for row in Consignor.objects.filter(organizer=house)},
        "category": {row.slug: row for row in Category.objects.all()},
    }


def _problems(line: int, cells: list[str], header: list[str]) -> Iterator[Problem]:
    """Yield what is wrong with a line before it is read."""
    if any(cells[len(header) :]):
        yield Problem(
            line, "", "", _("There are more cells than columns: is a comma in a text without quotation marks?")
        )
        return
    values = dict(zip(header, cells, strict=False))
    if values.get("ends") not in (None, "", OWN):
        for column in _OWN_RULES:
            if values.get(column):
                yield Problem(line, column, values[column], _("Only with “own” in the column ends."))


def _read(
    reading: Reading,
    line: int,
    values: dict[str, str],
    auction: Auction,
    named: dict[str, dict[str, Any]],
    taken: dict[str, int],
) -> Iterator[Problem]:
    """Read one line into the lots, or yield what is wrong; `taken` has each number's line, 0 for a stored lot."""

    def problem(name: str, why: str) -> Problem:
        column = _COLUMN_OF.get(name, "")
        return Problem(line, column, values.get(column, "")[:60], why)

    form = _Line(_typed(values), auction=auction, named=named)
    if not form.is_valid():
        for name, found in form.errors.items():
            yield problem(name, str(found[0]))
        return
    spec = form.spec()
    if spec.number in taken and spec.number:
        other = taken[spec.number]
        why = _("Line %(line)d has this number, too.") % {"line": other} if other else _("A lot has this number.")
        yield problem("number", why)
        return
    lot = lot_of(auction, spec, position=0)
    try:
        check_lot(lot)
    except Refused as refused:
        yield problem(field_of(refused), refused.message)
        return
    taken[spec.number] = line
    reading.lots.append(lot)


def _typed(values: dict[str, str]) -> dict[str, str]:
    """Return a line as the form takes it."""
    typed = {COLUMNS[column]: value for column, value in values.items()}
    steps = typed.pop("steps", "")
    has_own = any(values.get(column) for column in _OWN_RULES)
    typed["preset"] = typed.get("preset") or (OWN if has_own else "classic")
    typed["duration"] = typed.get("duration") or "60"
    typed["quantity"] = typed.get("quantity") or "1"
    if not steps or steps in INCREMENT_PRESETS:
        return typed | {"increments": steps or "auction_house"}
    return typed | {"increments": OWN, "own_increments": steps}


def _written(lot: Lot) -> dict[str, str]:
    currency = lot.auction.currency
    shown = LotForm.initial_of(lot)
    own = shown["preset"] == OWN
    amounts = {
        column: "" if (minor := getattr(lot, COLUMNS[column])) is None else format_amount(minor, currency.exponent)
        for column in _MONEY
    }
    return amounts | {
        "number": lot.number,
        "title": lot.title,
        "description": lot.description.replace("\r\n", "\n"),
        "condition": lot.condition,
        "category": lot.category.slug if lot.category else "",
        "quantity": str(lot.quantity),
        "steps": shown["own_increments"] or shown["increments"],
        "ends": shown["preset"],
        "seconds": _seconds(lot.duration_ms),
        "window": _seconds(lot.window_ms) if own else "",
        "extension": _seconds(lot.extension_ms) if own else "",
        "extension_mode": lot.extension_mode if own else "",
        "extensions": str(lot.extension_cap) if own else "",
        "tax": lot.tax_rule.name if lot.tax_rule else "",
        "delivery": lot.shipping.name if lot.shipping else "",
        "consignor": lot.consignor.name if lot.consignor else "",
    }


def _seconds(ms: int) -> str:
    return format_amount(ms, 3).rstrip("0").rstrip(".")


def _safe(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _unsafe(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
