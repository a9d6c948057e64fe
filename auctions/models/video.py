"""What is remembered of video beside its channels: recordings, pictures that were lost, who must stop watching."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from auctions.models.auction import Auction, StreamChannel


class StreamRecording(models.Model):
    """One recording of a channel, from when pictures came until they stopped. A show may have several: its parts.

    What this site records itself has no bucket: `auctions.recordings` knows its files. Its `ended_at` grows while it
    is written; a service says its own when it is over.
    """

    channel = models.ForeignKey(StreamChannel, on_delete=models.PROTECT, related_name="recordings")
    auction = models.ForeignKey(
        Auction,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="recordings",
        help_text=_("Empty where a service recorded it: the times then say of which show it is."),
    )
    bucket = models.CharField(max_length=63, blank=True)
    prefix = models.CharField(max_length=300, help_text=_("Where it is in the bucket, or among the files here."))
    mime = models.CharField(max_length=100, blank=True)
    size = models.BigIntegerField(default=0, help_text=_("Bytes, of what is kept here."))
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("recording")
        verbose_name_plural = _("recordings")
        ordering = ("started_at",)
        constraints = (
            models.UniqueConstraint(fields=("bucket", "prefix"), name="streamrecording_once"),
            models.CheckConstraint(
                condition=~models.Q(bucket="") | models.Q(auction__isnull=False), name="streamrecording_of_a_show"
            ),
        )

    def __str__(self) -> str:
        return f"{self.bucket}/{self.prefix}"


class PictureWatch(models.Model):
    """What is known of the pictures of one show; there is none before the first picture."""

    auction = models.OneToOneField(Auction, on_delete=models.PROTECT, primary_key=True, related_name="picture_watch")
    lost_at = models.DateTimeField(
        null=True, blank=True, help_text=_("Since when none arrive, without a doubt in between.")
    )
    looked_at = models.DateTimeField(null=True, blank=True, help_text=_("When that was last seen to be so."))
    answered_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When this loss paused a lot, or found one that was paused already.")
    )

    class Meta:
        verbose_name = _("picture watch")
        verbose_name_plural = _("picture watches")
        constraints = (
            models.CheckConstraint(
                condition=models.Q(answered_at=None) | models.Q(lost_at__isnull=False),
                name="picturewatch_answers_a_loss",
            ),
        )

    def __str__(self) -> str:
        return f"pictures of {self.auction}"


class ViewerAddress(models.Model):
    """That somebody got an address of their own to a private show, and by which sign-in; it goes with the show."""

    auction = models.ForeignKey(Auction, on_delete=models.PROTECT, related_name="viewer_addresses")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    sign_in = models.CharField(max_length=500, help_text=_("What it rests on, as JSON."))
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("viewer address")
        verbose_name_plural = _("viewer addresses")
        constraints = (models.UniqueConstraint(fields=("auction", "sign_in"), name="vieweraddress_once_a_sign_in"),)

    def __str__(self) -> str:
        return f"{self.user} watches {self.auction}"


class ViewerRevocation(models.Model):
    """Somebody must watch an auction's private video no longer; it waits until the service was told."""

    auction = models.ForeignKey(Auction, on_delete=models.PROTECT, related_name="viewer_revocations")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("viewer revocation")
        verbose_name_plural = _("viewer revocations")
        ordering = ("id",)
        indexes = (models.Index(fields=("id",), condition=models.Q(done_at=None), name="viewerrevocation_waiting"),)

    def __str__(self) -> str:
        return f"{self.user} out of {self.auction}"
