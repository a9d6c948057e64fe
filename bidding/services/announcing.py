"""Tells the rooms of every web process what happened, through the channel layer.

An announcement is a hint: it may be lost, because a hub that misses a version reads it from the log. So a
failure to announce is logged and never fails what was already decided.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

from bidding import protocol
from bidding.engine.outcomes import Entry
from bidding.metrics import ANNOUNCEMENTS_LOST

logger = structlog.get_logger(__name__)

ANNOUNCING_S: Final = 1.5
"""How long an announcement may take: behind a server that does not answer they would queue, and hold up who waits."""


def room_group(auction_id: int) -> str:
    """Return the channel layer's group of an auction's room."""
    return f"auction.{auction_id}"


async def announce_entries(auction_id: int, epoch: str, entries: Sequence[Entry]) -> None:
    """Send public log entries to the room: `{"type": "room.entries", "epoch", "entries": [[v, text], …]}`."""
    if entries:
        await _send(
            auction_id,
            {
                "type": "room.entries",
                "auction": auction_id,
                "epoch": epoch,
                "entries": [[entry.v, entry.text] for entry in entries],
            },
        )


async def announce_signal(
    auction_id: int, namespace: protocol.Namespace | None, message: protocol.ServerMessage
) -> None:
    """Send a message that may be lost to every seat of a namespace, or to all where it is None."""
    await _send(
        auction_id,
        {
            "type": "room.signal",
            "auction": auction_id,
            "namespace": namespace.value if namespace else None,
            "text": protocol.encode(message).decode(),
        },
    )


async def announce_registration(auction_id: int, registration_id: int) -> None:
    """Tell the seats of one bidder that their part changed, so that they read it again."""
    await _send(auction_id, {"type": "room.you", "auction": auction_id, "registration": registration_id})


async def announce_chat_rules(auction_id: int) -> None:
    """Tell the rooms that moderators decided something, so that each process reads it again."""
    await _send(auction_id, {"type": "room.chat", "auction": auction_id})


def announce_entries_now(auction_id: int, epoch: str, entries: Sequence[Entry]) -> None:
    """Send entries as `announce_entries` does, from synchronous code."""
    async_to_sync(announce_entries)(auction_id, epoch, entries)


def announce_signal_now(auction_id: int, namespace: protocol.Namespace | None, message: protocol.ServerMessage) -> None:
    """Send a signal as `announce_signal` does, from synchronous code."""
    async_to_sync(announce_signal)(auction_id, namespace, message)


def announce_registration_now(auction_id: int, registration_id: int) -> None:
    """Tell the seats of one bidder as `announce_registration` does, from synchronous code."""
    async_to_sync(announce_registration)(auction_id, registration_id)


def announce_chat_rules_now(auction_id: int) -> None:
    """Tell the rooms as `announce_chat_rules` does, from synchronous code."""
    async_to_sync(announce_chat_rules)(auction_id)


async def _send(auction_id: int, message: dict[str, object]) -> None:
    try:
        async with asyncio.timeout(ANNOUNCING_S):
            await get_channel_layer().group_send(room_group(auction_id), message)
    except Exception as error:  # noqa: BLE001 (whatever the layer raises, the decision stands)
        ANNOUNCEMENTS_LOST.inc()
        logger.warning("announcement_lost", auction=auction_id, kind=message["type"], error=str(error))
