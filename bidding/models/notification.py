"""What somebody should learn although they may be away: written by the ledger, from the log."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from auctions.models import LotRun
from auctions.models.fields import AmountField, amounts_in_range, one_of


class NotificationKind(models.TextChoices):
    """What it tells."""

    OUTBID = "outbid", _("Outbid")


class Notification(models.Model):
    """One thing to know about one run of a lot, told once: a newer one of its kind replaces it.

    "Outbid" goes when its reader leads again, so that it is never wrong.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="notifications")
    run = models.ForeignKey(LotRun, on_delete=models.PROTECT, related_name="notifications")
    kind = models.CharField(max_length=12, choices=NotificationKind)
    amount = AmountField()
    v = models.BigIntegerField(help_text=_("The version of the event that it tells of."))
    at_ms = models.BigIntegerField()
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        ordering = ("-at_ms", "-id")
        indexes = (models.Index(fields=("user", "-at_ms"), name="notification_newest"),)
        constraints = (
            models.UniqueConstraint(fields=("user", "run", "kind"), name="notification_once_a_run"),
            one_of("notification", "kind", NotificationKind),
            amounts_in_range("notification", "amount"),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.run}"
