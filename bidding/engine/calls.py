"""Builds every call of the engine and parses its reply, without doing any IO (sans-IO).

Amounts are minor units, times milliseconds on Redis' clock. Texts for the public (titles, numbers) are handed
over as they shall appear; the scripts escape them.
"""

import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from bidding.engine.keys import AuctionKeys
from bidding.engine.outcomes import (
    BidAccepted,
    BidDecision,
    BidRejected,
    Done,
    Entry,
    FloorMissing,
    NotDone,
    OwnStanding,
    Pulse,
    Snapshot,
    Standing,
)
from bidding.engine.scripts import Script, script

T = TypeVar("T")

ANSWERS_REMEMBERED = 1_000
"""How many answers are remembered for each bidder of an auction."""
REFUSALS_KEPT = 10_000
"""How many refusals wait for the ledger at most."""
CONFIRMATION_MS = 60_000
"""How long a jump bid may be confirmed."""
FAIR_WARNING_MS = 10_000
"""How long remote bidders have after a fair warning; the picture that they see is seconds old."""
OUTAGE_MS = 5_000
"""A lot whose last seconds nobody on the side of the site has seen is not closed but runs one window more."""


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One script call: what to run, on which keys, with which arguments, and how to read the reply.

    `token` comes back as the first element of the reply, so that a reply of another call is recognised.
    """

    script: Script
    token: str
    keys: tuple[str, ...]
    args: tuple[str | int, ...]
    parse: Callable[[list[Any]], T]


@dataclass(frozen=True, slots=True)
class BidOffer:
    """What a bidder asks for. `confirmed_at_ms` is the time of the refusal that they confirm, if they do."""

    registration_id: int
    amount: int
    is_maximum: bool = False
    lot_id: int | None = None
    bid_id: str = ""
    not_after_ms: int | None = None
    confirmed_at_ms: int | None = None
    channel: str = "web"
    entered_by: int | None = None


@dataclass(frozen=True, slots=True)
class NextLotInfo:
    """The lot that comes next, as the room shows it; `gap_ms` None where the host opens it by hand."""

    lot_id: int
    number: str
    title: str
    image_url: str | None
    gap_ms: int | None


def schedule(auction_id: int, *, epoch: str, exponent: int) -> Call[Done | NotDone]:
    """Begin an auction's log. Harmless where it was begun before."""
    keys = AuctionKeys(auction_id)
    return _command("schedule", (keys.state, keys.tombstone), epoch, exponent)


def go_live(auction_id: int, *, next_lot: NextLotInfo | None) -> Call[Done | NotDone]:
    """Begin the show: AUCTION_LIVE, and LOT_NEXT where a lot waits."""
    keys = AuctionKeys(auction_id)
    return _command("go_live", (keys.state, keys.log), *_next(next_lot), salted=True)


def open_lot(
    auction_id: int,
    *,
    lot_id: int,
    run_id: int,
    number: str,
    title: str,
    image_url: str | None,
    rules: Mapping[str, Any],
    seen_v: int | None = None,
    actor: int | None = None,
) -> Call[Done | NotDone]:
    """Open a lot under frozen rules and resolve its pre-bids: LOT_OPENED.

    Refused while another lot is open, and where the lot before it was closed or reopened after `seen_v`.
    """
    keys = AuctionKeys(auction_id)
    reserve, buy_now, cap = rules["reserve"], rules["buy_now"], rules["cap"]
    return _command(
        "open_lot",
        (
            keys.state,
            keys.log,
            keys.lot,
            keys.offers,
            keys.recent,
            keys.runs,
            keys.catalogue,
            keys.pre_bids(lot_id),
            keys.registrations,
        ),
        lot_id,
        run_id,
        number,
        title,
        image_url or "",
        rules["opening"],
        "" if reserve is None else reserve,
        "" if buy_now is None else buy_now,
        "" if cap is None else cap,
        msgspec.json.encode(rules["increments"]).decode(),
        rules["duration_ms"],
        rules["window_ms"],
        rules["extension_ms"],
        rules["extension_mode"],
        rules["extension_cap"],
        *_desk(seen_v, actor),
        keys.own_pre_bids_stem,
        salted=True,
    )


def close_lot(
    auction_id: int,
    *,
    lot_id: int,
    reason: str,
    next_lot: NextLotInfo | None,
    seen_v: int | None = None,
    actor: int | None = None,
) -> Call[Done | NotDone]:
    """Close the current lot: LOT_CLOSED, then LOT_NEXT.

    Reason `time` needs the end to have passed, `hammer` a fair warning some seconds ago, `withdrawn` nothing.
    Refused with `not_due`, `already_closed` or `wrong_lot`; all three are harmless to a closer.
    """
    keys = AuctionKeys(auction_id)
    return _command(
        "close_lot",
        (keys.state, keys.log, keys.lot, keys.won),
        lot_id,
        reason,
        *_next(next_lot),
        *_desk(seen_v, actor),
        OUTAGE_MS,
        salted=True,
    )


def pause_lot(
    auction_id: int, *, lot_id: int, reason: str, seen_v: int | None = None, actor: int | None = None
) -> Call[Done | NotDone]:
    """Stop the clock of the open lot and keep what was left: LOT_PAUSED."""
    return _desk_command("pause_lot", auction_id, lot_id, seen_v, actor, reason)


def resume_lot(
    auction_id: int, *, lot_id: int, seen_v: int | None = None, actor: int | None = None
) -> Call[Done | NotDone]:
    """Let a paused lot run again, with at least its window left: LOT_RESUMED."""
    return _desk_command("resume_lot", auction_id, lot_id, seen_v, actor)


def extend_lot(
    auction_id: int, *, lot_id: int, added_ms: int, seen_v: int | None = None, actor: int | None = None
) -> Call[Done | NotDone]:
    """Move the end of the open lot by hand: LOT_EXTENDED. It counts against no cap."""
    return _desk_command("extend_lot", auction_id, lot_id, seen_v, actor, added_ms)


def fair_warning(
    auction_id: int, *, lot_id: int, seen_v: int | None = None, actor: int | None = None
) -> Call[Done | NotDone]:
    """Warn that the hammer may fall, at the earliest after FAIR_WARNING_MS: FAIR_WARNING."""
    return _desk_command("fair_warning", auction_id, lot_id, seen_v, actor, FAIR_WARNING_MS)


def void_bid(
    auction_id: int,
    *,
    lot_id: int,
    registration_id: int,
    place: tuple[int, int] | None,
    reason: str,
    seen_v: int | None = None,
    actor: int | None = None,
) -> Call[Done | NotDone]:
    """Take one offer of a bidder back; price and leader follow from the rest: BID_VOIDED.

    `place` is its version and sub-number in the log; None means the latest that still stands.
    """
    keys = AuctionKeys(auction_id)
    more = (keys.offers, keys.recent)
    named = "" if place is None else f"{place[0]},{place[1]}"
    return _desk_command("void_bid", auction_id, lot_id, seen_v, actor, registration_id, named, reason, more=more)


def reopen_lot(
    auction_id: int, *, lot_id: int, reason: str, seen_v: int | None = None, actor: int | None = None
) -> Call[Done | NotDone]:
    """Take a provisional result back and let the lot run again: LOT_REOPENED.

    With the reason `reserve_waived` the lot has no reserve from then on.
    """
    keys = AuctionKeys(auction_id)
    return _desk_command("reopen_lot", auction_id, lot_id, seen_v, actor, reason, more=(keys.won,))


def take_rostrum(auction_id: int, *, actor: int) -> Call[Done | NotDone]:
    """Put one person on the rostrum; from then on the desk takes commands from them alone."""
    keys = AuctionKeys(auction_id)
    return _command("take_rostrum", (keys.state, keys.log), actor, salted=True)


def set_next_lot(auction_id: int, *, next_lot: NextLotInfo | None) -> Call[Done | NotDone]:
    """Announce which lot comes next, and whether by itself: LOT_NEXT, where it differs from what was announced."""
    keys = AuctionKeys(auction_id)
    return _command("set_next_lot", (keys.state, keys.log), *_next(next_lot), salted=True)


def take_break(
    auction_id: int, *, length_ms: int, next_lot: NextLotInfo | None, actor: int | None = None
) -> Call[Done | NotDone]:
    """Say that the show takes a break between lots: INTERVAL, then LOT_NEXT, which opens by itself when it is over."""
    keys = AuctionKeys(auction_id)
    who = "" if actor is None else actor
    return _command("take_break", (keys.state, keys.log, keys.lot), length_ms, who, *_next(next_lot), salted=True)


def end_auction(auction_id: int) -> Call[Done | NotDone]:
    """End the show: AUCTION_ENDED. Refused while a lot is open."""
    keys = AuctionKeys(auction_id)
    return _command("end_auction", (keys.state, keys.log, keys.lot), salted=True)


def cancel_auction(auction_id: int, *, reason: str) -> Call[Done | NotDone]:
    """Call the show off: an open lot is withdrawn, then AUCTION_CANCELLED."""
    keys = AuctionKeys(auction_id)
    return _command("cancel_auction", (keys.state, keys.log, keys.lot, keys.won), reason, salted=True)


def set_registration(
    auction_id: int,
    *,
    registration_id: int,
    paddle: int,
    status: str,
    spending_limit: int | None,
    barred: bool,
) -> Call[Done | NotDone]:
    """Tell the floor of a bidder, or of a change of their status or limit."""
    keys = AuctionKeys(auction_id)
    return _command(
        "set_registration",
        (keys.state, keys.registrations),
        registration_id,
        paddle,
        status,
        "" if spending_limit is None else spending_limit,
        1 if barred else 0,
    )


def set_lot(
    auction_id: int,
    *,
    lot_id: int,
    opening: int | None,
    buy_now: int | None = None,
    cap: int | None = None,
    over_run_id: int | None = None,
) -> Call[Done | NotDone]:
    """Tell the floor of a pending lot, so that it takes pre-bids; `opening` None where it is no longer offered.

    `over_run_id` is the lot's last run that is known to be over: what is offered again takes pre-bids again.
    """
    keys = AuctionKeys(auction_id)
    facts = (
        "" if opening is None else msgspec.json.encode({"opening": opening, "buy_now": buy_now, "cap": cap}).decode()
    )
    over = "" if over_run_id is None else over_run_id
    return _command("set_lot", (keys.state, keys.catalogue, keys.lot), lot_id, facts, over)


def place_bid(auction_id: int, offer: BidOffer) -> Call[BidDecision]:
    """Decide one bid. The reply is final for the bid's id, however often it is asked."""
    keys = AuctionKeys(auction_id)
    token = secrets.token_hex(8)
    return Call(
        script("place_bid"),
        token,
        (
            keys.state,
            keys.log,
            keys.lot,
            keys.offers,
            keys.recent,
            keys.refusals,
            keys.tombstone,
            keys.registrations,
            keys.answers(offer.registration_id),
            keys.answer_ids(offer.registration_id),
            keys.won,
            keys.catalogue,
            keys.pre_bids(offer.lot_id or 0),
            keys.own_pre_bids(offer.registration_id),
        ),
        (
            token,
            os.urandom(32).hex(),
            offer.registration_id,
            offer.bid_id,
            "" if offer.lot_id is None else offer.lot_id,
            offer.amount,
            "max" if offer.is_maximum else "bid",
            "" if offer.not_after_ms is None else offer.not_after_ms,
            "" if offer.confirmed_at_ms is None else offer.confirmed_at_ms,
            offer.channel,
            "" if offer.entered_by is None else offer.entered_by,
            ANSWERS_REMEMBERED,
            REFUSALS_KEPT,
            CONFIRMATION_MS,
        ),
        _read_decision,
    )


def bid_status(auction_id: int, *, registration_id: int, bid_id: str) -> Call[BidDecision | None]:
    """Read the stored answer of a bid; None where the floor remembers none."""
    keys = AuctionKeys(auction_id)
    token = secrets.token_hex(8)
    return Call(
        script("bid_status"),
        token,
        (keys.state, keys.answers(registration_id)),
        (token, bid_id),
        lambda reply: None if reply == [0] else _read_decision(reply),
    )


def snapshot(auction_id: int, *, registration_id: int | None = None) -> Call[Snapshot]:
    """Read the live state at one version, with what concerns one bidder."""
    keys = AuctionKeys(auction_id)
    token = secrets.token_hex(8)

    def parse(reply: list[Any]) -> Snapshot:
        values = _decoded(reply)
        _expect_floor(values)
        epoch, v, now, status, lot, next_lot, recent, own = values
        return Snapshot(
            epoch,
            int(v),
            int(now),
            status,
            lot or None,
            next_lot or None,
            tuple(recent),
            None
            if not own
            else OwnStanding(
                registration_id or 0,
                int(own[0]),
                own[1],
                own[2] == "1",
                own[3] == "1",
                _number(own[4]),
                {int(lot_id): int(maximum) for lot_id, maximum in zip(own[5::2], own[6::2], strict=True)},
            ),
        )

    return Call(
        script("snapshot"),
        token,
        (
            keys.state,
            keys.lot,
            keys.recent,
            keys.registrations,
            keys.own_pre_bids(registration_id or 0),
            keys.catalogue,
        ),
        (token, registration_id or 0),
        parse,
    )


def pulse(auction_id: int) -> Call[Pulse]:
    """Read what the clock needs: status, current lot, its end, and what opens next."""
    keys = AuctionKeys(auction_id)
    token = secrets.token_hex(8)

    def parse(reply: list[Any]) -> Pulse:
        values = _decoded(reply)
        _expect_floor(values)
        epoch, v, now, status, lot, lot_status, ends, closed, next_lot, opens, rostrum = values
        return Pulse(
            epoch,
            int(v),
            int(now),
            status,
            _number(lot),
            lot_status,
            _number(ends),
            _number(closed),
            _number(next_lot),
            _number(opens),
            _number(rostrum),
        )

    return Call(script("pulse"), token, (keys.state, keys.lot), (token,), parse)


def rebuild(
    auction_id: int,
    *,
    epoch: str,
    exponent: int,
    v: int,
    s: int,
    status: str,
    latest_ms: int,
    over: tuple[int, int] | None,
    rest: Mapping[str, Any],
) -> Call[Done | NotDone]:
    """Write a lost auction's live state anew under a new epoch: REBUILT.

    `v` and `s` are the last version that the database holds, `latest_ms` the latest time in it, `rest` the hashes
    and lists of `rebuild.lua`. `over` is the place of the live state that is written over, None where there is none:
    refused where it is another meanwhile.
    """
    keys = AuctionKeys(auction_id)
    return _command(
        "rebuild",
        (
            keys.state,
            keys.log,
            keys.lot,
            keys.offers,
            keys.recent,
            keys.runs,
            keys.registrations,
            keys.catalogue,
            keys.won,
            keys.tombstone,
        ),
        epoch,
        exponent,
        v,
        s,
        status,
        latest_ms,
        "" if over is None else f"{over[0]},{over[1]}",
        msgspec.json.encode(rest).decode(),
        salted=True,
    )


def clean_up(
    auction_id: int, *, stored_v: int, registration_ids: Sequence[int], lot_ids: Sequence[int], tombstone_s: int
) -> Call[Done | NotDone]:
    """Remove an ended auction's keys and leave a tombstone. Refused unless `stored_v` is the log's head."""
    keys = AuctionKeys(auction_id)
    people = [
        key
        for registration_id in registration_ids
        for key in (
            keys.own_pre_bids(registration_id),
            keys.answers(registration_id),
            keys.answer_ids(registration_id),
        )
    ]
    return _command(
        "clean_up",
        (
            keys.state,
            keys.tombstone,
            keys.refusals,
            keys.log,
            keys.lot,
            keys.offers,
            keys.recent,
            keys.registrations,
            keys.catalogue,
            keys.won,
            keys.runs,
            *people,
            *(keys.pre_bids(lot_id) for lot_id in lot_ids),
        ),
        stored_v,
        tombstone_s,
    )


def _command(name: str, keys: tuple[str, ...], *args: str | int, salted: bool = False) -> Call[Done | NotDone]:
    token = secrets.token_hex(8)
    salt = (os.urandom(32).hex(),) if salted else ()
    return Call(script(name), token, keys, (token, *salt, *args), _read_command)


def bury(auction_id: int, *, tombstone_s: int) -> Call[Done | NotDone]:
    """Leave the tombstone of an auction that is over in the database and whose keys Redis lost."""
    keys = AuctionKeys(auction_id)
    return _command("bury", (keys.state, keys.tombstone), tombstone_s)


def _desk(seen_v: int | None, actor: int | None) -> tuple[str | int, str | int]:
    return ("" if seen_v is None else seen_v, "" if actor is None else actor)


def _desk_command(
    name: str,
    auction_id: int,
    lot_id: int,
    seen_v: int | None,
    actor: int | None,
    *args: str | int,
    more: tuple[str, ...] = (),
) -> Call[Done | NotDone]:
    keys = AuctionKeys(auction_id)
    return _command(name, (keys.state, keys.log, keys.lot, *more), lot_id, *_desk(seen_v, actor), *args, salted=True)


def _next(lot: NextLotInfo | None) -> tuple[str | int, ...]:
    if lot is None:
        return ("", "", "", "", "")
    gap = "" if lot.gap_ms is None else lot.gap_ms
    return (lot.lot_id, lot.number, lot.title, lot.image_url or "", gap)


def _read_command(reply: list[Any]) -> Done | NotDone:
    values = _decoded(reply)
    _expect_floor(values)
    code, epoch, v, now, *entries = values
    if code != "ok":
        return NotDone(code, int(v), epoch, int(now))
    return Done(int(v), epoch, int(now), _entries(entries))


def _read_decision(reply: list[Any]) -> BidDecision:
    values = _decoded(reply)
    _expect_floor(values)
    freshness, epoch, answer, *entries = values
    return BidDecision(read_answer(answer, epoch), freshness == "repeat", _entries(entries))


def read_answer(text: str, epoch: str) -> BidAccepted | BidRejected:
    """Return the typed form of an answer as the scripts write and remember it; `epoch` for one that has none."""
    stored: dict[str, Any] = msgspec.json.decode(text)
    code = stored["code"]
    if code == "ok":
        return BidAccepted(
            lot_id=stored["lot"],
            amount=stored["amount"],
            v=stored["v"],
            epoch=stored.get("epoch", epoch),
            standing=Standing(stored["standing"]),
            ends_at_ms=stored["ends"],
            maximum=stored.get("max"),
            at_ms=stored["at"],
        )
    return BidRejected(
        code=code,
        amount=stored.get("amount", 0),
        is_maximum=stored.get("kind") == "max",
        lot_id=stored.get("lot"),
        v=stored["v"],
        epoch=stored.get("epoch", epoch),
        minimum=stored.get("minimum"),
        price=stored.get("price"),
        late_ms=stored.get("late"),
        at_ms=stored["at"],
    )


def _entries(flat: Sequence[Any]) -> tuple[Entry, ...]:
    return tuple(Entry(int(v), text) for v, text in zip(flat[::2], flat[1::2], strict=True))


def _expect_floor(values: Sequence[Any]) -> None:
    if values[0] == "missing":
        raise FloorMissing("Redis has no state of this auction")


def _decoded(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    return value


def _number(value: str) -> int | None:
    return int(value) if value else None
