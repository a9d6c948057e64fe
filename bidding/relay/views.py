"""The files of HLS: the playlist of a channel, its map and its segments, for whoever may watch at this moment."""

from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from auctions.errors import Refused
from bidding.relay.hls import NoHls, Shelf, shelf_of
from bidding.relay.publishing import TROUBLE
from bidding.services.streams import stream_watched

logger = structlog.get_logger(__name__)

PLAYLIST = "application/vnd.apple.mpegurl"
SEGMENT = "video/mp4"


@require_safe
def playlist(request: HttpRequest, channel_id: int) -> HttpResponse:
    """Name what can be played now. Who may watch is asked each time, so a ban ends it with the next second."""
    return _file(request, channel_id, lambda shelf: shelf.playlist(), PLAYLIST)


@require_safe
def opening(request: HttpRequest, channel_id: int, epoch: str) -> HttpResponse:
    """Give out what a player needs before the segments of a stream."""
    return _file(request, channel_id, lambda shelf: shelf.opening(epoch), SEGMENT)


@require_safe
def segment(request: HttpRequest, channel_id: int, epoch: str, number: int) -> HttpResponse:
    """Give out a segment."""
    return _file(request, channel_id, lambda shelf: shelf.segment(epoch, number), SEGMENT)


def _file(
    request: HttpRequest, channel_id: int, read: Callable[[Shelf], str | bytes | None], content_type: str
) -> HttpResponse:
    status, body = 200, b""
    try:
        stream_watched(channel_id=channel_id, user=request.user)
        content = read(shelf_of(channel_id))
    except Refused as refused:
        status, body = 404, refused.message.encode()
    except NoHls:
        status, body = 404, _("This stream is WebM, which HLS does not carry.").encode()
    except TROUBLE as error:
        logger.warning("hls_not_read", channel=channel_id, error=str(error))
        status, body = 503, _("The video server does not answer. Try again.").encode()
    else:
        if content is None:
            status, body = 404, _("No picture comes now.").encode()
        else:
            body = content.encode() if isinstance(content, str) else content
    response = HttpResponse(body, status=status, content_type=content_type if status == 200 else "text/plain")
    # Whoever stands between must not give it to others: who may watch is asked each time.
    response["Cache-Control"] = "private, no-store"
    return response
