"""A registration: the right of somebody to bid in one auction, under a public paddle number."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from auctions.models.auction import Auction, TermsVersion
from auctions.models.fields import AmountField, amounts_in_range, one_of

FIRST_PADDLE = 101


class RegistrationStatus(models.TextChoices):
    """Whether the paddle may be raised."""

    PENDING = "pending", _("Waiting for approval")
    APPROVED = "approved", _("Approved")
    DECLINED = "declined", _("Declined")
    BANNED = "banned", _("Banned")


class RegistrationKind(models.TextChoices):
    """Where the bidder is; a clerk enters the bids of the hall, the phone and the book.

    In a rehearsal the site itself raises the paddles of simulated bidders.
    """

    ONLINE = "online", _("Online")
    FLOOR = "floor", _("On the floor")
    PHONE = "phone", _("On the phone")
    ABSENTEE = "absentee", _("Absentee")
    SIMULATED = "simulated", _("Simulated")


class Registration(models.Model):
    """One bidder of one auction. The user is empty for floor and phone bidders without an account."""

    auction = models.ForeignKey(Auction, on_delete=models.PROTECT, related_name="registrations")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="registrations"
    )
    kind = models.CharField(_("kind"), max_length=9, choices=RegistrationKind, default=RegistrationKind.ONLINE)
    alias = models.CharField(_("alias"), max_length=40, blank=True, help_text=_("Shown in chat instead of the paddle."))
    paddle = models.PositiveIntegerField(_("paddle"))
    status = models.CharField(
        _("status"), max_length=8, choices=RegistrationStatus, default=RegistrationStatus.APPROVED
    )
    spending_limit = AmountField(
        _("spending limit"), null=True, blank=True, help_text=_("Leading, won and pre-bids together.")
    )
    terms = models.ForeignKey(TermsVersion, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    terms_accepted_at = models.DateTimeField(null=True, blank=True)
    barred = models.BooleanField(default=False, editable=False)
    """Whether they work for the auction and so may not bid, as the floor was told last or will be told next."""
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("registration")
        verbose_name_plural = _("registrations")
        constraints = (
            models.UniqueConstraint(fields=("auction", "paddle"), name="registration_paddle_once"),
            models.UniqueConstraint(
                fields=("auction", "user"), condition=models.Q(user__isnull=False), name="registration_user_once"
            ),
            models.CheckConstraint(condition=models.Q(paddle__gte=FIRST_PADDLE), name="registration_paddle_from_101"),
            models.CheckConstraint(
                condition=~models.Q(kind="online") | models.Q(user__isnull=False),
                name="registration_online_has_user",
            ),
            models.CheckConstraint(
                condition=~models.Q(kind="online", status="approved")
                | models.Q(terms__isnull=False, terms_accepted_at__isnull=False),
                name="registration_approved_accepted_terms",
            ),
            one_of("registration", "status", RegistrationStatus),
            one_of("registration", "kind", RegistrationKind),
            amounts_in_range("registration", "spending_limit"),
        )

    def __str__(self) -> str:
        return _("Paddle %(paddle)s") % {"paddle": self.paddle}
