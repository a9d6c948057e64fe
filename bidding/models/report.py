"""What people in a room report, what moderators decide about it, and what those concerned say to that."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Organizer
from auctions.models import Auction
from auctions.models.fields import one_of
from bidding.models.chat import ChatMessage, ModerationReason


class ReportDecision(models.TextChoices):
    """What became of a report."""

    OPEN = "open", _("Waiting")
    DISMISSED = "dismissed", _("Nothing wrong")
    REMOVED = "removed", _("Line removed")
    MUTED = "muted", _("Muted")
    BANNED = "banned", _("Banned from the auction")
    BARRED = "barred", _("Banned from the site")


class Report(models.Model):
    """Somebody reports a line of chat, or a bidder. The one reported never learns by whom."""

    auction = models.ForeignKey(Auction, on_delete=models.PROTECT, related_name="reports")
    reporter = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reports_made")
    subject = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reports_about")
    line = models.ForeignKey(ChatMessage, on_delete=models.PROTECT, null=True, blank=True, related_name="reports")
    reason = models.CharField(max_length=12, choices=ModerationReason)
    text = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    decision = models.CharField(max_length=12, choices=ReportDecision, default=ReportDecision.OPEN)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    note = models.CharField(max_length=500, blank=True, help_text=_("Private: moderators see it."))

    class Meta:
        verbose_name = _("report")
        verbose_name_plural = _("reports")
        ordering = ("-created_at", "-id")
        indexes = (
            models.Index(fields=("auction", "created_at"), name="report_open", condition=models.Q(decision="open")),
        )
        constraints = (
            models.UniqueConstraint(fields=("reporter", "line"), name="report_once_a_line"),
            models.UniqueConstraint(
                fields=("reporter", "subject", "auction"), condition=models.Q(line=None), name="report_once_a_bidder"
            ),
            one_of("report", "reason", ModerationReason),
            models.CheckConstraint(
                condition=models.Q(decision="open", decided_by=None, decided_at=None)
                | models.Q(
                    decision__in=("dismissed", "removed", "muted", "banned", "barred"),
                    decided_by__isnull=False,
                    decided_at__isnull=False,
                ),
                name="report_decided_by_somebody",
            ),
        )

    def __str__(self) -> str:
        return f"#{self.pk}: {self.get_decision_display()}"


class Appeal(models.Model):
    """What somebody says to what moderators of an auction decided about them, and the answer."""

    auction = models.ForeignKey(Auction, on_delete=models.PROTECT, related_name="appeals")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="appeals")
    text = models.CharField(max_length=1_000)
    created_at = models.DateTimeField(auto_now_add=True)
    granted = models.BooleanField(null=True, blank=True)
    answer = models.CharField(max_length=1_000, blank=True, help_text=_("The person reads it."))
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("appeal")
        verbose_name_plural = _("appeals")
        ordering = ("-created_at", "-id")
        constraints = (
            models.UniqueConstraint(
                fields=("auction", "user"), condition=models.Q(answered_at=None), name="appeal_one_open"
            ),
            models.CheckConstraint(
                condition=models.Q(granted=None, answered_by=None, answered_at=None)
                | models.Q(granted__isnull=False, answered_by__isnull=False, answered_at__isnull=False),
                name="appeal_answered_by_somebody",
            ),
        )

    def __str__(self) -> str:
        return f"#{self.pk}"


class HouseWords(models.Model):
    """The words that a house wants in none of its rooms, beside those of each room."""

    organizer = models.OneToOneField(
        Organizer, on_delete=models.PROTECT, primary_key=True, related_name="blocked_words"
    )
    words = models.TextField(
        _("blocked words"),
        blank=True,
        help_text=_("One a line. A star at the end stands for any ending. Case, width and accents make no difference."),
    )
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"Words of {self.organizer}"
