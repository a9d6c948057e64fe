"""Form fields for what is stored in small units: amounts, seconds, increments.

People write decimals in the auction's currency; the cleaned value is what the models keep. What the values may be
together is decided by the services.
"""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from auctions.errors import Refused
from auctions.money import CURRENCIES, Currency, format_amount, parse_amount
from auctions.presenting import decimal_mark, typed_amount
from auctions.rules import parse_increments, write_increments


class _ConvertedField(forms.Field):
    """A text field whose stored value differs from what is written."""

    def to_text(self, value: Any) -> str:
        """Write a stored value."""
        raise NotImplementedError

    def prepare_value(self, value: Any) -> Any:
        """Show a stored value as it is written, and what was typed as it was typed."""
        return value if value is None or isinstance(value, str) else self.to_text(value)

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare the values, so that "10" and "10.00" are the same."""
        if self.disabled:
            return False
        try:
            return bool((self.to_python(data) or None) != (initial or None))
        except forms.ValidationError:
            return True


class AmountField(_ConvertedField):
    """An amount as a decimal in a currency; the value is minor units, or None."""

    def __init__(self, *, currency: Currency = CURRENCIES["EUR"], **options: Any) -> None:
        self.currency = currency
        super().__init__(**options)

    def to_python(self, value: Any) -> int | None:
        """Read a decimal, or say how it is written."""
        text = str(value or "").strip()
        if not text:
            return None
        minor = parse_amount(typed_amount(text, self.currency), self.currency.exponent)
        if minor is None:
            example = self.to_text(125 * 10**self.currency.exponent)
            raise forms.ValidationError(
                _("Write an amount in %(currency)s above 0, like %(example)s, without thousands separators."),
                params={"currency": self.currency.code, "example": example},
                code="bad_amount",
            )
        return minor

    def to_text(self, value: Any) -> str:
        """Write minor units as a decimal."""
        return format_amount(value, self.currency.exponent).replace(".", decimal_mark())


class SecondsField(_ConvertedField):
    """A time in seconds, with tenths where wanted; the value is milliseconds."""

    def to_python(self, value: Any) -> int | None:
        """Read seconds, or say how they are written."""
        text = str(value if value is not None else "").strip()
        if not text:
            return None
        text = text.replace(",", ".")
        if text.strip("0") in {"", "."}:
            return 0
        ms = parse_amount(text, 3)
        if ms is None:
            raise forms.ValidationError(_("Write seconds, like 60 or 7.5."), code="bad_seconds")
        return ms

    def to_text(self, value: Any) -> str:
        """Write milliseconds as seconds."""
        return f"{value / 1000:g}".replace(".", decimal_mark()) if value < 10**8 else str(value // 1000)


class IncrementsField(_ConvertedField):
    """Steps by price, written as `0: 5, 100: 10` in a currency; the value is the table in minor units."""

    widget = forms.Textarea

    def __init__(self, *, currency: Currency = CURRENCIES["EUR"], **options: Any) -> None:
        self.currency = currency
        super().__init__(**options)

    def to_python(self, value: Any) -> list[list[int]] | None:
        """Read a table, or say which step is wrong."""
        text = str(value or "").strip()
        if not text:
            return None
        try:
            return parse_increments(text, self.currency)
        except Refused as refused:
            raise forms.ValidationError(refused.message, code=refused.code) from None

    def to_text(self, value: Any) -> str:
        """Write a table as it is read."""
        return write_increments(value, self.currency)
