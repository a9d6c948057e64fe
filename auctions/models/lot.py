"""A lot, its pictures, and its runs: each offering of it with frozen rules and a result."""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Organizer
from auctions.models.auction import Auction
from auctions.models.fields import AmountField, BasisPointsField, amounts_in_range, one_of
from auctions.money import BASIS_POINTS, CURRENCIES


class Category(models.Model):
    """A kind of thing, as the catalogue sorts it."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    slug = models.SlugField(unique=True)

    class Meta:
        verbose_name = _("category")
        verbose_name_plural = _("categories")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Consignor(models.Model):
    """Who gave the lot to the organizer: a seller on commission, or a donor."""

    organizer = models.ForeignKey(Organizer, on_delete=models.PROTECT, related_name="consignors")
    name = models.CharField(_("name"), max_length=120)
    is_donor = models.BooleanField(_("donor"), default=False)

    class Meta:
        verbose_name = _("consignor")
        verbose_name_plural = _("consignors")

    def __str__(self) -> str:
        return self.name


class TaxRule(models.Model):
    """How tax is computed on a sale: a rate, and whether it falls on the hammer price or on the premium only."""

    organizer = models.ForeignKey(Organizer, on_delete=models.PROTECT, related_name="tax_rules")
    name = models.CharField(_("name"), max_length=80)
    rate_bp = BasisPointsField(_("rate (basis points)"), default=0)
    on_hammer = models.BooleanField(_("on the hammer price"), default=True)
    on_premium = models.BooleanField(_("on the premium"), default=True)

    class Meta:
        verbose_name = _("tax rule")
        verbose_name_plural = _("tax rules")
        constraints = (
            models.CheckConstraint(condition=models.Q(rate_bp__lte=BASIS_POINTS), name="taxrule_rate_at_most_all"),
        )

    def __str__(self) -> str:
        return self.name


class ShippingProfile(models.Model):
    """What delivery costs: the first item, each further one, and whether the lot ships alone."""

    organizer = models.ForeignKey(Organizer, on_delete=models.PROTECT, related_name="shipping_profiles")
    name = models.CharField(_("name"), max_length=80)
    currency_code = models.CharField(
        _("currency"), max_length=3, choices=[(code, code) for code in CURRENCIES], default="EUR"
    )
    first_item = AmountField(_("first item"), default=0)
    each_further = AmountField(_("each further item"), default=0)
    ships_alone = models.BooleanField(_("ships alone"), default=False)
    pick_up_only = models.BooleanField(_("pick-up only"), default=False)

    class Meta:
        verbose_name = _("shipping profile")
        verbose_name_plural = _("shipping profiles")
        constraints = (
            amounts_in_range("shippingprofile", "first_item", "each_further"),
            models.CheckConstraint(
                condition=models.Q(currency_code__in=list(CURRENCIES)), name="shippingprofile_currency_known"
            ),
        )

    def __str__(self) -> str:
        return self.name


class LotStatus(models.TextChoices):
    """`pending → open → sold / passed / withdrawn`; an open lot may be paused."""

    PENDING = "pending", _("Pending")
    OPEN = "open", _("Open")
    PAUSED = "paused", _("Paused")
    SOLD = "sold", _("Sold")
    PASSED = "passed", _("Passed")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class ExtensionMode(models.TextChoices):
    """What an extension does to the end."""

    ADD = "add", _("Adds to the end")
    RESET = "reset", _("Resets what is left")


class Lot(models.Model):
    """One thing sold in an auction. Its rules are frozen into a run when it opens."""

    auction = models.ForeignKey(Auction, on_delete=models.PROTECT, related_name="lots")
    number = models.CharField(_("number"), max_length=8, help_text=_("As printed, like 12 or 12A."))
    position = models.PositiveIntegerField(_("position"), help_text=_("The order of sale."))
    title = models.CharField(_("title"), max_length=140)
    description = models.TextField(_("description"), blank=True)
    condition = models.CharField(_("condition"), max_length=140, blank=True)
    category = models.ForeignKey(Category, on_delete=models.PROTECT, null=True, blank=True, related_name="lots")
    consignor = models.ForeignKey(Consignor, on_delete=models.PROTECT, null=True, blank=True, related_name="lots")
    quantity = models.PositiveIntegerField(_("quantity"), default=1)
    estimate_low = AmountField(_("low estimate"), null=True, blank=True)
    estimate_high = AmountField(_("high estimate"), null=True, blank=True)
    tax_rule = models.ForeignKey(TaxRule, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    shipping = models.ForeignKey(ShippingProfile, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    status = models.CharField(_("status"), max_length=9, choices=LotStatus, default=LotStatus.PENDING)

    opening_amount = AmountField(_("opening bid"))
    reserve_amount = AmountField(_("reserve"), null=True, blank=True)
    buy_now_amount = AmountField(_("buy-now price"), null=True, blank=True)
    cap_amount = AmountField(_("cap"), null=True, blank=True, help_text=_("Bids above it need a confirmation."))
    increments = models.JSONField(
        _("increments"),
        help_text=_("Steps by price in minor units: [[0, 500], [10000, 1000]] is 5.00 below 100.00, then 10.00."),
    )
    duration_ms = models.PositiveBigIntegerField(_("duration (ms)"), default=60_000)
    window_ms = models.PositiveIntegerField(
        _("extension window (ms)"), default=30_000, help_text=_("A bid so close to the end extends it.")
    )
    extension_ms = models.PositiveIntegerField(_("extension (ms)"), default=30_000)
    extension_mode = models.CharField(
        _("extension mode"), max_length=5, choices=ExtensionMode, default=ExtensionMode.ADD
    )
    extension_cap = models.PositiveIntegerField(_("most extensions"), default=20, help_text=_("0 is sudden death."))
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("lot")
        verbose_name_plural = _("lots")
        ordering = ("position", "id")
        constraints = (
            models.UniqueConstraint(fields=("auction", "number"), name="lot_number_once_an_auction"),
            one_of("lot", "status", LotStatus),
            one_of("lot", "extension_mode", ExtensionMode),
            amounts_in_range(
                "lot",
                "opening_amount",
                "reserve_amount",
                "buy_now_amount",
                "cap_amount",
                "estimate_low",
                "estimate_high",
            ),
            models.CheckConstraint(condition=models.Q(opening_amount__gt=0), name="lot_opening_above_zero"),
            models.CheckConstraint(condition=models.Q(quantity__gt=0), name="lot_quantity_above_zero"),
            models.CheckConstraint(
                condition=models.Q(duration_ms__gte=1_000, duration_ms__lte=86_400_000 * 30),
                name="lot_duration_in_range",
            ),
            models.CheckConstraint(
                condition=models.Q(window_ms__lte=3_600_000, extension_ms__lte=3_600_000, extension_cap__lte=1_000),
                name="lot_extension_in_range",
            ),
            models.CheckConstraint(
                condition=models.Q(estimate_low__isnull=True)
                | models.Q(estimate_high__isnull=True)
                | models.Q(estimate_high__gte=models.F("estimate_low")),
                name="lot_estimate_in_order",
            ),
            models.CheckConstraint(
                condition=models.Q(buy_now_amount__isnull=True)
                | models.Q(buy_now_amount__gt=models.F("opening_amount")),
                name="lot_buy_now_above_opening",
            ),
            models.CheckConstraint(
                condition=models.Q(buy_now_amount__isnull=True)
                | models.Q(reserve_amount__isnull=True)
                | models.Q(buy_now_amount__gte=models.F("reserve_amount")),
                name="lot_buy_now_not_below_reserve",
            ),
        )

    def __str__(self) -> str:
        return f"{self.number} {self.title}"

    @property
    def is_delivered(self) -> bool:
        """Whether delivery comes on top of what a buyer pays."""
        return self.shipping is not None and not self.shipping.pick_up_only


class LotImage(models.Model):
    """One picture of a lot; the first by position is the one shown on the stage."""

    lot = models.ForeignKey(Lot, on_delete=models.CASCADE, related_name="images")
    file = models.ImageField(upload_to="lots/", width_field="width", height_field="height")
    width = models.PositiveIntegerField(editable=False, default=0)
    height = models.PositiveIntegerField(editable=False, default=0)
    widths: Any = models.JSONField(editable=False, default=list, help_text=_("Of the smaller files beside it."))
    blur = models.CharField(max_length=1_000, editable=False, blank=True, help_text=_("A few pixels as a data URI."))
    alt = models.CharField(_("description for those who cannot see it"), max_length=200, blank=True)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("lot image")
        verbose_name_plural = _("lot images")
        ordering = ("position", "id")

    def __str__(self) -> str:
        return self.alt or str(self.file.name)


class UploadStatus(models.TextChoices):
    """`waiting → working → done` or `refused`."""

    WAITING = "waiting", _("Waiting for the file")
    WORKING = "working", _("Being worked on")
    DONE = "done", _("A picture of the lot")
    REFUSED = "refused", _("Refused")


class Upload(models.Model):
    """A picture on its way to a lot: room for one file, under a key that nobody can guess. Gone within hours."""

    lot = models.ForeignKey(Lot, on_delete=models.SET_NULL, null=True, related_name="uploads")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=100, unique=True)
    content_type = models.CharField(max_length=20)
    alt = models.CharField(max_length=200, blank=True)
    status = models.CharField(max_length=8, choices=UploadStatus, default=UploadStatus.WAITING)
    message = models.CharField(max_length=300, blank=True, help_text=_("Why it was refused."))
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    touched_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("upload")
        verbose_name_plural = _("uploads")
        indexes = (models.Index(fields=("created_at",)),)
        constraints = (one_of("upload", "status", UploadStatus),)

    def __str__(self) -> str:
        return self.key


class LotResult(models.TextChoices):
    """How a run ended."""

    SOLD = "sold", _("Sold")
    PASSED = "passed", _("Passed")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class LotRun(models.Model):
    """One offering of a lot: frozen rules, result, reason. Bids and events belong to it.

    Offering a lot again is a new run. Reopening keeps the run and raises `closing_number`, so that each
    closing of a run has one result.
    """

    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="runs")
    auction = models.ForeignKey(Auction, on_delete=models.PROTECT, related_name="runs")
    attempt = models.PositiveIntegerField(default=1)
    rules = models.JSONField(default=dict, help_text=_("As the engine took them when the lot opened."))
    status = models.CharField(max_length=9, choices=LotStatus, default=LotStatus.PENDING)
    opened_at_ms = models.BigIntegerField(null=True, blank=True)
    closed_at_ms = models.BigIntegerField(null=True, blank=True)
    closing_number = models.PositiveIntegerField(default=0)
    result = models.CharField(max_length=9, choices=LotResult, blank=True)
    reason = models.CharField(max_length=20, blank=True)
    hammer_amount = AmountField(null=True, blank=True)
    winner = models.ForeignKey(
        "auctions.Registration", on_delete=models.PROTECT, null=True, blank=True, related_name="won_runs"
    )
    bid_count = models.PositiveIntegerField(default=0)
    extension_count = models.PositiveIntegerField(default=0)
    finalized_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("run of a lot")
        verbose_name_plural = _("runs of lots")
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(fields=("lot", "attempt"), name="lotrun_attempt_once"),
            models.UniqueConstraint(
                fields=("auction",),
                condition=models.Q(status__in=("open", "paused")),
                name="lotrun_one_open_an_auction",
            ),
            one_of("lotrun", "status", LotStatus),
            amounts_in_range("lotrun", "hammer_amount"),
            models.CheckConstraint(
                condition=~models.Q(result="sold")
                | models.Q(winner__isnull=False, hammer_amount__isnull=False, hammer_amount__gt=0),
                name="lotrun_sold_to_somebody",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=("pending", "open", "paused"), result="")
                | models.Q(status=models.F("result")),
                name="lotrun_status_fits_result",
            ),
        )

    def __str__(self) -> str:
        return _("%(lot)s, run %(attempt)s") % {"lot": self.lot, "attempt": self.attempt}
