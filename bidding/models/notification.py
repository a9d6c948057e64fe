"""What somebody should learn although they may be away: written by the ledger from the log, and by the clock."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from auctions.models import Auction, LotRun
from auctions.models.fields import AmountField, amounts_in_range


class NotificationKind(models.TextChoices):
    """What it tells. The kinds that people choose among (`MailKind`) have the same names."""

    OUTBID = "outbid", _("Outbid")
    WON = "won", _("Won")
    PAYMENT = "payment", _("Payment due")
    OFFER = "offer", _("Offered after the show")
    REMINDER = "reminder", _("A show begins")
    SCHEDULED = "scheduled", _("A show is planned")


class Notification(models.Model):
    """One thing to know, told once: of a run of a lot, or of an auction.

    "Outbid" is of a run; a newer one replaces it, and it goes when its reader leads again, so that it is never wrong.
    An offer after the show is of a run too. The others are of an auction; of payments the newest replaces the last.
    Each is the outbox of its own mail and push, which go while `due_at` is set.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="notifications")
    auction = models.ForeignKey(Auction, on_delete=models.PROTECT, related_name="notifications")
    run = models.ForeignKey(LotRun, on_delete=models.PROTECT, null=True, blank=True, related_name="notifications")
    kind = models.CharField(max_length=12, choices=NotificationKind)
    amount = AmountField(null=True, blank=True, help_text=_("The price, or what is to be paid."))
    v = models.BigIntegerField(default=0, help_text=_("The version of the event that it tells of; 0 for none."))
    at_ms = models.BigIntegerField()
    read_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True, help_text=_("When to send it; empty when that is settled."))
    attempts = models.PositiveSmallIntegerField(default=0)
    mailed_at = models.DateTimeField(null=True, blank=True)
    pushed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        ordering = ("-at_ms", "-id")
        indexes = (
            models.Index(fields=("user", "-at_ms"), name="notification_newest"),
            models.Index(fields=("user",), condition=models.Q(read_at=None), name="notification_unread"),
            models.Index(fields=("due_at",), condition=models.Q(due_at__isnull=False), name="notification_due"),
        )
        constraints = (
            models.UniqueConstraint(fields=("user", "run", "kind"), name="notification_once_a_run"),
            models.UniqueConstraint(
                fields=("user", "auction", "kind"),
                condition=models.Q(run=None),
                name="notification_once_an_auction",
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=("outbid", "offer"), run__isnull=False, amount__isnull=False)
                | models.Q(kind__in=("won", "payment"), run=None, amount__isnull=False)
                | models.Q(kind__in=("reminder", "scheduled"), run=None, amount=None),
                name="notification_fits_its_kind",
            ),
            amounts_in_range("notification", "amount"),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.run or self.auction}"
