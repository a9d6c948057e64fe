"""The outbox towards the live floor: changes of the catalogue that Redis must learn of after their commit."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from auctions.models.auction import Auction
from auctions.models.fields import one_of


class CommandKind(models.TextChoices):
    """What the floor can be told of."""

    SCHEDULE = "schedule", _("Schedule")
    LOT = "lot", _("Lot")
    REGISTRATION = "registration", _("Registration")
    GO_LIVE = "go_live", _("Go live")


class FloorCommand(models.Model):
    """One change that waits to be carried over. It names the row that changed; the row is read at the delivery."""

    auction = models.ForeignKey(Auction, on_delete=models.PROTECT, related_name="floor_commands")
    kind = models.CharField(max_length=24, choices=CommandKind)
    payload = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("floor command")
        verbose_name_plural = _("floor commands")
        ordering = ("id",)
        indexes = (
            models.Index(fields=("auction", "id"), condition=models.Q(done_at=None), name="floorcommand_waiting"),
        )
        constraints = (one_of("floorcommand", "kind", CommandKind),)

    def __str__(self) -> str:
        return f"{self.kind} for {self.auction}"
