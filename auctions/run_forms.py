"""A row of the run of show as a form: the fields of a lot that change most, and nothing else of it.

Owns how they are written; `LotForm` owns what they may be.
"""

from typing import Any, Final, cast

from django import forms
from django.utils.translation import gettext_lazy

from auctions.form_fields import AmountField, SecondsField
from auctions.forms import OWN, AmountInput, Control, LotForm
from auctions.models import Lot
from auctions.money import Currency
from auctions.services import LotChanges

FIELDS: Final = ("number", "title", "opening_amount", "reserve_amount", "preset", "duration")


def texts_of(lot: Lot) -> dict[str, str]:
    """Return what the fields show of a stored lot; without a form, for a list has hundreds."""
    amount = AmountField(currency=lot.auction.currency).to_text
    shown = LotForm.initial_of(lot)
    return {
        "number": lot.number,
        "title": lot.title,
        "opening_amount": amount(lot.opening_amount),
        "reserve_amount": "" if lot.reserve_amount is None else amount(lot.reserve_amount),
        "preset": shown["preset"],
        "duration": SecondsField().to_text(lot.duration_ms),
    }


class AddForm(Control):
    """The lot that comes at the end: what it is and where bidding opens; its rules are those of the one before."""

    title = forms.CharField(label=gettext_lazy("Title"), max_length=140)
    opening_amount = AmountField(label=gettext_lazy("Opening bid"), widget=AmountInput())

    def __init__(self, data: Any = None, *, currency: Currency) -> None:
        super().__init__(data)
        cast(AmountField, self.fields["opening_amount"]).currency = currency


class RowForm(LotForm):
    """What a row shows of one lot. A preset sets window, extension and cap; own rules stay as they are."""

    def __init__(self, data: Any = None, *, lot: Lot) -> None:
        super().__init__(data, currency=lot.auction.currency, offered={}, initial=LotForm.initial_of(lot))
        self.fields = {name: self.fields[name] for name in FIELDS}

    def texts(self) -> dict[str, str]:
        """Return what was typed."""
        return {name: str(self[name].value() or "") for name in FIELDS}

    def changes(self) -> LotChanges:
        """Return what was typed under the names of the services; an empty number stays what it was."""
        values = {name: self.cleaned_data[name] for name in ("title", "opening_amount", "reserve_amount")}
        if self.cleaned_data["number"]:
            values["number"] = self.cleaned_data["number"].strip()
        timing = self.timing
        values["duration_ms"] = timing.duration_ms
        if self.cleaned_data["preset"] != OWN:
            values |= {
                "window_ms": timing.window_ms,
                "extension_ms": timing.extension_ms,
                "extension_mode": timing.extension_mode,
                "extension_cap": timing.extension_cap,
            }
        return cast(LotChanges, values)
