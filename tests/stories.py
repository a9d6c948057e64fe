"""Random shows on the real services and engine, and what a seat may hear of them: made for comparing pictures.

A story is what happened: the public events in order, and STATE after every step as the room builds it. A hearing is
one way in which a seat may be told of it, as the hub tells: merged, late, twice, with gaps that RESUMED closes.
"""

import contextlib
import itertools
import json
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import redis
from django.utils import timezone

from auctions.errors import Refused
from auctions.models import Auction, AuctionStatus, Lot
from bidding import protocol
from bidding.engine.keys import AuctionKeys
from bidding.ledger import Ledger
from bidding.models import Bid
from bidding.room import state
from bidding.room.conflation import conflated
from bidding.room.entrance import Visitor
from bidding.selectors import RoomInfo, room_info, snapshot_now
from bidding.services import (
    auction_advance,
    auction_cancel,
    auction_end,
    auction_go_live,
    auction_rebuild,
    auction_schedule,
    bid_void,
    lot_close_due,
    lot_extend,
    lot_hammer,
    lot_open,
    lot_pause,
    lot_reopen,
    lot_resume,
    lot_warn,
    lot_withdraw,
    offer_void,
    registration_create,
)
from bidding.tests.conftest import Show
from bidding.tests.evenings import Evening
from bidding.tests.test_a_show import bid

Message = dict[str, Any]
_numbers = itertools.count(1)


@dataclass
class Moment:
    """A version at which the room was looked at: STATE, RESUMED without its events, and YOU, each for one visitor."""

    v: int
    state: Message
    resumed: Message
    you: Message
    bids: list[Message]
    """Every bid of the lot that counts, newest first; STATE has the first twenty."""


@dataclass
class Chapter:
    """One epoch: its moments in order, and its events by their versions."""

    epoch: str
    moments: list[Moment] = field(default_factory=list)
    events: dict[int, str] = field(default_factory=dict)


@dataclass
class Told:
    """A message to a seat, and what it must make of it: the moment that it shows, and whether something is missing.

    None where that is not settled: in the middle of what one command did, and while what is missing comes by itself.
    """

    message: Message
    moment: Moment | None = None
    missing: bool | None = None
    own_is_new: bool = False
    """One's own part was told of a later version than the room's."""


# --- What happens -------------------------------------------------------------------------------------


class Story:
    """A show of three lots and three bidders, in which chance decides what is done next."""

    def __init__(self, first: Show, floor: redis.Redis, chance: random.Random) -> None:
        """Schedule a show like the first one, with the same people."""
        self.floor = floor
        self.chance = chance
        self.show = self._another(first)
        self.evening = Evening(self.show)
        info = room_info(self.show.auction.pk)
        assert isinstance(info, RoomInfo)
        self.info = info
        bidder = chance.choice([None, *self.show.bidders])
        self.visitor = Visitor()
        if bidder is not None:
            self.visitor = Visitor(user_id=1, registration_id=bidder.pk, paddle=bidder.paddle, status=bidder.status)
        self.chapters: list[Chapter] = []
        self.look()

    def play(self, steps: int) -> list[Chapter]:
        """Let so many things happen, whatever is refused, and end the show perhaps."""
        if self.chance.random() < 0.9:
            self._try(lambda: auction_go_live(auction=self.show.auction, actor=self.show.host))
        for _ in range(steps):
            self._try(self.chance.choice(self._commands()))
        if self.chance.random() < 0.5:
            self._try(lambda: lot_withdraw(lot=self._current(), actor=self.show.host))
            self._try(lambda: auction_end(auction=self.show.auction, actor=self.show.host))
        return self.chapters

    def close(self) -> None:
        """Take the show off the floor, so that it costs the next one nothing."""
        Auction.objects.filter(pk=self.show.auction.pk).update(
            status=AuctionStatus.ENDED, cleaned_at=timezone.now(), archived_at=timezone.now()
        )

    def look(self) -> None:
        """Take down what was logged since, and STATE as it is now."""
        snapshot = snapshot_now(self.show.auction.pk, self.visitor.registration_id)
        if not self.chapters or self.chapters[-1].epoch != snapshot.epoch:
            self.chapters.append(Chapter(snapshot.epoch))
        chapter = self.chapters[-1]
        after = chapter.moments[-1].v if chapter.moments else 0
        entries: Any = self.floor.xrange(AuctionKeys(self.show.auction.pk).log, min=f"{after + 1}-0")
        for entry_id, fields in entries:
            if fields[b"public"]:
                chapter.events[int(entry_id.partition(b"-")[0])] = fields[b"public"].decode()
        own = state.you(self.visitor, snapshot, self.info)
        common: Any = {
            "snapshot": snapshot,
            "own": own,
            "now_ms": snapshot.now_ms,
            "people": 7,
            "talk": state.Talk([], protocol.ChatSettings(slow_mode_ms=0)),
        }
        chapter.moments.append(
            Moment(
                v=snapshot.v,
                state=_plain(state.state(info=self.info, **common)),
                resumed=_plain(state.resumed(events=[], **common)),
                you=_plain(protocol.YouChanged(you=own, v=snapshot.v, epoch=snapshot.epoch)),
                bids=[json.loads(text) for text in self.floor.lrange(AuctionKeys(self.show.auction.pk).recent, 0, -1)],
            )
        )

    def _try(self, command: Callable[[], object]) -> None:
        with contextlib.suppress(Refused):
            command()
        self.look()

    def _commands(self) -> list[Callable[[], object]]:
        host, auction, chance = self.show.host, self.show.auction, self.chance
        return [
            *[self._bid] * 14,
            *[self._bid_up_to] * 8,
            *[self._open_after_pre_bids] * 3,
            *[self._void] * 3,
            *[lambda: self.evening.wait(chance.choice([500, 4_000, 12_000]))] * 3,
            *[self._run_out] * 2,
            *[lambda: lot_open(lot=chance.choice(self.show.lots), actor=host)] * 4,
            lambda: lot_pause(lot=self._current(), actor=host, reason="camera"),
            *[lambda: lot_resume(lot=self._current(), actor=host)] * 3,
            lambda: lot_extend(lot=self._current(), actor=host, added_ms=7_000),
            *[lambda: lot_warn(lot=self._current(), actor=host)] * 2,
            self._hammer,
            lambda: lot_withdraw(lot=self._current(), actor=host),
            *[lambda: lot_reopen(lot=self._current(), actor=host, reason="dispute")] * 2,
            lambda: auction_advance(auction=auction),
            self._rebuild,
            *(
                [lambda: auction_cancel(auction=auction, actor=host, reason="illness")]
                if chance.random() < 0.05
                else []
            ),
        ]

    def _current(self) -> Lot:
        known = self.floor.hget(AuctionKeys(self.show.auction.pk).lot, "id")
        return Lot.objects.get(pk=int(known)) if known else self.show.lots[0]

    def _bid(self, **fields: Any) -> None:
        self._keep_going()
        shown = self.chapters[-1].moments[-1].state["lot"]
        least = float(shown["minimum_amount"]) if shown else 10.0
        amount = least + self.chance.choice([-1, 0, 0, 0, 2.5, 10])
        bid(self.show, self.chance.randrange(3), f"{max(amount, 1):.2f}", id=str(uuid.uuid4()), **fields)

    def _bid_up_to(self) -> None:
        named = self.chance.choice([None, None, None, *self.show.lots])
        self._bid(max=True, **({} if named is None else {"lot": named.pk}))

    def _open_after_pre_bids(self) -> None:
        lot, host = self.chance.choice(self.show.lots), self.show.host
        for who in self.chance.sample(range(3), 2):
            bid(self.show, who, self.chance.choice(["10.00", "20.00"]), max=True, lot=lot.pk, id=str(uuid.uuid4()))
        with contextlib.suppress(Refused):
            lot_withdraw(lot=self._current(), actor=host)
        self.look()
        lot_open(lot=lot, actor=host)

    def _keep_going(self) -> None:
        """Mostly see to it that a lot takes bids."""
        lot = self.chapters[-1].moments[-1].state["lot"]
        if self.chance.random() < 0.2 or (lot and lot["status"] == "open"):
            return
        with contextlib.suppress(Refused):
            if lot and lot["status"] == "paused":
                lot_resume(lot=self._current(), actor=self.show.host)
            elif self.chance.random() < 0.5:
                self._open_after_pre_bids()
            else:
                lot_open(lot=self.chance.choice(self.show.lots), actor=self.show.host)
        self.look()

    def _void(self) -> None:
        self._store()
        lot, host = self._current(), self.show.host
        bids = list(Bid.objects.filter(run__lot=lot, voided_at_v=None))
        if bids and self.chance.random() < 0.7:
            bid_void(bid=self.chance.choice(bids), actor=host, reason="mistake")
        else:
            offer_void(lot=lot, bidder=self.chance.choice(self.show.bidders), actor=host, reason="mistake")

    def _hammer(self) -> None:
        self.evening.wait(10_000)
        lot_hammer(lot=self._current(), actor=self.show.host)

    def _run_out(self) -> None:
        shown = self.chapters[-1].moments[-1].state["lot"]
        if shown and shown["status"] == "open":
            self.evening.wait_until_left(self.chance.choice([0, 2_000]))
        lot_close_due(auction=self.show.auction, lot_id=self._current().pk)

    def _rebuild(self) -> None:
        """Lose the floor, with or without what the ledger had not stored yet, and bring the show back."""
        if self.chance.random() < 0.7:
            self._store()
        self.floor.flushall()
        try:
            auction_rebuild(auction=self.show.auction)
        except Refused:
            # Nothing was stored of it, or it is over: the floor would be asked in vain from now on.
            raise Over from None

    def _store(self) -> None:
        while Ledger().store_all():
            pass

    def _another(self, first: Show) -> Show:
        number = next(_numbers)
        auction = Auction.objects.create(
            organizer=first.auction.organizer,
            terms=first.auction.terms,
            title=f"Story {number}",
            slug=f"story-{number}",
            gap_ms=self.chance.choice([0, 5_000]),
            created_by=first.host,
        )
        lots = [
            Lot.objects.create(
                auction=auction,
                number=f"{position}A",
                position=position,
                title=f"Lot <{position}>",
                opening_amount=1_000,
                reserve_amount=self.chance.choice([None, 3_000]),
                buy_now_amount=self.chance.choice([None, 6_000]),
                increments=self.chance.choice([[[0, 500]], [[0, 100], [2_000, 700]]]),
                duration_ms=20_000,
                window_ms=10_000,
                extension_ms=10_000,
                extension_mode=self.chance.choice(["add", "reset"]),
                extension_cap=self.chance.choice([0, 2, 20]),
            )
            for position in (1, 2, 3)
        ]
        auction = auction_schedule(auction=auction, actor=first.host)
        bidders = [
            registration_create(auction=auction, user=bidder.user, accept_terms=True)[0]
            for bidder in first.bidders
            if bidder.user is not None
        ]
        return replace(first, auction=auction, lots=lots, bidders=bidders)


class Over(Exception):
    """The floor knows nothing of the show any more."""


def _plain(message: protocol.ServerMessage) -> Message:
    return dict(json.loads(protocol.encode(message)))


# --- What is heard of it ------------------------------------------------------------------------------


def hearing(chapters: list[Chapter], chance: random.Random) -> list[Told]:
    """Return what a seat is told from a random moment on, to the end of the story."""
    first = chance.randrange(len(chapters))
    told: list[Told] = []
    for chapter in chapters[first:]:
        begin = chance.choice(chapter.moments) if not told else chapter.moments[0]
        if told and begin.v in chapter.events and chance.random() < 0.5:
            # The event that says so comes before the new STATE, and nobody can do anything with it.
            told.append(Told(json.loads(chapter.events[begin.v]), missing=True))
        told.append(Told(begin.state, begin, missing=False))
        told += _Seat(chapter, begin, chance).hear()
    return told


class _Seat:
    """Who hears one chapter from a moment on."""

    def __init__(self, chapter: Chapter, begin: Moment, chance: random.Random) -> None:
        self.chapter = chapter
        self.chance = chance
        self.v = self.head = self.own_v = begin.v
        self.end = chapter.moments[-1].v
        self.at = {moment.v: moment for moment in chapter.moments}
        self.told: list[Told] = []

    def hear(self) -> list[Told]:
        """Hear of everything up to the end."""
        ways = [*[self._window] * 5, self._gap, self._overlap, self._late_state, self._you, self._timer]
        while self.v < self.end:
            self.chance.choice(ways)()
        return self.told

    def _say(self, *messages: Message, missing: bool = False) -> None:
        self.told += [Told(message) for message in messages]
        if missing:
            self.told[-1].missing = True
        elif self.v >= self.head:
            self.told[-1].missing = False
            self.told[-1].moment = self.at.get(self.v)
            self.told[-1].own_is_new = self.own_v > self.v

    def _merged(self, first: int, last: int) -> list[Message]:
        return [json.loads(text) for text in conflated(self.chapter.events[v] for v in range(first, last + 1))]

    def _ahead(self, most: int = 8) -> int:
        return min(self.end, self.v + self.chance.randint(1, most))

    def _window(self) -> None:
        """Hear what happened within one window."""
        first, self.v = self.v + 1, self._ahead()
        self._say(*self._merged(first, self.v))

    def _gap(self) -> None:
        """Miss events, hear a later one, ask, and be told from where one was."""
        later = self._ahead()
        self.head = max(self.head, later)
        if later > self.v + 1:
            self._say(json.loads(self.chapter.events[later]), missing=True)
        moment = self.at[min(v for v in self.at if v >= later)]
        events, self.v = self._merged(self.v + 1, moment.v), moment.v
        self._say(moment.resumed | {"events": events})

    def _overlap(self) -> None:
        """Hear again what is known, merged with what is new: RESUMED was quicker than the window."""
        first = max(min(self.chapter.events, default=0), self.v - 4)
        if first + 1 in self.chapter.events and self.v in self.chapter.events:
            last = self._ahead()
            messages = self._merged(first + 1, last)
            self.v = last
            self._say(*messages)

    def _late_state(self) -> None:
        """Hear an answer that crossed with events: an older STATE, or an older RESUMED."""
        older = [moment for moment in self.chapter.moments if moment.v < self.v]
        if older:
            moment = self.chance.choice(older)
            self._say(moment.state if self.chance.random() < 0.5 else moment.resumed)

    def _you(self) -> None:
        """Hear of one's own part, which was read a little earlier or later than what was heard of the room."""
        near = [moment for moment in self.chapter.moments if abs(moment.v - self.v) <= 3]
        if near:
            moment = self.chance.choice(near)
            self.own_v = max(self.own_v, moment.v)
            self._say(moment.you)

    def _timer(self) -> None:
        """Hear a heartbeat, which may know more than one has heard."""
        head = self.chance.choice([self.v, self._ahead()])
        self.head = max(self.head, head)
        epoch = self.chapter.epoch
        timer = {"type": "TIMER", "server_time_ms": 1, "lot": None, "ends_at_ms": None, "v": head, "epoch": epoch}
        self._say(timer, missing=head > self.v)
