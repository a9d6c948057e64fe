"""How many people were in a room, minute by minute; written by the clock while a show is live."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from auctions.models import Auction


class AudienceSample(models.Model):
    """The people in one room at the beginning of a minute: at most one row a minute of a live show."""

    auction = models.ForeignKey(Auction, on_delete=models.PROTECT, related_name="audience")
    minute = models.BigIntegerField(help_text=_("Minutes since the epoch, on Redis' clock."))
    people = models.PositiveIntegerField()

    class Meta:
        verbose_name = _("audience sample")
        verbose_name_plural = _("audience samples")
        ordering = ("auction", "minute")
        constraints = (models.UniqueConstraint(fields=("auction", "minute"), name="audiencesample_once_a_minute"),)

    def __str__(self) -> str:
        return f"{self.people} at {self.minute}"
