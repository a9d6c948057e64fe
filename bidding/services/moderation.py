"""What moderators do in a room's chat: take lines away, pin one, mute, slow down, filter, and note.

The database owns every decision; the rooms are told after the commit and read it again. A decision names its reason
by a code; free text is for moderators alone. Voiding bids and banning bidders change prices and are not here.
"""

from datetime import timedelta
from functools import partial
from typing import Final

import structlog
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from accounts.models import User
from auctions.audit import audited
from auctions.errors import Refused
from auctions.models import Auction, Registration
from auctions.permissions import can_manage, can_moderate, works_for
from bidding import protocol
from bidding.engine.side import RoomKeys
from bidding.floor import side
from bidding.models import LONGEST_SLOW_MODE_S, ChatMessage, ChatRoom, ModerationReason, ModeratorNote, Mute
from bidding.services.announcing import announce_chat_rules_now, announce_signal_now
from bidding.services.chat import chat_store, cleaned

logger = structlog.get_logger(__name__)

LONGEST_MUTE_MIN: Final = 7 * 24 * 60
LONGEST_BLOCKED_WORDS: Final = 10_000


@audited
def chat_line_remove(*, auction: Auction, entry: str, actor: User, reason: ModerationReason) -> ChatMessage:
    """Take a line away from every page; doing it twice is fine. The words stay stored for disputes.

    Raises Refused where there is no such line.
    """
    _check_moderator(actor, auction)
    with transaction.atomic():
        said = _locked(line_of(auction, entry))
        if said.removed_at is None:
            said.removed_at, said.removed_by, said.removal_reason = timezone.now(), actor, reason
            said.save(update_fields=["removed_at", "removed_by", "removal_reason"])
            was_pinned = ChatRoom.objects.filter(auction=auction, pinned=said).update(pinned=None)
            if was_pinned:
                _tell_rules(auction)
        transaction.on_commit(partial(line_forget, auction.pk, entry))
    return said


@audited
def chat_line_pin(*, auction: Auction, entry: str | None, actor: User) -> ChatRoom:
    """Pin a line on top of the chat in place of another one; None takes the pin away.

    Raises Refused where there is no such line, or where it was taken away.
    """
    _check_moderator(actor, auction)
    with transaction.atomic():
        said = None if entry is None else _locked(line_of(auction, entry))
        if said is not None and said.removed_at is not None:
            raise _no_such_line()
        room, _created = ChatRoom.objects.update_or_create(auction=auction, defaults={"pinned": said})
        _tell_rules(auction)
    return room


@audited
def chat_room_change(
    *, auction: Auction, actor: User, slow_mode_s: int | None = None, blocked_words: str | None = None
) -> ChatRoom:
    """Set the pace of slow mode (seconds; 0 turns it off) and the blocked words (one a line); None leaves as it is."""
    _check_moderator(actor, auction)
    changed: dict[str, int | str] = {}
    if slow_mode_s is not None:
        if not 0 <= slow_mode_s <= LONGEST_SLOW_MODE_S:
            raise Refused(
                "invalid",
                _("Slow mode takes 0 to %(most)s seconds.") % {"most": LONGEST_SLOW_MODE_S},
                field="slow_mode_s",
            )
        changed["slow_mode_s"] = slow_mode_s
    if blocked_words is not None:
        if len(blocked_words) > LONGEST_BLOCKED_WORDS:
            raise Refused(
                "invalid",
                _("At most %(most)s characters of blocked words.") % {"most": LONGEST_BLOCKED_WORDS},
                field="blocked_words",
            )
        changed["blocked_words"] = blocked_words
    with transaction.atomic():
        room, _created = ChatRoom.objects.update_or_create(auction=auction, defaults=changed)
        _tell_rules(auction)
    return room


@audited
def person_mute(
    *, auction: Auction, user: User, actor: User, reason: ModerationReason, minutes: int | None = None, note: str = ""
) -> Mute:
    """Let somebody say nothing for so many minutes, or for the whole show; a new mute replaces the last one.

    Raises Refused where the person works for the auction.
    """
    _check_moderator(actor, auction)
    if works_for(user, auction):
        raise Refused("own_team", _("Who works for the auction cannot be muted."))
    if minutes is not None and not 1 <= minutes <= LONGEST_MUTE_MIN:
        raise Refused("invalid", _("A mute takes 1 to %(most)s minutes.") % {"most": LONGEST_MUTE_MIN}, field="minutes")
    with transaction.atomic():
        # One mute at a time: the lock on the auction keeps two moderators apart.
        Auction.objects.select_for_update().get(pk=auction.pk)
        now = timezone.now()
        Mute.objects.filter(auction=auction, user=user, lifted_at=None).update(lifted_at=now, lifted_by=actor)
        mute = Mute.objects.create(
            auction=auction,
            user=user,
            until=None if minutes is None else now + timedelta(minutes=minutes),
            reason=reason,
            note=note,
            created_by=actor,
        )
        _tell_rules(auction)
    return mute


@audited
def mute_lift(*, mute: Mute, actor: User) -> Mute:
    """Let somebody speak again; lifting twice is fine."""
    _check_moderator(actor, mute.auction)
    with transaction.atomic():
        mute = Mute.objects.select_for_update(of=("self",)).select_related("auction").get(pk=mute.pk)
        if mute.lifted_at is None:
            mute.lifted_at, mute.lifted_by = timezone.now(), actor
            mute.save(update_fields=["lifted_at", "lifted_by"])
        _tell_rules(mute.auction)
    return mute


@audited
def moderator_note_add(*, auction: Auction, user: User, actor: User, text: str) -> ModeratorNote:
    """Note something about somebody for the moderators of the auction's house."""
    _check_moderator(actor, auction)
    text = text.strip()
    if not text:
        raise Refused("invalid", _("Write the note first."), field="text")
    return ModeratorNote.objects.create(organizer=auction.organizer, user=user, text=text, created_by=actor)


@audited
def notice_send(*, auction: Auction, actor: User, text: str) -> None:
    """Send a quick message of the host to everybody in the room. It is not kept."""
    if not can_manage(actor, auction):
        raise Refused("forbidden", _("You may not speak for this auction."))
    text = cleaned(text)
    if not text:
        raise Refused("invalid", _("Write the message first."), field="text")
    if len(text) > protocol.MAX_CHAT_CHARACTERS:
        raise Refused(
            "invalid", _("At most %(most)s characters, please.") % {"most": protocol.MAX_CHAT_CHARACTERS}, field="text"
        )
    announce_signal_now(auction.pk, None, protocol.Notice(text=text))


def person_behind(*, auction: Auction, entry: str | None = None, paddle: int | None = None) -> User:
    """Return who said a line, or who holds a paddle; raises Refused where nobody does."""
    if entry is not None:
        return line_of(auction, entry).user
    holders = Registration.objects.select_related("user").filter(auction=auction)
    registration = None if paddle is None else holders.filter(paddle=paddle).first()
    if registration is None or registration.user is None:
        raise Refused("invalid", _("Nobody with an account holds this paddle."), field="paddle")
    return registration.user


def _check_moderator(actor: User, auction: Auction) -> None:
    if not can_moderate(actor, auction):
        raise Refused("forbidden", _("You may not moderate this auction."))


def line_of(auction: Auction, entry: str) -> ChatMessage:
    """Return a line as it is stored, after storing what the stream holds up to it."""
    lines = ChatMessage.objects.select_related("user").filter(auction=auction, entry=entry)
    said = lines.first()
    if said is None:
        _store_up_to(auction.pk, entry)
        said = lines.first()
    if said is None:
        raise _no_such_line()
    return said


def _locked(said: ChatMessage) -> ChatMessage:
    """Return a line as it is now, for this transaction alone: it may be taken away while another pins it."""
    return ChatMessage.objects.select_for_update().get(pk=said.pk)


def _store_up_to(auction_id: int, entry: str) -> None:
    at_ms, _sep, number = entry.partition("-")
    if not (at_ms.isascii() and at_ms.isdecimal() and number.isascii() and number.isdecimal() and len(entry) <= 40):
        return
    newest: str | None = None
    try:
        while (stored := chat_store(auction_id=auction_id, after=newest, up_to=entry)) != newest:
            newest = stored
    except RedisError as error:
        logger.warning("chat_not_stored", auction=auction_id, error=str(error))


def _no_such_line() -> Refused:
    return Refused("not_found", _("There is no such line."))


def line_forget(auction_id: int, entry: str) -> None:
    """Let a line go from the stream, so that nobody who joins reads it, then from the pages."""
    try:
        side().xdel(RoomKeys(auction_id).chat, entry)
    except RedisError as error:
        # Each room compares its lines with the database every few seconds.
        logger.warning("chat_line_not_deleted", auction=auction_id, error=str(error))
    announce_signal_now(auction_id, protocol.Namespace.CHAT, protocol.ChatRemoved(id=entry))


def _tell_rules(auction: Auction) -> None:
    transaction.on_commit(partial(announce_chat_rules_now, auction.pk))
