"""Users, organizers and the roles that people have for them.

A user is known by e-mail where there is one; accounts made from a token may have none. Nothing here
knows of auctions.
"""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
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


class User(AbstractBaseUser, PermissionsMixin):
    """A person with an account. Public pages show a paddle or this display name, never the e-mail."""

    email = models.EmailField(_("e-mail address"), unique=True, null=True, blank=True)
    display_name = models.CharField(_("display name"), max_length=60, blank=True)
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


class Organizer(models.Model):
    """Who sells: an auction house, a seller or a charity. It owns auctions, invoices and stream channels."""

    name = models.CharField(_("name"), max_length=120)
    slug = models.SlugField(unique=True)
    tax_id = models.CharField(_("tax id"), max_length=40, blank=True)
    address = models.TextField(_("address"), blank=True)
    payment_instructions = models.TextField(
        _("payment instructions"), blank=True, help_text=_("Shown to buyers on their order.")
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
        return f"{self.user}: {self.get_role_display()} of {self.organizer}"
