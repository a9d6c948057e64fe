"""What no view can read is refused before any does, and errors of the API read like errors of the API.

Owns what is wrong with a request whatever its address is; what an address makes of its values is the app's.
"""

from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views import defaults

from auctions.problems import problem_response


class ReadableRequestMiddleware:
    """Refuse zero bytes where values come from that reach the database.

    PostgreSQL takes none: it would be an error in the middle of whatever asks first. Forms refuse them themselves, at
    their field.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass a readable request on."""
        query = unquote_to_bytes(request.META.get("QUERY_STRING", ""))
        if "\0" in request.path or b"\0" in query or any("\0" in value for value in request.COOKIES.values()):
            raise BadRequest("A zero byte means nothing here.")
        return self.get_response(request)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what could not be read."""
    if _is_api(request):
        return problem_response(400, "bad_request", "The request could not be read.")
    return defaults.bad_request(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer an address that does not exist."""
    if _is_api(request):
        return problem_response(404, "not_found", "Not found.")
    return defaults.page_not_found(request, exception)


def too_many_requests(request: HttpRequest) -> HttpResponse:
    """Answer who signs in, signs up or confirms too often: all that is limited this way is limited by the minute."""
    response = render(request, "429.html", status=429)
    response["Retry-After"] = "60"
    return response


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")
