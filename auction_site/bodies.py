"""How much of a request is taken at all: what is longer is refused before anything keeps it.

Django writes a whole body into a temporary file before it asks what the address is and who may use it, so without
this anybody could fill the disk. Owns the lengths; what a body means, the apps know.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from django.conf import settings
from django.http import HttpResponse

from auctions.media import MAX_UPLOAD_BYTES
from auctions.problems import problem_response
from bidding.room.entrance import cookie

Application = Callable[[dict[str, Any], Any, Any], Awaitable[None]]

MIB: Final = 1024 * 1024
MOST_BYTES: Final = 2 * MIB
"""Of forms and JSON: a show of two hundred lots is a tenth of it."""
ONE_PICTURE: Final = MAX_UPLOAD_BYTES + MIB
MANY_PICTURES: Final = 128 * MIB
"""Of the forms that send their pictures with them where no script sends them one by one."""
WITH_PICTURES: Final = (
    ("/uploads/", ONE_PICTURE, False),
    ("/accounts/profile/", ONE_PICTURE, True),
    ("/host/", MANY_PICTURES, True),
    ("/admin/", MANY_PICTURES, True),
)
"""Where an address begins so, as many bytes; and whether only for who carries a session."""


class BodyLimit:
    """Lets requests in whose body is no longer than their address needs; others are answered 413.

    A length that is told is refused at once; where none is told, what comes is counted.
    """

    def __init__(self, inner: Application) -> None:
        self._inner = inner

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Pass the request on, or refuse it."""
        most = most_bytes(scope["path"], has_session=cookie(scope["headers"], settings.SESSION_COOKIE_NAME) is not None)
        if _told(scope["headers"]) > most:
            await answer(send, _refusal(scope["path"], most))
            return
        taken = 0

        async def counted() -> Any:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            # Django gives up a request whose sender has gone, and removes what it kept.
            return message if taken <= most else {"type": "http.disconnect"}

        await self._inner(scope, counted, send)
        if taken > most:
            await answer(send, _refusal(scope["path"], most))


def most_bytes(path: str, *, has_session: bool) -> int:
    """Return how long the body of a request to this address may be."""
    if path.startswith("/host/") and path.endswith("/import/"):
        # A table of lots is text.
        return MOST_BYTES
    for beginning, most, needs_session in WITH_PICTURES:
        if path.startswith(beginning) and (has_session or not needs_session):
            return most
    return MOST_BYTES


async def answer(send: Any, response: HttpResponse) -> None:
    """Send a response that needed no Django."""
    headers = [(name.lower().encode(), value.encode()) for name, value in response.items()]
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": response.content})


def _told(headers: list[tuple[bytes, bytes]]) -> int:
    length = next((value for name, value in headers if name == b"content-length"), b"0")
    return int(length) if length.isdigit() and len(length) < 20 else MANY_PICTURES + 1


def _refusal(path: str, most: int) -> HttpResponse:
    text = f"This address takes at most {most // MIB} MB at once. Send less, or in several parts."
    if path.startswith("/api/"):
        refusal = problem_response(413, "too_large", text)
    else:
        refusal = HttpResponse(text, status=413, content_type="text/plain; charset=utf-8")
    # What is still on its way is not read.
    refusal["Connection"] = "close"
    return refusal
