"""The replay of a show: its page, the files behind it, and the host's wish to erase them.

Every file is asked for by its show and its number, and given out to whoever may see the show at that moment. No name
of a file ever comes from a request.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from auctions.errors import Refused
from auctions.models import StreamRecording
from auctions.recordings import bytes_written, read_table, stream_file
from auctions.selectors import auction_for_host
from auctions.streaming import ivs_recordings
from auctions.streaming.base import StreamTrouble
from bidding import services
from bidding.pages_replay import recording_to_play, replay_page, replayable_auctions

_PIECE: Final = 256 * 1024
_RANGE: Final = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")


@require_safe
def replay(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a recorded show with its chapters."""
    auction = get_object_or_404(replayable_auctions(request.user), slug=slug)
    page = replay_page(auction)
    response = render(request, "bidding/replay.html", {"auction": auction, "page": page})
    # What a service recorded comes from its bucket, or from where that is served.
    buckets = {ivs_recordings.origin(part.recording) for part in page.parts if part.recording.bucket}
    if buckets:
        origins = sorted(buckets | ({settings.IVS_RECORDINGS_URL} - {""}))
        response._csp_update = {"connect-src": origins, "media-src": origins}  # type: ignore[attr-defined]
    return response


@never_cache
@require_safe
def recording_table(request: HttpRequest, slug: str, recording_id: int) -> HttpResponse:
    """Tell where in a part's file a player may begin: marks of media time and byte."""
    table = read_table(_recorded_here(request, slug, recording_id).prefix)
    if table is None:
        raise Http404
    return JsonResponse(
        {"opening": table.opening, "marks": table.marks, "end_ms": table.end_ms, "end": table.end},
    )


@never_cache
@require_safe
async def recording_file(request: HttpRequest, slug: str, recording_id: int) -> HttpResponseBase:
    """Give out a part's file, or the range of it that was asked for: whole frames, as far as it is written."""
    recording = await sync_to_async(_recorded_here)(request, slug, recording_id)
    size = await asyncio.to_thread(bytes_written, recording.prefix)
    if size is None:
        raise Http404
    span = _span(request.headers.get("Range", ""), size)
    kind = recording.mime.partition(";")[0]
    if span is None:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"}, content_type=kind)
    start, end, is_part = span
    headers = {"Accept-Ranges": "bytes", "Content-Length": str(end - start)}
    if is_part:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    # A server drops the body of an answer to HEAD, but it would read it to its end.
    wanted = 0 if request.method == "HEAD" else end - start
    content = _read(stream_file(recording.prefix), start, wanted)
    return StreamingHttpResponse(content, status=206 if is_part else 200, headers=headers, content_type=kind)


@never_cache
@require_safe
def recording_playlist(request: HttpRequest, slug: str, recording_id: int, name: str) -> HttpResponse:
    """Give out a playlist of what a video service recorded, with addresses for whoever asks."""
    recording = recording_to_play(request.user, slug, recording_id)
    if recording is None or not recording.bucket:
        raise Http404
    try:
        text = ivs_recordings.playlist(recording, name)
    except StreamTrouble:
        return HttpResponse(status=503, content_type="text/plain")
    if text is None:
        raise Http404
    return HttpResponse(text, content_type="application/vnd.apple.mpegurl")


@login_required
@require_http_methods(["GET", "POST"])
def recording_erase(request: HttpRequest, auction_id: int) -> HttpResponse:
    """Erase a show's recording for a host who said that they are sure."""
    auction = auction_for_host(request.user, auction_id)
    if auction is None:
        raise Http404
    if request.method == "POST":
        assert isinstance(request.user, User)
        if request.POST.get("sure") != "on":
            messages.error(request, _("Nothing was erased: say first that you are sure."))
            return redirect("host_auction", auction_id=auction.pk)
        try:
            count = services.recordings_erase(auction=auction, actor=request.user)
        except Refused as refused:
            messages.error(request, refused.message)
        else:
            told = ngettext("The recording is erased.", "The recording is erased, all %(count)d parts of it.", count)
            messages.success(request, told % {"count": count} if count else _("There was no recording any more."))
    return redirect("host_auction", auction_id=auction.pk)


def _recorded_here(request: HttpRequest, slug: str, recording_id: int) -> StreamRecording:
    recording = recording_to_play(request.user, slug, recording_id)
    if recording is None or recording.bucket:
        raise Http404
    return recording


def _span(header: str, size: int) -> tuple[int, int, bool] | None:
    """Return the first byte, the one behind the last and whether a range was asked for; None where there is none such.

    What is no single range counts as none, as the standard has it.
    """
    asked = _RANGE.fullmatch(header.strip())
    if asked is None or asked[0] == "bytes=-":
        return 0, size, False
    first, last = asked[1], asked[2]
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return 0, size, False
    return (start, end, True) if start < end else None


async def _read(path: Path, start: int, length: int) -> AsyncIterator[bytes]:
    """Read a file piece by piece in a thread, as fast as whoever asked takes it."""
    file = await asyncio.to_thread(path.open, "rb")
    try:
        await asyncio.to_thread(file.seek, start)
        while length > 0:
            piece = await asyncio.to_thread(file.read, min(_PIECE, length))
            if not piece:
                return
            length -= len(piece)
            yield piece
    finally:
        file.close()
