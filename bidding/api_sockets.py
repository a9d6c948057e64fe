"""The part of the API that describes the live sockets: the AsyncAPI document, and a page of it for people.

Decides nothing and knows no message; `bidding.asyncapi` and `bidding.protocol_page` do.
"""

import hashlib
from functools import cache

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import condition, require_safe

from bidding.asyncapi import asyncapi_document
from bidding.protocol_page import protocol_page


@cache
def _document() -> tuple[bytes, str]:
    """Return the document and its ETag; neither changes while a process lives."""
    document = asyncapi_document(
        title=settings.SITE_NAME, url=settings.PUBLIC_URL, session_cookie=settings.SESSION_COOKIE_NAME
    )
    body = msgspec.json.encode(document)
    return body, f'"{hashlib.sha256(body).hexdigest()[:32]}"'


@require_safe
@cache_control(public=True, max_age=300)
@condition(etag_func=lambda _request: _document()[1])
def asyncapi(request: HttpRequest) -> HttpResponse:
    """Publish the AsyncAPI document of this site's sockets, also to tools on other origins."""
    return HttpResponse(_document()[0], content_type="application/json", headers={"Access-Control-Allow-Origin": "*"})


@require_safe
def asyncapi_page(request: HttpRequest) -> HttpResponse:
    """Show every message, code and sample of the sockets."""
    return render(request, "bidding/sockets.html", {"page": protocol_page(settings.PUBLIC_URL)})
