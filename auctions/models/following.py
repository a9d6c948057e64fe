"""What people keep an eye on: lots that they watch, and shows that they want to be reminded of."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from auctions.models.auction import Auction
from auctions.models.lot import Lot


class LotWatch(models.Model):
    """Somebody watches a lot. It is no record of anything: it goes with the lot of a draft."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="lot_watches")
    lot = models.ForeignKey(Lot, on_delete=models.CASCADE, related_name="watches")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("watched lot")
        verbose_name_plural = _("watched lots")
        constraints = (models.UniqueConstraint(fields=("user", "lot"), name="lotwatch_once"),)

    def __str__(self) -> str:
        return f"#{self.user_id}: {self.lot}"


class Reminder(models.Model):
    """Somebody wants to be reminded of a show, which is done once."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reminders")
    auction = models.ForeignKey(Auction, on_delete=models.PROTECT, related_name="reminders")
    created_at = models.DateTimeField(auto_now_add=True)
    noted_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text=_("When the notification was written.")
    )

    class Meta:
        verbose_name = _("reminder")
        verbose_name_plural = _("reminders")
        indexes = (models.Index(fields=("auction",), condition=models.Q(noted_at=None), name="reminder_waiting"),)
        constraints = (models.UniqueConstraint(fields=("user", "auction"), name="reminder_once"),)

    def __str__(self) -> str:
        return f"#{self.user_id}: {self.auction}"
