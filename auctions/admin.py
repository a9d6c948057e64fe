"""The catalogue in the admin: auctions with their lots, pictures, paddles, sales and orders.

Shows forms and calls services; the rules are theirs. Hosts see what belongs to their organizers and nothing else,
by `auctions.permissions`, not by Django's table of permissions. `bidding.admin` registers what acts on the live floor.
"""

from dataclasses import fields as dataclass_fields
from typing import Any, ClassVar, cast

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, Model, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.forms import PaginationInlineFormSet
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from accounts.admin import UserAdmin
from accounts.models import Follow, HostRequest, HostRequestStatus, Organizer, PushSubscription, Strike, User
from accounts.traces import linked_accounts
from auctions import people, permissions, rules, services, standing
from auctions.audit import refusal_keep
from auctions.errors import Refused
from auctions.form_fields import AmountField, IncrementsField, SecondsField
from auctions.models import (
    Auction,
    AuctionModerator,
    AuctionStatus,
    Category,
    Consignor,
    Invoice,
    Lot,
    LotImage,
    LotRun,
    LotStatus,
    LotWatch,
    Order,
    OrderLine,
    Registration,
    Reminder,
    Sale,
    ShippingProfile,
    TaxRule,
    TermsVersion,
)
from auctions.money import CURRENCIES, Currency
from auctions.presenting import MoneyStyle, money_text

_OWN_TIMING = "own"
_TIMING_FIELDS = ("duration_ms", "window_ms", "extension_ms", "extension_mode", "extension_cap")


def money(minor: int | None, currency: Currency) -> str:
    """Write an amount for the eye."""
    return "–" if minor is None else money_text(minor, MoneyStyle(currency), full=True)  # noqa: RUF001


class OrganizerScoped(ModelAdmin):
    """Shows to hosts what belongs to their organizers, to site administrators everything.

    `organizer_path` leads from the model to the organizer. Nothing is deleted.
    """

    organizer_path: ClassVar[str] = "auction__organizer"
    editable: ClassVar[bool] = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return what this person works with."""
        queryset: QuerySet[Any] = super().get_queryset(request)
        if permissions.is_administrator(cast(User, request.user)):
            return queryset
        return queryset.filter(self.scope(request))

    def scope(self, request: HttpRequest) -> Q:
        """Return the condition that an object belongs to this person's organizers."""
        organizers = permissions.managed_organizers(cast(User, request.user))
        return Q(**{f"{self.organizer_path}__in": organizers})

    def in_scope(self, request: HttpRequest, obj: Model | None) -> bool:
        """Say whether this person works with an object, or with any where it is None."""
        user = cast(User, request.user)
        if not permissions.can_host(user):
            return False
        return obj is None or obj.pk is None or self.get_queryset(request).filter(pk=obj.pk).exists()

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Let hosts in."""
        return permissions.can_host(cast(User, request.user))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let hosts see their own."""
        return self.in_scope(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let hosts change their own where this may be changed at all."""
        return self.editable and self.in_scope(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let hosts add where this may be added at all."""
        return self.editable and permissions.can_host(cast(User, request.user))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: what was offered, sold or signed is withdrawn or archived."""
        return False

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer only what belongs to this person's organizers."""
        own = own_choices(db_field, request)
        if own is not None:
            kwargs["queryset"] = own
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


def own_choices(db_field: Any, request: HttpRequest) -> QuerySet[Any] | None:
    """Return what a relation may point to in the hands of this person; None where everything may be chosen."""
    user = cast(User, request.user)
    if db_field.related_model is Organizer:
        return permissions.managed_organizers(user)
    if db_field.related_model is Auction:
        return permissions.manageable_auctions(user)
    if db_field.related_model in (TermsVersion, TaxRule, Consignor, ShippingProfile):
        organizers = permissions.managed_organizers(user)
        return cast("QuerySet[Any]", db_field.related_model.objects.filter(organizer__in=organizers))
    return None


class RefusalAware(OrganizerScoped):
    """Shows what a service refused at the form's field, with everything that was typed still there.

    A refusal rolls the request's transaction back; the same request is then answered anew with the refusal as an
    error of the form that it belongs to.
    """

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Answer a refused request anew, as invalid."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except Refused as refused:
            for upload in cast(dict[str, Any], request.FILES).values():
                upload.seek(0)
            refusal_keep(refused)
            request.refused = refused  # type: ignore[attr-defined]
            return super().changeform_view(request, object_id, form_url, extra_context)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Give the form the request, whose refusal it may have to show."""
        form = super().get_form(request, obj, change, **kwargs)
        return type(form.__name__, (form,), {"request": request})

    def get_formset_kwargs(self, request: HttpRequest, obj: Any, inline: Any, prefix: str) -> dict[str, Any]:
        """Give the rows the request too."""
        options: dict[str, Any] = super().get_formset_kwargs(request, obj, inline, prefix)
        options["form_kwargs"] = {**options.get("form_kwargs", {}), "request": request}
        return options


class RefusableForm(forms.ModelForm):  # type: ignore[type-arg]
    """A form whose checks are the services': it shows their refusal as its own error."""

    request: HttpRequest | None = None

    def __init__(self, *args: Any, request: HttpRequest | None = None, **kwargs: Any) -> None:
        if request is not None:
            self.request = request
        super().__init__(*args, **kwargs)

    def clean(self) -> dict[str, Any] | None:
        """Add the refusal that this very form caused."""
        cleaned: dict[str, Any] | None = super().clean()
        refused = getattr(self.request, "refused", None)
        if refused is not None and getattr(refused, "prefix", None) == self.prefix:
            field = refused.field if refused.field in self.fields else None
            self.add_error(field, refused.message)
        return cleaned

    def _post_clean(self) -> None:
        # The services say in words what the constraints would say by name; the database refuses what slips through.
        self.instance.validate_constraints = lambda exclude=None: None
        try:
            super()._post_clean()  # type: ignore[misc]
        finally:
            del self.instance.validate_constraints

    def changes(self) -> dict[str, Any]:
        """Return the changed values of the model's own fields."""
        names = {field.name for field in self._meta.model._meta.fields}
        return {name: self.cleaned_data[name] for name in self.changed_data if name in names}


class LotForm(RefusableForm):
    """A lot as a host writes it: decimals, seconds, a preset for the clock."""

    preset = forms.ChoiceField(
        label=_("clock"),
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text=_("A preset replaces the times below."),
    )
    opening_amount = AmountField(label=_("opening bid"), widget=UnfoldAdminTextInputWidget)
    reserve_amount = AmountField(label=_("reserve"), required=False, widget=UnfoldAdminTextInputWidget)
    buy_now_amount = AmountField(label=_("buy-now price"), required=False, widget=UnfoldAdminTextInputWidget)
    cap_amount = AmountField(label=_("cap"), required=False, widget=UnfoldAdminTextInputWidget)
    estimate_low = AmountField(label=_("low estimate"), required=False, widget=UnfoldAdminTextInputWidget)
    estimate_high = AmountField(label=_("high estimate"), required=False, widget=UnfoldAdminTextInputWidget)
    increments_preset = forms.ChoiceField(
        label=_("increments by preset"),
        required=False,
        choices=[("", _("As written below")), *rules.INCREMENT_PRESETS.items()],
        widget=UnfoldAdminSelectWidget,
    )
    increments = IncrementsField(
        label=_("increments"),
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("Steps by price: “0: 5, 100: 10” is 5 below 100, then 10."),
    )
    duration_ms = SecondsField(label=_("duration (s)"), required=False, widget=UnfoldAdminTextInputWidget)
    window_ms = SecondsField(label=_("extension window (s)"), required=False, widget=UnfoldAdminTextInputWidget)
    extension_ms = SecondsField(label=_("extension (s)"), required=False, widget=UnfoldAdminTextInputWidget)
    number = forms.CharField(
        label=_("number"),
        required=False,
        max_length=8,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("As printed, like 12 or 12A; empty takes the next."),
    )

    class Meta:
        model = Lot
        fields: ClassVar[Any] = "__all__"

    def __init__(self, *args: Any, currency: Currency | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if currency is None:
            currency = self.instance.auction.currency if self.instance.auction_id else CURRENCIES["EUR"]
        for field in self.fields.values():
            if isinstance(field, AmountField | IncrementsField):
                field.currency = currency
        if "preset" in self.fields:
            choices = [(_OWN_TIMING, _("Own times")), *((key, preset.label) for key, preset in rules.PRESETS.items())]
            cast(forms.ChoiceField, self.fields["preset"]).choices = choices
            self.initial["preset"] = self._preset() if self.instance.pk else "classic"

    def _preset(self) -> str:
        now = rules.Timing(**{name: getattr(self.instance, name) for name in _TIMING_FIELDS})
        return next((key for key, preset in rules.PRESETS.items() if preset.timing == now), _OWN_TIMING)

    def timing(self) -> rules.Timing:
        """Return the clock that was chosen or written."""
        key = self.cleaned_data.get("preset") or _OWN_TIMING
        if key in rules.PRESETS and ("preset" in self.changed_data or not self.instance.pk):
            return rules.PRESETS[key].timing
        values = {name: getattr(self.instance, name) for name in _TIMING_FIELDS}
        for name in _TIMING_FIELDS:
            if self.cleaned_data.get(name) is not None:
                values[name] = self.cleaned_data[name]
        return rules.Timing(**values)

    def table(self) -> rules.Increments | None:
        """Return the increments that were chosen or written, or None where neither was."""
        if key := self.cleaned_data.get("increments_preset"):
            return rules.preset_increments(key, self.instance.auction.currency)
        return self.cleaned_data.get("increments")

    def spec(self) -> services.LotSpec:
        """Return a new lot as the service takes it."""
        names = {field.name for field in dataclass_fields(services.LotSpec)} - {"increments", "timing"}
        values = {name: self.cleaned_data[name] for name in names if name in self.cleaned_data}
        return services.LotSpec(**values, increments=self.table(), timing=self.timing())

    def lot_changes(self) -> dict[str, Any]:
        """Return what changed of an existing lot as the service takes it."""
        changes = {name: value for name, value in self.changes().items() if name not in _TIMING_FIELDS}
        changes.pop("auction", None)
        if "number" in changes and not changes["number"]:
            changes.pop("number")
        if {"increments", "increments_preset"} & set(self.changed_data):
            changes["increments"] = self.table() or []
        else:
            changes.pop("increments", None)
        timing = self.timing()
        return changes | {name: getattr(timing, name) for name in _TIMING_FIELDS}

    def _post_clean(self) -> None:
        # The stored lot stays as it is until the service changes it: an empty field is no value for the model.
        before = {name: getattr(self.instance, name) for name in (*_TIMING_FIELDS, "increments", "number")}
        super()._post_clean()
        for name, value in before.items():
            setattr(self.instance, name, value)


class LotFormSet(PaginationInlineFormSet):
    """The lots of an auction, in its currency."""

    def get_form_kwargs(self, index: int | None) -> dict[str, Any]:
        """Tell each row the currency."""
        code = self.instance.currency_code
        if self.instance.status == AuctionStatus.DRAFT:
            # The rows are read before the auction's own form: its currency is still only what was sent.
            code = self.data.get("currency_code", code)
        return {**super().get_form_kwargs(index), "currency": CURRENCIES.get(code, CURRENCIES["EUR"])}

    def validate_unique(self) -> None:
        """Leave it to the service, which says at the row's number what is wrong with it."""


class LotInline(TabularInline):
    """The run of show, a row a lot; the rest of a lot is on its own page."""

    model = Lot
    form = LotForm
    formset = LotFormSet
    extra = 0
    per_page = 100
    fields = ("number", "title", "opening_amount", "reserve_amount", "preset", "status")
    readonly_fields = ("status",)
    show_change_link = True

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Leave it to the auction, which was checked."""
        return True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let lots be added until the auction is over."""
        return obj is None or obj.status not in (AuctionStatus.ENDED, AuctionStatus.CANCELLED)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let rows be changed as long as lots can be added."""
        return self.has_add_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let rows be taken out of a draft only."""
        return obj is None or obj.status == AuctionStatus.DRAFT


class AuctionForm(RefusableForm):
    """An auction as a host writes it."""

    new_bidder_limit = AmountField(
        label=_("Limit of new bidders"),
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("What an account that is new to the site may spend at most; empty for no limit."),
    )
    gap_ms = SecondsField(label=_("pause between lots (s)"), widget=UnfoldAdminTextInputWidget, initial=8_000)
    organizer = forms.ModelChoiceField(
        label=_("organizer"),
        queryset=Organizer.objects.all(),
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text=_("Empty takes your own; a new one is made for your first auction."),
    )

    class Meta:
        model = Auction
        fields: ClassVar[Any] = "__all__"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "new_bidder_limit" in self.fields:
            code = self.data.get("currency_code") if "currency_code" in self.fields else None
            field = cast(AmountField, self.fields["new_bidder_limit"])
            field.currency = CURRENCIES.get(code or self.instance.currency_code, CURRENCIES["EUR"])


class AuctionAdmin(RefusalAware):
    """Auctions with their lots. What is frozen in a state is read-only in it."""

    organizer_path = "organizer"
    editable = True
    form = AuctionForm
    inlines = (LotInline,)
    list_display = ("title", "status", "visibility", "organizer", "currency_code", "starts_at")
    list_filter = ("status", "visibility", "is_rehearsal")
    search_fields = ("title", "slug")
    date_hierarchy = None
    _always_readonly = ("status", "slug", "stream_channel", "went_live_at", "ended_at", "cancel_reason")
    fieldsets = (
        (None, {"fields": ("title", "description", "cover", "organizer", "status", "cancel_reason")}),
        (_("When"), {"fields": ("starts_at", "time_zone", "auto_start", "auto_advance", "gap_ms")}),
        (_("Who"), {"fields": ("visibility", "entry", "new_bidder_limit", "most_strikes", "is_rehearsal")}),
        (_("Money and terms"), {"fields": ("currency_code", "buyer_premium_bp", "terms")}),
        (_("Video"), {"fields": ("stream_channel", "lost_pause_s")}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Auction | None = None) -> tuple[str, ...]:
        """Return what cannot be changed in this state."""
        fixed: tuple[str, ...] = self._always_readonly
        if obj is not None:
            fixed += ("organizer",)
        if obj is not None and obj.status != AuctionStatus.DRAFT:
            fixed += ("currency_code", "buyer_premium_bp", "terms", "is_rehearsal")
        if obj is not None and obj.status == AuctionStatus.LIVE:
            fixed += ("starts_at", "time_zone", "auto_start")
        return fixed

    def has_change_permission(self, request: HttpRequest, obj: Auction | None = None) -> bool:
        """Let what is over only be seen."""
        over = obj is not None and obj.status in (AuctionStatus.ENDED, AuctionStatus.CANCELLED)
        return not over and super().has_change_permission(request, obj)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Offer only organizers that this person may host for."""
        form = super().get_form(request, obj, change, **kwargs)
        if "organizer" in form.base_fields:
            form.base_fields["organizer"].queryset = permissions.managed_organizers(cast(User, request.user))
        return form

    def save_model(self, request: HttpRequest, obj: Auction, form: Any, change: bool) -> None:
        """Create or change through the service."""
        actor = cast(User, request.user)
        values = form.changes()
        cover = values.pop("cover", None)
        if change:
            saved = services.auction_update(actor=actor, auction=obj, **values)
        else:
            values = {name: form.cleaned_data[name] for name in services.AuctionChanges.__annotations__}
            organizer = form.cleaned_data["organizer"] or services.organizer_for(actor)
            saved = services.auction_create(actor=actor, organizer=organizer, **values)
        if cover:
            saved = services.auction_cover_set(actor=actor, auction=saved, upload=cover)
        _become(obj, saved)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Write the rows through the services, each refusal at its row."""
        actor = cast(User, request.user)
        formset.new_objects, formset.changed_objects, formset.deleted_objects = [], [], []
        for row in formset.forms:
            if not row.has_changed():
                continue
            try:
                if row in formset.deleted_forms:
                    if row.instance.pk:
                        services.lot_remove(actor=actor, lot=row.instance)
                        formset.deleted_objects.append(row.instance)
                elif row.instance.pk:
                    services.lot_update(actor=actor, lot=row.instance, **row.lot_changes())
                    formset.changed_objects.append((row.instance, row.changed_data))
                else:
                    row.instance.auction = formset.instance
                    formset.new_objects.append(
                        services.lot_create(actor=actor, auction=formset.instance, spec=row.spec())
                    )
            except Refused as refused:
                refused.prefix = row.prefix  # type: ignore[attr-defined]
                raise


class LotImageForm(RefusableForm):
    """One picture; what is uploaded is re-encoded by the service."""

    class Meta:
        model = LotImage
        fields: ClassVar[Any] = ("file", "alt", "position")


class LotImageInline(TabularInline):
    """The pictures of a lot, the first of which stands for it."""

    model = LotImage
    form = LotImageForm
    extra = 0
    fields = ("preview", "file", "alt", "position")
    readonly_fields = ("preview",)

    @admin.display(description=_("picture"))
    def preview(self, image: LotImage) -> str:
        """Show the picture small."""
        return format_html('<img src="{}" alt="{}" height="60">', image.file.url, image.alt) if image.pk else ""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Leave it to the lot, which was checked."""
        return True

    has_add_permission = has_change_permission = has_delete_permission = has_view_permission


class LotAdmin(RefusalAware):
    """One lot with all its rules and pictures. Once opened it can only be seen."""

    editable = True
    form = LotForm
    inlines = (LotImageInline,)
    list_display = ("number", "title", "auction", "status", "opening")
    list_display_links = ("number", "title")
    list_filter = ("status",)
    search_fields = ("title", "number", "auction__title")
    list_select_related = ("auction",)
    ordering = ("-auction__created_at", "position")
    readonly_fields = ("auction", "status", "position")
    fieldsets = (
        (None, {"fields": ("auction", "number", "position", "status", "title", "description")}),
        (_("Prices"), {"fields": ("opening_amount", "reserve_amount", "buy_now_amount", "cap_amount")}),
        (_("Increments"), {"fields": ("increments_preset", "increments")}),
        (_("Clock"), {"fields": ("preset", *_TIMING_FIELDS)}),
        (_("Catalogue"), {"fields": ("condition", "category", "quantity", "estimate_low", "estimate_high")}),
        (_("Seller, tax and delivery"), {"fields": ("consignor", "tax_rule", "shipping")}),
    )

    @admin.display(description=_("opening bid"))
    def opening(self, lot: Lot) -> str:
        """Show the opening bid."""
        return money(lot.opening_amount, lot.auction.currency)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: a lot is added in its auction."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Lot | None = None) -> bool:
        """Let a lot be changed until it opens."""
        opened = obj is not None and obj.status != LotStatus.PENDING
        return not opened and super().has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Lot, form: Any, change: bool) -> None:
        """Change through the service."""
        saved = services.lot_update(actor=cast(User, request.user), lot=obj, **form.lot_changes())
        _become(obj, saved)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Write pictures through the services."""
        actor = cast(User, request.user)
        formset.new_objects, formset.changed_objects, formset.deleted_objects = [], [], []
        for row in formset.forms:
            if not row.has_changed():
                continue
            try:
                self._save_picture(actor, formset, row)
            except Refused as refused:
                refused.prefix = row.prefix  # type: ignore[attr-defined]
                raise

    def _save_picture(self, actor: User, formset: Any, row: Any) -> None:
        image = LotImage.objects.get(pk=row.instance.pk) if row.instance.pk else None
        if image is not None and (row in formset.deleted_forms or "file" in row.changed_data):
            services.lot_image_remove(actor=actor, image=image)
            formset.deleted_objects.append(row.instance)
        if row in formset.deleted_forms:
            return
        values = row.cleaned_data
        if image is None or "file" in row.changed_data:
            added = services.lot_image_add(actor=actor, lot=formset.instance, upload=values["file"], alt=values["alt"])
            formset.new_objects.append(added)
        else:
            services.lot_image_update(actor=actor, image=image, alt=values["alt"], position=values["position"])
            formset.changed_objects.append((image, row.changed_data))


class ReadOnlyInline(TabularInline):
    """Rows that are only seen."""

    extra = 0
    can_delete = False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Leave it to the page's object, which was checked."""
        return True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    has_change_permission = has_delete_permission = has_add_permission


@admin.register(TermsVersion)
class TermsVersionAdmin(RefusalAware):
    """Conditions of sale. A change is a new version; what was accepted stays."""

    organizer_path = "organizer"
    list_display = ("organizer", "number", "language", "created_at")
    list_filter = ("language",)
    fields = ("organizer", "language", "text")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let hosts publish."""
        return permissions.can_host(cast(User, request.user))

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Show the service's refusal in the form."""
        return super().get_form(request, obj, change, form=RefusableForm, **kwargs)

    def save_model(self, request: HttpRequest, obj: TermsVersion, form: Any, change: bool) -> None:
        """Publish through the service."""
        _become(obj, services.terms_publish(organizer=obj.organizer, text=obj.text, language=obj.language))


@admin.register(TaxRule, Consignor)
class OrganizerOwnedAdmin(OrganizerScoped):
    """What an organizer keeps for its lots."""

    organizer_path = "organizer"
    editable = True
    list_display = ("name", "organizer")
    search_fields = ("name",)


@admin.register(Category)
class CategoryAdmin(ModelAdmin):
    """Kinds of things, kept by site administrators for everybody."""

    list_display = ("name", "slug")
    search_fields = ("name",)
    prepopulated_fields = {"slug": ("name",)}


@admin.register(Registration)
class RegistrationAdmin(OrganizerScoped):
    """Paddles, who is behind them, and how far they are trusted."""

    list_display = ("paddle", "auction", "user", "verified", "strikes", "limit", "kind", "status", "terms_accepted_at")
    list_filter = ("status", "kind")
    search_fields = ("user__email", "user__display_name", "alias", "paddle")
    list_select_related = ("auction", "user")
    actions = ("lift_limit",)
    fields = (
        "auction",
        "paddle",
        "user",
        "verified",
        "strikes",
        "limit",
        "kind",
        "alias",
        "status",
        "terms",
        "terms_accepted_at",
        "created_at",
    )
    readonly_fields = ("verified", "strikes", "limit")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Registration]:
        """Return the paddles with the strikes of those behind them."""
        counting = Q(user__strikes__lifted_at=None, user__strikes__expires_at__gt=timezone.now())
        queryset: QuerySet[Registration] = super().get_queryset(request)
        return queryset.annotate(strike_count=Count("user__strikes", filter=counting, distinct=True))

    @admin.display(description=_("verified"), boolean=True)
    def verified(self, registration: Registration) -> bool:
        """Say whether the site's staff made sure who this is."""
        return registration.user is not None and registration.user.verified_at is not None

    @admin.display(description=_("strikes"))
    def strikes(self, registration: Registration) -> int:
        """Show how many strikes count now, whoever gave them."""
        return cast(int, registration.strike_count)  # type: ignore[attr-defined]

    @admin.display(description=_("spending limit"))
    def limit(self, registration: Registration) -> str:
        """Show what the bidder may spend."""
        return money(registration.spending_limit, registration.auction.currency)

    @admin.action(description=_("Lift the spending limit"))
    def lift_limit(self, request: HttpRequest, registrations: QuerySet[Registration]) -> None:
        """Let the selected bidders spend without a limit."""
        for registration in registrations:
            try:
                standing.spending_limit_set(registration=registration, actor=cast(User, request.user), limit=None)
            except Refused as refused:
                show_refusal(request, refused, registration)
            else:
                messages.success(request, _("%(paddle)s: no limit from now on.") % {"paddle": registration})


class AuctionModeratorForm(RefusableForm):
    """Whom to name for which auction."""

    class Meta:
        model = AuctionModerator
        fields: ClassVar[Any] = ("auction", "email")

    def validate_unique(self) -> None:
        """Leave it to the service: naming somebody again renews what was taken back."""


@admin.register(AuctionModerator)
class AuctionModeratorAdmin(RefusalAware):
    """People who moderate one auction's room without a role of the house."""

    form = AuctionModeratorForm
    list_display = ("email", "auction", "created_by", "created_at", "revoked_at")
    search_fields = ("email", "auction__title")
    list_select_related = ("auction", "created_by")
    ordering = ("-pk",)
    fields = ("auction", "email")
    actions = ("revoke_selected",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let hosts name somebody."""
        return permissions.can_host(cast(User, request.user))

    def save_model(self, request: HttpRequest, obj: AuctionModerator, form: Any, change: bool) -> None:
        """Name through the service."""
        _become(obj, services.moderator_name(actor=cast(User, request.user), auction=obj.auction, email=obj.email))

    @admin.action(description=_("Take it back"))
    def revoke_selected(self, request: HttpRequest, moderators: QuerySet[AuctionModerator]) -> None:
        """Let the selected people moderate no longer."""
        for moderator in moderators:
            services.moderator_revoke(actor=cast(User, request.user), moderator=moderator)


@admin.register(LotRun)
class LotRunAdmin(OrganizerScoped):
    """Each offering of a lot with its frozen rules and its result."""

    list_display = ("lot", "auction", "attempt", "status", "reason", "hammer", "bid_count")
    list_filter = ("status",)
    search_fields = ("lot__title", "auction__title")
    list_select_related = ("lot", "auction")
    exclude = ("hammer_amount",)
    readonly_fields = ("hammer",)

    @admin.display(description=_("hammer price"))
    def hammer(self, run: LotRun) -> str:
        """Show the hammer price."""
        return money(run.hammer_amount, run.auction.currency)


@admin.register(Sale)
class SaleAdmin(OrganizerScoped):
    """What was sold to whom, with premium and tax as they were computed then."""

    organizer_path = "run__auction__organizer"
    list_display = ("run", "buyer", "hammer", "premium", "tax", "total", "status")
    list_filter = ("status",)
    list_select_related = ("run__lot", "run__auction", "buyer")
    fields = (
        "run",
        "closing_number",
        "buyer",
        "hammer",
        "premium",
        "tax",
        "total",
        "tax_snapshot",
        "status",
        "created_at",
    )
    readonly_fields = ("hammer", "premium", "tax", "total")

    @admin.display(description=_("hammer price"))
    def hammer(self, sale: Sale) -> str:
        """Show the hammer price."""
        return money(sale.hammer_amount, sale.run.auction.currency)

    @admin.display(description=_("premium"))
    def premium(self, sale: Sale) -> str:
        """Show the premium."""
        return money(sale.premium_amount, sale.run.auction.currency)

    @admin.display(description=_("tax"))
    def tax(self, sale: Sale) -> str:
        """Show the tax."""
        return money(sale.tax_amount, sale.run.auction.currency)

    @admin.display(description=_("total"))
    def total(self, sale: Sale) -> str:
        """Show what the buyer pays before delivery."""
        return money(sale.total_amount, sale.run.auction.currency)


class OrderLineInline(ReadOnlyInline):
    """What an order is made of."""

    model = OrderLine
    fields = ("kind", "description", "sum", "cancelled_at")
    readonly_fields = ("sum",)

    @admin.display(description=_("amount"))
    def sum(self, line: OrderLine) -> str:
        """Show the amount."""
        return money(line.amount, line.order.auction.currency)


@admin.register(Order)
class OrderAdmin(OrganizerScoped):
    """What each buyer owes for one auction."""

    list_display = ("__str__", "auction", "status", "due_at", "created_at")
    list_filter = ("status",)
    list_select_related = ("auction", "buyer")
    inlines = (OrderLineInline,)

    def view_on_site(self, obj: Order) -> str:
        """Lead to where the house works on it."""
        return reverse("house_order", args=(obj.pk,))


@admin.register(Invoice)
class InvoiceAdmin(OrganizerScoped):
    """Invoices and credit notes as they were issued."""

    organizer_path = "organizer"
    list_display = ("number", "organizer", "kind", "total", "created_at")
    list_filter = ("kind",)
    list_select_related = ("organizer", "order__auction")
    fields = ("organizer", "number", "kind", "order", "credits", "total", "snapshot", "created_at")
    readonly_fields = ("total",)

    @admin.display(description=_("total"))
    def total(self, invoice: Invoice) -> str:
        """Show the total."""
        return money(invoice.total_amount, invoice.order.auction.currency)


class StrikeForm(RefusableForm):
    """A strike, given to whoever holds a paddle."""

    auction = forms.ModelChoiceField(
        label=_("Auction"), queryset=Auction.objects.none(), widget=UnfoldAdminSelectWidget
    )
    paddle = forms.IntegerField(label=_("Paddle"), min_value=1, max_value=2**31 - 1, widget=UnfoldAdminTextInputWidget)
    days = forms.IntegerField(
        label=_("Days"), min_value=1, initial=standing.STRIKE_DAYS, widget=UnfoldAdminTextInputWidget
    )
    of_the_site = forms.BooleanField(
        label=_("Given by the site, not by the house"), required=False, widget=UnfoldBooleanSwitchWidget
    )

    class Meta:
        model = Strike
        fields: ClassVar[Any] = ("reason", "note")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        user = cast(User, cast(HttpRequest, self.request).user)
        own = Auction.objects.filter(organizer__in=permissions.striking_organizers(user))
        cast("forms.ModelChoiceField[Auction]", self.fields["auction"]).queryset = own
        if not permissions.can_strike(user, None):
            del self.fields["of_the_site"]

    def clean(self) -> dict[str, Any] | None:
        """Find who holds the paddle."""
        cleaned = super().clean() or self.cleaned_data
        holders = Registration.objects.filter(auction=cleaned.get("auction"), paddle=cleaned.get("paddle") or 0)
        registration = holders.select_related("user").first()
        if registration is not None and registration.user is not None:
            cleaned["holder"] = registration.user
        elif "paddle" not in self.errors and "auction" not in self.errors:
            self.add_error("paddle", _("Nobody with an account holds this paddle."))
        return cleaned


@admin.register(Strike)
class StrikeAdmin(RefusalAware):
    """Strikes that houses and the site's staff gave. A house sees its own."""

    organizer_path = "organizer"
    list_display = ("user", "reason", "organizer", "created_at", "expires_at", "lifted_at", "created_by")
    list_filter = ("reason",)
    list_select_related = ("user", "organizer", "created_by")
    fields = ("user", "organizer", "reason", "note", "expires_at", "created_by", "created_at", "lifted_by", "lifted_at")
    actions = ("lift_selected",)

    def scope(self, request: HttpRequest) -> Q:
        """Return the condition that a strike is of a house for which this person gives some."""
        return Q(organizer__in=permissions.striking_organizers(cast(User, request.user)))

    def in_scope(self, request: HttpRequest, obj: Model | None) -> bool:
        """Say whether this person works with a strike, or with any where it is None."""
        if not permissions.striking_organizers(cast(User, request.user)).exists():
            return False
        return obj is None or obj.pk is None or self.get_queryset(request).filter(pk=obj.pk).exists()

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Let in who gives strikes."""
        return self.in_scope(request, None)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let those give strikes who may."""
        return self.in_scope(request, None)

    def get_fields(self, request: HttpRequest, obj: Strike | None = None) -> tuple[str, ...]:
        """Ask for a paddle; the strike itself names the person."""
        if obj is not None:
            return tuple(self.fields)
        by_site = ("of_the_site",) if permissions.can_strike(cast(User, request.user), None) else ()
        return ("auction", "paddle", "reason", "note", "days", *by_site)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Name only what the model has: the paddle is a field of the form."""
        if obj is not None:
            return super().get_form(request, obj, change, **kwargs)
        return super().get_form(request, obj, change, form=StrikeForm, fields=("reason", "note"))

    def save_model(self, request: HttpRequest, obj: Strike, form: Any, change: bool) -> None:
        """Give it through the service."""
        given = form.cleaned_data
        strike = standing.strike_add(
            user=given["holder"],
            organizer=None if given.get("of_the_site") else given["auction"].organizer,
            actor=cast(User, request.user),
            reason=given["reason"],
            days=given["days"],
            note=given["note"],
        )
        _become(obj, strike)

    @admin.action(description=_("Lift"))
    def lift_selected(self, request: HttpRequest, strikes: QuerySet[Strike]) -> None:
        """Let the selected strikes count no longer."""
        for strike in strikes:
            standing.strike_lift(strike=strike, actor=cast(User, request.user))


class ForAdministrators(RefusalAware):
    """Shown to site administrators alone."""

    def in_scope(self, request: HttpRequest, obj: Model | None) -> bool:
        """Let site administrators in."""
        return permissions.is_administrator(cast(User, request.user))

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Let site administrators in."""
        return self.in_scope(request, None)

    def scope(self, request: HttpRequest) -> Q:
        """Show nothing to anybody else."""
        return Q(pk__in=())


class HostRequestForm(RefusableForm):
    """The answer to somebody who wants to host."""

    answer = forms.ChoiceField(
        label=_("Answer"),
        choices=[("", "–"), ("grant", _("Let them host")), ("decline", _("Decline"))],  # noqa: RUF001
        widget=UnfoldAdminSelectWidget,
    )

    class Meta:
        model = HostRequest
        fields: ClassVar[Any] = ("reason",)


@admin.register(HostRequest)
class HostRequestAdmin(ForAdministrators):
    """People who want to host. An answer is given once, with a reason that they read."""

    editable = True
    form = HostRequestForm
    list_display = ("house", "user", "status", "created_at", "answered_at")
    list_filter = ("status",)
    list_select_related = ("user",)
    fields = ("user", "house", "about", "created_at", "status", "answer", "reason")
    readonly_fields = ("user", "house", "about", "created_at", "status", "answered_by", "answered_at")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: people ask for themselves."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: HostRequest | None = None) -> bool:
        """Let an open request be answered."""
        answered = obj is not None and obj.status != HostRequestStatus.OPEN
        return not answered and super().has_change_permission(request, obj)

    def get_fields(self, request: HttpRequest, obj: HostRequest | None = None) -> tuple[str, ...]:
        """Show who answered once somebody did."""
        if obj is not None and obj.status != HostRequestStatus.OPEN:
            return ("user", "house", "about", "created_at", "status", "reason", "answered_by", "answered_at")
        return tuple(self.fields)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Name only what the model has: the answer is a field of the form."""
        return super().get_form(request, obj, change, **{**kwargs, "fields": ("reason",)})

    def save_model(self, request: HttpRequest, obj: HostRequest, form: Any, change: bool) -> None:
        """Answer through the service."""
        given = form.cleaned_data
        answered = people.host_request_answer(
            request=obj,
            actor=cast(User, request.user),
            granted=given["answer"] == "grant",
            reason=given["reason"],
        )
        _become(obj, answered)


@admin.register(Follow, LotWatch, Reminder)
class KeepsEyeOnAdmin(ForAdministrators):
    """What people keep an eye on. It is theirs to change."""

    list_display = ("user", "__str__", "created_at")
    list_select_related = True
    search_fields = ("user__email", "user__display_name")
    ordering = ("-pk",)


@admin.register(PushSubscription)
class PushSubscriptionAdmin(ForAdministrators):
    """Browsers that show messages. Where they are reached is nobody's business."""

    list_display = ("user", "device", "created_at", "used_at")
    list_select_related = ("user",)
    search_fields = ("user__email", "user__display_name")
    fields = ("user", "device", "created_at", "used_at")


@admin.register(User)
class PersonAdmin(UserAdmin):
    """Accounts, with what staff thinks of them."""

    list_display = (*UserAdmin.list_display, "is_verified", "strikes")
    actions = ("verify_selected", "doubt_selected")
    readonly_fields = (*UserAdmin.readonly_fields, "verified_at", "strikes", "linked", "closed_at")
    fieldsets = (
        *UserAdmin.fieldsets,
        (_("Standing"), {"fields": ("verified_at", "strikes", "linked", "closed_at")}),
    )

    @admin.display(description=_("verified"), boolean=True)
    def is_verified(self, user: User) -> bool:
        """Say whether staff made sure who this is."""
        return user.verified_at is not None

    @admin.display(description=_("strikes"))
    def strikes(self, user: User) -> int:
        """Show how many strikes count now."""
        return standing.active_strikes(user)

    @admin.display(description=_("linked accounts"))
    def linked(self, user: User) -> str:
        """Name the accounts that were used from the same address or device lately. It proves nothing by itself."""
        others = linked_accounts(user).items()
        return "; ".join(f"#{other.pk} {other} ({', '.join(sorted(shared))})" for other, shared in others) or "–"  # noqa: RUF001

    @admin.action(description=_("Give the verified badge"))
    def verify_selected(self, request: HttpRequest, users: QuerySet[User]) -> None:
        """Mark the selected people as verified."""
        for user in users.filter(verified_at=None):
            people.verified_set(user=user, actor=cast(User, request.user), verified=True)

    @admin.action(description=_("Take the verified badge away"))
    def doubt_selected(self, request: HttpRequest, users: QuerySet[User]) -> None:
        """Mark the selected people as not verified."""
        for user in users.exclude(verified_at=None):
            people.verified_set(user=user, actor=cast(User, request.user), verified=False)


def show_refusal(request: HttpRequest, refused: Refused, what: object = None) -> None:
    """Tell why a command was refused, and what it was about."""
    text = refused.message if what is None else f"{what}: {refused.message}"
    messages.error(request, text)


def _become(obj: Model, saved: Model) -> None:
    """Let the admin's instance be what the service stored, so that the page goes on with it."""
    obj.__dict__.update({key: value for key, value in saved.__dict__.items() if key != "_state"})
    obj._state.adding = False
    obj._state.db = saved._state.db
