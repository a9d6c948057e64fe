"""Placing a bid: parse, decide in Redis, answer, announce.

No SQL on this path while the auction is on the floor; when it is over, a repeated bid gets its answer from the
database.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, assert_never

import structlog
from channels.db import database_sync_to_async
from django.conf import settings
from django.db import Error as DatabaseError
from django.utils.crypto import constant_time_compare, salted_hmac
from msgspec import UNSET, UnsetType
from redis.exceptions import RedisError

from auctions.money import format_amount, parse_amount
from bidding import protocol
from bidding.engine import calls
from bidding.engine.outcomes import BidAccepted, BidDecision, BidRejected, EngineError, FloorMissing, NotSent
from bidding.engine.runner import arun, run
from bidding.floor import async_floor, floor
from bidding.metrics import BIDS
from bidding.models import BidChannel
from bidding.protocol import RefusalCode
from bidding.records import stored_answer
from bidding.selectors import RoomInfo
from bidding.services.announcing import (
    announce_entries,
    announce_entries_now,
    announce_registration,
    announce_registration_now,
)
from bidding.services.wording import refusal_message

logger = structlog.get_logger(__name__)

Reply = protocol.BidAccepted | protocol.BidRejected | protocol.BidUnknown

_FAILURES = (RedisError, EngineError, OSError, DatabaseError)

_announcements: set[asyncio.Task[None]] = set()
"""Running announcements; the event loop itself keeps only weak references to tasks."""


async def bid_place(
    *, room: RoomInfo, registration_id: int | None, message: protocol.PlaceBid, channel: str = BidChannel.WEB
) -> Reply:
    """Decide one bid and return the reply for its bidder; the room hears of it by itself.

    The reply is BID_UNKNOWN where the bid was sent to Redis and no answer came: it may have counted, and the
    same id asked again tells.
    """
    if registration_id is None:
        return _counted(_refusal(room, message.id, RefusalCode.NOT_REGISTERED))
    offer = _offer(room, registration_id, message, channel)
    if not isinstance(offer, calls.BidOffer):
        return _counted(offer)
    try:
        decision = await arun(async_floor(), calls.place_bid(room.auction_id, offer), replicas=_replicas())
        if _is_cleaned(decision):
            decision = await database_sync_to_async(stored_answer)(registration_id, offer.bid_id, offer) or decision
    except _FAILURES as error:
        return _counted(_failure(room, message.id, error))
    if decision.entries:
        _beside(announce_entries(room.auction_id, decision.answer.epoch, decision.entries))
    if _is_new_maximum(message, decision):
        _beside(announce_registration(room.auction_id, registration_id))
    return _counted(_reply(room, registration_id, message.id, decision))


def bid_place_now(
    *,
    room: RoomInfo,
    registration_id: int | None,
    message: protocol.PlaceBid,
    channel: str = BidChannel.WEB,
    entered_by: int | None = None,
) -> Reply:
    """Place a bid as `bid_place` does, from synchronous code; `entered_by` is the user who enters it for another."""
    if registration_id is None:
        return _counted(_refusal(room, message.id, RefusalCode.NOT_REGISTERED))
    offer = _offer(room, registration_id, message, channel, entered_by)
    if not isinstance(offer, calls.BidOffer):
        return _counted(offer)
    try:
        decision = run(floor(), calls.place_bid(room.auction_id, offer), replicas=_replicas())
        if _is_cleaned(decision):
            decision = stored_answer(registration_id, offer.bid_id, offer) or decision
    except _FAILURES as error:
        return _counted(_failure(room, message.id, error))
    announce_entries_now(room.auction_id, decision.answer.epoch, decision.entries)
    if _is_new_maximum(message, decision):
        announce_registration_now(room.auction_id, registration_id)
    return _counted(_reply(room, registration_id, message.id, decision))


async def bid_status(*, room: RoomInfo, registration_id: int | None, message: protocol.BidStatus) -> Reply:
    """Return the stored answer of a bid, or BID_UNKNOWN where neither the floor nor the database tells one."""
    if registration_id is None:
        return protocol.BidUnknown(id=message.id)
    call = calls.bid_status(room.auction_id, registration_id=registration_id, bid_id=message.id)
    decision = None
    try:
        with suppress(FloorMissing):
            decision = await arun(async_floor(), call)
        if decision is None:
            decision = await database_sync_to_async(stored_answer)(registration_id, message.id)
    except _FAILURES as error:
        logger.warning("bid_unknown", auction=room.auction_id, error=str(error))
    if decision is None:
        return protocol.BidUnknown(id=message.id)
    return _reply(room, registration_id, message.id, decision)


def _offer(
    room: RoomInfo, registration_id: int, message: protocol.PlaceBid, channel: str, entered_by: int | None = None
) -> calls.BidOffer | protocol.BidRejected:
    amount = parse_amount(message.amount_text, room.currency.exponent)
    if amount is None:
        return _refusal(room, message.id, RefusalCode.BAD_AMOUNT)
    lot_id = _optional(message.lot)
    confirmed = _confirmed(room, registration_id, amount, message)
    if confirmed and lot_id is None:
        lot_id = confirmed[1]
    return calls.BidOffer(
        registration_id=registration_id,
        amount=amount,
        is_maximum=message.max,
        lot_id=lot_id,
        bid_id=_optional(message.id) or "",
        not_after_ms=_optional(message.not_after_ms),
        confirmed_at_ms=confirmed[0] if confirmed and confirmed[1] == lot_id else None,
        channel=channel,
        entered_by=entered_by,
    )


def _counted(reply: Reply) -> Reply:
    match reply:
        case protocol.BidAccepted():
            BIDS["accepted"].inc()
        case protocol.BidRejected():
            # The script may be newer than this process, and a count must never cost a bidder the answer.
            BIDS.get(reply.code, BIDS["other"]).inc()
        case protocol.BidUnknown():
            BIDS["unknown"].inc()
        case _:
            assert_never(reply)
    return reply


def _beside(announcement: Coroutine[Any, Any, None]) -> None:
    """Announce something while the bidder gets the answer: a channel layer that hangs must not hold up a bid."""
    task = asyncio.create_task(announcement)
    _announcements.add(task)
    task.add_done_callback(_announcements.discard)


def _is_new_maximum(message: protocol.PlaceBid, decision: BidDecision) -> bool:
    """Say whether the bidder's other pages, wherever they are connected, show another maximum now."""
    return message.max and isinstance(decision.answer, BidAccepted)


def _is_cleaned(decision: BidDecision) -> bool:
    """Say whether only the tombstone answered: the auction is over, and the database knows what became of a bid."""
    return not decision.repeated and decision.answer.epoch == ""


def _replicas() -> int:
    return 1 if settings.BID_DURABILITY == "replica" else 0


def _failure(room: RoomInfo, bid_id: str | UnsetType, error: Exception) -> Reply:
    """Tell what certainly did not count from what may have."""
    if isinstance(error, NotSent | FloorMissing):
        logger.warning("bid_unavailable", auction=room.auction_id, error=str(error))
        return _refusal(room, bid_id, RefusalCode.UNAVAILABLE)
    logger.warning("bid_unknown", auction=room.auction_id, error=str(error))
    return protocol.BidUnknown(id=bid_id)


def _reply(room: RoomInfo, registration_id: int, bid_id: str | UnsetType, decision: BidDecision) -> Reply:
    exponent = room.currency.exponent
    match decision.answer:
        case BidAccepted() as accepted:
            return protocol.BidAccepted(
                id=bid_id,
                lot=accepted.lot_id,
                amount=format_amount(accepted.amount, exponent),
                standing=accepted.standing.value,
                v=accepted.v,
                epoch=accepted.epoch,
                ends_at_ms=accepted.ends_at_ms,
                max_amount=UNSET if accepted.maximum is None else format_amount(accepted.maximum, exponent),
            )
        case BidRejected() as rejected:
            confirm: str | UnsetType = UNSET
            if rejected.code == RefusalCode.TOO_HIGH:
                confirm = _confirmation(room, registration_id, rejected)
            return protocol.BidRejected(
                id=bid_id,
                lot=rejected.lot_id,
                code=rejected.code,
                message=refusal_message(rejected.code, room.currency, rejected),
                v=rejected.v,
                epoch=rejected.epoch,
                minimum_amount=UNSET if rejected.minimum is None else format_amount(rejected.minimum, exponent),
                late_ms=UNSET if rejected.late_ms is None else rejected.late_ms,
                confirm=confirm,
            )
        case _:
            assert_never(decision.answer)


def _refusal(room: RoomInfo, bid_id: str | UnsetType, code: RefusalCode) -> protocol.BidRejected:
    return protocol.BidRejected(id=bid_id, code=code.value, message=refusal_message(code, room.currency))


def _confirmation(room: RoomInfo, registration_id: int, rejected: BidRejected) -> str:
    """Return the token that confirms a jump bid: bound to auction, bidder, lot, kind, amount and the refusal's time."""
    kind = "max" if rejected.is_maximum else "bid"
    return _signed(room, registration_id, rejected.lot_id or 0, kind, rejected.amount, rejected.at_ms)


def _confirmed(room: RoomInfo, registration_id: int, amount: int, message: protocol.PlaceBid) -> tuple[int, int] | None:
    """Return the time of the refusal that a bid confirms and the lot that it was for, or None."""
    at, _, rest = (_optional(message.confirm) or "").partition(".")
    lot, _, _ = rest.partition(".")
    if not all(part.isascii() and part.isdecimal() and len(part) < 16 for part in (at, lot)):
        return None
    expected = _signed(room, registration_id, int(lot), "max" if message.max else "bid", amount, int(at))
    return (int(at), int(lot)) if constant_time_compare(str(message.confirm), expected) else None


def _signed(room: RoomInfo, registration_id: int, lot_id: int, kind: str, amount: int, at_ms: int) -> str:
    text = f"{room.auction_id}:{registration_id}:{lot_id}:{kind}:{amount}:{at_ms}"
    return f"{at_ms}.{lot_id}.{salted_hmac('bidding.jump-bid', text, algorithm='sha256').hexdigest()[:32]}"


def _optional(value: Any) -> Any:
    return None if value is UNSET else value
