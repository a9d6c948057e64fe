"""Who bids in a rehearsal: paddles that nobody holds, each with its temper."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from auctions.models import Registration
from auctions.models.fields import one_of


class Temper(models.TextChoices):
    """How a simulated bidder bids; `bidding.services.simulating` says what that comes to."""

    EAGER = "eager", _("Eager: bids early and often")
    STEADY = "steady", _("Steady: thinks between bids")
    SNIPER = "sniper", _("Sniper: only in the last seconds")
    MAXIMUM = "maximum", _("Maximum: leaves one maximum and waits")


class SimulatedBidder(models.Model):
    """That a rehearsal's paddle is raised by the site itself."""

    registration = models.OneToOneField(
        Registration, on_delete=models.PROTECT, primary_key=True, related_name="simulated"
    )
    temper = models.CharField(_("temper"), max_length=8, choices=Temper)

    class Meta:
        verbose_name = _("simulated bidder")
        verbose_name_plural = _("simulated bidders")
        constraints = (one_of("simulatedbidder", "temper", Temper),)

    def __str__(self) -> str:
        return f"{self.registration}, {self.temper}"
