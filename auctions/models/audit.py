"""What people of a house and the site's staff did, or tried to: who, what, when, why and from where."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Organizer
from auctions.models.auction import Auction
from auctions.models.fields import one_of
from auctions.models.lot import Lot


class AuditDoor(models.TextChoices):
    """Which way somebody came."""

    DESK = "desk", _("Live desk")
    ADMIN = "admin", _("Admin")
    PAGE = "page", _("Pages")
    API = "api", _("API")
    PROGRAM = "program", _("A command on the server")


class AuditAction(models.TextChoices):
    """What can be done: the names of the services, and what the admin does without one."""

    AUCTION_CREATE = "auction_create", _("Auction made")
    AUCTION_UPDATE = "auction_update", _("Auction changed")
    AUCTION_COVER_SET = "auction_cover_set", _("Cover changed")
    AUCTION_SCHEDULE = "auction_schedule", _("Auction scheduled")
    AUCTION_GO_LIVE = "auction_go_live", _("Show begun")
    AUCTION_END = "auction_end", _("Show ended")
    AUCTION_CANCEL = "auction_cancel", _("Auction cancelled")
    INVITATION_ADD = "invitation_add", _("Somebody invited")
    INVITATION_REVOKE = "invitation_revoke", _("Invitation revoked")
    MODERATOR_NAME = "moderator_name", _("Moderator named")
    MODERATOR_REVOKE = "moderator_revoke", _("Moderator revoked")
    LOT_CREATE = "lot_create", _("Lot added")
    LOT_UPDATE = "lot_update", _("Lot changed")
    LOT_REMOVE = "lot_remove", _("Lot removed")
    LOT_IMAGE_ADD = "lot_image_add", _("Picture added")
    LOT_IMAGE_STORE = "lot_image_store", _("Picture stored")
    LOT_IMAGE_UPDATE = "lot_image_update", _("Picture changed")
    LOT_IMAGE_MOVE = "lot_image_move", _("Picture moved")
    LOT_IMAGE_REMOVE = "lot_image_remove", _("Picture removed")
    STREAM_KEY_ROTATE = "stream_key_rotate", _("Stream key renewed")
    LOT_ADD = "lot_add", _("Lot added in the list")
    LOT_SAVE_SEEN = "lot_save_seen", _("Lot changed in the list")
    LOT_COPY = "lot_copy", _("Lot copied")
    LOT_DUPLICATE = "lot_duplicate", _("Lot duplicated")
    LOT_STEP = "lot_step", _("Lot moved a place")
    LOT_TAKE_OUT = "lot_take_out", _("Lot taken out")
    LOTS_IMPORT = "lots_import", _("Lots imported")
    AUCTION_COPY = "auction_copy", _("Auction duplicated")
    REHEARSAL_CREATE = "rehearsal_create", _("Rehearsal made")
    REHEARSAL_PUT_AWAY = "rehearsal_put_away", _("Rehearsal put away")
    HOUSE_UPDATE = "house_update", _("House changed")
    STREAM_CUT_OFF = "stream_cut_off", _("Stream cut off")
    BOARD_KEY_RENEW = "board_key_renew", _("Board link renewed")
    BOARD_KEY_END = "board_key_end", _("Board link ended")
    RECORDINGS_ERASE = "recordings_erase", _("Recording erased")
    LOT_OPEN = "lot_open", _("Lot opened")
    LOT_OPEN_NEXT = "lot_open_next", _("Next lot opened")
    LOT_OFFER_AGAIN = "lot_offer_again", _("Lot offered again")
    LOT_WARN = "lot_warn", _("Fair warning")
    LOT_HAMMER = "lot_hammer", _("Hammer")
    LOT_CLOSE = "lot_close", _("Fair warning or hammer")
    LOT_CLOSE_CURRENT = "lot_close_current", _("Fair warning or hammer for the lot that is up")
    LOT_WITHDRAW = "lot_withdraw", _("Lot withdrawn")
    LOT_PAUSE = "lot_pause", _("Lot paused")
    LOT_RESUME = "lot_resume", _("Lot resumed")
    LOT_RESUME_CURRENT = "lot_resume_current", _("Lot that is up resumed")
    LOT_EXTEND = "lot_extend", _("Lot extended")
    LOT_REOPEN = "lot_reopen", _("Lot reopened")
    LOT_SELL_ANYWAY = "lot_sell_anyway", _("Reserve waived")
    LOT_MOVE = "lot_move", _("Lot moved")
    LOT_QUICK = "lot_quick", _("Quick lot")
    BID_VOID = "bid_void", _("Bid voided")
    OFFER_VOID = "offer_void", _("Latest bid voided")
    BID_ENTER = "bid_enter", _("Bid entered")
    ROSTRUM_TAKE = "rostrum_take", _("Rostrum taken")
    AUTOPILOT_SET = "autopilot_set", _("Autopilot")
    BREAK_TAKE = "break_take", _("Break")
    BIDDER_BAN = "bidder_ban", _("Bidder banned")
    REGISTRATION_ENTER = "registration_enter", _("Paddle given out")
    REGISTRATION_SET_STATUS = "registration_set_status", _("Bidder's status set")
    SPENDING_LIMIT_SET = "spending_limit_set", _("Spending limit set")
    CHAT_LINE_REMOVE = "chat_line_remove", _("Chat line removed")
    CHAT_LINE_PIN = "chat_line_pin", _("Chat line pinned")
    CHAT_ROOM_CHANGE = "chat_room_change", _("Chat rules changed")
    PERSON_MUTE = "person_mute", _("Muted")
    MUTE_LIFT = "mute_lift", _("Mute lifted")
    MODERATOR_NOTE_ADD = "moderator_note_add", _("Note about somebody")
    REPORT_DECIDE = "report_decide", _("Report decided")
    APPEAL_ANSWER = "appeal_answer", _("Appeal answered")
    HOUSE_WORDS_SET = "house_words_set", _("Words of the house changed")
    PERSON_BAR = "person_bar", _("Banned from the site")
    NOTICE_SEND = "notice_send", _("Message to the room")
    STRIKE_ADD = "strike_add", _("Strike given")
    STRIKE_LIFT = "strike_lift", _("Strike lifted")
    HOST_REQUEST_ANSWER = "host_request_answer", _("Host request answered")
    VERIFIED_SET = "verified_set", _("Verified badge")
    ORDER_PAY = "order_pay", _("Payment noted")
    ORDER_REFUND = "order_refund", _("Refund noted")
    ORDER_CANCEL_LOTS = "order_cancel_lots", _("Lots of an order called off")
    ORDER_CANCEL = "order_cancel", _("Order called off")
    ORDER_MARK_UNPAID = "order_mark_unpaid", _("Order called unpaid")
    ORDER_GIVE_TIME = "order_give_time", _("More time to pay given")
    ORDER_REMIND = "order_remind", _("Buyer reminded")
    ORDER_SEND = "order_send", _("Order sent")
    ORDER_FINISH = "order_finish", _("Order done")
    OFFER_SECOND_CHANCE = "offer_second_chance", _("Lot offered to the underbidder")
    OFFER_NEGOTIATION = "offer_negotiation", _("Lot offered below its reserve")
    OFFER_WITHDRAW = "offer_withdraw", _("Offer taken back")
    OFFER_ANSWER_FOR = "offer_answer_for", _("Answer to an offer noted")
    ADMIN_ADDITION = "admin_addition", _("Added in the admin")
    ADMIN_CHANGE = "admin_change", _("Changed in the admin")
    ADMIN_DELETION = "admin_deletion", _("Deleted in the admin")


class AuditEntry(models.Model):
    """One act, or one attempt that was refused. It names nobody but by keys; a lot that was removed leaves it."""

    at = models.DateTimeField(_("when"), auto_now_add=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="audit_entries", verbose_name=_("who")
    )
    action = models.CharField(_("what"), max_length=40, help_text=_("The name of the service."))
    outcome = models.CharField(_("outcome"), max_length=24, help_text=_("`done`, or the code of the refusal."))
    organizer = models.ForeignKey(Organizer, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    auction = models.ForeignKey(Auction, on_delete=models.PROTECT, null=True, blank=True, related_name="audit_entries")
    lot = models.ForeignKey(Lot, on_delete=models.SET_NULL, null=True, blank=True, related_name="audit_entries")
    subject = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("about whom"),
    )
    paddle = models.PositiveIntegerField(_("paddle"), null=True, blank=True)
    seen_v = models.BigIntegerField(null=True, blank=True, help_text=_("The version that the actor's page showed."))
    v = models.BigIntegerField(null=True, blank=True, help_text=_("The version that it led to."))
    reason = models.CharField(_("why"), max_length=40, blank=True)
    note = models.CharField(_("note"), max_length=300, blank=True)
    given = models.JSONField(_("with"), default=dict, blank=True)
    door = models.CharField(_("by way of"), max_length=8, choices=AuditDoor)
    address = models.CharField(_("from where"), max_length=45, blank=True)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        ordering = ("-at", "-id")
        indexes = (
            models.Index(fields=("auction", "at"), name="auditentry_of_auction"),
            models.Index(fields=("at",), name="auditentry_address", condition=~models.Q(address="")),
        )
        constraints = (
            one_of("auditentry", "door", AuditDoor),
            models.CheckConstraint(condition=~models.Q(outcome=""), name="auditentry_has_outcome"),
        )

    def __str__(self) -> str:
        return f"{self.words} (#{self.actor_id})"

    @property
    def words(self) -> str:
        """What was done, in words."""
        # No choices of the column, so that another service is no change of the database.
        known = self.action in AuditAction.values
        return str(AuditAction(self.action).label) if known else self.action
