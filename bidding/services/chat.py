"""Chat: who may say something, what becomes of the text, and where the lines are kept.

A line goes to the room's stream on the side server and to the room. The ledger process stores the stream; nothing
here writes SQL.
"""

import math
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import structlog
from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from msgspec import UNSET
from redis.exceptions import RedisError

from bidding import protocol
from bidding.engine.outcomes import EngineError
from bidding.engine.runner import arun
from bidding.engine.side import RoomKeys, take_token
from bidding.floor import async_side, side
from bidding.metrics import CHAT_LINES, CHAT_REFUSALS
from bidding.models import ChatMessage, ChatRoom, HouseWords, Mute
from bidding.protocol import ChatLine, ChatRefusalCode, ChatSettings, Namespace
from bidding.services.announcing import announce_signal
from bidding.services.wordfilter import WordFilter

logger = structlog.get_logger(__name__)

LINES_IN_STATE: Final = 50
_LINES_KEPT: Final = 1_000
_REPEAT_S: Final = 600
_AFTERMATH_S: Final = 86_400
_JOINERS: Final = frozenset("\u200c\u200d")
"""Invisible, but scripts and emoji need them."""
_FILLERS: Final = frozenset("\u115f\u1160\u3164\uffa0")
"""Letters that nobody sees: they would split a listed word, or make a line of nothing."""
_BLANK: Final = "\u2800"
"""A sign that looks like a space."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """Somebody signed in, as the room sees them."""

    user_id: int
    author: str
    paddle: int | None
    role: str | None


@dataclass(frozen=True, slots=True)
class ChatRules:
    """What moderators decided about the chat of one auction. The database owns it; a process keeps a copy."""

    settings: ChatSettings = ChatSettings(slow_mode_ms=0)  # noqa: RUF009 - immutable
    words: WordFilter = WordFilter("")  # noqa: RUF009 - immutable
    muted: Mapping[int, int | None] = field(default_factory=dict)
    """Users that may say nothing, and until when (ms); None is the whole show. An end may be past already."""

    def mute_of(self, user_id: int | None, now_ms: int) -> tuple[bool, int | None]:
        """Tell whether somebody is muted now, and until when."""
        if user_id is None or user_id not in self.muted:
            return False, None
        until_ms = self.muted[user_id]
        return (True, until_ms) if until_ms is None or until_ms > now_ms else (False, None)


NOT_READ: Final = ChatRules()
"""Stands for rules that no process has read yet: nothing is said under them."""


async def chat_say(
    *,
    auction_id: int,
    speaker: Speaker | None,
    is_open: bool,
    message: protocol.SayChat,
    rules: ChatRules,
    now_ms: int,
) -> protocol.ChatRejected | None:
    """Say something to the room; None where it was said (the speaker gets the CHAT like everybody).

    Who works for the auction, and so has a role, is neither slowed down nor filtered.
    """
    text = cleaned(message.text)
    if speaker is None:
        return _refusal(message, ChatRefusalCode.SIGN_IN)
    if not is_open:
        return _refusal(message, ChatRefusalCode.CLOSED)
    if rules is NOT_READ:
        return _refusal(message, ChatRefusalCode.UNAVAILABLE)
    is_muted, until_ms = rules.mute_of(speaker.user_id, now_ms)
    if is_muted:
        return _refusal(message, ChatRefusalCode.MUTED, None if until_ms is None else until_ms - now_ms)
    if not text:
        return _refusal(message, ChatRefusalCode.EMPTY)
    if len(text) > protocol.MAX_CHAT_CHARACTERS:
        return _refusal(message, ChatRefusalCode.TOO_LONG)
    if speaker.role is None and rules.words.blocks(text):
        return _refusal(message, ChatRefusalCode.BLOCKED)
    pace_ms = rules.settings.slow_mode_ms if speaker.role is None else 0
    try:
        return await _say(auction_id, speaker, text, message, pace_ms)
    except (RedisError, EngineError, OSError) as error:
        logger.warning("chat_unavailable", auction=auction_id, error=str(error))
        return _refusal(message, ChatRefusalCode.UNAVAILABLE)


def cleaned(text: str) -> str:
    """Return a text on one line, without control characters and without what turns the reading direction.

    Empty where nothing of it can be seen.
    """
    spaced = "".join(" " if character.isspace() or character == _BLANK else character for character in text)
    kept = "".join(
        character
        for character in spaced
        if character in _JOINERS or not (character in _FILLERS or unicodedata.category(character).startswith("C"))
    ).strip()
    return kept if any(unicodedata.category(character)[0] in "LNPS" for character in kept) else ""


async def recent_chat(auction_id: int) -> list[ChatLine]:
    """Return the last lines of a room, oldest first; raises a RedisError."""
    raw: Any = await async_side().xrevrange(RoomKeys(auction_id).chat, count=LINES_IN_STATE)
    return [_line(entry.decode(), fields) for entry, fields in reversed(raw)]


async def chat_since(auction_id: int, entry: str) -> list[ChatLine]:
    """Return the lines after one that is known, oldest first; raises a RedisError."""
    raw: Any = await async_side().xrange(RoomKeys(auction_id).chat, min=f"({entry}", count=LINES_IN_STATE)
    return [_line(entry.decode(), fields) for entry, fields in raw]


def stored_chat(auction_id: int) -> list[ChatLine]:
    """Return the last lines that the database holds, oldest first: for rooms whose stream is gone."""
    stored = ChatMessage.objects.filter(auction=auction_id, removed_at=None).order_by("-at_ms", "-pk")
    return [stored_line(said) for said in reversed(stored[:LINES_IN_STATE])]


def stored_line(said: ChatMessage) -> ChatLine:
    """Return a stored line as the room sees it."""
    return ChatLine(
        id=said.entry, author=said.author, paddle=said.paddle, role=said.role or None, text=said.text, at_ms=said.at_ms
    )


def chat_rules(auction_ids: Collection[int]) -> dict[int, ChatRules]:
    """Return what is decided about the chat of each of these auctions."""
    rooms = ChatRoom.objects.select_related("pinned").in_bulk(auction_ids)
    of_houses = HouseWords.objects.filter(organizer__auctions__in=auction_ids)
    house_words = dict(of_houses.values_list("organizer__auctions", "words"))
    muted: dict[int, dict[int, int | None]] = {}
    mutes = Mute.objects.filter(auction__in=auction_ids, lifted_at=None).exclude(until__lte=timezone.now())
    for auction_id, user_id, until in mutes.values_list("auction", "user", "until"):
        muted.setdefault(auction_id, {})[user_id] = None if until is None else round(until.timestamp() * 1000)
    rules = {}
    for auction_id in auction_ids:
        room = rooms.get(auction_id) or ChatRoom()
        settings_now = ChatSettings(
            slow_mode_ms=room.slow_mode_s * 1000, pinned=stored_line(room.pinned) if room.pinned else None
        )
        words = "\n".join(filter(None, (room.blocked_words, house_words.get(auction_id))))
        rules[auction_id] = ChatRules(settings_now, WordFilter(words), muted.get(auction_id, {}))
    return rules


def removed_lines(windows: Mapping[int, Collection[str]], since: datetime) -> dict[int, set[str]]:
    """Return what moderators took away of each auction: of the lines in its window, and of all lines since a time.

    Pages show more lines than a window holds.
    """
    every = {entry for entries in windows.values() for entry in entries}
    concerned = Q(entry__in=every) | Q(removed_at__gte=since)
    removed = ChatMessage.objects.filter(concerned, auction__in=windows, removed_at__isnull=False)
    found: dict[int, set[str]] = {auction_id: set() for auction_id in windows}
    for auction_id, entry in removed.values_list("auction", "entry"):
        found[auction_id].add(entry)
    return found


def chat_heads(auction_ids: Sequence[int]) -> dict[int, str | None]:
    """Return the newest entry of each room's chat stream, in one round trip; raises a RedisError."""
    pipe = side().pipeline(transaction=False)
    for auction_id in auction_ids:
        pipe.xrevrange(RoomKeys(auction_id).chat, count=1)
    newest: list[Any] = pipe.execute() if auction_ids else []
    return {
        auction_id: entries[0][0].decode() if entries else None
        for auction_id, entries in zip(auction_ids, newest, strict=True)
    }


def chat_close(auction_id: int) -> None:
    """Let the room's chat stream go a day after the show; the ledger has stored what was said."""
    side().expire(RoomKeys(auction_id).chat, _AFTERMATH_S)


def chat_store(*, auction_id: int, after: str | None = None, up_to: str = "+", count: int = 500) -> str | None:
    """Store the lines of a room's stream behind `after`, by default behind what is stored; raises a RedisError.

    Idempotent, and in the stream's order, so that what is stored never has a hole. Return the newest line stored.
    """
    if after is None:
        newest = ChatMessage.objects.filter(auction=auction_id).order_by("-at_ms", "-pk")
        after = newest.values_list("entry", flat=True).first()
    raw: Any = side().xrange(RoomKeys(auction_id).chat, min=f"({after}" if after else "-", max=up_to, count=count)
    ChatMessage.objects.bulk_create(
        (_chat_message(auction_id, entry.decode(), fields) for entry, fields in raw), ignore_conflicts=True
    )
    return raw[-1][0].decode() if raw else after


async def _say(
    auction_id: int, speaker: Speaker, text: str, message: protocol.SayChat, pace_ms: int
) -> protocol.ChatRejected | None:
    keys, client = RoomKeys(auction_id), async_side()
    said = keys.chat_said(speaker.user_id, message.id) if isinstance(message.id, str) else None
    if said is not None and await client.exists(said):
        return None
    refused = await _slowed(keys, speaker, message, pace_ms)
    if refused is not None:
        return refused
    # Only now: what fails before this was certainly not said, and may be repeated.
    if said is not None and not await client.set(said, 1, nx=True, ex=_REPEAT_S):
        return None
    fields: dict[Any, Any] = {
        "user": str(speaker.user_id),
        "author": speaker.author,
        "paddle": "" if speaker.paddle is None else str(speaker.paddle),
        "role": speaker.role or "",
        "text": text,
    }
    entry: Any = await client.xadd(keys.chat, fields, maxlen=_LINES_KEPT, approximate=True)
    CHAT_LINES.inc()
    line = ChatLine(
        id=entry.decode(),
        author=speaker.author,
        paddle=speaker.paddle,
        role=speaker.role,
        text=text,
        at_ms=_at_ms(entry.decode()),
    )
    await announce_signal(auction_id, Namespace.CHAT, protocol.Chat(line=line))
    return None


async def _slowed(
    keys: RoomKeys, speaker: Speaker, message: protocol.SayChat, pace_ms: int
) -> protocol.ChatRejected | None:
    """Take what a line costs; return the refusal of somebody who talks too fast."""
    rate, pace = keys.chat_rate(speaker.user_id), keys.chat_pace(speaker.user_id)
    bucket = take_token(rate, holds=settings.CHAT_BURST, refill_ms=settings.CHAT_REFILL_MS)
    allowance = await arun(async_side(), bucket)
    if not allowance.allowed:
        return _refusal(message, ChatRefusalCode.RATE_LIMITED, allowance.retry_after_ms)
    if pace_ms:
        allowance = await arun(async_side(), take_token(pace, holds=1, refill_ms=pace_ms))
        if not allowance.allowed:
            return _refusal(message, ChatRefusalCode.SLOW_MODE, allowance.retry_after_ms)
    return None


def _chat_message(auction_id: int, entry: str, fields: dict[bytes, bytes]) -> ChatMessage:
    line = _line(entry, fields)
    return ChatMessage(
        auction_id=auction_id,
        user_id=int(fields[b"user"]),
        entry=entry,
        author=line.author,
        paddle=line.paddle,
        role=line.role or "",
        text=line.text,
        at_ms=line.at_ms,
    )


def _line(entry: str, fields: dict[bytes, bytes]) -> ChatLine:
    paddle = fields[b"paddle"].decode()
    return ChatLine(
        id=entry,
        author=fields[b"author"].decode(),
        paddle=int(paddle) if paddle else None,
        role=fields[b"role"].decode() or None,
        text=fields[b"text"].decode(),
        at_ms=_at_ms(entry),
    )


def _at_ms(entry: str) -> int:
    return int(entry.partition("-")[0])


def _refusal(
    message: protocol.SayChat, code: ChatRefusalCode, retry_after_ms: int | None = None
) -> protocol.ChatRejected:
    CHAT_REFUSALS[code].inc()
    return protocol.ChatRejected(
        id=message.id,
        code=code.value,
        message=_wording(code, None if retry_after_ms is None else math.ceil(retry_after_ms / 1000)),
        retry_after_ms=UNSET if retry_after_ms is None else retry_after_ms,
    )


def _wording(code: ChatRefusalCode, seconds: int | None) -> str:
    match code:
        case ChatRefusalCode.SIGN_IN:
            return _("Sign in to chat.")
        case ChatRefusalCode.CLOSED:
            return _("The chat of this auction is closed.")
        case ChatRefusalCode.EMPTY:
            return _("Write something first.")
        case ChatRefusalCode.TOO_LONG:
            return _("At most %(most)s characters, please.") % {"most": protocol.MAX_CHAT_CHARACTERS}
        case ChatRefusalCode.RATE_LIMITED:
            return _("Too fast. Wait a moment.")
        case ChatRefusalCode.SLOW_MODE:
            return _("Slow mode is on. Wait %(seconds)s s.") % {"seconds": seconds}
        case ChatRefusalCode.MUTED if seconds is not None:
            return _("A moderator muted you. You can chat again in %(minutes)s min.") % {
                "minutes": math.ceil(seconds / 60)
            }
        case ChatRefusalCode.MUTED:
            return _("A moderator muted you for this show.")
        case ChatRefusalCode.BLOCKED:
            return _("That contains a word that is not wanted here.")
        case _:
            return _("The chat is not available right now.")
