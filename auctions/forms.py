"""What a host types to create or change an auction with its lots, as one sheet.

Owns how amounts, percentages, spans and times are written in the form, and which of its fields a refusal of a service
belongs to. The rules themselves are in the services; nothing typed is ever lost by an error.
"""

import zoneinfo
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, cast

from django import forms
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Organizer, User
from auctions import services
from auctions.errors import Refused
from auctions.form_fields import AmountField, SecondsField
from auctions.models import (
    Auction,
    AuctionStatus,
    EntryRequirement,
    ExtensionMode,
    Lot,
    LotStatus,
    ShippingProfile,
    TaxRule,
    Visibility,
    default_lost_pause_s,
)
from auctions.money import CURRENCIES, Currency
from auctions.rules import (
    INCREMENT_PRESETS,
    PRESETS,
    Increments,
    Timing,
    parse_increments,
    preset_increments,
    write_increments,
)
from auctions.selectors import shipping_profiles, tax_rules

MAX_LOTS_A_FORM: Final = 200
"""The settings let a request have as many fields and files as this takes."""
OWN: Final = "own"
_TIMING_FIELDS: Final = {
    "duration_ms": "duration",
    "window_ms": "window",
    "extension_ms": "extension",
    "extension_mode": "extension_mode",
    "extension_cap": "extension_cap",
    "increments": "own_increments",
    "shipping": "shipping",
    "file": "picture",
}
_AUCTION_FIELDS: Final = {"buyer_premium_bp": "premium", "gap_ms": "gap"}


class Control(forms.Form):
    """A form whose controls say by themselves whether they are wrong and what describes them."""

    required_css_class = "is-required"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)

    def refuse(self, name: str, message: str) -> None:
        """Put a refusal at its field, or at the form where the field is not shown."""
        self.add_error(name if name in self.fields else None, message)


class AmountInput(forms.TextInput):
    """A text field for an amount: digits, never a browser's number field, which rounds and speaks in commas."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"inputmode": "decimal", "autocomplete": "off", "maxlength": 20, **(attrs or {})})


class AuctionForm(Control):
    """The show itself."""

    title = forms.CharField(label=gettext_lazy("Title"), max_length=120)
    description = forms.CharField(
        label=gettext_lazy("Description"),
        required=False,
        max_length=5_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("What kind of things, where from, and what people should know."),
    )
    cover = forms.FileField(
        label=gettext_lazy("Cover picture"),
        required=False,
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp"}),
        help_text=gettext_lazy("JPEG, PNG or WebP, up to 15 MB. Optional."),
    )
    visibility = forms.ChoiceField(
        label=gettext_lazy("Who can see it"), choices=Visibility.choices, initial=Visibility.PUBLIC
    )
    entry = forms.ChoiceField(
        label=gettext_lazy("To get a paddle"), choices=EntryRequirement.choices, initial=EntryRequirement.NONE
    )
    new_bidder_limit = AmountField(
        label=gettext_lazy("Limit of new bidders"),
        required=False,
        widget=AmountInput(),
        help_text=gettext_lazy("What an account that is new here may spend at most. Empty: no limit."),
    )
    most_strikes = forms.IntegerField(
        label=gettext_lazy("Strikes that close the door"),
        required=False,
        min_value=1,
        max_value=99,
        help_text=gettext_lazy("Who has so many gets no paddle. Empty: everybody does."),
    )
    currency_code = forms.ChoiceField(
        label=gettext_lazy("Currency"), choices=[(code, code) for code in CURRENCIES], initial="EUR"
    )
    premium = forms.RegexField(
        label=gettext_lazy("Buyer's premium, %"),
        regex=r"^(100|[0-9]{1,2})([.,][0-9]{1,2})?$",
        initial="0",
        widget=AmountInput(),
        error_messages={"invalid": gettext_lazy("Write a percentage from 0 to 100, like 20 or 12.5.")},
        help_text=gettext_lazy("Added to the hammer price, and shown on the bid button."),
    )
    time_zone = forms.CharField(
        label=gettext_lazy("Time zone"),
        max_length=64,
        initial="UTC",
        widget=forms.TextInput(attrs={"list": "time-zones", "autocomplete": "off"}),
        help_text=gettext_lazy("As in Europe/Berlin."),
    )
    starts_at = forms.DateTimeField(
        label=gettext_lazy("Starts"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
        help_text=gettext_lazy("In that time zone. Leave it empty if you do not know yet."),
    )
    auto_start = forms.BooleanField(label=gettext_lazy("Go live by itself at that time"), required=False)
    auto_advance = forms.BooleanField(label=gettext_lazy("Open the next lot by itself"), required=False, initial=True)
    gap = SecondsField(
        label=gettext_lazy("Pause between lots, seconds"),
        initial=8_000,
        widget=AmountInput(),
        help_text=gettext_lazy("So long a result is shown."),
    )
    lost_pause_s = forms.IntegerField(
        label=gettext_lazy("Pause the lot when the picture is lost for, seconds"),
        required=False,
        min_value=0,
        initial=default_lost_pause_s,
        help_text=gettext_lazy(
            "Only where a picture was sent before. You resume it, with its time restored. 0: never."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(AmountField, self.fields["new_bidder_limit"]).currency = self.currency

    def clean_title(self) -> str:
        """Refuse a title of spaces."""
        title: str = self.cleaned_data["title"].strip()
        if not title:
            raise forms.ValidationError(_("Give the auction a title."), code="required")
        return title

    def clean_time_zone(self) -> str:
        """Refuse what is not an IANA time zone."""
        name: str = self.cleaned_data["time_zone"].strip()
        if name not in zoneinfo.available_timezones():
            raise forms.ValidationError(_("This is not a time zone like Europe/Berlin."), code="invalid")
        return name

    def clean_premium(self) -> int:
        """Return the premium in basis points."""
        whole, _point, rest = self.cleaned_data["premium"].replace(",", ".").partition(".")
        points = int(whole) * 100 + int(rest.ljust(2, "0") or 0)
        if points > 10_000:
            raise forms.ValidationError(_("Write a percentage from 0 to 100, like 20 or 12.5."), code="invalid")
        return points

    def clean(self) -> dict[str, Any]:
        """Read the start in the auction's own time zone."""
        values = super().clean() or self.cleaned_data
        starts, zone = values.get("starts_at"), values.get("time_zone")
        if starts is not None and not 2000 <= starts.year <= 2100:
            # Beyond, another time zone can leave the years that a computer knows.
            self.add_error("starts_at", _("Choose a date between 2000 and 2100."))
        elif starts is not None and zone:
            # The field made it aware in the site's zone; the host meant the wall clock of the auction's.
            wall = timezone.make_naive(starts, timezone.get_current_timezone())
            values["starts_at"] = wall.replace(tzinfo=zoneinfo.ZoneInfo(zone))
        return values

    @property
    def currency(self) -> Currency:
        """The currency that the amounts of the lots are written in, as far as it was given."""
        typed = self.is_bound and not self.fields["currency_code"].disabled
        code = self.data.get(self.add_prefix("currency_code")) if typed else self.initial.get("currency_code")
        return CURRENCIES.get(str(code), CURRENCIES["EUR"])

    def values(self) -> dict[str, Any]:
        """Return the cleaned values under the names of the services."""
        values = {name: value for name, value in self.cleaned_data.items() if name not in {"premium", "gap", "cover"}}
        return values | {
            "buyer_premium_bp": self.cleaned_data["premium"],
            "gap_ms": self.cleaned_data["gap"],
            "lost_pause_s": self.cleaned_data["lost_pause_s"] or 0,
        }

    @classmethod
    def usual_of(cls, organizer: Organizer) -> dict[str, Any]:
        """Return what a new show of a house begins with: what is alike from show to show, as it was in the last one."""
        last = Auction.objects.filter(organizer=organizer, is_rehearsal=False).order_by("-created_at", "-pk").first()
        own = {"title", "description", "starts_at", "auto_start"}
        return {} if last is None else {name: value for name, value in cls.initial_of(last).items() if name not in own}

    @classmethod
    def initial_of(cls, auction: Auction) -> dict[str, Any]:
        """Return what the form shows of a stored auction."""
        whole, rest = divmod(auction.buyer_premium_bp, 100)
        starts: datetime | None = auction.starts_at
        return {
            "title": auction.title,
            "description": auction.description,
            "visibility": auction.visibility,
            "entry": auction.entry,
            "new_bidder_limit": auction.new_bidder_limit,
            "most_strikes": auction.most_strikes,
            "currency_code": auction.currency_code,
            "premium": f"{whole}.{rest:02d}".rstrip("0").rstrip("."),
            "time_zone": auction.time_zone,
            "starts_at": starts and timezone.make_naive(starts, zoneinfo.ZoneInfo(auction.time_zone)),
            "auto_start": auction.auto_start,
            "auto_advance": auction.auto_advance,
            "gap": auction.gap_ms,
            "lost_pause_s": auction.lost_pause_s,
        }


def _optional_amount(label: Any, help_text: Any = "") -> AmountField:
    return AmountField(label=label, required=False, widget=AmountInput(), help_text=help_text)


def _optional_seconds(label: Any, initial_ms: int) -> SecondsField:
    return SecondsField(label=label, required=False, initial=initial_ms, widget=AmountInput())


def _optional_choice(label: Any) -> forms.TypedChoiceField:
    return forms.TypedChoiceField(label=label, required=False, empty_value=None)


Offered = Mapping[str, Sequence[TaxRule] | Sequence[ShippingProfile]]
"""What the lots of a sheet may choose from, by field: read once for all of them."""


class LotForm(Control):
    """One lot. Amounts are written as decimals in the auction's currency, times as seconds."""

    id = forms.IntegerField(required=False, widget=forms.HiddenInput)
    number = forms.CharField(
        label=gettext_lazy("Number"),
        required=False,
        max_length=8,
        help_text=gettext_lazy("Like 12 or 12A. Empty takes the next one."),
    )
    title = forms.CharField(label=gettext_lazy("Title"), max_length=140)
    description = forms.CharField(
        label=gettext_lazy("Description"), required=False, max_length=5_000, widget=forms.Textarea(attrs={"rows": 3})
    )
    condition = forms.CharField(label=gettext_lazy("Condition"), required=False, max_length=140)
    picture = forms.FileField(
        label=gettext_lazy("Picture"),
        required=False,
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp"}),
        help_text=gettext_lazy("JPEG, PNG or WebP, up to 15 MB. Optional."),
    )
    alt = forms.CharField(
        label=gettext_lazy("What the picture shows"),
        required=False,
        max_length=200,
        help_text=gettext_lazy("For people who cannot see it."),
    )
    opening_amount = AmountField(label=gettext_lazy("Opening bid"), widget=AmountInput())
    reserve_amount = _optional_amount(
        gettext_lazy("Reserve"), gettext_lazy("Below it the lot is not sold. Kept secret.")
    )
    buy_now_amount = _optional_amount(gettext_lazy("Buy-now price"))
    estimate_low = _optional_amount(gettext_lazy("Estimate, from"))
    estimate_high = _optional_amount(gettext_lazy("Estimate, to"))
    increments = forms.ChoiceField(
        label=gettext_lazy("Steps"),
        choices=[*INCREMENT_PRESETS.items(), (OWN, gettext_lazy("Own steps, written below"))],
        initial="auction_house",
    )
    own_increments = forms.CharField(
        label=gettext_lazy("Own steps"),
        required=False,
        max_length=600,
        help_text=gettext_lazy("Price: step, like 0: 5, 100: 10."),
    )
    preset = forms.ChoiceField(
        label=gettext_lazy("How it ends"),
        choices=[*((preset.key, preset.label) for preset in PRESETS.values()), (OWN, gettext_lazy("Own rules"))],
        initial="classic",
        widget=forms.RadioSelect,
    )
    duration = SecondsField(label=gettext_lazy("Duration, seconds"), initial=60_000, widget=AmountInput())
    window = _optional_seconds(gettext_lazy("A bid in the last … seconds"), 30_000)
    extension = _optional_seconds(gettext_lazy("adds … seconds"), 30_000)
    extension_mode = forms.ChoiceField(
        label=gettext_lazy("An extension"),
        choices=ExtensionMode.choices,
        initial=ExtensionMode.ADD,
        required=False,
    )
    extension_cap = forms.IntegerField(
        label=gettext_lazy("At most … times"), min_value=0, max_value=1_000, initial=20, required=False
    )
    tax_rule = _optional_choice(gettext_lazy("Tax"))
    shipping = _optional_choice(gettext_lazy("Delivery"))

    AMOUNTS: tuple[str, ...] = ("opening_amount", "reserve_amount", "buy_now_amount", "estimate_low", "estimate_high")

    def __init__(self, *args: Any, currency: Currency, offered: Offered, **kwargs: Any) -> None:
        self.currency = currency
        super().__init__(*args, **kwargs)
        for name in self.AMOUNTS:
            cast(AmountField, self.fields[name]).currency = currency
        for name, rows in offered.items():
            if not rows:
                del self.fields[name]
                continue
            by_key = {str(row.pk): row for row in rows}
            field = cast(forms.TypedChoiceField, self.fields[name])
            field.choices = [("", "–"), *((key, str(row)) for key, row in by_key.items())]  # noqa: RUF001
            field.coerce = by_key.__getitem__

    @cached_property
    def is_locked(self) -> bool:
        """Whether the lot was opened, so that its rules are frozen."""
        return bool(self.initial.get("locked"))

    @property
    def has_more(self) -> bool:
        """Whether one of the fields that are folded away holds something or is wrong."""
        names = (
            "number",
            "condition",
            "reserve_amount",
            "buy_now_amount",
            "estimate_low",
            "estimate_high",
            "own_increments",
        )
        return any(self[name].value() or (self.is_bound and self[name].errors) for name in names)

    def clean_title(self) -> str:
        """Refuse a title of spaces."""
        title: str = self.cleaned_data["title"].strip()
        if not title:
            raise forms.ValidationError(_("Give the lot a title."), code="required")
        return title

    def clean(self) -> dict[str, Any]:
        """Read steps in the auction's currency."""
        values = super().clean() or self.cleaned_data
        if values.get("increments") == OWN:
            try:
                values["steps"] = parse_increments(values.get("own_increments") or "", self.currency)
            except Refused as refused:
                self.add_error("own_increments", refused.message)
        elif values.get("increments"):
            values["steps"] = preset_increments(values["increments"], self.currency)
        return values

    @property
    def timing(self) -> Timing:
        """The chosen timing; a preset's with the duration that was typed."""
        values = self.cleaned_data
        preset = PRESETS.get(values.get("preset") or "")
        base = preset.timing if preset else Timing()
        duration = values["duration"]
        if preset is not None:
            return Timing(duration, base.window_ms, base.extension_ms, base.extension_mode, base.extension_cap)
        return Timing(
            duration_ms=duration,
            window_ms=values.get("window") or 0,
            extension_ms=values.get("extension") or 0,
            extension_mode=ExtensionMode(values.get("extension_mode") or ExtensionMode.ADD),
            extension_cap=values.get("extension_cap") or 0,
        )

    def values(self) -> dict[str, Any]:
        """Return the cleaned values under the names of the services, without timing and steps."""
        names = ("title", "number", "description", "condition", *self.AMOUNTS)
        values = {name: self.cleaned_data[name] for name in names}
        for name in ("tax_rule", "shipping"):
            if name in self.fields:
                values[name] = self.cleaned_data.get(name)
        return values

    def spec(self) -> services.LotSpec:
        """Return the lot as the services take a new one."""
        steps: Increments = self.cleaned_data["steps"]
        return services.LotSpec(**self.values(), increments=steps, timing=self.timing)

    def changes(self) -> services.LotChanges:
        """Return the lot as the services take a changed one."""
        timing = self.timing
        changes: dict[str, Any] = self.values() | {
            "increments": self.cleaned_data["steps"],
            "duration_ms": timing.duration_ms,
            "window_ms": timing.window_ms,
            "extension_ms": timing.extension_ms,
            "extension_mode": timing.extension_mode,
            "extension_cap": timing.extension_cap,
        }
        if not changes["number"]:
            del changes["number"]
        return cast(services.LotChanges, changes)

    @classmethod
    def initial_of(cls, lot: Lot) -> dict[str, Any]:
        """Return what the form shows of a stored lot."""
        currency = lot.auction.currency
        timing = Timing(
            lot.duration_ms, lot.window_ms, lot.extension_ms, ExtensionMode(lot.extension_mode), lot.extension_cap
        )
        named = [key for key in INCREMENT_PRESETS if preset_increments(key, currency) == lot.increments]
        preset = [
            key
            for key, preset in PRESETS.items()
            if (preset.timing.window_ms, preset.timing.extension_ms, preset.timing.extension_mode)
            == (timing.window_ms, timing.extension_ms, timing.extension_mode)
            and preset.timing.extension_cap == timing.extension_cap
        ]
        initial: dict[str, Any] = {
            "id": lot.pk,
            "locked": lot.status != LotStatus.PENDING,
            "number": lot.number,
            "title": lot.title,
            "description": lot.description,
            "condition": lot.condition,
            "tax_rule": lot.tax_rule_id,
            "shipping": lot.shipping_id,
            "increments": named[0] if named else OWN,
            "own_increments": "" if named else write_increments(lot.increments, currency),
            "preset": preset[0] if preset else OWN,
            "duration": lot.duration_ms,
            "window": lot.window_ms,
            "extension": lot.extension_ms,
            "extension_mode": lot.extension_mode,
            "extension_cap": lot.extension_cap,
        }
        return initial | {name: getattr(lot, name) for name in cls.AMOUNTS}


class AuctionSheet:
    """The auction and its lots as one form: what the host sees, checks and saves in one go.

    `add_lot` and `remove_lot` are ordinary submit buttons, so that the sheet grows and shrinks without JavaScript.
    `shown` names the stored lots that the page was made with. A show of more lots than a sheet takes has them in the
    run of show alone.
    """

    def __init__(
        self,
        request: HttpRequest,
        *,
        actor: User,
        organizer: Organizer,
        auction: Auction | None = None,
        lots: list[Lot] | None = None,
    ) -> None:
        self.actor, self.organizer, self.auction = actor, organizer, auction
        self.has_lots = len(lots or []) <= MAX_LOTS_A_FORM
        self.lots = {lot.pk: lot for lot in lots or []} if self.has_lots else {}
        self.shown = [str(pk) for pk in self.lots]
        self._offered: Offered = {
            "tax_rule": list(tax_rules(organizer)),
            "shipping": list(shipping_profiles(organizer)),
        }
        data = request.POST if request.method == "POST" else None
        files = request.FILES if request.method == "POST" else None
        initial = AuctionForm.initial_of(auction) if auction else AuctionForm.usual_of(organizer)
        self.form = AuctionForm(data, files, initial=initial)
        if auction is not None and auction.status != AuctionStatus.DRAFT:
            for name in ("currency_code", "premium"):
                self.form.fields[name].disabled = True
        self.lot_forms: list[LotForm] = []
        self._error: str | None = None
        if not self.has_lots:
            return
        if data is None:
            initials = [LotForm.initial_of(lot) for lot in self.lots.values()] or [{}]
            for index, initial in enumerate(initials):
                self.lot_forms.append(self._lot_form(index, initial=initial))
            return
        self.shown = data.getlist("shown")
        removed = data.get("remove_lot")
        indexes = [text for text in data.getlist("lot") if text.isascii() and text.isdecimal() and len(text) < 5]
        if len(indexes) > MAX_LOTS_A_FORM:
            self._error = _("A sheet takes at most %(count)d lots. Nothing was saved.") % {"count": MAX_LOTS_A_FORM}
        for text in indexes[:MAX_LOTS_A_FORM]:
            if text != removed:
                self.lot_forms.append(self._bound(data, files, int(text)))
        if "add_lot" in data and len(self.lot_forms) < MAX_LOTS_A_FORM:
            self.lot_forms.append(self._lot_form(1 + max((int(text) for text in indexes), default=-1)))

    @property
    def is_being_arranged(self) -> bool:
        """Whether only a lot was added or removed, so that nothing is to be saved or complained about."""
        return self.form.is_bound and bool({"add_lot", "remove_lot"} & self.form.data.keys())

    @property
    def blank(self) -> LotForm:
        """A lot to copy, for the page's script."""
        return LotForm(prefix="lot-__index__", currency=self.form.currency, offered=self._offered)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The lots with the index that their fields carry."""
        return [{"form": form, "index": str(form.prefix).removeprefix("lot-")} for form in self.lot_forms]

    @property
    def error(self) -> str | None:
        """What is wrong with the sheet as a whole."""
        return self._error

    @property
    def error_count(self) -> int:
        """How many fields are wrong."""
        if self.is_being_arranged or not self.form.is_bound:
            return 0
        return sum(len(form.errors) for form in (self.form, *self.lot_forms)) + bool(self._error)

    def is_valid(self) -> bool:
        """Check everything, so that all errors are shown at once."""
        valid = [form.is_valid() for form in (self.form, *self.lot_forms)]
        if not self.lot_forms and self.has_lots:
            self._error = _("An auction needs at least one lot.")
        return all(valid) and self._error is None

    def save(self) -> Auction | None:
        """Create or change everything or nothing; None where a service refused, which is then shown at its field."""
        try:
            with transaction.atomic():
                return self._create() if self.auction is None else self._update(self.auction)
        except Refused as refused:
            self._refuse(refused)
            return None

    def _create(self) -> Auction:
        auction = services.auction_create(
            actor=self.actor,
            organizer=self.organizer,
            cover=self.form.cleaned_data.get("cover"),
            lots=[form.spec() for form in self.lot_forms],
            **self.form.values(),
        )
        for index, lot in enumerate(auction.lots.order_by("position", "pk")):
            self._add_picture(index, lot)
        return auction

    def _update(self, auction: Auction) -> Auction:
        # Only what this very sheet showed can be missing from it: another host may have added lots meanwhile.
        kept = {form.cleaned_data.get("id") for form in self.lot_forms}
        for lot in list(self.lots.values()):
            if lot.pk not in kept and str(lot.pk) in self.shown:
                services.lot_remove(actor=self.actor, lot=lot)
        auction = services.auction_update(
            actor=self.actor, auction=auction, **cast(services.AuctionChanges, self.form.values())
        )
        cover: Any = self.form.cleaned_data.get("cover")
        if cover is not None:
            services.auction_cover_set(actor=self.actor, auction=auction, upload=cover)
        for index, form in enumerate(self.lot_forms):
            existing = self.lots.get(form.cleaned_data.get("id") or 0)
            try:
                if existing is None:
                    saved = services.lot_create(actor=self.actor, auction=auction, spec=form.spec())
                elif form.is_locked:
                    saved = existing
                else:
                    saved = services.lot_update(actor=self.actor, lot=existing, **form.changes())
            except Refused as refused:
                raise Refused(refused.code, refused.message, field=f"lots.{index}.{refused.field or 'title'}") from None
            self._add_picture(index, saved)
        return auction

    def _add_picture(self, index: int, lot: Lot) -> None:
        form = self.lot_forms[index]
        upload: Any = form.cleaned_data.get("picture")
        if upload is None:
            return
        try:
            services.lot_image_add(
                actor=self.actor, lot=lot, upload=upload, alt=form.cleaned_data.get("alt") or form.cleaned_data["title"]
            )
        except Refused as refused:
            raise Refused(refused.code, refused.message, field=f"lots.{index}.picture") from None

    def _refuse(self, refused: Refused) -> None:
        name = refused.field or ""
        if name.startswith("lots."):
            _lots, index, field = name.split(".", 2)
            self.lot_forms[int(index)].refuse(_TIMING_FIELDS.get(field, field), refused.message)
        elif name:
            self.form.refuse(_AUCTION_FIELDS.get(name, name), refused.message)
        else:
            self._error = refused.message

    def _lot_form(self, index: int, initial: dict[str, Any] | None = None) -> LotForm:
        return LotForm(prefix=f"lot-{index}", currency=self.form.currency, offered=self._offered, initial=initial or {})

    def _bound(self, data: Any, files: Any, index: int) -> LotForm:
        prefix = f"lot-{index}"
        stored = self.lots.get(_number(data.get(f"{prefix}-id")))
        return LotForm(
            data,
            files,
            prefix=prefix,
            currency=self.form.currency,
            offered=self._offered,
            initial=LotForm.initial_of(stored) if stored else {},
        )


def field_of(refused: Refused) -> str:
    """Return the field of a lot's form that a refusal of the services belongs to; the form itself where none does."""
    return _TIMING_FIELDS.get(refused.field or "", refused.field or "")


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 19 else 0
