"""Serves pictures that are kept on this machine. They were written by us alone, re-encoded and small."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.http.response import StreamingHttpResponse
from django.views.static import serve


def media(request: HttpRequest, path: str) -> HttpResponseBase:
    """Return a picture whole: a stream read from a file would hold up the event loop."""
    try:
        found = serve(request, path, document_root=str(settings.MEDIA_ROOT))
    except OSError as error:
        # No file of ours has a name that the system cannot even look up.
        raise Http404 from error
    if not isinstance(found, StreamingHttpResponse):
        return found
    picture = HttpResponse(b"".join(found), headers=dict(found.headers))
    found.close()
    # Their names are random and a changed picture gets another one.
    picture["Cache-Control"] = "public, max-age=31536000, immutable"
    return picture
