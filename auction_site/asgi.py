"""The site as one ASGI application: pages over HTTP, rooms over sockets.

Owns the rule for where sockets may come from. Who somebody is and what they may see, the apps decide.
"""

import codecs
import os
import sys
from typing import Any, cast
from urllib.parse import urlsplit

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "auction_site.settings")
http = get_asgi_application()

# The apps' models can be imported only once Django is set up.
from django.conf import settings  # noqa: E402
from django.urls import re_path  # noqa: E402
from django.utils.http import parse_header_parameters  # noqa: E402

from auction_site.bodies import Application, BodyLimit, answer  # noqa: E402
from auctions.problems import problem_response  # noqa: E402
from bidding.emf import report_every_minute  # noqa: E402
from bidding.relay import routing as relay  # noqa: E402
from bidding.room import routing as room  # noqa: E402
from bidding.room.consumers import no_such_room  # noqa: E402
from bidding.room.entrance import cookie  # noqa: E402


class OwnOrigin:
    """Lets sockets in that come from our own pages, or from programs that carry no session.

    A browser sends Origin with each handshake, so a foreign one, `null`, or none beside a session cookie is refused.
    The match is exact: a look-alike host is another host.
    """

    def __init__(self, inner: Application) -> None:
        self._inner = inner

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Pass the socket on, or refuse it in the handshake."""
        if _is_own(scope["headers"]):
            await self._inner(scope, receive, send)
            return
        await receive()
        await send({"type": "websocket.close"})


def _is_own(headers: list[tuple[bytes, bytes]]) -> bool:
    origins = [value for name, value in headers if name == b"origin"]
    if not origins:
        return cookie(headers, settings.SESSION_COOKIE_NAME) is None
    own = {origin.encode() for origin in (settings.PUBLIC_URL, *settings.CSRF_TRUSTED_ORIGINS)}
    return len(origins) == 1 and origins[0] in own


class OwnCharset:
    """Lets requests in that are written in UTF-8, as everything here is.

    Django reads the query in the charset that a request names before any middleware runs, and Python knows encodings
    that are no text: that would be an error of ours.
    """

    def __init__(self, inner: Application) -> None:
        self._inner = inner

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Pass the request on, or refuse it."""
        if _is_readable(scope["headers"]):
            await self._inner(scope, receive, send)
            return
        await answer(send, problem_response(400, "bad_request", "Send UTF-8."))


def _is_readable(headers: list[tuple[bytes, bytes]]) -> bool:
    for name, value in headers:
        if name == b"content-type":
            try:
                _type, parameters = parse_header_parameters(value.decode("latin-1"))
            except ValueError:
                return False
            try:
                charset = codecs.lookup(parameters.get("charset", "utf-8")).name
            except (LookupError, ValueError):
                # Django passes over a charset that does not exist.
                continue
            if charset not in {"utf-8", "ascii"}:
                return False
    return True


application = ProtocolTypeRouter(
    {
        "http": OwnCharset(BodyLimit(http)),
        "websocket": OwnOrigin(
            URLRouter(
                [*room.websocket_urlpatterns, *relay.websocket_urlpatterns, re_path(r"", cast("Any", no_such_room))]
            )
        ),
    }
)

if settings.METRICS_EMF:
    report_every_minute(urlsplit(settings.PUBLIC_URL).netloc, sys.stdout)
