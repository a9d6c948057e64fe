"""Builds what one seat is told of the whole room: STATE, RESUMED and YOU.

Pure. The lot, the next lot and the bids stay the texts that the engine wrote.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import msgspec
from msgspec import UNSET, Raw

from auctions.money import format_amount
from bidding import protocol
from bidding.engine.outcomes import Snapshot
from bidding.protocol import ChatLine
from bidding.room.entrance import Resting, Visitor
from bidding.selectors import RoomInfo


@dataclass(frozen=True, slots=True)
class Talk:
    """The chat as those who hear it begin with."""

    lines: Sequence[ChatLine]
    settings: protocol.ChatSettings


class _LotFacts(msgspec.Struct):
    id: int
    leader: protocol.Leader | None


def leader_of(snapshot: Snapshot) -> tuple[int | None, int | None]:
    """Return a snapshot's lot and the paddle that leads it."""
    if snapshot.lot is None:
        return None, None
    lot = msgspec.json.decode(snapshot.lot, type=_LotFacts)
    return lot.id, lot.leader.paddle if lot.leader else None


def resting_snapshot(rest: Resting, now_ms: int) -> Snapshot:
    """Return the snapshot of an auction without live state."""
    return Snapshot(rest.epoch, rest.v, now_ms, rest.status, None, None)


def you(
    visitor: Visitor, snapshot: Snapshot, info: RoomInfo, mute: tuple[bool, int | None] = (False, None)
) -> protocol.You:
    """Return the receiver's own part. Their maximum is known where the snapshot was read for them."""
    is_muted, muted_until_ms = mute
    _, leader = leader_of(snapshot)
    leads = leader is not None and leader == visitor.paddle
    maximum = None
    if leads and snapshot.own is not None and snapshot.own.registration_id == visitor.registration_id:
        maximum = snapshot.own.maximum
    reason = visitor.reason
    return protocol.You(
        signed_in=visitor.user_id is not None,
        paddle=visitor.paddle,
        leading=leads,
        max_amount=None if maximum is None else format_amount(maximum, info.currency.exponent),
        can_bid=reason is None,
        reason=None if reason is None else reason.value,
        muted=is_muted,
        muted_until_ms=muted_until_ms,
    )


def state(
    *,
    info: RoomInfo,
    snapshot: Snapshot,
    own: protocol.You,
    now_ms: int,
    people: int,
    talk: Talk | None,
) -> protocol.State:
    """Return STATE at the snapshot's version."""
    return protocol.State(
        v=snapshot.v,
        epoch=snapshot.epoch,
        server_time_ms=now_ms,
        auction=protocol.AuctionPart(
            id=info.auction_id,
            title=info.title,
            status=snapshot.status,
            currency=info.currency.code,
            stream=info.stream,
            starts_at_ms=info.starts_at_ms,
            is_rehearsal=info.is_rehearsal,
        ),
        # Encoding writes raw texts as they are, whatever the field's declared type.
        lot=cast("Any", _raw(snapshot.lot)),
        next=cast("Any", _raw(snapshot.next)),
        recent_bids=cast("Any", [_raw(bid) for bid in snapshot.recent_bids]),
        participants=protocol.Participants(count=people),
        you=own,
        chat=UNSET if talk is None else list(talk.lines),
        chat_settings=UNSET if talk is None else talk.settings,
    )


def resumed(
    *,
    snapshot: Snapshot,
    events: Sequence[bytes],
    own: protocol.You,
    now_ms: int,
    people: int,
    talk: Talk | None,
) -> protocol.Resumed:
    """Return RESUMED up to the snapshot's version, with `events` as they travel."""
    return protocol.Resumed(
        v=snapshot.v,
        epoch=snapshot.epoch,
        server_time_ms=now_ms,
        events=[Raw(event) for event in events],
        participants=protocol.Participants(count=people),
        you=own,
        chat=UNSET if talk is None else list(talk.lines),
        chat_settings=UNSET if talk is None else talk.settings,
    )


def _raw(text: str | None) -> Raw | None:
    return None if text is None else Raw(text.encode())
