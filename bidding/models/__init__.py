"""What the live floor leaves in the database, one file a subject."""

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

__all__ = [
    "LONGEST_SLOW_MODE_S",
    "Bid",
    "BidChannel",
    "ChatMessage",
    "ChatRoom",
    "DiscardedEntry",
    "Event",
    "LedgerPosition",
    "ModerationReason",
    "ModeratorNote",
    "Mute",
    "Notification",
    "NotificationKind",
    "Refusal",
    "SignedHead",
    "SigningKey",
    "SimulatedBidder",
    "Temper",
]
