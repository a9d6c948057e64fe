"""Chat: who may say something, what becomes of the text, and where the lines are kept.

A line goes to the room's stream on the side server and to the room. The ledger process stores the stream; nothing
here writes SQL.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog
from django.conf import settings
from django.utils.translation import gettext as _
from msgspec import UNSET
from redis.exceptions import RedisError

from bidding import protocol
from bidding.engine.outcomes import EngineError
from bidding.engine.runner import arun
from bidding.engine.side import RoomKeys, take_token
from bidding.floor import async_side, side
from bidding.models import ChatMessage
from bidding.protocol import ChatLine, ChatRefusalCode, Namespace
from bidding.services.announcing import announce_signal

logger = structlog.get_logger(__name__)

LINES_IN_STATE: Final = 50
_LINES_KEPT: Final = 1_000
_REPEAT_S: Final = 600
_AFTERMATH_S: Final = 86_400
_JOINERS: Final = frozenset("\u200c\u200d")
"""Invisible, but scripts and emoji need them."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """Somebody signed in, as the room sees them."""

    user_id: int
    author: str
    paddle: int | None
    role: str | None


@dataclass(frozen=True, slots=True)
class ChatEntry:
    """A line of chat as the ledger stores it."""

    entry: str
    user_id: int
    author: str
    text: str
    at_ms: int


async def chat_say(
    *, auction_id: int, speaker: Speaker | None, is_open: bool, message: protocol.SayChat
) -> protocol.ChatRejected | None:
    """Say something to the room; None where it was said (the speaker gets the CHAT like everybody)."""
    text = cleaned(message.text)
    if speaker is None:
        return _refusal(message, ChatRefusalCode.SIGN_IN)
    if not is_open:
        return _refusal(message, ChatRefusalCode.CLOSED)
    if not text:
        return _refusal(message, ChatRefusalCode.EMPTY)
    if len(text) > protocol.MAX_CHAT_CHARACTERS:
        return _refusal(message, ChatRefusalCode.TOO_LONG)
    try:
        return await _say(auction_id, speaker, text, message)
    except (RedisError, EngineError, OSError) as error:
        logger.warning("chat_unavailable", auction=auction_id, error=str(error))
        return _refusal(message, ChatRefusalCode.UNAVAILABLE)


def cleaned(text: str) -> str:
    """Return a text on one line, without control characters and without what turns the reading direction."""
    spaced = "".join(" " if character.isspace() else character for character in text)
    visible = (
        character
        for character in spaced
        if character in _JOINERS or not unicodedata.category(character).startswith("C")
    )
    return "".join(visible).strip()


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
    return [
        ChatLine(id=said.entry, author=said.author, paddle=None, role=None, text=said.text, at_ms=said.at_ms)
        for said in reversed(stored[:LINES_IN_STATE])
    ]


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


def read_chat_after(auction_id: int, entry: str | None, count: int) -> list[ChatEntry]:
    """Return the lines after an entry of the stream, oldest first, for the ledger; raises a RedisError."""
    raw: Any = side().xrange(RoomKeys(auction_id).chat, min=f"({entry}" if entry else "-", count=count)
    return [
        ChatEntry(
            entry=entry_id.decode(),
            user_id=int(fields[b"user"]),
            author=fields[b"author"].decode(),
            text=fields[b"text"].decode(),
            at_ms=_at_ms(entry_id.decode()),
        )
        for entry_id, fields in raw
    ]


async def _say(auction_id: int, speaker: Speaker, text: str, message: protocol.SayChat) -> protocol.ChatRejected | None:
    keys, client = RoomKeys(auction_id), async_side()
    said = keys.chat_said(speaker.user_id, message.id) if isinstance(message.id, str) else None
    if said is not None and await client.exists(said):
        return None
    bucket = take_token(keys.chat_rate(speaker.user_id), holds=settings.CHAT_BURST, refill_ms=settings.CHAT_REFILL_MS)
    allowance = await arun(client, bucket)
    if not allowance.allowed:
        return _refusal(message, ChatRefusalCode.RATE_LIMITED, allowance.retry_after_ms)
    fields: dict[Any, Any] = {
        "user": str(speaker.user_id),
        "author": speaker.author,
        "paddle": "" if speaker.paddle is None else str(speaker.paddle),
        "role": speaker.role or "",
        "text": text,
    }
    entry: Any = await client.xadd(keys.chat, fields, maxlen=_LINES_KEPT, approximate=True)
    if said is not None:
        await client.set(said, 1, ex=_REPEAT_S)
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
    return protocol.ChatRejected(
        id=message.id,
        code=code.value,
        message=_wording(code),
        retry_after_ms=UNSET if retry_after_ms is None else retry_after_ms,
    )


def _wording(code: ChatRefusalCode) -> str:
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
        case _:
            return _("The chat is not available right now.")
