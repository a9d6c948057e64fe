"""Users, organizers and the roles that people have for them.

A user is known by e-mail where there is one; accounts made from a token may have none. Nothing here
knows of auctions.
"""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class UserManager(BaseUserManager["User"]):
    """Makes users; e-mail addresses are kept in lower case."""

    def create_user(self, email: str | None = None, password: str | None = None, **fields: Any) -> "User":
        """Create a user; without a password the account can only be entered through a provider."""
        user = self.model(email=email.strip().lower() if email else None, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a user who may do everything in the admin."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        """Find a user by e-mail, whatever its case."""
        return self.get(email=username.strip().lower() if username else None)


class MailKind(models.TextChoices):
    """What a person may do without being told. What they must know, like an answer of staff, is always sent."""

    OUTBID = "outbid", _("Somebody bid more than I did while I was away")
    WON = "won", _("What I won, when a show is over")
    PAYMENT = "payment", _("A payment of mine is due, or late")
    OFFER = "offer", _("A house offers me a lot after its show")
    REMINDER = "reminder", _("A show that I asked to be reminded of begins")
    SCHEDULED = "scheduled", _("A house that I follow plans a show")


class User(AbstractBaseUser, PermissionsMixin):
    """A person with an account. Public pages show a paddle or this display name, never the e-mail."""

    email = models.EmailField(_("e-mail address"), unique=True, null=True, blank=True)
    display_name = models.CharField(_("display name"), max_length=60, blank=True)
    avatar = models.ImageField(_("picture"), upload_to="avatars/", blank=True)
    delivery_address = models.TextField(
        _("address for orders"), max_length=400, blank=True, help_text=_("Shown to a house that you buy from.")
    )
    language = models.CharField(_("language"), max_length=12, blank=True, help_text=_("Empty: as their browser asks."))
    unwanted_mails = models.JSONField(default=list, blank=True, editable=False)
    unwanted_pushes = models.JSONField(default=list, blank=True, editable=False)
    verified_at = models.DateTimeField(
        _("verified"), null=True, blank=True, help_text=_("When staff made sure who this is; hosts see it.")
    )
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True, editable=False)
    is_active = models.BooleanField(_("active"), default=True)
    is_staff = models.BooleanField(_("staff"), default=False, help_text=_("May enter the admin."))
    date_joined = models.DateTimeField(_("joined"), auto_now_add=True)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = (
            models.UniqueConstraint(
                Lower("email"),
                name="user_email_once_whatever_case",
                violation_error_message=_("Another account has this e-mail address."),
            ),
            models.CheckConstraint(condition=~models.Q(email=""), name="user_email_set_or_null"),
        )

    def __str__(self) -> str:
        return self.display_name or self.email or f"#{self.pk}"

    @classmethod
    def normalize_username(cls, username: Any) -> Any:
        """Return an address as it is kept; forms ask for it before they look whether it is taken."""
        normal = super().normalize_username(username)
        return normal.strip().lower() if isinstance(normal, str) else normal

    def get_full_name(self) -> str:
        """Return the display name."""
        return self.display_name

    def get_short_name(self) -> str:
        """Return the display name."""
        return self.display_name

    def wants(self, kind: MailKind) -> bool:
        """Say whether this person is told of it by mail."""
        return kind.value not in self.unwanted_mails

    def wants_push(self, kind: MailKind) -> bool:
        """Say whether the devices of this person that take messages show it."""
        return kind.value not in self.unwanted_pushes


class Organizer(models.Model):
    """Who sells: an auction house, a seller or a charity. It owns auctions, invoices and stream channels."""

    name = models.CharField(_("name"), max_length=120)
    slug = models.SlugField(unique=True)
    tax_id = models.CharField(_("tax id"), max_length=40, blank=True)
    address = models.TextField(_("address"), blank=True)
    payment_instructions = models.TextField(
        _("payment instructions"), blank=True, help_text=_("Shown to buyers on their order.")
    )
    payment_days = models.PositiveSmallIntegerField(
        _("days to pay"), default=7, help_text=_("How long buyers have after a show; printed on order and invoice.")
    )
    next_invoice_number = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("organizer")
        verbose_name_plural = _("organizers")

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    """What a member may do. Moderators mute and remove; voiding and banning a leader need more."""

    OWNER = "owner", _("Owner")
    AUCTIONEER = "auctioneer", _("Auctioneer")
    CLERK = "clerk", _("Clerk")
    MODERATOR = "moderator", _("Moderator")
    FINANCE = "finance", _("Finance")


class Membership(models.Model):
    """One role of one user for one organizer."""

    organizer = models.ForeignKey(Organizer, on_delete=models.PROTECT, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(_("role"), max_length=12, choices=Role)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = (
            models.UniqueConstraint(fields=("organizer", "user", "role"), name="membership_once"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="membership_role_known"),
        )

    def __str__(self) -> str:
        # The admin's history keeps these words for good, so they name no person.
        return _("#%(user)s: %(role)s of %(organizer)s") % {
            "user": self.user_id,
            "role": self.get_role_display(),
            "organizer": self.organizer,
        }


class Follow(models.Model):
    """Somebody follows a house: they are told of the shows that it plans."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="follows")
    organizer = models.ForeignKey(Organizer, on_delete=models.PROTECT, related_name="follows")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("follow")
        verbose_name_plural = _("follows")
        constraints = (models.UniqueConstraint(fields=("user", "organizer"), name="follow_once"),)

    def __str__(self) -> str:
        return f"#{self.user_id}: {self.organizer}"


class PushSubscription(models.Model):
    """A browser that shows messages to somebody: where to send them, and what to seal them with.

    It rests on a sign-in and ends with it: a shared computer shows nothing to who sits there next. The address is a
    secret: who knows it can make that device wake up.
    """

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="push_subscriptions")
    endpoint = models.CharField(max_length=600, unique=True)
    public_key = models.CharField(max_length=100, help_text=_("Of the browser, a point on P-256, base64url."))
    secret = models.CharField(max_length=40, help_text=_("That the browser and we share, base64url."))
    device = models.CharField(max_length=200, blank=True, help_text=_("What the browser calls itself."))
    session_key = models.CharField(max_length=40, editable=False)
    password_hash = models.CharField(max_length=64, editable=False, help_text=_("Of the password at that time."))
    created_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveSmallIntegerField(
        default=0, editable=False, help_text=_("In a row, until it is forgotten.")
    )

    class Meta:
        verbose_name = _("push subscription")
        verbose_name_plural = _("push subscriptions")
        ordering = ("-created_at", "-id")
        constraints = (
            models.CheckConstraint(
                condition=models.Q(endpoint__startswith="https://"), name="pushsubscription_over_https"
            ),
        )

    def __str__(self) -> str:
        return f"#{self.user_id}: {self.device or self.pk}"


class HostRequestStatus(models.TextChoices):
    """What became of somebody's wish to host."""

    OPEN = "open", _("Waiting for an answer")
    GRANTED = "granted", _("Granted")
    DECLINED = "declined", _("Declined")


class HostRequest(models.Model):
    """Somebody asks to host auctions, and staff answers with a reason that the person reads."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="host_requests")
    house = models.CharField(_("name of the house"), max_length=120)
    about = models.TextField(_("what is sold"), max_length=2_000)
    status = models.CharField(
        _("status"), max_length=8, choices=HostRequestStatus, default=HostRequestStatus.OPEN, editable=False
    )
    reason = models.TextField(_("reason"), max_length=1_000, blank=True, help_text=_("The person reads it."))
    answered_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, editable=False, related_name="+")
    answered_at = models.DateTimeField(_("answered"), null=True, editable=False)
    created_at = models.DateTimeField(_("asked"), auto_now_add=True)

    class Meta:
        verbose_name = _("host request")
        verbose_name_plural = _("host requests")
        ordering = ("-created_at", "-id")
        constraints = (
            models.UniqueConstraint(
                fields=("user",), condition=models.Q(status="open"), name="hostrequest_one_open_a_user"
            ),
            models.CheckConstraint(
                condition=models.Q(status="open", answered_by=None, answered_at=None)
                | models.Q(status__in=("granted", "declined"), answered_by__isnull=False, answered_at__isnull=False),
                name="hostrequest_answered_by_somebody",
            ),
        )

    def __str__(self) -> str:
        return f"{self.house}: {self.get_status_display()}"


class StrikeReason(models.TextChoices):
    """Why somebody has a strike; the public part of it."""

    UNPAID = "unpaid", _("An order was not paid")
    SHILL = "shill", _("Bids that were not meant")
    ABUSE = "abuse", _("Abuse of other people")
    FRAUD = "fraud", _("Deception")
    OTHER = "other", _("Another reason")


class StrikeQuerySet(models.QuerySet["Strike"]):
    """Strikes, and which of them count."""

    def active(self) -> "StrikeQuerySet":
        """Return those that count now: neither lifted nor run out."""
        return self.filter(lifted_at=None, expires_at__gt=timezone.now())


class Strike(models.Model):
    """A mark against somebody, by a house or by the site's staff, until it runs out or is lifted."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="strikes")
    organizer = models.ForeignKey(
        Organizer,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="strikes",
        help_text=_("Empty: the site's own staff."),
    )
    reason = models.CharField(_("reason"), max_length=8, choices=StrikeReason)
    note = models.TextField(_("note"), max_length=1_000, blank=True, help_text=_("Private: the person never sees it."))
    expires_at = models.DateTimeField(_("until"))
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("given by"))
    created_at = models.DateTimeField(_("given"), auto_now_add=True)
    lifted_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    lifted_at = models.DateTimeField(_("lifted"), null=True, blank=True)

    objects = StrikeQuerySet.as_manager()

    class Meta:
        verbose_name = _("strike")
        verbose_name_plural = _("strikes")
        ordering = ("-created_at", "-id")
        constraints = (
            models.CheckConstraint(condition=models.Q(reason__in=StrikeReason.values), name="strike_reason_known"),
            models.CheckConstraint(
                condition=models.Q(lifted_at=None, lifted_by=None)
                | models.Q(lifted_at__isnull=False, lifted_by__isnull=False),
                name="strike_lifted_by_somebody",
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_reason_display()} (#{self.user_id})"


class TraceKind(models.TextChoices):
    """What two accounts may have in common."""

    ADDRESS = "address", _("Address")
    DEVICE = "device", _("Device")


class Trace(models.Model):
    """That an account was used from an address or a device, known by a keyed hash alone.

    Only staff see whether two accounts share one; `accounts.traces` forgets it after `TRACE_DAYS`.
    """

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="traces")
    kind = models.CharField(max_length=8, choices=TraceKind)
    digest = models.CharField(max_length=64)
    first_seen_at = models.DateTimeField(auto_now_add=True)
    last_seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("trace")
        verbose_name_plural = _("traces")
        indexes = (models.Index(fields=("digest",), name="trace_digest"),)
        constraints = (
            models.UniqueConstraint(fields=("user", "kind", "digest"), name="trace_once"),
            models.CheckConstraint(condition=models.Q(kind__in=TraceKind.values), name="trace_kind_known"),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of #{self.user_id}"
