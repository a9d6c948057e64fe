"""What the live floor leaves in the database, one file a subject."""

from bidding.models.audience import AudienceSample
from bidding.models.chat import LONGEST_SLOW_MODE_S, ChatMessage, ChatRoom, ModerationReason, ModeratorNote, Mute
from bidding.models.ledger import (
    Bid,
    BidChannel,
    DiscardedEntry,
    Event,
    LedgerPosition,
    Refusal,
    SignedHead,
    SigningKey,
)
from bidding.models.notification import Notification, NotificationKind
from bidding.models.rehearsal import SimulatedBidder, Temper
from bidding.models.report import Appeal, HouseWords, Report, ReportDecision

__all__ = [
    "LONGEST_SLOW_MODE_S",
    "Appeal",
    "AudienceSample",
    "Bid",
    "BidChannel",
    "ChatMessage",
    "ChatRoom",
    "DiscardedEntry",
    "Event",
    "HouseWords",
    "LedgerPosition",
    "ModerationReason",
    "ModeratorNote",
    "Mute",
    "Notification",
    "NotificationKind",
    "Refusal",
    "Report",
    "ReportDecision",
    "SignedHead",
    "SigningKey",
    "SimulatedBidder",
    "Temper",
]
