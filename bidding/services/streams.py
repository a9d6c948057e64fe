"""Video beside the show: what its service must be told, what it says, and who gets an address to watch at.

The clock of the video (`streams_attend`) is not the clock of the floor: it has no part in opening, bidding or closing,
but for the one rule in `bidding.services.pictures`, and a service that does not answer holds up nothing but itself.
What must reach the service waits in the database until it took it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import msgspec
import structlog
from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from accounts.models import User
from accounts.sign_ins import SignIn, ended_sign_ins, in_portions
from auctions.errors import Refused
from auctions.models import (
    Auction,
    AuctionStatus,
    Registration,
    RegistrationStatus,
    StreamChannel,
    StreamRecording,
    ViewerAddress,
    ViewerRevocation,
    Visibility,
)
from auctions.permissions import AnyUser, RoomRights, room_rights, viewable_auctions
from auctions.streaming import provider
from auctions.streaming.base import Playback, StreamServiceAway, StreamState, StreamStatus, StreamTrouble
from bidding import protocol
from bidding.engine.lock import fenced
from bidding.floor import floor
from bidding.models import Event, LedgerPosition
from bidding.selectors import picture_is_lost, stream_part
from bidding.services.announcing import announce_signal_now
from bidding.services.pictures import pictures_note

logger = structlog.get_logger(__name__)

LOOK_EVERY_S: Final = 10
"""How often the service is asked how a live stream is; its events tell sooner."""
LOOK_AGAIN_S: Final = 2
"""The same, while its picture is lost."""
AGAIN_S: Final = 30
"""How long a channel that could not be made waits for the next attempt."""
SOON_S: Final = 5
"""How long an end, or somebody's end of watching, waits for the next attempt."""
REVOKED_FOR: Final = timedelta(days=1)
"""For how long it is tried: no show is longer."""
CUE_MS: Final = 5_000
"""After how long it is no news for the picture that a lot opened or closed."""
CUE_VERSIONS: Final = 500
"""How many versions back such news is looked for: more than pass in that time."""
ARCHIVE_AFTER: Final = timedelta(minutes=5)
"""How long after its stream a private channel stays: the service ends a recording first."""
TOLD_AGAIN_S: Final = 60
EVENT_REMEMBERED_S: Final = 24 * 60 * 60
"""As long as EventBridge tries."""
_TAKING_S: Final = 60
_ATTENDING_S: Final = 20
"""After how long another worker takes over from one that died. Two at once do no harm, for each thing has its turn."""
_STOPPING_MS: Final = 60_000
_CUES: Final = ("LOT_OPENED", "LOT_CLOSED")


# --- Who watches ---------------------------------------------------------------------------------------


def stream_playback(*, channel_id: int, user: AnyUser, sign_in: SignIn | None) -> Playback:
    """Return where this person watches the auction that is live on a channel. Raises Refused where they may not.

    An address of a private show ends with the sign-in that asked for it.
    """
    auction, channel = stream_watched(channel_id=channel_id, user=user)
    if not isinstance(user, User) or sign_in is None:
        return provider().playback(channel)
    if channel.is_private:
        rests_on = msgspec.json.encode(sign_in).decode()
        ViewerAddress.objects.get_or_create(auction=auction, sign_in=rests_on, defaults={"user": user})
    return provider().playback(channel, viewer=viewer_id(auction, user))


def stream_watched(*, channel_id: int, user: AnyUser) -> tuple[Auction, StreamChannel]:
    """Return the auction that this person may watch on a channel now. Raises Refused where there is none."""
    # By the key of the channel itself: whoever asks may name a number that no database holds.
    live = viewable_auctions(user).filter(stream_channel__pk=channel_id, status=AuctionStatus.LIVE)
    auction = live.select_related("stream_channel").first()
    if auction is None or auction.stream_channel is None or not _is_ours(auction.stream_channel):
        raise Refused("not_found", _("There is no such video."))
    if isinstance(user, User) and auction.registrations.filter(user=user, status=RegistrationStatus.BANNED).exists():
        raise Refused("not_found", _("There is no such video."))
    return auction, auction.stream_channel


def viewer_id(auction: Auction, user: User) -> str:
    """Return what the service knows a viewer by: it tells nothing of the person, and is another in each auction."""
    return salted_hmac("bidding.streams.viewer", f"{auction.pk}:{user.pk}", algorithm="sha256").hexdigest()[:32]


def viewer_revoke(registration: Registration) -> None:
    """Note, beside the ban that it follows from, that somebody must not watch a private auction any longer."""
    auction = registration.auction
    if registration.user is not None and auction.visibility == Visibility.INVITE_ONLY:
        ViewerRevocation.objects.create(auction=auction, user=registration.user)


# --- What the service says -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RecordingNews:
    """What an event tells of a recording: where it is, and that it began, or ended after so long."""

    bucket: str
    prefix: str
    at: datetime
    lasted: timedelta | None = None
    """None where it began."""


def stream_event_take(*, event_id: str, channel: StreamChannel, recording: RecordingNews | None = None) -> bool:
    """Take an event of the service; False where it was taken before. Raises StreamTrouble or a RedisError: send again.

    Events come late, twice and in any order, so one of a stream only says that it is time to ask the service.
    """
    key = f"stream:event:{event_id}"
    if not cache.add(key, 1, timeout=_TAKING_S):
        return False
    try:
        if recording is None:
            stream_look(channel=channel)
        else:
            _note_recording(channel, recording)
    except Exception:
        # It comes again, and is then no repetition.
        cache.delete(key)
        raise
    cache.set(key, 1, timeout=EVENT_REMEMBERED_S)
    return True


def stream_look(*, channel: StreamChannel) -> StreamState:
    """Ask the service how a stream is, and tell the show that is live on it and its room; raises StreamTrouble."""
    if channel.archived_at is not None:
        return StreamState.OFFLINE
    live = Auction.objects.select_related("stream_channel").filter(status=AuctionStatus.LIVE)
    auction = live.filter(stream_channel=channel).first()
    try:
        status = provider().look(channel)
    except StreamTrouble:
        if auction is not None:
            pictures_note(auction=auction, status=StreamStatus(StreamState.UNKNOWN))
        raise
    if auction is not None:
        pictures_note(auction=auction, status=status)
        if _is_news(auction, status.state):
            announce_signal_now(auction.pk, None, protocol.Stream(stream=stream_part(auction)))
    return status.state


def stream_warning(*, auction: Auction) -> str | None:
    """Return what keeps the pictures of a host who goes live away, in words for them; None where nothing does."""
    channel = auction.stream_channel
    if channel is None or not _is_ours(channel):
        return None
    try:
        provider().ingest(channel)
        stream_look(channel=channel)
    except StreamTrouble as error:
        return str(error)
    return None


def _is_news(auction: Auction, state: StreamState) -> bool:
    """Say whether the room has to be told; it is told again after a while, because a signal may be lost."""
    key = f"stream:{auction.pk}:told"
    try:
        if cache.get(key) == state.value:
            return False
        cache.set(key, state.value, timeout=TOLD_AGAIN_S)
    except (RedisError, OSError) as error:
        logger.warning("stream_not_read", auction=auction.pk, error=str(error))
    return True


def _note_recording(channel: StreamChannel, news: RecordingNews) -> None:
    ended = news.lasted is not None
    recording, is_new = StreamRecording.objects.get_or_create(
        bucket=news.bucket,
        prefix=news.prefix,
        defaults={
            "channel": channel,
            "started_at": news.at - (news.lasted or timedelta()),
            "ended_at": news.at if ended else None,
        },
    )
    if not is_new and ended:
        StreamRecording.objects.filter(pk=recording.pk).update(ended_at=news.at)


# --- The clock of the video ----------------------------------------------------------------------------


def streams_attend() -> None:
    """Do what the video asks for now: who must not watch first, then ends, notes, channels, and how streams are.

    One at a time does it, so that a service that is slow takes up one worker at most.
    """
    if not cache.add("stream:attending", 1, timeout=_ATTENDING_S):
        return
    try:
        for work in (_watchers, _revoke, _stop, _cue, _assign, _prepare, _look, _archive):
            work()
    except StreamServiceAway as error:
        # Whatever comes after would wait for the same nothing. The next second tries again.
        logger.warning("stream_service_away", error=str(error))
    finally:
        cache.delete("stream:attending")


def stream_stop(*, auction: Auction) -> None:
    """End the stream of a show that is over, once. Raises StreamTrouble where the service did not take it."""
    with fenced(floor(), f"stream:{auction.pk}", ttl_ms=_STOPPING_MS) as fence:
        auction = Auction.objects.select_related("stream_channel").get(pk=auction.pk)
        if fence is None or auction.stream_stopped_at is not None:
            return
        channel = auction.stream_channel
        # The next show on the channel may be live by now: what is sent is its own.
        is_free = not Auction.objects.filter(stream_channel=channel, status=AuctionStatus.LIVE).exists()
        if channel is not None and _is_ours(channel) and auction.went_live_at is not None and is_free:
            provider().end(channel)
        Auction.objects.filter(pk=auction.pk).update(stream_stopped_at=timezone.now())


def _watchers() -> None:
    """End what those watch of private shows who lost the right to it, or whose sign-in is over, like seats of rooms."""
    if not provider().is_remote or not cache.add("stream:watchers", 1, timeout=SOON_S):
        return
    ViewerAddress.objects.exclude(auction__status=AuctionStatus.LIVE).delete()
    watched: dict[Auction, list[ViewerAddress]] = {}
    for address in ViewerAddress.objects.select_related("auction"):
        watched.setdefault(address.auction, []).append(address)
    for auction, addresses in watched.items():
        sign_ins = {each: msgspec.json.decode(each.sign_in, type=SignIn) for each in addresses}
        ended = ended_sign_ins(set(sign_ins.values()))
        rights: dict[int, RoomRights] = {}
        for people in in_portions({each.user_id for each in addresses}):
            rights |= room_rights(auction, people)
        for address, sign_in in sign_ins.items():
            if sign_in in ended or not rights[address.user_id].sees:
                _end_watching(address)


def _end_watching(address: ViewerAddress) -> None:
    with transaction.atomic():
        # Two clocks at once tell it once. Who may still watch by another sign-in asks for another address.
        if ViewerAddress.objects.filter(pk=address.pk).delete()[0]:
            ViewerRevocation.objects.create(auction=address.auction, user_id=address.user_id)


def _revoke() -> None:
    waiting = ViewerRevocation.objects.filter(done_at=None, created_at__gt=timezone.now() - REVOKED_FOR)
    for revocation in waiting.select_related("auction__stream_channel", "user"):
        _attempt(f"revoke:{revocation.pk}", SOON_S, partial(_revoke_one, revocation))


def _revoke_one(revocation: ViewerRevocation) -> None:
    auction = revocation.auction
    if auction.stream_channel is not None and _is_ours(auction.stream_channel):
        # An address may have been made in the second in which the ban was written.
        up_to = revocation.created_at + timedelta(seconds=1)
        provider().revoke(auction.stream_channel, viewer_id(auction, revocation.user), up_to=up_to)
    ViewerRevocation.objects.filter(pk=revocation.pk).update(done_at=timezone.now())


def _stop() -> None:
    over = Auction.objects.filter(status__in=(AuctionStatus.ENDED, AuctionStatus.CANCELLED), stream_stopped_at=None)
    for auction in over.filter(stream_channel__isnull=False):
        _attempt(f"stop:{auction.pk}", SOON_S, partial(stream_stop, auction=auction))


def _cue() -> None:
    """Put into the pictures which lot came up or was sold, so that a player can show it beside them."""
    if not provider().is_remote:
        return
    for auction, channel in _live_shows():
        position = LedgerPosition.objects.get(auction=auction)
        fresh_ms = timezone.now().timestamp() * 1000 - CUE_MS
        recent = Event.objects.filter(auction=auction, v__gt=position.v - CUE_VERSIONS, s=0, kind__in=_CUES)
        for event in recent.filter(at_ms__gt=fresh_ms).order_by("v"):
            cue = partial(provider().send_metadata, channel, cue_of(event))
            _attempt(f"{auction.pk}:cue:{event.v}", TOLD_AGAIN_S, cue)


def cue_of(event: Event) -> dict[str, Any]:
    """Return the note on a lot that opened or closed: its version, and what a caption needs."""
    public = protocol.decode_event(event.public)
    if event.kind == "LOT_OPENED":
        return {"v": event.v, "type": event.kind, "lot": public["lot"]["id"], "number": public["lot"]["number"]}
    told = {name: public[name] for name in ("lot", "result", "amount", "winner")}
    return {"v": event.v, "type": event.kind, **told}


def _assign() -> None:
    """Give auctions that were made under another provider a channel of this one, as long as they are not live."""
    waiting = Auction.objects.filter(status__in=(AuctionStatus.DRAFT, AuctionStatus.SCHEDULED))
    others = waiting.filter(stream_channel__isnull=False).exclude(stream_channel__provider=settings.STREAM_PROVIDER)
    for auction in others.select_related("organizer"):
        private = auction.visibility == Visibility.INVITE_ONLY
        with transaction.atomic():
            channel = provider().assign_channel(auction.organizer, private=private)
            Auction.objects.filter(pk=auction.pk).update(stream_channel=channel)


def _prepare() -> None:
    rows = StreamChannel.objects.filter(provider=settings.STREAM_PROVIDER, external_id="", archived_at=None)
    used = (AuctionStatus.DRAFT, AuctionStatus.SCHEDULED, AuctionStatus.LIVE)
    for channel in rows.filter(auctions__status__in=used).distinct():
        _attempt(f"{channel.pk}:prepare", AGAIN_S, partial(provider().prepare, channel))


def _archive() -> None:
    """Put private channels away whose auction needs them no more, so that they do not fill the service's account."""
    stopped = timezone.now() - ARCHIVE_AFTER
    over = Q(status__in=(AuctionStatus.ENDED, AuctionStatus.CANCELLED), stream_stopped_at__lt=stopped)
    needed = Auction.objects.filter(~over, stream_channel=OuterRef("pk"))
    private = StreamChannel.objects.filter(provider=settings.STREAM_PROVIDER, is_private=True, archived_at=None)
    for channel in private.filter(~Exists(needed)):
        _attempt(f"{channel.pk}:archive", AGAIN_S, partial(_archive_one, channel))


def _archive_one(channel: StreamChannel) -> None:
    provider().archive(channel)
    # Its name at the service stays: a recording may be told of late.
    StreamChannel.objects.filter(pk=channel.pk).update(archived_at=timezone.now(), stream_key="")


def _look() -> None:
    for auction, channel in _live_shows():
        look = partial(stream_look, channel=channel)
        if not provider().is_remote:
            # The relay tells the room by itself, and nobody far away is asked.
            pictures_note(auction=auction, status=provider().status(channel))
        elif picture_is_lost(auction):
            _attempt(f"{channel.pk}:look_again", LOOK_AGAIN_S, look)
        else:
            _attempt(f"{channel.pk}:look", LOOK_EVERY_S, look)


def _live_shows() -> list[tuple[Auction, StreamChannel]]:
    """Return the live auctions with their channels, as far as those are of the provider that is chosen now."""
    live = Auction.objects.filter(status=AuctionStatus.LIVE, stream_channel__provider=settings.STREAM_PROVIDER)
    shows = live.exclude(stream_channel__external_id="").select_related("stream_channel")
    return [(show, show.stream_channel) for show in shows if show.stream_channel is not None]


def _attempt(what: str, every_s: int, work: Callable[[], object]) -> None:
    """Do one thing unless it was tried a moment ago. What the service refuses waits, and holds up nothing else."""
    if not cache.add(f"stream:{what}", 1, timeout=every_s):
        return
    try:
        work()
    except StreamServiceAway:
        raise
    except StreamTrouble as error:
        logger.warning("stream_waits", what=what, error=str(error))


def _is_ours(channel: StreamChannel) -> bool:
    """Say whether the provider that is chosen now made this channel."""
    return channel.provider == settings.STREAM_PROVIDER
