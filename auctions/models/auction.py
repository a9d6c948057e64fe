"""An auction: one live show, with its visibility, terms and stream channel."""

from typing import ClassVar, Final

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Organizer
from auctions.models.fields import AmountField, BasisPointsField, amounts_in_range, one_of, validate_time_zone
from auctions.money import BASIS_POINTS, CURRENCIES, Currency


class AuctionStatus(models.TextChoices):
    """`draft → scheduled → live → ended`, or `cancelled`."""

    DRAFT = "draft", _("Draft")
    SCHEDULED = "scheduled", _("Scheduled")
    LIVE = "live", _("Live")
    ENDED = "ended", _("Ended")
    CANCELLED = "cancelled", _("Cancelled")


class Visibility(models.TextChoices):
    """Who can find an auction. To everybody else it does not exist (404), everywhere."""

    PUBLIC = "public", _("Public: listed for everybody")
    UNLISTED = "unlisted", _("Unlisted: anybody with the link")
    INVITE_ONLY = "invite_only", _("Invite-only: invited people")


class EntryRequirement(models.TextChoices):
    """What it takes to get a paddle."""

    NONE = "none", _("Accept the terms")
    APPROVAL = "approval", _("Approval by the host")
    ADDRESS = "address", _("A postal address")


class TermsVersion(models.Model):
    """One immutable text of an organizer's conditions of sale; a change is a new version."""

    organizer = models.ForeignKey(Organizer, on_delete=models.PROTECT, related_name="terms_versions")
    number = models.PositiveIntegerField(_("version"))
    language = models.CharField(_("language"), max_length=10, default="en")
    text = models.TextField(_("text"))
    sha256 = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("terms version")
        verbose_name_plural = _("terms versions")
        constraints = (models.UniqueConstraint(fields=("organizer", "language", "number"), name="terms_number_once"),)

    def __str__(self) -> str:
        return _("%(organizer)s, version %(number)s (%(language)s)") % {
            "organizer": self.organizer,
            "number": self.number,
            "language": self.language,
        }


class StreamChannel(models.Model):
    """A video channel of an organizer at a provider; it carries at most one live auction."""

    organizer = models.ForeignKey(Organizer, on_delete=models.PROTECT, related_name="stream_channels")
    provider = models.CharField(max_length=10)
    external_id = models.CharField(max_length=200, blank=True)
    is_private = models.BooleanField(default=False)
    ingest_url = models.CharField(max_length=300, blank=True)
    stream_key = models.CharField(max_length=200, blank=True)
    playback_url = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("stream channel")
        verbose_name_plural = _("stream channels")
        constraints = (
            models.UniqueConstraint(
                fields=("provider", "external_id"),
                condition=~models.Q(external_id=""),
                name="stream_channel_external_id_once",
            ),
        )

    def __str__(self) -> str:
        return _("Channel %(number)s of %(organizer)s (%(provider)s)") % {
            "number": self.pk,
            "organizer": self.organizer,
            "provider": self.provider,
        }


LOST_PAUSE_S: Final = (5, 120)
"""How long a picture may be lost before the lot is paused: a line that comes back by itself needs some seconds."""


def default_lost_pause_s() -> int:
    """Return the site's rule for pictures that are lost, which each auction may change."""
    return settings.STREAM_LOST_S


class Auction(models.Model):
    """One live show. Currency and terms are frozen when it is scheduled."""

    organizer = models.ForeignKey(Organizer, on_delete=models.PROTECT, related_name="auctions")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    title = models.CharField(_("title"), max_length=120)
    slug = models.SlugField(max_length=140, unique=True)
    description = models.TextField(_("description"), blank=True)
    cover = models.ImageField(_("cover"), upload_to="covers/", blank=True)
    status = models.CharField(_("status"), max_length=10, choices=AuctionStatus, default=AuctionStatus.DRAFT)
    visibility = models.CharField(_("visibility"), max_length=12, choices=Visibility, default=Visibility.PUBLIC)
    entry = models.CharField(
        _("entry requirement"), max_length=10, choices=EntryRequirement, default=EntryRequirement.NONE
    )
    new_bidder_limit = AmountField(
        _("limit of new bidders"),
        null=True,
        blank=True,
        help_text=_("What an account that is new to the site may spend at most; empty for no limit."),
    )
    most_strikes = models.PositiveSmallIntegerField(
        _("strikes that close the door"),
        null=True,
        blank=True,
        help_text=_("Who has so many strikes gets no paddle; empty lets everybody in."),
    )
    is_rehearsal = models.BooleanField(_("rehearsal"), default=False)
    rehearsal_of = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="rehearsals"
    )
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC", validators=[validate_time_zone])
    currency_code = models.CharField(
        _("currency"), max_length=3, choices=[(code, code) for code in CURRENCIES], default="EUR"
    )
    starts_at = models.DateTimeField(_("starts"), null=True, blank=True)
    auto_start = models.BooleanField(_("go live by itself at the start time"), default=False)
    auto_advance = models.BooleanField(_("open the next lot by itself"), default=True)
    gap_ms = models.PositiveIntegerField(
        _("pause between lots (ms)"), default=8_000, help_text=_("How long a result is shown before the next lot.")
    )
    lost_pause_s = models.PositiveSmallIntegerField(
        _("pause the lot when the picture is lost for (s)"),
        default=default_lost_pause_s,
        help_text=_("Only where a picture was sent before. The host resumes it, with its time restored. 0: never."),
    )
    terms = models.ForeignKey(TermsVersion, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    buyer_premium_bp = BasisPointsField(_("buyer's premium (basis points)"), default=0)
    stream_channel = models.ForeignKey(
        StreamChannel, on_delete=models.PROTECT, null=True, blank=True, related_name="auctions"
    )
    next_paddle = models.PositiveIntegerField(default=101, editable=False)
    went_live_at = models.DateTimeField(null=True, blank=True, editable=False)
    ended_at = models.DateTimeField(null=True, blank=True, editable=False)
    followers_told_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text=_("When those who follow its house were told of it.")
    )
    stream_stopped_at = models.DateTimeField(null=True, blank=True, editable=False)
    cleaned_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text=_("When the keys in Redis were removed.")
    )
    cancel_reason = models.CharField(max_length=40, blank=True)
    board_nonce = models.CharField(
        max_length=43, blank=True, editable=False, help_text=_("What the key of the board is made of; empty for none.")
    )
    archived_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("auction")
        verbose_name_plural = _("auctions")
        ordering = ("-created_at", "-id")
        indexes = (models.Index(fields=("status", "starts_at")),)
        constraints = (
            one_of("auction", "status", AuctionStatus),
            one_of("auction", "visibility", Visibility),
            one_of("auction", "entry", EntryRequirement),
            models.CheckConstraint(
                condition=models.Q(currency_code__in=list(CURRENCIES)), name="auction_currency_known"
            ),
            models.CheckConstraint(
                condition=models.Q(buyer_premium_bp__lte=BASIS_POINTS), name="auction_premium_at_most_all"
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=("draft", "cancelled")) | models.Q(terms__isnull=False),
                name="auction_has_terms_when_scheduled",
            ),
            models.CheckConstraint(
                condition=models.Q(most_strikes=None) | models.Q(most_strikes__gt=0),
                name="auction_most_strikes_positive",
            ),
            models.CheckConstraint(
                condition=models.Q(lost_pause_s=0) | models.Q(lost_pause_s__range=LOST_PAUSE_S),
                name="auction_lost_pause_in_range",
            ),
            amounts_in_range("auction", "new_bidder_limit"),
            models.UniqueConstraint(
                fields=("stream_channel",),
                condition=models.Q(status="live"),
                name="auction_one_live_a_channel",
            ),
        )

    # What may still change once the auction is scheduled is decided by the services, not here.
    FROZEN_WHEN_SCHEDULED: ClassVar[tuple[str, ...]] = (
        "currency_code",
        "terms",
        "organizer",
        "buyer_premium_bp",
        "is_rehearsal",
    )

    def __str__(self) -> str:
        return self.title

    @property
    def currency(self) -> Currency:
        """The currency with its exponent and sign."""
        return CURRENCIES[self.currency_code]


class Invitation(models.Model):
    """Lets one person, known by e-mail or account, into an invite-only auction."""

    auction = models.ForeignKey(Auction, on_delete=models.PROTECT, related_name="invitations")
    email = models.EmailField(_("e-mail address"), blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="invitations"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        constraints = (
            models.CheckConstraint(
                condition=~models.Q(email="") | models.Q(user__isnull=False), name="invitation_names_somebody"
            ),
            models.UniqueConstraint(
                fields=("auction", "email"), condition=~models.Q(email=""), name="invitation_email_once"
            ),
            models.UniqueConstraint(
                fields=("auction", "user"), condition=models.Q(user__isnull=False), name="invitation_user_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.email or self.user} → {self.auction}"


class AuctionModerator(models.Model):
    """Lets one person, known by e-mail, moderate one auction's room without a role of its house.

    Like an invitation it counts for whoever proves the address: naming somebody does not tell who has an account.
    """

    auction = models.ForeignKey(Auction, on_delete=models.PROTECT, related_name="moderators")
    email = models.EmailField(_("e-mail address"))
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("named by")
    )
    created_at = models.DateTimeField(_("named"), auto_now_add=True)
    revoked_at = models.DateTimeField(_("taken back"), null=True, blank=True)

    class Meta:
        verbose_name = _("moderator of an auction")
        verbose_name_plural = _("moderators of auctions")
        constraints = (models.UniqueConstraint(fields=("auction", "email"), name="auctionmoderator_once"),)

    def __str__(self) -> str:
        return f"{self.email} → {self.auction}"
