"""What was said in a room, and what moderators did about it.

Lines are written by the ledger from the room's stream, or by the service that acts on a line before that. Nothing
is deleted: a line that was taken away is kept for disputes and shown to nobody.
"""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Organizer
from auctions.models import Auction
from auctions.models.fields import one_of

LONGEST_SLOW_MODE_S = 600


class ModerationReason(models.TextChoices):
    """Why a moderator acted; the public part of it. What else there is to say is private."""

    SPAM = "spam", _("Spam")
    ABUSE = "abuse", _("Abuse")
    OFF_TOPIC = "off_topic", _("Off topic")
    PRIVATE_DATA = "private_data", _("Private data")
    OTHER = "other", _("Other")


class ChatMessage(models.Model):
    """Something said in a room; the words stay also when the line was taken away."""

    auction = models.ForeignKey(Auction, on_delete=models.PROTECT, related_name="chat_messages")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="chat_messages")
    entry = models.CharField(max_length=40, help_text=_("Its id in the room's chat stream."))
    author = models.CharField(max_length=60, help_text=_("As the room saw it: a paddle, an alias or Host."))
    paddle = models.PositiveIntegerField(null=True, blank=True)
    role = models.CharField(max_length=12, blank=True)
    text = models.CharField(max_length=500)
    at_ms = models.BigIntegerField()
    removed_at = models.DateTimeField(null=True, blank=True)
    removed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    removal_reason = models.CharField(max_length=12, choices=ModerationReason, blank=True)

    class Meta:
        verbose_name = _("chat message")
        verbose_name_plural = _("chat messages")
        ordering = ("auction", "at_ms", "id")
        indexes = (
            models.Index(
                fields=("removed_at",), name="chatmessage_removed", condition=models.Q(removed_at__isnull=False)
            ),
        )
        constraints = (
            models.UniqueConstraint(fields=("auction", "entry"), name="chatmessage_entry_once"),
            models.CheckConstraint(
                condition=models.Q(removed_at=None, removed_by=None, removal_reason="")
                | models.Q(
                    removed_at__isnull=False, removed_by__isnull=False, removal_reason__in=ModerationReason.values
                ),
                name="chatmessage_removed_with_reason",
            ),
        )

    def __str__(self) -> str:
        return f"{self.author}: {self.text}"


class ChatRoom(models.Model):
    """How people talk in one room. A room without a row has the defaults: no slow mode, no filter, nothing pinned."""

    auction = models.OneToOneField(Auction, on_delete=models.PROTECT, primary_key=True, related_name="chat_room")
    slow_mode_s = models.PositiveIntegerField(
        _("slow mode (s)"), default=0, help_text=_("How long one person waits between two lines; 0 is off.")
    )
    blocked_words = models.TextField(
        _("blocked words"),
        blank=True,
        help_text=_("One a line. A star at the end stands for any ending. Case, width and accents make no difference."),
    )
    pinned = models.ForeignKey(ChatMessage, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("chat room")
        verbose_name_plural = _("chat rooms")
        constraints = (
            models.CheckConstraint(
                condition=models.Q(slow_mode_s__lte=LONGEST_SLOW_MODE_S), name="chatroom_slow_mode_in_range"
            ),
        )

    def __str__(self) -> str:
        return f"Chat of {self.auction}"


class Mute(models.Model):
    """One person may not chat in one auction for a while; without an end, for the whole show."""

    auction = models.ForeignKey(Auction, on_delete=models.PROTECT, related_name="mutes")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="mutes")
    until = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=12, choices=ModerationReason)
    note = models.CharField(max_length=500, blank=True, help_text=_("Private: moderators see it."))
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name = _("mute")
        verbose_name_plural = _("mutes")
        ordering = ("-created_at", "-id")
        constraints = (
            models.UniqueConstraint(
                fields=("auction", "user"), condition=models.Q(lifted_at=None), name="mute_one_at_a_time"
            ),
            one_of("mute", "reason", ModerationReason),
        )

    def __str__(self) -> str:
        return f"{self.user} in {self.auction}"


class ModeratorNote(models.Model):
    """What moderators of a house tell each other about somebody; the person never sees it."""

    organizer = models.ForeignKey(Organizer, on_delete=models.PROTECT, related_name="moderator_notes")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="moderator_notes")
    text = models.CharField(max_length=1_000)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("moderator's note")
        verbose_name_plural = _("moderators' notes")
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return self.text
