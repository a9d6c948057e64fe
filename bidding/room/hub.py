"""The hub: one for each process. It carries what happened from the channel layer and the log to all its seats.

Owns the process' one channel in the layer, the reading of heads, gaps and snapshots, and the checks that run beside:
presence, sessions, slow seats. Rooms keep the order; nothing here knows what an event means.
"""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine, Hashable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final
from weakref import WeakKeyDictionary

import structlog
from channels.layers import get_channel_layer
from django.db import Error as DatabaseError
from django.utils import timezone
from redis.exceptions import RedisError

from auctions.streaming import provider
from auctions.streaming.base import StreamTrouble
from bidding import protocol
from bidding.engine.keys import AuctionKeys
from bidding.engine.outcomes import EngineError, FloorMissing, Snapshot
from bidding.floor import async_floor
from bidding.metrics import GAPS_FILLED, HEARTBEAT_DELAY, HEARTBEATS, ROOMS, SEATS, STATES
from bidding.protocol import CloseCode, Namespace
from bidding.room import state
from bidding.room.clock import RedisClock
from bidding.room.conflation import EVERYBODY, MASKS, conflated
from bidding.room.entrance import (
    Door,
    as_now,
    changed_people,
    holder,
    in_thread,
    renewed,
    resting,
    signed_out,
)
from bidding.room.presence import EVERY_S, Presence
from bidding.room.room import Room
from bidding.room.seats import Places, Seat
from bidding.selectors import RoomInfo, room_snapshot, stream_parts
from bidding.services.announcing import room_group
from bidding.services.chat import (
    LINES_IN_STATE,
    NOT_READ,
    ChatRules,
    chat_rules,
    chat_since,
    recent_chat,
    removed_lines,
    stored_chat,
)

logger = structlog.get_logger(__name__)

HEADS_EVERY_S: Final = 1.0
SESSIONS_EVERY_S: Final = 3.0
PEOPLE_EVERY_S: Final = 3.0
"""How often registrations, invitations and roles are compared, beside each announcement of a registration: that may be
lost, or come before its seat."""
MODERATION_EVERY_S: Final = 3.0
"""How often what moderators decided is read again, beside each announcement of it."""
HINDSIGHT: Final = timedelta(minutes=1)
"""How far back it is looked for lines that were taken away: clocks differ, and a transaction takes its time."""
SLOW_EVERY_S: Final = 0.25
"""How often it is looked whether slow seats have room again."""
GRACE_S: Final = 0.05
"""How long a missing version may still be on its way before it is read from the log."""
RETRY_S: Final = 1.0
SUBSCRIBING_S: Final = 1.0
"""How long the first STATE of a room waits for the channel layer; the log makes up for a later subscription."""
LOOKING_S: Final = 0.25
"""How long the first STATE of a room waits to hear whether pictures arrive; STREAM makes up for it."""
LOG_BATCH: Final = 500
RESUMABLE: Final = 500
"""How many versions back a seat may resume; who missed more gets STATE."""
_AT_ONCE: Final = 200
"""Seats that are given their STATE before others get their turn on the event loop."""

_TROUBLE: Final = (RedisError, EngineError, OSError, TimeoutError)
_AT_REST: Final = frozenset({"draft", "ended", "cancelled"})

_SEATS: Final = {
    mask: SEATS["+".join(namespace for namespace in Namespace if MASKS[namespace] & mask)]
    for mask in range(1, EVERYBODY + 1)
}

_as_now = in_thread(as_now)
_changed_people = in_thread(changed_people)
_chat_rules = in_thread(chat_rules)
_holder = in_thread(holder)
_removed_lines = in_thread(removed_lines)
_resting = in_thread(resting)
_signed_out = in_thread(signed_out)
_stored_chat = in_thread(stored_chat)
_stream_parts = in_thread(stream_parts)

_hubs: "WeakKeyDictionary[asyncio.AbstractEventLoop, Hub]" = WeakKeyDictionary()


def current_hub() -> "Hub":
    """Return the hub of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
    return _hubs[loop]


class Hub:
    """All rooms of one process."""

    def __init__(self) -> None:
        self.clock = RedisClock()
        self.door = Door()
        self.name = secrets.token_hex(6)
        """How this process is called where people are counted."""
        self._rooms: dict[int, Room] = {}
        self._places = Places()
        self._presence = Presence(self.name)
        self._channel: str | None = None
        self._subscribed: set[int] = set()
        self._subscribing = asyncio.Lock()
        self._moderating = asyncio.Lock()
        self._moderators_followed = timezone.now()
        """When it was last read of all rooms what moderators decided."""
        self._loops: list[asyncio.Task[None]] = []
        self._jobs: dict[tuple[str, Hashable], asyncio.Task[None]] = {}
        """What is being done for a room, so that it is not begun twice."""
        self._flushes: dict[Room, asyncio.TimerHandle] = {}
        self._sweeps: dict[Room, asyncio.TimerHandle] = {}

    # --- Coming and going ------------------------------------------------------------------------------

    def enter(self, seat: Seat, info: RoomInfo) -> Room | CloseCode:
        """Give somebody a seat; their STATE or RESUMED follows by itself. A code where there are too many."""
        if not self._places.take(seat):
            return CloseCode.TOO_MANY
        room = self._rooms.get(seat.auction_id)
        if room is None:
            room = self._rooms[seat.auction_id] = Room(info)
            ROOMS.inc()
            self._job("stream", room, lambda: self._look_at((room,)))
        # Whether pictures arrive is not asked at the door.
        room.info = replace(info, stream=room.info.stream)
        room.add(seat)
        _SEATS[seat.mask].inc()
        self._start()
        self.refresh(room, seat)
        return room

    def leave(self, seat: Seat) -> None:
        """Free a seat; the last one of a room ends the room here."""
        if seat.left:
            return
        seat.left = True
        _SEATS[seat.mask].dec()
        room = self._rooms.get(seat.auction_id)
        if room is None:
            return
        room.remove(seat)
        self._places.free(seat)
        if not room:
            del self._rooms[seat.auction_id]
            ROOMS.dec()
            if not self._rooms:
                HEARTBEAT_DELAY.set(0)
            self._forget(room)
            self._job("subscribe", None, self._subscribe)
            self._job("empty", seat.auction_id, lambda: self._count_out(seat.auction_id))

    def refresh(self, room: Room, seat: Seat) -> None:
        """Give a seat STATE, or the events that it asked for."""
        room.hold(seat)
        self._refresh_later(room)

    async def now_ms(self) -> int:
        """Return Redis' time, read now if it never was; this machine's own while Redis cannot be asked."""
        if not self.clock.is_set:
            await self.read_time()
        return self.clock.now_ms()

    async def read_time(self) -> None:
        """Compare the clock with Redis', where that can be asked; the beat of rooms does so by itself."""
        with suppress(*_TROUBLE):
            await self._read_time()

    async def close(self) -> None:
        """Stop everything; seats are not told."""
        tasks = [*self._loops, *self._jobs.values()]
        self._loops, self._jobs = [], {}
        for room in tuple(self._rooms.values()):
            self._forget(room)
        ROOMS.dec(len(self._rooms))
        self._rooms.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._channel = None
        self._subscribed.clear()

    # --- The channel layer -----------------------------------------------------------------------------

    def _start(self) -> None:
        if not self._loops:
            for seconds, work in (
                (HEADS_EVERY_S, self._beat),
                (EVERY_S, self._count_everybody),
                (SESSIONS_EVERY_S, self._check_sessions),
                (PEOPLE_EVERY_S, self._check_people),
                (MODERATION_EVERY_S, self._check_moderators),
                (provider().look_every_s, self._look_at_streams),
            ):
                self._loops.append(asyncio.create_task(_every(seconds, work)))
        if self._subscribed != self._rooms.keys():
            self._job("subscribe", None, self._subscribe)

    async def _subscribe(self) -> None:
        """Listen to the rooms that have seats here, and to no other."""
        layer: Any = get_channel_layer()
        async with self._subscribing:
            if self._channel is None:
                self._channel = await layer.new_channel("hub")
                self._loops.append(asyncio.create_task(self._listen(layer, self._channel)))
            while self._subscribed != self._rooms.keys():
                for auction_id in self._rooms.keys() - self._subscribed:
                    await layer.group_add(room_group(auction_id), self._channel)
                    self._subscribed.add(auction_id)
                for auction_id in self._subscribed - self._rooms.keys():
                    await layer.group_discard(room_group(auction_id), self._channel)
                    self._subscribed.discard(auction_id)

    async def _listen(self, layer: Any, channel: str) -> None:
        while True:
            try:
                message: dict[str, Any] = await layer.receive(channel)
                self._hear(message)
            except Exception:  # one odd message must not deafen the process
                logger.exception("announcement_not_understood")

    def _hear(self, message: dict[str, Any]) -> None:
        room = self._rooms.get(message["auction"])
        if room is None:
            return
        match message["type"]:
            case "room.entries":
                room.take(message["epoch"], ((v, text) for v, text in message["entries"]))
                self._carry_on(room)
            case "room.signal":
                namespace = message["namespace"]
                is_urgent = room.signal(Namespace(namespace) if namespace else None, message["text"])
                self._carry_on(room, at_once=is_urgent)
                if is_urgent and room.heartbeat_ms is not None:
                    HEARTBEATS.inc()
                    HEARTBEAT_DELAY.set(max(0.0, (self.clock.now_ms() - room.heartbeat_ms) / 1000))
            case "room.you":
                registration_id = int(message["registration"])
                # Never merged with one that runs: that one may have read what was before.
                self._job("you", object(), lambda: self._registration_changed(room, registration_id))
            case "room.chat":
                self._job("moderators", object(), lambda: self._follow_moderators((room,)))
            case _:
                pass

    def _carry_on(self, room: Room, *, at_once: bool = False) -> None:
        """Do what a room needs after something arrived."""
        delay = room.flush_delay()
        if delay is not None:
            self._flush_in(room, 0.0 if at_once else delay)
        if room.has_gap:
            self._job("fill", room, lambda: self._fill(room))
        if room.waiting:
            self._look_after_slow(room)

    def _flush_in(self, room: Room, delay: float) -> None:
        waiting = self._flushes.pop(room, None)
        if waiting is not None:
            waiting.cancel()
        if delay > 0:
            self._flushes[room] = asyncio.get_running_loop().call_later(delay, self._flush, room)
        else:
            self._flush(room)

    def _flush(self, room: Room) -> None:
        self._flushes.pop(room, None)
        room.flush()
        if room.waiting:
            self._look_after_slow(room)
        if room.concerned:
            # Not before the event itself was sent.
            paddles, room.concerned = room.concerned, set()
            self._job("own", object(), lambda: self._tell_concerned(room, paddles))

    # --- Gaps and heads --------------------------------------------------------------------------------

    async def _beat(self) -> None:
        """Compare each room with Redis: versions, epoch, time. Subscribe again where that failed."""
        if not self._rooms:
            return
        if self._subscribed != self._rooms.keys():
            self._job("subscribe", None, self._subscribe)
        rooms = [(room, room.epoch, room.v) for room in self._rooms.values()]
        pipeline = async_floor().pipeline(transaction=False)
        pipeline.time()
        for room, _, _ in rooms:
            pipeline.hmget(AuctionKeys(room.info.auction_id).state, ["epoch", "v"])
        asked_at = time.monotonic()
        (seconds, microseconds), *heads = await asyncio.shield(pipeline.execute())
        self.clock.observe(seconds * 1000 + microseconds / 1000, asked_at, time.monotonic())
        for (room, epoch_before, v_before), (epoch, v) in zip(rooms, heads, strict=True):
            if epoch is not None and room.epoch is not None and room.epoch == epoch_before:
                if int(v) < v_before:
                    # The floor went back behind what seats were told: what they know is worth nothing.
                    room.begin_anew()
                else:
                    room.learn_head(epoch.decode(), int(v))
                self._carry_on(room)
            if room.waiting:
                self._refresh_later(room)

    async def _read_time(self) -> None:
        asked_at = time.monotonic()
        seconds, microseconds = await asyncio.shield(async_floor().time())
        self.clock.observe(seconds * 1000 + microseconds / 1000, asked_at, time.monotonic())

    async def _fill(self, room: Room) -> None:
        """Read what was not announced from the log."""
        await asyncio.sleep(GRACE_S)
        while room.has_gap and not self._is_gone(room):
            epoch, after = room.epoch, room.v
            entries = await self._log(room.info.auction_id, after)
            if room.epoch != epoch or epoch is None:
                return
            # The log was read after the head was known: what it does not hold was trimmed or lost.
            if room.v == after and (not entries or entries[0][0] > after + 1):
                logger.warning("room_out_of_step", auction=room.info.auction_id, v=after, head=room.head_v)
                room.begin_anew()
                self._refresh_later(room)
                return
            logger.info("room_gap_filled", auction=room.info.auction_id, after=after, versions=len(entries))
            GAPS_FILLED.inc(len(entries))
            room.take(epoch, entries)
            self._carry_on(room)

    async def _log(self, auction_id: int, after: int, up_to: int | None = None) -> list[tuple[int, str]]:
        """Return the public entries after a version, as far as one read goes."""
        raw: Any = await asyncio.shield(
            async_floor().xrange(
                AuctionKeys(auction_id).log,
                min=f"{after + 1}-0",
                max="+" if up_to is None else f"{up_to}-0",
                count=LOG_BATCH,
            )
        )
        return [
            (int(entry_id.partition(b"-")[0]), fields[b"public"].decode())
            for entry_id, fields in raw
            if fields[b"public"]
        ]

    # --- STATE and RESUMED -----------------------------------------------------------------------------

    async def _refresh(self, room: Room) -> None:
        """Give every waiting seat that reads its STATE or RESUMED, from as few reads as possible."""
        auction_id = room.info.auction_id
        if auction_id not in self._subscribed and (subscribing := self._jobs.get(("subscribe", None))):
            await asyncio.wait({subscribing}, timeout=SUBSCRIBING_S)
        if looking := self._jobs.get(("stream", room)):
            await asyncio.wait({looking}, timeout=LOOKING_S)
        if not room.chat.is_loaded:
            await self._load_chat(room)
        while ready := [seat for seat in room.waiting if seat.line.is_clear()]:
            try:
                snapshot = await self._snapshot(room, ready)
                if snapshot is None:
                    return
                log = await self._log_for(room, snapshot, ready)
                if not self.clock.is_set:
                    await self._read_time()
            except _TROUBLE as error:
                # The beat tries again; until then the page shows that it reconnects.
                logger.warning("room_without_state", auction=auction_id, seats=len(ready), error=str(error))
                return
            if room.epoch is None:
                room.begin(snapshot)
            elif room.epoch != snapshot.epoch:
                room.begin_anew()
                room.begin(snapshot)
                continue
            await self._hand_out(room, snapshot, log, ready)
            self._carry_on(room)
        if room.waiting:
            self._look_after_slow(room)

    async def _snapshot(self, room: Room, ready: list[Seat]) -> Snapshot | None:
        """Read the live state, for the leader where they are among those who wait; None where there is none."""
        registrations = {seat.visitor.paddle: seat.visitor.registration_id for seat in ready}
        reader = registrations.get(room.leader) if room.leader is not None else None
        try:
            snapshot = await room_snapshot(room.info.auction_id, reader)
            _, leader = state.leader_of(snapshot)
            if leader is not None and registrations.get(leader) not in (None, reader):
                snapshot = await room_snapshot(room.info.auction_id, registrations[leader])
            return snapshot
        except FloorMissing:
            rest = await _resting(room.info.auction_id)
            if rest is None:
                for seat in room:
                    seat.close(CloseCode.NOT_FOUND)
                return None
            if rest.status not in _AT_REST:
                raise
            return state.resting_snapshot(rest, self.clock.now_ms())

    async def _log_for(self, room: Room, snapshot: Snapshot, ready: list[Seat]) -> dict[int, str]:
        """Read the events that the seats ask for, as far as they are not too many."""
        wanted = [
            since
            for since, epoch in (seat.resume_from for seat in ready if seat.resume_from is not None)
            if epoch == snapshot.epoch and snapshot.v - RESUMABLE <= since < snapshot.v
        ]
        found: dict[int, str] = {}
        after = min(wanted, default=snapshot.v)
        while after < snapshot.v:
            entries = await self._log(room.info.auction_id, after, snapshot.v)
            if not entries:
                break
            found.update(entries)
            after = entries[-1][0]
        return found

    async def _hand_out(self, room: Room, snapshot: Snapshot, log: dict[int, str], ready: list[Seat]) -> None:
        """Send each seat what it waits for, as long as the snapshot is not behind what others were told."""
        resumes: dict[tuple[int, int], list[bytes] | None] = {}
        people, chat = room.count(), room.chat.lines
        for number, seat in enumerate(ready, start=1):
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
                people, chat = room.count(), room.chat.lines
            if snapshot.v < room.sent_v or room.epoch != snapshot.epoch:
                return
            if seat.left or seat not in room.waiting:
                continue
            now_ms = self.clock.now_ms()
            own = self._own(room, seat, snapshot)
            events = _events_for(seat, snapshot, log, resumes)
            talk = state.Talk(chat, room.chat_rules.settings) if seat.mask & MASKS[Namespace.CHAT] else None
            message: protocol.ServerMessage
            if events is None:
                message = state.state(
                    info=room.info, snapshot=snapshot, own=own, now_ms=now_ms, people=people, talk=talk
                )
            else:
                message = state.resumed(
                    snapshot=snapshot, events=events, own=own, now_ms=now_ms, people=people, talk=talk
                )
            if seat.send(message):
                STATES["STATE" if events is None else "RESUMED"].inc()
                seat.is_current, seat.resume_from, seat.slow_since = True, None, None
                room.waiting.discard(seat)

    # --- What concerns one person ----------------------------------------------------------------------

    async def _registration_changed(self, room: Room, registration_id: int) -> None:
        """Tell somebody's seats what changed about their registration."""
        if all(seat.visitor.user_id is None for seat in room):
            return
        user_id = await _holder(room.info.auction_id, registration_id)
        if user_id is not None and any(seat.visitor.user_id == user_id for seat in room):
            await self._person_changed(room, user_id)

    async def _person_changed(self, room: Room, user_id: int | None) -> None:
        """Tell somebody's seats what they are now; a ban closes them, and an auction that is not for them any more."""
        fresh = None if user_id is None else await _as_now(room.info.auction_id, user_id)
        # A board is there by its key, whoever else may see the auction.
        theirs = [seat for seat in room if seat.visitor.user_id == user_id and seat.visitor.board is None]
        if fresh is None:
            for seat in theirs:
                seat.close(CloseCode.NOT_FOUND)
            return
        if not theirs:
            return
        for seat in theirs:
            seat.visitor = renewed(seat.visitor, fresh)
        await self._tell_own_part(room, theirs)
        for seat in theirs:
            if seat.visitor.reason is protocol.RefusalCode.BANNED:
                seat.close(CloseCode.FORBIDDEN)

    async def _tell_concerned(self, room: Room, paddles: Collection[int]) -> None:
        """Send YOU to the holders of these paddles: their own maximum may be another one now."""
        for paddle in paddles:
            if theirs := [seat for seat in room if seat.visitor.paddle == paddle]:
                await self._tell_own_part(room, theirs)

    async def _tell_own_part(self, room: Room, theirs: list[Seat]) -> None:
        """Send YOU to one person's seats."""
        try:
            snapshot = await room_snapshot(room.info.auction_id, theirs[0].visitor.registration_id)
        except (*_TROUBLE, FloorMissing) as error:
            logger.warning("own_part_not_read", auction=room.info.auction_id, error=str(error))
            return
        for seat in theirs:
            own = self._own(room, seat, snapshot)
            room.tell(seat, protocol.YouChanged(you=own, v=snapshot.v, epoch=snapshot.epoch))

    def _own(self, room: Room, seat: Seat, snapshot: Snapshot) -> protocol.You:
        mute = room.chat_rules.mute_of(seat.visitor.user_id, self.clock.now_ms())
        return state.you(seat.visitor, snapshot, room.info, mute)

    async def _check_sessions(self) -> None:
        """Close the seats of those whose sign-in or board's key is over: signed out, run out, revoked, switched off."""
        # As they are known now: what else changes about them meanwhile must not let them stay.
        seated = [(seat, seat.visitor) for room in self._rooms.values() for seat in room]
        asked = [(seat, visitor) for seat, visitor in seated if visitor.user_id or visitor.board]
        if not asked:
            return
        ended = await _signed_out({visitor for _, visitor in asked})
        for seat, visitor in asked:
            if visitor in ended:
                seat.close(CloseCode.SIGNED_OUT)

    async def _check_people(self) -> None:
        """Find who was banned, approved, given a paddle or a role, or lost an invitation or a role."""
        rooms = dict(self._rooms)
        if not rooms:
            return
        seated = {auction_id: {seat.visitor for seat in room} for auction_id, room in rooms.items()}
        for auction_id, user_id in await _changed_people(seated):
            await self._person_changed(rooms[auction_id], user_id)

    # --- Presence and chat -----------------------------------------------------------------------------

    async def _count_everybody(self) -> None:
        """Count the people of all rooms over all processes, and look for chat that was not announced."""
        for room in tuple(self._rooms.values()):
            people = await self._presence.count(room.info.auction_id, room)
            if people != room.people:
                room.people = people
                room.post(None, protocol.ParticipantsChanged(count=people))
            if room.chat.is_loaded:
                for line in await chat_since(room.info.auction_id, room.chat.last_id or "0-0"):
                    if room.chat.add(line):
                        room.post(Namespace.CHAT, protocol.Chat(line=line))
            else:
                await self._load_chat(room)
            self._carry_on(room)

    async def _count_out(self, auction_id: int) -> None:
        if auction_id not in self._rooms:
            await self._presence.count(auction_id, ())

    async def rules_of(self, room: Room) -> ChatRules:
        """Return what moderators decided for a room, read now if it never was; NOT_READ where it cannot be."""
        if room.chat_rules is NOT_READ:
            with suppress(DatabaseError):
                await self._follow_moderators((room,))
        return room.chat_rules

    async def _check_moderators(self) -> None:
        """Follow what moderators decided, also where nobody announced it."""
        begun = timezone.now()
        await self._follow_moderators(tuple(self._rooms.values()))
        self._moderators_followed = begun

    async def _follow_moderators(self, rooms: Collection[Room]) -> None:
        """Read the rules of chats and which of their lines were taken away; tell those whom it concerns."""
        if not rooms:
            return
        # One reading at a time, so that the last one to begin is the last one to count.
        async with self._moderating:
            rules = await _chat_rules([room.info.auction_id for room in rooms])
            windows = {room.info.auction_id: room.chat.ids for room in rooms}
            removed = await _removed_lines(windows, self._moderators_followed - HINDSIGHT)
            for room in rooms:
                await self._obey_moderators(room, rules[room.info.auction_id], removed[room.info.auction_id])

    async def _obey_moderators(self, room: Room, rules: ChatRules, removed: Collection[str]) -> None:
        before, room.chat_rules = room.chat_rules, rules
        if rules.settings != before.settings:
            room.post(Namespace.CHAT, protocol.ChatSettingsChanged(settings=rules.settings))
        for line_id in removed:
            if room.chat.remove(line_id):
                room.post(Namespace.CHAT, protocol.ChatRemoved(id=line_id))
        self._carry_on(room)
        # Mutes that came, went, changed or ran out.
        for user_id in {user_id for user_id, _until in before.muted.items() ^ rules.muted.items()}:
            if theirs := [seat for seat in room if seat.visitor.user_id == user_id]:
                await self._tell_own_part(room, theirs)

    async def _load_chat(self, room: Room) -> None:
        auction_id = room.info.auction_id
        try:
            await self._follow_moderators((room,))
            lines = await recent_chat(auction_id)
            if len(lines) < LINES_IN_STATE:
                # The stream may be younger than the chat: the side server was restarted.
                known = {line.id for line in lines}
                lines = [*(line for line in await _stored_chat(auction_id) if line.id not in known), *lines]
            room.chat.load(lines)
        except (*_TROUBLE, DatabaseError) as error:
            logger.warning("chat_not_read", auction=auction_id, error=str(error))

    # --- The video -------------------------------------------------------------------------------------

    async def _look_at_streams(self) -> None:
        """Ask whether pictures arrive, beside each announcement of it."""
        await self._look_at(tuple(self._rooms.values()))

    async def _look_at(self, rooms: Collection[Room]) -> None:
        """Tell rooms how their video is, where that changed. It waits for nobody, and nobody waits for it."""
        if not rooms:
            return
        try:
            parts = await _stream_parts([room.info.auction_id for room in rooms])
        except (StreamTrouble, DatabaseError) as error:
            logger.warning("streams_not_read", error=str(error))
            return
        for room in rooms:
            part = parts.get(room.info.auction_id)
            if part is not None and part != room.info.stream:
                room.info = replace(room.info, stream=part)
                room.post(None, protocol.Stream(stream=part))
                self._carry_on(room)

    # --- Slow seats ------------------------------------------------------------------------------------

    def _look_after_slow(self, room: Room) -> None:
        if room not in self._sweeps and any(seat.slow_since is not None for seat in room.waiting):
            self._sweeps[room] = asyncio.get_running_loop().call_later(SLOW_EVERY_S, self._sweep, room)

    def _sweep(self, room: Room) -> None:
        """Give slow seats that read again the newest state, and let those go that do not."""
        self._sweeps.pop(room, None)
        has_room = False
        for seat in tuple(room.waiting):
            if seat.line.is_clear():
                has_room = True
            elif seat.is_lost():
                logger.info("slow_seat_let_go", auction=seat.auction_id)
                seat.close(CloseCode.TOO_SLOW)
                room.waiting.discard(seat)
        if has_room:
            self._refresh_later(room)
        self._look_after_slow(room)

    # --- Inside ----------------------------------------------------------------------------------------

    def _is_gone(self, room: Room) -> bool:
        return self._rooms.get(room.info.auction_id) is not room

    def _forget(self, room: Room) -> None:
        for timers in (self._flushes, self._sweeps):
            timer = timers.pop(room, None)
            if timer is not None:
                timer.cancel()

    def _refresh_later(self, room: Room) -> None:
        self._job("refresh", room, lambda: self._refresh(room))

    def _job(self, kind: str, subject: Hashable, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do something beside, unless it is being done for the same subject."""
        key = (kind, subject)
        running = self._jobs.get(key)
        if running is not None and not running.done():
            return
        task = asyncio.create_task(_logged(kind, work))
        self._jobs[key] = task
        task.add_done_callback(lambda _: self._job_done(key, task))

    def _job_done(self, key: tuple[str, Hashable], task: "asyncio.Task[None]") -> None:
        if self._jobs.get(key) is task:
            del self._jobs[key]


def _events_for(
    seat: Seat, snapshot: Snapshot, log: dict[int, str], made: dict[tuple[int, int], list[bytes] | None]
) -> list[bytes] | None:
    """Return the events that a seat asked for, as they travel; None where it must get STATE."""
    if seat.resume_from is None:
        return None
    since, epoch = seat.resume_from
    if epoch != snapshot.epoch or not 0 <= since <= snapshot.v:
        return None
    key = (since, seat.mask)
    if key not in made:
        versions = range(since + 1, snapshot.v + 1)
        is_whole = len(versions) <= RESUMABLE and all(v in log for v in versions)
        made[key] = conflated((log[v] for v in versions), seat.mask) if is_whole else None
    return made[key]


async def _every(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    while True:
        await asyncio.sleep(seconds)
        await _logged(work.__name__, work)


async def _logged(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Do something whose failure is logged: nobody waits for it, and it is tried again."""
    try:
        await work()
    except _TROUBLE as error:
        logger.warning("room_work_failed", work=name, error=str(error))
    except Exception:
        logger.exception("room_work_failed", work=name)
